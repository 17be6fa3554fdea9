"""Pooling over 1, 2 or 3 dims: (N, C, *size) -> (N, C, *smaller), or without N. Formulas are those of nn.functional."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from ...core.tensor import Tensor
from .. import functional as F
from .conv import sizes
from .declared import Declared

__all__ = [
    "AdaptiveAvgPool1d", "AdaptiveAvgPool2d", "AdaptiveAvgPool3d", "AdaptiveMaxPool1d", "AdaptiveMaxPool2d",
    "AdaptiveMaxPool3d", "AvgPool1d", "AvgPool2d", "AvgPool3d", "FractionalMaxPool2d", "FractionalMaxPool3d",
    "LPPool1d", "LPPool2d", "LPPool3d", "MaxPool1d", "MaxPool2d", "MaxPool3d", "MaxUnpool1d", "MaxUnpool2d",
    "MaxUnpool3d",
]  # fmt: skip

Size = int | Sequence[int]


class _Windows(Declared):
    """Windows follow each other where no stride is given."""

    def __post_init__(self) -> None:
        own = vars(self)
        if own["stride"] is None:
            own["stride"] = own["kernel_size"]


class _MaxPoolNd(_Windows, function="", hidden="return_indices"):
    kernel_size: Size
    stride: Size | None = None
    padding: Size = 0
    dilation: Size = 1
    return_indices: bool = False
    ceil_mode: bool = False


class _AvgPoolNd(_Windows, function="", hidden="ceil_mode count_include_pad divisor_override"):
    kernel_size: Size
    stride: Size | None = None
    padding: Size = 0
    ceil_mode: bool = False
    count_include_pad: bool = True
    divisor_override: int | None = None


class _LPPoolNd(Declared, function=""):
    norm_type: float
    kernel_size: Size
    stride: Size | None = None
    ceil_mode: bool = False


class _AdaptiveMaxPoolNd(Declared, function="", hidden="return_indices"):
    output_size: Size
    return_indices: bool = False


class _AdaptiveAvgPoolNd(Declared, function=""):
    output_size: Size


class AvgPool1d(_Windows, function="avg_pool1d", hidden="ceil_mode count_include_pad"):
    kernel_size: Size
    stride: Size | None = None
    padding: Size = 0
    ceil_mode: bool = False
    count_include_pad: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("kernel_size", "stride", "padding"):
            setattr(self, name, sizes(getattr(self, name), 1))


class MaxPool1d(_MaxPoolNd, function="max_pool1d"):
    pass


class MaxPool2d(_MaxPoolNd, function="max_pool2d"):
    pass


class MaxPool3d(_MaxPoolNd, function="max_pool3d"):
    pass


class AvgPool2d(_AvgPoolNd, function="avg_pool2d"):
    pass


class AvgPool3d(_AvgPoolNd, function="avg_pool3d"):
    pass


class LPPool1d(_LPPoolNd, function="lp_pool1d"):
    pass


class LPPool2d(_LPPoolNd, function="lp_pool2d"):
    pass


class LPPool3d(_LPPoolNd, function="lp_pool3d"):
    pass


class _MaxUnpoolNd(_Windows, function=""):
    """(values, positions) of a max pooling -> its input's shape, zero elsewhere; output_size where it isn't clear."""

    kernel_size: Size
    stride: Size | None = None
    padding: Size = 0

    dims: ClassVar[int]

    def __init_subclass__(cls, dims: int = 0, **kwargs: Any) -> None:
        if dims:
            cls.dims, kwargs["function"] = dims, f"max_unpool{dims}d"
        super().__init_subclass__(**kwargs)

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in self._signature.parameters:
            setattr(self, name, sizes(getattr(self, name), self.dims))

    def forward(self, input: Tensor, indices: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        unpool = getattr(F, self._function)
        return unpool(input, indices, self.kernel_size, self.stride, self.padding, output_size)


class MaxUnpool1d(_MaxUnpoolNd, dims=1):
    pass


class MaxUnpool2d(_MaxUnpoolNd, dims=2):
    pass


class MaxUnpool3d(_MaxUnpoolNd, dims=3):
    pass


class _FractionalMaxPool(Declared, function="", text=""):
    """The largest elements of windows that begin at random. Source: Graham 2014, arXiv:1412.6071."""

    kernel_size: Size
    output_size: Size | None = None
    output_ratio: float | Sequence[float] | None = None
    return_indices: bool = False
    _random_samples: Tensor | None = None

    dims: ClassVar[int]

    def __init_subclass__(cls, dims: int = 0, **kwargs: Any) -> None:
        if dims:
            cls.dims, kwargs["function"] = dims, f"fractional_max_pool{dims}d"
        super().__init_subclass__(**kwargs)

    def __post_init__(self) -> None:
        own = vars(self)
        self.register_buffer("_random_samples", own.pop("_random_samples"))
        for name in ("kernel_size", "output_size", "output_ratio"):
            if own[name] is not None:
                own[name] = sizes(own[name], self.dims)
        if (self.output_size is None) == (self.output_ratio is None):
            raise ValueError(f"{type(self).__name__} requires either output_size or output_ratio, one of both")
        if self.output_ratio is not None and not all(0 < ratio < 1 for ratio in own["output_ratio"]):
            raise ValueError(f"output_ratio must be between 0 and 1 (got {self.output_ratio})")


class FractionalMaxPool2d(_FractionalMaxPool, dims=2):
    pass


class FractionalMaxPool3d(_FractionalMaxPool, dims=3):
    pass


class AdaptiveMaxPool1d(_AdaptiveMaxPoolNd, function="adaptive_max_pool1d"):
    pass


class AdaptiveMaxPool2d(_AdaptiveMaxPoolNd, function="adaptive_max_pool2d"):
    pass


class AdaptiveMaxPool3d(_AdaptiveMaxPoolNd, function="adaptive_max_pool3d"):
    pass


class AdaptiveAvgPool1d(_AdaptiveAvgPoolNd, function="adaptive_avg_pool1d"):
    pass


class AdaptiveAvgPool2d(_AdaptiveAvgPoolNd, function="adaptive_avg_pool2d"):
    pass


class AdaptiveAvgPool3d(_AdaptiveAvgPoolNd, function="adaptive_avg_pool3d"):
    pass

"""Pooling over 1, 2 or 3 dims: (N, C, *size) -> (N, C, *smaller), or without N. Formulas are those of nn.functional."""

from __future__ import annotations

from collections.abc import Sequence

from .conv import sizes
from .declared import Declared

__all__ = [
    "AdaptiveAvgPool1d", "AdaptiveAvgPool2d", "AdaptiveAvgPool3d", "AdaptiveMaxPool1d", "AdaptiveMaxPool2d",
    "AdaptiveMaxPool3d", "AvgPool1d", "AvgPool2d", "AvgPool3d", "LPPool1d", "LPPool2d", "MaxPool1d",
    "MaxPool2d", "MaxPool3d",
]  # fmt: skip

Size = int | Sequence[int]


class _Windows(Declared):
    """Windows follow each other where no stride is given."""

    def __post_init__(self) -> None:
        own = vars(self)
        if own["stride"] is None:
            own["stride"] = own["kernel_size"]


class _MaxPool(_Windows, function="", hidden="return_indices"):
    kernel_size: Size
    stride: Size | None = None
    padding: Size = 0
    dilation: Size = 1
    return_indices: bool = False
    ceil_mode: bool = False


class _AvgPool(_Windows, function="", hidden="ceil_mode count_include_pad divisor_override"):
    kernel_size: Size
    stride: Size | None = None
    padding: Size = 0
    ceil_mode: bool = False
    count_include_pad: bool = True
    divisor_override: int | None = None


class _LPPool(Declared, function=""):
    norm_type: float
    kernel_size: Size
    stride: Size | None = None
    ceil_mode: bool = False


class _AdaptiveMaxPool(Declared, function="", hidden="return_indices"):
    output_size: Size
    return_indices: bool = False


class _AdaptiveAvgPool(Declared, function=""):
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


class MaxPool1d(_MaxPool, function="max_pool1d"):
    pass


class MaxPool2d(_MaxPool, function="max_pool2d"):
    pass


class MaxPool3d(_MaxPool, function="max_pool3d"):
    pass


class AvgPool2d(_AvgPool, function="avg_pool2d"):
    pass


class AvgPool3d(_AvgPool, function="avg_pool3d"):
    pass


class LPPool1d(_LPPool, function="lp_pool1d"):
    pass


class LPPool2d(_LPPool, function="lp_pool2d"):
    pass


class AdaptiveMaxPool1d(_AdaptiveMaxPool, function="adaptive_max_pool1d"):
    pass


class AdaptiveMaxPool2d(_AdaptiveMaxPool, function="adaptive_max_pool2d"):
    pass


class AdaptiveMaxPool3d(_AdaptiveMaxPool, function="adaptive_max_pool3d"):
    pass


class AdaptiveAvgPool1d(_AdaptiveAvgPool, function="adaptive_avg_pool1d"):
    pass


class AdaptiveAvgPool2d(_AdaptiveAvgPool, function="adaptive_avg_pool2d"):
    pass


class AdaptiveAvgPool3d(_AdaptiveAvgPool, function="adaptive_avg_pool3d"):
    pass

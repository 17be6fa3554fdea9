"""Layers without parameters that pad, resize, rearrange or compare. Formulas are those of nn.functional."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from ...core.tensor import Tensor
from .. import functional as F
from .conv import sizes
from .declared import Declared

__all__ = [
    "ChannelShuffle", "CircularPad1d", "CircularPad2d", "CircularPad3d", "ConstantPad1d", "ConstantPad2d",
    "ConstantPad3d", "CosineSimilarity", "Fold", "PairwiseDistance", "PixelShuffle", "PixelUnshuffle",
    "ReflectionPad1d", "ReflectionPad2d", "ReflectionPad3d", "ReplicationPad1d", "ReplicationPad2d",
    "ReplicationPad3d", "Unfold", "Upsample", "UpsamplingBilinear2d", "UpsamplingNearest2d", "ZeroPad1d", "ZeroPad2d",
    "ZeroPad3d",
]  # fmt: skip

Size = int | Sequence[int]


class _Pad(Declared, function="", text="{padding}"):
    """padding: one number for every edge, or two for each dim, the last dim first; dims and mode are the class's."""

    padding: Any

    dims: ClassVar[int]
    mode: ClassVar[str]

    def __init_subclass__(cls, dims: int = 0, mode: str = "constant", **kwargs: Any) -> None:
        if dims:
            cls.dims, cls.mode = dims, mode
            kwargs["function"] = "pad"
        super().__init_subclass__(**kwargs)

    def __post_init__(self) -> None:
        self.padding = sizes(self.padding, 2 * self.dims)

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, self.mode, getattr(self, "value", None))


class _ConstantPad(_Pad, function="", text="padding={padding}, value={value}"):
    padding: Any
    value: float


class ZeroPad1d(_Pad, dims=1):
    pass


class ZeroPad2d(_Pad, dims=2):
    pass


class ZeroPad3d(_Pad, dims=3):
    pass


class ConstantPad1d(_ConstantPad, dims=1):
    pass


class ConstantPad2d(_ConstantPad, dims=2):
    pass


class ConstantPad3d(_ConstantPad, dims=3):
    pass


class ReflectionPad1d(_Pad, dims=1, mode="reflect"):
    pass


class ReflectionPad2d(_Pad, dims=2, mode="reflect"):
    pass


class ReflectionPad3d(_Pad, dims=3, mode="reflect"):
    pass


class ReplicationPad1d(_Pad, dims=1, mode="replicate"):
    pass


class ReplicationPad2d(_Pad, dims=2, mode="replicate"):
    pass


class ReplicationPad3d(_Pad, dims=3, mode="replicate"):
    pass


class _CircularPad(_Pad, function=""):
    padding: Any

    def forward(self, input: Tensor) -> Tensor:
        n = self.dims + 1
        if input.dim() not in (n, n + 1):
            raise ValueError(f"expected {n}D or {n + 1}D input (got {input.dim()}D input)")
        return super().forward(input)


class CircularPad1d(_CircularPad, dims=1, mode="circular"):
    pass


class CircularPad2d(_CircularPad, dims=2, mode="circular"):
    pass


class CircularPad3d(_CircularPad, dims=3, mode="circular"):
    pass


class Upsample(Declared, function="interpolate"):
    """To a size, or by a factor: (N, C, *size) -> (N, C, *larger)."""

    size: Size | None = None
    scale_factor: float | Sequence[float] | None = None
    mode: str = "nearest"
    align_corners: bool | None = None
    recompute_scale_factor: bool | None = None

    def __post_init__(self) -> None:
        factor: Any = self.scale_factor
        if factor is not None:
            self.scale_factor = tuple(map(float, factor)) if isinstance(factor, tuple) else float(factor)

    def extra_repr(self) -> str:
        name = "size" if self.scale_factor is None else "scale_factor"
        return f"{name}={getattr(self, name)!r}, mode={self.mode!r}"


class UpsamplingNearest2d(Upsample, function="interpolate", also="mode"):
    """Upsample by the nearest element: (N, C, H, W)."""

    size: Size | None = None
    scale_factor: float | tuple[float, float] | None = None

    mode = "nearest"


class UpsamplingBilinear2d(Upsample, function="interpolate", also="mode align_corners"):
    """Upsample by bilinear interpolation between aligned corners: (N, C, H, W)."""

    size: Size | None = None
    scale_factor: float | tuple[float, float] | None = None

    mode = "bilinear"
    align_corners = True


class PixelShuffle(Declared, function="pixel_shuffle"):
    """(*, C r^2, H, W) -> (*, C, H r, W r)."""

    upscale_factor: int


class PixelUnshuffle(Declared, function="pixel_unshuffle"):
    """(*, C, H r, W r) -> (*, C r^2, H, W)."""

    downscale_factor: int


class ChannelShuffle(Declared, function="channel_shuffle"):
    """Channels (groups, n) in the order (n, groups)."""

    groups: int


class Unfold(Declared, function="unfold"):
    """Windows as columns: (N, C, *size) -> (N, C prod(kernel_size), windows)."""

    kernel_size: Size
    dilation: Size = 1
    padding: Size = 0
    stride: Size = 1


class Fold(Declared, function="fold"):
    """Columns added up where their windows lie: (N, C prod(kernel_size), windows) -> (N, C, *output_size)."""

    output_size: Size
    kernel_size: Size
    dilation: Size = 1
    padding: Size = 0
    stride: Size = 1


class CosineSimilarity(Declared, function="cosine_similarity", text=""):
    """x1 . x2 / (|x1| |x2|) along a dim."""

    dim: int = 1
    eps: float = 1e-8


class PairwiseDistance(Declared, function="pairwise_distance", text=""):
    """|x1 - x2 + eps|_p along the last dim."""

    p: float = 2.0
    eps: float = 1e-6
    keepdim: bool = False

"""Sizes changed: interpolation, pixel shuffle, unfold and fold.

Linear, bicubic and area interpolation along a dim of n elements is a matrix (m, n), so they are products of matrices
and differentiable to every order.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ..core.backend import Array, xp_of
from ..core.tensor import Tensor
from ..core.titles import titled
from . import autocast
from .index import index
from .pool import adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d, along
from .windows import Sizes, grown, overlap_add, places, sizes_of, windows

MODES = {
    "nearest": (3, 4, 5), "nearest-exact": (3, 4, 5), "area": (3, 4, 5),
    "linear": (3,), "bilinear": (4,), "bicubic": (4,), "trilinear": (5,),
}  # fmt: skip
LINEAR = ("linear", "bilinear", "bicubic", "trilinear")  # the modes that are a matrix for each dim


def interpolate(
    input: Tensor,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Tensor:
    """input (N, C, *spatial) with other spatial sizes: `size`, or floor(spatial * scale_factor).

    mode: nearest, nearest-exact, area; linear (3D), bilinear and bicubic (4D), trilinear (5D). align_corners: the
    centres of the corner elements coincide, rather than the corners' edges. Given scale_factor, positions are
    computed with it unless recompute_scale_factor. antialias: bilinear and bicubic filters widen when the image
    shrinks.
    Raises ValueError for both or neither of size and scale_factor, NotImplementedError for other dims.
    """
    ndim = input.array.ndim
    if mode not in MODES or ndim not in MODES[mode]:
        raise NotImplementedError(
            f"interpolate: mode {mode!r} of a {ndim}D input; the modes and their dims are "
            + ", ".join(f"{m} {' '.join(f'{d}D' for d in dims)}" for m, dims in MODES.items())
        )
    if antialias and mode not in ("bilinear", "bicubic"):
        raise ValueError("Anti-alias option is restricted to bilinear and bicubic modes and requires a 4-D tensor")
    if align_corners is not None and mode not in LINEAR:
        raise ValueError(
            "align_corners option can only be set with the interpolating modes: linear | bilinear | bicubic | trilinear"
        )
    if (size is None) == (scale_factor is None):
        raise ValueError(f"{'either' if size is None else 'only one of'} size or scale_factor should be defined")
    spatial = input.array.shape[2:]
    rank = len(spatial)
    factors: list[float | None] = [None] * rank
    if size is not None:
        if recompute_scale_factor:
            raise ValueError("recompute_scale_factor is not meaningful with an explicit size.")
        out = _each("size", size, rank)
    else:
        given = _each("scale_factor", scale_factor, rank)
        out = tuple([math.floor(float(n * f)) for n, f in zip(spatial, given, strict=True)])
        if not recompute_scale_factor:
            factors = list(given)
    if min(out) <= 0 or min(spatial) <= 0:
        raise RuntimeError(f"Input and output sizes should be greater than 0, but got input {spatial}, output {out}")
    if mode == "area":
        return {1: adaptive_avg_pool1d, 2: adaptive_avg_pool2d, 3: adaptive_avg_pool3d}[rank](input, out)
    return _resized(input, out, factors, mode, bool(align_corners), antialias)


NAMES = {"nearest": "Nearest", "nearest-exact": "NearestExact", "bicubic": "Bicubic"}  # the others: linear ones


@titled(
    lambda y, out, factors, mode, *_: f"Upsample{NAMES.get(mode, mode.capitalize())}{len(out)}D{'Aa' * _[-1]}Backward0"
)
def _resized(
    y: Tensor, out: Sizes, factors: Sequence[float | None], mode: str, align_corners: bool, antialias: bool
) -> Tensor:
    """Dim by dim to the sizes `out`; factors: what the scales were said to be, None: what they are."""
    for d, (n, m, f) in enumerate(zip(y.array.shape[2:], out, factors, strict=True)):
        if n == m and f in (None, 1):
            continue
        if mode in LINEAR:
            rule = _smooth_matrix(mode) if antialias else _cubic_matrix if mode == "bicubic" else _linear_matrix
            y = along(y, rule(n, m, f, align_corners, y.array), 2 + d)
        else:
            y = index(y, Tensor._of(_nearest(n, m, f, mode == "nearest-exact", y.array)), dims=(2 + d,))
    return y.contiguous()


def upsample(
    input: Tensor, size: Any = None, scale_factor: Any = None, mode: str = "nearest", align_corners: bool | None = None
) -> Tensor:
    """The old name of interpolate."""
    return interpolate(input, size, scale_factor, mode, align_corners)


def upsample_nearest(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """The old name of interpolate(mode="nearest")."""
    return interpolate(input, size, scale_factor, "nearest")


def upsample_bilinear(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """The old name of interpolate(mode="bilinear", align_corners=True)."""
    return interpolate(input, size, scale_factor, "bilinear", True)


def _each(what: str, value: Any, rank: int) -> tuple[Any, ...]:
    found = tuple(value) if isinstance(value, (tuple, list)) else (value,) * rank
    if len(found) != rank:
        raise ValueError(
            f"Input and {what} must have the same number of spatial dimensions: {rank} and {len(found)} ({value})"
        )
    return found


def _nearest(n: int, m: int, factor: float | None, exact: bool, like: Array) -> Array:
    """Which element each of m takes: floor(i * scale), or floor((i + 1/2) * scale). In float32, as PyTorch."""
    xp = xp_of(like)
    scale = xp.float32(1 / factor if factor else n / m)
    at = (xp.arange(m, dtype="float32") + xp.float32(0.5 if exact else 0)) * scale
    return xp.minimum(xp.floor(at).astype("int64"), n - 1)


def _sources(n: int, m: int, factor: float | None, align_corners: bool, xp: Any) -> Array:
    """Where in the input each of m elements lies."""
    i = xp.arange(m, dtype="float64")
    if align_corners:
        return i * ((n - 1) / (m - 1) if m > 1 else 0.0)
    return (i + 0.5) * (1 / factor if factor else n / m) - 0.5


def _linear_matrix(n: int, m: int, factor: float | None, align_corners: bool, like: Array) -> Array:
    xp = xp_of(like)
    x = xp.maximum(_sources(n, m, factor, align_corners, xp), 0)
    low = xp.minimum(xp.floor(x).astype("int64"), n - 1)
    high = xp.minimum(low + 1, n - 1)
    part = xp.clip(x - low, 0, 1)
    made = xp.zeros((m, n))
    rows = xp.arange(m)
    made[rows, low] = 1 - part
    made[rows, high] += part
    return made.astype(like.dtype)


def _cubic_matrix(n: int, m: int, factor: float | None, align_corners: bool, like: Array) -> Array:
    """Cubic convolution with a = -3/4; indices beyond the ends stand for the ends. Source: Keys 1981."""
    xp, a = xp_of(like), -0.75
    x = _sources(n, m, factor, align_corners, xp)
    base = xp.floor(x)
    made = xp.zeros((m, n))
    rows = xp.arange(m)
    for k in (-1, 0, 1, 2):
        d = xp.abs(x - base - k)
        weight = ((a + 2) * d - (a + 3)) * d * d + 1 if k in (0, 1) else ((d - 5) * d + 8) * d * a - 4 * a
        at = xp.clip(base + k, 0, n - 1).astype("int64")
        made[rows, at] += weight
    return made.astype(like.dtype)


def _triangle(d: Array, xp: Any) -> Array:
    return xp.maximum(1 - xp.abs(d), 0)


def _keys(d: Array, xp: Any) -> Array:
    """Keys' cubic with a = -1/2."""
    d = xp.abs(d)
    return xp.where(d < 1, (1.5 * d - 2.5) * d * d + 1, xp.where(d < 2, ((-0.5 * d + 2.5) * d - 4) * d + 2, 0))


def _smooth_matrix(mode: str) -> Any:
    """antialias: the filter is as wide as the elements of the smaller side, and its weights sum to 1."""
    kernel, radius = (_triangle, 1.0) if mode == "bilinear" else (_keys, 2.0)

    def matrix(n: int, m: int, factor: float | None, align_corners: bool, like: Array) -> Array:
        xp = xp_of(like)
        scale = ((n - 1) / (m - 1) if m > 1 else 0.0) if align_corners else 1 / factor if factor else n / m
        wide = max(scale, 1.0)
        centre = scale * (xp.arange(m) + 0.5)
        first = xp.maximum((centre - radius * wide + 0.5).astype("int64"), 0)[:, None]
        last = xp.minimum((centre + radius * wide + 0.5).astype("int64"), n)[:, None]
        j = xp.arange(n)
        made = xp.where((j >= first) & (j < last), kernel((j - centre[:, None] + 0.5) / wide, xp), 0.0)
        return (made / made.sum(1, keepdims=True)).astype(like.dtype)

    return matrix


def _upsample_bilinear2d_aa(
    input: Tensor,
    output_size: Any,
    align_corners: bool,
    scale_factors: Any = None,
    *,
    scales_h: float | None = None,
    scales_w: float | None = None,
) -> Tensor:
    """interpolate(mode="bilinear", antialias=True); scales_h and scales_w say what the scales of output_size are."""
    if output_size is None or (scales_h is None and scales_w is None):
        return interpolate(input, output_size, scale_factors, "bilinear", align_corners, antialias=True)
    return _resized(input, tuple(output_size), (scales_h, scales_w), "bilinear", align_corners, True)


# --- pixel shuffle ---


@titled("PixelShuffleBackward0")
def pixel_shuffle(input: Tensor, upscale_factor: int) -> Tensor:
    """(..., C r^2, H, W) -> (..., C, H r, W r). RuntimeError unless r^2 divides the channels."""
    s, r = input.array.shape, upscale_factor
    if len(s) < 3:
        raise RuntimeError(f"pixel_shuffle expects input to have at least 3 dimensions, but got input with {len(s)}")
    if r <= 0:
        raise RuntimeError(f"pixel_shuffle expects a positive upscale_factor, but got {r}")
    if s[-3] % (r * r):
        raise RuntimeError(
            "pixel_shuffle expects its input's 'channel' dimension to be divisible by the square of upscale_factor, "
            f"but input.size(-3)={s[-3]} is not divisible by {r * r}"
        )
    lead, (c, h, w) = s[:-3], s[-3:]
    k = len(lead)
    x = input.reshape(*lead, c // (r * r), r, r, h, w).permute(*range(k), k, k + 3, k + 1, k + 4, k + 2)
    return x.reshape(*lead, c // (r * r), h * r, w * r)


@titled("PixelUnshuffleBackward0")
def pixel_unshuffle(input: Tensor, downscale_factor: int) -> Tensor:
    """(..., C, H r, W r) -> (..., C r^2, H, W), the inverse of pixel_shuffle."""
    s, r = input.array.shape, downscale_factor
    if len(s) < 3:
        raise RuntimeError(f"pixel_unshuffle expects input to have at least 3 dimensions, but got input with {len(s)}")
    if r <= 0:
        raise RuntimeError(f"pixel_unshuffle expects a positive downscale_factor, but got {r}")
    lead, (c, h, w) = s[:-3], s[-3:]
    if h % r or w % r:
        raise RuntimeError(
            f"pixel_unshuffle expects height and width to be divisible by downscale_factor, but {h} x {w} "
            f"is not divisible by {r}"
        )
    k = len(lead)
    x = input.reshape(*lead, c, h // r, r, w // r, r).permute(*range(k), k, k + 2, k + 4, k + 1, k + 3)
    return x.reshape(*lead, c * r * r, h // r, w // r)


@titled("ChannelShuffleBackward0")
def channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """(N, C, ...): channels in `groups` rows, read column by column. RuntimeError unless groups divides C."""
    s = input.array.shape
    if len(s) < 3 or groups <= 0 or s[1] % groups:
        raise RuntimeError(
            f"channel_shuffle expects (N, C, ...) of at least 3 dims and groups that divide C, got {tuple(s)}, {groups}"
        )
    return input.reshape(s[0], groups, s[1] // groups, *s[2:]).transpose(1, 2).reshape(*s)


# --- unfold and fold ---


def _grid(name: str, spatial: Any, kernel_size: Any, dilation: Any, padding: Any, stride: Any) -> tuple[Any, ...]:
    """(size, canonical options, number of windows in each dim)."""
    size, gaps, pads, steps = [
        sizes_of(name, what, value, 2)
        for what, value in (
            ("kernel_size", kernel_size), ("dilation", dilation), ("padding", padding), ("stride", stride),
        )
    ]  # fmt: skip
    if min(*size, *gaps, *steps) <= 0 or min(pads) < 0:
        raise RuntimeError(
            f"{name}: kernel size, dilation and stride should be greater than zero and padding non-negative, "
            f"but got {size}, {gaps}, {steps}, {pads}"
        )
    both = tuple([(p, p) for p in pads])
    out = places(grown(spatial, both), size, steps, gaps)
    if min(out) < 1:
        raise RuntimeError(
            f"{name}: Given input with spatial size {tuple(spatial)}, kernel_size={size}, dilation={gaps}, "
            f"padding={pads}, calculated shape of the array of sliding blocks as {out}, "
            "but its components must be at least one."
        )
    return size, {"stride": steps, "padding": both, "dilation": gaps}, out


@titled("Im2ColBackward0")
def unfold(input: Tensor, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Tensor:
    """Every window of (N, C, H, W) as a column: (N, C * prod(kernel_size), L); batched or not.

    Raises RuntimeError where no window fits.
    """
    if input.array.ndim == 3:
        return unfold(input.unsqueeze(0), kernel_size, dilation, padding, stride).squeeze(0)
    if input.array.ndim != 4:
        raise RuntimeError(f"Expected 3D or 4D (batch mode) tensor for input, but got {tuple(input.array.shape)}")
    n, c, *spatial = input.array.shape
    size, options, out = _grid("unfold", spatial, kernel_size, dilation, padding, stride)
    return windows(input, size=size, **options).reshape(n, c * math.prod(size), math.prod(out))


@titled("Col2ImBackward0")
def fold(
    input: Tensor, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
) -> Tensor:
    """Columns (N, C * prod(kernel_size), L) added where unfold would take them from: (N, C, *output_size).

    Raises RuntimeError where the sizes don't fit one another.
    """
    if input.array.ndim == 2:
        return fold(input.unsqueeze(0), output_size, kernel_size, dilation, padding, stride).squeeze(0)
    if input.array.ndim != 3:
        raise RuntimeError(f"Expected 2D or 3D (batch mode) tensor for input, but got {tuple(input.array.shape)}")
    shape = sizes_of("fold", "output_size", output_size, 2)
    size, options, out = _grid("fold", shape, kernel_size, dilation, padding, stride)
    n, rows, blocks = input.array.shape
    if rows % math.prod(size):
        raise RuntimeError(
            "Expected size of input's dimension 1 to be divisible by the product of kernel_size, "
            f"but got input.size(1)={rows} and kernel_size={size}."
        )
    if blocks != math.prod(out):
        raise RuntimeError(
            f"Given output_size={shape}, kernel_size={size}, expected size of input's dimension 2 to match the "
            f"calculated number of sliding blocks {' * '.join(map(str, out))} = {math.prod(out)}, "
            f"but got input.size(2)={blocks}."
        )
    columns = input.reshape(n, rows // math.prod(size), *size, *out)
    return overlap_add(columns, shape=shape, **options)


autocast.attach(__name__)

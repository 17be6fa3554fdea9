"""Sampling an image at any positions: spatial transformers. Source: Jaderberg et al. 2015, arXiv:1506.02025.

A grid holds positions in [-1, 1] over the image, x first. `source` turns one coordinate into an index that need not be
whole; the samples are then weighted sums of the elements around it.
"""

from __future__ import annotations

import math
from itertools import product
from typing import Any

from ..core.backend import Array, xp_of
from ..core.batched import whole
from ..core.op import op
from ..core.tensor import Tensor
from ..core.titles import titled
from . import autocast
from .choice import where
from .create import linspace, ones, zeros
from .gather import gather

MODES = ("bilinear", "nearest", "bicubic")
PADDINGS = ("zeros", "border", "reflection")


# --- coordinates ---


def _unscaled(t: Array, size: int, align_corners: bool) -> Array:
    """-1 and 1 are the centres of the corner elements, or the corners' edges."""
    return (t + 1) / 2 * (size - 1) if align_corners else ((t + 1) * size - 1) / 2


def _reflected(x: Array, size: int, align_corners: bool) -> tuple[Array, Array]:
    """x reflected at the borders until it is inside, and the sign of its slope."""
    xp = xp_of(x)
    low, high = (0, 2 * (size - 1)) if align_corners else (-1, 2 * size - 1)
    if low == high:
        return x * 0, x * 0
    least, span = low / 2, (high - low) / 2
    away = xp.abs(x - least)
    extra, flips = xp.fmod(away, span), xp.floor(away / span)
    even = xp.fmod(flips, 2) == 0
    sign = xp.where(x < least, -1.0, 1.0).astype(x.dtype)
    return xp.where(even, extra + least, span - extra + least), xp.where(even, sign, -sign)


def _inside(x: Array, size: int, padding: str, align_corners: bool) -> tuple[Array, Array]:
    """x as the padding has it, and its slope."""
    xp, slope = xp_of(x), xp_of(x).ones_like(x)
    if padding == "reflection":
        x, slope = _reflected(x, size, align_corners)
    if padding != "zeros":
        slope = xp.where((x > 0) & (x < size - 1), slope, 0)
        x = xp.clip(x, 0, size - 1)
    return x, slope


@op(jvp="elementwise")
def source(t: Array, *, size: int, padding: str, align_corners: bool) -> Array:
    """The index at which a coordinate in [-1, 1] lies among `size` elements; NaN counts as -1."""
    xp = xp_of(t)
    x = _unscaled(xp.where(xp.isnan(t), -1, t).astype(t.dtype), size, align_corners)
    return _inside(x, size, padding, align_corners)[0]


@op(jvp="elementwise")
def source_slope(t: Array, *, size: int, padding: str, align_corners: bool) -> Array:
    """The derivative of source: a constant of each piece."""
    x = _unscaled(t, size, align_corners)
    slope = _inside(x, size, padding, align_corners)[1] * ((size - 1) / 2 if align_corners else size / 2)
    return slope.astype(t.dtype)


source.vjp(
    t=lambda g, t, size, padding, align_corners: (
        g * source_slope(t, size=size, padding=padding, align_corners=align_corners)
    )
)
source_slope.vjp(t=lambda g: g * 0)


# --- samples ---


def _taps(x: Tensor, size: int, mode: str, padding: str, align_corners: bool) -> list[tuple[Array, Array, Any]]:
    """For each element a coordinate reaches: (its index, whether it counts, its weight)."""
    xp, raw = xp_of(x.array), x.array
    if mode == "nearest":
        reached = [(xp.rint(raw), where(Tensor._of(raw == raw), 1.0, x))]  # on the graph, with the gradient 0
    elif mode == "bilinear":
        low = xp.floor(raw)
        part = x - Tensor._of(low)
        reached = [(low, 1 - part), (low + 1, part)]
    else:
        low = xp.floor(raw)
        part = x - Tensor._of(low)
        weights = (_far(part + 1), _near(part), _near(1 - part), _far(2 - part))
        reached = [(low + k, w) for k, w in zip((-1, 0, 1, 2), weights, strict=True)]
    found = []
    for at, weight in reached:
        if mode == "bicubic":
            at = _inside(at, size, padding, align_corners)[0]
        counts = (at >= 0) & (at <= size - 1)
        found.append((xp.where(counts, at, 0).astype("int64"), counts, weight))
    return found


def _near(d: Any) -> Any:
    """Keys' cubic, a = -3/4, at a distance below 1."""
    return (1.25 * d - 2.25) * d * d + 1


def _far(d: Any) -> Any:
    """The same at a distance from 1 to 2."""
    return ((-0.75 * d + 3.75) * d - 6) * d + 3


@titled(lambda input, *_, **__: f"GridSampler{input.array.ndim - 2}DBackward0")
def grid_sample(
    input: Tensor,
    grid: Tensor,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool | None = None,
) -> Tensor:
    """input (N, C, H, W) at the positions grid (N, *out, 2), or (N, C, D, H, W) and (N, *out, 3) -> (N, C, *out).

    A position is (x, y) or (x, y, z), from -1 to 1 over the image: over the corners' edges, with align_corners over
    their centres. mode: bilinear (trilinear in 3-D), nearest, or bicubic (2-D). padding_mode, for what lies
    outside: zeros, border (the nearest element), reflection.
    Raises ValueError for another mode, RuntimeError where shapes or dtypes don't fit.
    """
    if mode not in MODES:
        raise ValueError(
            f"nn.functional.grid_sample(): expected mode to be 'bilinear', 'nearest' or 'bicubic', but got: '{mode}'"
        )
    if padding_mode not in PADDINGS:
        raise ValueError(
            "nn.functional.grid_sample(): expected padding_mode to be 'zeros', 'border', or 'reflection', "
            f"but got: '{padding_mode}'"
        )
    align_corners = bool(align_corners)
    s, t = tuple(input.array.shape), tuple(grid.array.shape)
    rank = len(s) - 2
    if input.array.dtype != grid.array.dtype:
        raise RuntimeError(
            f"grid_sampler(): expected input and grid to have same dtype, but input has {input.dtype} and grid has "
            f"{grid.dtype}"
        )
    if rank not in (2, 3) or len(t) != len(s):
        raise RuntimeError(
            f"grid_sampler(): expected 4D or 5D input and grid with same number of dimensions, but got input with "
            f"sizes {list(s)} and grid with sizes {list(t)}"
        )
    if t[0] != s[0] or t[-1] != rank:
        raise RuntimeError(
            f"grid_sampler(): expected grid to have size {rank} in last dimension and input and grid to have the same "
            f"batch size, but got input with sizes {list(s)} and grid with sizes {list(t)}"
        )
    if 0 in s[2:]:
        raise RuntimeError(f"grid_sampler(): expected input to have non-empty spatial dimensions, but got {list(s)}")
    if rank == 3 and mode == "bicubic":
        raise RuntimeError("grid_sampler(): bicubic interpolation only supports 4D input")
    points = grid.reshape(t[0], 1, math.prod(t[1:-1]), rank)
    taps = []
    for d, n in enumerate(s[2:]):
        position = source(
            points[..., rank - 1 - d], size=n, align_corners=align_corners,
            padding="zeros" if mode == "bicubic" else padding_mode,
        )  # fmt: skip
        taps.append(_taps(position, n, mode, padding_mode, align_corners))
    flat = input.reshape(s[0], s[1], math.prod(s[2:]))
    total: Any = None
    for corner in product(*taps):
        at: Any = 0
        counts: Any = True
        weight: Any = 1.0
        for (index, inside, w), n in zip(corner, s[2:], strict=True):
            at, counts, weight = at * n + index, counts & inside, weight * w
        picked = gather(flat, 2, Tensor._of(xp_of(at).broadcast_to(at, (s[0], s[1], at.shape[2])).copy()))
        part = picked * weight
        if not whole(counts).all():
            part = part * Tensor._of(counts.astype(input.array.dtype))
        total = part if total is None else total + part
    return total.reshape(s[0], s[1], *t[1:-1])


@titled(lambda input, *_, **__: f"GridSampler{input.array.ndim - 2}DBackward0")
def grid_sampler(
    input: Tensor, grid: Tensor, interpolation_mode: int, padding_mode: int, align_corners: bool
) -> Tensor:
    """grid_sample with its modes as numbers: 0, 1, 2 in the order of their documentation."""
    return grid_sample(input, grid, MODES[interpolation_mode], PADDINGS[padding_mode], align_corners)


def _ranked(name: str, rank: int) -> Any:
    def sampler(input: Tensor, grid: Tensor, interpolation_mode: int, padding_mode: int, align_corners: bool) -> Tensor:
        if input.array.ndim != rank + 2:
            raise RuntimeError(f"{name}(): expected {rank + 2}D input, got {list(input.array.shape)}")
        return grid_sampler(input, grid, interpolation_mode, padding_mode, align_corners)

    sampler.__name__ = sampler.__qualname__ = name
    sampler.__doc__ = f"""grid_sampler of a {rank + 2}D input."""
    return sampler


grid_sampler_2d, grid_sampler_3d = _ranked("grid_sampler_2d", 2), _ranked("grid_sampler_3d", 3)


# --- grids ---


@titled("AffineGridGeneratorBackward0")
def affine_grid(theta: Tensor, size: Any, align_corners: bool | None = None) -> Tensor:
    """The grid of an affine map for grid_sample: theta (N, 2, 3) and size (N, C, H, W) -> (N, H, W, 2).

    Or (N, 3, 4) and (N, C, D, H, W) -> (N, D, H, W, 3). Each position (x, y, 1) of the output is multiplied by
    theta. align_corners as grid_sample. Raises ValueError where shapes don't fit or theta isn't floating point,
    NotImplementedError for other numbers of dims.
    """
    shape = tuple([int(n) for n in size])
    s = tuple(theta.array.shape)
    if theta.array.dtype.kind not in "fV":
        raise ValueError(f"Expected theta to have floating point type, but got {theta.dtype}")
    if len(shape) not in (4, 5):
        raise NotImplementedError(
            "affine_grid only supports 4D and 5D sizes, for 2D and 3D affine transforms, respectively. "
            f"Got size {shape}."
        )
    rank = len(shape) - 2
    if len(s) != 3 or s[1:] != (rank, rank + 1):
        raise ValueError(
            f"Expected a batch of {rank}D affine matrices of shape Nx{rank}x{rank + 1} for size {shape}. Got {s}."
        )
    if min(shape) <= 0:
        raise ValueError(f"Expected non-zero, positive output size. Got {shape}")
    if s[0] != shape[0]:
        raise RuntimeError(f"affine_grid: theta has a batch of {s[0]}, the size one of {shape[0]}")
    base = ones(*shape[2:], rank + 1, dtype=theta.dtype, device=theta.device)
    for k, n in enumerate(shape[2:]):  # in theta's dtype, as in PyTorch: sampling has a kink at each whole pixel
        steps = (
            linspace(-1, 1, n, dtype=theta.dtype, device=theta.device)
            if n > 1
            else zeros(1, dtype=theta.dtype, device=theta.device)
        )
        steps = steps if align_corners else steps * (n - 1) / n
        base[..., rank - 1 - k] = steps.reshape(-1, *[1] * (rank - 1 - k))
    made = base.reshape(1, -1, rank + 1) @ theta.mT  # (N, points, rank)
    return made.reshape(shape[0], *shape[2:], rank)


def affine_grid_generator(theta: Tensor, size: Any, align_corners: bool) -> Tensor:
    """affine_grid under its other name."""
    return affine_grid(theta, size, align_corners)


autocast.attach(__name__)

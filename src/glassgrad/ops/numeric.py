"""Differences, integrals, histograms and other numerical functions that few programs use."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..core.backend import Array
from ..core.dtypes import promote_types
from ..core.keywords import lenient
from ..core.provenance import warn
from ..core.tensor import Tensor
from ..core.titles import titled
from ..core.views import in_place
from . import return_types
from .arrange import cat
from .arrange import pad as padded
from .choice import where
from .cumulative import cumsum
from .reduce import vector_norm
from .shape import wrap
from .statistics import diff

span = range  # which is an argument's name below

# --- differences and integrals ---


def gradient(input: Tensor, *, spacing: Any = None, dim: Any = None, edge_order: int = 1) -> tuple[Tensor, ...]:
    """The derivative along each dim (all, or those given) by second-order differences, one-sided at the edges.

    spacing: the distance of the points (1), one for each dim, or a tensor of their coordinates for each dim.
    edge_order 1 or 2: the order at the edges. RuntimeError where a dim has fewer than edge_order + 1 points.
    """
    n = input.array.ndim
    spacing = 1 if spacing is None else spacing
    if dim is None:
        several = isinstance(spacing, (list, tuple))
        dims = tuple(range(len(spacing) if several else n))
    else:
        dims = tuple([wrap(d, n) for d in ((dim,) if isinstance(dim, int) else dim)])
    if len(set(dims)) < len(dims):
        raise RuntimeError(f"dim appears multiple times in the list of dims {list(dims)}")
    if edge_order not in (1, 2):
        raise RuntimeError(f"torch.gradient only supports edge_order=1 and edge_order=2, got {edge_order}")
    given = list(spacing) if isinstance(spacing, (list, tuple)) else [spacing] * len(dims)
    if len(given) != len(dims):
        raise RuntimeError(f"torch.gradient expected spacing for each of {len(dims)} dims, got {len(given)}")
    x = input if input.dtype.is_floating_point or input.dtype.is_complex else input.float()
    for d in dims:
        if x.array.shape[d] < edge_order + 1:
            raise RuntimeError("torch.gradient expected each dimension size to be at least edge_order+1")
    return tuple([_slope(x, d, h, edge_order) for d, h in zip(dims, given, strict=True)])


def _slope(x: Tensor, d: int, spacing: Any, edge_order: int) -> Tensor:
    """Weights of the three points around each one: of the parabola through them."""
    n = x.array.shape[d]
    if isinstance(spacing, Tensor) and spacing.array.ndim:
        if spacing.requires_grad:
            raise NotImplementedError("the derivative of gradient() in the coordinates is not in glassgrad yet")
        steps = np.diff(spacing.array)
        x = x.to(promote_types(x.dtype, spacing.dtype))
        if len(steps) != n - 1:
            raise RuntimeError(f"torch.gradient expected {n} coordinates for dim {d}, got {len(steps) + 1}")
    else:
        steps = np.full(n - 1, float(spacing))

    def part(start: int, size: int) -> Tensor:
        return x.narrow(d, start, size)

    def weighted(start: int, weights: Sequence[Array]) -> Tensor:
        across = [-1 if k == d else 1 for k in range(x.array.ndim)]
        made: Any = 0
        for k, w in enumerate(weights):
            made = made + part(start + k, len(w)) * Tensor._of(w.astype(x.array.real.dtype).reshape(across))
        return made

    a, b = steps[:-1], steps[1:]
    inner = [weighted(0, (-b / (a * (a + b)), (b - a) / (a * b), a / (b * (a + b))))] if n > 2 else []
    if edge_order == 1:
        ends = [(part(1, 1) - part(0, 1)) / float(steps[0]), (part(n - 1, 1) - part(n - 2, 1)) / float(steps[-1])]
    else:
        p, q = steps[:1], steps[1:2]
        r, s = steps[-2:-1], steps[-1:]
        ends = [
            weighted(0, (-(2 * p + q) / (p * (p + q)), (p + q) / (p * q), -p / (q * (p + q)))),
            weighted(n - 3, (s / (r * (r + s)), -(r + s) / (r * s), (r + 2 * s) / (s * (r + s)))),
        ]
    return cat((ends[0], *inner, ends[1]), d)


def cumulative_trapezoid(y: Tensor, x: Tensor | None = None, *, dx: float = 1, dim: int = -1) -> Tensor:
    """The integrals of y from its first point to each of the others, by the trapezoidal rule."""
    n = y.size(dim)
    heights = (y.narrow(dim, 1, n - 1) + y.narrow(dim, 0, n - 1)) / 2
    if x is None:
        return cumsum(heights * dx, dim)
    widths = diff(x, dim=-1 if x.array.ndim == 1 else dim)
    if x.array.ndim == 1:
        widths = widths.reshape([-1 if k == wrap(dim, y.array.ndim) else 1 for k in range(y.array.ndim)])
    return cumsum(heights * widths, dim)


# --- histograms ---


def _edges(x: Array, bins: Any, range: Any) -> Array:
    """The ends of the bins: given, or evenly between the least and the largest element, or over a range."""
    if isinstance(bins, Tensor):
        if bins.array.dtype != x.dtype:
            raise RuntimeError("torch.histogram(): input tensor and bins tensors should have the same dtype")
        return bins.array
    if bins <= 0:
        raise RuntimeError(f"torch.histogram(): bins must be > 0, but got {bins}")
    low, high = range if range is not None else (x.min(), x.max()) if x.size else (0.0, 1.0)
    if low > high:
        raise RuntimeError(f"torch.histogram(): min should not exceed max, but got min {low} max {high}")
    if low == high:
        low, high = low - 0.5, high + 0.5
    return np.linspace(low, high, bins + 1).astype(x.dtype)


def _check_histogram(name: str, x: Tensor, weight: Tensor | None, shape: tuple[int, ...]) -> None:
    if not x.dtype.is_floating_point:
        raise NotImplementedError(f'"{name}_cpu" not implemented for integers: convert first, with .float()')
    if weight is not None and weight.array.shape != shape:
        raise RuntimeError(f"torch.{name}(): weight has the shape {tuple(weight.array.shape)}, expected {shape}")


@lenient
def histogram(
    input: Tensor, bins: Any = 100, *, range: Any = None, weight: Tensor | None = None, density: bool = False
) -> Any:
    """(hist, bin_edges): how many elements lie in each bin, or the sum of their weights; the last bin is closed.

    bins: how many of equal width, or the edges in rising order. density: so that the integral is 1.
    """
    _check_histogram("histogram", input, weight, input.array.shape)
    x = input.array.reshape(-1)
    edges = _edges(x, bins, range)
    weights = None if weight is None else weight.array.reshape(-1)
    hist = np.histogram(x, edges, weights=weights)[0].astype(x.dtype)
    if density:
        hist = hist / hist.sum() / np.diff(edges)
    return return_types.histogram(Tensor._of(hist), Tensor._of(edges))


def histogramdd(
    input: Tensor, bins: Any, *, range: Any = None, weight: Tensor | None = None, density: bool = False
) -> Any:
    """(hist, bin_edges) of points (..., D): a count for each cell of a grid over D dims."""
    _check_histogram("histogramdd", input, weight, input.array.shape[:-1])
    d = input.array.shape[-1]
    x = input.array.reshape(-1, d)
    each = [bins] * d if isinstance(bins, int) else list(bins)
    if len(each) != d:
        raise RuntimeError(f"torch.histogramdd(): expected {d} sequences of bins, one for each dim, got {len(each)}")
    ranges = [None] * d if range is None else [range[2 * k : 2 * k + 2] for k in span(d)]
    edges = [_edges(x[:, k], each[k], ranges[k]) for k in span(d)]
    weights = None if weight is None else weight.array.reshape(-1)
    hist = np.histogramdd(x, edges, weights=weights)[0].astype(x.dtype)
    if density:
        hist = hist / hist.sum()
        for k, e in enumerate(edges):
            hist = hist / np.diff(e).reshape([-1 if i == k else 1 for i in span(d)])
    return return_types.histogramdd(Tensor._of(hist.astype(x.dtype)), tuple([Tensor._of(e) for e in edges]))


# --- norms ---


@titled("RenormBackward0")
@lenient
def renorm(input: Tensor, p: float, dim: int, maxnorm: float) -> Tensor:
    """Every slice along dim whose p-norm exceeds maxnorm, scaled down to it."""
    if p <= 0:
        raise RuntimeError("renorm: non-positive-norm not supported")
    if maxnorm < 0:
        raise RuntimeError(f"renorm: expected maxnorm to be >= 0 but got {maxnorm}")
    n = input.array.ndim
    if n < 2:
        raise RuntimeError(f"renorm: input needs at least 2 dimensions, got {n} dimensions")
    d = wrap(dim, n)
    size = vector_norm(input, p=float(p), dim=tuple([k for k in span(n) if k != d]), keepdim=True)
    return input * where(size > maxnorm, maxnorm / (size + 1e-7), 1.0)


def renorm_(self: Tensor, p: float, dim: int, maxnorm: float) -> Tensor:
    """renorm() in place."""
    return in_place(self, renorm, p, dim, maxnorm)


def norm_except_dim(v: Tensor, pow: int = 2, dim: int = 0) -> Tensor:
    """The norm over all dims but one, which are kept; over all of them if dim is -1."""
    dims = tuple([k for k in span(v.array.ndim) if k != dim])
    return vector_norm(v, p=float(pow), dim=dims, keepdim=True) if dim != -1 else v.norm(pow)


def _deprecated(name: str, instead: str) -> None:
    warn(f"{name} is deprecated: {instead} takes its place")


def frobenius_norm(input: Tensor, dim: Any, keepdim: bool = False) -> Tensor:
    """The root of the sum of squares over dim; linalg.vector_norm has taken its place."""
    _deprecated("frobenius_norm", "linalg.vector_norm")
    return input.norm(2, dim if isinstance(dim, int) else tuple(dim), keepdim)


def nuclear_norm(input: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    """The sum of the singular values; linalg.matrix_norm(A, "nuc") has taken its place."""
    _deprecated("nuclear_norm", "linalg.matrix_norm")
    return input.norm("nuc", dim, keepdim)


# --- indices ---


@lenient
def nonzero_static(input: Tensor, *, size: int, fill_value: int = -1) -> Tensor:
    """nonzero() with `size` rows: cut, or filled with fill_value."""
    found = np.argwhere(input.array)[:size]
    return Tensor._of(np.pad(found, ((0, size - len(found)), (0, 0)), constant_values=fill_value))


def unravel_index(indices: Tensor, shape: Any) -> tuple[Tensor, ...]:
    """The coordinates, in a tensor of that shape, of flat indices: a tensor for each dim."""
    if indices.array.dtype.kind not in "iu":
        raise TypeError(f"expected 'indices' to be integer dtype, but got {indices.dtype}")
    sizes = (shape,) if isinstance(shape, int) else tuple(shape)
    if any(n < 0 for n in sizes):
        raise ValueError(f"'shape' cannot have negative values, but got {sizes}")
    steps = [math.prod(sizes[k + 1 :]) for k in span(len(sizes))]
    return tuple([Tensor._of(np.asarray(indices.array // step % n)) for step, n in zip(steps, sizes, strict=True)])


def constant_pad_nd(input: Tensor, pad: Sequence[int], value: float = 0) -> Tensor:
    """nn.functional.pad with a constant."""
    return padded(input, pad, value=value)

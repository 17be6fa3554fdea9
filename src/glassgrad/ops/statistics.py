"""Order statistics and counts: median, mode, quantile, histograms; and what sums along a curve."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.backend import Array, xp_of
from ..core.batched import samplewise
from ..core.graph import as_array
from ..core.op import op
from ..core.tensor import Tensor
from ..core.titles import titled
from ..core.views import own
from . import autocast, return_types
from .arithmetic import lerp, sub
from .choice import where
from .extremes import shared
from .reduce import contracted, sum
from .shape import wrap

# --- median and mode: an element of the input, which gets the gradient ---


@op
def median_(x: Array, *, skip_nan: bool, dim: None = None, keepdim: bool = False) -> Array:
    """Of all elements; equals share the gradient, as those of amax."""
    flat = xp_of(x).sort(x.reshape(-1))  # NaN last
    valid = flat.size - int((flat != flat).sum())
    return flat[max(valid - 1, 0) // 2 if skip_nan or valid == flat.size else valid]


median_.vjp(x=lambda g, x, y, dim, keepdim: shared(g, x, y, dim, keepdim))
contracted(median_)


def _picked(input: Tensor, dim: int, index: Array, keepdim: bool, kind: Any) -> Any:
    """The pair (values, indices) of the elements at index, which has size 1 along dim."""
    at = Tensor._of(as_array(index))
    values = input.gather(dim, at)
    return kind(values, at) if keepdim else kind(own(values.squeeze(dim)), own(at.squeeze(dim)))


def _median(name: str, input: Tensor, dim: int | None, keepdim: bool, skip_nan: bool) -> Any:
    if dim is None:
        if input.array.size == 0:
            return input.sum() * math.nan
        return median_(input, skip_nan=skip_nan)
    if input.array.ndim == 0:
        wrap(dim, 0)
        return getattr(return_types, name)(input.clone(), Tensor._of(np.zeros((), np.int64)))
    x, d = input.array, wrap(dim, input.array.ndim)
    if x.shape[d] == 0:
        raise IndexError(f"{name}(): Expected reduction dim {d} to have non-zero size. The shape is {x.shape}.")
    xp = xp_of(x)
    order = xp.argsort(x, axis=d, kind="stable")  # NaN last
    nans = xp.add.reduce(x != x, d, None, None, True)
    middle = (x.shape[d] - nans - 1) // 2
    if not skip_nan:
        middle = xp.where(nans > 0, x.shape[d] - nans, middle)  # the first NaN
    index = xp.take_along_axis(order, xp.maximum(middle, 0), d)
    return _picked(input, d, index, keepdim, getattr(return_types, name))


@titled(lambda input, dim=None, *_, **__: f"MedianBackward{int(dim is not None)}")
def median(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """The middle element, the lower of two; NaN if there is one. With dim: (values, indices)."""
    return _median("median", input, dim, keepdim, False)


@titled(lambda input, dim=None, *_, **__: f"NanmedianBackward{int(dim is not None)}")
def nanmedian(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """The middle of the elements that aren't NaN, the lower of two. With dim: (values, indices)."""
    return _median("nanmedian", input, dim, keepdim, True)


@titled("ModeBackward0")
def mode(input: Tensor, dim: int = -1, keepdim: bool = False) -> Any:
    """(values, indices): the most frequent element along dim, the smallest of several; its last index."""
    if input.array.ndim == 0:
        wrap(dim, 0)
        return return_types.mode(input.clone(), Tensor._of(np.zeros((), np.int64)))
    d = wrap(dim, input.array.ndim)
    rows = np.moveaxis(input.array, d, -1)
    if rows.shape[-1] == 0:
        raise IndexError(
            f"mode(): Expected reduction dim {d} to have non-zero size. The shape is {tuple(input.shape)}."
        )
    return _picked(input, d, np.expand_dims(_last_of_most(rows), d), keepdim, return_types.mode)


@samplewise
def _last_of_most(rows: Array) -> Array:
    """The last position of the most frequent number of each row, the smallest of several."""
    index = np.empty(rows.shape[:-1], np.int64)
    for at in np.ndindex(index.shape):
        found, counts = np.unique(rows[at], return_counts=True)
        index[at] = np.flatnonzero(rows[at] == found[counts.argmax()])[-1]
    return index


# --- quantiles ---

INTERPOLATION = ("linear", "lower", "higher", "midpoint", "nearest")


def _quantile(name: str, x: Tensor, q: Any, dim: int | None, keepdim: bool, how: str, skip_nan: bool) -> Tensor:
    if x.array.dtype.kind != "f" or x.array.dtype.itemsize < 4:
        raise RuntimeError(f"{name}() input tensor must be either float or double dtype, not {x.dtype}")
    if how not in INTERPOLATION:
        raise RuntimeError(
            f"{name}() interpolation must be one of linear, lower, higher, midpoint or nearest, but got {how}"
        )
    parts = np.asarray(q.array if isinstance(q, Tensor) else q, dtype=x.array.dtype)
    if parts.ndim > 1:
        raise RuntimeError(f"{name}() q must be a scalar or 1D tensor, but it has {parts.ndim} dims")
    if ((parts < 0) | (parts > 1)).any():
        raise RuntimeError(f"{name}() q must be in the range [0, 1] but got {parts.tolist()}")
    if x.array.size == 0:
        raise RuntimeError(f"{name}() input tensor must be non-empty")
    d = None if dim is None else wrap(dim, x.array.ndim)
    ordered = (x.reshape(-1) if d is None or x.array.ndim == 0 else x.movedim(d, -1)).sort(-1)[0]  # NaN last
    a = ordered.array
    valid = xp_of(a).add.reduce(a == a, -1, None, None, True)
    unknown = (valid == 0) if skip_nan else (valid < a.shape[-1])
    last = np.where(unknown, a.shape[-1], valid) - 1
    rank = parts.reshape((-1,) + (1,) * a.ndim) * last  # (q, ..., 1)
    rank = {"lower": np.floor, "higher": np.ceil, "nearest": np.rint}.get(how, np.positive)(rank)
    low = np.floor(rank)
    every = ordered.unsqueeze(0).expand((rank.shape[0], *a.shape))
    made = every.gather(-1, Tensor._of(low.astype(np.int64)))
    if how in ("linear", "midpoint"):
        above = every.gather(-1, Tensor._of(np.ceil(rank).astype(np.int64)))
        if how == "midpoint":
            weight = Tensor._of(np.full_like(rank, 0.5).astype(a.dtype))
        else:
            weight = Tensor._of((rank - low).astype(a.dtype))
            if isinstance(q, Tensor) and q.requires_grad:  # the same numbers, tied to q
                weight = q.reshape((-1,) + (1,) * a.ndim) * Tensor._of(last.astype(a.dtype)) - Tensor._of(
                    low.astype(a.dtype)
                )
        made = lerp(made, above, weight)
    made = where(Tensor._of(np.broadcast_to(unknown, rank.shape).copy()), math.nan, made)
    if keepdim:
        shape = [1 if d is None or k == d else n for k, n in enumerate(x.shape)]
    else:
        shape = [n for k, n in enumerate(x.shape) if d is not None and k != d]
    return made.reshape([*parts.shape, *shape])


@titled("SqueezeBackward4")
def quantile(
    input: Tensor, q: Any, dim: int | None = None, keepdim: bool = False, *, interpolation: str = "linear"
) -> Tensor:
    """The q-quantiles (a number or a vector in [0, 1]) over dim; those of a vector stand along a new first dim."""
    return _quantile("quantile", input, q, dim, keepdim, interpolation, False)


@titled("SqueezeBackward4")
def nanquantile(
    input: Tensor, q: Any, dim: int | None = None, keepdim: bool = False, *, interpolation: str = "linear"
) -> Tensor:
    """The quantiles of what isn't NaN."""
    return _quantile("nanquantile", input, q, dim, keepdim, interpolation, True)


# --- counts ---


def histc(input: Tensor, bins: int = 100, min: float = 0, max: float = 0) -> Tensor:
    """How many elements lie in each of `bins` equal parts of [min, max]; of their own range where both are equal."""
    if input.array.dtype.kind != "f":
        raise NotImplementedError(f"\"histc\" not implemented for '{input.dtype}': convert first, with x.float()")
    if bins <= 0:
        raise RuntimeError(f"bins must be > 0, but got {bins}")
    if max < min:
        raise RuntimeError(f"max must be larger than min, but got min {min} and max {max}")
    x = input.array.reshape(-1)
    low, high = (min, max) if min != max or x.size == 0 else (x.min(), x.max())
    if low == high:
        low, high = low - 1, high + 1
    if not np.isfinite([low, high]).all():
        raise RuntimeError(f"range of [{low}, {high}] is not finite")
    counts, _ = np.histogram(x[(x >= low) & (x <= high)], bins=bins, range=(low, high))
    return Tensor._of(counts.astype(x.dtype))


def bincount(input: Tensor, weights: Tensor | None = None, minlength: int = 0) -> Tensor:
    """How often each of 0, 1, 2, ... occurs in a vector of integers; the sums of their weights if given."""
    x = input.array
    if x.ndim != 1 or x.dtype.kind not in "iu" or (x.size and x.min() < 0):
        raise RuntimeError(
            "bincount only supports 1-d non-negative integral inputs. "
            f"This one has {x.ndim} dims and dtype {input.dtype}."
        )
    if minlength < 0:
        raise RuntimeError(f"minlength should be >= 0, but got {minlength}")
    if weights is None:
        return Tensor._of(np.bincount(x, minlength=minlength).astype(np.int64))
    if weights.array.shape != x.shape:
        raise RuntimeError(
            f"weights should be 1-d and have the same length as input: {tuple(weights.shape)}, {x.shape}"
        )
    sums = np.bincount(x, weights.array, minlength)
    return Tensor._of(sums.astype(np.float32) if weights.array.dtype == np.float32 else sums)


# --- along a curve ---


def diff(
    input: Tensor, n: int = 1, dim: int = -1, prepend: Tensor | None = None, append: Tensor | None = None
) -> Tensor:
    """Each element less the one before along dim, n times; after joining prepend and append to the ends."""
    from .arrange import cat

    d = wrap(dim, input.array.ndim)
    if input.array.ndim == 0:
        raise RuntimeError("diff expects input to be at least one-dimensional")
    if n < 0:
        raise RuntimeError(f"order must be non-negative but got {n}")
    if n == 0:
        return input.clone()
    x = cat([part for part in (prepend, input, append) if part is not None], d)
    for _ in range(n):
        size = x.shape[d]
        if size == 0:
            break
        after, before = x.narrow(d, 1, size - 1), x.narrow(d, 0, size - 1)
        x = after != before if x.array.dtype.kind == "b" else sub(after, before)
    return x


def trapezoid(y: Tensor, x: Tensor | None = None, *, dx: float = 1, dim: int = -1) -> Tensor:
    """The integral of y along dim by the trapezoidal rule, at the points x or at the distance dx."""
    size = y.size(dim)
    if size == 0:
        return sum(y, dim)
    heights = (y.narrow(dim, 1, size - 1) + y.narrow(dim, 0, size - 1)) / 2
    if x is None:
        return sum(heights * dx, dim)
    widths = diff(x, dim=-1 if x.array.ndim == 1 else dim)
    if x.array.ndim == 1 and y.array.ndim > 1:
        d = wrap(dim, y.array.ndim)
        widths = widths.reshape([-1 if k == d else 1 for k in range(y.array.ndim)])
    return sum(heights * widths, dim)


trapz = trapezoid


autocast.attach(__name__)

"""Sorting, and what is found by it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.backend import Array, xp_of
from ..core.errors import told
from ..core.fast import given
from ..core.op import record
from ..core.tensor import Tensor
from ..core.titles import titled
from . import return_types
from .gather import gather_
from .shape import reshape, wrap

__all__ = [
    "argsort", "bucketize", "isin", "kthvalue", "msort", "searchsorted", "sort", "topk", "unique",
    "unique_consecutive",
]  # fmt: skip
METHODS: tuple[str, ...] = ("argsort", "kthvalue", "msort", "sort", "topk", "unique", "unique_consecutive")
IN_PLACE: tuple[str, ...] = ()


def order_of(x: Array, dim: int, descending: bool) -> Array:
    """The places of the elements in order. Equal ones keep theirs, NaN counts as the largest."""
    if not descending:
        return x.argsort(dim, kind="stable")
    n = x.shape[dim]
    turned = xp_of(x).flip(x, dim).argsort(dim, kind="stable")
    return n - 1 - xp_of(x).flip(turned, dim)


def _picked(x: Tensor, order: Array, dim: int) -> Tensor:
    return record(gather_.op, (x, order), {"dim": dim})


@titled("SortBackward0")
def sort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool | None = None, *, out: Any = None) -> Any:
    """(values, indices): the elements along a dim in order. Equal elements keep their order, stable or not.

    NaN counts as the largest.
    """
    d = wrap(dim, input.array.ndim)
    x = input if input.array.ndim else reshape(input, 1)
    order = order_of(x.array, d, descending)
    values, indices = _picked(x, order, d), Tensor._of(order)
    if not input.array.ndim:
        values, indices = reshape(values, ()), reshape(indices, ())
    return _pair(return_types.sort, values, indices, out)


def _pair(kind: Any, values: Tensor, indices: Tensor, out: Any = None) -> Any:
    """The named tuple, written to the two tensors of out= where they are given."""
    return kind(values, indices) if out is None else kind(given(out[0], values), given(out[1], indices))


def argsort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool = False) -> Tensor:
    """The indices of sort()."""
    return sort(input.detach(), dim, descending, stable).indices


@titled("SortBackward0")
def msort(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The elements in order along dim 0."""
    return given(out, sort(input, 0).values)


@titled("TopkBackward0")
def topk(input: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True, *, out: Any = None) -> Any:
    """(values, indices) of the k largest or smallest elements along a dim, in order also where sorted is false.

    Raises RuntimeError if there are fewer than k.
    """
    d = wrap(dim, input.array.ndim)
    x = input if input.array.ndim else reshape(input, 1)
    n, array = x.array.shape[d], x.array
    if not 0 <= k <= n:
        raise told(RuntimeError("selected index k out of range"), f"k may be from 0 to {n}, the dim's size, and is {k}")
    at = (slice(None),) * d + (slice(0, k),)
    order = order_of(array, d, largest)[at]
    values, indices = _picked(x, order, d), Tensor._of(order.copy())
    if not input.array.ndim:
        values, indices = reshape(values, ()), reshape(indices, ())
    return _pair(return_types.topk, values, indices, out)


@titled("KthvalueBackward0")
def kthvalue(input: Tensor, k: int, dim: int = -1, keepdim: bool = False, *, out: Any = None) -> Any:
    """(values, indices): the k-th smallest element along a dim, counted from 1."""
    d = wrap(dim, input.array.ndim)
    x = input if input.array.ndim else reshape(input, 1)
    n = x.array.shape[d]
    if not 1 <= k <= n:
        raise RuntimeError(f"kthvalue(): selected number k out of range for dimension {d}")
    at = (slice(None),) * d + (slice(k - 1, k),)
    order = order_of(x.array, d, False)[at]
    values, indices = _picked(x, order, d), Tensor._of(order.copy())
    if not input.array.ndim:
        values, indices = reshape(values, ()), reshape(indices, ())
    elif not keepdim:
        values, indices = values.squeeze(d), indices.squeeze(d)
    return _pair(return_types.kthvalue, values, indices, out)


# --- different values ---


def unique(
    input: Tensor, sorted: bool = True, return_inverse: bool = False, return_counts: bool = False,
    dim: int | None = None,
) -> Any:  # fmt: skip
    """The different elements in order, or the different parts along a dim.

    return_inverse: also where each element is among them; return_counts: also how often each comes.
    """
    xp, array = xp_of(input.array), input.array
    if dim is not None:
        dim = wrap(dim, array.ndim)
    values, inverse, counts = xp.unique(array, return_inverse=True, return_counts=True, axis=dim, equal_nan=False)
    inverse = inverse.reshape(array.shape if dim is None else -1)
    return _asked(values, inverse, counts, return_inverse, return_counts)


def unique_consecutive(
    input: Tensor, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Any:
    """The elements (or parts along a dim) without those equal to the one before."""
    array, xp = input.array, xp_of(input.array)
    if dim is None:
        flat, shape = array.reshape(-1, 1), array.shape
    else:
        dim = wrap(dim, array.ndim)
        size = array.shape[dim]
        flat, shape = xp.moveaxis(array, dim, 0).reshape(size, array.size // max(size, 1)), (size,)
    new = xp.ones(len(flat), np.bool_)
    new[1:] = (flat[1:] != flat[:-1]).any(1)
    starts = xp.flatnonzero(new)
    values = array.reshape(-1)[starts] if dim is None else array.take(starts, dim)
    counts = xp.diff(xp.append(starts, len(flat)))
    return _asked(values, (xp.cumsum(new) - 1).reshape(shape), counts, return_inverse, return_counts)


def _asked(values: Array, inverse: Array, counts: Array, with_inverse: bool, with_counts: bool) -> Any:
    found = [values, *([inverse] if with_inverse else []), *([counts] if with_counts else [])]
    made = tuple([Tensor._of(v) for v in found])
    return made if len(made) > 1 else made[0]


# --- places in a sorted sequence ---


def searchsorted(
    sorted_sequence: Tensor, input: Any, *, out_int32: bool = False, right: bool = False, side: str | None = None,
    sorter: Tensor | None = None, out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """Where each value belongs in a sorted sequence (..., n): before equal ones, or after them with right.

    The sequence is a vector, or has the values' dims in all but the last.
    """
    if side not in (None, "left", "right"):
        raise RuntimeError(f"torch.searchsorted(): side can only be 'left' or 'right' but got {side}")
    if side == "left" and right:
        raise RuntimeError(
            "torch.searchsorted(): side and right can't be set to opposites, got side of left while right was True"
        )
    how = "right" if right or side == "right" else "left"
    row, xp = sorted_sequence.array, xp_of(sorted_sequence.array)
    values = input.array if isinstance(input, Tensor) else xp.asarray(input)
    if sorter is not None:
        if sorter.array.shape != row.shape:
            raise RuntimeError("torch.searchsorted(): boundary and sorter must have the same size")
        row = xp.take_along_axis(row, sorter.array, -1)
    kind = np.int32 if out_int32 else np.int64
    if row.ndim == 1:
        found = xp.searchsorted(row, values, how)
    else:
        if row.shape[:-1] != values.shape[:-1]:
            raise RuntimeError(
                "torch.searchsorted(): boundaries tensor should be 1 dimension or the first N-1 dimensions of "
                f"boundaries tensor and input value tensor must match, but got {list(row.shape)} and "
                f"{list(values.shape)}"
            )
        lead = math.prod(row.shape[:-1])
        rows, many = row.reshape(lead, row.shape[-1]), values.reshape(lead, values.shape[-1])
        found = xp.zeros((lead, values.shape[-1]), np.int64)
        for k in range(lead):
            found[k] = xp.searchsorted(rows[k], many[k], how)
        found = found.reshape(values.shape)
    return given(out, Tensor._of(xp.asarray(found).astype(kind)))


def bucketize(
    input: Any, boundaries: Tensor, *, out_int32: bool = False, right: bool = False, out: Tensor | None = None
) -> Tensor:
    """The bucket of each value: how many boundaries lie below it, or at most at it with right."""
    if boundaries.array.ndim != 1:
        raise RuntimeError(f"boundaries tensor must be 1 dimension, but got dim({boundaries.array.ndim})")
    return searchsorted(boundaries, input, out_int32=out_int32, right=right, out=out)


def isin(elements: Any, test_elements: Any, *, assume_unique: bool = False, invert: bool = False) -> Tensor:
    """Whether each element is among the test elements."""
    arrays = [v.array if isinstance(v, Tensor) else v for v in (elements, test_elements)]
    xp = xp_of(next(a for a in arrays if hasattr(a, "shape")))
    return Tensor._of(xp.asarray(xp.isin(*arrays, assume_unique=assume_unique, invert=invert)))

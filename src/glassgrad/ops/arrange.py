"""Copies in another arrangement: joined, repeated, turned, padded, cut to a triangle."""

from __future__ import annotations

import functools
import itertools
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..core.backend import Array, xp_of
from ..core.dtypes import promote_types
from ..core.errors import told
from ..core.fast import apart, given
from ..core.op import op, record
from ..core.provenance import warn
from ..core.tensor import Tensor
from ..core.titles import title, titled
from .index import index
from .parts import ALL, at_dim, place, place_diagonal, select_, slice_
from .parts import diagonal as diagonal_of
from .shape import (
    atleast_1d,
    atleast_2d,
    atleast_3d,
    expand,
    flatten,
    ravel,
    reshape,
    sizes,
    sum_to_size,
    transpose,
    unsqueeze,
    wrap,
    wraps,
)  # fmt: skip

__all__ = [
    "block_diag", "cartesian_prod", "cat", "column_stack", "combinations", "concat", "concatenate", "diag",
    "diag_embed", "diagflat", "dstack", "flip", "fliplr", "flipud", "hstack", "meshgrid", "repeat_interleave", "roll",
    "rot90", "row_stack", "stack", "tile", "tril", "triu", "vstack",
]  # fmt: skip
METHODS: tuple[str, ...] = (
    "diag", "diag_embed", "diagflat", "flip", "fliplr", "flipud", "repeat", "repeat_interleave", "roll", "rot90",
    "tile", "tril", "triu",
)  # fmt: skip
IN_PLACE: tuple[str, ...] = ("tril", "triu")


# --- joining ---


@op(jvp="linear")
def cat_(*xs: Array, dim: int, starts: tuple[int, ...]) -> Array:
    return xp_of(xs[0]).concatenate(xs, dim)


cat_.vjp(xs=lambda g, i, dim, starts: slice_(g, at=at_dim(dim, slice(starts[i], starts[i + 1]))))


@op(jvp="linear")
def stack_(*xs: Array, dim: int) -> Array:
    at = (ALL,) * dim + (None,)
    return xp_of(xs[0]).concatenate([x[at] for x in xs], dim)


stack_.vjp(xs=lambda g, i, dim: select_(g, at=at_dim(dim, i)))


def several(name: str, tensors: Any) -> list[Tensor]:
    """The tensors of a sequence in their common dtype; TypeError for what isn't one."""
    if isinstance(tensors, Tensor) or not isinstance(tensors, (list, tuple)):
        raise TypeError(
            f"{name}(): argument 'tensors' (position 1) must be tuple of Tensors, not {type(tensors).__name__}"
        )
    for i, x in enumerate(tensors):
        if not isinstance(x, Tensor):
            raise TypeError(f"expected Tensor as element {i} in argument 0, but got {type(x).__name__}")
    kinds = {x.array.dtype for x in tensors}
    if len(kinds) > 1:
        common = functools.reduce(promote_types, [x.dtype for x in tensors])
        return [x.to(common) for x in tensors]
    return list(tensors)


def cat(tensors: Any, dim: int = 0, *, axis: int | None = None, out: Tensor | None = None) -> Tensor:
    """The tensors one after the other along a dim; all other sizes are equal.

    Raises ValueError for no tensors, RuntimeError for sizes that don't match. Tensors of size (0,) are left out.
    """
    given_all = several("cat", tensors)
    if not given_all:
        raise ValueError("torch.cat(): expected a non-empty list of Tensors")
    xs = [x for x in given_all if x.array.shape != (0,)] or given_all[:1]
    shape = xs[0].array.shape
    if not shape:
        raise RuntimeError("zero-dimensional tensor (at position 0) cannot be concatenated")
    d = wrap(dim if axis is None else axis, len(shape))
    if out is not None:
        apart("cat", out, *[x for x in xs if x.array.dtype == out.array.dtype] or [out.clone()])
    starts = [0]
    for k, x in enumerate(xs):
        other = x.array.shape
        if len(other) != len(shape):
            raise told(RuntimeError(f"Tensors must have same number of dimensions: got {len(shape)} and {len(other)}"))
        if other[:d] != shape[:d] or other[d + 1 :] != shape[d + 1 :]:
            wrong = next(i for i, (m, n) in enumerate(zip(shape, other, strict=True)) if i != d and m != n)
            raise told(
                RuntimeError(
                    f"Sizes of tensors must match except in dimension {d}. Expected size {shape[wrong]} but got size "
                    f"{other[wrong]} for tensor number {k} in the list."
                )
            )
        starts.append(starts[-1] + other[d])
    return given(out, record(cat_.op, xs, {"dim": d, "starts": tuple(starts)}))


def stack(tensors: Any, dim: int = 0, *, out: Tensor | None = None) -> Tensor:
    """Tensors of one shape as the parts of a new dim."""
    xs = several("stack", tensors)
    if not xs:
        raise RuntimeError("stack expects a non-empty TensorList")
    shape = xs[0].array.shape
    for k, x in enumerate(xs):
        if x.array.shape != shape:
            raise RuntimeError(
                f"stack expects each tensor to be equal size, but got {list(shape)} at entry 0 and "
                f"{list(x.array.shape)} at entry {k}"
            )
    return given(out, record(stack_.op, xs, {"dim": wrap(dim, len(shape) + 1)}))


concat = concatenate = cat


def _some(name: str, tensors: Any) -> Any:
    xs = several(name, tensors)
    if not xs:
        raise RuntimeError(f"{name} expects a non-empty TensorList")
    return xs


def hstack(tensors: Any, *, out: Tensor | None = None) -> Tensor:
    """Side by side: along dim 1, vectors along dim 0."""
    xs = atleast_1d(_some("hstack", tensors))
    return cat(xs, 0 if xs and xs[0].array.ndim == 1 else 1, out=out)


def vstack(tensors: Any, *, out: Tensor | None = None) -> Tensor:
    """One below the other: along dim 0, vectors as rows."""
    return cat(atleast_2d(_some("vstack", tensors)), 0, out=out)


row_stack = vstack


def dstack(tensors: Any, *, out: Tensor | None = None) -> Tensor:
    """One behind the other: along dim 2, after atleast_3d()."""
    return cat(atleast_3d(_some("dstack", tensors)), 2, out=out)


def column_stack(tensors: Any, *, out: Tensor | None = None) -> Tensor:
    """Vectors as the columns of a matrix; matrices side by side."""
    return cat([reshape(x, x.array.size, 1) if x.array.ndim < 2 else x for x in tensors], 1, out=out)


@titled("BlockDiagBackward0")
def block_diag(*tensors: Tensor) -> Tensor:
    """A matrix with these matrices along its diagonal and 0 elsewhere."""
    xs = several("block_diag", [atleast_2d(x) for x in tensors])
    for k, x in enumerate(xs):
        if x.array.ndim > 2:
            raise RuntimeError(
                f"torch.block_diag: Input tensors must have 2 or fewer dimensions. Input {k} has {x.array.ndim} "
                "dimensions"
            )
    shape = tuple(np.sum([x.array.shape for x in xs], 0).tolist())
    total, row, col = None, 0, 0
    for x in xs:
        m, n = x.array.shape
        block = place(x, shape=shape, at=(slice(row, row + m), slice(col, col + n)))
        total, row, col = block if total is None else total + block, row + m, col + n
    return total if total is not None else Tensor._of(np.zeros((1, 0), np.float32))


def meshgrid(*tensors: Any, indexing: str | None = None) -> tuple[Tensor, ...]:
    """Coordinates of a grid, one tensor per axis; "ij": the first axis is dim 0, "xy": it is dim 1."""
    given_all = tensors[0] if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)) else tensors
    if indexing not in (None, "ij", "xy"):
        raise RuntimeError(f'torch.meshgrid: indexing must be one of "xy" or "ij", but received: {indexing}')
    for x in given_all:
        if x.array.ndim > 1:
            raise RuntimeError(f"torch.meshgrid: Expected 0D or 1D tensor in the tensor list but got: {x}")
    if indexing is None:
        warn("torch.meshgrid: in an upcoming release, it will be required to pass the indexing argument.")
    n = len(given_all)
    places = [1, 0, *range(2, n)] if indexing == "xy" and n > 1 else list(range(n))
    shape = [0] * n
    for x, d in zip(given_all, places, strict=True):
        shape[d] = x.array.size
    return tuple([
        expand(reshape(x, [-1 if k == d else 1 for k in range(n)]), shape)
        for x, d in zip(given_all, places, strict=True)
    ])  # fmt: skip


def cartesian_prod(*tensors: Tensor) -> Tensor:
    """(product of the sizes, number of tensors): every choice of one element from each vector."""
    if len(tensors) == 1:
        return tensors[0]
    return stack([reshape(x, -1) for x in meshgrid(*tensors, indexing="ij")], 1)


@titled("StackBackward0")
def combinations(input: Tensor, r: int = 2, with_replacement: bool = False) -> Tensor:
    """(number, r): every choice of r elements of a vector, in the order of their places."""
    if input.array.ndim != 1:
        raise RuntimeError(f"Expect a 1D vector, but got shape {list(input.array.shape)}")
    choose = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    rows = list(choose(range(input.array.size), r))
    return index(input, xp_of(input.array).asarray(np.array(rows, np.int64).reshape(len(rows), r)), dims=(0,))


# --- repeating ---


@op(jvp="linear")
def repeat(x: Array, *, times: tuple[int, ...]) -> Array:
    return xp_of(x).tile(x, times)


repeat.vjp(x=lambda g, x_shape, times: _sum_repeats(g, x_shape, times))


def _sum_repeats(g: Any, shape: tuple[int, ...], times: tuple[int, ...]) -> Any:
    lead = len(times) - len(shape)
    own = (1,) * lead + tuple(shape)
    apart = [n for pair in zip(times, own, strict=True) for n in pair]  # (times, size, times, size, ...)
    once = [n for size in own for n in (1, size)]
    return reshape(sum_to_size(reshape(g, shape=tuple(apart)), shape=tuple(once)), shape=shape)


@repeat.public
def _(input: Tensor, *repeats: Any, **options: Any) -> Any:
    """The whole tensor repeated along each dim, a copy; more numbers than dims put new dims in front."""
    times = sizes(repeats, {"shape": options.pop("times"), **options} if "times" in options else options, "repeats")
    if len(times) < input.array.ndim:
        raise RuntimeError("Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor")
    if min(times, default=0) < 0:
        shape = (*[1] * (len(times) - input.array.ndim), *input.array.shape)
        made = [n * m for n, m in zip(shape, times, strict=True)]
        raise RuntimeError(f"Trying to create tensor with negative dimension {next(n for n in made if n < 0)}: {made}")
    return (input,), {"times": times}


def tile(input: Tensor, *dims: Any, **options: Any) -> Tensor:
    """repeat(), with ones in front where there are fewer numbers than dims."""
    times = sizes(dims, options, "dims")
    return repeat(input, (1,) * (input.array.ndim - len(times)) + times)


@titled(
    lambda input, repeats=None, *_, **__: (
        "IndexSelectBackward0" if isinstance(repeats, Tensor) and repeats.array.size > 1 else "ViewBackward0"
    )
)
def repeat_interleave(
    input: Tensor, repeats: Any = None, dim: int | None = None, *, output_size: int | None = None
) -> Tensor:
    """Each element (or part along a dim) repeated in place: a number of times, or a number for each.

    With one tensor of ints alone: i as often as its i-th element says.
    """
    if repeats is None:
        return Tensor._of(xp_of(input.array).repeat(np.arange(input.array.size), input.array))
    if dim is None:
        input, dim = flatten(input), 0
    if not input.array.ndim:
        input = reshape(input, 1)
    d = wrap(dim, input.array.ndim)
    shape = input.array.shape
    counts = repeats.array if isinstance(repeats, Tensor) else np.array(operator.index(repeats))
    if counts.dtype.kind not in "iu" or counts.ndim > 1:
        raise RuntimeError("repeats must be an integer, or a 0-d or 1-d tensor of integers")
    if (counts < 0).any():
        raise RuntimeError(f"Repeats must be non-negative, got {counts.min()}")
    if counts.size == 1:
        n = int(counts.item())
        wide = expand(unsqueeze(input, d + 1), (*shape[: d + 1], n, *shape[d + 1 :]))
        made = reshape(wide, (*shape[:d], shape[d] * n, *shape[d + 1 :]))
    else:
        if counts.size != shape[d]:
            raise RuntimeError(
                f"repeats must have the same size as input along dim, but got repeats.size(0) = {counts.size} and "
                f"input.size({d}) = {shape[d]}"
            )
        made = index(input, xp_of(input.array).repeat(np.arange(shape[d]), counts), dims=(d,))
    if output_size is not None and output_size != made.array.shape[d]:
        raise RuntimeError(f"allocated size does not match required size: {output_size}, {made.array.shape[d]}")
    return made


# --- turning ---


@op(jvp="linear")
def flip(x: Array, *, dims: tuple[int, ...]) -> Array:
    return x[tuple([slice(None, None, -1) if d in dims else ALL for d in range(x.ndim)])].copy()


flip.vjp(x=lambda g, dims: flip(g, dims=dims))


@flip.public
def _(input: Tensor, *dims: Any, **options: Any) -> Any:
    """A copy with the given dims in reverse order."""
    return (input,), {"dims": wraps(sizes(dims, options, "dims"), input.array.ndim)}


def fliplr(input: Tensor) -> Tensor:
    """flip() of dim 1."""
    if input.array.ndim < 2:
        raise RuntimeError("Input must be >= 2-d.")
    return flip(input, 1)


def flipud(input: Tensor) -> Tensor:
    """flip() of dim 0."""
    if input.array.ndim < 1:
        raise RuntimeError("Input must be >= 1-d.")
    return flip(input, 0)


@op(jvp="linear")
def roll(x: Array, *, shifts: tuple[int, ...], dims: tuple[int, ...]) -> Array:
    return xp_of(x).roll(x, shifts, dims) if dims else xp_of(x).roll(x, shifts[0])


roll.vjp(x=lambda g, shifts, dims: roll(g, shifts=tuple([-s for s in shifts]), dims=dims))


@roll.public
def _(input: Tensor, shifts: Any, dims: Any = ()) -> Any:
    """Elements moved along dims, those that leave at the end coming back at the start. Without dims: as flattened."""
    far = (shifts,) if hasattr(shifts, "__index__") else tuple(shifts)
    along = (dims,) if hasattr(dims, "__index__") else tuple(dims or ())
    if not far:
        raise RuntimeError("`shifts` required")
    if not along and len(far) == 1:
        return (input,), {"shifts": far, "dims": ()}
    if len(far) != len(along):
        raise RuntimeError(f"shifts and dimensions must align. shifts: {len(far)}, dims:{len(along)}")
    return (input,), {"shifts": far, "dims": tuple([wrap(d, input.array.ndim) for d in along])}


@titled("Rot90Backward0")
def rot90(input: Tensor, k: int = 1, dims: Sequence[int] = (0, 1)) -> Tensor:
    """Turned by 90 degrees k times in the plane of two dims, from the first towards the second."""
    n = input.array.ndim
    if len(dims) != 2:
        raise RuntimeError(f"expected total rotation dims == 2, but got dims = {len(dims)}")
    if n < 2:
        raise RuntimeError(f"expected total dims >= 2, but got total dims = {n}")
    a, b = (wrap(d, n) for d in dims)
    if a == b:
        raise RuntimeError(f"expected rotation dims to be different, but got dim0 = {dims[0]} and dim1 = {dims[1]}")
    k %= 4
    if k == 0:
        return input.clone()
    if k == 1:
        return transpose(flip(input, b), a, b)
    return flip(input, (a, b)) if k == 2 else flip(transpose(input, a, b), b)


# --- triangles and diagonals ---


@op(jvp="linear")
def tril(x: Array, *, diagonal: int = 0) -> Array:
    return xp_of(x).tril(x, diagonal)


@op(jvp="linear")
def triu(x: Array, *, diagonal: int = 0) -> Array:
    return xp_of(x).triu(x, diagonal)


tril.vjp(x=lambda g, diagonal: tril(g, diagonal=diagonal))
triu.vjp(x=lambda g, diagonal: triu(g, diagonal=diagonal))


@tril.public
def _(input: Tensor, diagonal: int = 0) -> Any:
    """The elements on and below a diagonal of each matrix, 0 above."""
    return _triangle_of("tril", input, diagonal)


@triu.public
def _(input: Tensor, diagonal: int = 0) -> Any:
    """The elements on and above a diagonal of each matrix, 0 below."""
    return _triangle_of("triu", input, diagonal)


def _triangle_of(name: str, x: Tensor, diagonal: int) -> Any:
    if x.array.ndim < 2:
        raise RuntimeError(f"{name}: input tensor must have at least 2 dimensions, not {x.array.ndim}")
    return (x,), {"diagonal": diagonal}


def diag_embed(input: Tensor, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """Zeros with the last dim of the input as a diagonal of the new dims dim1 and dim2."""
    shape = input.array.shape
    n = len(shape) + 1
    a, b = wrap(dim1, n), wrap(dim2, n)
    if a == b:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    size, rest = shape[-1] + abs(offset), iter(shape[:-1])
    offset = offset if a < b else -offset
    whole = tuple([size if d in (a, b) else next(rest) for d in range(n)])
    return place_diagonal(input, shape=whole, offset=offset, dim1=min(a, b), dim2=max(a, b))


def diag(input: Tensor, diagonal: int = 0, *, out: Tensor | None = None) -> Tensor:
    """A vector as the diagonal of a matrix, a matrix's diagonal as a vector; a copy."""
    if input.array.ndim == 1:
        return given(out, diag_embed(input, diagonal))
    if input.array.ndim == 2:
        return given(out, diagonal_of(input, diagonal).clone())
    raise RuntimeError(f"diag(): Supports 1D or 2D tensors. Got {input.array.ndim}D")


def diagflat(input: Tensor, offset: int = 0) -> Tensor:
    """diag() of all elements as a vector."""
    return diag_embed(ravel(input), offset)


# --- padding ---


@op
def constant_pad_nd(x: Array, *, shape: tuple[int, ...], at: tuple[slice, ...], value: float) -> Array:
    made = xp_of(x).full(shape, value, x.dtype)
    made[at] = x
    return made


constant_pad_nd.op.analytic = True
constant_pad_nd.vjp(x=lambda g, at: slice_(g, at=at))
constant_pad_nd.jvp(lambda primals, tangents, y, shape, at, value: place(tangents[0], shape=shape, at=at))


_AROUND_TITLES = {"reflect": "Reflection", "replicate": "Replication"}


def pad(input: Tensor, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Tensor:
    """The input with a margin: pad = (left, right) of the last dim, then of the one before, ...; negative cuts off.

    mode: "constant" (value, 0 unless given), "reflect" (the edge is not repeated), "replicate" (the edge is),
    "circular". The last three pad the last 1 to 3 dims of (N, C, ...) or (C, ...).
    """
    widths = [operator.index(w) for w in pad]
    n = input.array.ndim
    if len(widths) % 2:
        raise RuntimeError(f"Padding length must be divisible by 2: {widths}")
    if len(widths) > 2 * n:
        raise RuntimeError(
            f"Padding length should be less than or equal to two times the input dimension but got padding length "
            f"{len(widths)} and input of dimension {n}"
        )
    ends = [(n - 1 - k, *widths[2 * k : 2 * k + 2]) for k in range(len(widths) // 2)]  # (dim, before, after)
    if mode == "constant":
        return _pad_constant(input, ends, 0.0 if value is None else value)
    if mode not in _AROUND:
        raise NotImplementedError(f"Unrecognised padding mode {mode}: constant, reflect, replicate or circular")
    if value is not None:
        raise ValueError(f'Padding mode "{mode}" doesn\'t take in value argument')
    if n - len(ends) not in (1, 2) or len(ends) > 3:
        raise NotImplementedError(
            "Only 2D, 3D, 4D, 5D padding with non-constant padding are supported for now: "
            f"{len(widths)} numbers pad an input of {len(ends) + 1} or {len(ends) + 2} dims, not {n}"
        )
    for d, before, after in ends:
        around = _AROUND[mode](input.array.shape[d], before, after)
        if before or after:
            input = index(input, xp_of(input.array).asarray(around), dims=(d,))
    return input if mode == "circular" else title(input, f"{_AROUND_TITLES[mode]}Pad{len(ends)}DBackward0")


def _pad_constant(x: Tensor, ends: Any, value: float) -> Tensor:
    shape, at, cut = list(x.array.shape), [ALL] * x.array.ndim, [ALL] * x.array.ndim
    for d, before, after in ends:
        n = shape[d]
        if n + before + after < 0:
            raise RuntimeError(
                f"The input size {n}, plus negative padding {before} and {after}, resulted in a negative output "
                f"size, which is invalid. Check dimension {d} of your input."
            )
        cut[d] = slice(max(-before, 0), n + min(after, 0))
        at[d] = slice(max(before, 0), n + before + min(after, 0))
        shape[d] = n + before + after
    if any(s is not ALL and (s.start > 0 or s.stop < n) for s, n in zip(cut, x.array.shape, strict=True)):
        x = record(slice_.op, (x,), {"at": tuple(cut)})
    return constant_pad_nd(x, shape=tuple(shape), at=tuple(at), value=value)


def _reflected(n: int, before: int, after: int) -> Array:
    if max(before, after) >= n:
        raise RuntimeError(
            "Padding size should be less than the corresponding input dimension, but got: padding "
            f"({before}, {after}) for a dimension of size {n}"
        )
    i = np.arange(-before, n + after)
    i = abs(i)
    return np.where(i >= n, 2 * (n - 1) - i, i)


def _replicated(n: int, before: int, after: int) -> Array:
    if n == 0:
        raise RuntimeError("Expected non-zero size for the dimensions that are padded")
    return np.arange(-before, n + after).clip(0, n - 1)


def _wrapped(n: int, before: int, after: int) -> Array:
    if max(before, after) > n:
        raise RuntimeError(
            f"Padding value causes wrapping around more than once: ({before}, {after}) for a dimension of size {n}"
        )
    kept = np.arange(max(-before, 0), n - max(-after, 0))  # negative padding cuts first
    return np.concatenate([kept[len(kept) - max(before, 0) :], kept, kept[: max(after, 0)]])


_AROUND = {"reflect": _reflected, "replicate": _replicated, "circular": _wrapped}

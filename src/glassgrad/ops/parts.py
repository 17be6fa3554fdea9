"""Views of a part: one index of a dim, a range, all parts at once, a diagonal, sliding windows.

`at` is a basic index of NumPy's: ints, slices, None and one ... in a tuple, so that the part is a view also where
it is a single number. One declaration serves all; the names differ as in PyTorch's grad_fn.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

from ..core.backend import Array, ndarray, xp_of
from ..core.graph import as_array
from ..core.op import op, record
from ..core.tensor import Tensor
from ..core.titles import titled
from ..core.views import view_of
from .shape import wrap

__all__ = [
    "as_strided", "chunk", "diagonal", "diagonal_scatter", "dsplit", "hsplit", "narrow", "select", "select_scatter",
    "slice_scatter", "split", "split_with_sizes", "tensor_split", "unbind", "vsplit",
]  # fmt: skip
METHODS: tuple[str, ...] = (*__all__, "unfold")
IN_PLACE: tuple[str, ...] = ()

At = tuple[Any, ...]
ALL = slice(None)


def _part(name: str) -> Any:
    def part(x: Array, *, at: At) -> Array:
        return x[at]

    part.__name__ = name
    made = op(part, jvp="linear", view=True)
    made.vjp(x=lambda g, x_shape, at: place(g, shape=x_shape, at=at))
    return made


select_, slice_, alias_, none_ = _part("select_"), _part("slice_"), _part("alias_"), _part("unsqueeze_at")
none_.op.node_name = "UnsqueezeBackward0"


@op(jvp="linear")
def place(part: Array, *, shape: tuple[int, ...], at: At) -> Array:
    """Zeros with the part put in."""
    made = xp_of(part).zeros(shape, part.dtype)
    made[at] = part
    return made


place.vjp(part=lambda g, at: slice_(g, at=at))


def at_dim(dim: int, where: Any) -> At:
    return (ALL,) * dim + (where, ...)


def select(input: Tensor, dim: int, index: int) -> Tensor:
    """The part at one index of a dim, which goes away; a view."""
    shape = input.array.shape
    if not shape:
        raise IndexError("select() cannot be applied to a 0-dim tensor.")
    d, i = wrap(dim, len(shape)), operator.index(index)
    if not -shape[d] <= i < shape[d]:
        raise IndexError(f"select(): index {i} out of range for tensor of size {list(shape)} at dimension {d}")
    return record(select_.op, (input,), {"at": at_dim(d, i)})


def narrow(input: Tensor, dim: int, start: Any, length: int) -> Tensor:
    """`length` indices of a dim from `start` on; a view."""
    shape = input.array.shape
    if not shape:
        raise RuntimeError("narrow() cannot be applied to a 0-dim tensor.")
    if isinstance(start, Tensor) and (start.array.ndim or start.array.dtype.kind not in "iu"):
        raise RuntimeError("start must be an 0-dim integral Tensor.")
    d, first = wrap(dim, len(shape)), operator.index(start)
    if length < 0:
        raise RuntimeError("narrow(): length must be non-negative.")
    if not -shape[d] <= first <= shape[d]:
        raise IndexError(f"start out of range (expected to be in range of [{-shape[d]}, {shape[d]}], but got {first})")
    first = first + shape[d] if first < 0 else first
    if first + length > shape[d]:
        raise RuntimeError(f"start ({first}) + length ({length}) exceeds dimension size ({shape[d]}).")
    return record(slice_.op, (input,), {"at": at_dim(d, slice(first, first + length))})


# --- all parts at once: one node, whose gradient joins those of the parts ---


@op(jvp="linear", outputs=0)
def unbind_(x: Array, *, dim: int) -> tuple[Array, ...]:
    return tuple([x[at_dim(dim, i)] for i in range(x.shape[dim])])


@op(jvp="linear", outputs=0)
def split_(x: Array, *, ends: tuple[int, ...], dim: int) -> tuple[Array, ...]:
    return tuple([x[at] for at in _ranges(ends, dim)])


unbind_.vjp(x=lambda g, x_shape, dim: joined(g, x_shape, [at_dim(dim, i) for i in range(x_shape[dim])]))
split_.vjp(x=lambda g, x_shape, ends, dim: joined(g, x_shape, _ranges(ends, dim)))


def _ranges(ends: tuple[int, ...], dim: int) -> list[At]:
    return [at_dim(dim, slice(a, b)) for a, b in zip((0, *ends[:-1]), ends, strict=True)]


@op(jvp="linear")
def place_all(*parts: Array, shape: tuple[int, ...], ats: tuple[At, ...]) -> Array:
    """Zeros with each part put in its place; places don't overlap."""
    whole = sum([part.size for part in parts]) == math.prod(shape)
    made = (xp_of(parts[0]).empty if whole else xp_of(parts[0]).zeros)(shape, parts[0].dtype)
    for at, part in zip(ats, parts, strict=True):
        made[at] = part
    return made


place_all.vjp(parts=lambda g, i, ats: slice_(g, at=ats[i]))


def joined(g: Any, shape: tuple[int, ...], ats: Sequence[At]) -> Any:
    """The gradients of parts put together, zero where none came."""
    came = [(g[k], at) for k, at in enumerate(ats) if g[k] is not None]
    return place_all(*[part for part, _ in came], shape=shape, ats=tuple([at for _, at in came]))


def _views(x: Tensor, parts: tuple[Tensor, ...], ats: Sequence[At]) -> tuple[Tensor, ...]:
    """Mark the parts as views of x made at once, which can't be changed in place where x has a gradient."""
    for i, (part, at) in enumerate(zip(parts, ats, strict=True), 1):
        view = view_of(x, part.array, (select_.op, (), {"at": at}))
        assert view._view is not None
        view._view.several = i
        part.version, part._view, part._needs = view.version, view._view, part._needs or view._needs
    return parts


def unbind(input: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """The parts at every index of a dim, as views."""
    shape = input.array.shape
    if not shape:
        raise IndexError("Dimension specified as 0 but tensor has no dimensions")
    d = wrap(dim, len(shape))
    parts = record(unbind_.op, (input,), {"dim": d})
    return _views(input, parts, [at_dim(d, i) for i in range(shape[d])])


def _split(x: Tensor, ends: Sequence[int], d: int, name: str = "SplitBackward0") -> tuple[Tensor, ...]:
    parts = record(split_.op, (x,), {"ends": tuple(ends), "dim": d})
    if parts and parts[0]._node is not None:
        parts[0]._node.all_outputs().shown = name
    return _views(x, parts, _ranges(tuple(ends), d))


def split(tensor: Tensor, split_size_or_sections: Any = None, dim: int = 0, **named: Any) -> tuple[Tensor, ...]:
    """Views of parts of the given size (the last may be smaller), or of the given sizes, along a dim.

    Raises RuntimeError where a list of sizes doesn't sum to the size of the dim.
    """
    size = named.pop("split_size", split_size_or_sections)
    if named:
        raise TypeError(f"split() got an unexpected keyword argument {next(iter(named))!r}")
    if not hasattr(size, "__index__"):
        return split_with_sizes(tensor, size, dim)
    if not tensor.array.ndim:
        raise RuntimeError("split expects at least a 1-dimensional tensor")
    step, d = operator.index(size), wrap(dim, tensor.array.ndim)
    n = tensor.array.shape[d]
    if step < 0:
        raise RuntimeError(f"split expects split_size be non-negative, but got split_size={step}")
    if step == 0 and n:
        raise RuntimeError(f"split_size can only be 0 if dimension size is 0, but got dimension size of {n}")
    return _split(tensor, [min(e, n) for e in range(step, n + step, step)] if n else [0], d)


def split_with_sizes(input: Tensor, split_sizes: Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """Views of parts of the given sizes along a dim."""
    if not input.array.ndim:
        raise RuntimeError("split expects at least a 1-dimensional tensor")
    given, d = [operator.index(n) for n in split_sizes], wrap(dim, input.array.ndim)
    n = input.array.shape[d]
    if min(given, default=0) < 0:
        raise RuntimeError(
            f"split_with_sizes expects split_sizes have only non-negative entries, but got split_sizes={given}"
        )
    if sum(given) != n:
        raise RuntimeError(
            f"split_with_sizes expects split_sizes to sum exactly to {n} (input tensor's size at dimension {d}), "
            f"but got split_sizes={given}"
        )
    return _split(input, [sum(given[: k + 1]) for k in range(len(given))], d, "SplitWithSizesBackward0")


def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """Views of at most `chunks` parts of equal size along a dim; the last may be smaller."""
    if not input.array.ndim:
        raise RuntimeError("chunk expects at least a 1-dimensional tensor")
    if chunks <= 0:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    d = wrap(dim, input.array.ndim)
    n = input.array.shape[d]
    return split(input, -(-n // chunks), d) if n else _split(input, [0] * chunks, d)


def tensor_split(
    input: Tensor, indices_or_sections: Any = None, dim: int = 0, *, indices: Any = None, sections: Any = None
) -> tuple[Tensor, ...]:
    """Views of `sections` parts, the first ones larger by one where it doesn't divide, or cut before `indices`."""
    given = [v for v in (indices_or_sections, indices, sections) if v is not None]
    if len(given) != 1:
        raise TypeError("tensor_split() takes indices_or_sections, indices or sections, one of them")
    if not input.array.ndim:
        raise RuntimeError("tensor_split expected at least a 1-dimensional tensor, but got a tensor with 0 dims")
    d = wrap(dim, input.array.ndim)
    n = input.array.shape[d]
    cuts = given[0].tolist() if isinstance(given[0], Tensor) else given[0]
    if hasattr(cuts, "__index__"):
        if cuts <= 0:
            raise RuntimeError(f"number of sections must be larger than 0, got {cuts}")
        small, rest = divmod(n, cuts)
        return _split(input, [k * small + min(k, rest) for k in range(1, cuts + 1)], d, "SliceBackward0")
    ends = [slice(None, operator.index(c)).indices(n)[1] for c in cuts]
    if sorted(ends) == ends:
        return _split(input, [*ends, n], d, "SliceBackward0")
    ats = [at_dim(d, slice(a, max(a, b))) for a, b in zip((0, *ends), (*ends, n), strict=True)]
    return _views(input, tuple([record(slice_.op, (input,), {"at": at}) for at in ats]), ats)


def hsplit(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """tensor_split() along dim 1, or dim 0 of a vector; sections must divide."""
    n = input.array.ndim
    if n < 1:
        raise RuntimeError(
            "torch.hsplit requires a tensor with at least 1 dimension, but got a tensor with 0 dimensions!"
        )
    return _even_split("hsplit", input, indices_or_sections, 0 if n == 1 else 1)


def vsplit(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """tensor_split() along dim 0; sections must divide."""
    n = input.array.ndim
    if n < 2:
        raise RuntimeError(
            f"torch.vsplit requires a tensor with at least 2 dimension, but got a tensor with {n} dimensions!"
        )
    return _even_split("vsplit", input, indices_or_sections, 0)


def dsplit(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """tensor_split() along dim 2; sections must divide."""
    n = input.array.ndim
    if n < 3:
        raise RuntimeError(
            f"torch.dsplit requires a tensor with at least 3 dimension, but got a tensor with {n} dimensions!"
        )
    return _even_split("dsplit", input, indices_or_sections, 2)


def _even_split(name: str, x: Tensor, how: Any, dim: int) -> tuple[Tensor, ...]:
    n = x.array.shape[dim]
    if isinstance(how, int) and (how <= 0 or n % how):
        raise RuntimeError(
            f"torch.{name} attempted to split along dimension {dim}, but the size of the dimension {n} is not "
            f"divisible by the split_size {how}!"
        )
    return tensor_split(x, how, dim)


# --- diagonals ---


@op(jvp="linear", view=True)
def diagonal(x: Array, *, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Array:
    seen = x.diagonal(offset, dim1, dim2)
    if type(x) is ndarray and x.flags.writeable:
        seen.flags.writeable = True
    return seen


@op(jvp="linear")
def place_diagonal(d: Array, *, shape: tuple[int, ...], offset: int, dim1: int, dim2: int) -> Array:
    made = xp_of(d).zeros(shape, d.dtype)
    diagonal(made, offset=offset, dim1=dim1, dim2=dim2)[...] = d
    return made


diagonal.vjp(x=lambda g, x_shape, offset, dim1, dim2: (
    place_diagonal(g, shape=x_shape, offset=offset, dim1=dim1, dim2=dim2)
))  # fmt: skip
place_diagonal.vjp(d=lambda g, offset, dim1, dim2: diagonal(g, offset=offset, dim1=dim1, dim2=dim2))


@diagonal.public
def _(input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Any:
    """The elements with equal indices in dim1 and dim2, those of dim2 shifted by offset, as a last dim; a view."""
    n = input.array.ndim
    first, second = wrap(dim1, n), wrap(dim2, n)
    if first == second:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    return (input,), {"offset": offset, "dim1": first, "dim2": second}


# --- sliding windows ---


@op(jvp="linear", view=True)
def unfold(x: Array, *, dim: int, size: int, step: int) -> Array:
    if not x.ndim:
        return x.reshape(1)[:size]
    stride, count = x.strides[dim], (x.shape[dim] - size) // step + 1
    shape = (*x.shape[:dim], count, *x.shape[dim + 1 :], size)
    strides = (*x.strides[:dim], stride * step, *x.strides[dim + 1 :], stride)
    return xp_of(x).lib.stride_tricks.as_strided(x, shape, strides)


@op(jvp="linear")
def fold(w: Array, *, shape: tuple[int, ...], dim: int, step: int) -> Array:
    """Windows added up where they overlap."""
    if not shape:
        return as_array(w.sum())
    made = xp_of(w).zeros(shape, w.dtype)
    count, size = w.shape[dim], w.shape[-1]
    for k in range(size):
        made[at_dim(dim, slice(k, k + (count - 1) * step + 1, step))] += w[..., k]
    return made


unfold.vjp(x=lambda g, x_shape, dim, step: fold(g, shape=x_shape, dim=dim, step=step))
fold.vjp(w=lambda g, w_shape, dim, step: unfold(g, dim=dim, size=w_shape[-1], step=step))


@unfold.public
def _(x: Tensor, dimension: int | None = None, size: int = 0, step: int = 0, dim: int | None = None) -> Any:
    """Windows of `size` indices of a dim, each `step` after the one before; they become a last dim. A view."""
    shape = x.array.shape or (1,)
    d = wrap(dimension if dimension is not None else dim, len(shape))  # type: ignore[arg-type]
    if size > shape[d]:
        raise RuntimeError(f"maximum size for tensor at dimension {d} is {shape[d]} but size is {size}")
    if size < 0:
        raise RuntimeError(f"size is {size} but must be >= 0")
    if step <= 0:
        raise RuntimeError(f"step is {step} but must be > 0")
    return (x,), {"dim": d, "size": size, "step": step}


# --- any strides ---


@op(jvp="linear", view=True)
def as_strided(x: Array, *, size: tuple[int, ...], stride: tuple[int, ...], start: int) -> Array:
    flat = xp_of(x).ascontiguousarray(x).reshape(-1)[start:]  # a gradient may be one number, repeated by strides of 0
    strides = tuple([s * x.itemsize for s in stride])
    return xp_of(x).lib.stride_tricks.as_strided(flat, size, strides)


@op(jvp="linear")
def add_strided(
    y: Array, *, shape: tuple[int, ...], size: tuple[int, ...], stride: tuple[int, ...], start: int
) -> Array:
    """Elements added up at the places where as_strided reads them."""
    made = xp_of(y).zeros(math.prod(shape), y.dtype)
    where = xp_of(y).full(size, start)
    for d, n in enumerate(size):
        where += xp_of(y).arange(n).reshape((n,) + (1,) * (len(size) - d - 1)) * stride[d]
    xp_of(y).add.at(made, where, y)
    return made.reshape(shape)


as_strided.vjp(x=lambda g, x_shape, size, stride, start: (
    add_strided(g, shape=x_shape, size=size, stride=stride, start=start)
))  # fmt: skip
add_strided.vjp(y=lambda g, size, stride, start: as_strided_of(g, size, stride, start))


def as_strided_of(g: Any, size: tuple[int, ...], stride: tuple[int, ...], start: int) -> Any:
    return as_strided(g.contiguous() if isinstance(g, Tensor) else g, size=size, stride=stride, start=start)


@as_strided.public
def _(
    input: Tensor, size: Sequence[int], stride: Sequence[int], storage_offset: int | None = None, start: Any = None
) -> Any:
    """The elements at start + sum(index * stride) of the input's memory; a view.

    Only of an input whose elements lie in order, and only of elements that are its own: PyTorch reaches the whole
    memory that the input is part of.
    """
    if len(size) != len(stride):
        raise RuntimeError(f"mismatch in length of strides and shape: {list(size)} and {list(stride)}")
    if min(stride, default=0) < 0:
        raise RuntimeError(f"as_strided: Negative strides are not supported at the moment, got strides: {list(stride)}")
    if not input.array.flags.c_contiguous:
        raise NotImplementedError("as_strided of a tensor whose elements do not lie in order; use contiguous() first")
    own = input.storage_offset()
    first = start if start is not None else 0 if storage_offset is None else storage_offset - own
    last = first + sum((n - 1) * s for n, s in zip(size, stride, strict=True))
    if 0 not in size and not (0 <= first and last < input.array.size):
        raise RuntimeError(
            f"setStorage: sizes {list(size)}, strides {list(stride)}, storage offset {own + first}: element "
            f"{own + last} is out of bounds for a tensor with {input.array.size} elements from {own} on"
        )
    return (input,), {"size": tuple(size), "stride": tuple(stride), "start": first}


# --- copies with a part replaced ---


def _replaced(input: Tensor, part: Any, src: Tensor) -> Tensor:
    made = input.clone()
    target = part(made)
    if target.array.shape != src.array.shape:
        raise RuntimeError(
            f"expected src to have a size equal to the slice of self. src size = {list(src.array.shape)}, "
            f"slice size = {list(target.array.shape)}"
        )
    target.copy_(src)
    return made


@titled("SelectScatterBackward0")
def select_scatter(input: Tensor, src: Tensor, dim: int, index: int) -> Tensor:
    """A copy of the input in which src is what select(dim, index) gives."""
    return _replaced(input, lambda x: select(x, dim, index), src)


@titled("SliceScatterBackward0")
def slice_scatter(
    input: Tensor, src: Tensor, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1
) -> Tensor:
    """A copy of the input in which src is the range start:end:step of a dim."""
    d = wrap(dim, input.array.ndim)
    return _replaced(input, lambda x: x[at_dim(d, slice(start, end, step))], src)


@titled("DiagonalScatterBackward0")
def diagonal_scatter(input: Tensor, src: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """A copy of the input in which src is what diagonal(offset, dim1, dim2) gives."""
    return _replaced(input, lambda x: diagonal(x, offset, dim1, dim2), src)

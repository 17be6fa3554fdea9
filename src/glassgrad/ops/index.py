"""Reading and writing by index: x[...] in all its forms, and x[...] = value.

Ints, slices, None and ... are a view (parts.py). Tensors, lists and masks then pick from that view, in a copy.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..core.backend import Array, ndarray, xp_of
from ..core.errors import told
from ..core.fast import broadcast_error
from ..core.graph import touch
from ..core.op import op, record
from ..core.provenance import warn
from ..core.tensor import TYPE_NAMES, Tensor, asarray
from ..core.titles import title_whole
from ..core.views import overlay_op, write
from .choice import number_for
from .parts import ALL, alias_, none_, select_, slice_
from .shape import broadcast_shapes, expand, reshape

__all__: list[str] = ["index_put"]
METHODS: tuple[str, ...] = (
    "__getitem__", "__setitem__", "copy_", "fill_", "index_put", "zero_",
)  # fmt: skip
IN_PLACE: tuple[str, ...] = ("index_put",)

overlay_op()  # declares what writing into a view records, so that the registry is complete from the start

INDICES = "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid indices"
Picks = list[tuple[int, Any]]  # (dim of the view, index tensor or array)


# --- picking by index arrays, and its adjoint ---


@op(jvp="linear")
def index(x: Array, *indices: Array, dims: tuple[int, ...]) -> Array:
    """x[:, i, :, j, ...]: `indices` broadcast with one another and stand at `dims`, in rising order."""
    return x.take(indices[0], dims[0]) if len(dims) == 1 else x[at_dims(dims, indices)]


def at_dims(dims: tuple[int, ...], indices: Sequence[Array]) -> tuple[Any, ...]:
    """The index arrays at their dims, with all of the others."""
    at: list[Any] = [ALL] * (dims[-1] + 1)
    for d, i in zip(dims, indices, strict=True):
        at[d] = i
    return tuple(at)


@op(jvp="linear")
def index_sum(values: Array, *indices: Array, shape: tuple[int, ...], dims: tuple[int, ...]) -> Array:
    """Zeros of `shape` with the values added at the places that index() picks; places may repeat."""
    rest = tuple([d for d in range(len(shape)) if d not in dims])
    block = max([i.ndim for i in indices])
    adjacent = dims[-1] - dims[0] == len(dims) - 1
    lead = dims[0] if adjacent else 0  # where index() puts the dims of the indices
    order = (*range(lead, lead + block), *range(lead), *range(lead + block, values.ndim))
    rows = row_numbers(indices, [shape[d] for d in dims])
    width = math.prod([shape[d] for d in rest])
    height = math.prod([shape[d] for d in dims])
    made = sum_rows(values.transpose(order).reshape(rows.size, width), rows.reshape(-1), height)
    made = made.reshape([shape[d] for d in (*dims, *rest)])
    places = (*dims, *rest)
    return made if places == tuple(range(len(shape))) else made.transpose(np.argsort(places).tolist())


index.vjp(x=lambda g, x_shape, indices, dims: index_sum(g, *indices, shape=x_shape, dims=dims), indices=None)
index_sum.vjp(values=lambda g, indices, dims: index(g, *indices, dims=dims), indices=None)


def row_numbers(indices: Sequence[Array], sizes: Sequence[int]) -> Array:
    """Several indices as one, counted in row-major order; negative ones count from the end."""
    made = 0
    for i, n in zip(indices, sizes, strict=True):
        i = xp_of(i).where(i < 0, i + n, i)
        made = made * n + i
    return made


def sum_rows(values: Array, rows: Array, n: int) -> Array:
    """(K, D) values added into the rows (K,) of zeros (n, D).

    Few rows: a product with the one-hot matrix, which is fastest, but mixes rows where a number isn't finite.
    """
    xp = xp_of(values)
    k, width = values.shape
    if width >= 8 and n * k <= 1 << 17 and values.dtype.kind == "f" and values.dtype.itemsize >= 4:
        one_hot = xp.zeros((n, k), values.dtype)
        one_hot[rows, xp.arange(k)] = 1
        made = one_hot @ values
        if xp.isfinite(made).all():
            return made
    made = xp.zeros(n * width, values.dtype)
    cells = rows if width == 1 else (rows[:, None] * width + xp.arange(width)).reshape(-1)
    xp.add.at(made, cells, values.reshape(-1))
    return made.reshape(n, width)


# --- x[...] ---


def __getitem__(x: Tensor, at: Any) -> Tensor:
    kind = type(at)
    if kind is int:
        shape = x.array.shape
        if shape and -shape[0] <= at < shape[0]:
            return record(select_.op, (x,), {"at": (at, ...)})
    elif kind is slice and x.array.ndim and (at.step is None or type(at.step) is int and at.step > 0):
        return record(slice_.op, (x,), {"at": (at, ...)})
    elif kind is Tensor and x.array.ndim and at.array.dtype.kind == "i":
        return pick(x, [(0, at)])
    basic, picks, last = read(x, at)
    if not picks:
        return record(last.op, (x,), {"at": basic})
    if any(i is not ALL for i in basic[:-1]):
        x = record(last.op, (x,), {"at": basic})
    return pick(x, picks)


def pick(x: Tensor, picks: Picks) -> Tensor:
    """x at index tensors, which stand at dims in rising order."""
    dims, indices = tuple([d for d, _ in picks]), [i for _, i in picks]
    try:
        return record(index.op, (x, *indices), {"dims": dims})
    except (IndexError, ValueError) as problem:
        raise _pick_error(x, dims, indices) or problem from None


def _pick_error(x: Tensor, dims: tuple[int, ...], indices: Sequence[Any]) -> Exception | None:
    """What PyTorch says where index arrays don't fit x or each other."""
    arrays = [getattr(i, "array", i) for i in indices]
    for d, i in zip(dims, arrays, strict=True):
        n = x.array.shape[d]
        wrong = i[(i < -n) | (i >= n)]
        if wrong.size:
            return IndexError(f"index {wrong.reshape(-1)[0]} is out of bounds for dimension {d} with size {n}")
    try:
        broadcast_shapes(*[i.shape for i in arrays])
    except RuntimeError:
        shapes = ", ".join(str(list(i.shape)) for i in arrays)
        return IndexError(f"shape mismatch: indexing tensors could not be broadcast together with shapes {shapes}")
    return None


def read(x: Tensor, at: Any) -> tuple[tuple[Any, ...], Picks, Any]:
    """An index taken apart: the basic index, the index arrays of its result, the view's declaration."""
    shape = x.array.shape
    items = [_item(i, x) for i in _items(at)]
    used = sum([_dims_used(i) for i in items])
    if used > len(shape):
        if not shape:
            raise told(
                IndexError(
                    "invalid index of a 0-dim tensor. Use `tensor.item()` in Python or `tensor.item<T>()` in C++ to "
                    "convert a 0-dim tensor to a number"
                )
            )
        raise told(IndexError(f"too many indices for tensor of dimension {len(shape)}"))
    basic: list[Any] = []
    picks: Picks = []
    dim, out, free, last = 0, 0, len(shape) - used, alias_  # dims of x and of the view so far
    for i in items:
        if i is Ellipsis:
            basic += [ALL] * free
            dim, out, free = dim + free, out + free, 0
        elif i is None:
            basic.append(None)
            out, last = out + 1, none_
        elif type(i) is int:
            if not -shape[dim] <= i < shape[dim]:
                raise told(IndexError(f"index {i} is out of bounds for dimension {dim} with size {shape[dim]}"))
            basic.append(i)
            dim, last = dim + 1, select_
        elif type(i) is slice:
            basic.append(i)
            dim, out, last = dim + 1, out + 1, last if i == ALL and len(items) > 1 else slice_
        elif i is True or i is False:
            basic.append(None)
            picks.append((out, xp_of(x.array).zeros(int(i), np.int64)))
            out, last = out + 1, none_
        else:
            found = _mask_indices(i, shape, dim) if _raw(i).dtype == np.bool_ else (i,)
            picks += [(out + k, found_k) for k, found_k in enumerate(found)]
            basic += [ALL] * len(found)
            dim, out = dim + len(found), out + len(found)
    basic.append(...)
    return tuple(basic), picks, last


def _items(at: Any) -> Sequence[Any]:
    """The entries of an index, which are those of a tuple, or of a list that nests."""
    if isinstance(at, tuple):
        return at
    if (
        isinstance(at, list)
        and len(at) < 32
        and any(isinstance(i, (list, tuple, slice, Tensor, ndarray)) or i is None or i is Ellipsis for i in at)
    ):
        warn(
            "Using a non-tuple sequence for multidimensional indexing is deprecated; "
            "use x[tuple(seq)] instead of x[seq], or x[tensor(seq)] for an index array"
        )
        return at
    return (at,)


def _item(i: Any, x: Tensor) -> Any:
    """An entry of an index as an int, bool, slice, None, ..., or as an array or tensor of ints or bools."""
    kind = type(i)
    if kind is int or kind is bool or i is None or i is Ellipsis:
        return i
    if kind is slice:
        step = 1 if i.step is None else operator.index(i.step)
        if step <= 0:
            raise told(ValueError("step must be greater than zero"))
        return slice(_end(i.start), _end(i.stop), None if step == 1 else step)
    if isinstance(i, (list, tuple, range, ndarray)):
        i = xp_of(x.array).asarray(asarray(list(i) if isinstance(i, range) else i, copy=False))
        if not i.size and i.dtype.kind == "f" and kind is not ndarray:
            i = i.astype(np.int64)
    array = _raw(i)
    if hasattr(array, "dtype") and hasattr(array, "shape"):
        if array.dtype == np.uint8 and array.ndim:
            warn("indexing with dtype torch.uint8 is now deprecated, please use a dtype torch.bool instead.")
            return array.astype(np.bool_)
        if array.dtype.kind not in "iub":
            raise told(IndexError("tensors used as indices must be long, int, byte or bool tensors"))
        return array.item() if not array.ndim else i
    if hasattr(i, "__index__"):
        return operator.index(i)
    raise told(IndexError(f"{INDICES} (got {kind.__name__})"))


def _end(end: Any) -> int | None:
    return end if end is None or type(end) is int else operator.index(end)


def _raw(i: Any) -> Any:
    return i.array if isinstance(i, Tensor) else i


def _dims_used(i: Any) -> int:
    if i is None or i is Ellipsis or i is True or i is False:
        return 0
    array = _raw(i)
    return array.ndim if getattr(array, "dtype", None) == np.bool_ else 1


def _mask_indices(mask: Any, shape: tuple[int, ...], dim: int) -> tuple[Array, ...]:
    """The indices, one array per dim, at which a mask is true."""
    array = _raw(mask)
    for k, n in enumerate(array.shape):
        if n != shape[dim + k]:
            raise told(
                IndexError(
                    f"The shape of the mask {list(array.shape)} at index {k} does not match the shape of the indexed "
                    f"tensor {list(shape)} at index {dim + k}"
                )
            )
    return array.nonzero()


# --- x[...] = value ---


@op(jvp="linear")
def index_put_(x: Array, values: Array, *indices: Array, dims: tuple[int, ...], accumulate: bool) -> Array:
    """A copy of x with the values at the places that index() picks, or added there."""
    if accumulate:
        return x + index_sum.op.forward(values, *indices, shape=x.shape, dims=dims)
    made = x.copy()
    made[at_dims(dims, indices)] = values
    return made


index_put_.vjp(
    x=lambda g, indices, dims, accumulate: g if accumulate else index_put_(g, 0, *indices, dims=dims, accumulate=False),
    values=lambda g, indices, dims: index(g, *indices, dims=dims),
    indices=None,
)


def __setitem__(x: Tensor, at: Any, value: Any) -> None:
    given = isinstance(value, Tensor)
    if not (given or isinstance(value, (int, float, complex, np.number, np.bool_))):
        kind = "numpy.ndarray" if isinstance(value, ndarray) else type(value).__name__
        raise told(TypeError(f"can't assign a {kind} to a {x.type()}: make it a tensor first"))
    basic, picks, last = read(x, at)
    if not picks and x._view is None and not x._needs and not (given and value.requires_grad):
        target = x.array[basic]
        target[...] = fitted(value, target, x).array if given else number_for(target, value)
        touch(x.version)
        return
    target = record(last.op, (x,), {"at": basic})
    if not picks:
        assign(target, value)
        return
    if given and not value.array.ndim and isinstance(at, Tensor) and at.array.dtype == np.bool_:
        value = value.to(x.dtype)
    put(target, picks, value)
    if target is x or target.array.shape == x.array.shape:
        title_whole(x, "IndexPutBackward0")


def assign(target: Tensor, value: Any) -> Tensor:
    """target[...] = value: converted to its dtype and broadcast to its shape."""
    array = target.array
    return write(target, fitted(value, array, target) if isinstance(value, Tensor) else number_for(array, value))


def fitted(value: Tensor, array: Array, like: Tensor) -> Tensor:
    """value in the dtype, on the device and in the shape of array; it may have leading dims of size 1 too many."""
    have, shape = value.array.shape, array.shape
    extra = len(have) - len(shape)
    if extra > 0 and have[:extra] == (1,) * extra:
        value = reshape(value, have[extra:])
    if value.array.dtype != array.dtype or type(value.array) is not type(array):
        value = value.to(like.device, like.dtype)
    return value if value.array.shape == shape else expand(value, shape)


def put(target: Tensor, picks: Picks, value: Any, accumulate: bool = False) -> Tensor:
    """target at the index arrays becomes value, or grows by it, in place."""
    made = put_into(target, picks, value, accumulate)
    return write(target, made)


def put_into(x: Tensor, picks: Picks, value: Any, accumulate: bool) -> Tensor:
    """A copy of x that has the value at the index arrays, or is larger by it there."""
    dims, indices = tuple([d for d, _ in picks]), [i for _, i in picks]
    if not isinstance(value, Tensor):
        value = Tensor._of(xp_of(x.array).full((), number_for(x.array, value), x.array.dtype))
    elif value.array.dtype != x.array.dtype:
        raise told(
            RuntimeError(
                f"Index put requires the source and destination dtypes match, got {title(x)} for the destination and "
                f"{title(value)} for the source."
            )
        )
    wrong = _pick_error(x, dims, indices)
    if wrong is not None:
        raise wrong
    shape = picked_shape(x.array.shape, dims, [_raw(i).shape for i in indices])
    have = value.array.shape
    extra = len(have) - len(shape)
    if extra > 0 and have[:extra] == (1,) * extra:
        value = reshape(value, have[extra:])
    if value.array.shape != shape:
        try:
            value = expand(value, shape)
        except RuntimeError:
            raise told(
                RuntimeError(
                    f"shape mismatch: value tensor of shape {list(have)} cannot be broadcast to indexing result of "
                    f"shape {list(shape)}"
                )
            ) from None
    return record(index_put_.op, (x, value, *indices), {"dims": dims, "accumulate": accumulate})


def picked_shape(shape: tuple[int, ...], dims: tuple[int, ...], shapes: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    """The shape of index()'s result."""
    block = tuple(broadcast_shapes(*shapes))
    rest = [d for d in range(len(shape)) if d not in dims]
    lead = dims[0] if dims[-1] - dims[0] == len(dims) - 1 else 0
    kept = [shape[d] for d in rest]
    return (*kept[:lead], *block, *kept[lead:])


def title(x: Tensor) -> str:
    """Float, Long, ...: the dtype as PyTorch's messages name it."""
    return TYPE_NAMES[x.dtype.name].removesuffix("Tensor")


def index_put(input: Tensor, indices: Sequence[Any], values: Any, accumulate: bool = False) -> Tensor:
    """A copy of the input with x[indices] = values, or with values added there, repeated places included."""
    at = tuple([ALL if i is None else i for i in indices])
    basic, picks, last = read(input, at)
    if not picks:
        raise told(RuntimeError("at least one of indices has to be an index tensor"))
    return put_into(input, picks, values, accumulate)


# --- the whole of it ---


def copy_(x: Tensor, src: Tensor, non_blocking: bool = False) -> Tensor:
    """x becomes src, converted to its dtype and broadcast to its shape, in place."""
    if not isinstance(src, Tensor):
        raise told(TypeError(f"copy_(): argument 'other' must be Tensor, not {type(src).__name__}"))
    s, t = src.array.shape, x.array.shape
    for back in range(1, min(len(s), len(t)) + 1):
        if s[-back] not in (1, t[-back]) and t[-back] != 1:
            raise broadcast_error(x.array, src.array)
    return title_whole(assign(x, src), "torch::autograd::CopyBackwards")


def fill_(x: Tensor, value: Any) -> Tensor:
    """Every element becomes value, a number or a tensor without dims, in place."""
    if isinstance(value, Tensor) and value.array.ndim:
        raise told(
            RuntimeError(
                f"fill_ only supports 0-dimension value tensor but got tensor with {value.array.ndim} dimensions."
            )
        )
    return title_whole(assign(x, value), f"FillBackward{3 if isinstance(value, Tensor) else 2}")


def zero_(x: Tensor) -> Tensor:
    """Every element becomes 0, in place."""
    return title_whole(write(x, 0), "ZeroBackward0")

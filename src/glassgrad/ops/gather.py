"""Gathering along a dim, scattering back, and picking by mask: pairs that are each other's gradient."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.backend import Array, xp_of
from ..core.batched import whole
from ..core.errors import told
from ..core.fast import apart, given
from ..core.graph import as_array, as_tensor
from ..core.op import op, record
from ..core.tensor import Tensor
from ..core.titles import titled
from ..core.views import own
from .choice import _zero as zero_gradient
from .choice import number_for, where
from .index import index_put_, index_sum, title
from .parts import slice_
from .shape import broadcast_shapes, expand, reshape, wrap

__all__ = [
    "argwhere", "gather", "index_add", "index_copy", "index_fill", "index_reduce", "index_select", "masked_scatter",
    "masked_select", "nonzero", "put", "scatter", "scatter_add", "scatter_reduce", "take", "take_along_dim",
]  # fmt: skip
METHODS: tuple[str, ...] = tuple(__all__)
IN_PLACE: tuple[str, ...] = (
    "index_add", "index_copy", "index_fill", "index_reduce", "masked_scatter", "put", "scatter", "scatter_add",
    "scatter_reduce",
)  # fmt: skip


# --- reading the index ---


def check_index(name: str, index: Any, n: int, dim: int, error: type[Exception] = RuntimeError) -> None:
    """The index is of ints and inside [0, n)."""
    array = whole(index.array)
    if not array.size:
        return
    if array.dtype.kind != "i" or array.dtype.itemsize < 4:
        raise told(RuntimeError(f"{name}(): Expected dtype int32/int64 for index"))
    if array.size:
        low, high = int(array.min()), int(array.max())
        if low < 0 or high >= n:
            raise told(error(f"index {low if low < 0 else high} is out of bounds for dimension {dim} with size {n}"))


def cells(index: Array, shape: tuple[int, ...], dim: int) -> Array:
    """Where the elements that gather() reads lie, counted in row-major order."""
    if not index.size:
        return index
    made, step = 0, 1
    for d in range(len(shape) - 1, -1, -1):
        if d == dim:
            made = made + index * step
        elif index.shape[d] > 1:
            made = made + (xp_of(index).arange(index.shape[d]) * step).reshape((-1,) + (1,) * (len(shape) - d - 1))
        step *= shape[d]
    return made


# --- along a dim ---


@op(jvp="linear")
def gather_(x: Array, index: Array, *, dim: int, sparse: bool = False) -> Array:
    return x.reshape(-1).take(cells(index, x.shape, dim))


@op(jvp="linear")
def scatter_sum(src: Array, index: Array, *, shape: tuple[int, ...], dim: int) -> Array:
    """Zeros of `shape` with src added at the places that gather() reads; places may repeat."""
    xp = xp_of(src)
    made = xp.zeros(math.prod(shape), src.dtype)
    where_to = cells(index, shape, dim).reshape(-1)
    if index.ndim == len(shape) and index.shape[dim] == 1:
        made[where_to] = src.reshape(-1)  # no place twice
    else:
        xp.add.at(made, where_to, src.reshape(-1))
    return made.reshape(shape)


@op(jvp="linear")
def scatter_(x: Array, src: Array, index: Array, *, dim: int) -> Array:
    """A copy of x with src at the places that gather() reads."""
    made = x.copy("C")
    made.reshape(-1)[cells(index, x.shape, dim)] = src
    return made


def _of_cells(g: Any, x_shape: Any, index: Any, dim: int, sparse: bool) -> Any:
    """The gradient of what elements were gathered from."""
    if not sparse:
        return scatter_sum(g, index, shape=x_shape, dim=dim)
    at = np.indices(index.shape)
    at[dim] = getattr(index, "array", index)
    return places(at.reshape(len(at), -1), as_tensor(g).reshape(-1), x_shape)


gather_.vjp(x=_of_cells, index=None)
scatter_sum.vjp(src=lambda g, index, dim: gather_(g, index, dim=dim), index=None)
scatter_.vjp(
    x=lambda g, index, dim: scatter_(g, 0, index, dim=dim),
    src=lambda g, index, dim: gather_(g, index, dim=dim),
    index=None,
)


def _along(name: str, x: Tensor, dim: int, index: Tensor, src: Any = None) -> tuple[Tensor, int, Any, Tensor]:
    """(x and index with a dim at least, the dim, src cut to the index), with all that PyTorch asks of them checked."""
    d = wrap(dim, x.array.ndim)
    have, asked = x.array.shape or (1,), index.array.shape or (1,)
    check_index(name.partition("_")[0], index, have[d], d)
    x, index = (v if v.array.ndim else reshape(v, 1) for v in (x, index))
    if src is not None and src.array.dtype != x.array.dtype:
        raise RuntimeError(f"{name}(): Expected self.dtype to be equal to src.dtype: {x.dtype} and {src.dtype}")
    if not index.array.size:
        if src is not None:
            src = reshape(record(slice_.op, (reshape(src, -1),), {"at": (slice(0, 0), ...)}), asked)
        return x, d, src, index
    if len(asked) != len(have):
        kind = "input" if src is None else "self"
        raise RuntimeError(
            f"Index tensor must have the same number of dimensions as {kind} tensor: {list(asked)} and {list(have)}"
        )
    larger = [k for k, (n, m) in enumerate(zip(asked, have, strict=True)) if n > m and k != d]
    if src is None:
        if larger:
            raise RuntimeError(
                f"Size does not match at dimension {larger[0]} expected index {list(asked)} to be no larger than "
                f"self {list(have)} apart from dimension {d}"
            )
        return x, d, None, index
    limits = src.array.shape or (1,)
    if larger or len(limits) != len(asked) or any(n > m for n, m in zip(asked, limits, strict=True)):
        raise RuntimeError(
            f"Expected index {list(asked)} to be no larger than self {list(have)} apart from dimension {d} and to "
            f"be no larger size than src {list(limits)}"
        )
    src = src if src.array.ndim else reshape(src, 1)
    if limits != asked:
        src = record(slice_.op, (src,), {"at": (*[slice(0, n) for n in asked], ...)})
    return x, d, src, index


def gather(input: Tensor, dim: int, index: Tensor, *, sparse_grad: bool = False, out: Tensor | None = None) -> Tensor:
    """out[i][j] = input[index[i][j]][j] for dim 0, and so on: the result has the shape of the index.

    sparse_grad: the gradient of an input that is a leaf is sparse; of another, dense.
    Raises RuntimeError where the index leaves the dim, isn't int64, or is larger than the input in another dim.
    """
    if out is not None:
        apart("gather", out, input, index)
    x, d, _, at = _along("gather", input, dim, index)
    options = {"dim": d, "sparse": True} if wants_sparse(x, sparse_grad) else {"dim": d}
    made = record(gather_.op, (x, at), options)
    return given(out, made if index.array.ndim else reshape(made, ()))


def number_like(x: Tensor, value: Any) -> Tensor:
    """A number as a tensor without dims, in the dtype of x."""
    return Tensor._of(xp_of(x.array).full((), number_for(x.array, value), x.array.dtype))


@titled(lambda input, dim, index, src=None, *_, **__: f"ScatterBackward{int(not isinstance(src, Tensor))}")
def scatter(
    input: Tensor, dim: int, index: Tensor, src: Any = None, *, value: Any = None, reduce: str | None = None
) -> Tensor:
    """A copy of the input with out[index[i][j]][j] = src[i][j] for dim 0, and so on; src may be a number.

    reduce: "add" or "multiply", in place of overwriting.
    """
    src = value if src is None else src
    if src is None:
        raise TypeError("scatter() needs src, a tensor, or value, a number")
    if not isinstance(src, Tensor):
        src = expand(number_like(input, src), index.array.shape)
    if reduce is not None:
        if reduce not in ("add", "multiply"):
            raise RuntimeError(f"reduce argument must be either add or multiply, not {reduce!r}")
        return (
            scatter_add(input, dim, index, src) if reduce == "add" else scatter_reduce(input, dim, index, src, "prod")
        )
    x, d, part, at = _along("scatter", input, dim, index, src)
    return reshape(record(scatter_.op, (x, part, at), {"dim": d}), input.array.shape)


@titled("ScatterAddBackward0")
def scatter_add(input: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """A copy of the input with out[index[i][j]][j] += src[i][j] for dim 0, and so on."""
    x, d, part, at = _along("scatter_add", input, dim, index, src)
    added = record(scatter_sum.op, (part, at), {"shape": x.array.shape, "dim": d})
    return reshape(x + added, input.array.shape)


@titled("ScatterReduceBackward0")
def scatter_reduce(
    input: Tensor, dim: int, index: Tensor, src: Tensor, reduce: str, *, include_self: bool = True
) -> Tensor:
    """A copy of the input with what src brings to each place reduced: "sum", "prod", "mean", "amax" or "amin".

    include_self: what was there counts, too. A gradient is shared equally among equal extremes.
    """
    if reduce not in _STARTS:
        raise RuntimeError(f"reduce argument must be either sum, prod, mean, amax or amin, got {reduce}")
    x, d, part, at = _along("scatter_reduce", input, dim, index, src)
    shape = {"shape": x.array.shape, "dim": d}
    ones = Tensor._of(xp_of(x.array).ones(at.array.shape, x.array.dtype if x.array.dtype != np.bool_ else np.int64))
    hits = record(scatter_sum.op, (ones, at), shape)
    if not include_self:
        x = where(hits > 0, _start(reduce, x), x)
    if reduce in ("sum", "mean"):
        made = x + record(scatter_sum.op, (part, at), shape)
        if reduce == "mean":
            count = hits + 1 if include_self else where(hits > 0, hits, 1)
            made = made / count if x.dtype.is_floating_point else made.div(count, rounding_mode="floor")
    elif reduce == "prod":
        made = record(scatter_prod.op, (x, part, at), {"dim": d})
    else:
        made = record((scatter_amax if reduce == "amax" else scatter_amin).op, (x, part, at), {"dim": d})
    return own(reshape(made, input.array.shape))


_STARTS = {"sum": 0, "mean": 0, "prod": 1, "amax": -math.inf, "amin": math.inf}


def _start(reduce: str, x: Tensor) -> Any:
    """What changes nothing in a reduction, in the dtype of x."""
    value = _STARTS[reduce]
    if math.isinf(value) and x.array.dtype.kind in "iub":
        limits = (0, 1) if x.array.dtype == np.bool_ else (np.iinfo(x.array.dtype).min, np.iinfo(x.array.dtype).max)
        value = limits[value > 0]
    return Tensor._of(xp_of(x.array).full((), value, x.array.dtype))


def _combined(ufunc: str, x: Array, src: Array, index: Array, dim: int) -> Array:
    made = x.copy("C")
    getattr(xp_of(x), ufunc).at(made.reshape(-1), cells(index, x.shape, dim).reshape(-1), src.reshape(-1))
    return made


def _extreme(name: str, ufunc: str) -> Any:
    def forward(x: Array, src: Array, index: Array, *, dim: int) -> Array:
        return _combined(ufunc, x, src, index, dim)

    forward.__name__ = name
    made = op(forward)

    def share(g: Any, x: Any, src: Any, index: Any, y: Any, dim: int) -> tuple[Any, Any, Any]:
        """Which of x and src are the extreme, and the gradient for each one that is."""
        mine, theirs = x == y, src == gather_(y, index, dim=dim)
        each = scatter_sum(where(theirs, one_like(src), zero_like(src)), index, shape=x.shape, dim=dim)
        return mine, theirs, g / (each + where(mine, one_like(x), zero_like(x)))

    def of_x(g: Any, x: Any, src: Any, index: Any, y: Any, dim: int) -> Any:
        mine, _, each = share(g, x, src, index, y, dim)
        return where(mine, each, 0)

    def of_src(g: Any, x: Any, src: Any, index: Any, y: Any, dim: int) -> Any:
        _, theirs, each = share(g, x, src, index, y, dim)
        return where(theirs, gather_(each, index, dim=dim), 0)

    made.vjp(x=of_x, src=of_src, index=None)

    @made.jvp
    def tangent(primals: Any, tangents: Any, y: Any, *, dim: int) -> Any:
        x, src, index = primals
        mine, theirs, each = share(1.0, x, src, index, y, dim)
        moved = 0 if tangents[0] is None else where(mine, tangents[0], 0)
        if tangents[1] is not None:
            moved = moved + scatter_sum(where(theirs, tangents[1], 0), index, shape=x.shape, dim=dim)
        return moved * each

    return made


def one_like(x: Any) -> Any:
    return zero_gradient(x) + 1


zero_like = zero_gradient
scatter_amax, scatter_amin = _extreme("scatter_amax", "maximum"), _extreme("scatter_amin", "minimum")


@op
def scatter_prod(x: Array, src: Array, index: Array, *, dim: int) -> Array:
    return _combined("multiply", x, src, index, dim)


def _of_the_rest(x: Any, src: Any, index: Any, y: Any, dim: int) -> tuple[Any, Any]:
    """For each factor, of x and of src, the product of the other factors of its place, zeros included."""
    zero_x, zero_src = x == 0, src == 0
    x1, src1 = where(zero_x, 1, x), where(zero_src, 1, src)
    rest = scatter_prod(x1, src1, index, dim=dim)  # of all that isn't 0
    zeros = where(zero_x, one_like(x), zero_like(x)) + scatter_sum(
        where(zero_src, one_like(src), zero_like(src)), index, shape=x.shape, dim=dim
    )
    if isinstance(x, Tensor) and (zeros.array > 1).any():
        raise NotImplementedError("scatter_reduce: double backward of prod where more than one factor is 0")
    rest_at, zeros_at, y_at = gather_(rest, index, dim=dim), gather_(zeros, index, dim=dim), gather_(y, index, dim=dim)
    return _without(x1, zero_x, rest, zeros, y), _without(src1, zero_src, rest_at, zeros_at, y_at)


def _without(value: Any, is_zero: Any, rest: Any, zeros: Any, y: Any) -> Any:
    return where(is_zero, where(zeros == 1, rest, 0), y / value)


scatter_prod.vjp(
    x=lambda g, x, src, index, y, dim: g * _of_the_rest(x, src, index, y, dim)[0],
    src=lambda g, x, src, index, y, dim: gather_(g, index, dim=dim) * _of_the_rest(x, src, index, y, dim)[1],
    index=None,
)


@scatter_prod.jvp
def _(primals: Any, tangents: Any, y: Any, *, dim: int) -> Any:
    x, src, index = primals
    by_x, by_src = _of_the_rest(x, src, index, y, dim)
    moved = 0 if tangents[0] is None else tangents[0] * by_x
    if tangents[1] is not None:
        moved = moved + scatter_sum(tangents[1] * by_src, index, shape=x.shape, dim=dim)
    return moved


def take_along_dim(input: Tensor, indices: Tensor, dim: int | None = None, *, out: Tensor | None = None) -> Tensor:
    """gather() with the input and the indices broadcast in the other dims; without dim, of both flattened."""
    if dim is None:
        return gather(reshape(input, -1), 0, reshape(indices, -1), out=out)
    n = input.array.ndim
    if indices.array.size and whole(indices.array).min() < 0:  # counted from the end
        indices = where(indices < 0, indices + input.array.shape[wrap(dim, n)], indices)
    if n != indices.array.ndim:
        raise RuntimeError(
            "torch.take_along_dim(): input and indices should have the same number of dimensions, but got "
            f"{n} dimensions for input, and {indices.array.ndim} dimensions for indices"
        )
    d = wrap(dim, n)
    x_shape, i_shape = list(input.array.shape), list(indices.array.shape)
    size, count = x_shape[d], i_shape[d]
    x_shape[d] = i_shape[d] = 1
    both = list(broadcast_shapes(x_shape, i_shape))
    return gather(
        expand(input, [*both[:d], size, *both[d + 1 :]]),
        d,
        expand(indices, [*both[:d], count, *both[d + 1 :]]),
        out=out,
    )


# --- whole parts along a dim ---


def _parts_of(name: str, x: Tensor, dim: int, index: Tensor) -> tuple[Tensor, int, Tensor]:
    """(x with a dim at least, the dim, the index as a vector), checked."""
    d = wrap(dim, x.array.ndim)
    if index.array.ndim > 1:
        raise (IndexError if name == "index_select" else RuntimeError)(
            f"{name}(): Index is supposed to be a vector, but got dim: {index.array.ndim}"
        )
    x = x if x.array.ndim else reshape(x, 1)
    array = whole(index.array)
    n = x.array.shape[d]
    if array.dtype.kind != "i" or array.dtype.itemsize < 4:
        raise RuntimeError(f"{name}(): Expected dtype int32 or int64 for index")
    if array.size and (array.min() < 0 or array.max() >= n):
        if name != "index_select":
            wrong = int(array[(array < 0) | (array >= n)][0])
            said = f"index {wrong} is out of bounds for dimension {d} with size {n}"
            said = f"index_copy_(): {said}" if name == "index_copy" else said
            raise told((RuntimeError if name == "index_add" else IndexError)(said))
        raise told(
            IndexError("index out of range in self"),
            f"{name}() along dim {d} takes indices from 0 to {n - 1}: these are {array.min()} ... {array.max()}",
        )
    return x, d, reshape(index, -1) if not array.ndim else index


@titled("IndexSelectBackward0")
def index_select(input: Tensor, dim: int, index: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The parts of the input at these indices of a dim.

    Raises IndexError where one is out of range, RuntimeError where they aren't ints.
    """
    if out is not None:
        apart("index_select", out, input, index)
    x, d, at = _parts_of("index_select", input, dim, index)
    made = record(index_select_.op, (x, at), {"dim": d})
    return given(out, made if input.array.ndim else reshape(made, ()))


@op(jvp="linear")
def index_select_(x: Array, index: Array, *, dim: int) -> Array:
    return x.take(index, dim)


index_select_.vjp(x=lambda g, x_shape, index, dim: index_sum(g, index, shape=x_shape, dims=(dim,)), index=None)


@titled("IndexAddBackward0")
def index_add(input: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: Any = 1) -> Tensor:
    """A copy of the input with alpha * source added at these indices of a dim; indices may repeat."""
    x, d, at = _parts_of("index_add", input, dim, index)
    part = _source("index_add", x, d, at, source)
    added = record(index_sum.op, (part, at), {"shape": x.array.shape, "dims": (d,)})
    return own(reshape(x + (added if alpha == 1 else added * alpha), input.array.shape))


@titled("IndexCopyBackward0")
def index_copy(input: Tensor, dim: int, index: Tensor, source: Tensor) -> Tensor:
    """A copy of the input with the parts at these indices of a dim replaced by those of source."""
    x, d, at = _parts_of("index_copy", input, dim, index)
    part = _source("index_copy", x, d, at, source)
    made = record(index_put_.op, (x, part, at), {"dims": (d,), "accumulate": False})
    return own(reshape(made, input.array.shape))


def _source(name: str, x: Tensor, d: int, at: Tensor, source: Tensor) -> Tensor:
    if source.array.dtype != x.array.dtype:
        raise RuntimeError(
            f"{name}(): self and source expected to have the same dtype, but got (self) {title(x)} and (source) "
            f"{title(source)}"
        )
    part = source if source.array.ndim else reshape(source, 1)
    wanted = (*x.array.shape[:d], at.array.size, *x.array.shape[d + 1 :])
    if part.array.shape != wanted:
        raise (IndexError if name == "index_copy" else RuntimeError)(
            f"{name}(): Number of indices ({at.array.size}) should be equal to source.size(dim): source has shape "
            f"{list(part.array.shape)}, expected {list(wanted)}"
        )
    return part


@titled(lambda input, dim, index, value: f"IndexFillBackward{int(isinstance(value, Tensor))}")
def index_fill(input: Tensor, dim: int, index: Tensor, value: Any) -> Tensor:
    """A copy of the input with the parts at these indices of a dim filled with a number or a tensor without dims."""
    d = wrap(dim, input.array.ndim)
    n = (input.array.shape or (1,))[d]
    if index.array.size and whole(index.array).min() < 0:  # counted from the end, here only
        index = where(index < 0, index + n, index)
    x, d, at = _parts_of("index_fill", input, dim, index)
    if isinstance(value, Tensor):
        if value.array.ndim:
            raise RuntimeError(
                "index_fill_ only supports a 0-dimensional value tensor, but got tensor with "
                f"{value.array.ndim} dimension(s)."
            )
        value = value.to(x.dtype)
    if value.requires_grad if isinstance(value, Tensor) else False:
        at = Tensor._of(xp_of(at.array).unique(at.array))  # what is filled twice counts once
    shape = (*x.array.shape[:d], at.array.size, *x.array.shape[d + 1 :])
    filler = expand(value if isinstance(value, Tensor) else number_like(x, value), shape)
    made = record(index_put_.op, (x, filler, at), {"dims": (d,), "accumulate": False})
    return own(reshape(made, input.array.shape))


def index_reduce(
    input: Tensor, dim: int, index: Tensor, source: Tensor, reduce: str, *, include_self: bool = True
) -> Tensor:
    """scatter_reduce() of whole parts: "prod", "mean", "amax" or "amin" of what source brings to each index."""
    if reduce not in ("prod", "mean", "amax", "amin"):
        raise RuntimeError(f"index_reduce(): Expected reduce to be one of prod, mean, amax or amin but got {reduce}.")
    x, d, at = _parts_of("index_reduce", input, dim, index)
    part = _source("index_reduce", x, d, at, source)
    wide = expand(reshape(at, [-1 if k == d else 1 for k in range(x.array.ndim)]), part.array.shape)
    return reshape(scatter_reduce(x, d, wide, part, reduce, include_self=include_self), input.array.shape)


# --- counted through all elements ---


def take(input: Tensor, index: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The elements at these places of the input as if flattened; the result has the shape of the index."""
    if out is not None:
        apart("take", out, input, index)
    if index.array.dtype != np.int64:
        raise RuntimeError(f"take(): Expected a long tensor for index, but got {index.dtype}")
    n, array = input.array.size, whole(index.array)
    if array.size and (array.min() < -n or array.max() >= n):
        wrong = int(array[(array < -n) | (array >= n)][0])
        raise IndexError(f"out of range: tried to access index {wrong} on a tensor of {n} elements.")
    return given(out, record(take_.op, (reshape(input, -1), index), {}))


@op(jvp="linear")
def take_(x: Array, index: Array) -> Array:
    return as_array(x.take(index))


take_.vjp(x=lambda g, x_shape, index: index_sum(g, index, shape=x_shape, dims=(0,)), index=None)


@titled("PutBackward0")
def put(input: Tensor, index: Tensor, source: Tensor, accumulate: bool = False) -> Tensor:
    """A copy of the input with source at these places of it as if flattened, or added there."""
    if index.array.dtype != np.int64:
        raise RuntimeError(f"put_(): Expected a long tensor for index, but got {index.dtype}")
    if source.array.dtype != input.array.dtype:
        raise RuntimeError(f"put_(): self and source expected to have the same dtype: {input.dtype} and {source.dtype}")
    if index.array.size != source.array.size:
        raise RuntimeError(
            f"put_(): Expected source and index to have the same number of elements, but got source.numel() = "
            f"{source.array.size}, index.numel() = {index.array.size}"
        )
    n, array = input.array.size, whole(index.array)
    if array.size and (array.min() < -n or array.max() >= n):
        wrong = int(array[(array < -n) | (array >= n)][0])
        raise IndexError(f"out of range: tried to access index {wrong} on a tensor of {n} elements.")
    operands = (reshape(input, -1), reshape(source, -1), reshape(index, -1))
    made = record(index_put_.op, operands, {"dims": (0,), "accumulate": accumulate})
    return own(reshape(made, input.array.shape))


# --- by mask ---


def _check_mask(name: str, mask: Tensor) -> None:
    if mask.array.dtype != np.bool_:
        raise RuntimeError(
            f"{name}: expected BoolTensor for mask, but got {mask.dtype}: compare first, for example x != 0"
        )


def masked_select(input: Tensor, mask: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The elements where the mask is true, in order, as a vector; input and mask are broadcast."""
    _check_mask("masked_select", mask)
    if out is not None:
        apart("masked_select", out, input, mask)
    shape = broadcast_shapes(input.array.shape, mask.array.shape)
    flat = reshape(expand(input, shape), -1)
    at = xp_of(input.array).flatnonzero(expand(mask, shape).array)
    return given(out, record(masked_select_.op, (flat, at), {}))


@op(jvp="linear")
def masked_select_(x: Array, index: Array) -> Array:
    return x.take(index)


masked_select_.vjp(x=lambda g, x_shape, index: index_sum(g, index, shape=x_shape, dims=(0,)), index=None)


@titled("MaskedScatterBackward0")
def masked_scatter(input: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """A copy of the input with the elements where the mask is true taken from source, in order."""
    _check_mask("masked_scatter_", mask)
    if source.array.dtype != input.array.dtype:
        raise RuntimeError(
            f"masked_scatter_: expected self and source to have same dtypes but got {title(input)} and {title(source)}"
        )
    shape = broadcast_shapes(input.array.shape, mask.array.shape)
    at = xp_of(input.array).flatnonzero(expand(mask, shape).array)
    if at.size > source.array.size:
        raise RuntimeError(f"Number of elements of source < number of ones in mask: {source.array.size} < {at.size}")
    part = record(slice_.op, (reshape(source, -1),), {"at": (slice(0, at.size), ...)})
    flat = reshape(expand(input, shape), -1)
    return reshape(record(index_put_.op, (flat, part, at), {"dims": (0,), "accumulate": False}), shape)


def nonzero(input: Tensor, *, out: Tensor | None = None, as_tuple: bool = False) -> Any:
    """(number, dims): where the elements that aren't 0 are; as_tuple: a vector of indices for each dim."""
    x = input.array if input.array.ndim else input.array.reshape(1)
    found = x.nonzero()
    if as_tuple:
        return tuple([Tensor._of(i) for i in found])
    rows = xp_of(x).stack(found, axis=1)
    return given(out, Tensor._of(rows[:, : input.array.ndim]))


def argwhere(input: Tensor) -> Tensor:
    """nonzero() under NumPy's name."""
    return nonzero(input)


# --- tables of vectors ---


@op(jvp="linear")
def embedding_(table: Array, index: Array, *, padding: int | None, sparse: bool = False) -> Array:
    return table.take(index, 0)


def _of_rows(g: Any, table_shape: Any, index: Any, padding: int | None, sparse: bool) -> Any:
    """The gradient of a table of which rows were taken."""
    if not sparse:
        kept = g if padding is None else where((index == padding)[..., None], 0, g)
        return index_sum(kept, index, shape=table_shape, dims=(0,))
    at, values = getattr(index, "array", index).reshape(-1), as_tensor(g).reshape(-1, table_shape[1])
    if padding is not None:
        kept = at != padding
        at, values = at[kept], values[Tensor._of(kept)]
    return places(at[None], values, table_shape)


embedding_.vjp(table=_of_rows, index=None)


def places(at: Array, values: Tensor, shape: Any) -> Any:
    """A leaf's gradient that is 0 but at some places: (dims, n), (n, ...)."""
    from .coordinates import sparse_coo_tensor_with_dims_and_tensors
    from .sparse_tensor import Places, SparseTensor

    kept = sparse_coo_tensor_with_dims_and_tensors(values)
    return Places(SparseTensor(Tensor._of(at.astype(np.int64)), kept, shape))


def wants_sparse(x: Tensor, sparse: bool) -> bool:
    """Whether the gradient of x is asked to be sparse, and can be: the formulas before x take dense ones."""
    return sparse and x._needs and x.grad_fn is None and isinstance(x.array, np.ndarray)


def embedding(table: Tensor, index: Tensor, padding_idx: int | None = None, sparse: bool = False) -> Tensor:
    """The rows of a table (V, D) at the indices (...): (..., D). The row padding_idx gets no gradient.

    sparse: the gradient of a table that is a leaf is sparse; of another, dense.
    Raises IndexError where an index is out of range, RuntimeError where they aren't ints.
    """
    array, n = whole(index.array), table.array.shape[0]
    if array.dtype.kind != "i" or array.dtype.itemsize < 4:
        raise RuntimeError(
            "Expected tensor for argument #1 'indices' to have one of the following scalar types: Long, Int; but got "
            f"{index.type()} instead (while checking arguments for embedding)"
        )
    if table.array.ndim != 2:
        raise RuntimeError(f"'weight' must be 2-D, this one has shape {list(table.array.shape)}")
    if array.size and (array.min() < 0 or array.max() >= n):
        raise told(IndexError("index out of range in self"))
    options = {"padding": padding_idx, "sparse": True} if wants_sparse(table, sparse) else {"padding": padding_idx}
    return record(embedding_.op, (table, index), options)


def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """(...) ints -> (..., num_classes) int64, 1 at the class and 0 elsewhere; by default the largest class + 1."""
    array = tensor.array
    if array.dtype != np.int64:
        raise RuntimeError("one_hot is only applicable to index tensor of type LongTensor.")
    if not array.size:
        if num_classes <= 0:
            raise RuntimeError("Can not infer total number of classes from empty tensor.")
        return Tensor._of(xp_of(array).zeros((*array.shape, num_classes), np.int64))
    low, high = whole(array).min(), whole(array).max()
    if low < 0:
        raise RuntimeError("Class values must be non-negative.")
    classes = int(high) + 1 if num_classes == -1 else num_classes
    if high >= classes:
        raise RuntimeError("Class values must be smaller than num_classes.")
    return Tensor._of((array[..., None] == xp_of(array).arange(classes)).astype(np.int64))

"""Views: other shapes and parts of the same memory. What copies is in arrange.py.

Each view comes with its adjoint, which puts the gradient of the part back where the part was.
"""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Sequence
from typing import Any

from ..core import dtypes
from ..core.backend import Array, ndarray, spread, sum_to, xp_of
from ..core.errors import told
from ..core.graph import touch
from ..core.modes import no_grad
from ..core.op import op, record
from ..core.size import Size
from ..core.tensor import Tensor
from ..core.titles import title
from ..core.views import check_in_place, view_of
from .formats import order_of

__all__ = [
    "adjoint", "atleast_1d", "atleast_2d", "atleast_3d", "broadcast_shapes", "broadcast_tensors", "broadcast_to",
    "clone", "flatten", "moveaxis", "movedim", "permute", "ravel", "reshape", "squeeze", "swapaxes", "swapdims", "t",
    "transpose", "unflatten", "unsqueeze",
]  # fmt: skip
METHODS: tuple[str, ...] = (
    "adjoint", "broadcast_to", "clone", "contiguous", "expand", "expand_as", "flatten", "moveaxis", "movedim",
    "permute", "ravel", "reshape", "reshape_as", "squeeze", "squeeze_", "sum_to_size", "swapaxes", "swapaxes_",
    "swapdims", "swapdims_", "t", "t_", "transpose", "transpose_", "unflatten", "unsqueeze", "unsqueeze_", "view",
    "view_as",
)  # fmt: skip
IN_PLACE: tuple[str, ...] = ()


# --- reading arguments ---


def wrap(dim: int, ndim: int) -> int:
    """A dim counted from the end as one counted from the start; IndexError where there is none."""
    reach = ndim or 1
    if not -reach <= dim < reach:
        raise told(
            IndexError(f"Dimension out of range (expected to be in range of [{-reach}, {reach - 1}], but got {dim})")
        )
    return dim + reach if dim < 0 else operator.index(dim)


def wraps(dims: int | Sequence[int], ndim: int) -> tuple[int, ...]:
    """One dim or several, each wrapped; RuntimeError where one comes twice."""
    found = tuple([wrap(d, ndim) for d in ((dims,) if isinstance(dims, int) else dims)])
    if len(set(found)) < len(found):
        twice = next(d for d in found if found.count(d) > 1)
        raise RuntimeError(f"dim {twice} appears multiple times in the list of dims")
    return found


def sizes(given: Sequence[Any], options: dict[str, Any], name: str = "size") -> tuple[int, ...]:
    """What the user wrote as f(2, 3), f((2, 3)), f(size=(2, 3)): (2, 3). Our own options say `shape`."""
    if options:
        given = options.pop("shape") if "shape" in options else options.pop(name, given)
        if options:
            raise TypeError(f"got an unexpected keyword argument {next(iter(options))!r}")
    if len(given) == 1 and not hasattr(given[0], "__index__"):
        given = given[0]
    return tuple([n if type(n) is int else operator.index(n) for n in given])


# --- the same elements in another shape ---


@op(jvp="linear", view=True)
def view_(x: Array, *, shape: tuple[int, ...]) -> Array:
    try:
        if shape and min(shape) < -1:
            raise ValueError
        if x.flags.c_contiguous:
            return x.reshape(shape)
        if not hasattr(x, "__cuda_array_interface__"):
            return x.reshape(shape, copy=False)
        seen = x.view()
        seen.shape = shape
        return seen
    except (ValueError, AttributeError):
        check_shape(shape, x.size)
        raise RuntimeError(
            "view size is not compatible with input tensor's size and stride (at least one dimension spans across "
            "two contiguous subspaces). Use .reshape(...) instead."
        ) from None


view_.vjp(x=lambda g, x_shape: reshape(g, shape=x_shape))


@op(jvp="linear")
def unsafe_view(x: Array, *, shape: tuple[int, ...]) -> Array:
    """A reshaped copy, under PyTorch's name for it."""
    return x.reshape(shape)


unsafe_view.vjp(x=lambda g, x_shape: reshape(g, shape=x_shape))


def check_shape(shape: tuple[int, ...], size: int) -> None:
    """RuntimeError in PyTorch's words where `size` elements can't take this shape."""
    for i, n in enumerate(shape):
        if n < -1:
            raise RuntimeError(f"invalid shape dimension {n} at index {i} of shape {list(shape)}")
    if shape.count(-1) > 1:
        raise RuntimeError("only one dimension can be inferred")
    known = math.prod(n for n in shape if n != -1)
    if -1 in shape and size == known == 0:
        raise RuntimeError(
            f"cannot reshape tensor of 0 elements into shape {list(shape)} because the unspecified dimension size "
            "-1 can be any value and is ambiguous"
        )
    if (known != size) if -1 not in shape else (not known or size % known):
        raise told(RuntimeError(f"shape '{list(shape)}' is invalid for input of size {size}"))


def view(x: Tensor, *shape: Any, **options: Any) -> Tensor:
    """The same memory with another shape; one size may be -1, which is worked out from the others.

    view(dtype) reads the same bytes as numbers of another dtype; no gradient goes through it.
    Raises RuntimeError if the strides of x don't allow it: reshape() copies in that case.

    >>> tensor([1.0, 2.0, 3.0, 4.0]).view(2, -1).shape
    glassgrad.Size([2, 2])
    """
    to = shape[0] if shape else options.get("dtype")
    if isinstance(to, dtypes.dtype):
        return view_dtype(x, to)
    return record(view_.op, (x,), {"shape": sizes(shape, options)})


def reshape(input: Any, *shape: Any, **options: Any) -> Any:
    """The same elements in the same order with another shape: a view where the strides allow it, else a copy."""
    if not isinstance(input, Tensor):
        return input.reshape(options["shape"])
    wanted = sizes(shape, options)
    if not input.array.flags.c_contiguous:
        try:
            view_.op.forward(input.array, shape=wanted)
        except RuntimeError:
            check_shape(wanted, input.array.size)
            return record(unsafe_view.op, (input,), {"shape": wanted})
    return record(view_.op, (input,), {"shape": wanted})


@op(view=True)
def view_as_dtype(x: Array, *, dtype: Any) -> Array:
    return x.view(dtype.array_dtype)


def view_dtype(x: Tensor, to: dtypes.dtype) -> Tensor:
    """The bytes of x as numbers of another dtype; the last dim grows or shrinks with the size of a number."""
    old, new, size = x.itemsize, to.itemsize, x.array.shape[-1:]
    if old != new:
        if not size:
            raise RuntimeError(f"self.dim() cannot be 0 to view {x.dtype} as {to} (different element sizes)")
        if x.stride(-1) != 1 and size[0] != 1:
            raise RuntimeError(
                f"self.stride(-1) must be 1 to view {x.dtype} as {to} (different element sizes), but got {x.stride(-1)}"
            )
        if size[0] * old % new:
            raise RuntimeError(
                f"self.size(-1) must be divisible by {new // old} to view {x.dtype} as {to} "
                f"(different element sizes), but got {size[0]}"
            )
    options = {"dtype": to}
    with no_grad():  # the step has no derivative, and PyTorch's result requires none
        made = view_of(x, view_as_dtype.op.forward(x.array, **options), (view_as_dtype.op, (), options))
    made._needs = False
    return made


def view_as(x: Tensor, other: Tensor) -> Tensor:
    """x.view(other.size())"""
    return view(x, other.array.shape)


def reshape_as(x: Tensor, other: Tensor) -> Tensor:
    """x.reshape(other.shape)"""
    return reshape(x, other.array.shape)


def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """The dims from start_dim to end_dim, both included, as one."""
    shape = input.array.shape
    first, last = wrap(start_dim, len(shape)), wrap(end_dim, len(shape))
    if first > last:
        raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
    if first == last and shape:
        return input
    return reshape(input, (*shape[:first], math.prod(shape[first : last + 1]), *shape[last + 1 :]))


def ravel(input: Tensor) -> Tensor:
    """All elements in one dim; a copy only if they do not lie in order."""
    return view(contiguous(input), -1)


def unflatten(input: Tensor, dim: int, sizes: Sequence[int]) -> Tensor:
    """The dim as several dims of the given sizes, one of which may be -1: flatten() undone."""
    shape = input.array.shape
    d = wrap(dim, len(shape))
    given = tuple(sizes)
    if not given:
        raise RuntimeError("unflatten: sizes must be non-empty")
    known = math.prod(n for n in given if n != -1)
    fits = known and not shape[d] % known if given.count(-1) == 1 else known == shape[d]
    if not fits:
        raise RuntimeError(
            f"unflatten: Provided sizes {list(given)} don't multiply up to the size of dim {d} ({shape[d]}) "
            "in the input tensor"
        )
    return view(input, (*shape[:d], *[n if n != -1 else shape[d] // known for n in given], *shape[d + 1 :]))


# --- dims in another order ---


@op(jvp="linear", view=True)
def permute(x: Array, *, dims: tuple[int, ...]) -> Array:
    return x.transpose(dims)


permute.vjp(x=lambda g, dims: permute(g, dims=inverse(dims)))


def inverse(dims: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(sorted(range(len(dims)), key=dims.__getitem__))


@permute.public
def _(input: Tensor, *dims: Any, **options: Any) -> Any:
    """The dims in the given order, a view.

    >>> permute(tensor([[[1.0, 2.0]]]), (2, 0, 1)).shape
    glassgrad.Size([2, 1, 1])
    """
    order, n = sizes(dims, options, "dims"), input.array.ndim
    if len(order) != n:
        raise RuntimeError(
            "permute(sparse_coo): number of dimensions in the tensor input does not match the length of the desired "
            f"ordering of dimensions i.e. input.dim() = {n} is not equal to len(dims) = {len(order)}"
        )
    order = tuple([wrap(d, n) for d in order])
    if len(set(order)) < n:
        raise RuntimeError("permute(): duplicate dims are not allowed.")
    return (input,), {"dims": order}


@op(jvp="linear", view=True)
def transpose(x: Array, *, dim0: int, dim1: int) -> Array:
    return x.swapaxes(dim0, dim1) if x.ndim else x[...]


transpose.vjp(x=lambda g, dim0, dim1: transpose(g, dim0=dim0, dim1=dim1))


@transpose.public
def _(input: Tensor, dim0: int, dim1: int) -> Any:
    """Two dims exchanged, a view."""
    n = input.array.ndim
    return (input,), {"dim0": wrap(dim0, n), "dim1": wrap(dim1, n)}


@op(jvp="linear", view=True)
def t(x: Array) -> Array:
    return x.T


t.vjp(x=lambda g: t(g))


@t.public
def _(input: Tensor) -> Any:
    """A matrix transposed, a view; with fewer dims the input as it is."""
    if input.array.ndim > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {input.array.ndim}D")
    return (input,), {}


def swapaxes(input: Tensor, axis0: int, axis1: int) -> Tensor:
    """transpose() under NumPy's name."""
    return transpose(input, axis0, axis1)


def swapdims(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """transpose() under another name."""
    return transpose(input, dim0, dim1)


def movedim(input: Tensor, source: Any, destination: Any) -> Tensor:
    """The dims `source` moved to the places `destination`, the others in their order; a view."""
    n = input.array.ndim
    given = [(d,) if hasattr(d, "__index__") else tuple(d) for d in (source, destination)]
    if len(given[0]) != len(given[1]):
        raise RuntimeError(
            "movedim: Invalid source or destination dims: source "
            f"({list(given[0])} dims) should contain the same number of dims as destination ({list(given[1])} dims)"
        )
    moved, places = ([wrap(d, n) for d in dims] for dims in given)
    for what, dims in (("source", moved), ("destination", places)):
        if len(set(dims)) < len(dims):
            raise RuntimeError(f"movedim: repeated dim in `{what}` ({list(dims)})")
    rest = iter([d for d in range(n) if d not in moved])
    at = dict(zip(places, moved, strict=True))
    return permute(input, [at[i] if i in at else next(rest) for i in range(n)])


def moveaxis(input: Tensor, source: Any, destination: Any) -> Tensor:
    """movedim() under NumPy's name."""
    return movedim(input, source, destination)


def _reversed(x: Tensor) -> Tensor:
    """x with its dims in reverse order."""
    return permute(x, range(x.array.ndim)[::-1])


def _matrices(x: Tensor) -> Tensor:
    """x with its last two dims exchanged."""
    if x.array.ndim < 2:
        raise RuntimeError(
            f"tensor.mT is only supported on matrices or batches of matrices. Got {x.array.ndim}-D tensor."
        )
    return transpose(x, -2, -1)


def adjoint(input: Tensor) -> Tensor:
    """The last two dims exchanged, complex numbers conjugated."""
    return _matrices(input).conj() if input.is_complex() else _matrices(input)


def _hermitian(x: Tensor) -> Tensor:
    """A matrix transposed and conjugated."""
    if x.array.ndim not in (0, 2):
        raise RuntimeError(f"tensor.H is only supported on matrices (2-D tensors). Got {x.array.ndim}-D tensor.")
    return adjoint(x) if x.array.ndim else x


PROPERTIES = {"H": _hermitian, "T": _reversed, "mH": adjoint, "mT": _matrices}


# --- dims of size 1, and dims that repeat ---


@op(jvp="linear", view=True)
def squeeze(x: Array, *, dims: tuple[int, ...], overload: int = 1) -> Array:
    """overload: PyTorch's, of all dims, of one, of several; its name says so."""
    return x.squeeze(dims)


squeeze.vjp(x=lambda g, x_shape, overload: reshape(g, shape=x_shape))
squeeze.op.node_name = lambda saved: f"SqueezeBackward{saved[0][1] if saved else 1}"


@squeeze.public
def _(input: Tensor, dim: Any = None, *, dims: tuple[int, ...] | None = None) -> Any:
    """Without the dims of size 1, or without those of the dims given that have size 1; a view."""
    if dims is None:
        shape = input.array.shape
        asked = range(len(shape)) if dim is None else wraps(dim, len(shape)) if shape else ()
        dims = tuple([d for d in asked if shape[d] == 1])
        return (input,), {"dims": dims, "overload": 0 if dim is None else 2 if isinstance(dim, tuple | list) else 1}
    return (input,), {"dims": dims}


@op(jvp="linear", view=True)
def unsqueeze(x: Array, *, dim: int) -> Array:
    shape = x.shape
    return x.reshape((*shape[:dim], 1, *shape[dim:])) if x.flags.c_contiguous else x[(slice(None),) * dim + (None,)]


unsqueeze.vjp(x=lambda g, x_shape: reshape(g, shape=x_shape))


@unsqueeze.public
def _(input: Tensor, dim: int) -> Any:
    """With a dim of size 1 put in before `dim`; a view."""
    return (input,), {"dim": wrap(dim, input.array.ndim + 1)}


@op(jvp="linear", view=True)
def expand(x: Array, *, shape: tuple[int, ...]) -> Array:
    if x.ndim == 0:
        return spread(x, shape)
    seen = xp_of(x).broadcast_to(x, shape)
    if type(x) is ndarray and x.flags.writeable:
        seen.flags.writeable = True  # a part of it that doesn't repeat may be written to
    return seen


expand.vjp(x=lambda g, x_shape: sum_to_size(g, shape=x_shape))


@expand.public
def _(input: Tensor, *shape: Any, implicit: bool = False, **options: Any) -> Any:
    """Dims of size 1 repeated without a copy, and new dims in front; -1 leaves a size as it is.

    Raises RuntimeError where a size is neither 1 nor the size asked for.
    """
    have, asked = input.array.shape, sizes(shape, options)
    lead = len(asked) - len(have)
    if lead < 0:
        raise RuntimeError(
            f"expand({input.type()}{{{list(have)}}}, size={list(asked)}): the number of sizes provided "
            f"({len(asked)}) must be greater or equal to the number of dimensions in the tensor ({len(have)})"
        )
    wanted = list(asked)
    for i, n in enumerate(have, lead):
        if wanted[i] == -1:
            wanted[i] = n
        elif n not in (1, wanted[i]):
            raise RuntimeError(
                f"The expanded size of the tensor ({wanted[i]}) must match the existing size ({n}) at non-singleton "
                f"dimension {i}.  Target sizes: {list(asked)}.  Tensor sizes: {list(have)}"
            )
    if wanted and min(wanted) < 0:
        raise RuntimeError(
            f"The expanded size of the tensor ({min(wanted)}) isn't allowed in a leading, non-existing dimension "
            f"{wanted.index(min(wanted))}"
        )
    return (input,), {"shape": tuple(wanted)}


def expand_as(x: Tensor, other: Tensor) -> Tensor:
    """x.expand(other.size())"""
    return expand(x, other.array.shape)


def broadcast_to(input: Tensor, *size: Any, **options: Any) -> Tensor:
    """expand() under NumPy's name."""
    return expand(input, sizes(size, options))


def broadcast_shapes(*shapes: Any) -> Size:
    """The shape that these shapes (or sizes) broadcast to; RuntimeError where they don't."""
    given = [(s,) if isinstance(s, int) else tuple(s) for s in shapes]
    wide = [1] * max([len(s) for s in given], default=0)
    for s in given:
        for i in range(-len(s), 0):
            if s[i] != 1 and wide[i] not in (1, s[i]):
                raise RuntimeError(
                    f"Shape mismatch: objects cannot be broadcast to a single shape: {', '.join(map(str, given))}"
                )
            if s[i] != 1:
                wide[i] = s[i]
    return Size(wide)


def broadcast_tensors(*tensors: Any) -> tuple[Tensor, ...]:
    """The tensors expanded to the shape that they broadcast to."""
    given = tensors[0] if len(tensors) == 1 and not isinstance(tensors[0], Tensor) else tensors
    try:
        shape = broadcast_shapes(*[x.array.shape for x in given])
    except RuntimeError:
        for x, y in itertools.combinations(given, 2):
            broadcast_shapes(x.array.shape, y.array.shape)
        raise
    return tuple([expand(x, shape) for x in given])


@op(jvp="linear")
def sum_to_size(x: Array, *, shape: tuple[int, ...]) -> Array:
    return sum_to(x, shape)


sum_to_size.vjp(x=lambda g, x_shape: expand(g, shape=x_shape))


@sum_to_size.public
def _(input: Tensor, *size: Any, **options: Any) -> Any:
    """Summed over the dims that broadcasting would stretch, so that it has the given shape: expand() turned round."""
    shape, have = sizes(size, options), input.array.shape
    lead = len(have) - len(shape)
    if lead < 0 or any(n not in (1, have[lead + i]) for i, n in enumerate(shape)):
        raise RuntimeError(f"size {{{list(shape)}}} is not expandable to size {{{list(have)}}}.")
    return (input if shape or input.array.dtype.kind != "b" else input.long(),), {"shape": shape}


def atleast_1d(*tensors: Any) -> Any:
    """Each tensor, with a dim if it has none."""
    return _at_least(tensors, lambda x: x if x.array.ndim else reshape(x, 1))


def atleast_2d(*tensors: Any) -> Any:
    """Each tensor, as one row if it has fewer than two dims."""
    return _at_least(tensors, lambda x: x if x.array.ndim > 1 else reshape(x, 1, -1))


def atleast_3d(*tensors: Any) -> Any:
    """Each tensor with three dims at least: (n,) becomes (1, n, 1), and (m, n) becomes (m, n, 1)."""
    return _at_least(tensors, lambda x: (
        reshape(x, 1, 1, 1) if x.array.ndim == 0
        else unsqueeze(unsqueeze(x, 0), -1) if x.array.ndim == 1
        else unsqueeze(x, -1) if x.array.ndim == 2
        else x
    ))  # fmt: skip


def _at_least(tensors: tuple[Any, ...], grow: Any) -> Any:
    if len(tensors) == 1:
        return grow(tensors[0]) if isinstance(tensors[0], Tensor) else tuple([grow(x) for x in tensors[0]])
    return tuple([grow(x) for x in tensors])


# --- copies of the whole ---


@op(jvp="linear")
def clone(x: Array, *, order: str = "K") -> Array:
    if order != "last":
        return x.copy(order)
    xp = xp_of(x)
    return xp.moveaxis(xp.moveaxis(x, 1, -1).copy("C"), -1, 1)


clone.vjp(x=lambda g: g)


@clone.public
def _(input: Tensor, *, memory_format: Any = None, order: str = "K") -> Any:
    """A copy, whose gradient goes on to the input. The order in memory is kept, unless a memory format is given."""
    return (input,), {"order": order if memory_format is None else order_of(memory_format, input.array.ndim)}


def contiguous(x: Any, memory_format: Any = None) -> Any:
    """x itself if its elements lie in order (of the memory format), else a copy in which they do."""
    return x if x.is_contiguous(memory_format=memory_format) else clone(x, order=order_of(memory_format, x.array.ndim))


# --- changing the shape of a tensor itself ---


def becoming(change: Any, overload: int = 1) -> Any:
    """The in-place form of a view: the tensor itself turns into the view of what it was."""
    name = f"{change.__name__.capitalize()}Backward{overload}"

    def method(self: Tensor, *args: Any, **options: Any) -> Tensor:
        if self._view is not None:
            self._sync()
        check_in_place(self)
        if self._view is None:
            before = Tensor._of(self.array, self._node)
            before.version = self.version
            made = change(before, *args, **options)
            made._view = None
        else:
            made = change(self, *args, **options)
        self.array, self._node, self._needs, self._view = made.array, made._node, made._needs, made._view
        touch(self.version)
        if self._view is not None:
            self._view.seen = self.version[0]
        return title(self, name)

    method.__name__ = method.__qualname__ = f"{change.__name__}_"
    method.__doc__ = f"{change.__name__}() in place: this tensor itself gets the new shape."
    return method


squeeze_, unsqueeze_, transpose_, t_ = becoming(squeeze, 3), becoming(unsqueeze), becoming(transpose), becoming(t)
swapaxes_, swapdims_ = becoming(swapaxes), becoming(swapdims)

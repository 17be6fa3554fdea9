"""The largest and the smallest element: over all dims, over some, or of two tensors.

amax and amin share the gradient evenly among equals; max and min over one dim give it to the element at the index.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.backend import Array, xp_of
from ..core.cuts import cut
from ..core.errors import told
from ..core.fast import given
from ..core.graph import as_array
from ..core.op import op
from ..core.tensor import Tensor
from ..core.titles import title, titled
from ..core.views import own
from . import return_types
from .choice import isnan, maximum, minimum, where
from .reduce import Dims, contracted, dims_of, named, sum, unreduce
from .shape import wrap

__all__ = ["amax", "amin", "aminmax", "argmax", "argmin", "max", "min"]
METHODS: tuple[str, ...] = tuple(__all__)
IN_PLACE: tuple[str, ...] = ()


@op
def amax(x: Array, *, dim: Dims = None, keepdim: bool = False) -> Array:
    return xp_of(x).maximum.reduce(x, dim, None, None, keepdim)


@op
def amin(x: Array, *, dim: Dims = None, keepdim: bool = False) -> Array:
    return xp_of(x).minimum.reduce(x, dim, None, None, keepdim)


def shared(g: Any, x: Any, y: Any, dim: Dims, keepdim: bool) -> Any:
    """g divided among the elements equal to the result; NaN equals NaN."""
    result = unreduce(y, x.shape, dim, keepdim)
    ties = (x == result) | isnan(x) & isnan(result)
    count = sum(ties, dim=dim, keepdim=keepdim)
    if not isinstance(count, Tensor):  # NumPy would divide float32 by int64 in float64
        count = count.astype(g.dtype)
    return where(ties, unreduce(g / count, x.shape, dim, keepdim), 0)


amax.vjp(x=shared)
amin.vjp(x=shared)
contracted(amax)
contracted(amin)


def _check_not_empty(name: str, shape: tuple[int, ...], dim: Dims, problem: type[Exception] = RuntimeError) -> None:
    """An extreme of nothing doesn't exist: what PyTorch raises, for these dims (None: all)."""
    if dim is None and 0 in shape:
        more = "" if problem is IndexError else " Specify the reduction dim with the 'dim' argument."
        raise told(problem(f"{name}(): Expected reduction dim to be specified for input.numel() == 0.{more}"))
    for d in dim or ():
        if shape and shape[d] == 0:
            raise IndexError(f"{name}(): Expected reduction dim {d} to have non-zero size.")


def _over(name: str, input: Any, dim: Any, keepdim: bool, other: dict[str, Any]) -> Any:
    dim, keepdim = named(name, dim, keepdim, other)
    dims = dims_of(input.array.ndim, dim)
    _check_not_empty(name, input.array.shape, dims)
    return (input,), {"dim": dims, "keepdim": keepdim}


@amax.public
def _(input: Any, dim: Any = None, keepdim: bool = False, **other: Any) -> Any:
    """The largest element over dim (one, several, or all). Equals share the gradient evenly."""
    return _over("amax", input, dim, keepdim, other)


@amin.public
def _(input: Any, dim: Any = None, keepdim: bool = False, **other: Any) -> Any:
    """The smallest element over dim (one, several, or all). Equals share the gradient evenly."""
    return _over("amin", input, dim, keepdim, other)


@titled("AminmaxBackward0")
def aminmax(input: Any, *, dim: Any = None, keepdim: bool = False) -> Any:
    return return_types.aminmax(amin(input, dim, keepdim), amax(input, dim, keepdim))


# --- indices ---


def _arg(name: str, input: Any, dim: Any, keepdim: bool, other: dict[str, Any]) -> Tensor:
    dim, keepdim = named(name, dim, keepdim, other)
    x = input.array
    if x.dtype.kind == "b":
        raise RuntimeError(f"{name}(): does not support bool input; convert first, for example x.int()")
    where_ = None if dim is None else wrap(dim, x.ndim)
    _check_not_empty(name, x.shape, None if where_ is None else (where_,), IndexError)
    found = getattr(xp_of(x), name)(x if x.ndim else x.reshape(1), axis=where_, keepdims=keepdim and x.ndim > 0)
    made = Tensor._of(as_array(found))
    if input._needs:
        cut(f"{name}()", input, made)
    return made


def argmax(input: Any, dim: int | None = None, keepdim: bool = False, **other: Any) -> Tensor:
    """The index of the largest element along dim, of all elements in order if dim is None; the first of equals."""
    return _arg("argmax", input, dim, keepdim, other)


def argmin(input: Any, dim: int | None = None, keepdim: bool = False, **other: Any) -> Tensor:
    """The index of the smallest element along dim, of all elements in order if dim is None; the first of equals."""
    return _arg("argmin", input, dim, keepdim, other)


# --- max and min in their three forms ---


@titled(lambda name, *_: f"{name.capitalize()}Backward0")
def _along(name: str, input: Tensor, d: int, keepdim: bool) -> tuple[Tensor, Tensor]:
    x = input.array
    index = Tensor._of(getattr(xp_of(x), f"arg{name}")(x, axis=d, keepdims=True))
    values = input.gather(d, index)
    return (values, index) if keepdim else (own(values.squeeze(d)), own(index.squeeze(d)))


def _extreme(name: str, of_all: Callable[..., Any], of_two: Callable[..., Any], kind: Any, *given_: Any) -> Any:
    input, dim, keepdim, out, options = given_
    if isinstance(dim, Tensor) or "other" in options:
        return of_two(input, options.pop("other", dim), out=out)
    dim, keepdim = named(name, dim, keepdim, options)
    if dim is None:
        _check_not_empty(name, input.array.shape, None)
        return given(out, title(of_all(input), f"{name.capitalize()}Backward1"))
    x = input.array
    d = wrap(dim, x.ndim)
    _check_not_empty(name, x.shape, (d,))
    if x.ndim == 0:
        return kind(title(input.clone(), f"{name.capitalize()}Backward0"), Tensor._of(np.zeros((), np.int64)))
    pair = _along(name, input, d, keepdim)
    return kind(*(pair if out is None else map(given, out, pair)))


def max(input: Any, dim: Any = None, keepdim: bool = False, *, out: Any = None, **options: Any) -> Any:
    """max(x): the largest of all elements. max(x, dim): (values, indices) along dim. max(x, other): elementwise.

    Raises RuntimeError or IndexError where there are no elements.
    """
    return _extreme("max", amax, maximum, return_types.max, input, dim, keepdim, out, options)


def min(input: Any, dim: Any = None, keepdim: bool = False, *, out: Any = None, **options: Any) -> Any:
    """min(x): the smallest of all elements. min(x, dim): (values, indices) along dim. min(x, other): elementwise."""
    return _extreme("min", amin, minimum, return_types.min, input, dim, keepdim, out, options)

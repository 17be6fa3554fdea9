"""Running sums, products and extremes along one dim."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.backend import Array, xp_of
from ..core.op import op
from ..core.tensor import Tensor
from ..core.titles import titled
from . import return_types
from .arithmetic import exp, log
from .choice import _zero, where
from .shape import reshape, wrap

__all__ = ["cummax", "cummin", "cumprod", "cumsum", "logcumsumexp"]
METHODS: tuple[str, ...] = tuple(__all__)
IN_PLACE: tuple[str, ...] = ("cumprod", "cumsum")


def _accumulate(ufunc: Any, x: Array, dim: int, reverse: bool, dtype: Any = None) -> Array:
    if x.ndim == 0:
        return x.astype(dtype or x.dtype)
    if not reverse:
        return ufunc.accumulate(x, dim, dtype)
    back = (slice(None),) * dim + (slice(None, None, -1),)
    return ufunc.accumulate(x[back], dim, dtype)[back]


def _wide(x: Array) -> Any:
    return "int64" if x.dtype.kind in "iub" else "float32" if x.dtype.itemsize == 2 else None


def _along(name: str, input: Any, dim: Any, dtype: Any, reverse: bool) -> Any:
    if dim is None or isinstance(dim, bool):
        raise TypeError(f"{name}() missing required argument 'dim', an int")
    x = input if dtype is None else input.to(dtype)
    return (x,), {"dim": wrap(dim, x.array.ndim), "reverse": reverse}


@op(jvp="linear")
def cumsum(x: Array, *, dim: int, reverse: bool = False) -> Array:
    y = _accumulate(xp_of(x).add, x, dim, reverse, _wide(x))
    return y.astype(x.dtype) if x.dtype.itemsize == 2 and x.dtype.kind in "fV" else y


cumsum.vjp(x=lambda g, dim, reverse: cumsum(g, dim=dim, reverse=not reverse))


@cumsum.public
def _(input: Any, dim: Any = None, *, dtype: Any = None, reverse: bool = False) -> Any:
    """Sums of the elements up to each one along dim; integers in int64."""
    return _along("cumsum", input, dim, dtype, reverse)


# --- products ---


@op(jvp="linear")
def lag(x: Array, *, dim: int, by: int) -> Array:
    """x moved `by` places along dim (forwards if positive), zeros coming in."""
    y = xp_of(x).zeros_like(x)
    n = x.shape[dim]
    before = (slice(None),) * dim
    ahead, behind = slice(max(by, 0), max(n + min(by, 0), 0)), slice(max(-by, 0), max(n - max(by, 0), 0))
    y[(*before, ahead)] = x[(*before, behind)]
    return y


lag.vjp(x=lambda g, dim, by: lag(g, dim=dim, by=-by))


def _moved(x: Any, dim: int, by: int) -> Any:
    """x moved along dim, ones coming in."""
    n = x.shape[dim]
    place = np.arange(n).reshape([n if d == dim else 1 for d in range(x.ndim)])
    came = place < by if by > 0 else place >= n + by
    return where(np.broadcast_to(came, x.shape), 1, lag(x, dim=dim, by=by))


def running_product(x: Any, dim: int, step: int = 1) -> Any:
    """Products of the elements up to each one (step 1) or from each one on (step -1), by doubling spans.

    No division: zeros are no exception, and every derivative exists.
    Source: Hillis and Steele 1986, "Data parallel algorithms", Communications of the ACM 29(12).
    """
    span = step
    while -x.shape[dim] < span < x.shape[dim]:
        x = x * _moved(x, dim, span)
        span *= 2
    return x


def others(x: Any, dim: int | None) -> Any:
    """For each element the product of all others along dim, or of all."""
    if dim is None:
        return reshape(others(reshape(x, shape=(-1,)), 0), shape=x.shape)
    if x.ndim == 0:
        return _zero(x) + 1
    return running_product(_moved(x, dim, 1), dim) * running_product(_moved(x, dim, -1), dim, -1)


@titled("CumprodBackward0")
def cumprod(input: Any, dim: int, *, dtype: Any = None) -> Any:
    """Products of the elements up to each one along dim; integers in int64."""
    (x,), options = _along("cumprod", input, dim, dtype, False)
    if x.array.ndim == 0:
        return x.clone()
    if x.requires_grad:
        y = running_product(x.contiguous(), options["dim"])
        return y if x.shape[options["dim"]] > 1 else y.clone()
    y = _accumulate(xp_of(x.array).multiply, x.array, options["dim"], False, _wide(x.array))
    return Tensor._of(y.astype(x.array.dtype) if x.array.dtype.kind in "fV" else y)


# --- logsumexp ---


@op
def logcumsumexp(x: Array, *, dim: int, reverse: bool = False) -> Array:
    return _accumulate(xp_of(x).logaddexp, x, dim, reverse)


def _logcumsumexp_slope(g: Any, x: Any, y: Any, dim: int, reverse: bool) -> Any:
    """The sum over later k of g_k exp(x - y_k), in logarithms, the positive and the negative g apart."""

    def part(g: Any) -> Any:
        logs = where(g > 0, log(where(g > 0, g, 1)), -math.inf)
        rest = where(y == -math.inf, -math.inf, logs - y)
        return exp(logcumsumexp(rest, dim=dim, reverse=not reverse) + x)

    return part(g) - part(-g)


logcumsumexp.vjp(x=_logcumsumexp_slope)


@logcumsumexp.jvp
def _(primals: Any, tangents: Any, y: Any, *, dim: int, reverse: bool = False) -> Any:
    (x,), (t,) = primals, tangents
    if 0 in x.shape:
        return t
    array = x.array if isinstance(x, Tensor) else x
    top: Any = xp_of(array).maximum.reduce(array, dim, None, None, True)  # the ratio doesn't depend on it
    top = xp_of(array).where(abs(top) == math.inf, 0, top)
    top = Tensor._of(top) if isinstance(x, Tensor) else top
    pushed = cumsum(t * exp(x - top), dim=dim, reverse=reverse) / exp(y - top)
    return where(y == -math.inf, 0.0, pushed)


@logcumsumexp.public
def _(input: Any, dim: Any = None, *, reverse: bool = False) -> Any:
    """log of the sums of exp(input) up to each element along dim, without overflow."""
    return _along("logcumsumexp", input, dim, None, reverse)


# --- extremes ---


def _running_extreme(kind: Any, ufunc: str, input: Any, dim: int) -> Any:
    x = input.array
    d = wrap(dim, x.ndim)
    xp = xp_of(x)
    if x.ndim == 0:
        return kind(input.clone(), Tensor._of(xp.zeros((), "int64")))
    best = getattr(xp, ufunc).accumulate(x, d)
    place = xp.arange(x.shape[d]).reshape([-1 if k == d else 1 for k in range(x.ndim)])
    index = Tensor._of(xp.maximum.accumulate(xp.where((x == best) | (x != x), place, 0), d))
    return kind(input.gather(d, index), index)


@titled("CummaxBackward0")
def cummax(input: Any, dim: int) -> Any:
    """(values, indices): the largest element so far along dim, the last of equals."""
    return _running_extreme(return_types.cummax, "maximum", input, dim)


@titled("CumminBackward0")
def cummin(input: Any, dim: int) -> Any:
    """(values, indices): the smallest element so far along dim, the last of equals."""
    return _running_extreme(return_types.cummin, "minimum", input, dim)

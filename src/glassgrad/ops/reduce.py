"""Reductions: many numbers to one, over all dims or some. The largest and the smallest are in extremes.py."""

from __future__ import annotations

import math
from typing import Any

from ..core.backend import Array, spread, xp_of
from ..core.dtypes import get_default_dtype, title_of
from ..core.fast import given, unary
from ..core.graph import as_array
from ..core.half import half_in_float32
from ..core.op import op
from ..core.provenance import warn
from ..core.tensor import Tensor
from ..core.titles import titled
from .arithmetic import exp, pow
from .choice import _zero, isnan, where
from .cumulative import others
from .elementwise import abs, sign
from .shape import expand, reshape, wraps

__all__ = [
    "all", "any", "count_nonzero", "logsumexp", "mean", "nanmean", "nansum", "norm", "prod", "std", "std_mean", "sum",
    "var", "var_mean",
]  # fmt: skip
METHODS: tuple[str, ...] = tuple(name for name in __all__ if not name.endswith("_mean"))
IN_PLACE: tuple[str, ...] = ()

Dims = tuple[int, ...] | None

# --- dims ---


def dims_of(ndim: int, dim: Any) -> Dims:
    """A dim or several, counted from 0 in rising order; None, () and [] stand for all of them (None).

    Raises IndexError for a dim that isn't there, RuntimeError for one named twice.
    """
    if dim is None or dim == () or dim == []:
        return None
    found = wraps(dim, ndim)
    return tuple(sorted(found)) if ndim else None


def named(name: str, dim: Any, keepdim: bool, other: dict[str, Any]) -> tuple[Any, bool]:
    """dim and keepdim, for which NumPy's names axis and keepdims may stand."""
    if "axis" in other and dim is None:
        dim = other.pop("axis")
    keepdim = other.pop("keepdims", keepdim)
    if other:
        raise TypeError(f"{name}() got an unexpected keyword argument '{next(iter(other))}'")
    return dim, keepdim


def count(shape: tuple[int, ...], dim: Dims) -> int:
    """How many elements become one."""
    return math.prod(shape if dim is None else [shape[d] for d in dim])


def unreduce(g: Any, shape: tuple[int, ...], dim: Dims, keepdim: bool) -> Any:
    """g, which belongs to a reduction over dim, spread over the shape from before."""
    if g.ndim == 0:
        return expand(g, shape=shape) if isinstance(g, Tensor) else spread(as_array(g), shape)
    if not keepdim and dim is not None:
        g = reshape(g, shape=tuple([1 if d in dim else n for d, n in enumerate(shape)]))
    return expand(g, shape=shape)


def contracted(declared: Any) -> None:
    """Forward mode of a reduction of one array: the slope of each element times its tangent, summed."""

    @declared.jvp
    def rule(primals: Any, tangents: Any, y: Any, **options: Any) -> Any:
        slope = declared.op.formulas[0](_zero(y) + 1, *declared.op.save(0, primals, options, y))
        return sum(tangents[0] * slope, dim=options["dim"], keepdim=options["keepdim"])


# --- sum, mean, product ---


def _add_up(x: Array, dim: Dims, keepdim: bool) -> Array:
    """The sum; of integers in int64, of half precision in float32."""
    kind, wide = x.dtype.kind, None
    if kind in "iub":
        wide = "int64"
    elif x.dtype.itemsize == 2:
        wide = "float32"
    return xp_of(x).add.reduce(x, dim, wide, None, keepdim)


def _narrowed(y: Array, x: Array) -> Array:
    return y if y.dtype == x.dtype or x.dtype.kind in "iub" else y.astype(x.dtype)


def _sum_all(x: Array) -> Array:
    if x.dtype.kind == "f" and x.dtype.itemsize > 2:
        return xp_of(x).add.reduce(x, None)
    return _narrowed(_add_up(x, None, False), x)


_sum_all_op = unary(_sum_all, "sum_all", jvp="linear", x=lambda g, x_shape: unreduce(g, x_shape, None, False))
_sum_all_op.op.node_name = "SumBackward0"  # PyTorch's names of the two overloads


@op(jvp="linear")
def sum_(x: Array, *, dim: Dims = None, keepdim: bool = False) -> Array:
    return _narrowed(_add_up(x, dim, keepdim), x)


sum_.vjp(x=lambda g, x_shape, dim, keepdim: unreduce(g, x_shape, dim, keepdim))
sum_.op.node_name = "SumBackward1"


def sum(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None, **other: Any) -> Any:
    """The sum over dim (one, several, or all); integers are added up in int64."""
    if dim is None and dtype is None and not keepdim and not other:
        return _sum_all_op(input)
    if isinstance(input, Tensor):
        dim, keepdim = named("sum", dim, keepdim, other)
        dim = dims_of(input.array.ndim, dim)
        input = input if dtype is None else input.to(dtype)
    return sum_(input, dim=dim, keepdim=keepdim)


@half_in_float32
def _shared(g: Any, n: int) -> Any:
    return g / n


@op(jvp="linear")
def mean(x: Array, *, dim: Dims = None, keepdim: bool = False) -> Array:
    n = count(x.shape, dim)
    return _narrowed(_add_up(x, dim, keepdim) / n if n else _add_up(x, dim, keepdim) * math.nan, x)


mean.vjp(x=lambda g, x_shape, dim, keepdim: unreduce(_shared(g, count(x_shape, dim) or 1), x_shape, dim, keepdim))


def _overload(name: str, at: int) -> Any:
    """PyTorch's name of a reduction of all elements, or over the dim which its formula keeps at that place."""
    return lambda saved: f"{name}Backward{int(bool(saved) and saved[0][at] is not None)}"


mean.op.node_name = _overload("Mean", 1)


@mean.public
def _(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None, **other: Any) -> Any:
    """The mean over dim (one, several, or all); NaN of nothing. Raises RuntimeError for integers and bool."""
    x = input if dtype is None else input.to(dtype)
    if x.array.dtype.kind in "iub":
        raise RuntimeError(
            "mean(): could not infer output dtype. Input dtype must be either a floating point or complex dtype. "
            f"Got: {title_of(x)}"
        )
    dim, keepdim = named("mean", dim, keepdim, other)
    return (x,), {"dim": dims_of(x.array.ndim, dim), "keepdim": keepdim}


@op
def prod(x: Array, *, dim: Dims = None, keepdim: bool = False) -> Array:
    wide = "int64" if x.dtype.kind in "iub" else "float32" if x.dtype.itemsize == 2 else None
    return _narrowed(xp_of(x).multiply.reduce(x, dim, wide, None, keepdim), x)


def _prod_slope(g: Any, x: Any, dim: Dims, keepdim: bool) -> Any:
    """g times the product of the other elements, without a division: zeros are no exception."""
    return unreduce(g, x.shape, dim, keepdim) * others(x, None if dim is None else dim[0])


prod.vjp(x=_prod_slope)
contracted(prod)
prod.op.node_name = _overload("Prod", 1)


@prod.public
def _(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None, **other: Any) -> Any:
    """The product over one dim, or of all elements; integers are multiplied in int64."""
    dim, keepdim = named("prod", dim, keepdim, other)
    x = input if dtype is None else input.to(dtype)
    return (x,), {"dim": dims_of(x.array.ndim, dim), "keepdim": keepdim}


@titled("NansumBackward0")
def nansum(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """The sum of what isn't NaN."""
    return sum(where(isnan(input), 0, input), dim, keepdim, dtype=dtype)


def nanmean(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """The mean of what isn't NaN."""
    return nansum(input, dim, keepdim, dtype=dtype) / sum(isnan(input).logical_not(), dim, keepdim)


# --- variance ---


def _freedom(shape: tuple[int, ...], dim: Dims, correction: float) -> float:
    """What the sum of squares is divided by."""
    return max(count(shape, dim) - correction, 0) or math.nan


@op
def var(x: Array, *, correction: float = 1, dim: Dims = None, keepdim: bool = False) -> Array:
    away = x - mean(x, dim=dim, keepdim=True)
    return _narrowed(_add_up(away * away, dim, keepdim) / _freedom(x.shape, dim, correction), x)


def _var_slope(g: Any, x: Any, correction: float, dim: Dims, keepdim: bool) -> Any:
    away = x - mean(x, dim=dim, keepdim=True)
    return unreduce(g, x.shape, dim, keepdim) * (away * (2 / _freedom(x.shape, dim, correction)))


@op
def std(x: Array, *, correction: float = 1, dim: Dims = None, keepdim: bool = False) -> Array:
    return xp_of(x).sqrt(var(x, correction=correction, dim=dim, keepdim=keepdim))


def _std_slope(g: Any, x: Any, y: Any, correction: float, dim: Dims, keepdim: bool) -> Any:
    return _var_slope(where(y == 0, 0, g / (2 * y)), x, correction, dim, keepdim)


def _spread_arguments(name: str, x: Any, dim: Any, unbiased: Any, keepdim: bool, correction: Any) -> dict[str, Any]:
    if x.array.dtype.kind not in "fcV":
        raise RuntimeError("std and var only support floating point and complex dtypes")
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    if correction is None:
        correction = 1 if unbiased is None else int(unbiased)
    dims = dims_of(x.array.ndim, dim)
    if count(x.array.shape, dims) <= correction:
        warn(
            f"{name}(): degrees of freedom is <= 0: {count(x.array.shape, dims)} elements with correction "
            f"{correction}. Correction should be strictly less than the reduction factor "
            "(input numel divided by output numel)."
        )
    return {"correction": correction, "dim": dims, "keepdim": keepdim}


@var.public
def _(
    input: Any, dim: Any = None, unbiased: Any = None, keepdim: bool = False, *, correction: Any = None, **other: Any
) -> Any:
    """The mean squared distance from the mean over dim, divided by n - correction (1; 0 with unbiased=False).

    var(x), var(x, unbiased), var(x, dim, unbiased, keepdim), var(x, dim, correction=0).
    """
    dim, keepdim = named("var", dim, keepdim, other)
    return (input,), _spread_arguments("var", input, dim, unbiased, keepdim, correction)


@std.public
def _(
    input: Any, dim: Any = None, unbiased: Any = None, keepdim: bool = False, *, correction: Any = None, **other: Any
) -> Any:
    """The square root of var, with the gradient 0 where it is 0."""
    dim, keepdim = named("std", dim, keepdim, other)
    return (input,), _spread_arguments("std", input, dim, unbiased, keepdim, correction)


var.vjp(x=_var_slope)
std.vjp(x=_std_slope)
contracted(var)
contracted(std)


@titled("VarMeanBackward0")
def var_mean(
    input: Any, dim: Any = None, unbiased: Any = None, keepdim: bool = False, *, correction: Any = None
) -> tuple[Any, Any]:
    over = None if isinstance(dim, bool) else dim
    return var(input, dim, unbiased, keepdim, correction=correction), mean(input, over, keepdim)


@titled("StdMeanBackward0")
def std_mean(
    input: Any, dim: Any = None, unbiased: Any = None, keepdim: bool = False, *, correction: Any = None
) -> tuple[Any, Any]:
    over = None if isinstance(dim, bool) else dim
    return std(input, dim, unbiased, keepdim, correction=correction), mean(input, over, keepdim)


# --- norms, logsumexp ---


@op
def vector_norm(x: Array, *, p: float = 2.0, dim: Dims = None, keepdim: bool = False) -> Array:
    """(sum of |x|^p)^(1/p); the largest |x| for p = inf, the smallest for -inf, the number of non-zeros for 0."""
    xp = xp_of(x)
    size = xp.absolute(x)
    if p == math.inf:
        return xp.maximum.reduce(size, dim, None, None, keepdim, initial=0)
    if p == -math.inf:
        return xp.minimum.reduce(size, dim, None, None, keepdim, initial=math.inf)
    if p == 0:
        return as_array(_add_up(x != 0, dim, keepdim)).astype(x.dtype)
    total = _add_up(size if p == 1 else x * x if p == 2 else size**p, dim, keepdim)
    return _narrowed(total if p == 1 else xp.sqrt(total) if p == 2 else total ** (1 / p), x)


def _norm_slope(g: Any, x: Any, y: Any, p: float, dim: Dims, keepdim: bool) -> Any:
    if p == 0:
        return _zero(x)
    if math.isinf(p):
        ties = abs(x) == unreduce(y, x.shape, dim, keepdim)
        count = sum(ties, dim=dim, keepdim=keepdim)
        if not isinstance(count, Tensor):  # NumPy would divide float32 by int64 in float64
            count = count.astype(g.dtype)
        share = g / count
        return where(ties, unreduce(share, x.shape, dim, keepdim) * sign(x), 0)
    g = unreduce(g, x.shape, dim, keepdim)
    if p == 1:
        return g * sign(x)
    y = unreduce(y, x.shape, dim, keepdim)
    if p == 2:
        return where(y == 0, 0, g * (x / y))
    return where(x == 0, 0, g * (sign(x) * pow(abs(x) / y, p - 1)))


vector_norm.vjp(x=_norm_slope)
contracted(vector_norm)


@vector_norm.public
def _(input: Any, p: float = 2.0, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    x = input if dtype is None else input.to(dtype)
    if x.array.dtype.kind not in "fcV":
        raise RuntimeError(
            f"linalg.vector_norm: Expected a floating point or complex tensor as input. Got {title_of(x)}"
        )
    if x.array.dtype.kind == "c":
        x = x.abs()
    return (x,), {"p": float(p), "dim": dims_of(x.array.ndim, dim), "keepdim": keepdim}


def norm(input: Any, p: Any = "fro", dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """The p-norm of the elements over dim, as of one long vector; "fro" is p = 2.

    At 0 the gradient is 0; the gradient of the inf-norm is shared by the elements that reach it.
    """
    if p == "nuc":
        from .matrices import matrix_norm

        return matrix_norm(input, "nuc", (-2, -1) if dim is None else dim, keepdim, dtype=dtype)
    return vector_norm(input, 2.0 if p in ("fro", None) else p, dim, keepdim, dtype=dtype)


@op
@half_in_float32
def logsumexp(x: Array, *, dim: Dims = None, keepdim: bool = False) -> Array:
    xp = xp_of(x)
    top = xp.maximum.reduce(x, dim, None, None, True, initial=-math.inf)
    top = xp.where(xp.isfinite(top), top, 0)
    y = xp.log(_add_up(xp.exp(x - top), dim, True)) + top
    return _narrowed(y if keepdim else y.reshape([n for d, n in enumerate(x.shape) if dim and d not in dim]), x)


def _logsumexp_slope(g: Any, x: Any, y: Any, dim: Dims, keepdim: bool) -> Any:
    y = unreduce(y, x.shape, dim, keepdim)
    return unreduce(g, x.shape, dim, keepdim) * exp(x - where(y == -math.inf, 0, y))


logsumexp.vjp(x=_logsumexp_slope)
contracted(logsumexp)


@logsumexp.public
def _(input: Any, dim: Any, keepdim: bool = False, **other: Any) -> Any:
    """log(sum(exp(input))) over dim, computed without overflow; -inf of nothing."""
    dim, keepdim = named("logsumexp", dim, keepdim, other)
    x = input.to(get_default_dtype()) if input.array.dtype.kind in "iub" else input
    return (x,), {"dim": dims_of(x.array.ndim, dim), "keepdim": keepdim}


# --- counting and truth ---


def _truth(name: str, ufunc: str, input: Any, dim: Any, keepdim: bool, other: dict[str, Any]) -> Any:
    dim, keepdim = named(name, dim, keepdim, other)
    x = input.array
    reduce = getattr(xp_of(x), ufunc).reduce
    y = as_array(reduce(x != 0, dims_of(x.ndim, dim), None, None, keepdim))
    return Tensor._of(y.astype(x.dtype) if x.dtype == "uint8" else y)


def all(input: Any, dim: Any = None, keepdim: bool = False, *, out: Any = None, **other: Any) -> Any:
    """Whether all elements over dim are true (not zero); true of nothing."""
    return given(out, _truth("all", "logical_and", input, dim, keepdim, other))


def any(input: Any, dim: Any = None, keepdim: bool = False, *, out: Any = None, **other: Any) -> Any:
    """Whether an element over dim is true (not zero); false of nothing."""
    return given(out, _truth("any", "logical_or", input, dim, keepdim, other))


def count_nonzero(input: Any, dim: Any = None) -> Any:
    return sum(input != 0, dim)

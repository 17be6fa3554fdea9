"""Elementwise operations: arithmetic, functions of one number, comparison, logic, choice.

One line each where possible: the function, and beside it the derivative. Where a derivative doesn't exist it is
PyTorch's choice. Integers meet floats as PyTorch's promotion says; operands of different shapes broadcast.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.backend import Array, ndarray
from ..core.dtypes import bool_, can_cast, float64, result_type
from ..core.fast import binary, broadcast_error, given, meet, unary
from ..core.graph import as_array
from ..core.op import op
from ..core.tensor import Tensor
from .shape import expand

__all__ = [
    "abs", "absolute", "acos", "acosh", "add", "addcdiv", "addcmul", "allclose", "arccos", "arccosh", "arcsin",
    "arcsinh", "arctan", "arctan2", "arctanh", "asin", "asinh", "atan", "atan2", "atanh", "bitwise_and",
    "bitwise_left_shift", "bitwise_not", "bitwise_or", "bitwise_right_shift", "bitwise_xor", "ceil", "clamp",
    "clamp_max", "clamp_min", "clip", "copysign", "cos", "cosh", "deg2rad", "div", "divide", "eq", "equal", "exp",
    "exp2", "expm1", "fix", "float_power", "floor", "floor_divide", "fmax", "fmin", "fmod", "frac", "gcd", "ge",
    "greater", "greater_equal", "gt", "heaviside", "hypot", "isclose", "isfinite", "isinf", "isnan", "isneginf",
    "isposinf", "lcm", "ldexp", "le", "lerp", "less", "less_equal", "log", "log10", "log1p", "log2", "logaddexp",
    "logaddexp2", "logical_and", "logical_not", "logical_or", "logical_xor", "lt", "masked_fill", "maximum",
    "minimum", "mul", "multiply", "nan_to_num", "ne", "neg", "negative", "nextafter", "not_equal", "positive", "pow",
    "rad2deg", "reciprocal", "remainder", "round", "rsqrt", "rsub", "sgn", "sigmoid", "sign", "signbit", "sin",
    "sinh", "sqrt", "square", "sub", "subtract", "tan", "tanh", "true_divide", "trunc", "where",
]  # fmt: skip
METHODS: tuple[str, ...] = tuple(name for name in __all__ if name not in ("where", "rsub"))
IN_PLACE: tuple[str, ...] = tuple(
    name for name in METHODS
    if name not in ("allclose", "equal", "isclose", "positive", "signbit", "maximum", "minimum", "fmax", "fmin")
    and not name.startswith("is")
)  # fmt: skip

Number = (int, float)
SCALARS: Any = (int, float, np.generic)

# --- what the declarations below share ---

_zero = unary("zeros_like", "zero_gradient")  # constants have one, steps have it almost everywhere


def _flat(g: Any) -> Any:
    return _zero(g)


def _only(ufunc: Any, problem: type[Exception], words: str) -> Callable[..., Array]:
    """The ufunc; for dtypes it isn't defined for, a `problem` in these words."""

    def forward(*operands: Array) -> Array:
        try:
            return ufunc(*operands)
        except TypeError:
            dtype = next(x.dtype for x in operands if hasattr(x, "dtype"))
            raise problem(words.format(dtype=dtype)) from None

    return forward


def _whole(ufunc: Any, name: str) -> tuple[Callable[..., Array], str]:
    words = f"\"{name}_cpu\" not implemented for '{{dtype}}': it is defined for integers and bool"
    return _only(ufunc, NotImplementedError, words), name


def _integral(x: Any, other: Any) -> bool:
    return np.result_type(x, other).kind in "iub"


def _check_divisor(x: Array, other: Array) -> None:
    """RuntimeError, in PyTorch's word, for an integer division by zero."""
    if not np.all(other) and _integral(x, other):
        raise RuntimeError("ZeroDivisionError: integer division by zero")


def broadcast(*operands: Any) -> list[Any]:
    """The tensors among the operands expanded to their common shape, the numbers as they are."""
    shapes = [x.shape for x in operands if hasattr(x, "shape")]
    if all_same(shapes):
        return list(operands)
    try:
        shape = np.broadcast_shapes(*shapes)
    except ValueError:
        pairs = ((a, b) for a in operands for b in operands if hasattr(a, "shape") and hasattr(b, "shape"))
        raise next(broadcast_error(a, b) for a, b in pairs if not _fit(a.shape, b.shape)) from None
    return [expand(x, shape=shape) if isinstance(x, Tensor) and x.shape != shape else x for x in operands]


def all_same(items: list[Any]) -> bool:
    return items.count(items[0]) == len(items)


def _fit(s: tuple[int, ...], t: tuple[int, ...]) -> bool:
    return all(m == n or 1 in (m, n) for m, n in zip(reversed(s), reversed(t)))  # noqa: B905


def _like(dtype: Any, *operands: Any) -> list[Any]:
    """The tensors among the operands in this dtype."""
    return [x.to(dtype) if isinstance(x, Tensor) and x.dtype is not dtype else x for x in operands]


def _raw(x: Any) -> Any:
    return x.array if isinstance(x, Tensor) else x


# --- arithmetic ---

BOOL_SUB = (
    "Subtraction, the `-` operator, with two bool tensors is not supported. "
    "Use the `^` or `logical_xor()` operator instead."
)
BOOL_NEG = (
    "Negation, the `-` operator, on a bool tensor is not supported. "
    "If you are trying to invert a mask, use the `~` or `logical_not()` operator instead."
)

_add = binary("add", x=lambda g: g, other=lambda g: g)
_sub = binary(_only(np.subtract, RuntimeError, BOOL_SUB), "sub", x=lambda g: g, other=lambda g: -g)
mul = binary("multiply", "mul", x=lambda g, other: g * other, other=lambda g, x: g * x)
_div = binary(
    "true_divide", "div", floats=True, x=lambda g, other: g / other, other=lambda g, other, y: -g * (y / other)
)
neg = unary(_only(np.negative, RuntimeError, BOOL_NEG), "neg", x=lambda g: -g)
positive = unary("positive", x=lambda g: g)


def _scaled(name: str, x: Any, other: Any, alpha: Any) -> Any:
    """alpha * other, where alpha may be what x and other are."""
    if alpha is True or alpha is False:
        raise RuntimeError(f"{name}(): Boolean alpha only supported for Boolean results.")
    if isinstance(alpha, float) and not result_type(_raw(x), _raw(other)).is_floating_point:
        raise RuntimeError("For integral input tensors, argument alpha must not be a floating point number.")
    return mul(other, alpha) if isinstance(other, Tensor) else other * alpha


def add(input: Any, other: Any, *, alpha: Any = 1, out: Any = None) -> Any:
    """input + alpha * other, broadcast."""
    return _add(input, other if type(alpha) is int and alpha == 1 else _scaled("add", input, other, alpha), out=out)


def sub(input: Any, other: Any, *, alpha: Any = 1, out: Any = None) -> Any:
    """input - alpha * other, broadcast."""
    return _sub(input, other if type(alpha) is int and alpha == 1 else _scaled("sub", input, other, alpha), out=out)


def rsub(input: Any, other: Any, *, alpha: Any = 1) -> Any:
    """other - alpha * input."""
    return sub(other, input, alpha=alpha)


def _floor_divide(x: Array, other: Array) -> Array:
    _check_divisor(x, other)
    return np.floor_divide(x, other)


def _trunc_divide(x: Array, other: Array) -> Array:
    if not _integral(x, other):
        return np.trunc(x / other)
    return _floor_divide(x - _fmod(x, other), other)


def _remainder(x: Array, other: Array) -> Array:
    _check_divisor(x, other)
    return np.remainder(x, other)


def _fmod(x: Array, other: Array) -> Array:
    _check_divisor(x, other)
    return np.fmod(x, other)


floor_divide = binary(_floor_divide, "floor_divide")
_div_trunc = binary(_trunc_divide, "div_trunc", x=_flat, other=_flat)
_div_floor = binary(_floor_divide, "div_floor", x=_flat, other=_flat)
remainder = binary(_remainder, "remainder", x=lambda g: g, other=lambda g, x, other: -g * floor_divide(x, other))
fmod = binary(_fmod, "fmod", x=lambda g: g, other=lambda g, x, other: -g * _div_trunc(x, other))


def div(input: Any, other: Any, *, rounding_mode: str | None = None, out: Any = None) -> Any:
    """input / other; rounding_mode "floor" rounds the quotient down, "trunc" towards zero (with no gradient)."""
    if rounding_mode is None:
        return _div(input, other, out=out)
    if rounding_mode not in ("floor", "trunc"):
        raise RuntimeError(
            f"div expected rounding_mode to be one of None, 'trunc', or 'floor' but found '{rounding_mode}'"
        )
    return (_div_floor if rounding_mode == "floor" else _div_trunc)(input, other, out=out)


# --- powers ---

POWERS: dict[float, Callable[[Array], Array]] = {
    -2: lambda x: 1 / (x * x),
    -1: lambda x: 1 / x,
    -0.5: lambda x: 1 / np.sqrt(x),
    0.5: np.sqrt,
    1: np.positive,
    2: np.square,
    3: lambda x: x * x * x,
}


def _pow(x: Array, other: Array) -> Array:
    if isinstance(other, SCALARS):
        if other in POWERS and (other > 0 or not _integral(x, other)):
            return POWERS[other](x)
        if other < 0 and _integral(x, other):
            raise RuntimeError("Integers to negative integer powers are not allowed.")
    if np.result_type(x, other).kind != "i":
        return np.power(x, other)
    made = np.power(x, np.absolute(other))
    return np.where((other < 0) & (np.absolute(x) != 1), 0, made)


def _pow_base(g: Any, x: Any, other: Any) -> Any:
    if isinstance(other, Number):
        return g * (x * 2) if other == 2 else _zero(g) if other == 0 else g * (other * _power(x, other - 1))
    return where(other == 0, 0, g * (other * _power(x, other - 1)))


def _pow_exponent(g: Any, x: Any, other: Any, y: Any) -> Any:
    slope = float(np.log(x)) if isinstance(x, Number) else log(x)
    return where((x == 0) & (other >= 0), 0, g * (y * slope))


_power = binary(_pow, "pow", x=_pow_base, other=_pow_exponent)


def pow(input: Any, exponent: Any, *, out: Any = None) -> Any:
    """input to the power of exponent, either of which may be a number; integers stay integers."""
    return _power(input, exponent, out=out)


def float_power(input: Any, exponent: Any) -> Any:
    """pow, computed in float64."""
    return pow(*_like(float64, input, exponent))


def ldexp(input: Any, other: Any) -> Any:
    """input * 2**other."""
    return mul(input, pow(2.0, other))


square = unary("square", x=lambda g, x: g * (2 * x))
sqrt = unary("sqrt", floats=True, x=lambda g, y: g / (2 * y))


rsqrt = unary(lambda x: 1 / np.sqrt(x), "rsqrt", floats=True, x=lambda g, y: g * (-0.5 * y * y * y))
reciprocal = unary(lambda x: 1 / x, "reciprocal", floats=True, x=lambda g, y: -g * (y * y))

# --- exponentials and logarithms ---

LN2, LN10 = math.log(2), math.log(10)

exp = unary("exp", floats=True, x=lambda g, y: g * y)
exp2 = unary("exp2", floats=True, x=lambda g, y: g * (y * LN2))
expm1 = unary("expm1", floats=True, x=lambda g, y: g * (y + 1))
log = unary("log", floats=True, x=lambda g, x: g / x)
log2 = unary("log2", floats=True, x=lambda g, x: g / (x * LN2))
log10 = unary("log10", floats=True, x=lambda g, x: g / (x * LN10))
log1p = unary("log1p", floats=True, x=lambda g, x: g / (x + 1))


def _sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))  # exp may overflow to inf, whose reciprocal is the right 0


sigmoid = unary(_sigmoid, "sigmoid", floats=True, x=lambda g, y: g * ((1 - y) * y))


def _share(x: Any, other: Any, scale: float) -> Any:
    """The slope of log(e^x + e^other) in x; an infinite x that equals other has half."""
    return where(x == other, 0.5, sigmoid((x - other) * scale))


logaddexp = binary(
    "logaddexp", floats=True,
    x=lambda g, x, other: g * _share(x, other, 1.0), other=lambda g, x, other: g * _share(other, x, 1.0),
)  # fmt: skip
logaddexp2 = binary(
    "logaddexp2", floats=True,
    x=lambda g, x, other: g * _share(x, other, LN2), other=lambda g, x, other: g * _share(other, x, LN2),
)  # fmt: skip

# --- trigonometric and hyperbolic functions ---

sin = unary("sin", floats=True, x=lambda g, x: g * cos(x))
cos: Any = unary("cos", floats=True, x=lambda g, x: -g * sin(x))
tan = unary("tan", floats=True, x=lambda g, y: g * (1 + y * y))
asin = unary("arcsin", "asin", floats=True, x=lambda g, x: g * rsqrt(1 - x * x))
acos = unary("arccos", "acos", floats=True, x=lambda g, x: -g * rsqrt(1 - x * x))
atan = unary("arctan", "atan", floats=True, x=lambda g, x: g / (x * x + 1))
sinh = unary("sinh", floats=True, x=lambda g, x: g * cosh(x))
cosh: Any = unary("cosh", floats=True, x=lambda g, x: g * sinh(x))
tanh = unary("tanh", floats=True, x=lambda g, y: g * (1 - y * y))
asinh = unary("arcsinh", "asinh", floats=True, x=lambda g, x: g * rsqrt(x * x + 1))
acosh = unary("arccosh", "acosh", floats=True, x=lambda g, x: g * rsqrt((x - 1) * (x + 1)))
atanh = unary("arctanh", "atanh", floats=True, x=lambda g, x: g / (1 - x * x))
hypot = binary("hypot", x=lambda g, x, y: g * (x / y), other=lambda g, other, y: g * (other / y))


def _angle_slope(g: Any, opposite: Any, x: Any, other: Any) -> Any:
    square = x * x + other * other
    return where(square == 0, 0, g * (opposite / square))


atan2 = binary(
    "arctan2", "atan2", floats=True,
    x=lambda g, x, other: _angle_slope(g, other, x, other), other=lambda g, x, other: _angle_slope(-g, x, x, other),
)  # fmt: skip


def deg2rad(input: Any) -> Any:
    return mul(input, math.pi / 180)


def rad2deg(input: Any) -> Any:
    return mul(input, 180 / math.pi)


# --- magnitude, sign, rounding ---


def _sign(x: Array) -> Array:
    if x.dtype.kind == "b":
        return x.copy()
    return np.subtract(x > 0, x < 0, dtype=x.dtype)  # 0 for NaN


abs = unary("absolute", "abs", x=lambda g, x: g * sign(x))
sign: Any = unary(_sign, "sign", x=_flat)
sgn = sign
signbit = unary("signbit")
floor = unary("floor", x=_flat)
ceil = unary("ceil", x=_flat)
trunc = unary("trunc", x=_flat)
_rint = unary("rint", "round", x=_flat)


frac = unary(lambda x: x - np.trunc(x), "frac", x=lambda g: g)
copysign = binary(
    "copysign", floats=True, x=lambda g, x, y: where(x == 0, 0, where((x < 0) == (y < 0), g, -g)), other=_flat
)


def round(input: Any, *, decimals: int = 0) -> Any:
    """To the nearest whole number, ties to even; with decimals, to that many digits after the point."""
    if not input.dtype.is_floating_point:
        if decimals:
            raise NotImplementedError("round() of integers takes no decimals")
        return positive(input)
    return _rint(input) if decimals == 0 else div(_rint(mul(input, 10.0**decimals)), 10.0**decimals)


@op(jvp="elementwise")
def nan_to_num(x: Array, *, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None) -> Array:
    return np.nan_to_num(x, nan=nan, posinf=posinf, neginf=neginf)


nan_to_num.vjp(x=lambda g, x: where(isfinite(x), g, 0))


@nan_to_num.public
def _(
    input: Any, nan: float | None = 0.0, posinf: float | None = None, neginf: float | None = None
) -> tuple[tuple[Any], dict[str, Any]]:
    """NaN replaced by `nan`, the infinities by `posinf` and `neginf` (the largest and smallest numbers there are)."""
    return (input,), {"nan": nan or 0.0, "posinf": posinf, "neginf": neginf}


# --- the larger and the smaller ---


def _wins(g: Any, loses: Any, ties: Any) -> Any:
    """g where this operand is the result, half of it at a tie, nothing where it loses."""
    return where(loses, 0, where(ties, g / 2, g))


maximum = binary(
    "maximum",
    x=lambda g, x, other: _wins(g, x < other, x == other),
    other=lambda g, x, other: _wins(g, other < x, x == other),
)
minimum = binary(
    "minimum",
    x=lambda g, x, other: _wins(g, x > other, x == other),
    other=lambda g, x, other: _wins(g, other > x, x == other),
)
fmax = binary(
    "fmax",
    x=lambda g, x, other: where((x >= other) | isnan(other), g, 0),
    other=lambda g, x, other: where((x >= other) | isnan(other), 0, g),
)
fmin = binary(
    "fmin",
    x=lambda g, x, other: where((x <= other) | isnan(other), g, 0),
    other=lambda g, x, other: where((x <= other) | isnan(other), 0, g),
)


@op(jvp="elementwise")
def clamp(x: Array, low: Any, high: Any) -> Array:
    y = x if low is None else np.maximum(x, low)
    y = y if high is None else np.minimum(y, high)
    return y.astype(x.dtype, copy=False)  # bfloat16 with a Python float gives float32


def _within(x: Any, low: Any, high: Any) -> Any:
    if low is None or high is None:
        return x <= high if low is None else x >= low
    return (x >= low) & (x <= high)


clamp.vjp(
    x=lambda g, x, low, high: where(_within(x, low, high), g, 0),
    low=lambda g, x, low, high: where((x < low) if high is None else (x < low) & (low < high), g, 0),
    high=lambda g, x, low, high: where((x > high) if low is None else (x > high) | (high < low), g, 0),
)


@clamp.public
def _(input: Any, min: Any = None, max: Any = None) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """input limited to [min, max], numbers or tensors, either of which may be left out.

    Raises RuntimeError when both are left out.
    """
    if min is None and max is None:
        raise RuntimeError("torch.clamp: At least one of 'min' or 'max' must not be None")
    bounds = [b for b in (min, max) if b is not None]
    common = result_type(*[_raw(b) for b in (input, *bounds)])
    x, low, high = _like(common, input, min, max)
    return tuple(broadcast(x, low, high)), {}


def clamp_min(input: Any, min: Any) -> Any:
    return clamp(input, min, None)


def clamp_max(input: Any, max: Any) -> Any:
    return clamp(input, None, max)


# --- choice ---


BITS = {2: np.int16, 4: np.int32, 8: np.int64}


def choose(condition: Array, x: Any, other: Any) -> Array:
    """np.where; for floats by bit masks, which take the same time for every mask (branches guess random ones wrong)."""
    like = x if type(x) is ndarray else other
    if type(like) is not ndarray or like.size < 512 or like.dtype.kind != "f" or type(condition) is not ndarray:
        return np.where(condition, x, other)
    if condition.shape != like.shape or condition.dtype.kind != "b":
        return np.where(condition, x, other)
    bits = BITS[like.itemsize]
    if type(other) is int and other == 0:
        mask = np.negative(condition.astype(bits))
        return np.bitwise_and(mask, x.view(bits), mask).view(x.dtype)
    if type(x) is int and x == 0:
        mask = condition.astype(bits)
        mask -= 1
        return np.bitwise_and(mask, other.view(bits), mask).view(other.dtype)
    if type(x) is not type(other) or x.dtype != other.dtype or x.shape != other.shape:
        return np.where(condition, x, other)
    mask = np.negative(condition.astype(bits))
    rest = other.view(bits)
    mask &= x.view(bits) ^ rest
    mask ^= rest
    return mask.view(x.dtype)


@op(jvp="elementwise")
def where_(condition: Array, x: Array, other: Array) -> Array:
    return choose(condition, x, other)


where_.vjp(
    condition=None,
    x=lambda g, condition: where(condition, g, 0),
    other=lambda g, condition: where(condition, 0, g),
)


def where(condition: Any, input: Any = None, other: Any = None, *, out: Any = None) -> Any:
    """input where condition is true, other elsewhere; tensors or numbers, broadcast.

    What isn't chosen gets the gradient zero, also where its own value is NaN. With the condition alone: the
    indices at which it is true, one tensor for each dim.
    Raises RuntimeError when the condition isn't bool.
    """
    if input is None and other is None:
        from .gather import nonzero

        return nonzero(condition, as_tuple=True)
    if not (isinstance(condition, Tensor) or isinstance(input, Tensor) or isinstance(other, Tensor)):
        return choose(condition, input, other)
    mask = condition if isinstance(condition, Tensor) else Tensor._of(as_array(condition))
    if mask.array.dtype.kind != "b":
        if mask.dtype.name != "uint8":
            raise RuntimeError(
                f"where expected condition to be a boolean tensor, but got a tensor with dtype {mask.dtype}: "
                "compare first, for example x != 0"
            )
        mask = mask.to(bool_)
    x, y, _, _ = meet(input, other)
    return given(out, where_(*broadcast(mask, x, y)))


def where_method(self: Tensor, condition: Any, other: Any) -> Any:
    """self where condition is true, other elsewhere."""
    return where(condition, self, other)


def masked_fill(input: Any, mask: Any, value: Any) -> Any:
    """value where mask is true, input elsewhere; the gradient of those elements goes to value.

    Raises RuntimeError when the mask isn't bool, or the value has dimensions.
    """
    if isinstance(input, ndarray):
        return where(mask, value, input)
    if mask.dtype is not bool_:
        raise RuntimeError(f"masked_fill_ only supports boolean masks, but got mask with dtype {mask.dtype}")
    if isinstance(value, Tensor):
        if value.array.ndim:
            raise RuntimeError(
                "masked_fill_ only supports a 0-dimensional value tensor, "
                f"but got tensor with {value.array.ndim} dimension(s)."
            )
        if not can_cast(value.dtype, input.dtype):
            raise RuntimeError(f"value cannot be converted to type {input.dtype} without overflow")
        value = value.to(input.dtype)
    else:
        value = input.array.dtype.type(value)
    return where(mask, value, input)


def lerp(input: Any, end: Any, weight: Any) -> Any:
    """input + weight * (end - input), from whichever end is nearer, so that weight 1 gives end exactly."""
    if input.dtype is not end.dtype:
        raise RuntimeError(f"expected dtype {input.dtype} for `end` but got dtype {end.dtype}")
    step = end - input
    if isinstance(weight, Tensor):
        return where(abs(weight) < 0.5, input + weight * step, end - step * (1 - weight))
    return input + weight * step if -0.5 < weight < 0.5 else end - step * (1 - weight)


def addcmul(input: Any, tensor1: Any, tensor2: Any, *, value: Any = 1) -> Any:
    """input + value * tensor1 * tensor2."""
    product = tensor1 * tensor2
    return input + (product if value == 1 else product * value)


def addcdiv(input: Any, tensor1: Any, tensor2: Any, *, value: Any = 1) -> Any:
    """input + value * tensor1 / tensor2; RuntimeError for integers."""
    if not (tensor1.dtype.is_floating_point or tensor2.dtype.is_floating_point):
        raise RuntimeError(
            "Integer division with addcdiv is no longer supported: convert with .float() first, or use "
            "input + value * torch.div(tensor1, tensor2, rounding_mode='trunc')"
        )
    ratio = tensor1 / tensor2
    return input + (ratio if value == 1 else ratio * value)


# --- comparison ---

eq = binary("equal", "eq")
ne = binary("not_equal", "ne")
lt = binary("less", "lt")
le = binary("less_equal", "le")
gt = binary("greater", "gt")
ge = binary("greater_equal", "ge")

isnan: Any = unary("isnan")
isinf = unary("isinf")
isfinite: Any = unary("isfinite")
isposinf = unary("isposinf")
isneginf = unary("isneginf")


def equal(input: Any, other: Any) -> bool:
    """Whether the two tensors have the same shape and the same elements."""
    a, b = _raw(input), _raw(other)
    return a.shape == b.shape and bool((a == b).all())


def isclose(input: Any, other: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Any:
    """|input - other| <= atol + rtol * |other|, elementwise; equal infinities are close."""
    if input.dtype is not other.dtype:
        raise RuntimeError(f"{input.dtype} did not match {other.dtype}: convert one with .to() first")
    if rtol < 0 or atol < 0:
        raise RuntimeError(f"rtol and atol must be greater than or equal to zero, but got {rtol} and {atol}")
    a, b = input.array, other.array
    if a.dtype.kind in "iub":
        a, b = a.astype(np.float64), b.astype(np.float64)
    gap = np.absolute(a - b)
    close = (a == b) | (np.isfinite(gap) & (gap <= atol + np.absolute(rtol * b)))
    return Tensor._of(as_array(close | (np.isnan(a) & np.isnan(b)) if equal_nan else close))


def allclose(input: Any, other: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> bool:
    return bool(isclose(input, other, rtol, atol, equal_nan).array.all())


# --- logic, bits, whole numbers ---

logical_and = binary("logical_and")
logical_or = binary("logical_or")
logical_xor = binary("logical_xor")
logical_not = unary("logical_not")
bitwise_and = binary(*_whole(np.bitwise_and, "bitwise_and"))
bitwise_or = binary(*_whole(np.bitwise_or, "bitwise_or"))
bitwise_xor = binary(*_whole(np.bitwise_xor, "bitwise_xor"))
bitwise_not = unary(*_whole(np.invert, "bitwise_not"))
bitwise_left_shift = binary(*_whole(np.left_shift, "bitwise_left_shift"))
bitwise_right_shift = binary(*_whole(np.right_shift, "bitwise_right_shift"))
gcd = binary(*_whole(np.gcd, "gcd"))
lcm = binary(*_whole(np.lcm, "lcm"))
nextafter = binary("nextafter")
heaviside = binary("heaviside")

# --- other names ---

absolute, negative, subtract, multiply, divide, true_divide = abs, neg, sub, mul, div, _div
arccos, arccosh, arcsin, arcsinh, arctan, arctan2, arctanh = acos, acosh, asin, asinh, atan, atan2, atanh
not_equal, less, less_equal, greater, greater_equal = ne, lt, le, gt, ge
clip, fix = clamp, trunc

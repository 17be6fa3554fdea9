"""Arithmetic: sums, products, quotients and remainders, powers, exponentials and logarithms, bits.

One line each where possible: the function, and beside it the derivative. Where a derivative doesn't exist it is
PyTorch's choice. Integers meet floats as PyTorch's promotion says; operands of different shapes broadcast.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.backend import Array
from ..core.batched import whole
from ..core.dtypes import bool_, complex128, float64, result_type
from ..core.fast import PYTHON, binary, given, refused, unary
from ..core.half import is_half, tensors_in_float32
from ..core.tensor import Tensor
from ..core.titles import titled
from .choice import _flat, _like, _raw, _zero, where

__all__ = [
    "add", "addcdiv", "addcmul", "bitwise_and", "bitwise_left_shift", "bitwise_not", "bitwise_or",
    "bitwise_right_shift", "bitwise_xor", "div", "divide", "exp", "exp2", "expm1", "float_power", "floor_divide",
    "fmod", "gcd", "lcm", "ldexp", "lerp", "log", "log10", "log1p", "log2", "logaddexp", "logaddexp2", "mul",
    "multiply", "neg", "negative", "positive", "pow", "reciprocal", "remainder", "rsqrt", "rsub", "sigmoid", "sqrt",
    "square", "sub", "subtract", "true_divide",
]  # fmt: skip
METHODS: tuple[str, ...] = tuple(name for name in __all__ if name != "rsub")
IN_PLACE: tuple[str, ...] = tuple(name for name in METHODS if name != "positive")

Number = (int, float)
SCALARS: Any = (int, float, np.generic)

# --- what the declarations share ---


def _only(ufunc: Any, problem: type[Exception], words: str) -> Callable[..., Array]:
    """The ufunc; for dtypes it isn't defined for, a `problem` in these words."""

    def forward(*operands: Array) -> Array:
        try:
            return ufunc(*operands)
        except TypeError:
            dtype = next(x.dtype for x in operands if hasattr(x, "dtype"))
            raise problem(words.format(dtype=dtype)) from None

    forward.ufunc = ufunc  # type: ignore[attr-defined]
    return forward


def _whole(ufunc: Any, name: str) -> tuple[Callable[..., Array], str]:
    words = f"\"{name}_cpu\" not implemented for '{{dtype}}': it is defined for integers and bool"
    return _only(ufunc, NotImplementedError, words), name


def _integral(x: Any, other: Any) -> bool:
    return np.result_type(x, other).kind in "iub"


def _check_divisor(x: Array, other: Array) -> None:
    """RuntimeError, in PyTorch's word, for an integer division by zero."""
    if not np.all(whole(other)) and _integral(x, other):
        raise RuntimeError("ZeroDivisionError: integer division by zero")


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
mul = binary("multiply", "mul", exact=True, x=lambda g, other: g * other, other=lambda g, x: g * x)
_div = binary(
    "true_divide",
    "div",
    floats=True,
    exact=True,
    x=lambda g, other: g / other,
    other=lambda g, x, other: -g * (x / other / other),
)  # keeps x rather than y: a quotient may be changed in place, as in PyTorch
neg = unary(_only(np.negative, RuntimeError, BOOL_NEG), "neg", x=lambda g: -g)
positive = unary("positive", x=lambda g: g)


def _scaled(name: str, x: Any, other: Any, alpha: Any) -> Any:
    """alpha * other, where alpha may be what x and other are."""
    common = result_type(_raw(x), _raw(other))
    if isinstance(alpha, bool):
        if common is not bool_:
            raise RuntimeError(f"{name}(): Boolean alpha only supported for Boolean results.")
        return mul(other, alpha)
    if isinstance(alpha, float) and not (common.is_floating_point or common.is_complex):
        raise RuntimeError("For integral input tensors, argument alpha must not be a floating point number.")
    return mul(other, alpha) if isinstance(other, Tensor) else other * alpha


def add(input: Any, other: Any, *, alpha: Any = 1, out: Any = None) -> Any:
    """input + alpha * other, broadcast."""
    return (
        _add(input, other, out=out)
        if type(alpha) is int and alpha == 1
        else _sum(input, other, _held(input, alpha), out=out)
    )


@tensors_in_float32
def _sum(input: Any, other: Any, alpha: Any, *, out: Any = None) -> Any:
    return _add(input, _scaled("add", input, other, alpha), out=out)


def sub(input: Any, other: Any, *, alpha: Any = 1, out: Any = None) -> Any:
    """input - alpha * other, broadcast."""
    return (
        _sub(input, other, out=out)
        if type(alpha) is int and alpha == 1
        else _less(input, other, _held(input, alpha), out=out)
    )


def _held(x: Any, alpha: Any) -> Any:
    """alpha as half precision holds it, beside half precision."""
    return float(x.array.dtype.type(alpha)) if is_half(getattr(x, "array", None)) else alpha


@tensors_in_float32
def _less(input: Any, other: Any, alpha: Any, *, out: Any = None) -> Any:
    return _sub(input, _scaled("sub", input, other, alpha), out=out)


@titled(lambda input, other, **_: f"RsubBackward{int(not isinstance(other, Tensor))}")
def rsub(input: Any, other: Any, *, alpha: Any = 1) -> Any:
    """other - alpha * input; TypeError unless input is a tensor."""
    if input.__class__ in PYTHON:
        raise refused("rsub", "input", input)
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


def _by_divisor(name: str) -> Any:
    """PyTorch's overloads: 0 for a number, 1 for a tensor."""
    return titled(lambda input, other, **_: f"{name}Backward{int(isinstance(other, Tensor))}")


floor_divide = binary(_floor_divide, "floor_divide")
_div_trunc = binary(_trunc_divide, "div_trunc", x=_flat, other=_flat)
_div_floor = binary(_floor_divide, "div_floor", x=_flat, other=_flat)
_div_trunc.op.node_name = _div_floor.op.node_name = "DivBackward2"
remainder = _by_divisor("Remainder")(binary(
    _remainder, "remainder", numbers="one",
    x=lambda g: g, other=lambda g, x, other: -g * floor_divide(x, other),
))  # fmt: skip
fmod = _by_divisor("Fmod")(binary(
    _fmod, "fmod", numbers="other", x=lambda g: g, other=lambda g, x, other: -g * _div_trunc(x, other),
))  # fmt: skip


def div(input: Any, other: Any, *, rounding_mode: str | None = None, out: Any = None) -> Any:
    """input / other; rounding_mode "floor" rounds the quotient down, "trunc" towards zero (with no gradient)."""
    if rounding_mode is None:
        return _div(input, other, out=out)
    if rounding_mode not in ("floor", "trunc"):
        raise RuntimeError(
            f"div expected rounding_mode to be one of None, 'trunc', or 'floor' but found '{rounding_mode}'"
        )
    return (_div_floor if rounding_mode == "floor" else _div_trunc)(input, other, out=out)


@titled(lambda input, end, weight, **_: f"LerpBackward{int(isinstance(weight, Tensor))}")
@tensors_in_float32
def lerp(input: Any, end: Any, weight: Any, *, out: Any = None) -> Any:
    """input + weight * (end - input), from whichever end is nearer, so that weight 1 gives end exactly."""
    if input.dtype is not end.dtype:
        raise RuntimeError(f"expected dtype {input.dtype} for `end` but got dtype {end.dtype}")
    step = end - input
    if isinstance(weight, Tensor):
        near = (weight > -0.5) & (weight < 0.5)
        return where(near, input + weight * step, end - step * (1 - weight), out=out)
    return given(out, input + weight * step if -0.5 < weight < 0.5 else end - step * (1 - weight))


@titled("AddcmulBackward0")
@tensors_in_float32
def addcmul(input: Any, tensor1: Any, tensor2: Any, *, value: Any = 1, out: Any = None) -> Any:
    """input + value * tensor1 * tensor2."""
    product = tensor1 * tensor2
    return _add(input, product if value == 1 else product * value, out=out)


@titled("AddcdivBackward0")
@tensors_in_float32
def addcdiv(input: Any, tensor1: Any, tensor2: Any, *, value: Any = 1, out: Any = None) -> Any:
    """input + value * tensor1 / tensor2; RuntimeError for integers."""
    if not (tensor1.dtype.is_floating_point or tensor2.dtype.is_floating_point):
        raise RuntimeError(
            "Integer division with addcdiv is no longer supported: convert with .float() first, or use "
            "input + value * torch.div(tensor1, tensor2, rounding_mode='trunc')"
        )
    ratio = tensor1 / tensor2
    return _add(input, ratio if value == 1 else ratio * value, out=out)


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


_power = binary(_pow, "pow", numbers="one", x=_pow_base, other=_pow_exponent)


_power.op.node_name = lambda saved: f"PowBackward{_overload_of_power(saved)}"


def _overload_of_power(saved: Any) -> int:
    """PyTorch's: 0 with a number for an exponent, 1 of two tensors, 2 with a number for a base."""
    if not saved or saved[0] is not None:
        return int(bool(saved) and isinstance(saved[0][1], np.ndarray))
    return 1 if isinstance(saved[1][0], np.ndarray) else 2


def pow(input: Any, exponent: Any, *, out: Any = None) -> Any:
    """input to the power of exponent, either of which may be a number; integers stay integers."""
    return _power(input, exponent, out=out)


def float_power(input: Any, exponent: Any, *, out: Any = None) -> Any:
    """pow, computed in float64, or in complex128."""
    raw = _raw(input), _raw(exponent)
    wide = complex128 if result_type(*raw).is_complex else float64
    return _power(*_like(wide, input, exponent), out=out)


@titled("LdexpBackward0")
def ldexp(input: Any, other: Any, *, out: Any = None) -> Any:
    """input * 2**other, of tensors."""
    for name, x in (("input", input), ("other", other)):
        if x.__class__ in PYTHON:
            raise refused("ldexp", name, x)
    return mul(input, _power(2.0, other), out=out)


def _square(x: Array) -> Array:
    return x.astype(np.int64) if x.dtype.kind == "b" else np.square(x)


square = unary(_square, "square", x=lambda g, x: g * (2 * x))
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
    "logaddexp", floats=True, numbers="none",
    x=lambda g, x, other: g * _share(x, other, 1.0), other=lambda g, x, other: g * _share(other, x, 1.0),
)  # fmt: skip
logaddexp2 = binary(
    "logaddexp2", floats=True, numbers="none",
    x=lambda g, x, other: g * _share(x, other, LN2), other=lambda g, x, other: g * _share(other, x, LN2),
)  # fmt: skip

# --- whole numbers and bits ---

bitwise_and = binary(*_whole(np.bitwise_and, "bitwise_and"), numbers="one")
bitwise_or = binary(*_whole(np.bitwise_or, "bitwise_or"), numbers="one")
bitwise_xor = binary(*_whole(np.bitwise_xor, "bitwise_xor"), numbers="one")
bitwise_not = unary(*_whole(np.invert, "bitwise_not"))
bitwise_left_shift = binary(*_whole(np.left_shift, "bitwise_left_shift"), numbers="one")
bitwise_right_shift = binary(*_whole(np.right_shift, "bitwise_right_shift"), numbers="one")
gcd = binary(*_whole(np.gcd, "gcd"), numbers="none")
lcm = binary(*_whole(np.lcm, "lcm"), numbers="none")

# --- other names ---

negative, subtract, multiply, divide, true_divide = neg, sub, mul, div, _div

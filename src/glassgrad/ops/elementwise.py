"""Elementwise functions: trigonometric and hyperbolic ones, angles, signs, rounding, the parts of a float.

One line each where possible: the function, and beside it the derivative. Where a derivative doesn't exist it is
PyTorch's choice. Integers meet floats as PyTorch's promotion says; operands of different shapes broadcast.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.backend import Array
from ..core.fast import binary, given, unary
from ..core.op import op
from ..core.titles import titled
from . import return_types
from .arithmetic import _integral, div, mul, positive, rsqrt
from .choice import _flat, isfinite, where

__all__ = [
    "abs", "absolute", "acos", "acosh", "arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctan2", "arctanh",
    "asin", "asinh", "atan", "atan2", "atanh", "ceil", "copysign", "cos", "cosh", "deg2rad", "fix", "floor", "frac",
    "frexp", "hypot", "nan_to_num", "nextafter", "rad2deg", "round", "sgn", "sign", "signbit", "sin", "sinh", "tan",
    "tanh", "trunc",
]  # fmt: skip
METHODS: tuple[str, ...] = tuple(__all__)
IN_PLACE: tuple[str, ...] = tuple(name for name in METHODS if name not in ("signbit", "frexp"))

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
acosh = unary("arccosh", "acosh", floats=True, x=lambda g, x: g * rsqrt(x - 1) * rsqrt(x + 1))
atanh = unary("arctanh", "atanh", floats=True, x=lambda g, x: g / (1 - x * x))
hypot = binary("hypot", numbers="none", x=lambda g, x, y: g * (x / y), other=lambda g, other, y: g * (other / y))


def _angle_slope(g: Any, opposite: Any, x: Any, other: Any) -> Any:
    square = x * x + other * other
    return where(square == 0, 0, g * (opposite / square))


atan2 = binary(
    "arctan2", "atan2", floats=True, numbers="none",
    x=lambda g, x, other: _angle_slope(g, other, x, other), other=lambda g, x, other: _angle_slope(-g, x, x, other),
)  # fmt: skip


@titled("Deg2RadBackward0")
def deg2rad(input: Any) -> Any:
    return mul(input, math.pi / 180)


@titled("Rad2DegBackward0")
def rad2deg(input: Any) -> Any:
    return mul(input, 180 / math.pi)


# --- magnitude, sign, rounding ---


def _sign(x: Array) -> Array:
    if x.dtype.kind == "c":
        raise NotImplementedError(
            "Unlike NumPy, torch.sign is not intended to support complex numbers. Please use torch.sgn instead."
        )
    if x.dtype.kind == "b":
        return x.copy()
    return np.subtract(x > 0, x < 0, dtype=x.dtype)  # 0 for NaN


def is_complex_dtype(x: Any) -> bool:
    """Of arrays and of tensors."""
    return getattr(getattr(x, "array", x).dtype, "kind", None) == "c"


def _abs_slope(g: Any, x: Any) -> Any:
    return g * (_unit(x).conj() if is_complex_dtype(x) else sign(x))


abs = unary("absolute", "abs", x=_abs_slope)
sign: Any = unary(_sign, "sign", x=_flat)


def _on_circle(x: Array) -> Array:
    """x / |x|, and 0 for 0."""
    size = np.abs(x)
    return np.divide(x, size, out=np.zeros_like(x), where=size != 0)


def _unit_slope(g: Any, x: Any, y: Any) -> Any:
    """The part of g across x, over |x|; see core.graph.conjugated."""
    size = abs(x)
    return (g - (y * g).real * y.conj()) * (size != 0) / (size + (size == 0))


_unit = unary(_on_circle, "sgn", x=_unit_slope)


@_unit.jvp
def _(primals: Any, tangents: Any, y: Any) -> Any:
    return _unit_slope(tangents[0].conj(), primals[0], y).conj()


def sgn(input: Any, *, out: Any = None) -> Any:
    """sign, and of complex numbers x / |x|."""
    return (_unit if input.dtype.is_complex else sign)(input, out=out)


signbit = unary("signbit")
floor = unary("floor", x=_flat)
ceil = unary("ceil", x=_flat)
trunc = unary("trunc", x=_flat)
_rint = unary("rint", "round", x=_flat)


frac = unary(lambda x: x - np.trunc(x), "frac", x=lambda g: g)
copysign = binary(
    "copysign", floats=True, numbers="other",
    x=lambda g, x, y: where(x == 0, 0, where((x < 0) == (y < 0), g, -g)), other=_flat,
)  # fmt: skip


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


def _nextafter(x: Array, other: Array) -> Array:
    if _integral(x, other):
        raise NotImplementedError(f"\"nextafter_cpu\" not implemented for '{x.dtype}': it is defined for floats")
    return np.nextafter(x, other)


nextafter = binary(
    _nextafter,
    "nextafter",
    numbers="none",
    x=lambda g, x, other: where(x == other, 0, g),
    other=lambda g, x, other: where(x == other, g, 0),
)

# --- the parts of a float ---


@op(jvp="linear")
def shift_(x: Array, exponent: Array) -> Array:
    """x 2^exponent, exactly."""
    return np.ldexp(x, exponent)


shift_.vjp(x=lambda g, exponent: shift_(g, exponent), exponent=None)
_mantissa = unary(lambda x: np.frexp(x)[0], "frexp", x=lambda g, x: shift_(g, -_exponent(x)))
_exponent: Any = unary(lambda x: np.frexp(x)[1], "exponent")


def frexp(input: Any, *, out: Any = None) -> Any:
    """(mantissa, exponent): input = mantissa * 2^exponent, with 0.5 <= |mantissa| < 1 and exponent int32.

    RuntimeError for integers.
    """
    if not input.dtype.is_floating_point:
        raise RuntimeError("torch.frexp() only supports floating-point dtypes")
    parts = _mantissa(input), _exponent(input)
    return return_types.frexp(*(parts if out is None else map(given, out, parts)))


# --- other names ---

absolute, fix = abs, trunc
arccos, arccosh, arcsin, arcsinh, arctan, arctan2, arctanh = acos, acosh, asin, asinh, atan, atan2, atanh

"""Rows for the elementwise operations."""

from __future__ import annotations

import math
from dataclasses import replace

from .make import away, bools, case, const, ints, positive, real

UNIT = {"low": -0.9, "high": 0.9}

# name: inputs on which it is smooth
UNARY = {
    "abs": away, "acos": lambda *s: real(*s, **UNIT), "acosh": lambda *s: real(*s, low=1.2, high=3.0),
    "asin": lambda *s: real(*s, **UNIT), "asinh": real, "atan": real, "atanh": lambda *s: real(*s, **UNIT),
    "ceil": lambda *s: real(*s, low=0.1, high=0.9), "cos": real, "cosh": real, "deg2rad": real, "exp": real,
    "exp2": real, "expm1": real, "floor": lambda *s: real(*s, low=0.1, high=0.9),
    "frac": lambda *s: real(*s, low=-0.9, high=-0.1), "log": positive, "log10": positive,
    "log1p": lambda *s: real(*s, low=-0.8), "log2": positive, "nan_to_num": real, "neg": real, "positive": real,
    "rad2deg": real, "reciprocal": away, "round": lambda *s: real(*s, low=0.6, high=1.4), "rsqrt": positive,
    "sgn": away, "sigmoid": real, "sign": away, "sin": real, "sinh": real, "sqrt": positive, "square": real,
    "tan": lambda *s: real(*s, low=-1.2, high=1.2), "tanh": real,
    "trunc": lambda *s: real(*s, low=0.1, high=0.9),
}  # fmt: skip

ORDER = {"abs": 1, "sgn": 0, "copysign": 1}  # torch's second derivative is a tensor that says zero and has no numbers

TO_BOOL = ("isnan", "isinf", "isfinite", "isposinf", "isneginf", "signbit", "logical_not")
COMPARISON = ("eq", "ne", "lt", "le", "gt", "ge")

# name: the two inputs on which it is smooth
BINARY = {
    "add": (real, real), "atan2": (away, away), "copysign": (away, away), "div": (real, away),
    "fmax": (real, lambda *s: real(*s, low=2.5, high=3.0)), "fmin": (real, lambda *s: real(*s, low=2.5, high=3.0)),
    "fmod": (lambda *s: real(*s, low=1.1, high=1.9), lambda *s: real(*s, low=0.97, high=1.03)),
    "hypot": (away, away), "ldexp": (real, real), "logaddexp": (real, real), "logaddexp2": (real, real),
    "maximum": (lambda *s: real(*s, low=-2.0, high=-0.1), lambda *s: real(*s, low=0.1)),
    "minimum": (lambda *s: real(*s, low=-2.0, high=-0.1), lambda *s: real(*s, low=0.1)),
    "mul": (real, real), "pow": (positive, real),
    "remainder": (lambda *s: real(*s, low=1.1, high=1.9), lambda *s: real(*s, low=0.97, high=1.03)),
    "sub": (real, real), "true_divide": (real, away),
}  # fmt: skip

ROWS = [
    # --- one number ---
    *[case("plain", name, make(3, 4), order=ORDER.get(name, 2)) for name, make in UNARY.items()],
    *[case("0-d", name, make(), order=ORDER.get(name, 2)) for name, make in UNARY.items()],
    *[case("empty", name, make(0, 3), order=ORDER.get(name, 2)) for name, make in UNARY.items()],
    *[case("of integers", name, ints(1, 3, 4)) for name in ("sqrt", "neg", "abs", "sign", "square")],
    *[case("of integers", name, ints(1, 3, 4)) for name in ("floor", "ceil", "trunc", "round", "reciprocal")],
    *[case("plain", name, const([0.0, -0.0, 1.5, -2.0, math.nan, math.inf, -math.inf])) for name in TO_BOOL],
    *[case("of integers", name, ints(-1, 2, 5)) for name in TO_BOOL],
    case("far", "tanh", real(3, low=299.0, high=301.0)),
    case("far", "sigmoid", const([-1000.0, -80.0, 80.0, 1000.0])),
    case("far", "exp", const([-1000.0, -100.0, 100.0, 1000.0])),
    case("of halves", "round", const([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5])),
    case("decimals", "round", real(5), decimals=2, order=0),
    case("negative decimals", "round", real(5, low=-900.0, high=900.0), decimals=-2, order=0),
    case("of NaN and infinities", "nan_to_num", const([math.nan, math.inf, -math.inf, 1.0])),
    case("chosen", "nan_to_num", const([math.nan, math.inf, -math.inf, 1.0]), nan=2.0, posinf=3.0, neginf=4.0),
    # --- two numbers ---
    *[case("plain", name, a(3, 4), b(3, 4), order=ORDER.get(name, 2)) for name, (a, b) in BINARY.items()],
    *[case("broadcast", name, a(3, 1), b(1, 4), order=ORDER.get(name, 2)) for name, (a, b) in BINARY.items()],
    *[case("more dims", name, a(2), b(3, 2), order=ORDER.get(name, 2)) for name, (a, b) in BINARY.items()],
    *[case("empty", name, a(0, 3), b(3)) for name, (a, b) in BINARY.items()],
    *[case("0-d", name, a(), b()) for name, (a, b) in BINARY.items()],
    *[case("with itself as 0-d", name, a(3), b(), order=ORDER.get(name, 2)) for name, (a, b) in BINARY.items()],
    *[
        case("number", name, a(3), 1.5, order=ORDER.get(name, 2))
        for name, (a, _) in BINARY.items()
        if name not in ("atan2", "fmax", "fmin", "hypot", "ldexp", "logaddexp", "logaddexp2", "maximum", "minimum")
    ],
    *[case(f"by {p}", "pow", positive(3), p) for p in (0, 0.5, 1, 2, 3, 4, -0.5, -1, -2, 2.7)],
    *[case(f"negative base by {p}", "pow", real(3, low=-2.0, high=-0.5), p) for p in (2, 3, 5, -1, -3, 0)],
    case("of a number", "pow", 2.5, real(4)),
    case("of integers", "pow", ints(-3, 4, 6), ints(0, 4, 6)),
    case("of integers by 2", "pow", ints(-3, 4, 6), 2),
    case("negative integers", "pow", const([1, -1, 2, -2, -1]), const([-1, -1, -1, -2, -2])),
    case("float by integers", "pow", positive(4), ints(0, 4, 4)),
    case("alpha", "add", real(3), real(3), alpha=2.5),
    case("alpha", "sub", real(3), real(3), alpha=2),
    case("plain", "rsub", real(3), real(3)),
    case("alpha", "rsub", real(3), 2.0, alpha=3),
    case("floor", "div", real(5), away(5), rounding_mode="floor"),
    case("trunc", "div", real(5), away(5), rounding_mode="trunc"),
    case("integers", "div", ints(-9, 9, 8), ints(1, 4, 8)),
    case("integers floor", "div", ints(-9, 9, 8), ints(1, 4, 8), rounding_mode="floor"),
    case("integers trunc", "div", ints(-9, 9, 8), ints(1, 4, 8), rounding_mode="trunc"),
    case("integers by negative trunc", "div", ints(-9, 9, 8), ints(-4, 0, 8), rounding_mode="trunc"),
    case("plain", "floor_divide", real(5), away(5), order=0),
    *[case("integers", name, ints(-9, 9, 8), ints(1, 4, 8)) for name in ("floor_divide", "remainder", "fmod")],
    *[case("negative divisor", name, ints(-9, 9, 8), ints(-4, 0, 8)) for name in ("floor_divide", "remainder", "fmod")],
    *[
        case("signs", name, const([5.5, -5.5, 5.5, -5.5]), const([2.0, 2.0, -2.0, -2.0]))
        for name in ("remainder", "fmod")
    ],
    *[case("plain", name, ints(0, 3, 6), ints(0, 3, 6)) for name in COMPARISON],
    *[case("float and integer", name, const([0.5, 1.0, math.nan]), ints(0, 3, 3)) for name in COMPARISON],
    *[case("number", name, const([0.5, 1.0, math.nan, math.inf]), 1) for name in COMPARISON],
    *[case("floats", name, real(3), real(3), order=0) for name in ("logical_and", "logical_or", "logical_xor")],
    *[
        case(kind, name, draw, draw)
        for kind, draw in (("bool", bools(6)), ("integers", ints(0, 9, 6)))
        for name in ("bitwise_and", "bitwise_or", "bitwise_xor", "logical_and", "logical_or", "logical_xor")
    ],
    case("bool", "bitwise_not", bools(4)),
    case("integers", "bitwise_not", ints(-4, 4, 5)),
    case("plain", "bitwise_left_shift", ints(-9, 9, 5), ints(0, 5, 5)),
    case("plain", "bitwise_right_shift", ints(-99, 99, 5), ints(0, 5, 5)),
    case("plain", "gcd", ints(-30, 30, 8), ints(-30, 30, 8)),
    case("plain", "lcm", ints(-30, 30, 8), ints(-30, 30, 8)),
    case("plain", "nextafter", real(4), real(4), order=1),
    case("plain", "heaviside", const([-1.0, 0.0, 2.0]), const([0.5, 0.5, 0.5])),
    case("plain", "isclose", const([1.0, 1.0, math.nan, math.inf]), const([1.0, 1.1, math.nan, math.inf])),
    case("equal NaN", "isclose", const([1.0, math.nan]), const([1.0, math.nan]), equal_nan=True),
    case("integers", "isclose", const([1, 2]), const([1, 3])),
    # --- limits and choice ---
    case("between numbers", "clamp", real(9), -0.8, 0.9),
    case("from below", "clamp", real(9), min=0.1),
    case("from above", "clamp", real(9), max=0.1),
    case("between tensors", "clamp", real(9), real(9, low=-1.0, high=-0.5), real(9, low=0.5, high=1.0)),
    case("one tensor, broadcast", "clamp", real(3, 1), real(4)),
    case("crossed", "clamp", real(9), 0.5, -0.5),
    case("crossed tensors", "clamp", real(9), real(9, low=0.5, high=1.0), real(9, low=-1.0, high=-0.5)),
    case("integers by float", "clamp", ints(0, 9, 5), 2.5),
    case("plain", "clip", real(4), 0.0, 1.0),
    case("plain", "clamp_min", real(4), 0.3),
    case("plain", "clamp_max", real(4), 0.3),
    case("plain", "where", bools(3, 4), real(3, 4), real(3, 4)),
    case("broadcast", "where", bools(4), real(3, 1), real()),
    case("number", "where", bools(4), real(4), 0.0),
    case("numbers", "where", bools(4), 1.0, 0),
    case("empty", "where", bools(0, 3), real(0, 3), real(3)),
    case("method", "Tensor.where", real(4), bools(4), real(4)),
    case("number", "masked_fill", real(3, 4), bools(3, 4), 2.5),
    case("tensor", "masked_fill", real(3, 4), bools(4), real()),
    case("infinity", "masked_fill", real(3, 4), bools(3, 4), -math.inf, order=0),
    case("integers", "masked_fill", ints(0, 9, 4), bools(4), -1),
    case("number", "lerp", real(3), real(3), 0.3),
    case("far number", "lerp", real(3), real(3), 0.8),
    case("tensor", "lerp", real(3), real(3), real(3, low=0.1, high=0.4)),
    case("far tensor", "lerp", real(3), real(3), real(3, low=0.6, high=0.9)),
    case("plain", "addcmul", real(3), real(3), real(3)),
    case("value, broadcast", "addcmul", real(3), real(2, 3), real(2, 1), value=2.5),
    case("plain", "addcdiv", real(3), real(3), away(3)),
    case("value", "addcdiv", real(3), real(3), away(3), value=-0.5),
]

# Rows without a real input have nothing to differentiate.
CASES = [row if row.reals() else replace(row, order=0) for row in ROWS]

"""Rows for the activation functions and the special functions."""

from __future__ import annotations

import math
from dataclasses import replace

import glassgrad.special  # noqa: F401

from .make import away, case, const, ints, positive, real

F = "nn.functional"
UNIT = {"low": 0.1, "high": 0.9}

# name: inputs on which it is smooth, then options
ACTIVATIONS = {
    "celu": ((away, {}), (away, {"alpha": 0.5})),
    "elu": ((away, {}), (away, {"alpha": 0.4})),
    "gelu": ((real, {}), (real, {"approximate": "tanh"})),
    "hardshrink": ((lambda *s: away(*s, gap=0.6), {}), (lambda *s: away(*s, gap=0.3), {"lambd": 0.1})),
    "hardsigmoid": ((real, {}),),
    "hardswish": ((real, {}),),
    "hardtanh": ((lambda *s: real(*s, low=-0.9, high=0.9), {}), (away, {"min_val": -0.1, "max_val": 5.0})),
    "leaky_relu": ((away, {}), (away, {"negative_slope": 0.3})),
    "logsigmoid": ((real, {}),),
    "mish": ((real, {}),),
    "relu": ((away, {}),),
    "relu6": ((away, {}),),
    "rrelu": ((away, {}),),
    "selu": ((away, {}),),
    "silu": ((real, {}),),
    "softplus": ((real, {}), (real, {"beta": 2.0, "threshold": 1e3})),
    "softshrink": ((lambda *s: away(*s, gap=0.6), {}), (lambda *s: away(*s, gap=0.3), {"lambd": 0.1})),
    "softsign": ((away, {}),),
    "tanhshrink": ((real, {}),),
}
ONCE = ("softsign",)  # torch's second derivative at 0 is a tensor without numbers
# torch computes these in float64 only to 1e-9 (1/6 rounded to float32, a short series for trigamma); SciPy is the
# oracle in tests/oracle/test_special_scipy.py.
COARSE = ("hardsigmoid", "digamma")

FAR = const([-1000.0, -100.0, -30.0, 30.0, 100.0, 1000.0])

SPECIAL = {
    "digamma": positive, "erf": real, "erfc": real, "erfinv": lambda *s: real(*s, low=-0.9, high=0.9), "i0": real,
    "lgamma": positive, "logit": lambda *s: real(*s, **UNIT), "sinc": away,
    "special.entr": positive, "special.i0e": away, "special.i1": away, "special.i1e": away, "special.ndtr": real,
}  # fmt: skip

ROWS = [
    *[
        case(
            f"plain {i}", f"{F}.{name}", make(3, 4), order=1 if name in ONCE else 2, torch=name not in COARSE, **options
        )
        for name, rows in ACTIVATIONS.items()
        for i, (make, options) in enumerate(rows)
    ],
    *[
        case("0-d", f"{F}.{name}", rows[0][0](), order=1, torch=name not in COARSE)
        for name, rows in ACTIVATIONS.items()
    ],
    *[case("empty", f"{F}.{name}", rows[0][0](0, 3), order=1) for name, rows in ACTIVATIONS.items()],
    *[case("far", f"{F}.{name}", FAR) for name in ACTIVATIONS],
    case("tanh, far", f"{F}.gelu", FAR, approximate="tanh"),
    case("plain", f"{F}.threshold", away(3, 4), 0.1, -3.0),
    case("one weight", f"{F}.prelu", away(3, 4), real(1)),
    case("0-d with one weight", f"{F}.prelu", away(), real(1)),
    case("a weight for each channel", f"{F}.prelu", away(2, 3, 4), real(3)),
    case("last dim", f"{F}.glu", real(3, 4)),
    case("a dim", f"{F}.glu", real(3, 4, 2), dim=1),
    case("method", "Tensor.relu", away(3)),
    case("integers", f"{F}.relu", ints(-3, 3, 5)),
    *[case("plain", name, make(3, 4), torch=name not in COARSE) for name, make in SPECIAL.items()],
    *[case("0-d", name, make(), torch=name not in COARSE) for name, make in SPECIAL.items()],
    *[case("empty", name, make(0, 3)) for name, make in SPECIAL.items()],
    case("far", "erf", const([-math.inf, -30.0, -1e-300, 0.0, 1e-300, 30.0, math.inf, math.nan])),
    case("far", "erfc", const([-math.inf, -30.0, -1e-300, 0.0, 1e-300, 25.0, math.inf, math.nan])),
    case("ends", "erfinv", const([-1.0, -0.999999, 0.0, 1e-300, 0.999999, 1.0, 2.0, math.nan])),
    case("negative", "digamma", const([-0.5, -1.3, -7.7, 0.0, -0.0, -2.0, 30.0])),
    case("negative", "lgamma", const([-0.5, -1.3, -7.7, 0.0, -2.0, 30.0, 1e10])),
    *[case(f"order {n}", "polygamma", n, positive(4), torch=n > 1) for n in (0, 1, 2, 4)],
    case("at 0", "sinc", const([0.0, 1.0, -2.0, 0.5])),
    case("limited", "logit", real(9, low=-0.5, high=1.5), eps=0.2),
    case("plain", "xlogy", real(3, 1), positive(4)),
    case("zeros", "xlogy", const([0.0, 0.0, 0.0, 1.0]), const([0.0, -1.0, math.nan, 0.0])),
    case("number", "xlogy", 2.0, positive(4)),
    case("plain", "special.xlog1py", real(3, 1), positive(4)),
    case("zeros", "special.xlog1py", const([0.0, 0.0, 0.0, 1.0]), const([-1.0, -2.0, math.nan, -1.0])),
    case("zeros", "special.entr", const([0.0, 1.0, -1.0, math.nan])),
    case("far", "special.i0e", const([-100.0, -29.9, 0.0, 30.1, 1e6])),
    case("far", "special.i1e", const([-100.0, -29.9, 0.0, 30.1, 1e6])),
    case("far", "special.ndtr", const([-37.0, -5.0, 0.0, 5.0, 40.0])),
]

# Rows without a real input have nothing to differentiate.
CASES = [row if row.reals() else replace(row, order=0) for row in ROWS]

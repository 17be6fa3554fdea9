"""Rows for the special functions of torch.special, the gamma functions, and the parts of complex numbers."""

from __future__ import annotations

import math
from dataclasses import replace

import glassgrad.special  # noqa: F401  (rows name it by path)

from .make import away, bools, case, const, ints, positive, real

DEGREES = const([-1, 0, 1, 2, 5, 8])
POLYNOMIALS = [
    *[f"{kind}chebyshev_polynomial_{letter}" for kind in ("", "shifted_") for letter in "tuvw"],
    "hermite_polynomial_h", "hermite_polynomial_he", "laguerre_polynomial_l", "legendre_polynomial_p",
]  # fmt: skip

# torch differentiates none of these, and its J, Y and Ai are good to 1e-6 only (scipy and mpmath agree with ours)
BESSEL = {
    "bessel_j0": away, "bessel_j1": away, "bessel_y0": positive, "bessel_y1": positive, "modified_bessel_i0": away,
    "modified_bessel_i1": away, "modified_bessel_k0": positive, "modified_bessel_k1": positive,
    "scaled_modified_bessel_k0": positive, "scaled_modified_bessel_k1": positive, "spherical_bessel_j0": away,
}  # fmt: skip

ROWS = [
    # --- polynomials ---
    *[case("plain", f"special.{name}", real(4, 1), DEGREES, order=0) for name in POLYNOMIALS],
    *[case("ends", f"special.{name}", const([-1.0, 0.0, 1.0]), 5) for name in POLYNOMIALS],
    *[case("number", f"special.{name}", 0.3, const([0.0, 3.0, 6.0, 2.9])) for name in POLYNOMIALS],
    *[case("empty", f"special.{name}", real(0, 2), 3, order=0) for name in POLYNOMIALS],
    # --- Bessel, Airy ---
    *[case("plain", f"special.{name}", make(3, 2), torch=False) for name, make in BESSEL.items()],
    *[case("0-d", f"special.{name}", make(), torch=False) for name, make in BESSEL.items()],
    *[case("empty", f"special.{name}", make(0, 2), torch=False) for name, make in BESSEL.items()],
    *[
        case("far", f"special.{name}", const([0.0, 0.2, 1.0, 3.0, 30.0, 300.0, math.nan]))
        for name in BESSEL
        if "modified" in name or name.startswith("spherical")
    ],
    case("plain", "special.airy_ai", real(3, 4, low=-9.0, high=9.0), order=0, torch=False),
    case("integers", "special.airy_ai", ints(0, 3, 4), torch=False),
    # --- gamma ---
    *[case(f"dimension {p}", "mvlgamma", real(4, low=2.5, high=6.0), p, tolerance=1e-5, order=1) for p in (1, 3, 5)],
    case("of constants", "igamma", const([1, 2, 9, 0, 5]), positive(3, 5), torch=False),
    case("of constants", "igammac", const([1, 2, 9, 0, 5]), positive(3, 5), torch=False),
    *[
        case("ends", name, const([0.0, 1.0, math.inf, 1.0, -1.0, 40.0]), const([1.0, 0.0, 1.0, math.inf, 1.0, 30.0]))
        for name in ("igamma", "igammac")
    ],
    *[case(f"of {x}", "special.zeta", x, positive(2, 3), torch=False) for x in (1.5, 2, 7.0)],
    case("poles", "special.zeta", const([2.0, 1.0, 0.5, 3.0, 3.0, 2.5]), const([2.0, 1.0, 1.0, -2.0, -0.5, -0.5])),
    case("at numbers", "special.zeta", 2.0, const([1.0, 0.5, 30.0])),
    # --- the normal distribution ---
    *[case("plain", f"special.{name}", real(3, 4)) for name in ("erfcx", "log_ndtr")],
    *[case("far", f"special.{name}", const([-30.0, -20.0, -2.0, 0.0, 2.0, 20.0, 29.0])) for name in ("log_ndtr",)],
    case("far", "special.erfcx", const([-20.0, 0.0, 5.0, 27.9, 28.1, 1e5, math.inf, math.nan])),
    case("plain", "special.ndtri", real(3, 4, low=0.02, high=0.98)),
    case("far", "special.ndtri", const([0.0, 1e-300, 1e-20, 0.5, 1.0, 1.1, math.nan])),
    # --- the parts of numbers ---
    case("plain", "frexp", away(3, 4), order=2),
    case("ends", "frexp", const([0.0, 1.0, -8.0, 1e300, 1e-310, math.inf, math.nan])),
    case("of reals", "angle", const([-2.0, -0.0, 0.0, 3.0, math.nan])),
    case("plain", "angle", away(4)),
    case("of integers", "angle", ints(-3, 3, 5)),
    *[case("of reals", name, real(3)) for name in ("real", "conj", "conj_physical", "resolve_conj", "resolve_neg")],
    case("of bools", "isreal", bools(4)),
    case("of complex", "isreal", const([1 + 2j, 3 + 0j])),
    *[case("of complex", name, const([1 + 2j, -3 - 1j, 0j])) for name in ("real", "imag", "conj", "angle", "sgn")],
    case("plain", "complex", const([1.0, 2.0]), const([[0.5], [-1.0]])),
    case("plain", "polar", const([1.0, 2.0]), const([[0.5], [-1.0]])),
    case("plain", "view_as_real", const([1 + 2j, 3 - 1j])),
    case("plain", "view_as_complex", const([[1.0, 2.0], [3.0, -1.0]])),
    # --- choice ---
    case("different", "nextafter", const([1.0, 2.0, 2.0]), const([2.0, 1.0, 2.0])),
    case("of integers", "heaviside", ints(-1, 2, 6), ints(3, 5, 6)),
    case("of NaN", "heaviside", const([math.nan, 0.0]), const([0.5, math.nan])),
    case("of bools", "square", bools(4)),
    case("bool alpha", "add", bools(4), bools(4), alpha=True),
    case("of integers", "float_power", ints(1, 4, 3), 2),
]

# Rows without a real input have nothing to differentiate.
CASES = [row if row.reals() else replace(row, order=0) for row in ROWS]

"""Rows for order statistics, counts and integrals."""

from __future__ import annotations

import math
from dataclasses import replace

from .make import case, const, distinct, ints, real

NANS = const([[1.0, math.nan, 3.0, 2.0], [4.0, 0.0, 5.0, 6.0], [math.nan, math.nan, math.nan, -1.0]])

ROWS = [
    *[case("odd", name, distinct(7)) for name in ("median", "nanmedian")],
    *[case("even", name, distinct(3, 4)) for name in ("median", "nanmedian")],
    *[case("a dim", name, distinct(3, 4), dim=1) for name in ("median", "nanmedian")],
    *[case("keepdim", name, distinct(3, 4), 0, True) for name in ("median", "nanmedian")],
    *[case("0-d", name, real(), 0) for name in ("median", "nanmedian")],
    *[case("NaN", name, NANS) for name in ("median", "nanmedian")],
    *[case("NaN over a dim", name, NANS, 1) for name in ("median", "nanmedian")],
    *[case("integers", name, ints(-9, 9, 8)) for name in ("median", "nanmedian")],
    case("plain", "mode", const([3, 1, 3, 2, 1, 3])),
    case("keepdim", "mode", const([[1.0, 2.0, 2.0], [0.5, 0.5, 4.0]]), dim=1, keepdim=True),
    case("differentiated", "mode", distinct(3, 4), 0),
    *[case("all", name, distinct(3, 4), 0.3) for name in ("quantile", "nanquantile")],
    *[
        case("several", name, distinct(3, 4), real(3, low=0.1, high=0.9), dim=1, order=0)
        for name in ("quantile", "nanquantile")
    ],
    *[case("keepdim", name, distinct(3, 4), 0.6, dim=0, keepdim=True) for name in ("quantile", "nanquantile")],
    *[case("NaN", name, NANS, 0.3, dim=1) for name in ("quantile", "nanquantile")],
    *[
        case(how, "quantile", distinct(9), 0.3, interpolation=how)
        for how in ("linear", "lower", "higher", "midpoint", "nearest")
    ],
    case("plain", "histc", real(20), bins=5, min=-1, max=1, order=0),
    case("own range", "histc", real(20), bins=4, order=0),
    case("one value", "histc", const([2.0, 2.0]), bins=3),
    case("plain", "bincount", ints(0, 5, 12)),
    case("weights", "bincount", ints(0, 5, 4), const([0.5, 1.0, 2.0, 4.0]), minlength=8),
    case("plain", "diff", real(5)),
    case("twice along a dim", "diff", real(4, 3), 2, 0),
    case("joined", "diff", real(3), prepend=real(1), append=real(2)),
    case("spaced", "trapezoid", real(3, 4), dx=0.5),
    case("at points", "trapezoid", real(3, 4), real(4)),
    case("along a dim", "trapezoid", real(3, 4), real(3), dim=0),
]

# Rows without a real input have nothing to differentiate.
CASES = [row if row.reals() else replace(row, order=0) for row in ROWS]

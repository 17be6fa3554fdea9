"""Rows for reductions, extremes and running sums."""

from __future__ import annotations

import math
from dataclasses import replace

from .make import bools, case, const, distinct, ints, real, values

SMOOTH = {"sum": real, "mean": real, "logsumexp": real, "nansum": real, "nanmean": real}
MOMENTS = ("var", "std")

ROWS = [
    *[case("all", name, real(3, 4)) for name in SMOOTH if name != "logsumexp"],
    *[case("a dim", name, real(3, 4), 1) for name in SMOOTH],
    *[case("keepdim", name, real(3, 4), dim=-1, keepdim=True) for name in SMOOTH],
    *[case("two dims", name, real(2, 3, 4), dim=(0, -1)) for name in SMOOTH],
    *[case("two dims kept", name, real(2, 3, 4), dim=(0, 2), keepdim=True) for name in SMOOTH],
    *[case("0-d", name, real(), dim=0) for name in SMOOTH],
    *[case("of nothing", name, real(0, 3), dim=0) for name in SMOOTH],
    *[case("empty result", name, real(0, 3), dim=1) for name in SMOOTH],
    case("0-d, all", "sum", real()),
    case("of nothing", "Tensor.sum", real(0)),
    case("all kept", "sum", real(2, 3), dim=(), keepdim=True),
    case("axis", "sum", real(3, 4), axis=0, keepdims=True),
    case("integers", "sum", ints(-9, 9, 3, 4)),
    case("small integers", "sum", ints(100, 127, 300, dtype="int8"), dim=0),
    case("bool", "sum", bools(3, 4), dim=0),
    case("all", "prod", real(7)),
    case("a dim", "prod", real(3, 4), 1),
    case("keepdim", "prod", real(3, 4), dim=0, keepdim=True),
    case("one zero", "prod", values([[1.5, 0.0, -2.0], [0.5, 3.0, 1.0]]), 1),
    case("two zeros", "prod", values([1.5, 0.0, -2.0, 0.0])),
    case("0-d", "prod", real()),
    case("of nothing", "prod", real(0, 3), dim=0),
    case("integers", "prod", ints(1, 4, 5)),
    case("NaN", "nansum", values([1.0, math.nan, 2.0]), order=0),
    case("NaN", "nanmean", values([1.0, math.nan, 2.0]), order=0),
    # --- variance and norms ---
    *[case("all", name, real(3, 4)) for name in MOMENTS],
    *[case("biased", name, real(3, 4), unbiased=False) for name in MOMENTS],
    *[case("a dim", name, real(3, 4), dim=1) for name in MOMENTS],
    *[case("keepdim", name, real(3, 4), dim=0, keepdim=True) for name in MOMENTS],
    *[case("two dims", name, real(2, 3, 4), dim=(0, 2), correction=0) for name in MOMENTS],
    *[case("correction", name, real(9), correction=3) for name in MOMENTS],
    *[case("plain", f"{name}_mean", real(3, 4), dim=1, keepdim=True) for name in MOMENTS],
    *[case("all", f"{name}_mean", real(3, 4)) for name in MOMENTS],
    *[case(f"p {p}", "norm", real(3, 4), p) for p in ("fro", 1, 2, 3, 1.5, 0)],
    *[case(f"p {p}", "norm", real(3, 4), p) for p in (math.inf, -math.inf)],
    *[case(f"p {p} over a dim", "norm", real(3, 4), p, dim=1, keepdim=True) for p in (1, 2, 2.5, 0.5)],
    case("p inf over a dim", "norm", distinct(3, 4), math.inf, 1),
    case("method", "Tensor.norm", real(3, 4), dim=(0, 1)),
    case("far", "logsumexp", const([[1000.0, 1001.0], [-1000.0, -1001.0], [-math.inf, -math.inf]]), 1),
    case("integers", "logsumexp", ints(0, 5, 4), 0),
    # --- extremes ---
    *[case("all", name, distinct(3, 4)) for name in ("amax", "amin", "max", "min")],
    *[case("a dim", name, distinct(3, 4), 1) for name in ("amax", "amin", "max", "min")],
    *[case("keepdim", name, distinct(3, 4), dim=0, keepdim=True) for name in ("amax", "amin", "max", "min")],
    *[case("two dims", name, distinct(2, 3, 4), dim=(0, 2)) for name in ("amax", "amin")],
    *[case("0-d", name, real(), 0) for name in ("amax", "amin", "max", "min")],
    *[case("empty result", name, real(0, 3), 1) for name in ("amax", "amin", "max", "min")],
    *[case("of two", name, real(4), real(4)) for name in ("max", "min")],
    *[case("integers", name, ints(0, 9, 3, 4), 1) for name in ("amax", "amin", "max", "min", "argmax", "argmin")],
    *[case("bool", name, bools(5)) for name in ("amax", "amin", "max", "min")],
    *[case("all", name, real(3, 4), order=0) for name in ("argmax", "argmin")],
    *[case("a dim kept", name, real(3, 4), dim=1, keepdim=True, order=0) for name in ("argmax", "argmin")],
    *[case("0-d", name, real(), order=0) for name in ("argmax", "argmin")],
    *[case("ties", name, const([1.0, 3.0, 3.0, 1.0])) for name in ("argmax", "argmin")],
    *[case("NaN", name, const([1.0, math.nan, 3.0])) for name in ("argmax", "argmin", "amax", "amin", "max", "min")],
    case("all", "aminmax", distinct(3, 4)),
    case("a dim", "aminmax", distinct(3, 4), dim=1, keepdim=True),
    # --- truth and counts ---
    *[
        case(kind, name, draw)
        for kind, draw in (("bool", bools(5)), ("floats", const([1.0, 0.0])))
        for name in ("all", "any")
    ],
    *[case("a dim", name, bools(3, 4), 1) for name in ("all", "any")],
    *[case("keepdim", name, bools(3, 4), dim=0, keepdim=True) for name in ("all", "any")],
    *[case("of nothing", name, bools(0)) for name in ("all", "any")],
    *[case("bytes", name, ints(0, 2, 4, dtype="uint8")) for name in ("all", "any")],
    case("all", "count_nonzero", ints(0, 2, 3, 4)),
    case("a dim", "count_nonzero", ints(0, 2, 3, 4), dim=1),
    # --- running ---
    *[case("plain", name, real(5), 0) for name in ("cumsum", "cumprod", "logcumsumexp")],
    *[case("a dim", name, real(3, 4), dim=-1) for name in ("cumsum", "cumprod", "logcumsumexp")],
    *[case("0-d", name, real(), 0) for name in ("cumsum", "cumprod", "logcumsumexp")],
    *[case("empty", name, real(0, 3), 0) for name in ("cumsum", "cumprod", "logcumsumexp")],
    *[case("integers", name, ints(1, 3, 5), 0) for name in ("cumsum", "cumprod")],
    case("bool", "cumsum", bools(5), 0),
    case("zeros", "cumprod", values([2.0, 0.0, 3.0, 0.0, 1.5]), 0),
    *[case("plain", name, distinct(6), 0) for name in ("cummax", "cummin")],
    *[case("a dim", name, distinct(3, 4), dim=1) for name in ("cummax", "cummin")],
    *[case("ties and NaN", name, const([1.0, 3.0, 3.0, math.nan, 5.0]), 0) for name in ("cummax", "cummin")],
]

# Rows without a real input have nothing to differentiate.
CASES = [row if row.reals() else replace(row, order=0) for row in ROWS]

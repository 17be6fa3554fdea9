"""The special functions against mpmath's 50 digits, in units of the last place, and against SciPy where it is wider."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import special
from glassgrad.nn import functional as F

mp = pytest.importorskip("mpmath")

RNG = np.random.default_rng(0)
WIDE = np.concatenate([RNG.uniform(-38, 27, 400), RNG.uniform(-3, 3, 400), 10.0 ** RNG.uniform(-10, 0, 100)])


def worst(f: Callable[[Any], Any], exact: Callable[[Any], Any], points: np.ndarray, smallest: float) -> float:
    """The largest error in units of the last place, of results that aren't subnormal."""
    found = 0.0
    with mp.workdps(60):
        for x, y in zip(points, f(gg.tensor(points)).numpy(), strict=True):
            expected = exact(mp.mpf(float(x)))
            if abs(expected) > smallest:
                unit = float(np.spacing(points.dtype.type(abs(expected))))
                found = max(found, float(abs(mp.mpf(float(y)) - expected) / unit))
    return found


def normal(x: Any) -> Any:
    return mp.erfc(-x / mp.sqrt(2)) / 2


ROWS = [
    (gg.erf, mp.erf, 3),
    (gg.erfc, mp.erfc, 8),
    (special.ndtr, normal, 8),
    (F.gelu, lambda x: x * normal(x), 8),
]


@pytest.mark.parametrize(("f", "exact", "units"), ROWS)
def test_float64(f: Any, exact: Any, units: float) -> None:
    assert worst(f, exact, WIDE, 1e-300) <= units


@pytest.mark.parametrize(("f", "exact", "units"), ROWS)
def test_float32(f: Any, exact: Any, units: float) -> None:
    assert worst(f, exact, np.clip(WIDE, -12, 12).astype(np.float32), 1e-36) <= units


def test_the_measure_can_fail() -> None:
    assert worst(lambda x: gg.erf(x) * (1 + 1e-14), mp.erf, WIDE, 1e-300) > 8


X = np.concatenate([np.linspace(0.01, 50, 2001), -np.linspace(0.013, 8.07, 801)])
SCIPY = [
    ("digamma", special.digamma, "digamma", X, 1e-13),
    ("lgamma", special.gammaln, "gammaln", X, 1e-13),
    ("erfinv", special.erfinv, "erfinv", np.linspace(-1, 1, 2001), 1e-14),
    ("erfinv far", special.erfinv, "erfinv", 1 - 10.0 ** -np.linspace(1, 16, 200), 1e-14),
    ("i0", special.i0, "i0", np.linspace(-50, 50, 2001), 1e-13),
    ("i0e", special.i0e, "i0e", np.linspace(-500, 500, 2001), 1e-14),
    ("i1", special.i1, "i1", np.linspace(-50, 50, 2001), 1e-13),
    ("i1e", special.i1e, "i1e", np.linspace(-500, 500, 2001), 1e-14),
    ("trigamma", lambda x: special.polygamma(1, x), lambda sp, x: sp.polygamma(1, x), X[:2001], 1e-13),
    ("tetragamma", lambda x: special.polygamma(2, x), lambda sp, x: sp.polygamma(2, x), X[:2001], 1e-13),
    ("entr", special.entr, "entr", np.linspace(0, 5, 101), 1e-14),
    ("sinc", special.sinc, lambda sp, x: np.sinc(x), np.linspace(-5, 5, 101), 1e-13),
]  # fmt: skip


@pytest.mark.parametrize(("name", "f", "exact", "points", "tolerance"), SCIPY, ids=[row[0] for row in SCIPY])
def test_scipy(name: str, f: Any, exact: Any, points: np.ndarray, tolerance: float) -> None:
    sp = pytest.importorskip("scipy.special")
    expected = exact(sp, points) if callable(exact) else getattr(sp, exact)(points)
    np.testing.assert_allclose(f(gg.tensor(points)).numpy(), expected, rtol=tolerance, atol=tolerance)

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


# --- Bessel, Airy, gamma: (function of glassgrad, SciPy's, points, largest error relative to max(|value|, 0.01)) ---

REAL = np.concatenate([np.linspace(-60, 60, 2001), [1e-10, 9.99e-4, 1.001e-3, 24.999, 25.001, 1e4]])
HALF = np.concatenate([np.linspace(1e-3, 60, 2001), [1e-10, 9.99e-4, 1.001e-3, 0.999, 1.001, 24.999, 25.001, 600.0]])
UNIT = np.concatenate([np.linspace(0.001, 0.999, 999), 10.0 ** np.arange(-300, 0, 7)])
FURTHER = [
    ("bessel_j0", "j0", REAL), ("bessel_j1", "j1", REAL), ("bessel_y0", "y0", HALF), ("bessel_y1", "y1", HALF),
    ("modified_bessel_k0", "k0", HALF), ("modified_bessel_k1", "k1", HALF),
    ("scaled_modified_bessel_k0", "k0e", HALF), ("scaled_modified_bessel_k1", "k1e", HALF),
    ("erfcx", "erfcx", REAL[REAL > -26]), ("log_ndtr", "log_ndtr", REAL[REAL < 37]), ("ndtri", "ndtri", UNIT),
]  # fmt: skip


@pytest.mark.parametrize(("name", "theirs", "points"), FURTHER)
def test_against_scipy(name: str, theirs: str, points: np.ndarray) -> None:
    scipy = pytest.importorskip("scipy.special")
    expected = getattr(scipy, theirs)(points)
    off = np.abs(getattr(special, name)(gg.tensor(points)).numpy() - expected)
    assert (off / np.maximum(np.abs(expected), 0.01)).max() < 1e-12


def test_airy() -> None:
    scipy = pytest.importorskip("scipy.special")
    points = np.linspace(-40, 12, 2003)
    expected = scipy.airy(points)[0]
    np.testing.assert_allclose(special.airy_ai(gg.tensor(points)).numpy(), expected, rtol=1e-11, atol=1e-12)


def test_incomplete_gamma_and_zeta() -> None:
    scipy = pytest.importorskip("scipy.special")
    a, x = RNG.uniform(0.01, 60, (2, 3000))
    for name, theirs in (("igamma", "gammainc"), ("igammac", "gammaincc")):
        got = getattr(gg, name)(gg.tensor(a), gg.tensor(x)).numpy()
        np.testing.assert_allclose(got, getattr(scipy, theirs)(a, x), rtol=1e-11, atol=1e-14)
    s = 1 + a / 4
    np.testing.assert_allclose(special.zeta(gg.tensor(s), gg.tensor(x)).numpy(), scipy.zeta(s, x), rtol=1e-13)

"""Special functions: the error function and the normal distribution, and x log y in all its guises.

The error function is computed from two series fitted here, one pair for each precision: erf(z)/z in powers of z^2
near 0, and exp(z^2) erfc(z) (1 + c z) in powers of a variable that takes [0, reach] to [-1, 1] (after Shepherd and
Laframboise 1981, Mathematics of Computation 36, 249-253). The second never cancels and never underflows, so that
the tails of erfc and of the normal distribution are as exact as the middle.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..core.backend import Array, xp_of
from ..core.fast import binary, unary
from ..core.titles import titled
from .arithmetic import exp, log, log1p, neg
from .choice import choose, clamp, where
from .elementwise import cos

__all__ = [
    "erf", "erfc", "erfinv", "logit", "sinc", "xlogy",
]  # fmt: skip
METHODS: tuple[str, ...] = tuple(__all__)
IN_PLACE: tuple[str, ...] = tuple(__all__)

# --- the error function ---


class Fit(NamedTuple):
    c: float
    reach: float  # beyond it erfc underflows
    scaled: tuple[float, ...]  # exp(z^2) erfc(z) (1 + c z), by rising powers
    near: tuple[float, ...]  # erf(z) / z, by rising powers of z^2; good for z^2 <= NEAR


NEAR = 0.75
FITS = {
    np.dtype(np.float64): Fit(0.25, 28.0, (
        0.3078220955665328, 0.2620658545695961, 0.19346236466229277, 0.12338090596456505,
        0.06732561736152425, 0.030854432600753406, 0.011461066792526906, 0.0031925482768705633,
        0.0005198412064752971, -3.290849701925173e-05, -4.540629817921002e-05, -9.007578154101095e-06,
        1.6148800057156787e-06, 1.0525911916652718e-06, 2.4153260577671184e-08, -9.334804588904263e-08,
        -1.1972786461330142e-08, 8.293384855016304e-09, 1.669424670029583e-09, -8.039649966049979e-10,
        -1.7596429480857356e-10, 7.953557352545505e-11, 1.1744110540141381e-11, -5.5700364471189864e-12,
    ), (
        1.1283791670955126, -0.3761263890318317, 0.11283791670923947, -0.026866170638631035,
        0.005223977555857794, -0.0008548322670932788, 0.00012055162862621622, -1.4921364704551977e-05,
        1.639232264376374e-06, -1.5651274554045032e-07, 1.0544705905545262e-08,
    )),
    np.dtype(np.float32): Fit(0.35, 11.0, (
        0.445704094, 0.314137742, 0.164795314, 0.061513421, 0.0140152135, 0.000596915666, -0.000674424024,
        -0.000127860327, 3.02492873e-05, 9.34049945e-06,
    ), (
        1.12837916, -0.376125623, 0.112825926, -0.026796985, 0.00504119792, -0.000625452289,
    )),
}  # fmt: skip

BLOCK = 1 << 13  # elements: what a polynomial touches again and again stays in the cache


def _polynomial(coefficients: tuple[float, ...], x: Array) -> Array:
    """Horner's rule, in place."""
    y = x * coefficients[-1]
    y += coefficients[-2]
    for c in coefficients[-3::-1]:
        y *= x
        y += c
    return y


def _blockwise(f: Callable[[Array, Fit], Array]) -> Callable[[Array], Array]:
    """f(block, fit) for arrays of any shape and float dtype; half precision is computed in float32."""

    def forward(x: Array) -> Array:
        wide = x if x.dtype in FITS else x.astype(np.float32)
        fit, flat = FITS[wide.dtype], wide.reshape(-1)
        y = xp_of(x).empty_like(flat)
        for start in range(0, flat.size, BLOCK):
            y[start : start + BLOCK] = f(flat[start : start + BLOCK], fit)
        return y.reshape(x.shape).astype(x.dtype, copy=False)

    return forward


def _scaled(z: Array, fit: Fit) -> Array:
    """exp(z^2) erfc(z) for 0 <= z <= reach."""
    s = 1 / (1 + fit.c * np.minimum(z, fit.reach))
    lowest = 1 / (1 + fit.c * fit.reach)
    return _polynomial(fit.scaled, (s - (1 + lowest) / 2) * (2 / (1 - lowest))) * s


def _bell(x: Array, rate: float) -> Array:
    """exp(-rate x^2): the square is split so that its rounding isn't blown up by the exponential."""
    near = np.rint(x * 16)
    near *= 1 / 16  # few bits: its square is exact
    rest = (x - near) * (x + near)
    rest *= -rate
    near *= near
    near *= -rate
    return np.exp(near) * np.exp(rest)


def _size(x: Array) -> Array:
    return np.minimum(np.absolute(x), 64)  # there the bell is 0 already


def _tail(size: Array, fit: Fit) -> Array:
    return _scaled(size, fit) * _bell(size, 1.0)


def _middle(x: Array, fit: Fit) -> tuple[Array, Array]:
    """erf(x) where x is small, and where that is."""
    square = np.minimum(x * x, 1)
    return x * _polynomial(fit.near, square), square <= NEAR


def _erf(x: Array, fit: Fit) -> Array:
    middle, small = _middle(x, fit)
    return choose(small, middle, np.copysign(1 - _tail(_size(x), fit), x))


def _erfc(x: Array, fit: Fit) -> Array:
    middle, small = _middle(x, fit)
    tail = _tail(_size(x), fit)
    return choose(small & (x < 0.5), 1 - middle, choose(x < 0, 2 - tail, tail))


def _ndtr(x: Array, fit: Fit) -> Array:
    middle, small = _middle(x * math.sqrt(0.5), fit)
    size = _size(x)
    tail = _scaled(size * math.sqrt(0.5), fit) * _bell(size, 0.5)
    tail *= 0.5
    middle *= 0.5
    middle += 0.5
    return choose(small & (x > -0.7), middle, choose(x > 0, 1 - tail, tail))


TWO_OVER_ROOT_PI = 2 / math.sqrt(math.pi)
ROOT_TWO_PI = math.sqrt(2 * math.pi)

erf = unary(_blockwise(_erf), "erf", floats=True, x=lambda g, x: g * (exp(-(x * x)) * TWO_OVER_ROOT_PI))
erfc = unary(_blockwise(_erfc), "erfc", floats=True, x=lambda g, x: g * (exp(-(x * x)) * -TWO_OVER_ROOT_PI))
ndtr = unary(_blockwise(_ndtr), "ndtr", floats=True, x=lambda g, x: g * (exp(x * x * -0.5) / ROOT_TWO_PI))


def _erfinv(y: Array) -> Array:
    """Winitzki's approximation, improved by two steps of Halley's method, each of which triples the digits."""
    wide = y.astype(np.float64)
    size = np.absolute(wide)
    logs = np.log1p(-size) + np.log1p(size)
    half = 2 / (math.pi * 0.147) + logs / 2
    x = np.sqrt(np.sqrt(half * half - logs / 0.147) - half)
    raw_erf, raw_erfc = erf.op.forward, erfc.op.forward
    for _ in range(2):
        gap = np.where(size < 0.5, raw_erf(x) - size, (1 - size) - raw_erfc(x))
        step = gap / (TWO_OVER_ROOT_PI * np.exp(-x * x))
        x = x - step / (1 + x * step)
    return np.copysign(np.where(size == 1, math.inf, x), wide).astype(y.dtype)


erfinv = unary(_erfinv, "erfinv", floats=True, x=lambda g, y: g * (exp(y * y) / TWO_OVER_ROOT_PI))

# --- the tails, scaled ---


def _erfcx(x: Array, fit: Fit) -> Array:
    size = np.absolute(x)
    far = np.maximum(size, fit.reach)
    inverse, series = 0.5 / (far * far), 1.0
    for k in (11, 9, 7, 5, 3, 1):  # Abramowitz and Stegun 7.1.23
        series = 1 - k * inverse * series
    tail = series / (far * math.sqrt(math.pi))
    y = np.where(size > fit.reach, tail, _scaled(size, fit))
    return np.where(x < 0, 2 * _growth(x) - y, y)


def _growth(x: Array) -> Array:
    """exp(x^2), inf where it overflows."""
    return 1 / _bell(_size(x), 1.0)


erfcx: Any = unary(_blockwise(_erfcx), "erfcx", floats=True, x=lambda g, x, y: g * (2 * x * y - TWO_OVER_ROOT_PI))


def _log_ndtr(x: Array, fit: Fit) -> Array:
    low, high = np.minimum(x, -1), np.maximum(x, -1)
    left = np.log(_erfcx(low * -math.sqrt(0.5), fit) / 2) - low * low / 2
    return np.where(x < -1, left, np.where(x > 0, np.log1p(-_ndtr(-high, fit)), np.log(_ndtr(high, fit))))


log_ndtr: Any = unary(
    _blockwise(_log_ndtr), "log_ndtr", floats=True,
    x=lambda g, x: g / erfcx(x * -math.sqrt(0.5)) * math.sqrt(2 / math.pi),
)  # fmt: skip


def _ndtri(p: Array) -> Array:
    """Newton's method on log ndtr, which is concave, for the smaller of p and 1 - p."""
    wide = p.astype(np.float64)
    tail = np.where((wide > 0) & (wide < 1), np.minimum(wide, 1 - wide), 0.5)
    goal = np.log(tail)
    x = -np.sqrt(np.maximum(-2 * (goal + math.log(2)), 0))  # left of the root
    for _ in range(8):
        slope = math.sqrt(2 / math.pi) / erfcx.op.forward(x * -math.sqrt(0.5))
        x = x - (log_ndtr.op.forward(x) - goal) / slope
    x = np.where(wide > 0.5, -x, x)
    x = np.where(wide == 0, -math.inf, np.where(wide == 1, math.inf, x))
    return np.where((wide >= 0) & (wide <= 1), x, math.nan).astype(p.dtype)


ndtri = unary(_ndtri, "ndtri", floats=True, x=lambda g, y: g * (exp(y * y * 0.5) * ROOT_TWO_PI))

# --- x log y and the like ---


def _product(x: Any, logarithm: Any, y: Any) -> Any:
    """x * logarithm, 0 where x is 0 and y no NaN."""
    return np.where((x == 0) & (y == y), 0, x * logarithm)


xlogy = binary(
    lambda x, other: _product(x, np.log(other), other), "xlogy", floats=True, numbers="one",
    x=lambda g, x, other: where((x == 0) & (other <= 0), 0, g * log(other)), other=lambda g, x, other: g * (x / other),
)  # fmt: skip
xlog1py = binary(
    lambda x, other: _product(x, np.log1p(other), other), "xlog1py", floats=True, numbers="one",
    x=lambda g, x, other: where((x == 0) & (other <= -1), 0, g * log1p(other)),
    other=lambda g, x, other: g * (x / (other + 1)),
)  # fmt: skip


@titled("SpecialEntrBackward0")
def entr(input: Any) -> Any:
    """-x log(x); 0 at 0, -inf below."""
    return where(input < 0, -math.inf, neg(xlogy(input, input)))


@titled("LogitBackward0")
def logit(input: Any, eps: float | None = None) -> Any:
    """log(p / (1 - p)), the inverse of sigmoid; with eps, of p limited to [eps, 1 - eps]."""
    p = input if eps is None else clamp(input, eps, 1 - eps)
    return log(p / (1 - p))


def _sinc_slope(g: Any, x: Any, y: Any) -> Any:
    return where(x == 0, 0, g * ((cos(x * math.pi) - y) / where(x == 0, 1, x)))


sinc = unary(np.sinc, "sinc", floats=True, x=_sinc_slope)

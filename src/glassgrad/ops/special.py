"""Special functions: the error function and the normal distribution, gamma, Bessel, and x log y in all its guises.

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
from ..core.op import op
from ..core.tensor import Tensor
from .elementwise import choose, clamp, cos, exp, log, log1p, mul, neg, sign, where

__all__ = [
    "digamma", "erf", "erfc", "erfinv", "i0", "lgamma", "logit", "polygamma", "sinc", "xlogy",
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

# --- gamma ---


def _lgamma_of(x: float) -> float:
    try:
        return math.lgamma(x)
    except (ValueError, OverflowError):  # a pole, or beyond float64
        return math.inf


def _lgamma(x: Array) -> Array:
    return np.asarray(np.frompyfunc(_lgamma_of, 1, 1)(x.astype(np.float64)), dtype=np.float64).astype(x.dtype)


def _digamma(x: Array) -> Array:
    """Reflection for x < 0, recurrence up to 10, then Stirling's series (Abramowitz and Stegun 6.3.7, .5, .18)."""
    wide = x.astype(np.float64)
    z = np.where(wide < 0, 1 - wide, wide)
    y = np.zeros_like(z)
    for _ in range(10):
        small = z < 10
        y -= np.where(small, 1 / z, 0)
        z = np.where(small, z + 1, z)
    w = 1 / (z * z)
    series = w * (1 / 12 - w * (1 / 120 - w * (1 / 252 - w * (1 / 240 - w * (1 / 132 - w * (691 / 32760 - w / 12))))))
    y += np.log(z) - 0.5 / z - series
    fraction = wide - np.trunc(wide)
    mirrored = np.where(fraction == 0, math.nan, y - math.pi / np.tan(math.pi * fraction))
    y = np.where(wide < 0, mirrored, y)
    return np.where(wide == 0, np.copysign(math.inf, -wide), y).astype(x.dtype)


BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510)


def _zeta(s: int, x: Array) -> Array:
    """Hurwitz's zeta, the sum of (x + k)^-s, by Euler and Maclaurin's formula beyond x + k = 10."""
    total, z = np.zeros_like(x), x.copy()
    while np.any(z < 10):
        small = z < 10
        total += np.where(small, z ** float(-s), 0)
        z = np.where(small, z + 1, z)
    total += z ** (1.0 - s) / (s - 1) + z ** float(-s) / 2
    factor = s * z ** (-s - 1.0) / 2
    for k, bernoulli in enumerate(BERNOULLI, 1):
        total += bernoulli * factor
        factor = factor * ((s + 2 * k - 1) * (s + 2 * k) / ((2 * k + 1) * (2 * k + 2))) / (z * z)
    return total


@op(jvp="elementwise")
def polygamma_(x: Array, *, n: int) -> Array:
    if n == 0:
        return _digamma(x)
    return ((-1) ** (n + 1) * math.factorial(n) * _zeta(n + 1, x.astype(np.float64))).astype(x.dtype)


polygamma_.vjp(x=lambda g, x, n: g * polygamma_(x, n=n + 1))
digamma = unary(_digamma, "digamma", floats=True, x=lambda g, x: g * polygamma_(x, n=1))
lgamma = unary(_lgamma, "lgamma", floats=True, x=lambda g, x: g * digamma(x))


def polygamma(n: Any, input: Any = None) -> Any:
    """The n-th derivative of digamma; as a method x.polygamma(n). Raises RuntimeError for a negative n."""
    if isinstance(n, Tensor):
        n, input = input, n
    if n < 0:
        raise RuntimeError(f"polygamma(n, x) does not support negative n, but got {n}")
    return polygamma_(mul(input, 1.0), n=n)


# --- Bessel ---


def _bessel(order: int) -> Callable[[Array], Array]:
    """exp(-|x|) I_0(x) or I_1(x): the trapezoidal rule on their integrals up to 30, which converges geometrically,
    then Hankel's asymptotic series (Abramowitz and Stegun 9.6.18, 9.7.1)."""
    angles = (np.arange(40) + 0.5) * (math.pi / 40)
    mu = 4 * order * order

    def forward(x: Array) -> Array:
        size = np.absolute(x).astype(np.float64)
        near = np.minimum(size, 30)
        integral = np.zeros_like(size)
        for angle in angles:  # for I_1 the form without cancellation, x/pi * the integral of sin^2 exp(x cos)
            weight = near * math.sin(angle) ** 2 if order else 1.0
            integral += weight * np.exp(near * (math.cos(angle) - 1)) / len(angles)
        far = np.maximum(size, 30)
        term = total = np.ones_like(size)
        for k in range(1, 20):
            term = term * ((2 * k - 1) ** 2 - mu) / (8 * k * far)
            total = total + term
        y = np.where(size <= 30, integral, total / np.sqrt(2 * math.pi * far))
        return (np.copysign(y, x) if order else y).astype(x.dtype)

    return forward


_I0E, _I1E = _bessel(0), _bessel(1)


def _ratio(x: Any, y: Any) -> Any:
    """y / x, which is 1/2 at 0 for y = I_1(x)."""
    return where(x == 0, 0.5, y / where(x == 0, 1, x))


i0e: Any = unary(_I0E, "i0e", floats=True, x=lambda g, x, y: g * (i1e(x) - sign(x) * y))
i1e: Any = unary(_I1E, "i1e", floats=True, x=lambda g, x, y: g * (i0e(x) - sign(x) * y - _ratio(x, y)))
i0: Any = unary(lambda x: _I0E(x) * np.exp(np.absolute(x)), "i0", floats=True, x=lambda g, x: g * i1(x))
i1: Any = unary(
    lambda x: _I1E(x) * np.exp(np.absolute(x)), "i1", floats=True, x=lambda g, x, y: g * (i0(x) - _ratio(x, y))
)

# --- x log y and the like ---


def _product(x: Any, logarithm: Any, y: Any) -> Any:
    """x * logarithm, 0 where x is 0 and y no NaN."""
    return np.where((x == 0) & (y == y), 0, x * logarithm)


xlogy = binary(
    lambda x, other: _product(x, np.log(other), other), "xlogy", floats=True,
    x=lambda g, x, other: where((x == 0) & (other <= 0), 0, g * log(other)), other=lambda g, x, other: g * (x / other),
)  # fmt: skip
xlog1py = binary(
    lambda x, other: _product(x, np.log1p(other), other), "xlog1py", floats=True,
    x=lambda g, x, other: where((x == 0) & (other <= -1), 0, g * log1p(other)),
    other=lambda g, x, other: g * (x / (other + 1)),
)  # fmt: skip


def entr(input: Any) -> Any:
    """-x log(x); 0 at 0, -inf below."""
    return where(input < 0, -math.inf, neg(xlogy(input, input)))


def logit(input: Any, eps: float | None = None) -> Any:
    """log(p / (1 - p)), the inverse of sigmoid; with eps, of p limited to [eps, 1 - eps]."""
    p = input if eps is None else clamp(input, eps, 1 - eps)
    return log(p / (1 - p))


def _sinc_slope(g: Any, x: Any, y: Any) -> Any:
    return where(x == 0, 0, g * ((cos(x * math.pi) - y) / where(x == 0, 1, x)))


sinc = unary(np.sinc, "sinc", floats=True, x=_sinc_slope)

gammaln, psi = lgamma, digamma

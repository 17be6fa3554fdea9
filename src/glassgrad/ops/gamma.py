"""The gamma function and its kin: log gamma and its derivatives, Hurwitz's zeta, the incomplete gamma functions.

Sources: Abramowitz and Stegun, chapter 6 and 23.2 (the numbers in the code); NIST Handbook 25.11.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.backend import Array
from ..core.fast import unary
from ..core.op import op
from ..core.tensor import Tensor
from ..core.titles import titled
from .arithmetic import exp, log, mul
from .polynomials import partly

# --- log gamma and its derivatives ---


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


def _zeta(s: Any, x: Array) -> Array:
    """Hurwitz's zeta, the sum of (x + k)^-s, by Euler and Maclaurin's formula (25.11.5) beyond x + k = 10 + s."""
    total, z = np.zeros_like(x), x.copy()
    enough = 10.0 + np.minimum(s, 100)
    while np.any(small := z < enough):
        total += np.where(small, np.power(z, -s), 0)
        z = np.where(small, z + 1, z)
    last = np.power(z, -s)
    total += last * z / (s - 1) + last / 2
    factor = s * last / z / 2
    for k, bernoulli in enumerate(BERNOULLI, 1):
        total += bernoulli * factor
        factor = factor * ((s + 2 * k - 1) * (s + 2 * k) / ((2 * k + 1) * (2 * k + 2))) / (z * z)
    return total


def _hurwitz(x: Array, other: Array) -> Array:
    """zeta(x, other) with its poles: at x = 1 and at other = 0, -1, -2, ...; NaN where it is not real."""
    s, q = np.broadcast_arrays(np.asarray(x, np.float64), np.asarray(other, np.float64))
    proper = (s > 1) & ~np.isnan(q) & ((q > 0) | ((q != np.floor(q)) & (s == np.floor(s))))
    y = _zeta(np.where(proper, s, 2.0), np.where(proper, q, 1.0))
    pole = (s == 1) | ((s > 1) & (q <= 0) & (q == np.floor(q)))
    return np.where(proper, y, np.where(pole, math.inf, math.nan)).astype(np.result_type(x, other))


zeta: Any = partly(_hurwitz, "zeta", other=lambda g, x, other: g * (-x * zeta(x + 1, other)))


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


@titled("MvlgammaBackward0")
def mvlgamma(input: Any, p: int) -> Any:
    """The log of the multivariate gamma function of dimension p: p (p-1)/4 log pi + the sum of lgamma(x - j/2), j < p.

    Raises RuntimeError unless p >= 1 and all x > (p - 1) / 2.
    """
    if p < 1:
        raise RuntimeError(f"p has to be greater than or equal to 1, but got {p}")
    terms = [lgamma(input - j / 2) for j in range(p)]
    return sum(terms[1:], terms[0]) + p * (p - 1) / 4 * math.log(math.pi)


gammaln, psi, multigammaln = lgamma, digamma, mvlgamma

# --- incomplete gamma functions ---

STEPS = 10_000
STEP = 1e-100  # imaginary: f(a + i step) = f(a) + i step f'(a), to the last digit (Squire and Trapp 1998)


def _below(a: Array, x: Array) -> Array:
    """The series 6.5.29 of P(a, x), without its factor; good for x < a + 1."""
    term = total = 1 / a
    for n in range(1, STEPS):
        term = term * (x / (a + n))
        total = total + term
        if not np.any(term > total * 1e-17):
            break
    return total


def _above(a: Array, x: Array) -> Array:
    """The continued fraction 6.5.31 of Q(a, x), without its factor; good for x >= a + 1. Lentz's method, of 1976."""
    b = x + 1 - a
    c, d = np.full_like(x, 1e300), 1 / b
    fraction = d
    for n in range(1, STEPS):
        b = b + 2
        d = 1 / (b - n * (n - a) * d)
        c = b - n * (n - a) / c
        fraction = fraction * (c * d)
        if settled(c * d - 1):
            break
    return fraction


def settled(change: Array, limit: float = 1e-16) -> bool:
    """Whether a fraction has converged, and its derivative, where that is taken by a step along the imaginary axis."""
    return not np.any((np.absolute(change.real) > limit) | (np.absolute(change.imag) > 100 * limit * STEP))


def _incomplete(upper: bool) -> Any:
    def forward(x: Array, other: Array) -> Array:
        a, t = np.broadcast_arrays(x.astype(np.float64), other.astype(np.float64))
        proper = (a > 0) & (t > 0) & np.isfinite(a) & np.isfinite(t)
        p, u = np.where(proper, a, 1.0), np.where(proper, t, 1.0)
        low = u < p + 1
        factor = np.exp(p * np.log(u) - u - _lgamma(p))
        lower = factor * _below(p, np.where(low, u, 1.0))
        higher = factor * _above(p, np.where(low, p + 1, u))
        y = np.where(low, 1 - lower, higher) if upper else np.where(low, lower, 1 - higher)
        # the edges: all of it lies below t where a is 0 or t infinite, and above where t is 0 or a infinite
        all_below = ((a == 0) & (t > 0)) | (np.isinf(t) & (t > 0) & (a >= 0) & np.isfinite(a))
        all_above = ((t == 0) & (a > 0)) | (np.isinf(a) & (a > 0) & (t >= 0) & np.isfinite(t))
        edge = np.where(all_below, 1.0 - upper, np.where(all_above, 0.0 + upper, math.nan))
        return np.where(proper, y, edge).astype(np.result_type(x, other), copy=False)

    return forward


def _density(x: Any, other: Any) -> Any:
    """The derivative of P(x, other) in other."""
    return exp((x - 1) * log(other) - other - lgamma(x))


igamma = partly(_incomplete(False), "igamma", numbers=False, other=lambda g, x, other: g * _density(x, other))
igammac = partly(_incomplete(True), "igammac", numbers=False, other=lambda g, x, other: -g * _density(x, other))
gammainc, gammaincc = igamma, igammac

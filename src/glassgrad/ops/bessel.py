"""Bessel functions and Airy's Ai, computed in float64 from integrals, recurrences and asymptotic series.

Sources: Abramowitz and Stegun, chapters 9 and 10 (the numbers in the code).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from ..core.backend import Array
from ..core.dtypes import get_default_dtype
from ..core.fast import given, unary
from ..core.op import Formula, op
from .choice import where
from .elementwise import cos, sign

# --- I: growing ---


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


def _wide(name: str, compute: Callable[[Array], Array], slope: Formula) -> Any:
    """An operation that computes in float64."""
    return unary(lambda x: compute(x.astype(np.float64)).astype(x.dtype), name, floats=True, x=slope)


modified_bessel_i0, modified_bessel_i1 = i0, i1

# --- J and Y: oscillating ---

FAR = 25.0  # beyond, Hankel's series is exact to the last digits
TOP = 70  # J of that order is nothing below FAR
NEAR = 1e-3  # below, two terms of the power series are exact
EULER = 0.57721566490153286


def _hankel(x: Array, order: int) -> tuple[Array, Array]:
    """(J, Y) far out: 9.2.5, 9.2.6, 9.2.9, 9.2.10."""
    mu, phase = 4 * order * order, x - math.pi * (order / 2 + 0.25)
    p, q, term = np.ones_like(x), np.zeros_like(x), np.ones_like(x)
    for k in range(1, 24):
        term = term * ((mu - (2 * k - 1) ** 2) / k) / (8 * x)
        part = q if k % 2 else p
        part += term if k % 4 < 2 else -term
    c, s = np.cos(phase), np.sin(phase)
    size = np.sqrt(2 / (math.pi * x))
    return size * (p * c - q * s), size * (p * s + q * c)


def _miller(x: Array) -> list[Array]:
    """J_0(x) ... J_TOP(x) by recurrence from above, normalised by J_0 + 2 J_2 + 2 J_4 + ... = 1: 9.12, example 1."""
    above, now = np.zeros_like(x), np.full_like(x, 1e-250)
    found = [now]
    for k in range(TOP, 0, -1):
        above, now = now, 2 * k / x * now - above
        huge = np.absolute(now) > 1e100
        if huge.any():
            scale = np.where(huge, 1e-100, 1.0)
            above, now, found = above * scale, now * scale, [f * scale for f in found]
        found.append(now)
    found.reverse()
    total = found[0] + 2 * sum(found[2::2])
    return [f / total for f in found]


def _oscillating(order: int, second: bool) -> Callable[[Array], Array]:
    """J (or, if second, Y) of order 0 or 1 of x >= 0: Neumann's series 9.1.88, 9.1.89, then Hankel's."""

    def compute(x: Array) -> Array:
        x = x.reshape(-1)
        middle = np.clip(x, NEAR, FAR)
        j = _miller(middle)
        logs = np.log(middle / 2) + EULER
        y: Any = j[order]
        if second and order == 0:
            tail = sum((-1) ** k / k * j[2 * k] for k in range(1, TOP // 2))
            y = (2 * logs * j[0] - 4 * tail) / math.pi
        elif second:
            tail = sum((-1) ** k * (2 * k + 1) / (k * (k + 1)) * j[2 * k + 1] for k in range(1, TOP // 2 - 1))
            y = (2 * (logs - 1) * j[1] - 2 * j[0] / middle - 2 * tail) / math.pi
        far = _hankel(np.maximum(x, FAR), order)[second]
        y = np.where(x > FAR, np.where(np.isinf(x), 0, far), y)
        z = np.minimum(x, NEAR)
        logs = np.log(z / 2) + EULER
        small = [
            [1 - z * z / 4, z / 2 * (1 - z * z / 8)],
            [
                (2 * logs * (1 - z * z / 4) + z * z / 2) / math.pi,
                np.where(z == 0, -math.inf, ((logs - 0.5) * z - 2 / np.where(z == 0, 1, z)) / math.pi),
            ],
        ][second][order]
        return np.where(x < NEAR, small, np.where(np.isnan(x), x, y))

    def forward(x: Array) -> Array:
        y = compute(x if second else np.absolute(x)).reshape(x.shape)
        if second:
            return np.where(x < 0, math.nan, y)
        return np.copysign(1, x) * y if order else y

    return forward


bessel_j0: Any = _wide("bessel_j0", _oscillating(0, False), lambda g, x: -g * bessel_j1(x))
bessel_j1: Any = _wide("bessel_j1", _oscillating(1, False), lambda g, x, y: g * (bessel_j0(x) - _ratio(x, y)))
bessel_y0: Any = _wide("bessel_y0", _oscillating(0, True), lambda g, x: -g * bessel_y1(x))
bessel_y1: Any = _wide("bessel_y1", _oscillating(1, True), lambda g, x, y: g * (bessel_y0(x) - y / x))


def _spherical(x: Array) -> Array:
    return np.where(np.isinf(x), 0, np.where(x == 0, 1, np.sin(x) / np.where(x == 0, 1, x)))


def _spherical_slope(g: Any, x: Any, y: Any) -> Any:
    return where(x == 0, 0, g * ((cos(x) - y) / where(x == 0, 1, x)))


spherical_bessel_j0: Any = _wide("spherical_bessel_j0", _spherical, _spherical_slope)

# --- K: decaying ---


def _decaying(order: int, scaled: bool) -> Callable[[Array], Array]:
    """K_0 or K_1, if scaled times exp(x): the power series 9.6.11 up to 1, then the integral 9.6.24 of
    exp(-x cosh t) by the trapezoidal rule, whose step shrinks with the width 1 / sqrt(x) of the integrand."""

    def forward(x: Array) -> Array:
        far = np.maximum(x, 1)
        step = 0.25 / np.sqrt(1 + far / 4)
        integral = np.full_like(far, 0.5)
        for k in range(1, 40):
            t = k * step
            weight = np.cosh(t) if order else 1.0
            integral += weight * np.exp(-2 * far * np.sinh(t / 2) ** 2)
        integral *= step
        if not scaled:
            integral *= np.exp(-far)
        z = np.clip(x, 1e-300, 1)
        square, logs = z * z / 4, np.log(z / 2) + EULER
        term, digamma = np.ones_like(z), 0.0  # square^k / (k! (k + order)!), harmonic numbers
        series = np.zeros_like(z)
        for k in range(14):
            if order:
                series += term * (logs - digamma - 0.5 / (k + 1))
            else:
                series += term * (digamma - logs)
            term = term * square / ((k + 1) * (k + 1 + order))
            digamma += 1 / (k + 1)
        near = 1 / z + z / 2 * series if order else series
        y = np.where(x <= 1, near * np.exp(z) if scaled else near, integral)
        y = np.where(np.isinf(x), 0, y)
        return np.where(x > 0, y, np.where(x == 0, math.inf, math.nan))

    return forward


modified_bessel_k0: Any = _wide("modified_bessel_k0", _decaying(0, False), lambda g, x: -g * modified_bessel_k1(x))
modified_bessel_k1: Any = _wide(
    "modified_bessel_k1", _decaying(1, False), lambda g, x, y: -g * (modified_bessel_k0(x) + y / x)
)
scaled_modified_bessel_k0: Any = _wide(
    "scaled_modified_bessel_k0", _decaying(0, True), lambda g, x, y: g * (y - scaled_modified_bessel_k1(x))
)
scaled_modified_bessel_k1: Any = _wide(
    "scaled_modified_bessel_k1", _decaying(1, True), lambda g, x, y: g * (y - y / x - scaled_modified_bessel_k0(x))
)

# --- Airy ---

AI_0, AI_SLOPE = 0.35502805388781724, -0.25881940379280680  # Ai(0), Ai'(0): 10.4.4, 10.4.5
NODES = 48


@cache
def _laguerre_rule() -> tuple[Array, Array]:
    """Nodes and weights for t^(-1/6) exp(-t) on (0, inf), weights summing to 1: Golub and Welsch 1969."""
    k = np.arange(NODES)
    a = -1 / 6
    beside = np.sqrt((k[1:]) * (k[1:] + a))
    nodes, vectors = np.linalg.eigh(np.diag(2 * k + 1 + a) + np.diag(beside, 1) + np.diag(beside, -1))
    return nodes, vectors[0] ** 2


def _airy_far(z: Array) -> Array:
    """Ai(z) for complex z, |arg z| < 2 pi / 3: Gil, Segura and Temme 2002, Numerical Algorithms 30, 11-23."""
    zeta = z**1.5 * (2 / 3)
    nodes, weights = _laguerre_rule()
    integral = sum(w * (1 + t / (2 * zeta)) ** (-1 / 6) for t, w in zip(nodes, weights, strict=True))
    return np.exp(-zeta) / (2 * math.sqrt(math.pi) * z**0.25) * integral


def _airy(x: Array) -> Array:
    """The power series 10.4.2 near 0; further out _airy_far, for x < 0 by 10.4.7:
    Ai(-x) = 2 Re e^(i pi/3) Ai(x e^(i pi/3))."""
    size = np.absolute(x)
    near = np.clip(x, -5, 2.5)
    cube = near * near * near
    f, g = np.ones_like(near), near.copy()
    y = AI_0 * f + AI_SLOPE * g
    for k in range(1, 40):
        f = f * cube / ((3 * k - 1) * (3 * k))
        g = g * cube / ((3 * k) * (3 * k + 1))
        y += AI_0 * f + AI_SLOPE * g
    out = np.maximum(size, 2.5)
    turn = np.exp(1j * math.pi / 3)
    far = np.where(x > 0, _airy_far(out + 0j).real, 2 * (turn * _airy_far(out * turn)).real)
    y = np.where((x < -5) | (x > 2.5), far, y)
    return np.where(np.isnan(x), x, np.where(np.isinf(x), np.where(x > 0, 0, math.nan), y))


@op
def airy_ai_(x: Array) -> Array:
    return _airy(x.astype(np.float64)).astype(x.dtype)


def airy_ai(input: Any, *, out: Any = None) -> Any:
    """Airy's function Ai, the solution of y'' = x y that decays to the right. It has no derivative, as in PyTorch."""
    x = input if input.dtype.is_floating_point else input.to(get_default_dtype())
    return given(out, airy_ai_(x))

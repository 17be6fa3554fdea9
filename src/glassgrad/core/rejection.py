"""Samplers that reject: gamma, Poisson and binomial numbers, each of which takes as many words as it takes.

Element after element in row-major order, in double precision, from float64 uniforms of two words each, as PyTorch 2.13
does on the CPU. Logarithms and powers are those of the C library, as in PyTorch: the numbers are equal to the bit
where its C library is the one that Python uses.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from .batched import Batched
from .random import Generator
from .samplers import BLOCK, _unit64, alike

Uniform = Callable[[], float]


@contextmanager
def uniforms(generator: Generator) -> Iterator[Uniform]:
    """A function that gives the generator's next float64 in [0, 1)."""
    with generator.ahead() as used:

        def stream() -> Iterator[float]:
            size = 16
            while True:
                for u in _unit64(generator, size).tolist():
                    used[0] += 2
                    yield u
                size = min(2 * size, BLOCK)

        yield stream().__next__


def _sampler(one: Callable[..., float]) -> Callable[..., np.ndarray]:
    """Decorator: one(u, generator, parameters) for every element of arrays of one shape -> float64 of that shape."""

    def drawn(generator: Generator, *parameters: Any) -> np.ndarray:
        if any(isinstance(p, Batched) for p in parameters):
            raise NotImplementedError(
                f"vmap: {one.__name__} with parameters of each sample's own is not in glassgrad yet"
            )
        rows = zip(*(p.reshape(-1).astype(np.float64).tolist() for p in parameters), strict=True)
        with uniforms(generator) as u:
            return np.array([one(u, generator, *row) for row in rows], np.float64).reshape(parameters[0].shape)

    drawn.__name__, drawn.__doc__ = one.__name__, one.__doc__
    return alike(drawn)


def _normal(u: Uniform, generator: Generator) -> float:
    """The next standard normal of Box and Muller's pairs; the second of a pair waits in the generator."""
    value = generator.next_normal
    if value is not None:
        generator.next_normal = None
        return value
    angle, radius = 2 * math.pi * u(), math.sqrt(-2 * math.log1p(-u()))
    generator.next_normal = radius * math.sin(angle)
    return radius * math.cos(angle)


# PyTorch writes them as floats, and what it computes of the shape alone has the precision of the shape.
THIRD = np.float32(1 / 3)
SQUEEZE = float(np.float32(0.0331))


def gamma(generator: Generator, shape: np.ndarray) -> np.ndarray:
    """Gamma numbers of these shapes and scale 1. Source: Marsaglia and Tsang 2000, ACM TOMS 26(3), 363-372.

    A shape below 1 is drawn as one more, times a uniform to the power 1 / shape.
    """
    small = shape < 1
    power = 1 / np.where(small, shape, np.inf)
    return _gamma(generator, power, np.where(small, shape + np.float32(1), shape) - THIRD)


@_sampler
def _gamma(u: Uniform, generator: Generator, power: float, d: float) -> float:
    if power == math.inf:
        return 0.0
    scale = math.pow(1 - u(), power) if power else 1.0
    c = 1 / math.sqrt(9 * d)
    while True:
        x = y = 0.0
        while y <= 0:
            x = _normal(u, generator)
            y = 1 + c * x
        v = y * y * y
        w = 1 - u()
        square = x * x
        if w < 1 - SQUEEZE * square * square or math.log(w) < 0.5 * square + d * (1 - v + math.log(v)):
            return scale * d * v


@_sampler
def poisson(u: Uniform, generator: Generator, rate: float) -> float:
    """Poisson numbers of these rates. Below 10, uniforms are multiplied until the product falls below exp(-rate)
    (Knuth, TAOCP 2, 3.4.1); from 10 on, algorithm PTRS of Hoermann 1993, Insurance: Mathematics and Economics 12(1).
    """
    if rate == 0:
        return 0
    if rate < 10:
        limit, product, count = math.exp(-rate), u(), 0
        while product > limit:
            product *= u()
            count += 1
        return count
    b = 0.931 + 2.53 * math.sqrt(rate)
    a = -0.059 + 0.02483 * b
    inverse_alpha = 1.1239 + 1.1328 / (b - 3.4)
    v_r = 0.9277 - 3.6224 / (b - 2)
    while True:
        x, v = u() - 0.5, u()
        edge = 0.5 - abs(x)
        if edge == 0:
            continue
        k = math.floor((2 * a / edge + b) * x + rate + 0.43)
        if edge >= 0.07 and v <= v_r:
            return k
        if k < 0 or (edge < 0.013 and v > edge):
            continue
        density = k * math.log(rate) - rate - math.lgamma(k + 1)
        if v == 0 or math.log(v) + math.log(inverse_alpha) - math.log(a / edge**2 + b) <= density:
            return k


@_sampler
def binomial(u: Uniform, generator: Generator, count: float, p: float) -> float:
    """Successes among `count` trials of probability p. Of p and 1 - p the smaller one is drawn: by the lengths of
    the runs of failures where fewer than 10 are expected (Devroye 1980, Computing 24), else by algorithm BTRS of
    Hoermann 1993, Journal of Statistical Computation and Simulation 46.
    """
    if not (count > 0 and p > 0):
        return 0.0
    if p >= 1:
        return count
    q = min(p, 1 - p)
    k = _rejected(u, count, q) if count * q >= 10 else _runs(u, count, q)
    return k if p <= 0.5 else count - k


def _runs(u: Uniform, count: float, p: float) -> float:
    trials, successes, log_failure = 0.0, 0, math.log1p(-p)
    while True:
        v = u()
        trials += math.ceil(math.log(v) / log_failure) if v else math.inf
        if trials > count:
            return successes
        successes += 1


def _rejected(u: Uniform, count: float, p: float) -> float:
    spread = math.sqrt(count * p * (1 - p))
    b = 1.15 + 2.53 * spread
    a = -0.0873 + 0.0248 * b + 0.01 * p
    centre = count * p + 0.5
    v_r = 0.92 - 4.2 / b
    odds = p / (1 - p)
    alpha = (2.83 + 5.1 / b) * spread
    mode = math.floor((count + 1) * p)
    while True:
        x, v = u() - 0.5, u()
        edge = 0.5 - abs(x)
        if edge == 0:
            continue
        k = math.floor((2 * a / edge + b) * x + centre)
        if edge >= 0.07 and v <= v_r:
            return k
        if k < 0 or k > count:
            continue
        rest, others = count - mode, count - k
        density = (
            (mode + 0.5) * math.log((mode + 1) / (odds * (rest + 1)))
            + (count + 1) * math.log((rest + 1) / (others + 1))
            + (k + 0.5) * math.log(odds * (others + 1) / (k + 1))
            + _stirling(mode) + _stirling(rest) - _stirling(k) - _stirling(others)
        )  # fmt: skip
        if v == 0 or math.log(v * alpha / (a / (edge * edge) + b)) <= density:
            return k


def _stirling(k: float) -> float:
    """log k! less Stirling's (k + 1/2) log(k + 1) - (k + 1) + log(2 pi) / 2."""
    if k < 10:
        return math.lgamma(k + 1) - ((k + 0.5) * math.log(k + 1) - (k + 1) + 0.5 * math.log(2 * math.pi))
    square = (k + 1) ** 2
    return (1 / 12 - (1 / 360 - 1 / 1260 / square) / square) / (k + 1)

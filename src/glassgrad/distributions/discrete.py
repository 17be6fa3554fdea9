"""Distributions of counts and of yes and no, and the continuous relatives of the latter."""

from __future__ import annotations

import math
from typing import Any

from ..core.modes import no_grad
from ..core.tensor import Tensor
from ..ops.activations import logsigmoid
from ..ops.chances import binomial, poisson
from ..ops.choice import where
from ..ops.classification import binary_cross_entropy_with_logits
from ..ops.create import arange, full_like
from ..ops.randoms import bernoulli
from ..ops.special import logit, xlogy
from .constraints import (
    boolean,
    dependent_property,
    greater_than_eq,
    half_open_interval,
    integer_interval,
    nonnegative,
    nonnegative_integer,
    real,
    unit_interval,
)
from .distribution import Declared, ExponentialFamily, checked, parameter
from .positive import Gamma
from .utils import broadcast_all, clamp_probs, logits_to_probs, probs_to_logits, tiny_of, uniform

__all__ = [
    "Bernoulli", "Binomial", "ContinuousBernoulli", "Geometric", "LogitRelaxedBernoulli", "NegativeBinomial", "Poisson",
]  # fmt: skip


def probabilities(constraint: Any = unit_interval, inner: str = "") -> Any:
    return parameter(constraint, otherwise=lambda self: logits_to_probs(self.logits, is_binary=True), inner=inner)


def log_odds(inner: str = "") -> Any:
    return parameter(real, otherwise=lambda self: probs_to_logits(self.probs, is_binary=True), inner=inner)


def counted(self: Any, size: int, expand: bool) -> Tensor:
    """0 ... size - 1 along a first dim, for the batch of a distribution."""
    values = arange(size, dtype=self._param.dtype, device=self._param.device)
    values = values.view((-1,) + (1,) * len(self._batch_shape))
    return values.expand((-1, *self._batch_shape)) if expand else values


def surprise(logits: Tensor, value: Tensor) -> Tensor:
    """-value log p - (1 - value) log(1 - p), p the sigmoid of the logits."""
    return binary_cross_entropy_with_logits(logits, value, reduction="none")


class Bernoulli(Declared, ExponentialFamily):
    """1 with probability probs, or the sigmoid of logits; else 0."""

    probs = probabilities()
    logits = log_odds()
    support = boolean
    has_enumerate_support = True
    _mean_carrier_measure = 0

    mean = property(lambda self: self.probs)
    mode = property(lambda self: where(self.probs == 0.5, math.nan, (self.probs >= 0.5).to(self.probs.dtype)))
    variance = property(lambda self: self.probs * (1 - self.probs))

    def sample(self, sample_shape: Any = ()) -> Tensor:
        with no_grad():
            return bernoulli(self.probs.expand(self._extended_shape(sample_shape)))

    @checked
    def log_prob(self, value: Any) -> Tensor:
        return -surprise(*broadcast_all(self.logits, value))

    def entropy(self) -> Tensor:
        return surprise(self.logits, self.probs)

    def enumerate_support(self, expand: bool = True) -> Tensor:
        return counted(self, 2, expand)

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        return (logit(self.probs),)

    def _log_normalizer(self, x: Any) -> Any:
        return x.exp().log1p()


class ContinuousBernoulli(Declared, ExponentialFamily):
    """C(p) p^x (1 - p)^(1 - x) on [0, 1]. Between `lims`, near p = 1/2, C is computed from its Taylor series.

    Source: Loaiza-Ganem and Cunningham 2019, "The continuous Bernoulli", arXiv:1907.06845.
    """

    probs = parameter(unit_interval, otherwise=lambda self: clamp_probs(logits_to_probs(self.logits, is_binary=True)))
    logits = log_odds()
    lims = parameter(None, (0.499, 0.501), kept=True)
    support = unit_interval
    has_rsample = True
    _mean_carrier_measure = 0

    def _declared(self, validate_args: bool | None) -> None:
        if "probs" in vars(self):
            validates = self._validate_args if validate_args is None else validate_args
            if validates and not bool(unit_interval.check(self.probs).all()):
                raise ValueError("The parameter probs has invalid values")
            self.probs = clamp_probs(self.probs)

    def _stable(self) -> tuple[Tensor, Tensor]:
        """Where p is not near 1/2, and p with another value elsewhere."""
        stable = (self.probs <= self.lims[0]) | (self.probs > self.lims[1])
        return stable, where(stable, self.probs, self.lims[0])

    def _log_norm(self) -> Tensor:
        """log C(p)"""
        stable, p = self._stable()
        low = p <= 0.5
        exact = ((-p).log1p() - p.log()).abs().log() - where(
            low, (-2.0 * where(low, p, 0.0)).log1p(), (2.0 * where(low, 1.0, p) - 1.0).log()
        )
        x = (self.probs - 0.5).pow(2)
        return where(stable, exact, math.log(2.0) + (4.0 / 3.0 + 104.0 / 45.0 * x) * x)

    @property
    def mean(self) -> Tensor:
        stable, p = self._stable()
        x = self.probs - 0.5
        exact = p / (2.0 * p - 1.0) + 1.0 / ((-p).log1p() - p.log())
        return where(stable, exact, 0.5 + (1.0 / 3.0 + 16.0 / 45.0 * x.pow(2)) * x)

    @property
    def variance(self) -> Tensor:
        stable, p = self._stable()
        x = (self.probs - 0.5).pow(2)
        exact = p * (p - 1.0) / (1.0 - 2.0 * p).pow(2) + 1.0 / ((-p).log1p() - p.log()).pow(2)
        return where(stable, exact, 1.0 / 12.0 - (1.0 / 15.0 - 128.0 / 945.0 * x) * x)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        return self.icdf(uniform(self._extended_shape(sample_shape), self.probs))

    @checked
    def log_prob(self, value: Any) -> Tensor:
        return -surprise(*broadcast_all(self.logits, value)) + self._log_norm()

    @checked
    def cdf(self, value: Any) -> Tensor:
        stable, p = self._stable()
        inside = (p.pow(value) * (1.0 - p).pow(1.0 - value) + p - 1.0) / (2.0 * p - 1.0)
        return where(value <= 0, 0.0, where(value >= 1, 1.0, where(stable, inside, value)))

    def icdf(self, value: Any) -> Tensor:
        stable, p = self._stable()
        log_rest = (-p).log1p()
        inside = ((-p + value * (2.0 * p - 1.0)).log1p() - log_rest) / (p.log() - log_rest)
        return where(stable, inside, value)

    def entropy(self) -> Tensor:
        log0, log1 = (-self.probs).log1p(), self.probs.log()
        return self.mean * (log0 - log1) - self._log_norm() - log0

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        return (self.logits,)

    def _log_normalizer(self, x: Any) -> Any:
        stable = (x <= self.lims[0] - 0.5) | (x > self.lims[1] - 0.5)
        away = where(stable, x, self.lims[0] - 0.5)
        series = 0.5 * x + x.pow(2) / 24.0 - x.pow(4) / 2880.0
        return where(stable, away.expm1().abs().log() - away.abs().log(), series)


class LogitRelaxedBernoulli(Declared):
    """The logit of a `RelaxedBernoulli`. Source: Maddison, Mnih and Teh 2017, arXiv:1611.00712."""

    temperature = parameter(kept=True)
    probs = probabilities()
    logits = log_odds()
    support = real

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        p = clamp_probs(self.probs.expand(shape))
        u = clamp_probs(uniform(shape, p))
        return (u.log() - (-u).log1p() + p.log() - (-p).log1p()) / self.temperature

    @checked
    def log_prob(self, value: Any) -> Tensor:
        logits, value = broadcast_all(self.logits, value)
        gap = logits - value * self.temperature
        return self.temperature.log() + gap - 2 * gap.exp().log1p()


class Geometric(Declared):
    """The number of failures before the first success of probability probs."""

    probs = probabilities()
    logits = log_odds()
    support = nonnegative_integer

    def _declared(self, validate_args: bool | None) -> None:
        validates = self._validate_args if validate_args is None else validate_args
        if validates and "probs" in vars(self) and bool((self.probs == 0).any()):
            raise ValueError(
                f"Expected parameter probs (Tensor of shape {tuple(self.probs.shape)}) of distribution {self!r} to be "
                f"positive but found invalid values:\n{self.probs.data[self.probs == 0]}"
            )

    mean = property(lambda self: 1.0 / self.probs - 1.0)
    mode = property(lambda self: full_like(self.probs, 0.0))
    variance = property(lambda self: (1.0 / self.probs - 1.0) / self.probs)

    def sample(self, sample_shape: Any = ()) -> Tensor:
        with no_grad():
            u = uniform(self._extended_shape(sample_shape), self.probs, tiny_of(self.probs), 1)
            return (u.log() / (-self.probs).log1p()).floor()

    @checked
    def log_prob(self, value: Any) -> Tensor:
        value, probs = broadcast_all(value, self.probs)
        return value * (-where((probs == 1) & (value == 0), 0.0, probs)).log1p() + self.probs.log()

    def entropy(self) -> Tensor:
        return surprise(self.logits, self.probs) / self.probs


class _OfTrials(Declared):
    """The number of trials has the dtype of the probabilities."""

    total_count: Any

    def _declared(self, validate_args: bool | None) -> None:
        self.total_count = self.total_count.to(self._param.dtype)


class Binomial(_OfTrials):
    """Successes among total_count trials of probability probs."""

    total_count = parameter(nonnegative_integer, 1)
    probs = probabilities()
    logits = log_odds()
    has_enumerate_support = True

    @dependent_property(is_discrete=True, event_dim=0)
    def support(self) -> Any:
        return integer_interval(0, self.total_count)

    mean = property(lambda self: self.total_count * self.probs)
    mode = property(lambda self: ((self.total_count + 1) * self.probs).floor().clamp(max=self.total_count))
    variance = property(lambda self: self.total_count * self.probs * (1 - self.probs))

    def sample(self, sample_shape: Any = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        with no_grad():
            return binomial(self.total_count.expand(shape), self.probs.expand(shape))

    @checked
    def log_prob(self, value: Any) -> Tensor:
        n, logits = self.total_count, self.logits
        ways = (n + 1).lgamma() - (value + 1).lgamma() - (n - value + 1).lgamma()
        # log(1 + exp(logits)), and half the slope of max(0, .) on either side of 0
        positive_part = (logits.clamp(min=0) + logits - logits.clamp(max=0)) / 2
        return value * logits + ways - n * positive_part - n * (-logits.abs()).exp().log1p()

    def _count(self, name: str) -> int:
        largest = int(self.total_count.max())
        if self.total_count.min() != largest:
            raise NotImplementedError(f"Inhomogeneous total count not supported by `{name}`.")
        return largest

    def entropy(self) -> Tensor:
        self._count("entropy")
        log_prob = self.log_prob(self.enumerate_support(False))
        return -(log_prob.exp() * log_prob).sum(0)

    def enumerate_support(self, expand: bool = True) -> Tensor:
        return counted(self, 1 + self._count("enumerate_support"), expand)


class NegativeBinomial(_OfTrials):
    """Successes of probability probs before total_count failures."""

    total_count = parameter(greater_than_eq(0))
    probs = probabilities(half_open_interval(0.0, 1.0))
    logits = log_odds()
    support = nonnegative_integer

    mean = property(lambda self: self.total_count * self.logits.exp())
    mode = property(lambda self: ((self.total_count - 1) * self.logits.exp()).floor().clamp(min=0.0))
    variance = property(lambda self: self.mean / (-self.logits).sigmoid())

    def sample(self, sample_shape: Any = ()) -> Tensor:
        with no_grad():
            rate = Gamma(self.total_count, (-self.logits).exp(), validate_args=False).sample(sample_shape)
            return poisson(rate)

    @checked
    def log_prob(self, value: Any) -> Tensor:
        n = self.total_count
        ways = (n + value).lgamma() - (1.0 + value).lgamma() - n.lgamma()
        ways = ways.masked_fill(n + value == 0.0, 0.0)
        return n * logsigmoid(-self.logits) + value * logsigmoid(self.logits) + ways


class Poisson(Declared, ExponentialFamily):
    """rate^k exp(-rate) / k!"""

    rate = parameter(nonnegative)
    support = nonnegative_integer

    mean = variance = property(lambda self: self.rate)
    mode = property(lambda self: self.rate.floor())

    def sample(self, sample_shape: Any = ()) -> Tensor:
        with no_grad():
            return poisson(self.rate.expand(self._extended_shape(sample_shape)))

    @checked
    def log_prob(self, value: Any) -> Tensor:
        rate, value = broadcast_all(self.rate, value)
        return xlogy(value, rate) - rate - (value + 1).lgamma()

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        return (self.rate.log(),)

    def _log_normalizer(self, x: Any) -> Any:
        return x.exp()

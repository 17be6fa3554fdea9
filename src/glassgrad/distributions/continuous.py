"""Distributions of real numbers on the whole line or an interval."""

from __future__ import annotations

import math
from typing import Any

from ..core.dtypes import float64
from ..core.modes import no_grad
from ..core.tensor import Tensor
from ..ops.bessel import i0e, i1e
from ..ops.choice import isclose, where
from ..ops.create import full_like
from ..ops.randoms import normal
from ..ops.special import erf, erfinv
from .constraints import dependent_property, greater_than, interval, less_than, nonnegative, positive, real
from .distribution import Declared, ExponentialFamily, checked, parameter
from .positive import Chi2
from .utils import eps_of, lazy_property, standard_normal, uniform

__all__ = ["Cauchy", "Exponential", "GeneralizedPareto", "Laplace", "Normal", "StudentT", "Uniform", "VonMises"]


class Normal(Declared, ExponentialFamily):
    """exp(-(x - loc)^2 / (2 scale^2)) / (scale sqrt(2 pi))"""

    loc = parameter(real)
    scale = parameter(positive)
    support = real
    has_rsample = True
    _mean_carrier_measure = 0

    mean = mode = property(lambda self: self.loc)
    stddev = property(lambda self: self.scale)
    variance = property(lambda self: self.scale.pow(2))

    def sample(self, sample_shape: Any = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        with no_grad():
            return normal(self.loc.expand(shape), self.scale.expand(shape))

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        return self.loc + standard_normal(self._extended_shape(sample_shape), self.loc) * self.scale

    @checked
    def log_prob(self, value: Any) -> Tensor:
        return -((value - self.loc) ** 2) / (2 * self.scale**2) - self.scale.log() - math.log(math.sqrt(2 * math.pi))

    @checked
    def cdf(self, value: Any) -> Tensor:
        return 0.5 * (1 + erf((value - self.loc) * self.scale.reciprocal() / math.sqrt(2)))

    def icdf(self, value: Any) -> Tensor:
        return self.loc + self.scale * erfinv(2 * value - 1) * math.sqrt(2)

    def entropy(self) -> Tensor:
        return 0.5 + 0.5 * math.log(2 * math.pi) + self.scale.log()

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        return self.loc / self.scale.pow(2), -0.5 * self.scale.pow(2).reciprocal()

    def _log_normalizer(self, x: Any, y: Any) -> Any:
        return -0.25 * x.pow(2) / y + 0.5 * (-math.pi / y).log()


class Laplace(Declared):
    """exp(-|x - loc| / scale) / (2 scale)"""

    loc = parameter(real)
    scale = parameter(positive)
    support = real
    has_rsample = True

    mean = mode = property(lambda self: self.loc)
    variance = property(lambda self: 2 * self.scale.pow(2))
    stddev = property(lambda self: math.sqrt(2) * self.scale)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        u = uniform(self._extended_shape(sample_shape), self.loc, eps_of(self.loc) - 1, 1)
        return self.loc - self.scale * u.sign() * (-u.abs()).log1p()

    @checked
    def log_prob(self, value: Any) -> Tensor:
        return -(2 * self.scale).log() - (value - self.loc).abs() / self.scale

    @checked
    def cdf(self, value: Any) -> Tensor:
        gap = value - self.loc
        return 0.5 - 0.5 * gap.sign() * (-gap.abs() / self.scale).expm1()

    def icdf(self, value: Any) -> Tensor:
        term = value - 0.5
        return self.loc - self.scale * term.sign() * (-2 * term.abs()).log1p()

    def entropy(self) -> Tensor:
        return 1 + (2 * self.scale).log()


class Cauchy(Declared):
    """1 / (pi scale (1 + ((x - loc) / scale)^2)): mean and variance don't exist."""

    loc = parameter(real)
    scale = parameter(positive)
    support = real
    has_rsample = True

    mean = property(lambda self: full_like(self.loc, math.nan))
    mode = property(lambda self: self.loc)
    variance = property(lambda self: full_like(self.loc, math.inf))

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        return self.loc + self.loc.new_empty(self._extended_shape(sample_shape)).cauchy_() * self.scale

    @checked
    def log_prob(self, value: Any) -> Tensor:
        return -math.log(math.pi) - self.scale.log() - (((value - self.loc) / self.scale) ** 2).log1p()

    @checked
    def cdf(self, value: Any) -> Tensor:
        return ((value - self.loc) / self.scale).atan() / math.pi + 0.5

    def icdf(self, value: Any) -> Tensor:
        return (math.pi * (value - 0.5)).tan() * self.scale + self.loc

    def entropy(self) -> Tensor:
        return math.log(4 * math.pi) + self.scale.log()


class Uniform(Declared):
    """1 / (high - low) on [low, high)"""

    low = parameter()
    high = parameter()
    has_rsample = True

    @property
    def arg_constraints(self) -> dict[str, Any]:
        return {"low": less_than(self.high), "high": greater_than(self.low)}

    @dependent_property(is_discrete=False, event_dim=0)
    def support(self) -> Any:
        return interval(self.low, self.high)

    mean = property(lambda self: (self.high + self.low) / 2)
    mode = property(lambda self: math.nan * self.high)
    stddev = property(lambda self: (self.high - self.low) / 12**0.5)
    variance = property(lambda self: (self.high - self.low).pow(2) / 12)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        return self.low + uniform(self._extended_shape(sample_shape), self.low) * (self.high - self.low)

    @checked
    def log_prob(self, value: Any) -> Tensor:
        within = ((self.low <= value) & (self.high > value)).to(self.low.dtype)
        return within.log() - (self.high - self.low).log()

    @checked
    def cdf(self, value: Any) -> Tensor:
        return ((value - self.low) / (self.high - self.low)).clamp(min=0, max=1)

    def icdf(self, value: Any) -> Tensor:
        return value * (self.high - self.low) + self.low

    def entropy(self) -> Tensor:
        return (self.high - self.low).log()


class Exponential(Declared, ExponentialFamily):
    """rate exp(-rate x) for x >= 0"""

    rate = parameter(positive)
    support = nonnegative
    has_rsample = True
    _mean_carrier_measure = 0

    mean = stddev = property(lambda self: self.rate.reciprocal())
    mode = property(lambda self: full_like(self.rate, 0.0))
    variance = property(lambda self: self.rate.pow(-2))

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        return self.rate.new_empty(self._extended_shape(sample_shape)).exponential_() / self.rate

    @checked
    def log_prob(self, value: Any) -> Tensor:
        return self.rate.log() - self.rate * value

    @checked
    def cdf(self, value: Any) -> Tensor:
        return 1 - (-self.rate * value).exp()

    def icdf(self, value: Any) -> Tensor:
        return -(-value).log1p() / self.rate

    def entropy(self) -> Tensor:
        return 1.0 - self.rate.log()

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        return (-self.rate,)

    def _log_normalizer(self, x: Any) -> Any:
        return -(-x).log()


class StudentT(Declared):
    """Gamma((df + 1) / 2) / (Gamma(df / 2) scale sqrt(df pi)) (1 + y^2 / df)^(-(df + 1) / 2), y = (x - loc) / scale"""

    df = parameter(positive)
    loc = parameter(real, 0.0)
    scale = parameter(positive, 1.0)
    support = real
    has_rsample = True

    mean = property(lambda self: where(self.df > 1, self.loc, math.nan))
    mode = property(lambda self: self.loc)

    @property
    def variance(self) -> Tensor:
        """Infinite for df in (1, 2]; not defined for df <= 1."""
        finite = self.df > 2
        df = where(finite, self.df, 3.0)
        return where(finite, self.scale.pow(2) * df / (df - 2), where(self.df > 1, math.inf, math.nan))

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        x = standard_normal(self._extended_shape(sample_shape), self.df)
        z = Chi2(self.df).rsample(sample_shape)
        return self.loc + self.scale * (x * (z / self.df).rsqrt())

    @checked
    def log_prob(self, value: Any) -> Tensor:
        y = (value - self.loc) / self.scale
        half = 0.5 * (self.df + 1)
        z = self.scale.log() + 0.5 * self.df.log() + 0.5 * math.log(math.pi) + (0.5 * self.df).lgamma() - half.lgamma()
        return -half * (y**2 / self.df).log1p() - z

    def entropy(self) -> Tensor:
        low, high = 0.5 * self.df, 0.5 * (self.df + 1)
        log_beta = low.lgamma() + math.lgamma(0.5) - high.lgamma()
        return self.scale.log() + high * (high.digamma() - low.digamma()) + 0.5 * self.df.log() + log_beta


class GeneralizedPareto(Declared):
    """(1 + k z)^(-1 / k - 1) / scale, k the concentration, z = (x - loc) / scale >= 0; exp(-z) / scale where k is 0."""

    loc = parameter(real)
    scale = parameter(positive)
    concentration = parameter(real)
    has_rsample = True

    @dependent_property(is_discrete=False, event_dim=0)
    def support(self) -> Any:
        bounded = self.concentration < 0
        k = where(bounded, self.concentration, -1.0)
        return interval(self.loc, where(bounded, self.loc - self.scale / k, math.inf))

    mode = property(lambda self: self.loc)

    @property
    def mean(self) -> Tensor:
        """Not a number from a concentration of 1 on."""
        valid = self.concentration < 1
        return where(valid, self.loc + self.scale / (1 - where(valid, self.concentration, 0.5)), math.nan)

    @property
    def variance(self) -> Tensor:
        """Not a number from a concentration of 1/2 on."""
        valid = self.concentration < 0.5
        k = where(valid, self.concentration, 0.25)
        return where(valid, self.scale**2 / ((1 - k) ** 2 * (1 - 2 * k)), math.nan)

    def _shape(self) -> tuple[Tensor, Tensor]:
        """Where the concentration is 0, and the concentration with 1 there."""
        zero = isclose(self.concentration, full_like(self.concentration, 0.0))
        return zero, where(zero, 1.0, self.concentration)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        return self.icdf(uniform(self._extended_shape(sample_shape), self.loc))

    @checked
    def log_prob(self, value: Any) -> Tensor:
        z = (value - self.loc) / self.scale
        zero, k = self._shape()
        power = 1 / k + 1
        return -self.scale.log() - where(zero, z, where(power == 0, 0.0, power * (k * z).log1p()))

    @checked
    def log_survival_function(self, value: Any) -> Tensor:
        """log(1 - cdf)"""
        z = (value - self.loc) / self.scale
        zero, k = self._shape()
        return where(zero, -z, -(k * z).log1p() / k)

    def log_cdf(self, value: Any) -> Tensor:
        return (-self.log_survival_function(value).exp()).log1p()

    def cdf(self, value: Any) -> Tensor:
        return self.log_cdf(value).exp()

    def icdf(self, value: Any) -> Tensor:
        zero, k = self._shape()
        log_rest = (-value).log1p()
        return where(
            zero, self.loc - self.scale * log_rest, self.loc + self.scale / k * (-k * log_rest).expm1()
        )  # fmt: skip

    def entropy(self) -> Tensor:
        return self.scale.log() + self.concentration + 1


class VonMises(Declared):
    """exp(concentration cos(x - loc)) / (2 pi I0(concentration)) on the circle [-pi, pi)."""

    loc = parameter(real)
    concentration = parameter(positive)
    support = real

    mean = mode = property(lambda self: self.loc)

    @lazy_property
    def variance(self) -> Tensor:
        """The circular one, 1 - I1 / I0."""
        return 1 - i1e(self.concentration) / i0e(self.concentration)

    @checked
    def log_prob(self, value: Any) -> Tensor:
        k = self.concentration
        return k * (value - self.loc).cos() - math.log(2 * math.pi) - (i0e(k).log() + k)

    @no_grad()
    def sample(self, sample_shape: Any = ()) -> Tensor:
        """By rejection from a wrapped Cauchy, in double precision, all elements again until every one is accepted.

        Source: Best and Fisher 1979, "Efficient simulation of the von Mises distribution", Applied Statistics 28.
        """
        loc, k = self.loc.to(float64), self.concentration.to(float64)
        tau = 1 + (1 + 4 * k**2).sqrt()
        rho = (tau - (2 * tau).sqrt()) / (2 * k)
        r = where(k < 1e-5, 1 / k + k, (1 + rho**2) / (2 * rho))
        shape = self._extended_shape(sample_shape)
        x, done = loc.new_zeros(shape), loc.new_zeros(shape) > 0
        while not bool(done.all()):
            u, v, side = uniform((3, *shape), loc).unbind()
            z = (math.pi * u).cos()
            f = (1 + r * z) / (r + z)
            c = k * (r - f)
            accept = (c * (2 - c) - v > 0) | ((c / v).log() + 1 - c >= 0)
            x = where(accept, (side - 0.5).sign() * f.acos(), x)
            done = done | accept
        return ((x + math.pi + loc) % (2 * math.pi) - math.pi).to(self.loc.dtype)

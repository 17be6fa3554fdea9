"""Distributions that are a transformed simpler one: declared by parameters, a base and transforms."""

from __future__ import annotations

import math
from typing import Any

from ..core.tensor import Tensor
from ..ops.choice import where
from ..ops.create import full_like, ones_like, zeros_like
from .categorical import ExpRelaxedCategorical
from .combined import TransformedDistribution
from .constraints import (
    dependent_property,
    greater_than_eq,
    nonnegative,
    positive,
    real,
    real_vector,
    simplex,
    unit_interval,
)
from .continuous import Cauchy, Exponential, Normal, Uniform
from .discrete import LogitRelaxedBernoulli, log_odds, probabilities
from .distribution import Declared, checked, parameter
from .positive import Gamma
from .transforms import (
    AbsTransform,
    AffineTransform,
    ExpTransform,
    PowerTransform,
    SigmoidTransform,
    StickBreakingTransform,
)
from .utils import broadcast_all, eps_of, euler_constant, tiny_of

__all__ = [
    "Gumbel", "HalfCauchy", "HalfNormal", "InverseGamma", "Kumaraswamy", "LogNormal", "LogisticNormal", "Pareto",
    "RelaxedBernoulli", "RelaxedOneHotCategorical", "Weibull",
]  # fmt: skip


class _Made(Declared, TransformedDistribution):
    """Subclasses give `_made(**parameters, validate_args)`, the base distribution and the transforms."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        given = self._given(args, kwargs)
        validate = given.pop("validate_args")
        own = [name for name in given if not self._parameters[name].inner]
        given.update(zip(own, broadcast_all(*[given[name] for name in own]), strict=True) if own else ())
        vars(self).update((name, given[name]) for name in own)
        base, transforms = self._made(**given, validate_args=validate)
        TransformedDistribution.__init__(self, base, transforms, validate_args=validate)

    _made: Any

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        new = self._get_checked_instance(_Made, _instance)
        own = [name for name in self._parameters if name in vars(self)]
        vars(new).update((name, vars(self)[name].expand(batch_shape)) for name in own)
        return TransformedDistribution.expand(self, batch_shape, _instance=new)


class LogNormal(_Made):
    """exp of a normal"""

    loc = parameter(real, inner="base_dist")
    scale = parameter(positive, inner="base_dist")
    support = positive

    def _made(self, loc: Any, scale: Any, validate_args: Any) -> Any:
        return Normal(loc, scale, validate_args=validate_args), [ExpTransform()]

    mean = property(lambda self: (self.loc + self.scale.pow(2) / 2).exp())
    mode = property(lambda self: (self.loc - self.scale.square()).exp())
    variance = property(lambda self: self.scale.pow(2).expm1() * (2 * self.loc + self.scale.pow(2)).exp())

    def entropy(self) -> Tensor:
        return self.base_dist.entropy() + self.loc


class LogisticNormal(_Made):
    """A point on the simplex: normals through `StickBreakingTransform`, (..., n) -> (..., n + 1)."""

    loc = parameter(real, inner="base_dist.base_dist")
    scale = parameter(positive, inner="base_dist.base_dist")
    support = simplex

    def _made(self, loc: Any, scale: Any, validate_args: Any) -> Any:
        base = Normal(loc, scale, validate_args=validate_args)
        return base if base.batch_shape else base.expand([1]), [StickBreakingTransform()]


class _Half(_Made):
    """|x| of a distribution around 0"""

    support = nonnegative
    mode = property(lambda self: zeros_like(self.scale))

    @checked
    def log_prob(self, value: Any) -> Tensor:
        return where(value >= 0, self.base_dist.log_prob(value) + math.log(2), -math.inf)

    @checked
    def cdf(self, value: Any) -> Tensor:
        return 2 * self.base_dist.cdf(value) - 1

    def icdf(self, value: Any) -> Tensor:
        return self.base_dist.icdf((value + 1) / 2)

    def entropy(self) -> Tensor:
        return self.base_dist.entropy() - math.log(2)


class HalfNormal(_Half):
    """|x| of a normal around 0"""

    scale = parameter(positive, inner="base_dist")

    def _made(self, scale: Any, validate_args: Any) -> Any:
        return Normal(0, scale, validate_args=False), [AbsTransform()]

    mean = property(lambda self: self.scale * math.sqrt(2 / math.pi))
    variance = property(lambda self: self.scale.pow(2) * (1 - 2 / math.pi))


class HalfCauchy(_Half):
    """|x| of a Cauchy around 0"""

    scale = parameter(positive, inner="base_dist")

    def _made(self, scale: Any, validate_args: Any) -> Any:
        return Cauchy(0, scale, validate_args=False), [AbsTransform()]

    mean = property(lambda self: full_like(self.scale, math.inf))
    variance = property(lambda self: self.base_dist.variance)


class Gumbel(_Made):
    """The distribution function is exp(-exp(-(x - loc) / scale))."""

    loc = parameter(real)
    scale = parameter(positive)
    support = real

    def _made(self, loc: Any, scale: Any, validate_args: Any) -> Any:
        base = Uniform(full_like(loc, tiny_of(loc)), full_like(loc, 1 - eps_of(loc)), validate_args=validate_args)
        log = ExpTransform().inv
        return base, [log, AffineTransform(0, -ones_like(scale)), log, AffineTransform(loc, -scale)]

    mean = property(lambda self: self.loc + self.scale * euler_constant)
    mode = property(lambda self: self.loc)
    stddev = property(lambda self: math.pi / math.sqrt(6) * self.scale)
    variance = property(lambda self: self.stddev.pow(2))

    @checked
    def log_prob(self, value: Any) -> Tensor:
        y = (self.loc - value) / self.scale
        return y - y.exp() - self.scale.log()

    def entropy(self) -> Tensor:
        return self.scale.log() + (1 + euler_constant)


class Pareto(_Made):
    """alpha scale^alpha / x^(alpha + 1) from x = scale on."""

    scale = parameter(positive)
    alpha = parameter(positive)
    arg_constraints = {"alpha": positive, "scale": positive}

    @dependent_property(is_discrete=False, event_dim=0)
    def support(self) -> Any:
        return greater_than_eq(self.scale)

    def _made(self, scale: Any, alpha: Any, validate_args: Any) -> Any:
        return Exponential(alpha, validate_args=validate_args), [ExpTransform(), AffineTransform(0, scale)]

    mode = property(lambda self: self.scale)

    @property
    def mean(self) -> Tensor:
        """Infinite for alpha <= 1."""
        a = self.alpha.clamp(min=1)
        return a * self.scale / (a - 1)

    @property
    def variance(self) -> Tensor:
        """Infinite for alpha <= 2."""
        a = self.alpha.clamp(min=2)
        return self.scale.pow(2) * a / ((a - 1).pow(2) * (a - 2))

    def entropy(self) -> Tensor:
        return (self.scale / self.alpha).log() + (1 + self.alpha.reciprocal())


class Weibull(_Made):
    """The distribution function is 1 - exp(-(x / scale)^concentration)."""

    scale = parameter(positive)
    concentration = parameter(positive)
    support = positive

    def _made(self, scale: Any, concentration: Any, validate_args: Any) -> Any:
        base = Exponential(ones_like(scale), validate_args=validate_args)
        return base, [PowerTransform(concentration.reciprocal()), AffineTransform(0, scale)]

    concentration_reciprocal = property(lambda self: self.concentration.reciprocal())

    def _moment(self, n: int) -> Tensor:
        """E (x / scale)^n"""
        return (1 + n * self.concentration_reciprocal).lgamma().exp()

    mean = property(lambda self: self.scale * self._moment(1))
    mode = property(
        lambda self: self.scale * ((self.concentration - 1) / self.concentration) ** self.concentration_reciprocal
    )
    variance = property(lambda self: self.scale.pow(2) * (self._moment(2) - self._moment(1).pow(2)))

    def entropy(self) -> Tensor:
        inverse = self.concentration_reciprocal
        return euler_constant * (1 - inverse) + (self.scale * inverse).log() + 1


class Kumaraswamy(_Made):
    """The distribution function is 1 - (1 - x^a)^b on [0, 1], a = concentration1 and b = concentration0."""

    concentration1 = parameter(positive)
    concentration0 = parameter(positive)
    support = unit_interval

    def _made(self, concentration1: Any, concentration0: Any, validate_args: Any) -> Any:
        base = Uniform(zeros_like(concentration0), ones_like(concentration0), validate_args=validate_args)
        return base, [
            PowerTransform(concentration0.reciprocal()), AffineTransform(1.0, -1.0),
            PowerTransform(concentration1.reciprocal()),
        ]  # fmt: skip

    def _moment(self, n: int) -> Tensor:
        """E x^n = b B(1 + n / a, b)"""
        first, b = 1 + n / self.concentration1, self.concentration0
        return b * (first.lgamma() + b.lgamma() - (first + b).lgamma()).exp()

    mean = property(lambda self: self._moment(1))
    variance = property(lambda self: self._moment(2) - self._moment(1).pow(2))

    @property
    def mode(self) -> Tensor:
        """Not a number where a or b is below 1."""
        a, b = self.concentration1, self.concentration0
        log_mode = b.reciprocal() * (-b).log1p() - (-b * a).log1p()
        return where((a < 1) | (b < 1), math.nan, log_mode).exp()

    def entropy(self) -> Tensor:
        a, b = self.concentration1, self.concentration0
        harmonic = (b + 1).digamma() + euler_constant
        return 1 - b.reciprocal() + (1 - a.reciprocal()) * harmonic - a.log() - b.log()


class InverseGamma(_Made):
    """1 / x of a gamma number."""

    concentration = parameter(positive, inner="base_dist")
    rate = parameter(positive, inner="base_dist")
    support = positive

    def _made(self, concentration: Any, rate: Any, validate_args: Any) -> Any:
        base = Gamma(concentration, rate, validate_args=validate_args)
        return base, [PowerTransform(-base.rate.new_ones(()))]

    mode = property(lambda self: self.rate / (self.concentration + 1))

    @property
    def mean(self) -> Tensor:
        """Infinite for a concentration of 1 or less."""
        return where(self.concentration > 1, self.rate / (self.concentration - 1), math.inf)

    @property
    def variance(self) -> Tensor:
        """Infinite for a concentration of 2 or less."""
        a = self.concentration
        return where(a > 2, self.rate.square() / ((a - 1).square() * (a - 2)), math.inf)

    def entropy(self) -> Tensor:
        a = self.concentration
        return a + self.rate.log() + a.lgamma() - (1 + a) * a.digamma()


class RelaxedBernoulli(_Made):
    """A number in (0, 1) that nears a Bernoulli one as the temperature falls to 0.

    Sources: Maddison, Mnih and Teh 2017, arXiv:1611.00712; Jang, Gu and Poole 2017, arXiv:1611.01144.
    """

    temperature = parameter(kept=True, inner="base_dist")
    probs = probabilities(inner="base_dist")
    logits = log_odds(inner="base_dist")
    support = unit_interval
    has_rsample = True

    def _made(self, validate_args: Any, **parameters: Any) -> Any:
        return LogitRelaxedBernoulli(**parameters, validate_args=validate_args), [SigmoidTransform()]


class RelaxedOneHotCategorical(_Made):
    """A point on the simplex that nears a one-hot vector as the temperature falls to 0; sources as for
    `RelaxedBernoulli`."""

    temperature = parameter(kept=True, inner="base_dist")
    probs = parameter(simplex, otherwise=lambda self: None, inner="base_dist")
    logits = parameter(real_vector, otherwise=lambda self: None, inner="base_dist")
    support = simplex
    has_rsample = True

    def _made(self, validate_args: Any, **parameters: Any) -> Any:
        return ExpRelaxedCategorical(**parameters, validate_args=validate_args), [ExpTransform()]

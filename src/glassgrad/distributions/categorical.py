"""Choices among n categories: an index, a one-hot vector, counts of many choices, a relaxed one-hot vector."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from ..core.size import Size
from ..core.tensor import Tensor
from ..ops.choice import where
from ..ops.create import arange, eye, full_like, ones_like
from ..ops.gather import gather, one_hot
from ..ops.randoms import multinomial as choices
from ..ops.shape import broadcast_tensors
from .constraints import (
    dependent_property,
    integer_interval,
    multinomial,
    real_vector,
    simplex,
)
from .constraints import (
    one_hot as one_hot_vector,
)
from .discrete import Binomial
from .distribution import Distribution, checked
from .utils import broadcast_all, clamp_probs, finfo, lazy_property, logits_to_probs, probs_to_logits, uniform

__all__ = [
    "Categorical",
    "ExpRelaxedCategorical",
    "Multinomial",
    "OneHotCategorical",
    "OneHotCategoricalStraightThrough",
]

ARGUMENTS = {"probs": simplex, "logits": real_vector}


class Categorical(Distribution):
    """An index 0 ... n - 1 with probabilities probs / sum(probs), or softmax(logits): (..., n)."""

    arg_constraints = ARGUMENTS
    has_enumerate_support = True

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        if (probs is None) == (logits is None):
            raise ValueError("Either `probs` or `logits` must be specified, but not both.")
        name, given = ("logits", logits) if probs is None else ("probs", probs)
        if given.dim() < 1:
            raise ValueError(f"`{name}` parameter must be at least one-dimensional.")
        if probs is None:
            self.logits = self._param = logits - logits.logsumexp(dim=-1, keepdim=True)
        else:
            self.probs = self._param = probs / probs.sum(-1, keepdim=True)
        self._num_events = self._param.size()[-1]
        super().__init__(self._param.size()[:-1], validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        shape = Size(batch_shape) + (self._num_events,)
        made = {name: vars(self)[name].expand(shape) for name in ARGUMENTS if name in vars(self)}
        param = made["probs" if self._param is vars(self).get("probs") else "logits"]
        return self._expanded(Categorical, _instance, batch_shape, _param=param, _num_events=self._num_events, **made)

    @dependent_property(is_discrete=True, event_dim=0)
    def support(self) -> Any:
        return integer_interval(0, self._num_events - 1)

    @lazy_property
    def logits(self) -> Tensor:
        return probs_to_logits(self.probs)

    @lazy_property
    def probs(self) -> Tensor:
        return logits_to_probs(self.logits)

    param_shape = property(lambda self: self._param.size())
    mean = variance = property(lambda self: full_like(self._param[..., 0], math.nan))
    mode = property(lambda self: self.probs.argmax(dim=-1))

    def sample(self, sample_shape: Any = ()) -> Tensor:
        sample_shape = Size(sample_shape)
        rows = self.probs.detach().reshape(-1, self._num_events)
        return choices(rows, sample_shape.numel(), True).T.reshape(self._extended_shape(sample_shape))

    @checked
    def log_prob(self, value: Any) -> Tensor:
        index, logits = broadcast_tensors(value.long().unsqueeze(-1), self.logits)
        return gather(logits, -1, index[..., :1]).squeeze(-1)

    def entropy(self) -> Tensor:
        return -(self.logits.clamp(min=float(finfo(self.logits).min)) * self.probs).sum(-1)

    def enumerate_support(self, expand: bool = True) -> Tensor:
        values = arange(self._num_events, device=self._param.device).view((-1,) + (1,) * len(self._batch_shape))
        return values.expand((-1, *self._batch_shape)) if expand else values


class _OverCategorical(Distribution):
    """The base of those that are about a `_categorical`, with the same parameters and vectors for events.

    `_kept` names what else an instance keeps when it is expanded.
    """

    arg_constraints = ARGUMENTS
    _kept: ClassVar[tuple[str, ...]] = ()
    _categorical: Categorical

    def _over(self, categorical: Categorical, validate_args: bool | None) -> None:
        self._categorical = categorical
        Distribution.__init__(self, categorical.batch_shape, categorical.param_shape[-1:], validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        kept = {name: getattr(self, name) for name in self._kept}
        inner = self._categorical.expand(batch_shape)
        cls = next(c for c in type(self).__mro__ if c.__module__ == __name__)
        return self._expanded(cls, _instance, batch_shape, self.event_shape, _categorical=inner, **kept)

    probs = property(lambda self: self._categorical.probs)
    logits = property(lambda self: self._categorical.logits)
    param_shape = property(lambda self: self._categorical.param_shape)
    _param = property(lambda self: self._categorical._param)


class OneHotCategorical(_OverCategorical):
    """A `Categorical` whose values are one-hot vectors."""

    support = one_hot_vector
    has_enumerate_support = True

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        self._over(Categorical(probs, logits, validate_args), validate_args)

    mean = property(lambda self: self.probs)
    variance = property(lambda self: self.probs * (1 - self.probs))
    mode = property(lambda self: self._one_hot(self._categorical.mode))

    def _one_hot(self, index: Tensor) -> Tensor:
        return one_hot(index, self.event_shape[0]).to(self.probs.dtype)

    def sample(self, sample_shape: Any = ()) -> Tensor:
        return self._one_hot(self._categorical.sample(sample_shape))

    @checked
    def log_prob(self, value: Any) -> Tensor:
        return self._categorical.log_prob(value.max(-1)[1])

    def entropy(self) -> Tensor:
        return self._categorical.entropy()

    def enumerate_support(self, expand: bool = True) -> Tensor:
        n = self.event_shape[0]
        values = eye(n, dtype=self._param.dtype, device=self._param.device)
        values = values.view((n,) + (1,) * len(self.batch_shape) + (n,))
        return values.expand((n, *self.batch_shape, n)) if expand else values


class OneHotCategoricalStraightThrough(OneHotCategorical):
    """One-hot samples whose gradient is that of the probabilities. Source: Bengio et al. 2013, arXiv:1308.3432."""

    has_rsample = True

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        samples = self.sample(sample_shape)
        return samples + (self.probs - self.probs.detach())


class Multinomial(_OverCategorical):
    """How often each category is chosen in total_count choices."""

    _kept = ("total_count",)

    def __init__(
        self, total_count: int = 1, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        if not isinstance(total_count, int):
            raise NotImplementedError("inhomogeneous total_count is not supported")
        self.total_count = total_count
        self._over(Categorical(probs, logits, validate_args), validate_args)

    @dependent_property(is_discrete=True, event_dim=1)
    def support(self) -> Any:
        return multinomial(self.total_count)

    mean = property(lambda self: self.probs * self.total_count)
    variance = property(lambda self: self.total_count * self.probs * (1 - self.probs))

    def sample(self, sample_shape: Any = ()) -> Tensor:
        drawn = self._categorical.sample(Size((self.total_count,)) + Size(sample_shape))
        drawn = drawn.movedim(0, -1)
        counts = drawn.new_zeros(self._extended_shape(sample_shape))
        return counts.scatter_add_(-1, drawn, ones_like(drawn)).to(self.probs.dtype)

    def entropy(self) -> Tensor:
        """n H - log n! + the sum of E log x_i!, x_i binomial."""
        n = self.total_count
        count = Binomial(n, self.probs, validate_args=False)
        ways = arange(1, n + 1, dtype=self.probs.dtype).view((-1,) + (1,) * self.probs.dim())
        return n * self._categorical.entropy() - math.lgamma(n + 1) + (
            count.log_prob(ways).exp() * (ways + 1).lgamma()
        ).sum((0, -1))  # fmt: skip

    @checked
    def log_prob(self, value: Any) -> Tensor:
        logits, value = broadcast_all(self.logits, value)
        logits = where((value == 0) & (logits == -math.inf), 0.0, logits)
        ways = (value.sum(-1) + 1).lgamma() - (value + 1).lgamma().sum(-1)
        return ways + (logits * value).sum(-1)


class ExpRelaxedCategorical(_OverCategorical):
    """The logarithm of a `RelaxedOneHotCategorical`. Source: Maddison, Mnih and Teh 2017, arXiv:1611.00712."""

    support = real_vector
    has_rsample = True
    _kept = ("temperature",)

    def __init__(
        self, temperature: Any, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        self.temperature = temperature
        self._over(Categorical(probs, logits, validate_args), validate_args)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        u = clamp_probs(uniform(self._extended_shape(sample_shape), self.logits))
        scores = (self.logits - (-u.log()).log()) / self.temperature
        return scores - scores.logsumexp(dim=-1, keepdim=True)

    @checked
    def log_prob(self, value: Any) -> Tensor:
        n = self._categorical._num_events
        logits, value = broadcast_all(self.logits, value)
        scale = full_like(self.temperature, math.lgamma(n)) + (n - 1) * self.temperature.log()
        score = logits - value * self.temperature
        return (score - score.logsumexp(dim=-1, keepdim=True)).sum(-1) + scale

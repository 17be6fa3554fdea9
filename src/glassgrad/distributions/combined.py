"""Distributions made of others: batch dims read as events, mixtures, transformed ones."""

from __future__ import annotations

from typing import Any

from ..core.modes import no_grad
from ..core.size import Size
from ..core.tensor import Tensor
from ..ops.gather import gather
from ..ops.neural import log_softmax
from .categorical import Categorical
from .constraints import MixtureSameFamilyConstraint, dependent_property, independent
from .distribution import Distribution, checked
from .transforms import ComposeTransform, Transform
from .utils import sum_rightmost

__all__ = ["Independent", "MixtureSameFamily", "TransformedDistribution"]


class Independent(Distribution):
    """The base distribution with its last batch dims read as dims of one event: log_prob sums over them."""

    arg_constraints: Any = {}

    def __init__(
        self, base_distribution: Distribution, reinterpreted_batch_ndims: int, validate_args: bool | None = None
    ) -> None:
        dims = len(base_distribution.batch_shape)
        if reinterpreted_batch_ndims > dims:
            raise ValueError(
                "Expected reinterpreted_batch_ndims <= len(base_distribution.batch_shape), actual "
                f"{reinterpreted_batch_ndims} vs {dims}"
            )
        self.base_dist = base_distribution
        self.reinterpreted_batch_ndims = reinterpreted_batch_ndims
        shape, cut = base_distribution.batch_shape + base_distribution.event_shape, dims - reinterpreted_batch_ndims
        super().__init__(shape[:cut], shape[cut:], validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        ndims = self.reinterpreted_batch_ndims
        base = self.base_dist.expand(Size(batch_shape) + self.event_shape[:ndims])
        return self._expanded(
            Independent, _instance, batch_shape, self.event_shape, base_dist=base, reinterpreted_batch_ndims=ndims
        )

    has_rsample = property(lambda self: self.base_dist.has_rsample)
    has_enumerate_support = property(
        lambda self: self.reinterpreted_batch_ndims == 0 and self.base_dist.has_enumerate_support
    )
    mean = property(lambda self: self.base_dist.mean)
    mode = property(lambda self: self.base_dist.mode)
    variance = property(lambda self: self.base_dist.variance)

    @dependent_property
    def support(self) -> Any:
        inner, ndims = self.base_dist.support, self.reinterpreted_batch_ndims
        return independent(inner, ndims) if ndims else inner

    def sample(self, sample_shape: Any = ()) -> Tensor:
        return self.base_dist.sample(sample_shape)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        return self.base_dist.rsample(sample_shape)

    def log_prob(self, value: Any) -> Tensor:
        return sum_rightmost(self.base_dist.log_prob(value), self.reinterpreted_batch_ndims)

    def entropy(self) -> Tensor:
        return sum_rightmost(self.base_dist.entropy(), self.reinterpreted_batch_ndims)

    def enumerate_support(self, expand: bool = True) -> Tensor:
        if self.reinterpreted_batch_ndims > 0:
            raise NotImplementedError("Enumeration over cartesian product is not implemented")
        return self.base_dist.enumerate_support(expand=expand)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.base_dist}, {self.reinterpreted_batch_ndims})"


class MixtureSameFamily(Distribution):
    """A component, along the last batch dim of the component distribution, chosen by a `Categorical`."""

    arg_constraints: Any = {}

    def __init__(
        self, mixture_distribution: Any, component_distribution: Any, validate_args: bool | None = None
    ) -> None:
        if not isinstance(mixture_distribution, Categorical):
            raise ValueError(" The Mixture distribution needs to be an  instance of torch.distributions.Categorical")
        if not isinstance(component_distribution, Distribution):
            raise ValueError("The Component distribution needs to be an instance of torch.distributions.Distribution")
        chosen, batch = mixture_distribution.batch_shape, component_distribution.batch_shape[:-1]
        if any(a != 1 and b != 1 and a != b for a, b in zip(reversed(chosen), reversed(batch), strict=False)):
            raise ValueError(
                f"`mixture_distribution.batch_shape` ({chosen}) is not compatible with "
                f"`component_distribution.batch_shape`({batch})"
            )
        size, components = mixture_distribution.logits.shape[-1], component_distribution.batch_shape[-1]
        if size != components:
            raise ValueError(
                f"`mixture_distribution component` ({size}) does not equal `component_distribution.batch_shape[-1]` "
                f"({components})"
            )
        self._mixture_distribution, self._component_distribution = mixture_distribution, component_distribution
        super().__init__(batch, component_distribution.event_shape, validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        components = self.mixture_distribution.param_shape[-1]
        return self._expanded(
            MixtureSameFamily, _instance, batch_shape, self.event_shape,
            _mixture_distribution=self.mixture_distribution.expand(batch_shape),
            _component_distribution=self.component_distribution.expand(Size(batch_shape) + (components,)),
        )  # fmt: skip

    mixture_distribution = property(lambda self: self._mixture_distribution)
    component_distribution = property(lambda self: self._component_distribution)

    @dependent_property
    def support(self) -> Any:
        return MixtureSameFamilyConstraint(self.component_distribution.support)

    @property
    def _dim(self) -> int:
        """The dim of the components, counted from the right."""
        return -1 - len(self._event_shape)

    def _weights(self) -> Tensor:
        """(..., components, 1, ...) with a 1 for each dim of an event."""
        probs = self.mixture_distribution.probs
        return probs.reshape(tuple(probs.shape) + (1,) * len(self._event_shape))

    @property
    def mean(self) -> Tensor:
        return (self._weights() * self.component_distribution.mean).sum(self._dim)

    @property
    def variance(self) -> Tensor:
        """The mean of the variances and the variance of the means."""
        parts, weights = self.component_distribution, self._weights()
        gaps = parts.mean - self.mean.unsqueeze(self._dim)
        return (weights * parts.variance).sum(self._dim) + (weights * gaps.pow(2.0)).sum(self._dim)

    def cdf(self, x: Any) -> Tensor:
        below = self.component_distribution.cdf(x.unsqueeze(self._dim))
        return (below * self.mixture_distribution.probs).sum(-1)

    @checked
    def log_prob(self, x: Any) -> Tensor:
        log_prob = self.component_distribution.log_prob(x.unsqueeze(self._dim))
        return (log_prob + log_softmax(self.mixture_distribution.logits, dim=-1)).logsumexp(dim=-1)

    def sample(self, sample_shape: Any = ()) -> Tensor:
        """A component of each is chosen, then all components are drawn and the chosen ones taken."""
        with no_grad():
            dim = len(sample_shape) + len(self.batch_shape)
            chosen = self.mixture_distribution.sample(sample_shape)
            drawn = self.component_distribution.sample(sample_shape)
            event = self.event_shape
            index = chosen.reshape(tuple(chosen.shape) + (1,) * (len(event) + 1))
            return gather(drawn, dim, index.expand((*chosen.shape, 1, *event))).squeeze(dim)

    def __repr__(self) -> str:
        return f"MixtureSameFamily(\n  {self.mixture_distribution},\n  {self.component_distribution})"


class TransformedDistribution(Distribution):
    """What transforms, one after the other, make of a base distribution's numbers."""

    arg_constraints: Any = {}

    def __init__(self, base_distribution: Any, transforms: Any, validate_args: bool | None = None) -> None:
        self.transforms = [transforms] if isinstance(transforms, Transform) else transforms
        if not isinstance(self.transforms, list):
            raise ValueError(f"transforms must be a Transform or list, but was {transforms}")
        if not all(isinstance(t, Transform) for t in self.transforms):
            raise ValueError("transforms must be a Transform or a list of Transforms")
        whole = ComposeTransform(self.transforms)
        shape, base_dim = (
            base_distribution.batch_shape + base_distribution.event_shape,
            len(base_distribution.event_shape),
        )
        domain, codomain = whole.domain.event_dim, whole.codomain.event_dim
        if len(shape) < domain:
            raise ValueError(f"base_distribution needs to have shape with size at least {domain}, but got {shape}.")
        made = whole.forward_shape(shape)
        needed = whole.inverse_shape(made)
        if needed != shape:
            base_distribution = base_distribution.expand(needed[: len(needed) - base_dim])
        if domain > base_dim:
            base_distribution = Independent(base_distribution, domain - base_dim)
        self.base_dist = base_distribution
        cut = len(made) - max(codomain, base_dim + codomain - domain)
        super().__init__(made[:cut], made[cut:], validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        shape = ComposeTransform(self.transforms).inverse_shape(Size(batch_shape) + self.event_shape)
        base = self.base_dist.expand(shape[: len(shape) - len(self.base_dist.event_shape)])
        return self._expanded(
            TransformedDistribution,
            _instance,
            batch_shape,
            self.event_shape,
            base_dist=base,
            transforms=self.transforms,
        )

    has_rsample = property(lambda self: self.base_dist.has_rsample)

    @dependent_property(is_discrete=False)
    def support(self) -> Any:
        if not self.transforms:
            return self.base_dist.support
        support = self.transforms[-1].codomain
        more = len(self.event_shape) - support.event_dim
        return independent(support, more) if more > 0 else support

    def _moved(self, x: Tensor) -> Tensor:
        for transform in self.transforms:
            x = transform(x)
        return x

    def sample(self, sample_shape: Any = ()) -> Tensor:
        with no_grad():
            return self._moved(self.base_dist.sample(sample_shape))

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        return self._moved(self.base_dist.rsample(sample_shape))

    @checked
    def log_prob(self, value: Any) -> Tensor:
        """log p(x) - sum log |dy / dx|, going back through the transforms."""
        dims, y, total = len(self.event_shape), value, 0.0
        for transform in reversed(self.transforms):
            x = transform.inv(y)
            dims += transform.domain.event_dim - transform.codomain.event_dim
            total = total - sum_rightmost(transform.log_abs_det_jacobian(x, y), dims - transform.domain.event_dim)
            y = x
        return total + sum_rightmost(self.base_dist.log_prob(y), dims - len(self.base_dist.event_shape))

    def _rising(self, value: Any) -> Any:
        """A probability of the base distribution as one of this, or back: 1 - value if the transforms fall."""
        sign: Any = 1
        for transform in self.transforms:
            sign = sign * transform.sign
        return value if isinstance(sign, int) and sign == 1 else sign * (value - 0.5) + 0.5

    def cdf(self, value: Any) -> Tensor:
        for transform in reversed(self.transforms):
            value = transform.inv(value)
        if self._validate_args:
            self.base_dist._validate_sample(value)
        return self._rising(self.base_dist.cdf(value))

    def icdf(self, value: Any) -> Tensor:
        return self._moved(self.base_dist.icdf(self._rising(value)))

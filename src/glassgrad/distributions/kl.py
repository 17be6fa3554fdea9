"""Kullback-Leibler divergences: KL(p || q) = E_p log p(x) - E_p log q(x), a table of functions by the two classes.

Where q's log density is a sum of few functions of x, only their means under p are needed, besides p's entropy: one
row of CROSS serves every p. At the edge, where the supports have one end in common, the divergence is the
finite number it is; PyTorch says inf for a continuous Bernoulli and a uniform distribution on [0, 1].
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

from ..core.provenance import warn
from ..ops.activations import softplus
from ..ops.choice import where
from ..ops.create import full_like
from ..ops.shape import broadcast_shapes
from ..ops.solve import solve_triangular
from ..ops.special import erf, xlogy
from .categorical import Categorical, OneHotCategorical
from .combined import Independent, TransformedDistribution
from .continuous import Cauchy, Exponential, Laplace, Normal, Uniform
from .discrete import Bernoulli, Binomial, ContinuousBernoulli, Geometric, Poisson
from .distribution import Distribution, ExponentialFamily
from .multivariate import LowRankMultivariateNormal, MultivariateNormal, log_diagonal, mahalanobis
from .positive import Beta, Dirichlet, Gamma
from .transformed import Gumbel, HalfNormal, Pareto
from .utils import euler_constant, sum_rightmost

__all__ = ["kl_divergence", "register_kl"]

Divergence = Callable[[Any, Any], Any]

_TABLE: dict[tuple[type, type], Divergence] = {}
_FOUND: dict[tuple[type, type], Divergence | None] = {}


def register_kl(type_p: type, type_q: type) -> Callable[[Divergence], Divergence]:
    """Decorator: f(p, q) is the divergence of a type_p from a type_q, and of their subclasses."""
    for name, kind in (("type_p", type_p), ("type_q", type_q)):
        if not (isinstance(kind, type) and issubclass(kind, Distribution)):
            raise TypeError(f"Expected {name} to be a Distribution subclass but got {kind}")

    def register(f: Divergence) -> Divergence:
        _TABLE[type_p, type_q] = f
        _FOUND.clear()
        return f

    return register


def _find(kind_p: type, kind_q: type) -> Divergence | None:
    """The function for the nearest classes: nearest to p's first, or to q's first; a warning if they differ."""
    matches = [(p, q) for p, q in _TABLE if issubclass(kind_p, p) and issubclass(kind_q, q)]
    if not matches:
        return None

    def near(pair: tuple[type, type]) -> tuple[int, int]:
        return kind_p.__mro__.index(pair[0]), kind_q.__mro__.index(pair[1])

    left, right = min(matches, key=near), min(matches, key=lambda pair: near(pair)[::-1])
    if _TABLE[left] is not _TABLE[right]:
        warn(
            f"Ambiguous kl_divergence({kind_p.__name__}, {kind_q.__name__}). Please register_kl({left[0].__name__}, "
            f"{right[1].__name__})",
            RuntimeWarning,
        )
    return _TABLE[left]


def kl_divergence(p: Distribution, q: Distribution) -> Any:
    """KL(p || q), the mean under p of log p(x) / q(x): of shape batch_shape.

    Raises NotImplementedError for a pair of distributions that isn't in the table.
    """
    kinds = type(p), type(q)
    if kinds not in _FOUND:
        _FOUND[kinds] = _find(*kinds)
    f = _FOUND[kinds]
    if f is None:
        raise NotImplementedError(
            f"No KL(p || q) is implemented for p type {kinds[0].__name__} and q type {kinds[1].__name__}"
        )
    return f(p, q)


# --- of a distribution from another of its family ---


@register_kl(Bernoulli, Bernoulli)
def _bernoulli(p: Any, q: Any) -> Any:
    yes = p.probs * (softplus(-q.logits) - softplus(-p.logits))
    no = (1 - p.probs) * (softplus(q.logits) - softplus(p.logits))
    yes = where(p.probs == 0, 0.0, where(q.probs == 0, math.inf, yes))
    return yes + where(p.probs == 1, 0.0, where(q.probs == 1, math.inf, no))


@register_kl(Beta, Beta)
def _beta(p: Any, q: Any) -> Any:
    return _dirichlet(p._dirichlet, q._dirichlet)


@register_kl(Binomial, Binomial)
def _binomial(p: Any, q: Any) -> Any:
    if bool((p.total_count < q.total_count).any()):
        raise NotImplementedError("KL between Binomials where q.total_count > p.total_count is not implemented")
    each = p.probs * (p.logits - q.logits) + (-p.probs).log1p() - (-q.probs).log1p()
    return where(p.total_count > q.total_count, math.inf, p.total_count * each)


@register_kl(Categorical, Categorical)
def _categorical(p: Any, q: Any) -> Any:
    each = p.probs * (p.logits - q.logits)
    return where(p.probs == 0, 0.0, where(q.probs == 0, math.inf, each)).sum(-1)


@register_kl(OneHotCategorical, OneHotCategorical)
def _one_hot(p: Any, q: Any) -> Any:
    return _categorical(p._categorical, q._categorical)


@register_kl(Cauchy, Cauchy)
def _cauchy(p: Any, q: Any) -> Any:
    """Source: Chyzak and Nielsen 2019, arXiv:1905.10965."""
    return ((p.scale + q.scale).pow(2) + (p.loc - q.loc).pow(2)).log() - (4 * p.scale * q.scale).log()


@register_kl(Dirichlet, Dirichlet)
def _dirichlet(p: Any, q: Any) -> Any:
    a, b = p.concentration, q.concentration
    total = a.sum(-1)
    volume = total.lgamma() - b.sum(-1).lgamma() - (a.lgamma() - b.lgamma()).sum(-1)
    return volume + ((a - b) * (a.digamma() - total.digamma().unsqueeze(-1))).sum(-1)


@register_kl(Exponential, Exponential)
def _exponential(p: Any, q: Any) -> Any:
    ratio = q.rate / p.rate
    return -ratio.log() + ratio - 1


@register_kl(ExponentialFamily, ExponentialFamily)
def _family(p: Any, q: Any) -> Any:
    """The Bregman divergence of the log normalizers. Source: Nielsen and Nock 2010."""
    if type(p) is not type(q):
        raise NotImplementedError(
            "The cross KL-divergence between different exponential families cannot be computed using "
            "Bregman divergences"
        )
    natural, normalizer, means = p._bregman()
    result = q._log_normalizer(*q._natural_params) - normalizer
    for x, y, mean in zip(natural, q._natural_params, means, strict=True):
        result = result - sum_rightmost((y - x) * mean, len(q.event_shape))
    return result


@register_kl(Gamma, Gamma)
def _gamma(p: Any, q: Any) -> Any:
    a, b = p.concentration, q.concentration
    scales = b * (p.rate / q.rate).log() + (q.rate - p.rate) * (a / p.rate)
    return scales + b.lgamma() - a.lgamma() + (a - b) * a.digamma()


@register_kl(Geometric, Geometric)
def _geometric(p: Any, q: Any) -> Any:
    return -p.entropy() - (-q.probs).log1p() / p.probs - q.logits


@register_kl(Gumbel, Gumbel)
def _gumbel(p: Any, q: Any) -> Any:
    ratio, gap = p.scale / q.scale, (q.loc - p.loc) / q.scale
    return -ratio.log() - gap + ratio * euler_constant + (gap + (1 + ratio).lgamma()).exp() - (1 + euler_constant)


@register_kl(HalfNormal, HalfNormal)
def _half_normal(p: Any, q: Any) -> Any:
    return _normal(p.base_dist, q.base_dist)


@register_kl(Independent, Independent)
def _independent(p: Any, q: Any) -> Any:
    if p.reinterpreted_batch_ndims != q.reinterpreted_batch_ndims:
        raise NotImplementedError("KL between Independents of different reinterpreted_batch_ndims")
    return sum_rightmost(kl_divergence(p.base_dist, q.base_dist), p.reinterpreted_batch_ndims)


@register_kl(Laplace, Laplace)
def _laplace(p: Any, q: Any) -> Any:
    ratio, gap = p.scale / q.scale, (p.loc - q.loc).abs()
    return -ratio.log() + gap / q.scale + ratio * (-gap / p.scale).exp() - 1


@register_kl(Normal, Normal)
def _normal(p: Any, q: Any) -> Any:
    ratio = (p.scale / q.scale).pow(2)
    return 0.5 * (ratio + ((p.loc - q.loc) / q.scale).pow(2) - 1 - ratio.log())


@register_kl(Pareto, Pareto)
def _pareto(p: Any, q: Any) -> Any:
    ratio = q.alpha / p.alpha
    result = q.alpha * (p.scale / q.scale).log() - ratio.log() + ratio - 1
    return where(p.scale < q.scale, math.inf, result)


@register_kl(Poisson, Poisson)
def _poisson(p: Any, q: Any) -> Any:
    return p.rate * (p.rate.log() - q.rate.log()) - (p.rate - q.rate)


@register_kl(TransformedDistribution, TransformedDistribution)
def _transformed(p: Any, q: Any) -> Any:
    if p.transforms != q.transforms or p.event_shape != q.event_shape:
        raise NotImplementedError("KL between TransformedDistributions needs equal transforms and event shapes")
    return kl_divergence(p.base_dist, q.base_dist)


@register_kl(Uniform, Uniform)
def _uniform(p: Any, q: Any) -> Any:
    result = ((q.high - q.low) / (p.high - p.low)).log()
    return where((q.low > p.low) | (q.high < p.high), math.inf, result)


# --- normals in many dimensions ---


def _squares(matrix: Any) -> Any:
    """The trace of M M^T."""
    return matrix.pow(2).sum((-2, -1))


def _log_det(d: Any) -> Any:
    return d._log_det() if isinstance(d, LowRankMultivariateNormal) else 2 * log_diagonal(d._factor)


def _roots(d: Any) -> list[Any]:
    """Matrices M_i, (..., n, k_i), the sum of whose M_i M_i^T is the covariance."""
    if isinstance(d, LowRankMultivariateNormal):
        return [d._factor, d._diag.sqrt().diag_embed()]
    return [d._factor]


def _spread(q: Any, root: Any) -> Any:
    """The trace of C_q^-1 M M^T."""
    if isinstance(q, LowRankMultivariateNormal):
        return _squares(root * q._diag.rsqrt().unsqueeze(-1)) - _squares(q._half @ root)
    shape = broadcast_shapes(q._factor.shape[:-2], root.shape[:-2])
    factor, root = (m.expand((*shape, *m.shape[-2:])) for m in (q._factor, root))
    return _squares(solve_triangular(factor, root, upper=False))


def _multivariate(p: Any, q: Any) -> Any:
    if p.event_shape != q.event_shape:
        raise ValueError(
            "KL-divergence between two (Low Rank) Multivariate Normals with different event shapes cannot be computed"
        )
    gap = q.loc - p.loc
    distance = q._distance(gap) if isinstance(q, LowRankMultivariateNormal) else mahalanobis(q._factor, gap)
    spread = sum(_spread(q, root) for root in _roots(p))
    return 0.5 * (_log_det(q) - _log_det(p) + spread + distance - p.event_shape[0])


VECTORS = (MultivariateNormal, LowRankMultivariateNormal)
for _one, _other in itertools.product(VECTORS, VECTORS):
    register_kl(_one, _other)(_multivariate)

# --- of different families ---


def _mean_log(p: Any) -> Any:
    """E log x"""
    if isinstance(p, Beta):
        return p.concentration1.digamma() - (p.concentration1 + p.concentration0).digamma()
    if isinstance(p, Exponential):
        return -euler_constant - p.rate.log()
    if isinstance(p, Pareto):
        return p.scale.log() + p.alpha.reciprocal()
    return _uniform_mean_log(p.low, p.high)


def _uniform_mean_log(low: Any, high: Any) -> Any:
    """The mean of log x between two positive numbers."""
    return (xlogy(high, high) - xlogy(low, low)) / (high - low) - 1


def _laplace_transform(p: Any, s: Any) -> Any:
    """E exp(-s x)"""
    if isinstance(p, Exponential):
        return p.rate / (p.rate + s)
    if isinstance(p, Gamma):
        return (1 + s / p.rate).pow(-p.concentration)
    if isinstance(p, Normal):
        return (-p.loc * s + 0.5 * (p.scale * s).pow(2)).exp()
    return ((-s * p.low).exp() - (-s * p.high).exp()) / (s * (p.high - p.low))


def _of_bernoulli(p: Any, q: Any) -> Any:
    """x is 0 or 1, so log x! is 0."""
    return q.rate - p.probs * q.rate.log()


def _of_beta(p: Any, q: Any) -> Any:
    a, b = q.concentration1, q.concentration0
    volume = a.lgamma() + b.lgamma() - (a + b).lgamma()
    return volume - (a - 1) * _mean_log(p) - (b - 1) * _uniform_mean_log(1 - p.high, 1 - p.low)


def _of_continuous_bernoulli(p: Any, q: Any) -> Any:
    return -p.mean * q.logits - (-q.probs).log1p() - q._log_norm()


def _of_exponential(p: Any, q: Any) -> Any:
    return q.rate * p.mean - q.rate.log()


def _of_gamma(p: Any, q: Any) -> Any:
    a = q.concentration
    return a.lgamma() - a * q.rate.log() - (a - 1) * _mean_log(p) + q.rate * p.mean


def _of_gumbel(p: Any, q: Any) -> Any:
    return q.scale.log() + (p.mean - q.loc) / q.scale + (q.loc / q.scale).exp() * _laplace_transform(p, 1 / q.scale)


def _of_laplace(p: Any, q: Any) -> Any:
    """E |x - loc| of a normal is that of a folded normal."""
    gap = p.loc - q.loc
    z = gap / p.scale
    away = math.sqrt(2 / math.pi) * p.scale * (-0.5 * z.pow(2)).exp() + gap * erf(math.sqrt(0.5) * z)
    return (2 * q.scale).log() + away / q.scale


def _of_normal(p: Any, q: Any) -> Any:
    gap = p.variance + (p.mean - q.loc).pow(2)
    return 0.5 * math.log(2 * math.pi) + q.scale.log() + gap / (2 * q.scale.pow(2))


def _of_pareto(p: Any, q: Any) -> Any:
    return (q.alpha + 1) * _mean_log(p) - q.alpha.log() - q.alpha * q.scale.log()


def _of_uniform(p: Any, q: Any) -> Any:
    return (q.high - q.low).log()


# q: E_p of -log q(x), for which p it is finite, and for which it is infinite since p's support leaves q's.
CROSS: list[tuple[type, Divergence | None, tuple[type, ...], tuple[type, ...]]] = [
    (Bernoulli, None, (), (Poisson,)),
    (Binomial, None, (), (Poisson,)),
    (Poisson, _of_bernoulli, (Bernoulli,), ()),
    (Beta, _of_beta, (Uniform,), (Exponential, Gamma, Gumbel, Laplace, Normal, Pareto)),
    (
        ContinuousBernoulli, _of_continuous_bernoulli, (Beta, ContinuousBernoulli, Uniform),
        (Exponential, Gamma, Gumbel, Laplace, Normal, Pareto),
    ),
    (Exponential, _of_exponential, (Beta, ContinuousBernoulli, Gamma, Pareto, Uniform), (Gumbel, Laplace, Normal)),
    (Gamma, _of_gamma, (Beta, Exponential, Pareto, Uniform), (Gumbel, Laplace, Normal)),
    (Gumbel, _of_gumbel, (Exponential, Gamma, Normal, Uniform), ()),
    (Laplace, _of_laplace, (Normal,), ()),
    (
        Normal, _of_normal, (Beta, ContinuousBernoulli, Exponential, Gamma, Gumbel, Laplace, Pareto, Uniform), (),
    ),
    (
        Pareto, _of_pareto, (Uniform,),
        (Beta, ContinuousBernoulli, Exponential, Gamma, Gumbel, Laplace, Normal),
    ),
    (Uniform, _of_uniform, (Beta, ContinuousBernoulli), (Exponential, Gamma, Gumbel, Laplace, Normal, Pareto)),
]  # fmt: skip


def _ends(d: Any) -> tuple[Any, Any]:
    """The ends of the support."""
    if isinstance(d, Uniform):
        return d.low, d.high
    if isinstance(d, Beta | ContinuousBernoulli):
        return 0.0, 1.0
    if isinstance(d, Pareto):
        return d.scale, math.inf
    return (0.0 if isinstance(d, Exponential | Gamma) else -math.inf), math.inf


def _crossed(cross_entropy: Divergence) -> Divergence:
    def divergence(p: Any, q: Any) -> Any:
        result = cross_entropy(p, q) - p.entropy()
        if not isinstance(p, Uniform) and not isinstance(q, Uniform):
            return result  # the table says that p's support lies in q's
        (low, high), (least, most) = _ends(p), _ends(q)
        return where((full_like(result, 0.0) + low < least) | (full_like(result, 0.0) + high > most), math.inf, result)

    return divergence


def _infinite(p: Any, q: Any) -> Any:
    first = p.mean if p.batch_shape == q.batch_shape else p.mean.expand(broadcast_shapes(p.batch_shape, q.batch_shape))
    return full_like(first, math.inf)


for _q, _entropy, _finite, _outside in CROSS:
    for _p in _finite:
        register_kl(_p, _q)(_crossed(_entropy))  # type: ignore[arg-type]
    for _p in _outside:
        register_kl(_p, _q)(_infinite)

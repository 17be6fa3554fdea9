"""Probability distributions, under torch.distributions' names."""

from __future__ import annotations

import sys

from . import (
    categorical,
    combined,
    constraints,
    continuous,
    discrete,
    distribution,
    multivariate,
    positive,
    transformed,
    transforms,
)
from .categorical import Categorical, Multinomial, OneHotCategorical, OneHotCategoricalStraightThrough
from .combined import Independent, MixtureSameFamily, TransformedDistribution
from .constraint_registry import biject_to, transform_to
from .continuous import Cauchy, Exponential, GeneralizedPareto, Laplace, Normal, StudentT, Uniform, VonMises
from .discrete import Bernoulli, Binomial, ContinuousBernoulli, Geometric, NegativeBinomial, Poisson
from .distribution import Distribution, ExponentialFamily
from .kl import kl_divergence, register_kl
from .multivariate import LKJCholesky, LowRankMultivariateNormal, MultivariateNormal, Wishart
from .positive import Beta, Chi2, Dirichlet, FisherSnedecor, Gamma
from .transformed import (
    Gumbel,
    HalfCauchy,
    HalfNormal,
    InverseGamma,
    Kumaraswamy,
    LogisticNormal,
    LogNormal,
    Pareto,
    RelaxedBernoulli,
    RelaxedOneHotCategorical,
    Weibull,
)
from .transforms import *  # noqa: F403

__all__ = [
    "Bernoulli", "Beta", "Binomial", "Categorical", "Cauchy", "Chi2", "ContinuousBernoulli", "Dirichlet",
    "Distribution", "Exponential", "ExponentialFamily", "FisherSnedecor", "Gamma", "GeneralizedPareto", "Geometric",
    "Gumbel", "HalfCauchy", "HalfNormal", "Independent", "InverseGamma", "Kumaraswamy", "LKJCholesky", "Laplace",
    "LogNormal", "LogisticNormal", "LowRankMultivariateNormal", "MixtureSameFamily", "Multinomial",
    "MultivariateNormal", "NegativeBinomial", "Normal", "OneHotCategorical", "OneHotCategoricalStraightThrough",
    "Pareto", "Poisson", "RelaxedBernoulli", "RelaxedOneHotCategorical", "StudentT", "TransformedDistribution",
    "Uniform", "VonMises", "Weibull", "Wishart", "biject_to", "constraints", "kl_divergence", "register_kl",
    "transform_to",
]  # fmt: skip
__all__ += transforms.__all__

# PyTorch has a module for each distribution: `from torch.distributions.normal import Normal`.
HOMES = {
    categorical: "multinomial one_hot_categorical relaxed_categorical",
    combined: "independent mixture_same_family transformed_distribution",
    continuous: "cauchy exponential generalized_pareto laplace normal studentT uniform von_mises",
    discrete: "bernoulli binomial continuous_bernoulli geometric negative_binomial poisson",
    distribution: "exp_family",
    multivariate: "lkj_cholesky lowrank_multivariate_normal multivariate_normal wishart",
    positive: "beta chi2 dirichlet fishersnedecor gamma",
    transformed: (
        "gumbel half_cauchy half_normal inverse_gamma kumaraswamy log_normal logistic_normal pareto relaxed_bernoulli "
        "weibull"
    ),
}
for _home, _names in HOMES.items():
    for _name in _names.split():
        globals()[_name] = sys.modules[f"{__name__}.{_name}"] = _home
categorical.RelaxedOneHotCategorical = RelaxedOneHotCategorical  # type: ignore[attr-defined]

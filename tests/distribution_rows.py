"""The table of distributions that the tests of glassgrad.distributions go through, for either library.

A row is made with `make(m, leaf)`: m is glassgrad or torch, leaf(numbers) a parameter as a tensor, which the tests
differentiate by.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Leaf = Callable[[Any], Any]


@dataclass(frozen=True)
class Row:
    id: str
    make: Callable[[Any, Leaf], Any]
    exact: bool = True  # the gradient of rsample is PyTorch's, not only near it
    close: float = 2e-6  # how far log_prob and the like may be from PyTorch's, relative, in float32

    @property
    def name(self) -> str:
        return self.id.split()[0]


def plain(name: str, *parameters: Any, id: str = "", exact: bool = True, close: float = 2e-6, **named: Any) -> Row:
    """A distribution of these parameters: lists and arrays are tensors, the rest is given as it is."""

    def make(m: Any, leaf: Leaf) -> Any:
        def given(p: Any) -> Any:
            return leaf(p) if isinstance(p, list | np.ndarray) else p

        kind = getattr(m.distributions, name)
        return kind(*map(given, parameters), **{key: given(p) for key, p in named.items()})

    return Row(f"{name} {id or 'plain'}", make, exact, close)


def spread(low: float, high: float, *shape: int) -> np.ndarray:
    return np.linspace(low, high, int(np.prod(shape))).reshape(shape)


REAL, SCALE = spread(-2.0, 3.0, 4, 5), spread(0.3, 4.0, 4, 5)
CHANCE = spread(0.05, 0.93, 4, 5)
SHARES = np.random.default_rng(0).dirichlet([1.0, 2.0, 0.5, 3.0], 3)
LOGITS = np.random.default_rng(1).normal(size=(3, 4))
FACTOR = np.tril(np.random.default_rng(2).normal(size=(3, 3)) * 0.5, -1) + np.diag([1.0, 0.7, 2.0])
COVARIANCE = FACTOR @ FACTOR.T
FACTORS = np.stack([FACTOR, FACTOR * 1.5])

TWO = [
    ("Cauchy", REAL, SCALE), ("FisherSnedecor", SCALE + 4, SCALE + 5), ("Gamma", SCALE, SCALE[::-1].copy()),
    ("Beta", SCALE, SCALE[::-1].copy()), ("Gumbel", REAL, SCALE), ("InverseGamma", SCALE + 2, SCALE),
    ("Kumaraswamy", SCALE, SCALE[::-1].copy()), ("Laplace", REAL, SCALE), ("LogNormal", REAL, SCALE / 3),
    ("Normal", REAL, SCALE), ("Pareto", SCALE, SCALE + 2), ("Uniform", REAL, REAL + SCALE),
    ("VonMises", REAL, SCALE), ("Weibull", SCALE, SCALE + 1),
]  # fmt: skip
ONE = [
    ("Bernoulli", CHANCE), ("Chi2", SCALE), ("ContinuousBernoulli", CHANCE), ("Exponential", SCALE),
    ("Geometric", CHANCE), ("HalfCauchy", SCALE), ("HalfNormal", SCALE), ("Poisson", SCALE * 6),
    ("StudentT", SCALE + 2),
]  # fmt: skip
IMPLICIT = {"Beta", "Chi2", "Dirichlet", "FisherSnedecor", "Gamma", "InverseGamma", "StudentT", "Wishart"}


def numbers(name: str, *parameters: np.ndarray) -> list[Row]:
    """In numbers, in a vector with a number, and in 4 x 5."""
    exact = name not in IMPLICIT
    first = [float(p[1, 2]) for p in parameters]
    rows = [plain(name, *parameters, id="4x5", exact=exact)]
    rows.append(plain(name, *first, id="numbers", exact=exact))
    rows.append(plain(name, parameters[0][2, :3], *first[1:], id="mixed", exact=exact))
    return rows


def _mixture(m: Any, leaf: Leaf) -> Any:
    D = m.distributions
    return D.MixtureSameFamily(D.Categorical(leaf(SHARES)), D.Normal(leaf(LOGITS), leaf(np.exp(LOGITS))))


def _mixture_of_vectors(m: Any, leaf: Leaf) -> Any:
    D = m.distributions
    parts = D.Independent(D.Normal(leaf(REAL[:, :2]), leaf(SCALE[:, :2])), 1)
    return D.MixtureSameFamily(D.Categorical(logits=leaf(LOGITS[0])), parts)


def _independent(m: Any, leaf: Leaf) -> Any:
    return m.distributions.Independent(m.distributions.Normal(leaf(REAL), leaf(SCALE)), 1)


def _affine(m: Any, leaf: Leaf) -> Any:
    D = m.distributions
    return D.TransformedDistribution(
        D.Normal(leaf(REAL), leaf(SCALE)),
        [D.AffineTransform(leaf(np.array(0.5)), leaf(np.array(-0.5))), D.SigmoidTransform()],
    )


def _corners(m: Any, leaf: Leaf) -> Any:
    D = m.distributions
    return D.TransformedDistribution(D.Independent(D.Normal(leaf(LOGITS), 1.0), 1), D.StickBreakingTransform())


ROWS = [
    *[row for name, *parameters in TWO + ONE for row in numbers(name, *parameters)],
    *[plain(name, logits=LOGITS, id="logits") for name in ("Bernoulli", "ContinuousBernoulli", "Geometric")],
    plain("Exponential", [2.0, 300.0], id="steep"),
    plain("Gamma", [1e-2, 0.3, 1.0, 50.0, 2000.0], [1.0, 2.0, 3.0, 4.0, 5.0], id="small and large", exact=False),
    plain("Poisson", [0.0, 1e-3, 9.9, 10.0, 31.0, 1e5], id="small and large"),
    plain("StudentT", [0.5, 1.5, 3.0], [1.0, 2.0, 3.0], [1.0, 2.0, 0.5], id="heavy", exact=False),
    plain("Kumaraswamy", [0.5, 3.0], [2.0, 0.5], id="without a mode"),
    plain("GeneralizedPareto", REAL, SCALE, spread(-0.7, 0.7, 4, 5), id="4x5", close=1e-5),
    plain("GeneralizedPareto", 1.0, 2.0, 0.0, id="exponential"),
    *[plain("Binomial", n, CHANCE, id=f"of {n}") for n in (1, 7, 60)],
    plain("Binomial", [0, 3, 200], [0.3, 0.5, 0.9], id="each its own"),
    plain("Binomial", 12, logits=LOGITS, id="logits"),
    plain("NegativeBinomial", [1.0, 5.0, 20.0], [0.2, 0.5, 0.9], close=1e-5),
    plain("NegativeBinomial", 3, logits=LOGITS, id="logits", close=1e-5),
    *[
        row
        for name, extra in (("Categorical", ()), ("OneHotCategorical", ()), ("OneHotCategoricalStraightThrough", ()),
                            ("Multinomial", (5,)))
        for row in (
            plain(name, *extra, probs=SHARES, id="probs"),
            plain(name, *extra, logits=LOGITS, id="logits"),
            plain(name, *extra, probs=SHARES[0] * 3, id="one"),
            plain(name, *extra, logits=np.stack([LOGITS, LOGITS + 1]), id="2x3x4"),
        )
    ],
    plain("RelaxedBernoulli", np.array(0.7), CHANCE, id="probs", close=2e-5),
    plain("RelaxedBernoulli", np.array(0.7), logits=LOGITS, id="logits", close=2e-5),
    plain("RelaxedOneHotCategorical", np.array(0.7), SHARES, id="probs", close=2e-5),
    plain("RelaxedOneHotCategorical", np.array(2.0), logits=LOGITS, id="logits", close=2e-5),
    plain("Dirichlet", [0.5, 2.0, 3.0], exact=False),
    plain("Dirichlet", SCALE / 4, id="4x5", exact=False),
    plain("LogisticNormal", LOGITS, np.exp(LOGITS / 2), close=2e-5),
    plain("MultivariateNormal", [0.0, 1.0, 2.0], COVARIANCE, id="covariance", close=1e-5),
    plain("MultivariateNormal", np.zeros((4, 3)), scale_tril=FACTOR, id="factor", close=1e-5),
    plain("MultivariateNormal", np.zeros(3), precision_matrix=COVARIANCE, id="precision", close=1e-5),
    plain("MultivariateNormal", np.zeros((5, 1, 3)), scale_tril=FACTORS, id="factors", close=1e-5),
    plain("LowRankMultivariateNormal", np.zeros(3), LOGITS[:, :2], [0.5, 1.0, 2.0], close=1e-5),
    plain("LowRankMultivariateNormal", np.zeros((2, 3)), LOGITS[:, :2], [0.5, 1.0, 2.0], id="batch", close=1e-5),
    plain("Wishart", np.array(5.0), COVARIANCE, id="covariance", exact=False, close=2e-5),
    plain("Wishart", [4.0, 6.0], scale_tril=FACTORS, id="factors", exact=False, close=2e-5),
    plain("LKJCholesky", 3, 0.5, id="number", close=1e-5),
    plain("LKJCholesky", 4, [0.5, 2.0], close=1e-5),
    Row("Independent 1", _independent),
    Row("Independent 2", lambda m, leaf: m.distributions.Independent(m.distributions.Bernoulli(leaf(CHANCE)), 2)),
    Row("MixtureSameFamily plain", _mixture),
    Row("MixtureSameFamily of vectors", _mixture_of_vectors),
    Row("TransformedDistribution affine", _affine, close=2e-5),
    Row("TransformedDistribution to the simplex", _corners, close=2e-5),
]  # fmt: skip


def leaves(make_tensor: Callable[[np.ndarray], Any], taken: list[Any] | None = None) -> Leaf:
    """A maker of parameters that want a gradient; `taken` gets each of them."""

    def leaf(numbers: Any) -> Any:
        x = make_tensor(np.array(numbers, np.float64))
        if taken is not None:
            taken.append(x.requires_grad_())
        return x

    return leaf

"""glassgrad.distributions by what must hold of any distribution: integrals, means, inverses, differences."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import glassgrad as gg
from distribution_rows import IMPLICIT, ROWS, Row, leaves
from glassgrad.ops.chances import _dirichlet_grad, _standard_gamma_grad, gamma_cdf

D = gg.distributions
C = D.constraints


def made(row: Row, taken: list[Any] | None = None) -> Any:
    return row.make(gg, leaves(lambda a: gg.tensor(a), taken))


by_row = pytest.mark.parametrize("row", ROWS, ids=[row.id for row in ROWS])


def integral(values: np.ndarray, step: float) -> np.ndarray:
    return values.sum(0) * step


CONTINUOUS = [row for row in ROWS if "mixed" in row.id or row.id == "GeneralizedPareto 4x5"]
CONTINUOUS = [row for row in CONTINUOUS if not getattr(made(row).support, "is_discrete", False)]


def grid(support: Any, reach: float = 60.0, n: int = 40001) -> tuple[np.ndarray, np.ndarray]:
    """Points inside the support, closest near its ends, and the weight of each: double exponential quadrature."""
    t = np.linspace(-3.7, 3.7, n)
    bounds = [np.asarray(getattr(b, "array", b), np.float64) for b in
              (getattr(support, "lower_bound", -math.inf), getattr(support, "upper_bound", math.inf))]  # fmt: skip
    low, high = (b.reshape(-1)[:1] for b in np.broadcast_arrays(*bounds))
    s = math.pi / 2 * np.sinh(t)
    if np.isinf(low[0]):
        x, slope = np.sinh(s), np.cosh(s) * math.pi / 2 * np.cosh(t)
    elif np.isinf(high[0]):
        x = low[0] + np.exp(s)
        slope = np.exp(s) * math.pi / 2 * np.cosh(t)
    else:
        u = 1 / (1 + np.exp(-2 * s))
        x = low[0] + (high[0] - low[0]) * u
        slope = (high[0] - low[0]) * u * (1 - u) * math.pi * np.cosh(t)
    return x, slope * (t[1] - t[0])


ALONE = ["Cauchy", "Gamma", "Beta", "Gumbel", "InverseGamma", "Kumaraswamy", "Laplace", "LogNormal", "Normal",
         "Pareto", "Uniform", "Weibull", "Chi2", "ContinuousBernoulli", "Exponential", "HalfCauchy", "HalfNormal",
         "StudentT", "FisherSnedecor"]  # fmt: skip
NUMBERS = [row for row in ROWS if row.id.endswith("numbers") and row.name in ALONE]


@pytest.mark.parametrize("row", NUMBERS, ids=[row.name for row in NUMBERS])
def test_densities_integrate_to_one(row: Row) -> None:
    """And the entropy is -E log p; mean and variance are the integrals they should be."""
    d = row.make(gg, leaves(lambda a: gg.tensor(a)))
    x, weight = grid(d.support)
    inside = (weight > 0) & np.isfinite(x) & (np.abs(x) < 1e30)
    x, weight = x[inside], weight[inside]
    if np.isfinite(upper := float(getattr(d.support, "upper_bound", math.inf))):
        x, weight = x[x < upper], weight[x < upper]
    log_p = d.log_prob(gg.tensor(x)).numpy().astype(np.float64)
    p = np.where(np.isfinite(log_p), np.exp(log_p), 0)
    assert (p * weight).sum() == pytest.approx(1, rel=3e-5)
    if hasattr(type(d), "entropy") and type(d).entropy is not D.Distribution.entropy:
        surprise = -p * np.maximum(log_p, -700) * weight
        assert surprise.sum() == pytest.approx(float(d.entropy()), rel=3e-4, abs=3e-4)
    if math.isfinite(mean := float(d.mean)) and math.isfinite(float(d.variance)):
        assert (p * x * weight).sum() == pytest.approx(mean, rel=3e-4, abs=3e-4)
        assert (p * (x - mean) ** 2 * weight).sum() == pytest.approx(float(d.variance), rel=2e-2, abs=3e-3)


DISCRETE = {"Bernoulli": 2, "Geometric": 400, "Poisson": 200, "Binomial": 60, "NegativeBinomial": 4000}


@by_row
def test_probabilities_sum_to_one(row: Row) -> None:
    d = made(row)
    if d.has_enumerate_support:
        values = d.enumerate_support() if "its own" not in row.id else None
    else:
        values = gg.arange(DISCRETE[row.name]).view((-1,) + (1,) * len(d.batch_shape)) if row.name in DISCRETE else None
    if values is None or row.id in ("Poisson small and large",):
        return
    p = d.log_prob(values).exp()
    np.testing.assert_allclose(p.sum(0).numpy(), 1, rtol=2e-4)
    if d.event_shape == ():
        try:
            mean = d.mean
        except NotImplementedError:
            return
        if not bool(mean.isnan().any()):
            np.testing.assert_allclose((p * values).sum(0).numpy(), mean.numpy(), rtol=2e-3)


INVERTIBLE = [row for row in ROWS if row.name in (
    "Cauchy", "Exponential", "Gumbel", "HalfCauchy", "HalfNormal", "Laplace", "LogNormal", "Normal", "Pareto",
    "Uniform", "Weibull", "Kumaraswamy", "ContinuousBernoulli", "GeneralizedPareto",
)]  # fmt: skip


@pytest.mark.parametrize("row", INVERTIBLE, ids=[row.id for row in INVERTIBLE])
def test_cdf_inverts_icdf(row: Row) -> None:
    d = row.make(gg, leaves(lambda a: gg.tensor(a, dtype=gg.float64)))
    u = np.linspace(0.05, 0.95, 7).reshape((7,) + (1,) * len(d.batch_shape)) * np.ones(d.batch_shape)
    np.testing.assert_allclose(d.cdf(d.icdf(gg.tensor(u))).numpy(), u, rtol=2e-5)


SAMPLED = [row for row in ROWS if row.name not in
           ("Cauchy", "HalfCauchy", "LKJCholesky", "VonMises", "Wishart", "LogisticNormal", "FisherSnedecor",
            "RelaxedBernoulli", "RelaxedOneHotCategorical", "TransformedDistribution", "Categorical",
            "NegativeBinomial",
            "InverseGamma", "GeneralizedPareto") and "heavy" not in row.id and "4x5" not in row.id]  # fmt: skip


@pytest.mark.parametrize("row", SAMPLED, ids=[row.id for row in SAMPLED])
def test_samples_have_the_mean(row: Row) -> None:
    d = made(row)
    gg.manual_seed(0)
    drawn = d.sample((1500,)).numpy().astype(np.float64)
    error = drawn.std(0) / math.sqrt(1500) + 1e-4
    assert (np.abs(drawn.mean(0) - d.mean.numpy()) < 5 * error).all()


# --- gradients ---


def test_gamma_numbers_move_as_quantiles() -> None:
    """dz/da at a fixed P(a, z), from differences of igamma; both branches, and from 10^5 on."""
    a = np.array([0.05, 0.5, 2.0, 2.0, 30.0, 30.0, 500.0, 500.0])
    z = np.array([1e-3, 0.2, 0.5, 9.0, 22.0, 45.0, 450.0, 560.0])
    h = 1e-5 * a
    below, above, left, right = (gamma_cdf(*v) for v in ((a - h, z), (a + h, z), (a, z - 1e-6 * z), (a, z + 1e-6 * z)))
    expected = -(above - below) / (2 * h) / ((right - left) / (2e-6 * z))
    np.testing.assert_allclose(_standard_gamma_grad(a, z), expected, rtol=2e-6)
    edge = np.array([99999.0, 100001.0])
    near = _standard_gamma_grad(edge, edge + 2 * np.sqrt(edge))
    assert near[0] == pytest.approx(near[1], rel=1e-7)


def test_beta_numbers_move_as_quantiles() -> None:
    """P(x) of Beta(a, 1) is x^a and of Beta(1, b) is 1 - (1 - x)^b: their quantiles are known."""
    x, a = np.array([0.01, 0.3, 0.9, 0.999]), np.array([0.3, 2.0, 5.0, 40.0])
    np.testing.assert_allclose(_dirichlet_grad(x, a, a + 1) * (1 - x), -x * np.log(x) / a, rtol=1e-11)
    h = 1e-6
    for b in (0.5, 3.0):  # and by the series of Beta(a, b) at a whole b, or its mirror image
        one, other = (_dirichlet_grad(np.array([v]), np.array([1.0]), np.array([1.0 + b])) for v in (0.4, 0.4 + h))
        assert one[0] == pytest.approx(other[0], rel=1e-4)


@pytest.mark.parametrize("seed", range(3))
def test_gradient_of_the_gamma_function_of_two(seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, z = (gg.tensor(rng.uniform(0.3, 5, 4), requires_grad=True) for _ in range(2))
    gamma_cdf(a, z).sum().backward()
    for x, others in ((a, lambda v: gamma_cdf(v, z.detach().numpy())), (z, lambda v: gamma_cdf(a.detach().numpy(), v))):
        slope = (others(x.detach().numpy() + 1e-6) - others(x.detach().numpy() - 1e-6)) / 2e-6
        np.testing.assert_allclose(x.grad.numpy(), slope, rtol=1e-6, atol=1e-9)


def test_forward_mode_agrees_with_backward() -> None:
    a = gg.tensor([0.5, 2.0, 3.0], dtype=gg.float64)
    t = gg.tensor([1.0, -0.5, 0.25], dtype=gg.float64)
    for draw in (gg._standard_gamma, gg._sample_dirichlet):

        def f(x: Any, draw: Any = draw) -> Any:
            gg.manual_seed(1)
            return draw(x)

        forward = gg.func.jvp(f, (a,), (t,))[1].numpy()
        jacobian = gg.func.jacrev(f)(a).numpy()
        np.testing.assert_allclose(forward, jacobian @ t.numpy(), rtol=1e-10)


def test_second_derivatives_through_samples_raise() -> None:
    a = gg.tensor([2.0], requires_grad=True)
    (slope,) = gg.autograd.grad(gg._standard_gamma(a).sum(), a, create_graph=True)
    with pytest.raises(NotImplementedError, match="second derivatives"):
        slope.sum().backward()


PARTLY = [row for row in ROWS if row.exact and "4x5" not in row.id and made(row).has_rsample]


@pytest.mark.parametrize("row", PARTLY, ids=[row.id for row in PARTLY])
def test_gradients_through_samples(row: Row) -> None:
    """With the seed fixed, a sample is a smooth function of the parameters."""
    if row.name == "OneHotCategoricalStraightThrough":
        pytest.skip("its gradient is not that of its values, on purpose")

    def run(step: float) -> tuple[Any, list[Any]]:
        taken: list[Any] = []
        leaf = leaves(lambda v: gg.tensor(v), taken)
        scale = np.random.default_rng(0)
        d = row.make(gg, lambda v: leaf(np.array(v, np.float64) * (1 + step * scale.uniform(0.5, 1))))
        gg.manual_seed(3)
        return d.rsample((2,)), taken

    drawn, taken = run(0.0)
    if not drawn.requires_grad:
        return
    drawn.sum().backward()
    scale, along = np.random.default_rng(0), 0.0
    for x in taken:
        along += float((x.grad.numpy() * x.detach().numpy()).sum() * scale.uniform(0.5, 1)) if x.grad is not None else 0
    scale = np.random.default_rng(0)
    h = 1e-6
    up, down = (float(run(s)[0].sum()) for s in (h, -h))
    assert along == pytest.approx((up - down) / (2 * h), rel=2e-4, abs=1e-4)


# --- divergences, the base class ---


@by_row
def test_no_divergence_from_itself(row: Row) -> None:
    if row.id == "Poisson small and large":
        pytest.skip("0 log 0 is not a number here, as in PyTorch")
    d = made(row)
    try:
        divergence = D.kl_divergence(d, d)
    except NotImplementedError:
        return
    np.testing.assert_allclose(divergence.detach().numpy(), 0, atol=3e-3)


CROSSED = [
    ("Beta", (2.0, 3.0), "Normal", (0.3, 0.7)), ("Beta", (2.0, 3.0), "Uniform", (0.0, 1.0)),
    ("ContinuousBernoulli", (0.3,), "Uniform", (0.0, 1.0)), ("Uniform", (0.0, 1.0), "ContinuousBernoulli", (0.3,)),
    ("Uniform", (0.1, 0.8), "Beta", (2.0, 3.0)), ("Gamma", (2.0, 3.0), "Gumbel", (0.5, 1.5)),
    ("Gumbel", (0.5, 0.6), "Normal", (0.3, 2.0)), ("Laplace", (0.5, 0.6), "Normal", (0.3, 2.0)),
    ("Normal", (0.5, 0.6), "Laplace", (0.3, 2.0)), ("Pareto", (1.0, 4.0), "Gamma", (2.0, 1.0)),
]  # fmt: skip


@pytest.mark.parametrize(("p", "args", "q", "others"), CROSSED)
def test_divergences_are_integrals(p: str, args: Any, q: str, others: Any) -> None:
    one, other = (getattr(D, n)(*[gg.tensor(v, dtype=gg.float64) for v in a]) for n, a in ((p, args), (q, others)))
    x, weight = grid(one.support)
    keep = (x < float(getattr(one.support, "upper_bound", math.inf))) & (np.abs(x) < 1e3) & (weight > 0)
    keep &= x > float(getattr(one.support, "lower_bound", -math.inf))
    x, weight = gg.tensor(x[keep]), weight[keep]
    one._validate_args = other._validate_args = False
    log_p, log_q = one.log_prob(x).numpy(), other.log_prob(x).numpy()
    there = log_p > -600
    gap = (np.exp(log_p[there]) * (log_p - log_q)[there] * weight[there]).sum()
    assert float(D.kl_divergence(one, other)) == pytest.approx(gap, rel=1e-5)


def test_a_family_of_ones_own() -> None:
    class Shifted(D.Normal):
        pass

    class Told(D.Distribution):
        arg_constraints: Any = {}

    assert isinstance(Shifted(0.0, 1.0).expand((2,)), Shifted)
    assert float(D.kl_divergence(Shifted(0.0, 1.0), D.Normal(0.0, 1.0))) == 0

    @D.register_kl(Told, D.Normal)
    def _(p: Any, q: Any) -> float:
        return 7.0

    assert D.kl_divergence(Told(), Shifted(0.0, 1.0)) == 7.0
    with pytest.raises(NotImplementedError, match="No KL"):
        D.kl_divergence(Shifted(0.0, 1.0), Told())

    class Custom(D.Normal):
        def __init__(self, loc: Any) -> None:
            super().__init__(loc, 1.0)

    with pytest.raises(NotImplementedError, match="expand"):
        Custom(0.0).expand((2,))


def test_entropy_of_an_exponential_family() -> None:
    """Bregman's, from the derivatives of the log normalizer, against the closed forms."""
    for d in (D.Normal(1.0, 2.0), D.Exponential(3.0), D.Gamma(2.0, 3.0), D.Bernoulli(0.3)):
        assert float(D.ExponentialFamily.entropy(d)) == pytest.approx(float(d.entropy()), rel=1e-5)


def test_messages() -> None:
    with pytest.raises(ValueError, match=r"Expected parameter scale .* distribution Normal\(loc: 0.0, scale: -1.0\)"):
        D.Normal(0.0, -1.0)
    with pytest.raises(ValueError, match="Either `probs` or `logits` must be specified, but not both"):
        D.Categorical()
    with pytest.raises(TypeError, match="Normal"):
        D.Normal(1.0)


def test_known_numbers() -> None:
    """What PyTorch 2.13 gives after manual_seed(0)."""
    gg.manual_seed(0)
    assert D.Categorical(gg.tensor([0.1, 0.2, 0.7])).sample((8,)).tolist() == KNOWN_CATEGORIES
    gg.manual_seed(0)
    assert D.Gamma(gg.tensor([0.5, 3.0]), 1.0).sample().tolist() == pytest.approx(KNOWN_GAMMA, rel=1e-3)


KNOWN_CATEGORIES = [2, 2, 2, 2, 2, 2, 1, 2]
KNOWN_GAMMA = [0.000789, 1.272843]


def test_the_checks_can_fail() -> None:
    class Wrong(D.Normal):
        def log_prob(self, value: Any) -> Any:
            return super().log_prob(value) + 1e-3

    with pytest.raises(AssertionError):
        test_densities_integrate_to_one(Row("Normal numbers", lambda m, leaf: Wrong(0.0, 1.0)))
    assert IMPLICIT <= {row.name for row in ROWS}

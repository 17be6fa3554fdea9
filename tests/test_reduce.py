"""Reductions at ties, zeros, NaN and of nothing, as PyTorch has them (stored numbers)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import glassgrad as gg

INF, NAN = math.inf, math.nan

# (function, inputs, value, gradient)
KINKS = [
    (lambda x: x.max(), [1.0, 3.0, 3.0], 3.0, [0.0, 0.5, 0.5]),
    (lambda x: x.min(), [1.0, 1.0, 3.0], 1.0, [0.5, 0.5, 0.0]),
    (lambda x: x.max(0).values, [1.0, 3.0, 3.0], 3.0, [0.0, 1.0, 0.0]),
    (lambda x: x.amax(0), [3.0, 3.0, 3.0, 3.0], 3.0, [0.25] * 4),
    (lambda x: x.amin(), [3.0, 2.0, 2.0], 2.0, [0.0, 0.5, 0.5]),
    (lambda x: x.max(), [1.0, NAN], NAN, [0.0, 1.0]),
    (lambda x: x.prod(), [2.0, 0.0, 3.0], 0.0, [0.0, 6.0, 0.0]),
    (lambda x: x.prod(), [2.0, 0.0, 0.0], 0.0, [0.0, 0.0, 0.0]),
    (lambda x: x.norm(), [0.0, 0.0], 0.0, [0.0, 0.0]),
    (lambda x: x.norm(), [3.0, 4.0], 5.0, [0.6, 0.8]),
    (lambda x: x.norm(1), [3.0, 0.0, -4.0], 7.0, [1.0, 0.0, -1.0]),
    (lambda x: x.norm(INF), [3.0, -4.0, 4.0], 4.0, [0.0, -0.5, 0.5]),
    (lambda x: x.norm(3), [0.0, 0.0], 0.0, [0.0, 0.0]),
    (lambda x: x.std(), [2.0, 2.0], 0.0, [0.0, 0.0]),
    (lambda x: x.double().logsumexp(0), [1000.0, 1000.0], 1000.0 + math.log(2), [0.5, 0.5]),
    (lambda x: x.logsumexp(0), [-INF, 0.0], 0.0, [0.0, 1.0]),
    (lambda x: x.nansum(), [1.0, NAN], 1.0, [1.0, 0.0]),
    (lambda x: x.cummax(0).values.sum(), [1.0, 3.0, 3.0, 2.0], 10.0, [1.0, 1.0, 2.0, 0.0]),
    (lambda x: x.cumprod(0).sum(), [2.0, 0.0, 3.0], 2.0, [1.0, 8.0, 0.0]),
    (lambda x: x.mean(), [1.0, 3.0], 2.0, [0.5, 0.5]),
    (lambda x: x.median(), [3.0, 1.0, 2.0, 4.0], 2.0, [0.0, 0.0, 1.0, 0.0]),
]  # fmt: skip


@pytest.mark.parametrize(("f", "inputs", "value", "grads"), KINKS)
def test_kinks(f: Any, inputs: list[float], value: float, grads: list[float]) -> None:
    x = gg.tensor(inputs, requires_grad=True)
    y = f(x)
    np.testing.assert_allclose(y.item(), value, rtol=1e-6)
    y.backward()
    np.testing.assert_allclose(x.grad.tolist(), grads, rtol=1e-6)


def test_of_nothing() -> None:
    nothing = gg.tensor([])
    assert nothing.sum().item() == 0 and nothing.prod().item() == 1 and math.isnan(nothing.mean().item())
    assert bool(nothing.all()) and not bool(nothing.any()) and nothing.norm().item() == 0
    assert math.isnan(nothing.median().item())
    assert gg.tensor([[], []]).logsumexp(1).tolist() == [-INF, -INF]


def test_products_have_every_derivative_at_zeros() -> None:
    """d2(xyz)/dxdy = z also where x and y are 0."""
    x = gg.tensor([0.0, 0.0, 5.0], requires_grad=True)
    (first,) = gg.autograd.grad(x.prod(), x, create_graph=True)
    (second,) = gg.autograd.grad(first[0], x)
    assert second.tolist() == [0.0, 5.0, 0.0]


def test_half_precision_adds_up_in_single() -> None:
    x = gg.tensor(np.full(10_000, 0.1, np.float16))
    assert x.sum().item() == pytest.approx(1000, rel=1e-3)
    assert x.mean().item() == pytest.approx(0.1, rel=1e-3)
    pytest.importorskip("ml_dtypes")
    assert x.bfloat16().sum().item() == pytest.approx(1000, rel=5e-3)


def test_named_results() -> None:
    found = gg.tensor([[1.0, 5.0], [7.0, 2.0]]).max(dim=1)
    assert found.values.tolist() == [5.0, 7.0] and found.indices.tolist() == [1, 0]
    assert repr(found).startswith("glassgrad.return_types.max(\nvalues=tensor([5., 7.]),\nindices=")
    low, high = gg.tensor([1.0, 5.0]).aminmax()
    assert low.item() == 1 and high.item() == 5


def test_warns_where_no_freedom_is_left() -> None:
    with pytest.warns(UserWarning, match="degrees of freedom"):
        assert math.isnan(gg.tensor([1.0]).var().item())


X, NOTHING = gg.tensor([[1.0, 2.0]]), gg.tensor([])
ERRORS = [
    (lambda: X.sum(2), IndexError, r"Dimension out of range \(expected to be in range of \[-2, 1\], but got 2\)"),
    (lambda: X.sum((0, -2)), RuntimeError, "appears multiple times"),
    (lambda: X.sum(axes=0), TypeError, "axes"),
    (lambda: X.long().mean(), RuntimeError, "could not infer output dtype"),
    (lambda: X.long().var(), RuntimeError, "floating point"),
    (lambda: X.long().norm(), RuntimeError, "floating point"),
    (lambda: NOTHING.max(), RuntimeError, "Specify the reduction dim"),
    (lambda: NOTHING.amin(), RuntimeError, "Specify the reduction dim"),
    (lambda: NOTHING.argmax(), IndexError, "Expected reduction dim"),
    (lambda: NOTHING.max(0), IndexError, "non-zero size"),
    (lambda: NOTHING.amax(0), IndexError, "non-zero size"),
    (lambda: NOTHING.argmin(0), IndexError, "non-zero size"),
    (lambda: NOTHING.median(0), IndexError, "non-zero size"),
    (lambda: gg.tensor([True]).argmax(), RuntimeError, "bool input"),
    (lambda: X.cumsum(2), IndexError, "Dimension out of range"),
    (lambda: X.cumsum(), TypeError, "dim"),
    (lambda: gg.quantile(X, 2.0), RuntimeError, r"range \[0, 1\]"),
    (lambda: gg.quantile(X.long(), 0.5), RuntimeError, "float or double"),
    (lambda: gg.quantile(X, 0.5, interpolation="cubic"), RuntimeError, "interpolation"),
    (lambda: gg.bincount(gg.tensor([-1])), RuntimeError, "non-negative"),
    (lambda: gg.histc(X, bins=0), RuntimeError, "bins"),
    (lambda: gg.histc(X, min=2, max=1), RuntimeError, "max must be larger"),
    (lambda: gg.diff(gg.tensor(1.0)), RuntimeError, "one-dimensional"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "problem", "words"), ERRORS)
def test_errors(call: Any, problem: type[Exception], words: str) -> None:
    with pytest.raises(problem, match=words):
        call()


def test_histogram_has_a_hundred_bins_where_none_are_said() -> None:
    hist, edges = gg.histogram(gg.linspace(0.0, 1.0, 11))
    assert hist.shape == (100,) and edges.shape == (101,) and hist.sum() == 11

"""What the table of cases cannot ask of vmap: derivatives through it, and memory that all samples share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import glassgrad as gg
from glassgrad.core.op import REGISTRY, op
from glassgrad.func import grad, hessian, vmap

W, X = gg.tensor([[0.3, -1.2], [0.7, 0.4]]).double(), gg.tensor([[1.0, 2.0], [-0.5, 0.3], [0.8, -1.1]]).double()


def sample_loss(w: Any, r: Any) -> Any:
    return (w @ r).tanh().prod() + (w**3).sum()


INNER: dict[str, Callable[[Any, Any], Any]] = {
    "gradients": lambda w, r: (grad(sample_loss)(w, r) ** 2).sum(),
    "Hessians": lambda w, r: (hessian(sample_loss)(w, r) ** 2).sum(),
    "rows": lambda w, r: vmap(lambda row: (row * r).sin().prod())(w).sum(),
    "gradients of rows": lambda w, r: (grad(lambda w: vmap(lambda c: (c * r).sin().prod())(w).sum())(w) ** 2).sum(),
}


@pytest.mark.parametrize("name", INNER)
def test_gradient_through_samples(name: str) -> None:
    """Of what all samples share: the sum over the samples, each counted once."""
    inner = INNER[name]
    together = grad(lambda w: vmap(inner, (None, 0))(w, X).sum())(W)
    alone = sum(grad(inner)(W, r) for r in X)
    np.testing.assert_allclose(together.numpy(), alone.numpy(), rtol=1e-12)
    step = 1e-6
    along = gg.ones(2, 2).double()
    ends = [sum(float(inner(W + sign * step * along, r)) for r in X) for sign in (1, -1)]
    np.testing.assert_allclose(float((together * along).sum()), (ends[0] - ends[1]) / (2 * step), rtol=1e-7)


def test_a_shared_array_is_not_written_sample_by_sample() -> None:
    """An operation that fills one of its arrays would leave the last sample's numbers there for all."""
    try:

        @op
        def fills(x: Any, made: Any) -> Any:
            made[...] = x.argsort()
            return x * 1

        fills.vjp(x=lambda g: g, made=None)
        made = np.zeros(2, np.int64)
        with pytest.raises((RuntimeError, ValueError), match="shared|read-only"):
            vmap(lambda r: fills(r, made))(X)
        assert not made.any()
    finally:
        REGISTRY.pop("fills", None)

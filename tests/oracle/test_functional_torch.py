"""autograd.functional beside PyTorch's: structure and numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import glassgrad as gg

torch = pytest.importorskip("torch")

RNG = np.random.default_rng(0)
X, W, V, U = (RNG.normal(size=s) for s in ((2, 3), (3, 2), (2, 3), (3, 2)))


def one(t: Any) -> Callable[..., Any]:
    return lambda x, w: ((x @ w).sin() * (x @ w)).sum()


def two(t: Any) -> Callable[..., Any]:
    return lambda x, w: ((x @ w).tanh(), w * 2)


CALLS: dict[str, Callable[..., Any]] = {
    "jacobian": lambda t, f, x, w, v, u: f.jacobian(lambda x: (x @ w).sin(), x),
    "jacobian of two": lambda t, f, x, w, v, u: f.jacobian(two(t), (x, w)),
    "jacobian forward": lambda t, f, x, w, v, u: f.jacobian(two(t), (x, w), vectorize=True, strategy="forward-mode"),
    "jacobian recorded": lambda t, f, x, w, v, u: _recorded(t, f, x),
    "hessian": lambda t, f, x, w, v, u: f.hessian(lambda x: (x**3).sum(), x),
    "hessian of two": lambda t, f, x, w, v, u: f.hessian(one(t), (x, w)),
    "vjp": lambda t, f, x, w, v, u: f.vjp(two(t), (x, w), (v[:, :2] * 1, u)),
    "vjp of a number": lambda t, f, x, w, v, u: f.vjp(one(t), (x, w)),
    "jvp": lambda t, f, x, w, v, u: f.jvp(two(t), (x, w), (v, u)),
    "jvp of one": lambda t, f, x, w, v, u: f.jvp(lambda x: x.exp(), x, v),
    "vhp": lambda t, f, x, w, v, u: f.vhp(one(t), (x, w), (v, u)),
    "hvp": lambda t, f, x, w, v, u: f.hvp(one(t), (x, w), (v, u)),
    "unused": lambda t, f, x, w, v, u: f.jacobian(lambda x, w: x * 2, (x, w)),
}

REFUSED: dict[str, Callable[..., Any]] = {
    "strict": lambda t, f, x, w, v, u: f.jacobian(lambda x: w * 2, x, strict=True),
    "no v": lambda t, f, x, w, v, u: f.vjp(two(t), (x, w)),
    "v of another shape": lambda t, f, x, w, v, u: f.jvp(lambda x: x, x, u),
    "not one number": lambda t, f, x, w, v, u: f.hessian(lambda x: x * 2, x),
    "not a tensor": lambda t, f, x, w, v, u: f.jacobian(lambda x: 3, x),
    "inputs": lambda t, f, x, w, v, u: f.jacobian(lambda x: x, 3.0),
}


def _recorded(t: Any, f: Any, x: Any) -> Any:
    x.requires_grad_()
    return t.autograd.grad(f.jacobian(lambda x: x**3, x, create_graph=True).sum(), x)


def call(table: Any, name: str, library: Any) -> Any:
    make = library.tensor
    return table[name](library, library.autograd.functional, *(make(a) for a in (X, W, V, U)))


def same(a: Any, b: Any) -> None:
    assert isinstance(a, tuple) == isinstance(b, tuple | list)  # PyTorch's forward-mode Jacobians are lists
    if isinstance(a, tuple):
        assert len(a) == len(b)
        for p, q in zip(a, b, strict=True):
            same(p, q)
    else:
        assert tuple(a.shape) == tuple(b.shape) and a.requires_grad == b.requires_grad
        np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", CALLS)
def test_same_as_torch(name: str) -> None:
    same(call(CALLS, name, gg), call(CALLS, name, torch))


@pytest.mark.parametrize("name", REFUSED)
def test_same_refusals(name: str) -> None:
    with pytest.raises(Exception) as theirs:
        call(REFUSED, name, torch)
    with pytest.raises(theirs.type):
        call(REFUSED, name, gg)

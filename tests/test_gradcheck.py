"""The public gradcheck: no false alarm on any row of the table, and every planted error is caught."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import glassgrad as gg
from cases.make import Case
from glassgrad.autograd import Function, GradcheckError, gradcheck, gradgradcheck
from glassgrad.core.op import REGISTRY
from test_cases import DIFFERENTIABLE, NOT_BY_DIFFERENCES, WITHOUT_ROWS, Run, arrays_of


def function_of(c: Case) -> tuple[Callable[..., Any], tuple[gg.Tensor, ...]]:
    """A row as a function of its real inputs, and those."""
    inputs = tuple(gg.tensor(a).requires_grad_() for a in arrays_of(c))
    return lambda *xs: tuple(Run(c, xs).outputs), inputs


def smallest(cases: list[Case]) -> list[Case]:
    return sorted(cases, key=lambda c: sum(a.size for a in arrays_of(c)))


@functools.cache
def rows() -> dict[str, list[Case]]:
    """For each operation the rows that differentiate it, the smallest first, broadcasting aside."""
    found: dict[str, list[Case]] = {}
    for c in smallest([c for c in DIFFERENTIABLE if sum(a.size for a in arrays_of(c)) > 1]):
        for name in used_by(Run(c)):
            found.setdefault(name, []).append(c)
    return found


def used_by(run: Run) -> set[str]:
    """The operations on the graph, those with broadcast operands left out."""
    names, stack, seen = set(), [y.grad_fn for y in run.smooth], set()
    while stack:
        node = stack.pop()
        if node is None or id(node) in seen or not hasattr(node, "op"):
            continue
        seen.add(id(node))
        if REGISTRY.get(node.op.name) is node.op:
            names.add(node.op.name)
        stack.extend(node.edges)
    return names


SMALL = [c for c in DIFFERENTIABLE if sum(a.size for a in arrays_of(c)) <= 8]
OPS = sorted(n for n, o in REGISTRY.items() if o.declared and n not in WITHOUT_ROWS | NOT_BY_DIFFERENCES)


@pytest.mark.parametrize("c", SMALL, ids=[c.id for c in SMALL])
def test_no_false_alarm(c: Case) -> None:
    function, inputs = function_of(c)
    assert gradcheck(function, inputs, rtol=max(1e-4, 10 * c.tolerance), check_forward_ad=True, check_batched_grad=True)


def off_by(c: Case, declared: Any, formulas: Any, monkeypatch: pytest.MonkeyPatch) -> float:
    """How much the gradients of a row change with other formulas, relative to the largest number in them."""

    def grads() -> np.ndarray:
        run = Run(c)
        found = gg.autograd.grad(run.weigh(0), run.reals, materialize_grads=True)
        return np.concatenate([g.array.reshape(-1) for g in found])

    right = grads()
    with monkeypatch.context() as patch:
        patch.setattr(declared, "formulas", formulas)
        wrong = grads()
    return float(np.abs(wrong - right).max() / np.abs(right).max()) if np.abs(right).max() > 0 else 0.0


@pytest.mark.parametrize("name", OPS)
def test_a_gradient_wrong_by_a_thousandth_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    declared = REGISTRY[name]

    def wrong(formula: Any) -> Any:
        def scaled(g: Any, *kept: Any) -> Any:
            d = formula(g, *kept)
            return d if d is None or hasattr(d, "parts") else d * 1.001

        return formula and scaled

    formulas = type(declared.formulas)([wrong(f) for f in list.__iter__(declared.formulas)])
    for c in rows().get(name, []):
        if off_by(c, declared, formulas, monkeypatch) > 5e-4:
            function, inputs = function_of(c)
            monkeypatch.setattr(declared, "formulas", formulas)
            with pytest.raises(GradcheckError, match="mismatch"):
                gradcheck(function, inputs)
            return
    assert name in WITHOUT_A_SLOPE or name not in rows(), "no row shows an error in this operation"


# piecewise constant
WITHOUT_A_SLOPE = {"angle", "ceil", "div_floor", "div_trunc", "floor", "round", "sign", "trunc"}


class Linear(Function):
    """x @ w with a backward that may be wrong."""

    fault = "none"

    @staticmethod
    def forward(ctx: Any, x: gg.Tensor, w: gg.Tensor, b: gg.Tensor) -> gg.Tensor:
        ctx.save_for_backward(x, w)
        return x @ w + b

    @staticmethod
    def backward(ctx: Any, g: gg.Tensor) -> Any:
        x, w = ctx.saved_tensors
        dx, dw, db = g @ w.mT, x.mT @ g, g.sum(0)
        if Linear.fault == "sign":
            dx = -dx
        if Linear.fault == "factor":
            dw = dw * 2
        if Linear.fault == "transposed":
            dw = dw.mT
        if Linear.fault == "broadcast":
            db = g[0]
        if Linear.fault == "zero":
            dx = dx * 0
        return dx, dw, db


@pytest.mark.parametrize(
    ("fault", "words"),
    [("sign", "sign is wrong"), ("factor", "2 times what it should be"), ("transposed", "transposed"),
     ("broadcast", "mismatch"), ("zero", "all zero")],
)  # fmt: skip
def test_the_error_says_what_it_looks_like(fault: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    inputs = tuple(gg.tensor(rng.normal(size=s)).requires_grad_() for s in ((4, 3), (3, 3), (3,)))
    assert gradcheck(Linear.apply, inputs)
    monkeypatch.setattr(Linear, "fault", fault)
    with pytest.raises(GradcheckError, match=words):
        gradcheck(Linear.apply, inputs)
    with pytest.raises(GradcheckError):
        gradcheck(Linear.apply, inputs, fast_mode=True)
    assert gradcheck(Linear.apply, inputs, raise_exception=False) is False


def test_second_derivatives() -> None:
    x = gg.tensor([0.3, -0.7, 1.2], dtype=gg.float64, requires_grad=True)
    assert gradgradcheck(lambda x: x.sin() * x, (x,), check_fwd_over_rev=True, gen_non_contig_grad_outputs=True)

    class Once(Function):
        """A gradient that is right, whose own gradient isn't."""

        @staticmethod
        def forward(ctx: Any, x: gg.Tensor) -> gg.Tensor:
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        def backward(ctx: Any, g: gg.Tensor) -> gg.Tensor:
            (x,) = ctx.saved_tensors
            return g * 3 * (x * x.detach())

    assert gradcheck(Once.apply, (x,))
    with pytest.raises(GradcheckError, match="mismatch"):
        gradgradcheck(Once.apply, (x,))


def test_backward_that_is_not_the_same_twice() -> None:
    class Noisy(Function):
        @staticmethod
        def forward(ctx: Any, x: gg.Tensor) -> gg.Tensor:
            return x * 1.0

        @staticmethod
        def backward(ctx: Any, g: gg.Tensor) -> gg.Tensor:
            return g + 1e-9 * gg.rand_like(g)

    x = gg.ones(3, dtype=gg.float64, requires_grad=True)
    with pytest.raises(GradcheckError, match="not reentrant"):
        gradcheck(Noisy.apply, (x,))
    assert gradcheck(Noisy.apply, (x,), nondet_tol=1e-6)


def test_what_it_refuses() -> None:
    with pytest.raises(ValueError, match="at least one input"):
        gradcheck(lambda x: x * 2, (gg.ones(2, dtype=gg.float64),))
    with pytest.raises(NotImplementedError, match="sparse"):
        gradcheck(lambda x: x * 2, (gg.ones(2, dtype=gg.float64, requires_grad=True),), masked=True)
    with pytest.warns(UserWarning, match="double precision"):
        gradcheck(lambda x: x * 2, (gg.ones(2, requires_grad=True),), rtol=1e-1)
    with pytest.raises(RuntimeError, match="stride 0"):
        gradcheck(lambda x: x * 2, (gg.ones(1, dtype=gg.float64).expand(3).requires_grad_(),))


def test_inputs_in_a_list() -> None:
    assert gradcheck(
        lambda x, y: x * y, [gg.rand(3, dtype=gg.float64, requires_grad=True), gg.rand(3, dtype=gg.float64)]
    )

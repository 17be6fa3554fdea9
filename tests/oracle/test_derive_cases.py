"""Derivations of every operation of the table, of a thousand random graphs, and SymPy's derivatives beside them."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

import glassgrad as gg
from glassgrad.glass.deriving import forms
from glassgrad.glass.deriving.checking import Operation
from glassgrad.glass.graph import look
from glassgrad.scalar import Value
from test_cases import DIFFERENTIABLE, Run
from test_derive import balanced, random_graph

UNCHECKED: dict[str, str] = {}  # an operation that no row of the table checks -> why


def test_every_operation_is_derived_and_checked() -> None:
    """Rows whose operations have all passed are left out."""
    mathtext = pytest.importorskip("matplotlib.mathtext")
    parser = mathtext.MathTextParser("path")
    passed: set[str] = {"pick_output"}  # one of several results: the operation's own line has it
    met: set[str] = set()
    for case in DIFFERENTIABLE:
        with gg.watch():
            run = Run(case)
            loss = run.weigh(0)
        ops = {v.op for v in look(loss, names={}).vertices if v.op and v.gradient is not None}
        met |= ops
        if ops <= passed:
            continue
        for x in run.reals:
            try:
                d = gg.derive(loss, wrt=x, steps=None)
            except ValueError as problem:
                assert "no path" in str(problem), problem
                continue
            new = {s.op for s in d.steps if s.check is not None and s.check.passed} - passed
            for v in d.ops:
                o = Operation(v, d.symbols)
                if v.op in new and o.declared.outputs is None:
                    ((_, term),) = o.definition()
                    if term.value is not None and o.inputs is not None:
                        expected = np.asarray(o.forward(o.inputs))
                        np.testing.assert_allclose(term.value, expected, rtol=1e-7, atol=1e-12, err_msg=case.id)
            passed |= new
            assert balanced(d.latex), case.id
            for s in d.steps:
                if s.op in new and s.kind == "gradient" and s.right:
                    parser.parse(f"${forms.latex(s.right[0][1], plain=True)}$")
    assert met - passed == UNCHECKED.keys()


def test_a_thousand_random_graphs() -> None:
    for seed in range(1000):
        root, x = random_graph(seed)
        d = gg.derive(root, wrt=x)
        root.backward()
        assert d.steps[-1].value == pytest.approx(x.grad, rel=1e-12, abs=1e-13), seed


def test_sympy_agrees() -> None:
    sympy = pytest.importorskip("sympy")
    functions = {
        "tanh": sympy.tanh, "exp": sympy.exp, "sin": sympy.sin, "cos": sympy.cos, "log": sympy.log, "sqrt": sympy.sqrt,
        "sigmoid": lambda x: 1 / (1 + sympy.exp(-x)), "neg": lambda x: -x,
        "add": lambda a, b: a + b, "sub": lambda a, b: a - b, "mul": lambda a, b: a * b, "div": lambda a, b: a / b,
        "pow": lambda a, b: a**b,
    }  # fmt: skip

    def symbolic(graph: Any) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        for k, v in enumerate(graph.vertices):
            if not v.op:
                found[v] = sympy.Symbol(f"x{k}", real=True) if v.wants else sympy.Float(v.value)
            elif v.op.startswith("**"):
                found[v] = found[v.edges[0].vertex] ** sympy.nsimplify(v.op[2:])
            else:
                found[v] = functions[v.op](*[found[e.vertex] for e in v.edges])
        return found

    compared = 0
    for seed in range(60):
        rng = random.Random(seed)
        root, x = random_graph(seed)
        graph = look(root)
        if len(graph) > 22 or any(v.op == "relu" for v in graph.vertices):
            continue
        found = symbolic(graph)
        goal = next(v for v in graph.vertices if v.source is x)
        at = {found[v]: v.value for v in graph.vertices if v.kind == "leaf"}
        expected = sympy.diff(found[graph.root], found[goal]).subs(at)
        assert gg.derive(root, wrt=x).value == pytest.approx(float(expected), rel=1e-9), (seed, rng)
        compared += 1
    assert compared > 15


def test_sympy_reads_the_local_derivative() -> None:
    sympy = pytest.importorskip("sympy")
    a = Value(0.7)
    x = sympy.Symbol("x")
    for name in ("tanh", "sin", "cos", "exp", "log", "sqrt"):
        step = next(s for s in gg.derive(getattr(a, name)(), wrt=a).steps if s.kind == "local")
        expected = sympy.diff(getattr(sympy, name)(x), x).subs(x, 0.7)
        assert step.value == pytest.approx(float(expected), rel=1e-12), name

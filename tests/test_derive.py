"""derive(): the derivation is the one that a person writes, its numbers are those of backward(), and it is checked."""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import nn
from glassgrad.core.op import REGISTRY
from glassgrad.glass.deriving import forms, notation
from glassgrad.glass.deriving.checking import WrongFormula
from glassgrad.glass.deriving.derivation import Derivation
from glassgrad.nn import functional as F
from glassgrad.scalar import Value
from test_cases import DIFFERENTIABLE, Run

HAND = """\
u₁ = a b = 2 · 3 = 6
u₂ = u₁ + c = 6 + 4 = 10
u₃ = a + d = 2 + 5 = 7
y  = u₂ u₃ = 10 · 7 = 70

∂y/∂u₂  = u₃ = 7
∂y/∂u₃  = u₂ = 10
∂u₃/∂a  = 1
∂u₂/∂u₁ = 1
∂u₁/∂a  = b = 3

dy/da = ∂y/∂u₂ · ∂u₂/∂u₁ · ∂u₁/∂a + ∂y/∂u₃ · ∂u₃/∂a
      = 7 · 1 · 3 + 10 · 1
      = 21 + 10
      = 31

5 of 5 steps checked"""


def exercise() -> tuple[Value, Value]:
    a, b, c, d = (Value(float(k), label=name) for k, name in zip((2, 3, 4, 5), "abcd", strict=True))
    y = ((a * b) + c) * (a + d)
    y.label = "y"
    return y, a


def test_the_hand_exercise_line_by_line() -> None:
    y, a = exercise()
    d = gg.derive(y, wrt=a)
    assert str(d).startswith(HAND)
    assert d.value == 31
    assert a.grad == 0, "deriving changes nothing"


def test_the_chain_in_one_line() -> None:
    a, b, c = Value(2.0), Value(-3.0), Value(10.0)
    u = a * b
    v = u + c
    L = v**2
    assert "dL/da = ∂L/∂v · ∂v/∂u · ∂u/∂a = 8 · 1 · (−3) = −24" in str(gg.derive(L, wrt=a))
    assert str(gg.derive(L, wrt="a")) == str(gg.derive(L, wrt=a))


def linear_net() -> tuple[nn.Module, gg.Tensor]:
    gg.manual_seed(0)
    layer = nn.Linear(3, 2)
    x = gg.randn(4, 3)
    with gg.watch():
        z = layer(x)
        h = z.relu()
        loss = (h**2).mean()
    return layer, loss


def test_a_linear_layer() -> None:
    layer, loss = linear_net()
    d = gg.derive(loss, wrt=layer.weight)
    said = str(d)
    for line in (
        "= x Wᵀ + b",
        "max(",
        "(Σ u₃) / 8",
        "⊙ [u₂ > 0]",
        " = ū₁ᵀ x ≈ [[",
        "shape (2, 3)",
        "W is layer.weight",
    ):
        assert line in said, said
    assert r"\bar{W} &= \bar{u}_{1}^{\top} \, x" in d.latex
    loss.backward()
    np.testing.assert_array_equal(d.value, layer.weight.grad.numpy())
    assert str(gg.derive(loss, wrt=layer.weight)) == said, "also after the graph was freed, inside watch()"


# --- random graphs: what is shown is what backward() gives ---

MAKERS: list[Any] = [
    lambda a, b: a * b, lambda a, b: a + b, lambda a, b: a - b, lambda a, b: (a - b).tanh(),
    lambda a, b: a / (b * b + 1), lambda a, b: a**2, lambda a, b: a**3.0, lambda a, b: (a * 0.3).tanh().exp(),
    lambda a, b: (a * a + 1).log(), lambda a, b: (a * a + 0.5).sqrt(), lambda a, b: a.sin(), lambda a, b: b.cos(),
    lambda a, b: a.sigmoid(), lambda a, b: a.relu(), lambda a, b: -a + 2, lambda a, b: (a * a + 1) ** b.tanh(),
]  # fmt: skip


def random_graph(seed: int) -> tuple[Value, Value]:
    rng = random.Random(seed)
    leaves = [Value(rng.uniform(-2, 2)) for _ in range(3)]
    values = list(leaves)
    for _ in range(rng.randint(1, 14)):
        made = rng.choice(MAKERS)(rng.choice(values), rng.choice(values))
        if abs(made.data) < 1e4:
            values.append(made)
    return values[-1] * 1.0 + leaves[0] * leaves[1] - leaves[2], rng.choice(leaves)


def ends(step: Any) -> tuple[str, str]:
    """Of dy/dx: y and x."""
    return forms.text(step.left.parts[0].parts[1]), forms.text(step.left.parts[1].parts[1])


def test_the_products_of_the_numbers_shown_sum_to_the_gradient() -> None:
    for seed in range(150):  # a thousand: tests/oracle/test_derive_cases.py
        root, x = random_graph(seed)
        d = gg.derive(root, wrt=x, steps=None)
        slopes = [s for s in d.steps if s.kind == "local"]
        arrived = {forms.text(d.symbols.of(d.graph.root)): 1.0}
        for s in slopes:
            y, to = ends(s)
            arrived[to] = arrived.get(to, 0.0) + arrived[y] * s.value
        root.backward()
        goal = forms.text(d.symbols.of(d.goal))
        assert arrived[goal] == pytest.approx(x.grad, rel=1e-12, abs=1e-13), seed
        assert d.steps[-1].value == pytest.approx(x.grad, rel=1e-12, abs=1e-13), seed


# --- every operation ---


def derivations(case: Any, dtype: Any = np.float64) -> list[Derivation]:
    with gg.watch():
        run = Run(case, dtype=dtype)
        loss = run.weigh(0)
    found = []
    for x in run.reals:
        try:
            found.append(gg.derive(loss, wrt=x, steps=None))
        except ValueError as problem:
            assert "no path" in str(problem), problem
    return found


SAMPLE = DIFFERENTIABLE[::47]  # all of them: tests/oracle/test_derive_cases.py


@pytest.mark.parametrize("case", SAMPLE, ids=[c.id for c in SAMPLE])
def test_an_operation(case: Any) -> None:
    for d in derivations(case):
        for step in d.steps:
            if step.check is not None and not step.check.passed:
                assert step.check.words.startswith("not checked"), step
        assert balanced(d.latex)
        assert str(d) and "<math" in d.html


def balanced(latex: str) -> bool:
    """Braces, \\left and \\right, \\begin and \\end."""
    bare = re.sub(r"\\[{}$%#_&]", "", latex)
    depth = 0
    for c in bare:
        depth += (c == "{") - (c == "}")
        assert depth >= 0, latex
    return depth == 0 and bare.count(r"\left") == bare.count(r"\right") and "$" not in bare


def test_fused_operations_have_their_known_formulas() -> None:
    q, k, v = (gg.randn(1, 2, 5, 4, requires_grad=True) for _ in range(3))
    x = gg.randn(3, 4, requires_grad=True)
    with gg.watch():
        out = F.scaled_dot_product_attention(q, k, v, is_causal=True).sum()
        normed = (F.layer_norm(x, (4,)) * gg.arange(4.0)).sum()
        loss = F.cross_entropy(x, gg.tensor([0, 1, 2]))
    assert "softmax(mask(0.5 q kᵀ))" in str(gg.derive(out, wrt=k))
    assert re.search("v̄ += Pᵀ ", str(gg.derive(out, wrt=v)))
    assert "− mean(" in str(gg.derive(normed, wrt=x)) and "/ √(" in str(gg.derive(normed, wrt=x))
    assert "log Σ[dim 1] e^x" in str(gg.derive(loss, wrt=x))


# --- the checker can fail ---


def test_a_wrong_formula_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    declared = REGISTRY["tanh"]

    def wrong(g: Any, y: Any) -> Any:
        return g * (1 - y * y) * 1.001

    monkeypatch.setitem(declared.declared, "x", wrong)
    monkeypatch.setattr(declared, "formulas", [wrong])
    x = gg.tensor([0.3, 0.7], requires_grad=True)
    with gg.watch():
        loss = x.tanh().sum()
    with pytest.raises(WrongFormula, match="'tanh' is wrong: finite differences"):
        gg.derive(loss, wrt=x)
    a = Value(0.3)
    with pytest.raises(WrongFormula, match="'tanh'"):
        gg.derive(a.tanh(), wrt=a)


def test_a_wrong_notation_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(notation.FUNCTIONS, "cos", notation.Function(notation.FUNCTIONS["cos"].write, np.sin))
    x = gg.tensor([0.3, 0.7], requires_grad=True)
    with gg.watch():
        loss = x.sin().sum()
    with pytest.raises(WrongFormula, match="'sin' is wrong: the expression"):
        gg.derive(loss, wrt=x)
    a = Value(0.3)
    with pytest.raises(WrongFormula, match="'sin'"):
        gg.derive(a.sin(), wrt=a)


def test_what_can_not_be_checked_says_so() -> None:
    v = Value(0.0)
    assert "at a kink" in str(gg.derive(v.relu() * 2, wrt=v))
    r = gg.tensor([0.0, 1.0], requires_grad=True)
    with gg.watch():
        loss = r.relu().sum()
    assert "at a kink" in str(gg.derive(loss, wrt=r))
    assert "use glassgrad.watch()" in str(gg.derive((r * 3.0).sum(), wrt=r))

    class Twice(gg.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: gg.Tensor) -> gg.Tensor:
            return x * 2

        @staticmethod
        def backward(ctx: Any, g: gg.Tensor) -> gg.Tensor:
            return g * 2

    with gg.watch():
        loss = Twice.apply(r).sum()
    assert "your own code" in str(gg.derive(loss, wrt=r))
    a, b = Value(2.0), Value(3.0)
    y = a * b
    b.data = 10.0
    assert "has been changed since" in str(gg.derive(y, wrt=a))
    assert "x³" in str(gg.derive((x := Value(0.0)) ** 3, wrt=x)), "a slope of 0 that differences only approach"
    r.register_hook(lambda g: g * 10)
    assert "a hook of yours" in str(gg.derive((r * 2).sum(), wrt=r))


# --- long ones ---


def test_a_long_derivation_shows_its_ends() -> None:
    x = Value(0.3)
    y = x
    for _ in range(40):
        y = (y * 1.1).tanh()
    d = gg.derive(y, wrt=x)
    said = str(d)
    assert "68 operations left out" in said and "(⋯)[68 factors]" in said
    assert len(d.steps) < 30 < len(d.full.steps)
    assert d.full.steps[-1].value == d.steps[-1].value
    y.backward()
    assert d.steps[-1].value == pytest.approx(x.grad, rel=1e-12)
    assert len(gg.derive(y, wrt=x, steps=4).steps) < len(d.steps)


def test_many_paths_are_summed_value_by_value() -> None:
    x = Value(1.1)
    y = x
    for _ in range(5):
        y = y + y * x
    d = gg.derive(y, wrt=x, steps=None)
    assert sum(s.kind == "chain" for s in d.steps) == len(d.ops)
    assert d.steps[-1].value == pytest.approx(5 * 2.1**4 * 1.1 + 2.1**5, rel=1e-12)


# --- names, files ---


def hostile() -> Derivation:
    v, w = Value(3.0, label="$\\input{x}_^&<script>alert(1)</script>"), Value(2.0, label="w_1")
    q = Value(1.5, label="%#~\"'`\u202e")
    return gg.derive((v * w + q) ** 2, wrt=v)


def test_hostile_names() -> None:
    d = hostile()
    assert balanced(d.latex) and r"\input" not in d.latex and "w_{1}" in d.latex
    assert "<script" not in d.html and "\u202e" not in d.html + str(d)
    assert balanced(d._repr_latex_().strip("$"))


@pytest.mark.parametrize("ending", ["tex", "md", "html", "txt", "svg", "png"])
def test_saved(tmp_path: Path, ending: str) -> None:
    if ending in ("svg", "png"):
        pytest.importorskip("matplotlib")
    v, w = Value(3.0, label="v"), Value(2.0, label="w")
    data = gg.derive(v * w, wrt=v).save(tmp_path / f"d.{ending}").read_bytes()
    starts = {"tex": b"\\documentclass", "md": b"**What", "html": b"<!doctype", "png": b"\x89PNG", "svg": b"<?xml"}
    assert data.startswith(starts.get(ending, b"L"))


def test_pictures_read_every_notation() -> None:
    mathtext = pytest.importorskip("matplotlib.mathtext")
    parser = mathtext.MathTextParser("path")
    layer, loss = linear_net()
    for s in (*hostile().steps[:2], *gg.derive(loss, wrt=layer.weight).steps[::3]):
        for m in (s.left, *[m for _, m in s.right]):
            parser.parse(f"${forms.latex(m, plain=True)}$")


def test_notebooks() -> None:
    d = gg.derive(*exercise())
    assert d._repr_latex_().startswith("$$\\begin{aligned}")
    assert d._repr_markdown_().count("$$") == 6
    assert repr(d) == "<derivation of d y / d a: 4 operations, 10 lines; print it, or .save()>"


def test_a_short_symbol_is_one_value() -> None:
    gg.manual_seed(0)
    net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    W = gg.ones(2)
    with gg.watch():
        loss = (net(gg.ones(1, 2)) * W).sum()
    d = gg.derive(loss, wrt=net[0].weight)
    assert [name for _, name in d.legend][:2] == ["net.0.weight (2, 2)", "net.0.bias (2,)"]
    assert len({m for m, _ in d.legend}) == 4


# --- what has no derivation ---


def test_errors(tmp_path: Path) -> None:
    w = gg.tensor([1.0, 2.0], requires_grad=True)
    loss = (w * w).sum()
    for call, kind, word in [
        (lambda: gg.derive(3, wrt=w), TypeError, "starts at a Value or a Tensor"),
        (lambda: gg.derive(loss, wrt=3), TypeError, "wrt= is a Value, a Tensor or the name"),
        (lambda: gg.derive(w * 2, wrt=w), ValueError, "pass gradient="),
        (lambda: gg.derive(loss, wrt=gg.tensor([1, 2])), ValueError, r"int64.*\.float\(\)"),
        (lambda: gg.derive(loss, wrt=gg.ones(2)), ValueError, "requires no gradient"),
        (lambda: gg.derive(loss, wrt=gg.ones(2, requires_grad=True)), ValueError, "no path"),
        (lambda: gg.derive(loss, wrt="nope"), ValueError, "no 'nope' in this graph; it has"),
        (lambda: gg.derive(loss, wrt=loss), ValueError, "the root itself"),
        (lambda: gg.derive(loss, wrt=w, steps=1), ValueError, "at least 2"),
        (lambda: gg.derive(loss, wrt=w).save(tmp_path / "a.pdf"), ValueError, "ends in .tex, .md"),
        (lambda: gg.derive(loss, wrt=w).save(tmp_path / "no" / "a.md"), FileNotFoundError, "no folder"),
    ]:  # fmt: skip
        with pytest.raises(kind, match=word):
            call()
    loss.backward()
    with pytest.raises(ValueError, match=r"freed by backward\(\) at test_derive.py.*watch\(\)"):
        gg.derive(loss, wrt=w)
    c = gg.tensor([1.0 + 1j], requires_grad=True)
    with pytest.raises(NotImplementedError, match="complex"):
        gg.derive((c * c.conj()).real.sum(), wrt=c)


def test_a_graph_too_large() -> None:
    x = Value(1.0)
    y = x
    for _ in range(30_000):
        y = y * 1.0001
    with pytest.raises(ValueError, match="not among the newest 20,000 .* Derive from a value in between"):
        gg.derive(y, wrt=x)

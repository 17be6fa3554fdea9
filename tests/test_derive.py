"""derive(): the derivation is the one that a person writes, its numbers are those of backward(), and it is checked."""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import Any
from unicodedata import normalize

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import nn
from glassgrad.core.op import REGISTRY
from glassgrad.glass.deriving import forms, notation
from glassgrad.glass.deriving.checking import Operation, WrongFormula
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
    for seed in range(100):  # a thousand: tests/oracle/test_derive_cases.py
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


def test_operations_of_several_results() -> None:
    x = gg.randn(3, 4, requires_grad=True)
    with gg.watch():
        left, right = x.chunk(2, 1)
        halves = (left * right).sum()
        first, _, third = x.unbind()
        rows = (first * third).sum()
        one = x.split(1, 1)[2].sum()
        many = sum(row.sum() for row in x.reshape(12).unbind())
    said = str(gg.derive(halves, wrt=x))
    assert "x[:, 0:2] ≈" in said and "= cat[dim 1](" in said, said
    said = str(gg.derive(rows, wrt=x))
    assert "= x[2] ≈" in said and re.search(r"= stack\(.*, 0, .*\)", said), said
    assert re.search(r"cat\[dim 1\]\(0, 0, ū₁, 0\)", str(gg.derive(one, wrt=x)))
    assert "= (u₁[0], u₁[1], u₁[2], ⋯, u₁[11])" in str(gg.derive(many, wrt=x))


def test_products_and_running_sums_have_their_known_formulas() -> None:
    x = gg.rand(3, 4, requires_grad=True)
    at = gg.tensor([[0, 1, 1, 0]] * 3)
    for make, value, gradient in [
        (lambda x: x.prod(), "Π x", "Π[k ≠ i] x"),
        (lambda x: x.prod(1), "Π[dim 1] x", "Π[k ≠ i, dim 1] x"),
        (lambda x: x.cumsum(1), "Σ[k ≤ i, dim 1] x", "Σ[k ≥ i, dim 1] ū₁"),
        (lambda x: x.logcumsumexp(1), "log Σ[k ≤ i, dim 1] e^x", "e^x ⊙ (Σ[k ≥ i, dim 1] ū₁ ⊙ e^(−u₁))"),
        (lambda x: x.cumprod(1), "x[i−1]", "ū₁[i+1]"),
        (lambda x: x.scatter_reduce(1, at, gg.ones(3, 4), "prod"), "scatter prod(x, ", "⊙ (u₁ / x)"),
        (lambda x: 2.0**x, "2^x", "(u₁ log(2))"),
    ]:  # fmt: skip
        with gg.watch():
            loss = make(x).sum()
        said = str(gg.derive(loss, wrt=x))
        assert f"= {value}" in said and gradient in said, said
    y = gg.tensor([0.0, 2.0, 0.0], requires_grad=True)
    with gg.watch():
        loss = y.prod() + y.scatter_reduce(0, gg.tensor([0]), gg.tensor([3.0]), "prod").sum()
    assert all(s.check.passed for s in gg.derive(loss, wrt=y).steps if s.check), "zeros are no exception"


# --- recurrent layers ---

GATES = {
    "LSTM": ["i = σ(a_i)", "f = σ(a_f)", "g = tanh(a_g)", "o = σ(a_o)", "c = f ⊙ c₀ + i ⊙ g", "h = o ⊙ tanh(c)",
             "ī = c̄ ⊙ g", "f̄ = c̄ ⊙ c₀", "ḡ = c̄ ⊙ i", "ō = h̄ ⊙ tanh(c)", "ā_i = ī ⊙ (1 − i) ⊙ i", "ā_g = ḡ ⊙ (1 − g²)",
             "c̄ = h̄ ⊙ o ⊙ (1 − tanh²(c))", "ā = cat[dim 1](ā_i, ā_f, ā_g, ā_o)", "W̄_hh = m̄ᵀ h₀"],
    "GRU": ["r = σ(a_r + m_r)", "n = tanh(a_n + r ⊙ m_n)", "h = n + z ⊙ (h₀ − n)", "z̄ = h̄ ⊙ (h₀ − n)",
            "r̄ = n̄ ⊙ (1 − n²) ⊙ m_n", "m̄_n = n̄ ⊙ (1 − n²) ⊙ r", "ā_n = n̄ ⊙ (1 − n²)", "W̄_hh = m̄ᵀ h₀"],
    "RNN": ["h = tanh(a + m)", "ā = h̄ ⊙ (1 − h²)", "m̄ = ā", "W̄_hh = m̄ᵀ h₀"],
}  # fmt: skip


@pytest.mark.parametrize("kind", GATES)
def test_the_gates_of_a_cell(kind: str) -> None:
    layer = getattr(nn, f"{kind}Cell")(2, 3)
    with gg.watch():
        y = layer(gg.randn(2, 2))
        loss = (y[0] if isinstance(y, tuple) else y).square().sum()
    d = gg.derive(loss, wrt=layer.weight_hh)
    said = [re.sub(" +=", " =", line) for line in str(d).splitlines()]
    assert all(s.check.passed for s in d.steps if s.kind == "gradient" and s.op == "unroll"), "each line by itself"
    written = next(made for v in d.ops if (made := Operation(v, d.symbols).unrolled))
    for left, term in written.backward:
        assert written.check(left, term.value).passed and not written.check(left, term.value + 1e-3).passed
    for line in GATES[kind]:
        assert any(re.match(rf"{re.escape(line)}($| {{4}}| ≈| = )", s) for s in said), (line, said)


def test_a_gate_that_gets_no_gradient() -> None:
    cell = nn.LSTMCell(2, 3)
    with gg.watch():
        loss = cell(gg.randn(2, 2))[1].square().sum()
    said = str(gg.derive(loss, wrt=cell.weight_ih))
    assert "ā    = cat[dim 1](ā_i, ā_f, ā_g, 0)" in said and "ō" not in said and "0 ⊙" not in said


@pytest.mark.parametrize("reverse", [False, True])
def test_an_lstm_through_time(reverse: bool) -> None:
    """Every gate's gradient against the same layer written by hand."""
    layer = nn.LSTM(2, 3, bidirectional=reverse).double()
    x, h0, c0 = (gg.randn(*shape, dtype=gg.float64) for shape in ((4, 2, 2), (1 + reverse, 2, 3), (1 + reverse, 2, 3)))
    with gg.watch():
        y, (_, last) = layer(x, (h0, c0))
        loss = y.square().sum() + last.sum()
    end = "_reverse" if reverse else ""
    w_ih, w_hh, b_ih, b_hh = (
        getattr(layer, f"{name}_l0{end}") for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    )
    named: dict[str, list[gg.Tensor]] = {name: [] for name in "ifgohc"}
    h, c = h0[-1], c0[-1]
    for row in list(x)[:: -1 if reverse else 1]:
        i, f, g, o = (row @ w_ih.T + b_ih + h @ w_hh.T + b_hh).chunk(4, 1)
        i, f, g, o = i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid()
        c = f * c + i * g
        h = o * c.tanh()
        for name, value in zip("ifgohc", (i, f, g, o, h, c), strict=True):
            value.retain_grad()
            named[name].insert(0 if reverse else len(named[name]), value)
    (sum(h.square().sum() for h in named["h"]) + c.sum()).backward()
    d = gg.derive(loss, wrt=w_hh)
    np.testing.assert_allclose(d.value, w_hh.grad.numpy(), rtol=1e-9)
    for name, values in named.items():
        (step,) = [
            s for s in d.steps if re.fullmatch(f"{name}\u0304[₁₂]?_?\\[?t\\]?", normalize("NFD", forms.text(s.left)))
        ]
        expected = np.concatenate([v.grad.numpy() for v in values])
        np.testing.assert_allclose(step.value, expected, rtol=1e-8, atol=1e-12, err_msg=name)
    assert ("m̄[t+1] w_hh" in str(d)) is not reverse, "what comes from the next step, or from the one before"


def test_what_is_not_written_out_of_a_recurrent_layer_says_so() -> None:
    layer = nn.LSTM(2, 3)
    packed = nn.utils.rnn.pack_sequence([gg.randn(3, 2), gg.randn(2, 2)])
    with gg.watch():
        loss = layer(packed)[0].data.sum()
    said = str(gg.derive(loss, wrt=layer.weight_hh_l0))
    assert "its steps are not written out for sequences of several lengths" in said and "(∂H/∂W_hh)ᵀ H̄" in said
    assert "use glassgrad.watch()" in str(gg.derive(layer(gg.randn(2, 1, 2))[0].sum(), wrt=layer.weight_hh_l0))


def test_a_wrong_step_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    declared = REGISTRY["tanh"]
    layer = nn.RNN(2, 3)
    with gg.watch():
        loss = layer(gg.randn(3, 1, 2))[0].square().sum()
    monkeypatch.setitem(declared.declared, "x", lambda g, y: g * (1 - y * y) * 1.001)
    with pytest.raises(WrongFormula, match="'unroll' is wrong"):
        gg.derive(loss, wrt=layer.weight_ih_l0)


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
    r = gg.tensor([0.0, 1.0], requires_grad=True)
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


def test_a_kink_is_named_with_the_slope_that_was_chosen() -> None:
    v = Value(0.0)
    for made, slopes in [
        (abs(v), "slope −1 below and 1 above: 0 by convention"),
        (v.relu(), "slope 0 below and 1 above"),
    ]:
        assert f"not checked: at a kink, with {slopes}" in str(gg.derive(made * 2, wrt=v))
    for x in (Value(1e-9), Value(-3.0)):
        assert "kink" not in str(gg.derive(abs(x) * 2, wrt=x))
    for smooth in (v * v * v, v.tanh(), (v * v + 1e-6).sqrt(), v.sin() * v):
        assert "kink" not in str(gg.derive(smooth * 1.0, wrt=v))


@pytest.mark.parametrize(
    ("text", "at", "said"),
    [
        ("x.abs()", [0.0, 1.0], "at a kink in 1 of 2 entries, with slope −1 below and 1 above: 0 by convention"),
        ("-3 * x.abs()", [0.0], "not checked: at a kink, with slope −1 below and 1 above: 0 by convention"),
        ("F.leaky_relu(x, 0.1)", [0.0, 2.0, 0.0], "kink in 2 of 3 entries, with slope 0.1 below and 1 above: 0.1 by"),
        ("F.relu6(x)", [0.0, 6.0], "not checked: at a kink in 2 of 2 entries, where the derivative is a convention"),
        ("x.sign()", [0.0, 1.0], "at a jump in 1 of 2 entries, with slope 0 by convention"),
        ("x.floor()", [1.0, -0.5], "at a jump in 1 of 2 entries, with slope 0 by convention"),
        ("x.amax()", [1.0, 2.0, 2.0], "not checked: at a kink, where the derivative is a convention"),
        ("x.norm()", [0.0, 0.0], "not checked: at a kink"),
        ("F.elu(x)", [0.0, 1.0], ""),
        ("F.gelu(x) + x.tanh()", [0.0, 1e-7, 20.0], ""),
        ("x.square() + x**3", [0.0, -1.0], ""),
        ("x.exp()", [1000.0, -1000.0], "not checked: not finite near by"),
    ],
)
def test_kinks_of_tensors(text: str, at: list[float], said: str) -> None:
    x = gg.tensor(at, dtype=gg.float64, requires_grad=True)
    with gg.watch():
        loss = eval(text, {"x": x, "F": F}).sum()
    found = str(gg.derive(loss, wrt=x))
    assert said in found if said else "at a " not in found and "not checked" not in found, found


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
    with pytest.raises(NotImplementedError, match="c is complex, .* two real tensors"):
        gg.derive((c * c.conj()).real.sum(), wrt=c)
    beside = (w * w).sum() + (c * 2).abs().sum()
    assert "= ū₁ ⊙ w" in str(gg.derive(beside, wrt=w)), "complex numbers elsewhere do not matter"


def test_a_graph_too_large() -> None:
    x = Value(1.0)
    y = x
    for _ in range(30_000):
        y = y * 1.0001
    with pytest.raises(ValueError, match="not among the newest 20,000 .* Derive from a value in between"):
        gg.derive(y, wrt=x)

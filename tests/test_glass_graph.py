"""The graph that draw, step, explain and derive look at: its gradients are those of backward(), to the bit."""

from __future__ import annotations

import gc
from collections import deque
from contextlib import nullcontext
from typing import Any

import numpy as np
import pytest

import glassgrad as gg
from cases.make import Case
from glassgrad import nn
from glassgrad.core.provenance import show
from glassgrad.glass import scalars
from glassgrad.glass.graph import Graph, Vertex, look, watch
from glassgrad.scalar import Value
from glassgrad.scalar.engine import affine
from test_cases import DIFFERENTIABLE, Run


def flows(graph: Graph, name: str) -> dict[str, Any]:
    """By argument's name what a vertex hands on."""
    return {edge.vertex.name: edge.flow for edge in graph.find(name).edges}


# --- Values ---


def test_hand_exercise() -> None:
    a, b, c, d = (Value(float(k)) for k in (2, 3, 4, 5))
    ab = a * b
    left = ab + c
    right = a + d
    loss = left * right
    graph = look(loss)
    assert {v.name: (v.value, v.gradient) for v in graph.vertices} == {
        "a": (2, 31), "b": (3, 14), "c": (4, 7), "d": (5, 10),
        "ab": (6, 7), "left": (10, 7), "right": (7, 10), "loss": (70, 1),
    }  # fmt: skip
    assert flows(graph, "ab") == {"a": 21, "b": 14}
    assert flows(graph, "right") == {"a": 10, "d": 10}
    assert [v.op for v in graph.vertices if v.op] == ["mul", "add", "add", "mul"]
    assert a.grad == 0, "looking changes nothing"
    loss.backward()
    assert {v.name: v.source.grad for v in graph.vertices} == {v.name: v.gradient for v in graph.vertices}
    assert [v.gradient for v in look(loss).vertices] == [v.gradient for v in graph.vertices], "after backward() too"


def test_a_value_used_twice_and_a_constant() -> None:
    x = Value(3.0)
    graph = look(x * x + 2 * x)
    assert graph.find("x").gradient == 8
    assert [(v.value, v.gradient) for v in graph.vertices if v.kind == "constant"] == [(2.0, None)]
    assert len(graph.consumers()[graph.find("x")]) == 3


def test_a_shut_gate_lets_no_infinity_through() -> None:
    x = Value(-1.0, label="gate")
    assert look(x.relu() * Value(float("inf"))).find("gate").gradient == 0.0


class Neuron:
    def __init__(self) -> None:
        self.w, self.itself = [Value(2.0), Value(3.0)], self

    def __call__(self, x: Value) -> Value:
        a, b = self.w
        part = (
            a
            * x
        )  # fmt: skip
        return part + sum(b * x for _ in range(2))


def line_of(v: Vertex) -> str:
    return show(v.place).rpartition("   ")[2]


def test_values_know_their_lines_inside_watch() -> None:
    layer, x = {"first": Neuron()}, Value(1.0)
    before = x * x
    with watch():
        inside = layer["first"](x) * before
        with watch():
            root = inside.tanh() + inside
    for graph in (look(root), look(root)):
        lines = {line_of(v) for v in graph.vertices if v.op and v.source is not before}
        assert lines == {
            'inside = layer["first"](x) * before', "root = inside.tanh() + inside", "a",
            "return part + sum(b * x for _ in range(2))",
        }  # fmt: skip
        assert graph.find("before").place is None and graph.find("x").place is None
        assert {"layer['first'].w[0]", "layer['first'].w[1]"} <= {v.name for v in graph.vertices}
    after = root * 2
    assert look(after).root.place is None


def test_lines_are_forgotten_after_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scalars, "_made", deque(maxlen=10))
    with watch():
        old = Value(2.0) * 3
        for _ in range(20):
            new = Value(2.0) * 3
    assert look(old).root.place is None and line_of(look(new).root) == "new = Value(2.0) * 3"


def test_labels_come_before_variables() -> None:
    w = Value(1.0, label="weight")
    assert look(w + 1).find("weight").source is w
    with pytest.raises(KeyError, match="it has weight"):
        look(w + 1).find("w")


# --- Tensors ---


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(4, 3)
        self.blocks = nn.ModuleList([nn.Sequential(nn.Linear(3, 3), nn.ReLU()) for _ in range(2)])
        self.head = nn.Linear(3, 2)

    def forward(self, x: gg.Tensor) -> gg.Tensor:
        x = gg.tanh(self.first(x))
        for block in self.blocks:
            x = x + block(x)
        return self.head(x)


def loss_of(net: nn.Module) -> gg.Tensor:
    return nn.functional.cross_entropy(net(gg.randn(5, 4)), gg.tensor([0, 1, 0, 1, 1]))


def check(graph: Graph) -> None:
    """Every leaf's gradient is the one that backward() gave it."""
    compared = 0
    for v in graph.vertices:
        if isinstance(v.source, gg.Tensor) and v.wants:
            np.testing.assert_array_equal(v.gradient, v.source.grad.numpy(), strict=True)
            compared += 1
    assert compared


def test_gradients_of_a_network() -> None:
    net = Net()
    loss = loss_of(net)
    graph = look(loss)
    assert all(p.grad is None for p in net.parameters())
    loss.backward()
    check(graph)
    for v in graph.vertices:
        if v.gradient is not None:
            assert v.shape == v.gradient.shape


def test_the_check_can_fail() -> None:
    net = Net()
    loss = loss_of(net)
    graph = look(loss)
    loss.backward()
    graph.find("net.head.bias").gradient = graph.find("net.head.bias").gradient + np.float32(1e-6)
    with pytest.raises(AssertionError):
        check(graph)


def test_modules_and_parameters_have_names() -> None:
    net = Net()
    with watch():
        loss = loss_of(net)
    graph = look(loss)
    where = {".".join(v.module): v.title for v in graph.vertices if v.op}
    assert where["Net.blocks.0.0"] == "AddmmBackward0"
    assert where["Net.blocks.1.1"] == "ReluBackward0"
    assert graph.modules["Net", "blocks.0", "1"] == "ReLU"
    assert graph.vertices[-1].module == ()
    assert graph.find("net.blocks.0.0.weight").source is net.blocks[0][0].weight
    nameless = look(loss, names={})
    assert nameless.find("blocks.0.0.weight").source is net.blocks[0][0].weight
    assert all(v.module == () for v in look(loss_of(net)).vertices), "known only where it was watched"


def test_the_same_module_twice_after_another_network_and_an_error() -> None:
    layer, other = nn.Linear(2, 2), nn.Linear(2, 2)
    both = nn.Sequential(layer, nn.Tanh(), layer)
    with watch():
        other(gg.ones(1, 2))
        with pytest.raises(RuntimeError):
            both(gg.ones(1, 3))
        graph = look(both(gg.ones(1, 2)).sum())
    assert [v.module for v in graph.vertices if v.op] == [
        ("Sequential", "0"),
        ("Sequential", "1"),
        ("Sequential", "0"),
        (),
    ]


def test_a_freed_graph_says_so_and_a_watched_one_does_not_mind() -> None:
    net = Net()
    loss = loss_of(net)
    loss.backward()
    graph = look(loss)
    assert {v.title for v in graph.vertices if v.op} >= {"NllLossBackward0", "TanhBackward0", "AddmmBackward0"}
    assert "freed by backward() at test_glass_graph.py" in graph.notes[0]
    net.zero_grad()
    with watch():
        loss = loss_of(net)
    loss.backward()
    graph = look(loss)
    assert not graph.notes
    assert all(v.value is not None for v in graph.vertices)
    check(graph)


def test_watching_ends_with_the_graph() -> None:
    from glassgrad.glass.graph import kept

    gc.collect()
    before = len(kept)
    with watch():
        loss = loss_of(Net())
    assert len(kept) > before
    del loss
    gc.collect()
    assert len(kept) == before


def test_broadcast_and_several_outputs() -> None:
    x, b = gg.ones(3, 2, requires_grad=True), gg.ones(2, requires_grad=True)
    low, high = (x * b).chunk(2, 1)
    values, _ = (low + high * 2).max(0)
    loss = values.sum()
    graph = look(loss)
    loss.backward()
    check(graph)
    assert graph.find("b").shape == (2,)


def test_complex_and_sparse_gradients_are_those_that_users_have() -> None:
    z = gg.tensor([1 + 2j, -1j], requires_grad=True)
    table = nn.Embedding(4, 2, sparse=True)
    loss = (z * (2 - 1j)).abs().sum() + table(gg.tensor([1, 1, 3])).sum()
    graph = look(loss)
    with pytest.raises(NotImplementedError, match="complex"):
        gg.paths(loss, z)
    loss.backward()
    np.testing.assert_array_equal(graph.find("z").gradient, z.grad.numpy())
    sparse = graph.find("table.weight").gradient.sparse.to_dense()
    assert sparse.equal(table.weight.grad.to_dense())


def test_hooks_change_what_is_seen() -> None:
    x = gg.ones(2, requires_grad=True)
    y = x * 3
    y.register_hook(lambda g: g * 10)
    x.register_hook(lambda g: g + 1)
    loss = y.sum()
    graph = look(loss)
    assert graph.find("y").gradient.tolist() == [10, 10]
    assert graph.find("x").gradient.tolist() == [31, 31]


def test_a_function_of_the_users() -> None:
    class Twice(gg.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: gg.Tensor) -> gg.Tensor:
            return x * 2

        @staticmethod
        def backward(ctx: Any, g: gg.Tensor) -> gg.Tensor:
            return g * 2

    x = gg.ones(2, requires_grad=True)
    graph = look(Twice.apply(x).sum())
    assert graph.find("x").gradient.tolist() == [2, 2]
    assert "TwiceBackward" in [v.title for v in graph.vertices]


def test_a_value_that_was_changed_since_is_not_shown() -> None:
    x = gg.ones(2, requires_grad=True)
    y = x * 1
    loss = (y * y).sum()
    with gg.no_grad():
        y.add_(5)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        look(loss)


def test_roots_without_a_gradient() -> None:
    x = gg.ones(2, 2, requires_grad=True)
    graph = look(x * 2)
    assert "shape (2, 2)" in graph.notes[0]
    assert look(x * 2, gradient=gg.ones(2, 2)).find("x").gradient.tolist() == [[2, 2], [2, 2]]
    assert "requires no gradient" in look(gg.ones(1)).notes[0]
    with pytest.raises(TypeError, match="a Value or a Tensor, got list"):
        look([1.0])  # type: ignore[arg-type]


# --- large ---


def chain(x: Any, steps: int) -> Any:
    for _ in range(steps):
        x = x + 1
    return x


@pytest.mark.parametrize("make", [Value, lambda x: gg.tensor(x, requires_grad=True)])
def test_of_a_large_graph_the_newest_part_is_seen(make: Any) -> None:
    graph = look(chain(make(1.0), 3000), limit=100)
    assert graph.beyond
    assert 50 <= len(graph) <= 101
    assert graph.root.gradient == 1
    assert sum(v.cut for v in graph.vertices) >= 1
    assert not look(chain(make(1.0), 30), limit=100).beyond


def test_consumers_come_after_their_arguments() -> None:
    graph = look(loss_of(Net()))
    place: dict[Vertex, int] = {v: k for k, v in enumerate(graph.vertices)}
    assert all(place[edge.vertex] < place[v] for v in graph.vertices for edge in v.edges)
    assert graph.vertices[-1] is graph.root


# --- every operation ---

FIRST_ROWS = list({c.path: c for c in reversed(DIFFERENTIABLE)}.values())


@pytest.mark.parametrize("c", FIRST_ROWS, ids=lambda c: c.id)
@pytest.mark.parametrize("watched", [False, True])
def test_every_operation(c: Case, watched: bool) -> None:
    with watch() if watched else nullcontext():
        run = Run(c)
        loss = run.weigh(0)
    expected = gg.autograd.grad(loss, run.reals, retain_graph=not watched, allow_unused=True)
    found = {id(v.source): v for v in look(loss).vertices}
    for x, g in zip(run.reals, expected, strict=True):
        if g is not None:
            np.testing.assert_array_equal(found[id(x)].gradient, g.numpy(), strict=True)


def test_an_operation_may_have_more_arguments_than_a_graph_has_vertices() -> None:
    xs = [Value(float(k)) for k in range(50)]
    leaves = [gg.ones(1, requires_grad=True) for _ in range(50)]
    for root in (affine(xs, xs[::-1], xs[0]), gg.cat(leaves).sum()):
        graph = look(root, limit=10)
        assert graph.beyond and len(graph) <= 22
        assert graph.left_out == f"Of {graph.total:,} vertices the newest {len(graph)} are looked at."
        assert look(root).left_out == ""

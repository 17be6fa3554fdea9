"""The cursor over the backward pass, and the paths that a gradient is the sum of."""

from __future__ import annotations

import json
import math
import random

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import nn
from glassgrad.glass.graph import Vertex, look
from glassgrad.glass.stepping.cursor import Cursor
from glassgrad.scalar import Value
from glassgrad.scalar.engine import affine

FIRST = """\
4 steps
y = 70    gradient 1
step 1 of 4
y = ((a * b) + c) * (a + d) = 70    upstream 1
  (a * b) + c    1 * 7 = 7      complete
  a + d          1 * 10 = 10    complete
step 2 of 4
a + d = 7    upstream 10
  a    10 * 1 = 10    so far 10, to come 1: a * b
  d    10 * 1 = 10    complete
step 3 of 4
(a * b) + c = 10    upstream 7
  a * b    7 * 1 = 7    complete
  c        7 * 1 = 7    complete
step 4 of 4, the last
a * b = 6    upstream 7
  a    7 * 3 = 21    10 + 21 = 31, complete
  b    7 * 2 = 14    complete
"""

SECOND = """\
5 steps
y = 42.25    gradient 1
step 1 of 5
y = (w2 * relu((w1 * x) + b))**2 = 42.25    upstream 1
  w2 * relu((w1 * x) + b)    1 * -13 = -13    complete
step 2 of 5
w2 * relu((w1 * x) + b) = -6.5    upstream -13
  w2                    -13 * 6.5 = -84.5    complete
  relu((w1 * x) + b)    -13 * -1 = 13        complete
step 3 of 5
relu((w1 * x) + b) = 6.5    upstream 13
  (w1 * x) + b    13 * 1 = 13    complete
step 4 of 5
(w1 * x) + b = 6.5    upstream 13
  w1 * x    13 * 1 = 13    complete
  b         13 * 1 = 13    complete
step 5 of 5, the last
w1 * x = 6    upstream 13
  w1    13 * 2 = 26    complete
  x     13 * 3 = 39    complete
"""


def trace(cursor: Cursor) -> str:
    return "".join(f"{screen}\n" for screen in [str(cursor), *map(str, cursor)])


def first() -> Cursor:
    a, b, c, d = (Value(float(k)) for k in (2, 3, 4, 5))
    y = ((a * b) + c) * (a + d)
    return gg.step(y)


def test_the_hand_exercises_line_by_line() -> None:
    assert trace(first()) == FIRST
    x, w1, w2, b = Value(2.0), Value(3.0), Value(-1.0), Value(0.5)
    y = (w2 * (w1 * x + b).relu()) ** 2
    assert trace(gg.step(y)) == SECOND


def test_the_same_exercise_with_tensors_of_one_element() -> None:
    a, b, c, d = (gg.tensor(float(k), requires_grad=True) for k in (2, 3, 4, 5))
    with gg.watch():
        y = ((a * b) + c) * (a + d)
    lines = [line for line in trace(gg.step(y)).splitlines() if "test_glass_step.py" not in line]
    assert lines == FIRST.splitlines()
    assert "test_glass_step.py" in str(gg.step(y).next()), "the user's own line"


# --- moving ---


def random_graph(seed: int) -> tuple[Value, list[Value]]:
    rng = random.Random(seed)
    leaves = [Value(rng.uniform(-2, 2)) for _ in range(3)]
    values: list[Value] = list(leaves)
    for _ in range(rng.randint(1, 12)):
        a, b = rng.choice(values), rng.choice(values)
        values.append(rng.choice([lambda a=a, b=b: a * b, lambda a=a, b=b: a + b, lambda a=a, b=b: (a - b).tanh()])())
    return values[-1] + sum(leaves[1:], leaves[0]), leaves


@pytest.mark.parametrize("seed", range(20))
def test_the_way_does_not_matter(seed: int) -> None:
    cursor = gg.step(random_graph(seed)[0])
    screens = trace(cursor).splitlines()
    assert screens
    texts = {}
    for k in range(len(cursor) + 1):
        texts[k] = str(cursor.goto(k))
    rng = random.Random(seed)
    for _ in range(60):
        try:
            rng.choice([cursor.next, cursor.back])()
        except IndexError:
            continue
        assert str(cursor) == texts[cursor.at]


def test_what_has_arrived_and_what_is_to_come_make_the_gradient() -> None:
    root, leaves = random_graph(3)
    cursor = gg.step(root)
    root.backward()
    for leaf in leaves:
        v = next(v for v in cursor.graph.vertices if v.source is leaf)
        counts = []
        for k in range(len(cursor) + 1):
            cursor.goto(k)
            counts.append((len(cursor.arrived(v)), len(cursor.pending(v))))
        assert counts[0][0] == counts[-1][1] == 0
        assert len({a + b for a, b in counts}) == 1
        assert math.isclose(sum(cursor.arrived(v)), leaf.grad, rel_tol=1e-12, abs_tol=1e-12)


def test_goto_what_is_meant_by_itself_or_by_the_end_of_its_name() -> None:
    net, x = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1)), gg.randn(2, 3)
    cursor = gg.step(net(x).sum())
    at = cursor.goto("net.0.weight").at
    assert at == cursor.goto(net[0].weight).at == cursor.goto("0.weight").at == len(cursor)
    with pytest.raises(KeyError, match="no 'weight' in this graph; it has net.0.bias, net.0.weight"):
        cursor.goto("weight")  # of two
    with pytest.raises(ValueError, match="the root does not depend on it"):
        cursor.goto(gg.ones(2, requires_grad=True))
    paths = gg.paths(net(x).sum(), "2.bias")
    assert np.array_equal(paths.gradient, gg.paths(net(x).sum(), net[2].bias).gradient)
    by_name, by_itself = gg.derive(net(x).sum(), wrt="2.bias"), gg.derive(net(x).sum(), wrt=net[2].bias)
    assert str(by_name).partition("checked")[0] == str(by_itself).partition("checked")[0]
    with pytest.raises(TypeError, match="got Sequential: it starts at what that returns, or at the loss"):
        gg.draw(net)


def test_goto() -> None:
    cursor = first()
    assert cursor.goto("a").at == 4
    assert cursor.goto("d").at == 2
    assert cursor.back().at == 1
    with pytest.raises(KeyError, match="no 'z' in this graph; it has a, b, c, d, y"):
        cursor.goto("z")
    with pytest.raises(IndexError, match="4 steps, no 5"):
        cursor.goto(4).next()
    with pytest.raises(IndexError, match="no -1"):
        cursor.goto(0).back()


def deep() -> gg.Tensor:
    gg.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 4), nn.Sequential(nn.Tanh(), nn.Linear(4, 4)), nn.Linear(4, 1))
    with gg.watch():
        return (100 * net(gg.ones(2, 3))).square().mean()


def test_run_to_a_condition() -> None:
    cursor = gg.step(deep())
    assert cursor.run(above=100).vertex is next(v for v in cursor.order if np.linalg.norm(v.gradient) > 100)
    assert cursor.goto(0).run(module="1").vertex.module == ("Sequential", "1", "1")  # type: ignore[union-attr]
    assert cursor.goto(0).run(module="7").at == len(cursor), "no such module: to the end"
    assert cursor.goto(0).run(lambda v: v.op == "tanh").vertex.op == "tanh"  # type: ignore[union-attr]
    assert cursor.goto(0).run(nan=True).at == len(cursor)
    with pytest.raises(ValueError, match="run\\(\\) needs until=, nan=True"):
        cursor.run()


def test_run_to_the_first_nan() -> None:
    x = gg.tensor([0.0, 4.0], requires_grad=True)
    root = x.sqrt()
    loss = (root * gg.tensor([0.0, 1.0])).sum() * 2
    cursor = gg.step(loss).run(nan=True)
    assert cursor.vertex is not None and cursor.vertex.name == "root"
    assert "nan" in str(cursor)


def test_large_numbers_are_finite() -> None:
    a = Value(1e200)
    assert len(cursor := gg.step(a * 2.0 + a)) == cursor.run(nan=True).at
    x = gg.tensor([1e30, 2.0], requires_grad=True)  # its square is infinite in float32
    cursor = gg.step((x * x.detach()).sum())
    assert cursor.run(nan=True).at == len(cursor) and "nan" not in str(cursor) and "inf" not in str(cursor)


def test_saying_a_step_again_changes_nothing() -> None:
    a, b = gg.randn(4, 2, requires_grad=True).chunk(2)
    cursor = gg.step((a * b + a).sum())
    screens = trace(cursor)
    assert trace(cursor.goto(0)) == screens and "several" in screens


# --- entries ---


def test_the_terms_of_an_entry_sum_to_it() -> None:
    gg.manual_seed(1)
    x, w = gg.randn(3, 4, requires_grad=True), gg.randn(4, 2, requires_grad=True)
    y = x @ w
    cursor = gg.step(y.tanh().sum()).goto("w")
    for index in np.ndindex(4, 2):
        terms = cursor.entry("w", index)
        assert len(terms) == 3, "the rows of x, and one column of y"
        found = cursor.graph.find("w").gradient[index]
        assert math.isclose(sum(g * local for _, g, local in terms), found, rel_tol=1e-5)
    with pytest.raises(KeyError, match="hands nothing on to 'z'"):
        cursor.entry("z")
    with pytest.raises(ValueError, match="no step"):
        cursor.goto(0).entry("w")
    large = gg.zeros(5000, requires_grad=True)
    with pytest.raises(ValueError, match="5000 entries"):
        gg.step((large * 1).sum()).goto("large").entry("large", (0,))


def test_an_entry_of_a_value() -> None:
    assert first().next().entry("a + d") == [((), 1.0, 10.0)]


# --- JSON ---


def test_a_page_can_be_fed() -> None:
    loss = deep() * float("inf")
    cursor = gg.step(loss).goto(2)
    data = json.loads(json.dumps(cursor.to_dict(), allow_nan=False))
    assert data["at"] == 2 and len(data["steps"]) == len(cursor)
    assert len(data["vertices"]) == len(cursor.graph)
    root = data["vertices"][data["steps"][0]]
    assert root["value"] == "inf" and root["line"][0].endswith("test_glass_step.py")
    assert {v["kind"] for v in data["vertices"]} == {"op", "leaf", "constant"}


# --- what cannot be stepped through ---


def test_nothing_to_step_through() -> None:
    x = gg.ones(2, 2, requires_grad=True)
    with pytest.raises(ValueError, match="Pass gradient="):
        gg.step(x * 2)
    assert len(gg.step(x * 2, gg.ones(2, 2))) == 1
    with pytest.raises(ValueError, match="requires no gradient"):
        gg.step(gg.ones(1))
    leaf = gg.tensor(1.0, requires_grad=True)
    with pytest.raises(ValueError, match="nothing to step through: leaf was not computed"):
        gg.step(leaf)


def test_a_freed_graph_has_its_first_step_at_most() -> None:
    x = gg.ones(2, requires_grad=True)
    loss = (x * x).exp().sum()
    loss.backward()
    cursor = gg.step(loss)
    assert len(cursor) < 3
    assert "freed by backward" in cursor.graph.notes[0]


def test_what_is_left_out_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    a = Value(1.0, label="a")
    y = a
    for _ in range(30):
        y = y * 1.1
    monkeypatch.setattr(look, "__defaults__", (*look.__defaults__[:2], 10))  # type: ignore[index]
    assert str(gg.step(y)).endswith("Of 61 vertices the newest 10 are looked at.")
    with pytest.raises(ValueError, match="Of 61 vertices the newest 10 .* What was asked for is older"):
        gg.paths(y, a)
    with pytest.raises(ValueError, match="Of 22 vertices the newest"):
        gg.step(affine([a] * 10 + [Value(float(k)) for k in range(20)], [a] * 30, a))


# --- paths ---


def all_paths(cursor: Cursor, v: Vertex, goal: Vertex, g: float) -> list[float]:
    """Every path's contribution, by going through all of them."""
    if v is goal:
        return [g]
    found = []
    if isinstance(v.source, Value):
        for edge in v.edges:
            if edge.flow is not None:
                local = v.source.local_gradients[edge.position]
                found += all_paths(cursor, edge.vertex, goal, g * local)
    return found


@pytest.mark.parametrize("seed", range(40))
def test_paths_of_random_graphs(seed: int) -> None:
    root, leaves = random_graph(seed)
    cursor = gg.step(root)
    for leaf in leaves:
        goal = next(v for v in cursor.graph.vertices if v.source is leaf)
        everything = sorted(all_paths(cursor, cursor.graph.root, goal, 1.0), key=abs, reverse=True)
        found = gg.paths(root, leaf, top=4)
        assert found.number == len(everything)
        np.testing.assert_allclose([abs(p.contribution) for p in found.largest], np.abs(everything[:4]), rtol=1e-12)
        total = sum(p.contribution for p in found.largest) + found.rest
        assert math.isclose(total, sum(everything), rel_tol=1e-9, abs_tol=1e-12)
        assert math.isclose(total, found.gradient, rel_tol=1e-9, abs_tol=1e-12)


def test_more_paths_than_can_be_counted_out() -> None:
    x = Value(1.5)
    y = x
    for _ in range(60):
        y = y + y * 0.1
    found = gg.paths(y, x, top=3)
    assert found.number == 2**60
    assert [round(p.contribution, 9) for p in found.largest] == [1.0, 0.1, 0.1]
    assert math.isclose(found.gradient, 1.1**60, rel_tol=1e-9)
    assert f"{2**60 - 3} more" in str(found)


def test_paths_of_tensors_and_of_what_does_not_depend() -> None:
    w, other = gg.tensor([1.0, 2.0], requires_grad=True), gg.ones(2, requires_grad=True)
    h = w * 2
    found = gg.paths((h * h + w).sum(), w)
    assert found.number == 3 and [p.contribution.tolist() for p in found.largest] == [[4, 8], [4, 8], [1, 1]]
    assert found.rest.tolist() == [0, 0]
    assert str(found).splitlines()[-1].endswith("the gradient")
    with pytest.raises(ValueError, match="does not depend on it"):
        gg.paths(h.sum(), other)

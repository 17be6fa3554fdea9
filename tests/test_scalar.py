"""The scalar engines: values, graphs, backward passes, depth and memory. PyTorch is asked in oracle/."""

from __future__ import annotations

import ast
import gc
import math
import os
import random
import subprocess
import sys
import threading
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from glassgrad.scalar import Value, anomaly_report, semantics, value
from glassgrad.scalar.engine import affine
from scalar_engines import ENGINES, use


@pytest.fixture(autouse=True, params=ENGINES)
def engine(request, monkeypatch):
    use(request.param, monkeypatch, globals())
    return request.param


def leaves(*numbers):
    return [Value(x) for x in numbers]


# --- by hand -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("f", "gradient"),
    [(lambda a: a * a, 6), (lambda a: a + a, 2), (lambda a: a * a + a, 7), (lambda a: a - a, 0)],
)
def test_a_node_used_many_times_accumulates(f, gradient):
    a = Value(3)
    f(a).backward()
    assert a.grad == gradient


def test_hand_trace_polynomial():
    a, b, c, d = leaves(2, 3, 4, 5)
    product = a * b
    y = (product + c) * (a + d)
    y.backward()
    assert y.data == 70 and [v.grad for v in (a, b, c, d)] == [31, 14, 7, 10]
    assert y.grad == 1 and product.grad == 7


def test_hand_trace_neuron():
    x, w1, w2, b = leaves(2, 3, -1, 0.5)
    y = (w2 * (w1 * x + b).relu()) ** 2
    y.backward()
    assert y.data == 42.25 and [v.grad for v in (w1, w2, b)] == [26, -84.5, 13]


def test_sixty_doublings_have_2_to_the_60_paths():
    x = y = Value(1.0)
    for _ in range(60):
        y = y + y
    y.backward()
    assert x.grad == 2.0**60


# --- every op against central differences ------------------------------------------------------------------

CASES = {
    "+": (lambda a, b: a + b, (1.3, -0.4)),
    "-": (lambda a, b: a - b, (1.3, -0.4)),
    "*": (lambda a, b: a * b, (1.3, -0.4)),
    "/": (lambda a, b: a / b, (1.3, -0.4)),
    "**": (lambda a, b: a**b, (1.3, -0.4)),
    "**3": (lambda a: a**3, (-1.2,)),
    "**-1.5": (lambda a: a**-1.5, (1.2,)),
    "reflected": (lambda a: (2 + a) * (3 - a) / (5 / a) * 2**a, (0.7,)),
    "neg": (lambda a: -a, (0.7,)),
    "w*x+b": (lambda a, b, c: affine([a, b], [b, c], a), (0.7, -1.1, 0.4)),
    "ReLU": (lambda a: a.relu() * a, (0.7,)),
    "abs": (lambda a: abs(a), (-0.7,)),
} | {
    name: (lambda a, name=name: getattr(a, name)(), (0.7,))
    for name in ("tanh", "sigmoid", "logsigmoid", "exp", "log", "sqrt", "sin", "cos")
}


def slope_error(f, point):
    """The largest |backward - central difference|, relative to 1 + |difference|."""
    values = leaves(*point)
    f(*values).backward()
    errors = []
    for k, leaf in enumerate(values):
        h = 1e-6
        low, high = (f(*leaves(*point[:k], point[k] + d, *point[k + 1 :])).data for d in (-h, h))
        difference = (high - low) / (2 * h)
        errors.append(abs(leaf.grad - difference) / (1 + abs(difference)))
    return max(errors)


@pytest.mark.parametrize("name", CASES)
def test_slopes_against_central_differences(name):
    assert slope_error(*CASES[name]) < 1e-6


def test_every_declared_function_has_a_case():
    assert set(value.FUNCTIONS) <= set(CASES)


def test_a_slope_wrong_by_a_thousandth_is_caught(monkeypatch):
    use(value, monkeypatch, globals())
    monkeypatch.setitem(value.FUNCTIONS, "tanh", lambda x: (y := math.tanh(x), 1.001 * (1 - y * y)))
    assert slope_error(*CASES["tanh"]) > 1e-6


# --- NumPy and other operands ------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [2, 2.0, True, np.float64(2), np.float32(2), np.int64(2), np.int8(2), np.bool_(1)])
def test_scalars_on_both_sides(number):
    a = Value(3.0)
    x = float(number)
    got = [number + a, a + number, number - a, number * a, number / a, a / number, number**a, a**number]
    want = [x + 3, 3 + x, x - 3, x * 3, x / 3, 3 / x, x**3.0, 3.0**x]
    assert all(type(v) is Value and type(v.data) is float for v in got)
    assert [v.data for v in got] == want


@pytest.mark.parametrize("other", [np.ones(2), np.array(2.0), "2", [2.0], None, 1j])
def test_what_is_not_a_number_is_refused(other):
    for f in (lambda: Value(1.0) * other, lambda: other * Value(1.0), lambda: Value(other)):
        with pytest.raises(TypeError):
            f()


def test_numbers_stay_floats():
    a = Value(np.float64(2))
    a.data -= np.float32(1)
    a.grad = np.int64(3)
    assert type(a.data) is float and type(a.grad) is float
    with pytest.raises(TypeError, match="its .data is a number"):
        a.data = Value(1.0)
    with pytest.raises(TypeError):
        math.exp(a)  # would lose the graph in silence


def test_slopes_belong_to_the_numbers_of_the_forward_pass():
    a, b = leaves(2.0, 3.0)
    y = a * b
    b.data = 100.0
    y.backward()
    assert a.grad == 3.0


# --- what a node shows -------------------------------------------------------------------------------------


def test_the_classic_attributes():
    a = Value(2.0, label="a")
    b = Value(-1.5)
    y = a * b
    assert y._op == "*" and a._op == "" and (y**2)._op == "**2" and y.relu()._op == "ReLU"
    assert y._prev == {a, b} and list(y._prev) == [a, b] and a in y._prev and not a._prev
    assert (a * a)._prev == {a} and (a * a).operands == (a, a)
    assert y.local_gradients == (-1.5, 2.0)
    assert repr(a) == "Value(data=2.0, grad=0.0, label='a')" and repr(b) == "Value(data=-1.5, grad=0.0)"


def test_walking_by_hand():
    a, b = leaves(2.0, 3.0)
    c = a * b
    y = c + a
    y.grad = 1.0
    for node in (y, c, a, b):
        node._backward()
    assert (c.grad, a.grad, b.grad) == (1.0, 4.0, 2.0)


# --- second passes -----------------------------------------------------------------------------------------


def test_second_backward_raises_and_changes_nothing():
    a = Value(0.3)
    h = a.tanh()
    (h * 2).backward()
    g = a.grad
    with pytest.raises(RuntimeError, match="Trying to backward through the graph a second time.*retain_graph=True"):
        (h * h).backward()
    assert a.grad == g


def test_retain_graph_gives_exactly_twice():
    values = leaves(0.1, 0.2, 0.3)
    a, b, c = values
    h = a * b + c.exp()
    y = (h * a).sin() + h / b + h
    y.backward(retain_graph=True)
    once = [v.grad for v in (*values, h, y)]
    y.backward(retain_graph=True)
    assert [v.grad for v in (*values, h, y)] == [2 * g for g in once]
    y.backward()
    with pytest.raises(RuntimeError):
        y.backward()


def test_gradient_argument_and_leaf_roots():
    a = Value(2.0)
    (a * a).backward(gradient=0.5)
    assert a.grad == 2.0
    a.backward()
    a.backward()
    assert a.grad == 4.0


def test_semantics_micrograd():
    x = Value(2.0)
    y = x.exp().sin()  # depth 2
    with semantics("micrograd"):
        y.backward()
        first = x.grad
        y.backward()
        assert x.grad == pytest.approx(3 * first, rel=1e-15) and y.grad == 1.0
        y.backward()
        assert x.grad == pytest.approx(6 * first, rel=1e-15)
    x.grad = 0
    y.backward()
    assert x.grad == pytest.approx(first, rel=1e-15)
    with pytest.raises(ValueError, match="'pytorch', 'micrograd'"), semantics("tinygrad"):
        pass


def test_semantics_micrograd_equals_micrograd():
    theirs = pytest.importorskip("micrograd.engine").Value

    def grads(kind):
        a, b = kind(-4.0), kind(2.0)
        c = a * b + b**3
        d = (c * a).relu() + c * c + b * -3  # `-` is two nodes in micrograd
        for _ in range(3):
            d.backward()
        (d * c).backward()
        return [v.grad for v in (a, b, c, d)]

    with semantics("micrograd"):
        ours = grads(Value)
    assert ours == grads(theirs)


def test_semantics_stays_in_its_thread():
    x = Value(2.0)
    y = x.exp().exp()
    with semantics("micrograd"):
        for _ in range(2):
            thread = threading.Thread(target=y.backward, kwargs={"retain_graph": True})
            thread.start()
            thread.join()
    twice = x.grad
    x.grad = 0
    y.backward()
    assert twice == 2 * x.grad


def test_threads_sharing_a_leaf_add_up():
    w = Value(1.0)

    def work():
        for _ in range(50):
            y = w
            for _ in range(20):
                y = y + w
            y.backward()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert w.grad == 4 * 50 * 21


def test_an_interrupted_pass_restores_all_gradients(monkeypatch):
    use(value, monkeypatch, globals())  # the compiled pass cannot be interrupted: no Python runs in it
    a, b = leaves(2.0, 3.0)
    a.grad = 5.0
    y = a * b + a

    def interrupted(nodes):
        nodes[0].operands[1].grad = 9.0
        raise KeyboardInterrupt

    with monkeypatch.context() as m, pytest.raises(KeyboardInterrupt):
        m.setattr(value, "chain_rule", interrupted)
        y.backward()
    assert (a.grad, b.grad, y.grad) == (5.0, 0.0, 0.0)
    y.backward()
    assert (a.grad, b.grad) == (9.0, 2.0)


# --- depth and memory --------------------------------------------------------------------------------------


def run_python(code, engine):
    package = Path(value.__file__).parents[2]
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(package), "GLASSGRAD_NATIVE": "0" if engine is value else "1"},
        timeout=120,
    )


def test_a_million_nodes_on_a_small_stack(engine):
    code = """
import gc, threading
from glassgrad.scalar import Value
gc.disable()
threading.stack_size(512 * 1024)

def work():
    x = y = Value(1.0)
    for _ in range(500_000):
        y = (y * 1.0 if y is x else y + x).relu()
    y.backward()
    assert x.grad == 500_000, x.grad
    del y
    print("freed")

thread = threading.Thread(target=work)
thread.start()
thread.join()
"""
    done = run_python(code, engine)
    assert (done.returncode, done.stdout.strip()) == (0, "freed"), done.stderr


def random_expression(rng, values, ops):
    """`ops` random operations over a pool; what is drawn twice is shared."""
    pool = list(values)
    for _ in range(ops):
        a, b = rng.choice(pool), rng.choice(pool)
        pool.append(rng.choice([a + b, a * b, a - b, a.tanh(), a.relu(), affine([a, b], [b, a], a)]))
    return pool[-1]


@pytest.mark.parametrize("backward", [False, True])
def test_nothing_stays_alive_with_the_collector_off(backward, engine):
    def alive():
        if engine is not value:
            return engine.alive()
        return sum(type(o) is Value for o in gc.get_objects())

    gc.collect()
    gc.disable()
    try:
        before = alive()
        y = random_expression(random.Random(0), leaves(0.1, 0.2), 1000)
        assert alive() > before
        if backward:
            y.backward()
        del y
        assert alive() == before
    finally:
        gc.enable()


def test_at_most_700_bytes_a_node():
    x = y = Value(0.5)
    tracemalloc.start()
    for _ in range(5000):
        y = (y + x).tanh()
    y.backward()
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size / 10_000 < 700


# --- the anomaly report ------------------------------------------------------------------------------------


def test_anomaly_in_the_forward_pass():
    x = Value(0.0, label="x")
    y = x.log() * 2 + 1
    report = anomaly_report(y)
    assert report.node._op == "log" and "log(x=0.0)" in str(report) and "-inf" in str(report)
    assert anomaly_report(Value(1.0) + 2) is None
    assert anomaly_report(Value(math.nan) + 2).node._op == ""


def test_anomaly_in_the_backward_pass():
    x = Value(0.0, label="x")
    root = x.sqrt()
    y = root * 3
    y.backward()
    report = anomaly_report(y)
    assert (report.where, report.node, report.operand) == ("backward", root, x) and "inf" in str(report)


PLANTED = {
    "exp": lambda v: (v * 0 + 1000).exp(),
    "log": lambda v: (v * 0).log(),
    "sqrt": lambda v: (v * 0 - 1).sqrt(),
    "/": lambda v: v / (v - v),
    "**-1": lambda v: (v - v) ** -1,
    "*": lambda v: (v * 0 + 1e200) * 1e200,
}


@pytest.mark.parametrize("seed", range(40))
def test_planted_faults_are_named(seed):
    rng = random.Random(seed)
    op = rng.choice(list(PLANTED))
    a, b = leaves(rng.uniform(0.1, 1), rng.uniform(0.1, 1))
    fault = PLANTED[op](random_expression(rng, (a, b), 5) * 0 + 0.5)
    y = random_expression(rng, (a, b), 10) + (fault + 1).sin() * b
    report = anomaly_report(y)
    assert (report.where, report.node._op, report.node) == ("forward", op, fault)


def test_the_engine_stands_alone():
    for path in Path(value.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                assert name.startswith("glassgrad.scalar") or name.split(".")[0] in sys.stdlib_module_names, name

"""A captured function gives the numbers of the function, to the bit, or runs it as it is written and says why."""

from __future__ import annotations

import gc
import math
import random
import threading
import warnings
import weakref

import numpy as np
import pytest

from glassgrad.scalar import anomaly_report, capture, nn, semantics
from glassgrad.scalar.engine import Value, affine, as_value, tape
from glassgrad.scalar.optim import SGD, Adam
from scalar_engines import needs_compiled
from test_scalar_compiled import Weight, bits, program, shown

pytestmark = needs_compiled


def numbers(values):
    return [(bits(v.data), bits(v.grad)) for v in values]


# --- the same numbers ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("part", range(4))
def test_random_programs_to_the_bit(part):
    for seed in range(part * 60, part * 60 + 60):

        def run(captured, seed=seed):
            rng = random.Random(seed)
            held = [Value(rng.uniform(-2, 2)) for _ in range(2)]

            def f(x, y):
                return program(tape, seed, 40, [*held, as_value(x), y])[1][-1]

            if captured:
                f = capture(f)
            seen = []
            for call in range(7):
                y = Value(rng.choice([rng.uniform(-3, 3), math.inf, 0.0]))
                result = f(rng.uniform(-2, 2) if call % 3 else 0.0, y)
                result.backward(rng.uniform(-1, 1), retain_graph=call == 4)
                if call == 5:
                    result.grad = 1.0
                seen.append((bits(result.data), bits(result.grad), numbers([*held, y])))
                for v in held:
                    v.data += rng.uniform(-0.1, 0.1)
                    v.grad = 0.0 if call % 2 else v.grad
            assert not captured or f.reason is None, f.reason
            return seen

        assert run(True) == run(False), seed


def moons(fused, captured, optimizer=None, steps=20):
    random.seed(3)
    rng = random.Random(8)
    model = nn.MLP(2, [6, 5, 1], fused=fused)
    parameters = model.parameters()
    update = optimizer and optimizer(parameters, lr=0.05)

    def loss(points, sides):
        losses = [(1 + -side * model(point)).relu() for point, side in zip(points, sides, strict=True)]
        return sum(losses) * (1.0 / len(losses)) + 1e-4 * sum(p * p for p in parameters)

    if captured:
        loss = capture(loss)
    seen = []
    for k in range(steps):
        points = [[rng.uniform(-1, 1), np.float64(rng.uniform(-1, 1))] for _ in range(8)]
        result = loss(points, [rng.choice([-1, 1]) for _ in points])
        model.zero_grad()
        result.backward()
        if update:
            update.step()
        else:
            for p in parameters:
                p.data -= (1.0 - 0.9 * k / 100) * p.grad
        seen.append(bits(result.data))
    assert not captured or loss.reason is None, loss.reason
    return seen, numbers(parameters)


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("optimizer", [None, SGD, Adam])
def test_a_training_run_to_the_bit(fused, optimizer):
    assert moons(fused, True, optimizer) == moons(fused, False, optimizer)


def test_classes_by_cross_entropy():
    """The class is an index: it is closed over. The shift by the largest logit is recomputed."""

    def run(captured):
        random.seed(1)
        model = nn.MLP(2, [4, 3], activations=["tanh", "linear"])
        f = (capture if captured else lambda f: f)(lambda rows: nn.cross_entropy([model(row) for row in rows], [2, 0]))
        for k in range(12):
            f([[k * 0.1, 1.0], [0.5, -k * 9.0]]).backward()
            for p in model.parameters():
                p.data -= 0.1 * p.grad
        assert not captured or f.reason is None
        return numbers(model.parameters())

    assert run(True) == run(False)


# --- what a result is ------------------------------------------------------------------------------------------------


def squares(count=1):
    w = Value(3.0, label="w")

    def square(x):
        y = (w * x) ** 2
        return [y + k for k in range(count)] if count > 1 else y

    return w, capture(square)


def test_each_call_has_a_result_of_its_own():
    w, f = squares()
    results = [f(float(k)) for k in range(6)]
    assert [r.data for r in results] == [9.0 * k * k for k in range(6)]
    results[-1].backward()
    assert w.grad == 2 * 3.0 * 25 and results[-1].grad == 1.0
    with pytest.raises(RuntimeError, match="belongs to an earlier call"):
        results[-2].backward()
    with pytest.raises(RuntimeError, match="belongs to an earlier call"):
        (results[0] + Value(1.0)).backward()
    assert w.grad == 150.0


def test_second_passes():
    w, f = squares()
    for call in range(4):
        y = f(2.0)
        w.grad = 0
        y.backward(retain_graph=True)
        assert (w.grad, y.grad) == (24.0, 1.0)
        y.backward(0.5, retain_graph=call == 1)
        assert (w.grad, y.grad) == (36.0, 1.5)
        if call == 1:
            y.backward()
        before = w.grad
        with pytest.raises(RuntimeError, match="a second time"):
            y.backward()
        assert w.grad == before


def test_semantics_micrograd():
    w, f = squares()
    for _ in range(3):
        y = f(2.0)
        w.grad = 0
        with semantics("micrograd"):
            y.backward()
            first = w.grad
            y.backward()
        assert first == 24.0 and w.grad > 2 * first and y.grad == 1.0


def test_the_graph_can_be_looked_at():
    w, f = squares()
    for x in (1.0, 2.0, 5.0):
        y = f(x)
        (square,) = y.operands
        assert y._op == "captured" and (square._op, square.data, square.grad) == ("**2", y.data, 0.0)
        (product,) = square.operands
        assert product.operands[0] is w and product.local_gradients == (x, 3.0) and product.data == 3.0 * x
        assert square.local_gradients == (2 * 3.0 * x,)
        y.backward()
        assert square.grad == 1.0 and product.grad == 6.0 * x and product.operands[1].grad == 18.0 * x
        assert square._released and anomaly_report(y) is None
    assert "=" in repr(product)


def test_what_stands_above_a_result():
    """Results go on in graphs of the usual kind, and arguments come from such."""
    w, f = squares()
    for k in range(1, 6):
        a = Value(float(k))
        inside = a * 2
        w.grad = 0
        y = f(inside).tanh() + f.function(inside) * w
        y.backward()
        got = numbers([w, a, inside])
        for v in (w, a, inside):
            v.grad = 0
        inside = a * 2
        y = f.function(inside).tanh() + f.function(inside) * w
        y.backward()
        assert got == numbers([w, a, inside])


def test_several_results():
    w, f = squares(3)
    for k in range(4):
        a, b, c = f(float(k))
        w.grad = 0
        (a + b).backward(retain_graph=True)
        c.backward(retain_graph=True)
        assert w.grad == 3 * 2 * 3.0 * k * k
        a.backward()
        with pytest.raises(RuntimeError):
            b.backward()
    g = capture(lambda x: (w * x, [w + x, (w - x,)]))
    for _ in range(3):
        first, [second, (third,)] = g(5)
        assert (first.data, second.data, third.data) == (15, 8, -2) and g.reason is None


def test_arguments():
    """Numbers of every kind, Values, nested sequences, names, and plain things that stay the same."""

    def f(x, rows, mode="mean", *, scale=1.0, flag=False):
        total = sum((a * b for row in rows for a, b in row), x)
        return total * scale if mode == "mean" and not flag else total

    g = capture(f)
    v = Value(2.0)
    for k in range(1, 7):
        args = (v if k % 2 else Value(k), [[(k, 2.0), (np.float32(k), np.int64(3))], [(1, k)]])
        for function in (g, f):
            v.grad = 0
            result = function(*args, scale=k * 0.5, mode="mean")
            result.backward()
            if function is g:
                got = result.data, v.grad, args[0].grad
                args[0].grad = 0
        assert got == (result.data, v.grad, args[0].grad) and g.reason is None


# --- what it cannot know ---------------------------------------------------------------------------------------------

w = Value(2.0)
earlier = w * 3


def reads_data(x):
    return (x * 2) * (1.0 if (w * x).data > 0 else -1.0)


def reads_an_input(x):
    return x * w if x.data > 0 else -x * w


def reads_a_parameter(x):
    return x * w.item()


def prints(x):
    y = x * w
    f"{y}"
    return y


def asks_for_truth(x):
    return x * w if x else w * 7


def compares(x):
    return x * w if x == 0 else w * 7


def goes_back_inside(x):
    (w * 2).backward()
    return x * w


def changes_a_value(x):
    w.data = 2.0
    return x * w


def zeroes(x):
    nn.zero_grad([w])
    return x * w


def uses_an_earlier_graph(x):
    return earlier * x


def returns_a_number(x):
    return 3.0


def returns_nothing(x):
    return []


def returns_a_dict(x):
    return {"loss": x * w}


def returns_a_leaf(x):
    return [x * w, w]


def takes_numbers_only(x):
    return w * math.exp(x)


def makes_a_node(x):
    return tape.node(1.0, "mine", (as_value(x), w), (1.0, 2.0))


def looks_at_the_type(x):
    return w * x if isinstance(x, float) else w * x * 2


FOR_GOOD = {
    reads_data: r"reads the number of a Value",
    reads_a_parameter: r"reads the number of a Value",
    prints: r"reads the number of a Value",
    asks_for_truth: r"asks whether a Value is true",
    compares: r"compares a Value with something else",
    goes_back_inside: r"calls backward\(\)",
    changes_a_value: r"changes a Value",
    zeroes: r"changes a Value",
    uses_an_earlier_graph: "computed before the call",
    returns_a_number: "it returns 3.0, not Values",
    returns_nothing: "it returns \\[\\], not Values",
    returns_a_dict: "it returns {.*}, not Values",
    returns_a_leaf: "returns a Value that it did not compute",
    takes_numbers_only: "it raises TypeError",
    makes_a_node: "numbers that were computed elsewhere",
    looks_at_the_type: "it computes something else",
}


def number_in(result):
    if isinstance(result, dict):
        result = result["loss"]
    if isinstance(result, list):
        return [v.data for v in result]
    return getattr(result, "data", result)


@pytest.mark.parametrize("f", FOR_GOOD, ids=lambda f: f.__name__)
def test_it_runs_as_written_and_says_why(f):
    g = capture(f)
    with pytest.warns(UserWarning, match=f"{f.__name__} runs as it is written: .*{FOR_GOOD[f]}") as seen:
        for x in (1.5, -2.0, 0.0, 3.0):
            assert number_in(g(x)) == number_in(f(x))
    assert len(seen) == 1 and g.reason
    if "it reads" in g.reason or "it c" in g.reason and "computes" not in g.reason:
        line = f.__code__.co_firstlineno
        assert seen[0].filename == __file__ and line < seen[0].lineno <= line + 3
        assert f"{__file__}:{seen[0].lineno}" in g.reason


def test_reading_an_input_value():
    g = capture(reads_an_input)
    with pytest.warns(UserWarning, match="reads the number"):
        assert [g(Value(x)).data for x in (1.0, -1.0)] == [2.0, 2.0]


UNFIT = [
    ((1.0, [1.0, 2.0]), (1.0, [1.0, 2.0, 3.0]), "another length"),
    ((1.0, [1.0, 2.0]), (1.0, (1.0, 2.0)), "became something else"),
    ((1.0, [1.0, 2.0]), (Value(1.0), [1.0, 2.0]), "stands where"),
    ((Value(1.0), [1.0, 2.0]), (1.0, [1.0, 2.0]), "stands where"),
    ((1.0, [1.0, 2.0]), (True, [1.0, 2.0]), "where a number stood"),
    ((1.0, [1.0, 2.0]), (1.0, [1.0, 2.0], "sum"), "another length"),
    ((1.0, [1.0, 2.0], "sum"), (1.0, [1.0, 2.0], "product"), "not a number has another value"),
    ((1.0, [1.0, 2.0], None), (1.0, [1.0, 2.0], False), "not a number has another value"),
]


@pytest.mark.parametrize(("first", "other", "why"), UNFIT)
def test_other_arguments_run_as_written_and_the_first_are_still_replayed(first, other, why):
    def f(x, ys, how="sum"):
        y = w * ys[0]
        for z in ys[1:]:
            y = y * z if how == "product" else y + z
        return y * x + len(ys)

    g = capture(f)
    for _ in range(2):
        assert g(*first).data == f(*first).data and g.reason is None
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            assert g(*other).data == f(*other).data and why in g.reason
        assert len(seen) == (_ == 0) and all(s.filename == __file__ for s in seen)
    assert g(*first).data == f(*first).data and g.reason is None


@pytest.mark.parametrize("bad", [np.ones(2), {"a": 1.0}, {1.0}, bytearray(b"x")])
def test_other_containers_are_not_looked_into(bad):
    g = capture(lambda x, y: y * len(x))
    with pytest.warns(UserWarning, match="an argument is of type"):
        assert [g(bad, Value(2.0)).data, g(bad, Value(3.0)).data] == [2.0 * len(bad), 3.0 * len(bad)]


def test_a_call_that_raises_is_tried_again():
    g = capture(lambda x: w * x)
    with pytest.raises(TypeError):
        g("x")
    assert g(2.0).data == 4.0 and g(3.0).data == 6.0


def test_a_mistake_in_the_function_is_raised():
    def f():
        raise KeyError("mine")

    with pytest.raises(KeyError):
        capture(f)()
    with pytest.raises(ZeroDivisionError):
        capture(lambda x: 1 / 0)(1.0)


# --- stale constants -------------------------------------------------------------------------------------------------


def test_what_changes_by_itself_is_found_by_the_second_call():
    state = {"k": 0.0}

    def f():
        state["k"] += 1.0
        y = w * 2
        return y * state["k"]  # this line

    g = capture(f)
    assert g().data == 4.0
    with pytest.warns(UserWarning, match=r"computes something new, first the constant 2\.0") as seen:
        assert g().data == 8.0
    assert seen[0].filename == __file__ and seen[0].lineno == f.__code__.co_firstlineno + 3
    assert g().data == 12.0 and "something new" in g.reason


@pytest.mark.parametrize(
    "change",
    [
        lambda k: w * (2 if k else 3),
        lambda k: w * 2 + (w if k else -w),
        lambda k: w * 2 + w if k else w * 2,
        lambda k: w * 2 if k else w * 2 + w,
        lambda k: [w * 2, w * 3][k],
        lambda k: (w * 2, w + 1) if k else (w + 1, w * 2),
        lambda k: affine([w, other_weight][: k + 1], [1.0, 2.0][: k + 1], 0.0),
        lambda k: (other_weight if k else w) * 2,
        lambda k: [w * 2, w * 2][k:],
        lambda k: w**2 if k else w**3,
        lambda k: (w * 2).relu() if k else (w * 2).abs(),
    ],
)
def test_every_kind_of_change_is_found(change):
    turn = [0]
    g = capture(lambda: change(turn[0]))
    g()
    turn[0] = 1
    with pytest.warns(UserWarning, match="computes something new"):
        result = g()
    want = change(1)
    assert [v.data for v in np.ravel(np.array(result, dtype=object))] == [
        v.data for v in np.ravel(np.array(want, dtype=object))
    ]


other_weight = Value(2.0)


def test_a_later_change_is_found_by_a_later_comparison():
    """Calls 2, 4, 8 compare: between them a constant can be stale, as the docstring says."""
    constant = [1.0]
    g = capture(lambda x: w * x + constant[0])
    for k in range(1, 6):
        assert g(float(k)).data == 2.0 * k + 1
    constant[0] = 5.0
    with pytest.warns(UserWarning, match="the constant 5.0"):
        seen = [g(1.0).data for _ in range(3)]
    assert seen == [3.0, 3.0, 7.0] and g(1.0).data == 7.0


def test_random_draws_are_found_by_the_first_call():
    rng = random.Random(0)
    g = capture(lambda x: w * x * rng.random())
    with pytest.warns(UserWarning, match="computes something else"):
        g(1.0)
    assert g(1.0).data != g(1.0).data


def test_inner_values_used_outside():
    """A hidden state kept between calls is a graph that grows: no recording, and right numbers."""

    class Cell:
        def __init__(self):
            self.h = Value(0.5)

        def step(self, x):
            self.h = (self.h * w + x).tanh()
            return self.h * 2

    def run(captured):
        cell = Cell()
        step = capture(cell.step) if captured else cell.step
        total = Value(0.0)
        for k in range(5):
            total = total + step(Value(0.1 * k))
        w.grad = 0
        total.backward()
        return numbers([w, total])

    with pytest.warns(UserWarning):
        got = run(True)
    assert got == run(False)


def test_inner_values_taken_out_later():
    kept = []

    def f(x):
        y = w * x
        kept.append(y)
        return y * y

    g = capture(f)
    results = [g(Value(x)) for x in (1.0, 2.0, 3.0)]
    w.grad = 0
    outside = kept[0] * 10
    assert outside.data == 60.0
    (outside + results[-1]).backward()
    assert w.grad == 30.0 + 2 * 6.0 * 3.0
    with pytest.warns(UserWarning, match="used outside"):
        assert g(Value(5.0)).data == 100.0
    assert kept[0].data == 6.0


# --- around it -------------------------------------------------------------------------------------------------------


def test_as_a_decorator_of_a_method_and_inside_another():
    class Model:
        def __init__(self):
            self.w = Value(1.5)
            self.loss = capture(self.plain)

        def plain(self, x):
            """The square."""
            return (self.w * x) ** 2

    model = Model()
    outer = capture(lambda x, loss=model.loss: loss(x) + loss(x * 2))
    for x in (1.0, 2.0, 3.0, 4.0):
        assert outer(x).data == model.plain(x).data + model.plain(2 * x).data and outer.reason is None
    assert model.loss.__doc__ == "The square." and model.loss.__name__ == "plain" and "plain" in repr(model.loss)
    gone = weakref.ref(model)
    del model, outer
    gc.collect()
    assert gone() is None


def test_without_the_compiled_engine(monkeypatch):
    import importlib

    module = importlib.import_module("glassgrad.scalar.capture")
    monkeypatch.setattr(module, "tape", None)
    g = capture(lambda x: w * x)
    assert g(3.0).data == 6.0 and "not in use" in g.reason


def test_nothing_stays_alive():
    before = tape.alive()

    def work():
        weight = Weight(2.0)
        f = capture(lambda x, y: [(weight * x).relu() + y, y * 3])
        for k in range(9):
            a, b = f(float(k), Value(1.0))
            (a * b).backward()
        weight.f = f  # a cycle
        weight.result = a

    work()
    gc.collect()
    assert tape.alive() == before


def test_calls_reuse_their_memory():
    f = capture(lambda x: sum((x * k for k in range(200)), w))
    for _ in range(5):
        f(1.0).backward()
    before = tape.alive()
    for _ in range(100):
        f(1.0).backward()
    assert tape.alive() <= before


def test_a_result_outlives_its_function():
    f = capture(lambda x: (w * x) ** 2)
    for x in (1.0, 2.0, 3.0):
        y = f(x)
    del f
    w.grad = 0
    (y * 2).backward()
    assert w.grad == 2 * 2 * 6.0 * 3.0 and shown(y.operands[0])


def test_threads():
    f = capture(lambda x: (w * x) ** 2)
    f(1.0)
    wrong = []

    def work():
        for k in range(200):
            if f(float(k)).data != 4.0 * k * k:
                wrong.append(k)

    threads = [threading.Thread(target=work) for _ in range(4)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for t in threads:
            t.start()
        for t in threads:
            t.join()
    assert not wrong


def test_another_threads_values_are_its_own():
    stop = threading.Event()

    def work():
        while not stop.is_set():
            (Value(1.0) * 2).data  # noqa: B018

    thread = threading.Thread(target=work)
    thread.start()
    try:
        f = capture(lambda x: sum((x * k for k in range(300)), w))
        for k in range(1, 9):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                assert f(float(k)).data == sum((k * j for j in range(300)), 2.0)
    finally:
        stop.set()
        thread.join()

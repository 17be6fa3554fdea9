"""The compiled Value does what the readable one does, to the bit: random programs, copies, misuse, memory, threads."""

from __future__ import annotations

import copy
import gc
import math
import os
import pickle
import random
import struct
import subprocess
import sys
import threading
import tracemalloc
import weakref
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from glassgrad.scalar import engine, nn, semantics, value
from glassgrad.scalar.engine import tape
from scalar_engines import needs_compiled, use

pytestmark = needs_compiled
inf, nan = math.inf, math.nan

UNARY = ("relu", "abs", "tanh", "sigmoid", "logsigmoid", "exp", "log", "sqrt", "sin", "cos")
NUMBERS = [-inf, -1e200, -3.0, -1.0, -0.5, -0.0, 0.0, 5e-324, 0.5, 1.0, 2.0, 7.25, 800.0, 1e308, inf, nan]


def bits(x):
    """Every nan is one: which sign it has is the processor's matter."""
    return struct.pack("d", nan if x != x else x)


def shown(node):
    """All that a node shows, its operands by their numbers."""
    per = [bits(getattr(s, "d", 0.0)) for s in node.local_gradients]
    return (
        bits(node.data), bits(node.grad), node._op, node.label, node._released, per,
        [type(s).__name__ for s in node.local_gradients],
        [bits(s) for s in node.local_gradients], [bits(v.data) for v in node.operands],
    )  # fmt: skip


def program(room, seed, steps=60, values=None):
    """A random expression over four leaves, corners among them; what is drawn twice is shared."""
    rng = random.Random(seed)
    pool = values or [room.Value(rng.choice([rng.uniform(-2, 2), rng.choice(NUMBERS)])) for _ in range(4)]
    leaves = list(pool)
    for _ in range(steps):
        a, b, c = (rng.choice(pool) for _ in range(3))
        k = rng.choice([-1, 0, 0.5, -0.5, 1, 2, 3, 2.5, -2.0])
        kind = rng.randrange(14)
        match kind:
            case 0 | 1:
                y = a + b
            case 2 | 3:
                y = a * b
            case 4:
                y = a - b
            case 5:
                y = a / b
            case 6:
                y = a**b
            case 7:
                y = a**k
            case 8:
                y = -a
            case 9:
                y = k - a * k / (a + k)
            case 10:
                y = room.affine([a, b], [c, k], rng.choice([a, k]), rng.random() < 0.5)
            case 11:
                y = room.largest([a, b, c]) * k**a
            case _:
                y = getattr(a, rng.choice(UNARY))()
        pool.append(y)
    return leaves, pool


@pytest.mark.parametrize("part", range(4))
def test_random_programs_to_the_bit(part):
    for seed in range(part * 250, part * 250 + 250):
        seen = []
        for room in (value, tape):
            leaves, pool = program(room, seed)
            with semantics("micrograd" if seed % 7 == 0 else "pytorch"):
                pool[-1].backward(0.5 + seed % 3, retain_graph=True)
                pool[-3].backward(retain_graph=seed % 2 == 0)
            seen.append([shown(v) for v in pool])
            seen[-1].append([shown(v) for v in room.ancestry(pool[-1], released_too=True) if v.operands])
        assert seen[0] == seen[1], seed


def test_a_difference_in_the_last_bit_would_be_seen():
    leaves, pool = program(tape, 3)
    before = shown(pool[-1])
    pool[-1].grad = 5e-324
    assert shown(pool[-1]) != before


@pytest.mark.parametrize("name", UNARY)
def test_functions_at_corners(name):
    for x in NUMBERS:
        ours = [getattr(room.Value(x), name)() for room in (value, tape)]
        assert shown(ours[0]) == shown(ours[1]), x


def test_operators_at_corners():
    for x in NUMBERS:
        for y in NUMBERS:
            for room in (value, tape):
                a, b = room.Value(x), room.Value(y)
                made = [a + b, a - b, a * b, a / b, a**b, a**y, x**b, x - b, x / b]
                for node in made:
                    node.backward(retain_graph=True)
                seen = [shown(v) for v in (a, b, *made)]
                if room is value:
                    want = seen
            assert seen == want, (x, y)


def test_a_network_learns_the_same_numbers(monkeypatch):
    runs = []
    for room in (value, tape):
        use(room, monkeypatch, {})
        random.seed(5)
        model = nn.MLP(3, [5, 4, 3], activations=["tanh", "relu", "linear"], fused=random.random() < 0.5)
        for step in range(10):
            z = model([0.1 * step, -1, np.float32(2)])
            loss = nn.cross_entropy(z, step % 3) + nn.binary_cross_entropy(z[0], 0.25)
            model.zero_grad()
            loss.backward()
            for p in model.parameters():
                p.data -= 0.1 * p.grad
        runs.append([bits(p.data) for p in model.parameters()] + [bits(loss.data)])
    assert runs[0] == runs[1]


# --- the same class to the user --------------------------------------------------------------------------------------


def outcome(f):
    try:
        return f()
    except Exception as problem:
        return type(problem), str(problem)


MISUSE = [
    lambda room: room.Value(),
    lambda room: room.Value("2"),
    lambda room: room.Value([1.0]),
    lambda room: room.Value(1j),
    lambda room: room.Value(None),
    lambda room: room.Value(np.ones(2)),
    lambda room: room.Value(room.Value(1.0)),
    lambda room: room.Value(10**400),
    lambda room: room.Value(1.0) + "2",
    lambda room: [1.0] * room.Value(1.0),
    lambda room: room.Value(1.0) ** np.ones(1),
    lambda room: math.exp(room.Value(1.0)),
    lambda room: room.Value(1.0) < room.Value(2.0),
    lambda room: room.affine([room.Value(1.0)], [], 0.0),
    lambda room: room.affine([room.Value(1.0)], ["x"], 0.0),
    lambda room: room.largest([]),
    lambda room: setattr(room.Value(1.0), "data", "x"),
    lambda room: setattr(room.Value(1.0), "grad", room.Value(1.0)),
    lambda room: setattr(room.Value(1.0), "color", 1),
    lambda room: delattr(room.Value(1.0), "color"),
    lambda room: setattr(room.Value(1.0), "operands", ()),
    lambda room: room.Value(1.0).backward("x"),
    lambda room: [(y := room.Value(3.0).exp()).backward(), (y * 2).backward()],
    lambda room: weakref.ref(room.Value(1.0)),
]


@pytest.mark.parametrize("f", MISUSE)
def test_misuse_raises_the_same(f):
    kinds = []
    for room in (value, tape):
        kind, text = outcome(lambda room=room: f(room))
        assert issubclass(kind, Exception)
        kinds.append((kind, text if kind in (ValueError, RuntimeError) or "expected a real" in text else ""))
    assert kinds[0] == kinds[1]


@pytest.mark.parametrize("room", [value, tape])
def test_what_a_value_shows(room):
    V = room.Value
    v = V(data=np.int8(3), label="v")
    assert (repr(v), repr(V(Fraction(1, 4))), V(True).data) == (
        "Value(data=3.0, grad=0.0, label='v')", "Value(data=0.25, grad=0.0)", 1.0,
    )  # fmt: skip
    assert bool(V(0.0)) and v == v and v != V(3) and len({v, v, V(3)}) == 2 and V(3) != 3.0
    assert [y._op for y in (v**2, v**2.5, v ** np.float64(2), 2 + v, room.as_value(1))] == [
        "**2", "**2.5", "**2.0", "+", "const",
    ]  # fmt: skip
    assert V.__array_ufunc__ is None and V.__name__ == "Value"
    for name in ("relu", "backward", "log"):
        assert getattr(V, name).__doc__ == getattr(value.Value, name).__doc__
    assert V.__doc__ == value.Value.__doc__ and room.affine.__doc__ == value.affine.__doc__
    assert isinstance(np.float64(2) * v, V) and (v * 2).operands[0] is v
    v.grad = None
    v.label = "w"
    y = room.node(2.0, "mine", (v, v), (1.0, value.SHUT))
    y.backward()
    assert (v.grad, y._op, y.local_gradients, v.label) == (1.0, "mine", (1.0, 0.0), "w")
    v.__init__(5)
    assert (v.data, v.grad, v.operands, v.label) == (5.0, 0.0, (), "")


class Weight(engine.Value):
    """A subclass with attributes of its own."""

    def __init__(self, data, name=""):
        super().__init__(data, label=name)
        self.name = name


class Slotted(engine.Value):
    __slots__ = ("note",)


def test_subclasses():
    w = Weight(2.0, "w")
    y = (w * w).relu() + 3
    y.backward()
    assert type(y) is engine.Value and y._prev and w.grad == 4.0 and w.label == "w" and repr(w).endswith("label='w')")
    assert y.operands[0].operands[0].operands[0] is w
    s = Slotted(1.0)
    s.note = "x"
    back = copy.copy(s)
    assert (type(back), back.note, back.data) == (Slotted, "x", 1.0)
    assert not hasattr(s, "__dict__") and weakref.ref(w)() is w


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda v: pickle.loads(pickle.dumps(v))])
@pytest.mark.parametrize("room", [value, engine])
def test_copies(room, again):
    x = room.Value(3.0, label="x")
    x.grad = 7.0
    assert shown(again(x)) == shown(x)
    y = (x / 0.7) ** 2 + room.affine([x, 2.0], [1.0, x], x.relu()).log() + (x - 4).relu() + x**0
    z = again(y)
    assert shown(z) == shown(y)
    total = z * 2  # newer than what came back
    total.backward(retain_graph=True)
    leaf = next(v for v in room.ancestry(total) if v.label == "x")
    got, leaf.grad, x.grad = leaf.grad, 7.0, 7.0
    y.backward(2.0)
    assert got == x.grad != 7.0


def test_a_copy_of_a_subclass():
    w = Weight(2.0, "w")
    v = pickle.loads(pickle.dumps(w))
    assert (type(v), v.name, v.data, v.label) == (Weight, "w", 2.0, "w")


def test_the_readable_one_is_chosen_by_the_environment():
    code = "from glassgrad.scalar import Value, engine; assert engine.tape is None; print(Value.__module__)"
    env = os.environ | {"GLASSGRAD_NATIVE": "0", "PYTHONPATH": str(Path(value.__file__).parents[2])}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    assert done.stdout.strip() == "glassgrad.scalar.value", done.stderr


def test_an_engine_that_does_not_load_is_one_line(monkeypatch):
    def broken(name):
        raise ImportError("undefined symbol")

    monkeypatch.setattr(engine.importlib, "import_module", broken)
    with pytest.warns(UserWarning, match="without its compiled engine: undefined symbol"):
        assert engine.load() is None


# --- memory, depth, threads ------------------------------------------------------------------------------------------


def test_every_reference_is_given_back():
    x, b = tape.Value(1.5), tape.Value(-0.5)
    names = ["-".join(pair) for pair in (("a", "label"), ("an", "op"))]  # nobody else has these objects
    before = [sys.getrefcount(v) for v in (x, b, *names)], tape.alive()
    for _ in range(3):
        y = sum((program(tape, seed, 30, [x, b])[1][-1] for seed in range(20)), x)
        y.label = names[0]
        with pytest.raises(TypeError):
            tape.affine([x, b], [b, "no"], x)
        with pytest.raises(TypeError):
            tape.largest([x, "no"])
        with pytest.raises(TypeError):
            tape.node(1.0, names[1], (x, b), (1.0, "no"))
        with pytest.raises(ValueError):
            tape.affine([x], [], x)
        y.backward(retain_graph=True)
        nodes = tape.ancestry(y)
        assert len(nodes) > 20 and nodes[0] is y
        copy.copy(y)
        y.backward()
        with pytest.raises(RuntimeError):
            y.backward()
        del y, nodes
    assert ([sys.getrefcount(v) for v in (x, b, *names)], tape.alive()) == before


def test_memory_is_given_back():
    def work():
        x = y = tape.Value(0.5)
        for _ in range(20_000):
            y = (y + x).tanh()
        y.backward()

    work()
    tracemalloc.start()
    try:
        work()
        left, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert left < 2000 and most / 40_000 < 200


def test_cycles_through_attributes_are_collected():
    w = Weight(2.0)
    w.loss = (w * w + 1).relu()
    gone = weakref.ref(w)
    del w
    gc.collect()
    assert gone() is None


def test_the_collector_does_not_see_plain_graphs():
    y = tape.Value(1.0) * 2
    assert not gc.is_tracked(y) and not gc.is_tracked(y.operands[0])
    assert gc.is_tracked(Weight(1.0)) and gc.is_tracked(Weight(1.0) * 2)


def test_finalizers_may_compute():
    class Last(engine.Value):
        seen = []

        def __del__(self):
            self.seen.append((self * 2).data)

    y = Last(1.0) * 3
    for _ in range(1000):
        y = y * Last(2.0)
    del y
    gc.collect()
    assert sorted(set(Last.seen)) == [2.0, 4.0] and len(Last.seen) == 1001


@pytest.mark.parametrize("wide", [False, True])
def test_a_million_nodes(wide):
    before = tape.alive()
    x = tape.Value(1.0)
    y = x
    for _ in range(500_000):
        y = y + x if wide else (y * 1.0)
    y.backward()
    assert x.grad == (500_001 if wide else 1.0)
    del y
    assert tape.alive() == before + 1


def test_old_nodes_in_new_graphs():
    """Nodes made long ago, with a million others in between, come in their order."""
    for room in (value, tape):
        x = room.Value(1.1)
        old = [x]
        for i in range(12):
            old.append((old[-1] * x).sin() + old[i // 2])
            for _ in range(3000 * (i % 3)):
                room.Value(0.0)
            if i % 3 == 1 and room is tape:
                for _ in range(300_000):
                    x * 1
        y = sum((old[i] * old[-1 - i] for i in range(len(old))), room.Value(0.0))
        y.backward()
        seen = [bits(v.grad) for v in old]
        if room is value:
            want = seen
    assert seen == want


def test_threads_over_shared_leaves():
    w, wrong = tape.Value(1.0), []

    def work(seed):
        for k in range(30):
            leaves, pool = program(tape, seed + k, 20)
            (w * 1 + w).backward()
            pool[-1].backward()
            if not isinstance(pool[-1].data, float):
                wrong.append(k)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert w.grad == 4 * 30 * 2 and not wrong

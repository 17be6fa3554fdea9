"""The scalar engine against torch.float64: values, gradients, IEEE corners, optimizers, random programs."""

from __future__ import annotations

import math
import random
from functools import partial

import pytest

from glassgrad.scalar import Value, optim
from glassgrad.scalar.nn import binary_cross_entropy, cross_entropy
from scalar_engines import ENGINES, use

torch = pytest.importorskip("torch")
F = torch.nn.functional
inf, nan = math.inf, math.nan


@pytest.fixture(autouse=True, params=ENGINES)
def engine(request, monkeypatch):
    use(request.param, monkeypatch, globals())


def tensor(x):
    return torch.tensor(float(x), dtype=torch.float64, requires_grad=True)


def both(f, g, point):
    """[value, *gradients] of f on Values and of g on tensors."""
    values, tensors = [Value(x) for x in point], [tensor(x) for x in point]
    y, t = f(*values), g(*tensors)
    y.backward()
    t.backward()
    return [y.data] + [v.grad for v in values], [t.item()] + [v.grad.item() for v in tensors]


def logsigmoid(x):
    return x.logsigmoid() if isinstance(x, Value) else F.logsigmoid(x)


UNARY = (
    {
        name: (lambda x, name=name: getattr(x, name)())
        for name in ("relu", "tanh", "sigmoid", "exp", "log", "sin", "cos", "sqrt", "abs")
    }
    | {
        "logsigmoid": logsigmoid,
        "neg": lambda x: -x,
        "reflected": lambda x: (2 - x) / (1 + x) + 3 / x * (2 * x),
        "2**": lambda x: 2.0**x,
        "0**": lambda x: 0.0**x,
    }
    | {f"**{k}": (lambda x, k=k: x**k) for k in (-2, -1, -0.5, 0, 0.5, 1, 2, 3, 2.5)}
)

BINARY = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "**": lambda a, b: a**b,
}

POINTS = [-300.0, -2.5, -1.0, -1e-3, 0.3, 1.0, 2.5, 40.0, 300.0]
CORNERS = [-inf, -1000.0, -1.0, -0.0, 0.0, 5e-324, 1.0, 1000.0, inf, nan]


@pytest.mark.parametrize("name", UNARY)
def test_functions(name):
    for x in POINTS + CORNERS:
        ours, theirs = both(UNARY[name], UNARY[name], [x])
        assert ours == pytest.approx(theirs, rel=1e-12, abs=1e-300, nan_ok=True), (x, ours, theirs)


@pytest.mark.parametrize("name", BINARY)
def test_operators(name):
    for a in POINTS + CORNERS:
        for b in POINTS + CORNERS:
            ours, theirs = both(BINARY[name], BINARY[name], [a, b])
            if name == "**":
                assert ours == pytest.approx(theirs, rel=1e-12, abs=1e-300, nan_ok=True), (a, b, ours, theirs)
            else:
                assert all(x == y or x != x and y != y for x, y in zip(ours, theirs, strict=True)), (a, b)


COMPOSED = {
    "a closed gate stops inf": lambda x: (-(x.exp())).relu() * x,
    "a closed gate passes its zero on": lambda x: (x.log() - 1).relu(),
    "an open gate": lambda x: (x - x.exp().exp()).relu() + x.exp(),
    "0 * inf": lambda x: (x * 0) * x.exp(),
    "inf - inf": lambda x: x.exp() - x.exp() * 2,
    "no power": lambda x: (x**0) * x.exp(),
}


@pytest.mark.parametrize("name", COMPOSED)
def test_inf_and_nan_travel_as_in_torch(name):
    for x in POINTS + CORNERS:
        ours, theirs = both(COMPOSED[name], COMPOSED[name], [x])
        assert ours == pytest.approx(theirs, rel=1e-12, nan_ok=True), (x, ours, theirs)


@pytest.mark.parametrize("t", [0.0, 0.3, 1.0])
def test_binary_cross_entropy(t):
    for x in POINTS + [0.0, 1000.0, -1000.0]:
        target = torch.tensor(t, dtype=torch.float64)
        ours, theirs = both(
            lambda v: binary_cross_entropy(v, t),
            partial(F.binary_cross_entropy_with_logits, target=target),
            [x],
        )
        assert ours == pytest.approx(theirs, rel=1e-12, abs=1e-15)


def test_cross_entropy():
    rng = random.Random(0)
    for _ in range(100):
        z = [rng.uniform(-1, 1) * 10 ** rng.randint(-2, 3) for _ in range(rng.randint(1, 6))]
        k = rng.randrange(len(z))
        ours, theirs = both(
            lambda *v, k=k: cross_entropy(v, k),
            lambda *v, k=k: F.cross_entropy(torch.stack(v), torch.tensor(k)),
            z,
        )
        assert ours == pytest.approx(theirs, rel=1e-12, abs=1e-12)


# --- random programs ---------------------------------------------------------------------------------------


EXACT = [
    lambda a, b, c: a + b,
    lambda a, b, c: a - b,
    lambda a, b, c: a * b * 0.5,
    lambda a, b, c: a / b,
    lambda a, b, c: c - a,
    lambda a, b, c: c * a + b,
]
ROUNDED = [
    lambda a, b, c: a.tanh(),
    lambda a, b, c: a.relu() + b,
    lambda a, b, c: a.sigmoid() * b,
    lambda a, b, c: (a * a + 1).log(),
    lambda a, b, c: a.sin() * b.cos(),
    lambda a, b, c: abs(a) ** 1.5,
]


def program(rng, values, steps):
    """5 to 40 random steps and the sum of all results; the draws do not look at the numbers."""
    pool = list(values)
    for _ in range(rng.randint(5, 40)):
        pool.append(rng.choice(steps)(rng.choice(pool), rng.choice(pool), rng.uniform(-2, 2)))
    total = pool[0]
    for v in pool[1:]:
        total = total + v
    return total


@pytest.mark.parametrize("exact", [True, False])
def test_random_programs(exact):
    for seed in range(300):
        point = [random.Random(seed).uniform(-2, 2) for _ in range(3)]

        def run(*values, seed=seed):
            return program(random.Random(seed), values, EXACT if exact else EXACT + ROUNDED)

        ours, theirs = both(run, run, point)
        if exact:
            assert ours == pytest.approx(theirs, rel=0, abs=0, nan_ok=True), seed
        else:
            assert ours == pytest.approx(theirs, rel=1e-9, abs=1e-12, nan_ok=True), seed


# --- optimizers --------------------------------------------------------------------------------------------

SETTINGS = [
    ("SGD", {"lr": 0.05}),
    ("SGD", {"lr": 0.05, "momentum": 0.9, "weight_decay": 0.1}),
    ("SGD", {"lr": 0.05, "momentum": 0.9, "dampening": 0.3}),
    ("SGD", {"lr": 0.05, "momentum": 0.9, "nesterov": True}),
    ("SGD", {"lr": 1e-4, "maximize": True}),
    ("Adam", {}),
    ("Adam", {"lr": 0.1, "betas": (0.8, 0.95), "eps": 1e-3, "weight_decay": 0.1}),
    ("Adam", {"lr": 0.1, "amsgrad": True, "maximize": True}),
    ("AdamW", {"lr": 0.1}),
    ("AdamW", {"lr": 0.1, "weight_decay": 0.3, "amsgrad": True}),
    ("RMSprop", {}),
    ("RMSprop", {"lr": 0.02, "alpha": 0.9, "momentum": 0.5, "centered": True, "weight_decay": 0.1}),
    ("Adagrad", {"lr": 0.1}),
    (
        "Adagrad",
        {"lr": 0.1, "lr_decay": 0.1, "weight_decay": 0.1, "initial_accumulator_value": 0.2, "eps": 1e-3},
    ),
]


@pytest.mark.parametrize(("name", "settings"), SETTINGS)
def test_fifty_steps(name, settings):
    start = [1.5, -0.7, 0.2]
    values, tensors = [Value(x) for x in start], [tensor(x) for x in start]
    runs = [
        (values, getattr(optim, name)(values, **settings)),
        (tensors, getattr(torch.optim, name)(tensors, **settings)),
    ]
    for _ in range(50):
        for (a, b, c), optimizer in runs:
            optimizer.zero_grad()
            ((a * b - 1) ** 2 + (b - c).sin() + a * a * 0.3 + c * c).backward()
            optimizer.step()
        assert [v.data for v in values] == pytest.approx([t.item() for t in tensors], rel=1e-12, abs=1e-13)


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad"])
def test_defaults_are_torchs(name):
    ours = getattr(optim, name)([Value(1.0)]).defaults
    theirs = getattr(torch.optim, name)([tensor(1.0)]).defaults
    assert ours == {key: theirs[key] for key in ours}

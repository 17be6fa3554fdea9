"""Neurons, losses and optimizers of the scalar engine."""

from __future__ import annotations

import math
import random
import runpy
from pathlib import Path

import pytest

from glassgrad.scalar import Value
from glassgrad.scalar.nn import MLP, Layer, Neuron, binary_cross_entropy, cross_entropy
from glassgrad.scalar.optim import SGD, Adagrad, Adam, AdamW, RMSprop
from scalar_engines import ENGINES, tape, use, value


@pytest.fixture(autouse=True, params=ENGINES)
def engine(request, monkeypatch):
    use(request.param, monkeypatch, globals())
    return request.param


def slow(engine):
    """Whether there is a faster one, which is the same to the bit (tests/test_scalar_compiled.py)."""
    return engine is value and tape is not None


def network(**options):
    random.seed(7)
    return MLP(3, [4, 4, 1], **options)


def test_micrograds_defaults():
    random.seed(7)
    want = [random.uniform(-1, 1) for _ in range(3)]
    model = network()
    first = model.layers[0].neurons[0]
    assert [w.data for w in first.w] == want and first.b.data == 0
    assert [n.nonlin for layer in model.layers for n in layer.neurons] == [True] * 8 + [False]
    assert len(model.parameters()) == 41
    assert repr(MLP(1, [2, 1])) == "MLP of [Layer of [ReLUNeuron(1), ReLUNeuron(1)], Layer of [LinearNeuron(2)]]"
    assert repr(Layer(1, 1, activation="tanh")) == "Layer of [TanhNeuron(1)]"


def test_the_same_numbers_as_micrograd():
    nn, theirs = pytest.importorskip("micrograd.nn"), pytest.importorskip("micrograd.engine").Value

    def run(mlp, value):
        random.seed(3)
        model = mlp(3, [4, 4, 1])
        y = model([value(x) for x in (0.3, -1.2, 2.0)])
        loss = (1 - y) ** 2 + 1e-4 * sum(p * p for p in model.parameters())
        model.zero_grad()
        loss.backward()
        return loss.data, [p.grad for p in model.parameters()]

    (loss, grads), (their_loss, their_grads) = run(MLP, Value), run(nn.MLP, theirs)
    assert loss == their_loss and grads == pytest.approx(their_grads, rel=1e-14)


def test_one_node_a_neuron_or_every_product():
    runs = []
    for fused in (True, False):
        model = network(fused=fused, activations=["tanh", "relu", "linear"])
        y = model([0.3, -1.2, 2.0])
        y.backward()
        runs.append([y.data] + [p.grad for p in model.parameters()])
    assert runs[0] == runs[1]
    assert y._op == "+" and network()([1, 2, 3])._op == "w*x+b"


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda: Neuron(2)([1.0]), ValueError),
        (lambda: Neuron(2, fused=False)([1.0, 2.0, 3.0]), ValueError),
        (lambda: Neuron(2, activation="gelu"), ValueError),
        (lambda: MLP(2, [3, 1], activations=["tanh"]), ValueError),
        (lambda: MLP(2, [3, 1], activations="tanh"), ValueError),
        (lambda: Neuron(1)(["a"]), TypeError),
        (lambda: cross_entropy([Value(1.0)], 1), IndexError),
        (lambda: cross_entropy([Value(1.0)], -1), IndexError),
        (lambda: cross_entropy([Value(1.0)], 0.0), TypeError),
        (lambda: cross_entropy([[Value(1.0)]], [0, 0]), ValueError),
        (lambda: cross_entropy([], []), ValueError),
        (lambda: binary_cross_entropy(Value(1.0), -1), ValueError),
        (lambda: binary_cross_entropy([Value(1.0)], [0, 1]), ValueError),
        (lambda: SGD([]), ValueError),
        (lambda: SGD([Value(1.0) * 2]), ValueError),
        (lambda: SGD([1.0]), TypeError),
        (lambda: SGD([Value(1.0)], lr=-1), ValueError),
        (lambda: SGD([Value(1.0)], nesterov=True), ValueError),
        (lambda: SGD([Value(1.0)], learning_rate=1), TypeError),
        (lambda: SGD([{"params": [Value(1.0)], "beta": 1}]), TypeError),
        (lambda: SGD([Value(1.0)] * 2), ValueError),
        (lambda: Adam([Value(1.0)], betas=(0.9, 1.0)), ValueError),
        (lambda: RMSprop([Value(1.0)], eps=math.nan), ValueError),
    ],
)
def test_errors(make, error):
    with pytest.raises(error):
        make()


# --- losses ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("x", [-800.0, -3.0, 0.0, 1e-9, 2.0, 800.0])
@pytest.mark.parametrize("t", [0, 0.25, 1])
def test_binary_cross_entropy(x, t):
    v = Value(x)
    loss = binary_cross_entropy(v, t)
    loss.backward()
    p = 1 / (1 + math.exp(-x)) if x > -700 else 0.0
    log_p, log_q = (-math.log1p(math.exp(-s)) if s > -30 else s for s in (x, -x))
    assert loss.data == pytest.approx(-t * log_p - (1 - t) * log_q, rel=1e-12, abs=1e-300)
    assert v.grad == pytest.approx(p - t, rel=1e-12, abs=1e-15)


def test_cross_entropy():
    z = [Value(x) for x in (1000.0, 1001.0, -1000.0)]
    loss = cross_entropy(z, 0)
    loss.backward()
    e = math.e
    assert loss.data == pytest.approx(math.log(1 + e), rel=1e-14)
    assert [v.grad for v in z] == pytest.approx([1 / (1 + e) - 1, e / (1 + e), 0.0], rel=1e-13)


def test_batches_are_means():
    rows = [[Value(0.1), Value(0.7)], [Value(-2.0), Value(0.4)]]
    single = [cross_entropy(row, t).data for row, t in zip(rows, [1, 0], strict=True)]
    assert cross_entropy(rows, [1, 0]).data == sum(single) / 2
    single = [binary_cross_entropy(row[0], t).data for row, t in zip(rows, [1, 0], strict=True)]
    assert binary_cross_entropy([row[0] for row in rows], [1, 0]).data == sum(single) / 2


# --- training ----------------------------------------------------------------------------------------------

POINTS = [[2, 3, -1], [3, -1, 0.5], [0.5, 1, 1], [1, 1, -1]]
TARGETS = [1, -1, -1, 1]


def train_four_points(seed, activations=("tanh", "tanh", "linear")):
    """Summed squared error after 100 epochs of Adam at lr 0.05, from micrograd's initial weights."""
    random.seed(seed)
    model = MLP(3, [4, 4, 1], activations=activations)
    optimizer = Adam(model.parameters(), lr=0.05)

    def loss():
        return sum((model(x) - t) ** 2 for x, t in zip(POINTS, TARGETS, strict=True))

    for _ in range(100):
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()
    return loss().data


def test_the_four_points_are_learned_from_95_of_100_seeds(engine):
    seeds = 20 if slow(engine) else 100
    assert sum(train_four_points(seed) < 0.05 for seed in range(seeds)) >= 0.95 * seeds


def test_an_mlp_that_ends_in_relu_cannot_learn_minus_one():
    assert train_four_points(0, ("tanh", "tanh", "relu")) >= 2


def test_two_moons_example_reaches_100_percent(engine, capsys):
    if slow(engine):
        pytest.skip("the compiled engine takes the same steps in a twentieth of the time")
    pytest.importorskip("sklearn")
    example = Path(__file__).parents[1] / "examples" / "two_moons.py"
    assert runpy.run_path(str(example))["main"]() == 1.0
    assert "337 parameters" in capsys.readouterr().out


@pytest.mark.parametrize("kind", [SGD, Adam, AdamW, RMSprop, Adagrad])
def test_optimizers_descend_and_keep_groups_apart(kind):
    a, b, frozen = Value(2.0), Value(-1.0), Value(5.0)
    optimizer = kind([{"params": [a]}, {"params": b, "lr": 0.01}, {"params": [frozen], "lr": 0.0}], lr=0.1)

    def closure():
        optimizer.zero_grad()
        loss = a * a + b * b + frozen
        loss.backward()
        return loss

    losses = [optimizer.step(closure).data for _ in range(20)]
    assert losses == sorted(losses, reverse=True) and losses[-1] < losses[0] - 1
    assert frozen.data == 5.0 and abs(a.data - 2.0) > abs(b.data + 1.0)


def test_an_interrupted_step_moves_nothing():
    a, b = Value(1.0), Value(2.0)
    a.grad = b.grad = 1.0

    class Interrupted(SGD):
        def move(self, p, g, group, state):
            if p == 2.0:
                raise KeyboardInterrupt
            return super().move(p, g, group, state)

    optimizer = Interrupted([a, b], lr=0.1)
    with pytest.raises(KeyboardInterrupt):
        optimizer.step()
    assert (a.data, b.data, optimizer.state) == (1.0, 2.0, {})

"""Watching a training changes nothing of it, and says what ails a layer; its pictures take what they are given."""

from __future__ import annotations

import copy
import math
import random
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

import glassgrad as gg
import glassgrad.nn.functional as F
from glassgrad import glass, nn, optim
from glassgrad.core import watch as watching
from glassgrad.glass.health import landscape, layers, planes, plots
from glassgrad.glass.health.figures import attentions, record_of
from glassgrad.glass.health.record import MOST_LOSSES, MOST_STEPS, Histogram, Losses, Record
from glassgrad.nn import hooks
from glassgrad.scalar import Value
from glassgrad.scalar.nn import MLP

needs_matplotlib = pytest.mark.usefixtures("matplotlib")
OFF = [watching.watchers, watching.listeners, *hooks.EVERYWHERE.values()]


@pytest.fixture
def matplotlib():
    return pytest.importorskip("matplotlib")


@pytest.fixture(autouse=True)
def nothing_stays():
    yield
    assert not any(OFF) and not hooks.anywhere


def data(n: int = 64) -> tuple[gg.Tensor, gg.Tensor]:
    generator = gg.Generator().manual_seed(1)
    x = gg.randn(n, 6, generator=generator)
    return x, (x[:, 0] > 0).long()


def train(model: nn.Module, steps: int = 6, lr: float = 0.1, optimizer=None, *, by_hand: bool = False) -> list[float]:
    x, y = data()
    optimizer = optimizer or optim.SGD(model.parameters(), lr=lr)
    losses = []
    for _ in range(steps):
        model.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        losses.append(loss.item())
        if by_hand:
            with gg.no_grad():
                for p in model.parameters():
                    p -= lr * p.grad
        else:
            optimizer.step()
    return losses


def mlp(*activations: nn.Module, size: int = 16) -> nn.Sequential:
    gg.manual_seed(0)
    parts: list[nn.Module] = []
    for i, activation in enumerate(activations):
        parts += [nn.Linear(6 if i == 0 else size, size), activation]
    return nn.Sequential(*parts, nn.Linear(size if activations else 6, 2))


# ---- watching ------------------------------------------------------------------------------------


@pytest.mark.parametrize("by_hand", [False, True])
def test_a_watched_training_is_the_same_to_the_bit(by_hand: bool):
    plain = train(mlp(nn.ReLU(), nn.Dropout(0.3)), by_hand=by_hand)
    model = mlp(nn.ReLU(), nn.Dropout(0.3))
    with gg.watch_health(model) as health:
        assert train(model, by_hand=by_hand) == plain
    assert health.record.step == 6 and len(health.record.rows) == 6
    (losses,) = health.record.losses.values()
    assert losses.values == plain


def test_what_is_recorded_is_what_numpy_says():
    model = mlp(nn.ReLU())
    twin = copy.deepcopy(model)
    x, y = data()
    F.cross_entropy(twin(x), y).backward()
    with gg.watch_health(model, optimizer := optim.SGD(model.parameters(), lr=0.5)) as health:
        train(model, 1, optimizer=optimizer)
    (row,) = health.record.rows
    g = np.concatenate([p.grad.numpy().ravel() for p in twin[0].parameters()]).astype(float)
    w = np.concatenate([p.detach().numpy().ravel() for p in twin[0].parameters()]).astype(float)
    assert row["gradient"]["0 Linear"] == pytest.approx(np.linalg.norm(g), rel=1e-5)
    assert row["update"]["0 Linear"] == pytest.approx(0.5 * np.linalg.norm(g) / np.linalg.norm(w), rel=1e-4)
    hidden = twin[0](x).detach().numpy()
    assert row["flat"]["0 Linear"] == (hidden <= 0).mean()
    assert row["dead"]["0 Linear"] == (hidden <= 0).all(axis=0).mean()
    assert "2 Linear" not in row["flat"]


def test_activations_are_found_wherever_they_are_called():
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.fc, self.out = nn.Conv2d(1, 4, 3), nn.Linear(16, 8), nn.Linear(8, 1)

        def forward(self, x):
            x = F.relu(F.max_pool2d(self.conv(x), 2)).flatten(1)
            return gg.sigmoid(self.out(gg.tanh(self.fc(x))))

    model = Net()
    with gg.watch_health(model) as health:
        model(gg.randn(8, 1, 6, 6)).sum().backward()
        model.eval()
        model(gg.full((8, 1, 6, 6), math.nan))  # not training: not looked at
    assert health.record.activation_of == {"conv": "relu", "fc": "tanh"}, "the last layer's sigmoid is its answer"
    assert not any(last.lost for _, last in health.record.activations.values())


def test_a_long_training_stays_small():
    record = Record()
    for _ in range(5000):
        if record.step % record.every == 0:
            record.add({"gradient": {}})
        record.step += 1
    assert len(record.steps) <= MOST_STEPS and record.steps == list(range(0, 5000, record.every))
    losses = Losses()
    for i in range(3 * MOST_LOSSES):
        losses.add(float(i))
    assert losses.count == 3 * MOST_LOSSES and len(losses.values) <= MOST_LOSSES
    assert np.mean(losses.values) == pytest.approx((3 * MOST_LOSSES - 1) / 2, rel=1e-3)


def test_a_model_can_be_copied_and_an_optimizer_added_while_it_is_watched():
    model = mlp(nn.Tanh())
    with gg.watch_health(model) as health:
        train(copy.deepcopy(model), 2)
        assert health.record.step == 0, "a copy is another model"
        train(model, 2)
        train(model, 2, optimizer=optim.Adam(model.parameters()))
    assert health.record.step >= 2


@pytest.mark.parametrize(
    ("model", "error", "message"),
    [
        (lambda: MLP(2, [2, 1]), TypeError, r"dead_units\(model, points\)"),
        (nn.ReLU, ValueError, "no parameter that requires a gradient"),
        (lambda: 3, TypeError, "expected an nn.Module, got int"),
    ],
)
def test_what_cannot_be_watched_says_so(model, error, message: str):
    with pytest.raises(error, match=message):
        gg.watch_health(model())


# ---- verdicts ------------------------------------------------------------------------------------


def killed() -> nn.Module:
    model = mlp(nn.ReLU(), nn.ReLU())
    nn.init.constant_(model[2].bias, -50.0)
    return model


def saturated() -> nn.Module:
    model = mlp(nn.Tanh())
    nn.init.normal_(model[0].weight, std=40.0)
    return model


def loaded_with_nan() -> nn.Module:
    model = mlp(nn.ReLU())
    nn.init.constant_(model[2].bias, math.nan)
    return model


class Unused(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.used, self.unused = nn.Linear(6, 2), nn.Linear(6, 2)

    def forward(self, x):
        return self.used(x)


ILL = {  # name: model, learning rate, which layer, its word, a part of the reason
    "dead": (killed, 0.01, "2 Linear", "dead", "zero behind relu"),
    "saturated": (saturated, 0.01, "0 Linear", "saturated", "where tanh is flat"),
    "vanishing": (
        lambda: mlp(*[nn.Sigmoid() for _ in range(9)]),
        0.1,
        "0 Linear",
        "vanishing",
        "of that of the layers",
    ),
    "exploding": (lambda: mlp(nn.ReLU()), 50.0, "0 Linear", "exploding", "lower the learning rate"),
    "NaN": (loaded_with_nan, 0.1, "2 Linear", "exploding", "NaN or infinite since step 1"),
    "still": (lambda: mlp(nn.ReLU()), 0.0, "0 Linear", "not moving", "changes its weights by 0"),
    "unused": (Unused, 0.1, "unused Linear", "not moving", "is its answer used"),
}


@pytest.mark.parametrize("name", ILL)
def test_an_ill_layer_is_named(name: str):
    build, lr, layer, word, why = ILL[name]
    gg.manual_seed(0)
    model = build()
    with gg.watch_health(model) as health:
        train(model, 8, lr)
    said = health.verdicts()[layer.replace("unused Linear", "unused")]
    assert said.word == word and why in said.why, said
    assert word in health.summary() and "need a look" in health.summary()


def test_a_layer_that_the_optimizer_forgot():
    model = mlp(nn.ReLU())
    with gg.watch_health(model) as health:
        train(model, optimizer=optim.SGD(model[2].parameters(), lr=0.1))
    assert health.verdicts()["0 Linear"].why == "its parameters are not in the optimizer"
    assert health.verdicts()["2 Linear"].word == "ok"


@pytest.mark.parametrize("optimizer", [optim.SGD, optim.Adam])
def test_a_healthy_network_is_well(optimizer):
    model = mlp(nn.ReLU(), nn.Tanh(), nn.GELU(), size=32)
    with gg.watch_health(model) as health:
        train(model, 30, optimizer=optimizer(model.parameters(), lr=0.01))
    assert {said.word for said in health.verdicts().values()} == {"ok"}, health.summary()


def test_nothing_yet_is_a_sentence():
    health = gg.watch_health(mlp(nn.ReLU()))
    assert "No step of 2 layers was recorded yet" in health.summary()
    health.close()
    health.close()
    with pytest.raises(ValueError, match="no step was recorded yet"):
        glass.gradient_norms(health)
    with pytest.raises(ValueError, match="no loss yet"):
        glass.training_curves(health)


# ---- the run folder ------------------------------------------------------------------------------


def test_the_folder_has_what_was_seen(tmp_path: Path, matplotlib):
    run = glass.RunFolder.create(tmp_path, "moons", {"lr": 0.1})
    model = mlp(nn.ReLU())
    with gg.watch_health(model, run=run) as health:
        train(model)
    again = record_of(run.path)
    assert again.steps == health.record.steps and again.layers == health.record.layers
    assert again.rows[2]["gradient"] == pytest.approx(health.record.rows[2]["gradient"], rel=1e-4)
    assert again.activations == health.record.activations
    page = (run.path / "report.html").read_text(encoding="utf-8")
    for part in (
        "Nothing wrong with 2 layers",
        "update/weight",
        "Dead units",
        "Answers of each layer",
        "test_health.py",
    ):
        assert part in page, part
    for draw in (glass.training_curves, glass.gradient_norms, glass.update_ratios, glass.dead_units,
                 glass.activation_histograms, glass.gradient_histograms):  # fmt: skip
        assert draw(run.path).axes and draw(health).axes and draw(str(run.path)).axes


def test_a_folder_without_a_record_says_who_writes_it(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match=r"watch_health\(model, optimizer, run=folder\)"):
        glass.gradient_norms(tmp_path)
    (tmp_path / "health.json").write_text("{}")
    with pytest.raises(ValueError, match="expected format"):
        glass.gradient_norms(tmp_path)
    with pytest.raises(TypeError, match="or a run folder, got int"):
        glass.update_ratios(3)


PROGRAMS = {
    "trains.py": """
        import torch
        from torch import nn
        net = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 1))
        critic = nn.Linear(1, 1)
        optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
        other = torch.optim.SGD(critic.parameters(), lr=0.01)
        for _ in range(5):
            optimizer.zero_grad()
            loss = net(torch.randn(70, 3)).square().mean()
            loss.backward()
            optimizer.step()
            other.zero_grad()
            critic(torch.randn(4, 1)).mean().backward()
            other.step()
        raise SystemExit(3)
    """,
    "talks.py": "print('no gradient here')",
    "fails.py": """
        import torch
        w = torch.ones(2, requires_grad=True)
        w.sum().backward()
        raise ValueError("<b>later</b>")
    """,
}


@needs_matplotlib
@pytest.mark.parametrize(
    ("name", "status", "says", "page"),
    [
        ("trains.py", 3, "report: {}", ["Adam(lr=0.01", "Sequential1.0 Linear", "Linear2.Linear", "trains.py:11"]),
        ("talks.py", 0, "report: nothing to show: the program called no backward()", []),
        ("fails.py", 1, "report: {}", ["ended with ValueError: &lt;b&gt;later"]),
    ],
)
def test_a_program_that_never_heard_of_it_gets_a_report(tmp_path: Path, name: str, status: int, says: str, page: list):
    (tmp_path / name).write_text(textwrap.dedent(PROGRAMS[name]))
    words = [sys.executable, "-m", "glassgrad", "run", "--report", name]
    environment = {"PYTHONPATH": str(Path(gg.__file__).parents[1]), "PATH": ""}
    run = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, env=environment, check=False)
    assert run.returncode == status, run.stderr
    path = tmp_path / "runs" / f"{name[:-3]}-001" / "report.html"
    assert says.format(path) in run.stderr
    assert path.exists() == bool(page)
    text = path.read_text(encoding="utf-8") if page else ""
    assert [part for part in page if part not in text] == []


# ---- a model as it stands ------------------------------------------------------------------------


@needs_matplotlib
def test_a_model_is_shown_as_it_stands_and_stays_so():
    model = mlp(nn.ReLU(), nn.Dropout(0.5))
    x, y = data()
    with pytest.raises(ValueError, match="call it after backward"):
        glass.gradient_norms(model)
    F.cross_entropy(model(x), y).backward()
    state = gg.get_rng_state()
    for figure in (glass.gradient_norms(model), glass.gradient_histograms(model), glass.dead_units(model, x),
                   glass.activation_histograms(model, x), glass.learned_filters(model)):  # fmt: skip
        assert figure.axes
    assert model.training and gg.equal(gg.get_rng_state(), state)
    with pytest.raises(TypeError, match="pass the model's inputs"):
        glass.dead_units(model)
    with pytest.raises(ValueError, match="there is no relu"):
        glass.dead_units(nn.Linear(6, 2), x)


@needs_matplotlib
def test_a_scalar_mlp_is_shown_too():
    random.seed(0)
    model = MLP(2, [4, 1])
    for neuron in model.layers[0].neurons[:3]:
        neuron.b.data = -9.0  # dead
    points = np.random.default_rng(0).uniform(-1, 1, (12, 2))
    bars = glass.dead_units(model, points).axes[0].patches
    assert [bar.get_width() for bar in bars] == [0.75]
    labels = (points[:, 0] > 0).astype(int)
    loss = lambda: sum(((model(p) - 1) ** 2 for p in points[:4].tolist()), Value(0.0))
    loss().backward()
    before = [(p.data, p.grad) for p in model.parameters()]
    assert glass.decision_boundary(model, points, labels, side=9).axes
    assert glass.gradient_norms(model).axes
    assert glass.gradient_field(model, loss, points=5).axes and glass.loss_surface(model, loss, points=5).axes
    assert [(p.data, p.grad) for p in model.parameters()] == before


def test_attention_is_found_however_it_is_written():
    class Own(nn.Module):
        def forward(self, x):
            return F.dropout(F.softmax(x @ x.mT, dim=-1), 0.1, self.training) @ x

    class Ready(nn.Module):
        def forward(self, x):
            return F.scaled_dot_product_attention(x, x, x, scale=1.0)

    x = gg.randn(1, 2, 5, 4)
    (own,), (ready,) = attentions(Own(), x), attentions(Ready(), x)
    np.testing.assert_allclose(own, ready, atol=1e-6)
    np.testing.assert_allclose(own.sum(axis=-1), 1, atol=1e-6)
    heads = nn.MultiheadAttention(8, 2, batch_first=True)
    y = gg.randn(1, 5, 8)
    _, wanted = heads(y, y, y, average_attn_weights=False)
    for need in (True, False):
        (seen,) = attentions(heads, y, y, y, None, need)
        np.testing.assert_allclose(seen, wanted.detach().numpy(), atol=1e-6)


@needs_matplotlib
def test_attention_is_drawn_with_its_tokens():
    figure = glass.attention_maps(np.full((3, 2, 4), 0.25), tokens=["a", "<b>"], keys=list("wxyz"))
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == ["a", "<b>"]
    with pytest.raises(ValueError, match="3 tokens for 2 places"):
        glass.attention_maps(np.ones((1, 2, 2)), tokens="abc")
    with pytest.raises(ValueError, match="no softmax before a product"):
        glass.attention_maps(nn.Linear(6, 2), data()[0])


# ---- landscapes ----------------------------------------------------------------------------------


class Two(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(gg.tensor([1.0, -2.0]))

    def loss(self) -> gg.Tensor:
        return self.w[0] ** 2 + 3 * self.w[1] ** 2


def test_two_weights_are_their_own_plane():
    model = Two()
    one = landscape.slice_loss(model, model.loss, points=5, slopes=True)
    np.testing.assert_allclose(one.zz, one.a**2 + 3 * one.b**2, rtol=1e-5)
    np.testing.assert_allclose(one.u, 2 * one.a, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(one.v, 6 * one.b, rtol=1e-5, atol=1e-6)
    assert (one.a[2, 2], one.b[2, 2]) == (1.0, -2.0) and model.w.tolist() == [1.0, -2.0] and model.w.grad is None


def test_random_directions_are_as_long_as_the_filters():
    model = nn.Sequential(nn.Conv2d(1, 3, 2), nn.Linear(4, 2))
    weights = landscape.Weights(model)
    one, other, _ = landscape._directions(weights, weights.get(), "random", None, 0)
    assert len(list(weights.filters())) == 5
    for part in weights.filters():
        assert np.linalg.norm(one[part]) == pytest.approx(np.linalg.norm(weights.get()[part]))
    assert np.count_nonzero(one) == 3 * 4 + 2 * 4 and not np.array_equal(one, other)


def test_the_slopes_of_a_slice_are_its_differences():
    model = mlp(nn.Tanh()).double()
    x, y = data()
    loss = lambda: F.cross_entropy(model(x.double()), y)
    one = landscape.slice_loss(model, loss, points=11, span=0.05, slopes=True)
    down, across = np.gradient(one.zz, one.b[:, 0], one.a[0])
    np.testing.assert_allclose(one.u[1:-1, 1:-1], across[1:-1, 1:-1], atol=2e-3)
    np.testing.assert_allclose(one.v[1:-1, 1:-1], down[1:-1, 1:-1], atol=2e-3)


@needs_matplotlib
def test_the_way_of_a_training_lies_in_its_plane():
    model = mlp(nn.Tanh())
    with gg.watch_health(model, path=True) as health:
        train(model)
    x, y = data()
    loss = lambda: F.cross_entropy(model(x), y)
    one = landscape.slice_loss(model, loss, directions="pca", path=health, points=7)
    assert one.path.shape == (6, 2) and np.abs(one.path[-1]).max() < 1e-6, "it ends where the model is"
    assert one.a.min() <= one.path[:, 0].min() and one.b.max() >= one.path[:, 1].max()
    assert glass.loss_surface(model, loss, directions="pca", path=health, points=5).axes


@needs_matplotlib
def test_a_function_of_two_numbers_is_a_field():
    for f in (lambda x, y: x * x + y * y, lambda x, y: Value(1.0) * x * x + y * y):
        figure = glass.gradient_field(f, span=2.0, points=5)
        (arrows,) = [item for item in figure.axes[0].collections if hasattr(item, "U")]
        assert (arrows.U * arrows.X <= 1e-9).all()


def test_the_rate_is_found_and_all_put_back():
    model = mlp(nn.ReLU())
    optimizer = optim.Adam(model.parameters(), lr=0.123)
    x, y = data()
    train(model, 2, optimizer=optimizer)
    before, state = copy.deepcopy(model.state_dict()), copy.deepcopy(optimizer.state_dict())
    found = landscape.scan_rates(model, optimizer, lambda: F.cross_entropy(model(x), y), steps=60)
    assert 1e-4 < found.suggestion < 1
    assert all(gg.equal(value, before[name]) for name, value in model.state_dict().items())
    assert optimizer.param_groups[0]["lr"] == 0.123
    for key, kept in state["state"].items():
        assert all(gg.equal(value, optimizer.state_dict()["state"][key][name]) for name, value in kept.items())


I2 = np.eye(2)
REFUSED = [
    (lambda: glass.loss_surface(Two(), lambda: 0.0, points=2), ValueError, "at least 3"),
    (lambda: glass.loss_surface(mlp(), lambda: 0.0, directions="pca"), ValueError, "needs path="),
    (lambda: glass.loss_surface(mlp(), lambda: 0.0, directions="far"), ValueError, "directions='far'"),
    (lambda: glass.loss_surface(mlp(), lambda: 0.0, path=[[1.0]]), ValueError, r"all 14 weights, got shape \(1, 1\)"),
    (lambda: glass.loss_surface(3, lambda: 0.0), TypeError, "expected an nn.Module or an MLP"),
    (lambda: glass.loss_surface(loaded_with_nan(), lambda: 0.0), ValueError, "NaN or infinite: there is no landscape"),
    (lambda: glass.loss_surface(Two(), lambda: 0.0, patience=0.0), RuntimeError, "would take about"),
    (lambda: glass.gradient_field(Two()), TypeError, "say the loss"),
    (lambda: glass.lr_finder(mlp(), None, lambda: 0.0, low=1.0, high=0.1), ValueError, "0 < low < high"),
    (lambda: glass.decision_boundary(mlp(), np.ones((3, 3)), np.ones(3)), ValueError, r"points are \(N, 2\)"),
    (lambda: glass.decision_boundary(lambda x: x[:, 0] * math.nan, I2, [0, 1]), ValueError, "infinity everywhere"),
    (lambda: glass.training_curves([]), ValueError, "no losses yet"),
    (lambda: glass.attention_maps(np.ones(3)), ValueError, r"\(heads, L, S\), got shape \(3,\)"),
    (lambda: glass.learned_filters(3), TypeError, "got int"),
    (lambda: layers.bars({}, title="x"), ValueError, "no layer to show"),
    (lambda: layers.histograms({}, title="x", x_label=""), ValueError, "nothing was recorded"),
    (lambda: planes.surface(I2, I2, np.eye(3)), ValueError, r"are \(H, W\)"),
    (lambda: plots.rate_curve([], []), ValueError, "n >= 1"),
]  # fmt: skip


@needs_matplotlib
@pytest.mark.parametrize("at", range(len(REFUSED)))
def test_what_makes_no_picture_says_why(at: int):
    draw, error, message = REFUSED[at]
    with pytest.raises(error, match=message):
        draw()


@needs_matplotlib
def test_pictures_of_what_went_wrong(tmp_path: Path):
    """One point, NaN everywhere, no numbers, very many layers; and each can be saved on dark paper."""
    nothing, lost = Histogram.of(np.zeros(5)), Histogram.of(np.full(5, math.nan))
    many = {f"layer {i}": (Histogram.of(np.arange(9.0)), Histogram.of(np.arange(9.0) + 1)) for i in range(30)}
    rows = {f"layer {i}": [1.0, 0.0, math.nan] for i in range(300)}
    plane = np.meshgrid(np.arange(3.0), np.arange(3.0))
    figures = [
        layers.histograms({"a": (nothing, nothing), "b": (lost, lost)}, title="x", x_label=""),
        layers.histograms(many, title="x", x_label=""),
        layers.per_layer(rows, title="x"),
        layers.per_layer(rows, title="x", share=True),
        layers.bars({"a": math.nan, "b": 0.0}, title="x"),
        planes.surface(*plane, np.full((3, 3), math.nan)),
        planes.surface(*plane, np.where(np.eye(3), math.inf, 1.0)),
        planes.gradient_field(*plane, *plane, np.full((3, 3), math.nan)),
        plots.rate_curve([0.1], [math.nan]),
        plots.loss_curve((), {"a.py:1": [1.0], "a.py:2": [math.nan]}),
        glass.decision_boundary(lambda x: x[:, :1], [[1.0, 1.0]], [0]),
    ]
    for figure in figures:
        assert figure.get_figheight() < 12
        figure.savefig(tmp_path / "a.png", dark=True, dpi=8)
    assert "prefers-color-scheme:dark" in figures[0]._repr_html_()


@needs_matplotlib
def test_dark_paper_leaves_the_figure_as_it_was(tmp_path: Path, matplotlib):
    from matplotlib.image import imread

    figure = glass.training_curves([3.0, 2.0, 1.0])
    figure.savefig(tmp_path / "light.png", dpi=30)
    figure.savefig(tmp_path / "dark.png", dpi=30, dark=True)
    figure.savefig(tmp_path / "again.png", dpi=30)
    light, dark, again = (imread(tmp_path / f"{name}.png") for name in ("light", "dark", "again"))
    np.testing.assert_array_equal(light, again)
    assert light[0, 0, :3].mean() > 0.9 and dark[0, 0, :3].mean() < 0.2

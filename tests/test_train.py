"""The training loop: it learns, it measures what it says, and an interrupted run ends as if it had not been."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import glass, nn, optim
from glassgrad.data import DataLoader, TensorDataset
from glassgrad.glass.health.figures import parameter_rows
from glassgrad.glass.runs.report import render_report
from glassgrad.glass.runs.runlog import RunFolder
from glassgrad.io import checkpoint
from glassgrad.train import Task, Trainer, collect, evaluate, models, tasks
from glassgrad.train.trainer import Evaluation

STEPS, EPOCHS = 4, 3


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return RunFolder.create(tmp_path, "test", {})


def small(name: str = "patterns", n: int = 60) -> Task:
    return tasks.load(name, limit=n)


def trainer(
    run: RunFolder | None = None, *, workers: int = 0, own: bool = True, rule: str = "sgd", **options: Any
) -> Trainer:
    """Something of everything that has a state: dropout, batch statistics, momentum, a schedule, a shuffle."""
    task = small()
    gg.manual_seed(3)
    model = nn.Sequential(
        nn.Flatten(), nn.Linear(64, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 4)
    )
    optimizer = models.make_optimizer(rule, model, 0.05, 0.9 if rule == "sgd" else 0.0)
    generator = gg.Generator().manual_seed(5) if own else None
    loader = DataLoader(task.train, 16, shuffle=True, num_workers=workers, generator=generator)
    assert len(loader) == STEPS
    schedule = optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS * STEPS)
    return Trainer(model, optimizer, loader, task.test_loader(), scheduler=schedule, run=run, measurements=2, **options)


def state(trained: Trainer) -> Any:
    """All that a run amounts to, without the wall time."""
    tree = trained.state_dict()
    at = {key: value for key, value in tree.pop("at").items() if key != "seconds"}
    at["history"] = [{k: v for k, v in record.items() if k != "seconds"} for record in at["history"]]
    return plain({**tree, "at": at})


def plain(tree: Any) -> Any:
    """Arrays as their bytes, so that == means bit for bit, and NaN is NaN."""
    if isinstance(tree, dict):
        return {key: plain(value) for key, value in tree.items()}
    if isinstance(tree, list | tuple):
        return [plain(value) for value in tree]
    if isinstance(tree, gg.Tensor):
        tree = tree.numpy()
    return (tree.dtype.str, tree.shape, tree.tobytes()) if isinstance(tree, np.ndarray) else repr(tree)


def interrupt_at(step: int) -> Callable[[Any], None]:
    """An on_step that presses Ctrl-C in the given step, counted from the first of the run."""
    seen = []

    def on_step(at: Any) -> None:
        seen.append(at.step)
        if len(seen) == step:
            signal.raise_signal(signal.SIGINT)

    return on_step


# ---- resuming ------------------------------------------------------------------------------------

UNDISTURBED: dict[Any, Any] = {}


def undisturbed(**options: Any) -> Any:
    key = tuple(sorted(options.items()))
    if key not in UNDISTURBED:
        whole = trainer(**options)
        assert whole.fit(EPOCHS)
        UNDISTURBED[key] = state(whole)
    return UNDISTURBED[key]


@pytest.mark.parametrize(
    ("step", "options"),
    [
        *((step, {}) for step in range(1, EPOCHS * STEPS)),
        *((step, {"own": False}) for step in (2, 4, 9)),
        *((step, {"rule": rule}) for step in (6,) for rule in ("adam", "rmsprop", "adagrad")),
        (5, {"workers": 2}),
        (4, {"workers": 2, "own": False}),
    ],
)
def test_a_run_interrupted_anywhere_ends_as_the_undisturbed_one(run: RunFolder, step: int, options: dict[str, Any]):
    first = trainer(run, on_step=interrupt_at(step), **options)
    assert first.fit(EPOCHS) is False
    assert (first.at.epoch, first.at.step) == divmod(step, STEPS)
    gg.manual_seed(99)  # another process starts elsewhere
    second = trainer(RunFolder.open(run.path), **options)
    second.load()
    assert second.fit(EPOCHS) is True
    assert state(second) == undisturbed(**options)
    assert [record["epoch"] for record in run.history()] == [1, 2, 3]


def test_a_run_goes_on_in_the_same_process(run: RunFolder):
    one = trainer(run, on_step=interrupt_at(6))
    assert not one.fit(EPOCHS)
    gg.rand(3)  # whatever is drawn between
    one.load()
    assert one.fit(EPOCHS)
    assert state(one) == undisturbed()


def test_an_interrupted_trainer_can_be_told_to_go_on_at_once():
    one = trainer(on_step=interrupt_at(6))
    assert not one.fit(EPOCHS) and one.fit(EPOCHS)
    assert state(one) == undisturbed()


def test_workers_do_not_change_a_run():
    assert undisturbed(workers=2) == undisturbed()


def test_the_comparison_can_fail():
    assert undisturbed() != undisturbed(own=False)
    other = trainer()
    other.fit(EPOCHS)
    with gg.no_grad():
        other.model[1].weight[0, 0] = np.nextafter(other.model[1].weight[0, 0].item(), 9, dtype=np.float32).item()
    assert state(other) != undisturbed()


def test_a_resumed_run_may_be_longer(run: RunFolder):
    task = small("moons", 64)

    def make(folder: RunFolder | None) -> Trainer:
        gg.manual_seed(0)
        model = models.perceptron((2,), 2)
        return Trainer(model, optim.SGD(model.parameters(), lr=0.1), task.loader(16, 0), run=folder)

    whole, first, second = make(None), make(run), make(run)
    whole.fit(5)
    assert first.fit(2)
    second.load()
    assert second.fit(5)
    assert state(second) == state(whole)


def test_resuming_another_model_is_refused(run: RunFolder):
    trainer(run).fit(1)
    other = trainer(run)
    other.model = nn.Sequential(nn.Flatten(), nn.Linear(64, 5))
    with pytest.raises(RuntimeError, match="size mismatch for 1.weight"):
        other.load()


# ---- Ctrl-C --------------------------------------------------------------------------------------


def test_ctrl_c_finishes_the_step_and_gives_the_signal_back(run: RunFolder):
    before = signal.getsignal(signal.SIGINT)
    assert not trainer(run, on_step=interrupt_at(2)).fit(EPOCHS)
    assert signal.getsignal(signal.SIGINT) is before
    assert checkpoint.load(run.path / "checkpoint.npz")["at"]["step"] == 2


def test_a_second_ctrl_c_does_not_wait(run: RunFolder):
    trainer(run).fit(1)

    def twice(at: Any) -> None:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    hasty = trainer(run, on_step=twice)
    with pytest.raises(KeyboardInterrupt):
        hasty.fit(EPOCHS)
    again = trainer(run)
    again.load()
    assert again.at.epoch == 1


def test_ctrl_c_in_the_last_step_is_too_late_to_interrupt():
    assert trainer(on_step=interrupt_at(EPOCHS * STEPS)).fit(EPOCHS)


def test_another_thread_trains_without_signals():
    done = []
    thread = threading.Thread(target=lambda: done.append(trainer().fit(1)))
    thread.start()
    thread.join()
    assert done == [True]


# ---- what goes wrong -----------------------------------------------------------------------------


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_nan_in_the_data_names_the_sample_and_what_was_saved_stays(run: RunFolder, value: float):
    trainer(run).fit(1)
    saved = run.path.joinpath("checkpoint.npz").read_bytes()
    other = trainer(run)
    other.load()
    other.train.dataset.tensors[0][7, 0, 3, 3] = value
    with pytest.raises(FloatingPointError, match=r"epoch 2, batch \d of 4: sample \d+ of the batch has a NaN"):
        other.fit(EPOCHS)
    assert run.path.joinpath("checkpoint.npz").read_bytes() == saved
    assert [record["epoch"] for record in run.history()] == [1]


def test_a_learning_rate_that_explodes_is_named():
    task, model = small(), models.mlp((1, 8, 8), 4)
    wild = Trainer(model, optim.SGD(model.parameters(), lr=1e30), task.loader(16, 0))
    with pytest.raises(FloatingPointError, match=r"the data is finite.*learning rate is 1e\+30: try a tenth"):
        wild.fit(EPOCHS)


def test_a_label_out_of_range_is_what_the_loss_says():
    x, y = gg.zeros(4, 2), gg.tensor([0, 1, 2, 5])
    model = nn.Linear(2, 3)
    wrong = Trainer(model, optim.SGD(model.parameters(), lr=0.1), DataLoader(TensorDataset(x, y), 4))
    with pytest.raises(IndexError, match="5"):
        wrong.fit(1)


def test_a_full_disk_loses_nothing(run: RunFolder, monkeypatch: pytest.MonkeyPatch):
    one = trainer(run)
    one.fit(1)
    real = os.write

    def full(fd: int, data: Any) -> int:
        if len(data) > 200:
            raise OSError(28, "No space left on device")
        return real(fd, data)

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(OSError, match="No space left"):
            one.fit(EPOCHS)
    again = trainer(RunFolder.open(run.path))
    again.load()
    assert again.at.epoch == 1 and again.fit(EPOCHS)
    assert state(again) == undisturbed()


# ---- what is measured ----------------------------------------------------------------------------


def test_an_epoch_is_recorded_as_it_was(run: RunFolder):
    told = []
    one = trainer(run, on_epoch=told.append)
    one.fit(2)
    assert run.history() == told == one.at.history
    at = one.at
    assert [record["epoch"] for record in told] == [1, 2]
    losses = np.array(at.batch_losses).reshape(2, STEPS)
    for record, batch in zip(told, losses, strict=True):
        assert record["train_loss"] == pytest.approx(np.average(batch, weights=[16, 16, 16, 12]))
        assert 0 <= record["train_accuracy"] <= 1 and record["seconds"] > 0
    tested = evaluate(one.model, one.test)
    assert told[-1]["test_accuracy"] == tested.accuracy and told[-1]["test_loss"] == tested.loss
    assert told[0]["lr"] > told[1]["lr"] > 0


def test_gradients_and_updates_are_measured_by_layer():
    """One linear layer and plain SGD: the update is lr times the gradient."""
    task = small("moons", 32)
    model = nn.Sequential(nn.Linear(2, 2))
    gg.nn.init.ones_(model[0].weight)
    gg.nn.init.zeros_(model[0].bias)
    one = Trainer(model, optim.SGD(model.parameters(), lr=0.5), DataLoader(task.train, 32), measurements=1)
    x, y = task.train.tensors
    nn.functional.cross_entropy(model(x), y).backward()
    expected = np.sqrt(sum((p.grad.numpy().astype(float) ** 2).sum() for p in model.parameters()))
    one.fit(1)
    assert one.at.gradient_norms["0"] == [pytest.approx(expected)]
    assert one.at.update_ratios["0"] == [pytest.approx(0.5 * expected / 2, rel=1e-5)]  # |w| = 2
    assert one.at.measured_at == [1]
    silent = Trainer(model, one.optimizer, DataLoader(task.train, 4), measurements=0)
    silent.fit(2)
    assert not silent.at.gradient_norms and not silent.at.update_ratios and silent.at.measured_at == []
    often = Trainer(model, one.optimizer, DataLoader(task.train, 4), measurements=4)
    often.fit(2)
    assert often.at.measured_at == [1, 3, 5, 7, 9, 11, 13, 15]


def test_evaluation_is_of_every_sample_and_leaves_the_mode_alone():
    task, model = small("patterns", 50), nn.Sequential(nn.Flatten(), nn.Dropout(0.9), nn.Linear(64, 4))
    tested = evaluate(model, DataLoader(task.test, 7))
    x, y = task.test.tensors
    logits = model[2](x.flatten(1)).detach().numpy()
    np.testing.assert_allclose(tested.logits, logits, rtol=1e-5, atol=1e-6)
    assert tested.accuracy == (logits.argmax(1) == y.numpy()).mean()
    assert model.training
    evaluate(model.eval(), DataLoader(task.test, 7))
    assert not model.training


TESTED = Evaluation(
    1.0, 0.4, np.log(np.array([[8, 1, 1], [1, 8, 1], [2, 2, 6], [0.5, 9, 0.5], [7, 2, 1]])), np.array([0, 0, 2, 2, 1])
)


def test_confusion_counts_rows_of_truth_and_columns_of_answers():
    assert collect.confusion(TESTED, 3).tolist() == [[1, 1, 0], [1, 0, 0], [0, 1, 1]]


def test_the_worst_mistakes_come_first():
    items = collect.mistakes(TESTED, gg.arange(5).reshape(5, 1, 1, 1).float(), most=2)
    assert [(item["true"], item["said"], item["image"].item()) for item in items] == [(2, 1, 3.0), (0, 1, 1.0)]
    assert [item["confidence"] for item in items] == pytest.approx([0.9, 0.8])


def test_parameters_and_filters_are_those_of_the_model():
    model = models.cnn((1, 28, 28), 10)
    rows = parameter_rows(model)
    assert [row.name for row in rows] == [name for name, _ in model.named_parameters()]
    assert rows[0].shape == (16, 1, 3, 3) and rows[0].numel == 144 and rows[0].dtype == "float32"
    weight = dict(model.named_parameters())[rows[0].name].detach().numpy()
    assert rows[0].mean == pytest.approx(weight.mean(), abs=1e-7) and rows[0].std == pytest.approx(weight.std())
    assert set(collect.filters(model, 784)) == {"conv1.weight", "conv2.weight"}
    assert set(collect.filters(models.mlp((1, 28, 28), 10), 784)) == {"fc1.weight"}


def test_a_boundary_is_positive_where_the_second_class_is_the_answer():
    task = small("moons", 50)
    model = models.mlp((2,), 2, hidden=(8,))
    area = collect.boundary(model, task, side=9)
    at = gg.tensor([[area.xx[2, 7], area.yy[2, 7]]])
    assert (area.zz[2, 7] > 0) == (model(at).argmax(1).item() == 1)
    assert area.points.shape == (50, 2) and area.zz.shape == (9, 9)


@pytest.mark.parametrize(("name", "has"), [("patterns", "Worst mistakes"), ("moons", "Decision boundary")])
def test_the_report_of_a_run_is_a_page(name: str, has: str):
    pytest.importorskip("matplotlib")
    task = small(name, 200)
    model = models.perceptron(task.sample_shape, len(task.classes))
    one = Trainer(model, optim.SGD(model.parameters(), lr=0.05), task.loader(16, 0), task.test_loader())
    one.fit(1)
    page = render_report(collect.report(one, task, title="x", settings={}, environment={}, notes=("a note",)))
    for part in (has, "Confusion matrix", "Gradient norm", "Parameters", "a note"):
        assert part in page


def test_the_names_of_glass_are_there():
    assert all(getattr(glass, name).__name__ == name for name in glass.__all__)
    with pytest.raises(AttributeError, match="no attribute 'wood'"):
        glass.wood  # noqa: B018


# ---- tasks and models ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("build", "shape", "count"),
    [
        (models.mlp, (1, 28, 28), 101_770),
        (models.cnn, (1, 28, 28), 12_810),
        (models.perceptron, (1, 28, 28), 7_850),
        (models.tiny_cnn, (1, 8, 8), 810),
    ],
)
def test_models_have_the_parameters_they_say_and_give_logits(build: Any, shape: tuple[int, ...], count: int):
    model = build(shape, 10)
    assert sum(p.numel() for p in model.parameters()) == count
    assert model(gg.zeros(3, *shape)).shape == (3, 10)


@pytest.mark.parametrize("name", ["moons", "patterns"])
@pytest.mark.parametrize("rule", models.OPTIMIZERS)
def test_every_recipe_that_needs_no_files_learns_with_every_optimizer(name: str, rule: str):
    task = small(name, 300)
    for model, recipe in models.RECIPES[name].items():
        gg.manual_seed(0)
        net = recipe.build(task.sample_shape, len(task.classes))
        lr = recipe.lr if rule == recipe.optimizer else 10 * models.OPTIMIZERS[rule][1]
        one = Trainer(net, models.make_optimizer(rule, net, lr), task.loader(recipe.batch_size, 0))
        one.fit(8)
        assert one.at.history[-1]["train_loss"] < 0.95 * one.at.history[0]["train_loss"], model


def test_momentum_is_refused_where_there_is_none():
    with pytest.raises(ValueError, match="momentum is an option of sgd and rmsprop, not of adam: got 0.9"):
        models.make_optimizer("adam", models.perceptron((2,), 2), 0.1, 0.9)


def test_patterns_are_bars_that_no_single_pixel_tells_apart():
    x, y = tasks.patterns(4000, seed=0, noise=0.0)
    assert x.shape == (4000, 1, 8, 8) and set(y) == {0, 1, 2, 3}
    assert (x.sum(axis=(1, 2, 3)) == 5).all()
    rows, columns = (np.array([(image.sum(axis) > 0).sum() for image in x[:, 0]]) for axis in (1, 0))
    assert [sorted({*zip(rows[y == k], columns[y == k], strict=True)}) for k in range(4)] == [
        [(1, 5)], [(5, 1)], [(5, 5)], [(5, 5)],
    ]  # fmt: skip
    pixels = [(x[y == k].max(axis=0) == 1).sum() for k in range(4)]
    assert pixels == [64, 64, 44, 44]  # anywhere, but for the corners that a diagonal of 5 cannot reach


def test_images_are_normalised_over_the_training_images():
    pytest.importorskip("sklearn")
    task = tasks.load("digits")
    x, y = task.train.tensors
    assert x.shape == (1437, 1, 8, 8) and x.dtype == gg.float32 and y.dtype == gg.int64
    assert x.mean().item() == pytest.approx(0, abs=1e-5) and x.std().item() == pytest.approx(1, abs=1e-3)
    assert task.classes == [str(digit) for digit in range(10)]


def test_a_limited_task_is_the_beginning_of_it():
    whole, some = tasks.load("moons"), tasks.load("moons", limit=30)
    assert len(some.train) == len(some.test) == 30 and "the first 30 of it" in some.source
    assert gg.equal(some.train.tensors[0], whole.train.tensors[0][:30])
    assert tasks.load("moons", limit=10**9).fingerprint() == whole.fingerprint() != some.fingerprint()


def test_real_digits_are_learned(data_folder: Path):
    task = tasks.load("mnist", data_folder, limit=2000)
    assert task.name == "mnist" and task.sample_shape == (1, 28, 28)
    gg.manual_seed(0)
    model = models.mlp(task.sample_shape, 10)
    one = Trainer(model, optim.SGD(model.parameters(), lr=0.03), task.loader(32, 0), task.test_loader())
    one.fit(3)
    assert one.at.history[-1]["test_accuracy"] > 0.8

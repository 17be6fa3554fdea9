"""`glassgrad train` and `glassgrad ladder`: what they print, leave behind, and say about mistakes."""

from __future__ import annotations

import argparse
import errno
import json
import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import glassgrad as gg
from glassgrad.cli import ladder, progress
from glassgrad.cli.main import main
from glassgrad.data import DatasetNotFound
from glassgrad.io import checkpoint
from glassgrad.train import tasks

SHORT = ["train", "patterns", "--limit", "60", "--epochs", "2"]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run folders are made in a folder of the test's, and nothing is fetched or found in a cache."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def no_network(*args: Any, **options: Any) -> None:
        raise DatasetNotFound("no network in tests")

    monkeypatch.setattr("glassgrad.data.download.fetch", no_network)


@pytest.fixture(autouse=True)
def no_pictures(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing takes longer than these runs do; the report's tables need nothing."""
    if "pictures" not in request.fixturenames:
        monkeypatch.setitem(sys.modules, "matplotlib", None)


@pytest.fixture
def pictures() -> None:
    pytest.importorskip("matplotlib")


def outcome(*argv: str) -> int | str | None:
    try:
        return main(list(argv))
    except SystemExit as end:
        return end.code


def state(folder: str | Path) -> dict[str, Any]:
    """A checkpoint without the wall time; arrays as bytes, so that == means bit for bit."""

    def plain(tree: Any) -> Any:
        if isinstance(tree, dict):
            return {key: plain(value) for key, value in tree.items() if key != "seconds"}
        if isinstance(tree, list):
            return [plain(value) for value in tree]
        return np.asarray(tree.numpy() if isinstance(tree, gg.Tensor) else tree).tobytes()

    return plain(checkpoint.load(Path(folder) / "checkpoint.npz"))


# ---- a run ---------------------------------------------------------------------------------------


def test_a_run_prints_a_line_an_epoch_and_leaves_a_folder(capsys, tmp_path: Path, pictures: None):
    assert outcome(*SHORT, "--model", "cnn", "--seed", "4", "--schedule", "constant") == 0
    printed = capsys.readouterr().out
    lines = re.findall(r"epoch (\d)/2   loss \d\.\d{4}   train +\d+\.\d\d%   test +\d+\.\d\d%   \d+\.\d s", printed)
    assert lines == ["1", "2"]
    assert "model    cnn, 372 parameters" in printed
    assert "go on    glassgrad train --resume runs/patterns-cnn-001 --epochs 4" in printed
    folder = tmp_path / "runs" / "patterns-cnn-001"
    assert sorted(path.name for path in folder.iterdir()) == [
        "checkpoint.npz", "health.json", "history.jsonl", "report.html", "run.json",
    ]  # fmt: skip
    history = [json.loads(line) for line in (folder / "history.jsonl").read_text().splitlines()]
    assert f"accuracy {history[-1]['test_accuracy']:.2%} on the test data after 2 epochs" in printed
    page = (folder / "report.html").read_text()
    assert "--seed=4" in page and page.count("<svg") >= 7


def test_the_command_in_run_json_repeats_the_run(capsys):
    assert outcome(*SHORT, "--seed", "7", "--batch-size", "16", "--optimizer", "adam") == 0
    line = json.loads(Path("runs/patterns-mlp-001/run.json").read_text())["command"]
    assert outcome(*shlex.split(line)[1:]) == 0
    assert state("runs/patterns-mlp-001") == state("runs/patterns-mlp-002")
    assert outcome(*SHORT, "--seed", "8", "--batch-size", "16", "--optimizer", "adam") == 0
    assert state("runs/patterns-mlp-003") != state("runs/patterns-mlp-001")


@pytest.mark.parametrize("line", ["moons", "moons --model perceptron", "patterns --model perceptron"])
def test_every_task_without_files_can_be_trained(line: str):
    assert outcome("train", *line.split(), "--limit", "50", "--epochs", "1", "--out", "here") == 0
    assert len(list(Path("here").iterdir())) == 1


def test_mnist_is_read_from_the_folder_given(data_folder: Path, capsys):
    assert outcome("train", "mnist", "--limit", "300", "--epochs", "1", "--data", str(data_folder)) == 0
    printed = capsys.readouterr().out
    assert "data     MNIST, 60,000 + 10,000 images of 28 × 28, the first 300 of it" in printed
    assert "model    mlp, 101,770 parameters" in printed


def test_without_mnist_the_digits_take_its_place_and_that_is_said(tmp_path: Path, monkeypatch, capsys):
    pytest.importorskip("sklearn")
    monkeypatch.delenv("GLASSGRAD_DATA", raising=False)
    assert outcome("train", "mnist", "--model", "cnn", "--limit", "100", "--epochs", "1") == 0
    printed = capsys.readouterr().out
    assert "MNIST is not to be had, so this is scikit-learn's 8 x 8 digits instead." in printed
    assert "no network in tests" in printed
    page = Path("runs/digits-cnn-001/report.html").read_text()
    assert "MNIST is not to be had" in page
    assert outcome("train", "--resume", "runs/digits-cnn-001") == 0


# ---- going on ------------------------------------------------------------------------------------


def test_a_resumed_run_may_be_longer_and_is_the_same_as_a_long_one(capsys):
    assert outcome(*SHORT) == 0 and outcome(*SHORT[:-1], "4") == 0
    assert outcome("train", "--resume", "runs/patterns-mlp-001", "--epochs", "4") == 0
    assert state("runs/patterns-mlp-001") == state("runs/patterns-mlp-002")
    capsys.readouterr()
    assert outcome("train", "patterns", "--resume", "runs/patterns-mlp-001") == 0  # nothing is left to do
    assert "after 4 epochs" in capsys.readouterr().out


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGKILL])
def test_a_run_stopped_from_outside_goes_on_bit_for_bit(sent: signal.Signals):
    line = ["train", "patterns", "--epochs", "40", "--limit", "200", "--out"]
    assert outcome(*line, "whole") == 0
    child = subprocess.Popen(
        [sys.executable, "-m", "glassgrad", *line, "stopped"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, env={**os.environ, "PYTHONPATH": str(Path(gg.__file__).parents[1]), "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    assert child.stdout is not None
    while not child.stdout.readline().startswith("epoch  3/40"):
        assert child.poll() is None
    child.send_signal(sent)
    printed, said = child.communicate(timeout=60)
    folder = "stopped/patterns-mlp-001"
    assert state(folder) != state("whole/patterns-mlp-001")
    if sent == signal.SIGINT:
        assert child.returncode == 130 and said == ""
        assert f"resume   glassgrad train --resume {folder}" in printed
        assert Path(folder, "report.html").exists()
    assert outcome("train", "--resume", folder) == 0
    assert state(folder) == state("whole/patterns-mlp-001")


# ---- mistakes ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("", "say what to learn (mnist, fashion, digits, moons, patterns), or --resume RUN"),
        ("mnits", "argument task: invalid choice: 'mnits'"),
        ("moons --model rnn", "argument --model: invalid choice: 'rnn'"),
        ("moons --model cnn", "moons has no cnn, only mlp, perceptron"),
        ("moons --epoch 3", "unknown option '--epoch', did you mean '--epochs'?"),
        ("moons --epochs 0", "argument --epochs: expected a finite number >= 1, got 0"),
        ("moons --epochs two", "argument --epochs: invalid int value: 'two'"),
        ("moons --lr 0", "argument --lr: expected a finite number > 0, got 0"),
        ("moons --lr nan", "argument --lr: expected a finite number > 0, got nan"),
        ("moons --lr inf", "argument --lr: expected a finite number > 0, got inf"),
        ("moons --batch-size -4", "argument --batch-size: expected a finite number >= 1, got -4"),
        ("moons --momentum 1", "argument --momentum: expected a finite number >= 0 and < 1, got 1"),
        ("moons --workers -1", "argument --workers: expected a finite number >= 0, got -1"),
        ("moons --seed -1", "argument --seed: expected a finite number >= 0"),
        ("moons --limit 0", "argument --limit: expected a finite number >= 1, got 0"),
        ("moons --optimizer lion", "argument --optimizer: invalid choice: 'lion'"),
        ("moons --optimizer adam --momentum 0.9", "momentum is an option of sgd and rmsprop, not of adam: got 0.9"),
        ("moons --data nowhere", "--data: there is no folder 'nowhere'"),
        ("moons --resume", "argument --resume: expected one argument"),
    ],
)
def test_a_mistake_in_the_line_is_named(capsys, line: str, says: str):
    assert outcome("train", *line.split()) == 2
    printed = capsys.readouterr()
    assert says in printed.err and "see: glassgrad train --help" in printed.err
    assert not Path("runs").exists()


def test_a_resumed_run_keeps_its_settings(capsys):
    assert outcome(*SHORT, "--schedule", "cosine") == 0
    run, before = "runs/patterns-mlp-001", state("runs/patterns-mlp-001")
    capsys.readouterr()
    for options, says in [
        (["--lr", "0.5"], "--lr 0.5: runs/patterns-mlp-001 was begun with 0.1, and a resumed run keeps its settings"),
        (["--limit", "50"], "--limit 50"),
        (["--model", "cnn"], "--model cnn"),
        (["--out", "x"], "--out: a resumed run stays in its folder"),
        (["--epochs", "3"], "--epochs 3: the cosine schedule of runs/patterns-mlp-001 ends with epoch 2"),
    ]:
        assert outcome("train", "--resume", run, *options) == 2
        assert says in capsys.readouterr().err
    assert outcome("train", "moons", "--resume", run) == 2
    assert outcome("train", "--resume", run, "--lr", "0.1", "--seed", "0") == 0  # the same again is no contradiction
    assert state(run) == before


def test_what_cannot_be_resumed_is_said(capsys, tmp_path: Path):
    assert outcome("train", "--resume", "nowhere") == 1
    assert "nowhere is no run folder: it has no run.json" in capsys.readouterr().err
    assert outcome(*SHORT) == 0
    file = tmp_path / "runs/patterns-mlp-001/checkpoint.npz"
    whole = file.read_bytes()
    file.write_bytes(whole[:1000])
    assert outcome("train", "--resume", str(file.parent), "--epochs", "3") == 1
    assert re.search(r"error: .*checkpoint\.npz: damaged or cut off", capsys.readouterr().err)
    assert file.read_bytes() == whole[:1000]
    file.unlink()
    assert outcome("train", "--resume", str(file.parent)) == 1
    assert "has no checkpoint.npz: it ended before its first; begin it again" in capsys.readouterr().err


def test_other_data_than_the_run_began_with_is_refused(capsys, monkeypatch):
    assert outcome(*SHORT) == 0
    moons = tasks.TASKS["moons"]
    monkeypatch.setitem(tasks.TASKS, "patterns", lambda root, progress: moons(root, progress))
    assert outcome("train", "--resume", "runs/patterns-mlp-001", "--epochs", "3") == 1
    assert "the data is not what runs/patterns-mlp-001 was begun with" in capsys.readouterr().err


def test_missing_and_damaged_data(capsys, tmp_path: Path, monkeypatch):
    monkeypatch.delenv("GLASSGRAD_DATA", raising=False)
    assert outcome("train", "fashion") == 1
    assert "glassgrad train: error: no network in tests" in capsys.readouterr().err
    folder = tmp_path / "mnist"
    folder.mkdir()
    for name in ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"):
        (folder / name).write_bytes(b"\0\0\x08\x03 what is this?")
    assert outcome("train", "mnist", "--data", str(tmp_path)) == 1
    assert "train-images-idx3-ubyte" in capsys.readouterr().err
    assert not Path("runs").exists()


def test_nan_in_the_data_ends_the_run_and_says_where(capsys, monkeypatch):
    real = tasks.TASKS["patterns"]

    def spoilt(root: Any, progress: Any) -> Any:
        task = real(root, progress)
        task.train.tensors[0][5, 0, 0, 0] = float("nan")
        return task

    monkeypatch.setitem(tasks.TASKS, "patterns", spoilt)
    assert outcome(*SHORT) == 1
    assert re.search(r"error: epoch 1, batch \d of 2: sample \d+ of the batch has a NaN", capsys.readouterr().err)


def test_a_learning_rate_that_explodes(capsys):
    assert outcome(*SHORT, "--lr", "1e30") == 1
    assert "The learning rate is 1e+30: try a tenth of it" in capsys.readouterr().err


def test_a_folder_that_cannot_be_made(capsys, tmp_path: Path):
    (tmp_path / "file").touch()
    assert outcome(*SHORT, "--out", "file/runs") == 1
    assert "glassgrad train: error: [Errno 20] Not a directory" in capsys.readouterr().err


def test_a_full_disk_keeps_the_last_checkpoint_and_says_how_to_go_on(capsys, monkeypatch):
    assert outcome(*SHORT) == 0 and outcome(*SHORT[:-1], "4") == 0
    real = os.write

    def full(fd: int, data: Any) -> int:
        if len(data) > 1000:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(fd, data)

    resume = ["train", "--resume", "runs/patterns-mlp-001", "--epochs", "4"]
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        assert outcome(*resume) == 1
    said = capsys.readouterr().err
    assert "No space left on device" in said
    assert "what was saved is whole: glassgrad train --resume runs/patterns-mlp-001 --epochs 4" in said
    assert outcome(*resume) == 0
    assert state("runs/patterns-mlp-001") == state("runs/patterns-mlp-002")
    assert not list(Path("runs").rglob(".*.tmp"))


# ---- the ladder, and the bar ---------------------------------------------------------------------


def test_the_ladder_has_five_rungs(data_folder: Path, capsys):
    assert outcome("ladder", "--quick", "--data", str(data_folder)) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["network", "data", "parameters", "time", "train", "test"]
    rows = [re.fullmatch(r"(\d)  (.{32})(.{22}) *([\d,]+) +\d+\.\d s +\d+\.\d% +\d+\.\d%", line) for line in lines[1:6]]
    assert [row and (row[1], row[2].strip(), row[4]) for row in rows] == [
        (str(i), rung.network, count)
        for i, (rung, count) in enumerate(zip(ladder.RUNGS, ["3", "337", "372", "101,770", "12,810"], strict=True), 1)
    ]


def test_the_scalar_rungs_reach_what_they_are_for(monkeypatch):
    """A line cannot part the moons, the network of Values can."""
    moons = ladder.moons
    monkeypatch.setattr(ladder, "moons", lambda n, seed: moons(40, seed))
    args = argparse.Namespace(quick=False, seed=0, data=None)
    line, network = (rung.climb(args, lambda share: None) for rung in ladder.RUNGS[:2])
    assert 0.7 < line.train_accuracy < 0.95
    assert network.train_accuracy == 1.0 and network.test_accuracy > 0.9


def test_the_bar_is_drawn_where_somebody_watches(capsys, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setattr(progress, "REFRESH", 0.0)
    monkeypatch.setitem(sys.modules, "rich.progress", None)
    with progress.Progress() as bar:
        bar.show("epoch 1/2", 0.5)
        bar.print("a line")
    printed = capsys.readouterr().out
    assert f"\repoch 1/2 [{'#' * 15}{'.' * 15}]  50% " in printed
    assert "\ra line\n" in printed


def test_rich_draws_the_bar_where_it_is_installed(capsys, monkeypatch):
    pytest.importorskip("rich")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setattr(progress, "REFRESH", 0.0)
    with progress.Progress() as bar:
        for share in (0.2, 0.5):
            bar.show("epoch 1/2", share)
        bar.print("a line with [brackets]")
        bar.show("epoch 2/2", 0.1)
    assert "a line with [brackets]" in capsys.readouterr().out


def test_no_bar_where_nobody_watches(capsys):
    with progress.Progress() as bar:
        bar.show("epoch 1/2", 0.5)
        bar.print("a line")
    assert capsys.readouterr().out == "a line\n"

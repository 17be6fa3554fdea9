"""What SummaryWriter hands on to tensorboardX, and what is in the files where that is installed."""

from __future__ import annotations

import importlib
import struct
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import glassgrad as g


class Recorder:
    """Stands for tensorboardX's writer: writes down what it is asked."""

    made: list[Recorder]

    def __init__(self, *options: Any) -> None:
        self.options, self.calls = options, []
        self.logdir = options[0] or "runs/now"
        self.made.append(self)

    def __getattr__(self, name: str) -> Any:
        return lambda *args, **kwargs: self.calls.append((name, args, kwargs))


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> list[Recorder]:
    module = ModuleType("tensorboardX")
    Recorder.made = []
    module.SummaryWriter = Recorder  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "tensorboardX", module)
    return Recorder.made


def test_tensors_go_as_arrays(recorded: list[Recorder]) -> None:
    writer = g.tensorboard.SummaryWriter(Path("a"), comment="c", flush_secs=3)
    assert writer.log_dir == writer.get_logdir() == "a"
    assert recorded[0].options == ("a", "c", None, 10, 3, "")
    writer.add_scalar("loss", g.tensor(0.5, requires_grad=True) * 2, 7, walltime=1.5)
    writer.add_image("x", g.zeros(3, 2, 2), dataformats="CHW")
    writer.add_figure("f", ["figure"], close=False)
    writer.add_hparams({"lr": 0.1}, {"accuracy": g.tensor(1.0)}, run_name="r")
    names = [(name, args[0]) for name, args, _ in recorded[0].calls]
    assert names == [("add_scalar", "loss"), ("add_image", "x"), ("add_figure", "f"), ("add_hparams", {"lr": 0.1})]
    scalar, image = recorded[0].calls[0][1], recorded[0].calls[1]
    assert isinstance(scalar[1], np.ndarray) and scalar[1:] == (1.0, 7, 1.5)
    assert isinstance(image[1][1], np.ndarray) and image[2] == {"dataformats": "CHW"}


def test_curves_have_runs_of_their_own(recorded: list[Recorder]) -> None:
    with g.tensorboard.SummaryWriter("runs/a") as writer:
        for step in range(2):
            writer.add_scalars("loss/both", {"train": 1.0, "test": 2.0}, step)
        writer.flush()
    first, *further = recorded
    assert [w.logdir for w in further] == ["runs/a/loss_both_train", "runs/a/loss_both_test"]
    assert [call[0] for call in first.calls] == ["flush", "close"]
    assert [call[0] for call in further[0].calls] == ["add_scalar", "add_scalar", "flush", "close"]
    assert further[1].calls[1][1] == ("loss/both", 2.0, 1, None)


def test_what_is_not_there_says_so(recorded: list[Recorder], monkeypatch: pytest.MonkeyPatch) -> None:
    writer = g.tensorboard.SummaryWriter()
    for call in (
        lambda: writer.add_graph(g.nn.Linear(1, 1), g.zeros(1, 1)),
        lambda: writer.add_embedding(g.zeros(2, 2)),
        lambda: writer.add_scalar("x", 1.0, new_style=True),
        lambda: writer.add_hparams({}, {}, hparam_domain_discrete={}),
    ):
        with pytest.raises(NotImplementedError, match="not in glassgrad yet"):
            call()
    with pytest.raises(TypeError, match="should be dictionary"):
        writer.add_hparams([], {})
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(ImportError, match=r"pip install 'glassgrad\[tensorboard\]'"):
        g.tensorboard.SummaryWriter()


def events(folder: Path) -> list[Any]:
    """The events of a folder's file: records of 8 bytes of length, 4 of a sum, the event, 4 of a sum."""
    event = importlib.import_module("tensorboardX.proto.event_pb2").Event
    (path,) = folder.glob("events.out.tfevents.*")
    content, found = path.read_bytes(), []
    while content:
        (length,) = struct.unpack("<Q", content[:8])
        found.append(event.FromString(content[12 : 12 + length]))
        content = content[16 + length :]
    return found


def test_files(tmp_path: Path) -> None:
    pytest.importorskip("tensorboardX")
    with g.tensorboard.SummaryWriter(tmp_path) as writer:
        for step in range(3):
            writer.add_scalar("loss", g.tensor(1.0 / (step + 1)), step)
        writer.add_histogram("weights", g.arange(10.0), 5)
        writer.add_scalars("both", {"a": 1.5}, 1)
    found = events(tmp_path)
    scalars = [(e.step, v.simple_value) for e in found for v in e.summary.value if v.tag == "loss"]
    assert scalars == [(0, 1.0), (1, 0.5), (2, np.float32(1 / 3))]
    (histogram,) = [v.histo for e in found for v in e.summary.value if v.tag == "weights"]
    assert (histogram.num, histogram.sum, histogram.max) == (10, 45, 9)
    assert [v.simple_value for e in events(tmp_path / "both_a") for v in e.summary.value] == [1.5]

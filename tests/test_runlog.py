"""The run folder: what is written is read back, and a crash loses at most the line being written."""

from __future__ import annotations

import errno
import json
import math
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glassgrad.glass.runs import runlog
from glassgrad.glass.runs.runlog import RunFolder, environment, read_jsonl, timeline
from glassgrad.io.files import atomic_write


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return RunFolder.create(tmp_path / "runs", "mnist-mlp", {"seed": 3, "lr": 0.1}, command="glassgrad train mnist")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# ---- the folder ----------------------------------------------------------------------------------


def test_a_run_is_found_again_as_it_was_made(run: RunFolder):
    again = RunFolder.open(run.path)
    assert again.settings == {"seed": 3, "lr": 0.1}
    assert again.run["command"] == "glassgrad train mnist"
    assert again.run == run.run
    assert again.history() == []


def test_the_next_run_gets_the_next_number(run: RunFolder):
    second = RunFolder.create(run.path.parent, "mnist-mlp", {})
    assert [run.path.name, second.path.name] == ["mnist-mlp-001", "mnist-mlp-002"]


@pytest.mark.parametrize("name", ["", "a/b", "..", ".", "/etc", "a\0b"])
def test_a_name_is_not_a_path(tmp_path: Path, name: str):
    with pytest.raises(ValueError, match="plain folder name"):
        RunFolder.create(tmp_path / "runs", name, {})
    assert not (tmp_path / "runs").exists()


def test_settings_that_cannot_be_written_leave_nothing_behind(tmp_path: Path):
    with pytest.raises(TypeError, match="got object"):
        RunFolder.create(tmp_path / "runs", "x", {"model": object()})
    assert not (tmp_path / "runs").exists()


def test_a_folder_that_holds_no_run_says_so(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match=r"no run\.json"):
        RunFolder.open(tmp_path)
    (tmp_path / "run.json").write_text('{"format": "another"}')
    with pytest.raises(ValueError, match=r"run\.json: expected format 'glassgrad run 1', got 'another'"):
        RunFolder.open(tmp_path)
    (tmp_path / "run.json").write_text('{"format": ')
    with pytest.raises(ValueError, match=r"run\.json: not JSON"):
        RunFolder.open(tmp_path)


def test_opening_removes_what_a_killed_writer_left(run: RunFolder):
    (run.path / ".report.html.0123.tmp").write_text("half")
    RunFolder.open(run.path)
    assert names(run.path) == ["run.json"]


def test_the_environment_names_versions_and_machine():
    facts = environment()
    assert facts["numpy"] == np.__version__
    assert facts["python"].endswith(".".join(map(str, sys.version_info[:3])))
    assert set(facts) >= {"glassgrad", "blas", "system", "processor", "cores"}


# ---- what a record can hold ----------------------------------------------------------------------


def test_numbers_of_numpy_become_numbers_of_json(run: RunFolder):
    run.append({
        "epoch": np.int64(1), "loss": np.float32(0.5), "half": np.float16(0.25), "long": np.longdouble(1.5),
        "ok": np.bool_(True), "norms": np.arange(3.0), "path": Path("a"), "pair": (1, 2),
        "name": np.str_("é"),
    })  # fmt: skip
    assert run.history() == [{
        "epoch": 1, "loss": 0.5, "half": 0.25, "long": 1.5, "ok": True, "norms": [0.0, 1.0, 2.0], "path": "a",
        "pair": [1, 2], "name": "é",
    }]  # fmt: skip


def test_nan_and_infinity_survive_in_strict_json(run: RunFolder):
    run.append({"epoch": 1, "loss": math.nan, "norms": np.array([np.inf, -np.inf]), "deep": {"x": [[math.inf]]}})

    def refuse(name: str):
        raise AssertionError(f"{name} is not JSON")

    json.loads((run.path / "history.jsonl").read_text(), parse_constant=refuse)
    (record,) = run.history()
    assert math.isnan(record["loss"])
    assert record["norms"] == [math.inf, -math.inf]
    assert record["deep"] == {"x": [[math.inf]]}


def test_a_lone_surrogate_does_not_stop_a_run(run: RunFolder):
    run.append({"epoch": 1, "file": "bad\udcff"})
    assert run.history() == [{"epoch": 1, "file": "bad\\udcff"}]


@pytest.mark.parametrize("value", [object(), {1: 2}, b"raw", {1, 2}, 1j, np.array([1j]), np.array([object()])])
def test_what_json_cannot_say_is_refused_and_nothing_is_written(run: RunFolder, value: object):
    with pytest.raises(TypeError, match="strings"):
        run.append({"epoch": 1, "value": value})
    assert names(run.path) == ["run.json"]


plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(
        st.characters(exclude_categories=["Cs"])
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc"), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@given(plain)
@settings(max_examples=150, deadline=None)
def test_any_plain_record_returns_equal(value: object):
    line = runlog._dumps({"value": value})
    assert "\n" not in line
    back = runlog._loads(line.encode(), "here")["value"]
    assert back == value or any(name in line for name in runlog.NON_FINITE)


# ---- crashes -------------------------------------------------------------------------------------


def test_a_line_torn_at_any_byte_is_ignored_and_then_overwritten(run: RunFolder):
    for epoch in (1, 2, 3):
        run.append({"epoch": epoch, "loss": 1 / epoch, "note": "ü"})
    file = run.path / "history.jsonl"
    whole = file.read_bytes()
    for cut in range(len(whole) + 1):
        file.write_bytes(whole[:cut])
        lines = whole[:cut].count(b"\n")
        assert [record["epoch"] for record in run.history()] == list(range(1, lines + 1))
        run.append({"epoch": lines + 1})
        assert [record["epoch"] for record in run.history()] == list(range(1, lines + 2))


def test_a_torn_tail_longer_than_a_read_is_found(run: RunFolder):
    run.append({"epoch": 1})
    with open(run.path / "history.jsonl", "ab") as file:
        file.write(b"\0" * 200_000)  # what a power cut leaves on some file systems
    run.append({"epoch": 2})
    assert (run.path / "history.jsonl").read_bytes() == b'{"epoch": 1}\n{"epoch": 2}\n'


def test_damage_before_the_last_line_is_not_passed_over(run: RunFolder):
    file = run.path / "history.jsonl"
    file.write_text('{"epoch": 1}\n{"epoch": \n{"epoch": 3}\n')
    with pytest.raises(ValueError, match=r"history\.jsonl, line 2: not JSON"):
        run.history()
    file.write_text('{"epoch": 1}\n[2]\n')
    with pytest.raises(ValueError, match="line 2: expected a JSON object, got list"):
        run.history()
    file.write_text('{"epoch": NaN}\n')
    with pytest.raises(ValueError, match="line 1: not JSON: NaN is not JSON"):
        run.history()


@given(st.binary(max_size=200) | st.sampled_from([b"[" * 100_000 + b"\n", b"9" * 10_000 + b"\n", b"\xff\n"]))
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes):
    file = tmp_path_factory.getbasetemp() / "fuzz.jsonl"
    file.write_bytes(data)
    try:
        records = read_jsonl(file)
    except ValueError as error:
        assert str(file) in str(error)
    else:
        assert all(isinstance(record, dict) for record in records)


@pytest.mark.skipif(os.name != "posix", reason="kill -9 is of POSIX")
def test_kill_9_loses_at_most_the_line_being_written(run: RunFolder):
    program = (
        "import sys\nfrom glassgrad.glass.runs.runlog import RunFolder\nrun = RunFolder.open(sys.argv[1])\n"
        "first = len(run.history()) + 1\nprint('ready', flush=True)\n"
        "for epoch in range(first, 10**6): run.append({'epoch': epoch, 'pad': 'x' * 3000})\n"
    )
    reached = 0
    for delay in (0.0, 0.02, 0.05):
        child = subprocess.Popen(
            [sys.executable, "-c", program, str(run.path)], stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )  # fmt: skip
        assert child.stdout is not None and child.stdout.readline() == b"ready\n"
        with pytest.raises(subprocess.TimeoutExpired):
            child.wait(delay)
        child.send_signal(signal.SIGKILL)
        child.communicate()
        epochs = [record["epoch"] for record in run.history()]
        assert epochs == list(range(1, len(epochs) + 1)) and len(epochs) >= reached
        reached = len(epochs)


def full_disk(take: int):
    """An os.write that takes `take` bytes once and then finds the disk full."""
    real, calls = os.write, []

    def write(fd: int, data: memoryview) -> int:
        calls.append(fd)
        if len(calls) > 1:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(fd, data[:take])

    return write


def test_a_full_disk_keeps_the_lines_before(run: RunFolder, monkeypatch: pytest.MonkeyPatch):
    run.append({"epoch": 1})
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full_disk(4))
        with pytest.raises(OSError, match=r"not added, earlier lines are intact.*history\.jsonl") as caught:
            run.append({"epoch": 2})
    assert caught.value.errno == errno.ENOSPC
    assert (run.path / "history.jsonl").read_bytes() == b'{"epoch": 1}\n'
    run.append({"epoch": 2})
    assert run.history() == [{"epoch": 1}, {"epoch": 2}]


def test_short_writes_are_finished(run: RunFolder, monkeypatch: pytest.MonkeyPatch):
    real = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: real(fd, data[:3]))
    run.append({"epoch": 1, "loss": 0.25})
    atomic_write(run.path / "x", "a longer text")
    assert run.history() == [{"epoch": 1, "loss": 0.25}]
    assert (run.path / "x").read_text() == "a longer text"


@pytest.mark.parametrize("call", ["write", "fsync", "replace"])
@pytest.mark.parametrize("error", [OSError(errno.EIO, "I/O error"), KeyboardInterrupt()])
def test_a_failed_atomic_write_leaves_the_old_file_and_no_litter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, error: BaseException
):
    file = tmp_path / "run.json"
    atomic_write(file, "old")

    def fail(*_):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(os, call, fail)
        with pytest.raises(type(error)):
            atomic_write(file, "new")
    assert file.read_text() == "old" and names(tmp_path) == ["run.json"]
    atomic_write(file, b"new")
    assert file.read_text() == "new" and names(tmp_path) == ["run.json"]


@pytest.mark.skipif(os.name != "posix", reason="links and modes of POSIX")
def test_an_atomic_write_keeps_a_link_a_link_and_honours_the_umask(tmp_path: Path):
    (tmp_path / "link").symlink_to("file")
    before = os.umask(0o027)
    try:
        atomic_write(tmp_path / "link", "text")
    finally:
        os.umask(before)
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_text() == "text"
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o640


# ---- resuming ------------------------------------------------------------------------------------


def test_a_resumed_run_counts_every_epoch_once(run: RunFolder):
    for epoch, loss in [(1, 9), (2, 8), (3, 7), (4, 6), (3, 5)]:
        run.append({"epoch": epoch, "loss": loss})
    assert [(record["epoch"], record["loss"]) for record in run.history()] == [(1, 9), (2, 8), (3, 5)]
    assert len(read_jsonl(run.path / "history.jsonl")) == 5


@pytest.mark.parametrize("record", [{}, {"epoch": None}, {"epoch": "1"}, {"epoch": True}])
def test_a_record_without_an_epoch_has_no_place_in_time(record: dict):
    with pytest.raises(ValueError, match="needs a number under 'epoch'"):
        timeline([record])

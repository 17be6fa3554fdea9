"""The run folder: what a training run leaves behind, and what survives a crash.

    run.json        the settings, the command and the machine; written once, whole or not at all
    history.jsonl   one JSON object a line, appended and synced; a line counts once its newline is on disk
    health.json     glass.record: gradients and updates of each layer, where they were watched
    report.html     glass.report
    checkpoint...   whoever trains

JSON has no NaN or infinity, and training makes both: they are written as the strings "NaN", "Infinity",
"-Infinity" and read back as floats, so that every JSON reader can open the files.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import itertools
import json
import math
import os
import platform
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ...io.files import atomic_write, sync_folder, write_all

__all__ = ["RunFolder", "environment", "read_jsonl", "timeline"]

FORMAT = "glassgrad run 1"
NON_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


class RunFolder:
    """One run, one folder, one writer.

    >>> import tempfile
    >>> run = RunFolder.create(tempfile.mkdtemp(), "moons-mlp", {"seed": 1}, command="glassgrad train moons")
    >>> run.path.name
    'moons-mlp-001'
    >>> run.append({"epoch": 1, "train_loss": 0.5})
    >>> RunFolder.open(run.path).history()
    [{'epoch': 1, 'train_loss': 0.5}]
    """

    def __init__(self, path: Path, run: dict[str, Any]):
        self.path, self.run = path, run

    @classmethod
    def create(cls, root: str | Path, name: str, settings: Mapping[str, Any], *, command: str = "") -> RunFolder:
        """Make root/name-001, or the next free number, and write its run.json.

        Raises ValueError for a name that is not a plain folder name.
        """
        if not re.fullmatch(r"\w[\w.+-]*", name):
            raise ValueError(f"a run's name is a plain folder name, such as mnist-mlp; got {name!r}")
        run = {
            "format": FORMAT, "command": command, "settings": dict(settings), "environment": environment()
        }  # fmt: skip
        text = _dumps(run, indent=2)  # before mkdir: settings that cannot be written leave no empty folder
        Path(root).mkdir(parents=True, exist_ok=True)
        for number in itertools.count(1):
            path = Path(root) / f"{name}-{number:03d}"
            with contextlib.suppress(FileExistsError):
                path.mkdir()
                break
        atomic_write(path / "run.json", text + "\n")
        return cls(path, json.loads(text, object_hook=_decode))

    @classmethod
    def open(cls, path: str | Path) -> RunFolder:
        """An existing run, to continue or to read; removes temporary files that a killed writer left.

        Raises FileNotFoundError or ValueError where path holds no run.
        """
        path = Path(path)
        file = path / "run.json"
        if not file.is_file():
            raise FileNotFoundError(f"{path} is no run folder: it has no run.json")
        run = _loads(file.read_bytes(), str(file))
        if run.get("format") != FORMAT:
            raise ValueError(f"{file}: expected format {FORMAT!r}, got {run.get('format')!r}")
        for litter in path.glob(".*.tmp"):
            litter.unlink(missing_ok=True)
        return cls(path, run)

    @property
    def settings(self) -> dict[str, Any]:
        return self.run["settings"]

    def append(self, record: Mapping[str, Any]) -> None:
        """Add one line to history.jsonl; when this returns, the line is on disk.

        If the disk is full the OSError names the file, and the lines before are as they were.
        """
        file = self.path / "history.jsonl"
        line = (_dumps(dict(record)) + "\n").encode()
        is_new = not file.exists()
        fd = os.open(file, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)
        try:
            end = _end_of_last_line(fd)
            try:
                os.ftruncate(fd, end)  # a line torn by a crash must not grow together with this one
                os.lseek(fd, end, os.SEEK_SET)
                write_all(fd, line)
                os.fsync(fd)
            except BaseException as error:
                with contextlib.suppress(OSError):
                    os.ftruncate(fd, end)
                if isinstance(error, OSError):
                    raise OSError(
                        error.errno, f"{error.strerror}; this record was not added, earlier lines are intact",
                        str(file),
                    ) from error  # fmt: skip
                raise
        finally:
            os.close(fd)
        if is_new:
            sync_folder(self.path)

    def history(self) -> list[dict[str, Any]]:
        """The records of history.jsonl along one timeline: what a resumed run did again is counted once."""
        file = self.path / "history.jsonl"
        return timeline(read_jsonl(file)) if file.exists() else []


def read_jsonl(path: str | Path) -> list[dict[str, Any]]:
    """Every whole line of a JSON-lines file, as dicts; text after the last newline is a torn line, ignored.

    Raises ValueError naming file and line where a whole line is not a JSON object.
    """
    records = []
    with open(path, "rb") as file:
        for number, line in enumerate(file, start=1):
            if line.endswith(b"\n"):
                records.append(_loads(line, f"{path}, line {number}"))
    return records


def timeline(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Drop what a later record overtakes: epoch e replaces every earlier record of epoch e or beyond.

    A run resumed from the checkpoint of epoch 2 writes epoch 3 again; the file keeps both, the timeline one.

    >>> timeline([{"epoch": 1}, {"epoch": 2, "loss": 9}, {"epoch": 3}, {"epoch": 2, "loss": 4}])
    [{'epoch': 1}, {'epoch': 2, 'loss': 4}]
    """
    kept: list[dict[str, Any]] = []
    for record in records:
        epoch = record.get("epoch")
        if isinstance(epoch, bool) or not isinstance(epoch, int | float):
            raise ValueError(f"a history record needs a number under 'epoch', got {epoch!r}")
        while kept and kept[-1]["epoch"] >= epoch:
            kept.pop()
        kept.append(record)
    return kept


def environment() -> dict[str, Any]:
    """The versions and the machine behind a figure: what to quote beside it."""
    try:
        version = importlib.metadata.version("glassgrad")
    except importlib.metadata.PackageNotFoundError:
        version = "source tree, not installed"
    blas = np.show_config(mode="dicts").get("Build Dependencies", {}).get("blas", {})  # type: ignore[union-attr]
    return {
        "glassgrad": version,
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "numpy": np.__version__,
        "blas": " ".join(str(blas[key]) for key in ("name", "version") if blas.get(key)) or "unknown",
        "system": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
    }


def _processor() -> str:
    with contextlib.suppress(OSError), open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
        for line in file:
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _end_of_last_line(fd: int, chunk: int = 1 << 16) -> int:
    """The offset after the last newline; 0 where there is none."""
    end = os.lseek(fd, 0, os.SEEK_END)
    while end > 0:
        start = max(0, end - chunk)
        os.lseek(fd, start, os.SEEK_SET)
        newline = os.read(fd, end - start).rfind(b"\n")
        if newline >= 0:
            return start + newline + 1
        end = start
    return 0


def _dumps(value: Any, indent: int | None = None) -> str:
    return json.dumps(_encode(value), ensure_ascii=False, allow_nan=False, indent=indent)


def _encode(value: Any) -> Any:
    """What JSON can say of a value; TypeError names what it cannot."""
    match value:
        case str():
            return value.encode("utf-8", "backslashreplace").decode()  # lone surrogates are no UTF-8
        case bool() | int() | None:
            return value
        case float():
            name = "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
            return float(value) if math.isfinite(value) else name
        case Mapping():
            if wrong := [key for key in value if not isinstance(key, str)]:
                raise TypeError(f"JSON keys are strings, got {wrong[0]!r}")
            return {_encode(key): _encode(item) for key, item in value.items()}
        case list() | tuple():
            return [_encode(item) for item in value]
        case np.generic() | np.ndarray() if value.dtype.kind == "f":
            return _encode(value.astype(np.float64).tolist())  # a longdouble's tolist() is a longdouble
        case np.generic() | np.ndarray() if value.dtype.kind in "biuU":
            return _encode(value.tolist())
        case os.PathLike():
            return _encode(os.fspath(value))
    raise TypeError(f"a run record holds numbers, strings, lists and dicts, got {type(value).__name__}")


def _decode(record: dict[str, Any]) -> dict[str, Any]:
    def back(value: Any) -> Any:
        if isinstance(value, list):
            return [back(item) for item in value]
        return NON_FINITE.get(value, value) if isinstance(value, str) else value

    return {key: back(value) for key, value in record.items()}


def _loads(data: bytes, where: str) -> dict[str, Any]:
    try:
        record = json.loads(data, object_hook=_decode, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{where}: not JSON: {error}") from error
    if not isinstance(record, dict):
        raise ValueError(f"{where}: expected a JSON object, got {type(record).__name__}")
    return record


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON; glassgrad writes it as a string")

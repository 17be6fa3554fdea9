"""The command line: help, the doctor, and what it says about mistakes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import glassgrad
from glassgrad.cli import doctor
from glassgrad.cli.main import COMMANDS, Command, main
from glassgrad.core.errors.catalogue import REST, ROWS
from glassgrad.data.vision import MNIST_SOURCE
from glassgrad.glass.explaining.causes import CAUSES
from glassgrad.glass.linting.rules import RULES

ROOT = Path(__file__).parents[1]


@pytest.fixture
def paint(monkeypatch: pytest.MonkeyPatch) -> dict[str, Command]:
    """A table with one command, `paint COLOUR --coats N`, which can be told how to end."""
    module = ModuleType("planted_paint", "Paint the fence.")
    endings = {"fire": OSError(28, "No space left on device"), "rain": KeyboardInterrupt()}

    def arguments(parser):
        parser.add_argument("colour", choices=["red", "fire", "rain"])
        parser.add_argument("--coats", type=int, default=1)

    def run(args):
        if args.colour in endings:
            raise endings[args.colour]
        print(f"{args.colour} x {args.coats}")
        return 7

    vars(module).update(arguments=arguments, run=run)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    # The second is never asked for, so its module is never looked for.
    return {"paint": Command(module.__name__, "paint the fence"), "sell": Command("no.such.module", "sell")}


def outcome(argv: list[str], commands: dict[str, Command] | None = None) -> int | str | None:
    try:
        return main(argv, commands)
    except SystemExit as end:
        return end.code


def test_a_command_gets_its_arguments_and_gives_the_status(paint, capsys) -> None:
    assert outcome(["paint", "red", "--coats", "2"], paint) == 7
    assert capsys.readouterr().out == "red x 2\n"


@pytest.mark.parametrize(
    ("line", "status", "says"),
    [
        ("paint red --coat 2", 2, "glassgrad paint: error: unknown option '--coat', did you mean '--coats'?"),
        ("paint red --coat=2", 2, "unknown option '--coat=2', did you mean '--coats'?"),
        ("paint red blue", 2, "glassgrad paint: error: unknown argument 'blue'"),
        ("paint red --coats two", 2, "argument --coats: invalid int value: 'two'"),
        ("paint", 2, "the following arguments are required: colour"),
        ("paint green", 2, "argument colour: invalid choice: 'green'"),
        ("piant red", 2, "glassgrad: error: unknown command 'piant', did you mean 'paint'?"),
        ("sculpt", 2, "unknown command 'sculpt'\nsee: glassgrad --help"),
        ("--vresion", 2, "unknown option '--vresion', did you mean '--version'?"),
        ("paint fire", 1, "glassgrad paint: error: [Errno 28] No space left on device"),
        ("paint rain", 130, "glassgrad paint: interrupted"),
    ],
)
def test_a_mistake_is_named(paint, capsys, line: str, status: int, says: str) -> None:
    assert outcome(line.split(), paint) == status
    printed = capsys.readouterr()
    assert says in printed.err
    assert printed.out == ""
    assert (status == 2) == ("see: glassgrad" in printed.err)


@pytest.mark.parametrize("line", ["", "-h", "--help"])
def test_help_lists_every_command(capsys, line: str) -> None:
    assert not outcome(line.split())
    printed = capsys.readouterr().out
    for name, command in COMMANDS.items():
        assert name in printed
        assert " ".join(command.summary.split()) in " ".join(printed.split())
    assert max(map(len, printed.splitlines())) <= 110


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(capsys, name: str) -> None:
    assert outcome([name, "--help"]) == 0
    assert f"usage: glassgrad {name}" in capsys.readouterr().out


def test_version(capsys) -> None:
    assert outcome(["--version"]) == 0
    assert capsys.readouterr().out == f"glassgrad {glassgrad.__version__}\n"


def test_codes_are_explained(capsys) -> None:
    assert outcome(["explain"]) == 0
    listed = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert sorted(listed) == sorted([*ROWS, *REST, *RULES, *CAUSES])
    for code in listed:
        assert outcome(["explain", code.lower()]) == 0
        printed = capsys.readouterr().out
        assert printed.startswith(f"{code}: ") and "\n  fix: " in printed
        assert code.startswith("GG") or "{" not in printed  # every field has a word
    assert outcome(["explain", "GL1O1"]) == 2
    assert "there is no code 'GL1O1', did you mean GL" in capsys.readouterr().err


def test_doctor(capsys, tmp_path, monkeypatch) -> None:
    (tmp_path / "mnist").mkdir()
    for file in MNIST_SOURCE.files:
        (tmp_path / "mnist" / file.name).touch()
    monkeypatch.setenv("GLASSGRAD_DATA", str(tmp_path))
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert outcome(["doctor"]) == 0
    printed = capsys.readouterr().out
    for fact in [glassgrad.__version__, np.__version__, "OMP_NUM_THREADS=3", str(tmp_path / "mnist"), "scalars"]:
        assert fact in printed


def test_doctor_names_the_command_that_installs(capsys, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(doctor, "EXTRAS", {"plot": ("no-such-distribution", "pictures")})
    monkeypatch.setenv("GLASSGRAD_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert outcome(["doctor"]) == 0
    printed = capsys.readouterr().out
    assert "missing: pictures. pip install 'glassgrad[plot]'" in printed
    assert "MNIST  not found" in printed
    assert str(tmp_path / "cache" / "glassgrad") in printed


def test_doctor_knows_the_extras_of_the_project() -> None:
    declared = declared_extras()
    for extra, (distribution, _) in doctor.EXTRAS.items():
        assert [need.partition(">=")[0] for need in declared[extra]] == [distribution]
    assert declared["all"] == [f"glassgrad[{','.join(doctor.EXTRAS)}]"]


def test_errors_name_extras_that_exist() -> None:
    sources = (path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py"))
    named = {extra for text in sources for extra in re.findall(r"glassgrad\[(\w+)\]", text)}
    assert "digits" in named
    assert named <= set(declared_extras())


def declared_extras() -> dict[str, list[str]]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project["optional-dependencies"]


def test_python_dash_m(tmp_path) -> None:
    run = subprocess.run(
        [sys.executable, "-W", "error", "-m", "glassgrad", "doctor", "--loud"],
        env={**os.environ, "PYTHONPATH": str(Path(glassgrad.__file__).parents[1])},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stdout) == (2, "")
    assert "glassgrad doctor: error: unknown option '--loud'" in run.stderr

"""Programs of the corpus print the same under glassgrad as under PyTorch, and docs/programs.md says so."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("sklearn")

from oracle import corpus
from oracle.corpus import PAGE, PROGRAMS, Run

LINES = PAGE.read_text(encoding="utf-8").splitlines() if PAGE.exists() else []


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name: str) -> None:
    found, lint = corpus.lint(name)
    said = corpus.verdict(name, found)
    assert not said.startswith("WRONG"), "\n".join(found)
    assert any(line.startswith(corpus.row(name, said)) for line in LINES), "run make programs if this is right"
    assert not lint, lint[0]


def test_the_page_has_every_program_and_no_other() -> None:
    assert sum(line.startswith("| [") for line in LINES) == len(PROGRAMS)


def test_every_program_says_what_it_is() -> None:
    assert all(0 < len(corpus.description(path)) < 120 for path in PROGRAMS.values())
    assert len({corpus.description(path) for path in PROGRAMS.values()}) == len(PROGRAMS)


def test_the_tables_name_programs() -> None:
    assert {*corpus.REORDERED, *corpus.DIFFERENT, *corpus.LINT} <= set(PROGRAMS)


# --- the comparison can fail -------------------------------------------------------------------------------

PRINTED = Run("epoch 1 loss 0.69315\naccuracy 97/100\ntensor([1.0000, 2.5000])\n", "", 0, 1.0)


WRONG = {
    "a digit": replace(PRINTED, stdout=PRINTED.stdout.replace("0.69315", "0.69335")),
    "an integer": replace(PRINTED, stdout=PRINTED.stdout.replace("97", "98")),
    "a word": replace(PRINTED, stdout=PRINTED.stdout.replace("loss", "cost")),
    "a sign": replace(PRINTED, stdout=PRINTED.stdout.replace("2.5", "-2.5")),
    "not a number": replace(PRINTED, stdout=PRINTED.stdout.replace("2.5000", "nan")),
    "one number fewer": replace(PRINTED, stdout=PRINTED.stdout.replace(", 2.5000", "")),
    "a missing line": replace(PRINTED, stdout=PRINTED.stdout.partition("\n")[2]),
    "a line more": replace(PRINTED, stdout=PRINTED.stdout + "done\n"),
    "nothing printed": replace(PRINTED, stdout=""),
    "another exit status": replace(PRINTED, status=1),
    "a traceback": replace(PRINTED, stderr="Traceback (most recent call last):\n"),
}


@pytest.mark.parametrize("exactly", [True, False])
@pytest.mark.parametrize("what", WRONG)
def test_a_difference_is_seen(what: str, exactly: bool) -> None:
    assert corpus.problems(PRINTED, WRONG[what], exactly)


@pytest.mark.parametrize("exactly", [True, False])
def test_the_same_is_the_same(exactly: bool) -> None:
    assert not corpus.problems(PRINTED, replace(PRINTED, seconds=2.0, stderr="a warning"), exactly)


@pytest.mark.parametrize(("a", "b", "close"), [
    ("1234.5678", "1234.6912", True),
    ("1234.5678", "1234.8148", False),
    ("5.0000e-05", "5.0006e-05", True),
    ("5.0000e-05", "5.0007e-05", False),
    ("0.0012", "0.0013", True),  # of 0.00125
    ("0.0012", "0.0014", False),
    ("-0.0000", "0.0000", True),
    ("10000", "10001", False),
])  # fmt: skip
def test_reordered_sums(a: str, b: str, close: bool) -> None:
    assert corpus.close(a, b) is corpus.close(b, a) is close
    assert corpus.alike(f"loss {a}", f"loss  {b}", exactly=False) is close
    assert corpus.alike(a, b, exactly=True) is False


def test_glassgrads_process_has_no_pytorch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "program.py"
    program.write_text("import torch\nprint(torch.ones(2))\n", encoding="utf-8")
    assert corpus.run(program, "glassgrad").stdout == corpus.run(program, "torch").stdout == "tensor([1., 1.])\n"
    monkeypatch.setitem(corpus.COMMANDS, "glassgrad", ())  # as PyTorch's is: nothing puts glassgrad in its place
    refused = corpus.run(program, "glassgrad")
    assert refused.status == 1
    assert "PyTorch itself was asked for" in refused.stderr


def test_a_program_that_fails_is_seen(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text("import sys\nprint('here')\nsys.exit(3)\n", encoding="utf-8")
    assert [corpus.run(program, library).status for library in corpus.COMMANDS] == [3, 3]
    program.write_text("import torch\ntorch.ones(2) @ torch.ones(3)\n", encoding="utf-8")
    both = [corpus.run(program, library) for library in corpus.COMMANDS]
    assert corpus.problems(*both) == ["torch: a traceback", "glassgrad: a traceback"]


def test_a_fork_says_what_a_process_says(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    lines = "import sys, torch\nprint(torch.ones(2), __name__, sys.argv)\ntorch.set_default_dtype(torch.float64)\n"
    program.write_text(lines + "sys.exit(3)\n", encoding="utf-8")
    alone = corpus.run(program, "torch")
    for _ in range(2):  # one leaves nothing to the next
        assert replace(corpus.forked(program), seconds=alone.seconds) == alone
    program.write_text("1 / 0\n", encoding="utf-8")
    failed = corpus.forked(program)
    assert failed.status == 1 and failed.stderr.endswith("ZeroDivisionError: division by zero\n")

"""The lint: planted faults are found under their code and on their line, nothing else; correct programs in peace."""

from __future__ import annotations

import contextlib
import inspect
import io
import os
import re
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import glassgrad as gg
import glassgrad.scalar.optim
import lint_correct
import lint_faults
from glassgrad import nn, scalar
from glassgrad.core.cuts import cuts
from glassgrad.core.watch import listeners, watchers
from glassgrad.glass.linting import RULES, Findings
from glassgrad.glass.linting.rules import table
from glassgrad.nn import hooks
from glassgrad.optim.optimizer import EVERY_STEP

ROOT = Path(__file__).parents[1]


def programs(module: ModuleType) -> list[Callable[[], Any]]:
    own = [f for f in vars(module).values() if inspect.isfunction(f) and f.__module__ == module.__name__]
    return [f for f in own if not inspect.signature(f).parameters]


FAULTS, CORRECT = programs(lint_faults), programs(lint_correct)
REFUSED = (RuntimeError, ValueError)  # what some faults end with


@pytest.fixture(autouse=True)
def _cuts_of_its_own() -> Iterator[None]:
    """The process remembers lines that cut a graph, so many and no more: those of these programs are left to nobody."""
    before = {key: list(known) for key, known in cuts.items()}
    yield
    cuts.clear()
    cuts.update(before)


def linted(program: Callable[[], Any], **options: Any) -> Findings:
    gg.manual_seed(0)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        warnings.filterwarnings("error", message="lint:")
        with gg.lint(**options) as found:
            program()
    return found


def planted(program: Callable[[], Any]) -> set[tuple[str, int]]:
    """The codes in the comments of a program, with their lines."""
    lines, first = inspect.getsourcelines(program)
    return {(m[1], first + i) for i, line in enumerate(lines) if (m := re.search(r"# (GL\d+)$", line.rstrip()))}


@pytest.mark.parametrize("program", FAULTS, ids=lambda f: f.__name__)
def test_a_planted_fault_is_found_and_nothing_else(program: Callable[[], Any]) -> None:
    run = gg.lint()
    gg.manual_seed(0)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(*REFUSED):
        warnings.simplefilter("ignore")
        warnings.filterwarnings("error", message="lint:")
        with run:
            program()
    found = run.run.findings
    assert {(finding.code, finding.line) for finding in found} == planted(program), str(found)
    assert all(finding.file == lint_faults.__file__ for finding in found)


@pytest.mark.parametrize("program", CORRECT, ids=lambda f: f.__name__)
def test_a_correct_program_is_silent(program: Callable[[], Any]) -> None:
    found = linted(program)
    assert not found, str(found)


def test_there_are_enough_of_both_and_every_code_is_planted() -> None:
    assert len(FAULTS) >= 50 and len(CORRECT) >= 30
    assert {code for program in FAULTS for code, _ in planted(program)} == set(RULES)


def test_the_page_is_the_table() -> None:
    assert table() in (ROOT / "docs" / "lint.md").read_text(encoding="utf-8")
    assert "{" not in table(), "a field without a word in rules.FIELDS"


def test_codes_are_covered_by_codes() -> None:
    assert all(set(rule.covers) < set(RULES) for rule in RULES.values())


def test_numbers_are_the_same_and_nothing_is_left_behind() -> None:
    def train() -> list[float]:
        gg.manual_seed(3)
        model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.3), nn.ReLU(), nn.Linear(8, 3))
        optimizer = gg.optim.Adam(model.parameters(), lr=0.05)
        x, y = gg.randn(12, 4), gg.randint(3, (12,))
        losses = []
        for _ in range(4):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        return losses

    alone = train()
    with gg.lint() as found:
        assert train() == alone
    assert not hasattr(scalar.Value.backward, "__wrapped__") and not hasattr(scalar.optim.Optimizer.step, "__wrapped__")
    assert not found and not watchers and not listeners and not hooks.anywhere
    assert not any(EVERY_STEP.values()) and not any(hooks.EVERYWHERE.values())


def test_an_error_ends_it_too_and_findings_are_there_as_they_are_made() -> None:
    with pytest.raises(ZeroDivisionError), gg.lint() as found:
        gg.nn.functional.dropout(gg.ones(3), p=1.0)
        assert found.codes == ["GL303"]
        _ = 1 / 0
    assert found.codes == ["GL303"] and not watchers and not listeners


def test_what_is_silenced() -> None:
    def program() -> None:
        nn.functional.dropout(gg.ones(3), p=1.0)
        nn.functional.dropout(gg.ones(3), p=1.0)  # noqa: GL303

    assert [finding.line for finding in linted(program)] == [program.__code__.co_firstlineno + 1]
    assert not linted(program, ignore=["GL303"])
    with pytest.raises(ValueError, match="no such codes: \\['GL999'\\]"):
        gg.lint(ignore=["GL999"])


def test_a_check_that_fails_is_left_out_and_the_program_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("glassgrad.glass.linting.layers.Layers.dropout", lambda self, p, training: 1 / 0)
    with pytest.warns(RuntimeWarning, match=r"lint: Layers\.dropout failed and is left out"), gg.lint() as found:
        for _ in range(2):
            assert nn.functional.dropout(gg.ones(3), p=1.0).sum() == 0
    assert not found


def test_one_within_another_and_another_thread() -> None:
    def elsewhere() -> None:
        nn.functional.dropout(gg.ones(3), p=1.0)

    with gg.lint() as outer:
        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()
        assert not outer
        with gg.lint() as inner:
            elsewhere()
    assert outer.codes == inner.codes == ["GL303"]


def test_a_finding_says_where_what_and_the_fix() -> None:
    found = linted(lint_faults.never_reset)
    (code, line), *_ = planted(lint_faults.never_reset)
    assert str(found) == (
        f"{code} gradients never reset (3 times)\n"
        f"  at   lint_faults.py:{line}   loss.backward()  # GL101\n"
        "  this backward adds to gradients that the last step has used already: "
        "model.0.weight, model.0.bias, model.2.weight and 1 more\n"
        "  fix  call optimizer.zero_grad() before each backward(), or once in as many backwards as you accumulate"
    )
    assert str(Findings()) == "nothing found"


def test_an_optimizer_made_before_anybody_looked_is_one() -> None:
    generator, critic = nn.Linear(2, 4), nn.Linear(4, 1)

    def train() -> None:
        of_generator = gg.optim.SGD(generator.parameters(), lr=0.1)
        for _ in range(3):
            of_generator.zero_grad()
            critic(generator(gg.randn(8, 2))).mean().backward()
            of_generator.step()

    assert linted(train).codes == ["GL105"]
    of_critic = gg.optim.Adam(critic.parameters())
    assert not linted(train)
    of_critic.zero_grad()


def test_programs_for_pytorch(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text("import torch\nprint(torch.nn.functional.dropout(torch.ones(3), p=1.0))\nraise SystemExit(3)\n")

    def run(flag: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "glassgrad", "run", flag, str(program)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    done = run("--lint")
    assert (done.returncode, done.stdout) == (3, "tensor([0., 0., 0.])\n")
    assert done.stderr.startswith("\nlint: 1 finding\n\nGL303 dropout of nearly everything\n  at   program.py:2 ")
    assert run("--lint=GL303").stderr == "\nlint: nothing found\n"
    done = run("--lint=GL999")
    assert (done.returncode, done.stdout) == (2, "") and "no such codes: ['GL999']" in done.stderr

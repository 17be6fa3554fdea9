"""Errors: a code for each, and notes with the line, the module, the operands and the fix."""

from __future__ import annotations

import ast
import builtins
import importlib
import json
import logging
import os
import re
import subprocess
import sys
import traceback
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import glassgrad as gg
from glassgrad import nn
from glassgrad.core import errors
from glassgrad.core.errors import notes
from glassgrad.core.errors.catalogue import REST, ROWS, find, special
from mistakes import MISTAKES, run, told

ROOT = Path(__file__).parents[1]
PACKAGE = Path(gg.__file__).parent
# what never leaves the package, or ends a command: class: who takes it
INSIDE = {
    "CannotStart": "glassgrad run prints it", "SystemExit": "ends a command", "ArgumentTypeError": "argparse prints it",
    "Stopped": "compile() calls the function itself", "Unknown": "compile() calls the function itself",
    "Untraceable": "the kernels leave it to the formula", "Unrecordable": "capture() calls the function itself",
    "Unreadable": "derive() shows the Jacobian instead",
    "MirrorError": "the next place is tried", "Freed": "the looking tools say it in their own way",
}  # fmt: skip


# --- every error that is made has a code ---


def made(tree: ast.Module, names: dict[str, Any]) -> Iterator[tuple[int, type[BaseException], str]]:
    """Each exception that the code makes: (line, class, sentence with {} for what differs)."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
            name = ast.unparse(node.func)
            kind = names.get(name, getattr(builtins, name, None))
            if isinstance(kind, type) and issubclass(kind, BaseException):
                yield node.lineno, kind, sentence(node.args[0], names) if node.args else ""


def sentence(node: ast.expr, names: dict[str, Any]) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(sentence(part, names) for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return sentence(node.left, names) + sentence(node.right, names)
    if isinstance(node, ast.FormattedValue):
        node = node.value
    found = names.get(node.id) if isinstance(node, ast.Name) else None
    return found if isinstance(found, str) else "{}"


def uncoded(tree: ast.Module, names: dict[str, Any]) -> Iterator[str]:
    """What has no row, or two, of the errors that the code makes."""
    for line, kind, text in made(tree, names):
        rows = special(text)
        if len(rows) > 1:
            yield f"{line}: {kind.__name__}({text!r}) has several rows: {rows}"
        elif kind.__name__ not in INSIDE and text.strip("{} ") and not find([k.__name__ for k in kind.__mro__], text):
            yield f"{line}: {kind.__name__}({text!r}) has no row"


def pieces(text: str) -> Iterator[ast.Module]:
    """The functions and classes of a file that make errors, each by itself: to read less."""
    line = 0
    for piece in re.split(r"^(?=def |class |@)", text, flags=re.MULTILINE):
        if "Error(" in piece or "raise " in piece:
            yield ast.increment_lineno(ast.parse(piece), line)
        line += piece.count("\n")


def test_every_error_has_one_code() -> None:
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        if "errors" not in path.parts and path.name != "__main__.py":
            module = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
            names = vars(importlib.import_module(module))
            for tree in pieces(path.read_text(encoding="utf-8")):
                found += [f"{path.name}:{fault}" for fault in uncoded(tree, names)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("code", "complaint"),
    [
        ("raise RuntimeError('quite another thing')", "has no row"),
        ("raise told(RuntimeError(f'quite {another} thing'), 'a hint')", "has no row"),
        ("class Strange(Exception): ...\nraise Strange('a shape')", "has no row"),
        ("return_ = KeyError", None),
        ("raise RuntimeError('grad can be implicitly created only for scalar outputs')", None),
    ],
)
def test_an_error_without_a_code_is_found(code: str, complaint: str | None) -> None:
    names: dict[str, Any] = {"Strange": type("Strange", (Exception,), {})}
    found = list(uncoded(ast.parse(code), names))
    assert [complaint in fault for fault in found] == [True] if complaint else not found


def test_two_rows_for_one_sentence_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ROWS, "GG999", ROWS["GG301"])
    code = "raise RuntimeError('grad can be implicitly created only for scalar outputs')"
    assert "several rows" in next(uncoded(ast.parse(code), {}))


def test_rows_are_whole() -> None:
    for code, row in (ROWS | REST).items():
        assert code[:2] == "GG" and len(code) == 5
        assert row.title and row.means and row.fix
        assert len(row.fix) < 120, code
        assert bool(row.example) == (code in ROWS)


# --- what is said of planted mistakes ---

PROGRAMS = MISTAKES | {f"{code} example": row.program() for code, row in ROWS.items()}
NETWORK = """\
class Part(nn.Module):
    def forward(self, x):
{}

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.parts = nn.ModuleList([nn.Identity(), Part()])

    def forward(self, x):
        return self.parts[1](x)

Net()(torch.ones(2))
"""


@pytest.fixture(scope="module")
def planted() -> dict[str, list[Any]]:
    """Name: what each mistake says as a program, and as the forward of a module two levels down; its own line there."""
    script = SAYS.format(tests=str(ROOT / "tests"))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


SAYS = """
import json, sys, traceback, warnings
sys.path.insert(0, {tests!r})
from glassgrad import torchlike
torchlike.install()
warnings.simplefilter("ignore")
import torch, torch.distributions, torch.func, torch.utils.data
from textwrap import dedent, indent
from mistakes import run, told
from test_errors import NETWORK, PROGRAMS

def line(problem):
    frames = [f for f in traceback.extract_tb(problem.__traceback__) if f.filename == "<mistake>"]
    return frames[-1].lineno

said = {{}}
for name, program in PROGRAMS.items():
    alone = run(program, torch)
    traceback.format_exception(alone)
    inside = run(NETWORK.format(indent(dedent(program), " " * 8)), torch)
    said[name] = [told(alone), line(alone), told(inside), line(inside)]
print(json.dumps(said))
"""


def test_each_is_told_by_its_code_line_and_module(planted: dict[str, list[Any]]) -> None:
    assert len(planted) >= 300
    for name, (alone, line, inside, line_inside) in planted.items():
        assert f"  code  {name[:5]}: glassgrad explain {name[:5]}" in alone, (name, alone)
        assert f"  at    <mistake>:{line}   " in alone, (name, alone)
        assert "  fix   " in alone and alone.count("\n  ") <= 5, (name, alone)
        assert f"  at    <mistake>:{line_inside}   " in inside, (name, inside)
        if not re.search(r"\n  (saved|freed|of  )", inside):
            assert "  in    Net.parts.1 (Part)\n" in inside, (name, inside)


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.qkv = nn.Linear(8, 24)

    def forward(self, x: gg.Tensor) -> gg.Tensor:
        q, k, _ = self.qkv(x).split(8, -1)
        return q @ k


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList([nn.Identity(), Attention()])
        self.head = nn.Sequential(nn.ReLU(), nn.Linear(8, 2))

    def forward(self, x: gg.Tensor) -> gg.Tensor:
        for block in self.blocks:
            x = block(x)
        return self.head(x)


@pytest.mark.parametrize(
    ("x", "notes"),
    [
        ((4, 5, 8), ["in    Net.blocks.1 (Attention)", "with  q = float32 (4, 5, 8), k = float32 (4, 5, 8)"]),
        ((5, 3), ["in    Net.blocks.1.qkv (Linear)", "with  x = float32 (5, 3), qkv.weight = float32 (24, 8)"]),
    ],
)
def test_operands_are_named(x: tuple[int, ...], notes: list[str]) -> None:
    with pytest.raises(RuntimeError) as error:
        Net()(gg.zeros(*x))
    for note in notes:
        assert f"\n  {note}" in told(error)
    assert str(error.value).count("\n") == 0


def test_the_layer_in_a_sequence_is_named() -> None:
    net = Net()
    with pytest.raises(RuntimeError) as error:
        net.head(gg.zeros(2, 7))
    assert "\n  in    Sequential.1 (Linear)\n  with  input = float32 (2, 7), 1.weight" in told(error)


def test_indices_and_parameters_are_named() -> None:
    rows, i = gg.zeros(3, 2), 7
    with pytest.raises(IndexError) as error:
        print(rows[i])
    notes.tell(error.value)
    assert "\n  with  rows = float32 (3, 2), i = 7\n" in told(error)


def test_an_error_of_the_program_is_left_alone() -> None:
    class Own(nn.Module):
        def forward(self, x: gg.Tensor) -> gg.Tensor:
            raise ValueError("mine")

    with pytest.raises(ValueError, match="mine") as error:
        Own()(gg.zeros(2))
    notes.tell(error.value)
    assert told(error) == "mine"


def test_a_module_that_cannot_be_asked_hides_nothing() -> None:
    class Own(nn.Module):
        def named_modules(self, *args: Any, **options: Any) -> Any:
            raise ValueError("not now")

        def forward(self, x: gg.Tensor) -> gg.Tensor:
            return x @ x

    with pytest.raises(RuntimeError, match="cannot be multiplied") as error:
        Own()(gg.zeros(2, 3))
    assert "  at    test_errors.py" in told(error) and "  code  GG102" in told(error)


def test_an_expression_over_several_lines_is_read() -> None:
    a, b = gg.zeros(2, 3), gg.zeros(4)
    with pytest.raises(RuntimeError) as error:
        print(
            a
            + b
        )  # fmt: skip
    notes.tell(error.value)
    assert "  with  a = float32 (2, 3), b = float32 (4,)" in told(error)


def test_notes_are_written_once() -> None:
    with pytest.raises(RuntimeError) as error:
        nn.Sequential(nn.Sequential(nn.Linear(2, 3)))(gg.zeros(2, 7))
    notes.tell(error.value)
    assert told(error).count("  code  ") == 1


PROGRAM = """\
import torch
x = torch.zeros(3)
{}
x[5]
"""


@pytest.mark.parametrize("own", ["", "import sys; sys.excepthook = lambda kind, e, trace: print(kind.__name__, e)"])
def test_what_nobody_catches_is_told_when_it_is_printed(tmp_path: Path, own: str) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM.format(own))
    for start in (["-m", "glassgrad", "run", str(program)], ["-c", PROGRAM.replace("torch", "glassgrad").format(own)]):
        done = subprocess.run([sys.executable, *start], capture_output=True, text=True, timeout=60)
        assert done.returncode == 1
        if own:
            assert done.stdout == "IndexError index 5 is out of bounds for dimension 0 with size 3\n"
        else:
            assert "IndexError: index 5 is out of bounds for dimension 0 with size 3\n  at    " in done.stderr
            assert done.stderr.endswith("  code  GG112: glassgrad explain GG112\n")


def test_what_is_caught_is_told_when_it_is_shown(caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(2):
        try:
            gg.zeros(3)[5]
        except IndexError as problem:
            logging.exception("seen")
            shown = "".join(traceback.format_exception(problem))
        assert shown.count("  at    ") == shown.count("  code  GG112") == caplog.text.count("  code  GG112") == 1
        caplog.clear()


def test_others_exceptions_get_no_notes() -> None:
    for problem in (ValueError("never raised"), run("[][5]", gg)):
        assert "  at    " not in "".join(traceback.format_exception(problem))


def test_ipython_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    class Shell:
        shown = ""

        def set_custom_exc(self, kinds: Any, handler: Any) -> None:
            self.handler = handler

        def showtraceback(self, parts: Any, tb_offset: Any) -> None:
            self.shown = told(parts[1])

    shell = Shell()
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell))
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    errors.watch()
    try:
        print(gg.zeros(3)[5])
    except IndexError as problem:
        shell.handler(shell, IndexError, problem, problem.__traceback__)
    assert "  code  GG112" in shell.shown


def test_the_page_is_up_to_date(tmp_path: Path) -> None:
    """If this fails, run `make errors`."""
    made = tmp_path / "errors.md"
    path = os.pathsep.join([str(PACKAGE.parent), str(ROOT / "tests")])
    command = [sys.executable, "-m", "errors_page", str(made)]
    subprocess.run(command, env=os.environ | {"PYTHONPATH": path}, check=True, timeout=120)
    assert made.read_text(encoding="utf-8") == (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")

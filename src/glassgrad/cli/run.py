"""Run a program written for PyTorch, unchanged, without PyTorch: `import torch` finds glassgrad.

  glassgrad run program.py [arguments]        a script
  glassgrad run notebook.ipynb [arguments]    a notebook's code cells, in order
  glassgrad run -m module [arguments]         a module, by its name
  glassgrad run - [arguments]                 standard input
  glassgrad run --check program.py            what of it is missing here

Looking on, each of these prints to standard error when the program has ended:
  glassgrad run --profile program.py          where its time went; --profile=trace.json also writes a trace
  glassgrad run --lint program.py             what is wrong with its training; --lint=GL303,GL402 leaves these out
  glassgrad run --report program.py           its training in a page with pictures, in runs/; --report=DIR: elsewhere
  glassgrad run --explain program.py          why gradients are None, zero, NaN, vanishing; --explain=10: 10 at first
  glassgrad run --graph program.py            the graph of its first backward(), in graph.html; --graph=graph.svg: there

Exit status and error messages are the program's own.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from typing import NamedTuple

from .. import torchlike
from ..torchlike import program


class Look(NamedTuple):
    """A flag that looks on while the program runs."""

    opens: str  # module:function of glassgrad.glass, a context around the run; it is given what stands behind "="
    value: str  # what may stand there, for the help
    summary: str
    endings: tuple[str, ...] = ()  # of a file's name that may stand behind a blank as well


PICTURES = (".svg", ".html", ".dot", ".txt", ".png")
LOOKS = {
    "profile": Look(
        "profiling.profiler:profiled", "trace.json", "tell where the time went, by operation, module and line"
    ),
    "lint": Look("linting.run:printed", "CODES", "say what is wrong with the training; see docs/lint.md"),
    "report": Look("health.program:reported", "DIR", "leave a page with pictures of the training, in a run folder"),
    "explain": Look(
        "explaining.program:explained", "PASSES", "say why gradients are None, zero, NaN; see docs/explain.md"
    ),
    "graph": Look("drawing.program:drawn", "graph.html", "draw the graph of the first scalar's backward()", PICTURES),
}


def run(words: list[str], parser: argparse.ArgumentParser) -> int:
    """Run what the words say. What the program raises, SystemExit too, is the interpreter's to handle."""
    first = program_in(words, {f"--{name}": look.endings for name, look in LOOKS.items()})
    parser.usage = "glassgrad run [options] (program.py | notebook.ipynb | -m module | -) [arguments]"
    parser.add_argument("--check", action="store_true", help="run nothing, list what the program names and isn't here")
    parser.add_argument("--full-traceback", action="store_true", help="show glassgrad's own frames in tracebacks, too")
    for name, look in LOOKS.items():
        parser.add_argument(f"--{name}", nargs="?", const="", metavar=f"={look.value}", help=look.summary)
    args = parser.parse_args(words[:first])
    if args.check and words[first:]:
        return check(words[first:], parser)
    asked = [(look, getattr(args, name)) for name, look in LOOKS.items() if getattr(args, name) is not None]
    return begin(words[first:], parser, [partial(opened, *one) for one in asked], args.full_traceback)


def opened(look: Look, value: str) -> AbstractContextManager[None]:
    module, _, function = look.opens.partition(":")
    return getattr(importlib.import_module(f"glassgrad.glass.{module}"), function)(value)


def program_in(words: list[str], values: dict[str, tuple[str, ...]]) -> int:
    """Where the program stands, behind the options. values: option -> endings of a word behind it that is its value."""
    before = ""
    for i, word in enumerate(words):
        if (word in ("-", "-m") or word[:1] != "-") and not word.endswith(values.get(before, ())):
            return i
        before = word
    return len(words)


def begin(
    words: list[str], parser: argparse.ArgumentParser, around: Sequence[Callable[[], AbstractContextManager[None]]],
    all_frames: bool,
) -> int:  # fmt: skip
    """Run a program inside these contexts."""
    if not words:
        parser.error("which program?")
    try:
        torchlike.install()
        with ExitStack() as looking:
            for opens in around:
                looking.enter_context(opens())
            program.run(words, all_frames)
    except program.CannotStart as problem:
        return cannot_start(problem, parser)
    return 0


def cannot_start(problem: program.CannotStart, parser: argparse.ArgumentParser) -> int:
    message, status = problem.args
    print(f"{parser.prog}: {message}", file=sys.stderr)
    return status


def check(words: list[str], parser: argparse.ArgumentParser) -> int:
    """Print what is missing; exit status 1 if anything is."""
    from ..torchlike import check

    try:
        checker = check.check(words)
    except program.CannotStart as problem:
        return cannot_start(problem, parser)
    except (SyntaxError, ValueError) as problem:  # no Python, or no notebook
        print("".join(traceback.format_exception_only(problem)), end="", file=sys.stderr)
        return 1
    print("\n".join(check.report(checker)))
    return 1 if checker.missing or checker.unknown else 0

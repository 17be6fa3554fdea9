"""Run a program written for PyTorch, unchanged, without PyTorch: `import torch` finds glassgrad.

  glassgrad run program.py [arguments]        a script
  glassgrad run notebook.ipynb [arguments]    a notebook's code cells, in order
  glassgrad run -m module [arguments]         a module, by its name
  glassgrad run - [arguments]                 standard input
  glassgrad run --check program.py            what of it is missing here

Exit status and error messages are the program's own.
"""

from __future__ import annotations

import argparse
import sys
import traceback

from .. import torchlike
from ..torchlike import program


def run(words: list[str], parser: argparse.ArgumentParser) -> int:
    """Run what the words say. What the program raises, SystemExit too, is the interpreter's to handle."""
    first = next((i for i, word in enumerate(words) if word in ("-", "-m") or word[:1] != "-"), len(words))
    parser.usage = "glassgrad run [options] (program.py | notebook.ipynb | -m module | -) [arguments]"
    parser.add_argument("--check", action="store_true", help="run nothing, list what the program names and isn't here")
    parser.add_argument("--full-traceback", action="store_true", help="show glassgrad's own frames in tracebacks, too")
    args = parser.parse_args(words[:first])
    if first == len(words):
        parser.error("which program?")
    try:
        if args.check:
            return check(words[first:])
        torchlike.install()
        program.run(words[first:], all_frames=args.full_traceback)
    except program.CannotStart as problem:
        message, status = problem.args
        print(f"{parser.prog}: {message}", file=sys.stderr)
        return status
    return 0


def check(words: list[str]) -> int:
    """Print what is missing; exit status 1 if anything is."""
    from ..torchlike import check

    try:
        checker = check.check(words)
    except (SyntaxError, ValueError) as problem:  # no Python, or no notebook
        print("".join(traceback.format_exception_only(problem)), end="", file=sys.stderr)
        return 1
    print("\n".join(check.report(checker)))
    return 1 if checker.missing or checker.unknown else 0

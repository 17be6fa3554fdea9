"""Run a program written for PyTorch, unchanged, without PyTorch: `import torch` finds glassgrad.

  glassgrad run program.py [arguments]        a script
  glassgrad run notebook.ipynb [arguments]    a notebook's code cells, in order
  glassgrad run -m module [arguments]         a module, by its name
  glassgrad run - [arguments]                 standard input

Exit status and error messages are the program's own.
"""

from __future__ import annotations

import argparse
import sys

from .. import torchlike
from ..torchlike import program


def run(words: list[str], parser: argparse.ArgumentParser) -> int:
    """Run what the words say. What the program raises, SystemExit too, is the interpreter's to handle."""
    first = next((i for i, word in enumerate(words) if word in ("-", "-m") or word[:1] != "-"), len(words))
    parser.usage = "glassgrad run [options] (program.py | notebook.ipynb | -m module | -) [arguments]"
    parser.add_argument("--full-traceback", action="store_true", help="show glassgrad's own frames in tracebacks, too")
    args = parser.parse_args(words[:first])
    if first == len(words):
        parser.error("which program?")
    torchlike.install()
    try:
        program.run(words[first:], all_frames=args.full_traceback)
    except program.CannotStart as problem:
        message, status = problem.args
        print(f"{parser.prog}: {message}", file=sys.stderr)
        return status
    return 0

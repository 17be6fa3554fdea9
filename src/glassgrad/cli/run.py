"""Run a program written for PyTorch, unchanged, without PyTorch: `import torch` finds glassgrad.

glassgrad run program.py [arguments]     a script
glassgrad run -m module [arguments]      a module, by its name
glassgrad run - [arguments]              standard input
"""

from __future__ import annotations

import argparse
import sys

from .. import torchlike
from ..torchlike import program


def run(words: list[str], parser: argparse.ArgumentParser) -> int:
    """Run what the words say. What the program raises, SystemExit too, is the interpreter's to handle."""
    at = next(
        (i for i, word in enumerate(words) if word == "-" or word == "-m" or not word.startswith("-")), len(words)
    )
    parser.usage = "glassgrad run [options] (program.py | -m module | -) [arguments]"
    parser.parse_args(words[:at])
    if at == len(words):
        parser.error("which program?")
    torchlike.install()
    try:
        program.run(words[at:])
    except program.CannotStart as problem:
        message, status = problem.args
        print(f"{parser.prog}: {message}", file=sys.stderr)
        return status
    return 0

"""Stop a program before its first backward() and step through that pass, forwards and backwards, in numbers.

  glassgrad step program.py [arguments]       also notebook.ipynb, -m module, or - for standard input
  glassgrad step --backward 5 program.py      before its fifth backward()
  glassgrad step --nan program.py             before the first one in which there is a NaN or infinity
  glassgrad step --web program.py             in the browser, on this machine only

The program runs as under `glassgrad run`. In a terminal there is a screen with keys, ? lists them; elsewhere the whole
pass is printed. With q the program ends there, exit status 0; with c, or --continue, it goes on.
"""

from __future__ import annotations

import argparse

from ..core.provenance import Place
from ..glass.stepping.cursor import Cursor
from ..glass.stepping.program import stopped
from .run import begin, program_in


def run(words: list[str], parser: argparse.ArgumentParser) -> int:
    first = program_in(words, {"--backward": ("",)})
    parser.usage = "glassgrad step [options] (program.py | notebook.ipynb | -m module | -) [arguments]"
    parser.add_argument("--backward", type=number, default=1, metavar="N", help="the N-th one instead of the first")
    parser.add_argument("--nan", action="store_true", help="the first one whose gradients are not all finite")
    parser.add_argument("--web", action="store_true", help="in the browser")
    parser.add_argument("--text", action="store_true", help="print the whole pass, in a terminal, too")
    parser.add_argument("--continue", action="store_true", dest="goes_on", help="let the program go on afterwards")
    parser.add_argument("--full-traceback", action="store_true", help="show glassgrad's own frames in tracebacks, too")
    args = parser.parse_args(words[:first])

    def view(cursor: Cursor, place: Place | None) -> bool:
        if args.web:
            from ..glass.stepping.server import serve

            serve(cursor)
            return args.goes_on
        from ..glass.stepping.terminal import show

        return show(cursor, place, args.text) or args.goes_on

    return begin(words[first:], parser, [lambda: stopped(view, args.backward, args.nan)], args.full_traceback)


def number(word: str) -> int:
    if not word.isdecimal() or not int(word):
        raise argparse.ArgumentTypeError(f"{word!r} is no number from 1 on")
    return int(word)

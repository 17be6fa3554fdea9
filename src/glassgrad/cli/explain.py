"""What the code of an error (GG102), of the lint (GL101) or of explain() (GE201) means, and what mends it."""

from __future__ import annotations

import argparse
import difflib
import textwrap

from glassgrad.core.errors.catalogue import REST, ROWS
from glassgrad.glass.explaining import causes
from glassgrad.glass.linting import rules

WIDTH = 100

# code: what it is called, what it means, what mends it, a program that ends in it
ENTRIES = (
    {code: (row.title, row.means, row.fix, row.program()) for code, row in (ROWS | REST).items()}
    | {code: (rule.name, rule.says, rule.fix, "") for code, rule in rules.RULES.items()}
    | {code: (cause.name, cause.says, cause.fix, "") for code, cause in causes.CAUSES.items()}
)
FIELDS = {name: f"<{word[1:-1]}>" if word[0] == "*" else word for name, word in (rules.FIELDS | causes.FIELDS).items()}


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("codes", nargs="*", type=code, metavar="CODE", help="without one all of them, a line each")


def code(word: str) -> str:
    if word.upper() in ENTRIES:
        return word.upper()
    near = difflib.get_close_matches(word.upper(), ENTRIES, n=1)
    raise argparse.ArgumentTypeError(f"there is no code {word!r}" + (f", did you mean {near[0]}?" if near else ""))


def run(args: argparse.Namespace) -> int:
    if args.codes:
        print("\n".join(map(text, args.codes)), end="")
    else:
        print(*(f"{code}  {title}" for code, (title, *_) in ENTRIES.items()), sep="\n")
    return 0


def text(code: str) -> str:
    """A paragraph, the example and the fix."""
    title, means, fix, example = ENTRIES[code]
    parts = [
        f"{code}: {title}",
        textwrap.fill(rules.plain(means, FIELDS), WIDTH, initial_indent="  ", subsequent_indent="  "),
        textwrap.indent(example.rstrip(), "      "),
        textwrap.fill(rules.plain(fix, FIELDS), WIDTH, initial_indent="  fix: ", subsequent_indent="       "),
    ]
    return "\n\n".join(filter(None, parts)) + "\n"

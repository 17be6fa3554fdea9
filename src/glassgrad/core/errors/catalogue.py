"""The codes of errors: what each means and what mends it. docs/errors.md is written from these tables.

A row knows the sentences that it stands for, with {} for what differs. No sentence fits two rows; where none fits, the
kind of the exception has one.
"""

from __future__ import annotations

from functools import cache

from . import gradients, kinds, rest, shapes, training
from .row import Row

ROWS: dict[str, Row] = shapes.ROWS | kinds.ROWS | gradients.ROWS | training.ROWS
REST: dict[str, Row] = rest.ROWS


def row_of(problem: BaseException) -> tuple[str, Row] | None:
    """The code and the row of an exception, None where it is none of ours."""
    given = problem.args[0] if isinstance(problem, KeyError) and problem.args else problem
    names = [kind.__name__ for kind in type(problem).__mro__]
    return find(names, str(given))


def find(names: list[str], text: str) -> tuple[str, Row] | None:
    """names: of the exception's class and those it comes from."""
    if codes := special(text):
        return codes[0], ROWS[codes[0]]
    for code, row in REST.items():
        if row.kind in names and (not row.says or any(fits(parts, text) for parts in cut(row.says))):
            return code, row
    return None


def special(text: str) -> list[str]:
    """The codes of the rows that have this sentence: one, or none."""
    return [code for code, row in ROWS.items() if any(fits(parts, text) for parts in cut(row.says))]


@cache
def cut(says: str) -> list[list[str]]:
    """The sentences of a row, each as the parts between its {}."""
    return [line.strip().split("{}") for line in says.strip().splitlines()]


def fits(parts: list[str], text: str) -> bool:
    """Whether the text has these parts, with something between them, and nothing around."""
    first, *others = parts
    if not text.startswith(first):
        return False
    if not others:
        return len(text) == len(first)
    at = len(first)
    for part in others[:-1]:
        at = text.find(part, at)
        if at < 0:
            return False
        at += len(part)
    return text.endswith(others[-1]) and at + len(others[-1]) <= len(text)

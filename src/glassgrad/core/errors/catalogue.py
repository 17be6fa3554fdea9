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
        if row.kind in names and (not row.says or gaps(row, text) is not None):
            return code, row
    return None


def special(text: str) -> list[str]:
    """The codes of the rows that have this sentence: one, or none."""
    return [code for code, row in ROWS.items() if gaps(row, text) is not None]


def gaps(row: Row, text: str) -> tuple[str, ...] | None:
    """What the text has in place of each {} of the row's sentence; None if it is none of them."""
    return next((found for parts in cut(row.says) if (found := between(parts, text)) is not None), None)


@cache
def cut(says: str) -> list[list[str]]:
    """The sentences of a row, each as the parts between its {}."""
    return [line.strip().split("{}") for line in says.strip().splitlines()]


def between(parts: list[str], text: str) -> tuple[str, ...] | None:
    """What stands between these parts of a text; None where it has not these, or something around them."""
    first, *others = parts
    if not text.startswith(first) or not (others or text == first):
        return None
    found, at = [], len(first)
    for part in others[:-1]:
        end = text.find(part, at)
        if end < 0:
            return None
        found.append(text[at:end])
        at = end + len(part)
    for last in others[-1:]:
        end = len(text) - len(last)
        if end < at or not text.endswith(last):
            return None
        found.append(text[at:end])
    return tuple(found)

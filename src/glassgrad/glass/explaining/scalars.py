"""The lines of Values. A Value knows none, and there is nothing to be told when one is made; so while a step is watched
a mark is made at every line of the program: what is newer than a mark, and older than the next, was made on its line.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from ...core.provenance import PACKAGE
from ...scalar import Value
from ...scalar.engine import ancestry, node
from .answer import Line

MARKS = 100_000


@contextmanager
def tracing(wanted: bool = True) -> Iterator[Callable[[Any], dict[Any, Line]]]:
    """Gives a function: the root of a graph made inside -> {Value: line}."""
    marks: list[Value] = []
    places: dict[Value, Line] = {}
    zero = Value(0.0)

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        if frame.f_code.co_filename.startswith(PACKAGE) or len(marks) >= MARKS:
            return None
        mark(frame)
        return line

    def line(frame: FrameType, event: str, _: Any) -> Any:
        if event == "return" and frame.f_back is not None:
            frame = frame.f_back
        if len(marks) < MARKS and not frame.f_code.co_filename.startswith(PACKAGE):
            mark(frame)
        return line

    def mark(frame: FrameType) -> None:
        made = node(0.0, "mark", (zero,), (0.0,))
        marks.append(made)
        places[made] = Line(frame.f_code.co_filename, frame.f_lineno)

    def lines_of(root: Any) -> dict[Any, Line]:
        if not isinstance(root, Value) or not marks:
            return {}
        found: dict[Any, Line] = {}
        here: Line | None = None
        everything = ancestry(node(0.0, "all", (root, *marks), (0.0,) * (len(marks) + 1)), released_too=True)
        for v in reversed(everything):
            if v in places:
                here = places[v]
            elif here is not None and v.operands:
                found[v] = here
        return found

    before = sys.gettrace()
    if wanted:
        sys.settrace(trace)
    try:
        yield lines_of
    finally:
        if wanted:
            sys.settrace(before)

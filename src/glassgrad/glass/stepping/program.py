"""A program stopped before one of its backward passes, to step through it: `glassgrad step`."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ...core.provenance import Place, caller, show
from ..programs import before_backward
from ..words import norm
from .cursor import Cursor, step

View = Callable[[Cursor, Place | None], bool]  # shows a cursor before a line; whether the program is to go on


@contextmanager
def stopped(view: View, number: int = 1, nan: bool = False) -> Iterator[None]:
    """While it lasts: before the number-th backward(), with nan the first in which something is not finite, a view.

    Where the view says that the program is not to go on, it ends there, with exit status 0. A pass that can't be
    stepped through runs as if nobody looked. Standard error is told where it stopped, or why nowhere.
    """
    passes, found, process = 0, False, os.getpid()

    def see(root: Any, gradient: Any) -> bool:
        nonlocal passes, found
        passes += 1
        if not nan and passes < number:
            return False
        place = caller()
        try:
            cursor = step(root, gradient)
        except (ValueError, RuntimeError) as problem:
            if not nan:
                found = True
                say(f"no steps before {show(place)}: {problem}")
            return found
        ahead = cursor.ahead(nan=True) if nan else None
        if nan and ahead is None and math.isfinite(norm(cursor.graph.root.value)):
            return False
        found = True
        cursor.goto(ahead or 0)
        if not view(cursor, place):
            say(f"the program ended before {show(place)}; --continue lets it go on")
            raise SystemExit(0)
        return True

    try:
        with before_backward(see):
            yield
    except Exception:
        found = True  # what went wrong is all there is to say
        raise
    finally:
        if not found and os.getpid() == process:  # not in a forked child
            called = (
                f"backward() was called {passes} time{'s' * (passes != 1)}" if passes else "no backward() was called"
            )
            say(f"nothing to step through: {called}{', all of it finite' if nan and passes else ''}")


def say(what: str) -> None:
    sys.stdout.flush()
    print(f"glassgrad step: {what}", file=sys.stderr)

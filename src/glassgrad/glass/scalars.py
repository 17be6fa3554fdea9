"""What Values do not tell, because their room stands alone: on which line one was made, and that a method is called."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from types import FrameType
from typing import Any

from ..core.provenance import Place, of_the_user
from ..scalar import nn, optim
from ..scalar.engine import Value, follow

TOLD = ((Value, "backward"), (optim.Optimizer, "zero_grad"), (nn.Module, "zero_grad"), (optim.Optimizer, "step"))
MADE = 200_000  # Values whose lines are known, the newest

# --- lines ---

_made: deque[tuple[int, Place]] = deque(maxlen=MADE)


def _note(number: int) -> None:
    """Where the innermost line of the program itself stands."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and not of_the_user(frame.f_code.co_filename):
        frame = frame.f_back
    if frame is not None:
        _made.append((number, (frame.f_code, frame.f_lasti)))


@contextmanager
def following() -> Iterator[None]:
    """The line is noted on which a Value is made."""
    before = follow(_note)
    try:
        yield
    finally:
        follow(before)


def places() -> Callable[[Value], Place | None]:
    """A function that says on which line an operation made a Value, None where nobody followed."""
    known = dict(_made)
    return lambda v: known.get(v._number) if v.operands else None


# --- calls ---


def told(own: Callable[..., Any], name: str, tell: Callable[..., None]) -> Callable[..., Any]:
    @wraps(own)
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        tell(f"scalar_before_{name}", self, *args, *kwargs.values())
        made = own(self, *args, **kwargs)
        tell(f"scalar_after_{name}", self, *args, *kwargs.values())
        return made

    return method


@contextmanager
def telling(tell: Callable[..., None]) -> Iterator[None]:
    """Value.backward and the like, with someone who is told."""
    before = [(owner, name, vars(owner)[name]) for owner, name in TOLD]
    for owner, name, own in before:
        setattr(owner, name, told(own, name, tell))
    try:
        yield
    finally:
        for owner, name, own in before:
            setattr(owner, name, own)

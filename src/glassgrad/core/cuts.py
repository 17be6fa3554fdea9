"""Which lines have taken a tensor off its graph: one entry for each line, of its first few times.

    if self._needs:
        cut("detach()", self, made)

Nothing is paid where no gradient is wanted, and no array is kept alive. `glass.explaining` reads it.
"""

from __future__ import annotations

import weakref
from typing import Any, NamedTuple

from .graph import Node
from .provenance import Place, caller
from .watch import listeners, tell

LINES = 256  # are remembered,
TIMES = 3  # so many times each
NODES = 1000  # behind a cut are looked at for its leaves


class Cut(NamedTuple):
    """How it was done ("detach()"), where, to which tensor, what came of it, and the leaves behind it."""

    how: str
    place: Place
    source: weakref.ref[Any]
    made: weakref.ref[Any] | None
    leaves: tuple[weakref.ref[Any], ...]


cuts: dict[tuple[int, int], list[Cut]] = {}  # by code object (provenance holds them) and offset


def cut(how: str, source: Any, made: Any = None) -> None:
    """`source` wants a gradient; `made` has its numbers, and wants none. made: a tensor, or None for numbers."""
    place = caller(3)
    if listeners:
        tell("cut", how, source, made, place)
    if place is None:
        return
    key = id(place[0]), place[1]
    known = cuts.get(key)
    if known is None:
        if len(cuts) >= LINES:
            return
        known = cuts[key] = []
    if len(known) < TIMES:
        known.append(
            Cut(how, place, weakref.ref(source), None if made is None else weakref.ref(made), tuple(leaves_of(source)))
        )


def leaves_of(source: Any) -> list[weakref.ref[Any]]:
    """The leaves that a tensor is made of, as far as NODES nodes show."""
    start = source._node or source
    seen, stack, found = {start}, [start], []
    while stack and len(seen) < NODES:
        at = stack.pop()
        if not isinstance(at, Node):
            found.append(weakref.ref(at))
            continue
        for edge in at.edges:
            if edge is not None and edge not in seen:
                seen.add(edge)
                stack.append(edge)
    return found

"""What the user calls things, what is remembered of them, and what they were made of."""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from types import FrameType
from typing import Any, Generic, TypeVar

from ...core.graph import Node
from ...core.provenance import user_frame
from ...core.tensor import Tensor

T = TypeVar("T")


class Beside(Generic[T]):
    """What is remembered of objects, by identity; they are kept alive only if `hold`."""

    def __init__(self, hold: bool = False) -> None:
        self.hold = hold
        self.kept: dict[int, tuple[Any, T]] = {}

    def get(self, x: Any) -> T | None:
        found = self.kept.get(id(x))
        return found[1] if found is not None and found[0]() is x else None

    def put(self, x: Any, value: T) -> T:
        key, kept = id(x), self.kept

        def forget(ref: Any) -> None:
            if key in kept and kept[key][0] is ref:
                del kept[key]

        kept[key] = (lambda: x) if self.hold else weakref.ref(x, forget), value
        return value

    def __contains__(self, x: Any) -> bool:
        return self.get(x) is not None

    def items(self) -> list[tuple[Any, T]]:
        return [(x, value) for ref, value in list(self.kept.values()) if (x := ref()) is not None]

    def clear(self) -> None:
        self.kept.clear()


def variable(x: Any, frame: FrameType | None = None) -> str | None:
    """The name of a variable, or of an attribute of one, that holds x: where the user is now, and in the callers."""
    frame = frame or user_frame()
    depth = 0
    while frame is not None and depth < 5:
        for scope in (frame.f_locals, frame.f_globals):
            for name, value in list(scope.items()):
                if value is x and name[:1] != "_" and name != "self":
                    return name
        for name, value in list(frame.f_locals.items()):
            for attribute, inner in list(getattr(value, "__dict__", {}).items()) if name == "self" else ():
                if inner is x:
                    return f"self.{attribute}"
        frame, depth = frame.f_back, depth + 1
    return None


def several(names: Iterable[str], most: int = 3) -> str:
    """a; a and b; a, b, c and 4 more."""
    listed = list(names)
    if len(listed) > most:
        return f"{', '.join(listed[:most])} and {len(listed) - most} more"
    return " and ".join(filter(None, [", ".join(listed[:-1]), listed[-1]])) if listed else "nothing"


def reached(roots: list[Any]) -> tuple[list[Tensor], set[int]]:
    """The leaves that a backward from these roots comes to, and the numbers of the nodes."""
    stack: list[Any] = [x._node or x for x in roots if isinstance(x, Tensor) and x.requires_grad]
    leaves, nodes, seen = [], set(), set()
    while stack:
        edge = stack.pop()
        if edge is None or id(edge) in seen:
            continue
        seen.add(id(edge))
        if isinstance(edge, Node):
            nodes.add(edge.number)
            stack.extend(edge.edges)
        else:
            leaves.append(edge)
    return leaves, nodes

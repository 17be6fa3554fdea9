"""The tree of modules' calls in which the vertices of a graph stand, and which of them are drawn as one box."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from ...nn.parameter import Parameter
from ..graph import Graph, Vertex

ROOM = 40  # boxes at most, where the depth that is open is not named
MANY, PIECE = 120, 40  # a group of more boxes is cut, on demand, into pieces of so many


@dataclass(eq=False)
class Part:
    """A module's call, a piece of one, or the whole: vertices and parts in order of creation."""

    path: tuple[str, ...] = ()
    around: Part | None = None
    inside: list[Any] = field(default_factory=list)
    closed: bool = False
    piece: bool = False

    def members(self) -> list[Vertex]:
        return [v for x in self.inside for v in (x.members() if isinstance(x, Part) else [x])]

    def parts(self) -> Iterable[Part]:
        for x in self.inside:
            if isinstance(x, Part):
                yield x
                yield from x.parts()

    def chain(self) -> list[Part]:
        return [*(self.around.chain() if self.around else []), self]


def nest(graph: Graph) -> tuple[Part, dict[Vertex, Part], dict[Vertex, Vertex]]:
    """The tree of calls, where each vertex is in it, and which picks are shown by the operation they pick from."""
    consumers = graph.consumers()
    picked = {}
    for v in graph.vertices:
        if v.op and getattr(getattr(v.source, "op", None), "is_pick", False) and len(v.edges) == 1:
            if len(consumers[v.edges[0].vertex]) == 1 and v is not graph.root:
                picked[v] = v.edges[0].vertex
    root = at = Part()
    home: dict[Vertex, Part] = {}
    order: dict[Any, tuple[int, int]] = {}
    for v in graph.vertices:
        if not v.op:
            continue
        path = v.module
        while at.path != path[: len(at.path)]:
            at = at.around or root
        for depth in range(len(at.path) + 1, len(path) + 1):
            at = Part(path[:depth], at)
            at.around.inside.append(at)  # type: ignore[union-attr]
            order[at] = (v.number, -1)
        home[v] = at
        order[v] = (v.number, 0)
        if v not in picked:
            at.inside.append(v)
    first: dict[Vertex, tuple[int, int]] = {}  # leaf -> its earliest use, and which argument it is there
    for user in graph.vertices:
        for k, edge in enumerate(user.edges):
            use = (order[user][0], k)
            first[edge.vertex] = min(first.get(edge.vertex, use), use)
    for v in graph.vertices:
        if v.op:
            continue
        users = [user for user, _ in consumers[v]]
        chains = [part.chain() for part in dict.fromkeys(home[user] for user in users)] or [[root]]
        inner = not v.name or isinstance(v.source, Parameter)
        shared = [ps[0] for ps in zip(*chains, strict=False) if all(p is ps[0] for p in ps)] if inner else [root]
        home[v] = shared[-1]
        number, position = first.get(v, (0, 0))
        order[v] = (number, position - len(graph))
        home[v].inside.append(v)
    for part in (root, *root.parts()):
        part.inside.sort(key=order.__getitem__)
    return root, home, picked


def close(root: Part, collapse: Any, expand: Sequence[str]) -> None:
    """Say which parts are one box."""
    parts = list(root.parts())
    patterns = [collapse] if isinstance(collapse, str) else collapse if isinstance(collapse, list | tuple) else []
    if collapse is None or (isinstance(collapse, int) and not isinstance(collapse, bool)):
        depth = _depth_for(root) if collapse is None else int(collapse)
        if depth < 0:
            raise ValueError(f"collapse is the number of levels of modules to open, from 0 on; got {collapse}")
        for part in parts:
            part.closed = len(part.path) > depth or (collapse is None and len(part.inside) == 1)
    elif not isinstance(collapse, str | list | tuple) and collapse is not False:
        raise TypeError(f"collapse is a depth, a module's path or several, or False; got {collapse!r}")
    for pattern in patterns:
        for part in _named(parts, pattern, "collapse"):
            part.closed = True
    for pattern in expand:
        for part in _named(parts, pattern, "expand"):
            for p in part.chain():
                p.closed = False


def cut(part: Part, home: dict[Vertex, Part]) -> None:
    """Put what is in large parts into pieces, these again into pieces, and close them. What came first stays first."""
    for inner in [x for x in part.inside if isinstance(x, Part)]:
        cut(inner, home)
    while len(part.inside) > MANY:
        pieces = []
        for k in range(0, len(part.inside), PIECE):
            piece = Part(part.path, part, part.inside[k : k + PIECE], closed=True, piece=True)
            for x in piece.inside:
                if isinstance(x, Part):
                    x.around = piece
                else:
                    home[x] = piece
            pieces.append(piece)
        part.inside = pieces


def _named(parts: list[Part], pattern: Any, word: str) -> list[Part]:
    """The parts of a path, with or without the outermost module's class; "*" stands for anything."""
    if not isinstance(pattern, str):
        raise TypeError(f"{word}= takes paths of modules, got {pattern!r}")
    names = {part: (".".join(part.path), ".".join(part.path[1:])) for part in parts}
    found = [part for part, both in names.items() if any(name and fnmatchcase(name, pattern) for name in both)]
    if not found:
        known = sorted({long for long, _ in names.values()} | {short for _, short in names.values() if short})
        near = difflib.get_close_matches(pattern, known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(known[:8]) or 'no modules'}"
        raise ValueError(f"{word}={pattern!r}: no such module in this graph; {hint}")
    return found


def _depth_for(root: Part) -> int:
    """The greatest depth with at most ROOM boxes."""
    deepest, depth = max([len(p.path) for p in root.parts()], default=0), 0
    while depth < deepest and _count(root, depth + 1) <= ROOM:
        depth += 1
    return depth


def _count(part: Part, depth: int) -> int:
    return sum(
        _count(x, depth - 1) if isinstance(x, Part) and depth > 0 and len(x.inside) > 1 else 1 for x in part.inside
    )

"""A layered layout of boxes within boxes, its first half: what is made of something stands in a row below it.

Sugiyama, Tagawa, Toda (1981) in four steps, for each group by itself: rows by longest paths, tightened (Gansner,
Koutsofios, North, Vo 1993); lines that pass a row get a place in it, one for all targets of a source; orders within
the rows by barycentres, the one with the fewest crossings (counted as by Barth, Juenger, Mutzel 2002); and coordinates,
which are in placing.py.

A group is one box in the group around it, and lines enter and leave it through gates on its border. So rows and orders
don't depend on what is open; `plan` finds them once.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

SWEEPS = 12  # of the search for an order
MANY = 6000  # places: for more the search for an order is short


class Item:
    """A box of `width` by `height`; with children and while `open`, a group around them.

    x, y      the left upper corner after place(), in the picture
    label     the least width of a group that is open: that of its title
    """

    def __init__(self, width: float, height: float, children: Iterable[Item] = (), label: float = 0.0) -> None:
        self.width, self.height, self.label = width, height, label
        self.children = list(children)
        self.open = bool(self.children)
        self.around: Item | None = None
        self.plan: Plan | None = None
        self.x = self.y = 0.0
        self.top: dict[int, float] = {}  # of an open group: where each net enters, from its left edge
        self.bottom: dict[int, float] = {}
        self.title = 0.0  # of an open group: where its title begins
        self.size = (width, height)  # as it is drawn: the group's while it is open
        for child in self.children:
            child.around = self

    def path(self) -> list[Item]:
        """The groups around it, outermost first, and itself."""
        found, at = [self], self.around
        while at is not None:
            found.append(at)
            at = at.around
        return found[::-1]

    def boxes(self) -> Iterable[Item]:
        """What is to be seen of it: itself, and where it is open, what is within."""
        stack = [self]
        while stack:
            item = stack.pop()
            yield item
            if item.open:
                stack.extend(reversed(item.children))


class Net(NamedTuple):
    """All lines from one box."""

    source: Item
    targets: tuple[Item, ...]


class Line(NamedTuple):
    """A piece of a net from one row to the next: places in Plan.nets, and whether it ends at a box."""

    above: int
    below: int
    net: int
    arrow: bool


@dataclass
class Plan:
    """The rows of a group. A place is a child (its index), or, from len(children) on, a point of a line.

    nets      of each place the net that passes, -1 for a child
    rows      places, left to right
    lines     between neighbouring rows
    enters    net -> its gate at the top;  leaves: net -> its gate at the bottom
    light     nets from what is made of nothing: a weight, a constant
    """

    nets: list[int]
    rows: list[list[int]] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    enters: dict[int, int] = field(default_factory=dict)
    leaves: dict[int, int] = field(default_factory=dict)
    light: set[int] = field(default_factory=set)
    crossings: int = 0


# --- rows and orders --------------------------------------------------------------------------------------------


def plan(root: Item, nets: Sequence[Net], only_open: bool = False) -> None:
    """Rows and orders of every group; with only_open, of those that are open."""
    local: dict[Item, list[tuple[int, Item | None, list[Item], bool]]] = {}  # group -> net, source, targets, leaves it
    for k, net in enumerate(nets):
        beside = net.source.around
        if beside is not None and all(t.around is beside for t in net.targets):  # most are
            if others := [t for t in net.targets if t is not net.source]:
                local.setdefault(beside, []).append((k, net.source, others, False))
            continue
        ways = [t.path() for t in net.targets]
        source = net.source.path()
        groups: dict[Item, dict[Item, None]] = {}
        for way in ways:
            for group, child in zip(way, way[1:], strict=False):
                groups.setdefault(group, {}).setdefault(child)
        below = dict(zip(source, source[1:], strict=False))
        for group in {**below, **groups}:
            start = below.get(group)
            ends = [t for t in groups.get(group, ()) if t is not start]
            out = start is not None and group is not root and any(group not in way for way in ways)
            if ends or out:
                local.setdefault(group, []).append((k, start, ends, out))
    stack = [root]
    while stack:
        group = stack.pop()
        if group.children and (group.open or not only_open):
            group.plan = _plan(group, local.get(group, []))
            stack.extend(group.children)


def _plan(group: Item, nets: list[tuple[int, Item | None, list[Item], bool]]) -> Plan:
    index = {child: k for k, child in enumerate(group.children)}
    made = Plan([-1] * len(index))
    fed = {t for _, _, ends, _ in nets for t in ends}
    outside = group.around.plan.light if group.around and group.around.plan else set()
    made.light = {k for k, s, _, _ in nets if (k in outside if s is None else s not in fed)}
    arcs = [(k, None if s is None else index[s], [index[t] for t in ends], out) for k, s, ends, out in nets]
    rank = _ranks(len(index), [(s, ends) for _, s, ends, _ in arcs if s is not None])
    top = int(any(s is None for _, s, _, _ in arcs))  # a row for the gates
    last = max(rank, default=-1) + 1 + top
    rows: list[list[int]] = [[] for _ in range(last + int(any(out for *_, out in arcs)))]
    rows_of = [r + top for r in rank]
    for child in range(len(index)):
        rows[rows_of[child]].append(child)
    for k, s, ends, out in arcs:  # one chain of places down to the furthest target
        here, row = s, 0 if s is None else rows_of[s]
        if here is None:
            here = made.enters[k] = _point(made, k, rows[0])
        stops: dict[int, list[int]] = {}
        for t in ends:
            stops.setdefault(rows_of[t], []).append(t)
        if out:
            stops.setdefault(last, [])
        for r in range(row + 1, max(stops) + 1):
            made.lines += [Line(here, t, k, True) for t in stops.get(r, ())]
            if r < max(stops) or (out and r == last):
                point = _point(made, k, rows[r])
                made.lines.append(Line(here, point, k, False))
                here = point
        if out:
            made.leaves[k] = here
    made.rows = rows
    _order(made)
    return made


def _point(made: Plan, net: int, row: list[int]) -> int:
    made.nets.append(net)
    row.append(len(made.nets) - 1)
    return len(made.nets) - 1


def _ranks(count: int, arcs: list[tuple[int, list[int]]]) -> list[int]:
    """A row for each child, each below what it is made of and no further up than it needs to be."""
    above: list[list[int]] = [[] for _ in range(count)]
    below: list[list[int]] = [[] for _ in range(count)]
    for s, ends in arcs:
        for t in ends:
            above[t].append(s)
            below[s].append(t)
    open_ends = [len(a) for a in above]
    ready = [k for k in range(count) if not open_ends[k]][::-1]
    sequence: list[int] = []
    rank = [0] * count
    while ready:
        k = ready.pop()
        sequence.append(k)
        for t in below[k]:
            rank[t] = max(rank[t], rank[k] + 1)
            open_ends[t] -= 1
            if not open_ends[t]:
                ready.append(t)
    if len(sequence) < count:
        raise ValueError("a layered picture needs a graph without circles")
    for k in reversed(sequence):  # what has more lines downwards goes down to them
        if below[k] and len(below[k]) > len(above[k]):
            rank[k] = min(rank[t] for t in below[k]) - 1
    return rank


def _order(made: Plan) -> None:
    """Sort each row by the barycentres of its neighbours, down and up again; keep the order that crosses least."""
    up: dict[int, list[int]] = {}
    down: dict[int, list[int]] = {}
    for line in made.lines:
        up.setdefault(line.below, []).append(line.above)
        down.setdefault(line.above, []).append(line.below)
    _first_order(made, up)
    best, made.crossings = [list(row) for row in made.rows], _crossings(made.rows, down)
    idle = 0
    for sweep in range(2 if len(made.nets) > MANY else SWEEPS):
        if not made.crossings or idle > 3:
            break
        order = range(1, len(made.rows)) if sweep % 2 == 0 else range(len(made.rows) - 2, -1, -1)
        beside = up if sweep % 2 == 0 else down
        for r in order:
            row = made.rows[r]
            at = {n: i for i, n in enumerate(made.rows[r - 1 if sweep % 2 == 0 else r + 1])}
            key: dict[int, float] = {n: i for i, n in enumerate(row)}
            for n in row:
                if n in beside:
                    others = beside[n]
                    key[n] = sum([at[m] for m in others]) / len(others) if len(others) > 1 else at[others[0]]
            row.sort(key=key.__getitem__)
        crossings = _crossings(made.rows, down)
        idle += 1
        if crossings < made.crossings:
            best, made.crossings, idle = [list(row) for row in made.rows], crossings, 0
    made.rows = best


def _first_order(made: Plan, up: dict[int, list[int]]) -> None:
    """Depth first from the last row upwards, arguments in their order: trees are drawn without a crossing."""
    seen: dict[int, int] = {}
    for row in reversed(made.rows):
        for start in row:
            stack = [start]
            while stack:
                n = stack.pop()
                if n not in seen:
                    seen[n] = len(seen)
                    stack.extend(reversed(up.get(n, ())))
    for row in made.rows:
        row.sort(key=seen.__getitem__)


def _crossings(rows: list[list[int]], down: dict[int, list[int]]) -> int:
    total = 0
    for row, following in zip(rows, rows[1:], strict=False):
        at = {n: i for i, n in enumerate(following)}
        seen: list[int] = []
        for n in row:
            ends = [at[m] for m in down.get(n, ())]
            if seen and min(ends, default=seen[-1]) < seen[-1]:
                total += sum([len(seen) - bisect_right(seen, e) for e in ends])
                for e in ends:
                    insort(seen, e)
            else:
                seen += sorted(ends)
    return total

"""A layered layout, its second half: coordinates for whatever groups are open. page.js does the same in the page.

Sweeps over the rows, each placed exactly by isotonic regression (pool adjacent violators): first of means, which give
the whole its shape, then of medians. A sweep sees one row beside another: it can bend a line, but not move one of many
rows. So each place has a chief among its lines, and chief lines are made straight at once, from the top down; where
this makes others too long they bend again, and what is left of small bends goes. After the vertical alignment of
Brandes and Koepf (2001), with chiefs such that a stream which branches meet again and again stays one straight line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import inf
from typing import NamedTuple

from .layout import Item, Net, Plan, plan

GAP = 26.0  # between boxes side by side
LINE_GAP = 13.0  # between a line and what is beside it
ROW_GAP = 34.0  # between rows
PAD = 16.0  # between a group's border and its boxes
TITLE = 26.0  # a group's title
SPREAD = 22.0  # between the ends of lines at one box
BEND = 40.0  # of a chief line: one of less is made straight
WIDE = 150  # a row of more is placed by means alone


class Wire(NamedTuple):
    """The lines of one net in one group: strokes as (x0, y0, y1, x2, y2, y3) and the tips of arrows."""

    net: int
    group: Item
    strokes: list[tuple[float, ...]]
    tips: list[tuple[float, float]]


def arrange(root: Item, nets: Sequence[Net]) -> list[Wire]:
    """Plan what is open, and place it at (0, 0). Raises ValueError where lines go round in a circle."""
    plan(root, nets, only_open=True)
    return place(root)


class Placed(NamedTuple):
    """Within a group, from its corner: the middles of its places, the tops and depths of its rows, ends of lines."""

    xs: list[float]
    tops: list[float]
    depths: list[float]
    ends: list[tuple[float, float]]


def place(root: Item) -> list[Wire]:
    """Sizes from the inside outwards, coordinates from the outside inwards, and the lines."""
    groups = [item for item in root.boxes() if item.open]
    placed = {group: _place(group) for group in reversed(groups)}
    wires: list[Wire] = []
    root.x = root.y = 0.0
    for group in groups:
        wires += _settle_in(group, placed[group])
    return wires


def _place(group: Item) -> Placed:
    made = group.plan
    assert made is not None
    children = len(group.children)
    width = [child.size[0] for child in group.children] + [0.0] * (len(made.nets) - children)
    weights = _weights(made, children)
    hangs, straight = _chiefs(made, weights)
    ends = _ends(group, made, hangs)
    near = _neighbours(made, ends, weights)
    held = _neighbours(made, ends, [w * HELD if i in straight else 0.0 for i, w in enumerate(weights)])
    x = _sweep(made, children, width, near, held)
    left = min([x[n] - width[n] / 2 for n in range(len(x))], default=0.0)
    right = max([x[n] + width[n] / 2 for n in range(len(x))], default=0.0)
    pad, title = (PAD, TITLE) if group.around else (0.0, 0.0)
    x = [value + pad - left for value in x]
    group.top = {net: x[n] for net, n in made.enters.items()}
    group.bottom = {net: x[n] for net, n in made.leaves.items()}
    group.title = _title(sorted(group.top.values()), group.label)
    tops, depths, y = [], [], 0.0
    for r, row in enumerate(made.rows):
        y += ROW_GAP if r else 0.0 if made.enters else title
        tops.append(y)
        gates = title if made.enters and not r else 0.0  # lines bend below the title
        depths.append(max([gates, *[group.children[n].size[1] for n in row if n < children]]))
        y += depths[-1]
    wide = max(right - left + 2 * pad, group.title + group.label)
    group.size = (wide, y + (0.0 if made.leaves else pad))
    return Placed(x, tops, depths, ends)


Near = tuple[int, float, float]  # a neighbour, how far from right above or below it this wants to be, how much
Sides = tuple[list[list[Near]], list[list[Near]]]  # of each place the neighbours above, and below
Points = list[tuple[float, float]]  # positions and their weights

# To add these is exact in any order, here and in the page.
WEIGHTS = (3.0, 4.0, 4.5)  # of a line between two boxes, a box and a point, two points
LEAF = 3 / 16  # of one between two boxes, of which the upper is made of nothing
HELD = 1024.0  # times it, where a line is to be straight
ALONE = 1 / 64  # the weight of the wish to stay, of what has no neighbour


def _weights(made: Plan, children: int) -> list[float]:
    points = [(line.above >= children) + (line.below >= children) for line in made.lines]
    return [
        LEAF if line.net in made.light and not k else WEIGHTS[k] for line, k in zip(made.lines, points, strict=True)
    ]


def _neighbours(made: Plan, ends: list[tuple[float, float]], weights: list[float]) -> Sides:
    """By lines that have a weight."""
    above: list[list[Near]] = [[] for _ in made.nets]
    below: list[list[Near]] = [[] for _ in made.nets]
    for line, (start, end), weight in zip(made.lines, ends, weights, strict=True):
        if weight:
            above[line.below].append((line.above, start - end, weight))
            below[line.above].append((line.below, end - start, weight))
    return above, below


def _sweep(made: Plan, children: int, width: list[float], near: Sides, held: Sides) -> list[float]:
    """The middles of all places."""
    x = [0.0] * len(width)
    offsets: list[list[float]] = []
    for row in made.rows:
        offset = [0.0]
        for a, b in zip(row, row[1:], strict=False):
            gap = GAP if a < children and b < children else LINE_GAP
            offset.append(offset[-1] + width[a] / 2 + gap + width[b] / 2)
        offsets.append(offset)
        for n, o in zip(row, offset, strict=True):
            x[n] = o - offset[-1] / 2
    forth = list(range(len(made.rows)))
    back = forth[::-1]
    above, below = near
    both = [a + b for a, b in zip(above, below, strict=True)]
    more_above = [_heavy(a) + b for a, b in zip(above, below, strict=True)]
    more_below = [a + _heavy(b) for a, b in zip(above, below, strict=True)]
    hung = [a or b for a, b in zip(*held, strict=True)]
    stood = [b or a for a, b in zip(*held, strict=True)]
    none: list[list[Near]] = [[]] * len(width)
    passes = [
        (forth, above, none, 0.0, _middle), (back, below, none, 0.0, _middle), (forth, both, none, 0.0, _middle),
        (forth, both, hung, inf, _middle), (back, more_below, none, 0.0, _median),
    ]  # fmt: skip
    passes += [(back, more_below, stood, BEND, _median), (forth, more_above, hung, BEND, _median)] * 2
    for order, beside, chiefs, reach, centre in passes:
        for r in order:
            row = made.rows[r]
            wanted = [
                [(x[m] + shift, w) for m, shift, w in chiefs[n] if abs(x[m] + shift - x[n]) < reach]
                or [(x[m] + shift, w) for m, shift, w in beside[n]]
                or [(x[n], ALONE)]
                for n in row
            ]
            settled = _settle(offsets[r], wanted, centre if len(row) <= WIDE else _middle)
            for n, position in zip(row, settled, strict=True):
                x[n] = position
    return x


def _chiefs(made: Plan, weights: list[float]) -> tuple[list[int], set[int]]:
    """Of each place the line that it hangs from, -1 for none; and the lines that are the chiefs of both their ends.

    Chief of the lines from above is the one that goes on a straight line from furthest up, then the heaviest; of
    several such ones that in the middle. A residual's skip goes on one from beyond what it skips.
    """
    at = {n: i for row in made.rows for i, n in enumerate(row)}
    above: list[list[int]] = [[] for _ in made.nets]
    below: list[list[int]] = [[] for _ in made.nets]
    for i in sorted(range(len(made.lines)), key=lambda i: (at[made.lines[i].above], at[made.lines[i].below])):
        above[made.lines[i].below].append(i)
        below[made.lines[i].above].append(i)
    down = [_chief((weights[i], 0, i) for i in lines) for lines in below]
    up, length, straight = [-1] * len(above), [1] * len(above), set()
    for row in made.rows:
        for n in row:
            found = []
            for i in above[n]:
                m = made.lines[i].above
                rank = -1 if made.lines[i].net in made.light else length[m] if down[m] == i else 0
                found.append((rank, weights[i], i))
            up[n] = i = _chief(found)
            if i >= 0 and down[made.lines[i].above] == i:
                straight.add(i)
                length[n] += length[made.lines[i].above]
    return up, straight


def _chief(lines: Iterable[tuple[float, float, int]]) -> int:
    """The greatest, in the middle of those as great; -1 where two are in the middle."""
    found = list(lines)
    if len(found) == 1:
        return found[0][2]
    most = max([line[:2] for line in found], default=None)
    best = [i for *line, i in found if tuple(line) == most]
    return best[len(best) // 2] if len(best) % 2 else -1


def _heavy(near: list[Near]) -> list[Near]:
    """A little heavier: where a line could bend at either end, it bends at the other."""
    return [(n, shift, weight * 1.25) for n, shift, weight in near]


def _title(gates: list[float], label: float) -> float:
    """Where a group's title begins: at the left, or right of a line that would pass through it."""
    at = 0.0
    for gate in gates:
        if gate < at + label:
            at = gate
    return at


def _settle(offsets: Sequence[float], wanted: list[Points], centre: Callable[[Points], float]) -> list[float]:
    """Positions at least as far apart as the offsets, as near as can be to what is wanted: pool adjacent violators."""
    blocks: list[tuple[Points, float, int]] = []
    for offset, points in zip(offsets, wanted, strict=False):
        block = [(p - offset, w) for p, w in points]
        at, count = centre(block), 1
        while blocks and blocks[-1][1] > at:
            before, _, more = blocks.pop()
            block = [_sum(before, block)] if centre is _middle else before + block
            at, count = centre(block), count + more
        blocks.append((block, at, count))
    flat = [at for _, at, count in blocks for _ in range(count)]
    return [at + offset for at, offset in zip(flat, offsets, strict=False)]


def _sum(before: Points, block: Points) -> tuple[float, float]:
    """Of means, one point stands for many."""
    weight = sum([w for _, w in before]) + sum([w for _, w in block])
    return (sum([p * w for p, w in before]) + sum([p * w for p, w in block])) / weight, weight


def _middle(points: Points) -> float:
    if len(points) == 1:
        return points[0][0]
    return sum([p * w for p, w in points]) / sum([w for _, w in points])


def _median(points: Points) -> float:
    """The weighted median; in the middle where two are as good."""
    if len(points) == 1:
        return points[0][0]
    points = sorted(points)
    half, seen = sum([w for _, w in points]) / 2, 0.0
    for k, (p, w) in enumerate(points):
        seen += w
        if seen == half and k + 1 < len(points):
            return (p + points[k + 1][0]) / 2
        if seen >= half:
            return p
    return points[-1][0]


def _ends(group: Item, made: Plan, chief: list[int]) -> list[tuple[float, float]]:
    """Where each line starts and ends, from the middles of its places: at gates, or spread over a box's edge.

    The line that a box hangs from goes to the middle: a stream is a straight line, whatever joins it.
    """
    at = {n: i for row in made.rows for i, n in enumerate(row)}
    sides: dict[tuple[int, bool], dict[int, list[int]]] = {}  # a child's side -> net -> the other ends
    for above, below, net, _ in made.lines:
        sides.setdefault((above, False), {}).setdefault(net, []).append(at[below])
        sides.setdefault((below, True), {}).setdefault(net, []).append(at[above])
    shifts: dict[tuple[int, bool, int], float] = {}
    for (n, enters), nets in sides.items():
        if n >= len(group.children):
            continue
        child = group.children[n]
        gates = (child.top if enters else child.bottom) if child.open else {}
        order = sorted(nets, key=lambda m: (sum(nets[m]) / len(nets[m]), m))
        last = len(nets) - 1
        middle = order.index(made.lines[chief[n]].net) if enters and chief[n] >= 0 else last / 2
        step = min(SPREAD, (child.size[0] / 2 - 10) / max(middle, last - middle, 1))
        for k, net in enumerate(order):
            shifts[n, enters, net] = gates[net] - child.size[0] / 2 if net in gates else (k - middle) * step
    return [
        (shifts.get((above, False, net), 0.0), shifts.get((below, True, net), 0.0))
        for above, below, net, _ in made.lines
    ]


def _settle_in(group: Item, placed: Placed) -> list[Wire]:
    """Give the children of a placed group their coordinates, and draw its lines."""
    made = group.plan
    assert made is not None
    row_of = {n: r for r, row in enumerate(made.rows) for n in row}
    for n, child in enumerate(group.children):
        r = row_of[n]
        child.x = group.x + placed.xs[n] - child.size[0] / 2
        child.y = group.y + placed.tops[r] + (placed.depths[r] - child.size[1]) / 2
    wires: dict[int, Wire] = {}
    for (above, below, net, arrow), (start, end) in zip(made.lines, placed.ends, strict=True):
        r = row_of[above]
        y1, y2 = group.y + placed.tops[r] + placed.depths[r], group.y + placed.tops[r + 1]
        y0, y3 = group.y + placed.tops[r], y2
        if above < len(group.children):
            y0 = group.children[above].y + group.children[above].size[1]
        if below < len(group.children):
            y3 = group.children[below].y
        x0, x2 = group.x + placed.xs[above] + start, group.x + placed.xs[below] + end
        wire = wires.setdefault(net, Wire(net, group, [], []))
        wire.strokes.append((x0, y0, y1, x2, y2, y3))
        if arrow and not group.children[below].open:
            wire.tips.append((x2, y3))
    return list(wires.values())

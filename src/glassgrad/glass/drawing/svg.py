"""A laid-out scene as shapes and words, and these as SVG: no script, no font, nothing from elsewhere, the same bytes.

What a box stands for is told by its form: operations are round, leaves with a gradient have a double border, constants
are dashed with cut corners, closed modules are a stack. Colours follow the reader's dark or light mode.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from ..canvas import plain_text
from ..pages import colours
from ..summary import HIGH
from .boxes import BAR, BOLD, CHAR, HEAD, LINE, SIDE, Box, Scene, columns
from .layout import Item
from .placing import TITLE, Wire

FONT = "'DejaVu Sans Mono',ui-monospace,SFMono-Regular,Menlo,Consolas,'Liberation Mono',monospace"
MARGIN = 12.0
NARROW = 460.0  # pictures are at least as wide as this where there are notes to read


class Paint(NamedTuple):
    """How a shape looks: tokens of THEME or "none", and of its fill how much."""

    fill: str = "none"
    opacity: float = 1.0
    stroke: str = "none"
    width: float = 0.0
    dash: str = ""


class Type(NamedTuple):
    """How words look."""

    color: str
    size: float = 11.0
    bold: bool = False


PAINTS = {
    "paper": Paint("paper"),
    "op": Paint("paper", stroke="ink", width=1),
    "last": Paint("paper", stroke="ink", width=2.4),
    "leaf": Paint("paper", stroke="blue", width=1.2),
    "inner": Paint("blue", 0.07, stroke="blue", width=0.6),
    "constant": Paint("paper", stroke="soft", width=1.1, dash="4 3"),
    "module": Paint("paper", stroke="purple", width=1.1),
    "piece": Paint("paper", stroke="soft", width=1.1),
    "tint": Paint("purple", 0.07),
    "earlier": Paint("paper", stroke="soft", width=1.2, dash="1 3"),
    "frame": Paint("purple", 0.05, stroke="purple", width=0.7),
    "wire": Paint(stroke="soft", width=1.1),
    "tip": Paint("soft"),
    "data": Paint("blue"),
    "grad": Paint("orange"),
    "wrong": Paint("red"),
}
TYPES = {
    "title": Type("ink", 12, True),
    "note": Type("soft"),
    "label": Type("soft"),
    "text": Type("ink"),
    "alarm": Type("red", bold=True),
}


class Shape(NamedTuple):
    """A path of M, L, C and Z, absolute."""

    style: str
    d: str


class Words(NamedTuple):
    style: str
    x: float
    y: float
    text: str


# --- shapes -------------------------------------------------------------------------------------------------


def n(x: float) -> str:
    """A coordinate: at most one decimal."""
    return f"{x:.1f}".removesuffix(".0").replace("-0", "-0" if abs(x) >= 0.05 else "0")


def corners(*points: tuple[float, float]) -> str:
    return "M" + "L".join(f"{n(x)} {n(y)}" for x, y in points) + "Z"


@lru_cache(4096)
def rounded(x: float, y: float, w: float, h: float, r: float) -> str:
    k = 0.45 * r  # a quarter of a circle, nearly
    right, bottom = x + w, y + h
    return (
        f"M{n(x + r)} {n(y)}L{n(right - r)} {n(y)}C{n(right - k)} {n(y)} {n(right)} {n(y + k)} {n(right)} {n(y + r)}"
        f"L{n(right)} {n(bottom - r)}C{n(right)} {n(bottom - k)} {n(right - k)} {n(bottom)} {n(right - r)} {n(bottom)}"
        f"L{n(x + r)} {n(bottom)}C{n(x + k)} {n(bottom)} {n(x)} {n(bottom - k)} {n(x)} {n(bottom - r)}"
        f"L{n(x)} {n(y + r)}C{n(x)} {n(y + k)} {n(x + k)} {n(y)} {n(x + r)} {n(y)}Z"
    )


def outline(box: Box, w: float, h: float) -> Iterator[Shape]:
    """The form that tells the kind of a box."""
    if box.kind == "leaf":
        yield Shape("leaf", corners((0, 0), (w, 0), (w, h), (0, h)))
        yield Shape("inner", corners((3, 3), (w - 3, 3), (w - 3, h - 3), (3, h - 3)))
    elif box.kind in ("constant", "earlier"):
        c = 7
        cut = (c, 0), (w - c, 0), (w, c), (w, h - c), (w - c, h), (c, h), (0, h - c), (0, c)
        yield Shape(box.kind, corners(*cut))
    elif box.is_group:
        for shift in (4.0, 2.0, 0.0):
            yield Shape(box.kind, rounded(shift, shift, w - 4, h - 4, 4))
        yield Shape("tint", rounded(0, 0, w - 4, h - 4, 4))
    else:
        yield Shape("last" if box.last else "op", rounded(0, 0, w, h, 8))


def inside(box: Box, w: float, h: float) -> Iterator[Shape | Words]:
    """A box, from its own corner."""
    yield from head(box, w, h)
    for k in range(len(box.rows)):
        yield from line(box, w, k)


def head(box: Box, w: float, h: float) -> Iterator[Shape | Words]:
    yield from outline(box, w, h)
    yield Words("title", SIDE, 16, f"▸ {box.title}" if box.is_group else box.title)
    if box.note:
        yield Words("note", note_at(box), 16, box.note)


def note_at(box: Box) -> float:
    """Behind the title."""
    title = f"▸ {box.title}" if box.is_group else box.title
    return SIDE + BOLD * columns(title) + (CHAR if title else 0)


def line(box: Box, w: float, k: int) -> Iterator[Shape | Words]:
    """A row of a box."""
    row, y = box.rows[k], HEAD + LINE * k + 10
    yield Words("label", SIDE, y, row.label)
    if row.text:
        yield Words("alarm" if row.wrong else "text", SIDE + CHAR * (box.labels + 1), y, row.text)
    if row.bars:
        left = w - SIDE - BAR * len(row.bars)
        style = "wrong" if row.wrong else "grad" if row.label == "grad" else "data"
        yield Shape(style, bars(row.bars, left, y))


def bars(heights: tuple[int, ...], left: float, y: float) -> str:
    """A histogram's outline."""
    steps = [(left, y)]
    for k, high in enumerate(heights):
        if k and heights[k - 1] == high:
            steps.pop()
        else:
            steps.append((left + k * BAR, y - high * 10 / HIGH))
        steps.append((left + (k + 1) * BAR, y - high * 10 / HIGH))
    return corners(*steps, (left + len(heights) * BAR, y))


def frame(box: Box, item: Item) -> Iterator[Shape | Words]:
    """A module that is open, from its own corner."""
    yield Shape("frame", rounded(0, 0, *item.size, 10))
    yield Words("title", item.title + 10, TITLE - 9, f"▾ {box.title}")
    if box.note:
        yield Words("note", item.title + 10 + BOLD * (columns(box.title) + 2) + CHAR, TITLE - 9, box.note)


def curves(wire: Wire) -> str:
    """Straight down past a row, in a curve to the next; where a line keeps its place, straight on."""
    parts = []
    for x0, y0, y1, x2, y2, y3 in wire.strokes:
        if abs(x0 - x2) < 0.05:
            parts.append(f"M{n(x0)} {n(y0)}L{n(x2)} {n(y3)}")
        else:
            middle = (y1 + y2) / 2
            parts.append(
                f"M{n(x0)} {n(y0)}L{n(x0)} {n(y1)}C{n(x0)} {n(middle)} {n(x2)} {n(middle)} {n(x2)} {n(y2)}"
                f"L{n(x2)} {n(y3)}"
            )
    return "".join(parts)


def tips(wire: Wire) -> str:
    return "".join(corners((x, y), (x - 3.5, y - 7), (x + 3.5, y - 7)) for x, y in wire.tips)


def below(scene: Scene, width: float) -> list[str]:
    """The notes, broken into lines of a picture's width."""
    room = max(20, int((max(width, NARROW) - 2 * MARGIN) / CHAR))
    lines: list[str] = []
    for note in scene.notes:
        line = ""
        for word in plain_text(note, 600).split():
            if line and len(line) + len(word) >= room:
                lines.append(line)
                line = ""
            line = f"{line} {word}".strip()
        lines.append(line)
    return lines


def extent(scene: Scene) -> tuple[float, float]:
    """Width and height of a picture with its margins and notes."""
    width, height = scene.root.size
    notes = below(scene, width)
    return (max(width, NARROW) if notes else width) + 2 * MARGIN, height + LINE * len(notes) + 2 * MARGIN


# --- SVG ----------------------------------------------------------------------------------------------------


def svg(scene: Scene, wires: list[Wire], name: str) -> str:
    """The picture; name is what a screen reader says."""
    width, height = extent(scene)
    items = list(scene.root.boxes())[1:]
    parts = [f'<rect class="paper" width="{n(width)}" height="{n(height)}"/>']
    parts.append(f'<g transform="translate({n(MARGIN)} {n(MARGIN)})">')
    parts += [placed(item, scene.boxes[item], open_=True) for item in items if item.open]
    parts += [f'<path class="wire" d="{curves(wire)}"/><path class="tip" d="{tips(wire)}"/>' for wire in wires]
    parts += [placed(item, scene.boxes[item]) for item in items if not item.open]
    parts.append("</g>")
    for k, line in enumerate(below(scene, scene.root.size[0])):
        parts.append(write(Words("note", MARGIN, scene.root.size[1] + MARGIN + LINE * (k + 1), line)))
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="gg-graph" width="{n(width)}" height="{n(height)}" '
        f'viewBox="0 0 {n(width)} {n(height)}" role="img" aria-label="{escape(name)}">\n'
        f"<style>{STYLE}</style>\n{body}\n</svg>\n"
    )


def placed(item: Item, box: Box, open_: bool = False, more: str = "") -> str:
    """A box or a group's frame at its place, with its tooltip."""
    shapes = frame(box, item) if open_ else inside(box, item.width, item.height)
    drawn = "".join(write(shape) for shape in shapes)
    return f'<g{more} transform="translate({n(item.x)} {n(item.y)})"><title>{escape(box.tip)}</title>{drawn}</g>'


def write(shape: Shape | Words) -> str:
    if isinstance(shape, Shape):
        return f'<path class="{shape.style}" d="{shape.d}"/>'
    return f'<text class="{shape.style}" x="{n(shape.x)}" y="{n(shape.y)}">{escape(shape.text)}</text>'


def escape(text: str) -> str:
    """Text for an element or an attribute: no markup, no control characters."""
    return "\n".join(html.escape(plain_text(line, 300)) for line in text.split("\n"))


def _rules() -> str:
    """The tables above as a style sheet, for pictures of this kind alone."""
    rules = [
        colours(".gg-graph") + ".gg-graph{background:var(--paper)}",
        f".gg-graph text{{font:11px {FONT};white-space:pre;stroke:none}}",
    ]

    def colour(token: str) -> str:
        return token if token == "none" else f"var(--{token})"

    for style, paint in PAINTS.items():
        more = f"stroke-width:{paint.width:g};" * bool(paint.width) + f"stroke-dasharray:{paint.dash};" * bool(
            paint.dash
        )
        more += f"fill-opacity:{paint.opacity:g};" * (paint.opacity < 1)
        rules.append(f".gg-graph .{style}{{fill:{colour(paint.fill)};stroke:{colour(paint.stroke)};{more}}}")
    for style, kind in TYPES.items():
        more = f"font-size:{kind.size:g}px;" * (kind.size != 11) + "font-weight:bold;" * kind.bold
        rules.append(f".gg-graph text.{style}{{fill:{colour(kind.color)};{more}}}")
    return "\n".join(rules)


STYLE = _rules()


def points(d: str) -> Iterator[tuple[str, list[tuple[float, float]]]]:
    """A path's commands and points."""
    for letter, numbers in re.findall(r"([MLCZ])([^MLCZ]*)", d):
        flat: list[Any] = [float(x) for x in numbers.split()]
        yield letter, list(zip(flat[::2], flat[1::2], strict=True))

"""The picture in pixels, drawn by matplotlib from the same shapes and words."""

from __future__ import annotations

import io
from typing import Any

from ..canvas import THEME, style
from .boxes import LINE, Scene
from .placing import Wire
from .svg import MARGIN, PAINTS, TYPES, Shape, Words, below, curves, extent, frame, inside, points, tips

SCALE = 2.0  # pixels of the file for one of the picture
MOST = 20_000.0  # pixels a side


def png(scene: Scene, wires: list[Wire], theme: int = 0) -> bytes:
    """The same bytes for the same picture and the same matplotlib."""
    with style():
        from matplotlib.figure import Figure
        from matplotlib.patches import PathPatch
        from matplotlib.path import Path

        width, height = extent(scene)
        scale = min(SCALE, MOST / max(width, height))
        figure = Figure(figsize=(width / 72, height / 72), facecolor=THEME["paper"][theme])
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set_xlim(0, width)
        axes.set_ylim(height, 0)
        axes.axis("off")
        codes = {"M": [Path.MOVETO], "L": [Path.LINETO], "C": [Path.CURVE4] * 3, "Z": [Path.CLOSEPOLY]}

        def colour(token: str, opacity: float = 1.0) -> Any:
            return "none" if token == "none" else (THEME[token][theme], opacity)

        def put(shape: Shape | Words, x: float, y: float) -> None:
            if isinstance(shape, Words):
                kind = TYPES[shape.style]
                axes.text(
                    shape.x + x, shape.y + y, shape.text, color=colour(kind.color), fontsize=kind.size,
                    family="DejaVu Sans Mono", fontweight="bold" if kind.bold else "normal", va="baseline",
                )  # fmt: skip
                return
            spots: list[tuple[float, float]] = []
            kinds: list[Any] = []
            for letter, places in points(shape.d):
                spots += [(a + x, b + y) for a, b in places] or [spots[-1]]
                kinds += codes[letter]
            paint = PAINTS[shape.style]
            dash = (0, tuple(float(k) / max(paint.width, 1) for k in paint.dash.split())) if paint.dash else "solid"
            axes.add_patch(
                PathPatch(
                    Path(spots, kinds), facecolor=colour(paint.fill, paint.opacity), edgecolor=colour(paint.stroke),
                    linewidth=paint.width, linestyle=dash, capstyle="butt",
                )
            ) if spots else None  # fmt: skip

        items = list(scene.root.boxes())[1:]
        for item in items:
            if item.open:
                for shape in frame(scene.boxes[item], item):
                    put(shape, item.x + MARGIN, item.y + MARGIN)
        for wire in wires:
            put(Shape("wire", curves(wire)), MARGIN, MARGIN)
            put(Shape("tip", tips(wire)), MARGIN, MARGIN)
        for item in items:
            if not item.open:
                for shape in inside(scene.boxes[item], item.width, item.height):
                    put(shape, item.x + MARGIN, item.y + MARGIN)
        for k, line in enumerate(below(scene, scene.root.size[0])):
            put(Words("note", 0, LINE * (k + 1), line), MARGIN, scene.root.size[1] + MARGIN)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=72 * scale, metadata={"Software": None})
    return buffer.getvalue()

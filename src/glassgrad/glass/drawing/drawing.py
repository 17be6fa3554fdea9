"""draw(loss): the graph behind a Value or a Tensor as a picture, in a notebook, a terminal, a file or a browser."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from ...core.tensor import Tensor
from ..graph import LIMIT, Graph, kept, look
from ..pages import saved
from .boxes import BOXES, scene
from .placing import Wire, arrange
from .svg import svg


def draw(
    root: Any,
    *,
    collapse: int | str | Sequence[str] | None = None,
    expand: str | Sequence[str] = (),
    gradient: Any = None,
    names: dict[int, str] | None = None,
    limit: int = BOXES,
) -> Drawing:
    """Draw the graph of a Value, a Tensor, or of what look() found.

    collapse  how many levels of modules are open (0: each outermost module is one box), or the path of a module that
              shall be one box, or several ("*" stands for anything); False opens all. By default as many levels as
              give a picture of some forty boxes.
    expand    paths of modules to be open in any case
    gradient  the root's, needed for gradients unless it has one element;  names: {id: name}, as of look()
    limit     of a larger graph the newest so many boxes are drawn, and what is left out is counted

    Raises TypeError for what has no graph, ValueError for a module that is not there.
    """
    if limit < 1:
        raise ValueError(f"draw: limit is a number of boxes, at least 1; got {limit}")
    if isinstance(root, Graph):
        graph = root
    else:  # a box stands for many vertices only where modules are known
        known = isinstance(root, Tensor) and len(kept) > 0
        graph = look(root, gradient, names, LIMIT if known else min(LIMIT, 10 * limit))
    return Drawing(graph, collapse, (expand,) if isinstance(expand, str) else expand, limit)


class Drawing:
    """A picture of a graph. In a notebook it shows itself; save() writes a file, print() a tree of text.

    graph    what is drawn, as look() found it
    svg, html, dot, text    the picture in each form
    """

    def __init__(self, graph: Graph, collapse: Any, expand: Sequence[str], limit: int) -> None:
        self.graph, self._choice = graph, (collapse, tuple(expand), limit)
        self.scene = scene(graph, collapse, expand, limit)
        self.wires: list[Wire] = arrange(self.scene.root, self.scene.nets)

    @property
    def name(self) -> str:
        root = self.graph.root
        return f"the graph of {root.name or root.title or 'a value'}"

    @property
    def svg(self) -> str:
        return svg(self.scene, self.wires, self.name)

    @property
    def html(self) -> str:
        from .page import MOST, page

        return page(scene(self.graph, *self._choice, hidden=MOST), self.name)

    @property
    def dot(self) -> str:
        from .as_text import dot

        return dot(self.scene)

    @property
    def text(self) -> str:
        from .as_text import tree

        return tree(self.scene)

    def print(self, file: Any = None) -> None:
        """The graph as a tree, for a terminal: what is made of others stands above them."""
        print(self.text, file=file or sys.stdout)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write graph.svg, .html (a page where modules open by a click), .dot (for Graphviz), .txt or .png.

        A .png needs matplotlib. Raises ValueError for another ending, OSError; the file is written whole or not at all.
        """
        return saved(path, {ending: partial(form, self) for ending, form in FORMS.items()}, "draw: a picture")

    def _png(self) -> bytes:
        from .png import png

        return png(self.scene, self.wires)

    def _repr_svg_(self) -> str:
        return self.svg

    def _repr_html_(self) -> str:
        return f'<div style="overflow:auto;max-height:48rem">{self.svg}</div>'

    def __repr__(self) -> str:
        return f"<{self.name}: {len(self.scene.boxes)} boxes for {self.graph.total:,} vertices; .save('graph.svg')>"


FORMS: dict[str, Callable[[Drawing], str | bytes]] = {
    ".svg": lambda d: d.svg,
    ".html": lambda d: d.html,
    ".dot": lambda d: d.dot,
    ".txt": lambda d: d.text + "\n",
    ".png": Drawing._png,
}

"""A cursor over the backward pass that goes forwards and backwards: upstream times local is downstream."""

from __future__ import annotations

import gc
import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from ...core import provenance
from ...core.tensor import Tensor
from ...scalar import Value
from ..graph import Edge, Graph, Vertex, handed_on, look, names_around, own
from ..pages import saved
from ..words import equals, expression, norm, shown, single, text_of

MOST = 4096  # entries of a Jacobian's column that entry() computes
NAMED = 4  # of those that have still to hand something on


@contextmanager
def unswept() -> Iterator[None]:
    """No search for circles of garbage while many small objects are made, nearly all of which are kept."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def step(root: Value | Tensor, gradient: Any = None) -> Cursor:
    """A cursor before the first step of the backward pass of a Value or Tensor.

    gradient: that of the root, needed unless it has one element. No .grad changes, nothing is freed.
    Raises ValueError where there is nothing to step through.

    >>> a = Value(3.0)
    >>> square = a * a
    >>> print(step(square).next())
    step 1 of 1, the last
    square = a * a = 9    upstream 1
      a    1 * 3 = 3    so far 3, to come 1: square
      a    1 * 3 = 3    3 + 3 = 6, complete
    """
    with unswept():
        return Cursor(look(root, gradient, names_around()))


class Cursor:
    """A place in the backward pass: the first `at` of its steps have been taken.

    Each step takes the newest operation whose gradient is complete, and hands it on to its arguments.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.order = [v for v in reversed(graph.vertices) if v.op and v.gradient is not None and not v.cut]
        self.at = 0
        if not self.order:
            why = " ".join(filter(None, [*graph.notes, graph.left_out]))
            raise ValueError(why or f"nothing to step through: {text_of(graph.root)} was not computed")
        self._turn = {v: k for k, v in enumerate(self.order)}
        self.arrivals: dict[Vertex, list[tuple[int, Vertex, Edge]]] = {}  # (step, from, edge), in the order of the walk
        for k, v in enumerate(self.order):
            for edge in v.edges:
                if edge.flow is not None:
                    self.arrivals.setdefault(edge.vertex, []).append((k, v, edge))

    def __len__(self) -> int:
        return len(self.order)

    def __iter__(self) -> Iterator[Cursor]:
        """This cursor, after each step that is left."""
        while self.at < len(self):
            yield self.next()

    # --- moving ---

    def next(self) -> Cursor:
        """One step on; IndexError behind the last."""
        return self._move(self.at + 1)

    def back(self) -> Cursor:
        """One step back; IndexError before the first."""
        return self._move(self.at - 1)

    def goto(self, place: int | str | Value | Tensor | Vertex) -> Cursor:
        """Behind so many steps; or to where the gradient of what this is, or has this name, is complete."""
        if isinstance(place, int):
            return self._move(place)
        if isinstance(place, str):
            place = self.graph.find(place)
        v = place if isinstance(place, Vertex) else self.graph.vertex_of(place)
        if v is None:
            raise ValueError("goto: that is not in this graph: the root does not depend on it")
        return self._move(self._turn[v] if v in self._turn else self._complete(v))

    def run(
        self, until: Callable[[Vertex], bool] | None = None, *, nan: bool = False, above: float | None = None,
        module: str | None = None,
    ) -> Cursor:  # fmt: skip
        """On to the first step whose upstream gradient fits, or behind the last one.

        until: any condition on the vertex. nan: NaN or infinity in its gradient or in one it hands on. above: a
        gradient whose norm is larger. module: it was made in the module with this path, "blocks.0.attn" (in watch()).
        """
        if until is None and not nan and above is None and module is None:
            raise ValueError("run() needs until=, nan=True, above= or module=; goto(len(cursor)) runs to the end")
        return self._move(self.ahead(until, nan=nan, above=above, module=module) or len(self))

    def ahead(
        self, until: Callable[[Vertex], bool] | None = None, *, nan: bool = False, above: float | None = None,
        module: str | None = None,
    ) -> int | None:  # fmt: skip
        """The first of the steps to come that fits, as for run(); None where there is none."""
        for at, v in enumerate(self.order[self.at :], start=self.at + 1):
            seen = [v.gradient, *[edge.flow for edge in v.edges if edge.flow is not None]]
            if (
                (until is not None and until(v))
                or (nan and any(not math.isfinite(norm(g)) for g in seen))
                or (above is not None and norm(v.gradient) > above)
                or (module is not None and f".{module}." in f".{'.'.join(v.module)}.")
            ):
                return at
        return None

    def _move(self, at: int) -> Cursor:
        if not 0 <= at <= len(self):
            raise IndexError(f"the backward pass has {len(self)} steps, no {at}")
        self.at = at
        return self

    def _complete(self, v: Vertex) -> int:
        arrivals = self.arrivals.get(v, [])
        if not arrivals:
            raise ValueError(f"no gradient arrives at {text_of(v)}")
        return arrivals[-1][0] + 1

    # --- looking ---

    @property
    def vertex(self) -> Vertex | None:
        """The operation of the step taken last; None before the first."""
        return self.order[self.at - 1] if self.at else None

    def arrived(self, v: Vertex) -> list[Any]:
        """What has arrived at a vertex so far, in order: their sum is its gradient so far."""
        seed = [v.gradient] if v is self.graph.root else []
        return seed + [edge.flow for k, _, edge in self.arrivals.get(v, []) if k < self.at]

    def pending(self, v: Vertex) -> list[Vertex]:
        """Those that have still to hand something on to v."""
        return [source for k, source, _ in self.arrivals.get(v, []) if k >= self.at]

    def entry(self, name: str, index: tuple[int, ...] = ()) -> list[tuple[tuple[int, ...], float, float]]:
        """The terms of one entry of what the step taken last hands on to an argument, by its name: a list of
        (entry of the upstream gradient, that gradient, the local derivative there), those with a local of 0 left out.

        Their products sum to the entry. Raises ValueError where the result has more than 4096 entries.
        """
        v = self.vertex
        if v is None:
            raise ValueError("no step has been taken")
        edges = [edge for edge in v.edges if edge.flow is not None and name in (text_of(edge.vertex), edge.role)]
        if not edges:
            raise KeyError(
                f"{text_of(v)} hands nothing on to {name!r}: {', '.join(text_of(e.vertex) for e in v.edges)}"
            )
        if not isinstance(v.gradient, np.ndarray):
            return [((), v.gradient, handed_on(v.source, 1.0)[edges[0].position])]
        if v.gradient.size > MOST:
            raise ValueError(f"{text_of(v)} has {v.gradient.size} entries; entry() goes through {MOST} at most")
        terms = []
        for at in np.ndindex(v.gradient.shape):
            one = np.zeros_like(v.gradient)
            one[at] = 1
            local = handed_on(v.source, one)[edges[0].position][index]
            if local != 0:
                terms.append((at, float(v.gradient[at]), float(local)))
        return terms

    def to_dict(self) -> dict[str, Any]:
        """The graph and the place in it, for JSON; numbers that are not finite are strings. See feed.py."""
        from .feed import told

        return told(self)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write step.html: one file to step through in a browser, with no network.

        Raises ValueError for another ending, OSError; the file is written whole or not at all.
        """
        from .page import page

        return saved(path, {".html": lambda: page(self)}, "step: a cursor")

    def _repr_html_(self) -> str:
        from .page import framed

        return framed(self)

    def __str__(self) -> str:
        v = self.vertex
        if v is None:
            root = self.graph.root
            head = f"{len(self)} steps\n{text_of(root)}{equals(root)}    gradient {shown(root.gradient)}"
            return f"{head}\n{self.graph.left_out}".rstrip()
        what = expression(v)
        head = what if what == text_of(v) else f"{text_of(v)} = {what}"
        lines = [f"step {self.at} of {len(self)}" + (", the last" if self.at == len(self) else "")]
        lines.append(f"{head}{equals(v)}    upstream {shown(v.gradient)}")
        where = [f"in {'.'.join(v.module)}"] if v.module else []
        where += [provenance.show(v.place)] if v.place else []
        lines += [f"  {'  '.join(where)}"] if where else []
        rows = self.rows()
        widths = [max((len(row[c]) for row in rows), default=0) for c in (0, 1)]
        lines += [f"  {name:<{widths[0]}}    {product:<{widths[1]}}    {total}" for name, product, total in rows]
        return "\n".join(lines)

    def rows(self) -> list[tuple[str, str, str]]:
        """What the step taken last hands on: to whom; upstream times local is downstream; and the sum there so far."""
        v = self.vertex
        if v is None:
            return []
        edges = [edge for edge in v.edges if edge.flow is not None]
        return [(text_of(e.vertex), self._product(v, e), self._sum(e, edges[:k])) for k, e in enumerate(edges)]

    def _product(self, v: Vertex, edge: Edge) -> str:
        """Upstream times local is downstream."""
        if single(v.gradient) and single(edge.flow):
            try:
                one = 1.0 if isinstance(v.gradient, float) else np.ones_like(v.gradient)
                local = shown(handed_on(v.source, one)[edge.position])
            except RuntimeError:  # freed or changed since
                local = "?"
            return f"{shown(v.gradient)} * {local} = {shown(edge.flow)}"
        return f"hands on {shown(edge.flow)}"

    def _sum(self, edge: Edge, earlier: list[Edge]) -> str:
        """What had arrived before, plus this; and what is to come. earlier: edges of this step above this one."""
        to = edge.vertex
        there = [e.flow for k, _, e in self.arrivals[to] if k < self.at - 1 or e in earlier]
        rest = [v for k, v, e in self.arrivals[to] if k >= self.at - 1 and e is not edge and e not in earlier]
        if not there and not rest:
            return "complete"
        total, said = edge.flow, "so far "
        if there:
            before = sum(there[1:], own(there[0]))
            said = f"{shown(before)} + {shown(edge.flow)} = " if single(before) else said
            total = before + edge.flow
        names = list(dict.fromkeys(text_of(v) for v in rest[:50]))
        names[NAMED:] = ["..."] * (len(names) > NAMED)
        end = f", to come {len(rest)}: {', '.join(names)}" if rest else ", complete"
        return said + shown(total) + end

    def show(self) -> None:
        """Open it as a screen with keys; where there is no terminal, print the whole pass. q closes it."""
        from .terminal import show

        show(self)

    def __repr__(self) -> str:
        return f"<Cursor behind step {self.at} of {len(self)}>"

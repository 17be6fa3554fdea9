"""The paths from a result to what it depends on: the gradient is the sum of what flows along each of them."""

from __future__ import annotations

import math
from heapq import nlargest
from typing import Any, NamedTuple

from ..core.tensor import Tensor
from ..scalar import Value
from .graph import Graph, Vertex, handed_on, look, names_around
from .words import norm, shown, text_of

TOP = 10
LONGEST, ENDS = 12, 4  # a longer path is shown by its ends


class Path(NamedTuple):
    """One way from the root to the parameter.

    vertices      from the root to the parameter
    contribution  the product of the local derivatives along it, times the root's gradient; its share of the gradient
    """

    vertices: tuple[Vertex, ...]
    contribution: Any

    def __str__(self) -> str:
        names = list(map(text_of, self.vertices))
        if len(names) > LONGEST:
            names[ENDS:-ENDS] = [f"... {len(names) - 2 * ENDS} ..."]
        return f"{shown(self.contribution)}    {' <- '.join(names)}"


Trail = tuple[Any, tuple[Any, ...]]  # a contribution, and its vertices from the last one back: (v, (before, (...)))


class Paths(NamedTuple):
    """The largest of the paths, the number of all there are, what the others add up to, and the sum of all."""

    largest: tuple[Path, ...]
    number: int
    rest: Any
    gradient: Any

    def __str__(self) -> str:
        lines = [str(path) for path in self.largest]
        if self.number > len(self.largest):
            lines.append(f"{shown(self.rest)}    {self.number - len(self.largest)} more")
        return "\n".join([*lines, f"{shown(self.gradient)}    the gradient"])


def paths(root: Value | Tensor, wrt: Value | Tensor | str, top: int = TOP, gradient: Any = None) -> Paths:
    """The `top` paths from `root` to `wrt`, or what has that name, that contribute most to its gradient, largest first.

    Of Values the largest are found exactly, however many there are; of Tensors, whose contributions are arrays, at each
    vertex the `top` of largest norm are followed. gradient: that of the root, unless it has one element.
    Raises ValueError where no gradient arrives at `wrt`, KeyError for a name that is not in the graph.

    >>> a, b = Value(3.0), Value(2.0)
    >>> print(paths(a * a * b + a, a))
    6    ((a * a) * b) + a <- (a * a) * b <- a * a <- a
    6    ((a * a) * b) + a <- (a * a) * b <- a * a <- a
    1    ((a * a) * b) + a <- a
    13    the gradient
    """
    graph = look(root, gradient, names_around())
    goal = graph.find(wrt) if isinstance(wrt, str) else graph.vertex_of(wrt)
    if goal is None or goal.gradient is None:
        why = [*graph.notes, graph.left_out and f"{graph.left_out} What was asked for is older, or not in the graph."]
        raise ValueError(" ".join(filter(None, why)) or "no gradient arrives there: the root does not depend on it")
    if any(getattr(getattr(v.gradient, "dtype", None), "kind", "") == "c" for v in graph.vertices):
        raise NotImplementedError("paths through complex tensors are not in glassgrad yet")
    onward = _leading_to(goal, graph)
    best: dict[Vertex, list[Trail]] = {graph.root: [(graph.root.gradient, (graph.root, ()))]}
    counts = {graph.root: 1}
    for v in reversed(graph.vertices):
        if v not in best or v is goal:
            continue
        for contribution, trail in best[v]:
            flows = handed_on(v.source, contribution)
            for edge in v.edges:
                if edge.vertex in onward and flows[edge.position] is not None:
                    found = best.setdefault(edge.vertex, [])
                    found.append((flows[edge.position], (edge.vertex, trail)))
        for to in _targets(v, onward):
            counts[to] = counts.get(to, 0) + counts[v]
            best[to] = nlargest(top, best[to], key=_weight)
    largest = tuple(Path(_walked(trail), contribution) for contribution, trail in best[goal])
    rest = goal.gradient
    for path in largest:
        rest = rest - path.contribution
    return Paths(largest, counts[goal], rest, goal.gradient)


def _walked(trail: tuple[Any, ...]) -> tuple[Vertex, ...]:
    found = []
    while trail:
        v, trail = trail
        found.append(v)
    return tuple(reversed(found))


def _targets(v: Vertex, onward: set[Vertex]) -> list[Vertex]:
    """Where gradients of v go on the way to the goal, once for each argument."""
    return [edge.vertex for edge in v.edges if edge.vertex in onward and edge.flow is not None]


def _leading_to(goal: Vertex, graph: Graph) -> set[Vertex]:
    """The vertices that are made of the goal, and itself."""
    found = {goal}
    for v in graph.vertices:
        if any(edge.vertex in found for edge in v.edges):
            found.add(v)
    return found


def _weight(trail: Trail) -> float:
    weight = norm(trail[0])
    return weight if weight == weight else math.inf

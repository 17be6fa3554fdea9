"""A cursor's graph and place for JSON: all that the page needs to say of any step what the cursor says."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from ...core.provenance import line_of
from ..graph import Edge, Graph, Vertex, declaration, handed_on, own
from ..summary import Known, measure, measured, on_host
from ..words import Made, norm, single, text_of
from .formulas import formula

if TYPE_CHECKING:
    from .cursor import Cursor

SMALL = 24  # entries of a tensor that are told one by one


def told(cursor: Cursor, known: Known | None = None) -> dict[str, Any]:
    """at, steps (vertices by number), vertices, rules (formulas); numbers that are not finite are strings.

    An edge's flow is upstream times local; sum is what has arrived with it, of tensors where it isn't the only one;
    local is known of numbers and of what works element by element; rule is the place of its formula. An array that
    stands in several places is told once, as one and the same dict.
    known: what has been measured of the graph's arrays.
    """
    graph = cursor.graph
    number = {v: k for k, v in enumerate(graph.vertices)}
    rules: dict[str, int] = {}
    totals = {edge: total for arrivals in cursor.arrivals.values() for edge, total in _totals(arrivals)}
    locals_ = {v: locals_of(v) for v in graph.vertices if v.edges}
    more = measured([*totals.values(), *chain.from_iterable(locals_.values())])
    known = {**(measured(arrays_of(graph)) if known is None else known), **more}
    seen: dict[int, Any] = {}
    made: Made = {}

    def tell(x: Any) -> Any:
        if x is None or (type(x) is float and math.isfinite(x)):
            return x
        if id(x) not in seen:
            seen[id(x)] = plain(x, known)
        return seen[id(x)]

    def of_edge(v: Vertex, edge: Edge, local: Any) -> dict[str, Any]:
        found = {"to": number[edge.vertex], "role": edge.role, "flow": tell(edge.flow)}
        some = {"sum": tell(totals.get(edge)), "local": tell(local)}
        rule = formula(v, edge) if edge.flow is not None else ""
        if rule:
            found["rule"] = rules.setdefault(rule, len(rules))
        return found | {key: value for key, value in some.items() if value is not None}

    return {
        "at": cursor.at,
        "steps": [number[v] for v in cursor.order],
        "vertices": [
            {
                "text": text_of(v, made), "kind": v.kind, "op": v.op, "title": v.title, "name": v.name,
                "module": list(v.module), "shape": None if v.shape is None else list(v.shape),
                "line": None if v.place is None else list(line_of(v.place)),
                "value": tell(v.value), "gradient": tell(v.gradient),
                "edges": [of_edge(v, e, local) for e, local in zip(v.edges, locals_.get(v, ()), strict=True)],
            }
            for v in graph.vertices
        ],
        "rules": list(rules),
    }  # fmt: skip


def arrays_of(graph: Graph) -> Iterator[Any]:
    """All that a picture of the graph and its page tell of."""
    for v in graph.vertices:
        yield v.value
        yield v.gradient
        yield from [edge.flow for edge in v.edges]


def _totals(arrivals: list[tuple[int, Vertex, Edge]]) -> list[tuple[Edge, Any]]:
    """Of several arrivals at a tensor's vertex, each with the sum of those up to it."""
    total, found = None, []
    for _, _, edge in arrivals if len(arrivals) > 1 and type(arrivals[0][2].flow) is not float else ():
        total = own(edge.flow) if total is None else own(total) + edge.flow
        found.append((edge, total))
    return found


def locals_of(v: Vertex) -> list[Any]:
    """For each argument the factor between upstream and downstream: of numbers, and where the factor is an array that
    multiplies element by element; else None, also where the graph was freed or changed since.
    """
    nothing = [None] * len(v.edges)
    g = v.gradient
    if not any(e.flow is not None for e in v.edges) or not (isinstance(g, float) or hasattr(g, "dtype")):
        return nothing
    if isinstance(g, float):
        factors = handed_on(v.source, 1.0)
        return [factors[e.position] for e in v.edges]
    op = declaration(v.source.op)[0]
    if not single(g) and (op is None or op.jvp != "elementwise"):
        return nothing
    try:
        factors = handed_on(v.source, np.ones_like(g))
    except Exception:  # freed or changed since, or a user's formula that is none
        return nothing

    def fits(flow: Any) -> bool:
        return getattr(flow, "shape", None) == g.shape or (single(flow) and single(g))

    return [factors[e.position] if e.flow is not None and fits(e.flow) else None for e in v.edges]


def plain(x: Any, known: Known | None = None) -> Any:
    """For JSON: a number; of a tensor its shape, norm, range and histogram; where they are few its entries, as text."""
    if x is None or (type(x) is float and math.isfinite(x)):
        return x
    if single(x):
        return _number(np.asarray(x).reshape(()).item())
    found: dict[str, Any] = {"shape": list(getattr(x, "shape", ()))}
    array = on_host(x)
    if array is None or array.dtype.kind == "c" or not array.size:
        return found | {"norm": _number(norm(x))}
    flat = array.reshape(-1)
    measures = measure(array, known)
    if measures is None:
        finite = flat[np.isfinite(flat)]
        found |= {"norm": _number(norm(x)), "wrong": flat.size - finite.size}
        measures = measure(finite)
    else:
        found["norm"] = measures.norm
    if measures is not None:
        found |= {"low": _short(measures.low), "high": _short(measures.high), "bars": list(measures.bars)}
    if array.size <= SMALL:
        found["entries"] = " ".join(["%.5g"] * flat.size) % (*flat.tolist(),)
    return found


def _number(x: Any) -> float | str:
    value = float(abs(x) if isinstance(x, complex) else x)
    return value if math.isfinite(value) else str(value)


def _short(x: float) -> float | str:
    return float(f"{x:.5g}") if math.isfinite(x) else str(float(x))

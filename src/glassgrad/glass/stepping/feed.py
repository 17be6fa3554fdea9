"""A cursor's graph and place for JSON: all that the page needs to say of any step what the cursor says."""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from ...core import provenance
from ..graph import Edge, Vertex, declaration, handed_on, own
from ..summary import histogram, on_host
from ..words import norm, single, text_of
from .formulas import formula

if TYPE_CHECKING:
    from .cursor import Cursor

SMALL = 24  # entries of a tensor that are told one by one


def told(cursor: Cursor) -> dict[str, Any]:
    """at, steps (vertices by number), vertices, rules (formulas); numbers that are not finite are strings.

    An edge's flow is upstream times local; sum is what has arrived with it, of tensors where it isn't the only one;
    local is known of numbers and of what works element by element; rule is the place of its formula.
    """
    graph = cursor.graph
    number = {v: k for k, v in enumerate(graph.vertices)}
    rules: dict[str, int] = {}
    totals = {edge: total for arrivals in cursor.arrivals.values() for edge, total in _totals(arrivals)}
    line_of = cache(provenance.line_of)

    def of_edge(v: Vertex, edge: Edge, local: Any) -> dict[str, Any]:
        rule = formula(v, edge) if edge.flow is not None else ""
        more = {"sum": plain(totals.get(edge)), "local": plain(local)}
        if rule:
            more["rule"] = rules.setdefault(rule, len(rules))
        some = {key: value for key, value in more.items() if value is not None}
        return {"to": number[edge.vertex], "role": edge.role, "flow": plain(edge.flow)} | some

    return {
        "at": cursor.at,
        "steps": [number[v] for v in cursor.order],
        "vertices": [
            {
                "text": text_of(v), "kind": v.kind, "op": v.op, "title": v.title, "name": v.name,
                "module": list(v.module), "shape": None if v.shape is None else list(v.shape),
                "line": None if v.place is None else list(line_of(v.place)),
                "value": plain(v.value), "gradient": plain(v.gradient),
                "edges": [of_edge(v, e, local) for e, local in zip(v.edges, locals_of(v), strict=True)],
            }
            for v in graph.vertices
        ],
        "rules": list(rules),
    }  # fmt: skip


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


def plain(x: Any) -> Any:
    """For JSON: a number; of a tensor its shape, norm, range and histogram, and its entries where they are few."""
    if x is None or (type(x) is float and math.isfinite(x)):
        return x
    if single(x):
        return _number(np.asarray(x).reshape(()).item())
    found: dict[str, Any] = {"shape": list(getattr(x, "shape", ())), "norm": _number(norm(x))}
    array = on_host(x)
    if array is None or array.dtype.kind == "c" or not array.size:
        return found
    flat = array.reshape(-1).astype(np.float64)
    finite = flat[np.isfinite(flat)]
    if finite.size < flat.size:
        found["wrong"] = flat.size - finite.size
    if finite.size:
        found |= {"low": _short(finite.min()), "high": _short(finite.max()), "bars": list(histogram(finite))}
    if array.size <= SMALL:
        found["entries"] = [_short(e) for e in flat]
    return found


def _number(x: Any) -> float | str:
    value = float(abs(x) if isinstance(x, complex) else x)
    return value if math.isfinite(value) else str(value)


def _short(x: float) -> float | str:
    return _number(float(f"{x:.5g}"))

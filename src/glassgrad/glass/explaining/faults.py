"""Where the first NaN or infinity comes from, on the way forward or back, and what the operation was given."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...core.tensor import Tensor
from ..graph import Edge, Vertex
from ..summary import on_host
from ..trail import Event
from ..words import text_of
from .answer import Explanation, assigned, line, say
from .causes import LEARN_MORE
from .question import Question
from .zeros import Front, operand, options

LOGS = ("log", "log2", "log10", "log1p", "xlogy", "logit")
ROOTS = ("sqrt", "pow", "vector_norm", "std", "rsqrt", "hypot", "**", "cdist")
ENDS = ("acos", "asin", "acosh", "atanh", "erfinv")  # of their domains have infinite slopes
QUOTIENTS = ("div", "reciprocal", "rsqrt", "standardize", "remainder", "fmod")
UNDERFLOWS = ("prod", "mul", "exp", "sigmoid", "softmax")
MEANS = ("mean", "var", "std")
OVERFLOWS = tuple("exp exp2 expm1 pow square mul sum matmul linear cosh sinh prod cumprod affine cast".split())


def no_number(q: Question, state: str) -> Explanation:
    if q.graph is None:
        return Explanation("", q.name, state, "no loss is at hand", more=f"explain(p, loss), or {LEARN_MORE}")
    root = q.graph.root
    if bad(root.value):
        first = _first(q, root)
        return _forward(q, state, first) if first is not None else _unseen(q, state)
    for v in reversed(q.graph.vertices):
        if v.gradient is None or bad(v.gradient):
            continue
        for edge in v.edges:
            if bad(edge.flow):
                return _backward(q, state, v, edge)
    known = [v for v in q.graph.vertices if bad(v.value)]
    first = _first(q, known[0]) if known else None
    return _forward(q, state, first) if first is not None else _unseen(q, state)


def _unseen(q: Question, state: str) -> Explanation:
    """The graph was freed, and its numbers with it: what of its operations can make what is no number."""
    assert q.graph is not None
    able = [v for v in q.graph.vertices if v.op in (*LOGS, *QUOTIENTS, *ROOTS, "exp") and v.op != "pow"]
    if not able:
        return Explanation(
            "", q.name, state, "backward() has freed the graph, and its numbers with it", more=LEARN_MORE
        )
    v = able[0]
    code = "GE301" if v.op in LOGS else "GE302" if v.op in QUOTIENTS else "GE303" if v.op in ROOTS else "GE304"
    lost = "backward() has freed the graph" if q.graph.notes else "its numbers were not watched"
    note = f"{lost}, so this is what the way to it leaves to choose from"
    also = sorted({f"or {u.op} at {line(u.place)}" for u in able[1:] if u.place != v.place})[:3]
    return say(code, q.name, state, v.place, note, *also, more=LEARN_MORE, op=v.op, dtype="its dtype")


def bad(x: Any) -> bool:
    return _kind(x) != ""


def _kind(x: Any) -> str:
    """ "nan", "inf" or ""."""
    if x is None:
        return ""
    if hasattr(x, "parts"):
        return max((_kind(part) for part in x.parts.values()), default="")
    x = on_host(x)
    if x is None or x.dtype.kind not in "fc":
        return ""
    return "nan" if np.isnan(x).any() else "inf" if np.isinf(x).any() else ""


def _first(q: Question, root: Vertex) -> Vertex | None:
    """The operation or leaf that made the first of them, below what is no number; None where nobody can tell.

    Where results are not known the search goes on, and ends at an operation whose operands explain it.
    """
    below, stack = {root}, [root]
    while stack:
        for edge in stack.pop().edges:
            u = edge.vertex
            if u not in below and (bad(u.value) or (u.op and u.value is None)):
                below.add(u)
                stack.append(u)
    if nothing := [v for v in below if of_nothing(v)]:
        return min(nothing, key=lambda v: v.number)
    sources = [v for v in below if bad(v.value) and not any(e.vertex in below for e in v.edges)]
    sources += [v for v in below if v.op and (v.value is None or v is root) and _code(v, True) in ("GE301", "GE302")]
    numbers = [v for v in sources if v.op or _kind(v.value) == "nan"]
    if numbers:
        return min(numbers, key=lambda v: (bool(v.op), v.number))
    if sources:  # infinite leaves: -inf is a mask's usual number; blame what made NaN of it
        made = min((v for v in below if v.op and _kind(v.value) == "nan"), key=lambda v: v.number, default=None)
        if made is not None and made.op == "mul":  # 0 times what a logarithm or a quotient has made
            made = next((v for v in sources if _bad_event(q, v.value) is not None), made)
        return made or sources[0]
    return None


def _code(v: Vertex, surely: bool = False) -> str:
    """Why this operation gives no number, as far as its operands tell; "" if it need not. surely: they alone."""
    result = None if surely else v.value
    if of_nothing(v):
        return "GE309"
    numbers = [x for x in (on_host(e.vertex.value) for e in v.edges if e.vertex.value is not None) if x is not None]
    if any(_kind(x) for x in numbers):
        return "GE305"
    if v.op in LOGS:
        return "GE301" if result is not None or any((np.asarray(x) <= 0).any() for x in numbers) else ""
    if v.op in QUOTIENTS and (
        result is not None and len(numbers) < 2 or numbers and (np.asarray(numbers[-1]) == 0).any()
    ):
        return "GE302"
    if result is None:
        return ""
    if _kind(result) == "inf" and (v.op in OVERFLOWS or v.op.startswith("**")):
        return "GE302" if v.op == "pow" and (np.asarray(numbers[0]) == 0).any() else "GE304"
    return "GE311" if v.op in (*ENDS, *ROOTS) else "GE308"


def of_nothing(v: Vertex) -> str:
    """What a mean of no numbers was given; "" of all else."""
    given, shape = options(v), v.edges[0].vertex.shape if v.edges else None
    if v.op in MEANS and 0 in (shape or ()):
        return f"it is given the shape {shape}"
    if v.op in ("std", "var") and shape:
        dim = given.get("dim")
        dims = range(len(shape)) if dim is None else dim if isinstance(dim, tuple) else (dim,)
        n, correction = math.prod(shape[k] for k in dims), given.get("correction", 1)
        return f"it divides by n - {correction}, and n is {n}: shape {shape}" if n <= correction else ""
    if v.op != "nll_total":
        return ""
    n, _, *rest = given["x_shape"]
    if not given["at"].size:
        return f"all of its {n * math.prod(rest):,} targets are ignored (ignore_index)"
    return "the weights of its targets add up to no number above 0" if bad(given["share"]) else ""


def _forward(q: Question, state: str, v: Vertex) -> Explanation:
    if not v.op:
        return _leaf(q, state, v)
    out = np.asarray(on_host(v.value)) if v.value is not None else np.zeros(0)
    dtype = out.dtype.name if out.size else "its dtype"
    code = _code(v) or "GE308"
    if nothing := of_nothing(v):
        op = "the loss" if v.op == "nll_total" else v.op
        return say(code, q.name, state, v.place, nothing, q.inside(v), op=op)
    evidence = [*_operands(v), _all_masked(v), _underflow(v), q.inside(v)]
    return say(code, q.name, state, v.place, *evidence, op=v.op, dtype=dtype)


def _underflow(v: Vertex) -> str:
    """Where a 0 comes from that no operand had."""
    for u in (e.vertex for e in v.edges if e.vertex.op in UNDERFLOWS):
        numbers = [on_host(x.value) for x in (u, *(e.vertex for e in u.edges))]
        made, *given = [np.asarray(x) for x in numbers if x is not None] or [np.ones(1)]
        if (made == 0).any() and given and (u.op not in ("prod", "mul") or all(x.all() for x in given)):
            return f"{u.op} has made 0 of what is not: too small for {made.dtype.name}, at {line(u.place)}"
    return ""


def _all_masked(v: Vertex) -> str:
    """Of a softmax without a choice."""
    x: Any = on_host(v.edges[0].vertex.value) if v.edges and v.edges[0].vertex.value is not None else None
    if v.op not in ("softmax", "log_softmax") or x is None:
        return ""
    rows = np.isneginf(x).all(options(v).get("dim", -1))
    return f"{int(rows.sum()):,} of its {rows.size:,} rows are -inf throughout: all is masked" if rows.any() else ""


def _leaf(q: Question, state: str, v: Vertex) -> Explanation:
    """Numbers that were bad before the step began; or made without recording, which somebody may have watched."""
    name = v.name or "the data"
    x = np.asarray(on_host(v.value))
    first = tuple(int(i) for i in np.argwhere(~np.isfinite(x))[0]) if x.ndim else ()
    where = f"the first at {list(first)}" if first else ""
    count = f"{int((~np.isfinite(x)).sum()):,} of its {x.size:,} numbers are none"
    if (made := _bad_event(q, v.value)) is not None:
        code, event = made
        return say(code, q.name, state, event.place, f"of {name}: {count}", where, op=event.what)
    version: list[Any] = v.source.version if isinstance(v.source, Tensor) and v.wants else []
    if len(version) > 1:
        return say("GE310", q.name, state, version[1], count, where, what=name)
    using = next((u for u, _ in q.consumers()[v]), None)
    place = assigned(v.name, q.frame) or (using.place if using is not None else None)
    return say("GE306", q.name, state, place, count, where, what=name)


def _bad_event(q: Question, array: Any) -> tuple[str, Event] | None:
    """An unrecorded operation of the trail that made these numbers: dividing data by its deviation."""
    event = q.trail.origin(Tensor._of(array)) if q.trail is not None else None
    if event is None or event.cuts or event.what not in (*LOGS, *QUOTIENTS, *OVERFLOWS, *ROOTS):
        return None
    return "GE301" if event.what in LOGS else "GE302" if event.what in QUOTIENTS else "GE308", event


def _operands(v: Vertex) -> list[str]:
    """Its operands in numbers: those of the first bad result, where there are as many as results."""
    out: Any = on_host(v.value) if v.value is not None else None
    at: Any = np.argwhere(~np.isfinite(out)) if out is not None and np.ndim(out) else ()
    index = tuple(int(i) for i in at[0]) if len(at) else None
    rows = []
    for edge in v.edges:
        x: Any = on_host(edge.vertex.value) if edge.vertex.value is not None else None
        if x is None:
            continue
        name = edge.vertex.name or edge.role or text_of(edge.vertex)
        if index is not None and np.shape(x) == np.shape(out):
            rows.append(f"{name}[{', '.join(map(str, index))}] = {_number(x[index])}")
        elif np.size(x) == 1:
            rows.append(f"{name} = {_number(x.reshape(-1)[0])}")
        elif x.size:
            rows.append(f"{name} from {_number(np.min(x))} to {_number(np.max(x))}")
    if out is not None and rows:
        result = np.asarray(out)[index] if index is not None else np.asarray(out).reshape(-1)[0]
        rows.append(f"gives {_number(result)}")
    return [", ".join(rows)] if rows else []


def _number(x: Any) -> str:
    return f"{x:.4g}"


def _backward(q: Question, state: str, v: Vertex, edge: Edge) -> Explanation:
    """Finite numbers all the way forward, and an infinite slope."""
    x: Any = operand(Front(v, edge))
    flow: Any = np.asarray(on_host(edge.flow)) if not hasattr(edge.flow, "parts") else np.zeros(0)
    rows = []
    at: Any = np.argwhere(~np.isfinite(flow)) if flow.ndim else ()
    index = tuple(int(i) for i in at[0]) if len(at) else None
    if x is not None and index is not None and np.shape(x) == flow.shape:
        rows.append(f"its argument [{', '.join(map(str, index))}] is {_number(x[index])}")
    elif x is not None and np.size(x) == 1:
        rows.append(f"its argument is {_number(np.asarray(x).reshape(-1)[0])}")
    g: Any = on_host(v.gradient) if not hasattr(v.gradient, "parts") else None
    arrived = None
    if g is not None and index is not None and np.shape(g) == flow.shape:
        arrived = float(np.asarray(g)[index])
        rows.append(f"upstream {_number(arrived)}, downstream {_number(flow[index])}")
    elif g is not None and np.size(g) == 1:
        rows.append(f"upstream {_number(np.asarray(g).reshape(-1)[0])}")
    slopes = {"GE303": ROOTS, "GE301": LOGS, "GE302": QUOTIENTS, "GE311": ENDS}
    code = next(
        (code for code, ops in slopes.items() if v.op in ops or (v.op[:2] == "**" and code == "GE303")), "GE308"
    )
    if arrived in (0, None) and _behind_where(q, v):
        code = "GE307"
    return say(code, q.name, state, v.place, ", ".join(rows), q.inside(v), op=v.op)


def _behind_where(q: Question, v: Vertex) -> bool:
    """Whether its result goes into a where()."""
    consumers, stack, seen = q.consumers(), [v], {v}
    for _ in range(4):
        above = [u for x in stack for u, _ in consumers[x] if u not in seen]
        if any(u.op == "where" for u in above):
            return True
        seen.update(above)
        stack = above
    return False

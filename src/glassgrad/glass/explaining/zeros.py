"""Why a gradient is zero: the operations at which it arrives and is not handed on, and what they were given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ...core.graph import Node
from ...core.provenance import of_the_user
from ...core.tensor import Tensor
from ...scalar import Value
from ..canvas import short
from ..graph import Edge, Vertex, saved_of
from ..summary import on_host
from .answer import DRAWS, Explanation, line, say
from .causes import LEARN_MORE
from .measure import biggest
from .missing import _reset
from .question import Question
from .sizes import NORMS, first_norm, wrong_size

EPSILON = 1e-6  # a gradient so small beside its numbers is looked into
FAINT = 1e-6  # so small a share of what arrived is as good as nothing
ROUNDED = 1e-4  # where numbers cancel that were divided by their own deviation, rounding leaves more


class Front(NamedTuple):
    """An operation at which a gradient arrives, and the argument to which nothing goes on."""

    v: Vertex
    edge: Edge


def zero(q: Question, state: str, at: Any = None) -> Explanation:
    v = q.vertex
    if v is None or q.graph is None:
        return Explanation("", q.name, state, "no loss is at hand", more=f"explain(p, loss), or {LEARN_MORE}")
    if v.gradient is None or not any(e.flow is not None for u in q.graph.vertices for e in u.edges):
        return _by_structure(q, state, v, [], at)
    if biggest(v.gradient) > EPSILON and at is None:
        place = _reset(q)
        return say("GE112", q.name, state, place, f"this loss gives it one of {short(biggest(v.gradient))}", value="0")
    found, crossing = fronts(q, v, at)
    known = [f for f in found if _key(f.v) in HOW]
    if explanation := _hook(q, state) or _best(q, state, known) or _cancel(q, state, crossing):
        return explanation
    if biggest(v.gradient):  # small, and nowhere cut
        return wrong_size(q) or say(
            "GE100", q.name, state, None, "it is as small as the loss: nowhere on its way is it lost"
        )
    return _by_structure(q, state, v, found, at)


def fronts(q: Question, v: Vertex, at: Any = None) -> tuple[list[Front], Vertex | None]:
    """Where the gradient ends on its way to v, and where arrivals add up to 0. at: of which part of v."""
    consumers = q.consumers()
    found: list[Front] = []
    crossing: Vertex | None = None
    parts: dict[Vertex, Any] = {v: at}
    stack = [v]
    while stack:
        x = stack.pop()
        arrivals = []
        for u, edge in consumers[x]:
            above = _part_above(u, edge, parts[x])
            arrived, flow = _size_at(u.gradient, above), _size_at(edge.flow, parts[x])
            if arrived and flow <= (ROUNDED if u.op in NORMS else FAINT) * arrived:
                found.append(Front(u, edge))
            arrivals += [flow] if flow else []
            if u not in parts and flow <= EPSILON:
                parts[u] = above
                stack.append(u)
        if len(arrivals) > 1 and _size_at(x.gradient, parts[x]) <= FAINT * max(arrivals):
            crossing = x
    return found, crossing


UNITS = {"linear": ("w", "b"), "affine": ("w",), "scale_shift": ("w", "b")}  # whose first dim is the result's last


def _part_above(u: Vertex, edge: Edge, at: Any) -> Any:
    """The part of a result that is made of the part `at` of an argument; None: of all of it, or nobody knows."""
    if at is None:
        return _place_among(u, edge) if u.op in ("stack", "cat") else None
    if edge.role in UNITS.get(u.op, ()):
        return (..., at[0] if isinstance(at, tuple) else at)
    same = u.gradient is not None and np.shape(u.gradient) == np.shape(edge.flow)
    return at if same else None


def _place_among(u: Vertex, edge: Edge) -> Any:
    """Where an argument lies in what is put together of several."""
    saved = saved_of(u.source) if isinstance(u.source, Node) else ()
    if edge.position >= len(saved) or saved[edge.position] is None:
        return None
    i, dim, *starts = saved[edge.position]
    return (*[slice(None)] * dim, slice(*starts[0][i : i + 2]) if starts else i)


def _size_at(x: Any, at: Any) -> float:
    if x is None or at is None or hasattr(x, "parts") or hasattr(x, "sparse"):
        return biggest(x)
    return biggest(np.asarray(x)[at])


# --- what the operation was given ---


def _array(v: Vertex | None) -> Any:
    return None if v is None or v.value is None else on_host(v.value)


def operand(f: Front) -> Any:
    """The argument to which nothing goes on."""
    x = _array(f.edge.vertex)
    return x if x is not None or not isinstance(f.v.source, Node) else _saved(f.v.source, f.edge.position)


def _saved(node: Node, k: int) -> Any:
    saved = saved_of(node)
    kept = saved[k] if k < len(saved) else None
    return next((on_host(x) for x in kept or () if hasattr(x, "dtype") and np.ndim(x)), None)


def other_operand(f: Front) -> tuple[Any, Vertex | None]:
    """What the gradient was multiplied by, and where it came from."""
    edges, half = f.v.edges, len(f.v.edges) // 2
    if isinstance(f.v.source, Value) and half:  # of w, x and b: x of w, w of x
        edges = [edges[(f.edge.position + half) % (2 * half)]]
    for edge in edges:
        if edge is not f.edge and (x := _array(edge.vertex)) is not None:
            return x, edge.vertex
    source = f.v.source
    saved = saved_of(source) if isinstance(source, Node) else ()
    if f.edge.position < len(saved):
        for x in saved[f.edge.position] or ():
            if hasattr(x, "dtype"):
                return on_host(x), None
    return None, None


def words(x: Any) -> str:
    if x is None or not np.size(x):
        return ""
    x = np.asarray(x)
    if x.size == 1:
        return f"it is given {float(x.reshape(-1)[0]):.4g}"
    return f"it is given {x.size:,} numbers from {float(x.min()):.4g} to {float(x.max()):.4g}"


# --- by operation ---


class Said(NamedTuple):
    """A code, what its sentence is about, the evidence, and the operation that is to blame, if it is another one."""

    code: str
    about: dict[str, Any]
    evidence: tuple[str, ...] = ()
    instead: Vertex | None = None


How = Callable[[Question, Front], Said]


def plainly(code: str, given: bool = True) -> How:
    return lambda q, f: Said(code, {"op": f.v.op or f.v.title}, (words(operand(f)),) if given else ())


_steps, _clamped, _largest = plainly("GE206"), plainly("GE203"), plainly("GE209")
_selected = plainly("GE208", given=False)


def _relu(q: Question, f: Front) -> Said:
    y = _array(f.v)
    share = f"{int((np.asarray(y) == 0).sum()):,} of its {np.size(y):,} results are 0" if np.size(y) > 1 else ""
    return Said("GE201", {"what": "this ReLU"}, (words(operand(f)), share))


def _saturated(q: Question, f: Front) -> Said:
    y, op = _array(f.v), f.v.op
    if op in ("softmax", "log_softmax") and y is not None and np.ndim(y):
        dim = options(f.v).get("dim")
        p = np.exp(y) if op == "log_softmax" else y
        if dim is not None and p.shape[dim] == 1:
            one = {"op": op, "what": "1" if op == "softmax" else "0"}
            return Said("GE211", one, (f"its dim {dim} has one element: shape {p.shape}",))
        if float(p.max(axis=dim if dim is not None else -1).min()) < 1 - 1e-3:
            return Said("GE211", {"op": f"a sum over {op}", "what": "1"}, ("all of its results are used alike",))
    end = f"it gives {float(np.min(y)):.4g} to {float(np.max(y)):.4g}" if y is not None and np.size(y) else ""
    return Said("GE202", {"op": op}, (words(operand(f)), end))


def options(v: Vertex) -> dict[str, Any]:
    """What an operation's formulas need, by their words for it."""
    op: Any = v.source.op if isinstance(v.source, Node) else None
    if not hasattr(op, "kept_names"):  # a user's Function
        return {}
    rows = zip(op.kept_names(), saved_of(v.source), strict=False)
    return {name: x for names, kept in rows for name, x in zip(names, kept or (), strict=False)}


def _product(q: Question, f: Front) -> Said:
    """By zero: a dead ReLU's, a mask's, a dropout's, padding's, or some other's."""
    x, came = other_operand(f)
    if f.edge.role == "b":
        return _shift(q, f)
    if _balanced(f, x):
        return Said("GE217", {"op": f.v.op})
    behind = _where_zeros_begin(came)
    if behind is not None and behind.op in RELUS:
        return Said("GE201", {"what": "this ReLU"}, (f"{_zeros_of(x)} where they are multiplied",), behind)
    if behind is not None and _only_padding(behind):
        return _of_padding(behind)
    dropped = q.trail is not None and f.v.place in q.trail.dropped
    if dropped or "dropout" in str(line(f.v.place)).lower() or "Dropout" in " ".join(q.kinds(f.v)):
        return Said("GE210", {})
    if f.v.op == "mul" and came is not None and not came.wants and _is_mask(q, came):
        return Said("GE205", {"op": "this mask"}, (_zeros_of(x),))
    came = behind if behind is not None and behind.name and _is_zero(behind) else came
    name = came.name if came is not None and came.name else f"{f.v.op}'s other operand"
    return Said("GE204", {"what": name}, (_zeros_of(x if came is None else _array(came)),))


def _is_zero(v: Vertex) -> bool:
    x = _array(v)
    return x is not None and x.dtype.kind in "fc" and bool(x.size) and not x.any()  # indices may be 0


def _where_zeros_begin(v: Vertex | None) -> Vertex | None:
    """The first of the operations, back from v, that made zeros of what is none; or the leaf that is 0."""
    while v is not None and v.edges:
        dead = v.op in RELUS and not _is_zero(v.edges[0].vertex)
        zeros = [e.vertex for e in v.edges if _is_zero(e.vertex)] if _is_zero(v) and not dead else []
        if not zeros and (dead or v.op not in PASSING):
            return v
        v = zeros[0] if zeros else v.edges[0].vertex
    return v


def _balanced(f: Front, x: Any) -> bool:
    """Whether a gradient of 0 is a sum of products that are not 0: they are in balance."""
    if x is None or not isinstance(f.v.source, Node) or hasattr(f.v.gradient, "parts"):
        return False
    g: Any = on_host(f.v.gradient)
    size, other = np.abs(g), np.abs(x)
    if f.v.op in ("mul", "*"):
        products = size * other
    elif np.ndim(x) > 1 and np.shape(x)[:-1] == np.shape(g)[:-1]:
        products = size.max(-1) * other.max(-1)
    else:
        return bool(np.all(x))
    return bool(products.max(initial=0) > ROUNDED * size.max(initial=0) * other.max(initial=0))


def _only_padding(v: Vertex) -> bool:
    padding, index = options(v).get("padding"), options(v).get("index")
    return v.op == "embedding" and padding is not None and bool((on_host(index) == padding).all())


def _of_padding(v: Vertex) -> Said:
    index, padding = options(v)["index"], options(v)["padding"]
    return Said("GE216", {"op": "embedding"}, (f"all of its {np.size(index):,} indices are {padding}",), v)


def _chosen(q: Question, f: Front) -> Said:
    return _of_padding(f.v) if _only_padding(f.v) else _selected(q, f)


def _is_mask(q: Question, v: Vertex) -> bool:
    """Whether a constant holds 0 and 1, made of truths or under such a name."""
    x = _array(v)
    if x is None or np.ndim(x) == 0 or not np.isin(x, (0, 1)).all():
        return False
    made = q.trail.origin(Tensor._of(v.value)) if q.trail is not None else None
    return "mask" in v.name or x.dtype == bool or (made is not None and made.what in TRUTHS)


def _zeros_of(x: Any) -> str:
    if x is None:
        return ""
    x = np.asarray(x)
    return "the number is 0" if x.size == 1 else f"{int((x == 0).sum()):,} of its {x.size:,} numbers are 0"


def _shift(q: Question, f: Front) -> Said:
    """The gradient of what is added is a sum: something behind it may let no shift through."""
    norm = first_norm(q, f.v)
    if norm.op in NORMS:
        return Said("GE215", {"op": norm.op}, ("what flows back to it adds up to 0",))
    return Said("GE217", {"op": f.v.op})


def _masked(q: Question, f: Front) -> Said:
    at = line(f.v.place)
    return Said("GE122" if at is not None and DRAWS.search(at.text) else "GE205", {"op": f.v.op})


def _normal(q: Question, f: Front) -> Said:
    return Said("GE211", {"op": f.v.op, "what": "results of the same sum and the same sum of squares"})


def _flat(q: Question, f: Front) -> Said:
    given = words(operand(f)).removeprefix("it is given ") or "its argument is where it turns"
    return Said("GE213", {"op": f.v.op or f.v.title, "what": given})


RELUS = ("relu", "ReLU")
PASSING = tuple("view transpose permute t expand squeeze unsqueeze clone cast slice mean sum".split())
TRUTHS = tuple("cast gt lt ge le eq ne logical_not".split())
# operation -> how its silence is explained; the order is that of suspicion, where several could be meant
HOW: dict[str, How] = {
    name: how
    for names, how in {
        "sign floor ceil round trunc sgn heaviside div_trunc div_floor angle": _steps,
        "relu ReLU": _relu,
        "clamp hardtanh": _clamped,
        "sigmoid tanh softmax log_softmax log_sigmoid logsigmoid softplus elu gelu gelu_tanh silu erf": _saturated,
        "where tril triu masked_select": _masked,
        "amax amin maximum minimum fmax fmin max_pool pick_window": _largest,
        "mul * linear affine matmul dot convolution div scale_shift": _product,
        "embedding index gather select slice index_select take take_flat": _chosen,
        "standardize": _normal,
        "add sub expand": _shift,
        "pow square abs sin cos vector_norm std var exp": _flat,
    }.items()
    for name in names.split()
}
RANK = {op: k for k, op in enumerate(HOW)}


def _key(v: Vertex) -> str:
    return "pow" if v.op.startswith("**") else v.op


def _suspicion(f: Front) -> tuple[int, int]:
    return RANK.get(_key(f.v), len(RANK)), -f.v.number


def _best(q: Question, state: str, found: list[Front]) -> Explanation | None:
    """The cause that explains it: where several operations stop it, the most suspicious, then the newest."""
    if not found:
        return None
    f = min(found, key=_suspicion)
    said = HOW.get(_key(f.v), _flat)(q, f)
    v = said.instead or f.v
    return say(said.code, q.name, state, v.place, *said.evidence, q.inside(v), **said.about)


def _cancel(q: Question, state: str, crossing: Vertex | None) -> Explanation | None:
    """Arrivals that add up to 0: told at the operation in which their ways meet."""
    if crossing is None:
        return None
    arrivals = [(u, e) for u, e in q.consumers()[crossing] if biggest(e.flow)]
    meeting = min(set.intersection(*[q.above(u) for u, _ in arrivals]), key=lambda u: u.number)
    if all(e.role == "b" for _, e in arrivals):
        return say("GE215", q.name, state, meeting.place, op=meeting.op)
    sizes = ", ".join(f"{short(_signed(e.flow))} by {u.op}" for u, e in arrivals[:4])
    return say("GE207", q.name, state, meeting.place, f"they are {sizes}", count=len(arrivals))


def _signed(x: Any) -> float:
    x = np.asarray(x)
    return float(x.reshape(-1)[np.abs(x).argmax()])


def _hook(q: Question, state: str) -> Explanation | None:
    """A hook that gave 0 for what was not: before the operation's own formulas, or behind them."""
    assert q.graph is not None
    for u in q.graph.vertices:
        hooks = getattr(u.source, "hooks", None) or getattr(u.source, "_hooks", None)
        if not hooks:
            continue
        after = getattr(hooks, "after", None)
        if biggest(u.gradient):
            to_nothing = bool(after) and not any(biggest(e.flow) for e in u.edges)
        else:
            to_nothing = any(biggest(e.flow) for _, e in q.consumers()[u])
        if to_nothing:
            return say("GE214", q.name, state, _line_of(after or hooks) or u.place, q.inside(u))
    return None


def _line_of(hooks: Any) -> Any:
    """That of the first function of the user's among them; a module's are behind a method of its gates."""
    for hook in hooks.values() if isinstance(hooks, dict) else ():
        gates = [cell.cell_contents for cell in getattr(hook, "__closure__", None) or ()]
        own = [f for gate in gates for f in (*getattr(gate, "after", ()), *getattr(gate, "before", ()))]
        for code in (f.__code__ for f in (*own, hook) if hasattr(f, "__code__")):
            if of_the_user(code.co_filename):
                return code, 0
    return None


def _by_structure(q: Question, state: str, v: Vertex, found: list[Front], at: Any) -> Explanation:
    """Where numbers don't tell: the operations on the way that can stop a gradient altogether."""
    assert q.graph is not None
    stops = (_saturated,) if biggest(q.gradient) and at is None else (_steps, _relu, _clamped, _masked, _largest)
    stops = (*stops, _chosen) if at is not None else stops
    way = [Front(u, e) for u in q.above(v) - {v} for e in u.edges]
    able = sorted((f for f in way if HOW.get(_key(f.v)) in stops or f.v.op in ("mul", "*")), key=_suspicion)
    said = _best(q, state, able or found)
    if said is None:
        said = Explanation("", q.name, state, "nothing on the way back to it could stop a gradient", more=LEARN_MORE)
    elif q.graph.notes:
        also = sorted({f"or {f.v.op} at {line(f.v.place)}" for f in able if line(f.v.place) != said.place})[:3]
        said.evidence = ["backward() has freed the graph, and this is what the way to it leaves to choose from", *also]
        said.more = LEARN_MORE
    return said

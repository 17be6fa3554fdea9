"""Why there is no gradient: what p is, where it went, what happened to the graph, and what came after."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from ...core.backend import to_host
from ...core.cuts import cuts
from ...core.graph import Node
from ...core.provenance import line_of
from ...core.tensor import Tensor
from ...nn import Module
from ...optim import Optimizer
from ...scalar import Value
from ..canvas import short
from ..graph import Vertex
from .answer import DRAWS, Explanation, Line, assigned, line, say, unrecorded, written, written_in
from .causes import LEARN_MORE
from .measure import size_of
from .question import Question, leaves, reaches, variables

COPIES = ("cast", "move", "clone", "alias")
SCALES = ("mul", "div", "view")  # x = randn(3, requires_grad=True) * 0.1, where nobody holds the leaf
RESETS = r"\.zero_grad\s*\(|\.grad\s*=\s*None"
TAKEN = ("item()", "tolist()", "numpy()")
ASSIGNS, LOGS = re.compile(r"(?<![=<>!+*/-])=(?!=)"), re.compile(r"print|append|log|history|losses")


def missing(q: Question, state: str) -> Explanation:
    if isinstance(q.p, Value):
        return _value(q, state)
    for question in (_what_it_is, _graph_reaches_it, _where_it_went):
        found = question(q, state)
        if found is not None:
            return found
    raise AssertionError("the last question has an answer")


# --- what p itself is ---


def _what_it_is(q: Question, state: str) -> Explanation | None:
    p: Tensor = q.p
    made = q.trail.origin(p) if q.trail is not None else None
    if not (p.is_floating_point() or p.is_complex()):
        place = (made and made.place) or assigned(q.name, q.frame)
        return say("GE108", q.name, state, place, dtype=str(p.dtype).split(".")[-1])
    node = p.grad_fn
    if node is not None and not p.retains_grad:
        of = [e for e in node.edges if e is not None]
        unheld = not any(id(e) in q.names for e in of)
        if (node.op.name in COPIES or (unheld and node.op.name in SCALES)) and all(isinstance(e, Tensor) for e in of):
            return say("GE110", q.name, state, node.place, op=f"{node.op.name}()")
        if unheld and node.op.name in ("add", "sub") and _had_gradients(of):
            return say("GE120", q.name, state, node.place)
        return say("GE109", q.name, state, node.place, op=node.op.name)
    if p.requires_grad:
        return None
    if p._frozen is not None:
        return say("GE106", q.name, state, p._frozen)
    for known in (c for several in cuts.values() for c in several):
        if known.made is not None and known.made() is p:
            what = f"{known.how} of {_name_of(q, known.source())}" if known.source() is not None else known.how
            return say("GE104", q.name, state, known.place, what=what)
    if made is not None and not made.enabled and any(wants for _, wants in made.inputs):
        if made.what in ("add", "sub"):
            return say("GE120", q.name, state, made.place)
        return say("GE105", q.name, state, made.place, op=made.what)
    if p._is_param:
        return say("GE106", q.name, state, assigned(q.name, q.frame), "it is a Parameter with requires_grad=False")
    place = assigned(q.name, q.frame)
    if q.trail is None and place is not None and place == unrecorded(q.name, q.frame):
        return say("GE105", q.name, state, place, op="this line")
    more = "" if q.trail is not None else LEARN_MORE
    return say("GE107", q.name, state, (made and made.place) or place, more=more)


def _had_gradients(edges: list[Any]) -> bool:
    return all(isinstance(e, Tensor) and e._grad is not None for e in edges)


def _name_of(q: Question, x: Any) -> str:
    name = q.name_of(x)
    return "a result" if name.startswith("the ") else name


# --- the loss depends on it ---


def _graph_reaches_it(q: Question, state: str) -> Explanation | None:
    v = q.vertex
    if v is None or q.graph is None or q.root is q.p:
        return None
    if v.gradient is None and not q.graph.notes and v.wants and (stop := _no_flow(q, v)):
        if (own := _own_backward(stop)) is not None:
            return say("GE121", q.name, state, own, f"it is called at {line(stop.place)}", op=stop.op)
        return say("GE113", q.name, state, stop.place, op=stop.op)
    nodes = [u.source for u in q.graph.vertices if isinstance(u.source, Node)]
    for node in nodes:
        writers = [c[1] for c in node.guards if len(c) > 1 and c[2] > node.number and node.saved is not None]
        if writers and sum(c[0] for c in node.guards) != node.stamp:
            return say("GE118", q.name, state, writers[-1], f"it was computed at {line(node.place)}")
    guarded = sorted((n for n in nodes if n.guards), key=lambda n: n.number)
    freed = [n for n in guarded if n.saved is None]
    if freed and guarded[-1] not in freed:
        return say("GE111", q.name, state, freed[-1].freed, loss=q.loss)
    others = [x for x in leaves(q.root) if x is not q.p and x._grad is not None]
    if not freed and not others:
        if by_grad := written(r"\bgrad\s*\(", q.frame):
            return say("GE115", q.name, state, by_grad)
        if not guarded and (reset := _reset(q)) and written(r"\.backward\s*\(", q.frame):
            return say("GE112", q.name, state, reset, value="None")
        return say("GE103", q.name, state, _root_line(q), _norm_it_would_have(q), loss=q.loss)
    place = line(freed[-1].freed) if freed else None
    if place is not None and "inputs=" in place.text:
        return say("GE117", q.name, state, place)
    if place is not None and "grad(" in place.text and "backward" not in place.text:
        return say("GE115", q.name, state, place)
    evidence = f"backward() at {place}" if place is not None else ""
    return say("GE112", q.name, state, _reset(q, place), evidence, value="None")


def _no_flow(q: Question, v: Vertex) -> Vertex | None:
    """What is made of v, and hands nothing back although a gradient arrives."""
    consumers, stack, seen = q.consumers(), [v], set()
    while stack:
        for u, _ in consumers[stack.pop()]:
            if u.gradient is not None:
                return u
            if u not in seen:
                seen.add(u)
                stack.append(u)
    return None


def _own_backward(v: Vertex) -> Line | None:
    """Of a user's Function the line on which backward() returns."""
    code = getattr(getattr(getattr(getattr(v.source, "op", None), "cls", None), "backward", None), "__code__", None)
    if code is None:
        return None
    last = max(number for _, _, number in code.co_lines() if number)
    return written_in(r"\breturn\b", code.co_filename, code.co_firstlineno, last, None)


def _norm_it_would_have(q: Question) -> str:
    g = q.vertex.gradient if q.vertex is not None else None
    if g is None or hasattr(g, "parts") or hasattr(g, "sparse"):
        return ""
    return f"it will be of norm {short(size_of(g))}"


def _reset(q: Question, after: Line | None = None) -> Any:
    """Where gradients were forgotten: as it was seen, else as it is written."""
    if q.trail is not None:
        for place, who in reversed(q.trail.resets):
            if id(q.p) in who:
                return place
    return written(RESETS, q.frame, after)


def _root_line(q: Question) -> Any:
    node = getattr(q.root, "_node", None)
    return node.place if node is not None else None


# --- the loss does not depend on it, or nobody knows the loss ---


def _where_it_went(q: Question, state: str) -> Explanation:
    p: Tensor = q.p
    fate = q.trail.fate(p, q.root) if q.trail is not None else None
    watched = fate is not None
    if fate is not None and fate.reaches is False and fate.broken is not None:
        kind, what, broken = fate.broken
        if kind == "cut" and what.startswith("arg"):
            kind = "integer"
        code = {"cut": "GE104", "no_grad": "GE105", "integer": "GE113"}[kind]
        return say(code, q.name, state, broken, what=what, op=what)
    if fate is not None and fate.taken:
        event = fate.taken[-1]
        return say("GE104", q.name, state, event.place, what=event.what)
    if (other := _stand_in(q) or _left_behind(q) or _used_by_a_step(q)) is not None:
        return other(state)
    if not watched:
        for known in reversed([c for several in cuts.values() for c in several]):
            if any(leaf() is p for leaf in known.leaves) and _counts(q, known):
                code = "GE113" if known.how.startswith("arg") else "GE104"
                return say(code, q.name, state, known.place, what=known.how, op=known.how)
        if (place := unrecorded(q.name, q.frame)) is not None:
            return say("GE105", q.name, state, place, op="this line", more=LEARN_MORE)
    if (result := _result(q)) is not None:
        name, node = result
        return say("GE102", q.name, state, node.place, f"{name} is made of it", loss=q.loss)
    if fate is not None and (uses := [event for event in fate.used if not event.cuts]):
        if (last := line(uses[-1].place)) is not None and DRAWS.search(last.text):
            return say("GE122", q.name, state, last)
        return say("GE102", q.name, state, uses[-1].place, loss=q.loss)
    place = assigned(q.name, q.frame)
    if q.root is None:
        if not watched and not any(isinstance(x, Tensor) and x._node is not None for _, x in variables(q.frame)):
            return _unknown(q, state, place)
        return say("GE101", q.name, state, place, more=LEARN_MORE)
    if getattr(q.root, "_node", None) is None and not watched:
        seen = assigned(next((n for n, x in variables(q.frame) if x is q.root), ""), q.frame)
        return say("GE116", q.name, state, seen, more=LEARN_MORE, loss=q.loss)
    return say("GE101", q.name, state, place, more="" if watched else LEARN_MORE, loss=q.loss)


def _unknown(q: Question, state: str, place: Line | None) -> Explanation:
    cause = f"no loss is at hand: {q.name} was not used, backward() was not called, or its graph was cut"
    return Explanation("", q.name, state, cause, place, more=f"explain(p, loss), or {LEARN_MORE}")


def _counts(q: Question, known: Any) -> bool:
    """Whether a remembered cut may be to blame: not the look at the loss's own number."""
    source = known.source()
    if source is not None and (source is q.root or source is q.p) and known.how in TAKEN:
        return False
    file, number = line_of(known.place)
    text = Line(file, number).text
    return known.how not in TAKEN or q.root is not None and bool(ASSIGNS.search(text) and not LOGS.search(text))


def _result(q: Question) -> tuple[str, Node] | None:
    """A variable whose tensor is made of p, the newest."""
    found = [
        (name, x._node)
        for name, x in variables(q.frame)
        if isinstance(x, Tensor) and x is not q.root and x._node is not None and reaches(x._node, q.p)
    ]
    return max(found, key=lambda pair: pair[1].number, default=None)


def _stand_in(q: Question) -> Any:
    """The loss is made of another tensor in place of p: one in the same memory, with the same numbers or its name."""
    if q.root is None:
        return None
    p = q.p
    roots = [(name, x) for name, x in variables(q.frame) if isinstance(x, Module)]
    owned = any(own is p for _, m in roots for own in m.parameters())
    array = to_host(p.array)
    for leaf in leaves(q.root):
        if leaf is p or leaf.array.shape != p.array.shape:
            continue
        other = to_host(leaf.array)
        same = np.may_share_memory(other, array) or (
            array.size > 1 and np.ptp(array) > 0 and np.array_equal(other, array)
        )
        new = roots and not owned and any(leaf is own for _, m in roots for own in m.parameters())
        if same or new:
            name = q.name_of(leaf)
            place = _made_of(q, leaf) or assigned(name, q.frame)
            how = "it has the same numbers" if same else f"it is what {name} is now"
            return lambda state: say("GE114", q.name, state, place, how, other=name, loss=q.loss)
    return None


def _left_behind(q: Question) -> Any:
    """An optimizer has a parameter that no module has any more."""
    found = list(variables(q.frame))
    modules = [x for _, x in found if isinstance(x, Module)]
    if not q.p._is_param or not modules or any(own is q.p for m in modules for own in m.parameters()):
        return None
    for name, x in found:
        if isinstance(x, Optimizer) and any(p is q.p for group in x.param_groups for p in group["params"]):
            why = f"{name} has it, and no module has it any more"
            return lambda state: say(
                "GE114", q.name, state, assigned(name, q.frame), why, other="what the modules have now", loss=q.loss
            )
    return None


def _used_by_a_step(q: Question) -> Any:
    """The loss is gone, and an optimizer has changed p: it had a gradient."""
    version = q.p.version
    if q.certain or len(version) < 2 or version[1] is None or (q.root is not None and q.root.requires_grad):
        return None
    step = Line(*line_of(version[1]))
    if ".step(" not in step.text:
        return None
    reset = written_in(RESETS, step.file, version[1][0].co_firstlineno, None, step)
    return lambda state: say("GE112", q.name, state, reset, f"{step} has used it", value="None")


def _made_of(q: Question, leaf: Tensor) -> Any:
    event = q.trail.origin(leaf) if q.trail is not None else None
    if event is not None and event.cuts:
        return event.place
    for known in (c for several in cuts.values() for c in several):
        if known.made is not None and known.made() is leaf:
            return known.place
    return None


# --- Values ---


def _value(q: Question, state: str) -> Explanation:
    place = assigned(q.name, q.frame)
    if q.root is None:
        return say("GE101", q.name, state, place, more="explain(v, loss), or explain(v, lambda: the loss of one step)")
    assert q.graph is not None
    for u in q.graph.vertices:
        if not u.op and u.value == q.p.data and q.p.data not in (0.0, 1.0):
            at = next((c.place for c, _ in q.consumers()[u] if c.place), None)
            at = at or written(rf"\b{q.name.split('.')[-1].split('[')[0]}\b.*\.data|float\(|\.item\(", q.frame)
            return say("GE104", q.name, state, at, f"{q.loss} has its number {u.value:g} as a constant", what=".data")
    return say("GE101", q.name, state, place, loss=q.loss)

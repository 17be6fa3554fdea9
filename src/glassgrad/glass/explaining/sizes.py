"""Where along the path a gradient grows or shrinks: norms from the root to p, by module or line, in a short table."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from ..canvas import short
from ..graph import Vertex
from ..health.verdicts import EXPLODING
from .answer import Explanation, line, say
from .measure import rms, size_of
from .question import Question

VANISHING = 1e4  # times the largest of the other gradients, number by number; 1000 times is met in sound networks
HUGE = 1e6  # of the weight's own size: a step would leave nothing of it
ROWS, WIDTH = 6, 60
ROUNDING = 1e-5
NORMS = ("standardize", "softmax", "log_softmax", "attend")


class Stretch(NamedTuple):
    """Operations of the path in a row that belong to one module, or to one line: the norm before and behind them."""

    before: float
    after: float
    name: str = ""

    @property
    def factor(self) -> float:
        return self.after / self.before if self.before else 1.0


def wrong_size(q: Question) -> Explanation | None:
    v = q.vertex
    if q.graph is None or v is None or v.gradient is None or hasattr(v.gradient, "sparse"):
        return None
    path = main_path(q, v)
    if len(path) < 3:
        return None
    own, weight = rms(v.gradient), rms(v.value) if v.value is not None else 0.0
    sizes = {u: size for u, size in q.sizes().items() if u is not v}
    # a bias of the last layer sums up every place: for weights, weights are the measure
    weights = [size for u, size in sizes.items() if np.ndim(u.gradient) > 1] if np.ndim(v.gradient) > 1 else []
    others, whose = weights or [*sizes.values()], "weights' " if weights else ""
    # Alone it is compared with the loss's own gradient as a whole: of a mean each number has little.
    largest, mine = (max(others), own) if others else (size_of(path[0].gradient), size_of(v.gradient))
    if own and largest / mine > VANISHING and own < EXPLODING:
        if behind := shifted_back(q, v):
            state = f"the gradient is nearly zero (root mean square {short(own)})"
            return say("GE215", q.name, state, behind.place, op=behind.op)
        of = f"the largest of the other {whose}gradients" if others else "the gradient at the loss"
        code, said = "GE401", f"{short(mine / largest)} of {of}"
    elif own > max(largest, weight, 1e-3) * EXPLODING or own > HUGE * max(weight, 1.0):
        what = "weights" if np.ndim(v.gradient) else "number"
        code, said = "GE402", f"{short(own / max(weight, 1e-30))} times the {what}"
    else:
        return None
    kinds: dict[str, list[tuple[float, Vertex]]] = {}  # of operations on the path: each one's factor
    for above, below in zip(path, path[1:], strict=False):
        before, after = size_of(above.gradient), size_of(below.gradient)
        kinds.setdefault(above.op, []).append((after / before if before else 1.0, above))
    sign = 1 if code == "GE401" else -1
    op, factors = min(kinds.items(), key=lambda item: sign * sum(math.log(max(f, 1e-45)) for f, _ in item[1]))
    whole = math.prod(f for f, _ in factors)
    if sign * math.log(max(whole, 1e-45)) > -0.1:
        return None
    state = f"the gradient is {'vanishing' if code == 'GE401' else 'exploding'}: {said} (root mean square {short(own)})"
    each = f"{op}, {len(factors)} times on its way, changes it by {short(whole ** (1 / len(factors)))} each time"
    once = f"{op} multiplies it by {short(whole)}"
    v = min(factors, key=lambda pair: sign * pair[0])[1]
    return say(code, q.name, state, v.place, each if len(factors) > 1 else once, *table(along(q, path)))


def shifted_back(q: Question, v: Vertex) -> Vertex | None:
    """Of a bias whose gradient is what rounding leaves of 0: what lets no shift through, or what it is part of."""
    uses = q.consumers()[v]
    if not uses or any(e.role != "b" or size_of(e.flow) > ROUNDING * size_of(u.gradient) for u, e in uses):
        return None
    return first_norm(q, uses[0][0])


def first_norm(q: Question, v: Vertex) -> Vertex:
    """The first operation above v that takes away what all of its argument have in common; v itself where none does."""
    return min((u for u in q.above(v) if u.op in NORMS), key=lambda u: u.number, default=v)


def main_path(q: Question, v: Vertex) -> list[Vertex]:
    """From the root to v, always the way on which most of the gradient came."""
    consumers = q.consumers()
    path, seen = [v], {v}
    while True:
        above = [(size_of(e.flow), u.number, u) for u, e in consumers[path[-1]] if e.flow is not None and u not in seen]
        if not above:
            return path[::-1]
        best = max(above, key=lambda row: row[:2])[2]
        seen.add(best)
        path.append(best)


def along(q: Question, path: list[Vertex]) -> list[Stretch]:
    """The path in stretches: of one module where that is known, else of one line."""
    rows: dict[str, Stretch] = {}
    for above, below in zip(path, path[1:], strict=False):
        name = str(line(above.place) or above.op)
        if len(above.module) > 1 and q.graph is not None:
            name = f"{'.'.join(above.module[1:])} ({q.graph.modules.get(above.module, 'module')})"
        before, after = size_of(above.gradient), size_of(below.gradient)
        old = rows.get(name)
        rows[name] = (
            Stretch(before, after) if old is None else old._replace(after=old.after * (after / (before or 1.0)))
        )
    return [s._replace(name=name) for name, s in rows.items()]


def table(stretches: list[Stretch]) -> list[str]:
    """The stretches with the largest factors either way, in the order of the path."""
    kept = sorted(stretches, key=lambda s: -abs(math.log(max(s.factor, 1e-45))))[:ROWS]
    width = max(24, *(len(s.name[:WIDTH]) for s in kept))
    rows = [f"{'on its way from the loss':<{width}}  |gradient|      then  factor"]
    for s in (s for s in stretches if s in kept):
        rows.append(f"{s.name[:WIDTH]:<{width}}  {short(s.before):>10}  {short(s.after):>8}  {short(s.factor)}")
    return rows

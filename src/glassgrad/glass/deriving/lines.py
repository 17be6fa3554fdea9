"""The lines of a derivation: what was computed, each local derivative, and how they make the whole."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..graph import Edge, Graph, Vertex
from ..summary import on_host
from ..words import norm
from . import forms, maths
from .checking import Check, Operation
from .maths import Math
from .scalars import ScalarOperation

if TYPE_CHECKING:
    from .derivation import Derivation

PATHS = 6  # as many paths are written as products; of more, what arrives at each value is summed
SMALL = 12  # entries of a matrix that is shown


class Step(NamedTuple):
    """One line of a derivation.

    kind    "value", what an operation computes; "local", one of its derivatives; "gradient", what arrives at a tensor;
            "chain", the chain rule; "gap", what was left out
    op      the operation's name
    left    what is derived, and `right` what it equals, as (relation, mathematics)
    value   the number or array at the end of the line; None where it is not known
    check   how it was checked; None where there is nothing to check
    note    a shape and a norm, or why something is missing
    """

    kind: str
    op: str
    left: Math
    right: tuple[tuple[str, Math], ...]
    value: Any = None
    check: Check | None = None
    note: str = ""

    def __str__(self) -> str:
        return forms.text(self.left) + "".join(f" {forms.SIGNS[how][1]} {forms.text(m)}" for how, m in self.right)


def between(graph: Graph, goal: Vertex) -> set[Vertex]:
    """The vertices on the paths from the root to the goal, both included."""
    onward = {goal}
    for v in graph.vertices:
        if any(e.vertex in onward and e.flow is not None for e in v.edges):
            onward.add(v)
    active = {graph.root}
    for v in reversed(graph.vertices):
        if v in active and v is not goal:
            active.update(e.vertex for e in v.edges if e.vertex in onward and e.flow is not None)
    return active & onward | {goal}


def _flows(d: Derivation, v: Vertex) -> list[Edge]:
    """The edges of v on the way to the goal."""
    return [] if v is d.goal else [e for e in v.edges if e.vertex in d.active and e.flow is not None]


def _equals(x: float) -> tuple[str, Math]:
    return ("=" if maths.exact(x) else "approx"), maths.number(x)


def _line(*rights: tuple[str, Math]) -> tuple[tuple[str, Math], ...]:
    """The relations of a line, the same thing not twice."""
    found: list[tuple[str, Math]] = []
    for how, m in rights:
        if not found or found[-1][1] != m:
            found.append((how, m))
    return tuple(found)


def _gap(kind: str, n: int) -> Step:
    what = f"{n} operation{'s' * (n != 1)} left out: .full shows them"
    return Step(kind, "", maths.sign("dots"), (), note=what)


# --- of Values ---------------------------------------------------------------------------------------------


def of_values(d: Derivation) -> list[Step]:
    operations = {v: ScalarOperation(v, d.symbols) for v in d.ops}
    away = d.middle(len(d.ops))
    shown = [v for k, v in enumerate(d.ops) if k not in away]
    values: list[Step] = []
    local: list[Step] = []
    for v in shown:
        o, name = operations[v], d.symbols.of(v)
        if len(away) and v is d.ops[away.stop]:
            values.append(_gap("gap", len(away)))
        right = _line(("=", o.definition().math), ("=", o.definition(True).math), _equals(v.value))
        values.append(Step("value", v.op, name, right, v.value))
    for v in reversed(shown):
        o = operations[v]
        if len(away) and v is d.ops[away.start - 1]:
            local.append(_gap("gap local", len(away)))
        for x, parts in _by_target(d, v).items():
            local.append(_local(d, o, v, x, [e.position for e in parts]))
    return [*values, *local, *_chain(d, operations)]


def _by_target(d: Derivation, v: Vertex) -> dict[Vertex, list[Edge]]:
    found: dict[Vertex, list[Edge]] = {}
    for e in _flows(d, v):
        found.setdefault(e.vertex, []).append(e)
    return found


def _local(d: Derivation, o: ScalarOperation, v: Vertex, x: Vertex, positions: list[int]) -> Step:
    """The partial derivative in x, which may stand in several places: a * a."""
    symbolic = [o.slope(k).math for k in positions]
    numbers = [o.slope(k, True).math for k in positions]
    value = sum(o.slopes[k] for k in positions)
    checks = [o.check(k) for k in positions]
    check = min(checks, key=lambda c: (bool(c.passed), -(c.error or 0.0)))
    how, number = _equals(value)
    right = _line(("=", _sum(symbolic)), ("=", _sum(numbers)), (how, number))
    return Step("local", v.op, maths.slope(d.symbols.of(v), d.symbols.of(x)), right, value, check)


def _sum(parts: list[Math]) -> Math:
    total = parts[0]
    for m in parts[1:]:
        total = maths.added(total, m)
    return total


def _chain(d: Derivation, operations: dict[Vertex, ScalarOperation]) -> list[Step]:
    root, goal = d.graph.root, d.goal
    counts = {root: 1}
    for v in reversed(d.ops):
        for x in _by_target(d, v):
            counts[x] = counts.get(x, 0) + counts.get(v, 0)
    seed = root.gradient
    if counts[goal] <= PATHS:
        return [_product(d, operations, seed)]
    steps: list[Step] = []
    below = [v for v in reversed([goal, *d.ops]) if v is not root]
    away = d.middle(len(below))
    for k, x in enumerate(below):
        if k == away.start and len(away):
            steps.append(_gap("gap chain", len(away)))
        if k not in away:
            steps.append(_arrivals(d, operations, x))
    return steps


def _product(d: Derivation, operations: dict[Vertex, ScalarOperation], seed: float) -> Step:
    """dL/da as a sum over the paths, each a product."""
    root, goal = d.graph.root, d.goal
    left = maths.slope(d.symbols.of(root), d.symbols.of(goal), total=True)
    products, numbers, totals, contributions = [], [], [], []
    for path in _paths(d):
        factors, figures = [], []
        if seed != 1:
            factors.append(maths.barred(d.symbols.of(root)))
            figures.append(maths.number(seed))
        contribution = seed
        pairs = list(zip(path, path[1:], strict=False))
        slopes = [sum(operations[v].slopes[e.position] for e in _by_target(d, v)[x]) for v, x in pairs]
        for s in slopes:
            contribution *= s
        away = d.middle(len(pairs))
        for k, (v, x) in enumerate(pairs):
            if k in away:
                if k == away.start:
                    factors.append(maths.below(maths.fenced(maths.sign("dots")), maths.words(f"{len(away)} factors")))
                    figures.append(maths.number(math.prod(slopes[j] for j in away)))
                continue
            factors.append(maths.slope(d.symbols.of(v), d.symbols.of(x)))
            figures.append(maths.number(slopes[k]))
        products.append(_dotted(factors))
        numbers.append(_dotted(figures))
        totals.append(maths.number(contribution))
        contributions.append(contribution)
    total = math.fsum(contributions)
    how, number = _equals(total)
    exact = all(maths.exact(c) for c in contributions)
    right = [("=", _sum(products)), ("=" if len(products) > 1 or exact else "approx", _sum(numbers))]
    if len(products) > 1:
        right.append(("=" if exact else "approx", _sum(totals)))
    note = "" if _near(total, goal.gradient) else f"a hook or a shut gate makes it {goal.gradient:.6g}"
    return Step("chain", "", left, _line(*right, (how, number)), total, None, note)


def _near(a: float, b: float) -> bool:
    return a == b or abs(a - b) <= 1e-9 * max(abs(a), abs(b)) or (a != a and b != b)


def _dotted(factors: list[Math]) -> Math:
    parts: list[Math] = []
    for m in factors:
        parts += [maths.sign("*")] if parts else []
        parts.append(maths.held(m, maths.PRODUCT) if len(factors) > 1 else m)
    return Math("row", tuple(parts), "", maths.PRODUCT) if len(parts) > 1 else parts[0]


def _paths(d: Derivation) -> list[list[Vertex]]:
    done: list[list[Vertex]] = []
    pending = [[d.graph.root]]
    while pending:
        path = pending.pop()
        while path[-1] is not d.goal:
            first, *others = _by_target(d, path[-1])
            pending += [[*path, x] for x in reversed(others)]
            path.append(first)
        done.append(path)
    return done


def _arrivals(d: Derivation, operations: dict[Vertex, ScalarOperation], x: Vertex) -> Step:
    """dL/dx as the sum of what its consumers hand on."""
    root = d.symbols.of(d.graph.root)
    symbolic, numbers, total = [], [], []
    for v in reversed(d.ops):
        parts = _by_target(d, v).get(x)
        if parts:
            s = sum(operations[v].slopes[e.position] for e in parts)
            local = maths.slope(d.symbols.of(v), d.symbols.of(x))
            above = maths.slope(root, d.symbols.of(v), total=True)
            first = [] if v is d.graph.root and v.gradient == 1 else [above]
            symbolic.append(_dotted([*first, local]))
            numbers.append(_dotted([maths.number(v.gradient), maths.number(s)] if first else [maths.number(s)]))
            total.append(sum(e.flow for e in parts))
    value = math.fsum(total)
    left = maths.slope(root, d.symbols.of(x), total=True)
    right = _line(("=", _sum(symbolic)), ("=", _sum(numbers)), _equals(value))
    return Step("chain", "", left, right, value)


# --- of Tensors --------------------------------------------------------------------------------------------


def of_tensors(d: Derivation) -> list[Step]:
    away = d.middle(len(d.ops))
    shown = [v for k, v in enumerate(d.ops) if k not in away]
    operations = {v: Operation(v, d.symbols) for v in shown}
    values: list[Step] = []
    for v in shown:
        if len(away) and v is d.ops[away.stop]:
            values.append(_gap("gap", len(away)))
        for name, term in operations[v].definition():
            known = v.value if term.value is None or operations[v].inputs is None else term.value
            values.append(_array_step("value", v.op, name, [("=", term.math)], known, v.shape))
    root = d.graph.root
    seed = maths.barred(d.symbols.of(root))
    lines = [_array_step("gradient", "", seed, [], on_host(root.gradient), root.shape)]
    arrivals: dict[Vertex, list[tuple[Math, Any]]] = {}
    for v in reversed(shown):
        if len(away) and v is d.ops[away.start - 1]:
            lines.append(_gap("gap chain", len(away)))
        for x in [v, *(p for p in d.active if p.op == "pick_output" and p.edges[0].vertex is v)]:
            lines += _joined(d, x, arrivals)
        if operations[v].unrolled is not None:
            for left, term in operations[v].unrolled.backward:
                check = operations[v].unrolled.check(left, term.value)
                lines.append(_array_step("gradient", v.op, left, [("=", term.math)], term.value, None, check))
        for e in _flows(d, v):
            lines.append(_handed(d, operations[v], e, arrivals))
    return [*values, *lines, *_joined(d, d.goal, arrivals)]


def _joined(d: Derivation, x: Vertex, arrivals: dict[Vertex, list[tuple[Math, Any]]]) -> list[Step]:
    """The sum of what arrives at x along several edges."""
    parts = arrivals.get(x, [])
    if len(parts) == 1 and isinstance(parts[0][1], np.ndarray) and not np.array_equal(parts[0][1], x.gradient):
        if np.isfinite(parts[0][1]).all():
            step = _array_step("gradient", "", _bar(d, x), [], on_host(x.gradient), x.shape)
            return [step._replace(note=f"{step.note}; a hook of yours makes it this")]
    if len(parts) < 2:
        return []
    return [_array_step("gradient", "", _bar(d, x), [("=", _sum([m for m, _ in parts]))], on_host(x.gradient), x.shape)]


def _bar(d: Derivation, x: Vertex) -> Math:
    return maths.barred(d.symbols.of(x))


def _handed(d: Derivation, o: Operation, e: Edge, arrivals: dict[Vertex, list[tuple[Math, Any]]]) -> Step:
    """What an operation hands on to one of its arguments."""
    x = e.vertex
    several = sum(1 for v in d.ops for other in _flows(d, v) if other.vertex is x) > 1
    left = _bar(d, x)
    if several:
        left = Math("sup", (left, maths.fenced(maths.number(len(arrivals.get(x, ())) + 1))))
    term, exact, why = o.handed_on(e)
    check = o.check(e, exact, why)
    if term is None:
        jacobian = maths.slope(d.symbols.outputs(o.v), d.symbols.of(x))
        m = maths.product(Math("sup", (maths.fenced(jacobian), maths.sign("top"))), o.upstream().math)
    else:
        m = term.math
    arrivals.setdefault(x, []).append((left, e.flow))
    step = _array_step("gradient", o.v.op, left, [("=", m)], on_host(e.flow), x.shape, check)
    return step if term is not None else step._replace(note="; ".join(filter(None, [step.note, o.aside])))


def _array_step(
    kind: str, op: str, left: Math, right: list[tuple[str, Math]], value: Any, shape: Any, check: Check | None = None
) -> Step:
    """A line whose value is an array: a number, a small matrix, or its shape and norm."""
    note = ""
    value = on_host(value) if value is not None else None
    if value is not None and value.dtype.kind in "fiub" and value.size:
        numbers = np.asarray(value, np.float64)
        if numbers.size == 1:
            right = list(_line(*right, _equals(float(numbers.reshape(())))))
            note = f"shape {tuple(value.shape)}" if value.ndim else ""
        elif numbers.ndim <= 2 and numbers.size <= SMALL:
            rows = np.atleast_2d(numbers)
            rounded = np.vectorize(lambda x: float(f"{x:.4g}"))(rows)
            close = bool((rounded == rows).all())
            right = [*right, ("=" if close else "approx", maths.matrix(rounded.tolist()))]
            note = f"shape {tuple(value.shape)}"
        else:
            note = f"shape {tuple(value.shape)}, norm {norm(numbers):.4g}"
    elif shape is not None:
        note = f"shape {tuple(shape)}"
    return Step(kind, op, left, tuple(right), value, check, note)

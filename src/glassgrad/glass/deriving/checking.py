"""Each step of a derivation is checked before it is shown: against the engine, and against finite differences.

An Operation takes one node apart into what its formula is about, in float64. The gradient as it is written is
computed again from the expression, compared with what the engine handed on, and with central differences of the
operation along random directions. What can't be checked says why, in words.
"""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from ...core.op import Parts
from ...core.tensor import Tensor
from ..graph import Edge, Vertex, _saved, declaration, kept
from ..summary import on_host
from . import maths
from .corners import Corners, corners, less
from .notation import DEFINITIONS, FORMULAS, FUNCTIONS, HELPERS, OUTPUTS
from .reading import Reader, Term, Unreadable, bare, plain
from .shapes import FEW

TOLERANCE = 1e-6  # of finite differences, against the size of the gradient
ROUNDING = {8: 1e-9, 4: 1e-4, 2: 2e-2}  # of the engine against float64, by the size of its numbers
STEP = 1e-5
DIRECTIONS = 3
LARGEST = 4_000_000  # entries of an operation's arrays; what is larger is not checked


class Check(NamedTuple):
    """passed: whether it agreed; None where it could not be checked. error: the larger of the relative differences.

    remark: what else there is to say, of entries that are at a kink.
    """

    passed: bool | None
    words: str
    error: float | None = None
    remark: str = ""


class WrongFormula(AssertionError):
    """A derivative that is not one: the formula, or how it is written, is wrong."""


def wide(x: Any) -> Any:
    """An array in float64; what is no real number stays as it is."""
    x = on_host(x) if hasattr(x, "dtype") else x
    if isinstance(x, np.ndarray | np.generic) and (x.dtype.kind == "f" or x.dtype.name == "bfloat16"):
        return np.asarray(x, np.float64)
    return x


class Operation:
    """One node, taken apart.

    declared  its declaration; None of a user's Function
    terms     what its formulas mention, by name; empty where it is not known
    inputs    its arguments by position, wide; None where not all are known
    options   None where they are not known
    aside     why it is not written out in more detail
    """

    aside = ""

    def __init__(self, v: Vertex, symbols: Any) -> None:
        self.v, self.symbols = v, symbols
        source: Any = v.source
        self.declared, self.stretched = declaration(source.op)
        held = kept.get(source)
        self.options: Any = None if held is None else held.options
        self.folded = self.declared is not None and not self.stretched and source.op is not self.declared
        self.inputs = self._inputs(held)
        if self.options is None and self.declared is not None and not self.declared.options:
            self.options = {}

    def _inputs(self, held: Any) -> list[Any] | None:
        if held is not None:
            return [wide(x.array if isinstance(x, Tensor) else x) for x in held.inputs]
        by_position = {edge.position: wide(edge.vertex.value) for edge in self.v.edges}
        n = len(self.v.source.edges)
        known = all(by_position.get(k) is not None for k in range(n))
        return [by_position[k] for k in range(n)] if known else None

    @cached_property
    def unrolled(self) -> Any:
        """A recurrent layer, step by step; None of anything else, and where it cannot be written out."""
        if self.v.op != "unroll" or self.inputs is None or not self.options:
            return None
        from .recurrences import Unrolled

        try:
            made = Unrolled(self)
        except Unreadable as problem:
            self.aside = f"its steps are not written out for {problem}"
            return None
        if not np.allclose(made.out, wide(self.forward(self.inputs)[0]), rtol=1e-9, atol=1e-12):
            self.wrong("its steps, written out, give another result")
        return made

    # --- the terms of its formulas ---

    def env(self, k: int, g: Term) -> dict[str, Term]:
        """What the formula of argument k mentions, as Terms."""
        d = self.declared
        saved = _saved(self.v.source)
        given = next((s for j, s in enumerate(saved) if j == k), ())
        if self.stretched:
            given = given[1:]
        x = d.inputs[min(k, len(d.inputs) - 1)]
        known: dict[str, Any] = dict(zip(d.mentions[x], given, strict=False))
        own = {"g": g}
        for word, value in known.items():
            own[word] = self.term(word, value)
        if ("y" in known or (d.name, x) in FORMULAS) and self.inputs is not None and self.options is not None:
            own["y"] = self.result(known.get("y"))
        own |= {o: plain(value) for o, value in (self.options or {}).items() if o not in own}
        return own

    def term(self, word: str, value: Any) -> Term:
        d = self.declared
        if word == "y":
            return self.result(value)
        if word in d.inputs:
            j = d.inputs.index(word)
            if d.variadic and j == len(d.inputs) - 1:
                return Term(maths.words(word), tuple(self.argument(j + i, x) for i, x in enumerate(value)))
            if self.inputs is not None and j < len(self.inputs):
                value = self.inputs[j]
            return self.argument(j, value)
        return plain(value)

    def argument(self, j: int, value: Any) -> Term:
        if value is None or isinstance(value, bool | int | float):
            return plain(value)
        role = self.declared.inputs[min(j, len(self.declared.inputs) - 1)]
        return Term(self.symbols.argument(self.v, j, role, value), wide(value))

    def result(self, value: Any) -> Term:
        """The result, in float64 where it can be computed anew."""
        if self.inputs is not None and self.options is not None:
            try:
                value = self.forward(self.inputs)
            except Exception:  # an operation that does not take float64: what was kept serves
                value = value if value is not None else self.v.value
        if isinstance(value, tuple | list):
            return Term(self.symbols.of(self.v), tuple(
                Term(self.symbols.output(self.v, i), wide(one)) for i, one in enumerate(value)
            ))  # fmt: skip
        return Term(self.symbols.of(self.v), wide(value))

    def upstream(self) -> Term:
        g = self.v.gradient
        if isinstance(g, Parts):
            count = max([getattr(self.declared, "outputs", 0) or 0, *[i + 1 for i in g.parts]])
            bars = [maths.barred(self.symbols.output(self.v, i)) for i in sorted(g.parts)]
            return Term(maths.listed(bars), tuple(
                plain(None) if g[i] is None else Term(maths.barred(self.symbols.output(self.v, i)), wide(g[i]))
                for i in range(count)
            ))  # fmt: skip
        return Term(maths.barred(self.symbols.of(self.v)), wide(g))

    # --- what it computes ---

    def forward(self, inputs: list[Any]) -> Any:
        with np.errstate(all="ignore"):
            return self.declared.forward(*inputs, **self.options)

    def definition(self) -> list[tuple[maths.Math, Term]]:
        """What is computed, as (name, expression); the value is None where the expression only names the operation."""
        d = self.declared
        if self.unrolled is not None:
            return self.unrolled.forward
        given = self._given()
        if d is not None and d.name in OUTPUTS and given is not None:
            found = []
            for word, index, text in OUTPUTS[d.name]:
                if text:
                    m = self.symbols.output(self.v, index)
                    made = self._read(text, given)
                    if made is None:
                        return []
                    given[word] = made._replace(math=m)
                    found.append((m, made))
            if found:
                return found
        if d is not None and given is not None:
            row = DEFINITIONS.get(d.name) or (self._calling(d) if d.name in FUNCTIONS else "")
            made = self._read(row, given) if row else None
            if made is not None and isinstance(made.value, tuple):
                return self._several(made.value)
            if made is not None:
                if np.size(made.value) == math.prod(self.v.shape or ()):  # dims of size 1 are not written
                    made = made._replace(value=np.reshape(made.value, self.v.shape or ()))
                return [(self.symbols.of(self.v), made)]
        arguments = [self.symbols.of(edge.vertex) for edge in self.v.edges]
        name = self.v.op.replace("_", " ").strip() or "function"
        return [(self.symbols.outputs(self.v), Term(maths.applied(name, *arguments), None))]

    def _several(self, made: tuple[Term, ...]) -> list[tuple[maths.Math, Term]]:
        """The results that were used, of many on one line."""
        used = sorted(self.v.gradient.parts)
        if len(used) <= FEW:
            return [(self.symbols.output(self.v, i), made[i]) for i in used]
        return [(self.symbols.outputs(self.v), Term(maths.listed([made[i].math for i in used]), None))]

    def _given(self) -> dict[str, Term] | None:
        d = self.declared
        if d is None or d.variadic:
            return None
        if self.inputs is None or self.options is None:
            known = {edge.position: edge.vertex for edge in self.v.edges}
            if self.options is None or any(k not in known for k in range(len(d.inputs))):
                return None
            shapes = [known[k].shape for k in range(len(d.inputs))]
            inputs = [np.zeros(s) for s in shapes if s is not None]
            if len(inputs) < len(shapes):
                return None
        else:
            inputs = self.inputs
        given = {x: plain(None) for x in d.inputs} | {
            o: plain(value) for o, value in (d.options | self.options).items()
        }
        return given | {x: self.argument(k, inputs[k]) for k, x in enumerate(d.inputs) if k < len(inputs)}

    def _calling(self, d: Any) -> str:
        return f"{d.name}({', '.join([*d.inputs, *(f'{o}={o}' for o in d.options)])})"

    def _read(self, text: str, given: dict[str, Term]) -> Term | None:
        try:
            with np.errstate(all="ignore"):
                return Reader().text(text, dict(given), HELPERS)
        except Exception:  # a notation that does not fit these arguments: the operation's name stands instead
            return None

    # --- what it hands on ---

    def handed_on(self, edge: Edge) -> tuple[Term | None, Any, str]:
        """What argument `edge` gets: the expression, its number in float64, and why there is no expression."""
        d, k = self.declared, edge.position
        if d is None:
            return None, None, f"the formula of {self.v.title or 'a Function'} is your own code"
        x = d.inputs[min(k, len(d.inputs) - 1)]
        if self.unrolled is not None:
            term = self.unrolled.gradients[x]
            return term, term.value, ""
        g = self.upstream()
        why = "its formula is no single expression"
        own = self.env(k, g)
        reader = Reader()
        formula = d.declared[x]
        try:
            text = FORMULAS.get((d.name, x))
            if text:
                term = reader.text(text, own | {"unwritten": plain(None)}, HELPERS | formula.__globals__)
            else:
                term = reader.function(formula, [], own)
            if not hasattr(term.value, "shape") and not isinstance(term.value, float | int):
                raise Unreadable("no array")
            if self.stretched and np.shape(term.value) != edge.vertex.shape and edge.vertex.shape is not None:
                term = FUNCTIONS["fit"](term, plain(edge.vertex.shape))
            return term, np.asarray(term.value, np.float64), ", ".join(sorted(reader.borrowed))
        except Unreadable:
            return None, self._called(formula, x, own, edge), why
        except (TypeError, ValueError, AttributeError, IndexError, KeyError, NotImplementedError, ArithmeticError):
            return None, self._called(formula, x, own, edge), why

    def _called(self, formula: Any, x: str, own: dict[str, Term], edge: Edge) -> Any:
        """The formula as it is, in float64."""

        g = own["g"]
        given = bare(g)
        if isinstance(g.value, tuple):
            given = Parts({i: t.value for i, t in enumerate(g.value) if t.value is not None})
        try:
            with np.errstate(all="ignore"):
                found = wide(formula(given, *[bare(own[word]) for word in self.declared.mentions[x]]))
            if self.stretched and edge.vertex.shape is not None:
                found = FUNCTIONS["fit"].compute(found, edge.vertex.shape)
            return found if isinstance(found, np.ndarray | np.generic | float) else None
        except Exception:  # a formula that does not take float64, or arrays at all
            return None

    # --- the check ---

    def check(self, edge: Edge, exact: Any, why: str) -> Check:
        """Of what argument `edge` gets. Raises WrongFormula where the numbers differ."""
        flow = on_host(edge.flow)
        if flow is None:
            return Check(None, "not checked: the gradient is no array of numbers")
        if flow.dtype.kind == "c":
            return Check(None, "not checked: complex numbers")
        if not np.isfinite(np.asarray(flow, np.float64)).all():
            return Check(None, "not checked: the gradient is not finite")
        if self.declared is None:
            return Check(None, f"not checked: {why}; autograd.gradcheck does that")
        if self.folded:
            return Check(None, "not checked: it was computed inside vmap or wrapped")
        error = 0.0
        if exact is not None and np.shape(exact) == flow.shape and np.isfinite(exact).all():
            error = self._compare(flow, exact)
        else:
            exact = np.asarray(flow, np.float64)
        if self.inputs is None or self.options is None:
            return Check(None, "not checked by differences: its arguments were not kept; use glassgrad.watch()", error)
        if sum(np.size(x) for x in self.inputs) > LARGEST:
            return Check(None, f"not checked by differences: more than {LARGEST:,} numbers", error)
        return self._differences(edge, exact, error)

    def _compare(self, flow: Any, exact: Any) -> float:
        a, b = np.asarray(flow, np.float64), np.asarray(exact, np.float64)
        allowed = ROUNDING.get(flow.dtype.itemsize, 1e-9)
        g = self.upstream().value
        arrived = sum(float(np.abs(x).sum()) for x in (_values(g) if isinstance(g, tuple) else [g]))
        factor = max([1.0, *(_most(x[np.isfinite(x)]) for x in self.inputs or () if _real(x))])
        noise = 1e-3 * allowed * arrived * factor  # a sum may cancel
        size = max(_most(a), _most(b))
        error = max(0.0, _most(a - b) - noise) / size if size else 0.0
        if error > allowed:
            self.wrong(f"the expression gives what differs by {error:.1e} of its size from what was handed on")
        return error if flow.dtype.itemsize == 8 else 0.0

    def _differences(self, edge: Edge, exact: Any, error: float) -> Check:
        assert self.inputs is not None
        x = self.inputs[edge.position]
        if not _real(x):
            return Check(None, "not checked by differences: the argument is not real", error)
        rng = np.random.default_rng(0)
        try:
            here = self._seen(x, edge.position)
        except Exception:  # an operation that does not take float64
            return Check(None, "not checked by differences: it does not run in float64", error)
        if not self._repeats():
            return Check(None, "not checked by differences: its result has been changed since, or is random", error)
        worst, remark, smooth = error, "", np.isfinite(x)
        size = np.where(x == 0, min(_most(x), 1.0) or 1.0, np.minimum(np.abs(x), 1.0))
        for k in range(DIRECTIONS if x.size else 0):
            along = rng.uniform(0.3, 1, x.shape) * rng.choice([-1.0, 1.0], x.shape) * size
            along = np.where(smooth, along, 0)
            found = self._corners(x, here, along, edge.position) if k == 0 else None
            if found is not None and found.places.any():
                remark, smooth = self._at_corners(found, exact, along)
                if not smooth.any():
                    return Check(None, f"not checked: {remark}", error)
                along = np.where(smooth, along, 0)
            off = self._off(x, here, exact, along, STEP, edge)
            if off > TOLERANCE:
                finer = self._off(x, here, exact, along, STEP / 30, edge)
                if finer > TOLERANCE and np.isfinite(here).all():
                    self.wrong(f"finite differences say otherwise, by {off:.1e} of its size")
                off = min(off, finer) if finer <= TOLERANCE else math.nan
            if off != off:
                return Check(None, "not checked: not finite near by", error)
            worst = max(worst, off)
        return Check(True, f"checked to {worst:.0e}", worst, remark)

    def _seen(self, x: Any, k: int) -> Any:
        """The results, each times its gradient, entry by entry in one row."""
        assert self.inputs is not None
        y = self.forward([x if j == k else other for j, other in enumerate(self.inputs)])
        g = self.upstream().value
        if isinstance(g, tuple):
            pairs = [(t.value, one) for t, one in zip(g, y, strict=False) if t.value is not None]
            return np.concatenate([_weighed(a, b) for a, b in pairs])
        return _weighed(g, y)

    def _repeats(self) -> bool:
        """Whether it is a function of its arguments, and what was kept is its result: nothing has changed since."""
        assert self.inputs is not None
        value = on_host(self.v.value)
        if value is None or value.dtype.kind not in "f":
            return True
        y = np.asarray(self.forward(self.inputs), np.float64)
        had = np.asarray(value, np.float64)
        allowed = 30 * ROUNDING.get(value.dtype.itemsize, 1e-9)
        with np.errstate(all="ignore"):
            near = np.abs(y - had) <= allowed * (1 + np.abs(had)) if y.shape == had.shape else np.array(False)
        return bool((near | ~np.isfinite(had)).all())

    def _off(self, x: Any, here: Any, exact: Any, along: Any, step: float, edge: Edge) -> float:
        """By how much a central difference differs from the gradient, relative to its size; what rounding and the next
        term of the series may come to is left out of account.
        """
        up, down = x + step * along, x - step * along
        with np.errstate(all="ignore"):
            high, low = self._seen(up, edge.position), self._seen(down, edge.position)
            measured = float(less(high, low).sum() / 2)
            terms = exact * np.where(along == 0, 0, up - down) / 2
            noise = 64 * np.finfo(float).eps * (_total(high) + _total(exact * x))
            bend = 10 * step * float(np.abs(less(high, here) - less(here, low)).sum())
            size = float(np.sqrt(np.square(terms).sum())) + (noise + bend) / TOLERANCE
            if not math.isfinite(size):
                return math.nan
            return abs(measured - float(terms.sum())) / size if size else abs(measured) and math.inf

    def _corners(self, x: Any, here: Any, along: Any, k: int) -> Corners:
        def ends(step: float) -> tuple[Any, Any]:
            return self._seen(x - step * along, k), self._seen(x + step * along, k)

        return corners(ends, here, 64 * float(np.finfo(float).eps) * _most(here[np.isfinite(here)]))

    def _at_corners(self, found: Corners, exact: Any, along: Any) -> tuple[str, Any]:
        """What is said of the kinks, and where along x there are none."""
        g = self.upstream().value
        alone = self.declared.jvp == "elementwise" and np.shape(g) == along.shape
        if not alone:
            return found.say(found.lower, False), np.zeros(along.shape, bool)
        with np.errstate(all="ignore"):
            weight = (np.asarray(g) * along).reshape(-1)
            lower, upper = found.lower / weight, found.upper / weight
            sides = np.where(along.reshape(-1) < 0, (upper, lower), (lower, upper))
            taken = np.broadcast_to(exact, along.shape).reshape(-1) / np.asarray(g).reshape(-1)
        return found._replace(lower=sides[0], upper=sides[1]).say(taken), ~found.places.reshape(along.shape)

    def wrong(self, what: str) -> None:
        raise WrongFormula(
            f"derive: the gradient of '{self.v.op}' is wrong: {what}. It is declared beside the operation; "
            "glassgrad.autograd.gradcheck compares entry by entry."
        )


def _values(terms: Any) -> list[Any]:
    return [t.value for t in terms if t.value is not None]


def _real(x: Any) -> bool:
    return isinstance(x, np.ndarray) and x.dtype.kind == "f"


def _weighed(g: Any, y: Any) -> Any:
    """Results times their gradients; where that is 0 it does not matter what they are."""
    y = np.asarray(wide(np.asarray(y)))
    with np.errstate(all="ignore"):
        return np.where(np.asarray(g) == 0, 0, g * y).reshape(-1)


def _total(x: Any) -> float:
    return float(np.abs(x[np.isfinite(x)]).sum())


def _most(x: Any) -> float:
    return float(np.max(np.abs(x))) if np.size(x) else 0.0

"""A recurrent layer is one operation; here it is written out: the lines of one step, and of one step back.

A step is read from its definition. What a line says of step t holds for each; the numbers beside it are those of all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ...ops.recurrent import CELLS
from . import maths
from .checking import STEP, TOLERANCE, Check
from .maths import Math, words
from .reading import Term, Unreadable
from .shapes import ZERO, together
from .tape import Line, Tape, summed

T = maths.letter("t")
LONGEST = 32  # steps; of more the lines are checked together, by what they hand on
STATES = {"h": 1, "c": 4}  # -> which result of the layer is the last of them


class Moment(NamedTuple):
    """One step: its place t from 1 on, its rows, what it started from, and the state after it."""

    t: int
    rows: slice
    tape: Tape
    a: Term
    m: Term
    h: Term
    c: Term
    after: dict[str, Term]


class Unrolled:
    """The lines of one layer in one direction.

    forward, backward   (symbol, expression) in order
    gradients           by the name of the argument
    out                 what the layer computes by these lines
    """

    def __init__(self, o: Any) -> None:
        """o: the Operation. Raises Unreadable for what is not written out."""
        if o.inputs[7] is not None:
            raise Unreadable("projections")
        if len(set(o.options["sizes"])) > 1:
            raise Unreadable("sequences of several lengths")
        self.o, self.steps, self.n = o, len(o.options["sizes"]), o.options["sizes"][0]
        order = range(1, self.steps + 1)[:: -1 if o.options["reverse"] else 1]
        self.first, self.last, self.before = order[0], order[-1], 1 if o.options["reverse"] else -1
        self.letters: dict[str, Math] = {}
        self.given = {k: o.argument(j, v) for j, (k, v) in enumerate(zip(o.declared.inputs, o.inputs, strict=True))}
        a = _linear(self.given["x"], self.given["w_ih"], self.given["b_ih"])
        self.a = Term(self.letter("a"), a.value)
        self.moments: list[Moment] = []
        state = {"h": self.given["h0"], "c": self.given["c0"]}
        for t in order:
            self.moments.append(self.moment(t, state))
            state = self.moments[-1].after
        self.out = np.concatenate([x.after["h"].value for x in self.in_place()])
        steps = {x.t: [(x.m.math, _linear(x.h, self.given["w_hh"], self.given["b_hh"])), *x.tape.lines()]
                 for x in self.moments}  # fmt: skip
        self.forward = [*self.starts(), (self.a.math, a), *self.over_steps(steps), *self.results(state)]
        self.gradients: dict[str, Term] = {}
        self.backward = self.over_steps(self.back())

    def moment(self, t: int, state: dict[str, Term], moved: dict[str, Any] | None = None) -> Moment:
        """Step t. moved: by name, what is added to a value in it."""
        moved = moved or {}
        h, c = (
            x if x.value is None or self.steps == 1 else Term(self.symbol(name, self.before), x.value)
            for name, x in state.items()
        )
        rows = slice((t - 1) * self.n, t * self.n)
        m = _linear(h, self.given["w_hh"], self.given["b_hh"]).value
        a, m = (Term(self.symbol(k), v + moved.get(k, 0)) for k, v in (("a", self.a.value[rows]), ("m", m)))
        tape = Tape(self.symbol, moved)
        new, k = tape.step(CELLS[self.o.options["cell"]].step, [a, m, h, c])
        if id(new) in tape.made:  # the end of an expression
            new = tape.named("h", new)
        return Moment(t, rows, tape, a, m, h, c, {"h": new, "c": c if c.value is None else k})

    def in_place(self) -> list[Moment]:
        return sorted(self.moments, key=lambda x: x.t)

    def over_steps(self, steps: dict[int, list[Line]]) -> list[Line]:
        """The lines of the first step, with the numbers of all; 0 where a step has no such line."""
        found, known = [], {t: dict(lines) for t, lines in steps.items()}
        for left, term in steps[self.first]:
            none = Term(ZERO, np.zeros_like(term.value))
            found.append(
                (left, Term(term.math, np.concatenate([known[x.t].get(left, none).value for x in self.in_place()])))
            )
        return found

    def starts(self) -> list[Line]:
        """The names of the states before the first step."""
        if self.steps == 1:
            return []
        named = [(self.at(name, self.first + self.before), self.given[f"{name}0"]) for name in STATES]
        return [(left, x) for left, x in named if x.value is not None and left != x.math]

    def results(self, state: dict[str, Term]) -> list[Line]:
        """The names of what the layer returns."""
        each = [self.at("h", t) for t in range(1, self.steps + 1)] if self.steps > 1 else [self.letter("h")]
        made = {0: Term(together("cat", each, 0), self.out)}
        for name, index in STATES.items():
            made[index] = Term(self.at(name, self.last) if self.steps > 1 else state[name].math, state[name].value)
        named = [(self.o.symbols.output(self.o.v, i), made[i]) for i in sorted(self.o.v.gradient.parts)]
        return [(left, x) for left, x in named if left != x.math]

    # --- symbols ---

    def letter(self, name: str) -> Math:
        if name not in self.letters:
            symbols, index = self.o.symbols, STATES.get(name)
            if index in self.o.v.gradient.parts:  # the last state has that letter, without a step
                self.letters[name] = symbols.output(self.o.v, index)
            else:
                base, _, gate = name.partition("_")
                made = maths.below(maths.letter(base), maths.letter(gate)) if gate else maths.letter(base)
                self.letters[name] = symbols.free(made)
                symbols.taken.add(self.letters[name])
        return self.letters[name]

    def symbol(self, name: str, by: int = 0) -> Math:
        return self.letter(name) if self.steps == 1 else maths.below(self.letter(name), maths.stepped("t", by))

    def at(self, name: str, t: int) -> Math:
        return maths.below(self.letter(name), maths.number(t))

    def later(self, m: Math) -> Math:
        """What a line says of step t, said of the one that comes after it."""
        if m == maths.stepped("t", self.before):
            return T
        return maths.stepped("t", -self.before) if m == T else m._replace(parts=tuple(map(self.later, m.parts)))

    # --- back ---

    def back(self) -> dict[int, list[Line]]:
        """The lines of each step back, the last step first; fills in the gradients."""
        w, lines = self.given["w_hh"], {}
        sent: dict[str, list[Term]] = {"h": [], "c": []}  # to the states before, from the step after
        d_a, d_w, d_b = np.zeros_like(self.a.value), np.zeros_like(w.value), np.zeros(len(w.value))
        for x in reversed(self.moments):
            self.arrive(x, sent)
            step = x.tape.back()
            (bar_a, by_a), (bar_m, by_m) = x.tape.bar(x.a), x.tape.bar(x.m)
            if by_m.math == by_a.math:
                by_m = by_m._replace(math=bar_a.math)
            lines[x.t] = [*step, (bar_a.math, by_a), (bar_m.math, by_m)]
            sent = {name: x.tape.arrived.get(id(getattr(x, name)), []) for name in STATES}
            sent["h"] = [Term(maths.product(bar_m.math, w.math), bar_m.value @ w.value), *sent["h"]]
            d_a[x.rows] = bar_a.value
            d_w, d_b = d_w + bar_m.value.T @ x.h.value, d_b + bar_m.value.sum(0)
        bar, rows = Term(maths.barred(self.a.math), d_a), words("dim 0")
        over: Callable[[Math], Math] = (lambda m: maths.summed(m, T)) if self.steps > 1 else (lambda m: m)
        self.gradients = {
            "x": Term(maths.product(bar.math, self.given["w_ih"].math), d_a @ self.given["w_ih"].value),
            "w_ih": Term(maths.product(maths.turned(bar.math), self.given["x"].math), d_a.T @ self.given["x"].value),
            "b_ih": Term(maths.summed(bar.math, rows), d_a.sum(0)),
            "w_hh": Term(over(maths.product(maths.turned(bar_m.math), x.h.math)), d_w),
            "b_hh": Term(over(maths.summed(bar_m.math, rows)), d_b),
            **{f"{k}0": self.of_first(summed(terms)) for k, terms in sent.items() if terms},
        }
        return lines

    def arrive(self, x: Moment, sent: dict[str, list[Term]]) -> None:
        """What comes to a step's results: from the layer's, and from the step after it."""
        g = dict(enumerate(self.o.upstream().value))
        several = self.steps > 1
        there = maths.bracket(maths.related(T, "==", maths.number(self.last)))
        for name, index in (("h", 0), *STATES.items()):
            at, came = x.after[name], g.get(index)
            if came is None or came.value is None:
                continue
            if index:
                term = Term(maths.times(came.math, there) if several else came.math, came.value * (x.t == self.last))
            else:
                term = Term(maths.below(came.math, T) if several else came.math, came.value[x.rows])
            x.tape.arrive(at, term)
        for name, terms in sent.items():
            for one in terms:
                x.tape.arrive(x.after[name], Term(self.later(one.math), one.value))

    def check(self, left: Math, bars: Any) -> Check | None:
        """The gradients of a named value at all steps, against moving it there."""
        name = next((k for k in self.letters if maths.barred(self.symbol(k)) == left), "")
        if not name or self.steps > LONGEST or not np.isfinite(bars).all():
            return None
        rng = np.random.default_rng(0)
        along = rng.uniform(0.3, 1, bars.shape) * rng.choice([-1.0, 1.0], bars.shape)
        for step in (STEP, STEP / 30):
            low, high = self.result(name, -step * along), self.result(name, step * along)
            noise = 64 * float(np.finfo(float).eps) * (abs(low) + abs(high)) / step
            size = float(np.sqrt(np.square(bars * along).sum())) + noise / TOLERANCE
            off = abs((high - low) / 2 / step - float((bars * along).sum())) / size if size else 0.0
            if off <= TOLERANCE:
                return Check(True, f"checked to {off:.0e}", off)
        return Check(None, "not checked by differences: a kink is near")

    def result(self, name: str, by: Any) -> float:
        """The layer's results times their gradients, with a named value moved at each step."""
        state, total = {"h": self.given["h0"], "c": self.given["c0"]}, 0.0
        g = {i: x.value for i, x in enumerate(self.o.upstream().value) if x.value is not None}
        for x in self.moments:
            state = self.moment(x.t, state, {name: by[x.rows]}).after
            total += float((g[0][x.rows] * state["h"].value).sum()) if 0 in g else 0.0
        return total + sum(float((g[i] * state[k].value).sum()) for k, i in STATES.items() if i in g)

    def of_first(self, term: Term) -> Term:
        """What a line says of step t, said of the first."""

        def told(m: Math) -> Math:
            return maths.number(self.first) if m == T else m._replace(parts=tuple(map(told, m.parts)))

        return term if self.steps == 1 else Term(told(term.math), term.value)


def _linear(x: Term, w: Term, b: Term) -> Term:
    m, value = maths.product(x.math, maths.turned(w.math)), x.value @ w.value.T
    return Term(m, value) if b.value is None else Term(maths.added(m, b.math), value + b.value)

"""A function's lines, and the lines back through it, by the formulas of the operations that it is made of.

The function is a straight line of operations on named values. Each named value has a line of its own: forward what it
is, backward the sum of what the formulas of the operations that used it hand on.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ...core.op import REGISTRY
from . import maths
from .maths import Math
from .reading import Reader, Space, Term, Unreadable
from .shapes import ZERO, together

Line = tuple[Math, Term]


class Made(NamedTuple):
    """How a Term came about: by an operation, or as block `block` of the last dim of one."""

    op: Any
    args: list[Term]
    block: int = 0


class Tape(Reader):
    """A Reader that writes down which operation made what, and the named values in their order.

    symbol: how a name is written. moved: by name, what is added to a value.
    """

    def __init__(self, symbol: Callable[[str], Math], moved: dict[str, Any]) -> None:
        super().__init__()
        self.symbol, self.moved = symbol, moved
        self.made: dict[int, Made] = {}
        self.names: list[tuple[Term, Term]] = []
        self.arrived: dict[int, list[Term]] = {}
        self.alive: list[Term] = []  # so that an id stays one Term's

    def keep(self, term: Term, op: Any, args: list[Term], block: int = 0) -> Term:
        self.alive += [term, *args]
        self.made[id(term)] = Made(op, args, block)
        return term

    def infix(self, word: str, compute: Any, a: Term, b: Term) -> Term:
        return self.keep(super().infix(word, compute, a, b), REGISTRY[word], [a, b])

    def call(self, f: Any, args: list[Term], options: dict[str, Term], depth: int = 0) -> Term:
        if getattr(f, "__name__", "") == "chunk":
            x, n, _ = args
            blocks = np.split(x.value, n.value, -1)
            return Term(x.math, tuple(self.keep(Term(x.math, b), None, [x], k) for k, b in enumerate(blocks)))
        return self.keep(super().call(f, args, options, depth), REGISTRY.get(f.__name__), args)

    def assign(self, target: ast.expr, term: Term, space: Space) -> None:
        if isinstance(target, ast.Name) and not isinstance(term.value, tuple):
            term = self.named(target.id, term)
        super().assign(target, term, space)

    def named(self, name: str, term: Term) -> Term:
        known = Term(self.symbol(name), term.value + self.moved.get(name, 0))
        self.names.append((known, term))
        return known

    def step(self, f: Any, args: list[Term]) -> list[Term]:
        """The first two things that f returns."""
        self.alive += args
        node, space = self.opened(f, args)
        assert isinstance(node, ast.FunctionDef)
        *body, end = node.body
        self.run(body, space)
        if not isinstance(end, ast.Return) or not isinstance(end.value, ast.Tuple):
            raise Unreadable("a step that ends otherwise")
        return [self.eval(part, space) for part in end.value.elts[:2]]

    # --- back ---

    def arrive(self, at: Term, g: Term) -> None:
        self.alive.append(g)
        self.arrived.setdefault(id(at), []).append(g)

    def back(self) -> list[Line]:
        """What arrives at each named value, last first, handed on through what it was made of."""
        lines: list[Line] = []
        blocks: list[Term] = []  # of one whole, which gets all of them at once
        for known, term in reversed(self.names):
            made, bar = self.made[id(term)], Term(ZERO, np.zeros_like(known.value))
            if id(known) in self.arrived:
                bar, total = self.bar(known)
                lines.append((bar.math, total))
                if made.op is not None:
                    self.hand(term, bar, known)
            if made.op is not None:
                continue
            blocks.insert(0, bar)
            if made.block == 0:
                joined = np.concatenate([b.value for b in blocks], -1)
                self.hand(made.args[0], Term(together("cat", [b.math for b in blocks], 1), joined))
                blocks = []
        return lines

    def bar(self, known: Term) -> tuple[Term, Term]:
        """The gradient of a named value under its symbol, and as the sum of what arrived."""
        total = summed(self.arrived[id(known)])
        return Term(maths.barred(known.math), total.value), total

    def hand(self, term: Term, g: Term, known: Term | None = None) -> None:
        """g through the operations that made a term, down to what has a name. known: the term under its own."""
        made = self.made.get(id(term))
        if made is None:
            self.arrive(term, g)
            return
        given = dict(zip(made.op.inputs, made.args, strict=False))
        for name, x in given.items():
            formula = made.op.declared[name]
            mentioned = {"g": g, "y": known or term, **given}
            self.hand(x, Reader().function(formula, [], {w: mentioned[w] for w in ("g", *made.op.mentions[name])}))

    def lines(self) -> list[Line]:
        """The named values with what they are; blocks of one whole on a line."""
        found: list[Line] = []
        group: list[Math] = []
        for known, term in self.names:
            made = self.made[id(term)]
            if made.op is not None:
                found.append((known.math, term))
                continue
            group.append(known.math)
            if len(group) * term.value.shape[-1] == made.args[0].value.shape[-1]:
                found.append((maths.listed(group), made.args[0]))
                group = []
        return found


def summed(terms: list[Term]) -> Term:
    total, *others = terms
    for g in others:
        total = Term(maths.added(total.math, g.math), total.value + g.value)
    return total

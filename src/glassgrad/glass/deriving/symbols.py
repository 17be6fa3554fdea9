"""The symbols of a derivation: each value of the graph gets one, short, and no two the same."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import count
from typing import Any

import numpy as np

from ...core.op import Parts
from ...scalar import Value
from ..graph import Vertex, _saved
from . import forms, maths
from .maths import Math
from .notation import OUTPUTS

LETTERS = {"weight": "W", "bias": "b", "w": "W", "other": "c", "at": "t", "index": "t", "share": "s", "input": "x",
           "h0": "h0", "c0": "c0"}  # fmt: skip
DEEPEST, LONGEST = 3, 24  # of an expression that stands for a nameless value: operations in each other, characters


class Symbols:
    """Made for the vertices of a derivation and what they are made of, in their order.

    legend: symbol -> the variable's own name, where the symbol is shorter.
    """

    def __init__(self, root: Vertex, vertices: Iterable[Vertex], scope: set[Vertex]) -> None:
        self.found: dict[Any, Math] = {}
        self.taken: set[Math] = set()
        self.legend: dict[Math, Vertex] = {}
        self.counters: dict[str, Iterator[int]] = {}
        self.depth = 0
        everything = list(vertices)
        for v in everything:
            if v.name and not _path(v.name):
                self.take(v, maths.name(v.name))
        self.shorten([v for v in everything if v.name and _path(v.name) and v not in self.found])
        if root not in self.found:
            self.take(root, self.fresh("L"))
        several = {v.edges[0].vertex for v in scope if v.op == "pick_output"}
        for v in everything:
            if v.op == "pick_output" and v in scope:
                key = (v.edges[0].vertex, "output", picked(v))
                self.found[key] = self.found.get(v) or self.output(key[0], key[2])
            elif v not in self.found and v in scope and v not in several:
                self.take(v, self.numbered("u"))

    def take(self, key: Any, symbol: Math) -> None:
        self.found[key] = self.free(symbol)
        self.taken.add(self.found[key])

    def free(self, symbol: Math) -> Math:
        """The symbol, primed while another has it."""
        while symbol in self.taken:
            symbol = maths.primed(symbol)
        return symbol

    def fresh(self, letter: str) -> Math:
        symbol = maths.name(letter)
        return symbol if symbol not in self.taken else self.numbered(letter)

    def numbered(self, letter: str) -> Math:
        counter = self.counters.setdefault(letter, count(1))
        return next(m for k in counter if (m := maths.name(f"{letter}{k}")) not in self.taken)

    def shorten(self, vertices: list[Vertex]) -> None:
        """model.0.weight is W where that is clear, else W with the index 0, else with all of it."""
        paths = {v: _path(v.name) for v in vertices}
        for depth in (0, 1, 2):
            symbols = {v: _short(path, depth) for v, path in paths.items()}
            clear = len(set(symbols.values())) == len({v.name for v in vertices})
            if depth == 2 or (clear and not self.taken & set(symbols.values())):
                break
        for v in vertices:
            self.take(v, symbols[v])
            self.legend[self.found[v]] = v

    def of(self, v: Vertex) -> Math:
        if v not in self.found:
            if v.op == "pick_output":
                return self.output(v.edges[0].vertex, picked(v))
            if v.name:
                self.take(v, _short(_path(v.name), 1) if _path(v.name) else maths.name(v.name))
                return self.found[v]
            if v.value is not None and np.size(v.value) == 1 and (not v.op or isinstance(v.source, Value)):
                return self.expression(v) or maths.number(float(np.asarray(v.value).reshape(())))
            self.take(v, self.fresh("x" if not v.op else "u"))
        return self.found[v]

    def expression(self, v: Vertex) -> Math | None:
        """A nameless Value aside of the way to the goal: what it is computed from, if that is short."""
        from .scalars import ScalarOperation

        if not v.op or v.cut or self.depth == DEEPEST:
            return None
        self.depth += 1
        try:
            m = ScalarOperation(v, self).definition().math
        finally:
            self.depth -= 1
        return m if maths.has_letters(m) and len(forms.text(m)) <= LONGEST else None

    def argument(self, v: Vertex, j: int, role: str, value: Any) -> Math:
        """Argument j of the operation that made v; what the graph doesn't know is named after its role."""
        for edge in v.edges:
            if edge.position == j:
                if edge.vertex not in self.found and edge.vertex.kind == "constant" and np.size(value) != 1:
                    self.take(edge.vertex, self.fresh(LETTERS.get(role, role[:1])))
                return self.of(edge.vertex)
        if np.size(value) == 1 and np.asarray(value).dtype.kind in "fiu":
            return maths.number(float(np.asarray(value).reshape(())))
        key = (v, j)
        if key not in self.found:
            self.take(key, self.fresh(LETTERS.get(role, role[:1])))
        return self.found[key]

    def output(self, v: Vertex, i: int) -> Math:
        """Result i of an operation with several."""
        key = (v, "output", i)
        if key not in self.found:
            letters = {index: letter for letter, index, _ in OUTPUTS.get(v.op, ())}
            self.take(key, self.fresh(letters[i]) if i in letters else self.numbered("u"))
        return self.found[key]

    def outputs(self, v: Vertex) -> Math:
        """The name of what an operation made, several in parentheses."""
        if not isinstance(v.gradient, Parts):
            return self.of(v)
        return maths.listed([self.output(v, i) for i in sorted(v.gradient.parts)])


def picked(v: Vertex) -> int:
    """Which of several results a vertex is."""
    return int(_saved(v.source)[0][0])


def _path(name: str) -> list[str]:
    """net.layers[0].weight -> net, layers, 0, weight; nothing for a plain name."""
    parts = [part for part in re.split(r"[.\[\]'\"]+", name) if part]
    return parts if len(parts) > 1 and all(re.fullmatch(r"\w+", part) for part in parts) else []


def _short(path: list[str], depth: int) -> Math:
    at = next((k for k in range(len(path) - 1, 0, -1) if not path[k].isdigit()), 0)
    word, _, index_of = path[at].partition("_")  # weight_ih_l0 is W with ih
    base, index = path[at], path[at + 1 :]
    if word in ("weight", "bias"):
        base, index = LETTERS[word], [*filter(None, [index_of.replace("_l0", "").replace("_", " ")]), *index]
    inside = [path[1:at], path[:at]][depth - 1] if depth else []
    where = ", ".join(filter(None, [".".join(inside), *index]))
    if not where:
        return maths.name(base)
    return maths.below(maths.letter(base), maths.number(int(where)) if where.isdigit() else maths.words(where))

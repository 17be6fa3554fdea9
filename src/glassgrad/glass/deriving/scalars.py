"""The operations of Values, taken apart: what they compute, their slopes, and the check of both.

The formulas are those of the tensors' operations, read with an upstream gradient of 1; the numbers are compared with
those of the scalar engine, which has its own.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..graph import Vertex
from . import maths
from .checking import STEP, TOLERANCE, Check, WrongFormula
from .corners import corners
from .notation import DEFINITIONS, FUNCTIONS, HELPERS
from .reading import Reader, Term, declared_for, plain

EPS = float(np.finfo(float).eps)
SAME = 1e-12  # two ways to compute one slope in float64
INFIX = {
    "add": "x + other",
    "sub": "x - other",
    "mul": "x * other",
    "div": "x / other",
    "pow": "x ** other",
    "neg": "-x",
}
MOST_TERMS = 5  # of a neuron's sum are shown


class ScalarOperation:
    """One Value that was computed."""

    def __init__(self, v: Vertex, symbols: Any) -> None:
        self.v, self.symbols = v, symbols
        self.declared, self.power = declared_for(v)
        self.op = self.declared.name if self.declared else v.op
        self.values = [float(operand.data) for operand in v.source.operands]
        self.cache: dict[Any, Term] = {}
        self.slopes = [float(1.0 * s) for s in v.source.local_gradients]

    def term(self, k: int, numbers: bool, value: float | None = None) -> Term:
        """Operand k under its symbol, or as its number."""
        number, x = self.values[k] if value is None else value, self.v.edges[k].vertex
        return Term(maths.number(number) if numbers else self.symbols.of(x), np.asarray(number), x.kind == "constant")

    def arguments(self, numbers: bool, values: list[float] | None = None) -> dict[str, Term]:
        values = values or self.values
        terms = [self.term(k, numbers, x) for k, x in enumerate(values)]
        if self.power:
            k = float(self.power)
            terms.append(plain(int(k) if k.is_integer() else k))
        return dict(zip(("x", "other"), terms, strict=False))

    def definition(self, numbers: bool = False, values: list[float] | None = None) -> Term:
        """What it computes, of symbols or of numbers."""
        if values is None and numbers in self.cache:
            return self.cache[numbers]
        made = self._defined(numbers, values or self.values)
        if values is None:
            self.cache[numbers] = made
        return made

    def _defined(self, numbers: bool, values: list[float]) -> Term:
        if self.op == "affine":
            return self._affine(numbers, values)
        if self.op == "largest":
            parts = [self.term(k, numbers, x).math for k, x in enumerate(values)]
            return Term(maths.applied("max", *parts), np.asarray(max(values)))
        text = INFIX.get(self.op) or DEFINITIONS.get(self.op) or f"{self.op}(x)"
        with np.errstate(all="ignore"):
            return Reader().text(text, self.arguments(numbers, values), HELPERS)

    def _affine(self, numbers: bool, values: list[float]) -> Term:
        n = len(values) // 2
        total, made = values[-1], None
        for k in range(n):
            total += values[k] * values[n + k]
            if n > MOST_TERMS and 2 <= k < n - 1:
                if k == 2 and made is not None:
                    made = maths.added(made, maths.sign("dots"))
                continue
            w, x = self.term(k, numbers, values[k]).math, self.term(n + k, numbers, values[n + k]).math
            product = maths.times(w, x, "*" if numbers or maths.is_number(w) and maths.is_number(x) else "")
            made = product if made is None else maths.added(made, product)
        last = self.term(len(values) - 1, numbers).math
        return Term(last if made is None else maths.added(made, last), np.asarray(total))

    def slope(self, k: int, numbers: bool = False) -> Term:
        """The local derivative in operand k."""
        key = ("slope", k, numbers)
        if key not in self.cache:
            self.cache[key] = self._slope(k, numbers)
        return self.cache[key]

    def _slope(self, k: int, numbers: bool) -> Term:
        if self.op == "affine":
            n = len(self.values) // 2
            return plain(1) if k == 2 * n else self.term((k + n) % (2 * n), numbers)
        if self.op == "largest":
            return plain(0)
        x = self.declared.inputs[k]
        here = self.arguments(numbers)
        y = Term(maths.number(self.v.value) if numbers else self.symbols.of(self.v), np.asarray(self.v.value))
        with np.errstate(all="ignore"):
            return Reader().function(self.declared.declared[x], [], {"g": plain(1), "y": y, **here})

    def check(self, k: int) -> Check:
        """The slope as it is written, against the engine's and against central differences of the definition."""
        shown, engine, value = float(self.slope(k).value), self.slopes[k], float(self.definition().value)
        if not math.isfinite(engine):
            return Check(None, "not checked: the slope is not finite")
        if not _near(value, self.v.value, 1e-9):
            return Check(None, "not checked: a number has been changed since this was computed")
        error = abs(shown - engine) / max(abs(engine), abs(shown), 1e-300)
        if not error <= SAME and abs(shown - engine) > 1e-300:
            self.wrong(k, f"its formula gives {shown!r}, the engine {engine!r}")
        if self.op == "largest":
            return Check(True, "a constant of the moment: no gradient passes")
        corner = self._corner(k)
        if corner:
            return Check(None, f"not checked: {corner}")
        off = self._off(k, STEP)
        if off > TOLERANCE:
            finer = self._off(k, STEP / 30)
            if min(off, finer) > TOLERANCE and self._miss(k, STEP / 30) > self._miss(k, STEP) / 100:  # x**3 at 0
                self.wrong(k, f"finite differences differ by {min(off, finer):.1e} of it")
            off = min(off, finer, TOLERANCE)
        if off != off:
            return Check(None, "not checked: not finite near by")
        return Check(True, f"checked to {max(off, error):.0e}", max(off, error))

    def _at(self, k: int, x: float) -> float:
        values = [*self.values[:k], x, *self.values[k + 1 :]]
        if self.op in FUNCTIONS and self.op not in DEFINITIONS:
            return float(FUNCTIONS[self.op].compute(*values, *([float(self.power)] if self.power else [])))
        return float(self.definition(True, values).value)

    def _ends(self, k: int, step: float) -> tuple[float, float, float, float]:
        x = self.values[k]
        step *= min(abs(x), 1.0) or 1.0
        with np.errstate(all="ignore"):
            return x - step, x + step, self._at(k, x - step), self._at(k, x + step)

    def _off(self, k: int, step: float) -> float:
        a, b, low, high = self._ends(k, step)
        noise = 32 * EPS * (abs(low) + abs(high) + self._largest_term())
        bend = 20 * step * abs(high - 2 * self.v.value + low)  # what the next term of the series may come to
        predicted = self.slopes[k] * (b - a)
        size = abs(predicted) + (noise + bend) / TOLERANCE
        return abs(high - low - predicted) / size if size else abs(high - low) and math.inf

    def _miss(self, k: int, step: float) -> float:
        a, b, low, high = self._ends(k, step)
        return abs((high - low) / (b - a) - self.slopes[k])

    def _largest_term(self) -> float:
        """What a sum may have rounded away."""
        if self.op == "affine":
            n = len(self.values) // 2
            return max(abs(x) for x in [self.values[-1], *(self.values[k] * self.values[n + k] for k in range(n))])
        return max(map(abs, self.values)) if self.op in ("add", "sub") else 0.0

    def _corner(self, k: int) -> str:
        """What is said of the kink that the operand is at, if it is at one."""
        noise = 32 * EPS * (abs(self.v.value) + self._largest_term())
        scale = min(abs(self.values[k]), 1.0) or 1.0
        found = corners(lambda step: self._ends(k, step)[2:], self.v.value, noise)
        if not found.places.any():
            return ""
        return found._replace(lower=found.lower / scale, upper=found.upper / scale).say(np.array([self.slopes[k]]))

    def wrong(self, k: int, what: str) -> None:
        raise WrongFormula(f"derive: the slope of '{self.v.op}' in its operand {k + 1} is wrong: {what}.")


def _near(a: float, b: float, allowed: float) -> bool:
    return a == b or abs(a - b) <= allowed * max(1.0, abs(a), abs(b)) or (a != a and b != b)

"""Checks of the numbers themselves: whether evaluation sees what training saw, and what a cast leaves of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...core.modes import is_grad_enabled
from ...core.provenance import Place, caller
from ...core.tensor import Tensor
from .names import Beside

FAR = 5.0  # times as large a deviation, or so many deviations away, is another scale
ENOUGH = 32  # numbers say something about their scale
CUT = 8  # as many that become one number


@dataclass
class Cast:
    """What became of numbers that were made whole."""

    count: int = 0
    low: float = math.inf
    high: float = -math.inf
    least: int | None = None
    most: int | None = None

    def add(self, a: Any, made: Any) -> None:
        self.count += a.size
        self.low, self.high = min(self.low, a.min()), max(self.high, a.max())
        self.least = min(made.min(), made.min() if self.least is None else self.least)
        self.most = max(made.max(), made.max() if self.most is None else self.most)


class Scale:
    """Mean and deviation of the numbers that a model was given."""

    def __init__(self) -> None:
        self.n, self.total, self.squares = 0, 0.0, 0.0

    def add(self, a: Any) -> None:
        self.n += a.size
        self.total += float(a.sum(dtype=np.float64))
        self.squares += float(np.square(a, dtype=np.float64).sum())

    @property
    def mean(self) -> float:
        return self.total / self.n

    @property
    def deviation(self) -> float:
        return math.sqrt(max(self.squares / self.n - self.mean**2, 0.0))

    def is_far_from(self, other: Scale) -> bool:
        one, two = sorted((self.deviation, other.deviation))
        return two > FAR * one or abs(self.mean - other.mean) > FAR * two


class Inputs:
    def __init__(self, run: Any) -> None:
        self._run = run
        self._trained: Beside[Scale] = Beside(hold=True)  # by model
        self._judged: Beside[tuple[Scale, Place | None]] = Beside(hold=True)
        self._unjudged: tuple[Any, Any, Place | None] | None = None  # a model and its input under no_grad()
        self._casts: dict[Place | None, Cast] = {}  # from fractions to whole numbers, by line

    def enter(self, module: Any, args: Any) -> None:
        if self._run.stack:
            return
        self._unjudged = None
        x = args[0] if args else None
        if not isinstance(x, Tensor) or type(x.array) is not np.ndarray or x._node is not None:
            return
        if x.array.dtype.kind == "f" and x.array.ndim > 1 and x.array.size:
            if not is_grad_enabled():
                self._unjudged = module, x.array, caller()
            elif module.training:
                (self._trained.get(module) or self._trained.put(module, Scale())).add(x.array)

    # --- what makes a pass an evaluation: a loss, or a comparison with targets ---

    def loss(self, name: str, x: Tensor, target: Tensor) -> None:
        self._judge()

    def op(self, name: str, inputs: Any, out: Tensor) -> None:
        if name == "eq":
            self._judge()
        elif name == "cast" and out.array.dtype.kind in "iu" and inputs[0].array.dtype.kind == "f" and out.array.size:
            self._casts.setdefault(caller(), Cast()).add(inputs[0].array, out.array)

    def _judge(self) -> None:
        if self._unjudged is not None and not is_grad_enabled():
            module, a, place = self._unjudged
            (self._judged.get(module) or self._judged.put(module, (Scale(), place)))[0].add(a)
            self._unjudged = None

    def end(self) -> None:
        for place, cast in self._casts.items():
            if cast.count >= CUT and cast.least == cast.most and cast.low < cast.high:
                self._run.report("GL407", place, count=cast.count, low=cast.low, high=cast.high, what=cast.least)
        for module, (judged, place) in self._judged.items():
            trained = self._trained.get(module)
            if trained is not None and judged.n >= ENOUGH and trained.is_far_from(judged):
                name, what = self._run.roots.get(module), f"mean {judged.mean:.3g} and deviation {judged.deviation:.3g}"
                first, last = f"{trained.mean:.3g}", f"{trained.deviation:.3g}"
                self._run.report("GL406", place, names=name, first=first, last=last, what=what)

"""Checks of the loss itself: whether it has a graph, is kept with it, is a number, and falls."""

from __future__ import annotations

import math
import weakref
from typing import Any

from ...core.graph import Node
from ...core.modes import is_grad_enabled
from ...core.provenance import Place, caller, line_of, show
from ...core.tensor import Tensor
from .names import Beside
from .steps import nonzero, parameters, rate_of

GROWN = 100.0  # a loss of so many times the first one has diverged
# Learning rates that can be to blame for it.
LARGE = {
    **dict.fromkeys(("Adam", "AdamW", "RMSprop", "NAdam", "RAdam", "Adamax"), 0.1),
    **dict.fromkeys(("LBFGS", "Adadelta", "Rprop", "Adafactor"), math.inf),
}
LARGE_ELSE = 1.0
KEPT = 10  # so many losses, still there with their graphs
INFINITE = {"log", "log2", "log10", "div", "exp", "pow", "reciprocal", "rsqrt"}


class Values:
    def __init__(self, run: Any) -> None:
        self._run = run
        self._unrecorded: Beside[Place | None] = Beside()  # computed of parameters under no_grad, and where that began
        self._sums: dict[Any, tuple[Any, Any, int]] = {}  # by line: the last sum, what was added to it, how often
        self._leaves: Beside[bool] = Beside()  # that a backward has reached
        self._made_anew: Place | None = None  # the last backward, if it came to new leaves only, and to no parameter
        self._done: weakref.WeakSet[Node] = weakref.WeakSet()  # where a backward has started
        self._kept: list[tuple[Any, int]] = []  # weak references to losses, and the number of steps before
        self._steps = 0
        self._bad: tuple[str, str, Place | None] | None = None  # the first NaN or infinity since the last backward
        self._losses: dict[Any, list[float]] = {}  # by line of backward: the first, the largest
        self._scaled: Beside[float] = Beside()  # products with a loss, and its value
        self._rates: Beside[list[float]] = Beside(hold=True)  # of optimizers: first, highest
        self._diverged: tuple[float, float, Place | None] | None = None

    # --- the graph ---

    def backward(self, roots: list[Any]) -> None:
        leaves, held = self._run.leaves, self._run.held
        anew = leaves and not any(p._is_param or p in held or p in self._leaves for p in leaves)
        self._made_anew = caller() if anew else None
        for p in leaves if anew else ():
            self._leaves.put(p, True)
        for x in roots:
            if not isinstance(x, Tensor) or x.array.size != 1 or x.is_complex():
                continue
            if x in self._unrecorded:
                self._run.report("GL209", self._unrecorded.get(x))
            elif x._node is None and not x._is_param and self._run.computed:
                self._run.report("GL208")
            if x._node is not None:
                self._done.add(x._node)
            self._kept = [(ref, n) for ref, n in self._kept if (y := ref()) is not None and y._node is not None]
            self._kept.append((weakref.ref(x), self._steps))
            if len({n for _, n in self._kept}) > KEPT:
                self._run.report("GL207", what=f"{len(self._kept)} losses are still there after their backward()")
            self._look(x)
        self._bad = None

    def tensor(self, data: Any, made: Any) -> None:
        if isinstance(data, Tensor) and data._needs and is_grad_enabled():
            self._run.report("GL210")

    def op(self, name: str, inputs: Any, out: Tensor) -> None:
        if not out._needs:
            for x in inputs:
                if isinstance(x, Tensor) and ((x._needs and not is_grad_enabled()) or x in self._unrecorded):
                    self._unrecorded.put(out, self._unrecorded.get(x) or caller())
                    break
        if name in ("mul", "div") and out._node is not None and out.array.size == 1 and not out.is_complex():
            scaled = [x for x in inputs if isinstance(x, Tensor) and x._node is not None]
            if len(scaled) == 1 and scaled[0].array.size == 1:
                self._scaled.put(out, self._scaled.get(scaled[0]) or float(scaled[0].array.item()))
        if name == "add" and out._node is not None and out.array.size == 1:
            self._added(out._node)
        if self._bad is None and out.array.dtype.kind == "f" and out.array.size:
            total = out.array.sum()
            if total != total or (name in INFINITE and math.isinf(total)):
                self._bad = (name, self._inside(), caller())

    def _inside(self) -> str:
        return f" in {self._run.module_path(self._run.stack[-1])}" if self._run.stack else ""

    def _added(self, node: Node) -> None:
        """total += loss: a sum that goes on after a backward has used what was added."""
        before = self._sums.get(node.place)
        last, term, times = before if before is not None else (None, None, 0)
        others = [edge for edge in node.edges if isinstance(edge, Node)]
        if last is not None and (total := last()) is not None and any(edge is total for edge in others):
            new = next((edge for edge in others if edge is not total), None)
            times += any(n is not None and n in self._done for n in (new, term and term()))
            if times >= 2:
                self._run.report("GL207", node.place, what="a total that losses are added to")
        else:
            new, times = (others[0] if others else None), 0
        self._sums[node.place] = (weakref.ref(node), new and weakref.ref(new), times)

    # --- the value ---

    def _look(self, x: Tensor) -> None:
        """A loss, as backward begins."""
        value, place = self._scaled.get(x) or float(x.array.item()), caller()
        params = [id(p) for p in self._run.leaves if p._is_param]
        where = place and line_of(place), min(params, default=0)
        first, worst = self._losses.setdefault(where, [value, abs(value)])
        small = max(abs(first), 1e-2)
        if abs(value) > GROWN * small or (not math.isfinite(value) and worst > 10 * small):
            self._diverged = self._diverged or (first, value, place)
        self._losses[where][1] = max(worst, abs(value))
        if not math.isfinite(value):
            name, inside, made = self._bad or ("", "", place)
            what = f"the loss is {value}" + (f": {name}{inside} made the first ({show(made)})" if name else "")
            if not self._blame_the_rate() and not self._sweeping():
                self._run.report("GL211", made, what=what)

    def before_step(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        if self._made_anew and not any(p._grad is not None and nonzero(p._grad) for p in parameters(optimizer)):
            self._run.report("GL208", self._made_anew)

    def after_step(self, optimizer: Any) -> None:
        self._steps += 1
        rate = rate_of(optimizer)
        known = self._rates.get(optimizer) or self._rates.put(optimizer, [rate, rate])
        known[1] = max(known[1], rate)

    def _sweeping(self) -> bool:
        """Whether a learning rate is raised on purpose, to see how far it goes."""
        return any(high > 10 * first for _, (first, high) in self._rates.items())

    def _blame_the_rate(self) -> bool:
        if self._diverged is None or self._sweeping():
            return False
        first, last, place = self._diverged
        for optimizer, (rate, _) in self._rates.items():
            if rate >= LARGE.get(type(optimizer).__name__, LARGE_ELSE):
                self._run.report("GL112", place, lr=f"{rate:g}", first=f"{first:.4g}", last=f"{last:.4g}")
                return True
        return False

    def end(self) -> None:
        self._blame_the_rate()

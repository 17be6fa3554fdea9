"""Checks of what comes again in each round of a loop: gradients that nobody used, optimizers made anew, one seed."""

from __future__ import annotations

import weakref
from collections import Counter
from typing import Any

from ...core.modes import is_grad_enabled
from ...core.provenance import Place, caller, line_of, show
from ...core.random import Generator
from ...core.tensor import Tensor
from ...data import RandomSampler
from .names import Beside, several, variable
from .steps import OFTEN, mark, parameters

ANEW = 3  # so many optimizers, one after another
AGAIN = 3  # so many rounds after the same seed
WASTED = 2  # so many passes for nothing for each one that is used


class Line:
    """What became of the backward passes that began at one line."""

    def __init__(self) -> None:
        self.used = self.wasted = 0
        self.before = 0  # wasted since the last one that was used
        self.runs: set[int] = set()  # so many were before one that was used
        self.reset: Place | None = None
        self.step: Place | None = None


class Pass:
    """One backward pass whose gradients wait for a step."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self.wasted = self.over = False

    def waste(self) -> None:
        if not self.over and not self.wasted:
            self.wasted = True
            self.line.wasted += 1
            self.line.before += 1
            self.line.reset = caller()

    def use(self, step: bool) -> None:
        """By a step, or by somebody who has looked at a gradient: then it is nobody's business."""
        if self.over:
            return
        line, self.over = self.line, True
        if self.wasted:
            line.wasted -= 1
            line.before = max(line.before - 1, 0)
        if step:
            line.used += 1
            line.runs.add(line.before)
            line.before, line.step = 0, caller()


class Chain:
    """Optimizers of one line, kind and options for the same parameters."""

    def __init__(self, place: Place | None) -> None:
        self.place = place
        self.count = 0  # that have made one step, and keep something of it
        self.broken = False  # one is used longer, or has been given its state, or the parameters are changed between
        self.marks: list[bytes] = []  # of the parameters after the last step


class Round:
    """What happens under one seed."""

    def __init__(self, generator: Generator) -> None:
        self.generator, self.seed = generator, generator.initial_seed()
        self.stream: Any = None  # of the numbers that are drawn for something recorded
        self.noisy = False  # these are for dropout, or for the order of the samples
        self.looked = False
        self.steps: Counter[int] = Counter()  # of optimizers, by identity

    @property
    def trained(self) -> list[int]:
        """Optimizers for which it matters. Data made again for many steps can be meant; for one step, or noise, not."""
        return [optimizer for optimizer, steps in self.steps.items() if steps == 1 or self.noisy]


class Rounds:
    def __init__(self, run: Any) -> None:
        self._run = run
        self._lines: dict[Any, Line] = {}
        self._waiting: Beside[tuple[Any, list[Pass]]] = Beside()  # by parameter: its gradient (weakly), whose it is
        self._closure = False  # a step asks for the gradients itself
        self._chains: dict[Any, Chain] = {}
        self._chained: Beside[tuple[Chain, list[int]]] = Beside(hold=True)  # optimizers, and the number of their steps
        self._round: Round | None = None
        self._last: tuple[Place, Round] | None = None  # the last seed
        self._again: dict[Any, list[list[int]]] = {}  # by place and seed: who was trained before it was set once more
        self._trained: Beside[str] = Beside(hold=True)  # names of optimizers

    # --- gradients ---

    def gradients(self) -> None:
        leaves, place = self._run.leaves, caller()
        if self._closure or place is None or not all(p._is_param or p in self._run.held for p in leaves):
            return
        made = Pass(self._lines.setdefault(line_of(place), Line()))
        for p in leaves:
            if p._grad is not None and not (p._hooks or p._after):
                known = self._waiting.get(p)
                mine = known[1] if known is not None and known[0]() is p._grad else []
                self._waiting.put(p, (weakref.ref(p._grad), [*mine, made]))

    def gradient_read(self, p: Tensor) -> None:
        self._spend(p, step=False)

    def _spend(self, p: Tensor, step: bool) -> None:
        known = self._waiting.get(p)
        if known is not None and known[0]() is p._grad:
            for made in known[1]:
                made.use(step)
            known[1].clear()

    def zero_grad(self, params: list[Tensor]) -> None:
        for p in params:
            known = self._waiting.get(p)
            if known is not None and known[0]() is p._grad and not self._closure:
                for made in known[1]:
                    made.waste()
                known[1].clear()

    # --- steps ---

    def optimizer(self, optimizer: Any) -> None:
        place = caller()
        options = repr(sorted(optimizer.defaults.items()))
        key = place and line_of(place), type(optimizer), options, tuple(map(id, parameters(optimizer)))
        chain = self._chains.setdefault(key, Chain(place))
        if chain.marks and chain.marks != [mark(p) for p in parameters(optimizer)]:
            chain.broken = True
        self._chained.put(optimizer, (chain, [0]))

    def before_step(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        self._closure = bool(args or kwargs)
        for p in parameters(optimizer):
            self._spend(p, step=True)
        known = self._chained.get(optimizer)
        if known is not None and not known[1][0] and any(optimizer.state.values()):
            known[0].broken = True

    def after_step(self, optimizer: Any) -> None:
        closure, self._closure = self._closure, False
        if (known := self._chained.get(optimizer)) is not None:
            chain, steps = known
            steps[0] += 1
            chain.broken = chain.broken or closure or steps[0] > 1
            if not chain.broken:
                chain.count += any(map(keeps, optimizer.state.values()))
                chain.marks = [mark(p) for p in parameters(optimizer)]
        now = self._round
        if now is not None and now.stream is not None and now.generator._engine is now.stream and not closure:
            now.steps[id(optimizer)] += 1
            if optimizer not in self._trained:
                self._trained.put(optimizer, variable(optimizer) or "the optimizer")

    # --- the seed ---

    def seed(self, generator: Generator) -> None:
        place, self._round = caller(), None
        if self._closure or place is None:  # a closure is to give the same loss each time
            return
        last, self._round = self._last, Round(generator)
        if last is not None and last[0] == place and last[1].seed == self._round.seed and last[1].trained:
            self._again.setdefault((place, last[1].seed), []).append(last[1].trained)
        self._last = place, self._round

    def op(self, name: str, inputs: Any, out: Tensor) -> None:
        now = self._round
        if now is not None and not now.looked and not now.generator._untouched:
            now.looked = True
            now.stream = now.generator._engine if is_grad_enabled() else None

    def dropout(self, p: float, training: bool) -> None:
        if self._round is not None and training and p > 0 and is_grad_enabled():
            self._round.noisy = True

    def epoch(self, loader: Any) -> None:
        sampler = getattr(loader, "sampler", None)
        if self._round is not None and isinstance(sampler, RandomSampler) and sampler.generator is None:
            self._round.noisy = True

    # --- at the end ---

    def end(self) -> None:
        for line in self._lines.values():
            # As many each time: whether to step is not decided by the data.
            if line.used >= OFTEN and len(line.runs) == 1 and min(line.runs) >= WASTED:
                count = line.wasted + line.used
                self._run.report("GL117", line.step, first=line.wasted, count=count, where=show(line.reset))
        for (_, kind, *_), chain in self._chains.items():
            if chain.count >= ANEW and not chain.broken:
                self._run.report("GL118", chain.place, count=chain.count, optimizer=kind.__name__)
        names = {id(optimizer): name for optimizer, name in self._trained.items()}
        for (place, seed), rounds in self._again.items():
            # Several models in turn may get the same numbers.
            always = set(rounds[0]).intersection(*rounds)
            if len(rounds) >= AGAIN and always:
                trained = several(name for key, name in names.items() if key in always)
                self._run.report("GL121", place, seed=seed, count=len(rounds) + 1, names=trained)


def keeps(state: Any) -> bool:
    """Whether an optimizer remembers something of a parameter, besides the number of its steps."""
    values = state.items() if isinstance(state, dict) else ()
    return any(isinstance(value, Tensor) and name != "step" for name, value in values)

"""Checks of schedules: whether they step, when, for which optimizer, and what they are told."""

from __future__ import annotations

import linecache
import math
from itertools import combinations
from typing import Any

import numpy as np

from ...core.provenance import Place, caller, line_of, show
from ...core.tensor import Tensor
from .names import Beside
from .steps import OFTEN, parameters, rate_of

IDLE = 3  # steps of a schedule that move no rate that is used
CALLS = 6  # metrics that show which way they go
FIRST = 2  # calls of which one was the best
REDUCED = 2  # times that the rate was reduced
ALIKE = 1.2  # the metric is so nearly a multiple of the loss
SURE = 0.9  # no share of errors rises to that as the loss falls
WHOLE = 1e-3  # so near to whole numbers are counts
SAMPLES = 10_000  # that a share may be of
CHANGED = 0.1  # of its value is no noise


class Schedule:
    """What is known of one scheduler."""

    def __init__(self, scheduler: Any, place: Place | None) -> None:
        self.scheduler, self.place = scheduler, place
        self.first: int | None = None  # its epoch at the first step of its optimizer,
        self.epoch: int | None = None  # and at the last step that was seen
        self.other: Any = None  # an optimizer that steps in the place of its own,
        self.rate = 0.0  # with this rate
        self.idle = 0  # epochs that have come since, which changed nothing of it
        self.metrics: list[float] = []
        self.losses: list[float] = []  # mean of those that backward began with, before each metric
        self.rates: list[float] = []
        self.total, self.count = 0.0, 0  # of the losses until the last metric

    @property
    def optimizer(self) -> Any:
        return getattr(self.scheduler, "optimizer", None)

    @property
    def now(self) -> int | None:
        return getattr(self.scheduler, "last_epoch", None)


class Schedules:
    def __init__(self, run: Any) -> None:
        self._run = run
        self._schedules: list[Schedule] = []
        self._steps: Beside[int] = Beside(hold=True)  # of optimizers
        self._places: Beside[Place | None] = Beside(hold=True)  # where they were made
        self._total, self._count = 0.0, 0  # of the losses

    def optimizer(self, optimizer: Any) -> None:
        self._places.put(optimizer, caller())

    def scheduler(self, scheduler: Any) -> None:
        self._schedules.append(Schedule(scheduler, caller()))

    def schedule_first(self, optimizer: Any) -> None:
        if self._run.computed or self._run.backwards:
            self._run.report("GL109")

    # --- whose rate it changes ---

    def after_step(self, optimizer: Any) -> None:
        self._steps.put(optimizer, (self._steps.get(optimizer) or 0) + 1)
        for known in self._schedules:
            if known.optimizer is optimizer:
                known.first = known.now if known.first is None else known.first
                known.epoch, known.other, known.idle = known.now, None, 0
            elif known.epoch is None:
                known.epoch = known.now
            elif known.epoch != known.now:
                self._idle(known, optimizer)

    def _idle(self, known: Schedule, optimizer: Any) -> None:
        """The scheduler has stepped, and then another optimizer."""
        mine, theirs = ({id(p) for p in parameters(o)} for o in (known.optimizer, optimizer))
        if not (mine <= theirs or theirs <= mine):
            return
        known.epoch, rate = known.now, rate_of(optimizer)
        if known.other is not optimizer:
            known.other, known.rate, known.idle = optimizer, rate, 0
        # Where the rate moves, or is the scheduler's, somebody may hand it on.
        if known.rate != rate:
            known.rate = math.nan
        elif rate != rate_of(known.optimizer):
            known.idle += 1

    # --- what a plateau is told ---

    def backward(self, roots: list[Any]) -> None:
        for x in roots if self._schedules else ():
            if isinstance(x, Tensor) and x.array.size == 1 and not x.is_complex():
                self._total, self._count = self._total + float(x.array.item()), self._count + 1

    def metric(self, scheduler: Any, value: float) -> None:
        for known in self._schedules:
            if known.scheduler is scheduler:
                total, count = self._total - known.total, self._count - known.count
                known.total, known.count = self._total, self._count
                known.metrics.append(value)
                known.losses.append(total / count if count else math.nan)
                known.rates.append(rate_of(scheduler.optimizer))

    # --- at the end ---

    def end(self) -> None:
        inner = {id(s) for known in self._schedules for s in getattr(known.scheduler, "_schedulers", ())}
        own = [known.optimizer for known in self._schedules]
        for known in self._schedules:
            if id(known.scheduler) in inner:
                continue
            name, steps = type(known.scheduler).__name__, self._steps.get(known.optimizer) or 0
            still = known.first is not None and known.first == known.now
            if steps >= OFTEN and still and not would_step(known.place):
                self._run.report("GL110", known.place, names=name, count=steps)
            if known.idle >= IDLE and not any(o is known.other for o in own):
                place, where = self._places.get(known.other) or known.place, show(known.place)
                self._run.report("GL119", place, schedule=name, where=where, count=known.idle, lr=f"{known.rate:g}")
            if wrong_way(known):
                first, last = (f"{known.metrics[i]:.4g}" for i in (0, -1))
                values = {"first": first, "last": last, "mode": known.scheduler.mode, "count": reductions(known)}
                self._run.report("GL120", known.place, **values)


def reductions(known: Schedule) -> int:
    return sum(after < before for before, after in zip(known.rates, known.rates[1:], strict=False))


def wrong_way(known: Schedule) -> bool:
    """Whether the metric does what it should, and the mode takes that for no progress.

    For mode "max": it falls as the loss does, and is no share (k of n, an accuracy). For "min": it is one, and comes
    near to 1 as the loss falls. Anything else can be a model that gets worse, and to reduce the rate is right then.
    """
    metrics, losses = np.array(known.metrics), np.array(known.losses)
    if len(metrics) < CALLS or reductions(known) < REDUCED or not np.isfinite([metrics, losses]).all():
        return False
    sign = 1 if known.scheduler.mode == "max" else -1
    if (sign * metrics).argmax() >= FIRST or abs(metrics[-1] - metrics[0]) < CHANGED * abs(metrics).max():
        return False
    some = (sign * metrics)[:: max(len(metrics) // 64, 1)]
    ways = np.sign([later - earlier for earlier, later in combinations(some, 2)])
    if (ways < 0).sum() < max(10 * (ways > 0).sum(), len(ways) / 3):
        return False
    shares = metrics / (100.0 if metrics.max() > 1 else 1.0)
    share = shares.min() >= 0 and shares.max() <= 1 and counts(shares)
    if sign < 0:
        return share and bool(losses[-1] < losses[0] and shares[-1] >= SURE)
    ratios = metrics / losses if losses.all() else np.zeros(1)
    return not share and bool(ratios.min() > 0 and ratios.max() <= ALIKE * ratios.min())


def counts(shares: np.ndarray) -> bool:
    """Whether numbers are k of n, for one n."""
    n = np.arange(2, SAMPLES)[:, None]
    return bool((abs(n * shares - np.round(n * shares)) < WHOLE).all(1).any())


def would_step(place: Place | None) -> bool:
    """Whether the variable that is assigned on this line has its step() called somewhere in the file."""
    if place is None:
        return False
    file, line = line_of(place)
    names = [name.strip() for name in linecache.getline(file, line).partition("=")[0].split(",")]
    return any(f"{name}.step(" in text for text in linecache.getlines(file) for name in names if name)

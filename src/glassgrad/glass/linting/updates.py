"""Checks of what a step does to the parameters: whether they move at all, and whether they are left anything."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core.provenance import Place, caller
from ...core.tensor import Tensor
from .names import Beside
from .steps import dense, parameters, rate_of

LOOKED = 1024  # so many entries of a parameter stand for all
STILL = 1e-6  # a step of so small a share of the parameter moves nothing
SLOW = 1e-6  # a learning rate that can be why
CUT = 1e-3  # what clipping leaves of a gradient, where it can be why
HABIT = 5  # so many steps, and half of all
DECAY = 0.05  # so much of a weight in one step is no regularisation
LOST = 0.9  # of the entries stay as they are
SPACING = {"bfloat16": 2.0**-7, "float16": 2.0**-10}  # the distance from 1 to the next number
SINGLE = 2.0**-24  # half of that of float32
SHRINKING = {"SGD", "AdamW", "ASGD"}  # optimizers whose decay is lr * weight_decay of the weight


class Course:
    """What is known of one optimizer's steps."""

    def __init__(self, place: Place | None, rate: float) -> None:
        self.place = place
        self.first = self.rate = rate
        self.steps = 0
        self.still = 0  # steps in a row that moved nothing
        self.halves = 0  # steps that should have moved parameters of half precision,
        self.lost = 0  # those of them that left nearly all as they were,
        self.often = True  # which were half of them all the time
        self.dtype = ""
        self.cut: tuple[float, Place | None] | None = None  # the weakest clipping in these, and where


class Updates:
    def __init__(self, run: Any) -> None:
        self._run = run
        self._courses: Beside[Course] = Beside(hold=True)
        self._before: list[tuple[Tensor, np.ndarray]] = []  # parameters, and samples of them before the step
        self._should_move: list[tuple[Tensor, np.ndarray, np.ndarray]] = []  # those in half precision, which entries
        self._norms: Beside[float] = Beside()  # of gradients, before they were clipped
        self._clipped: Place | None = None

    def optimizer(self, optimizer: Any) -> None:
        self._courses.put(optimizer, Course(caller(), rate_of(optimizer)))

    def clip(self, params: list[Tensor]) -> None:
        self._clipped = caller()
        for p in params:
            if p._grad is not None and dense(p._grad):
                self._norms.put(p._grad, norm(sample(p._grad)))

    def before_step(self, optimizer: Any, *_: Any) -> None:
        given = [p for p in parameters(optimizer) if p._grad is not None and dense(p) and dense(p._grad)]
        moving = [p for p in given if p._grad.array.any()]  # type: ignore[union-attr]
        self._before = [(p, sample(p)) for p in moving]
        course = self._courses.get(optimizer) or self._courses.put(optimizer, Course(None, rate_of(optimizer)))
        left = [norm(sample(p._grad)) / was for p in moving if (was := self._norms.get(p._grad))]  # type: ignore[union-attr]
        cut = max(left, default=1.0)
        course.cut = (max(cut, course.cut[0] if course.cut and course.still else 0.0), self._clipped)
        self._norms.clear()
        self._should_move = []
        for p, before in self._before:
            if p.array.dtype.name in SPACING:
                least = rate_of(optimizer) * np.minimum(abs(sample(p._grad)), 1.0)  # whatever the optimizer
                self._should_move.append((p, before, least > SINGLE * abs(before)))

    def after_step(self, optimizer: Any) -> None:
        course = self._courses.get(optimizer)
        if course is None or not self._before:
            return
        course.steps += 1
        course.rate = rate_of(optimizer)
        moved = any(norm(sample(p) - was) > STILL * norm(was) for p, was in self._before)
        course.still = 0 if moved else course.still + 1
        self._before = []
        self._rounding(course)
        shares = [float(g.get("lr", 0)) * float(g.get("weight_decay", 0)) for g in optimizer.param_groups]
        if type(optimizer).__name__ in SHRINKING and max(shares) >= DECAY:
            self._run.report("GL115", course.place, lr=f"{max(shares):g}", share=min(max(shares), 1.0))

    def _rounding(self, course: Course) -> None:
        """Entries of half precision that a step in float32 would have moved, and that are what they were."""
        stayed = [(sample(p) == was)[should] for p, was, should in self._should_move]
        if sum(map(len, stayed)):
            course.halves += 1
            course.lost += np.concatenate(stayed).mean() >= LOST
            course.often &= course.halves < HABIT or course.lost >= course.halves / 2
            course.dtype = self._should_move[0][0].array.dtype.name

    def end(self) -> None:
        for _, course in self._courses.items():
            if course.halves >= HABIT and course.often:
                values = {"dtype": course.dtype, "share": SPACING[course.dtype], "count": course.lost}
                self._run.report("GL122", course.place, **values, first=course.halves)
            if course.still >= max(HABIT, course.steps / 2):
                self._explain(course)

    def _explain(self, course: Course) -> None:
        cut, where = course.cut or (1.0, None)
        if cut < CUT:
            self._run.report("GL114", where, count=course.still, how=f"clipping leaves {cut:.0e} of the gradients")
        elif course.rate <= SLOW and course.first > 100 * course.rate:
            how = f"the learning rate began at {course.first:g}, and a schedule has brought it to {course.rate:.1g}"
            self._run.report("GL114", course.place, count=course.still, how=how)
        elif 0 < course.rate <= SLOW:
            how = f"the learning rate is {course.rate:g}"
            self._run.report("GL114", course.place, count=course.still, how=how)


def sample(x: Any) -> np.ndarray:
    flat = x.array.reshape(-1)
    return flat[:: max(flat.size // LOOKED, 1)].astype(np.complex128 if flat.dtype.kind == "c" else np.float64)


def norm(a: np.ndarray) -> float:
    return float(np.linalg.norm(a))

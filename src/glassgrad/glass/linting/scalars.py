"""Checks of training loops over scalar Values."""

from __future__ import annotations

import math
from typing import Any

from ...core.provenance import Place, caller
from ...scalar import Value, nn
from .names import several, variable


class Weight:
    """What is known of a Value without operands that a backward has reached."""

    def __init__(self, v: Value) -> None:
        self.value = v
        self.data = v.data
        self.moved = False  # it has been changed since: no constant
        self.grad = 0.0  # after the last backward
        self.mixed: Place | None = None  # the backward that added to a gradient that had been used


class Scalars:
    def __init__(self, run: Any) -> None:
        self._run = run
        self._weights: dict[int, Weight] = {}
        self._steps: dict[int, list[Any]] = {}  # of optimizers: itself, steps, backwards at the last, highest rate
        self._backwards = 0
        self._lost: Place | None = None
        self._idle: list[Place | None] = []  # steps without a backward

    # --- as methods are called ---

    def scalar_before_backward(self, root: Value, *_: Any) -> None:
        leaves = [v for v in ancestors(root) if not v.operands]
        here = {id(v): self._weights.get(id(v)) or Weight(v) for v in leaves}
        self._weights = {key: known for key, known in self._weights.items() if known.moved} | here
        mixed = []
        for v, known in zip(leaves, here.values(), strict=True):
            moved, kept = v.data != known.data, v.grad != 0.0 and v.grad == known.grad
            known.moved = known.moved or moved
            if moved and known.mixed and kept:
                mixed.append(known)
            known.mixed = caller() if moved and kept else None
            known.data = v.data
        if mixed:
            names = several(k.value.label or variable(k.value) or "a Value" for k in mixed)
            self._run.report("GL101", names=names)
        if not math.isfinite(root.data):
            self._run.report("GL211", what=f"the loss is {root.data}")

    def scalar_after_backward(self, root: Value, *_: Any) -> None:
        self._backwards += 1
        self._lost = None
        for known in self._weights.values():
            known.grad = known.value.grad

    def scalar_before_zero_grad(self, owner: Any) -> None:
        params = owner.parameters() if isinstance(owner, nn.Module) else values(owner)
        if any(p.grad and (known := self._weights.get(id(p))) and known.data == p.data for p in params):
            self._lost = caller()

    def scalar_before_step(self, optimizer: Any, *closure: Any) -> None:
        known = self._steps.setdefault(id(optimizer), [optimizer, 0, 0, 0.0])
        if not closure and self._backwards == known[2]:
            self._idle.append(caller())
        elif not closure and self._lost and not any(p.grad for p in values(optimizer)):
            self._run.report("GL102", self._lost)

    def scalar_after_step(self, optimizer: Any, *_: Any) -> None:
        known = self._steps[id(optimizer)]
        rate = max(group["lr"] for group in optimizer.param_groups)
        known[1:] = known[1] + 1, self._backwards, max(known[3], rate)

    def end(self) -> None:
        if len(self._idle) > 1:
            self._run.report("GL103", self._idle[0], names="the optimizer")
        for _, steps, backwards, rate in self._steps.values():
            if steps > 1 and backwards and rate == 0:
                self._run.report("GL111", count=steps)


def values(optimizer: Any) -> list[Value]:
    return [p for group in optimizer.param_groups for p in group["params"]]


def ancestors(root: Value) -> list[Value]:
    seen, pending, found = {id(root)}, [root], []
    while pending:
        v = pending.pop()
        found.append(v)
        for operand in v.operands:
            if id(operand) not in seen:
                seen.add(id(operand))
                pending.append(operand)
    return found

"""Watching a network learn: gradients, steps, dead and saturated units of every layer, while its program runs as it is.

    health = gg.watch_health(model, optimizer)
    ...                                   # the training loop, unchanged
    print(health.summary())

A step is a step of the optimizer; in a loop without one, a backward() after which the weights have moved. Layers are
the modules that have weights of their own. What is measured where:

    in a forward pass      the answers of every layer, and of relu, tanh and the like behind it (`passes.FLAT`)
    before a step          gradients as the optimizer gets them, after clipping
    after it               how far the weights have moved

The first steps are all looked at, later ones more and more rarely (`record.Record`), so that a long training pays
little. Nothing drawn, no number of the program changed. Nothing is paid once it is closed, or where there is none.
"""

from __future__ import annotations

import math
import os
import time
import weakref
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ...core import watch as watching
from ...core.modes import is_grad_enabled
from ...core.tensor import Tensor
from ...nn import hooks
from ...nn.module import Module
from ...optim.optimizer import Optimizer, register_optimizer_step_post_hook, register_optimizer_step_pre_hook
from ..runs.runlog import RunFolder
from . import verdicts
from .passes import LossLines, Pass, norm, raw, title_of
from .record import FILE, Histogram, Layer, Record, sample

__all__ = ["Health", "watch_health"]

ROWS = 64  # a unit is dead when it was flat for so many answers in a row, of one batch or of several
MOST_NUMBERS = 1 << 13  # of each parameter, to say how far a step went
BETWEEN_SAVES = 10.0  # seconds


def watch_health(
    model: Module, optimizer: Optimizer | None = None, *, run: RunFolder | str | Path | None = None, every: int = 1,
    path: bool = False,
) -> Health:  # fmt: skip
    """Record what becomes of every layer of a model while it is trained.

    optimizer: whose steps count; left out, those of any optimizer that has one of the model's parameters.
    run: a run folder, in which health.json and report.html will stand. every: look at each so many steps.
    path: keep the weights of every recorded step, for `loss_surface(..., path=health)`.
    Returns a Health: `.summary()`, `.verdicts()`, `.record`, `.close()`; also a context manager.
    Raises TypeError for what is no nn.Module, ValueError where it has no parameters to train.
    """
    return Health(model, optimizer, run=run, every=every, path=path)


class Health:
    """See `watch_health`."""

    def __init__(
        self, model: Module, optimizer: Optimizer | None = None, *, run: RunFolder | str | Path | None = None,
        every: int = 1, path: bool = False, losses: bool = True,
    ) -> None:  # fmt: skip
        if not isinstance(model, Module):
            raise TypeError(
                f"watch_health(): expected an nn.Module, got {type(model).__name__}. What a scalar MLP does can be "
                "seen with dead_units(model, points), gradient_norms(model) and loss_surface(model, loss)"
            )
        if optimizer is not None and not isinstance(optimizer, Optimizer):
            raise TypeError(
                f"watch_health(): expected an optimizer from glassgrad.optim, got {type(optimizer).__name__}"
            )
        if not isinstance(every, int) or every < 1:
            raise ValueError(f"watch_health(): every={every!r}: a number of steps, at least 1")
        self.model, self.optimizer = model, optimizer
        self.mine = {id(module) for module in model.modules()}
        modules = {title_of(name, module): module for name, module in model.named_modules()}
        self.weights: dict[str, list[Tensor]] = {}
        for name, module in modules.items():
            if trained := [p for p in module.parameters(recurse=False) if p.requires_grad]:
                self.weights[name] = [*trained]
        if not self.weights:
            raise ValueError(
                f"watch_health(): {type(model).__name__} has no parameter that requires a gradient; "
                "a model is watched after its layers are made and before it is trained"
            )
        self._record = Record(every=every)
        for name, own in self.weights.items():
            count, matrix = sum(p.numel() for p in own), any(p.dim() > 1 for p in own)
            self._record.layers[name] = Layer(type(modules[name]).__name__, count, matrix)
        self.run = RunFolder.open(run) if isinstance(run, str | os.PathLike) else run
        self.weights_at: list[NDArray[Any]] | None = [] if path else None
        self._mine = {id(p) for own in self.weights.values() for p in own}
        self._lead: Any = None if optimizer is None else weakref.ref(optimizer)
        self._row: dict[str, dict[str, float]] = {}  # of the running step
        self._old: dict[str, list[tuple[Tensor, NDArray[Any]]]] = {}  # layer -> parameters and what they were
        self._units: dict[str, tuple[NDArray[Any], int]] = {}  # layer -> flat so far for every answer, how many
        self._depth, self._pass = 0, Pass(model)
        self._seen: dict[tuple[str, str], tuple[NDArray[Any] | None, NDArray[Any]]] = {}
        self._saved_at = time.monotonic()
        self._handles: list[Any] = []
        self._around: list[Any] = []
        self._follow(losses)

    # --- what is listened to ---

    def _follow(self, losses: bool) -> None:
        # Hooks of every module: a model that holds some itself is copied and saved with them.
        self._handles = [
            register_optimizer_step_pre_hook(self._before),
            register_optimizer_step_post_hook(self._after),
        ]
        self._attend()
        self._lines = LossLines(self._record.losses) if losses else None
        watching.listeners.append(self._passed)

    def _attend(self) -> None:
        """Hooks around modules, only while a step is looked at: others then pay nothing for them."""
        if self._due and self._handles and not self._around:
            self._around = [
                hooks.register_module_forward_pre_hook(self._enter),
                hooks.register_module_forward_hook(self._leave, always_call=True),
            ]
        elif not self._due and self._depth == 0:
            self._around = _removed(self._around)

    def close(self) -> None:
        """Stop watching, and write what was seen into the run folder. Calling it again does nothing."""
        if not self._handles:
            return
        self._handles, self._around = _removed(self._handles), _removed(self._around)
        watching.listeners.remove(self._passed)
        self._pass.end()
        if self._lead is None and self._old and self._moved():
            self._close_step()
        if self.run is not None:
            from .program import write_run

            write_run(self.run, self.record, [self.model])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, at: TracebackType | None
    ) -> None:
        self.close()

    # --- forward: answers ---

    @property
    def _due(self) -> bool:
        return self._record.step % self._record.every == 0

    def _enter(self, module: Module, args: Any) -> None:
        if id(module) not in self.mine:
            return
        if self._depth == 0 and module.training and is_grad_enabled() and self._due:
            self._pass.begin()
        self._depth += 1

    def _leave(self, module: Module, args: Any, out: Any) -> None:
        if id(module) not in self.mine:
            return
        self._depth -= 1
        self._pass.layer(module, out)
        if self._depth == 0 and self._pass.on:
            self._pass.end()
            self._note_answers()

    def _note_answers(self) -> None:
        for name, numbers in self._pass.answers.items():
            self._see("activations", name, numbers)
        for name, (activation, flat, dead, answers) in self._pass.through.items():
            self._record.activation_of[name] = activation
            self._put("flat", name, flat)
            before = self._units.pop(name, None)
            if before is not None and before[0].shape == dead.shape:
                dead, answers = dead & before[0], answers + before[1]
            if answers >= ROWS:
                self._put("dead", name, float(dead.mean()) if dead.size else 0.0)
            else:
                self._units[name] = dead, answers

    def _put(self, kind: str, name: str, value: float) -> None:
        self._row.setdefault(kind, {})[name] = value

    # --- backward and steps: gradients, losses ---

    def _passed(self, what: str, *things: Any) -> None:
        """A listener: backward() is done."""
        if what != "gradients":
            return
        if self._lines is not None:
            self._lines(what, *things)
        if self._lead is None and any(p._grad is not None for own in self.weights.values() for p in own):
            if self._old and self._moved():  # a loop that changes the weights itself
                self._close_step()
            if self._due:
                self._gradients(self.weights)
                self._old = _copies(self.weights)
            else:
                self._old = _copies(dict([*self.weights.items()][:1]))

    def _moved(self) -> bool:
        return any(not np.array_equal(_part(p), old, equal_nan=True) for own in self._old.values() for p, old in own)

    def _of(self, optimizer: Optimizer) -> dict[str, list[Tensor]]:
        """The layers that an optimizer moves, with the parameters that it has."""
        has = {id(p) for group in optimizer.param_groups for p in group["params"]} & self._mine
        found = {name: [p for p in own if id(p) in has] for name, own in self.weights.items()}
        return {name: own for name, own in found.items() if own}

    def _before(self, optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        if self._lead is None or self._lead() is None:
            if not self._of(optimizer):
                return
            self._lead, self._old, self._row = weakref.ref(optimizer), {}, self._row if self._lead is None else {}
            self._optimized(optimizer)
        if self._due and (own := self._of(optimizer)):
            if not (args or kwargs):  # else a closure is still to compute them
                self._gradients(own)
            self._old = _copies(own)

    def _optimized(self, optimizer: Optimizer) -> None:
        for name, layer in self._record.layers.items():
            layer.in_optimizer = bool(layer.in_optimizer) or name in self._of(optimizer)

    def _after(self, optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        leads = self._lead is not None and self._lead() is optimizer
        if not leads and not self._of(optimizer):
            return
        if self._record.step == 0 or not leads:
            self._optimized(optimizer)
        if self._due and self._old:
            if args or kwargs:
                self._gradients(self._of(optimizer))
            if leads:
                self._close_step()
            else:
                self._ratios()
        elif leads:
            self._record.step += 1
            self._attend()
        self._old = {}

    def _gradients(self, layers: dict[str, list[Tensor]]) -> None:
        for name, own in layers.items():
            grads = [raw(p._grad) for p in own if p._grad is not None]
            if not grads:
                continue
            sizes = [(g, norm([g])) for g in grads]
            self._put("gradient", name, size := _joined(length for _, length in sizes))
            matrices = [(g, length) for g, length in sizes if g.ndim > 1]
            if matrices:
                numbers = sum(g.size for g, _ in matrices) or 1
                self._put("rms", name, _joined(length for _, length in matrices) / math.sqrt(numbers))
            if not math.isfinite(size):
                self._record.lost.setdefault(name, self._record.step + 1)
            self._see("gradients", name, np.concatenate([sample(g) for g in grads]))

    def _ratios(self) -> None:
        for name, own in self._old.items():
            size, moved = norm(old for _, old in own), norm(_part(p) - old for p, old in own)
            self._put("weight", name, size)
            if size > 0:
                self._put("update", name, moved / size)
            if not math.isfinite(moved):
                self._record.lost.setdefault(name, self._record.step + 1)

    def _close_step(self) -> None:
        looked = self._due
        if looked:
            self._ratios()
        self._record.step += 1
        if looked:
            self._record.add(self._row)
            if self.weights_at is not None:
                self.weights_at.append(self._flat_weights())
        self._row = {}
        self._attend()
        if self.run is not None and time.monotonic() - self._saved_at > BETWEEN_SAVES:
            self.save()

    def _flat_weights(self) -> NDArray[Any]:
        return np.concatenate([raw(p).reshape(-1) for p in self.model.parameters()])

    # --- what was seen ---

    @property
    def record(self) -> Record:
        """What was recorded so far."""
        for (where, name), (first, last) in self._seen.items():
            log = where == "gradients"
            if first is not None:
                self._record.see(where, name, Histogram.of(first, log=log))
                self._seen[where, name] = None, last
            self._record.see(where, name, Histogram.of(last, log=log))
        return self._record

    def _see(self, where: str, name: str, numbers: NDArray[Any]) -> None:
        """Keep the first and the last; histograms are made of them when somebody asks."""
        first = self._seen[where, name][0] if (where, name) in self._seen else numbers.copy()
        self._seen[where, name] = first, numbers.copy()

    def verdicts(self) -> dict[str, verdicts.Verdict]:
        """layer -> (word, why): ok, dead, saturated, vanishing, exploding or not moving."""
        return verdicts.verdicts(self.record)

    def summary(self) -> str:
        """A table of the layers with a verdict for each, and a sentence on all of it."""
        return verdicts.summary(self.record)

    def save(self) -> None:
        """Write health.json into the run folder, where there is one."""
        if self.run is not None:
            self.record.save(self.run.path / FILE)
            self._saved_at = time.monotonic()

    def __repr__(self) -> str:
        return (
            f"<Health of {type(self.model).__name__}: {self._record.step:,} steps, {len(self._record.steps)} recorded>"
        )


def _removed(handles: list[Any]) -> list[Any]:
    for handle in handles:
        handle.remove()
    return []


def _joined(lengths: Iterable[float]) -> float:
    """The length of vectors end to end."""
    return math.sqrt(sum(length * length for length in lengths))


def _part(p: Tensor) -> NDArray[Any]:
    return sample(raw(p), MOST_NUMBERS)


def _copies(layers: dict[str, list[Tensor]]) -> dict[str, list[tuple[Tensor, NDArray[Any]]]]:
    return {name: [(p, _part(p).copy()) for p in own] for name, own in layers.items()}

"""Checks of data: the order of a training set, and what is in both parts of a split."""

from __future__ import annotations

import re
from itertools import count
from typing import Any

import numpy as np

from ...core.modes import is_grad_enabled
from ...core.provenance import Place, caller
from ...core.tensor import Tensor
from ...data.dataset import Subset, TensorDataset
from ...data.sampler import SequentialSampler
from .names import Beside, variable

HELD_OUT = re.compile(
    r"(^|_|\b)(x?_?)(val|valid|validation|test|testing|dev|eval|holdout)(_|\d|s?$|x|set|loader|data|dl)", re.I
)


CHANGES = 3  # batches that found the data changed make a habit
LAST = 64  # so many of the tensors that the model was given before a backward are remembered


class Passing:
    """One pass over a loader."""

    def __init__(self, loader: Any) -> None:
        self.loader = loader
        self.labels: list[Any] = []
        self.trained = 0  # of its batches
        self.marks = marks(loader.dataset)
        self.changed: list[str] = []  # arrays of its data set, at each batch that found them changed


class Data:
    def __init__(self, run: Any) -> None:
        self._run = run
        self._made: Beside[Place | None] = Beside()
        self._passing: Passing | None = None
        self._model = 0  # the one called last, by id: another model may learn what this one is tested on
        self._trained: Beside[set[int]] = Beside(hold=True)  # loaders, and which models learned their batches
        self._held_out: Beside[tuple[str, Place | None, set[int]]] = Beside(hold=True)  # loaders called validation
        self._given: list[tuple[int, Span]] = []  # to models, since the last backward
        self._learned: set[tuple[int, Span]] = set()
        self._tested: dict[tuple[int, Span], tuple[str, Place | None]] = {}

    # --- loaders ---

    def loader(self, loader: Any) -> None:
        self._made.put(loader, caller())

    def epoch(self, loader: Any) -> None:
        self._finish()
        if hasattr(loader.dataset, "__len__") and len(loader.dataset) and loader.batch_size and not len(loader):
            self._run.report("GL404", self._made.get(loader), count=loader.batch_size, what=len(loader.dataset))
        self._passing = Passing(loader)
        name = variable(loader)
        if name and HELD_OUT.search(name) and loader not in self._held_out:
            self._held_out.put(loader, (name, self._made.get(loader), set()))

    def batch(self, batch: Any) -> None:
        if self._passing is not None:
            now, before = marks(self._passing.loader.dataset), self._passing.marks
            self._passing.changed += [name for name in now if now[name] != before.get(name, now[name])][:1]
            self._passing.marks = now
        labels = batch[-1] if isinstance(batch, (list, tuple)) and batch else None
        if self._passing is not None and isinstance(labels, Tensor):
            if labels.array.ndim == 1 and labels.array.dtype.kind in "iu":
                self._passing.labels.append(labels.array.copy())

    def gradients(self) -> None:
        self._learned.update(self._given[-LAST:])
        self._given.clear()
        if self._passing is not None:
            self._passing.trained += 1
            loader = self._passing.loader
            (self._trained.get(loader) or self._trained.put(loader, set())).add(self._model)

    def _finish(self) -> None:
        """A pass has ended: were its labels in order?"""
        done, self._passing = self._passing, None
        if done is not None and len(done.changed) >= CHANGES:
            names = f"{type(done.loader.dataset).__name__}.{done.changed[0]}"
            self._run.report("GL405", self._made.get(done.loader), names=names)
        if done is None or done.trained < 2 or len(done.labels) < 2:
            return
        if type(getattr(done.loader, "sampler", None)) is not SequentialSampler:
            return
        labels = np.concatenate(done.labels)
        classes = len(np.unique(labels))
        runs = 1 + int((labels[1:] != labels[:-1]).sum())
        if 1 < classes == runs and len(labels) >= 3 * classes:
            self._run.report("GL401", self._made.get(done.loader), count=len(done.labels), classes=classes)

    # --- arrays given to the model as they are ---

    def enter(self, module: Any, args: Any) -> None:
        if self._run.stack:
            return
        self._model = id(module)
        held = self._held_out.get(self._passing.loader) if self._passing is not None else None
        if held is not None and not is_grad_enabled():
            held[2].add(self._model)
        if not args or not isinstance(args[0], Tensor) or type(args[0].array) is not np.ndarray:
            return
        x = args[0]
        if is_grad_enabled():
            self._given.append((self._model, span(x.array)))
        elif (name := variable(x)) and HELD_OUT.search(name):
            self._tested.setdefault((self._model, span(x.array)), (name, caller()))

    def end(self) -> None:
        self._finish()
        for held, (name, place, models) in self._held_out.items():
            for trained, learners in self._trained.items():
                if trained is not held and models & learners and (same := shared(trained.dataset, held.dataset)):
                    self._run.report("GL402", place, names=name, count=same)
        for (model, tested), (name, place) in self._tested.items():
            if same := max((common(one, tested) for learner, one in self._learned if learner == model), default=0):
                self._run.report("GL402", place, names=name, count=same)


Span = tuple[int, int, int, int]  # the number of a memory, where rows start in it, how far apart, how many
_memories: Beside[int] = Beside()
_numbers = count(1)


def marks(dataset: Any) -> dict[str, Any]:
    """Something of each array of a data set that is another when it was changed: of a tensor its version."""
    while isinstance(dataset, Subset):
        dataset = dataset.dataset
    held = {name: x for name, x in getattr(dataset, "__dict__", {}).items() if isinstance(x, Tensor | np.ndarray)}
    return {
        name: x.version[0] if isinstance(x, Tensor) else x.reshape(-1)[:: max(x.size // 256, 1)].tobytes()
        for name, x in held.items()
    }


def span(a: Any) -> Span:
    base = a
    while isinstance(base.base, np.ndarray):
        base = base.base
    step, n = (a.strides[0], len(a)) if a.ndim else (1, 1)
    number = _memories.get(base) or _memories.put(base, next(_numbers))
    return number, a.__array_interface__["data"][0], step, n


def common(one: Span, other: Span) -> int:
    """How many rows of the other are rows of the one."""
    if one[0] != other[0]:
        return 0
    a, b = (start + step * np.arange(n) for _, start, step, n in (one, other))
    return int(np.isin(b, a).sum())


def rows(dataset: Any) -> tuple[Any, Any]:
    """What a dataset takes its samples from, and their positions there; None for all of them."""
    at = None
    while isinstance(dataset, Subset):
        own = np.asarray(list(dataset.indices))
        at = own if at is None else own[at]
        dataset = dataset.dataset
    return dataset, at


def shared(one: Any, other: Any) -> int:
    """How many samples two datasets have in common."""
    (a, in_a), (b, in_b) = rows(one), rows(other)
    if a is b:
        both = [set(range(len(a))) if at is None else set(at.tolist()) for at in (in_a, in_b)]
        return len(both[0] & both[1])
    if in_a is None and in_b is None and isinstance(a, TensorDataset) and isinstance(b, TensorDataset):
        return common(span(a.tensors[0].array), span(b.tensors[0].array))
    return 0

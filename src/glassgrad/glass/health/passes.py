"""What the layers of a model answer in a forward pass, and how much of it dies behind relu, tanh and their like."""

from __future__ import annotations

import math
import os
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...core.modes import no_grad
from ...core.provenance import caller, line_of
from ...core.tensor import Tensor
from ...core.watch import watchers
from ...nn import hooks
from ...nn.module import Module
from .record import Losses, sample

__all__ = ["FLAT", "Pass", "Through", "looking", "norm", "raw", "title_of"]

Flat = Callable[[NDArray[Any], NDArray[Any], dict[str, Any]], NDArray[Any]]
FLAT: dict[str, Flat] = {  # activation -> where it is flat: its slope is 0, or below a twentieth
    "relu": lambda x, y, options: y <= 0,
    "clamp": lambda x, y, options: (y <= y.min()) | (y >= y.max()),
    "hardtanh": lambda x, y, options: (y <= options["low"]) | (y >= options["high"]),
    "tanh": lambda x, y, options: np.abs(y) > 0.975,
    "sigmoid": lambda x, y, options: (y < 0.05) | (y > 0.95),
    "elu": lambda x, y, options: y < -0.95 * options["alpha"] * options["scale"],
    "gelu": lambda x, y, options: x < -2.5,
    "gelu_tanh": lambda x, y, options: x < -2.5,
}
AT_THE_END = ("tanh", "sigmoid", "hardtanh")  # of a last layer's answers it is right to be near 0 and 1
SHAPE_KEPT = {"max_pool", "view", "unsafe_view", "scale_shift", "standardize", "permute", "transpose", "div", "mul"}
CHANNELS_FIRST = ("Conv", "Batch", "Instance", "Group", "LazyConv")


class Through(NamedTuple):
    """What an activation makes of a layer: where it is flat; dead: for each unit, whether it is so for every answer."""

    activation: str
    flat: float
    dead: NDArray[np.bool_]
    answers: int


class Pass:
    """A look at one forward pass: `answers` of each layer, a sample, and `through`, where an activation follows.

    Modules are shown to `layer`; activations are found among the operations between `begin` and `end`, wherever they
    are called, and counted for the layer that their input came from.
    """

    def __init__(self, model: Module) -> None:
        self.names = {
            id(module): title_of(name, module)
            for name, module in model.named_modules()
            if any(True for _ in module.parameters(recurse=False))
        }
        self.first = {self.names[id(m)]: type(m).__name__.startswith(CHANNELS_FIRST) for m in model.modules()
                      if id(m) in self.names}  # fmt: skip
        self.answers: dict[str, NDArray[Any]] = {}
        self.through: dict[str, Through] = {}
        self._origin: dict[int, tuple[Any, str, bool]] = {}  # id of a tensor -> itself, its layer, straight from it
        self._last = ""
        self.on = False

    def begin(self) -> None:
        self.answers, self.through, self.on = {}, {}, True
        watchers.append(self._operation)

    def end(self) -> None:
        if not self.on:
            return
        self.on = False
        watchers.remove(self._operation)
        self._origin.clear()
        if self._last in self.through and self.through[self._last].activation in AT_THE_END:
            del self.through[self._last]

    def layer(self, module: Module, out: Any) -> None:
        name = self.names.get(id(module))
        out = out[0] if isinstance(out, tuple) and out else out
        if self.on and name is not None and isinstance(out, Tensor) and out.is_floating_point():
            self._origin[id(out)] = weakref.ref(out), name, True
            self._last = name
            self.answers[name] = sample(raw(out))

    def _operation(self, op: Any, inputs: Any, options: dict[str, Any], out: Any) -> None:
        found = next((self._layer_of(x) for x in inputs if id(x) in self._origin), None)
        if found is None:
            return
        name, straight = found
        if op.name in FLAT and (straight or op.name == "relu"):
            y = raw(out)
            flat = FLAT[op.name](raw(inputs[0]), y, options)
            axis = 1 if self.first[name] and flat.ndim > 2 else flat.ndim - 1
            others = tuple(i for i in range(flat.ndim) if i != axis)
            dead = np.asarray(flat.all(axis=others))
            self.answers[name] = sample(y)
            share = np.count_nonzero(flat) / flat.size if flat.size else 0.0
            self.through[name] = Through(op.name, share, dead, flat.size // max(dead.size, 1))
        for one in out if isinstance(out, tuple) else (out,):
            self._origin[id(one)] = weakref.ref(one), name, straight and op.name in SHAPE_KEPT

    def _layer_of(self, x: Any) -> tuple[str, bool] | None:
        ref, name, straight = self._origin[id(x)]
        return (name, straight) if ref() is x else None  # else another tensor has taken its place in memory


@contextmanager
def looking(model: Module) -> Iterator[Pass]:
    """The model in eval mode and without a graph; what is called inside is seen. Afterwards all is as it was."""
    seen, modes = Pass(model), [(module, module.training) for module in model.modules()]
    for module, _ in modes:
        module.training = False
    handle = hooks.register_module_forward_hook(lambda module, args, out: seen.layer(module, out))
    seen.begin()
    try:
        with no_grad():
            yield seen
    finally:
        seen.end()
        handle.remove()
        for module, mode in modes:
            module.training = mode


def title_of(name: str, module: Module) -> str:
    """A module's path; with its kind where the path ends with a number."""
    kind = type(module).__name__
    return f"{name} {kind}" if name.rpartition(".")[2].isdigit() else name or kind


def raw(t: Tensor) -> NDArray[Any]:
    """The numbers of a tensor, in float32 or float64; of a sparse one, those that are there."""
    array = t.array
    if type(array) is np.ndarray and array.dtype.char in "fd":
        return array
    with no_grad():
        t = t.detach()
        if t.is_sparse:
            t = t.coalesce().values()
        return t.float().cpu().numpy()


class LossLines:
    """Keeps every scalar whose backward() is called, under the line of the program that calls it. A listener."""

    def __init__(self, losses: dict[str, Losses]) -> None:
        self.losses = losses
        self._names: dict[Any, str] = {}  # place -> "train.py:41"

    def __call__(self, what: str, *things: Any) -> None:
        if what != "gradients":
            return
        (tensors,) = things
        loss = tensors if isinstance(tensors, Tensor) else next(iter(tensors), None)
        if not isinstance(loss, Tensor) or loss.numel() != 1:
            return
        place = caller(2)
        if place not in self._names:
            file, line = line_of(place) if place else ("glassgrad", 0)
            self._names[place] = f"{os.path.basename(file)}:{line}"
        self.losses.setdefault(self._names[place], Losses()).add(float(loss.detach().reshape(()).item()))


def norm(arrays: Any) -> float:
    """The length of all these arrays as one vector; infinite only where a number is."""
    total = 0.0
    for array in arrays:
        flat = array.reshape(-1)
        square = float(flat @ flat)
        if not math.isfinite(square) or square == 0:
            square = float(np.square(flat, dtype=np.float64).sum())
        total += square
    return math.sqrt(total)

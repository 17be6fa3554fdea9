"""Checks of modules and layers: what they were built of, and what comes out of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core.modes import is_grad_enabled
from ...core.provenance import Place, caller
from ...core.tensor import Tensor
from ...nn.module import Module
from .losses import source
from .modes import NORMS
from .names import Beside, several
from .steps import parameters

WEIGHTED = {"linear", "matmul", "addmm", "convolution", "convolution_input", "scale_shift", "add", "baddbmm"}
PASSES = 3  # so many in a row make a habit
ENDS = {"tanh": (-1.0, 1.0), "sigmoid": (0.0, 1.0)}
NEAR = 1e-3  # so near to its end a value has no slope left
SATURATED = 0.95
DIFFERENT = -1
MOST_DROPPED = 0.9


class Layers:
    def __init__(self, run: Any) -> None:
        self._run = run
        self._hidden: Beside[tuple[str, str, str, Place | None]] = Beside(hold=True)  # modules in plain containers
        self._placed: Beside[bool] = Beside()  # modules that have been looked for there
        self._equal: Beside[int] = Beside(hold=True)  # weights whose units were equal, and in how many steps
        self._held: Beside[bool] = Beside()
        self._activations: dict[Any, list[Any]] = {}  # by module and line: passes in a row, share, node, op
        self._seen_by_layers: set[int] = set()  # numbers of activations' nodes that a layer with weights has taken

    # --- modules ---

    def enter(self, module: Any, args: Any) -> None:
        x = args[0] if args and isinstance(args[0], Tensor) else None
        if isinstance(module, NORMS) and module.training and x is not None and x.array.ndim:
            if x.array.shape[0] == 1 and is_grad_enabled():
                self._run.report("GL304", layer=self._run.module_path(module))
        if self._run.stack and module not in self._placed:
            self._placed.put(module, True)
            self._listed(self._run.stack[-1], module)

    def _listed(self, parent: Any, module: Any) -> None:
        """A module that its caller holds in a plain list, or dict, of its own."""
        if any(other is module for above in self._run.stack for other in above.modules()):
            return
        for attribute, value in vars(parent).items():
            held = value.values() if isinstance(value, dict) else value
            if attribute[:1] != "_" and isinstance(value, (list, tuple, dict)) and any(m is module for m in held):
                owner = self._run.module_path(parent)
                self._hidden.put(module, (owner, attribute, type(value).__name__, caller()))

    def dropout(self, p: float, training: bool) -> None:
        if training and p >= MOST_DROPPED:
            self._run.report("GL303", share=p, what=f"{1 - p:.0%} of it" if p < 1 else "nothing but zeros")

    # --- operations ---

    def op(self, name: str, inputs: Any, out: Tensor) -> None:
        if name in WEIGHTED and len(inputs) > 1 and is_grad_enabled():
            x, w = inputs[:2]
            if isinstance(x, Tensor) and isinstance(w, Tensor):
                self._pixels(x, w)
                if x._node is not None and (node := source(x)) is not None:
                    self._seen_by_layers.add(node.number)
        if (name == "relu" or name in ENDS) and out._node is not None and self._run.stack and out.array.size > 1:
            self._activation(name, out)

    def _pixels(self, x: Tensor, w: Tensor) -> None:
        a = x.array
        if x._node is not None or x._needs or not w._needs or a.dtype.kind != "f" or not a.size:
            return
        low, high = float(a.min()), float(a.max())
        if low >= 0 and 100 < high <= 255 and (a == np.floor(a)).all():
            self._run.report("GL403", low=low, high=high)

    def _activation(self, name: str, out: Tensor) -> None:
        before = out._node.edges[0] if out._node is not None else None
        if getattr(getattr(before, "op", None), "name", "") not in WEIGHTED:
            return
        y = out.array
        if name == "relu":
            dull = float(not y.any())
        else:
            low, high = ENDS[name]
            dull = float(((y < low + NEAR) | (y > high - NEAR)).mean())
        place = caller()
        key = id(self._run.stack[-1]), place
        state = self._activations.setdefault(
            key, [0, 0, 0.0, 0, name, place, self._run.module_path(self._run.stack[-1])]
        )
        state[0] = state[0] + 1 if dull >= (1 if name == "relu" else SATURATED) else 0  # in a row
        state[1] += 1  # of all
        state[2], state[3] = dull, out._node.number  # type: ignore[union-attr]

    # --- weights ---

    def before_step(self, optimizer: Any, *_: Any) -> None:
        for p in parameters(optimizer):
            self._held.put(p, True)
            both = [p.array, p._grad.array] if p._grad is not None else []
            times = self._equal.get(p) or 0
            if times >= 0 and both and all(type(a) is np.ndarray and a.ndim > 1 and len(a) > 1 for a in both):
                same = all((rows == rows[:1]).all() for rows in both)
                self._equal.put(p, times + 1 if same else DIFFERENT)

    # --- at the end ---

    def end(self) -> None:
        equal = [p for p, times in self._equal.items() if times >= 2]
        if equal:
            touched: list[Any] = [p.version for p in equal if len(p.version) > 1]  # by a step
            place = touched[0][1] if touched else None
            self._run.report("GL305", place, names=several(map(self._run.path, equal)))
        for row, of_all, share, number, name, place, path in self._activations.values():
            if name == "relu" and row >= PASSES:
                self._run.report("GL306", place, names=f"the ReLU {path}", count=row)
            elif name in ENDS and row >= PASSES and row == of_all and number in self._seen_by_layers:
                self._run.report("GL307", place, share=share, op=name, count=row)
        for module, (owner, attribute, kind, place) in self._hidden.items():
            params = list(module.parameters()) if isinstance(module, Module) else []
            if params and self._held.kept and not any(p in self._held for p in params):
                self._run.report("GL308", place, owner=owner, attribute=attribute, kind=kind)

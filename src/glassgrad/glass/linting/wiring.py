"""Checks of how a network is put together: layers that are one, made anew, or that go on as in training; its state."""

from __future__ import annotations

import ast
from collections import Counter
from typing import Any, NamedTuple

import numpy as np

from ...core.errors.notes import source as expression
from ...core.graph import Node
from ...core.modes import is_grad_enabled
from ...core.provenance import Place, caller, user_frame
from ...core.tensor import Tensor
from ...nn.layers.container import ModuleList, Sequential
from .modes import DROPOUTS
from .names import Beside

LINEAR = {"linear": -1, "convolution": 1}  # and the dimension of the features
PASSES = 3  # so many make a habit
LOOKED = 1000  # nodes


class Layer(NamedTuple):
    network: Any  # that the user has called
    path: str
    numbers: int  # that one of its units adds up
    units: int


class Wiring:
    def __init__(self, run: Any) -> None:
        self._run = run
        self._owned: Beside[bool] = Beside()  # modules that are somebody's
        self._made: dict[Place | None, Beside[bool]] = {}  # modules that are nobody's, by the line that calls them
        self._layers: dict[int, Layer] = {}  # by the number of the node that it gives
        self._uses: Counter[int] = Counter()  # of what it gives
        self._pairs: dict[int, tuple[Place | None, str]] = {}  # where another layer takes it as it is, and their names
        self._straight: Counter[tuple[Place | None, str]] = Counter()  # in so many passes nobody else took it
        self._met: Beside[bool] = Beside(hold=True)  # modules that have been looked at
        self._hooks: Beside[Counter[Any]] = Beside()  # of modules: how many of each function at first

    # --- modules ---

    def enter(self, module: Any, args: Any) -> None:
        stack = self._run.stack
        if module not in self._met:
            self._met.put(module, True)
            self._first_met(module)
        if module._forward_hooks:
            self._count_hooks(module)
        if not stack or module in self._owned or next(module.parameters(), None) is None:
            return
        if any(owns(above, module) for above in stack):
            self._owned.put(module, True)
            return
        made = self._made.setdefault(caller(), Beside(hold=True))
        if len(made.kept) < PASSES:
            made.put(module, True)
            if len(made.kept) == PASSES:
                self._run.report("GL310", owner=self._run.module_path(stack[-1]), kind=type(module).__name__)

    def _first_met(self, module: Any) -> None:
        path = self._run.module_path(module)
        if isinstance(module, Sequential | ModuleList):
            for layer, times in Counter(module._modules.values()).items():
                if times >= PASSES and next(layer.parameters(), None) is not None:
                    self._run.report("GL315", names=path, count=times)
        for name, x in vars(module).items():
            if isinstance(x, Tensor) and x._needs and x._node is not None and orphaned(x, self._run.stack or [module]):
                self._run.report("GL316", names=f"{path}.{name}")

    def _count_hooks(self, module: Any) -> None:
        now = Counter(getattr(hook, "__code__", hook) for hook in module._forward_hooks.values())
        first = self._hooks.get(module) or self._hooks.put(module, now)
        code, count = now.most_common(1)[0]
        if count == first[code] + PASSES:
            self._run.report("GL314", names=self._run.module_path(module), count=count)

    def dropout(self, p: float, training: bool) -> None:
        inner = self._run.stack[-1] if self._run.stack else None
        if inner is None or isinstance(inner, DROPOUTS) or inner.training or is_grad_enabled():
            return
        if training and p > 0 and not on_purpose():
            self._run.report("GL309", names=self._run.module_path(inner))

    def load_state_dict(self, module: Any, state: Any) -> None:
        own = {**dict(module.named_parameters()), **dict(module.named_buffers())}
        pairs = [(own[name], x) for name, x in state.items() if name in own and dense(x) and x.array.size]
        if pairs and all(dense(p) and np.shares_memory(p.array, x.array) for p, x in pairs):
            self._run.report("GL312", names=self._run.roots.get(module) or type(module).__name__)

    # --- a layer after a layer ---

    def op(self, name: str, inputs: Any, out: Tensor) -> None:
        stack = self._run.stack
        if not is_grad_enabled() or not stack or not stack[0].training:
            return
        nodes = [x._node.number for x in inputs if isinstance(x, Tensor) and x._node is not None]
        self._uses.update(number for number in nodes if number in self._layers)
        if name not in LINEAR or out._node is None or not all(isinstance(x, Tensor) for x in inputs[:2]):
            return
        x, w = inputs[:2]
        in_groups = x.array.ndim < 2 or x.array.shape[LINEAR[name]] != w.array.shape[1]
        if in_groups or not (w._is_param and w._needs):
            return
        this = Layer(stack[0], self._run.module_path(stack[-1]), w.array[0].size, w.array.shape[0])
        self._layers[out._node.number] = this
        if x._node is not None and x._node.op.name == name and (last := self._layers.get(x._node.number)) is not None:
            # Fewer units between than at both ends are a product of low rank, on purpose; a part can be for itself.
            together = last.network is this.network and last.path.rpartition(".")[0] == this.path.rpartition(".")[0]
            if together and last.units >= min(last.numbers, this.units):
                both = f"{last.path} and {this.path}" if last.path != this.path else f"two layers of {this.path}"
                self._pairs[x._node.number] = caller(), both

    def backward(self, roots: list[Any]) -> None:
        for number, pair in self._pairs.items():
            if self._uses[number] == 1 and number in self._run.nodes:
                self._straight[pair] += 1
        for kept in (self._layers, self._uses, self._pairs):
            kept.clear()

    def end(self) -> None:
        for (place, names), passes in self._straight.items():
            if passes >= PASSES:
                self._run.report("GL311", place, names=names)


def orphaned(x: Tensor, modules: list[Any]) -> bool:
    """Whether a result goes back to an nn.Parameter that none of the modules has."""
    own = {id(p) for module in modules for p in module.parameters()}
    waiting: list[Any] = [x._node]
    seen = set[int]()
    while waiting and len(seen) < LOOKED:
        edge = waiting.pop()
        if isinstance(edge, Node) and edge.number not in seen:
            seen.add(edge.number)
            waiting.extend(edge.edges)
        elif isinstance(edge, Tensor) and edge._is_param and id(edge) not in own:
            return True
    return False


def owns(module: Any, other: Any) -> bool:
    """Whether a module is below another, or in a plain list or dict that this one has."""
    for part in module.modules():
        if part is other:
            return True
        for name, held in vars(part).items():
            values = held.values() if isinstance(held, dict) else held if isinstance(held, (list, tuple)) else (held,)
            if name[:1] != "_" and any(value is other for value in values):
                return True
    return False


def on_purpose() -> bool:
    """Whether the user's call says whether it is training."""
    frame = user_frame()
    tree = frame and expression(frame, frame.f_lasti)
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)] if tree else []
    return not calls or len(calls[0].args) > 2 or any(word.arg in (None, "training") for word in calls[0].keywords)


def dense(x: Any) -> bool:
    return isinstance(x, Tensor) and type(x.array) is np.ndarray

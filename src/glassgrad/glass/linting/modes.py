"""Checks of train and eval mode."""

from __future__ import annotations

import weakref
from typing import Any

from ... import nn
from ...core.modes import is_grad_enabled
from ...core.provenance import Place, caller
from ...core.tensor import Tensor
from .names import Beside, reached
from .steps import parameters

BATCHES = 20  # after so many, running statistics have an opinion
KEPT = 10  # so many results, still there with their graphs
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
DROPOUTS = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout, nn.FeatureAlphaDropout)


class Passes:
    """What is known of one module that the user calls."""

    def __init__(self) -> None:
        self.evaluated = False  # has been called in eval mode
        self.noisy: tuple[str, Place | None] | None = None  # judged under no_grad in train mode: the layer, the line
        self.quiet: tuple[str, Place | None] | None = None  # recorded in eval mode since the last step: the same
        self.lively = False  # recorded in train mode since the last step
        self.trained = 0  # steps since
        self.graphs: list[Any] = []  # weak references to results in eval mode, computed with their graphs
        self.kept: tuple[int, Place | None] = 0, None  # the most of these that there were at a time


def two_faced(module: Any) -> bool:
    """Whether a module itself does something else in training."""
    if isinstance(module, (nn.LSTM, nn.GRU, nn.RNN)):
        return module.dropout > 0
    return isinstance(module, NORMS) or (isinstance(module, DROPOUTS) and module.p > 0)


class Modes:
    def __init__(self, run: Any) -> None:
        self._run = run
        self._passes: Beside[Passes] = Beside(hold=True)
        self._layer: Any = None  # the first two-faced layer of the current pass
        self._unjudged: tuple[Any, str, Place | None] | None = None  # a pass under no_grad in train mode
        self._outputs: Beside[bool] = Beside()  # of it, and what was computed from them

    def enter(self, module: Any, args: Any) -> None:
        if not self._run.stack:
            self._layer = None
            known = self._passes.get(module) or self._passes.put(module, Passes())
            known.evaluated = known.evaluated or not module.training
        if self._layer is None and two_faced(module):
            self._layer = module
        if isinstance(module, NORMS) and not module.training and module.running_mean is not None and module.momentum:
            batches = int(module.num_batches_tracked.item())
            old = (1 - module.momentum) ** batches
            if batches >= BATCHES and old > 0.5:
                self._run.report("GL313", layer=self._run.module_path(module), share=old, count=batches)

    def leave(self, module: Any, args: Any, out: Any) -> None:
        known = self._passes.get(module)
        if self._run.stack or known is None:
            return
        layer = self._layer
        if not is_grad_enabled():
            self._unjudged = None
            self._outputs.clear()
            if layer is not None and layer.training and module.training:
                self._unjudged = module, self._run.module_path(layer), caller()
                for y in out if isinstance(out, tuple) else (out,):
                    if isinstance(y, Tensor):
                        self._outputs.put(y, True)
            return
        if not module.training and isinstance(out, Tensor) and out._node is not None:
            known.graphs = [ref for ref in known.graphs if (y := ref()) is not None and y._node is not None]
            known.graphs.append(weakref.ref(out))
            if len(known.graphs) > known.kept[0]:
                known.kept = len(known.graphs), caller()
        if layer is not None:
            if module.training or layer.training:
                known.lively = True
            else:
                known.quiet = self._run.module_path(layer), caller()

    # --- what makes a pass an evaluation: a loss, or a comparison with targets ---

    def loss(self, name: str, x: Tensor, target: Tensor) -> None:
        if not is_grad_enabled() and x in self._outputs:
            self._judged()

    def op(self, name: str, inputs: Any, out: Tensor) -> None:
        if self._unjudged is None or is_grad_enabled():
            return
        tensors = [x for x in inputs if isinstance(x, Tensor)]
        ours = [x in self._outputs for x in tensors]
        if name == "eq" and len(tensors) == 2 or name == "sub" and sorted(ours) == [False, True]:
            self._judged()
        elif any(ours):
            self._outputs.put(out, True)

    def _judged(self) -> None:
        if self._unjudged is not None:
            module, layer, place = self._unjudged
            known = self._passes.get(module)
            if known is not None and known.noisy is None:
                known.noisy = layer, place
            self._unjudged = None

    # --- training ---

    def backward(self, roots: list[Any]) -> None:
        self._used(self._run.nodes)

    def grad(self, roots: list[Any]) -> None:
        self._used(reached(roots)[1])

    def _used(self, nodes: set[int]) -> None:
        for _, known in self._passes.items():
            results = [y for ref in known.graphs if (y := ref()) is not None and y._node is not None]
            if any(y._node.number in nodes for y in results):
                known.graphs, known.kept = [], (0, None)

    def after_step(self, optimizer: Any) -> None:
        own = {id(p) for p in parameters(optimizer) if p._grad is not None}
        for module, known in self._passes.items():
            mine = {id(p) for p in module.parameters()}
            if own & mine:
                known.trained += 1
                if known.quiet is not None and not known.lively:
                    layer, place = known.quiet
                    self._run.report("GL302", place, names=self._run.roots.get(module), layer=layer)
                known.quiet, known.lively = None, False

    def end(self) -> None:
        for module, known in self._passes.items():
            if known.noisy is not None and known.trained and not known.evaluated:
                layer, place = known.noisy
                self._run.report("GL301", place, names=self._run.roots.get(module), layer=layer)
            if known.kept[0] >= KEPT and known.trained:
                self._run.report("GL320", known.kept[1], names=self._run.roots.get(module), count=known.kept[0])

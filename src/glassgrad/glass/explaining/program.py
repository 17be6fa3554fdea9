"""Why a program that never heard of this package does not learn: `glassgrad run --explain program.py`.

The first backward passes are watched whole; what is wrong with a parameter in all of them is told when the program
ends, however it does. Behind them one look at each loss remains, for the first that is no number.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType
from typing import Any

from ...core.batched import Batched
from ...core.modes import is_grad_enabled
from ...core.provenance import caller, line_of, user_frame
from ...core.tensor import Tensor
from ...core.watch import listeners
from ...nn import Module, hooks
from ...scalar.engine import Value, ancestry
from ...scalar.optim import Optimizer
from ..canvas import short
from ..graph import watch
from ..linting.values import GROWN
from ..scalars import telling
from ..trail import Trail, latest
from .answer import Explanation, grouped, say
from .causes import HARMLESS
from .diagnosis import diagnose
from .measure import total, value_of
from .question import Question, graph_of, leaves, names_at, variables

PASSES = 3
MOST = 500  # parameters are judged


@contextmanager
def explained(passes: str = "") -> Iterator[None]:
    """Around a program. passes: how many are watched."""
    if passes and not passes.isdecimal():
        print(f"glassgrad run: error: --explain takes a number of backward passes, got {passes!r}", file=sys.stderr)
        raise SystemExit(2)
    seen, process = Watch(int(passes or PASSES)), os.getpid()
    try:
        with seen:
            yield
    finally:
        if os.getpid() == process:  # not in a forked child
            print(f"\nexplain: {seen.report()}", file=sys.stderr)


class Watch:
    """Sees backward passes, and judges the parameters of what was called for them or is optimized."""

    def __init__(self, passes: int) -> None:
        self.left = passes
        self.passes = 0
        self.judged: dict[int, tuple[Any, list[Explanation]]] = {}  # a parameter, and what is said of it in each pass
        self.late: list[Explanation] = []  # a loss that was no number, later on
        self.failed = ""
        self._paths: dict[int, str] = {}  # of parameters in the outermost module called
        # by outermost module since the last pass, and whether it was recorded: its parameters
        self._called: dict[tuple[int, bool], list[Tensor]] = {}
        self._optimized: list[Any] = []
        self._losses: dict[Any, list[float]] = {}  # by line: the first, the largest, how many
        self._depth = 0
        self._trail: Trail | None = None
        self._open = ExitStack()  # while passes are watched whole
        self._told = ExitStack()

    def __enter__(self) -> None:
        self._open.enter_context(watch())
        self._trail = latest[0]
        for handle in (
            hooks.register_module_forward_pre_hook(self._enter),
            hooks.register_module_forward_hook(self._leave, always_call=True),
        ):
            self._open.callback(handle.remove)
        self._told.enter_context(telling(self._hear_scalar))
        self._told.callback(listeners.remove, self._hear)
        listeners.append(self._hear)

    def __exit__(self, *_: object) -> None:
        self._told.close()
        self._open.close()

    # --- what happens ---

    def _enter(self, module: Module, args: Any) -> None:
        if not self._depth:
            self._called[id(module), is_grad_enabled()] = list(module.parameters())
            self._paths |= {id(p): path for path, p in module.named_parameters()}
        self._depth += 1

    def _leave(self, module: Module, args: Any, out: Any) -> None:
        self._depth = max(0, self._depth - 1)

    def _hear(self, what: str, *things: Any) -> None:
        if what == "optimizer":
            self._optimized.append(things[0])
        elif what == "backward" and not self.failed:
            root = next((x for x in things[0] if isinstance(x, Tensor) and _is_scalar(x)), None)
            if root is not None:
                self._backward(root)

    def _hear_scalar(self, what: str, root: Any, *_: Any) -> None:
        if what == "scalar_before_backward" and not self.failed:
            self._backward(root)

    def _backward(self, root: Tensor | Value) -> None:
        try:
            self._follow(root)
            if self.passes < self.left:
                self.passes += 1
                for p, said in self._judge(root):
                    self.judged.setdefault(id(p), (p, []))[1].append(said)
                self._called.clear()
                if self.passes == self.left:
                    self._open.close()
        except Exception as problem:  # the program goes on
            self.failed = f"it stopped to look: {problem!r}"

    def _follow(self, root: Tensor | Value) -> None:
        """The loss, step by step: whether it grows and grows until it is no number."""
        value, place = float(total(value_of(root))), caller()
        known = self._losses.setdefault(place and line_of(place), [])
        if math.isfinite(value):
            first, worst, count = known or (value, value, 0)
            known[:] = first, max(worst, value), count + 1
        elif not self.late and known and known[2] >= self.left:
            if known[1] > GROWN * max(known[0], 1e-2):
                fields: dict[str, Any] = {"first": short(known[0]), "last": short(known[1]), "count": int(known[2])}
                self.late = [say("GE403", "the loss", f"the loss is {value}", place, **fields)]
            else:
                self.late = [said for _, said in self._judge(root) if not said.fine][:1]

    # --- what it means ---

    def _judge(self, root: Tensor | Value) -> list[tuple[Any, Explanation]]:
        """The parameters that this loss is made of, and those that belong to them and are not among them."""
        frame = user_frame()
        names = names_at(frame)
        asked = self._scalars(root, frame, names) if isinstance(root, Value) else self._tensors(root)
        graph = graph_of(root, names) if isinstance(root, Value) or root.requires_grad else None
        said = []
        for p in asked[:MOST]:
            if id(p) in self._paths:
                names.setdefault(id(p), self._paths[id(p)])
            said.append((p, diagnose(Question(p, root, graph, frame, names, self._trail), watched=True)))
        return said

    def _tensors(self, root: Tensor) -> list[Tensor]:
        reached = {id(x): x for x in leaves(root)} if root.requires_grad else {}
        called = [own for (_, recorded), own in self._called.items() if recorded or not reached]
        owners = [*called, *([p for g in o.param_groups for p in g["params"]] for o in self._optimized)]
        asked: dict[int, Tensor] = {}
        for own in owners:
            if not reached or any(id(p) in reached for p in own):
                asked |= {id(p): p for p in own if id(p) in reached or (p.requires_grad and p.grad is None)}
        return list((asked | {key: x for key, x in reached.items() if x._is_param}).values())

    def _scalars(self, root: Value, frame: FrameType | None, names: dict[int, str]) -> list[Value]:
        """Leaves that have a name: whatever of them is no parameter is another object in the next pass."""
        reached = {id(x): x for x in ancestry(root) if not x.operands and (x.label or id(x) in names)}
        owners = [x for _, x in variables(frame) if isinstance(x, Optimizer)]
        return list(({id(p): p for o in owners for g in o.param_groups for p in g["params"]} | reached).values())

    def report(self) -> str:
        """One paragraph for each cause and line."""
        if self.failed:
            return self.failed
        if not self.passes:
            return "backward() of a scalar was never called"
        judged = [said for p, said in self.judged.values() if isinstance(p, Tensor) or len(said) == self.passes]
        lasting = [said[-1] for said in judged if not any(one.fine for one in said)]
        told = grouped([one for one in (*lasting, *self.late) if one.code not in HARMLESS])
        passes = f"{self.passes} backward pass{'es' * (self.passes > 1)}"
        if not told:
            return f"nothing wrong with {len(judged)} gradients in {passes}"
        return f"{len(told)} fault{'s' * (len(told) > 1)} in {passes}\n\n" + "\n\n".join(map(str, told))


def _is_scalar(x: Tensor) -> bool:
    return x.array.size == 1 and not isinstance(x.array, Batched)  # a batch of vmap's has no single value

"""lint(): what is shown to the checks, and what they share.

A check is a class with methods named after what happens: op, enter, leave, backward, gradients, before_step,
after_step, zero_grad, loss, ... (see CHECKS); each is called with what it happens to. `end` is called once, at the end.
"""

from __future__ import annotations

import sys
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from ...core.backend import ndarray
from ...core.provenance import Place, caller, warn
from ...core.tensor import Tensor
from ...core.watch import listeners, watchers
from ...nn import hooks
from ...optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook
from ..scalars import telling
from .data import Data
from .inputs import Inputs
from .layers import Layers
from .losses import Losses
from .modes import Modes
from .names import Beside, reached, variable
from .report import Findings
from .rounds import Rounds
from .rules import RULES
from .scalars import Scalars
from .schedules import Schedules
from .sequences import Sequences
from .steps import Steps
from .updates import Updates
from .values import Values
from .wiring import Wiring

CHECKS: tuple[Callable[[Any], Any], ...] = (
    Steps, Updates, Schedules, Rounds, Losses, Values, Layers, Wiring, Sequences, Modes, Data, Inputs, Scalars,
)  # fmt: skip


class Run:
    """What the checks of one `lint()` share."""

    def __init__(self, ignore: Iterable[str] = ()) -> None:
        self.findings = Findings()
        self.ignored = set(ignore)
        if unknown := self.ignored - set(RULES):
            raise ValueError(f"lint: no such codes: {sorted(unknown)}; they are GL101 to {max(RULES)}")
        self.thread = threading.get_ident()
        self.stack: list[Any] = []  # the modules that run, outermost first
        self.roots: Beside[str] = Beside(hold=True)  # modules that the user has called, and their names
        self.paths: Beside[str] = Beside()  # of parameters
        self.held: Beside[bool] = Beside()  # parameters that some optimizer has
        self.backwards = 0
        self.leaves: list[Tensor] = []  # that the current backward reaches
        self.nodes: set[int] = set()  # and the numbers of its nodes
        self.computed = False  # whether anything was recorded since the last backward
        self.told: dict[str, list[Any]] = defaultdict(list)
        for made in [check(self) for check in CHECKS]:
            for name in dir(type(made)):
                if name[:1] != "_":
                    self.told[name].append(getattr(made, name))

    # --- what the checks say ---

    def report(self, code: str, place: Place | None = None, **fields: Any) -> None:
        if code not in self.ignored:
            self.findings.add(code, place or caller(), fields)

    # --- what they are told ---

    def tell(self, what: str, *things: Any) -> None:
        if what in self.told and threading.get_ident() == self.thread:
            for method in tuple(self.told[what]):
                try:
                    method(*things)
                except Exception as problem:  # the program goes on
                    self.told[what].remove(method)
                    title = f"{type(method.__self__).__name__}.{what}"
                    warn(f"lint: {title} failed and is left out: {problem!r}", RuntimeWarning)

    def hear(self, what: str, *things: Any) -> None:
        """A listener; see core/watch.py."""
        what = what.replace(" ", "_")
        if what == "backward" and threading.get_ident() == self.thread:
            self.leaves, self.nodes = reached(*things)
        self.tell(what, *(() if what == "gradients" else things))
        if what == "gradients":
            self.backwards += 1
            self.computed, self.leaves = False, []

    def op(self, op: Any, inputs: Any, options: Any, out: Any) -> None:
        if isinstance(out, Tensor) and type(out.array) is ndarray:
            self.computed = self.computed or out._needs
            self.tell("op", op.name, inputs, out)
        elif op.name == "attend":
            self.tell("attention", *inputs[:2], options["causal"])

    def enter(self, module: Any, args: Any) -> None:
        if threading.get_ident() != self.thread:
            return
        if not self.stack and module not in self.roots:
            self.roots.put(module, variable(module) or type(module).__name__)
        self.tell("enter", module, args)
        self.stack.append(module)

    def leave(self, module: Any, args: Any, out: Any) -> None:
        if threading.get_ident() == self.thread and any(other is module for other in self.stack):
            while self.stack.pop() is not module:
                pass
            self.tell("leave", module, args, out)

    # --- names ---

    def path(self, p: Tensor) -> str:
        """model.fc1.weight; else the variable's name, or what it is."""
        known = self.paths.get(p)
        if known is None:
            for root, name in self.roots.items():
                for path, q in root.named_parameters():
                    if q is p:
                        return self.paths.put(p, f"{name}.{path}")
            known = variable(p) or f"a {type(p).__name__.lower()} of shape {tuple(p.array.shape)}"
        return known

    def module_path(self, module: Any) -> str:
        """model.1: where a module stands under what the user has called."""
        for root, name in self.roots.items():
            for path, other in root.named_modules():
                if other is module:
                    return f"{name}.{path}" if path else name
        return type(module).__name__

    def end(self) -> None:
        self.tell("end")


class lint:
    """Watch the training code inside; the findings are a list, filled as they are made, complete at the end.

        with glassgrad.lint() as found:
            train()
        print(found)

    ignore: codes that are not looked for; a line is excused by `# noqa: GL101` at its end. Sees what its own thread
    does. Every value is looked at: for finding a fault, not for training.
    """

    def __init__(self, *, ignore: Iterable[str] = ()) -> None:
        self.run = Run(ignore)

    def __enter__(self) -> Findings:
        run = self.run
        run.thread = threading.get_ident()
        self._scalars = telling(run.tell)
        self._scalars.__enter__()
        watchers.append(run.op)
        listeners.append(run.hear)
        self._handles = [
            hooks.register_module_forward_pre_hook(run.enter),
            hooks.register_module_forward_hook(run.leave, always_call=True),
            register_optimizer_step_pre_hook(lambda *step: run.tell("before_step", *step)),
            register_optimizer_step_post_hook(lambda optimizer, *_: run.tell("after_step", optimizer)),
        ]
        return run.findings

    def __exit__(self, kind: type[BaseException] | None, problem: Any, traceback: Any) -> None:
        watchers.remove(self.run.op)
        listeners.remove(self.run.hear)
        for handle in self._handles:
            handle.remove()
        self._scalars.__exit__(None, None, None)
        if kind is None or issubclass(kind, SystemExit):  # else what would still have come can't be missed
            self.run.end()


@contextmanager
def printed(ignore: str = "") -> Iterator[Findings]:
    """lint(), whose findings are written to standard error at the end: `glassgrad run --lint=GL303`."""
    try:
        look = lint(ignore=filter(None, ignore.split(",")))
    except ValueError as problem:
        print(f"glassgrad run: error: {problem}", file=sys.stderr)
        raise SystemExit(2) from None
    found = look.run.findings
    try:
        with look:
            yield found
    finally:
        head = f"{len(found)} finding{'s' * (len(found) != 1)}\n\n" if found else ""
        print(f"\nlint: {head}{found}", file=sys.stderr)

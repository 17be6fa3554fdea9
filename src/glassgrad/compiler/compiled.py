"""compile(), and what it makes of functions and of modules."""

from __future__ import annotations

import functools
import sys
import threading
from collections.abc import Callable
from typing import Any

from ..core.backend import ndarray
from ..core.dtypes import get_default_dtype
from ..core.modes import grad_mode, is_inference_mode_enabled
from ..core.provenance import warn
from ..core.tensor import Tensor
from ..core.watch import watchers
from ..nn.module import Module
from ..ops.autocast import lowered
from .plan import Plan
from .reach import is_plain, told_apart
from .recorder import Recorder, described
from .tree import Slot, is_tree, items

PLANS = 8  # recordings of one function; whoever needs more is not helped by any
_recording = threading.local()


class Compiled:
    """A function that is recorded at its first call, and at the first with other shapes, and replayed after that.

    plan     the plan used last, to be printed
    plans    all of them
    reason   why the function runs as it is, or None
    """

    def __init__(self, function: Callable[..., Any], fullgraph: bool = False) -> None:
        functools.update_wrapper(self, function)
        self.function, self.fullgraph = function, fullgraph
        self.name = getattr(function, "__qualname__", type(function).__name__)
        self.plans: list[tuple[Any, Plan]] = []
        self.plan: Plan | None = None
        self.reason: str | None = None

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else functools.partial(self, instance)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.reason is not None or watchers or is_inference_mode_enabled() or getattr(_recording, "on", False):
            return self.function(*args, **kwargs)
        inputs: list[Tensor] = []
        key = _form(args, inputs), _form(kwargs, inputs), grad_mode.get(), get_default_dtype(), lowered.get()
        if any(type(x.array) is not ndarray for x in inputs):  # inside vmap, or on a GPU
            return self.function(*args, **kwargs)
        for known, plan in self.plans:
            if known == key and plan.fails(inputs) is None:
                self.plan = plan
                return plan.replay(inputs)
        if sys.getprofile() is not None:  # a profiler or debugger is at work
            return self.function(*args, **kwargs)
        return self._record(key, inputs, args, kwargs)

    def _record(self, key: Any, inputs: list[Tensor], args: Any, kwargs: Any) -> Any:
        if len(self.plans) == PLANS:
            changed = {plan.fails(inputs) for known, plan in self.plans if known == key} - {None}
            what = f": {', '.join(map(str, changed))} changes from call to call" if changed else ""
            self._give_up(f"it was recorded {PLANS} times, and no recording holds for this call{what}")
            return self.function(*args, **kwargs)
        recorder = Recorder(inputs, (args, kwargs))
        _recording.on = True
        try:
            result = recorder.run(self.function, args, kwargs)
        finally:
            _recording.on = False
        recording = recorder.finish(result)
        if recording is None:
            self._give_up(str(recorder.stopped))
        else:
            self.plans.append((key, Plan(recording, len(inputs))))
            self.plan = self.plans[-1][1]
        return result

    def _give_up(self, reason: str) -> None:
        self.reason = reason
        self.plans, self.plan = [], None
        if self.fullgraph:
            raise RuntimeError(f"compile(fullgraph=True): {self.name} cannot be replayed: {reason}")
        warn(f"compile: {self.name} runs as it is: {reason}")

    def __repr__(self) -> str:
        state = self.reason or f"{len(self.plans)} recorded"
        return f"<compiled {self.name}: {state}>"


def _form(x: Any, inputs: list[Tensor]) -> Any:
    """What must be the same of an argument for a plan to hold; the tensors in it are collected."""
    if isinstance(x, Tensor):
        for k, known in enumerate(inputs):
            if known is x:
                return Slot(k)
        inputs.append(x)
        return described(x)
    if is_tree(x):
        return type(x), tuple([(key, _form(value, inputs)) for key, value in items(x)])
    return (type(x), told_apart(x)) if is_plain(x) else Itself(x)


class Itself:
    """An object as a key: equal to itself alone, and kept, so that no other can take its place in memory."""

    def __init__(self, x: Any) -> None:
        self.x = x

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Itself) and other.x is self.x

    def __hash__(self) -> int:
        return id(self.x)


class CompiledModule(Module):
    """A module whose forward is compiled; parameters and state are the module's own, under `_orig_mod.`."""

    def __init__(self, module: Module, fullgraph: bool = False) -> None:
        super().__init__()
        self._orig_mod = module
        self.compiled = Compiled(module, fullgraph)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.compiled(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except AttributeError:
            return getattr(super().__getattr__("_orig_mod"), name)


MODES = (None, "default", "reduce-overhead", "max-autotune", "max-autotune-no-cudagraphs")


def compile(
    model: Any = None,
    *,
    fullgraph: bool = False,
    dynamic: bool | None = None,
    backend: Any = "glassgrad",
    mode: str | None = None,
    options: dict[str, Any] | None = None,
    disable: bool = False,
) -> Any:
    """The function or module, recorded at its first call and replayed after that; also a decorator.

    A replay makes the same calls into the library without the user's code between them, and chains of elementwise
    operations in one pass over memory. Arguments of other shapes, and whatever else the code depends on, lead to
    another recording. Where no replay can be right (the code looks at values, draws numbers of its own, changes things)
    the function runs as it is, after one warning that says why: `.reason`. `.plan` is what is replayed, to be printed.

    fullgraph: RuntimeError in place of that warning. disable: the function itself is returned. dynamic, backend, mode
    and options choose among PyTorch's compilers; there is one here, so they choose nothing.

    >>> f = compile(lambda x: 1 / (1 + (-x).exp()))
    >>> x = Tensor([0.0])
    >>> f(x), f(x)
    (tensor([0.5000]), tensor([0.5000]))
    >>> [len(call.parts) for call in f.plan.instructions]
    [4]
    """
    if mode not in MODES:
        raise RuntimeError(f"Unrecognized mode={mode}, should be one of: {', '.join(map(str, MODES[1:]))}")
    if model is None:
        return functools.partial(compile, fullgraph=fullgraph, disable=disable)
    if not callable(model):
        raise TypeError(f"compile expects a callable, got {type(model).__name__}")
    if disable:
        return model
    return CompiledModule(model, fullgraph) if isinstance(model, Module) else Compiled(model, fullgraph)

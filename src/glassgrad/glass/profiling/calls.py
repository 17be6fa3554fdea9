"""Which calls of a program are worth a look, for whoever profiles it: few of those that Python's profile hook sees.

Shown are the user's functions, the landmarks of this package (a module's call, a batch being fetched, a step of the
optimizer, backward), and whatever else the user's own lines call, C functions included, but not what that calls in
turn. kernels/native/calls.cpp is the same, compiled: hundreds of calls happen for one that is shown.
"""

from __future__ import annotations

import importlib._bootstrap as import_system  # type: ignore[import-not-found]
import os
import sys
import sysconfig
from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any

from ...core import autograd, graph
from ...core.native import engine
from ...core.provenance import PACKAGE
from ...data import loader
from ...nn.module import Module
from ...optim.lr_scheduler import LRScheduler
from ...optim.optimizer import Optimizer

# of code: this package's, the user's, the user's but part of the function around it, a landmark, somebody else's, and
# the profiler's own
OURS, USER, INSIDE, LANDMARK, LIBRARY, HIDDEN = range(6)

HERE = tuple(PACKAGE + os.sep.join(path) for path in (("glass", "profiling", ""), ("profiler", "")))

LIBRARIES = tuple({sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")})
COMPREHENSIONS = ("<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>")

LANDMARKS: dict[CodeType, str] = {  # what happens in these functions
    function.__code__: kind
    for kind, functions in {
        "module": (Module.__call__,),
        "data": (loader._Iterator.__next__, loader.DataLoader.__iter__),
        "optimizer": (Optimizer.step, Optimizer.zero_grad, LRScheduler.step),
        "backward": (autograd.backward, autograd.grad, graph.walk),
        "import": (import_system._find_and_load,),  # type: ignore[attr-defined]
    }.items()
    for function in functions
}

Listener = Callable[[FrameType, Any], None]


def kind_of(code: CodeType) -> int:
    if code in LANDMARKS:
        return LANDMARK
    file = code.co_filename
    if file.startswith(PACKAGE):
        return HIDDEN if file.startswith(HERE) else OURS
    if file.startswith((*LIBRARIES, "<frozen")) or (file == "<string>" and sys.argv[:1] != ["-c"]):
        return LIBRARY  # what dataclasses and their like write comes from a string
    return INSIDE if code.co_name in COMPREHENSIONS else USER


class Calls:
    """Tell of this thread's calls between start() and stop(): opened(frame, function), then closed(frame, function).

    function is the C function that the frame calls, or None where the frame is the call's own.
    """

    def __init__(self, opened: Listener, closed: Listener, compiled: bool = True) -> None:
        self.opened, self.closed = opened, closed
        self.compiled = compiled and engine is not None
        self.kinds: dict[CodeType, int] = {}
        self.open: list[FrameType] = []

    def check(self) -> None:
        """RuntimeError where something else has Python's profile hook."""
        other = sys.getprofile()
        if other is not None:
            raise RuntimeError(
                f"another profiler is at work in this thread ({type(other).__name__}), and Python has one profile "
                "hook: end that one first, and profiles of glassgrad do not nest"
            )

    def start(self, frames: list[FrameType]) -> None:
        """frames: of the user's functions that run already, the innermost last; closed is told of them, too."""
        self.open = frames
        if self.compiled:
            engine.watch_calls(kind_of, self.opened, self.closed, frames)
        else:
            sys.setprofile(self.hook)

    def stop(self) -> None:
        self.open = []
        if self.compiled:
            engine.watch_calls()
        else:
            sys.setprofile(None)

    def kind(self, frame: FrameType | None) -> int:
        if frame is None:
            return LIBRARY
        code = frame.f_code
        kind = self.kinds.get(code)
        if kind is None:
            kind = self.kinds[code] = kind_of(code)
        return kind

    def hook(self, frame: FrameType, event: str, function: Any) -> None:
        """For sys.setprofile."""
        if event == "call":
            kind = self.kind(frame)
            if kind in (USER, LANDMARK) or (kind in (OURS, LIBRARY) and self.kind(frame.f_back) in (USER, INSIDE)):
                self.open.append(frame)
                self.opened(frame, None)
        elif event == "return":
            if frame in self.open:
                while self.open.pop() is not frame:
                    pass
                self.closed(frame, None)
        elif self.kind(frame) in (USER, INSIDE):
            (self.opened if event == "c_call" else self.closed)(frame, function)


def users(frame: FrameType | None) -> list[FrameType]:
    """The frames of the user's functions from this one outwards, the innermost last; the outermost of all if none."""
    found: list[FrameType] = []
    last = frame
    while frame is not None:
        if kind_of(frame.f_code) == USER:
            found.append(frame)
        last, frame = frame, frame.f_back
    return found[::-1] or [frame for frame in (last,) if frame is not None]


def name_of(frame: FrameType) -> str:
    """A function's name, or its file's for what stands outside of functions."""
    name = frame.f_code.co_qualname
    return frame.f_code.co_filename.rpartition("/")[2] if name == "<module>" else name.replace(".<locals>", "")


def public_name(frame: FrameType) -> str:
    """What a function of this package is called: a function that it wraps has the name."""
    code = frame.f_code
    if "<locals>" not in code.co_qualname:
        return code.co_qualname
    wrapped = [frame.f_locals.get(name) for name in code.co_freevars]
    names = [getattr(x, "__name__", getattr(x, "name", None)) for x in wrapped if callable(x)]
    return next((name for name in names if isinstance(name, str)), code.co_qualname.replace(".<locals>", ""))


def c_name(function: Any) -> str:
    name = getattr(function, "__qualname__", None) or type(function).__name__
    module = getattr(function, "__module__", None)
    return name if module in (None, "builtins") or "." in name else f"{module}.{name}"


def variables(frame: FrameType) -> list[tuple[str, Any]]:
    """Names and values that a frame sees. Nothing is kept alive by it."""
    local = frame.f_locals
    found = [*local.items(), *(frame.f_globals.items() if local is not frame.f_globals else ())]
    if frame.f_code.co_flags & 1 and sys.version_info < (3, 13):  # a copy, which Python keeps with the frame
        local.clear()
    return found

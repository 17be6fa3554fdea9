"""What the interpreter prints when a program fails: the program's own lines, and what was asked for and is missing."""

from __future__ import annotations

import linecache
import os
import re
import sys
import traceback
from collections.abc import Iterator
from itertools import pairwise
from types import CodeType, FrameType, TracebackType
from typing import Any

from ..core.errors import absent, told
from ..core.provenance import PACKAGE
from ..core.tensor import Tensor
from . import facade

UNEXPECTED = re.compile(r"(?:(?P<first>\w+)(?P<rest>\.\S+)?\(\) )?got an unexpected keyword argument")


def shorten(start: CodeType) -> None:
    """From now on exceptions are shown without frames of this package, and those above the code that starts."""
    show = getattr(sys.excepthook, "before", sys.excepthook)  # the program may have set its own

    def hook(kind: type[BaseException], problem: BaseException, frames: TracebackType | None) -> None:
        for link in chain(problem):
            inside = innermost_is_ours(link.__traceback__)
            told(link)
            link.__traceback__ = clean(link.__traceback__, start)
            explain(link, inside)
        if show is sys.__excepthook__ and in_notebook(problem.__traceback__):
            traceback.print_exception(problem)  # the interpreter itself reads files only
        else:
            show(kind, problem, problem.__traceback__)

    sys.excepthook = hook


def chain(problem: BaseException) -> Iterator[BaseException]:
    """An exception, and those it came from or holds."""
    seen, waiting = set(), [problem]
    while waiting:
        link = waiting.pop()
        if id(link) not in seen:
            seen.add(id(link))
            yield link
            inner = getattr(link, "exceptions", ())
            waiting += [x for x in (link.__cause__, link.__context__, *inner) if isinstance(x, BaseException)]


def clean(frames: TracebackType | None, start: CodeType) -> TracebackType | None:
    """The program's frames: behind the one that starts it, outside this package and the import system."""
    kept: list[TracebackType] = []
    while frames is not None:
        code = frames.tb_frame.f_code
        if code is start:
            kept.clear()
        elif not ours(code):
            kept.append(frames)
        frames = frames.tb_next
    for frame, after in pairwise([*kept, None]):
        frame.tb_next = after  # type: ignore[union-attr]
    return kept[0] if kept else None


def innermost_is_ours(frames: TracebackType | None) -> bool:
    codes = [frame.f_code for frame, _ in traceback.walk_tb(frames)]
    return bool(codes) and ours(codes[-1])


def ours(code: CodeType) -> bool:
    return code.co_filename.startswith(PACKAGE)


def in_notebook(frames: TracebackType | None) -> bool:
    return any(frame.f_code.co_filename in linecache.cache and not os.path.exists(frame.f_code.co_filename)
               for frame, _ in traceback.walk_tb(frames))  # fmt: skip


def explain(problem: BaseException, inside: bool) -> None:
    """Say of a method or an argument that glassgrad doesn't have that this is what is missing, and where."""
    frames = list(traceback.walk_tb(problem.__traceback__))
    if not frames:
        return
    frame, line = frames[-1]
    place = facade.used_at(frame.f_code, line)
    if isinstance(problem, AttributeError) and (owner := lacks(problem.obj, problem.name)):
        problem.args = (f"{owner}.{problem.name} is not in glassgrad yet{place}",)
        problem.name = problem.obj = None  # nothing that Python could suggest instead
    elif isinstance(problem, TypeError) and (said := UNEXPECTED.search(str(problem))):
        first, rest = said["first"] or "", said["rest"]
        if ((inside and not rest) or of_torch(first)) and not defines(frame, first):
            problem.args = (f"{problem}: where PyTorch has it, it is not in glassgrad yet{place}",)


def lacks(obj: Any, name: str | None) -> str | None:
    """The class of PyTorch's that has this attribute, where obj is one of it and has not."""
    from .absent import NAMES

    for path, names in NAMES.items():
        module, _, kind = path.rpartition(".")
        if name and kind[:1].isupper() and name in names.split():
            found = facade.find(module, kind)
            if isinstance(obj, found) or (isinstance(obj, type) and issubclass(obj, found)):
                return kind
    return None


absent.append(lacks)


def defines(frame: FrameType, name: str) -> bool:
    """Whether a function or a class of this name is the program's own."""
    found = frame.f_locals.get(name, frame.f_globals.get(name))
    return found is not None and not getattr(found, "__module__", "").startswith(("glassgrad", "torch"))


def of_torch(name: str) -> bool:
    """Whether the program has used something of this name from one of torch's modules, or tensors have it."""
    touched = (vars(module) for module in list(sys.modules.values()) if isinstance(module, facade.Facade))
    return hasattr(Tensor, name) or any(name in names for names in touched)

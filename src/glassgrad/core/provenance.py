"""Which line of the user's program made this: a code object and an offset, turned into words only when printed."""

from __future__ import annotations

import linecache
import os
import sys
import warnings
from itertools import islice
from types import CodeType, FrameType
from typing import Any

PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
PYTHON = (os.path.dirname(os.__file__), "<frozen")
_ours: set[int] = set()  # ids of this package's code objects, which live as long as the process
theirs: dict[int, CodeType] = {}  # the user's code objects seen so far, held so that their ids stay theirs

Place = tuple[CodeType, int]  # a code object and the offset of an instruction in it
_lines: dict[tuple[int, int], tuple[CodeType, int]] = {}  # by id and offset; the code is held, so that the id stays its


def caller(depth: int = 1) -> Place | None:
    """The innermost place outside this package, `depth` frames up or higher; None when there is no such frame."""
    frame: FrameType | None = sys._getframe(depth)
    while frame is not None:
        code = frame.f_code
        key = id(code)
        if key in theirs:
            return code, frame.f_lasti
        if key not in _ours:
            if not code.co_filename.startswith(PACKAGE):
                theirs[key] = code
                return code, frame.f_lasti
            _ours.add(key)
        frame = frame.f_back
    return None


def user_frame(frame: FrameType | None = None) -> FrameType | None:
    """The innermost frame outside this package, from this one on; without one from the caller's."""
    frame = frame or sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(PACKAGE):
        frame = frame.f_back
    return frame


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """warnings.warn() that points at the user's line: the innermost outside this package and Python's own files.

    As there, filters see that line's module, which keeps what has been shown.
    """
    here = frame = sys._getframe(1)
    while _passes_on(frame) and frame.f_back is not None:
        frame = frame.f_back
    if _passes_on(frame):  # nobody's line: a thread that runs nothing of the user's
        frame = here
    space = frame.f_globals
    shown = space.setdefault("__warningregistry__", {})
    name = space.get("__name__", "<string>")
    warnings.warn_explicit(message, category, frame.f_code.co_filename, frame.f_lineno, name, shown)


def _passes_on(frame: FrameType) -> bool:
    """Whether it stands between the user's line and ours: this package's, or Python's own, as contextlib's."""
    file = frame.f_code.co_filename
    return file.startswith(PACKAGE) or (file.startswith(PYTHON) and "site-packages" not in file)


def of_the_user(file: str) -> bool:
    """Whether a file is neither this package's nor another library's or Python's."""
    return not (file.startswith((PACKAGE, *PYTHON)) or "site-packages" in file)


def line_of(place: Place) -> tuple[str, int]:
    """The file and the line number."""
    code, offset = place
    if (id(code), offset) not in _lines:
        line = next(islice(code.co_positions(), offset // 2, None))[0]
        _lines[id(code), offset] = code, line or code.co_firstlineno
    return code.co_filename, _lines[id(code), offset][1]


def source_between(file: str, line: int, column: int, last: int, end: int, space: dict[str, Any] | None = None) -> str:
    """The source from a line's column to that of the last line, in bytes as the interpreter counts them.

    space: the globals of a module that has its source elsewhere than in a file.
    """
    lines = [linecache.getline(file, k, space).encode() for k in range(line, last + 1)]
    lines[-1] = lines[-1][:end]
    lines[0] = lines[0][column:]
    return b"".join(lines).decode()


def show(place: Place | None) -> str:
    """For people: 'train.py:41   h = torch.relu(self.fc1(x))'."""
    if place is None:
        return "an unknown line"
    file, line = line_of(place)
    text = linecache.getline(file, line).strip()
    return f"{os.path.basename(file)}:{line}" + (f"   {text}" if text else "")

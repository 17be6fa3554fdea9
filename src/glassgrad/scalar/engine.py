"""The scalar engine in use: compiled where it was built, else the one in `value.py`. Both do the same.

`GLASSGRAD_NATIVE=0` takes the readable one.
"""

from __future__ import annotations

import importlib
import os
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glassgrad.scalar.value import divide, semantics, sqrt

__all__ = [
    "Value", "affine", "ancestry", "as_number", "as_value", "divide", "follow", "largest", "node", "semantics", "sqrt",
    "zero_grad",
]  # fmt: skip


PACKAGE = str(Path(__file__).parent)
Place = tuple[str, int] | None  # file and line


def warn(message: str, place: Place = None) -> None:
    """A warning that points at this place, or else at the innermost line outside this room."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith((PACKAGE, "<frozen importlib")):
        frame = frame.f_back
    file, line = place or (frame.f_code.co_filename, frame.f_lineno)
    warnings.warn_explicit(message, UserWarning, file, line)


def load() -> Any:
    """The compiled engine; None where it was not built or GLASSGRAD_NATIVE=0 forbids it."""
    if os.environ.get("GLASSGRAD_NATIVE", "1") == "0":
        return None
    try:
        return importlib.import_module("glassgrad.scalar._tape")
    except ModuleNotFoundError:
        return None
    except ImportError as problem:
        warn(f"glassgrad.scalar computes without its compiled engine: {problem}")
        return None


tape = load()

if TYPE_CHECKING or tape is None:
    from glassgrad.scalar.value import Value, affine, ancestry, as_number, as_value, follow, largest, node, zero_grad
else:
    Value, affine, ancestry, follow, node = tape.Value, tape.affine, tape.ancestry, tape.follow, tape.node
    as_number, as_value, largest, zero_grad = tape.as_number, tape.as_value, tape.largest, tape.zero_grad

"""The first number that went wrong: which operation made it, of what, and on which line.

with detect_anomaly():                     NaN in a gradient raises, naming the operation and the user's line
with detect_anomaly(forward=True):         also NaN or infinity in a result whose operands were finite
"""

from __future__ import annotations

from contextvars import ContextVar, Token
from typing import Any

import numpy as np

from ..core.backend import Array, to_host
from ..core.errors import told
from ..core.graph import Node, anomaly
from ..core.provenance import show
from ..core.tensor import Tensor
from ..core.watch import watchers

__all__ = ["detect_anomaly", "is_anomaly_check_nan_enabled", "is_anomaly_enabled", "set_detect_anomaly"]

_mode: ContextVar[tuple[bool, bool, bool]] = ContextVar("glassgrad_anomaly_mode", default=(False, True, False))


class detect_anomaly:
    """Context manager: raise RuntimeError at the first NaN on the way back; with forward, on the way forward too.

    check_nan: look for NaN (costs a look at every gradient). forward: also raise for the first NaN or infinity that
    an operation makes out of finite operands. Every value is looked at: for finding a fault, not for training.
    """

    def __init__(self, check_nan: bool = True, *, forward: bool = False) -> None:
        self.mode = (True, check_nan, forward)

    def __enter__(self) -> None:
        self._before = _switch(self.mode)

    def __exit__(self, *_: object) -> None:
        _restore(self._before)


class set_detect_anomaly(detect_anomaly):
    """Switch the search on or off at once, and back at the end when used as a context manager."""

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        self._before = _switch((mode, check_nan, False))

    def __enter__(self) -> None:
        pass


def is_anomaly_enabled() -> bool:
    return _mode.get()[0]


def is_anomaly_check_nan_enabled() -> bool:
    return _mode.get()[1]


def _switch(mode: tuple[bool, bool, bool]) -> tuple[Token[Any], Token[Any], bool]:
    enabled, check_nan, forward = mode
    watch = enabled and forward
    if watch:
        watchers.append(_look_at_result)
    return _mode.set(mode), anomaly.set(_look_at_gradient if enabled and check_nan else None), watch


def _restore(before: tuple[Token[Any], Token[Any], bool]) -> None:
    mode, check, watch = before
    _mode.reset(mode)
    anomaly.reset(check)
    if watch:
        watchers.remove(_look_at_result)


def _look_at_gradient(node: Node, i: int, d: Any) -> None:
    """Raise if the gradient that a node gives its input i holds NaN."""
    array = getattr(d, "array", d)
    if _bad(array, np.isnan):
        kept = node.arguments(live=False)[i] or ()
        operands = ", ".join(_words(value) for value in kept if hasattr(value, "dtype"))
        raise told(
            RuntimeError(f"Function '{node.name()}' returned nan values in its {i}th output."),
            "",
            f"of    {show(node.place)}",
            f"with  saved: {operands}",
        )


def _look_at_result(op: Any, inputs: Any, options: dict[str, Any], out: Any) -> None:
    """Raise if an operation made NaN or infinity out of finite operands."""
    if not _mode.get()[2]:
        return
    for y in out if isinstance(out, tuple) else (out,):
        if _bad(y.array, np.isnan) or _bad(y.array, np.isinf):
            if any(isinstance(x, Tensor) and (_bad(x.array, np.isnan) or _bad(x.array, np.isinf)) for x in inputs):
                return
            what = "nan" if _bad(y.array, np.isnan) else "infinity"
            operands = ", ".join(_words(getattr(x, "array", x)) for x in inputs if x is not None)
            raise told(RuntimeError(f"'{op.name}' made {what} out of finite operands"), "", f"with  {operands}")


def _bad(array: Array, test: Any) -> bool:
    return getattr(array, "dtype", None) is not None and array.dtype.kind in "fc" and bool(test(to_host(array)).any())


def _words(x: Any) -> str:
    """An operand in few words: itself where it is small, else its shape and range."""
    if not hasattr(x, "shape") or x.size <= 6:
        return repr(x.tolist() if hasattr(x, "tolist") else x)
    return f"shape {tuple(x.shape)}, from {x.min():.4g} to {x.max():.4g}"

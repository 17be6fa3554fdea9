"""The compiled engine where there is one, else None. What it does stands beside it in Python; GLASSGRAD_NATIVE=0 is
Python alone."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from .provenance import warn

engine: Any = None
try:
    from .. import kernels
except ImportError:
    kernels = None  # type: ignore[assignment]
else:
    engine = kernels.engine


def faster(name: str | tuple[str, int], function: Callable[..., Any]) -> Callable[..., Any]:
    """The kernel of an operation and, where that gives None, its function; or of (operation, position of an input) and
    the formula of that input."""
    return function if engine is None else kernels.faster(name, function)


def add_paths(registry: dict[str, Any]) -> None:
    """Tell the engine which operations are walked back through in one go, when those are declared."""
    if engine is not None:
        kernels.add_paths(registry)


def program(function: Callable[..., Any]) -> Any:
    """A function of arrays as one that runs without temporaries, in chunks and on all cores, where it can be."""
    return function if engine is None else engine.Program(function, kernels.traced)


def get_num_threads() -> int:
    """How many threads an operation runs on: OMP_NUM_THREADS, or the cores this process may use, unless set."""
    return engine.get_num_threads() if engine is not None else int(os.environ.get("OMP_NUM_THREADS", 1))


def set_num_threads(n: int) -> None:
    """Run operations on n threads. RuntimeError unless n is positive; without kernels, a warning that NumPy decides."""
    if n < 1:
        raise RuntimeError(f"set_num_threads expects a positive integer, got {n}")
    if engine is not None:
        engine.set_num_threads(n)
    else:
        warn("without its kernels glassgrad computes on NumPy's threads: set OMP_NUM_THREADS before Python starts")

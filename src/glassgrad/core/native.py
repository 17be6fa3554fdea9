"""The compiled engine where there is one, else None. What it does stands beside it in Python; GLASSGRAD_NATIVE=0 is
Python alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

engine: Any = None
try:
    from .. import kernels
except ImportError:
    kernels = None  # type: ignore[assignment]
else:
    engine = kernels.engine


def attach() -> None:
    """Put kernels behind the operations, when all of those are declared."""
    if engine is not None:
        kernels.attach()


def program(function: Callable[..., Any]) -> Any:
    """A function of arrays as one that runs without temporaries, in chunks and on all cores, where it can be."""
    return function if engine is None else engine.Program(function, kernels.traced)

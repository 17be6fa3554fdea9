"""The compiled engine where there is one, else None. What it does stands beside it in Python; GLASSGRAD_NATIVE=0 is
Python alone."""

from __future__ import annotations

from typing import Any

engine: Any = None
try:
    from .. import kernels
except ImportError:
    kernels = None  # type: ignore[assignment]
else:
    engine = kernels.engine

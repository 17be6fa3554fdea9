"""Fast versions of what the package does, in C++. Delete this folder and everything works, more slowly."""

from __future__ import annotations

import importlib
import os
from typing import Any

from numpy._core import _multiarray_umath as numpy_core  # type: ignore[attr-defined]

from ..core.provenance import warn

# The builds, best first, and what a processor needs for each; setup.py makes them.
LEVELS = {
    "engine_v4": ("AVX512_SKX",),
    "engine_v3": ("AVX2", "FMA3"),
    "engine": (),
}


def load() -> Any:
    """The best build that this processor runs; None where there is none or GLASSGRAD_NATIVE=0 forbids it."""
    if os.environ.get("GLASSGRAD_NATIVE", "1") == "0":
        return None
    for name, needs in LEVELS.items():
        if not all(numpy_core.__cpu_features__.get(feature) for feature in needs):
            continue
        try:
            return importlib.import_module(f"{__name__}.{name}")
        except ModuleNotFoundError:
            continue
        except ImportError as problem:
            warn(f"glassgrad computes without its kernels: {problem}")
    return None


def traced(*call: Any) -> Any:
    """kernels/trace.py, imported when something is traced first."""
    from .trace import trace

    return trace(*call)


engine: Any = load()
if engine is not None:
    engine.keep_memory()
    engine.use_blas(numpy_core.__file__)  # which is linked to the BLAS that NumPy brings along

    from .behind import add_paths as add_paths
    from .behind import faster as faster

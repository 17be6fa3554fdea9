"""torch.compiler, torch._dynamo, torch._inductor: what programs tell PyTorch's compiler.

Here `glassgrad.compile` compiles; its numbers are those of plain Python, and it needs no settings.
"""

from __future__ import annotations

from typing import Any

from .jit import ignore as allow_in_graph
from .jit import is_tracing as is_compiling

__all__ = ["allow_in_graph", "disable", "is_compiling", "reset"]

is_dynamo_compiling = is_exporting = is_compiling


def disable(fn: Any = None, recursive: bool = True, *, reason: str | None = None) -> Any:
    """The function; also as @disable(): it runs as Python anyway."""
    return allow_in_graph(fn)


def reset() -> None:
    """Nothing: what is compiled is kept with its function."""


def cudagraph_mark_step_begin() -> None:
    """Nothing: there are no CUDA graphs."""

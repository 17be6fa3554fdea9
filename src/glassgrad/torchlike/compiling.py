"""torch.compiler, torch._dynamo, torch._inductor, torch._C: what programs tell PyTorch's compilers.

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


def _log_api_usage_once(event: str) -> None:
    """Nothing: no use is counted."""


def _get_tracing_state() -> None:
    """None: nothing is being traced."""


def _of_the_jit(flag: bool) -> bool:
    """False, what was set before: no function is compiled behind the program's back."""
    return False


_jit_set_profiling_executor = _jit_set_profiling_mode = _of_the_jit
_jit_override_can_fuse_on_cpu = _jit_override_can_fuse_on_gpu = _of_the_jit

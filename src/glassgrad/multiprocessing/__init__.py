"""Python's multiprocessing, and spawn(). What share_memory_() has moved is one and the same memory in all processes.

Any other tensor that goes through a queue or a pipe arrives as a copy, where PyTorch moves it into shared memory.
"""

from __future__ import annotations

import multiprocessing
from multiprocessing import *  # noqa: F403
from typing import Any

from .spawn import (
    ProcessContext,
    ProcessException,
    ProcessExitedException,
    ProcessRaisedException,
    spawn,
    start_processes,
)

__all__ = [
    "ProcessContext", "ProcessException", "ProcessExitedException", "ProcessRaisedException",
    "get_all_sharing_strategies", "get_sharing_strategy", "set_sharing_strategy", "spawn", "start_processes",
]  # fmt: skip
__all__ += multiprocessing.__all__  # type: ignore[attr-defined]


def get_sharing_strategy() -> str:
    """'copy'."""
    return "copy"


def get_all_sharing_strategies() -> set[str]:
    """{'copy'}: tensors are copied from process to process."""
    return {"copy"}


def set_sharing_strategy(new_strategy: Any) -> None:
    """Nothing for 'copy', NotImplementedError for PyTorch's 'file_descriptor' and 'file_system'."""
    if new_strategy != "copy":
        raise NotImplementedError(f"tensors are copied from process to process: there is no {new_strategy!r} here")

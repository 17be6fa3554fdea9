"""torch.accelerator as it is on a computer without one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = [
    "current_accelerator", "current_device_index", "current_stream", "device_count", "device_index", "empty_cache",
    "get_device_capability", "get_memory_info", "is_available", "max_memory_allocated", "max_memory_reserved",
    "memory_allocated", "memory_reserved", "memory_stats", "reset_accumulated_memory_stats", "reset_peak_memory_stats",
    "set_device_index", "set_stream", "synchronize",
]  # fmt: skip

NONE = "Cannot access accelerator device when none is available."


def is_available() -> bool:
    """False."""
    return False


def device_count() -> int:
    """0."""
    return 0


def current_accelerator(check_available: bool = False) -> None:
    """None."""
    return None


def _absent(name: str) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        raise RuntimeError(NONE)

    call.__name__ = call.__qualname__ = name
    call.__doc__ = f"RuntimeError: {NONE}"
    return call


current_device_index = _absent("current_device_index")
current_stream = _absent("current_stream")
empty_cache = _absent("empty_cache")
get_device_capability = _absent("get_device_capability")
get_memory_info = _absent("get_memory_info")
max_memory_allocated = _absent("max_memory_allocated")
max_memory_reserved = _absent("max_memory_reserved")
memory_allocated = _absent("memory_allocated")
memory_reserved = _absent("memory_reserved")
memory_stats = _absent("memory_stats")
reset_accumulated_memory_stats = _absent("reset_accumulated_memory_stats")
reset_peak_memory_stats = _absent("reset_peak_memory_stats")
set_device_index = _absent("set_device_index")
set_stream = _absent("set_stream")
synchronize = _absent("synchronize")


class device_index:
    """A context manager for the current device: nothing for None, else RuntimeError on entering."""

    def __init__(self, device: int | None, /) -> None:
        self.idx = device

    def __enter__(self) -> None:
        if self.idx is not None:
            raise RuntimeError(NONE)

    def __exit__(self, *_: object) -> None:
        return None

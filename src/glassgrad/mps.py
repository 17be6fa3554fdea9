"""torch.mps as it is on a computer without Apple's graphics processor."""

from __future__ import annotations

from typing import Any

__all__ = [
    "current_allocated_memory", "device_count", "driver_allocated_memory", "empty_cache", "is_available", "manual_seed",
    "seed", "synchronize",
]  # fmt: skip


def is_available() -> bool:
    """False."""
    return False


def device_count() -> int:
    """0."""
    return 0


def manual_seed(seed: int) -> None:
    """Nothing: there is no device whose generator could be seeded."""
    int(seed)


def _absent(name: str, inner: str) -> Any:
    def call() -> Any:
        raise RuntimeError(f"Cannot execute {inner}() without MPS backend.")

    call.__name__ = call.__qualname__ = name
    return call


empty_cache = _absent("empty_cache", "emptyCache")
synchronize = _absent("synchronize", "deviceSynchronize")
current_allocated_memory = _absent("current_allocated_memory", "getCurrentAllocatedMemory")
driver_allocated_memory = _absent("driver_allocated_memory", "getDriverAllocatedMemory")


def seed() -> None:
    """Nothing: there is no device."""

"""Which of PyTorch's kernels computes attention: asked for, checked, and of no consequence for the numbers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import Any

__all__ = ["SDPBackend", "sdpa_kernel"]


class SDPBackend(IntEnum):
    """PyTorch's kernels of scaled_dot_product_attention."""

    ERROR = -1
    MATH = 0
    FLASH_ATTENTION = 1
    EFFICIENT_ATTENTION = 2
    CUDNN_ATTENTION = 3
    OVERRIDEABLE = 4

    def __repr__(self) -> str:
        return f"<{type(self).__name__}.{self.name}: {self.value}>"

    __str__ = __repr__


@contextmanager
def sdpa_kernel(backends: Any, set_priority: bool = False) -> Iterator[None]:
    """Use one of these kernels within: all of them give the numbers that there are here.

    Raises AssertionError for what isn't an SDPBackend, or a list of them, RuntimeError where all are for GPUs.
    """
    asked = backends if isinstance(backends, list) else [backends]
    if not all(isinstance(backend, SDPBackend) for backend in asked):
        raise AssertionError("Backend must be an instance of SDPBackend or a list of SDPBackend instances")
    if not {SDPBackend.MATH, SDPBackend.FLASH_ATTENTION} & set(asked):
        raise RuntimeError("No viable backend for scaled_dot_product_attention was found: these are for GPUs")
    yield

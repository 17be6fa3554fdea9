"""PyTorch's names for how elements lie in memory. Here they lie in row-major order, unless a tensor is a view."""

from __future__ import annotations

from typing import Any

from ..core import printing

__all__ = [
    "channels_last", "channels_last_3d", "contiguous_format", "layout", "memory_format", "preserve_format",
    "sparse_coo", "strided",
]  # fmt: skip
METHODS: tuple[str, ...] = ()
IN_PLACE: tuple[str, ...] = ()


class _Named:
    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"{printing.NAMESPACE}.{self.name}"

    def __reduce__(self) -> str:
        return self.name


class memory_format(_Named):
    """In which order the dims of a tensor lie in memory."""


class layout(_Named):
    """Whether all elements are stored (strided), or those that aren't zero (sparse_coo)."""


contiguous_format = memory_format("contiguous_format")
preserve_format = memory_format("preserve_format")
channels_last = memory_format("channels_last")
channels_last_3d = memory_format("channels_last_3d")
strided = layout("strided")
sparse_coo = layout("sparse_coo")


def plain_format(given: Any) -> None:
    """NotImplementedError for an order of memory that glassgrad doesn't have."""
    if given is channels_last or given is channels_last_3d:
        raise NotImplementedError(f"memory_format {given} is not in glassgrad yet: tensors lie in row-major order")
    if given is not None and not isinstance(given, memory_format):
        raise TypeError(f"argument 'memory_format' must be torch.memory_format, not {type(given).__name__}")


def order_of(given: Any, ndim: int) -> str:
    """How a copy in that memory format is asked for: "C", "K" as it is, "last" with the channels last."""
    if given is channels_last or given is channels_last_3d:
        rank = 4 if given is channels_last else 5
        if ndim != rank:
            raise RuntimeError(f"required rank {rank} tensor to use {given.name} format")
        return "last"
    plain_format(given)
    return "K" if given is preserve_format else "C"


def plain_layout(given: Any) -> None:
    """NotImplementedError for a layout that glassgrad doesn't have."""
    if given is not None and given is not strided:
        if not isinstance(given, layout):
            raise TypeError(f"argument 'layout' must be torch.layout, not {type(given).__name__}")
        raise NotImplementedError(f"layout {given} is not in glassgrad yet")

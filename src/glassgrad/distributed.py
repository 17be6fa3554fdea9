"""torch.distributed as it is in a PyTorch that was built without it: there is nothing to be asked but this."""

from __future__ import annotations

__all__ = ["is_available"]


def is_available() -> bool:
    """False: a program runs as one process."""
    return False

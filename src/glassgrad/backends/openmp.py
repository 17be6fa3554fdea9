"""torch.backends.openmp: threads are this package's own."""

from __future__ import annotations


def is_available() -> bool:
    """False."""
    return False

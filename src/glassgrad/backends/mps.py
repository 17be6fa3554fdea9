"""torch.backends.mps: Apple's graphics processor, which is not used."""

from __future__ import annotations


def is_built() -> bool:
    """False."""
    return False


def is_available() -> bool:
    """False."""
    return False

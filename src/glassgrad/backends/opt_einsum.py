"""torch.backends.opt_einsum: einsum goes from left to right, or by the path that NumPy finds."""

from __future__ import annotations

enabled = True
strategy: str | None = "auto"


def is_available() -> bool:
    """False."""
    return False

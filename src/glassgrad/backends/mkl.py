"""torch.backends.mkl: Intel's library, which is not used."""

from __future__ import annotations


def is_available() -> bool:
    """False: products are NumPy's library's and this package's own."""
    return False

"""torch.backends.mkldnn: Intel's library, which is not used."""

from __future__ import annotations

enabled = True
deterministic = False
allow_tf32 = True


def is_available() -> bool:
    """False."""
    return False

"""torch.backends.cpu."""

from __future__ import annotations


def get_cpu_capability() -> str:
    """'DEFAULT': which instructions are used is chosen by the kernels themselves."""
    return "DEFAULT"

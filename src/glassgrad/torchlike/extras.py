"""Names that only mean something in PyTorch's namespace."""

from __future__ import annotations

from .version import __version__

__all__: list[str] = ["__version__"]

"""The command `glassgrad`, also as `python -m glassgrad`."""

from __future__ import annotations

from .main import main

__all__ = ["main"]

"""The transforms of glassgrad.vision.transforms, under an older name."""

from __future__ import annotations

from typing import Any


def __getattr__(name: str) -> Any:
    import glassgrad

    return getattr(glassgrad.vision.transforms, name)

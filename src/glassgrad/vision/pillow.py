"""Pillow, which images need: opened at first use."""

from __future__ import annotations

import importlib
import sys
from typing import Any


def pillow(module: str = "Image") -> Any:
    """PIL.Image, or another module of Pillow. ImportError that names the command where it is not installed."""
    try:
        return importlib.import_module(f"PIL.{module}")
    except ImportError as problem:
        raise ImportError("images need Pillow: pip install 'glassgrad[vision]'") from problem


def is_picture(image: Any) -> bool:
    """Whether it is an image of Pillow's. Where Pillow was never imported nothing is."""
    loaded = sys.modules.get("PIL.Image")
    return loaded is not None and isinstance(image, loaded.Image)


def has_pillow() -> bool:
    try:
        pillow()
    except ImportError:
        return False
    return True

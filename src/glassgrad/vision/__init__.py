"""Images: data sets, transforms, models, and pictures of batches, under torchvision's names."""

from __future__ import annotations

from . import datasets, io, models, transforms, utils

__all__ = ["datasets", "io", "models", "transforms", "utils"]

__version__ = "0.28.0"  # of the torchvision whose names and draws these are

"""torch.version: the PyTorch whose names, semantics and numbers are reproduced."""

from __future__ import annotations

__version__ = "2.13.0"
debug = False
cuda = None
hip = None
git_version = "Unknown"

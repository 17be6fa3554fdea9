"""PyTorch's module names for programs that say `import torch`: install() and uninstall(), for this process only."""

from __future__ import annotations

import sys

from ..core import printing
from . import children
from .facade import Finder
from .homes import SEEN, move_back, move_home
from .table import ROOTS

__all__ = ["install", "installed", "uninstall"]


def installed() -> bool:
    return Finder in sys.meta_path


def install() -> None:
    """From now on `import torch`, `torch.nn`, `torchvision`, ... find glassgrad in this process and those it starts.

    Texts name things as PyTorch does: torch.float32, torch.Size([2]). uninstall() takes it back.
    Raises RuntimeError where PyTorch itself has been imported already.
    """
    if installed():
        return
    if real := sorted(name for name in ROOTS if name in sys.modules):
        raise RuntimeError(
            f"{' and '.join(real)} has already been imported in this process, from "
            f"{getattr(sys.modules[real[0]], '__file__', None)}: "
            "call glassgrad.torchlike.install() before the first import of it"
        )
    sys.meta_path.insert(0, Finder)  # type: ignore[arg-type]
    children.watch()
    printing.NAMESPACE = "torch"
    for kind in SEEN:
        move_home(kind)


def uninstall() -> None:
    """Take install() back: the modules it made are forgotten, and texts say glassgrad again."""
    if not installed():
        return
    sys.meta_path.remove(Finder)  # type: ignore[arg-type]
    children.unwatch()
    for name in [name for name in sys.modules if name.partition(".")[0] in ROOTS]:
        del sys.modules[name]
    printing.NAMESPACE = "glassgrad"
    move_back()

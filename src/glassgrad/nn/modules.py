"""Where PyTorch keeps its modules: nn.modules.<file>.<class>, as the files that they are in here."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from .layers.conv import sizes

FILES = {
    "activation": "activation attention", "adaptive": "adaptive", "batchnorm": "norms lazy", "container": "container",
    "channelshuffle": "arrange", "conv": "conv lazy", "distance": "arrange", "dropout": "dropout", "flatten": "linear",
    "fold": "arrange", "instancenorm": "norms lazy", "lazy": "lazy", "linear": "linear lazy",
    "linear_cross_entropy": "adaptive", "loss": "loss adaptive", "normalization": "norms", "padding": "arrange",
    "pixelshuffle": "arrange", "pooling": "pooling", "rnn": "recurrent", "sparse": "sparse",
    "transformer": "transformer", "upsampling": "arrange",
}  # fmt: skip


class _File:
    """The names of one of PyTorch's files."""

    def __init__(self, name: str, files: str) -> None:
        self.__name__ = f"{__name__}.{name}"
        self.files = files.split()

    def __getattr__(self, name: str) -> Any:
        for file in self.files:
            module = importlib.import_module(f"glassgrad.nn.layers.{file}")
            if hasattr(module, name):
                return getattr(module, name)
        raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")


def _ntuple(n: int) -> Callable[[Any], tuple[Any, ...]]:
    """The function that makes one number n of them, and leaves several as they are."""
    return lambda x: sizes(x, n)


_single, _pair, _triple, _quadruple = map(_ntuple, (1, 2, 3, 4))


def __getattr__(name: str) -> Any:
    if name in FILES:
        return _File(name, FILES[name])
    if name == "module":
        return importlib.import_module("glassgrad.nn.module")
    nn = importlib.import_module("glassgrad.nn")
    if name in nn.__all__ and isinstance(getattr(nn, name), type):
        return getattr(nn, name)
    if name.startswith("register_module_"):
        return getattr(importlib.import_module("glassgrad.nn.hooks"), name)
    for file in FILES if name.startswith("_") else ():  # bases
        try:
            return getattr(_File(file, FILES[file]), name)
        except AttributeError:
            continue
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

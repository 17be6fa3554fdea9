"""Names that only mean something in PyTorch's own namespace."""

from __future__ import annotations

from typing import Any

from ..core.graph import Removable as RemovableHandle  # noqa: F401
from ..core.provenance import warn
from ..core.tensor import Tensor
from .version import __version__ as __version__

__all__: list[str] = []  # `from torch import *` takes none of them


class _IsTensor(type):
    def __instancecheck__(cls, x: Any) -> bool:
        return isinstance(x, Tensor)


class Variable(metaclass=_IsTensor):
    """What a tensor with a gradient was called before PyTorch 0.4: makes a tensor on the same memory, off the graph.

    Raises TypeError if data is not a tensor.
    """

    def __new__(cls, data: Tensor | None = None, requires_grad: bool = False, volatile: bool = False) -> Any:
        if volatile:
            warn("volatile was removed and now has no effect. Use `with torch.no_grad():` instead.")
        if data is None:
            return Tensor().requires_grad_(requires_grad)
        if not isinstance(data, Tensor):
            raise TypeError(f"Variable data has to be a tensor, but got {type(data).__name__}")
        return data.detach().requires_grad_(requires_grad)


def __getattr__(name: str) -> Any:
    if name == "Future":  # opened at first touch
        from .futures import Future

        return Future
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

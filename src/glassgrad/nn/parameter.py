"""Tensors that a Module registers when they are assigned to it."""

from __future__ import annotations

from typing import Any

from ..core.backend import as_device, xp_for
from ..core.dtypes import get_default_dtype
from ..core.tensor import Tensor, asarray

__all__ = ["Buffer", "Parameter"]


class Parameter(Tensor):
    """A tensor to be learned: assigned to a Module it appears in parameters(); requires grad unless told otherwise."""

    def __init__(self, data: Tensor | None = None, requires_grad: bool = True) -> None:
        if data is None:
            super().__init__()
        elif not isinstance(data, Tensor):
            raise TypeError(f"Parameter: expected a Tensor, got {type(data).__name__}")
        else:
            self._set(data.array)
            self.version = data.version
        self._is_param = True
        if requires_grad:
            self.requires_grad_()

    def __reduce__(self) -> Any:
        return _rebuild, super().__reduce__()[1][:2]


def _rebuild(array: Any, requires_grad: bool) -> Parameter:
    return Parameter(Tensor._of(array), requires_grad)


class Buffer(Tensor):
    """A tensor that is state but not learned: assigned to a Module it appears in buffers()."""

    def __init__(self, data: Tensor | None = None, *, persistent: bool = True) -> None:
        if data is None:
            super().__init__()
        else:
            self._set(data.array)
            self.version = data.version
        self.persistent = persistent


def as_tensor(value: Any) -> Tensor:
    """A tensor as it is; NumPy's arrays and other libraries' tensors copied into one."""
    if isinstance(value, Tensor):
        return value
    if hasattr(value, "__array__"):
        return Tensor._of(asarray(value.detach().numpy() if hasattr(value, "detach") else value))
    raise TypeError(f"expected torch.Tensor or Tensor-like object but got {type(value).__name__}")


def new_parameter(*shape: int, device: Any = None, dtype: Any = None) -> Parameter:
    """A Parameter of this shape whose values are still to be drawn."""
    where = as_device(device)
    return Parameter(Tensor._of(xp_for(where).empty(shape, (dtype or get_default_dtype()).array_dtype)))

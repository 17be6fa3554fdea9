"""Tensors that a Module registers when they are assigned to it."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.backend import as_device, xp_for
from ..core.cuts import cut
from ..core.dtypes import get_default_dtype
from ..core.tensor import Tensor, asarray, wanting

__all__ = ["Buffer", "Parameter", "UninitializedBuffer", "UninitializedParameter", "is_lazy"]


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
            if data._needs:
                cut("Parameter()", data, self)
        self._is_param = True
        if requires_grad:
            wanting(self)


class Buffer(Tensor):
    """A tensor that is state but not learned: assigned to a Module it appears in buffers()."""

    def __init__(self, data: Tensor | None = None, *, persistent: bool = True) -> None:
        if data is None:
            super().__init__()
        else:
            self._set(data.array)
            self.version = data.version
        self.persistent = persistent


class _Nothing(np.ndarray):
    """The array of such a tensor; no kernel takes it."""


class _Uninitialized:
    """A tensor whose shape isn't known yet: it has a dtype and a device, and every use of its values is refused."""

    becomes: type[Tensor]
    array: Any
    _needs: bool
    _is_param: bool

    def __init__(self, requires_grad: bool = False, device: Any = None, dtype: Any = None) -> None:
        where = as_device(device)
        Tensor._set(self, xp_for(where).empty(0, (dtype or get_default_dtype()).array_dtype))  # type: ignore[arg-type]
        self.data = self.data
        self._is_param = issubclass(self.becomes, Parameter)
        self._needs = requires_grad  # `_wish` would ask for the array

    def __getattribute__(self, name: str) -> Any:
        if name == "array":  # every operation asks for it
            raise ValueError(
                f"Attempted to use an uninitialized {type(self).__name__}: its shape is known after a first forward() "
                "of its module; call the module with a dummy batch before"
            )
        return object.__getattribute__(self, name)

    @property
    def shape(self) -> Any:
        raise RuntimeError(
            "Can't access the shape of an uninitialized parameter or buffer: it is known after a first forward() "
            "of its module"
        )

    @property
    def data(self) -> Tensor:
        array = object.__getattribute__(self, "array")
        return Tensor._of(array.view(np.ndarray) if isinstance(array, _Nothing) else array)

    @data.setter
    def data(self, new: Tensor) -> None:
        self.array = new.array.view(_Nothing) if isinstance(new.array, np.ndarray) else new.array

    @property
    def dtype(self) -> Any:
        return self.data.dtype

    @property
    def device(self) -> Any:
        return self.data.device

    def requires_grad_(self, requires_grad: bool = True) -> Any:
        self._needs = requires_grad  # `_wish` would ask for the array
        return self

    def is_floating_point(self) -> bool:
        return self.data.is_floating_point()

    def is_complex(self) -> bool:
        return self.data.is_complex()

    def share_memory_(self) -> Any:
        raise RuntimeError("Can't share memory on an uninitialized parameter or buffer: call forward() first")

    def materialize(self, shape: Any, device: Any = None, dtype: Any = None) -> None:
        """Become a tensor of this shape, whose values are still to be written."""
        where = as_device(self.device if device is None else device)
        self.array = xp_for(where).empty(tuple(shape), (dtype or self.dtype).array_dtype)
        self.__class__ = self.becomes  # type: ignore[assignment]
        self._wish(self._needs)

    def __repr__(self, *args: Any, **kwargs: Any) -> str:
        return f"<{type(self).__name__}>"

    def __reduce__(self) -> Any:
        return type(self), (self._needs, str(self.device), self.dtype)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return memo.setdefault(id(self), type(self)(self._needs, self.device, self.dtype))


class UninitializedParameter(_Uninitialized, Parameter):  # type: ignore[misc]
    """A Parameter whose shape isn't known yet."""

    becomes = Parameter

    def __init__(self, requires_grad: bool = True, device: Any = None, dtype: Any = None) -> None:
        super().__init__(requires_grad, device, dtype)


class UninitializedBuffer(_Uninitialized, Tensor):  # type: ignore[misc]
    """A buffer whose shape isn't known yet."""

    becomes = Tensor


def is_lazy(value: Any) -> bool:
    """Whether a tensor's shape isn't known yet."""
    return isinstance(value, _Uninitialized)


def as_tensor(value: Any) -> Tensor:
    """A tensor as it is; NumPy's arrays and other libraries' tensors copied into one."""
    if isinstance(value, Tensor):
        return value
    if hasattr(value, "__array__"):
        return Tensor._of(asarray(value.detach().numpy() if hasattr(value, "detach") else value))
    raise TypeError(f"expected torch.Tensor or Tensor-like object from checkpoint but received {type(value)}")


def new_parameter(*shape: int, device: Any = None, dtype: Any = None) -> Parameter:
    """A Parameter of this shape whose values are still to be drawn."""
    if any(n < 0 for n in shape):
        raise RuntimeError(f"Trying to create tensor with negative dimension {min(shape)}: {list(shape)}")
    where = as_device(device)
    return Parameter(Tensor._of(xp_for(where).empty(shape, (dtype or get_default_dtype()).array_dtype)))

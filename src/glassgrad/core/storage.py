"""The memory behind tensors, as PyTorch shows it: the bytes that a tensor and its views share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from . import printing
from .backend import CPU, as_device, device, ndarray
from .dtypes import dtype

if TYPE_CHECKING:
    from .tensor import Tensor

__all__ = ["TypedStorage", "UntypedStorage", "copied", "offset_in", "root_of", "window"]


def root_of(array: ndarray) -> ndarray:
    """The outermost array that this one is a view of: what holds the memory."""
    while isinstance(array.base, ndarray):
        array = array.base
    return array


def offset_in(root: ndarray, array: ndarray) -> int:
    """How many bytes the first element of `array` lies behind the start of its root's memory."""
    return array.__array_interface__["data"][0] - _bounds(root)[0]


def _bounds(root: ndarray) -> tuple[int, int]:
    start = root.__array_interface__["data"][0]
    if not root.size:
        return start, start
    reach = [(n - 1) * s for n, s in zip(root.shape, root.strides, strict=True)]
    return start + sum(s for s in reach if s < 0), start + sum(s for s in reach if s > 0) + root.itemsize


class _Bytes:
    """An array's memory as NumPy's array interface tells it; holds the array."""

    def __init__(self, root: ndarray) -> None:
        start, end = _bounds(root)
        self.root = root
        self.__array_interface__ = {
            "data": (start, not root.flags.writeable), "shape": (end - start,), "typestr": "|u1", "version": 3,
        }  # fmt: skip


def bytes_of(root: ndarray) -> ndarray:
    return np.asarray(_Bytes(root)) if root.size else np.empty(0, np.uint8)


def window(memory: ndarray, like: Any, offset: int, shape: tuple[int, ...], strides: tuple[int, ...]) -> ndarray:
    """The array of dtype `like` that lies in these bytes, offset and strides counted in bytes."""
    return ndarray(shape, like, memory, offset, strides) if memory.size else np.empty(shape, like)


def copied(array: Any, memo: dict[Any, Any]) -> Any:
    """A copy with the same strides; what shared memory still does: `memo` keeps the copies of roots."""
    if not isinstance(array, ndarray):
        return array.copy()
    root = root_of(array)
    if id(root) not in memo:
        memo[id(root)] = bytes_of(root).copy()
    return window(memo[id(root)], array.dtype, offset_in(root, array), array.shape, array.strides)


class UntypedStorage:
    """Bytes, shared by all tensors that are views of them.

    array    the bytes, on the host
    device   where tensors made of them go
    """

    itemsize = 1

    def __init__(self, array: ndarray | int = 0, where: device = CPU) -> None:
        self.array = np.zeros(array, np.uint8) if isinstance(array, int) else array
        self.device = where

    def __sizeof__(self) -> int:
        """With its bytes, in sys.getsizeof() as many as PyTorch says."""
        return (32 if self.itemsize == 1 else 24) + self.array.nbytes

    @staticmethod
    def of(x: Tensor) -> UntypedStorage:
        if not isinstance(x.array, ndarray):
            raise NotImplementedError(f"the storage of a tensor on {x.device} is not in glassgrad yet: use x.cpu()")
        return UntypedStorage(bytes_of(root_of(x.array)))

    def nbytes(self) -> int:
        return self.array.nbytes

    def size(self) -> int:
        return self.array.nbytes

    __len__ = size

    def element_size(self) -> int:
        return 1

    def data_ptr(self) -> int:
        return self.array.__array_interface__["data"][0] if self.array.size else 0

    is_cuda = property(lambda self: self.device.type == "cuda")

    def is_shared(self) -> bool:
        """Whether other processes can see changes of this memory."""
        from . import shared

        return shared.map_of(self.array) is not None

    def is_pinned(self) -> bool:
        return False

    def tolist(self) -> list[Any]:
        return self.array.tolist()

    def __iter__(self) -> Iterator[Any]:
        return iter(self.tolist())

    def __getitem__(self, index: int | slice) -> Any:
        return UntypedStorage(self.array[index], self.device) if isinstance(index, slice) else self.tolist()[index]

    def __setitem__(self, index: int | slice, value: int) -> None:
        self.array[index] = value

    def clone(self) -> UntypedStorage:
        return UntypedStorage(self.array.copy(), self.device)

    def to(self, where: Any) -> UntypedStorage:
        """The same bytes, for tensors on that device."""
        return UntypedStorage(self.array, as_device(where))

    def cpu(self) -> UntypedStorage:
        return self.to(CPU)

    def cuda(self, device: Any = None) -> UntypedStorage:
        return self.to("cuda" if device is None else device)

    def untyped(self) -> UntypedStorage:
        return self

    def __repr__(self) -> str:
        numbers = "\n ".join(map(str, ["", *self.tolist()]))[1:]
        return f"{numbers}\n[{printing.NAMESPACE}.storage.{type(self).__name__}({self._kind()}) of size {self.size()}]"

    def _kind(self) -> str:
        return f"device={self.device}"


class TypedStorage(UntypedStorage):
    """A storage read as numbers of one dtype."""

    def __init__(self, untyped: UntypedStorage, of: dtype) -> None:
        super().__init__(untyped.array, untyped.device)
        self.dtype, self.itemsize = of, of.itemsize

    @property
    def numbers(self) -> ndarray:
        return self.array[: self.size() * self.itemsize].view(self.dtype.array_dtype)

    def size(self) -> int:
        return self.array.nbytes // self.itemsize

    __len__ = size

    def element_size(self) -> int:
        return self.itemsize

    def tolist(self) -> list[Any]:
        host = self.numbers
        return (host.astype(np.float32) if self.dtype.name == "bfloat16" else host).tolist()

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            raise RuntimeError("slices are only supported in UntypedStorage.__getitem__")
        return self.tolist()[index]

    def __setitem__(self, index: int | slice, value: Any) -> None:
        self.numbers[index] = value

    def clone(self) -> TypedStorage:
        return TypedStorage(super().clone(), self.dtype)

    def to(self, where: Any) -> TypedStorage:
        return TypedStorage(super().to(where), self.dtype)

    def untyped(self) -> UntypedStorage:
        return UntypedStorage(self.array, self.device)

    def _kind(self) -> str:
        return f"dtype={self.dtype}, device={self.device}"

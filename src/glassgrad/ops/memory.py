"""Other shapes of the same memory, and element by element: resize_, set_, as_strided_, apply_, map_."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.backend import Array, ndarray
from ..core.graph import touch
from ..core.provenance import warn
from ..core.tensor import Tensor
from .formats import plain_format
from .parts import as_strided
from .shape import becoming, clone, sizes


def as_strided_scatter(input: Tensor, src: Tensor, size: Any, stride: Any, storage_offset: int | None = None) -> Tensor:
    """A copy of the input with src where as_strided(input, size, stride, storage_offset) reads."""
    made = clone(input, order="C")
    shape = as_strided(made, size, stride, storage_offset).array.shape
    if src.array.shape != shape:
        raise RuntimeError(
            "expected src to have a size equal to the slice of self. "
            f"src size = {list(src.array.shape)}, slice size = {list(shape)}"
        )
    as_strided(made, size, stride, storage_offset).copy_(src)
    return made


as_strided_ = becoming(as_strided)


# --- resize ---


def _memory(x: Array) -> Array:
    """All elements in memory from the first one of x on, a view."""
    root: Any = x
    while isinstance(getattr(root, "base", None), ndarray):
        root = root.base
    if root.dtype != x.dtype or not root.flags.c_contiguous:
        return x.reshape(-1)
    first = (x.__array_interface__["data"][0] - root.__array_interface__["data"][0]) // x.itemsize
    return root.reshape(-1)[first:]


def resize_(self: Tensor, *size: Any, memory_format: Any = None) -> Tensor:
    """The tensor with another size, of the elements as they lie in memory; what it had too few of is left as it was.

    RuntimeError where a gradient is wanted.
    """
    plain_format(memory_format)
    if self.requires_grad:
        raise RuntimeError("cannot resize variables that require grad")
    shape = sizes(size, {})
    n, there = math.prod(shape), _memory(self.array)
    if n > there.size:
        more = np.empty(n, self.array.dtype)
        more[: there.size] = there
        there = more
    self.array = there[:n].reshape(shape)
    touch(self.version)
    return self


def resize_as_(self: Tensor, the_template: Tensor, *, memory_format: Any = None) -> Tensor:
    """resize_ to the shape of another tensor."""
    return resize_(self, the_template.array.shape, memory_format=memory_format)


def resize(self: Tensor, *size: Any) -> Tensor:
    """The elements in another shape; reshape() by another name, with a warning."""
    warn("non-inplace resize is deprecated")
    return self.reshape(*size)


def resize_as(self: Tensor, tensor: Tensor) -> Tensor:
    """resize() to the shape of another tensor."""
    warn("non-inplace resize_as is deprecated")
    return self.reshape(tensor.array.shape)


def set_(self: Tensor, source: Tensor | None = None, *rest: Any) -> Tensor:
    """The tensor becomes another name for the memory of source; empty, without one."""
    if rest or not (source is None or isinstance(source, Tensor)):
        raise NotImplementedError("set_() of a storage is not in glassgrad yet: give it a tensor")
    if self.requires_grad:
        raise RuntimeError("set_() of a tensor that requires grad: detach() it first")
    if source is None:
        source = Tensor._of(np.empty(0, self.array.dtype))
    if source.array.dtype != self.array.dtype:
        raise RuntimeError(f"Could not set tensor of type {source.dtype} to a tensor of type {self.dtype}")
    self.array, self.version = source.array, source.version
    return self


def is_set_to(self: Tensor, tensor: Tensor) -> bool:
    """Whether both are the same view of the same memory."""
    a, b = self.array, tensor.array
    return self.data_ptr() == tensor.data_ptr() and a.shape == b.shape and a.strides == b.strides


def module_load(self: Tensor, other: Tensor, assign: bool = False) -> Tensor:
    """What a module's load_state_dict puts in place of self: self with other's values, or other itself (assign)."""
    return other.detach() if assign else self.copy_(other).detach()


def dim_order(self: Tensor) -> tuple[int, ...]:
    """The dims from outermost to innermost in memory."""
    strides = self.stride()
    return tuple(sorted(range(len(strides)), key=lambda d: -strides[d]))


# --- element by element ---


def _elements(self: Tensor, others: tuple[Tensor, ...], call: Callable[..., float], name: str) -> Tensor:
    if self.requires_grad or any(x.requires_grad for x in others):
        raise RuntimeError(f"Can't call {name}() on Variable that requires grad. Use var.detach().{name}() instead.")
    arrays = [np.broadcast_to(x.array, self.array.shape) for x in others]
    rows = zip(self.array.ravel().tolist(), *(a.ravel().tolist() for a in arrays), strict=True)
    self.array[...] = np.array([call(*row) for row in rows], self.array.dtype).reshape(self.array.shape)
    touch(self.version)
    return self


def apply_(self: Tensor, callable: Callable[[float], float]) -> Tensor:
    """Every element x becomes callable(x): a Python call for each, so for small tensors."""
    return _elements(self, (), callable, "apply_")


def map_(self: Tensor, tensor: Tensor, callable: Callable[[float, float], float]) -> Tensor:
    """Every element x becomes callable(x, y), with y from a tensor that broadcasts."""
    return _elements(self, (tensor,), callable, "map_")


def map2_(self: Tensor, x: Tensor, y: Tensor, callable: Callable[[float, float, float], float]) -> Tensor:
    """Every element becomes callable(element, of x, of y)."""
    return _elements(self, (x, y), callable, "map2_")


def fill_diagonal_(self: Tensor, fill_value: float, wrap: bool = False) -> Tensor:
    """The elements [i, i, ...] become fill_value. wrap: begin again below, in a matrix taller than wide."""
    shape = self.array.shape
    if len(shape) < 2:
        raise RuntimeError("dimensions must larger than 1")
    if len(shape) > 2 and len(set(shape)) > 1:
        raise RuntimeError("all dimensions of input must be of equal length")

    mask = np.zeros(shape, np.bool_)
    np.fill_diagonal(mask, True, wrap=wrap)
    return self.masked_fill_(Tensor._of(mask), fill_value)

"""Sparse tensors: torch.sparse's names. The tensors themselves are in ops.sparse_tensor."""

from __future__ import annotations

from typing import Any

import numpy as np

from .core import dtypes
from .core.dtypes import dtype
from .core.tensor import TYPE_NAMES, Tensor
from .ops.sparse import sparse_coo_tensor
from .ops.sparse_tensor import SparseTensor, coalesce, summed

__all__ = ["addmm", "log_softmax", "mm", "softmax", "sum"]


def mm(mat1: Tensor, mat2: Tensor) -> Tensor:
    """The product of two matrices, of which at least one is sparse: (n, k), (k, m) -> (n, m); sparse if both are."""
    return mat1 @ mat2


def addmm(mat: Tensor, mat1: Tensor, mat2: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """beta * mat + alpha * (mat1 @ mat2), mat1 sparse."""
    return beta * mat + alpha * (mat1 @ mat2)


def sum(input: Tensor, dim: Any = None, dtype: dtype | None = None) -> Tensor:
    """The sum over some sparse or dense dims, sparse unless no sparse dim is left; over all without `dim`."""
    return summed(_sparse(input), dim, dtype)


def softmax(input: SparseTensor, dim: int, *, dtype: dtype | None = None) -> SparseTensor:
    """softmax along a sparse dim of what is stored: what isn't counts as -inf, and stays 0."""
    made, group, count, shifted = _grouped(_sparse(input), dim, dtype)
    e = shifted.exp()
    return made._like(e / e.new_zeros(count).index_add(0, group, e)[group])


def log_softmax(input: SparseTensor, dim: int, *, dtype: dtype | None = None) -> SparseTensor:
    """The logarithm of softmax, of what is stored."""
    made, group, count, shifted = _grouped(_sparse(input), dim, dtype)
    e = shifted.exp()
    return made._like(shifted - e.new_zeros(count).index_add(0, group, e).log()[group])


def _grouped(input: SparseTensor, dim: int, dtype: dtype | None) -> tuple[SparseTensor, Tensor, int, Tensor]:
    """The tensor coalesced, which values are along `dim` together, in how many groups, and each less its largest."""
    made = coalesce(input if dtype is None else input.to(dtype))
    d = range(made.dim())[dim]
    if made.dense_dim():
        raise NotImplementedError("softmax of a sparse tensor with dense dims is not in glassgrad yet")
    keys, group = np.unique(made._flat(d), return_inverse=True)
    group = group.reshape(-1)
    top = np.full(len(keys), -np.inf, made._stored.array.dtype)
    np.maximum.at(top, group, made._stored.array)
    return made, Tensor._of(group), len(keys), made._stored - Tensor._of(top[group])


def _sparse(x: Any) -> SparseTensor:
    if not isinstance(x, SparseTensor):
        raise RuntimeError(f"expected a sparse tensor (layout sparse_coo), got a {type(x).__name__} of layout strided")
    return x


def _legacy(name: str) -> type:
    """torch.sparse.FloatTensor and its like: constructors of before sparse_coo_tensor."""
    wanted = dtypes.named(name)

    class legacy:
        def __new__(cls, indices: Any = None, values: Any = None, size: Any = None) -> Any:
            if values is None or not isinstance(values, Tensor) or values.dtype is not wanted:
                raise TypeError(f"sparse.{TYPE_NAMES[name]}: expected indices and values of dtype {wanted}, and a size")
            return sparse_coo_tensor(indices, values, size)

    legacy.__name__ = legacy.__qualname__ = TYPE_NAMES[name]
    return legacy


for _name, _title in TYPE_NAMES.items():
    if _title.removesuffix("Tensor") in ("Byte", "Char", "Double", "Float", "Int", "Long", "Short"):
        globals()[_title] = _legacy(_name)

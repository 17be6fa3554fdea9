"""Making sparse tensors, and the operations on them that stand in the public namespace."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core import dtypes
from ..core.backend import as_device
from ..core.dtypes import dtype
from ..core.tensor import Tensor, asarray
from .coordinates import sparse_coo_tensor_with_dims_and_tensors
from .formats import layout, sparse_coo
from .shape import sizes
from .sparse_tensor import SparseTensor, coalesce, product

__all__ = ["coalesce", "sparse_coo_tensor", "spmm", "to_dense", "to_sparse"]


def sparse_coo_tensor(
    indices: Any, values: Any = None, size: Any = None, *, dtype: dtype | None = None, device: Any = None,
    pin_memory: bool = False, requires_grad: bool = False, check_invariants: bool | None = None,
    is_coalesced: bool | None = None,
) -> SparseTensor:  # fmt: skip
    """A sparse tensor with these values at these places, 0 elsewhere; values at one place add up.

    indices (sparse dims, nnz), values (nnz, *dense dims); without a size, the smallest that holds them. With a size
    alone, a tensor of zeros. The gradient flows to `values` if it wants one and requires_grad doesn't.
    check_invariants: indices are checked with and without. is_coalesced: the caller knows that they are in order.
    RuntimeError if an index is outside the size.

    >>> sparse_coo_tensor([[0, 1], [2, 0]], [3.0, 4.0], (2, 3)).to_dense()
    tensor([[0., 0., 3.],
            [4., 0., 0.]])
    """
    if values is None:  # of a size alone
        shape = sizes((indices,), {})
        indices, values, size = np.zeros((len(shape), 0), np.int64), Tensor._of(np.zeros(0, _wanted(dtype))), shape
    where = asarray(indices, dtypes.int64)
    given = values if isinstance(values, Tensor) else Tensor._of(asarray(values, dtype, as_device(device)))
    if dtype is not None or device is not None:
        given = given.to(device=device, dtype=dtype)
    if where.ndim != 2:
        raise RuntimeError(f"indices must be sparse_dim x nnz, but got: {list(where.shape)}")
    if given.dim() == 0:
        given = given.expand(where.shape[1])
    if where.shape[1] != given.shape[0]:
        raise RuntimeError(
            f"indices and values must have same nnz, but got nnz from indices: {where.shape[1]}, nnz from values: "
            f"{given.shape[0]}"
        )
    dense = tuple(given.shape[1:])
    least = tuple(int(row.max(initial=-1)) + 1 for row in where)
    shape = (*least, *dense) if size is None else sizes((size,) if isinstance(size, int) else tuple(size), {})
    if len(shape) != len(least) + len(dense):
        raise RuntimeError(
            f"number of dimensions must be sparse_dim ({len(least)}) + dense_dim ({len(dense)}), but got {len(shape)}"
        )
    if shape[len(least) :] != dense:
        raise RuntimeError(f"values has incorrect size, expected {list(shape[len(least) :])}, got {list(dense)}")
    for d, (row, n) in enumerate(zip(where, shape, strict=False)):
        if row.min(initial=0) < 0:
            raise RuntimeError(f"found negative index {row.min()} for dim {d}")
        if row.max(initial=-1) >= n:
            raise RuntimeError(
                f"size is inconsistent with indices: for dim {d}, size is {n} but found index {row.max()}"
            )
    if requires_grad or not given.requires_grad:
        kept = given.detach().requires_grad_() if requires_grad else given.detach()
    else:
        kept = sparse_coo_tensor_with_dims_and_tensors(given)
    made = SparseTensor(Tensor._of(where).to(given.device), kept, shape)
    if is_coalesced and np.any(np.diff(made._flat()) <= 0):
        raise RuntimeError("is_coalesced=True, but the indices are not in order, or one is there twice")
    made._coalesced = bool(is_coalesced)
    return made


def _wanted(of: dtype | None) -> Any:
    return (of or dtypes.get_default_dtype()).array_dtype


def to_sparse(input: Tensor, sparse_dim: int | None = None, *, layout: layout | None = None) -> SparseTensor:
    """The input's nonzero elements with their places; sparse_dim: rows along that many leading dims."""
    if isinstance(input, SparseTensor):
        return input
    if layout not in (None, sparse_coo):
        raise NotImplementedError(f"to_sparse: layout {layout} is not in glassgrad")
    s = input.dim() if sparse_dim is None else sparse_dim
    if not 0 <= s <= input.dim() or (s == 0 < input.dim()):
        raise RuntimeError(f"to_sparse: sparse_dim {s} of a tensor with {input.dim()} dims")
    there = input.array != 0
    where = np.stack(np.nonzero(there.any(axis=tuple(range(s, input.dim()))))).astype(np.int64)
    values = input[tuple(Tensor._of(np.ascontiguousarray(row)) for row in where)]
    return SparseTensor(Tensor._of(where), values, input.shape, True)


def to_dense(input: Tensor, dtype: dtype | None = None) -> Tensor:
    """A dense tensor as it is, in another dtype if one is given."""
    return input if dtype is None else input.to(dtype)


def spmm(input: Tensor, mat2: Tensor) -> Tensor:
    """The product of a sparse matrix and a dense one; of two dense ones, too."""
    return product(input, mat2) if input.is_sparse or mat2.is_sparse else input @ mat2

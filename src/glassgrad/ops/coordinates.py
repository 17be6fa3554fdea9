"""What is recorded of sparse tensors: three operations, linear in each input and each other's gradients."""

from __future__ import annotations

import numpy as np

from ..core.backend import Array
from ..core.op import op

__all__ = ["raveled", "sampled_dots", "sparse_addmm", "sparse_coo_tensor_with_dims_and_tensors"]


@op(jvp="linear")
def sparse_coo_tensor_with_dims_and_tensors(values: Array) -> Array:
    """The values of a sparse tensor that is made of a tensor."""
    return values


sparse_coo_tensor_with_dims_and_tensors.vjp(values=lambda g: g)

BLOCK = 1 << 21  # elements that are gathered at once


@op(jvp="multilinear")
def sparse_addmm(values: Array, dense: Array, *, rows: Array, cols: Array, n: int) -> Array:
    """A sparse matrix of n rows times a dense one: (nnz,), (k, m) -> (n, m); row r is the sum of its v * dense[c]."""
    rows, cols = np.asarray(rows), np.asarray(cols)
    made = np.zeros((n, dense.shape[1]), np.result_type(values, dense))
    if not len(rows) or not made.size:
        return made
    if np.any(rows[1:] < rows[:-1]):
        order = np.argsort(rows, kind="stable")
        values, rows, cols = values[order], rows[order], cols[order]
    starts = np.flatnonzero(np.r_[True, rows[1:] != rows[:-1]])
    step = max(1, BLOCK // len(rows))
    for j in range(0, dense.shape[1], step):
        parts = dense[:, j : j + step][cols] * values[:, None]  # (nnz, step)
        made[rows[starts], j : j + step] = np.add.reduceat(parts, starts, axis=0)
    return made


@op(jvp="multilinear")
def sampled_dots(a: Array, b: Array, *, rows: Array, cols: Array) -> Array:
    """The products of rows of a with rows of b: (n, m), (k, m) -> (nnz,)."""
    rows, cols = np.asarray(rows), np.asarray(cols)
    made = np.empty(len(rows), np.result_type(a, b))
    step = max(1, BLOCK // max(1, a.shape[1]))
    for i in range(0, len(rows), step):
        made[i : i + step] = np.einsum("em,em->e", a[rows[i : i + step]], b[cols[i : i + step]])
    return made


sparse_addmm.vjp(
    values=lambda g, dense, rows, cols: sampled_dots(g, dense, rows=rows, cols=cols),
    dense=lambda g, values, rows, cols, dense_shape: sparse_addmm(values, g, rows=cols, cols=rows, n=dense_shape[0]),
)
sampled_dots.vjp(
    a=lambda g, b, rows, cols, a_shape: sparse_addmm(g, b, rows=rows, cols=cols, n=a_shape[0]),
    b=lambda g, a, rows, cols, b_shape: sparse_addmm(g, a, rows=cols, cols=rows, n=b_shape[0]),
)


def raveled(where: Array, shape: list[int]) -> Array:
    made = np.zeros(where.shape[1], np.int64)
    for row, n in zip(where, shape, strict=True):
        made = made * n + row
    return made

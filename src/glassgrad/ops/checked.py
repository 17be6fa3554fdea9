"""Factorizations that report failure in a number instead of raising; LU as PyTorch's older functions give it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.backend import Array
from ..core.batched import whole
from ..core.graph import as_array
from ..core.tensor import Tensor
from ..core.titles import titled
from . import return_types
from .arrange import cat, tril, triu
from .choice import where
from .decompositions import cholesky
from .matrices import lu_factor
from .solve import LinAlgError, inv, matrix, solve

# --- with info: 0 where it worked, else which pivot or minor was the first to fail ---


def _attempted(
    call: Callable[..., Tensor], A: Tensor, others: tuple[Tensor, ...], first_bad: Callable[[Array], int], check: bool
) -> tuple[Tensor, Tensor]:
    """(result, info); NaN in the results of the matrices that fail."""
    batch = A.array.shape[:-2]
    try:
        return call(A, *others), Tensor._of(np.zeros(batch, np.int32))
    except LinAlgError:
        if check:
            raise
    info = np.array([first_bad(a) for a in A.array.reshape(-1, *A.array.shape[-2:])], np.int32).reshape(batch)
    failed = Tensor._of(np.asarray(info > 0)[..., None, None])
    whole = Tensor._of(np.broadcast_to(np.eye(A.array.shape[-1], dtype=A.array.dtype), A.array.shape))
    made = call(where(failed, whole, A), *others)
    lost = failed if made.array.ndim == A.array.ndim else failed.squeeze(-1)
    return made.masked_fill(lost, float("nan")), Tensor._of(info)


def first_pivot(a: Array) -> int:
    """Which pivot of the elimination with exchange of rows is 0, counted from 1; 0 if none is."""
    diagonal = np.diagonal(lu_factor(Tensor._of(a))[0].array)
    zero = np.flatnonzero(diagonal == 0)
    return int(zero[0]) + 1 if zero.size else 0


def first_minor(a: Array) -> int:
    """Which leading minor is not positive-definite, counted from 1; 0 if all are."""
    for k in range(1, len(a) + 1):
        try:
            np.linalg.cholesky(a[:k, :k])
        except np.linalg.LinAlgError:
            return k
    return 0


def cholesky_ex(A: Tensor, *, upper: bool = False, check_errors: bool = False) -> Any:
    """(L, info): linalg.cholesky without raising. info (...,) int32: the order of the first minor that fails, or 0."""
    matrix("cholesky_ex", A, square=True)
    made = _attempted(lambda a: cholesky(a, upper), A, (), first_minor, check_errors)
    return return_types.linalg_cholesky_ex(*made)


def inv_ex(A: Tensor, *, check_errors: bool = False) -> Any:
    """(inverse, info): linalg.inv without raising; NaN where info, the first pivot that is 0, isn't 0."""
    matrix("inv_ex", A, square=True)
    return return_types.linalg_inv_ex(*_attempted(inv, A, (), first_pivot, check_errors))


def solve_ex(A: Tensor, B: Tensor, *, left: bool = True, check_errors: bool = False) -> Any:
    """(result, info): linalg.solve without raising; NaN where info, the first pivot that is 0, isn't 0."""
    matrix("solve_ex", A, square=True)
    made = _attempted(lambda a, b: solve(a, b, left=left), A, (B,), first_pivot, check_errors)
    return return_types.linalg_solve_ex(*made)


def lu_factor_ex(A: Tensor, *, pivot: bool = True, check_errors: bool = False) -> Any:
    """(LU, pivots, info): linalg.lu_factor, and the first pivot that is 0."""
    packed, pivots = lu_factor(A, pivot=pivot)
    n = min(A.array.shape[-2:])
    zero = np.diagonal(packed.array, axis1=-2, axis2=-1) == 0
    info = np.where(zero.any(-1), zero.argmax(-1) + 1, 0).astype(np.int32) if n else np.zeros(A.array.shape[:-2], "i4")
    if check_errors and whole(info).any():
        raise LinAlgError(
            f"linalg.lu_factor_ex: U[{whole(info).max()},{whole(info).max()}] is zero and using it would divide by zero"
        )
    return return_types.linalg_lu_factor_ex(packed, pivots, Tensor._of(as_array(info)))


# --- LU and reflections ---


def lu(A: Tensor, pivot: bool = True, get_infos: bool = False, out: Any = None) -> Any:
    """(LU, pivots), and info with get_infos; linalg.lu_factor has taken its place."""
    if out is not None:
        raise NotImplementedError("lu: out= is not in glassgrad; linalg.lu_factor takes it")
    packed, pivots, info = lu_factor_ex(A, pivot=pivot, check_errors=not get_infos)
    return (packed, pivots, info) if get_infos else (packed, pivots)


@titled("LuUnpackBackward0")
def lu_unpack(LU_data: Tensor, LU_pivots: Tensor, unpack_data: bool = True, unpack_pivots: bool = True) -> Any:
    """(P, L, U) from what lu_factor gives; empty where not unpacked."""
    m, n = LU_data.array.shape[-2:]
    k, batch = min(m, n), LU_data.array.shape[:-2]
    empty = Tensor._of(np.empty(0, LU_data.array.dtype))
    P = L = U = empty
    if unpack_data:
        ones = Tensor._of(np.eye(m, k, dtype=LU_data.array.dtype))
        L, U = tril(LU_data[..., :k], -1) + ones, triu(LU_data[..., :k, :])
    if unpack_pivots:
        order = np.tile(np.arange(m), (int(np.prod(batch)), 1))
        for rows, swaps in zip(order, LU_pivots.array.reshape(len(order), k), strict=True):
            for i, j in enumerate(swaps):
                rows[[i, j - 1]] = rows[[j - 1, i]]
        P = Tensor._of(np.eye(m, dtype=LU_data.array.dtype)[order].reshape(*batch, m, m).mT)
    return return_types.lu_unpack(P, L, U)


@titled("LinalgHouseholderProductBackward0")
def householder_product(input: Tensor, tau: Tensor) -> Tensor:
    """The first n columns of H_1 ... H_k with H_i = 1 - tau_i v_i v_i^T: input (..., m, n), tau (..., k), k <= n <= m.

    v_i is 0 before its i-th element, which is 1; the others are those of the i-th column below the diagonal.
    """
    matrix("householder_product", input)
    m, n = input.array.shape[-2:]
    k = tau.array.shape[-1]
    if n > m or k > n:
        raise RuntimeError(f"householder_product: expected k <= n <= m, got tau of {k} for {m} x {n} matrices")
    batch = input.array.shape[:-2]
    q: Any = Tensor._of(np.broadcast_to(np.eye(m, n, dtype=input.array.dtype), (*batch, m, n)))
    for i in reversed(range(k)):
        head = np.zeros((*batch, i + 1, 1), input.array.dtype)
        head[..., i, :] = 1
        v = cat((Tensor._of(head), input[..., i + 1 :, i : i + 1]), -2)
        q = q - tau[..., i, None, None] * (v @ (v.mT @ q))
    return q


orgqr = householder_product

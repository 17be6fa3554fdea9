"""Linear algebra under PyTorch's names: glassgrad.linalg.solve(A, b), as torch.linalg."""

from __future__ import annotations

from typing import Any

from .core.keywords import lenient
from .core.tensor import Tensor
from .core.titles import titled
from .ops import linalg as products
from .ops import matrices, return_types
from .ops.checked import cholesky_ex, householder_product, inv_ex, lu_factor_ex, solve_ex
from .ops.decompositions import cholesky as _cholesky
from .ops.decompositions import det, eig, eigh, eigvals, eigvalsh, pinv, qr_factors, slogdet_, svd_factors, svdvals
from .ops.linalg import matmul, multi_dot
from .ops.matrices import (
    cond,
    lstsq,
    lu,
    lu_factor,
    matrix_exp,
    matrix_norm,
    matrix_power,
    matrix_rank,
    norm,
    vander,
    vecdot,
    vector_norm,
)
from .ops.parts import diagonal as _diagonal
from .ops.solve import LinAlgError, inv, matrix, solve, solve_triangular, tensorinv, tensorsolve

__all__ = [
    "LinAlgError", "cholesky", "cholesky_ex", "cond", "cross", "det", "diagonal", "eig", "eigh", "eigvals",
    "eigvalsh", "householder_product", "inv", "inv_ex", "lstsq", "lu", "lu_factor", "lu_factor_ex", "lu_solve",
    "matmul", "matrix_exp", "matrix_norm", "matrix_power", "matrix_rank", "multi_dot", "norm", "pinv", "qr",
    "slogdet", "solve", "solve_ex", "solve_triangular", "svd", "svdvals", "tensorinv", "tensorsolve", "vander",
    "vecdot", "vector_norm",
]  # fmt: skip

lu_solve = matrices.lu_solve_


@titled("LinalgCholeskyExBackward0")
def cholesky(A: Tensor, *, upper: bool = False) -> Tensor:
    return _cholesky(A, upper)


cholesky.__doc__ = _cholesky.__doc__


def cross(input: Tensor, other: Tensor, *, dim: int = -1) -> Tensor:
    """The cross product along a dim of size 3, the last unless given; the other dims broadcast."""
    return products.cross(input, other, dim)


def diagonal(A: Tensor, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """The diagonal of each matrix, a view."""
    return _diagonal(A, offset, dim1, dim2)


def qr(A: Tensor, mode: str = "reduced") -> Any:
    """(Q, R) with A = Q R, Q^T Q = I and R upper triangular; (..., m, n), k = min(m, n).

    mode "reduced": Q (..., m, k), R (..., k, n); "complete": Q (..., m, m), R (..., m, n); "r": no Q.
    The gradient exists where the first k columns are independent; for "complete" only if m <= n.
    """
    return return_types.linalg_qr(*qr_factors(A, mode))


def slogdet(A: Tensor) -> Any:
    """(sign, logabsdet): the determinant is sign * exp(logabsdet); (0, -inf) for a singular matrix."""
    return return_types.linalg_slogdet(*slogdet_(matrix("slogdet", A, square=True)))


def svd(A: Tensor, full_matrices: bool = True, *, driver: str | None = None) -> Any:
    """(U, S, Vh) with A = U diag(S) Vh: (..., m, n) -> (..., m, m), (..., k) falling, (..., n, n), k = min(m, n).

    U and Vh have only k columns and rows if not full_matrices. The gradient through them exists where the singular
    values differ, and does not see the vectors beyond the first k: they are no functions of A.
    """
    if driver is not None:
        raise RuntimeError(
            "linalg.svd: keyword argument `driver=` is only supported on CUDA inputs with cuSOLVER backend"
        )
    return return_types.linalg_svd(*svd_factors(A, full_matrices))


for _name in __all__[1:]:  # all but LinAlgError take out=
    globals()[_name] = lenient(globals()[_name])

"""Matrices of low rank, from products with random ones.

Source: Halko, Martinsson, Tropp 2011, SIAM Review 53, arXiv:0909.4061, algorithms 4.4 and 5.1.
"""

from __future__ import annotations

from ..core.dtypes import get_default_dtype
from ..core.tensor import Tensor
from .decompositions import qr_factors, svd_factors
from .randoms import randn

__all__ = ["pca_lowrank", "svd_lowrank"]


def _adjoint(x: Tensor) -> Tensor:
    return x.transpose(-2, -1).conj() if x.is_complex() else x.transpose(-2, -1)


def _basis(A: Tensor, q: int, niter: int, M: Tensor | None) -> Tensor:
    """Orthonormal columns (..., m, q) that nearly span A - M: its product with a random matrix, niter times better."""

    def product(transposed: bool, other: Tensor) -> Tensor:
        made = (_adjoint(A) if transposed else A) @ other
        return made if M is None else made - (_adjoint(M) if transposed else M) @ other

    dtype = A.dtype if A.is_floating_point() or A.is_complex() else get_default_dtype()
    Q = qr_factors(product(False, randn(A.shape[-1], q, dtype=dtype, device=A.device)), "reduced")[0]
    for _ in range(niter):
        Q = qr_factors(product(True, Q), "reduced")[0]
        Q = qr_factors(product(False, Q), "reduced")[0]
    return Q


def svd_lowrank(
    A: Tensor, q: int | None = 6, niter: int | None = 2, M: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """The largest q singular values of A - M and their vectors: (..., m, n) -> (..., m, q), (..., q), (..., n, q).

    A may be sparse. niter: how often the subspace is improved. M broadcasts to A. A draw of the generator is used.
    """
    wide = A.shape[-2] < A.shape[-1]
    M = M if M is None else M.expand(A.shape)
    if wide:
        A, M = _adjoint(A), M if M is None else _adjoint(M)
    Q = _basis(A, 6 if q is None else q, 2 if niter is None else niter, M)
    B = _adjoint(Q) @ A
    U, S, Vh = svd_factors(B if M is None else B - _adjoint(Q) @ M, False)
    U, V = Q @ U, _adjoint(Vh)
    return (V, S, U) if wide else (U, S, V)


def pca_lowrank(A: Tensor, q: int | None = None, center: bool = True, niter: int = 2) -> tuple[Tensor, Tensor, Tensor]:
    """svd_lowrank of A without the means of its columns; q is 6 or what there is. ValueError for a q beyond that."""
    least = min(A.shape[-2:])
    if q is None:
        q = min(6, least)
    elif not 0 <= q <= least:
        raise ValueError(f"q(={q}) must be non-negative integer and not greater than min(m, n)={least}")
    if niter < 0:
        raise ValueError(f"niter(={niter}) must be non-negative integer")
    if center and A.is_sparse:
        raise NotImplementedError(
            "pca_lowrank of a sparse tensor is not in glassgrad yet: give it dense, or center=False"
        )
    return svd_lowrank(A - A.mean(-2, True) if center else A, q, niter)

"""Determinants, factors, eigenvalues, singular values, the pseudoinverse; dims before the last two are a batch.

LAPACK computes, through NumPy. The formulas hold for real matrices.
Sources: Giles 2008, "Collected matrix derivative results for forward and reverse mode algorithmic differentiation"
(NA-08/01); Townsend 2016, "Differentiating the singular value decomposition"; Walter and Lehmann 2010,
"Algorithmic differentiation of linear algebra functions", arXiv:1001.1654; Murray 2016, "Differentiation of the
Cholesky decomposition", arXiv:1602.07527; Golub and Pereyra 1973, "The differentiation of pseudo-inverses".
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.backend import Array, xp_of
from ..core.batched import whole
from ..core.dtypes import complex64, complex128
from ..core.op import op, record
from ..core.tensor import Tensor
from . import autocast, return_types
from .arrange import cat, tril
from .choice import _zero, where
from .cumulative import others
from .solve import identity, inv_, lapack, matrix, raw, solve_triangular, solve_triangular_

NOT_CONVERGED = "The algorithm failed to converge; does the input contain nan or inf?"


def _scaled(x: Any, s: Any) -> Any:
    """x @ diag(s)"""
    return x * s[..., None, :]


def _gaps(s: Any) -> Any:
    """s_j - s_i at (i, j), and 1 on the diagonal."""
    return s[..., None, :] - s[..., :, None] + identity(s)


def _symmetric(x: Any) -> Any:
    """The symmetric matrix with the lower triangle of x."""
    return tril(x, diagonal=0) + tril(x, diagonal=-1).mT


def each(x: Any) -> Any:
    """A number for each matrix, as a batch of 1 x 1 matrices."""
    return x[..., None, None]


# --- determinants ---


def _cofactors(x: Any) -> Any:
    """det(x) inv(x)^T, from the singular values: it exists for singular matrices, too."""
    u, s, vh = svd_(x, full=False)
    linalg = xp_of(raw(x)).linalg
    turn = xp_of(raw(x)).sign(linalg.det(raw(u)) * linalg.det(raw(vh)))  # 1 or -1, constant near x
    return _scaled(u, others(s, s.ndim - 1)) @ vh * each(turn)


@op
def det_(x: Array) -> Array:
    return xp_of(x).linalg.det(x)


def _det_slope(g: Any, x: Any, y: Any) -> Any:
    if (whole(raw(y)) == 0).any():
        return each(g) * _cofactors(x)
    return each(g * y) * inv_(x).mT


det_.vjp(x=_det_slope)
det_.jvp(lambda primals, tangents, y: (_det_slope(_zero(y) + 1, primals[0], y) * tangents[0]).sum((-2, -1)))


def det(input: Tensor) -> Tensor:
    """The determinant of each matrix, (..., n, n) -> (...). The gradient of a singular matrix is its cofactors."""
    return det_(matrix("det", input, square=True))


@op(outputs=2)
def slogdet_(x: Array) -> tuple[Array, Array]:
    return xp_of(x).linalg.slogdet(x)


def _slogdet_slope(g: Any, x: Any, y: Any) -> Any:
    """The sign is constant where it has a derivative at all."""
    if g[1] is None:
        return _zero(x)
    if (whole(raw(y[0])) == 0).any():
        return each(g[1] / det_(x)) * _cofactors(x)
    return each(g[1]) * inv_(x).mT


slogdet_.vjp(x=_slogdet_slope)


@slogdet_.jvp
def _(primals: Any, tangents: Any, y: Any) -> Any:
    (x,), (t,) = primals, tangents
    return _zero(y[0]), (inv_(x).mT * t).sum((-2, -1))


def slogdet(input: Tensor) -> Any:
    """(sign, logabsdet): the determinant is sign * exp(logabsdet); (0, -inf) for a singular matrix."""
    return return_types.slogdet(*slogdet_(matrix("slogdet", input, square=True)))


def logdet(input: Tensor) -> Tensor:
    """The logarithm of the determinant; nan where it is negative, -inf where it is 0."""
    sign, size = slogdet_(matrix("logdet", input, square=True))
    return where(sign.detach() < 0, math.nan, size)


# --- Cholesky ---


@op
def cholesky_(x: Array) -> Array:
    problem = "The factorization could not be completed because the input is not positive-definite"
    return lapack("cholesky", problem, xp_of(x).linalg.cholesky, x)


def _cholesky_slope(g: Any, y: Any) -> Any:
    """L^-T S L^-1, where S is half the symmetric matrix with the lower triangle of L^T g."""
    inside = _symmetric(y.mT @ g) / 2
    half = solve_triangular_(y.mT, inside, upper=True)  # L^-T S
    return solve_triangular_(y.mT, half.mT, upper=True).mT


cholesky_.vjp(x=_cholesky_slope)


@cholesky_.jvp
def _(primals: Any, tangents: Any, y: Any) -> Any:
    half = solve_triangular_(y, _symmetric(tangents[0]), upper=False)
    inside = solve_triangular_(y, half.mT, upper=False)  # L^-1 T L^-T
    return y @ (tril(inside, diagonal=0) - inside * identity(inside) / 2)


def cholesky(input: Tensor, upper: bool = False) -> Tensor:
    """The lower triangular L with L L^T = input for symmetric positive-definite matrices; L^T where upper.

    Only one triangle of the input is read (the upper one where upper); the gradient is symmetric.
    LinAlgError where a matrix is not positive-definite.
    """
    x = matrix("cholesky", input, square=True)
    return cholesky_(x.mT).mT if upper else cholesky_(x)


def cholesky_solve(input: Tensor, L: Tensor, upper: bool = False) -> Tensor:
    """X with A X = input, where A = L L^T (L^T L where upper)."""
    lower = L.mT if upper else L
    half = solve_triangular(lower, input, upper=False)
    return solve_triangular(lower.mT, half, upper=True)


def cholesky_inverse(input: Tensor, upper: bool = False) -> Tensor:
    """The inverse of L L^T (L^T L where upper)."""
    return cholesky_solve(Tensor._of(identity(matrix("cholesky_inverse", input, square=True))), input, upper)


# --- QR ---


@op(outputs=2)
def qr_(x: Array, *, complete: bool) -> tuple[Array, Array]:
    return xp_of(x).linalg.qr(x, "complete" if complete else "reduced")


def _check_thin(shape: tuple[int, ...]) -> None:
    if shape[-1] != shape[-2]:
        raise RuntimeError(
            "The QR decomposition is not differentiable when mode='complete' and nrows > ncols: "
            f"the matrices are {shape[-2]} by {shape[-1]}. Use mode='reduced'."
        )


def _qr_slope(g: Any, y: Any, x_shape: tuple[int, ...], complete: bool) -> Any:
    """(gQ + Q S) R^-T, where S is the symmetric matrix with the lower triangle of R gR^T - gQ^T Q."""
    if complete:
        _check_thin(x_shape)
    q, r = y
    gq, gr = g[0], g[1]
    inside = _zero(r) if gr is None else r @ gr.mT
    if gq is not None:
        inside = inside - gq.mT @ q
    total = q @ _symmetric(inside)
    if gq is not None:
        total = total + gq
    return solve_triangular_(r, total.mT, upper=True).mT


qr_.vjp(x=_qr_slope)


@qr_.jvp
def _(primals: Any, tangents: Any, y: Any, *, complete: bool) -> Any:
    if complete:
        _check_thin(primals[0].shape)
    q, r = y
    moved = solve_triangular_(r.mT, tangents[0].mT, upper=False).mT  # T R^-1
    inside = q.mT @ moved
    turn = tril(inside, diagonal=-1) - tril(inside, diagonal=-1).mT
    return moved - q @ (inside - turn), (inside - turn) @ r


def qr_factors(A: Tensor, mode: str) -> tuple[Tensor, Tensor]:
    if mode not in ("reduced", "complete", "r"):
        raise RuntimeError(
            f"qr received unrecognized mode '{mode}' but expected one of 'reduced' (default), 'r', or 'complete'"
        )
    m, n = matrix("qr", A).shape[-2:]
    if m < n and A.requires_grad:  # A = Q [R, Q^T B]: the columns further to the right don't matter for Q
        q, r = qr_(A[..., :m], complete=False)
        r = cat((r, q.mT @ A[..., m:]), -1)
    else:
        q, r = qr_(A, complete=mode == "complete")
    if mode == "r":
        q = Tensor._of(xp_of(q.array).empty(0, q.array.dtype))
    return q, r


def qr(input: Tensor, some: bool = True) -> Any:
    """The older form of linalg.qr; some=False is mode="complete"."""
    return return_types.qr(*qr_factors(input, "reduced" if some else "complete"))


# --- eigenvalues of symmetric matrices ---


@op(outputs=2)
def eigh_(x: Array) -> tuple[Array, Array]:
    return lapack("eigh", NOT_CONVERGED, xp_of(x).linalg.eigh, x)


def _eigh_slope(g: Any, y: Any) -> Any:
    """V (diag(gL) + (V^T gV - gV^T V) / 2 (l_j - l_i)) V^T"""
    values, vectors = y
    total = None if g[0] is None else _scaled(vectors, g[0])
    if g[1] is not None:
        turn = vectors.mT @ g[1]
        part = vectors @ ((turn - turn.mT) / (2 * _gaps(values)))
        total = part if total is None else total + part
    return total @ vectors.mT


eigh_.vjp(x=_eigh_slope)


@eigh_.jvp
def _(primals: Any, tangents: Any, y: Any) -> Any:
    values, vectors = y
    inside = vectors.mT @ _symmetric(tangents[0]) @ vectors
    diagonal = (inside * identity(inside)).sum(-1)
    return diagonal, vectors @ ((inside - inside * identity(inside)) / _gaps(values))


def eigh(A: Tensor, UPLO: str = "L") -> Any:
    """(eigenvalues, eigenvectors) of symmetric matrices: A = V diag(l) V^T, l (..., n) rising, V (..., n, n).

    Only one triangle of A is read, the lower unless UPLO is "U"; the gradient is symmetric. The gradient through
    the eigenvectors exists where all eigenvalues differ.
    """
    if UPLO.upper() not in ("L", "U"):
        raise RuntimeError(f"Expected UPLO argument to be 'L' or 'U', but got {UPLO}")
    x = matrix("eigh", A, square=True)
    return return_types.linalg_eigh(*eigh_(x.mT if UPLO.upper() == "U" else x))


def eigvalsh(A: Tensor, UPLO: str = "L") -> Tensor:
    """The eigenvalues of symmetric matrices, rising; see eigh."""
    return eigh(A, UPLO).eigenvalues


def eig(A: Tensor) -> Any:
    """(eigenvalues, eigenvectors) of any square matrices, as complex numbers.

    They are not differentiated: asking for it raises NotImplementedError. For symmetric matrices use eigh.
    """
    x = matrix("eig", A, square=True)
    to = (complex128 if x.dtype.itemsize * (1 + (not x.is_complex())) == 16 else complex64).array_dtype
    return return_types.linalg_eig(*record(eig_.op, (x,), {"dtype": to}))


@op(outputs=2)
def eig_(x: Array, *, dtype: Any) -> tuple[Array, Array]:
    values, vectors = lapack("eig", NOT_CONVERGED, xp_of(x).linalg.eig, x)
    return values.astype(dtype), vectors.astype(dtype)


def _no_slope(g: Any) -> Any:
    raise NotImplementedError("linalg.eig: gradients of complex tensors are not in glassgrad; use linalg.eigh")


eig_.vjp(x=_no_slope)


def eigvals(A: Tensor) -> Tensor:
    """The eigenvalues of any square matrices, as complex numbers; without a gradient."""
    return eig(A).eigenvalues


# --- singular values ---


@op(outputs=3)
def svd_(x: Array, *, full: bool) -> tuple[Array, Array, Array]:
    return lapack("svd", NOT_CONVERGED, xp_of(x).linalg.svd, x, full)


def _svd_slope(g: Any, y: Any, x_shape: tuple[int, ...]) -> Any:
    """The gradients of the first min(m, n) singular vectors count; the further ones are no functions of x."""
    m, n = x_shape[-2:]
    k = min(m, n)
    u, s, vh = y[0][..., :k], y[1], y[2][..., :k, :]
    gu, gs, gvh = g[0], g[1], g[2]
    inside = _zero(u.mT @ u) if gs is None else gs[..., None, :] * identity(gs)
    gaps = _gaps(s * s)
    if gu is not None:
        gu = gu[..., :k]
        turn = u.mT @ gu
        inside = inside + _scaled((turn - turn.mT) / gaps, s)
    if gvh is not None:
        gvh = gvh[..., :k, :]
        turn = vh @ gvh.mT
        inside = inside + s[..., :, None] * ((turn - turn.mT) / gaps)
    total = u @ inside @ vh
    if gu is not None and m > k:
        total = total + _scaled(gu - u @ (u.mT @ gu), 1 / s) @ vh
    if gvh is not None and n > k:
        total = total + _scaled(u, 1 / s) @ (gvh - gvh @ vh.mT @ vh)
    return total


svd_.vjp(x=_svd_slope)


@svd_.jvp
def _(primals: Any, tangents: Any, y: Any, *, full: bool) -> Any:
    u, s, vh = y
    m, n = primals[0].shape[-2:]
    if full and m != n:
        raise NotImplementedError("forward mode of linalg.svd needs full_matrices=False where a matrix isn't square")
    (t,) = tangents
    inside, gaps = u.mT @ t @ vh.mT, _gaps(s * s)
    right, left = _scaled(inside, s), s[..., :, None] * inside
    off = 1 - identity(inside)
    du = u @ ((right + right.mT) / gaps * off)
    dv = vh.mT @ ((left + left.mT) / gaps * off)
    if m > n:
        du = du + _scaled(t @ vh.mT - u @ inside, 1 / s)
    if n > m:
        dv = dv + _scaled(t.mT @ u - vh.mT @ inside.mT, 1 / s)
    return du, (inside * identity(inside)).sum(-1), dv.mT


def svd_factors(A: Tensor, full_matrices: bool) -> tuple[Tensor, Tensor, Tensor]:
    return svd_(matrix("svd", A), full=full_matrices)


def svd(input: Tensor, some: bool = True, compute_uv: bool = True) -> Any:
    """The older form of linalg.svd, which gives V rather than its transpose."""
    u, s, vh = svd_factors(input, not some)
    if not compute_uv:
        u, vh = (Tensor._of(raw(x) * 0) for x in (u, vh))
    return return_types.svd(u, s, vh.mT)


def svdvals(A: Tensor) -> Tensor:
    """The singular values of each matrix, falling: (..., m, n) -> (..., min(m, n))."""
    if A.requires_grad:
        return svd_factors(A, False)[1]
    x = matrix("svdvals", A).array
    return Tensor._of(lapack("svd", NOT_CONVERGED, lambda x: xp_of(x).linalg.svd(x, compute_uv=False), x))


# --- pseudoinverse ---


def cutoff(s: Any, shape: tuple[int, ...], atol: Any, rtol: Any) -> Any:
    """The singular value (one for each matrix) up to which they count as zero: max(atol, rtol * the largest).

    rtol is the machine epsilon times the larger size, unless atol is given.
    """
    values = raw(s)
    if rtol is None:
        rtol = max(shape[-2:]) * float(np.finfo(values.dtype).eps) if atol is None else 0.0
    top = values.max(-1, initial=0.0)
    return xp_of(values).maximum(raw(0.0 if atol is None else atol), raw(rtol) * top)[..., None]


@op
def pinv_(x: Array, *, atol: Any, rtol: Any) -> Array:
    u, s, vh = svd_(x, full=False)
    kept = s > cutoff(s, x.shape, atol, rtol)
    inverted = kept / xp_of(x).where(kept, s, 1)
    return _scaled(vh.mT, inverted.astype(x.dtype)) @ u.mT.conj()


def _pinv_slope(g: Any, x: Any, y: Any) -> Any:
    """Golub and Pereyra's equation (4.12), transposed; the rank is constant near x."""
    yt, gt = y.mT, g.mT
    total = -(yt @ g @ yt)
    outside = gt - x @ (y @ gt)  # (I - X Y) g^T
    total = total + outside @ y @ yt
    outside = gt - gt @ y @ x  # g^T (I - Y X)
    return total + yt @ y @ outside


pinv_.vjp(x=_pinv_slope)


@pinv_.jvp
def _(primals: Any, tangents: Any, y: Any, *, atol: Any, rtol: Any) -> Any:
    (x,), (t,) = primals, tangents
    first = y @ y.mT @ (t.mT - t.mT @ x @ y)
    second = (t.mT - y @ x @ t.mT) @ y.mT @ y
    return first + second - y @ t @ y


def pinv(A: Tensor, rcond: Any = None, hermitian: bool = False, *, atol: Any = None, rtol: Any = None) -> Tensor:
    """The pseudoinverse, (..., m, n) -> (..., n, m): singular values up to max(atol, rtol * largest) count as 0.

    rtol (older: rcond) is the machine epsilon times max(m, n), unless atol is given. hermitian: only the lower
    triangle of A is read.
    """
    x = matrix("pinv", A, square=hermitian)
    return pinv_(_symmetric(x) if hermitian else x, atol=raw(atol), rtol=raw(rcond if rtol is None else rtol))


def pinverse(input: Tensor, rcond: float = 1e-15) -> Tensor:
    """linalg.pinv() under its older name, with another tolerance."""
    return pinv(input, rcond)


autocast.attach(__name__)

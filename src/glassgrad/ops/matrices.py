"""Functions of whole matrices, composed of products and decompositions: norms, rank, powers, exponential, least
squares, LU; distances between rows, and covariance."""

from __future__ import annotations

import math
from typing import Any

from ..core.backend import Array, xp_of
from ..core.batched import samplewise, whole
from ..core.dtypes import int64
from ..core.op import op
from ..core.tensor import Tensor
from ..core.titles import titled
from . import autocast, reduce, return_types
from .arrange import cat, tril, triu
from .choice import _zero, where
from .decompositions import cutoff, each, eigvalsh, pinv, slogdet, svdvals
from .elementwise import abs
from .extremes import amax, amin
from .linalg import fit, matmul
from .shape import broadcast_shapes, wraps
from .solve import identity, inv, matrix, raw, solve, solve_triangular, solve_triangular_

# --- norms ---


def vector_norm(x: Tensor, ord: Any = 2, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """(sum of |x|^ord)^(1/ord) over dim, or over all elements; inf: the largest, -inf: the smallest, 0: a count."""
    if isinstance(ord, str):
        raise TypeError(f"linalg.vector_norm(): argument 'ord' must be a number, not {ord!r}")
    return reduce.vector_norm(x, ord, dim, keepdim, dtype=dtype)


def matrix_norm(
    A: Tensor, ord: Any = "fro", dim: Any = (-2, -1), keepdim: bool = False, *, dtype: Any = None
) -> Tensor:
    """The norm of each matrix in the two dims.

    "fro": of all elements as a vector; "nuc": the sum of the singular values; 2, -2: the largest, the smallest of
    them; 1, -1: the largest, the smallest sum of a column's |elements|; inf, -inf: of a row's.
    """
    x = matrix("matrix_norm", A if dtype is None else A.to(dtype))
    try:
        rows, columns = wraps(tuple(dim), x.ndim)
    except (TypeError, ValueError):
        raise RuntimeError(f"linalg.matrix_norm: dim must be a 2-tuple. Got {dim}") from None
    if ord == "fro":
        return reduce.vector_norm(x, 2, (rows, columns), keepdim)
    if ord in ("nuc", 2, -2):
        s = svdvals(x.movedim((rows, columns), (-2, -1)))
        made = reduce.sum(s, -1) if ord == "nuc" else (amax if ord == 2 else amin)(s, -1)
        return made.reshape([1 if d in (rows, columns) else n for d, n in enumerate(x.shape)]) if keepdim else made
    if ord not in (1, -1, math.inf, -math.inf):
        raise RuntimeError(f"linalg.matrix_norm: Order {ord} not supported.")
    summed, taken = (rows, columns) if math.fabs(ord) == 1 else (columns, rows)
    made = (amax if ord > 0 else amin)(reduce.sum(abs(x), summed, keepdim=True), taken, keepdim=True)
    return made if keepdim else made.squeeze((rows, columns))


def norm(A: Tensor, ord: Any = None, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """vector_norm over one dim or, without ord, over all; matrix_norm over two dims with an ord."""
    dims = dim if dim is None or isinstance(dim, int) else tuple(dim)
    if isinstance(dims, tuple) and len(dims) not in (1, 2):
        raise RuntimeError(f"linalg.norm: If dim is specified, it must be of length 1 or 2. Got {list(dims)}")
    if ord is None:
        return vector_norm(A, 2, dims, keepdim, dtype=dtype)
    if dims is None and A.ndim not in (1, 2):
        raise RuntimeError(
            f"linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. Got {A.ndim}D."
        )
    if (A.ndim == 2) if dims is None else (isinstance(dims, tuple) and len(dims) == 2):
        return matrix_norm(A, ord, (-2, -1) if dims is None else dims, keepdim, dtype=dtype)
    return vector_norm(A, ord, dims, keepdim, dtype=dtype)


@titled("DistBackward0")
def dist(input: Tensor, other: Tensor, p: float = 2) -> Tensor:
    """The p-norm of input - other."""
    return reduce.vector_norm(input - other, p)


def cond(A: Tensor, p: Any = None) -> Tensor:
    """norm(A) norm(A^-1), the factor by which errors may grow; inf for singular matrices. p as in matrix_norm, or 2."""
    if p in (None, 2, -2):
        s = svdvals(matrix("cond", A))
        largest, smallest = s[..., 0], s[..., -1]
        return smallest / largest if p == -2 else largest / smallest
    x = matrix("cond", A, square=True)
    singular = slogdet(x.detach()).sign == 0
    inverted = inv(where(each(singular), Tensor._of(identity(x)), x))
    return where(singular, math.inf, matrix_norm(x, p) * matrix_norm(inverted, p))


def matrix_rank(A: Tensor, *, atol: Any = None, rtol: Any = None, hermitian: bool = False) -> Tensor:
    """How many singular values are larger than max(atol, rtol * the largest); the tolerances are as in pinv."""
    x = matrix("matrix_rank", A, square=hermitian).detach()
    s = abs(eigvalsh(x)) if hermitian else svdvals(x)
    return reduce.sum(s > cutoff(s, x.shape, raw(atol), raw(rtol)), -1)


# --- powers and the exponential ---


def matrix_power(input: Tensor, n: int) -> Tensor:
    """The matrix times itself, n times, by squaring; of the inverse for negative n, the identity for 0."""
    x = matrix("matrix_power", input, square=True) if input.is_floating_point() else input
    if n == 0:
        one = Tensor._of(identity(x) + raw(x) * 0)
        return where(Tensor._of(raw(one) == raw(one)), one, x) if x.requires_grad else one  # on the graph, gradient 0
    if n < 0:
        x, n = inv(x), -n
    made = None
    while True:
        if n % 2:
            made = x if made is None else matmul(made, x)
        n //= 2
        if not n:
            assert made is not None
            return made
        x = matmul(x, x)


PADE = (
    64764752532480000, 32382376266240000, 7771770303897600, 1187353796428800, 129060195264000, 10559470521600,
    670442572800, 33522128640, 1323241920, 40840800, 960960, 16380, 182, 1,
)  # fmt: skip


@titled("LinalgMatrixExpBackward0")
def matrix_exp(input: Tensor) -> Tensor:
    """I + A + A^2/2 + A^3/6 + ..., by scaling, a rational approximation and squaring.

    Source: Higham 2005, "The scaling and squaring method for the matrix exponential revisited".
    """
    x = matrix("matrix_exp", input, square=True)
    size = float(whole(raw(abs(x.detach())).sum(-2)).max(initial=0.0))
    squarings = max(0, math.ceil(math.log2(size / 5.37))) if 0 < size < math.inf else 0
    a = x / 2**squarings
    a2 = a @ a
    a4 = a2 @ a2
    a6 = a2 @ a4
    b, one = [c / PADE[0] for c in PADE], identity(x)
    odd = a @ (a6 @ (b[13] * a6 + b[11] * a4 + b[9] * a2) + b[7] * a6 + b[5] * a4 + b[3] * a2 + b[1] * one)
    even = a6 @ (b[12] * a6 + b[10] * a4 + b[8] * a2) + b[6] * a6 + b[4] * a4 + b[2] * a2 + b[0] * one
    made = solve(even - odd, even + odd)
    for _ in range(squarings):
        made = made @ made
    return made


# --- least squares ---


@titled("LinalgLstsqBackward0")
def lstsq(A: Tensor, B: Tensor, rcond: float | None = None, *, driver: str | None = None) -> Any:
    """(solution, residuals, rank, singular_values): X with the least |A X - B|, of these the one with the least |X|.

    A (..., m, n), B (..., m, k), or a vector (..., m). Singular values up to rcond * the largest count as 0.
    driver says what comes with it, as LAPACK's driver of this name: rank (all but "gels"), singular values ("gelsd",
    "gelss"), residuals (all but "gelsy", the default; |A X - B|^2 of each column, where A has full rank and m > n).
    """
    drivers = ("gels", "gelsy", "gelsd", "gelss")
    if driver not in (None, *drivers):
        raise RuntimeError(f"torch.linalg.lstsq: parameter `driver` should be one of {drivers}, got {driver!r}")
    x = matrix("lstsq", A)
    vectors = B.ndim == x.ndim - 1 and B.shape == x.shape[:-1]
    b = B.unsqueeze(-1) if vectors else B
    if b.ndim < 2 or b.shape[-2] != x.shape[-2]:
        raise RuntimeError(
            "torch.linalg.lstsq: input.size(-2) should match other.size(-2), "
            f"the shapes are {tuple(x.shape)} and {tuple(B.shape)}"
        )
    solution = matmul(pinv(x, rcond), b)
    m, n = x.shape[-2:]
    s = svdvals(x.detach())
    rank = reduce.sum(s > cutoff(s, x.shape, None, rcond), -1)
    nothing = solution.reshape(-1)[:0]
    told = driver not in (None, "gelsy") and m > n and bool((whole(raw(rank)) == n).all())
    residuals = reduce.sum((matmul(x, solution) - b) ** 2, -2) if told else nothing
    return return_types.linalg_lstsq(
        solution.squeeze(-1) if vectors else solution,
        residuals,
        nothing.detach().to(int64) if driver == "gels" else rank,
        s if driver in ("gelsd", "gelss") else nothing.detach(),
    )


# --- LU ---


@samplewise
def _pivoted(x: Array) -> tuple[Array, Array]:
    """(LU, order): L (without its diagonal of ones) and U in one matrix, of the rows of x in this order."""
    xp, (m, n) = xp_of(x), x.shape[-2:]
    lu = x.reshape(math.prod(x.shape[:-2]), m, n).copy()
    order = xp.tile(xp.arange(m), (len(lu), 1))
    batch = xp.arange(len(lu))
    for k in range(min(m, n)):
        best = k + xp.absolute(lu[:, k:, k]).argmax(-1)
        for rows in (lu, order):
            top = rows[batch, k].copy()
            rows[batch, k] = rows[batch, best]
            rows[batch, best] = top
        _step(lu, k)
    return lu.reshape(x.shape), order.reshape(x.shape[:-1])


def _step(lu: Array, k: int) -> None:
    """Clear column k below the diagonal, keeping the factors there."""
    pivot = lu[..., k, k]
    lu[..., k + 1 :, k] /= xp_of(lu).where(pivot == 0, 1, pivot)[..., None]
    lu[..., k + 1 :, k + 1 :] -= lu[..., k + 1 :, k, None] * lu[..., k, None, k + 1 :]


@op
def eliminate(x: Array) -> Array:
    """L and U of square matrices, packed, without pivoting."""
    lu = x.copy()
    for k in range(x.shape[-1]):
        _step(lu, k)
    return lu


def _unpacked(lu: Any) -> tuple[Any, Any]:
    m, n = lu.shape[-2:]
    k = min(m, n)
    lower = tril(lu[..., :k], diagonal=-1)
    return lower + xp_of(raw(lu)).eye(m, k, dtype=raw(lu).dtype), triu(lu[..., :k, :], diagonal=0)


def _below(x: Any) -> Any:
    return tril(x, diagonal=-1)


def _above(x: Any) -> Any:
    return triu(x, diagonal=0)


def _eliminate_slope(g: Any, y: Any) -> Any:
    """L^-T (tril(L^T gL, -1) + triu(gU U^T)) U^-T"""
    lower, upper = _unpacked(y)
    inside = _below(lower.mT @ _below(g)) + _above(_above(g) @ upper.mT)
    left = solve_triangular_(lower.mT, inside, upper=True, unitriangular=True)
    return solve_triangular_(upper, left.mT, upper=True).mT


eliminate.vjp(x=_eliminate_slope)


@eliminate.jvp
def _(primals: Any, tangents: Any, y: Any) -> Any:
    lower, upper = _unpacked(y)
    left = solve_triangular_(lower, tangents[0], upper=False, unitriangular=True)
    inside = solve_triangular_(upper.mT, left.mT, upper=False).mT  # L^-1 T U^-1
    return lower @ _below(inside) + _above(inside) @ upper


def _permutation(order: Array, like: Tensor) -> Tensor:
    """P whose column i has its 1 in row order[i]: (P^T x) has the rows of x in this order."""
    return Tensor._of(_ones_at(order, raw(like).dtype)).mT


@samplewise
def _ones_at(order: Array, dtype: Any) -> Array:
    return xp_of(order).eye(order.shape[-1], dtype=dtype)[order]


def _lu(name: str, A: Tensor, pivot: bool) -> tuple[Array, Tensor]:
    """(order, packed L and U), recorded where a gradient is wanted."""
    if not pivot:
        raise NotImplementedError(f"linalg.{name} without pivoting is not in glassgrad: it breaks down at a zero")
    packed, order = _pivoted(matrix(name, A).array)
    if not A.requires_grad:
        return order, Tensor._of(packed)
    x = _permutation(order, A).mT @ A
    k = min(x.shape[-2:])
    made = eliminate(x[..., :k, :k])
    if x.shape[-2] > k:
        made = cat((made, solve_triangular(made, x[..., k:, :], upper=True, left=False)), -2)
    if x.shape[-1] > k:
        made = cat((made, solve_triangular(made, x[..., k:], upper=False, unitriangular=True)), -1)
    return order, made


@titled("LinalgLuBackward0")
def lu(A: Tensor, *, pivot: bool = True) -> Any:
    """(P, L, U) with A = P L U: a permutation, ones on the diagonal and zeros above, zeros below."""
    order, packed = _lu("lu", A, pivot)
    return return_types.linalg_lu(_permutation(order, A), *_unpacked(packed))


@titled("LinalgLuFactorExBackward0")
def lu_factor(A: Tensor, *, pivot: bool = True) -> Any:
    """(LU, pivots): L and U packed in one matrix, for lu_solve; row i was swapped with row pivots[i] - 1, in turn."""
    order, packed = _lu("lu_factor", A, pivot)
    return return_types.linalg_lu_factor(packed, Tensor._of(_swaps(order, min(A.shape[-2:]))))


@samplewise
def _swaps(order: Array, k: int) -> Array:
    """The first k swaps, each with a row counted from 1, that bring rows into this order: (..., k) int32."""
    xp = xp_of(order)
    wanted = order.reshape(math.prod(order.shape[:-1]), order.shape[-1])
    now, batch = xp.tile(xp.arange(order.shape[-1]), (len(wanted), 1)), xp.arange(len(wanted))
    pivots = xp.empty((len(wanted), k), "int32")
    for i in range(k):
        at = (now == wanted[:, i, None]).argmax(-1)
        pivots[:, i] = at + 1
        now[batch, at] = now[:, i]
        now[:, i] = wanted[:, i]
    return pivots.reshape(*order.shape[:-1], k)


def _order(pivots: Array, m: int) -> Array:
    """The order of the rows after the swaps."""
    xp, flat = xp_of(pivots), pivots.reshape(math.prod(pivots.shape[:-1]), pivots.shape[-1]) - 1
    order, batch = xp.tile(xp.arange(m), (len(flat), 1)), xp.arange(len(flat))
    for k in range(flat.shape[1]):
        top = order[:, k].copy()
        order[:, k] = order[batch, flat[:, k]]
        order[batch, flat[:, k]] = top
    return order.reshape(*pivots.shape[:-1], m)


@titled("LinalgLuSolveBackward0")
def lu_solve_(LU: Tensor, pivots: Tensor, B: Tensor, *, left: bool = True, adjoint: bool = False) -> Tensor:
    """X with A X = B (X A = B unless left; A^T for A where adjoint) from lu_factor(A)."""
    matrix("lu_solve", LU, square=True)
    if not left:
        return lu_solve_(LU, pivots, B.mT, adjoint=not adjoint).mT
    placed = _permutation(_order(raw(pivots), LU.shape[-1]), LU)
    if adjoint:
        half = solve_triangular(LU.mT, B, upper=False)
        return placed @ solve_triangular(LU.mT, half, upper=True, unitriangular=True)
    half = solve_triangular(LU, placed.mT @ B, upper=False, unitriangular=True)
    return solve_triangular(LU, half, upper=True)


def lu_solve(input: Tensor, LU_data: Tensor, LU_pivots: Tensor) -> Tensor:
    """linalg.lu_solve() with the arguments in their older order."""
    return lu_solve_(LU_data, LU_pivots, input)


# --- distances between rows ---


@op
def euclidean(x: Array, other: Array) -> Array:
    """|x_i - other_j| from |x_i|^2 + |other_j|^2 - 2 x_i . other_j: one matrix product, and less exact if close."""
    squares = (x * x).sum(-1)[..., :, None] + (other * other).sum(-1)[..., None, :]
    xp = xp_of(x)
    return xp.sqrt(xp.maximum(squares - 2 * (x @ other.mT), 0))


def _euclidean_slope(g: Any, x: Any, other: Any, y: Any, x_shape: tuple[int, ...]) -> Any:
    share = where(y == 0, 0, g / y)
    return fit(x * share.sum(-1)[..., None] - share @ other, x_shape)


euclidean.vjp(
    x=_euclidean_slope,
    other=lambda g, x, other, y, other_shape: _euclidean_slope(g.mT, other, x, y.mT, other_shape),
)


@euclidean.jvp
def _(primals: Any, tangents: Any, y: Any) -> Any:
    x, other = primals
    s, t = (_zero(p) if v is None else v for p, v in zip(primals, tangents, strict=True))
    moved = (x * s).sum(-1)[..., :, None] + (other * t).sum(-1)[..., None, :] - s @ other.mT - x @ t.mT
    return where(y == 0, 0, moved / y)


@titled("CdistBackward0")
def cdist(x1: Tensor, x2: Tensor, p: float = 2.0, compute_mode: str = "use_mm_for_euclid_dist_if_necessary") -> Tensor:
    """The p-norms of all differences of a row of x1 and a row of x2: (..., n, d), (..., m, d) -> (..., n, m).

    For p = 2 and more than 25 rows one matrix product computes them (compute_mode says when), as in PyTorch.
    The gradient of a distance 0 is 0.
    """
    modes = ("use_mm_for_euclid_dist_if_necessary", "use_mm_for_euclid_dist", "donot_use_mm_for_euclid_dist")
    if compute_mode not in modes:
        raise ValueError(f"{compute_mode} is not a valid value for compute_mode: it is one of {modes}")
    for name, x in (("X1", x1), ("X2", x2)):
        if x.ndim < 2:
            raise RuntimeError(f"cdist only supports at least 2D tensors, {name} got: {x.ndim}D")
        if not x.is_floating_point():
            raise RuntimeError(f"cdist only supports floating-point dtypes, {name} got: {x.dtype}")
    if x1.shape[-1] != x2.shape[-1]:
        raise RuntimeError(f"X1 and X2 must have the same number of columns. X1: {x1.shape[-1]} X2: {x2.shape[-1]}")
    if p < 0:
        raise RuntimeError("cdist only supports non-negative p values")
    broadcast_shapes(x1.shape[:-2], x2.shape[:-2])
    large = x1.shape[-2] > 25 or x2.shape[-2] > 25
    if p == 2 and (compute_mode == modes[1] or (compute_mode == modes[0] and large)):
        return euclidean(x1, x2)
    return reduce.vector_norm(x1[..., :, None, :] - x2[..., None, :, :], p, -1)


@titled("PdistBackward0")
def pdist(input: Tensor, p: float = 2.0) -> Tensor:
    """The p-norms of the differences of rows i < j of a matrix: (n, d) -> (n (n - 1) / 2,)."""
    if input.ndim != 2:
        raise RuntimeError(f"pdist only supports 2D tensors, got: {input.ndim}D")
    if p < 0:
        raise RuntimeError("pdist only supports non-negative p values")
    first, second = (Tensor._of(i) for i in xp_of(input.array).triu_indices(input.shape[0], 1))
    return reduce.vector_norm(input[first] - input[second], p, -1)


# --- covariance ---


def cov(
    input: Tensor, *, correction: int = 1, fweights: Tensor | None = None, aweights: Tensor | None = None
) -> Tensor:
    """The covariance of variables (rows) over observations (columns), (n, k) -> (n, n); of a vector, its variance.

    Divided by the sum of the weights less correction. fweights: how often each observation counts (integers);
    aweights: how much (floats).
    """
    if input.ndim > 2:
        raise RuntimeError(
            f"cov(): expected input to have two or fewer dimensions but got an input with {input.ndim} dimensions"
        )
    x = input if input.ndim == 2 else input.reshape(1, -1)
    weights = None
    for name, w, floats in (("fweights", fweights, False), ("aweights", aweights, True)):
        if w is None:
            continue
        if w.ndim > 1 or w.numel() != x.shape[1]:
            raise RuntimeError(
                f"cov(): expected {name} to have one weight for each of {x.shape[1]} observations, "
                f"got the shape {tuple(w.shape)}"
            )
        if w.is_floating_point() != floats:
            raise RuntimeError(f"cov(): expected {name} to have {'floating point' if floats else 'integral'} dtype")
        if bool((whole(raw(w)) < 0).any()):
            raise RuntimeError(f"cov(): {name} cannot be negative")
        weights = w if weights is None else weights * w
    total: Any = x.shape[1] if weights is None else reduce.sum(weights)
    weighing: Any = 1 if weights is None else weights
    mean = reduce.sum(x * weighing, 1, keepdim=True) / total
    freedom = total - correction
    if aweights is not None and correction:
        freedom = total - correction * reduce.sum(weighing * aweights) / total
    away = x - mean
    made = matmul(away, (away * weighing).to(away.dtype).mT)
    if isinstance(freedom, Tensor):
        freedom = where(freedom <= 0, 0, freedom)
    elif freedom <= 0:
        freedom = 0
    made = made / freedom
    return made.squeeze()


def corrcoef(input: Tensor) -> Tensor:
    """The correlations of variables (rows) over observations (columns), between -1 and 1; of a vector, 1."""
    c = cov(input)
    if c.ndim == 0:
        return c / c
    spread = c.diagonal().sqrt()
    return (c / spread[:, None] / spread[None, :]).clamp(-1, 1)


# --- odds and ends ---


def vecdot(x: Tensor, y: Tensor, *, dim: int = -1) -> Tensor:
    """The sum of products along one dim; the others broadcast."""
    if x.is_complex():
        x = x.conj()
    broadcast_shapes(x.shape, y.shape)
    return reduce.sum(x * y, dim)


def vander(x: Tensor, N: int | None = None) -> Tensor:
    """The powers 0 to N - 1 of each element as a new last dim; N is the size of the last dim unless given."""
    x = x.unsqueeze(0) if x.ndim == 0 else x
    n = x.shape[-1] if N is None else N
    if n <= 1:
        raise RuntimeError("N must be greater than 1.")
    exponents = Tensor._of(xp_of(raw(x)).arange(n))
    return x[..., None] ** exponents


autocast.attach(__name__)

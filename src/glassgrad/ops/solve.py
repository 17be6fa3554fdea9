"""Systems of linear equations: triangular ones, general ones, and the inverse; what factors matrices is in
decompositions.py. Dims before the last two are a batch.

LAPACK computes, through NumPy. The formulas hold for real matrices.
Source: Giles 2008, "Collected matrix derivative results for forward and reverse mode algorithmic differentiation"
(NA-08/01).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.backend import Array, to_host, xp_of
from ..core.errors import told
from ..core.op import op
from ..core.tensor import Tensor
from ..core.titles import titled
from . import autocast, return_types
from .arrange import tril, triu
from .choice import _zero
from .index import title
from .linalg import check_batches, fit
from .shape import broadcast_shapes


class LinAlgError(RuntimeError):
    """A matrix is singular, not positive-definite, or a decomposition did not converge."""


LinAlgError.__name__ = LinAlgError.__qualname__ = "_LinAlgError"  # as PyTorch's prints itself


# --- what the functions below share ---


def matrix(name: str, x: Any, square: bool = False) -> Tensor:
    """x, checked to be a batch of (square) matrices of floats."""
    if not isinstance(x, Tensor):
        raise TypeError(f"linalg.{name}: expected a Tensor, got {type(x).__name__}")
    shape, kind = x.array.shape, x.array.dtype.kind
    if len(shape) < 2:
        raise RuntimeError(
            f"linalg.{name}: The input tensor A must have at least 2 dimensions. Its shape is {tuple(shape)}"
        )
    if kind in "iub":
        raise RuntimeError(
            f"linalg.{name}: Expected a floating point or complex tensor as input. Got {title(x)}; "
            "convert first, with .float()"
        )
    if x.itemsize == 2:
        raise RuntimeError(
            f"linalg.{name}: Low precision dtypes not supported. Got {title(x)}; convert first, with .float()"
        )
    if square and shape[-1] != shape[-2]:
        raise RuntimeError(
            f"linalg.{name}: A must be batches of square matrices, but they are {shape[-2]} by {shape[-1]} matrices"
        )
    if kind == "c" and x.requires_grad:
        raise NotImplementedError(f"linalg.{name}: the gradient with respect to a complex matrix is not in glassgrad")
    return x


def lapack(name: str, problem: str, call: Callable[..., Any], *args: Any) -> Any:
    try:
        return call(*args)
    except np.linalg.LinAlgError as error:
        if name == "solve":
            said = f"torch.linalg.solve: {problem}."
        elif name in ("inv", "cholesky"):
            said = f"linalg.{name}: {_failing(args[0], name, problem)}"
        else:
            said = f"linalg.{name}: {problem} ({error}; the shape is {tuple(args[0].shape)})"
        raise told(LinAlgError(said)) from None


def _failing(a: Array, name: str, problem: str) -> str:
    """PyTorch's words for the first matrix of a batch that fails, and where in it."""
    from .checked import first_minor, first_pivot

    found = map(first_pivot if name == "inv" else first_minor, to_host(a).reshape(-1, *a.shape[-2:]))
    batch, k = next(((i, k) for i, k in enumerate(found) if k), (0, 1))
    which = f"(Batch element {batch}): " if a.ndim > 2 else ""
    if name == "inv":
        return f"{which}The diagonal element {k} is zero, {problem}."
    return f"{which}{problem} (the leading minor of order {k} is not positive-definite)."


def raw(x: Any) -> Array:
    return getattr(x, "array", x)


def identity(x: Any) -> Array:
    """The identity in the size of the last dim of x, as a raw array."""
    a = raw(x)
    return xp_of(a).eye(a.shape[-1], dtype=a.dtype)


# --- triangular systems ---

SMALL = 16


@op
def solve_triangular_(a: Array, b: Array, *, upper: bool, unitriangular: bool = False) -> Array:
    """a^-1 b for triangular a (..., n, n) and b (..., n, k), half by half; only that triangle of a is read."""
    n = a.shape[-1]
    if n <= SMALL:
        return _substitute(a, b, upper, unitriangular)
    half = n // 2
    first, second = slice(None, half), slice(half, None)
    if upper:
        first, second = second, first
    known = solve_triangular_(a[..., first, first], b[..., first, :], upper=upper, unitriangular=unitriangular)
    rest = b[..., second, :] - a[..., second, first] @ known
    other = solve_triangular_(a[..., second, second], rest, upper=upper, unitriangular=unitriangular)
    return xp_of(a).concatenate((other, known) if upper else (known, other), -2)


def _substitute(a: Array, b: Array, upper: bool, unitriangular: bool) -> Array:
    xp, n = xp_of(a), a.shape[-1]
    shape = (*broadcast_shapes(a.shape[:-2], b.shape[:-2]), n, b.shape[-1])
    x = xp.empty(shape, b.dtype)
    for i in range(n - 1, -1, -1) if upper else range(n):
        seen = slice(i + 1, None) if upper else slice(None, i)
        row = b[..., i, :] - (a[..., i, None, seen] @ x[..., seen, :])[..., 0, :]
        x[..., i, :] = row if unitriangular else row / a[..., i, i, None]
    return x


def _triangle(x: Any, upper: bool, unitriangular: bool) -> Any:
    """The triangle of x that solve_triangular_ reads."""
    skip = int(unitriangular)
    return triu(x, diagonal=skip) if upper else tril(x, diagonal=-skip)


def _triangular_slope(g: Any, a: Any, y: Any, a_shape: tuple[int, ...], upper: bool, unitriangular: bool) -> Any:
    back = solve_triangular_(a.mT, g, upper=not upper, unitriangular=unitriangular)
    return -_triangle(fit(back @ y.mT, a_shape), upper, unitriangular)


solve_triangular_.vjp(
    a=_triangular_slope,
    b=lambda g, a, b_shape, upper, unitriangular: fit(
        solve_triangular_(a.mT, g, upper=not upper, unitriangular=unitriangular), b_shape
    ),
)


@solve_triangular_.jvp
def _(primals: Any, tangents: Any, y: Any, *, upper: bool, unitriangular: bool = False) -> Any:
    (a, b), (ta, tb) = primals, tangents
    moved = _zero(b) if tb is None else tb
    if ta is not None:
        moved = moved - _triangle(ta, upper, unitriangular) @ y
    return solve_triangular_(a, moved, upper=upper, unitriangular=unitriangular)


def _fits(name: str, a: Tensor, b: Tensor, left: bool = True) -> None:
    """RuntimeError where AX = B (XA = B) has no meaning."""
    if a.dtype is not b.dtype:
        raise RuntimeError(
            f"linalg.{name}: Expected A and B to have the same dtype, but found A of type {title(a)} and B of type "
            f"{title(b)} instead"
        )
    if b.ndim < 2 or b.shape[-2 if left else -1] != a.shape[-1]:
        sizes = " and ".join("x".join(map(str, x.shape[-2:])) for x in (a, b))
        raise RuntimeError(
            f"linalg.{name}: Incompatible shapes of A and B for the equation {'AX' if left else 'XA'} = B ({sizes})"
        )
    check_batches(a.shape[:-2], b.shape[:-2])


@titled("LinalgSolveTriangularBackward0")
def solve_triangular(A: Tensor, B: Tensor, *, upper: bool, left: bool = True, unitriangular: bool = False) -> Tensor:
    """X with A X = B (X A = B unless left) for triangular A, of which only that triangle is read.

    A (..., n, n), B (..., n, k), or (..., k, n) unless left. unitriangular: the diagonal counts as ones.
    A zero on the diagonal gives inf and nan, no error.
    """
    matrix("solve_triangular", A, square=True)
    matrix("solve_triangular", B)
    _fits("solve_triangular", A, B, left)
    if left:
        return solve_triangular_(A, B, upper=upper, unitriangular=unitriangular)
    return solve_triangular_(A.mT, B.mT, upper=not upper, unitriangular=unitriangular).mT


def triangular_solve(
    b: Tensor, A: Tensor, upper: bool = True, transpose: bool = False, unitriangular: bool = False
) -> Any:
    """(solution, cloned_coefficient): the older form of linalg.solve_triangular, of A^T where transpose."""
    used, upper_used = (A.mT, not upper) if transpose else (A, upper)
    solution = solve_triangular(used, b, upper=upper_used, unitriangular=unitriangular)
    return return_types.triangular_solve(solution, A.clone())


# --- inverse and linear systems ---


@op
def inv_(x: Array) -> Array:
    problem = "the inversion could not be completed because the input matrix is singular"
    return lapack("inv", problem, xp_of(x).linalg.inv, x)


inv_.vjp(x=lambda g, y: -(y.mT @ g @ y.mT))
inv_.jvp(lambda primals, tangents, y: -(y @ tangents[0] @ y))


def inv(A: Tensor) -> Tensor:
    """The inverse of each matrix, (..., n, n) -> (..., n, n). LinAlgError where a matrix is singular."""
    return inv_(matrix("inv", A, square=True))


def inverse(input: Tensor) -> Tensor:
    """linalg.inv() under its older name."""
    return inv(input)


@op
def solve_(a: Array, b: Array) -> Array:
    problem = "The solver failed because the input matrix is singular"
    return lapack("solve", problem, xp_of(a).linalg.solve, a, b)


solve_.vjp(
    a=lambda g, a, y, a_shape: fit(-(solve_(a.mT, g) @ y.mT), a_shape),
    b=lambda g, a, b_shape: fit(solve_(a.mT, g), b_shape),
)


@solve_.jvp
def _(primals: Any, tangents: Any, y: Any) -> Any:
    (a, b), (ta, tb) = primals, tangents
    moved = _zero(b) if tb is None else tb
    return solve_(a, moved if ta is None else moved - ta @ y)


@titled("LinalgSolveExBackward0")
def solve(A: Tensor, B: Tensor, *, left: bool = True) -> Tensor:
    """X with A X = B (X A = B unless left): A (..., n, n); B (..., n, k), or vectors (..., n).

    B is a batch of vectors if it is 1-D or has the shape of A without its last dim.
    LinAlgError where A is singular.
    """
    matrix("solve", A, square=True)
    vectors = B.ndim == 1 or (B.ndim == A.ndim - 1 and B.shape == A.shape[:-1])
    if vectors and not left:
        raise RuntimeError("linalg.solve: Vector broadcasting of the left hand side is not supported for left=False.")
    b = B.unsqueeze(-1) if vectors else B
    _fits("solve", A, b, left)
    if not left:
        return solve_(A.mT, b.mT).mT
    x = solve_(A, b)
    return x.squeeze(-1) if vectors else x


def tensorinv(A: Tensor, ind: int = 2) -> Tensor:
    """The inverse of A as a map from its last dims to its first `ind` dims."""
    if ind <= 0:
        raise RuntimeError("Expected a strictly positive integer for 'ind'")
    first, last = tuple(A.shape[:ind]), tuple(A.shape[ind:])
    if math.prod(first) != math.prod(last):
        raise RuntimeError(
            f"Expected self to satisfy the requirement prod(self.shape[ind:]) == prod(self.shape[:ind]), but got "
            f"{math.prod(last)} != {math.prod(first)}"
        )
    return inv(A.reshape(math.prod(first), -1)).reshape(*last, *first)


def tensorsolve(A: Tensor, B: Tensor, dims: Any = None) -> Tensor:
    """X with tensordot(A, X, X.ndim) = B; the dims of A that X has can be moved to the end with `dims`."""
    a = A if dims is None else A.movedim(tuple(dims), tuple(range(A.ndim - len(dims), A.ndim)))
    shape = tuple(a.shape[B.ndim :])
    if math.prod(shape) != B.numel():
        raise RuntimeError(
            "Expected self to satisfy the requirement prod(self.shape[other.ndim:]) == "
            f"prod(self.shape[:other.ndim]), but got {math.prod(shape)} != {B.numel()}"
        )
    return solve(a.reshape(B.numel(), -1), B.reshape(-1)).reshape(shape)


autocast.attach(__name__)

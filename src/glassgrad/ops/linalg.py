"""Products of vectors, matrices and batches of matrices. einsum is in einsum.py, inverses and factors in
decompositions.py."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..core.backend import Array, xp_of
from ..core.dtypes import in_c, title_of
from ..core.errors import told
from ..core.fast import given
from ..core.op import op
from ..core.tensor import Tensor
from ..core.titles import title, titled
from ..core.views import own
from . import reduce
from .late import find
from .parts import diagonal
from .shape import broadcast_shapes, expand, permute, reshape, sum_to_size, wraps

__all__ = [
    "addbmm", "addmm", "addmv", "addr", "baddbmm", "bmm", "chain_matmul", "cross", "dot", "ger", "inner", "kron",
    "matmul", "mm", "mv", "outer", "tensordot", "trace", "vdot",
]  # fmt: skip
METHODS: tuple[str, ...] = tuple(name for name in __all__ if name not in ("chain_matmul", "tensordot"))
IN_PLACE: tuple[str, ...] = ("addbmm", "addmm", "addmv", "addr", "baddbmm")


def _product(x: Array, other: Array) -> Array:
    if x.dtype.itemsize == 2 and x.dtype.kind in "fV":  # half precision is added up in float32
        return (x.astype("float32") @ other.astype("float32")).astype(x.dtype)
    return x @ other


@op(jvp="multilinear")
def dot_(x: Array, other: Array) -> Array:
    return _product(x, other)


dot_.vjp(x=lambda g, other: g * other, other=lambda g, x: g * x)


@op(jvp="multilinear")
def matmul_(x: Array, other: Array) -> Array:
    return _product(x, other)


# x (..., n, k) @ other (..., k, m) -> (..., n, m); dims before the last two broadcast
matmul_.vjp(
    x=lambda g, other, x_shape: fit(matmul_(g, other.mT), x_shape),
    other=lambda g, x, other_shape: fit(matmul_(x.mT, g), other_shape),
)


def fit(g: Any, shape: tuple[int, ...]) -> Any:
    """g summed over the dims that broadcasting has added or stretched."""
    return g if g.shape == shape else sum_to_size(g, shape=shape)


def matmul(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The matrix product: (..., n, k) @ (..., k, m) -> (..., n, m); a vector stands for a row or a column.

    Dims before the last two broadcast. RuntimeError if the inner sizes or the dtypes differ.

    >>> tensor([[1.0, 2.0], [3.0, 4.0]]) @ tensor([1.0, 10.0])
    tensor([21., 43.])
    """
    bad: Any = other if isinstance(input, Tensor) else input
    if not isinstance(bad, Tensor):
        at = "'other' (position 2)" if bad is other else "'input' (position 1)"
        raise told(TypeError(f"matmul(): argument {at} must be Tensor, not {type(bad).__name__}"))
    if input.is_sparse or other.is_sparse:
        return find("spmm")(input, other)
    a, b = input.array, other.array
    if a.ndim == 0 or b.ndim == 0:
        raise RuntimeError(f"both arguments to matmul need to be at least 1D, but they are {a.ndim}D and {b.ndim}D")
    if a.shape[-1] != b.shape[max(-2, -b.ndim)]:
        raise _mismatch(a.shape, b.shape)
    if a.dtype != b.dtype:
        raise told(RuntimeError(_two_kinds(input, other)))
    if a.dtype.kind == "b":
        raise told(NotImplementedError("\"addmm_impl_cpu_\" not implemented for 'Bool'"), "convert first, with .int()")
    if a.ndim == 1 == b.ndim:
        made = dot_(input, other)
    elif a.ndim == 1:
        made = own(matmul(input.unsqueeze(0), other).squeeze(-2))
        title(made, "SqueezeBackward4" if b.ndim == 2 else "UnsafeViewBackward0")
    elif b.ndim == 1:
        made = own(matmul(input, other.unsqueeze(-1)).squeeze(-1))
        title(made, "MvBackward0" if a.ndim == 2 else "UnsafeViewBackward0")
    elif b.ndim == 2 and a.ndim > 2:  # one large product, and one large gradient, rather than many small ones
        rows = (math.prod(a.shape[:-1]), a.shape[-1])
        made = own(matmul_(reshape(input, rows), other).reshape((*a.shape[:-1], b.shape[-1])))
        title(made, "UnsafeViewBackward0")
    else:
        if a.ndim > 2 and a.shape[:-2] != b.shape[:-2]:
            check_batches(a.shape[:-2], b.shape[:-2])
        made = matmul_(input, other)
        if a.ndim > 2 or b.ndim > 2:
            title(made, "UnsafeViewBackward0")
    return made if out is None else given(out, made)


def check_batches(s: Sequence[int], t: Sequence[int]) -> None:
    """RuntimeError where two shapes of batches don't broadcast."""
    for back in range(1, min(len(s), len(t)) + 1):
        m, n = s[-back], t[-back]
        if m != n and 1 not in (m, n):
            raise told(
                RuntimeError(
                    f"The size of tensor a ({m}) must match the size of tensor b ({n}) at non-singleton dimension "
                    f"{max(len(s), len(t)) - back}"
                )
            )


def _mismatch(s: tuple[int, ...], t: tuple[int, ...]) -> RuntimeError:
    """The error for inner sizes that differ, in PyTorch's words for the product that these shapes ask for."""
    rows, k = math.prod(s[:-1]), s[-1]
    if len(t) == 1:
        said = (
            f"inconsistent tensor size, expected tensor [{k}] and src [{t[0]}] to have the same number of "
            f"elements, but got {k} and {t[0]} elements respectively"
            if len(s) == 1
            else f"size mismatch, got input ({rows}), mat ({rows}x{k}), vec ({t[0]})"
        )
    elif len(t) == 2:
        said = f"mat1 and mat2 shapes cannot be multiplied ({rows}x{k} and {t[0]}x{t[1]})"
    else:
        if len(s) > 2:
            check_batches(s[:-2], t[:-2])
        n = math.prod(np.broadcast_shapes(s[:-2], t[:-2]))
        said = f"Expected size for first two dimensions of batch2 tensor to be: [{n}, {k}] but got: [{n}, {t[-2]}]."
    return told(RuntimeError(said))


def _two_kinds(x: Tensor, other: Tensor) -> str:
    """PyTorch's sentence about two dtypes, for the product that these shapes ask for."""
    if x.ndim == other.ndim == 1:
        return f"dot : expected both vectors to have same dtype, but found {title_of(x)} and {title_of(other)}"
    if other.ndim == 1:
        kinds = f"{title_of(other)}, {title_of(x)}, and {title_of(other)}"
        return f"addmv input tensors must have the same dtype, but got {kinds}"
    if other.ndim > 2:
        return f"expected scalar type {title_of(x)} but found {title_of(other)}"
    return f"expected m1 and m2 to have the same dtype, but got: {in_c(x)} != {in_c(other)}"


# --- products of a fixed number of dims ---


# what PyTorch says where one of two operands has other dims, from their numbers of dims
OTHER_DIMS: dict[str, Callable[[int, int], str]] = {
    "mm": lambda n, m: "self must be a matrix" if n != 2 else "mat2 must be a matrix",
    "bmm": lambda n, m: "batch1 must be a 3D tensor" if n != 3 else "batch2 must be a 3D tensor",
    "mv": lambda n, m: f"vector + matrix @ vector expected, got 1, {n}, {m}",
    "dot": lambda n, m: f"1D tensors expected, but got {n}D and {m}D tensors",
    "outer": lambda n, m: (
        f"outer: Expected 1-D argument {'self' if n != 1 else 'vec2'}, but got {n if n != 1 else m}-D"
    ),
}


def _dims(name: str, x: Tensor, n: int, other: Tensor, m: int) -> None:
    if x.ndim != n or other.ndim != m:
        raise told(RuntimeError(OTHER_DIMS[name](x.ndim, other.ndim)))


def mm(input: Tensor, mat2: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The product of two matrices: (n, k), (k, m) -> (n, m)."""
    _dims("mm", input, 2, mat2, 2)
    return matmul(input, mat2, out=out)


@titled("BmmBackward0")
def bmm(input: Tensor, mat2: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Products of two batches of matrices: (N, n, k), (N, k, m) -> (N, n, m)."""
    _dims("bmm", input, 3, mat2, 3)
    if input.shape[0] != mat2.shape[0]:
        wanted, got = [input.shape[0], input.shape[2]], list(mat2.shape[:2])
        raise told(
            RuntimeError(f"Expected size for first two dimensions of batch2 tensor to be: {wanted} but got: {got}.")
        )
    return matmul(input, mat2, out=out)


@titled("MvBackward0")
def mv(input: Tensor, vec: Tensor, *, out: Tensor | None = None) -> Tensor:
    """A matrix times a vector: (n, k), (k,) -> (n,)."""
    _dims("mv", input, 2, vec, 1)
    return matmul(input, vec, out=out)


def dot(input: Tensor, tensor: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The inner product of two vectors: (n,), (n,) -> ()."""
    _dims("dot", input, 1, tensor, 1)
    return matmul(input, tensor, out=out)


@titled("VdotBackward0")
def vdot(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """dot() with the conjugate of the first vector."""
    return dot(input.conj() if input.is_complex() else input, other, out=out)


def outer(input: Tensor, vec2: Tensor, *, out: Tensor | None = None) -> Tensor:
    """All products of two vectors: (n,), (m,) -> (n, m)."""
    _dims("outer", input, 1, vec2, 1)
    return given(out, input.unsqueeze(1) * vec2)


ger = outer


def inner(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Inner products over the last dims: (*s, k), (*t, k) -> (*s, *t); with a 0-d tensor the plain product."""
    if 0 in (input.ndim, other.ndim):
        return given(out, input * other)
    if input.shape[-1] != other.shape[-1]:
        raise RuntimeError(
            "inner() the last dimension must match on both input tensors but got shapes "
            f"{list(input.shape)} and {list(other.shape)}"
        )
    return tensordot(input, other, ([-1], [-1]), out=out)


# --- products added to something ---


def _added(
    name: str, input: Tensor, product: Any, beta: float, alpha: float, out: Tensor | None, *operands: Tensor
) -> Tensor:
    """beta * input + alpha * product; with beta = 0 NaN and inf of the input do not matter."""
    for x in operands:
        if x.dtype is not input.dtype:
            raise RuntimeError(f"{name}: self and the others must have the same dtype, got {input.dtype} and {x.dtype}")
    if not (input.is_floating_point() or input.is_complex()):
        for what, number in (("beta", beta), ("alpha", alpha)):
            if isinstance(number, float) and name in ("addmm", "addr"):
                raise RuntimeError(f"For integral input tensors, argument {what} must not be a floating point number.")
        beta, alpha = int(beta), int(alpha)  # as PyTorch does in the others
    made = product()
    added = expand(input, made.shape)
    made = made if alpha == 1 else made * alpha
    if beta != 0:
        made = made + (added if beta == 1 else added * beta)
    return given(out, made)


@titled("AddmmBackward0")
def addmm(
    input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: float = 1, alpha: float = 1, out: Tensor | None = None
) -> Tensor:
    """beta * input + alpha * (mat1 @ mat2); the input broadcasts."""
    return _added("addmm", input, lambda: mm(mat1, mat2), beta, alpha, out, mat1, mat2)


@titled("AddmvBackward0")
def addmv(
    input: Tensor, mat: Tensor, vec: Tensor, *, beta: float = 1, alpha: float = 1, out: Tensor | None = None
) -> Tensor:
    """beta * input + alpha * (mat @ vec); the input broadcasts."""
    return _added("addmv", input, lambda: mv(mat, vec), beta, alpha, out, mat, vec)


@titled("AddrBackward0")
def addr(
    input: Tensor, vec1: Tensor, vec2: Tensor, *, beta: float = 1, alpha: float = 1, out: Tensor | None = None
) -> Tensor:
    """beta * input + alpha * outer(vec1, vec2); the input broadcasts."""
    return _added("addr", input, lambda: outer(vec1, vec2), beta, alpha, out)


@titled("BaddbmmBackward0")
def baddbmm(
    input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: float = 1, alpha: float = 1, out: Tensor | None = None
) -> Tensor:
    """beta * input + alpha * (batch1 @ batch2), matrix by matrix; the input broadcasts."""
    return _added("baddbmm", input, lambda: bmm(batch1, batch2), beta, alpha, out, batch1, batch2)


@titled("AddbmmBackward0")
def addbmm(
    input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: float = 1, alpha: float = 1, out: Tensor | None = None
) -> Tensor:
    """beta * input + alpha * (the sum of all matrices of batch1 @ batch2); the input broadcasts."""

    def product() -> Tensor:  # one product: the batch is a part of what is summed over
        _dims("addbmm", batch1, 3, batch2, 3)
        return tensordot(batch1, batch2, ([0, 2], [0, 1]))

    return _added("addbmm", input, product, beta, alpha, out, batch1, batch2)


# --- products over chosen dims ---


def tensordot(a: Tensor, b: Tensor, dims: Any = 2, out: Tensor | None = None) -> Tensor:
    """The sum of products over pairs of dims: the last `dims` of a with the first of b, or dims = (of a, of b).

    The result has the other dims of a, then those of b. RuntimeError where the sizes of a pair differ (1 broadcasts).
    """
    if isinstance(dims, Tensor):
        dims = dims.tolist()
    if isinstance(dims, int):
        if dims < 0 or dims > min(a.ndim, b.ndim):
            raise RuntimeError(f"tensordot expects dims < ndim_a or ndim_b, but got dims={dims}")
        dims = (range(a.ndim - dims, a.ndim), range(dims))
    over_a, over_b = (wraps(d, x.ndim) for d, x in zip(dims, (a, b), strict=True))
    if len(over_a) != len(over_b):
        raise RuntimeError(f"both dimension lists should have same length, got {list(over_a)} and {list(over_b)}")
    for i, j in zip(over_a, over_b, strict=True):
        m, n = a.shape[i], b.shape[j]
        if m == 1 and n != 1:
            b = reduce.sum(b, j, keepdim=True)
        elif n == 1 and m != 1:
            a = reduce.sum(a, i, keepdim=True)
        elif m != n:
            raise RuntimeError(
                f"contracted dimensions need to match, but first has size {m} in dim {i} and second has size {n} "
                f"in dim {j}"
            )
    free_a, free_b = ([d for d in range(x.ndim) if d not in over] for x, over in ((a, over_a), (b, over_b)))
    rows, columns = [a.shape[d] for d in free_a], [b.shape[d] for d in free_b]
    inside = math.prod([a.shape[d] for d in over_a])
    left = reshape(permute(a, (*free_a, *over_a)), (math.prod(rows), inside))
    right = reshape(permute(b, (*over_b, *free_b)), (inside, math.prod(columns)))
    return given(out, reshape(matmul(left, right), (*rows, *columns)))


@titled("UnsafeViewBackward0")
def kron(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The Kronecker product: every element of the input times the whole of other, (n, m), (k, l) -> (nk, ml)."""
    n = max(input.ndim, other.ndim)
    s = (1,) * (n - input.ndim) + tuple(input.shape)
    t = (1,) * (n - other.ndim) + tuple(other.shape)
    wide = reshape(input, tuple(k for m in s for k in (m, 1))) * reshape(other, tuple(k for m in t for k in (1, m)))
    return given(out, reshape(wide, tuple(i * j for i, j in zip(s, t, strict=True))))


@titled("TraceBackward0")
def trace(input: Tensor) -> Tensor:
    """The sum of the diagonal of a matrix."""
    if input.ndim != 2:
        raise RuntimeError(f"trace: expected a matrix, but got tensor with dim {input.ndim}")
    return reduce.sum(diagonal(input))


# --- the cross product ---


@op(jvp="multilinear")
def cross_(x: Array, other: Array, *, dim: int) -> Array:
    return xp_of(x).cross(x, other, axis=dim)


cross_.vjp(
    x=lambda g, other, x_shape, dim: fit(cross_(other, g, dim=dim), x_shape),
    other=lambda g, x, other_shape, dim: fit(cross_(g, x, dim=dim), other_shape),
)


def cross(input: Tensor, other: Tensor, dim: int | None = None, *, out: Tensor | None = None) -> Tensor:
    """The cross product along a dim of size 3 (the first such dim unless given); the other dims broadcast."""
    if dim is None:
        threes = [d for d, n in enumerate(input.shape) if n == 3]
        if not threes:
            raise RuntimeError(f"no dimension of size 3 in input: the shape is {tuple(input.shape)}")
        dim = threes[0]
    if input.ndim != other.ndim:
        raise RuntimeError(
            "linalg.cross: inputs must have the same number of dimensions, "
            f"got {tuple(input.shape)} and {tuple(other.shape)}"
        )
    (d,) = wraps(dim, input.ndim)
    if input.shape[d] != 3 or other.shape[d] != 3:
        raise RuntimeError(
            f"linalg.cross: inputs dimension {dim} must have length 3. Got {input.shape[d]} and {other.shape[d]}"
        )
    broadcast_shapes(input.shape, other.shape)
    return given(out, cross_(input, other, dim=d))


# --- products of many ---


def multi_dot(tensors: Sequence[Tensor], *, out: Tensor | None = None) -> Tensor:
    """The product of several matrices, in the order that takes the fewest multiplications.

    The first may be a row vector, the last a column vector. Source: Cormen et al., "Introduction to Algorithms",
    matrix-chain multiplication.
    """
    n = len(tensors)
    if n < 2:
        raise RuntimeError(f"multi_dot(): expected at least 2 tensors but got {n}")
    chain = list(tensors)
    row, column = chain[0].ndim == 1, chain[-1].ndim == 1
    chain[0] = chain[0].unsqueeze(0) if row else chain[0]
    chain[-1] = chain[-1].unsqueeze(-1) if column else chain[-1]
    for i, x in enumerate(chain):
        if x.ndim != 2:
            raise RuntimeError(f"multi_dot(): tensor {i} must be 2D but got {x.ndim}D")
        if i and x.shape[0] != chain[i - 1].shape[1]:
            raise RuntimeError(
                f"multi_dot(): tensors {i - 1} and {i} with shapes {list(tensors[i - 1].shape)} and "
                f"{list(tensors[i].shape)} cannot be multiplied"
            )
    sizes = [chain[0].shape[0], *[x.shape[1] for x in chain]]
    cost = {(i, i): 0 for i in range(n)}
    cut: dict[tuple[int, int], int] = {}
    for length in range(1, n):
        for i in range(n - length):
            j = i + length
            cost[i, j], cut[i, j] = min(
                (cost[i, k] + cost[k + 1, j] + sizes[i] * sizes[k + 1] * sizes[j + 1], k) for k in range(i, j)
            )

    def product(i: int, j: int) -> Tensor:
        return chain[i] if i == j else matmul(product(i, cut[i, j]), product(cut[i, j] + 1, j))

    made = product(0, n - 1)
    made = made.squeeze(-1) if column else made
    return given(out, made.squeeze(0) if row else made)


def chain_matmul(*matrices: Tensor, out: Tensor | None = None) -> Tensor:
    """multi_dot() of its arguments; of one matrix, the matrix."""
    return given(out, matrices[0]) if len(matrices) == 1 else multi_dot(matrices, out=out)

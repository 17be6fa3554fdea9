"""Sparse tensors in coordinates: the indices of what is stored, and its values.

A sparse tensor is a tensor of indices (sparse dims, nnz), a tensor of values (nnz, *dense dims) and a size. The engine
knows nothing of it: what is differentiated is the values, and what is computed is a few operations on them. An
operation that knows dense tensors alone finds `NOWHERE` where a tensor's array is, and says so.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np

from ..core import dtypes, printing
from ..core.backend import CPU, Array, NoArray
from ..core.dtypes import dtype
from ..core.size import Size
from ..core.tensor import TYPE_NAMES, Tensor
from .arrange import cat
from .coordinates import raveled, sparse_addmm
from .formats import sparse_coo

__all__ = ["SparseTensor", "coalesce", "product", "summed"]

# --- the class ---


class Nowhere(NoArray):
    """Stands where a dense tensor has its array."""

    def __array_function__(self, *_: Any) -> NoReturn:
        self.refuse()

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)
        self.refuse()

    def refuse(self) -> NoReturn:
        raise NotImplementedError(
            f"this operation is not in glassgrad for tensors of layout {sparse_coo!r}: convert with .to_dense() first"
        )


NOWHERE = Nowhere()


class SparseTensor(Tensor):
    """A tensor of layout sparse_coo; made with sparse_coo_tensor() or x.to_sparse()."""

    is_sparse = True
    layout = sparse_coo

    def __init__(self, indices: Tensor, values: Tensor, size: Sequence[int], coalesced: bool = False) -> None:
        if values.device != CPU:
            raise NotImplementedError(f"sparse tensors on {values.device} are not in glassgrad yet: use the CPU")
        self._set(NOWHERE)
        self._where, self._stored = indices, values
        self._shape, self._coalesced = Size(size), coalesced

    def _like(self, values: Tensor, coalesced: bool | None = None) -> SparseTensor:
        """Other values at the same places."""
        return SparseTensor(self._where, values, self._shape, self._coalesced if coalesced is None else coalesced)

    # what it is

    shape = property(lambda self: self._shape)
    ndim = property(lambda self: len(self._shape))
    dtype = property(lambda self: self._stored.dtype)
    device = property(lambda self: self._stored.device)
    requires_grad = property(
        lambda self: self._stored.requires_grad, lambda self, wanted: self.requires_grad_(wanted) and None
    )
    grad_fn = property(lambda self: self._stored.grad_fn)
    is_leaf = property(lambda self: self._stored.is_leaf)

    def size(self, dim: int | None = None) -> Any:
        return self._shape if dim is None else self._shape[dim]

    def dim(self) -> int:
        return len(self._shape)

    ndimension = dim

    def numel(self) -> int:
        return math.prod(self._shape)

    nelement = numel

    def element_size(self) -> int:
        return self.dtype.itemsize

    def __len__(self) -> int:
        if not self._shape:
            raise TypeError("len() of a 0-d tensor")
        return self._shape[0]

    def sparse_dim(self) -> int:
        return self._where.array.shape[0]

    def dense_dim(self) -> int:
        return len(self._shape) - self.sparse_dim()

    def is_coalesced(self) -> bool:
        """Whether no place is stored twice and the places are in order."""
        return self._coalesced

    def _nnz(self) -> int:
        return self._where.array.shape[1]

    def _indices(self) -> Tensor:
        return self._where

    def _values(self) -> Tensor:
        return self._stored

    def indices(self) -> Tensor:
        """(sparse dims, nnz); RuntimeError if it isn't coalesced."""
        return self._where if self._coalesced else self._uncoalesced("indices")

    def values(self) -> Tensor:
        """(nnz, *dense dims); RuntimeError if it isn't coalesced."""
        return self._stored if self._coalesced else self._uncoalesced("values")

    def _uncoalesced(self, what: str) -> NoReturn:
        raise RuntimeError(f"Cannot get {what} on an uncoalesced tensor, please call .coalesce() first")

    def type(self, to: Any = None) -> Any:
        if to is None:
            return f"torch.sparse.{TYPE_NAMES[self.dtype.name]}"
        return self._like(self._stored.type(to.replace("sparse.", "") if isinstance(to, str) else to))

    def is_floating_point(self) -> bool:
        return self.dtype.is_floating_point

    def is_complex(self) -> bool:
        return self.dtype.is_complex

    def numpy(self, *, force: bool = False) -> NoReturn:
        raise TypeError("can't convert Sparse layout tensor to numpy. Use Tensor.to_dense() first.")

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NoReturn:
        self.numpy()

    def data_ptr(self) -> NoReturn:
        raise RuntimeError("Cannot access data pointer of Tensor that doesn't have storage")

    def tolist(self) -> NoReturn:
        self.data_ptr()

    def untyped_storage(self) -> NoReturn:
        raise NotImplementedError("Cannot access storage of SparseTensorImpl")

    storage = untyped_storage

    def __repr__(self) -> str:
        parts = []
        for name, part in (("indices", self._where), ("values", self._stored)):
            text = printing.format_body(part.array, indent=len(f"tensor({name}=tensor("))
            empty = "" if part.numel() else f", size={tuple(part.shape)}"
            parts.append(f"{name}=tensor({text}{empty})")
        notes = [f"size={tuple(self._shape)}", f"nnz={self._nnz()}"]
        if self.dtype not in (dtypes.get_default_dtype(), dtypes.int64, dtypes.bool_):
            notes.append(f"dtype={self.dtype}")
        notes.append(f"layout={self.layout}")
        if self.grad_fn is not None:
            notes.append(f"grad_fn=<{self.grad_fn.short_name()}>")
        elif self.requires_grad:
            notes.append("requires_grad=True")
        text = "tensor(" + f",{NEWLINE}".join([*parts, notes[0]])
        return printing.suffixed(text, notes[1:], 7, 7 + len(notes[0]))

    # copies

    def detach(self) -> SparseTensor:
        return self._like(self._stored.detach())

    data = property(detach)

    def clone(self, *, memory_format: Any = None) -> SparseTensor:
        return SparseTensor(self._where.clone(), self._stored.clone(), self._shape, self._coalesced)

    def zero_(self) -> SparseTensor:
        """Nothing is stored any more."""
        self._where = Tensor._of(np.zeros((self.sparse_dim(), 0), np.int64))
        self._stored, self._coalesced = self._stored.detach()[:0], True
        return self

    def copy_(self, src: Tensor, non_blocking: bool = False) -> SparseTensor:
        """Take over what another sparse tensor of the same size holds."""
        if not isinstance(src, SparseTensor) or src._shape != self._shape:
            raise RuntimeError(f"copy_: expected a sparse tensor of size {list(self._shape)}")
        self._where, self._stored = src._where.clone(), src._stored.detach().to(self.dtype, copy=True)
        self._coalesced = src._coalesced
        return self

    def __deepcopy__(self, memo: dict[Any, Any]) -> SparseTensor:
        where, values = self._where.__deepcopy__(memo), self._stored.__deepcopy__(memo)
        return memo.setdefault(id(self), SparseTensor(where, values, self._shape, self._coalesced))

    def __reduce__(self) -> Any:
        return SparseTensor, (self._where, self._stored, self._shape, self._coalesced)

    def to(self, *target: Any, **options: Any) -> SparseTensor:
        values = self._stored.to(*target, **options)
        if values is self._stored:
            return self
        return SparseTensor(self._where.to(values.device), values, self._shape, self._coalesced)

    def requires_grad_(self, requires_grad: bool = True) -> SparseTensor:
        self._stored.requires_grad_(requires_grad)
        return self

    @property
    def grad(self) -> Tensor | None:
        """The gradient of the values, at their places."""
        g = self._stored.grad
        return None if g is None else self._like(g)

    @grad.setter
    def grad(self, g: Tensor | None) -> None:
        if g is not None and not isinstance(g, SparseTensor):
            raise TypeError("the gradient of a sparse tensor is sparse")
        self._stored.grad = None if g is None else g._stored

    # to dense and back

    def to_dense(self, dtype: Any = None) -> Tensor:
        values = self._stored if dtype is None else self._stored.to(dtype)
        s = self.sparse_dim()
        rows = math.prod(self._shape[:s])
        made = Tensor._of(np.zeros((rows, *self._shape[s:]), values.array.dtype)).to(self.device)
        return made.index_add(0, Tensor._of(self._flat()), values).reshape(self._shape)

    def to_sparse(self, sparse_dim: int | None = None) -> SparseTensor:
        return self

    def coalesce(self) -> SparseTensor:
        return coalesce(self)

    def _flat(self, *without: int) -> Array:
        """Where each value belongs, counted through the sparse dims but those: (nnz,)."""
        kept = [d for d in range(self.sparse_dim()) if d not in without]
        shape = [self._shape[d] for d in kept]
        return raveled(self._where.array[kept], shape)

    # arithmetic

    def _scaled(self, name: str, other: Any) -> Any:
        if isinstance(other, Tensor) and other.dim():
            return NotImplemented
        return self._like(getattr(operator, name)(self._stored, other))

    def __mul__(self, other: Any) -> Any:
        if isinstance(other, SparseTensor):
            a, b = coalesce(self), coalesce(other)
            if a.shape != b.shape:
                raise RuntimeError(f"mul: sparse tensors of sizes {list(a.shape)} and {list(b.shape)}")
            _, i, j = np.intersect1d(a._flat(), b._flat(), assume_unique=True, return_indices=True)
            values = a._stored[Tensor._of(i)] * b._stored[Tensor._of(j)]
            return SparseTensor(Tensor._of(a._where.array[:, i]), values, a.shape, True)
        if isinstance(other, Tensor) and other.dim():
            return self._like(self._stored * other.expand(self._shape)[tuple(self._where)])
        return self._scaled("mul", other)

    __rmul__ = mul = multiply = __mul__

    def __truediv__(self, other: Any) -> Any:
        return self._scaled("truediv", other)

    div = true_divide = __truediv__

    def __neg__(self) -> SparseTensor:
        return self._like(-self._stored)

    neg = negative = __neg__

    def add(self, other: Any, *, alpha: Any = 1) -> Any:
        if not isinstance(other, SparseTensor):
            raise RuntimeError("add(sparse, dense) is not supported. Use add(dense, sparse) instead.")
        if self._shape != other._shape or self.sparse_dim() != other.sparse_dim():
            raise RuntimeError(f"add: sparse tensors of sizes {list(self._shape)} and {list(other._shape)}")
        where = np.concatenate([self._where.array, other._where.array], 1)
        second = other._stored if alpha == 1 else other._stored * alpha
        both = promoted(self._stored, second)
        values = both[0].new_zeros(0).reshape(0, *both[0].shape[1:]) if not where.size else cat(both)
        made = SparseTensor(Tensor._of(where), values, self._shape)
        return coalesce(made) if self._coalesced and other._coalesced else made

    def __add__(self, other: Any) -> Any:
        return self.add(other)

    def __radd__(self, other: Any) -> Any:
        return other + self.to_dense()

    def __sub__(self, other: Any) -> Any:
        return self.add(-other)

    sub = __sub__

    def __rsub__(self, other: Any) -> Any:
        return other - self.to_dense()

    def __matmul__(self, other: Any) -> Tensor:
        return product(self, other)

    def __rmatmul__(self, other: Any) -> Tensor:
        return product(other, self)

    matmul = mm = mv = __matmul__

    def __pow__(self, exponent: Any) -> SparseTensor:
        if not isinstance(exponent, int | float) or exponent <= 0:
            raise NotImplementedError(f"pow of a sparse tensor: expected a positive number, got {exponent!r}")
        made = coalesce(self)
        return made._like(made._stored**exponent)

    pow = __pow__

    def __getitem__(self, index: Any) -> Tensor:
        """Along leading dims, by integers."""
        index = index if isinstance(index, tuple) else (index,)
        if not all(isinstance(i, int) for i in index) or len(index) > self.sparse_dim():
            raise NotImplementedError("a sparse tensor is indexed by integers, along its sparse dims")
        for d, (i, n) in enumerate(zip(index, self._shape, strict=False)):
            if not -n <= i < n:
                raise IndexError(f"index {i} is out of bounds for dimension {d} with size {n}")
        wanted = np.array([i % n for i, n in zip(index, self._shape, strict=False)])[:, None]
        here = Tensor._of(np.flatnonzero((self._where.array[: len(index)] == wanted).all(0)))
        values = self._stored[here]
        if len(index) == self.sparse_dim():
            return values.sum(0)
        return SparseTensor(self._where[len(index) :, here], values, self._shape[len(index) :], self._coalesced)

    def __iter__(self) -> Any:
        return (self[i] for i in range(len(self)))

    def sum(self, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
        if keepdim:
            raise NotImplementedError("sum of a sparse tensor with keepdim is not in glassgrad yet")
        return summed(self, dim, dtype)

    def transpose(self, dim0: int, dim1: int) -> SparseTensor:
        a, b = (range(len(self._shape))[d] for d in (dim0, dim1))
        if max(a, b) >= self.sparse_dim():
            raise NotImplementedError("transpose of a sparse tensor: its sparse dims only")
        order = list(range(len(self._shape)))
        order[a], order[b] = b, a
        where = Tensor._of(self._where.array[order[: self.sparse_dim()]])
        return SparseTensor(where, self._stored, [self._shape[d] for d in order], self._coalesced and a == b)

    def t(self) -> SparseTensor:
        if len(self._shape) > 2:
            raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {len(self._shape)}D")
        return self.transpose(0, 1) if len(self._shape) == 2 else self

    T = property(t)


class Places:
    """A gradient on its way to a leaf, 0 but at some places; added to a dense one it becomes dense."""

    __array_ufunc__ = None

    def __init__(self, sparse: SparseTensor) -> None:
        self.sparse, self.shape = sparse, sparse.shape

    def __add__(self, other: Any) -> Any:
        if isinstance(other, Places):
            return Places(self.sparse + other.sparse)
        dense = self.sparse.to_dense()
        return other + (dense if isinstance(other, Tensor) else dense.array)

    __radd__ = __add__


NEWLINE = "\n" + " " * len("tensor(")

for _name in ("bool", "byte", "char", "short", "int", "long", "half", "float", "double", "bfloat16"):
    _to = {"byte": "uint8", "char": "int8", "short": "int16", "int": "int32", "long": "int64", "half": "float16",
           "float": "float32", "double": "float64"}.get(_name, _name)  # fmt: skip
    setattr(SparseTensor, _name, lambda self, to=_to: self.to(dtypes.named(to)))
for _name in ("abs", "sqrt", "relu", "sign", "square", "sin", "tanh"):  # of 0 they are 0

    def _of_values(self: SparseTensor, name: str = _name) -> SparseTensor:
        made = coalesce(self)
        return made._like(getattr(made._stored, name)())

    setattr(SparseTensor, _name, _of_values)


def promoted(*tensors: Tensor) -> list[Tensor]:
    common = tensors[0].dtype
    for x in tensors[1:]:
        common = dtypes.promote_types(common, x.dtype)
    return [x.to(common) for x in tensors]


def coalesce(input: Tensor) -> SparseTensor:
    """The same tensor with its places in order, each once, the values there added up."""
    if not isinstance(input, SparseTensor):
        raise RuntimeError("coalesce expected sparse coordinate tensor layout but got Strided")
    if input._coalesced:
        return input
    _, first, inverse = np.unique(input._flat(), return_index=True, return_inverse=True)
    values = input._stored
    zeros = values.new_zeros(len(first), *values.shape[1:])
    summed = zeros.index_add(0, Tensor._of(inverse.reshape(-1)), values)
    return SparseTensor(Tensor._of(np.ascontiguousarray(input._where.array[:, first])), summed, input._shape, True)


# --- products, sums ---


def product(a: Tensor, b: Tensor) -> Tensor:
    """a @ b where one or both are sparse matrices; dense unless both are."""
    if not isinstance(a, Tensor) or not isinstance(b, Tensor):
        raise TypeError(f"a sparse product takes tensors, got {type(b if isinstance(a, Tensor) else a).__name__}")
    if not isinstance(a, SparseTensor):
        if not (a.dim() == b.dim() == 2):
            raise NotImplementedError(f"dense @ sparse: expected two matrices, got {a.dim()} and {b.dim()} dims")
        return product(b.t(), a.t()).t()
    if a.dim() != 2 or a.sparse_dim() != 2 or b.dim() not in (1, 2):
        raise NotImplementedError(f"sparse @: expected matrices, got {a.dim()} and {b.dim()} dims")
    if a.shape[1] != b.shape[0]:
        raise RuntimeError(f"mat1 and mat2 shapes cannot be multiplied ({_by(a.shape)} and {_by(b.shape)})")
    if a.dtype is not b.dtype:
        raise RuntimeError(f"expected m1 and m2 to have the same dtype, but got: {a.dtype} != {b.dtype}")
    if isinstance(b, SparseTensor):
        return _sparse_product(a, b)
    if b.dim() == 1:
        return product(a, b.unsqueeze(1)).squeeze(1)
    rows, cols = a._where.array
    return sparse_addmm(a._stored, b, rows=rows, cols=cols, n=a.shape[0])


def _sparse_product(a: SparseTensor, b: SparseTensor) -> SparseTensor:
    """Every value of a meets the row of b that its column names."""
    a, b = coalesce(a), coalesce(b)
    rows, cols = a._where.array
    starts = np.searchsorted(b._where.array[0], np.arange(b.shape[0] + 1))
    counts = (starts[1:] - starts[:-1])[cols]
    left = np.repeat(np.arange(len(cols)), counts)
    right = np.arange(counts.sum()) + np.repeat(starts[cols] - np.cumsum(counts) + counts, counts)
    where = np.stack([rows[left], b._where.array[1][right]])
    values = a._stored[Tensor._of(left)] * b._stored[Tensor._of(right)]
    return coalesce(SparseTensor(Tensor._of(where), values, (a.shape[0], b.shape[1])))


def _by(shape: Any) -> str:
    return "x".join(map(str, shape))


def summed(input: SparseTensor, dim: Any = None, dtype: dtype | None = None) -> Tensor:
    """The sum over some dims, sparse unless no sparse dim is left; over all without `dim`."""
    values = input._stored if dtype is None else input._stored.to(dtype)
    n, s = input.dim(), input.sparse_dim()
    dims = sorted({range(n)[d] for d in ((dim,) if isinstance(dim, int) else dim)}) if dim is not None else range(n)
    inner = [d - s + 1 for d in dims if d >= s]
    if inner:
        values = values.sum(inner)
    kept = [d for d in range(s) if d not in dims]
    if not kept:
        return values.sum(0)
    shape = [m for d, m in enumerate(input._shape) if d not in dims]
    made = SparseTensor(Tensor._of(input._where.array[kept]), values, shape, input._coalesced and len(kept) == s)
    return coalesce(made)

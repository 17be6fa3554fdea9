"""Batched: many arrays of one shape that compute as if they were one. `vmap` is this array library under a tensor.

`values` has the batch as its first axis; `shape` and everything else speak of one sample. NumPy hands its functions
over through __array_ufunc__ and __array_function__ (NEP 13, NEP 18), so that what is written for one sample computes
the whole batch. A function without a rule here is called sample by sample. What depends on the numbers of one sample
(`if x > 0`, `float(x)`) is refused.

Nested batches are Batched whose values are Batched; `level` counts outwards in, and the innermost is taken first.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

Array = Any


class Refused(RuntimeError):
    """Something that cannot be done for all samples at once."""


def refused(what: str) -> Refused:
    return Refused(
        f"vmap: it looks like you're {what} inside a function that vmap runs for all samples at once, where it has "
        "no single value. Use torch.where for a choice between samples, or leave this step out of the function."
    )


SHARED = "writing, with what differs from sample to sample, into memory that all samples share,"


class Batched(NDArrayOperatorsMixin):
    __slots__ = ("level", "values")

    def __init__(self, values: Array, level: int) -> None:
        self.values = values
        self.level = level

    # --- what one sample is ---

    @property
    def shape(self) -> tuple[int, ...]:
        return self.values.shape[1:]

    @property
    def strides(self) -> tuple[int, ...]:
        return self.values.strides[1:]

    @property
    def ndim(self) -> int:
        return self.values.ndim - 1

    @property
    def size(self) -> int:
        return int(np.prod(self.shape))

    @property
    def dtype(self) -> Any:
        return self.values.dtype

    @property
    def itemsize(self) -> int:
        return self.values.dtype.itemsize

    @property
    def flags(self) -> Any:
        return self.values.flags

    @property
    def base(self) -> Any:
        return self.values.base

    @property
    def real(self) -> Batched:
        return Batched(self.values.real, self.level)

    @property
    def imag(self) -> Batched:
        return Batched(self.values.imag, self.level)

    @property
    def T(self) -> Batched:
        return self.transpose()

    @property
    def mT(self) -> Batched:
        return Batched(self.values.swapaxes(-1, -2), self.level)

    def __len__(self) -> int:
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def __repr__(self) -> str:
        return f"Batched({self.values!r}, level={self.level})"

    # --- what has no single value ---

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise refused("calling .numpy() or turning a tensor into an array")

    def item(self, *_: Any) -> Any:
        raise refused("calling .item() on a tensor, or using one in data-dependent control flow")

    def tolist(self) -> Any:
        raise refused("calling .tolist() on a tensor")

    def __bool__(self) -> bool:
        raise refused("using a tensor in data-dependent control flow")

    __float__ = __int__ = __index__ = __complex__ = item

    # --- NumPy's functions ---

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, out: Any = None, **options: Any) -> Any:
        where = options.get("where", True)
        level = deepest([*inputs, *(out or ()), where])
        if method in ("reduce", "accumulate"):
            x = inputs[0]
            if out is not None or not holds(x, level):
                raise refused("reducing into memory that all samples share")
            if where is not True:
                options["where"] = lift(where, level, x.ndim)
            options["axis"] = _axes(options.get("axis", 0), x.ndim)
            return Batched(getattr(ufunc, method)(x.values, **options), level)
        if method != "__call__" or (ufunc.signature is not None and ufunc is not np.matmul):
            raise refused(f"calling {ufunc.__name__}.{method}")
        if out is not None and not all(holds(target, level) for target in out):
            raise refused(SHARED)
        if ufunc is np.matmul:
            y = _matmul(inputs[0], inputs[1], level)
            if out is not None:
                out[0].values[...] = y
        else:
            n = max(np.ndim(x) if not isinstance(x, Batched) else x.ndim for x in inputs)
            if where is not True:
                options["where"] = lift(where, level, n)
            if out is not None:
                options["out"] = tuple(lift(target, level, n) for target in out)
            y = ufunc(*[lift(x, level, n) for x in inputs], **options)
        if out is not None:
            return out[0] if len(out) == 1 else out
        return tuple(Batched(v, level) for v in y) if isinstance(y, tuple) else Batched(y, level)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        rule = RULES.get(function)
        if rule is not None:
            return rule(*args, **kwargs)
        if function in WRITERS and not holds(args[0], deepest([args, kwargs])):
            raise refused(SHARED)
        return by_sample(function, args, kwargs)

    # --- indexing ---

    def __getitem__(self, index: Any) -> Any:
        index = index if isinstance(index, tuple) else (index,)
        if any(isinstance(i, Batched) for i in index):
            return by_sample(lambda x, *index: x[index], (self, *index), {})
        if _basic(index):
            return Batched(self.values[(slice(None), *index)], self.level)
        rest = np.moveaxis(self.values, 0, -1)[_without_dots(index, self.ndim)]  # the last axis is left alone
        return Batched(np.moveaxis(rest, -1, 0), self.level)

    def __setitem__(self, index: Any, value: Any) -> None:
        index = index if isinstance(index, tuple) else (index,)
        if deepest([value, *index]) > self.level:
            raise refused(SHARED)
        if any(isinstance(i, Batched) for i in index):
            for k, part in enumerate(self.values):
                part[tuple(sample(i, self.level, k) for i in index)] = sample(value, self.level, k)
        elif _basic(index):
            at = (slice(None), *index)
            self.values[at] = lift(value, self.level, self.values[at].ndim - 1)
        else:
            moved = np.moveaxis(self.values, 0, -1)
            at = _without_dots(index, self.ndim)
            if holds(value, self.level):
                moved[at] = np.moveaxis(lift(value, self.level, moved[at].ndim - 1), 0, -1)
            else:
                moved[at] = np.asarray(value)[..., None]

    # --- the methods that operations use ---

    def reshape(self, *shape: Any, **options: Any) -> Batched:
        return Batched(self.values.reshape(self.values.shape[:1] + _several(shape), **options), self.level)

    def transpose(self, *axes: Any) -> Batched:
        order = [a % self.ndim for a in _several(axes) if a is not None] or range(self.ndim)[::-1]
        return Batched(self.values.transpose((0, *[a + 1 for a in order])), self.level)

    def swapaxes(self, a: int, b: int) -> Batched:
        return Batched(self.values.swapaxes(_axes(a, self.ndim), _axes(b, self.ndim)), self.level)

    def squeeze(self, axis: Any = None) -> Batched:
        axis = tuple(i for i, n in enumerate(self.shape) if n == 1) if axis is None else axis
        return Batched(self.values.squeeze(axis=_axes(axis, self.ndim)), self.level)

    def astype(self, dtype: Any, *args: Any, **options: Any) -> Batched:
        return Batched(self.values.astype(dtype, *args, **options), self.level)

    def view(self, dtype: Any) -> Batched:
        return Batched(self.values.view(dtype), self.level)

    def diagonal(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
        return np.diagonal(self, offset, axis1, axis2)

    def copy(self, *args: Any, **options: Any) -> Batched:
        return Batched(self.values.copy(*args, **options), self.level)

    def conj(self) -> Batched:
        return Batched(self.values.conj(), self.level)

    def fill(self, value: Any) -> None:
        self[...] = value

    def ravel(self) -> Batched:
        return self.reshape(-1) if self.size else self.reshape(0)

    flatten = ravel

    def sum(self, axis: Any = None, **options: Any) -> Any:
        return np.add.reduce(self, axis=axis, **options)

    def prod(self, axis: Any = None, **options: Any) -> Any:
        return np.multiply.reduce(self, axis=axis, **options)

    def max(self, axis: Any = None, **options: Any) -> Any:
        return np.maximum.reduce(self, axis=axis, **options)

    def min(self, axis: Any = None, **options: Any) -> Any:
        return np.minimum.reduce(self, axis=axis, **options)

    def any(self, axis: Any = None, **options: Any) -> Any:
        return np.logical_or.reduce(self, axis=axis, **options)

    def all(self, axis: Any = None, **options: Any) -> Any:
        return np.logical_and.reduce(self, axis=axis, **options)

    def mean(self, axis: Any = None, **options: Any) -> Any:
        return np.mean(self, axis=axis, **options)

    def cumsum(self, axis: Any = None, **options: Any) -> Any:
        return np.add.accumulate(self.ravel() if axis is None else self, axis=axis or 0, **options)

    def argmax(self, axis: Any = None) -> Any:
        return np.argmax(self, axis=axis)

    def argmin(self, axis: Any = None) -> Any:
        return np.argmin(self, axis=axis)

    def argsort(self, axis: Any = -1, **options: Any) -> Any:
        return np.argsort(self, axis=axis, **options)

    def take(self, indices: Any, axis: Any = None, **options: Any) -> Any:
        return np.take(self, indices, axis, **options)

    def repeat(self, repeats: Any, axis: Any = None) -> Any:
        return np.repeat(self, repeats, axis)


def _several(given: tuple[Any, ...]) -> tuple[Any, ...]:
    """f(1, 2) and f((1, 2)) alike."""
    return tuple(given[0]) if len(given) == 1 and isinstance(given[0], (tuple, list)) else given


# --- levels ---


def deepest(x: Any) -> int:
    """The innermost level in x, in lists and tuples too; -1 where nothing is batched."""
    if isinstance(x, Batched):
        return x.level
    if isinstance(x, (list, tuple)):
        return max(map(deepest, x), default=-1)
    if isinstance(x, dict):
        return max(map(deepest, x.values()), default=-1)
    return -1


def holds(x: Any, level: int) -> bool:
    return isinstance(x, Batched) and x.level == level


def levels(x: Any) -> dict[int, int]:
    """The batch size at each level of an array."""
    found = {}
    while isinstance(x, Batched):
        found[x.level] = x.values.shape[0]
        x = x.values
    return found


def whole(x: Any) -> Any:
    """The numbers of all samples, for checks that hold for every one of them."""
    while isinstance(x, Batched):
        x = x.values
    return x


def lift(x: Any, level: int, ndim: int) -> Any:
    """What broadcasts with samples of so many dimensions: values with the batch first, others as they are."""
    if not holds(x, level):
        return x
    missing = ndim - x.ndim
    return x.values.reshape(x.values.shape[:1] + (1,) * missing + x.shape) if missing > 0 else x.values


def sample(x: Any, level: int, k: int) -> Any:
    """x for the sample k of a level; lists, tuples and dicts item by item."""
    if holds(x, level):
        return x.values[k]
    if isinstance(x, (list, tuple)):
        items = [sample(item, level, k) for item in x]
        return type(x)(*items) if hasattr(x, "_fields") else type(x)(items)
    if isinstance(x, dict):
        return {key: sample(item, level, k) for key, item in x.items()}
    return x


def by_sample(function: Callable[..., Any], args: Any, kwargs: dict[str, Any]) -> Any:
    """Call a function for each sample of the innermost batch, and stack what it returns."""
    level = deepest([args, kwargs])
    size = _size([args, kwargs], level)
    if size == 0:
        raise refused(f"calling {getattr(function, '__name__', 'a function')} on an empty batch")
    results = [function(*sample(args, level, k), **sample(kwargs, level, k)) for k in range(size)]
    return _stack(results, level)


def samplewise(function: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator of a function of arrays that cannot compute a batch: each sample gets a call of its own."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if deepest([args, kwargs]) < 0:
            return function(*args, **kwargs)
        return by_sample(call, args, kwargs)

    return call


def _size(x: Any, level: int) -> int:
    if holds(x, level):
        return x.values.shape[0]
    items = x.values() if isinstance(x, dict) else x if isinstance(x, (list, tuple)) else ()
    return max((_size(item, level) for item in items), default=-1)


def _stack(results: list[Any], level: int) -> Any:
    first = results[0]
    if isinstance(first, (tuple, list)):
        items = [_stack(list(parts), level) for parts in zip(*results, strict=True)]
        return type(first)(*items) if hasattr(first, "_fields") else type(first)(items)
    if first is None or isinstance(first, (str, type)):
        return first
    shapes = {np.shape(r) if not isinstance(r, Batched) else r.shape for r in results}
    if len(shapes) > 1:
        raise refused("using an operation whose result has another shape for each sample")
    return Batched(np.stack(results), level)


def room(like: Array, shape: tuple[int, ...], dtype: Any) -> Any:
    """Memory for every sample of an array, with nothing in it yet."""
    if isinstance(like, Batched):
        return Batched(room(like.values, (like.values.shape[0], *shape), dtype), like.level)
    return np.empty_like(like, dtype=dtype, shape=shape)


def unwritable(x: Any) -> Any:
    """A shared array as one that raises when it is written to; anything else as it is."""
    if not isinstance(x, np.ndarray):
        return x
    x = x.view()
    x.flags.writeable = False
    return x


# --- axes and indices ---


def _axes(axis: Any, ndim: int) -> Any:
    """Axes of one sample as axes of the values."""
    if axis is None:
        return tuple(range(1, ndim + 1))
    if isinstance(axis, (tuple, list)):
        return tuple(_axes(a, ndim) for a in axis)
    return axis if axis < 0 else axis + 1


def _basic(index: tuple[Any, ...]) -> bool:
    return all(i is None or i is Ellipsis or isinstance(i, (slice, int, np.integer)) for i in index) and not any(
        isinstance(i, bool) for i in index
    )


def _without_dots(index: tuple[Any, ...], ndim: int) -> tuple[Any, ...]:
    """The index with `...` written out, so that a further last axis is left alone."""
    at = next((k for k, i in enumerate(index) if i is Ellipsis), None)
    if at is None:
        return index
    used = (
        sum(np.ndim(i) if getattr(getattr(i, "dtype", None), "kind", "") == "b" else i is not None for i in index) - 1
    )
    return (*index[:at], *[slice(None)] * (ndim - used), *index[at + 1 :])


# --- rules: NumPy's functions on whole batches ---


def _matmul(a: Any, b: Any, level: int) -> Any:
    row, column = np.ndim(a) if not isinstance(a, Batched) else a.ndim, (
        np.ndim(b) if not isinstance(b, Batched) else b.ndim
    )  # fmt: skip
    a = a[None, :] if row == 1 else a
    b = b[:, None] if column == 1 else b
    n = max(a.ndim, b.ndim)
    y = np.matmul(lift(a, level, n), lift(b, level, n))
    if column == 1:
        y = y[..., 0]
    return (y[..., 0] if column == 1 else y[..., 0, :]) if row == 1 else y


def _together(items: Any, level: int) -> list[Any]:
    """The values of several samples of equal dimensions; those that all share, repeated."""
    size = _size(list(items), level)
    return [x.values if holds(x, level) else np.broadcast_to(x, (size, *np.shape(x))) for x in items]


def _concatenate(arrays: Any, axis: int = 0, **options: Any) -> Any:
    level = deepest(list(arrays))
    return Batched(np.concatenate(_together(arrays, level), axis=_axes(axis, 1), **options), level)


def _np_stack(arrays: Any, axis: int = 0, **options: Any) -> Any:
    level = deepest(list(arrays))
    return Batched(np.stack(_together(arrays, level), axis=axis if axis < 0 else axis + 1, **options), level)


def _where(condition: Any, x: Any, y: Any) -> Any:
    level = deepest([condition, x, y])
    n = max(v.ndim if isinstance(v, Batched) else np.ndim(v) for v in (condition, x, y))
    return Batched(np.where(*[lift(v, level, n) for v in (condition, x, y)]), level)


def _broadcast_to(x: Any, shape: Any, subok: bool = False) -> Any:
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    values = lift(x, x.level, len(shape))
    return Batched(np.broadcast_to(values, (values.shape[0], *shape)), x.level)


def _moved(x: Any, source: Any, destination: Any) -> Any:
    def up(axes: Any) -> Any:
        return _axes(axes, x.ndim)

    return Batched(np.moveaxis(x.values, up(source), up(destination)), x.level)


def _like(make: Callable[..., Any]) -> Callable[..., Any]:
    def rule(x: Any, *args: Any, shape: Any = None, **options: Any) -> Any:
        if shape is not None:
            return getattr(np, make.__name__.removesuffix("_like"))(shape, *args, dtype=options.get("dtype") or x.dtype)
        return Batched(make(x.values, *args, **options), x.level)

    return rule


def _one_axis(function: Callable[..., Any], default: Any) -> Callable[..., Any]:
    """A function of one array along one axis: sort, argmax, flip, ..."""

    def rule(x: Any, axis: Any = default, **options: Any) -> Any:
        if axis is None:
            x, axis = x.ravel(), 0
        return Batched(function(x.values, axis=_axes(axis, x.ndim), **options), x.level)

    return rule


def _take_along_axis(x: Any, indices: Any, axis: Any = -1) -> Any:
    level = deepest([x, indices])
    n = x.ndim
    values, at = _together([x, indices], level)
    return Batched(np.take_along_axis(values, at, axis=_axes(axis, n)), level)


def _stacked(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that NumPy itself computes for a stack of matrices."""

    def rule(x: Any, *args: Any, **options: Any) -> Any:
        y = function(x.values, *args, **options)
        return type(y)(*[Batched(v, x.level) for v in y]) if isinstance(y, tuple) else Batched(y, x.level)

    return rule


WRITERS = {np.copyto, np.put, np.place, np.putmask, np.put_along_axis, np.fill_diagonal}  # into their first argument


def _diagonal(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    n = x.ndim
    seen = np.diagonal(x.values, offset, _axes(axis1, n), _axes(axis2, n))
    if isinstance(seen, np.ndarray):
        seen.flags.writeable = whole(x).flags.writeable  # NumPy shows it read-only
    return Batched(seen, x.level)


def _windows(x: Any, window_shape: Any, axis: Any = None, **options: Any) -> Any:
    axes = _axes(axis, x.ndim)
    return Batched(np.lib.stride_tricks.sliding_window_view(x.values, window_shape, axes, **options), x.level)


def _split(x: Any, at: Any, axis: int = 0) -> Any:
    return [Batched(v, x.level) for v in np.split(x.values, at, _axes(axis, x.ndim))]


def _clip(x: Any, low: Any = None, high: Any = None, **options: Any) -> Any:
    x = x if low is None else np.maximum(x, low)
    return x if high is None else np.minimum(x, high)


def _triangle(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x, k=0: Batched(function(x.values, k), x.level)


RULES: dict[Any, Callable[..., Any]] = {
    np.shape: lambda x: x.shape,
    np.ndim: lambda x: x.ndim,
    np.size: lambda x: x.size,
    np.result_type: lambda *xs: np.result_type(*[getattr(x, "dtype", x) for x in xs]),
    np.iscomplexobj: lambda x: np.dtype(x.dtype).kind == "c",
    np.may_share_memory: lambda a, b: np.may_share_memory(getattr(a, "values", a), getattr(b, "values", b)),
    np.shares_memory: lambda a, b: np.shares_memory(getattr(a, "values", a), getattr(b, "values", b)),
    np.concatenate: _concatenate,
    np.stack: _np_stack,
    np.where: _where,
    np.broadcast_to: _broadcast_to,
    np.moveaxis: _moved,
    np.swapaxes: lambda x, a, b: x.swapaxes(a, b),
    np.transpose: lambda x, axes=None: x.transpose(axes),
    np.reshape: lambda x, shape: x.reshape(shape),
    np.ravel: lambda x: x.ravel(),
    np.squeeze: lambda x, axis=None: x.squeeze(axis),
    np.expand_dims: lambda x, axis: Batched(np.expand_dims(x.values, _axes(axis, 0)), x.level),
    np.copy: lambda x, **options: x.copy(),
    np.sum: lambda x, axis=None, **options: x.sum(axis, **options),
    np.prod: lambda x, axis=None, **options: x.prod(axis, **options),
    np.max: lambda x, axis=None, **options: x.max(axis, **options),
    np.min: lambda x, axis=None, **options: x.min(axis, **options),
    np.any: lambda x, axis=None, **options: x.any(axis, **options),
    np.all: lambda x, axis=None, **options: x.all(axis, **options),
    np.mean: lambda x, axis=None, **options: Batched(np.mean(x.values, axis=_axes(axis, x.ndim), **options), x.level),
    np.take_along_axis: _take_along_axis,
    np.diagonal: _diagonal,
    np.split: _split,
    np.lib.stride_tricks.sliding_window_view: _windows,
    np.clip: _clip,
    np.tril: _triangle(np.tril),
    np.triu: _triangle(np.triu),
    np.real: lambda x: x.real,
    np.imag: lambda x: x.imag,
    np.roll: lambda x, shift, axis=None: (
        np.roll(x.ravel(), shift, 0).reshape(x.shape) if axis is None
        else Batched(np.roll(x.values, shift, _axes(axis, x.ndim)), x.level)
    ),
    **{make: _like(make) for make in (np.zeros_like, np.ones_like, np.empty_like, np.full_like)},
    **{f: _one_axis(f, -1) for f in (np.sort, np.argsort)},
    **{f: _one_axis(f, None) for f in (np.argmax, np.argmin, np.flip, np.cumsum, np.cumprod)},
    **{
        f: _stacked(f)
        for f in (np.linalg.inv, np.linalg.det, np.linalg.slogdet, np.linalg.cholesky, np.linalg.qr, np.linalg.eigh,
                  np.linalg.eigvalsh, np.linalg.svd, np.linalg.pinv)
    },
}  # fmt: skip


# --- into a batch and out of it ---


def batch(x: Array, dim: int, level: int) -> Batched:
    """x with its axis `dim` hidden as the batch of a level; levels further in stay further in."""
    if isinstance(x, Batched) and x.level > level:
        return Batched(batch(x.values, dim + 1, level), x.level)
    moved = np.moveaxis(x, dim, 0)
    return Batched(moved if isinstance(moved, Batched) else np.ascontiguousarray(moved), level)


def unbatch(x: Array, dim: int, level: int, size: int) -> Array:
    """The batch of a level as the axis `dim` again; what has no such batch is repeated."""
    if isinstance(x, Batched) and x.level > level:
        return Batched(unbatch(x.values, dim + 1, level, size), x.level)
    if not holds(x, level):
        x = Batched(np.broadcast_to(x, (size, *x.shape)), level)
    return np.moveaxis(x.values, 0, dim)


def fold(x: Array, level: int, size: int) -> Array:
    """The sum over the samples of a level; what has no such batch counts `size` times."""
    if isinstance(x, Batched):
        if x.level > level:
            return Batched(fold(x.values, level, size), x.level)
        if x.level == level:
            return np.add.reduce(x.values, axis=0)
    return x * size


def repeated(x: Array, level: int, size: int) -> Array:
    """x for every sample of a level; what differs between them already stays as it is."""
    if level in levels(x):
        return x
    if isinstance(x, Batched) and x.level > level:
        return Batched(repeated(x.values, level, size), x.level)
    return Batched(np.broadcast_to(x, (size, *x.shape)), level)


# --- the vmaps that are running ---

running: ContextVar[tuple[tuple[int, int, str], ...]] = ContextVar("glassgrad_vmaps", default=())


@contextmanager
def vmap_level(level: int, size: int, randomness: str) -> Iterator[None]:
    """Inside, a vmap of this level over so many samples is running."""
    token = running.set((*running.get(), (level, size, randomness)))
    try:
        yield
    finally:
        running.reset(token)

"""New tensors: filled with a number, a sequence, or the values of something else."""

from __future__ import annotations

import builtins
import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..core import dtypes
from ..core.backend import Array, as_device, device_of, ndarray, xp_for, xp_of
from ..core.dtypes import dtype
from ..core.errors import told
from ..core.fast import given
from ..core.provenance import warn
from ..core.samplers import in_memory_order
from ..core.tensor import TYPE_NAMES, Tensor, of_sizes_or_data, remark_a_copy, wanting
from ..core.tensor import asarray as array_of
from .formats import plain_format, plain_layout
from .shape import sizes

__all__ = [
    "BoolTensor", "ByteTensor", "CharTensor", "DoubleTensor", "FloatTensor", "HalfTensor", "IntTensor", "LongTensor",
    "ShortTensor", "arange", "as_tensor", "asarray", "empty", "empty_like", "empty_permuted",
    "empty_strided", "eye", "from_dlpack",
    "from_numpy", "frombuffer", "full", "full_like", "is_complex", "is_floating_point", "is_nonzero", "is_tensor",
    "linspace", "logspace", "numel", "ones", "ones_like", "range", "scalar_tensor", "tril_indices", "triu_indices",
    "vander", "zeros", "zeros_like",
]  # fmt: skip
METHODS: tuple[str, ...] = (
    "is_nonzero", "new", "new_empty", "new_empty_strided", "new_full", "new_ones", "new_tensor", "new_zeros",
)  # fmt: skip
IN_PLACE: tuple[str, ...] = ()


def finish(
    made: Tensor, requires_grad: bool = False, layout: Any = None, pin_memory: bool = False, out: Tensor | None = None
) -> Tensor:
    """The options that all of them have, apart from dtype and device."""
    plain_layout(layout)
    if pin_memory:
        made.pin_memory()
    if out is not None:
        if out.array.dtype != made.array.dtype:
            raise RuntimeError(f"out has dtype {out.dtype}, and the result {made.dtype}")
        return given(out, made)
    return wanting(made) if requires_grad else made


def _filled(fill: str) -> Any:
    def make(
        *size: Any, dtype: dtype | None = None, device: Any = None, requires_grad: bool = False, **options: Any
    ) -> Tensor:
        named = {key: options.pop(key) for key in ("size",) if key in options}
        plain_format(options.pop("memory_format", None))
        out = options.get("out")
        wanted = dtype or (out.dtype if out is not None else dtypes.get_default_dtype())
        shape = checked(sizes(size, named), fill)
        array = getattr(xp_for(as_device(device)), fill)(shape, wanted.array_dtype)
        if requires_grad or options:
            return finish(Tensor._of(array), requires_grad, **options)
        return Tensor._of(array)

    make.__name__ = make.__qualname__ = fill
    make.__doc__ = f"A tensor of the given size, {FILLED[fill]}; of the default dtype unless dtype is given."
    return make


FILLED = {"zeros": "all 0", "ones": "all 1", "empty": "with whatever was in memory"}


def checked(shape: tuple[int, ...], fill: str = "") -> tuple[int, ...]:
    """RuntimeError for a negative size."""
    if shape and min(shape) < 0:
        if fill == "zeros":
            raise told(RuntimeError("zeros: Dimension size must be non-negative."))
        raise told(RuntimeError(f"Trying to create tensor with negative dimension {min(shape)}: {list(shape)}"))
    return shape


zeros, ones, empty = _filled("zeros"), _filled("ones"), _filled("empty")


def full(size: Any, fill_value: Any, *, dtype: dtype | None = None, device: Any = None, **options: Any) -> Tensor:
    """A tensor of the given size, all fill_value; its dtype is that of the value unless given."""
    value = fill_value.item() if isinstance(fill_value, Tensor) else fill_value
    wanted = dtype or (fill_value.dtype if isinstance(fill_value, Tensor) else dtypes.of_number(value))
    shape = checked(sizes((size,) if hasattr(size, "__index__") else tuple(size), {}))
    made = Tensor._of(xp_for(as_device(device)).full(shape, value, wanted.array_dtype))
    return finish(made, **options)


# --- like another tensor ---


def _like(fill: Callable[..., Array]) -> Any:
    @functools.wraps(fill)
    def make(
        input: Tensor, *values: Any, dtype: dtype | None = None, device: Any = None, memory_format: Any = None,
        **options: Any,
    ) -> Tensor:  # fmt: skip
        plain_format(memory_format)
        wanted = (dtype or input.dtype).array_dtype
        if device is None:
            xp, like = xp_of(input.array), input.array
            if 0 in like.strides and like.size > 1:  # repeated axes, for which NumPy has an order of its own
                like = in_memory_order(xp.empty(like.size, wanted), like)
            array = fill(xp, like, *values, wanted)
        else:
            xp = xp_for(as_device(device))
            array = fill(xp, xp.empty(input.array.shape, wanted), *values, wanted)
        return finish(Tensor._of(array), **options)

    return make


@_like
def zeros_like(xp: Any, like: Array, dtype: Any) -> Array:
    """Zeros of the shape, dtype and device of the input."""
    return xp.zeros_like(like, dtype)


@_like
def ones_like(xp: Any, like: Array, dtype: Any) -> Array:
    """Ones of the shape, dtype and device of the input."""
    return xp.ones_like(like, dtype)


@_like
def empty_like(xp: Any, like: Array, dtype: Any) -> Array:
    """Whatever was in memory, in the shape and dtype and on the device of the input."""
    return xp.empty_like(like, dtype)


@_like
def _full_like(xp: Any, like: Array, value: Any, dtype: Any) -> Array:
    return xp.full_like(like, value, dtype)


def full_like(input: Tensor, fill_value: Any, **options: Any) -> Tensor:
    """fill_value everywhere, in the shape and dtype and on the device of the input."""
    return _full_like(input, fill_value.item() if isinstance(fill_value, Tensor) else fill_value, **options)


def _new(make: Any) -> Any:
    def method(x: Tensor, *size: Any, dtype: dtype | None = None, device: Any = None, **options: Any) -> Tensor:
        return make(*size, dtype=dtype or x.dtype, device=x.device if device is None else device, **options)

    method.__name__ = method.__qualname__ = f"new_{make.__name__}"
    method.__doc__ = f"{make.__name__}() with the dtype and device of this tensor."
    return method


new_zeros, new_ones, new_empty, new_full = _new(zeros), _new(ones), _new(empty), _new(full)


def new_tensor(
    x: Tensor, data: Any, *, dtype: dtype | None = None, device: Any = None, requires_grad: bool = False,
    **options: Any,
) -> Tensor:  # fmt: skip
    """tensor(data) with the dtype and device of this tensor."""
    where = x.device if device is None else as_device(device)
    remark_a_copy(data)
    return finish(Tensor._of(array_of(data, dtype or x.dtype, where)), requires_grad, **options)


def new(x: Tensor, *data: Any) -> Tensor:
    """The legacy constructor: of sizes, or of data."""
    if not data or isinstance(data[0], int):
        return new_empty(x, *(data or (0,)))
    return new_tensor(x, data[0])


# --- sequences ---


def arange(
    start: Any = 0, end: Any = None, step: Any = 1, *, dtype: dtype | None = None, device: Any = None,
    out: Tensor | None = None, **options: Any,
) -> Tensor:  # fmt: skip
    """start, start + step, ... up to end, which is excluded; int64 if all three are integers.

    >>> arange(2, 8, 3)
    tensor([2, 5])
    """
    start, end = (0, start) if end is None else (start, end)
    start, end, step = (v.item() if isinstance(v, (Tensor, np.generic)) else v for v in (start, end, step))
    if _integral(dtype or (out.dtype if out is not None else None)):
        start, end, step = int(start), int(end), int(step)
    if step == 0:
        raise (RuntimeError if out is None else ValueError)(f"step must be nonzero: arange({start}, {end}, {step})")
    if any(isinstance(v, float) and not math.isfinite(v) for v in (start, end)):
        raise RuntimeError(f"unsupported range: {start} -> {end}")
    if (end - start) * step < 0:
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")
    whole = all(isinstance(v, int) for v in (start, end, step))
    wanted = dtype or (out.dtype if out is not None else dtypes.int64 if whole else dtypes.get_default_dtype())
    xp = xp_for(as_device(device))
    if whole:
        array = xp.arange(start, end, step, np.int64)
    else:
        array = start + xp.arange(math.ceil((end - start) / step)) * float(step)
    return finish(Tensor._of(array.astype(wanted.array_dtype, copy=False)), out=out, **options)


def _integral(wanted: dtype | None) -> bool:
    """Whether bounds are cut to whole numbers first, as PyTorch does for these dtypes."""
    return wanted is not None and wanted.array_dtype.kind in "iu"


def range(start: Any = 0, end: Any = None, step: Any = 1, **options: Any) -> Tensor:
    """arange() with the end included, always of the default dtype unless one is given; kept for old programs."""
    start, end = (0, start) if end is None else (start, end)
    steps = math.floor((end - start) / step)
    options.setdefault("dtype", dtypes.get_default_dtype())
    return arange(float(start), float(start + (steps + 0.5) * step), step, **options)


def linspace(
    start: Any, end: Any, steps: int, *, dtype: dtype | None = None, device: Any = None, **options: Any
) -> Tensor:
    """`steps` numbers from start to end, both included, at equal distances.

    Counted from the nearer end, as PyTorch does: start + i * d in the first half, end - (n - 1 - i) * d in the other.
    """
    start, end = (v.item() if isinstance(v, Tensor) else v for v in (start, end))
    if steps < 0:
        raise RuntimeError("number of steps must be non-negative")
    wanted = dtype or (
        dtypes.of_number(1j) if isinstance(start, complex) or isinstance(end, complex) else dtypes.get_default_dtype()
    )
    if _integral(wanted):
        start, end = int(start), int(end)
    xp = xp_for(as_device(device))
    kept = wanted.array_dtype if wanted.array_dtype.kind in "fc" else np.dtype(np.float64)
    work = np.complex128 if kept.kind == "c" else np.float64
    first, last = (work(kept.type(v)) for v in (start, end))
    i = xp.arange(steps).astype(work)
    d = work(kept.type((kept.type(end) - kept.type(start)) / kept.type(max(steps - 1, 1))))
    half = steps // 2
    add = _rounded_once if kept == np.float64 else lambda a, i, d: a + i * d
    array = xp.concatenate([add(first, i[:half], d), add(last, steps - 1 - i[half:], -d)])
    if steps == 1:
        array[:] = first
    return finish(Tensor._of(array.astype(wanted.array_dtype, copy=False)), **options)


def _rounded_once(a: Any, i: Array, d: Any) -> Array:
    """a + i * d in float64 as one operation, as processors have it: with the rounding errors of both put back.

    Source: Dekker 1971, "A floating-point technique for extending the available precision".
    """
    high = d * 134217729.0 - (d * 134217729.0 - d)  # 26 of d's bits, and the other 26: i has fewer than that
    low = d - high
    product = i * d
    lost = i * high - product + i * low
    total = a + product
    back = total - a
    return total + (lost + (a - (total - back)) + (product - back))


def logspace(
    start: Any, end: Any, steps: int, base: float = 10.0, *, dtype: dtype | None = None, **options: Any
) -> Tensor:
    """base to the power of linspace(start, end, steps)."""
    wanted = dtype or dtypes.get_default_dtype()
    if _integral(wanted):
        start, end = int(start), int(end)
    exponents = linspace(start, end, steps, dtype=dtypes.float64, device=options.pop("device", None)).array
    return finish(Tensor._of((base**exponents).astype(wanted.array_dtype)), **options)


def eye(n: int, m: int | None = None, *, dtype: dtype | None = None, device: Any = None, **options: Any) -> Tensor:
    """(n, m) with 1 on the diagonal and 0 elsewhere; m is n unless given."""
    if n < 0 or (m is not None and m < 0):
        raise RuntimeError(f"n must be greater or equal to 0, got {n if n < 0 else m}")
    wanted = (dtype or dtypes.get_default_dtype()).array_dtype
    return finish(Tensor._of(xp_for(as_device(device)).eye(n, m, dtype=wanted)), **options)


def vander(x: Tensor, N: int | None = None, increasing: bool = False) -> Tensor:
    """The powers of each element of a vector, a row for each: from N - 1 down to 0, or increasing."""
    if x.array.ndim != 1:
        raise RuntimeError(f"x must be a one-dimensional tensor, this one has {x.array.ndim} dims")
    powers = np.arange(x.array.size if N is None else N)
    exponents = Tensor._of(xp_of(x.array).asarray(powers if increasing else powers[::-1].copy()))
    return x.unsqueeze(-1) ** (exponents.to(x.dtype) if x.dtype.is_floating_point else exponents)


def _triangle(keep: str) -> Any:
    def make(
        row: int, col: int, offset: int = 0, *, dtype: dtype = dtypes.int64, device: Any = None, **options: Any
    ) -> Tensor:
        if row < 0 or col < 0:
            raise RuntimeError(f"{'row' if row < 0 else 'col'} must be non-negative, got {min(row, col)}")
        pairs = getattr(xp_for(as_device(device)), keep)(row, offset, col)
        return finish(Tensor._of(xp_of(pairs[0]).stack(pairs).astype(dtype.array_dtype)), **options)

    make.__name__ = make.__qualname__ = keep
    return make


tril_indices, triu_indices = _triangle("tril_indices"), _triangle("triu_indices")
tril_indices.__doc__ = "(2, n): rows and columns of the elements on and below a diagonal of a row x col matrix."
triu_indices.__doc__ = "(2, n): rows and columns of the elements on and above a diagonal of a row x col matrix."


# --- from something that exists ---


def as_tensor(data: Any, dtype: dtype | None = None, device: Any = None) -> Tensor:
    """A tensor of data, without a copy where it is a tensor or an array that fits; a tensor stays in its graph."""
    if isinstance(data, Tensor):
        return data.to(data.device if device is None else device, dtype or data.dtype)
    where = device_of(data) if device is None and hasattr(data, "__cuda_array_interface__") else as_device(device)
    return Tensor._of(array_of(data, dtype, where, copy=False))


def asarray(
    obj: Any, *, dtype: dtype | None = None, device: Any = None, copy: bool | None = None, requires_grad: bool = False
) -> Tensor:
    """as_tensor() with a say on copying: None where needed, True always, False never (ValueError if needed)."""
    if not isinstance(obj, Tensor) and hasattr(obj, "__dlpack__") and not isinstance(obj, ndarray):
        obj = from_dlpack(obj)
    made = as_tensor(obj, dtype, device)
    source = obj.array if isinstance(obj, Tensor) else obj if isinstance(obj, ndarray) else None
    shared = source is not None and made.array is source
    if copy is False and not shared:
        raise ValueError("can't alias object, which would need a copy; leave copy=None")
    if isinstance(obj, Tensor) and not requires_grad and obj.requires_grad:
        made = made.detach()
    if copy and shared:
        made = Tensor._of(made.array.copy(), None)
    if requires_grad and isinstance(obj, Tensor) and not copy and shared:
        made = obj if obj.requires_grad else obj.detach()
    return wanting(made) if requires_grad else made


def from_numpy(ndarray: np.ndarray) -> Tensor:
    """A tensor that shares the memory of a NumPy array; TypeError for anything else."""
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type(ndarray).__name__})")
    if any(s < 0 for s in ndarray.strides):
        raise ValueError(
            "At least one stride in the given numpy array is negative, and tensors with negative strides are not "
            "currently supported. (You can probably work around this by making a copy of your array with "
            "array.copy().)"
        )
    dtypes.of(ndarray.dtype)
    if not ndarray.flags.writeable:
        warn(
            "The given NumPy array is not writable, and PyTorch does not support non-writable tensors: writing to this "
            "tensor fails. You may want to copy the array."
        )
    return Tensor._of(ndarray)


def from_dlpack(ext_tensor: Any) -> Tensor:
    """A tensor that shares the memory of another library's, given as anything with __dlpack__."""
    if not hasattr(ext_tensor, "__dlpack__"):
        raise TypeError(f"expected an object with __dlpack__, got {type(ext_tensor).__name__}")
    if isinstance(ext_tensor, Tensor):
        return Tensor._of(ext_tensor.detach().array)
    on_host = not hasattr(ext_tensor, "__dlpack_device__") or int(ext_tensor.__dlpack_device__()[0]) == 1
    return Tensor._of((np if on_host else xp_for(as_device("cuda"))).from_dlpack(ext_tensor))


def frombuffer(buffer: Any, *, dtype: dtype, count: int = -1, offset: int = 0, requires_grad: bool = False) -> Tensor:
    """The bytes of a buffer as a vector, without a copy."""
    try:
        array = np.frombuffer(buffer, dtype.array_dtype, count, offset)
    except TypeError:
        raise ValueError("object does not implement Python buffer protocol.") from None
    return finish(Tensor._of(array), requires_grad)


def scalar_tensor(s: Any, *, dtype: dtype | None = None, device: Any = None, **options: Any) -> Tensor:
    """A number as a tensor without dims, of the default dtype unless one is given."""
    return full((), s, dtype=dtype or dtypes.get_default_dtype(), device=device, **options)


def empty_strided(
    size: Sequence[int], stride: Sequence[int], *, dtype: dtype | None = None, device: Any = None, **options: Any
) -> Tensor:
    """Whatever was in memory, laid out with these strides."""
    shape, strides = checked(tuple(size)), tuple(stride)
    if len(shape) != len(strides):
        raise RuntimeError(
            f"dimensionality of sizes ({len(shape)}) must match dimensionality of strides ({len(strides)})"
        )
    wanted = (dtype or dtypes.get_default_dtype()).array_dtype
    xp = xp_for(as_device(device))
    reach = 1 + sum([(n - 1) * s for n, s in zip(shape, strides, strict=True)]) if 0 not in shape else 0
    steps = tuple([s * wanted.itemsize for s in strides])
    return finish(Tensor._of(xp.lib.stride_tricks.as_strided(xp.empty(reach, wanted), shape, steps)), **options)


def new_empty_strided(x: Tensor, size: Sequence[int], stride: Sequence[int], **options: Any) -> Tensor:
    """empty_strided() of the dtype and device of x, unless others are given."""
    return empty_strided(size, stride, **{"dtype": x.dtype, "device": x.device, **options})


def empty_permuted(size: Sequence[int], physical_layout: Sequence[int], **options: Any) -> Tensor:
    """Whatever was in memory, its dims lying in memory in the order of physical_layout, the last one closest."""
    if sorted(physical_layout) != list(builtins.range(len(size))):
        raise RuntimeError(
            f"Number of dimensions in size ({len(size)}) does not match the permutation {list(physical_layout)}"
        )
    strides, step = [0] * len(size), 1
    for d in reversed(physical_layout):
        strides[d], step = step, step * max(size[d], 1)
    return empty_strided(size, strides, **options)


# --- questions ---


def numel(input: Tensor) -> int:
    """The number of elements."""
    return input.array.size


def is_tensor(obj: Any) -> bool:
    return isinstance(obj, Tensor)


def is_floating_point(input: Tensor) -> bool:
    return input.dtype.is_floating_point


def is_complex(input: Tensor) -> bool:
    return input.dtype.is_complex


def is_nonzero(input: Tensor) -> bool:
    """Whether the only element isn't 0; RuntimeError if there are more, or none."""
    return bool(input)


# --- legacy constructors ---


class _Legacy:
    """FloatTensor(2, 3) is empty, FloatTensor([1, 2]) holds data; isinstance(x, FloatTensor) asks for the dtype."""

    def __init__(self, name: str, d: dtype) -> None:
        self.name, self.dtype = name, d

    def __call__(self, *data: Any, device: Any = None) -> Tensor:
        return Tensor._of(of_sizes_or_data(data, self.dtype, as_device(device)))

    def __instancecheck__(self, x: Any) -> bool:
        return isinstance(x, Tensor) and x.dtype is self.dtype

    def __repr__(self) -> str:
        return f"<class '{self.name}'>"


(
    BoolTensor, ByteTensor, CharTensor, ShortTensor, IntTensor, LongTensor, HalfTensor, FloatTensor, DoubleTensor,
) = (
    _Legacy(f"torch.{TYPE_NAMES[d.name]}", d)
    for d in (
        dtypes.bool_, dtypes.uint8, dtypes.int8, dtypes.int16, dtypes.int32, dtypes.int64,
        dtypes.float16, dtypes.float32, dtypes.float64,
    )
)  # fmt: skip

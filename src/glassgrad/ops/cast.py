"""Converting to another dtype or device."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from typing import Any

from ..core import dtypes
from ..core.backend import Array, as_device, device_of, to_device
from ..core.op import op
from ..core.tensor import Tensor
from .formats import preserve_format
from .shape import contiguous

SHORT = {
    "bool": "bool", "byte": "uint8", "char": "int8", "short": "int16", "int": "int32", "long": "int64",
    "half": "float16", "bfloat16": "bfloat16", "float": "float32", "double": "float64",
    "cfloat": "complex64", "cdouble": "complex128",
}  # fmt: skip

__all__: list[str] = []
METHODS: tuple[str, ...] = ("to", "type_as", *SHORT)
IN_PLACE: tuple[str, ...] = ()


@op(jvp="linear")
def cast(x: Array, *, dtype: Any, source: Any) -> Array:
    """x as `dtype`; `source` is the dtype x has, to which the gradient returns. Both are glassgrad dtypes."""
    if source.is_complex and not dtype.is_complex and dtype is not dtypes.bool_:
        x = x.real
    return x.astype(dtype.array_dtype)


cast.vjp(x=lambda g, dtype, source: cast(g, dtype=source, source=dtype))


@op(jvp="linear")
def move(x: Array, *, device: Any) -> Array:
    return to_device(x, device)


move.vjp(x=lambda g, x: move(g, device=device_of(getattr(x, "array", x))))


def to(
    input: Tensor,
    *target: Any,
    dtype: Any = None,
    device: Any = None,
    non_blocking: builtins.bool = False,
    copy: builtins.bool = False,
    memory_format: Any = None,
) -> Tensor:
    """input in another dtype or on another device: to(dtype), to(device), to(device, dtype), to(other tensor).

    The tensor itself if there is nothing to change, unless copy. memory_format: how the result lies in memory.
    non_blocking changes nothing here. Raises TypeError for anything else.
    """
    flags = [what for what in target if isinstance(what, builtins.bool)]  # non_blocking, copy: by position
    copy = copy or len(flags) > 1 and flags[1]
    for what in target:
        if isinstance(what, Tensor):
            dtype, device = what.dtype, what.device
        elif isinstance(what, dtypes.dtype):
            dtype = what
        elif what is not None and not isinstance(what, builtins.bool):
            device = what
    if dtype is not None and not isinstance(dtype, dtypes.dtype):
        raise TypeError(
            f"to() received an invalid combination of arguments: {dtype!r} is no dtype; "
            "write for example x.to(glassgrad.float64)"
        )
    made = input
    if device is not None:
        where = as_device(device)
        if where.type != input.device.type or where.index not in (None, input.device.index):
            made = move(made, device=where)
    if dtype is not None and dtype is not input.dtype:
        made = cast(made, dtype=dtype, source=input.dtype)
    if memory_format is not None and memory_format is not preserve_format:
        made = contiguous(made, memory_format)
    return made.clone() if copy and made is input else made


def type_as(input: Tensor, other: Tensor) -> Tensor:
    """input in the dtype of other, on its device."""
    return to(input, other)


def _converting(name: str) -> Callable[[Tensor], Tensor]:
    def convert(input: Tensor, memory_format: Any = None) -> Tensor:
        return to(input, dtype=dtypes.named(name), memory_format=memory_format)

    convert.__doc__ = f"input as {name}."
    return convert


bool, byte, char, short, int, long, half, bfloat16, float, double, cfloat, cdouble = map(_converting, SHORT.values())

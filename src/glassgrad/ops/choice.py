"""Comparison and choice: which of two is larger, what to take where, and what is kept within bounds.

One line each where possible: the function, and beside it the derivative. Where a derivative doesn't exist it is
PyTorch's choice. Integers meet floats as PyTorch's promotion says; operands of different shapes broadcast.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.backend import Array, ndarray, xp_of
from ..core.dtypes import bool_, can_cast, result_type
from ..core.fast import PYTHON, binary, broadcast_error, given, meet, refused, unary
from ..core.graph import as_array
from ..core.native import engine
from ..core.op import op
from ..core.tensor import Tensor
from ..core.titles import titled
from .shape import expand

__all__ = [
    "allclose", "clamp", "clamp_max", "clamp_min", "clip", "eq", "equal", "fmax", "fmin", "ge", "greater",
    "greater_equal", "gt", "heaviside", "isclose", "isfinite", "isinf", "isnan", "isneginf", "isposinf", "le", "less",
    "less_equal", "logical_and", "logical_not", "logical_or", "logical_xor", "lt", "masked_fill", "maximum",
    "minimum", "ne", "not_equal", "where",
]  # fmt: skip
METHODS: tuple[str, ...] = tuple(name for name in __all__ if name != "where")
IN_PLACE: tuple[str, ...] = tuple(
    name for name in METHODS
    if name not in ("allclose", "equal", "maximum", "minimum", "fmax", "fmin") and not name.startswith("is")
)  # fmt: skip

# --- what the declarations share ---

_zero = unary("zeros_like", "zero_gradient")  # constants have one, steps have it almost everywhere


def _flat(g: Any) -> Any:
    return _zero(g)


def broadcast(*operands: Any) -> list[Any]:
    """The tensors among the operands expanded to their common shape, the numbers as they are."""
    shapes = [x.shape for x in operands if hasattr(x, "shape")]
    if all_same(shapes):
        return list(operands)
    try:
        shape = np.broadcast_shapes(*shapes)
    except ValueError:
        pairs = ((a, b) for a in operands for b in operands if hasattr(a, "shape") and hasattr(b, "shape"))
        raise next(broadcast_error(a, b) for a, b in pairs if not _fit(a.shape, b.shape)) from None
    return [expand(x, shape=shape) if isinstance(x, Tensor) and x.shape != shape else x for x in operands]


def all_same(items: list[Any]) -> bool:
    return items.count(items[0]) == len(items)


def _fit(s: tuple[int, ...], t: tuple[int, ...]) -> bool:
    return all(m == n or 1 in (m, n) for m, n in zip(reversed(s), reversed(t)))  # noqa: B905


def _like(dtype: Any, *operands: Any) -> list[Any]:
    """The tensors among the operands in this dtype."""
    return [x.to(dtype) if isinstance(x, Tensor) and x.dtype is not dtype else x for x in operands]


def _raw(x: Any) -> Any:
    return x.array if isinstance(x, Tensor) else x


# --- comparison ---

eq = binary("equal", "eq", numbers="other")
ne = binary("not_equal", "ne", numbers="other")
lt = binary("less", "lt", numbers="other")
le = binary("less_equal", "le", numbers="other")
gt = binary("greater", "gt", numbers="other")
ge = binary("greater_equal", "ge", numbers="other")

isnan: Any = unary("isnan")
isinf = unary("isinf")
isfinite: Any = unary("isfinite")
isposinf = unary("isposinf")
isneginf = unary("isneginf")


def equal(input: Any, other: Any) -> bool:
    """Whether the two tensors have the same shape and the same elements."""
    a, b = _raw(input), _raw(other)
    return a.shape == b.shape and bool((a == b).all())


def isclose(input: Any, other: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Any:
    """|input - other| <= atol + rtol * |other|, elementwise; equal infinities are close."""
    for name, x in (("input", input), ("other", other)):
        if x.__class__ in PYTHON:
            raise refused("isclose", name, x)
    if input.dtype is not other.dtype:
        raise RuntimeError(f"{input.dtype} did not match {other.dtype}: convert one with .to() first")
    if rtol < 0 or atol < 0:
        raise RuntimeError(f"rtol and atol must be greater than or equal to zero, but got {rtol} and {atol}")
    a, b = input.array, other.array
    if a.dtype.kind in "iub":
        a, b = a.astype(np.float64), b.astype(np.float64)
    gap = np.absolute(a - b)
    close = (a == b) | (np.isfinite(gap) & (gap <= atol + np.absolute(rtol * b)))
    return Tensor._of(as_array(close | (np.isnan(a) & np.isnan(b)) if equal_nan else close))


def allclose(input: Any, other: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> bool:
    return bool(isclose(input, other, rtol, atol, equal_nan).array.all())


logical_and = binary("logical_and", numbers="none")
logical_or = binary("logical_or", numbers="none")
logical_xor = binary("logical_xor", numbers="none")
logical_not = unary("logical_not")

# --- choice ---


BITS = {2: np.int16, 4: np.int32, 8: np.int64}


def choose(condition: Array, x: Any, other: Any) -> Array:
    """np.where; for floats by bit masks, which take the same time for every mask (branches guess random ones wrong)."""
    if engine is not None and (made := engine.choose(condition, x, other)) is not None:
        return made
    like = x if type(x) is ndarray else other
    if type(like) is not ndarray or like.size < 512 or like.dtype.kind != "f" or type(condition) is not ndarray:
        return np.where(condition, x, other)
    if condition.shape != like.shape or condition.dtype.kind != "b":
        return np.where(condition, x, other)
    bits = BITS[like.itemsize]
    if type(other) is int and other == 0:
        mask = np.negative(condition.astype(bits))
        return np.bitwise_and(mask, x.view(bits), mask).view(x.dtype)
    if type(x) is int and x == 0:
        mask = condition.astype(bits)
        mask -= 1
        return np.bitwise_and(mask, other.view(bits), mask).view(other.dtype)
    if type(x) is not type(other) or x.dtype != other.dtype or x.shape != other.shape:
        return np.where(condition, x, other)
    mask = np.negative(condition.astype(bits))
    rest = other.view(bits)
    mask &= x.view(bits) ^ rest
    mask ^= rest
    return mask.view(x.dtype)


@op(jvp="elementwise")
def where_(condition: Array, x: Array, other: Array) -> Array:
    return choose(condition, x, other)


where_.op.analytic = True
where_.vjp(
    condition=None,
    x=lambda g, condition: where(condition, g, 0),
    other=lambda g, condition: where(condition, 0, g),
)


def where(condition: Any, input: Any = None, other: Any = None, *, out: Any = None) -> Any:
    """input where condition is true, other elsewhere; tensors or numbers, broadcast.

    What isn't chosen gets the gradient zero, also where its own value is NaN. With the condition alone: the
    indices at which it is true, one tensor for each dim.
    Raises RuntimeError when the condition isn't bool.
    """
    if input is None and other is None:
        from .gather import nonzero

        return nonzero(condition, as_tuple=True)
    if not (isinstance(condition, Tensor) or isinstance(input, Tensor) or isinstance(other, Tensor)):
        return choose(condition, input, other)
    mask = condition if isinstance(condition, Tensor) else Tensor._of(as_array(condition))
    if mask.array.dtype.kind != "b":
        if mask.dtype.name != "uint8":
            raise RuntimeError(
                f"where expected condition to be a boolean tensor, but got a tensor with dtype {mask.dtype}: "
                "compare first, for example x != 0"
            )
        mask = mask.to(bool_)
    x, y, _, _ = meet(input, other)
    return given(out, where_(*broadcast(mask, x, y)))


def where_method(self: Tensor, condition: Any, other: Any) -> Any:
    """self where condition is true, other elsewhere."""
    return where(condition, self, other)


@titled(lambda input, mask, value: f"MaskedFillBackward{int(isinstance(value, Tensor))}")
def masked_fill(input: Any, mask: Any, value: Any) -> Any:
    """value where mask is true, input elsewhere; the gradient of those elements goes to value.

    Raises RuntimeError when the mask isn't bool, or the value has dimensions.
    """
    if isinstance(input, ndarray):
        return where(mask, value, input)
    if mask.dtype is not bool_:
        raise RuntimeError(f"masked_fill_ only supports boolean masks, but got mask with dtype {mask.dtype}")
    if isinstance(value, Tensor):
        if value.array.ndim:
            raise RuntimeError(
                "masked_fill_ only supports a 0-dimensional value tensor, "
                f"but got tensor with {value.array.ndim} dimension(s)."
            )
        if not can_cast(value.dtype, input.dtype):
            raise RuntimeError(f"value cannot be converted to type {input.dtype} without overflow")
        value = value.to(input.dtype)
    else:
        dtype, held = input.array.dtype, number_for(input.array, value)
        # a NumPy number where there is one of the dtype: an array of no dims would change the result's layout
        value = Tensor._of(xp_of(input.array).full((), held, dtype)) if dtype.kind == "V" else dtype.type(held)
    return where(mask, value, input)


C_NAMES = {
    "float16": "c10::Half", "bfloat16": "c10::BFloat16", "float32": "float", "float64": "double", "int32": "int",
}  # fmt: skip


def number_for(array: Array, value: Any) -> Any:
    """value as the array's dtype holds it; RuntimeError where it can't. Of unsigned ones, negative numbers wrap."""
    kind, dtype = array.dtype.kind, array.dtype
    value = value.item() if isinstance(value, np.generic) else value
    held = value
    if kind in "iu":
        limits = np.iinfo(dtype)
        fits = (limits.min or -limits.max) <= value <= limits.max
        held = int(value) % (limits.max + 1) if fits and kind == "u" else int(value) if fits else None
    elif value.__class__ is complex and kind != "c":
        fits = False
    else:
        fits = kind not in "fV" or not math.isfinite(value) or bool(np.isfinite(np.asarray(value).astype(dtype)))
    if not fits:
        name = C_NAMES.get(dtype.name, f"{dtype.name}_t")
        raise RuntimeError(f"value cannot be converted to type {name} without overflow: {value}")
    return held


# --- the larger and the smaller ---


def _wins(g: Any, loses: Any, ties: Any) -> Any:
    """g where this operand is the result, half of it at a tie, nothing where it loses."""
    return where(loses, 0, where(ties, g / 2, g))


maximum = binary(
    "maximum",
    numbers="none",
    x=lambda g, x, other: _wins(g, x < other, x == other),
    other=lambda g, x, other: _wins(g, other < x, x == other),
)
minimum = binary(
    "minimum",
    numbers="none",
    x=lambda g, x, other: _wins(g, x > other, x == other),
    other=lambda g, x, other: _wins(g, other > x, x == other),
)
fmax = binary(
    "fmax",
    numbers="none",
    x=lambda g, x, other: where((x >= other) | isnan(other), g, 0),
    other=lambda g, x, other: where((x >= other) | isnan(other), 0, g),
)
fmin = binary(
    "fmin",
    numbers="none",
    x=lambda g, x, other: where((x <= other) | isnan(other), g, 0),
    other=lambda g, x, other: where((x <= other) | isnan(other), 0, g),
)


@op(jvp="elementwise")
def clamp(x: Array, low: Any, high: Any) -> Array:
    y = x if low is None else np.maximum(x, low)
    y = y if high is None else np.minimum(y, high)
    return y.astype(x.dtype, copy=False)  # bfloat16 with a Python float gives float32


def _within(x: Any, low: Any, high: Any) -> Any:
    if low is None or high is None:
        return x <= high if low is None else x >= low
    return (x >= low) & (x <= high)


clamp.vjp(
    x=lambda g, x, low, high: where(_within(x, low, high), g, 0),
    low=lambda g, x, low, high: where((x < low) if high is None else (x < low) & (low < high), g, 0),
    high=lambda g, x, low, high: where((x > high) if low is None else (x > high) | (high < low), g, 0),
)


clamp.op.node_name = "ClampBackward1"  # as with numbers for bounds


@clamp.public
def _(input: Any, min: Any = None, max: Any = None) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """input limited to [min, max], numbers or tensors, either of which may be left out.

    Raises RuntimeError when both are left out.
    """
    if input.__class__ in PYTHON:
        raise refused("clamp", "input", input)
    if min is None and max is None:
        raise RuntimeError("torch.clamp: At least one of 'min' or 'max' must not be None")
    bounds = [b for b in (min, max) if b is not None]
    common = result_type(*[_raw(b) for b in (input, *bounds)])
    x, low, high = _like(common, input, min, max)
    return tuple(broadcast(x, low, high)), {}


@titled("ClampMinBackward0")
def clamp_min(input: Any, min: Any, *, out: Any = None) -> Any:
    """The larger of input and min, a number or a tensor."""
    return given(out, clamp(input, min, None))


@titled("ClampMaxBackward0")
def clamp_max(input: Any, max: Any, *, out: Any = None) -> Any:
    """The smaller of input and max, a number or a tensor."""
    return given(out, clamp(input, None, max))


def _heaviside(x: Array, other: Array) -> Array:
    return np.where(x == 0, other, x > 0).astype(np.result_type(x, other), copy=False)


_step = binary(_heaviside, "heaviside", numbers="none")


def heaviside(input: Any, values: Any, *, out: Any = None) -> Any:
    """0 where input is negative or NaN, 1 where positive, `values` where it is 0.

    Raises RuntimeError for tensors of different dtypes.
    """
    if isinstance(input, Tensor) and isinstance(values, Tensor) and input.dtype is not values.dtype:
        raise RuntimeError(
            "heaviside is not yet implemented for tensors with different dtypes: "
            f"convert {input.dtype} or {values.dtype} with .to()"
        )
    return _step(input, values, out=out)


# --- other names ---

not_equal, less, less_equal, greater, greater_equal = ne, lt, le, gt, ge
clip = clamp

"""assert_close: whether tensors, numbers and what holds them say the same, as torch.testing."""

from __future__ import annotations

import cmath
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from .core.dtypes import bool_, dtype, int64
from .core.dtypes import promote_types as promoted
from .core.tensor import Tensor
from .ops.create import as_tensor

__all__ = ["assert_close"]

# dtype: (rtol, atol); any other has to be equal
TOLERANCES = {
    "float16": (1e-3, 1e-5), "bfloat16": (1.6e-2, 1e-5), "float32": (1.3e-6, 1e-5), "float64": (1e-7, 1e-7),
    "complex64": (1.3e-6, 1e-5), "complex128": (1e-7, 1e-7),
}  # fmt: skip
NUMBERS = {float: "float64", complex: "complex128"}


def assert_close(
    actual: Any,
    expected: Any,
    *,
    allow_subclasses: bool = True,
    rtol: float | None = None,
    atol: float | None = None,
    equal_nan: bool = False,
    check_device: bool = True,
    check_dtype: bool = True,
    check_layout: bool = True,
    check_stride: bool = False,
    msg: str | Callable[[str], str] | None = None,
) -> None:
    """AssertionError unless |actual - expected| <= atol + rtol * |expected| everywhere; tensors, numbers, None, or
    sequences and mappings of them.

    rtol, atol: both or neither; by default what the dtype can hold. msg: instead of the text, or made from it.
    """
    if (rtol is None) != (atol is None):
        left_out = "rtol" if rtol is None else "atol"
        raise ValueError(f"Both 'rtol' and 'atol' must be either specified or omitted, but got no {left_out}.")
    tolerances = None if rtol is None or atol is None else (rtol, atol)
    checks = {"layout": check_layout, "device": check_device, "dtype": check_dtype, "stride": check_stride}

    def compare(a: Any, b: Any) -> str:
        if a is None and b is None:
            return ""
        if _both(bool | np.bool_, a, b):
            return "" if a == b else f"Booleans mismatch: {a} is not {b}"
        if _both(int | float | complex, a, b):
            if check_dtype and type(a) is not type(b):
                return f"The (d)types do not match: {type(a)} != {type(b)}."
            kinds = [NUMBERS.get(type(v), "") for v in (a, b)]
            return _numbers(a, b, *(tolerances or _of(*kinds)), equal_nan)
        related = isinstance(a, type(b)) or isinstance(b, type(a))
        if related and _both(Tensor | np.ndarray, a, b) and (allow_subclasses or type(a) is type(b)):
            return _tensors(as_tensor(a), as_tensor(b), tolerances, equal_nan, checks)
        raise TypeError(f"No comparison pair was able to handle inputs of type {type(a)} and {type(b)}.")

    def walk(a: Any, b: Any, where: str) -> None:
        if _both(Sequence, a, b) and not isinstance(a, str) and not isinstance(b, str):
            keys: Any = range(len(a))
            found = "" if len(a) == len(b) else f"The length of the sequences mismatch: {len(a)} != {len(b)}"
        elif _both(Mapping, a, b):
            keys, absent, more = a.keys(), sorted(b.keys() - a.keys()), sorted(a.keys() - b.keys())
            found = "" if not absent and not more else (
                "The keys of the mappings do not match:\n"
                f"Missing keys in the actual mapping: {absent}\nAdditional keys in the actual mapping: {more}"
            )  # fmt: skip
        else:
            keys, found = (), compare(a, b)
        if found:
            found += f"\n\nThe failure occurred for item {where}" if where else ""
            raise AssertionError(found if msg is None else msg if isinstance(msg, str) else msg(found))
        for key in keys:
            walk(a[key], b[key], f"{where}[{key!r}]")

    walk(actual, expected, "")


def _both(kinds: Any, a: Any, b: Any) -> bool:
    return isinstance(a, kinds) and isinstance(b, kinds)


def _of(*names: str) -> tuple[float, float]:
    """The widest tolerances of these dtypes."""
    given = [TOLERANCES.get(name, (0.0, 0.0)) for name in names]
    return max(rtol for rtol, _ in given), max(atol for _, atol in given)


def _allowed(tolerance: float, exact: bool) -> str:
    return "" if exact else f" (up to {tolerance} allowed)"


def _numbers(a: Any, b: Any, rtol: float, atol: float, equal_nan: bool) -> str:
    exact = rtol == atol == 0
    difference = abs(a - b)
    same_nan = equal_nan and cmath.isnan(a) and cmath.isnan(b)
    if same_nan or a == b or difference <= atol + rtol * abs(b) and difference != float("inf"):
        return ""
    relative = difference / abs(b) if b != 0 else float("inf")
    return (
        f"Scalars are not {'equal' if exact else 'close'}!\n\nExpected {b} but got {a}.\n"
        f"Absolute difference: {difference}{_allowed(atol, exact)}\n"
        f"Relative difference: {relative}{_allowed(rtol, exact)}"
    )


def _tensors(a: Tensor, b: Tensor, tolerances: Any, equal_nan: bool, checks: dict[str, bool]) -> str:
    seen = {"shape": (a.shape, b.shape), "layout": (a.layout, b.layout), "device": (a.device, b.device)}
    seen |= {"dtype": (a.dtype, b.dtype), "stride": (a.stride(), b.stride())}
    for name, (left, right) in seen.items():
        if checks.get(name, True) and left != right:
            return f"The values for attribute {name!r} do not match: {left} != {right}."
    rtol, atol = tolerances or _of(a.dtype.name, b.dtype.name)
    a, b = (x.detach().to(b.device, _compared(promoted(a.dtype, b.dtype))) for x in (a, b))
    matches = a.isclose(b, rtol=rtol, atol=atol, equal_nan=equal_nan)
    if matches.all():
        return ""
    if not a.shape:
        return _numbers(a.item(), b.item(), rtol, atol, equal_nan)
    exact = rtol == atol == 0
    wrong, size = int((~matches).sum()), matches.numel()
    difference = (a - b).abs()
    greatest = []
    for kind, values, tolerance in (("absolute", difference, atol), ("relative", difference / b.abs(), rtol)):
        values = values.masked_fill(matches, 0)
        at = int(values.argmax())
        index = tuple(int(i) for i in np.unravel_index(at, tuple(a.shape)))
        value = values.flatten()[at].item()
        greatest.append(f"Greatest {kind} difference: {value} at index {index}{_allowed(tolerance, exact)}")
    return (
        f"Tensor-likes are not {'equal' if exact else 'close'}!\n\n"
        f"Mismatched elements: {wrong} / {size} ({wrong / size:.1%})\n" + "\n".join(greatest)
    )


def _compared(kind: dtype) -> dtype:
    return int64 if kind == bool_ or not (kind.is_floating_point or kind.is_complex) else kind

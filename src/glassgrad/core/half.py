"""Half precision computes in float32 and rounds once, at the end, as PyTorch does."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from .keywords import given

FLOAT32 = np.dtype("float32")


def is_half(x: Any) -> bool:
    """Whether x is an array of float16 or bfloat16 (whose kind is "V")."""
    d = getattr(x, "dtype", None)
    return d is not None and d.itemsize == 2 and getattr(d, "kind", "") in ("f", "V")


def half_in_float32(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function of arrays, which are converted before and its float32 results after, where one of them is half."""

    @functools.wraps(function)
    def wide(*arrays: Any, **options: Any) -> Any:
        for x in arrays:
            d = getattr(x, "dtype", None)  # most of is_half without a call: this stands in front of every operation
            if d is not None and d.itemsize == 2 and is_half(x):
                break
        else:
            return function(*arrays, **options)
        y = function(*[a.astype(FLOAT32) if is_half(a) else a for a in arrays], **options)
        return tuple([_narrow(v, x.dtype) for v in y]) if isinstance(y, tuple) else _narrow(y, x.dtype)

    return wide


def _narrow(y: Any, dtype: Any) -> Any:
    return y.astype(dtype) if getattr(y, "dtype", None) == FLOAT32 else y


def tensors_in_float32(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function of tensors, which are converted before and its results after, where the first of them is half."""

    @functools.wraps(function)
    def wide(x: Any, *others: Any, **options: Any) -> Any:
        if not is_half(getattr(x, "array", None)):
            return function(x, *others, **options)
        out = options.pop("out", None)
        y = function(*map(_widened, (x, *others)), **{name: _widened(a) for name, a in options.items()})
        return tuple([v.to(x.dtype) for v in y]) if isinstance(y, tuple) else given(out, y.to(x.dtype))

    return wide


def _widened(a: Any) -> Any:
    return a.float() if is_half(getattr(a, "array", None)) else a

"""How large a gradient is, whatever it is: a float, an array, the Parts of several outputs, a sparse one's Places."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...core.backend import to_host
from ...core.batched import whole
from ...core.tensor import Tensor
from ...scalar import Value
from ..canvas import short


def on_host(x: Tensor) -> Any:
    return to_host(x.to_dense().array if x.is_sparse else x.array)


def value_of(x: Any) -> Any:
    return x.data if isinstance(x, Value) else on_host(x)


def numbers(x: Any) -> np.ndarray[Any, Any]:
    """All of its numbers, as an array of floats; none of None and of what has no floats."""
    x = whole(x)
    if hasattr(x, "parts"):
        return np.concatenate([np.zeros(0), *(numbers(part).reshape(-1) for part in x.parts.values())])
    found = np.asarray(on_host(x.sparse) if hasattr(x, "sparse") else to_host(x) if hasattr(x, "dtype") else x)
    if found.dtype.kind not in "fcV":
        return np.zeros(0)
    return found.astype(np.float32) if found.dtype.itemsize < 4 else found  # halves


def biggest(x: Any) -> float:
    """The largest size of an entry; NaN where one is no number."""
    found = numbers(x)
    return float(np.abs(found).max()) if found.size else 0.0


def size_of(x: Any) -> float:
    """The norm."""
    return float(np.sqrt(np.square(np.abs(numbers(x)), dtype=np.float64).sum()))


def rms(x: Any) -> float:
    return size_of(x) / math.sqrt(max(1, numbers(x).size))


def total(x: Any) -> float:
    """The size of one number; of several NaN or infinity where one of them is, else 0."""
    found = numbers(x)
    if found.size == 1:
        return float(np.abs(found.reshape(-1)[0]))
    return math.nan if np.isnan(found).any() else math.inf if np.isinf(found).any() else 0.0


def describe(g: Any) -> str:
    if np.size(g) == 1:
        return short(float(np.asarray(g).reshape(-1)[0].real))
    big = biggest(g)
    return f"nearly zero, at most {short(big)}" if big else "zero"


def holds(g: Any) -> str:
    x = numbers(g)
    if x.size == 1:
        return f"is {float(x.reshape(-1)[0].real)}"
    counts = ((int(np.isnan(x).sum()), "NaN"), (int(np.isinf(x).sum()), "infinite"))
    return f"holds {' and '.join(f'{n:,} {word}' for n, word in counts if n)} of {x.size:,} numbers"

"""An array in one line: a number as it is, else mean, deviation and a small histogram, and what is not finite."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from ..core.op import Parts
from .canvas import short

BARS = 16  # of a histogram
HIGH = 12  # of the highest bar
SAMPLE = 65_536  # of a larger array's numbers so many, evenly spread, make the histogram


class Row(NamedTuple):
    """A line in a box: a word, what it says, a histogram (heights up to HIGH), and whether something is wrong."""

    label: str
    text: str
    bars: tuple[int, ...] = ()
    wrong: bool = False


def row(label: str, value: Any) -> Row:
    """One line for whatever a vertex has as its value or gradient.

    >>> row("data", 6.0).text, row("data", np.zeros((0, 3))).text, row("grad", None).text
    ('6', 'empty', '–')
    >>> row("data", np.array([1.0, 3.0]))[:2]
    ('data', '2 ± 1')
    """
    if value is None:
        return Row(label, "–")
    if isinstance(value, Parts):
        return Row(label, f"of {len(value.parts)} output{'s' * (len(value.parts) != 1)}")
    if isinstance(value, float):
        return Row(label, short(value), wrong=not math.isfinite(value))
    x = on_host(value)
    with np.errstate(all="ignore"):  # sums of large numbers
        return Row(label, type(value).__name__) if x is None else _of_array(label, x)


def _of_array(label: str, x: np.ndarray[Any, Any]) -> Row:
    if x.size == 0:
        return Row(label, "empty")
    if x.dtype == bool:
        return Row(label, str(bool(x.reshape(-1)[0])) if x.size == 1 else f"{int(x.sum()):,} of {x.size:,} true")
    if x.dtype.kind == "c":
        if x.size == 1:
            return Row(label, f"{x.reshape(-1)[0]:.3g}", wrong=not bool(np.isfinite(x).all()))
        size = row(label, np.abs(x))
        return size._replace(text=f"|x| {size.text}")
    if x.size == 1:
        number = x.reshape(-1)[0].item()
        text = f"{number:,}" if isinstance(number, int) else short(number)
        return Row(label, text, wrong=not math.isfinite(number))
    if x.dtype.kind in "iu":
        return Row(label, f"{int(x.min()):,} … {int(x.max()):,}", histogram(x))
    return _of_floats(label, x)


def _of_floats(label: str, x: np.ndarray[Any, Any]) -> Row:
    if x.dtype.itemsize < 4:
        x = x.astype(np.float32)
    words = []
    if not np.isfinite(x.sum(dtype=np.float64)):
        finite = np.isfinite(x)
        nans, infinite = int(np.isnan(x).sum()), int(np.isinf(x).sum())
        words = [f"{count:,} {word}" for count, word in ((nans, "NaN"), (infinite, "inf")) if count]
        if words:
            words[-1] += f" of {x.size:,}"
        x = x[finite]
    if x.size:
        mean, std = float(x.mean(dtype=np.float64)), float(x.std(dtype=np.float64))
        words.append(f"{short(mean)} ± {short(std)}")
    return Row(label, ", ".join(words), histogram(x), wrong=len(words) > 1 or not x.size)


def histogram(x: np.ndarray[Any, Any]) -> tuple[int, ...]:
    """Heights from 0 to HIGH of equally wide bars from the least to the largest number; what is there is at least 1."""
    x = x.reshape(-1)
    x = x[:: max(1, x.size // SAMPLE)].astype(np.float64)
    if not x.size:
        return ()
    low, high = float(x.min()), float(x.max())
    width = high - low
    if not (width > 0 and math.isfinite(width)):
        return (*[0] * (BARS // 2), HIGH, *[0] * (BARS - BARS // 2 - 1))
    counts = np.bincount(np.minimum(((x - low) / width * BARS).astype(int), BARS - 1), minlength=BARS)
    return tuple(math.ceil(HIGH * int(c) / int(counts.max())) for c in counts)


def details(word: str, value: Any) -> str:
    """For a tooltip: the range as well."""
    x = on_host(value)
    if x is None or x.size < 2 or x.dtype.kind not in "fiu":
        one = row("", value)
        return f"{word}: {one.text}"
    x = x.astype(np.float64) if x.dtype.itemsize < 4 else x
    with np.errstate(all="ignore"):
        norm = short(float(np.sqrt(np.square(x, dtype=np.float64).sum()))) if x.dtype.kind == "f" else ""
        text = f"{word}: from {short(float(x.min()))} to {short(float(x.max()))}, mean {short(float(x.mean()))}"
        return text + (f", std {short(float(x.std()))}, norm {norm}" if norm else "")


def on_host(value: Any) -> np.ndarray[Any, Any] | None:
    """As NumPy's array of numbers, also from a GPU; None of what is none."""
    value = value.get() if hasattr(value, "get") and hasattr(value, "device") else value
    if isinstance(value, float | int | complex | np.generic):
        return np.asarray(value)
    if not isinstance(value, np.ndarray):
        return None
    return value if value.dtype.kind in "biufc" or value.dtype.name == "bfloat16" else None

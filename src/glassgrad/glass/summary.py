"""An array in one line: a number as it is, else mean, deviation and a small histogram, and what is not finite.

Where many are told, `measured` goes through them at once beforehand: those of one size are the rows of one array.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from ..core.op import Parts
from .canvas import short

BARS = 16  # of a histogram
HIGH = 12  # of the highest bar
SAMPLE = 65_536  # of a larger array's numbers so many, evenly spread, make the histogram
STACK = 1 << 20  # numbers that are measured at once


class Measures(NamedTuple):
    """Of finite numbers; bars as of `histogram`."""

    low: float
    high: float
    mean: float
    std: float
    norm: float
    bars: tuple[int, ...]


Known = Mapping[int, Measures]  # by the ids of arrays that somebody holds


class Row(NamedTuple):
    """A line in a box: a word, what it says, a histogram (heights up to HIGH), and whether something is wrong."""

    label: str
    text: str
    bars: tuple[int, ...] = ()
    wrong: bool = False


def row(label: str, value: Any, known: Known | None = None) -> Row:
    """One line for whatever a vertex has as its value or gradient.

    >>> row("data", 6.0).text, row("data", np.zeros((0, 3))).text, row("grad", None).text
    ('6', 'empty', '–')
    >>> row("data", np.array([1.0, 3.0]))[:2]
    ('data', '2 ± 1')
    """
    if isinstance(value, float):
        return Row(label, short(value), (), not math.isfinite(value))
    if value is None:
        return Row(label, "–")
    if isinstance(value, Parts):
        return Row(label, f"of {len(value.parts)} output{'s' * (len(value.parts) != 1)}")
    x = on_host(value)
    with np.errstate(all="ignore"):  # sums of large numbers
        return Row(label, type(value).__name__) if x is None else _of_array(label, x, known)


def _of_array(label: str, x: np.ndarray[Any, Any], known: Known | None) -> Row:
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
    return _of_floats(label, x, known)


def _of_floats(label: str, x: np.ndarray[Any, Any], known: Known | None) -> Row:
    found, words = measure(x, known), []
    if found is None:
        x = x.astype(np.float64)
        nans, infinite = int(np.isnan(x).sum()), int(np.isinf(x).sum())
        words = [f"{count:,} {word}" for count, word in ((nans, "NaN"), (infinite, "inf")) if count]
        words[-1] += f" of {x.size:,}"
        found = measure(x[np.isfinite(x)])
    wrong = bool(words)
    if found is not None:
        words.append(f"{short(found.mean)} ± {short(found.std)}")
    return Row(label, ", ".join(words), found.bars if found else (), wrong)


def measure(x: np.ndarray[Any, Any], known: Known | None = None) -> Measures | None:
    """None where there is no number, or one is not finite."""
    found = known.get(id(x)) if known else None
    if found is None and x.size:
        [found] = _measured(x.reshape(1, -1).astype(np.float64))
    return found


def measured(arrays: Iterable[Any]) -> dict[int, Measures]:
    """Those of the arrays of floats, all of whose numbers are finite; of others and of single numbers none."""
    alike: dict[Any, dict[int, Any]] = {}
    for x in arrays:
        if isinstance(x, np.ndarray) and x.dtype.kind == "f" and x.size > 1:
            alike.setdefault((x.size, x.dtype), {})[id(x)] = x
    found: dict[int, Measures] = {}
    for (size, _), some in alike.items():
        ids, rows, most = list(some), list(some.values()), max(1, STACK // size)
        for k in range(0, len(ids), most):
            stack = np.array([x.reshape(-1) for x in rows[k : k + most]], np.float64)
            known = zip(ids[k : k + most], _measured(stack), strict=True)
            found.update((key, measures) for key, measures in known if measures is not None)
    return found


def _measured(x: np.ndarray[Any, Any]) -> list[Measures | None]:
    """(k, n), in float64, n > 0 -> k Measures; None for a row that is not finite."""
    finite = np.isfinite(x).all(axis=1)
    x = x if finite.all() else np.where(finite[:, None], x, 0.0)
    with np.errstate(all="ignore"):  # sums of large numbers
        low, high, mean, std = x.min(1), x.max(1), x.mean(1), x.std(1)
        most = np.maximum(np.abs(low), np.abs(high))  # squares of large numbers would be infinite
        norm = most * np.sqrt(np.square(x / np.where(most, most, 1.0)[:, None]).sum(1))
    columns = [c.tolist() for c in (low, high, mean, std, norm)]
    rows = zip(finite.tolist(), *columns, _bars(x[:, :: max(1, x.shape[1] // SAMPLE)]), strict=True)
    return [Measures(*of_row) if is_finite else None for is_finite, *of_row in rows]


def histogram(x: np.ndarray[Any, Any]) -> tuple[int, ...]:
    """Heights from 0 to HIGH of equally wide bars from the least to the largest number; what is there is at least 1."""
    x = x.reshape(1, -1)[:, :: max(1, x.size // SAMPLE)].astype(np.float64)
    return _bars(x)[0] if x.size else ()


def _bars(x: np.ndarray[Any, Any]) -> list[tuple[int, ...]]:
    """(k, n) -> k histograms."""
    with np.errstate(all="ignore"):
        low = x.min(1, keepdims=True)
        width = x.max(1, keepdims=True) - low
        wide = (width > 0) & np.isfinite(width)
        shares = np.where(wide, (x - low) / np.where(wide, width, 1.0), 0.5)  # all the same: one bar, in the middle
    bins = np.minimum((shares * BARS).astype(int), BARS - 1) + BARS * np.arange(len(x))[:, None]
    counts = np.bincount(bins.reshape(-1), minlength=BARS * len(x)).reshape(-1, BARS)
    return list(map(tuple, (-(-HIGH * counts // counts.max(1, keepdims=True))).tolist()))


def details(word: str, value: Any, known: Known | None = None) -> str:
    """For a tooltip: the range as well."""
    x = None if isinstance(value, float) else on_host(value)
    if x is None or x.size < 2 or x.dtype.kind not in "fiu":
        return f"{word}: {row('', value).text}"
    found = measure(x, known)
    if found is None:
        return f"{word}: {row('', x).text}"
    text = f"{word}: from {short(found.low)} to {short(found.high)}, mean {short(found.mean)}"
    return text + (f", std {short(found.std)}, norm {short(found.norm)}" if x.dtype.kind == "f" else "")


def on_host(value: Any) -> np.ndarray[Any, Any] | None:
    """As NumPy's array of numbers, also from a GPU; None of what is none."""
    value = value.get() if hasattr(value, "get") and hasattr(value, "device") else value
    if isinstance(value, float | int | complex | np.generic):
        return np.asarray(value)
    if not isinstance(value, np.ndarray):
        return None
    return value if value.dtype.kind in "biufc" or value.dtype.name == "bfloat16" else None

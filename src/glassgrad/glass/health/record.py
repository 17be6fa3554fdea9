"""What has been seen of a training: numbers per layer and step, histograms, losses. Plain data, and its file.

`health.json` in a run folder is one Record. It stays small however long the run: beyond MOST_STEPS every second step
is dropped, beyond MOST_LOSSES neighbouring losses become their mean.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...io.files import atomic_write
from ..runs.runlog import _dumps, _loads

__all__ = ["FILE", "Histogram", "Layer", "Losses", "Parameter", "Record"]

FILE = "health.json"
FORMAT = "glassgrad health 1"
MOST_STEPS, MOST_LOSSES, BINS, SAMPLE = 96, 20_000, 48, 4096


class Histogram(NamedTuple):
    """counts of the numbers from low to high in equal bins; the shares of exact zeros and of NaN and infinity."""

    low: float
    high: float
    counts: list[int]
    zeros: float = 0.0
    lost: float = 0.0

    @classmethod
    def of(cls, values: NDArray[Any], *, log: bool = False) -> Histogram:
        """Of at most SAMPLE numbers, spread evenly. log: of the sizes' decimal logarithms, zeros left out."""
        flat = sample(values).astype(np.float64)
        finite = flat[np.isfinite(flat)]
        lost = 1 - len(finite) / max(flat.size, 1)
        zeros = float((finite == 0).mean()) if len(finite) else 0.0
        kept = np.log10(np.abs(finite[finite != 0])) if log else finite[finite != 0] if 0.02 < zeros else finite
        if not len(kept):
            return cls(0.0, 0.0, [0] * BINS, zeros, lost)
        low, high = float(kept.min()), float(kept.max())
        if not high > low:
            low, high = low - 0.5, high + 0.5
        bins = min(BINS, max(6, round(2 * math.sqrt(len(kept)))))
        return cls(low, high, np.histogram(kept, bins, (low, high))[0].tolist(), zeros, lost)


def sample(values: NDArray[Any], most: int = SAMPLE) -> NDArray[Any]:
    """At most `most` of the numbers, spread evenly by the golden ratio, so that no row or column is favoured."""
    flat = np.asarray(values).reshape(-1)
    if flat.size <= most:
        return flat
    return flat.take(_places(flat.size, most), mode="clip")  # there is nothing to clip, but it is the fast one


@functools.lru_cache(maxsize=64)
def _places(size: int, most: int) -> NDArray[np.int64]:
    return np.sort(((np.arange(most) * 0.6180339887498949) % 1 * size).astype(np.int64))  # in memory's order


class Parameter(NamedTuple):
    """One row of the parameter table."""

    name: str
    shape: tuple[int, ...]
    numel: int
    dtype: str
    mean: float
    std: float


@dataclass
class Layer:
    """A module with weights of its own, or one whose answers were looked at."""

    kind: str
    parameters: int = 0
    matrix: bool = False  # it has a weight of two or more dimensions
    in_optimizer: bool | None = None  # None: no optimizer was seen


class Losses:
    """The losses of one line of the program, in order; `width` neighbours are one mean."""

    def __init__(self, values: list[float] | None = None, width: int = 1, waiting: tuple[float, int] = (0.0, 0)):
        self.values, self.width, self.waiting = values or [], width, waiting

    def add(self, value: float) -> None:
        total, count = self.waiting[0] + value, self.waiting[1] + 1
        if count < self.width:
            self.waiting = total, count
            return
        self.values.append(total / count)
        self.waiting = 0.0, 0
        if len(self.values) >= MOST_LOSSES:
            self.values = np.asarray(self.values).reshape(-1, 2).mean(axis=1).tolist()
            self.width *= 2

    @property
    def count(self) -> int:
        return len(self.values) * self.width + self.waiting[1]


@dataclass
class Record:
    """steps: those that were looked at, from 1. rows: for each of them {kind: {layer: number}}, where kind is one of

    gradient   the norm of the layer's gradient            update   |its step| / |its weights|
    weight     the norm of its weights                     rms      of the gradients of its matrices
    dead       the share of units that are flat, or zero, for every sample      flat     the share of such answers
    """

    layers: dict[str, Layer] = field(default_factory=dict)
    steps: list[int] = field(default_factory=list)
    rows: list[dict[str, dict[str, float]]] = field(default_factory=list)
    losses: dict[str, Losses] = field(default_factory=dict)
    activations: dict[str, tuple[Histogram, Histogram]] = field(default_factory=dict)  # first seen, last seen
    gradients: dict[str, tuple[Histogram, Histogram]] = field(default_factory=dict)  # of log10 |g|
    activation_of: dict[str, str] = field(default_factory=dict)  # layer -> what its answers go through, "relu"
    lost: dict[str, int] = field(default_factory=dict)  # layer -> the first step at which it was not finite
    every: int = 1
    step: int = 0

    def add(self, row: dict[str, dict[str, float]]) -> None:
        """The numbers of the current step."""
        self.steps.append(self.step)
        self.rows.append(row)
        if len(self.steps) >= MOST_STEPS:
            self.steps, self.rows, self.every = self.steps[::2], self.rows[::2], 2 * self.every

    def see(self, where: str, layer: str, seen: Histogram) -> None:
        """Keep the first and the last histogram. where: "activations" or "gradients"."""
        kept = getattr(self, where)
        kept[layer] = (kept[layer][0] if layer in kept else seen, seen)

    def series(self, kind: str) -> dict[str, list[float]]:
        """layer -> one number for each of steps, NaN where there was none; layers without any are left out."""
        names = [name for name in self.layers if any(name in row.get(kind, ()) for row in self.rows)]
        return {name: [row.get(kind, {}).get(name, math.nan) for row in self.rows] for name in names}

    def recent(self, kind: str, layer: str) -> float:
        """The median of the last quarter, of at most 20 numbers; NaN where there is none."""
        values = [row[kind][layer] for row in self.rows if layer in row.get(kind, ())]
        values = [value for value in values[-max(1, min(20, len(values) // 4)) :] if not math.isnan(value)]
        return float(np.median(values)) if values else math.nan

    # --- the file ---

    def save(self, path: str | Path) -> None:
        """Write it whole or not at all; numbers with five digits."""
        data = {
            "format": FORMAT, **asdict(self), "rows": [_rounded(row) for row in self.rows],
            "losses": {
                name: {"values": _rounded(one.values), "width": one.width, "waiting": list(one.waiting)}
                for name, one in self.losses.items()
            },
        }  # fmt: skip
        atomic_write(Path(path), _dumps(data) + "\n")

    @classmethod
    def load(cls, path: str | Path) -> Record:
        """Raises ValueError naming the file where it holds no record."""
        data = _loads(Path(path).read_bytes(), str(path))
        if data.pop("format", None) != FORMAT:
            raise ValueError(f"{path}: expected format {FORMAT!r}")
        try:
            made = cls(**data)
            made.layers = {name: Layer(**layer) for name, layer in data["layers"].items()}
            made.losses = {
                name: Losses(one["values"], one["width"], tuple(one["waiting"])) for name, one in data["losses"].items()
            }
            for where in ("activations", "gradients"):
                seen = {name: tuple(Histogram(*one) for one in pair) for name, pair in getattr(made, where).items()}
                setattr(made, where, seen)
        except (TypeError, KeyError, AttributeError) as problem:
            raise ValueError(f"{path}: not a health record: {problem}") from problem
        return made


def _rounded(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return float(f"{value:.5g}") if isinstance(value, float) and math.isfinite(value) else value

"""What a row of the test table is, and the makers of its inputs.

A row names a function by its public path ("mul", "Tensor.view", "nn.functional.gelu"); the universal checks resolve
it in glassgrad, the oracle tests in torch as well. Inputs are described, not made: every check draws its own copy.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Draw:
    """An input array to be drawn: real ones are differentiated, the others are constants."""

    shape: tuple[int, ...]
    make: Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]
    real: bool = True

    def __call__(self, rng: np.random.Generator) -> np.ndarray:
        return np.asarray(self.make(rng, self.shape))


def real(*shape: int, low: float = -2.0, high: float = 2.0) -> Draw:
    return Draw(shape, lambda rng, s: rng.uniform(low, high, s))


def positive(*shape: int) -> Draw:
    return real(*shape, low=0.3, high=3.0)


def away(*shape: int, gap: float = 0.2, high: float = 2.0) -> Draw:
    """Both signs, away from a kink at 0."""
    return Draw(shape, lambda rng, s: rng.uniform(gap, high, s) * rng.choice([-1.0, 1.0], s))


def distinct(*shape: int) -> Draw:
    """All different by at least 0.05, in random order: no ties for max, sort, median."""
    return Draw(shape, lambda rng, s: rng.permutation(np.arange(int(np.prod(s))) * 0.1 - 1).reshape(s))


def near(value: float, *shape: int) -> Draw:
    return Draw(shape, lambda rng, s: value + rng.uniform(-0.1, 0.1, s))


def ints(low: int, high: int, *shape: int, dtype: type = np.int64) -> Draw:
    return Draw(shape, lambda rng, s: rng.integers(low, high, s).astype(dtype), real=False)


def bools(*shape: int) -> Draw:
    return Draw(shape, lambda rng, s: rng.random(s) < 0.5, real=False)


def const(values: Any, dtype: Any = None) -> Draw:
    array = np.array(values, dtype=dtype)
    return Draw(array.shape, lambda rng, s: array.copy(), real=False)


def values(numbers: Any) -> Draw:
    """These very numbers, differentiated."""
    array = np.array(numbers, dtype=np.float64)
    return Draw(array.shape, lambda rng, s: array.copy())


@dataclass(frozen=True, slots=True)  # so that nobody looks for names in them
class Case:
    """One row: id, public path, positional arguments (Draws anywhere inside), keyword arguments.

    order: how many times it is differentiated by the checks (0: the result has no gradient).
    torch: False where torch has no such function, with `why`.
    """

    id: str
    path: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any] = field(default_factory=dict)
    order: int = 2
    torch: bool = True
    tolerance: float = 1e-6

    def draw(self, dtype: Any = np.float64) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Fresh arguments, arrays in place of Draws, the same ones for the same row."""
        rng = np.random.default_rng(zlib.crc32(self.id.encode()))

        def fill(x: Any) -> Any:
            if isinstance(x, Draw):
                drawn = x(rng)
                return drawn.astype(dtype) if x.real else drawn
            if isinstance(x, (list, tuple)) and not hasattr(x, "_fields"):
                return type(x)(fill(v) for v in x)
            if isinstance(x, dict):
                return {k: fill(v) for k, v in x.items()}
            return x

        return fill(self.args), fill(self.kwargs)

    def reals(self) -> list[Draw]:
        """The Draws that are differentiated, in the order of drawing."""
        found: list[Draw] = []

        def look(x: Any) -> None:
            if isinstance(x, Draw):
                if x.real:
                    found.append(x)
            elif isinstance(x, (list, tuple)):
                for v in x:
                    look(v)
            elif isinstance(x, dict):
                for v in x.values():
                    look(v)

        look(self.args)
        look(self.kwargs)
        return found


def case(
    id: str, path: str, *args: Any, order: int = 2, torch: bool = True, tolerance: float = 1e-6, **kwargs: Any
) -> Case:
    return Case(f"{path} {id}", path, args, kwargs, order, torch, tolerance)


def resolve(module: Any, path: str) -> Any:
    for name in path.split("."):
        module = getattr(module, name)
    return module


def exchange(x: Any, spec: Any, change: Callable[[Any, Any], Any]) -> Any:
    """The drawn arguments x with change(value, what it was drawn from) in place of every value in them."""
    if isinstance(x, (list, tuple)):
        return type(x)(exchange(v, s, change) for v, s in zip(x, spec, strict=True))
    if isinstance(x, dict):
        return {k: exchange(v, spec[k], change) for k, v in x.items()}
    return change(x, spec)


def outputs_of(result: Any) -> list[Any]:
    """The tensors in a result: one, or those of a tuple or named tuple."""
    return [x for x in result if hasattr(x, "dtype")] if isinstance(result, (tuple, list)) else [result]

"""The same random program on Value and on Tensor(float64) gives the same numbers and the same gradients."""

from __future__ import annotations

import random

import numpy as np
import pytest

import glassgrad as gg
from glassgrad.scalar import Value

PROGRAMS = 10_000
UNARY = ("tanh", "relu", "sigmoid", "exp", "sin", "cos", "abs", "neg", "log", "sqrt")
BINARY = ("add", "mul", "sub", "div")


def program(seed: int) -> list[tuple[str, int, int, float]]:
    """5 to 12 steps (name, first operand, second operand, number) over 3 inputs and the results so far."""
    rng = random.Random(seed)
    steps = []
    for k in range(3, 3 + rng.randint(5, 12)):
        name = rng.choice(UNARY + BINARY * 3 + ("pow", "number"))
        steps.append((name, rng.randrange(k), rng.randrange(k), rng.choice([-2.0, -1.0, 0.5, 2.0, 3.0])))
    return steps


def inputs(seed: int) -> list[float]:
    rng = random.Random(~seed)
    return [rng.uniform(-2, 2) for _ in range(3)]


def take(name: str, x, y, number: float):  # type: ignore[no-untyped-def]
    match name:
        case "add":
            return x + y
        case "mul":
            return x * y
        case "sub":
            return x - y
        case "div":
            return x / (y * y + 1.0)
        case "neg":
            return -x
        case "pow":
            return (x * x + 0.5) ** number
        case "number":
            return number - x * number
        case "log" | "sqrt":
            return getattr(x * x + 0.1, name)()
        case "exp":
            return (x * 0.1).exp()
        case _:
            return abs(x) if name == "abs" else getattr(x, name)()


def run(seed: int, make) -> tuple[float, list[float | None]]:  # type: ignore[no-untyped-def]
    start = [make(v) for v in inputs(seed)]
    known = list(start)
    for name, i, j, number in program(seed):
        known.append(take(name, known[i], known[j], number))
    result = known[-1] + known[-2]
    result.backward()
    return result.item(), [0.0 if v.grad is None else float(v.grad) for v in start]


def differences(seeds: range, change: float = 1.0) -> list[int]:
    """The programs whose results differ by more than 1e-12, relative."""
    found = []
    for seed in seeds:
        y, grads = run(seed, Value)
        z, others = run(seed, lambda v: gg.tensor(v, dtype=gg.float64, requires_grad=True))
        a, b = np.array([y, *grads]), np.array([z * change, *others])
        if not np.allclose(a, b, rtol=1e-12, atol=1e-12 * max(1.0, float(np.abs(a).max())), equal_nan=True):
            found.append(seed)
    return found


@pytest.mark.parametrize("part", range(4))
def test_value_and_tensor_agree(part: int) -> None:
    size = PROGRAMS // 4
    assert differences(range(part * size, (part + 1) * size)) == []


def test_a_difference_would_be_seen() -> None:
    assert len(differences(range(50), change=1 + 1e-9)) > 40

"""Five operations on ten numbers, forward and backward: what the engine itself costs, beside PyTorch.

    y = ((x * w + b).tanh() ** 2).sum(); y.backward()

The two are interleaved in one process; medians and least times in microseconds. `numpy` is the same arithmetic by
hand, the floor for anything that calls NumPy.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np

import glassgrad as gg


def program(x, w, b) -> Callable[[], None]:  # type: ignore[no-untyped-def]
    def step() -> None:
        y = ((x * w + b).tanh() ** 2).sum()
        y.backward()

    return step


def by_hand(x: np.ndarray, w: np.ndarray, b: np.ndarray) -> Callable[[], None]:
    grads = [np.zeros_like(a) for a in (x, w, b)]

    def step() -> None:
        t = np.tanh(x * w + b)
        np.add.reduce(t * t)
        g = (2.0 * t) * (1.0 - t * t)
        for grad, part in zip(grads, (g * w, g * x, g), strict=True):
            np.add(grad, part, grad)

    return step


def measure(steps: dict[str, Callable[[], None]], rounds: int, repeat: int = 20) -> dict[str, list[float]]:
    """Microseconds a step, a list for each competitor, taken in turns."""
    for step in steps.values():
        step()
    times: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(rounds):
        for name, step in steps.items():
            start = time.perf_counter()
            for _ in range(repeat):
                step()
            times[name].append((time.perf_counter() - start) / repeat * 1e6)
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=1000)
    rounds = parser.parse_args().rounds

    arrays = [np.random.default_rng(k).standard_normal(10).astype(np.float32) for k in range(3)]
    steps = {
        "glassgrad": program(*[gg.tensor(a, requires_grad=True) for a in arrays]),
        "numpy by hand": by_hand(*arrays),
    }
    try:
        import torch

        torch.set_num_threads(2)
        steps["torch"] = program(*[torch.tensor(a, requires_grad=True) for a in arrays])
    except ImportError:
        print("torch is not installed: no ratio")
    times = measure(steps, rounds)
    base = times.get("torch")
    print(f"{'':15}{'median':>9}{'least':>9}   ratio to torch (median, least)")
    for name, t in times.items():
        ratio = ""
        if base:
            ratio = f"{statistics.median(t) / statistics.median(base):.3f}, {min(t) / min(base):.3f}"
        print(f"{name:15}{statistics.median(t):9.1f}{min(t):9.1f}   {ratio}")


if __name__ == "__main__":
    main()

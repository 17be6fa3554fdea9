"""What a step costs in counts, which don't wander as times do: calls, operations, arrays, bytes kept for backward.

A count above its bound is a slower engine, or one that keeps more; a bound far above its count is to be lowered.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import nn
from glassgrad.autograd.graph import count_operations, nbytes_saved
from glassgrad.core.native import engine
from glassgrad.nn import functional as F
from glassgrad.optim import SGD, AdamW

Step = Callable[[], gg.Tensor]


def five_ops() -> tuple[Step, Step]:
    x, w, b = (gg.randn(10, requires_grad=True) for _ in range(3))

    def loss() -> gg.Tensor:
        return ((x * w + b).tanh() ** 2).sum()

    return loss, lambda: loss().backward()


def training(model: nn.Module, optimizer: Any, x: gg.Tensor, y: gg.Tensor) -> tuple[Step, Step]:
    def loss() -> gg.Tensor:
        return F.cross_entropy(model(x), y)

    def step() -> Any:
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()

    return loss, step


def mlp() -> tuple[Step, Step]:
    model = nn.Sequential(nn.Linear(20, 30), nn.ReLU(), nn.Linear(30, 5))
    return training(model, SGD(model.parameters(), lr=0.1), gg.randn(8, 20), gg.arange(8) % 5)


def cnn() -> tuple[Step, Step]:
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(4 * 25, 5))
    return training(model, SGD(model.parameters(), lr=0.1), gg.randn(8, 1, 12, 12), gg.arange(8) % 5)


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(16), nn.LayerNorm(16)
        self.qkv, self.out = nn.Linear(16, 48), nn.Linear(16, 16)
        self.mlp = nn.Sequential(nn.Linear(16, 64), nn.GELU(), nn.Linear(64, 16))

    def forward(self, x: gg.Tensor) -> gg.Tensor:
        q, k, v = (p.view(2, 8, 4, 4).transpose(1, 2) for p in self.qkv(self.norm1(x)).split(16, dim=2))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(y.transpose(1, 2).contiguous().view(2, 8, 16))
        return x + self.mlp(self.norm2(x))


def transformer() -> tuple[Step, Step]:
    model = nn.Sequential(nn.Embedding(10, 16), Block(), nn.Linear(16, 10), nn.Flatten(0, 1))
    tokens = gg.arange(16).view(2, 8) % 10
    return training(model, AdamW(model.parameters(), lr=0.01), tokens, tokens.view(-1))


@dataclass(frozen=True)
class Bounds:
    """Of one step: calls of Python and C functions, operations forward, blocks of memory, bytes kept by the graph."""

    calls: int
    operations: int
    blocks: int
    kept: int


PROGRAMS: dict[Callable[[], tuple[Step, Step]], Bounds] = {
    five_ops: Bounds(calls=30, operations=5, blocks=11, kept=120),
    mlp: Bounds(calls=312, operations=5, blocks=36, kept=2428),
    cnn: Bounds(calls=430, operations=7, blocks=37, kept=23_636),
    transformer: Bounds(calls=1501, operations=26, blocks=119, kept=33_668),
}


def calls_of(step: Step) -> int:
    seen: Counter[str] = Counter()
    gc.disable()  # whoever listens to the collector is called, too
    sys.setprofile(lambda frame, event, arg: seen.update((event,)))
    try:
        step()
    finally:
        sys.setprofile(None)
        gc.enable()
    return seen["call"] + seen["c_call"]


def measured(program: Callable[[], tuple[Step, Step]]) -> dict[str, int]:
    gg.manual_seed(0)
    loss, step = program()
    for _ in range(3):
        step()
    with count_operations() as counts:
        kept = nbytes_saved(loss())
    found = {"operations": sum(counts.values()), "kept": kept}
    if engine is not None:
        found["calls"] = calls_of(step)
        before = engine.block_counts()
        step()
        after = engine.block_counts()
        found |= {"blocks": after[0] - before[0], "fresh": after[1] - before[1]}
    return found


@pytest.fixture(scope="module")
def counts() -> dict[str, dict[str, int]]:
    """Of all programs, in a process that has done nothing else."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    run = subprocess.run([sys.executable, __file__], env=environment, capture_output=True, text=True, check=True)
    return json.loads(run.stdout)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda f: f.__name__)
def test_a_step_costs_no_more_than_this(program: Any, counts: dict[str, dict[str, int]]) -> None:
    found, bounds = counts[program.__name__], PROGRAMS[program]
    assert found.pop("fresh", 0) == 0, "a step that was made before asks the system for no memory"
    for name, count in found.items():
        assert count <= getattr(bounds, name), f"{name}: {count}"
        assert count >= 0.6 * getattr(bounds, name), f"{name}: {count}, lower the bound"


def test_the_count_sees_one_call_more() -> None:
    loss, step = five_ops()
    for _ in range(3):
        step()
    assert calls_of(lambda: (step(), abs(1))) == calls_of(step) + 2  # type: ignore[return-value,func-returns-value]


def test_memory_of_a_step_is_that_of_the_step_before() -> None:
    if engine is None:
        pytest.skip("NumPy's own allocator")
    x = gg.randn(300, 300, requires_grad=True)
    for _ in range(3):
        (x.exp() * x).sum().backward()
        x.grad = None
    before = engine.block_counts()[1]
    for _ in range(20):
        (x.exp() * x).sum().backward()
        x.grad = None
    assert engine.block_counts()[1] == before
    engine.release_memory()
    made = np.empty(12_345)
    del made
    assert engine.block_counts()[1] == before + 1


if __name__ == "__main__":
    print(json.dumps({program.__name__: measured(program) for program in PROGRAMS}))

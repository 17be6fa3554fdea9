"""Activation checkpointing: less memory, the same gradients to the bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import glassgrad as gg
from glassgrad.autograd.graph import nbytes_saved
from glassgrad.utils.checkpoint import CheckpointError, checkpoint, checkpoint_sequential


class Block(gg.nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.net = gg.nn.Sequential(
            gg.nn.LayerNorm(width), gg.nn.Linear(width, 2 * width), gg.nn.GELU(approximate="tanh"),
            gg.nn.Dropout(0.1), gg.nn.Linear(2 * width, width),
        )  # fmt: skip

    def forward(self, x: gg.Tensor) -> gg.Tensor:
        return x + self.net(x)


def train(how: str, blocks: int = 6, width: int = 8, rows: int = 16) -> tuple[list[np.ndarray], int]:
    """(gradients, bytes the graph held before backward) of one step."""
    gg.manual_seed(0)
    layers = gg.nn.Sequential(*[Block(width) for _ in range(blocks)])
    x = gg.randn(rows, width)
    if how == "segments":
        y = checkpoint_sequential(layers, 8, x, use_reentrant=False)
    else:
        y = x
        for layer in layers:
            y = checkpoint(layer, y, use_reentrant=how == "reentrant") if how != "plain" else layer(y)
    loss = (y * y).mean()
    held = nbytes_saved(loss)
    loss.backward()
    return [p.grad.numpy() for p in layers.parameters()], held


@pytest.mark.parametrize("how", ["each", "reentrant", "segments"])
def test_gradients_are_equal_to_the_bit(how: str) -> None:
    """Dropout included: the second run draws the numbers of the first."""
    plain, _ = train("plain", blocks=16)
    again, _ = train(how, blocks=16)
    for a, b in zip(plain, again, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_third_of_the_memory_at_64_blocks() -> None:
    import tracemalloc

    def peak(how: str) -> int:
        train(how, blocks=2)
        tracemalloc.start()
        try:
            train(how, blocks=64, width=16, rows=512)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak("plain") >= 3 * peak("each")


def test_the_random_numbers_after_it_are_those_without_it() -> None:
    def after(how: str) -> float:
        train(how)
        return gg.rand(1).item()

    assert after("plain") == after("each")


def test_twice_nested_and_recorded() -> None:
    x = gg.tensor([0.3, -0.5], dtype=gg.float64, requires_grad=True)

    def inner(x: gg.Tensor) -> gg.Tensor:
        return (x.sin() * x).exp()

    def outer(x: gg.Tensor) -> gg.Tensor:
        return checkpoint(inner, x * 2, use_reentrant=False) * x

    y = checkpoint(outer, x, use_reentrant=False).sum()
    (first,) = gg.autograd.grad(y, x, retain_graph=True)
    (recorded,) = gg.autograd.grad(y, x, create_graph=True)
    (plain,) = gg.autograd.grad((inner(x * 2) * x).sum(), x, create_graph=True)
    assert first.tolist() == recorded.tolist() == plain.tolist()
    second = gg.autograd.grad(recorded.sum(), x)[0]
    assert second.tolist() == gg.autograd.grad(plain.sum(), x)[0].tolist()


@pytest.mark.parametrize("early_stop", [True, False])
def test_how_often_it_runs(early_stop: bool) -> None:
    runs: list[str] = []

    def part(x: gg.Tensor) -> gg.Tensor:
        runs.append("begun")
        y = x.exp() * x
        runs.append("done")
        return y

    x = gg.ones(3, requires_grad=True)
    y = checkpoint(part, x, use_reentrant=False, early_stop=early_stop)
    y.sum().backward()
    assert runs == ["begun", "done", "begun"] + ([] if early_stop else ["done"])


def test_a_part_that_changes_is_noticed() -> None:
    sizes = iter([2, 3])

    def fickle(x: gg.Tensor) -> gg.Tensor:
        return (x[: next(sizes)].exp() * 2).sum()

    x = gg.ones(4, requires_grad=True)
    y = checkpoint(fickle, x, use_reentrant=False)
    with pytest.raises(CheckpointError, match="different metadata"):
        y.backward()

    turns = iter([True, False])

    def shrinking(x: gg.Tensor) -> gg.Tensor:
        return x.exp().sin() if next(turns) else x * 2.0

    y = checkpoint(shrinking, x, use_reentrant=False)
    with pytest.raises(CheckpointError, match="fewer"):
        y.sum().backward()


def test_misuse() -> None:
    with pytest.raises(ValueError, match="determinism_check"):
        checkpoint(lambda x: x, gg.ones(1), determinism_check="some")
    with pytest.raises(NotImplementedError, match="debug"):
        checkpoint(lambda x: x, gg.ones(1), debug=True)


def test_keyword_arguments_and_trees() -> None:
    def part(pair: Any, scale: float = 1.0) -> Any:
        a, b = pair
        return {"sum": (a.exp() + b) * scale}

    a, b = gg.ones(2, requires_grad=True), gg.ones(2, requires_grad=True)
    checkpoint(part, (a, b), scale=2.0, use_reentrant=False)["sum"].sum().backward()
    np.testing.assert_allclose(a.grad.numpy(), 2 * np.exp([1.0, 1.0]), rtol=1e-6)
    assert b.grad.tolist() == [2.0, 2.0]

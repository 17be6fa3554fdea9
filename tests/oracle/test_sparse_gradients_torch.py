"""Sparse gradients beside PyTorch's: their texts, and what optimizers make of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import glassgrad as gg  # noqa: E402

LAYERS: dict[str, Any] = {
    "plain": lambda nn: nn.Embedding(7, 3, sparse=True),
    "padding": lambda nn: nn.Embedding(7, 3, padding_idx=2, sparse=True),
    "max_norm": lambda nn: nn.Embedding(7, 3, max_norm=1.0, sparse=True),
    "sum": lambda nn: nn.EmbeddingBag(7, 3, mode="sum", sparse=True),
    "mean": lambda nn: nn.EmbeddingBag(7, 3, padding_idx=2, sparse=True),
}


@pytest.mark.parametrize("name", LAYERS)
def test_text(name: str) -> None:
    seen = []
    for lib in (gg, torch):
        lib.manual_seed(0)
        layer = LAYERS[name](lib.nn)
        layer(lib.tensor([[1, 2, 1], [6, 0, 2]])).square().sum().backward()
        seen.append([repr(layer), repr(layer.weight.grad), repr(layer.weight.grad.coalesce())])
    assert [text.replace("glassgrad", "torch") for text in seen[0]] == seen[1]


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("SGD", {"lr": 0.1}),
        ("SGD", {"lr": 0.1, "momentum": 0.9}),
        ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.5}),
        ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True, "maximize": True}),
        ("Adagrad", {"lr": 0.1}),
        ("Adagrad", {"lr": 0.1, "lr_decay": 0.1, "eps": 0.01, "initial_accumulator_value": 0.5, "maximize": True}),
        ("SparseAdam", {"lr": 0.1}),
        ("SparseAdam", {"lr": 0.1, "betas": (0.5, 0.7), "eps": 0.1, "maximize": True}),
    ],
)
def test_training(name: str, options: dict[str, Any], dtype: str) -> None:
    seen = []
    for lib in (gg, torch):
        lib.manual_seed(0)
        layer = lib.nn.Embedding(9, 4, sparse=True).to(getattr(lib, dtype))
        optimizer = getattr(lib.optim, name)(list(layer.parameters()), **options)
        losses = []
        for _ in range(20):
            at, target = lib.randint(0, 9, (5,)), lib.randn(5, 4).to(getattr(lib, dtype))
            optimizer.zero_grad()
            loss = lib.nn.functional.mse_loss(layer(at), target)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        seen.append((losses, layer.weight.detach().numpy()))
    for ours, theirs in zip(*seen, strict=True):
        np.testing.assert_allclose(ours, theirs, *((1e-4, 1e-5) if dtype == "float32" else (1e-12, 1e-12)))


@pytest.mark.parametrize("name", ["ASGD", "Adadelta", "Adafactor", "Adam", "AdamW", "Adamax", "Muon", "RMSprop"])
def test_the_same_errors(name: str) -> None:
    texts = []
    for lib in (gg, torch):
        layer = lib.nn.Embedding(5, 3, sparse=True)
        layer(lib.tensor([1])).sum().backward()
        with pytest.raises(RuntimeError) as raised:
            getattr(lib.optim, name)(layer.parameters()).step()
        texts.append(str(raised.value))
    assert texts[0] == texts[1]

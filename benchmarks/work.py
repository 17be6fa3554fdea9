"""The programs that are timed: each written once, as a user writes it, for PyTorch and for glassgrad.

A program takes the library `t` (glassgrad or torch) and a size factor, and returns one training step to call again
and again. Sizes are those of chapter one of any course; the factor multiplies the batch (or the length).
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Step = Callable[[], Any]


def floats(t: Any, *shape: int) -> Any:
    return t.from_numpy(np.random.default_rng(0).standard_normal(shape, dtype=np.float32))


def classes(t: Any, count: int, *shape: int) -> Any:
    return t.from_numpy(np.random.default_rng(1).integers(0, count, shape))


def training(t: Any, model: Any, optimizer: Any, x: Any, y: Any) -> Step:
    cross_entropy = t.nn.functional.cross_entropy

    def step() -> Any:
        optimizer.zero_grad()
        loss = cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    return step


def five_ops(t: Any, factor: int) -> Step:
    x, w, b = (floats(t, 10 * factor).requires_grad_() for _ in range(3))

    def step() -> Any:
        y = ((x * w + b).tanh() ** 2).sum()
        y.backward()
        return y

    return step


def mlp(t: Any, factor: int, hidden: int, batch: int) -> Step:
    nn = t.nn
    model = nn.Sequential(nn.Linear(784, hidden), nn.ReLU(), nn.Linear(hidden, 10))
    optimizer = t.optim.SGD(model.parameters(), lr=0.01)
    return training(t, model, optimizer, floats(t, batch * factor, 784), classes(t, 10, batch * factor))


def mlp_products(factor: int, hidden: int, batch: int) -> Step:
    """The five matrix products of the step alone."""
    rng, n = np.random.default_rng(0), batch * factor
    x, h, g, w, v = (
        rng.standard_normal(s, dtype=np.float32) for s in ((n, 784), (n, hidden), (n, 10), (hidden, 784), (10, hidden))
    )
    return lambda: (x @ w.T, h @ v.T, g @ v, g.T @ h, h.T @ x)


def convolution(t: Any, factor: int) -> Step:
    nn = t.nn
    model = nn.Sequential(nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(32 * 13 * 13, 10))
    optimizer = t.optim.SGD(model.parameters(), lr=0.01)
    return training(t, model, optimizer, floats(t, 64 * factor, 1, 28, 28), classes(t, 10, 64 * factor))


def deep_convolution(t: Any, factor: int) -> Step:
    nn = t.nn
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(800, 10),
    )  # fmt: skip
    optimizer = t.optim.SGD(model.parameters(), lr=0.01)
    return training(t, model, optimizer, floats(t, 64 * factor, 1, 28, 28), classes(t, 10, 64 * factor))


def gpt(
    t: Any, factor: int, layers: int = 4, heads: int = 4, width: int = 128, block: int = 64, batch: int = 12
) -> Step:
    nn, F = t.nn, t.nn.functional
    vocabulary = 65

    class Attention(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)

        def forward(self, x: Any) -> Any:
            N, T, D = x.size()
            q, k, v = (p.view(N, T, heads, D // heads).transpose(1, 2) for p in self.qkv(x).split(width, dim=2))
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
            return self.out(y.transpose(1, 2).contiguous().view(N, T, D))

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm1, self.attention, self.norm2 = nn.LayerNorm(width), Attention(), nn.LayerNorm(width)
            self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

        def forward(self, x: Any) -> Any:
            x = x + self.attention(self.norm1(x))
            return x + self.mlp(self.norm2(x))

    class GPT(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.token, self.position = nn.Embedding(vocabulary, width), nn.Embedding(block, width)
            self.blocks, self.norm = nn.Sequential(*(Block() for _ in range(layers))), nn.LayerNorm(width)
            self.head = nn.Linear(width, vocabulary, bias=False)

        def forward(self, tokens: Any) -> Any:
            x = self.token(tokens) + self.position(t.arange(tokens.shape[1]))
            return self.head(self.norm(self.blocks(x))).view(-1, vocabulary)

    model = GPT()
    optimizer = t.optim.AdamW(model.parameters(), lr=1e-3)
    tokens = classes(t, vocabulary, batch * factor, block)
    return training(t, model, optimizer, tokens, tokens.view(-1))


def gelu(t: Any, factor: int, compiled: bool = False) -> Step:
    """The tanh form of GELU composed of operations, forward and backward."""
    x = floats(t, 10_000_000 * factor // 16).requires_grad_()

    def loss(x: Any) -> Any:
        return (0.5 * x * (1 + t.tanh(0.7978845608 * (x + 0.044715 * x**3)))).sum()

    f = t.compile(loss) if compiled and t.__name__ == "glassgrad" else loss  # beside PyTorch eager

    def step() -> Any:
        x.grad = None
        y = f(x)
        y.backward()
        return y

    return step


def lstm(t: Any, factor: int) -> Step:
    nn = t.nn

    class Last(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm, self.head = nn.LSTM(128, 128, batch_first=True), nn.Linear(128, 10)

        def forward(self, x: Any) -> Any:
            return self.head(self.lstm(x)[0][:, -1])

    model = Last()
    optimizer = t.optim.SGD(model.parameters(), lr=0.01)
    return training(t, model, optimizer, floats(t, 32 * factor, 64, 128), classes(t, 10, 32 * factor))


def epoch(t: Any, factor: int) -> Step:
    """3,750 digits through a Dataset with a transform per sample, a shuffling DataLoader, and an MLP."""
    data = importlib.import_module("torch.utils.data" if t.__name__ == "torch" else "glassgrad.data")
    nn, n = t.nn, 3750 * factor
    pixels = t.from_numpy(np.random.default_rng(0).integers(0, 256, (n, 28, 28), dtype=np.uint8))
    labels = classes(t, 10, n)

    class Digits(data.Dataset):  # type: ignore[misc,name-defined]
        def __len__(self) -> int:
            return n

        def __getitem__(self, i: int) -> Any:
            return (pixels[i].float() / 255 - 0.1307) / 0.3081, labels[i]

    loader = data.DataLoader(Digits(), batch_size=64, shuffle=True)
    model = nn.Sequential(nn.Flatten(), nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
    optimizer = t.optim.SGD(model.parameters(), lr=0.01)

    def step() -> Any:
        for x, y in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
        return loss

    return step


@dataclass(frozen=True)
class Row:
    """One line of the table: what is timed, the ratio to reach, and the sizes at which its growth is drawn."""

    title: str
    reach: float
    program: Callable[..., Step]
    options: dict[str, Any]
    floor: Callable[..., Step] | None = None
    factor: int = 1
    growth: tuple[int, ...] = (1, 4, 16)


ROWS = {
    "overhead": Row("five ops on ten numbers", 0.15, five_ops, {}),
    "mlp": Row("MLP 784-128-10, batch 64", 0.65, mlp, {"hidden": 128, "batch": 64}, mlp_products),
    "mlp512": Row("MLP 784-128-10, batch 512", 0.85, mlp, {"hidden": 128, "batch": 512}, mlp_products),
    "wide": Row("MLP 784-1024-10, batch 64", 1.0, mlp, {"hidden": 1024, "batch": 64}, mlp_products),
    "wide512": Row("MLP 784-1024-10, batch 512", 0.97, mlp, {"hidden": 1024, "batch": 512}, mlp_products),
    "conv": Row("conv-relu-pool-fc (32), batch 64", 0.25, convolution, {}),
    "deepconv": Row("conv-pool-conv-pool-fc (16, 32), batch 64", 0.60, deep_convolution, {}),
    "gpt": Row("GPT 4 x 128, block 64, batch 12, AdamW", 0.85, gpt, {}),
    "gelu": Row("tanh-GELU of ops, 10^7 floats", 0.40, gelu, {}, factor=16),
    "gelu-compiled": Row("tanh-GELU, compiled, against eager", 0.15, gelu, {"compiled": True}, factor=16),
    "lstm": Row("LSTM 128, sequence 64, batch 32", 1.0, lstm, {}),
    "epoch": Row("an epoch of digits, Dataset and DataLoader", 0.5, epoch, {}, factor=16),
}

"""Programs with which nothing is wrong, and what explain() is asked of them."""

from __future__ import annotations

from typing import Any

import glassgrad as torch
import glassgrad.nn as nn
import glassgrad.nn.functional as F
from glassgrad import explain
from glassgrad.scalar import Value
from glassgrad.scalar import nn as scalar_nn


def data() -> tuple[Any, Any]:
    return torch.randn(8, 3), torch.arange(8) % 2


def mlp() -> Any:
    return nn.Sequential(nn.Linear(3, 16), nn.ReLU(), nn.Linear(16, 2))


def a_network_after_backward() -> Any:
    model, (x, y) = mlp(), data()
    loss = F.cross_entropy(model(x), y)
    loss.backward()
    return explain(model, loss)


def a_network_watched() -> Any:
    model, (x, y) = mlp(), data()
    return explain(model, lambda: F.cross_entropy(model(x), y))


def one_parameter_without_a_loss() -> Any:
    model, (x, y) = mlp(), data()
    F.cross_entropy(model(x), y).backward()
    return explain(model[0].weight)


def a_training_loop() -> Any:
    model, (x, y) = mlp(), data()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    losses = []
    for _ in range(5):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return explain(model, loss)


def inside_watch() -> Any:
    model, (x, y) = mlp(), data()
    with torch.watch():
        loss = F.cross_entropy(model(x), y)
        loss.backward()
    return explain(model)


def a_convolution() -> Any:
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(36, 2)
    )
    x, y = torch.randn(8, 1, 8, 8), torch.arange(8) % 2
    return explain(model[-1], lambda: F.cross_entropy(model(x), y))


def an_lstm() -> Any:
    model, out, x = nn.LSTM(3, 5), nn.Linear(5, 1), torch.randn(7, 2, 3)
    return explain(model, lambda: out(model(x)[0]).square().mean())


def a_transformer_layer() -> Any:
    model, x = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.1), torch.randn(5, 3, 8)
    target = torch.randn(5, 3, 8)
    return explain(model.linear1, lambda: (model(x) - target).square().mean())


def an_embedding() -> Any:
    table, out = nn.Embedding(10, 4), nn.Linear(4, 10)
    tokens = torch.tensor([1, 2, 3])
    return explain(table, lambda: F.cross_entropy(out(table(tokens)), tokens))


def a_causal_mask() -> Any:
    scores = torch.randn(4, 4, requires_grad=True)
    later = torch.triu(torch.ones(4, 4, dtype=torch.bool), 1)
    return explain(scores, lambda: torch.softmax(scores.masked_fill(later, float("-inf")), 1).square().sum())


def dropout_in_part() -> Any:
    model, (x, y) = nn.Sequential(nn.Linear(3, 16), nn.Dropout(0.3), nn.Linear(16, 2)), data()
    return explain(model, lambda: F.cross_entropy(model(x), y))


def a_detached_target() -> Any:
    online, target, (x, _) = nn.Linear(3, 1), nn.Linear(3, 1), data()
    return explain(online, lambda: (online(x) - target(x).detach()).square().mean())


def a_step_that_calls_backward_itself() -> Any:
    model, (x, y) = mlp(), data()

    def step() -> Any:
        model.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        return loss

    return explain(model, step)


def a_safe_where() -> Any:
    w = torch.tensor([0.0, 2.0], requires_grad=True)

    def step() -> Any:
        safe = torch.where(w > 0, w, torch.ones(2))
        return torch.where(w > 0, safe.sqrt(), w * 3).sum()

    return explain(w, step)


def a_retained_result() -> Any:
    w = torch.randn(3, requires_grad=True)
    hidden = w.tanh()
    hidden.retain_grad()
    loss = (hidden * 2).sum()
    loss.backward()
    return explain(hidden, loss)


def accumulated_gradients() -> Any:
    model, (x, y) = mlp(), data()
    for part in range(2):
        loss = F.cross_entropy(model(x[4 * part : 4 * part + 4]), y[4 * part : 4 * part + 4]) / 2
        loss.backward()
    return explain(model)


def a_value() -> Any:
    a, b = Value(2.0), Value(3.0)
    loss = (a * b + 1).tanh() + a
    loss.backward()
    return explain(a, loss)


def a_watched_value() -> Any:
    a, b = Value(0.5), Value(-0.3)
    return explain(b, lambda: (a * b).exp() + b)


def a_scalar_network() -> Any:
    net = scalar_nn.MLP(2, [4, 1], activations=["tanh", "linear"])
    return explain(net, lambda: (net([0.5, -0.2]) - 1) ** 2)

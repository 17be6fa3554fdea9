"""Programs with which nothing is wrong, and what explain() is asked of them."""

from __future__ import annotations

from typing import Any

import glassgrad as torch
import glassgrad.nn as nn
import glassgrad.nn.functional as F
from glassgrad import explain
from glassgrad.glass.explaining.program import Watch
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


def small_weights_beside_a_bias() -> Any:
    """The bias of the last layer sums up all rows, which is no measure for weights that start near 0."""
    model, (x, _) = nn.Sequential(nn.Linear(3, 16, bias=False), nn.Linear(16, 1)), data()
    with torch.no_grad():
        for layer in model:
            layer.weight.mul_(1e-4)
    return explain(model, lambda: (model(x) - 1).square().mean())


# --- whole programs, under `glassgrad run --explain` ---


def watched(program: Any) -> Any:
    seen = Watch(3)
    with seen:
        program()
    assert not seen.failed, seen.failed
    return seen.told()


def trained_until_nothing_is_left() -> Any:
    """The hinge lets go of each point in turn, and at last the gradients are exactly 0."""
    model, x = nn.Linear(3, 1), torch.randn(8, 3)
    y = torch.where(x[:, :1] > 0, 1.0, -1.0)

    def program() -> None:
        optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
        for _ in range(400):
            optimizer.zero_grad()
            F.relu(1 - y * model(x)).mean().backward()
            optimizer.step()
        assert not model.weight.grad.any()

    return watched(program)


def trained_to_the_minimum() -> Any:
    """The loss stays above 0, and the gradients are what rounding leaves of 0."""
    model, x, y = nn.Linear(3, 1), torch.randn(8, 3), torch.randn(8, 1)

    def program() -> None:
        optimizer = torch.optim.SGD(model.parameters(), lr=0.3)
        for _ in range(800):
            optimizer.zero_grad()
            F.mse_loss(model(x), y).backward()
            optimizer.step()
        assert model.weight.grad.abs().max() < 1e-6

    return watched(program)


def adversaries() -> Any:
    make, judge = nn.Linear(2, 3), nn.Sequential(nn.Linear(3, 8), nn.LeakyReLU(0.2), nn.Linear(8, 1))

    def program() -> None:
        of_make, of_judge = (torch.optim.Adam(m.parameters(), lr=0.01) for m in (make, judge))
        for _ in range(30):
            fake = make(torch.randn(8, 2))
            of_judge.zero_grad()
            (F.softplus(-judge(torch.randn(8, 3))) + F.softplus(judge(fake.detach()))).mean().backward()
            of_judge.step()
            of_make.zero_grad()
            F.softplus(-judge(fake)).mean().backward()
            of_make.step()

    return watched(program)


def updated_by_hand() -> Any:
    w, b = torch.randn(3, 1, requires_grad=True), torch.zeros(1, requires_grad=True)
    x, y = torch.randn(8, 3), torch.randn(8, 1)

    def program() -> None:
        for _ in range(20):
            F.mse_loss(x @ w + b, y).backward()
            with torch.no_grad():
                for p in (w, b):
                    p -= 0.1 * p.grad
                    p.grad = None
        for p in (w, b):
            if p.grad is not None or getattr(p, "grad", None) is not None:
                p.grad.zero_()

    return watched(program)


def a_scale_that_is_too_large_at_first() -> Any:
    """Gradients overflow, the step is left out, and the next one is well: mixed precision starts so."""
    w, scale = torch.ones(3, requires_grad=True), 1e38

    def program() -> None:
        nonlocal scale
        for _ in range(12):
            w.grad = None
            ((w * scale).sum() * 10).backward()
            if not torch.isfinite(w.grad).all():
                scale /= 1e37

    return watched(program)


def an_input_that_is_never_asked_again() -> Any:
    model, (x, y) = mlp(), data()

    def program() -> None:
        for _ in range(10):
            noisy = (x + 0.1).requires_grad_()
            loss = F.cross_entropy(model(noisy), y)
            loss.backward()
            assert noisy.grad is not None
            model.zero_grad()

    return watched(program)


def gradients_of_each_example() -> Any:
    model, (x, y) = mlp(), data()

    def program() -> None:
        def loss(params: Any, x: Any, y: Any) -> Any:
            return F.cross_entropy(torch.func.functional_call(model, params, (x[None],)), y[None])

        for _ in range(3):
            each = torch.func.vmap(loss, in_dims=(None, 0, 0))(dict(model.named_parameters()), x, y)
            each.mean().backward()

    return watched(program)


def an_odd_function_in_balance() -> Any:
    """What is added has a gradient of 0 by symmetry, until the rest has moved."""
    a, b = torch.zeros(1, requires_grad=True), torch.ones(1, requires_grad=True)
    x = torch.linspace(-1, 1, 9)

    def program() -> None:
        for _ in range(3):
            (a + b * x - x**3).square().mean().backward()

    return watched(program)


def a_step_in_backward() -> Any:
    """The gradient is used and forgotten as soon as it is there; who then looks finds None."""
    model, x = nn.Linear(3, 1), data()[0]
    optimizers = {p: torch.optim.SGD([p], lr=0.1) for p in model.parameters()}

    def use(p: Any) -> None:
        optimizers[p].step()
        optimizers[p].zero_grad()

    def program() -> None:
        for p in model.parameters():
            p.register_post_accumulate_grad_hook(use)
        for _ in range(3):
            model(x).square().mean().backward()
        str(model.weight.grad)

    return watched(program)


def a_number_that_comes_to_rest() -> Any:
    a, w = Value(0.5), Value(0.5)

    def program() -> None:
        for k in range(20):
            loss = (a * 2 - 1.5) ** 2 + w * (1.0 if k < 4 else 0.0)
            loss.backward()
            for v in (a, w):
                v.data, v.grad = v.data - 0.01 * v.grad, 0.0

    return watched(program)


def experts_that_take_turns() -> Any:
    """At the passes that are looked at it is never the last one's."""
    experts, (x, y) = nn.ModuleList([nn.Linear(3, 2) for _ in range(3)]), data()

    def program() -> None:
        optimizer = torch.optim.SGD(experts.parameters(), lr=0.1)
        for k in range(1, 31):
            optimizer.zero_grad()
            F.cross_entropy(experts[2 if k in (9, 29) else k % 2](x), y).backward()
            optimizer.step()

    return watched(program)


def an_image_alone() -> Any:
    image, target = torch.rand(1, 3, 128, 128, requires_grad=True), torch.rand(1, 3, 128, 128)

    def program() -> None:
        optimizer = torch.optim.Adam([image], lr=0.01)
        for _ in range(4):
            optimizer.zero_grad()
            F.mse_loss(image * 1.0, target).backward()
            optimizer.step()

    return watched(program)

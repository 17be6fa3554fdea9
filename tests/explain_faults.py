"""Programs with one planted fault each, and what explain() is asked. The line that it is to name ends in `# GE...`."""

from __future__ import annotations

import contextlib
import warnings
from typing import Any

import glassgrad as torch
import glassgrad.nn as nn
import glassgrad.nn.functional as F
from glassgrad import explain
from glassgrad.glass.explaining.program import Watch
from glassgrad.scalar import Value
from glassgrad.scalar import nn as scalar_nn

Said = Any


def data(n: int = 6, width: int = 3) -> tuple[Any, Any]:
    return torch.randn(n, width), torch.arange(n) % 2


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc1 = nn.Linear(3, 4)
        self.spare = nn.Linear(4, 4)  # GE101
        self.fc2 = nn.Linear(4, 2)

    def forward(self, x: Any) -> Any:
        return self.fc2(torch.tanh(self.fc1(x)))


# --- None: after the fact ---


def never_used() -> Said:
    net, (x, y) = Net(), data()
    loss = F.cross_entropy(net(x), y)
    loss.backward()
    return explain(net.spare.weight)


never_used.line_of = Net  # type: ignore[attr-defined]


def a_tensor_never_used() -> Said:
    w = torch.randn(3, requires_grad=True)
    b = torch.zeros(1, requires_grad=True)  # GE101
    loss = (w * 2).sum()
    loss.backward()
    return explain(b, loss)


def result_not_in_the_loss() -> Said:
    w = torch.randn(3, requires_grad=True)
    v = torch.randn(3, requires_grad=True)
    penalty = (w**2).sum()  # GE102
    loss = (v * 3).sum()
    loss.backward()
    assert penalty.item() > 0
    return explain(w, loss)


def not_yet() -> Said:
    w = torch.randn(3, requires_grad=True)
    loss = (w**2).sum()  # GE103
    return explain(w, loss)


def not_yet_with_a_model() -> Said:
    model, (x, y) = nn.Linear(3, 2), data()
    loss = F.cross_entropy(model(x), y)  # GE103
    assert loss.requires_grad
    return explain(model.weight)


def detached() -> Said:
    net, (x, y) = Net(), data()
    hidden = net.fc1(x)
    loss = F.cross_entropy(net.fc2(hidden.detach()), y)  # GE104
    loss.backward()
    return explain(net.fc1.weight)


def through_data() -> Said:
    w = torch.randn(3, requires_grad=True)
    v = torch.ones(3, requires_grad=True)
    doubled = (w * 2).data  # GE104
    loss = (doubled * v).sum()
    loss.backward()
    return explain(w, loss)


def through_item() -> Said:
    w = torch.randn(3, requires_grad=True)
    v = torch.ones(3, requires_grad=True)
    scale = (w * 2).sum().item()  # GE104
    loss = (v * scale).sum()
    loss.backward()
    return explain(w, loss)


def through_float() -> Said:
    w = torch.randn(3, requires_grad=True)
    scale = float((w * 2).sum())  # GE104
    loss = torch.tensor(scale, requires_grad=True) * 3
    loss.backward()
    return explain(w, loss)


def through_numpy() -> Said:
    w = torch.randn(3, requires_grad=True)
    v = torch.ones(3, requires_grad=True)
    numbers = (w * 2).detach().numpy()  # GE104
    loss = (torch.from_numpy(numbers) * v).sum()
    loss.backward()
    return explain(w, loss)


def tensor_of_a_tensor() -> Said:
    w = torch.randn(3, requires_grad=True)
    v = torch.ones(3, requires_grad=True)
    copied = torch.tensor(w * 2)  # GE104
    loss = (copied * v).sum()
    loss.backward()
    return explain(w, loss)


def a_loss_made_a_tensor_again() -> Said:
    w = torch.randn(3, requires_grad=True)
    loss = torch.tensor((w**2).sum(), requires_grad=True)  # GE104
    loss.backward()
    return explain(w, loss)


def detached_itself() -> Said:
    w = torch.randn(3, requires_grad=True)
    target = w.detach()  # GE104
    return explain(target)


def detached_in_place() -> Said:
    w = torch.randn(3, requires_grad=True)
    hidden = w * 2
    hidden.detach_()  # GE104
    loss = (hidden * torch.ones(3, requires_grad=True)).sum()
    loss.backward()
    return explain(w, loss)


def frozen() -> Said:
    net, (x, y) = Net(), data()
    net.fc1.requires_grad_(False)  # GE106
    loss = F.cross_entropy(net(x), y)
    loss.backward()
    return explain(net.fc1.weight, loss)


def frozen_by_attribute() -> Said:
    w = torch.randn(3, requires_grad=True)
    v = torch.ones(3, requires_grad=True)
    w.requires_grad = False  # GE106
    loss = (w * v).sum()
    loss.backward()
    return explain(w, loss)


def a_frozen_parameter() -> Said:
    scale = nn.Parameter(torch.ones(3), requires_grad=False)  # GE106
    loss = (scale * torch.randn(3, requires_grad=True)).sum()
    loss.backward()
    return explain(scale, loss)


def never_asked() -> Said:
    w = torch.randn(3)  # GE107
    loss = (w * torch.randn(3, requires_grad=True)).sum()
    loss.backward()
    return explain(w)


def integers() -> Said:
    steps = torch.arange(3)  # GE108
    loss = (steps * torch.randn(3, requires_grad=True)).sum()
    loss.backward()
    return explain(steps, loss)


def truths() -> Said:
    x = torch.randn(3, requires_grad=True)
    mask = torch.tensor([True, False, True])  # GE108
    loss = (x * mask).sum()
    loss.backward()
    return explain(mask)


def not_a_leaf() -> Said:
    w = torch.randn(3, 3, requires_grad=True)
    hidden = torch.tanh(w @ w)  # GE109
    loss = hidden.sum()
    loss.backward()
    return explain(hidden)


def a_product_of_a_leaf() -> Said:
    w = torch.randn(3, requires_grad=True)
    scaled = w * 3  # GE109
    loss = scaled.sum()
    loss.backward()
    return explain(scaled, loss)


def updated_on_the_graph() -> Said:
    w = torch.randn(3, requires_grad=True)
    (w**2).sum().backward()
    w = w - 0.1 * w.grad  # GE120
    loss = (w**2).sum()
    loss.backward()
    return explain(w, loss)


def a_cast_leaf() -> Said:
    w = torch.randn(3, requires_grad=True).to(torch.float64)  # GE110
    loss = (w**2).sum()
    loss.backward()
    return explain(w)


def a_scaled_leaf() -> Said:
    w = torch.randn(3, requires_grad=True) * 0.1  # GE110
    loss = (w**2).sum()
    loss.backward()
    return explain(w, loss)


def a_cloned_leaf() -> Said:
    start = torch.randn(3, requires_grad=True)
    w = start.clone().requires_grad_()  # GE110
    loss = (w**2).sum()
    loss.backward()
    return explain(w, loss)


def freed_by_the_first_loss() -> Said:
    w = torch.randn(3, requires_grad=True)
    v = torch.randn(3, requires_grad=True)
    shared = torch.exp(v * 2)
    first = (shared**2).sum()
    first.backward()  # GE111
    loss = (shared * w * w).sum()
    return explain(w, loss)


def changed_in_place() -> Said:
    w = torch.randn(3, requires_grad=True)
    hidden = torch.exp(w)
    loss = (hidden**2).sum()
    hidden += 1  # GE118
    return explain(w, loss)


def forgotten() -> Said:
    model, (x, y) = nn.Linear(3, 2), data()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    loss = F.cross_entropy(model(x), y)
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()  # GE112
    return explain(model.weight, loss)


def forgotten_in_another_function() -> Said:
    model, (x, y) = nn.Linear(3, 2), data()
    train(model, torch.optim.SGD(model.parameters(), lr=0.1), x, y)
    return explain(model.weight)


def train(model: Any, optimizer: Any, x: Any, y: Any) -> float:
    for _ in range(2):
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()  # GE112
    return loss.item()


forgotten_in_another_function.line_of = train  # type: ignore[attr-defined]


def forgotten_by_hand() -> Said:
    w = torch.randn(3, requires_grad=True)
    loss = (w**2).sum()
    loss.backward()
    w.grad = None  # GE112
    return explain(w, loss)


def set_to_zero() -> Said:
    model, (x, y) = nn.Linear(3, 2), data()
    loss = F.cross_entropy(model(x), y)
    loss.backward(retain_graph=True)
    model.zero_grad(set_to_none=False)  # GE112
    return explain(model.weight, loss)


def argmax_on_the_way() -> Said:
    model, x = nn.Linear(3, 2), data()[0]
    guess = model(x).argmax(1)  # GE113
    loss = (guess.float() * torch.ones(6, requires_grad=True)).sum()
    loss.backward()
    return explain(model.weight, loss)


def replaced() -> Said:
    net, (x, y) = Net(), data()
    old = net.fc2.weight
    net.fc2 = nn.Linear(4, 2)  # GE114
    loss = F.cross_entropy(net(x), y)
    loss.backward()
    return explain(old, loss)


def wrapped_anew() -> Said:
    w = torch.randn(3, requires_grad=True)
    weight = nn.Parameter(w.detach())  # GE114
    loss = (weight**2).sum()
    loss.backward()
    return explain(w, loss)


def autograd_grad() -> Said:
    w = torch.randn(3, requires_grad=True)
    loss = (w**2).sum()
    (g,) = torch.autograd.grad(loss, w)  # GE115
    assert g is not None
    return explain(w, loss)


def other_inputs() -> Said:
    w, v = torch.randn(3, requires_grad=True), torch.randn(3, requires_grad=True)
    loss = (w * v).sum()
    loss.backward(inputs=[v])  # GE117
    return explain(w, loss)


def a_result_under_no_grad() -> Said:
    w = torch.randn(3, requires_grad=True)
    with torch.no_grad():
        scale = w.exp()  # GE105
    loss = (scale * torch.randn(3, requires_grad=True)).sum()
    loss.backward()
    return explain(scale, loss)


def a_layer_under_no_grad() -> Said:
    net, (x, y) = Net(), data()
    with torch.no_grad():
        hidden = net.fc1(x)  # GE105
    loss = F.cross_entropy(net.fc2(hidden), y)
    loss.backward()
    return explain(net.fc1.weight, loss)


def never_used_beside_an_evaluation() -> Said:
    net, (x, y) = Net(), data()
    with torch.no_grad():
        assert net(x).shape == (6, 2)
    loss = F.cross_entropy(net(x), y)
    loss.backward()
    return explain(net.spare.weight, loss)


never_used_beside_an_evaluation.line_of = Net  # type: ignore[attr-defined]


# --- None: a step is watched ---


def under_no_grad() -> Said:
    net, (x, y) = Net(), data()

    def step() -> Any:
        with torch.no_grad():
            hidden = net.fc1(x)  # GE105
        return F.cross_entropy(net.fc2(hidden), y)

    return explain(net.fc1.weight, step)


def in_inference_mode() -> Said:
    w, v = torch.randn(3, requires_grad=True), torch.randn(3, requires_grad=True)

    def step() -> Any:
        with torch.inference_mode():
            scale = w.exp()  # GE105
        return (scale * v).sum()

    return explain(w, step)


def inside_watch_under_no_grad() -> Said:
    w, v = torch.randn(3, requires_grad=True), torch.randn(3, requires_grad=True)
    with torch.watch():
        with torch.no_grad():
            scale = w.exp()  # GE105
        loss = (scale * v).sum()
        loss.backward()
    return explain(w, loss)


def a_comparison() -> Said:
    model, x = nn.Linear(3, 2), data()[0]
    other = torch.ones(6, requires_grad=True)

    def step() -> Any:
        right = model(x)[:, 0] > 0  # GE113
        return (right * other).sum()

    return explain(model.weight, step)


def cast_to_integers() -> Said:
    w, v = torch.randn(3, requires_grad=True), torch.randn(3, requires_grad=True)

    def step() -> Any:
        whole = (w * 10).long()  # GE113
        return (whole * v).sum()

    return explain(w, step)


def detached_far_away() -> Said:
    net, (x, y) = Net(), data()

    def features(x: Any) -> Any:
        return torch.relu(net.fc1(x)).detach()  # GE104

    return explain(net.fc1.bias, lambda: F.cross_entropy(net.fc2(features(x)), y))


def logged_and_detached() -> Said:
    w, v = torch.randn(3, requires_grad=True), torch.randn(3, requires_grad=True)

    def step() -> Any:
        size = (w**2).sum()
        history = [size.item()]
        assert history
        return (size.detach() * v).sum()  # GE104

    return explain(w, step)


# --- zero ---


def dead_relu() -> Said:
    model, (x, y) = Net(), data()
    with torch.no_grad():
        model.fc1.bias.fill_(-50.0)

    def step() -> Any:
        hidden = torch.relu(model.fc1(x))  # GE201
        return F.cross_entropy(model.fc2(hidden), y)

    return explain(model.fc1.weight, step)


def dead_relu_after_the_fact() -> Said:
    model, x = Net(), data()[0]
    with torch.no_grad():
        model.fc1.bias.fill_(-50.0)
    hidden = torch.relu(model.fc1(x))  # GE201
    loss = model.fc2(hidden).square().mean()
    loss.backward()
    return explain(model.fc1.weight, loss)


def behind_a_dead_relu() -> Said:
    model, (x, y) = Net(), data()
    with torch.no_grad():
        model.fc1.bias.fill_(-50.0)
    hidden = torch.relu(model.fc1(x))  # GE201
    loss = F.cross_entropy(model.fc2(hidden), y)
    return explain_before_backward(model.fc2.weight, loss)


def one_dead_unit() -> Said:
    model, (x, y) = Net(), data()
    with torch.no_grad():
        model.fc1.bias[2] = -50.0

    def step() -> Any:
        hidden = torch.relu(model.fc1(x))  # GE201
        return F.cross_entropy(model.fc2(hidden), y)

    return explain(model.fc1.weight, step, at=2)


def saturated_sigmoid() -> Said:
    w, x = torch.full((3,), 100.0, requires_grad=True), torch.ones(3)
    loss = torch.sigmoid((w * x).sum())  # GE202
    loss.backward(retain_graph=True)
    return explain(w, loss)


def saturated_tanh() -> Said:
    model, x = nn.Linear(3, 2), data()[0]

    def step() -> Any:
        hidden = torch.tanh(model(x * 1000) + 1e4)  # GE202
        return hidden.sum()

    return explain(model.weight, step)


def saturated_softmax() -> Said:
    logits = torch.tensor([[500.0, 0.0, -500.0]], requires_grad=True)
    shares = torch.softmax(logits, 1)  # GE202
    loss = (shares * torch.tensor([1.0, 2.0, 3.0])).sum()
    loss.backward(retain_graph=True)
    return explain(logits, loss)


def clamped() -> Said:
    w = torch.tensor([3.0, 5.0], requires_grad=True)
    bounded = w.clamp(-1, 1)  # GE203
    loss = (bounded * 2).sum()
    loss.backward(retain_graph=True)
    return explain(w, loss)


def relu6() -> Said:
    w = torch.tensor([30.0, 50.0], requires_grad=True)
    return explain(w, lambda: F.relu6(w * 2).sum())  # GE203


def times_zero() -> Said:
    w, gate = torch.randn(3, requires_grad=True), torch.zeros(3)
    gated = w * gate  # GE204
    loss = (gated + 1).sum()
    loss.backward(retain_graph=True)
    return explain(w, loss)


def weight_of_zero_in_the_loss() -> Said:
    w, beta = torch.randn(3, requires_grad=True), 0.0
    v = torch.randn(3, requires_grad=True)
    loss = (v**2).sum() + beta * (w**2).sum()  # GE204
    loss.backward(retain_graph=True)
    return explain(w, loss)


def weights_of_zero_behind() -> Said:
    model, (x, y) = Net(), data()
    nn.init.zeros_(model.fc2.weight)
    hidden = torch.tanh(model.fc1(x))
    logits = model.fc2(hidden)  # GE204
    loss = F.cross_entropy(logits, y)
    return explain_before_backward(model.fc1.weight, loss)


def data_of_zeros() -> Said:
    model, y = nn.Linear(3, 2), data()[1]
    x = torch.zeros(6, 3)
    out = model(x)  # GE204
    loss = F.cross_entropy(out, y)
    return explain_before_backward(model.weight, loss)


def masked() -> Said:
    w, x = torch.randn(4, requires_grad=True), torch.randn(4)
    kept = torch.where(x > 100, w, 0.0)  # GE205
    loss = (kept + 1).square().sum()
    return explain_before_backward(w, loss)


def mask_the_wrong_way_round() -> Said:
    w, padding = torch.randn(4, requires_grad=True), torch.tensor([True, True, True, True])

    def step() -> Any:
        mask = (~padding).float()
        return (w * mask).sum()  # GE205

    return explain(w, step)


def masked_fill() -> Said:
    w = torch.randn(4, requires_grad=True)
    everywhere = torch.ones(4, dtype=torch.bool)
    loss = w.masked_fill(everywhere, 2.0).square().sum()  # GE205
    return explain_before_backward(w, loss)


def rounded() -> Said:
    w = torch.randn(4, requires_grad=True)
    levels = torch.round(w * 8)  # GE206
    loss = (levels**2).sum()
    loss.backward()
    return explain(w)


def sign() -> Said:
    w = torch.randn(4, requires_grad=True)
    loss = (torch.sign(w) - 2).square().sum()  # GE206
    loss.backward()
    return explain(w, loss)


def floored() -> Said:
    model, x = nn.Linear(3, 2), data()[0]
    return explain(model.weight, lambda: model(x).floor().square().sum())  # GE206


def cancelled() -> Said:
    w = torch.randn(4, requires_grad=True)
    left, right = w * 2, w * 2
    loss = (left - right + 3).sum()  # GE207
    loss.backward(retain_graph=True)
    return explain(w, loss)


def equal_inputs_cancel() -> Said:
    w = torch.randn(4, requires_grad=True)
    distance = w - w  # GE207
    loss = (distance + 1).sum()
    loss.backward(retain_graph=True)
    return explain(w, loss)


def row_not_selected() -> Said:
    table = nn.Embedding(5, 3)
    tokens = torch.tensor([0, 1, 3])

    def step() -> Any:
        return table(tokens).square().sum()  # GE208

    return explain(table.weight, step, at=4)


def row_not_selected_after_the_fact() -> Said:
    table = nn.Embedding(5, 3)
    loss = table.weight[torch.tensor([0, 1])].square().sum()  # GE208
    loss.backward()
    return explain(table.weight, loss, at=3)


def padding_row() -> Said:
    table = nn.Embedding(5, 3, padding_idx=0)
    tokens = torch.tensor([0, 0])
    loss = (table(tokens) + 1).square().sum()  # GE216
    return explain_before_backward(table.weight, loss)


def never_the_largest() -> Said:
    low, high = torch.zeros(3, requires_grad=True), torch.ones(3, requires_grad=True)
    best = torch.maximum(low, high)  # GE209
    loss = best.sum()
    return explain_before_backward(low, loss)


def never_pooled() -> Said:
    shift = torch.zeros(1, requires_grad=True)

    def step() -> Any:
        pair = torch.cat([shift, torch.ones(1)]).view(1, 1, 2)
        return F.max_pool1d(pair, 2).sum()  # GE209

    return explain(shift, step)


def dropout_of_everything() -> Said:
    model, (x, y) = nn.Sequential(nn.Linear(3, 4), nn.Dropout(1.0), nn.Linear(4, 2)), data()

    def step() -> Any:
        return F.cross_entropy(model(x), y)  # GE210

    return explain(model[0].weight, step)


def functional_dropout_of_everything() -> Said:
    w = torch.randn(4, requires_grad=True)
    kept = F.dropout(w, 1.0)  # GE210
    loss = (kept + 1).sum()
    return explain_before_backward(w, loss)


def softmax_of_one() -> Said:
    model, x = nn.Linear(3, 1), data()[0]

    def step() -> Any:
        shares = torch.softmax(model(x), 1)  # GE211
        return (shares - 0.5).square().mean()

    return explain(model.weight, step)


def cross_entropy_of_one_class() -> Said:
    model, x = nn.Linear(3, 1), data()[0]
    loss = F.cross_entropy(model(x), torch.zeros(6, dtype=torch.long))  # GE211
    return explain_before_backward(model.weight, loss)


def sum_of_a_softmax() -> Said:
    model, x = nn.Linear(3, 4), data()[0]
    shares = torch.softmax(model(x), 1)  # GE211
    loss = shares.sum()
    return explain_before_backward(model.weight, loss)


def mean_of_what_is_normalised() -> Said:
    model, x = nn.Linear(3, 4), data()[0]

    def step() -> Any:
        normal = F.layer_norm(model(x), (4,))  # GE211
        return normal.mean()

    return explain(model.weight, step)


def squares_of_what_is_normalised() -> Said:
    model, x = nn.Sequential(nn.Linear(8, 8), nn.LayerNorm(8)), data(width=8)[0]
    return explain(model[0].weight, lambda: model(x * 1000).square().mean())  # GE211


def flat() -> Said:
    w = torch.zeros(3, requires_grad=True)
    loss = (w**2).sum()  # GE213
    return explain_before_backward(w, loss)


def in_balance() -> Said:
    """Two examples that want the opposite."""
    w, x = torch.zeros(3, 1, requires_grad=True), torch.tensor([[1.0, 2.0, 3.0], [-1.0, -2.0, -3.0]])

    def step() -> Any:
        out = x @ w  # GE217
        return (out - 1).square().mean()

    return explain(w, step)


def never_chosen() -> Said:
    """The loss reaches what is put together of several, and not this one of them."""
    low, high = torch.zeros(3, requires_grad=True), torch.ones(3, requires_grad=True)

    def step() -> Any:
        both = torch.stack([high, low])
        return both.amax(0).sum()  # GE209

    return explain(low, step)


def beside_what_is_cut_out() -> Said:
    w, v = torch.randn(2, requires_grad=True), torch.randn(3, requires_grad=True)

    def step() -> Any:
        both = torch.cat([v, w])
        return both[:3].square().sum()  # GE208

    return explain(w, step)


def zeros_at_the_start() -> Said:
    """The ReLU in between is given zeros, and is not to blame."""
    model, (x, y) = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)), data()
    for p in model.parameters():
        nn.init.zeros_(p)
    return explain(model[2].weight, lambda: F.cross_entropy(model(x), y))  # GE204


def a_hook_of_a_module() -> Said:
    model, (x, y) = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)), data()

    def nothing(module: Any, grad_input: Any, grad_output: Any) -> Any:  # GE214
        return tuple(g * 0 for g in grad_input)

    model[2].register_full_backward_hook(nothing)
    return explain(model[0].weight, lambda: F.cross_entropy(model(x), y))


def a_hook() -> Said:
    w = torch.randn(3, requires_grad=True)
    hidden = w * 2  # GE214
    hidden.register_hook(lambda g: g * 0)
    loss = (hidden**2).sum()
    return explain_before_backward(w, loss)


def a_bias_before_a_norm() -> Said:
    model, x = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 1)), data()[0]

    def step() -> Any:
        return (model(x) - 1).square().mean()  # GE215

    return explain(model[0].bias, step)


# --- not a number ---


def log_of_zero() -> Said:
    w = torch.tensor([0.0, 1.0], requires_grad=True)

    def step() -> Any:
        return (w.log() * w).sum()  # GE301

    return explain(w, step)


def log_of_a_sigmoid() -> Said:
    model, x = nn.Linear(3, 1), data()[0]

    def step() -> Any:
        p = torch.sigmoid(model(x * 1000) - 2000)
        return -torch.log(p).mean()  # GE301

    return explain(model.weight, step)


def log_of_zero_after_the_fact() -> Said:
    w = torch.tensor([0.0, 1.0], requires_grad=True)
    loss = w.log().sum()  # GE301
    loss.backward()
    return explain(w)


def zero_by_zero() -> Said:
    w = torch.zeros(3, requires_grad=True)

    def step() -> Any:
        unit = w / w.sum()  # GE302
        return unit.square().sum()

    return explain(w, step)


def deviation_of_zero() -> Said:
    w, x = torch.randn(3, requires_grad=True), torch.ones(3)

    def step() -> Any:
        normal = (x - x.mean()) / x.std()  # GE302
        return (normal * w).sum()

    return explain(w, step)


def root_of_zero() -> Said:
    w = torch.zeros(3, requires_grad=True)
    distance = torch.sqrt((w**2).sum())  # GE303
    return explain_before_backward(w, distance)


def norm_to_a_half() -> Said:
    w = torch.tensor([0.0, 4.0], requires_grad=True)
    loss = (w**0.5).sum()  # GE303
    loss.backward(retain_graph=True)
    return explain(w, loss)


def exp_overflows() -> Said:
    logits = torch.tensor([1000.0, 0.0], requires_grad=True)

    def step() -> Any:
        e = torch.exp(logits)  # GE304
        return (e / e.sum())[0]

    return explain(logits, step)


def infinity_less_infinity() -> Said:
    w = torch.tensor([1.0], requires_grad=True)
    bound = torch.tensor([float("inf")])

    def step() -> Any:
        return ((w + bound) - bound).sum()  # GE305

    return explain(w, step)


def all_masked_softmax() -> Said:
    scores = torch.randn(2, 3, requires_grad=True)
    mask = torch.tensor([[0.0, 0.0, 0.0], [float("-inf")] * 3])

    def step() -> Any:
        return torch.softmax(scores + mask, 1).square().sum()  # GE305

    return explain(scores, step)


def nan_in_the_data() -> Said:
    model = nn.Linear(2, 1)
    x = torch.tensor([[1.0, 2.0], [float("nan"), 0.0]])  # GE306
    return explain(model.weight, lambda: model(x).square().mean())


def nan_in_the_data_after_the_fact() -> Said:
    model = nn.Linear(2, 1)
    x = torch.tensor([[1.0, 2.0], [float("nan"), 0.0]])  # GE306
    loss = model(x).square().mean()
    loss.backward(retain_graph=True)
    return explain(model.weight, loss)


def the_branch_not_taken() -> Said:
    w = torch.tensor([0.0, 2.0], requires_grad=True)

    def step() -> Any:
        root = torch.sqrt(w)  # GE307
        return torch.where(w > 0, root, torch.zeros(2)).sum()

    return explain(w, step)


# --- too small, too large ---


def vanishing_sigmoids() -> Said:
    layers = [layer for _ in range(12) for layer in (nn.Linear(8, 8), nn.Sigmoid())]
    model, x = nn.Sequential(*layers, nn.Linear(8, 1)), torch.randn(4, 8)

    def step() -> Any:
        return model(x).square().mean()  # GE401

    return explain(model[0].weight, step)


def vanishing_recurrence() -> Said:
    w, x, out = torch.full((1,), 0.5, requires_grad=True), torch.ones(1, requires_grad=True), nn.Linear(1, 1)

    def step() -> Any:
        h = x * 1
        for _ in range(40):
            h = h * w.detach()  # GE401
        return (out(h) - 1).square().mean()

    return explain(x, step)


def exploding_recurrence() -> Said:
    w, x = torch.full((1,), 2.0, requires_grad=True), torch.ones(1, requires_grad=True)

    def step() -> Any:
        h = x * 1
        for _ in range(40):
            h = h * w  # GE402
        return h.mean()

    return explain(w, step)


# --- Values ---


def value_never_used() -> Said:
    a, b = Value(2.0), Value(3.0)
    c = Value(4.0)  # GE101
    loss = a * b
    loss.backward()
    return explain(c, loss)


def value_by_its_number() -> Said:
    a, b = Value(2.5), Value(3.0)
    loss = a.data * b  # GE104
    loss.backward()
    return explain(a, loss)


def value_dead_relu() -> Said:
    a, b = Value(-2.0), Value(3.0)

    def step() -> Any:
        hidden = (a * b).relu()  # GE201
        return hidden + 1

    return explain(a, step)


def value_saturated() -> Said:
    a = Value(50.0)

    def step() -> Any:
        return (a * 2).tanh()  # GE202

    return explain(a, step)


def value_times_zero() -> Said:
    a, b = Value(2.0), Value(0.0)

    def step() -> Any:
        return a * b + 1  # GE204

    return explain(a, step)


def value_cancels() -> Said:
    a = Value(2.0)

    def step() -> Any:
        difference = a - a  # GE207
        return difference + 3

    return explain(a, step)


def value_log_of_zero() -> Said:
    a, b = Value(0.0), Value(3.0)

    def step() -> Any:
        return a.log() * b  # GE301

    return explain(b, step)


def value_root() -> Said:
    a = Value(0.0)

    def step() -> Any:
        return a.sqrt() * 2  # GE303

    return explain(a, step)


def value_overflow() -> Said:
    a = Value(1000.0)

    def step() -> Any:
        return a.exp() * 2  # GE304

    return explain(a, step)


def scalar_network_of_dead_neurons() -> Said:
    net = scalar_nn.MLP(2, [3, 1])
    for neuron in net.layers[0].neurons:
        neuron.b.data = -50.0

    def step() -> Any:
        return net([1.0, 2.0])  # GE201

    return explain(net.layers[0].neurons[0].w[0], step)


# --- whole programs, under `glassgrad run --explain` ---


def a_root_that_spoils_the_weights() -> Said:
    """The first gradients are NaN, and what the later passes say is their doing."""
    net, a, b = nn.Linear(3, 4), torch.randn(6, 3), torch.randn(6, 3)
    b[:2] = a[:2]

    def program() -> None:
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        for _ in range(3):
            optimizer.zero_grad()
            distance = torch.sqrt(((net(a) - net(b)) ** 2).sum(1))  # GE303
            distance.mean().backward()
            optimizer.step()

    return watched(program)


def a_late_root_of_zero() -> Said:
    """In a pass that is not watched whole."""
    net, a = nn.Linear(3, 4), torch.randn(6, 3)

    def program() -> None:
        optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
        for k in range(30):
            b = a if k == 17 else torch.randn(6, 3)
            optimizer.zero_grad()
            distance = torch.sqrt(((net(a) - net(b)) ** 2).sum(1))  # GE303
            distance.mean().backward()
            optimizer.step()

    return watched(program)


def a_weight_spoiled_by_hand() -> Said:
    net, (x, y) = nn.Linear(3, 2), data()

    def program() -> None:
        for k in range(8):
            F.cross_entropy(net(x), y).backward()
            with torch.no_grad():
                net.weight.mul_(float("nan") if k == 4 else 1.0)  # GE310
            net.zero_grad()

    return watched(program)


def a_row_that_is_masked_throughout() -> Said:
    net, x = nn.Linear(3, 3), data()[0]
    padding = torch.zeros(6, 3, dtype=torch.bool)
    padding[4] = True

    def program() -> None:
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        for _ in range(3):
            optimizer.zero_grad()
            shares = torch.softmax(net(x).masked_fill(padding, float("-inf")), 1)  # GE305
            shares.square().mean().backward()
            optimizer.step()

    return watched(program)


def an_angle_of_nothing() -> Said:
    w = torch.tensor([1.0, 0.5], requires_grad=True)
    return explain(w, lambda: torch.acos(w).sum())  # GE311


def a_root_of_a_negative() -> Said:
    w = torch.tensor([4.0, -1.0], requires_grad=True)
    return explain(w, lambda: w.sqrt().sum())  # GE311


def a_deviation_of_one() -> Said:
    net, x = nn.Linear(3, 2), torch.randn(1, 3)

    def step() -> Any:
        deviation = torch.sqrt(net(x).var(0) + 1)  # GE309
        return deviation.sum()

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return explain(net.weight, step)


def zero_times_the_logarithm_of_zero() -> Said:
    logits, share = torch.randn(2, requires_grad=True), torch.tensor([0.0, 1.0])

    def step() -> Any:
        logs = torch.log(share)  # GE301
        return (share * (logs - torch.log_softmax(logits, 0))).sum()

    return explain(logits, step)


def classes_of_no_weight() -> Said:
    net, x = nn.Linear(3, 2), data()[0]
    weight, y = torch.tensor([1.0, 0.0]), torch.ones(6, dtype=torch.long)
    return explain(net.weight, lambda: F.cross_entropy(net(x), y, weight))  # GE309


def a_late_mean_over_no_mask() -> Said:
    """In a pass that is not watched whole."""
    net = nn.Linear(3, 1)

    def program() -> None:
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        for k in range(20):
            x = torch.randn(6, 3)
            mask = torch.ones(6, 1) if k != 16 else torch.zeros(6, 1)
            optimizer.zero_grad()
            loss = (net(x).square() * mask).sum() / mask.sum()  # GE302
            loss.backward()
            optimizer.step()

    return watched(program)


def all_targets_are_ignored() -> Said:
    net, (x, _) = nn.Linear(3, 2), data()
    padding = torch.full((6,), -100)

    def program() -> None:
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        for _ in range(3):
            optimizer.zero_grad()
            F.cross_entropy(net(x), padding).backward()  # GE309
            optimizer.step()

    return watched(program)


def a_mean_of_what_no_mask_lets_through() -> Said:
    net, (x, _) = nn.Linear(3, 1), data()

    def program() -> None:
        for k in range(5):
            chosen = net(x)[x[:, :1] > 100 * (k > 1) - 50]
            loss = chosen.mean()  # GE309
            loss.backward()

    return watched(program)


def rebound() -> Said:
    w, x = torch.randn(3, 2, requires_grad=True), data()[0]

    def program() -> None:
        nonlocal w
        for _ in range(3):
            loss = (x @ w).square().mean()
            loss.backward()
            w = w - 0.1 * w.grad  # GE120

    return watched(program, TypeError)


def rebound_without_recording() -> Said:
    w, x = torch.randn(3, 2, requires_grad=True), data()[0]

    def program() -> None:
        nonlocal w
        for _ in range(3):
            loss = (x @ w).square().mean()
            loss.backward()
            with torch.no_grad():
                w = w - 0.1 * w.grad  # GE120

    return watched(program, RuntimeError)


def printed_after_it_was_forgotten() -> Said:
    net, (x, y) = nn.Linear(3, 2), data()

    def program() -> None:
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        for _ in range(3):
            F.cross_entropy(net(x), y).backward()
            optimizer.step()
            optimizer.zero_grad()  # GE112
            str(net.weight.grad)

    return watched(program)


def a_choice_that_is_drawn() -> Said:
    net, values = nn.Linear(3, 2), nn.Embedding(2, 1)

    def program() -> None:
        x = data()[0]
        choice = torch.distributions.Categorical(logits=net(x)).sample()  # GE122
        torch.optim.SGD([*net.parameters(), *values.parameters()], lr=0.1)
        values(choice).mean().backward()

    return watched(program)


def numbers_that_are_drawn() -> Said:
    mean, deviation = torch.zeros(3, requires_grad=True), torch.ones(3)
    return explain(mean, lambda: torch.normal(mean, deviation).square().mean())  # GE122


def a_head_replaced_too_late() -> Said:
    x, y = data()

    def program() -> None:
        model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 7))
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)  # GE114
        model[2] = nn.Linear(4, 2)
        for _ in range(3):
            F.cross_entropy(model(x), y).backward()
            optimizer.step()

    return watched(program)


def a_copy_that_learns_instead() -> Said:
    net, (x, y) = nn.Linear(3, 2), data()

    def program() -> None:
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        for _ in range(3):
            fast = {name: p.detach().requires_grad_() for name, p in net.named_parameters()}  # GE114
            F.cross_entropy(torch.func.functional_call(net, fast, (x,)), y).backward()
            optimizer.step()

    return watched(program)


def a_leaf_never_used_that_is_asked() -> Said:
    x = data()[0]

    def program() -> None:
        w = torch.randn(3, requires_grad=True)
        b = torch.zeros(1, requires_grad=True)  # GE101
        (x @ w).square().mean().backward()
        w.data -= 0.1 * w.grad
        b.data -= 0.1 * b.grad

    return watched(program, TypeError)


class Scaled(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Any, scale: Any) -> Any:
        ctx.save_for_backward(x, scale)
        return x * scale

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        _, scale = ctx.saved_tensors
        return g * scale, None  # GE121


def a_backward_that_gives_none() -> Said:
    w, scale = torch.randn(3, requires_grad=True), nn.Parameter(torch.ones(3))
    return watched(lambda: Scaled.apply(w, scale).sum().backward())


a_backward_that_gives_none.line_of = Scaled  # type: ignore[attr-defined]


def frozen_altogether() -> Said:
    model, (x, y) = nn.Linear(3, 2), data()

    def program() -> None:
        for p in model.parameters():
            p.requires_grad = False  # GE106
        F.cross_entropy(model(x), y).backward()

    return watched(program, RuntimeError)


def a_state_of_the_last_batch() -> Said:
    cell, x = nn.RNNCell(3, 3), data()[0]

    def program() -> None:
        h = torch.zeros(6, 3)
        for _ in range(3):
            h = cell(x, h)
            cell.zero_grad()
            h.square().mean().backward()  # GE111

    return watched(program, RuntimeError)


def a_result_that_is_asked() -> Said:
    net, (x, y) = Net(), data()

    def program() -> None:
        hidden = net.fc1(x)  # GE109
        F.cross_entropy(net.fc2(hidden), y).backward()
        assert str(hidden.grad) == "None"

    return watched(program)


def dead_after_some_steps() -> Said:
    net, x = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 1), nn.ReLU()), data()[0]
    target = torch.full((6, 1), -20.0)

    def program() -> None:
        with torch.no_grad():
            net[2].bias.fill_(1.0)
        optimizer = torch.optim.SGD(net.parameters(), lr=0.001)
        for _ in range(60):
            optimizer.zero_grad()
            F.mse_loss(net(x), target).backward()  # GE201
            optimizer.step()

    return watched(program)


def a_generator_that_no_loss_reaches() -> Said:
    make, judge = nn.Linear(2, 3), nn.Linear(3, 1)

    def program() -> None:
        of_make = torch.optim.Adam(make.parameters())
        of_judge = torch.optim.Adam(judge.parameters())
        for _ in range(10):
            fake = make(torch.randn(8, 2)).detach()  # GE104
            of_judge.zero_grad()
            (judge(torch.randn(8, 3)).mean() - judge(fake).mean()).backward()
            of_judge.step()
            of_make.zero_grad()
            judge(fake).mean().backward()
            of_make.step()

    return watched(program)


def forgotten_before_the_step() -> Said:
    model, (x, y) = nn.Linear(3, 2), data()

    def program() -> None:
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for _ in range(4):
            F.cross_entropy(model(x), y).backward()
            optimizer.zero_grad()  # GE112
            optimizer.step()

    return watched(program)


def nothing_but_padding() -> Said:
    table, head, y = nn.Embedding(5, 3, padding_idx=0), nn.Linear(3, 2), data()[1]
    tokens = torch.zeros(6, 4, dtype=torch.long)

    def program() -> None:
        optimizer = torch.optim.Adam([*table.parameters(), *head.parameters()])
        for _ in range(3):
            optimizer.zero_grad()
            F.cross_entropy(head(table(tokens).mean(1)), y).backward()  # GE216
            optimizer.step()

    return watched(program)


def a_second_training_that_is_cut() -> Said:
    """Its first pass is not one of those that are watched anyway."""
    first, net, (x, y) = nn.Linear(3, 2), Net(), data()
    del net.spare

    def program() -> None:
        for _ in range(7):
            F.cross_entropy(first(x), y).backward()
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        for _ in range(7):
            optimizer.zero_grad()
            hidden = net.fc1(x).detach()  # GE104
            F.cross_entropy(net.fc2(hidden), y).backward()
            optimizer.step()

    return watched(program)


# --- helpers ---


def watched(program: Any, raises: type[Exception] | None = None) -> Said:
    """What is said of it when it has ended."""
    seen = Watch(3)
    with contextlib.suppress(raises or ()), seen:
        program()
    assert not seen.failed, seen.failed
    (said,) = seen.told()
    return said


def explain_before_backward(p: Any, loss: Any) -> Said:
    """With the graph still there."""
    loss.backward(retain_graph=True)
    return explain(p, loss)

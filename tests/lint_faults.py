"""Training loops with one planted fault each. The line at which the lint is to say so ends in `# GL...`."""

from __future__ import annotations

import copy
from typing import Any

import glassgrad as torch
import glassgrad.nn as nn
import glassgrad.nn.functional as F
from glassgrad.data import DataLoader, Dataset, Subset, TensorDataset
from glassgrad.nn.utils import clip_grad_norm_, clip_grad_value_
from glassgrad.optim.lr_scheduler import CosineAnnealingLR, SequentialLR, StepLR
from glassgrad.scalar import nn as scalar_nn
from glassgrad.scalar import optim as scalar_optim


def classes(n: int = 24, k: int = 3) -> tuple[Any, Any]:
    x = torch.randn(n, 4)
    return x, (x @ torch.randn(4, k)).argmax(1)


def numbers(n: int = 24) -> tuple[Any, Any]:
    x = torch.randn(n, 4)
    return x, x @ torch.tensor([1.0, -2.0, 0.5, 0.0]) + 0.1 * torch.randn(n)


def mlp(out: int = 3, *last: Any) -> Any:
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, out), *last)


# --- gradients and steps ---


def never_reset() -> None:
    model, (x, y) = mlp(), classes()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(4):
        loss = F.cross_entropy(model(x), y)
        loss.backward()  # GL101
        optimizer.step()


def never_reset_with_adam_and_a_class() -> None:
    class Trainer:
        def __init__(self) -> None:
            self.model = mlp()
            self.optimizer = torch.optim.Adam(self.model.parameters(), lr=0.01)

        def step(self, x: Any, y: Any) -> float:
            loss = F.cross_entropy(self.model(x), y)
            loss.backward()  # GL101
            self.optimizer.step()
            return loss.item()

    trainer, (x, y) = Trainer(), classes()
    for i in range(0, 24, 6):
        trainer.step(x[i : i + 6], y[i : i + 6])


def never_reset_by_hand() -> None:
    w, (x, y) = torch.zeros(4, requires_grad=True), numbers()
    for _ in range(5):
        loss = ((x @ w - y) ** 2).mean()
        loss.backward()  # GL101
        with torch.no_grad():
            w -= 0.01 * w.grad


def never_reset_by_hand_through_data() -> None:
    w, (x, y) = torch.zeros(4, requires_grad=True), numbers()
    for _ in range(5):
        loss = ((x @ w - y) ** 2).mean()
        loss.backward()  # GL101
        w.data -= 0.01 * w.grad.data


def reset_of_another_model() -> None:
    one, two, (x, y) = mlp(), mlp(), classes()
    optimizer = torch.optim.SGD(one.parameters(), lr=0.1)
    for _ in range(4):
        two.zero_grad()
        F.cross_entropy(one(x), y).backward()  # GL101
        optimizer.step()


def reset_before_the_step() -> None:
    model, (x, y) = mlp(), classes()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(3):
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.zero_grad()  # GL102
        optimizer.step()


def reset_to_zeros_before_the_step() -> None:
    model, (x, y) = mlp(), classes()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(3):
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        model.zero_grad(set_to_none=False)  # GL102
        optimizer.step()


def no_backward() -> None:
    model, (x, y) = mlp(), classes()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y)
        optimizer.step()  # GL103


def no_backward_in_the_second_phase() -> None:
    model, (x, y) = mlp(), classes()
    optimizer = torch.optim.Adam(model.parameters())
    for phase in range(4):
        loss = F.cross_entropy(model(x), y)
        if phase < 2:
            optimizer.zero_grad()
            loss.backward()
        optimizer.step()  # GL103


def no_step() -> None:
    model, (x, y) = mlp(), classes()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()  # GL104


def a_layer_in_no_optimizer() -> None:
    model, (x, y) = mlp(), classes()
    optimizer = torch.optim.SGD(model[2].parameters(), lr=0.1)  # GL105
    for _ in range(3):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()


def biases_in_no_optimizer() -> None:
    model, (x, y) = mlp(), classes()
    weights = [p for name, p in model.named_parameters() if name.endswith("weight")]
    optimizer = torch.optim.AdamW(weights)  # GL105
    for _ in range(3):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()


def a_layer_that_is_never_used() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second, self.third = nn.Linear(4, 8), nn.Linear(8, 8), nn.Linear(8, 3)

        def forward(self, x: Any) -> Any:
            return self.third(torch.relu(self.first(x)))

    net, (x, y) = Net(), classes()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)  # GL106
    for _ in range(3):
        optimizer.zero_grad()
        F.cross_entropy(net(x), y).backward()
        optimizer.step()


def detached_in_the_middle() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder, self.head = nn.Linear(4, 8), nn.Linear(8, 3)

        def forward(self, x: Any) -> Any:
            return self.head(torch.relu(self.encoder(x)).detach())

    net, (x, y) = Net(), classes()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)  # GL106
    for _ in range(3):
        optimizer.zero_grad()
        F.cross_entropy(net(x), y).backward()
        optimizer.step()


def a_head_replaced_after_the_optimizer_was_made() -> None:
    model, (x, y) = mlp(5), classes()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)  # GL107
    model[2] = nn.Linear(8, 5)
    for _ in range(3):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()


def a_copy_is_trained() -> None:
    model, (x, y) = mlp(), classes()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)  # GL107
    model = copy.deepcopy(model)
    for _ in range(3):
        model.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()


def a_forgotten_encoder() -> None:
    encoder, decoder, x = mlp(2), nn.Linear(2, 4), torch.randn(24, 4)
    optimizer = torch.optim.Adam(decoder.parameters(), lr=0.01)  # GL105
    for _ in range(3):
        optimizer.zero_grad()
        F.mse_loss(decoder(encoder(x)), x).backward()
        optimizer.step()


def a_forgotten_embedding_of_two_optimizers() -> None:
    embed, rnn, head = nn.Embedding(10, 6), nn.GRU(6, 8, batch_first=True), nn.Linear(8, 10)
    of_rnn = torch.optim.Adam(rnn.parameters(), lr=0.01)
    of_head = torch.optim.SGD(head.parameters(), lr=0.1)  # GL105
    for _ in range(3):
        ids = torch.randint(10, (4, 6))
        loss = F.cross_entropy(head(rnn(embed(ids[:, :-1]))[0]).flatten(0, 1), ids[:, 1:].flatten())
        for optimizer in (of_rnn, of_head):
            optimizer.zero_grad()
        loss.backward()
        of_rnn.step()
        of_head.step()


def a_shared_embedding_in_two_optimizers() -> None:
    embed = nn.Embedding(10, 6)
    encoder, decoder = nn.Sequential(embed, nn.Linear(6, 8)), nn.Linear(8, 10)
    of_encoder = torch.optim.Adam(encoder.parameters(), lr=0.01)
    of_decoder = torch.optim.Adam([*decoder.parameters(), *embed.parameters()], lr=0.01)  # GL123
    for _ in range(4):
        ids = torch.randint(10, (8,))
        of_encoder.zero_grad()
        of_decoder.zero_grad()
        F.cross_entropy(decoder(encoder(ids)), ids).backward()
        of_encoder.step()
        of_decoder.step()


def a_head_with_a_rate_of_its_own_as_well() -> None:
    model, (x, y) = mlp(), classes()
    body = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    head = torch.optim.SGD(model[2].parameters(), lr=0.1)  # GL123
    for _ in range(5):
        model.zero_grad()
        F.cross_entropy(model(x), y).backward()
        body.step()
        head.step()


def a_step_for_each_epoch() -> None:
    model, (x, y) = mlp(), classes()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(3):
        for i in range(0, 24, 6):
            optimizer.zero_grad()
            F.cross_entropy(model(x[i : i + 6]), y[i : i + 6]).backward()
        optimizer.step()  # GL117


def accumulated_and_reset_each_time() -> None:
    model, (x, y) = mlp(), classes()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    for epoch in range(3):
        for k in range(4):
            model.zero_grad(set_to_none=epoch > 0)
            (F.cross_entropy(model(x[6 * k :][:6]), y[6 * k :][:6]) / 4).backward()
            clip_grad_norm_(model.parameters(), 1.0)
            if k == 3:
                optimizer.step()  # GL117


def an_optimizer_for_each_batch() -> None:
    def train_batch(model: Any, x: Any, y: Any) -> float:
        optimizer = torch.optim.Adam(model.parameters(), lr=0.01)  # GL118
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss.item()

    model, (x, y) = mlp(), classes()
    for i in range(0, 24, 6):
        train_batch(model, x[i : i + 6], y[i : i + 6])


def momentum_for_each_epoch() -> None:
    model, (x, y) = mlp(), classes()
    for _ in range(5):
        optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)  # GL118
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()


def clipped_after_the_step() -> None:
    model, (x, y) = mlp(), classes()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
        clip_grad_norm_(model.parameters(), 1.0)  # GL108


def clipped_before_backward() -> None:
    model, (x, y) = mlp(), classes()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        clip_grad_value_(model.parameters(), 0.5)  # GL108
        loss.backward()
        optimizer.step()


def schedule_before_the_step() -> None:
    model, (x, y) = mlp(), classes()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    scheduler = StepLR(optimizer, 2)
    for _ in range(3):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        scheduler.step()  # GL109
        optimizer.step()


def schedule_never_stepped() -> None:
    model, (x, y) = mlp(), classes()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    cosine = CosineAnnealingLR(optimizer, T_max=10)  # GL110
    for _ in range(3):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
    print(cosine.get_last_lr())


def plateau_never_told() -> None:
    model, (x, y) = mlp(), classes()
    optimizer = torch.optim.Adam(model.parameters())
    plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer)  # GL110
    for _ in range(3):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
    print(plateau.get_last_lr())


def two_schedules_never_stepped() -> None:
    model, (x, y) = mlp(), classes()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    parts: list[Any] = [StepLR(optimizer, 5), CosineAnnealingLR(optimizer, 5)]
    both = SequentialLR(optimizer, parts, [3])  # GL110
    for _ in range(3):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
    print(both.get_last_lr())


def a_schedule_of_the_first_phase() -> None:
    model, (x, y) = mlp(), classes()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    scheduler = StepLR(optimizer, step_size=2, gamma=0.5)
    for epoch in range(8):
        if epoch == 3:
            optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)  # type: ignore[assignment]  # GL119
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
        scheduler.step()


def a_schedule_of_an_optimizer_made_again() -> None:
    model, (x, y) = mlp(), classes()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    scheduler = CosineAnnealingLR(optimizer, T_max=8)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)  # GL119
    for _ in range(8):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
        scheduler.step()


def a_plateau_of_a_falling_loss() -> None:
    model, (x, y) = mlp(1), numbers()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    by_loss = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, mode="max", factor=0.5, patience=1)  # GL120
    for _ in range(10):
        optimizer.zero_grad()
        loss = F.mse_loss(model(x).squeeze(1), y)
        loss.backward()
        optimizer.step()
        by_loss.step(loss)


def plateaus_of_two_networks() -> None:
    one, two, (x, y) = mlp(1), mlp(1), numbers()
    optimizers = [torch.optim.SGD(model.parameters(), lr=0.05) for model in (one, two)]
    of_one = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizers[0], patience=1)
    of_two = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizers[1], mode="max", patience=1)  # GL120
    for _ in range(10):
        losses = [F.mse_loss(model(x).squeeze(1), y) for model in (one, two)]
        for optimizer, loss in zip(optimizers, losses, strict=True):
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        of_one.step(losses[0])
        of_two.step(losses[1])


def a_plateau_of_a_rising_accuracy() -> None:
    model, (x, y) = nn.Linear(4, 2), classes(50, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    by_accuracy = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.7, patience=2)  # GL120
    for _ in range(20):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
        by_accuracy.step((model(x).argmax(1) == y).float().mean().item())


def the_same_seed_at_each_step() -> None:
    model = mlp(1, nn.Dropout(0.2))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(6):
        torch.manual_seed(42)  # GL121
        x = torch.randn(16, 4)
        optimizer.zero_grad()
        F.mse_loss(model(x), x.sum(1, keepdim=True)).backward()
        optimizer.step()


def the_same_order_in_each_epoch() -> None:
    def everything_seeded() -> None:
        torch.manual_seed(0)  # GL121

    model, loader = mlp(), DataLoader(TensorDataset(*classes()), batch_size=6, shuffle=True)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(4):
        everything_seeded()
        for xb, yb in loader:
            optimizer.zero_grad()
            F.cross_entropy(model(xb), yb).backward()
            optimizer.step()


def updates_below_the_spacing_of_bfloat16() -> None:
    model, (x, y) = mlp(1).to(torch.bfloat16), numbers()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-4)  # GL122
    for _ in range(8):
        optimizer.zero_grad()
        F.mse_loss(model(x.bfloat16()).squeeze(1), y.bfloat16()).backward()
        optimizer.step()


def updates_below_the_spacing_of_float16() -> None:
    model, (x, y) = mlp(1).half(), numbers()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5, eps=1e-4)  # GL122
    for _ in range(8):
        optimizer.zero_grad()
        F.mse_loss(model(x.half()).squeeze(1), y.half()).backward()
        optimizer.step()


def rate_of_zero() -> None:
    model, (x, y) = mlp(), classes()
    optimizer = torch.optim.SGD(model.parameters(), lr=0)  # GL111
    for _ in range(3):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()


def rate_too_large() -> None:
    model, (x, y) = mlp(1), numbers()
    optimizer = torch.optim.SGD(model.parameters(), lr=30.0)
    for _ in range(10):
        optimizer.zero_grad()
        loss = F.mse_loss(model(x).squeeze(1), y)
        loss.backward()  # GL112
        optimizer.step()


def rate_too_large_for_adam() -> None:
    model, (x, y) = mlp(), classes()
    optimizer = torch.optim.Adam(model.parameters(), lr=10.0)
    for _ in range(8):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()  # GL112
        optimizer.step()


def updated_on_the_graph() -> None:
    w, (x, y) = torch.zeros(4, requires_grad=True), numbers()
    loss = ((x @ w - y) ** 2).mean()
    loss.backward()
    w = w - 0.1 * w.grad  # GL113
    assert w.grad is None


def updated_in_place_outside_no_grad() -> None:
    w, (x, y) = torch.zeros(4, requires_grad=True), numbers()
    loss = ((x @ w - y) ** 2).mean()
    loss.backward()
    w -= 0.1 * w.grad  # GL113


# --- scalars ---


def line(points: int = 6) -> tuple[list[float], list[float]]:
    return [float(i) for i in range(points)], [0.5 * i - 1 for i in range(points)]


def scalars_never_reset() -> None:
    model = scalar_nn.MLP(1, [4, 1])
    for _ in range(4):
        loss = sum((model([x]) - y) ** 2 for x, y in zip(*line(), strict=True))
        loss.backward()  # GL101
        for p in model.parameters():
            p.data -= 0.001 * p.grad


def scalars_never_reset_with_an_optimizer() -> None:
    model = scalar_nn.MLP(1, [4, 1])
    optimizer = scalar_optim.Adam(model.parameters(), lr=0.01)
    for _ in range(4):
        loss = sum((model([x]) - y) ** 2 for x, y in zip(*line(), strict=True))
        loss.backward()  # GL101
        optimizer.step()


def scalars_reset_before_the_step() -> None:
    model = scalar_nn.MLP(1, [4, 1])
    optimizer = scalar_optim.SGD(model.parameters(), lr=0.001)
    for _ in range(4):
        loss = sum((model([x]) - y) ** 2 for x, y in zip(*line(), strict=True))
        loss.backward()
        model.zero_grad()  # GL102
        optimizer.step()


def scalars_without_backward() -> None:
    model = scalar_nn.MLP(1, [4, 1])
    optimizer = scalar_optim.SGD(model.parameters(), lr=0.001)
    for _ in range(4):
        optimizer.zero_grad()
        sum((model([x]) - y) ** 2 for x, y in zip(*line(), strict=True))
        optimizer.step()  # GL103


def a_tiny_rate() -> None:
    model, (x, y) = mlp(), classes()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-9)  # GL114
    for _ in range(6):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()


def a_schedule_that_counts_batches() -> None:
    model, (x, y) = mlp(), classes()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)  # GL114
    scheduler = StepLR(optimizer, step_size=1, gamma=0.1)
    for _ in range(20):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
        scheduler.step()


def clipped_to_nothing() -> None:
    model, (x, y) = mlp(), classes()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(6):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        clip_grad_norm_(model.parameters(), 1e-7)  # GL114
        optimizer.step()


def too_much_decay() -> None:
    model, (x, y) = mlp(), classes()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, weight_decay=3.0)  # GL115
    for _ in range(6):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()


def without_parentheses() -> None:
    model, (x, y) = mlp(), classes()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)  # GL116
    for _ in range(4):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward  # noqa: B018
        optimizer.step  # noqa: B018


# --- losses ---


def softmax_before_cross_entropy() -> None:
    model, (x, y) = mlp(3, nn.Softmax(dim=1)), classes()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    criterion = nn.CrossEntropyLoss()
    for _ in range(3):
        optimizer.zero_grad()
        criterion(model(x), y).backward()  # GL201
        optimizer.step()


def log_softmax_before_cross_entropy() -> None:
    model, (x, y) = mlp(), classes()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        out = F.log_softmax(model(x), dim=1)
        loss = F.cross_entropy(out.view(-1, 3), y)  # GL201
        loss.backward()
        optimizer.step()


def sigmoid_before_logits() -> None:
    model, (x, y) = mlp(1, nn.Sigmoid()), classes(k=2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    criterion = nn.BCEWithLogitsLoss()
    for _ in range(3):
        optimizer.zero_grad()
        criterion(model(x).squeeze(1), y.float()).backward()  # GL202
        optimizer.step()


def nll_of_logits() -> None:
    model, (x, y) = mlp(), classes()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        loss = nn.NLLLoss()(model(x), y)  # GL203
        loss.backward()
        optimizer.step()


def nll_of_probabilities() -> None:
    model, (x, y) = mlp(3, nn.Softmax(dim=1)), classes()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        F.nll_loss(model(x), y).backward()  # GL203
        optimizer.step()


def mse_of_a_column_and_a_row() -> None:
    model, (x, y) = mlp(1), numbers()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for _ in range(3):
        optimizer.zero_grad()
        loss = nn.MSELoss()(model(x), y)  # GL204
        loss.backward()
        optimizer.step()


def a_difference_of_a_column_and_a_row() -> None:
    model, (x, y) = mlp(1), numbers()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for _ in range(3):
        optimizer.zero_grad()
        loss = (model(x) - y).pow(2).mean()  # GL204
        loss.backward()
        optimizer.step()


def advantages_that_are_a_square() -> None:
    policy, value, (x, returns) = mlp(2), mlp(1), numbers()
    optimizer = torch.optim.Adam([*policy.parameters(), *value.parameters()])
    for _ in range(3):
        chances = policy(x).log_softmax(1)[:, 0]
        advantage = returns - value(x)  # GL204
        loss = (chances * advantage.detach()).mean() + advantage.pow(2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def classes_as_one_hot() -> None:
    model, (x, y) = mlp(), classes()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        F.cross_entropy(model(x), F.one_hot(y, 3).float()).backward()  # GL205
        optimizer.step()


def classes_as_floats() -> None:
    model, (x, y) = mlp(), classes()
    F.cross_entropy(model(x), y.float())  # GL205


def several_labels_at_once() -> None:
    model, (x, _) = mlp(), classes()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    labels = torch.tensor([[1.0, 0, 1], [1, 1, 1], [0, 0, 0]] * 8)
    for _ in range(3):
        optimizer.zero_grad()
        F.cross_entropy(model(x), labels).backward()  # GL205
        optimizer.step()


def one_output_for_two_classes() -> None:
    model, (x, y) = mlp(1), classes(k=2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y.float().unsqueeze(1)).backward()  # GL206
        optimizer.step()


def a_total_with_its_graph() -> None:
    model, (x, y) = mlp(), classes()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    total = 0.0
    for _ in range(6):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        total += loss  # GL207


def a_list_of_losses_with_their_graphs() -> None:
    model, (x, y) = mlp(), classes()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    global history
    history = []
    for _ in range(12):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()  # GL207
        optimizer.step()
        history.append(loss)


history: list[Any] = []


def loss_of_a_number() -> None:
    model, (x, y) = mlp(), classes()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        loss = torch.tensor(F.cross_entropy(model(x), y).item(), requires_grad=True)
        loss.backward()  # GL208
        optimizer.step()


def loss_of_numbers() -> None:
    model, (x, y) = mlp(), classes()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(3):
        logits = model(x)
        losses = [F.cross_entropy(logits[i : i + 1], y[i : i + 1]).item() for i in range(6)]
        loss = torch.tensor(losses, requires_grad=True).mean()
        optimizer.zero_grad()
        loss.backward()  # GL208
        optimizer.step()


def loss_of_numbers_with_gradients_that_are_zeros() -> None:
    model, (x, y) = mlp(1), numbers()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(3):
        prediction = model(x).squeeze(1).detach().requires_grad_()
        optimizer.zero_grad(set_to_none=False)
        F.mse_loss(prediction, y).backward()  # GL208
        optimizer.step()


def loss_detached() -> None:
    model, (x, y) = mlp(), classes()
    loss = F.cross_entropy(model(x), y).detach()
    loss.backward()  # GL208


def loss_of_data() -> None:
    model, (x, y) = mlp(), classes()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y).data
        loss.requires_grad = True
        loss.backward()  # GL208
        optimizer.step()


def forward_under_no_grad() -> None:
    model, (x, y) = mlp(), classes()
    with torch.no_grad():
        out = model(x)  # GL209
        loss = F.cross_entropy(out, y)
    loss.backward()


def forward_under_no_grad_made_to_run() -> None:
    model, (x, y) = mlp(), classes()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        with torch.no_grad():
            out = model(x)  # GL209
        loss = F.cross_entropy(out, y)
        loss.requires_grad_()
        loss.backward()
        optimizer.step()


def a_tensor_of_a_tensor() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Linear(4, 8), nn.Linear(8, 3)

        def forward(self, x: Any) -> Any:
            h = torch.tensor(torch.relu(self.a(x)))  # GL210
            return self.b(h)

    net, (x, y) = Net(), classes()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        F.cross_entropy(net(x), y).backward()
        optimizer.step()


def logarithm_of_zero() -> None:
    model, (x, y) = mlp(3, nn.ReLU()), classes()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        chances = model(x)
        logs = torch.log(chances)  # GL211
        loss = -(F.one_hot(y, 3) * logs).mean()
        loss.backward()
        optimizer.step()
        break


def slope_of_a_root_at_zero() -> None:
    model, (x, y) = mlp(), classes()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    out = model(x)
    distance = ((out - out.detach()) ** 2).sum(1).sqrt()
    loss = distance.mean() + F.cross_entropy(out, y)
    loss.backward()  # GL211
    optimizer.step()


def divergence_of_probabilities() -> None:
    model, (x, _) = mlp(), classes()
    target = torch.softmax(torch.randn(24, 3), 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        F.kl_div(torch.softmax(model(x), 1), target, reduction="batchmean").backward()  # GL203
        optimizer.step()


def log_softmax_over_the_batch() -> None:
    model, (x, y) = mlp(3, nn.LogSoftmax(dim=0)), classes()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        F.nll_loss(model(x), y).backward()  # GL203
        optimizer.step()


def targets_of_minus_one() -> None:
    model, (x, y) = mlp(1), numbers()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        F.binary_cross_entropy_with_logits(model(x).squeeze(1), y.sign()).backward()  # GL212
        optimizer.step()


def a_forgotten_minus() -> None:
    model, (x, y) = mlp(3, nn.LogSoftmax(dim=1)), classes()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        loss = model(x)[torch.arange(len(y)), y].mean()
        loss.backward()  # GL213
        optimizer.step()


def a_forgotten_minus_before_a_sum() -> None:
    model, (x, y) = mlp(), classes()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.001)
    for _ in range(3):
        optimizer.zero_grad()
        chances = torch.softmax(model(x), 1)
        chances.log().gather(1, y[:, None]).sum().backward()  # GL213
        optimizer.step()


# --- modules and layers ---


def dropout_in_the_evaluation() -> None:
    model, (x, y) = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.5), nn.Linear(8, 3)), classes()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        F.cross_entropy(model(x[:16]), y[:16]).backward()
        optimizer.step()
        with torch.no_grad():
            out = model(x[16:])  # GL301
            print((out.argmax(1) == y[16:]).float().mean())


def batch_norm_in_the_evaluation() -> None:
    model, (x, y) = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 1)), numbers()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for _ in range(3):
        optimizer.zero_grad()
        F.mse_loss(model(x[:16]), y[:16, None]).backward()
        optimizer.step()
    with torch.inference_mode():
        print(F.mse_loss(model(x[16:]), y[16:, None]))  # GL301


def never_back_to_training() -> None:
    model, (x, y) = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.2), nn.Linear(8, 3)), classes()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        out = model(x[:16])  # GL302
        F.cross_entropy(out, y[:16]).backward()
        optimizer.step()
        model.eval()
        with torch.no_grad():
            print(F.cross_entropy(model(x[16:]), y[16:]))


def everything_dropped() -> None:
    model, (x, y) = nn.Sequential(nn.Linear(4, 8), nn.Dropout(1.0), nn.Linear(8, 3)), classes()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        out = model(x)  # GL303
        F.cross_entropy(out, y).backward()
        optimizer.step()


def a_last_batch_of_one() -> None:
    model, (x, y) = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Linear(8, 3)), classes(9)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for xb, yb in DataLoader(TensorDataset(x, y), batch_size=4, shuffle=True):
        optimizer.zero_grad()
        out = model(xb)  # GL304
        F.cross_entropy(out, yb).backward()
        optimizer.step()


def pictures_one_by_one() -> None:
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(64, 3))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for i in range(3):
        optimizer.zero_grad()
        out = model(torch.randn(1, 1, 6, 6))  # GL304
        F.cross_entropy(out, torch.tensor([i])).backward()
        optimizer.step()


def constant_weights() -> None:
    model, (x, y) = mlp(), classes()
    for p in model.parameters():
        nn.init.constant_(p, 0.1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()  # GL305


def zero_weights() -> None:
    model, (x, y) = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3)), classes()
    for p in model.parameters():
        nn.init.zeros_(p)
    optimizer = torch.optim.Adam(model.parameters())
    for _ in range(3):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()  # GL305


def a_dead_layer() -> None:
    model, (x, y) = mlp(), classes()
    nn.init.constant_(model[0].bias, -100.0)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(4):
        optimizer.zero_grad()
        out = model(x)  # GL306
        F.cross_entropy(out, y).backward()
        optimizer.step()


def a_saturated_layer() -> None:
    model, (x, y) = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3)), classes()
    nn.init.normal_(model[0].weight, std=500.0)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(4):
        optimizer.zero_grad()
        out = model(x)  # GL307
        F.cross_entropy(out, y).backward()
        optimizer.step()


def a_saturated_sigmoid_by_hand() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Linear(4, 8), nn.Linear(8, 3)

        def forward(self, x: Any) -> Any:
            return self.b(torch.sigmoid(self.a(x)))  # GL307

    net, (x, y) = Net(), classes()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(4):
        optimizer.zero_grad()
        F.cross_entropy(net(x * 3000), y).backward()
        optimizer.step()


def layers_in_a_plain_list() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = [nn.Linear(4, 4) for _ in range(2)]
            self.head = nn.Linear(4, 3)

        def forward(self, x: Any) -> Any:
            for layer in self.layers:
                x = torch.tanh(layer(x))  # GL308
            return self.head(x)

    net, (x, y) = Net(), classes()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        F.cross_entropy(net(x), y).backward()
        optimizer.step()


def functional_dropout_in_evaluation() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Linear(4, 8), nn.Linear(8, 3)

        def forward(self, x: Any) -> Any:
            return self.b(F.dropout(torch.relu(self.a(x)), 0.5))  # GL309

    net, (x, y) = Net(), classes()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        F.cross_entropy(net(x), y).backward()
        optimizer.step()
    net.eval()
    with torch.no_grad():
        print((net(x[:8]).argmax(1) == y[:8]).float().mean())


def a_layer_made_in_forward() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.head = nn.Linear(8, 3)

        def forward(self, x: Any) -> Any:
            return self.head(torch.relu(nn.Linear(4, 8)(x)))  # GL310

    net, (x, y) = Net(), classes()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(4):
        optimizer.zero_grad()
        F.cross_entropy(net(x), y).backward()
        optimizer.step()


def no_activation() -> None:
    model, (x, y) = nn.Sequential(nn.Linear(4, 8), nn.Linear(8, 3)), classes()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(4):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()  # GL311
        optimizer.step()


def no_activation_between_convolutions() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b, self.c = nn.Conv2d(1, 8, 3), nn.Conv2d(8, 8, 3), nn.Linear(8 * 16, 3)

        def forward(self, x: Any) -> Any:
            x = self.b(self.a(x))  # GL311
            return self.c(torch.relu(x).flatten(1))

    net, x, y = Net(), torch.randn(6, 1, 8, 8), torch.arange(6) % 3
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(4):
        optimizer.zero_grad()
        F.cross_entropy(net(x), y).backward()
        optimizer.step()


def the_best_state_is_the_last() -> None:
    model, (x, y) = mlp(), classes()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    best, lowest = model.state_dict(), float("inf")
    for _ in range(4):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        if loss.item() < lowest:
            best, lowest = model.state_dict(), loss.item()
    model.load_state_dict(best)  # GL312


def nearly_all_is_dropped() -> None:
    model, (x, y) = nn.Sequential(nn.Linear(4, 40), nn.ReLU(), nn.Dropout(0.95), nn.Linear(40, 3)), classes()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for _ in range(3):
        optimizer.zero_grad()
        out = model(x)  # GL303
        F.cross_entropy(out, y).backward()
        optimizer.step()


def statistics_that_hardly_follow() -> None:
    model, (x, y) = (
        nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8, momentum=0.001), nn.ReLU(), nn.Linear(8, 3)),
        classes(),
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(25):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        print(F.cross_entropy(model(x), y))  # GL313


def a_hook_in_each_step() -> None:
    model, (x, y) = mlp(), classes()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    seen = []
    for _ in range(6):
        model[0].register_forward_hook(lambda module, args, out: seen.append(out.mean().item()))
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()  # GL314
        optimizer.step()


def one_layer_several_times() -> None:
    (x, y), block = classes(), nn.Sequential(nn.Linear(4, 4), nn.ReLU())
    model = nn.Sequential(*[block] * 4, nn.Linear(4, 3))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()  # GL315
        optimizer.step()


def a_parameter_that_was_computed() -> None:
    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.ones(4)) * 0.1
            self.head = nn.Linear(4, 3)

        def forward(self, x: Any) -> Any:
            return self.head(x * self.scale)

    net, (x, y) = Scaled(), classes()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(1):
        optimizer.zero_grad()
        F.cross_entropy(net(x), y).backward()  # GL316
        optimizer.step()


def evaluation_with_graphs() -> None:
    model, (x, y) = mlp(), classes(60)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(3):
        model.train()
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
    model.eval()
    answers = []
    for k in range(0, 60, 5):
        answers.append(model(x[k : k + 5]))  # GL320
    print(torch.cat(answers).argmax(1).eq(y).float().mean())


# --- sequences ---


def padding_that_is_a_word() -> None:
    emb, head, y = nn.Embedding(9, 4, padding_idx=0), nn.Linear(4, 3), torch.arange(12) % 3
    optimizer = torch.optim.Adam([*emb.parameters(), *head.parameters()], lr=0.01)
    for _ in range(4):
        words = torch.randint(9, (12, 10))
        optimizer.zero_grad()
        F.cross_entropy(head(emb(words).mean(1)), y).backward()  # GL317
        optimizer.step()


def samples_taken_for_time() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rnn, self.head = nn.GRU(3, 8), nn.Linear(8, 2)

        def forward(self, x: Any) -> Any:
            out, _ = self.rnn(x)  # GL318
            return self.head(out[:, -1])

    net, x = Net(), torch.randn(16, 5, 3)
    y = (x.sum((1, 2)) > 0).long()
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    for _ in range(3):
        optimizer.zero_grad()
        F.cross_entropy(net(x), y).backward()
        optimizer.step()


class Speaker(nn.Module):
    def __init__(self, attend: Any) -> None:
        super().__init__()
        self.emb, self.qkv, self.head = nn.Embedding(6, 8), nn.Linear(8, 24), nn.Linear(8, 6)
        self.attend = attend

    def forward(self, words: Any) -> Any:
        x = self.emb(words)
        return self.head(torch.relu(x + self.attend(*self.qkv(x).chunk(3, -1))))


def speaking(attend: Any) -> None:
    net = Speaker(attend)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    for _ in range(3):
        text = torch.randint(6, (4, 9))
        optimizer.zero_grad()
        F.cross_entropy(net(text[:, :-1]).flatten(0, 1), text[:, 1:].flatten()).backward()
        optimizer.step()


def attention_that_looks_ahead() -> None:
    def attend(q: Any, k: Any, v: Any) -> Any:
        return torch.softmax(q @ k.transpose(-2, -1) / 8**0.5, -1) @ v  # GL319

    speaking(attend)


def fused_attention_that_looks_ahead() -> None:
    def attend(q: Any, k: Any, v: Any) -> Any:
        return F.scaled_dot_product_attention(q, k, v)  # GL319

    speaking(attend)


# --- data ---


def a_loader_without_batches() -> None:
    model, (x, y) = mlp(), classes(20)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True, drop_last=True)  # GL404
    for _ in range(2):
        for xb, yb in loader:
            optimizer.zero_grad()
            F.cross_entropy(model(xb), yb).backward()
            optimizer.step()


def noise_that_stays() -> None:
    class Noisy(Dataset[Any]):
        def __init__(self) -> None:
            self.x, self.y = classes(20)

        def __len__(self) -> int:
            return 20

        def __getitem__(self, i: int) -> Any:
            x = self.x[i]
            x += 0.1 * torch.randn(4)
            return x, self.y[i]

    model, loader = mlp(), DataLoader(Noisy(), batch_size=5, shuffle=True)  # GL405
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for xb, yb in loader:
        optimizer.zero_grad()
        F.cross_entropy(model(xb), yb).backward()
        optimizer.step()


def judged_on_raw_numbers() -> None:
    model, (x, y) = mlp(), classes(40)
    raw = 100 + 20 * x
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(4):
        optimizer.zero_grad()
        F.cross_entropy(model((raw[:30] - raw[:30].mean(0)) / raw[:30].std(0)), y[:30]).backward()
        optimizer.step()
    with torch.no_grad():
        print((model(raw[30:]).argmax(1) == y[30:]).float().mean())  # GL406


def scores_cut_off() -> None:
    model, (x, _) = mlp(1), numbers()
    y = torch.sigmoid(x.sum(1)).long()  # GL407
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        F.mse_loss(model(x).squeeze(1), y.float()).backward()
        optimizer.step()


def sorted_and_not_shuffled() -> None:
    model, (x, y) = mlp(), classes(60)
    order = y.argsort()
    loader = DataLoader(TensorDataset(x[order], y[order]), batch_size=10)  # GL401
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(2):
        for xb, yb in loader:
            optimizer.zero_grad()
            F.cross_entropy(model(xb), yb).backward()
            optimizer.step()


def parts_that_overlap() -> None:
    model, (x, y) = mlp(), classes(60)
    data = TensorDataset(x, y)
    loader = DataLoader(Subset(data, range(50)), batch_size=10, shuffle=True)
    val_loader = DataLoader(Subset(data, range(40, 60)), batch_size=10)  # GL402
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for xb, yb in loader:
        optimizer.zero_grad()
        F.cross_entropy(model(xb), yb).backward()
        optimizer.step()
    with torch.no_grad():
        for xb, yb in val_loader:
            print(F.cross_entropy(model(xb), yb))


def test_rows_that_were_learned() -> None:
    model, (x, y) = mlp(), classes(60)
    x_train, x_test, y_train, y_test = x[:50], x[40:], y[:50], y[40:]
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        F.cross_entropy(model(x_train), y_train).backward()
        optimizer.step()
    with torch.no_grad():
        print((model(x_test).argmax(1) == y_test).float().mean())  # GL402


def pictures_of_bytes() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 3))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    x, y = torch.randint(256, (20, 8, 8)).float(), torch.randint(3, (20,))
    for _ in range(3):
        optimizer.zero_grad()
        out = model(x)  # GL403
        F.cross_entropy(out, y).backward()
        optimizer.step()

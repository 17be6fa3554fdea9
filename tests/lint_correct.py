"""Correct training programs, most of them with something that looks like a fault: the lint has nothing to say."""

from __future__ import annotations

import copy
import math
from typing import Any

import glassgrad as torch
import glassgrad.nn as nn
import glassgrad.nn.functional as F
from glassgrad.data import DataLoader, Dataset, Subset, TensorDataset, random_split
from glassgrad.nn.utils import clip_grad_norm_
from glassgrad.ops.randoms import fork_rng
from glassgrad.scalar import nn as scalar_nn
from glassgrad.scalar import optim as scalar_optim
from lint_faults import Speaker, classes, line, mlp, numbers, speaking


def plain() -> None:
    model, (x, y) = mlp(), classes()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    for _ in range(5):
        optimizer.zero_grad()
        loss = nn.CrossEntropyLoss()(model(x), y)
        loss.backward()
        optimizer.step()


def reset_after_the_step() -> None:
    model, (x, y) = mlp(), classes()
    optimizer = torch.optim.Adam(model.parameters())
    for _ in range(5):
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=False)


def accumulation_over_batches() -> None:
    model, (x, y) = mlp(), classes()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    optimizer.zero_grad()
    for i in range(8):
        (F.cross_entropy(model(x[3 * i : 3 * i + 3]), y[3 * i : 3 * i + 3]) / 4).backward()
        if i % 4 == 3:
            clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()


def several_losses_one_step() -> None:
    model, (x, y) = mlp(), classes()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(4):
        optimizer.zero_grad()
        F.cross_entropy(model(x[:12]), y[:12]).backward()
        F.cross_entropy(model(x[12:]), y[12:]).backward()
        penalty = sum(p.square().sum() for p in model.parameters()) * 1e-3
        penalty.backward()
        optimizer.step()


def by_hand_with_none() -> None:
    w, (x, y) = torch.zeros(4, requires_grad=True), numbers()
    for _ in range(5):
        ((x @ w - y) ** 2).mean().backward()
        with torch.no_grad():
            w -= 0.05 * w.grad
        w.grad = None


def by_hand_with_zeros() -> None:
    w, b = torch.zeros(4, requires_grad=True), torch.zeros(1, requires_grad=True)
    x, y = numbers()
    for _ in range(5):
        ((x @ w + b - y) ** 2).mean().backward()
        for p in (w, b):
            p.data -= 0.05 * p.grad.data
            p.grad.data.zero_()


def by_hand_with_momentum_in_the_gradient() -> None:
    w, (x, y) = torch.zeros(4, requires_grad=True), numbers()
    for _ in range(5):
        ((x @ w - y) ** 2).mean().backward()
        with torch.no_grad():
            w -= 0.01 * w.grad
            w.grad *= 0.9


def by_autograd_grad() -> None:
    model, (x, y) = mlp(1), numbers()
    for _ in range(4):
        loss = F.mse_loss(model(x).squeeze(1), y)
        slopes = torch.autograd.grad(loss, list(model.parameters()))
        with torch.no_grad():
            for p, g in zip(model.parameters(), slopes, strict=True):
                p -= 0.01 * g


def gan() -> None:
    generator = nn.Sequential(nn.Linear(2, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2))
    critic = nn.Sequential(nn.Linear(2, 8), nn.LeakyReLU(0.2), nn.Linear(8, 1))
    of_g = torch.optim.Adam(generator.parameters(), lr=1e-3, betas=(0.5, 0.9))
    of_d = torch.optim.Adam(critic.parameters(), lr=1e-3, betas=(0.5, 0.9))
    criterion, real = nn.BCEWithLogitsLoss(), torch.randn(16, 2) + 2
    for _ in range(5):
        critic.zero_grad()
        criterion(critic(real), torch.ones(16, 1)).backward()
        fake = generator(torch.randn(16, 2))
        criterion(critic(fake.detach()), torch.zeros(16, 1)).backward()
        of_d.step()
        generator.zero_grad()
        criterion(critic(fake), torch.ones(16, 1)).backward()
        of_g.step()
    with torch.no_grad():
        print(generator(torch.randn(4, 2)))


def wasserstein_with_clipped_weights() -> None:
    generator, critic = nn.Linear(2, 2), nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 1))
    of_g = torch.optim.RMSprop(generator.parameters(), lr=5e-5)
    of_d = torch.optim.RMSprop(critic.parameters(), lr=5e-5)
    for _ in range(3):
        for _ in range(2):
            of_d.zero_grad()
            loss = critic(generator(torch.randn(8, 2)).detach()).mean() - critic(torch.randn(8, 2)).mean()
            loss.backward()
            of_d.step()
            for p in critic.parameters():
                p.data.clamp_(-0.01, 0.01)
        of_g.zero_grad()
        (-critic(generator(torch.randn(8, 2))).mean()).backward()
        of_g.step()


def reinforce() -> None:
    policy = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.6), nn.ReLU(), nn.Linear(8, 2))
    optimizer = torch.optim.Adam(policy.parameters(), lr=1e-2)
    for _ in range(3):
        logs, rewards = [], []
        for _ in range(6):
            chances = F.softmax(policy(torch.randn(1, 4)), dim=1)
            at = torch.distributions.Categorical(chances)
            action = at.sample()
            logs.append(at.log_prob(action))
            rewards.append(float(action.item()))
        returns = torch.tensor(rewards) - 0.5
        loss = torch.cat([-log * r for log, r in zip(logs, returns, strict=True)]).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def q_learning_with_a_target_network() -> None:
    net = mlp(2)
    target = copy.deepcopy(net)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3, amsgrad=True)
    for step in range(6):
        state, following = torch.randn(8, 4), torch.randn(8, 4)
        action, reward = torch.randint(2, (8, 1)), torch.randn(8)
        with torch.no_grad():
            best = target(following).max(1).values
        value = net(state).gather(1, action)
        loss = F.smooth_l1_loss(value, (best * 0.9 + reward).unsqueeze(1))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_value_(net.parameters(), 100)
        optimizer.step()
        if step % 2:
            target.load_state_dict(net.state_dict())


def actor_and_critic() -> None:
    actor, critic = mlp(2), mlp(1)
    of_actor = torch.optim.Adam(actor.parameters(), lr=1e-3)
    of_critic = torch.optim.Adam(critic.parameters(), lr=1e-3)
    for _ in range(4):
        state, returns = torch.randn(8, 4), torch.randn(8)
        value = critic(state).squeeze(-1)
        advantage = returns - value.detach()
        at = torch.distributions.Categorical(logits=actor(state))
        loss = -(at.log_prob(at.sample()) * advantage).mean() - 0.01 * at.entropy().mean()
        of_actor.zero_grad()
        loss.backward()
        of_actor.step()
        of_critic.zero_grad()
        F.mse_loss(value, returns).backward()
        of_critic.step()


def frozen_backbone() -> None:
    backbone, head = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU()), nn.Linear(8, 3)
    model, (x, y) = nn.Sequential(backbone, head), classes()
    for p in backbone.parameters():
        p.requires_grad_(False)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(4):
        model.train()
        backbone.eval()
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
        model.eval()
        with torch.no_grad():
            print((model(x).argmax(1) == y).float().mean())


def features_without_recording() -> None:
    backbone, head, (x, y) = nn.Sequential(nn.Linear(4, 8), nn.ReLU()), nn.Linear(8, 3), classes()
    optimizer = torch.optim.SGD(head.parameters(), lr=0.1)
    for _ in range(4):
        with torch.no_grad():
            features = backbone(x)
        optimizer.zero_grad()
        F.cross_entropy(head(features), y).backward()
        optimizer.step()


def lbfgs() -> None:
    model, (x, y) = mlp(1), numbers()
    optimizer = torch.optim.LBFGS(model.parameters(), lr=1, max_iter=5, line_search_fn="strong_wolfe")

    def closure() -> Any:
        optimizer.zero_grad()
        loss = F.mse_loss(model(x).squeeze(1), y)
        loss.backward()
        return loss

    for _ in range(3):
        optimizer.step(closure)


def not_shuffled_random_data() -> None:
    model, (x, y) = mlp(), classes(60)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(2):
        for xb, yb in DataLoader(TensorDataset(x, y), batch_size=10):
            optimizer.zero_grad()
            F.cross_entropy(model(xb), yb).backward()
            optimizer.step()


def sorted_and_shuffled() -> None:
    model, (x, y) = mlp(), classes(60)
    order = y.argsort()
    loader = DataLoader(TensorDataset(x[order], y[order]), batch_size=10, shuffle=True, drop_last=True)
    test_loader = DataLoader(TensorDataset(*classes(20)), batch_size=10)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, total_steps=12)
    for _ in range(2):
        model.train()
        for xb, yb in loader:
            optimizer.zero_grad()
            F.cross_entropy(model(xb), yb).backward()
            optimizer.step()
            scheduler.step()
        model.eval()
        with torch.no_grad():
            print(sum((model(xb).argmax(1) == yb).sum().item() for xb, yb in test_loader))


def split_at_random() -> None:
    model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 3))
    train_set, val_set = random_split(TensorDataset(*classes(60)), [48, 12])
    train_loader = DataLoader(train_set, batch_size=16, shuffle=True)
    val_loader = DataLoader(val_set, batch_size=12)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for _ in range(3):
        model.train()
        total = 0.0
        for xb, yb in train_loader:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(xb), yb, label_smoothing=0.1)
            loss.backward()
            optimizer.step()
            total += loss.item()
        model.eval()
        with torch.no_grad():
            right = sum((model(xb).argmax(1) == yb).sum() for xb, yb in val_loader)
        print(total, right)


def totals_without_graphs() -> None:
    model, (x, y) = mlp(), classes()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    total, history = 0.0, []
    for _ in range(15):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        total += loss.detach()
        history.append(loss.item())


def losses_of_the_steps_of_a_sequence() -> None:
    cell, head = nn.GRUCell(3, 8), nn.Linear(8, 3)
    optimizer = torch.optim.Adam([*cell.parameters(), *head.parameters()])
    for _ in range(4):
        h, total = torch.zeros(2, 8), 0
        for step in range(12):
            h = cell(torch.randn(2, 3), h)
            total += F.cross_entropy(head(h), torch.tensor([step % 3, 0]))
        optimizer.zero_grad()
        total.backward()
        optimizer.step()


def log_softmax_and_nll() -> None:
    model, (x, y) = mlp(3, nn.LogSoftmax(dim=1)), classes()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(4):
        optimizer.zero_grad()
        F.nll_loss(model(x), y).backward()
        optimizer.step()


def logarithm_of_softmax_and_nll() -> None:
    model, (x, y) = mlp(3, nn.Softmax(dim=1)), classes()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(4):
        optimizer.zero_grad()
        F.nll_loss(torch.log(model(x) + 1e-9), y).backward()
        optimizer.step()


def sigmoid_and_bce() -> None:
    model, (x, y) = mlp(1, nn.Sigmoid()), classes(k=2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(4):
        optimizer.zero_grad()
        F.binary_cross_entropy(model(x).squeeze(1), y.float()).backward()
        optimizer.step()


def soft_targets() -> None:
    teacher, model, (x, y) = mlp(), mlp(), classes()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(4):
        with torch.no_grad():
            soft = F.softmax(teacher(x) / 2, dim=1)
        out = model(x)
        loss = F.kl_div(F.log_softmax(out / 2, dim=1), soft, reduction="batchmean") * 4
        loss = loss + F.cross_entropy(out, soft) + F.cross_entropy(out, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def attention_has_a_softmax_too() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.q, self.k, self.v, self.out = (nn.Linear(4, 4) for _ in range(4))

        def forward(self, x: Any) -> Any:
            scores = self.q(x) @ self.k(x).transpose(1, 2) / 2
            scores = scores.masked_fill(torch.ones(5, 5).triu(1).bool(), -math.inf)
            return self.out(scores.softmax(-1) @ self.v(x))

    net, optimizer = Net(), None
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for _ in range(4):
        x = torch.randn(2, 5, 4)
        logits = net(x)
        loss = F.cross_entropy(logits.view(-1, 4), torch.randint(4, (10,)))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()


def pairwise_distances() -> None:
    points = nn.Parameter(torch.randn(6, 1))
    optimizer = torch.optim.SGD([points], lr=0.01)
    wanted = torch.rand(6, 6)
    for _ in range(4):
        distances = (points - points.squeeze(1)).abs()
        loss = F.mse_loss(distances, wanted)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def zeros_in_the_last_layer_only() -> None:
    model, (x, y) = mlp(), classes()
    nn.init.zeros_(model[2].weight)
    nn.init.zeros_(model[2].bias)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(4):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()


def logistic_regression_from_zero() -> None:
    model, (x, y) = nn.Linear(4, 3), classes()
    nn.init.zeros_(model.weight)
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    for _ in range(10):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()


def normalised_pictures() -> None:
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 3))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    x, y = torch.randint(256, (20, 1, 8, 8)).float() / 255, torch.randint(3, (20,))
    for _ in range(3):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()


def a_module_list_and_shared_weights() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed = nn.Embedding(10, 8)
            self.blocks = nn.ModuleList([nn.Linear(8, 8) for _ in range(3)])
            self.head = nn.Linear(8, 10, bias=False)
            self.head.weight = self.embed.weight

        def forward(self, ids: Any) -> Any:
            x = self.embed(ids)
            for block in self.blocks:
                x = x + torch.relu(block(x))
            return self.head(x)

    net = Net()
    optimizer = torch.optim.AdamW(
        [{"params": net.blocks.parameters(), "weight_decay": 0.1}, {"params": net.embed.parameters()}], lr=1e-3
    )
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1.0, step / 3))
    for _ in range(4):
        ids = torch.randint(10, (4, 6))
        loss = F.cross_entropy(net(ids[:, :-1]).flatten(0, 1), ids[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        scheduler.step()


def an_image_is_learned() -> None:
    features = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(inplace=True), nn.Conv2d(4, 4, 3)).eval()
    image = torch.rand(1, 1, 12, 12, requires_grad=True)
    wanted = features(torch.rand(1, 1, 12, 12)).detach()
    optimizer = torch.optim.Adam([image], lr=0.05)
    for _ in range(4):
        optimizer.zero_grad()
        F.mse_loss(features(image), wanted).backward()
        optimizer.step()
        with torch.no_grad():
            image.clamp_(0, 1)


def adversarial_examples() -> None:
    model, (x, y) = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.2), nn.Linear(8, 3)), classes()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(4):
        model.eval()
        near = x.clone().requires_grad_(True)
        F.cross_entropy(model(near), y).backward()
        near = (x + 0.1 * near.grad.sign()).detach()
        model.train()
        optimizer.zero_grad()
        F.cross_entropy(model(near), y).backward()
        optimizer.step()


def monte_carlo_dropout() -> None:
    model, (x, y) = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.2), nn.Linear(8, 1)), numbers()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for _ in range(4):
        optimizer.zero_grad()
        F.mse_loss(model(x), y[:, None]).backward()
        optimizer.step()
    with torch.no_grad():
        draws = torch.stack([model(x) for _ in range(8)])
    print(draws.mean(0), draws.std(0))


def a_network_that_is_only_looked_through() -> None:
    judge, painter = mlp(3), mlp(4)
    judge.load_state_dict(mlp(3).state_dict())
    edges = nn.Conv1d(1, 2, 3, bias=False)
    edges.weight.data.copy_(torch.tensor([[[1.0, 0.0, -1.0]], [[1.0, -2.0, 1.0]]]))
    optimizer = torch.optim.Adam(painter.parameters(), lr=0.01)
    for _ in range(4):
        picture = painter(torch.randn(8, 4))
        loss = judge(picture).square().mean() + edges(picture.unsqueeze(1)).abs().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def a_target_network_that_is_not_detached() -> None:
    net, (x, _) = mlp(1), classes()
    target = copy.deepcopy(net)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    for _ in range(4):
        optimizer.zero_grad()
        F.mse_loss(net(x), 0.9 * target(x + 1) + torch.rand(24, 1)).backward()
        optimizer.step()


def slopes_of_another_network_beside_training() -> None:
    model, other, (x, y) = mlp(), mlp(), classes()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(4):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
        other(x).sum().backward()
        print([p.grad.norm() for p in other.parameters()])
        other.zero_grad()


def a_wasserstein_game_with_one_backward() -> None:
    def back(loss: Any) -> None:
        loss.backward()

    generator, critic = nn.Linear(2, 2), nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 1))
    of_g, of_d = torch.optim.RMSprop(generator.parameters()), torch.optim.RMSprop(critic.parameters())
    for _ in range(3):
        of_d.zero_grad()
        back(critic(generator(torch.randn(8, 2)).detach()).mean() - critic(torch.randn(8, 2)).mean())
        of_d.step()
        for _ in range(3):
            critic.zero_grad()
            of_g.zero_grad()
            back(-critic(generator(torch.randn(8, 2))).mean())
            of_g.step()


def slopes_of_samples_gathered_for_a_step() -> None:
    model, (x, y) = mlp(), classes()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(3):
        gathered = [torch.zeros_like(p) for p in model.parameters()]
        for i in range(6):
            optimizer.zero_grad()
            F.cross_entropy(model(x[i : i + 1]), y[i : i + 1]).backward()
            for total, p in zip(gathered, model.parameters(), strict=True):
                total += p.grad / p.grad.norm().clamp(min=1.0)
        for total, p in zip(gathered, model.parameters(), strict=True):
            p.grad.copy_(total)
        optimizer.step()


def attacks_and_training_through_one_function() -> None:
    def back(x: Any) -> None:
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()

    model, (x, y) = mlp(), classes()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(3):
        near = x.clone().requires_grad_()
        for _ in range(4):
            near.grad = None
            back(near)
            with torch.no_grad():
                near += 0.05 * near.grad.sign()
        back(near.detach())
        optimizer.step()


def steps_for_the_hard_samples_only() -> None:
    model, (x, y) = mlp(), classes()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for i in range(24):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x[i : i + 1]), y[i : i + 1])
        loss.backward()
        if i in (3, 8, 14, 23):
            optimizer.step()


def sharpness_aware_steps() -> None:
    model, (x, y) = mlp(), classes()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(3):
        kept = [p.detach().clone() for p in model.parameters()]
        for _ in range(3):
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            with torch.no_grad():
                for p in model.parameters():
                    p += 0.05 * p.grad / (p.grad.norm() + 1e-12)
        with torch.no_grad():
            for p, was in zip(model.parameters(), kept, strict=True):
                p.copy_(was)
        optimizer.step()


def an_optimizer_for_each_model() -> None:
    start, (x, y) = mlp(), classes()
    for _ in range(4):
        fast = copy.deepcopy(start)
        inner = torch.optim.Adam(fast.parameters(), lr=0.01)
        F.cross_entropy(fast(x), y).backward()
        inner.step()
    for _ in range(4):
        start.load_state_dict(fast.state_dict())
        again = torch.optim.Adam(start.parameters(), lr=0.01)
        again.zero_grad()
        F.cross_entropy(start(x), y).backward()
        again.step()


def optimizers_that_remember_nothing_or_are_told() -> None:
    model, (x, y), state = mlp(), classes(), None
    for _ in range(4):
        plain_steps = torch.optim.SGD(model.parameters(), lr=0.1)
        plain_steps.zero_grad()
        F.cross_entropy(model(x), y).backward()
        plain_steps.step()
    for _ in range(4):
        goes_on = torch.optim.Adam(model.parameters(), lr=0.01)
        if state is not None:
            goes_on.load_state_dict(state)
        goes_on.zero_grad()
        F.cross_entropy(model(x), y).backward()
        goes_on.step()
        state = goes_on.state_dict()


def a_search_in_each_of_several_steps() -> None:
    model, (x, y) = mlp(1), numbers()
    for _ in range(4):
        optimizer = torch.optim.LBFGS(model.parameters(), max_iter=4)

        def closure() -> Any:
            optimizer.zero_grad()  # noqa: B023
            loss = F.mse_loss(model(x).squeeze(1), y)
            loss.backward()
            return loss

        optimizer.step(closure)


def a_schedule_for_each_phase() -> None:
    model, (x, y) = mlp(), classes()
    first = torch.optim.Adam(model.parameters(), lr=0.01)
    second = torch.optim.SGD(model.parameters(), lr=0.1)
    of_first = torch.optim.lr_scheduler.StepLR(first, 2)
    of_second = torch.optim.lr_scheduler.StepLR(second, 2)
    for epoch in range(12):
        optimizer = first if epoch < 4 else second
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
        of_first.step()
        if epoch >= 4:
            of_second.step()


def a_rate_that_is_handed_on() -> None:
    model, (x, y) = mlp(), classes()
    clock = torch.optim.SGD(model.parameters(), lr=0.1)
    rates = torch.optim.lr_scheduler.StepLR(clock, 4)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    clock.step()
    for _ in range(12):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
        rates.step()
        for group in optimizer.param_groups:
            group["lr"] = rates.get_last_lr()[0]


def two_optimizers_in_turn() -> None:
    model, (x, y) = mlp(), classes()
    quick, slow = torch.optim.Adam(model.parameters()), torch.optim.SGD(model.parameters(), lr=0.01)
    of_slow = torch.optim.lr_scheduler.ExponentialLR(slow, 0.9)
    for _ in range(4):
        for optimizer in (slow, quick, quick):
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
            of_slow.step()


def plateaus_of_what_gets_worse() -> None:
    model, (x, y) = mlp(), classes()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    losses = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.9, patience=1)
    shares = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, mode="max", factor=0.9, patience=1)
    errors = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.9, patience=1)
    for epoch in range(12):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
        losses.step(0.5 + 0.1 * epoch)
        shares.step(0.9 - 0.03 * epoch)
        errors.step(0.1 + 0.02 * epoch)


def an_optimizer_around_another() -> None:
    class LookAhead(torch.optim.Optimizer):
        def __init__(self, inner: Any) -> None:
            self.inner, self.turns = inner, 0
            super().__init__([p for group in inner.param_groups for p in group["params"]], {"lr": 0.1})
            self.slow = [p.detach().clone() for group in self.param_groups for p in group["params"]]

        def step(self, closure: Any = None) -> None:
            self.inner.step(closure)
            self.turns += 1
            with torch.no_grad():
                for p, slow in zip(self.param_groups[0]["params"], self.slow, strict=True):
                    if self.turns % 3 == 0:
                        slow += 0.5 * (p - slow)
                        p.copy_(slow)

    model, (x, y) = mlp(), classes()
    optimizer = LookAhead(torch.optim.Adam(model.parameters(), lr=0.01))
    for _ in range(7):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()


def two_losses_for_one_trunk() -> None:
    trunk, head, (x, y) = nn.Sequential(nn.Linear(4, 8), nn.ReLU()), nn.Linear(8, 3), classes()
    of_task = torch.optim.Adam([*trunk.parameters(), *head.parameters()])
    of_trunk = torch.optim.Adam(trunk.parameters())
    for _ in range(5):
        of_task.zero_grad()
        F.cross_entropy(head(trunk(x)), y).backward()
        of_task.step()
        of_trunk.zero_grad()
        trunk(x).square().mean().backward()
        of_trunk.step()


def a_plateau_of_a_loss() -> None:
    model, (x, y) = mlp(1), numbers()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    for_loss = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=1, threshold=0.5)
    for _ in range(12):
        optimizer.zero_grad()
        loss = F.mse_loss(model(x).squeeze(1), y)
        loss.backward()
        optimizer.step()
        for_loss.step(loss)


def a_seed_for_each_model() -> None:
    x, y = classes()
    for rate in (0.1, 0.05, 0.02, 0.01):
        torch.manual_seed(1)
        model = mlp(3, nn.Dropout(0.1))
        optimizer = torch.optim.SGD(model.parameters(), lr=rate)
        for _ in range(3):
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()


def the_same_noise_for_two_models() -> None:
    x, y = classes()
    models = [mlp(3, nn.Dropout(0.1)), mlp(3, nn.Dropout(0.1))]
    optimizers = [torch.optim.SGD(model.parameters(), lr=0.1) for model in models]
    for _ in range(4):
        for model, optimizer in zip(models, optimizers, strict=True):
            torch.manual_seed(2)
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()


def a_seed_for_each_evaluation() -> None:
    model, x = nn.Sequential(nn.Linear(2, 8), nn.Dropout(0.1), nn.Linear(8, 1)), torch.randn(20, 2)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for epoch in range(5):
        torch.manual_seed(epoch)
        model.train()
        optimizer.zero_grad()
        F.mse_loss(model(x + torch.randn(20, 2)), x[:, :1]).backward()
        optimizer.step()
        torch.manual_seed(7)
        noise = torch.randn(5, 2)
        model.eval()
        with torch.no_grad():
            print(model(noise))


def a_seed_for_each_sample() -> None:
    class Noisy(Dataset[Any]):
        def __len__(self) -> int:
            return 4

        def __getitem__(self, i: int) -> Any:
            torch.manual_seed(i)
            x = torch.randn(4)
            return x, x.sum()

    model = mlp(1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for _ in range(5):
        for x, y in DataLoader(Noisy()):
            optimizer.zero_grad()
            F.mse_loss(model(x).squeeze(1), y).backward()
            optimizer.step()


def noise_that_is_the_same_on_purpose() -> None:
    torch.manual_seed(3)
    model, x = nn.Sequential(nn.Linear(2, 8), nn.Dropout(0.1), nn.Linear(8, 1)), torch.randn(20, 2)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(5):
        with fork_rng():
            torch.manual_seed(3)
            noise = torch.randn(20, 2) * 0.1
        optimizer.zero_grad()
        F.mse_loss(model(x + noise), x[:, :1]).backward()
        optimizer.step()


def one_seed_for_a_search() -> None:
    mean, deviation = torch.zeros(2, requires_grad=True), torch.ones(2, requires_grad=True)
    optimizer = torch.optim.LBFGS([mean, deviation], max_iter=4)

    def closure() -> Any:
        torch.manual_seed(1)
        optimizer.zero_grad()
        z = mean + deviation * torch.randn(16, 2)
        loss = ((z - 3) ** 2).mean() - deviation.abs().log().mean()
        loss.backward()
        return loss

    for _ in range(4):
        optimizer.step(closure)


def data_made_again_in_each_epoch() -> None:
    def samples() -> Any:
        torch.manual_seed(5)
        for _ in range(4):
            x = torch.randn(8, 4)
            yield x, x.sum(1)

    model = mlp(1)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(4):
        for x, y in samples():
            optimizer.zero_grad()
            F.mse_loss(model(x).squeeze(1), y).backward()
            optimizer.step()


def half_precision_that_moves() -> None:
    for dtype, rate in ((torch.bfloat16, 0.05), (torch.float16, 0.01)):
        model, (x, y) = mlp(1).to(dtype), numbers()
        optimizer = torch.optim.AdamW(model.parameters(), lr=rate, eps=1e-4)
        for _ in range(8):
            optimizer.zero_grad()
            F.mse_loss(model(x.to(dtype)).squeeze(1), y.to(dtype)).backward()
            optimizer.step()


def half_precision_that_has_learned() -> None:
    w, x = torch.zeros(2, dtype=torch.bfloat16, requires_grad=True), torch.eye(2).bfloat16()
    optimizer = torch.optim.SGD([w], lr=0.2)
    for _ in range(60):
        optimizer.zero_grad()
        ((x @ w - torch.tensor([1.3, 2.7]).bfloat16()) ** 2).sum().backward()
        optimizer.step()


def half_precision_with_weights_in_full() -> None:
    model, (x, y) = mlp(1), numbers()
    half = copy.deepcopy(model).bfloat16()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-4)
    for _ in range(8):
        half.load_state_dict(model.state_dict())
        half.zero_grad()
        F.mse_loss(half(x.bfloat16()).squeeze(1), y.bfloat16()).backward()
        for p, q in zip(model.parameters(), half.parameters(), strict=True):
            p.grad = q.grad.float()
        optimizer.step()


def an_input_beside_a_network_that_stands_still() -> None:
    model, frozen, (x, y) = mlp(), mlp(), classes()
    frozen.requires_grad_(False)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(4):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        near = x.clone().requires_grad_()
        F.cross_entropy(frozen(near), y).backward()
        print(near.grad.norm())
        optimizer.step()


def scaled_losses() -> None:
    model, (x, y) = mlp(), classes()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0, growth_interval=2)
    for _ in range(6):
        optimizer.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = F.cross_entropy(model(x), y)
        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        clip_grad_norm_(model.parameters(), 1.0)
        scaler.step(optimizer)
        scaler.update()


def a_range_of_rates() -> None:
    model, (x, y) = mlp(), classes()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-4)
    for _ in range(12):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        for group in optimizer.param_groups:
            group["lr"] *= 4


def a_schedule_drawn() -> None:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 2)
    rates = []
    for _ in range(6):
        rates.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()


def slopes_to_look_at() -> None:
    model, (x, y) = mlp(), classes()
    for _ in range(4):
        F.cross_entropy(model(x), y).backward()
        print([p.grad.norm() for p in model.parameters()])
        model.zero_grad()


def hinge_of_satisfied_margins() -> None:
    model, (x, y) = mlp(1), numbers()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(5):
        out = model(x).squeeze(1)
        loss = F.relu(-10 - out).mean() + F.mse_loss(out, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def scalars_by_hand() -> None:
    model = scalar_nn.MLP(1, [4, 1])
    for _ in range(5):
        loss = sum((model([x]) - y) ** 2 for x, y in zip(*line(), strict=True))
        for p in model.parameters():
            p.grad = 0.0
        loss.backward()
        for p in model.parameters():
            p.data -= 0.001 * p.grad


def scalars_with_accumulation() -> None:
    model = scalar_nn.MLP(1, [4, 1])
    optimizer = scalar_optim.SGD(model.parameters(), lr=0.001, momentum=0.9)
    for _ in range(3):
        for x, y in zip(*line(), strict=True):
            ((model([x]) - y) ** 2).backward()
        optimizer.step()
        optimizer.zero_grad()


def folds_of_a_cross_validation() -> None:
    x, y = classes(30)
    data = TensorDataset(x, y)
    for fold in range(3):
        model = mlp()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        inside = [i for i in range(30) if i % 3 != fold]
        train_loader = DataLoader(Subset(data, inside), batch_size=10, shuffle=True)
        val_loader = DataLoader(Subset(data, range(fold, 30, 3)), batch_size=10)
        x_val = x[fold::3]
        for xb, yb in train_loader:
            optimizer.zero_grad()
            F.cross_entropy(model(xb), yb).backward()
            optimizer.step()
        with torch.no_grad():
            print([F.cross_entropy(model(xb), yb) for xb, yb in val_loader], model(x_val).argmax(1))


def attacked_between_forward_and_step() -> None:
    model, (x, y) = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.2), nn.Linear(8, 3)), classes()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(4):
        model.train()
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        model.eval()
        near = x.clone().requires_grad_(True)
        (slope,) = torch.autograd.grad(F.cross_entropy(model(near), y), near)
        F.cross_entropy(model(x + 0.1 * slope.sign()), y).backward()
        optimizer.step()


def losses_of_samples_kept_for_a_step() -> None:
    model, (x, y) = mlp(), classes()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        losses = [F.cross_entropy(model(x[i : i + 1]), y[i : i + 1]) for i in range(16)]
        for loss in losses:
            loss.backward()
        optimizer.step()


def a_sparse_embedding() -> None:
    embed, head = nn.Embedding(20, 8, sparse=True), nn.Linear(8, 3)
    optimizers = [torch.optim.SparseAdam(embed.parameters(), lr=0.01), torch.optim.Adam(head.parameters(), lr=0.01)]
    for _ in range(4):
        loss = F.cross_entropy(head(embed(torch.randint(20, (6,)))), torch.randint(3, (6,)))
        for optimizer in optimizers:
            optimizer.zero_grad()
        loss.backward()
        for optimizer in optimizers:
            optimizer.step()


def complex_and_half() -> None:
    w = torch.ones(3, dtype=torch.complex64, requires_grad=True)
    v = torch.ones(3, dtype=torch.bfloat16, requires_grad=True)
    optimizer = torch.optim.SGD([w, v], lr=0.01)
    for _ in range(4):
        optimizer.zero_grad()
        (w * 1j).sum().backward(torch.ones((), dtype=torch.complex64))
        (v * v).sum().backward()
        optimizer.step()


def fine_tuning_after_a_warm_up_from_almost_nothing() -> None:
    model, (x, y) = mlp(), classes()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5, weight_decay=0.1)
    warm_up = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1.0, 1e-6 + step / 6))
    for _ in range(12):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        clip_grad_norm_(model.parameters(), 0.1)
        optimizer.step()
        warm_up.step()


def a_cosine_down_to_zero() -> None:
    model, (x, y) = mlp(), classes()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=10)
    for _ in range(10):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
        schedule.step()


def learned_to_the_last_digit() -> None:
    w, x = torch.zeros(2, requires_grad=True), torch.eye(2)
    optimizer = torch.optim.SGD([w], lr=0.5)
    for _ in range(60):
        optimizer.zero_grad()
        ((x @ w - torch.tensor([1.0, 2.0])) ** 2).sum().backward()
        optimizer.step()


def factors_of_low_rank() -> None:
    model, x = nn.Sequential(nn.Linear(6, 2), nn.Linear(2, 6)), torch.randn(20, 6)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(5):
        optimizer.zero_grad()
        F.mse_loss(model(x), x).backward()
        optimizer.step()


def separable_convolutions() -> None:
    layers = nn.Conv2d(4, 8, 3, groups=4), nn.Conv2d(8, 4, 1), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 16, 3)
    model, x, y = nn.Sequential(*layers), torch.randn(6, 4, 6, 6), torch.arange(6) % 3
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(4):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()


def a_layer_that_two_others_read() -> None:
    class Attention(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.enter, self.q, self.k, self.v = nn.Linear(4, 8), nn.Linear(8, 8), nn.Linear(8, 8), nn.Linear(8, 8)
            self.head = nn.Linear(8, 3)

        def forward(self, x: Any) -> Any:
            x = self.enter(x)
            scores = torch.softmax(self.q(x) @ self.k(x).T, -1)
            return self.head(x + scores @ self.v(x))

    net, (x, y) = Attention(), classes()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05)
    for _ in range(4):
        optimizer.zero_grad()
        F.cross_entropy(net(x), y).backward()
        optimizer.step()


def monte_carlo_dropout_on_purpose() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Linear(4, 8), nn.Linear(8, 1)

        def forward(self, x: Any) -> Any:
            return self.b(F.dropout(torch.relu(self.a(x)), 0.2, training=True))

    net, (x, y) = Net(), numbers()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    for _ in range(4):
        optimizer.zero_grad()
        F.mse_loss(net(x), y[:, None]).backward()
        optimizer.step()
    net.eval()
    with torch.no_grad():
        print(torch.stack([net(x) for _ in range(8)]).std(0))


def the_best_state_is_a_copy() -> None:
    model, (x, y) = mlp(), classes()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    best, teacher = copy.deepcopy(model.state_dict()), copy.deepcopy(model)
    for _ in range(4):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
        teacher.load_state_dict(model.state_dict())
    model.load_state_dict(best)


def rewards_below_zero() -> None:
    policy, x = mlp(2), torch.randn(16, 4)
    optimizer = torch.optim.Adam(policy.parameters(), lr=0.01)
    for _ in range(5):
        logp = F.log_softmax(policy(x), 1)
        action = torch.multinomial(logp.detach().exp(), 1)
        rewards = -torch.rand(16)
        loss = -(logp.gather(1, action).squeeze(1) * rewards).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def an_entropy_to_be_small() -> None:
    model, (x, _) = mlp(), classes()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(4):
        logp = F.log_softmax(model(x), 1)
        optimizer.zero_grad()
        (-(logp.exp() * logp).sum(1)).mean().backward()
        optimizer.step()


def a_model_that_is_only_looked_at() -> None:
    model, (x, y) = mlp(), classes()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    optimizer.load_state_dict(optimizer.state_dict())
    model.eval()
    for _ in range(4):
        print((model(x).argmax(1) == y).float().mean())


def parts_that_are_also_for_themselves() -> None:
    class Contrast(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 6))
            self.projector = nn.Sequential(nn.Linear(6, 6), nn.ReLU(), nn.Linear(6, 3))

        def forward(self, x: Any) -> Any:
            return F.normalize(self.projector(self.encoder(x)), dim=-1)

    net, x = Contrast(), torch.randn(12, 4)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    for _ in range(4):
        optimizer.zero_grad()
        similar = net(x + 0.1 * torch.randn(12, 4)) @ net(x + 0.1 * torch.randn(12, 4)).T
        F.cross_entropy(similar * 5, torch.arange(12)).backward()
        optimizer.step()


def attention_that_looks_back() -> None:
    def by_hand(q: Any, k: Any, v: Any) -> Any:
        hidden = torch.triu(torch.full((q.shape[1],) * 2, -math.inf), 1)
        return torch.softmax(q @ k.transpose(-2, -1) + hidden, -1) @ v

    speaking(by_hand)
    speaking(lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True))
    speaking(lambda q, k, v: F.scaled_dot_product_attention(q, k, v, attn_mask=torch.ones(8, 8).tril().bool()))


def words_that_are_filled_in() -> None:
    net = Speaker(F.scaled_dot_product_attention)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    for _ in range(3):
        text = torch.randint(1, 6, (4, 8))
        hidden = torch.rand(4, 8) < 0.3
        optimizer.zero_grad()
        F.cross_entropy(net(text.masked_fill(hidden, 0)).flatten(0, 1), text.flatten()).backward()
        optimizer.step()


def time_first_and_padding_at_the_end() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.emb, self.rnn, self.head = nn.Embedding(7, 4, padding_idx=0), nn.LSTM(4, 6), nn.Linear(6, 2)

        def forward(self, words: Any) -> Any:
            out, _ = self.rnn(self.emb(words).transpose(0, 1))
            return self.head(out[-1])

    net, words = Net(), torch.randint(1, 7, (12, 5))
    words[torch.arange(5) >= torch.randint(2, 6, (12, 1))] = 0
    y = (words.sum(1) > 12).long()
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    for _ in range(4):
        optimizer.zero_grad()
        F.cross_entropy(net(words), y).backward()
        optimizer.step()


def a_tagger_of_one_sequence_and_of_many() -> None:
    rnn, head = nn.GRU(3, 8), nn.Linear(8, 2)
    optimizer = torch.optim.Adam([*rnn.parameters(), *head.parameters()], lr=0.01)
    for batch in (1, 1, 6, 6):
        x = torch.randn(5, batch, 3)
        out, _ = rnn(x)
        optimizer.zero_grad()
        F.cross_entropy(head(out).flatten(0, 1), (x[..., 0] > 0).long().flatten()).backward()
        optimizer.step()


def hooks_of_many_layers_and_one_that_goes_again() -> None:
    model, (x, y) = mlp(), classes()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    norms: dict[int, float] = {}
    for k, layer in enumerate(model):
        for _ in range(2):
            layer.register_forward_hook(lambda module, args, out, k=k: norms.update({k: out.norm().item()}))
    for _ in range(6):
        handle = model[0].register_forward_hook(lambda module, args, out: None)
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
        handle.remove()


def a_layer_shared_on_purpose_and_a_state_that_is_kept() -> None:
    class Unrolled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.block, self.head = nn.Linear(4, 4), nn.Linear(4, 3)
            self.twice = nn.Sequential(self.block, nn.Tanh(), self.block, nn.Tanh())
            self.state: Any = None

        def forward(self, x: Any) -> Any:
            self.state = self.twice(x)
            for _ in range(3):
                self.state = torch.tanh(self.block(self.state))
            return self.head(self.state)

    net, (x, y) = Unrolled(), classes()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(4):
        optimizer.zero_grad()
        F.cross_entropy(net(x), y).backward()
        optimizer.step()


def slopes_at_the_data_in_eval_mode() -> None:
    model, (x, y) = mlp(), classes(60)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
    model.eval()
    outputs = [model(x[k : k + 5]) for k in range(0, 60, 5)]
    (slope,) = torch.autograd.grad(torch.cat(outputs).sum(), model[0].weight)
    print(slope.norm())


def noise_that_goes_and_a_shape_that_is_tried() -> None:
    class Noisy(Dataset[Any]):
        def __init__(self) -> None:
            self.x, self.y = classes(20)
            self.reads = 0

        def __len__(self) -> int:
            return 20

        def __getitem__(self, i: int) -> Any:
            self.reads += 1
            return self.x[i] + 0.1 * torch.randn(4), self.y[i]

    model, loader = mlp(), DataLoader(Noisy(), batch_size=5, shuffle=True)
    with torch.no_grad():
        print(model(torch.zeros(16, 4)).shape)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for xb, yb in loader:
        optimizer.zero_grad()
        F.cross_entropy(model(xb), yb).backward()
        optimizer.step()


def numbers_made_whole() -> None:
    model, (x, _) = mlp(4), numbers()
    y = (torch.sigmoid(x.sum(1)) * 4).long()
    print(torch.tensor(0.7).int(), (torch.rand(20) * 10).round().long().float().mean())
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        F.kl_div(F.log_softmax(model(x), 1), F.one_hot(y, 4).float(), reduction="batchmean").backward()
        optimizer.step()

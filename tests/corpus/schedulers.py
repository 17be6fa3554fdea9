"""Every learning-rate scheduler: the rate printed per epoch, chained, warmed up, on a plateau, and saved."""
import math

import torch
from torch import nn, optim
from torch.optim import lr_scheduler as S

EPOCHS = 12


def rates(make, epochs=EPOCHS, lr=0.1, momentum=0.9):
    net = nn.Linear(2, 1)
    optimizer = optim.SGD(net.parameters(), lr=lr, momentum=momentum)
    scheduler = make(optimizer)
    seen = []
    for _ in range(epochs):
        seen.append(optimizer.param_groups[0]['lr'])
        optimizer.step()
        scheduler.step()
    return seen, scheduler


zoo = {
    'StepLR': lambda o: S.StepLR(o, step_size=3, gamma=0.5),
    'MultiStepLR': lambda o: S.MultiStepLR(o, milestones=[2, 5, 5, 9], gamma=0.3),
    'ConstantLR': lambda o: S.ConstantLR(o, factor=0.25, total_iters=4),
    'LinearLR': lambda o: S.LinearLR(o, start_factor=0.1, end_factor=1.0, total_iters=5),
    'ExponentialLR': lambda o: S.ExponentialLR(o, gamma=0.8),
    'PolynomialLR': lambda o: S.PolynomialLR(o, total_iters=8, power=2.0),
    'LambdaLR': lambda o: S.LambdaLR(o, lr_lambda=lambda e: 0.95 ** e),
    'MultiplicativeLR': lambda o: S.MultiplicativeLR(o, lr_lambda=lambda e: 0.9 if e % 2 else 1.0),
    'CosineAnnealingLR': lambda o: S.CosineAnnealingLR(o, T_max=6, eta_min=0.01),
    'CosineAnnealingWarmRestarts': lambda o: S.CosineAnnealingWarmRestarts(o, T_0=3, T_mult=2),
    'CyclicLR': lambda o: S.CyclicLR(o, base_lr=0.01, max_lr=0.1, step_size_up=3, step_size_down=2),
    'CyclicLR exp': lambda o: S.CyclicLR(o, 0.01, 0.1, step_size_up=2, mode='exp_range', gamma=0.9, cycle_momentum=False),
    'OneCycleLR': lambda o: S.OneCycleLR(o, max_lr=0.5, total_steps=13),
    'OneCycleLR linear': lambda o: S.OneCycleLR(o, max_lr=0.5, epochs=13, steps_per_epoch=1, anneal_strategy='linear', three_phase=True, pct_start=0.25),
    'SequentialLR': lambda o: S.SequentialLR(o, [S.LinearLR(o, 0.1, total_iters=3), S.CosineAnnealingLR(o, 9)], milestones=[3]),
    'ChainedScheduler': lambda o: S.ChainedScheduler([S.ConstantLR(o, 0.1, total_iters=2), S.ExponentialLR(o, 0.9)]),
    'warmup cosine by hand': lambda o: S.LambdaLR(o, lambda e: (e + 1) / 4 if e < 4 else 0.5 * (1 + math.cos(math.pi * (e - 4) / 8))),
}
for name, make in zoo.items():
    seen, scheduler = rates(make)
    print(f'{name:28s}', ' '.join(f'{r:.6f}' for r in seen), scheduler.last_epoch if hasattr(scheduler, 'last_epoch') else '', scheduler.get_last_lr())

print('plateau')
net = nn.Linear(2, 1)
optimizer = optim.Adam(net.parameters(), lr=0.1)
scheduler = S.ReduceLROnPlateau(optimizer, mode='min', factor=0.5, patience=1, threshold=1e-2, cooldown=1, min_lr=0.01)
for epoch, loss in enumerate([1.0, 0.9, 0.9, 0.9, 0.9, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8, 0.7]):
    scheduler.step(loss)
    print(epoch, loss, optimizer.param_groups[0]['lr'], scheduler.num_bad_epochs, scheduler.best)
up = S.ReduceLROnPlateau(optimizer, 'max', patience=0)
for acc in (0.5, 0.4, 0.6):
    up.step(torch.tensor(acc))
print(optimizer.param_groups[0]['lr'], up.get_last_lr())

print('momentum of one cycle')
optimizer = optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
scheduler = S.OneCycleLR(optimizer, 1.0, total_steps=6)
for _ in range(6):
    print(f"{optimizer.param_groups[0]['lr']:.5f} {optimizer.param_groups[0]['momentum']:.5f}", end=' | ')
    optimizer.step()
    scheduler.step() if scheduler.last_epoch < 5 else None
print()

print('groups, state')
optimizer = optim.SGD([{'params': [net.weight], 'lr': 1.0}, {'params': [net.bias]}], lr=0.5)
scheduler = S.LambdaLR(optimizer, lr_lambda=[lambda e: 1 / (e + 1), lambda e: 0.5 ** e])
for _ in range(3):
    optimizer.step()
    scheduler.step()
    print(scheduler.get_last_lr())
scheduler = S.StepLR(optimizer, 2)
for _ in range(3):
    optimizer.step()
    scheduler.step()
state = scheduler.state_dict()
print({k: v for k, v in state.items() if k in ('step_size', 'gamma', 'base_lrs', 'last_epoch', '_step_count', '_last_lr')})
again = S.StepLR(optimizer, 7)
again.load_state_dict(state)
print(again.step_size, again.last_epoch, again.get_last_lr(), [g['initial_lr'] for g in optimizer.param_groups])
for wrong in (lambda: S.OneCycleLR(optimizer, 0.1), lambda: S.LambdaLR(optimizer, [lambda e: 1]), lambda: S.ReduceLROnPlateau(optimizer, factor=1.5), lambda: S.CosineAnnealingWarmRestarts(optimizer, 0)):
    try:
        wrong()
    except (ValueError, TypeError) as e:
        print(type(e).__name__)


class Noam(S.LRScheduler):
    def __init__(self, optimizer, warmup, last_epoch=-1):
        self.warmup = warmup
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        step = max(self.last_epoch, 1)
        scale = min(step ** -0.5, step * self.warmup ** -1.5)
        return [base * scale for base in self.base_lrs]


print('Noam', [round(r, 6) for r in rates(lambda o: Noam(o, 4), lr=1.)[0]])

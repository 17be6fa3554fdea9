"""A learning-rate finder: exponential sweep, smoothed loss, steepest slope, then training at what it suggests."""
import math

import torch
from torch import nn

torch.manual_seed(1337)


class LRFinder:
    def __init__(self, model, optimizer, criterion):
        self.model, self.optimizer, self.criterion = model, optimizer, criterion
        self.history = {"lr": [], "loss": []}
        self.model_state = {k: v.clone() for k, v in model.state_dict().items()}
        self.optim_state = optimizer.state_dict()

    def range_test(self, loader, start_lr=1e-4, end_lr=5, num_iter=60, smooth_f=0.05, diverge_th=4):
        gamma = (end_lr / start_lr) ** (1 / (num_iter - 1))
        for group in self.optimizer.param_groups:
            group['lr'] = start_lr
        scheduler = torch.optim.lr_scheduler.LambdaLR(self.optimizer, lambda it: gamma ** it)
        batches = iter(loader)
        best, avg = math.inf, 0.
        for it in range(num_iter):
            try:
                x, y = next(batches)
            except StopIteration:
                batches = iter(loader)
                x, y = next(batches)
            self.optimizer.zero_grad()
            loss = self.criterion(self.model(x), y)
            loss.backward()
            self.history["lr"].append(self.optimizer.param_groups[0]['lr'])
            avg = loss.item() if it == 0 else smooth_f * loss.item() + (1 - smooth_f) * avg
            self.history["loss"].append(avg)
            self.optimizer.step()
            scheduler.step()
            best = min(best, avg)
            if avg > diverge_th * best:
                print('Stopping early, the loss has diverged at', f'{self.history["lr"][-1]:.4g}')
                break

    def suggest(self):
        lrs = torch.tensor(self.history["lr"], dtype=torch.float64).log10()
        losses = torch.tensor(self.history["loss"], dtype=torch.float64)
        slope = torch.gradient(losses, spacing=(lrs,))[0]
        steepest = slope.argmin()
        return 10 ** lrs[steepest].item(), slope[steepest].item()

    def reset(self):
        self.model.load_state_dict(self.model_state)
        self.optimizer.load_state_dict(self.optim_state)


x = torch.rand(512, 3) * 4 - 2
y = (x[:, :1].sin() + x[:, 1:2] * x[:, 2:].cos()) + 0.05 * torch.randn(512, 1)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), batch_size=64, shuffle=True)
model = nn.Sequential(nn.Linear(3, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=1e-7, momentum=0.9)
finder = LRFinder(model, optimizer, nn.SmoothL1Loss())
finder.range_test(loader)
for i in range(0, len(finder.history["lr"]), 6):
    print(f'{finder.history["lr"][i]:.3e}  {finder.history["loss"][i]:.5f}')
suggestion, slope = finder.suggest()
print(f'suggested {suggestion:.4f} (slope {slope:.4f})')
finder.reset()
print('weights are back', all(torch.equal(a, b) for a, b in zip(finder.model_state.values(), model.state_dict().values())))
for group in optimizer.param_groups:
    group['lr'] = suggestion
for epoch in range(5):
    for xb, yb in loader:
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(xb), yb)
        loss.backward()
        optimizer.step()
    print(epoch, f'{loss.item():.4f}')

# cyclic learning rates on the same model
sched = torch.optim.lr_scheduler.CyclicLR(optimizer, base_lr=suggestion / 10, max_lr=suggestion, step_size_up=8, mode='triangular2')
for step, (xb, yb) in zip(range(24), (batch for _ in range(3) for batch in loader)):
    optimizer.zero_grad()
    loss = nn.functional.mse_loss(model(xb), yb)
    loss.backward()
    optimizer.step()
    sched.step()
    if step % 4 == 3:
        group = optimizer.param_groups[0]
        print(f"{step:2d} lr {group['lr']:.5f} momentum {group['momentum']:.4f} loss {loss:.4f}")

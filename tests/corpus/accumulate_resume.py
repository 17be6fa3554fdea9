"""Gradient accumulation, clipping by norm and value, and a checkpoint from which training resumes to the same numbers."""
import os
import random
import tempfile

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset


def seed_everything(seed):
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    torch.cuda.manual_seed_all(seed)
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.benchmark = False


seed_everything(1234)
X = torch.randn(256, 10)
Y = torch.stack([X[:, :3].prod(1), X[:, 3:].sum(1)], 1) + 0.1 * torch.randn(256, 2)
dataset = TensorDataset(X, Y)


def build():
    model = nn.Sequential(nn.Linear(10, 32), nn.Mish(), nn.Dropout(0.1), nn.Linear(32, 2))
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.05)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=4, T_mult=2)
    return model, optimizer, scheduler


# one large batch = four accumulated small ones
model, _, _ = build()
model.eval()
criterion = nn.MSELoss()
criterion(model(X[:64]), Y[:64]).backward()
whole = [p.grad.clone() for p in model.parameters()]
model.zero_grad()
for part in range(4):
    rows = slice(16 * part, 16 * (part + 1))
    (criterion(model(X[rows]), Y[rows]) / 4).backward()
print('accumulated equals whole:', all(torch.allclose(a, p.grad, atol=1e-6) for a, p in zip(whole, model.parameters())))

total = nn.utils.clip_grad_norm_(model.parameters(), max_norm=0.5)
after = torch.norm(torch.stack([torch.norm(p.grad, 2) for p in model.parameters()]), 2)
print(f'norm {total:.5f} -> {after:.5f}', type(total).__name__)
print('infinity norm', nn.utils.clip_grad_norm_(model.parameters(), 0.1, norm_type=float('inf')))
nn.utils.clip_grad_value_(model.parameters(), 0.01)
print('largest', max(p.grad.abs().max() for p in model.parameters()))
print('flat', nn.utils.parameters_to_vector(model.parameters()).shape,
      nn.utils.get_total_norm(p.grad for p in model.parameters()))


def train(model, optimizer, scheduler, epochs, start=0, accumulation_steps=4, generator=None):
    loader = DataLoader(dataset, batch_size=16, shuffle=True, generator=generator)
    model.train()
    for epoch in range(start, epochs):
        total = 0.
        optimizer.zero_grad()
        for i, (x, y) in enumerate(loader):
            loss = criterion(model(x), y)
            total += loss.item()
            (loss / accumulation_steps).backward()
            if (i + 1) % accumulation_steps == 0 or i + 1 == len(loader):
                norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
                optimizer.zero_grad()
        scheduler.step()
        print(f'epoch {epoch} loss {total / len(loader):.5f} norm {norm.item():.4f} lr {scheduler.get_last_lr()[0]:.6f}')


seed_everything(7)
g = torch.Generator()
g.manual_seed(3)
model, optimizer, scheduler = build()
train(model, optimizer, scheduler, 6, generator=g)
straight = model.state_dict()['0.weight'].sum().item()

seed_everything(7)
g = torch.Generator().manual_seed(3)
model, optimizer, scheduler = build()
train(model, optimizer, scheduler, 3, generator=g)
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, 'checkpoint.tar')
    torch.save({
        'epoch': 3,
        'model_state_dict': model.state_dict(),
        'optimizer_state_dict': optimizer.state_dict(),
        'scheduler_state_dict': scheduler.state_dict(),
        'rng': torch.get_rng_state(),
        'generator': g.get_state(),
    }, path)
    print('saved')
    torch.manual_seed(999)
    model, optimizer, scheduler = build()
    g = torch.Generator()
    checkpoint = torch.load(path)
print(sorted(checkpoint), checkpoint['epoch'])
model.load_state_dict(checkpoint['model_state_dict'])
optimizer.load_state_dict(checkpoint['optimizer_state_dict'])
scheduler.load_state_dict(checkpoint['scheduler_state_dict'])
torch.set_rng_state(checkpoint['rng'])
g.set_state(checkpoint['generator'])
state = optimizer.state_dict()
print(state['param_groups'])
print({k: tuple(v.shape) if torch.is_tensor(v) else v for k, v in state['state'][0].items()})
train(model, optimizer, scheduler, 6, start=checkpoint['epoch'], generator=g)
print('the same as without a stop:', straight == model.state_dict()['0.weight'].sum().item())

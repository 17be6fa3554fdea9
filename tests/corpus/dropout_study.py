"""What a seed gives: masks of dropout in all its kinds, noise, permutations, samplers, and networks that train with them."""
import random

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import BatchSampler, DataLoader, RandomSampler, SubsetRandomSampler, TensorDataset, WeightedRandomSampler


def set_seed(seed):
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    torch.cuda.manual_seed_all(seed)
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.benchmark = False


set_seed(0)
x = torch.ones(4, 6)
print(F.dropout(x, 0.5))
print(F.dropout(x, p=0.1, training=True).eq(0).sum(), F.dropout(x, 0.9, training=False).sum(), F.dropout(x, p=1.0).sum())
print(nn.Dropout(0.3)(torch.arange(8.)))
images = torch.ones(2, 4, 2, 2)
print(F.dropout2d(images, 0.5).sum(dim=(2, 3)), nn.Dropout2d(0.25)(images)[:, :, 0, 0], nn.Dropout1d(0.5)(torch.ones(3, 4, 2))[..., 0])
print(nn.Dropout3d()(torch.ones(1, 6, 1, 1, 1)).flatten(), F.alpha_dropout(torch.zeros(5), 0.4, training=True))
print(F.feature_alpha_dropout(torch.ones(1, 4, 2), 0.5, training=True)[..., 0])
big = F.dropout(torch.ones(1000), 0.2)
print(big.count_nonzero().item(), big.max().item(), (big == 0).nonzero().flatten()[:8])
turned = F.dropout(torch.ones(3, 5).t(), 0.5)
print(turned, turned.is_contiguous())
y = torch.ones(5)
F.dropout(y, 0.5, inplace=True)
print(y)


class Inverted(nn.Module):
    """Dropout by hand in four ways."""

    def __init__(self, p):
        super().__init__()
        if p < 0 or p > 1:
            raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
        self.p = p

    def forward(self, x, how='rand'):
        if not self.training:
            return x
        keep = 1 - self.p
        if how == 'rand':
            mask = (torch.rand(x.shape) > self.p).float()
        elif how == 'bernoulli':
            mask = torch.bernoulli(torch.full_like(x, keep))
        elif how == 'empty':
            mask = torch.empty_like(x).bernoulli_(keep)
        else:
            mask = torch.from_numpy(np.random.binomial(1, keep, tuple(x.shape))).to(x)
        return mask * x / keep


layer = Inverted(0.5)
for how in ('rand', 'bernoulli', 'empty', 'numpy'):
    print(how, layer(torch.ones(2, 4), how))
try:
    nn.Dropout(1.5)
except ValueError as e:
    print('ValueError:', e)

set_seed(42)
print(torch.rand(3), torch.randn(3), torch.randint(0, 100, (5,)), torch.randperm(6), np.random.rand(), random.random())
state = torch.get_rng_state()
first = torch.randn(2, 3)
torch.set_rng_state(state)
print(torch.equal(first, torch.randn(2, 3)), torch.initial_seed(), torch.normal(2.0, 3.0, size=(2, 2)))
with torch.random.fork_rng():
    torch.manual_seed(1)
    inside = torch.rand(1)
print(inside, torch.rand(1), torch.empty(3).exponential_(2.0), torch.empty(2).log_normal_(0.0, 0.5), torch.empty(2).cauchy_())
print(torch.empty(4).geometric_(0.3), torch.empty(3, dtype=torch.long).random_(10), torch.rand(2, dtype=torch.float64), torch.randn(20)[-4:])
generator = torch.Generator()
generator.manual_seed(7)
print(torch.randperm(5, generator=generator), torch.rand(2, generator=generator), torch.multinomial(torch.ones(5), 3, generator=generator))

data = TensorDataset(torch.arange(10))
print([b[0].tolist() for b in DataLoader(data, batch_size=4, shuffle=True)])
print([b[0].tolist() for b in DataLoader(data, 3, shuffle=True, generator=torch.Generator().manual_seed(3), drop_last=True)])
print(list(WeightedRandomSampler([0.1, 0.9, 0.4, 0.7], 6, replacement=True)), list(SubsetRandomSampler([3, 5, 7])))
print(list(RandomSampler(data, replacement=True, num_samples=4)), list(BatchSampler(RandomSampler(range(5)), 2, False)))

for p in (0.0, 0.2, 0.5):
    set_seed(1)
    X = torch.randn(80, 10)
    w = torch.randn(10, 1)
    Y = X @ w + 0.5 * torch.randn(80, 1)
    net = nn.Sequential(nn.Linear(10, 64), nn.ReLU(), nn.Dropout(p), nn.Linear(64, 32), nn.RReLU(), nn.Dropout(p), nn.Linear(32, 1))
    opt = torch.optim.SGD(net.parameters(), lr=0.002, momentum=0.9, weight_decay=1e-3)
    for epoch in range(20):
        net.train()
        for idx in torch.randperm(60).split(15):
            opt.zero_grad()
            loss = F.mse_loss(net(X[idx]), Y[idx])
            loss.backward()
            opt.step()
    net.eval()
    with torch.no_grad():
        print(f'p={p} train {F.mse_loss(net(X[:60]), Y[:60]).item():.4f} test {F.mse_loss(net(X[60:]), Y[60:]).item():.4f}')
noisy = nn.Linear(3, 2)
print(noisy.weight, nn.LSTM(2, 2).weight_hh_l0.data, nn.Conv1d(1, 2, 3).bias)

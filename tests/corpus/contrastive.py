"""SimCLR and InfoNCE on clustered vectors: two views, NT-Xent, LARS-like trust, a linear probe, kNN."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.optim import Optimizer
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, SequentialLR
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(8)
centers = torch.randn(5, 20) * 1.5


class TwoViews(Dataset):
    def __init__(self, n, train=True):
        self.labels = torch.randint(0, 5, (n,))
        self.data = centers[self.labels] + torch.randn(n, 20)
        self.train = train

    @staticmethod
    def augment(x):
        x = x + 0.3 * torch.randn_like(x)
        x = torch.where(torch.rand(x.shape) < 0.2, torch.zeros(()), x)
        return x * torch.empty(1).uniform_(0.8, 1.2)

    def __getitem__(self, i):
        if self.train:
            return (self.augment(self.data[i]), self.augment(self.data[i])), self.labels[i]
        return self.data[i], self.labels[i]

    def __len__(self):
        return self.data.size(0)


class LARS(Optimizer):
    """Layer-wise trust ratios, momentum and decay."""

    def __init__(self, params, lr=0.1, weight_decay=0.0, momentum=0.9, eta=0.02):
        defaults = dict(lr=lr, weight_decay=weight_decay, momentum=momentum, eta=eta)
        super().__init__(params, defaults)

    @torch.no_grad()
    def step(self):
        for g in self.param_groups:
            for p in g['params']:
                dp = p.grad
                if dp is None:
                    continue
                if p.ndim > 1:
                    dp = dp.add(p, alpha=g['weight_decay'])
                    param_norm, update_norm = torch.norm(p), torch.norm(dp)
                    one = torch.ones_like(param_norm)
                    q = torch.where(param_norm > 0., torch.where(update_norm > 0, (g['eta'] * param_norm / update_norm), one), one)
                    dp = dp.mul(q)
                param_state = self.state[p]
                if 'mu' not in param_state:
                    param_state['mu'] = torch.zeros_like(p)
                mu = param_state['mu']
                mu.mul_(g['momentum']).add_(dp)
                p.add_(mu, alpha=-g['lr'])


class SimCLR(nn.Module):
    def __init__(self, dim=16):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(20, 40), nn.BatchNorm1d(40), nn.ReLU(True), nn.Linear(40, dim))
        self.projector = nn.Sequential(nn.Linear(dim, dim, bias=False), nn.BatchNorm1d(dim, affine=False), nn.ReLU(), nn.Linear(dim, 8))

    def forward(self, x):
        return F.normalize(self.projector(self.encoder(x)), dim=-1)


def info_nce_loss(features, temperature=0.2):
    n = features.shape[0] // 2
    labels = torch.cat([torch.arange(n) for i in range(2)], dim=0)
    labels = (labels.unsqueeze(0) == labels.unsqueeze(1)).float()
    similarity_matrix = torch.matmul(features, features.T)
    mask = torch.eye(labels.shape[0], dtype=torch.bool)
    labels = labels[~mask].view(labels.shape[0], -1)
    similarity_matrix = similarity_matrix[~mask].view(similarity_matrix.shape[0], -1)
    positives = similarity_matrix[labels.bool()].view(labels.shape[0], -1)
    negatives = similarity_matrix[~labels.bool()].view(similarity_matrix.shape[0], -1)
    logits = torch.cat([positives, negatives], dim=1)
    labels = torch.zeros(logits.shape[0], dtype=torch.long)
    return logits / temperature, labels


def nt_xent(z1, z2, t=0.2):
    z = torch.cat([z1, z2])
    sim = z @ z.mT / t
    sim.fill_diagonal_(float('-inf'))
    n = z1.size(0)
    target = torch.arange(2 * n).roll(n)
    return F.cross_entropy(sim, target)


train, test = TwoViews(256), TwoViews(100, train=False)
loader = DataLoader(train, batch_size=64, shuffle=True, drop_last=True)
model = SimCLR()
epochs = 5
optimizer = LARS(model.parameters(), lr=0.3, weight_decay=1e-4)
warmup = LinearLR(optimizer, start_factor=0.1, total_iters=4)
cosine = CosineAnnealingLR(optimizer, T_max=epochs * len(loader) - 4)
scheduler = SequentialLR(optimizer, [warmup, cosine], milestones=[4])
for epoch in range(epochs):
    total = top1 = 0
    for (v1, v2), _ in loader:
        features = model(torch.cat([v1, v2], dim=0))
        logits, labels = info_nce_loss(features)
        loss = F.cross_entropy(logits, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        total += loss.item()
        top1 += (logits.topk(1, dim=1)[1].squeeze() == labels).float().mean().item()
    other = nt_xent(*features.detach().chunk(2))
    print(f'epoch {epoch} loss {total / len(loader):.4f} top1 {top1 / len(loader):.4f} lr {scheduler.get_last_lr()[0]:.5f} '
          f'same {torch.isclose(other, loss.detach()).item()}')

model.eval()
with torch.no_grad():
    train_z, test_z = model.encoder(train.data), model.encoder(test.data)
probe = nn.Linear(16, 5)
opt = torch.optim.SGD(probe.parameters(), lr=0.5)
for step in range(30):
    loss = F.cross_entropy(probe(train_z), train.labels)
    opt.zero_grad()
    loss.backward()
    opt.step()
acc = (probe(test_z).argmax(1) == test.labels).float().mean()
print(f'probe loss {loss.item():.4f} accuracy {acc:.3f}')
distances = torch.cdist(F.normalize(test_z), F.normalize(train_z))
nearest = train.labels[distances.topk(5, largest=False).indices]
print('knn', (nearest.mode(dim=1).values == test.labels).float().mean().item(), nearest[:2])
votes = torch.zeros(100, 5).scatter_add_(1, nearest, torch.ones(nearest.shape))
print(votes[:2], torch.bincount(test.labels, minlength=5), torch.unique(nearest, return_counts=True)[1].sum())
anchor, positive, negative = model.encoder(train.data[:8]), model.encoder(train.data[:8] + 0.1), model.encoder(train.data[8:16])
print(nn.TripletMarginLoss(margin=1.0, p=2)(anchor, positive, negative).item() > 0,
      F.cosine_embedding_loss(anchor, negative, -torch.ones(8), margin=0.2).item() >= 0,
      round(F.margin_ranking_loss(anchor[:, 0], anchor[:, 1], torch.ones(8), margin=0.5).item(), 4))

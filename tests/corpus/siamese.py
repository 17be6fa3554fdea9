"""A siamese network on digits: contrastive and triplet losses, cosine similarity, nearest neighbours by cdist."""
import random

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, Dataset

SEED = 7
random.seed(SEED)
np.random.seed(SEED)
torch.manual_seed(SEED)


class PairDataset(Dataset):
    """(x1, x2, 1 if they differ)"""

    def __init__(self, x, y, size):
        self.x, self.y, self.size = x, y, size
        self.by_class = {c: np.flatnonzero(y == c) for c in np.unique(y)}
        self.group = {int(c): len(v) for c, v in self.by_class.items()}

    def __getitem__(self, i):
        a = random.randrange(len(self.x))
        if i % 2 == 0:
            b = random.choice(self.by_class[self.y[a]])
            target = torch.tensor(0, dtype=torch.float)
        else:
            other = random.choice([c for c in self.by_class if c != self.y[a]])
            b = random.choice(self.by_class[other])
            target = torch.tensor(1, dtype=torch.float)
        return self.x[a], self.x[int(b)], target

    def __len__(self):
        return self.size


class SiameseNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.cnn = nn.Sequential(
            nn.ReflectionPad2d(1),
            nn.Conv2d(1, 6, kernel_size=3), nn.SELU(),
            nn.InstanceNorm2d(6, affine=True),
            nn.ReplicationPad2d(1),
            nn.Conv2d(6, 8, kernel_size=3, stride=2), nn.SELU(),
        )
        self.fc = nn.Sequential(nn.Linear(8 * 4 * 4, 24), nn.PReLU(), nn.Linear(24, 4))

    def forward_once(self, x):
        return self.fc(self.cnn(x).flatten(1))

    def forward(self, x1, x2):
        return self.forward_once(x1), self.forward_once(x2)


class ContrastiveLoss(nn.Module):
    def __init__(self, margin=2.0):
        super().__init__()
        self.margin = margin

    def forward(self, output1, output2, label):
        d = F.pairwise_distance(output1, output2, keepdim=False)
        return torch.mean((1 - label) * torch.pow(d, 2) + label * torch.pow(torch.clamp(self.margin - d, min=0.0), 2))


digits = load_digits(n_class=5)
x = torch.tensor(digits.images, dtype=torch.float32)[:, None] / 16
y = digits.target
train = PairDataset(x[:600], y[:600], 480)
print(train.group)
loader = DataLoader(train, batch_size=32, shuffle=False)
net = SiameseNetwork()
criterion = ContrastiveLoss()
optimizer = torch.optim.Adam(net.parameters(), lr=0.001)
counter, loss_history = [], []
for epoch in range(3):
    for i, (img0, img1, label) in enumerate(loader):
        optimizer.zero_grad()
        output1, output2 = net(img0, img1)
        loss = criterion(output1, output2, label)
        loss.backward()
        optimizer.step()
        if i % 5 == 0:
            print(f"Epoch {epoch} batch {i}\n Current loss {loss.item():.5f}")
            loss_history.append(loss.item())

with torch.no_grad():
    net.eval()
    gallery, queries = net.forward_once(x[:600]), net.forward_once(x[600:])
    distances = torch.cdist(queries, gallery)
    nearest = distances.argmin(dim=1)
    hit = (torch.as_tensor(y)[nearest] == torch.as_tensor(y[600:])).float().mean()
    print(f'1-nn accuracy {hit:.4f}', distances.shape, f'{distances.mean():.4f}')
    vals, idx = distances[0].topk(3, largest=False)
    print(vals, idx, y[idx.numpy()], y[600])
    print('cosine', F.cosine_similarity(queries[:3], gallery[:3]), nn.CosineSimilarity(dim=0)(queries[0], gallery[0]))

# Triplets
anchor, positive, negative = (torch.randn(16, 4, requires_grad=True) for _ in range(3))
for loss_fn in (nn.TripletMarginLoss(margin=1.0, p=2), nn.TripletMarginLoss(swap=True),
                nn.TripletMarginWithDistanceLoss(distance_function=lambda a, b: 1 - F.cosine_similarity(a, b))):
    loss = loss_fn(anchor, positive, negative)
    loss.backward()
    print(type(loss_fn).__name__, loss, anchor.grad.norm())
print(nn.CosineEmbeddingLoss(margin=0.2)(anchor, positive, torch.tensor([1, -1] * 8)))
print(nn.MarginRankingLoss(margin=0.5)(anchor[:, 0], positive[:, 0], torch.ones(16)))
print(nn.HingeEmbeddingLoss()(F.pairwise_distance(anchor, negative), torch.tensor([1., -1.] * 8)))

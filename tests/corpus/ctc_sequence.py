"""CTC on strokes that repeat: a bidirectional GRU learns to read digits out of a noisy sequence; greedy decoding."""
from itertools import groupby

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(6)
BLANK, DIGITS, T = 0, 4, 14
patterns = torch.randn(DIGITS + 1, 6)


class Strokes(Dataset):
    def __init__(self, n):
        self.items = []
        for _ in range(n):
            length = torch.randint(2, 5, (1,)).item()
            target = torch.randint(1, DIGITS + 1, (length,))
            frames, t = [], 0
            for d in target:
                frames += [patterns[d]] * int(torch.randint(1, 3, ())) + [patterns[0]]
            frames = torch.stack(frames)[:T]
            frames = F.pad(frames, (0, 0, 0, T - len(frames)))
            self.items.append((frames + 0.2 * torch.randn(T, 6), F.pad(target, (0, 5 - length)), length))

    def __len__(self):
        return len(self.items)

    def __getitem__(self, index):
        return self.items[index]


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(6, 16, kernel_size=3, padding='same')
        self.rnn = nn.GRU(16, 16, batch_first=True, bidirectional=True)
        self.fc = nn.Linear(32, DIGITS + 1)

    def forward(self, x):
        x = F.relu(self.conv(x.transpose(1, 2))).permute(0, 2, 1)
        x, _ = self.rnn(x)
        return F.log_softmax(self.fc(x), dim=2).permute(1, 0, 2)


def greedy(logp):
    best = logp.argmax(2).t()
    return [[k for k, _ in groupby(row) if k != BLANK] for row in best.tolist()]


data = Strokes(160)
loader = DataLoader(data, batch_size=32, shuffle=True)
model = Reader()
criterion = nn.CTCLoss(blank=BLANK, zero_infinity=True)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for epoch in range(8):
    total = 0.0
    for x, y, n in loader:
        logp = model(x)
        loss = criterion(logp, y, torch.full((x.size(0),), T, dtype=torch.long), n)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.)
        optimizer.step()
        total += loss.item()
    if epoch % 2 == 1:
        with torch.no_grad():
            x, y, n = next(iter(DataLoader(data, batch_size=160)))
            read = greedy(model(x))
        right = sum(r == t[:k].tolist() for r, t, k in zip(read, y, n))
        print(f'epoch {epoch} loss {total / len(loader):.4f} right {right}/160', read[0], y[0, :n[0]].tolist())
scores = torch.randn(5, 2, 3, requires_grad=True)
losses = F.ctc_loss(scores.log_softmax(2), torch.tensor([1, 2, 1, 1]), (5, 4), (2, 2), reduction='none')
losses.sum().backward()
print(losses.detach(), scores.grad[0])

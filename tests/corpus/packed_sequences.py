"""Sequences of different lengths: padding, sorting, packing, a bidirectional LSTM, masks, and what packing returns."""
import torch
from torch import nn
from torch.nn.utils.rnn import (
    PackedSequence,
    pack_padded_sequence,
    pack_sequence,
    pad_packed_sequence,
    pad_sequence,
    unpad_sequence,
)
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(5)

a, b, c = torch.tensor([1, 2, 3]), torch.tensor([4, 5]), torch.tensor([6])
packed = pack_sequence([a, b, c])
print(packed)
print(packed.data, packed.batch_sizes, packed.sorted_indices)
print(pad_packed_sequence(packed, batch_first=True))
print(pad_sequence([c, a, b], batch_first=True, padding_value=-1))
print(pad_sequence([c, a, b]))
unsorted = pack_sequence([c, a, b], enforce_sorted=False)
print(unsorted.data.tolist(), unsorted.batch_sizes.tolist(), unsorted.sorted_indices, unsorted.unsorted_indices)
print(unpad_sequence(pad_sequence([c, a, b]), torch.tensor([1, 3, 2])))
try:
    pack_sequence([c, a])
except RuntimeError as e:
    print('RuntimeError:', str(e).splitlines()[0][:60])


class Parity(Dataset):
    """Sequences of symbols; the label is whether symbol 3 appears an odd number of times."""

    def __init__(self, n, vocab=6, longest=9):
        self.rows = []
        for _ in range(n):
            length = int(torch.randint(2, longest + 1, ()))
            seq = torch.randint(1, vocab, (length,))
            self.rows.append((seq, int((seq == 3).sum()) % 2))

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, idx):
        return self.rows[idx]


def collate(batch):
    batch.sort(key=lambda item: len(item[0]), reverse=True)
    seqs, labels = zip(*batch)
    lengths = torch.as_tensor([len(s) for s in seqs])
    return pad_sequence(seqs, batch_first=True, padding_value=0), lengths, torch.tensor(labels, dtype=torch.float)


class Tagger(nn.Module):
    def __init__(self, vocab=6, emb=8, hidden=12):
        super().__init__()
        self.embedding = nn.Embedding(vocab, emb, padding_idx=0)
        self.lstm = nn.LSTM(emb, hidden, num_layers=2, bidirectional=True, batch_first=True, dropout=0.1)
        self.norm = nn.LayerNorm(2 * hidden)
        self.fc = nn.Linear(2 * hidden, 1)
        for name, param in self.lstm.named_parameters():
            if 'bias' in name:
                nn.init.constant_(param, 0.0)
                n = param.size(0)
                param.data[n // 4:n // 2].fill_(1.0)
            elif 'weight_hh' in name:
                nn.init.orthogonal_(param)
            else:
                nn.init.xavier_uniform_(param)

    def forward(self, x, lengths):
        packed = pack_padded_sequence(self.embedding(x), lengths, batch_first=True)
        out, (h, c) = self.lstm(packed)
        assert isinstance(out, PackedSequence)
        out, out_lengths = pad_packed_sequence(out, batch_first=True, total_length=x.size(1))
        mask = torch.arange(x.size(1))[None, :] < out_lengths[:, None]
        pooled = out.masked_fill(~mask.unsqueeze(-1), 0).sum(1) / lengths.unsqueeze(1)
        last = torch.cat([h[-2], h[-1]], dim=-1)
        return self.fc(self.norm(pooled + last)).squeeze(-1), mask


data = Parity(200)
loader = DataLoader(data, batch_size=25, shuffle=True, collate_fn=collate)
x, lengths, y = next(iter(loader))
print(x[:4], lengths, y.mean())
net = Tagger()
print(net.embedding.weight[0], [tuple(p.shape) for n, p in net.lstm.named_parameters() if n.endswith('l1_reverse')])
logits, mask = net(x, lengths)
print(logits[:5], mask.sum(1).eq(lengths).all())
optimizer = torch.optim.RMSprop(net.parameters(), lr=3e-3, momentum=0.5)
criterion = nn.BCEWithLogitsLoss()
for epoch in range(6):
    losses, hits = [], 0
    for x, lengths, y in loader:
        logits, _ = net(x, lengths)
        loss = criterion(logits, y)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_value_(net.parameters(), 0.5)
        optimizer.step()
        losses.append(loss.detach())
        hits += ((logits > 0) == y.bool()).sum().item()
    print(f'epoch {epoch} loss {torch.stack(losses).mean():.4f} acc {hits / len(data):.3f}')
print('padding row still zero:', bool((net.embedding.weight[0] == 0).all()), net.embedding.weight.grad[0].abs().sum())

# order does not matter with enforce_sorted=False
net.eval()
with torch.no_grad():
    seqs = [data[i][0] for i in range(4)]
    padded = pad_sequence(seqs, batch_first=True)
    lens = torch.tensor([len(s) for s in seqs])
    out, (h, _) = net.lstm(pack_padded_sequence(net.embedding(padded), lens, batch_first=True, enforce_sorted=False))
    back, back_lens = pad_packed_sequence(out, batch_first=True)
    print(back.shape, back_lens, h.shape)
    for i, s in enumerate(seqs):
        alone, _ = net.lstm(net.embedding(s).unsqueeze(0))
        print(i, torch.allclose(alone[0], back[i, :len(s)], atol=1e-5), back[i, len(s):].abs().sum().item())
gru = nn.GRU(3, 4, bidirectional=True)
p = pack_sequence([torch.randn(n, 3) for n in (4, 4, 1)])
out, h = gru(p)
print(out.data.shape, h[:, 0], out.batch_sizes)

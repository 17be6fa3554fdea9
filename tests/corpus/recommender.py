"""Matrix factorisation with embeddings and biases, then a neural collaborative filter; sparse updates and top-k."""
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(0)
n_users, n_items, rank = 60, 40, 3
true_u, true_i = torch.randn(n_users, rank), torch.randn(n_items, rank)
ratings = (true_u @ true_i.T + 3).clamp(1, 5).round()
mask = torch.rand(n_users, n_items) < 0.4
pairs = mask.nonzero()
print(pairs.shape, pairs[:4].tolist(), ratings[mask].mean(), torch.bincount(ratings[mask].long()))


class Ratings(Dataset):
    def __init__(self, pairs):
        self.pairs = pairs

    def __len__(self):
        return len(self.pairs)

    def __getitem__(self, k):
        u, i = self.pairs[k]
        return {'user': u, 'item': i, 'rating': ratings[u, i]}


order = torch.randperm(len(pairs), generator=torch.Generator().manual_seed(2))
cut = int(0.8 * len(pairs))
train_loader = DataLoader(Ratings(pairs[order[:cut]]), batch_size=64, shuffle=True)
test_loader = DataLoader(Ratings(pairs[order[cut:]]), batch_size=len(pairs))


class MF(nn.Module):
    def __init__(self, num_users, num_items, emb_size=8):
        super().__init__()
        self.user_emb = nn.Embedding(num_users, emb_size)
        self.user_bias = nn.Embedding(num_users, 1)
        self.item_emb = nn.Embedding(num_items, emb_size)
        self.item_bias = nn.Embedding(num_items, 1)
        self.user_emb.weight.data.uniform_(0, 0.3)
        self.item_emb.weight.data.uniform_(0, 0.3)
        self.user_bias.weight.data.uniform_(-0.01, 0.01)
        self.item_bias.weight.data.uniform_(-0.01, 0.01)

    def forward(self, u, v):
        U, V = self.user_emb(u), self.item_emb(v)
        return (U * V).sum(1) + self.user_bias(u).squeeze() + self.item_bias(v).squeeze()


class NCF(nn.Module):
    def __init__(self, num_users, num_items, emb_size=6):
        super().__init__()
        self.embeddings = nn.ModuleDict({'user': nn.Embedding(num_users, emb_size), 'item': nn.Embedding(num_items, emb_size)})
        self.layers = nn.ModuleList([nn.Linear(2 * emb_size, 16), nn.Linear(16, 8)])
        self.out = nn.Bilinear(8, 8, 1)
        self.scale = nn.ParameterDict({'gain': nn.Parameter(torch.tensor(4.0)), 'shift': nn.Parameter(torch.ones(()))})

    def forward(self, u, v):
        x = torch.cat([self.embeddings['user'](u), self.embeddings['item'](v)], dim=-1)
        for layer in self.layers:
            x = torch.nn.functional.silu(layer(x))
        return self.scale['gain'] * torch.sigmoid(self.out(x, x)).squeeze(-1) + self.scale['shift']


def evaluate(model):
    model.eval()
    with torch.no_grad():
        batch = next(iter(test_loader))
        y_hat = model(batch['user'], batch['item'])
        return nn.functional.mse_loss(y_hat, batch['rating']).sqrt().item(), nn.functional.l1_loss(y_hat, batch['rating']).item()


for cls in (MF, NCF):
    torch.manual_seed(10)
    model = cls(n_users, n_items)
    print(model)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    for epoch in range(6):
        model.train()
        total = 0
        for batch in train_loader:
            y_hat = model(batch['user'], batch['item'])
            loss = nn.functional.mse_loss(y_hat, batch['rating'])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(y_hat)
        rmse, mae = evaluate(model)
        print(f'epoch {epoch} train {total / cut:.4f} rmse {rmse:.4f} mae {mae:.4f}')

model = MF(n_users, n_items)
with torch.no_grad():
    scores = model.user_emb.weight @ model.item_emb.weight.t()
    scores.masked_fill_(mask, float('-inf'))
    top = torch.topk(scores, k=3, dim=1)
print(top.indices[:3], top.values[:3])

# pretrained vectors, padding, bags
vectors = torch.arange(12.).view(4, 3)
emb = nn.Embedding.from_pretrained(vectors, freeze=True, padding_idx=0)
print(emb, emb(torch.tensor([[1, 0], [3, 2]])), emb.weight.requires_grad)
bag = nn.EmbeddingBag(5, 2, mode='mean')
print(bag(torch.tensor([0, 1, 2, 4, 3]), torch.tensor([0, 2])))
padded = nn.Embedding(5, 2, padding_idx=1, max_norm=1.0)
out = padded(torch.tensor([0, 1, 3]))
out.sum().backward()
print(padded.weight.data.norm(dim=1), padded.weight.grad)

"""Graph attention: masked dense attention heads, and message passing over an edge list with index_add and scatter_add."""
import torch
import torch.nn as nn
import torch.nn.functional as F


class GraphAttentionLayer(nn.Module):
    def __init__(self, in_features, out_features, dropout, alpha, concat=True):
        super(GraphAttentionLayer, self).__init__()
        self.dropout = dropout
        self.out_features = out_features
        self.concat = concat
        self.W = nn.Parameter(torch.empty(size=(in_features, out_features)))
        nn.init.xavier_uniform_(self.W.data, gain=1.414)
        self.a = nn.Parameter(torch.empty(size=(2 * out_features, 1)))
        nn.init.xavier_uniform_(self.a.data, gain=1.414)
        self.leakyrelu = nn.LeakyReLU(alpha)

    def forward(self, h, adj):
        Wh = torch.mm(h, self.W)
        e = self._prepare_attentional_mechanism_input(Wh)
        zero_vec = -9e15 * torch.ones_like(e)
        attention = torch.where(adj > 0, e, zero_vec)
        attention = F.softmax(attention, dim=1)
        attention = F.dropout(attention, self.dropout, training=self.training)
        h_prime = torch.matmul(attention, Wh)
        return F.elu(h_prime) if self.concat else h_prime

    def _prepare_attentional_mechanism_input(self, Wh):
        Wh1 = torch.matmul(Wh, self.a[:self.out_features, :])
        Wh2 = torch.matmul(Wh, self.a[self.out_features:, :])
        e = Wh1 + Wh2.T
        return self.leakyrelu(e)


class GAT(nn.Module):
    def __init__(self, nfeat, nhid, nclass, dropout, alpha, nheads):
        super(GAT, self).__init__()
        self.dropout = dropout
        self.attentions = [GraphAttentionLayer(nfeat, nhid, dropout, alpha, concat=True) for _ in range(nheads)]
        for i, attention in enumerate(self.attentions):
            self.add_module('attention_{}'.format(i), attention)
        self.out_att = GraphAttentionLayer(nhid * nheads, nclass, dropout=dropout, alpha=alpha, concat=False)

    def forward(self, x, adj):
        x = F.dropout(x, self.dropout, training=self.training)
        x = torch.cat([att(x, adj) for att in self.attentions], dim=1)
        x = F.dropout(x, self.dropout, training=self.training)
        x = F.elu(self.out_att(x, adj))
        return F.log_softmax(x, dim=1)


class MessagePassing(nn.Module):
    def __init__(self, dim, aggr='add'):
        super().__init__()
        self.message = nn.Linear(2 * dim, dim)
        self.update = nn.GRUCell(dim, dim)
        self.aggr = aggr

    def forward(self, x, edge_index):
        source, target = edge_index
        m = F.relu(self.message(torch.cat((x[target], x[source]), dim=-1)))
        out = torch.zeros_like(x)
        if self.aggr == 'add':
            out = out.index_add(0, target, m)
        elif self.aggr == 'mean':
            degree = torch.zeros(x.size(0)).scatter_add_(0, target, torch.ones_like(target, dtype=x.dtype))
            out = out.scatter_add(0, target[:, None].expand_as(m), m) / degree.clamp(min=1).unsqueeze(-1)
        else:
            out = out.scatter_reduce(0, target.unsqueeze(-1).expand_as(m), m, reduce='amax', include_self=False)
        return self.update(out, x)


torch.manual_seed(72)
n, classes = 40, 3
labels = torch.arange(n) % classes
same = labels[:, None] == labels[None, :]
adj = (torch.rand(n, n) < torch.where(same, 0.35, 0.05)).float()
adj = torch.triu(adj, 1)
adj = adj + adj.t() + torch.eye(n)
features = F.one_hot(labels, classes).float().repeat(1, 4) + torch.randn(n, 12).mul(0.9)
print('edges', int(adj.sum()), 'isolated', (adj.sum(1) == 1).sum().item(), 'degrees', adj.sum(0).int().tolist()[:10])
perm = torch.randperm(n)
train_idx, test_idx = perm[:15], perm[15:]

model = GAT(nfeat=12, nhid=8, nclass=classes, dropout=0.3, alpha=0.2, nheads=3)
print(model)
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3, weight_decay=5e-4)
for epoch in range(30):
    model.train()
    optimizer.zero_grad()
    output = model(features, adj)
    loss = F.nll_loss(output[train_idx], labels[train_idx])
    loss.backward()
    optimizer.step()
    if epoch % 6 == 5:
        model.eval()
        with torch.no_grad():
            pred = model(features, adj).max(dim=1)[1]
            acc = pred[test_idx].eq(labels[test_idx]).sum().item() / len(test_idx)
        print(f'epoch {epoch:03d} loss {loss.item():.4f} test acc {acc:.3f}')

edge_index = adj.nonzero().t().contiguous()
print(edge_index.shape, edge_index[:, :6])
for aggr in ('add', 'mean', 'max'):
    torch.manual_seed(4)
    layers = nn.ModuleList([MessagePassing(12, aggr) for _ in range(2)])
    readout = nn.Linear(12, classes)
    opt = torch.optim.Adamax([{'params': layers.parameters()}, {'params': readout.parameters(), 'lr': 0.02}], lr=0.01)
    for step in range(15):
        x = features
        for layer in layers:
            x = layer(x, edge_index)
        loss = F.cross_entropy(readout(x)[train_idx], labels[train_idx])
        opt.zero_grad()
        loss.backward()
        opt.step()
    acc = (readout(x)[test_idx].argmax(-1) == labels[test_idx]).float().mean()
    print(aggr, f'{loss.item():.4f} {acc.item():.3f}', x.detach()[0, :4])
logits = torch.randn(edge_index.size(1))
maxes = torch.full((n,), float('-inf')).scatter_reduce(0, edge_index[1], logits, 'amax')
ex = (logits - maxes[edge_index[1]]).exp()
alpha = ex / torch.zeros(n).index_add_(0, edge_index[1], ex)[edge_index[1]]
print(torch.zeros(n).scatter_add(0, edge_index[1], alpha).sum(), alpha.max())

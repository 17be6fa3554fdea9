"""A mixture of experts with noisy top-k routing, index_add and a load-balancing loss; a router with capacity by scatter."""
from dataclasses import dataclass, field
from typing import List, Optional

import torch
import torch.nn as nn
import torch.nn.functional as F


@dataclass
class Config:
    dim: int = 12
    hidden: int = 24
    num_experts: int = 4
    top_k: int = 2
    classes: int = 6
    noise: float = 0.5
    history: List[float] = field(default_factory=list)
    seed: Optional[int] = 10


class Expert(nn.Module):
    """SwiGLU feed-forward."""

    def __init__(self, dim, hidden):
        super().__init__()
        self.w1 = nn.Linear(dim, hidden, bias=False)
        self.w2 = nn.Linear(hidden, dim, bias=False)
        self.w3 = nn.Linear(dim, hidden, bias=False)

    def forward(self, x):
        return self.w2(F.silu(self.w1(x)) * self.w3(x))


class RMSNorm(nn.Module):
    def __init__(self, dim, eps=1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(dim))

    def _norm(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.eps)

    def forward(self, x):
        return self._norm(x.float()).type_as(x) * self.weight


class MoE(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.c = c
        self.gate = nn.Linear(c.dim, c.num_experts, bias=False)
        self.noise = nn.Linear(c.dim, c.num_experts, bias=False)
        self.experts = nn.ModuleList(Expert(c.dim, c.hidden) for _ in range(c.num_experts))

    def forward(self, x):
        shape = x.shape
        x = x.view(-1, shape[-1])
        logits = self.gate(x)
        if self.training:
            logits = logits + torch.randn_like(logits) * F.softplus(self.noise(x)) * self.c.noise
        weights, selected = torch.topk(logits, self.c.top_k)
        weights = F.softmax(weights, dim=1, dtype=torch.float).to(x.dtype)
        results = torch.zeros_like(x)
        for i, expert in enumerate(self.experts):
            batch_idx, nth_expert = torch.where(selected == i)
            if batch_idx.numel() == 0:
                continue
            results.index_add_(0, batch_idx, weights[batch_idx, nth_expert, None] * expert(x[batch_idx]))
        probs = logits.softmax(-1)
        load = F.one_hot(selected, self.c.num_experts).sum(1).float().mean(0)
        self.aux = self.c.num_experts * (load * probs.mean(0)).sum()
        self.load = load.detach()
        return results.view(*shape)


class Model(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.emb = nn.Embedding(16, c.dim)
        self.norm = RMSNorm(c.dim)
        self.moe = MoE(c)
        self.head = nn.Linear(c.dim, c.classes)

    def forward(self, idx):
        h = self.emb(idx)
        h = h + self.moe(self.norm(h))
        return self.head(h.mean(dim=-2))


config = Config()
torch.manual_seed(config.seed)
X = torch.randint(0, 16, (192, 5))
Y = (X.sum(-1) * 7 // 3) % config.classes
model = Model(config)
print(model.moe.experts[0], sum(p.numel() for p in model.parameters()))
opt = torch.optim.AdamW(model.parameters(), lr=1e-2, betas=(0.9, 0.95))
sched = torch.optim.lr_scheduler.LambdaLR(opt, lambda s: min(1.0, (s + 1) / 10) * 0.98 ** s)
for step in range(40):
    idx = torch.randint(len(X), (64,))
    logits = model(X[idx])
    loss = F.cross_entropy(logits, Y[idx]) + 0.01 * model.moe.aux
    opt.zero_grad(set_to_none=True)
    loss.backward()
    unused = [n for n, p in model.named_parameters() if p.grad is None]
    opt.step()
    sched.step()
    config.history.append(loss.item())
    if step % 10 == 9:
        print(f'{step} loss {loss.item():.4f} aux {model.moe.aux.item():.4f} load {[round(v, 3) for v in model.moe.load.tolist()]}'
              f' unused {len(unused)} lr {sched.get_last_lr()[0]:.6f}')
model.eval()
with torch.no_grad():
    print('accuracy', (model(X).argmax(-1) == Y).float().mean().item(), f'{sum(config.history) / 40:.4f}')


def capacity_route(logits, capacity):
    """Switch routing: token -> expert, at most capacity tokens each; returns dispatch (E, C) of token numbers or -1."""
    gates = logits.softmax(-1)
    gate, expert = gates.max(-1)
    onehot = F.one_hot(expert, logits.size(-1))
    position = (onehot.cumsum(0) - 1).gather(1, expert[:, None]).squeeze(1)
    keep = position < capacity
    table = torch.full((logits.size(-1), capacity), -1)
    table[expert[keep], position[keep]] = torch.arange(len(logits))[keep]
    return table, gate, keep


table, gate, keep = capacity_route(torch.randn(12, 3), capacity=4)
print(table, keep.int(), gate)
tokens = torch.randn(12, 4, requires_grad=True)
padded = torch.cat([tokens, tokens.new_zeros(1, 4)])
dispatched = padded[table]
print(dispatched.shape, dispatched[0, 0])
combined = torch.zeros(13, 4).index_put((table.clamp(min=-1).flatten() % 13,), dispatched.flatten(0, 1), accumulate=True)[:12]
(combined * gate.unsqueeze(1)).sum().backward()
print(tokens.grad[:, 0], (combined.detach() == tokens.detach()).all(1).sum().item(), keep.sum())
out = torch.empty(12, 4).scatter_(0, torch.argsort(gate, descending=True)[:, None].expand(-1, 4), tokens.detach())
print(out.sum(1), torch.scatter(torch.zeros(2, 5), 1, torch.tensor([[0, 2], [1, 4]]), 1.5))

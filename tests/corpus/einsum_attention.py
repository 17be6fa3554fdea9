"""Attention in einsum: multi-head, grouped queries, rotary positions, ALiBi, windows, a key-value cache."""
import math
from functools import partial

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import einsum

torch.manual_seed(33)


def rearrange_heads(x, h):
    b, n, _ = x.shape
    return x.reshape(b, n, h, -1).permute(0, 2, 1, 3)


def rotary(x, base=10000):
    *_, n, d = x.shape
    theta = base ** (-torch.arange(0, d, 2).float() / d)
    angle = torch.outer(torch.arange(n, dtype=torch.float), theta)
    cos, sin = angle.cos(), angle.sin()
    x1, x2 = x[..., ::2], x[..., 1::2]
    return torch.stack((x1 * cos - x2 * sin, x1 * sin + x2 * cos), dim=-1).flatten(-2)


def rotary_complex(x, base=10000):
    *_, n, d = x.shape
    freqs = torch.outer(torch.arange(n), 1.0 / base ** (torch.arange(0, d, 2)[: d // 2].float() / d))
    freqs_cis = torch.polar(torch.ones_like(freqs), freqs)
    x_ = torch.view_as_complex(x.float().reshape(*x.shape[:-1], -1, 2))
    return torch.view_as_real(x_ * freqs_cis).flatten(-2).type_as(x)


class Attention(nn.Module):
    def __init__(self, dim, heads=4, kv_heads=None, dim_head=8, alibi=False, window=None, rope=False):
        super().__init__()
        self.heads, self.kv_heads = heads, kv_heads or heads
        self.scale = dim_head ** -0.5
        self.to_q = nn.Linear(dim, heads * dim_head, bias=False)
        self.to_kv = nn.Linear(dim, 2 * self.kv_heads * dim_head, bias=False)
        self.to_out = nn.Linear(heads * dim_head, dim)
        self.window, self.rope = window, rope
        slopes = torch.tensor([2 ** (-8 * (i + 1) / heads) for i in range(heads)])
        self.register_buffer('slopes', slopes if alibi else None)

    def forward(self, x, return_attn=False):
        b, n, _ = x.shape
        q = rearrange_heads(self.to_q(x), self.heads)
        k, v = (rearrange_heads(t, self.kv_heads) for t in self.to_kv(x).chunk(2, dim=-1))
        if self.rope:
            q, k = map(rotary, (q, k))
        k, v = (t.repeat_interleave(self.heads // self.kv_heads, dim=1) for t in (k, v))
        sim = einsum('b h i d, b h j d -> b h i j', q * self.scale, k)
        i, j = torch.meshgrid(torch.arange(n), torch.arange(n), indexing='ij')
        if self.slopes is not None:
            sim = sim - self.slopes.view(1, -1, 1, 1) * (i - j).abs()
        mask = j > i
        if self.window is not None:
            mask = mask | (i - j >= self.window)
        sim = sim.masked_fill(mask, -torch.finfo(sim.dtype).max)
        attn = sim.softmax(dim=-1)
        out = torch.einsum('bhij,bhjd->bhid', attn, v)
        out = self.to_out(out.transpose(1, 2).reshape(b, n, -1))
        return (out, attn) if return_attn else out


x = torch.randn(2, 6, 16)
a = rotary(x[:, None])
print(torch.allclose(a, rotary_complex(x[:, None]), atol=1e-6), a[0, 0, 1, :4], a.norm(), x.norm())
for kwargs in ({}, dict(kv_heads=2), dict(rope=True), dict(alibi=True), dict(window=2, rope=True), dict(kv_heads=1, alibi=True)):
    layer = Attention(16, **kwargs)
    out, attn = layer(x, return_attn=True)
    print(kwargs, out.shape, out[0, -1, :3].tolist()[0] != 0, f'{out.std().item():.5f}', attn[0, 1, -1].detach())

# against the built-in
q, k, v = (torch.randn(2, 4, 6, 8, requires_grad=True) for _ in range(3))
sdpa = F.scaled_dot_product_attention(q, k, v, is_causal=True)
mask = torch.ones(6, 6).tril().bool()
manual = torch.einsum('...qk,...kd->...qd', torch.where(mask, torch.einsum('...qd,...kd->...qk', q, k) / math.sqrt(8),
                                                        -torch.inf).softmax(-1), v)
print('sdpa', torch.allclose(sdpa, manual, atol=1e-6))
gq, = torch.autograd.grad(sdpa.square().sum(), q, retain_graph=True)
gm, = torch.autograd.grad(manual.square().sum(), q)
print('grad', torch.allclose(gq, gm, atol=1e-5), gq[0, 0, 3, :3])
bias = torch.randn(6, 6)
print(F.scaled_dot_product_attention(q, k, v, attn_mask=bias, scale=0.2)[1, 2, 3, :4])

# a cache gives what the whole sequence gives
layer = Attention(16).eval()
with torch.no_grad():
    full = layer(x)
    keys, values, steps = None, None, []
    for t in range(6):
        xt = x[:, t:t + 1]
        q = rearrange_heads(layer.to_q(xt), 4)
        k, v = map(partial(rearrange_heads, h=4), layer.to_kv(xt).chunk(2, -1))
        keys = k if keys is None else torch.cat((keys, k), dim=2)
        values = v if values is None else torch.cat((values, v), dim=-2)
        attn = torch.softmax(torch.einsum('bhqd,bhkd->bhqk', q, keys) * layer.scale, dim=-1)
        steps.append(layer.to_out((attn @ values).transpose(1, 2).flatten(2)))
    print('cache', torch.allclose(torch.cat(steps, dim=1), full, atol=1e-6), keys.shape)


def linear_attention(q, k, v):
    q, k = F.elu(q) + 1, F.elu(k) + 1
    kv = torch.einsum('bhnd,bhne->bhnde', k, v).cumsum(dim=2)
    norm = torch.einsum('bhnd,bhnd->bhn', q, k.cumsum(2)).unsqueeze(-1)
    return torch.einsum('bhnd,bhnde->bhne', q, kv) / norm


q, k, v = torch.randn(3, 1, 2, 5, 4).unbind(0)
print(linear_attention(q, k, v)[0, 0])


class Copier(nn.Module):
    def __init__(self, vocab=9, dim=16):
        super().__init__()
        self.tok = nn.Embedding(vocab, dim)
        self.layers = nn.ModuleList([nn.ModuleList([nn.LayerNorm(dim), Attention(dim, rope=True, kv_heads=2),
                                                    nn.LayerNorm(dim), nn.Sequential(nn.Linear(dim, 4 * dim), nn.GELU('tanh'),
                                                                                     nn.Linear(4 * dim, dim))]) for _ in range(2)])
        self.ln = nn.LayerNorm(dim)

    def forward(self, x):
        x = self.tok(x)
        for n1, attn, n2, ff in self.layers:
            x = x + attn(n1(x))
            x = x + ff(n2(x))
        return torch.einsum('bnd,vd->bnv', self.ln(x), self.tok.weight)


model = Copier()
opt = torch.optim.RAdam(model.parameters(), lr=1e-2)
for step in range(30):
    seq = torch.randint(1, 9, (32, 5))
    whole = torch.cat([seq, torch.zeros(32, 1, dtype=torch.long), seq], 1)
    logits = model(whole[:, :-1])
    loss = F.cross_entropy(logits[:, 5:].reshape(-1, 9), whole[:, 6:].reshape(-1))
    opt.zero_grad()
    loss.backward()
    opt.step()
    if step % 6 == 5:
        print(f'step {step} loss {loss.item():.4f}')
m = torch.arange(6.).view(2, 3)
print(einsum('ij->ji', m), einsum('ij->', m), einsum('ij,kj->ik', m, m), einsum('ii->i', m[:, :2]), einsum('i,j->ij', m[0], m[1]))
print(torch.tensordot(m, m, dims=([1], [1])), torch.kron(m[:, :2], torch.eye(2)), torch.baddbmm(torch.ones(1, 2, 2), m[None], m.T[None]))

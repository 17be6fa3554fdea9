"""A tour of tensors: creation, indexing, broadcasting, views, in-place changes, reductions, linear algebra, NumPy."""
import numpy as np
import torch

torch.manual_seed(2)

print('--- creation')
x = torch.arange(12, dtype=torch.float32)
print(x, x.shape, x.numel(), x.dim(), x.dtype, x.device, x.layout, x.stride())
X = x.reshape(3, 4)
print(X)
print(torch.zeros((2, 3, 4)), torch.ones(2, 3, dtype=torch.long), torch.empty(0), torch.full((2,), 3.5))
print(torch.tensor([[2, 1, 4, 3], [1, 2, 3, 4]]), torch.tensor(3), torch.tensor([True, False]), torch.tensor(1 + 2j))
print(torch.linspace(0, 1, 5), torch.logspace(-2, 2, 3), torch.eye(2), torch.arange(1, 2, 0.25), torch.arange(5, 0, -2))
print(torch.rand(2, 3), torch.randn(3), torch.randint(0, 10, (2, 2)), torch.randperm(5))
print(torch.ones_like(X[0]), torch.zeros_like(X, dtype=torch.int)[0], torch.rand_like(X[0]), X.new_zeros(2), X.new_tensor([1, 2]))
print(torch.as_tensor(np.array([1, 2])), torch.from_numpy(np.eye(2, dtype=np.float32)), torch.Tensor([1, 2]), torch.LongTensor([3]), torch.FloatTensor(2).shape)
print(torch.is_tensor(x), torch.is_floating_point(x), isinstance(x, torch.Tensor), x.type(), x.is_contiguous(), X.T.is_contiguous())

print('--- indexing')
print(X[-1], X[1:3], X[:, -2:], X[1, 2], X[1][2], X[::2, 1::2], X[..., 0], X[None].shape)
X[1, 2] = 17
X[0:2, :] = 12
print(X)
mask = X > 9
print(mask, X[mask], X[mask].shape, (X > 9).nonzero().tolist(), torch.where(mask, X, -X)[2], torch.where(mask)[0])
idx = torch.tensor([2, 0])
print(X[idx], X[:, idx], X[idx, idx], X[[0, 2], [1, 3]], X[torch.tensor([True, False, True])])
print(X.index_select(1, idx), X.gather(1, torch.tensor([[0], [3], [1]])), X.take(torch.tensor([0, 5, 11])))
X[X > 11] = 0
X[:, 0] += 100
X[idx] *= 2
print(X)
print(torch.zeros(3, 5).scatter_(0, torch.tensor([[0, 1, 2, 0, 0]]), torch.arange(5.)[None]))
print(torch.zeros(4).index_add_(0, torch.tensor([0, 2, 2]), torch.tensor([1., 2., 3.])), torch.zeros(4).index_fill_(0, idx, -1))
print(torch.masked_select(x, x > 8), x.masked_fill(x.fmod(2) == 0, float('nan')))

print('--- broadcasting and arithmetic')
a, b = torch.arange(3).reshape((3, 1)), torch.arange(2).reshape((1, 2))
print(a + b, a * b, (a == b).sum(), torch.broadcast_shapes((3, 1), (1, 2)), torch.broadcast_tensors(a, b)[0].shape)
u, v = torch.tensor([1.0, 2, 4, 8]), torch.tensor([2, 2, 2, 2])
print(u + v, u - v, u * v, u / v, u ** v, u // 3, u % 3, -u, v / 2, v // 4, 7 - v, 1 / u, 2 ** v, u @ v.float())
print(torch.exp(u), u.log(), u.sqrt().rsqrt(), torch.sin(u), u.sigmoid(), u.tanh(), torch.pow(u, 0.5), u.clamp(2, 5), u.round(decimals=0))
print(torch.tensor([5, -5]) // 2, torch.tensor([5, -5]) % 3, torch.div(torch.tensor([5, -5]), 2, rounding_mode='trunc'), torch.true_divide(v, 3))
print((u > 2) & (u < 8), ~(u > 2), (u > 2) | (u < 1), u.eq(2), torch.equal(u, u.clone()), torch.allclose(u, u + 1e-9), u.isnan().any(), (u > 0).all())
print((torch.tensor([1, 2]) + 1.5).dtype, (torch.tensor([1, 2]) / 1).dtype, (torch.ones(2) + torch.ones(2).double()).dtype,
      (torch.tensor(1.) + torch.tensor([1], dtype=torch.int8)).dtype, torch.result_type(torch.tensor([1]), 1.0), (torch.tensor([True]) + 1).dtype)

print('--- shapes and views')
t = torch.arange(24)
V = t.view(2, 3, 4)
print(V.shape, V.permute(2, 0, 1).shape, V.transpose(1, 2).stride(), V.flatten(1).shape, V.unsqueeze(-1).squeeze().size(), V.size(1), V.view(-1, 12).size())
V[0, 0, 0] = -1
print(t[0], V.data_ptr() == t.data_ptr(), V._base is t, V.storage_offset(), V[1].storage_offset())
try:
    V.transpose(0, 1).view(-1)
except RuntimeError as e:
    print('RuntimeError:', str(e).split(' (')[0])
print(V.transpose(0, 1).reshape(-1)[:6], V.permute(1, 0, 2).contiguous().stride())
print(torch.cat((X, X), dim=0).shape, torch.cat((X, X), dim=1).shape, torch.stack([x, x]).shape, torch.vstack([u, u]), torch.hstack([u, u]))
print([p.tolist() for p in torch.arange(7).split(3)], [p.shape for p in torch.chunk(V, 2, dim=1)], [p.item() for p in torch.arange(3).unbind()])
print(u.repeat(2), u.repeat(2, 1).shape, u.repeat_interleave(2), u.expand(3, -1).shape, torch.tile(u, (2,)), u.flip(0), u.roll(1))
print(torch.tril(torch.ones(3, 3)), torch.triu(torch.ones(2, 2), diagonal=1), torch.diag(torch.tensor([1, 2])), torch.meshgrid(torch.arange(2), torch.arange(2), indexing='ij'))
print(t.unfold(0, 4, 8), torch.movedim(V, 0, -1).shape, torch.atleast_2d(u).shape, V.ndim, len(V), V.T.shape if V.dim() == 2 else V.mT.shape)

print('--- in place and copies')
before = id(u)
u += v
print(id(u) == before, u)
z = torch.zeros_like(u)
print('same', id(z) == id(z))
z[:] = u + 1
w = u.clone()
u.add_(1).mul_(2).sub_(1).div_(3)
print(z, w, u, u.copy_(w), u.zero_(), u.fill_(7), u.uniform_(0, 1).shape)
c, d = u, u.detach().clone()
c[0] = 99
print(u[0], d[0] == 99)

print('--- reductions')
A = torch.randn(3, 4)
print(A.sum(), A.sum(0), A.sum(dim=1, keepdim=True), A.mean(), A.mean(0), A.std(), A.var(unbiased=False), A.prod(1))
print(A.max(), A.min(1), torch.max(A, dim=0), A.argmax(), A.argmax(dim=1), A.median(), torch.mode(torch.tensor([1, 2, 2])), A.norm(), A.abs().sum().item())
print(A.sort(dim=1, descending=True)[0], A.topk(2, dim=0)[1], A.argsort(1), torch.unique(torch.tensor([3, 1, 3]), return_counts=True), A.cumsum(1), A.logsumexp(0))
print(A.any(), (A > 0).sum(1), torch.count_nonzero(A > 0), torch.bincount(torch.tensor([0, 1, 1, 3])), A.quantile(0.3), torch.histc(A, 4), A.softmax(-1).sum(-1))
print(torch.cdist(A, A), torch.corrcoef(A), A.amax((0, 1)), A.nan_to_num().std(0), torch.diff(x[:4]), torch.cumprod(x[1:5], 0))

print('--- linear algebra')
M = torch.tensor([[4., 1.], [2., 3.]])
vec = torch.tensor([1., 2.])
print(M @ vec, M.mm(M), torch.mv(M, vec), torch.dot(vec, vec), torch.outer(vec, vec), vec @ M, M.T, M.trace(), torch.matmul(M, M) - M @ M)
print(torch.linalg.det(M), torch.inverse(M), torch.linalg.solve(M, vec), torch.linalg.eigvals(M).real.sort()[0], torch.linalg.matrix_rank(M), torch.linalg.norm(M), torch.linalg.cond(M))
print(torch.linalg.eigh(M + M.T)[0], torch.linalg.svdvals(M), torch.linalg.cholesky(M @ M.T), torch.linalg.qr(M)[1].abs(), torch.trace(torch.matrix_power(M, 3)))
print(torch.einsum('ij,j->i', M, vec), torch.einsum('bij,bjk->bik', torch.ones(2, 1, 3), torch.ones(2, 3, 1)).shape, torch.bmm(torch.ones(2, 1, 3), torch.ones(2, 3, 1)).flatten(), torch.kron(M, vec[None]), torch.tensordot(M, M))

print('--- NumPy and Python')
n = x.numpy()
n[0] = 42
print(type(n), n.dtype, x[0], x.tolist()[:3], np.sum(x.numpy()), float(x[1]), int(x[2]), x[3].item(), bool(x[4] > 1), list(x[:2]))
r = torch.from_numpy(n)
r[1] = -1
print(n[1], np.asarray(x)[1], np.array([1.5]) * torch.tensor(2.0).numpy(), torch.tensor(np.float32(0.1)), torch.tensor(np.arange(2)))
print([row.sum().item() for row in X], {k: float(k) for k in (1, 2)}, sum(x[:3]), max(x[:3]), sorted(x[:3].tolist()), x.sum().item() == sum(x.tolist()))
print(f'{x[5]:.3f} {x.mean():.2f} {x.mean().item():6.2f} {torch.tensor(7)} {torch.tensor([1.5])!r}', '%d %.1f' % (torch.tensor(3), torch.tensor(2.5)), str(x.shape), tuple(x.shape), x.shape[0] + 1, list(X.shape), X.shape == (3, 4))

"""Tied weights, orthogonal and other initialisations, parametrized layers, sparsity, PCA by SVD beside it."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_iris
from torch.nn.utils import parameters_to_vector, vector_to_parameters
from torch.nn.utils.parametrizations import orthogonal, spectral_norm, weight_norm

torch.manual_seed(17)
X = torch.as_tensor(load_iris().data, dtype=torch.float32)
X = (X - X.mean(0)) / X.std(0)
print(X.size(), X[:2])


class TiedAutoEncoder(nn.Module):
    def __init__(self, inp, hidden, init):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(hidden, inp))
        self.encoder_bias = nn.Parameter(torch.zeros(hidden))
        self.decoder_bias = nn.Parameter(torch.zeros(inp))
        init(self.weight)

    def forward(self, x):
        code = torch.tanh(F.linear(x, self.weight, self.encoder_bias))
        return F.linear(code, self.weight.t(), self.decoder_bias), code

    def extra_repr(self):
        return 'hidden={}, inp={}'.format(*self.weight.shape)


inits = {
    'orthogonal': lambda w: nn.init.orthogonal_(w, gain=nn.init.calculate_gain('tanh')),
    'xavier': nn.init.xavier_normal_,
    'kaiming': lambda w: nn.init.kaiming_uniform_(w, a=5 ** 0.5),
    'sparse': lambda w: nn.init.sparse_(w, sparsity=0.5, std=0.5),
    'trunc': lambda w: nn.init.trunc_normal_(w, std=0.5, a=-0.7, b=0.7),
    'eye': nn.init.eye_,
    'dirac-like': lambda w: nn.init.constant_(w, 0.3).add_(torch.arange(4.) * 0.1) if not w.requires_grad else
    w.data.fill_(0.3).add_(torch.arange(4.) * 0.1),
}
for name, init in inits.items():
    model = TiedAutoEncoder(4, 3, init)
    if name == 'orthogonal':
        print(model, torch.allclose(model.weight @ model.weight.T, torch.eye(3) * 25 / 9, atol=1e-5))
    optimizer = torch.optim.ASGD(model.parameters(), lr=0.1)
    for epoch in range(30):
        out, code = model(X)
        loss = F.mse_loss(out, X) + 1e-3 * code.abs().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f'{name:12s} loss {loss.item():.5f} norm {model.weight.norm().item():.4f} code {code.abs().mean().item():.4f}')

U, S, Vh = torch.linalg.svd(X - X.mean(0), full_matrices=False)
projected = X @ Vh[:3].T @ Vh[:3]
print('singular values', S, 'PCA error', F.mse_loss(projected, X).item() < 0.02)

flat = parameters_to_vector(model.parameters())
print(flat.shape, flat[:4].detach())
vector_to_parameters(torch.linspace(-1, 1, flat.numel()), model.parameters())
print(model.decoder_bias.data)

layer = orthogonal(nn.Linear(4, 4, bias=False))
q = layer.weight
print('orthogonal', torch.dist(q @ q.T, torch.eye(4)).item() < 1e-5, [n for n, _ in layer.named_parameters()])
sn = spectral_norm(nn.Linear(4, 6), n_power_iterations=5)
for _ in range(10):
    sn(X[:2])
print('spectral', round(torch.linalg.matrix_norm(sn.weight, 2).item(), 3))
wn = weight_norm(nn.Linear(4, 2), dim=0)
opt = torch.optim.SGD(wn.parameters(), lr=0.1)
for step in range(5):
    loss = wn(X).pow(2).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    print('weight norm', step, f'{loss.item():.5f}', wn.parametrizations.weight.original0.detach().flatten())

# tied through the module tree
shared = nn.Linear(4, 4)
net = nn.Sequential(shared, nn.Tanh(), shared)
print(len(list(net.parameters())), len(net.state_dict()), [n for n, _ in net.named_modules(remove_duplicate=True)])
net(X).sum().backward()
print(shared.bias.grad)
clone = nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 4))
clone.load_state_dict(net.state_dict())
print(torch.equal(clone(X), net(X)), clone[0].weight is clone[2].weight)

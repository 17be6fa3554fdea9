"""Gradient norms through ten layers: sigmoid, tanh, ReLU, batch norm and residual connections, and the initialisation."""
import torch
import torch.nn as nn
import torch.nn.functional as F

DEPTH, WIDTH, BATCH = 10, 50, 64


def make(activation, norm=False, residual=False, init=None):
    class Layer(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(WIDTH, WIDTH)
            self.norm = nn.BatchNorm1d(WIDTH) if norm else nn.Identity()
            if init is not None:
                init(self.linear.weight)
                nn.init.zeros_(self.linear.bias)

        def forward(self, x):
            out = activation(self.norm(self.linear(x)))
            return x + out if residual else out

    layers = [Layer() for _ in range(DEPTH)]
    return nn.Sequential(*layers, nn.Linear(WIDTH, 1))


settings = {
    'sigmoid': dict(activation=torch.sigmoid),
    'sigmoid + xavier': dict(activation=torch.sigmoid, init=nn.init.xavier_normal_),
    'tanh': dict(activation=torch.tanh),
    'tanh + xavier': dict(activation=torch.tanh, init=lambda w: nn.init.xavier_uniform_(w, gain=nn.init.calculate_gain('tanh'))),
    'relu': dict(activation=F.relu),
    'relu + kaiming': dict(activation=F.relu, init=lambda w: nn.init.kaiming_normal_(w, nonlinearity='relu')),
    'relu + norm': dict(activation=F.relu, norm=True),
    'leaky + orthogonal': dict(activation=lambda x: F.leaky_relu(x, 0.2), init=nn.init.orthogonal_),
    'relu + residual': dict(activation=F.relu, residual=True),
    'selu': dict(activation=F.selu, init=lambda w: nn.init.normal_(w, std=WIDTH ** -0.5)),
}

torch.manual_seed(2024)
x = torch.randn(BATCH, WIDTH)
y = torch.sin(x.sum(1, keepdim=True))
for name, kwargs in settings.items():
    torch.manual_seed(0)
    net = make(**kwargs)
    loss = F.mse_loss(net(x), y)
    loss.backward()
    norms = [layer.linear.weight.grad.norm().item() for layer in net[:DEPTH]]
    print(f'{name:20s} loss {loss.item():8.4f}  first/last {norms[0] / norms[-1]:9.2e}')
    print('    ' + ' '.join(f'{n:.2e}' for n in norms))

print('\nupdate to data ratio after a few steps')
torch.manual_seed(1)
net = make(torch.tanh, init=lambda w: nn.init.xavier_uniform_(w, gain=5 / 3))
lr = 0.05
for step in range(10):
    loss = F.mse_loss(net(x), y)
    net.zero_grad()
    loss.backward()
    with torch.no_grad():
        ratios = []
        for p in net.parameters():
            p.data += -lr * p.grad
            if p.ndim == 2:
                ratios.append(((lr * p.grad).std() / p.data.std()).log10().item())
    if step % 3 == 0:
        print(step, f'{loss.item():.4f}', ' '.join('%.2f' % r for r in ratios))

print('\nsaturation of tanh layers')
h = x
for i, layer in enumerate(net[:DEPTH]):
    h = layer(h)
    print('layer %d (%10s): mean %+.2f, std %.2f, saturated: %.2f%%' % (
        i, layer.__class__.__name__, h.mean(), h.std(), (h.abs() > 0.97).float().mean() * 100))
    hist = torch.histc(h.detach(), bins=6, min=-1, max=1)
    print('   ', hist.int().tolist())

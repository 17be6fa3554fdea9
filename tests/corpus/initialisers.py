"""Every initialiser by name, the defaults of every kind of layer, and what order a model draws its numbers in."""
import math

import torch
import torch.nn as nn
import torch.nn.init as init


def show(name, t):
    flat = t.detach().flatten()
    print(f'{name:34s} {flat[0].item():9.5f} {flat[-1].item():9.5f} mean {t.detach().mean().item():8.5f} std {t.detach().std().item():8.5f}')


w = torch.empty(6, 5)
functions = {
    'uniform_': lambda: init.uniform_(w), 'uniform_(-2, 3)': lambda: init.uniform_(w, -2., 3.), 'normal_': lambda: init.normal_(w),
    'normal_(1, 0.02)': lambda: init.normal_(w, mean=1.0, std=0.02), 'trunc_normal_': lambda: init.trunc_normal_(w, std=0.5, a=-0.7, b=0.9),
    'constant_': lambda: init.constant_(w, 0.3), 'ones_': lambda: init.ones_(w), 'zeros_': lambda: init.zeros_(w), 'eye_': lambda: init.eye_(w),
    'xavier_uniform_': lambda: init.xavier_uniform_(w, gain=init.calculate_gain('relu')), 'xavier_normal_': lambda: init.xavier_normal_(w),
    'kaiming_uniform_': lambda: init.kaiming_uniform_(w, a=math.sqrt(5)), 'kaiming_uniform_ fan_out': lambda: init.kaiming_uniform_(w, mode='fan_out', nonlinearity='relu'),
    'kaiming_normal_': lambda: init.kaiming_normal_(w, nonlinearity='leaky_relu', a=0.1), 'orthogonal_': lambda: init.orthogonal_(w, gain=2), 'sparse_': lambda: init.sparse_(w, sparsity=0.4),
    'dirac_': lambda: init.dirac_(torch.empty(3, 2, 3)),
}
for seed in (0, 1):
    for name, fn in functions.items():
        torch.manual_seed(seed)
        show(name, fn())
for name in ('linear', 'sigmoid', 'tanh', 'relu', 'selu', 'conv2d'):
    print(name, init.calculate_gain(name), end='; ')
print(init.calculate_gain('leaky_relu', 0.2))
torch.manual_seed(3)
big = torch.empty(40, 30)
for fn in (init.orthogonal_, init.xavier_normal_, init.kaiming_uniform_):
    show(fn.__name__, fn(big))
q = init.orthogonal_(torch.empty(4, 4))
print((q @ q.T - torch.eye(4)).abs().max().item() < 1e-5, init.orthogonal_(torch.empty(2, 5)))

print('layers')
layers = {
    'Linear': lambda: nn.Linear(20, 30), 'Bilinear': lambda: nn.Bilinear(3, 4, 5), 'Conv1d': lambda: nn.Conv1d(3, 4, 5), 'Conv2d': lambda: nn.Conv2d(3, 8, 3, groups=1), 'Conv2d grouped': lambda: nn.Conv2d(4, 8, 3, groups=2),
    'Conv3d': lambda: nn.Conv3d(2, 3, 2), 'ConvTranspose2d': lambda: nn.ConvTranspose2d(3, 4, 2), 'Embedding': lambda: nn.Embedding(20, 6), 'Embedding padded': lambda: nn.Embedding(20, 6, padding_idx=0),
    'LSTM': lambda: nn.LSTM(4, 5, 2, bidirectional=True), 'GRU': lambda: nn.GRU(4, 5), 'RNN': lambda: nn.RNN(4, 5), 'LSTMCell': lambda: nn.LSTMCell(4, 5), 'GRUCell': lambda: nn.GRUCell(4, 5), 'BatchNorm2d': lambda: nn.BatchNorm2d(5),
    'LayerNorm': lambda: nn.LayerNorm(5), 'PReLU': lambda: nn.PReLU(3), 'MultiheadAttention': lambda: nn.MultiheadAttention(8, 2), 'TransformerEncoderLayer': lambda: nn.TransformerEncoderLayer(8, 2, 16),
    'Transformer': lambda: nn.Transformer(8, 2, 1, 1, 16), 'LazyLinear': lambda: nn.LazyLinear(4),
}
for name, make in layers.items():
    torch.manual_seed(42)
    layer = make()
    if name == 'LazyLinear':
        print(layer)
        layer(torch.ones(2, 7))
    print(name, [(k, tuple(p.shape), round(p.sum().item(), 4), round(p.flatten()[0].item(), 6)) for k, p in list(layer.named_parameters())[:6]])
    print('   next draw', round(torch.rand(1).item(), 7))

torch.manual_seed(7)
model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 1))
print(model(torch.ones(1, 4)))


def init_weights(m):
    if type(m) == nn.Linear:
        torch.nn.init.xavier_uniform_(m.weight)
        m.bias.data.fill_(0.01)


model.apply(init_weights)
print(model(torch.ones(1, 4)), model[0].weight[0])
for m in model.modules():
    if hasattr(m, 'reset_parameters'):
        m.reset_parameters()
print(model[2].bias)

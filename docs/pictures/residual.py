import torch
from torch import nn


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 4))

    def forward(self, x):
        return x + self.body(x)  # two ways back to x


torch.manual_seed(0)
model = nn.Sequential(nn.Linear(3, 4), Residual(), nn.Linear(4, 1))
x, y = torch.randn(16, 3), torch.randn(16, 1)
loss = (model(x) - y).square().mean()
loss.backward()

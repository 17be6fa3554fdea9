"""Handwritten digits in fifteen lines, as one would write them for PyTorch: about 97.5 % in half a minute."""

import glassgrad as gg
from glassgrad import nn, optim
from glassgrad.data import MNIST, DataLoader, TensorDataset

gg.manual_seed(0)
train, test = MNIST(train=True, download=True), MNIST(train=False, download=True)
loader = DataLoader(TensorDataset(train.data.flatten(1) / 255, train.targets), batch_size=64, shuffle=True)
model = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
optimizer = optim.SGD(model.parameters(), lr=0.5)
for epoch in range(5):
    for x, y in loader:
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()
    right = model(test.data.flatten(1) / 255).argmax(1) == test.targets
    print(f"epoch {epoch + 1}: {right.float().mean():.2%} of the test digits")

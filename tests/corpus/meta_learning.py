"""Learning to learn sines: MAML with fast weights by hand, with functional_call and vmap, and Reptile."""
import copy
from collections import OrderedDict

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.func import functional_call, grad, vmap

rng = np.random.RandomState(0)
torch.manual_seed(0)


class SineTask:
    def __init__(self):
        self.amplitude = rng.uniform(0.1, 5.0)
        self.phase = rng.uniform(0, np.pi)

    def sample(self, k):
        x = rng.uniform(-5, 5, size=(k, 1))
        y = self.amplitude * np.sin(x - self.phase)
        return torch.Tensor(x), torch.Tensor(y)


class MAMLModel(nn.Module):
    def __init__(self):
        super(MAMLModel, self).__init__()
        self.model = nn.Sequential(OrderedDict([
            ('l1', nn.Linear(1, 24)),
            ('relu1', nn.ReLU()),
            ('l2', nn.Linear(24, 24)),
            ('relu2', nn.ReLU()),
            ('l3', nn.Linear(24, 1))
        ]))

    def forward(self, x):
        return self.model(x)

    def parameterised(self, x, weights):
        x = F.linear(x, weights[0], weights[1])
        x = F.relu(x)
        x = F.linear(x, weights[2], weights[3])
        x = F.relu(x)
        return F.linear(x, weights[4], weights[5])


class MAML:
    def __init__(self, model, inner_lr, meta_lr, K=10, inner_steps=1, tasks_per_meta_batch=5):
        self.model = model
        self.weights = list(model.parameters())
        self.meta_optimiser = torch.optim.Adam(self.weights, meta_lr)
        self.inner_lr, self.K, self.inner_steps, self.tasks = inner_lr, K, inner_steps, tasks_per_meta_batch
        self.criterion = nn.MSELoss()

    def inner_loop(self, task):
        temp_weights = [w.clone() for w in self.weights]
        X, y = task.sample(self.K)
        for step in range(self.inner_steps):
            loss = self.criterion(self.model.parameterised(X, temp_weights), y) / self.K
            grads = torch.autograd.grad(loss, temp_weights, create_graph=True)
            temp_weights = [w - self.inner_lr * g for w, g in zip(temp_weights, grads)]
        X, y = task.sample(self.K)
        return self.criterion(self.model.parameterised(X, temp_weights), y) / self.K

    def main_loop(self, num_iterations):
        epoch_loss = 0
        for iteration in range(1, num_iterations + 1):
            meta_loss = 0
            for i in range(self.tasks):
                meta_loss += self.inner_loop(SineTask())
            meta_grads = torch.autograd.grad(meta_loss, self.weights)
            for w, g in zip(self.weights, meta_grads):
                w.grad = g
            self.meta_optimiser.step()
            epoch_loss += meta_loss.item() / self.tasks
            if iteration % 5 == 0:
                print("{}/{}. loss: {:.5f}".format(iteration, num_iterations, epoch_loss / 5))
                epoch_loss = 0


net = MAMLModel()
print(net)
maml = MAML(net, inner_lr=0.01, meta_lr=0.002, inner_steps=2)
maml.main_loop(num_iterations=20)

# adaptation to a new task
task = SineTask()
X, y = task.sample(10)
adapted = copy.deepcopy(net)
opt = torch.optim.SGD(adapted.parameters(), 0.01)
for step in range(5):
    loss = F.mse_loss(adapted(X), y)
    opt.zero_grad()
    loss.backward()
    opt.step()
    print('adapt', step, round(loss.item(), 4))
print('unchanged:', all(torch.equal(a, b) for a, b in zip(net.parameters(), maml.weights)))

# the same meta gradient with functions of functions
params = dict(net.named_parameters())


def task_loss(p, x, y):
    return F.mse_loss(functional_call(net, p, (x,)), y)


def meta_loss(p, x1, y1, x2, y2):
    g = grad(task_loss)(p, x1, y1)
    fast = {name: p[name] - 0.01 * g[name] for name in p}
    return task_loss(fast, x2, y2)


batches = [SineTask().sample(8) + SineTask().sample(8) for _ in range(6)]
x1, y1, x2, y2 = (torch.stack(part) for part in zip(*batches))
losses = vmap(meta_loss, in_dims=(None, 0, 0, 0, 0))(params, x1, y1, x2, y2)
print(losses.shape, losses.detach())
g = grad(lambda p: vmap(meta_loss, in_dims=(None, 0, 0, 0, 0))(p, x1, y1, x2, y2).mean())(params)
print({k: round(v.norm().item(), 4) for k, v in g.items()})

# Reptile
meta = MAMLModel()
for iteration in range(10):
    before = {k: v.clone() for k, v in meta.state_dict().items()}
    inner = torch.optim.SGD(meta.parameters(), lr=0.02, momentum=0.9, nesterov=True)
    X, y = SineTask().sample(10)
    for _ in range(4):
        inner.zero_grad()
        (meta(X) - y).pow(2).mean().backward()
        inner.step()
    after = meta.state_dict()
    meta.load_state_dict({name: before[name] + (after[name] - before[name]) * 0.5 for name in before})
print('reptile', f"{sum(p.abs().sum() for p in meta.parameters()).item():.4f}", meta.model.l3.bias.data)

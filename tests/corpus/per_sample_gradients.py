"""torch.func: per-sample gradients with vmap and grad, Jacobians, Hessians, model ensembling, a MAML step."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.func import functional_call, grad, hessian, jacfwd, jacrev, jvp, stack_module_state, vjp, vmap

torch.manual_seed(0)


class SimpleCNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 4, 3, 1)
        self.conv2 = nn.Conv2d(4, 6, 3, 1)
        self.fc1 = nn.Linear(6 * 2 * 2, 12)
        self.fc2 = nn.Linear(12, 10)

    def forward(self, x):
        x = F.relu(self.conv1(x))
        x = F.relu(self.conv2(x))
        x = F.max_pool2d(x, 2)
        x = torch.flatten(x, 1)
        return F.log_softmax(self.fc2(F.relu(self.fc1(x))), dim=1)


def loss_fn(predictions, targets):
    return F.nll_loss(predictions, targets)


batch_size = 6
data = torch.randn(batch_size, 1, 8, 8)
targets = torch.randint(10, (batch_size,))
model = SimpleCNN()


def compute_grad(sample, target):
    prediction = model(sample.unsqueeze(0))
    return torch.autograd.grad(loss_fn(prediction, target.unsqueeze(0)), list(model.parameters()))


per_sample_grads = [torch.stack(shards) for shards in zip(*[compute_grad(data[i], targets[i]) for i in range(batch_size)])]
print([tuple(g.shape) for g in per_sample_grads][:4])

params = {k: v.detach() for k, v in model.named_parameters()}
buffers = {k: v.detach() for k, v in model.named_buffers()}


def compute_loss(params, buffers, sample, target):
    predictions = functional_call(model, (params, buffers), (sample.unsqueeze(0),))
    return loss_fn(predictions, target.unsqueeze(0))


ft_per_sample_grads = vmap(grad(compute_loss), in_dims=(None, None, 0, 0))(params, buffers, data, targets)
for per_sample_grad, (name, ft) in zip(per_sample_grads, ft_per_sample_grads.items()):
    print(name, torch.allclose(per_sample_grad, ft, atol=1e-6, rtol=1e-5), f'{ft.flatten(1).norm(dim=1).mean():.5f}')

# Jacobians
D = 5
weight, bias, x = torch.randn(D, D), torch.randn(D), torch.randn(D)


def predict(weight, bias, x):
    return F.linear(x, weight, bias).tanh()


J = jacrev(predict, argnums=2)(weight, bias, x)
print(J.shape, torch.allclose(J, jacfwd(predict, argnums=2)(weight, bias, x), atol=1e-6), f'{torch.trace(J):.5f}')
_, vjp_fn = vjp(lambda x: predict(weight, bias, x), x)
basis = torch.eye(D)
print(torch.allclose(vmap(vjp_fn)(basis)[0], J, atol=1e-6))
H = hessian(lambda x: predict(weight, bias, x).pow(2).sum())(x)
print('hessian', H.shape, torch.allclose(H, H.T, atol=1e-5), torch.linalg.eigvalsh(H))
out, tangent = jvp(lambda x: predict(weight, bias, x), (x,), (torch.ones(D),))
print(tangent)
print(torch.autograd.functional.jacobian(lambda x: x ** 3, torch.tensor([1., 2.])))
batched = vmap(jacrev(predict, argnums=2), in_dims=(None, None, 0))(weight, bias, torch.randn(3, D))
print(batched.shape, f'{batched.mean():.5f}')

# Ensembles
models = [nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 2)) for _ in range(3)]
stacked, buffers = stack_module_state(models)
base = models[0]


def fmodel(params, buffers, x):
    return functional_call(base, (params, buffers), (x,))


minibatch = torch.randn(7, 4)
predictions = vmap(fmodel, in_dims=(0, 0, None))(stacked, buffers, minibatch)
print(predictions.shape, torch.allclose(predictions, torch.stack([m(minibatch) for m in models]), atol=1e-6))
print(predictions.mean((1, 2)))
print(vmap(torch.dot)(torch.arange(6.).view(3, 2), torch.ones(3, 2)), vmap(lambda a, b: a + b, in_dims=(0, 1), out_dims=1)(
    torch.zeros(2, 3), torch.arange(6.).view(3, 2)))

# one MAML step on sine waves
torch.manual_seed(1)
net = nn.Sequential(nn.Linear(1, 20), nn.Tanh(), nn.Linear(20, 1))
params = dict(net.named_parameters())
outer = torch.optim.SGD(net.parameters(), lr=0.01)


def task_loss(params, x, y):
    return F.mse_loss(functional_call(net, params, (x,)), y)


def maml(params, x1, y1, x2, y2, alpha=0.1):
    grads = grad(task_loss)(params, x1, y1)
    adapted = {k: params[k] - alpha * grads[k] for k in params}
    return task_loss(adapted, x2, y2)


for it in range(4):
    amplitude, phase = torch.rand(8, 1, 1) * 4 + 1, torch.rand(8, 1, 1) * 3.14
    x = torch.rand(8, 20, 1) * 10 - 5
    y = amplitude * torch.sin(x + phase)
    losses = vmap(maml, in_dims=(None, 0, 0, 0, 0))(params, x[:, :10], y[:, :10], x[:, 10:], y[:, 10:])
    outer.zero_grad()
    losses.mean().backward()
    outer.step()
    print(it, f'{losses.mean().item():.5f}')

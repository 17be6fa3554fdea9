"""Hooks: activations and gradients recorded by forward, backward and tensor hooks, and changed on the way."""
from collections import OrderedDict, defaultdict
from functools import partial

import torch
import torch.nn as nn

torch.manual_seed(10)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, 3)
        self.pool = nn.MaxPool2d(2, 2)
        self.conv2 = nn.Conv2d(6, 8, 3)
        self.head = nn.Sequential(OrderedDict([
            ('fc1', nn.Linear(8 * 2 * 2, 12)),
            ('tanh', nn.Tanh()),
            ('fc2', nn.Linear(12, 4)),
        ]))

    def forward(self, x):
        x = self.pool(self.conv1(x).relu())
        x = self.pool(self.conv2(x).relu())
        return self.head(x.flatten(1))


net = Net()
x = torch.randn(5, 3, 14, 14)
y = torch.randint(0, 4, (5,))

activation = {}


def get_activation(name):
    def hook(model, input, output):
        activation[name] = output.detach()
    return hook


handles = [net.conv1.register_forward_hook(get_activation('conv1')),
           net.head.fc1.register_forward_hook(get_activation('fc1'))]
out = net(x)
for k, v in activation.items():
    print(k, v.shape, f'mean {v.mean():.4f} std {v.std():.4f} min {v.min():.4f} max {v.max():.4f}')
for h in handles:
    h.remove()
activation.clear()
net(x)
print('after remove', activation)

# statistics of the whole network, a list per module
stats = defaultdict(list)


def append_stats(name, mod, inp, outp):
    stats[name].append((outp.mean().item(), outp.std().item(), (outp.abs() < 0.1).float().mean().item()))


def show_grad(module, grad_input, grad_output):
    gi = [None if g is None else tuple(g.shape) for g in grad_input]
    print(f'{module.__class__.__name__:>6} grad_input {gi} grad_output norm {grad_output[0].norm():.5f}')


removable = []
for name, module in net.named_modules():
    if not list(module.children()):
        removable.append(module.register_forward_hook(partial(append_stats, name)))
        removable.append(module.register_full_backward_hook(show_grad))
loss = nn.functional.cross_entropy(net(x), y)
loss.backward()
for name, s in stats.items():
    print(name, ' '.join(f'({m:.4f} {sd:.4f} {z:.3f})' for m, sd, z in s))
[h.remove() for h in removable]

# hooks that change things
pre = net.head.register_forward_pre_hook(lambda module, args: (args[0] * 0.5,))
post = net.head.fc2.register_forward_hook(lambda module, args, output: output + 1)
print('changed', (net(x) - out).abs().max().item() > 0.1, net(x)[0])
pre.remove()
post.remove()
print('restored', torch.equal(net(x), out))

# tensor hooks
w = torch.tensor([1., 2., 3.], requires_grad=True)
h = w.register_hook(lambda grad: grad * 2)
double = w * 2
double.register_hook(lambda grad: print('gradient of double', grad))
double.retain_grad()
double.sum().backward()
print(w.grad, double.grad)
h.remove()
w.grad = None
(w ** 2).sum().backward()
print(w.grad)

# gradient clipping by hooks on parameters
clipped = [p.register_hook(lambda g: torch.clamp(g, -1e-2, 1e-2)) for p in net.parameters()]
net.zero_grad()
nn.functional.cross_entropy(net(x), y).backward()
print('largest gradient', max(p.grad.abs().max().item() for p in net.parameters()))

# after accumulation: an optimizer step inside backward
layer = nn.Linear(2, 1)
opts = {p: torch.optim.SGD([p], lr=0.1) for p in layer.parameters()}


def step(p):
    opts[p].step()
    opts[p].zero_grad()


for p in layer.parameters():
    p.register_post_accumulate_grad_hook(step)
before = layer.weight.clone()
layer(torch.ones(3, 2)).sum().backward()
print(layer.weight - before, layer.weight.grad)


# a feature extractor, and class activation by gradients
class FeatureExtractor:
    def __init__(self, model, layers):
        self.features = {}
        modules = dict([*model.named_modules()])
        for layer_id in layers:
            modules[layer_id].register_forward_hook(self.save(layer_id))
        self.model = model

    def save(self, layer_id):
        def fn(_, __, output):
            self.features[layer_id] = output
        return fn

    def __call__(self, x):
        self.model(x)
        return self.features


features = FeatureExtractor(net, ['conv2', 'head.tanh'])(x)
print({name: tuple(f.shape) for name, f in features.items()})
score = net(x)[0].max()
grads, = torch.autograd.grad(score, features['conv2'], allow_unused=True)
print('unused' if grads is None else grads.shape)
feats = FeatureExtractor(net, ['conv2'])
score = feats.model(x)[0].max()
cam_grads = torch.autograd.grad(score, feats.features['conv2'])[0][0]
weights = cam_grads.mean(dim=(1, 2))
cam = torch.relu((weights[:, None, None] * feats.features['conv2'][0].detach()).sum(0))
print('cam', cam.shape, cam / cam.max())
for name, p in net.named_parameters():
    print(f'{name:15} {str(tuple(p.shape)):15} grad norm {p.grad.norm().item():.6f}')

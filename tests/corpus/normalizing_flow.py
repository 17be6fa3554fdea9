"""RealNVP on two moons: affine coupling with alternating masks, exact likelihood, sampling by the inverse."""
import torch
import torch.nn as nn
from sklearn import datasets
from torch import distributions
from torch.nn.parameter import Parameter


class RealNVP(nn.Module):
    def __init__(self, nets, nett, mask, prior):
        super(RealNVP, self).__init__()
        self.prior = prior
        self.mask = nn.Parameter(mask, requires_grad=False)
        self.t = torch.nn.ModuleList([nett() for _ in range(len(mask))])
        self.s = torch.nn.ModuleList([nets() for _ in range(len(mask))])

    def g(self, z):
        x = z
        for i in range(len(self.t)):
            x_ = x * self.mask[i]
            s = self.s[i](x_) * (1 - self.mask[i])
            t = self.t[i](x_) * (1 - self.mask[i])
            x = x_ + (1 - self.mask[i]) * (x * torch.exp(s) + t)
        return x

    def f(self, x):
        log_det_J, z = x.new_zeros(x.shape[0]), x
        for i in reversed(range(len(self.t))):
            z_ = self.mask[i] * z
            s = self.s[i](z_) * (1 - self.mask[i])
            t = self.t[i](z_) * (1 - self.mask[i])
            z = (1 - self.mask[i]) * (z - t) * torch.exp(-s) + z_
            log_det_J -= s.sum(dim=1)
        return z, log_det_J

    def log_prob(self, x):
        z, logp = self.f(x)
        return self.prior.log_prob(z) + logp

    def sample(self, batchSize):
        z = self.prior.sample((batchSize, 1))
        x = self.g(z)
        return x


torch.manual_seed(0)
nets = lambda: nn.Sequential(nn.Linear(2, 24), nn.LeakyReLU(), nn.Linear(24, 24), nn.LeakyReLU(), nn.Linear(24, 2), nn.Tanh())
nett = lambda: nn.Sequential(nn.Linear(2, 24), nn.LeakyReLU(), nn.Linear(24, 24), nn.LeakyReLU(), nn.Linear(24, 2))
masks = torch.tensor([[0, 1], [1, 0]] * 3, dtype=torch.float32)
prior = distributions.MultivariateNormal(torch.zeros(2), torch.eye(2))
flow = RealNVP(nets, nett, masks, prior)
print(sum(p.numel() for p in flow.parameters() if p.requires_grad), [n for n, p in flow.named_parameters() if not p.requires_grad])
optimizer = torch.optim.Adam([p for p in flow.parameters() if p.requires_grad == True], lr=2e-3)
for t in range(61):
    noisy_moons = datasets.make_moons(n_samples=100, noise=.05, random_state=t)[0].astype('float32')
    loss = -flow.log_prob(torch.from_numpy(noisy_moons)).mean()
    optimizer.zero_grad()
    loss.backward(retain_graph=True)
    optimizer.step()
    if t % 15 == 0:
        print('iter %s:' % t, 'loss = %.3f' % loss)
with torch.no_grad():
    x = torch.from_numpy(datasets.make_moons(n_samples=5, noise=.05, random_state=100)[0]).float()
    z, logdet = flow.f(x)
    print(z, logdet)
    print('inverse', (flow.g(z) - x).abs().max() < 1e-4)
    samples = flow.sample(6).squeeze(1)
    print(samples.shape, samples)
jac = torch.autograd.functional.jacobian(lambda v: flow.f(v[None])[0][0], x[0])
print(jac, torch.slogdet(jac).logabsdet - logdet[0] < 1e-4)


class Planar(nn.Module):
    def __init__(self, dim=2):
        super().__init__()
        self.weight = Parameter(torch.Tensor(1, dim))
        self.bias = Parameter(torch.Tensor(1))
        self.scale = Parameter(torch.Tensor(1, dim))
        for p in self.parameters():
            p.data.uniform_(-0.01, 0.01)

    def forward(self, z):
        activation = z @ self.weight.t() + self.bias
        psi = (1 - torch.tanh(activation) ** 2) * self.weight
        return z + self.scale * torch.tanh(activation), torch.log((1 + psi @ self.scale.t()).abs() + 1e-4).squeeze()


layers = nn.ModuleList(Planar() for _ in range(4))
base = distributions.Normal(torch.zeros(2), torch.ones(2))
target = distributions.MixtureSameFamily(
    distributions.Categorical(torch.ones(2)),
    distributions.Independent(distributions.Normal(torch.tensor([[-1.5, 0.], [1.5, 0.]]), 0.6), 1))
opt = torch.optim.RMSprop(layers.parameters(), lr=1e-2)
for step in range(40):
    z = base.sample(torch.Size([128]))
    log_q = base.log_prob(z).sum(-1)
    for layer in layers:
        z, log_det = layer(z)
        log_q = log_q - log_det
    kl = (log_q - target.log_prob(z)).mean()
    opt.zero_grad(set_to_none=True)
    kl.backward()
    opt.step()
    if step % 10 == 9:
        print(f'planar {step}: KL {kl.item():.4f} std {z[:, 0].std().item():.4f}')
flow2 = distributions.TransformedDistribution(base, [distributions.transforms.AffineTransform(1.0, 2.0),
                                                     distributions.transforms.SigmoidTransform()])
print(flow2.sample((2,)), flow2.log_prob(torch.tensor([0.3, 0.6])))

"""Bayes by backprop: Gaussian weights, a mixture prior, kl_divergence, ELBO; MC dropout beside it."""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import distributions as dist
from torch.distributions import Bernoulli, Independent, MultivariateNormal, Normal, kl_divergence

torch.manual_seed(0)
x = torch.linspace(-2, 2, 40).unsqueeze(1)
y = x.pow(3) * 0.3 - x + 0.1 * torch.randn(40, 1)


class ScaleMixturePrior:
    def __init__(self, pi, sigma1, sigma2):
        self.pi = pi
        self.gaussian1 = Normal(0, sigma1)
        self.gaussian2 = Normal(0, sigma2)

    def log_prob(self, input):
        prob1 = torch.exp(self.gaussian1.log_prob(input))
        prob2 = torch.exp(self.gaussian2.log_prob(input))
        return (torch.log(self.pi * prob1 + (1 - self.pi) * prob2)).sum()


class BayesianLinear(nn.Module):
    def __init__(self, in_features, out_features, mixture=False):
        super().__init__()
        self.weight_mu = nn.Parameter(torch.Tensor(out_features, in_features).uniform_(-0.2, 0.2))
        self.weight_rho = nn.Parameter(torch.Tensor(out_features, in_features).uniform_(-5, -4))
        self.bias_mu = nn.Parameter(torch.zeros(out_features))
        self.bias_rho = nn.Parameter(torch.full((out_features,), -4.5))
        self.prior = ScaleMixturePrior(0.5, math.exp(-0), math.exp(-2)) if mixture else None
        self.kl = 0

    def forward(self, input, sample=True):
        weight = Normal(self.weight_mu, torch.log1p(torch.exp(self.weight_rho)))
        bias = Normal(self.bias_mu, F.softplus(self.bias_rho))
        if not (self.training or sample):
            return F.linear(input, weight.mean, bias.mean)
        w, b = weight.rsample(), bias.rsample()
        if self.prior is None:
            unit = Normal(torch.zeros_like(w), torch.ones_like(w))
            self.kl = kl_divergence(weight, unit).sum() + kl_divergence(bias, Normal(0., 1.)).sum()
        else:
            self.kl = (weight.log_prob(w).sum() + bias.log_prob(b).sum()
                       - self.prior.log_prob(w) - self.prior.log_prob(b))
        return F.linear(input, w, b)


class Net(nn.Module):
    def __init__(self, mixture):
        super().__init__()
        self.l1 = BayesianLinear(1, 16, mixture)
        self.l2 = BayesianLinear(16, 1, mixture)

    def forward(self, x, sample=True):
        return self.l2(torch.tanh(self.l1(x, sample)), sample)

    def elbo(self, x, y, samples=2, batches=10):
        outputs = torch.zeros(samples, *y.shape)
        kls = torch.zeros(samples)
        for i in range(samples):
            outputs[i] = self(x)
            kls[i] = self.l1.kl + self.l2.kl
        nll = -Normal(outputs.mean(0), 0.1).log_prob(y).sum()
        return kls.mean() / batches + nll


for mixture in (False, True):
    net = Net(mixture)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.02)
    for step in range(60):
        net.zero_grad()
        loss = net.elbo(x, y)
        loss.backward()
        optimizer.step()
        if step % 15 == 14:
            print(f'mixture {mixture} step {step} elbo {loss.item():.3f} kl {(net.l1.kl + net.l2.kl).item():.3f}')
    net.eval()
    with torch.no_grad():
        draws = torch.stack([net(torch.tensor([[-3.0], [0.0], [3.0]])) for _ in range(20)])
        print('mean', draws.mean(0).squeeze(), 'std', draws.std(0).flatten())
        print('mode', net(torch.zeros(1, 1), sample=False))
    print('sigma', F.softplus(net.l2.weight_rho).mean().item() > 0, net.l1.weight_rho.data[:2].T)

# distributions by themselves
p, q = Normal(torch.tensor([0., 1.]), torch.tensor([1., 2.])), Normal(torch.tensor([0.5]), torch.tensor([1.5]))
print(p, kl_divergence(p, q), p.cdf(torch.tensor(0.3)), p.icdf(torch.tensor(0.9)), p.variance, p.batch_shape)
diag = Independent(p, 1)
print(diag.log_prob(torch.zeros(2)), diag.event_shape, diag.entropy(), diag.sample((2,)))
mvn = MultivariateNormal(torch.zeros(2), covariance_matrix=torch.tensor([[2., 0.5], [0.5, 1.]]))
print(mvn.sample((2,)), mvn.log_prob(torch.ones(2)), mvn.scale_tril)
print(kl_divergence(mvn, MultivariateNormal(torch.ones(2), torch.eye(2))))
b = Bernoulli(logits=torch.tensor([0.3, -1.0]))
print(b.probs, b.sample(), b.log_prob(torch.tensor([1., 0.])), b.entropy())
print(dist.Beta(2.0, 3.0).mean, dist.Uniform(0., 2.).sample((3,)), dist.Exponential(torch.tensor([1.5])).sample())
print(dist.Laplace(0., 1.).log_prob(torch.tensor(0.7)), dist.Poisson(torch.tensor([3., 9.])).sample())
print(dist.Gamma(torch.tensor([2.0]), torch.tensor([3.0])).rsample(), dist.Dirichlet(torch.ones(3)).sample())

# Monte Carlo dropout
mc = nn.Sequential(nn.Linear(1, 32), nn.ReLU(), nn.Dropout(0.2), nn.Linear(32, 1))
opt = torch.optim.Adam(mc.parameters(), lr=0.01, weight_decay=1e-4)
for step in range(60):
    opt.zero_grad()
    F.gaussian_nll_loss(mc(x), y, torch.full_like(y, 0.05)).backward()
    opt.step()
mc.eval()
mc.apply(lambda m: m.train() if isinstance(m, nn.Dropout) else None)
with torch.inference_mode():
    draws = torch.stack([mc(torch.tensor([[0.5], [4.0]])) for _ in range(10)])
print(draws.mean(dim=0).ravel(), draws.var(dim=0, unbiased=False).ravel())

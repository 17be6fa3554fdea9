"""A mixture density network: log-sum-exp by hand, MixtureSameFamily, sampling by Categorical and gather."""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.distributions import Categorical, MixtureSameFamily, Normal

torch.manual_seed(21)
np.random.seed(21)
n_samples = 300
epsilon = torch.from_numpy(np.random.normal(size=(n_samples, 1))).float()
x_data = torch.from_numpy(np.random.uniform(-10, 10, (n_samples, 1)).astype(np.float32))
y_data = 7 * torch.sin(0.75 * x_data) + 0.5 * x_data + epsilon
x_data, y_data = y_data.view(-1, 1), x_data
print(x_data.shape, x_data.mean(), y_data.std())


class MDN(nn.Module):
    def __init__(self, n_hidden, n_gaussians):
        super(MDN, self).__init__()
        self.z_h = nn.Sequential(nn.Linear(1, n_hidden), nn.Tanh())
        self.z_pi = nn.Linear(n_hidden, n_gaussians)
        self.z_mu = nn.Linear(n_hidden, n_gaussians)
        self.z_sigma = nn.Linear(n_hidden, n_gaussians)

    def forward(self, x):
        z_h = self.z_h(x)
        pi = nn.functional.softmax(self.z_pi(z_h), -1)
        mu = self.z_mu(z_h)
        sigma = torch.exp(self.z_sigma(z_h))
        return pi, mu, sigma


oneDivSqrtTwoPI = 1.0 / np.sqrt(2.0 * np.pi)


def gaussian_distribution(y, mu, sigma):
    result = (y.expand_as(mu) - mu) * torch.reciprocal(sigma)
    result = -0.5 * (result * result)
    return (torch.exp(result) * torch.reciprocal(sigma)) * oneDivSqrtTwoPI


def mdn_loss_fn(pi, mu, sigma, y):
    result = gaussian_distribution(y, mu, sigma) * pi
    result = torch.sum(result, dim=1)
    result = -torch.log(result)
    return torch.mean(result)


network = MDN(n_hidden=20, n_gaussians=5)
optimizer = torch.optim.Adam(network.parameters(), lr=0.02)
for epoch in range(120):
    pi_variable, mu_variable, sigma_variable = network(x_data)
    loss = mdn_loss_fn(pi_variable, mu_variable, sigma_variable, y_data)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if epoch % 30 == 0:
        print(epoch, round(loss.data.tolist(), 4))

x_test_data = torch.linspace(-15, 15, 8).view(8, 1)
pi_variable, mu_variable, sigma_variable = network(x_test_data)
pi_data, mu_data, sigma_data = pi_variable.data.numpy(), mu_variable.data.numpy(), sigma_variable.data.numpy()
print(pi_data.round(3)[:2], mu_data.shape, np.allclose(pi_data.sum(1), 1))


def gumbel_sample(x, axis=1):
    z = np.random.gumbel(loc=0, scale=1, size=x.shape)
    return (np.log(x) + z).argmax(axis=axis)


k = gumbel_sample(pi_data)
print(k, (np.random.randn(8) * sigma_data[np.arange(8), k] + mu_data[np.arange(8), k]).round(3))
component = Categorical(pi_variable).sample()
chosen = mu_variable.gather(1, component.unsqueeze(1)).squeeze(1)
spread = torch.gather(sigma_variable, dim=1, index=component[:, None])[:, 0]
print(component, torch.normal(chosen, spread).data)
mixture = MixtureSameFamily(Categorical(probs=pi_variable), Normal(mu_variable, sigma_variable))
print(mixture.mean, mixture.stddev.detach(), mixture.sample().shape, mixture.log_prob(torch.zeros(8)))
log_prob = torch.logsumexp(Normal(mu_variable, sigma_variable).log_prob(torch.zeros(8, 1)) + pi_variable.log(), dim=1)
print(torch.allclose(log_prob, mixture.log_prob(torch.zeros(8)), atol=1e-5))
opt = torch.optim.SGD(network.parameters(), lr=1e-2, momentum=0.9)
for step in range(10):
    pi, mu, sigma = network(x_data)
    loss = -MixtureSameFamily(Categorical(probs=pi), Normal(mu, sigma)).log_prob(y_data.squeeze(-1)).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
print(f'{loss.item():.4f}')
one_hot = F.gumbel_softmax(torch.log(pi_variable.detach()), tau=0.5, hard=True)
print(one_hot.argmax(1), F.gumbel_softmax(torch.zeros(2, 3), tau=1.0))

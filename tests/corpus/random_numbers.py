"""Random numbers: every generator function at several seeds, states, forks, dropout masks, and Python's beside them."""
import random

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

draws = {
    'rand': lambda: torch.rand(3), 'rand 20': lambda: torch.rand(20)[-2:], 'rand double': lambda: torch.rand(2, dtype=torch.float64), 'rand half': lambda: torch.rand(4).half(),
    'randn': lambda: torch.randn(3), 'randn 15': lambda: torch.randn(15)[-2:], 'randn 16': lambda: torch.randn(16)[-2:], 'randn 19': lambda: torch.randn(19)[-4:], 'randn 100': lambda: torch.randn(10, 10)[9, 7:], 'randn double': lambda: torch.randn(17, dtype=torch.double)[-2:],
    'randint': lambda: torch.randint(10, (4,)), 'randint low': lambda: torch.randint(-5, 5, (2, 2)), 'randint large': lambda: torch.randint(0, 2**40, (2,)), 'randperm': lambda: torch.randperm(8), 'randperm 1': lambda: torch.randperm(1),
    'normal': lambda: torch.normal(2.0, 3.0, (3,)), 'normal tensors': lambda: torch.normal(torch.arange(3.), torch.tensor([1., .1, .01])), 'normal mean': lambda: torch.normal(torch.zeros(2), 2.0), 'normal std': lambda: torch.normal(mean=1.0, std=torch.ones(2)),
    'bernoulli': lambda: torch.bernoulli(torch.tensor([.1, .5, .9, .5])), 'bernoulli p': lambda: torch.zeros(5).bernoulli_(0.3), 'multinomial': lambda: torch.multinomial(torch.tensor([1., 2., 3., 4.]), 3), 'multinomial repl': lambda: torch.multinomial(torch.tensor([[.1, .9], [.5, .5]]), 5, replacement=True),
    'multinomial 1': lambda: torch.multinomial(torch.tensor([.2, .3, .5]), num_samples=1), 'poisson': lambda: torch.poisson(torch.tensor([.5, 3., 20.])), 'exponential_': lambda: torch.empty(3).exponential_(2.0), 'uniform_': lambda: torch.empty(3).uniform_(-1, 1), 'normal_': lambda: torch.empty(17).normal_(1, 2)[-2:],
    'random_': lambda: torch.empty(3, dtype=torch.int64).random_(), 'random_ 10': lambda: torch.empty(3).random_(10), 'random_ range': lambda: torch.zeros(3, dtype=torch.int32).random_(3, 7), 'geometric_': lambda: torch.empty(3).geometric_(0.3), 'cauchy_': lambda: torch.empty(2).cauchy_(), 'log_normal_': lambda: torch.empty(2).log_normal_(0, .5),
    'rand_like': lambda: torch.rand_like(torch.zeros(2)), 'randn_like': lambda: torch.randn_like(torch.zeros(2, 2)), 'randint_like': lambda: torch.randint_like(torch.zeros(3), 1, 100), 'complex': lambda: torch.randn(2, dtype=torch.complex64),
    'dropout': lambda: F.dropout(torch.ones(10), 0.4), 'dropout2d': lambda: F.dropout2d(torch.ones(1, 4, 2, 2))[0, :, 0, 0], 'alpha_dropout': lambda: F.alpha_dropout(torch.ones(4), 0.5, True), 'feature': lambda: nn.Dropout1d(0.5)(torch.ones(1, 4, 2))[0, :, 0], 'rrelu': lambda: F.rrelu(-torch.ones(4), training=True),
    'gumbel_softmax': lambda: F.gumbel_softmax(torch.zeros(3)), 'gumbel hard': lambda: F.gumbel_softmax(torch.zeros(4), hard=True), 'trunc_normal_': lambda: nn.init.trunc_normal_(torch.empty(3)), 'bool': lambda: torch.rand(6) < 0.5, 'shuffle': lambda: torch.arange(5)[torch.randperm(5)],
    'categorical': lambda: torch.distributions.Categorical(torch.tensor([.2, .3, .5])).sample((4,)), 'Normal': lambda: torch.distributions.Normal(0., 1.).sample((2,)),
}
for seed in (0, 42, 123456789):
    print('seed', seed)
    for name, draw in draws.items():
        torch.manual_seed(seed)
        first = draw()
        print(f'  {name:18s} {first} next {torch.rand(1).item():.6f}')

print('in sequence')
torch.manual_seed(5)
for name, draw in draws.items():
    draw()
print(torch.rand(2), torch.randn(2), torch.initial_seed())

print('generators and states')
g = torch.Generator()
print(g.initial_seed(), g.manual_seed(3) is g, torch.rand(2, generator=g), torch.randint(5, (3,), generator=g), torch.randperm(4, generator=g), torch.randn(2, generator=g))
state = torch.get_rng_state()
a = torch.rand(2)
torch.set_rng_state(state)
print(torch.equal(a, torch.rand(2)), state.dtype, state.shape)
with torch.random.fork_rng():
    torch.manual_seed(1)
    inside = torch.rand(1)
print(inside, torch.rand(1), torch.empty(2).normal_(generator=g))
h = torch.Generator()
h.set_state(g.get_state())
print(torch.equal(torch.rand(3, generator=g), torch.rand(3, generator=h)))

random.seed(0), np.random.seed(0), torch.manual_seed(0)
print(random.random(), random.choice('abcdef'), np.random.rand(), np.random.randint(10), torch.rand(1).item(), random.sample(range(10), 3))
print(torch.from_numpy(np.random.default_rng(0).normal(size=2)), np.random.permutation(5))

print('statistics')
torch.manual_seed(0)
x = torch.randn(10000)
print(f'{x.mean():.5f} {x.std():.5f} {x.min():.4f} {x.max():.4f}', (x > 0).sum().item(), torch.rand(1000, 7).mean(0))
mask = F.dropout(torch.ones(1000), 0.1)
print((mask == 0).sum(), mask.max(), torch.bincount(torch.multinomial(torch.tensor([1., 2., 7.]), 1000, True)), torch.bincount(torch.randint(6, (600,))))

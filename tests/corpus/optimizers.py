"""Every optimizer on Rosenbrock's function, with options, parameter groups, and a schedule of its own making."""
import torch
from torch import optim


def rosenbrock(xy):
    x, y = xy
    return (1 - x) ** 2 + 100 * (y - x ** 2) ** 2


def run(name, make, n_iter=60):
    xy_t = torch.tensor((-1.5, 1.2), requires_grad=True)
    optimizer = make([xy_t])
    path = []
    for i in range(n_iter + 1):
        optimizer.zero_grad()
        loss = rosenbrock(xy_t)
        loss.backward()
        torch.nn.utils.clip_grad_norm_([xy_t], 1.0)
        if i % 20 == 0:
            path.append('(%.5f, %.5f)' % tuple(xy_t.tolist()))
        optimizer.step()
    print(f'{name:26s}', ' '.join(path), f'{loss.item():.5f}')
    return optimizer


runs = {
    'SGD': lambda p: optim.SGD(p, lr=0.01),
    'SGD momentum': lambda p: optim.SGD(p, lr=0.01, momentum=0.9),
    'SGD dampening': lambda p: optim.SGD(p, lr=0.01, momentum=0.9, dampening=0.1, weight_decay=1e-2),
    'SGD nesterov': lambda p: optim.SGD(p, lr=0.01, momentum=0.9, nesterov=True),
    'SGD maximize': lambda p: optim.SGD(p, lr=0.0005, maximize=True),
    'Adam': lambda p: optim.Adam(p, lr=0.05),
    'Adam amsgrad': lambda p: optim.Adam(p, lr=0.05, betas=(0.8, 0.99), eps=1e-6, amsgrad=True, weight_decay=0.01),
    'AdamW': lambda p: optim.AdamW(p, lr=0.05, weight_decay=0.1),
    'Adamax': lambda p: optim.Adamax(p, lr=0.05),
    'NAdam': lambda p: optim.NAdam(p, lr=0.05),
    'NAdam decoupled': lambda p: optim.NAdam(p, lr=0.05, weight_decay=0.1, decoupled_weight_decay=True),
    'RAdam': lambda p: optim.RAdam(p, lr=0.05),
    'RMSprop': lambda p: optim.RMSprop(p, lr=0.01),
    'RMSprop centered': lambda p: optim.RMSprop(p, lr=0.01, alpha=0.9, centered=True, momentum=0.5),
    'Adagrad': lambda p: optim.Adagrad(p, lr=0.2, lr_decay=0.01),
    'Adadelta': lambda p: optim.Adadelta(p, lr=1.0, rho=0.9),
    'ASGD': lambda p: optim.ASGD(p, lr=0.01),
    'Rprop': lambda p: optim.Rprop(p, lr=0.01),
}
for name, make in runs.items():
    last = run(name, make)
print(last)
print({k: sorted(v) for k, v in last.state_dict()['state'].items()})

print('LBFGS')
x = torch.tensor([-1.5, 1.2], requires_grad=True, dtype=torch.double)
lbfgs = optim.LBFGS([x], lr=1, max_iter=4, history_size=5, line_search_fn='strong_wolfe')
for step in range(6):
    def closure():
        lbfgs.zero_grad()
        loss = rosenbrock(x)
        loss.backward()
        return loss
    loss = lbfgs.step(closure)
    print(step, f'{loss.item():.4f}', [round(v, 4) for v in x.tolist()])

print('parameter groups')
a, b = torch.nn.Parameter(torch.ones(2)), torch.nn.Parameter(torch.ones(3))
opt = optim.SGD([{'params': [a], 'lr': 0.5}], lr=0.1, momentum=0.5)
opt.add_param_group({'params': [b], 'weight_decay': 0.1})
for _ in range(3):
    opt.zero_grad()
    ((a ** 2).sum() + (b ** 3).sum()).backward()
    opt.step()
print(a.data, b.data, [g['lr'] for g in opt.param_groups], sorted(opt.param_groups[0]))
state = opt.state_dict()
print(state['param_groups'], state['state'][1]['momentum_buffer'])
twin = optim.SGD([{'params': [a]}, {'params': [b]}], lr=1.)
twin.load_state_dict(state)
print(twin.param_groups[0]['lr'], twin.param_groups[1]['weight_decay'], len(twin.state), torch.equal(twin.state[b]['momentum_buffer'], state['state'][1]['momentum_buffer']))
for wrong in (lambda: optim.SGD([a], lr=-1), lambda: optim.Adam([a], betas=(1.1, 0.9)), lambda: optim.SGD([], lr=0.1), lambda: optim.SGD(torch.ones(2), lr=0.1)):
    try:
        wrong()
    except (ValueError, TypeError) as e:
        print(type(e).__name__)


class MySGD(optim.Optimizer):
    """As one writes one's own."""

    def __init__(self, params, lr=0.1, beta=0.9):
        super().__init__(params, dict(lr=lr, beta=beta))

    @torch.no_grad()
    def step(self, closure=None):
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for p in group['params']:
                if p.grad is None:
                    continue
                state = self.state[p]
                if not state:
                    state['step'] = 0
                    state['avg'] = torch.zeros_like(p)
                state['step'] += 1
                state['avg'].mul_(group['beta']).add_(p.grad, alpha=1 - group['beta'])
                p.addcdiv_(state['avg'], p.grad.abs() + 1e-3, value=-group['lr'])
        return loss


print(run('my own', MySGD))

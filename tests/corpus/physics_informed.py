"""Physics-informed networks: an oscillator and a heat equation by higher derivatives; a neural ODE with Euler and RK4."""
import math

import torch
import torch.nn as nn
from torch.autograd import grad

torch.set_default_dtype(torch.float32)
torch.manual_seed(123)


class FCN(nn.Module):
    def __init__(self, N_INPUT, N_OUTPUT, N_HIDDEN, N_LAYERS):
        super().__init__()
        activation = nn.Tanh
        self.fcs = nn.Sequential(*[nn.Linear(N_INPUT, N_HIDDEN), activation()])
        self.fch = nn.Sequential(*[nn.Sequential(*[nn.Linear(N_HIDDEN, N_HIDDEN), activation()]) for _ in range(N_LAYERS - 1)])
        self.fce = nn.Linear(N_HIDDEN, N_OUTPUT)

    def forward(self, x):
        x = self.fcs(x)
        x = self.fch(x)
        x = self.fce(x)
        return x


def exact_solution(d, w0, t):
    assert d < w0
    w = math.sqrt(w0 ** 2 - d ** 2)
    phi = math.atan(-d / w)
    A = 1 / (2 * math.cos(phi))
    return torch.exp(-d * t) * 2 * A * torch.cos(phi + w * t)


pinn = FCN(1, 1, 16, 3)
t_boundary = torch.tensor(0.).view(-1, 1).requires_grad_(True)
t_physics = torch.linspace(0, 1, 20).view(-1, 1).requires_grad_(True)
d, w0 = 2, 10
mu, k = 2 * d, w0 ** 2
t_test = torch.linspace(0, 1, 100).view(-1, 1)
u_exact = exact_solution(d, w0, t_test)
optimiser = torch.optim.Adam(pinn.parameters(), lr=1e-3)
for i in range(121):
    optimiser.zero_grad()
    lambda1, lambda2 = 1e-1, 1e-4
    u = pinn(t_boundary)
    loss1 = (torch.squeeze(u) - 1) ** 2
    dudt = torch.autograd.grad(u, t_boundary, torch.ones_like(u), create_graph=True)[0]
    loss2 = (torch.squeeze(dudt) - 0) ** 2
    u = pinn(t_physics)
    dudt = torch.autograd.grad(u, t_physics, torch.ones_like(u), create_graph=True)[0]
    d2udt2 = torch.autograd.grad(dudt, t_physics, torch.ones_like(dudt), create_graph=True)[0]
    loss3 = torch.mean((d2udt2 + mu * dudt + k * u) ** 2)
    loss = loss1 + lambda1 * loss2 + lambda2 * loss3
    loss.backward()
    optimiser.step()
    if i % 40 == 0:
        u = pinn(t_test).detach()
        print(i, f'{loss.item():.4f} {loss1.item():.4f} {loss2.item():.4f} {loss3.item():.2f} mse {(u - u_exact).pow(2).mean():.4f}')

# inverse problem: the friction is learned as well
friction = nn.Parameter(torch.zeros(1, requires_grad=True))
net = FCN(1, 1, 16, 2)
opt = torch.optim.Adam(list(net.parameters()) + [friction], lr=5e-3)
obs_t = torch.rand(30).unsqueeze(-1)
obs_u = exact_solution(d, w0, obs_t) + 0.04 * torch.randn_like(obs_t)
for i in range(60):
    opt.zero_grad()
    u = net(t_physics)
    du, = grad(u.sum(), t_physics, create_graph=True)
    ddu, = grad(du.sum(), t_physics, create_graph=True)
    loss = 1e-4 * (ddu + friction * du + k * u).square().mean() + 10 * (net(obs_t) - obs_u).square().mean()
    loss.backward()
    opt.step()
    if i % 20 == 19:
        print(f'step {i} loss {loss.item():.4f} friction {friction.item():.5f}')


# heat equation u_t = a u_xx with sin(pi x) at the start
class Heat(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(2, 20), nn.SiLU(), nn.Linear(20, 20), nn.Softplus(), nn.Linear(20, 1))
        for m in self.modules():
            if isinstance(m, nn.Linear):
                nn.init.xavier_normal_(m.weight, gain=nn.init.calculate_gain('tanh'))
                m.bias.data.fill_(0.0)

    def forward(self, x, t):
        return self.net(torch.cat([x, t], dim=1)) * x * (1 - x)


model = Heat()
x = torch.rand(64, 1, requires_grad=True)
t = torch.rand(64, 1, requires_grad=True)
x0 = torch.linspace(0, 1, 32)[:, None]
opt = torch.optim.Rprop(model.parameters(), lr=1e-3)
for step in range(40):
    u = model(x, t)
    u_x, u_t = torch.autograd.grad(u, (x, t), grad_outputs=torch.ones_like(u), create_graph=True, retain_graph=True)
    u_xx = torch.autograd.grad(u_x, x, grad_outputs=torch.ones_like(u_x), create_graph=True)[0]
    residual = (u_t - 0.1 * u_xx).abs().pow(2).mean()
    start = nn.functional.mse_loss(model(x0, torch.zeros_like(x0)), torch.sin(math.pi * x0))
    loss = residual + start
    opt.zero_grad()
    loss.backward()
    opt.step()
    if step % 10 == 9:
        print(f'heat {step} residual {residual.item():.5f} start {start.item():.5f}')


# a neural ODE
def odeint(f, y, ts, method='rk4'):
    ys = [y]
    for t0, t1 in zip(ts[:-1], ts[1:]):
        h = t1 - t0
        if method == 'euler':
            y = y + h * f(t0, y)
        else:
            k1 = f(t0, y)
            k2 = f(t0 + h / 2, y + h / 2 * k1)
            k3 = f(t0 + h / 2, y + h / 2 * k2)
            k4 = f(t1, y + h * k3)
            y = y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        ys.append(y)
    return torch.stack(ys)


A = torch.tensor([[-0.1, 2.0], [-2.0, -0.1]])
ts = torch.linspace(0., 3., 16)
with torch.no_grad():
    truth = odeint(lambda t, y: torch.mm(y ** 3, A), torch.tensor([[2., 0.]]), ts)
print(truth[-1], torch.linalg.matrix_norm(A), torch.linalg.eigvals(A).abs())
field = nn.Sequential(nn.Linear(2, 24), nn.Tanh(), nn.Linear(24, 2))
for m in field.modules():
    if isinstance(m, nn.Linear):
        nn.init.normal_(m.weight, mean=0, std=0.1)
        nn.init.constant_(m.bias, val=0)
opt = torch.optim.RMSprop(field.parameters(), lr=1e-2)
for itr in range(15):
    pred = odeint(lambda t, y: field(y ** 3), torch.tensor([[2., 0.]]), ts, 'euler' if itr % 2 else 'rk4')
    loss = torch.mean(torch.abs(pred - truth))
    opt.zero_grad()
    loss.backward()
    opt.step()
    if itr % 5 == 4:
        print('Iter {:04d} | Total Loss {:.6f}'.format(itr, loss.item()))
f = lambda z: (z[0] ** 3 * z[1]).sin()
z = torch.tensor([0.5, 1.5])
print(torch.autograd.functional.hessian(f, z), torch.autograd.functional.jacobian(lambda v: v.exp() * v.sum(), z))

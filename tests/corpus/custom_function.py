"""Custom autograd.Functions: ReLU, Legendre polynomial, straight-through estimator, swish with saved tensors, gradcheck."""
import math

import numpy as np
import torch
from torch.autograd import Function, gradcheck


class MyReLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx, input):
        ctx.save_for_backward(input)
        return input.clamp(min=0)

    @staticmethod
    def backward(ctx, grad_output):
        input, = ctx.saved_tensors
        grad_input = grad_output.clone()
        grad_input[input < 0] = 0
        return grad_input


dtype = torch.float
device = torch.device("cpu")
torch.manual_seed(0)
N, D_in, H, D_out = 16, 30, 20, 5
x = torch.randn(N, D_in, device=device, dtype=dtype)
y = torch.randn(N, D_out, device=device, dtype=dtype)
w1 = torch.randn(D_in, H, device=device, dtype=dtype, requires_grad=True)
w2 = torch.randn(H, D_out, device=device, dtype=dtype, requires_grad=True)
learning_rate = 1e-4
for t in range(60):
    relu = MyReLU.apply
    y_pred = relu(x.mm(w1)).mm(w2)
    loss = (y_pred - y).pow(2).sum()
    if t % 10 == 9:
        print(t, f'{loss.item():.3f}')
    loss.backward()
    with torch.no_grad():
        w1 -= learning_rate * w1.grad
        w2 -= learning_rate * w2.grad
        w1.grad.zero_()
        w2.grad.zero_()


class LegendrePolynomial3(torch.autograd.Function):
    """P3(x) = 1/2 (5x^3 - 3x)"""

    @staticmethod
    def forward(ctx, input):
        ctx.save_for_backward(input)
        return 0.5 * (5 * input ** 3 - 3 * input)

    @staticmethod
    def backward(ctx, grad_output):
        input, = ctx.saved_tensors
        return grad_output * 1.5 * (5 * input ** 2 - 1)


x = torch.linspace(-math.pi, math.pi, 2000, device=device, dtype=dtype)
y = torch.sin(x)
a = torch.full((), 0.0, device=device, dtype=dtype, requires_grad=True)
b = torch.full((), -1.0, device=device, dtype=dtype, requires_grad=True)
c = torch.full((), 0.0, device=device, dtype=dtype, requires_grad=True)
d = torch.full((), 0.3, device=device, dtype=dtype, requires_grad=True)
learning_rate = 5e-6
for t in range(1000):
    P3 = LegendrePolynomial3.apply
    y_pred = a + b * P3(c + d * x)
    loss = (y_pred - y).pow(2).sum()
    if t % 200 == 199:
        print(t, f'{loss.item():.4f}')
    loss.backward()
    with torch.no_grad():
        for p in (a, b, c, d):
            p -= learning_rate * p.grad
            p.grad = None
print(f'Result: y = {a.item():.4f} + {b.item():.4f} * P3({c.item():.4f} + {d.item():.4f} x)')


class Round(Function):
    """Straight-through: rounds, and passes gradients as they are."""

    @staticmethod
    def forward(ctx, x, levels):
        ctx.levels = levels
        ctx.mark_non_differentiable()
        return torch.round(x * levels) / levels

    @staticmethod
    def backward(ctx, g):
        print('  backward sees', tuple(g.shape), 'needs', ctx.needs_input_grad, 'levels', ctx.levels)
        return g, None


v = torch.rand(5, requires_grad=True)
q = Round.apply(v, 4)
print(q, q.grad_fn.name(), q.requires_grad)
(q * torch.arange(5.)).sum().backward()
print(v.grad)


class Swish(Function):
    @staticmethod
    def forward(ctx, i):
        result = i * i.sigmoid()
        ctx.save_for_backward(result, i)
        return result

    @staticmethod
    def backward(ctx, grad_output):
        result, i = ctx.saved_tensors
        sigmoid_x = i.sigmoid()
        return grad_output * (result + sigmoid_x * (1 - result))


z = torch.randn(3, 4, dtype=torch.double, requires_grad=True)
print('gradcheck', gradcheck(Swish.apply, (z,), eps=1e-6, atol=1e-4), gradcheck(LegendrePolynomial3.apply, z))


class SortMax(Function):
    """Two outputs, one of them not differentiable."""

    @staticmethod
    def forward(ctx, x):
        values, index = x.sort(dim=-1)
        ctx.mark_non_differentiable(index)
        ctx.save_for_backward(index)
        return values, index

    @staticmethod
    def backward(ctx, g, _):
        index, = ctx.saved_tensors
        return torch.zeros_like(g).scatter(-1, index, g)


s = torch.tensor([[3., 1., 2.], [0., -1., 5.]], requires_grad=True)
values, index = SortMax.apply(s)
print(values, index, values.requires_grad, index.requires_grad)
values[:, -1].sum().backward()
print(s.grad)


class NumpyExp(Function):
    @staticmethod
    def forward(ctx, x):
        out = torch.from_numpy(np.exp(x.detach().numpy()))
        ctx.save_for_backward(out)
        return out

    @staticmethod
    def backward(ctx, g):
        out, = ctx.saved_tensors
        return g * out


class Broken(Function):
    @staticmethod
    def forward(ctx, x):
        return x ** 2

    @staticmethod
    def backward(ctx, g):
        return g


e = torch.tensor([0., 1., 2.], dtype=torch.float64, requires_grad=True)
print(torch.autograd.grad(NumpyExp.apply(e).sum(), e))
try:
    gradcheck(Broken.apply, (e,))
except Exception as err:
    print(type(err).__name__, 'Jacobian mismatch' in str(err))
h = Swish.apply(e)
g1, = torch.autograd.grad(h.sum(), e, create_graph=True)
print(g1)
g2, = torch.autograd.grad(g1.sum(), e)
print(g2)

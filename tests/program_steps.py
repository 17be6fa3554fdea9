"""The steps of random programs: lines of Python about tensors x, y, z and numbers a, b, c, and where each one fits."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np

LARGEST = 24  # elements of a tensor
FARTHEST = 30.0  # magnitude of a number
MARGIN = 1e-3  # distance from a tie or a kink

Draw = Callable[[random.Random, np.ndarray], Any]  # the numbers a, b, c of a step on x; no tuple where it does not fit
Fit = Callable[[np.ndarray, np.ndarray], bool]  # whether a step on x and y makes sense


def always(*numbers: Any) -> Draw:
    return lambda r, x: numbers


def real(low: float, high: float) -> Draw:
    return lambda r, x: (round(r.uniform(low, high), 2),)


def a_dim(r: random.Random, x: np.ndarray) -> Any:
    return x.ndim and (r.randrange(-x.ndim, x.ndim),)


def two_dims(r: random.Random, x: np.ndarray) -> Any:
    return x.ndim >= 2 and tuple(r.sample(range(x.ndim), 2))


def apart(x: np.ndarray) -> bool:
    """No two elements are nearly equal."""
    return x.size < 2 or float(np.diff(np.sort(x, axis=None)).min()) > MARGIN


def clear(x: np.ndarray, *kinks: float) -> bool:
    return all(float(np.abs(x - k).min(initial=1)) > MARGIN for k in kinks)


def away(draw: Draw) -> Draw:
    """The drawn numbers, if no element is near one of them."""

    def drawn(r: random.Random, x: np.ndarray) -> Any:
        numbers = draw(r, x)
        return clear(x, *numbers[:2]) and numbers

    return drawn


def within(low: float, high: float) -> Draw:
    return lambda r, x: bool(np.all((x > low) & (x < high))) and ()


def select(r: random.Random, x: np.ndarray) -> Any:
    d = x.ndim and r.randrange(x.ndim)
    return x.ndim and x.shape[d] and (d, r.randrange(x.shape[d]))


def narrow(r: random.Random, x: np.ndarray) -> Any:
    if not x.ndim:
        return None
    d = r.randrange(x.ndim)
    start = r.randrange(x.shape[d])
    return d, start, r.randint(1, x.shape[d] - start)


def first_slice(r: random.Random, x: np.ndarray) -> Any:
    return x.ndim and (r.randrange(x.shape[0]), x.shape[0])


def shapes(r: random.Random, x: np.ndarray) -> Any:
    n = x.size
    known = [(n,), (1, n), (n, 1)] + [(k, n // k) for k in (2, 3, 4) if n % k == 0] + [(2, 2, n // 4)] * (n % 4 == 0)
    return (r.choice(known),)


def widened(r: random.Random, x: np.ndarray) -> Any:
    wide = tuple(r.choice([2, 3]) if n == 1 else n for n in x.shape)
    return (wide if wide != x.shape else (2, *x.shape),)


def windows(r: random.Random, x: np.ndarray) -> Any:
    if not x.ndim:
        return None
    d = r.randrange(x.ndim)
    return d, r.randint(1, x.shape[d]), r.choice([1, 2])


def parts(r: random.Random, x: np.ndarray) -> Any:
    if not x.ndim:
        return None
    d = r.randrange(x.ndim)
    size = r.randint(1, x.shape[d])
    return size, d, r.randrange(-(-x.shape[d] // size))


def order(r: random.Random, x: np.ndarray) -> Any:
    return (tuple(r.sample(range(x.ndim), x.ndim)),)


def picks(r: random.Random, x: np.ndarray) -> Any:
    return x.ndim and ([r.randrange(x.shape[0]) for _ in range(r.randint(1, 3))],)


def dim_and_picks(r: random.Random, x: np.ndarray) -> Any:
    if not x.ndim:
        return None
    d = r.randrange(x.ndim)
    return d, [r.randrange(x.shape[d]) for _ in range(r.randint(1, 3))]


def gathered(r: random.Random, x: np.ndarray) -> Any:
    if not x.ndim:
        return None
    d = r.randrange(x.ndim)
    return d, np.array([r.randrange(x.shape[d]) for _ in range(x.size)]).reshape(x.shape).tolist()


def if_apart(draw: Draw) -> Draw:
    return lambda r, x: apart(x) and draw(r, x)


def if_wide(draw: Draw) -> Draw:
    """More than one element along the drawn dim, spread enough for a smooth deviation."""

    def drawn(r: random.Random, x: np.ndarray) -> Any:
        numbers = draw(r, x)
        return bool(numbers) and x.shape[numbers[0]] > 1 and float(x.std(numbers[0]).min()) > 0.1 and numbers

    return drawn


COPY = "x.new_zeros(x.shape).copy_(x)"
VIEWS: dict[str, Draw] = {
    "x.select(a, b)": select,
    "x[..., a]": lambda r, x: x.ndim and (r.randrange(x.shape[-1]),),
    "x[a]": lambda r, x: x.ndim and (r.randrange(x.shape[0]),),
    "x[a:b]": first_slice,
    "x[::a]": lambda r, x: x.ndim and (2,),
    "x[...]": always(),
    "x[None]": always(),
    "x.narrow(a, b, c)": narrow,
    "x.transpose(a, b)": two_dims,
    "x.mT": lambda r, x: x.ndim >= 2 and (),
    "x.permute(a)": order,
    "x.reshape(a)": shapes,
    "x.view(-1)": lambda r, x: x.flags.c_contiguous and (),
    "x.view_as(x)": always(),
    "x.expand(a)": widened,
    "x.unfold(a, b, c)": windows,
    "x.diagonal(0, a, b)": two_dims,
    "x.chunk(2, a)[0]": a_dim,
    "x.split(a, b)[c]": parts,
    "x.unbind(a)[b]": select,
    "x.unsqueeze(a)": lambda r, x: (r.randint(0, x.ndim),),
    "x.squeeze()": always(),
    "x.detach()": always(),
}

UNARY: dict[str, Draw] = {
    **dict.fromkeys([ "x.tanh()", "x.sin()", "x.cos()", "x.sigmoid()", "-x", "x ** 2", "x * x", "x / (x * x + 1)",
        "x.clone()", COPY, "x.contiguous()", "x.sum()", "x.mean()", "x.atan()", "x.erf()",
        "torch.nn.functional.silu(x)", "torch.nn.functional.gelu(x)", "torch.nn.functional.softplus(x)",
        "x.flatten() @ x.flatten()", "x.var(correction=0)", "x.new_zeros(x.shape) + x",
    ], always()),
    **dict.fromkeys(["x * a", "x + a", "a - x", "x / (a * a + 1)"], real(-2, 2)),
    **dict.fromkeys(["(x * x + a).sqrt()", "(x * x + a).log()", "a / (x * x + 1)", "(x * x + a) ** -0.5"],
        real(0.3, 2)),
    **dict.fromkeys(["x.exp()", "x.sinh()", "x.expm1()"], within(-3, 3)),
    **dict.fromkeys(["x.softmax(a)", "x.log_softmax(a)", "x.cumsum(a)", "x.flip(a)", "x.sum(a)",
        "x.sum(a, keepdim=True)", "x.mean(a)", "x.mean(a, keepdim=True)", "x.prod(a)", "x.cumprod(a)",
        "x.logsumexp(a)", "x.roll(1, a)"], a_dim),
    **dict.fromkeys(["x.relu()", "x.abs()", "torch.nn.functional.leaky_relu(x, 0.1)", "torch.nn.functional.elu(x)",
        "x.sign() * x"], away(always(0.0))),
    "x.clamp(a, b)": away(lambda r, x: (round(r.uniform(-1, 0), 2), round(r.uniform(0, 1), 2))),
    "x.clamp(min=a)": away(real(-1, 1)),
    "torch.where(x > a, x, x * b)": away(lambda r, x: (round(r.uniform(-1, 1), 2), 0.3)),
    "x.masked_fill(x > a, b)": away(lambda r, x: (round(r.uniform(-1, 1), 2), 0.3)),
    "x[x > a]": away(real(-1, 0.5)),
    **dict.fromkeys(["x.amax(a)", "x.max(a).values", "x.min(a)[0]", "x.sort(a).values", "x.cummax(a)[0]",
        "x.median(a).values"], if_apart(a_dim)),
    **dict.fromkeys(["x.max()", "x.amin()"], if_apart(always())),
    **dict.fromkeys(["x.std(a)", "x.norm(dim=a)"], if_wide(a_dim)),
    "x.triu()": lambda r, x: x.ndim >= 2 and (),
    "x[list(a)]": picks,
    "x[torch.tensor(a)]": picks,
    "x.index_select(a, torch.tensor(b))": dim_and_picks,
    "x.gather(a, torch.tensor(b))": gathered,
    "x.repeat(a)": lambda r, x: ((2, *[1] * x.ndim),),
}  # fmt: skip

CASTS: dict[str, Draw] = {
    "x.double()": always(),
    "x.float()": always(),
    "x.long()": lambda r, x: x.dtype.kind == "f" and clear(x - np.trunc(x), 0.0, 1.0, -1.0) and (),
    "x > a": away(real(-1, 1)),
}


def together(x: np.ndarray, y: np.ndarray) -> bool:
    """They broadcast to something small."""
    try:
        return bool(np.prod(np.broadcast_shapes(x.shape, y.shape)) <= LARGEST)
    except ValueError:
        return False


def distinct(x: np.ndarray, y: np.ndarray) -> bool:
    return together(x, y) and clear(np.subtract(x, y, dtype=float), 0.0)


def chain(x: np.ndarray, y: np.ndarray) -> bool:
    if x.dtype != y.dtype or not (x.ndim and y.ndim) or x.shape[-1] != y.shape[-2 if y.ndim > 1 else 0]:
        return False
    return together(np.empty(x.shape[:-2]), np.empty(y.shape[:-2]))


def same(x: np.ndarray, y: np.ndarray) -> bool:
    return x.shape == y.shape and 2 * x.size <= LARGEST


def row(x: np.ndarray, y: np.ndarray) -> bool:
    """y can be added to a row of x."""
    return x.ndim > 0 and y.shape == x.shape[1:] and x.dtype == y.dtype


def mask(x: np.ndarray, y: np.ndarray) -> bool:
    return into(x, y) and clear(y, 0.0)


def into(x: np.ndarray, y: np.ndarray) -> bool:
    """y can be written into x."""
    return y.ndim <= x.ndim and together(x, y) and np.broadcast_shapes(x.shape, y.shape) == x.shape


def into_first(x: np.ndarray, y: np.ndarray) -> bool:
    return x.ndim > 0 and into(x[0], y)


GRAD = "torch.autograd.grad({}, y, create_graph=True, allow_unused=True, materialize_grads=True)[0]"
DOUBLE = [
    f"({GRAD.format('(x * x).sum()')} + 0 * y).contiguous()",
    f"({GRAD.format('x.sin().sum()')} + y).contiguous()",
]

BINARY: dict[str, Fit] = {
    **dict.fromkeys(["x + y", "x * y", "x - y", "x / (y * y + 1)", "torch.addcmul(x, y, y)",
        "torch.lerp(x, y, 0.3)", "x * 2 + y", "torch.add(x, y, alpha=3)"], together),
    **dict.fromkeys(["torch.maximum(x, y)", "torch.where(x > y, x * 2, y)", "torch.minimum(x, y)"], distinct),
    "torch.atan2(x, y * y + 1)": together,
    "torch.logaddexp(x, y)": together,
    "x @ y": chain,
    "torch.cat([x, y])": lambda x, y: x.ndim > 0 and same(x, y),
    "torch.stack([x, y], -1)": same,
    "x.masked_fill(y > 0, 0.5)": mask,
    "torch.index_add(x, 0, torch.tensor([0]), y[None])": row,
    **dict.fromkeys(DOUBLE, lambda x, y: True),
}  # fmt: skip


def folded(x: np.ndarray) -> bool:
    """Whether two elements are one place in memory."""
    places = sum(
        (np.arange(n) * s).reshape(-1, *[1] * (x.ndim - 1 - d))
        for d, (n, s) in enumerate(zip(x.shape, x.strides, strict=True))
    )
    return np.unique(places).size < x.size


CHANGES: dict[str, Draw] = {
    **dict.fromkeys(["x.tanh_()", "x.sigmoid_()", "x.sin_()", "x.zero_()", "x.neg_()", "x.square_()"], always()),
    **dict.fromkeys(["x.mul_(a)", "x.add_(a)", "x.fill_(a)", "x[...] = a", "x *= a", "x.sub_(a)",
        "x.div_(1 + a * a)"], real(-2, 2)),
    "x.exp_()": within(-3, 3),
    "x.sqrt_()": within(0.01, FARTHEST),
    "x.relu_()": away(always(0.0)),
    "x.clamp_(a, b)": away(lambda r, x: (round(r.uniform(-1, 0), 2), round(r.uniform(0, 1), 2))),
    "x[x > a] = b": away(lambda r, x: (round(r.uniform(-1, 1), 2), 0.3)),
    "x.masked_fill_(x > a, b)": away(lambda r, x: (round(r.uniform(-1, 1), 2), 0.3)),
    "x[a] = b": lambda r, x: x.ndim and (r.randrange(x.shape[0]), round(r.uniform(-2, 2), 2)),
    "x[[a]] = b": lambda r, x: x.ndim and (r.randrange(x.shape[0]), round(r.uniform(-2, 2), 2)),
    "x[a:] *= b": lambda r, x: x.ndim and (r.randrange(x.shape[0]), round(r.uniform(-2, 2), 2)),
}  # fmt: skip

CHANGES_BY: dict[str, Fit] = {
    **dict.fromkeys(["x.add_(y)", "x.mul_(y)", "x.copy_(y)", "x.sub_(y)", "x += y * 0.5", "x[...] = y",
        "x.addcmul_(y, y)", "x.div_(y * y + 1)", "x.lerp_(y, 0.3)"], into),
    "x[0] = y": into_first,
    "x[0] += y": into_first,
    "x[torch.tensor([0])] = y": into_first,
    "x.index_add_(0, torch.tensor([0]), y[None])": row,
}  # fmt: skip

STATE: dict[str, Draw] = {
    "x.register_hook(lambda g: g * a)": real(-2, 2),
    "x.retain_grad()": always(),
    "(x * x).sum().backward(retain_graph=True)": always(),
    "x.backward(torch.ones_like(x) * a, retain_graph=True)": real(-2, 2),
    "x.sin().sum().backward()": always(),
}

ALIASES = {*VIEWS, "x.double()", "x.float()", "x.contiguous()"}
BY_LAYOUT = {"x.reshape(a)", "x.view(-1)", "x.contiguous()"}  # a view or a copy; how results lie in memory may differ
UNSEEN_BY_DIFFERENCES = {"x.detach()", *CASTS, *STATE}
LOSS = "((x * x).mean() + y.sin().mean() + (z * 0.5).mean())"

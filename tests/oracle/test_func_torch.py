"""glassgrad.func beside torch.func: the same program in both, to 1e-10."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import glassgrad as gg

torch = pytest.importorskip("torch")

RNG = np.random.default_rng(0)
X, W, B, V = (RNG.normal(size=s) for s in ((4, 3), (3, 2), (2,), (3, 2)))


def model(t: Any, w: Any, b: Any, x: Any) -> Any:
    return t.tanh(x @ w + b).prod(-1).sum()


def rows(t: Any, w: Any, x: Any) -> Any:
    return t.tanh(x @ w).sum(0)


def twice(t: Any, w: Any, x: Any) -> Any:
    return {"a": (x @ w).sin(), "b": [(w * w).sum()]}


def in_place(t: Any, x: Any) -> Any:
    y = x * 2
    y[0] = y[1] * 3
    y.mul_(x)
    return y.sum()


# name: what a program computes, from the library, its func and the arrays as tensors
PROGRAMS: dict[str, Callable[..., Any]] = {
    "grad": lambda t, f, x, w, b, v: f.grad(lambda w: model(t, w, b, x))(w),
    "grad argnums": lambda t, f, x, w, b, v: f.grad(lambda *a: model(t, *a), (0, 2))(w, b, x),
    "grad_and_value": lambda t, f, x, w, b, v: f.grad_and_value(lambda w: model(t, w, b, x))(w),
    "grad aux": lambda t, f, x, w, b, v: f.grad(lambda w: (model(t, w, b, x), {"w": w * 2}), has_aux=True)(w),
    "grad of a dict": lambda t, f, x, w, b, v: f.grad(lambda p: model(t, p["w"], p["b"], x))({"w": w, "b": b}),
    "grad in place": lambda t, f, x, w, b, v: f.grad(lambda x: in_place(t, x))(x),
    "third derivative": lambda t, f, x, w, b, v: f.grad(f.grad(f.grad(lambda s: t.sin(s) * s**3)))(b[0]),
    "vjp": lambda t, f, x, w, b, v: f.vjp(lambda w: rows(t, w, x), w)[1](b),
    "vjp tree": lambda t, f, x, w, b, v: f.vjp(lambda w: twice(t, w, x), w)[1]({"a": (x @ v), "b": [b.sum()]}),
    "vjp twice": lambda t, f, x, w, b, v: [p(b) for p in [f.vjp(lambda w: rows(t, w, x), w)[1]] for _ in range(2)],
    "jvp": lambda t, f, x, w, b, v: f.jvp(lambda w: rows(t, w, x), (w,), (v,)),
    "jvp two": lambda t, f, x, w, b, v: f.jvp(lambda w, x: (rows(t, w, x), x * 2), (w, x), (v, x)),
    "jvp in place": lambda t, f, x, w, b, v: f.jvp(lambda x: in_place(t, x), (x,), (x.cos(),)),
    "jvp of jvp": lambda t, f, x, w, b, v: f.jvp(lambda w: f.jvp(lambda u: rows(t, u, x), (w,), (v,))[1], (w,), (v,)),
    "linearize": lambda t, f, x, w, b, v: f.linearize(lambda w: rows(t, w, x), w)[1](v),
    "jacrev": lambda t, f, x, w, b, v: f.jacrev(lambda w: rows(t, w, x))(w),
    "jacfwd": lambda t, f, x, w, b, v: f.jacfwd(lambda w: rows(t, w, x))(w),
    "jacrev tree": lambda t, f, x, w, b, v: f.jacrev(lambda w, x: twice(t, w, x), (0, 1))(w, x),
    "jacfwd tree": lambda t, f, x, w, b, v: f.jacfwd(lambda w, x: twice(t, w, x), (0, 1))(w, x),
    "jacrev chunks": lambda t, f, x, w, b, v: f.jacrev(lambda w: (x @ w).sin(), chunk_size=3)(w),
    "hessian": lambda t, f, x, w, b, v: f.hessian(lambda w: model(t, w, b, x))(w),
    "hessian of two": lambda t, f, x, w, b, v: f.hessian(lambda w, b: model(t, w, b, x), (0, 1))(w, b),
    "hessian of a part": lambda t, f, x, w, b, v: f.hessian(lambda w: (w[1:] ** 3).sum())(w),
    "reverse over reverse": lambda t, f, x, w, b, v: f.jacrev(f.jacrev(lambda w: model(t, w, b, x)))(w),
    "forward over forward": lambda t, f, x, w, b, v: f.jacfwd(f.jacfwd(lambda w: model(t, w, b, x)))(w),
    "reverse over forward": lambda t, f, x, w, b, v: f.jacrev(f.jacfwd(lambda w: model(t, w, b, x)))(w),
    "hessian times vector": lambda t, f, x, w, b, v: f.jvp(f.grad(lambda w: model(t, w, b, x)), (w,), (v,)),
    "vmap": lambda t, f, x, w, b, v: f.vmap(lambda r: t.tanh(r @ w) * r.sum())(x),
    "vmap dims": lambda t, f, x, w, b, v: f.vmap(lambda r, c: r @ c, (0, None), 0)(x, w),
    "vmap out dims": lambda t, f, x, w, b, v: f.vmap(lambda c: (c * 2, c.sum()), 1, (1, 0))(w),
    "vmap trees": lambda t, f, x, w, b, v: f.vmap(lambda d, s: d["a"] @ w + s[0], ({"a": 0}, None))({"a": x}, [b]),
    "vmap nested": lambda t, f, x, w, b, v: f.vmap(f.vmap(lambda p, q: p * q + p.sum(), (None, 0)), (0, None))(x, x),
    "vmap chunks": lambda t, f, x, w, b, v: f.vmap(lambda r: r.cumsum(0).flip(0), chunk_size=3)(x),
    "vmap sort": lambda t, f, x, w, b, v: f.vmap(lambda r: r.sort().values[1:] * r.max())(x),
    "vmap linalg": lambda t, f, x, w, b, v: f.vmap(
        lambda r: t.linalg.inv(r[:, None] * r + t.eye(3, dtype=t.float64)))(x),
    "gradient per sample": lambda t, f, x, w, b, v: f.vmap(
        f.grad(lambda w, r: model(t, w, b, r[None])), (None, 0))(w, x),
    "gradient through vmap": lambda t, f, x, w, b, v: f.grad(
        lambda w: f.vmap(lambda r: t.tanh(r @ w).prod())(x).sum())(w),
    "gradient through gradients per sample": lambda t, f, x, w, b, v: f.grad(
        lambda w: (f.vmap(f.grad(lambda w, r: model(t, w, b, r[None])), (None, 0))(w, x) ** 2).sum())(w),
    "gradient through Hessians per sample": lambda t, f, x, w, b, v: f.grad(
        lambda w: (f.vmap(f.hessian(lambda w, r: model(t, w, b, r[None])), (None, 0))(w, x) ** 2).sum())(w),
    "gradient through nested vmap": lambda t, f, x, w, b, v: f.grad(
        lambda w: f.vmap(lambda r: f.vmap(lambda c: t.sin(c * r).prod(), 1)(w))(x).sum())(w),
    "nested vmap of gradients": lambda t, f, x, w, b, v: f.vmap(
        lambda r: f.grad(lambda w: f.vmap(lambda c: t.sin(c * r).prod(), 1)(w).sum())(w))(x),
    "hessian per sample": lambda t, f, x, w, b, v: f.vmap(f.hessian(lambda r: model(t, w, b, r)))(x),
    "no confusion": lambda t, f, x, w, b, v: f.grad(lambda s: s * f.grad(lambda r: s * r)(b[1]))(b[0]),
    "no confusion forward": lambda t, f, x, w, b, v: f.jvp(
        lambda s: s * f.jvp(lambda r: s + r, (b[1],), (b[1],))[1], (b[0],), (b[0],)),
    "vmap embedding": lambda t, f, x, w, b, v: f.vmap(lambda i: t.nn.functional.embedding(i, w))(_ints(t)),
    "vmap one_hot": lambda t, f, x, w, b, v: f.vmap(lambda i: t.nn.functional.one_hot(i, 3))(_ints(t)),
    "vmap loss": lambda t, f, x, w, b, v: f.vmap(
        lambda r, i: t.nn.functional.cross_entropy(r[None], i[None]))(x, _ints(t)),
    "vmap gather": lambda t, f, x, w, b, v: f.vmap(lambda r, i: r.gather(0, i[None]))(x, _ints(t)),
    "no_grad inside": lambda t, f, x, w, b, v: f.grad(lambda w: _half(t, w).sum())(w),
    "detach inside": lambda t, f, x, w, b, v: f.grad(lambda w: (w * w.detach()).sum())(w),
}  # fmt: skip


def _half(t: Any, w: Any) -> Any:
    with t.no_grad():
        c = w**2
    return w**3 - c * w


def _ints(t: Any) -> Any:
    return t.tensor([0, 2, 1, 1])


def leaves(x: Any) -> list[np.ndarray]:
    if isinstance(x, tuple | list):
        return [leaf for item in x for leaf in leaves(item)]
    if isinstance(x, dict):
        return [leaf for item in x.values() for leaf in leaves(item)]
    return [x.detach().numpy()]


@pytest.mark.parametrize("name", PROGRAMS)
def test_same_as_torch(name: str) -> None:
    got = PROGRAMS[name](gg, gg.func, *(gg.tensor(a) for a in (X, W, B, V)))
    expected = PROGRAMS[name](torch, torch.func, *(torch.tensor(a) for a in (X, W, B, V)))
    assert len(leaves(got)) == len(leaves(expected))
    for a, b in zip(leaves(got), leaves(expected), strict=True):
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)


def test_random_numbers_are_torch_s() -> None:
    for how in ("same", "different"):
        torch.manual_seed(0), gg.manual_seed(0)
        expected = torch.func.vmap(lambda r: r + torch.rand(3), randomness=how)(torch.zeros(4, 3))
        got = gg.func.vmap(lambda r: r + gg.rand(3), randomness=how)(gg.zeros(4, 3))
        np.testing.assert_array_equal(got.numpy(), expected.numpy())


ERRORS: dict[str, Callable[..., Any]] = {
    "sizes": lambda t, f: f.vmap(lambda a, b: a + b)(t.ones(3), t.ones(4)),
    "dim beyond": lambda t, f: f.vmap(lambda a: a, 2)(t.ones(3)),
    "nothing mapped": lambda t, f: f.vmap(lambda a: a, None)(t.ones(3)),
    "not a tensor": lambda t, f: f.vmap(lambda a: 3)(t.ones(3)),
    "wrong structure": lambda t, f: f.vmap(lambda a, b: a, (0,))(t.ones(3), t.ones(3)),
    "item": lambda t, f: f.vmap(lambda a: a * a.item())(t.ones(3)),
    "branch": lambda t, f: f.vmap(lambda a: a if a > 0 else -a)(t.ones(3)),
    "random": lambda t, f: f.vmap(lambda a: a + t.rand(3))(t.ones(3)),
    "randomness": lambda t, f: f.vmap(lambda a: a, randomness="some")(t.ones(3)),
    "chunk": lambda t, f: f.vmap(lambda a: a, chunk_size=0)(t.ones(3)),
    "grad of a vector": lambda t, f: f.grad(lambda a: a * 2)(t.ones(3)),
    "grad of ints": lambda t, f: f.grad(lambda a: a.sum())(t.ones(3, dtype=t.int64)),
    "argnum beyond": lambda t, f: f.grad(lambda a: a.sum(), 1)(t.ones(3)),
    "aux missing": lambda t, f: f.grad(lambda a: a.sum(), has_aux=True)(t.ones(3)),
    "jvp shapes": lambda t, f: f.jvp(lambda a: a, (t.ones(3),), (t.ones(2),)),
    "jvp not tuples": lambda t, f: f.jvp(lambda a: a, t.ones(3), t.ones(3)),
    "vjp structure": lambda t, f: f.vjp(lambda a: (a, a), t.ones(3))[1](t.ones(3)),
}  # fmt: skip


@pytest.mark.parametrize("name", ERRORS)
def test_same_refusals(name: str) -> None:
    with pytest.raises(Exception) as theirs:
        ERRORS[name](torch, torch.func)
    with pytest.raises(theirs.type):
        ERRORS[name](gg, gg.func)


def test_is_grads_batched() -> None:
    def rows(t: Any) -> Any:
        x = t.tensor(X, requires_grad=True)
        y = (x.sin() @ t.tensor(W)).sum(0)
        weights = t.eye(2, dtype=t.float64)
        return t.autograd.grad(y, x, weights, is_grads_batched=True)[0]

    np.testing.assert_allclose(rows(gg).numpy(), rows(torch).numpy(), rtol=1e-12)


def test_a_model_s_gradients_for_each_sample() -> None:
    """functional_call under vmap(grad), beside one backward for each sample."""
    gg.manual_seed(0)
    net = gg.nn.Sequential(gg.nn.Linear(3, 5), gg.nn.Tanh(), gg.nn.Linear(5, 2)).double()
    x, t = gg.tensor(X), gg.tensor([0, 1, 1, 0])
    params = {name: p.detach() for name, p in net.named_parameters()}

    def loss(params: Any, x: Any, t: Any) -> Any:
        return gg.nn.functional.cross_entropy(gg.func.functional_call(net, params, (x[None],)), t[None])

    each = gg.func.vmap(gg.func.grad(loss), (None, 0, 0))(params, x, t)
    for k in range(4):
        net.zero_grad()
        gg.nn.functional.cross_entropy(net(x[k : k + 1]), t[k : k + 1]).backward()
        for name, p in net.named_parameters():
            np.testing.assert_allclose(each[name][k].numpy(), p.grad.numpy(), rtol=1e-10, atol=1e-14)


def test_an_ensemble() -> None:
    gg.manual_seed(0)
    nets = [gg.nn.Linear(3, 2).double() for _ in range(3)]
    params, buffers = gg.func.stack_module_state(nets)
    x = gg.tensor(X)
    out = gg.func.vmap(lambda p, b: gg.func.functional_call(nets[0], (p, b), (x,)))(params, buffers)
    for k, net in enumerate(nets):
        np.testing.assert_allclose(out[k].detach().numpy(), net(x).detach().numpy(), rtol=1e-12)

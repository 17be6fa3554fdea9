"""Operations of one's own (autograd.Function), hooks, and what is saved."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import numpy as np
import pytest

import glassgrad as gg
from glassgrad.autograd import Function, gradcheck, gradgradcheck, once_differentiable
from glassgrad.autograd.graph import (
    disable_saved_tensors_hooks,
    get_gradient_edge,
    register_multi_grad_hook,
    save_on_cpu,
    saved_tensors_hooks,
)


def leaf(*values: float) -> gg.Tensor:
    return gg.tensor(values, dtype=gg.float64, requires_grad=True)


class Cube(Function):
    @staticmethod
    def forward(ctx: Any, x: gg.Tensor) -> gg.Tensor:
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx: Any, g: gg.Tensor) -> gg.Tensor:
        (x,) = ctx.saved_tensors
        return 3 * x**2 * g


class Polar(Function):
    """Two outputs, setup_context, a saved output, forward mode."""

    @staticmethod
    def forward(x: gg.Tensor, y: gg.Tensor, scale: float) -> tuple[gg.Tensor, gg.Tensor]:
        return scale * (x * x + y * y).sqrt(), gg.atan2(y, x)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        x, y, ctx.scale = inputs
        ctx.save_for_backward(x, y, output[0])
        ctx.save_for_forward(x, y, output[0])

    @staticmethod
    def backward(ctx: Any, g: Any, h: Any) -> Any:
        x, y, r = ctx.saved_tensors
        s = ctx.scale
        square = r * r / s**2
        return g * s**2 * x / r - h * y / square, g * s**2 * y / r + h * x / square, None

    @staticmethod
    def jvp(ctx: Any, dx: Any, dy: Any, _: Any) -> Any:
        x, y, r = ctx.saved_tensors
        s = ctx.scale
        return s**2 * (x * dx + y * dy) / r, (x * dy - y * dx) * s**2 / (r * r)


def test_both_styles_to_any_order() -> None:
    x, y = leaf(0.5, -1.2, 2.0), leaf(1.5, 0.3, -0.7)
    assert gradcheck(Cube.apply, (x,)) and gradgradcheck(Cube.apply, (x,))
    polar = lambda x, y: Polar.apply(x, y, 1.5)
    assert gradcheck(polar, (x, y), check_forward_ad=True, check_batched_grad=True)
    assert gradgradcheck(polar, (x, y))


def test_under_func() -> None:
    points = gg.tensor([1.0, 2.0, -3.0], dtype=gg.float64)
    assert gg.func.vmap(gg.func.grad(Cube.apply))(points).tolist() == [3.0, 12.0, 27.0]
    assert gg.func.grad(gg.func.grad(Cube.apply))(points[1]).item() == 12.0
    w = gg.tensor(2.0, dtype=gg.float64)
    assert gg.func.grad(lambda w: gg.func.vmap(lambda p: Cube.apply(p * w))(points).sum())(w).item() == 3 * 4 * -18.0


def test_what_ctx_knows() -> None:
    seen = {}

    class Two(Function):
        @staticmethod
        def forward(ctx: Any, x: gg.Tensor, y: gg.Tensor, n: int) -> Any:
            ctx.save_for_backward(x * 2)  # neither input nor output
            ctx.n = n
            index = (x > 0).long()
            ctx.mark_non_differentiable(index)
            return x * n, y * n, index

        @staticmethod
        def backward(ctx: Any, *grads: Any) -> Any:
            seen["needs"], seen["grads"] = ctx.needs_input_grad, grads
            seen["saved"] = ctx.saved_tensors[0].tolist()
            return grads[0] * ctx.n, None, None

    x, y = leaf(1.0, -1.0), gg.ones(2, dtype=gg.float64)
    a, b, index = Two.apply(x, y, 3)
    assert a.requires_grad and b.requires_grad and not index.requires_grad
    assert a.grad_fn.name() == "TwoBackward"
    a.sum().backward()
    assert x.grad.tolist() == [3.0, 3.0]
    assert seen["needs"] == (True, False, False) and seen["saved"] == [2.0, -2.0]
    assert seen["grads"][1].tolist() == [0.0, 0.0]  # zeros stand for no gradient


def test_undefined_gradients_stay_none_when_asked() -> None:
    class Pair(Function):
        @staticmethod
        def forward(ctx: Any, x: gg.Tensor) -> Any:
            ctx.set_materialize_grads(False)
            return x * 2, x * 3

        @staticmethod
        def backward(ctx: Any, g: Any, h: Any) -> Any:
            assert h is None
            return g * 2

    x = leaf(1.0)
    Pair.apply(x)[0].backward()
    assert x.grad.item() == 2.0


def test_in_place_and_returned_inputs() -> None:
    class Double(Function):
        @staticmethod
        def forward(ctx: Any, x: gg.Tensor) -> gg.Tensor:
            ctx.mark_dirty(x)
            x.mul_(2)
            return x

        @staticmethod
        def backward(ctx: Any, g: gg.Tensor) -> gg.Tensor:
            return g * 2

    x = leaf(1.0, 2.0)
    y = x * 1
    z = Double.apply(y)
    assert z is y and y.grad_fn.name() == "DoubleBackward"
    y.sum().backward()
    assert x.grad.tolist() == [2.0, 2.0]
    with pytest.raises(RuntimeError, match="leaf Variable"):
        Double.apply(leaf(1.0))

    class Same(Function):
        @staticmethod
        def forward(ctx: Any, x: gg.Tensor) -> gg.Tensor:
            return x

        @staticmethod
        def backward(ctx: Any, g: gg.Tensor) -> gg.Tensor:
            return -g

    x = leaf(1.0)
    y = Same.apply(x)
    assert y is not x and x.grad_fn is None
    y.backward()
    assert x.grad.item() == -1.0


def returning(*grads: Any) -> Any:
    class Given(Function):
        @staticmethod
        def forward(ctx: Any, x: gg.Tensor, n: Any = None) -> gg.Tensor:
            return x * 2

        @staticmethod
        def backward(ctx: Any, g: gg.Tensor) -> Any:
            return grads[0] if len(grads) == 1 else grads

    return Given


@pytest.mark.parametrize(
    ("grads", "error", "words"),
    [
        ((gg.ones(2), gg.ones(2)), RuntimeError, "incorrect number of gradients"),
        ((gg.ones(3),), RuntimeError, "invalid gradient at index 0"),
        ((3.0,), TypeError, "expected Tensor or None"),
    ],
)
def test_wrong_gradients(grads: Any, error: type[Exception], words: str) -> None:
    x = gg.ones(2, requires_grad=True)
    with pytest.raises(error, match=words):
        returning(*grads).apply(x).sum().backward()
    assert x.grad is None


def test_a_gradient_for_what_is_no_tensor() -> None:
    with pytest.raises(RuntimeError, match="not a Variable"):
        returning(gg.ones(2), gg.ones(2)).apply(gg.ones(2, requires_grad=True), 3).sum().backward()


def test_none_and_extra_nones() -> None:
    x = gg.ones(2, requires_grad=True)
    returning(None).apply(x).sum().backward()
    assert x.grad is None
    returning(gg.ones(2), None, None).apply(x).sum().backward()
    assert x.grad.tolist() == [1.0, 1.0]


def test_changes_and_freeing_are_seen() -> None:
    x = leaf(1.0, 2.0)
    y = x * 1
    z = Cube.apply(y)
    y.add_(1)
    with pytest.raises(RuntimeError, match=r"modified by an inplace operation(.|\n)*saved by(.|\n)*changed.*y.add_"):
        z.sum().backward()
    z = Cube.apply(x)
    z.sum().backward()
    with pytest.raises(RuntimeError, match="second time"):
        z.sum().backward()


def test_once_differentiable() -> None:
    class Once(Function):
        @staticmethod
        def forward(ctx: Any, x: gg.Tensor) -> gg.Tensor:
            ctx.save_for_backward(x)
            return x**2

        @staticmethod
        @once_differentiable
        def backward(ctx: Any, g: gg.Tensor) -> gg.Tensor:
            (x,) = ctx.saved_tensors
            return 2 * x * g

    x = leaf(3.0)
    (g,) = gg.autograd.grad(Once.apply(x), x, leaf(1.0), create_graph=True)
    assert g.tolist() == [6.0]
    with pytest.raises(RuntimeError, match="once_differentiable"):
        g.sum().backward()


def test_misuse() -> None:
    with pytest.raises(RuntimeError, match="should not be instantiated"):
        Cube()
    with pytest.raises(RuntimeError, match=r"jvp|forward mode"):
        gg.func.jvp(Cube.apply, (gg.ones(2),), (gg.ones(2),))


# --- hooks ---


def test_hooks_of_nodes() -> None:
    x, y = leaf(2.0), leaf(3.0)
    z = x * y
    seen = []
    z.grad_fn.register_prehook(lambda grads: (grads[0] * 10,))
    handle = z.grad_fn.register_hook(lambda ins, outs: seen.append(([g.item() for g in ins], outs[0].item())))
    z.grad_fn.register_hook(lambda ins, outs: (ins[0] + 1, ins[1]))
    z.sum().backward(retain_graph=True)
    assert seen == [([30.0, 20.0], 10.0)] and x.grad.item() == 31.0 and y.grad.item() == 20.0
    handle.remove()
    z.sum().backward()
    assert len(seen) == 1
    assert get_gradient_edge(x).node.variable is x and get_gradient_edge(z).output_nr == 0


def test_hooks_that_raise_change_nothing() -> None:
    def fail(*_: Any) -> None:
        raise KeyError("planned")

    for place in ("leaf", "inner", "node", "prenode"):
        x, y = leaf(2.0), leaf(3.0)
        z = x * y
        w = z * 2
        {
            "leaf": x.register_hook, "inner": z.register_hook,
            "node": z.grad_fn.register_hook, "prenode": z.grad_fn.register_prehook,
        }[place](fail)  # fmt: skip
        with pytest.raises(KeyError):
            w.sum().backward()
        assert x.grad is None and y.grad is None


@pytest.mark.parametrize(("given", "error"), [(3.0, TypeError), (gg.ones(3), RuntimeError)])
def test_hooks_that_return_nonsense(given: Any, error: type[Exception]) -> None:
    x = leaf(1.0, 2.0)
    x.register_hook(lambda g: given)
    with pytest.raises(error, match="hook"):
        x.sum().backward()
    assert x.grad is None


def test_several_gradients_at_once() -> None:
    x, y = leaf(2.0), leaf(3.0)
    got: list[Any] = []
    handle = register_multi_grad_hook([x, y], lambda grads: got.append([g.item() for g in grads]))
    (x * y).sum().backward()
    assert got == [[3.0, 2.0]]
    handle.remove()
    (x * y).sum().backward()
    assert len(got) == 1
    register_multi_grad_hook([x, y], lambda g: got.append(g.item()), mode="any")
    (x * y).sum().backward()
    assert len(got) == 2


def test_saved_tensors_pass_through_hooks() -> None:
    x = leaf(1.0, 2.0)
    packed: list[Any] = []

    def pack(t: gg.Tensor) -> Any:
        packed.append(tuple(t.shape))
        return t.detach().numpy().copy()

    with saved_tensors_hooks(pack, lambda kept: gg.tensor(kept)):
        y = (x.exp() * x).sum()
    assert packed
    (g,) = gg.autograd.grad(y, x, create_graph=True)
    np.testing.assert_allclose(g.detach().numpy(), np.exp([1.0, 2.0]) * [2.0, 3.0])
    (h,) = gg.autograd.grad(g.sum(), x)
    np.testing.assert_allclose(h.numpy(), np.exp([1.0, 2.0]) * [3.0, 4.0])
    with save_on_cpu(pin_memory=False):
        z = (x * x).sum()
    z.backward()
    assert x.grad.tolist() == [2.0, 4.0]


@pytest.mark.parametrize(
    ("unpack", "error"), [(lambda kept: 3, TypeError), (lambda kept: gg.ones(7), RuntimeError)]
)  # fmt: skip
def test_unpacked_nonsense(unpack: Any, error: type[Exception]) -> None:
    x = leaf(1.0, 2.0)
    with saved_tensors_hooks(lambda t: t, unpack):
        y = x.exp().sum()
    with pytest.raises(error, match="unpack_hook"):
        y.backward()


def test_hooks_are_given_what_is_saved_once_for_each_name() -> None:
    a, b = leaf(1.0, 2.0), leaf(3.0, 4.0)
    packed: list[gg.Tensor] = []

    def unpack(kept: int) -> gg.Tensor:
        unpacked.append(kept)
        return packed[kept]

    unpacked: list[int] = []
    with saved_tensors_hooks(lambda t: packed.append(t) or len(packed) - 1, unpack):
        y = a * b
        z = a * a
        y / b  # keeps b once, though both formulas want it
    assert [t is a for t in packed] == [False, True, True, True, False, False] and packed[0] is packed[4] is b
    (y + z).sum().backward()
    assert unpacked == [2, 3, 0, 1] and a.grad.tolist() == [5.0, 8.0] and b.grad.tolist() == [1.0, 2.0]


def test_what_was_packed_goes_with_the_graph() -> None:
    class Packed:
        def __init__(self, t: gg.Tensor) -> None:
            self.t = t
            alive.append(self)

    alive: Any = []
    x = leaf(1.0, 2.0)
    with saved_tensors_hooks(Packed, lambda kept: kept.t):
        y = x.exp() * x
    alive = [weakref.ref(packed) for packed in alive]
    gc.disable()
    try:
        y.sum().backward()
        assert len(alive) == 3 and not any(ref() for ref in alive)
    finally:
        gc.enable()


def test_saved_tensors_hooks_can_be_forbidden() -> None:
    with disable_saved_tensors_hooks("not here"), pytest.raises(RuntimeError, match="not here"):
        with saved_tensors_hooks(lambda t: t, lambda t: t):
            pass


def test_hooks_of_modules() -> None:
    """Full backward hooks see and change what passes a module; the numbers are PyTorch's in the oracle tests."""
    gg.manual_seed(0)
    net = gg.nn.Sequential(gg.nn.Linear(3, 4), gg.nn.Tanh(), gg.nn.Linear(4, 2))
    x = gg.ones(5, 3)
    plain = gg.autograd.grad(net(x).sum(), net[0].weight)[0]
    seen = []
    first = net[1].register_full_backward_hook(lambda m, gi, go: seen.append((gi[0].shape, go[0].shape)))
    second = net[2].register_full_backward_hook(lambda m, gi, go: (gi[0] * 2,))
    third = net[2].register_full_backward_pre_hook(lambda m, go: (go[0] * 3,))
    np.testing.assert_allclose(gg.autograd.grad(net(x).sum(), net[0].weight)[0].numpy(), 6 * plain.numpy(), rtol=1e-6)
    assert seen == [((5, 4), (5, 4))]
    for handle in (first, second, third):
        handle.remove()
    np.testing.assert_array_equal(gg.autograd.grad(net(x).sum(), net[0].weight)[0].numpy(), plain.numpy())


def test_a_backward_hook_of_the_old_kind_sees_the_last_operation() -> None:
    net = gg.nn.Sequential(gg.nn.Linear(3, 4), gg.nn.ReLU())
    seen = []
    net[1].register_backward_hook(lambda m, gi, go: seen.append(go[0].shape) or (gi[0] * 2,))
    net[0].register_backward_hook(lambda m, gi, go: seen.append([g if g is None else g.shape for g in gi]))
    net(gg.ones(2, 3)).sum().backward()
    assert seen == [(2, 4), [(4,), None, (3, 4)]]
    with pytest.raises(RuntimeError, match="both regular backward hooks and full"):
        net[1].register_full_backward_hook(print)
    layer = gg.nn.Linear(3, 4)
    layer.register_backward_hook(lambda m, gi, go: (gi[0] * 2, None, None))
    layer(gg.ones(2, 3)).sum().backward()
    assert layer.bias.grad.tolist() == [4, 4, 4, 4] and layer.weight.grad is None
    norm = gg.nn.LayerNorm(3)
    norm.register_backward_hook(lambda m, gi, go: seen.append(go[0].shape) or gi[0])
    with pytest.raises(NotImplementedError, match="register_full_backward_hook"):
        norm(gg.ones(2, 3)).sum().backward()
    assert seen.pop() == (2, 3)


def test_hooks_of_every_module() -> None:
    from glassgrad.nn import hooks

    net = gg.nn.Sequential(gg.nn.Linear(2, 2), gg.nn.ReLU())
    names: list[str] = []
    handle = hooks.register_module_forward_hook(lambda m, args, out: names.append(type(m).__name__))
    net(gg.ones(1, 2))
    handle.remove()
    net(gg.ones(1, 2))
    assert names == ["Linear", "ReLU", "Sequential"]
    assert not hooks.anywhere, "calls are direct again"

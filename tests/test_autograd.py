"""The engine: what backward does to graphs, leaves and memory, whatever the operations."""

from __future__ import annotations

import gc
import threading
import weakref

import numpy as np
import pytest

import glassgrad as gg


def leaf(*values: float) -> gg.Tensor:
    return gg.tensor(list(values), dtype=gg.float64, requires_grad=True)


def test_a_node_used_twice() -> None:
    a = leaf(3.0)
    (a * a + a).sum().backward()
    assert a.grad.item() == 7.0


def test_a_diamond() -> None:
    a = leaf(2.0)
    b, c = a * 3, a * a
    (b * c).sum().backward()
    assert a.grad.item() == 9 * 2.0**2


def test_sixty_doublings() -> None:
    """2^60 paths: each node is visited once."""
    a = leaf(1.0)
    x = a
    for _ in range(60):
        x = x + x
    x.sum().backward()
    assert a.grad.item() == 2.0**60


def test_a_long_chain_is_built_walked_and_freed_without_recursion() -> None:
    done = []

    def chain() -> None:
        a = leaf(1.0)
        x = a
        for _ in range(50_000):
            x = x + 1.0
        x.sum().backward()
        del x
        done.append(a.grad.item())

    before = threading.stack_size(512 * 1024)
    try:
        thread = threading.Thread(target=chain)
        thread.start()
        thread.join()
    finally:
        threading.stack_size(before)
    assert done == [1.0]


def test_nothing_stays_alive_after_del() -> None:
    """No reference cycles: with the cyclic collector off, the graph goes with its last tensor."""
    gc.collect()
    gc.disable()
    try:
        a = leaf(1.0, 2.0)
        y = ((a * a).tanh().reshape(2, 1).sum(0) ** 2).max()
        watched = [weakref.ref(node) for node in walk_nodes(y)]
        view = y.reshape(1)
        del y, view
        assert len(watched) > 4
        assert [w() for w in watched] == [None] * len(watched)
    finally:
        gc.enable()


def walk_nodes(y: gg.Tensor) -> list[object]:
    found, stack = [], [y.grad_fn]
    while stack:
        node = stack.pop()
        found.append(node)
        stack += [n for n, _ in node.next_functions if n is not None and n.next_functions]
    return found


def test_second_backward() -> None:
    a = leaf(3.0)
    y = (a * a).sum()
    y.backward(retain_graph=True)
    y.backward()
    assert a.grad.item() == 12.0
    with pytest.raises(RuntimeError, match=r"second time(.|\n)*freed test_autograd.py"):
        y.backward()


def test_nothing_changes_when_backward_fails() -> None:
    a, b = leaf(1.0), leaf(2.0)
    y = a * b + b.exp()
    y.register_hook(lambda g: g * 1)
    (a * 5).sum().backward()

    def fail(g: gg.Tensor) -> None:
        raise ValueError("on purpose")

    z = a * b
    z.register_hook(fail)
    with pytest.raises(ValueError, match="on purpose"):
        (y + z + a).sum().backward()
    assert a.grad.item() == 5.0
    assert b.grad is None


def test_gradients_share_no_memory() -> None:
    a, b = leaf(1.0, 2.0), leaf(3.0, 4.0)
    seed = gg.tensor([1.0, 1.0], dtype=gg.float64)
    (a + b).backward(seed)
    a.grad.zero_()
    assert b.grad.tolist() == [1.0, 1.0] and seed.tolist() == [1.0, 1.0]
    c, d = leaf(1.0, 2.0), leaf(1.0)
    (c + d).sum().backward()
    c.grad.add_(1.0)
    assert c.grad.tolist() == [2.0, 2.0] and d.grad.item() == 2.0
    first, second = gg.autograd.grad((a + b).sum(), [a, b])
    first.zero_()
    assert second.tolist() == [1.0, 1.0]


def test_what_a_hook_keeps_is_not_the_gradient_itself() -> None:
    a = leaf(1.0, 2.0)
    kept = []
    a.register_hook(kept.append)
    (a * 2).sum().backward()
    a.grad.zero_()
    assert kept[0].tolist() == [2.0, 2.0]


def test_hooks_see_and_replace() -> None:
    a = leaf(2.0)
    y = a * 3
    handle = y.register_hook(lambda g: g * 10)
    seen = []
    a.register_hook(lambda g: seen.append(g.item()))
    y.sum().backward(retain_graph=True)
    assert a.grad.item() == 30.0 and seen == [30.0]
    handle.remove()
    a.grad = None
    y.sum().backward()
    assert a.grad.item() == 3.0
    with pytest.raises(RuntimeError, match="changed the size"):
        z = a * 1
        z.register_hook(lambda g: gg.zeros(3, dtype=gg.float64))
        z.sum().backward()


def test_retain_grad() -> None:
    a = leaf(2.0)
    y = a * 3
    y.retain_grad()
    (y * y).sum().backward()
    assert y.grad.item() == 12.0 and y.retains_grad
    with pytest.raises(RuntimeError, match="requires_grad=False"):
        gg.tensor([1.0]).retain_grad()


def test_grad_of_a_node_inside_and_of_an_unused_input() -> None:
    a, unused = leaf(2.0), leaf(1.0)
    y = a * 3
    z = (y * y).sum()
    g_y, g_a = gg.autograd.grad(z, [y, a], retain_graph=True)
    assert (g_y.item(), g_a.item()) == (12.0, 36.0)
    with pytest.raises(RuntimeError, match="allow_unused"):
        gg.autograd.grad(z, [unused], retain_graph=True)
    assert gg.autograd.grad(z, [unused], retain_graph=True, allow_unused=True) == (None,)
    (zero,) = gg.autograd.grad(z, [unused], materialize_grads=True)
    assert zero.tolist() == [0.0]
    assert a.grad is None


def test_grad_takes_only_inputs_and_any_collection() -> None:
    x = gg.tensor([1.0, 2.0], requires_grad=True)
    (g,) = gg.autograd.grad(outputs=x.square().sum(), inputs=x, only_inputs=True)
    (h,) = gg.autograd.grad(x.square(), {"x": x}.values(), (weight for weight in [gg.ones(2)]))
    assert g.tolist() == h.tolist() == [2.0, 4.0]
    with pytest.warns(FutureWarning, match="only_inputs"):
        gg.autograd.grad(x.sum(), x, None, None, False, False)


def test_third_derivative() -> None:
    a = leaf(2.0)
    y = (a**4).sum()
    for expected in (32.0, 48.0, 48.0, 24.0):
        (g,) = gg.autograd.grad(y, a, create_graph=True)
        assert g.item() == pytest.approx(expected, rel=1e-14)
        y = g.sum()


def test_backward_into_chosen_leaves_only() -> None:
    a, b = leaf(2.0), leaf(3.0)
    (a * b).sum().backward(inputs=[a])
    assert a.grad.item() == 3.0 and b.grad is None


@pytest.mark.parametrize(
    "call, error, words",
    [
        (lambda: gg.tensor([1.0, 2.0], requires_grad=True).backward(), RuntimeError, "only for scalar outputs"),
        (lambda: gg.tensor(1.0).backward(), RuntimeError, "does not require grad"),
        (lambda: gg.tensor([1, 2], requires_grad=True), RuntimeError, "floating point"),
        (lambda: leaf(1.0).sum().backward(gg.zeros(2)), RuntimeError, "Mismatch in shape"),
        (lambda: (leaf(1.0) * 2).requires_grad_(False), RuntimeError, "leaf variables"),
        (lambda: leaf(1.0).add_(1), RuntimeError, "leaf Variable"),
        (lambda: leaf(1.0)[:1].add_(1), RuntimeError, "view of a leaf"),
        (lambda: leaf(1.0).numpy(), RuntimeError, "detach"),
        (lambda: gg.autograd.grad(leaf(1.0).sum(), gg.tensor(1.0)), RuntimeError, "does not require grad"),
    ],
)
def test_mistakes(call: object, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        call()  # type: ignore[operator]


def test_a_saved_value_changed_in_place_is_detected() -> None:
    a = leaf(1.0, 2.0)
    b = a * 1
    y = b * b
    b.add_(1)
    with pytest.raises(
        RuntimeError,
        match=r"modified by an inplace operation(.|\n)*saved by \w+: test_autograd.py.*\n  changed test_autograd.py",
    ):
        y.sum().backward()
    c = a * 1
    y = c.exp()
    c.zero_()  # exp keeps its result, not its input
    y.sum().backward()
    w = leaf(1.0)
    y = a * w
    with gg.no_grad():
        w.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


def test_in_place_through_a_view_reaches_the_base() -> None:
    a, w = leaf(1.0, 2.0, 3.0, 4.0), leaf(10.0)
    b = a * 1
    row = b.reshape(2, 2)[1]
    row.mul_(w)
    (b * b).sum().backward()
    assert a.grad.tolist() == [2.0, 4.0, 600.0, 800.0]
    assert w.grad.item() == 2 * 10 * (9 + 16)
    assert b.tolist() == [1.0, 2.0, 30.0, 40.0]


def test_grad_modes() -> None:
    a = leaf(1.0)
    with gg.no_grad():
        assert not (a * 2).requires_grad
        with gg.enable_grad():
            assert (a * 2).requires_grad

    @gg.no_grad()
    def without() -> bool:
        return (a * 2).requires_grad

    @gg.no_grad
    def bare() -> bool:
        return (a * 2).requires_grad

    assert not without() and not bare()
    with gg.inference_mode():
        assert gg.is_inference_mode_enabled() and not (a * 2).requires_grad
        with gg.inference_mode(False):
            assert not gg.is_inference_mode_enabled() and (a * 2).requires_grad
    gg.set_grad_enabled(False)
    assert not (a * 2).requires_grad
    gg.set_grad_enabled(True)
    with gg.set_grad_enabled(False):
        assert not gg.is_grad_enabled()
    assert gg.is_grad_enabled()


def test_no_grad_in_one_thread_is_not_in_another() -> None:
    seen = []
    with gg.no_grad():
        thread = threading.Thread(target=lambda: seen.append(gg.is_grad_enabled()))
        thread.start()
        thread.join()
    assert seen == [True]


def test_numpy_is_shared_and_detach_sees_writes() -> None:
    a = gg.tensor([1.0, 2.0])
    a.numpy()[0] = 5.0
    assert a.tolist() == [5.0, 2.0]
    b = leaf(1.0) * 1
    y = b * b
    b.detach().add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()
    shared = gg.from_numpy(np.arange(3.0))
    assert shared.dtype == gg.float64


def test_a_python_number_keeps_its_precision() -> None:
    assert gg.tensor(0.1, dtype=gg.float64).item() == 0.1
    assert gg.tensor([[0.1]], dtype=gg.float64).tolist() == [[0.1]]
    assert gg.tensor(0.1).dtype is gg.float32


def test_the_gradient_of_a_cast_comes_back_in_the_dtype_of_the_input() -> None:
    a = leaf(1.0, 2.0)
    y = (a.float() * 3).sum()
    assert y.dtype is gg.float32
    (g,) = gg.autograd.grad(y, a, create_graph=True)
    assert g.dtype is gg.float64 and g.tolist() == [3.0, 3.0]
    b = gg.tensor([1.0, 2.0], requires_grad=True)
    (b.double() ** 2).sum().backward()
    assert b.grad.dtype is gg.float32 and b.grad.tolist() == [2.0, 4.0]
    assert not a.long().requires_grad
    cast = gg.core.op.REGISTRY["cast"]
    pushed = cast.push([a.array], [np.ones(2)], {"dtype": gg.float32, "source": gg.float64}, a.array)
    assert pushed.dtype == np.float32 and pushed.tolist() == [1.0, 1.0]


def test_a_draw_hangs_on_the_graph_with_gradient_zero() -> None:
    p = leaf(0.0, 1.0)
    y = gg.bernoulli(p)
    y.sum().backward()
    assert y.tolist() == [0.0, 1.0] and p.grad.tolist() == [0.0, 0.0]


def test_training_leaves_no_garbage() -> None:
    """With the cyclic collector off, thirty steps leave nothing for it to find."""
    model = gg.nn.Sequential(
        gg.nn.Linear(4, 8), gg.nn.BatchNorm1d(8), gg.nn.ReLU(), gg.nn.Dropout(0.2), gg.nn.Linear(8, 3)
    )
    optimizer = gg.optim.Adam(model.parameters())

    def step() -> None:
        loss = gg.nn.functional.cross_entropy(model(gg.randn(5, 4)), gg.randint(0, 3, (5,)))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    step()
    gc.collect()
    gc.disable()
    try:
        for _ in range(30):
            step()
        assert gc.collect() == 0
    finally:
        gc.enable()


# --- looking at the graph ---


def test_a_number_before_the_operator_is_the_second_input() -> None:
    x = leaf(1.0)
    for y in (2 * x, 2 + x, x * 2, x + 2):
        assert [n and n.name() for n, _ in y.grad_fn.next_functions] == ["torch::autograd::AccumulateGrad", None]
    y = gg.tensor([2.0]) * x
    assert [n and n.name() for n, _ in y.grad_fn.next_functions] == [None, "torch::autograd::AccumulateGrad"]


def test_what_is_kept_has_pytorchs_names() -> None:
    a, b = leaf(1.0, 2.0), leaf(3.0)
    y = a * b  # broadcast
    assert y.grad_fn._saved_self is a and y.grad_fn._saved_other is b
    y = (a * 1).exp()
    assert y.grad_fn._saved_result.equal(y) and y.grad_fn._saved_result.requires_grad
    with pytest.raises(AttributeError, match="no attribute '_saved_other'"):
        _ = y.grad_fn._saved_other
    with pytest.raises(AttributeError, match="no attribute 'metadata_of_mine'"):
        _ = y.grad_fn.metadata_of_mine
    y.sum().backward()
    with pytest.raises(RuntimeError, match="already been freed"):
        _ = y.grad_fn._saved_result

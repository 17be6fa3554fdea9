"""Gradients that are sparse: what they hold is what the dense ones hold, on every way to a leaf."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import glassgrad as gg

F = gg.nn.functional
AT = [[1, 2, 1], [4, 0, 2]]
CALLS: dict[str, Callable[[Any, bool], Any]] = {
    "embedding": lambda w, sparse: F.embedding(gg.tensor(AT), w, sparse=sparse),
    "int32": lambda w, sparse: F.embedding(gg.tensor(AT, dtype=gg.int32), w, sparse=sparse),
    "padding": lambda w, sparse: F.embedding(gg.tensor(AT), w, padding_idx=1, sparse=sparse),
    "nothing": lambda w, sparse: F.embedding(gg.zeros(0, dtype=gg.int64), w, sparse=sparse),
    "bag of sums": lambda w, sparse: F.embedding_bag(gg.tensor(AT), w, mode="sum", sparse=sparse),
    "bag of means": lambda w, sparse: F.embedding_bag(gg.tensor(AT), w, padding_idx=2, sparse=sparse),
    "weighted": lambda w, sparse: F.embedding_bag(
        gg.tensor(AT[0]),
        w,
        gg.tensor([0, 1]),
        mode="sum",
        sparse=sparse,
        per_sample_weights=gg.tensor([1.0, -2.0, 3.0]),
    ),
    "gather": lambda w, sparse: w.gather(1, gg.tensor([[0, 1], [1, 1]]), sparse_grad=sparse),
    "gather rows": lambda w, sparse: w.gather(0, gg.tensor([[0, 1, 1], [4, 1, 0]]), sparse_grad=sparse),
}


def table() -> Any:
    return gg.arange(15.0).reshape(5, 3).sin().requires_grad_()


def loss(y: Any) -> Any:
    return (y * gg.arange(float(y.numel())).reshape(y.shape)).sum()


@pytest.mark.parametrize("name", CALLS)
def test_the_same_as_dense(name: str) -> None:
    found = []
    for sparse in (True, False):
        w = table()
        for _ in range(2):  # the second time added to what is there
            loss(CALLS[name](w, sparse)).backward()
        assert w.grad.is_sparse is sparse and w.grad.dtype == w.dtype
        (g,) = gg.autograd.grad(loss(CALLS[name](w, sparse)), w)
        assert g.is_sparse is sparse
        found.append([w.grad.to_dense().numpy(), g.to_dense().numpy()])
    np.testing.assert_allclose(found[0], found[1], 1e-6)


@pytest.mark.parametrize("first", [True, False])
def test_beside_a_dense_one(first: bool) -> None:
    w, at = table(), gg.tensor([1, 1])
    parts = [lambda: F.embedding(at, w, sparse=True).sum(), lambda: (w * 3).sum()]
    a, b = (part() for part in (parts if first else parts[::-1]))
    (a + b).backward()  # summed on the way
    assert not w.grad.is_sparse
    w.grad = None
    for part in parts if first else parts[::-1]:  # and in the leaf
        part().backward()
    assert not w.grad.is_sparse
    assert w.grad.tolist() == [[3.0] * 3, [5.0] * 3, *[[3.0] * 3] * 3]


def test_of_what_is_no_leaf_it_is_dense() -> None:
    w = table()
    F.embedding(gg.tensor([1]), w * 2, sparse=True).sum().backward()
    assert not w.grad.is_sparse and w.grad[1].tolist() == [2.0] * 3


def test_a_second_derivative() -> None:
    w = table()
    (g,) = gg.autograd.grad(F.embedding(gg.tensor([1, 1]), w, sparse=True).pow(3).sum(), w, create_graph=True)
    g.to_dense().sum().backward()
    np.testing.assert_allclose(w.grad.to_dense()[1].tolist(), (12 * w[1]).tolist(), 1e-6)


def test_hooks_see_it_and_may_replace_it() -> None:
    w, seen = table(), []
    w.register_hook(lambda g: seen.append(g.is_sparse) or g * 2)
    F.embedding(gg.tensor([3]), w, sparse=True).sum().backward()
    assert seen == [True] and w.grad.to_dense()[3].tolist() == [2.0] * 3


def test_zeroed() -> None:
    layer = gg.nn.Embedding(5, 3, sparse=True)
    optimizer = gg.optim.SGD(layer.parameters(), lr=1.0)
    for zero in (layer.zero_grad, optimizer.zero_grad):
        layer(gg.tensor([3])).sum().backward()
        zero(set_to_none=False)
        assert layer.weight.grad.is_sparse and layer.weight.grad._nnz() == 0


@pytest.mark.parametrize(
    "make",
    [
        lambda p: gg.optim.SGD(p, lr=0.1),
        lambda p: gg.optim.SGD(p, lr=0.1, maximize=True),
        lambda p: gg.optim.SGD(p, lr=0.1, momentum=0.9, dampening=0.5),
        lambda p: gg.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, maximize=True),
        lambda p: gg.optim.Adagrad(p, lr=0.1, lr_decay=0.1, initial_accumulator_value=0.5),
        lambda p: gg.optim.LBFGS(p, lr=0.1, max_iter=3),
    ],
)
def test_steps_as_with_dense_gradients(make: Callable[[Any], Any]) -> None:
    """Where a dense gradient of 0 changes nothing, a sparse one trains the same."""
    found = []
    for sparse in (True, False):
        w = table()
        optimizer = make([w])

        def closure() -> Any:
            optimizer.zero_grad()  # noqa: B023
            value = loss(F.embedding(gg.tensor(AT), w, sparse=sparse).sin())  # noqa: B023
            value.backward()
            return value

        for _ in range(4):
            optimizer.step(closure)
        found.append(w.detach().numpy())
    np.testing.assert_allclose(found[0], found[1], 1e-5, 1e-6)


def test_sparse_adam_leaves_the_other_rows_alone() -> None:
    w = table()
    before = w.detach().clone()
    optimizer = gg.optim.SparseAdam([w], lr=0.1)
    for at in ([0, 0, 3], [3]):
        w.grad = None
        F.embedding(gg.tensor(at), w, sparse=True).sum().backward()
        optimizer.step()
    changed = [i for i in range(5) if (w[i] != before[i]).any()]
    assert changed == [0, 3] and optimizer.state[w]["step"] == 2
    again = gg.optim.SparseAdam([table()], lr=0.1)
    again.load_state_dict(optimizer.state_dict())
    assert again.state_dict()["state"][0]["exp_avg"].equal(optimizer.state[w]["exp_avg"])
    with pytest.raises(RuntimeError, match="does not support dense gradients"):
        (w * 2).sum().backward()
        optimizer.step()


@pytest.mark.parametrize("name", ["ASGD", "Adadelta", "Adam", "AdamW", "Adamax", "NAdam", "RAdam", "RMSprop", "Rprop"])
def test_the_others_refuse_it(name: str) -> None:
    w = table()
    F.embedding(gg.tensor([1]), w, sparse=True).sum().backward()
    with pytest.raises(RuntimeError, match="does not support sparse gradients"):
        getattr(gg.optim, name)([w]).step()


def test_refused() -> None:
    w = table()
    with pytest.raises(RuntimeError, match="scale_grad_by_freq not supported with sparse gradients"):
        F.embedding(gg.tensor([1]), w, scale_grad_by_freq=True, sparse=True).sum().backward()
    with pytest.raises(ValueError, match="max mode does not support sparse weights"):
        F.embedding_bag(gg.tensor([[1]]), w, mode="max", sparse=True)
    F.embedding(gg.tensor([1]), w, sparse=True).sum().backward()
    with pytest.raises(RuntimeError, match="not compatible with sparse gradients"):
        gg.optim.Adagrad([w], weight_decay=0.1).step()
    with pytest.raises(RuntimeError, match=r"add\(sparse, dense\)"):
        gg.optim.SGD([w], weight_decay=0.1).step()
    with pytest.raises(NotImplementedError):
        gg.nn.utils.clip_grad_norm_([w], 1.0)

"""Indexing, gathering and creating against torch: random indices, values without a gradient there, refusals."""

from __future__ import annotations

import random
import warnings
from typing import Any

import numpy as np
import pytest

import glassgrad as gg
import glassgrad.nn.functional

torch = pytest.importorskip("torch")


def same(ours: Any, theirs: Any, what: str = "") -> None:
    assert tuple(ours.shape) == tuple(theirs.shape), what
    assert str(ours.dtype).split(".")[-1] == str(theirs.dtype).split(".")[-1], what
    np.testing.assert_array_equal(ours.detach().numpy(), theirs.detach().numpy(), err_msg=what)


def both(call: Any) -> None:
    same(call(gg), call(torch))


# --- random indices: read, write, gradients ---


def random_index(rng: random.Random, shape: tuple[int, ...]) -> Any:
    """A function of the library that makes an index for a tensor of this shape."""
    made: list[Any] = []
    dim, free = 0, True
    while dim < len(shape) and rng.random() < 0.9:
        n = shape[dim]
        kind = rng.randrange(9)
        if kind == 0:
            i = rng.randrange(-n, n)
            made.append(lambda m, i=i: i)
        elif kind in (1, 2):
            start, stop, step = rng.randint(-n, n), rng.randint(-n - 1, n + 1), rng.choice([None, 1, 2])
            part = slice(rng.choice([None, start]), rng.choice([None, stop]), step)
            made.append(lambda m, part=part: part)
        elif kind == 3:
            made.append(lambda m: None)
            continue
        elif kind == 4 and free:
            made.append(lambda m: ...)
            free, dim = False, rng.randint(dim, len(shape))
            continue
        elif kind == 5:
            mask = [rng.random() < 0.5 for _ in range(n)]
            mask = [True] * 2 + [False] * (n - 2) if n >= 2 else [True]  # as long as the other index arrays
            made.append(lambda m, mask=mask: m.tensor(mask))
        elif kind == 6:
            rows = [rng.randrange(-n, n) for _ in range(min(2, n))]
            made.append(lambda m, rows=rows: rows)
        else:
            rows = [rng.randrange(-n, n) for _ in range(min(2, n))]
            array = np.array(rows if kind == 7 else [rows, rows])
            made.append(lambda m, array=array: m.tensor(array))
        dim += 1
    return lambda m: tuple([make(m) for make in made])


@pytest.mark.parametrize("block", range(6))
def test_random_indices(block: int) -> None:
    for seed in range(block * 100, block * 100 + 100):
        rng = random.Random(seed)
        shape = tuple(rng.randint(2, 4) for _ in range(rng.randint(1, 4)))
        at = random_index(rng, shape)
        values = np.random.default_rng(seed).uniform(-1, 1, shape)
        found = []
        for m in (gg, torch):
            x = m.tensor(values).requires_grad_()
            index = at(m)
            y = x[index]
            (y * y).sum().backward()
            written, more = (x * 1), m.tensor(values * 0 + 2.0).requires_grad_()
            written[index] = more[index] * y.detach() if 0 not in y.shape else 1.5
            number = x.detach().clone()
            number[index] = -3.25
            (written * written).sum().backward()
            shared = number.numpy()
            found.append((y, x.grad, written, more.grad, number, y._base is not None, index, shared))
        ours, theirs = found
        what = f"seed {seed}: {shape}, {ours[6]}"
        assert ours[5] == theirs[5], f"one is a view: {what}"
        for a, b in zip(ours[:5], theirs[:5], strict=True):
            assert (a is None) == (b is None), what
            if a is not None:
                assert tuple(a.shape) == tuple(b.shape), what
                # Where a place is written twice, which value stays is not said: values are equal there.
                np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=1e-12, atol=1e-12, err_msg=what)


def test_a_list_of_lists_is_a_tuple_of_indices() -> None:
    values = np.arange(6.0).reshape(2, 3)
    for m in (gg, torch):
        with pytest.warns(UserWarning, match="non-tuple sequence"):
            assert m.tensor(values)[[[0, 1], [1, 0]]].tolist() == [1.0, 3.0]


# --- values of what PyTorch has no gradient for, or warns about ---

SMALL, WIDE = np.array([[4, 0], [1, 2]]), np.array([[0, 2, 1, 0, 2], [1, 1, 0, 0, 0]])
TABLE = np.random.default_rng(0).uniform(-1, 1, (3, 5))


@pytest.mark.parametrize("call", [
    lambda m, x, s, w: x.scatter(1, s, m.tensor(TABLE + 1)),
    lambda m, x, s, w: x.scatter(1, m.tensor([], dtype=m.int64), m.tensor(TABLE + 1)),
    lambda m, x, s, w: x.scatter(0, w, m.tensor(TABLE[:2]), reduce="add"),
    lambda m, x, s, w: x.scatter(0, w, m.tensor(TABLE[:2]), reduce="multiply"),
    lambda m, x, s, w: x.scatter(1, s, 2.5),
    lambda m, x, s, w: x.scatter_add(1, s, m.tensor(TABLE + 1)),
    lambda m, x, s, w: x.index_reduce(0, m.tensor([2, 0, 2]), m.tensor(TABLE), "amax"),
    lambda m, x, s, w: x.index_reduce(0, m.tensor([2, 0, 2]), m.tensor(TABLE), "mean", include_self=False),
    lambda m, x, s, w: x.long().scatter_reduce(0, w, m.tensor(TABLE[:2] * 9).long(), "amin"),
    lambda m, x, s, w: x.long().scatter_reduce(0, w, m.tensor(TABLE[:2] * 9).long(), "mean"),
    lambda m, x, s, w: x.clone().index_put_((m.tensor([0, 0]),), m.tensor(TABLE[:2]), True),
    lambda m, x, s, w: x.clone().scatter_(1, s, 1.0),
    lambda m, x, s, w: x.clone().index_add_(0, m.tensor([1, 1]), m.tensor(TABLE[:2]), alpha=3),
    lambda m, x, s, w: x.clone().masked_scatter_(x > 0, m.tensor(TABLE)),
    lambda m, x, s, w: x.clone().index_fill_(1, m.tensor([-1, 0]), 7.0),
    lambda m, x, s, w: m.tensor([3, 1, 2]).scatter_(0, m.tensor([0]), m.tensor([9])),
])  # fmt: skip
def test_values(call: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ours, theirs = (call(m, m.tensor(TABLE), m.tensor(SMALL), m.tensor(WIDE)) for m in (gg, torch))
    np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-14)


def test_ties_share_the_gradient_of_an_extreme() -> None:
    grads = []
    for m in (gg, torch):
        x = m.tensor([1.0, 2.0, 0.0], dtype=m.float64, requires_grad=True)
        src = m.tensor([1.0, 1.0, 2.0, 5.0], dtype=m.float64, requires_grad=True)
        y = x.scatter_reduce(0, m.tensor([0, 0, 1, 2]), src, "amax")
        grads.append([g.tolist() for g in m.autograd.grad((y * y).sum(), [x, src])])
    assert grads[0] == grads[1] == [[2 / 3, 2.0, 0.0], [2 / 3, 2 / 3, 2.0, 10.0]]


@pytest.mark.parametrize("zeros", [[0], [0, 1], [0, 3]])
def test_products_with_zeros(zeros: list[int]) -> None:
    grads = []
    for m in (gg, torch):
        x = m.tensor([1.5, 2.0], dtype=m.float64, requires_grad=True)
        values = np.array([3.0, 4.0, 5.0, 7.0])
        values[zeros] = 0
        src = m.tensor(values, requires_grad=True)
        y = x.scatter_reduce(0, m.tensor([0, 0, 0, 1]), src, "prod")
        grads.append([g.tolist() for g in m.autograd.grad(y.sum(), [x, src])])
    assert grads[0] == grads[1]


def test_padding_row_of_an_embedding_gets_no_gradient() -> None:
    grads = []
    for m in (gg, torch):
        table = m.tensor(TABLE, requires_grad=True)
        y = m.nn.functional.embedding(m.tensor([1, 0, 1, 2]), table, padding_idx=1)
        (y * y).sum().backward()
        grads.append(table.grad)
    same(*grads)


def test_rows_with_infinite_gradients_do_not_mix() -> None:
    """The product with a one-hot matrix would make NaN of 0 * inf in rows that have nothing to do with it."""
    grads = []
    for m in (gg, torch):
        table = m.zeros(4, 16, dtype=m.float64).requires_grad_()
        y = table[m.tensor([0, 2, 0])]
        y.backward(m.tensor(np.array([[1.0] * 16, [np.inf] * 16, [2.0] * 16])))
        grads.append(table.grad)
    same(*grads)


# --- refusals: the same exception type ---

X = np.arange(6.0).reshape(2, 3)

REFUSED = [
    lambda m, x: x[1.0], lambda m, x: x[m.tensor(1.0)], lambda m, x: x[0, 0, 0], lambda m, x: x[5],
    lambda m, x: x[::-1], lambda m, x: m.tensor(1.0)[0], lambda m, x: x[m.tensor([True, False, True])],
    lambda m, x: x[m.tensor([0, 5])], lambda m, x: x[m.tensor([0, 1]), m.tensor([0, 1, 2])],
    lambda m, x: x.view(4), lambda m, x: x.t().view(6), lambda m, x: x.view(-1, -1),
    lambda m, x: x.view(-2, 3),
    lambda m, x: m.zeros(0).view(-1, 0), lambda m, x: x.view(-1, 4), lambda m, x: x.reshape(4, 2),
    lambda m, x: x.expand(3, 3), lambda m, x: x.expand(3), lambda m, x: x.permute(0, 0),
    lambda m, x: x.permute(0),
    lambda m, x: x.transpose(0, 2), lambda m, x: x[0].expand(3, 3).add_(1),
    lambda m, x: x.unflatten(1, (2, 2)),
    lambda m, x: x.squeeze(4), lambda m, x: x.select(0, 4), lambda m, x: x.narrow(0, 1, 3),
    lambda m, x: x.narrow(0, 4, 1), lambda m, x: x.split(0), lambda m, x: x.split([1, 2]),
    lambda m, x: x.chunk(0),
    lambda m, x: m.cat([x, x[0]]), lambda m, x: m.cat([]), lambda m, x: m.cat([x, x.T]),
    lambda m, x: m.cat(x),
    lambda m, x: m.stack([x, x.T]), lambda m, x: m.stack([]), lambda m, x: m.cat([m.tensor(1.0)]),
    lambda m, x: x.gather(1, m.tensor([[-1]])), lambda m, x: x.gather(1, m.tensor([0])),
    lambda m, x: x.gather(1, m.tensor([[0.0]])), lambda m, x: x.gather(1, m.tensor([[0], [0], [0]])),
    lambda m, x: x.scatter_add(1, m.tensor([[0]]), m.tensor([[1]])),
    lambda m, x: x.scatter(1, m.tensor([[3]]), 1.0),
    lambda m, x: x.index_select(0, m.tensor([2])), lambda m, x: x.index_select(0, m.tensor([[0]])),
    lambda m, x: x.index_add(0, m.tensor([0]), x), lambda m, x: x.take(m.tensor([6])),
    lambda m, x: x.masked_select(m.tensor([1, 0, 1])),
    lambda m, x: x.masked_scatter(x > 0, m.zeros(1, dtype=x.dtype)),
    lambda m, x: x.topk(4), lambda m, x: x.kthvalue(0), lambda m, x: x.sort(2), lambda m, x: m.tril(x[0]),
    lambda m, x: x.diagonal(0, 1, 1), lambda m, x: x.unfold(1, 4, 1), lambda m, x: x.unfold(1, 2, 0),
    lambda m, x: x.flip(0, 0), lambda m, x: x.roll((1, 2), 0), lambda m, x: m.rot90(x, 1, (0, 0)),
    lambda m, x: x.repeat(2), lambda m, x: x.repeat_interleave(-1), lambda m, x: m.diag(x[None]),
    lambda m, x: x.hsplit(2), lambda m, x: x.tensor_split(0), lambda m, x: m.movedim(x, (0, 1), (0,)),
    lambda m, x: x.sum_to_size(5), lambda m, x: x.flatten(1, 0), lambda m, x: x[0].mT, lambda m, x: x[None].H,
    lambda m, x: x.__setitem__(m.tensor([0]), m.ones(3, dtype=m.float32)),
    lambda m, x: x.__setitem__(0, [1, 2, 3]),
    lambda m, x: x.__setitem__(0, np.ones(3)), lambda m, x: x.__setitem__(0, m.ones(4)),
    lambda m, x: x.__setitem__(m.tensor([0, 1]), m.ones(4, dtype=x.dtype)),
    lambda m, x: m.zeros(2, dtype=m.uint8).__setitem__(0, 300),
    lambda m, x: m.zeros(2, dtype=m.int64).fill_(float("nan")),
    lambda m, x: x.fill_(m.ones(2)), lambda m, x: x.copy_(m.ones(4)), lambda m, x: x.requires_grad_().t_(),
    lambda m, x: m.nn.functional.embedding(m.tensor([2]), x),
    lambda m, x: m.nn.functional.embedding(m.tensor([1.0]), x),
    lambda m, x: m.nn.functional.one_hot(m.tensor([3]), 2),
    lambda m, x: m.nn.functional.one_hot(m.tensor([-1])),
    lambda m, x: m.nn.functional.pad(x, (1,)), lambda m, x: m.nn.functional.pad(x, (3, 0), mode="reflect"),
    lambda m, x: m.nn.functional.pad(x, (-2, -2)), lambda m, x: m.nn.functional.pad(x, (1, 1), mode="mirror"),
    lambda m, x: m.arange(0, 5, -1), lambda m, x: m.arange(0, 1, 0), lambda m, x: m.zeros(-1),
    lambda m, x: m.eye(-1),
    lambda m, x: m.linspace(0, 1, -1), lambda m, x: m.from_numpy([1.0]), lambda m, x: m.from_numpy(X[::-1]),
    lambda m, x: m.randint(5, 3, (2,)),
    lambda m, x: m.rand(2, dtype=m.int64), lambda m, x: m.normal(m.zeros(2), -1.0),
    lambda m, x: m.poisson(-x - 1),
    lambda m, x: m.multinomial(x[0], 5), lambda m, x: m.multinomial(x[None], 1),
    lambda m, x: x.bernoulli_(2.0),
    lambda m, x: m.randperm(-1), lambda m, x: x.uniform_(2, 1),
]  # fmt: skip


@pytest.mark.parametrize("k", range(len(REFUSED)))
def test_refusals(k: int) -> None:
    with pytest.raises(Exception) as theirs:
        REFUSED[k](torch, torch.tensor(X.copy()))
    with pytest.raises(type(theirs.value)) as ours:
        REFUSED[k](gg, gg.tensor(X.copy()))
    assert len(str(ours.value)) > 20


# --- creation ---


@pytest.mark.parametrize("call", [
    lambda m: m.arange(0.1, 7, 0.3), lambda m: m.arange(5, dtype=m.float64) / 3,
    lambda m: m.linspace(-2.2, 9.1, 1001),
    lambda m: m.linspace(0, 1, 17, dtype=m.float64), lambda m: m.zeros(2, 3).t().new_ones(2),
    lambda m: m.empty_strided((2, 3), (1, 2)).fill_(1.0), lambda m: m.full_like(m.zeros(2), True),
    lambda m: m.FloatTensor([1, 2]), lambda m: m.LongTensor([[1, 2]]),
    lambda m: m.zeros(3, 2).t().new_tensor([1, 2]),
    lambda m: m.as_tensor(np.arange(3)), lambda m: m.asarray([True, False]),
    lambda m: m.frombuffer(bytes(8), dtype=m.int32),
    lambda m: m.scalar_tensor(2), lambda m: m.full((2,), m.tensor(2)), lambda m: m.tril_indices(4, 3, 1),
])  # fmt: skip
def test_creation(call: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ours, theirs = call(gg), call(torch)
    assert tuple(ours.stride()) == tuple(theirs.stride())
    assert str(ours.dtype).split(".")[-1] == str(theirs.dtype).split(".")[-1]
    np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-6)


def test_dlpack_both_ways() -> None:
    theirs = torch.arange(4.0)
    ours = gg.from_dlpack(theirs)
    ours[0] = 7.0
    assert theirs.tolist() == [7.0, 1.0, 2.0, 3.0]
    back = torch.from_dlpack(ours)
    back[1] = 9.0
    assert ours.tolist() == [7.0, 9.0, 2.0, 3.0]


def test_strides_are_torchs() -> None:
    for call in (
        lambda x: x.t(), lambda x: x[:, ::2], lambda x: x[1], lambda x: x.t().clone(), lambda x: x.t().contiguous(),
        lambda x: x.expand(2, 3, 4), lambda x: x.unfold(1, 2, 1), lambda x: x.diagonal(),
        lambda x: x.view(2, 6, 1).squeeze(), lambda x: x[:, 1:3].reshape(-1), lambda x: x.permute(1, 0).flatten(),
    ):  # fmt: skip
        ours, theirs = call(gg.zeros(3, 4)), call(torch.zeros(3, 4))
        assert tuple(ours.stride()) == theirs.stride()
        assert ours.storage_offset() == theirs.storage_offset()

"""Views: what shares memory, what doesn't, and what happens to gradients when a view is written to."""

from __future__ import annotations

import numpy as np
import pytest

import glassgrad as gg

X = np.arange(24.0).reshape(2, 3, 4)

VIEWS = [
    lambda x: x.view(6, 4), lambda x: x.reshape(-1), lambda x: x.permute(2, 0, 1),
    lambda x: x.transpose(0, 1),
    lambda x: x[0].t(), lambda x: x.mT, lambda x: x.unsqueeze(1), lambda x: x[:1].squeeze(),
    lambda x: x[:1].expand(5, 3, 4),
    lambda x: x.flatten(1), lambda x: x.unflatten(2, (2, 2)), lambda x: x.movedim(0, 2),
    lambda x: x[0], lambda x: x[..., 1],
    lambda x: x[0, 1, 2], lambda x: x[:, ::2], lambda x: x[None], lambda x: x[...], lambda x: x.select(1, 2),
    lambda x: x.narrow(1, 1, 1), lambda x: x.unbind(1)[0], lambda x: x.split(2, 2)[1],
    lambda x: x.chunk(2, 2)[0],
    lambda x: x.diagonal(), lambda x: x.unfold(2, 2, 1), lambda x: x.as_strided((2, 2), (1, 2), 3),
    lambda x: x.view_as(x),
    lambda x: x.ravel(), lambda x: x.contiguous().view(-1), lambda x: x.tensor_split(2)[1],
    lambda x: x.view(gg.int64),
]  # fmt: skip

COPIES = [
    lambda x: x.clone(), lambda x: x.mT.contiguous(), lambda x: x.mT.reshape(-1), lambda x: x[[0, 1]],
    lambda x: x[x > -1],
    lambda x: x.flip(0), lambda x: x.roll(1), lambda x: x.repeat(1, 1, 1), lambda x: gg.cat([x]),
    lambda x: gg.stack([x]),
    lambda x: x.gather(0, gg.zeros(1, 1, 1, dtype=gg.int64)), lambda x: x.tril(),
    lambda x: gg.atleast_1d(x) + 0,
]  # fmt: skip


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_shares_memory(view: object) -> None:
    x = gg.tensor(X)
    y = view(x)
    assert y._base is x and np.shares_memory(y.array, x.array)
    with gg.no_grad():
        y.array[...] = 0
    assert (x.array == 0).any()
    x.add_(1)
    assert y._version == x._version == 1


@pytest.mark.parametrize("copy", COPIES)
def test_a_copy_does_not(copy: object) -> None:
    x = gg.tensor(X)
    y = copy(x)
    assert y._base is None and not np.shares_memory(y.array, x.array)


def test_a_view_of_a_view_has_the_first_base() -> None:
    x = gg.zeros(2, 3)
    assert x[0][1:].view(2, 1)._base is x


def test_writing_to_a_view_changes_the_gradient_of_its_base() -> None:
    w = gg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    x = w * 2
    x[1] = w[0] * w[2]
    (x * gg.tensor([1.0, 10.0, 100.0])).sum().backward()
    assert w.grad.tolist() == [2.0 + 10 * 3, 0.0, 200.0 + 10 * 1]


def test_a_view_made_before_the_change_sees_it() -> None:
    w = gg.tensor([1.0, 2.0], requires_grad=True)
    x = w * 1
    v = x[0]
    x.mul_(3)
    assert v.item() == 3.0
    v.backward()
    assert w.grad.tolist() == [3.0, 0.0]


def test_several_views_made_at_once_are_not_changed_in_place() -> None:
    x = gg.ones(4, requires_grad=True) * 1
    for part in (x.unbind()[0], x.split(2)[0], x.chunk(2)[1], x.split(2)[0][0]):
        with pytest.raises(RuntimeError, match="multiple views"):
            part.mul_(2)
    gg.ones(4).split(2)[0].mul_(2)  # without a gradient they are


def test_the_gradients_of_several_views_are_joined() -> None:
    x = gg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    a, _, c = x.unbind()
    (a * 2 + c * c).backward()
    assert x.grad.tolist() == [2.0, 0.0, 6.0]


def test_an_expanded_tensor_is_not_written_to() -> None:
    x = gg.zeros(3, 1).expand(3, 4)
    with pytest.raises(RuntimeError, match="single memory location"):
        x.add_(1)
    x[1, 0] = 5.0  # one place
    assert x.tolist()[1] == [5.0] * 4


def test_changing_the_shape_in_place() -> None:
    w = gg.tensor([[1.0, 2.0, 3.0]], requires_grad=True)
    x = w * 2
    x.t_().squeeze_(1).unsqueeze_(0).transpose_(0, 1)
    assert x.shape == (3, 1) and x._version == 4
    (x * gg.tensor([[1.0], [2.0], [3.0]])).sum().backward()
    assert w.grad.tolist() == [[2.0, 4.0, 6.0]]


def test_a_view_whose_base_turned_is_refused_after_a_change() -> None:
    x = gg.ones(2, 2, requires_grad=True) * 1
    v = x[0]
    x.t_()
    x.mul_(2)
    with pytest.raises(RuntimeError, match="another shape"):
        v * 1


def test_reshape_copies_only_where_it_must() -> None:
    x = gg.tensor(X, requires_grad=True)
    assert x.reshape(4, 6).grad_fn.name() == "ViewBackward0"
    assert x.mT.reshape(4, 6).grad_fn.name() == "UnsafeViewBackward0"
    assert x[:, :2].reshape(2, 8)._base is x


def test_names_of_nodes() -> None:
    x = gg.zeros(2, 3, requires_grad=True)
    names = {
        "SelectBackward0": x[0], "SliceBackward0": x[1:], "UnsqueezeBackward0": x[None], "AliasBackward0": x[...],
        "IndexBackward0": x[[0]], "TBackward0": x.t(), "PermuteBackward0": x.T, "TransposeBackward0": x.mT,
        "ExpandBackward0": x.expand(1, 2, 3), "CloneBackward0": x.clone(), "CatBackward0": gg.cat([x]),
        "StackBackward0": gg.stack([x]), "GatherBackward0": x.gather(0, gg.tensor([[0]])), "FlipBackward0": x.flip(0),
    }  # fmt: skip
    assert {name: y.grad_fn.name() for name, y in names.items()} == {name: name for name in names}


def test_writing_a_leaf_is_refused() -> None:
    x = gg.zeros(3, requires_grad=True)
    for change in (lambda: x.__setitem__(0, 1.0), lambda: x.t_(), lambda: x.zero_(), lambda: x[:2].fill_(1.0)):
        with pytest.raises(RuntimeError, match="leaf Variable"):
            change()
    with gg.no_grad():
        x[0] = 1.0
    assert x.tolist() == [1.0, 0.0, 0.0]


def test_memory_formats() -> None:
    x = gg.arange(24.0).reshape(1, 2, 3, 4)
    y = x.contiguous(memory_format=gg.channels_last)
    assert y.stride() == (24, 1, 8, 2) and y.tolist() == x.tolist()
    assert y.is_contiguous(memory_format=gg.channels_last) and not y.is_contiguous()
    with pytest.raises(RuntimeError, match="rank 4"):
        x[0].contiguous(memory_format=gg.channels_last)
    with pytest.raises(NotImplementedError, match="row-major"):
        gg.zeros(1, 2, 3, 4, memory_format=gg.channels_last)


def test_a_gradient_of_equal_numbers_through_as_strided() -> None:
    """The gradient of a sum is one number with strides of 0; as_strided must not read past it."""
    x = gg.zeros(3, 3, requires_grad=True)
    src = gg.zeros(2, 2, requires_grad=True)
    y = x * 1
    y.as_strided((2, 2), (1, 4)).copy_(src)
    y.sum().backward()
    assert src.grad.tolist() == [[1.0, 1.0], [1.0, 1.0]]
    assert x.grad.tolist() == [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [1.0, 1.0, 1.0]]

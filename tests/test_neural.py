"""Networks' functions against numbers that can be checked by hand, and what the table of cases can't say."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import glassgrad as gg
import glassgrad.nn.functional as F
from glassgrad import nn


def test_cross_entropy_by_hand() -> None:
    x = gg.tensor([[0.0, math.log(3.0)], [math.log(4.0), 0.0]], dtype=gg.float64, requires_grad=True)
    loss = F.cross_entropy(x, gg.tensor([0, 0]))
    loss.backward()
    assert loss.item() == pytest.approx((math.log(4) + math.log(1.25)) / 2)
    np.testing.assert_allclose(x.grad.numpy(), [[-0.375, 0.375], [-0.1, 0.1]])


def test_cross_entropy_stays_finite_and_exact() -> None:
    x = gg.tensor([[1000.0, 0.0, -1000.0]], requires_grad=True)
    loss = F.cross_entropy(x, gg.tensor([2]))
    loss.backward()
    assert loss.item() == 2000.0
    np.testing.assert_array_equal(x.grad.numpy(), [[1.0, 0.0, -1.0]])


def test_loss_may_change_in_place_before_backward() -> None:
    x = gg.tensor([[0.0, 0.0]], requires_grad=True)
    loss = F.cross_entropy(x, gg.tensor([0]))
    loss /= 2
    loss.backward()
    np.testing.assert_array_equal(x.grad.numpy(), [[-0.25, 0.25]])


def test_pooled_may_change_in_place_before_backward() -> None:
    x = gg.tensor([[[[1.0, -2.0], [3.0, -4.0]]]], requires_grad=True)
    F.relu_(F.max_pool2d(x * 1, 2)).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [[[[0.0, 0.0], [1.0, 0.0]]]])


def test_max_pool_gives_the_first_of_equals_the_gradient() -> None:
    x = gg.zeros(1, 1, 2, 4, requires_grad=True)
    F.max_pool2d(x, 2).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [[[[1, 0, 1, 0], [0, 0, 0, 0]]]])


def test_conv2d_by_hand() -> None:
    x = gg.arange(9.0).reshape(1, 1, 3, 3)
    w = gg.tensor([[[[1.0, 0.0], [0.0, -1.0]]]])
    np.testing.assert_array_equal(F.conv2d(x, w, gg.tensor([10.0])).numpy(), np.full((1, 1, 2, 2), 6.0))


@pytest.mark.parametrize("stride", [1, 2])
def test_many_blocks_of_columns(monkeypatch: pytest.MonkeyPatch, stride: int) -> None:
    """Images taken a few at a time give what one at a time gives."""
    rng = np.random.default_rng(0)
    x, w = gg.tensor(rng.standard_normal((5, 2, 6, 6))), gg.tensor(rng.standard_normal((3, 2, 3, 3)))

    def run() -> list[np.ndarray]:
        a, b = x.clone().requires_grad_(), w.clone().requires_grad_()
        y = F.conv2d(a, b, stride=stride, padding=1)
        (y * y).sum().backward()
        return [y.detach().numpy(), a.grad.numpy(), b.grad.numpy()]

    whole = run()
    for block in (1, 20_000):  # one image, some of them
        monkeypatch.setattr("glassgrad.ops.windows.BLOCK", block)
        for p, q in zip(run(), whole, strict=True):
            np.testing.assert_allclose(p, q, rtol=1e-12)


def test_batch_norm_moves_its_statistics_in_place() -> None:
    mean, var = gg.zeros(1), gg.ones(1)
    F.batch_norm(gg.tensor([[1.0], [3.0]]), mean, var, training=True, momentum=0.5)
    assert (mean.item(), var.item()) == (1.0, 1.5)  # batch: mean 2, unbiased variance 2


def test_dropout_keeps_the_mean_and_scales() -> None:
    gg.manual_seed(0)
    y = F.dropout(gg.ones(10_000), 0.25).numpy()
    assert set(np.unique(y)) == {0.0, np.float32(1 / 0.75)}
    assert abs(y.mean() - 1) < 0.03


def test_no_random_number_is_drawn_in_vain() -> None:
    gg.manual_seed(0)
    first = gg.rand(1).item()
    gg.manual_seed(0)
    for p, training in ((0.0, True), (1.0, True), (0.5, False)):
        F.dropout(gg.ones(3), p, training)
    F.dropout(gg.ones(0), 0.5)
    assert gg.rand(1).item() == first


def test_a_causal_position_does_not_see_the_future() -> None:
    rng = np.random.default_rng(0)
    q, k, v = (gg.tensor(rng.standard_normal((4, 2))) for _ in range(3))
    before = F.scaled_dot_product_attention(q, k, v, is_causal=True).numpy()
    v[3] += 100.0
    k[3] += 100.0
    after = F.scaled_dot_product_attention(q, k, v, is_causal=True).numpy()
    np.testing.assert_array_equal(before[:3], after[:3])
    assert np.abs(before[3] - after[3]).max() > 1


def test_every_name_is_there() -> None:
    assert len(set(F.__all__)) == len(F.__all__)
    for name in F.__all__:
        assert callable(getattr(F, name))


def test_dropout_is_drawn_along_the_memory() -> None:
    """A transposed input gets the mask of the tensor that it is a view of, as in PyTorch."""
    x = gg.ones(6, 5)
    gg.manual_seed(0)
    plain = F.dropout(x)
    gg.manual_seed(0)
    assert (F.dropout(x.T) == plain.T).all()
    assert not (plain == 2).all()


@pytest.mark.parametrize("call", [F.softmax, F.log_softmax, nn.Softmax(), nn.LogSoftmax()])
def test_a_dim_that_is_not_said_is_warned_of(call: Any) -> None:
    with pytest.warns(UserWarning, match="Implicit dimension choice for (log_)?softmax has been deprecated"):
        made = call(gg.tensor([[0.0, 0.0]]))
    assert made.shape == (1, 2) and made[0, 0] == made[0, 1] != 0

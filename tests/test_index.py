"""x[...] and x[...] = value, and the sums behind their gradients."""

from __future__ import annotations

import numpy as np
import pytest

import glassgrad as gg
from glassgrad.ops.index import sum_rows


def test_ints_beside_index_arrays_are_views_first() -> None:
    """NumPy would treat the int as an index array and put the new dim in front."""
    x = gg.arange(24).view(2, 3, 4)
    assert x[0, :, [0, 1]].tolist() == [[0, 1], [4, 5], [8, 9]]


def test_repeated_indices_add_up() -> None:
    x = gg.zeros(3, requires_grad=True)
    x[[0, 2, 0, 0]].sum().backward()
    assert x.grad.tolist() == [3.0, 0.0, 1.0]


def test_an_index_changed_since_is_noticed() -> None:
    x, i = gg.ones(3, requires_grad=True), gg.tensor([0, 1])
    y = (x * x)[i]
    i += 1
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


def test_writing_through_a_mask_and_by_index() -> None:
    x = gg.arange(6.0).view(2, 3)
    x[x > 3] = -1.0
    x[[0, 1], [0, 0]] = gg.tensor([7.0, 8.0])
    x[:, 2] = gg.tensor([[[9.0]]])  # leading dims of size 1 may be too many
    assert x.tolist() == [[7.0, 1.0, 9.0], [8.0, -1.0, 9.0]]
    assert x._version == 3


def test_values_are_converted_by_slices_only() -> None:
    x = gg.zeros(3, dtype=gg.int64)
    x[0] = 2.9
    x[1:] = gg.tensor([1.5, -1.5])
    assert x.tolist() == [2, 1, -1]
    with pytest.raises(RuntimeError, match="dtypes match, got Long for the destination and Float for the source"):
        x[[0]] = gg.tensor([1.0])


def test_writing_and_differentiating() -> None:
    x, v = gg.ones(4, requires_grad=True), gg.tensor([2.0, 3.0], requires_grad=True)
    y = x * 1
    y[gg.tensor([1, 3])] = v * v
    y[0] = v[0]
    (y * y).sum().backward()
    assert x.grad.tolist() == [0.0, 0.0, 2.0, 0.0]
    assert v.grad.tolist() == [4 * 8 + 4.0, 4 * 27.0]


@pytest.mark.parametrize(("n", "k", "width"), [(4, 6, 16), (4, 6, 1), (4, 6, 3), (5000, 40, 9), (3, 0, 4)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_sum_rows(n: int, k: int, width: int, dtype: type) -> None:
    rng = np.random.default_rng(n)
    values, rows = rng.integers(-9, 9, (k, width)).astype(dtype), rng.integers(0, n, k)
    expected = np.zeros((n, width), dtype)
    np.add.at(expected, rows, values)
    made = sum_rows(values, rows, n)
    assert made.dtype == dtype
    np.testing.assert_array_equal(made, expected)


def test_iteration_gives_views() -> None:
    x = gg.arange(3)
    assert [int(v) for v in x] == [0, 1, 2] and all(v._base is x for v in x)
    with pytest.raises(TypeError, match="0-d"):
        iter(gg.tensor(1))


def test_uint8_masks_warn() -> None:
    x = gg.arange(3)
    with pytest.warns(UserWarning, match="uint8"):
        assert x[gg.tensor([1, 0, 1], dtype=gg.uint8)].tolist() == [0, 2]


def test_negative_places_are_refused_where_torch_refuses_them() -> None:
    x = gg.zeros(3)
    i = gg.tensor([-1])
    assert x[i].shape == x.take(i).shape == (1,)
    for call, error in ((lambda: x.gather(0, i), RuntimeError), (lambda: x.index_select(0, i), IndexError)):
        with pytest.raises(error):
            call()


def test_sorting_keeps_the_order_of_equals() -> None:
    x = gg.tensor([1, 0, 1, 0])
    assert gg.sort(x).indices.tolist() == [1, 3, 0, 2]
    assert gg.sort(x, descending=True).indices.tolist() == [0, 2, 1, 3]
    assert gg.topk(gg.tensor([1.0, float("nan"), 3.0]), 2).values.tolist()[1] == 3.0


def test_unique_returns_what_is_asked() -> None:
    x = gg.tensor([3, 1, 3])
    assert gg.unique(x).tolist() == [1, 3]
    values, inverse, counts = gg.unique(x, return_inverse=True, return_counts=True)
    assert (values.tolist(), inverse.tolist(), counts.tolist()) == ([1, 3], [1, 0, 1], [1, 2])

"""New tensors: dtypes, sharing, refusals."""

from __future__ import annotations

import numpy as np
import pytest

import glassgrad as gg


def test_dtypes() -> None:
    found = {
        "zeros": gg.zeros(1), "arange": gg.arange(3), "arange of floats": gg.arange(3.0), "full": gg.full((1,), 2),
        "full of bools": gg.full((1,), False), "eye": gg.eye(2), "linspace": gg.linspace(0, 1, 2),
        "scalar": gg.scalar_tensor(1), "like": gg.ones_like(gg.arange(2)), "of NumPy": gg.as_tensor(np.ones(2)),
    }  # fmt: skip
    names = {name: x.dtype.name for name, x in found.items()}
    assert names == {
        "zeros": "float32", "arange": "int64", "arange of floats": "float32", "full": "int64", "full of bools": "bool",
        "eye": "float32", "linspace": "float32", "scalar": "float32", "like": "int64", "of NumPy": "float64",
    }  # fmt: skip


NUMBERS = {
    "Python's": ([1, 2.0], "float32"), "int and bool": ([1, True], "int64"), "nothing": ([], "float32"),
    "float64 of NumPy": ([np.float64(1)], "float64"), "beside int": ([2, np.float64(1)], "float64"),
    "deeper": ([[1.0], [np.float64(2)]], "float64"), "float32 of NumPy": ([np.float32(1), 1.0], "float32"),
    "float16 of NumPy": ([np.float16(1), 1], "float16"), "int32 beside int": ([np.int32(1), 2], "int64"),
    "an array's": ([np.array([1, 2], np.float32), [1.0, 2.0]], "float32"), "int32": ([np.int32(1)], "int32"),
    "a tensor's": ([gg.tensor(1.0, dtype=gg.float64), 2.0], "float64"), "complex": ([1j, 1.0], "complex64"),
    "tensor of int": ([gg.tensor(1), 2.0], "float32"), "a range": (range(3), "int64"),
}  # fmt: skip


@pytest.mark.parametrize("data, dtype", NUMBERS.values(), ids=NUMBERS)
def test_the_dtype_of_numbers_in_sequences(data: object, dtype: str) -> None:
    assert gg.tensor(data).dtype.name == gg.as_tensor(data).dtype.name == dtype
    assert gg.tensor(data, dtype=gg.float32).dtype is gg.float32


def test_sizes_and_data() -> None:
    """A NumPy integer is a size as Python's are; other numbers are neither a size nor a sequence."""
    for made in (gg.Tensor, gg.FloatTensor):
        assert made(np.int64(3)).shape == made(3).shape == (3,) and made(np.int32(2), 3).shape == (2, 3)
        assert made([3]).tolist() == [3.0] and made(gg.Size((2, 1))).shape == (2, 1) and made().shape == (0,)
        for number in (3.0, np.float64(3)):
            with pytest.raises(TypeError, match="data must be a sequence"):
                made(number)


def test_the_default_dtype_counts() -> None:
    before = gg.get_default_dtype()
    try:
        gg.set_default_dtype(gg.float64)
        assert gg.zeros(1).dtype is gg.rand(1).dtype is gg.arange(1.0).dtype is gg.float64
    finally:
        gg.set_default_dtype(before)


def test_from_numpy_shares_memory_both_ways() -> None:
    a = np.zeros(3)
    x = gg.from_numpy(a)
    a[0], x[1] = 1.0, 2.0
    assert x.tolist() == a.tolist() == [1.0, 2.0, 0.0]
    assert x.numpy() is a
    del a
    assert x.sum().item() == 3.0


def test_tensor_copies_and_as_tensor_does_not() -> None:
    a = np.zeros(2)
    copied, shared = gg.tensor(a), gg.as_tensor(a)
    a[0] = 1.0
    assert copied.tolist() == [0.0, 0.0] and shared.tolist() == [1.0, 0.0]
    x = gg.ones(2, requires_grad=True)
    assert gg.as_tensor(x) is x and gg.as_tensor(x, gg.float64).requires_grad
    assert gg.asarray(shared, copy=True).numpy() is not a
    with pytest.raises(ValueError, match="copy"):
        gg.asarray([1.0], copy=False)


def test_dlpack_shares_memory() -> None:
    a = np.arange(3.0)
    x = gg.from_dlpack(a)
    x[0] = 5.0
    assert a[0] == 5.0
    np.from_dlpack(x)[1] = 7.0
    assert a.tolist() == [5.0, 7.0, 2.0]
    with pytest.raises(TypeError, match="__dlpack__"):
        gg.from_dlpack([1])


def test_requires_grad_and_device() -> None:
    assert gg.zeros(2, requires_grad=True).requires_grad and gg.rand(2, device="cpu", requires_grad=True).is_leaf
    with pytest.raises(RuntimeError, match="floating point"):
        gg.zeros(2, dtype=gg.int64, requires_grad=True)
    with pytest.raises(RuntimeError, match="device"):
        gg.zeros(2, device="nowhere")


def test_new_ones_take_after_their_model() -> None:
    x = gg.zeros(2, dtype=gg.float64)
    assert x.new_zeros(3).dtype is x.new_full((1,), 2).dtype is x.new_tensor([1]).dtype is gg.float64
    assert (
        x.new_ones(2, 3).shape == (2, 3)
        and gg.zeros(2, 3).t().clone().stride() == gg.empty_like(gg.zeros(2, 3).t()).stride()
    )


def test_legacy_constructors() -> None:
    assert gg.FloatTensor(2, 3).shape == (2, 3) and gg.LongTensor([1, 2]).dtype is gg.int64
    assert isinstance(gg.zeros(1), gg.FloatTensor) and not isinstance(gg.zeros(1), gg.LongTensor)


def test_questions() -> None:
    x = gg.zeros(2, 3)
    assert gg.numel(x) == 6 and gg.is_tensor(x) and not gg.is_tensor([1]) and gg.is_floating_point(x)
    assert not gg.is_complex(x) and gg.is_nonzero(gg.tensor(2))


def test_out() -> None:
    x = gg.zeros(3)
    gg.ones(3, out=x)
    gg.arange(3, out=x)
    assert x.tolist() == [0.0, 1.0, 2.0]


def test_layouts_other_than_strided_are_refused() -> None:
    with pytest.raises(NotImplementedError, match="sparse_coo"):
        gg.zeros(2, layout=gg.sparse_coo)
    with pytest.raises(TypeError):
        gg.zeros(2, colour="red")

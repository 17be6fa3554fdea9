"""Stored texts of tensors and sizes, as PyTorch 2.13 prints them; tests/oracle asks PyTorch itself."""

from __future__ import annotations

import copy
import doctest
import math
import pickle

import numpy as np
import pytest

from glassgrad.core import printing, size
from glassgrad.core.printing import get_printoptions, printoptions, set_printoptions, tensor_repr
from glassgrad.core.size import Size

f32, f64 = np.float32, np.float64


@pytest.fixture(autouse=True)
def restored_options(monkeypatch):
    monkeypatch.setattr(printing, "NAMESPACE", "torch")
    with printoptions(profile="default"):
        yield


TEXTS = [
    # id                     array                                       arguments        text
    ("0-d", f32(1.5), {}, "tensor(1.5000)"),
    ("0-d int", np.int64(3), {}, "tensor(3)"),
    ("bool", np.array([True, False]), {}, "tensor([ True, False])"),
    ("int64", np.array([1, -20]), {}, "tensor([  1, -20])"),
    ("uint8", np.uint8([1, 255]), {}, "tensor([  1, 255], dtype=torch.uint8)"),
    ("whole floats", f32([1, -2]), {}, "tensor([ 1., -2.])"),
    ("negative zero", f32([-0.0, 1.0]), {}, "tensor([-0., 1.])"),
    ("nan sticks out", f32([1, np.nan, -np.inf]), {}, "tensor([1., nan, -inf])"),
    ("only nan and zero", f32([np.nan, 0]), {}, "tensor([nan, 0.])"),
    ("nan in columns", f32([1.5, np.nan]), {}, "tensor([1.5000,    nan])"),
    ("ratio 1000", f32([0.5, 500]), {}, "tensor([  0.5000, 500.0000])"),
    ("ratio above 1000", f32([0.5, 501]), {}, "tensor([5.0000e-01, 5.0100e+02])"),
    ("small", f32([1e-5]), {}, "tensor([1.0000e-05])"),
    ("large", f32([1e9, np.inf]), {}, "tensor([1.0000e+09,        inf])"),
    ("1e8 is not yet large", f32([1e8]), {}, "tensor([100000000.])"),
    ("1e-4 is not yet small", f64([1e-4]), {}, "tensor([0.0001], dtype=torch.float64)"),
    ("float64", f64([0.1]), {}, "tensor([0.1000], dtype=torch.float64)"),
    ("float16", np.float16([0.1]), {}, "tensor([0.1000], dtype=torch.float16)"),
    ("complex", np.complex64([1 - 2j, 0.5]), {}, "tensor([1.0000-2.j, 0.5000+0.j])"),
    (
        "default complex128",
        np.complex128([1 - 2j, 0.5]),
        {"default_dtype": "float64"},
        "tensor([1.0000-2.j, 0.5000+0.j])",
    ),
    ("empty", f32([]), {}, "tensor([])"),
    ("empty int64", np.zeros((2, 0), int), {}, "tensor([], size=(2, 0), dtype=torch.int64)"),
    ("default float64", f64([1.5]), {"default_dtype": "float64"}, "tensor([1.5000])"),
    ("default as a dtype", f64([1.5]), {"default_dtype": np.dtype(f64)}, "tensor([1.5000])"),
    ("leaf", f32([1]), {"requires_grad": True}, "tensor([1.], requires_grad=True)"),
    (
        "result",
        f64([1]),
        {"requires_grad": True, "grad_fn_name": "MulBackward0"},
        "tensor([1.], dtype=torch.float64, grad_fn=<MulBackward0>)",
    ),
    (
        "parameter",
        f32([1]),
        {"requires_grad": True, "parameter": True},
        "Parameter containing:\ntensor([1.], requires_grad=True)",
    ),
    ("device", f64([1]), {"device": "cuda:0"}, "tensor([1.], device='cuda:0', dtype=torch.float64)"),
    ("last suffix", f32([1]), {"suffixes": ["tangent=1"]}, "tensor([1.], tangent=1)"),
    ("subclass", f32([[1], [2]]), {"name": "T"}, "T([[1.],\n   [2.]])"),
    ("other namespace", f64([1]), {"namespace": "ours"}, "tensor([1.], dtype=ours.float64)"),
]


@pytest.mark.parametrize(("array", "arguments", "text"), [row[1:] for row in TEXTS], ids=[r[0] for r in TEXTS])
def test_text(array, arguments, text):
    assert tensor_repr(np.asarray(array), **arguments) == text


def test_three_dims_are_blocks():
    assert (
        tensor_repr(np.arange(8).reshape(2, 2, 2))
        == """\
tensor([[[0, 1],
         [2, 3]],

        [[4, 5],
         [6, 7]]])"""
    )


def test_long_lines_wrap_and_the_suffix_starts_its_own():
    wrapped = f32(np.arange(30).reshape(2, 15) / 2)
    assert (
        tensor_repr(wrapped, grad_fn_name="DivBackward0")
        == """\
tensor([[ 0.0000,  0.5000,  1.0000,  1.5000,  2.0000,  2.5000,  3.0000,  3.5000,
          4.0000,  4.5000,  5.0000,  5.5000,  6.0000,  6.5000,  7.0000],
        [ 7.5000,  8.0000,  8.5000,  9.0000,  9.5000, 10.0000, 10.5000, 11.0000,
         11.5000, 12.0000, 12.5000, 13.0000, 13.5000, 14.0000, 14.5000]],
       grad_fn=<DivBackward0>)"""
    )


def test_more_than_1000_elements_show_their_edges():
    assert tensor_repr(np.arange(1001)) == "tensor([   0,    1,    2,  ...,  998,  999, 1000])"
    assert "..." not in tensor_repr(np.arange(1000))
    assert (
        tensor_repr(f32(np.arange(2000).reshape(20, 100)), requires_grad=True)
        == """\
tensor([[0.0000e+00, 1.0000e+00, 2.0000e+00,  ..., 9.7000e+01, 9.8000e+01,
         9.9000e+01],
        [1.0000e+02, 1.0100e+02, 1.0200e+02,  ..., 1.9700e+02, 1.9800e+02,
         1.9900e+02],
        [2.0000e+02, 2.0100e+02, 2.0200e+02,  ..., 2.9700e+02, 2.9800e+02,
         2.9900e+02],
        ...,
        [1.7000e+03, 1.7010e+03, 1.7020e+03,  ..., 1.7970e+03, 1.7980e+03,
         1.7990e+03],
        [1.8000e+03, 1.8010e+03, 1.8020e+03,  ..., 1.8970e+03, 1.8980e+03,
         1.8990e+03],
        [1.9000e+03, 1.9010e+03, 1.9020e+03,  ..., 1.9970e+03, 1.9980e+03,
         1.9990e+03]], requires_grad=True)"""
    )


def test_an_array_of_terabytes_prints_from_its_edges():
    huge = np.broadcast_to(f32(1.0), (10**6, 10**6))
    assert tensor_repr(huge).startswith("tensor([[1., 1., 1.,  ..., 1., 1., 1.],\n")


def test_bfloat16():
    bfloat16 = pytest.importorskip("ml_dtypes").bfloat16
    assert tensor_repr(np.array([0.1, -3], bfloat16)) == "tensor([ 0.1001, -3.0000], dtype=torch.bfloat16)"
    assert tensor_repr(np.zeros(1001, bfloat16)) == "tensor([0., 0., 0.,  ..., 0., 0., 0.], dtype=torch.bfloat16)"


def test_a_signalling_nan_prints_without_a_warning():
    with np.errstate(invalid="raise"):
        assert tensor_repr(np.uint32([0x7F800001]).view(f32)) == "tensor([nan])"


@pytest.mark.parametrize("array", [np.array(["a"]), np.array([None]), np.zeros(2, "V2"), np.zeros(2, "M8[s]")])
def test_what_no_tensor_can_hold_is_refused(array):
    with pytest.raises(TypeError, match="expected bool, an integer, float16/32/64"):
        tensor_repr(array)


OPTIONS = [
    ("precision", {"precision": 2}, f32([1.125]), "tensor([1.12])"),
    ("threshold", {"threshold": 5}, np.arange(7), "tensor([0, 1, 2,  ..., 4, 5, 6])"),
    ("edgeitems", {"threshold": 5, "edgeitems": 1}, np.arange(7), "tensor([0,  ..., 6])"),
    ("no edges", {"threshold": 5, "edgeitems": 0}, np.arange(7), "tensor([...], size=(7,))"),
    ("linewidth", {"linewidth": 14}, np.arange(4), "tensor([0, 1,\n        2, 3])"),
    (
        "short dim",
        {"threshold": 5, "edgeitems": 1},
        np.ones((2, 3), int),
        "tensor([[1,  ..., 1],\n        [1,  ..., 1]])",
    ),
    ("complex line", {"linewidth": 24}, np.complex64([1, 2, 3]), "tensor([1.+0.j, 2.+0.j,\n        3.+0.j])"),
    ("narrow complex line", {"linewidth": 18}, np.complex64([1, 2]), "tensor([1.+0.j,\n        2.+0.j])"),
    ("suffix fits", {"linewidth": 30}, np.int8([1]), "tensor([1], dtype=torch.int8)"),
    ("suffix breaks", {"linewidth": 29}, np.int8([1]), "tensor([1],\n       dtype=torch.int8)"),
    ("scientific", {"sci_mode": True}, f32([2]), "tensor([2.0000e+00])"),
    ("nothing to be scientific about", {"sci_mode": True}, f32([0, np.inf]), "tensor([0., inf])"),
    ("never scientific", {"sci_mode": False}, f32([1e9]), "tensor([1000000000.])"),
    ("short", {"profile": "short"}, f32([1.125]), "tensor([1.12])"),
    ("override", {"profile": "short", "precision": 1}, f32([1.125]), "tensor([1.1])"),
]


@pytest.mark.parametrize(("options", "array", "text"), [row[1:] for row in OPTIONS], ids=[r[0] for r in OPTIONS])
def test_option(options, array, text):
    with printoptions(**options):
        assert tensor_repr(array) == text


def test_full_profile_shows_everything():
    with printoptions(profile="full"):
        assert tensor_repr(np.arange(1500)).count(",") == 1499


def test_options_stay_until_changed_but_sci_mode_resets():
    set_printoptions(precision=2, sci_mode=True)
    set_printoptions(linewidth=100)
    assert get_printoptions() == {
        "precision": 2,
        "threshold": 1000,
        "edgeitems": 3,
        "linewidth": 100,
        "sci_mode": None,
    }


def test_a_with_block_restores_the_options_after_an_error():
    before = get_printoptions()
    with pytest.raises(KeyError), printoptions(precision=9, sci_mode=False):
        raise KeyError
    assert get_printoptions() == before


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"precision": 2.5}, TypeError, "precision must be an integer, got 2.5"),
        ({"precision": -1}, ValueError, "precision must not be negative, got -1"),
        ({"edgeitems": -1}, ValueError, "edgeitems must not be negative, got -1"),
        ({"threshold": "many"}, TypeError, "threshold must be a number, got 'many'"),
        ({"threshold": math.nan}, TypeError, "threshold must be a number, got nan"),
        ({"linewidth": math.inf}, ValueError, "linewidth must be finite"),
        ({"profile": "long"}, ValueError, r"one of \['default', 'short', 'full'\], got 'long'"),
    ],
)
def test_an_unusable_option_changes_nothing(options, error, message):
    before = get_printoptions()
    with pytest.raises(error, match=message):
        set_printoptions(**{"precision": 7, **options})
    assert get_printoptions() == before


def test_size_is_a_tuple_that_stays_a_size():
    shape = Size([2, 3])
    assert repr(shape) == str(shape) == f"{shape}" == "torch.Size([2, 3])"
    assert repr(Size()) == "torch.Size([])"
    assert shape == (2, 3)
    assert {shape: "found"}[(2, 3)] == "found"
    kept = [shape[:1], shape + (4,), (4,) + shape, shape * 2, 2 * shape, copy.deepcopy(shape)]
    kept.append(pickle.loads(pickle.dumps(shape)))
    assert all(type(each) is Size for each in kept)
    assert kept == [(2,), (2, 3, 4), (4, 2, 3), (2, 3) * 2, (2, 3) * 2, (2, 3), (2, 3)]
    assert type(shape[1]) is type(Size(np.int64([5]))[0]) is int
    assert (shape.numel(), Size().numel(), Size([0, 3]).numel()) == (6, 1, 0)


def test_size_refuses_what_is_no_integer():
    with pytest.raises(TypeError, match=r"torch.Size\(\) takes an iterable of 'int' \(item 1 is 'float'\)"):
        Size([2, 3.0])
    with pytest.raises(TypeError):
        Size([2]) + [3]


@pytest.mark.parametrize("module", [printing, size])
def test_docstrings_show_the_default_namespace(module, monkeypatch):
    monkeypatch.undo()
    failed, tried = doctest.testmod(module)
    assert tried and not failed

"""Every printed character against PyTorch's own."""

from __future__ import annotations

import copy

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("hypothesis")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from glassgrad.core import printing  # noqa: E402
from glassgrad.core.size import Size  # noqa: E402

FLOATS = ["float16", "float32", "float64", "bfloat16"]
COMPLEX = ["complex64", "complex128"]
INTEGERS = ["bool", "uint8", "int8", "int16", "int32", "int64", "uint16", "uint32", "uint64"]


def ours(array: np.ndarray, **state) -> str:
    return printing.tensor_repr(array, namespace="torch", **state)


def theirs(array: np.ndarray) -> torch.Tensor:
    if array.dtype.name == "bfloat16":
        return torch.from_numpy(array.view(np.int16)).view(torch.bfloat16)
    return torch.from_numpy(array)


def bits(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Every float64 there is, subnormals and nans included, equally likely."""
    return rng.integers(0, 2**64, shape, dtype=np.uint64).view(np.float64).reshape(shape)


REGIMES = {
    "zero": lambda rng, shape: np.zeros(shape) * rng.choice([1.0, -1.0], shape),
    "normal": lambda rng, shape: rng.standard_normal(shape),
    "uniform": lambda rng, shape: rng.random(shape),
    "whole": lambda rng, shape: rng.integers(-120, 120, shape).astype(np.float64),
    "halves": lambda rng, shape: rng.integers(-9, 9, shape) / 2,
    "large whole": lambda rng, shape: np.floor(rng.random(shape) * 4e8),
    "near 1e8": lambda rng, shape: 1e8 + rng.integers(-2, 3, shape),
    "near 1e-4": lambda rng, shape: 1e-4 * (1 + rng.integers(-2, 3, shape) * 1e-3),
    "ratio near 1000": lambda rng, shape: rng.choice([0.5, 1.0, 500.0, 999.0, 1000.0, 1001.0], shape),
    "wide": lambda rng, shape: rng.standard_normal(shape) * 10.0 ** rng.integers(-12, 12, shape),
    "rounding up": lambda rng, shape: rng.choice([9.99996, 0.99995, 99.99995, -9.99999], shape),
    "bits": bits,
}
SPECIAL = np.array([np.nan, -np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-45, 1e30, 65504.0, 0.1])


def make(rng: np.random.Generator, dtype: str, shape: tuple[int, ...], regime: str, special: float):
    """An array of the regime, a share `special` of it replaced by the odd values above."""

    def real() -> np.ndarray:
        plain = np.asarray(REGIMES[regime](rng, shape))
        return np.where(rng.random(shape) < special, rng.choice(SPECIAL, shape), plain)

    with np.errstate(over="ignore", invalid="ignore"):
        if dtype in INTEGERS:
            width = np.dtype(dtype).itemsize
            few = rng.integers(0, 2 if dtype == "bool" else 100, shape)
            every = rng.integers(0, 256, (*shape, width), dtype=np.uint8).view(f"u{width}").reshape(shape)
            plain = few if dtype == "bool" or rng.random() < 0.5 else every
            return np.array(plain).astype(dtype)
        if dtype in COMPLEX:
            parts = np.empty(shape, np.complex128)
            parts.real, parts.imag = real(), real()
            return parts.astype(dtype)
        if dtype == "bfloat16":
            return np.array(real()).astype(pytest.importorskip("ml_dtypes").bfloat16)
        return np.array(real()).astype(dtype)


small_shapes = st.lists(st.integers(0, 4), max_size=5).map(tuple)
long_shapes = st.lists(st.sampled_from([1, 2, 3, 6, 7, 8, 40]), min_size=1, max_size=3).map(tuple)
summarised_shapes = st.sampled_from(
    [(1001,), (1000,), (2, 600), (600, 2), (7, 7, 30), (6, 6, 40), (3, 4, 100), (2, 3, 4, 5, 9), (1, 1100)]
)
shapes = small_shapes | long_shapes | summarised_shapes
seeds = st.integers(0, 2**32 - 1).map(np.random.default_rng)
option_sets = st.fixed_dictionaries(
    {},
    optional={
        "profile": st.sampled_from(["default", "short", "full"]),
        "precision": st.integers(0, 12),
        "threshold": st.sampled_from([0, 1, 5, 30, 1000, float("inf")]),
        "edgeitems": st.integers(0, 5),
        "linewidth": st.integers(-1, 200) | st.just(61.5),
        "sci_mode": st.booleans() | st.none(),
    },
)
arrays = st.builds(
    make,
    seeds,
    st.sampled_from(FLOATS + COMPLEX + INTEGERS),
    shapes,
    st.sampled_from(sorted(REGIMES)),
    st.sampled_from([0.0, 0.0, 0.1, 1.0]),
)


@settings(max_examples=500, deadline=None, derandomize=True)
@given(arrays)
def test_default_options(array):
    assert ours(array) == repr(theirs(array))


@settings(max_examples=500, deadline=None, derandomize=True)
@given(arrays, option_sets)
def test_every_option(array, options):
    with printing.printoptions(**options), torch._tensor_str.printoptions(**options):
        assert printing.get_printoptions() == torch._tensor_str.get_printoptions()
        assert ours(array) == repr(theirs(array))


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    st.builds(make, seeds, st.sampled_from(FLOATS + COMPLEX), shapes, st.just("normal"), st.just(0.0)),
    st.integers(20, 100),
)
def test_gradient_suffixes(array, linewidth):
    leaf = theirs(array).requires_grad_()
    root = leaf * 2
    doubled = array * array.dtype.type(2)
    grad_fn_name = type(root.grad_fn).__name__
    with printing.printoptions(linewidth=linewidth), torch._tensor_str.printoptions(linewidth=linewidth):
        assert ours(array, requires_grad=True) == repr(leaf)
        assert ours(doubled, requires_grad=True, grad_fn_name=grad_fn_name) == repr(root)
        parameter = torch.nn.Parameter(leaf.detach())
        assert ours(array, requires_grad=True, parameter=True) == repr(parameter)


@pytest.mark.parametrize("apply", [
    lambda x: 1 - x, lambda x: 2 / x, lambda x: 2**x, lambda x: 3 * x, lambda x: x - 1, lambda x: x / 2,
])  # fmt: skip
def test_a_number_before_the_operator_has_its_own_name(apply):
    import glassgrad as gg

    names = [apply(library.ones(2, requires_grad=True)).grad_fn.name() for library in (gg, torch)]
    assert names[0] == names[1]


@pytest.mark.parametrize("default", ["float16", "float32", "float64", "bfloat16"])
@pytest.mark.parametrize("shape", [(), (3,), (0,), (2, 0)])
@pytest.mark.parametrize("dtype", FLOATS + COMPLEX + INTEGERS)
def test_dtype_is_named_where_torch_names_it(default, shape, dtype):
    array = make(np.random.default_rng(0), dtype, shape, "normal", 0.0)
    before = torch.get_default_dtype()
    torch.set_default_dtype(getattr(torch, default))
    try:
        assert ours(array, default_dtype=default) == repr(theirs(array))
    finally:
        torch.set_default_dtype(before)


def test_device_comes_first():
    # No second device is needed: an empty tensor has no numbers for a meta tensor to leave out.
    meta = torch.empty((0, 2), dtype=torch.float64, device="meta")
    assert ours(np.empty((0, 2)), device="meta") == repr(meta).replace("...", "[]")


def test_subclass_name_sets_the_indent():
    class Coordinates(torch.Tensor):
        pass

    array = np.arange(40.0, dtype=np.float32).reshape(2, 20)
    expected = repr(theirs(array).as_subclass(Coordinates))
    assert ours(array, name="Coordinates") == expected


@pytest.mark.parametrize("view", [np.s_[::-1], np.s_[:, ::2], np.s_[..., None], np.s_[3]])
def test_views(view):
    array = np.random.default_rng(0).standard_normal((40, 60))[view]
    assert ours(array) == repr(theirs(array.copy()))
    assert ours(array.T) == repr(theirs(array.T.copy()))


@pytest.mark.parametrize(
    "expression",
    [
        "S([2, 3])",
        "S()",
        "S([2, 3]) + (1,)",
        "(1,) + S([2, 3])",
        "S([2]) + [1]",
        "[1] + S([2])",
        "S([2]) + S([3])",
        "S([2]) + ('a',)",
        "(1.5,) + S([2])",
        "S([2]) * 2",
        "2 * S([2])",
        "S([2]) * 1.5",
        "S([2, 3])[1:]",
        "S([2, 3])[::-1]",
        "S([2, 3])[-1]",
        "S(3)",
        "S([1.5])",
        "S('12')",
        "S([2, None])",
        "S([True])",
        "S([np.int64(3)])",
        "S([np.float64(3)])",
        "S([2, 3]).numel()",
        "S([]).numel()",
        "S([0, 3]).numel()",
        "S([2, 3]) == (2, 3)",
        "hash(S([2, 3])) == hash((2, 3))",
        "S(i for i in range(3))",
        "sum([S([1]), S([2])], ())",
        "f'{S([2])}'",
        "copy.deepcopy(S([2, 3]))",
        "copy.copy(S([2, 3]))",
    ],
)
def test_size(expression, monkeypatch):
    monkeypatch.setattr(printing, "NAMESPACE", "torch")

    def outcome(size_type):
        try:
            value = eval(expression, {"S": size_type, "np": np, "copy": copy})
        except TypeError as error:
            # PyTorch's own sentence is matched (it spells out numpy.float64); those of Python's tuple
            # vary with its version.
            return str(error).replace("numpy.", "") if "takes an iterable" in str(error) else TypeError
        return type(value).__name__, repr(value)

    assert outcome(Size) == outcome(torch.Size)


def test_the_comparison_can_fail():
    array = np.array([0.12345])
    with printing.printoptions(precision=3):
        assert ours(array) != repr(theirs(array))

"""Elementwise operations: kinks, operators, dtypes, numbers far out, as PyTorch has them (stored numbers)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import glassgrad as gg
import glassgrad.nn.functional as F

INF, NAN = math.inf, math.nan


def slope(f: Any, values: list[float]) -> list[float]:
    x = gg.tensor(values, requires_grad=True)
    f(x).sum().backward()
    assert x.grad is not None
    return x.grad.tolist()


# (function, inputs, values, gradients)
KINKS = [
    (gg.relu, [-1.0, 0.0, 2.0, NAN], [0.0, 0.0, 2.0, NAN], [0.0, 0.0, 1.0, 1.0]),
    (gg.abs, [-2.0, 0.0, 3.0], [2.0, 0.0, 3.0], [-1.0, 0.0, 1.0]),
    (gg.sqrt, [0.0, 4.0], [0.0, 2.0], [INF, 0.25]),
    (gg.rsqrt, [0.0], [INF], [-INF]),
    (gg.log, [0.0, 1.0], [-INF, 0.0], [INF, 1.0]),
    (gg.exp, [1000.0, -1000.0], [INF, 0.0], [INF, 0.0]),
    (gg.sigmoid, [-1000.0, 0.0, 1000.0], [0.0, 0.5, 1.0], [0.0, 0.25, 0.0]),
    (gg.reciprocal, [0.0], [INF], [-INF]),
    (gg.sign, [-2.0, 0.0, NAN], [-1.0, 0.0, 0.0], [0.0, 0.0, 0.0]),
    (lambda x: x**2, [0.0, 3.0], [0.0, 9.0], [0.0, 6.0]),
    (lambda x: x**0, [0.0, 3.0], [1.0, 1.0], [0.0, 0.0]),
    (lambda x: x**0.5, [0.0, 4.0], [0.0, 2.0], [INF, 0.25]),
    (lambda x: 0.0**x, [0.0, 2.0], [1.0, 0.0], [0.0, 0.0]),
    (lambda x: x.clamp(0, 1), [-1.0, 0.0, 1.0, 2.0], [0.0, 0.0, 1.0, 1.0], [0.0, 1.0, 1.0, 0.0]),
    (F.hardtanh, [-2.0, -1.0, 0.5, 1.0], [-1.0, -1.0, 0.5, 1.0], [0.0, 0.0, 1.0, 0.0]),
    (F.relu6, [-1.0, 0.0, 3.0, 6.0], [0.0, 0.0, 3.0, 6.0], [0.0, 0.0, 1.0, 0.0]),
    (F.softplus, [-1000.0, 20.0, 21.0, 1000.0], [0.0, 20.0, 21.0, 1000.0], [0.0, 1.0, 1.0, 1.0]),
    (F.leaky_relu, [-1.0, 0.0, 1.0], [-0.01, 0.0, 1.0], [0.01, 0.01, 1.0]),
    (F.elu, [0.0, 1000.0], [0.0, 1000.0], [1.0, 1.0]),
    (F.gelu, [-INF, 0.0, 100.0], [NAN, 0.0, 100.0], [NAN, 0.5, 1.0]),
    (lambda x: gg.where(x > 0, x, x.log() * 0), [1.0, 0.0], [1.0, NAN], [1.0, NAN]),
    (lambda x: gg.where(x > 0, x.log(), 0.0), [1.0, 0.5], [0.0, math.log(0.5)], [1.0, 2.0]),
    (lambda x: gg.maximum(x, gg.tensor([1.0, 1.0])), [1.0, 2.0], [1.0, 2.0], [0.5, 1.0]),
    (lambda x: x.masked_fill(gg.tensor([True, False]), 7.0), [NAN, 2.0], [7.0, 2.0], [0.0, 1.0]),
]  # fmt: skip


@pytest.mark.parametrize(("f", "inputs", "values", "grads"), KINKS)
def test_kinks(f: Any, inputs: list[float], values: list[float], grads: list[float]) -> None:
    np.testing.assert_allclose(f(gg.tensor(inputs)).tolist(), values, rtol=1e-6)
    np.testing.assert_allclose(slope(f, inputs), grads, rtol=1e-6)


def test_unchosen_nan_leaves_no_trace() -> None:
    """A branch that isn't taken gets the gradient zero, whatever its value."""
    x = gg.tensor([0.0, 4.0], requires_grad=True)
    gg.where(x > 0, gg.tensor([1.0, 2.0]), x).sum().backward()
    assert x.grad.tolist() == [1.0, 0.0]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("size", [3, 5000])
def test_choose_is_where(dtype: Any, size: int) -> None:
    """The masks of bits give what np.where gives, to the bit, NaN and the sign of zero included."""
    from glassgrad.ops.choice import choose

    rng = np.random.default_rng(0)
    x, y = (rng.choice([NAN, INF, -0.0, 0.0, 1.5, -2.5], size).astype(dtype) for _ in range(2))
    mask = rng.random(size) < 0.5
    for a, b in ((x, y), (x, 0), (0, y), (x, 2.0), (x[::-1], y)):
        got, expected = choose(mask, a, b), np.where(mask, a, b)
        assert got.dtype == expected.dtype
        np.testing.assert_array_equal(got.view(np.uint8), np.ascontiguousarray(expected).view(np.uint8))


# (expression, dtype of the result)
INTS, FLOATS, BOOLS = gg.tensor([1, 2]), gg.tensor([0.5, 1.5]), gg.tensor([True, False])
DTYPES = [
    (lambda: INTS + 1, "int64"), (lambda: INTS + 1.0, "float32"), (lambda: INTS / 2, "float32"),
    (lambda: INTS + FLOATS, "float32"), (lambda: INTS.int() + INTS, "int64"), (lambda: BOOLS + 1, "int64"),
    (lambda: BOOLS + BOOLS, "bool"), (lambda: FLOATS.double() + FLOATS, "float64"), (lambda: 2**INTS, "int64"),
    (lambda: FLOATS.half() + FLOATS, "float32"), (lambda: FLOATS.half() * 2.5, "float16"),
    (lambda: FLOATS + gg.tensor(1.0).double(), "float32"), (lambda: INTS + gg.tensor(1.5), "float32"),
    (lambda: gg.exp(INTS), "float32"), (lambda: INTS > 1.5, "bool"), (lambda: INTS // 2, "int64"),
    (lambda: INTS.sum(), "int64"), (lambda: BOOLS.sum(), "int64"), (lambda: FLOATS.half().sum(), "float16"),
    (lambda: INTS.int().cumsum(0), "int64"), (lambda: INTS.clamp(max=1.5), "float32"),
    (lambda: gg.where(BOOLS, 1.0, 2), "float32"), (lambda: FLOATS.bfloat16() * FLOATS.bfloat16(), "bfloat16"),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "dtype"), DTYPES)
def test_dtypes(expression: Any, dtype: str) -> None:
    if dtype == "bfloat16":
        pytest.importorskip("ml_dtypes")
    assert str(expression().dtype) == f"glassgrad.{dtype}"


# --- operators ---


def test_operators() -> None:
    x = gg.tensor([7.0, -7.0])
    assert (x + 1).tolist() == [8.0, -6.0] and (1 + x).tolist() == [8.0, -6.0]
    assert (x - 1).tolist() == [6.0, -8.0] and (1 - x).tolist() == [-6.0, 8.0]
    assert (x * 2).tolist() == (2 * x).tolist() == [14.0, -14.0]
    assert (x / 2).tolist() == [3.5, -3.5] and (7 / x).tolist() == [1.0, -1.0]
    assert (x // 2).tolist() == [3.0, -4.0] and (15 // x).tolist() == [2.0, -3.0]
    assert (x % 4).tolist() == [3.0, 1.0] and (9 % x).tolist() == [2.0, -5.0]
    assert (x**2).tolist() == [49.0, 49.0] and (2**x).tolist() == [128.0, 2**-7]
    assert (-x).tolist() == [-7.0, 7.0] and (+x).tolist() == [7.0, -7.0] and abs(x).tolist() == [7.0, 7.0]
    assert (x == 7).tolist() == [True, False] and (x != 7).tolist() == [False, True]
    assert (x > 0).tolist() == (0 < x).tolist() == [True, False] and (x <= -7).tolist() == [False, True]
    n = gg.tensor([6, 3])
    assert (n & 2).tolist() == [2, 2] and (1 | n).tolist() == [7, 3] and (n ^ n).tolist() == [0, 0]
    assert (n << 1).tolist() == [12, 6] and (n >> 1).tolist() == [3, 1] and (~n).tolist() == [-7, -4]
    assert (~(n > 4)).tolist() == [False, True]


def test_operators_in_place_keep_the_memory() -> None:
    x = gg.tensor([1.0, 2.0])
    before, memory = x, x.data_ptr()
    x += 1
    x *= gg.tensor([2.0, 3.0])
    x -= 1
    x /= 2
    x **= 2
    assert x is before and x.data_ptr() == memory and x.tolist() == [2.25, 16.0]
    n = gg.tensor([5, 6])
    n //= 2
    n <<= 2
    n |= 1
    n %= 8
    assert n.tolist() == [1, 5]
    assert x.add_(1) is x and x.tolist() == [3.25, 17.0]


def test_in_place_gradient() -> None:
    x = gg.tensor([1.0, 2.0], requires_grad=True)
    y = x * 1
    y *= x
    y += x
    y.sum().backward()
    assert x.grad.tolist() == [3.0, 5.0]


def test_strangers_may_know_the_operator() -> None:
    class Unit:
        def __radd__(self, other: Any) -> str:
            return "radd"

        def __rmul__(self, other: Any) -> str:
            return "rmul"

    x = gg.tensor([1.0])
    assert x + Unit() == "radd" and x * Unit() == "rmul"
    assert (x == None) is False and (x != "a") is True  # noqa: E711
    assert len({x, x + 1, x}) == 2
    for other in (None, "a", [1.0]):
        with pytest.raises(TypeError, match="unsupported operand"):
            x + other
        with pytest.raises(TypeError):
            x += other


def test_numpy_on_the_left() -> None:
    x = gg.tensor([1.0, 2.0])
    for made in (np.float32(2) * x, np.array([2.0, 2.0], np.float32) * x):
        assert isinstance(made, gg.Tensor) and made.tolist() == [2.0, 4.0]


# --- errors: (call, exception, words) ---

ONE, TWO = gg.tensor([1.0, 2.0]), gg.tensor([1.0, 2.0, 3.0])
ERRORS = [
    (lambda: ONE + TWO, RuntimeError, r"size of tensor a \(2\) must match the size of tensor b \(3\)"),
    (lambda: BOOLS - BOOLS, RuntimeError, "Subtraction, the `-` operator"),
    (lambda: -BOOLS, RuntimeError, "Negation, the `-` operator"),
    (lambda: ONE & ONE, NotImplementedError, "bitwise_and"),
    (lambda: ~ONE, TypeError, "invert"),
    (lambda: INTS // 0, RuntimeError, "ZeroDivisionError"),
    (lambda: INTS % gg.tensor([0, 1]), RuntimeError, "ZeroDivisionError"),
    (lambda: INTS**-1, RuntimeError, "negative integer powers"),
    (lambda: gg.add(INTS, INTS, alpha=0.5), RuntimeError, "alpha must not be a floating point"),
    (lambda: gg.add(ONE, None), TypeError, "NoneType"),
    (lambda: gg.div(ONE, ONE, rounding_mode="up"), RuntimeError, "rounding_mode"),
    (lambda: gg.clamp(ONE), RuntimeError, "At least one of 'min' or 'max'"),
    (lambda: gg.clamp(ONE, TWO, TWO), RuntimeError, "must match"),
    (lambda: gg.where(INTS, ONE, ONE), RuntimeError, "expected condition to be a boolean"),
    (lambda: gg.where(BOOLS, ONE, TWO), RuntimeError, "must match"),
    (lambda: ONE.masked_fill(INTS, 1.0), RuntimeError, "only supports boolean masks"),
    (lambda: ONE.masked_fill(BOOLS, ONE), RuntimeError, "0-dimensional value"),
    (lambda: gg.lerp(ONE, INTS, 0.5), RuntimeError, "for `end`"),
    (lambda: gg.isclose(ONE, INTS), RuntimeError, "did not match"),
    (lambda: gg.addcdiv(INTS, INTS, INTS), RuntimeError, "addcdiv"),
    (lambda: gg.relu(BOOLS), RuntimeError, "Boolean inputs"),
    (lambda: F.gelu(INTS), NotImplementedError, "Gelu"),
    (lambda: F.gelu(ONE, "erf"), RuntimeError, "approximate"),
    (lambda: F.glu(TWO), RuntimeError, "must be even"),
    (lambda: F.prelu(gg.tensor([[1.0, 2.0, 3.0]]), ONE), RuntimeError, "channel size"),
    (lambda: F.softshrink(ONE, -1.0), RuntimeError, "lambda"),
    (lambda: F.hardtanh(ONE, 2.0, 1.0), ValueError, "min_val"),
    (lambda: F.celu(ONE, 0.0), RuntimeError, "alpha"),
    (lambda: gg.polygamma(-1, ONE), RuntimeError, "negative n"),
    (lambda: INTS.clone().add_(0.5), RuntimeError, "can't be cast"),
    (lambda: ONE.clone().add_(gg.tensor([[1.0], [2.0]])), RuntimeError, "broadcast shape"),
    (lambda: F.prelu(ONE, gg.tensor([[1.0]])), RuntimeError, "ndim = 2"),
    (lambda: F.prelu(gg.tensor(1.0), ONE), RuntimeError, "zero-dim"),
    (lambda: F.rrelu(ONE, 0.3, 0.1), RuntimeError, "Lower bound"),
    (lambda: gg.heaviside(ONE, INTS), RuntimeError, "different dtypes"),
    (lambda: gg.nextafter(INTS, INTS), NotImplementedError, "nextafter"),
    (lambda: gg.frexp(INTS), RuntimeError, "floating-point"),
    (lambda: gg.imag(ONE), RuntimeError, "non-complex"),
    (lambda: gg.complex(ONE, ONE.double()), RuntimeError, "scalar type"),
    (lambda: gg.complex(INTS, INTS), RuntimeError, "Half, Float or Double"),
    (lambda: gg.complex(ONE, ONE, out=ONE.clone()), RuntimeError, "argument 'out'"),
    (lambda: gg.polar(INTS, INTS), RuntimeError, "Float or Double"),
    (lambda: gg.view_as_real(ONE), RuntimeError, "complex"),
    (lambda: gg.view_as_complex(TWO), RuntimeError, "size 2"),
    (lambda: gg.mvlgamma(ONE, 0), RuntimeError, "p has to be"),
    (lambda: gg.add(INTS, INTS, alpha=True), RuntimeError, "Boolean alpha"),
    (lambda: gg.Tensor.__radd__(2, ONE), TypeError, "self must be a Tensor"),
    (lambda: ONE.to("float"), RuntimeError, "device"),
    (lambda: ONE.to(dtype=float), TypeError, "dtype"),
]  # fmt: skip


# Where a Python number may stand for a tensor, as in PyTorch: (first, second, both).
NUMBERS = {
    (True, True, True): "add sub mul div floor_divide",
    (True, True, False): "remainder pow float_power xlogy special.zeta special.hermite_polynomial_h",
    (False, True, False): "fmod rsub copysign eq ne lt le gt ge clamp_min clamp_max",
    (False, False, False): "atan2 hypot logaddexp logaddexp2 maximum minimum fmax fmin logical_and logical_or "
    "logical_xor gcd lcm nextafter heaviside ldexp isclose igamma igammac",
}
PLACES = [
    (name, k, accepted[k]) for accepted, names in NUMBERS.items() for name in names.split() for k in range(3)
]  # fmt: skip


@pytest.mark.parametrize(("name", "place", "accepted"), PLACES)
def test_where_numbers_may_stand(name: str, place: int, accepted: bool) -> None:
    function: Any = gg
    for part in name.split("."):
        function = getattr(function, part)
    x = INTS if name in ("gcd", "lcm") else ONE
    arguments = ((2, x), (x, 2), (2, 3))[place]
    if accepted:
        assert isinstance(function(*arguments), gg.Tensor)
    else:
        with pytest.raises(TypeError):
            function(*arguments)


def test_numbers_alone_make_a_tensor() -> None:
    made = gg.div(2, 3), gg.add(2, 3), gg.mul(2, 1.5)
    assert [x.dtype for x in made] == [gg.float32, gg.int64, gg.float32]
    assert made[1].item() == 5 and made[2].item() == 3.0


def test_what_has_no_derivative_says_so() -> None:
    x = gg.tensor([0.5, 0.7], requires_grad=True)
    for call in (gg.special.airy_ai, lambda x: gg.special.chebyshev_polynomial_t(x, 3), lambda x: gg.igamma(x, ONE)):
        with pytest.raises(NotImplementedError, match="derivative"):
            call(x)


def test_parts_of_complex_numbers_share_memory() -> None:
    z = gg.tensor([1 + 2j, 3 + 4j])
    z.real.mul_(10.0)
    gg.view_as_real(z)[0, 1] = 7.0
    assert z.tolist() == [10 + 7j, 30 + 4j]


def test_frexp_puts_together_what_it_took_apart() -> None:
    x = gg.tensor([3.0, -0.1, 1e300, 5e-324, 0.0], dtype=gg.float64, requires_grad=True)
    mantissa, exponent = gg.frexp(x)
    assert (np.ldexp(mantissa.detach().numpy(), exponent.numpy()) == x.detach().numpy()).all()
    mantissa[2].backward()  # 2^-997, beyond float32
    assert x.grad[2].item() == 2.0**-997


@pytest.mark.parametrize(("call", "problem", "words"), ERRORS)
def test_errors(call: Any, problem: type[Exception], words: str) -> None:
    with pytest.raises(problem, match=words):
        call()


def test_casts() -> None:
    x = gg.tensor([1.5, -2.5], requires_grad=True)
    x.double().mul(gg.tensor([2.0, 3.0]).double()).sum().backward()
    assert x.grad.tolist() == [2.0, 3.0] and x.grad.dtype is gg.float32
    assert x.to(gg.float32) is x and x.float() is x and x.to(x) is x
    assert x.to(gg.float32, copy=True) is not x
    assert x.long().tolist() == [1, -2] and x.bool().tolist() == [True, True] and x.type_as(INTS).dtype is gg.int64
    assert x.detach().to("cpu", gg.float64).dtype is gg.float64


def test_relu_leaves_what_is_not_below_zero_as_it_is() -> None:
    for n in (1, 600):
        assert np.signbit(gg.relu(gg.full((n,), -0.0)).numpy()).all()


OLD = {
    "x.add(2, y)": "x.add(y, alpha=2)", "g.sub(x, 2, y)": "g.sub(x, y, alpha=2)",
    "x.clone().add_(2.5, y)": "x.add(y, alpha=2.5)", "x.clone().addcdiv_(-0.5, y, z)": "x.addcdiv(y, z, value=-0.5)",
    "g.addcmul(x, 2, y, z)": "g.addcmul(x, y, z, value=2)", "x.addmm(2, y, z)": "x.addmm(y, z, beta=2)",
    "g.addmm(2, x, 3, y, z)": "g.addmm(x, y, z, beta=2, alpha=3)",
    "x.clone().addmm_(2, 3, y, z)": "x.addmm(y, z, beta=2, alpha=3)",
}  # fmt: skip


@pytest.mark.parametrize("old, new", OLD.items(), ids=OLD)
def test_numbers_before_the_tensors_that_they_scale(old: str, new: str) -> None:
    """The order of optimizers written before PyTorch 1.5."""
    names = {"g": gg, "x": gg.randn(2, 2), "y": gg.randn(2, 2), "z": gg.randn(2, 2)}
    with pytest.warns(UserWarning, match="deprecated"):
        found = eval(old, names)
    assert gg.equal(found, eval(new, names))


def test_too_many_numbers_are_refused() -> None:
    x = gg.ones(2)
    for call in (lambda: x.add(1, 2, x), lambda: x.add(1, x, x), lambda: x.addcmul(1, 2, x, x), lambda: x.add("1", x)):
        with pytest.raises(TypeError):
            call()


def test_masked_fill_keeps_the_layout() -> None:
    """Dropout draws in the order of memory."""
    x = gg.rand(4, 3, 11, 11)
    for filled in (x.masked_fill(gg.ones(1, 1, 11, 11).tril() == 0, float("-inf")), x.masked_fill(x > 0.5, 0)):
        assert filled.stride() == x.stride()

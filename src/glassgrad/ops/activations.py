"""Activation functions of one number, under their names in torch.nn.functional."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..core import samplers
from ..core.backend import Array, to_device, to_host
from ..core.dtypes import title_of
from ..core.errors import told
from ..core.fast import unary
from ..core.half import tensors_in_float32
from ..core.op import op
from ..core.random import current_generator
from ..core.tensor import Tensor
from ..core.titles import titled
from ..core.views import in_place
from .arithmetic import exp, sigmoid
from .choice import choose, where
from .elementwise import abs, sign, tanh
from .special import ROOT_TWO_PI, ndtr

__all__ = [
    "celu", "celu_", "hardshrink", "prelu", "relu", "relu_", "rrelu", "rrelu_", "selu", "selu_", "threshold",
    "threshold_",
]  # fmt: skip
METHODS: tuple[str, ...] = ("hardshrink", "prelu", "relu", "relu_")
IN_PLACE: tuple[str, ...] = ()


def _apply(inplace: bool, x: Any, call: Callable[..., Any], **options: Any) -> Any:
    return in_place(x, call, **options) if inplace else call(x, **options)


def _checked(kernel: str, x: Any) -> Any:
    """x, refused as PyTorch refuses integers."""
    if x.array.dtype.kind in "iub":
        raise told(NotImplementedError(f"\"{kernel}\" not implemented for '{title_of(x)}'"))
    return x


def _same(y: Array, x: Array) -> Array:
    """y in the dtype of x, which bfloat16 loses beside a Python float."""
    return y.astype(x.dtype, copy=False)


# --- piecewise linear ---

_relu = unary(lambda x: choose(x < 0, 0, x), "relu", x=lambda g, y: where(y <= 0, 0, g))


def relu(input: Any, inplace: bool = False) -> Any:
    """max(0, x); the gradient at 0 is 0."""
    if isinstance(input, Tensor) and input.array.dtype.kind == "b":
        raise RuntimeError("Boolean inputs not supported for relu")
    return in_place(input, _relu) if inplace else _relu(input)


@op(jvp="elementwise")
def leaky_relu_(x: Array, *, negative_slope: float) -> Array:
    return _same(choose(x > 0, x, x * negative_slope), x)


leaky_relu_.vjp(x=lambda g, x, negative_slope: where(x > 0, g, g * negative_slope))


def leaky_relu(input: Any, negative_slope: float = 0.01, inplace: bool = False) -> Any:
    """x, times negative_slope where negative."""
    return _apply(inplace, _checked("leaky_relu_cpu", input), leaky_relu_, negative_slope=negative_slope)


def rrelu(input: Any, lower: float = 1 / 8, upper: float = 1 / 3, training: bool = False, inplace: bool = False) -> Any:
    """leaky_relu with the slope (lower + upper) / 2; in training with one uniform in [lower, upper] for each number.

    Raises RuntimeError unless lower <= upper. Source: Xu et al. 2015, arXiv:1505.00853.
    """
    if lower > upper:
        raise RuntimeError(f"Lower bound should be less than or equal to the upper bound, but {lower} > {upper}")
    if not training:
        return leaky_relu(input, (lower + upper) / 2, inplace)
    x = to_host(_checked("rrelu_with_noise_out_cpu", input).array)
    slopes = np.ones(x.shape, x.dtype)
    below = x <= 0
    slopes[below] = samplers.uniform(current_generator(), int(below.sum()), np.float64, lower, upper)
    return _apply(inplace, input, lambda x: x * Tensor._of(to_device(slopes, input.device)))


@titled("PreluKernelBackward0")
def prelu(input: Any, weight: Any) -> Any:
    """x, times weight where negative; one weight, or one for each channel (dim 1)."""
    if weight.array.ndim > 1:
        raise RuntimeError(f"prelu: Expected `weight` to be a scalar or 1D tensor, but got: ndim = {weight.array.ndim}")
    if weight.array.size == 1:
        weight = weight.reshape(())
    else:
        if input.array.ndim == 0:
            raise RuntimeError(f"Not allow zero-dim input tensor. It has one number, for {weight.array.size} weights")
        channels = input.shape[1] if input.array.ndim > 1 else 1
        if weight.array.size != channels:
            raise RuntimeError(
                f"Mismatch of parameter numbers and input channel size. Found parameter numbers = "
                f"{weight.array.size} and channel size = {channels}."
            )
        weight = weight.reshape((-1,) + (1,) * (input.array.ndim - 2))
    return where(input > 0, input, weight * input)


@op(jvp="elementwise")
def hardtanh_(x: Array, *, low: float, high: float) -> Array:
    return _same(np.minimum(np.maximum(x, low), high), x)


hardtanh_.vjp(x=lambda g, x, low, high: where((x <= low) | (x >= high), 0, g))


def hardtanh(input: Any, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Any:
    """x limited to [min_val, max_val]; unlike clamp's, the gradient at the limits is 0."""
    if min_val > max_val:
        raise ValueError(f"min_val cannot be greater than max_val, but {min_val} > {max_val}")
    if input.array.dtype.kind in "iu":
        min_val, max_val = int(min_val), int(max_val)
    return _apply(inplace, input, hardtanh_, low=min_val, high=max_val)


def relu6(input: Any, inplace: bool = False) -> Any:
    """x limited to [0, 6]."""
    return hardtanh(input, 0.0, 6.0, inplace)


@titled("HardsigmoidBackward0")
def hardsigmoid(input: Any, inplace: bool = False) -> Any:
    """x / 6 + 1/2, limited to [0, 1]."""
    return _apply(inplace, _checked("hardsigmoid_cpu", input), tensors_in_float32(lambda x: relu6(x + 3) / 6))


@titled("HardswishBackward0")
def hardswish(input: Any, inplace: bool = False) -> Any:
    """x * hardsigmoid(x)."""
    return _apply(inplace, _checked("hardswish_cpu", input), tensors_in_float32(lambda x: x * relu6(x + 3) / 6))


@titled("ThresholdBackward0")
def threshold(input: Any, threshold: float, value: float, inplace: bool = False) -> Any:
    """x where x > threshold, else value."""
    return _apply(inplace, input, lambda x: where(x <= threshold, value, x))


@titled("HardshrinkBackward0")
def hardshrink(input: Any, lambd: float = 0.5) -> Any:
    """x where |x| > lambd, else 0."""
    return where(abs(_checked("hardshrink_cpu", input)) <= lambd, 0, input)


@titled("SoftshrinkBackward0")
def softshrink(input: Any, lambd: float = 0.5) -> Any:
    """x moved towards 0 by lambd, stopping there. Raises RuntimeError for a negative lambd."""
    if lambd < 0:
        raise RuntimeError(f"lambda must be greater or equal to 0, but found to be {lambd}.")
    return where(abs(_checked("softshrink_cpu", input)) <= lambd, 0, input - sign(input) * lambd)


# --- exponential ---


@op(jvp="elementwise")
def elu_(x: Array, *, alpha: float, scale: float, rate: float) -> Array:
    return _same(choose(x <= 0, np.expm1(np.minimum(x, 0) * rate) * (alpha * scale), x * scale), x)


def _elu_slope(g: Any, x: Any, alpha: float, scale: float, rate: float) -> Any:
    below = where(x <= 0, x, 0)  # exp of a large x would make the other branch's gradient NaN
    return where(x <= 0, g * (exp(below * rate) * (alpha * scale * rate)), g * scale)


elu_.vjp(x=_elu_slope)


def elu(input: Any, alpha: float = 1.0, inplace: bool = False) -> Any:
    """x, where negative alpha * (exp(x) - 1)."""
    return _apply(inplace, _checked("elu_cpu", input), elu_, alpha=alpha, scale=1.0, rate=1.0)


@titled("CeluBackward0")
def celu(input: Any, alpha: float = 1.0, inplace: bool = False) -> Any:
    """x, where negative alpha * (exp(x / alpha) - 1), which has no kink. Raises RuntimeError for alpha 0."""
    if alpha == 0:
        raise RuntimeError("ZeroDivisionError: alpha cannot be 0 for CELU")
    return _apply(inplace, _checked("elu_cpu", input), elu_, alpha=alpha, scale=1.0, rate=1 / alpha)


SELU_ALPHA, SELU_SCALE = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946


def selu(input: Any, inplace: bool = False) -> Any:
    """elu with the alpha and the scale that keep mean 0 and variance 1. Source: Klambauer et al. 2017."""
    return _apply(inplace, _checked("elu_cpu", input), elu_, alpha=SELU_ALPHA, scale=SELU_SCALE, rate=1.0)


@op(jvp="elementwise")
def softplus_(x: Array, *, beta: float, threshold: float) -> Array:
    scaled = x * beta
    return _same(choose(scaled > threshold, x, np.log1p(np.exp(np.minimum(scaled, threshold))) / beta), x)


softplus_.vjp(x=lambda g, x, beta, threshold: where(x * beta > threshold, g, g * sigmoid(x * beta)))


def softplus(input: Any, beta: float = 1.0, threshold: float = 20.0) -> Any:
    """log(1 + exp(beta x)) / beta, and x itself where beta x > threshold."""
    return softplus_(_checked("softplus_cpu", input), beta=beta, threshold=threshold)


_logsigmoid = unary(
    lambda x: np.minimum(x, 0) - np.log1p(np.exp(-np.absolute(x))), "log_sigmoid", x=lambda g, x: g * sigmoid(-x)
)


def logsigmoid(input: Any) -> Any:
    """log(sigmoid(x)), computed without overflow."""
    return _logsigmoid(_checked("log_sigmoid_cpu", input))


def _silu_slope(g: Any, x: Any) -> Any:
    s = sigmoid(x)
    return g * (s * (1 + x * (1 - s)))


_silu = unary(lambda x: x / (1 + np.exp(-x)), "silu", x=_silu_slope)


def silu(input: Any, inplace: bool = False) -> Any:
    """x * sigmoid(x). Source: Elfwing, Uchibe, Doya 2017, arXiv:1702.03118."""
    return _apply(inplace, _checked("silu_cpu", input), _silu)


def _mish_slope(g: Any, x: Any) -> Any:
    t = tanh(softplus_(x, beta=1.0, threshold=20.0))
    return g * (t + x * (sigmoid(x) * (1 - t * t)))


_mish = unary(lambda x: x * np.tanh(softplus_(x, beta=1.0, threshold=20.0)), "mish", x=_mish_slope)


def mish(input: Any, inplace: bool = False) -> Any:
    """x * tanh(softplus(x)). Source: Misra 2019, arXiv:1908.08681."""
    return _apply(inplace, _checked("mish_cpu", input), _mish)


def softsign(input: Any) -> Any:
    """x / (1 + |x|)."""
    return input / (1 + abs(input))


def tanhshrink(input: Any) -> Any:
    """x - tanh(x)."""
    return input - tanh(input)


@titled("GluBackward0")
@tensors_in_float32
def glu(input: Any, dim: int = -1) -> Any:
    """a * sigmoid(b), where a and b are the halves of x along dim. Raises RuntimeError for an odd size."""
    if input.array.ndim == 0:
        raise RuntimeError("glu does not support 0-dimensional tensors")
    n = input.size(dim)
    if n % 2:
        raise RuntimeError(f"Halving dimension must be even, but dimension {dim % input.array.ndim} is size {n}")
    a, b = input.chunk(2, dim)
    return a * sigmoid(b)


# --- GELU ---

TANH_SCALE, TANH_CUBE = math.sqrt(2 / math.pi), 0.044715

_gelu = unary(lambda x: x * ndtr(x), "gelu", x=lambda g, x: g * (ndtr(x) + x * (exp(x * x * -0.5) / ROOT_TWO_PI)))


def _gelu_tanh_arrays(x: Array) -> Array:
    y = x * x
    y *= TANH_SCALE * TANH_CUBE
    y += TANH_SCALE
    y *= x
    y = np.tanh(y)
    y += 1
    y *= x
    y *= 0.5
    return y


def _gelu_tanh_slope(g: Any, x: Any) -> Any:
    square = x * x
    t = tanh(x * (TANH_SCALE + TANH_SCALE * TANH_CUBE * square))
    inner = TANH_SCALE + 3 * TANH_SCALE * TANH_CUBE * square
    return g * (0.5 * (1 + t) + (0.5 * x) * ((1 - t * t) * inner))


_gelu_tanh = unary(_gelu_tanh_arrays, "gelu_tanh", x=_gelu_tanh_slope)


def gelu(input: Any, approximate: str = "none") -> Any:
    """x * Phi(x), Phi the normal distribution; approximate="tanh" uses a tanh in its place.

    Exact also for large negative x, where 1 + erf would cancel.
    Source: Hendrycks, Gimpel 2016, arXiv:1606.08415.
    """
    if approximate not in ("none", "tanh"):
        raise RuntimeError(f"approximate argument must be either none or tanh, not {approximate!r}")
    return (_gelu if approximate == "none" else _gelu_tanh)(_checked("GeluKernelImpl", input))


def changing(call: Callable[..., Any]) -> Callable[..., Any]:
    """The function that does in place what this one does."""

    def changed(input: Any, *args: Any, **options: Any) -> Any:
        return call(input, *args, **options, inplace=True)

    changed.__name__, changed.__doc__ = f"{call.__name__}_", f"{call.__name__}, in place."
    return changed


relu_, selu_, celu_ = changing(relu), changing(selu), changing(celu)
rrelu_, threshold_ = changing(rrelu), changing(threshold)

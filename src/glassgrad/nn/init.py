"""Values for fresh parameters, drawn in place and in PyTorch's order: the same seed gives PyTorch's weights.

A function fills the tensor it is given, and returns it. fan_in and fan_out are the numbers of values that go into
and come out of one output and one input of a layer whose weight is (out, in, *kernel).
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..core import samplers
from ..core.backend import to_host, xp_of
from ..core.graph import touch
from ..core.modes import no_grad
from ..core.provenance import warn
from ..core.random import current_generator
from ..core.tensor import Tensor

__all__ = [
    "calculate_gain", "constant_", "dirac_", "eye_", "kaiming_normal_", "kaiming_uniform_", "normal_", "ones_",
    "orthogonal_", "sparse_", "trunc_normal_", "uniform_", "xavier_normal_", "xavier_uniform_", "zeros_",
]  # fmt: skip

LINEAR = (
    "linear", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "sigmoid",
)  # fmt: skip
GAINS: dict[str, float] = {
    **dict.fromkeys(LINEAR, 1), "tanh": 5.0 / 3, "relu": math.sqrt(2.0), "selu": 3.0 / 4,
}  # fmt: skip


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The factor on a weight's std that keeps the variance through this nonlinearity; param: leaky_relu's slope.

    Raises ValueError for an unknown one. Source: He, Zhang, Ren, Sun 2015, arXiv:1502.01852, section 2.2.
    """
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else param
        if isinstance(slope, bool) or not isinstance(slope, (int, float)):
            raise ValueError(f"negative_slope {param} not a valid number")
        return math.sqrt(2.0 / (1 + slope**2))
    if nonlinearity not in GAINS:
        raise ValueError(f"Unsupported nonlinearity {nonlinearity}: expected one of {[*GAINS, 'leaky_relu']}")
    return GAINS[nonlinearity]


def _calculate_fan_in_and_fan_out(tensor: Tensor) -> tuple[int, int]:
    if tensor.dim() < 2:
        raise ValueError(
            "Fan in and fan out can not be computed for tensor with fewer than 2 dimensions: "
            f"got shape {tuple(tensor.shape)}"
        )
    out, into, *kernel = tensor.shape
    return into * math.prod(kernel), out * math.prod(kernel)


def _calculate_correct_fan(tensor: Tensor, mode: str) -> int:
    modes = ["fan_in", "fan_out"]
    if mode.lower() not in modes:
        raise ValueError(f"Mode {mode} not supported, please use one of {modes}")
    return _calculate_fan_in_and_fan_out(tensor)[modes.index(mode.lower())]


def _write(tensor: Tensor, values: Any) -> Tensor:
    """The tensor with these values, which lie on the host."""
    tensor.array[...] = values if xp_of(tensor.array) is np else xp_of(tensor.array).asarray(values)
    touch(tensor.version)
    return tensor


# --- fixed values ---


def constant_(tensor: Tensor, val: float) -> Tensor:
    """Every element val."""
    return _write(tensor, val)


def ones_(tensor: Tensor) -> Tensor:
    """Every element 1."""
    return _write(tensor, 1)


def zeros_(tensor: Tensor) -> Tensor:
    """Every element 0."""
    return _write(tensor, 0)


def eye_(tensor: Tensor) -> Tensor:
    """The identity matrix: 1 on the diagonal, 0 elsewhere. ValueError unless the tensor has 2 dims."""
    if tensor.dim() != 2:
        raise ValueError(f"Only tensors with 2 dimensions are supported, got {tensor.dim()}")
    return _write(tensor, np.eye(*tensor.shape))


def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """A convolution's weight (out, in / groups, *kernel) that hands its input on: 1 where channel meets itself.

    Raises ValueError unless the tensor has 3, 4 or 5 dims and groups divide the first.
    """
    if tensor.dim() not in (3, 4, 5):
        raise ValueError(f"Only tensors with 3, 4, or 5 dimensions are supported, got {tensor.dim()}")
    out, into, *kernel = tensor.shape
    if out % groups:
        raise ValueError(f"dim 0 must be divisible by groups: {out} is not divisible by {groups}")
    zeros_(tensor)
    each = out // groups
    for g in range(groups):
        for c in range(min(each, into)):
            tensor.array[(g * each + c, c, *[n // 2 for n in kernel])] = 1
    return tensor


# --- random values ---


@no_grad()
def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Any = None) -> Tensor:
    """Uniform in [a, b)."""
    return tensor.uniform_(a, b, generator=generator)


@no_grad()
def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Any = None) -> Tensor:
    """Normal with this mean and standard deviation."""
    return tensor.normal_(mean, std, generator=generator)


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, generator: Any = None) -> Tensor:
    """Uniform in [-b, b), b = gain sqrt(6 / (fan_in + fan_out)).

    Source: Glorot and Bengio 2010, AISTATS, equation 16.
    """
    std = gain * math.sqrt(2.0 / float(sum(_calculate_fan_in_and_fan_out(tensor))))
    bound = math.sqrt(3.0) * std
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Any = None) -> Tensor:
    """Normal with std gain sqrt(2 / (fan_in + fan_out)). Source: as xavier_uniform_."""
    std = gain * math.sqrt(2.0 / float(sum(_calculate_fan_in_and_fan_out(tensor))))
    return normal_(tensor, 0.0, std, generator)


def _kaiming_std(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float | None:
    """gain / sqrt(fan); None, and a warning, where there is nothing to fill."""
    if 0 in tensor.shape:
        warn("Initializing zero-element tensors is a no-op")
        return None
    fan = _calculate_correct_fan(tensor, mode)
    return calculate_gain(nonlinearity, a) / math.sqrt(fan)


def kaiming_uniform_(
    tensor: Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator: Any = None
) -> Tensor:
    """Uniform in [-b, b), b = gain sqrt(3 / fan), fan that of the mode, a the slope of leaky_relu.

    Source: He, Zhang, Ren, Sun 2015, arXiv:1502.01852, equation 14.
    """
    std = _kaiming_std(tensor, a, mode, nonlinearity)
    if std is None:
        return tensor
    bound = math.sqrt(3.0) * std
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator: Any = None
) -> Tensor:
    """Normal with std gain / sqrt(fan). Source: as kaiming_uniform_."""
    std = _kaiming_std(tensor, a, mode, nonlinearity)
    return tensor if std is None else normal_(tensor, 0.0, std, generator)


@no_grad()
def trunc_normal_(
    tensor: Tensor, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0, generator: Any = None
) -> Tensor:
    """Normal, but what falls outside [a, b] is drawn again; a and b are values, not multiples of std."""
    if mean < a - 2 * std or mean > b + 2 * std:
        warn(
            "mean is more than 2 std from [a, b] in nn.init.trunc_normal_. The distribution of values may be incorrect."
        )
    below_a, below_b = ((1.0 + math.erf((end - mean) / std / math.sqrt(2.0))) / 2.0 for end in (a, b))
    like = to_host(tensor.array)
    if below_b - below_a > 0.3:  # most draws fit: repeat the others
        low, high = like.dtype.type(a), like.dtype.type(b)
        values = _drawn(like, "normal_", mean, std, generator)
        while (outside := (values < low) | (values > high)).any():
            values = np.where(outside, _drawn(like, "normal_", mean, std, generator), values)
        return _write(tensor, values)
    # Few would fit: uniform in [a, b), accepted with the probability density / highest density.
    peak = -0.5 * ((max(a, min(mean, b)) - mean) / std) ** 2
    values, pending = like, np.ones(like.shape, bool)
    while pending.any():
        candidates = _drawn(like, "uniform_", a, b, generator)
        values = np.where(pending, candidates, values)
        log_density = ((candidates - mean) / std) ** 2 * -0.5 - peak
        pending &= np.log(_drawn(like, "uniform_", 0.0, 1.0, generator)) > log_density
    return _write(tensor, values)


def _drawn(like: np.ndarray, method: str, first: float, second: float, generator: Any) -> np.ndarray:
    """An array with the shape, dtype and layout of another, filled by a method of Tensor."""
    made = Tensor._of(np.empty_like(like))
    getattr(made, method)(first, second, generator=generator)
    return made.array


@no_grad()
def orthogonal_(tensor: Tensor, gain: float = 1, generator: Any = None) -> Tensor:
    """Orthonormal rows or columns (of the tensor as a matrix: dim 0 by all others), times gain.

    Raises ValueError for fewer than 2 dims. Sources: Saxe, McClelland, Ganguli 2014, arXiv:1312.6120; the uniform
    choice: Mezzadri 2007, arXiv:math-ph/0609050.
    """
    if tensor.dim() < 2:
        raise ValueError(f"Only tensors with 2 or more dimensions are supported, got {tensor.dim()}")
    if tensor.numel() == 0:
        return tensor
    rows = tensor.shape[0]
    like = to_host(tensor.array)
    drawn = _drawn(np.empty((rows, like.size // rows), like.dtype), "normal_", 0, 1, generator)
    wide = rows < drawn.shape[1]
    work = (drawn.T if wide else drawn).astype(np.promote_types(like.dtype, np.float32))
    q, r = np.linalg.qr(work)
    q *= np.sign(np.diagonal(r))
    return _write(tensor, ((q.T if wide else q) * gain).reshape(like.shape))


@no_grad()
def sparse_(tensor: Tensor, sparsity: float, std: float = 0.01, generator: Any = None) -> Tensor:
    """Normal with this std, but the fraction `sparsity` of each column is zero.

    Raises ValueError unless the tensor has 2 dims. Source: Martens 2010, Deep learning via Hessian-free optimization.
    """
    if tensor.dim() != 2:
        raise ValueError(f"Only tensors with 2 dimensions are supported, got {tensor.dim()}")
    rows, columns = tensor.shape
    normal_(tensor, 0, std, generator)
    for column in range(columns):
        zeroed = samplers.permutation(current_generator(), rows)[: math.ceil(sparsity * rows)]
        tensor.array[zeroed, column] = 0
    return tensor


def default_(weight: Tensor, bias: Tensor | None) -> None:
    """How a linear layer or a convolution starts: weight, then bias, uniform in [-k, k), k = 1 / sqrt(fan_in)."""
    kaiming_uniform_(weight, a=math.sqrt(5))  # the gain of this slope is sqrt(1 / 3)
    if bias is not None:
        fan_in, _ = _calculate_fan_in_and_fan_out(weight)
        bound = 1 / math.sqrt(fan_in) if fan_in > 0 else 0
        uniform_(bias, -bound, bound)


# --- names of old, without the underscore ---


def _deprecated(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    new = function.__name__

    @functools.wraps(function)
    def old(*args: Any, **kwargs: Any) -> Tensor:
        text = f"`nn.init.{new[:-1]}` is now deprecated in favor of `nn.init.{new}`."
        warn(text, FutureWarning)
        return function(*args, **kwargs)

    old.__name__ = old.__qualname__ = new[:-1]
    return old


uniform, normal, constant, eye, dirac = map(_deprecated, (uniform_, normal_, constant_, eye_, dirac_))
xavier_uniform, xavier_normal = map(_deprecated, (xavier_uniform_, xavier_normal_))
kaiming_uniform, kaiming_normal = map(_deprecated, (kaiming_uniform_, kaiming_normal_))
orthogonal, sparse = map(_deprecated, (orthogonal_, sparse_))

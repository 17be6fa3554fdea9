"""Normalisation, and distances that stand on norms.

`standardize` is the core of layer, batch, group and instance norm: xhat = (x - mean) / sqrt(var + eps) over some dims,
with the biased variance. It also gives mean and var, which batch norm's running statistics need and its formula keeps.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ..core.backend import Array, xp_of
from ..core.dtypes import title_of
from ..core.errors import told
from ..core.graph import touch
from ..core.half import tensors_in_float32
from ..core.op import op
from ..core.tensor import Tensor
from ..core.titles import titled
from .arithmetic import rsqrt, sqrt, square
from .choice import clamp
from .pool import towards_zero, window_sum
from .reduce import count, mean
from .reduce import sum as sum_over
from .shape import broadcast_tensors, sum_to_size, wrap

__all__ = [
    "batch_norm", "cosine_similarity", "group_norm", "instance_norm", "layer_norm", "pairwise_distance", "rms_norm",
]  # fmt: skip
METHODS: tuple[str, ...] = ()
IN_PLACE: tuple[str, ...] = ()

Dims = tuple[int, ...]


# --- the core ---


def _float32(x: Array) -> Array:
    """Half precision computes in float32."""
    return x.astype("float32") if x.dtype.itemsize == 2 else x


@op(outputs=3)
def standardize(x: Array, *, dims: Dims, eps: float) -> tuple[Array, Array, Array]:
    """xhat in x's shape; mean and var with 1 in the place of `dims`."""
    xp, n, wide = xp_of(x), count(x.shape, dims), _float32(x)
    m = xp.add.reduce(wide, dims, None, None, True)
    m = m / n
    y = wide - m
    v = xp.add.reduce(y * y, dims, None, None, True)
    v = v / n
    y *= 1 / xp.sqrt(v + eps)
    return y.astype(x.dtype, copy=False), m.astype(x.dtype, copy=False), v.astype(x.dtype, copy=False)


def _standardize_slope(g: Any, x_shape: Dims, y: Any, dims: Dims, eps: float) -> Any:
    """(g - mean(g) - xhat mean(g xhat)) / sqrt(var + eps), and what came to mean and var."""
    xhat, _, v = y
    n = count(x_shape, dims)
    parts = []
    if g[0] is not None:
        slope = sum_over(g[0] * xhat, dim=dims, keepdim=True) / n
        parts.append((g[0] - sum_over(g[0], dim=dims, keepdim=True) / n - xhat * slope) * rsqrt(v + eps))
    if g[1] is not None:
        parts.append(g[1] / n + xhat * 0)
    if g[2] is not None:
        parts.append(xhat * (g[2] * sqrt(v + eps) * (2 / n)))
    return sum(parts[1:], parts[0])


standardize.vjp(x=_standardize_slope)


@standardize.jvp
def _(primals: Any, tangents: Any, y: Any, *, dims: Dims, eps: float) -> Any:
    (t,), (xhat, _, v) = tangents, y
    n = count(primals[0].shape, dims)
    dm = sum_over(t, dim=dims, keepdim=True) / n
    slope = sum_over(t * xhat, dim=dims, keepdim=True) / n
    scale = rsqrt(v + eps)
    return (t - dm - xhat * slope) * scale, dm, slope * sqrt(v + eps) * 2


@op
def scale_shift(x: Array, w: Array, b: Array) -> Array:
    y = x * w
    y += b
    return y


scale_shift.vjp(
    x=lambda g, w: g * w,
    w=lambda g, x, w_shape: sum_to_size(g * x, shape=w_shape),
    b=lambda g, b_shape: sum_to_size(g, shape=b_shape),
)


@scale_shift.jvp
def _(primals: Any, tangents: Any, y: Any) -> Any:
    (x, w, _), (dx, dw, db) = primals, tangents
    parts = [a * b for a, b in ((dx, w), (x, dw)) if a is not None and b is not None]
    return sum(parts[1:], parts[0] if parts else y * 0) + (0 if db is None else db)


@tensors_in_float32
def _normal(
    x: Tensor, weight: Tensor | None, bias: Tensor | None, shape: Sequence[int], dims: Dims, eps: float
) -> tuple[Tensor, ...]:
    """x standardized over dims, times weight and plus bias; what the mean and the variance were."""
    xhat, m, v = standardize(x, dims=dims, eps=eps)
    return _unit(xhat, weight, bias, shape), m, v


@tensors_in_float32
def _affine(x: Tensor, weight: Tensor | None, bias: Tensor | None, shape: Sequence[int]) -> Tensor:
    """x * weight + bias, both reshaped to `shape` first."""
    if weight is not None and weight.array.shape != shape:
        weight = weight.reshape(*shape)
    if bias is not None and bias.array.shape != shape:
        bias = bias.reshape(*shape)
    if weight is not None and bias is not None and weight.array.dtype == bias.array.dtype == x.array.dtype:
        return scale_shift(x, weight, bias)
    x = x if weight is None else x * weight
    return x if bias is None else x + bias


def _unit(xhat: Tensor, weight: Tensor | None, bias: Tensor | None, shape: Sequence[int]) -> Tensor:
    """_affine, of what `standardize` gave and its formula keeps: never the same memory, which users may change."""
    if weight is None and bias is None:
        return xhat.clone() if xhat.requires_grad else xhat
    return _affine(xhat, weight, bias, shape)


# --- layers ---


def _trailing(name: str, x: Tensor, normalized_shape: Any, weight: Tensor | None, bias: Tensor | None) -> Dims:
    """The last dims, which must be normalized_shape."""
    shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
    s = tuple(x.array.shape)
    if not shape:
        raise RuntimeError(
            "Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one element, "
            f"but got normalized_shape = {list(shape)}"
        )
    if s[-len(shape) :] != shape:
        raise RuntimeError(
            f"Given normalized_shape={list(shape)}, expected input with shape [*, {', '.join(map(str, shape))}], "
            f"but got input of size{list(s)}"
        )
    for what, t in (("weight", weight), ("bias", bias)):
        if t is not None and t.array.shape != shape:
            raise RuntimeError(
                f"Expected {what} to be of same shape as normalized_shape, but got {what} of shape "
                f"{list(t.array.shape)} and normalized_shape = {list(shape)}"
            )
    if x.array.dtype.kind not in "fV":
        raise told(NotImplementedError(f"\"LayerNormKernelImpl\" not implemented for '{title_of(x)}'"))
    return tuple(range(len(s) - len(shape), len(s)))


@titled("NativeLayerNormBackward0")
def layer_norm(
    input: Tensor, normalized_shape: Any, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5
) -> Tensor:
    """(x - mean) / sqrt(var + eps) * weight + bias over the last dims, with the biased variance.

    input (..., *normalized_shape) -> same shape; weight and bias (*normalized_shape).
    Raises RuntimeError if the last dims are not normalized_shape.
    Source: Ba, Kiros, Hinton 2016, arXiv:1607.06450, section 3.
    """
    dims = _trailing("layer_norm", input, normalized_shape, weight, bias)
    return _normal(input, weight, bias, input.array.shape[dims[0] :], dims, eps)[0]


def rms_norm(input: Tensor, normalized_shape: Any, weight: Tensor | None = None, eps: float | None = None) -> Tensor:
    """x / sqrt(mean(x^2) + eps) * weight over the last dims; eps is the dtype's epsilon unless given.

    Raises RuntimeError if the last dims are not normalized_shape. Source: Zhang, Sennrich 2019, arXiv:1910.07467.
    """
    dims = _trailing("rms_norm", input, normalized_shape, weight, None)
    if eps is None:
        eps = float(xp_of(input.array).finfo(_float32(input.array[:0]).dtype).eps)
    return _root_mean_square(input, weight, dims, eps)


@tensors_in_float32
def _root_mean_square(x: Tensor, weight: Tensor | None, dims: Dims, eps: float) -> Tensor:
    y = x * rsqrt(mean(square(x), dim=dims, keepdim=True) + eps)
    return y if weight is None else y * weight


def _channelwise(x: Tensor, **given: Tensor | None) -> int:
    """The number of channels, dim 1, which everything given must have."""
    if x.array.ndim < 2:
        raise RuntimeError(f"expected input (N, C, ...), got {tuple(x.array.shape)}")
    if x.array.dtype.kind not in "fV":
        raise told(NotImplementedError(f"\"batch_norm\" not implemented for '{title_of(x)}'"))
    channels = x.array.shape[1]
    for name, t in given.items():
        if t is not None and t.array.size != channels:
            raise RuntimeError(f"{name} should contain {channels} elements not {t.array.size}")
    return channels


def _remember(running: Tensor | None, seen: Array, momentum: float) -> None:
    """running = (1 - momentum) running + momentum seen, in place."""
    if running is not None:
        running.array *= 1 - momentum
        running.array += (momentum * seen.reshape(-1)).astype(running.array.dtype)
        touch(running.version)


@titled("NativeBatchNormBackward0")
def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """(x - mean) / sqrt(var + eps) * weight + bias for each channel of (N, C, ...).

    training: mean and biased variance of this batch; running_mean and running_var, where given, move by momentum
    towards its mean and unbiased variance, in place. Otherwise the running ones are used.
    Raises ValueError when there is one value per channel in training, or eps isn't positive then, RuntimeError where
    sizes don't fit.
    Source: Ioffe, Szegedy 2015, arXiv:1502.03167.
    """
    if input.array.size == 0 and input.array.ndim < 2:
        first_weight, first_bias = [None if t is None else t[0] for t in (weight, bias)]
        return _affine(input.clone(), first_weight, first_bias, ())
    channels = _channelwise(input, running_mean=running_mean, running_var=running_var, weight=weight, bias=bias)
    shape = (channels, *[1] * (input.array.ndim - 2))
    if training:
        n = input.array.size // channels if channels else 0
        if n == 1:
            raise ValueError(f"Expected more than 1 value per channel when training, got input size {input.shape}")
        if eps <= 0.0:
            raise ValueError(f"batch_norm eps must be positive during training, but got {eps}")
        dims = (0, *range(2, input.array.ndim))
        y, m, v = _normal(input, weight, bias, shape, dims, eps)
        if n:
            _remember(running_mean, m.array, momentum)
            _remember(running_var, v.array * (n / max(n - 1, 1)), momentum)
        return y
    if running_mean is None or running_var is None:
        missing = "running_mean" if running_mean is None else "running_var"
        raise RuntimeError(f"{missing} must be defined in evaluation mode")
    return _remembered(input, running_mean, running_var, weight, bias, shape, eps)


@tensors_in_float32
def _remembered(
    input: Tensor, mean: Tensor, var: Tensor, weight: Tensor | None, bias: Tensor | None, shape: Dims, eps: float
) -> Tensor:
    """One product and one sum for each element: x scale + (bias - mean scale)."""
    scale = rsqrt(var + eps)
    scale = scale if weight is None else scale * weight
    shift = -mean * scale
    return _affine(input, scale, shift if bias is None else shift + bias, shape)


@titled("NativeGroupNormBackward0")
def group_norm(
    input: Tensor, num_groups: int, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5
) -> Tensor:
    """(x - mean) / sqrt(var + eps) over each group of channels of each sample, then weight and bias (C,).

    input (N, C, ...). Raises RuntimeError unless num_groups divides C, ValueError where a group has one value.
    Source: Wu, He 2018, arXiv:1803.08494.
    """
    s = tuple(input.array.shape)
    if input.array.ndim < 2:
        raise RuntimeError(f"Expected at least 2 dimensions for input tensor but received {input.array.ndim}")
    if num_groups <= 0 or s[1] % num_groups:
        raise RuntimeError(
            "Expected number of channels in input to be divisible by num_groups, but got input of shape "
            f"{list(s)} and num_groups={num_groups}"
        )
    for what, t in (("weight", weight), ("bias", bias)):
        if t is not None and t.array.shape != (s[1],):
            raise RuntimeError(
                f"Expected {what} to be a vector of size equal to the number of channels in input, "
                f"but got {what} of shape {list(t.array.shape)} and input of shape {list(s)}"
            )
    _channelwise(input)
    if s[0] * (s[1] // num_groups) * math.prod(s[2:]) == 1:
        raise ValueError(f"Expected more than 1 value per channel when training, got input size {list(s)}")
    grouped = input.reshape(s[0], num_groups, (s[1] // num_groups) * math.prod(s[2:]))
    return _grouped(grouped, weight, bias, s, eps)


@tensors_in_float32
def _grouped(grouped: Tensor, weight: Tensor | None, bias: Tensor | None, s: Dims, eps: float) -> Tensor:
    xhat = standardize(grouped, dims=(2,), eps=eps)[0].reshape(*s)
    return _unit(xhat, weight, bias, (s[1], *[1] * (len(s) - 2)))


@titled("ViewBackward0")
def instance_norm(
    input: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """As batch_norm, for each sample and channel of (N, C, ...) alone.

    The running statistics move towards the mean over the batch of the samples' statistics; without
    use_input_stats they are used instead. Raises ValueError where a channel of a sample has one value.
    Source: Ulyanov, Vedaldi, Lempitsky 2016, arXiv:1607.08022.
    """
    channels = _channelwise(input, running_mean=running_mean, running_var=running_var, weight=weight, bias=bias)
    if not use_input_stats:
        return batch_norm(input, running_mean, running_var, weight, bias, False, momentum, eps)
    n = math.prod(input.array.shape[2:])
    if n == 1:
        raise ValueError(f"Expected more than 1 spatial element when training, got input size {input.shape}")
    shape = (channels, *[1] * (input.array.ndim - 2))
    y, m, v = _normal(input, weight, bias, shape, tuple(range(2, input.array.ndim)), eps)
    _remember(running_mean, m.array.mean(0), momentum)
    _remember(running_var, v.array.mean(0) * (n / max(n - 1, 1)), momentum)
    return y


def local_response_norm(input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Tensor:
    """x / (k + alpha * mean of x^2 over `size` neighbouring channels, zeros beyond the ends)^beta: (N, C, ...).

    Raises ValueError for fewer than 3 dims. Source: Krizhevsky, Sutskever, Hinton 2012, section 3.3.
    """
    if input.array.ndim < 3:
        raise ValueError(f"Expected 3D or higher dimensionality input (got {input.array.ndim} dimensions)")
    if input.array.size == 0:
        return input
    s = input.array.shape
    flat = square(input).reshape(s[0], s[1], math.prod(s[2:]))
    near = window_sum(flat, size=(size, 1), stride=(1, 1), padding=((size // 2, (size - 1) // 2), (0, 0)))
    mean_near = near / size if near.array.dtype.kind in "fV" else towards_zero(near, size)
    return input / (mean_near.reshape(*s) * alpha + k) ** beta


# --- norms of vectors ---


def p_norm(x: Tensor, p: float, dim: int, keepdim: bool = False) -> Tensor:
    """The p-norm along dim; its gradient at zero is zero."""
    return x.norm(p, dim, keepdim)


def normalize(input: Tensor, p: float = 2.0, dim: int = 1, eps: float = 1e-12, out: Tensor | None = None) -> Tensor:
    """x / max(|x|_p, eps) along dim."""
    size = clamp(p_norm(input, p, dim, True), eps, None)
    made = input / size
    if out is None:
        return made
    from ..core.fast import given

    return given(out, made)


@titled("NormBackward1")
def pairwise_distance(x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Tensor:
    """|x1 - x2 + eps|_p along the last dim: (N, D), (N, D) -> (N,), broadcast."""
    d = x1 - x2 + eps
    return p_norm(d, p, d.array.ndim - 1, keepdim)


def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """x1 . x2 / (max(|x1|, eps) max(|x2|, eps)) along dim; the shapes broadcast."""
    for t in (x1, x2):
        if t.array.dtype.kind not in "fV":
            raise RuntimeError(f"expected common dtype to be floating point, yet common dtype is {t.dtype}")
    if x1.array.shape != x2.array.shape:  # dim is one of the common shape
        x1, x2 = broadcast_tensors(x1, x2)
    dim = wrap(dim, x1.array.ndim)
    parts = []
    for t in (x1, x2):
        size = p_norm(t, 2, dim, True)
        # Kept in the graph as a constant where it is cut off, as the maximum's other branch.
        parts.append(t / clamp(size, eps, None))
    return sum_over(parts[0] * parts[1], dim=(dim,))

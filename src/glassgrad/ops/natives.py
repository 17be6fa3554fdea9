"""Normalisation together with the statistics it used, under the names of PyTorch's inner functions."""

from __future__ import annotations

from typing import Any

from ..core.dtypes import uint8
from ..core.tensor import Tensor
from ..core.titles import titled
from .arithmetic import rsqrt, square
from .create import zeros
from .norms import batch_norm, group_norm, layer_norm
from .reduce import mean


def _statistics(x: Tensor, dims: tuple[int, ...], eps: float) -> tuple[Tensor, Tensor]:
    """The mean and 1 / sqrt(var + eps) over dims, with 1 in their place."""
    m = mean(x, dim=dims, keepdim=True)
    return m, rsqrt(mean(square(x - m), dim=dims, keepdim=True) + eps)


def native_layer_norm(
    input: Tensor, normalized_shape: Any, weight: Tensor | None, bias: Tensor | None, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    """(layer_norm, the means, 1 / sqrt(var + eps)); the last two without gradient, with 1 for each normalised dim."""
    y = layer_norm(input, normalized_shape, weight, bias, eps)
    shape = (normalized_shape,) if isinstance(normalized_shape, int) else normalized_shape
    ndim = input.array.ndim
    return y, *_statistics(input.detach(), tuple(range(ndim - len(shape), ndim)), eps)


@titled("NativeGroupNormBackward0")
def native_group_norm(
    input: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    N: int,
    C: int,
    HxW: int,
    group: int,
    eps: float,
) -> tuple[Tensor, Tensor, Tensor]:
    """(group_norm, the means, 1 / sqrt(var + eps)), the last two (N, group). input holds N * C * HxW elements."""
    if input.array.size != N * C * HxW:
        raise RuntimeError(f"native_group_norm: {tuple(input.array.shape)} does not hold {N} x {C} x {HxW} elements")
    y = group_norm(input.reshape(N, C, HxW), group, weight, bias, eps).reshape(*input.array.shape)
    m, scale = _statistics(input.reshape(N, group, C // group * HxW), (2,), eps)
    return y, m.reshape(N, group), scale.reshape(N, group)


def native_batch_norm(
    input: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    training: bool,
    momentum: float,
    eps: float,
) -> tuple[Tensor, Tensor, Tensor]:
    """(batch_norm, the means, 1 / sqrt(var + eps)), the last two (C,) and without gradient; empty unless training."""
    y = batch_norm(input, running_mean, running_var, weight, bias, training, momentum, eps)
    if not training:
        return y, zeros(0, dtype=input.dtype), zeros(0, dtype=input.dtype)
    m, scale = _statistics(input.detach(), (0, *range(2, input.array.ndim)), eps)
    return y, m.reshape(-1), scale.reshape(-1)


def _native_batch_norm_legit(
    input: Tensor, weight: Tensor | None, bias: Tensor | None, *rest: Any
) -> tuple[Tensor, Tensor, Tensor]:
    """native_batch_norm; the running statistics may be left out."""
    running = rest[:2] if len(rest) == 5 else (None, None)
    return native_batch_norm(input, weight, bias, *running, *rest[-3:])


def _batch_norm_with_update(
    input: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    running_mean: Tensor,
    running_var: Tensor,
    momentum: float,
    eps: float,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """native_batch_norm in training, and an empty tensor, where PyTorch reserves memory for other devices."""
    y, m, scale = native_batch_norm(input, weight, bias, running_mean, running_var, True, momentum, eps)
    return y, m, scale, zeros(0, dtype=uint8)

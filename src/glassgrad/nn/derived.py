"""Functions of networks that are made of others."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from ..core.provenance import warn
from ..core.tensor import Tensor
from ..ops import pool, unpool
from ..ops.activations import changing, elu, hardtanh, leaky_relu
from ..ops.create import empty_like, zeros_like
from ..ops.matrices import pdist as pdist
from ..ops.neural import softmax
from ..ops.resample import channel_shuffle
from ..ops.windows import conv1d

elu_, hardtanh_, leaky_relu_ = changing(elu), changing(hardtanh), changing(leaky_relu)


def _with_indices(function: Callable[..., Any]) -> Callable[..., Any]:
    signature = inspect.signature(function)

    def pooled(*args: Any, **options: Any) -> tuple[Tensor, Tensor]:
        return function(**{**signature.bind(*args, **options).arguments, "return_indices": True})

    pooled.__signature__ = signature  # type: ignore[attr-defined]
    pooled.__name__ = pooled.__qualname__ = f"{function.__name__}_with_indices"
    pooled.__doc__ = f"{function.__name__} and the positions of the maxima, whatever return_indices says."
    return pooled


max_pool1d_with_indices, max_pool2d_with_indices, max_pool3d_with_indices = map(
    _with_indices, (pool.max_pool1d, pool.max_pool2d, pool.max_pool3d)
)
adaptive_max_pool1d_with_indices, adaptive_max_pool2d_with_indices, adaptive_max_pool3d_with_indices = map(
    _with_indices, (pool.adaptive_max_pool1d, pool.adaptive_max_pool2d, pool.adaptive_max_pool3d)
)
fractional_max_pool2d_with_indices, fractional_max_pool3d_with_indices = map(
    _with_indices, (unpool.fractional_max_pool2d, unpool.fractional_max_pool3d)
)


def gumbel_softmax(logits: Tensor, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1) -> Tensor:
    """softmax((logits + g) / tau) with g = -log(-log(u)), u uniform: nearly one-hot samples of the classes.

    hard: one-hot, with the gradient of the soft ones. The same seed gives PyTorch's samples.
    Sources: Jang, Gu, Poole 2017, arXiv:1611.01144; Maddison, Mnih, Teh 2017, arXiv:1611.00712.
    """
    if eps != 1e-10:
        warn("`eps` parameter is deprecated and has no effect.")
    g = -empty_like(logits.detach()).contiguous().exponential_().log()
    soft = softmax((logits + g) / tau, dim)
    if not hard:
        return soft
    chosen = zeros_like(logits.detach()).scatter_(dim, soft.detach().max(dim, keepdim=True)[1], 1.0)
    return chosen - soft.detach() + soft


def conv_tbc(input: Tensor, weight: Tensor, bias: Tensor, pad: int = 0) -> Tensor:
    """conv1d with time first: input (T, N, C_in), weight (kernel, C_in, C_out), bias (C_out,) -> (T', N, C_out)."""
    for name, x, rank in (("input", input, 3), ("weight", weight, 3), ("bias", bias, 1)):
        if x.dim() != rank:
            raise RuntimeError(f"{name} must have {rank} dims, got {x.dim()}")
    return conv1d(input.permute(1, 2, 0), weight.permute(2, 1, 0), bias, padding=pad).permute(2, 0, 1)


def native_channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """channel_shuffle."""
    return channel_shuffle(input, groups)

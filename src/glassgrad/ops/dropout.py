"""Dropout: PyTorch's masks, from its stream of random numbers.

The mask is drawn over the input's memory (over (N, C, 1, ...) where whole channels are dropped); nothing is drawn
where it could make no difference.
"""

from __future__ import annotations

import math
from typing import Any

from ..core import random
from ..core.backend import Array, to_device, xp_of
from ..core.dtypes import title_of
from ..core.errors import told
from ..core.samplers import bernoulli, in_memory_order
from ..core.tensor import Tensor
from ..core.watch import listeners, tell

__all__ = ["alpha_dropout", "dropout", "feature_alpha_dropout", "native_dropout", "native_dropout_backward"]
METHODS: tuple[str, ...] = ()
IN_PLACE: tuple[str, ...] = ()

# SELU's negative limit -scale * alpha, Klambauer et al. 2017, arXiv:1706.02515
LIMIT = -1.7580993408473766


def _drop(
    name: str, x: Any, p: float, training: bool, inplace: bool, features: bool = False, alpha: bool = False
) -> Tensor:
    if not isinstance(x, Tensor):
        raise TypeError(f"{name}(): argument 'input' must be Tensor, not {type(x).__name__}")
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
    if listeners:
        tell("dropout", p, training)
    if not training or p == 0 or x.array.size == 0:
        return x
    if x.array.dtype.kind not in "fV":
        raise told(RuntimeError(f"result type Float can't be cast to the desired output type {title_of(x)}"))
    if features and x.array.ndim < 2:
        raise RuntimeError(f"Feature dropout requires at least 2 dimensions in the input, got {x.array.ndim}")
    if p == 1:
        return x.mul_(0) if inplace else x * 0
    shape = x.array.shape
    keep = to_device(_mask((*shape[:2], *[1] * (len(shape) - 2)) if features else shape, 1 - p, x), x.device)
    if not alpha:
        keep /= 1 - p
        noise = Tensor._of(keep)
        return x.mul_(noise) if inplace else x * noise
    # y = a (x keep + LIMIT (1 - keep)) + b, with a and b such that mean 0 and variance 1 stay
    a = 1 / math.sqrt((LIMIT * LIMIT * p + 1) * (1 - p))
    shift = Tensor._of((1 - keep) * (a * LIMIT) - a * p * LIMIT)
    noise = Tensor._of(keep * a)
    return x.mul_(noise).add_(shift) if inplace else x * noise + shift


def _mask(shape: tuple[int, ...], p: float, like: Tensor) -> Array:
    """Over the input's shape it is drawn in the order of the input's memory, and laid out as it is."""
    drawn = bernoulli(random.current_generator(), shape, p, like.array.dtype)
    x = like.array
    if shape != x.shape or x.flags.c_contiguous:
        return drawn
    return in_memory_order(drawn.reshape(-1), x)


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Zero each element with probability p and scale the others by 1 / (1 - p); input itself unless training.

    The same seed gives PyTorch's mask. Raises ValueError unless 0 <= p <= 1.
    Source: Srivastava et al. 2014, JMLR 15.
    """
    return _drop("dropout", input, p, training, inplace)


def _channels(name: str, rank: int, alone: tuple[int, ...]) -> Any:
    """alone: the numbers of dims of an input without a batch dim."""

    def drop(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
        if isinstance(input, Tensor) and input.array.ndim in alone:
            return _drop(name, input.unsqueeze(0), p, training, inplace, features=True).squeeze(0)
        return _drop(name, input, p, training, inplace, features=True)

    drop.__name__ = drop.__qualname__ = name
    drop.__doc__ = f"""Zero whole channels of (N, C, *spatial) with probability p; {rank} spatial dim{"s" * (rank > 1)}.

    The others are scaled by 1 / (1 - p); input itself unless training. Raises ValueError unless 0 <= p <= 1.
    """
    return drop


dropout1d = _channels("dropout1d", 1, (2,))
dropout2d = _channels("dropout2d", 2, ())  # PyTorch reads (C, H, W) as (N, C, L) here
dropout3d = _channels("dropout3d", 3, (4,))


def alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """Set each element to SELU's negative limit with probability p, then restore mean 0 and variance 1.

    input itself unless training. Raises ValueError unless 0 <= p <= 1.
    Source: Klambauer et al. 2017, arXiv:1706.02515, section 3.
    """
    return _drop("alpha_dropout", input, p, training, inplace, alpha=True)


def feature_alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """alpha_dropout of whole channels of (N, C, ...)."""
    return _drop("feature_alpha_dropout", input, p, training, inplace, features=True, alpha=True)


def native_dropout(input: Tensor, p: float, train: bool | None) -> tuple[Tensor, Tensor]:
    """(dropout, its mask): the mask is true where an element stays."""
    if not train or p == 0 or input.array.size == 0:
        return input.clone(), Tensor._of(xp_of(input.array).ones(input.array.shape, bool))
    if p == 1:
        return input * 0, Tensor._of(xp_of(input.array).zeros(input.array.shape, bool))
    mask = Tensor._of(to_device(_mask(input.array.shape, 1 - p, input), input.device) != 0)
    return input * mask * (1 / (1 - p)), mask


def native_dropout_backward(grad_output: Tensor, mask: Tensor, scale: float) -> Tensor:
    """The gradient of dropout: grad_output * mask * scale, scale = 1 / (1 - p)."""
    return grad_output * mask * scale

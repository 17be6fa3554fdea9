"""Helpers of the distributions, some of them public in PyTorch under the same names."""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from numbers import Number
from typing import Any

import numpy as np

from ..core import dtypes
from ..core.modes import enable_grad
from ..core.tensor import Tensor, tensor
from ..ops.arithmetic import sigmoid
from ..ops.neural import softmax
from ..ops.shape import broadcast_tensors

__all__ = [
    "broadcast_all", "clamp_probs", "lazy_property", "logits_to_probs", "probs_to_logits", "tril_matrix_to_vec",
    "vec_to_tril_matrix",
]  # fmt: skip

euler_constant = 0.5772156649015329


def broadcast_all(*values: Any) -> tuple[Tensor, ...]:
    """Tensors and numbers as tensors of one shape; numbers get the dtype of the first tensor, or the default one."""
    if not all(isinstance(v, Tensor | Number) for v in values):
        raise ValueError("Input arguments must all be instances of Number or torch.Tensor")
    like = next((v for v in values if isinstance(v, Tensor)), None)
    kind, place = (dtypes.get_default_dtype(), None) if like is None else (like.dtype, like.device)
    return broadcast_tensors(*[v if isinstance(v, Tensor) else tensor(v, dtype=kind, device=place) for v in values])


def finfo(x: Tensor) -> Any:
    """NumPy's facts on the dtype of x: eps, tiny, min."""
    return np.finfo(x.array.dtype)


def eps_of(x: Tensor) -> float:
    return float(finfo(x).eps)


def tiny_of(x: Tensor) -> float:
    return float(finfo(x).tiny)


def sum_rightmost(value: Any, dims: int) -> Any:
    """The sum over the last dims."""
    return value if dims == 0 else value.reshape((*value.shape[:-dims], -1)).sum(-1)


def standard_normal(shape: Any, like: Tensor) -> Tensor:
    return like.new_empty(shape).normal_()


def uniform(shape: Any, like: Tensor, low: float = 0.0, high: float = 1.0) -> Tensor:
    return like.new_empty(shape).uniform_(low, high)


def logits_to_probs(logits: Tensor, is_binary: bool = False) -> Tensor:
    """Probabilities: the sigmoid of log odds if is_binary, else the softmax of unnormalised log probabilities."""
    return sigmoid(logits) if is_binary else softmax(logits, dim=-1)


def clamp_probs(probs: Tensor) -> Tensor:
    """Probabilities kept eps away from 0 and 1."""
    eps = eps_of(probs)
    return probs.clamp(min=eps, max=1 - eps)


def probs_to_logits(probs: Tensor, is_binary: bool = False) -> Tensor:
    """Log odds if is_binary, else log probabilities, of probabilities kept eps away from 0 and 1."""
    inside = clamp_probs(probs)
    return inside.log() - (-inside).log1p() if is_binary else inside.log()


class lazy_property:
    """A property that is computed at first use, on the graph, and kept as an attribute of the instance."""

    def __init__(self, wrapped: Callable[[Any], Any], name: str = "") -> None:
        self.wrapped = wrapped
        update_wrapper(self, wrapped)  # type: ignore[arg-type]
        self.name = name or wrapped.__name__

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        if instance is None:
            return self
        with enable_grad():
            value = self.wrapped(instance)
        setattr(instance, self.name, value)
        return value


def _lower(n: int, diag: int) -> np.ndarray:
    return np.tri(n, n, diag, dtype=np.bool_)


def tril_matrix_to_vec(mat: Tensor, diag: int = 0) -> Tensor:
    """The lower triangles up to the diagonal `diag`, row by row: (..., n, n) -> (..., k)."""
    n = mat.shape[-1]
    if not -n <= diag < n:
        raise ValueError(f"diag ({diag}) provided is outside [{-n}, {n - 1}].")
    return mat[..., Tensor._of(_lower(n, diag))]


def vec_to_tril_matrix(vec: Tensor, diag: int = 0) -> Tensor:
    """The matrices whose lower triangles up to the diagonal `diag` are these, and 0 above: (..., k) -> (..., n, n)."""
    k = vec.shape[-1]
    n = next((n for n in range(1, k + 2 + abs(diag)) if _lower(n, diag).sum() == k), None)
    if n is None:
        raise ValueError(
            f"The size of last dimension is {k} which cannot be expressed as the lower triangular part of a square "
            "D x D matrix."
        )
    mat = vec.new_zeros((*vec.shape[:-1], n, n))
    mat[..., Tensor._of(_lower(n, diag))] = vec
    return mat

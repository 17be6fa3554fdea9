"""Gradients clipped."""

from __future__ import annotations

import math
from collections.abc import Iterable
from types import GeneratorType
from typing import Any

import numpy as np

from ...core.backend import Array, xp_of
from ...core.graph import as_array, touch
from ...core.provenance import warn
from ...core.tensor import Tensor
from ...core.watch import listeners, tell

__all__ = ["clip_grad_norm", "clip_grad_norm_", "clip_grad_value_", "clip_grads_with_norm_", "get_total_norm"]

Tensors = Tensor | Iterable[Tensor]


def _gradients(parameters: Tensors) -> list[Tensor]:
    if isinstance(parameters, Tensor):
        parameters = [parameters]
    given = list(parameters)
    if not given and isinstance(parameters, GeneratorType):
        warn("`parameters` is an empty generator, no gradient clipping will occur.")
    if listeners:
        tell("clip", given)
    return [p._grad for p in given if p._grad is not None]


def _norm(x: Array, p: float) -> Any:
    """(sum |x|^p)^(1/p) of all elements, in x's dtype."""
    xp, flat = xp_of(x), x.reshape(-1)
    if x.dtype.itemsize == 2:
        return _norm(x.astype("float32"), p).astype(x.dtype)
    if p == math.inf:
        return xp.abs(flat).max() if flat.size else x.dtype.type(0)
    if p == 2:
        return xp.sqrt(xp.vdot(flat, flat).real)
    if p == 0:
        return x.dtype.type(xp.count_nonzero(flat))
    if p == -math.inf:
        return xp.abs(flat).min()
    return xp.add.reduce(xp.abs(flat) ** p) ** x.real.dtype.type(1 / p)


def get_total_norm(
    tensors: Tensors, norm_type: float = 2.0, error_if_nonfinite: bool = False, foreach: bool | None = None
) -> Tensor:
    """The p-norm of all elements of all tensors together, (); p = norm_type, which may be inf.

    Raises RuntimeError for a result that isn't finite, if error_if_nonfinite. foreach changes nothing here.
    """
    arrays = [t.array for t in ([tensors] if isinstance(tensors, Tensor) else tensors)]
    if not arrays:
        return Tensor._of(np.zeros((), np.float32))
    p = float(norm_type)
    norms = [_norm(a, p) for a in arrays]
    total = as_array(_norm(xp_of(arrays[0]).stack(norms), p))
    if error_if_nonfinite and not np.isfinite(float(total)):
        raise RuntimeError(
            f"The total norm of order {norm_type} for gradients from `parameters` is non-finite, so it cannot be "
            "clipped. To disable this error and scale the gradients by the non-finite norm anyway, set "
            "`error_if_nonfinite=False`"
        )
    return Tensor._of(total)


def clip_grads_with_norm_(
    parameters: Tensors, max_norm: float, total_norm: Tensor, foreach: bool | None = None
) -> None:
    """g <- g min(1, max_norm / (total_norm + 1e-6)) for each gradient g."""
    _scale(_gradients(parameters), max_norm, total_norm)


def _scale(gradients: list[Tensor], max_norm: float, total_norm: Tensor) -> None:
    factor = float(max_norm) / (total_norm.array + 1e-6)
    if factor >= 1.0:  # NaN isn't, and reaches the gradients
        return
    for g in gradients:
        g.array *= factor.astype(g.array.dtype)
        touch(g.version)


def clip_grad_norm_(
    parameters: Tensors,
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Scale all gradients so that their common norm is at most max_norm; returns the norm before, ().

    Raises RuntimeError for a norm that isn't finite, if error_if_nonfinite.
    Source: Pascanu, Mikolov, Bengio 2013, arXiv:1211.5063, algorithm 1.
    """
    gradients = _gradients(parameters)
    total = get_total_norm(gradients, norm_type, error_if_nonfinite)
    _scale(gradients, max_norm, total)
    return total


def clip_grad_norm(
    parameters: Tensors,
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """clip_grad_norm_ under its old name."""
    warn(
        "`torch.nn.utils.clip_grad_norm` is now deprecated in favor of `torch.nn.utils.clip_grad_norm_`.", FutureWarning
    )
    return clip_grad_norm_(parameters, max_norm, norm_type, error_if_nonfinite, foreach)


def clip_grad_value_(parameters: Tensors, clip_value: float, foreach: bool | None = None) -> None:
    """Each element of each gradient clipped to [-clip_value, clip_value]."""
    limit = float(clip_value)
    for g in _gradients(parameters):
        xp_of(g.array).clip(g.array, -limit, limit, out=g.array)
        touch(g.version)

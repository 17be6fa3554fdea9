"""Losses of numbers and distributions, and what all losses share: a loss per element, then `reduction`, which is
"none", "mean" or "sum". Classes are in classification.py, margins in margins.py."""

from __future__ import annotations

import math
from typing import Any

from ..core.backend import xp_of
from ..core.batched import whole
from ..core.provenance import warn
from ..core.tensor import Tensor
from ..core.titles import titled
from ..core.watch import listeners, tell
from .arithmetic import exp, log, square
from .choice import where
from .elementwise import abs as absolute
from .reduce import mean
from .reduce import sum as sum_over
from .special import xlogy

__all__ = ["kl_div", "poisson_nll_loss"]
METHODS: tuple[str, ...] = ()
IN_PLACE: tuple[str, ...] = ()


# --- reduction ---


def chosen(size_average: bool | None, reduce: bool | None, reduction: str) -> str:
    """The reduction; PyTorch's old two arguments still count. ValueError for an unknown one."""
    if size_average is not None or reduce is not None:
        average, reducing = size_average is not False, reduce is not False
        reduction = "none" if not reducing else "mean" if average else "sum"
        warn(f"size_average and reduce args will be deprecated, please use reduction='{reduction}' instead.")
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{reduction} is not a valid value for reduction")
    return reduction


def reduced(each: Any, reduction: str) -> Any:
    return mean(each) if reduction == "mean" else sum_over(each) if reduction == "sum" else each


def tensors(name: str, **given: Any) -> None:
    for what, t in given.items():
        if t is not None and not isinstance(t, Tensor):
            raise TypeError(f"{name}(): argument '{what}' must be Tensor, not {type(t).__name__}")


def _same_size(x: Tensor, target: Tensor) -> None:
    if x.array.shape != target.array.shape:
        warn(
            f"Using a target size ({target.shape}) that is different to the input size ({x.shape}). "
            "This will likely lead to incorrect results due to broadcasting. Please ensure they have the same size."
        )


# --- regression ---


def _regression(name: str, x: Any, target: Any, weight: Any, reduction: str, rule: Any) -> Tensor:
    tensors(name, input=x, target=target, weight=weight)
    if listeners:
        tell("loss", name, x, target)
    _same_size(x, target)
    each = rule(x - target)
    return reduced(each if weight is None else each * weight, reduction)


@titled("MseLossBackward0")
def mse_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """(x - t)^2; any shape, broadcast with a warning.

    weight: one for each element; "mean" then divides by their sum.
    """
    reduction = chosen(size_average, reduce, reduction)
    if weight is not None and reduction == "mean":
        return _regression("mse_loss", input, target, weight, "sum", square) / weight.sum()
    return _regression("mse_loss", input, target, weight, reduction, square)


def l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """|x - t|, with derivative 0 where they are equal; shapes and weight as mse_loss."""
    reduction = chosen(size_average, reduce, reduction)
    if weight is not None and reduction == "mean":
        return _regression("l1_loss", input, target, weight, "sum", absolute) / weight.sum()
    return _regression("l1_loss", input, target, weight, reduction, absolute)


@titled("SmoothL1LossBackward0")
def smooth_l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Tensor:
    """d^2 / (2 beta) where d = |x - t| < beta, else d - beta / 2. RuntimeError if beta < 0."""
    if beta < 0:
        raise RuntimeError(f"smooth_l1_loss does not support negative values for beta, got {beta}")
    rule = absolute if beta == 0 else lambda d: _huber(d, beta) / beta
    return _regression("smooth_l1_loss", input, target, None, chosen(size_average, reduce, reduction), rule)


@titled("HuberLossBackward0")
def huber_loss(
    input: Tensor, target: Tensor, reduction: str = "mean", delta: float = 1.0, weight: Tensor | None = None
) -> Tensor:
    """d^2 / 2 where d = |x - t| <= delta, else delta (d - delta / 2). RuntimeError unless delta > 0."""
    if delta <= 0:
        raise RuntimeError(f"huber_loss does not support non-positive values for delta, got {delta}")
    reduction = chosen(None, None, reduction)
    if weight is not None and reduction == "mean":
        return _regression("huber_loss", input, target, weight, "sum", lambda d: _huber(d, delta)) / weight.sum()
    return _regression("huber_loss", input, target, weight, reduction, lambda d: _huber(d, delta))


def _huber(d: Any, delta: float) -> Any:
    """c (|d| - c / 2) with c = min(|d|, delta)."""
    size = absolute(d)
    return where(size < delta, 0.5 * d * d, delta * (size - 0.5 * delta))


# --- distributions ---


def kl_div(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    log_target: bool = False,
) -> Tensor:
    """t (log t - x) for log-probabilities x, elementwise; with log_target exp(t) (t - x).

    reduction "batchmean" divides the sum by the first size, which is the divergence of distributions; "mean",
    as in PyTorch, by the number of elements.
    """
    by_batch = reduction == "batchmean"
    if reduction == "mean":
        warn(
            "reduction: 'mean' divides the total loss by both the batch size and the support size. 'batchmean' divides "
            "only by the batch size, and aligns with the KL div math definition."
        )
    reduction = chosen(size_average, reduce, "sum" if by_batch else reduction)
    tensors("kl_div", input=input, target=target)
    if listeners:
        tell("loss", "kl_div", input, target)
    if log_target:
        each = exp(target) * (target - input)
    else:
        each = xlogy(target, target) - target * input
    made = reduced(each, reduction)
    return made / input.array.shape[0] if by_batch and input.array.ndim else made


def poisson_nll_loss(
    input: Tensor,
    target: Tensor,
    log_input: bool = True,
    full: bool = False,
    size_average: bool | None = None,
    eps: float = 1e-8,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """exp(x) - t x; without log_input x - t log(x + eps).

    full adds Stirling's t log t - t + log(2 pi t) / 2 where t > 1.
    """
    reduction = chosen(size_average, reduce, reduction)
    tensors("poisson_nll_loss", input=input, target=target)
    each = exp(input) - target * input if log_input else input - target * log(input + eps)
    if full:
        large = target > 1
        t = where(large, target, 1.0)
        each = each + where(large, t * log(t) - t + 0.5 * log(2 * math.pi * t), 0.0)
    return reduced(each, reduction)


def gaussian_nll_loss(
    input: Tensor,
    target: Tensor,
    var: Tensor | float,
    full: bool = False,
    eps: float = 1e-6,
    reduction: str = "mean",
) -> Tensor:
    """(log v + (x - t)^2 / v) / 2 with v = max(var, eps), whose cut-off has no gradient; full adds log(2 pi) / 2.

    var: input's shape, or without its last dim or with 1 there, or a number.
    Raises ValueError for another shape, for negative entries, or an unknown reduction.
    """
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{reduction} is not valid")
    tensors("gaussian_nll_loss", input=input, target=target)
    if not isinstance(var, Tensor):
        var = Tensor._of(xp_of(input.array).full(input.array.shape, var, input.array.dtype))
    given: Tensor = var
    s, v = input.array.shape, given.array.shape
    if v != s:
        if s[:-1] == v:
            given = given.unsqueeze(-1)
        elif not (len(s) == len(v) and all(n in (1, m) for n, m in zip(v, s, strict=True))):
            raise ValueError(f"var is of incorrect size: {tuple(v)}, for an input of {tuple(s)}")
    if (whole(given.array) < 0).any():
        raise ValueError("var has negative entry/entries")
    missing = xp_of(given.array).maximum(eps - given.array, 0).astype(given.array.dtype, copy=False)
    safe = given + Tensor._of(missing)  # the value eps, the gradient of var
    each = 0.5 * (log(safe) + square(input - target) / safe)
    return reduced(each + 0.5 * math.log(2 * math.pi) if full else each, reduction)

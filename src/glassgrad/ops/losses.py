"""Loss functions. Each is a loss per element (or sample), then `reduction`: "none", "mean" or "sum"."""

from __future__ import annotations

import math
import warnings
from typing import Any

from ..core.backend import Array, xp_of
from ..core.fast import binary
from ..core.op import op
from ..core.tensor import Tensor
from .elementwise import abs as absolute
from .elementwise import clamp, exp, log, log1p, sigmoid, sqrt, square, where
from .neural import log_softmax
from .reduce import mean
from .reduce import sum as sum_over
from .shape import sum_to_size
from .special import xlogy

__all__ = [
    "binary_cross_entropy_with_logits", "cosine_embedding_loss", "hinge_embedding_loss", "kl_div",
    "margin_ranking_loss", "poisson_nll_loss", "triplet_margin_loss",
]  # fmt: skip
METHODS: tuple[str, ...] = ()
IN_PLACE: tuple[str, ...] = ()


# --- reduction ---


def chosen(size_average: bool | None, reduce: bool | None, reduction: str) -> str:
    """The reduction; PyTorch's old two arguments still count. ValueError for an unknown one."""
    if size_average is not None or reduce is not None:
        average, reducing = size_average is not False, reduce is not False
        reduction = "none" if not reducing else "mean" if average else "sum"
        warnings.warn(
            f"size_average and reduce args will be deprecated, please use reduction='{reduction}' instead.",
            stacklevel=4,
        )
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{reduction} is not a valid value for reduction: expected 'none', 'mean' or 'sum'")
    return reduction


def reduced(each: Any, reduction: str) -> Any:
    return mean(each) if reduction == "mean" else sum_over(each) if reduction == "sum" else each


def _tensors(name: str, **given: Any) -> None:
    for what, t in given.items():
        if t is not None and not isinstance(t, Tensor):
            raise TypeError(f"{name}(): argument '{what}' must be Tensor, not {type(t).__name__}")


def _same_size(name: str, x: Tensor, target: Tensor) -> None:
    if x.array.shape != target.array.shape:
        warnings.warn(
            f"{name}: using a target size ({tuple(target.array.shape)}) that is different to the input size "
            f"({tuple(x.array.shape)}). This will likely lead to incorrect results due to broadcasting. "
            "Please ensure they have the same size.",
            stacklevel=4,
        )


# --- regression ---


def _regression(name: str, x: Any, target: Any, weight: Any, reduction: str, rule: Any) -> Tensor:
    _tensors(name, input=x, target=target, weight=weight)
    _same_size(name, x, target)
    each = rule(x - target)
    return reduced(each if weight is None else each * weight, reduction)


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


# --- classes ---


@op(jvp="linear")
def take_flat(x: Array, at: Array) -> Array:
    """The elements at flat positions, none of which comes twice."""
    return x.reshape(-1)[at]


@op(jvp="linear")
def put_flat(v: Array, at: Array, *, shape: tuple[int, ...]) -> Array:
    """Zeros of `shape` with v (a number, or one for each position) at flat positions, none of which comes twice."""
    made = xp_of(v).zeros(math.prod(shape), v.dtype)
    made[at] = v
    return made.reshape(shape)


@op(jvp="multilinear")
def nll_total(x: Array, at: Array, share: Array) -> Array:
    """- sum of share * x at flat positions: one share for all, or one for each."""
    picked = x.reshape(-1)[at]
    add = xp_of(x).add.reduce
    return add(picked) * -share if share.ndim == 0 else -add(picked * share)


take_flat.vjp(x=lambda g, at, x_shape: put_flat(g, at, shape=x_shape), at=None)
put_flat.vjp(v=lambda g, at, v_shape: sum_to_size(take_flat(g, at), shape=v_shape), at=None)
nll_total.vjp(x=lambda g, at, share, x_shape: put_flat(-(g * share), at, shape=x_shape), at=None, share=None)


def _positions(t: Array, shape: tuple[int, ...], ignore_index: int) -> tuple[Array, Array | None]:
    """Flat positions in (N, K, ...) of the targets (N, ...), without the ignored ones; which count, None for all."""
    xp, classes, rest = xp_of(t), shape[1], math.prod(shape[2:])
    start = xp.arange(0, shape[0] * classes * rest, classes * rest)
    at = t * rest if rest != 1 else t
    if len(shape) > 2:
        start = start.reshape(-1, 1) + xp.arange(rest)
        at = at.reshape(start.shape)
    at = (start + at).reshape(-1)
    if t.size == 0:
        return at, None
    low, high = xp.minimum.reduce(t, None), xp.maximum.reduce(t, None)
    counts = None
    if low < 0 or high >= classes or low <= ignore_index <= high:
        counts = t != ignore_index
        bad = counts & ((t < 0) | (t >= classes))
        if bad.any():
            raise IndexError(f"Target {t[bad][0]} is out of bounds: classes are 0 to {classes - 1}.")
        at = at[counts.reshape(-1)]
    return at, counts


def _check_classes(name: str, x: Tensor, target: Tensor, weight: Tensor | None) -> None:
    s, t = x.array.shape, target.array.shape
    if (target.array.dtype.kind, target.array.itemsize) not in (("i", 8), ("u", 1)):
        raise RuntimeError(f"expected target dtype to be Long or Byte, but got {target.dtype}; convert with .long()")
    if x.array.dtype.kind not in "fV":
        raise NotImplementedError(f'"{name}" not implemented for {x.dtype}: the input must be floating point')
    if len(s) == 0:
        raise RuntimeError(f"{name}: input tensor should be 1D or more: (classes,) or (batch, classes, ...)")
    if len(s) > 1 and (not t or s[0] != t[0]):
        raise ValueError(
            f"Expected input batch_size ({s[0]}) to match target batch_size ({t[0] if t else 'none'}): "
            f"input is {s}, target {t}"
        )
    if (*s[:1], *s[2:]) != t if len(s) > 1 else t != ():
        if len(s) == 2:
            raise RuntimeError(
                f"0D or 1D target tensor expected, multi-target not supported: target is {t}, expected ({s[0]},)"
            )
        raise RuntimeError(f"size mismatch (got input: {list(s)} , target: {list(t)}), expected {(*s[:1], *s[2:])}")
    classes = s[min(1, len(s) - 1)]
    if weight is not None and weight.array.shape != (classes,):
        raise RuntimeError(
            f"weight tensor should be defined either for all {classes} classes or no classes "
            f"but got weight tensor of shape: {list(weight.array.shape)}"
        )
    if weight is not None and weight.requires_grad:
        raise RuntimeError(
            f"The function '{name}' is not differentiable with respect to argument 'weight'. "
            "This input cannot have requires_grad True."
        )


def _nll(x: Tensor, target: Tensor, weight: Tensor | None, ignore_index: int, reduction: str) -> Tensor:
    """x (N, K, ...) of log-probabilities or (K,), already checked."""
    t = target.array
    shape = x.array.shape if x.array.ndim > 1 else (1, x.array.shape[0])
    if t.itemsize == 1:
        t = t.astype("int64")
    at, counts = _positions(t.reshape(1) if t.ndim == 0 else t, shape, ignore_index)
    xp, d = xp_of(t), x.array.dtype
    share = None if weight is None else weight.array[t.reshape(-1) if counts is None else t[counts.reshape(t.shape)]]
    if reduction != "none":
        if reduction == "mean":
            if share is not None:
                share = share / xp.add.reduce(share)
            else:
                share = xp.asarray(1 / at.size if at.size else math.nan, d)
        elif share is None:
            share = xp.ones((), d)
        return nll_total(x, at, share.astype(d, copy=False))
    each = -take_flat(x, at)
    if share is not None:
        each = each * Tensor._of(share)
    if counts is not None:
        each = put_flat(each, xp.flatnonzero(counts), shape=(counts.size,))
    return each.reshape(t.shape)


def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """- weight[t] * x[t] for log-probabilities x (N, K, ...) and classes t (N, ...), or (K,) and ().

    weight (K,). Targets equal to ignore_index count nothing; "mean" divides by the sum of the weights that count.
    Raises IndexError for a class outside [0, K), ValueError or RuntimeError where shapes or dtypes don't fit.
    """
    reduction = chosen(size_average, reduce, reduction)
    _tensors("nll_loss", input=input, target=target, weight=weight)
    _check_classes("nll_loss", input, target, weight)
    return _nll(input, target, weight, ignore_index, reduction)


def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """- sum over k of weight[k] q[k] log p[k], p = softmax(x) over the classes.

    input: logits (N, K, ...), or (K,). target: classes (N, ...) int64, q = 1 for that class; or probabilities q in
    input's shape and dtype. label_smoothing e: (1 - e) q + e / K. "mean" divides by the sum of the targets'
    weights, with probabilities by N. ignore_index: such targets count nothing.
    Raises IndexError for a class outside [0, K), ValueError or RuntimeError where shapes or dtypes don't fit.

    >>> cross_entropy(tensor([[0.0, 0.0]]), tensor([1]))
    tensor(0.6931)
    """
    if size_average is not None or reduce is not None or reduction != "mean":
        reduction = chosen(size_average, reduce, reduction)
    _tensors("cross_entropy", input=input, target=target, weight=weight)
    if not 0.0 <= label_smoothing <= 1.0:
        raise RuntimeError(f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing}")
    ndim = input.array.ndim
    if ndim and input.array.shape == target.array.shape:
        return _soft_cross_entropy(input, target, weight, ignore_index, reduction, label_smoothing)
    _check_classes("cross_entropy", input, target, weight)
    dim = 1 if ndim > 1 else 0
    logp = log_softmax(input, dim=dim)
    hard = _nll(logp, target, weight, ignore_index, reduction)
    if not label_smoothing:
        return hard
    smooth = -sum_over(logp if weight is None else logp * _by_class(weight, ndim), dim=(dim,))  # (N, ...)
    counts = target.array != ignore_index
    if not counts.all():
        smooth = where(Tensor._of(counts), smooth, 0.0)
    if reduction != "none":
        smooth = sum_over(smooth)
    if reduction == "mean":
        total = counts.sum() if weight is None else weight.array[target.array[counts]].sum()
        smooth = smooth / (float(total) if total else math.nan)
    return hard * (1 - label_smoothing) + smooth * (label_smoothing / input.array.shape[dim])


def _by_class(weight: Tensor, ndim: int) -> Tensor:
    return weight.reshape(-1, *[1] * (ndim - 2)) if ndim > 1 else weight


def _soft_cross_entropy(
    x: Tensor, target: Tensor, weight: Tensor | None, ignore_index: int, reduction: str, smoothing: float
) -> Tensor:
    if target.array.dtype.kind not in "fV":
        raise RuntimeError(
            f"Expected floating point type for target with class probabilities, got {target.dtype}: "
            f"classes would have the shape of the input without its class dim, input is {tuple(x.array.shape)}"
        )
    if ignore_index >= 0:
        raise RuntimeError("ignore_index is not supported for floating point target")
    ndim = x.array.ndim
    dim = 1 if ndim > 1 else 0
    classes = x.array.shape[dim]
    if weight is not None and weight.array.shape != (classes,):
        raise RuntimeError(
            "cross_entropy: weight tensor should be defined either for all "
            f"{classes} classes or no classes but got weight tensor of shape: {list(weight.array.shape)}"
        )
    q = target * (1 - smoothing) + smoothing / classes if smoothing else target
    each = log_softmax(x, dim=dim) * q
    if weight is not None:
        each = each * _by_class(weight, ndim)
    if reduction == "none":
        return -sum_over(each, dim=(dim,))
    total = -sum_over(each)
    return total / (x.array.size / classes) if reduction == "mean" else total


# --- two classes ---


def _bce(x: Array, other: Array) -> Array:
    xp = xp_of(x)
    return -(other * xp.maximum(xp.log(x), -100) + (1 - other) * xp.maximum(xp.log1p(-x), -100))


TINY = 9.999999960041972e-13  # 1e-12 in float32, as in PyTorch

# Logarithms are cut off at -100, and the denominator at 1e-12: finite where a probability is exactly 0 or 1.
_binary_cross_entropy = binary(
    _bce,
    "binary_cross_entropy",
    x=lambda g, x, other: g * ((x - other) / clamp((1 - x) * x, TINY, None)),
    other=lambda g, x: g * (log1p(-x) - log(x)),
)


def _bce_logits(x: Array, other: Array) -> Array:
    xp = xp_of(x)
    return xp.maximum(x, 0) - x * other + xp.log1p(xp.exp(-xp.abs(x)))


_bce_with_logits = binary(
    _bce_logits,
    "binary_cross_entropy_with_logits",
    floats=True,
    x=lambda g, x, other: g * (sigmoid(x) - other),
    other=lambda g, x: -(g * x),
)


def log1p_exp(x: Any) -> Any:
    """log(1 + exp(x)) without overflow."""
    return _bce_with_logits(x, x * 0)


def binary_cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """- weight (t log x + (1 - t) log(1 - x)) for probabilities x; logarithms are at least -100.

    input, target: the same shape; weight broadcasts to it.
    Raises ValueError for other shapes, RuntimeError if x is not in [0, 1] or dtypes differ.
    """
    reduction = chosen(size_average, reduce, reduction)
    _tensors("binary_cross_entropy", input=input, target=target, weight=weight)
    x, t = input.array, target.array
    if x.shape != t.shape:
        raise ValueError(
            f"Using a target size ({tuple(t.shape)}) that is different to the input size ({tuple(x.shape)}) "
            "is deprecated. Please ensure they have the same size."
        )
    if x.dtype != t.dtype:
        raise RuntimeError(f"Found dtype {target.dtype} but expected {input.dtype}; convert the target with .to()")
    if x.size and not ((x >= 0) & (x <= 1)).all():
        raise RuntimeError(
            "all elements of input should be between 0 and 1: these are probabilities, as sigmoid gives them; "
            "for logits use binary_cross_entropy_with_logits"
        )
    each = _binary_cross_entropy(input, target)
    return reduced(each if weight is None else each * weight, reduction)


def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:
    """binary_cross_entropy(sigmoid(x), t), from logits x without overflow; positives count pos_weight times.

    weight * ((1 - t) x + (1 + (pos_weight - 1) t) log(1 + exp(-x))). ValueError if the shapes differ.
    """
    reduction = chosen(size_average, reduce, reduction)
    _tensors("binary_cross_entropy_with_logits", input=input, target=target, weight=weight, pos_weight=pos_weight)
    if input.array.shape != target.array.shape:
        raise ValueError(
            f"Target size ({tuple(target.array.shape)}) must be the same as input size ({tuple(input.array.shape)})"
        )
    if pos_weight is None:
        each = _bce_with_logits(input, target)
    else:
        each = (1 - target) * input + ((pos_weight - 1) * target + 1) * log1p_exp(-input)
    return reduced(each if weight is None else each * weight, reduction)


def soft_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """log(1 + exp(-t x)), t = 1 or -1."""
    reduction = chosen(size_average, reduce, reduction)
    _tensors("soft_margin_loss", input=input, target=target)
    return reduced(log1p_exp(-target * input), reduction)


def multilabel_soft_margin_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """The mean over the classes of binary_cross_entropy_with_logits: (..., K), (..., K) -> (...)."""
    reduction = chosen(size_average, reduce, reduction)
    _tensors("multilabel_soft_margin_loss", input=input, target=target, weight=weight)
    each = _bce_with_logits(input, target)
    each = each if weight is None else each * weight
    return reduced(mean(each, dim=(each.array.ndim - 1,)), reduction)


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
    reduction = chosen(size_average, reduce, "sum" if by_batch else reduction)
    _tensors("kl_div", input=input, target=target)
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
    _tensors("poisson_nll_loss", input=input, target=target)
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
    _tensors("gaussian_nll_loss", input=input, target=target)
    if not isinstance(var, Tensor):
        var = Tensor._of(xp_of(input.array).full(input.array.shape, var, input.array.dtype))
    given: Tensor = var
    s, v = input.array.shape, given.array.shape
    if v != s:
        if s[:-1] == v:
            given = given.unsqueeze(-1)
        elif not (s and s[:-1] == v[:-1] and v[-1] == 1):
            raise ValueError(f"var is of incorrect size: {tuple(v)}, for an input of {tuple(s)}")
    if (given.array < 0).any():
        raise ValueError("var has negative entry/entries")
    safe = given + Tensor._of(xp_of(given.array).maximum(eps - given.array, 0))  # the value eps, the gradient of var
    each = 0.5 * (log(safe) + square(input - target) / safe)
    return reduced(each + 0.5 * math.log(2 * math.pi) if full else each, reduction)


# --- margins ---


def hinge_embedding_loss(
    input: Tensor,
    target: Tensor,
    margin: float = 1.0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """x where t = 1, max(0, margin - x) where t = -1."""
    reduction = chosen(size_average, reduce, reduction)
    _tensors("hinge_embedding_loss", input=input, target=target)
    far = where(target != 1, clamp_low(margin - input), 0.0)
    near = where(target != -1, input, 0.0)
    return reduced(far + near, reduction)


def clamp_low(x: Tensor) -> Tensor:
    """max(x, 0); at 0 the gradient passes, as PyTorch's clamp_min."""
    return clamp(x, 0, None)


def margin_ranking_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0.0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """max(0, margin - t (x1 - x2)), t = 1 where x1 should be larger, else -1. RuntimeError if dims differ."""
    reduction = chosen(size_average, reduce, reduction)
    _tensors("margin_ranking_loss", input1=input1, input2=input2, target=target)
    if len({t.array.ndim for t in (input1, input2, target)}) > 1:
        raise RuntimeError(
            "margin_ranking_loss : All input tensors should have same dimension but got sizes: input1: "
            f"{input1.shape}, input2: {input2.shape}, target: {target.shape}"
        )
    return reduced(clamp_low(-target * (input1 - input2) + margin), reduction)


def cosine_embedding_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0.0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """1 - cos where t = 1, max(0, cos - margin) where t = -1: (N, D), (N, D), (N,), or (D,), (D,), ()."""
    reduction = chosen(size_average, reduce, reduction)
    _tensors("cosine_embedding_loss", input1=input1, input2=input2, target=target)
    n = target.array.ndim
    if n > 1 or input1.array.ndim != n + 1 or input2.array.ndim != n + 1:
        raise RuntimeError(
            "cosine_embedding_loss expects inputs (N, D) with a target (N,), or (D,) with a target (), got "
            f"{tuple(input1.shape)}, {tuple(input2.shape)}, {tuple(target.shape)}"
        )
    dot = sum_over(input1 * input2, dim=(n,))
    tiny = 1e-12  # zero vectors have cosine 0
    scale = (sum_over(square(input1), dim=(n,)) + tiny) * (sum_over(square(input2), dim=(n,)) + tiny)
    cos = dot / sqrt(scale)
    each = where(target == 1, 1 - cos, 0.0) + where(target == -1, clamp_low(cos - margin), 0.0)
    return reduced(each, reduction)


def triplet_margin_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """max(0, |a - p| - |a - n| + margin) in the norm p.

    With swap |p - n| takes the place of |a - n| where it is smaller.
    """
    from .norms import pairwise_distance

    def distance(a: Tensor, b: Tensor) -> Tensor:
        return pairwise_distance(a, b, p, eps)

    reduction = chosen(size_average, reduce, reduction)
    return _triplet(anchor, positive, negative, distance, margin, swap, reduction)


def triplet_margin_with_distance_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    *,
    distance_function: Any = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Tensor:
    """triplet_margin_loss with a distance of your own: distance_function(a, b)."""
    from .norms import pairwise_distance

    distance = distance_function or pairwise_distance
    return _triplet(anchor, positive, negative, distance, margin, swap, chosen(None, None, reduction))


def _triplet(
    anchor: Tensor, positive: Tensor, negative: Tensor, distance: Any, margin: float, swap: bool, reduction: str
) -> Tensor:
    _tensors("triplet_margin_loss", anchor=anchor, positive=positive, negative=negative)
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    a, b, c = (t.array.ndim for t in (anchor, positive, negative))
    if not a == b == c:
        raise RuntimeError(
            "The anchor, positive, and negative tensors are expected to have the same number of dimensions, "
            f"but got: anchor {a}D, positive {b}D, and negative {c}D inputs"
        )
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = far.minimum(distance(positive, negative))
    return reduced(clamp_low(margin + near - far), reduction)


def multi_margin_loss(
    input: Tensor,
    target: Tensor,
    p: int = 1,
    margin: float = 1.0,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """sum over k != t of max(0, margin - x[t] + x[k])^p / K, times weight[t]: (N, K), (N,) or (K,), ().

    Raises ValueError unless p is 1 or 2, RuntimeError for a class outside [0, K).
    """
    reduction = chosen(size_average, reduce, reduction)
    _tensors("multi_margin_loss", input=input, target=target, weight=weight)
    if p not in (1, 2):
        raise ValueError(f"only p == 1 and p == 2 supported, got {p}")
    alone = input.array.ndim == 1
    x = input.reshape(1, -1) if alone else input
    t = target.array.reshape(-1)
    if x.array.ndim != 2 or x.array.shape[1] == 0 or t.shape != x.array.shape[:1]:
        raise RuntimeError(f"inconsistent target size, expected ({x.array.shape[0]},) but got {tuple(target.shape)}")
    classes = x.array.shape[1]
    if t.size and (t.min() < 0 or t.max() >= classes):
        raise RuntimeError(f"target out of range: classes are 0 to {classes - 1}, got {t.min()} to {t.max()}")
    xp = xp_of(t)
    at = xp.arange(t.size) * classes + t
    gap = margin - take_flat(x, at).unsqueeze(1) + x
    other = Tensor._of(xp.arange(classes) != t[:, None])
    gap = where(other & (gap > 0), gap, 0.0)
    each = square(gap) if p == 2 else gap
    if weight is not None:
        each = each * Tensor._of(weight.array[t][:, None])
    each = sum_over(each, dim=(1,)) / classes
    return reduced(each.reshape(()) if alone else each, reduction)

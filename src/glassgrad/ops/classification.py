"""Losses of classification: classes by number or by probability, and two classes."""

from __future__ import annotations

import math
from typing import Any

from ..core.backend import Array, xp_of
from ..core.batched import whole
from ..core.dtypes import title_of
from ..core.errors import told
from ..core.fast import binary
from ..core.half import half_in_float32
from ..core.op import op
from ..core.tensor import Tensor
from ..core.titles import titled
from ..core.watch import listeners, tell
from .arithmetic import log, log1p, sigmoid
from .arrange import cat
from .choice import clamp, where
from .losses import chosen, reduced, tensors
from .neural import linear, log_softmax
from .reduce import mean
from .reduce import sum as sum_over
from .shape import sum_to_size

__all__ = ["binary_cross_entropy_with_logits"]
METHODS: tuple[str, ...] = ()
IN_PLACE: tuple[str, ...] = ()


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
@half_in_float32
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
    step = classes * rest or 1
    start = xp.arange(0, shape[0] * step, step)
    at = t * rest if rest != 1 else t
    if len(shape) > 2:
        start = start.reshape(-1, 1) + xp.arange(rest)
        at = at.reshape(start.shape)
    at = (start + at).reshape(-1)
    if t.size == 0:
        return at, None
    low, high = whole(t).min(), whole(t).max()
    counts = None
    if low < 0 or high >= classes or low <= ignore_index <= high:
        counts = t != ignore_index
        bad = counts & ((t < 0) | (t >= classes))
        if whole(bad).any():
            raise told(IndexError(f"Target {t[bad][0]} is out of bounds."))
        at = at[counts.reshape(-1)]
    return at, counts


def _check_classes(name: str, x: Tensor, target: Tensor, weight: Tensor | None) -> None:
    s, t = x.array.shape, target.array.shape
    if (target.array.dtype.kind, target.array.itemsize) not in (("i", 8), ("u", 1)):
        raise told(RuntimeError(f"expected target dtype to be Long or Byte, but got {title_of(target)}"))
    if x.array.dtype.kind not in "fV":
        kernel = "log_softmax_lastdim_kernel_impl" if name == "cross_entropy" else "nll_loss_out_frame"
        raise told(NotImplementedError(f"\"{kernel}\" not implemented for '{title_of(x)}'"))
    if len(s) == 0:
        raise RuntimeError(f"{name}: input tensor should be 1D or more: (classes,) or (batch, classes, ...)")
    if len(s) > 1 and (not t or s[0] != t[0]):
        raise told(ValueError(f"Expected input batch_size ({s[0]}) to match target batch_size ({t[0] if t else 0})."))
    if (*s[:1], *s[2:]) != t if len(s) > 1 else t != ():
        if len(s) == 2:
            raise told(RuntimeError("0D or 1D target tensor expected, multi-target not supported"))
        if len(s) == 3:
            raise told(RuntimeError(f"Expected target size {[s[0], s[2]]}, got {list(t)}"))
        raise told(RuntimeError(f"size mismatch (got input: {list(s)} , target: {list(t)}"))
    classes = s[min(1, len(s) - 1)]
    if weight is not None and weight.array.shape != (classes,):
        raise RuntimeError(
            f"weight tensor should be defined either for all {classes} classes or no classes "
            f"but got weight tensor of shape: {list(weight.array.shape)}"
        )
    if weight is not None and weight.array.dtype != x.array.dtype:
        raise told(
            RuntimeError(f"expected scalar type {title_of(x)} but found {title_of(weight)}"),
            "give weight the input's dtype",
        )
    if weight is not None and weight.requires_grad:
        raise RuntimeError(
            f"The function '{name}' is not differentiable with respect to argument 'weight'. "
            "This input cannot have requires_grad True."
        )


@titled(lambda x, target, *_: "NllLoss2DBackward0" if target.array.ndim > 1 else "NllLossBackward0")
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
    tensors("nll_loss", input=input, target=target, weight=weight)
    if listeners:
        tell("loss", "nll_loss", input, target)
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
    tensors("cross_entropy", input=input, target=target, weight=weight)
    if listeners:
        tell("loss", "cross_entropy", input, target)
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
    if not whole(counts).all():
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
        said = f"Expected floating point type for target with class probabilities, got {title_of(target)}"
        raise told(RuntimeError(said))
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


def linear_cross_entropy(
    input: Tensor,
    linear_weight: Tensor,
    target: Tensor,
    *,
    linear_bias: Tensor | None = None,
    weight: Tensor | None = None,
    reduction: str = "mean",
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    options: Any = None,
) -> Tensor:
    """cross_entropy of linear(input, linear_weight, linear_bias): input (N, I) or (I,), linear_weight (K, ..., I).

    linear_bias (K, ...). The target and the rest as in cross_entropy. options.batch_chunk_size: the logits of so
    many rows are made at a time, which bounds memory where no gradient is wanted; of the options only this counts.
    Raises RuntimeError where shapes don't fit, or for an ignore_index with probabilities.
    """
    tensors("linear_cross_entropy", input=input, linear_weight=linear_weight, target=target)
    s, w = tuple(input.array.shape), tuple(linear_weight.array.shape)
    if len(s) not in (1, 2):
        raise RuntimeError(f"expected input with dimensionality 1 or 2, got {len(s)}")
    if len(w) < 2:
        raise RuntimeError(f"expected linear_weight with dimensionality at least 2, got {len(w)}")
    if s[-1] != w[-1]:
        raise RuntimeError(
            "expected equal input and linear_weight last dimensions (in_features), "
            f"got {s[-1]} and {w[-1]}, respectively"
        )
    if linear_bias is not None and linear_bias.array.shape != w[:-1]:
        raise RuntimeError(f"expected linear_bias shape {w[:-1]}, got {tuple(linear_bias.array.shape)}")
    if len(w) > 2 and len(s) == 1:
        raise RuntimeError(
            f"K-dimensional loss defined by linear_weight shape {w} requires batched input, (N, {s[-1]}), got {s}"
        )
    shape = (*s[:-1], *w[:-1])
    if target.array.shape == shape and ignore_index is not None:
        raise RuntimeError("ignore_index cannot be specified when target contains probabilities")
    if len(s) == 2 and target.array.shape[:1] != s[:1]:
        raise ValueError(
            f"Expected input batch_size ({s[0]}) to match target batch_size ({(*target.array.shape, 'none')[0]})"
        )
    ignored = -100 if ignore_index is None else ignore_index
    rows = linear_weight if len(w) == 2 else linear_weight.reshape(-1, w[-1])
    bias = linear_bias if linear_bias is None or len(w) == 2 else linear_bias.reshape(-1)

    def loss(x: Tensor, t: Tensor, reduction: str) -> Tensor:
        logits = linear(x, rows, bias).reshape(*x.array.shape[:-1], *w[:-1])
        return cross_entropy(logits, t, weight, None, ignored, reduction=reduction, label_smoothing=label_smoothing)

    step = getattr(options, "batch_chunk_size", None)
    if step is None or len(s) == 1 or step >= s[0]:
        return loss(input, target, reduction)
    each = cat([loss(input[i : i + step], target[i : i + step], "none") for i in range(0, s[0], step)])
    if reduction != "mean" or target.array.shape == shape:
        return reduced(each, reduction)
    counts = target.array != ignored
    total = counts.sum() if weight is None else weight.array[target.array[counts]].sum()
    return each.sum() / (float(total) if total else math.nan)


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


@titled("BinaryCrossEntropyBackward0")
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
    Raises ValueError for other shapes, RuntimeError if x or t is not in [0, 1] or dtypes differ.
    """
    reduction = chosen(size_average, reduce, reduction)
    tensors("binary_cross_entropy", input=input, target=target, weight=weight)
    if listeners:
        tell("loss", "binary_cross_entropy", input, target)
    x, t = input.array, target.array
    if x.shape != t.shape:
        raise ValueError(
            f"Using a target size ({target.shape}) that is different to the input size ({input.shape}) "
            "is deprecated. Please ensure they have the same size."
        )
    if x.dtype != t.dtype:
        raise told(RuntimeError(f"Found dtype {title_of(target)} but expected {title_of(input)}"))
    for name, chances in (("input", x), ("target", t)):
        if chances.size and not whole((chances >= 0) & (chances <= 1)).all():
            raise told(RuntimeError(f"all elements of {name} should be between 0 and 1"))
    each = _binary_cross_entropy(input, target)
    return reduced(each if weight is None else each * weight, reduction)


@titled("BinaryCrossEntropyWithLogitsBackward0")
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
    tensors("binary_cross_entropy_with_logits", input=input, target=target, weight=weight, pos_weight=pos_weight)
    if listeners:
        tell("loss", "binary_cross_entropy_with_logits", input, target)
    if input.array.shape != target.array.shape:
        raise ValueError(f"Target size ({target.shape}) must be the same as input size ({input.shape})")
    if pos_weight is None:
        each = _bce_with_logits(input, target)
    else:
        each = (1 - target) * input + ((pos_weight - 1) * target + 1) * log1p_exp(-input)
    return reduced(each if weight is None else each * weight, reduction)


@titled("SoftMarginLossBackward0")
def soft_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """log(1 + exp(-t x)), t = 1 or -1."""
    reduction = chosen(size_average, reduce, reduction)
    tensors("soft_margin_loss", input=input, target=target)
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
    tensors("multilabel_soft_margin_loss", input=input, target=target, weight=weight)
    each = _bce_with_logits(input, target)
    each = each if weight is None else each * weight
    return reduced(mean(each, dim=(each.array.ndim - 1,)), reduction)

"""Losses that ask for a margin: between numbers, vectors, or the score of the right class and the others."""

from __future__ import annotations

from typing import Any

from ..core.backend import Array, xp_of
from ..core.tensor import Tensor
from ..core.titles import titled
from . import autocast
from .arithmetic import sqrt, square
from .choice import clamp, where
from .classification import take_flat
from .gather import index_add
from .losses import chosen, reduced, tensors
from .norms import pairwise_distance
from .reduce import sum as sum_over

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
    tensors("hinge_embedding_loss", input=input, target=target)
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
    tensors("margin_ranking_loss", input1=input1, input2=input2, target=target)
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
    tensors("cosine_embedding_loss", input1=input1, input2=input2, target=target)
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
    distance = distance_function or pairwise_distance
    return _triplet(anchor, positive, negative, distance, margin, swap, chosen(None, None, reduction))


def _triplet(
    anchor: Tensor, positive: Tensor, negative: Tensor, distance: Any, margin: float, swap: bool, reduction: str
) -> Tensor:
    tensors("triplet_margin_loss", anchor=anchor, positive=positive, negative=negative)
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


@titled("MultiMarginLossBackward0")
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

    Raises ValueError unless p is 1 or 2 and weight has one dim, RuntimeError for a class outside [0, K).
    """
    reduction = chosen(size_average, reduce, reduction)
    tensors("multi_margin_loss", input=input, target=target, weight=weight)
    if p not in (1, 2):
        raise ValueError(f"only p == 1 and p == 2 supported, got {p}")
    if weight is not None and weight.array.ndim != 1:
        raise ValueError(f"weight must be one-dimensional, got {tuple(weight.array.shape)}")
    x = _by_rows("multi_margin_loss", input)
    t = _long(target).reshape(-1)
    if t.shape != x.array.shape[:1]:
        raise RuntimeError(f"inconsistent target size, expected ({x.array.shape[0]},) but got {tuple(target.shape)}")
    classes = x.array.shape[1]
    if weight is not None and weight.array.size != classes:
        raise RuntimeError(f"inconsistent weight size, expected {classes} but got {list(weight.array.shape)}")
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
    return reduced(each if target.array.ndim else each.reshape(()), reduction)


@titled("MultilabelMarginLossBackward0")
def multilabel_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """sum over labels t and other classes k of max(0, 1 - x[t] + x[k]) / K: (N, K), (N, K) or (K,), (K,).

    A row of target holds labels up to the first -1, int64. Raises RuntimeError where sizes differ or for a class
    outside [0, K).
    """
    reduction = chosen(size_average, reduce, reduction)
    tensors("multilabel_margin_loss", input=input, target=target)
    x, t = _by_rows("multilabel_margin_loss", input), _long(target)
    if t.shape != input.array.shape and t.size != input.array.size:
        raise RuntimeError(f"inconsistent target size: {list(t.shape)} for input of size: {list(input.array.shape)}")
    xp, (n, classes) = xp_of(t), x.array.shape
    t = t.reshape(n, classes)
    if t.size and (t.min() < -1 or t.max() >= classes):
        raise RuntimeError(f"argument #2 'target' is out of range: labels are 0 to {classes - 1}, or -1 at the end")
    counts = xp.logical_and.accumulate(t >= 0, 1)  # (N, J)
    rows, places = counts.nonzero()
    labels = t[rows, places]
    right = xp.zeros((n, classes), bool)
    right[rows, labels] = True
    gap = 1 - take_pairs(x, rows, labels) + x[Tensor._of(rows)]  # (labels, K)
    gap = where(Tensor._of(~right[rows]) & (gap > 0), gap, 0.0)
    nothing = Tensor._of(xp.zeros(n, x.array.dtype))
    each = index_add(nothing, 0, Tensor._of(rows), sum_over(gap, dim=(1,))) / classes
    return reduced(each if input.array.ndim > 1 else each.reshape(()), reduction)


def take_pairs(x: Tensor, rows: Array, columns: Array) -> Tensor:
    """x[rows, columns] as a column: (M, 1)."""
    return x[Tensor._of(rows), Tensor._of(columns)].unsqueeze(1)


def _by_rows(name: str, x: Tensor) -> Tensor:
    """(N, K) of (N, K), (K,) or (): at most the batch may be empty."""
    s = x.array.shape
    if len(s) > 2 or 0 in s[1:] or (len(s) == 1 and s[0] == 0):
        raise RuntimeError(
            f"{name}: Expected non-empty vector or matrix with optional 0-dim batch size, got: {list(s)}"
        )
    return x if len(s) == 2 else x.reshape(1, -1)


def _long(target: Tensor) -> Array:
    if target.array.dtype != "int64":
        raise RuntimeError(f"expected scalar type Long but found {target.dtype}; convert the target with .long()")
    return target.array


autocast.attach(__name__)

"""Connectionist temporal classification: the probability of a sequence, whatever its alignment in time.

The label sequence l of length S is read with blanks between: b l1 b l2 ... b, L = 2 S + 1 states. alpha[t, s] is the
log-probability of being in state s after step t; one step stays, moves on by one, or skips a blank between two
different labels. Source: Graves et al. 2006, "Connectionist Temporal Classification", equations 6 to 8.
"""

from __future__ import annotations

import math
from typing import Any

from ..core.backend import Array, xp_of
from ..core.batched import whole
from ..core.tensor import Tensor
from . import autocast
from .arithmetic import logaddexp
from .arrange import cat
from .choice import clamp, where
from .gather import gather
from .losses import chosen, reduced
from .parts import unbind

NEVER = -1e9  # a log-probability in place of -inf: finite, so that what cannot happen has the gradient 0


def ctc_loss(
    log_probs: Tensor,
    targets: Tensor,
    input_lengths: Any,
    target_lengths: Any,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Tensor:
    """- log of the probability that log_probs spell the targets, repeats merged and blanks removed.

    log_probs (T, N, C), or (T, C): log-probabilities, as log_softmax gives them. targets (N, S), or the sequences one
    after another (sum of target_lengths,): labels other than blank. input_lengths, target_lengths (N,): how much of
    each counts. "mean" divides each loss by its target's length first. A target too long for its input has the
    loss inf (and NaN gradients), with zero_infinity 0.
    The gradient is that of this function. PyTorch's adds exp(log_probs), which the backward of log_softmax removes
    again: on logits both are the same.
    Raises RuntimeError where lengths or labels don't fit, ValueError for an unknown reduction.
    """
    reduction = chosen(None, None, reduction)
    if log_probs.array.ndim == 2:
        batch = log_probs.reshape(log_probs.array.shape[0], 1, log_probs.array.shape[1])
        labels = targets if targets.array.ndim == 1 else targets.reshape(-1)
        made = ctc_loss(batch, labels, input_lengths, target_lengths, blank, reduction, zero_infinity)
        return made.reshape(())
    if log_probs.array.ndim != 3 or 0 in log_probs.array.shape:
        raise RuntimeError(f"ctc_loss: log_probs must be (T, N, C) or (T, C), not empty, got {log_probs.shape}")
    if log_probs.array.dtype not in ("float32", "float64"):
        raise NotImplementedError(f'"ctc_loss" not implemented for {log_probs.dtype}: convert with .float()')
    steps, n, classes = log_probs.array.shape
    if not 0 <= blank < classes:
        raise RuntimeError(f"blank must be in label range: {blank} for {classes} classes")
    xp = xp_of(log_probs.array)
    spent, wanted = _numbers("input_lengths", input_lengths), _numbers("target_lengths", target_lengths)
    for name, numbers in (("input_lengths", spent), ("target_lengths", wanted)):
        if len(numbers) != n:
            raise RuntimeError(f"{name} must be of size batch_size: {len(numbers)} for a batch of {n}")
        if min(numbers) < 0:
            raise RuntimeError(f"Expected {name} to have value at least 0, but got value {min(numbers)}")
    if max(spent) > steps:
        raise RuntimeError(f"Expected input_lengths to have value at most {steps}, but got value {max(spent)}")
    labels = _labels(targets, wanted, n)
    if labels.size and (labels.min() < 0 or labels.max() >= classes):
        raise RuntimeError(f"ctc_loss: labels must be in [0, {classes}), got {labels.min()} to {labels.max()}")

    states = xp.full((n, 2 * labels.shape[1] + 1), blank, "int64")
    states[:, 1::2] = labels
    skips = xp.zeros(states.shape, bool)
    skips[:, 2:] = (states[:, 2:] != blank) & (states[:, 2:] != states[:, :-2])
    may_skip, ends = Tensor._of(skips), xp.asarray(spent)
    at = Tensor._of(xp.broadcast_to(states, (steps, *states.shape)).copy())
    emitted = unbind(gather(clamp(log_probs, NEVER, None), 2, at))  # T times (N, L)
    start = xp.full(states.shape, NEVER, log_probs.array.dtype)
    start[:, 0] = 0
    # Before the first step there is one state, the first blank; the first step may go on to the first label.
    alpha, before_all = Tensor._of(start), Tensor._of(xp.full((n, 2), NEVER, start.dtype))
    for t in range(int(max(spent))):
        wide = cat([before_all, alpha], dim=1)
        skip = where(may_skip, wide[:, :-2], NEVER)
        step = emitted[t] + logaddexp(logaddexp(wide[:, 2:], wide[:, 1:-1]), skip)
        running = t < ends
        alpha = step if running.all() else where(Tensor._of(running[:, None]), step, alpha)
    last = 2 * xp.asarray(wanted)[:, None]
    done = gather(alpha, 1, Tensor._of(last))
    before = where(Tensor._of(last > 0), gather(alpha, 1, Tensor._of(xp.maximum(last - 1, 0))), NEVER)
    each = -logaddexp(done, before).reshape(n)
    lost = each.array > -NEVER / 2
    if whole(lost).any():
        each = (
            where(Tensor._of(lost), 0.0, each)
            if zero_infinity
            else each + Tensor._of(xp.where(lost, math.inf, 0).astype(each.array.dtype))
        )
    if reduction == "mean":
        each = each / Tensor._of(xp.maximum(xp.asarray(wanted), 1).astype(each.array.dtype))
    return reduced(each, reduction)


def _numbers(name: str, lengths: Any) -> list[int]:
    if isinstance(lengths, Tensor):
        if lengths.array.dtype.kind not in "iu":
            raise RuntimeError(f"{name} must be integral, got {lengths.dtype}")
        lengths = lengths.array.reshape(-1).tolist()
    return [int(k) for k in ([lengths] if isinstance(lengths, int) else lengths)]


def _labels(targets: Tensor, lengths: list[int], n: int) -> Array:
    """The labels (N, longest), zeros after each sequence."""
    xp, t, most = xp_of(targets.array), targets.array, max(lengths)
    made = xp.zeros((n, most), "int64")
    if t.ndim == 2:
        if t.shape[0] != n or t.shape[1] < most:
            raise RuntimeError(
                f"Expected tensor to have size at least {most} at dimension 1, but got size {t.shape[1]} for argument "
                f"#2 'targets' (while checking arguments for ctc_loss): targets {tuple(t.shape)} for a batch of {n}"
            )
        for k, m in enumerate(lengths):
            made[k, :m] = t[k, :m]
        return made
    if t.ndim != 1 or t.size != sum(lengths):
        raise RuntimeError(
            f"Expected tensor to have size {sum(lengths)} at dimension 0, but got size {t.shape} for argument #2 "
            "'targets' (while checking arguments for ctc_loss)"
        )
    at = 0
    for k, m in enumerate(lengths):
        made[k, :m] = t[at : at + m]
        at += m
    return made


autocast.attach(__name__)

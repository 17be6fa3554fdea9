"""Losses of detectors."""

from __future__ import annotations

from ...core.tensor import Tensor
from ...nn import functional as F
from . import boxes


def _reduced(loss: Tensor, reduction: str) -> Tensor:
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(
            f"Invalid Value for arg 'reduction': '{reduction}'\n Supported reduction modes: 'none', 'mean', 'sum'"
        )
    if reduction == "none":
        return loss
    if reduction == "sum":
        return loss.sum()
    return loss.mean() if loss.numel() else 0.0 * loss.sum()


def sigmoid_focal_loss(
    inputs: Tensor, targets: Tensor, alpha: float = 0.25, gamma: float = 2, reduction: str = "none"
) -> Tensor:
    """Cross entropy of sigmoid(inputs) with targets 0 or 1, less where it is right already.

    (1 - p)^gamma times the cross entropy, p the probability of the target; alpha weighs targets 1, 1 - alpha
    the others.
    Source: Lin et al. 2017, arXiv:1708.02002.
    """
    if not (0 <= alpha <= 1) and alpha != -1:
        raise ValueError(f"Invalid alpha value: {alpha}. alpha must be in the range [0,1] or -1 for ignore.")
    p = inputs.sigmoid()
    right = p * targets + (1 - p) * (1 - targets)
    loss = F.binary_cross_entropy_with_logits(inputs, targets, reduction="none") * (1 - right) ** gamma
    if alpha >= 0:
        loss = (alpha * targets + (1 - alpha) * (1 - targets)) * loss
    return _reduced(loss, reduction)


def generalized_box_iou_loss(boxes1: Tensor, boxes2: Tensor, reduction: str = "none", eps: float = 1e-7) -> Tensor:
    """1 - the generalized IoU of each pair of boxes (..., 4), xyxy: (...). eps is added to what is divided by."""
    return _reduced(1 - boxes.generalized(boxes1, boxes2, eps), reduction)


def distance_box_iou_loss(boxes1: Tensor, boxes2: Tensor, reduction: str = "none", eps: float = 1e-7) -> Tensor:
    """1 - the distance IoU of each pair of boxes (..., 4), xyxy: (...)."""
    return _reduced(1 - boxes.distance(boxes1, boxes2, eps, eps)[0], reduction)


def complete_box_iou_loss(boxes1: Tensor, boxes2: Tensor, reduction: str = "none", eps: float = 1e-7) -> Tensor:
    """1 - the complete IoU of each pair of boxes (..., 4), xyxy: (...)."""
    return _reduced(1 - boxes.complete(boxes1, boxes2, eps, 1e-7, 1e-7), reduction)

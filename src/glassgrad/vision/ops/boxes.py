"""Boxes (..., 4): two corners x1 y1 x2 y2 (xyxy), a corner and sizes (xywh), or the centre and sizes (cxcywh)."""

from __future__ import annotations

import math

import numpy as np

import glassgrad as gg

from ...core.tensor import Tensor

FORMATS = ("xyxy", "xywh", "cxcywh")
ROTATED = ("xywhr", "cxcywhr", "xyxyxyxy")


def _corners(boxes: Tensor, fmt: str) -> Tensor:
    """Boxes of a format as xyxy."""
    if fmt == "xyxy":
        return boxes
    a, size = boxes[..., :2], boxes[..., 2:]
    if fmt == "xywh":
        return gg.cat([a, a + size], -1)
    return gg.cat([a - 0.5 * size, a + 0.5 * size], -1)


def _from_corners(boxes: Tensor, fmt: str) -> Tensor:
    a, b = boxes[..., :2], boxes[..., 2:]
    if fmt == "xyxy":
        return boxes
    return gg.cat([a if fmt == "xywh" else (a + b) / 2, b - a], -1)


def _known(fmt: str, what: str) -> None:
    if fmt in ROTATED:
        raise NotImplementedError(f"{what}: boxes that are rotated ({fmt}) are not in glassgrad yet")
    if fmt not in FORMATS:
        raise ValueError(f"Unsupported {what} for given format {fmt}")


def box_convert(boxes: Tensor, in_fmt: str, out_fmt: str) -> Tensor:
    """Boxes (..., 4) in another format: "xyxy", "xywh" or "cxcywh". ValueError for others."""
    if not {in_fmt, out_fmt} <= {*FORMATS, *ROTATED}:
        raise ValueError(f"Unsupported Bounding Box Conversions for given in_fmt {in_fmt} and out_fmt {out_fmt}")
    for fmt in (in_fmt, out_fmt):
        _known(fmt, "box_convert")
    return boxes.clone() if in_fmt == out_fmt else _from_corners(_corners(boxes, in_fmt), out_fmt)


def _wide(x: Tensor) -> Tensor:
    """x in a dtype in which areas don't overflow."""
    if x.is_floating_point():
        return x if x.dtype in (gg.float32, gg.float64) else x.float()
    return x if x.dtype in (gg.int32, gg.int64) else x.int()


def box_area(boxes: Tensor, fmt: str = "xyxy") -> Tensor:
    """(..., 4) -> (...)."""
    _known(fmt, "Bounding Box area")
    boxes = _wide(boxes)
    size = boxes[..., 2:] - boxes[..., :2] if fmt == "xyxy" else boxes[..., 2:]
    return size[..., 0] * size[..., 1]


def overlap(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """The areas of what boxes (..., 4), xyxy, share with others, and of both together: (...)."""
    size = _wide(gg.min(a[..., 2:], b[..., 2:]) - gg.max(a[..., :2], b[..., :2])).clamp(min=0)
    shared = size[..., 0] * size[..., 1]
    return shared, box_area(a) + box_area(b) - shared


def around(a: Tensor, b: Tensor) -> Tensor:
    """Width and height of the smallest box around each two: (..., 2)."""
    return _wide(gg.max(a[..., 2:], b[..., 2:]) - gg.min(a[..., :2], b[..., :2])).clamp(min=0)


def generalized(a: Tensor, b: Tensor, eps: float = 0.0) -> Tensor:
    """IoU less the empty part of the smallest box around both. Source: Rezatofighi et al. 2019, arXiv:1902.09630."""
    shared, union = overlap(a, b)
    area = around(a, b).prod(-1)
    return shared / (union + eps) - (area - union) / (area + eps)


def distance(a: Tensor, b: Tensor, eps: float, eps_union: float = 0.0) -> tuple[Tensor, Tensor]:
    """IoU less the squared distance of the centres over the squared diagonal around both; and IoU.

    Source: Zheng et al. 2020, arXiv:1911.08287.
    """
    shared, union = overlap(a, b)
    iou = shared / (union + eps_union)
    between = (_wide((a[..., :2] + a[..., 2:]) / 2 - (b[..., :2] + b[..., 2:]) / 2) ** 2).sum(-1)
    return iou - between / ((around(a, b) ** 2).sum(-1) + eps), iou


def complete(a: Tensor, b: Tensor, eps: float, eps_distance: float, eps_union: float = 0.0) -> Tensor:
    """`distance` less a term for unlike shapes. Source: arXiv:1911.08287, section 3.3."""
    near, iou = distance(a, b, eps_distance, eps_union)
    angles = [gg.atan((x[..., 2] - x[..., 0]) / (x[..., 3] - x[..., 1])) for x in (a, b)]
    unlike = 4 / math.pi**2 * (angles[0] - angles[1]) ** 2
    with gg.no_grad():
        weight = unlike / (1 - iou + unlike + eps)
    return near - weight * unlike


def _each(boxes1: Tensor, boxes2: Tensor) -> tuple[Tensor, Tensor]:
    return boxes1[..., :, None, :], boxes2[..., None, :, :]


def box_iou(boxes1: Tensor, boxes2: Tensor, fmt: str = "xyxy") -> Tensor:
    """Intersection over union of each of (..., N, 4) with each of (..., M, 4): (..., N, M)."""
    _known(fmt, "Box IoU Calculation")
    shared, union = overlap(*_each(_corners(boxes1, fmt), _corners(boxes2, fmt)))
    return shared / union


def generalized_box_iou(boxes1: Tensor, boxes2: Tensor) -> Tensor:
    """IoU less the empty part of the smallest box around both: (..., N, M)."""
    return generalized(*_each(boxes1, boxes2))


def distance_box_iou(boxes1: Tensor, boxes2: Tensor, eps: float = 1e-7) -> Tensor:
    """IoU less the squared distance of centres over the squared diagonal around both: (..., N, M)."""
    return distance(*_each(_wide(boxes1), _wide(boxes2)), eps)[0]


def complete_box_iou(boxes1: Tensor, boxes2: Tensor, eps: float = 1e-7) -> Tensor:
    """distance_box_iou less a term for unlike shapes: (..., N, M)."""
    return complete(*_each(_wide(boxes1), _wide(boxes2)), eps, eps)


def nms(boxes: Tensor, scores: Tensor, iou_threshold: float) -> Tensor:
    """The boxes (N, 4) that no better one overlaps by more than the threshold: indices (K,), best first."""
    if boxes.dim() != 2 or boxes.shape[1] != 4:
        raise RuntimeError(f"boxes should be a 2d tensor with 4 elements in dimension 1, got {list(boxes.shape)}")
    if scores.dim() != 1:
        raise RuntimeError(f"scores should be a 1d tensor, got {scores.dim()}d")
    if len(boxes) != len(scores):
        raise RuntimeError(
            "boxes and scores should have same number of elements in dimension 0, got "
            f"{len(boxes)} and {len(scores)}"
        )  # fmt: skip
    x1, y1, x2, y2 = boxes.detach().array.T
    areas = (x2 - x1) * (y2 - y1)
    order = scores.detach().sort(stable=True, descending=True).indices.array
    kept = []
    while order.size:
        best, rest = order[0], order[1:]
        kept.append(best)
        width = np.minimum(x2[best], x2[rest]) - np.maximum(x1[best], x1[rest])
        height = np.minimum(y2[best], y2[rest]) - np.maximum(y1[best], y1[rest])
        shared = np.maximum(width, 0) * np.maximum(height, 0)
        with np.errstate(invalid="ignore", divide="ignore"):  # an empty box overlaps nothing
            order = rest[~(shared / (areas[best] + areas[rest] - shared) > iou_threshold)]
    return Tensor._of(np.array(kept, np.int64))


def batched_nms(boxes: Tensor, scores: Tensor, idxs: Tensor, iou_threshold: float) -> Tensor:
    """nms among the boxes of each class idxs (N,): indices (K,), best first."""
    if not boxes.numel():
        return Tensor._of(np.zeros(0, np.int64))
    apart = idxs.to(boxes.dtype) * (boxes.max() + 1)  # classes so far from each other that none overlap
    return nms(boxes + apart[:, None], scores, iou_threshold)


def remove_small_boxes(boxes: Tensor, min_size: float) -> Tensor:
    """The indices of the boxes (N, 4) both sides of which are at least min_size."""
    return gg.where(((boxes[..., 2:] - boxes[..., :2]) >= min_size).all(-1))[0]


def clip_boxes_to_image(boxes: Tensor, size: tuple[int, int]) -> Tensor:
    """Boxes (..., 4) cut at the edges of an image of size (height, width)."""
    height, width = size
    x, y = boxes[..., 0::2].clamp(min=0, max=width), boxes[..., 1::2].clamp(min=0, max=height)
    return gg.stack((x, y), dim=boxes.dim()).reshape(boxes.shape)


def masks_to_boxes(masks: Tensor) -> Tensor:
    """The boxes around what isn't 0 in masks (N, H, W): (N, 4), float32; zeros for an empty one."""
    made = np.zeros((len(masks), 4), np.float32)
    for box, mask in zip(made, masks.array, strict=True):
        y, x = np.nonzero(mask)
        if y.size:
            box[:] = x.min(), y.min(), x.max(), y.max()
    return Tensor._of(made)

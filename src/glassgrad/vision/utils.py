"""Batches of images as one picture."""

from __future__ import annotations

import math
from typing import Any

from ..core.modes import no_grad
from ..core.tensor import Tensor
from ..ops.arrange import stack
from .pillow import pillow

__all__ = ["make_grid", "save_image"]


@no_grad()
def make_grid(
    tensor: Any, nrow: int = 8, padding: int = 2, normalize: bool = False,
    value_range: tuple[float, float] | None = None, scale_each: bool = False, pad_value: float = 0.0,
) -> Tensor:  # fmt: skip
    """Images (B, C, H, W), or a list of them, in rows of nrow: (C, H', W'), with `padding` pixels of pad_value between.

    One channel becomes three. normalize: from value_range (by default the extremes of all, or of each if scale_each) to
    0 and 1. A single image comes back without padding. TypeError for what isn't tensors.
    """
    if isinstance(tensor, list):
        for t in tensor:
            if not isinstance(t, Tensor):
                raise TypeError(f"tensor or list of tensors expected, got a list containing {type(t)}")
        tensor = stack(tensor)
    if not isinstance(tensor, Tensor):
        raise TypeError(f"tensor or list of tensors expected, got {type(tensor)}")
    if normalize and value_range is not None and not isinstance(value_range, tuple):
        raise TypeError("value_range has to be a tuple (min, max) if specified. min and max are numbers")
    while tensor.dim() < 3:
        tensor = tensor.unsqueeze(0)
    x = tensor if tensor.dim() == 4 else tensor.unsqueeze(0)
    if x.shape[1] == 1:
        x = x.expand(-1, 3, -1, -1)
    if normalize:
        x = x.clone()
        for part in x if scale_each else [x]:
            low, high = value_range or (part.min().item(), part.max().item())
            part.clamp_(low, high).sub_(low).div_(max(high - low, 1e-5))
    count, channels, height, width = x.shape
    if count == 1:
        return x.squeeze(0)
    columns = min(nrow, count)
    rows = math.ceil(count / columns)
    h, w = height + padding, width + padding
    grid = x.new_full((channels, h * rows + padding, w * columns + padding), pad_value)
    for k in range(count):
        top, left = k // columns * h + padding, k % columns * w + padding
        grid[:, top : top + height, left : left + width] = x[k]
    return grid


@no_grad()
def save_image(tensor: Any, fp: Any, format: str | None = None, **kwargs: Any) -> None:
    """make_grid(tensor, **kwargs) into a file, a name or a file object; format: Pillow's name, if not the name's."""
    grid = make_grid(tensor, **kwargs)
    pixels = grid.mul(255).add_(0.5).clamp_(0, 255).permute(1, 2, 0)
    pillow().fromarray(pixels.numpy().astype("uint8")).save(fp, format=format)

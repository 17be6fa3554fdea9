"""Transforms of images, one after another, with the names and draws of torchvision.transforms.

An image is a NumPy array (H, W) or (H, W, C), a PIL image, or, after ToTensor, a tensor (..., C, H, W).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..core.random import current_generator
from ..core.samplers import integers, uniform
from ..core.tensor import Tensor
from ..ops.create import as_tensor, from_numpy, full


class Compose:
    """One transform after another."""

    def __init__(self, transforms: Sequence[Callable[[Any], Any]]) -> None:
        self.transforms = transforms

    def __call__(self, image: Any) -> Any:
        for transform in self.transforms:
            image = transform(image)
        return image

    def __repr__(self) -> str:
        return "Compose(\n" + "".join(f"    {transform}\n" for transform in self.transforms) + ")"


class ToTensor:
    """(H, W) or (H, W, C) -> (C, H, W); bytes 0 to 255 become float32 0 to 1, other dtypes stay."""

    def __call__(self, image: Any) -> Any:
        if not isinstance(image, np.ndarray):
            if not hasattr(image, "getbands"):  # what a PIL image has
                raise TypeError(f"pic should be PIL Image or ndarray. Got {type(image)}")
            image = np.array(image)
        if image.ndim not in (2, 3):
            raise ValueError(f"pic should be 2/3 dimensional. Got {image.ndim} dimensions.")
        image = image[None] if image.ndim == 2 else image.transpose(2, 0, 1)
        if image.dtype == np.uint8:
            return from_numpy(np.divide(image, 255, dtype=np.float32, order="C"))
        return from_numpy(np.array(image, order="C"))

    def __repr__(self) -> str:
        return "ToTensor()"


class Normalize:
    """(x - mean) / std, channel by channel: a float tensor (..., C, H, W) -> same shape.

    Raises TypeError for another dtype or kind, ValueError for fewer than 3 dims or a std of 0.
    """

    def __init__(self, mean: Sequence[float], std: Sequence[float], inplace: bool = False) -> None:
        self.mean = mean
        self.std = std
        self.inplace = inplace
        self._made: dict[Any, tuple[Any, Any]] = {}

    def __call__(self, image: Any) -> Any:
        if not isinstance(image, Tensor):
            raise TypeError(f"img should be Tensor Image. Got {type(image)}: put ToTensor() before Normalize")
        if not image.is_floating_point():
            raise TypeError(f"Input tensor should be a float tensor. Got {image.dtype}.")
        if image.dim() < 3:
            raise ValueError(f"Expected tensor to be a tensor image of size (..., C, H, W). Got {tuple(image.shape)}")
        mean, std = self._constants(image.dtype)
        return image.sub_(mean).div_(std) if self.inplace else (image - mean) / std

    def _constants(self, dtype: Any) -> tuple[Any, Any]:
        """mean and std as tensors (C, 1, 1), made once for a dtype."""
        if dtype not in self._made:
            mean, std = (
                as_tensor(values.reshape(-1, 1, 1) if values.ndim == 1 else values, dtype=dtype)
                for values in map(np.asarray, (self.mean, self.std))
            )
            if not std.all():
                raise ValueError(f"std evaluated to zero after conversion to {dtype}, leading to division by zero.")
            self._made[dtype] = mean, std
        return self._made[dtype]

    def __repr__(self) -> str:
        return f"Normalize(mean={self.mean}, std={self.std})"


class Lambda:
    """Any function of the image."""

    def __init__(self, lambd: Callable[[Any], Any]) -> None:
        if not callable(lambd):
            raise TypeError(f"Argument lambd should be callable, got {type(lambd).__name__!r}")
        self.lambd = lambd

    def __call__(self, image: Any) -> Any:
        return self.lambd(image)

    def __repr__(self) -> str:
        return "Lambda()"


def _size_axes(image: Any) -> tuple[int, int]:
    """The dims of height and width."""
    if isinstance(image, Tensor):
        return image.dim() - 2, image.dim() - 1
    if isinstance(image, np.ndarray) and image.ndim in (2, 3):
        return 0, 1
    raise TypeError(f"expected a tensor (..., C, H, W) or an array (H, W) or (H, W, C), got {type(image)}")


class RandomHorizontalFlip:
    """Left and right exchanged with probability p: one `rand(1)` is drawn."""

    def __init__(self, p: float = 0.5) -> None:
        self.p = p

    def __call__(self, image: Any) -> Any:
        width = _size_axes(image)[1]
        if not uniform(current_generator(), 1)[0] < self.p:
            return image
        return image.flip(width) if isinstance(image, Tensor) else np.flip(image, width)

    def __repr__(self) -> str:
        return f"RandomHorizontalFlip(p={self.p})"


class RandomCrop:
    """A window of `size` (an int, or height and width) at a random place of the image, after padding.

    padding: an int for all sides, (left and right, top and bottom), or (left, top, right, bottom), filled
    with `fill`. Draws `randint` for the top and for the left, nothing where the window is the whole image.
    Raises ValueError where the window is larger than the padded image.
    """

    def __init__(self, size: int | Sequence[int], padding: int | Sequence[int] | None = None, fill: float = 0) -> None:
        self.size = (size, size) if isinstance(size, int) else tuple(size)
        sides = (padding or 0,) if isinstance(padding, (int, type(None))) else tuple(padding)
        if len(self.size) != 2 or len(sides) not in (1, 2, 4):
            raise ValueError(f"RandomCrop: size is 1 or 2 numbers, padding 1, 2 or 4; got {size} and {padding}")
        left, top, right, bottom = sides * (4 // len(sides))
        self.padding = ((top, bottom), (left, right))
        self.fill = fill

    def __call__(self, image: Any) -> Any:
        axes = _size_axes(image)
        if any(side for sides in self.padding for side in sides):
            widths = [(0, 0)] * len(image.shape)
            for axis, sides in zip(axes, self.padding, strict=True):
                widths[axis] = sides
            image = self._pad(image, widths)
        have = tuple(image.shape[axis] for axis in axes)
        room = [total - wanted for total, wanted in zip(have, self.size, strict=True)]
        if min(room) < 0:
            raise ValueError(f"Required crop size {self.size} is larger than input image size {have}")
        if not any(room):
            return image
        window = [slice(None)] * len(image.shape)
        for axis, free, wanted in zip(axes, room, self.size, strict=True):
            start = int(integers(current_generator(), 1, low=0, high=free + 1)[0])
            window[axis] = slice(start, start + wanted)
        return image[tuple(window)]

    def _pad(self, image: Any, widths: list[tuple[int, int]]) -> Any:
        if isinstance(image, np.ndarray):
            return np.pad(image, widths, constant_values=self.fill)
        padded = full([n + sum(sides) for n, sides in zip(image.shape, widths, strict=True)], self.fill).to(image)
        padded[tuple(slice(a, a + n) for n, (a, _) in zip(image.shape, widths, strict=True))] = image
        return padded

    def __repr__(self) -> str:
        return f"RandomCrop(size={self.size}, padding={self.padding})"

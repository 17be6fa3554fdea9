"""Transforms that draw nothing, and those made of others."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...core import dtypes
from ...core.random import current_generator
from ...core.samplers import uniform
from ...core.tensor import Tensor
from ...nn.module import Module
from . import functional as F
from .functional import InterpolationMode


def drawn(low: float = 0.0, high: float = 1.0) -> float:
    """One number from [low, high) in the default dtype, drawn as `empty(1).uniform_(low, high)` and `rand(1)` are."""
    return float(uniform(current_generator(), 1, dtypes.get_default_dtype().array_dtype, low, high)[0])


def happens(p: float) -> bool:
    """Whether rand(1) < p, in the default dtype as both are there."""
    dtype = dtypes.get_default_dtype().array_dtype.type
    return bool(dtype(drawn()) < dtype(p))


class Transform(Module):
    """A transform that is a module: it may stand in nn.Sequential. `shown` are the attributes that repr names."""

    shown: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)}' for name in self.shown)})"


class Compose:
    """One transform after another."""

    def __init__(self, transforms: Sequence[Callable[[Any], Any]]) -> None:
        self.transforms = transforms

    def __call__(self, img: Any) -> Any:
        for transform in self.transforms:
            img = transform(img)
        return img

    def __repr__(self) -> str:
        return f"{type(self).__name__}(" + "".join(f"\n    {t}" for t in self.transforms) + "\n)"


class ToTensor:
    """A Pillow image, or an array (H, W) or (H, W, C) -> (C, H, W); bytes 0 to 255 become floats 0 to 1."""

    def __call__(self, pic: Any) -> Tensor:
        return F.to_tensor(pic)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class PILToTensor(ToTensor):
    """A Pillow image -> (C, H, W) with its own numbers."""

    def __call__(self, pic: Any) -> Tensor:
        return F.pil_to_tensor(pic)


class ToPILImage:
    """A tensor (C, H, W) or an array (H, W, C) as a Pillow image; see to_pil_image."""

    def __init__(self, mode: str | None = None) -> None:
        self.mode = mode

    def __call__(self, pic: Any) -> Any:
        return F.to_pil_image(pic, self.mode)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({'' if self.mode is None else f'mode={self.mode}'})"


class Lambda:
    """Any function of the image."""

    def __init__(self, lambd: Callable[[Any], Any]) -> None:
        if not callable(lambd):
            raise TypeError(f"Argument lambd should be callable, got {type(lambd).__name__!r}")
        self.lambd = lambd

    def __call__(self, img: Any) -> Any:
        return self.lambd(img)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class ConvertImageDtype(Transform):
    """The same brightness in another dtype."""

    def __init__(self, dtype: Any) -> None:
        super().__init__()
        self.dtype = dtype

    def forward(self, image: Any) -> Any:
        return F.convert_image_dtype(image, self.dtype)

    def __repr__(self) -> str:
        return "ConvertImageDtype()"


class Normalize(Transform):
    """(x - mean) / std, channel by channel: a float tensor (..., C, H, W) -> same shape.

    Raises TypeError for another dtype or kind, ValueError for fewer than 3 dims or a std of 0.
    """

    shown = ("mean", "std")

    def __init__(self, mean: Any, std: Any, inplace: bool = False) -> None:
        super().__init__()
        self.mean, self.std, self.inplace = mean, std, inplace

    def forward(self, tensor: Any) -> Any:
        return F.normalize(tensor, self.mean, self.std, self.inplace)


class Resize(Transform):
    """size: (height, width), or one number for the shorter side, of which the longer follows, up to max_size."""

    def __init__(
        self,
        size: Any,
        interpolation: Any = InterpolationMode.BILINEAR,
        max_size: int | None = None,
        antialias: bool | None = True,
    ) -> None:
        super().__init__()
        if not isinstance(size, (int, Sequence)):
            raise TypeError(f"Size should be int or sequence. Got {type(size)}")
        if isinstance(size, Sequence) and len(size) not in (1, 2):
            raise ValueError("If size is a sequence, it should have 1 or 2 values")
        self.size, self.max_size, self.antialias = size, max_size, antialias
        self.interpolation = F.mode_of(interpolation)

    def forward(self, img: Any) -> Any:
        return F.resize(img, self.size, self.interpolation, self.max_size, self.antialias)

    def __repr__(self) -> str:
        return (
            f"Resize(size={self.size}, interpolation={self.interpolation.value}, max_size={self.max_size}, "
            f"antialias={self.antialias})"
        )


class CenterCrop(Transform):
    """The middle of the image, padded with 0 where it is smaller."""

    shown: tuple[str, ...] = ("size",)

    def __init__(self, size: Any) -> None:
        super().__init__()
        self.size = F.two(size)

    def forward(self, img: Any) -> Any:
        return F.center_crop(img, self.size)


class FiveCrop(CenterCrop):
    """A tuple: the four corners, top left, top right, bottom left, bottom right, and the middle."""

    def forward(self, img: Any) -> Any:
        return F.five_crop(img, self.size)


class TenCrop(CenterCrop):
    """FiveCrop of the image and of its mirror image."""

    shown = ("size", "vertical_flip")

    def __init__(self, size: Any, vertical_flip: bool = False) -> None:
        super().__init__(size)
        self.vertical_flip = vertical_flip

    def forward(self, img: Any) -> Any:
        return F.ten_crop(img, self.size, self.vertical_flip)


class Pad(Transform):
    """padding: for all sides, (left and right, top and bottom), or (left, top, right, bottom)."""

    shown = ("padding", "fill", "padding_mode")

    def __init__(self, padding: Any, fill: Any = 0, padding_mode: str = "constant") -> None:
        super().__init__()
        if not isinstance(padding, (int, float, tuple, list)):
            raise TypeError("Got inappropriate padding arg")
        if not isinstance(fill, (int, float, tuple, list)):
            raise TypeError("Got inappropriate fill arg")
        if padding_mode not in ("constant", "edge", "reflect", "symmetric"):
            raise ValueError("Padding mode should be either constant, edge, reflect or symmetric")
        if isinstance(padding, Sequence) and len(padding) not in (1, 2, 4):
            raise ValueError(
                f"Padding must be an int or a 1, 2, or 4 element tuple, not a {len(padding)} element tuple"
            )
        self.padding, self.fill, self.padding_mode = padding, fill, padding_mode

    def forward(self, img: Any) -> Any:
        return F.pad(img, self.padding, self.fill, self.padding_mode)


class Grayscale(Transform):
    """Brightness alone, in one channel or three."""

    shown = ("num_output_channels",)

    def __init__(self, num_output_channels: int = 1) -> None:
        super().__init__()
        self.num_output_channels = num_output_channels

    def forward(self, img: Any) -> Any:
        return F.rgb_to_grayscale(img, self.num_output_channels)


class LinearTransformation(Transform):
    """(x - mean_vector) @ transformation_matrix of all numbers of an image, for example to whiten it."""

    def __init__(self, transformation_matrix: Tensor, mean_vector: Tensor) -> None:
        super().__init__()
        rows, columns = transformation_matrix.shape
        if rows != columns:
            raise ValueError(f"transformation_matrix should be square. Got {(rows, columns)} rectangular matrix.")
        if len(mean_vector) != rows:
            raise ValueError(
                f"mean_vector should have the same length {len(mean_vector)} as any one of the dimensions of the "
                f"transformation_matrix [{(rows, columns)}]"
            )
        if transformation_matrix.dtype is not mean_vector.dtype:
            raise ValueError(
                f"Input tensors should have the same dtype. Got {transformation_matrix.dtype} and {mean_vector.dtype}"
            )
        self.transformation_matrix, self.mean_vector = transformation_matrix, mean_vector

    def forward(self, tensor: Tensor) -> Tensor:
        shape, n = tensor.shape, len(self.mean_vector)
        if shape[-3] * shape[-2] * shape[-1] != n:
            raise ValueError(
                "Input tensor and transformation matrix have incompatible shape."
                f"[{shape[-3]} x {shape[-2]} x {shape[-1]}] != {n}"
            )
        flat = tensor.reshape(-1, n) - self.mean_vector
        return (flat @ self.transformation_matrix.to(flat.dtype)).view(shape)

    def __repr__(self) -> str:
        return (
            f"LinearTransformation(transformation_matrix={self.transformation_matrix.tolist()}, "
            f"mean_vector={self.mean_vector.tolist()})"
        )


# --- made of others ---


class RandomTransforms:
    """What RandomOrder and RandomChoice have in common."""

    def __init__(self, transforms: Sequence[Callable[[Any], Any]]) -> None:
        if not isinstance(transforms, Sequence):
            raise TypeError("Argument transforms should be a sequence")
        self.transforms = transforms

    def __repr__(self) -> str:
        return f"{type(self).__name__}(" + "".join(f"\n    {t}" for t in self.transforms) + "\n)"


class RandomOrder(RandomTransforms):
    """All of them, in an order that Python's `random` shuffles."""

    def __call__(self, img: Any) -> Any:
        order = list(range(len(self.transforms)))
        random.shuffle(order)
        for i in order:
            img = self.transforms[i](img)
        return img


class RandomChoice(RandomTransforms):
    """One of them, which Python's `random` chooses; p: their weights."""

    def __init__(self, transforms: Sequence[Callable[[Any], Any]], p: Sequence[float] | None = None) -> None:
        super().__init__(transforms)
        if p is not None and not isinstance(p, Sequence):
            raise TypeError("Argument p should be a sequence")
        self.p = p

    def __call__(self, *args: Any) -> Any:
        return random.choices(self.transforms, weights=self.p)[0](*args)

    def __repr__(self) -> str:
        return f"{super().__repr__()}(p={self.p})"


class RandomApply(Transform):
    """All of them, with probability p."""

    def __init__(self, transforms: Any, p: float = 0.5) -> None:
        super().__init__()
        self.transforms, self.p = transforms, p

    def forward(self, img: Any) -> Any:
        if np.float32(self.p) < np.float32(drawn()):
            return img
        for transform in self.transforms:
            img = transform(img)
        return img

    def __repr__(self) -> str:
        return f"RandomApply(\n    p={self.p}" + "".join(f"\n    {t}" for t in self.transforms) + "\n)"


# --- of the second version ---


class ToImage:
    """A Pillow image or an array as a tensor (C, H, W) with its own numbers."""

    def __call__(self, image: Any) -> Any:
        if isinstance(image, Tensor):
            return image
        return F.pil_to_tensor(image) if F.is_picture(image) else F._as_tensor(image)

    def __repr__(self) -> str:
        return "ToImage()"


class ToDtype(Transform):
    """Another dtype; with `scale`, brightness stays."""

    shown = ("dtype", "scale")

    def __init__(self, dtype: Any, scale: bool = False) -> None:
        super().__init__()
        if not isinstance(dtype, dtypes.dtype):
            raise NotImplementedError("ToDtype: one dtype for all, not one for each kind of input")
        self.dtype, self.scale = dtype, scale

    def forward(self, image: Any) -> Any:
        if not isinstance(image, Tensor):
            return image
        return F.convert_image_dtype(image, self.dtype) if self.scale else image.to(self.dtype)

"""The transforms as functions, under torchvision's names: of tensors, of Pillow's images, and of NumPy's arrays.

A tensor is (..., C, H, W), an array (H, W) or (H, W, C); an array is treated as the tensor that it would be.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ...core import dtypes
from ...core.tensor import Tensor
from ...ops.create import from_numpy
from ..pillow import is_picture
from . import pictures, tensors

__all__ = [
    "InterpolationMode", "adjust_brightness", "adjust_contrast", "adjust_gamma", "adjust_hue", "adjust_saturation",
    "adjust_sharpness", "affine", "autocontrast", "center_crop", "convert_image_dtype", "crop", "elastic_transform",
    "equalize", "erase", "five_crop", "gaussian_blur", "get_dimensions", "get_image_num_channels", "get_image_size",
    "hflip", "invert", "normalize", "pad", "perspective", "pil_to_tensor", "posterize", "resize", "resized_crop",
    "rgb_to_grayscale", "rotate", "solarize", "ten_crop", "to_grayscale", "to_pil_image", "to_tensor", "vflip",
]  # fmt: skip


class InterpolationMode(enum.Enum):
    """How a pixel comes from its neighbours. box, hamming and lanczos are Pillow's alone."""

    NEAREST = "nearest"
    NEAREST_EXACT = "nearest-exact"
    BILINEAR = "bilinear"
    BICUBIC = "bicubic"
    BOX = "box"
    HAMMING = "hamming"
    LANCZOS = "lanczos"


BY_NUMBER = {number: InterpolationMode(name) for name, number in pictures.RESAMPLING.items()}


def mode_of(interpolation: Any) -> InterpolationMode:
    """The mode meant: one of them, or Pillow's number for one."""
    if isinstance(interpolation, int) and interpolation in BY_NUMBER:
        return BY_NUMBER[interpolation]
    if not isinstance(interpolation, InterpolationMode):
        raise TypeError(
            "Argument interpolation should be a InterpolationMode or a corresponding Pillow integer constant"
        )
    return interpolation


# --- between the kinds ---


def _as_tensor(array: np.ndarray) -> Tensor:
    """(H, W) or (H, W, C) -> (C, H, W)."""
    if array.ndim not in (2, 3):
        raise ValueError(f"pic should be 2/3 dimensional. Got {array.ndim} dimensions.")
    return from_numpy(np.ascontiguousarray(array[None] if array.ndim == 2 else array.transpose(2, 0, 1)))


def _applied(name: str, image: Any, *args: Any) -> Any:
    """The function of that name, for the kind of image given."""
    if isinstance(image, Tensor):
        return getattr(tensors, name)(image, *args)
    if is_picture(image):
        return getattr(pictures, name)(image, *args)
    if isinstance(image, np.ndarray):
        made = getattr(tensors, name)(_as_tensor(image), *args)
        if not isinstance(made, Tensor):
            return made
        return made.numpy()[0] if image.ndim == 2 else made.numpy().transpose(1, 2, 0)
    raise TypeError(f"img should be PIL Image or Tensor. Got {type(image)}")


PICTURE_DTYPES = {"I": np.int32, "I;16": np.int16, "F": np.float32}


def to_tensor(pic: Any) -> Tensor:
    """A Pillow image, or an array (H, W) or (H, W, C) -> (C, H, W); bytes 0 to 255 become floats 0 to 1."""
    if is_picture(pic):
        bilevel = pic.mode == "1"
        pic = pictures.array_of(pic, {**dict.fromkeys(("1", "L", "RGB", "P"), np.uint8), **PICTURE_DTYPES})
        pic = pic * np.uint8(255) if bilevel else pic
    elif not isinstance(pic, np.ndarray):
        raise TypeError(f"pic should be PIL Image or ndarray. Got {type(pic)}")
    if pic.ndim not in (2, 3):
        raise ValueError(f"pic should be 2/3 dimensional. Got {pic.ndim} dimensions.")
    pic = pic[None] if pic.ndim == 2 else pic.transpose(2, 0, 1)
    if pic.dtype == np.uint8:
        return from_numpy(np.divide(pic, 255, dtype=dtypes.get_default_dtype().array_dtype, order="C"))
    return from_numpy(np.array(pic, order="C"))


def pil_to_tensor(pic: Any) -> Tensor:
    """A Pillow image -> (C, H, W) with its own numbers."""
    if not is_picture(pic):
        raise TypeError(f"pic should be PIL Image. Got {type(pic)}")
    return from_numpy(pictures.array_of(pic, {})).permute(2, 0, 1)


def to_pil_image(pic: Any, mode: str | None = None) -> Any:
    """A tensor (C, H, W) or (H, W), or an array (H, W, C) or (H, W), as a Pillow image; floats from 0 to 1."""
    if isinstance(pic, Tensor):
        pic = (pic.permute(1, 2, 0) if pic.dim() == 3 else pic).numpy(force=True)
    elif not isinstance(pic, np.ndarray):
        raise TypeError(f"pic should be Tensor or ndarray. Got {type(pic)}.")
    return pictures.of_array(pic, mode)


def convert_image_dtype(image: Tensor, dtype: Any = dtypes.float32) -> Tensor:
    """The same brightness in another dtype: 255 of bytes is 1.0 of floats."""
    if not isinstance(image, Tensor):
        raise TypeError("Input img should be Tensor Image")
    return tensors.convert_dtype(image, dtype)


def normalize(tensor: Tensor, mean: Any, std: Any, inplace: bool = False) -> Tensor:
    """(x - mean) / std, channel by channel. TypeError unless it is a tensor of floats."""
    if not isinstance(tensor, Tensor):
        raise TypeError(f"img should be Tensor Image. Got {type(tensor)}: put ToTensor() before Normalize")
    return tensors.normalize(tensor, mean, std, inplace)


# --- sizes ---


def get_dimensions(img: Any) -> list[int]:
    """[channels, height, width]."""
    return _applied("dimensions", img)


def get_image_size(img: Any) -> list[int]:
    """[width, height]."""
    return get_dimensions(img)[:0:-1]


def get_image_num_channels(img: Any) -> int:
    return get_dimensions(img)[0]


def two(size: Any) -> tuple[int, int]:
    """(height, width) from a number or a sequence of one or two."""
    if isinstance(size, (int, float)):
        return int(size), int(size)
    if len(size) not in (1, 2):
        raise ValueError("Please provide only two dimensions (h, w) for size.")
    return size[0], size[-1]


def _resized(height: int, width: int, size: Any, max_size: int | None) -> list[int]:
    if not isinstance(size, int) and len(size) == 2:
        if max_size is not None:
            raise ValueError(
                "max_size should only be passed if size specifies the length of the smaller edge, "
                "i.e. size should be an int or a sequence of length 1 in torchscript mode."
            )
        return list(size)
    wanted = size if isinstance(size, int) else size[0]
    short, long = sorted((height, width))
    new_short, new_long = wanted, int(wanted * long / short)
    if max_size is not None:
        if max_size <= wanted:
            raise ValueError(
                f"max_size = {max_size} must be strictly greater than the requested "
                f"size for the smaller edge size = {size}"
            )
        if new_long > max_size:
            new_short, new_long = int(max_size * new_short / new_long), max_size
    return [new_long, new_short] if width <= height else [new_short, new_long]


def resize(
    img: Any,
    size: Any,
    interpolation: Any = InterpolationMode.BILINEAR,
    max_size: int | None = None,
    antialias: bool | None = True,
) -> Any:
    """size: (height, width), or one number for the shorter side, of which the longer follows, up to max_size."""
    mode = mode_of(interpolation)
    if not isinstance(size, int) and len(size) not in (1, 2):
        raise ValueError(f"Size must be an int or a 1 or 2 element tuple/list, not a {len(size)} element tuple/list")
    _, height, width = get_dimensions(img)
    wanted = _resized(height, width, size, max_size)
    return img if wanted == [height, width] else _applied("resize", img, wanted, mode.value, antialias)


# --- cutting ---


def pad(img: Any, padding: Any, fill: Any = 0, padding_mode: str = "constant") -> Any:
    """padding: for all sides, (left and right, top and bottom), or (left, top, right, bottom)."""
    if not isinstance(padding, (int, tuple, list)):
        raise TypeError("Got inappropriate padding arg")
    if padding_mode not in ("constant", "edge", "reflect", "symmetric"):
        raise ValueError("Padding mode should be either constant, edge, reflect or symmetric")
    return _applied("pad", img, padding, fill, padding_mode)


def crop(img: Any, top: int, left: int, height: int, width: int) -> Any:
    """A window; what lies outside of the image is 0."""
    return _applied("crop", img, top, left, height, width)


def center_crop(img: Any, output_size: Any) -> Any:
    """The middle of the image, padded with 0 where it is smaller."""
    h, w = two(output_size)
    _, height, width = get_dimensions(img)
    if w > width or h > height:
        lacks = [max(w - width, 0), max(h - height, 0)]
        img = pad(img, [n // 2 for n in lacks] + [(n + 1) // 2 for n in lacks])
        height, width = max(h, height), max(w, width)
        if (h, w) == (height, width):
            return img
    return crop(img, round((height - h) / 2.0), round((width - w) / 2.0), h, w)


def resized_crop(
    img: Any, top: int, left: int, height: int, width: int, size: Any,
    interpolation: Any = InterpolationMode.BILINEAR, antialias: bool | None = True,
) -> Any:  # fmt: skip
    """A window of the image at another size."""
    return resize(crop(img, top, left, height, width), size, interpolation, antialias=antialias)


def five_crop(img: Any, size: Any) -> tuple[Any, ...]:
    """The four corners, top left, top right, bottom left, bottom right, and the middle."""
    h, w = two(size)
    _, height, width = get_dimensions(img)
    if w > width or h > height:
        raise ValueError(f"Requested crop size {size} is bigger than input size {(height, width)}")
    corners = [crop(img, top, left, h, w) for top in (0, height - h) for left in (0, width - w)]
    return *corners, center_crop(img, [h, w])


def ten_crop(img: Any, size: Any, vertical_flip: bool = False) -> tuple[Any, ...]:
    """five_crop of the image and of its mirror image."""
    return five_crop(img, size) + five_crop(vflip(img) if vertical_flip else hflip(img), size)


def hflip(img: Any) -> Any:
    """Left and right exchanged."""
    return _applied("hflip", img)


def vflip(img: Any) -> Any:
    """Top and bottom exchanged."""
    return _applied("vflip", img)


def erase(img: Tensor, i: int, j: int, h: int, w: int, v: Tensor, inplace: bool = False) -> Tensor:
    """The window at (i, j) of h by w becomes v."""
    if not isinstance(img, Tensor):
        raise TypeError(f"img should be Tensor Image. Got {type(img)}")
    return tensors.erase(img, i, j, h, w, v, inplace)


# --- turning ---


def inverse_affine(center: Any, angle: float, translate: Any, scale: float, shear: Any) -> list[float]:
    """Two rows of the map from the new image's points to the old one's, in degrees.

    The inverse of: move by `translate`, then, about `center`, turn, scale, and shear first along y, then x.
    """
    turn, sx, sy = math.radians(angle), math.radians(shear[0]), math.radians(shear[1])
    (cx, cy), (tx, ty) = center, translate
    a = math.cos(turn - sy) / math.cos(sy)
    b = -math.cos(turn - sy) * math.tan(sx) / math.cos(sy) - math.sin(turn)
    c = math.sin(turn - sy) / math.cos(sy)
    d = -math.sin(turn - sy) * math.tan(sx) / math.cos(sy) + math.cos(turn)
    rows = [[d / scale, -b / scale], [-c / scale, a / scale]]  # the determinant of shear and turn is 1
    made = []
    for (p, q), middle in zip(rows, (cx, cy), strict=True):
        made += [p, q, 0.0 + (p * (-cx - tx) + q * (-cy - ty)) + middle]
    return made


def _about_middle(center: Any, img: Any) -> list[float]:
    _, height, width = get_dimensions(img)
    return [0.0, 0.0] if center is None else [c - n * 0.5 for c, n in zip(center, (width, height), strict=True)]


def rotate(
    img: Any, angle: float, interpolation: Any = InterpolationMode.NEAREST, expand: bool = False, center: Any = None,
    fill: Any = None,
) -> Any:  # fmt: skip
    """Turned against the clock by degrees, about the middle or `center` (x, y). expand: all of it stays in sight."""
    mode = mode_of(interpolation).value
    if not isinstance(angle, (int, float)):
        raise TypeError("Argument angle should be int or float")
    if center is not None and not isinstance(center, (list, tuple)):
        raise TypeError("Argument center should be a sequence")
    if is_picture(img):
        return pictures.rotate(img, angle, mode, expand, center, fill)
    matrix = inverse_affine(_about_middle(center, img), -angle, (0.0, 0.0), 1.0, (0.0, 0.0))
    return _applied("rotate", img, matrix, mode, expand, fill)


def affine(
    img: Any, angle: float, translate: Any, scale: float, shear: Any,
    interpolation: Any = InterpolationMode.NEAREST, fill: Any = None, center: Any = None,
) -> Any:  # fmt: skip
    """Turned with the clock by `angle` degrees, scaled, sheared by degrees (x, y) and moved by pixels (x, y)."""
    mode = mode_of(interpolation).value
    if not isinstance(angle, (int, float)):
        raise TypeError("Argument angle should be int or float")
    if not isinstance(translate, (list, tuple)):
        raise TypeError("Argument translate should be a sequence")
    if len(translate) != 2:
        raise ValueError("Argument translate should be a sequence of length 2")
    if scale <= 0.0:
        raise ValueError("Argument scale should be positive")
    shear = [shear, 0.0] if isinstance(shear, (int, float)) else [shear[0], shear[-1]]
    if is_picture(img):
        middle = center or [img.width * 0.5, img.height * 0.5]
        return pictures.affine(img, inverse_affine(middle, angle, translate, scale, shear), mode, fill)
    matrix = inverse_affine(_about_middle(center, img), angle, translate, scale, shear)
    return _applied("affine", img, matrix, mode, fill)


def perspective(
    img: Any, startpoints: Any, endpoints: Any, interpolation: Any = InterpolationMode.BILINEAR, fill: Any = None
) -> Any:
    """The image seen so that its four startpoints (x, y) come to lie at the endpoints."""
    if len(startpoints) != 4 or len(endpoints) != 4:
        raise ValueError(
            f"Please provide exactly four corners, got {len(startpoints)} startpoints and {len(endpoints)} endpoints."
        )
    rows = []
    for (x, y), (u, v) in zip(endpoints, startpoints, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
    solved = np.linalg.solve(np.array(rows, np.float64), np.array(startpoints, np.float64).reshape(8))
    coefficients = solved.astype(np.float32).tolist()
    return _applied("perspective", img, coefficients, mode_of(interpolation).value, fill)


def _through_tensor(img: Any, compute: Callable[[Tensor], Tensor]) -> Any:
    return to_pil_image(compute(pil_to_tensor(img)), img.mode) if is_picture(img) else compute(img)


def elastic_transform(
    img: Any, displacement: Tensor, interpolation: Any = InterpolationMode.BILINEAR, fill: Any = None
) -> Any:
    """Each pixel from its place plus displacement (1, H, W, 2), in halves of the image."""
    if not isinstance(displacement, Tensor):
        raise TypeError("Argument displacement should be a Tensor")
    _, height, width = get_dimensions(img)
    if tuple(displacement.shape) != (1, height, width, 2):
        raise ValueError(
            f"Argument displacement shape should be {(1, height, width, 2)}, but given {displacement.shape}"
        )
    mode = mode_of(interpolation).value
    return _through_tensor(img, lambda x: tensors.elastic(x, displacement, mode, fill))


# --- blurring and colours ---


def gaussian_blur(img: Any, kernel_size: Any, sigma: Any = None) -> Any:
    """Blurred by a bell of kernel_size pixels (x, y), whose width is sigma (by default 0.15 of the size + 0.35)."""
    size = [kernel_size] * 2 if isinstance(kernel_size, int) else list(kernel_size)
    if len(size) != 2:
        raise ValueError(f"If kernel_size is a sequence its length should be 2. Got {len(size)}")
    if any(n % 2 == 0 or n < 0 for n in size):
        raise ValueError(f"kernel_size should have odd and positive integers. Got {size}")
    if sigma is None:
        sigma = [n * 0.15 + 0.35 for n in size]
    widths = [float(sigma)] * 2 if isinstance(sigma, (int, float)) else [float(sigma[0]), float(sigma[-1])]
    if any(s <= 0.0 for s in widths):
        raise ValueError(f"sigma should have positive values. Got {widths}")
    return _through_tensor(img, lambda x: tensors.gaussian_blur(x, size, widths))


def adjust_brightness(img: Any, brightness_factor: float) -> Any:
    """0 is black, 1 the image."""
    return _applied("adjust_brightness", img, brightness_factor)


def adjust_contrast(img: Any, contrast_factor: float) -> Any:
    """0 is grey, 1 the image."""
    return _applied("adjust_contrast", img, contrast_factor)


def adjust_saturation(img: Any, saturation_factor: float) -> Any:
    """0 is black and white, 1 the image."""
    return _applied("adjust_saturation", img, saturation_factor)


def adjust_hue(img: Any, hue_factor: float) -> Any:
    """Hues turned by hue_factor, from -0.5 to 0.5 of a full turn."""
    if not -0.5 <= hue_factor <= 0.5:
        raise ValueError(f"hue_factor ({hue_factor}) is not in [-0.5, 0.5].")
    return _applied("adjust_hue", img, hue_factor)


def adjust_gamma(img: Any, gamma: float, gain: float = 1) -> Any:
    """gain * brightness ** gamma."""
    return _applied("adjust_gamma", img, gamma, gain)


def adjust_sharpness(img: Any, sharpness_factor: float) -> Any:
    """0 is blurred, 1 the image."""
    return _applied("adjust_sharpness", img, sharpness_factor)


def rgb_to_grayscale(img: Any, num_output_channels: int = 1) -> Any:
    """Its brightness, in one channel or three."""
    return _applied("grayscale", img, num_output_channels)


def to_grayscale(img: Any, num_output_channels: int = 1) -> Any:
    """rgb_to_grayscale of a Pillow image."""
    if not is_picture(img):
        raise TypeError("Input should be PIL Image")
    return rgb_to_grayscale(img, num_output_channels)


def invert(img: Any) -> Any:
    """Bright is dark."""
    return _applied("invert", img)


def posterize(img: Any, bits: int) -> Any:
    """The uppermost bits of every byte."""
    if not 0 <= bits <= 8:
        raise ValueError(f"The number if bits should be between 0 and 8. Got {bits}")
    return _applied("posterize", img, bits)


def solarize(img: Any, threshold: float) -> Any:
    """What is as bright as threshold or brighter is inverted."""
    return _applied("solarize", img, threshold)


def autocontrast(img: Any) -> Any:
    """Each channel spread from black to full brightness."""
    return _applied("autocontrast", img)


def equalize(img: Any) -> Any:
    """Each channel's levels of brightness about equally frequent."""
    return _applied("equalize", img)

"""What the transforms do to an image of Pillow's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..pillow import pillow

Picture = Any
RESAMPLING = {"nearest": 0, "lanczos": 1, "bilinear": 2, "bicubic": 3, "box": 4, "hamming": 5}  # Pillow's numbers


def _resampling(mode: str) -> int:
    if mode not in RESAMPLING:
        raise ValueError(f"Interpolation mode '{mode}' is unsupported with PIL Image input")
    return RESAMPLING[mode]


def dimensions(image: Picture) -> list[int]:
    return [len(image.getbands()), image.height, image.width]


def hflip(image: Picture) -> Picture:
    return image.transpose(pillow().Transpose.FLIP_LEFT_RIGHT)


def vflip(image: Picture) -> Picture:
    return image.transpose(pillow().Transpose.FLIP_TOP_BOTTOM)


def crop(image: Picture, top: int, left: int, height: int, width: int) -> Picture:
    return image.crop((left, top, left + width, top + height))


def colour(image: Picture, fill: Any) -> Any:
    """The colour that `fill` means for this image: a number, or one for each band."""
    bands = len(image.getbands())
    fill = 0 if fill is None else fill
    values = [fill] * bands if isinstance(fill, (int, float)) else list(fill) * (bands if len(fill) == 1 else 1)
    if len(values) != bands:
        raise ValueError(
            "The number of elements in 'fill' does not match the number of channels of the image "
            f"({len(values)} != {bands})"
        )
    made = [float(v) if image.mode == "F" else int(v) for v in values]
    return made[0] if isinstance(fill, (int, float)) and bands == 1 else tuple(made)


def pad(image: Picture, padding: Any, fill: Any = 0, padding_mode: str = "constant") -> Picture:
    if not isinstance(padding, int):
        if len(padding) not in (1, 2, 4):
            raise ValueError(
                f"Padding must be an int or a 1, 2, or 4 element tuple, not a {len(padding)} element tuple"
            )
        padding = padding[0] if len(padding) == 1 else tuple(padding)
    if padding_mode == "constant":
        value = colour(image, fill)
        if image.mode != "P":
            return pillow("ImageOps").expand(image, border=padding, fill=value)
        made = pillow("ImageOps").expand(image, border=padding, fill=value)
        made.putpalette(image.getpalette())
        return made
    left, top, right, bottom = (padding,) * 4 if isinstance(padding, int) else tuple(padding) * (4 // len(padding))
    cut = image.crop((max(-left, 0), max(-top, 0), image.width - max(-right, 0), image.height - max(-bottom, 0)))
    array = np.asarray(cut)
    edges = [(max(top, 0), max(bottom, 0)), (max(left, 0), max(right, 0)), (0, 0)]
    made = pillow().fromarray(np.pad(array, edges[: array.ndim], padding_mode))  # type: ignore[call-overload]
    if image.mode == "P":
        made.putpalette(image.getpalette())
    return made


def resize(image: Picture, size: list[int], interpolation: str, antialias: bool | None) -> Picture:
    return image.resize((size[1], size[0]), _resampling(interpolation))


def affine(image: Picture, matrix: list[float], mode: str, fill: Any) -> Picture:
    transform = pillow().Transform.AFFINE
    return image.transform(image.size, transform, matrix, _resampling(mode), fillcolor=colour(image, fill))


def rotate(image: Picture, angle: float, mode: str, expand: bool, center: Any, fill: Any) -> Picture:
    return image.rotate(angle, _resampling(mode), expand, center, fillcolor=colour(image, fill))


def perspective(image: Picture, coefficients: list[float], mode: str, fill: Any) -> Picture:
    transform = pillow().Transform.PERSPECTIVE
    return image.transform(image.size, transform, coefficients, _resampling(mode), fillcolor=colour(image, fill))


def _enhanced(kind: str, image: Picture, factor: float) -> Picture:
    return getattr(pillow("ImageEnhance"), kind)(image).enhance(factor)


def adjust_brightness(image: Picture, factor: float) -> Picture:
    return _enhanced("Brightness", image, factor)


def adjust_contrast(image: Picture, factor: float) -> Picture:
    return _enhanced("Contrast", image, factor)


def adjust_saturation(image: Picture, factor: float) -> Picture:
    return _enhanced("Color", image, factor)


def adjust_sharpness(image: Picture, factor: float) -> Picture:
    return _enhanced("Sharpness", image, factor)


def adjust_hue(image: Picture, factor: float) -> Picture:
    if image.mode in ("L", "1", "I", "F"):
        return image
    h, s, v = image.convert("HSV").split()
    turned = np.array(h, np.uint8) + np.int32(factor * 255).astype(np.uint8)  # 256 degrees are a full turn
    return pillow().merge("HSV", (pillow().fromarray(turned), s, v)).convert(image.mode)


def adjust_gamma(image: Picture, gamma: float, gain: float) -> Picture:
    if gamma < 0:
        raise ValueError("Gamma should be a non-negative real number")
    table = [int((256 - 1e-3) * gain * (value / 255.0) ** gamma) for value in range(256)] * 3
    return image.convert("RGB").point(table).convert(image.mode)


def grayscale(image: Picture, count: int) -> Picture:
    if count not in (1, 3):
        raise ValueError("num_output_channels should be either 1 or 3")
    grey = image.convert("L")
    return grey if count == 1 else pillow().merge("RGB", (grey, grey, grey))


def invert(image: Picture) -> Picture:
    return pillow("ImageOps").invert(image)


def posterize(image: Picture, bits: int) -> Picture:
    return pillow("ImageOps").posterize(image, bits)


def solarize(image: Picture, threshold: float) -> Picture:
    return pillow("ImageOps").solarize(image, threshold)


def autocontrast(image: Picture) -> Picture:
    return pillow("ImageOps").autocontrast(image)


def equalize(image: Picture) -> Picture:
    return pillow("ImageOps").equalize(image)


def array_of(image: Picture, dtypes: dict[str, Any]) -> np.ndarray:
    """(H, W, C), a copy; dtypes: the dtype of a mode, if not uint8's or Pillow's choice."""
    array = np.array(image, dtypes.get(image.mode))
    return array.reshape(image.height, image.width, len(image.getbands()))


def of_array(array: np.ndarray, mode: str | None) -> Picture:
    """(H, W, C) or (H, W) as an image; floats are taken to reach from 0 to 1 unless the mode is F."""
    if array.ndim == 2:
        array = array[:, :, None]
    if array.ndim != 3:
        raise ValueError(f"pic should be 2/3 dimensional. Got {array.ndim} dimensions.")
    bands = array.shape[2]
    if bands > 4:
        raise ValueError(f"pic should not have > 4 channels. Got {bands} channels.")
    if array.dtype.kind == "f" and mode != "F":
        array = (array * 255).astype(np.uint8)
    if bands == 1:
        array = array[:, :, 0]
        expected = {"u1": "L", "i2": "I;16", "i4": "I", "f4": "F"}.get(array.dtype.str[1:])
        if mode is not None and mode != expected:
            raise ValueError(f"Incorrect mode ({mode}) supplied for input type {array.dtype}. Should be {expected}")
        mode = expected
    else:
        permitted: Sequence[str] = {2: ["LA"], 3: ["RGB", "YCbCr", "HSV"], 4: ["RGBA", "CMYK", "RGBX"]}[bands]
        if mode is not None and mode not in permitted:
            raise ValueError(f"Only modes {permitted} are supported for {bands}D inputs")
        if mode is None and array.dtype == np.uint8:
            mode = permitted[0]
    if mode is None:
        raise TypeError(f"Input type {array.dtype} is not supported")
    if mode in ("L", "I", "F", "I;16", "LA", "RGB", "RGBA"):
        return pillow().fromarray(np.ascontiguousarray(array))
    return pillow().frombytes(mode, (array.shape[1], array.shape[0]), np.ascontiguousarray(array).tobytes())

"""What the transforms do to a tensor (..., C, H, W). Colours of floats reach from 0 to 1, of bytes to 255."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...core import dtypes
from ...core.tensor import Tensor, tensor
from ...nn import functional as F
from ...ops.arrange import cat, stack
from ...ops.arrange import pad as pad_dims
from ...ops.choice import where
from ...ops.create import as_tensor, linspace, ones, ones_like, zeros_like

Fill = float | Sequence[float] | None


def dimensions(image: Tensor) -> list[int]:
    if image.dim() < 2:
        raise TypeError("Tensor is not a torch image.")
    return [1 if image.dim() == 2 else image.shape[-3], *image.shape[-2:]]


def channels(image: Tensor, *allowed: int) -> None:
    if dimensions(image)[0] not in allowed:
        raise TypeError(
            f"Input image tensor permitted channel values are {list(allowed)}, but found {dimensions(image)[0]}"
        )


def brightest(dtype: Any) -> int:
    """The number that stands for full brightness."""
    return 1 if dtype.is_floating_point else int(np.iinfo(dtype.array_dtype).max)


def in_floats(image: Tensor, compute: Callable[[Tensor], Tensor], dtype: Any = None) -> Tensor:
    """compute on (N, C, H, W) of floats; integers are rounded afterwards."""
    given = image.dtype
    floats = given in (dtypes.float32, dtypes.float64) if dtype is None else given is dtype
    x = image if image.dim() >= 4 else image.unsqueeze(0)
    y = compute(x if floats else x.to(dtype or dtypes.float32))
    y = y if image.dim() >= 4 else y.squeeze(0)
    if floats:
        return y
    return (y if given.is_floating_point else y.round()).to(given)


def convert_dtype(image: Tensor, dtype: Any) -> Tensor:
    """The same brightness in another dtype. RuntimeError from floats to integers that they cannot hold exactly."""
    if image.dtype is dtype:
        return image
    if image.is_floating_point():
        if dtype.is_floating_point:
            return image.to(dtype)
        if (
            image.dtype is dtypes.float32
            and dtype in (dtypes.int32, dtypes.int64)
            or (image.dtype is dtypes.float64 and dtype is dtypes.int64)
        ):
            raise RuntimeError(f"The cast from {image.dtype} to {dtype} cannot be performed safely.")
        return image.mul(brightest(dtype) + 1.0 - 1e-3).to(dtype)  # as many numbers for each integer
    most = brightest(image.dtype)
    if dtype.is_floating_point:
        return image.to(dtype) / most
    wanted = brightest(dtype)
    if most > wanted:
        return image.div((most + 1) // (wanted + 1), rounding_mode="floor").to(dtype)
    return image.to(dtype) * ((wanted + 1) // (most + 1))


# --- cutting and padding ---


def hflip(image: Tensor) -> Tensor:
    return image.flip(-1)


def vflip(image: Tensor) -> Tensor:
    return image.flip(-2)


def crop(image: Tensor, top: int, left: int, height: int, width: int) -> Tensor:
    h, w = image.shape[-2:]
    right, bottom = left + width, top + height
    inside = image[..., max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)]
    if left >= 0 and top >= 0 and right <= w and bottom <= h:
        return inside
    sides = [max(-left + min(0, right), 0), max(-top + min(0, bottom), 0), max(right - max(w, left), 0),
             max(bottom - max(h, top), 0)]  # fmt: skip
    return pad(inside, sides)


def sides_of(padding: Any) -> list[int]:
    """[left, right, top, bottom] from one, two (sideways, up and down) or four (left, top, right, bottom) numbers."""
    if isinstance(padding, int):
        return [padding] * 4
    if len(padding) not in (1, 2, 4):
        raise ValueError(f"Padding must be an int or a 1, 2, or 4 element tuple, not a {len(padding)} element tuple")
    left, top, right, bottom = list(padding) * (4 // len(padding))
    return [left, right, top, bottom]


def pad(image: Tensor, padding: Any, fill: Any = 0, padding_mode: str = "constant") -> Tensor:
    if not isinstance(fill, (int, float, type(None))):
        raise TypeError("Got inappropriate fill arg")
    left, right, top, bottom = sides = sides_of(padding)
    if padding_mode == "symmetric":
        h, w = image.shape[-2:]
        rows, columns = (
            np.pad(np.arange(max(-a, 0), n - max(-b, 0)), (max(a, 0), max(b, 0)), "symmetric")
            for a, b, n in ((top, bottom, h), (left, right, w))
        )
        return image[..., tensor(rows)[:, None], tensor(columns)[None, :]]
    if padding_mode == "constant":
        return pad_dims(image, sides, value=float(fill or 0))
    mode = {"edge": "replicate", "reflect": "reflect"}[padding_mode]
    return in_floats(image, lambda x: pad_dims(x, sides, mode=mode))


def resize(image: Tensor, size: list[int], interpolation: str, antialias: bool | None) -> Tensor:
    smooth = interpolation in ("bilinear", "bicubic")
    options: dict[str, Any] = {"align_corners": False, "antialias": bool(antialias)} if smooth else {}

    def compute(x: Tensor) -> Tensor:
        y = F.interpolate(x, size=size, mode=interpolation, **options)
        return y.clamp(0, 255) if interpolation == "bicubic" and image.dtype is dtypes.uint8 else y

    return in_floats(image, compute)


def erase(image: Tensor, i: int, j: int, h: int, w: int, v: Tensor, inplace: bool) -> Tensor:
    made = image if inplace else image.clone()
    made[..., i : i + h, j : j + w] = v
    return made


# --- turning ---


def sampled(image: Tensor, grid: Tensor, mode: str, fill: Fill) -> Tensor:
    """The image at the places of grid (1, H', W', 2), where 0 is its middle and 1 its edge; `fill` outside."""
    if mode not in ("nearest", "bilinear"):
        raise ValueError(f"Interpolation mode '{mode}' is unsupported with Tensor input")
    count = dimensions(image)[0]
    if isinstance(fill, (list, tuple)) and len(fill) not in (1, count):
        raise ValueError(
            "The number of elements in 'fill' cannot broadcast to match the number of channels of the image "
            f"({len(fill)} != {count})"
        )

    def compute(x: Tensor) -> Tensor:
        places = grid.expand(x.shape[0], *grid.shape[1:])
        if fill is None:
            return F.grid_sample(x, places, mode=mode, align_corners=False)
        x = cat((x, ones(x.shape[0], 1, *x.shape[-2:], dtype=x.dtype)), 1)
        y = F.grid_sample(x, places, mode=mode, align_corners=False)
        seen, y = y[:, -1:], y[:, :-1]
        colour = tensor(np.asarray(fill, x.dtype.array_dtype).reshape(1, -1, 1, 1)).expand(*y.shape)
        return where(seen < 0.5, colour, y) if mode == "nearest" else y * seen + (1.0 - seen) * colour

    return in_floats(image, compute, grid.dtype)


def _pixels(h: int, w: int, dtype: Any, middle: bool) -> Tensor:
    """(x, y, 1) of every pixel: (1, h w, 3), counted from the image's middle or from its corner."""
    columns, rows = (linspace(-n * 0.5 * middle + 0.5, n * (1 - 0.5 * middle) - 0.5, n) for n in (w, h))
    grid = stack((columns.expand(h, w), rows[:, None].expand(h, w), ones(h, w)), -1)
    return grid.to(dtype).view(1, h * w, 3)


def _float_of(image: Tensor) -> Any:
    return image.dtype if image.is_floating_point() else dtypes.float32


def affine(image: Tensor, matrix: list[float], mode: str, fill: Fill, size: tuple[int, int] | None = None) -> Tensor:
    """matrix: two rows of the inverse map, about the image's middle. size: (width, height) of what is made."""
    h, w = image.shape[-2:]
    out_w, out_h = size or (w, h)
    dtype = _float_of(image)
    theta = tensor(matrix, dtype=dtype).view(1, 2, 3).transpose(1, 2) / tensor([0.5 * w, 0.5 * h], dtype=dtype)
    grid = _pixels(out_h, out_w, dtype, True).bmm(theta)
    return sampled(image, grid.view(1, out_h, out_w, 2), mode, fill)


def expanded(matrix: list[float], w: int, h: int) -> tuple[int, int]:
    """The (width, height) that holds all of the turned image."""
    corners = np.array([[x * w, y * h, 1.0] for x in (-0.5, 0.5) for y in (-0.5, 0.5)], np.float32)
    points = corners @ np.array(matrix, np.float32).reshape(2, 3).T + np.array([w * 0.5, h * 0.5], np.float32)
    tolerance = np.float32(1e-4)
    low, high = (np.trunc(v / tolerance) * tolerance for v in (points.min(0), points.max(0)))
    width, height = np.ceil(high) - np.floor(low)
    return int(width), int(height)


def rotate(image: Tensor, matrix: list[float], mode: str, expand: bool, fill: Fill) -> Tensor:
    h, w = image.shape[-2:]
    return affine(image, matrix, mode, fill, expanded(matrix, w, h) if expand else None)


def perspective(image: Tensor, coefficients: list[float], mode: str, fill: Fill) -> Tensor:
    a, b, c, d, e, f, g, k = coefficients
    h, w = image.shape[-2:]
    dtype = _float_of(image)
    pixels = _pixels(h, w, dtype, False)
    above = tensor([[[a, b, c], [d, e, f]]], dtype=dtype).transpose(1, 2) / tensor([0.5 * w, 0.5 * h], dtype=dtype)
    below = tensor([[[g, k, 1.0], [g, k, 1.0]]], dtype=dtype).transpose(1, 2)
    grid = pixels.bmm(above) / pixels.bmm(below) - 1.0
    return sampled(image, grid.view(1, h, w, 2), mode, fill)


def elastic(image: Tensor, displacement: Tensor, mode: str, fill: Fill) -> Tensor:
    h, w = image.shape[-2:]
    rows, columns = (linspace((1 - n) / n, (n - 1) / n, n) for n in (h, w))
    grid = stack((columns.expand(h, w), rows[:, None].expand(h, w)), -1).unsqueeze(0)
    return sampled(image, grid + displacement, mode, fill)


# --- blurring ---


def _bell(size: int, sigma: float, dtype: Any) -> Tensor:
    half = (size - 1) * 0.5
    p = (-0.5 * (linspace(-half, half, size, dtype=dtype) / sigma).pow(2)).exp()
    return p / p.sum()


def gaussian_blur(image: Tensor, size: Sequence[int], sigma: Sequence[float]) -> Tensor:
    dtype = _float_of(image)
    across, down = (_bell(n, s, dtype) for n, s in zip(size, sigma, strict=True))
    kernel = (down[:, None] @ across[None, :]).expand(image.shape[-3], 1, size[1], size[0])
    edges = [size[0] // 2, size[0] // 2, size[1] // 2, size[1] // 2]
    return in_floats(image, lambda x: F.conv2d(pad_dims(x, edges, mode="reflect"), kernel, groups=x.shape[-3]), dtype)


def _blurred(image: Tensor) -> Tensor:
    """Each pixel with its neighbours; those at the edge stay."""
    dtype = _float_of(image)
    kernel = ones(3, 3, dtype=dtype)
    kernel[1, 1] = 5.0
    kernel = (kernel / kernel.sum()).expand(image.shape[-3], 1, 3, 3)
    made = image.clone()
    made[..., 1:-1, 1:-1] = in_floats(image, lambda x: F.conv2d(x, kernel, groups=x.shape[-3]), dtype)
    return made


# --- colours ---


def _blend(image: Tensor, other: Tensor, ratio: float) -> Tensor:
    ratio = float(ratio)
    return (ratio * image + (1.0 - ratio) * other).clamp(0, brightest(image.dtype)).to(image.dtype)


def _factor(name: str, value: float) -> None:
    if value < 0:
        raise ValueError(f"{name}_factor ({value}) is not non-negative.")


def grayscale(image: Tensor, count: int) -> Tensor:
    if image.dim() < 3:
        raise TypeError(f"Input image tensor should have at least 3 dimensions, but found {image.dim()}")
    channels(image, 1, 3)
    if count not in (1, 3):
        raise ValueError("num_output_channels should be either 1 or 3")
    if image.shape[-3] == 3:
        r, g, b = image.unbind(-3)
        grey = (0.2989 * r + 0.587 * g + 0.114 * b).to(image.dtype).unsqueeze(-3)
    else:
        grey = image.clone()
    return grey.expand(image.shape) if count == 3 else grey


def adjust_brightness(image: Tensor, factor: float) -> Tensor:
    _factor("brightness", factor)
    channels(image, 1, 3)
    return _blend(image, zeros_like(image), factor)


def adjust_contrast(image: Tensor, factor: float) -> Tensor:
    _factor("contrast", factor)
    channels(image, 3, 1)
    grey = grayscale(image, 1) if dimensions(image)[0] == 3 else image
    return _blend(image, grey.to(_float_of(image)).mean((-3, -2, -1), keepdim=True), factor)


def adjust_saturation(image: Tensor, factor: float) -> Tensor:
    _factor("saturation", factor)
    channels(image, 1, 3)
    return image if dimensions(image)[0] == 1 else _blend(image, grayscale(image, 1), factor)


def adjust_hue(image: Tensor, factor: float) -> Tensor:
    channels(image, 1, 3)
    if dimensions(image)[0] == 1:
        return image
    h, s, v = _hue_saturation_value(convert_dtype(image, dtypes.float32))
    return convert_dtype(_red_green_blue((h + factor) % 1.0, s, v), image.dtype)


def _hue_saturation_value(image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Smith 1978, "Color gamut transform pairs"; grey has hue 0 and saturation 0."""
    r, g, b = image.unbind(-3)
    most, least = image.amax(-3), image.amin(-3)
    grey = most == least
    range_ = where(grey, ones_like(most), most - least)
    s = (most - least) / where(grey, ones_like(most), most)
    to_r, to_g, to_b = ((most - x) / range_ for x in (r, g, b))
    h = (
        (most == r) * (to_b - to_g)
        + ((most == g) & (most != r)) * (2.0 + to_r - to_b)
        + ((most != g) & (most != r)) * (4.0 + to_g - to_r)
    )
    return (h / 6.0 + 1.0).fmod(1.0), s, most


def _red_green_blue(h: Tensor, s: Tensor, v: Tensor) -> Tensor:
    sector = (h * 6.0).floor()
    f = h * 6.0 - sector
    p, q, t = ((v * (1.0 - s * k)).clamp(0.0, 1.0) for k in (1.0, f, 1.0 - f))
    at = (sector.to(dtypes.int64) % 6).unsqueeze(0)
    table = ((v, q, p, p, t, v), (t, v, v, q, p, p), (p, p, t, v, v, q))  # by sector, for red, green, blue
    return stack([stack(row).gather(0, at).squeeze(0) for row in table], -3)


def adjust_gamma(image: Tensor, gamma: float, gain: float) -> Tensor:
    channels(image, 1, 3)
    if gamma < 0:
        raise ValueError("Gamma should be a non-negative real number")
    x = image if image.is_floating_point() else convert_dtype(image, dtypes.float32)
    return convert_dtype((gain * x.pow(gamma)).clamp(0, 1), image.dtype)


def adjust_sharpness(image: Tensor, factor: float) -> Tensor:
    _factor("sharpness", factor)
    channels(image, 1, 3)
    return image if min(image.shape[-2:]) <= 2 else _blend(image, _blurred(image), factor)


def invert(image: Tensor) -> Tensor:
    channels(image, 1, 3)
    return brightest(image.dtype) - image


def posterize(image: Tensor, bits: int) -> Tensor:
    if image.dtype is not dtypes.uint8:
        raise TypeError(f"Only torch.uint8 image tensors are supported, but found {image.dtype}")
    channels(image, 1, 3)
    return image & (256 - 2 ** (8 - bits))


def solarize(image: Tensor, threshold: float) -> Tensor:
    channels(image, 1, 3)
    if threshold > brightest(image.dtype):
        raise TypeError("Threshold should be less than bound of img.")
    return where(image >= threshold, invert(image), image)


def autocontrast(image: Tensor) -> Tensor:
    channels(image, 1, 3)
    bound, dtype = brightest(image.dtype), _float_of(image)
    least, most = (getattr(image, end)((-2, -1), keepdim=True).to(dtype) for end in ("amin", "amax"))
    flat = least == most
    scale = where(flat, ones_like(least), bound / (most - least))
    return ((image - where(flat, zeros_like(least), least)) * scale).clamp(0, bound).to(image.dtype)


def equalize(image: Tensor) -> Tensor:
    if image.dim() not in (3, 4):
        raise TypeError(f"Input image tensor should have 3 or 4 dimensions, but found {image.dim()}")
    if image.dtype is not dtypes.uint8:
        raise TypeError(f"Only torch.uint8 image tensors are supported, but found {image.dtype}")
    channels(image, 1, 3)
    planes = image.array.reshape(-1, *image.shape[-2:])
    return as_tensor(np.stack([_equalized(plane) for plane in planes]).reshape(image.shape))


def _equalized(plane: np.ndarray) -> np.ndarray:
    counts = np.bincount(plane.ravel(), minlength=256)
    step = counts[counts != 0][:-1].sum() // 255
    if step == 0:
        return plane
    table = np.concatenate(([0], (np.cumsum(counts) + step // 2) // step))[:-1]
    return table.clip(0, 255).astype(np.uint8)[plane]


def normalize(image: Tensor, mean: Any, std: Any, inplace: bool) -> Tensor:
    if not image.is_floating_point():
        raise TypeError(f"Input tensor should be a float tensor. Got {image.dtype}.")
    if image.dim() < 3:
        raise ValueError(
            f"Expected tensor to be a tensor image of size (..., C, H, W). Got tensor.size() = {image.shape}"
        )
    m, s = (_per_channel(np.asarray(values, float), image.dtype) for values in (mean, std))
    if not s.array.all():
        raise ValueError(f"std evaluated to zero after conversion to {image.dtype}, leading to division by zero.")
    shape = np.broadcast_shapes(image.shape, m.shape, s.shape)
    if shape != tuple(image.shape):
        raise RuntimeError(f"output with shape {list(image.shape)} doesn't match the broadcast shape {list(shape)}")
    return image.sub_(m).div_(s) if inplace else (image - m) / s


def _per_channel(values: np.ndarray, dtype: Any) -> Tensor:
    return as_tensor(values.reshape(-1, 1, 1) if values.ndim == 1 else values, dtype=dtype)

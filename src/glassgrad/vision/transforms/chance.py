"""Transforms that draw their parameters, from the current generator and in torchvision's order."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...core.provenance import warn
from ...core.random import current_generator
from ...core.samplers import integers, permutation
from ...core.tensor import Tensor, tensor
from ...ops.arrange import cat
from ...ops.create import empty
from ...ops.randoms import rand
from . import functional as F
from .functional import InterpolationMode
from .plain import Transform, drawn, happens


def integer(low: int, high: int) -> int:
    """randint(low, high, (1,))."""
    return int(integers(current_generator(), 1, low=low, high=high)[0])


def _range(name: str, x: Any, sizes: tuple[int, ...] = (2,)) -> list[float]:
    """From -x to x for a number, else the numbers given."""
    if isinstance(x, (int, float)):
        if x < 0:
            raise ValueError(f"If {name} is a single number, it must be positive.")
        return [float(-x), float(x)]
    return [float(d) for d in _sequence(name, x, sizes)]


def _sequence(name: str, x: Any, sizes: tuple[int, ...] = (2,)) -> Any:
    text = " or ".join(map(str, sizes))
    if not isinstance(x, Sequence):
        raise TypeError(f"{name} should be a sequence of length {text}.")
    if len(x) not in sizes:
        raise ValueError(f"{name} should be a sequence of length {text}.")
    return x


def _fill(fill: Any) -> Any:
    if fill is not None and not isinstance(fill, (Sequence, int, float)):
        raise TypeError("Fill should be either a sequence or a number.")
    return 0 if fill is None else fill


def _fill_for(img: Any, fill: Any) -> Any:
    """The colour as tensors want it: one float for each channel."""
    if not isinstance(img, (Tensor, np.ndarray)):
        return fill
    return [float(fill)] * F.get_image_num_channels(img) if isinstance(fill, (int, float)) else [float(f) for f in fill]


# --- with probability p, the function of that name ---


class Chance(Transform):
    """One rand(1) is drawn; if it is below p, `function` of functional is applied."""

    shown = ("p",)
    function: str

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        self.p = p

    def forward(self, img: Any) -> Any:
        return self.change(img) if happens(self.p) else img

    def change(self, img: Any) -> Any:
        return getattr(F, self.function)(img)


class RandomHorizontalFlip(Chance):
    """Left and right exchanged with probability p."""

    function = "hflip"


class RandomVerticalFlip(Chance):
    """Top and bottom exchanged with probability p."""

    function = "vflip"


class RandomInvert(Chance):
    """Bright is dark with probability p."""

    function = "invert"


class RandomAutocontrast(Chance):
    """Each channel spread to full brightness with probability p."""

    function = "autocontrast"


class RandomEqualize(Chance):
    """Each channel's levels made about equally frequent with probability p."""

    function = "equalize"


class _WithLevel(Chance):
    """With one number before p, which goes to the function."""

    level: str

    def __init__(self, level: Any, p: float = 0.5) -> None:
        super().__init__(p)
        setattr(self, self.level, level)

    def change(self, img: Any) -> Any:
        return getattr(F, self.function)(img, getattr(self, self.level))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.level}={getattr(self, self.level)},p={self.p})"


class RandomPosterize(_WithLevel):
    """The uppermost bits of every byte, with probability p."""

    function, level = "posterize", "bits"

    def __init__(self, bits: int, p: float = 0.5) -> None:
        super().__init__(bits, p)


class RandomSolarize(_WithLevel):
    """What is as bright as threshold is inverted, with probability p."""

    function, level = "solarize", "threshold"

    def __init__(self, threshold: float, p: float = 0.5) -> None:
        super().__init__(threshold, p)


class RandomAdjustSharpness(_WithLevel):
    """Sharpness changed with probability p."""

    function, level = "adjust_sharpness", "sharpness_factor"

    def __init__(self, sharpness_factor: float, p: float = 0.5) -> None:
        super().__init__(sharpness_factor, p)


class RandomGrayscale(Chance):
    """Without colours with probability p; the number of channels stays."""

    def __init__(self, p: float = 0.1) -> None:
        super().__init__(p)

    def change(self, img: Any) -> Any:
        return F.rgb_to_grayscale(img, F.get_image_num_channels(img))


class RandomPerspective(Chance):
    """Seen askew with probability p: each corner moves inwards by up to distortion_scale of half the image."""

    def __init__(
        self, distortion_scale: float = 0.5, p: float = 0.5, interpolation: Any = InterpolationMode.BILINEAR,
        fill: Any = 0,
    ) -> None:  # fmt: skip
        super().__init__(p)
        self.distortion_scale, self.interpolation, self.fill = distortion_scale, F.mode_of(interpolation), _fill(fill)

    @staticmethod
    def get_params(width: int, height: int, distortion_scale: float) -> tuple[Any, Any]:
        """(startpoints, endpoints), clockwise from the top left."""
        x, y = int(distortion_scale * (width // 2)), int(distortion_scale * (height // 2))
        left, right, top, bottom = (0, x + 1), (width - x - 1, width), (0, y + 1), (height - y - 1, height)
        corners = ((left, top), (right, top), (right, bottom), (left, bottom))
        endpoints = [[integer(*across), integer(*down)] for across, down in corners]
        return [[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]], endpoints

    def change(self, img: Any) -> Any:
        _, height, width = F.get_dimensions(img)
        points = self.get_params(width, height, self.distortion_scale)
        return F.perspective(img, *points, self.interpolation, _fill_for(img, self.fill))


# --- cuts ---


class RandomCrop(Transform):
    """A window of `size` (an int, or height and width) at a random place of the image, after padding.

    Draws the top, then the left, nothing where the window is the whole image. pad_if_needed: a smaller image is padded.
    Raises ValueError where the window is larger than the padded image.
    """

    shown = ("size", "padding")

    def __init__(
        self, size: Any, padding: Any = None, pad_if_needed: bool = False, fill: Any = 0, padding_mode: str = "constant"
    ) -> None:
        super().__init__()
        self.size = F.two(size)
        self.padding, self.pad_if_needed, self.fill, self.padding_mode = padding, pad_if_needed, fill, padding_mode

    @staticmethod
    def get_params(img: Any, output_size: tuple[int, int]) -> tuple[int, int, int, int]:
        """(top, left, height, width)."""
        _, height, width = F.get_dimensions(img)
        h, w = output_size
        if height < h or width < w:
            raise ValueError(f"Required crop size {(h, w)} is larger than input image size {(height, width)}")
        if (height, width) == (h, w):
            return 0, 0, height, width
        return integer(0, height - h + 1), integer(0, width - w + 1), h, w

    def forward(self, img: Any) -> Any:
        if self.padding is not None:
            img = F.pad(img, self.padding, self.fill, self.padding_mode)
        _, height, width = F.get_dimensions(img)
        if self.pad_if_needed:
            for lacks in ([self.size[1] - width, 0], [0, self.size[0] - height]):
                if max(lacks) > 0:
                    img = F.pad(img, lacks, self.fill, self.padding_mode)
        return F.crop(img, *self.get_params(img, self.size))


def _window(height: int, width: int, scale: Any, ratio: Any) -> tuple[float, float]:
    """The height and width, not yet whole numbers, of a window: a part of the area, and a ratio of its sides."""
    area = height * width * drawn(*scale)
    low, high = np.log(np.asarray(ratio, np.float32))
    aspect = float(np.exp(np.float32(drawn(float(low), float(high)))))
    return math.sqrt(area / aspect), math.sqrt(area * aspect)


def _ordered(scale: Any, ratio: Any) -> None:
    if not isinstance(scale, Sequence):
        raise TypeError("Scale should be a sequence")
    if not isinstance(ratio, Sequence):
        raise TypeError("Ratio should be a sequence")
    if scale[0] > scale[1] or ratio[0] > ratio[1]:
        warn("Scale and ratio should be of kind (min, max)")


class RandomResizedCrop(Transform):
    """A window of a random part of the area and a random ratio of its sides, at another size.

    Draws the part and the ratio until the window fits, at most ten times, then its top and left.
    """

    def __init__(
        self, size: Any, scale: Any = (0.08, 1.0), ratio: Any = (3.0 / 4.0, 4.0 / 3.0),
        interpolation: Any = InterpolationMode.BILINEAR, antialias: bool | None = True,
    ) -> None:  # fmt: skip
        super().__init__()
        _ordered(scale, ratio)
        self.size, self.scale, self.ratio, self.antialias = F.two(size), scale, ratio, antialias
        self.interpolation = F.mode_of(interpolation)

    @staticmethod
    def get_params(img: Any, scale: Any, ratio: Any) -> tuple[int, int, int, int]:
        """(top, left, height, width); after ten vain tries the middle, at the nearest ratio."""
        _, height, width = F.get_dimensions(img)
        for _ in range(10):
            h, w = map(round, _window(height, width, scale, ratio))
            if 0 < w <= width and 0 < h <= height:
                return integer(0, height - h + 1), integer(0, width - w + 1), h, w
        h, w = height, width
        if width / height < min(ratio):
            h = round(w / min(ratio))
        elif width / height > max(ratio):
            w = round(h * max(ratio))
        return (height - h) // 2, (width - w) // 2, h, w

    def forward(self, img: Any) -> Any:
        window = self.get_params(img, self.scale, self.ratio)
        return F.resized_crop(img, *window, self.size, self.interpolation, self.antialias)

    def __repr__(self) -> str:
        scale, ratio = (tuple(round(x, 4) for x in pair) for pair in (self.scale, self.ratio))
        return (
            f"RandomResizedCrop(size={self.size}, scale={scale}, ratio={ratio}, "
            f"interpolation={self.interpolation.value}, antialias={self.antialias})"
        )


class RandomErasing(Transform):
    """With probability p a window of a tensor becomes `value`: a number, one for each channel, or "random" normals."""

    shown = ("p", "scale", "ratio", "value", "inplace")

    def __init__(
        self, p: float = 0.5, scale: Any = (0.02, 0.33), ratio: Any = (0.3, 3.3), value: Any = 0, inplace: bool = False
    ) -> None:
        super().__init__()
        if not isinstance(value, (int, float, str, tuple, list)):
            raise TypeError("Argument value should be either a number or str or a sequence")
        if isinstance(value, str) and value != "random":
            raise ValueError("If value is str, it should be 'random'")
        _ordered(scale, ratio)
        if scale[0] < 0 or scale[1] > 1:
            raise ValueError("Scale should be between 0 and 1")
        if not 0 <= p <= 1:
            raise ValueError("Random erasing probability should be between 0 and 1")
        self.p, self.scale, self.ratio, self.value, self.inplace = p, scale, ratio, value, inplace

    @staticmethod
    def get_params(img: Tensor, scale: Any, ratio: Any, value: Any = None) -> tuple[int, int, int, int, Tensor]:
        """(top, left, height, width, what stands there); value None: normals. After ten vain tries the image."""
        channels, height, width = img.shape[-3:]
        for _ in range(10):
            w, h = map(round, _window(height, width, scale, ratio))
            if not (h < height and w < width):
                continue
            v = empty(channels, h, w).normal_() if value is None else tensor(value)[:, None, None]
            return integer(0, height - h + 1), integer(0, width - w + 1), h, w, v
        return 0, 0, height, width, img

    def forward(self, img: Tensor) -> Tensor:
        if not happens(self.p):
            return img
        value = None if isinstance(self.value, str) else np.asarray(self.value, float).reshape(-1).tolist()
        if value is not None and len(value) not in (1, img.shape[-3]):
            raise ValueError(
                "If value is a sequence, it should have either a single value or "
                f"{img.shape[-3]} (number of input channels)"
            )
        return F.erase(img, *self.get_params(img, self.scale, self.ratio, value), self.inplace)


# --- turns ---


class RandomRotation(Transform):
    """Turned by an angle from `degrees`: (low, high), or a number for -degrees to degrees."""

    def __init__(
        self, degrees: Any, interpolation: Any = InterpolationMode.NEAREST, expand: bool = False, center: Any = None,
        fill: Any = 0,
    ) -> None:  # fmt: skip
        super().__init__()
        self.degrees, self.interpolation = _range("degrees", degrees), F.mode_of(interpolation)
        self.center = None if center is None else _sequence("center", center)
        self.expand, self.fill = expand, _fill(fill)

    @staticmethod
    def get_params(degrees: Any) -> float:
        return drawn(*map(float, degrees))

    def forward(self, img: Any) -> Any:
        fill = _fill_for(img, self.fill)
        return F.rotate(img, self.get_params(self.degrees), self.interpolation, self.expand, self.center, fill)

    def __repr__(self) -> str:
        center = "" if self.center is None else f", center={self.center}"
        return (
            f"RandomRotation(degrees={self.degrees}, interpolation={self.interpolation.value}, "
            f"expand={self.expand}{center}, fill={self.fill})"
        )


class RandomAffine(Transform):
    """Turned, moved, scaled and sheared.

    degrees as for RandomRotation; translate: the largest moves as parts of width and height; scale: (low, high);
    shear in degrees: a number, (low, high) along x, or (low, high, low, high) along x and y.
    """

    def __init__(
        self, degrees: Any, translate: Any = None, scale: Any = None, shear: Any = None,
        interpolation: Any = InterpolationMode.NEAREST, fill: Any = 0, center: Any = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.degrees, self.interpolation, self.fill = _range("degrees", degrees), F.mode_of(interpolation), _fill(fill)
        if translate is not None and not all(0.0 <= t <= 1.0 for t in _sequence("translate", translate)):
            raise ValueError("translation values should be between 0 and 1")
        if scale is not None and any(s <= 0 for s in _sequence("scale", scale)):
            raise ValueError("scale values should be positive")
        self.translate, self.scale = translate, scale
        self.shear = None if shear is None else _range("shear", shear, (2, 4))
        self.center = None if center is None else _sequence("center", center)

    @staticmethod
    def get_params(degrees: Any, translate: Any, scale_ranges: Any, shears: Any, img_size: Any) -> tuple[Any, ...]:
        """(angle, moves, scale, shears) for an image of img_size (width, height)."""
        angle = drawn(*map(float, degrees))
        moves = (0, 0)
        if translate is not None:
            across, down = (float(t * n) for t, n in zip(translate, img_size, strict=True))
            moves = round(drawn(-across, across)), round(drawn(-down, down))
        scale = 1.0 if scale_ranges is None else drawn(*scale_ranges)
        shear = [0.0, 0.0]
        for k in range(len(shears or ()) // 2):
            shear[k] = drawn(*shears[2 * k : 2 * k + 2])
        return angle, moves, scale, tuple(shear)

    def forward(self, img: Any) -> Any:
        _, height, width = F.get_dimensions(img)
        params = self.get_params(self.degrees, self.translate, self.scale, self.shear, [width, height])
        angle, moves, scale, shear = params
        fill = _fill_for(img, self.fill)
        return F.affine(img, angle, moves, scale, shear, self.interpolation, fill, self.center)

    def __repr__(self) -> str:
        rest = {"translate": self.translate, "scale": self.scale, "shear": self.shear}
        if self.interpolation is not InterpolationMode.NEAREST:
            rest["interpolation"] = self.interpolation.value
        rest |= {"fill": self.fill or None, "center": self.center}
        shown = "".join(f", {name}={value}" for name, value in rest.items() if value is not None)
        return f"RandomAffine(degrees={self.degrees}{shown})"


class ElasticTransform(Transform):
    """Each pixel moved a little: displacements of strength alpha, smoothed by sigma.

    Source: Simard, Steinkraus, Platt 2003, "Best practices for convolutional neural networks".
    """

    shown = ("alpha", "sigma", "interpolation", "fill")

    def __init__(
        self, alpha: Any = 50.0, sigma: Any = 5.0, interpolation: Any = InterpolationMode.BILINEAR, fill: Any = 0
    ) -> None:
        super().__init__()
        self.alpha, self.sigma = (
            [x, x] if isinstance(x, float) else [float(v) for v in _sequence(name, x)]
            for name, x in (("alpha", alpha), ("sigma", sigma))
        )
        self.interpolation = F.mode_of(interpolation)
        self.fill = [float(fill)] if isinstance(fill, (int, float)) else [float(f) for f in fill]

    @staticmethod
    def get_params(alpha: Any, sigma: Any, size: Any) -> Tensor:
        """Displacements (1, H, W, 2) along x and y, in halves of the image; size: [H, W]."""
        moves = []
        for a, s, n in zip(alpha, sigma, size[::-1], strict=True):
            d = rand(1, 1, *size) * 2 - 1
            if s > 0.0:
                reach = int(8 * s + 1) | 1
                d = F.gaussian_blur(d, [reach, reach], list(sigma))
            moves.append(d * a / n)
        return cat(moves, 1).permute(0, 2, 3, 1)

    def forward(self, tensor: Any) -> Any:
        moves = self.get_params(self.alpha, self.sigma, F.get_dimensions(tensor)[1:])
        return F.elastic_transform(tensor, moves, self.interpolation, self.fill)


# --- colours and blur ---


class ColorJitter(Transform):
    """Brightness, contrast, saturation and hue changed, in random order.

    Each: a number b for factors from max(0, 1 - b) to 1 + b (of hue: -b to b), or (low, high).
    """

    shown = ("brightness", "contrast", "saturation", "hue")

    def __init__(self, brightness: Any = 0, contrast: Any = 0, saturation: Any = 0, hue: Any = 0) -> None:
        super().__init__()
        self.brightness = self._factors("brightness", brightness)
        self.contrast = self._factors("contrast", contrast)
        self.saturation = self._factors("saturation", saturation)
        self.hue = self._factors("hue", hue, 0.0, (-0.5, 0.5))

    @staticmethod
    def _factors(name: str, value: Any, center: float = 1.0, bound: Any = (0, float("inf"))) -> Any:
        if isinstance(value, (int, float)):
            if value < 0:
                raise ValueError(f"If {name} is a single number, it must be non negative.")
            low, high = center - float(value), center + float(value)
            low = max(low, 0.0) if center else low
        elif isinstance(value, (tuple, list)) and len(value) == 2:
            low, high = map(float, value)
        else:
            raise TypeError(f"{name} should be a single number or a list/tuple with length 2.")
        if not bound[0] <= low <= high <= bound[1]:
            raise ValueError(f"{name} values should be between {bound}, but got {[low, high]}.")
        return None if low == high == center else (low, high)

    @staticmethod
    def get_params(brightness: Any, contrast: Any, saturation: Any, hue: Any) -> tuple[Any, ...]:
        """(order, and the four factors, None for those that stay)."""
        order = tensor(permutation(current_generator(), 4))
        return order, *(None if r is None else drawn(*r) for r in (brightness, contrast, saturation, hue))

    def forward(self, img: Any) -> Any:
        order, *factors = self.get_params(self.brightness, self.contrast, self.saturation, self.hue)
        for k in order.tolist():
            if factors[k] is not None:
                img = getattr(F, f"adjust_{self.shown[k]}")(img, factors[k])
        return img


class GaussianBlur(Transform):
    """Blurred by a bell of kernel_size pixels (x, y) whose width is drawn from sigma (low, high)."""

    shown = ("kernel_size", "sigma")

    def __init__(self, kernel_size: Any, sigma: Any = (0.1, 2.0)) -> None:
        super().__init__()
        self.kernel_size = F.two(kernel_size)
        if any(n <= 0 or n % 2 == 0 for n in self.kernel_size):
            raise ValueError("Kernel size value should be an odd and positive number.")
        if isinstance(sigma, (int, float)):
            if sigma <= 0:
                raise ValueError("If sigma is a single number, it must be positive.")
            sigma = (sigma, sigma)
        elif not isinstance(sigma, Sequence) or len(sigma) != 2:
            raise ValueError("sigma should be a single number or a list/tuple with length 2.")
        elif not 0.0 < sigma[0] <= sigma[1]:
            raise ValueError("sigma values should be positive and of the form (min, max).")
        self.sigma = sigma

    @staticmethod
    def get_params(sigma_min: float, sigma_max: float) -> float:
        return drawn(sigma_min, sigma_max)

    def forward(self, img: Any) -> Any:
        sigma = self.get_params(*self.sigma)
        return F.gaussian_blur(img, self.kernel_size, [sigma, sigma])

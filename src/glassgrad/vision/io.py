"""Image files as tensors of bytes (C, H, W), by Pillow; JPEG and PNG are what torchvision reads and writes.

Pillow and torchvision decode with the same libraries: the pixels are the same where their versions are.
"""

from __future__ import annotations

import enum
import io
import os
from pathlib import Path
from typing import Any

import numpy as np

from ..core.tensor import Tensor
from .pillow import pillow

__all__ = [
    "ImageReadMode", "decode_image", "decode_jpeg", "decode_png", "encode_jpeg", "encode_png", "read_file",
    "read_image", "write_file", "write_jpeg", "write_png",
]  # fmt: skip


class ImageReadMode(enum.Enum):
    """How many channels come out: those of the file, or 1, 2, 3, 4."""

    UNCHANGED = 0
    GRAY = 1
    GRAY_ALPHA = 2
    RGB = 3
    RGB_ALPHA = 4
    RGBA = RGB_ALPHA


PILLOW_MODES = {
    ImageReadMode.GRAY: "L", ImageReadMode.GRAY_ALPHA: "LA", ImageReadMode.RGB: "RGB", ImageReadMode.RGB_ALPHA: "RGBA",
}  # fmt: skip
DIRECT = ("L", "LA", "RGB", "RGBA", "CMYK")


def read_file(path: str | os.PathLike[str]) -> Tensor:
    """The bytes of a file: (n,) uint8. RuntimeError where there is none."""
    try:
        content = Path(path).read_bytes()
    except OSError as problem:
        raise RuntimeError(f"[Errno {problem.errno}] {problem.strerror}: '{path}'") from None
    return Tensor._of(np.frombuffer(content, np.uint8).copy())


def write_file(filename: str, data: Tensor) -> None:
    """The bytes (n,) uint8 into a file."""
    _bytes("write_file", data, 1)
    Path(filename).write_bytes(data.numpy().tobytes())


def decode_image(
    input: Any, mode: ImageReadMode | str = ImageReadMode.UNCHANGED, apply_exif_orientation: bool = False
) -> Tensor:
    """The image in the bytes (n,) uint8 of a file, or in the file of that name: (C, H, W) uint8, C as mode says.

    apply_exif_orientation: turned as the camera was held. RuntimeError for what is no image.
    """
    if not isinstance(input, Tensor):
        input = read_file(input)
    _bytes("decode_image", input, 1)
    try:
        image = pillow().open(io.BytesIO(input.numpy().tobytes()))
        image.load()
    except OSError as problem:
        raise RuntimeError("Unsupported image file. Only jpeg, png, webp and gif are currently supported.") from problem
    if apply_exif_orientation:
        image = pillow("ImageOps").exif_transpose(image)
    wanted = PILLOW_MODES.get(ImageReadMode[mode.upper()] if isinstance(mode, str) else mode)
    if wanted is None and image.mode not in DIRECT:
        if image.mode not in ("1", "P"):
            raise NotImplementedError(
                f"decode_image: pixels of mode {image.mode} are not in glassgrad: give a mode, RGB"
            )
        wanted = "L" if image.mode == "1" else "RGBA" if "transparency" in image.info else "RGB"
    pixels = np.asarray(image if wanted in (None, image.mode) else image.convert(wanted))
    return Tensor._of(np.ascontiguousarray(pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)))


def read_image(
    path: str | os.PathLike[str], mode: ImageReadMode | str = ImageReadMode.UNCHANGED,
    apply_exif_orientation: bool = False,
) -> Tensor:  # fmt: skip
    """decode_image of the file of that name."""
    return decode_image(read_file(path), mode, apply_exif_orientation)


def decode_png(
    input: Tensor, mode: ImageReadMode | str = ImageReadMode.UNCHANGED, apply_exif_orientation: bool = False
) -> Tensor:
    """decode_image of the bytes of a PNG file."""
    return decode_image(input, mode, apply_exif_orientation)


def decode_jpeg(
    input: Any, mode: ImageReadMode | str = ImageReadMode.UNCHANGED, device: Any = "cpu",
    apply_exif_orientation: bool = False,
) -> Any:  # fmt: skip
    """decode_image of the bytes of a JPEG file, or of each in a list."""
    if str(device) != "cpu":
        raise NotImplementedError(f"decode_jpeg: the device must be 'cpu', got {str(device)!r}")
    if isinstance(input, list):
        return [decode_image(each, mode, apply_exif_orientation) for each in input]
    return decode_image(input, mode, apply_exif_orientation)


def _bytes(name: str, data: Any, dims: int) -> None:
    if not isinstance(data, Tensor) or data.array.dtype != np.uint8 or data.array.ndim != dims:
        said = f"{data.dtype} of shape {list(data.shape)}" if isinstance(data, Tensor) else type(data).__name__
        raise RuntimeError(f"{name}: expected a {dims}-dimensional tensor of dtype uint8, got {said}")


def _encoded(name: str, input: Tensor, format: str, **options: Any) -> Tensor:
    _bytes(name, input, 3)
    channels = input.shape[0]
    if channels not in (1, 3):
        raise RuntimeError(f"The number of channels should be 1 or 3, got: {channels}")
    pixels = input.numpy()
    file = io.BytesIO()
    pillow().fromarray(pixels[0] if channels == 1 else pixels.transpose(1, 2, 0)).save(file, format, **options)
    return Tensor._of(np.frombuffer(file.getvalue(), np.uint8).copy())


def encode_png(input: Tensor, compression_level: int = 6) -> Tensor:
    """The bytes of a PNG file of an image (1 or 3, H, W) uint8."""
    if not 0 <= compression_level <= 9:
        raise RuntimeError("Compression level should be between 0 and 9")
    return _encoded("encode_png", input, "PNG", compress_level=compression_level)


def encode_jpeg(input: Tensor, quality: int = 75) -> Tensor:
    """The bytes of a JPEG file of an image (1 or 3, H, W) uint8."""
    if not 1 <= quality <= 100:
        raise ValueError("Image quality should be a positive number between 1 and 100")
    return _encoded("encode_jpeg", input, "JPEG", quality=quality)


def write_png(input: Tensor, filename: str, compression_level: int = 6) -> None:
    """An image (1 or 3, H, W) uint8 into a PNG file."""
    write_file(filename, encode_png(input, compression_level))


def write_jpeg(input: Tensor, filename: str, quality: int = 75) -> None:
    """An image (1 or 3, H, W) uint8 into a JPEG file."""
    write_file(filename, encode_jpeg(input, quality))

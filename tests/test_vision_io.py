"""Image files and tensors of bytes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import glassgrad as gg
from glassgrad.vision import io

Image = pytest.importorskip("PIL.Image")

PIXELS = (np.arange(6 * 5 * 4) * 7 % 256).astype("uint8").reshape(6, 5, 4)
MODES = io.ImageReadMode


def test_what_was_written_is_read(tmp_path: Path) -> None:
    image = gg.tensor(PIXELS[..., :3].transpose(2, 0, 1).copy())
    name = str(tmp_path / "image.png")
    io.write_png(image, name)
    assert io.read_image(name).equal(image)
    assert io.decode_png(io.read_file(name)).equal(image) and io.decode_image(Path(name)).equal(image)
    assert io.read_image(name).dtype is gg.uint8 and io.read_image(name).is_contiguous()
    assert io.read_image(name, MODES.GRAY).shape == (1, 6, 5) and io.read_image(name, "RGBA").shape == (4, 6, 5)
    flat = gg.full((3, 16, 16), 100, dtype=gg.uint8)
    assert (io.decode_jpeg(io.encode_jpeg(flat, 90)).int() - 100).abs().max() <= 1
    io.write_jpeg(flat[:1], str(tmp_path / "grey.jpg"))
    assert io.read_image(str(tmp_path / "grey.jpg")).shape == (1, 16, 16)


@pytest.mark.parametrize(("mode", "channels"), [("L", 1), ("LA", 2), ("RGB", 3), ("RGBA", 4), ("P", 3), ("1", 1)])
def test_channels_are_those_of_the_file(mode: str, channels: int, tmp_path: Path) -> None:
    picture = Image.fromarray(PIXELS).convert("RGB").convert(mode)
    picture.save(tmp_path / "image.png")
    read = io.read_image(str(tmp_path / "image.png"))
    assert read.shape == (channels, 6, 5)
    shown = picture.convert("RGB") if mode == "P" else picture.convert("L") if mode == "1" else picture
    assert np.array_equal(read.numpy().transpose(1, 2, 0).squeeze(), np.asarray(shown))


@pytest.mark.parametrize(
    ("call", "problem", "text"),
    [
        (lambda: io.read_image("nowhere.png"), RuntimeError, "No such file"),
        (lambda: io.decode_image(gg.zeros(9, dtype=gg.uint8)), RuntimeError, "Unsupported image file"),
        (lambda: io.decode_image(gg.zeros(9)), RuntimeError, "uint8"),
        (lambda: io.encode_png(gg.zeros(2, 3, 3, dtype=gg.uint8)), RuntimeError, "1 or 3"),
        (lambda: io.encode_png(gg.zeros(3, 3, 3, dtype=gg.uint8), 12), RuntimeError, "between 0 and 9"),
        (lambda: io.encode_jpeg(gg.zeros(3, 3, 3, dtype=gg.uint8), 0), ValueError, "between 1 and 100"),
        (lambda: io.decode_jpeg(gg.zeros(9, dtype=gg.uint8), device="cuda"), NotImplementedError, "device"),
    ],
)
def test_errors(call: Any, problem: type[Exception], text: str) -> None:
    with pytest.raises(problem, match=text):
        call()

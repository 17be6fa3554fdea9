"""Transforms of images: what they give, what they draw, what they refuse."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import glassgrad as gg
from glassgrad.data.transforms import Compose, Lambda, Normalize, RandomCrop, RandomHorizontalFlip, ToTensor

GREY = np.arange(6, dtype=np.uint8).reshape(2, 3) * 51
COLOUR = np.arange(18, dtype=np.uint8).reshape(2, 3, 3)


class Picture:
    """Stands for a PIL image: it has bands, and NumPy can read it."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array

    def getbands(self) -> tuple[str, ...]:
        return ("L",)

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        return self.array


@pytest.mark.parametrize("image", [GREY, Picture(GREY)], ids=["array", "picture"])
def test_bytes_become_fractions(image: Any) -> None:
    x = ToTensor()(image)
    assert x.shape == (1, 2, 3) and x.dtype == gg.float32
    np.testing.assert_array_equal(x.numpy()[0], GREY.astype(np.float32) / np.float32(255))
    assert x[0, 1, 2].item() == 1.0


def test_channels_come_first() -> None:
    x = ToTensor()(COLOUR)
    assert x.shape == (3, 2, 3) and x.is_contiguous()
    np.testing.assert_array_equal(x.numpy(), COLOUR.transpose(2, 0, 1).astype(np.float32) / np.float32(255))


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_other_dtypes_stay(dtype: Any) -> None:
    image = GREY.astype(dtype)
    x = ToTensor()(image)
    np.testing.assert_array_equal(x.numpy()[0], image)
    assert x.numpy().dtype == dtype
    x.add_(1)
    assert image[0, 0] == 0  # a copy


def test_normalize() -> None:
    x = gg.tensor([[[1.0, 2.0]], [[3.0, 4.0]]])
    assert Normalize((1.0, 2.0), (0.5, 2.0))(x).tolist() == [[[0.0, 2.0]], [[0.5, 1.0]]]
    assert Normalize([1.0], [0.5])(x).tolist() == [[[0.0, 2.0]], [[4.0, 6.0]]]
    assert x[0, 0, 0].item() == 1.0
    assert Normalize((1.0, 2.0), (0.5, 2.0), inplace=True)(x) is x and x[0, 0, 0].item() == 0.0


def test_normalize_a_batch_and_another_dtype() -> None:
    x = gg.ones(4, 3, 2, 2, dtype=gg.float64)
    y = Normalize((1.0, 0.0, 3.0), (1.0, 2.0, 1.0))(x)
    assert y.dtype == gg.float64 and y[2, :, 1, 1].tolist() == [0.0, 0.5, -2.0]


def test_one_after_another() -> None:
    both = Compose([Lambda(lambda image: image + 1), ToTensor(), Lambda(lambda x: x * 255)])
    np.testing.assert_array_equal(both(GREY[:, :2]).numpy()[0], GREY[:, :2].astype(np.float32) + 1)
    assert repr(both) == "Compose(\n    Lambda()\n    ToTensor()\n    Lambda()\n)"


@pytest.mark.parametrize("image", [GREY, COLOUR, "tensor"], ids=["grey", "colour", "tensor"])
def test_flips(image: Any) -> None:
    image = gg.tensor(COLOUR.transpose(2, 0, 1).tolist()) if isinstance(image, str) else image
    mirror = lambda x: np.flip(np.asarray(x), 2 if isinstance(x, gg.Tensor) else 1)
    for p, expected in ((0.0, np.asarray(image)), (1.0, mirror(image))):
        np.testing.assert_array_equal(np.asarray(RandomHorizontalFlip(p)(image)), expected)
    gg.manual_seed(0)
    drawn = [gg.rand(1).item() < 0.3 for _ in range(50)]
    gg.manual_seed(0)
    flip = RandomHorizontalFlip(0.3)
    flipped = [np.array_equal(np.asarray(flip(image)), mirror(image)) for _ in range(50)]
    assert flipped == drawn and 5 < sum(drawn) < 25


@pytest.mark.parametrize("image", [GREY, COLOUR, "tensor"], ids=["grey", "colour", "tensor"])
def test_crops(image: Any) -> None:
    """A crop is the window that the two draws name, of the padded image."""
    is_tensor = isinstance(image, str)
    array = COLOUR.transpose(2, 0, 1).astype(np.float32) if is_tensor else image
    image = gg.tensor(array.tolist()) if is_tensor else image
    first = 1 if is_tensor else 0
    widths = [(0, 0)] * array.ndim
    widths[first : first + 2] = [(2, 2), (1, 1)]
    padded = np.pad(array, widths, constant_values=7)  # height 2 + 4, width 3 + 2
    crop = RandomCrop((3, 2), padding=(1, 2), fill=7)
    seen = set()
    for seed in range(40):
        gg.manual_seed(seed)
        top, left = gg.randint(0, 4, (1,)).item(), gg.randint(0, 4, (1,)).item()
        gg.manual_seed(seed)
        window = [slice(None)] * array.ndim
        window[first : first + 2] = [slice(top, top + 3), slice(left, left + 2)]
        np.testing.assert_array_equal(np.asarray(crop(image)), padded[tuple(window)])
        seen.add((top, left))
    assert len(seen) > 10


def test_a_crop_of_everything_draws_nothing() -> None:
    gg.manual_seed(0)
    expected = gg.rand(1).item()
    gg.manual_seed(0)
    assert RandomCrop((2, 3))(GREY) is GREY and gg.rand(1).item() == expected


@pytest.mark.parametrize(("padding", "shape"), [(1, (4, 5)), ((1, 2), (6, 5)), ((1, 2, 3, 4), (8, 7)), (None, (2, 3))])
def test_padding(padding: Any, shape: tuple[int, int]) -> None:
    assert RandomCrop(shape, padding)(GREY).shape == shape
    with pytest.raises(ValueError, match="is larger than input image size"):
        RandomCrop((shape[0] + 1, 1), padding)(GREY)


REFUSED = [
    (lambda: ToTensor()(gg.zeros(2, 2)), TypeError, "should be PIL Image or ndarray"),
    (lambda: ToTensor()([[0]]), TypeError, "should be PIL Image or ndarray"),
    (lambda: ToTensor()(np.zeros(3)), ValueError, "should be 2/3 dimensional. Got 1"),
    (lambda: Normalize((0.5,), (0.5,))(GREY), TypeError, r"should be Tensor Image.*put ToTensor\(\) before"),
    (lambda: Normalize((0.5,), (0.5,))(gg.arange(8).reshape(1, 2, 4)), TypeError, "should be a float tensor"),
    (lambda: Normalize((0.5,), (0.5,))(gg.zeros(2, 2)), ValueError, "of size"),
    (lambda: Normalize((0.5,), (0.0,))(gg.zeros(1, 2, 2)), ValueError, "std evaluated to zero"),
    (lambda: Lambda(3), TypeError, "should be callable"),
    (lambda: RandomCrop((1, 2, 3)), ValueError, "size is 1 or 2 numbers"),
    (lambda: RandomCrop(1, (1, 2, 3)), ValueError, "padding 1, 2 or 4"),
    (lambda: RandomCrop(3)(GREY), ValueError, r"crop size \(3, 3\) is larger than input image size \(2, 3\)"),
    (lambda: RandomHorizontalFlip()("an image"), TypeError, "expected a tensor"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "kind", "told"), REFUSED, ids=[row[2][:30] for row in REFUSED])
def test_what_makes_no_sense_is_refused(call: Any, kind: type[Exception], told: str) -> None:
    with pytest.raises(kind, match=told):
        call()

"""Transforms of images: what they give, what they draw, what they refuse."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import glassgrad as gg
from glassgrad.vision import transforms
from glassgrad.vision.transforms import Compose, Lambda, Normalize, RandomCrop, RandomHorizontalFlip, ToTensor
from glassgrad.vision.transforms import functional as F

GREY = np.arange(6, dtype=np.uint8).reshape(2, 3) * 51
COLOUR = np.arange(18, dtype=np.uint8).reshape(2, 3, 3)


Image = pytest.importorskip("PIL.Image")
PICTURE = Image.fromarray((np.arange(37 * 50 * 3).reshape(37, 50, 3) * 7 % 256).astype(np.uint8))


@pytest.mark.parametrize("image", [GREY, Image.fromarray(GREY)], ids=["array", "picture"])
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
    assert np.array_equal(RandomCrop((2, 3))(GREY), GREY) and gg.rand(1).item() == expected


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
    (lambda: RandomCrop((1, 2, 3)), ValueError, "only two dimensions"),
    (lambda: RandomCrop(1, (1, 2, 3))(GREY), ValueError, "an int or a 1, 2, or 4 element tuple"),
    (lambda: RandomCrop(3)(GREY), ValueError, r"crop size \(3, 3\) is larger than input image size \(2, 3\)"),
    (lambda: RandomHorizontalFlip(1.0)("an image"), TypeError, "should be PIL Image or Tensor"),
    (lambda: transforms.Resize(3, interpolation="bilinear"), TypeError, "should be a InterpolationMode"),
    (lambda: transforms.Resize((1, 2, 3)), ValueError, "1 or 2 values"),
    (lambda: transforms.Resize(5, max_size=5)(GREY), ValueError, "strictly greater"),
    (lambda: transforms.RandomRotation(-1), ValueError, "must be positive"),
    (lambda: transforms.RandomAffine(1, translate=(0, 2)), ValueError, "between 0 and 1"),
    (lambda: transforms.ColorJitter(hue=0.6), ValueError, "hue values should be between"),
    (lambda: transforms.GaussianBlur(4), ValueError, "odd and positive"),
    (lambda: transforms.RandomErasing(value="noise"), ValueError, "should be 'random'"),
    (lambda: transforms.FiveCrop(5)(GREY), ValueError, "bigger than input size"),
    (lambda: F.adjust_hue(PICTURE, 0.6), ValueError, "is not in"),
    (lambda: F.erase(GREY, 0, 0, 1, 1, gg.zeros(1)), TypeError, "should be Tensor Image"),
    (lambda: F.to_pil_image(gg.zeros(5, 2, 2)), ValueError, "> 4 channels"),
    (lambda: F.to_pil_image(GREY, "RGB"), ValueError, "Incorrect mode"),
    (lambda: Normalize((1, 2), (1, 2))(gg.zeros(1, 2, 2)), RuntimeError, "doesn't match the broadcast shape"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "kind", "told"), REFUSED, ids=[row[2][:30] for row in REFUSED])
def test_what_makes_no_sense_is_refused(call: Any, kind: type[Exception], told: str) -> None:
    with pytest.raises(kind, match=told):
        call()


# --- what is drawn: the numbers of torchvision 0.28.0 with PyTorch 2.13.0 ---

DRAWN: list[tuple[Any, Any, Any]] = [
    (0, lambda t: [t.RandomResizedCrop.get_params(PICTURE, (0.08, 1.0), (3 / 4, 4 / 3)) for _ in range(4)],
     [(2, 16, 29, 34), (3, 7, 25, 27), (8, 1, 29, 32), (20, 26, 15, 12)]),
    (1, lambda t: [t.RandomCrop.get_params(PICTURE, (20, 20)) for _ in range(3)],
     [(13, 25, 20, 20), (0, 14, 20, 20), (7, 13, 20, 20)]),
    (2, lambda t: t.RandomAffine.get_params([-20, 20], (0.1, 0.2), (0.8, 1.2), [-5.0, 5.0, -10.0, 10.0], [50, 37]),
     (4.587802886962891, (-1, 2), 0.9897844791412354, (2.1359384059906006, 2.380727529525757))),
    (3, lambda t: (lambda order, *factors: (order.tolist(), *factors))(
        *t.ColorJitter.get_params((0.7, 1.3), (0.6, 1.4), (0.5, 1.5), (-0.2, 0.2))),
     ([2, 3, 1, 0], 0.7161728739738464, 0.977291464805603, 0.5601162910461426, 0.10874634236097336)),
    (4, lambda t: t.RandomRotation.get_params([-30.0, 30.0]), 3.578317165374756),
    (5, lambda t: t.RandomPerspective.get_params(50, 37, 0.5)[1], [[1, 4], [46, 5], [39, 27], [5, 30]]),
    (6, lambda t: t.RandomErasing.get_params(gg.zeros(3, 20, 30), (0.02, 0.33), (0.3, 3.3))[:4], (1, 19, 12, 10)),
    (7, lambda t: t.GaussianBlur.get_params(0.1, 2.0), 1.1163527965545654),
]  # fmt: skip


@pytest.mark.parametrize(("seed", "draw", "expected"), DRAWN)
def test_draws_are_torchvisions(seed: int, draw: Any, expected: Any) -> None:
    gg.manual_seed(seed)
    assert draw(transforms) == expected


def test_a_whole_pipeline_is_torchvisions() -> None:
    gg.manual_seed(9)
    change = Compose(
        [
            transforms.RandomResizedCrop(8),
            RandomHorizontalFlip(),
            transforms.ColorJitter(0.4, 0.4, 0.4, 0.1),
            ToTensor(),
        ]
    )
    x = change(PICTURE)
    assert x[:, 0, 0].tolist() == [0.7686274647712708, 0.6509804129600525, 0.6705882549285889]
    assert x[:, 5, 3].tolist() == [0.843137264251709, 0.8666666746139526, 0.8705882430076599]


# --- pictures, tensors and arrays are treated alike ---

ALIKE: dict[str, tuple[Any, float]] = {  # and by how much they differ, of 255
    "hflip": (F.hflip, 0),
    "vflip": (F.vflip, 0),
    "crop": (lambda x: F.crop(x, -3, 40, 20, 20), 0),
    "center_crop": (lambda x: F.center_crop(x, (45, 21)), 0),
    "five_crop": (lambda x: F.five_crop(x, 11)[2], 0),
    "ten_crop": (lambda x: F.ten_crop(x, (11, 12))[7], 0),
    "pad": (lambda x: F.pad(x, (1, 2, 3, 4), fill=5), 0),
    "pad edge": (lambda x: F.pad(x, (1, 2), padding_mode="edge"), 0),
    "pad reflect": (lambda x: F.pad(x, 3, padding_mode="reflect"), 0),
    "pad symmetric": (lambda x: F.pad(x, [2, 0, 1, 3], padding_mode="symmetric"), 0),
    "resize": (lambda x: F.resize(x, 20), 1),
    "resize larger": (lambda x: F.resize(x, (60, 71)), 1),
    "rotate": (lambda x: F.rotate(x, 180), 0),
    "affine": (lambda x: F.affine(x, 0, [3, -2], 1.0, [0.0, 0.0]), 0),
    "brightness": (lambda x: F.adjust_brightness(x, 1.5), 1),
    "contrast": (lambda x: F.adjust_contrast(x, 0.5), 1),
    "saturation": (lambda x: F.adjust_saturation(x, 0.5), 1),
    "sharpness": (lambda x: F.adjust_sharpness(x, 2.0), 2),
    "gamma": (lambda x: F.adjust_gamma(x, 0.7), 1),
    "grey": (lambda x: F.rgb_to_grayscale(x, 3), 1),
    "invert": (F.invert, 0),
    "posterize": (lambda x: F.posterize(x, 3), 0),
    "solarize": (lambda x: F.solarize(x, 100), 0),
    "autocontrast": (F.autocontrast, 1),
    "equalize": (F.equalize, 0),
    "blur": (lambda x: F.gaussian_blur(x, (3, 5)), 0),
}


@pytest.mark.parametrize("name", ALIKE)
def test_pictures_tensors_and_arrays(name: str) -> None:
    change, near = ALIKE[name]
    picture = np.asarray(change(PICTURE)).astype(int)
    tensor = change(F.pil_to_tensor(PICTURE))
    assert tensor.dtype is gg.uint8
    assert np.abs(tensor.numpy().transpose(1, 2, 0) - picture).max() <= near
    if name != "blur":
        np.testing.assert_array_equal(change(np.asarray(PICTURE)), tensor.numpy().transpose(1, 2, 0))
    floats = change(ToTensor()(PICTURE)) if name not in ("posterize", "solarize", "equalize", "pad") else None
    if floats is not None:
        assert np.abs(floats.numpy().transpose(1, 2, 0) * 255 - picture).max() <= near + 1
    assert not name.startswith(("resize", "pad", "center")) or picture.shape != (37, 50, 3)


def test_hues() -> None:
    """Turned by a third, red is green is blue."""
    red = gg.zeros(3, 1, 1).index_fill(0, gg.tensor([0]), 1.0)
    turned = [F.adjust_hue(red, k / 3).flatten().tolist() for k in (0, 1, -1)]
    np.testing.assert_allclose(turned, np.eye(3)[[0, 1, 2]], atol=1e-6)
    picture = Image.new("RGB", (1, 1), (255, 0, 0))
    assert F.adjust_hue(picture, 1 / 3).getpixel((0, 0)) == (0, 255, 0)
    grey = Image.new("L", (1, 1), 7)
    assert F.adjust_hue(grey, 0.3) is grey


def test_turning_and_the_map_of_it() -> None:
    x = gg.arange(9.0).reshape(1, 3, 3)
    assert F.rotate(x, 90).equal(x.rot90(1, (1, 2)))
    assert F.affine(x, -90, [0, 0], 1.0, 0.0).equal(x.rot90(1, (1, 2)))
    assert F.rotate(gg.zeros(1, 2, 4), 90, expand=True).shape == (1, 4, 2)
    corners = [[0, 0], [2, 0], [2, 2], [0, 2]]
    np.testing.assert_allclose(F.perspective(x, corners, corners).numpy(), x.numpy(), atol=1e-5)
    filled = F.rotate(gg.ones(2, 4, 4), 45, fill=[5.0, 6.0])
    assert filled[:, 0, 0].tolist() == [5.0, 6.0] and filled[:, 1, 1].tolist() == [1.0, 1.0]


@pytest.mark.parametrize("mode", ["1", "L", "RGB", "RGBA", "F", "I", "LA"])
def test_there_and_back(mode: str) -> None:
    picture = PICTURE.convert(mode)
    x = F.pil_to_tensor(picture)
    assert list(x.shape) == [len(picture.getbands()), 37, 50]
    if mode not in ("1", "LA"):
        back = F.to_pil_image(x, None if mode != "F" else "F")
        np.testing.assert_array_equal(np.asarray(back), np.asarray(picture))
    assert ToTensor()(picture).max().item() <= (1.0 if mode not in ("F", "I") else 255.0)


def test_dtypes_of_images() -> None:
    x = gg.tensor([0, 128, 255], dtype=gg.uint8)
    assert F.convert_image_dtype(x, gg.float64).tolist() == [0.0, 128 / 255, 1.0]
    assert F.convert_image_dtype(F.convert_image_dtype(x), gg.uint8).equal(x)
    assert F.convert_image_dtype(x, gg.int16).tolist() == [0, 128 * 128, 255 * 128]
    assert F.convert_image_dtype(F.convert_image_dtype(x, gg.int16), gg.uint8).equal(x)
    with pytest.raises(RuntimeError, match="cannot be performed safely"):
        F.convert_image_dtype(gg.ones(1), gg.int32)


def test_chance() -> None:
    gg.manual_seed(8)
    flips = [np.array_equal(RandomHorizontalFlip()(GREY), GREY[:, ::-1]) for _ in range(8)]
    assert flips == [False, False, False, True, False, False, False, True]
    x = ToTensor()(PICTURE)
    for certain, change in (
        (transforms.RandomVerticalFlip(1.0), F.vflip),
        (transforms.RandomInvert(1.0), F.invert),
        (transforms.RandomGrayscale(1.0), lambda x: F.rgb_to_grayscale(x, 3)),
        (transforms.RandomSolarize(0.5, p=1.0), lambda x: F.solarize(x, 0.5)),
        (transforms.RandomApply([transforms.RandomInvert(1.0)], p=1.0), F.invert),
        (transforms.RandomChoice([transforms.RandomInvert(1.0)]), F.invert),
        (transforms.RandomOrder([transforms.RandomInvert(1.0), transforms.Pad(0)]), F.invert),
    ):
        assert certain(x).equal(change(x))
    assert transforms.RandomApply([transforms.RandomInvert(1.0)], p=0.0)(x) is x
    assert gg.nn.Sequential(transforms.CenterCrop(4), Normalize((0.0,) * 3, (1.0,) * 3))(x).shape == (3, 4, 4)


def test_erasing() -> None:
    gg.manual_seed(6)
    x = gg.zeros(3, 20, 30)
    erased = transforms.RandomErasing(p=1.0, value=(1.0, 2.0, 3.0))(x)
    assert not x.any() and erased.amax((1, 2)).tolist() == [1.0, 2.0, 3.0]
    rows, columns = np.nonzero(erased[0].numpy())
    assert len(rows) == (np.ptp(rows) + 1) * (np.ptp(columns) + 1)
    inplace = transforms.RandomErasing(p=1.0, value=1, inplace=True)
    assert inplace(x) is x and x.any()


def test_whitening() -> None:
    change = transforms.LinearTransformation(2 * gg.eye(4), gg.ones(4))
    assert change(gg.full((1, 2, 2), 3.0)).tolist() == [[[4.0, 4.0], [4.0, 4.0]]]
    with pytest.raises(ValueError, match="incompatible shape"):
        change(gg.zeros(1, 2, 3))


def test_elastic() -> None:
    gg.manual_seed(0)
    still = transforms.ElasticTransform(alpha=0.0)
    np.testing.assert_allclose(still(ToTensor()(PICTURE)).numpy(), ToTensor()(PICTURE).numpy(), atol=1e-4)
    assert np.asarray(transforms.ElasticTransform()(PICTURE)).shape == (37, 50, 3)


TEXTS = [
    (transforms.Resize(3), "Resize(size=3, interpolation=bilinear, max_size=None, antialias=True)"),
    (transforms.RandomAffine(0, shear=5), "RandomAffine(degrees=[0.0, 0.0], shear=[-5.0, 5.0])"),
    (
        transforms.RandomRotation(30),
        "RandomRotation(degrees=[-30.0, 30.0], interpolation=nearest, expand=False, fill=0)",
    ),
    (transforms.ColorJitter(0.5), "ColorJitter(brightness=(0.5, 1.5), contrast=None, saturation=None, hue=None)"),
    (transforms.CenterCrop(4), "CenterCrop(size=(4, 4))"),
    (transforms.RandomErasing(), "RandomErasing(p=0.5, scale=(0.02, 0.33), ratio=(0.3, 3.3), value=0, inplace=False)"),
    (transforms.ToPILImage(), "ToPILImage()"),
    (transforms.RandomPosterize(2), "RandomPosterize(bits=2,p=0.5)"),
]


@pytest.mark.parametrize(("transform", "text"), TEXTS)
def test_texts(transform: Any, text: str) -> None:
    assert repr(transform) == text


def test_the_second_version() -> None:
    v2 = transforms.v2
    assert v2.RandomResizedCrop is transforms.RandomResizedCrop
    change = v2.Compose([v2.ToImage(), v2.Identity(), v2.ToDtype(gg.float32, scale=True)])
    assert change(PICTURE).equal(ToTensor()(PICTURE))
    assert change(GREY).equal(ToTensor()(GREY)) and change(gg.tensor(GREY)).equal(ToTensor()(GREY)[0])
    assert v2.ToDtype(gg.int64)(gg.tensor([1.9])).tolist() == [1] and v2.ToDtype(gg.int64)("text") == "text"
    assert repr(v2.ToDtype(gg.float32, True)) == "ToDtype(dtype=glassgrad.float32, scale=True)"
    with pytest.raises(TypeError):
        change(PICTURE, 3)
    with pytest.raises(NotImplementedError, match="one dtype for all"):
        v2.ToDtype({str: None})


def test_the_older_name() -> None:
    from glassgrad.data.transforms import CenterCrop

    assert CenterCrop is transforms.CenterCrop


@pytest.mark.parametrize("dtype", [gg.float32, gg.float64])
def test_chances_are_drawn_in_the_default_dtype(dtype: Any) -> None:
    before = gg.get_default_dtype()
    gg.set_default_dtype(dtype)
    try:
        gg.manual_seed(0)
        RandomHorizontalFlip()(PICTURE)
        after = gg.rand(1).item()
        gg.manual_seed(0)
        assert gg.rand(2)[1].item() == after
    finally:
        gg.set_default_dtype(before)

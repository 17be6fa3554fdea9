"""Data sets, models and pictures of batches under torchvision's names."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import glassgrad as gg
from glassgrad.data.download import Remote
from glassgrad.vision import datasets, models, utils
from glassgrad.vision.datasets import cifar
from glassgrad.vision.transforms import Compose, Normalize, PILToTensor, RandomHorizontalFlip, ToTensor

Image = pytest.importorskip("PIL.Image")


# --- MNIST ---


def idx(array: np.ndarray) -> bytes:
    return bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape) + array.tobytes()


@pytest.fixture
def digits(tmp_path: Path) -> Path:
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    images = np.random.default_rng(0).integers(0, 256, (5, 28, 28), np.uint8)
    (raw / "t10k-images-idx3-ubyte").write_bytes(idx(images))
    (raw / "t10k-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(np.array([3, 1, 4, 1, 5], np.uint8))))
    return tmp_path


def test_digits_are_pictures(digits: Path) -> None:
    data = datasets.MNIST(str(digits), train=False)
    picture, label = data[2]
    assert (picture.mode, picture.size, label) == ("L", (28, 28), 4)
    np.testing.assert_array_equal(np.asarray(picture), data.data[2].numpy())
    assert repr(data) == f"Dataset MNIST\n    Number of datapoints: 5\n    Root location: {digits}\n    Split: Test"
    assert data.raw_folder == str(digits / "MNIST" / "raw") and data.class_to_idx["3 - three"] == 3


def test_transforms_see_pictures_and_to_tensor_need_not(digits: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []

    def look(image: Any) -> Any:
        seen.append(type(image).__name__)
        return image

    datasets.MNIST(digits, train=False, transform=look)[0]
    pipeline = Compose([ToTensor(), Normalize((0.5,), (0.5,))])
    data = datasets.MNIST(digits, False, pipeline, lambda label: -label)
    monkeypatch.setattr("glassgrad.vision.datasets.dataset.to_pil_image", look)
    x, label = data[0]
    assert seen == ["Image"] and label == -3
    assert x.equal(pipeline(data.data[0].numpy()))
    assert repr(data).endswith(
        "    StandardTransform\nTransform: Compose(\n               ToTensor()\n               "
        f"Normalize(mean=(0.5,), std=(0.5,))\n           )\nTarget transform: {data.target_transform!r}"
    )


def test_without_pillow_arrays_are_samples(digits: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("glassgrad.vision.datasets.dataset.has_pillow", lambda: False)
    image, _ = datasets.MNIST(digits, train=False, transform=RandomHorizontalFlip(1.0))[0]
    assert isinstance(image, np.ndarray) and image.shape == (28, 28)


def test_a_loader_of_them(digits: Path) -> None:
    x, y = next(iter(gg.data.DataLoader(datasets.MNIST(digits, False, ToTensor()), batch_size=5)))
    assert x.shape == (5, 1, 28, 28) and y.tolist() == [3, 1, 4, 1, 5]


def test_missing_digits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("GLASSGRAD_DATA", raising=False)
    with pytest.raises(RuntimeError, match="Dataset not found. You can use download=True to download it"):
        datasets.FashionMNIST(tmp_path)


# --- CIFAR: pickles as Python 2 wrote them ---


def short(text: str) -> bytes:
    return b"U" + bytes([len(text)]) + text.encode()


def listed(items: list[bytes]) -> bytes:
    return b"]" + b"".join(b"(" + b"".join(items[k : k + 3]) + b"e" for k in range(0, len(items), 3))


def pickled(**entries: bytes) -> bytes:
    return b"\x80\x02}(" + b"".join(short(key) + value for key, value in entries.items()) + b"u."


def batch(first: int) -> tuple[np.ndarray, bytes]:
    pixels = np.random.default_rng(first).integers(0, 256, (4, 3072), np.uint8)
    array = b"T" + pixels.nbytes.to_bytes(4, "little") + pixels.tobytes()
    numpys = b"cnumpy.core.multiarray\n_reconstruct\n(K\x04M\x00\x0c" + array + b"t"  # as an array is pickled
    labels = listed([b"K" + bytes([(first + k) % 10]) for k in range(4)])
    names = listed([short(f"{k}.png") for k in range(4)])
    return pixels, pickled(batch_label=short("labels"), labels=labels, data=numpys, filenames=names)


@pytest.fixture
def photographs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small CIFAR-10 as an archive; the class knows its sums."""
    files = {f"data_batch_{k}": batch(k)[1] for k in range(1, 6)} | {"test_batch": batch(6)[1]}
    files["batches.meta"] = pickled(label_names=listed([short(f"class {k}") for k in range(10)]), num_vis=b"M\x00\x0c")
    sums = {name: hashlib.md5(content).hexdigest() for name, content in files.items()}
    monkeypatch.setattr(
        datasets.CIFAR10, "train_list", [(f"data_batch_{k}", sums[f"data_batch_{k}"]) for k in range(1, 6)]
    )
    monkeypatch.setattr(datasets.CIFAR10, "test_list", [("test_batch", sums["test_batch"])])
    monkeypatch.setattr(datasets.CIFAR10, "meta", ("batches.meta", sums["batches.meta"]))
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in {**files, "../outside": b"!", "readme.html": b"!"}.items():
            member = tarfile.TarInfo(name if name.startswith("..") else f"cifar-10-batches-py/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    path = tmp_path / "data" / "cifar-10-python.tar.gz"
    path.parent.mkdir()
    path.write_bytes(packed.getvalue())
    digest = hashlib.sha256(packed.getvalue()).hexdigest()
    remote = Remote(path.name, len(packed.getvalue()), digest, ("http://127.0.0.1:1/nothing",))
    monkeypatch.setattr(datasets.CIFAR10, "remote", remote)
    return path.parent


def test_photographs(photographs: Path) -> None:
    with pytest.raises(RuntimeError, match="Dataset not found or corrupted. You can use download=True"):
        datasets.CIFAR10(photographs)
    data = datasets.CIFAR10(photographs, download=True)  # the archive is there already
    assert data.data.shape == (20, 32, 32, 3) and data.targets == [(k + i) % 10 for k in range(1, 6) for i in range(4)]
    assert data.classes[3] == "class 3" and data.class_to_idx["class 3"] == 3
    test = datasets.CIFAR10(str(photographs), train=False, transform=PILToTensor())
    assert test[1][0].equal(gg.tensor(batch(6)[0][1].reshape(3, 32, 32))) and test[1][1] == 7
    assert not (photographs.parent / "outside").exists()
    assert not (photographs / "cifar-10-batches-py" / "readme.html").exists()
    assert "Split: Train" in repr(data) and data[0][0].mode == "RGB"
    (photographs / "cifar-10-batches-py" / "test_batch").write_bytes(b"!")
    with pytest.raises(RuntimeError, match="Missing or damaged in .*: test_batch"):
        datasets.CIFAR10(photographs)


def test_reading_executes_nothing() -> None:
    content = (
        b"\x80\x02}(" + short("labels") + b"cos\nsystem\n(U\x04trueR" + short("names") + listed([b"K\x01"]) + b"u."
    )
    assert cifar.entries(content) == {"names": [1]}
    with pytest.raises(ValueError, match="opcode"):
        cifar.entries(b"\xff")


# --- folders, noise ---


@pytest.fixture
def animals(tmp_path: Path) -> Path:
    for k, name in enumerate(("dog/b.png", "dog/a.PNG", "cat/far/c.jpg", "cat/notes.txt")):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".txt":
            path.write_text("no image")
        else:
            Image.new("L", (k + 1, 2), 10 * k).save(path)
    return tmp_path


def test_folders(animals: Path) -> None:
    data = datasets.ImageFolder(animals, transform=PILToTensor(), target_transform=str)
    assert data.classes == ["cat", "dog"] and data.targets == [0, 1, 1]
    assert [Path(path).name for path, _ in data.imgs] == ["c.jpg", "a.PNG", "b.png"]
    x, y = data[1]
    assert x.tolist() == [[[10, 10], [10, 10]]] * 3 and y == "1"
    (animals / "cow").mkdir()
    with pytest.raises(
        FileNotFoundError, match="Found no valid file for the classes cow. Supported extensions are: .jpg,"
    ):
        datasets.ImageFolder(animals)
    assert len(datasets.ImageFolder(animals, allow_empty=True)) == 3
    texts = datasets.DatasetFolder(animals, lambda path: Path(path).read_text(), (".txt",), allow_empty=True)
    assert texts[0] == ("no image", 0) and len(texts) == 1
    with pytest.raises(ValueError, match="cannot be None or not None at the same time"):
        datasets.folder.make_dataset(animals)
    with pytest.raises(FileNotFoundError, match="any class folder"):
        datasets.ImageFolder(animals / "cow")


def test_noise_is_torchvisions() -> None:
    data = datasets.FakeData(3, (1, 2, 2), 5)
    state = gg.get_rng_state()
    found = [(np.asarray(image).tolist(), label) for image, label in (data[k] for k in range(3))]
    assert found == [([[136, 182], [213, 144]], 2), ([[168, 68], [15, 158]], 4), ([[100, 199], [175, 205]], 0)]
    assert gg.get_rng_state().equal(state)
    with pytest.raises(IndexError):
        data[3]


def test_either_transforms_or_each() -> None:
    with pytest.raises(ValueError, match="Only transforms or transform/target_transform"):
        datasets.VisionDataset("x", transforms=lambda x, y: (x, y), transform=ToTensor())
    assert datasets.StandardTransform(None, str)(1, 2) == (1, "2")


# --- models: the numbers of torchvision 0.28.0 with PyTorch 2.13.0 ---


def test_the_start_of_a_residual_network() -> None:
    gg.manual_seed(0)
    model = models.resnet18(num_classes=3)
    state = model.state_dict()
    assert len(state) == 122 and "layer2.0.downsample.1.running_var" in state
    found = [state[key].flatten()[:2].tolist() for key in ("conv1.weight", "layer2.0.downsample.0.weight", "fc.weight")]
    assert found == [
        [-0.001007262384518981, -0.005264992825686932],
        [-0.33347538113594055, -0.20544591546058655],
        [-0.020315496250987053, 0.018677866086363792],
    ]
    model.eval()
    with gg.no_grad():
        assert model(gg.zeros(1, 3, 32, 32)).shape == (1, 3)


def test_the_start_of_a_mobile_network() -> None:
    gg.manual_seed(0)
    state = models.mobilenet_v2(num_classes=3).state_dict()
    assert state["features.1.conv.0.0.weight"].flatten()[:2].tolist() == [0.1502906084060669, -0.01925530657172203]
    assert state["classifier.1.weight"].flatten()[:2].tolist() == [-0.00626731850206852, 0.00934042688459158]


def test_what_else_there_is() -> None:
    from glassgrad.vision.models.resnet import BasicBlock, Bottleneck
    from glassgrad.vision.models.vgg import STAGES, make_layers

    keys = list(make_layers(STAGES["11"], batch_norm=True).state_dict())
    assert keys[:3] == ["0.weight", "0.bias", "1.weight"] and len(keys) == 8 * 7
    deep = models.ResNet(Bottleneck, [1, 1, 1, 1], 2, zero_init_residual=True, width_per_group=16)
    assert not deep.layer3[0].bn3.weight.any() and deep.layer1[0].conv2.weight.shape == (16, 16, 3, 3)
    dilated = models.ResNet(Bottleneck, [1, 2, 1, 1], 2, replace_stride_with_dilation=[True, False, False])
    assert dilated.layer2[1].conv2.dilation == (2, 2) and dilated.layer2[0].conv2.dilation == (1, 1)
    with pytest.raises(ValueError, match="only supports groups=1"):
        models.ResNet(BasicBlock, [1, 1, 1, 1], groups=2)
    assert "vgg16" in models.list_models() and models.get_model("resnet18", num_classes=2).fc.out_features == 2
    with pytest.raises(ValueError, match="Unknown model lenet"):
        models.get_model("lenet")


def test_weights_are_not_downloaded() -> None:
    assert models.VGG16_Weights.DEFAULT is models.VGG16_Weights.IMAGENET1K_V1
    for weights in (models.ResNet18_Weights.DEFAULT, "DEFAULT"):
        with pytest.raises(NotImplementedError, match=r"downloads no weights.*load_state_dict\(torch.load\(path\)\)"):
            models.resnet18(weights=weights)
    with pytest.warns(UserWarning, match="'pretrained' is deprecated"), pytest.raises(NotImplementedError):
        models.resnet18(pretrained=True)


# --- grids ---


def test_a_grid() -> None:
    x = gg.arange(12.0).reshape(2, 1, 3, 2)
    grid = utils.make_grid(x, nrow=1, padding=1, normalize=True, pad_value=0.5)
    assert grid.shape == (3, 9, 4)
    expected = np.full((9, 4), 0.5, np.float32)
    expected[1:4, 1:3], expected[5:8, 1:3] = (x / 11).numpy()[:, 0]
    for channel in grid:
        np.testing.assert_allclose(channel.numpy(), expected)
    assert x.max().item() == 11.0
    assert utils.make_grid([gg.zeros(3, 4, 5)] * 5, nrow=3, padding=2).shape == (3, 14, 23)
    assert utils.make_grid(gg.zeros(4, 5)).shape == (3, 4, 5)
    each = utils.make_grid(x, normalize=True, scale_each=True, padding=0)
    assert each[0, 0, 0].item() == each[0, 0, 2].item() == 0.0 and each.shape == (3, 3, 4)
    assert utils.make_grid(x, normalize=True, value_range=(0, 22)).max().item() == 0.5
    for wrong in (3, [np.zeros(3)]):
        with pytest.raises(TypeError, match="tensor or list of tensors expected"):
            utils.make_grid(wrong)


def test_a_picture_is_saved(tmp_path: Path) -> None:
    x = gg.tensor([[[0.0, 0.5], [1.0, 2.0]]])
    utils.save_image(x, tmp_path / "x.png")
    assert np.asarray(Image.open(tmp_path / "x.png"))[:, :, 1].tolist() == [[0, 128], [255, 255]]
    held = io.BytesIO()
    utils.save_image(gg.zeros(4, 3, 2, 2, requires_grad=True), held, format="jpeg", nrow=2, padding=1)
    assert Image.open(held).size == (7, 7)

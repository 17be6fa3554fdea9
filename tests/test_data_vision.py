"""The labelled images: from crafted files, from the real ones, and without any."""

from __future__ import annotations

import gzip
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import glassgrad as gg
from glassgrad.data import MNIST, DataLoader, DatasetNotFound, Digits, FashionMNIST, download, mnist_or_digits
from glassgrad.data.transforms import ToTensor
from glassgrad.data.vision import FASHION_SOURCE, MNIST_SOURCE

IMAGES = np.random.RandomState(0).randint(0, 256, (5, 28, 28)).astype(np.uint8)
LABELS = np.array([0, 9, 4, 4, 1], np.uint8)


def idx(array: np.ndarray) -> bytes:
    return bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def put(folder: Path, images: bytes = idx(IMAGES), labels: bytes = idx(LABELS), part: str = "train") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{part}-images-idx3-ubyte").write_bytes(images)
    (folder / f"{part}-labels-idx1-ubyte").write_bytes(labels)
    return folder


@pytest.fixture(autouse=True)
def nothing_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GLASSGRAD_DATA", raising=False)
    monkeypatch.setattr(download, "cache_folder", lambda: tmp_path / "cache")


@pytest.mark.parametrize("below", [".", "MNIST/raw", "mnist"])
def test_images_and_labels(tmp_path: Path, below: str) -> None:
    put(tmp_path / "data" / below)
    dataset = MNIST(tmp_path / "data")
    assert len(dataset) == 5 and dataset.data.shape == (5, 28, 28)
    assert dataset.data.dtype == gg.uint8 and dataset.targets.dtype == gg.int64
    assert dataset.targets.tolist() == LABELS.tolist()
    image, label = dataset[1]
    assert label == 9 and type(label) is int
    assert image.dtype == np.uint8 and np.array_equal(image, IMAGES[1])
    assert dataset.classes[9] == "9 - nine" and dataset.class_to_idx["0 - zero"] == 0
    assert repr(dataset) == "MNIST(train: 5 images of 28 x 28, 10 classes)"


def test_transforms_are_applied(tmp_path: Path) -> None:
    put(tmp_path, part="t10k")
    dataset = MNIST(tmp_path, train=False, transform=ToTensor(), target_transform=lambda label: -label)
    x, y = next(iter(DataLoader(dataset, batch_size=5)))
    assert x.shape == (5, 1, 28, 28) and x.dtype == gg.float32 and y.tolist() == [0, -9, -4, -4, -1]
    np.testing.assert_array_equal(x.numpy()[:, 0], IMAGES.astype(np.float32) / np.float32(255))


def test_a_selection_can_take_the_place_of_the_data(tmp_path: Path) -> None:
    dataset = MNIST(put(tmp_path))
    dataset.data, dataset.targets = dataset.data[2:4], dataset.targets[2:4]
    assert len(dataset) == 2 and [label for _, label in (dataset[i] for i in range(2))] == [4, 4]


REFUSED = [
    ("no images", {"images": b""}, "not an IDX file"),
    ("images cut off", {"images": idx(IMAGES)[:-1]}, "truncated"),
    ("images too long", {"images": idx(IMAGES) + b"1"}, "more bytes after"),
    ("gzip cut off", {"images": gzip.compress(idx(IMAGES))[:-20]}, "truncated gzip"),
    (
        "labels for images",
        {"images": idx(LABELS)},
        r"expected bytes in 3 dim\(s\), found uint8 of shape \(5,\)",
    ),
    ("images for labels", {"labels": idx(IMAGES)}, r"expected bytes in 1 dim\(s\)"),
    ("a label too few", {"labels": idx(LABELS[:-1])}, "5 images in .* but 4 labels in"),
    ("a label of 10", {"labels": idx(LABELS + 1)}, "label 10 at index 1, expected 0 to 9"),
    (
        "an overflow",
        {"images": b"\0\0\x08\3" + struct.pack(">3I", 4194305, 4194305, 4294967295)},
        "the limit is",
    ),
]


@pytest.mark.parametrize(("files", "told"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_damaged_files_are_refused(tmp_path: Path, files: dict[str, bytes], told: str) -> None:
    put(tmp_path, **files)
    with pytest.raises(ValueError, match=told):
        MNIST(tmp_path)
    with pytest.raises(ValueError, match=told):  # not passed over in favour of other data
        put(tmp_path, part="t10k")
        mnist_or_digits(tmp_path, download=False)


def test_missing_files_name_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="MNIST: Dataset not found. You can use download=True") as error:
        MNIST(tmp_path / "nowhere")
    assert str(tmp_path / "nowhere" / "MNIST" / "raw") in str(error.value)


def test_the_two_data_sets_are_not_taken_for_each_other(tmp_path: Path) -> None:
    for source, right, wrong in ((MNIST_SOURCE, MNIST, FashionMNIST), (FASHION_SOURCE, FashionMNIST, MNIST)):
        folder = tmp_path / source.title
        folder.mkdir()
        for remote in source.files:
            (folder / remote.name).touch()
            with open(folder / remote.name, "r+b") as file:
                file.truncate(remote.size)
        with pytest.raises(DatasetNotFound):
            wrong(folder)
        with pytest.raises(ValueError, match="not an IDX file"):  # found, and full of zeros
            right(folder)


def test_pinned_files_are_named_by_https_and_sha256() -> None:
    for source in (MNIST_SOURCE, FASHION_SOURCE):
        assert len({remote.digest for remote in source.files}) == 4
        for remote in source.files:
            assert len(remote.urls) >= 2 and all(url.startswith("https://") for url in remote.urls)
            assert all(url.endswith("/" + remote.name) for url in remote.urls)
            assert len(bytes.fromhex(remote.digest)) == 32 and remote.size > 0


def test_the_real_mnist(data_folder: Path) -> None:
    for train, n, counts in ((True, 60_000, [5923, 6742]), (False, 10_000, [980, 1135])):
        dataset = MNIST(data_folder, train)
        assert dataset.data.shape == (n, 28, 28)
        assert np.bincount(dataset.targets.numpy())[:2].tolist() == counts
    assert dataset[0][1] == 7 and int(dataset.data[0].sum()) == 18_454


def test_the_real_files_are_the_pinned_ones(data_folder: Path) -> None:
    for remote in MNIST_SOURCE.files:
        path = data_folder / "mnist" / remote.name
        assert (path.stat().st_size, download.digest_of(path, remote.digest)) == (remote.size, remote.digest)


def test_digits() -> None:
    sklearn = pytest.importorskip("sklearn.datasets")
    levels, labels = sklearn.load_digits(return_X_y=True)
    train, test = Digits(True), Digits(False)
    assert (len(train), len(test)) == (1437, 360) and train.data.shape == (1437, 8, 8)
    assert [*train.targets.tolist(), *test.targets.tolist()] == labels.tolist()
    both = np.concatenate([train.data.numpy(), test.data.numpy()]).reshape(-1, 64).astype(int)
    assert both.max() == 255 and np.array_equal(np.rint(both * 16 / 255), levels)
    assert ToTensor()(train[0][0]).max().item() <= 1


def test_digits_name_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(ImportError, match=r"pip install 'glassgrad\[digits\]'"):
        Digits()


def test_mnist_where_it_is(tmp_path: Path) -> None:
    put(put(tmp_path), part="t10k")
    train, test, remark = mnist_or_digits(tmp_path, download=False)
    assert (type(train), type(test), remark) == (MNIST, MNIST, "") and train.train and not test.train


@pytest.mark.parametrize("download_it", [False, True])
def test_digits_where_there_is_no_mnist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, download_it: bool) -> None:
    pytest.importorskip("sklearn")

    def no_network(*args: Any) -> Any:
        raise download.MirrorError("no network")

    monkeypatch.setattr(download, "_open", no_network)
    train, test, remark = mnist_or_digits(tmp_path, ToTensor(), download=download_it)
    assert type(train) is type(test) is Digits and len(test) == 360 and train[0][0].shape == (1, 8, 8)
    assert "8 x 8 digits instead" in remark
    assert ("no network" if download_it else "Dataset not found") in remark


def test_the_import_opens_no_connection_and_needs_no_extra() -> None:
    program = (
        "import sys, socket\n"
        "def refuse(*a, **k): raise SystemExit('the network was used')\n"
        "socket.socket.connect = refuse\n"
        "import glassgrad.data\n"
        "print(*sorted({'sklearn', 'PIL', 'urllib.request', 'multiprocessing'} & set(sys.modules)))"
    )
    source = str(Path(gg.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": source},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == ""

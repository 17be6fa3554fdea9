"""Data sets under torchvision's names, from tiny files in their own formats: whole, packed, damaged, missing."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import lzma
import struct
import sys
import tarfile
import zipfile
from collections.abc import Callable
from email.message import Message
from pathlib import Path

import numpy as np
import pytest

import glassgrad as gg
from glassgrad.core.errors.catalogue import row_of
from glassgrad.data import download
from glassgrad.data.download import DatasetNotFound, Remote, Source
from glassgrad.vision import datasets
from glassgrad.vision.datasets import celeba, files
from glassgrad.vision.transforms import PILToTensor

Image = pytest.importorskip("PIL.Image")
RANDOM = np.random.default_rng(0)
DIGITS = RANDOM.integers(0, 256, (4, 28, 28), np.uint8)


def idx(array: np.ndarray) -> bytes:
    code = {"uint8": 0x08, "int32": 0x0C}[str(array.dtype)]
    head = struct.pack(f">BBBB{array.ndim}I", 0, 0, code, array.ndim, *array.shape)
    return head + array.astype(array.dtype.newbyteorder(">")).tobytes()


def md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()


def put(folder: Path, **contents: bytes) -> Path:
    """Files, each named by its keyword with __ for - and ___ for the dot."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (folder / name.replace("___", ".").replace("__", "-")).write_bytes(content)
    return folder


class Answer(io.BytesIO):
    status = 200

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self.headers = Message()
        self.headers["Content-Length"] = str(len(content))


@pytest.fixture(autouse=True)
def network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """What the addresses give; nothing else is answered, and nothing lies in the other data folders."""
    offered: dict[str, bytes] = {}

    def opens(url: str, offset: int, timeout: float) -> Answer:
        if url not in offered:
            raise download.MirrorError("nobody there")
        return Answer(offered[url])

    monkeypatch.delenv("GLASSGRAD_DATA", raising=False)
    monkeypatch.setattr(download, "cache_folder", lambda: tmp_path / "cache")
    monkeypatch.setattr(download, "_open", opens)
    return offered


# --- MNIST's kin ---


def kin(labels: list[int], part: str = "train") -> dict[str, bytes]:
    """Images and labels, named as MNIST's."""
    return {
        f"{part}__images__idx3__ubyte___gz": gzip.compress(idx(DIGITS[: len(labels)])),
        f"{part}__labels__idx1__ubyte": idx(np.array(labels, np.uint8)),
    }


def test_old_characters(tmp_path: Path) -> None:
    put(tmp_path / "KMNIST" / "raw", **kin([9, 0, 3]))
    data = datasets.KMNIST(str(tmp_path), transform=PILToTensor())
    assert data.targets.tolist() == [9, 0, 3] and data.data.dtype == gg.uint8
    assert data[2][0].equal(gg.tensor(DIGITS[2:3])) and data[2][1] == 3
    assert data.classes[:3] == ["o", "ki", "su"] and data.class_to_idx["wo"] == 9
    assert data.mirrors == ["https://codh.rois.ac.jp/kmnist/dataset/kmnist/"]
    assert data.resources[0] == ("train-images-idx3-ubyte.gz", "bdb82020997e1d708af4cf47b453dcf7")
    assert data.raw_folder == str(tmp_path / "KMNIST" / "raw") and "Split: Train" in repr(data)
    with pytest.warns(UserWarning, match="train_data has been renamed data"):
        assert data.train_data is data.data
    with pytest.warns(UserWarning, match="test_labels has been renamed targets"):
        assert data.test_labels is data.targets


def test_files_of_one_set_are_not_taken_for_anothers(tmp_path: Path) -> None:
    for kind, size in (("images-idx3", 18_165_135), ("labels-idx1", 29_497)):  # KMNIST's
        with open(tmp_path / f"train-{kind}-ubyte.gz", "wb") as file:
            file.truncate(size)
    for other in (datasets.MNIST, datasets.FashionMNIST):
        with pytest.raises(DatasetNotFound):
            other(tmp_path)
    with pytest.raises(ValueError, match="not an IDX file"):
        datasets.KMNIST(tmp_path)


@pytest.fixture
def letters(monkeypatch: pytest.MonkeyPatch) -> bytes:
    """EMNIST's archive with two splits; the class knows its digest."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as zipped:
        for split, labels in (("letters", [1, 26]), ("byclass", [0, 61])):
            start = f"gzip/emnist-{split}-test"
            zipped.writestr(f"{start}-images-idx3-ubyte.gz", gzip.compress(idx(DIGITS[:2])))
            zipped.writestr(f"{start}-labels-idx1-ubyte.gz", gzip.compress(idx(np.array(labels, np.uint8))))
        zipped.writestr("../emnist-letters-test-images-idx3-ubyte.gz", b"!")
    content = held.getvalue()
    remote = Remote("gzip.zip", len(content), md5(content), (datasets.EMNIST.url,))
    monkeypatch.setattr(datasets.EMNIST, "source", Source("EMNIST", datasets.EMNIST.source.folders, (remote,)))
    return content


def test_letters(tmp_path: Path, letters: bytes, network: dict[str, bytes]) -> None:
    with pytest.raises(RuntimeError, match="EMNIST: Dataset not found. You can use download=True to download it"):
        datasets.EMNIST(tmp_path, "letters", train=False)
    network[datasets.EMNIST.url] = letters
    data = datasets.EMNIST(tmp_path, split="letters", train=False, download=True)
    assert data.targets.tolist() == [1, 26] and data.classes[26] == "z" and len(data.classes) == 27
    assert np.array_equal(np.asarray(data[1][0]), DIGITS[1]) and data[1][1] == 26
    network.clear()
    assert datasets.EMNIST(tmp_path, "byclass", train=False).classes[61] == "z"
    raw = tmp_path / "EMNIST" / "raw"
    assert sorted(path.name for path in raw.glob("*letters*")) == [
        "emnist-letters-test-images-idx3-ubyte.gz", "emnist-letters-test-labels-idx1-ubyte.gz",
    ]  # fmt: skip
    assert {split: len(names) for split, names in data.classes_split_dict.items()} == {
        "byclass": 62, "bymerge": 47, "balanced": 47, "letters": 27, "digits": 10, "mnist": 10,
    }  # fmt: skip
    with pytest.raises(RuntimeError):
        datasets.EMNIST(tmp_path, "digits")  # is not in this archive
    (raw / "gzip.zip").write_bytes(letters[:300])
    with pytest.raises(ValueError, match=r"gzip.zip: damaged or truncated .*; delete it and fetch it again"):
        datasets.EMNIST(tmp_path, "digits")
    with pytest.raises(ValueError) as error:
        datasets.EMNIST(tmp_path, "upper")
    assert str(error.value) == (
        "Unknown value 'upper' for argument split. Valid values are "
        "{'byclass', 'bymerge', 'balanced', 'letters', 'digits', 'mnist'}."
    )


def test_who_wrote_the_digits(tmp_path: Path) -> None:
    raw = tmp_path / "QMNIST" / "raw"
    n = 10_002
    images = RANDOM.integers(0, 256, (n, 1, 1), np.uint8)
    labels = np.stack([np.arange(n) % 10, *(np.arange(n) * -k for k in range(1, 8))], 1).astype(np.int32)
    put(raw, qmnist__test__images__idx3__ubyte___gz=gzip.compress(idx(images)))
    put(raw, qmnist__test__labels__idx2__int___gz=gzip.compress(idx(labels)))
    put(raw, xnist__images__idx3__ubyte___xz=lzma.compress(idx(images[:3])))
    put(raw, xnist__labels__idx2__int=idx(labels[:3]))
    assert len(datasets.QMNIST(tmp_path, train=False)) == n
    data = datasets.QMNIST(tmp_path, "test50k", compat=False)
    assert len(data) == 2 and data[1][1].tolist() == labels[10_001].tolist() and data[1][1].dtype == gg.int64
    assert len(datasets.QMNIST(tmp_path, "test10k")) == 10_000 and "Split: test50k" in repr(data)
    every = datasets.QMNIST(tmp_path, what="nist", target_transform=lambda label: -label)
    assert every[2][1] == -2 and every.data.shape == (3, 1, 1)
    with pytest.raises(DatasetNotFound, match=r"Looked for qmnist-train-images-idx3-ubyte.gz in"):
        datasets.QMNIST(tmp_path)
    with pytest.raises(ValueError, match="Expected type str for argument what, but got type <class 'int'>."):
        datasets.QMNIST(tmp_path, 3)
    put(raw, xnist__labels__idx2__int=idx(labels[:3, 0].astype(np.uint8)))
    with pytest.raises(ValueError, match=r"expected int32 in 2 dim\(s\), found uint8 of shape \(3,\)"):
        datasets.QMNIST(tmp_path, "nist")


# --- lines of text: USPS ---

GREY = np.arange(256) / 128 - 1


def line(label: int, grey: np.ndarray = GREY) -> str:
    return f"{label} " + " ".join(f"{k}:{value}" for k, value in enumerate(grey, 1)) + " \n"


def test_envelopes(tmp_path: Path, network: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    content = bz2.compress((line(10) + line(1, GREY[::-1])).encode())
    with pytest.raises(RuntimeError, match=r"Dataset not found or corrupted. You can use download=True .*: usps.bz2"):
        datasets.USPS(tmp_path)
    url = datasets.USPS.split_list["train"][0]
    network[url] = content
    with pytest.raises(RuntimeError, match=r"wrong content: its MD5 is \w{32}, expected ec16c51db3855ca6c91e"):
        datasets.USPS(tmp_path, download=True)
    monkeypatch.setitem(datasets.USPS.split_list, "train", [url, "usps.bz2", md5(content)])
    data = datasets.USPS(str(tmp_path), download=True, transform=PILToTensor())
    assert data.targets == [9, 0] and data.data.dtype == np.uint8 and data.data.shape == (2, 16, 16)
    assert data[0][0].flatten().tolist() == [k * 255 // 256 for k in range(256)]
    assert "Dataset USPS\n    Number of datapoints: 2" in repr(data)


USPS_DAMAGE = {
    "cut off": bz2.compress(line(1).encode() * 9)[:-20],
    "not packed": line(1).encode(),
    "a value too few": bz2.compress(line(1, GREY[1:]).encode()),
    "a label of 11": bz2.compress(line(11).encode()),
    "numbered otherwise": bz2.compress(line(1).replace(" 2:", " 3:").encode()),
    "no numbers": bz2.compress(line(1).replace("1:", "1:x").encode()),
    "nothing": b"",
}


@pytest.mark.parametrize("content", USPS_DAMAGE.values(), ids=list(USPS_DAMAGE))
def test_damaged_envelopes(tmp_path: Path, content: bytes) -> None:
    put(tmp_path, usps___t___bz2=content)
    with pytest.raises(ValueError, match=r"usps.t.bz2: (not lines of a label and 256 values|expected labels of 1 to)"):
        datasets.USPS(tmp_path, train=False)


# --- MATLAB 5: SVHN ---


def matlab(**arrays: np.ndarray) -> bytes:
    """Arrays of bytes as MATLAB 5 saves them: elements of (type, length, content), padded to 8 bytes."""

    def element(kind: int, content: bytes) -> bytes:
        return struct.pack("<II", kind, len(content)) + content + bytes(-len(content) % 8)

    def matrix(name: str, array: np.ndarray) -> bytes:
        flags = element(6, struct.pack("<II", 9, 0))  # uint8
        dims = element(5, struct.pack(f"<{array.ndim}i", *array.shape))
        return element(14, flags + dims + element(1, name.encode()) + element(2, array.tobytes("F")))

    head = b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack("<H", 0x0100) + b"IM"
    return head + b"".join(matrix(name, array) for name, array in arrays.items())


def test_house_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("scipy.io")
    images = RANDOM.integers(0, 256, (32, 32, 3, 3), np.uint8)
    content = matlab(X=images, y=np.array([[10], [1], [9]], np.uint8))
    put(tmp_path, test_32x32___mat=content)
    with pytest.raises(RuntimeError, match=r"Dataset not found or corrupted. You can use .*: test_32x32.mat"):
        datasets.SVHN(tmp_path, "test")  # another file of this name
    url = datasets.SVHN.split_list["test"][0]
    monkeypatch.setitem(datasets.SVHN.split_list, "test", [url, "test_32x32.mat", md5(content)])
    data = datasets.SVHN(tmp_path, split="test")
    assert data.data.shape == (3, 3, 32, 32) and data.labels.tolist() == [0, 1, 9] and data.labels.dtype == np.int64
    image, label = data[2]
    assert np.array_equal(np.asarray(image), images[..., 2]) and label == 9 and type(label) is int
    tensor = datasets.SVHN(tmp_path, "test", transform=gg.vision.transforms.ToTensor())[1][0]
    np.testing.assert_array_equal(tensor.numpy(), images[..., 1].transpose(2, 0, 1).astype(np.float32) / 255)
    assert (data.url, data.filename, data.file_md5) == (url, "test_32x32.mat", md5(content))
    with pytest.raises(ValueError, match=r"Valid values are {'train', 'test', 'extra'}."):
        datasets.SVHN(tmp_path, "all")
    monkeypatch.setitem(sys.modules, "scipy.io", None)
    with pytest.raises(ImportError, match="pip install scipy"):
        datasets.SVHN(tmp_path, "test")


# --- bare bytes: STL-10 ---


@pytest.fixture
def stl(monkeypatch: pytest.MonkeyPatch, network: dict[str, bytes]) -> np.ndarray:
    """Seven photographs: four to train on, one to test with, two without labels; in an archive on the network."""
    images = RANDOM.integers(0, 256, (7, 3, 96, 96), np.uint8)
    columns = images.transpose(0, 1, 3, 2)
    contents = {
        "train_X.bin": columns[:4].tobytes(), "train_y.bin": bytes([1, 10, 3, 4]), "test_X.bin": columns[4:5].tobytes(),
        "test_y.bin": bytes([7]), "unlabeled_X.bin": columns[5:].tobytes(),
        "class_names.txt": b"airplane\nbird\n", "fold_indices.txt": b"3 1 \n" * 9 + b"0 2 3 \n",
    }  # fmt: skip
    for table in ("train_list", "test_list"):
        sums = [[name, md5(contents[name])] for name, _ in getattr(datasets.STL10, table)]
        monkeypatch.setattr(datasets.STL10, table, sums)
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w:gz") as taped:
        for name, content in [*contents.items(), ("../../outside.bin", b"!")]:
            member = tarfile.TarInfo(f"stl10_binary/{name}")
            member.size = len(content)
            taped.addfile(member, io.BytesIO(content))
    monkeypatch.setattr(datasets.STL10, "tgz_md5", md5(held.getvalue()))
    network[datasets.STL10.url] = held.getvalue()
    return images


def test_photographs_without_labels(tmp_path: Path, stl: np.ndarray, network: dict[str, bytes]) -> None:
    root = tmp_path / "data"
    with pytest.raises(RuntimeError, match=r"Dataset not found or corrupted. You can use .*: test_X.bin, test_y.bin$"):
        datasets.STL10(root, "test")
    train = datasets.STL10(root, download=True)
    network.clear()
    assert train.labels.tolist() == [0, 9, 2, 3] and train.classes == ["airplane", "bird"]
    image, label = train[1]
    assert np.array_equal(np.asarray(image), stl[1].transpose(1, 2, 0)) and label == 9
    both = datasets.STL10(str(root), split="train+unlabeled", folds=9)
    assert both.labels.tolist() == [0, 2, 3, -1, -1] and np.array_equal(both.data, stl[[0, 2, 3, 5, 6]])
    assert datasets.STL10(root, "train", 0).labels.tolist() == [3, 9]
    assert datasets.STL10(root, "test")[0][1] == 6 and len(datasets.STL10(root, "unlabeled")) == 2
    assert "Split: train+unlabeled" in repr(both) and not list(tmp_path.rglob("outside.bin"))
    for folds, told in ((10, r"in the range \[0, 10\), but got 10."), ("1", "None or int .* got type <class 'str'>.")):
        with pytest.raises(ValueError, match=told):
            datasets.STL10(root, folds=folds)
    with pytest.raises(ValueError, match=r"Valid values are {'train', 'train\+unlabeled', 'unlabeled', 'test'}."):
        datasets.STL10(root, "valid")
    put(root / "stl10_binary", test_y___bin=b"\1")
    with pytest.raises(RuntimeError, match=r"Missing or damaged in .*stl10_binary: test_y.bin$"):
        datasets.STL10(root, "test")


def test_another_data_folder_is_used(tmp_path: Path, stl: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    datasets.STL10(tmp_path / "there", download=True)
    monkeypatch.setenv("GLASSGRAD_DATA", str(tmp_path / "there"))
    assert len(datasets.STL10(tmp_path / "here", "test", download=True)) == 1 and not (tmp_path / "here").exists()


def test_a_truncated_archive_is_named(tmp_path: Path) -> None:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w:gz") as taped:
        member = tarfile.TarInfo("a/b")
        member.size = 100_000
        taped.addfile(member, io.BytesIO(RANDOM.bytes(100_000)))
    (tmp_path / "a.tar.gz").write_bytes(held.getvalue()[:50_000])
    with pytest.raises(ValueError, match=r"a.tar.gz: damaged or truncated"):
        files.unpack(tmp_path / "a.tar.gz", tmp_path, "a", lambda name: True)
    assert not (tmp_path / "b").exists()


# --- tables of text and pictures: CelebA ---

PARTS = [0, 2, 0, 1]


@pytest.fixture
def faces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """What puts CelebA's files below tmp_path, the pictures packed or not."""
    names = [f"{k + 1:06d}.jpg" for k in range(4)]

    def rows(head: str, *values: list[int]) -> bytes:
        lines = [f"{name} " + " ".join(f"{v:2d}" for v in row) for name, row in zip(names, values, strict=True)]
        return (head + "\n".join(lines) + "\n").encode()

    contents = {
        "list_eval_partition.txt": rows("", *([part] for part in PARTS)),
        "identity_CelebA.txt": rows("", *([2880 + k] for k in range(4))),
        "list_bbox_celeba.txt": rows("4\nimage_id x_1 y_1 width height\n", *([k, 10, 20, 30] for k in range(4))),
        "list_landmarks_align_celeba.txt": rows("4\n" + "x y " * 5 + "\n", *([*range(k, k + 10)] for k in range(4))),
        "list_attr_celeba.txt": rows("4\nBald Young \n", [-1, 1], [1, 1], [1, -1], [-1, -1]),
    }
    table = [(place, md5(contents.get(name, b"")), name) for place, _, name in datasets.CelebA.file_list]
    monkeypatch.setattr(datasets.CelebA, "file_list", table)

    def place(packed: bool) -> None:
        folder = tmp_path / "celeba"
        (folder if packed else folder / celeba.PICTURES).mkdir(parents=True)
        for name, content in contents.items():
            (folder / name).write_bytes(content)
        held = io.BytesIO()
        with zipfile.ZipFile(held, "w") as zipped:
            for k, name in enumerate(names):
                picture = io.BytesIO()
                Image.new("RGB", (4, 5), (60 * k, 0, 0)).save(picture, "jpeg")
                zipped.writestr(f"{celeba.PICTURES}/{name}", picture.getvalue())
                if not packed:
                    (folder / celeba.PICTURES / name).write_bytes(picture.getvalue())
        if packed:
            (folder / f"{celeba.PICTURES}.zip").write_bytes(held.getvalue())

    return place


def test_faces(tmp_path: Path, faces: Callable[..., None]) -> None:
    faces(packed=False)
    data = datasets.CelebA(tmp_path, transform=PILToTensor())
    assert data.filename == ["000001.jpg", "000003.jpg"] and data.attr_names == ["Bald", "Young"]
    assert data.attr.tolist() == [[0, 1], [1, 0]] and data.attr.dtype == gg.int64
    image, target = data[1]
    assert image.shape == (3, 5, 4) and abs(image[0, 0, 0].item() - 120) < 5 and target.tolist() == [1, 0]
    assert repr(data).splitlines()[3:5] == ["    Target type: ['attr']", "    Split: train"]
    both = datasets.CelebA(str(tmp_path), "ALL", ["identity", "bbox", "landmarks"], target_transform=list)
    identity, bbox, landmarks = both[3][1]
    assert identity.item() == 2883 and bbox.tolist() == [3, 10, 20, 30] and landmarks.tolist() == [*range(3, 13)]
    assert len(both) == 4 and len(datasets.CelebA(tmp_path, "valid")) == len(datasets.CelebA(tmp_path, "test")) == 1
    assert datasets.CelebA(tmp_path, target_type=[])[0][1] is None
    with pytest.raises(RuntimeError, match="target_transform is specified but target_type is empty"):
        datasets.CelebA(tmp_path, target_type=[], target_transform=list)
    with pytest.raises(ValueError, match=r"'night' for argument split. Valid values are {'train', 'valid', 'test', "):
        datasets.CelebA(tmp_path, "night")
    with pytest.raises(ValueError, match="Unknown value 'age' for argument target_type"):
        datasets.CelebA(tmp_path, target_type="age")[0]


def test_faces_are_fetched_by_hand(tmp_path: Path, faces: Callable[..., None]) -> None:
    for asked in (False, True):
        with pytest.raises(RuntimeError, match="Dataset not found or corrupted. Its files lie on a drive") as error:
            datasets.CelebA(tmp_path, download=asked)
        assert "projects/CelebA.html" in str(error.value) and "list_attr_celeba.txt" in str(error.value)
        assert str(tmp_path / "celeba") in str(error.value)
        assert row_of(error.value)[0] == "GG922"
    faces(packed=True)
    with pytest.raises(RuntimeError, match=r"Missing or damaged in .*celeba: img_align_celeba$"):
        datasets.CelebA(tmp_path)
    assert datasets.CelebA(tmp_path, download=True)[0][0].size == (4, 5)
    assert not (tmp_path / "celeba" / f"{celeba.PICTURES}.part").exists()
    put(tmp_path / "celeba", identity_CelebA___txt=b"000001.jpg 1\n")
    with pytest.raises(RuntimeError, match=r"celeba: identity_CelebA.txt$"):
        datasets.CelebA(tmp_path)


def test_addresses_are_https_with_digests() -> None:
    rows = [*datasets.USPS.split_list.values(), *datasets.SVHN.split_list.values()]
    rows += [[datasets.EMNIST.url, "", datasets.EMNIST.md5], [datasets.STL10.url, "", datasets.STL10.tgz_md5]]
    rows += [[url, "", digest] for subset in datasets.QMNIST.resources.values() for url, digest in subset]
    assert len(rows) == 13 and len({row[0] for row in rows}) == len({row[2] for row in rows}) == 13
    for url, _, digest in rows:
        assert url.startswith("https://") and len(bytes.fromhex(digest)) == 16

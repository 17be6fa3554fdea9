"""Labelled images: MNIST, Fashion-MNIST and the 8 x 8 digits that come with scikit-learn."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from ..ops.create import from_numpy
from .dataset import Dataset
from .download import DatasetNotFound, Progress, Remote, Source, locate
from .idx import read_idx

Root = str | os.PathLike[str] | None


def _idx_files(mirrors: tuple[str, ...], *files: tuple[str, int, str]) -> tuple[Remote, ...]:
    return tuple(
        Remote(name, size, digest, tuple(f"{mirror}/{name}" for mirror in mirrors)) for name, size, digest in files
    )


MNIST_SOURCE = Source(
    "MNIST",
    ("MNIST/raw", "mnist"),
    _idx_files(
        (
            "https://ossci-datasets.s3.amazonaws.com/mnist",
            "https://storage.googleapis.com/cvdf-datasets/mnist",
            "https://raw.githubusercontent.com/fgnt/mnist/master",
        ),
        (
            "train-images-idx3-ubyte.gz",
            9_912_422,
            "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        ),
        (
            "train-labels-idx1-ubyte.gz",
            28_881,
            "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        ),
        (
            "t10k-images-idx3-ubyte.gz",
            1_648_877,
            "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        ),
        (
            "t10k-labels-idx1-ubyte.gz",
            4_542,
            "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        ),
    ),
)

FASHION_SOURCE = Source(
    "FashionMNIST",
    ("FashionMNIST/raw", "fashion-mnist", "fashion_mnist"),
    _idx_files(
        (
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion",
            "https://storage.googleapis.com/tensorflow/tf-keras-datasets",
        ),
        (
            "train-images-idx3-ubyte.gz",
            26_421_880,
            "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        ),
        (
            "train-labels-idx1-ubyte.gz",
            29_515,
            "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        ),
        (
            "t10k-images-idx3-ubyte.gz",
            4_422_102,
            "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        ),
        (
            "t10k-labels-idx1-ubyte.gz",
            5_148,
            "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        ),
    ),
)

KMNIST_SOURCE = Source(
    "KMNIST",
    ("KMNIST/raw", "kmnist"),
    _idx_files(
        ("https://codh.rois.ac.jp/kmnist/dataset/kmnist",),
        ("train-images-idx3-ubyte.gz", 18_165_135, "bdb82020997e1d708af4cf47b453dcf7"),
        ("train-labels-idx1-ubyte.gz", 29_497, "e144d726b3acfaa3e44228e80efcd344"),
        ("t10k-images-idx3-ubyte.gz", 3_041_136, "5c965bf0a639b31b8f53240b1b52f4d7"),
        ("t10k-labels-idx1-ubyte.gz", 5_120, "7320c461ea6c1c855c0b718fb2a4b134"),
    ),
)

# They name their files alike: a packed file of exactly another's size is the other's.
NAMED_ALIKE = (MNIST_SOURCE, FASHION_SOURCE, KMNIST_SOURCE)


class LabelledImages(Dataset[tuple[Any, Any]]):
    """Images `data` (N, H, W) uint8 and labels `targets` (N,) int64, both tensors.

    A sample is (transform(image), target_transform(label)), where the image is a NumPy array (H, W) of uint8
    and the label a Python int.
    """

    classes: ClassVar[list[str]]

    def __init__(
        self,
        images: np.ndarray,
        labels: np.ndarray,
        train: bool,
        transform: Callable[[Any], Any] | None,
        target_transform: Callable[[Any], Any] | None,
    ) -> None:
        self.data = from_numpy(images)
        self.targets = from_numpy(labels.astype(np.int64))
        self.train = train
        self.transform = transform
        self.target_transform = target_transform

    @property
    def class_to_idx(self) -> dict[str, int]:
        return {name: i for i, name in enumerate(self.classes)}

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        image, label = self.data.numpy()[index], int(self.targets[index])
        if self.transform is not None:
            image = self.transform(image)
        return image, label if self.target_transform is None else self.target_transform(label)

    def __len__(self) -> int:
        return len(self.data)

    def __repr__(self) -> str:
        n, *sizes = self.data.shape
        size, part = " x ".join(map(str, sizes)), "train" if self.train else "test"
        return f"{type(self).__name__}({part}: {n} images of {size}, {len(self.classes)} classes)"


class MNIST(LabelledImages):
    """Handwritten digits, 28 x 28: 60,000 to train on (train=True) and 10,000 to test with.

    root: a folder with the four IDX files, plain or .gz, in itself, in MNIST/raw (torchvision's layout) or
    in mnist. Where it is None, or has none, they are looked for in $GLASSGRAD_DATA and in the user's cache.
    With download=True missing files are fetched into root/MNIST/raw (into the cache without a root), checked
    against their digests.
    Raises DatasetNotFound (a RuntimeError) where they are missing, ValueError for damaged files.
    Source: LeCun, Bottou, Bengio, Haffner 1998, "Gradient-based learning applied to document recognition".
    """

    source: ClassVar[Source] = MNIST_SOURCE
    layout: ClassVar[tuple[tuple[str, int], ...]] = (("uint8", 3), ("uint8", 1))  # dtype and dims, images and labels
    classes: ClassVar[list[str]] = [
        f"{digit} - {name}" for digit, name in enumerate("zero one two three four five six seven eight nine".split())
    ]

    def __init__(
        self,
        root: Root = None,
        train: bool = True,
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
        download: bool = False,
        *,
        progress: Progress | None = None,
    ) -> None:
        paths = [self._locate(name, root, download, progress) for name in self._names(train)]
        images, labels = map(read_idx, paths)
        for path, array, (dtype, ndim) in zip(paths, (images, labels), self.layout, strict=True):
            if array.ndim != ndim or array.dtype != dtype:
                wanted = "bytes" if dtype == "uint8" else dtype
                raise ValueError(
                    f"{path}: expected {wanted} in {ndim} dim(s), found {array.dtype} of shape {array.shape}"
                )
        if len(images) != len(labels):
            raise ValueError(f"{len(images)} images in {paths[0]} but {len(labels)} labels in {paths[1]}")
        marks = labels if labels.ndim == 1 else labels[:, 0]
        if marks.size and marks.max() >= len(self.classes):
            at = int(marks.argmax())
            raise ValueError(f"{paths[1]}: label {marks[at]} at index {at}, expected 0 to {len(self.classes) - 1}")
        super().__init__(images, labels, train, transform, target_transform)

    def _names(self, train: bool) -> tuple[str, ...]:
        """The files of the images and of the labels."""
        return tuple(f"{'train' if train else 't10k'}-{kind}-ubyte.gz" for kind in ("images-idx3", "labels-idx1"))

    def _locate(self, name: str, root: Root, download: bool, progress: Progress | None) -> Path:
        return locate(self.source, name, root, download=download, accept=self._accepts, progress=progress)

    def _accepts(self, path: Path) -> bool:
        if path.suffix != ".gz" or self.source not in NAMED_ALIKE:
            return True
        return path.stat().st_size not in [kin.remote(path.name).size for kin in NAMED_ALIKE if kin is not self.source]


class FashionMNIST(MNIST):
    """Zalando's article images, in the shape of MNIST: same arguments, same sizes.

    Source: Xiao, Rasul, Vollgraf 2017, arXiv:1708.07747.
    """

    source = FASHION_SOURCE
    classes: ClassVar[list[str]] = [
        *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
        *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    ]


class Digits(LabelledImages):
    """The 1,797 digits of 8 x 8 that come with scikit-learn: the first 1,437 to train on, the last 360 to
    test with.

    Nothing is downloaded. The grey levels 0 to 16 are spread over 0 to 255, so that ToTensor gives 0 to 1.
    Raises ImportError where scikit-learn is not installed.
    Source: Alpaydin, Kaynak 1998, "Optical recognition of handwritten digits", UCI Machine Learning
    Repository.
    """

    classes: ClassVar[list[str]] = [str(digit) for digit in range(10)]
    n_train = 1437

    def __init__(
        self,
        train: bool = True,
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
    ) -> None:
        try:
            from sklearn.datasets import load_digits
        except ImportError as problem:
            raise ImportError("Digits needs scikit-learn: pip install 'glassgrad[digits]'") from problem
        levels, labels = load_digits(return_X_y=True)
        images = np.rint(levels * (255 / 16)).astype(np.uint8).reshape(-1, 8, 8)
        part = slice(None, self.n_train) if train else slice(self.n_train, None)
        super().__init__(images[part], labels[part], train, transform, target_transform)


def mnist_or_digits(
    root: Root = None,
    transform: Callable[[Any], Any] | None = None,
    *,
    download: bool = True,
    progress: Progress | None = None,
) -> tuple[LabelledImages, LabelledImages, str]:
    """(train, test, remark): MNIST, or the 8 x 8 digits where MNIST is neither on the disk nor to be
    downloaded.

    The remark is empty for MNIST and otherwise says what is used instead, and why. Damaged files and a full
    disk still raise: they are to be mended, not passed over.
    """
    try:
        train, test = (MNIST(root, train, transform, download=download, progress=progress) for train in (True, False))
    except DatasetNotFound as problem:
        remark = f"MNIST is not to be had, so this is scikit-learn's 8 x 8 digits instead.\n{problem}"
        return Digits(True, transform), Digits(False, transform), remark
    return train, test, ""

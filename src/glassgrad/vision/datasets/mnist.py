"""MNIST and its kin as torchvision has them; the files are read in glassgrad.data.vision."""

from __future__ import annotations

import os
import string
from pathlib import Path
from typing import Any, ClassVar

from ...core.provenance import warn
from ...data import vision
from ...data.download import DatasetNotFound, Progress, Remote, Source, locate
from .dataset import Call, VisionDataset
from .files import one_of, unpack


def addresses(source: Source) -> tuple[list[str], list[tuple[str, str]]]:
    """torchvision's `mirrors` and `resources`: where the files are, their names and digests."""
    mirrors = [url.removesuffix(source.files[0].name) for url in source.files[0].urls]
    return mirrors, [(remote.name, remote.digest) for remote in source.files]


class MNIST(VisionDataset, vision.MNIST):
    """Handwritten digits, 28 x 28: a sample is (a Pillow image of mode L, or what transform makes of it; an int).

    The files lie in root/MNIST/raw, where download=True puts them; see glassgrad.data.MNIST for where they are looked
    for otherwise, and for the errors.
    """

    mirrors: ClassVar[list[str]]
    resources: ClassVar[Any]  # (name, digest) of each file; QMNIST's by subset
    mirrors, resources = addresses(vision.MNIST_SOURCE)

    def __init__(
        self, root: Any, train: bool = True, transform: Call | None = None, target_transform: Call | None = None,
        download: bool = False,
    ) -> None:  # fmt: skip
        vision.MNIST.__init__(self, root, train, transform, target_transform, download)
        self._place(root, None, transform, target_transform)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        return self._sample(self.data.numpy()[index], int(self.targets[index]))

    def __len__(self) -> int:
        return len(self.data)

    def extra_repr(self) -> str:
        return f"Split: {'Train' if self.train is True else 'Test'}"

    @property
    def raw_folder(self) -> str:
        return os.path.join(self.root, type(self).__name__, "raw")

    @property
    def processed_folder(self) -> str:
        return os.path.join(self.root, type(self).__name__, "processed")


def _renamed(old: str, new: str) -> property:
    def get(self: MNIST) -> Any:
        warn(f"{old} has been renamed {new}")
        return getattr(self, new)

    return property(get)


for _part in ("train", "test"):
    setattr(MNIST, f"{_part}_data", _renamed(f"{_part}_data", "data"))
    setattr(MNIST, f"{_part}_labels", _renamed(f"{_part}_labels", "targets"))


class FashionMNIST(MNIST):
    """Zalando's article images, in the shape of MNIST: same arguments, same sizes."""

    source = vision.FASHION_SOURCE
    mirrors, resources = addresses(source)
    classes = vision.FashionMNIST.classes


class KMNIST(MNIST):
    """Characters of old Japanese handwriting, in the shape of MNIST: same arguments, same sizes.

    Source: Clanuwat et al. 2018, arXiv:1812.01718.
    """

    source = vision.KMNIST_SOURCE
    mirrors, resources = addresses(source)
    classes: ClassVar[list[str]] = ["o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"]


LETTERS_ALIKE = set("cijklmopsuvwxyz")  # in upper and lower case
CHARACTERS = sorted(string.digits + string.ascii_letters)
MERGED = [character for character in CHARACTERS if character not in LETTERS_ALIKE]


class EMNIST(MNIST):
    """Handwritten digits and letters, 28 x 28, each image lying on its side: transposed, as the files have it.

    split: byclass (62 classes), bymerge and balanced (47: letters that look alike in both cases are one), letters (26,
    from 1 on), digits or mnist (10). The files lie in root/EMNIST/raw; download=True fetches one archive of all splits
    (560 MB), from which the two asked for are taken.
    Source: Cohen, Afshar, Tapson, van Schaik 2017, arXiv:1702.05373.
    """

    url = "https://biometrics.nist.gov/cs_links/EMNIST/gzip.zip"
    md5 = "58c8d27c78d21e728a6bc7b3cc06412e"
    source = Source(
        "EMNIST", ("EMNIST/raw", "EMNIST/raw/gzip", "emnist", "gzip"), (Remote("gzip.zip", 561_753_746, md5, (url,)),)
    )
    mirrors, resources = addresses(source)
    classes_split_dict: ClassVar[dict[str, list[str]]] = {
        "byclass": CHARACTERS,
        "bymerge": MERGED,
        "balanced": MERGED,
        "letters": ["N/A", *string.ascii_lowercase],
        "digits": [*string.digits],
        "mnist": [*string.digits],
    }
    splits = tuple(classes_split_dict)

    def __init__(self, root: Any, split: str, **kwargs: Any) -> None:
        self.split = one_of(split, "split", self.splits)
        self.classes = self.classes_split_dict[split]  # type: ignore[misc]
        super().__init__(root, **kwargs)

    def _names(self, train: bool) -> tuple[str, ...]:
        start = f"emnist-{self.split}-{'train' if train else 'test'}"
        return f"{start}-images-idx3-ubyte.gz", f"{start}-labels-idx1-ubyte.gz"

    def _locate(self, name: str, root: vision.Root, download: bool, progress: Progress | None) -> Path:
        try:
            return locate(self.source, name, root)
        except DatasetNotFound:
            archive = super()._locate("gzip.zip", root, download, progress)
        unpack(archive, archive.parent, "gzip", {name}.__contains__)
        return locate(self.source, name, archive.parent)


QMNIST_AT = "https://raw.githubusercontent.com/facebookresearch/qmnist/master/"
QMNIST_FILES = {  # images and labels of each subset, with their MD5
    "train": (
        ("qmnist-train-images-idx3-ubyte.gz", "ed72d4157d28c017586c42bc6afe6370"),
        ("qmnist-train-labels-idx2-int.gz", "0058f8dd561b90ffdd0f734c6a30e5e4"),
    ),
    "test": (
        ("qmnist-test-images-idx3-ubyte.gz", "1394631089c404de565df7b7aeaf9412"),
        ("qmnist-test-labels-idx2-int.gz", "5b5b05890a5e13444e108efe57b788aa"),
    ),
    "nist": (
        ("xnist-images-idx3-ubyte.xz", "7f124b3b8ab81486c9d8c2749c17f834"),
        ("xnist-labels-idx2-int.xz", "5ed0e788978e45d4a8bd4b7caec3d79d"),
    ),
}
PARTS = {"test10k": slice(10_000), "test50k": slice(10_000, None)}


class QMNIST(MNIST):
    """MNIST made anew from NIST's digits, with more to test on, and with who wrote what.

    what: train (60,000), test (60,000), test10k (those of MNIST), test50k (the others) or nist (all 402,953); None
    for train or test, as train says. compat=False: a target is a tensor of 8 integers, the class, NIST's series, the
    writer, the place among the writer's digits, NIST's class, the digit's number in NIST's set, two that are not used.
    The files lie in root/QMNIST/raw. Source: Yadav, Bottou 2019, arXiv:1905.10498.
    """

    subsets: ClassVar[dict[str, str]] = {  # the files of each
        "train": "train", "test": "test", "test10k": "test", "test50k": "test", "nist": "nist",
    }  # fmt: skip
    mirrors = [QMNIST_AT]
    resources = {subset: [(QMNIST_AT + name, md5) for name, md5 in files] for subset, files in QMNIST_FILES.items()}
    source = Source(
        "QMNIST",
        ("QMNIST/raw", "qmnist"),
        tuple(Remote(name, 0, md5, (QMNIST_AT + name,)) for files in QMNIST_FILES.values() for name, md5 in files),
    )
    layout = (("uint8", 3), ("int32", 2))

    def __init__(
        self, root: Any, what: str | None = None, compat: bool = True, train: bool = True, **kwargs: Any
    ) -> None:
        self.what = one_of(("train" if train else "test") if what is None else what, "what", self.subsets)
        self.compat = compat
        super().__init__(root, train, **kwargs)
        if part := PARTS.get(self.what):
            self.data, self.targets = self.data[part], self.targets[part]

    def _names(self, train: bool) -> tuple[str, ...]:
        return tuple(name for name, _ in QMNIST_FILES[self.subsets[self.what]])

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        target = self.targets[index]
        return self._sample(self.data.numpy()[index], int(target[0]) if self.compat else target)

    def extra_repr(self) -> str:
        return f"Split: {self.what}"

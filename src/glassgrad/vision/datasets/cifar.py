"""CIFAR-10 and CIFAR-100, from the files that are pickles of Python 2, which are read without being executed."""

from __future__ import annotations

import pickletools
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from ...data.download import Remote, fetch
from .dataset import Call, VisionDataset
from .files import gather, unpack

STRINGS = {"BINSTRING", "SHORT_BINSTRING", "STRING", "BINUNICODE", "SHORT_BINUNICODE", "UNICODE"}
NUMBERS = {"BININT", "BININT1", "BININT2", "INT"}


def entries(content: bytes) -> dict[str, Any]:
    """What a pickled dictionary holds under its strings: other strings, and lists of strings or of integers.

    The instructions are read one by one; none is carried out. ValueError where they are no pickle.
    """
    found: dict[str, Any] = {}
    key = ""
    items: list[Any] | None = None  # of the list that is being filled
    last = ""
    value: Any
    for opcode, value, _ in pickletools.genops(content):
        name = opcode.name
        if last == "APPENDS" and name != "MARK":  # a list comes in portions
            items = None
        if name == "EMPTY_LIST":
            items = found[key] = []
        elif name in STRINGS or name in NUMBERS:
            if items is not None:
                items.append(value)
            elif name in STRINGS:
                if len(value) >= PIXELS:
                    found[key] = value.encode("latin-1")
                else:
                    key = value
        last = name
    return found


PIXELS = 3 * 32 * 32


class CIFAR10(VisionDataset):
    """60,000 photographs of 32 x 32 in ten classes, 50,000 to train on: (a Pillow image, an int).

    `data` (N, 32, 32, 3) is an array of uint8, `targets` a list. The files lie in root/cifar-10-batches-py, where
    download=True puts them. Raises DatasetNotFound (a RuntimeError) where they are missing or damaged.
    Source: Krizhevsky 2009, "Learning multiple layers of features from tiny images".
    """

    base_folder: ClassVar[str] = "cifar-10-batches-py"
    remote: ClassVar[Remote] = Remote(
        "cifar-10-python.tar.gz",
        170_498_071,
        "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
        ("https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",),
    )
    train_list: ClassVar[list[tuple[str, str]]] = [  # file, MD5
        ("data_batch_1", "c99cafc152244af753f735de768cd75f"),
        ("data_batch_2", "d4bba439e000b95fd0a9bffe97cbabec"),
        ("data_batch_3", "54ebc095f3ab1f0389bbae665268c751"),
        ("data_batch_4", "634d18415352ddfa80567beed471001a"),
        ("data_batch_5", "482c414d41f54cd18b22e5b47cb7c3cb"),
    ]
    test_list: ClassVar[list[tuple[str, str]]] = [("test_batch", "40351d587109b95175f43aff81a1287e")]
    meta: ClassVar[tuple[str, str]] = ("batches.meta", "5ff9c542aee3614f3951f8cda6e48888")
    labels: ClassVar[str] = "labels"
    names: ClassVar[str] = "label_names"

    def __init__(
        self, root: Any, train: bool = True, transform: Call | None = None, target_transform: Call | None = None,
        download: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(root, None, transform, target_transform)
        self.train = train
        files = dict([*self.train_list, *self.test_list, self.meta])

        def get(folder: Path) -> None:
            unpack(fetch(self.remote, folder.parent), folder, self.base_folder, files.__contains__)

        folder = gather(self.root, self.base_folder, files, get if download else None)
        parts = [entries((folder / name).read_bytes()) for name, _ in (self.train_list if train else self.test_list)]
        pixels = np.concatenate([np.frombuffer(part["data"], np.uint8) for part in parts])
        self.data = pixels.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
        self.targets = [label for part in parts for label in part[self.labels]]
        if len(self.targets) != len(self.data):
            raise ValueError(f"{folder}: {len(self.data)} images, but {len(self.targets)} labels")
        self.classes = entries((folder / self.meta[0]).read_bytes())[self.names]
        self.class_to_idx = {name: i for i, name in enumerate(self.classes)}

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        return self._sample(self.data[index], self.targets[index])

    def __len__(self) -> int:
        return len(self.data)

    def extra_repr(self) -> str:
        return f"Split: {'Train' if self.train is True else 'Test'}"


class CIFAR100(CIFAR10):
    """CIFAR-10's pictures' kin, in a hundred classes; the files lie in root/cifar-100-python."""

    base_folder = "cifar-100-python"
    remote = Remote(
        "cifar-100-python.tar.gz",
        169_001_437,
        "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7",
        ("https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz",),
    )
    train_list: ClassVar[list[tuple[str, str]]] = [("train", "16019d7e3df5f24257cddd939b257f8d")]
    test_list: ClassVar[list[tuple[str, str]]] = [("test", "f0ef6b0ae62326f3e7ffdfab6717acfc")]
    meta = ("meta", "7973b15100ade9c7d40fb424638fde48")
    labels = "fine_labels"
    names = "fine_label_names"

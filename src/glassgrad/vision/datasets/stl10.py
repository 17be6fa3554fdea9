"""STL-10: photographs, most of them without a label, from files of bare bytes."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from ...data.download import Remote, fetch
from .dataset import Call, SplitImages
from .files import gather, one_of, unpack


class STL10(SplitImages):
    """Photographs of 96 x 96 in ten classes, 5,000 to train on, 8,000 to test with, 100,000 unlabeled (label -1).

    split: train, test, unlabeled or train+unlabeled. folds: 0 to 9 takes one of ten folds of 1,000 to train on.
    `data` (N, 3, 96, 96) and `labels` (N,) are arrays. The files lie in root/stl10_binary, where download=True puts
    them (2.6 GB); only those that the split needs are looked at.
    Raises DatasetNotFound (a RuntimeError) where they are missing or damaged.
    Source: Coates, Lee, Ng 2011, "An analysis of single-layer networks in unsupervised feature learning".
    """

    base_folder = "stl10_binary"
    filename = "stl10_binary.tar.gz"
    url = f"https://ai.stanford.edu/~acoates/stl10/{filename}"
    tgz_md5 = "91f7769df0f17e558f3565bffb0c7dfb"
    class_names_file = "class_names.txt"
    folds_list_file = "fold_indices.txt"
    train_list: ClassVar[list[list[str]]] = [  # file, MD5
        ["train_X.bin", "918c2871b30a85fa023e0c44e0bee87f"],
        ["train_y.bin", "5a34089d4802c674881badbb80307741"],
        ["unlabeled_X.bin", "5242ba1fed5e4be9e1e742405eb56ca4"],
    ]
    test_list: ClassVar[list[list[str]]] = [
        ["test_X.bin", "7f263ba9f9e0b06b93213547f721ac82"],
        ["test_y.bin", "36f9794fa4beb8a2c72628de14fa638e"],
    ]
    splits = ("train", "train+unlabeled", "unlabeled", "test")

    def __init__(
        self, root: Any, split: str = "train", folds: int | None = None, transform: Call | None = None,
        target_transform: Call | None = None, download: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(root, None, transform, target_transform)
        self.split = one_of(split, "split", self.splits)
        if not isinstance(folds, int | None):
            raise ValueError(f"Expected type None or int for argument folds, but got type {type(folds)}.")
        if folds is not None and folds not in range(10):
            raise ValueError(f"Value for argument folds should be in the range [0, 10), but got {folds}.")
        self.folds = folds
        parts = split.split("+")
        files = {name: md5 for name, md5 in (*self.train_list, *self.test_list) if name.partition("_")[0] in parts}
        files |= {self.folds_list_file: ""} if folds is not None else {}
        folder = gather(self.root, self.base_folder, files, self._fetch if download else None)
        images, labels = zip(*(self._read(folder, part) for part in parts), strict=True)
        self.data = images[0] if len(parts) == 1 else np.concatenate(images)
        self.labels = np.concatenate(labels)
        if (names := folder / self.class_names_file).is_file():
            self.classes = names.read_text().splitlines()

    def _fetch(self, folder: Path) -> None:
        urls = (self.url, self.url.replace("//ai.", "//cs."))
        archive = fetch(Remote(self.filename, 0, self.tgz_md5, urls), folder.parent)
        unpack(archive, folder, self.base_folder, lambda name: name.endswith((".bin", ".txt")))

    def _read(self, folder: Path, part: str) -> tuple[np.ndarray, np.ndarray]:
        images = np.fromfile(folder / f"{part}_X.bin", np.uint8).reshape(-1, 3, 96, 96)
        images = images.transpose(0, 1, 3, 2)  # column by column in the file
        if part == "unlabeled":
            return images, np.full(len(images), -1)
        labels = np.fromfile(folder / f"{part}_y.bin", np.uint8) - 1  # from 1 in the file
        if part == "test" or self.folds is None:
            return images, labels
        rows = np.array((folder / self.folds_list_file).read_text().splitlines()[self.folds].split(), int)
        return images[rows], labels[rows]

"""CelebA: faces of known people, with what is said of each in tables of text."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from ...ops.create import from_numpy
from .dataset import Call, VisionDataset
from .files import gather, one_of, unpack
from .folder import pil_loader

PICTURES = "img_align_celeba"
SPLITS = {"train": 0, "valid": 1, "test": 2, "all": None}
TARGETS = {"attr": "attr", "identity": "identity", "bbox": "bbox", "landmarks": "landmarks_align"}
BY_HAND = (
    "Its files lie on a drive that gives them to browsers alone: get them by the links of "
    f"https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html; download=True unpacks {PICTURES}.zip"
)


class CelebA(VisionDataset):
    """202,599 photographs of faces, 178 x 218, split train, valid, test or all: (a Pillow image, its target).

    target_type: attr (a tensor of 40 times 0 or 1, named in attr_names), identity (a tensor: who it is), bbox (x, y,
    width, height in the photograph before it was cut), landmarks (x and y of eyes, nose, mouth), or a list of these for
    a tuple; an empty list for None. The tables lie in root/celeba, the pictures in root/celeba/img_align_celeba.
    They cannot be downloaded: DatasetNotFound (a RuntimeError) says what to put where.
    Source: Liu, Luo, Wang, Tang 2015, arXiv:1411.7766.
    """

    base_folder = "celeba"
    file_list: ClassVar[list[tuple[str, str, str]]] = [  # on the drive, MD5, name
        ("0B7EVK8r0v71pZjFTYXZWM3FlRnM", "00d2c5bc6d35e252742224ab0c1e8fcb", f"{PICTURES}.zip"),
        ("0B7EVK8r0v71pblRyaVFSWGxPY0U", "75e246fa4810816ffd6ee81facbd244c", "list_attr_celeba.txt"),
        ("1_ee_0u7vcNLOfNLegJRHmolfH5ICW-XS", "32bd1bd63d3c78cd57e08160ec5ed1e2", "identity_CelebA.txt"),
        ("0B7EVK8r0v71pbThiMVRxWXZ4dU0", "00566efa6fedff7a56946cd1c10f1c16", "list_bbox_celeba.txt"),
        ("0B7EVK8r0v71pd0FJY3Blby1HUTQ", "cc24ecafdb5b50baae59b03474781f8c", "list_landmarks_align_celeba.txt"),
        ("0B7EVK8r0v71pY0NSMzRuSXJEVkk", "d32c9cbf5e040fd4025c592c306e6668", "list_eval_partition.txt"),
    ]

    def __init__(
        self, root: Any, split: str = "train", target_type: list[str] | str = "attr", transform: Call | None = None,
        target_transform: Call | None = None, download: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(root, None, transform, target_transform)
        self.split = split
        self.target_type = target_type if isinstance(target_type, list) else [target_type]
        if not self.target_type and target_transform is not None:
            raise RuntimeError("target_transform is specified but target_type is empty")
        files = {name: md5 for _, md5, name in self.file_list[1:]} | {PICTURES: ""}
        self._folder = gather(self.root, self.base_folder, files, unzip if download else None, BY_HAND)
        wanted = SPLITS[one_of(split.lower() if isinstance(split, str) else split, "split", SPLITS)]
        names, parts, _ = table(self._folder / "list_eval_partition.txt", 0)
        rows = np.arange(len(parts)) if wanted is None else np.flatnonzero(parts[:, 0] == wanted)
        self.filename = [names[row] for row in rows]

        def read(name: str, head: int) -> tuple[Any, list[str]]:
            _, numbers, names = table(self._folder / name, head)
            return from_numpy(numbers[rows]), names

        self.identity, _ = read("identity_CelebA.txt", 0)
        self.bbox, _ = read("list_bbox_celeba.txt", 2)
        self.landmarks_align, _ = read("list_landmarks_align_celeba.txt", 2)
        signs, self.attr_names = read("list_attr_celeba.txt", 2)
        self.attr = (signs + 1) // 2  # -1 and 1 in the file

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        image = pil_loader(self._folder / PICTURES / self.filename[index])
        if self.transform is not None:
            image = self.transform(image)
        kinds = [one_of(kind, "target_type", TARGETS) for kind in self.target_type]
        found = [
            self.identity[index, 0] if kind == "identity" else getattr(self, TARGETS[kind])[index] for kind in kinds
        ]
        if not found:
            return image, None
        target = tuple(found) if len(found) > 1 else found[0]
        return image, target if self.target_transform is None else self.target_transform(target)

    def __len__(self) -> int:
        return len(self.attr)

    def extra_repr(self) -> str:
        return f"Target type: {self.target_type}\nSplit: {self.split}"


def table(path: Path, head: int) -> tuple[list[str], np.ndarray, list[str]]:
    """The files' names, the integers beside each (N, columns), and the columns' names: the last of the first lines."""
    lines = path.read_text().splitlines()
    columns = range(1, len(lines[head].split()))
    numbers = np.loadtxt(lines[head:], np.int64, usecols=columns, ndmin=2)
    return [line.split(maxsplit=1)[0] for line in lines[head:]], numbers, lines[head - 1].split() if head else []


def unzip(folder: Path) -> None:
    """The archive of the pictures, where it lies in the folder; whole or not at all."""
    archive, part = folder / f"{PICTURES}.zip", folder / f"{PICTURES}.part"
    if archive.is_file() and not (folder / PICTURES).exists():
        unpack(archive, part, PICTURES, lambda name: name.endswith(".jpg"))
        os.replace(part, folder / PICTURES)

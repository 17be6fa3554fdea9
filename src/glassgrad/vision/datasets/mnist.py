"""MNIST and Fashion-MNIST as torchvision has them; the files are read in glassgrad.data.vision."""

from __future__ import annotations

import os
from typing import Any

from ...data import vision
from .dataset import Call, VisionDataset


class MNIST(VisionDataset, vision.MNIST):
    """Handwritten digits, 28 x 28: a sample is (a Pillow image of mode L, or what transform makes of it; an int).

    The files lie in root/MNIST/raw, where download=True puts them; see glassgrad.data.MNIST for where they are looked
    for otherwise, and for the errors.
    """

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


class FashionMNIST(MNIST):
    """Zalando's article images, in the shape of MNIST: same arguments, same sizes."""

    source = vision.FASHION_SOURCE
    other = vision.MNIST_SOURCE
    classes = vision.FashionMNIST.classes

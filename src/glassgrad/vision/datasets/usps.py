"""USPS: digits of envelopes, from lines of text as LIBSVM has them."""

from __future__ import annotations

import bz2
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from ...data.download import Remote, fetch
from .dataset import Call, VisionDataset
from .files import gather

PIXELS = 16 * 16
AT = "https://www.csie.ntu.edu.tw/~cjlin/libsvmtools/datasets/multiclass/"


class USPS(VisionDataset):
    """Digits from envelopes, 16 x 16: 7,291 to train on and 2,007 to test with. A sample is (a Pillow image, an int).

    `data` (N, 16, 16) is an array of uint8, `targets` a list; the file usps.bz2 or usps.t.bz2 lies in root.
    Raises DatasetNotFound (a RuntimeError) where it is missing, ValueError where it is damaged.
    Source: Hull 1994, "A database for handwritten text recognition research".
    """

    split_list: ClassVar[dict[str, list[str]]] = {  # address, file, MD5
        "train": [f"{AT}usps.bz2", "usps.bz2", "ec16c51db3855ca6c91edd34d0e9b197"],
        "test": [f"{AT}usps.t.bz2", "usps.t.bz2", "8ea070ee2aca1ac39742fdd1ef5ed118"],
    }

    def __init__(
        self, root: Any, train: bool = True, transform: Call | None = None, target_transform: Call | None = None,
        download: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(root, None, transform, target_transform)
        url, name, md5 = self.split_list["train" if train else "test"]
        remote = Remote(name, 0, md5, (url,))
        folder = gather(self.root, ".", {name: ""}, (lambda base: fetch(remote, base)) if download else None)
        self.data, self.targets = read(folder / name)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        return self._sample(self.data[index], self.targets[index])

    def __len__(self) -> int:
        return len(self.data)


def read(path: Path) -> tuple[np.ndarray, list[int]]:
    """Images (N, 16, 16) and labels of lines "label 1:grey 2:grey ... 256:grey": labels from 1, grey from -1 to 1."""
    try:
        lines = bz2.decompress(path.read_bytes()).decode().replace(":", " ").splitlines()
        table = np.loadtxt(lines or ["empty"], np.float32, ndmin=2).reshape(-1, 1 + 2 * PIXELS)
    except (OSError, ValueError) as problem:
        raise ValueError(f"{path}: not lines of a label and {PIXELS} values, packed by bzip2 ({problem})") from problem
    labels, grey = table[:, 0].astype(int) - 1, table[:, 2::2]
    if (table[:, 1::2] != np.arange(1, PIXELS + 1)).any() or not ((0 <= labels) & (labels < 10)).all():
        raise ValueError(f"{path}: expected labels of 1 to 10 and values numbered from 1 to {PIXELS}")
    return ((grey + 1) / 2 * 255).astype(np.uint8).reshape(-1, 16, 16), labels.tolist()

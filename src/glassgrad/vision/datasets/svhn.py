"""SVHN: house numbers, from MATLAB's files, which SciPy reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from ...data.download import Remote, fetch
from .dataset import Call, SplitImages
from .files import gather, one_of

AT = "https://ufldl.stanford.edu/housenumbers/"


class SVHN(SplitImages):
    """House numbers' digits, photographs of 32 x 32, split train, test or extra: (a Pillow image, an int).

    `data` (N, 3, 32, 32) and `labels` (N,) are arrays of uint8 and int64; the file lies in root. SciPy is needed.
    Raises DatasetNotFound (a RuntimeError) where it is missing or damaged, ImportError without SciPy.
    Source: Netzer et al. 2011, "Reading digits in natural images with unsupervised feature learning".
    """

    split_list: ClassVar[dict[str, list[str]]] = {  # address, file, MD5
        "train": [f"{AT}train_32x32.mat", "train_32x32.mat", "e26dedcc434d2e4c54c9b2d4a06d8373"],
        "test": [f"{AT}test_32x32.mat", "test_32x32.mat", "eb5a983be6a315427106f1b164d9cef3"],
        "extra": [f"{AT}extra_32x32.mat", "extra_32x32.mat", "a93ce644f1a588dc4d68dda5feec44a7"],
    }

    def __init__(
        self, root: Any, split: str = "train", transform: Call | None = None, target_transform: Call | None = None,
        download: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(root, None, transform, target_transform)
        self.split = one_of(split, "split", self.split_list)
        self.url, self.filename, self.file_md5 = self.split_list[split]
        read = mat_reader()  # before 1.3 GB are fetched for nothing
        folder = gather(self.root, ".", {self.filename: self.file_md5}, self._fetch if download else None)
        held = read(folder / self.filename)
        self.data = held["X"].transpose(3, 2, 0, 1)  # (32, 32, 3, N) in the file
        self.labels = held["y"].astype(np.int64).reshape(-1) % 10  # 0 is 10 in the file

    def _fetch(self, folder: Path) -> None:
        fetch(Remote(self.filename, 0, self.file_md5, (self.url,)), folder)


def mat_reader() -> Any:
    try:
        from scipy.io import loadmat
    except ImportError as problem:
        raise ImportError("SVHN's files are MATLAB's, which SciPy reads: pip install scipy") from problem
    return loadmat

"""What is to be learned: labelled samples as tensors, normalised once."""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import glassgrad as gg

from ..data import DataLoader, Digits, FashionMNIST, TensorDataset, mnist_or_digits, two_moons
from ..data.download import Progress
from ..data.vision import LabelledImages

__all__ = ["TASKS", "Task", "load", "patterns"]

Root = str | os.PathLike[str] | None


@dataclass
class Task:
    """train, test: samples x (N, ...) float32 with classes y (N,) int64. remark: why it is not what was asked for."""

    name: str
    train: TensorDataset
    test: TensorDataset
    classes: Sequence[str]
    source: str
    remark: str = ""

    @property
    def sample_shape(self) -> tuple[int, ...]:
        return tuple(self.train.tensors[0].shape[1:])

    def loader(self, batch_size: int, seed: int, workers: int = 0) -> DataLoader:
        """Training batches, shuffled by a generator of their own: the order is the seed's, whatever else draws."""
        generator = gg.Generator().manual_seed(seed)
        return DataLoader(self.train, batch_size, shuffle=True, num_workers=workers, generator=generator)

    def test_loader(self) -> DataLoader:
        return DataLoader(self.test, batch_size=500)

    def limited(self, n: int | None) -> Task:
        """The same with at most the first n samples to train on and to test with."""
        if n is None:
            return self
        train, test = (TensorDataset(*(tensor[:n] for tensor in part.tensors)) for part in (self.train, self.test))
        return Task(self.name, train, test, self.classes, f"{self.source}, the first {n:,} of it", self.remark)

    def fingerprint(self) -> int:
        """A number that is another for other training data, so that a run is resumed on what it began with."""
        crc = 0
        for tensor in self.train.tensors:
            crc = zlib.crc32(np.ascontiguousarray(tensor.numpy()).data, crc)
        return crc


def load(name: str, root: Root = None, *, limit: int | None = None, progress: Progress | None = None) -> Task:
    """The task of this name. Files are looked for below root, in $GLASSGRAD_DATA and in the cache, else downloaded.

    Raises what the data sets raise: DatasetNotFound, ValueError for damaged files, OSError.
    """
    return TASKS[name](root, progress).limited(limit)


def _mnist(root: Root, progress: Progress | None) -> Task:
    train, test, remark = mnist_or_digits(root, progress=progress)
    return _images("digits" if isinstance(train, Digits) else "mnist", train, test, remark)


def _fashion(root: Root, progress: Progress | None) -> Task:
    train, test = (FashionMNIST(root, part, download=True, progress=progress) for part in (True, False))
    return _images("fashion", train, test)


def _digits(root: Root, progress: Progress | None) -> Task:
    return _images("digits", Digits(True), Digits(False))


def _images(name: str, train: LabelledImages, test: LabelledImages, remark: str = "") -> Task:
    """(N, H, W) bytes -> (N, 1, H, W) with mean 0 and variance 1 over the training images."""
    levels, counts = np.arange(256) / 255, np.bincount(train.data.numpy().reshape(-1), minlength=256)
    mean = np.average(levels, weights=counts)
    std = np.sqrt(np.average((levels - mean) ** 2, weights=counts))
    table = ((levels - mean) / std).astype(np.float32)
    learned, tested = (
        TensorDataset(gg.from_numpy(table[part.data.numpy()[:, None]]), part.targets) for part in (train, test)
    )
    classes = [text.partition(" - ")[0] for text in train.classes]  # "7 - seven" -> "7"
    height, width = train.data.shape[1:]
    source = f"{type(train).__name__}, {len(train):,} + {len(test):,} images of {height} × {width}"
    return Task(name, learned, tested, classes, source, remark)


def _moons(root: Root, progress: Progress | None) -> Task:
    train, test = (_tensors(*two_moons(1000, noise=0.1, random_state=seed)) for seed in (1, 2))
    return Task("moons", train, test, ("upper", "lower"), "two moons, 1,000 + 1,000 points, noise 0.1")


def _patterns(root: Root, progress: Progress | None) -> Task:
    train, test = (_tensors(*patterns(n, seed)) for n, seed in ((2000, 1), (1000, 2)))
    return Task("patterns", train, test, list(PATTERNS), "bars of 8 × 8, 2,000 + 1,000 images, noise 0.3")


def _tensors(x: np.ndarray, y: np.ndarray) -> TensorDataset:
    return TensorDataset(gg.from_numpy(x.astype(np.float32)), gg.from_numpy(y.astype(np.int64)))


PATTERNS = {"row": (0, 1), "column": (1, 0), "falling": (1, 1), "rising": (-1, 1)}  # steps down and to the right


def patterns(n: int, seed: int, noise: float = 0.3) -> tuple[np.ndarray, np.ndarray]:
    """A bar of 5 pixels anywhere in an image of 8 x 8, in one of four directions: x (n, 1, 8, 8), y (n,).

    Since a bar may lie anywhere, no single pixel tells the directions apart: that is what a convolution is for.
    """
    random = np.random.RandomState(seed)
    y = random.randint(len(PATTERNS), size=n)
    step = np.array(list(PATTERNS.values()))[y]  # (n, 2)
    first = (random.uniform(size=(n, 2)) * (8 - 4 * abs(step))).astype(int) - 4 * np.minimum(step, 0)
    bar = first[:, :, None] + step[:, :, None] * np.arange(5)  # (n, 2, 5)
    x = np.zeros((n, 1, 8, 8))
    x[np.arange(n)[:, None], 0, bar[:, 0], bar[:, 1]] = 1
    return x + random.normal(scale=noise, size=x.shape), y


TASKS: dict[str, Callable[[Any, Any], Task]] = {
    "mnist": _mnist,
    "fashion": _fashion,
    "digits": _digits,
    "moons": _moons,
    "patterns": _patterns,
}

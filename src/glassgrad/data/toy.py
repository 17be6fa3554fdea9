"""Small data to begin with: two moons, names, tiny Shakespeare."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from .download import Progress, Remote, Source, locate

Root = str | os.PathLike[str] | None

NAMES_SOURCE = Source(
    "names",
    ("names",),
    (
        Remote(
            "names.txt",
            228_145,
            "0a30b5557f192f32ab962680889aac5f6fda0f4cecf40a6d0b5694f58ea8cc4d",
            (
                "https://raw.githubusercontent.com/karpathy/makemore/988aa59e4d8fefa526d06f3b453ad116258398d4/names.txt",
                "https://raw.githubusercontent.com/karpathy/makemore/master/names.txt",
            ),
        ),
    ),
)

SHAKESPEARE_SOURCE = Source(
    "tiny Shakespeare",
    ("tinyshakespeare",),
    (
        Remote(
            "input.txt",
            1_115_394,
            "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
            (
                "https://raw.githubusercontent.com/karpathy/ng-video-lecture/52201428ed7b46804849dea0b3ccf0de9df1a5c3/input.txt",
                "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt",
            ),
        ),
    ),
)


def two_moons(
    n_samples: int = 100,
    *,
    shuffle: bool = True,
    noise: float | None = None,
    random_state: int | np.random.RandomState | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Two half circles that reach into each other: points (n, 2) float64 and labels (n,) int64.

    Moon 0 is (cos t, sin t), moon 1 is (1 - cos t, 1/2 - sin t), t evenly from 0 to pi, n // 2 points of
    moon 0 and the rest of moon 1; `noise` is the standard deviation of what is added to both coordinates.
    random_state: a seed, a generator, or None for NumPy's own (np.random.seed). The same random_state gives
    the numbers of sklearn.datasets.make_moons, whose arguments these are.
    Raises ValueError for fewer than one sample or a negative noise.
    """
    if n_samples < 1:
        raise ValueError(f"two_moons: n_samples should be at least 1, got {n_samples}")
    if noise is not None and not noise >= 0:
        raise ValueError(f"two_moons: noise is a standard deviation and cannot be negative, got {noise}")
    random: Any = np.random.RandomState(random_state) if isinstance(random_state, int) else random_state or np.random
    t, u = (np.linspace(0, np.pi, n) for n in (n_samples // 2, n_samples - n_samples // 2))
    x = np.concatenate([np.cos(t), 1 - np.cos(u)])
    y = np.concatenate([np.sin(t), 1 - np.sin(u) - 0.5])
    points = np.stack([x, y], axis=1)
    labels = np.repeat(np.array([0, 1]), [len(t), len(u)])
    if shuffle:
        order = np.arange(n_samples)
        random.shuffle(order)
        points, labels = points[order], labels[order]
    if noise is not None:
        points += random.normal(scale=noise, size=points.shape)
    return points, labels


def names(root: Root = None, *, download: bool = False, progress: Progress | None = None) -> list[str]:
    """32,033 first names in lower case, the most frequent first. Found or fetched as MNIST is."""
    return _text(NAMES_SOURCE, root, download, progress).split()


def tiny_shakespeare(root: Root = None, *, download: bool = False, progress: Progress | None = None) -> str:
    """1,115,394 characters of Shakespeare's plays. Found or fetched as MNIST is."""
    return _text(SHAKESPEARE_SOURCE, root, download, progress)


def _text(source: Source, root: Root, download: bool, progress: Progress | None) -> str:
    (remote,) = source.files
    right_size = lambda path: path.stat().st_size == remote.size
    path = locate(source, remote.name, root, download=download, accept=right_size, progress=progress)
    return path.read_text(encoding="utf-8")

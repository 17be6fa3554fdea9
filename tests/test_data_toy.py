"""Two moons, names, tiny Shakespeare."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glassgrad.data import DatasetNotFound, download, names, tiny_shakespeare, two_moons


@pytest.mark.parametrize("n", [1, 2, 7, 100])
def test_the_moons_lie_on_their_half_circles(n: int) -> None:
    points, labels = two_moons(n, random_state=0)
    assert points.shape == (n, 2) and points.dtype == np.float64 and labels.dtype == np.int64
    assert np.bincount(labels, minlength=2).tolist() == [n // 2, n - n // 2]
    upper, lower = points[labels == 0], points[labels == 1]
    np.testing.assert_allclose(np.hypot(*upper.T), 1, rtol=1e-12)
    np.testing.assert_allclose(np.hypot(*(lower - [1, 0.5]).T), 1, rtol=1e-12)
    assert (upper[:, 1] >= 0).all() and (lower[:, 1] <= 0.5).all()


@pytest.mark.parametrize("options", [
    {"random_state": 1337, "noise": 0.1}, {"n_samples": 33, "random_state": 0}, {"shuffle": False},
    {"n_samples": 1, "random_state": 2, "noise": 0.0}, {"shuffle": False, "noise": 0.3, "random_state": 4},
])  # fmt: skip
def test_the_numbers_are_those_of_make_moons(options: dict[str, Any]) -> None:
    sklearn = pytest.importorskip("sklearn.datasets")
    for ours, theirs in zip(two_moons(**options), sklearn.make_moons(**options), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_numpys_seed_and_a_generator_are_used() -> None:
    np.random.seed(3)
    seeded, _ = two_moons(noise=0.1)
    given, _ = two_moons(noise=0.1, random_state=np.random.RandomState(3))
    np.testing.assert_array_equal(seeded, given)
    assert not np.array_equal(given, two_moons(noise=0.1, random_state=4)[0])


@pytest.mark.parametrize(("options", "told"), [({"n_samples": 0}, "at least 1, got 0"), ({"noise": -1.0}, "negative")])
def test_moons_that_make_no_sense(options: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        two_moons(**options)


def test_the_real_texts(data_folder: Path) -> None:
    found = names(data_folder)
    assert len(found) == 32_033 and found[:3] == ["emma", "olivia", "ava"]
    text = tiny_shakespeare(data_folder)
    assert len(text) == 1_115_394 and text.startswith("First Citizen:") and len(set(text)) == 65


def test_another_file_of_that_name_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GLASSGRAD_DATA", raising=False)
    monkeypatch.setattr(download, "cache_folder", lambda: tmp_path / "cache")
    (tmp_path / "input.txt").write_text("my own text")
    with pytest.raises(DatasetNotFound, match="tiny Shakespeare: Dataset not found"):
        tiny_shakespeare(tmp_path)

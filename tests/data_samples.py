"""Datasets and functions for the tests of the DataLoader, where a spawned worker can import them."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

import glassgrad as gg
from glassgrad.data import Dataset, IterableDataset, get_worker_info


class Squares(Dataset[Any]):
    """Sample i is (i, i * i as an array, its name)."""

    def __init__(self, n: int) -> None:
        self.n = n

    def __getitem__(self, index: int) -> Any:
        return {"i": index, "square": np.array([float(index) ** 2]), "name": f"sample {index}"}

    def __len__(self) -> int:
        return self.n


class Calls(Dataset[Any]):
    """Sample i is what `function(i)` gives."""

    def __init__(self, n: int, function: Any) -> None:
        self.n, self.function = n, function

    def __getitem__(self, index: int) -> Any:
        return self.function(index)

    def __len__(self) -> int:
        return self.n


class Stream(IterableDataset[int]):
    """0 to n - 1: to every worker all of it, or (sharded) every worker its share of unequal length."""

    def __init__(self, n: int, sharded: bool = False) -> None:
        self.n, self.sharded = n, sharded

    def __iter__(self) -> Iterator[int]:
        info = get_worker_info()
        if self.sharded and info is not None:
            shares = np.array_split(np.arange(self.n), [self.n // 5] if info.num_workers == 2 else [])
            return iter(shares[info.id].tolist())
        return iter(range(self.n))

    def __len__(self) -> int:
        return self.n


class Heavy(Dataset[Any]):
    """Whatever is asked for, 2 MiB of the first index."""

    def __getitems__(self, indices: list[int]) -> list[Any]:
        return [np.full(1 << 18, indices[0])]


class TwoArguments(Exception):
    def __init__(self, one: str, two: str) -> None:
        super().__init__(one, two)


def pid(index: int) -> int:
    return os.getpid()


def who(index: int) -> Any:
    info = get_worker_info()
    return None if info is None else (info.id, info.num_workers, info.seed, len(info.dataset))


def random_numbers(index: int) -> tuple[float, ...]:
    return random.random(), np.random.random(), gg.rand(1, dtype=gg.float64).item()


def raises_value_error(index: int) -> int:
    if index == 3:
        raise ValueError("sample 3 is spoilt")
    return index


def raises_key_error(index: int) -> int:
    return {0: 0}[index]


def raises_two_arguments(index: int) -> int:
    raise TwoArguments("first", "second")


def raises_a_local_class(index: int) -> int:
    class Local(Exception):
        pass

    raise Local("nobody can import this class")


def raises_stop_iteration(index: int) -> int:
    if index == 2:
        raise StopIteration
    return index


def cannot_be_sent(index: int) -> Any:
    return lambda: index


def dies(index: int) -> int:
    if index == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return index


def leaves(index: int) -> int:
    if index == 3:
        os._exit(7)
    return index


def exits(index: int) -> int:
    raise SystemExit(5)


def sleeps(index: int) -> int:
    time.sleep(60)
    return index


def sleeps_briefly(index: int) -> int:
    time.sleep(0.01 * (index % 3))
    return index


def init_raises(worker_id: int) -> None:
    raise OSError(f"worker {worker_id} finds no file")


def init_reseeds(worker_id: int) -> None:
    random.seed(worker_id)


def raising_collate(samples: list[Any]) -> Any:
    raise TypeError("cannot collate these")

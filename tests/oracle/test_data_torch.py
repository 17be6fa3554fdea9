"""Data against PyTorch: the same batches in the same order from the same seed, the same kinds of error."""

from __future__ import annotations

import random
from collections import namedtuple
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import glassgrad as gg
import glassgrad.data as gg_data

torch = pytest.importorskip("torch")
torch_data = pytest.importorskip("torch.utils.data")

OURS = SimpleNamespace(lib=gg, data=gg_data)
THEIRS = SimpleNamespace(lib=torch, data=torch_data)
SEEDS = [0, 1, 42, 2**31, 2**63 - 1]

pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded, use of fork:DeprecationWarning"),
]


def plain(value: Any) -> Any:
    """Lists and numbers for tensors, with their dtype; parts of a split as their indices."""
    if isinstance(value, (gg.Tensor, torch.Tensor)):
        return str(value.dtype).rsplit(".", 1)[-1], value.tolist()
    if isinstance(value, dict):
        return type(value).__name__, {key: plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value).__name__, [plain(part) for part in value]
    return list(value.indices) if hasattr(value, "indices") else value


def same(make: Any, seed: int = 0) -> None:
    """What `make(library)` gives, and what it leaves of the random numbers, is the same for both."""
    results = []
    for side in (OURS, THEIRS):
        side.lib.manual_seed(seed)
        results.append((plain(make(side)), side.lib.rand(3).tolist()))
    assert results[0] == results[1]


def generator(side: SimpleNamespace, seed: int) -> Any:
    return side.lib.Generator().manual_seed(seed)


SAMPLERS = {
    "random": lambda d, g: d.RandomSampler(range(100), generator=g),
    "random, 250 of 100": lambda d, g: d.RandomSampler(range(100), num_samples=250, generator=g),
    "random, 7 of 100": lambda d, g: d.RandomSampler(range(100), num_samples=7, generator=g),
    "replacement": lambda d, g: d.RandomSampler(range(100), replacement=True, generator=g),
    "replacement, 64": lambda d, g: d.RandomSampler(range(9), True, 64, g),
    "replacement, 70": lambda d, g: d.RandomSampler(range(9), True, 70, g),
    "one": lambda d, g: d.RandomSampler(range(1), generator=g),
    "subset": lambda d, g: d.SubsetRandomSampler([9, 7, 5, 3, 1], g),
    "weighted": lambda d, g: d.WeightedRandomSampler([0.1, 0.9, 0.4, 0.7, 3.0, 0.6], 50, True, g),
    "weighted, without": lambda d, g: d.WeightedRandomSampler([0.9, 0.4, 0.05, 0.2, 0.3, 0.1], 6, False, g),
    "batches": lambda d, g: d.BatchSampler(d.RandomSampler(range(23), generator=g), 4, False),
    "batches, no last": lambda d, g: d.BatchSampler(d.RandomSampler(range(23), generator=g), 4, True),
    "sequential": lambda d, g: d.SequentialSampler(range(5)),
}  # fmt: skip


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize("own", [False, True], ids=["default", "own generator"])
@pytest.mark.parametrize("seed", SEEDS)
def test_samplers(name: str, own: bool, seed: int) -> None:
    def two_passes(side: SimpleNamespace) -> Any:
        sampler = SAMPLERS[name](side.data, generator(side, seed) if own else None)
        return [len(sampler), list(sampler), list(sampler)]

    same(two_passes, seed)


@pytest.mark.parametrize(
    "lengths", [[3, 7], [None], [0, None], [0.3, 0.3, 0.4], [0.5, 0.5], [1 / 3, 1 / 3, 1 / 3], [1.0], [2, 2]]
)
@pytest.mark.parametrize("n", [10, 11, 1, 0])
@pytest.mark.filterwarnings("ignore:Length of split")
def test_splits(lengths: list[Any], n: int) -> None:
    lengths = [n if length is None else length for length in lengths]

    def split(side: SimpleNamespace) -> Any:
        try:
            return [
                side.data.random_split(range(n), lengths),
                side.data.random_split(range(n), lengths, generator(side, 5)),
            ]
        except ValueError:
            return "ValueError"

    same(split)


class Rows:
    """Sample i is (i, i / 2, [i, -i] as float32)."""

    def __len__(self) -> int:
        return 23

    def __getitem__(self, index: int) -> Any:
        return index, index / 2, np.array([index, -index], np.float32)


BATCHES = [
    {},
    {"batch_size": 4},
    {"batch_size": 4, "shuffle": True},
    {"batch_size": 5, "shuffle": True, "drop_last": True},
    {"batch_size": None},
    {"batch_size": None, "shuffle": True},
    {"batch_size": 100, "shuffle": True},
    {"batch_size": 3, "sampler": [5, 4, 3, 2, 22]},
    {"batch_sampler": [[1, 2], [3], [22, 0, 1]]},
]


@pytest.mark.parametrize("options", BATCHES, ids=str)
@pytest.mark.parametrize(
    "workers",
    [{}, {"num_workers": 1}, {"num_workers": 2}, {"num_workers": 2, "persistent_workers": True}],
    ids=str,
)
@pytest.mark.parametrize("own", [False, True], ids=["default", "own generator"])
def test_batches(options: dict[str, Any], workers: dict[str, Any], own: bool) -> None:
    def two_epochs(side: SimpleNamespace) -> Any:
        own_generator = generator(side, 9) if own else None
        loader = side.data.DataLoader(Rows(), generator=own_generator, **options, **workers)
        epochs = [[*loader], [*loader]]
        return [len(loader), epochs, side.lib.rand(2, generator=own_generator)]

    same(two_epochs, seed=3)


@pytest.mark.parametrize("seed", SEEDS)
def test_batches_of_tensors_and_of_a_split(seed: int) -> None:
    def epochs(side: SimpleNamespace) -> Any:
        lib, data = side.lib, side.data
        whole = data.TensorDataset(lib.arange(60.0).reshape(20, 3), lib.arange(20))
        train, test = data.random_split(whole, [0.8, 0.2])
        loaders = [data.DataLoader(part, batch_size=3, shuffle=True) for part in (train, test, train + test)]
        return [[*loader] for _ in range(2) for loader in loaders]

    same(epochs, seed)


class Noise:
    """Sample i is three random numbers, of Python, NumPy and the library."""

    def __init__(self, lib: Any) -> None:
        self.lib = lib

    def __len__(self) -> int:
        return 6

    def __getitem__(self, index: int) -> Any:
        return random.random(), np.random.random(), self.lib.rand(1, dtype=self.lib.float64).item()


@pytest.mark.parametrize("persistent_workers", [False, True])
def test_workers_draw_the_same_random_numbers(persistent_workers: bool) -> None:
    def numbers(side: SimpleNamespace) -> Any:
        loader = side.data.DataLoader(
            Noise(side.lib), batch_size=None, num_workers=2, persistent_workers=persistent_workers
        )
        return [[*loader], [*loader]]

    same(numbers)


def stream(side: SimpleNamespace, n: int) -> Any:
    class Stream(side.data.IterableDataset):  # type: ignore[name-defined]
        def __iter__(self) -> Iterator[int]:
            info = side.data.get_worker_info()
            return iter(range(n) if info is None else range(n)[info.id * 2 :: 1 + info.id])

        def __len__(self) -> int:
            return n * 10

    return Stream()


@pytest.mark.parametrize("num_workers", [0, 1, 2])
@pytest.mark.parametrize("options", [{}, {"batch_size": 3}, {"batch_size": 3, "drop_last": True}, {"batch_size": None}])
def test_streams(num_workers: int, options: dict[str, Any]) -> None:
    def two_epochs(side: SimpleNamespace) -> Any:
        loader = side.data.DataLoader(stream(side, 11), num_workers=num_workers, **options)
        return [len(loader), [*loader], [*loader]]

    same(two_epochs)


Point = namedtuple("Point", "x y")
SAMPLES = [
    [1, 2], [1.0, 2.0], [True, False], ["a", "b"], [b"a"], [np.float32(1), np.float32(2)], [np.float64(1)],
    [np.int8(1)], [np.bool_(True)], [np.array([1, 2])], [np.zeros((2, 0))], [(1, "a"), (2, "b")],
    [[1, 2], [3, 4]], [{"a": 1, "b": (2, 3.0)}, {"a": 4, "b": (5, 6.0)}], [Point(1, "x"), Point(2, "y")],
    [Point([1, 2], {"z": 3})], [()], [[]], [{}], [range(2), range(2)],
]  # fmt: skip


@pytest.mark.parametrize("batch", SAMPLES, ids=str)
def test_collate(batch: list[Any]) -> None:
    same(lambda side: side.data.default_collate(batch))


@pytest.mark.parametrize("batch", SAMPLES, ids=str)
def test_convert(batch: list[Any]) -> None:
    same(lambda side: side.data.default_convert(batch))
    same(lambda side: side.data.default_convert(batch[0]))


ERRORS = {
    "num_workers=-1": lambda s: s.data.DataLoader([1], num_workers=-1),
    "timeout=-1": lambda s: s.data.DataLoader([1], timeout=-1),
    "prefetch without workers": lambda s: s.data.DataLoader([1], prefetch_factor=2),
    "prefetch_factor=-1": lambda s: s.data.DataLoader([1], num_workers=1, prefetch_factor=-1),
    "persistent without workers": lambda s: s.data.DataLoader([1], persistent_workers=True),
    "sampler and shuffle": lambda s: s.data.DataLoader([1], sampler=[0], shuffle=True),
    "batch_sampler and size": lambda s: s.data.DataLoader([1], batch_sampler=[[0]], batch_size=2),
    "batch_sampler and drop_last": lambda s: s.data.DataLoader([1], batch_sampler=[[0]], drop_last=True),
    "batch_size=None, drop_last": lambda s: s.data.DataLoader([1], batch_size=None, drop_last=True),
    "batch_size=0": lambda s: s.data.DataLoader([1], batch_size=0),
    "empty and shuffle": lambda s: s.data.DataLoader([], shuffle=True),
    "context without workers": lambda s: s.data.DataLoader([1], multiprocessing_context="spawn"),
    "unknown context": lambda s: s.data.DataLoader([1], num_workers=1, multiprocessing_context="sporn"),
    "no context": lambda s: s.data.DataLoader([1], num_workers=1, multiprocessing_context=3),
    "fixed attribute": lambda s: setattr(s.data.DataLoader([1]), "batch_size", 3),
    "stream and shuffle": lambda s: s.data.DataLoader(stream(s, 3), shuffle=True),
    "stream and sampler": lambda s: s.data.DataLoader(stream(s, 3), sampler=[0]),
    "stream, batch_sampler": lambda s: s.data.DataLoader(stream(s, 3), batch_sampler=[[0]]),
    "no such sample": lambda s: [*s.data.DataLoader([1], sampler=[3])],
    "no such row": lambda s: s.data.TensorDataset(s.lib.zeros(2))[2],
    "unlike shapes": lambda s: s.data.default_collate([s.lib.zeros(2), s.lib.zeros(3)]),
    "unlike lengths": lambda s: s.data.default_collate([[1], [1, 2]]),
    "unlike keys": lambda s: s.data.default_collate([{"a": 1}, {"b": 1}]),
    "objects": lambda s: s.data.default_collate([object()]),
    "text": lambda s: s.data.default_collate([np.array(["a"])]),
    "empty batch": lambda s: s.data.default_collate([]),
    "unlike tensors": lambda s: s.data.TensorDataset(s.lib.zeros(2), s.lib.zeros(3)),
    "stack of nothing": lambda s: s.data.StackDataset(),
    "stack of two lengths": lambda s: s.data.StackDataset([1], [1, 2]),
    "concat of nothing": lambda s: s.data.ConcatDataset([]),
    "concat of a stream": lambda s: s.data.ConcatDataset([stream(s, 3)]),
    "concat, before the first": lambda s: s.data.ConcatDataset([[1]])[-2],
    "concat, after the last": lambda s: s.data.ConcatDataset([[1]])[1],
    "chain of a list": lambda s: [*s.data.ChainDataset([[1]])],
    "split too short": lambda s: s.data.random_split(range(5), [2, 2]),
    "split by a negative fraction": lambda s: s.data.random_split(range(5), [1.5, -0.5]),
    "replacement=1": lambda s: s.data.RandomSampler([1], replacement=1),
    "no samples": lambda s: s.data.RandomSampler([1], num_samples=0),
    "weights of 2 dims": lambda s: s.data.WeightedRandomSampler([[1.0]], 1),
    "weighted, no samples": lambda s: s.data.WeightedRandomSampler([1.0], 0),
    "more than there are": lambda s: [*s.data.WeightedRandomSampler([1.0, 1.0], 3, False)],
    "negative weights": lambda s: [*s.data.WeightedRandomSampler([1.0, -1.0], 1)],
    "no weight": lambda s: [*s.data.WeightedRandomSampler([0.0, 0.0], 1)],
    "drop_last=None": lambda s: s.data.BatchSampler([1], 1, None),
    "a bare dataset": lambda s: s.data.Dataset()[0],
    "a bare sampler": lambda s: iter(s.data.Sampler()),
}


@pytest.mark.parametrize("name", ERRORS)
def test_the_same_kind_of_error(name: str) -> None:
    kinds = []
    for side in (OURS, THEIRS):
        with pytest.raises(Exception) as error:
            ERRORS[name](side)
        kinds.append(error.type)
    assert kinds[0] is kinds[1]


class Spoilt(Rows):
    def __getitem__(self, index: int) -> Any:
        return {0: 0}[index]


def test_a_workers_error_is_of_the_same_kind_and_told_alike() -> None:
    told = []
    for side in (OURS, THEIRS):
        with pytest.raises(KeyError) as error:
            list(side.data.DataLoader(Spoilt(), num_workers=1))
        told.append(str(error.value).splitlines())
    assert told[0][:2] == told[1][:2] and told[0][-1] == told[1][-1] == "KeyError: 1"


@pytest.mark.parametrize("options", [{}, {"shuffle": False}, {"drop_last": True}, {"seed": 5}])
def test_what_each_process_gets(options: dict[str, Any]) -> None:
    for size, replicas in ((10, 3), (3, 5), (12, 4), (7, 1)):
        for rank in range(replicas):
            ours, theirs = (
                library.DistributedSampler(range(size), replicas, rank, **options)
                for library in (gg.data, torch.utils.data)
            )
            for epoch in range(2):
                ours.set_epoch(epoch), theirs.set_epoch(epoch)
                assert list(ours) == list(theirs) and len(ours) == len(theirs)

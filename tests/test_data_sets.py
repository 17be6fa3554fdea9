"""Datasets, splits, samplers and collation."""

from __future__ import annotations

from collections import OrderedDict, defaultdict, namedtuple
from typing import Any

import numpy as np
import pytest

import glassgrad as gg
from glassgrad.data import (
    BatchSampler,
    ChainDataset,
    ConcatDataset,
    Dataset,
    IterableDataset,
    RandomSampler,
    Sampler,
    SequentialSampler,
    StackDataset,
    Subset,
    SubsetRandomSampler,
    TensorDataset,
    WeightedRandomSampler,
    default_collate,
    default_convert,
    random_split,
)


class Stream(IterableDataset[int]):
    def __init__(self, *values: int) -> None:
        self.values = values

    def __iter__(self) -> Any:
        return iter(self.values)

    def __len__(self) -> int:
        return len(self.values)


def rows(n: int) -> TensorDataset:
    return TensorDataset(gg.arange(n), gg.arange(n) * 10)


def test_rows_of_tensors() -> None:
    dataset = rows(3)
    assert len(dataset) == 3 and [int(value) for value in dataset[2]] == [2, 20]
    assert [[int(v) for v in row] for row in dataset.__getitems__([2, 0])] == [[2, 20], [0, 0]]
    with pytest.raises(IndexError):
        dataset[3]


def test_datasets_one_after_another() -> None:
    both = Subset(list(range(5)), [4, 3]) + ConcatDataset([[7, 8], [], [9]])
    assert isinstance(both, ConcatDataset) and both.cumulative_sizes == [2, 5]
    assert [both[i] for i in range(5)] == [4, 3, 7, 8, 9] == [both[i - 5] for i in range(5)]


def test_streams_one_after_another() -> None:
    chain = Stream(1, 2) + Stream(3)
    assert list(chain) == [1, 2, 3] and len(chain) == 3


def test_datasets_side_by_side() -> None:
    pairs = StackDataset(rows(3), list("abc"))
    assert pairs[1][1] == "b" and len(pairs) == 3
    assert [sample[1] for sample in pairs.__getitems__([2, 0])] == ["c", "a"]
    named = StackDataset(x=[1, 2], y=[3, 4])
    assert named[1] == {"x": 2, "y": 4} and named.__getitems__([0]) == [{"x": 1, "y": 3}]


def test_a_subset_of_a_subset() -> None:
    subset = Subset(Subset(rows(10), [9, 8, 7]), [2, 0])
    assert [int(subset[i][0]) for i in range(2)] == [7, 9] == [int(x) for x, _ in subset.__getitems__([0, 1])]
    assert Subset("abcdef", [5, 4])[1] == "e"


def test_a_split_covers_everything_once() -> None:
    parts = random_split(range(10), [3, 7], generator=gg.Generator().manual_seed(42))
    assert [len(part) for part in parts] == [3, 7]
    assert sorted(part[i] for part in parts for i in range(len(part))) == list(range(10))
    assert parts[0].indices != [0, 1, 2]


def test_fractions_are_rounded_down_and_the_rest_given_to_the_first() -> None:
    assert [len(part) for part in random_split(range(11), [0.3, 0.3, 0.4])] == [4, 3, 4]
    assert [len(part) for part in random_split(range(3), [0.5, 0.5])] == [2, 1]
    with pytest.warns(UserWarning, match="Length of split at index 1 is 0"):
        assert [len(part) for part in random_split(range(1), [0.5, 0.5])] == [1, 0]


class Nothing(Dataset[Any]): ...


class OnlyOne(Subset[Any]):
    def __getitem__(self, index: Any) -> Any:
        return 1


REFUSED = [
    ("unlike tensors", lambda: TensorDataset(gg.zeros(2), gg.zeros(3)), AssertionError, "Size mismatch"),
    ("no tensor", lambda: TensorDataset(), ValueError, "at least one tensor"),
    ("stack of nothing", lambda: StackDataset(), ValueError, "At least one dataset"),
    ("stack of two lengths", lambda: StackDataset([1], [1, 2]), ValueError, "Size mismatch between datasets"),
    ("stack of both kinds", lambda: StackDataset([1], x=[1]), ValueError, "both are given"),
    ("concat of nothing", lambda: ConcatDataset([]), AssertionError, "should not be an empty iterable"),
    ("concat of a stream", lambda: ConcatDataset([Stream()]), AssertionError, "not support IterableDataset"),
    ("chain of a list", lambda: list(ChainDataset([[1]])), AssertionError, "only supports IterableDataset"),
    ("before the first", lambda: ConcatDataset([[1]])[-2], ValueError, "should not exceed dataset length"),
    ("after the last", lambda: ConcatDataset([[1]])[1], IndexError, "index 1 is out of range"),
    ("half a Subset", lambda: OnlyOne([1], [0]), NotImplementedError, "overrides __getitem__ but not"),
    ("a bare Dataset", lambda: Nothing()[0], NotImplementedError, "should implement __getitem__"),
    ("a bare Sampler", lambda: iter(Sampler()), NotImplementedError, "should implement __iter__"),
    ("a bare stream", lambda: iter(IterableDataset()), NotImplementedError, "should implement __iter__"),
    ("too short a split", lambda: random_split(range(5), [2, 2]), ValueError, "Sum of input lengths"),
    ("too large fractions", lambda: random_split(range(5), [0.9, 0.9]), ValueError, "Sum of input lengths"),
    ("a negative length", lambda: random_split(range(5), [-1, 6]), ValueError, "Sum of input lengths"),
    ("a negative fraction", lambda: random_split(range(5), [1.5, -0.5]), ValueError, "not between 0 and 1"),
    ("replacement=1", lambda: RandomSampler([1], replacement=1), TypeError, "should be a boolean"),
    ("no samples", lambda: RandomSampler([]), ValueError, "num_samples should be a positive int"),
    ("num_samples=-1", lambda: RandomSampler([1], num_samples=-1), ValueError, "got num_samples=-1"),
    ("num_samples=True", lambda: WeightedRandomSampler([1], True), ValueError, "got num_samples=True"),
    ("weights of 2 dims", lambda: WeightedRandomSampler([[1.0]], 1), ValueError, "1d sequence"),
    ("weighted, replacement=1", lambda: WeightedRandomSampler([1], 1, 1), ValueError, "should be a boolean"),
    ("batches of 0", lambda: BatchSampler([1], 0, False), ValueError, "got batch_size=0"),
    ("batches of True", lambda: BatchSampler([1], True, False), ValueError, "got batch_size=True"),
    ("drop_last=None", lambda: BatchSampler([1], 1, None), ValueError, "drop_last should be a boolean"),
    ("unlike shapes", lambda: default_collate([gg.zeros(2), gg.zeros(3)]), RuntimeError, "equal size"),
    ("unlike lengths", lambda: default_collate([[1], [1, 2]]), RuntimeError, "equal size"),
    ("arrays of text", lambda: default_collate([np.array(["a"])]), TypeError, "found <U1"),
    ("unknown samples", lambda: default_collate([object()]), TypeError, "found <class 'object'>"),
    ("None", lambda: default_collate([None]), TypeError, "found <class 'NoneType'>"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "kind", "told"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_what_makes_no_sense_is_refused(call: Any, kind: type[Exception], told: str) -> None:
    with pytest.raises(kind, match=told):
        call()


# Samplers


def test_samplers() -> None:
    assert list(SequentialSampler("abc")) == [0, 1, 2]
    assert sorted(RandomSampler(range(9))) == list(range(9))
    assert sorted(SubsetRandomSampler([3, 5, 8])) == [3, 5, 8]
    assert list(BatchSampler(range(5), 2, False)) == [[0, 1], [2, 3], [4]]
    assert list(BatchSampler(range(5), 2, True)) == [[0, 1], [2, 3]]
    for sampler in (SequentialSampler("abc"), RandomSampler("abc"), SubsetRandomSampler([1, 2, 3])):
        assert len(sampler) == 3
        assert [len(BatchSampler(sampler, 2, drop)) for drop in (False, True)] == [2, 1]


@pytest.mark.parametrize("num_samples", [1, 5, 32, 70])
@pytest.mark.parametrize("replacement", [False, True])
def test_a_random_sampler_gives_what_was_asked(num_samples: int, replacement: bool) -> None:
    drawn = list(RandomSampler(range(5), replacement, num_samples))
    assert len(drawn) == num_samples == len(RandomSampler(range(5), replacement, num_samples))
    assert set(drawn) <= set(range(5))
    if not replacement:
        counts = np.bincount(drawn, minlength=5)
        assert counts.max() - counts.min() <= 1


def test_weights_are_chances() -> None:
    gg.manual_seed(0)
    drawn = np.bincount(list(WeightedRandomSampler([0.0, 1.0, 3.0], 4000)), minlength=3)
    assert drawn[0] == 0 and abs(drawn[2] / 4000 - 0.75) < 0.03
    assert sorted(WeightedRandomSampler([1.0, 2.0, 3.0], 3, replacement=False)) == [0, 1, 2]


def test_a_pass_costs_the_default_generator_one_number() -> None:
    after = []
    for n in (2, 2000):
        gg.manual_seed(0)
        list(RandomSampler(range(n)))
        after.append(gg.rand(1).item())
    assert after[0] == after[1]


# Collation

Point = namedtuple("Point", "x y")


def described(batch: Any) -> Any:
    """A batch with "dtype: values" for its tensors."""
    if isinstance(batch, gg.Tensor):
        return f"{str(batch.dtype).rsplit('.', 1)[-1]}: {batch.tolist()}"
    if isinstance(batch, dict):
        return {key: described(value) for key, value in batch.items()}
    if isinstance(batch, (tuple, list)):
        values = map(described, batch)
        return type(batch)(*values) if hasattr(batch, "_fields") else type(batch)(values)
    return batch


COLLATED = [
    ([0, 3], "int64: [0, 3]"),
    ([True, False], "bool: [True, False]"),
    ([0.5, 1.5], "float64: [0.5, 1.5]"),
    ([np.float32(0.5)] * 2, "float32: [0.5, 0.5]"),
    ([np.float64(0.5)], "float64: [0.5]"),
    ([np.bool_(True)], "bool: [True]"),
    ([np.int8(3), np.int8(4)], "int8: [3, 4]"),
    ([np.array([1, 2], np.int16), np.array([3, 4], np.int16)], "int16: [[1, 2], [3, 4]]"),
    ([np.array(1.0)], "float64: [1.0]"),
    (["a", "b"], ["a", "b"]),
    ([b"a"], [b"a"]),
    ([(0, "a"), (1, "b")], ["int64: [0, 1]", ("a", "b")]),
    ([[0, 1], [2, 3]], ["int64: [0, 2]", "int64: [1, 3]"]),
    ([Point(0, 1.0), Point(2, 3.0)], Point("int64: [0, 2]", "float64: [1.0, 3.0]")),
    ([{"a": 0, "b": [1]}, {"a": 2, "b": [3]}], {"a": "int64: [0, 2]", "b": ["int64: [1, 3]"]}),
]


@pytest.mark.parametrize(("batch", "expected"), COLLATED, ids=lambda value: str(value)[:30])
def test_collate(batch: Any, expected: Any) -> None:
    assert described(default_collate(batch)) == expected


def test_collate_tensors() -> None:
    assert default_collate([gg.zeros(2, 3), gg.ones(2, 3)]).shape == (2, 2, 3)


def test_collated_containers_keep_their_kind() -> None:
    made = default_collate([defaultdict(list, a=1), defaultdict(list, a=2)])
    assert type(made) is defaultdict and made.default_factory is list
    assert type(default_collate([OrderedDict(a=1)])) is OrderedDict
    assert type(default_collate([(1, 2)])) is list and type(default_collate([Point(1, 2)])) is Point


def test_convert() -> None:
    found = default_convert({"a": np.arange(2), "b": [np.float32(1), "text"], "c": Point(1, np.zeros(1)), "d": (1,)})
    assert described(found) == {
        "a": "int64: [0, 1]",
        "b": ["float32: 1.0", "text"],
        "c": Point(1, "float64: [0.0]"),
        "d": [1],
    }
    text = np.array(["a"])
    assert default_convert(text) is text and default_convert(None) is None

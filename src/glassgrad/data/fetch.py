"""From the indices of a batch to the batch, in this process or in a worker."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from .collate import default_collate
from .dataset import Columns, samples_of


@dataclass(frozen=True)
class Recipe:
    """What a DataLoader does to make a batch. `start()` gives the function from indices to a batch."""

    dataset: Any
    iterable: bool  # a stream: the indices only say how many samples
    batched: bool  # False: one sample at a time, batch_size=None
    collate_fn: Callable[[Any], Any]
    drop_last: bool

    def start(self) -> Callable[[Any], Any]:
        return self._from_stream(iter(self.dataset)) if self.iterable else self._from_map

    def _from_map(self, index: Any) -> Any:
        try:
            return self._collate(samples_of(self.dataset, index) if self.batched else self.dataset[index])
        except StopIteration as problem:  # would end the loop as if all were well
            raise RuntimeError(
                f"{type(self.dataset).__name__} raised StopIteration at index {index}; "
                "for a sample that does not exist, raise IndexError"
            ) from problem

    def _from_stream(self, stream: Iterator[Any]) -> Callable[[Any], Any]:
        def next_batch(index: Any) -> Any:
            if not self.batched:
                return self._collate(next(stream))
            samples = list(itertools.islice(stream, len(index)))
            if not samples or (self.drop_last and len(samples) < len(index)):
                raise StopIteration
            return self._collate(samples)

        return next_batch

    def _collate(self, samples: Any) -> Any:
        if isinstance(samples, Columns) and self.collate_fn is not default_collate:
            samples = list(samples)  # what other functions expect
        try:
            return self.collate_fn(samples)
        except StopIteration as problem:
            raise RuntimeError("collate_fn raised StopIteration") from problem

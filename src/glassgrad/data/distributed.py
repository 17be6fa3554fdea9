"""The part of a data set that one of several processes gets."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sized

from .. import distributed
from ..core.random import Generator
from ..core.samplers import permutation
from .sampler import Sampler


class DistributedSampler(Sampler[int]):
    """Every `num_replicas`-th index from `rank` on, in an order that `seed` and the epoch decide.

    All get as many: indices are repeated from the start, or with drop_last left out at the end. num_replicas and rank
    are those of the process group unless given; set_epoch(epoch) before each epoch gives each an order of its own.
    """

    def __init__(
        self,
        dataset: Sized,
        num_replicas: int | None = None,
        rank: int | None = None,
        shuffle: bool = True,
        seed: int = 0,
        drop_last: bool = False,
    ) -> None:
        self.num_replicas = distributed.get_world_size() if num_replicas is None else num_replicas
        self.rank = distributed.get_rank() if rank is None else rank
        if not 0 <= self.rank < self.num_replicas:
            raise ValueError(f"Invalid rank {self.rank}, rank should be in the interval [0, {self.num_replicas - 1}]")
        self.dataset, self.shuffle, self.seed, self.drop_last = dataset, shuffle, seed, drop_last
        self.epoch = 0
        each = len(dataset) / self.num_replicas
        self.num_samples = max(math.floor(each), 0) if drop_last else math.ceil(each)
        self.total_size = self.num_samples * self.num_replicas

    def __iter__(self) -> Iterator[int]:
        size = len(self.dataset)
        indices = list(range(size))
        if self.shuffle:
            generator = Generator()
            generator.manual_seed(self.seed + self.epoch)
            indices = permutation(generator, size).tolist()
        repeated = indices * math.ceil(self.total_size / max(size, 1))
        return iter(repeated[self.rank : self.total_size : self.num_replicas])

    def __len__(self) -> int:
        return self.num_samples

    def set_epoch(self, epoch: int) -> None:
        """The epoch that the next pass belongs to."""
        self.epoch = epoch

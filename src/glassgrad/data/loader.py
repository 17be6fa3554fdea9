"""DataLoader: batches in order, made here or by worker processes. PyTorch's arguments and draws."""

from __future__ import annotations

import collections
import math
import os
import time
import weakref
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, TypeVar

from ..core.errors import telling
from ..core.provenance import warn
from ..core.watch import listeners, tell
from .collate import default_collate, default_convert
from .dataset import IterableDataset
from .fetch import Recipe
from .sampler import BatchSampler, RandomSampler, Sampler, SequentialSampler, draw_seed
from .worker import BATCH, ENDED, FETCH, RESTART, reraise, run_worker

T_co = TypeVar("T_co", covariant=True)

LIVENESS_CHECK = 1.0  # seconds between looks at whether all workers live
GOODBYE = 1.0  # seconds a worker has to finish before it is ended


class _Endless(Sampler[None]):
    """For streams, which have no indices."""

    def __iter__(self) -> Iterator[None]:
        while True:
            yield None


class DataLoader(Generic[T_co]):
    """Iterate over a dataset in batches.

    dataset: a Dataset (indices to samples) or an IterableDataset (a stream).
    batch_size: samples in a batch; None gives single samples. drop_last: leave out a last, short batch.
    shuffle, sampler, batch_sampler: the order. A batch_sampler gives the indices of whole batches.
    collate_fn: from the list of samples to the batch; `default_collate` where None.
    generator: for the shuffle, and for the base seed that every epoch draws; the default one where None.

    num_workers: processes that make `prefetch_factor` batches each ahead; 0 makes them here. Their number
    changes neither the batches nor their order. (Of a stream, each worker has a copy: see get_worker_info.)
    Worker i seeds Python's and this package's generator with base seed + i, NumPy's with a hash of the two.
    worker_init_fn(i): called first in worker i, seeded. timeout: seconds to wait for a batch, 0 for ever.
    multiprocessing_context: "fork", "spawn", "forkserver" or a context; the platform's default where None.
    persistent_workers: keep them between epochs. in_order=False: hand out what comes first.
    pin_memory: has no effect without a GPU, and says so.

    Raises ValueError for options that contradict each other; RuntimeError for a worker that died or took
    longer than `timeout`; what a worker raised, with the worker's traceback.

    >>> from glassgrad.data import DataLoader
    >>> list(DataLoader(range(5), batch_size=2))
    [tensor([0, 1]), tensor([2, 3]), tensor([4])]
    """

    _fixed = ("batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers")

    @telling
    def __init__(
        self,
        dataset: Any,
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Iterable[Any] | None = None,
        batch_sampler: Iterable[list[Any]] | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[Any], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], None] | None = None,
        multiprocessing_context: Any = None,
        generator: Any = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
    ) -> None:
        if num_workers < 0:
            raise ValueError("num_workers option should be non-negative; use num_workers=0 to disable multiprocessing.")
        if timeout < 0:
            raise ValueError(f"timeout option should be non-negative, got {timeout}")
        if num_workers == 0:
            if prefetch_factor is not None:
                raise ValueError("prefetch_factor option needs num_workers > 0")
            if persistent_workers:
                raise ValueError("persistent_workers option needs num_workers > 0")
            if timeout:
                raise ValueError("timeout option needs num_workers > 0: there is no worker to wait for")
        elif prefetch_factor is None:
            prefetch_factor = 2
        elif prefetch_factor < 1:
            raise ValueError(f"prefetch_factor option should be positive, got {prefetch_factor}")

        self._iterable = isinstance(dataset, IterableDataset)
        if self._iterable:
            for name, option in (
                ("shuffle", shuffle or None),
                ("sampler", sampler),
                ("batch_sampler", batch_sampler),
            ):
                if option is not None:
                    raise ValueError(
                        f"DataLoader with IterableDataset: expected unspecified {name} option, but got {name}={option}"
                    )
        if sampler is not None and shuffle:
            raise ValueError("sampler option is mutually exclusive with shuffle")
        if batch_sampler is not None:
            if batch_size != 1 or shuffle or sampler is not None or drop_last:
                raise ValueError(
                    "batch_sampler option is mutually exclusive with batch_size, shuffle, sampler, and drop_last"
                )
            batch_size = None
        elif batch_size is None and drop_last:
            raise ValueError("batch_size=None option disables auto-batching and is mutually exclusive with drop_last")
        if sampler is None:
            if self._iterable:
                sampler = _Endless()
            else:
                sampler = RandomSampler(dataset, generator=generator) if shuffle else SequentialSampler(dataset)
        if batch_size is not None:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)

        self.dataset = dataset
        self.batch_size = batch_size
        self.sampler = sampler
        self.batch_sampler = batch_sampler
        self.num_workers = num_workers
        self.collate_fn = collate_fn or (default_convert if batch_sampler is None else default_collate)
        self.pin_memory = pin_memory
        self.drop_last = drop_last
        self.timeout = timeout
        self.worker_init_fn = worker_init_fn
        self.multiprocessing_context = multiprocessing_context
        self.generator = generator
        self.prefetch_factor = prefetch_factor
        self.persistent_workers = persistent_workers
        self.pin_memory_device = pin_memory_device
        self.in_order = in_order
        self._length_told: int | None = None
        self._workers: _WorkerIterator | None = None
        self._warn_of_many_workers()
        self._initialized = True
        if listeners:
            tell("loader", self)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self._fixed and getattr(self, "_initialized", False):
            raise ValueError(f"{name} attribute should not be set after {type(self).__name__} is initialized")
        super().__setattr__(name, value)

    @property
    def multiprocessing_context(self) -> Any:
        return self._context

    @multiprocessing_context.setter
    def multiprocessing_context(self, context: Any) -> None:
        if context is not None:
            import multiprocessing

            if self.num_workers == 0:
                raise ValueError(
                    "multiprocessing_context can only be used with multi-process loading (num_workers > 0), "
                    f"but got num_workers={self.num_workers}"
                )
            if isinstance(context, str):
                methods = multiprocessing.get_all_start_methods()
                if context not in methods:
                    raise ValueError(
                        f"multiprocessing_context option should specify a valid start method in {methods!r}, "
                        f"but got multiprocessing_context={context!r}"
                    )
                context = multiprocessing.get_context(context)
            if not isinstance(context, multiprocessing.context.BaseContext):
                raise TypeError(
                    "multiprocessing_context option should be a valid context object or a string specifying "
                    f"the start method, but got multiprocessing_context={context}"
                )
        self._context = context

    @property
    def indices(self) -> Iterable[Any]:
        """What is iterated to make batches: lists of indices, or single ones where batch_size is None."""
        return self.sampler if self.batch_sampler is None else self.batch_sampler

    def __iter__(self) -> Iterator[T_co]:
        if self.pin_memory:
            warn(
                "'pin_memory' argument is set as true but no accelerator is found, then device pinned memory "
                "won't be used."
            )
        if listeners:
            tell("epoch", self)
        if self.num_workers == 0:
            return _Iterator(self)
        if not self.persistent_workers:
            return _WorkerIterator(self)
        if self._workers is None or not self._workers.alive:
            self._workers = _WorkerIterator(self)
        else:
            self._workers.restart(self)
        return self._workers

    def __len__(self) -> int:
        """The number of batches; of a stream, what its own length makes of it."""
        if not self._iterable:
            return len(self.indices)  # type: ignore[arg-type]
        self._length_told = n = len(self.dataset)
        if self.batch_size is None:
            return n
        return n // self.batch_size if self.drop_last else math.ceil(n / self.batch_size)

    def _warn_of_many_workers(self) -> None:
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        if self.num_workers > cores:
            warn(
                f"This DataLoader will create {self.num_workers} worker processes in total. Our suggested "
                f"max number of worker in current system is {cores}: more run slower, or freeze."
            )


class _Iterator(Iterator[Any]):
    """One pass over the batches, made in this process."""

    def __init__(self, loader: DataLoader[Any]) -> None:
        self._source = loader.indices
        self._recipe = Recipe(
            loader.dataset,
            loader._iterable,
            loader.batch_sampler is not None,
            loader.collate_fn,
            loader.drop_last,
        )
        self._begin(loader)
        # After the sampler is asked for its iterator, and before that draws: the order of PyTorch's draws.
        self._base_seed = draw_seed(loader.generator)
        self._start(loader)

    def _begin(self, loader: DataLoader[Any]) -> None:
        self._indices = iter(self._source)
        self._length_told = loader._length_told
        self._yielded = 0

    def _start(self, loader: DataLoader[Any]) -> None:
        self._fetch = self._recipe.start()

    def _next(self) -> Any:
        return self._fetch(next(self._indices))

    def __next__(self) -> Any:
        batch = self._next()
        self._yielded += 1
        if listeners:
            tell("batch", batch)
        if self._length_told is not None and self._yielded > self._length_told:
            warn(
                f"Length of IterableDataset {self._recipe.dataset} was reported to be {self._length_told} "
                f"(when accessing len(dataloader)), but {self._yielded} samples have been fetched. "
                "With workers, each has its own copy of the stream: split it by get_worker_info()."
            )
        return batch

    def __len__(self) -> int:
        return len(self._source)  # type: ignore[arg-type]


class _WorkerIterator(_Iterator):
    """One pass over the batches, made by worker processes; with persistent workers, one pass after another.

    Batch after batch goes to the workers in turn, and comes back in that order. A worker answers in the
    order it was asked, so that who was asked (`_asked`) and what each has answered (`_mailboxes`) is all
    there is to know.
    """

    def _start(self, loader: DataLoader[Any]) -> None:
        import multiprocessing

        context = loader.multiprocessing_context or multiprocessing.get_context()
        self._timeout = loader.timeout
        self._in_order = loader.in_order
        self._persistent = loader.persistent_workers
        self._prefetch = (loader.prefetch_factor or 0) * loader.num_workers
        self._processes: list[Any] = []
        self._connections: list[Any] = []
        self._stop = weakref.finalize(self, _stop_workers, os.getpid(), self._processes, self._connections)
        for worker_id in range(loader.num_workers):
            here, there = context.Pipe()
            process = context.Process(
                target=run_worker,
                args=(
                    self._recipe,
                    loader.worker_init_fn,
                    self._base_seed,
                    worker_id,
                    loader.num_workers,
                    there,
                ),
                daemon=True,
            )
            self._connections.append(here)
            try:
                process.start()
            except Exception as problem:
                there.close()
                self._stop()
                problem.add_note(
                    f"DataLoader: worker {worker_id} could not be started. With start method "
                    f"{context.get_start_method()!r} it is sent the dataset, collate_fn and worker_init_fn: "
                    "define them at the top of a module, not as lambdas or inside functions, "
                    "or pass multiprocessing_context='fork' where there is one."
                )
                raise
            there.close()
            self._processes.append(process)
        self._to_discard = [0] * loader.num_workers
        self._mailboxes: list[collections.deque[Any]] = [collections.deque() for _ in self._processes]
        self._ask_ahead()

    @property
    def alive(self) -> bool:
        return self._stop.alive

    def restart(self, loader: DataLoader[Any]) -> None:
        """Begin another pass with the same workers; answers still due from the last one are thrown away."""
        for worker, mailbox in enumerate(self._mailboxes):
            self._to_discard[worker] += self._asked.count(worker) - len(mailbox)
            mailbox.clear()
            self._tell(worker, (RESTART, None))
        self._begin(loader)
        self._ask_ahead()

    def _ask_ahead(self) -> None:
        self._asked: collections.deque[int] = collections.deque()
        self._ended = [False] * len(self._processes)
        self._turn = 0
        for _ in range(self._prefetch):
            self._ask()

    def _ask(self) -> None:
        """Give the next batch to the next worker whose stream has not ended."""
        if all(self._ended):
            return
        try:
            indices = next(self._indices)
        except StopIteration:
            return
        while self._ended[worker := self._turn % len(self._processes)]:
            self._turn += 1
        self._turn += 1
        self._tell(worker, (FETCH, indices))
        self._asked.append(worker)

    def _tell(self, worker: int, task: Any) -> None:
        try:
            self._connections[worker].send(task)
        except (BrokenPipeError, ConnectionError):
            self._fail_dead([worker])

    def _next(self) -> Any:
        from multiprocessing.reduction import ForkingPickler

        while self._asked:
            worker = self._wait_for_answer()
            self._asked.remove(worker)  # the first batch asked of it, which its first answer is
            kind, content = ForkingPickler.loads(self._mailboxes[worker].popleft())
            if kind == ENDED:
                self._ended[worker] = True
            self._ask()
            if kind == BATCH:
                return content
            if kind != ENDED:
                reraise(*content)
        if not self._persistent:
            self._stop()
        raise StopIteration

    def _wait_for_answer(self) -> int:
        """The worker whose batch is next: the first asked, or, out of order, any that has answered."""
        deadline = time.monotonic() + self._timeout if self._timeout else math.inf
        while True:
            for worker in self._asked:
                if self._mailboxes[worker]:
                    return worker
                if self._in_order:
                    break
            left = deadline - time.monotonic()
            if left <= 0:
                raise RuntimeError(f"DataLoader timed out after {self._timeout} seconds")
            self._receive(min(left, LIVENESS_CHECK))

    def _receive(self, timeout: float) -> None:
        """Wait for answers, take those that are there, and see to it that no worker has died."""
        from multiprocessing.connection import wait

        ready = wait([*self._connections, *(process.sentinel for process in self._processes)], timeout)
        dead = []
        for worker, connection in enumerate(self._connections):
            try:
                while connection in ready and connection.poll():
                    answer = connection.recv_bytes()
                    if self._to_discard[worker]:
                        self._to_discard[worker] -= 1
                    else:
                        self._mailboxes[worker].append(answer)
            except (EOFError, OSError):
                dead.append(worker)
        self._fail_dead(dead or [i for i, process in enumerate(self._processes) if not process.is_alive()])

    def _fail_dead(self, workers: list[int]) -> None:
        if not workers:
            return
        dead = [self._processes[worker] for worker in workers]
        for process in dead:
            process.join(GOODBYE)
        told = ", ".join(f"{process.pid} ({_cause(process.exitcode)})" for process in dead)
        self._asked.clear()
        self._stop()
        raise RuntimeError(f"DataLoader worker (pid(s) {told}) exited unexpectedly") from None

    def __getstate__(self) -> Any:
        raise NotImplementedError("an iterator of a DataLoader with workers cannot be pickled")


def _cause(exitcode: int | None) -> str:
    import signal

    if exitcode is None or exitcode >= 0:
        return f"exit code {exitcode}"
    name = signal.Signals(-exitcode).name if -exitcode in list(signal.Signals) else f"signal {-exitcode}"
    return f"killed by {name}, often for lack of memory" if name == "SIGKILL" else f"killed by {name}"


def _stop_workers(owner: int, processes: list[Any], connections: list[Any]) -> None:
    """Ask every worker to finish, end those that do not, and leave no process and no pipe behind."""
    if os.getpid() != owner:  # the copy of an iterator in a forked process
        return
    for connection in connections:
        try:
            connection.send(None)
        except OSError:  # this one is dead already
            continue
    deadline = time.monotonic() + GOODBYE
    for process in processes:
        process.join(max(0.0, deadline - time.monotonic()))
        for end in (process.terminate, process.kill):
            if process.is_alive():
                end()
                process.join(GOODBYE)
        process.close()
    for connection in connections:
        connection.close()

"""Worker processes: each makes the batches it is told to, in the order it is told.

    DataLoader  --- (FETCH, indices), (RESTART, None), None --->  worker
    DataLoader  <--- (BATCH, batch), (FAILED, ...), (ENDED, None), one for each FETCH ---  worker

One pipe per worker and no shared lock or memory: a worker that is killed leaves nothing locked and nothing
behind.
"""

from __future__ import annotations

import os
import queue
import random
import signal
import threading
import traceback
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core.random import manual_seed
from .fetch import Recipe

FETCH, RESTART = "fetch", "restart"
BATCH, FAILED, ENDED = "batch", "failed", "ended"

PARENT_CHECK = 5.0  # seconds between looks at whether the parent process is still there


@dataclass(frozen=True)
class WorkerInfo:
    """Who a worker is: its id below num_workers, its seed (base seed + id), and its copy of the dataset."""

    id: int
    num_workers: int
    seed: int
    dataset: Any


_info: WorkerInfo | None = None


def get_worker_info() -> WorkerInfo | None:
    """In a worker process of a DataLoader, who it is; None elsewhere."""
    return _info


def seed_everything(base_seed: int, worker_id: int) -> int:
    """Seed Python's, NumPy's and this package's generators as a PyTorch worker does; no two workers alike.

    NumPy gets four words hashed from (worker_id, base_seed) by its SeedSequence: Python's generator is the
    same MT19937, and would otherwise give the same stream from the same seed.
    """
    seed = base_seed + worker_id
    random.seed(seed)
    manual_seed(seed)
    words = np.random.SeedSequence([worker_id, base_seed & 0xFFFFFFFF, base_seed >> 32, 0])
    np.random.seed(words.generate_state(4))
    return seed


def run_worker(
    recipe: Recipe,
    init_fn: Any,
    base_seed: int,
    worker_id: int,
    num_workers: int,
    connection: Any,
) -> None:
    """The life of a worker process."""
    from multiprocessing.reduction import ForkingPickler

    global _info
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which stops its workers
    seed = seed_everything(base_seed, worker_id)
    _info = WorkerInfo(worker_id, num_workers, seed, recipe.dataset)
    # Two threads keep the pipe moving, so that neither side can wait for the other to read.
    tasks: queue.SimpleQueue[Any] = queue.SimpleQueue()
    answers: queue.SimpleQueue[Any] = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(connection, tasks), daemon=True).start()
    threading.Thread(target=_send, args=(connection, answers), daemon=True).start()

    fetch, begun = None, False
    while True:
        message = tasks.get()
        try:
            task = ForkingPickler.loads(message)
            if task is None:
                return
            command, indices = task
            if command == RESTART:
                fetch = None
                continue
            if not begun and init_fn is not None:
                init_fn(worker_id)
            begun = True
            fetch = fetch or recipe.start()
            answer = ForkingPickler.dumps((BATCH, fetch(indices)))
        except Exception as problem:
            # From `fetch` a StopIteration is a stream's end: a Recipe turns any other into an error.
            ended = isinstance(problem, StopIteration) and fetch is not None
            answer = ForkingPickler.dumps((ENDED, None)) if ended else _failure(problem, worker_id)
        answers.put(answer)


def _failure(problem: Exception, worker_id: int) -> Any:
    """An exception as its type, where the parent can import that, and its traceback as text."""
    from multiprocessing.reduction import ForkingPickler

    kind = type(problem)
    where = f"in DataLoader worker process {worker_id}"
    told = f"Caught {kind.__name__} {where}.\nOriginal {traceback.format_exc()}"
    try:
        return ForkingPickler.dumps((FAILED, (kind, told)))
    except Exception:
        return ForkingPickler.dumps((FAILED, (RuntimeError, told)))


def _receive(connection: Any, tasks: queue.SimpleQueue[Any]) -> None:
    """Messages into the queue, until the parent is gone: then this process ends, whatever it is doing."""
    from multiprocessing import parent_process
    from multiprocessing.connection import wait

    parent = os.getppid()  # a fork server's, where one started this process
    end_of_parent = parent_process().sentinel  # type: ignore[union-attr]
    while os.getppid() == parent:
        ready = wait([connection, end_of_parent], timeout=PARENT_CHECK)
        if connection in ready:
            try:
                tasks.put(connection.recv_bytes())
            except (EOFError, OSError):
                break
        elif ready:
            break
    os._exit(1)


def _send(connection: Any, answers: queue.SimpleQueue[Any]) -> None:
    while True:
        try:
            connection.send_bytes(answers.get())
        except OSError:  # nobody listens any more; _receive ends the process
            return


class _Verbatim(str):
    """A KeyError shows the repr of its argument; a traceback is to be shown as it is."""

    def __repr__(self) -> str:
        return str(self)


def reraise(kind: type[Exception], told: str) -> None:
    """Raise a worker's exception here, with the worker's traceback as its message."""
    try:
        problem = kind(_Verbatim(told) if issubclass(kind, KeyError) else told)
    except Exception:  # its constructor wants something else
        raise RuntimeError(told) from None
    raise problem

"""The DataLoader: the batches, in this process and by workers, and what happens when a worker fails."""

from __future__ import annotations

import gc
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import data_samples as samples
import glassgrad as gg
from data_samples import Calls, Squares, Stream
from glassgrad.core.shared import place
from glassgrad.data import (
    BatchSampler,
    DataLoader,
    RandomSampler,
    SequentialSampler,
    Subset,
    TensorDataset,
    get_worker_info,
)

STARTS = [method for method in ("fork", "spawn", "forkserver") if method in multiprocessing.get_all_start_methods()]
FAST = STARTS[0]
pytestmark = [
    pytest.mark.timeout(60),
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded, use of fork:DeprecationWarning"),
]


@pytest.fixture(autouse=True)
def nothing_is_left_behind() -> Iterator[None]:
    """No worker, zombie or not, and no shared memory survives its loader."""
    shared = Path("/dev/shm")

    def left() -> tuple[list[Any], set[Path]]:
        memory = set(shared.iterdir()) if shared.is_dir() else set()
        return multiprocessing.active_children(), {m for m in memory if "psm" in m.name or "glassgrad" in m.name}

    _, before = left()
    yield
    if left() != ([], before):  # a collection walks through all that pytest holds: only where it could change something
        gc.collect()
    children, memory = left()
    assert children == []
    assert not remains(memory - before, 30)  # what the tests beside this one hold goes when they end


def remains(memory: set[Path], seconds: float) -> set[Path]:
    """The files that are still there after so long; empty as soon as none is."""
    until = time.monotonic() + seconds
    while (memory := {m for m in memory if m.exists()}) and time.monotonic() < until:
        time.sleep(0.01)
    return memory


def loader(dataset: Any, num_workers: int = 0, **options: Any) -> DataLoader[Any]:
    if num_workers:
        options.setdefault("multiprocessing_context", FAST)
    return DataLoader(dataset, num_workers=num_workers, **options)


def plain(batch: Any) -> Any:
    """A batch with lists for tensors."""
    if isinstance(batch, gg.Tensor):
        return batch.tolist()
    if isinstance(batch, dict):
        return {key: plain(value) for key, value in batch.items()}
    return [plain(value) for value in batch] if isinstance(batch, (list, tuple)) else batch


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="shared memory has no files here")
def test_memory_that_stays_is_seen() -> None:
    x = gg.zeros(3).share_memory_()
    path = Path((place(x.array) or [""])[0])
    assert remains({path}, 0.05) == {path}
    del x
    assert not remains({path}, 0)


# The batches


def test_batches_in_order() -> None:
    assert plain(list(loader(range(5), batch_size=2))) == [[0, 1], [2, 3], [4]]
    assert plain(list(loader(range(5), batch_size=2, drop_last=True))) == [[0, 1], [2, 3]]
    assert plain(list(loader(range(4), batch_size=None))) == [0, 1, 2, 3]
    assert list(loader([])) == []


@pytest.mark.parametrize("n", [1, 5, 6])
@pytest.mark.parametrize("options", [{"batch_size": 2}, {"batch_size": 3, "drop_last": True}, {"batch_size": None}])
def test_the_length_is_the_number_of_batches(n: int, options: dict[str, Any]) -> None:
    batches = loader(range(n), **options)
    assert len(batches) == len(list(batches)) == len(iter(batches))


def test_samples_are_collated_field_by_field() -> None:
    (batch,) = loader(Squares(2), batch_size=2)
    assert plain(batch) == {"i": [0, 1], "square": [[0.0], [1.0]], "name": ["sample 0", "sample 1"]}


def test_a_sampler_and_a_batch_sampler_give_the_order() -> None:
    assert plain(list(loader(range(9), batch_size=2, sampler=[8, 3, 1]))) == [[8, 3], [1]]
    assert plain(list(loader(range(9), batch_sampler=[[8], [3, 1, 1]]))) == [[8], [3, 1, 1]]
    assert plain(list(loader(range(9), batch_sampler=BatchSampler(SequentialSampler(range(3)), 2, True)))) == [[0, 1]]


def test_shuffle_visits_every_sample_once_and_differs_from_epoch_to_epoch() -> None:
    gg.manual_seed(0)
    batches = loader(range(50), batch_size=7, shuffle=True)
    epochs = [sum(plain(list(batches)), []) for _ in range(3)]
    assert all(sorted(epoch) == list(range(50)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 3


def test_a_generator_of_its_own_leaves_the_default_one_alone() -> None:
    def epoch() -> list[Any]:
        return plain(list(loader(range(20), shuffle=True, generator=gg.Generator().manual_seed(3))))

    gg.manual_seed(0)
    first = epoch()
    drawn = gg.rand(1).item()
    gg.manual_seed(0)
    assert drawn == gg.rand(1).item() and first == epoch()


class Watched(TensorDataset):
    """Counts the samples taken one by one."""

    taken = 0

    def __getitem__(self, index: Any) -> Any:
        Watched.taken += 1
        return super().__getitem__(index)


def test_a_tensor_dataset_is_indexed_batch_by_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = gg.arange(12.0).reshape(6, 2), gg.arange(6)
    one_by_one = []
    monkeypatch.setattr(
        TensorDataset,
        "__getitem__",
        lambda self, i: one_by_one.append(i) or tuple(t[i] for t in self.tensors),
    )
    for dataset in (TensorDataset(x, y), Subset(TensorDataset(x, y), range(6))):
        batches = list(loader(dataset, batch_size=4))
        assert plain(batches) == [[x[:4].tolist(), [0, 1, 2, 3]], [x[4:].tolist(), [4, 5]]]
        assert all(type(batch) is list for batch in batches)
    assert one_by_one == []


def test_a_subclass_of_tensor_dataset_gives_its_own_samples() -> None:
    class Doubled(TensorDataset):
        def __getitem__(self, index: Any) -> Any:
            return tuple(2 * value for value in super().__getitem__(index))

    assert plain(list(loader(Doubled(gg.arange(3)), batch_size=3))) == [[[0, 2, 4]]]
    assert plain(list(loader(Subset(Doubled(gg.arange(3)), [2, 1]), batch_size=3))) == [[[4, 2]]]


def test_a_collate_fn_gets_a_list_of_samples() -> None:
    def sort(batch: Any) -> Any:
        assert type(batch) is list
        batch.sort(key=lambda sample: -sample[0].item())
        return [sample[0].item() for sample in batch]

    assert list(loader(TensorDataset(gg.arange(4)), batch_size=4, collate_fn=sort)) == [[3, 2, 1, 0]]


def test_a_batch_is_a_copy() -> None:
    x = gg.zeros(4)
    (batch,) = next(iter(loader(TensorDataset(x), batch_size=4)))
    batch.add_(1)
    assert x.tolist() == [0.0] * 4


def test_a_sample_that_raises_stop_iteration_does_not_end_the_epoch_in_silence() -> None:
    with pytest.raises(RuntimeError, match=r"Calls raised StopIteration at index \[2\]"):
        list(loader(Calls(4, samples.raises_stop_iteration)))


# Workers


@pytest.mark.parametrize("num_workers", [1, 2])
@pytest.mark.parametrize("options", [
    {"batch_size": 3}, {"batch_size": 3, "shuffle": True}, {"batch_size": None},
    {"batch_size": 4, "drop_last": True, "shuffle": True},
    {"batch_size": 1, "prefetch_factor": 5}, {"batch_size": 40},
])  # fmt: skip
def test_the_number_of_workers_changes_nothing(num_workers: int, options: dict[str, Any]) -> None:
    def epochs(num_workers: int, **more: Any) -> list[Any]:
        gg.manual_seed(5)
        batches = loader(Squares(23), num_workers, **{**options, **more})
        return [plain(batch) for _ in range(2) for batch in batches] + [gg.rand(1).item()]

    here = {key: value for key, value in options.items() if key != "prefetch_factor"}
    gg.manual_seed(5)
    alone = [plain(batch) for _ in range(2) for batch in loader(Squares(23), **here)] + [gg.rand(1).item()]
    assert epochs(num_workers) == alone


@pytest.mark.parametrize("start", STARTS)
def test_every_start_method(start: str) -> None:
    dataset = TensorDataset(gg.arange(8.0).reshape(4, 2), gg.arange(4))
    batches = loader(dataset, 2, batch_size=2, multiprocessing_context=start)
    assert plain(list(batches)) == [[[[0.0, 1.0], [2.0, 3.0]], [0, 1]], [[[4.0, 5.0], [6.0, 7.0]], [2, 3]]]
    context = multiprocessing.get_context(start)
    assert plain(list(loader(Squares(3), 1, multiprocessing_context=context)))[2]["i"] == [2]


def test_slow_and_quick_batches_stay_in_order() -> None:
    batches = loader(Calls(20, samples.sleeps_briefly), 2, prefetch_factor=3)
    assert sum(plain(list(batches)), []) == list(range(20))


def test_out_of_order_still_gives_every_batch_once() -> None:
    batches = loader(Calls(20, samples.sleeps_briefly), 2, in_order=False)
    assert sorted(sum(plain(list(batches)), [])) == list(range(20))


def test_neither_side_waits_for_the_other_to_read() -> None:
    order = [list(range(k, k + 200_000)) for k in range(12)]  # all far larger than a pipe
    batches = loader(samples.Heavy(), 2, batch_sampler=order, prefetch_factor=4)
    assert [batch[0, 0].item() for batch in batches] == list(range(12))


def test_workers_know_who_they_are() -> None:
    gg.manual_seed(1)
    found = list(loader(Calls(4, samples.who), 2, batch_size=None))
    assert [(i, n, length) for i, n, _, length in found] == [(0, 2, 4), (1, 2, 4)] * 2
    assert found[1][2] == found[0][2] + 1
    assert get_worker_info() is None and list(loader(Calls(1, samples.who), batch_size=None)) == [None]


def test_random_numbers_repeat_neither_among_workers_nor_epochs_but_with_the_seed() -> None:
    def numbers() -> list[float]:
        gg.manual_seed(0)
        batches = loader(Calls(6, samples.random_numbers), 2, batch_size=None)
        return [number for _ in range(2) for sample in batches for number in sample]

    found = numbers()
    assert len(set(found)) == len(found) == 36
    assert found == numbers()


def test_worker_seeds_are_base_seed_plus_id() -> None:
    gg.manual_seed(0)
    seeds = [seed for _, _, seed, _ in loader(Calls(2, samples.who), 2, batch_size=None)]
    gg.manual_seed(0)
    drawn = list(loader(Calls(2, samples.random_numbers), 2, batch_size=None))
    for i, (seed, (python, numpy, ours)) in enumerate(zip(seeds, drawn, strict=True)):
        base = seed - i
        assert python == random.Random(seed).random()
        words = np.random.SeedSequence([i, base % 2**32, base >> 32, 0]).generate_state(4)
        assert numpy == np.random.RandomState(words).random_sample()
        assert ours == gg.rand(1, dtype=gg.float64, generator=gg.Generator().manual_seed(seed)).item()


def test_worker_init_fn_comes_after_the_seeding() -> None:
    options = {"batch_size": None, "worker_init_fn": samples.init_reseeds}
    found = list(loader(Calls(2, samples.random_numbers), 2, **options))
    assert [python for python, _, _ in found] == [random.Random(i).random() for i in range(2)]


def test_prefetch_makes_so_many_batches_ahead_and_no_more() -> None:
    made = multiprocessing.get_context(FAST).Value("i", 0)

    def count(index: int) -> int:
        with made.get_lock():
            made.value += 1
        return index

    if FAST != "fork":
        pytest.skip("the counter is shared by fork")
    batches = iter(loader(Calls(50, count), 1, batch_size=2, prefetch_factor=3))
    next(batches)
    wait_until(lambda: made.value == 2 * (1 + 3))
    time.sleep(0.2)
    assert made.value == 2 * (1 + 3)


def wait_until(true: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.01)


def test_persistent_workers_stay_and_others_go() -> None:
    def pids(batches: DataLoader[Any]) -> list[set[int]]:
        return [set(batches) for _ in range(2)]

    options = {"batch_size": None}
    first, second = pids(loader(Calls(8, samples.pid), 2, persistent_workers=True, **options))
    assert first == second and len(first) == 2 and os.getpid() not in first
    first, second = pids(loader(Calls(8, samples.pid), 2, **options))
    assert not first & second


@pytest.mark.parametrize("after", [0, 1, 3])
def test_persistent_workers_begin_anew_in_the_middle_of_a_pass(after: int) -> None:
    batches = loader(Calls(20, samples.sleeps_briefly), 2, batch_size=2, persistent_workers=True)
    for _ in range(3):
        broken_off = iter(batches)
        for _ in range(after):
            next(broken_off)
    assert sum(plain(list(batches)), []) == list(range(20))


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="counts open files where /proc lists them")
def test_epochs_leave_no_open_files() -> None:
    batches, counts = loader(range(4), 2), []
    for _ in range(4):
        assert len(list(batches)) == 4
        counts.append(len(list(Path("/proc/self/fd").iterdir())))
    assert len(set(counts[1:])) == 1, counts


def test_a_loop_broken_off_ends_its_workers() -> None:
    batches = loader(Calls(8, samples.pid), 2, batch_size=None)
    iterator = iter(batches)
    workers = {next(iterator), next(iterator)}
    assert {process.pid for process in multiprocessing.active_children()} == workers
    del iterator
    assert multiprocessing.active_children() == []


# Streams


def test_a_stream_alone_and_in_shares() -> None:
    assert plain(list(loader(Stream(5), batch_size=2))) == [[0, 1], [2, 3], [4]]
    assert plain(list(loader(Stream(5), batch_size=2, drop_last=True))) == [[0, 1], [2, 3]]
    assert plain(list(loader(Stream(5), 1, batch_size=2))) == [[0, 1], [2, 3], [4]]
    assert plain(list(loader(Stream(3), batch_size=None))) == [0, 1, 2]
    shares = loader(Stream(10, sharded=True), 2, batch_size=2)
    assert plain(list(shares)) == [[0, 1], [2, 3], [4, 5], [6, 7], [8, 9]]
    assert [len(loader(Stream(5), batch_size=2)), len(loader(Stream(5), batch_size=2, drop_last=True))] == [
        3,
        2,
    ]


@pytest.mark.parametrize("persistent_workers", [False, True])
def test_a_stream_begins_anew_each_epoch(persistent_workers: bool) -> None:
    shares = loader(Stream(10, sharded=True), 2, batch_size=2, persistent_workers=persistent_workers)
    assert plain(list(shares)) == plain(list(shares))


def test_a_stream_that_every_worker_reads_whole_is_warned_of() -> None:
    batches = loader(Stream(3), 2, batch_size=None)
    assert len(batches) == 3
    with pytest.warns(UserWarning, match="reported to be 3 .* but 4 samples have been fetched"):
        next_four = [next(iterator) for iterator in [iter(batches)] for _ in range(4)]
    assert next_four == [0, 0, 1, 1]


# What goes wrong in a worker


FAILURES = [
    (samples.raises_value_error, {}, ValueError, "sample 3 is spoilt"),
    (samples.raises_key_error, {}, KeyError, "KeyError: 1\n"),
    (samples.raises_two_arguments, {}, RuntimeError, "TwoArguments.*first.*second"),
    (samples.raises_a_local_class, {}, RuntimeError, "nobody can import this class"),
    (samples.raises_stop_iteration, {}, RuntimeError, "raised StopIteration"),
    (samples.cannot_be_sent, {"batch_size": None}, (AttributeError, TypeError, RuntimeError), "lambda"),
    (samples.pid, {"collate_fn": samples.raising_collate}, TypeError, "cannot collate these"),
    (samples.pid, {"worker_init_fn": samples.init_raises}, OSError, "worker 0 finds no file"),
    (samples.exits, {}, RuntimeError, r"worker \(pid\(s\) \d+ \(exit code 5\).* exited unexpectedly"),
]


@pytest.mark.parametrize(
    ("function", "options", "kind", "told"), FAILURES, ids=lambda value: getattr(value, "__name__", "")
)
def test_a_failure_in_a_worker_is_told_with_its_traceback(
    function: Any, options: dict[str, Any], kind: Any, told: str
) -> None:
    with pytest.raises(kind, match=f"(?s){told}") as error:
        list(loader(Calls(8, function), 2, **options))
    if function is not samples.exits:
        assert "in DataLoader worker process 0" in str(error.value) or "process 1" in str(error.value)
        assert "Traceback (most recent call last)" in str(error.value)


def test_the_loop_can_go_on_after_a_failure() -> None:
    iterator = iter(loader(Calls(6, samples.raises_value_error), 2))
    got: list[Any] = []
    for _ in range(6):
        try:
            got.append(next(iterator).item())
        except ValueError:
            got.append("spoilt")
    assert got == [0, 1, 2, "spoilt", 4, 5] and list(iterator) == []


@pytest.mark.parametrize(("function", "cause"), [(samples.dies, "SIGKILL"), (samples.leaves, "exit code 7")])
@pytest.mark.parametrize("persistent_workers", [False, True])
def test_a_dead_worker_is_told_and_leaves_nothing(function: Any, cause: str, persistent_workers: bool) -> None:
    batches = loader(Calls(8, function), 2, persistent_workers=persistent_workers)
    with pytest.raises(RuntimeError, match="exited unexpectedly") as error:
        list(batches)
    assert cause in str(error.value)
    assert multiprocessing.active_children() == []
    with pytest.raises(RuntimeError, match="exited unexpectedly"):  # and again, with new workers
        list(batches)


def test_a_worker_killed_while_it_works_is_told() -> None:
    iterator = iter(loader(Calls(8, samples.sleeps), 2))
    os.kill(multiprocessing.active_children()[0].pid, signal.SIGKILL)
    with pytest.raises(RuntimeError, match="killed by SIGKILL"):
        next(iterator)
    with pytest.raises(StopIteration):
        next(iterator)


def test_a_worker_that_takes_too_long_is_told() -> None:
    with pytest.raises(RuntimeError, match=r"DataLoader timed out after 0\.2 seconds"):
        next(iter(loader(Calls(8, samples.sleeps), 1, timeout=0.2)))


def test_a_dataset_that_cannot_be_sent_is_told() -> None:
    with pytest.raises((AttributeError, TypeError, Exception), match="lambda|local object|pickle") as error:
        iter(loader(Calls(3, lambda index: index), 2, multiprocessing_context="spawn"))
    assert any("worker 0 could not be started" in note for note in error.value.__notes__)


PROGRAM = """
import os, signal, sys, time
import data_samples as samples
from glassgrad.data import DataLoader

signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in what a shell runs in the background

def main():
    batches = DataLoader(samples.Calls(8, samples.{function}), num_workers=2, batch_size=None,
                         persistent_workers=True, multiprocessing_context={start!r})
    iterator = iter(batches)
    import multiprocessing
    print(*[process.pid for process in multiprocessing.active_children()], flush=True)
    {then}

if __name__ == "__main__":
    main()
"""


def program(function: str, then: str, start: str = FAST) -> subprocess.Popen[str]:
    paths = [str(Path(gg.__file__).parents[1]), str(Path(samples.__file__).parent)]
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM.format(function=function, then=then, start=start)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    return not status.exists() or status.read_text().rsplit(")", 1)[1].split()[0] != "Z"


posix = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")


@posix
@pytest.mark.parametrize("start", STARTS[:2])
def test_workers_end_when_their_parent_is_killed(start: str) -> None:
    parent = program("sleeps", "time.sleep(60)", start)
    workers = [int(word) for word in parent.stdout.readline().split()]
    assert len(workers) == 2 and all(map(running, workers))
    parent.kill()
    parent.communicate()
    wait_until(lambda: not any(map(running, workers)))


@posix
@pytest.mark.parametrize("function", ["pid", "sleeps"])
def test_a_program_that_ends_takes_its_workers_along(function: str) -> None:
    parent = program(function, "")
    out, err = parent.communicate(timeout=30)
    assert parent.returncode == 0 and err == ""
    assert not any(running(int(word)) for word in out.split())


@posix
def test_ctrl_c_is_the_parents_affair() -> None:
    parent = program("sleeps", "next(iterator)")
    workers = [int(word) for word in parent.stdout.readline().split()]
    time.sleep(0.5)
    os.killpg(parent.pid, signal.SIGINT)
    _, err = parent.communicate(timeout=30)
    assert err.count("Traceback") == 1 and err.rstrip().endswith("KeyboardInterrupt")
    assert not any(map(running, workers))


# Options that contradict each other


REFUSED = [
    ({"num_workers": -1}, ValueError, "num_workers option should be non-negative"),
    ({"timeout": -1}, ValueError, "timeout option should be non-negative"),
    ({"timeout": 1}, ValueError, "timeout option needs num_workers > 0"),
    ({"prefetch_factor": 2}, ValueError, "prefetch_factor option needs num_workers > 0"),
    ({"prefetch_factor": 0, "num_workers": 1}, ValueError, "prefetch_factor option should be positive"),
    ({"persistent_workers": True}, ValueError, "persistent_workers option needs num_workers > 0"),
    ({"shuffle": True, "sampler": [0]}, ValueError, "sampler option is mutually exclusive with shuffle"),
    ({"batch_sampler": [[0]], "batch_size": 2}, ValueError, "batch_sampler option is mutually exclusive"),
    ({"batch_sampler": [[0]], "shuffle": True}, ValueError, "batch_sampler option is mutually exclusive"),
    ({"batch_sampler": [[0]], "sampler": [0]}, ValueError, "batch_sampler option is mutually exclusive"),
    ({"batch_sampler": [[0]], "drop_last": True}, ValueError, "batch_sampler option is mutually exclusive"),
    ({"batch_size": None, "drop_last": True}, ValueError, "batch_size=None option disables auto-batching"),
    ({"batch_size": 0}, ValueError, "batch_size should be a positive integer value, but got batch_size=0"),
    ({"batch_size": 2.0}, ValueError, "batch_size should be a positive integer value"),
    ({"drop_last": 1}, ValueError, "drop_last should be a boolean value"),
    ({"multiprocessing_context": "spawn"}, ValueError, "can only be used with multi-process loading"),
    ({"multiprocessing_context": "sporn", "num_workers": 1}, ValueError, "valid start method"),
    ({"multiprocessing_context": 3, "num_workers": 1}, TypeError, "valid context object"),
]


@pytest.mark.parametrize(("options", "kind", "told"), REFUSED, ids=lambda value: str(value)[:40])
def test_options_that_make_no_sense(options: dict[str, Any], kind: type[Exception], told: str) -> None:
    with pytest.raises(kind, match=told):
        DataLoader(range(4), **options)


@pytest.mark.parametrize("option", ["shuffle", "sampler", "batch_sampler"])
def test_a_stream_has_no_order(option: str) -> None:
    with pytest.raises(ValueError, match=f"IterableDataset: expected unspecified {option} option"):
        DataLoader(Stream(3), **{option: [[0]] if option != "shuffle" else True})


def test_an_empty_dataset_cannot_be_shuffled() -> None:
    with pytest.raises(ValueError, match="num_samples should be a positive integer value, but got num_samples=0"):
        DataLoader([], shuffle=True)


@pytest.mark.parametrize(
    "name", ["batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers"]
)
def test_what_is_fixed_cannot_be_set(name: str) -> None:
    batches = DataLoader(range(3))
    with pytest.raises(ValueError, match=f"{name} attribute should not be set"):
        setattr(batches, name, None)
    batches.collate_fn = list
    assert list(batches) == [[0], [1], [2]]


def test_pinned_memory_without_a_gpu_is_warned_of() -> None:
    with pytest.warns(UserWarning, match="no accelerator is found"):
        assert plain(list(DataLoader(range(2), pin_memory=True))) == [[0], [1]]


def test_too_many_workers_are_warned_of() -> None:
    with pytest.warns(UserWarning, match="will create 1000 worker processes"):
        DataLoader(range(2), num_workers=1000)


def test_a_sampler_of_an_eager_kind_is_asked_once_an_epoch() -> None:
    class Eager:
        asked = 0

        def __iter__(self) -> Iterator[list[int]]:
            Eager.asked += 1
            return iter([[1], [0]])

    assert plain(list(loader(range(2), 2, batch_sampler=Eager()))) == [[1], [0]] and Eager.asked == 1
    assert isinstance(DataLoader(range(2), shuffle=True).sampler, RandomSampler)


def test_a_sampler_without_end_starts_at_once() -> None:
    endless = iter(RandomSampler(range(5), replacement=True, num_samples=10**15))
    assert {next(endless) for _ in range(100)} == set(range(5))
    whole = iter(RandomSampler(range(5), num_samples=10**15))
    assert {next(whole) for _ in range(5)} == set(range(5))

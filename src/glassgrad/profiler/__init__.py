"""torch.profiler: the names and tables that programs use, filled by the recorder of glassgrad.profile().

An operation is called aten::<its name here>, a node on the way back as grad_fn shows it. Memory is what operations
make; what is freed is not counted, and there is no device but the CPU.
"""

from __future__ import annotations

import functools
import os
import socket
import time
from collections.abc import Callable, Iterable
from enum import Enum
from typing import Any

from ..core.provenance import warn
from ..core.watch import timers
from ..glass.profiling.profiler import profile as _Profile
from ..glass.profiling.timing import Event, Recorder
from .table import EventList, FunctionEvent, FunctionEventAvg

__all__ = [
    "EventList", "FunctionEvent", "FunctionEventAvg", "ProfilerAction", "ProfilerActivity", "kineto_available",
    "profile", "record_function", "schedule", "supported_activities", "tensorboard_trace_handler",
]  # fmt: skip


class ProfilerActivity(Enum):
    CPU = 0
    XPU = 1
    MTIA = 2
    CUDA = 3
    HPU = 4
    PrivateUse1 = 5


class ProfilerAction(Enum):
    NONE = 0
    WARMUP = 1
    RECORD = 2
    RECORD_AND_SAVE = 3


RECORDING = (ProfilerAction.RECORD, ProfilerAction.RECORD_AND_SAVE)


def supported_activities() -> set[ProfilerActivity]:
    return {ProfilerActivity.CPU}


def kineto_available() -> bool:
    return True


def schedule(
    *, wait: int, warmup: int, active: int, repeat: int = 0, skip_first: int = 0, skip_first_wait: int = 0
) -> Callable[[int], ProfilerAction]:
    """What to do at each step: `wait` steps nothing, `warmup` steps watch in vain, `active` steps record, and again.

    repeat: how often, 0 for ever. skip_first: steps before all this; skip_first_wait: the first time without `wait`.
    """
    given = {"wait": wait, "warmup": warmup, "active": active, "repeat": repeat, "skip_first": skip_first}
    if min(given.values()) < 0 or active == 0:
        told = ", ".join(f"{k}={v} (need {'> 0' if k == 'active' else '>= 0'})" for k, v in given.items())
        raise AssertionError(f"Invalid profiler schedule arguments. Got {told}.")
    cycle = wait + warmup + active

    def action(step: int) -> ProfilerAction:
        if step < 0:
            raise AssertionError(f"Step must be non-negative. Got {step}.")
        step -= skip_first - (wait if skip_first_wait else 0)
        if step < (wait if skip_first_wait else 0) or (repeat and step >= repeat * cycle):
            return ProfilerAction.NONE
        within = step % cycle
        if within < wait:
            return ProfilerAction.NONE
        if within < wait + warmup:
            return ProfilerAction.WARMUP
        return ProfilerAction.RECORD if within < cycle - 1 else ProfilerAction.RECORD_AND_SAVE

    return action


def tensorboard_trace_handler(
    dir_name: str, worker_name: str | None = None, use_gzip: bool = False, use_python_export: bool = False
) -> Callable[[Any], None]:
    """For on_trace_ready: each trace is a file in the folder, named as TensorBoard's plugin wants it."""
    worker = worker_name or f"{socket.gethostname()}_{os.getpid()}"

    def save(prof: Any) -> None:
        os.makedirs(dir_name, exist_ok=True)
        name = f"{worker}.{time.time_ns()}.pt.trace.json" + (".gz" if use_gzip else "")
        prof.export_chrome_trace(os.path.join(dir_name, name))

    return save


class record_function:
    """A stretch of the program under a name of its own, as a context manager or a decorator."""

    def __init__(self, name: str, args: str | None = None) -> None:
        self.name, self.args = name, args

    def __enter__(self) -> record_function:
        self.spans = [(timer, timer.enter(self.name)) for timer in timers if isinstance(timer, Recorder)]
        return self

    def __exit__(self, *_: object) -> None:
        for timer, span in self.spans:
            timer.leave(span)

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def named(*args: Any, **kwargs: Any) -> Any:
            with record_function(self.name, self.args):
                return function(*args, **kwargs)

        return named


DATA = {
    f"DataLoader.__next__{ours}": f"enumerate(DataLoader)#_{theirs}DataLoaderIter.__next__"
    for ours, theirs in (("", "SingleProcess"), (" (workers)", "MultiProcessing"))
}
# What is shown of a recording, under PyTorch's names, "" being nothing; functions only with_stack.
SHOWN: dict[str, Callable[[Event], str]] = {
    "op": lambda e: e.title or f"aten::{e.name}",
    "range": lambda e: e.name,
    "optimizer": lambda e: "Optimizer.{1}#{0}.{1}".format(*e.name.split(".")),
    "data": lambda e: DATA.get(e.name, ""),
}
STACK: dict[str, Callable[[Event], str]] = {
    "function": lambda e: f"{os.path.basename(e.file)}({e.line}): {e.name}",
    "call": lambda e: f"<built-in {e.name}>",
    "module": lambda e: f"nn.Module: {e.name}",
}


class profile:
    """Record what runs, as schedule says; then key_averages().table(), export_chrome_trace(), events().

    on_trace_ready(prof) is called after each stretch recorded. record_shapes, profile_memory, with_stack and
    with_flops add columns; with_modules names modules in the trace. CUDA among the activities is passed over with a
    warning. clock: seconds, from any beginning.
    Raises NotImplementedError for options that there is nothing for here.
    """

    def __init__(
        self,
        *,
        activities: Iterable[ProfilerActivity] | None = None,
        schedule: Callable[[int], ProfilerAction] | None = None,
        on_trace_ready: Callable[[Any], Any] | None = None,
        record_shapes: bool = False,
        profile_memory: bool = False,
        with_stack: bool = False,
        with_flops: bool = False,
        with_modules: bool = False,
        experimental_config: Any = None,
        execution_trace_observer: Any = None,
        acc_events: bool = False,
        use_cuda: bool | None = None,
        custom_trace_id_callback: Callable[[], str] | None = None,
        post_processing_timeout_s: float | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        for name, given in (("experimental_config", experimental_config),
                            ("execution_trace_observer", execution_trace_observer)):  # fmt: skip
            if given is not None:
                raise NotImplementedError(f"profile({name}=...): glassgrad's profiler has none; leave it out")
        self.activities = set(supported_activities() if activities is None else activities)
        if use_cuda:
            self.activities.add(ProfilerActivity.CUDA)
        if not self.activities:
            raise AssertionError("No valid profiler activities found")
        for activity in self.activities - supported_activities():
            warn(f"{activity.name} is not available, disabling {activity.name} profiling")
        self.schedule = schedule or (lambda step: ProfilerAction.RECORD)
        self.record_steps = schedule is not None
        self.on_trace_ready = on_trace_ready
        self.record_shapes, self.profile_memory = record_shapes, profile_memory
        self.with_stack, self.with_flops, self.with_modules = with_stack, with_flops, with_modules
        self.acc_events = acc_events
        self.clock = clock
        self.step_num = 0
        self.current_action = self.schedule(0)
        self.metadata: dict[str, Any] = {}
        self._profile: Any = None  # of glass: the one at work, or the latest
        self._running = False
        self._range: Any = None
        self._before: list[FunctionEvent] = []  # with acc_events, of stretches that are over

    # --- running ---

    def start(self) -> None:
        if self.current_action in RECORDING:
            self._begin()
        self._begin_step()

    def stop(self) -> None:
        self._end_step()
        if self._running:
            self._end()

    def __enter__(self) -> Any:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def step(self) -> None:
        """The program's next step begins."""
        self._end_step()
        before = self.current_action
        self.step_num += 1
        self.current_action = self.schedule(self.step_num)
        if self._running and (before is ProfilerAction.RECORD_AND_SAVE or self.current_action not in RECORDING):
            self._end()
        if not self._running and self.current_action in RECORDING:
            self._begin()
        self._begin_step()

    def _begin(self) -> None:
        if self.acc_events:
            self._before += self._events()
        self._profile = _Profile(clock=self.clock, brief=0.0)
        self._profile.start()
        self._running = True

    def _end(self) -> None:
        self._profile.stop()
        self._running = False
        if self.on_trace_ready is not None:
            self.on_trace_ready(self)

    def _begin_step(self) -> None:
        if self.record_steps and self._running:
            self._range = record_function(f"ProfilerStep#{self.step_num}")
            self._range.__enter__()

    def _end_step(self) -> None:
        if self._range is not None:
            self._range.__exit__()
            self._range = None

    # --- what was recorded ---

    def _events(self) -> list[FunctionEvent]:
        if self._profile is None:
            return []
        if self._running:
            raise AssertionError("the profiler is still recording: leave its with block, or call stop(), first")
        shown = SHOWN | (STACK if self.with_stack else {})
        recorder = self._profile.recorder
        made: list[FunctionEvent] = []
        around: list[tuple[int, FunctionEvent]] = []
        for e in sorted(recorder.events, key=lambda e: (e.start, e.depth)):
            while around and around[-1][0] >= e.depth:
                around.pop()
            name = shown[e.kind](e) if e.kind in shown else ""
            if not name:
                continue
            event = FunctionEvent(
                len(made) + 1, name, (e.start - recorder.began) * 1e6, (e.end - recorder.began) * 1e6,
                around[-1][1] if around else None, [list(s) for s in e.shapes] if self.record_shapes else [],
                e.allocated, e.flops, [f"{e.file}({e.line}): {e.owner}"] if self.with_stack else [],
            )  # fmt: skip
            made.append(event)
            around.append((e.depth, event))
        return made

    def events(self) -> EventList:
        """Every call recorded, in order of time."""
        if self._profile is None:
            raise AssertionError("Profiler must be initialized before accessing events")
        return EventList([*self._before, *self._events()], self.profile_memory, self.with_flops)

    def key_averages(
        self, group_by_input_shape: bool = False, group_by_stack_n: int = 0, group_by_overload_name: bool = False
    ) -> EventList:
        """The calls of one name added up; .table(sort_by="cpu_time_total", row_limit=10) shows them."""
        if self._profile is None:
            raise AssertionError("Profiler must be initialized before getting key averages")
        return self.events().key_averages(group_by_input_shape, group_by_stack_n)

    def export_chrome_trace(self, path: str) -> None:
        """The file that Perfetto and Chrome open; packed where the name ends in .gz."""
        if self._profile is None:
            raise AssertionError("Profiler must be initialized before exporting chrome trace")
        self._profile.save(path)

    def export_stacks(self, path: str, metric: str = "self_cpu_time_total") -> None:
        raise NotImplementedError("export_stacks() is not in glassgrad: export_chrome_trace() shows the same stacks")

    def export_memory_timeline(self, path: str, device: str | None = None) -> None:
        raise NotImplementedError("export_memory_timeline() is not in glassgrad: what is freed is not recorded")

    def add_metadata(self, key: str, value: str) -> None:
        self.metadata[key] = value

    add_metadata_json = add_metadata

    def toggle_collection_dynamic(self, enable: bool, activities: Iterable[ProfilerActivity]) -> None:
        raise NotImplementedError("toggle_collection_dynamic() is not in glassgrad: use two profiles")


class autograd_profile(profile):
    """torch.autograd.profiler.profile: the same without schedule and steps; enabled=False records nothing."""

    def __init__(
        self, enabled: bool = True, *, use_cuda: bool = False, use_device: str | None = None, use_kineto: bool = False,
        use_cpu: bool = True, **options: Any,
    ) -> None:  # fmt: skip
        if use_device not in (None, "cpu"):
            warn(f"{use_device} is not available, disabling {use_device} profiling")
        super().__init__(use_cuda=use_cuda, **options)
        self.enabled = enabled

    def __enter__(self) -> Any:
        return super().__enter__() if self.enabled else self

    @property
    def function_events(self) -> EventList:
        return self.events()

    @property
    def self_cpu_time_total(self) -> float:
        return self.events().self_cpu_time_total

    def total_average(self) -> FunctionEventAvg:
        return self.events().total_average()

    def table(self, *args: Any, **options: Any) -> str:
        return self.events().table(*args, **options)

    def __str__(self) -> str:
        return str(self.events()) if self._profile is not None else "<unfinished profile>"

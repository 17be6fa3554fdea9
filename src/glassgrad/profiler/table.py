"""The events of torch.profiler and their table, column by column as PyTorch prints it."""

from __future__ import annotations

import math
from typing import Any

WIDTH = 12  # of a column of numbers
UNITS = ("FLOPs", "KFLOPs", "MFLOPs", "GFLOPs", "TFLOPs", "PFLOPs")


def time_text(us: float) -> str:
    for unit, size in (("s", 1e6), ("ms", 1e3)):
        if us >= size:
            return f"{us / size:.3f}{unit}"
    return f"{us:.3f}us"


def memory_text(n: int) -> str:
    for unit, size in (("GB", 1 << 30), ("MB", 1 << 20), ("KB", 1 << 10)):
        if abs(n) >= size:
            return f"{n / size:.2f} {unit}"
    return f"{n} B"


class _Event:
    """What calls and their averages have in common; times are in microseconds, and all of the CPU."""

    count: int
    cpu_time_total: float
    self_cpu_time_total: float
    device_time_total = self_device_time_total = device_time = device_memory_usage = self_device_memory_usage = 0
    node_id = -1
    is_async = is_remote = is_legacy = False
    use_device = None

    @property
    def cpu_time(self) -> float:
        return self.cpu_time_total / self.count if self.count else 0.0

    @property
    def cpu_time_str(self) -> str:
        return time_text(self.cpu_time)

    @property
    def cpu_time_total_str(self) -> str:
        return time_text(self.cpu_time_total)

    @property
    def self_cpu_time_total_str(self) -> str:
        return time_text(self.self_cpu_time_total)


class FunctionEvent(_Event):
    """One call. time_range has .start and .end; cpu_children are the calls in it."""

    count = 1

    def __init__(
        self, id: int, name: str, start: float, end: float, parent: Any, input_shapes: list[Any], memory: int,
        flops: float, stack: list[str],
    ) -> None:  # fmt: skip
        self.id, self.name, self.time_range = id, name, Interval(start, end)
        self.cpu_parent = parent
        self.cpu_children: list[FunctionEvent] = []
        self.input_shapes, self.flops, self.stack, self.thread = input_shapes, flops, stack, 1
        self.self_cpu_memory_usage = self.cpu_memory_usage = memory
        self.cpu_time_total = self.self_cpu_time_total = end - start
        if parent is not None:
            parent.cpu_children.append(self)
            parent.self_cpu_time_total -= end - start
        while parent is not None:
            parent.cpu_memory_usage += memory
            parent = parent.cpu_parent

    @property
    def key(self) -> str:
        return "ProfilerStep*" if self.name.startswith("ProfilerStep#") else self.name

    def __repr__(self) -> str:
        return (
            f"<FunctionEvent id={self.id} name={self.name} cpu_time={self.cpu_time_str} "
            f"start_us={self.time_range.start:.3f} end_us={self.time_range.end:.3f} "
            f"cpu_children={[e.id for e in self.cpu_children]} thread={self.thread} input_shapes={self.input_shapes} "
            f"cpu_memory_usage={self.cpu_memory_usage}>"
        )


class Interval:
    def __init__(self, start: float, end: float) -> None:
        self.start, self.end = start, end

    def elapsed_us(self) -> float:
        return self.end - self.start


class FunctionEventAvg(_Event):
    """Calls added up."""

    def __init__(self, key: str = "Total") -> None:
        self.key = key
        self.count = self.cpu_memory_usage = self.self_cpu_memory_usage = 0
        self.cpu_time_total = self.self_cpu_time_total = self.flops = 0.0
        self.input_shapes: Any = ""
        self.stack: list[str] = []

    def add(self, other: Any) -> FunctionEventAvg:
        for name in ("count", "cpu_memory_usage", "self_cpu_memory_usage", "self_cpu_time_total", "flops"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        around = other.cpu_parent
        while around is not None and around.key != self.key:
            around = around.cpu_parent
        if around is None:  # within itself it is counted once
            self.cpu_time_total += other.cpu_time_total
        return self

    def __repr__(self) -> str:
        return (
            f"<FunctionEventAvg key={self.key} self_cpu_time={self.self_cpu_time_total_str} "
            f"cpu_time={self.cpu_time_str}  self_cuda_time=0.000us cuda_time=0.000us "
            f"input_shapes={self.input_shapes} cpu_memory_usage={self.cpu_memory_usage} cuda_memory_usage=0>"
        )


class EventList(list[Any]):
    """Calls, or averages of them."""

    def __init__(
        self, events: list[Any], memory: bool = False, flops: bool = False, whole: float | None = None
    ) -> None:
        super().__init__(events)
        self.memory, self.flops = memory, flops
        self.whole = sum(e.self_cpu_time_total for e in events) if whole is None else whole

    @property
    def self_cpu_time_total(self) -> float:
        return self.whole

    def key_averages(self, group_by_input_shapes: bool = False, group_by_stack_n: int = 0, *_: Any) -> EventList:
        found: dict[Any, FunctionEventAvg] = {}
        for e in self:
            shapes = str(e.input_shapes) if group_by_input_shapes else ""
            stack = e.stack[:group_by_stack_n]
            average = found.setdefault((e.key, shapes, *stack), FunctionEventAvg(e.key))
            average.input_shapes = e.input_shapes if group_by_input_shapes else ""
            average.stack = stack
            average.add(e)
        return EventList(list(found.values()), self.memory, self.flops, self.whole)

    def total_average(self) -> FunctionEventAvg:
        total = FunctionEventAvg()
        for e in self:
            total.add(e)
        return total

    def __str__(self) -> str:
        return self.table()

    def table(
        self,
        sort_by: str | None = None,
        row_limit: int = 100,
        max_src_column_width: int = 75,
        max_name_column_width: int = 55,
        max_shapes_column_width: int = 80,
        header: str | None = None,
        top_level_events_only: bool = False,
        time_unit: str | None = None,
    ) -> str:
        """As text. sort_by: an attribute of the events ("cpu_time_total", "self_cpu_time_total", "count", ...)."""
        if time_unit not in (None, "s", "ms", "us"):
            raise ValueError(f"time_unit is 's', 'ms' or 'us', not {time_unit!r}")
        events: list[Any] = list(self)
        if not events:
            return ""
        if sort_by is not None:
            name = sort_by.replace("cuda", "device")
            events.sort(key=lambda e: getattr(e, name), reverse=True)

        def clock(us: float) -> str:
            if time_unit is None:
                return time_text(us)
            return f"{us / {'s': 1e6, 'ms': 1e3, 'us': 1.0}[time_unit]:.3f}{time_unit}"

        def cut(text: str, width: int) -> str:
            return text if len(text) <= width else text[: width - 3] + "..."

        def share(us: float) -> str:
            return f"{us / self.whole * 100:.2f}%" if self.whole else "0.00%"

        known = [e.flops for e in events if e.flops > 0]
        scale = max(0, min(int(math.log10(min(known)) / 3), len(UNITS) - 1)) if known else 0
        names = min(max(len(e.key) for e in events) + 4, max_name_column_width)
        shapes = min(max(len(str(e.input_shapes)) for e in events) + 4, max_shapes_column_width)
        sources = min(max(len(line) for e in events for line in e.stack or [""]) + 4, max_src_column_width)
        # title, width, what a row has there, whether it is shown
        every: list[tuple[str, int, Any, bool]] = [
            ("Name", names, lambda e: cut(e.key, names), True),
            ("Self CPU %", WIDTH, lambda e: share(e.self_cpu_time_total), True),
            ("Self CPU", WIDTH, lambda e: clock(e.self_cpu_time_total), True),
            ("CPU total %", WIDTH, lambda e: share(e.cpu_time_total), True),
            ("CPU total", WIDTH, lambda e: clock(e.cpu_time_total), True),
            ("CPU time avg", WIDTH, lambda e: clock(e.cpu_time), True),
            ("CPU Mem", WIDTH, lambda e: memory_text(e.cpu_memory_usage), self.memory),
            ("Self CPU Mem", WIDTH, lambda e: memory_text(e.self_cpu_memory_usage), self.memory),
            ("# of Calls", WIDTH, lambda e: str(e.count), True),
            ("Input Shapes", shapes, lambda e: cut(str(e.input_shapes), shapes), any(e.input_shapes for e in events)),
            ("Source Location", sources, lambda e: cut(next(iter(e.stack), ""), sources), any(e.stack for e in events)),
            (f"Total {UNITS[scale]}", WIDTH, lambda e: f"{e.flops / 1000**scale:8.3f}" if e.flops else "--",
             self.flops and bool(known)),
        ]  # fmt: skip
        columns = [column[:3] for column in every if column[3]]

        def line(cells: list[str]) -> str:
            return "".join(f"{cell:>{width}}  " for cell, (_, width, _) in zip(cells, columns, strict=True))

        dashes = line(["-" * width for _, width, _ in columns])
        text = []
        if header is not None:
            text += ["=" * (len(dashes) - 2), header]
        if top_level_events_only:
            text += ["=" * (len(dashes) - 2), "This report only display top-level ops statistics"]
            events = [e for e in events if getattr(e, "cpu_parent", None) is None]
        text += [dashes, line([title for title, _, _ in columns]), dashes]
        shown = events if row_limit < 0 else events[:row_limit]
        text += [line([cell(e) for _, _, cell in columns]) for e in shown]
        return "\n".join([*text, dashes, f"Self CPU time total: {clock(self.whole)}", ""])

"""Where the time of a step goes: one table by operation, one by module, one sentence, and a trace for Perfetto.

    with glassgrad.profile() as prof:
        for x, y in loader:
            ...
    print(prof)
    prof.save("trace.json")          # open it at ui.perfetto.dev, or in Chrome at about:tracing

Nothing is paid where nobody profiles. What profiling costs itself is in docs/profile.md.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ...core.watch import timers
from . import text, trace
from .calls import Calls, users
from .timing import Key, Recorder, Row

__all__ = ["profile"]

_running: list[profile] = []


class profile:
    """Time what happens in the with block, in this thread. Also start() and stop().

    clock: seconds, from any beginning. limit: how many spans are kept for the trace; the tables need none of them.
    brief: seconds that a Python call must take to be in the trace.
    Raises RuntimeError where another profiler is at work: Python has one hook for them.
    """

    def __init__(
        self, *, clock: Callable[[], float] = time.perf_counter, limit: int = 500_000, brief: float = 20e-6
    ) -> None:
        self.recorder = Recorder(clock, limit, brief)
        self._calls = Calls(self.recorder.opened, self.recorder.closed)

    def start(self) -> profile:
        self._calls.check()
        frames = users(sys._getframe(1))
        self.recorder.begin(frames[-1])
        timers.append(self.recorder)
        _running.append(self)
        self._calls.start(frames)
        return self

    def stop(self) -> None:
        if self not in _running:
            raise RuntimeError("this profile is not running: call start(), or use it as `with profile() as prof:`")
        self._calls.stop()
        timers.remove(self.recorder)
        _running.remove(self)
        self.recorder.finish()

    def __enter__(self) -> profile:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def step(self) -> None:
        """A step ends here: times are then told for each. Without it, the steps of the optimizer are counted."""
        self.recorder.steps.append(self.recorder.now())

    # --- what it found ---

    @property
    def rows(self) -> dict[Key, Row]:
        """All there is: the tables are sums of it."""
        return {Key(*key): row for key, row in self.recorder.rows.items()}

    @property
    def total(self) -> float:
        """Seconds from start to stop, without imports and without what the profiler itself took."""
        return sum(row.own for key, row in self.rows.items() if key.part != "import")

    @property
    def parts(self) -> dict[str, float]:
        """Seconds by part of a step: forward, backward, optimizer, data, and python, which is everything else."""
        return text.parts(self)

    @property
    def steps(self) -> int:
        """How many steps there were: calls of step(), or else of an optimizer's step."""
        return len(self.recorder.steps) or sum(
            row.calls for key, row in self.rows.items() if key.kind == "optimizer" and key.name.endswith(".step")
            and "LR" not in key.name
        )  # fmt: skip

    @property
    def overhead(self) -> float:
        """Seconds that the profiler knows to have taken itself; they are in no other number here."""
        return self.recorder.lost

    @property
    def sentence(self) -> str:
        """What takes most of the time, and where in the user's program."""
        return text.sentence(self)

    def table(self, by: str = "operation", rows: int = 15) -> str:
        """As text. by: "operation", "module" or "line"; the `rows` that take longest."""
        return text.table(self, by, rows)

    def __str__(self) -> str:
        return text.report(self)

    def _repr_html_(self) -> str:
        return text.html(self)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the trace-event file that Perfetto and Chrome open; packed where the name ends in .gz."""
        return trace.save(self, Path(path))


@contextmanager
def profiled(path: str) -> Iterator[None]:
    """Profile what happens in the block, say what was found on standard error, and write the trace if it has a path."""
    prof = profile()
    try:
        with prof:
            yield
    finally:
        trace = f"trace: {prof.save(path)}, for ui.perfetto.dev" if path else "--profile=trace.json writes the trace."
        print(f"\n{prof}\n\n{trace}", file=sys.stderr)


def _in_child() -> None:
    """A forked process (a worker of a DataLoader) is nobody's to profile."""
    for running in tuple(_running):
        running._calls.stop()
        timers.remove(running.recorder)
        _running.remove(running)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)

"""A profile as a file in the trace-event format, which Perfetto (ui.perfetto.dev) and Chrome (about:tracing) open.

Source: "Trace Event Format", the Chromium project; the JSON object format with complete events ("ph": "X").
"""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...io.files import atomic_write
from .text import place

if TYPE_CHECKING:
    from .profiler import profile

MICRO = 1e6
GRAIN = 64  # parts of a microsecond; a power of two, so that readers add starts and durations without rounding


def events(prof: profile) -> list[dict[str, Any]]:
    """What the file lists: who the process is, every span, and where the steps end."""
    recorder = prof.recorder
    here = {"pid": os.getpid(), "tid": recorder.native_thread}  # Perfetto's ids have 32 bits

    def at(t: float) -> float:
        return round((t - recorder.began) * MICRO * GRAIN) / GRAIN

    found: list[dict[str, Any]] = [
        {"ph": "M", "name": "process_name", **here, "args": {"name": "glassgrad"}},
        {"ph": "M", "name": "thread_name", **here, "args": {"name": "the program"}},
    ]
    for e in sorted(recorder.events, key=lambda e: (e.start, e.depth)):
        args: dict[str, Any] = {"line": place(e.file, e.line), "phase": e.phase}
        args |= {name: value for name, value in (
            ("module", e.module), ("shapes", [list(shape) for shape in e.shapes]), ("made, bytes", e.allocated),
            ("moved, bytes", e.moved), ("FLOP", e.flops),
        ) if value}  # fmt: skip
        name = e.title if e.kind == "package" else e.module if e.kind == "module" and e.module else e.name
        if e.kind == "op" and e.phase == "backward":
            name += ", backward"
        found.append({"ph": "X", "cat": e.kind, "name": name,
                      "ts": at(e.start), "dur": at(e.end) - at(e.start), **here, "args": args})  # fmt: skip
    found += [{"ph": "i", "s": "t", "cat": "step", "name": f"step {k}", "ts": at(t), **here}
              for k, t in enumerate(recorder.steps, 1)]  # fmt: skip
    return found


def save(prof: profile, path: Path) -> Path:
    text = json.dumps({
        "traceEvents": events(prof),
        "displayTimeUnit": "ms",
        "otherData": {"sentence": prof.sentence, "spans left out": prof.recorder.dropped},
    })  # fmt: skip
    data = text.encode()
    atomic_write(path, gzip.compress(data) if path.suffix == ".gz" else data)
    return path

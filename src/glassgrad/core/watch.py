"""Who sees every operation as it happens: forward mode, anomaly detection, the hooks on what is saved.

A watcher is called with (op, inputs, options, out) after the result is made and recorded. The list is the process's;
a watcher finds out for itself whether this thread and context mean it. Where nobody watches, an operation pays one look
at an empty list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

Watcher = Callable[[Any, Any, dict[str, Any], Any], None]

watchers: list[Watcher] = []


def notice(op: Any, inputs: Any, options: dict[str, Any], out: Any) -> None:
    for watcher in tuple(watchers):
        watcher(op, inputs, options, out)


@contextmanager
def watching(watcher: Watcher) -> Iterator[None]:
    watchers.append(watcher)
    try:
        yield
    finally:
        watchers.remove(watcher)

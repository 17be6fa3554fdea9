"""Who sees every operation as it happens: forward mode, anomaly detection, the hooks on what is saved; and who is told
of what is no operation: that a pass back begins, that gradients are forgotten, what a loss was given.

A watcher is called with (op, inputs, options, out) after the result is made and recorded. The list is the process's;
a watcher finds out for itself whether this thread and context mean it. Where nobody watches, an operation pays one look
at an empty list.

A timer is told more: `start(op)` before an operation computes, `done(op, inputs, options, out)` as a watcher is;
`reach(node)` when a walk back comes to a node, None when it has ended, and `joined(node)` of a node that was taken
together with the one reached last. What is computed, and how, is the same with timers and without.

A listener is called with the name of what happens and what it happens to:

    if listeners:
        tell("zero_grad", self)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

Watcher = Callable[[Any, Any, dict[str, Any], Any], None]

watchers: list[Watcher] = []
timers: list[Any] = []
listeners: list[Callable[..., None]] = []


def notice(op: Any, inputs: Any, options: dict[str, Any], out: Any) -> None:
    for watcher in tuple(watchers):
        watcher(op, inputs, options, out)
    for timer in tuple(timers):
        timer.done(op, inputs, options, out)


def starts(op: Any) -> None:
    for timer in tuple(timers):
        timer.start(op)


def reaches(node: Any) -> None:
    for timer in tuple(timers):
        timer.reach(node)


def tell(what: str, *things: Any) -> None:
    for listener in tuple(listeners):
        listener(what, *things)


@contextmanager
def watching(watcher: Watcher) -> Iterator[None]:
    watchers.append(watcher)
    try:
        yield
    finally:
        watchers.remove(watcher)

"""What happened to which numbers while somebody watched, with a gradient and without: a list of events in order.

An array is known by a serial number, and is not kept alive. A detached tensor holds its original's array, so that the
flow of numbers is followed where the graph ends, through NumPy and back as well.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

from ..core.modes import is_grad_enabled
from ..core.provenance import Place, caller
from ..core.tensor import Tensor
from ..core.watch import listeners, watching

EVENTS = 50_000  # what comes after is not written down
INTEGER = "iub"


class Event(NamedTuple):
    """An operation, or a cut ("detach()").

    inputs    (serial, whether the tensor wanted a gradient) of each tensor
    outputs   serials
    place     the user's line
    recorded  whether the result is on the graph
    enabled   whether operations were recorded at that time
    integer   whether the result's dtype has no gradients
    """

    what: str
    inputs: tuple[tuple[int, bool], ...]
    outputs: tuple[int, ...]
    place: Place | None
    recorded: bool = False
    enabled: bool = True
    integer: bool = False

    @property
    def cuts(self) -> bool:
        return self.what.endswith(")") or self.what.startswith(".")


class Break(NamedTuple):
    """Where a gradient's way back ends: "cut", "no_grad" or "integer", what did it, and the user's line."""

    kind: str
    what: str
    place: Place | None


class Fate(NamedTuple):
    """What became of some numbers: the events that used them; whether the root is made of them with a gradient (True),
    without (False: see `broken`) or not at all (None); and the numbers that were taken out of tensors on the way.
    """

    used: list[Event]
    reaches: bool | None
    broken: Break | None
    taken: list[Event]


class Trail:
    """The events, and besides: where gradients were forgotten and of whom, and what dropout was told."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.resets: list[tuple[Place | None, set[int]]] = []
        self.backwards: list[Place | None] = []
        self.dropped: list[Place | None] = []  # everything, with p=1
        self._serials: dict[int, tuple[Any, int]] = {}
        self._next = 0

    def serial(self, array: Any) -> int:
        known = self._serials.get(id(array))
        if known is not None and known[0]() is array:
            return known[1]
        self._next += 1
        with suppress(TypeError):  # NumPy's scalars and vmap's batches can't be referred to: they are new each time
            self._serials[id(array)] = weakref.ref(array), self._next
        return self._next

    # --- as a watcher and a listener ---

    def op(self, op: Any, inputs: Any, options: Any, out: Any) -> None:
        outs = out if isinstance(out, tuple) else (out,)
        self._add(op.name, [x for x in inputs if isinstance(x, Tensor)], outs, caller(3))

    def _add(self, what: str, inputs: Any, outs: Any, place: Place | None) -> None:
        if len(self.events) >= EVENTS:
            return
        given = tuple([(self.serial(x.array), x._needs) for x in inputs])
        made = tuple([self.serial(y.array) for y in outs])
        recorded = any(y._node is not None for y in outs)
        integer = bool(outs) and all(y.array.dtype.kind in INTEGER for y in outs)
        self.events.append(Event(what, given, made, place, recorded, is_grad_enabled(), integer))

    def hear(self, what: str, *things: Any) -> None:
        if what == "cut":
            how, source, made, place = things
            self._add(how, (source,), () if made is None else (made,), place)
        elif what == "tensor":
            data, made = things
            if hasattr(data, "__array_interface__"):  # NumPy's: its numbers go on in a copy
                self.events.append(
                    Event("tensor()", ((self.serial(data), False),), (self.serial(made.array),), caller())
                )
        elif what == "zero_grad":
            self.resets.append((caller(), {id(p) for p in things[0]}))
        elif what == "backward":
            self.backwards.append(caller())
        elif what == "dropout" and things == (1, True):
            self.dropped.append(caller())

    # --- questions ---

    def knows(self, x: Any) -> bool:
        """Whether a tensor was made while this was written."""
        return isinstance(x, Tensor) and self.origin(x) is not None

    def origin(self, x: Tensor) -> Event | None:
        """The operation that made a tensor's numbers."""
        known = self._serials.get(id(x.array))
        if known is None or known[0]() is not x.array:
            return None
        return next((e for e in reversed(self.events) if known[1] in e.outputs), None)

    def fate(self, p: Tensor, root: Tensor | None) -> Fate:
        start, goal = self.serial(p.array), None if root is None else self.serial(root.array)
        live: dict[int, bool] = {start: True}
        why: dict[int, Break] = {}
        cut_at: dict[int, Break] = {}  # of arrays that a cut tensor shares
        used, taken = [], []
        for event in self.events:
            mine = [(serial, wants) for serial, wants in event.inputs if serial in live]
            if not mine:
                continue
            used.append(event)
            first = mine[0][0]
            if event.cuts:
                broken = Break("cut", event.what, event.place)
                if any(live[serial] for serial, _ in mine):
                    cut_at[first] = broken
                if not event.outputs:
                    taken.append(event)
                for y in set(event.outputs) - set(live):
                    live[y], why[y] = False, why.get(first, cut_at.get(first, broken))
                continue
            going = any(live[serial] and wants for serial, wants in mine)
            for y in event.outputs:
                if going and event.recorded:
                    live[y] = True
                elif not live.get(y):
                    live[y] = False
                    why.setdefault(y, self._break(event, mine, live, why, cut_at))
        if goal is None or goal not in live:
            return Fate(used, None, None, taken)
        return Fate(used, live[goal], why.get(goal), taken)

    def _break(self, event: Event, mine: Any, live: Any, why: Any, cut_at: Any) -> Break:
        for serial, wants in mine:
            if live[serial] and wants:
                if not event.enabled:
                    return Break("no_grad", event.what, event.place)
                return Break("integer", event.what, event.place)
            if serial in why:
                return why[serial]
            if serial in cut_at:
                return cut_at[serial]
        return Break("cut", event.what, event.place)


latest: list[Trail] = []  # that of the last watch(), for whoever asks afterwards


@contextmanager
def trailing() -> Iterator[Trail]:
    """Write down what happens inside."""
    trail = Trail()
    latest[:] = [trail]
    listeners.append(trail.hear)
    try:
        with watching(trail.op):
            yield trail
    finally:
        listeners.remove(trail.hear)

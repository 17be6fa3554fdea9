"""Where the time of a program goes, as it runs: spans within spans, each with the module and the user's line.

A span is a call: of an operation, a module, a function of the user's, a batch being fetched, a node on the way back.
What a span takes besides those within it is its own time, and every moment is somebody's own time, so that the rows
add up to the whole. The user's own lines have what passes between two calls that they make.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import get_ident, get_native_id
from types import FrameType
from typing import Any, NamedTuple

from ...core.graph import Node
from ...core.provenance import PACKAGE, line_of
from ...core.tensor import Tensor
from ...nn.module import Module
from .arithmetic import work
from .calls import LANDMARKS, USER, c_name, kind_of, name_of, public_name, users, variables

# The part of a step that a span belongs to, by its kind, and for all within it; others are what is around them.
PARTS = {
    "data": "data", "optimizer": "optimizer", "import": "import", "backward": "backward", "module": "forward",
    "op": "forward",
}  # fmt: skip
OPEN = ("python", "forward")  # parts in which another may begin


class Key(NamedTuple):
    """What rows are told apart by.

    kind    op, module, function (the user's), call (what the user's line calls), package (a call of ours), data,
            optimizer, backward, import, or range (what the user gave a name)
    name    of the operation, function or class
    file, line, until   the user's line; of a function's own time, the lines that it passes between
    module  the path of the innermost module around it, "" where there is none
    phase   forward or backward
    part    of a step: forward, backward, optimizer, data, import, or python, which is all else
    owner   the user's function around it
    """

    kind: str
    name: str
    file: str
    line: int
    until: int
    module: str
    phase: str
    part: str
    owner: str


class Row:
    """What a key has added up to: calls, seconds of its own, bytes made, bytes read and written, arithmetic."""

    __slots__ = ("allocated", "calls", "flops", "moved", "own")

    def __init__(self) -> None:
        self.calls = 0
        self.own = self.flops = 0.0
        self.allocated = self.moved = 0


class Event(NamedTuple):
    """One span that has ended, for the trace."""

    name: str
    kind: str
    phase: str
    start: float
    end: float
    module: str
    file: str
    line: int
    allocated: int
    moved: int
    flops: float
    shapes: tuple[Any, ...]
    depth: int
    owner: str
    title: str  # of a node: as grad_fn shows it; of a call of ours: the function


class Cost(NamedTuple):
    allocated: int = 0
    moved: int = 0
    flops: float = 0.0
    shapes: tuple[Any, ...] = ()


class Made(NamedTuple):
    """What is known of a node since it was made: whose it is, and what its way back costs."""

    name: str
    module: str
    file: str
    line: int
    owner: str
    cost: Cost


class Span:
    """What is under way. key: what its end is known by; inner: seconds of the spans in it; user: the span of the
    user's function that it is in, or is; line: the user's, and of such a function where it begins.
    """

    __slots__ = (
        "cost", "file", "frame", "inner", "key", "kind", "line", "mark", "module", "name", "owner", "part", "phase",
        "since", "start", "title", "user",
    )  # fmt: skip

    kind: str
    name: str
    key: Any
    start: float
    inner: float
    cost: Cost
    user: Span
    file: str
    line: int
    module: str
    phase: str
    part: str
    owner: str
    title: str
    frame: FrameType  # of a function of the user's
    since: float  # of such: when the call before came back, and the line that it was made from
    mark: int


NOTHING = Cost()
KEPT = 200_000  # nodes that are remembered until their way back


class Recorder:
    """Told of calls (see calls.py) and operations (core/watch.py's timers), it keeps rows and events.

    clock gives seconds. Its own time is left out: `lost` adds it up. brief: calls that take less are not events;
    limit: how many of these are kept.
    """

    def __init__(self, clock: Callable[[], float], limit: int, brief: float) -> None:
        self.clock, self.limit, self.brief = clock, limit, brief
        self.lost = 0.0
        self.thread, self.native_thread = get_ident(), get_native_id()
        self.rows: dict[tuple[Any, ...], Row] = {}
        self.events: list[Event] = []
        self.dropped = 0
        self.steps: list[float] = []  # when they ended
        self.made: dict[int, Made] = {}
        self.paths: dict[Module, str] = {}
        self.classes: dict[str, str] = {}  # of the modules at these paths
        self.stack: list[Span] = []
        self.busy = False  # so that calls of a clock written in Python are not seen

    def now(self) -> float:
        return self.clock() - self.lost

    def begin(self, frame: FrameType) -> None:
        """The profile begins, in the function of the user's that has this frame."""
        root = Span()
        root.kind, root.name, root.owner, root.key = "function", name_of(frame), name_of(frame), frame
        root.file, root.module, root.phase, root.part = frame.f_code.co_filename, "", "forward", "python"
        root.frame, root.line, root.mark = frame, frame.f_lineno, frame.f_lineno
        root.user, root.cost, root.inner, root.title = root, NOTHING, 0.0, ""
        self.stack = [root]
        root.start = root.since = self.began = self.now()

    def finish(self) -> None:
        self.ended = now = self.now()
        while len(self.stack) > 1:
            self.pop(self.stack[-1], now)
        self.pass_time(self.stack[0], now)
        self.stack.clear()
        self.made.clear()
        self.paths.clear()

    # --- spans ---

    def push(self, kind: str, name: str, key: Any, now: float) -> Span:
        around = self.stack[-1]
        user = around.user
        if around is user:
            self.pass_time(user, now)
        span = Span()
        span.kind, span.name, span.key, span.start, span.inner, span.cost = kind, name, key, now, 0.0, NOTHING
        span.user, span.file, span.line, span.module = user, user.file, user.mark, around.module
        span.owner, span.title = user.owner, ""
        if around is not user:
            span.line = user.frame.f_lineno
        span.phase = "backward" if kind == "backward" else around.phase
        span.part = PARTS.get(kind, around.part) if around.part in OPEN else around.part
        self.stack.append(span)
        return span

    def pass_time(self, user: Span, now: float) -> None:
        """The user's own lines end here, at a call, or the function's end."""
        line = user.frame.f_lineno
        if now > user.since:
            row = self.row("function", user.name, user.file, user.mark, line, user.module, user.phase, user.part,
                           user.owner)  # fmt: skip
            row.own += now - user.since
        user.mark, user.since = line, now

    def row(self, *key: Any) -> Row:
        row = self.rows.get(key)
        if row is None:
            row = self.rows[key] = Row()
        return row

    def pop(self, span: Span, now: float) -> None:
        """A span has ended, and so have those in it that nobody said the end of: an exception left them."""
        stack = self.stack
        while stack[-1] is not span:
            lost = stack.pop()
            stack[-1].inner += lost.inner
            if lost.user is lost:  # its own lines have their time already
                stack[-1].inner += now - lost.start - lost.inner
        stack.pop()
        around, took = stack[-1], now - span.start
        cost = span.cost
        if span.user is span:
            self.pass_time(span, now)
            row = self.row("function", span.name, span.file, span.mark, span.mark, span.module, span.phase, span.part,
                           span.owner)  # fmt: skip
        else:
            row = self.row(span.kind, span.name, span.file, span.line, span.line, span.module, span.phase, span.part,
                           span.owner)  # fmt: skip
            row.own += took - span.inner
            row.allocated += cost.allocated
            row.moved += cost.moved
            row.flops += cost.flops
        row.calls += 1
        around.inner += took
        if around.user is around:
            around.since = now
        if took < self.brief and span.kind in ("call", "package", "function"):
            return
        if len(self.events) >= self.limit:
            self.dropped += 1
            return
        self.events.append(
            Event(span.name, span.kind, span.phase, span.start, now, span.module, span.file, span.line,
                  cost.allocated, cost.moved, cost.flops, cost.shapes, len(stack), span.owner, span.title)
        )  # fmt: skip

    # --- calls ---

    def opened(self, frame: FrameType, function: Any) -> None:
        if self.busy:
            return
        raw = self.clock()
        now = raw - self.lost
        if function is not None:
            name = c_name(function)
            self.push("backward" if name == "Value.backward" else "call", name, function, now)
        else:
            self.open_frame(frame, now)
        self.lost += self.clock() - raw

    def open_frame(self, frame: FrameType, now: float) -> None:
        code = frame.f_code
        kind = LANDMARKS.get(code)
        if kind == "module":
            module = frame.f_locals["self"]
            span = self.push(kind, type(module).__name__, frame, now)
            span.module = path = self.path_of(module)
            self.classes[path] = span.name
        elif kind == "data":
            workers = " (workers)" if "Worker" in type(frame.f_locals["self"]).__name__ else ""
            self.push(kind, f"DataLoader.{code.co_name}{workers}", frame, now)
        elif kind == "optimizer":
            self.push(kind, f"{type(frame.f_locals['self']).__name__}.{code.co_name}", frame, now)
        elif kind is not None:
            self.push(kind, kind, frame, now)
        elif code.co_filename.startswith(PACKAGE):
            self.push("package", "glassgrad", frame, now).title = public_name(frame)
        elif kind_of(code) == USER:
            span = self.push("function", name_of(frame), frame, now)
            span.user, span.frame, span.file, span.owner = span, frame, code.co_filename, span.name
            span.line = span.mark = code.co_firstlineno
            span.since = now
        else:
            self.push("call", f"{frame.f_globals.get('__name__')}.{code.co_qualname}", frame, now)

    def closed(self, frame: FrameType, function: Any) -> None:
        if self.busy:
            return
        raw = self.clock()
        key = frame if function is None else function
        stack = self.stack
        for span in reversed(stack):
            if span.key is key:
                if span is stack[0]:  # the function that the profile began in returns before it ends
                    self.outlive(span, frame, raw - self.lost)
                else:
                    self.pop(span, raw - self.lost)
                break
        self.lost += self.clock() - raw

    def outlive(self, root: Span, frame: FrameType, now: float) -> None:
        self.pass_time(root, now)
        root.frame = root.key = within = users(frame.f_back)[-1]
        root.file, root.mark, root.name = within.f_code.co_filename, within.f_lineno, name_of(within)
        root.owner = root.name

    # --- stretches that the user names ---

    def enter(self, name: str) -> Span | None:
        return self.push("range", name, Recorder, self.now()) if get_ident() == self.thread else None

    def leave(self, span: Span | None) -> None:
        if span in self.stack:
            self.pop(span, self.now())

    # --- operations; see core/watch.py ---

    def start(self, op: Any) -> None:
        if get_ident() != self.thread:
            return
        self.busy = True
        raw = self.clock()
        top = self.stack[-1]
        if top.kind == "op" and top.key is not Node:  # it has raised
            self.stack.pop()
            self.stack[-1].inner += top.inner
        self.push("op", op.name, op, raw - self.lost)
        self.lost += self.clock() - raw
        self.busy = False

    def done(self, op: Any, inputs: Any, options: dict[str, Any], out: Any) -> None:
        if get_ident() != self.thread:
            return
        self.busy = True
        raw = self.clock()
        outs = out if isinstance(out, tuple) else (out,)
        made = sum([_size(y)[0] for y in outs])
        sizes = [_size(x) for x in inputs]
        shapes = [shape for _, shape in sizes]
        read = sum([n for n, _ in sizes])
        view = getattr(op, "view", False)
        needs = [isinstance(x, Tensor) and x._needs for x in inputs]
        forward, back = work(op, shapes, _size(outs[0])[1], options, needs)
        name = said(op, shapes, options)
        span = self.stack[-1]
        if span.key is op:
            span.name = name
            span.cost = Cost(0 if view else made, 0 if view else made + read, forward, tuple(shapes))
            self.pop(span, raw - self.lost)
        node = getattr(outs[0], "_node", None)
        if node is not None:
            slopes = sum([n for (n, _), need in zip(sizes, needs, strict=True) if need])
            cost = Cost(shapes=tuple(shapes)) if view else Cost(slopes, made + read + slopes, back, tuple(shapes))
            self.remember(node, Made(name, span.module, span.file, span.line, span.owner, cost))
        self.lost += self.clock() - raw
        self.busy = False

    def remember(self, node: Node, made: Made) -> None:
        """For its way back: that reads what was read and the gradient of the result, and makes those of the inputs."""
        if node.op.is_pick and isinstance(node.edges[0], Node):
            node = node.edges[0]
        self.made[node.number] = made
        if len(self.made) > KEPT:
            for number in list(self.made)[: KEPT // 2]:
                del self.made[number]

    def reach(self, node: Node | None) -> None:
        if get_ident() != self.thread:
            return
        self.busy = True
        raw = self.clock()
        now = raw - self.lost
        if self.stack[-1].key is Node:
            self.pop(self.stack[-1], now)
        if node is not None:
            made = self.made.get(node.number)
            span = self.push("op", made.name if made else node.op.name, Node, now)
            span.phase, span.title = "backward", node.name()
            if made is not None:
                span.module, span.file, span.line, span.owner, span.cost = made[1:]
            elif (place := getattr(node, "place", None)) is not None:
                span.file, span.line = line_of(place)
        self.lost += self.clock() - raw
        self.busy = False

    def joined(self, node: Node) -> None:
        """Taken with the one reached last: the span is of both, and belongs to the one with the most arithmetic."""
        span, made = self.stack[-1], self.made.get(node.number)
        if get_ident() != self.thread or span.key is not Node:
            return
        span.name = f"{made.name if made else node.op.name}+{span.name}"
        if made is not None:
            old = span.cost
            if made.cost.flops >= old.flops:
                span.module, span.file, span.line, span.owner = made[1:5]
            cost = made.cost
            span.cost = Cost(
                old.allocated + cost.allocated, old.moved + cost.moved, old.flops + cost.flops, cost.shapes
            )

    # --- names of modules ---

    def path_of(self, module: Module) -> str:
        """As the user would say it: model.features.0."""
        path = self.paths.get(module)
        if path is None:
            name, owner = self.variable_of(module)
            for below, part in owner.named_modules():
                self.paths.setdefault(part, f"{name}.{below}" if below else name)
            path = self.paths.setdefault(module, name)
        return path

    def variable_of(self, module: Module) -> tuple[str, Module]:
        """The user's variable that the module is, or is in: its name, and what it holds."""
        seen = set()
        for span in reversed(self.stack):
            if span.user is not span or id(span.frame) in seen:
                continue
            seen.add(id(span.frame))
            names = variables(span.frame)
            held = [(name, value) for name, value in names if isinstance(value, Module) and name != "self"]
            held += [
                (f"{name}.{attribute}", value)
                for name, owner in names
                if name == "self" and not isinstance(owner, Module) and hasattr(owner, "__dict__")
                for attribute, value in vars(owner).items()
                if isinstance(value, Module)
            ]
            for name, value in held:
                if value is module:
                    return name, value
            for name, value in held:
                if any(part is module for part in value.modules()):
                    return name, value
        return type(module).__name__, module


NAMES = {"attend": "attention", "sum_all": "sum", "nll_total": "nll_loss"}
BY_RANK = {"convolution": "conv", "max_pool": "max_pool"}  # conv2d: by the dimensions of a picture


def said(op: Any, shapes: list[tuple[int, ...]], options: dict[str, Any]) -> str:
    """An operation as users call it."""
    if op.name in BY_RANK and shapes:
        return f"{BY_RANK[op.name]}{len(shapes[0]) - 2}d"
    if op.name == "unroll":
        return str(options.get("cell", op.name)).lower()
    return NAMES.get(op.name, op.name)


def _size(x: Any) -> tuple[int, tuple[int, ...]]:
    """The bytes and the shape of an array or a tensor; of anything else, nothing."""
    array = x.array if isinstance(x, Tensor) else x
    return getattr(array, "nbytes", 0), tuple(getattr(array, "shape", ()))

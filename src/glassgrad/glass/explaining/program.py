"""Why a program that never heard of this package does not learn: `glassgrad run --explain program.py`.

The first backward passes are watched whole, then the one after twice as many, and so on: a network may die later. What
is wrong with a parameter and stays wrong is told when the program ends, however it does. Between these passes there is
one look at each loss and one at the gradients, for the first that is no number; a step that finds no gradients and a
.grad that is read and is None are judged, too.
"""

from __future__ import annotations

import linecache
import math
import os
import re
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import islice
from types import FrameType
from typing import Any, NamedTuple

import numpy as np

from ...core.batched import Batched
from ...core.modes import is_grad_enabled
from ...core.provenance import caller, line_of, of_the_user, user_frame
from ...core.tensor import Tensor
from ...core.watch import listeners
from ...nn import Module, hooks
from ...optim.optimizer import register_optimizer_step_pre_hook
from ...scalar.engine import Value, ancestry
from ...scalar.optim import Optimizer
from ..canvas import short
from ..graph import Graph, holding, nodes_of, watch
from ..linting.values import GROWN
from ..scalars import telling
from ..trail import Trail, latest
from .answer import Explanation, grouped, say
from .causes import HARMLESS, NUMBERLESS, PASSING, SURE
from .diagnosis import diagnose
from .faults import bad
from .measure import on_host, total, value_of
from .question import Question, answer, graph_of, leaves, names_at, variables

PASSES = 3  # are watched at first, and as many in a row make sure of a fault
MOST = 500  # parameters are judged,
LINES = 8  # of backward() at most, each with a first look of its own
ASKED = 20  # tensors whose .grad was read and was None
DOUBTS = 10  # times what begins later is looked at in a row
NEAR = 1e-3  # of the first loss: there is nothing left to learn
TESTED = re.compile(r"\s*(is|==|!=)\W")  # what stands behind a .grad that may well be None


@contextmanager
def explained(passes: str = "") -> Iterator[None]:
    """Around a program. passes: how many are watched at first."""
    if passes and not passes.isdecimal():
        print(f"glassgrad run: error: --explain takes a number of backward passes, got {passes!r}", file=sys.stderr)
        raise SystemExit(2)
    seen, process = Watch(int(passes or PASSES)), os.getpid()
    try:
        with seen:
            yield
    finally:
        if os.getpid() == process:  # not in a forked child
            print(f"\nexplain: {seen.report()}", file=sys.stderr)


@dataclass
class Judged:
    """A parameter, and what is said of it in each pass. plain: it is a leaf that only a variable holds."""

    p: Any
    plain: bool
    said: dict[int, Explanation] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return next((one.name for one in self.said.values()), "")

    @property
    def run(self) -> list[Explanation]:
        """What was last said without a break and is a fault."""
        found: list[Explanation] = []
        for one in reversed(self.said.values()):
            if one.fine or one.code in HARMLESS:
                break
            found.append(one)
        return found[::-1]

    def reached(self, number: int) -> None:
        """A pass has ended: where it leaves a gradient, it is no fault that others left none. Experts take turns."""
        last = next(reversed(self.said.values()), None)
        if last is None or not isinstance(self.p, Tensor) or self.p._grad is None:
            return
        if last.code.startswith("GE1") and last.code not in ("GE100", "GE112"):
            self.said[number] = say("GE100", last.name, "the gradient is there", None)

    def lasting(self, times: int) -> Explanation | None:
        """The fault that stays, as it was when that was sure; of NaN the first, from which the next ones follow."""
        run = self.run
        if run and run[-1].code in (*NUMBERLESS, *SURE):
            return next(one for one in run if one.code in (*NUMBERLESS, *SURE))
        sure = min(times, len(self.said))
        return run[sure - 1] if run and len(run) >= sure else None


@dataclass
class Loss:
    """The sizes of a line's losses: the first, the largest, the one now; how many there were that are numbers.

    numberless: whether its last pass had a loss or gradients that are none
    """

    first: float = 0.0
    worst: float = 0.0
    now: float = 0.0
    count: int = 0
    numberless: bool = False

    def follow(self, value: float) -> bool:
        """The next one; True where it is the first that is no number."""
        begins = not math.isfinite(value) and not self.numberless
        self.numberless = not math.isfinite(value)
        if not self.numberless:
            self.first = self.first if self.count else value
            self.worst, self.now, self.count = max(self.worst, value), value, self.count + 1
        return begins

    @property
    def settled(self) -> bool:
        """Whether it has come so near to 0 that there is nothing left to learn."""
        return self.count > 1 and self.now <= NEAR * self.first


class Pass(NamedTuple):
    """A backward pass that was looked at."""

    root: Tensor | Value
    loss: Loss
    graph: Graph | None
    names: dict[int, str]
    trail: Trail | None

    def question(self, p: Any, frame: FrameType | None) -> Question:
        return Question(p, self.root, self.graph, frame, self.names, self.trail)


class Watch:
    """Sees backward passes, and judges the parameters of what was called for them or is optimized."""

    def __init__(self, first: int) -> None:
        self.first = max(1, first)
        self.times = min(self.first, PASSES)  # so many looks make sure of a fault
        self.passes = 0
        self.looked = 0
        self.judged: dict[int, Judged] = {}
        self.late: list[Explanation] = []  # a loss that was no number in the end
        self.failed = ""
        self._until = self.first  # the last pass to be watched
        self._asked: dict[int, tuple[Tensor, Explanation]] = {}  # whose .grad was read
        self._nones: set[int] = set()  # parameters of which None was read once
        self._paths: dict[int, str] = {}  # of parameters in the outermost module called
        # by outermost module since the last pass, and whether it was recorded: its parameters
        self._called: dict[tuple[int, bool], list[Tensor]] = {}
        self._optimized: list[Any] = []
        self._losses: dict[Any, Loss] = {}  # by line
        self._doubts = 0
        self._raising: list[Explanation] = []  # why the pass that has begun cannot end
        self._depth = 0
        self._trail: Trail | None = None
        self._now: Pass | None = None
        self._open = ExitStack()  # while passes are watched whole
        self._held = ExitStack()  # what backward() is about to free
        self._told = ExitStack()

    def __enter__(self) -> Watch:
        self._begin()
        self._told.enter_context(telling(self._hear_scalar))
        self._told.callback(register_optimizer_step_pre_hook(self._step).remove)
        self._told.callback(listeners.remove, self._hear)
        listeners.append(self._hear)
        return self

    def __exit__(self, *_: object) -> None:
        self._told.close()
        self._held.close()
        self._end()

    def _begin(self) -> None:
        """Watch whole what comes."""
        if self._trail is None:
            self._open.enter_context(watch())
            self._trail = latest[0]
            for handle in (
                hooks.register_module_forward_pre_hook(self._enter),
                hooks.register_module_forward_hook(self._leave, always_call=True),
            ):
                self._open.callback(handle.remove)

    def _end(self) -> None:
        self._open.close()
        self._trail = None

    # --- what happens ---

    def _enter(self, module: Module, args: Any) -> None:
        if not self._depth:
            self._called[id(module), is_grad_enabled()] = list(module.parameters())
            self._paths |= {id(p): path for path, p in module.named_parameters()}
        self._depth += 1

    def _leave(self, module: Module, args: Any, out: Any) -> None:
        self._depth = max(0, self._depth - 1)

    def _hear(self, what: str, *things: Any) -> None:
        if what == "optimizer":
            self._optimized.append(things[0])
        elif what in ("backward", "gradients"):
            roots = things[0] if isinstance(things[0], list | tuple) else [things[0]]
            root = next((x for x in roots if isinstance(x, Tensor) and _is_scalar(x)), None)
            if root is not None:
                self.passes += what == "backward"
                self._try(self._before if what == "backward" else self._after, root)
        elif what == "gradient read" and things[0]._grad is None and len(self._asked) < ASKED:
            self._try(self._read, things[0], sys._getframe(3))

    def _hear_scalar(self, what: str, root: Any, *_: Any) -> None:
        if what == "scalar_before_backward":
            self.passes += 1
            self._try(self._before, root)
        elif what == "scalar_after_backward":
            self._try(self._after, root)

    def _step(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        if not args and not kwargs:  # a closure computes the gradients
            self._try(self._idle, optimizer)

    def _try(self, look: Any, *things: Any) -> None:
        try:
            if not self.failed and not self.late:
                look(*things)
        except Exception as problem:  # the program goes on
            self.failed = f"it stopped to look: {problem!r}"
        if self.failed or self.late:
            self._held.close()
            self._end()

    # --- a backward pass ---

    def _before(self, root: Tensor | Value) -> None:
        self._now = None
        first = _line() not in self._losses and len(self._losses) < LINES
        loss = self._losses.setdefault(_line(), Loss())
        begins = loss.follow(float(total(value_of(root))))
        if first:  # its own passes are watched from the next on
            self._until = max(self._until, self.passes + self.first - (self.passes == 1))
        if begins:
            self._grown(loss, root)
        nodes = nodes_of(root) if isinstance(root, Tensor) else []
        if freed := [node for node in nodes if node.saved is None and node.guards]:
            last = max(freed, key=lambda node: node.number)
            self._raising = [say("GE111", "the loss", "its backward() raises", last.freed)]
        if self._trail is not None or begins or first:
            self._look(root)
        else:
            self._held.enter_context(holding(nodes))

    def _after(self, root: Tensor | Value) -> None:
        self._raising = []
        for judged in self.judged.values():
            judged.reached(self.passes)
        loss = self._losses[_line()]
        if self._now is None and not loss.numberless and any(map(_is_numberless, self.judged.values())):
            loss.numberless = True
            self._grown(loss, root)
            self._look(root)
        self._held.close()
        times, rest = divmod(self.passes + 1, self.first)
        if not rest and not times & (times - 1):  # twice as many as the last time: one pass of each loss
            self._until = max(self._until, self.passes + min(len(self._losses), LINES))
        if self.passes < self._until:
            self._begin()
        else:
            self._end()

    def _grown(self, loss: Loss, root: Tensor | Value) -> None:
        """Of a loss that grew and grew before there was no number any more, that is all there is to say."""
        if loss.count >= self.first and loss.worst > GROWN * max(loss.first, 1e-2):
            value = float(total(value_of(root)))
            state = "its gradients are no numbers" if math.isfinite(value) else f"the loss is {value}"
            fields: dict[str, Any] = {"first": short(loss.first), "last": short(loss.worst), "count": loss.count}
            self.late = [say("GE403", "the loss", state, caller(), **fields)]

    # --- what it means ---

    def _look(self, root: Tensor | Value) -> None:
        """Judge the parameters that this loss is made of, and those that belong to them and are not among them."""
        if self.late:
            return
        self.looked += 1
        frame = user_frame()
        names = names_at(frame)
        graph = graph_of(root, names) if isinstance(root, Value) or root.requires_grad else None
        names = self._paths | names
        self._now = Pass(root, self._losses[_line()], graph, names, self._trail)
        asked = self._scalars(root, frame, names) if isinstance(root, Value) else self._tensors(root, names)
        for p, plain in asked[:MOST]:
            if id(p) not in self.judged:
                self._asked.pop(id(p), None)
            self._put(p, plain, diagnose(self._now.question(p, frame), watched=True))
        if isinstance(root, Tensor) and not asked and not root.requires_grad:
            known = {judged.name for judged in self.judged.values()}
            same = [x for name, x in variables(frame) if name in known and isinstance(x, Tensor)]
            wanted = {id(p): p for p in [p for own in self._owners(False) for p in own] or same}
            self._raising = [diagnose(self._now.question(p, frame)) for p in wanted.values()]
        self._called.clear()

    def _put(self, p: Any, plain: bool, said: Explanation) -> None:
        judged = self.judged.setdefault(id(p), Judged(p, plain))
        learned = any(one.fine for one in judged.said.values())
        settled = said.code[:3] in ("GE2", "GE4") and self._now is not None and self._now.loss.settled
        rests = isinstance(p, Value) and said.code[:3] == "GE2"  # as one number of a tensor may
        if settled or (learned and (rests or said.code in PASSING)):
            return
        judged.said[self.passes] = said
        if learned and len(judged.run) == 1 and (said.code in NUMBERLESS or self._doubts < DOUBTS):
            self._doubts += said.code not in NUMBERLESS
            self._until = max(self._until, self.passes + (self.times - 1) * min(len(self._losses), LINES))

    def _idle(self, optimizer: Any) -> None:
        """A step finds no gradient where the pass before it, which was looked at, has left none."""
        if self._now is None or not isinstance(self._now.root, Tensor):
            return
        frame = user_frame()
        for p in (p for group in optimizer.param_groups for p in group["params"] if p._needs and p._grad is None):
            known = self.judged[id(p)].said.get(self.passes) if id(p) in self.judged else None
            if known is None or known.fine:
                self._put(p, False, diagnose(self._now.question(p, frame)))

    def _read(self, x: Tensor, frame: FrameType) -> None:
        """The program has asked for a .grad, and has got None."""
        if not of_the_user(frame.f_code.co_filename) or id(x) in self._asked:
            return
        if id(x) in self.judged and id(x) not in self._nones:  # to look once is no mistake
            self._nones.add(id(x))
            return
        if (x._node is None and not self.passes) or x._retains or TESTED.match(behind(frame)):
            return
        root = self._now.root if self._now is not None else None
        said = answer(x, root, frame, self._now.trail if self._now is not None else None)
        assert isinstance(said, Explanation)
        if id(x) not in self.judged or (said.code == "GE112" and not self.judged[id(x)].run):
            self._asked[id(x)] = x, said

    def _tensors(self, root: Tensor, names: dict[int, str]) -> list[tuple[Any, bool]]:
        """And whether only a variable holds it: what else has no owner is data, another tensor in the next pass."""
        reached = {id(x): x for x in leaves(root)} if root.requires_grad else {}
        asked: dict[int, Tensor] = {}
        for own in self._owners(bool(reached)):
            if not reached or any(id(p) in reached for p in own):
                asked |= {id(p): p for p in own if id(p) in reached or (p.requires_grad and p._grad is None)}
        asked |= {key: x for key, x in reached.items() if x._is_param}
        plain = [(x, True) for key, x in reached.items() if key not in asked and key in names]
        return [*((p, False) for p in asked.values()), *plain]

    def _owners(self, only_recorded: bool) -> list[list[Tensor]]:
        """The parameters of each module that was called, and of each optimizer."""
        called = [own for (_, recorded), own in self._called.items() if recorded or not only_recorded]
        return [*called, *([p for g in o.param_groups for p in g["params"]] for o in self._optimized)]

    def _scalars(self, root: Value, frame: FrameType | None, names: dict[int, str]) -> list[tuple[Any, bool]]:
        """Leaves that have a name: whatever of them is no parameter is another object in the next pass."""
        reached = {id(x): x for x in ancestry(root) if not x.operands and (x.label or id(x) in names)}
        owners = [x for _, x in variables(frame) if isinstance(x, Optimizer)]
        owned = {id(p): p for o in owners for g in o.param_groups for p in g["params"]}
        return [(p, key not in owned) for key, p in (owned | reached).items()]

    def told(self) -> list[Explanation]:
        """One for each cause and line."""
        lasting = [judged.lasting(self.times) for judged in self._counted()]
        asked = [said for x, said in self._asked.values() if x._grad is None and said.code not in HARMLESS]
        return grouped([*filter(None, lasting), *self._raising, *asked, *self.late])

    def _counted(self) -> list[Judged]:
        return [
            judged for judged in self.judged.values() if not judged.plain or len(judged.said) >= min(2, self.looked)
        ]

    def report(self) -> str:
        if self.failed:
            return self.failed
        told = self.told()
        if not self.passes and not told:
            return "backward() of a scalar was never called"
        of = f"{self.looked} of " if self.looked < self.passes else ""
        passes = f"{of}{self.passes} backward pass{'es' * (self.passes != 1)}"
        if not told:
            n = len(self._counted())
            return f"nothing wrong with {n} gradient{'s' * (n != 1)} in {passes}"
        return f"{len(told)} fault{'s' * (len(told) > 1)} in {passes}\n\n" + "\n\n".join(map(str, told))


def _line() -> Any:
    place = caller()
    return place and line_of(place)


def behind(frame: FrameType) -> str:
    """What stands in the source behind what a frame is just doing."""
    _, line, _, column = next(islice(frame.f_code.co_positions(), frame.f_lasti // 2, None))
    text = linecache.getline(frame.f_code.co_filename, line or 0, frame.f_globals)
    return text.encode()[column or 0 :].decode()


def _is_scalar(x: Tensor) -> bool:
    return x.array.size == 1 and not isinstance(x.array, Batched)  # a batch of vmap's has no single value


def _is_numberless(judged: Judged) -> bool:
    g = judged.p._grad if isinstance(judged.p, Tensor) else None
    if g is None:
        return False
    with np.errstate(all="ignore"):
        whole = on_host(g).sum()  # is a number only if all of them are
    return not np.isfinite(whole) and bad(on_host(g))

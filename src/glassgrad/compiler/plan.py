"""A recording made ready to be done again: a short program of calls, which `print(plan)` shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from ..core.modes import grad_mode
from ..core.provenance import Place, show
from ..core.tensor import Tensor
from .fusion import fuse
from .recorder import Instruction, Recording, described
from .tree import Slot, is_tree, items, leaves, paths, rebuilt, slots_of


@dataclass(slots=True)
class Step:
    """An instruction over the list of values."""

    name: str
    function: Callable[..., Any]
    args: Callable[[list[Any]], Any]
    names: tuple[str, ...]
    options: Callable[[list[Any]], Any]
    results: list[tuple[tuple[Any, ...], int]]  # the keys that lead to each, and its slot
    fresh: list[int]  # slots whose nodes the user's line gets
    place: Place | None
    gone: tuple[int, ...]  # slots that nobody needs from here on

    def take(self, values: list[Any]) -> None:
        if self.names:
            options = dict(zip(self.names, self.options(values), strict=True))
            made = self.function(*self.args(values), **options)
        else:
            made = self.function(*self.args(values))
        for path, number in self.results:
            found = made
            for key in path:
                found = found[key]
            if found is None:
                raise RuntimeError(
                    f"compile: {self.name}() gave no tensor here, as it did when the function was recorded"
                )
            values[number] = found
        for number in self.fresh:
            node = values[number]._node
            if node is not None:
                node.place = self.place
        for number in self.gone:
            values[number] = None


class Plan:
    """What is done instead of the user's function.

    instructions   the calls into the library, in order; chains of elementwise operations are one
    outside        the tensors that the function found outside its arguments, by slot
    """

    def __init__(self, recording: Recording, inputs: int) -> None:
        self.reach, self.shapes, self.outside = recording.reach, recording.shapes, recording.outside
        self.inputs, self.result = inputs, recording.result
        wanted = set(slots_of(self.result))
        self.instructions = fuse(recording.instructions, self.shapes, wanted, recording.changed)
        self.template: list[Any] = [None] * len(self.shapes)
        self.steps = self._assembled(wanted | set(self.outside))
        self.returned = self._gather(self.result)

    def fails(self, inputs: list[Tensor]) -> str | None:
        """What is not as it was when the function was recorded; None if the plan holds."""
        for number, x in self.outside.items():
            if described(x) != self.shapes[number]:
                return f"a tensor of shape {list(self.shapes[number][0])} from outside"
        return self.reach.changed(inputs)

    def replay(self, inputs: list[Tensor]) -> Any:
        values = self.template.copy()
        values[: len(inputs)] = inputs
        mode = grad_mode.get()
        try:
            for step in self.steps:
                step.take(values)
            return self.returned(values)
        finally:
            if grad_mode.get() is not mode:  # an exception inside the user's `with no_grad()`
                grad_mode.set(mode)

    def _assembled(self, kept: set[int]) -> list[Step]:
        """The instructions over one list, in which each slot has its place and constants follow."""
        steps, there = [], {*range(self.inputs), *self.outside}
        for number, x in self.outside.items():
            self.template[number] = x
        last = {slot: at for at, i in enumerate(self.instructions) for slot in (*i.reads(), *i.makes())}
        for at, i in enumerate(self.instructions):
            made = set(i.makes())
            gone = tuple(sorted(slot for slot in made.union(i.reads()) - kept if last[slot] == at))
            fresh = [slot for slot in sorted(made - there) if self.shapes[slot][2] and i.place is not None]
            there |= made
            args, options = self._gather(i.args), self._gather(tuple(i.options.values()))
            results = [(path, x.number) for path, x in paths(i.result) if isinstance(x, Slot)]
            steps.append(Step(_name(i), i.function, args, tuple(i.options), options, results, fresh, i.place, gone))
        return steps

    def _gather(self, x: Any) -> Callable[[list[Any]], Any]:
        """What builds the tree x out of the list again."""
        if not is_tree(x):
            return itemgetter(self._at(x))
        if type(x) is tuple and len(x) > 1 and not any(map(is_tree, x)):
            return itemgetter(*map(self._at, x))
        parts = [self._gather(value) for _, value in items(x)]
        return lambda values: rebuilt(x, [part(values) for part in parts])

    def _at(self, x: Any) -> int:
        """Where a Slot or a constant is in the list."""
        if isinstance(x, Slot):
            return x.number
        self.template.append(x)
        return len(self.template) - 1

    def __str__(self) -> str:
        lines = [f"{'inputs':>8}  {self._tensors(range(self.inputs))}"]
        if self.outside:
            lines.append(f"{'outside':>8}  {self._tensors(self.outside)}")
        for k, i in enumerate(self.instructions):
            lines.append(f"{k:8}  {self._line(i)}")
            lines += [f"{'':12}{self._line(part)}" for part in i.parts]
        lines.append(f"{'result':>8}  {self.result}")
        return "\n".join(lines)

    def dot(self) -> str:
        """The plan as a graph in Graphviz's language: calls as boxes, tensors as arrows."""
        lines = ["digraph plan {", "  node [shape=box, fontname=monospace];"]
        maker = dict.fromkeys(range(self.inputs), "inputs") | dict.fromkeys(self.outside, "outside")
        for k, i in enumerate(self.instructions):
            name = _name(i).replace('"', "'")
            lines.append(f'  {k} [label="{name}"];')
            lines += [f'  {maker[slot]} -> {k} [label="%{slot}"];' for slot in dict.fromkeys(i.reads())]
            maker |= dict.fromkeys(i.makes(), str(k))
        lines += [f'  {maker[slot]} -> result [label="%{slot}"];' for slot in dict.fromkeys(slots_of(self.result))]
        return "\n".join([*lines, "}"])

    def _line(self, i: Instruction) -> str:
        made = self._tensors(i.makes()) or "-"
        args, options = i.operation if i.op is not None and not i.parts else (i.args, i.options)
        given = [_shown(x) for x in leaves(args)] + [
            f"{key}={_shown(x)}" for key, x in options.items() if x is not None
        ]
        return f"{made:28} = {_name(i)}({', '.join(given)})".ljust(80) + "  " + show(i.place)

    def _tensors(self, numbers: Any) -> str:
        return ", ".join(f"%{k} {self.shapes[k][1]}{list(self.shapes[k][0])}" for k in numbers)


def _name(i: Instruction) -> str:
    return i.op.name if i.op is not None else i.name.rpartition("<locals>.")[2]


def _shown(x: Any) -> str:
    text = repr(x)
    return text if len(text) < 30 else type(x).__name__

"""Chains of elementwise operations as one operation, made when a recording is planned.

Forward, a fused operation calls its members' functions one after the other; its formula for an input calls them again
and then their formulas from the last to the first, as the walk through the graph would. Nothing but these two is said
here: behind it stand the kernels' programs (kernels/trace.py), which turn either into one pass over memory where there
is a compiler. Without kernels it is what eager does, less the memory that the graph would have kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from ..core.native import program
from ..core.op import Formula, Op, record
from .recorder import Instruction, Shape
from .tree import Slot

INPUTS = 10  # tensors; a program takes 12 arguments


@dataclass
class Member:
    """One operation of a chain: its arguments are numbers, Slots of inputs, or Slots that members before it made."""

    op: Op
    args: tuple[Any, ...]
    options: dict[str, Any]
    out: int

    def reads(self) -> set[int]:
        return {x.number for x in self.args if isinstance(x, Slot)}

    def moved_by(self, moving: set[int]) -> list[int]:
        """The positions of arguments that move and have a derivative."""
        return [
            i for i, x in enumerate(self.args)
            if isinstance(x, Slot) and x.number in moving and self.op.formulas[i] is not None
        ]  # fmt: skip

    def asked(self, i: int) -> set[int]:
        """The slots whose values the formula of argument i mentions."""
        names = self.op.mentions[self.op.inputs[i]]
        named = {
            x.number
            for x, name in zip(self.args, self.op.inputs, strict=False)
            if name in names and isinstance(x, Slot)
        }
        return named | {self.out} if "y" in names else named

    def compute(self, values: dict[int, Any]) -> None:
        args = [values[x.number] if isinstance(x, Slot) else x for x in self.args]
        values[self.out] = self.op.apply(args, self.options)


class Fused(Op):
    """Members in order, the last of which makes the result; slots: the inputs they read, in order."""

    def __init__(self, members: list[Member], slots: list[int]) -> None:
        self.members, self.slots = members, slots
        self.result = members[-1].out
        names = [f"x{k}" for k in range(len(slots))]
        super().__init__(
            program(self._forward), "elementwise", name="+".join(m.op.name for m in members), inputs=names, listed=False
        )
        self.node_name = "FusedBackward0"
        formulas: dict[str, Formula | None] = {}
        for name, slot in zip(names, slots, strict=True):
            route = Route(members, slots, slot)
            formulas[name] = route.slope if self.result in route.moving else None
            self.mentions[name] = tuple(names[slots.index(kept)] for kept in route.kept)
        self.place_formulas(formulas)

    def _forward(self, *inputs: Any) -> Any:
        values = dict(zip(self.slots, inputs, strict=True))
        for m in self.members:
            m.compute(values)
        return values[self.result]


class Route:
    """How the gradient of a chain's result gets to one of its inputs, and what it needs to know on the way.

    moving: the slots that depend on the input; needed: those whose values the formulas ask for, and what these are
    computed from; kept: the chain's inputs among them, in order.
    """

    def __init__(self, members: list[Member], slots: list[int], slot: int) -> None:
        self.members, self.slot = members, slot
        self.moving, self.needed = {slot}, set[int]()
        for m in members:
            if m.moved_by(self.moving):
                self.moving.add(m.out)
        for m in reversed(members):
            for i in m.moved_by(self.moving):
                self.needed |= m.asked(i)
            if m.out in self.needed:
                self.needed |= m.reads()
        self.kept = [s for s in slots if s in self.needed]

    def slope(self, g: Any, *inputs: Any) -> Any:
        """The formulas of the members, last first, at values that are computed again."""
        values = dict(zip(self.kept, inputs, strict=True))
        for m in self.members:
            if m.out in self.needed:
                m.compute(values)
        flows = {self.members[-1].out: g}
        for m in reversed(self.members):
            g = flows.pop(m.out, None)
            if g is None:
                continue
            args = [values.get(x.number) if isinstance(x, Slot) else x for x in m.args]
            for i in m.moved_by(self.moving):
                d = m.op.formulas[i](g, *m.op.save(i, args, m.options, values.get(m.out)))
                at = m.args[i].number
                flows[at] = flows[at] + d if at in flows else d
        return flows[self.slot]


def fuse(
    instructions: list[Instruction],
    shapes: dict[int, Shape],
    results: set[int],
    changed: set[int],
) -> list[Instruction]:
    """The instructions with chains of elementwise operations put together.

    An operation joins the one that uses its result when nothing else does, and when nothing that might change a tensor
    comes between them. results: slots that are wanted in the end. changed: slots of tensors that are changed in place;
    what reads them stays as it is, since a chain keeps other values for backward than its members.
    """
    made: list[Instruction | None] = list(instructions)
    uses: dict[int, set[int]] = {}
    for at, instruction in enumerate(instructions):
        for slot in instruction.reads():
            uses.setdefault(slot, set()).add(at)
    chain = {at: [at] for at, i in enumerate(instructions) if _elementwise(i, shapes) and changed.isdisjoint(i.reads())}
    makers = {instructions[at].result.number: at for at in chain}
    for root in sorted(chain, reverse=True):
        if root not in chain:
            continue
        members = chain[root]
        grown = True
        while grown:
            grown = False
            for slot in sorted({s for at in members for s in instructions[at].reads()}, reverse=True):
                at = makers.get(slot, -1)
                if at in members or at not in chain or slot in results or not uses[slot] <= set(members):
                    continue
                if shapes[slot][:2] != shapes[instructions[root].result.number][:2]:
                    continue
                if any(instructions[k].op is None for k in range(at + 1, root)):
                    continue
                inputs = _inputs([instructions[k] for k in sorted([*members, at])])
                if len(inputs) > INPUTS:
                    continue
                members.append(at)
                del chain[at]
                grown = True
        parts = [instructions[at] for at in sorted(members)]
        if len(members) == 1:
            made[root] = alone(parts[0])
        else:
            made[root] = fused(parts)
            for at in members:
                if at != root:
                    made[at] = None
    return [i for i in made if i is not None]


def _inputs(parts: list[Instruction]) -> list[int]:
    """The slots that a chain reads and does not make, in order of use."""
    own = {i.result.number for i in parts}
    return list(dict.fromkeys(slot for i in parts for slot in i.reads() if slot not in own))


def fused(parts: list[Instruction]) -> Instruction:
    inputs = _inputs(parts)
    members = [Member(i.op, *i.operation, i.result.number) for i in parts]  # type: ignore[arg-type]
    op = Fused(members, inputs)
    call = _record(op, {})
    return Instruction(
        op.name, call, tuple(map(Slot, inputs)), {}, parts[-1].place, parts[-1].result, op=op, parts=parts
    )


def alone(i: Instruction) -> Instruction:
    """The operation itself, past the function that the user called, which only readied its arguments."""
    assert i.op is not None
    return replace(i, function=_record(i.op, i.operation[1]), args=i.operation[0], options={})


def _record(op: Op, options: dict[str, Any]) -> Callable[..., Any]:
    return lambda *inputs: record(op, inputs, options)


def _elementwise(i: Instruction, shapes: dict[int, Shape]) -> bool:
    """Whether an instruction computes each element of a float tensor from the same elements of others alone."""
    op, args = i.op, i.operation[0]
    if op is None or op.jvp != "elementwise" or not op.declared or op.variadic or not isinstance(i.result, Slot):
        return False
    form = shapes[i.result.number][:2]
    known = {x.number for x in args if isinstance(x, Slot) and shapes[x.number][:2] == form}
    return form[1].char in "fd" and known == set(i.reads()) and all(isinstance(x, Slot) or _is_number(x) for x in args)


def _is_number(x: Any) -> bool:
    return type(x) in (int, float)

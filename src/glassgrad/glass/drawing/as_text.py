"""A scene as text: a tree for a terminal, and DOT for whoever has Graphviz."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ..canvas import plain_text
from .boxes import Box, Scene
from .layout import Item

DEEP = 16  # levels of the tree that are indented; below, a branch starts anew at the left

FORMS = {
    "op": 'shape=box, style=rounded',
    "leaf": "shape=box, peripheries=2, color=blue",
    "constant": "shape=octagon, style=dashed",
    "module": "shape=box3d",
    "earlier": "shape=octagon, style=dotted",
}  # fmt: skip


def dot(scene: Scene) -> str:
    """The visible boxes, modules as clusters. Names are quoted: whatever they hold stays a label."""
    number = {item: k for k, item in enumerate(scene.boxes)}
    lines = ["digraph {", '  node [fontname="monospace", fontsize=10];', '  graph [fontname="monospace", fontsize=10];']

    def put(item: Item, depth: int) -> None:
        space = "  " * depth
        box = scene.boxes[item]
        if item.open:
            lines.append(f"{space}subgraph cluster_{number[item]} {{")
            lines.append(f"{space}  label={quoted([f'{box.title} {box.note}'.strip()])};")
            for child in item.children:
                put(child, depth + 1)
            lines.append(f"{space}}}")
        else:
            label, tip = quoted(said(box)), quoted(box.tip.split("\n"))
            lines.append(f"{space}n{number[item]} [label={label}, tooltip={tip}, {FORMS[box.kind]}];")

    for item in scene.root.children:
        put(item, 1)
    for net in scene.nets:
        lines += [f"  n{number[net.source]} -> n{number[target]};" for target in net.targets]
    return "\n".join([*lines, "}", ""])


def quoted(lines: list[str]) -> str:
    r"""A string of DOT, its lines to the left.

    >>> print(quoted(['a "b"', "c"]))
    "a \"b\"\lc\l"
    """
    plain = [plain_text(line, 300).replace("\\", "\\\\").replace('"', '\\"') for line in lines]
    return '"' + (plain[0] if len(plain) == 1 else "".join(f"{line}\\l" for line in plain)) + '"'


def said(box: Box) -> list[str]:
    """What stands in a box, without the pictures."""
    wide = box.labels + 1
    head = f"{box.title} {box.note}".strip()
    return [head, *[f"{r.label:<{wide}}{r.text}" if r.text else r.label for r in box.rows]]


def tree(scene: Scene) -> str:
    """The last box first, under each what it is made of; a box that is used again is told once, then named.

    A chain of boxes with one argument each goes straight down.
    """
    made_of: dict[Item, list[Item]] = {}
    for net in scene.nets:
        for target in net.targets:
            made_of.setdefault(target, []).append(net.source)
    used = {net.source for net in scene.nets}
    ends = [item for item in scene.boxes if not item.open and item not in used]
    heads = {item: said(box)[0] for item, box in scene.boxes.items() if not item.open}
    count, uses = Counter(heads.values()), Counter(target for targets in made_of.values() for target in targets)
    again = [item for item in heads if uses[item] > 1 and count[heads[item]] > 1]
    heads.update({item: f"{heads[item]} #{k}" for k, item in enumerate(again, start=1)})  # told apart
    told: set[Item] = set()
    return "\n".join([*(line for end in ends for line in _branch(scene, end, made_of, heads, told)), *scene.notes])


def _branch(
    scene: Scene, end: Item, made_of: dict[Item, list[Item]], heads: dict[Item, str], told: set[Item]
) -> Iterator[str]:
    stack: list[tuple[Item, str, str]] = [(end, "", "")]  # the box, what stands before it, and before what follows
    while stack:
        item, first, rest = stack.pop()
        if item in told:
            yield f"{first}{heads[item]}, as above"
            continue
        told.add(item)
        rows = said(scene.boxes[item])[1:]
        where = "".join(f"{scene.boxes[group].title}: " for group in item.path()[1:-1])
        yield f"{first}{where}{heads[item]}   {'   '.join(' '.join(row.split()) for row in rows)}".rstrip()
        below = made_of.get(item, [])
        if len(rest) >= 3 * DEEP:
            first, rest = "", ""
        if len(below) == 1:
            stack.append((below[0], rest, rest))
        else:
            branches = [(b, "└─ ", "   ") if k == len(below) - 1 else (b, "├─ ", "│  ") for k, b in enumerate(below)]
            stack += [(b, rest + one, rest + more) for b, one, more in reversed(branches)]

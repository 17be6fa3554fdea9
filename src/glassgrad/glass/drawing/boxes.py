"""From a graph to what a picture shows: boxes in groups, one for each module's call, and the lines between them."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ...core.provenance import show
from ...core.tensor import Tensor
from ...nn.parameter import Parameter
from ...scalar.engine import Value
from ..canvas import plain_text, short
from ..graph import COUNTED, Graph, Vertex
from ..summary import Known, Row, details, on_host, row
from .groups import ROOM, Part, close, cut, nest
from .layout import Item, Net

BOXES = 200  # drawn at most; what is older is left out
LISTED = 12  # leaves in one box
NAME = 34  # characters of a name

WIDE = re.compile("[\u1100-\u115f\u2e80-\uffdc\U0001f001-\U0010ffff]")
SIGNS = {"+": "+", "-": "−", "*": "×", "/": "÷"}
CHAR = 6.63  # width of a character of the text, of DejaVu Sans Mono the widest of its kind, at 11 px
BOLD = 7.23  # of the title, at 12 px
LINE, HEAD, SIDE, FOOT, BAR = 15.0, 22.0, 9.0, 5.0, 3.0  # heights of lines and title, margins, width of a bar


@dataclass(eq=False)
class Box:
    """What stands in a box.

    kind     "op", "leaf" (gets a gradient), "constant", "module" (a closed group), "earlier" (what is left out),
             "piece" (of a group that is too large)
    title    in bold; note stands beside it
    rows     lines of text
    tip      what is told of it on demand
    members  its vertices
    graded   the vertices whose gradients its rows tell
    path     of a module: its names, outermost first
    number   of a module: which call of that path
    """

    kind: str
    title: str
    note: str = ""
    rows: list[Row] = field(default_factory=list)
    tip: str = ""
    members: list[Vertex] = field(default_factory=list)
    graded: list[Vertex] = field(default_factory=list)
    path: tuple[str, ...] = ()
    last: bool = False

    @property
    def labels(self) -> int:
        return max([len(r.label) for r in self.rows if r.text], default=0)

    @property
    def is_group(self) -> bool:
        return self.kind in ("module", "piece")

    def size(self) -> tuple[float, float]:
        labels = self.labels
        head = BOLD * columns(self.title) + (CHAR * (columns(self.note) + 1) if self.note else 0)
        head += BOLD * 2 if self.is_group else 0
        widths = [
            CHAR * (labels + 1 + columns(r.text) if r.text else columns(r.label))
            + (BAR * len(r.bars) + CHAR if r.bars else 0)
            for r in self.rows
        ]
        return round(max([head, *widths]) + 2 * SIDE, 1), HEAD + LINE * len(self.rows) + FOOT


def columns(text: str) -> int:
    """How many columns a text takes: East Asian letters take two."""
    return len(text) + (0 if text.isascii() else len(WIDE.findall(text)))


@dataclass(eq=False)
class Scene:
    """Boxes in groups, ready to be laid out: the root group, the box of each item, the lines, what to say below, and
    in which box each vertex is.
    """

    root: Item
    boxes: dict[Item, Box]
    nets: list[Net]
    notes: list[str]
    item_of: dict[Vertex, Item] = field(default_factory=dict)


# --- boxes --------------------------------------------------------------------------------------------------


def scene(
    graph: Graph, collapse: Any = None, expand: Sequence[str] = (), limit: int = BOXES, hidden: int = 0,
    pieces: bool = False, known: Known | None = None,
) -> Scene:  # fmt: skip
    """What to draw. Closed groups of up to `hidden` vertices keep what is in them, for a page that opens them.

    pieces: groups of many boxes are cut into closed pieces, and lines from and to others end at a piece's border.
    known: what has been measured of its arrays.
    """
    top, home, picked = nest(graph)
    close(top, collapse, expand)
    if pieces:
        cut(top, home)
    return _Making(graph, top, home, picked, limit, hidden, known).scene()


class _Making:
    def __init__(
        self, graph: Graph, top: Part, home: dict[Vertex, Part], picked: dict[Vertex, Vertex], limit: int, hidden: int,
        known: Known | None,
    ) -> None:  # fmt: skip
        self.graph, self.top, self.home, self.picked, self.spare = graph, top, home, picked, hidden
        self.boxes: dict[Item, Box] = {}
        self.known = known
        self.item_of: dict[Vertex, Item] = {}
        self.borders: dict[tuple[Item | None, Item | None], tuple[Item | None, Item | None]] = {}
        self.consumers = graph.consumers()
        self.inner = {stand: pick for pick, stand in picked.items()}
        self.kept = self._newest(limit)

    def scene(self) -> Scene:
        root = Item(0, 0, self._items(self.top))
        nets, earlier = self._nets()
        notes = list(self.graph.notes)
        if not self.graph.modules and len(self.boxes) > ROOM and any(isinstance(v.source, Tensor) for v in self.kept):
            notes.append(
                "Modules are known, and boxes for them drawn, of graphs made inside `with glassgrad.watch():`."
            )
        missing = self.graph.total - sum(1 for v in self.graph.vertices if v in self.kept or v in self.picked)
        if missing:
            box = Box("earlier", f"… {missing:,} earlier", "not drawn")
            box.tip = "What these boxes are made of: the graph is larger than what is drawn."
            stub = self._item(box)
            root.children.insert(0, stub)
            stub.around = root
            nets.append(Net(stub, tuple(earlier)))
            more = "more than " if self.graph.total == COUNTED else ""
            notes.append(f"Of {more}{self.graph.total:,} vertices the newest {self.graph.total - missing:,} are drawn.")
        root.open = bool(root.children)
        for pick, stand in self.picked.items():
            self.item_of[pick] = self.item_of[stand]
        return Scene(root, self.boxes, nets, notes, self.item_of)

    def shown(self, v: Vertex) -> Any:
        """The vertex or the outermost closed part that stands for it."""
        for part in self.home[v].chain():
            if part.closed:
                return part
        return v

    def _newest(self, limit: int) -> set[Vertex]:
        """The vertices of the newest boxes, with what they are made of first."""
        found: dict[Any, None] = {}
        for v in reversed(self.graph.vertices):
            if not v.op or v in self.picked:
                continue
            if len(found) >= limit:
                break
            found.setdefault(self.shown(v))
            for edge in v.edges:
                if not edge.vertex.op and len(found) < 2 * limit:
                    found.setdefault(self.shown(edge.vertex))
        found.setdefault(self.shown(self.graph.root))
        return {v for x in found for v in (x.members() if isinstance(x, Part) else [x])}

    def _items(self, part: Part) -> list[Item]:
        made: list[Item] = []
        lists: dict[Any, Box] = {}
        for x in part.inside:
            if isinstance(x, Part):
                members = [v for v in x.members() if v in self.kept]
                if members:
                    spare = not x.closed or len(members) <= self.spare
                    self.spare -= len(members) * (x.closed and spare)
                    inside = self._items(x) if spare else []
                    box = self._module(x, members)
                    item = self._item(box, inside)
                    item.label = BOLD * (columns(box.title) + 2) + CHAR * (columns(box.note) + 1) + 20
                    item.open = not x.closed
                    if not inside:
                        self.item_of.update(dict.fromkeys(members, item))
                    made.append(item)
            elif x in self.kept:
                key = self._alike(x)
                if key not in lists:
                    lists[key] = self._box(x)
                    made.append(self._item(lists[key]))
                members = lists[key].members
                self.item_of[x] = self.item_of[members[0]] if members else made[-1]
                members.append(x)
        for box in lists.values():
            if len(box.members) > 1:
                self._tabulate(box)
        return made

    def _item(self, box: Box, inside: list[Item] | None = None) -> Item:
        item = Item(*box.size(), inside or ())
        self.boxes[item] = box
        return item

    def _alike(self, v: Vertex) -> Any:
        """Numbers of one list or module that go to the same places share a box, and so do constants without names."""
        stem = re.match(r"([^.\[]+)[.\[]", v.name) if v.name else None
        if v.op or not isinstance(v.source, Value) or (v.name and stem is None) or (v.wants and not v.name):
            return v
        return v.wants, stem and stem[1], tuple(dict.fromkeys(user for user, _ in self.consumers[v]))

    def _tabulate(self, box: Box) -> None:
        """A box of several Values: one line each."""
        vertices = box.members
        stem = os.path.commonprefix([v.name for v in vertices])
        stem = stem[: max(stem.rfind("."), stem.rfind("["), 0)]
        lines = [
            (v.name[len(stem) :].lstrip("."), short(v.value), "" if v.gradient is None else short(v.gradient))
            for v in vertices
        ]
        if len(lines) > LISTED + 1:
            lines = [*lines[:LISTED], (f"… {len(lines) - LISTED} more", "", "")]
        if any(line[2] for line in lines):
            lines = [("", "data", "grad"), *lines]
        wide = [max(len(line[k]) for line in lines) for k in (1, 2)]
        box.title, box.note, box.graded = plain_text(stem, NAME) or "constants", "", vertices[:LISTED]
        box.rows = [Row(plain_text(a, NAME), f"{b:>{wide[0]}}  {c:>{wide[1]}}".rstrip()) for a, b, c in lines]
        box.tip = "\n".join(self._tip(v) for v in vertices[:LISTED])
        item = self.item_of[vertices[0]]
        item.width, item.height = item.size = box.size()

    def _box(self, v: Vertex) -> Box:
        box = Box(v.kind, plain_text(self._name(v), NAME), last=v is self.graph.root, tip=self._tip(v))
        made = self.formula(v)
        if v.op:
            box.title, box.note = (box.title, f"= {made}") if box.title else (made, "")
        value, gradient = self.numbers(v)
        if isinstance(v.source, Value) and v.kind == "constant" and not box.title:
            box.title = short(v.value)
        elif isinstance(v.source, Value):
            box.title = box.title or v.kind
            box.rows = [row("data", v.value)]
        else:
            known = on_host(value)
            shape = v.shape if known is None else known.shape
            words = [] if shape is None else [" × ".join(f"{n:,}" for n in shape) or "scalar"]
            words += [] if known is None else [known.dtype.name]
            box.title = box.title or self._role(v)
            box.rows = [Row(" ".join(words), "")] if words else []
            box.rows += [row("data", value, self.known)] if value is not None else []
        if v.wants and not (gradient is None and self.graph.root.gradient is None):
            box.rows.append(row("grad", gradient, self.known))
            box.graded = [self.inner.get(v, v)]
        return box

    def _name(self, v: Vertex) -> str:
        """A parameter's name without the path of the module that it stands in."""
        path = ".".join(self.home[v].path[1:]) if isinstance(v.source, Parameter) else ""
        return v.name.rpartition(f"{path}.")[2] if path else v.name

    def _role(self, v: Vertex) -> str:
        """What a nameless constant is to the operation that takes it."""
        roles = [e.role for user, _ in self.consumers[v] for e in user.edges if e.vertex is v and len(e.role) > 1]
        return roles[0] if roles else v.kind

    def numbers(self, v: Vertex) -> tuple[Any, Any]:
        """Value and gradient; of several outputs of which one is used, that one's."""
        pick = self.inner.get(v)
        return (v.value, v.gradient) if pick is None else (pick.value, pick.gradient)

    def formula(self, v: Vertex) -> str:
        """`a * b` of Values, the operation's name of tensors."""
        if not isinstance(v.source, Value):
            if getattr(getattr(v.source, "op", None), "is_pick", False):
                return f"one output of {v.edges[0].vertex.op}" if v.edges else "one output"
            return plain_text(v.op, NAME)
        words = [self._operand(e.vertex) for e in v.edges[:3]]
        if v.title in SIGNS and len(words) == 2:
            return f"{words[0]} {SIGNS[v.title]} {words[1]}"
        if v.title.startswith("**") and words:
            return f"{words[0]} ** {v.title[2:]}" if v.title[2:] else " ** ".join(words)
        title = plain_text(v.title, 12).lower()
        return f"{title}({words[0]})" if len(words) == 1 and words[0] != "·" else title

    def _operand(self, v: Vertex) -> str:
        """As an operand is written: its name, its number, a short formula in parentheses, or a dot."""
        if v.name:
            return plain_text(v.name, 8)
        if not v.op:
            return short(v.value) if not v.wants else "·"
        if len(v.edges) < 3 and all(e.vertex.name or e.vertex.kind == "constant" for e in v.edges) and not v.cut:
            inner = self.formula(v)
            return f"({inner})" if len(inner) <= NAME // 3 else "·"
        return "·"

    def _tip(self, v: Vertex) -> str:
        kind = v.title or ("a leaf: its gradient is wanted" if v.wants else "a constant: no gradient")
        value, gradient = self.numbers(v)
        lines = [f"{v.name}: {kind}" if v.name else kind]
        lines += [show(v.place)] if v.place is not None else []
        lines += [f"in {'.'.join(v.module)}"] if v.module else []
        lines += [f"shape {v.shape}"] if v.shape else []
        lines += [details("data", value, self.known)] if value is not None else []
        lines += [details("grad", gradient, self.known)] if gradient is not None else []
        given = [f"{e.role}: {e.vertex.name or e.vertex.op or 'constant'}" for e in v.edges if e.role]
        lines += ["of " + ", ".join(given)] if given else []
        return "\n".join(plain_text(line, 200) for line in lines)

    def _module(self, part: Part, members: list[Vertex]) -> Box:
        kind = self.graph.modules.get(part.path, "")
        if part.piece:
            return self._piece(members)
        box = Box("module", plain_text(part.path[-1], NAME), members=members, path=part.path)
        box.note = plain_text(kind, NAME) if kind != part.path[-1] else ""
        inside = set(members)
        ends = [v for v in members if v is self.graph.root or any(u not in inside for u, _ in self._users(v))]
        ends = [v for v in ends if v.op]
        if len(ends) == 1:
            end = self._box(ends[0])
            box.rows, box.graded, box.last = end.rows, end.graded, ends[0] is self.graph.root
        weights = [v for v in members if isinstance(v.source, Parameter)]
        count = sum(v.source.numel() for v in weights)
        operations = sum(1 for v in members if v.op)
        words = [f"{operations:,} operation{'s' * (operations != 1)}"]
        words += [f"{count:,} parameters"] if count else []
        if len(members) > 1 or not box.rows:
            box.rows = [*box.rows, Row(", ".join(words), "")]
        places = [v.place for v in members if v.place is not None]
        lines = [".".join(part.path) + (f": {kind}" if kind else ""), ", ".join(words)]
        lines += [show(places[0])] if places else []
        lines += [v.name for v in weights[:LISTED]]
        box.tip = "\n".join(plain_text(line, 200) for line in lines)
        return box

    def _piece(self, members: list[Vertex]) -> Box:
        """Of a group that is too large."""
        made = [v for v in members if v.op]
        names = [f"{v.op}#{v.number}" if v.op else v.name or "a constant" for v in (made or members)]
        ends = names[0] if len(names) == 1 else f"{names[0]} … {names[-1]}"
        what = "operation" if made else "number"
        count = len(made or members)
        return Box("piece", plain_text(ends, NAME), rows=[Row(f"{count:,} {what}{'s' * (count != 1)}", "")], tip=ends)

    def _users(self, v: Vertex) -> list[tuple[Vertex, Any]]:
        """What is made of it, or of the one output of it that is shown with it."""
        return self.consumers[self.inner.get(v, v)]

    def _bordered(self, a: Item, b: Item) -> tuple[Item, Item]:
        """The ends of a line: each the outermost piece around it in which the other isn't, or the box itself."""
        key = a.around, b.around
        if key not in self.borders:
            ways = a.path()[:-1], b.path()[:-1]
            k = next((k for k, (x, y) in enumerate(zip(*ways, strict=False)) if x is not y), min(map(len, ways)))
            found = [next((x for x in way[k:] if self.boxes[x].kind == "piece"), None) for way in ways]
            self.borders[key] = found[0], found[1]
        from_, to = self.borders[key]
        return from_ or a, to or b

    def _nets(self) -> tuple[list[Net], list[Item]]:
        """The lines from each box, and the boxes that miss something that is left out."""
        targets: dict[tuple[Item, Vertex | None], dict[Item, None]] = {}
        earlier: dict[Item, None] = {}
        for v in self.graph.vertices:
            if v in self.picked or v not in self.kept:
                continue
            to = self.item_of[v]
            for edge in v.edges:
                source = self.picked.get(edge.vertex, edge.vertex)
                if source not in self.kept:
                    earlier[to] = None
                elif self.item_of[source] is not to:
                    box, end = self._bordered(self.item_of[source], to)
                    targets.setdefault((box, source if self.boxes[box].kind == "module" else None), {})[end] = None
            if v.cut:
                earlier[to] = None
        return [Net(source, tuple(found)) for (source, _), found in targets.items()], list(earlier)

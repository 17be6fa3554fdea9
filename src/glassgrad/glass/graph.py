"""A graph to look at: what draw, step, explain and derive have in common, of Values and of Tensors alike.

look(root) makes it. A tensor's graph keeps no results, only what its formulas need; a result is known here where a
formula keeps it, where a variable holds it, or where the graph was made inside `watch()`. Gradients come from a walk
of its own, which changes no `.grad` and frees nothing; hooks run as in backward(), because they change gradients.
"""

from __future__ import annotations

import sys
import threading
import weakref
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from heapq import heappop, heappush
from itertools import islice
from types import NoneType
from typing import Any, NamedTuple

import numpy as np

from ..core.backend import xp_of
from ..core.fast import Stretched
from ..core.graph import Node, as_array, attended, before, conjugated, run_hooks
from ..core.op import Parts
from ..core.provenance import PACKAGE, Place, of_the_user, show, user_frame
from ..core.tensor import Tensor
from ..core.watch import watching
from ..nn import Module, hooks
from ..scalar.engine import Value, ancestry
from ..scalar.nn import Module as ScalarModule
from .scalars import following, places
from .trail import trailing

LIMIT = 20_000  # vertices of a graph; what is older is left out
COUNTED = 200_000  # vertices of a graph that is larger
ITEMS = 1000  # of a list or dict are looked at for names,
LOOKED = 100_000  # things in all
PLAIN = (float, int, str, bool, bytes, complex, NoneType, np.ndarray)  # they hold nothing that has a name

WORDS = {
    "+": "add",
    "-": "sub",
    "*": "mul",
    "/": "div",
    "**": "pow",
    "ReLU": "relu",
    "w*x+b": "affine",
}  # a Value's op -> a word


class Edge:
    """One argument of an operation.

    vertex    where the argument came from
    position  which of the operation's arguments it is
    role      the argument's name in the operation: "x", "weight"; "" for a Value's
    flow      the gradient handed on along this edge, upstream times local; None where none was computed
    """

    __slots__ = ("flow", "position", "role", "vertex")

    def __init__(self, vertex: Vertex, position: int, role: str = "") -> None:
        self.vertex, self.position, self.role = vertex, position, role
        self.flow: Any = None


class Vertex:
    """One value of the graph: a leaf, a constant, or what an operation made.

    source    the Value, the leaf Tensor or the Node; None for a tensor's constant
    op        the operation's name; "" for leaves and constants
    title     how it is shown: "AddBackward0" for a Node, "+" for a Value
    edges     its arguments in order
    number    the order of creation; 0 for leaves and constants
    name      the variable or parameter that holds it: "w", "layers.0.weight"; "" where there is none
    module    the modules in whose call it was made, outermost first: ("GPT", "blocks.0", "attn"); known inside watch()
    place     the user's line, or None
    value     a float or an array; None where it was not kept
    gradient  d root / d this, a float or an array; None where none arrived or none was computed
    shape     a tuple; None where nobody knows; () for Values
    wants     whether gradients flow here
    cut       what it is made of is left out here: the graph was too large
    """

    __slots__ = (
        "cut", "edges", "gradient", "module", "name", "number", "op", "place", "shape", "source", "title", "value",
        "wants",
    )  # fmt: skip

    def __init__(self, source: Any = None, op: str = "", title: str = "", number: int = 0) -> None:
        self.source, self.op, self.title, self.number = source, op, title, number
        self.edges: list[Edge] = []
        self.name = ""
        self.module: tuple[str, ...] = ()
        self.place: Place | None = None
        self.value: Any = None
        self.gradient: Any = None
        self.shape: tuple[int, ...] | None = None
        self.wants = True
        self.cut = False

    @property
    def kind(self) -> str:
        """ "op", "leaf" or "constant"."""
        return "op" if self.op else "leaf" if self.wants else "constant"

    def __repr__(self) -> str:
        return f"<{' '.join(filter(None, [self.kind, self.title, self.name]))}>"

    def learn(self, value: Any) -> None:
        """Its value is known from somewhere."""
        if value is not None and self.value is None:
            self.value = value
            self.shape = tuple(getattr(value, "shape", ()))


class Graph:
    """What look() found.

    root      the vertex that was looked at
    vertices  all of them, arguments before what is made of them
    modules   the path of each module -> its class's name
    beyond    whether it was cut at `limit`
    total     how many vertices there are, also beyond; at most COUNTED are counted
    notes     what is missing and how to get it, in sentences
    """

    def __init__(self, root: Vertex, vertices: list[Vertex], total: int = 0) -> None:
        self.root, self.vertices, self.total = root, vertices, total or len(vertices)
        self.modules: dict[tuple[str, ...], str] = {}
        self.beyond = any(v.cut for v in vertices)
        self.notes: list[str] = []
        self._consumers: dict[Vertex, list[tuple[Vertex, Edge]]] | None = None

    def __len__(self) -> int:
        return len(self.vertices)

    @property
    def left_out(self) -> str:
        """A sentence, where the graph is larger than what is here."""
        more = "more than " if self.total == COUNTED else ""
        said = f"Of {more}{self.total:,} vertices the newest {len(self):,} are looked at."
        return said if self.beyond else ""

    def consumers(self) -> dict[Vertex, list[tuple[Vertex, Edge]]]:
        """For each vertex what is made of it, in order of creation, once for each time that it is an argument."""
        if self._consumers is None:
            self._consumers = {v: [] for v in self.vertices}
            for v in self.vertices:
                for edge in v.edges:
                    self._consumers[edge.vertex].append((v, edge))
        return self._consumers

    def find(self, name: str) -> Vertex:
        """The vertex of a variable or parameter; of net.0.weight also as 0.weight, if no other ends so.

        KeyError, with the names there are, if none has it.
        """
        names = {v.name: v for v in self.vertices if v.name}
        alike = [known for known in names if known == name] or [known for known in names if known.endswith(f".{name}")]
        if len(alike) != 1:
            raise KeyError(f"no {name!r} in this graph; it has {', '.join(sorted(names))}")
        return names[alike[0]]

    def vertex_of(self, x: Value | Tensor) -> Vertex | None:
        source = getattr(x, "grad_fn", None) or x
        return next((v for v in self.vertices if v.source is source), None)


def look(
    root: Value | Tensor, gradient: Any = None, names: dict[int, str] | None = None, limit: int = LIMIT, *,
    gradients: bool = True,
) -> Graph:  # fmt: skip
    """The graph of a Value or a Tensor.

    gradient: that of the root, needed for gradients unless it has one element. names: {id: name} of Values and
    Tensors; by default the caller's variables. limit: of a larger graph the newest so many vertices are shown.
    gradients: whether to compute them.
    Raises TypeError for anything else.
    """
    if not isinstance(root, Value | Tensor):
        raise TypeError(_refused(root))
    named = names_around() if names is None else names
    graph = _of_value(root, named, limit) if isinstance(root, Value) else _of_tensor(root, named, limit)
    if gradients:
        carry(graph, gradient)
    return graph


def _refused(root: Any) -> str:
    more = ": it starts at what that returns, or at the loss" if callable(root) else ""
    return f"a graph starts at a Value or a Tensor, got {type(root).__name__}{more}"


def carry(graph: Graph, gradient: Any = None) -> None:
    """Fill in the gradients and what flows along each edge, as backward() would, newest vertex first."""
    root = graph.root
    if not root.wants:
        graph.notes.append("The root requires no gradient, so nothing behind it was recorded.")
        return
    seed = _seed(root, gradient)
    if seed is None:
        graph.notes.append(
            f"No gradients: the root has shape {root.shape}. Pass gradient=, or reduce it to one number."
        )
        return
    root.gradient = seed
    for v in reversed(graph.vertices):
        if v.gradient is None or v.cut or not v.wants:
            continue
        try:
            flows = flows_of(v)
        except Freed as problem:
            graph.notes.append(str(problem))
            return
        for edge in v.edges:
            to, flow = edge.vertex, flows[edge.position] if flows else None
            edge.flow = flow
            if flow is not None:
                to.gradient = own(flow) if to.gradient is None else to.gradient + flow
                if to.shape is None and hasattr(flow, "shape"):
                    to.shape = tuple(flow.shape)
    for v in graph.vertices:
        v.gradient = _shown(v.gradient)
        for edge in v.edges:
            edge.flow = _shown(edge.flow)


def own(flow: Any) -> Any:
    """A gradient to add others to: adding to Parts changes them."""
    return Parts(dict(flow.parts)) if isinstance(flow, Parts) else flow


def _shown(g: Any) -> Any:
    """A gradient as users have it; see core.graph.conjugated."""
    return conjugated(g) if hasattr(g, "dtype") else g


class Freed(Exception):
    """What gradients would be computed from is no longer there."""


def flows_of(v: Vertex) -> list[Any]:
    """What a vertex hands on to each argument of its operation, from its gradient; hooks may change that first."""
    source = v.source
    if isinstance(source, Tensor):
        if source._hooks and source._node is None:
            v.gradient = run_hooks(source._hooks, v.gradient, False)
        return []
    if isinstance(source, Node) and source.hooks is not None:
        v.gradient = before(source.hooks, source, v.gradient, False)
        if source.hooks.after:
            return handed_on(source, v.gradient, attended(source, v.gradient, _saved(source), None, False))
    return handed_on(source, v.gradient)


def handed_on(source: Value | Node, g: Any, formulas: Any = None) -> list[Any]:
    """Upstream times local: what an operation hands on to each of its arguments from g; None where nothing flows.

    Raises Freed where what the formulas need is gone, RuntimeError where it was changed in place.
    """
    if isinstance(source, Value):
        slopes = zip(source.operands, source.local_gradients, strict=True)
        return [None if operand._op == "const" else g * slope for operand, slope in slopes]
    flows: list[Any] = [None] * len(source.edges)
    formulas = source.op.formulas if formulas is None else formulas
    for k, (edge, formula, given) in enumerate(zip(source.edges, formulas, _saved(source))):  # noqa: B905 (may repeat)
        if edge is not None:
            d = formula(g, *given)
            flows[k] = d if d is None or isinstance(d, Parts) or hasattr(d, "sparse") else as_array(d)
    return flows


def _saved(node: Node) -> Any:
    """The arguments of a node's formulas."""
    saved: Any = node.saved
    if saved is None:
        if node in kept:
            return kept[node].saved
        raise Freed(
            f"No gradients: the graph was freed by backward() at {show(node.freed)}. Look before that, or make "
            "the graph inside `with glassgrad.watch():`."
        )
    if callable(saved):
        return node.arguments(live=False)
    if node.guards and sum(counter[0] for counter in node.guards) != node.stamp:
        raise node.changed()
    return saved


def _seed(root: Vertex, gradient: Any) -> Any:
    if isinstance(root.source, Value):
        return 1.0 if gradient is None else float(gradient)
    if gradient is not None:
        return gradient.array if isinstance(gradient, Tensor) else np.asarray(gradient, root.value.dtype)
    return xp_of(root.value).ones_like(root.value) if root.value.size == 1 else None


# --- of Values ---------------------------------------------------------------------------------------------


def _of_value(root: Value, names: dict[int, str], limit: int) -> Graph:
    newest_first = ancestry(root, released_too=True)
    chosen = newest_first if len(newest_first) <= limit else _newest(newest_first, limit)
    place_of = places()
    seen: dict[Value, Vertex] = {}
    for number, source in enumerate(reversed(chosen), start=1):  # operands before what is made of them
        op = "" if source._op == "const" else source._op
        v = seen[source] = Vertex(source, WORDS.get(op, op), op, number if op else 0)
        v.value, v.shape, v.wants = source.data, (), source._op != "const"
        v.place = place_of(source)
        label = source.label if isinstance(source.label, str | int | float) else ""  # whatever else it may hold
        v.name = str(label or names.get(id(source), ""))
        operands = source.operands
        v.edges = [Edge(seen[x], k) for k, x in enumerate(islice(operands, limit)) if x in seen]
        v.cut = len(v.edges) < len(operands)
    return Graph(seen[root], list(seen.values()), len(newest_first))


def _newest(newest_first: list[Value], limit: int) -> list[Value]:
    """So many results, newest first, and after them the leaves that they are made of."""
    results: dict[Value, None] = {}
    leaves: dict[Value, None] = {}
    for x in newest_first:
        operands = x.operands
        if len(results) + len(leaves) >= limit or not operands:
            break
        results[x] = None
        for operand in operands:
            if len(leaves) >= limit:  # one operation may have more
                break
            if not operand.operands:
                leaves[operand] = None
    return [*results, *leaves]


# --- of Tensors --------------------------------------------------------------------------------------------


class Kept(NamedTuple):
    """What `watch()` holds on to of a node: the arguments of its formulas, its inputs and options, its result, and the
    modules in whose call it was made, outermost first, as (name, class).
    """

    saved: Any
    inputs: tuple[Any, ...]
    options: dict[str, Any]
    value: Any
    modules: tuple[tuple[str, str], ...]


kept: weakref.WeakKeyDictionary[Node, Kept] = weakref.WeakKeyDictionary()
parameter_names: dict[int, tuple[weakref.ref[Tensor], str]] = {}  # by id: their paths in the outermost module called


@contextmanager
def watch() -> Iterator[None]:
    """Keep every result of the operations inside, as long as its graph lives, and the modules in which it was made; of
    Values the lines.

    The graph can then be looked at after backward() has freed it, too. It costs the memory of all results, and some
    calls of Python for each operation. What other threads do in the meantime is kept as well.
    """
    calls = threading.local()  # .around: the modules that are running, as (module, name, class)
    inside: weakref.WeakKeyDictionary[Module, dict[int, str]] = weakref.WeakKeyDictionary()

    def enter(module: Module, args: Any) -> None:
        around = getattr(calls, "around", ())
        name = ""
        if around:
            name = inside[around[-1][0]].get(id(module), "")
        else:
            for path, p in module.named_parameters():
                forget = partial(parameter_names.pop, id(p))  # called once p is gone
                parameter_names[id(p)] = weakref.ref(p, forget), path
        if module not in inside:
            inside[module] = {id(m): path for path, m in module.named_modules()}
        calls.around = (*around, (module, name or type(module).__name__, type(module).__name__))

    def leave(module: Module, args: Any, output: Any) -> None:
        calls.around = calls.around[:-1]

    def keep(op: Any, inputs: Any, options: dict[str, Any], out: Any) -> None:
        arrays = tuple([x.array if isinstance(x, Tensor) else x for x in inputs])
        modules = tuple([(name, kind) for _, name, kind in getattr(calls, "around", ())])
        for y in out if isinstance(out, tuple) else (out,):
            node = getattr(y, "_node", None)
            if node is not None:
                one = node.op.is_pick  # of a node of several outputs, whose own array nobody has
                kept[node] = Kept(node.saved, () if one else arrays, {} if one else options, y.array, modules)
                if one:
                    several = node.edges[0]
                    kept[several] = Kept(several.saved, arrays, options, None, modules)

    with (
        watching(keep),
        trailing(),
        following(),
        hooks.register_module_forward_pre_hook(enter),
        hooks.register_module_forward_hook(leave, always_call=True),
    ):
        yield


@contextmanager
def holding(nodes: list[Node]) -> Iterator[None]:
    """What their formulas need can be looked at inside, although backward() frees it."""
    held = [node for node in nodes if isinstance(node.saved, tuple) and node not in kept]
    for node in held:
        kept[node] = Kept(node.saved, (), {}, None, ())
    try:
        yield
    finally:
        for node in held:
            kept.pop(node, None)


def nodes_of(root: Tensor) -> list[Node]:
    """Its graph's, from itself on."""
    found = [] if root._node is None else [root._node]
    seen = set(found)
    for node in found:  # it grows
        for edge in node.edges:
            if isinstance(edge, Node) and edge not in seen:
                seen.add(edge)
                found.append(edge)
    return found


def _of_tensor(root: Tensor, names: dict[int, str], limit: int) -> Graph:
    start = root.grad_fn or root
    seen: dict[Any, Vertex] = {}
    heap: list[tuple[int, Node]] = []
    nodes: list[Vertex] = []
    constants: list[Vertex] = []

    def vertex(source: Node | Tensor) -> Vertex:
        v = seen.get(source)
        if v is not None:
            return v
        if isinstance(source, Node):
            v = Vertex(source, source.op.name, source.name(), source.number)
            v.place = source.place
            heappush(heap, (-source.number, source))
        else:
            v = Vertex(source)
            v.wants = source.requires_grad
            v.learn(source.array)
        v.name = names.get(id(source)) or (parameter_names[id(source)][1] if id(source) in parameter_names else "")
        seen[source] = v
        return v

    top = vertex(start)
    top.learn(root.array)
    while heap:
        v = seen[heappop(heap)[1]]
        nodes.append(v)
        if len(seen) + len(constants) >= limit:
            v.cut = True
            continue
        inputs, result, shapes = _kept_inputs(v.source)
        v.learn(result)
        for k, edge in enumerate(v.source.edges):
            if k >= limit:  # one operation may have more arguments than a graph may have vertices
                v.cut = True
                break
            if edge is not None:
                to = vertex(edge)
                to.learn(inputs.get(k))
            elif k in inputs:
                to = Vertex()
                to.wants, to.name = False, names.get(id(inputs[k]), "")
                to.learn(inputs[k])
                constants.append(to)
            else:
                continue
            if to.shape is None:
                to.shape = shapes.get(k)
            v.edges.append(Edge(to, k, _role(v.source.op, k)))
    leaves = [v for v in seen.values() if not v.op]
    vertices = [*constants, *leaves, *reversed(nodes)]
    graph = Graph(top, vertices, _count(start) if any(v.cut for v in nodes) else 0)
    for v in nodes:
        if v.source in kept:
            names_of_modules, kinds = zip(*kept[v.source].modules, strict=True) if kept[v.source].modules else ((), ())
            v.module = names_of_modules
            for depth, kind in enumerate(kinds, start=1):
                graph.modules.setdefault(v.module[:depth], kind)
    return graph


def _count(start: Any) -> int:
    """How many nodes and leaves there are, or COUNTED."""
    seen, stack = {None, start}, [start]
    while stack and len(seen) <= COUNTED:
        for edge in stack.pop().edges:
            if edge not in seen:
                seen.add(edge)
                if isinstance(edge, Node):
                    stack.append(edge)
    return min(len(seen) - 1, COUNTED)


def _kept_inputs(node: Node) -> tuple[dict[int, Any], Any, dict[int, tuple[int, ...]]]:
    """What is known of a node's inputs, {position: array}; of its result; and of its inputs' shapes."""
    held = kept.get(node)
    inputs: dict[int, Any] = {}
    shapes: dict[int, tuple[int, ...]] = {}
    result = None
    if held is not None:
        inputs = {k: x for k, x in enumerate(held.inputs) if hasattr(x, "shape") and k < len(node.edges)}
        result = held.value
    op, stretched = declaration(node.op)
    unchanged = sum(counter[0] for counter in node.guards) == node.stamp
    for k, saved in enumerate(saved_of(node)):
        if saved is None or op is None or k >= len(node.edges):
            continue
        if stretched:
            shapes[k], saved = saved[0], saved[1:]
        for name, value in zip(op.mentions.get(op.inputs[min(k, len(op.inputs) - 1)], ()), saved, strict=False):
            if name == "y":
                result = value if unchanged and hasattr(value, "shape") and result is None else result
            elif name in op.inputs and unchanged and hasattr(value, "shape"):
                inputs.setdefault(op.inputs.index(name), value)
            elif name.endswith("_shape") and isinstance(value, tuple) and name[:-6] in op.inputs:
                shapes.setdefault(op.inputs.index(name[:-6]), value)
    return inputs, result, shapes


def saved_of(node: Node) -> tuple[Any, ...]:
    """The arguments of a node's formulas, as far as they are still known; () where they are packed."""
    saved = kept[node].saved if node.saved is None and node in kept else node.saved
    return saved if isinstance(saved, tuple) else ()


def declaration(op: Any) -> tuple[Any, bool]:
    """The Op behind what a node has, and whether its operands were broadcast; None of a user's Function."""
    stretched = False
    while not hasattr(op, "mentions"):
        stretched = stretched or isinstance(op, Stretched)
        op = getattr(op, "declared", None) or getattr(op, "inner", None)
        if op is None:
            return None, False
    return op, stretched


def _role(op: Any, k: int) -> str:
    declared, _ = declaration(op)
    return declared.inputs[min(k, len(declared.inputs) - 1)] if declared is not None else ""


# --- names -------------------------------------------------------------------------------------------------


def names_around() -> dict[int, str]:
    """{id: name} of what the innermost function outside this package has in its variables."""
    frame = user_frame()
    return {} if frame is None else names_in({**frame.f_locals, **frame.f_globals, **frame.f_locals})


def names_in(space: dict[str, Any]) -> dict[int, str]:
    """{id: name} of the Values and Tensors that variables hold, also in lists, dicts and objects of the user's classes,
    and of modules' parameters; what is held more closely has the name.

    A tensor that an operation made is known by its node, because the graph doesn't know the tensor.
    """
    found: dict[int, str] = {}
    met: set[int] = set()  # objects that have been looked into
    waiting: deque[tuple[Any, str, int]] = deque()
    looked = 0

    def put(items: Iterable[tuple[Any, Any]], depth: int, before: str = "", after: str = "") -> None:
        nonlocal looked
        for key, item in islice(items, min(ITEMS, LOOKED - looked)):
            looked += 1
            if type(item) not in PLAIN:
                waiting.append((item, f"{before}{key!r}{after}" if after else f"{before}{key}", depth))

    put(((name, x) for name, x in space.items() if not name.startswith("_")), 2)
    while waiting:
        x, name, depth = waiting.popleft()
        if isinstance(x, Value):
            found.setdefault(id(x), name)
        elif isinstance(x, Tensor):
            found.setdefault(id(x if x._node is None else x._node), name)
            found.setdefault(id(x.array), name)
        elif isinstance(x, Module):
            for path, p in x.named_parameters():
                found.setdefault(id(p), f"{name}.{path}")
        elif depth and isinstance(x, list | tuple | dict):
            put(x.items() if isinstance(x, dict) else enumerate(x), depth - 1, f"{name}[", "]")
        elif (isinstance(x, ScalarModule) or written_by_the_user(type(x))) and id(x) not in met:
            met.add(id(x))
            put(getattr(x, "__dict__", {}).items(), 3, f"{name}.")
    return found


def written_by_the_user(kind: type) -> bool:
    file = getattr(sys.modules.get(kind.__module__), "__file__", None) or PACKAGE
    return kind.__module__ == "__main__" or of_the_user(file)

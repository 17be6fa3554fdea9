"""The recorded graph and the walk backwards through it.

A node knows the operation, where its inputs came from (its edges) and what the formulas need; it never knows its
output, so the graph has no reference cycles and memory falls by reference counting alone.
An edge is another node, a leaf tensor that wants a gradient, or None.
"""

from __future__ import annotations

from heapq import heappop, heappush
from itertools import count
from typing import TYPE_CHECKING, Any

from .backend import Array, ndarray, xp_of
from .provenance import Place, caller, show

if TYPE_CHECKING:
    from .op import Op
    from .tensor import Tensor

next_number = count().__next__

FREED_TWICE = (
    "Trying to backward through the graph a second time (or directly access saved tensors after they have already "
    "been freed). Saved intermediate values of the graph are freed when you call .backward() or autograd.grad(). "
    "Specify retain_graph=True if you need to backward through the graph a second time or if you need to access "
    "saved tensors after calling backward."
)


class Node:
    """One recorded operation.

    op       the declaration, with its formulas
    edges    for each array input: Node, leaf Tensor or None
    saved    for each array input: the arguments of its formula after g, or None where no gradient is needed
    guards   version counters of the saved arrays; `stamp` is their sum when they were saved
    number   creation order; a node's inputs always have smaller numbers
    hooks    functions of the node's incoming gradient, in order of registration
    place    the user's line
    freed    the line of the backward() that released what was saved, once it has

    Slots, each set by whoever records: creating a node and walking over it is most of the engine's own time.
    """

    __slots__ = (
        "__weakref__", "edges", "freed", "guards", "hooks", "number", "op", "place", "saved", "stamp",
    )  # fmt: skip

    op: Op
    edges: tuple[Node | Tensor | None, ...]
    saved: tuple[tuple[Any, ...] | None, ...] | None
    guards: tuple[list[int], ...]
    stamp: int
    number: int
    hooks: dict[int, Any] | None
    place: Place | None
    freed: Place | None  # set when the saved arrays are released

    def name(self) -> str:
        """PyTorch's name for it, for example AddBackward0; one of several outputs has the name of them all."""
        parent = self.edges[0]
        return parent.name() if self.op.is_pick and isinstance(parent, Node) else self.op.node_name

    def __repr__(self) -> str:
        return f"<{self.name()} object at {id(self):#x}>"

    @property
    def next_functions(self) -> tuple[tuple[Any, int], ...]:
        """As in PyTorch: for each input its node (a leaf's AccumulateGrad) and the output's index there, or None."""
        return tuple(_next_function(edge) for edge in self.edges)

    def register_hook(self, hook: Any) -> Removable:
        """hook(g) -> None or a new gradient, called with the gradient of this node's output."""
        if self.hooks is None:
            self.hooks = {}
        return Removable(self.hooks, hook)

    def arguments(self, live: bool) -> Any:
        """For each input what its formula takes after g: raw, or (live) as tensors still tied to the graph."""
        if self.saved is None:
            raise RuntimeError(f"{self.name()}: {FREED_TWICE}\n  freed at {show(self.freed)}")
        if not live:
            return self.saved
        return [None if kept is None else self.op.revive(self, i, kept) for i, kept in enumerate(self.saved)]

    def changed(self) -> RuntimeError:
        """The error for a saved array that was changed in place since."""
        return RuntimeError(
            "one of the variables needed for gradient computation has been modified by an inplace operation: "
            f"{self.name()} saved a value that was changed before backward used it. "
            "Use an out-of-place operation (y = y + 1 rather than y += 1) or clone() first."
            f"\n  recorded at {show(self.place)}"
        )


class AccumulateGrad:
    """The end of an edge at a leaf, as `next_functions` shows it."""

    def __init__(self, variable: Tensor) -> None:
        self.variable = variable
        self.next_functions: tuple[Any, ...] = ()

    def name(self) -> str:
        return "AccumulateGrad"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AccumulateGrad) and other.variable is self.variable

    def __hash__(self) -> int:
        return hash((AccumulateGrad, id(self.variable)))


def _next_function(edge: Node | Tensor | None) -> tuple[Any, int]:
    if edge is None:
        return None, 0
    if isinstance(edge, Node):
        return (edge.edges[0], edge.saved[0][0]) if edge.op.is_pick and edge.saved else (edge, 0)  # type: ignore[index,return-value]
    return AccumulateGrad(edge), 0


class Removable:
    """A handle whose remove() takes a hook away again."""

    def __init__(self, hooks: dict[int, Any], hook: Any) -> None:
        self.hooks = hooks
        self.id = next_number()
        hooks[self.id] = hook

    def remove(self) -> None:
        self.hooks.pop(self.id, None)

    def __enter__(self) -> Removable:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()


def _needed(roots: list[Any], targets: set[Any]) -> set[Any]:
    """The nodes on a path from the roots to one of the targets, the targets included."""
    order: list[Node] = []
    seen: set[Any] = set()
    stack = [root for root in roots if isinstance(root, Node)]
    while stack:
        node = stack.pop()
        if node in seen:
            continue
        seen.add(node)
        order.append(node)
        stack.extend(edge for edge in node.edges if isinstance(edge, Node))
    needed = set(targets)
    for node in sorted(order, key=lambda n: n.number):  # inputs before their consumers
        if any(edge in needed for edge in node.edges if edge is not None):
            needed.add(node)
    return needed


def walk(
    seeds: list[tuple[Node | Tensor, Any]],
    retain_graph: bool,
    create_graph: bool,
    targets: set[Any] | None = None,
) -> tuple[dict[Tensor, Any], dict[Node, Any]]:
    """Carry the seeds' gradients back to the leaves: ({leaf: gradient}, {target node: gradient}).

    Nodes are taken in reverse order of creation, so a gradient is final when its node is taken. Gradients are raw
    arrays, or tensors that are recorded themselves when create_graph. With targets, only what leads there is
    computed. Nothing outside the graph is changed here: an exception in the middle leaves every .grad as it was.
    """
    needed = None if targets is None else _needed([edge for edge, _ in seeds], targets)
    leaves: dict[Tensor, Any] = {}
    found: dict[Node, Any] = {}
    pending: dict[Node, Any] = {}  # the gradient that has reached a node so far
    heap: list[tuple[int, Node]] = []  # the pending nodes under their negative numbers: the latest comes first
    here = None if retain_graph else caller(2)
    edge: Any

    for edge, g in seeds:
        if not isinstance(edge, Node):
            leaves[edge] = leaves[edge] + g if edge in leaves else g
        elif edge in pending:
            pending[edge] = pending[edge] + g
        else:
            pending[edge] = g
            heappush(heap, (-edge.number, edge))
    while heap:
        node = heappop(heap)[1]
        g = pending.pop(node)
        if node.hooks is not None:
            g = run_hooks(node.hooks, g, create_graph)
        if needed is not None:
            if node in targets:  # type: ignore[operator]
                found[node] = g
            if node not in needed:
                continue
        saved = node.saved
        if create_graph or saved is None:
            saved = node.arguments(create_graph)
        guards = node.guards
        if guards:
            stamp = 0
            for counter in guards:
                stamp += counter[0]
            if stamp != node.stamp:
                raise node.changed()
        for edge, formula, kept in zip(node.edges, node.op.formulas, saved):  # noqa: B905 (formulas may repeat for ever)
            if edge is None or (needed is not None and edge not in needed):
                continue
            d = formula(g, *kept)
            if edge.__class__ is not Node:
                leaves[edge] = leaves[edge] + d if edge in leaves else d
            elif edge in pending:
                pending[edge] = pending[edge] + d
            else:
                pending[edge] = d
                heappush(heap, (-edge.number, edge))
        if guards and not retain_graph:
            node.saved = None
            node.freed = here
    return leaves, found


def run_hooks(hooks: dict[int, Any], g: Any, create_graph: bool) -> Any:
    """Pass g through the hooks, each of which sees a tensor and may return another in its place."""
    from .tensor import Tensor

    seen = g if isinstance(g, Tensor) else Tensor._of(as_array(g))
    for hook in tuple(hooks.values()):
        given = hook(seen)
        if given is not None:
            if not isinstance(given, Tensor):
                raise TypeError(f"expected Tensor, but hook returned {type(given).__name__}")
            if given.shape != seen.shape:
                raise RuntimeError(
                    f"hook {getattr(hook, '__name__', hook)!r} has changed the size of value: "
                    f"{tuple(seen.shape)} became {tuple(given.shape)}"
                )
            seen = given
    return seen if create_graph else seen.array.copy()  # a hook may keep what it saw


def as_array(x: Any) -> Array:
    """x as an array with its own dimensions: NumPy's scalars, which 0-d arithmetic gives, become 0-d arrays."""
    return x if type(x) is ndarray else xp_of(x).asarray(x)

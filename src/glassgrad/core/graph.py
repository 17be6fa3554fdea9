"""The recorded graph and the walk backwards through it.

A node knows the operation, where its inputs came from (its edges) and what the formulas need; it never knows its
output, so the graph has no reference cycles and memory falls by reference counting alone.
An edge is another node, a leaf tensor that wants a gradient, or None.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextvars import ContextVar
from heapq import heappop, heappush
from itertools import count
from typing import TYPE_CHECKING, Any

from .backend import Array, ndarray, xp_of
from .batched import Batched
from .errors import told
from .modes import enable_grad, is_grad_enabled, set_grad_enabled
from .native import engine
from .provenance import Place, caller, show
from .watch import reaches, timers

if TYPE_CHECKING:
    from .op import Op
    from .tensor import Tensor

numbers = count()
next_number = numbers.__next__

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
    hooks    what users want to be told of on the way back, or None
    place    the user's line
    freed    the line of the backward() that released what was saved, once it has
    tangents its output's tangents in forward mode, by level; set only there
    shown    PyTorch's name for it where it isn't the operation's; set only there

    Slots, each set by whoever records: creating a node and walking over it is most of the engine's own time.
    """

    __slots__ = (
        "__weakref__", "edges", "freed", "guards", "hooks", "number", "op", "place", "saved", "shown",
        "stamp", "tangents",
    )  # fmt: skip

    op: Op
    edges: tuple[Node | Tensor | None, ...]
    saved: tuple[tuple[Any, ...] | None, ...] | Callable[[], Any] | None
    guards: tuple[list[Any], ...]
    stamp: int
    number: int
    hooks: Hooks | None
    place: Place | None
    freed: Place | None  # set when the saved arrays are released
    tangents: dict[int, Any]
    shown: str

    def name(self) -> str:
        """PyTorch's name for it, for example AddBackward0; one of several outputs has the name of them all."""
        shown = getattr(self, "shown", None)
        if shown is not None:
            return shown
        parent = self.edges[0]
        if self.op.is_pick and isinstance(parent, Node):
            return parent.name()
        name = self.op.node_name
        return name(self.saved) if callable(name) else name

    def short_name(self) -> str:
        """The name that is printed: without the namespace of those that PyTorch did not generate."""
        return self.name().removeprefix("torch::autograd::")

    def __repr__(self) -> str:
        return f"<{getattr(self.op, 'home', '')}{self.short_name()} object at {id(self):#x}>"

    def __getattr__(self, name: str) -> Any:
        """PyTorch's _saved_self, _saved_other, _saved_result, ...: what is kept for the way back, by its name there."""
        if name.startswith("_saved_"):
            kept = dict[str, Any]()
            for names, values in zip(self.op.kept_names(), self.arguments(live=True) or (), strict=False):
                kept |= zip(names, values or (), strict=False)
            if name[7:] in kept:
                return kept[name[7:]]
        raise AttributeError(f"'Node' object has no attribute {name!r}")

    @property
    def next_functions(self) -> tuple[tuple[Any, int], ...]:
        """As in PyTorch: for each input its node (a leaf's AccumulateGrad) and the output's index there, or None."""
        return tuple(_next_function(edge) for edge in self.edges)

    def register_hook(self, hook: Any) -> Removable:
        """hook(grad_inputs, grad_outputs) -> None or new grad_inputs, called when this node's formulas have run."""
        return Removable(self.all_outputs().all_hooks().after, hook)

    def register_prehook(self, hook: Any) -> Removable:
        """hook(grad_outputs) -> None or new grad_outputs, called before this node's formulas run."""
        return Removable(self.all_outputs().all_hooks().before, hook)

    def register_output_hook(self, hook: Any) -> Removable:
        """hook(g) -> None or a new gradient, called with the gradient of this node's one output: a tensor's hook."""
        return Removable(self.all_hooks().output, hook)

    def all_hooks(self) -> Hooks:
        if self.hooks is None:
            self.hooks = Hooks()
        return self.hooks

    def all_outputs(self) -> Node:
        """The node of all outputs, where this one stands for one of several."""
        parent = self.edges[0]
        return parent if self.op.is_pick and isinstance(parent, Node) else self

    def arguments(self, live: bool) -> Any:
        """For each input what its formula takes after g: raw, or (live) as tensors still tied to the graph."""
        saved = self.saved
        if saved is None:
            raise told(RuntimeError(FREED_TWICE), "", "freed " + show(self.freed))
        if callable(saved):  # packed by a hook on saved tensors
            saved = saved()
        if not live:
            return saved
        revived = [None if kept is None else self.op.revive(self, i, kept) for i, kept in enumerate(saved)]
        if self.guards:  # a further derivative is told of in-place changes, too
            version: Any = self.guards[0] if len(self.guards) == 1 else Together(self.guards)
            for value in (value for kept in revived for value in kept or ()):
                if hasattr(value, "_needs") and not any(value is edge for edge in self.edges):
                    value.version = version
        return revived

    def changed(self, guards: Any = None) -> RuntimeError:
        """The error for a saved array that was changed in place since."""
        guards = guards or self.guards
        writers = [counter for counter in guards if len(counter) > 1 and counter[2] > self.number]
        said = self._changed_value(guards, writers) or "a value that is needed as it was has been written over."
        return told(
            RuntimeError(
                "one of the variables needed for gradient computation has been modified by an inplace operation: "
                + said
            ),
            "",
            f"saved by {self.name()}: {show(self.place)}",
            *(f"changed {show(place)}" for place in {counter[1] for counter in writers}),
        )

    def _changed_value(self, guards: Any, writers: list[Any]) -> str:
        """PyTorch's words for what was changed, where it is plain which of the saved values that is."""
        op: Any = getattr(self.op, "inner", self.op)
        op = op if hasattr(op, "inputs") else getattr(op, "declared", None)
        if (
            not isinstance(self.saved, tuple)
            or not hasattr(op, "inputs")
            or getattr(op, "variadic", True)
            or not writers
        ):
            return ""
        held = [
            (name, value)
            for x, kept in zip(op.inputs, self.saved, strict=False)
            for name, value in zip(
                [name for name in op.mentions.get(x, ()) if name in (*op.inputs, "y")],
                [value for value in kept or () if isinstance(value, ndarray)],
                strict=False,
            )
        ]
        if op.jvp == "elementwise":  # their counters stand in this order
            order = [*op.inputs, "y"]
            held = sorted(dict(held).items(), key=lambda pair: order.index(pair[0]))
        at = guards.index(writers[0])
        if any(writer is not writers[0] for writer in writers) or len(held) != len(guards):
            return ""
        name, value = held[at]
        edge = self if name == "y" else self.edges[op.inputs.index(name)]
        source = f", which is output 0 of {edge.name().removesuffix('Backward0')}," if isinstance(edge, Node) else ""
        now = writers[0][0]
        behind = (sum(counter[0] for counter in guards) - self.stamp) // sum(c is writers[0] for c in guards)
        return (
            f"[{type_name(value)} {list(value.shape)}]{source} is at version {now}; expected version {now - behind} "
            "instead. Hint: enable anomaly detection to find the operation that failed to compute its gradient, with "
            "torch.autograd.set_detect_anomaly(True, check_nan=False)."
        )


class Hooks:
    """What users want to be told of when the walk comes to a node.

    output  with the gradient of the one output (hooks of a tensor); retain: with what they made of it
    before  with the gradients of all outputs, as a tuple; after: with those of the inputs and of the outputs
    """

    __slots__ = ("after", "before", "output", "retain")

    def __init__(self) -> None:
        self.output: dict[int, Any] = {}
        self.retain: dict[int, Any] = {}
        self.before: dict[int, Any] = {}
        self.after: dict[int, Any] = {}


def type_name(array: Array) -> str:
    """torch.FloatTensor"""
    from .tensor import Tensor

    return Tensor._of(array).type()


def touch(version: list[Any]) -> None:
    """Count an in-place change of a memory, and remember where and when: [count, place, number]."""
    version[:] = version[0] + 1, caller(2), next_number()


class Together:
    """Several version counters as one, for whoever depends on all of them."""

    def __init__(self, counters: tuple[list[Any], ...]) -> None:
        self.counters = counters

    def __len__(self) -> int:
        return max(map(len, self.counters))

    def __getitem__(self, i: int) -> Any:
        if i == 0:
            return sum(counter[0] for counter in self.counters)
        return max((counter for counter in self.counters if len(counter) > 1), key=lambda counter: counter[2])[i]


class AccumulateGrad:
    """The end of an edge at a leaf, as `next_functions` shows it."""

    def __init__(self, variable: Tensor) -> None:
        self.variable = variable
        self.next_functions: tuple[Any, ...] = ()

    def __repr__(self) -> str:
        return f"<AccumulateGrad object at {id(self):#x}>"

    def name(self) -> str:
        return "torch::autograd::AccumulateGrad"

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
    """A handle whose remove() takes a hook away again, and its key from the marks, where it is written down as well."""

    next_id = count().__next__  # from 0 on, as PyTorch's; two threads never get the same

    def __init__(self, hooks: dict[int, Any], hook: Any, *marks: dict[int, bool]) -> None:
        self.hooks, self.marks = hooks, marks
        self.id = Removable.next_id()
        hooks[self.id] = hook
        for mark in marks:
            mark[self.id] = True

    def remove(self) -> None:
        for store in (self.hooks, *self.marks):
            store.pop(self.id, None)

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


anomaly: ContextVar[Callable[[Node, int, Any], None] | None] = ContextVar("glassgrad_anomaly", default=None)


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
    if create_graph and not is_grad_enabled():
        with enable_grad():
            return walk(seeds, retain_graph, create_graph, targets)
    needed = None if targets is None else _needed([edge for edge, _ in seeds], targets)
    leaves: dict[Tensor, Any] = {}
    found: dict[Node, Any] = {}
    pending: dict[Node, Any] = {}  # the gradient that has reached a node so far
    heap: list[tuple[int, Node]] = []  # the pending nodes under their negative numbers: the latest comes first
    here = None if retain_graph else caller(2)
    check = anomaly.get()
    edge: Any
    if engine is not None:
        return engine.walk(seeds, retain_graph, create_graph, targets, needed, here, check)

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
        if timers:
            reaches(node)
        g = pending.pop(node)
        hooks = node.hooks
        if hooks is not None:
            g = before(hooks, node, g, create_graph)
        if needed is not None:
            if node in targets:  # type: ignore[operator]
                found[node] = g
                if needed.isdisjoint(node.edges):
                    continue
            if node not in needed:
                continue
        saved: Any = node.saved
        if create_graph or saved.__class__ is not tuple:
            saved = node.arguments(create_graph)
        guards = node.guards
        if guards:
            stamp = 0
            for counter in guards:
                stamp += counter[0]
            if stamp != node.stamp:
                raise node.changed()
        formulas: Iterable[Any] = node.op.formulas
        if check is not None or (hooks is not None and hooks.after):
            formulas = attended(node, g, saved, needed, create_graph)
        for edge, formula, kept in zip(node.edges, formulas, saved):  # noqa: B905 (formulas may repeat for ever)
            if edge is None or (needed is not None and edge not in needed):
                continue
            d = formula(g, *kept)
            if d is None:
                continue
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
    if timers:
        reaches(None)
    return leaves, found


# --- with an audience: hooks, and the search for NaN ---


def attended(node: Node, g: Any, saved: Any, needed: set[Any] | None, create_graph: bool) -> list[Any]:
    """Run a node's formulas, look at the gradients, let hooks change them: as formulas that just give them."""
    check = anomaly.get()
    flows: list[Any] = []
    for i, (edge, formula, kept) in enumerate(zip(node.edges, node.op.formulas, saved)):  # noqa: B905
        wanted = edge is not None and (needed is None or edge in needed)
        flows.append(formula(g, *kept) if wanted else None)
        if check is not None and flows[i] is not None:
            check(node, i, flows[i])
    if node.hooks is not None and node.hooks.after:
        given = _outputs(node, g)
        for hook in tuple(node.hooks.after.values()):
            changed = _call(hook, create_graph, tuple(map(_seen, flows)), given)
            if changed is not None:
                changed = changed if isinstance(changed, tuple) else (changed,)
                flows = [_replaced(hook, old, new, create_graph) for old, new in zip(flows, changed, strict=True)]
    return [lambda g, *kept, d=d: d for d in flows]


def before(hooks: Hooks, node: Node, g: Any, create_graph: bool) -> Any:
    if hooks.output:
        g = run_hooks(hooks.output, g, create_graph)
    if hooks.retain:
        run_hooks(hooks.retain, g, create_graph)
    for hook in tuple(hooks.before.values()):
        changed = _call(hook, create_graph, _outputs(node, g))
        if changed is not None:
            changed = changed if isinstance(changed, tuple) else (changed,)
            if not hasattr(g, "parts"):
                g = _replaced(hook, g, changed[0], create_graph)
            else:
                new = {k: _replaced(hook, d, changed[k], create_graph) for k, d in g.parts.items()}
                g = type(g)(new)
    return g


def run_hooks(hooks: dict[int, Any], g: Any, create_graph: bool) -> Any:
    """Pass g through the hooks, each of which sees a tensor and may return another in its place."""
    for hook in tuple(hooks.values()):
        given = _call(hook, create_graph, _seen(g))
        g = _replaced(hook, g, given, create_graph) if given is not None else g
    return g


def _call(hook: Any, create_graph: bool, *args: Any) -> Any:
    with set_grad_enabled(create_graph):
        return hook(*args)


def _seen(g: Any) -> Any:
    """A gradient as hooks see it: a tensor of their own, which they may keep, or None."""
    return None if g is None else conjugated(as_tensor(g.copy() if type(g) is ndarray else g))


def _outputs(node: Node, g: Any) -> tuple[Any, ...]:
    parts = getattr(g, "parts", None)
    return (_seen(g),) if parts is None else tuple(_seen(parts.get(k)) for k in range(max(parts) + 1))


def _replaced(hook: Any, old: Any, new: Any, create_graph: bool) -> Any:
    """What a hook gave in place of a gradient, checked."""
    from .tensor import Tensor

    if new is None or old is None:
        return new if old is not None else None
    name = repr(getattr(hook, "__name__", hook))
    if not isinstance(new, Tensor):
        raise TypeError(f"expected Tensor, but hook {name} returned {type(new).__name__}")
    if new.shape != old.shape:
        raise RuntimeError(f"hook {name} has changed the size of value: {tuple(old.shape)} became {tuple(new.shape)}")
    return conjugated(new if create_graph or new.is_sparse else new.array.copy())


# --- what is still to be differentiated ---

scopes: ContextVar[tuple[set[Node], ...]] = ContextVar("glassgrad_scopes", default=())  # roots of open transformations


def lives(node: Node | Tensor | None, besides: Any = ()) -> bool:
    """Whether a leaf, or a root of an open transformation other than `besides`, can be reached from here."""
    roots: set[Node] = set().union(*[scope for scope in scopes.get() if scope is not besides])
    seen: set[Any] = set()
    stack = [node]
    while stack:
        edge = stack.pop()
        if edge is None or edge in seen:
            continue
        if not isinstance(edge, Node) or edge in roots:
            return True
        seen.add(edge)
        stack.extend(edge.edges)
    return False


def conjugated(g: Any) -> Any:
    """A gradient as users have it from what flows inside, and back: the conjugate of a complex one.

    Users see dL/dRe + i dL/dIm, as PyTorch's. Inside it is dL/dRe - i dL/dIm, with which the chain rule of complex
    functions is that of real ones: a formula is written once for both.
    """
    return g.conj() if is_complex(g) else g


def is_complex(x: Any) -> bool:
    """Of an array, whose dtype is NumPy's, or a tensor, whose dtype is ours; false for anything else."""
    dtype = getattr(x, "dtype", None)
    return getattr(dtype, "kind", None) == "c" or getattr(dtype, "is_complex", False)


def as_tensor(g: Any) -> Tensor:
    """A gradient as a tensor; `sparse` is the tensor of one that is an ops.sparse_tensor.Places."""
    from .tensor import Tensor

    g = getattr(g, "sparse", g)
    return g if isinstance(g, Tensor) else Tensor._of(as_array(g))


def as_array(x: Any) -> Array:
    """x as an array with its own dimensions: NumPy's scalars, which 0-d arithmetic gives, become 0-d arrays."""
    return x if type(x) is ndarray or type(x) is Batched else xp_of(x).asarray(x)

"""explain(): what is asked, and what is known of it."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from ...core.graph import Node
from ...core.provenance import PACKAGE, user_frame
from ...core.tensor import Tensor
from ...core.watch import listeners
from ...nn import Module
from ...nn.parameter import is_lazy
from ...ops.randoms import get_rng_state, set_rng_state
from ...scalar import Value
from ...scalar.engine import ancestry
from ...scalar.nn import Module as ScalarModule
from ..graph import Graph, Vertex, look, names_in, parameter_names, watch
from ..trail import Trail, latest
from .answer import Explanation, Explanations
from .causes import HARMLESS
from .measure import on_host, rms

_sizes: weakref.WeakKeyDictionary[Graph, dict[Vertex, float]] = weakref.WeakKeyDictionary()
CALLERS = 6  # frames of the user's whose variables are looked at


class Question:
    """What is known of a Tensor or Value whose gradient is to be explained.

    p, name  what is asked about, and what the user calls it
    root     the loss; None where nobody knows which
    graph    the root's, with gradients where they could be computed; None without a root
    vertex   p's in it, or None
    trail    what was written down while somebody watched, or None
    frame    the user's
    """

    def __init__(
        self,
        p: Any,
        root: Any,
        graph: Graph | None,
        frame: FrameType | None,
        names: dict[int, str],
        trail: Trail | None,
    ) -> None:
        self.p, self.root, self.graph, self.frame, self.names, self.trail = p, root, graph, frame, names, trail
        source = (getattr(p, "grad_fn", None) or p) if isinstance(p, Tensor) else p
        self.vertex: Vertex | None = next((v for v in graph.vertices if v.source is source), None) if graph else None
        self.name = self.name_of(p)
        self.loss = names.get(id(getattr(root, "_node", None) or root), "") or "the loss"
        self.certain = True  # whether the root was named, and not guessed

    def name_of(self, x: Any) -> str:
        known = self.names.get(id(getattr(x, "_node", None) or x)) or self.names.get(id(x))
        if known is None and id(x) in parameter_names:
            known = parameter_names[id(x)][1]
        return known or getattr(x, "label", "") or f"the {type(x).__name__} of shape {tuple(getattr(x, 'shape', ()))}"

    @property
    def gradient(self) -> Any:
        """As an array or float: what p has, else what the walk through the graph found."""
        if isinstance(self.p, Value):
            return self.vertex.gradient if self.vertex and self.vertex.gradient is not None else self.p.grad
        if self.p._grad is not None:
            return on_host(self.p._grad)
        return self.vertex.gradient if self.vertex is not None else None

    def inside(self, v: Vertex) -> str:
        """The module in whose call it was made."""
        if len(v.module) < 2 or self.graph is None:
            return ""
        return f"in {'.'.join(v.module[1:])}, a {self.graph.modules.get(v.module, 'module')}"

    def kinds(self, v: Vertex) -> list[str]:
        """The classes of the modules around it."""
        return [self.graph.modules.get(v.module[:k], "") for k in range(1, len(v.module) + 1)] if self.graph else []

    def consumers(self) -> dict[Vertex, list[Any]]:
        assert self.graph is not None
        return self.graph.consumers()

    def sizes(self) -> dict[Vertex, float]:
        """The root mean square of every leaf's gradient."""
        if self.graph is None:
            return {}
        if self.graph not in _sizes:
            leaves = [v for v in self.graph.vertices if not v.op and v.wants and v.gradient is not None]
            _sizes[self.graph] = {v: rms(v.gradient) for v in leaves}
        return _sizes[self.graph]

    def above(self, v: Vertex) -> set[Vertex]:
        """v, and all that is made of it."""
        consumers, seen, stack = self.consumers(), {v}, [v]
        while stack:
            for u, _ in consumers[stack.pop()]:
                if u not in seen:
                    seen.add(u)
                    stack.append(u)
        return seen


# --- asking ---


def explain(p: Any, loss: Any = None, *, at: Any = None) -> Explanation | Explanations:
    """Why the gradient of p is what it is: None, zero, not a number, vanishing, exploding; the cause and the line.

    p: a Tensor or a Value; or a Module, for one Explanation per parameter that has something wrong.
    loss: what was differentiated, if p's gradient is to be explained after the fact; it is looked for among your
    variables if left out. Or a function that computes it: it is called once and watched, and then everything is known.
    No .grad changes. at: an index into p, for a part of its gradient.

        print(explain(model[0].weight))
        print(explain(model, lambda: criterion(model(x), y)))
    """
    if not isinstance(p, Tensor | Value | Module | ScalarModule):
        raise TypeError(f"explain: a Tensor, a Value or a Module, got {type(p).__name__}")
    frame = user_frame()
    trail = latest[0] if latest else None
    if isinstance(loss, Tensor | Value) or loss is None:
        return answer(p, loss, frame, trail, at)
    if not callable(loss):
        raise TypeError(
            f"explain: the loss is a Tensor, a Value or a function that computes it, got {type(loss).__name__}"
        )
    with stepping(p, loss) as root:
        return answer(p, root, frame, latest[0], at, watched=True)


def answer(
    p: Any, root: Any, frame: FrameType | None, trail: Trail | None, at: Any = None, watched: bool = False
) -> Explanation | Explanations:
    from .diagnosis import diagnose

    names = names_at(frame)
    asked: list[Any] = [p]
    if isinstance(p, Module | ScalarModule):
        asked = list(p.parameters())
        own = next((name for name, x in variables(frame) if x is p), "model")
        if isinstance(p, Module):
            names |= {id(q): f"{own}.{path}" for path, q in p.named_parameters()}
        else:
            names |= names_in({own: p})
    graphs: dict[int, Graph] = {}
    found = Explanations()
    for one in asked:
        of = root if root is not None else probable_root(one, frame)
        if of is not None and id(of) not in graphs:
            graphs[id(of)] = graph_of(of, names)
        tells = watched or (trail is not None and trail.knows(of if of is not None else one))
        q = Question(one, of, graphs.get(id(of)), frame, names, trail if tells else None)
        q.certain = root is not None
        found.append(diagnose(q, at, watched))
    if isinstance(p, Tensor | Value):
        return found[0]
    learning = any(x.requires_grad for x in asked if isinstance(x, Tensor))  # what is frozen then is so on purpose
    return Explanations(one for one in found if not (one.code in HARMLESS if learning else one.fine))


def graph_of(root: Any, names: dict[int, str]) -> Graph:
    """With gradients, unless they can't be computed any more."""
    try:
        return look(root, None, names)
    except RuntimeError as problem:  # changed in place, or freed by a user's Function
        graph = look(root, None, names, gradients=False)
        graph.notes.append(str(problem))
        return graph


@contextmanager
def stepping(p: Any, loss: Callable[[], Any]) -> Iterator[Any]:
    """Run a step and watch it; afterwards gradients and random numbers are as before. Gives the loss."""
    saved: dict[int, tuple[Tensor, Any, Any]] = {}
    scalars: dict[int, tuple[Value, float]] = {}
    roots: list[Any] = []  # whose backward() it called itself

    def keep(x: Any) -> None:
        if isinstance(x, Value):
            scalars.setdefault(id(x), (x, x.grad))
        elif id(x) not in saved and x._node is None:
            saved[id(x)] = x, x._grad, None if x._grad is None else on_host(x._grad).copy()

    def hear(what: str, *things: Any) -> None:
        if what == "backward":
            roots.extend(things[0])
            for root in things[0]:
                for leaf in leaves(root):
                    keep(leaf)
        elif what == "zero_grad":
            for leaf in things[0]:
                keep(leaf)

    for one in p.parameters() if isinstance(p, Module | ScalarModule) else [p]:
        keep(one)
    state = get_rng_state()
    listeners.append(hear)
    try:
        with watch():
            root = loss()
        if not isinstance(root, Tensor | Value):
            root = roots[-1] if roots else None
        if root is None:
            raise TypeError("explain: the function returned no Tensor or Value, and called no backward()")
        yield root
    finally:
        listeners.remove(hear)
        set_rng_state(state)
        for x, g, numbers in saved.values():
            x._grad = g
            if g is not None and not g.is_sparse:
                g.array[...] = numbers
        for v, number in scalars.values():
            v.grad = number


def leaves(root: Any) -> list[Tensor]:
    seen: set[Any] = set()
    stack = [getattr(root, "_node", None) or root]
    found = []
    while stack:
        at = stack.pop()
        if at is None or at in seen:
            continue
        seen.add(at)
        if isinstance(at, Node):
            stack.extend(at.edges)
        elif isinstance(at, Tensor):
            found.append(at)
    return found


# --- the user's variables ---


def variables(frame: FrameType | None) -> Iterator[tuple[str, Any]]:
    """(name, what it holds), of the user's function first, then of its callers."""
    for _ in range(CALLERS):
        if frame is None or frame.f_code.co_filename.startswith(PACKAGE):
            return
        yield from list(frame.f_locals.items())
        if frame.f_code.co_name != "<module>":
            yield from [(k, x) for k, x in list(frame.f_globals.items()) if not k.startswith("__")]
        frame = frame.f_back


def names_at(frame: FrameType | None) -> dict[int, str]:
    spaces: dict[str, Any] = {}
    for name, x in variables(frame):
        spaces.setdefault(name, x)
        for inner, y in vars(x).items() if name == "self" and hasattr(x, "__dict__") else ():
            spaces.setdefault(f"self.{inner}", y)
    return names_in(spaces)


def probable_root(p: Any, frame: FrameType | None) -> Any:
    """The loss among the user's variables: the newest scalar that depends on p, else the newest scalar result."""
    if isinstance(p, Value):
        families = [
            (len(family), x)
            for _, x in variables(frame)
            if isinstance(x, Value) and x is not p and p in (family := ancestry(x, released_too=True))
        ]
        return max(families, key=lambda pair: pair[0], default=(0, None))[1]
    scalars = [
        x
        for name, x in variables(frame)
        if isinstance(x, Tensor) and not is_lazy(x) and x.array.size == 1 and not x._is_param and x is not p
        and (x._node is not None or "loss" in name)
    ]  # fmt: skip
    results = sorted((x for x in scalars if x._node is not None), key=lambda x: -x._node.number)  # type: ignore[union-attr]
    depending = (x for x in results if reaches(x._node, p._node or p))
    return next(depending, (results or scalars or [None])[0])  # type: ignore[list-item]


def reaches(root: Any, goal: Any) -> bool:
    seen, stack = {root}, [root]
    while stack:
        at = stack.pop()
        if at is goal:
            return True
        for edge in at.edges if isinstance(at, Node) else ():
            if edge is not None and edge not in seen:
                seen.add(edge)
                stack.append(edge)
    return False

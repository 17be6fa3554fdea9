"""Looking at the graph and at what it keeps, as torch.autograd.graph."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import zip_longest
from typing import Any, NamedTuple

from ..core.batched import whole
from ..core.graph import AccumulateGrad, Node, Removable, touch
from ..core.modes import no_grad
from ..core.tensor import Tensor
from ..core.watch import watching

__all__ = [
    "GradientEdge", "Node", "count_operations", "disable_saved_tensors_hooks", "get_gradient_edge",
    "increment_version", "nbytes_saved", "register_multi_grad_hook", "save_on_cpu", "saved_tensors_hooks",
]  # fmt: skip

Pair = tuple[Callable[[Tensor], Any], Callable[[Any], Tensor]]

_pairs: ContextVar[tuple[Pair, ...]] = ContextVar("glassgrad_saved_tensors_hooks", default=())
_disabled: ContextVar[str | None] = ContextVar("glassgrad_saved_tensors_hooks_disabled", default=None)


class saved_tensors_hooks:
    """Inside, every tensor that is saved for backward goes through pack_hook, and through unpack_hook when needed.

    pack_hook(tensor) -> anything; unpack_hook(anything) -> a tensor of the same shape. The innermost pair counts.
    """

    def __init__(self, pack_hook: Callable[[Tensor], Any], unpack_hook: Callable[[Any], Tensor]) -> None:
        self.pack_hook, self.unpack_hook = pack_hook, unpack_hook

    def __enter__(self) -> None:
        if _disabled.get() is not None:
            raise RuntimeError(_disabled.get())
        self._token = _pairs.set((*_pairs.get(), (self.pack_hook, self.unpack_hook)))
        self._watching = watching(_pack)
        self._watching.__enter__()

    def __exit__(self, *problem: Any) -> None:
        self._watching.__exit__(*problem)
        _pairs.reset(self._token)


class save_on_cpu(saved_tensors_hooks):
    """Inside, what is saved for backward waits in the host's memory, and returns to its device when needed."""

    def __init__(self, pin_memory: bool = False, device_type: str = "cuda") -> None:
        super().__init__(
            lambda x: (x.device, x.cpu().pin_memory() if pin_memory else x.cpu()),
            lambda packed: packed[1].to(packed[0]),
        )


@contextmanager
def disable_saved_tensors_hooks(error_message: str) -> Iterator[None]:
    """Inside, using saved_tensors_hooks raises RuntimeError(error_message)."""
    if _pairs.get():
        raise RuntimeError(error_message)
    token = _disabled.set(error_message)
    try:
        yield
    finally:
        _disabled.reset(token)


def _pack(op: Any, inputs: Any, options: dict[str, Any], out: Any) -> None:
    """Pass the arrays that a new node saved through the innermost pair of hooks. A watcher; see core/watch.py."""
    pairs = _pairs.get()
    made = next((y for y in (out if isinstance(out, tuple) else (out,)) if isinstance(y, Tensor) and y._node), None)
    if not pairs or made is None:
        return
    assert made._node is not None
    node = made._node.all_outputs()
    if not isinstance(node.saved, tuple) or any(made is x for x in inputs):
        return
    pack, unpack = pairs[-1]
    packed: dict[Any, _Packed] = {}

    def put(x: Any, name: Any) -> _Packed:
        if (name, id(x)) not in packed:
            with no_grad():  # an input as it was given; the result without its node, which would hold itself
                packed[name, id(x)] = _Packed(pack(next((t for t in inputs if _holds(t, x)), Tensor._of(x))), x.shape)
        return packed[name, id(x)]

    names = node.op.kept_names() if hasattr(node.op, "kept_names") else ()
    held = tuple(
        kept and tuple([_packed(x, name, put) for name, x in zip_longest(named or (), kept)])
        for named, kept in zip_longest(names[: len(node.saved)], node.saved)
    )
    if packed:
        node.saved = lambda: _unpacked(held, unpack, {})  # type: ignore[assignment]
        node.guards, node.stamp = ([0],), 0  # the hooks decide what an in-place change means


def _packed(x: Any, name: Any, put: Callable[[Any, Any], _Packed]) -> Any:
    """What a formula takes, its arrays packed. Not a closure: it would hold itself, and what is packed, too long."""
    if isinstance(x, (tuple, list)):
        return tuple([_packed(each, (name, k), put) for k, each in enumerate(x)])
    return put(x, name) if _is_array(x) else x


def _unpacked(x: Any, unpack: Callable[[Any], Tensor], done: dict[int, Any]) -> Any:
    """The same, unpacked: each once."""
    if isinstance(x, tuple):
        return tuple([_unpacked(each, unpack, done) for each in x])
    if isinstance(x, _Packed):
        if id(x) not in done:
            done[id(x)] = x.unpacked(unpack)
        return done[id(x)]
    return x


def _holds(t: Any, x: Any) -> bool:
    return isinstance(t, Tensor) and t.array is x


def _is_array(x: Any) -> bool:
    return hasattr(x, "dtype") and hasattr(x, "shape") and x.dtype.kind in "fcVbiu" and hasattr(x, "astype")


class _Packed:
    def __init__(self, value: Any, shape: tuple[int, ...]) -> None:
        self.value, self.shape = value, shape

    def unpacked(self, unpack: Callable[[Any], Tensor]) -> Any:
        with no_grad():
            made = unpack(self.value)
        if not isinstance(made, Tensor):
            raise TypeError(f"Output of saved tensor unpack_hook expected to be a Tensor but got {type(made).__name__}")
        if made.array.shape != self.shape:
            raise RuntimeError(
                f"unpack_hook returned a tensor of shape {tuple(made.shape)} for one of {tuple(self.shape)}"
            )
        return made.array


class GradientEdge(NamedTuple):
    """Where a gradient arrives: a node and the number of its output."""

    node: Any
    output_nr: int


def get_gradient_edge(tensor: Tensor) -> GradientEdge:
    """Where the gradient of a tensor arrives; RuntimeError if it wants none."""
    if not tensor.requires_grad:
        raise RuntimeError("It is not possible to get the gradient edge for a Tensor that does not require gradients")
    node = tensor.grad_fn
    if node is None:
        return GradientEdge(AccumulateGrad(tensor), 0)
    behind = node.all_outputs()
    if behind is node:
        return GradientEdge(node, 0)
    return GradientEdge(behind, node.arguments(live=False)[0][0])


def increment_version(tensor: Tensor | Sequence[Tensor]) -> None:
    """Say that a tensor's memory was changed by something that the engine did not see."""
    for x in [tensor] if isinstance(tensor, Tensor) else tensor:
        touch(x.version)


def register_multi_grad_hook(tensors: Sequence[Tensor], fn: Callable[..., Any], *, mode: str = "all") -> Any:
    """fn(grads) once the gradients of all tensors are known ("all"), or fn(grad) at the first ("any").

    "all": every tensor is expected to be reached by the backward pass. Returns a handle with remove().
    """
    if mode not in ("all", "any"):
        raise ValueError(f"Expects mode to be one of ('all', 'any') but got {mode!r}")
    grads: list[Any] = [None] * len(tensors)
    arrived: set[int] = set()

    def hook(i: int) -> Callable[[Tensor], None]:
        def arrive(g: Tensor) -> None:
            arrived.add(i)
            grads[i] = g
            if mode == "any":
                if len(arrived) == 1:
                    fn(g)
            elif len(arrived) == len(tensors):
                given = tuple(grads)
                arrived.clear()
                fn(given)

        return arrive

    return _Handles([x.register_hook(hook(i)) for i, x in enumerate(tensors)])


class _Handles:
    def __init__(self, handles: list[Removable]) -> None:
        self.handles = handles

    def remove(self) -> None:
        for handle in self.handles:
            handle.remove()


@contextmanager
def count_operations() -> Iterator[Counter[str]]:
    """How often each operation runs inside, by name: on tensors, in every thread."""
    counts: Counter[str] = Counter()
    with watching(lambda op, inputs, options, out: counts.update((op.name,))):
        yield counts


def nbytes_saved(tensor: Tensor) -> int:
    """How many bytes the graph behind a tensor keeps for backward; memory held twice counts once."""
    found: dict[int, int] = {}
    seen: set[Node] = set()
    stack: list[Any] = [tensor.grad_fn]
    while stack:
        node = stack.pop()
        if not isinstance(node, Node) or node in seen:
            continue
        seen.add(node)
        stack.extend(node.edges)
        if isinstance(node.saved, tuple):
            _measure(node.saved, found)
    return sum(found.values())


def _measure(x: Any, found: dict[int, int]) -> None:
    if isinstance(x, (tuple, list)):
        for item in x:
            _measure(item, found)
    elif _is_array(x):
        memory = whole(x)
        while hasattr(memory.base, "nbytes"):
            memory = memory.base
        found[id(memory)] = memory.nbytes

"""Differentiation: backward() into the leaves, grad() to the caller. The walk itself is in graph.py."""

from __future__ import annotations

from threading import Lock
from typing import Any

import numpy as np

from .backend import Array, ndarray, xp_for, xp_of
from .errors import telling, told
from .forward import current_level
from .graph import Node, as_array, as_tensor, conjugated, next_number, run_hooks, walk
from .modes import enable_grad, inference_mode, no_grad, set_grad_enabled
from .native import engine
from .op import enter_batch, leave_batch, record
from .provenance import warn
from .tensor import Tensor
from .watch import listeners, tell

__all__ = ["backward", "enable_grad", "grad", "inference_mode", "no_grad", "set_grad_enabled"]


_accumulating = Lock()  # graphs of several threads may end at the same leaves


def _many(x: Any) -> list[Any]:
    return [x] if x is None or isinstance(x, Tensor) else list(x)


def _seeds(outputs: list[Tensor], gradients: list[Any], create_graph: bool) -> list[tuple[Any, Any]]:
    if len(gradients) != len(outputs):
        raise RuntimeError(f"got {len(outputs)} tensors and {len(gradients)} gradients")
    return [seed(y, g, create_graph) for y, g in zip(outputs, gradients, strict=True)]


def seed(y: Tensor, g: Any, create_graph: bool) -> tuple[Any, Any]:
    """Where the walk starts for the output y, and with which gradient."""
    if not y.requires_grad:
        raise RuntimeError("element 0 of tensors does not require grad and does not have a grad_fn")
    array = y.array
    if g is None:
        if array.size != 1:
            raise told(RuntimeError("grad can be implicitly created only for scalar outputs"))
        if array.dtype.kind == "c":
            raise RuntimeError(
                "grad can be implicitly created only for real scalar outputs but got "
                f"{'ComplexDouble' if array.itemsize == 16 else 'ComplexFloat'}"
            )
        one = array.dtype.type(1) if array.ndim == 0 else xp_of(array).ones_like(array)
        return y._node or y, Tensor._of(as_array(one)) if create_graph else one
    if not isinstance(g, Tensor):
        raise TypeError(f"gradients can be either Tensors or None, but got {type(g).__name__}")
    if g.array.shape != array.shape:
        raise RuntimeError(
            f"Mismatch in shape: grad_output[0] has a shape of {g.shape} and output[0] has a shape of {y.shape}."
        )
    if g.array.dtype != array.dtype:
        g = g.to(y.dtype)
    return y._node or y, conjugated(g if create_graph else g.array)


def backward(
    tensors: Any,
    grad_tensors: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Any = None,
) -> None:
    """As Tensor.backward, for several outputs at once. No .grad changes if anything is raised."""
    try:
        if listeners:
            tell("backward", _many(tensors))
        keep = create_graph if retain_graph is None else retain_graph
        taken: set[int] = set()
        if grad_tensors is None and inputs is None and isinstance(tensors, Tensor):
            if engine is not None and not create_graph and engine.backward(tensors, keep):
                if listeners:
                    tell("gradients", tensors)
                return
            leaves, _ = walk([seed(tensors, None, create_graph)], keep, create_graph)
        else:
            outputs = _many(tensors)
            gradients = [None] * len(outputs) if grad_tensors is None else _many(grad_tensors)
            chosen = None if inputs is None else _many(inputs)
            if chosen is not None and not chosen:
                raise RuntimeError("`inputs` argument to `backward()` cannot be empty.")
            targets: set[Any] | None = None if chosen is None else {x.grad_fn or x for x in chosen}
            leaves, found = walk(_seeds(outputs, gradients, create_graph), keep, create_graph, targets)
            if chosen is not None and targets is not None:
                leaves = {x: g for x, g in leaves.items() if x in targets}
                leaves.update({x: found[x._node] for x in chosen if x._node in found})
            taken = {id(g.array) for g in gradients if g is not None}
        _deliver(leaves, create_graph, taken)
        if listeners:
            tell("gradients", tensors)
    except Exception as problem:
        told(problem)
        raise


def _deliver(leaves: dict[Tensor, Any], create_graph: bool, taken: set[int]) -> None:
    """What has reached the leaves goes into their .grad, past their hooks."""
    for leaf, hooks in [(leaf, leaf._hooks) for leaf in leaves if leaf._hooks and leaf._node is None]:
        leaves[leaf] = run_hooks(hooks, leaves[leaf], create_graph)
    with _accumulating:
        for leaf, g in leaves.items():
            _accumulate(leaf, g, taken)
    for leaf, after in [(leaf, leaf._after) for leaf in leaves if leaf._after]:
        for hook in tuple(after.values()):
            hook(leaf)


def _accumulate(leaf: Tensor, g: Any, taken: set[int]) -> None:
    """Add g to leaf.grad. An array that something else may hold is copied, so that no two gradients share memory."""
    old = leaf._grad
    if old is not None and old.is_sparse:
        g = as_tensor(g)
        leaf._grad = old + g if g.is_sparse else g + old
        return
    if old is not None and type(g) is ndarray and g.dtype is old.array.dtype and not old._needs and g.dtype.kind != "c":
        np.add(old.array, g, old.array)
        old.version[0] += 1
        return
    g = getattr(g, "sparse", g)
    if isinstance(g, Tensor):  # recorded, or sparse
        g = conjugated(g)
        leaf._grad = g if old is None else old + g
        return
    g = conjugated(as_array(g))
    if g.dtype != leaf.array.dtype:
        g = (g if leaf.array.dtype.kind == "c" else g.real).astype(leaf.array.dtype)
    if old is not None:
        leaf._grad = old + Tensor._of(g)
        return
    leaf._grad = Tensor._of(_own(g, taken))


if engine is not None:
    engine.connect_backward(lambda leaf, g: _accumulate(leaf, g, set()), lambda leaves: _deliver(leaves, False, set()))


def _own(g: Array, taken: set[int]) -> Array:
    """g, or a copy of it where something else may hold its memory."""
    if g.base is not None or id(g) in taken or not g.flags.c_contiguous:
        g = g.copy()
    taken.add(id(g))
    return g


@telling
def grad(
    outputs: Any,
    inputs: Any,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Tensor | None, ...]:
    """The gradients of the outputs, summed, with respect to the inputs; no .grad changes, whatever only_inputs says.

    is_grads_batched: the first axis of grad_outputs counts several of them; so does that of the result.
    Raises RuntimeError for an input that the outputs don't depend on, unless allow_unused (None) or
    materialize_grads (zeros).
    """
    if not only_inputs:
        warn(
            "only_inputs argument is deprecated and is ignored now (defaults to True). To accumulate gradient for "
            "other parts of the graph, please use torch.autograd.backward.",
            FutureWarning,
        )
    if is_grads_batched:
        return _batched(
            grad_outputs,
            lambda given: grad(
                outputs, inputs, given, retain_graph, create_graph, True, allow_unused, False, materialize_grads
            ),
        )
    create_graph = create_graph or current_level() is not None  # tangents pass through recorded operations
    outs, ins = _many(outputs), _many(inputs)
    if materialize_grads and allow_unused is False:
        raise ValueError("Expected allow_unused to be True or not passed when materialize_grads=True, got: False.")
    for x in ins:
        if not x.requires_grad:
            raise RuntimeError("One of the differentiated Tensors does not require grad")
    edges = [x._node or x for x in ins]
    gradients = [None] * len(outs) if grad_outputs is None else _many(grad_outputs)
    keep = create_graph if retain_graph is None else retain_graph
    if listeners:
        tell("grad", outs)
    leaves, found = walk(_seeds(outs, gradients, create_graph), keep, create_graph, set(edges))
    taken = {id(g.array) for g in gradients if g is not None}
    result: list[Tensor | None] = []
    for x, edge in zip(ins, edges, strict=True):
        g = found.get(edge) if isinstance(edge, Node) else leaves.get(edge)
        if g is None:
            if not (allow_unused or materialize_grads):
                raise RuntimeError(
                    f"The differentiated Tensor at index {len(result)} appears to not have been used in the graph. "
                    "Set allow_unused=True if this is the desired behavior."
                )
            if materialize_grads:
                g = Tensor._of(xp_for(x.device).zeros(x.array.shape, x.array.dtype)).requires_grad_(create_graph)
        elif isinstance(edge, Tensor) and edge._hooks:
            g = run_hooks(edge._hooks, g, create_graph)
        g = getattr(g, "sparse", g)
        g = g if g is None else conjugated(g if isinstance(g, Tensor) else as_array(g))
        result.append(g if g is None or isinstance(g, Tensor) else Tensor._of(_own(g, taken)))
    return tuple(result)


def _batched(gradients: Any, differentiate: Any) -> tuple[Tensor | None, ...]:
    """Differentiate for a batch of gradients at once; see batched.py."""
    given = _many(gradients)
    sizes = {g.shape[0] for g in given if g is not None}
    if len(sizes) != 1:
        raise RuntimeError(f"is_grads_batched=True: every grad_output needs the same first axis, got sizes {sizes}")
    batch = {"dim": 0, "level": next_number(), "size": sizes.pop()}
    found = differentiate([None if g is None else record(enter_batch.op, (g,), batch) for g in given])
    return tuple(None if g is None else record(leave_batch.op, (g,), batch) for g in found)


def tensor_backward(
    self: Tensor,
    gradient: Tensor | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Any = None,
) -> None:
    """Add d self / d leaf to the .grad of every leaf that requires one.

    gradient: the gradient of self, needed unless self has one element; same shape as self.
    retain_graph: keep what the formulas need, for a second call. create_graph: record this pass, too.
    inputs: only these leaves get a gradient.
    Raises RuntimeError when self requires no gradient, or the graph has been freed.
    """
    backward(self, gradient, retain_graph, create_graph, inputs)


tensor_backward.__name__, tensor_backward.__qualname__ = "backward", "Tensor.backward"
Tensor.backward = tensor_backward  # type: ignore[attr-defined]

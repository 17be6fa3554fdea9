"""Operations of one's own: a forward computation with a backward formula, as torch.autograd.Function.

    class Cube(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return 3 * x**2 * g

    y = Cube.apply(x)

Or forward(*args) beside setup_context(ctx, inputs, output). A jvp(ctx, *tangents) gives it forward mode.
"""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..core.backend import Array, NoArray, xp_of
from ..core.batched import levels
from ..core.forward import below, place_parts, tangents_of
from ..core.graph import Node, as_array, conjugated, next_number, touch
from ..core.modes import enable_grad, is_grad_enabled, no_grad, set_grad_enabled
from ..core.op import Parts, fold_shared, pick
from ..core.provenance import caller
from ..core.tensor import Tensor
from ..core.watch import notice, timers, watchers

__all__ = ["Function", "FunctionCtx", "once_differentiable"]


class FunctionCtx:
    """What forward hands to backward. Anything may be set on it; tensors go through save_for_backward."""

    needs_input_grad: tuple[bool, ...] = ()
    _to_save: tuple[Any, ...] = ()
    _for_forward: tuple[Any, ...] | None = None
    _kept: tuple[tuple[str, int] | None, ...] = ()  # where each saved tensor was: an input, an output, or neither
    _dirty: tuple[Tensor, ...] = ()
    _constant: tuple[Tensor, ...] = ()
    _materialize = True
    _node: Callable[[], Node | None]

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keep tensors for backward, where they are `ctx.saved_tensors`; in-place changes of them are detected."""
        for t in tensors:
            if t is not None and not isinstance(t, Tensor):
                raise TypeError(
                    f"save_for_backward can only save variables, but argument is of type {type(t).__name__}"
                )
        self._to_save = tensors

    def save_for_forward(self, *tensors: Tensor | None) -> None:
        """Keep tensors for jvp, where they are `ctx.saved_tensors`."""
        self._for_forward = tensors

    def mark_dirty(self, *tensors: Tensor) -> None:
        """Say which inputs forward has changed in place; it must return them."""
        self._dirty = tensors

    def mark_non_differentiable(self, *tensors: Tensor) -> None:
        """Say which outputs have no derivative."""
        self._constant = tensors

    def set_materialize_grads(self, value: bool) -> None:
        """Whether backward gets zeros (True, the default) or None for outputs that no gradient has reached."""
        self._materialize = value

    @property
    def saved_tensors(self) -> tuple[Tensor | None, ...]:
        node = self._node()
        if node is None:  # during jvp, or within forward itself
            return self._for_forward if self._for_forward is not None else self._to_save
        saved = node.arguments(live=False)[0]
        return tuple(self._revived(node, where, *kept) for where, kept in zip(self._kept, saved, strict=True))

    def _revived(self, node: Node, where: tuple[str, int] | None, array: Any, version: Any, count: int) -> Any:
        if array is None:
            return None
        if version[0] != count:
            raise node.changed((version,))
        if isinstance(array, Tensor):
            return array
        if where is None:
            made = Tensor._of(array)
        elif where[0] == "input":
            edge = node.edges[where[1]]
            if isinstance(edge, Tensor) and edge.array is array:
                return edge
            made = Tensor._of(array, edge)  # type: ignore[arg-type]
        elif self._several:
            made = pick(Tensor._of(array), node, where[1])
        else:
            made = Tensor._of(array, node)
        made.version = version
        return made

    _several = False


class Function:
    """Base of custom operations; see the module's text. Used through apply(), never instantiated."""

    generate_vmap_rule = False  # what is written in operations runs under vmap as it is

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise RuntimeError(
            f"{type(self).__name__} should not be instantiated. Methods on autograd functions are all static, so you "
            "should invoke them on the class itself: Function.apply(...)"
        )

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """forward(ctx, *args), or forward(*args) where setup_context is defined. Runs without recording."""
        raise NotImplementedError("You must implement the forward function for custom autograd.Function.")

    @staticmethod
    def setup_context(ctx: FunctionCtx, inputs: tuple[Any, ...], output: Any) -> None:
        """Keep on ctx what backward needs."""
        raise NotImplementedError("setup_context is not implemented.")

    @staticmethod
    def backward(ctx: FunctionCtx, *grad_outputs: Any) -> Any:
        """The gradient of each argument of forward (None for what isn't a tensor) from those of the outputs."""
        raise NotImplementedError(
            "You must implement either the backward or vjp method for your custom autograd.Function "
            "to use it with backward mode AD."
        )

    @staticmethod
    def jvp(ctx: FunctionCtx, *tangents: Any) -> Any:
        """The tangent of each output from those of the arguments."""
        raise NotImplementedError(
            "You must implement the jvp function for custom autograd.Function to use it with forward mode AD."
        )

    @classmethod
    def apply(cls, *args: Any) -> Any:
        """Call forward, and record the operation if an argument wants a gradient."""
        ctx = FunctionCtx()
        ctx._node = _nothing
        ctx.needs_input_grad = tuple(isinstance(a, Tensor) and a.requires_grad for a in args)
        recording = is_grad_enabled() and any(ctx.needs_input_grad)
        before = [a.array if isinstance(a, Tensor) else None for a in args]
        edges = tuple(
            (a.grad_fn or a) if needed else None for a, needed in zip(args, ctx.needs_input_grad, strict=True)
        )
        with no_grad():
            if cls.setup_context is Function.setup_context:
                result = cls.forward(ctx, *args)
            else:
                result = cls.forward(*args)
                cls.setup_context(ctx, args, result)
        several = isinstance(result, tuple)
        outs = [_fresh(y, args, ctx) for y in (result if several else (result,))]
        if recording:
            _record(cls, ctx, args, edges, before, outs, several)
        elif ctx._dirty:
            for x in ctx._dirty:
                touch(x.version)
        return tuple(outs) if several else outs[0]


def _nothing() -> None:
    return None


def _fresh(y: Any, args: tuple[Any, ...], ctx: FunctionCtx) -> Any:
    """An output that is free to take a node: forward may have returned an argument, or something with a graph."""
    if not isinstance(y, Tensor) or any(y is x for x in ctx._dirty):
        return y
    made = y.detach() if y.requires_grad or any(y is a for a in args) else y
    if made is not y:
        ctx._to_save = tuple(made if t is y and not any(y is a for a in args) else t for t in ctx._to_save)
        ctx._constant = tuple(made if t is y else t for t in ctx._constant)
    return made


def _record(
    cls: Any, ctx: FunctionCtx, args: Any, edges: Any, before: list[Array], outs: list[Any], several: bool
) -> None:
    for x in ctx._dirty:
        if x.requires_grad and x.is_leaf:
            raise RuntimeError("a leaf Variable that requires grad is being used in an in-place operation.")
        touch(x.version)
    live = [
        isinstance(y, Tensor) and y.array.dtype.kind in "fcV" and not any(y is c for c in ctx._constant) for y in outs
    ]
    if not any(live):
        return
    node: Node = object.__new__(Node)
    node.op = _Applied(cls, ctx, args, outs, several)  # type: ignore[assignment]
    node.edges = edges
    saved = []
    kept: list[tuple[str, int] | None] = []
    for t in ctx._to_save:
        inputs = [i for i, a in enumerate(args) if a is t and not any(t is x for x in ctx._dirty)]
        results = [j for j, y in enumerate(outs) if y is t]
        kept.append(("input", inputs[0]) if inputs else ("output", results[0]) if results else None)
        what = t if t is None or isinstance(t.array, NoArray) else t.array  # a sparse tensor is kept as it is
        saved.append((None, None, 0) if t is None else (what, t.version, t.version[0]))
    ctx._kept, ctx._to_save, ctx._several = tuple(kept), (), several
    node.saved = (tuple(saved), *[()] * (len(edges) - 1))
    node.guards, node.stamp = (([0],) if saved else ()), 0  # a graph with nothing saved may be walked again
    node.hooks = None
    node.number = next_number()
    node.place = caller(3)
    ctx._node = weakref.ref(node)
    for j, y in enumerate(outs):
        if not live[j]:
            continue
        if several:
            pick(y, node, j)
        else:
            y._node, y._needs = node, True
    batched = next((y.array for y in outs if isinstance(y, Tensor) and levels(y.array)), None)
    if batched is not None:
        fold_shared(node, before, batched)
    if any(tangents_of(a) for a in args):
        _push(cls, ctx, args, outs, several)
    if watchers or timers:
        notice(node.op, args, {}, tuple(outs) if several else outs[0])


def _push(cls: Any, ctx: FunctionCtx, args: Any, outs: list[Any], several: bool) -> None:
    """Forward mode: the user's jvp, for each level."""
    node, ctx._node = ctx._node, _nothing
    seen = [tangents_of(a) for a in args]
    for number in sorted({n for tangents in seen for n in tangents}):
        with below(number), enable_grad():
            moving = [
                tangents.get(number) if number in tangents or not isinstance(a, Tensor) or not ctx._materialize
                else Tensor._of(xp_of(a.array).zeros_like(a.array))
                for a, tangents in zip(args, seen, strict=True)
            ]  # fmt: skip
            given = cls.jvp(ctx, *moving)
            place_parts(outs, number, given if several else (given,))
    ctx._node = node


class _Applied:
    """What the walk knows of one application: formulas that share one call of the user's backward."""

    is_pick = False

    @property
    def home(self) -> str:
        """What a node's class is said to be defined in."""
        return f"{Function.__module__}."

    def __init__(self, cls: Any, ctx: FunctionCtx, args: Any, outs: Any, several: bool) -> None:
        self.cls, self.ctx, self.several = cls, ctx, several
        self.name, self.node_name = cls.__name__, f"{cls.__name__}Backward"
        self.inputs = [(a.array.shape, a.array.dtype) if isinstance(a, Tensor) else None for a in args]
        self.outputs = [(y.array.shape, y.array.dtype) if isinstance(y, Tensor) else None for y in outs]

    @property
    def formulas(self) -> Iterator[Any]:
        given: list[Any] = []

        def gradient(i: int, g: Any, *_: Any) -> Any:
            if not given:
                given.extend(self.run(g))
            return given[i]

        return (functools.partial(gradient, i) for i in range(len(self.inputs)))

    def revive(self, node: Node, i: int, saved: Any) -> Any:
        return saved

    def run(self, g: Any) -> list[Any]:
        """The user's backward: a gradient, or None, for each argument; arrays for an array, tensors for a tensor."""
        parts = g.parts if isinstance(g, Parts) else {0: g}
        live = any(isinstance(d, Tensor) for d in parts.values())
        given = [self._given(parts.get(j), made) for j, made in enumerate(self.outputs)]
        with set_grad_enabled(live):
            grads = self.cls.backward(self.ctx, *given)
        grads = grads if isinstance(grads, tuple) else (grads,)
        n = len(self.inputs)
        if len(grads) < n or any(d is not None for d in grads[n:]):
            raise RuntimeError(
                f"function {self.node_name} returned an incorrect number of gradients (expected {n}, got {len(grads)})"
            )
        return [self._checked(i, d, live) for i, d in enumerate(grads[:n])]

    def _given(self, d: Any, made: Any) -> Any:
        if d is not None:
            return conjugated(d if isinstance(d, Tensor) else Tensor._of(as_array(d)))
        if made is None or not self.ctx._materialize:
            return None
        return Tensor._of(np.zeros(*made))

    def _checked(self, i: int, d: Any, live: bool) -> Any:
        if d is None:
            return None
        if not isinstance(d, Tensor):
            raise TypeError(f"{self.node_name}: expected Tensor or None as gradient {i}, got {type(d).__name__}")
        expected = self.inputs[i]
        if expected is None:
            raise RuntimeError(
                f"function {self.node_name} returned a gradient different from None at position {i + 1}, "
                "but the corresponding forward input was not a Variable"
            )
        shape, dtype = expected
        if d.array.shape != shape:
            try:
                d = d.sum_to_size(shape)
            except RuntimeError:
                raise RuntimeError(
                    f"Function {self.node_name} returned an invalid gradient at index {i} - "
                    f"got {list(d.array.shape)} but expected shape compatible with {list(shape)}"
                ) from None
        if d.array.dtype != dtype:
            d = d.to(Tensor._of(xp_of(d.array).empty(0, dtype)).dtype)
        return conjugated(d if live else d.array)


def once_differentiable(backward: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator of backward: it isn't recorded, and differentiating its result raises RuntimeError."""

    @functools.wraps(backward)
    def once(ctx: FunctionCtx, *grads: Any) -> Any:
        with no_grad():
            result = backward(ctx, *grads)
        if is_grad_enabled() and any(isinstance(g, Tensor) and g.requires_grad for g in grads):
            several = isinstance(result, tuple)
            given = [
                _Twice.apply(d, *grads) if isinstance(d, Tensor) else d for d in (result if several else (result,))
            ]
            return tuple(given) if several else given[0]
        return result

    return once


class _Twice(Function):
    @staticmethod
    def forward(ctx: FunctionCtx, d: Tensor, *grads: Any) -> Tensor:
        return d.detach()

    @staticmethod
    def backward(ctx: FunctionCtx, *grads: Any) -> Any:
        raise RuntimeError("trying to differentiate twice a function that was marked with @once_differentiable")

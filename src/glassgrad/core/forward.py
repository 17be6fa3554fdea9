"""Forward mode: beside each result, its tangent, pushed on as the operation happens.

A tangent hangs on a node, under the level of forward mode that it belongs to: derivatives of derivatives nest, and
pushing the tangents of one level sees only the levels outside it, so that no two are confused. Formulas and rules are
those of the operations (`Op.push`), called with tensors: a tangent is itself on the graph, and has tangents.

Source: Siskind and Pearlmutter, Perturbation Confusion and Referential Transparency, IFL 2005.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from .graph import Node, lives, next_number, scopes
from .modes import enable_grad
from .op import Op, variable_of
from .tensor import Tensor
from .watch import watching

NONE: dict[int, Any] = {}

_ceiling: ContextVar[float] = ContextVar("glassgrad_forward_ceiling", default=float("inf"))
_open: ContextVar[tuple[Level, ...]] = ContextVar("glassgrad_forward_levels", default=())


class Level:
    """One use of forward mode: its number, larger further in, and the variables that it gave tangents."""

    def __init__(self) -> None:
        self.number = next_number()
        self.roots: set[Node] = set()


@contextmanager
def forward_level() -> Iterator[Level]:
    """A new level of forward mode, innermost; nothing outside it sees its tangents."""
    level = Level()
    opened = _open.set((*_open.get(), level))
    scope = scopes.set((*scopes.get(), level.roots))
    try:
        with watching(push), enable_grad():
            yield level
    finally:
        scopes.reset(scope)
        _open.reset(opened)


def current_level() -> Level | None:
    levels = _open.get()
    return levels[-1] if levels else None


@contextmanager
def below(number: float) -> Iterator[None]:
    """Inside, only levels outside this one are seen."""
    token = _ceiling.set(min(number, _ceiling.get()))
    try:
        yield
    finally:
        _ceiling.reset(token)


def tangents_of(x: Any) -> dict[int, Any]:
    """The tangents of x by level, those above the ceiling included."""
    return getattr(x.grad_fn, "tangents", NONE) if isinstance(x, Tensor) else NONE


def make_dual(x: Tensor, tangent: Tensor, level: Level) -> Tensor:
    """x again, the same memory, with this tangent at that level."""
    if not isinstance(x, Tensor) or not (x.dtype.is_floating_point or x.dtype.is_complex):
        raise ValueError(f"Expected primal to be floating point or complex, but got: {getattr(x, 'dtype', type(x))}")
    if not isinstance(tangent, Tensor):
        raise TypeError(f"Expected tangent to be a Tensor, but got {type(tangent).__name__}")
    if (tangent.shape, tangent.dtype) != (x.shape, x.dtype):
        raise RuntimeError(
            f"Expected tangent to be as the primal, of shape {tuple(x.shape)} and {x.dtype}, "
            f"but got shape {tuple(tangent.shape)} and {tangent.dtype}"
        )
    dual = again(x)
    node = dual._node
    assert node is not None
    _place(node, level.number, tangent)
    level.roots.add(node)
    return dual


def unpack(y: Tensor, level: Level) -> tuple[Tensor, Tensor | None]:
    """y as levels outside this one see it, and its tangent at this level."""
    t = tangents_of(y).get(level.number)
    if not y.requires_grad:
        return y, t
    with below(level.number):
        primal = again(y)
    return released(primal, level.roots), t if t is None else released(t, level.roots)


def released(y: Tensor, scope: Any) -> Tensor:
    """y, cut from the graph where nothing but this scope's variables could be reached through it."""
    return y if y.grad_fn is None or lives(y.grad_fn, scope) else y.detach()


def again(x: Tensor) -> Tensor:
    """x again, the same memory, under a node of its own: it may be differentiated apart from x."""
    made = variable_of(x)
    node = made._node
    assert node is not None
    push(node.op, (x,), {}, made)
    return made


def push(op: Any, inputs: Any, options: dict[str, Any], out: Any) -> None:
    """Give the result of an operation its tangents. A watcher; see watch.py."""
    if not isinstance(op, Op):  # a custom Function asks its own jvp
        return
    ceiling = _ceiling.get()
    seen = [tangents_of(x) for x in inputs]
    numbers = sorted({number for tangents in seen for number in tangents if number < ceiling})
    if not numbers:
        return
    several = isinstance(out, tuple)
    if not any(y._node is not None for y in (out if several else (out,))):
        return
    for number in numbers:
        with below(number), enable_grad():
            t = op.push(inputs, [tangents.get(number) for tangents in seen], options, out)
            if several:
                place_parts(out, number, tuple(t))
            else:  # an operand may have been broadcast
                _place(out._node, number, t if t.shape == out.shape else t.expand(out.shape))


def _place(node: Node, number: int, tangent: Any) -> None:
    node.tangents = {**getattr(node, "tangents", NONE), number: tangent}


def place_parts(out: Any, number: int, tangents: Any) -> None:
    """Tangents of several outputs: on each one's pick, and all of them on the node behind, for whoever picks again."""
    for y, t in zip(out, tangents, strict=True):
        if t is not None and isinstance(y, Tensor) and y._node is not None:
            _place(y._node, number, t)
            behind = y._node.edges[0]
            if y._node.op.is_pick and isinstance(behind, Node):
                _place(behind, number, tangents)

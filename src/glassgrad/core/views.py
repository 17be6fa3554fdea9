"""Views share memory with their base, and in-place operations keep every gradient right.

A view remembers its base and the steps that lead from there to it. An in-place operation computes the new value out
of place, writes it into the shared memory, and puts a node on the base that says "the base, with this part
replaced". Views of a base changed since they were made find their node again by repeating their steps on it.
Version counters, shared by all views of one memory, tell who is behind, and let backward detect that something a
formula needs was overwritten.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import modes
from . import tensor as tensors  # which imports this file: its class is looked up when it is used
from .backend import Array, ndarray, xp_of
from .batched import whole
from .dtypes import can_cast, title_of
from .errors import told
from .graph import as_array, touch
from .watch import listeners, tell

if TYPE_CHECKING:
    from .tensor import Tensor

grad_enabled = modes.is_grad_enabled
new = object.__new__

Step = tuple[Any, tuple[Any, ...], dict[str, Any]]  # (Op, further arguments, options)


class View:
    """How a tensor is a view: base, the steps from it, the version at which its node was last right."""

    __slots__ = ("base", "recorded", "seen", "several", "steps")

    base: Tensor
    steps: tuple[Step, ...]
    seen: int
    recorded: bool  # made in grad mode
    several: int  # which of several views made at once, as by unbind or split, counted from 1; 0: of none


def view_of(x: Tensor, y: Array, step: Step) -> Tensor:
    """The tensor of y, which shares the memory of x, made from x by this step."""
    out: Tensor = new(tensors.Tensor)
    out.array = y
    out.version = version = x.version
    out._node = None
    recorded, before = grad_enabled(), x._view
    # As in PyTorch, a view made without recording wants a gradient of its own.
    out._needs = not recorded and x._needs and y.dtype.kind in "fcV"
    if out._needs:
        out._wish(True)
    out._view = view = new(View)
    view.seen = version[0]
    if before is None:
        view.base, view.steps, view.recorded, view.several = x, (step,), recorded, 0
    else:
        view.base, view.steps = before.base, (*before.steps, step)
        view.recorded, view.several = recorded and before.recorded, before.several
    return out


def own(y: Tensor) -> Tensor:
    """y, a view of something that nobody else holds, as a tensor that isn't a view: what a composite returns."""
    y._view = None
    return y


def replay(x: Any, steps: tuple[Step, ...]) -> Any:
    """Take the steps from x: a raw view of a raw array, a recorded view of a tensor."""
    from .op import record

    for op, args, options in steps:
        x = record(op, (x, *args), options) if isinstance(x, tensors.Tensor) else op.forward(x, *args, **options)
    return x


def sync(v: Tensor, strict: bool = False) -> None:
    """Bring the node of a view up to date with in-place changes of its memory.

    strict: RuntimeError where PyTorch refuses the use of a view left behind by such a change.
    """
    view = v._view
    assert view is not None
    now = v.version[0]
    if view.seen == now:
        return
    if not view.base._needs:
        view.seen = now
    elif view.several or not view.recorded:
        if strict and grad_enabled():
            changed = "its base or another view of its base has been modified inplace"
            raise made_at_once(v, changed) if view.several else told(RuntimeError(MADE_IN_NO_GRAD))
        v._needs = v.array.dtype.kind in "fcV"
    else:
        with modes.enable_grad():
            fresh = replay(view.base, view.steps)
        if _layout(fresh.array) != _layout(v.array):
            raise RuntimeError(
                "this view's base has been given another shape or other memory since the view was made (by t_(), "
                "squeeze_(), .data = ...) and was then changed in place: make the view again"
            )
        view.seen = now
        if v._retains and fresh._needs and fresh._node is not v._node:
            v._continue(fresh._node)
        v._node, v._needs = fresh._node, fresh._needs


def made_at_once(v: Tensor, changed: str) -> RuntimeError:
    """The error for a change of one of several views that were made together."""
    assert v._view is not None
    source = "a function" if v._node is None else v._node.short_name().removesuffix("Backward0")
    return told(
        RuntimeError(
            f"Output {v._view.several - 1} of {source} is a view and {changed}. This view is the output of a function "
            "that returns multiple views. Such functions do not allow the output views to be modified inplace. You "
            "should replace the inplace operation by an out-of-place one."
        )
    )


MADE_IN_NO_GRAD = (
    "A view was created in no_grad mode and its base or another view of its base has been modified inplace with grad "
    "mode enabled. Given that this use case is ambiguous and error-prone, it is forbidden. You can clarify your code "
    "by moving both the view and the inplace either both inside the no_grad block (if you don't want the inplace to "
    "be tracked) or both outside (if you want the inplace to be tracked)."
)


def _layout(x: Array) -> tuple[Any, ...]:
    x = whole(x)
    start = x.__array_interface__["data"][0] if isinstance(x, ndarray) else x.data.ptr
    return (start, x.shape, x.strides) if x.size else (x.shape,)


def _repeats(x: Array) -> bool:
    """Whether some elements are one place in memory, as after expand()."""
    return any(s == 0 and n > 1 for s, n in zip(x.strides, x.shape, strict=True))


def check_in_place(x: Tensor, value: Any = None) -> None:
    """RuntimeError where PyTorch forbids changing x in place, to that value."""
    array = x.array
    if 0 in array.strides and array.size and not isinstance(value, (int, float)) and _repeats(array):
        raise RuntimeError(
            "unsupported operation: more than one element of the written-to tensor refers to a single memory "
            "location. Please clone() the tensor before performing the operation."
        )
    if not grad_enabled():
        return
    if x._needs and x._node is None:
        if listeners:
            tell("leaf changed", x)
        raise told(RuntimeError("a leaf Variable that requires grad is being used in an in-place operation."))
    view = x._view
    if view is None:
        return
    base = view.base
    if base._needs and base._node is None:
        raise told(RuntimeError("a view of a leaf Variable that requires grad is being used in an in-place operation."))
    tracked = base._needs or getattr(value, "_needs", False)
    if tracked and not view.recorded:
        raise RuntimeError(
            "A view was created in no_grad mode and is being modified inplace with grad mode enabled. "
            "Given that this use case is ambiguous and error-prone, it is forbidden. You can clarify your code by "
            "moving both the view and the inplace either both inside the no_grad block (if you don't want the "
            "inplace to be tracked) or both outside (if you want the inplace to be tracked)."
        )
    if tracked and view.several:
        raise made_at_once(x, "is being modified inplace")


def in_place(x: Tensor, call: Any, *args: Any, **options: Any) -> Tensor:
    """x becomes call(x, ...), in place. Formulas that need the old x keep a copy of it."""
    if x._view is not None:
        sync(x, strict=True)
    check_in_place(x)
    before = x
    if grad_enabled() and (x._needs or any(isinstance(a, tensors.Tensor) and a._needs for a in args)):
        before = tensors.Tensor._of(x.array.copy(), x._node)
    value = call(before, *args, **options)
    return write(x, value, fresh=value._view is None and not any(value is a for a in args))


def write(x: Tensor, value: Any, fresh: bool = False) -> Tensor:
    """x becomes value, in place: value is a tensor of x's shape (or broadcast to it), or a number.

    fresh: nobody else holds value, so that x may take its node over.
    """
    if x._view is not None:
        sync(x, strict=True)
    if isinstance(value, tensors.Tensor) and value._view is not None:
        sync(value, strict=True)
    check_in_place(x, value)
    array = value.array if isinstance(value, tensors.Tensor) else value
    if isinstance(value, tensors.Tensor):
        if not can_cast(value.dtype, x.dtype):
            raise cast_error(value, x)
        if array.shape != x.array.shape and _stretch(array.shape, x.array.shape) is None:
            raise told(
                RuntimeError(
                    f"output with shape {list(x.array.shape)} doesn't match the broadcast shape {list(array.shape)}"
                )
            )
    tracked = grad_enabled() and (x._needs or (isinstance(value, tensors.Tensor) and value._needs))
    if tracked:
        if isinstance(value, tensors.Tensor):
            value = value.to(x.dtype)
            if value.array.shape != x.array.shape:
                value = value.expand(x.array.shape)
        _rebase(x, value, fresh)
    x.array[...] = array
    touch(x.version)
    if tracked and x._view is not None:
        sync(x)
    return x


def _rebase(x: Tensor, value: Any, fresh: bool) -> None:
    """Let x, and the base it is a view of, continue from the node of value."""
    from .op import record, variable

    if x._view is None and getattr(value, "_node", None) is not None:
        x._continue(value._node if fresh else record(variable.op, (value,), {})._node)
        return
    base, steps = (x, ()) if x._view is None else (x._view.base, x._view.steps)
    if not isinstance(value, tensors.Tensor):
        value = tensors.Tensor._of(xp_of(x.array).full(x.array.shape, value, x.array.dtype))
    made = record(overlay_op(), (base, value), {"steps": steps})
    if made._needs:
        base._continue(made._node)


def _stretch(shape: tuple[int, ...], to: tuple[int, ...]) -> tuple[int, ...] | None:
    lead = len(to) - len(shape)
    fits = lead >= 0 and all(n in (1, to[lead + i]) for i, n in enumerate(shape))
    return to if fits else None


def cast_error(value: Tensor, x: Tensor) -> RuntimeError:
    return told(RuntimeError(f"result type {title_of(value)} can't be cast to the desired output type {title_of(x)}"))


_overlay: Any = None


def overlay_op() -> Any:
    """overlay(base, value, steps): base with the part that the steps lead to replaced by value. Linear."""
    global _overlay
    if _overlay is not None:
        return _overlay
    from .op import op

    @op(jvp="linear")
    def overlay(base: Array, value: Array, *, steps: tuple[Step, ...]) -> Array:
        made = as_array(base.copy())
        replay(made, steps)[...] = value
        return made

    @op(jvp="linear")
    def erase(x: Array, *, steps: tuple[Step, ...]) -> Array:
        made = as_array(x.copy())
        replay(made, steps)[...] = 0
        return made

    overlay.vjp(base=lambda g, steps: erase(g, steps=steps), value=lambda g, steps: part(g, steps))
    erase.vjp(x=lambda g, steps: erase(g, steps=steps))
    _overlay = overlay.op
    _overlay.node_name = "torch::autograd::CopySlices"
    return _overlay


def part(g: Any, steps: tuple[Step, ...]) -> Any:
    found = replay(g, steps)
    return as_array(found) if not hasattr(found, "_needs") else found

"""Elementwise operations of one and of two arrays: what `op.record` does, unrolled, since they are called most.

    tanh = unary("tanh", floats=True, x=lambda g, y: g * (1 - y * y))
    mul = binary("multiply", "mul", x=lambda g, other: g * other, other=lambda g, x: g * x)

The function is one of NumPy's by name (its ufuncs hand CuPy's arrays on to CuPy), or a function of raw arrays.
"""

from __future__ import annotations

from collections.abc import Callable
from sys import _getframe as getframe
from typing import Any

import numpy as np

from .backend import ndarray, sum_to, xp_of
from .batched import deepest
from .dtypes import dtype, get_default_dtype, of_number, result_type
from .errors import told
from .graph import Node, as_array, next_number
from .half import FLOAT32, is_half
from .keywords import given as given
from .native import engine, program
from .op import Formula, Op, finish, fold_shared, grad_enabled, new
from .provenance import caller, theirs
from .tensor import Tensor
from .watch import notice, starts, timers, watchers


def _one(x: Any) -> Any: ...
def _two(x: Any, other: Any) -> Any: ...


def _declare(
    function: str | Callable[..., Any], name: str, signature: Any, formulas: dict[str, Any], exact: bool = False
) -> Op:
    if exact and isinstance(function, str):
        declared = Op(_exact(getattr(np, function)), "elementwise", signature=signature, name=name)
    elif isinstance(function, str):
        declared = Op(getattr(np, function), "elementwise", signature=signature, name=name or function)
    else:
        declared = Op(function, "elementwise", signature=signature, name=name)
    if any(formulas.values()):
        declared.declare_vjp(**formulas)
    return declared


def _exact(ufunc: Any) -> Callable[..., Any]:
    """The ufunc as a function, which Op lets compute in float32 where an operand is of half precision."""

    def forward(x: Any, other: Any) -> Any:
        return ufunc(x, other)

    forward.ufunc = ufunc  # type: ignore[attr-defined]
    return forward


def unary(
    function: str | Callable[..., Any],
    name: str = "",
    *,
    floats: bool = False,
    x: Formula | None = None,
    jvp: str = "elementwise",
) -> Any:
    """Declare an elementwise operation, or another one without options, of one array.

    floats: integers are converted to the default dtype first. x: the formula; none where there is no gradient.
    """
    declared = _declare(function, name, _one, {"x": x})
    declared.jvp = jvp
    differentiable = x is not None
    take, keeps = _taking(declared, "x")

    def call(input: Any, *, out: Any = None) -> Any:
        if not isinstance(input, Tensor):
            if input.__class__ is list or input.__class__ is tuple:
                raise refused(declared.name, "input", input)
            try:
                return declared.forward(input)
            except Exception as problem:
                return declared.again(problem, (input,), {})
        a = input.array
        if floats and a.dtype.kind in "iub":
            return given(out, Tensor._of(as_array(declared.forward(a.astype(get_default_dtype().array_dtype)))))
        if timers:
            starts(declared)
        try:
            y = declared.forward(a)
        except Exception as problem:
            y = declared.again(problem, (a,), {})
        if type(y) is not ndarray:
            y = as_array(y)
        made: Tensor = new(Tensor)
        made.array = y
        made.version = version = [0]
        made._view = None
        if input._view is not None:
            input._sync(differentiable)
        if input._needs and differentiable and grad_enabled():
            node: Node = new(Node)
            node.op = declared
            node.edges = (input._node or input,)
            node.saved = (take(a, None, y),)
            if keeps == 4:
                node.guards, node.stamp = (version,), 0
            elif keeps == 1:
                node.guards, node.stamp = (input.version,), input.version[0]
            elif keeps == 0:
                node.guards, node.stamp = (), 0
            else:
                node.guards, node.stamp = (input.version, version), input.version[0]
            node.hooks = None
            node.number = next_number()
            frame = getframe(1)
            code = frame.f_code
            node.place = (code, frame.f_lasti) if id(code) in theirs else caller(2)
            made._node = node
            made._needs = True
        else:
            made._node = None
            made._needs = False
        if watchers or timers:
            notice(declared, (input,), {}, made)
        return made if out is None else given(out, made)

    return finish(declared, compiled(declared, call))


def binary(
    function: str | Callable[..., Any],
    name: str = "",
    *,
    floats: bool = False,
    x: Formula | None = None,
    other: Formula | None = None,
    numbers: str = "all",
    exact: bool = False,
) -> Any:
    """Declare an elementwise operation of two arrays, with broadcasting and PyTorch's type promotion.

    floats: integers are converted to the default dtype first. x, other: the formulas; none where there is no
    gradient. numbers: which operands may be Python numbers: "all", any "one" of them, only "other", or "none".
    exact: beside half precision a number is one of float32, not of half precision.
    """
    first, second = numbers in ("all", "one"), numbers != "none"
    declared = _declare(function, name, _two, {"x": x, "other": other}, exact)
    differentiable = bool(declared.declared)
    take_x, keeps_x = _taking(declared, "x")
    take_other, keeps_other = _taking(declared, "other")
    take_both = _taking_both(take_x, take_other)
    stretched = Stretched(declared)

    def make(foreign: Callable[[TypeError], Any]) -> Any:
        def call(input: Any, other: Any, *, out: Any = None) -> Any:
            need_x = need_other = False
            if isinstance(input, Tensor):
                a = input.array
                if isinstance(other, Tensor):
                    b = other.array
                    if a.dtype is not b.dtype or (floats and a.dtype.kind not in "fcV"):
                        if exact and (is_half(a) or is_half(b)):
                            return mixed(input, other, out)
                        input, other, a, b = meet(input, other, floats)
                    if other._view is not None:
                        other._sync(differentiable)
                    need_other = other._needs
                elif (other.__class__ is float or other.__class__ is int) and a.dtype.kind == "f" and second:
                    b = other if a.dtype.itemsize > 2 else (FLOAT32 if exact else a.dtype).type(other)
                elif isinstance(other, np.generic) and (other.dtype is a.dtype or (exact and beside_half(other, a))):
                    b = other
                else:
                    return mixed(input, other, out)
                if input._view is not None:
                    input._sync(differentiable)
                need_x = input._needs
            elif not isinstance(other, Tensor):
                if input.__class__ in PYTHON and other.__class__ in PYTHON:
                    return alone(input, other, out)
                return declared.forward(input, other)
            else:
                a, b = input, other.array
                if first and (input.__class__ is float or input.__class__ is int) and b.dtype.kind == "f":
                    a = input if b.dtype.itemsize > 2 else (FLOAT32 if exact else b.dtype).type(input)
                elif not (
                    isinstance(input, np.generic) and (input.dtype is b.dtype or (exact and beside_half(input, b)))
                ):
                    return mixed(input, other, out)
                if other._view is not None:
                    other._sync(differentiable)
                need_other = other._needs
            if timers:
                starts(declared)
            try:
                y = declared.forward(a, b)
            except Exception as problem:
                y = refit(declared, a, b, problem)
            if type(y) is not ndarray:
                y = as_array(y)
            made: Tensor = new(Tensor)
            made.array = y
            made.version = version = [0]
            made._view = None
            if (need_x or need_other) and differentiable and grad_enabled():
                made._node = node = new(Node)
                made._needs = True
                node.op = declared
                if need_x and need_other:
                    node.edges = (input._node or input, other._node or other)
                    node.saved = saved = take_both(a, b, y)
                    kept = keeps_x | keeps_other
                elif need_x:
                    node.edges = (input._node or input, None)
                    node.saved = saved = (take_x(a, b, y), None)
                    kept = keeps_x
                else:
                    node.edges = (None, other._node or other)
                    node.saved = saved = (None, take_other(a, b, y))
                    kept = keeps_other
                if kept == 0:
                    node.guards, node.stamp = (), 0
                elif kept == 3 and need_x and need_other:
                    node.guards = (input.version, other.version)
                    node.stamp = input.version[0] + other.version[0]
                else:
                    node.guards, node.stamp = _guard(kept, input, other, version)
                shape = y.shape
                if (need_x and a.shape != shape) or (need_other and b.shape != shape):
                    node.op = stretched  # type: ignore[assignment]  # as an Op, for whoever walks
                    node.saved = (
                        None if saved[0] is None else (a.shape, *saved[0]),
                        None if saved[1] is None else (b.shape, *saved[1]),
                    )
                if y.__class__ is not ndarray:
                    fold_shared(node, (a, b), y)
                node.hooks = None
                node.number = next_number()
                frame = getframe(1)
                code = frame.f_code
                node.place = (code, frame.f_lasti) if id(code) in theirs else caller(2)
            else:
                made._node = None
                made._needs = False
            if watchers or timers:
                notice(declared, (input, other), {}, made)
            return made if out is None else given(out, made)

        def mixed(x: Any, other: Any, out: Any) -> Any:
            """A tensor and what isn't a Python number that fits: both in their common dtype first."""
            if not first and x.__class__ in PYTHON:
                raise refused(declared.name, "input", x)
            if not second and other.__class__ in PYTHON:
                raise refused(declared.name, "other", other)
            try:
                x, other, _, _ = meet(x, other, floats, exact)
            except TypeError as problem:
                return foreign(problem)
            return call(x, other, out=out)

        def alone(x: Any, other: Any, out: Any) -> Any:
            if numbers != "all":
                raise refused(declared.name, "input", x)
            return call(Tensor._of(np.asarray(x, of_number(x).array_dtype)), other, out=out)

        return compiled(declared, call, stretched, first, second)

    call = finish(declared, make(_raise))
    call.operator = make(lambda problem: NotImplemented)  # for Python's operators: the other operand may know better
    return call


def compiled(declared: Op, call: Any, stretched: Any = None, *numbers: bool) -> Any:
    """The call with the frequent cases compiled, where there is a compiled engine."""
    if engine is None:
        return call
    if declared.plan is None:  # without a formula
        declared.plan = declared._plan(None)
    plan = declared._plan(stretched) if stretched is not None else declared.plan
    forward = program(getattr(declared.forward, "ufunc", declared.forward))
    return engine.Elementwise(plan, call, forward, len(declared.inputs), *(numbers or (False, False)))


PYTHON = frozenset((bool, int, float, complex))


def refused(name: str, argument: str, x: Any) -> TypeError:
    """For a Python number where only a tensor will do."""
    return told(
        TypeError(
            f"{name}(): argument '{argument}' (position {1 + (argument != 'input')}) must be Tensor, "
            f"not {type(x).__name__}"
        ),
        f"write tensor({x if len(repr(x)) < 40 else '...'})",
    )


class Stretched:
    """An operation whose operands were broadcast: its gradients are summed back to their shapes, kept first."""

    is_pick = False

    def __init__(self, declared: Op) -> None:
        self.declared = declared
        self.name = declared.name
        self.formulas = [formula and self._summed(formula) for formula in declared.formulas]

    def node_name(self, saved: Any) -> str:
        name = self.declared.node_name
        return name(saved and tuple(kept and kept[1:] for kept in saved)) if callable(name) else name

    def _summed(self, formula: Formula) -> Formula:
        def gradient(g: Any, shape: tuple[int, ...], *kept: Any) -> Any:
            d = formula(g, *kept)
            if d.shape == shape:
                return d
            return d.sum_to_size(shape) if isinstance(d, Tensor) else sum_to(d, shape)

        return gradient

    def kept_names(self) -> list[list[str]]:
        return [["shape", *names] for names in self.declared.kept_names()]

    def revive(self, node: Node, i: int, saved: tuple[Any, ...]) -> tuple[Any, ...]:
        return saved[0], *self.declared.revive(node, i, saved[1:])


def refit(declared: Op, a: Any, b: Any, problem: Exception) -> Any:
    """After forward has raised: sample by sample inside vmap, else the error in PyTorch's words."""
    if deepest([a, b]) >= 0:
        return declared.again(problem, (a, b), {})
    if isinstance(problem, ValueError):
        raise broadcast_error(a, b) from None
    raise problem


def _raise(problem: TypeError) -> Any:
    raise problem


_TAKING: dict[tuple[str, ...], Any] = {
    (): lambda a, b, y: (),
    ("x_shape",): lambda a, b, y: (a.shape,),
    ("x",): lambda a, b, y: (a,),
    ("other",): lambda a, b, y: (b,),
    ("y",): lambda a, b, y: (y,),
    ("x", "other"): lambda a, b, y: (a, b),
    ("x", "y"): lambda a, b, y: (a, y),
    ("other", "y"): lambda a, b, y: (b, y),
    ("x", "other", "y"): lambda a, b, y: (a, b, y),
}


def _taking_both(take_x: Any, take_other: Any) -> Any:
    """take_x and take_other in one call; the frequent pairs are written out."""
    nothing, other, x = _TAKING[()], _TAKING[("other",)], _TAKING[("x",)]
    if take_x is nothing and take_other is nothing:
        return lambda a, b, y: ((), ())
    if take_x is other and take_other is x:
        return lambda a, b, y: ((b,), (a,))
    return lambda a, b, y: (take_x(a, b, y), take_other(a, b, y))


def _guard(kept: int, x: Any, other: Any, version: list[int]) -> tuple[tuple[list[int], ...], int]:
    """The version counters of what is kept (bits as in `_taking`), and their sum."""
    guards = [v.version for bit, v in ((1, x), (2, other)) if kept & bit and isinstance(v, Tensor)]
    return (*guards, version) if kept & 4 else tuple(guards), sum([counter[0] for counter in guards])


def _taking(declared: Op, name: str) -> tuple[Any, int]:
    """What the formula of an input keeps: a function of (x, other, y), and the same as bits 1, 2 and 4."""
    mentions = declared.mentions.get(name, ())
    if mentions not in _TAKING:
        raise TypeError(f"{declared.name}: an elementwise formula mentions x, other and y, in this order")
    return _TAKING[mentions], sum(bit for key, bit in (("x", 1), ("other", 2), ("y", 4)) if key in mentions)


def beside_half(number: Any, array: Any) -> bool:
    return number.dtype is FLOAT32 and is_half(array)


def meet(x: Any, other: Any, floats: bool = False, exact: bool = False) -> tuple[Any, Any, Any, Any]:
    """Two operands in the dtype in which PyTorch computes with them: (x, other) and their arrays."""
    a = x.array if isinstance(x, Tensor) else x
    b = other.array if isinstance(other, Tensor) else other
    common = result_type(a, b)
    if floats and not (common.is_floating_point or common.is_complex):
        common = get_default_dtype()
    halves = exact and common.itemsize == 2 and common.is_floating_point
    x = FLOAT32.type(x) if halves and not isinstance(x, Tensor) and np.ndim(x) == 0 else _as(x, common)
    other = FLOAT32.type(getattr(other, "array", other)) if halves and _lone(other) else _as(other, common)
    return x, other, getattr(x, "array", x), getattr(other, "array", other)


def _lone(x: Any) -> bool:
    """Whether x is a number, or a tensor of float32 that stands for one, as PyTorch lets the second operand."""
    if isinstance(x, Tensor):
        return type(x.array) is ndarray and x.array.ndim == 0 and x.array.dtype is FLOAT32 and not x._needs
    return getattr(x, "shape", ()) == ()


def _as(x: Any, common: dtype) -> Any:
    if isinstance(x, Tensor):
        return x if x.array.dtype == common.array_dtype else x.to(common)
    if getattr(x, "shape", ()) != ():
        return Tensor._of(x.astype(common.array_dtype))
    try:
        return common.array_dtype.type(x)
    except OverflowError:  # 300 for int8: it wraps, as PyTorch's does
        return np.asarray(x).astype(common.array_dtype)[()]


def apart(name: str, out: Tensor, *inputs: Tensor) -> None:
    """RuntimeError if out lies in the memory of an input, or has another dtype than the first one."""
    if out.array.dtype != inputs[0].array.dtype:
        raise RuntimeError(
            f"{name}(): Expected out tensor to have dtype {inputs[0].dtype}, but got {out.dtype} instead"
        )
    if 0 in out.array.strides and out.array.size > 1:
        raise RuntimeError(
            "unsupported operation: more than one element of the written-to tensor refers to a single memory location. "
            "Please clone() the tensor before performing the operation."
        )
    if any(xp_of(x.array).may_share_memory(x.array, out.array) for x in inputs):
        raise RuntimeError(
            "unsupported operation: the input tensors cannot refer to any of the output memory locations. "
            f"Found overlap with out= of {name}()."
        )


def broadcast_error(a: Any, b: Any) -> RuntimeError:
    """Which dimension of which operand doesn't fit, in PyTorch's words."""
    s, t = a.shape, b.shape
    for back in range(1, min(len(s), len(t)) + 1):
        m, n = s[-back], t[-back]
        if m != n and 1 not in (m, n):
            at = max(len(s), len(t)) - back
            return told(
                RuntimeError(
                    f"The size of tensor a ({m}) must match the size of tensor b ({n}) at non-singleton dimension {at}"
                )
            )
    return RuntimeError(f"shapes {tuple(s)} and {tuple(t)} do not broadcast")

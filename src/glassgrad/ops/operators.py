"""What Python's operators do with a tensor: x + y, 2 - x, x += y, ~x, x == y."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.tensor import Tensor
from ..core.titles import title
from ..core.views import in_place
from . import arithmetic as a
from . import choice as c
from . import elementwise as e

Operator = Callable[..., Any]
PYTHON = (int, float, complex)
OPERANDS = (Tensor, int, float, complex, np.ndarray, np.generic)


def forth(call: Operator) -> Operator:
    """self + other; what isn't a tensor or a number may know the operator itself."""
    if hasattr(call, "operator"):
        return call.operator

    def operator(self: Any, other: Any) -> Any:
        try:
            return call(self, other)
        except TypeError:
            if isinstance(other, OPERANDS):
                raise
            return NotImplemented

    return operator


def back(call: Operator, shown: str | None = None, turned: bool = False) -> Operator:
    """other + self; `shown` is the node's name where PyTorch has one for a number before the operator.

    turned: a number before the operator is the second operand, which shows in the node's edges.
    """
    forward = forth(call)

    def operator(self: Any, other: Any) -> Any:
        if not isinstance(self, Tensor):  # Tensor.__radd__(2, x)
            raise TypeError(f"{call.__name__}: self must be a Tensor, not {type(self).__name__}")
        made = forward(self, other) if turned and isinstance(other, PYTHON) else forward(other, self)
        return title(made, shown) if shown and isinstance(made, Tensor) else made

    return operator


def _quotient(other: Any, self: Any) -> Any:
    """other / self as PyTorch computes it: the reciprocal first. For 1 that is the quotient, in one operation."""
    return a.true_divide(1, self) if other.__class__ is int and other == 1 else a.mul(a.reciprocal(self), other)


def inside(call: Operator) -> Operator:
    """self += other, in place."""
    return forth(lambda self, other: in_place(self, call, other))


ARITHMETIC: dict[str, Operator] = {
    "add": a._add, "sub": a._sub, "mul": a.mul, "truediv": a.true_divide, "floordiv": a.floor_divide,
    "mod": a.remainder, "pow": a._power, "and": a.bitwise_and, "or": a.bitwise_or, "xor": a.bitwise_xor,
    "lshift": a.bitwise_left_shift, "rshift": a.bitwise_right_shift,
}  # fmt: skip
REFLECTED = {"sub": "RsubBackward1", "truediv": "MulBackward0", "pow": "PowBackward2"}
TURNED = ("add", "mul")
COMPARISON: dict[str, Operator] = {"eq": c.eq, "ne": c.ne, "lt": c.lt, "le": c.le, "gt": c.gt, "ge": c.ge}


def _invert(self: Any) -> Any:
    if self.array.dtype.kind not in "iub":
        raise TypeError("~ (operator.invert) is only implemented on integer and Boolean-type tensors")
    return a.bitwise_not(self)


TABLE: dict[str, Operator] = {
    **{f"__{name}__": forth(call) for name, call in (ARITHMETIC | COMPARISON).items()},
    **{
        f"__r{name}__": back(call, REFLECTED.get(name), name in TURNED)
        for name, call in (ARITHMETIC | {"truediv": _quotient}).items()
    },
    **{f"__i{name}__": inside(call) for name, call in ARITHMETIC.items()},
    "__rdiv__": back(_quotient, REFLECTED["truediv"]),
    "__neg__": a.neg, "__pos__": a.positive, "__abs__": e.abs, "__invert__": _invert,
}  # fmt: skip

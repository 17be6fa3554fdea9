"""What Python's operators do with a tensor: x + y, 2 - x, x += y, ~x, x == y."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.tensor import Tensor
from ..core.views import in_place
from . import elementwise as e

Operator = Callable[..., Any]
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


def back(call: Operator) -> Operator:
    """other + self."""
    return forth(lambda self, other: call(other, self))


def inside(call: Operator) -> Operator:
    """self += other, in place."""
    return forth(lambda self, other: in_place(self, call, other))


ARITHMETIC: dict[str, Operator] = {
    "add": e._add, "sub": e._sub, "mul": e.mul, "truediv": e.true_divide, "floordiv": e.floor_divide,
    "mod": e.remainder, "pow": e._power, "and": e.bitwise_and, "or": e.bitwise_or, "xor": e.bitwise_xor,
    "lshift": e.bitwise_left_shift, "rshift": e.bitwise_right_shift,
}  # fmt: skip
COMPARISON: dict[str, Operator] = {"eq": e.eq, "ne": e.ne, "lt": e.lt, "le": e.le, "gt": e.gt, "ge": e.ge}


def _invert(self: Any) -> Any:
    if self.array.dtype.kind not in "iub":
        raise TypeError("~ (operator.invert) is only implemented on integer and Boolean-type tensors")
    return e.bitwise_not(self)


TABLE: dict[str, Operator] = {
    **{f"__{name}__": forth(call) for name, call in (ARITHMETIC | COMPARISON).items()},
    **{f"__r{name}__": back(call) for name, call in ARITHMETIC.items()},
    **{f"__i{name}__": inside(call) for name, call in ARITHMETIC.items()},
    "__neg__": e.neg, "__pos__": e.positive, "__abs__": e.abs, "__invert__": _invert,
}  # fmt: skip

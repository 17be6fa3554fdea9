"""Orthogonal polynomials of degree n at x, by their recurrences: Abramowitz and Stegun, table 22.7.

Each is p_0 = 1, p_1 as given, p_{k+1} from p_k and p_{k-1}; 0 for a negative degree. Degrees are truncated to whole
numbers. As in PyTorch, they have no derivative; asking for one raises.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.backend import Array
from ..core.fast import PYTHON, given, meet, refused
from ..core.op import Formula, op
from ..core.tensor import Tensor
from .choice import broadcast

Step = Callable[[Any, int, Any, Any], Any]  # (x, k, p_k, p_{k-1}) -> p_{k+1}


def partly(
    forward: Callable[[Array, Array], Array], name: str, numbers: bool = True, other: Formula | None = None
) -> Any:
    """Declare an operation of two arrays without a derivative in the first; `other` is the formula of the second.

    It raises where a gradient is wanted that it doesn't have. numbers: whether one operand may be a Python number.
    """
    forward.__name__ = f"{name}_"
    inner = op(forward, jvp="elementwise")
    if other is not None:
        inner.vjp(other=other)

    def call(input: Any, other: Any, *, out: Any = None) -> Any:
        if not (isinstance(input, Tensor) or isinstance(other, Tensor)) and hasattr(input, "dtype"):
            return inner(input, other)
        for argument, x, rest in (("input", input, other), ("other", other, input)):
            if x.__class__ in PYTHON and (not numbers or rest.__class__ in PYTHON):
                raise refused(name, argument, x)
        x, y, _, _ = meet(input, other, floats=True)
        return given(out, inner(*broadcast(x, y)))

    call.__name__ = call.__qualname__ = name
    return call


def _family(name: str, first: Callable[[Any], Any], step: Step) -> Any:
    def forward(x: Array, n: Array) -> Array:
        x, n = np.broadcast_arrays(x, n)
        degree = np.where(np.isfinite(n), n, -1).astype(np.int64)
        before, now = np.ones_like(x), first(x)
        y = np.where(degree < 0, 0, np.where(degree == 0, before, now))
        for k in range(1, int(degree.max(initial=0))):
            before, now = now, step(x, k, now, before)
            y = np.where(degree == k + 1, now, y)
        return y.astype(x.dtype, copy=False)

    return partly(forward, name)


def _chebyshev(x: Any, k: int, now: Any, before: Any) -> Any:
    return (x + x) * now - before


def _shifted(x: Any, k: int, now: Any, before: Any) -> Any:
    return _chebyshev(x + x - 1, k, now, before)


chebyshev_polynomial_t = _family("chebyshev_polynomial_t", lambda x: x, _chebyshev)
chebyshev_polynomial_u = _family("chebyshev_polynomial_u", lambda x: x + x, _chebyshev)
chebyshev_polynomial_v = _family("chebyshev_polynomial_v", lambda x: x + x - 1, _chebyshev)
chebyshev_polynomial_w = _family("chebyshev_polynomial_w", lambda x: x + x + 1, _chebyshev)
shifted_chebyshev_polynomial_t = _family("shifted_chebyshev_polynomial_t", lambda x: x + x - 1, _shifted)
shifted_chebyshev_polynomial_u = _family("shifted_chebyshev_polynomial_u", lambda x: 2 * (x + x - 1), _shifted)
shifted_chebyshev_polynomial_v = _family("shifted_chebyshev_polynomial_v", lambda x: 2 * (x + x - 1) - 1, _shifted)
shifted_chebyshev_polynomial_w = _family("shifted_chebyshev_polynomial_w", lambda x: 2 * (x + x - 1) + 1, _shifted)
hermite_polynomial_h = _family(
    "hermite_polynomial_h", lambda x: x + x, lambda x, k, now, before: (x + x) * now - 2 * k * before
)
hermite_polynomial_he = _family("hermite_polynomial_he", lambda x: x, lambda x, k, now, before: x * now - k * before)
laguerre_polynomial_l = _family(
    "laguerre_polynomial_l",
    lambda x: 1 - x,
    lambda x, k, now, before: ((2 * k + (1 - x)) * now - k * before) / (k + 1),
)
legendre_polynomial_p = _family(
    "legendre_polynomial_p",
    lambda x: x,
    lambda x, k, now, before: ((2 * k + 1) * x * now - k * before) / (k + 1),
)

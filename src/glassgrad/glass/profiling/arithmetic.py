"""How much arithmetic an operation is, where that is known from its shapes: floating-point operations by its name.

A multiplication and an addition are two, any other elementary function is one. What is known of an operation forward
is known of its gradients: each input that takes part in the products costs as much again.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

Shape = tuple[int, ...]
Count = Callable[[list[Shape], Shape, dict[str, Any]], float]  # (shapes of the inputs, of the result, options)


class Work(NamedTuple):
    forward: Count
    back: tuple[float, ...]  # by input: the work for its gradient, in forwards


def _sized(k: float, back: float = 1.0) -> Work:
    """k for each number of the first input."""
    return Work(lambda ins, out, _: k * math.prod(ins[0]), (back,))


def _product(inner: Callable[[list[Shape], dict[str, Any]], int]) -> Work:
    """Each number of the result is a sum of `inner` products."""
    return Work(lambda ins, out, o: 2 * math.prod(out) * inner(ins, o), (1, 1))


def _steps(ins: list[Shape], out: Shape, _: dict[str, Any]) -> float:
    """A recurrent layer: two products at each step. ins: x (steps, rows, in), h0, c0, w_ih, w_hh, ..."""
    return 2 * math.prod(ins[0][:-1]) * (math.prod(ins[3]) + math.prod(ins[4]))


def _attend(ins: list[Shape], out: Shape, options: dict[str, Any]) -> float:
    """q k^T and p v, half of them where positions see only those before them. ins: q (..., L, E), k, v (..., S, E)"""
    *rows, size = ins[0]
    pairs = math.prod(rows) * ins[1][-2]
    return 2 * pairs * (size + ins[2][-1]) * (0.5 if options.get("causal") else 1)


WORK: dict[str, Work] = {
    "matmul": _product(lambda ins, _: ins[0][-1]),
    "dot": _product(lambda ins, _: ins[0][-1]),
    "linear": _product(lambda ins, _: ins[1][-1]),
    "convolution": _product(lambda ins, _: math.prod(ins[1][1:])),
    "convolution_input": Work(lambda ins, out, _: 2 * math.prod(ins[0]) * math.prod(ins[1][1:]), (1, 1)),
    "convolution_weight": Work(
        lambda ins, out, o: 2 * math.prod(ins[1]) * ins[0][1] // o.get("groups", 1) * math.prod(o["size"]), (1, 1)
    ),
    "attend": Work(_attend, (0.75, 0.75, 0.5)),
    "unroll": Work(_steps, (1, 0, 0, 0.5, 0.5)),
    "max_pool": Work(lambda ins, out, o: math.prod(out) * math.prod(o["size"]), (0.25,)),
    "window_sum": Work(lambda ins, out, o: math.prod(out) * math.prod(o["size"]), (1,)),
    "softmax": _sized(5, 0.8),
    "log_softmax": _sized(5, 0.8),
    "logsumexp": _sized(4, 0.5),
    "standardize": _sized(7, 1.2),
    "scale_shift": _sized(2),
    "gelu": _sized(5, 2),
    "gelu_tanh": _sized(9, 2),
    **dict.fromkeys(("sum_all", "sum", "mean", "prod", "cumsum", "amax", "amin"), _sized(1)),
    **dict.fromkeys(("var", "std", "vector_norm"), _sized(3)),
}
ELEMENTWISE = Work(lambda ins, out, _: math.prod(out), (1,) * 16)


def work(op: Any, shapes: list[Shape], out: Shape, options: dict[str, Any], needs: list[bool]) -> tuple[float, float]:
    """Floating-point operations of one call and of its gradients, for the inputs that need one; 0 where not known."""
    known = WORK.get(op.name) or (ELEMENTWISE if getattr(op, "jvp", None) == "elementwise" else None)
    if known is None:
        return 0.0, 0.0
    try:
        forward = float(known.forward(shapes, out, options)) * (1 + op.name.count("+"))  # several, joined by compile()
    except (IndexError, KeyError, TypeError):  # called in a way that the table does not know
        return 0.0, 0.0
    return forward, forward * sum(back for back, need in zip(known.back, needs, strict=False) if need)

"""Where the first inf or nan of a graph came from."""

from __future__ import annotations

import math
from typing import NamedTuple

from glassgrad.scalar.engine import Value, ancestry


class Anomaly(NamedTuple):
    """The first node, in the order of computation, that made an inf or nan out of finite numbers."""

    where: str  # "forward" or "backward"
    node: Value
    operand: Value | None  # backward: the operand whose gradient the node made inf or nan

    def __str__(self) -> str:
        node = self.node
        made = f"{node._op}({', '.join(map(describe, node.operands))})" if node.operands else "a leaf"
        if self.where == "forward":
            return f"forward: {describe(node)} = {made} is the first value that is not finite"
        if self.operand is None:
            return f"backward: the gradient of {describe(node)} was {node.grad} before any node handed it on"
        k = node.operands.index(self.operand)
        return (
            f"backward: {describe(node)} = {made} hands {describe(self.operand)} the first gradient that is "
            f"not finite: {node.grad} * {node.local_gradients[k]} = {node.grad * node.local_gradients[k]}"
        )


def describe(value: Value) -> str:
    return f"{value.label}={value.data!r}" if value.label else repr(value.data)


def anomaly_report(root: Value) -> Anomaly | None:
    """The origin of the first inf or nan in the graph of `root`, None if there is none.

    Looks at the values first, oldest first; then, after `backward()`, at the gradients, newest first.
    str() of the result is one sentence with the node, its op and its operands.

    >>> x = Value(0.0, label="x")
    >>> print(anomaly_report(x.log() * 2))
    forward: -inf = log(x=0.0) is the first value that is not finite
    >>> y = x.sqrt()
    >>> y.backward()
    >>> print(anomaly_report(y))
    backward: 0.0 = sqrt(x=0.0) hands x=0.0 the first gradient that is not finite: 1.0 * inf = inf
    """
    nodes = ancestry(root, released_too=True)
    for node in reversed(nodes):
        if not math.isfinite(node.data):
            return Anomaly("forward", node, None)
    if not math.isfinite(root.grad):
        return Anomaly("backward", root, None)
    for node in nodes:
        for operand, slope in zip(node.operands, node.local_gradients, strict=True):
            if operand._op != "const" and not math.isfinite(node.grad * slope):
                return Anomaly("backward", node, operand)
    for node in nodes:  # finite contributions whose sum overflowed
        if node._op != "const" and not math.isfinite(node.grad):
            return Anomaly("backward", node, None)
    return None

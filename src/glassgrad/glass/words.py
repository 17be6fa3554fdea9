"""How numbers, tensors and vertices of a graph are written in a line of text."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .graph import Vertex

INFIX = {"add": "+", "sub": "-", "mul": "*", "div": "/", "pow": "**", "matmul": "@"}
LONGEST = 40  # characters of an expression that stands for a name


Made = dict[tuple[Vertex, int], str]  # expressions by vertex and depth: many are parts of several


def text_of(v: Vertex, made: Made | None = None) -> str:
    """A name for a vertex: its own, its number for a constant, or the expression, if it is short."""
    return v.name or expression(v, 5, made)


def expression(v: Vertex, depth: int = 5, made: Made | None = None) -> str:
    if made is None:
        made = {}
    if (v, depth) not in made:
        made[v, depth] = _expression(v, depth, made)
    return made[v, depth]


def _expression(v: Vertex, depth: int, made: Made) -> str:
    if not v.op:
        return shown(v.value) if v.value is not None else "?"
    parts: list[str] = []
    room = LONGEST
    for to in (edge.vertex for edge in v.edges):
        part = to.name or (expression(to, depth - 1, made) if depth else "...")
        parts.append(f"({part})" if v.op in INFIX and to.op in INFIX and " " in part else part)
        room -= len(part)
        if room < 0:
            return f"{v.op}#{v.number}"
    sign = INFIX.get(v.op)
    if sign and len(parts) == 2:
        text = f" {sign} ".join(parts)
    elif v.op.startswith("**"):  # a Value to the power of a number
        text = f"({parts[0]}){v.op}" if " " in parts[0] else parts[0] + v.op
    else:
        text = f"{v.op}({', '.join(parts)})"
    return text if len(text) <= LONGEST or not depth else f"{v.op}#{v.number}"


def equals(v: Vertex) -> str:
    return "" if v.value is None else f" = {shown(v.value)}"


def single(x: Any) -> bool:
    """Whether it is one number."""
    return getattr(x, "size", 1) == 1 and not hasattr(x, "parts")


def norm(x: Any) -> float:
    if isinstance(x, float):
        return abs(x)
    if hasattr(x, "parts"):
        return math.sqrt(sum(norm(part) ** 2 for part in x.parts.values()))
    sizes = np.abs(np.asarray(x)).astype(np.float64, copy=False)
    most = float(sizes.max(initial=0.0))  # squares of large numbers would be infinite
    return most * math.sqrt(float(np.square(sizes / most).sum())) if most and math.isfinite(most) else most


def shown(x: Any) -> str:
    """A number; of a tensor its shape and norm."""
    if type(x) is float:
        return f"{x:.6g}"
    if single(x):
        return f"{float(np.asarray(x).reshape(())):.6g}"
    shape = "several" if hasattr(x, "parts") else str(tuple(x.shape))
    return f"{shape} of norm {norm(x):.4g}"

"""How a gradient is handed on, in the words of whoever wrote it: the source of an operation's formulas."""

from __future__ import annotations

import re
from functools import cache
from types import CodeType

from ...core.provenance import source_between
from ...scalar.engine import Value
from ..graph import Edge, Vertex, declaration

SLOPES = {  # a Value's op -> by position; a, b are what it is made of, y is what it makes
    "+": ("g", "g"), "-": ("g", "-g"), "*": ("g * b", "g * a"), "/": ("g / b", "-g * y / b"), "neg": ("-g",),
    "**": ("g * b * a ** (b - 1)", "g * y * log(a)"), "abs": ("g * sign(a)",), "ReLU": ("g if a > 0 else 0",),
    "tanh": ("g * (1 - y * y)",), "sigmoid": ("g * y * (1 - y)",), "logsigmoid": ("g * sigmoid(-a)",),
    "exp": ("g * y",), "log": ("g / a",), "sqrt": ("g / (2 * y)",), "sin": ("g * cos(a)",), "cos": ("-g * sin(a)",),
}  # fmt: skip


def formula(v: Vertex, edge: Edge) -> str:
    """What an operation hands on along an edge, from g, the upstream gradient; "" where nobody knows.

    y is the result, other names are the operation's arguments and options.
    """
    k = edge.position
    if isinstance(v.source, Value):
        n = len(v.source.operands)
        if v.title == "w*x+b":
            return "g" if k == n - 1 else "g * x" if k < n // 2 else "g * w"
        if v.title.startswith("**") and v.title[2:]:
            return f"g * {v.title[2:]} * a ** ({v.title[2:]} - 1)"
        slopes = SLOPES.get(v.title, ())
        return slopes[k] if k < len(slopes) else ""
    op, _ = declaration(v.source.op)
    code = getattr(op and op.declared.get(edge.role), "__code__", None)
    return source(code) if code else ""


@cache
def source(code: CodeType) -> str:
    """The expression of a lambda; of a function its call.

    >>> source((lambda g, y: g * (1 - y * y)).__code__)
    'g * (1 - y * y)'
    """
    if code.co_name != "<lambda>":
        return f"{code.co_name.lstrip('_')}({', '.join(code.co_varnames[: code.co_argcount])})"
    starts: list[tuple[int, int]] = []
    ends: list[tuple[int, int]] = []
    for line, last, column, end in code.co_positions():
        if line and last and column is not None and end is not None and (line, column) != (last, end):
            starts.append((line, column))
            ends.append((last, end))
    if not starts:
        return ""
    text = source_between(code.co_filename, *min(starts), *max(ends))
    return re.sub(r"(?<=\() | (?=\))", "", " ".join(text.split()))

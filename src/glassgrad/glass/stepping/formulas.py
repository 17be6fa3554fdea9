"""How a gradient is handed on, in the words of whoever wrote it: the source of an operation's formulas."""

from __future__ import annotations

import ast
import re
from functools import cache
from types import CodeType
from typing import Any

from ...scalar.engine import Value
from ..deriving.reading import Unreadable, declared_for, source_of
from ..graph import Edge, Vertex

CLEARER = {  # than the call of a function that also minds special cases
    ("pow", "x"): "g * other * x ** (other - 1)",
    ("pow", "other"): "g * y * log(x)",
    ("abs", "x"): "g * sign(x)",
}


def formula(v: Vertex, edge: Edge) -> str:
    """What an operation hands on along an edge, from g, the upstream gradient; "" where nobody knows.

    y is the result, other names are the operation's arguments and options. A Value's is that of the tensors, and a, b
    are what it is made of.
    """
    k = edge.position
    if v.op == "affine":
        n = len(v.source.operands)
        return "g" if k == n - 1 else "g * x" if k < n // 2 else "g * w"
    op, power = declared_for(v)
    role = edge.role or (op.inputs[k] if op else "")
    return _written(op, role, (power or "b") if isinstance(v.source, Value) else "")


@cache
def _written(op: Any, role: str, b: str) -> str:
    """b: what a Value's `other` is called."""
    code = getattr(op and op.declared.get(role), "__code__", None)
    text = CLEARER.get((op.name, role)) or source(code) if code else ""
    names = {"x": "a", "other": b}
    return re.sub(r"\b(x|other)\b", lambda word: names[word[0]], text) if b else text


def source(code: CodeType) -> str:
    """The expression of a lambda; of a function its call; "" where the source is not at hand.

    >>> source((lambda g, y: g * (1 - y * y)).__code__)
    'g * (1 - y * y)'
    """
    if code.co_name != "<lambda>":
        return f"{code.co_name.lstrip('_')}({', '.join(code.co_varnames[: code.co_argcount])})"
    try:
        body = source_of(code).body
    except Unreadable:
        return ""
    return ast.unparse(body) if isinstance(body, ast.expr) else ""

"""From what is known of a gradient to its explanation: which kind of fault, then each kind's own room."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...core.tensor import Tensor
from ...nn.parameter import is_lazy
from ...scalar import Value
from ..canvas import short
from .answer import Explanation, assigned, say
from .faults import no_number
from .missing import missing
from .question import Question, biggest, on_host
from .sizes import size_of, wrong_size
from .zeros import EPSILON, zero

NONE = "the gradient is None"


def diagnose(q: Question, at: Any = None, watched: bool = False) -> Explanation:
    if is_lazy(q.p):
        return say("GE119", q.name, NONE, assigned(q.name, q.frame))
    p, g = q.p, q.gradient
    if np.size(value_of(p)) == 0:
        return say("GE100", q.name, "it is empty, and so is its gradient", None)
    if watched and q.vertex is None:
        return missing(q, NONE if getattr(p, "grad", None) is None else "this step gives it no gradient")
    if isinstance(p, Tensor):
        own = p.grad
        if watched and p.requires_grad and q.vertex is not None and q.vertex.gradient is not None:
            g = q.vertex.gradient
        elif own is None:
            return missing(q, NONE)
    elif q.root is not None and q.vertex is None:
        return missing(q, f"the gradient is {short(p.grad)}")
    elif q.root is None and p.grad == 0.0:
        return missing(q, "the gradient is 0")
    whole = g
    if at is not None and not isinstance(p, Value):
        g = np.asarray(g)[at]
    if not math.isfinite(total(g)):
        return no_number(q, f"the gradient {holds(g)}")
    if q.root is not None and not math.isfinite(total(value_of(q.root))):
        return no_number(q, f"the gradient is {describe(g)}, of a loss of {short(total(value_of(q.root)))}")
    if biggest(g) <= EPSILON * max(1.0, biggest(value_of(p))) or at is not None and not biggest(g):
        return zero(q, f"the gradient is {describe(g)}", at)
    return wrong_size(q) or fine(q, whole)


def fine(q: Question, g: Any) -> Explanation:
    weight, what = size_of(value_of(q.p)), "the weights" if np.ndim(g) else "the number"
    ratio = f", {short(size_of(g) / weight)} times that of {what}" if weight else ""
    evidence = [f"its norm is {short(size_of(g))}{ratio}"]
    if np.ndim(g) > 1 and (rows := int((~np.asarray(g).reshape(len(g), -1).any(1)).sum())):
        evidence.append(f"{rows} of its {len(g)} rows are 0: explain(p, loss, at=row) says why")
    return say("GE100", q.name, "the gradient is healthy", None, *evidence)


def value_of(x: Any) -> Any:
    return x.data if isinstance(x, Value) else on_host(x)


def total(x: Any) -> float:
    """Not finite if x holds what is not."""
    if hasattr(x, "parts"):
        return sum(total(part) for part in x.parts.values())
    x = np.asarray(on_host(x.sparse) if hasattr(x, "sparse") else x)
    if x.dtype.kind not in "fcV" or x.size == 0:
        return 0.0
    x = x.astype(np.float32) if x.dtype.kind == "V" else x
    if x.size == 1:
        return float(np.abs(x.reshape(-1)[0]))
    return 0.0 if np.isfinite(x).all() else math.nan if np.isnan(x).any() else math.inf


def describe(g: Any) -> str:
    if np.ndim(g) == 0 or np.size(g) == 1:
        return short(float(np.asarray(g).reshape(-1)[0].real))
    big = biggest(g)
    return "zero" if big == 0 else f"nearly zero, at most {short(big)}"


def holds(g: Any) -> str:
    x = np.asarray(g)
    if x.size == 1:
        return f"is {float(x.reshape(-1)[0].real)}"
    nans, infs = int(np.isnan(x).sum()), int(np.isinf(x).sum())
    counts = " and ".join(f"{n:,} {word}" for n, word in ((nans, "NaN"), (infs, "infinite")) if n)
    return f"holds {counts} of {x.size:,} numbers"

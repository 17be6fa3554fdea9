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
from .measure import biggest, describe, holds, size_of, total, value_of
from .missing import missing
from .question import Question
from .sizes import wrong_size
from .zeros import EPSILON, zero

NONE = "the gradient is None"


def diagnose(q: Question, at: Any = None, watched: bool = False) -> Explanation:
    if is_lazy(q.p):
        return say("GE119", q.name, NONE, assigned(q.name, q.frame))
    p, g = q.p, q.gradient
    if np.size(value_of(p)) == 0:
        return say("GE100", q.name, "it is empty, and so is its gradient", None)
    if watched and q.vertex is None:
        return missing(q, NONE if getattr(p, "_grad", None) is None else "this step gives it no gradient")
    if isinstance(p, Tensor):
        own = p._grad
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
        return no_number(q, f"the loss is {total(value_of(q.root))}")
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

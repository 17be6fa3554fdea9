"""How functions are written, and what they are in NumPy: the one table between the operations and the page.

FUNCTIONS   a function that formulas call -> how it is written, and what it computes in float64
DEFINITIONS an operation -> what it computes, as an expression; where there is no row its name stands
OUTPUTS     an operation with several results -> their letters and definitions, in an order that defines before it uses
FORMULAS    a gradient whose own text is no straight line -> the same as an expression
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from . import maths
from .maths import Math, applied, over, raised, root, sign
from .reading import Function, Term
from .shapes import SHAPES, ZERO

ONE = maths.number(1)


def _word(word: str, compute: Callable[..., Any]) -> Function:
    return Function(lambda *xs: applied(word, *[x.math for x in xs]), compute)


def _greek(letter: str, m: Math) -> Math:
    return Math("row", (maths.letter(letter), maths.fenced(m)), "", maths.APPLIED)


def _times(a: Term, b: Term) -> Math:
    if np.ndim(a.value) and np.ndim(b.value):
        whole = _whole(a, b), _whole(b, a)
        return maths.times(*whole, "odot" if whole == (a.math, b.math) else "")
    if b.plain and not a.plain:
        a, b = b, a
    return maths.times(a.math, b.math, "" if maths.has_letters(a.math) or maths.has_letters(b.math) else "*")


def _where(c: Term, a: Term, b: Term) -> Term:
    """A number's condition is decided, an array's becomes Iverson's bracket."""
    if np.ndim(c.value) == 0 and np.ndim(a.value) == 0 and np.ndim(b.value) == 0:
        return a if c.value else b
    value = np.where(c.value, a.value, b.value)
    if c.plain:
        return Term((a if c.value else b).math, value)
    if _guards(c.math):  # a special case, x == 0 say, that did not occur
        if not np.any(c.value):
            return Term(b.math, value)
        if np.all(c.value):
            return Term(a.math, value)
    parts = [
        maths.times(t.math, maths.bracket(m), "odot" if np.ndim(t.value) else "")
        for t, m in ((a, c.math), (b, maths.denied(c.math)))
        if t.math != ZERO
    ]
    return Term(parts[0] if len(parts) == 1 else maths.added(*parts) if parts else ZERO, value)


def _guards(condition: Math) -> bool:
    """Whether a condition is about single points."""
    if condition.kind == "relation":
        return condition.text in ("==", "!=") or any(map(_guards, condition.parts))
    return condition.kind == "row" and condition.parts[0] == Math("function", (), "isnan")


def _whole(t: Term, other: Term) -> Math:
    """How an operand is written: beside an array, a number needs no ones."""
    ones = t.math.kind == "product" and t.math.parts[-1] == sign("one")
    return t.math.parts[0] if ones and np.size(other.value) > 1 and other.math.parts[-1:] != (sign("one"),) else t.math


def _infix(write: Callable[[Math, Math], Math]) -> Callable[[Term, Term], Math]:
    return lambda a, b: write(_whole(a, b), _whole(b, a))


class _Where(Function):
    def __call__(self, *args: Term, **options: Term) -> Term:
        return _where(*args)


# --- functions of all entries ---


def _solve_triangular(a: Any, b: Any, upper: bool = False, unitriangular: bool = False) -> Any:
    a = np.triu(a) if upper else np.tril(a)
    if unitriangular:
        i = np.arange(a.shape[-1])
        a[..., i, i] = 1
    return np.linalg.solve(a, b)


def _inverse(a: Term) -> Math:
    return raised(a.math, maths.number(-1))


def _count(shape: Any, dim: Any) -> int:
    return math.prod(shape if dim is None else [shape[d] for d in dim])


def _erf(x: Any) -> Any:
    return np.vectorize(math.erf, otypes=[float])(x)


def _sigmoid(x: Any) -> Any:
    return 0.5 * (1 + np.tanh(0.5 * np.asarray(x)))


HELPERS: dict[str, Any] = {"count": _count, "math": math}  # for definitions

INFIX: dict[str, Callable[[Term, Term], Math]] = {
    "mul": _times,
    "matmul": lambda a, b: maths.product(a.math, b.math),
    "or": lambda a, b: a.math if not np.any(b.value) else maths.related(a.math, "or", b.math),
    **{
        word: _infix(write)
        for word, write in {
            "add": maths.added,
            "sub": maths.less,
            "div": over,
            "pow": raised,
            "and": lambda a, b: maths.related(a, "and", b),
        }.items()
    },
}
RELATED = {word: _infix(lambda a, b, word=word: maths.related(a, word, b)) for word in maths.OPPOSITE}  # type: ignore[misc]

FUNCTIONS: dict[str, Function] = {
    **{
        word: _word(word, getattr(np, {"asin": "arcsin", "acos": "arccos", "atan": "arctan", "asinh": "arcsinh",
                                       "acosh": "arccosh", "atanh": "arctanh", "atan2": "arctan2"}.get(word, word)))
        for word in "sin cos tan asin acos atan atan2 sinh cosh tanh asinh acosh atanh log log2 log10 log1p exp2 expm1 "
        "sign floor ceil trunc isnan isfinite hypot tril triu".split()
    },
    "tril": Function(lambda x, *_, **__: applied("tril", x.math), lambda x, *_, diagonal=0: np.tril(x, diagonal)),
    "triu": Function(lambda x, *_, **__: applied("triu", x.math), lambda x, *_, diagonal=0: np.triu(x, diagonal)),
    "exp": Function(lambda x: raised(maths.letter("e"), x.math), np.exp),
    "sqrt": Function(lambda x: root(x.math), np.sqrt),
    "rsqrt": Function(lambda x: over(ONE, root(x.math)), lambda x: 1 / np.sqrt(x)),
    "square": Function(lambda x: raised(x.math, maths.number(2)), np.square),
    "reciprocal": Function(lambda x: over(ONE, x.math), lambda x: 1 / np.asarray(x)),
    "abs": Function(lambda x: maths.fenced(x.math, "abs", "abs"), np.abs),
    "sigmoid": Function(lambda x: _greek("sigma", x.math), _sigmoid),
    "erf": _word("erf", _erf),
    "erfc": _word("erfc", lambda x: 1 - _erf(x)),
    "ndtr": Function(
        lambda x: _greek("Phi", x.math),
        lambda x: 0.5 * np.vectorize(math.erfc, otypes=[float])(-np.asarray(x) / math.sqrt(2)),
    ),
    "where": _Where(None, None),  # type: ignore[arg-type]
    "neg": Function(lambda x: maths.negative(x.math), np.negative),
    "positive": Function(lambda x: x.math, np.positive),
    **{
        word: Function(INFIX[word], compute)
        for word, compute in {"add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide,
                              "pow": np.power, "matmul": np.matmul}.items()
    },
    "power": Function(INFIX["pow"], np.power),
    "maximum": _word("max", np.maximum),
    "minimum": _word("min", np.minimum),
    "logaddexp": Function(
        lambda x, y: applied("log", maths.added(raised(maths.letter("e"), x.math), raised(maths.letter("e"), y.math))),
        np.logaddexp,
    ),
    "relu": Function(lambda x: applied("max", x.math, ZERO), lambda x: np.maximum(x, 0)),
    "zero_gradient": Function(lambda x: ZERO, np.zeros_like),
    "zero": Function(lambda x: ZERO, np.zeros_like),
    "conj": Function(lambda x: x.math, lambda x: x),
    **dict.fromkeys(("raw", "whole"), Function(lambda x: x.math, lambda x: x)),
    "astype": Function(lambda x, _: x.math, lambda x, dtype: np.asarray(x).astype(dtype)),
    "any": _word("any", np.any),
    "clone": Function(lambda x, **_: x.math, lambda x, **_: x),
    "variable": Function(lambda x: x.math, lambda x: x),
    "laid_out": Function(lambda x, **_: x.math, lambda x, **_: x),
    "cast": Function(lambda x, **_: x.math, lambda x, **_: x),
    **SHAPES,
    "masked": Function(
        lambda x, causal: applied("mask", x.math) if causal.value else x.math,
        lambda x, causal: np.where(np.tril(np.ones(x.shape[-2:])) == 1, x, -np.inf) if causal else x,
    ),
    "inv": Function(_inverse, np.linalg.inv),
    "solve": Function(lambda a, b: maths.product(_inverse(a), b.math), np.linalg.solve),
    "solve_triangular": Function(lambda a, b, **_: maths.product(_inverse(a), b.math), _solve_triangular),
    "float": Function(lambda x: x.math, float),
    "isinstance": Function(lambda *_: ZERO, isinstance),
    "is_complex_dtype": Function(lambda *_: ZERO, lambda x: np.asarray(x).dtype.kind == "c"),
    "identity": Function(lambda x: maths.letter("I"), lambda x: np.eye(x.shape[-1])),
    "dot": Function(lambda a, b: maths.product(maths.turned(a.math), b.math), np.dot),
}  # fmt: skip

METHODS = {
    "sum": "sum",
    "reshape": "reshape",
    "conj": "conj",
    "astype": "astype",
    "any": "any",
}  # a tensor's method -> the function

CONSTANTS: dict[str, Math] = {  # numbers with a name in the operations
    "LN2": applied("ln", maths.number(2)),
    "LN10": applied("ln", maths.number(10)),
    "ROOT_TWO_PI": root(maths.times(maths.number(2), maths.letter("pi"))),
    "TWO_OVER_ROOT_PI": over(maths.number(2), root(maths.letter("pi"))),
}

DEFINITIONS: dict[str, str] = {
    "linear": "x @ w.mT if b is None else x @ w.mT + b",
    "mean": "sum(x, dim=dim, keepdim=keepdim) / count(x.shape, dim)",
    "sum_all": "sum(x)",
    "var": "sum(square(x - mean(x, dim=dim, keepdim=True)), dim=dim, keepdim=keepdim)"
    " / (count(x.shape, dim) - correction)",
    "std": "sqrt(sum(square(x - mean(x, dim=dim, keepdim=True)), dim=dim, keepdim=keepdim)"
    " / (count(x.shape, dim) - correction))",
    "log_softmax": "x - logsumexp(x, dim=dim, keepdim=True)",
    "nll_total": "-sum(take_flat(x, at) * share)",
    "scale_shift": "x * w + b",
    "silu": "x * sigmoid(x)",
    "gelu": "x * ndtr(x)",
    "leaky_relu": "where(x > 0, x, x * negative_slope)",
    "log_sigmoid": "log(sigmoid(x))",
    "clamp": "maximum(x, low) if high is None else minimum(x if low is None else maximum(x, low), high)",
    "hardtanh": "minimum(maximum(x, low), high)",
    "elu": "where(x > 0, scale * x, scale * alpha * (exp(rate * x) - 1))",
    "softplus": "where(beta * x > threshold, x, log1p(exp(beta * x)) / beta)",
    "binary_cross_entropy_with_logits": "maximum(x, 0) - x * other + log1p(exp(-abs(x)))",
}

OUTPUTS: dict[str, tuple[tuple[str, int, str], ...]] = {
    "attend": (("P", 1, "softmax(masked(q @ k.mT * scale, causal), dim=-1)"), ("O", 0, "P @ v")),
    "standardize": (
        ("mu", 1, "mean(x, dim=dims, keepdim=True)"),
        ("v", 2, "variance(x, dim=dims, keepdim=True)"),
        ("n", 0, "(x - mu) / sqrt(v + eps)"),
    ),
    "qr": (("Q", 0, ""), ("R", 1, "")),
    "eigh": (("lambda", 0, ""), ("V", 1, "")),
    "svd": (("U", 0, ""), ("s", 1, ""), ("V", 2, "")),
    "slogdet": (("s", 0, ""), ("d", 1, "")),
    "unroll": (("H", 0, ""), ("h", 1, ""), ("c", 4, "")),
}

_BACK = "(g[0] @ v.mT if g[1] is None else g[0] @ v.mT + g[1])"  # what arrives at attention's weights
_SCORES = f"({_BACK} * y[1] - y[1] * sum({_BACK} * y[1], dim=(-1,), keepdim=True)) * scale"
FORMULAS: dict[tuple[str, str], str] = {
    ("logcumsumexp", "x"): "exp(x) * cumsum(g * exp(-y), dim=dim, reverse=not reverse)",
    ("attend", "q"): f"{_SCORES} @ k",
    ("attend", "k"): f"({_SCORES}).mT @ q",
    ("attend", "v"): "y[1].mT @ g[0]",
    ("standardize", "x"): "(g[0] - mean(g[0], dim=dims, keepdim=True)"
    " - y[0] * mean(g[0] * y[0], dim=dims, keepdim=True)) / sqrt(y[2] + eps)"
    " if g[1] is None and g[2] is None else unwritten",
}  # fmt: skip

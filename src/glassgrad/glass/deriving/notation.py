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
from .maths import Math, applied, over, raised, root, sign, words
from .reading import Term, index_math


class Function:
    """A function to be written: `write` makes the mathematics of Terms, `compute` the value of values."""

    def __init__(self, write: Callable[..., Math], compute: Callable[..., Any]) -> None:
        self.write, self.compute = write, compute

    def __call__(self, *args: Term, **options: Term) -> Term:
        value = self.compute(*[t.value for t in args], **{key: t.value for key, t in options.items()})
        return Term(self.write(*args, **{k: t.value for k, t in options.items()}), value)


ONE = maths.number(1)
ZERO = maths.number(0)


def _word(word: str, compute: Callable[..., Any]) -> Function:
    return Function(lambda *xs: applied(word, *[x.math for x in xs]), compute)


def _greek(letter: str, m: Math) -> Math:
    return Math("row", (maths.letter(letter), maths.fenced(m)), "", maths.APPLIED)


def _log(m: Math) -> Math:
    return Math("row", (Math("function", (), "log"), m), "", maths.PRODUCT)


def _times(a: Term, b: Term) -> Math:
    if np.ndim(a.value) and np.ndim(b.value):
        return maths.times(_whole(a, b), _whole(b, a), "odot")
    if b.plain and not a.plain:
        a, b = b, a
    return maths.times(a.math, b.math, "" if maths.has_letters(a.math) or maths.has_letters(b.math) else "*")


def _where(c: Term, a: Term, b: Term) -> Term:
    """A number's condition is decided, an array's becomes Iverson's bracket."""
    if np.ndim(c.value) == 0 and np.ndim(a.value) == 0 and np.ndim(b.value) == 0:
        return a if c.value else b
    value = np.where(c.value, a.value, b.value)
    if _guards(c.math):  # a special case, x == 0 say, that did not occur
        if not np.any(c.value):
            return Term(b.math, value)
        if np.all(c.value):
            return Term(a.math, value)
    parts = [
        maths.times(t.math, maths.bracket(m), "odot" if np.ndim(t.value) else "")
        for t, m in ((a, c.math), (b, maths.denied(c.math)))
        if not (t.plain and t.value == 0)
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


# --- shapes ---


def _dims(dim: Any, ndim: int) -> Math | None:
    """The index of a sum over some of the dims."""
    if dim is None or ndim <= 1:
        return None
    dims = dim if isinstance(dim, tuple | list) else (dim,)
    return None if len(dims) == ndim else words(f"dim {', '.join(str(d % ndim) for d in dims)}")


def _axis(dim: Any) -> Any:
    return tuple(dim) if isinstance(dim, list | tuple) else dim


def total(x: Any, dim: Any = None, keepdim: bool = False, keepdims: bool = False) -> Any:
    return np.sum(x, axis=_axis(dim), keepdims=bool(keepdim or keepdims))


def _write_total(x: Term, dim: Any = None, keepdim: Any = False, **_: Any) -> Math:
    if isinstance(dim, Term):
        dim = dim.value
    return maths.summed(x.math, _dims(dim, np.ndim(x.value)))


def spread(g: Any, shape: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """What belongs to a reduction over dim, in the shape from before."""
    g = np.asarray(g)
    if g.ndim and dim is not None and not keepdim:
        g = g.reshape([1 if d in dim else n for d, n in enumerate(shape)])
    return np.broadcast_to(g, shape)


def _write_spread(g: Term, shape: Any, *_: Any, **__: Any) -> Math:
    shape = getattr(shape, "value", shape)
    return g.math if np.size(g.value) > 1 or np.prod(shape) == 1 else maths.product(g.math, sign("one"))


def gathered(g: Any, shape: Any) -> Any:
    """g summed over the dims that broadcasting has added or stretched."""
    g, shape = np.asarray(g), tuple(shape)
    extra = g.ndim - len(shape)
    g = g.sum(axis=tuple(range(extra)))
    return g.sum(axis=tuple(d for d, n in enumerate(shape) if n == 1 and g.shape[d] != 1), keepdims=True)


def _write_gathered(g: Term, shape: Any) -> Math:
    shape, had = tuple(getattr(shape, "value", shape)), np.shape(g.value)
    if shape == had:
        return g.math
    extra = len(had) - len(shape)
    dims = [*range(extra), *(d + extra for d, n in enumerate(shape) if n == 1 and had[d + extra] != 1)]
    return maths.summed(g.math, _dims(dims, len(had)))


def _write_reshape(x: Term, *shape: Any, **options: Any) -> Math:
    return x.math if np.ndim(x.value) == 0 or options.get("shape") == np.shape(x.value) else applied("reshape", x.math)


def _reshape(x: Any, *args: Any, shape: Any = None, **_: Any) -> Any:
    return np.reshape(x, args[0] if args and isinstance(args[0], tuple) else args if args else shape)


def _write_permute(x: Term, dims: Any) -> Math:
    n, dims = np.ndim(x.value), getattr(dims, "value", dims)
    plain_swap = tuple(d % n for d in dims) == (*range(n - 2), n - 1, n - 2) if n >= 2 else False
    return maths.turned(x.math) if plain_swap else applied("permute", x.math, words(str(tuple(dims))))


def _write_transpose(x: Term, dim0: int, dim1: int) -> Math:
    n = np.ndim(x.value)
    last = n >= 2 and {dim0 % n, dim1 % n} == {n - 1, n - 2}
    return maths.turned(x.math) if last else applied("transpose", x.math, words(f"{dim0}, {dim1}"))


def _place(part: Any, shape: Any, at: Any) -> Any:
    out = np.zeros(shape, np.asarray(part).dtype)
    out[at] = part
    return out


def _put_flat(v: Any, at: Any, shape: Any) -> Any:
    out = np.zeros(shape)
    np.add.at(out.reshape(-1), np.asarray(at).reshape(-1), np.broadcast_to(v, np.shape(at)).reshape(-1))
    return out


# --- functions of all entries ---


def softmax(x: Any, dim: Any = -1) -> Any:
    with np.errstate(all="ignore"):
        e = np.exp(x - np.max(x, axis=dim, keepdims=True))
        return e / e.sum(axis=dim, keepdims=True)


def logsumexp(x: Any, dim: Any = None, keepdim: bool = False) -> Any:
    dim = _axis(dim)
    high = np.max(x, axis=dim, keepdims=True)
    high = np.where(np.isfinite(high), high, 0)
    y = np.log(np.exp(x - high).sum(axis=dim, keepdims=True)) + high
    return y if keepdim else np.squeeze(y, axis=dim)


def mean(x: Any, dim: Any = None, keepdim: bool = False) -> Any:
    return np.mean(x, axis=_axis(dim), keepdims=bool(keepdim))


def variance(x: Any, dim: Any = None, keepdim: bool = False) -> Any:
    return np.var(x, axis=_axis(dim), keepdims=bool(keepdim))


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
    "sum": Function(_write_total, total),
    "mean": Function(lambda x, *_, **__: applied("mean", x.math), mean),
    "variance": Function(lambda x, *_, **__: applied("var", x.math), variance),
    "unreduce": Function(_write_spread, spread),
    "expand": Function(_write_spread, spread),
    "sum_to_size": Function(_write_gathered, gathered),
    "fit": Function(_write_gathered, gathered),
    **dict.fromkeys(
        ("reshape", "view", "unsafe_view", "squeeze", "unsqueeze", "flatten"), Function(_write_reshape, _reshape)
    ),
    "permute": Function(_write_permute, lambda x, dims: np.transpose(x, dims)),
    "transpose": Function(_write_transpose, lambda x, dim0, dim1: np.swapaxes(x, dim0, dim1)),
    "t": Function(lambda x: maths.turned(x.math), lambda x: x.T),
    "slice": Function(lambda x, at: maths.below(maths.held(x.math, maths.ATOM), index_math(at)), lambda x, at: x[at]),
    "select": Function(lambda x, at: maths.below(maths.held(x.math, maths.ATOM), index_math(at)), lambda x, at: x[at]),
    "place": Function(lambda p, shape, at: applied("place", p.math, index_math(at)), _place),
    "flip": Function(lambda x, dims: applied("flip", x.math), lambda x, dims: np.flip(x, dims)),
    "roll": Function(lambda x, shifts, dims: applied("roll", x.math, words(str(shifts))),
        lambda x, shifts, dims: np.roll(x, shifts, dims or None)),
    "take_flat": Function(
        lambda x, at: maths.below(maths.held(x.math, maths.ATOM), at.math), lambda x, at: np.reshape(x, -1)[at]
    ),
    "put_flat": Function(
        lambda v, at, shape: maths.times(v.math, maths.bracket(maths.related(maths.letter("i"), "==", at.math))),
        _put_flat,
    ),
    "softmax": Function(lambda x, *_, **__: applied("softmax", x.math), softmax),
    "log_softmax": Function(
        lambda x, *_, **__: _log(applied("softmax", x.math)),
        lambda x, dim=-1: x - logsumexp(x, dim, True),
    ),
    "logsumexp": Function(
        lambda x, dim=None, **_: _log(maths.summed(raised(maths.letter("e"), x.math), _dims(dim, x.value.ndim))),
        logsumexp,
    ),
    "masked": Function(
        lambda x, causal: applied("mask", x.math) if causal.value else x.math,
        lambda x, causal: np.where(np.tril(np.ones(x.shape[-2:])) == 1, x, -np.inf) if causal else x,
    ),
    "inv": Function(_inverse, np.linalg.inv),
    "solve": Function(lambda a, b: maths.product(_inverse(a), b.math), np.linalg.solve),
    "solve_triangular": Function(lambda a, b, **_: maths.product(_inverse(a), b.math), _solve_triangular),
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
    "unroll": (("H", 0, ""),),
}

_BACK = "(g[0] @ v.mT if g[1] is None else g[0] @ v.mT + g[1])"  # what arrives at attention's weights
_SCORES = f"({_BACK} * y[1] - y[1] * sum({_BACK} * y[1], dim=(-1,), keepdim=True)) * scale"
FORMULAS: dict[tuple[str, str], str] = {
    ("attend", "q"): f"{_SCORES} @ k",
    ("attend", "k"): f"({_SCORES}).mT @ q",
    ("attend", "v"): "y[1].mT @ g[0]",
    ("standardize", "x"): "(g[0] - mean(g[0], dim=dims, keepdim=True)"
    " - y[0] * mean(g[0] * y[0], dim=dims, keepdim=True)) / sqrt(y[2] + eps)"
    " if g[1] is None and g[2] is None else unwritten",
}  # fmt: skip

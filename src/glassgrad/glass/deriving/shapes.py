"""How what adds up, moves and joins entries is written, and what it is in NumPy: rows of `notation`'s table."""

from __future__ import annotations

from collections.abc import Callable
from itertools import zip_longest
from typing import Any

import numpy as np

from . import maths
from .maths import Math, applied, raised, sign, words
from .reading import Function, Term, index_math, part_of, plain

ZERO = maths.number(0)
FEW = 4  # results of one operation that have a line each


def _log(m: Math) -> Math:
    return Math("row", (Math("function", (), "log"), m), "", maths.PRODUCT)


def _dims(dim: Any, ndim: int) -> Math | None:
    """The index of a sum over some of the dims."""
    if dim is None or ndim <= 1:
        return None
    dims = dim if isinstance(dim, tuple | list) else (dim,)
    return None if len(dims) == ndim else words(f"dim {', '.join(str(d % ndim) for d in dims)}")


def _axis(dim: Any) -> Any:
    return tuple(dim) if isinstance(dim, list | tuple) else dim


# --- sums and products ---


def total(x: Any, dim: Any = None, keepdim: bool = False, keepdims: bool = False) -> Any:
    return np.sum(x, axis=_axis(dim), keepdims=bool(keepdim or keepdims))


def _write_total(x: Term, dim: Any = None, keepdim: Any = False, **_: Any) -> Math:
    if isinstance(dim, Term):
        dim = dim.value
    return maths.summed(x.math, _dims(dim, np.ndim(x.value)))


def _write_factors(x: Term, dim: Any = None, **_: Any) -> Math:
    return maths.summed(x.math, _dims(dim, np.ndim(x.value)), "prod")


def _write_running(kind: str, how: str = "<=") -> Callable[..., Math]:
    """A sum or product over some of the entries of one dim: those up to i, from i on, all but i."""

    def write(x: Term, dim: Any = 0, reverse: bool = False) -> Math:
        if not np.ndim(x.value):
            return x.math if how != "!=" else maths.number(1)
        over = maths.related(maths.letter("k"), ">=" if reverse else how, maths.letter("i"))
        along = _dims(getattr(dim, "value", dim), np.ndim(x.value))
        return maths.summed(x.math, over if along is None else Math("row", (over, sign(","), along)), kind)

    return write


def _running(ufunc: Any) -> Callable[..., Any]:
    def compute(x: Any, dim: int = 0, reverse: bool = False) -> Any:
        x = np.asarray(x)
        if not x.ndim:
            return x
        return np.flip(ufunc.accumulate(np.flip(x, dim), dim), dim) if reverse else ufunc.accumulate(x, dim)

    return compute


def _others(x: Any, dim: int | None) -> Any:
    """For each entry the product of all others along dim, or of all."""
    x = np.asarray(x)
    if dim is None:
        return _others(x.reshape(-1), 0).reshape(x.shape)
    if not x.ndim:
        return np.ones_like(x)
    return np.stack([np.prod(np.delete(x, i, dim), dim) for i in range(x.shape[dim])], dim) if x.size else x


def _factors(x: Any, dim: Any = None, keepdim: bool = False) -> Any:
    return np.prod(x, axis=_axis(dim), keepdims=bool(keepdim))


def _write_extreme(word: str) -> Callable[..., Math]:
    def write(x: Term, dim: Any = None, **_: Any) -> Math:
        name, along = Math("function", (), word), _dims(dim, np.ndim(x.value))
        head = name if along is None else maths.below(name, along)
        return Math("row", (head, maths.fenced(x.math)), "", maths.APPLIED)

    return write


def _extreme(ufunc: Any) -> Callable[..., Any]:
    return lambda x, dim=None, keepdim=False: ufunc.reduce(x, _axis(dim), keepdims=bool(keepdim))


def _write_norm(x: Term, p: float = 2.0, dim: Any = None, **_: Any) -> Math:
    known = [words("∞" if p == np.inf else f"{p:g}")] if p != 2 else []
    index = [m for m in (*known, _dims(dim, np.ndim(x.value))) if m is not None]
    m = maths.fenced(x.math, "norm", "norm")
    return maths.below(m, words(", ".join(part.text for part in index))) if index else m


def _norm(x: Any, p: float = 2.0, dim: Any = None, keepdim: bool = False) -> Any:
    sizes, options = np.abs(x), {"axis": _axis(dim), "keepdims": bool(keepdim)}
    if not 0 < p < np.inf:
        raise ValueError("a norm with a definition of its own")
    return np.sum(sizes**p, **options) ** (1 / p)


# --- what belongs to the shape from before ---


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


# --- moved ---


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


def _transpose(x: Any, dim0: int, dim1: int) -> Any:
    return np.swapaxes(x, dim0, dim1) if np.ndim(x) else x


def _write_lag(x: Term, dim: Any, by: Any) -> Math:
    """Entry i is entry i - by, or 0 where there is none."""
    return maths.below(maths.held(x.math, maths.ATOM), maths.stepped("i", -getattr(by, "value", by)))


def _lag(x: Any, dim: int, by: int) -> Any:
    n, moved = x.shape[dim], np.zeros_like(x)
    to, come = np.moveaxis(moved, dim, 0), np.moveaxis(x, dim, 0)
    to[max(by, 0) : n + min(by, 0)] = come[max(-by, 0) : n - max(by, 0)]
    return moved


def _place(part: Any, shape: Any, at: Any) -> Any:
    out = np.zeros(shape, np.asarray(part).dtype)
    out[at] = part
    return out


def _put_flat(v: Any, at: Any, shape: Any) -> Any:
    out = np.zeros(shape)
    np.add.at(out.reshape(-1), np.asarray(at).reshape(-1), np.broadcast_to(v, np.shape(at)).reshape(-1))
    return out


# --- parts of a whole, and the whole of its parts ---


class _Taken(Function):
    """Several parts of x at once, each where `ats` says."""

    def __init__(self, ats: Callable[..., list[Any]]) -> None:
        self.ats = ats

    def __call__(self, *args: Term, **options: Term) -> Term:
        x = args[0]
        ats = self.ats(np.shape(x.value), **{key: t.value for key, t in options.items()})
        parts = [Term(part_of(x.math, at), x.value[at]) for at in ats]
        return Term(maths.listed([part.math for part in parts]), tuple(parts))


class _Joined(Function):
    """What arrives at the parts of a whole, put together; 0 where nothing came."""

    def __init__(self) -> None: ...

    def __call__(self, *args: Term, **options: Term) -> Term:
        g, shape, ats = args
        made = np.zeros(shape.value)
        parts = []
        for part, at in zip_longest(g.value[: len(ats.value)], ats.value, fillvalue=plain(None)):
            parts.append(ZERO if part.value is None else part.math)
            if part.value is not None:
                made[at] = part.value
        dim = len(ats.value[0]) - 2  # (:, :, 1:3, …)
        word = "cat" if isinstance(ats.value[0][dim], slice) else "stack"
        return Term(together(word, parts, dim), made)


def together(word: str, parts: list[Math], dim: int) -> Math:
    """cat or stack, and along which dim, if not the first."""
    if word == "cat" and len(parts) == 1:
        return parts[0]
    name = Math("function", (), word)
    head = maths.below(name, words(f"dim {dim}")) if dim else name
    return Math("row", (head, maths.listed(parts, always=True)), "", maths.APPLIED)


def _ranges(shape: Any, ends: Any, dim: int) -> list[Any]:
    starts = (0, *ends[:-1])
    return [((slice(None),) * dim + (slice(a, b), ...)) for a, b in zip(starts, ends, strict=True)]


def _places(shape: Any, dim: int) -> list[Any]:
    return [(slice(None),) * dim + (i, ...) for i in range(shape[dim])]


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


SHAPES: dict[str, Function] = {
    "sum": Function(_write_total, total),
    "prod": Function(_write_factors, _factors),
    "amax": Function(_write_extreme("max"), _extreme(np.maximum)),
    "amin": Function(_write_extreme("min"), _extreme(np.minimum)),
    "vector_norm": Function(_write_norm, _norm),
    "cumsum": Function(_write_running("sum"), _running(np.add)),
    "others": Function(_write_running("prod", "!="), _others),
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
    "transpose": Function(_write_transpose, _transpose),
    "t": Function(lambda x: maths.turned(x.math), lambda x: x.T),
    **dict.fromkeys(("slice", "select"), Function(lambda x, at: part_of(x.math, at), lambda x, at: x[at])),
    "place": Function(lambda p, shape, at: applied("place", p.math, index_math(at)), _place),
    "split": _Taken(_ranges),
    "unbind": _Taken(_places),
    "joined": _Joined(),
    "lag": Function(_write_lag, _lag),
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
    "logcumsumexp": Function(
        lambda x, **options: _log(_write_running("sum")(Term(raised(maths.letter("e"), x.math), x.value), **options)),
        _running(np.logaddexp),
    ),
    "logsumexp": Function(
        lambda x, dim=None, **_: _log(maths.summed(raised(maths.letter("e"), x.math), _dims(dim, x.value.ndim))),
        logsumexp,
    ),
}  # fmt: skip

"""Keyword arguments that every function takes: out=, and NumPy's axis= and keepdims= for dim and keepdim.

A function that does not know one of them raises TypeError; `retry` is called then, so that they cost nothing
where they are not given.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from .backend import xp_of
from .dtypes import can_cast
from .graph import touch
from .modes import is_grad_enabled
from .provenance import warn
from .tensor import Tensor
from .views import cast_error

SYNONYMS = {"axis": "dim", "keepdims": "keepdim"}


def lenient(call: Callable[..., Any]) -> Callable[..., Any]:
    """call, which takes these keywords as well."""

    @functools.wraps(call)
    def public(*args: Any, **options: Any) -> Any:
        try:
            return call(*args, **options)
        except TypeError as problem:
            return retry(problem, call, args, options)

    return public


def retry(problem: TypeError, call: Callable[..., Any], args: Any, options: dict[str, Any]) -> Any:
    """What call gives with the keywords that it knows; the problem again if there is no other among them."""
    known = {SYNONYMS.get(name, name): value for name, value in options.items() if name != "out"}
    if known.keys() == options.keys():
        raise problem
    made = call(*args, **known)
    out = options.get("out")
    return made if out is None else _written(out, made)


def _written(out: Any, made: Any) -> Any:
    """The result, or each of several, written into `out`, which has its dtype."""
    if isinstance(made, tuple):
        if not isinstance(out, tuple | list) or len(out) != len(made):
            raise TypeError(f"out= takes a tuple of {len(made)} tensors, got {type(out).__name__}")
        parts = [_written(o, m) for o, m in zip(out, made, strict=True)]
        return type(made)(*parts) if hasattr(made, "_fields") else tuple(parts)
    if not isinstance(out, Tensor):
        raise TypeError(f"argument 'out' must be Tensor, not {type(out).__name__}")
    if out.array.dtype != made.array.dtype:
        raise RuntimeError(f"Expected out tensor to have dtype {made.dtype}, but got {out.dtype} instead")
    return given(out, made)


def given(out: Tensor | None, made: Tensor) -> Tensor:
    """PyTorch's out= argument: the result is written there; another size is taken on, with a warning."""
    if out is None:
        return made
    if is_grad_enabled() and (made._needs or out._needs):
        raise RuntimeError(
            "functions with out=... arguments don't support automatic differentiation, "
            "but one of the arguments requires grad."
        )
    if not can_cast(made.dtype, out.dtype):
        raise cast_error(made, out)
    shape = made.array.shape
    if out.array.shape != shape:
        if out.array.size:
            warn(
                f"An output with one or more elements was resized since it had shape {list(out.array.shape)}, which "
                f"does not match the required output shape {list(shape)}. Make it so, or empty: out.resize_(0)."
            )
        out.array = xp_of(out.array).empty(shape, out.array.dtype)
    out.array[...] = made.array
    touch(out.version)
    return out

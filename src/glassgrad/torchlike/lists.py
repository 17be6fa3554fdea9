"""torch._foreach_add and its kin, which averages of weights are made with: a method over lists of tensors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..core.tensor import Tensor
from ..ops.matrices import vector_norm

PREFIX = "_foreach_"
SAME = {"maximum": "clamp_min", "minimum": "clamp_max"}  # of a tensor or a number
METHODS = (
    "abs acos add addcdiv addcmul asin atan ceil clamp_max clamp_min clone copy_ cos cosh div erf erfc exp expm1 floor "
    "frac lerp lgamma log log10 log1p log2 max mul neg pow reciprocal round rsqrt sigmoid sign sin sinh sqrt sub tan "
    "tanh trunc zero_"
).split()


def __getattr__(name: str) -> Callable[..., Any]:
    said = name.removeprefix(PREFIX)
    plain = said.removesuffix("_")
    method = SAME.get(plain, plain) + said[len(plain) :]
    if name == said or not {method, method.removesuffix("_")} & {*METHODS}:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def each(tensors: Sequence[Tensor], *args: Any, **kwargs: Any) -> Sequence[Tensor]:
        """The method of every tensor. An argument that is a list has an item for each of them."""
        if not tensors:
            raise RuntimeError("Tensor list must have at least one tensor.")
        if plain in ("addcmul", "addcdiv") and len(args) == 3:
            *args, kwargs["value"] = args  # type: ignore[assignment]
        for given in (*args, *kwargs.values()):
            if isinstance(given, list | tuple) and len(given) != len(tensors):
                raise RuntimeError(
                    f"Tensor lists must have the same number of tensors, got {len(tensors)} and {len(given)}"
                )

        def item(given: Any, k: int) -> Any:
            return given[k] if isinstance(given, list | tuple) else given

        made = tuple(
            getattr(x, method)(*[item(a, k) for a in args], **{key: item(a, k) for key, a in kwargs.items()})
            for k, x in enumerate(tensors)
        )
        return tensors if said.endswith("_") else made

    each.__name__ = each.__qualname__ = name
    return each


def _foreach_norm(tensors: Sequence[Tensor], ord: float = 2, dtype: Any = None) -> tuple[Tensor, ...]:
    return tuple(vector_norm(x, ord, dtype=dtype) for x in tensors)

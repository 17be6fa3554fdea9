"""What views show, as tensors of their own: PyTorch's *_copy functions and its `unsafe` ways to split."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from ..core.tensor import Tensor
from . import parts, shape
from .index import zero_
from .shape import clone

# name of the view: the function that makes it
VIEWS: dict[str, Callable[..., Any]] = {
    "alias": lambda input: input,
    "as_strided": parts.as_strided,
    "detach": lambda input: input.detach(),
    "diagonal": parts.diagonal,
    "expand": shape.expand,
    "narrow": parts.narrow,
    "permute": shape.permute,
    "select": parts.select,
    "split": parts.split,
    "split_with_sizes": parts.split_with_sizes,
    "squeeze": shape.squeeze,
    "t": shape.t,
    "transpose": shape.transpose,
    "unbind": parts.unbind,
    "unfold": parts.unfold,
    "unsqueeze": shape.unsqueeze,
    "view": shape.view,
}

__all__ = [  # noqa: PLE0604 (they are strings)
    *(f"{name}_copy" for name in VIEWS),
    "fill",
    "zero_",
    "unsafe_chunk",
    "unsafe_split",
    "unsafe_split_with_sizes",
]
METHODS: tuple[str, ...] = ("narrow_copy", "unsafe_chunk", "unsafe_split", "unsafe_split_with_sizes")
IN_PLACE: tuple[str, ...] = ()


def _copied(name: str, view: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(view)
    def copy(input: Tensor, *args: Any, **options: Any) -> Any:
        seen = view(input, *args, **options)
        return tuple(clone(x, order="C") for x in seen) if isinstance(seen, tuple | list) else clone(seen, order="C")

    copy.__name__ = copy.__qualname__ = name
    copy.__doc__ = f"{name.removesuffix('_copy')}(), as a copy."
    return copy


for _name, _view in VIEWS.items():
    globals()[f"{_name}_copy"] = _copied(f"{_name}_copy", _view)

unsafe_chunk = _copied("unsafe_chunk", parts.chunk)
unsafe_split = _copied("unsafe_split", parts.split)
unsafe_split_with_sizes = _copied("unsafe_split_with_sizes", parts.split_with_sizes)


def fill(input: Tensor, value: Any) -> Tensor:
    """A tensor like the input, all `value`: a number, or a tensor without dims, which gets the gradient."""
    return clone(input).fill_(value)

"""vmap: a function of one sample, called once for a whole batch. The arrays that do it are in core/batched.py."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from ..core import batched
from ..core.graph import next_number
from ..core.op import enter_batch, leave_batch, record
from ..core.tensor import Tensor
from ..ops.arrange import cat
from . import trees

__all__ = ["vmap"]


def vmap(
    func: Callable[..., Any],
    in_dims: Any = 0,
    out_dims: Any = 0,
    randomness: str = "error",
    *,
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """A function that applies func to every sample along an axis of its arguments, all at once.

    in_dims: the batch axis of each argument, or None for one that all samples share: an int for all, or a structure
    like the arguments'. out_dims: where the batch axis goes in each result. randomness: what a random function inside
    does: "error", "same" for all samples, or "different" for each. chunk_size: how many samples at once.
    Raises ValueError when the sizes of the batch axes differ.
    """
    if randomness not in ("error", "same", "different"):
        raise RuntimeError(f"Only allowed values for randomness are 'error', 'different', or 'same'. Got {randomness}")
    if chunk_size is not None and chunk_size <= 0:
        raise ValueError(f"vmap: chunk_size should be None or greater than 0. (got {chunk_size})")

    @functools.wraps(func)
    def mapped(*args: Any, **kwargs: Any) -> Any:
        leaves, build = trees.flatten(args)
        dims = [_axis(d, x, in_dims) for d, x in zip(_dims_for(in_dims, args), leaves, strict=True)]
        leaves_kw, build_kw = trees.flatten(kwargs)
        every = [*leaves, *leaves_kw]
        axes = [*dims, *[0 if isinstance(x, Tensor) else None for x in leaves_kw]]
        size = _size(every, axes, in_dims)

        def run(items: list[Any], count: int) -> tuple[list[Any], trees.Build]:
            return _run(
                lambda taken: func(*build(taken[: len(leaves)]), **build_kw(taken[len(leaves) :])),
                items, axes, count, out_dims, randomness,
            )  # fmt: skip

        if chunk_size is None or chunk_size >= size:
            results, rebuild = run(every, size)
            return rebuild(results)
        pieces = []
        for start in range(0, size, chunk_size):
            count = min(chunk_size, size - start)
            items = [x if d is None else x.narrow(d, start, count) for x, d in zip(every, axes, strict=True)]
            results, rebuild = run(items, count)
            pieces.append(results)
        wheres = trees.spread(out_dims, rebuild(pieces[0]))
        return rebuild([cat(list(ys), d) for ys, d in zip(zip(*pieces, strict=True), wheres, strict=True)])

    return mapped


def _dims_for(in_dims: Any, args: tuple[Any, ...]) -> list[Any]:
    if not isinstance(in_dims, int | list | tuple):
        raise ValueError(
            f"vmap: expected `in_dims` to be int or a (potentially nested) tuple matching the structure of inputs, "
            f"got: {type(in_dims).__name__}"
        )
    try:
        return trees.spread(tuple(in_dims) if isinstance(in_dims, list) else in_dims, args)
    except ValueError:
        raise ValueError(
            f"vmap: in_dims {in_dims!r} is not compatible with the structure of the {len(args)} inputs"
        ) from None


def _axis(dim: Any, x: Any, in_dims: Any) -> int | None:
    """The batch axis of one argument, from the front."""
    if dim is None:
        return None
    if not isinstance(dim, int):
        raise ValueError(f"vmap: got in_dim={dim!r} in in_dims={in_dims!r}: expected an int or None")
    if not isinstance(x, Tensor):
        if in_dims == 0:  # nobody said that this one is a batch
            raise ValueError(
                f"vmap: got in_dim={dim} for an input of type {type(x).__name__}, which has no axis to map over: "
                "use None as its in_dim"
            )
        raise ValueError(f"vmap: got in_dim={dim} for an input, but the input is of type {type(x).__name__}")
    if not -x.ndim <= dim < x.ndim:
        raise ValueError(
            f"vmap: got in_dim={dim} for some input, but that input is a Tensor of dimensionality {x.ndim}, "
            f"so expected in_dim to satisfy -{x.ndim} <= in_dim < {x.ndim}"
        )
    return dim % x.ndim


def _size(items: list[Any], axes: list[Any], in_dims: Any) -> int:
    sizes = [x.shape[d] for x, d in zip(items, axes, strict=True) if d is not None]
    if not sizes:
        raise ValueError(f"vmap: no input has a batch axis (in_dims={in_dims!r}): there is nothing to map over")
    if len(set(sizes)) > 1:
        raise ValueError(
            "vmap: Expected all tensors to have the same size in the mapped dimension, "
            f"got sizes {sizes} for the mapped dimension"
        )
    return sizes[0]


def _run(
    func: Callable[[list[Any]], Any], items: list[Any], axes: list[Any], size: int, out_dims: Any, randomness: str
) -> tuple[list[Any], trees.Build]:
    level = next_number()
    inside = [
        x if d is None else record(enter_batch.op, (x,), {"dim": d, "level": level, "size": size})
        for x, d in zip(items, axes, strict=True)
    ]
    with batched.vmap_level(level, size, randomness):
        out = func(inside)
    results, rebuild = trees.flatten(out)
    try:
        wheres = trees.spread(tuple(out_dims) if isinstance(out_dims, list) else out_dims, out)
    except ValueError:
        raise ValueError(f"vmap: out_dims {out_dims!r} does not fit the structure of the function's result") from None
    return [_leave(y, d, level, size) for y, d in zip(results, wheres, strict=True)], rebuild


def _leave(y: Any, dim: Any, level: int, size: int) -> Any:
    if not isinstance(y, Tensor):
        raise ValueError(
            f"vmap: the function must only return Tensors, got type {type(y).__name__}. "
            "Did you mean to return torch.tensor(...)?"
        )
    if dim is None:
        if level in batched.levels(y.array):
            raise ValueError("vmap: out_dims says None for a result that differs from sample to sample")
        return y
    n = y.ndim + 1
    if not -n <= dim < n:
        raise IndexError(f"Dimension out of range (expected to be in range of [{-n}, {n - 1}], but got {dim})")
    return record(leave_batch.op, (y,), {"dim": dim % n, "level": level, "size": size})

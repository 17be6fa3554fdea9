"""Max pooling undone, and max pooling over windows of random size: both are a choice of positions, then gather.

Sources: Zeiler, Fergus 2014, arXiv:1311.2901 (unpooling); Graham 2015, arXiv:1412.6071 (fractional pooling).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ..core.backend import Array, xp_of
from ..core.tensor import Tensor
from ..core.titles import titled
from . import autocast
from .create import zeros
from .gather import gather, scatter
from .pool import max_pool2d
from .randoms import rand
from .windows import Sizes, sizes_of

# --- unpooling ---


def _unpooled(size: Sizes, stride: Sizes, padding: Sizes, spatial: Sizes, wanted: Any) -> Sizes:
    """The spatial shape before pooling: `wanted`, or the smallest that fits."""
    least = tuple([(n - 1) * s + k - 2 * p for n, s, k, p in zip(spatial, stride, size, padding, strict=True)])
    if wanted is None:
        given = least
    else:
        given, rank = tuple(wanted), len(size)
        if len(given) == rank + 2:
            given = given[2:]
        if len(given) != rank:
            raise ValueError(
                f"output_size should be a sequence containing {rank} or {rank + 2} elements, "
                f"but it has a length of '{len(given)}'"
            )
        for d, (n, low, s) in enumerate(zip(given, least, stride, strict=True)):
            if not low - s < n < low + s:
                raise ValueError(f'invalid output_size "{given}" (dim {d} must be between {low - s} and {low + s})')
    if min(given) < 0:
        raise ValueError(f"max_unpooling: output_size must contain non-negative spatial dimensions, but got {given}")
    return given


def _max_unpool(name: str, rank: int) -> Callable[..., Tensor]:
    @titled("SqueezeBackward1" if rank == 1 else f"MaxUnpool{rank}DBackward0")
    def unpool(
        input: Tensor, indices: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, output_size: Any = None
    ) -> Tensor:
        s = tuple(input.array.shape)
        size = sizes_of(name, "kernel_size", kernel_size, rank)
        steps = size if stride is None else sizes_of(name, "stride", stride, rank)
        pads = sizes_of(name, "padding", padding, rank)
        if len(s) not in (rank + 1, rank + 2) or 0 in s[len(s) - rank - 1 :]:
            raise RuntimeError(
                f"{name}(): Expected input to be {rank + 1}D or {rank + 2}D with non-zero size for non-batch "
                f"dimensions, but got {list(s)}"
            )
        if indices.array.dtype != "int64":
            raise RuntimeError(f"elements in indices should be type int64 but got: {indices.dtype}")
        if indices.array.shape != s:
            raise RuntimeError(
                f"Expected shape of indices to be same as that of the input tensor ({list(s)}) but got indices "
                f"tensor with shape: {list(indices.array.shape)}"
            )
        if min(steps) <= 0:
            raise RuntimeError(f"{name}: strides should be greater than zero, but got stride: {steps}")
        shape, lead = _unpooled(size, steps, pads, s[len(s) - rank :], output_size), s[: len(s) - rank]
        at, room = indices.array, math.prod(shape)
        if at.size and (at.min() < 0 or at.max() >= room):
            raise RuntimeError(
                f"Found an invalid max index: {at.min() if at.min() < 0 else at.max()} (output volumes are of size "
                f"{'x'.join(map(str, shape))})"
            )
        flat = (*lead, math.prod(s[len(s) - rank :]))
        empty = zeros(*lead, room, dtype=input.dtype, device=input.device)
        return scatter(empty, -1, indices.reshape(*flat), input.reshape(*flat)).reshape(*lead, *shape)

    unpool.__name__ = unpool.__qualname__ = name
    unpool.__doc__ = f"""Each element put back where max_pool{rank}d took it from, zeros elsewhere; batched or not.

    input, indices (N, C, *spatial): what max_pool{rank}d(..., return_indices=True) gives, the indices int64.
    -> (N, C, *output_size), by default (spatial - 1) stride + kernel_size - 2 padding; output_size, less than a
    stride away from that, tells apart the shapes which pooling makes equal.
    Raises ValueError for another output_size, RuntimeError where shapes don't fit or an index is out of range.
    """
    return unpool


max_unpool1d, max_unpool2d, max_unpool3d = (_max_unpool(f"max_unpool{n}d", n) for n in (1, 2, 3))


def max_pool2d_with_indices(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = True,
) -> Any:
    """max_pool2d and the positions of the maxima."""
    return max_pool2d(input, kernel_size, stride, padding, dilation, ceil_mode, True)


# --- fractional pooling ---


def _starts(samples: Array, n: int, m: int, k: int) -> Array:
    """Where m windows of k among n elements begin, for each sample in [0, 1): (..., m)."""
    xp, u = xp_of(samples), samples[..., None]
    made = xp.full((*samples.shape, m), n - k, "int64")
    if m > 1:
        step = samples.dtype.type((n - k) / (m - 1))
        i = xp.arange(m - 1).astype(samples.dtype)
        made[..., :-1] = ((i + u) * step).astype("int64") - (u * step).astype("int64")
    return made


def _fractional_max_pool(name: str, rank: int) -> Callable[..., Any]:
    order = (1, 0) if rank == 2 else (0, 1, 2)  # which of the samples belongs to which dim, as in PyTorch
    strict = rank == 3  # PyTorch asks for one element more there

    @titled(f"FractionalMaxPool{rank}DBackward0")
    def pool(
        input: Tensor,
        kernel_size: Any,
        output_size: Any = None,
        output_ratio: Any = None,
        return_indices: bool = False,
        _random_samples: Tensor | None = None,
    ) -> Any:
        s = tuple(input.array.shape)
        if output_size is None and output_ratio is None:
            raise ValueError(f"{name} requires specifying either an output_size or an output_ratio")
        if len(s) not in (rank + 1, rank + 2) or 0 in s[len(s) - rank - 1 :]:
            raise RuntimeError(
                f"{name}: Expected {rank + 1}D or {rank + 2}D tensor with non-zero sizes for non-batch dimensions, "
                f"but got {list(s)}"
            )
        spatial, lead = s[len(s) - rank :], s[: len(s) - rank]
        size = sizes_of(name, "kernel_size", kernel_size, rank)
        if output_size is None:
            if len(output_ratio) != rank:
                raise ValueError(f"{name} requires output_ratio to have {rank} numbers, got {output_ratio}")
            output_size = [int(n * r) for n, r in zip(spatial, output_ratio, strict=True)]
        out = sizes_of(name, "output_size", output_size, rank)
        for n, m, k in zip(spatial, out, size, strict=True):
            if m + k - 1 > n - strict:
                raise RuntimeError(f"{name}(): pool size {k} too large relative to input size {n} for {m} windows")
        batch = lead if len(lead) == 2 else (1, *lead)
        samples = rand(*batch, rank, dtype=input.dtype) if _random_samples is None else _random_samples
        if samples.array.shape[:1] < batch[:1] or samples.array.shape[1:] != (batch[1], rank):
            raise RuntimeError(f"{name}: Expected _random_samples of {(*batch, rank)}, got {samples.shape}")
        samples = samples[: batch[0]]
        xp: Any = xp_of(input.array)
        at: Any = 0
        for d, (n, m, k) in enumerate(zip(spatial, out, size, strict=True)):
            rows = _starts(samples.array[..., order[d]], n, m, k)[..., None] + xp.arange(k)  # (N, C, m, k)
            ones = [1] * (rank - 1 - d)
            at = at * n + rows.reshape(*batch, *[1] * d, m, *ones, *[1] * d, k, *ones)
        at = at.reshape(*batch, math.prod(out), math.prod(size))
        flat = input.array.reshape(*batch, math.prod(spatial))
        seen = xp.take_along_axis(flat, at.reshape(*batch, math.prod(out) * math.prod(size)), 2).reshape(at.shape)
        best = xp.take_along_axis(at, seen.argmax(-1)[..., None], 3)[..., 0].reshape(*lead, math.prod(out))
        found = Tensor._of(best)
        y = gather(input.reshape(*lead, math.prod(spatial)), -1, found).reshape(*lead, *out)
        return (y, found.reshape(*lead, *out)) if return_indices else y

    pool.__name__ = pool.__qualname__ = name
    pool.__doc__ = f"""The largest element of windows that begin at random, evenly spread; {rank} spatial dims.

    input (N, C, *spatial), batched or not -> (N, C, *output_size), or floor(spatial * output_ratio). The same seed
    gives PyTorch's windows; _random_samples (N, C, {rank}) in [0, 1) decides instead.
    return_indices as max_pool{rank}d. ValueError without a size or ratio, RuntimeError where the windows don't fit.
    """
    return pool


fractional_max_pool2d = _fractional_max_pool("fractional_max_pool2d", 2)
fractional_max_pool3d = _fractional_max_pool("fractional_max_pool3d", 3)


autocast.attach(__name__)

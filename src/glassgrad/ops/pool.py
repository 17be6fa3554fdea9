"""Pooling: the largest or the mean element of every window, and resampling a dim with them.

Max pooling is a choice per window, kept as one small number: the position in the window. Given the choices it is
linear: `pick_window` takes the chosen elements, its adjoint `put_window` puts gradients back there.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from operator import truediv
from typing import Any

from ..core.backend import Array, xp_of
from ..core.batched import room, samplewise
from ..core.errors import told
from ..core.half import half_in_float32
from ..core.op import op
from ..core.tensor import Tensor
from ..core.titles import titled
from .arithmetic import div
from .index import index
from .shape import unsqueeze
from .windows import Pads, Sizes, grown, inside, padded, places, reach, sizes_of, taps

__all__ = [
    "adaptive_avg_pool1d", "adaptive_max_pool1d", "avg_pool1d", "max_pool1d", "max_pool2d", "max_pool3d",
]  # fmt: skip
METHODS: tuple[str, ...] = ()
IN_PLACE: tuple[str, ...] = ()


# --- the largest element of a window ---


SHUT = 128  # beside the position of a maximum that is not above 0: a ReLU in front lets no gradient through there


def _choice_dtype(size: Sizes) -> str:
    return "uint8" if math.prod(size) <= SHUT else "int64"


def _positions(choice: Array) -> Array:
    return choice & xp_of(choice).uint8(SHUT - 1) if choice.itemsize == 1 else choice


@op
def max_pool(x: Array, choice: Array, *, size: Sizes, stride: Sizes, padding: Pads, dilation: Sizes) -> Array:
    """(N, C, *spatial) -> (N, C, *out); `choice` (N, C, *out) is filled with each maximum's position in its window,
    plus SHUT where it is small numbers and the maximum is not above 0.

    The first of equals wins, NaN wins over numbers. Padding never does: it is the lowest value of the dtype.
    """
    xp = xp_of(x)
    spatial, low = x.shape[2:], None
    if any(map(any, padding)):
        low = -math.inf if x.dtype.kind in "fV" else xp.iinfo(x.dtype).min
        x = padded(x, padding, low)
    parts = [x[tap] for tap in taps(size, stride, dilation, choice.shape[2:])]
    y = parts[0].copy(order="C")
    choice[...] = 0
    for k, part in enumerate(parts[1:], 1):
        part = xp.ascontiguousarray(part)
        better = xp.greater(part, y)
        if x.dtype.kind in "fV":
            better |= part != part
        xp.maximum(y, part, out=y)
        xp.copyto(choice, k, where=better) if choice.itemsize > 1 else xp.maximum(
            choice, better.view("uint8") * xp.uint8(k), out=choice
        )
    if low is not None and (lost := y == low).any():  # the first that isn't padding
        first = xp.empty((1, 1, *choice.shape[2:]), choice.dtype)
        max_pool.op.forward(
            xp.ones((1, 1, *spatial)), first, size=size, stride=stride, padding=padding, dilation=dilation
        )
        xp.copyto(choice, first, where=lost)
    if choice.itemsize == 1:
        xp.bitwise_or(choice, (y <= 0).view("uint8") * xp.uint8(SHUT), out=choice)
    return y


@op(jvp="linear")
def pick_window(x: Array, choice: Array, *, size: Sizes, stride: Sizes, padding: Pads, dilation: Sizes) -> Array:
    """(N, C, *spatial), (N, C, *out) -> (N, C, *out): the element at the given position of each window."""
    x, at = padded(x, padding), _positions(choice)
    y = xp_of(x).zeros(at.shape, x.dtype)
    for k, tap in enumerate(taps(size, stride, dilation, at.shape[2:])):
        xp_of(x).copyto(y, x[tap], where=at == k)
    return y


@op(jvp="linear")
def put_window(
    g: Array, choice: Array, *, shape: Sizes, size: Sizes, stride: Sizes, padding: Pads, dilation: Sizes
) -> Array:
    """(N, C, *out), (N, C, *out) -> (N, C, *shape): g added at the given position of each window."""
    made = xp_of(g).zeros((*g.shape[:2], *grown(shape, padding)), g.dtype)
    at = _positions(choice)
    apart = all(s >= r for s, r in zip(stride, reach(size, dilation), strict=True))
    for k, tap in enumerate(taps(size, stride, dilation, g.shape[2:])):
        if apart:
            xp_of(g).multiply(g, at == k, out=made[tap])
        else:
            made[tap] += g * (at == k)
    return made[inside(shape, padding)]


max_pool.vjp(
    x=lambda g, x_shape, choice, size, stride, padding, dilation: put_window(
        g, choice, shape=x_shape[2:], size=size, stride=stride, padding=padding, dilation=dilation
    ),
    choice=None,
)
pick_window.vjp(
    x=lambda g, x_shape, choice, size, stride, padding, dilation: put_window(
        g, choice, shape=x_shape[2:], size=size, stride=stride, padding=padding, dilation=dilation
    ),
    choice=None,
)
put_window.vjp(
    g=lambda g, choice, size, stride, padding, dilation: pick_window(
        g, choice, size=size, stride=stride, padding=padding, dilation=dilation
    ),
    choice=None,
)


@max_pool.jvp
def _(primals: Any, tangents: Any, y: Any, **options: Any) -> Any:
    return pick_window(tangents[0], primals[1], **options)


# --- the sum of a window ---


@op(jvp="linear")
@half_in_float32
def window_sum(x: Array, *, size: Sizes, stride: Sizes, padding: Pads) -> Array:
    """(..., *spatial) -> (..., *out)."""
    x = padded(x, padding)
    out = places(x.shape[x.ndim - len(size) :], size, stride, (1,) * len(size))
    xp = xp_of(x)
    made = None
    for tap in taps(size, stride, (1,) * len(size), out):
        made = x[tap].copy(order="C") if made is None else xp.add(made, x[tap], out=made)
    return made


@op(jvp="linear")
@half_in_float32
def window_spread(g: Array, *, shape: Sizes, size: Sizes, stride: Sizes, padding: Pads) -> Array:
    """(..., *out) -> (..., *shape): every element added to all of its window."""
    lead = g.ndim - len(size)
    made = xp_of(g).zeros((*g.shape[:lead], *grown(shape, padding)), g.dtype)
    for tap in taps(size, stride, (1,) * len(size), g.shape[lead:]):
        made[tap] += g
    return made[inside(shape, padding)]


window_sum.vjp(
    x=lambda g, x_shape, size, stride, padding: window_spread(
        g, shape=x_shape[-len(size) :], size=size, stride=stride, padding=padding
    )
)
window_spread.vjp(g=lambda g, size, stride, padding: window_sum(g, size=size, stride=stride, padding=padding))


# --- the public functions ---


def _by(shape: tuple[int, ...]) -> str:
    """1x28x28: the channels and the pixels, as PyTorch writes them, of one sample."""
    return "x".join(map(str, (*[1] * (3 - len(shape)), *shape)[-3:]))


def _layout(
    name: str, rank: int, x: Tensor, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool
) -> tuple[dict[str, Any], Sizes]:
    """The canonical options, and the padding that the user asked for (ceil_mode adds to the far ends)."""
    shape = x.array.shape
    if len(shape) not in (rank + 1, rank + 2) or 0 in shape[len(shape) - rank - 1 :]:
        if len(shape) not in (rank + 1, rank + 2) and rank > 1:
            raise told(RuntimeError(f"non-empty {rank + 1}D or {rank + 2}D (batch mode) tensor expected for input"))
        raise RuntimeError(
            f"{'max_pool1d: ' if rank == 1 else ''}Expected {rank + 1}D or {rank + 2}D (batch mode) tensor with "
            f"optional 0 dim batch size for input, but got:{list(shape)}"
        )
    size = sizes_of(name, "kernel_size", kernel_size, rank)
    steps = size if stride is None or stride == () else sizes_of(name, "stride", stride, rank)
    pads, gaps = sizes_of(name, "padding", padding, rank), sizes_of(name, "dilation", dilation, rank)
    if 0 in steps:
        raise RuntimeError(f"{name}: stride should not be zero, got {steps}")
    if min(size) <= 0 or min(gaps) <= 0 or min(steps) < 0:
        raise RuntimeError(
            f"{name}: kernel size, stride and dilation should be greater than zero, got {size}, {steps}, {gaps}"
        )
    if min(pads) < 0:
        raise RuntimeError(f"{name}: pad must be non-negative, but got pad: {min(pads)}")
    spans, spatial = reach(size, gaps), shape[len(shape) - rank :]
    if any(p > (r if gaps[0] > 1 else k) // 2 for p, k, r in zip(pads, size, spans, strict=True)):
        raise RuntimeError(
            f"{name}: pad should be at most half of effective kernel size, "
            f"but got pad={pads}, kernel_size={size} and dilation={gaps}"
        )
    both, out = [], []
    for n, r, s, p in zip(spatial, spans, steps, pads, strict=True):
        room = n + 2 * p - r
        k = (room + s - 1 if ceil_mode else room) // s + 1
        if ceil_mode and (k - 1) * s >= n + p:
            k -= 1  # the last window starts inside the input or its near padding
        out.append(k)
        both.append((p, max(p, (k - 1) * s + r - n - p)))
    if min(out) < 1:
        raise RuntimeError(
            f"Given input size: ({_by(shape)}). Calculated output size: ({_by((*shape[:-rank], *out))}). "
            "Output size is too small"
        )
    return {"size": size, "stride": steps, "padding": tuple(both), "dilation": gaps}, pads


def _batched(name: str, x: Any, rank: int) -> tuple[Tensor, bool]:
    if not isinstance(x, Tensor):
        raise TypeError(f"{name}(): argument 'input' must be Tensor, not {type(x).__name__}")
    alone = x.array.ndim == rank + 1
    return (unsqueeze(x, dim=0), True) if alone else (x, False)


def flat_positions(choice: Array, spatial: Sizes, options: dict[str, Any]) -> Array:
    """Positions in windows as positions in the flattened unpadded input, int64: what return_indices gives."""
    xp = xp_of(choice)
    made: Any = 0
    rest = _positions(choice).astype("int64")
    coordinates = []
    for k in reversed(options["size"]):
        coordinates.append(rest % k)
        rest = rest // k
    rows = zip(
        spatial, choice.shape[2:], options["stride"], options["padding"], options["dilation"], reversed(coordinates),
        strict=True,
    )  # fmt: skip
    for i, (n, out, s, (near, _), d, at) in enumerate(rows):
        start = (xp.arange(out) * s - near).reshape(-1, *[1] * (len(spatial) - 1 - i))
        made = made * n + at * d + start
    return made


def _shown(kind: str, rank: int, more: str = "") -> Any:
    """Under which name PyTorch shows a pool over that many dims."""
    return titled(f"{kind}{rank}D{more}Backward0" if rank > 1 else "SqueezeBackward1")


def _max_pool(name: str, rank: int) -> Callable[..., Any]:
    @_shown("MaxPool", rank, "WithIndices")
    def pool(
        input: Tensor,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
        return_indices: bool = False,
    ) -> Any:
        x, alone = _batched(name, input, rank)
        options, _ = _layout(name, rank, input, kernel_size, stride, padding, dilation, ceil_mode)
        spatial = x.array.shape[2:]
        out = places(grown(spatial, options["padding"]), options["size"], options["stride"], options["dilation"])
        choice = room(x.array, (*x.array.shape[:2], *out), _choice_dtype(options["size"]))
        y = max_pool(x, choice, **options)
        y = y.squeeze(0) if alone else y
        if not return_indices:
            return y
        at = Tensor._of(flat_positions(choice, spatial, options))
        return y, at.squeeze(0) if alone else at

    pool.__name__ = pool.__qualname__ = name
    pool.__doc__ = f"""The largest element of each window, over {rank} spatial dim{"s" * (rank > 1)}; batched or not.

    input (N, C, *spatial) -> (N, C, *out), out = (spatial + 2 padding - dilation (kernel - 1) - 1) // stride + 1,
    rounded up with ceil_mode. stride is kernel_size unless given. The first of equals gets the gradient.
    return_indices: also the positions in the flattened spatial dims, int64.
    Raises RuntimeError where the window doesn't fit, or the padding is more than half of it.
    """
    return pool


_max_pools = {n: _max_pool(f"max_pool{n}d", n) for n in (1, 2, 3)}
max_pool1d, max_pool2d, max_pool3d = _max_pools.values()


def towards_zero(y: Tensor, divisor: Tensor | int) -> Tensor:
    """Integers divided and rounded towards zero."""
    return div(y, divisor, rounding_mode="trunc")


def _avg_pool(name: str, rank: int) -> Callable[..., Tensor]:
    @_shown("AvgPool", rank)
    def pool(
        input: Tensor,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> Tensor:
        if divisor_override == 0:
            raise RuntimeError(f"{name}: divisor must be not zero")
        x, alone = _batched(name, input, rank)
        options, asked = _layout(name, rank, input, kernel_size, stride, padding, 1, ceil_mode)
        del options["dilation"]
        scale = divisor_override or math.prod(options["size"])
        y = window_sum(x, **options)
        divide = truediv if y.array.dtype.kind in "fV" else towards_zero  # integers stay integers, as in PyTorch
        if (
            divisor_override
            or all(a == b or b == p for (a, b), p in zip(options["padding"], asked, strict=True))
            and (count_include_pad or not any(asked))
        ):
            y = divide(y, scale)
        else:
            y = divide(y, Tensor._of(_counts(x.array, options, asked if count_include_pad else (0,) * rank)))
        return y.squeeze(0) if alone else y

    pool.__name__ = pool.__qualname__ = name
    pool.__doc__ = f"""The mean of each window, over {rank} spatial dim{"s" * (rank > 1)}; batched or not.

    input (N, C, *spatial) -> (N, C, *out), out = (spatial + 2 padding - kernel) // stride + 1, rounded up with
    ceil_mode. stride is kernel_size unless given. Padding counts as zeros, or not at all (count_include_pad=False);
    what ceil_mode adds never counts. divisor_override: divide the sums by this.
    Raises RuntimeError where the window doesn't fit, or the padding is more than half of it.
    """
    return pool


def _counts(x: Array, options: dict[str, Any], counted: Sizes) -> Array:
    """(*out): how many elements of each window count: those of the input and of `counted` padding on each side."""
    spatial = x.shape[2:]
    ones = xp_of(x).ones(grown(spatial, [(p, p) for p in counted]), x.dtype)  # type: ignore[arg-type]
    rest = tuple([(a - p, b - p) for (a, b), p in zip(options["padding"], counted, strict=True)])
    return window_sum(ones, size=options["size"], stride=options["stride"], padding=rest)


_avg_pools = {n: _avg_pool(f"avg_pool{n}d", n) for n in (1, 2, 3)}
avg_pool2d, avg_pool3d = _avg_pools[2], _avg_pools[3]


def avg_pool1d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    return _avg_pools[1](input, kernel_size, stride, padding, ceil_mode, count_include_pad)


avg_pool1d.__doc__ = (_avg_pools[1].__doc__ or "").replace(" divisor_override: divide the sums by this.", "")


def _lp_pool(name: str, rank: int) -> Callable[..., Tensor]:
    def pool(input: Tensor, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> Tensor:
        if norm_type in (math.inf, -math.inf):
            sign = 1 if norm_type > 0 else -1
            return sign * _max_pools[rank](sign * input.abs(), kernel_size, stride, ceil_mode=ceil_mode)
        mean = _avg_pools[rank](input**norm_type, kernel_size, stride, 0, ceil_mode)
        n = math.prod(sizes_of(name, "kernel_size", kernel_size, rank))
        return (mean.sign() * mean.abs().relu() * n) ** (1.0 / norm_type)

    pool.__name__ = pool.__qualname__ = name
    pool.__doc__ = f"""(sum of x^p over each window)^(1/p), p = norm_type; shapes as avg_pool{rank}d."""
    return pool


lp_pool1d, lp_pool2d, lp_pool3d = (_lp_pool(f"lp_pool{n}d", n) for n in (1, 2, 3))


# --- adaptive: window i of m covers [floor(i n / m), ceil((i + 1) n / m)) ---


def _targets(name: str, x: Any, output_size: Any, rank: int) -> tuple[Tensor, bool, Sizes]:
    if not isinstance(x, Tensor):
        raise TypeError(f"{name}(): argument 'input' must be Tensor, not {type(x).__name__}")
    shape = tuple(x.array.shape)
    wanted = tuple(output_size) if isinstance(output_size, (tuple, list)) else (output_size,) * rank
    if len(wanted) != rank:
        raise RuntimeError(
            f"{name}(): output_size must be {rank}: 'output_size' should contain "
            f"{'one int' if rank == 1 else f'{rank} ints'}, got {list(wanted)}"
        )
    if rank > 1 and len(shape) <= rank and not isinstance(output_size, int):
        raise ValueError(f"Input dimension should be at least {rank + 1}, got {name} of {list(shape)}")
    if len(shape) not in (rank + 1, rank + 2):
        raise RuntimeError(f"{name}(): Expected {rank + 1}D or {rank + 2}D tensor, but got {list(shape)}")
    x, alone = _batched(name, x, rank)
    spatial = x.array.shape[2:]
    out = tuple([n if m is None else int(m) for m, n in zip(wanted, spatial, strict=True)])
    if min(out) < 0 or 0 in (spatial if "avg" in name else x.array.shape[1:]):
        raise RuntimeError(
            f"{name}(): Expected input to have non-zero size for non-batch dimensions and elements of output_size "
            f"to be greater than or equal to 0, but input has sizes {list(shape)} and output_size is {list(wanted)}"
        )
    return x, alone, out


def bounds(n: int, m: int) -> list[tuple[int, int]]:
    return [(i * n // m, -(-(i + 1) * n // m)) for i in range(m)]


def along(x: Any, matrix: Array, dim: int) -> Any:
    """The matrix (m, n) applied to dim `dim` of x, which has n elements there."""
    m = Tensor._of(matrix)
    if dim == x.array.ndim - 1:
        return x @ m.mT
    return (x.transpose(dim, -1) @ m.mT).transpose(dim, -1)


def mean_matrix(n: int, m: int, like: Array) -> Array:
    """(m, n): row i holds 1 / length on window i."""
    made = xp_of(like).zeros((m, n), like.dtype)
    for i, (a, b) in enumerate(bounds(n, m)):
        made[i, a:b] = 1 / (b - a)
    return made


def ones(size: Any) -> bool:
    return set(size if isinstance(size, (tuple, list)) else (size,)) == {1}


def _adaptive_avg(name: str, rank: int) -> Callable[..., Tensor]:
    usual = f"AdaptiveAvgPool{rank}DBackward0"

    def title(input: Tensor, output_size: Any) -> str:
        return "SqueezeBackward1" if rank == 1 else "MeanBackward1" if ones(output_size) else usual

    @titled(title)
    def pool(input: Tensor, output_size: Any) -> Tensor:
        x, alone, out = _targets(name, input, output_size, rank)
        spatial = x.array.shape[2:]
        if 0 not in out and all(n % m == 0 for n, m in zip(spatial, out, strict=True)):
            y = _avg_pools[rank](x, tuple([n // m for n, m in zip(spatial, out, strict=True)]))
        else:
            y = x
            for d, (n, m) in enumerate(zip(spatial, out, strict=True)):
                y = along(y, mean_matrix(n, m, x.array), 2 + d)
            y = y.contiguous()
        return y.squeeze(0) if alone else y

    pool.__name__ = pool.__qualname__ = name
    pool.__doc__ = f"""The means of windows that cover the input evenly, {rank} spatial dim{"s" * (rank > 1)}.

    input (N, C, *spatial), batched or not -> (N, C, *output_size); window i of m covers
    [floor(i n / m), ceil((i + 1) n / m)). An entry None of output_size keeps that dim.
    """
    return pool


adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d = (
    _adaptive_avg(f"adaptive_avg_pool{n}d", n) for n in (1, 2, 3)
)


@samplewise
def _looked_up(table: Array, at: Array) -> Array:
    return table[at]


def _adaptive_max(name: str, rank: int) -> Callable[..., Any]:
    @_shown("AdaptiveMaxPool", rank)
    def pool(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
        x, alone, out = _targets(name, input, output_size, rank)
        xp, spatial = xp_of(x.array), x.array.shape[2:]
        size, taken = [], []
        for d, (n, m) in enumerate(zip(spatial, out, strict=True)):
            ends = bounds(n, m)
            widest = max([b - a for a, b in ends], default=1)
            # Shorter windows repeat their last element, which can't come first among equals.
            at = xp.asarray([[min(i, b - 1) for i in range(a, a + widest)] for a, b in ends], "int64").reshape(-1)
            x = index(x, Tensor._of(at), dims=(2 + d,))
            size.append(widest)
            taken.append(at)
        y, where = _POOLS[rank](x, tuple(size), return_indices=True)
        y = y.squeeze(0) if alone else y
        if not return_indices:
            return y
        flat: Any = 0
        for d, at in enumerate(xp.unravel_index(where.array, x.array.shape[2:])):
            flat = flat * spatial[d] + _looked_up(taken[d], at)
        found = Tensor._of(flat)
        return y, found.squeeze(0) if alone else found

    pool.__name__ = pool.__qualname__ = name
    pool.__doc__ = f"""The largest elements of windows that cover the input evenly; {rank} spatial dims.

    Shapes as adaptive_avg_pool{rank}d; return_indices as max_pool{rank}d.
    """
    return pool


_POOLS = {1: max_pool1d, 2: max_pool2d, 3: max_pool3d}
adaptive_max_pool1d, adaptive_max_pool2d, adaptive_max_pool3d = (
    _adaptive_max(f"adaptive_max_pool{n}d", n) for n in (1, 2, 3)
)

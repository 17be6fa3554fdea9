"""Sliding windows, and convolution as one matrix product per image.

x (N, C, *spatial), w (O, C / groups, *kernel) -> (N, O, *out), out = (spatial + padding - reach) // stride + 1,
where reach = dilation * (kernel - 1) + 1.

The windows of one image are the columns of a matrix (C * prod(kernel), L), times w (O, C * prod(kernel)). At stride
1, columns are taken at every position of the flattened image from the first to the last: one kernel element is then
one run of memory, copied (and added back) without short rows. The few columns that cross an image's edge are dropped.
Columns are made for some images at a time, so that they stay in the cache (a fifth faster than all at once), and
again for the backward pass: copying is a tenth of the product, and keeping them would hold prod(kernel) times the
input.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

from ..core.backend import Array, xp_of
from ..core.dtypes import in_c, title_of
from ..core.errors import told
from ..core.half import half_in_float32
from ..core.op import op
from ..core.tensor import Tensor
from ..core.titles import title
from .arrange import pad
from .reduce import sum as sum_over
from .shape import unsqueeze

__all__ = ["conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d"]
METHODS: tuple[str, ...] = ()
IN_PLACE: tuple[str, ...] = ()

BLOCK = 1 << 20  # bytes of columns at a time

Sizes = tuple[int, ...]
Pads = tuple[tuple[int, int], ...]


# --- where windows lie ---


def reach(size: Sizes, dilation: Sizes) -> Sizes:
    """From the first element of a window to the last, inclusive."""
    return tuple([d * (k - 1) + 1 for k, d in zip(size, dilation, strict=True)])


def places(spatial: Sizes, size: Sizes, stride: Sizes, dilation: Sizes) -> Sizes:
    """How many windows fit in each dim."""
    return tuple([(n - r) // s + 1 for n, r, s in zip(spatial, reach(size, dilation), stride, strict=True)])


def grown(spatial: Sizes, padding: Pads) -> Sizes:
    return tuple([n + a + b for n, (a, b) in zip(spatial, padding, strict=True)])


def padded(x: Array, padding: Pads, value: float = 0.0) -> Array:
    """x with `value` around its spatial dims; x itself if there is nothing to add."""
    if not any(map(any, padding)):
        return x
    lead = x.shape[: x.ndim - len(padding)]
    spatial = x.shape[len(lead) :]
    shape = (*lead, *grown(spatial, padding))
    xp = xp_of(x)
    made = xp.full(shape, value, x.dtype) if value else xp.zeros(shape, x.dtype)
    made[inside(spatial, padding)] = x
    return made


def inside(spatial: Sizes, padding: Pads) -> tuple[Any, ...]:
    """The index that takes the padding away again."""
    return (..., *[slice(a, a + n) for n, (a, _) in zip(spatial, padding, strict=True)])


def taps(size: Sizes, stride: Sizes, dilation: Sizes, out: Sizes) -> Iterator[tuple[Any, ...]]:
    """For each element of the kernel the index of what it meets: a strided part of the padded input."""
    for at in product(*map(range, size)):
        starts = [k * d for k, d in zip(at, dilation, strict=True)]
        yield (..., *[slice(b, b + s * (n - 1) + 1, s) for b, s, n in zip(starts, stride, out, strict=True)])


def strided(x: Array, size: Sizes, stride: Sizes, dilation: Sizes, out: Sizes) -> Array:
    """(..., *spatial) -> (..., *size, *out), a view."""
    lead, steps = x.ndim - len(size), x.strides[x.ndim - len(size) :]
    inner = [b * d for b, d in zip(steps, dilation, strict=True)]
    outer = [b * s for b, s in zip(steps, stride, strict=True)]
    shape = (*x.shape[:lead], *size, *out)
    return xp_of(x).lib.stride_tricks.as_strided(x, shape, (*x.strides[:lead], *inner, *outer))


# --- windows and their adjoint ---


@op(jvp="linear")
def windows(x: Array, *, size: Sizes, stride: Sizes, padding: Pads, dilation: Sizes) -> Array:
    """(..., *spatial) -> (..., *size, *out): every window of the padded input."""
    x = padded(x, padding)
    out = places(x.shape[x.ndim - len(size) :], size, stride, dilation)
    return strided(x, size, stride, dilation, out).copy()


@op(jvp="linear")
def overlap_add(w: Array, *, shape: Sizes, stride: Sizes, padding: Pads, dilation: Sizes) -> Array:
    """(..., *size, *out) -> (..., *shape): windows added where they lie; what lies in the padding is dropped."""
    rank = len(shape)
    size, out, lead = w.shape[-2 * rank : -rank], w.shape[-rank:], w.shape[: -2 * rank]
    made = xp_of(w).zeros((*lead, *grown(shape, padding)), w.dtype)
    parts = w.reshape(*lead, math.prod(size), *out)
    for k, tap in enumerate(taps(size, stride, dilation, out)):
        made[tap] += parts[(*[slice(None)] * len(lead), k)]
    return made[inside(shape, padding)]


windows.vjp(
    x=lambda g, x_shape, stride, padding, dilation: overlap_add(
        g, shape=x_shape[-len(stride) :], stride=stride, padding=padding, dilation=dilation
    )
)
overlap_add.vjp(
    w=lambda g, w_shape, stride, padding, dilation: windows(
        g, size=w_shape[-2 * len(stride) : -len(stride)], stride=stride, padding=padding, dilation=dilation
    )
)


# --- the columns of convolution ---


class Columns:
    """The layout of the columns: `rows` is the grid they are taken on, of which `out` is the used part."""

    def __init__(self, spatial: Sizes, size: Sizes, stride: Sizes, dilation: Sizes) -> None:
        self.spatial = spatial
        self.size, self.stride, self.dilation = size, stride, dilation
        self.out = places(self.spatial, size, stride, dilation)
        self.dense = set(stride) == {1} and min(self.out) > 0
        self.rows = (self.out[0], *self.spatial[1:]) if self.dense else self.out
        self.pitch = [math.prod(self.spatial[i + 1 :]) for i in range(len(size))]
        last = sum([(n - 1) * p for n, p in zip(self.out, self.pitch, strict=True)])
        self.length = last + 1 if self.dense else math.prod(self.out)
        self.used = (..., *[slice(n) for n in self.out])

    def blocks(self, n: int, channels: int, like: Array) -> Iterator[tuple[slice, Array]]:
        """Some images at a time, with room for their columns (images, channels, *size, *window positions)."""
        inner = (channels, *self.size, *([self.length] if self.dense else self.out))
        step = min(max(1, BLOCK // max(1, math.prod(inner) * like.itemsize)), max(n, 1))
        room = xp_of(like).empty((step, *inner), like.dtype)
        for i in range(0, n, step):
            yield slice(i, i + step), room[: min(step, n - i)]

    def fill(self, room: Array, x: Array) -> Array:
        """The columns of images x (n, C, *spatial), whose memory is in order, put into room."""
        if self.dense:
            steps = [p * d * x.itemsize for p, d in zip(self.pitch, self.dilation, strict=True)]
            view = xp_of(x).lib.stride_tricks.as_strided(x, room.shape, (*x.strides[:2], *steps, x.itemsize))
        else:
            view = strided(x, self.size, self.stride, self.dilation, self.out)
        room[...] = view
        return room

    def matrix(self, room: Array, groups: int) -> Array:
        """Columns as (n, groups, C / groups * prod(size), length)."""
        n, c = room.shape[:2]
        return room.reshape(n, groups, c // groups * math.prod(self.size), self.length)

    def back(self, room: Array, made: Array) -> None:
        """The adjoint of fill: columns are added to the images `made`, (n, C, *spatial) and in order."""
        n, c = room.shape[:2]
        if not self.dense:
            parts = room.reshape(n, c, math.prod(self.size), *self.out)
            for k, tap in enumerate(taps(self.size, self.stride, self.dilation, self.out)):
                made[tap] += parts[:, :, k]
            return
        parts = room.reshape(n, c, math.prod(self.size), self.length)
        flat = made.reshape(n, c, math.prod(self.spatial))
        for k, at in enumerate(product(*map(range, self.size))):
            start = sum([i * d * p for i, d, p in zip(at, self.dilation, self.pitch, strict=True)])
            flat[..., start : start + self.length] += parts[:, :, k]

    def wide(self, g: Array, groups: int) -> Array:
        """(N, O, *out) on the grid of the columns, zero where it isn't used: (N, groups, O / groups, length)."""
        n, o = g.shape[:2]
        if self.rows != self.out:
            made = xp_of(g).zeros((n, o, *self.rows), g.dtype)
            made[self.used] = g
            g = made
        return g.reshape(n, groups, o // groups, math.prod(self.rows))[..., : self.length]

    def empty(self, n: int, groups: int, o: int, like: Array) -> tuple[Array, Array]:
        """Room for a product: as (N, groups, o, length), and what is used of it, (N, groups * o, *out)."""
        made = xp_of(like).empty((n, groups, o, math.prod(self.rows)), like.dtype)
        return made[..., : self.length], made.reshape(n, groups * o, *self.rows)[self.used]


# --- convolution: three operations, each the gradient of the others ---


@op(jvp=None)
@half_in_float32
def convolution(
    x: Array, w: Array, b: Array | None = None, *, stride: Sizes, padding: Pads, dilation: Sizes, groups: int
) -> Array:
    """(N, C, *spatial), (O, C / groups, *size), (O,) -> (N, O, *out)."""
    xp, o = xp_of(x), w.shape[0]
    x = xp.ascontiguousarray(padded(x, padding))
    columns = Columns(x.shape[2:], w.shape[2:], stride, dilation)
    y, used = columns.empty(x.shape[0], groups, o // groups, x)
    rows = w.reshape(groups, o // groups, -1)
    for at, room in columns.blocks(x.shape[0], x.shape[1], x):
        xp.matmul(rows, columns.matrix(columns.fill(room, x[at]), groups), out=y[at])
    if b is not None:
        return xp.add(used, b.reshape(o, *[1] * len(stride)))
    return xp.ascontiguousarray(used)


@op(jvp="multilinear")
@half_in_float32
def convolution_input(
    grad: Array, w: Array, *, shape: Sizes, stride: Sizes, padding: Pads, dilation: Sizes, groups: int
) -> Array:
    """(N, O, *out), (O, C / groups, *size) -> (N, C, *shape): what convolution's input gets, and its transpose."""
    xp, (o, c), n = xp_of(grad), w.shape[:2], grad.shape[0]
    columns = Columns(grown(shape, padding), w.shape[2:], stride, dilation)
    g, rows = columns.wide(grad, groups), w.reshape(groups, o // groups, -1).swapaxes(1, 2)
    made = xp.zeros((n, c * groups, *columns.spatial), grad.dtype)
    for at, room in columns.blocks(n, c * groups, grad):
        xp.matmul(rows, g[at], out=columns.matrix(room, groups))
        columns.back(room, made[at])
    return xp.ascontiguousarray(made[inside(shape, padding)]) if any(map(any, padding)) else made


@op(jvp="multilinear")
@half_in_float32
def convolution_weight(
    x: Array, grad: Array, *, size: Sizes, stride: Sizes, padding: Pads, dilation: Sizes, groups: int
) -> Array:
    """(N, C, *spatial), (N, O, *out) -> (O, C / groups, *size)."""
    xp = xp_of(x)
    x = xp.ascontiguousarray(padded(x, padding))
    columns = Columns(x.shape[2:], size, stride, dilation)
    g, made = columns.wide(grad, groups), None
    for at, room in columns.blocks(x.shape[0], x.shape[1], x):
        each = g[at] @ columns.matrix(columns.fill(room, x[at]), groups).swapaxes(2, 3)
        part = xp.add.reduce(each, 0)  # (groups, O / groups, C / groups * prod(size))
        made = part if made is None else xp.add(made, part, out=made)
    shape = (grad.shape[1], x.shape[1] // groups, *size)
    return xp.zeros(shape, x.dtype) if made is None else made.reshape(shape)


convolution.vjp(
    x=lambda g, w, x_shape, stride, padding, dilation, groups: convolution_input(
        g, w, shape=x_shape[2:], stride=stride, padding=padding, dilation=dilation, groups=groups
    ),
    w=lambda g, x, w_shape, stride, padding, dilation, groups: convolution_weight(
        x, g, size=w_shape[2:], stride=stride, padding=padding, dilation=dilation, groups=groups
    ),
    b=lambda g, stride: sum_over(g, dim=(0, *range(2, 2 + len(stride)))),
)
convolution_input.vjp(
    grad=lambda g, w, stride, padding, dilation, groups: convolution(
        g, w, stride=stride, padding=padding, dilation=dilation, groups=groups
    ),
    w=lambda g, grad, w_shape, stride, padding, dilation, groups: convolution_weight(
        g, grad, size=w_shape[2:], stride=stride, padding=padding, dilation=dilation, groups=groups
    ),
)
convolution_weight.vjp(
    x=lambda g, grad, x_shape, stride, padding, dilation, groups: convolution_input(
        grad, g, shape=x_shape[2:], stride=stride, padding=padding, dilation=dilation, groups=groups
    ),
    grad=lambda g, x, stride, padding, dilation, groups: convolution(
        x, g, stride=stride, padding=padding, dilation=dilation, groups=groups
    ),
)


@convolution.jvp
def _(primals: Any, tangents: Any, y: Any, **options: Any) -> Any:
    (x, w, *_), (dx, dw, *db) = primals, tangents
    parts = []
    if dx is not None:
        parts.append(convolution(dx, w, **options))
    if dw is not None:
        parts.append(convolution(x, dw, **options))
    if db and db[0] is not None:
        parts.append(y * 0 + db[0].reshape(-1, *[1] * (len(y.shape) - 2)))
    return sum(parts[1:], parts[0])


# --- the public functions ---


def sizes_of(name: str, what: str, value: Any, rank: int) -> Sizes:
    """An int, or one for each dim, as a tuple; RuntimeError for another number of them."""
    found = (value,) if isinstance(value, int) or hasattr(value, "__index__") else tuple(value)
    if len(found) not in (1, rank):
        raise RuntimeError(
            f"{name}: expected {what} to be a single integer value or a list of {rank} values to match the "
            f"dimensions, but got {what}={list(found)}"
        )
    found = tuple([int(n) for n in found])
    return found * rank if len(found) == 1 else found


def same_padding(padding: str, size: Sizes, stride: Sizes, dilation: Sizes) -> Pads:
    if padding == "valid":
        return ((0, 0),) * len(size)
    if padding != "same":
        raise RuntimeError(f"Invalid padding string: {padding!r}; expected 'same' or 'valid'")
    if set(stride) != {1}:
        raise RuntimeError("padding='same' is not supported for strided convolutions")
    return tuple([((r - 1) // 2, r // 2) for r in reach(size, dilation)])


def _options(name: str, rank: int, size: Sizes, stride: Any, padding: Any, dilation: Any) -> dict[str, Any]:
    """Stride, padding and dilation checked and in canonical form."""
    steps = sizes_of(name, "stride", stride, rank)
    gaps = sizes_of(name, "dilation", dilation, rank)
    if min(steps) <= 0:
        raise RuntimeError(f"{name}: non-positive stride is not supported, got {steps}")
    if min(gaps) <= 0:
        raise RuntimeError(f"{name}: dilation should be greater than zero, got {gaps}")
    if isinstance(padding, str):
        pads = same_padding(padding, size, steps, gaps)
    else:
        pads = tuple([(p, p) for p in sizes_of(name, "padding", padding, rank)])
        if min(pads)[0] < 0:
            raise RuntimeError(f"{name}: negative padding is not supported, got {padding}")
    return {"stride": steps, "padding": pads, "dilation": gaps}


def _check(name: str, rank: int, x: Tensor, w: Tensor, b: Tensor | None, groups: int, transposed: bool) -> None:
    """What holds for a convolution and its transpose alike, on an input with a batch dim."""
    tensor: Any
    for tensor in (x, w) if b is None else (x, w, b):
        if not isinstance(tensor, Tensor):
            at = (
                "'input' (position 1)"
                if tensor is x
                else "'weight' (position 2)"
                if tensor is w
                else "'bias' (position 3)"
            )
            raise told(TypeError(f"{name}(): argument {at} must be Tensor, not {type(tensor).__name__}"))
    s, t = list(x.array.shape), list(w.array.shape)
    if len(s) not in (rank + 1, rank + 2):
        raise told(
            RuntimeError(
                f"Expected {rank + 1}D (unbatched) or {rank + 2}D (batched) input to {name}, but got input of size: {s}"
            )
        )
    if len(t) != rank + 2:
        raise RuntimeError(f"{name}: expected {rank + 2}-dimensional weight (out, in / groups, *kernel), got {t}")
    if groups <= 0:
        raise RuntimeError(f"{name}: non-positive groups is not supported, got {groups}")
    if t[0] % groups:
        raise RuntimeError(
            f"Given groups={groups}, expected weight to be divisible by {groups} at dimension 0, "
            f"but got weight of size {t} instead"
        )
    channels, wanted, o = s[-rank - 1], t[0] if transposed else t[1] * groups, t[1] * groups if transposed else t[0]
    if channels != wanted:
        raise told(
            RuntimeError(
                f"Given {'transposed=1' if transposed else f'groups={groups}'}, weight of size {t}, expected input{s} "
                f"to have {wanted} channels, but got {channels} channels instead"
            )
        )
    if b is not None and b.array.shape != (o,):
        raise RuntimeError(
            f"Given weight of size {t}, expected bias to be 1-dimensional with {o} elements, "
            f"but got bias of size {list(b.array.shape)} instead"
        )
    for other in (w, b):
        if other is not None and other.array.dtype != x.array.dtype:
            said = (
                f"expected scalar type {title_of(x)} but found {title_of(w)}"
                if b is None
                else f"Input type ({in_c(x)}) and bias type ({in_c(b)}) should be the same"
            )
            raise told(RuntimeError(said))


def _conv(name: str, rank: int) -> Callable[..., Tensor]:
    def conv(
        input: Tensor,
        weight: Tensor,
        bias: Tensor | None = None,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
    ) -> Tensor:
        _check(name, rank, input, weight, bias, groups, False)
        if input.array.ndim == rank + 1:
            return conv(unsqueeze(input, dim=0), weight, bias, stride, padding, dilation, groups).squeeze(0)
        size, spatial = weight.array.shape[2:], input.array.shape[2:]
        options = _options(name, rank, size, stride, padding, dilation)
        room = grown(spatial, options["padding"])
        if any(r > n for r, n in zip(reach(size, options["dilation"]), room, strict=True)):
            raise RuntimeError(
                f"Calculated padded input size per channel: {_by(room)}. Kernel size: "
                f"{_by(reach(size, options['dilation']))}. Kernel size can't be greater than actual input size"
            )
        if bias is None:
            return convolution(input, weight, groups=groups, **options)
        return convolution(input, weight, bias, groups=groups, **options)

    conv.__name__ = conv.__qualname__ = name
    conv.__doc__ = f"""Cross-correlation over {rank} spatial dim{"s" * (rank > 1)}, batched or not.

    input (N, C, *spatial), weight (O, C / groups, *kernel), bias (O,) -> (N, O, *out),
    out = (spatial + 2 padding - dilation (kernel - 1) - 1) // stride + 1.
    stride, padding, dilation: an int, or one for each dim; padding may be "valid" (0) or "same" (out = spatial).
    Raises RuntimeError where shapes or dtypes don't fit, or the kernel is larger than the padded input.
    """
    return conv


def _conv_transpose(name: str, rank: int) -> Callable[..., Tensor]:
    def conv_transpose(
        input: Tensor,
        weight: Tensor,
        bias: Tensor | None = None,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        groups: int = 1,
        dilation: Any = 1,
    ) -> Tensor:
        _check(name, rank, input, weight, bias, groups, True)
        if input.array.ndim == rank + 1:
            batch = unsqueeze(input, dim=0)
            made = conv_transpose(batch, weight, bias, stride, padding, output_padding, groups, dilation)
            return made.squeeze(0)
        size, spatial = weight.array.shape[2:], input.array.shape[2:]
        options = _options(name, rank, size, stride, padding, dilation)
        extra = sizes_of(name, "output_padding", output_padding, rank)
        steps, gaps = options["stride"], options["dilation"]
        if any(e < 0 or e >= max(s, d) for e, s, d in zip(extra, steps, gaps, strict=True)):
            raise RuntimeError(
                "output padding must be smaller than either stride or dilation, "
                f"but got output_padding {extra}, stride {steps}, dilation {gaps}"
            )
        shape = tuple(
            [
                (n - 1) * s + r + e - a - b
                for n, s, r, e, (a, b) in zip(spatial, steps, reach(size, gaps), extra, options["padding"], strict=True)
            ]
        )
        if min(shape) <= 0:
            raise RuntimeError(
                f"Given input size per channel: {_by(spatial)}. Calculated output size per channel: {_by(shape)}. "
                "Output size is too small"
            )
        late = [max(e - b, 0) if e >= s else 0 for e, s, (_, b) in zip(extra, steps, options["padding"], strict=True)]
        if any(e >= s for e, s in zip(extra, steps, strict=True)):  # room for one more window, which isn't there
            less = [e if e >= s else 0 for e, s in zip(extra, steps, strict=True)]
            options["padding"] = tuple([(a, max(b - e, 0)) for (a, b), e in zip(options["padding"], less, strict=True)])
            shape = tuple([n - e for n, e in zip(shape, late, strict=True)])
        made = convolution_input(input, weight, shape=shape, groups=groups, **options)
        if any(late):
            made = pad(made, [n for e in reversed(late) for n in (0, e)])
        return title(made if bias is None else made + bias.reshape(-1, *[1] * rank), "ConvolutionBackward0")

    conv_transpose.__name__ = conv_transpose.__qualname__ = name
    conv_transpose.__doc__ = f"""The transpose of conv{rank}d, as a linear map of its input; batched or not.

    input (N, C, *spatial), weight (C, O / groups, *kernel), bias (O,) -> (N, O, *out),
    out = (spatial - 1) stride - 2 padding + dilation (kernel - 1) + output_padding + 1.
    Raises RuntimeError where shapes or dtypes don't fit.
    """
    return conv_transpose


def _by(sizes: Sizes) -> str:
    return f"({' x '.join(map(str, sizes))})"


conv1d, conv2d, conv3d = (_conv(f"conv{n}d", n) for n in (1, 2, 3))
conv_transpose1d, conv_transpose2d, conv_transpose3d = (_conv_transpose(f"conv_transpose{n}d", n) for n in (1, 2, 3))

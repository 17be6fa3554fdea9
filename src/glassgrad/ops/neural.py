"""Softmax and linear layers."""

from __future__ import annotations

import math
from typing import Any

from ..core.backend import Array, ndarray, xp_of
from ..core.dtypes import in_c, title_of
from ..core.errors import told
from ..core.half import half_in_float32
from ..core.op import op
from ..core.provenance import warn
from ..core.tensor import Tensor
from ..core.titles import title
from .arithmetic import exp
from .linalg import matmul_
from .reduce import sum as sum_over
from .shape import permute, reshape, sum_to_size, wrap

__all__ = ["_softmax_backward_data", "bilinear", "log_softmax", "softmax"]
METHODS: tuple[str, ...] = ("log_softmax", "softmax")
IN_PLACE: tuple[str, ...] = ()


# --- softmax ---


@op
@half_in_float32
def softmax_(x: Array, *, dim: int) -> Array:
    xp = xp_of(x)
    y = xp.subtract(x, xp.maximum.reduce(x, dim, None, None, True, -math.inf))
    xp.exp(y, out=y)
    y /= xp.add.reduce(y, dim, None, None, True)
    return y


@op
@half_in_float32
def log_softmax_(x: Array, *, dim: int) -> Array:
    xp = xp_of(x)
    y = xp.subtract(x, xp.maximum.reduce(x, dim, None, None, True, -math.inf))
    y -= xp.log(xp.add.reduce(xp.exp(y), dim, None, None, True))
    return y


def softmax_slope(g: Any, y: Any, dim: int) -> Any:
    t = g * y
    return t - y * sum_over(t, dim=(dim,), keepdim=True)


softmax_.vjp(x=softmax_slope)
log_softmax_.vjp(x=lambda g, y, dim: g - exp(y) * sum_over(g, dim=(dim,), keepdim=True))


@softmax_.jvp
def _(primals: Any, tangents: Any, y: Any, *, dim: int) -> Any:
    return softmax_slope(tangents[0], y, dim)  # the Jacobian is symmetric


@log_softmax_.jvp
def _(primals: Any, tangents: Any, y: Any, *, dim: int) -> Any:
    t = tangents[0]
    return t - sum_over(exp(y) * t, dim=(dim,), keepdim=True)


def _along(call: Any, name: str, input: Any, dim: int | None, dtype: Any) -> Tensor:
    if not isinstance(input, Tensor):
        raise TypeError(f"{name}(): argument 'input' must be Tensor, not {type(input).__name__}")
    x = input if dtype is None else input.to(dtype)
    ndim = x.array.ndim
    if x.array.dtype.kind not in "fV":
        last = "_lastdim" if name == "log_softmax" or dim in (-1, ndim - 1) else ""
        raise told(
            NotImplementedError(f"\"{name}{last}_kernel_impl\" not implemented for '{title_of(x)}'"),
            "convert with .float(), or give dtype=",
        )
    if dim is None:  # the choice of PyTorch's deprecated default
        dim = 0 if ndim in (0, 1, 3) else 1
        text = f"Implicit dimension choice for {name} has been deprecated."
        warn(f"{text} Change the call to include dim=X as an argument.")
    dim = wrap(dim, ndim)
    return call(x, dim=dim) if ndim else call(x.reshape(1), dim=dim).reshape(())


def softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """exp(x) / sum(exp(x)) along dim, without overflow; same shape.

    dtype: convert to it first. Raises NotImplementedError for integers, IndexError if there is no such dim.

    >>> softmax(tensor([0.0, 0.0]), dim=0)
    tensor([0.5000, 0.5000])
    """
    return _along(softmax_, "softmax", input, dim, dtype)


def log_softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """x - log(sum(exp(x))) along dim, without overflow or cancellation; same shape. Errors as softmax."""
    return _along(log_softmax_, "log_softmax", input, dim, dtype)


def softmin(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """softmax(-x) along dim."""
    return softmax(-input, dim, dtype=dtype)


def _softmax_backward_data(grad_output: Tensor, output: Tensor, dim: int, input_dtype: Any) -> Tensor:
    """The gradient of softmax from its output: y (g - sum(g y)) along dim, in the input's dtype."""
    return softmax_slope(grad_output, output, wrap(dim, output.array.ndim)).to(input_dtype)


# --- linear ---


@op
@half_in_float32
def linear_(x: Array, w: Array, b: Array | None = None) -> Array:
    """(..., I), (O, I), (O,) -> (..., O), as one product of matrices."""
    y = (x if x.ndim == 2 else x.reshape(math.prod(x.shape[:-1]), x.shape[-1])) @ w.T
    if b is not None:
        y += b
    return y if x.ndim == 2 else y.reshape(*x.shape[:-1], w.shape[0])


def _rows(x: Any) -> Any:
    return x if x.ndim == 2 else reshape(x, shape=(math.prod(x.shape[:-1]), x.shape[-1]))


linear_.op.analytic = True
linear_.vjp(
    x=lambda g, w: linear_(g, permute(w, dims=(1, 0))),
    w=lambda g, x: matmul_(permute(_rows(g), dims=(1, 0)), _rows(x)),
    b=lambda g: sum_to_size(g, shape=tuple(g.shape[-1:])),
)


@linear_.jvp
def _(primals: Any, tangents: Any, y: Any) -> Any:
    (x, w, *_), (dx, dw, *db) = primals, tangents
    parts = []
    if dx is not None:
        parts.append(linear_(dx, w))
    if dw is not None:
        parts.append(linear_(x, dw))
    if db and db[0] is not None:
        parts.append(y * 0 + db[0])
    return sum(parts[1:], parts[0])


def _misfit(s: tuple[int, ...], w: tuple[int, ...]) -> str:
    """PyTorch's sentence where an input and a weight are not of one inner size."""
    if not s or not w:
        return f"both arguments to linear need to be at least 1D, but they are {len(s)}D and {len(w)}D"
    if len(w) > 2:
        return f"t() expects a tensor with <= 2 dimensions, but self is {len(w)}D"
    rows, k = math.prod(s[:-1]), s[-1]
    if len(w) == 1:
        return f"size mismatch, got input ({rows}), mat ({rows}x{k}), vec ({w[0]})"
    return f"mat1 and mat2 shapes cannot be multiplied ({rows}x{k} and {w[1]}x{w[0]})"


def _two_kinds(x: Tensor, w: Tensor, b: Tensor | None) -> str:
    """PyTorch's sentence where the dtypes are not one."""
    if b is None:
        return f"expected m1 and m2 to have the same dtype, but got: {in_c(x)} != {in_c(w)}"
    if x.dtype == w.dtype:
        return f"self and mat2 must have the same dtype, but got {title_of(b)} and {title_of(w)}"
    return f"mat1 and mat2 must have the same dtype, but got {title_of(x)} and {title_of(w)}"


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x @ w.T + b: input (..., I), weight (O, I) or (I,), bias (O,) -> (..., O) or (...).

    Raises RuntimeError if the sizes or the dtypes don't fit.
    """
    t: Any
    for t in (input, weight) if bias is None else (input, weight, bias):
        if not isinstance(t, Tensor):
            names = [f"'{n}' (position {i})" for i, n in enumerate(("input", "weight", "bias"), 1)]
            at = next(name for name, x in zip(names, (input, weight, bias), strict=True) if x is t)
            kind = "numpy.ndarray" if isinstance(t, ndarray) else type(t).__name__
            raise told(TypeError(f"linear(): argument {at} must be Tensor, not {kind}"))
    x, w = input.array, weight.array
    if w.ndim not in (1, 2) or x.ndim == 0 or x.shape[-1] != w.shape[-1]:
        raise told(RuntimeError(_misfit(x.shape, w.shape)))
    if x.dtype != w.dtype or (bias is not None and bias.array.dtype != x.dtype):
        raise told(RuntimeError(_two_kinds(input, weight, bias)))
    if w.ndim == 1:
        made = linear_(input, weight.unsqueeze(0)).squeeze(-1)
        return made if bias is None else made + bias
    if bias is None:
        return title(linear_(input, weight), "MmBackward0" if x.ndim == 2 else "UnsafeViewBackward0")
    if bias.array.shape != w.shape[:1]:
        if bias.array.size != 1 or bias.array.ndim > 1:
            target = [math.prod(x.shape[:-1]), w.shape[0]]
            raise told(
                RuntimeError(
                    f"The expanded size of the tensor ({w.shape[0]}) must match the existing size "
                    f"({bias.array.shape[-1]}) at non-singleton dimension 1.  Target sizes: {target}.  "
                    f"Tensor sizes: {list(bias.array.shape)}"
                )
            )
        bias = bias.expand(w.shape[0])
    made = linear_(input, weight, bias)
    return made if x.ndim == 2 else title(made, "ViewBackward0")


def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """y_o = x1 @ W_o @ x2 + b_o: (..., I), (..., J), (O, I, J), (O,) -> (..., O). RuntimeError if sizes don't fit."""
    s, t, w = input1.array.shape, input2.array.shape, weight.array.shape
    if len(s) != len(t):
        raise RuntimeError(f"bilinear(): input dimensions do not match: got {len(s)} and {len(t)}")
    for d, (m, n) in enumerate(zip(s[:-1], t[:-1], strict=True)):
        if m != n:
            raise RuntimeError(f"bilinear(): input batch dimensions do not match at dim {d}: got {m} and {n}")
    for k, (m, n) in enumerate(zip((s[-1], t[-1]), w[1:], strict=True), 1):
        if m != n:
            raise RuntimeError(f"bilinear(): input{k} size does not match weight size: got {m} but expected {n}")
    rows = input1.reshape(-1, s[-1]) @ weight.permute(1, 0, 2).reshape(w[1], w[0] * w[2])  # (B, O J)
    y = (rows.reshape(-1, w[0], w[2]) @ input2.reshape(-1, t[-1], 1)).reshape(*s[:-1], w[0])
    return y if bias is None else y + bias

"""Kernels behind operations: each computes on the arrays it is made for, and gives None for all others, which the
operation's own function then takes. Gradients of gradients never come here: they are recorded as operations."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from . import engine

Kernel = Callable[..., Any]


def faster(name: str | tuple[str, int], function: Kernel) -> Kernel:
    """The kernel of that name, and the function where there is none or it gives None."""
    kernel = KERNELS.get(name)
    if kernel is None:
        return function

    @functools.wraps(function)
    def either(*arrays: Any, **options: Any) -> Any:
        made = kernel(*arrays, **options)
        return function(*arrays, **options) if made is None else made

    return either


def add_paths(registry: dict[str, Any]) -> None:
    """Tell the engine what is done in one go; `registry` has the operations by name."""
    for path, kernel in PATHS.items():
        engine.add_path(tuple(registry[name] for name in path), kernel)


# --- convolution and pooling ---

ONES = ((1, 1), (1, 1))  # stride, dilation


def convolution(x: Any, w: Any, b: Any = None, *, stride: Any, padding: Any, dilation: Any, groups: int) -> Any:
    return engine.convolve(x, w, b, *padding) if groups == 1 and (stride, dilation) == ONES else None


def convolution_input(
    grad: Any, w: Any, *, shape: Any, stride: Any, padding: Any, dilation: Any, groups: int
) -> Any:  # fmt: skip
    """A convolution of the gradient with the kernels turned round."""
    if groups != 1 or (stride, dilation) != ONES:
        return None
    around = [(k - 1 - a, k - 1 - b) for k, (a, b) in zip(w.shape[2:], padding, strict=True)]
    if min(map(min, around)) < 0:
        return None
    turned = w[:, :, ::-1, ::-1].swapaxes(0, 1)
    return engine.convolve(grad, turned.copy(), None, *around)


def convolution_weight(
    x: Any, grad: Any, *, size: Any, stride: Any, padding: Any, dilation: Any, groups: int
) -> Any:  # fmt: skip
    made = engine.convolve_weight(x, grad, size, *padding) if groups == 1 and (stride, dilation) == ONES else None
    return made and made[0]


def _apart(size: Any, stride: Any, padding: Any, dilation: Any) -> bool:
    """Windows of 2 x 2 side by side."""
    return size == stride == (2, 2) and dilation == (1, 1) and padding == ((0, 0), (0, 0))


def max_pool(x: Any, choice: Any, *, size: Any, stride: Any, padding: Any, dilation: Any) -> Any:
    return engine.max_pool(x, choice) if _apart(size, stride, padding, dilation) else None


def put_window(g: Any, choice: Any, *, shape: Any, size: Any, stride: Any, padding: Any, dilation: Any) -> Any:
    return engine.put_window(g, choice, shape, False) if _apart(size, stride, padding, dilation) else None


def sum_(x: Any, *, dim: Any = None, keepdim: bool = False) -> Any:
    return engine.sum_channels(x) if dim == (0, 2, 3) and not keepdim else None


def convolution_slopes(g: Any, kept: Any, *pooled: Any) -> Any:
    """The gradients of weights and bias in one pass over g, or over what it is made of."""
    of_x, of_w, *of_b = kept
    if of_w is None or of_b in ([], [None]) or (pooled and of_x is not None):
        return None
    x, w_shape, stride, padding, dilation, groups = of_w
    if groups != 1 or (stride, dilation) != ONES:
        return None
    made = engine.convolve_weight(x, g, w_shape[2:], *padding, *pooled)
    return made and (None, *made)


def slopes_through_relu(g: Any, of_pool: Any, of_relu: Any) -> Any:
    """What the ReLU's input gets, without the gradient of what lies in between."""
    x_shape, choice, *where = of_pool[0]
    made = engine.put_window(g, choice, x_shape[2:], True) if _apart(*where) else None
    return made if made is None else (made,)


def slopes_through_relu_and_convolution(g: Any, of_pool: Any, of_relu: Any, kept: Any) -> Any:
    """What weights and bias get where the image itself wants nothing."""
    x_shape, choice, *where = of_pool[0]
    return convolution_slopes(g, kept, choice, x_shape[2:]) if _apart(*where) else None


# --- products ---


def matmul_(x: Any, other: Any) -> Any:
    return engine.matmul(x, other)


def linear_(x: Any, w: Any, b: Any = None) -> Any:
    return engine.linear(x, w, b)


# --- rows ---


def _last(x: Any, dim: int) -> bool:
    return dim in (-1, getattr(x, "ndim", 0) - 1)


def softmax_(x: Any, *, dim: int) -> Any:
    return engine.softmax(x) if _last(x, dim) else None


def log_softmax_(x: Any, *, dim: int) -> Any:
    return engine.log_softmax(x) if _last(x, dim) else None


def softmax_slope(g: Any, y: Any, dim: int) -> Any:
    return engine.softmax_slope(g, y) if _last(g, dim) else None


def standardize(x: Any, *, dims: Any, eps: float) -> Any:
    """Over the last dims: layer norm, and group norm as it is computed here."""
    n = x.ndim
    return engine.standardize(x, len(dims), eps) if tuple(dims) == tuple(range(n - len(dims), n)) else None


def standardize_slope(g: Any, x_shape: Any, y: Any, dims: Any, eps: float) -> Any:
    n = len(x_shape)
    if g[0] is None or g[1] is not None or g[2] is not None or tuple(dims) != tuple(range(n - len(dims), n)):
        return None
    return engine.standardize_slope(g[0], y[0], y[2], eps)


def scaled_slope(g: Any, w: Any) -> Any:
    return engine.scale_shift(g, w, None)


def scale_slope(g: Any, x: Any, w_shape: Any) -> Any:
    return engine.sum_rows(g, x, w_shape)


def attend(q: Any, k: Any, v: Any, *, scale: float, causal: bool) -> Any:
    return engine.attend(q, k, v, scale, causal)


def attend_slope(name: str) -> Kernel:
    """One of the three gradients, which are made at once and left for the other two formulas."""

    def slope(g: Any, q: Any, k: Any, v: Any, y: Any, scale: float) -> Any:
        if g.shared is None and g[0] is not None and g[1] is None:
            made = engine.attend_slopes(g[0], q, k, v, y[1], scale)
            g.shared = made and dict(zip("qkv", made, strict=True))
        return g.shared and g.shared[name]

    return slope


def sum_to_size(x: Any, *, shape: Any) -> Any:
    return engine.sum_rows(x, None, shape)


# --- recurrence ---


def unroll(
    x: Any, h0: Any, c0: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, w_hr: Any, *, cell: str, sizes: Any,
    reverse: bool,
) -> Any:  # fmt: skip
    if cell != "lstm" or w_hr is not None or w_hh.dtype != np.float32 or w_hh.size > engine.LSTM_WEIGHTS:
        return None
    gates = engine.linear(x, w_ih, b_ih if b_hh is None else b_ih + b_hh)
    made = None if gates is None else engine.lstm(gates, w_hh, h0, c0, sizes, reverse)
    return made and (*made[:2], gates, *made[2:])


def unroll_back(
    gates: Any, out: Any, kept: Any, g_out: Any, g_h: Any, g_c: Any, h0: Any, c0: Any, w_hh: Any, w_hr: Any, *,
    cell: str, sizes: Any, reverse: bool,
) -> Any:  # fmt: skip
    if cell != "lstm" or w_hr is not None:
        return None
    last = (np.zeros_like(c0) if g is None else g for g in (g_h, g_c))
    return engine.lstm_back(gates, kept, g_out, *last, w_hh, c0, sizes, reverse)


def lstm_step_back(d: Any, *arrays: Any) -> Any:
    slope = engine.lstm_step_back(d, *arrays)
    return None if slope is None else (None, slope, d)


# By operation, or by operation and position of the input that a formula is for. Formulas are called with tensors, too,
# which no kernel takes.
KERNELS: dict[str | tuple[str, int], Kernel] = {
    "convolution": convolution, "convolution_input": convolution_input, "convolution_weight": convolution_weight,
    "max_pool": max_pool, "put_window": put_window, "sum": sum_, "matmul": matmul_, "linear": linear_,
    "gelu": engine.gelu, ("gelu", 0): engine.gelu_slope, "sum_to_size": sum_to_size,
    "softmax": softmax_, ("softmax", 0): softmax_slope, "log_softmax": log_softmax_,
    "standardize": standardize, ("standardize", 0): standardize_slope,
    "scale_shift": engine.scale_shift, ("scale_shift", 0): scaled_slope, ("scale_shift", 1): scale_slope,
    "attend": attend, **{("attend", i): attend_slope(name) for i, name in enumerate("qkv")},
    "unroll": unroll, "unroll_back": unroll_back, "lstm_step": engine.lstm_step, "lstm_step_back": lstm_step_back,
}  # fmt: skip

# What is done in one go on the way back; see native/walk.cpp.
PATHS: dict[tuple[str, ...], Kernel] = {
    ("convolution",): convolution_slopes,
    ("max_pool", "relu"): slopes_through_relu,
    ("max_pool", "relu", "convolution"): slopes_through_relu_and_convolution,
}  # fmt: skip

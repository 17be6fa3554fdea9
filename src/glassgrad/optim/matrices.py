"""Optimizers that know a parameter as a matrix."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from ..core.backend import Array, xp_of
from ..core.tensor import Tensor
from .optimizer import Group, Optimizer

__all__ = ["Adafactor", "Muon"]


class Adafactor(Optimizer):
    """Adam without momentum, whose second moment of a matrix is a row times a column.

    For a matrix (.., m, n) with w = n^beta2_decay in step n: r <- r + w (mean of g^2 over the last dim - r), c the same
    over the one before; v = r c / max(mean r, eps1). Vectors keep v itself. u = g / sqrt(max(v, eps1^2)),
    x <- (1 - lr weight_decay) x - max(eps2, rms(x)) min(lr, 1 / sqrt(n)) u / max(1, rms(u) / d).
    eps = (eps1, eps2); eps1 is the dtype's if None. Source: Shazeer and Stern 2018, arXiv:1804.04235, algorithms 4, 5.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-2,
        beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3),
        d: float = 1.0,
        weight_decay: float = 0.0,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
    ) -> None:
        for text, value, fits in (
            ("beta2_decay should be <= 0", beta2_decay, beta2_decay <= 0),
            ("epsilon1 should be >= 0", eps[0], eps[0] is None or eps[0] >= 0),
            ("epsilon2 should be >= 0", eps[1], eps[1] >= 0),
            ("Clipping threshold d should be >= 1", d, d >= 1),
        ):
            if not fits:
                raise ValueError(f"{text} but is: {value}")
        super().__init__(params, {
            "lr": lr, "beta2_decay": beta2_decay, "eps": eps, "d": d, "weight_decay": weight_decay, "foreach": foreach,
            "maximize": maximize,
        })  # fmt: skip

    def update(self, p: Tensor, group: Group) -> None:
        real(p, "Adafactor")
        lr, n, (eps1, eps2) = float(group["lr"]), self.count(p), group["eps"]
        x, g = p.array, p._grad.array  # type: ignore[union-attr]
        if group["maximize"]:
            g = -g
        eps1 = np.finfo(x.dtype).eps if eps1 is None else eps1
        share = n ** group["beta2_decay"]
        rate = max(eps2, rms(x)) * min(lr, 1 / n**0.5)
        if group["weight_decay"]:
            x *= 1 - lr * group["weight_decay"]
        square = g * g
        if g.ndim > 1:
            row, column = self._moment(p, "row_var", -1), self._moment(p, "col_var", -2)
            for kept, axis in ((row, -1), (column, -2)):
                kept += share * (square.mean(axis, keepdims=True) - kept)
            v = row @ column
            v /= np.maximum(row.mean(-2, keepdims=True), eps1)
        else:
            (kept,) = self.slots(p, "variance")
            kept += share * (square - kept)
            v = kept
        u = g / np.sqrt(np.maximum(v, eps1 * eps1))
        x -= rate / max(1.0, rms(u) / group["d"]) * u

    def _moment(self, p: Tensor, name: str, axis: int) -> Array:
        """What is remembered of p under this name: p's shape with 1 in one place, zeros at first."""
        state = self.state[p]
        if name not in state:
            shape = list(p.array.shape)
            shape[axis] = 1
            state[name] = Tensor._of(xp_of(p.array).zeros(shape, p.array.dtype))
        return state[name].array


def real(p: Tensor, name: str) -> None:
    if p.array.dtype.kind == "c":
        raise RuntimeError(f"{name} does not support complex parameters")


def rms(x: Array) -> float:
    """The root of the mean square of all elements."""
    flat = x.reshape(-1)
    return float(np.sqrt(np.vdot(flat, flat))) / max(x.size, 1) ** 0.5


class Muon(Optimizer):
    """x <- (1 - lr weight_decay) x - lr adjusted O: O is the momentum brought near the closest orthogonal matrix.

    b <- b + (1 - momentum)(g - b); O is b or, with nesterov, g + momentum (b - g), divided by its norm, after ns_steps
    of Newton's and Schulz's iteration O <- a O + (b A + c A A) O, A = O O^T, in bfloat16. ns_coefficients = (a, b, c).
    adjust_lr_fn: "original", sqrt(max(1, rows / columns)), or "match_rms_adamw", 0.2 sqrt(max(rows, columns)).
    ValueError for parameters that aren't matrices. Sources: Jordan et al. 2024, kellerjordan.github.io/posts/muon;
    Liu et al. 2025, arXiv:2502.16982.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = (3.4445, -4.7750, 2.0315),
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
    ) -> None:
        if adjust_lr_fn not in (None, "original", "match_rms_adamw"):
            raise ValueError(f"Adjust learning rate function {adjust_lr_fn} is not supported")
        super().__init__(params, {
            "lr": lr, "weight_decay": weight_decay, "momentum": momentum, "nesterov": nesterov,
            "ns_coefficients": ns_coefficients, "eps": eps, "ns_steps": ns_steps, "adjust_lr_fn": adjust_lr_fn,
        })  # fmt: skip
        for p in (p for group in self.param_groups for p in group["params"]):
            if p.ndim != 2:
                raise ValueError(f"Muon only supports 2D parameters whereas we found a parameter with size: {p.shape}")

    def update(self, p: Tensor, group: Group) -> None:
        real(p, "Muon")
        lr, mu = float(group["lr"]), group["momentum"]
        x, g = p.array, p._grad.array  # type: ignore[union-attr]
        (b,) = self.slots(p, "momentum_buffer")
        b += (1 - mu) * (g - b)
        towards = g + mu * (b - g) if group["nesterov"] else b
        o = orthogonalized(towards, group["ns_coefficients"], group["ns_steps"], group["eps"])
        rows, columns = x.shape
        if group["adjust_lr_fn"] == "match_rms_adamw":
            factor = 0.2 * math.sqrt(max(rows, columns))
        else:
            factor = math.sqrt(max(1, rows / columns))
        x *= 1 - lr * group["weight_decay"]
        x -= (lr * factor) * o.astype(x.dtype)


def orthogonalized(g: Array, coefficients: tuple[float, float, float], steps: int, eps: float) -> Array:
    """g with singular values near 1, as float32 that holds bfloat16 numbers."""
    if steps >= 100:
        raise ValueError("Number of steps must be less than 100 for computational efficiency")
    if len(coefficients) != 3:
        raise ValueError("Coefficients must be a tuple of exactly 3 values")
    a, b, c = (float(np.float32(k)) for k in coefficients)
    tall = g.shape[0] > g.shape[1]
    o = as_bfloat16((g.T if tall else g).astype(np.float32))
    flat = o.reshape(-1)
    o = as_bfloat16(o / max(as_bfloat16(np.sqrt(np.dot(flat, flat))), as_bfloat16(np.float32(eps))))
    for _ in range(steps):
        gram = as_bfloat16(o @ o.T)
        update = _combined(b, gram, np.float32(c) * (gram @ gram))
        o = _combined(a, o, update @ o)
    return o.T if tall else o


def _combined(k: float, x: Array, product: Array) -> Array:
    """k x + product, rounded as after one fused multiplication and addition."""
    return as_bfloat16(k * x.astype(np.float64) + product)


def as_bfloat16(x: Any) -> Any:
    """float32 numbers rounded to the nearest bfloat16, ties to even; still float32."""
    bits = np.asarray(x, np.float32).view(np.uint32)
    return ((bits + (0x7FFF + ((bits >> 16) & 1))) & 0xFFFF0000).astype(np.uint32).view(np.float32)

"""Two older optimizers: one that looks at the signs of the gradient alone, one that averages where it has been."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ..core.tensor import Tensor
from .optimizer import Group, Optimizer, scalar

__all__ = ["ASGD", "Rprop"]


class Rprop(Optimizer):
    """A step size for each number: times etas[1] while its gradient keeps its sign, times etas[0] when it turns.

    x <- x - sign(g) step; where the sign has turned, g counts as 0, in this step and as the last one of the next.
    step_sizes: the least and the largest. For whole batches: the signs of a small batch's gradient are noise.
    Source: Riedmiller and Braun 1993, IEEE International Conference on Neural Networks.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        if not 0.0 < etas[0] < 1.0 < etas[1]:
            raise ValueError(f"Invalid eta values: {etas[0]}, {etas[1]}")
        super().__init__(params, {
            "lr": lr, "etas": etas, "step_sizes": step_sizes, "foreach": foreach, "maximize": maximize,
            "differentiable": differentiable, "capturable": capturable,
        })  # fmt: skip

    def update(self, p: Tensor, group: Group) -> None:
        self.count(p)
        (less, more), (least, largest) = group["etas"], group["step_sizes"]
        kept = [*self.slots(p, "prev"), *self.slots(p, "step_size", fill=float(group["lr"]))]
        for x, g, t, last, size in self.pieces(p, group, *kept):
            np.sign(np.multiply(g, last, t), t)
            turned = t < 0
            size *= np.where(turned, less, np.where(t > 0, more, 1.0))
            np.clip(size, least, largest, size)
            np.copyto(last, g)
            last[turned] = 0
            x -= np.multiply(np.sign(last, t), size, t)


class ASGD(Optimizer):
    """Gradient descent with a falling rate, and the average `ax` of where it has been from step t0 on.

    x <- (1 - lambd eta) x - eta g with eta = lr / (1 + lambd lr n)^alpha;  ax <- ax + (x - ax) / max(1, n - t0).
    Source: Polyak and Juditsky 1992, SIAM Journal on Control and Optimization 30.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        super().__init__(params, {
            "lr": lr, "lambd": lambd, "alpha": alpha, "t0": t0, "weight_decay": weight_decay, "foreach": foreach,
            "maximize": maximize, "differentiable": differentiable, "capturable": capturable,
        })  # fmt: skip

    def update(self, p: Tensor, group: Group) -> None:
        n, lr, state = self.count(p), float(group["lr"]), self.state[p]
        eta = float(state.setdefault("eta", scalar(lr)).array)
        mu = float(state.setdefault("mu", scalar(1.0)).array)
        for x, g, t, ax in self.pieces(p, group, *self.slots(p, "ax")):
            x *= 1 - group["lambd"] * eta
            x -= np.multiply(g, eta, t)
            if mu == 1:
                np.copyto(ax, x)
            else:
                ax += np.multiply(np.subtract(x, ax, t), mu, t)
        state["eta"] = scalar(lr / (1 + group["lambd"] * lr * n) ** group["alpha"])
        state["mu"] = scalar(1 / max(1, n - group["t0"]))

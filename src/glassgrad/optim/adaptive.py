"""Optimizers that divide by a running size of the gradient, without a running average of the gradient itself."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ..core.tensor import Tensor
from .adam import average, average_square
from .optimizer import Group, Optimizer, places_of, scalar

__all__ = ["Adadelta", "Adagrad", "RMSprop"]


class Adagrad(Optimizer):
    """s <- s + g^2;  x <- x - lr / (1 + (n - 1) lr_decay) g / (sqrt(s) + eps) in step n.

    Source: Duchi, Hazan, Singer 2011, JMLR 12.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        super().__init__(params, {
            "lr": lr, "lr_decay": lr_decay, "eps": eps, "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value, "foreach": foreach, "maximize": maximize,
            "differentiable": differentiable, "fused": fused,
        })  # fmt: skip
        for group in self.param_groups:
            for p in group["params"]:
                self.state[p]["step"] = scalar(0.0)
                self._sum(p, group)

    def _sum(self, p: Tensor, group: Group) -> list[Any]:
        start = group["initial_accumulator_value"]
        return self.slots(p, "sum", fill=complex(start, start) if p.is_complex() else start)

    def update(self, p: Tensor, group: Group) -> None:
        n = self.count(p)
        rate = float(group["lr"]) / (1 + (n - 1) * group["lr_decay"])
        for x, g, t, s in self.pieces(p, group, *self._sum(p, group)):
            s += np.multiply(g, g, t)
            np.sqrt(s, t)
            t += group["eps"]
            np.divide(g, t, t)
            t *= rate
            x -= t

    def update_places(self, p: Tensor, group: Group, g: Any) -> None:
        if group["weight_decay"]:
            raise RuntimeError("weight_decay option is not compatible with sparse gradients")
        rate = float(group["lr"]) / (1 + (self.count(p) - 1) * group["lr_decay"])
        at, values = places_of(g, group)
        (s,) = self._sum(p, group)
        s[at] += values * values
        p.array[at] -= rate * (values / (np.sqrt(s[at]) + group["eps"]))


class RMSprop(Optimizer):
    """v <- alpha v + (1 - alpha) g^2;  x <- x - lr g / (sqrt(v) + eps).

    centered: v - a^2 stands for v, a the average of g. momentum mu: b <- mu b + g / (sqrt(v) + eps), x <- x - lr b.
    Sources: Tieleman and Hinton 2012, COURSERA lecture 6.5; centered: Graves 2013, arXiv:1308.0850, equation 38.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        super().__init__(params, {
            "lr": lr, "momentum": momentum, "alpha": alpha, "eps": eps, "centered": centered,
            "weight_decay": weight_decay, "capturable": capturable, "foreach": foreach, "maximize": maximize,
            "differentiable": differentiable,
        })  # fmt: skip

    def update(self, p: Tensor, group: Group) -> None:
        lr, alpha, mu = float(group["lr"]), group["alpha"], group["momentum"]
        self.count(p)
        names = {"square_avg": True, "momentum_buffer": mu > 0, "grad_avg": group["centered"]}
        kept = self.slots(p, *[name for name, used in names.items() if used])
        for x, g, t, v, *others in self.pieces(p, group, *kept):
            average_square(v, g, alpha, t)
            if group["centered"]:
                a = others[-1]
                average(a, g, alpha, t)
                np.subtract(v, np.multiply(a, a, t), t)
                np.sqrt(t, t)
            else:
                np.sqrt(v, t)
            t += group["eps"]
            np.divide(g, t, t)
            if mu > 0:
                b = others[0]
                b *= mu
                b += t
                np.multiply(b, lr, t)
            else:
                t *= lr
            x -= t


class Adadelta(Optimizer):
    """v <- rho v + (1 - rho) g^2;  d = sqrt(a + eps) / sqrt(v + eps) g;  a <- rho a + (1 - rho) d^2;  x <- x - lr d.

    Source: Zeiler 2012, arXiv:1212.5701, algorithm 1.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        super().__init__(params, {
            "lr": lr, "rho": rho, "eps": eps, "weight_decay": weight_decay, "maximize": maximize,
            "capturable": capturable, "foreach": foreach, "differentiable": differentiable,
        })  # fmt: skip

    def update(self, p: Tensor, group: Group) -> None:
        lr, rho, eps = float(group["lr"]), group["rho"], group["eps"]
        self.count(p)
        for x, g, t, v, a in self.pieces(p, group, *self.slots(p, "square_avg", "acc_delta")):
            average_square(v, g, rho, t)
            np.add(v, eps, t)
            np.sqrt(t, t)
            d = np.sqrt(a + eps)
            d /= t
            d *= g
            average_square(a, d, rho, t)
            d *= lr
            x -= d

"""Stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ..core.tensor import Tensor
from .optimizer import Group, Optimizer, places_of

__all__ = ["SGD"]


class SGD(Optimizer):
    """x <- x - lr g; with momentum mu, b <- mu b + (1 - dampening) g (g at first), x <- x - lr b.

    Nesterov: x <- x - lr (g + mu b). weight_decay: g + weight_decay x stands for g.
    Sources: Robbins and Monro 1951, Ann. Math. Statist. 22; Sutskever, Martens, Dahl, Hinton 2013, ICML.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        super().__init__(params, {
            "lr": lr, "momentum": momentum, "dampening": dampening, "weight_decay": weight_decay, "nesterov": nesterov,
            "maximize": maximize, "foreach": foreach, "differentiable": differentiable, "fused": fused,
        })  # fmt: skip

    def update(self, p: Tensor, group: Group) -> None:
        lr, mu, fresh = float(group["lr"]), group["momentum"], 1 - group["dampening"]
        if mu == 0:
            for x, g, t in self.pieces(p, group):
                x -= np.multiply(g, lr, t)
            return
        state = self.state[p]
        if state.get("momentum_buffer") is None:
            state.pop("momentum_buffer", None)
            first = True
        else:
            first = False
        for x, g, t, b in self.pieces(p, group, *self.slots(p, "momentum_buffer")):
            if first:
                b[...] = g
            else:
                b *= mu
                b += g if fresh == 1 else np.multiply(g, fresh, t)
            if group["nesterov"]:
                np.add(g, np.multiply(b, mu, t), t)
                t *= lr
            else:
                np.multiply(b, lr, t)
            x -= t

    def update_places(self, p: Tensor, group: Group, g: Any) -> None:
        if group["weight_decay"]:
            raise RuntimeError("add(sparse, dense) is not supported. Use add(dense, sparse) instead.")
        state, mu = self.state[p], group["momentum"]
        if mu:
            g = -g if group["maximize"] else g
            b = state.get("momentum_buffer")
            b = g.clone() if b is None else b * mu + g * (1 - group["dampening"])
            state["momentum_buffer"] = b
            g = g + b * mu if group["nesterov"] else b
        at, values = places_of(g, {"maximize": group["maximize"] and not mu})
        p.array[at] -= values * values.dtype.type(group["lr"])

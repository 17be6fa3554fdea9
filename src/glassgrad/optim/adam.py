"""Adam and its kin: running averages m of the gradient and v of its square, corrected for their start at zero."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from ..core.backend import Array
from ..core.native import engine
from ..core.tensor import Tensor
from .optimizer import Group, Optimizer, places_of, scalar

__all__ = ["Adam", "AdamW", "Adamax", "NAdam", "RAdam", "SparseAdam"]

Betas = tuple[float, float]


def average(m: Array, g: Array, beta: float, t: Array) -> None:
    """m <- beta m + (1 - beta) g; t is scratch."""
    np.subtract(g, m, t)
    t *= 1 - beta
    m += t


def average_square(v: Array, g: Array, beta: float, t: Array) -> None:
    """v <- beta v + (1 - beta) g^2; t is scratch."""
    np.multiply(g, g, t)
    t *= 1 - beta
    v *= beta
    v += t


class Adam(Optimizer):
    """m <- b1 m + (1 - b1) g;  v <- b2 v + (1 - b2) g^2;  x <- x - lr mhat / (sqrt(vhat) + eps).

    mhat = m / (1 - b1^n) and vhat = v / (1 - b2^n) in step n. amsgrad: the largest v so far stands for v.
    weight_decay is added to g, or, decoupled_weight_decay, x <- (1 - lr weight_decay) x comes first.
    Sources: Kingma and Ba 2015, arXiv:1412.6980, algorithm 1; amsgrad: Reddi, Kale, Kumar 2018, ICLR.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-3,
        betas: Betas = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        if isinstance(lr, Tensor) and foreach and not capturable:
            raise ValueError("lr as a Tensor is not supported for capturable=False and foreach=True")
        tensors = [isinstance(beta, Tensor) for beta in betas]
        if any(tensors) and not all(tensors):
            raise ValueError("betas must be either both floats or both Tensors")
        if any(tensors) and foreach and not capturable:
            raise ValueError("betas[0] as a Tensor is not supported for capturable=False and foreach=True")
        super().__init__(params, {
            "lr": lr, "betas": tuple(map(float, betas)), "eps": eps, "weight_decay": weight_decay, "amsgrad": amsgrad,
            "maximize": maximize, "foreach": foreach, "capturable": capturable, "differentiable": differentiable,
            "fused": fused, "decoupled_weight_decay": decoupled_weight_decay,
        })  # fmt: skip

    def update_places(self, p: Tensor, group: Group, g: Any) -> None:
        raise RuntimeError("Adam does not support sparse gradients, please consider SparseAdam instead")

    def update(self, p: Tensor, group: Group) -> None:
        lr, (b1, b2), eps, n = float(group["lr"]), group["betas"], group["eps"], self.count(p)
        root = math.sqrt(1 - b2**n)
        rate = lr / (1 - b1**n)
        decoupled = group["decoupled_weight_decay"]
        kept = self.slots(p, "exp_avg", "exp_avg_sq", *(["max_exp_avg_sq"] if group["amsgrad"] else []))
        keep = 1 - lr * group["weight_decay"] if decoupled else 1.0
        for x, g, t, m, v, *largest in self.pieces(p, group, *kept, decay=not decoupled):
            if engine is not None and not largest and engine.adam(x, g, m, v, b1, b2, rate, root, eps, keep):
                continue
            if decoupled:
                x *= keep
            average(m, g, b1, t)
            average_square(v, g, b2, t)
            if largest:
                v = np.maximum(largest[0], v, out=largest[0])
            np.sqrt(v, t)
            t /= root
            t += eps
            np.divide(m, t, t)
            t *= rate
            x -= t


class AdamW(Adam):
    """Adam with decoupled weight decay: x <- (1 - lr weight_decay) x before the step.

    Source: Loshchilov and Hutter 2019, arXiv:1711.05101, algorithm 2.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-3,
        betas: Betas = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        super().__init__(
            params, lr, betas, eps, weight_decay, amsgrad, foreach=foreach, maximize=maximize, capturable=capturable,
            differentiable=differentiable, fused=fused, decoupled_weight_decay=True,
        )  # fmt: skip


class Adamax(Optimizer):
    """u <- max(b2 u, |g| + eps);  x <- x - lr / (1 - b1^n) m / u.

    Source: Kingma and Ba 2015, arXiv:1412.6980, algorithm 2.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 2e-3,
        betas: Betas = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        super().__init__(params, {
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "foreach": foreach,
            "maximize": maximize, "differentiable": differentiable, "capturable": capturable,
        })  # fmt: skip

    def update(self, p: Tensor, group: Group) -> None:
        lr, (b1, b2), eps, n = float(group["lr"]), group["betas"], group["eps"], self.count(p)
        rate = lr / (1 - b1**n)
        for x, g, t, m, u in self.pieces(p, group, *self.slots(p, "exp_avg", "exp_inf")):
            average(m, g, b1, t)
            np.absolute(g, t)
            t += eps
            u *= b2
            np.maximum(u, t, out=u)
            np.divide(m, u, t)
            t *= rate
            x -= t


class NAdam(Optimizer):
    """Adam with Nesterov's momentum.

    mu_n = b1 (1 - 0.96^(n momentum_decay) / 2), M_n = mu_1 ... mu_n;
    x <- x - lr ((1 - mu_n) / (1 - M_n) g + mu_(n+1) / (1 - M_(n+1)) m) / (sqrt(vhat) + eps).
    Source: Dozat 2016, Incorporating Nesterov Momentum into Adam, ICLR workshop, algorithm 2.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 2e-3,
        betas: Betas = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        super().__init__(params, {
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "momentum_decay": momentum_decay,
            "decoupled_weight_decay": decoupled_weight_decay, "maximize": maximize, "foreach": foreach,
            "capturable": capturable, "differentiable": differentiable,
        })  # fmt: skip

    def update(self, p: Tensor, group: Group) -> None:
        lr, (b1, b2), eps, n = float(group["lr"]), group["betas"], group["eps"], self.count(p)
        mu, mu_next = (b1 * (1 - 0.5 * 0.96 ** (k * group["momentum_decay"])) for k in (n, n + 1))
        product = self.state[p].setdefault("mu_product", scalar(1.0)).array
        product *= mu
        along_g = lr * (1 - mu) / (1 - float(product))
        along_m = lr * mu_next / (1 - float(product) * mu_next)
        root = math.sqrt(1 - b2**n)
        decoupled = group["decoupled_weight_decay"]
        kept = self.slots(p, "exp_avg", "exp_avg_sq")
        for x, g, t, m, v in self.pieces(p, group, *kept, decay=not decoupled):
            if decoupled:
                x *= 1 - lr * group["weight_decay"]
            average(m, g, b1, t)
            average_square(v, g, b2, t)
            np.sqrt(v, t)
            t /= root
            t += eps
            x -= (along_g * g + along_m * m) / t


class RAdam(Optimizer):
    """Adam with its step rectified, and without v while too few steps have been seen.

    rho = 2 / (1 - b2) - 1;  rho_n = rho - 2 n b2^n / (1 - b2^n).  Where rho_n > 5:
    x <- x - lr mhat r sqrt(1 - b2^n) / (sqrt(v) + eps),
    r^2 = (rho_n - 4)(rho_n - 2) rho / ((rho - 4)(rho - 2) rho_n);  otherwise x <- x - lr mhat.
    Source: Liu, Jiang, He, Chen, Liu, Gao, Han 2020, arXiv:1908.03265, algorithm 2.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-3,
        betas: Betas = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        super().__init__(params, {
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "maximize": maximize,
            "foreach": foreach, "capturable": capturable, "decoupled_weight_decay": decoupled_weight_decay,
            "differentiable": differentiable,
        })  # fmt: skip

    def update(self, p: Tensor, group: Group) -> None:
        lr, (b1, b2), eps, n = float(group["lr"]), group["betas"], group["eps"], self.count(p)
        rho = 2 / (1 - b2) - 1
        rho_n = rho - 2 * n * b2**n / (1 - b2**n)
        rate = lr / (1 - b1**n)
        if rho_n > 5:
            rectified = (rho_n - 4) * (rho_n - 2) * rho / ((rho - 4) * (rho - 2) * rho_n)
            rate *= math.sqrt(rectified * (1 - b2**n))
        decoupled = group["decoupled_weight_decay"]
        kept = self.slots(p, "exp_avg", "exp_avg_sq")
        for x, g, t, m, v in self.pieces(p, group, *kept, decay=not decoupled):
            if decoupled:
                x *= 1 - lr * group["weight_decay"]
            average(m, g, b1, t)
            average_square(v, g, b2, t)
            if rho_n > 5:
                np.sqrt(v, t)
                t += eps
                np.divide(m, t, t)
                t *= rate
            else:
                np.multiply(m, rate, t)
            x -= t


class SparseAdam(Optimizer):
    """Adam for gradients that are sparse: parameters and averages change at the places that have one alone.

    Raises RuntimeError for a dense gradient.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-3,
        betas: Betas = (0.9, 0.999),
        eps: float = 1e-8,
        maximize: bool = False,
    ) -> None:
        if not (isinstance(lr, Tensor) and lr.numel() != 1) and not lr > 0:
            raise ValueError(f"Invalid learning rate: {lr}")
        if not eps > 0:
            raise ValueError(f"Invalid epsilon value: {eps}")
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "maximize": maximize})
        for i, group in enumerate(self.param_groups):
            for j, p in enumerate(group["params"]):
                if p.array.dtype.kind == "c":
                    raise ValueError(
                        f"Complex params at indices {[[i, j]]}: SparseAdam does not support complex parameters"
                    )

    def update(self, p: Tensor, group: Group) -> None:
        raise RuntimeError("SparseAdam does not support dense gradients, please consider Adam instead")

    def update_places(self, p: Tensor, group: Group, g: Any) -> None:
        state, (b1, b2) = self.state[p], group["betas"]
        n = state["step"] = int(state.get("step", 0)) + 1
        m, v = self.slots(p, "exp_avg", "exp_avg_sq")
        at, values = places_of(g, group)
        m[at] += (values - m[at]) * (1 - b1)
        v[at] += (values * values - v[at]) * (1 - b2)
        rate = float(group["lr"]) * math.sqrt(1 - b2**n) / (1 - b1**n)
        p.array[at] -= rate * (m[at] / (np.sqrt(v[at]) + group["eps"]))

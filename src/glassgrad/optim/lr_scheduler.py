"""Schedules of the learning rate: each step() writes a new `lr` into every parameter group of an optimizer.

A schedule computes the next rate from the last one (`get_lr`), so that several can act on one optimizer, and most
know it from the initial rate alone too (`closed`, used by step(epoch)). Both are PyTorch's formulas, so the numbers
are equal to the last bit. e is last_epoch, which counts the calls of step() from 0.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable
from typing import Any

from .composed import ChainedScheduler, ReduceLROnPlateau, SequentialLR
from .cycles import CyclicLR, OneCycleLR
from .optimizer import Optimizer
from .schedule import LRScheduler, function_state, is_optimizer, per_group

__all__ = [
    "ChainedScheduler", "ConstantLR", "CosineAnnealingLR", "CosineAnnealingWarmRestarts", "CyclicLR", "ExponentialLR",
    "LRScheduler", "LambdaLR", "LinearLR", "MultiStepLR", "MultiplicativeLR", "OneCycleLR", "PolynomialLR",
    "ReduceLROnPlateau", "SequentialLR", "StepLR",
]  # fmt: skip


_LRScheduler = LRScheduler  # its name of old


class _Scaled(LRScheduler):
    """A schedule whose every step multiplies the rate of each group: lr <- lr * ratio().

    A ratio of 1, not 1.0, leaves a rate of 5 the integer it is, as in PyTorch.
    """

    def ratio(self) -> float:
        raise NotImplementedError

    def get_lr(self) -> list[Any]:
        by = self.ratio()
        return [group["lr"] * by for group in self.optimizer.param_groups]


class _WithFunctions(LRScheduler):
    """A schedule given by a function of the epoch, or by one for each group."""

    unsaved = ("optimizer", "lr_lambdas")

    def __init__(self, optimizer: Optimizer, lr_lambda: Any, last_epoch: int = -1) -> None:
        if isinstance(lr_lambda, (list, tuple)) and len(lr_lambda) != len(optimizer.param_groups):
            raise ValueError(f"Expected {len(optimizer.param_groups)} lr_lambdas, but got {len(lr_lambda)}")
        self.lr_lambdas = per_group("lr_lambda", is_optimizer(optimizer), lr_lambda)
        for function in self.lr_lambdas:
            if not callable(function):
                raise TypeError(f"lr_lambda should be a function, but got {type(function).__name__}")
        super().__init__(optimizer, last_epoch)

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "lr_lambdas": [function_state(f) for f in self.lr_lambdas]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        super().load_state_dict({k: v for k, v in state_dict.items() if k != "lr_lambdas"})
        for function, kept in zip(self.lr_lambdas, state_dict["lr_lambdas"], strict=True):
            if kept is not None:
                function.__dict__.update(kept)


class LambdaLR(_WithFunctions):
    """lr = initial lr * lr_lambda(e)."""

    def get_lr(self) -> list[Any]:
        return [base * f(self.last_epoch) for f, base in zip(self.lr_lambdas, self.base_lrs, strict=True)]


class MultiplicativeLR(_WithFunctions):
    """lr <- lr * lr_lambda(e), from e = 1."""

    def get_lr(self) -> list[Any]:
        if self._is_initial:
            return self._rates()
        groups = zip(self.lr_lambdas, self.optimizer.param_groups, strict=True)
        return [group["lr"] * f(self.last_epoch) for f, group in groups]


class StepLR(_Scaled):
    """lr <- gamma * lr every step_size epochs."""

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1) -> None:
        self.step_size = step_size
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def ratio(self) -> float:
        return 1 if self.last_epoch == 0 or self.last_epoch % self.step_size else self.gamma

    def closed(self, base: Any) -> Any:
        return base * self.gamma ** (self.last_epoch // self.step_size)


class MultiStepLR(_Scaled):
    """lr <- gamma * lr at each of the milestones."""

    def __init__(
        self, optimizer: Optimizer, milestones: Iterable[int], gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        self.milestones = Counter(milestones)
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def ratio(self) -> float:
        return self.gamma**count if (count := self.milestones[self.last_epoch]) else 1

    def closed(self, base: Any) -> Any:
        return base * self.gamma ** bisect_right(sorted(self.milestones.elements()), self.last_epoch)


class ConstantLR(_Scaled):
    """factor * lr during the first total_iters epochs."""

    def __init__(
        self, optimizer: Optimizer, factor: float = 1.0 / 3, total_iters: int = 5, last_epoch: int = -1
    ) -> None:
        if not 0 <= factor <= 1:
            raise ValueError("Constant multiplicative factor expected to be between 0 and 1.")
        self.factor = factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def ratio(self) -> float:
        if self.last_epoch == 0:
            return self.factor
        return 1.0 / self.factor if self.last_epoch == self.total_iters else 1

    def closed(self, base: Any) -> Any:
        return base * (self.factor + (self.last_epoch >= self.total_iters) * (1 - self.factor))


class LinearLR(_Scaled):
    """From start_factor * lr to end_factor * lr on a straight line, in total_iters epochs."""

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1.0 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        if not 0 < start_factor <= 1:
            raise ValueError("Starting multiplicative factor expected to be greater than 0 and less or equal to 1.")
        if not 0 <= end_factor <= 1:
            raise ValueError("Ending multiplicative factor expected to be between 0 and 1.")
        self.start_factor = start_factor
        self.end_factor = end_factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def ratio(self) -> float:
        e, n, start, rise = self.last_epoch, self.total_iters, self.start_factor, self.end_factor - self.start_factor
        if e == 0:
            return start
        return 1 if self._is_initial or e > n else 1.0 + rise / (n * start + (e - 1) * rise)

    def closed(self, base: Any) -> Any:
        rise, n = self.end_factor - self.start_factor, self.total_iters
        return base * (self.start_factor + rise * min(n, self.last_epoch) / n)


class ExponentialLR(_Scaled):
    """lr <- gamma * lr, from e = 1."""

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def ratio(self) -> float:
        return 1 if self._is_initial else self.gamma

    def closed(self, base: Any) -> Any:
        return base * self.gamma**self.last_epoch


class PolynomialLR(_Scaled):
    """lr = initial lr * (1 - e / total_iters)^power, and 0 from total_iters on."""

    def __init__(self, optimizer: Optimizer, total_iters: int = 5, power: float = 1.0, last_epoch: int = -1) -> None:
        self.total_iters = total_iters
        self.power = power
        super().__init__(optimizer, last_epoch)

    def ratio(self) -> float:
        e, n = self.last_epoch, self.total_iters
        if self._is_initial or e > n:
            return 1
        return ((1.0 - e / n) / (1.0 - (e - 1) / n)) ** self.power

    def closed(self, base: Any) -> Any:
        return base * (1.0 - min(self.total_iters, self.last_epoch) / self.total_iters) ** self.power


class CosineAnnealingLR(LRScheduler):
    """lr = eta_min + (initial lr - eta_min) (1 + cos(pi e / T_max)) / 2.

    Source: Loshchilov and Hutter 2017, arXiv:1608.03983, equation 5, without its restarts.
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1) -> None:
        self.T_max = T_max
        self.eta_min = eta_min
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Any]:
        e, n, low = self.last_epoch, self.T_max, self.eta_min
        if self._is_initial:
            return self._rates()
        if self._step_count == 1 and e > 0:
            return [self.closed(base) for base in self.base_lrs]
        groups = self.optimizer.param_groups
        if (e - 1 - n) % (2 * n) == 0:  # the rate was at its lowest: there is no ratio to it
            rise = 1 - math.cos(math.pi / n)
            return [g["lr"] + (base - low) * rise / 2 for base, g in zip(self.base_lrs, groups, strict=True)]
        by = (1 + math.cos(math.pi * e / n)) / (1 + math.cos(math.pi * (e - 1) / n))
        return [by * (g["lr"] - low) + low for g in groups]

    def closed(self, base: Any) -> Any:
        low = self.eta_min
        return low + (base - low) * (1 + math.cos(math.pi * self.last_epoch / self.T_max)) / 2


class CosineAnnealingWarmRestarts(LRScheduler):
    """Cosine annealing over T_0 epochs, then from the start over T_0 T_mult, T_0 T_mult^2, ...

    Source: Loshchilov and Hutter 2017, arXiv:1608.03983, equation 5.
    """

    def __init__(
        self, optimizer: Optimizer, T_0: int, T_mult: int = 1, eta_min: float = 0.0, last_epoch: int = -1
    ) -> None:
        if not isinstance(T_0, int) or T_0 <= 0:
            raise ValueError(f"Expected positive integer T_0, but got {T_0}")
        if not isinstance(T_mult, int) or T_mult < 1:
            raise ValueError(f"Expected integer T_mult >= 1, but got {T_mult}")
        if not isinstance(eta_min, (float, int)):
            raise ValueError(f"Expected float or int eta_min, but got {eta_min} of type {type(eta_min)}")
        self.T_0 = T_0
        self.T_i = T_0
        self.T_mult = T_mult
        self.eta_min = eta_min
        self.T_cur: float = last_epoch
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Any]:
        low = self.eta_min
        return [low + (base - low) * (1 + math.cos(math.pi * self.T_cur / self.T_i)) / 2 for base in self.base_lrs]

    def step(self, epoch: float | None = None) -> None:
        """The next epoch, or a named one, which may be a fraction: epoch + batch / batches."""
        if epoch is None and self.last_epoch < 0:
            epoch = 0
        if epoch is None:
            epoch = self.last_epoch + 1
            self.T_cur += 1
            if self.T_cur >= self.T_i:
                self.T_cur -= self.T_i
                self.T_i *= self.T_mult
        elif epoch < 0:
            raise ValueError(f"Expected non-negative epoch, but got {epoch}")
        elif self.T_mult == 1:
            self.T_i, self.T_cur = self.T_0, epoch % self.T_0
        else:  # T_0 (T_mult^n - 1) / (T_mult - 1) epochs lie before restart n
            k = self.T_mult
            n = int(math.log(epoch / self.T_0 * (k - 1) + 1, k)) if epoch >= self.T_0 else 0
            self.T_i, self.T_cur = self.T_0 * k**n, epoch - self.T_0 * (k**n - 1) / (k - 1)
        self.last_epoch = math.floor(epoch)
        self._set(self.get_lr())

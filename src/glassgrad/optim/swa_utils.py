"""Averages of a model's weights over its training.

Sources: Izmailov et al. 2018, arXiv:1803.05407 (equal averages); Polyak and Juditsky 1992 (why); Tarvainen and Valpola
2017, arXiv:1703.01780 (exponential averages of a network).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from itertools import chain
from typing import Any

from ..core import dtypes
from ..core.modes import no_grad
from ..core.tensor import Tensor, tensor
from ..nn.layers.norms import _BatchNorm
from ..nn.module import Module
from .optimizer import Optimizer
from .schedule import LRScheduler, is_optimizer, per_group

__all__ = [
    "SWALR", "AveragedModel", "get_ema_avg_fn", "get_ema_multi_avg_fn", "get_swa_avg_fn", "get_swa_multi_avg_fn",
    "update_bn",
]  # fmt: skip

Average = Callable[[Tensor, Tensor, Any], Tensor]  # (average so far, new value, how many so far)
Averages = Callable[[Sequence[Tensor], Sequence[Tensor], Any], None]  # in place


def _lerp(average: Tensor, value: Tensor, share: Any) -> None:
    """average <- average + share (value - average), in place; integers are cut off."""
    if average.is_floating_point():
        average.lerp_(value, float(share))
    else:
        average.copy_(average * (1 - share) + value * share)


def _decay(decay: float) -> float:
    if not 0.0 <= decay <= 1.0:
        raise ValueError(f"Invalid decay value {decay} provided. Please provide a value in [0,1] range.")
    return decay


def get_ema_multi_avg_fn(decay: float = 0.999) -> Averages:
    """average <- decay average + (1 - decay) value, of all parameters at once."""
    share = 1 - _decay(decay)

    @no_grad()
    def ema_update(ema_param_list: Sequence[Tensor], current_param_list: Sequence[Tensor], _: Any) -> None:
        for average, value in zip(ema_param_list, current_param_list, strict=True):
            _lerp(average, value, share)

    return ema_update


def get_swa_multi_avg_fn() -> Averages:
    """average <- average + (value - average) / (number so far + 1), of all parameters at once."""

    @no_grad()
    def swa_update(
        averaged_param_list: Sequence[Tensor], current_param_list: Sequence[Tensor], num_averaged: Any
    ) -> None:
        for average, value in zip(averaged_param_list, current_param_list, strict=True):
            _lerp(average, value, 1 / (num_averaged + 1))

    return swa_update


def get_ema_avg_fn(decay: float = 0.999) -> Average:
    """decay average + (1 - decay) value."""
    _decay(decay)

    @no_grad()
    def ema_update(ema_param: Tensor, current_param: Tensor, num_averaged: Any) -> Tensor:
        return decay * ema_param + (1 - decay) * current_param

    return ema_update


def get_swa_avg_fn() -> Average:
    """average + (value - average) / (number so far + 1)."""

    @no_grad()
    def swa_update(averaged_param: Tensor, current_param: Tensor, num_averaged: Any) -> Tensor:
        return averaged_param + (current_param - averaged_param) / (num_averaged + 1)

    return swa_update


class AveragedModel(Module):
    """A copy of a model, `module`, that holds the average of what update_parameters(model) has been given.

    The first one is copied. Equal weights unless avg_fn(average, value, n) -> average is given for one parameter, or
    multi_avg_fn(averages, values, n), in place, for all. Buffers are copied, or averaged too with use_buffers.
    """

    n_averaged: Tensor

    def __init__(
        self,
        model: Module,
        device: Any = None,
        avg_fn: Average | None = None,
        multi_avg_fn: Averages | None = None,
        use_buffers: bool = False,
    ) -> None:
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise AssertionError("Only one of avg_fn and multi_avg_fn should be provided")
        self.module = deepcopy(model)
        if device is not None:
            self.module = self.module.to(device)
        self.register_buffer("n_averaged", tensor(0, dtype=dtypes.int64, device=device))
        self.avg_fn = avg_fn
        self.multi_avg_fn = multi_avg_fn
        self.use_buffers = use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.module(*args, **kwargs)

    @no_grad()
    def update_parameters(self, model: Module) -> None:
        """Let the average take in this model's parameters."""

        def state(of: Module) -> Iterable[Tensor]:
            return chain(of.parameters(), of.buffers()) if self.use_buffers else of.parameters()

        averages = [p.detach() for p in state(self.module)]
        values = [p.detach().to(a.device) for p, a in zip(state(model), averages, strict=True)]
        if int(self.n_averaged) == 0:
            for average, value in zip(averages, values, strict=True):
                average.copy_(value)
        elif self.multi_avg_fn is None:
            update = self.avg_fn or get_swa_avg_fn()
            for average, value in zip(averages, values, strict=True):
                average.copy_(update(average, value, self.n_averaged))
        else:
            for dtype in dict.fromkeys(a.dtype for a in averages):
                at = [i for i, a in enumerate(averages) if a.dtype == dtype]
                self.multi_avg_fn([averages[i] for i in at], [values[i] for i in at], self.n_averaged)
        if not self.use_buffers:
            for average, value in zip(self.module.buffers(), model.buffers(), strict=True):
                average.detach().copy_(value.detach())
        self.n_averaged += 1


@no_grad()
def update_bn(loader: Iterable[Any], model: Module, device: Any = None) -> None:
    """Give the batch norms the statistics of a data set, whose items, or their first elements, are inputs."""
    norms = [module for module in model.modules() if isinstance(module, _BatchNorm)]
    if not norms:
        return
    momenta = [norm.momentum for norm in norms]
    was_training = model.training
    model.train()
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a plain average
    for input in loader:
        x = input[0] if isinstance(input, (list, tuple)) else input
        model(x if device is None else x.to(device))
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    model.train(was_training)


SHAPES = {"cos": lambda t: (1 - math.cos(math.pi * t)) / 2, "linear": lambda t: t}


class SWALR(LRScheduler):
    """From the rate at hand to swa_lr in anneal_epochs, along half a cosine or a line; constant from then on."""

    def __init__(
        self,
        optimizer: Optimizer,
        swa_lr: float | list[float],
        anneal_epochs: int = 10,
        anneal_strategy: str = "cos",
        last_epoch: int = -1,
    ) -> None:
        for rate, group in zip(
            per_group("swa_lr", is_optimizer(optimizer), swa_lr), optimizer.param_groups, strict=True
        ):
            group["swa_lr"] = rate
        if anneal_strategy not in SHAPES:
            raise ValueError(f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}")
        self._anneal_strategy = anneal_strategy
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ValueError(f"anneal_epochs must be equal or greater than 0, got {anneal_epochs}")
        self.anneal_epochs = anneal_epochs
        super().__init__(optimizer, last_epoch)

    def _share(self, step: int) -> float:
        """How much of the way has been gone."""
        return SHAPES[self._anneal_strategy](max(0, min(1, step / max(1, self.anneal_epochs))))

    def get_lr(self) -> list[Any]:
        step = self._step_count - 1
        if self.anneal_epochs == 0:
            step = max(1, step)
        before, now = self._share(step - 1), self._share(step)

        def rate(lr: Any, end: Any) -> Any:
            start = end if before == 1 else (lr - before * end) / (1 - before)
            return end * now + start * (1 - now)

        return [rate(group["lr"], group["swa_lr"]) for group in self.optimizer.param_groups]

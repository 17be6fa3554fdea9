"""LRScheduler: the base of the schedules, and what they share."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable
from typing import Any

from ..core.provenance import warn
from ..core.tensor import Tensor
from ..core.watch import listeners, tell
from .optimizer import Optimizer

__all__ = ["LRScheduler"]

OUT_OF_ORDER = (
    "Detected call of `lr_scheduler.step()` before `optimizer.step()`. Call them in the opposite order: "
    "`optimizer.step()` before `lr_scheduler.step()`, or the first value of the learning rate schedule is skipped."
)
EPOCH_GIVEN = (
    "The epoch parameter in `scheduler.step()` was not necessary and is being deprecated where possible. "
    "Please use `scheduler.step()` to step the scheduler."
)


def copied(value: Any) -> Any:
    return value.detach().clone() if isinstance(value, Tensor) else value


def write(group: dict[str, Any], key: str, value: Any) -> None:
    """group[key] = value; a tensor that is there is changed in place, since others may hold it."""
    if isinstance(group[key], Tensor):
        group[key].array[...] = value.array if isinstance(value, Tensor) else value
    else:
        group[key] = copied(value)


def per_group(name: str, optimizer: Optimizer, value: Any) -> list[Any]:
    """One value for each parameter group; ValueError for a list of another length."""
    if not isinstance(value, (list, tuple)):
        return [value] * len(optimizer.param_groups)
    if len(value) != len(optimizer.param_groups):
        raise ValueError(
            f"{name} must have the same length as optimizer.param_groups. {name} has {len(value)} values, "
            f"param_groups has {len(optimizer.param_groups)}."
        )
    return list(value)


def is_optimizer(optimizer: Any) -> Optimizer:
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")
    return optimizer


def function_state(function: Any) -> dict[str, Any] | None:
    """What a state_dict keeps of a function: the attributes of a callable object."""
    return None if isinstance(function, types.FunctionType) else function.__dict__.copy()


class LRScheduler:
    """The base of the schedules: subclasses write get_lr() -> [the next lr of each group].

    last_epoch other than -1 continues a schedule; the groups must hold their "initial_lr" then, else KeyError.
    """

    optimizer: Optimizer
    unsaved: tuple[str, ...] = ("optimizer",)
    closed: Callable[[Any], Any]  # where there is one: the rate of epoch last_epoch from the initial rate

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        made = super().__new__(cls)
        if listeners:
            tell("scheduler", made)
        return made

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        self.optimizer = is_optimizer(optimizer)
        for i, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", copied(group["lr"]))
            elif "initial_lr" not in group:
                raise KeyError(
                    f"param 'initial_lr' is not specified in param_groups[{i}] when resuming scheduler with "
                    "last_epoch >= 0: load the optimizer's state first, or leave last_epoch at -1"
                )
        self.base_lrs = [copied(group["initial_lr"]) for group in optimizer.param_groups]
        self.last_epoch = last_epoch
        self._step_count, self._is_initial = 0, False
        self._get_lr_called_within_step = False  # a key of PyTorch's state
        self._initial_step()

    def _initial_step(self) -> None:
        self._step_count = 0
        self._is_initial = True
        try:
            self.step()
        finally:
            self._is_initial = False

    def step(self, epoch: int | None = None) -> None:
        """Set the rates of the next epoch, or of the epoch that is named."""
        if self._step_count == 1 and not self.optimizer._opt_called:
            warn(OUT_OF_ORDER)
            if listeners:
                tell("schedule first", self.optimizer)
        self._step_count += 1
        if epoch is not None:
            warn(EPOCH_GIVEN)
        self._update_lr(epoch)

    def _update_lr(self, epoch: int | None = None) -> None:
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        by_formula = epoch is not None and hasattr(self, "closed")
        self._set([self.closed(base) for base in self.base_lrs] if by_formula else self.get_lr())

    def _set(self, rates: Iterable[Any]) -> None:
        for group, lr in zip(self.optimizer.param_groups, rates, strict=True):
            write(group, "lr", lr)
        self._last_lr = self._rates()

    def _rates(self) -> list[Any]:
        return [copied(group["lr"]) for group in self.optimizer.param_groups]

    def get_last_lr(self) -> list[Any]:
        """The rate of each group that the last step() has set."""
        return self._last_lr

    def get_lr(self) -> list[Any]:
        raise NotImplementedError

    def state_dict(self) -> dict[str, Any]:
        """Everything but the optimizer and what can't be saved, under PyTorch's names."""
        return {key: value for key, value in self.__dict__.items() if key not in self.unsaved}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.__dict__.update(state_dict)

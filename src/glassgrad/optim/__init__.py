"""Optimizers and learning-rate schedules: PyTorch's names, arguments, states and numbers."""

from __future__ import annotations

import importlib
from typing import Any

from . import lr_scheduler
from .adam import Adam, Adamax, AdamW, NAdam, RAdam, SparseAdam
from .adaptive import Adadelta, Adagrad, RMSprop
from .early import ASGD, Rprop
from .lbfgs import LBFGS
from .matrices import Adafactor, Muon
from .optimizer import (  # noqa: F401
    Optimizer,
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
    required,
)
from .sgd import SGD

__all__ = [
    "ASGD", "LBFGS", "SGD", "Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW", "Adamax", "Muon", "NAdam",
    "Optimizer", "RAdam", "RMSprop", "Rprop", "SparseAdam", "lr_scheduler",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name == "swa_utils":  # opened at first touch
        return importlib.import_module("glassgrad.optim.swa_utils")
    raise AttributeError(f"module 'glassgrad.optim' has no attribute {name!r}")

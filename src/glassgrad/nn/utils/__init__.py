"""Gradients clipped, weights normalised, parametrized, pruned or fused, sequences of different lengths (`rnn`)."""

from __future__ import annotations

import importlib
from typing import Any

from . import clip_grad, convert_parameters, rnn
from .clip_grad import *  # noqa: F403
from .convert_parameters import *  # noqa: F403

__all__ = ["rnn"]
__all__ += clip_grad.__all__
__all__ += convert_parameters.__all__

ROOMS = (
    "fusion",
    "parametrizations",
    "parametrize",
    "prune",
    "stateless",
)  # opened at first touch, as what is in these:
KEPT = {
    "fusion": ("fuse_conv_bn_eval", "fuse_conv_bn_weights", "fuse_linear_bn_eval", "fuse_linear_bn_weights",
               "skip_init"),
    "lengths": ("remove_weight_norm", "weight_norm"),
    "spectral": ("remove_spectral_norm", "spectral_norm"),
}  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in ROOMS:
        return importlib.import_module(f"{__name__}.{name}")
    for room, names in KEPT.items():
        if name in names:
            return getattr(importlib.import_module(f"{__name__}.{room}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

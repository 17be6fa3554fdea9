"""The public names of differentiation: backward, grad, Function's home."""

from __future__ import annotations

from .modes import enable_grad, inference_mode, no_grad, set_grad_enabled
from .tensor import backward, grad

__all__ = ["backward", "enable_grad", "grad", "inference_mode", "no_grad", "set_grad_enabled"]

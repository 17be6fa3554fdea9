"""glassgrad: the deep-learning engine you can see through."""

from __future__ import annotations

import importlib
import warnings
from typing import Any

from . import ops
from .core import autograd as _engine  # gives Tensor its backward()
from .core import dtypes
from .core.backend import device
from .core.dtypes import (
    bool_ as bool,
)  # fmt: skip
from .core.dtypes import (
    can_cast,
    complex64,
    complex128,
    dtype,
    float16,
    float32,
    float64,
    get_default_dtype,
    int8,
    int16,
    int32,
    int64,
    promote_types,
    set_default_dtype,
    uint8,
)
from .core.modes import (
    enable_grad,
    inference_mode,
    is_grad_enabled,
    is_inference_mode_enabled,
    no_grad,
    set_grad_enabled,
)  # fmt: skip
from .core.native import get_num_threads, set_num_threads
from .core.printing import get_printoptions, printoptions, set_printoptions
from .core.size import Size
from .core.tensor import Tensor, tensor

# exp(1000), 0/0 and log(0) are answers here, as in PyTorch.
warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"glassgrad(\.|$)")

__version__ = "0.1.0"

for _module in ops.MODULES:
    globals().update({_name: getattr(_module, _name) for _name in _module.__all__})

half, float, double, short, int, long = float16, float32, float64, int16, int32, int64
cfloat, cdouble = complex64, complex128


# Rooms that are opened at first use, so that the import stays light.
_ROOMS = {
    "accelerator", "amp", "autograd", "backends", "compiler", "cuda", "data", "distributed", "func", "glass", "io",
    "linalg", "mps", "multiprocessing", "nn", "optim", "scalar", "special", "tensorboard", "torchlike", "train", "utils",
    "vision", "xpu",
}  # fmt: skip
_NAMES = {  # of rooms, that are public names too
    "OutOfMemoryError": "cuda", "autocast": "amp", "get_autocast_dtype": "amp", "is_autocast_cache_enabled": "amp",
    "is_autocast_enabled": "amp", "get_float32_matmul_precision": "backends",
    "set_float32_matmul_precision": "backends",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return importlib.import_module(f"glassgrad.{name}")
    if name in ops.late.HOME:
        found = globals()[name] = ops.late.find(name)
        return found
    if name in _NAMES:
        return getattr(importlib.import_module(f"glassgrad.{_NAMES[name]}"), name)
    if name == "compile":
        return importlib.import_module("glassgrad.compiler").compile
    if name == "bfloat16":  # needs ml_dtypes
        return dtypes.named(name)
    raise AttributeError(f"module 'glassgrad' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_ROOMS, *ops.late.HOME, "bfloat16", "compile"})

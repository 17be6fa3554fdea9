"""glassgrad: the deep-learning engine you can see through."""

from __future__ import annotations

import importlib
import warnings
from math import e, inf, nan, pi
from typing import Any

import numpy  # from up here: deeper in, CPython 3.11 maps and unmaps stack at every call of that import, some 15 ms

from . import ops
from .core import autograd as _engine  # gives Tensor its backward()
from .core import dtypes
from .core import errors as _errors
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
_errors.watch()

__version__ = "0.1.0"

globals().update(ops.keywords.published(ops.MODULES))

half, float, double, short, int, long = float16, float32, float64, int16, int32, int64
cfloat, cdouble = complex64, complex128
newaxis = None


# Rooms that are opened at first use, so that the import stays light.
_ROOMS = {
    "accelerator", "amp", "autograd", "backends", "compiler", "cuda", "data", "distributed", "distributions", "fft",
    "func", "glass", "io", "linalg", "mps", "multiprocessing", "nn", "optim", "profiler", "scalar", "serialization",
    "sparse", "special", "storage", "tensorboard", "testing", "torchlike", "train", "utils", "vision", "xpu",
}  # fmt: skip
# Public names that live in a room, where need be under another name there.
_ELSEWHERE = {
    "OutOfMemoryError": "cuda", "TypedStorage": "storage", "UntypedStorage": "storage", "autocast": "amp",
    "compile": "compiler", "derive": "glass", "draw": "glass", "explain": "glass",
    "get_autocast_dtype": "amp", "is_anomaly_check_nan_enabled": "autograd",
    "is_anomaly_enabled": "autograd", "is_autocast_cache_enabled": "amp", "is_autocast_enabled": "amp",
    "lint": "glass",
    "load": "serialization", "save": "serialization", "set_anomaly_enabled": "autograd.set_detect_anomaly",
    "paths": "glass", "profile": "glass", "step": "glass", "vmap": "func", "watch": "glass", "watch_health": "glass",
}  # fmt: skip
# Methods of Tensor that are functions of the package as well.
_IN_PLACE = {
    f"{name}_"
    for name in (
        "abs acos acosh addmv arccos arccosh arcsin arcsinh arctan arctanh asin asinh atan atanh ceil clamp clamp_max "
        "clamp_min clip conj_physical cos cosh deg2rad detach erf erfc exp exp2 expm1 fill fix floor frac gcd i0 "
        "index_put lcm ldexp log log10 log1p log2 logit nan_to_num neg negative rad2deg reciprocal resize_as round "
        "rsqrt sigmoid sin sinc sinh sqrt square tan tanh trunc xlogy"
    ).split()
}


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return importlib.import_module(f"glassgrad.{name}")
    if name in ops.late.HOME:
        found = globals()[name] = ops.late.find(name)
        return found
    if name in _ELSEWHERE:
        room, _, own = _ELSEWHERE[name].partition(".")
        return getattr(importlib.import_module(f"glassgrad.{room}"), own or name)
    if name == "bfloat16":  # needs ml_dtypes
        return dtypes.named(name)
    if name in _IN_PLACE:
        return getattr(Tensor, name)
    raise AttributeError(f"module 'glassgrad' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_ROOMS, *_ELSEWHERE, *_IN_PLACE, *ops.late.HOME, "bfloat16"})

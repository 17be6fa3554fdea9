"""autocast: products in a lower precision, losses in float32. Which functions are meant is in ops/autocast.py."""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextvars import Token
from typing import Any, Self

from ..core import dtypes
from ..core.backend import device
from ..core.dtypes import dtype
from ..core.provenance import warn
from ..ops.autocast import converted, lowered

FAST = {"cpu": "bfloat16", "cuda": "float16", "mps": "float16", "xpu": "float16"}  # where none is given
SUPPORTED = ("bfloat16", "float16")


def is_autocast_available(device_type: str) -> bool:
    """Whether autocast(device_type) can be written."""
    return device(device_type).type in FAST


def get_autocast_dtype(device_type: str) -> dtype:
    """The dtype that autocast computes in on this device, or would."""
    if not is_autocast_available(device_type):
        raise RuntimeError(f"unsupported scalarType for autocast on device type {device_type!r}")
    return (lowered.get() if device_type == "cpu" else None) or dtypes.named(FAST[device_type])


def is_autocast_enabled(device_type: str = "cuda") -> bool:
    """Whether autocast is on here for this device. Of the devices here it is never on but for 'cpu'."""
    return device_type == "cpu" and lowered.get() is not None


def is_autocast_cache_enabled() -> bool:
    """False: converted weights are not kept for the next use. (The numbers are the same.)"""
    return False


class autocast:
    """Inside, the functions of PyTorch's list for the CPU compute in `dtype`. Context manager and decorator.

    device_type: 'cpu'; on 'cuda' autocast warns and is off, as in PyTorch without CUDA. dtype: bfloat16 (the default on
    the CPU; needs ml_dtypes) or float16; for another one autocast warns and is off. cache_enabled: taken for PyTorch's
    sake; a weight used twice is converted twice, to the same numbers.
    Raises ValueError unless device_type is a string, RuntimeError for a device that PyTorch has no autocast for.

    Convolutions and products of long rows are added up in float32 and rounded once, so they may differ from PyTorch's
    in the last bit of the lower dtype. GRUs and the cells compute their gates in the dtype of their states.
    """

    def __init__(
        self, device_type: str, dtype: dtype | None = None, enabled: bool = True, cache_enabled: bool | None = None
    ) -> None:
        if not isinstance(device_type, str):
            raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")
        if not is_autocast_available(device_type):
            raise RuntimeError(f"User specified an unsupported autocast device_type '{device_type}'")
        self.device = device_type
        self.cache_enabled = cache_enabled
        if enabled and device_type == "cuda":
            warn("CUDA is not available or torch_xla is imported. Disabling autocast.")
            enabled = False
        if dtype is None and (enabled or device_type != "cpu"):
            dtype = get_autocast_dtype(device_type)
        self.fast_dtype = dtype
        if enabled and dtype is not None and dtype.name not in SUPPORTED:
            name = device_type.upper()
            warn(
                f"In {name} autocast, but the target dtype is not supported. Disabling autocast.\n"
                f"{name} Autocast only supports dtypes of torch.bfloat16, torch.float16 currently."
            )
            enabled = False
        self._enabled = enabled
        self._undo: list[Token[Any] | None] = []

    def __enter__(self) -> Self:
        mine = self.device == "cpu"  # no tensor lies on the others
        self._undo.append(lowered.set(self.fast_dtype if self._enabled else None) if mine else None)
        return self

    def __exit__(self, *_: object) -> None:
        if (undo := self._undo.pop()) is not None:
            lowered.reset(undo)

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        if not callable(function):
            raise TypeError(
                f"autocast()(func) requires a callable, but got {type(function).__name__}. "
                "Did you mean to use autocast as a context manager, `with autocast(device_type=...):`?"
            )

        @functools.wraps(function)
        def inside(*args: Any, **kwargs: Any) -> Any:
            with self:
                return function(*args, **kwargs)

        return inside


def _checked(device_type: Any) -> None:
    if not isinstance(device_type, str):
        raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")


def custom_fwd(fwd: Any = None, *, device_type: str, cast_inputs: dtype | None = None) -> Any:
    """For `forward` of an autograd.Function: remembers in ctx whether autocast was on.

    cast_inputs: where autocast is on, the floating-point inputs are converted to it and forward runs with it off.
    """
    _checked(device_type)
    if fwd is None:
        return functools.partial(custom_fwd, device_type=device_type, cast_inputs=cast_inputs)

    @functools.wraps(fwd)
    def forward(ctx: Any, *args: Any, **kwargs: Any) -> Any:
        on = is_autocast_enabled(device_type)
        ctx._autocast = {"enabled": on and cast_inputs is None, "dtype": lowered.get() if on else None}
        if cast_inputs is None or not on:
            return fwd(ctx, *args, **kwargs)
        with autocast(device_type, enabled=False):
            return fwd(ctx, *converted(args, cast_inputs), **converted(kwargs, cast_inputs))

    return forward


def custom_bwd(bwd: Any = None, *, device_type: str) -> Any:
    """For `backward` of an autograd.Function: runs with autocast as it was in forward; see custom_fwd."""
    _checked(device_type)
    if bwd is None:
        return functools.partial(custom_bwd, device_type=device_type)

    @functools.wraps(bwd)
    def backward(ctx: Any, *grads: Any) -> Any:
        with autocast(device_type, **ctx._autocast):
            return bwd(ctx, *grads)

    return backward

"""Process-wide switches under PyTorch's names. What they ask for is said at each: most of it is so anyway."""

from __future__ import annotations

from typing import Any

from . import dtypes
from .provenance import warn
from .tensor import type_of

_state: dict[str, Any] = {"deterministic": 0, "precision": "highest", "interop": 1, "warn": False}


# --- the same numbers every time: they are, whatever is chosen ---


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Only operations that give the same numbers every time; all operations here do."""
    _state["deterministic"] = (1 if warn_only else 2) if mode else 0


def are_deterministic_algorithms_enabled() -> bool:
    return _state["deterministic"] > 0


def is_deterministic_algorithms_warn_only_enabled() -> bool:
    return _state["deterministic"] == 1


def get_deterministic_debug_mode() -> int:
    """0 where nothing was asked for, 1 for a warning, 2 for an error."""
    return _state["deterministic"]


_MODES = ("default", "warn", "error")


def set_deterministic_debug_mode(debug_mode: int | str) -> None:
    """use_deterministic_algorithms by number or by name: "default", "warn" or "error"."""
    if debug_mode not in (*_MODES, 0, 1, 2):
        raise RuntimeError(f"invalid value for debug_mode, expected one of {_MODES} or 0, 1, 2, but got {debug_mode}")
    _state["deterministic"] = debug_mode if isinstance(debug_mode, int) else _MODES.index(debug_mode)


# --- float32 products are always computed in float32: "highest" ---


def get_float32_matmul_precision() -> str:
    return _state["precision"]


def set_float32_matmul_precision(precision: str) -> None:
    """Allow fewer bits in products ("high", "medium"): an allowance that is not used here."""
    if precision not in ("highest", "high", "medium"):
        warn(
            f"{precision} is not one of 'highest', 'high', or 'medium'; the current"
            "setFloat32MatmulPrecision call has no effect."
        )
        return
    _state["precision"] = precision


# --- threads, denormal numbers, warnings ---


def get_num_interop_threads() -> int:
    return _state["interop"]


def set_num_interop_threads(n: int) -> None:
    """How many operations may run side by side: here one at a time, each on get_num_threads() threads."""
    if n < 1:
        raise RuntimeError(f"set_num_interop_threads expects a positive integer, got {n}")
    _state["interop"] = n


def set_flush_denormal(mode: bool) -> bool:
    """False: denormal numbers are kept, there is no switch for them."""
    return False


def is_warn_always_enabled() -> bool:
    return _state["warn"]


def set_warn_always(b: bool) -> None:
    """Repeat warnings that PyTorch gives once. Python's filters decide about the warnings given here."""
    _state["warn"] = bool(b)


def set_default_tensor_type(t: Any) -> None:
    """set_default_dtype, by the type: torch.DoubleTensor or its name."""
    warn(
        "torch.set_default_tensor_type() is deprecated as of PyTorch 2.1, please use torch.set_default_dtype() and "
        "torch.set_default_device() as alternatives."
    )
    chosen = type_of(t)
    if not chosen.is_floating_point:
        raise TypeError(f"only floating-point types are supported as the default type, not {t!r}")
    dtypes.set_default_dtype(chosen)

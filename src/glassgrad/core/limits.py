"""What a dtype can hold: torch.finfo and torch.iinfo."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import dtypes
from .dtypes import dtype


class _Limits:
    shown: tuple[str, ...] = ()
    dtype: str

    def __repr__(self) -> str:
        numbers = ", ".join(f"{name}={_short(getattr(self, name))}" for name in self.shown)
        return f"{type(self).__name__}({numbers}, dtype={self.dtype})"

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.dtype == other.dtype

    def __hash__(self) -> int:
        return hash(self.dtype)


def _short(number: float) -> str:
    return f"{number:.6g}"


class finfo(_Limits):
    """Limits of a floating dtype (the default one unless given); of a complex one, those of its parts.

    bits, min, max, eps (the step after 1), smallest_normal = tiny, resolution (a power of ten near eps).
    """

    shown = ("resolution", "min", "max", "eps", "smallest_normal", "tiny")

    def __init__(self, type: dtype | None = None) -> None:
        kind = dtypes.get_default_dtype() if type is None else type
        if not isinstance(kind, dtype):
            raise TypeError(f"finfo(): argument 'type' must be torch.dtype, not {kind.__class__.__name__}")
        if not (kind.is_floating_point or kind.is_complex):
            raise TypeError(
                "torch.finfo() requires a floating point input type. Use torch.iinfo to handle 'torch.finfo'"
            )
        facts: Any = _facts(kind)
        self.bits = int(facts.bits)
        self.min, self.max, self.eps = float(facts.min), float(facts.max), float(facts.eps)
        self.tiny = self.smallest_normal = float(facts.smallest_normal)
        self.resolution = 0.01 if kind.name == "bfloat16" else float(f"{float(facts.resolution):.0e}")
        self.dtype = str(dtypes.of(facts.dtype).name)


def _facts(kind: dtype) -> Any:
    if kind.name != "bfloat16":
        return np.finfo(kind.array_dtype)
    import ml_dtypes

    return ml_dtypes.finfo(kind.array_dtype)


class iinfo(_Limits):
    """Limits of an integer dtype: bits, min, max."""

    shown = ("min", "max")

    def __init__(self, type: dtype) -> None:
        if not isinstance(type, dtype):
            raise TypeError(f"iinfo(): argument 'type' must be torch.dtype, not {type.__class__.__name__}")
        if type.is_floating_point or type.is_complex:
            raise TypeError("torch.iinfo() requires an integer input type. Use torch.finfo to handle 'torch.iinfo'")
        if type is dtypes.bool_:
            raise TypeError("torch.bool is not supported by torch.iinfo")
        facts = np.iinfo(type.array_dtype)
        self.bits, self.min, self.max = int(facts.bits), int(facts.min), int(facts.max)
        self.dtype = type.name

"""The older names of mixed precision on CUDA: they warn that they are old, and that CUDA is not available."""

from __future__ import annotations

import functools
from typing import Any

from .. import amp
from ..core.dtypes import dtype, float16
from ..core.provenance import warn

__all__ = ["GradScaler", "autocast", "custom_bwd", "custom_fwd"]


def _old(name: str) -> None:
    new = f"torch.amp.{name}('cuda', args...)"
    warn(f"`torch.cuda.amp.{name}(args...)` is deprecated. Please use `{new}` instead.", FutureWarning)


class autocast(amp.autocast):
    """amp.autocast("cuda", ...): off, with a warning."""

    def __init__(self, enabled: bool = True, dtype: dtype = float16, cache_enabled: bool = True) -> None:
        _old("autocast")
        super().__init__("cuda", dtype=dtype, enabled=enabled, cache_enabled=cache_enabled)


class GradScaler(amp.GradScaler):
    """amp.GradScaler("cuda", ...): disabled, with a warning."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        _old("GradScaler")
        super().__init__("cuda", *args, **kwargs)


custom_fwd = functools.partial(amp.custom_fwd, device_type="cuda")
custom_bwd = functools.partial(amp.custom_bwd, device_type="cuda")

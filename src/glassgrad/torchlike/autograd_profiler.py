"""torch.autograd.profiler: what came before torch.profiler, and is that one here."""

from __future__ import annotations

from ..profiler import EventList, FunctionEvent, kineto_available, record_function
from ..profiler import autograd_profile as profile

__all__ = ["EventList", "FunctionEvent", "kineto_available", "profile", "record_function"]

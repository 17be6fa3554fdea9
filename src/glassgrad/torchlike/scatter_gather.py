"""torch.nn.parallel.scatter_gather: a batch's parts on several GPUs, of which there are none."""

from __future__ import annotations

from .jit import refuse

__all__ = ["gather", "scatter"]

scatter = refuse("torch.nn.parallel.scatter", "there are no GPUs to spread a batch over; use chunk()")
gather = refuse("torch.nn.parallel.gather", "there are no GPUs to collect a batch from; use torch.cat")

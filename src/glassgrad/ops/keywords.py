"""The functions and methods to which core.keywords gives axis= and out=. Operations with options have them already."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..core.keywords import lenient

AXIS = """
    aminmax argsort chunk count_nonzero cross cummax cummin cumprod diff gather index_add index_copy index_fill
    index_select kthvalue log_softmax median mode nanmean nanmedian nanquantile nansum narrow quantile
    repeat_interleave scatter scatter_add select select_scatter softmax sort stack std_mean take_along_dim topk
    trapezoid trapz unbind unbind_copy unflatten unsafe_chunk var_mean
"""
OUT = """
    alias_copy aminmax argmax argmin argsort cholesky cholesky_inverse cholesky_solve cummax cummin cumprod deg2rad
    detach_copy diff expand_copy hardshrink histc index_add index_copy index_reduce inverse isin log_softmax logit
    lu_solve matrix_power median mode mvlgamma nanmean nanmedian nanquantile nansum narrow_copy native_batch_norm
    norm permute_copy polygamma qr quantile rad2deg round scatter scatter_add scatter_reduce select_copy
    slice_scatter slogdet softmax split_copy split_with_sizes_copy sum svd threshold triangular_solve unbind_copy
    view_copy
"""


_AXIS, _EITHER = frozenset(AXIS.split()), frozenset(AXIS.split() + OUT.split())


def published(modules: Iterable[Any]) -> dict[str, Any]:
    """The modules' public functions by name."""
    return {name: function(name, getattr(module, name)) for module in modules for name in module.__all__}


def function(name: str, call: Any) -> Any:
    """The public function of that name."""
    return lenient(call) if name in _EITHER else call


def method(name: str, call: Any) -> Any:
    """The method of that name."""
    return lenient(call) if name in _AXIS else call

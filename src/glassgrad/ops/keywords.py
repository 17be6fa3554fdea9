"""The functions and methods to which core.keywords gives axis= and out=. Operations with options have them already.

Also those that take a number before the tensor that it scales, as PyTorch wants to be rid of since version 1.5.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any

from ..core.keywords import lenient
from ..core.provenance import warn
from ..core.tensor import Tensor

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


# name: how many tensors, and what the numbers between them are called.
SCALED: dict[str, tuple[int, tuple[str, ...]]] = {
    **dict.fromkeys(("add", "sub"), (2, ("alpha",))),
    **dict.fromkeys(("addcmul", "addcdiv"), (3, ("value",))),
    **dict.fromkeys(("addmm", "addmv", "addr", "addbmm", "baddbmm"), (3, ("beta", "alpha"))),
}


_AXIS, _EITHER = frozenset(AXIS.split()), frozenset(AXIS.split() + OUT.split())


def published(modules: Iterable[Any]) -> dict[str, Any]:
    """The modules' public functions by name."""
    return {name: function(name, getattr(module, name)) for module in modules for name in module.__all__}


def function(name: str, call: Any) -> Any:
    """The public function of that name."""
    return lenient(call) if name in _EITHER else scaled(name, call)


def method(name: str, call: Any) -> Any:
    """The method of that name."""
    return lenient(call) if name in _AXIS else scaled(name, call)


def scaled(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
    """call, which takes add(x, 2, y) for add(x, y, alpha=2) where its name is in SCALED."""
    if name not in SCALED:
        return call
    count, names = SCALED[name]

    @functools.wraps(call)
    def public(*args: Any, **options: Any) -> Any:
        try:
            return call(*args, **options)
        except TypeError:
            tensors = [x for x in args if isinstance(x, Tensor)]
            numbers = [x for x in args if isinstance(x, (int, float))]
            if not 0 < len(numbers) <= len(names) or len(tensors) != count or len(args) != count + len(numbers):
                raise
        said = ", ".join(f"{each}={number}" for each, number in zip(names, numbers, strict=False))
        warn(f"This overload of {name} is deprecated: give {said} behind the tensors")
        return call(*tensors, **dict(zip(names, numbers, strict=False)), **options)

    return public

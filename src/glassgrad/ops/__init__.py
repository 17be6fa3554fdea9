"""The operations. Each file declares what it gives to the public namespace (`__all__`) and to Tensor: METHODS are
methods under the same name, IN_PLACE are methods with a trailing underscore that change the tensor itself."""

from __future__ import annotations

import functools
from typing import Any

from ..core import native
from ..core.tensor import Tensor
from ..core.views import in_place
from . import (
    activations,
    arithmetic,
    arrange,
    attention,
    bessel,
    cast,
    choice,
    classification,
    complexes,
    copies,
    create,
    ctc,
    cumulative,
    decompositions,
    dropout,
    einsum,
    elementwise,
    embeddings,
    extremes,
    formats,
    gamma,
    gather,
    grid,
    index,
    linalg,
    losses,
    margins,
    matrices,
    natives,
    neural,
    norms,
    operators,
    order,
    parts,
    pool,
    randoms,
    recurrent,
    reduce,
    resample,
    shape,
    solve,
    special,
    statistics,
    unpool,
    windows,
)

MODULES = (
    choice,
    arithmetic,
    elementwise,
    complexes,
    activations,
    special,
    gamma,
    bessel,
    cast,
    reduce,
    extremes,
    cumulative,
    formats,
    shape,
    parts,
    index,
    gather,
    order,
    statistics,
    arrange,
    create,
    randoms,
    linalg,
    einsum,
    solve,
    decompositions,
    matrices,
    windows,
    pool,
    resample,
    dropout,
    neural,
    losses,
    classification,
    norms,
    margins,
    embeddings,
    attention,
    unpool,
    grid,
    ctc,
    recurrent,
    natives,
    copies,
)

OPERATORS = {
    **operators.TABLE,
    "__matmul__": operators.forth(linalg.matmul),
    "__rmatmul__": operators.back(linalg.matmul),
    "where": choice.where_method,
    "real": property(complexes.real),
    "imag": property(complexes.imag),
}


def _changing(call: Any) -> Any:
    @functools.wraps(call)
    def method(self: Tensor, *args: Any, **options: Any) -> Tensor:
        return in_place(self, call, *args, **options)

    method.__name__ = method.__qualname__ = f"{call.__name__}_"
    return method


def attach() -> None:
    """Give Tensor its methods and operators."""
    for module in MODULES:
        for name in module.METHODS:
            setattr(Tensor, name, getattr(module, name))
        for name in module.IN_PLACE:
            setattr(Tensor, f"{name}_", _changing(getattr(module, name)))
    for name, call in OPERATORS.items():
        setattr(Tensor, name, call)
    for name, read in shape.PROPERTIES.items():
        setattr(Tensor, name, property(read))


attach()
native.attach()

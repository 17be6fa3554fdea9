"""The operations. Each file declares what it gives to the public namespace (`__all__`) and to Tensor: METHODS are
methods under the same name, IN_PLACE are methods with a trailing underscore that change the tensor itself."""

from __future__ import annotations

import functools
from typing import Any

from ..core import native
from ..core.op import REGISTRY
from ..core.tensor import Tensor
from ..core.views import in_place
from . import (
    activations,
    arithmetic,
    arrange,
    autocast,
    cast,
    choice,
    classification,
    complexes,
    copies,
    create,
    cumulative,
    dropout,
    einsum,
    elementwise,
    extremes,
    formats,
    gather,
    index,
    keywords,
    late,
    linalg,
    losses,
    neural,
    norms,
    operators,
    order,
    parts,
    pool,
    randoms,
    reduce,
    shape,
    special,
    windows,
)

MODULES = (
    choice,
    arithmetic,
    elementwise,
    complexes,
    activations,
    special,
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
    arrange,
    create,
    randoms,
    linalg,
    einsum,
    windows,
    pool,
    dropout,
    neural,
    losses,
    classification,
    norms,
    copies,
)

autocast.attach(*[module.__name__ for module in MODULES])

OPERATORS = {
    **operators.TABLE,
    "__matmul__": operators.forth(linalg.matmul),
    "__rmatmul__": operators.back(linalg.matmul),
    "where": choice.where_method,
    "layout": property(lambda x: formats.strided),
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
            setattr(Tensor, name, keywords.method(name, getattr(module, name)))
        for name in module.IN_PLACE:
            setattr(Tensor, f"{name}_", _changing(keywords.scaled(name, getattr(module, name))))
    for gives in late.LATE.values():
        for name in [*gives.methods.split(), *gives.only_methods.split()]:
            setattr(Tensor, name, late.Method(name, name))
        for name in gives.in_place.split():
            setattr(Tensor, f"{name}_", late.Method(f"{name}_", name, _changing))
    for name, call in OPERATORS.items():
        setattr(Tensor, name, call)
    for name, read in shape.PROPERTIES.items():
        setattr(Tensor, name, property(read))


attach()
native.add_paths(REGISTRY)

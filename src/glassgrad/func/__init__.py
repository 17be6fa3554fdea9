"""Functions of functions: derivatives and batches of whatever a Python function computes, as torch.func.

>>> import glassgrad as gg
>>> from glassgrad.func import grad, vmap
>>> cube = lambda x: x**3
>>> grad(grad(cube))(gg.tensor(2.0))
tensor(12.)
>>> vmap(grad(cube))(gg.tensor([1.0, 2.0]))
tensor([ 3., 12.])
"""

from __future__ import annotations

from .batching import vmap
from .modules import functional_call, stack_module_state
from .transforms import (
    grad,
    grad_and_value,
    hessian,
    hvp,
    jacfwd,
    jacrev,
    jvp,
    linearize,
    value_and_grad,
    vjp,
)

__all__ = [
    "functional_call",
    "grad",
    "grad_and_value",
    "hessian",
    "hvp",
    "jacfwd",
    "jacrev",
    "jvp",
    "linearize",
    "stack_module_state",
    "value_and_grad",
    "vjp",
    "vmap",
]

"""From a constraint to a transform that takes unconstrained numbers there.

`biject_to(constraint)` is a bijection, `transform_to(constraint)` need not be one: it is simpler where it can be.
"""

from __future__ import annotations

from collections.abc import Callable
from numbers import Number
from typing import Any

from . import constraints, transforms

__all__ = ["ConstraintRegistry", "biject_to", "transform_to"]


class ConstraintRegistry:
    """Factories of transforms by the class of a constraint: `@registry.register(constraint)`."""

    def __init__(self) -> None:
        self._registry: dict[type, Callable[[Any], Any]] = {}

    def register(self, constraint: Any, factory: Any = None) -> Any:
        """factory(constraint) makes the transform of constraints of this class; without one, a decorator."""
        if factory is None:
            return lambda factory: self.register(constraint, factory)
        kind = type(constraint) if isinstance(constraint, constraints.Constraint) else constraint
        if not isinstance(kind, type) or not issubclass(kind, constraints.Constraint):
            raise TypeError(f"Expected constraint to be either a Constraint subclass or instance, but got {constraint}")
        self._registry[kind] = factory
        return factory

    def __call__(self, constraint: Any) -> Any:
        try:
            factory = self._registry[type(constraint)]
        except KeyError:
            raise NotImplementedError(f"Cannot transform {type(constraint).__name__} constraints") from None
        return factory(constraint)


biject_to, transform_to = ConstraintRegistry(), ConstraintRegistry()


def _affine(first: Any, loc: Any, scale: Any) -> Any:
    return transforms.ComposeTransform([first, transforms.AffineTransform(loc, scale)])


def _to_interval(c: Any) -> Any:
    bounds = (c.lower_bound, c.upper_bound)
    if all(isinstance(b, Number) for b in bounds) and bounds == (0, 1):
        return transforms.SigmoidTransform()
    return _affine(transforms.SigmoidTransform(), c.lower_bound, c.upper_bound - c.lower_bound)


# constraint -> the transform to it
BOTH: list[tuple[Any, Callable[[Any], Any]]] = [
    (constraints.real, lambda c: transforms.identity_transform),
    (constraints.greater_than, lambda c: _affine(transforms.ExpTransform(), c.lower_bound, 1)),
    (constraints.greater_than_eq, lambda c: _affine(transforms.ExpTransform(), c.lower_bound, 1)),
    (constraints.less_than, lambda c: _affine(transforms.ExpTransform(), c.upper_bound, -1)),
    (constraints.interval, _to_interval),
    (constraints.half_open_interval, _to_interval),
    (constraints.corr_cholesky, lambda c: transforms.CorrCholeskyTransform()),
]
BIJECTIONS: list[tuple[Any, Callable[[Any], Any]]] = [
    *BOTH,
    (constraints.simplex, lambda c: transforms.StickBreakingTransform()),
]
OTHERS: list[tuple[Any, Callable[[Any], Any]]] = [
    *BOTH,
    (constraints.simplex, lambda c: transforms.SoftmaxTransform()),
    (constraints.lower_cholesky, lambda c: transforms.LowerCholeskyTransform()),
    (constraints.positive_definite, lambda c: transforms.PositiveDefiniteTransform()),
    (constraints.positive_semidefinite, lambda c: transforms.PositiveDefiniteTransform()),
]


def _made_of_others(to: ConstraintRegistry) -> list[tuple[Any, Callable[[Any], Any]]]:
    return [
        (
            constraints.independent,
            lambda c: transforms.IndependentTransform(to(c.base_constraint), c.reinterpreted_batch_ndims),
        ),
        (constraints.cat, lambda c: transforms.CatTransform([to(part) for part in c.cseq], c.dim, c.lengths)),
        (constraints.stack, lambda c: transforms.StackTransform([to(part) for part in c.cseq], c.dim)),
    ]


for _registry, _rows in ((biject_to, BIJECTIONS), (transform_to, OTHERS)):
    for _constraint, _factory in [*_rows, *_made_of_others(_registry)]:
        _registry.register(_constraint, _factory)

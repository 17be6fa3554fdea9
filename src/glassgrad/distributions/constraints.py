"""What a parameter or a value may be: `constraint.check(x)` says of every event in x whether it lies within.

`event_dim` counts the dims at the right that are checked together and fall away; `is_discrete` says that only whole
numbers lie within. The objects of the public names are made at the end of this file.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..core.backend import to_host
from ..core.tensor import Tensor
from ..ops.arrange import cat as join
from ..ops.arrange import stack as pile
from ..ops.choice import isclose
from ..ops.create import full
from ..ops.decompositions import eigvalsh
from ..ops.matrices import vector_norm

__all__ = [
    "Constraint", "MixtureSameFamilyConstraint", "boolean", "cat", "corr_cholesky", "dependent", "dependent_property",
    "greater_than", "greater_than_eq", "half_open_interval", "independent", "integer_interval", "interval",
    "is_dependent", "less_than", "lower_cholesky", "lower_triangular", "multinomial", "nonnegative",
    "nonnegative_integer", "one_hot", "positive", "positive_definite", "positive_integer", "positive_semidefinite",
    "real", "real_vector", "simplex", "square", "stack", "symmetric", "unit_interval",
]  # fmt: skip


class Constraint:
    """A region of a space; subclasses define `check(value) -> bool tensor`."""

    is_discrete: Any = False
    event_dim: Any = 0

    def check(self, value: Any) -> Any:
        raise NotImplementedError

    def __repr__(self) -> str:
        return f"{type(self).__name__[1:]}()"


def _of(constraints: Sequence[Any], what: str) -> list[Constraint]:
    for c in constraints:
        if not isinstance(c, Constraint):
            raise AssertionError(f"{what} must be a Constraint, got {type(c).__name__}")
    return list(constraints)


# --- constraints that depend on other variables ---


class _Dependent(Constraint):
    """One that depends on other variables, so that it can be checked only where those are known."""

    def __init__(self, *, is_discrete: Any = NotImplemented, event_dim: Any = NotImplemented) -> None:
        self._is_discrete, self._event_dim = is_discrete, event_dim

    @property
    def is_discrete(self) -> Any:
        return self._known("is_discrete")

    @property
    def event_dim(self) -> Any:
        return self._known("event_dim")

    def _known(self, name: str) -> Any:
        value = getattr(self, f"_{name}")
        if value is NotImplemented:
            raise NotImplementedError(f".{name} cannot be determined statically")
        return value

    def __call__(self, *, is_discrete: Any = NotImplemented, event_dim: Any = NotImplemented) -> Any:
        return _Dependent(
            is_discrete=self._is_discrete if is_discrete is NotImplemented else is_discrete,
            event_dim=self._event_dim if event_dim is NotImplemented else event_dim,
        )

    def check(self, value: Any) -> Any:
        raise ValueError("Cannot determine validity of dependent constraint")


def is_dependent(constraint: Any) -> bool:
    """Whether the constraint depends on other variables."""
    return isinstance(constraint, _Dependent)


class _DependentProperty(property, _Dependent):
    """A property of instances, and a dependent constraint of their class."""

    def __init__(
        self,
        fn: Callable[..., Any] | None = None,
        *,
        is_discrete: Any = NotImplemented,
        event_dim: Any = NotImplemented,
    ) -> None:
        property.__init__(self, fn)
        self._is_discrete, self._event_dim = is_discrete, event_dim

    def __call__(self, fn: Callable[..., Any]) -> _DependentProperty:  # type: ignore[override]
        return _DependentProperty(fn, is_discrete=self._is_discrete, event_dim=self._event_dim)


# --- constraints made of others ---


def _joined(result: Any, kept: int, event_dim: int, value: Any) -> Any:
    """The result with the dims after the first `kept` ones joined by `and`."""
    if kept < 0:
        raise ValueError(f"Expected value.dim() >= {event_dim} but got {value.dim()}")
    return result.reshape((*result.shape[:kept], -1)).all(-1)


class _IndependentConstraint(Constraint):
    """`base_constraint` for all of the last `reinterpreted_batch_ndims` dims together."""

    def __init__(self, base_constraint: Constraint, reinterpreted_batch_ndims: int) -> None:
        _of([base_constraint], "base_constraint")
        if not isinstance(reinterpreted_batch_ndims, int) or reinterpreted_batch_ndims < 0:
            raise AssertionError(f"reinterpreted_batch_ndims must be an int >= 0, got {reinterpreted_batch_ndims!r}")
        self.base_constraint = base_constraint
        self.reinterpreted_batch_ndims = reinterpreted_batch_ndims

    @property
    def is_discrete(self) -> bool:  # type: ignore[override]
        return self.base_constraint.is_discrete

    @property
    def event_dim(self) -> int:  # type: ignore[override]
        return self.base_constraint.event_dim + self.reinterpreted_batch_ndims

    def check(self, value: Any) -> Any:
        result = self.base_constraint.check(value)
        return _joined(result, result.dim() - self.reinterpreted_batch_ndims, self.event_dim, value)

    def __repr__(self) -> str:
        return f"{type(self).__name__[1:]}({self.base_constraint!r}, {self.reinterpreted_batch_ndims})"


class MixtureSameFamilyConstraint(Constraint):
    """`base_constraint`, of a mixture's components, for values of the mixture."""

    def __init__(self, base_constraint: Constraint) -> None:
        _of([base_constraint], "base_constraint")
        self.base_constraint = base_constraint

    @property
    def is_discrete(self) -> bool:  # type: ignore[override]
        return self.base_constraint.is_discrete

    @property
    def event_dim(self) -> int:  # type: ignore[override]
        return self.base_constraint.event_dim

    def check(self, value: Any) -> Any:
        result = self.base_constraint.check(value.unsqueeze(-1 - self.event_dim))
        return _joined(result, value.dim() - self.event_dim, self.event_dim, value)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.base_constraint!r})"


class _Cat(Constraint):
    """The constraints `cseq` for parts of these lengths along `dim`, as `cat` joins them."""

    def __init__(self, cseq: Sequence[Constraint], dim: int = 0, lengths: Sequence[int] | None = None) -> None:
        self.cseq, self.dim = _of(cseq, "every item of cseq"), dim
        self.lengths = [1] * len(self.cseq) if lengths is None else list(lengths)
        if len(self.lengths) != len(self.cseq):
            raise AssertionError(f"lengths ({len(self.lengths)}) must match cseq ({len(self.cseq)})")

    @property
    def is_discrete(self) -> bool:  # type: ignore[override]
        return any(c.is_discrete for c in self.cseq)

    @property
    def event_dim(self) -> int:  # type: ignore[override]
        return max(c.event_dim for c in self.cseq)

    def check(self, value: Any) -> Any:
        parts = value.split(self.lengths, self.dim)
        return join([c.check(v) for c, v in zip(self.cseq, parts, strict=True)], self.dim)


class _Stack(Constraint):
    """The constraints `cseq`, one for each place along `dim`, as `stack` joins them."""

    def __init__(self, cseq: Sequence[Constraint], dim: int = 0) -> None:
        self.cseq, self.dim = _of(cseq, "every item of cseq"), dim

    @property
    def is_discrete(self) -> bool:  # type: ignore[override]
        return any(c.is_discrete for c in self.cseq)

    @property
    def event_dim(self) -> int:  # type: ignore[override]
        dim = max(c.event_dim for c in self.cseq)
        return dim + 1 if self.dim + dim < 0 else dim

    def check(self, value: Any) -> Any:
        return pile([c.check(v) for c, v in zip(self.cseq, value.unbind(self.dim), strict=True)], self.dim)


# --- numbers ---


class _Real(Constraint):
    def check(self, value: Any) -> Any:
        return value == value  # not NaN


class _Boolean(Constraint):
    is_discrete = True

    def check(self, value: Any) -> Any:
        return (value == 0) | (value == 1)


class _Bounded(Constraint):
    """One with bounds, which are numbers or tensors; `_names` are theirs, `_within` compares."""

    _names: tuple[str, ...]
    _within: Callable[..., Any]

    def __init__(self, *bounds: Any, **named: Any) -> None:
        given = dict(zip(self._names, bounds, strict=False)) | named
        if len(bounds) + len(named) != len(self._names) or given.keys() != set(self._names):
            raise TypeError(f"{type(self).__name__[1:]} takes {', '.join(self._names)}")
        vars(self).update(given)

    def check(self, value: Any) -> Any:
        return type(self)._within(value, *[getattr(self, name) for name in self._names])

    def __repr__(self) -> str:
        return f"{type(self).__name__[1:]}({', '.join(f'{name}={getattr(self, name)}' for name in self._names)})"


def _bounded(name: str, bounds: str, within: Callable[..., Any], is_discrete: bool = False, event_dim: int = 0) -> Any:
    return type(name, (_Bounded,), {
        "_names": tuple(bounds.split()), "_within": staticmethod(within), "is_discrete": is_discrete,
        "event_dim": event_dim, "__module__": __name__,
    })  # fmt: skip


def _whole(x: Any) -> Any:
    return x % 1 == 0


_GreaterThan = _bounded("_GreaterThan", "lower_bound", lambda x, low: low < x)
_GreaterThanEq = _bounded("_GreaterThanEq", "lower_bound", lambda x, low: low <= x)
_LessThan = _bounded("_LessThan", "upper_bound", lambda x, high: x < high)
_Interval = _bounded("_Interval", "lower_bound upper_bound", lambda x, low, high: (low <= x) & (x <= high))
_HalfOpenInterval = _bounded(
    "_HalfOpenInterval", "lower_bound upper_bound", lambda x, low, high: (low <= x) & (x < high)
)
_IntegerGreaterThan = _bounded("_IntegerGreaterThan", "lower_bound", lambda x, low: _whole(x) & (x >= low), True)
_IntegerLessThan = _bounded("_IntegerLessThan", "upper_bound", lambda x, high: _whole(x) & (x <= high), True)
_IntegerInterval = _bounded(
    "_IntegerInterval", "lower_bound upper_bound", lambda x, low, high: _whole(x) & (low <= x) & (x <= high), True
)
_Multinomial = _bounded(  # the sum should be the bound; a smaller one is let pass, as in PyTorch
    "_Multinomial", "upper_bound", lambda x, high: (x >= 0).all(-1) & (x.sum(-1) <= high), True, 1
)
_Multinomial.__repr__ = Constraint.__repr__

# --- vectors and matrices ---


class _OneHot(Constraint):
    is_discrete = True
    event_dim = 1

    def check(self, value: Any) -> Any:
        return boolean.check(value).all(-1) & (value.sum(-1) == 1)


class _Simplex(Constraint):
    event_dim = 1

    def check(self, value: Any) -> Any:
        return (value >= 0).all(-1) & ((value.sum(-1) - 1).abs() < 1e-6)


class _LowerTriangular(Constraint):
    event_dim = 2

    def check(self, value: Any) -> Any:
        return (value.tril() == value).flatten(-2).all(-1)


class _LowerCholesky(_LowerTriangular):
    """Lower triangular, with a positive diagonal."""

    def check(self, value: Any) -> Any:
        return super().check(value) & (value.diagonal(dim1=-2, dim2=-1) > 0).all(-1)


class _CorrCholesky(_LowerCholesky):
    """A Cholesky factor whose rows have length 1: of a correlation matrix."""

    def check(self, value: Any) -> Any:
        tolerance = float(np.finfo(value.array.dtype).eps) * value.size(-1) * 10
        unit = ((vector_norm(value.detach(), dim=-1) - 1).abs() <= tolerance).all(-1)
        return super().check(value) & unit


class _Square(Constraint):
    event_dim = 2

    def check(self, value: Any) -> Any:
        return full(value.shape[:-2], value.shape[-2] == value.shape[-1])


class _Symmetric(_Square):
    def check(self, value: Any) -> Any:
        square = super().check(value)
        return isclose(value, value.mT, atol=1e-6).all(-2).all(-1) if bool(square.all()) else square


class _PositiveSemidefinite(_Symmetric):
    def check(self, value: Any) -> Any:
        symmetric = super().check(value)
        return (eigvalsh(value) >= 0).all(-1) if bool(symmetric.all()) else symmetric


class _PositiveDefinite(_Symmetric):
    def check(self, value: Any) -> Any:
        symmetric = super().check(value)
        return _has_factor(value) if bool(symmetric.all()) else symmetric


def _has_factor(value: Tensor) -> Tensor:
    """Whether each matrix, (..., n, n) -> (...), has a Cholesky factor."""
    matrices = to_host(value.detach().array)
    found = np.zeros(matrices.shape[:-2], np.bool_)
    for place in np.ndindex(found.shape):
        try:
            np.linalg.cholesky(matrices[place])
        except np.linalg.LinAlgError:
            continue
        found[place] = True
    return Tensor._of(found)


# --- the public names ---

dependent = _Dependent()
dependent_property = _DependentProperty
independent = _IndependentConstraint
boolean, one_hot = _Boolean(), _OneHot()
nonnegative_integer, positive_integer = _IntegerGreaterThan(0), _IntegerGreaterThan(1)
integer_interval = _IntegerInterval
real = _Real()
real_vector = independent(real, 1)
positive, nonnegative = _GreaterThan(0.0), _GreaterThanEq(0.0)
greater_than, greater_than_eq, less_than = _GreaterThan, _GreaterThanEq, _LessThan
multinomial = _Multinomial
unit_interval = _Interval(0.0, 1.0)
interval, half_open_interval = _Interval, _HalfOpenInterval
simplex = _Simplex()
lower_triangular, lower_cholesky, corr_cholesky = _LowerTriangular(), _LowerCholesky(), _CorrCholesky()
square, symmetric = _Square(), _Symmetric()
positive_semidefinite, positive_definite = _PositiveSemidefinite(), _PositiveDefinite()
cat, stack = _Cat, _Stack

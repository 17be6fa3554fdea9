"""What every distribution is, and how those with broadcasting parameters are declared.

    class Laplace(Declared):
        loc = parameter(real)
        scale = parameter(positive)
        support = real

        @checked
        def log_prob(self, value): ...

The parameters are the constructor's arguments, in order; they are broadcast against each other, checked, expanded and
shown by repr.
"""

from __future__ import annotations

import functools
import inspect
import operator
from collections.abc import Callable
from typing import Any, ClassVar

from ..core.autograd import grad
from ..core.modes import no_grad
from ..core.provenance import warn
from ..core.size import Size
from ..core.tensor import Tensor
from . import constraints
from .utils import broadcast_all, lazy_property, sum_rightmost

__all__ = ["Declared", "Distribution", "ExponentialFamily", "checked", "parameter"]


class Distribution:
    """The base of all distributions: a `batch_shape` of independent ones over events of `event_shape`.

    validate_args: whether parameters and values are checked (True unless Python runs with -O).
    """

    has_rsample: Any = False
    has_enumerate_support: Any = False
    _validate_args = __debug__

    @staticmethod
    def set_default_validate_args(value: bool) -> None:
        """Whether distributions check their arguments where they aren't told."""
        if value not in (True, False):
            raise ValueError(f"set_default_validate_args takes a bool, got {value!r}")
        Distribution._validate_args = value

    def __init__(self, batch_shape: Any = (), event_shape: Any = (), validate_args: bool | None = None) -> None:
        self._batch_shape = Size(batch_shape)
        self._event_shape = Size(event_shape)
        if validate_args is not None:
            self._validate_args = validate_args
        if self._validate_args:
            self._check_parameters()
        super().__init__()

    def _check_parameters(self) -> None:
        try:
            wanted = self.arg_constraints
        except NotImplementedError:
            wanted = {}
            warn(
                f"{type(self)} does not define `arg_constraints`. Please set `arg_constraints = {{}}` or initialize "
                "the distribution with `validate_args=False` to turn off validation."
            )
        for name, constraint in wanted.items():
            later = name not in vars(self) and isinstance(getattr(type(self), name, None), lazy_property)
            if constraints.is_dependent(constraint) or later:
                continue
            value = getattr(self, name)
            if not bool(constraint.check(value).all()):
                raise ValueError(
                    f"Expected parameter {name} ({type(value).__name__} of shape {tuple(value.shape)}) of distribution "
                    f"{self!r} to satisfy the constraint {constraint!r}, but found invalid values:\n{value}"
                )

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        """The same distribution with its batch dims expanded to batch_shape; the parameters are views."""
        raise NotImplementedError

    @property
    def batch_shape(self) -> Size:
        return self._batch_shape

    @property
    def event_shape(self) -> Size:
        return self._event_shape

    @property
    def arg_constraints(self) -> dict[str, constraints.Constraint]:
        """What each parameter must satisfy, by name."""
        raise NotImplementedError

    @property
    def support(self) -> Any:
        """The constraint that values satisfy."""
        raise NotImplementedError

    @property
    def mean(self) -> Tensor:
        raise NotImplementedError

    @property
    def mode(self) -> Tensor:
        raise NotImplementedError(f"{type(self)} does not implement mode")

    @property
    def variance(self) -> Tensor:
        raise NotImplementedError

    @property
    def stddev(self) -> Tensor:
        return self.variance.sqrt()

    def sample(self, sample_shape: Any = ()) -> Tensor:
        """Numbers drawn, sample_shape + batch_shape + event_shape, with no graph behind them."""
        with no_grad():
            return self.rsample(sample_shape)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        """Numbers drawn as functions of the parameters, so that gradients flow through them."""
        raise NotImplementedError

    def sample_n(self, n: int) -> Tensor:
        warn("`sample_n(n)` will be deprecated. Use `sample((n,))` instead.", FutureWarning)
        return self.sample(Size((n,)))

    def log_prob(self, value: Any) -> Tensor:
        """The logarithm of the density, or of the probability, at the value."""
        raise NotImplementedError

    def cdf(self, value: Any) -> Tensor:
        """The probability of at most the value."""
        raise NotImplementedError

    def icdf(self, value: Any) -> Tensor:
        """The inverse of `cdf`."""
        raise NotImplementedError

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """All values, along a first dim; the batch dims have size 1 unless expand."""
        raise NotImplementedError

    def entropy(self) -> Tensor:
        """In nats, of shape batch_shape."""
        raise NotImplementedError

    def perplexity(self) -> Tensor:
        """exp(entropy)"""
        return self.entropy().exp()

    def _extended_shape(self, sample_shape: Any = ()) -> Size:
        return Size(sample_shape) + self._batch_shape + self._event_shape

    def _validate_sample(self, value: Any) -> None:
        """Raises ValueError unless the value has the shape of events, batches of this one, and lies in the support."""
        if not isinstance(value, Tensor):
            raise ValueError("The value argument to log_prob must be a Tensor")
        given, expected = value.size(), self._batch_shape + self._event_shape
        if given[len(given) - len(self._event_shape) :] != self._event_shape:
            raise ValueError(f"The right-most size of value must match event_shape: {given} vs {self._event_shape}.")
        for i, j in zip(reversed(given), reversed(expected), strict=False):
            if i != 1 and j != 1 and i != j:
                raise ValueError(f"Value is not broadcastable with batch_shape+event_shape: {given} vs {expected}.")
        try:
            support = self.support
        except NotImplementedError:
            warn(
                f"{type(self)} does not define `support` to enable sample validation. Please initialize the "
                "distribution with `validate_args=False` to turn off validation."
            )
            return
        if not bool(support.check(value).all()):
            raise ValueError(
                f"Expected value argument ({type(value).__name__} of shape {tuple(value.shape)}) to be within the "
                f"support ({support!r}) of the distribution {self!r}, but found invalid values:\n{value}"
            )

    def _get_checked_instance(self, cls: type, _instance: Any = None) -> Any:
        """A new instance for `expand` to fill; cls is the class whose `expand` it is."""
        if _instance is None and type(self).__init__ != cls.__init__:  # type: ignore[misc]
            raise NotImplementedError(
                f"Subclass {type(self).__name__} of {cls.__name__} that defines a custom __init__ method must also "
                "define a custom .expand() method."
            )
        return type(self).__new__(type(self)) if _instance is None else _instance

    def _expanded(self, cls: type, _instance: Any, batch_shape: Any, event_shape: Any = (), **attributes: Any) -> Any:
        """The last half of `expand`: an instance with these attributes, not checked again."""
        new = self._get_checked_instance(cls, _instance)
        vars(new).update(attributes)
        Distribution.__init__(new, Size(batch_shape), event_shape, validate_args=False)
        new._validate_args = self._validate_args
        return new

    def __repr__(self) -> str:
        given = {name: vars(self)[name] for name in self.arg_constraints if name in vars(self)}
        shown = ", ".join(f"{name}: {x if x.numel() == 1 else x.size()}" for name, x in given.items())
        return f"{type(self).__name__}({shown})"


def checked(method: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator of `log_prob` and `cdf`: the value is validated first, where this distribution validates."""

    @functools.wraps(method)
    def call(self: Distribution, value: Any) -> Any:
        if self._validate_args:
            self._validate_sample(value)
        return method(self, value)

    return call


class ExponentialFamily(Distribution):
    """Densities exp(natural . statistic - log_normalizer(natural) + carrier): one more way to entropy and divergence.

    Subclasses give `_natural_params`, `_log_normalizer(*natural)` and `_mean_carrier_measure`.
    Source: Nielsen and Nock 2010, "Entropies and cross-entropies of exponential families", ICIP.
    """

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        raise NotImplementedError

    def _log_normalizer(self, *natural: Any) -> Any:
        raise NotImplementedError

    @property
    def _mean_carrier_measure(self) -> Any:
        raise NotImplementedError

    def _bregman(self, create_graph: bool = True) -> tuple[list[Tensor], Any, Any]:
        """The natural parameters, as leaves; the log normalizer there, and its gradients: the mean statistics."""
        natural = [p.detach().requires_grad_() for p in self._natural_params]
        normalizer = self._log_normalizer(*natural)
        return natural, normalizer, grad(normalizer.sum(), natural, create_graph=create_graph)

    def entropy(self) -> Tensor:
        carrier = self._mean_carrier_measure
        natural, entropy, means = self._bregman()
        for x, mean in zip(natural, means, strict=True):
            entropy = entropy - sum_rightmost(x * mean, x.dim() - len(self._batch_shape))
        return entropy - carrier


# --- declared by their parameters ---


class Parameter:
    """A parameter of a `Declared` distribution: its constraint, and its default if it has one.

    otherwise: a function of the distribution that computes it where another one is given: of all parameters with
    such a function, exactly one is given. kept: not broadcast, not constrained, only kept (a temperature).
    inner: it is the parameter of the same name of that attribute (`base_dist`).
    """

    def __init__(
        self, constraint: Any = None, default: Any = inspect.Parameter.empty, *,
        otherwise: Callable[[Any], Any] | None = None, kept: bool = False, inner: str = "",
    ) -> None:  # fmt: skip
        self.constraint, self.otherwise, self.kept, self.inner = constraint, otherwise, kept, inner
        self.default = None if otherwise else default


# On an instance it is a tensor: a type that a checker would have to be told at every use.
parameter: Any = Parameter


class Declared(Distribution):
    """See the module's text."""

    _parameters: ClassVar[dict[str, Parameter]] = {}
    _signature: ClassVar[inspect.Signature]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        own = {name: p for name, p in vars(cls).items() if isinstance(p, Parameter)}
        if not own:
            return
        for name, p in own.items():
            delattr(cls, name)
            if p.otherwise is not None and not p.inner:
                setattr(cls, name, lazy_property(p.otherwise, name))
            elif p.inner:
                setattr(cls, name, property(operator.attrgetter(f"{p.inner}.{name}")))
        cls._parameters = own
        if "arg_constraints" not in vars(cls):
            cls.arg_constraints = {name: p.constraint for name, p in own.items() if not p.kept}  # type: ignore[assignment]
        if "__init__" not in vars(cls):
            kind: Any = inspect.Parameter.POSITIONAL_OR_KEYWORD
            slots = [inspect.Parameter(name, kind, default=p.default) for name, p in own.items()]
            slots.append(inspect.Parameter("validate_args", kind, default=None))
            cls._signature = cls.__signature__ = inspect.Signature(slots)  # type: ignore[attr-defined]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        given = self._given(args, kwargs)
        validate = given.pop("validate_args")
        kept = {name: given.pop(name) for name in list(given) if self._parameters[name].kept}
        vars(self).update(kept)
        vars(self).update(zip(given, broadcast_all(*given.values()), strict=True))
        self._declared(validate)
        Distribution.__init__(self, next(vars(self)[name] for name in given).size(), validate_args=validate)

    def _given(self, args: Any, kwargs: Any) -> dict[str, Any]:
        """The arguments by name, without the alternatives that were not chosen."""
        try:
            bound = self._signature.bind(*args, **kwargs)
        except TypeError as problem:
            raise TypeError(f"{type(self).__name__}.__init__(): {problem}") from None
        bound.apply_defaults()
        given = dict(bound.arguments)
        choices = [name for name, p in self._parameters.items() if p.otherwise]
        if choices and sum(given[name] is not None for name in choices) != 1:
            names = " or ".join(f"`{name}`" for name in choices)
            raise ValueError(f"Either {names} must be specified, but not both.")
        return {name: value for name, value in given.items() if name not in choices or value is not None}

    def _declared(self, validate_args: bool | None) -> None:
        """What remains to be done once the parameters are attributes, before they are checked."""

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        shape = Size(batch_shape)
        made = {
            name: vars(self)[name] if p.kept else vars(self)[name].expand(shape)
            for name, p in self._parameters.items()
            if name in vars(self)
        }
        return self._expanded(Declared, _instance, shape, **made)

    @property
    def _param(self) -> Tensor:
        """The first parameter that was given, of those that could have been another: probs or logits."""
        return next(vars(self)[n] for n, p in self._parameters.items() if p.otherwise and n in vars(self))

    @property
    def param_shape(self) -> Size:
        return self._param.size()

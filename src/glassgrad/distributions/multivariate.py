"""Distributions of vectors and matrices: the normal ones, Wishart's, and LKJ's over correlations."""

from __future__ import annotations

import math
from numbers import Number
from typing import Any, ClassVar

from ..core.provenance import warn
from ..core.size import Size
from ..core.tensor import Tensor, tensor
from ..ops.arrange import cat, diag_embed
from ..ops.create import arange, eye
from ..ops.decompositions import cholesky, cholesky_inverse, cholesky_solve, slogdet
from ..ops.gamma import mvlgamma
from ..ops.shape import broadcast_shapes, broadcast_tensors
from ..ops.solve import solve_triangular
from .constraints import (
    corr_cholesky,
    greater_than,
    independent,
    lower_cholesky,
    positive,
    positive_definite,
    real,
    real_vector,
)
from .distribution import Distribution, ExponentialFamily, checked
from .positive import Beta, Chi2
from .utils import broadcast_all, eps_of, lazy_property, standard_normal, tiny_of, vec_to_tril_matrix

__all__ = ["LKJCholesky", "LowRankMultivariateNormal", "MultivariateNormal", "Wishart"]

LOG_TWO_PI = math.log(2 * math.pi)


def times(matrix: Any, vector: Any) -> Any:
    """(..., m, n) and (..., n) -> (..., m)"""
    return (matrix @ vector.unsqueeze(-1)).squeeze(-1)


def log_diagonal(factor: Any) -> Any:
    """The sum of the logarithms of the diagonal: half the log determinant of factor @ factor.mT."""
    return factor.diagonal(dim1=-2, dim2=-1).log().sum(-1)


def mahalanobis(factor: Any, x: Any) -> Any:
    """x^T (L L^T)^-1 x for L = factor, lower triangular: (..., n, n) and (..., n) -> (...)."""
    if factor.dim() == 2:  # one system for all vectors
        n = x.size(-1)
        return solve_triangular(factor, x.reshape(-1, n).mT, upper=False).pow(2).sum(-2).reshape(x.shape[:-1])
    shape = broadcast_shapes(factor.shape[:-2], x.shape[:-1])
    factor, x = factor.expand((*shape, *factor.shape[-2:])), x.expand((*shape, x.shape[-1]))
    return solve_triangular(factor, x.unsqueeze(-1), upper=False).pow(2).sum((-2, -1))


def identity_of(x: Any) -> Any:
    return eye(x.shape[-1], dtype=x.dtype, device=x.device)


def factor_of_inverse(precision: Any) -> Any:
    """The Cholesky factor of the inverse: of the matrix read backwards, inverted."""
    backwards = cholesky(precision.flip(-2, -1)).flip(-2, -1).mT
    return solve_triangular(backwards, identity_of(precision), upper=False)


class _Scaled(Distribution):
    """The base of those with one of covariance_matrix, precision_matrix and scale_tril, (..., n, n).

    `_factor` is the Cholesky factor of the covariance, with no batch dims that the others brought.
    """

    _SCALES: ClassVar[tuple[str, ...]] = ("covariance_matrix", "precision_matrix", "scale_tril")
    _factor: Any

    def _scale(self, given: dict[str, Any], batch_shape: Any) -> None:
        ((name, matrix),) = given.items()
        vars(self)[name] = matrix.expand((*batch_shape, -1, -1))

    def _decompose(self, given: dict[str, Any]) -> None:
        ((name, matrix),) = given.items()
        make = {"scale_tril": lambda m: m, "covariance_matrix": cholesky, "precision_matrix": factor_of_inverse}
        self._factor = make[name](matrix)

    @staticmethod
    def _one_of(error: type[Exception], **matrices: Any) -> dict[str, Any]:
        given = {name: m for name, m in matrices.items() if m is not None}
        if len(given) != 1:
            raise error("Exactly one of covariance_matrix or precision_matrix or scale_tril may be specified.")
        ((name, matrix),) = given.items()
        if matrix.dim() < 2:
            raise ValueError(f"{name} must be at least two-dimensional, with optional leading batch dimensions")
        return given

    def _square(self, batch_shape: Any) -> Any:
        n = self._event_shape[-1]
        return (*batch_shape, n, n)

    def _scales_for(self, batch_shape: Any) -> dict[str, Any]:
        return {name: vars(self)[name].expand(self._square(batch_shape)) for name in self._SCALES if name in vars(self)}

    @lazy_property
    def scale_tril(self) -> Tensor:
        return self._factor.expand(self._square(self._batch_shape))

    @lazy_property
    def covariance_matrix(self) -> Tensor:
        return (self._factor @ self._factor.mT).expand(self._square(self._batch_shape))

    @lazy_property
    def precision_matrix(self) -> Tensor:
        return cholesky_inverse(self._factor).expand(self._square(self._batch_shape))


class MultivariateNormal(_Scaled):
    """exp(-(x - loc)^T C^-1 (x - loc) / 2) / sqrt(det(2 pi C)), C the covariance.

    It is given by covariance_matrix, precision_matrix (its inverse) or scale_tril (its Cholesky factor).
    """

    arg_constraints = {
        "loc": real_vector, "covariance_matrix": positive_definite, "precision_matrix": positive_definite,
        "scale_tril": lower_cholesky,
    }  # fmt: skip
    support = real_vector
    has_rsample = True

    def __init__(
        self, loc: Any, covariance_matrix: Any = None, precision_matrix: Any = None, scale_tril: Any = None,
        validate_args: bool | None = None,
    ) -> None:  # fmt: skip
        if loc.dim() < 1:
            raise ValueError("loc must be at least one-dimensional.")
        given = self._one_of(
            ValueError, covariance_matrix=covariance_matrix, precision_matrix=precision_matrix, scale_tril=scale_tril
        )
        (matrix,) = given.values()
        batch_shape = Size(broadcast_shapes(matrix.shape[:-2], loc.shape[:-1]))
        self._scale(given, batch_shape)
        self.loc = loc.expand((*batch_shape, -1))
        super().__init__(batch_shape, self.loc.shape[-1:], validate_args=validate_args)
        self._decompose(given)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        loc = self.loc.expand((*batch_shape, *self._event_shape))
        return self._expanded(
            MultivariateNormal, _instance, batch_shape, self._event_shape, loc=loc, _factor=self._factor,
            **self._scales_for(batch_shape),
        )  # fmt: skip

    mean = mode = property(lambda self: self.loc)
    variance = property(lambda self: self._factor.pow(2).sum(-1).expand(self._batch_shape + self._event_shape))

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        return self.loc + times(self._factor, standard_normal(self._extended_shape(sample_shape), self.loc))

    @checked
    def log_prob(self, value: Any) -> Tensor:
        distance = mahalanobis(self._factor, value - self.loc)
        return -0.5 * (self._event_shape[0] * LOG_TWO_PI + distance) - log_diagonal(self._factor)

    def entropy(self) -> Tensor:
        entropy = 0.5 * self._event_shape[0] * (1.0 + LOG_TWO_PI) + log_diagonal(self._factor)
        return entropy.expand(self._batch_shape)


class LowRankMultivariateNormal(Distribution):
    """A normal with covariance W W^T + diag(d), W = cov_factor (..., n, k) and d = cov_diag (..., n).

    Only k x k matrices are decomposed: the capacitance 1 + W^T diag(1 / d) W (Woodbury's identity, and the matrix
    determinant lemma).
    """

    arg_constraints = {
        "loc": real_vector, "cov_factor": independent(real, 2), "cov_diag": independent(positive, 1),
    }  # fmt: skip
    support = real_vector
    has_rsample = True

    def __init__(self, loc: Any, cov_factor: Any, cov_diag: Any, validate_args: bool | None = None) -> None:
        if loc.dim() < 1:
            raise ValueError("loc must be at least one-dimensional.")
        event_shape = loc.shape[-1:]
        if cov_factor.dim() < 2:
            raise ValueError("cov_factor must be at least two-dimensional, with optional leading batch dimensions")
        if cov_factor.shape[-2:-1] != event_shape:
            raise ValueError(f"cov_factor must be a batch of matrices with shape {event_shape[0]} x m")
        if cov_diag.shape[-1:] != event_shape:
            raise ValueError(f"cov_diag must be a batch of vectors with shape {event_shape}")
        try:
            wide = broadcast_tensors(loc.unsqueeze(-1), cov_factor, cov_diag.unsqueeze(-1))
        except RuntimeError as problem:
            raise ValueError(
                f"Incompatible batch shapes: loc {loc.shape}, cov_factor {cov_factor.shape}, cov_diag {cov_diag.shape}"
            ) from problem
        self.loc, self.cov_factor, self.cov_diag = wide[0][..., 0], wide[1], wide[2][..., 0]
        self._factor, self._diag = cov_factor, cov_diag
        weighed = cov_factor.mT / cov_diag.unsqueeze(-2)
        capacitance = weighed @ cov_factor
        self._capacitance = cholesky(capacitance + identity_of(capacitance))
        super().__init__(self.loc.shape[:-1], event_shape, validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        shape = (*batch_shape, *self._event_shape)
        return self._expanded(
            LowRankMultivariateNormal, _instance, batch_shape, self._event_shape,
            loc=self.loc.expand(shape), cov_diag=self.cov_diag.expand(shape),
            cov_factor=self.cov_factor.expand((*shape, self.cov_factor.shape[-1])),
            _factor=self._factor, _diag=self._diag, _capacitance=self._capacitance,
        )  # fmt: skip

    mean = mode = property(lambda self: self.loc)

    @property
    def _square(self) -> Any:
        return self._batch_shape + self._event_shape + self._event_shape

    @lazy_property
    def variance(self) -> Tensor:
        return (self._factor.pow(2).sum(-1) + self._diag).expand(self._batch_shape + self._event_shape)

    @lazy_property
    def scale_tril(self) -> Tensor:
        root = self._diag.sqrt().unsqueeze(-1)
        scaled = self._factor / root
        inner = scaled @ scaled.mT
        return (root * cholesky(inner + identity_of(inner))).expand(self._square)

    @lazy_property
    def covariance_matrix(self) -> Tensor:
        return (self._factor @ self._factor.mT + diag_embed(self._diag)).expand(self._square)

    @property
    def _half(self) -> Tensor:
        """A, (..., k, n), with precision = diag(1 / d) - A^T A."""
        weighed = self._factor.mT / self._diag.unsqueeze(-2)
        return solve_triangular(self._capacitance, weighed, upper=False)

    @lazy_property
    def precision_matrix(self) -> Tensor:
        half = self._half
        return (diag_embed(self._diag.reciprocal()) - half.mT @ half).expand(self._square)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        shared = standard_normal(shape[:-1] + self.cov_factor.shape[-1:], self.loc)
        own = standard_normal(shape, self.loc)
        return self.loc + times(self._factor, shared) + self._diag.sqrt() * own

    def _distance(self, x: Tensor) -> Tensor:
        """x^T C^-1 x"""
        weighed = times(self._factor.mT / self._diag.unsqueeze(-2), x)
        return (x.pow(2) / self._diag).sum(-1) - mahalanobis(self._capacitance, weighed)

    def _log_det(self) -> Tensor:
        return 2 * log_diagonal(self._capacitance) + self._diag.log().sum(-1)

    @checked
    def log_prob(self, value: Any) -> Tensor:
        return -0.5 * (self._event_shape[0] * LOG_TWO_PI + self._log_det() + self._distance(value - self.loc))

    def entropy(self) -> Tensor:
        entropy = 0.5 * (self._event_shape[0] * (1.0 + LOG_TWO_PI) + self._log_det())
        return entropy.expand(self._batch_shape)


class Wishart(_Scaled, ExponentialFamily):
    """The sum of df outer products x x^T, x normal with this covariance: positive definite matrices, (..., n, n).

    Source: Smith and Hocking 1972, "Algorithm AS 53: Wishart variate generator", Applied Statistics 21 (Bartlett's
    decomposition).
    """

    support = positive_definite
    has_rsample = True
    _mean_carrier_measure = 0

    @property
    def arg_constraints(self) -> dict[str, Any]:
        return {
            "covariance_matrix": positive_definite, "precision_matrix": positive_definite,
            "scale_tril": lower_cholesky, "df": greater_than(self.event_shape[-1] - 1),
        }  # fmt: skip

    def __init__(
        self, df: Any, covariance_matrix: Any = None, precision_matrix: Any = None, scale_tril: Any = None,
        validate_args: bool | None = None,
    ) -> None:  # fmt: skip
        given = self._one_of(
            AssertionError,
            covariance_matrix=covariance_matrix,
            precision_matrix=precision_matrix,
            scale_tril=scale_tril,
        )
        (matrix,) = given.values()
        if isinstance(df, Number):
            df = tensor(df, dtype=matrix.dtype, device=matrix.device)
            batch_shape = matrix.shape[:-2]
            self.df = df
        else:
            batch_shape = Size(broadcast_shapes(matrix.shape[:-2], df.shape))
            self.df = df.expand(batch_shape)
        n = matrix.shape[-1]
        if bool((self.df <= n - 1).any()):
            raise ValueError(f"Value of df={df} expected to be greater than ndim - 1 = {n - 1}.")
        if bool((self.df < n).any()):
            warn("Low df values detected. Singular samples are highly likely to occur for ndim - 1 < df < ndim.")
        self._scale(given, batch_shape)
        super().__init__(batch_shape, matrix.shape[-2:], validate_args=validate_args)
        self._decompose(given)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        return self._expanded(
            Wishart, _instance, batch_shape, self._event_shape, df=self.df.expand(batch_shape), _factor=self._factor,
            **self._scales_for(batch_shape),
        )  # fmt: skip

    @property
    def _each(self) -> Tensor:
        """df as a factor of matrices."""
        return self.df.expand(self._batch_shape).unsqueeze(-1).unsqueeze(-1)

    mean = property(lambda self: self._each * self.covariance_matrix)

    @property
    def mode(self) -> Tensor:
        """Not a number unless df > n + 1."""
        factor = self._each - self._event_shape[-1] - 1
        return factor.masked_fill(factor <= 0, math.nan) * self.covariance_matrix

    @property
    def variance(self) -> Tensor:
        v = self.covariance_matrix
        d = v.diagonal(dim1=-2, dim2=-1)
        return self._each * (v.pow(2) + d.unsqueeze(-1) * d.unsqueeze(-2))

    def _bartlett(self, sample_shape: Any) -> Tensor:
        n = self._event_shape[-1]
        places = arange(n, dtype=self._factor.dtype, device=self._factor.device)
        freedom = self.df.expand(self._batch_shape).unsqueeze(-1) - places
        lengths = Chi2(freedom).rsample(sample_shape).sqrt()
        shape = (*Size(sample_shape), *self._batch_shape, n * (n - 1) // 2)
        below = vec_to_tril_matrix(standard_normal(shape, lengths), diag=-1)
        root = self._factor @ (diag_embed(lengths.clamp(min=eps_of(lengths))) + below)
        return root @ root.mT

    def rsample(self, sample_shape: Any = (), max_try_correction: int | None = None) -> Tensor:
        """As in PyTorch, what is positive definite at first is drawn again; after that, up to max_try_correction (10)
        times in all, what is not: singular matrices, which rounding can make."""
        drawn = self._bartlett(sample_shape)
        again = self._proper(drawn)
        for _ in range(10 if max_try_correction is None else max_try_correction):
            if not bool(again.any()):
                break
            new = self._bartlett(again[again].shape)
            drawn[again] = new
            again[again.clone()] = ~self._proper(new)
        return drawn

    def _proper(self, drawn: Tensor) -> Tensor:
        """Whether any matrix of a batch is positive definite."""
        proper, dims = positive_definite.check(drawn), len(self._batch_shape)
        return proper.flatten(-dims).any(-1) if dims else proper

    @checked
    def log_prob(self, value: Any) -> Tensor:
        nu, n = self.df, self._event_shape[-1]
        trace = cholesky_solve(value, self._factor).diagonal(dim1=-2, dim2=-1).sum(-1)
        constant = -nu * (n * math.log(2) / 2 + log_diagonal(self._factor)) - mvlgamma(nu / 2, p=n)
        return constant + (nu - n - 1) / 2 * slogdet(value).logabsdet - trace / 2

    def entropy(self) -> Tensor:
        nu, n = self.df, self._event_shape[-1]
        places = arange(n, dtype=nu.dtype, device=nu.device) / 2
        mvdigamma = ((nu / 2).unsqueeze(-1) - places).digamma().sum(-1)
        volume = (n + 1) * (n * math.log(2) / 2 + log_diagonal(self._factor)) + mvlgamma(nu / 2, p=n)
        return volume - (nu - n - 1) / 2 * mvdigamma + nu * n / 2

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        return -self.precision_matrix / 2, (self.df - self._event_shape[-1] - 1) / 2

    def _log_normalizer(self, x: Any, y: Any) -> Any:
        n = self._event_shape[-1]
        half = y + (n + 1) / 2
        return half * (-slogdet(-2 * x).logabsdet + math.log(2) * n) + mvlgamma(half, p=n)


class LKJCholesky(Distribution):
    """Cholesky factors L of correlation matrices, dim x dim, with density ~ det(L L^T)^(concentration - 1).

    Source: Lewandowski, Kurowicka and Joe 2009, J. of Multivariate Analysis 100(9), 3.2: the extended onion method.
    """

    arg_constraints = {"concentration": positive}
    support = corr_cholesky

    def __init__(self, dim: int, concentration: Any = 1.0, validate_args: bool | None = None) -> None:
        if dim < 2:
            raise ValueError(f"Expected dim to be an integer greater than or equal to 2. Found dim={dim}.")
        self.dim = dim
        (self.concentration,) = broadcast_all(concentration)
        super().__init__(self.concentration.size(), Size((dim, dim)), validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        concentration = self.concentration.expand(batch_shape)
        return self._expanded(
            LKJCholesky, _instance, batch_shape, self._event_shape, dim=self.dim, concentration=concentration
        )

    def _lengths(self) -> Beta:
        """The squared lengths of the rows left of the diagonal."""
        places = arange(self.dim - 1, dtype=self.concentration.dtype, device=self.concentration.device)
        places = cat([places.new_zeros((1,)), places])
        return Beta(places + 0.5, (self.concentration + 0.5 * (self.dim - 2)).unsqueeze(-1) - 0.5 * places)

    def sample(self, sample_shape: Any = ()) -> Tensor:
        lengths = self._lengths().sample(sample_shape).detach().unsqueeze(-1)
        normals = standard_normal(self._extended_shape(sample_shape), lengths).tril(-1)
        directions = normals / normals.norm(dim=-1, keepdim=True)
        directions[..., 0, :] = 0.0
        rows = lengths.sqrt() * directions
        return rows + diag_embed((1 - (rows**2).sum(-1)).clamp(min=tiny_of(rows)).sqrt())

    @checked
    def log_prob(self, value: Any) -> Tensor:
        diagonal = value.diagonal(dim1=-1, dim2=-2)[..., 1:]
        places = arange(2, self.dim + 1, device=self.concentration.device)
        order = 2 * (self.concentration - 1).unsqueeze(-1) + self.dim - places
        n = self.dim - 1
        alpha = self.concentration + 0.5 * n
        constant = 0.5 * n * math.log(math.pi) + mvlgamma(alpha - 0.5, n) - alpha.lgamma() * n
        return (order * diagonal.log()).sum(-1) - constant

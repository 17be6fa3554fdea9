"""Parametrizations of weights: of norm and direction, by the largest singular value, orthogonal."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core.backend import to_host, xp_of
from ...core.modes import no_grad
from ...core.tensor import Tensor
from ...ops.arrange import cat
from ...ops.create import eye, zeros_like
from ...ops.decompositions import qr_factors
from ...ops.matrices import matrix_exp
from ...ops.randoms import randn
from ...ops.solve import solve
from .. import functional as F
from ..module import Module
from .lengths import norm_except_dim, normed
from .parametrize import register_parametrization
from .spectral import as_matrix, output_dim

__all__ = ["orthogonal", "spectral_norm", "weight_norm"]


class _WeightNorm(Module):
    def __init__(self, dim: int | None = 0) -> None:
        super().__init__()
        self.dim = -1 if dim is None else dim

    def forward(self, weight_g: Tensor, weight_v: Tensor) -> Tensor:
        return normed(weight_v, weight_g, self.dim)

    def right_inverse(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        return norm_except_dim(weight, self.dim), weight


def weight_norm(module: Module, name: str = "weight", dim: int | None = 0) -> Module:
    """Learn the norms of a weight (original0) and its direction (original1); dim: along which norms differ, None: one.

    Source: Salimans and Kingma 2016, arXiv:1602.07868.
    """
    register_parametrization(module, name, _WeightNorm(dim), unsafe=True)

    def from_hooks(state_dict: Any, prefix: str, *others: Any) -> None:
        """States of nn.utils.weight_norm can be loaded."""
        old = [f"{prefix}{name}{suffix}" for suffix in ("_g", "_v")]
        if all(key in state_dict for key in old):
            for i, key in enumerate(old):
                state_dict[f"{prefix}parametrizations.{name}.original{i}"] = state_dict.pop(key)

    module._register_load_state_dict_pre_hook(from_hooks)
    return module


class _SpectralNorm(Module):
    def __init__(self, weight: Tensor, n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12) -> None:
        super().__init__()
        ndim = weight.dim()
        if not -ndim <= dim < ndim:
            raise IndexError(f"Dimension out of range (expected to be in range of [{-ndim}, {ndim - 1}] but got {dim})")
        if n_power_iterations <= 0:
            raise ValueError(
                f"Expected n_power_iterations to be positive, but got n_power_iterations={n_power_iterations}"
            )
        self.dim = dim % ndim
        self.eps = eps
        if ndim > 1:
            self.n_power_iterations = n_power_iterations
            matrix = as_matrix(weight.detach(), self.dim)
            h, w = matrix.shape
            u, v = (matrix.new_empty(n).normal_(0, 1) for n in (h, w))
            self.register_buffer("_u", F.normalize(u, dim=0, eps=eps))
            self.register_buffer("_v", F.normalize(v, dim=0, eps=eps))
            self._power_method(matrix, 15)

    @no_grad()
    def _power_method(self, matrix: Tensor, n: int) -> None:
        for _ in range(n):
            self._u.copy_(F.normalize(matrix @ self._v, dim=0, eps=self.eps))
            self._v.copy_(F.normalize(matrix.t() @ self._u, dim=0, eps=self.eps))

    def forward(self, weight: Tensor) -> Tensor:
        if weight.dim() == 1:
            return F.normalize(weight, dim=0, eps=self.eps)
        matrix = as_matrix(weight, self.dim)
        if self.training:
            self._power_method(matrix, self.n_power_iterations)
        return weight / self._u.clone().dot(matrix @ self._v.clone())

    def right_inverse(self, value: Tensor) -> Tensor:
        return value


def _tensor(module: Module, name: str) -> Tensor:
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    return weight


def spectral_norm(
    module: Module, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None
) -> Module:
    """Divide a weight by its largest singular value, of which each forward in training finds a better one.

    Source: Miyato, Kataoka, Koyama, Yoshida 2018, arXiv:1802.05957.
    """
    norm = _SpectralNorm(_tensor(module, name), n_power_iterations, output_dim(module, dim), eps)
    return register_parametrization(module, name, norm)


MAPS = ("matrix_exp", "cayley", "householder")


class _Orthogonal(Module):
    """base @ Q: Q = exp(A) or the Cayley transform of A = X - X^T, X lower triangular, or Householder's reflections."""

    def __init__(self, weight: Tensor, orthogonal_map: str, *, use_trivialization: bool = True) -> None:
        super().__init__()
        self.shape = weight.shape
        self.orthogonal_map = orthogonal_map
        self.use_trivialization = use_trivialization
        if use_trivialization:
            self.register_buffer("base", None)

    def forward(self, x: Tensor) -> Tensor:
        wide = x.shape[-2] < x.shape[-1]
        x = x.mT if wide else x
        n, k = x.shape[-2:]
        if self.orthogonal_map == "householder":
            q = _reflections(x)
        else:
            x = x.tril()
            if n != k:
                x = cat([x, x.new_zeros(n, n - k).expand(*x.shape[:-2], -1, -1)], dim=-1)
            a = x - x.mT
            if self.orthogonal_map == "matrix_exp":
                q = matrix_exp(a)
            else:
                one = eye(n, dtype=a.dtype, device=a.device)
                q = solve(one - a * 0.5, one + a * 0.5)
            q = q[..., :k]
        if self.use_trivialization:
            q = self.base @ q
        return q.mT if wide else q

    @no_grad()
    def right_inverse(self, q: Tensor) -> Tensor:
        if q.shape != self.shape:
            raise ValueError(
                f"Expected a matrix or batch of matrices of shape {self.shape}. Got a tensor of shape {q.shape}."
            )
        wide = q.shape[-2] < q.shape[-1]
        tall = q.mT if wide else q
        n, k = tall.shape[-2:]
        if not self.use_trivialization:
            if self.orthogonal_map != "householder":
                raise NotImplementedError(
                    "It is not possible to assign to the matrix exponential or the Cayley parametrizations when "
                    "use_trivialization=False."
                )
            a = _reflectors_of(tall)
            return a.mT if wide else a
        if n != k:
            tall = cat([tall, randn(*tall.shape[:-2], n, n - k, dtype=q.dtype, device=q.device)], dim=-1)
        self.base = tall.clone() if n == k and _is_orthogonal(tall) else _made_orthogonal(tall)
        minus_one = zeros_like(q)
        minus_one.diagonal(dim1=-2, dim2=-1).fill_(-1.0)
        return minus_one


def _reflections(x: Tensor) -> Tensor:
    """The first columns of H_1 H_2 ... times x's signs: H_i = 1 - tau_i v_i v_i^T, v_i are x's columns below 1."""
    n, k = x.shape[-2:]
    below = x.tril(-1)
    tau = 2.0 / (1.0 + (below * below).sum(dim=-2))
    v = below + eye(n, k, dtype=x.dtype, device=x.device)
    q = eye(n, k, dtype=x.dtype, device=x.device).expand(*x.shape[:-2], n, k)
    for i in reversed(range(k)):
        column = v[..., i : i + 1]
        q = q - tau[..., i : i + 1].unsqueeze(-1) * column @ (column.mT @ q)
    return q * x.diagonal(dim1=-2, dim2=-1).int().unsqueeze(-2)


def _reflectors_of(q: Tensor) -> Tensor:
    """What _reflections makes q from: Householder vectors below the diagonal, signs on it."""
    flat = to_host(q.array).reshape(-1, *q.shape[-2:])
    made = np.empty_like(flat)
    for place, matrix in zip(made, flat, strict=True):
        h, tau = np.linalg.qr(matrix, mode="raw")
        a = h.T.copy()
        i = np.arange(a.shape[1])
        a[i, i] = np.sign(a[i, i]) * np.where(tau == 0, -1, 1)
        place[...] = a
    return Tensor._of(xp_of(q.array).asarray(made.reshape(q.shape)))


def _is_orthogonal(q: Tensor) -> bool:
    n, k = q.shape[-2:]
    eps = 10.0 * n * float(np.finfo(q.array.dtype).eps)
    return bool((q.mT @ q - eye(k, dtype=q.dtype, device=q.device)).abs().max() <= eps + 1e-5)


def _made_orthogonal(a: Tensor) -> Tensor:
    """The Q of a = QR whose R has a positive diagonal."""
    q, r = qr_factors(a, "reduced")
    return q * r.diagonal(dim1=-2, dim2=-1).sign().unsqueeze(-2)


def orthogonal(
    module: Module, name: str = "weight", orthogonal_map: str | None = None, *, use_trivialization: bool = True
) -> Module:
    """Keep a matrix, or a batch of them, orthogonal: Q^T Q = 1, or Q Q^T = 1 where it is wide.

    orthogonal_map: "matrix_exp" (for square ones unless named), "cayley" or "householder". use_trivialization: from the
    matrix as it is, made orthogonal. Sources: Lezcano-Casado 2019, arXiv:1909.09501; Golub and Van Loan, Matrix
    Computations, section 5.1.
    """
    weight = _tensor(module, name)
    if weight.dim() < 2:
        raise ValueError(f"Expected a matrix or batch of matrices. Got a tensor of {weight.dim()} dimensions.")
    if orthogonal_map is None:
        orthogonal_map = "matrix_exp" if weight.shape[-2] == weight.shape[-1] else "householder"
    if orthogonal_map not in MAPS:
        raise ValueError(
            f'orthogonal_map has to be one of "matrix_exp", "cayley", "householder". Got: {orthogonal_map}'
        )
    made = _Orthogonal(weight, orthogonal_map, use_trivialization=use_trivialization)
    return register_parametrization(module, name, made, unsafe=True)

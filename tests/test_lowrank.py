"""svd_lowrank and pca_lowrank against the whole decomposition."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import glassgrad as gg


def low_rank(m: int, n: int, rank: int = 3) -> Any:
    rng = np.random.default_rng(0)
    return gg.tensor(rng.standard_normal((m, rank)) @ rng.standard_normal((rank, n)))


@pytest.mark.parametrize("shape", [(9, 5), (5, 9), (6, 6)])
def test_all_of_a_matrix_of_that_rank(shape: tuple[int, int]) -> None:
    A = low_rank(*shape)
    U, S, V = gg.svd_lowrank(A, q=3)
    np.testing.assert_allclose((U * S @ V.mT).numpy(), A.numpy(), 1e-9, 1e-9)
    np.testing.assert_allclose(S.numpy(), np.linalg.svd(A.numpy())[1][:3], 1e-9)
    for x in (U, V):
        np.testing.assert_allclose((x.mT @ x).numpy(), np.eye(3), atol=1e-12)


def test_a_mean_and_sparse_input() -> None:
    A, M = low_rank(7, 4), gg.ones(1, 4, dtype=gg.float64)
    gg.manual_seed(0)
    wanted = gg.svd_lowrank(A - M, q=4)
    gg.manual_seed(0)
    for found, other in zip(gg.svd_lowrank(A, q=4, M=M), wanted, strict=True):
        np.testing.assert_allclose(found.numpy(), other.numpy(), 1e-6, 1e-9)
    for A in (low_rank(7, 4), low_rank(4, 7)):
        S = gg.svd_lowrank(A.to_sparse(), q=3)[1]
        np.testing.assert_allclose(S.numpy(), np.linalg.svd(A.numpy())[1][:3], 1e-9)


def test_principal_components() -> None:
    A = low_rank(20, 5) + 4
    S = gg.pca_lowrank(A, q=3)[1]
    np.testing.assert_allclose(S.numpy(), np.linalg.svd(A.numpy() - A.numpy().mean(0))[1][:3], 1e-9)
    assert gg.pca_lowrank(A)[1].shape == (5,) and gg.pca_lowrank(A, center=False, q=2)[2].shape == (5, 2)
    with pytest.raises(ValueError, match="not greater than"):
        gg.pca_lowrank(A, q=6)
    with pytest.raises(ValueError, match="niter"):
        gg.pca_lowrank(A, niter=-1)
    with pytest.raises(NotImplementedError, match="sparse"):
        gg.pca_lowrank(A.to_sparse())


def test_a_gradient_passes() -> None:
    A = low_rank(5, 4).requires_grad_()
    gg.svd_lowrank(A, q=3)[1].sum().backward()
    U, _, Vh = np.linalg.svd(A.detach().numpy(), full_matrices=False)
    np.testing.assert_allclose(A.grad.numpy(), U[:, :3] @ Vh[:3], 1e-6, 1e-8)

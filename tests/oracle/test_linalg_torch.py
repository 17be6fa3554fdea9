"""Linear algebra against torch where signs or orders are free, at degenerate points, and in what is raised."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import glassgrad as gg
from test_linalg_errors import IDS, ROWS, called

torch = pytest.importorskip("torch")


def both(f: Any, *arrays: Any, order: int = 1) -> None:
    """f in both libraries: the value, and the gradient of its weighted sum where order is 1."""
    results = []
    for module in (gg, torch):
        xs = [module.tensor(np.array(a, dtype=np.float64)).requires_grad_(order > 0) for a in arrays]
        y = f(module, *xs)
        found = [y.detach().numpy()]
        if order:
            weights = module.tensor(np.random.default_rng(0).uniform(0.5, 1.5, tuple(y.shape)))
            found += [g.numpy() for g in module.autograd.grad((y * weights).sum(), xs)]
        results.append(found)
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-10)


def drawn(*shape: int) -> np.ndarray:
    rng = np.random.default_rng(len(shape))
    return rng.uniform(-0.5, 0.5, shape) + np.eye(*shape[-2:]) * (1.0 + np.arange(shape[-1]))


def definite(*shape: int) -> np.ndarray:
    a = drawn(*shape)
    return a @ a.swapaxes(-1, -2)


@pytest.mark.parametrize("shape", [(3, 3), (2, 3, 3)])
@pytest.mark.parametrize("f", [
    lambda m, a: m.linalg.cholesky(a), lambda m, a: m.linalg.cholesky(a, upper=True),
    lambda m, a: m.linalg.eigvalsh(a), lambda m, a: m.linalg.eigh(a)[0], lambda m, a: m.linalg.eigh(a)[1] ** 2,
    lambda m, a: m.linalg.eigh(a, UPLO="U")[1] ** 2, lambda m, a: m.linalg.pinv(a + a.mT, hermitian=True),
    lambda m, a: m.cholesky_inverse(a.tril()).tril(), lambda m, a: m.linalg.qr(a, mode="complete")[0],
])  # fmt: skip
def test_symmetric(f: Any, shape: tuple[int, ...]) -> None:
    both(f, definite(*shape))


@pytest.mark.parametrize("shape", [(3, 3), (4, 2), (2, 4), (2, 3, 2)])
def test_svd_up_to_signs(shape: tuple[int, ...]) -> None:
    for full in (False, True):
        both(lambda m, a: m.linalg.svd(a, full_matrices=full)[1], drawn(*shape))  # noqa: B023
    both(lambda m, a: (lambda u, s, vh: u @ vh)(*m.linalg.svd(a, full_matrices=False)), drawn(*shape))
    both(lambda m, a: m.linalg.svd(a, full_matrices=False)[0] ** 2, drawn(*shape))
    both(lambda m, a: m.linalg.svd(a, full_matrices=False)[2] ** 2, drawn(*shape))
    both(lambda m, a: m.linalg.svd(a)[0][..., : min(shape[-2:])] ** 2, drawn(*shape))


def test_complete_qr_and_tolerances() -> None:
    both(lambda m, a: m.linalg.qr(a, mode="complete")[0], drawn(3, 2), order=0)
    deficient = [[1.0, 2.0], [2.0, 4.0], [0.5, 1.0]]
    both(lambda m, a: m.linalg.pinv(a), deficient, order=0)
    both(lambda m, a: m.linalg.pinv(a, rtol=0.1), np.diag([1.0, 1e-3]), order=0)
    both(lambda m, a: m.linalg.pinv(a, atol=0.1), np.diag([1.0, 1e-3]), order=0)
    both(lambda m, a: m.pinverse(a), drawn(3, 2))
    both(lambda m, a, b: m.linalg.lstsq(a, b).solution, drawn(4, 2), drawn(4, 3))
    for driver in ("gels", "gelsd", "gelss"):
        both(lambda m, a, b: m.linalg.lstsq(a, b, driver=driver).residuals, drawn(4, 2), drawn(4, 3), order=0)  # noqa: B023


@pytest.mark.parametrize("ord", ["fro", "nuc", 1, -1, 2, -2, float("inf"), -float("inf")])
def test_norms_at_zero_and_at_ties(ord: Any) -> None:
    for a in (np.zeros((2, 2)), np.ones((2, 2)) if ord not in ("nuc", -2) else np.eye(2)):
        both(lambda m, x: m.linalg.matrix_norm(x, ord), a)
    if ord not in ("fro", "nuc", -2):
        both(lambda m, x: m.linalg.vector_norm(x, ord), np.zeros(3), order=ord > 0)


@pytest.mark.parametrize("p", ["fro", "nuc", 1, -1, float("inf")])
def test_cond(p: Any) -> None:
    both(lambda m, a: m.linalg.cond(a, p), drawn(3, 3), order=0)  # torch's own gradient fails
    if p != "nuc":  # 1e16 in torch
        both(lambda m, a: m.linalg.cond(a, p), np.ones((2, 2)), order=0)


@pytest.mark.parametrize("p", [0.5, 1.0, 2.0, 3.0, float("inf")])
def test_distance_zero(p: float) -> None:
    rows = [[1.0, 2.0], [1.0, 2.0], [0.0, 1.5]]
    both(lambda m, x: m.cdist(x, x.detach(), p), rows)
    both(lambda m, x: m.pdist(x, p), rows)


def test_logdet_of_a_singular_matrix() -> None:
    both(lambda m, x: m.linalg.slogdet(x)[1], np.ones((2, 2)))
    both(lambda m, x: m.logdet(x), np.diag([1.0, -1.0]), order=0)


@pytest.mark.filterwarnings("ignore:torch.*deprecated:UserWarning", "ignore:Using torch.cross:UserWarning")
@pytest.mark.parametrize(("path", "args", "kwargs", "problem", "words"), ROWS, ids=IDS)
def test_torch_raises_the_same(path: str, args: Any, kwargs: Any, problem: type[Exception], words: str) -> None:
    if problem is gg.linalg.LinAlgError:
        problem = torch.linalg.LinAlgError
    with pytest.raises(problem):
        called(torch, path, args, kwargs)

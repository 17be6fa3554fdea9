"""What the table of cases can't say: functions that read one triangle, degenerate matrices, einsum's order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import linalg
from glassgrad.core.op import REGISTRY


def drawn(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, shape)


def definite(x: Any) -> Any:
    """A symmetric positive-definite matrix, smooth in x."""
    return x @ x.mT + gg.tensor(np.diag(1.0 + np.arange(x.shape[-1])))


# --- gradients through a symmetric matrix: only one triangle is read, so the whole is differentiated ---

SYMMETRIC = {
    "cholesky": lambda x: linalg.cholesky(definite(x)),
    "cholesky upper": lambda x: linalg.cholesky(definite(x), upper=True),
    "eigh": lambda x: linalg.eigh(definite(x))[1],
    "eigh values": lambda x: linalg.eigh(definite(x))[0],
    "eigh both": lambda x: gg.cat([linalg.eigh(definite(x), UPLO="U")[0][..., None], linalg.eigh(definite(x))[1]], -1),
    "eigvalsh": lambda x: linalg.eigvalsh(definite(x)),
    "pinv hermitian": lambda x: linalg.pinv(definite(x), hermitian=True),
    "pinv of rank 2": lambda x: linalg.pinv(x[..., :2] @ x[..., :2, :]),
    "qr of R": lambda x: linalg.qr(x, mode="r")[1],
    "svd, full": lambda x: linalg.svd(x[..., :2])[1],
    "svd, U and V together": lambda x: (lambda u, s, vh: u[..., :2] @ vh)(*linalg.svd(x[..., :2])),
}


@pytest.mark.parametrize("shape", [(3, 3), (2, 3, 3)], ids=["one", "batch"])
@pytest.mark.parametrize("f", SYMMETRIC.values(), ids=SYMMETRIC)
def test_gradients(f: Any, shape: tuple[int, ...]) -> None:
    x = gg.tensor(drawn(*shape) + np.diag(1.0 + 0.5 * np.arange(shape[-1])), requires_grad=True)
    assert gg.autograd.gradcheck(f, x)
    assert gg.autograd.gradgradcheck(f, x)


@pytest.mark.parametrize("f", [linalg.cholesky, linalg.eigvalsh, lambda a: linalg.eigh(a)[1]])
def test_gradient_of_a_symmetric_matrix_is_symmetric(f: Any) -> None:
    a = definite(gg.tensor(drawn(3, 3))).detach().requires_grad_()
    y = f(a)
    (y * gg.tensor(drawn(*y.shape, seed=1))).sum().backward()
    np.testing.assert_allclose(a.grad.numpy(), a.grad.numpy().T, atol=1e-13)


@pytest.mark.parametrize("name", ["cholesky", "eigh"])
def test_forward_mode(name: str) -> None:
    """Of the function of one triangle, whatever the tangent of the other is."""
    declared, step = REGISTRY[name], 1e-6
    x, tangent = definite(gg.tensor(drawn(2, 4, 4))).numpy(), drawn(2, 4, 4, seed=1)
    got = declared.push((x,), (tangent,), {}, declared.forward(x))
    up, down = declared.forward(x + step * tangent), declared.forward(x - step * tangent)
    for g, a, b in zip(*(v if isinstance(v, tuple) else (v,) for v in (got, up, down)), strict=True):
        np.testing.assert_allclose(g, (a - b) / (2 * step), atol=1e-7)


# --- what the factors are ---


def test_factors_multiply_to_the_matrix() -> None:
    for shape in [(3, 3), (4, 2), (2, 4), (2, 3, 2), (0, 2, 2)]:
        a = gg.tensor(drawn(*shape))
        u, s, vh = linalg.svd(a, full_matrices=False)
        q, r = linalg.qr(a)
        p, l, upper = linalg.lu(a)
        for made in ((u * s[..., None, :]) @ vh, q @ r, p @ l @ upper):
            np.testing.assert_allclose(made.numpy(), a.numpy(), atol=1e-13)
    u, _, vh = linalg.svd(gg.tensor(drawn(4, 2)))
    assert u.shape == (4, 4) and vh.shape == (2, 2)
    q, r = linalg.qr(gg.tensor(drawn(4, 2)), mode="complete")
    assert q.shape == (4, 4) and r.shape == (4, 2)
    values, vectors = linalg.eig(gg.tensor([[0.0, -1.0], [1.0, 0.0]]))
    assert values.dtype is gg.complex64 and sorted(values.numpy().imag) == [-1, 1] and vectors.shape == (2, 2)


def test_lu_solves_what_it_factored() -> None:
    a, b = gg.tensor(drawn(2, 5, 5)), gg.tensor(drawn(2, 5, 3, seed=1))
    packed, pivots = linalg.lu_factor(a)
    assert pivots.dtype is gg.int32
    np.testing.assert_allclose((a @ linalg.lu_solve(packed, pivots, b)).numpy(), b.numpy(), atol=1e-12)
    np.testing.assert_allclose((a.mT @ linalg.lu_solve(packed, pivots, b, adjoint=True)).numpy(), b.numpy(), atol=1e-12)
    x = linalg.lu_solve(packed, pivots, b.mT, left=False)
    np.testing.assert_allclose((x @ a).numpy(), b.mT.numpy(), atol=1e-12)


def test_older_forms() -> None:
    a = gg.tensor(drawn(4, 2))
    u, s, v = gg.svd(a)
    np.testing.assert_allclose((u * s @ v.mT).numpy(), a.numpy(), atol=1e-13)
    assert gg.svd(a, some=False).U.shape == (4, 4) and not gg.svd(a, compute_uv=False).U.numpy().any()
    assert gg.qr(a, some=False).Q.shape == (4, 4)
    square, b = gg.tensor(drawn(2, 2) + 2 * np.eye(2)), gg.tensor(drawn(2, 1))
    x, copied = gg.triangular_solve(b, square, upper=False)
    np.testing.assert_allclose((square.tril() @ x).numpy(), b.numpy(), atol=1e-14)
    assert copied is not square and (copied == square).all()


def test_named_results() -> None:
    found = linalg.svd(gg.tensor(drawn(2, 2)))
    assert found._fields == ("U", "S", "Vh") and repr(found).startswith("glassgrad.return_types.linalg_svd(\nU=tensor(")
    assert linalg.eigh(gg.eye(2)).eigenvalues.tolist() == [1, 1]
    assert linalg.slogdet(gg.eye(2)).logabsdet.item() == 0


# --- degenerate matrices ---


def grad(f: Any, numbers: Any) -> Any:
    x = gg.tensor(numbers, dtype=gg.float64, requires_grad=True)
    return gg.autograd.grad(f(x), x)[0].tolist()


def test_degenerate_gradients() -> None:
    inf = float("inf")
    assert grad(lambda x: linalg.matrix_norm(x), [[0, 0], [0, 0]]) == [[0, 0], [0, 0]]
    assert grad(lambda x: linalg.matrix_norm(x, 2), [[0, 0], [0, 0]]) == [[0.5, 0], [0, 0.5]]
    assert grad(lambda x: linalg.matrix_norm(x, "nuc"), [[0, 0], [0, 0]]) == [[1, 0], [0, 1]]
    assert grad(lambda x: linalg.matrix_norm(x, 1), [[0, 0], [0, 0]]) == [[0, 0], [0, 0]]
    assert grad(lambda x: linalg.slogdet(x)[1], [[1, 1], [1, 1]]) == [[inf, -inf], [-inf, inf]]
    np.testing.assert_allclose(grad(linalg.det, [[1, 2], [2, 4]]), [[4, -2], [-2, 1]], atol=1e-14)
    cofactors = [[-3, 6, -3], [6, -12, 6], [-3, 6, -3]]
    np.testing.assert_allclose(grad(linalg.det, [[1, 2, 3], [4, 5, 6], [7, 8, 9]]), cofactors)
    assert grad(lambda x: linalg.svdvals(x).sum(), [[1, 0], [0, 1]]) == [[1, 0], [0, 1]]  # equal singular values
    assert grad(lambda x: linalg.eigvalsh(x).sum(), [[1, 0], [0, 1]]) == [[1, 0], [0, 1]]
    assert np.isnan(grad(lambda x: linalg.svd(x)[0].sum(), [[1, 0], [0, 1]])).all()
    assert grad(lambda x: gg.cdist(x, x).sum(), [[1, 2], [1, 2]]) == [[0, 0], [0, 0]]
    by_product = {"compute_mode": "use_mm_for_euclid_dist"}
    assert grad(lambda x: gg.cdist(x, x, **by_product).sum(), [[1, 2], [1, 2]]) == [[0, 0], [0, 0]]
    assert grad(lambda x: gg.pdist(x).sum(), [[1, 2], [1, 2]]) == [[0, 0], [0, 0]]


def test_degenerate_values() -> None:
    ones = gg.ones(2, 2)
    assert [x.item() for x in linalg.slogdet(ones)] == [0, -np.inf]
    assert gg.logdet(ones).item() == -np.inf and np.isnan(gg.logdet(gg.tensor([[0.0, 1.0], [1.0, 0.0]])).item())
    assert linalg.cond(ones, 1).item() == np.inf
    np.testing.assert_allclose(linalg.pinv(ones).numpy(), ones.numpy() / 4, rtol=1e-6)
    assert linalg.pinv(gg.tensor([[1.0, 0.0], [0.0, 1e-3]]), rtol=0.1).tolist() == [[1, 0], [0, 0]]
    assert linalg.pinv(gg.zeros(2, 3)).tolist() == [[0, 0]] * 3
    assert linalg.pinv(gg.zeros(2, 0)).shape == (0, 2)
    assert linalg.matrix_rank(ones).item() == 1
    assert linalg.det(gg.zeros(0, 0)).item() == 1
    x = linalg.solve_triangular(gg.zeros(2, 2), gg.ones(2, 1), upper=True)
    assert not np.isfinite(x.numpy()).any()
    assert np.isnan(linalg.matrix_exp(gg.tensor([[np.nan, 0.0], [0.0, 1.0]])).numpy()).any()
    assert gg.addmm(gg.full((2, 2), np.nan), gg.eye(2), gg.eye(2), beta=0).tolist() == [[1, 0], [0, 1]]


# --- large ones against NumPy ---


def test_large() -> None:
    a, b = drawn(2, 70, 70) + 9 * np.eye(70), drawn(2, 70, 3, seed=1)
    x = linalg.solve_triangular(gg.tensor(a), gg.tensor(b), upper=True).numpy()
    np.testing.assert_allclose(np.triu(a) @ x, b, atol=1e-12)
    p, l, u = linalg.lu(gg.tensor(a))
    np.testing.assert_allclose((p @ l @ u).numpy(), a, atol=1e-12)
    assert abs(l.numpy()).max() <= 1
    x, y = drawn(300, 5), drawn(200, 5, seed=1)
    d = gg.cdist(gg.tensor(x), gg.tensor(y)).numpy()
    np.testing.assert_allclose(d, np.sqrt(((x[:, None] - y) ** 2).sum(-1)), atol=1e-7)


def test_matrix_exp_of_a_rotation() -> None:
    for turn in (1.0, 30.0):
        made = linalg.matrix_exp(gg.tensor([[0.0, -turn], [turn, 0.0]], dtype=gg.float64)).numpy()
        np.testing.assert_allclose(made, [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]], atol=1e-12)


# --- einsum ---


@pytest.mark.parametrize("equation", [
    "ab,bc,cd,de->ae", "ab,bc,ca->", "abc,bd,ce,af->def", "i,j,k,l->lkji", "ab,ab,ab->b", "a...,...b,ab->...",
    "ea,fb,abcd,gc,hd->efgh",
])  # fmt: skip
def test_einsum_of_many(equation: str) -> None:
    """In whatever order the pairs are taken; NumPy without its own order as the oracle."""
    sizes = {c: 2 + k % 3 for k, c in enumerate("abcdefghijkl")}
    rng = np.random.default_rng(0)
    operands = [
        rng.uniform(-1, 1, [n for c in term.replace("...", "..") for n in ([sizes[c]] if c != "." else [2])])
        for term in equation.split("->")[0].split(",")
    ]
    made = gg.einsum(equation, *map(gg.tensor, operands)).numpy()
    np.testing.assert_allclose(made, np.einsum(equation, *operands, optimize=False), atol=1e-12)


def test_einsum_of_half_precision_adds_up_in_float32() -> None:
    x = gg.full((4096,), 1.0).to(gg.float16)
    assert gg.einsum("i,i", x, x).item() == 4096


# --- products: out=, in place, operators ---


def test_out_and_in_place() -> None:
    a, b = gg.tensor(drawn(2, 3)), gg.tensor(drawn(3, 2, seed=1))
    out = gg.empty(2, 2, dtype=gg.float64)
    assert gg.matmul(a, b, out=out) is out and gg.mm(a, b, out=out) is out
    np.testing.assert_array_equal(out.numpy(), a.numpy() @ b.numpy())
    with pytest.raises(RuntimeError, match="don't support automatic differentiation"):
        gg.mm(a.clone().requires_grad_(), b, out=out)
    x = gg.ones(2, 2, dtype=gg.float64)
    assert x.addmm_(a, b, beta=2) is x
    np.testing.assert_allclose(x.numpy(), 2 + a.numpy() @ b.numpy())


def test_operator_with_others() -> None:
    with pytest.raises(TypeError):
        gg.eye(2) @ 3
    with pytest.raises(TypeError):
        np.eye(2) @ gg.eye(2)


def test_multi_dot_takes_the_cheapest_order(monkeypatch: pytest.MonkeyPatch) -> None:
    from glassgrad.ops import linalg as products

    done: list[int] = []
    plain = products.matmul

    def counted(x: Any, y: Any) -> Any:
        done.append(x.shape[0] * x.shape[1] * y.shape[1])
        return plain(x, y)

    monkeypatch.setattr(products, "matmul", counted)
    linalg.multi_dot([gg.ones(10, 100), gg.ones(100, 5), gg.ones(5, 50)])
    assert sum(done) == 10 * 100 * 5 + 10 * 5 * 50

"""Sparse tensors against dense ones: whatever is computed from the values is what their dense twins give."""

from __future__ import annotations

import copy
import io
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import glassgrad as gg

WHERE = [[0, 1, 1, 0, 3], [2, 0, 2, 2, 1]]  # (0, 2) twice
VALUES = [1.0, -2.0, 3.0, 4.0, 0.5]


def example(values: Any = VALUES, **options: Any) -> Any:
    return gg.sparse_coo_tensor(WHERE, values, (4, 3), **options)


def dense(values: Any = VALUES) -> Any:
    """The same matrix, built from dense pieces so that its gradient is dense's."""
    values = values if isinstance(values, gg.Tensor) else gg.tensor(values)
    return sum(
        values[k] * gg.eye(4)[r].outer(gg.eye(3)[c]).to(values.dtype)
        for k, (r, c) in enumerate(zip(*WHERE, strict=True))
    )


def same(a: Any, b: Any, tolerance: float = 1e-6) -> None:
    a, b = a.to_dense(), b.to_dense()
    assert a.shape == b.shape and a.dtype == b.dtype
    np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), tolerance, tolerance)


def test_what_it_is() -> None:
    a = example()
    assert (a.shape, a.size(), a.size(1), a.dim(), a.ndim, a.numel(), len(a)) == ((4, 3), (4, 3), 3, 2, 2, 12, 4)
    assert (a.sparse_dim(), a.dense_dim(), a._nnz(), a.is_coalesced(), a.is_sparse) == (2, 0, 5, False, True)
    assert a.layout is gg.sparse_coo and gg.ones(1).layout is gg.strided and not gg.ones(1).is_sparse
    assert a._indices().tolist() == WHERE and a._values().tolist() == VALUES and isinstance(a, gg.Tensor)
    assert (
        a.dtype is gg.float32
        and a.double().dtype is gg.float64
        and a.to(gg.float16).type() == "torch.sparse.HalfTensor"
    )
    assert a.to("cpu") is a and a.cpu() is a and a.device == gg.device("cpu")
    c = a.coalesce()
    assert c.is_coalesced() and c.indices().tolist() == [[0, 1, 1, 3], [2, 0, 2, 1]] and c.coalesce() is c
    assert c.values().tolist() == [5.0, -2.0, 3.0, 0.5]
    same(a, dense())
    same(c, a)


HYBRID = {"indices": [[0, 2, 0]], "values": [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]}


def test_dense_dims_and_the_least_size() -> None:
    a = gg.sparse_coo_tensor(**HYBRID)
    assert a.shape == (3, 2) and a.dense_dim() == 1
    assert a.to_dense().tolist() == [[6.0, 8.0], [0.0, 0.0], [3.0, 4.0]]
    same(gg.sparse.sum(a, 1), a.to_dense().sum(1))
    same(gg.sparse.sum(a, 0), a.to_dense().sum(0))
    same(gg.sparse.sum(a), a.to_dense().sum())
    x = a.to_dense()
    assert x.to_sparse(1).indices().tolist() == [[0, 2]]
    same(x.to_sparse(1), x)
    same(x.to_sparse(), x)
    zeros = gg.sparse_coo_tensor((2, 3))
    assert zeros._nnz() == 0 and zeros.to_dense().tolist() == [[0.0] * 3] * 2 and zeros.coalesce()._nnz() == 0
    same(zeros @ gg.ones(3, 2), gg.zeros(2, 2))


PAIRS: dict[str, Callable[[Any], Any]] = {
    "twice": lambda a: a * 2, "scaled from the left": lambda a: 3 * a, "by a tensor": lambda a: a * gg.tensor(2.0),
    "half": lambda a: a / 2, "minus": lambda a: -a, "sum": lambda a: a + a * 3, "difference": lambda a: a - a * 3,
    "product": lambda a: a * (a + a), "with dense": lambda a: a * gg.arange(12.0).reshape(4, 3),
    "on dense": lambda a: gg.ones(4, 3) + a, "from dense": lambda a: gg.ones(4, 3) - a, "turned": lambda a: a.t(),
    "transposed": lambda a: a.transpose(-1, 0),
    "T": lambda a: a.T, "clone": lambda a: a.clone(), "abs": lambda a: a.abs(),
    "square": lambda a: a.square(), "power": lambda a: a**2, "relu": lambda a: a.relu(), "row": lambda a: a[1],
    "element": lambda a: a[0, 2], "none": lambda a: a[2], "last": lambda a: a[-1, 1], "total": lambda a: a.sum(),
    "rows": lambda a: a.sum(1), "columns": lambda a: a.sum(dim=0), "all dims": lambda a: a.sum((0, 1)),
    "deep": lambda a: copy.deepcopy(a.detach()), "vector": lambda a: a @ gg.arange(3.0),
    "matrix": lambda a: a @ gg.arange(6.0).reshape(3, 2), "mm": lambda a: gg.mm(a, gg.arange(6.0).reshape(3, 2)),
    "matmul": lambda a: gg.matmul(a, gg.ones(3, 1)), "method": lambda a: a.mm(gg.ones(3, 1)),
    "mv": lambda a: a.mv(gg.ones(3)),
    "from the left": lambda a: gg.arange(8.0).reshape(2, 4) @ a, "with itself": lambda a: a @ a.t(),
    "turned first": lambda a: a.t() @ gg.ones(4, 2), "no columns": lambda a: a @ gg.ones(3, 0),
    "left by a parameter": lambda a: gg.mm(gg.nn.Parameter(gg.ones(2, 4)), a),
}  # fmt: skip


@pytest.mark.parametrize("call", PAIRS.values(), ids=PAIRS)
def test_as_dense(call: Callable[[Any], Any]) -> None:
    """Values, and the gradient to the values, through every operation."""
    v, w = (gg.tensor(VALUES, requires_grad=True) for _ in range(2))
    y, z = call(example(v)), call(dense(w))
    same(y, z)
    for out in (y.to_dense(), z):
        if out.requires_grad and out.numel():
            (out * gg.arange(1.0, out.numel() + 1).reshape(out.shape)).sum().backward()
    assert (v.grad is None) == (w.grad is None)
    if w.grad is not None:
        same(v.grad, w.grad)


@pytest.mark.parametrize("multiply", [gg.sparse.mm, gg.spmm, gg.mm, gg.matmul, lambda a, x: a @ x])
def test_gradients_of_the_product(multiply: Any) -> None:
    """Of both operands, first and second, against finite differences."""

    def product(v: Any, x: Any) -> Any:
        return multiply(gg.sparse_coo_tensor(WHERE, v, (4, 3)), x)

    v = gg.tensor(VALUES, dtype=gg.float64, requires_grad=True)
    x = gg.arange(6.0, dtype=gg.float64).sin().reshape(3, 2).requires_grad_()
    assert gg.autograd.gradcheck(product, (v, x))
    assert gg.autograd.gradgradcheck(product, (v, x))


def test_large_products_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.RandomState(0)
    where, v = rng.randint(0, 40, (2, 300)), gg.tensor(rng.standard_normal(300), requires_grad=True)
    x = gg.tensor(rng.standard_normal((40, 7)), requires_grad=True)
    results = []
    for block in (1 << 21, 600):
        monkeypatch.setattr(gg.ops.coordinates, "BLOCK", block)
        v.grad = x.grad = None
        y = gg.sparse_coo_tensor(where, v, (40, 40)) @ x
        y.square().sum().backward()
        results.append([y.tolist(), v.grad.tolist(), x.grad.tolist()])
    assert results[0] == results[1]
    same(y, gg.sparse_coo_tensor(where, v, (40, 40)).to_dense() @ x, 1e-10)


def test_a_leaf_has_a_sparse_gradient() -> None:
    a = example(requires_grad=True)
    assert a.requires_grad and a.is_leaf and a.grad is None
    gg.sparse.mm(a, gg.ones(3, 2)).sum().backward()
    assert a.grad.is_sparse and a.grad._values().tolist() == [2.0] * 5
    a.grad = None
    assert a.grad is None and not a.detach().requires_grad
    v = gg.tensor(VALUES, requires_grad=True)
    assert not example(v).is_leaf and example(v).grad_fn is not None and not example(v.detach()).requires_grad


def test_softmax() -> None:
    v, w = (gg.tensor(VALUES, dtype=gg.float64, requires_grad=True) for _ in range(2))
    for dim in (0, 1):
        for call in ("softmax", "log_softmax"):
            y = getattr(gg.sparse, call)(example(v), dim)
            d = dense(w)
            z = getattr(gg, call)(gg.where(d == 0, float("-inf"), d), dim)
            rows, cols = y.indices()
            same(y.values(), z[rows, cols], 1e-10)
            weights = gg.arange(1.0, 5.0, dtype=gg.float64)
            (y.values() * weights).sum().backward()
            (z[rows, cols] * weights).sum().backward()
            same(v.grad, w.grad, 1e-10)


def test_addmm() -> None:
    same(gg.sparse.addmm(gg.ones(4, 2), example(), gg.ones(3, 2), beta=2, alpha=3), 2 + 3 * (dense() @ gg.ones(3, 2)))


def test_legacy_constructors() -> None:
    a = gg.sparse.FloatTensor(gg.LongTensor(WHERE), gg.FloatTensor(VALUES), gg.Size([4, 3]))
    same(a, dense())
    assert gg.sparse.LongTensor(gg.LongTensor(WHERE), gg.LongTensor([1] * 5)).shape == (4, 3)
    with pytest.raises(TypeError, match="FloatTensor"):
        gg.sparse.FloatTensor(gg.LongTensor(WHERE), gg.LongTensor([1] * 5))


def test_graph_convolution_learns() -> None:
    """Two layers over a ring, the adjacency kept as a buffer."""
    gg.manual_seed(0)
    n = 12
    i = gg.arange(n)
    where = gg.stack([gg.cat([i, i, i]), gg.cat([i, (i + 1) % n, (i - 1) % n])])

    class Net(gg.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("adj", gg.sparse_coo_tensor(where, gg.full((3 * n,), 1 / 3), (n, n)).coalesce())
            self.a, self.b = gg.nn.Linear(n, 16), gg.nn.Linear(16, 2)

        def forward(self, x: Any) -> Any:
            return gg.spmm(self.adj, self.b(gg.relu(self.adj @ self.a(x))))

    net, target = Net().to("cpu"), (i >= n // 2).long()
    optimizer = gg.optim.Adam(net.parameters(), lr=0.05)
    for _ in range(60):
        optimizer.zero_grad()
        loss = gg.nn.functional.cross_entropy(net(gg.eye(n)), target)
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.2 and "adj" in net.state_dict()
    state, other = net.state_dict(), Net()
    state["adj"] = state["adj"] * 2
    other.load_state_dict(state)
    same(other.adj, net.adj * 2)
    other.load_state_dict(net.state_dict())
    same(other(gg.eye(n)), net(gg.eye(n)))
    assert net.double().adj.dtype is gg.float64


@pytest.mark.parametrize("zipped", [True, False])
def test_saved_and_loaded(zipped: bool) -> None:
    buffer = io.BytesIO()
    tree = [example(), example().coalesce(), gg.sparse_coo_tensor(**HYBRID)]
    gg.save(tree, buffer, _use_new_zipfile_serialization=zipped)
    buffer.seek(0)
    for a, b, c in zip(gg.load(buffer), tree, pickle.loads(pickle.dumps(tree)), strict=True):
        assert repr(a) == repr(b) == repr(c) and a.is_coalesced() == b.is_coalesced() == c.is_coalesced()


# what is not there for sparse tensors says so
REFUSED: dict[str, Callable[[], Any]] = {
    "exp": lambda: example().exp(),
    "function": lambda: gg.relu(example()),
    "equal": lambda: example() == example(),
    "cat": lambda: gg.cat([example(), example()]),
    "view": lambda: example().view(12),
    "where": lambda: gg.where(example(), 1, 2),
    "linear": lambda: gg.nn.Linear(3, 2)(example()),
    "loss": lambda: gg.nn.functional.mse_loss(example(), gg.ones(4, 3)),
    "in place": lambda: example().add_(1),
    "max": lambda: example().max(),
    "add": lambda: gg.add(example(), 1),
    "dense times": lambda: gg.ones(4, 3).mul_(example()),
    "mean": lambda: gg.mean(example()),
    "dropout": lambda: gg.nn.functional.dropout(example()),
    "stack": lambda: gg.stack([example()]),
    "einsum": lambda: gg.einsum("ij->i", example()),
    "like": lambda: gg.zeros_like(example()),
    "softmax": lambda: gg.softmax(example(), 1),
    "random": lambda: gg.rand_like(example()),
    "unique": lambda: gg.unique(example()),
    "sort": lambda: example().sort(),
    "assigned": lambda: example().__setitem__(0, 1),
    "copied": lambda: gg.ones(4, 3).copy_(example()),
    "norm": lambda: example().norm(),
    "item": lambda: example().item(),
    "cumsum": lambda: example().cumsum(0),
    "svd": lambda: gg.linalg.svd(example()),
    "topk": lambda: example().topk(1),
}

ERRORS: list[tuple[str, Callable[[], Any], type[Exception], str]] = [
    ("outside", lambda: gg.sparse_coo_tensor([[5]], [1.0], (2,)), RuntimeError, "size is 2 but found index 5"),
    ("negative", lambda: gg.sparse_coo_tensor([[-1]], [1.0], (2,)), RuntimeError, "negative index -1"),
    ("counts", lambda: gg.sparse_coo_tensor([[0, 1]], [1.0], (2,)), RuntimeError, "same nnz"),
    ("dims", lambda: gg.sparse_coo_tensor([[0]], [1.0], (2, 2)), RuntimeError, "sparse_dim"),
    ("values", lambda: gg.sparse_coo_tensor([[0]], [[1.0]], (2, 2)), RuntimeError, "incorrect size"),
    ("indices", lambda: gg.sparse_coo_tensor([[[0]]], [1.0]), RuntimeError, "sparse_dim x nnz"),
    ("order", lambda: gg.sparse_coo_tensor([[1, 0]], [1.0, 2.0], is_coalesced=True), RuntimeError, "in order"),
    ("uncoalesced", lambda: example().indices(), RuntimeError, "coalesce"),
    ("uncoalesced values", lambda: example().values(), RuntimeError, "coalesce"),
    ("sizes", lambda: example() @ gg.ones(4, 2), RuntimeError, "4x3 and 4x2"),
    ("dtypes", lambda: example() @ gg.ones(3, 2).double(), RuntimeError, "same dtype"),
    ("a number", lambda: example() @ 3, TypeError, "int"),
    ("sum with dense", lambda: example() + gg.ones(4, 3), RuntimeError, "add\\(sparse, dense\\)"),
    ("sizes of a sum", lambda: example() + example().t(), RuntimeError, "sizes"),
    ("numpy", lambda: example().numpy(), TypeError, "to_dense"),
    ("array", lambda: np.asarray(example()), TypeError, "to_dense"),
    ("list", lambda: example().tolist(), RuntimeError, "storage"),
    ("pointer", lambda: example().data_ptr(), RuntimeError, "storage"),
    ("storage", lambda: example().untyped_storage(), NotImplementedError, "storage"),
    ("of a dense one", lambda: gg.ones(2).coalesce(), RuntimeError, "Strided"),
    ("sum of a dense one", lambda: gg.sparse.sum(gg.ones(2)), RuntimeError, "strided"),
    ("index", lambda: example()[:2], NotImplementedError, "integers"),
    ("far index", lambda: example()[7], IndexError, "out of bounds"),
    ("power", lambda: example() ** -1, NotImplementedError, "positive"),
    ("layout", lambda: gg.ones(2).to_sparse(layout=gg.strided), NotImplementedError, "layout"),
    *((name, call, NotImplementedError, "to_dense") for name, call in REFUSED.items()),
]  # fmt: skip


@pytest.mark.parametrize(("call", "kind", "word"), [row[1:] for row in ERRORS], ids=[row[0] for row in ERRORS])
def test_errors(call: Callable[[], Any], kind: type[Exception], word: str) -> None:
    with pytest.raises(kind, match=word):
        call()


def test_a_function_keeps_sparse_tensors() -> None:
    class Product(gg.autograd.Function):
        @staticmethod
        def forward(ctx: Any, indices: Any, values: Any, b: Any) -> Any:
            a = gg.sparse_coo_tensor(indices, values, (2, 3))
            ctx.save_for_backward(a, b)
            return a @ b

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            a, b = ctx.saved_tensors
            rows, columns = a._indices()
            return None, (g @ b.t())[rows, columns], a.t() @ g

    indices = gg.tensor([[0, 1, 1], [2, 0, 2]])
    values, b = gg.randn(3, requires_grad=True), gg.randn(3, 4, requires_grad=True)
    dense = gg.zeros(2, 3).index_put(tuple(indices), values)
    weights = gg.randn(2, 4)
    found = gg.autograd.grad(Product.apply(indices, values, b), (values, b), weights)
    assert all(map(gg.allclose, found, gg.autograd.grad(dense @ b, (values, b), weights)))

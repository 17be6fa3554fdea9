"""Sparse tensors beside PyTorch's: texts to the character, numbers, gradients, errors, files."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import glassgrad as gg  # noqa: E402

torch.set_num_threads(1)

WHERE = [[0, 1, 1, 0, 3], [2, 0, 2, 2, 1]]
VALUES = [1.0, -2.0, 3.0, 4.0, 0.5]


def example(lib: Any, values: Any = VALUES, **options: Any) -> Any:
    return lib.sparse_coo_tensor(WHERE, values, (4, 3), **options)


def leaf(lib: Any) -> Any:
    return lib.tensor(VALUES, requires_grad=True)


CALLS: dict[str, Callable[[Any], Any]] = {
    "plain": example,
    "coalesced": lambda lib: example(lib).coalesce(),
    "turned": lambda lib: example(lib).t(),
    "transposed": lambda lib: example(lib).transpose(0, 1),
    "turned coalesced": lambda lib: example(lib).coalesce().t(),
    "leaf": lambda lib: example(lib, requires_grad=True),
    "of a leaf": lambda lib: example(lib, leaf(lib)),
    "float64": lambda lib: example(lib, dtype=lib.float64),
    "double": lambda lib: example(lib).double(),
    "long": lambda lib: example(lib).long(),
    "integers": lambda lib: example(lib, [1, 2, 3, 4, 5]),
    "bool": lambda lib: example(lib, [True] * 5),
    "half": lambda lib: example(lib).half(),
    "empty": lambda lib: lib.sparse_coo_tensor((2, 3)),
    "size by size": lambda lib: lib.sparse_coo_tensor(2, 3),
    "empty int": lambda lib: lib.sparse_coo_tensor((2, 3), dtype=lib.int32),
    "of zeros": lambda lib: lib.zeros(2, 2).to_sparse(),
    "no size": lambda lib: lib.sparse_coo_tensor([[0, 3]], [1.0, 2.0]),
    "one dim": lambda lib: lib.tensor([0.0, 1.5, 0.0, -2.0]).to_sparse(),
    "eye": lambda lib: lib.eye(3).to_sparse(),
    "hybrid": lambda lib: lib.sparse_coo_tensor([[0, 2]], [[1.0, 2.0], [3.0, 4.0]], (3, 2)),
    "hybrid of dense": lambda lib: lib.tensor([[0.0, 1.0], [0.0, 0.0]]).to_sparse(1),
    "three dims": lambda lib: lib.arange(24.0).reshape(2, 3, 4).to_sparse(),
    "long text": lambda lib: lib.arange(1.0, 60.0).to_sparse(),
    "longer": lambda lib: lib.ones(40, 40).to_sparse(),
    "wide": lambda lib: (lib.ones(2, 2) * 123456.789).double().requires_grad_().to_sparse().detach().requires_grad_(),
    "sum": lambda lib: (example(lib) + example(lib)).coalesce(),
    "sum coalesced": lambda lib: example(lib).coalesce() + lib.eye(4)[:, :3].to_sparse(),
    "scaled": lambda lib: 2 * example(lib) / 4,
    "minus": lambda lib: -example(lib).coalesce(),
    "product": lambda lib: example(lib).coalesce() * lib.eye(4)[:, :3].to_sparse(),
    "with dense": lambda lib: example(lib).coalesce() * lib.arange(12.0).reshape(4, 3),
    "on dense": lambda lib: lib.ones(4, 3) + example(lib),
    "dense": lambda lib: example(lib).to_dense(),
    "mm": lambda lib: lib.sparse.mm(example(lib), lib.ones(3, 2)),
    "spmm": lambda lib: lib.spmm(example(lib), lib.ones(3, 2)),
    "mv": lambda lib: example(lib) @ lib.arange(3.0),
    "left": lambda lib: lib.ones(2, 4) @ example(lib),
    "sparse sparse": lambda lib: lib.sparse.mm(example(lib), example(lib).t()),
    "addmm": lambda lib: lib.sparse.addmm(lib.ones(4, 2), example(lib), lib.ones(3, 2), beta=2, alpha=3),
    "summed": lambda lib: lib.sparse.sum(example(lib)),
    "rows": lambda lib: lib.sparse.sum(example(lib), 1),
    "columns": lambda lib: lib.sparse.sum(example(lib), dim=0),
    "both": lambda lib: lib.sparse.sum(example(lib), (0, 1)),
    "softmax": lambda lib: lib.sparse.softmax(example(lib), 1),
    "log_softmax": lambda lib: lib.sparse.log_softmax(example(lib), 0),
    "row": lambda lib: example(lib).coalesce()[1],
    "element": lambda lib: example(lib).coalesce()[1, 2],
    "abs": lambda lib: example(lib).coalesce().abs(),
    "power": lambda lib: example(lib).coalesce().pow(2),
    "legacy": lambda lib: lib.sparse.FloatTensor(lib.LongTensor(WHERE), lib.FloatTensor(VALUES), lib.Size([4, 3])),
    "type": lambda lib: example(lib).type(),
    "size": lambda lib: example(lib).size(),
    "layout": lambda lib: example(lib).layout,
    "strided": lambda lib: lib.ones(1).layout,
    "nnz": lambda lib: example(lib).coalesce()._nnz(),
    "dims": lambda lib: [
        example(lib).sparse_dim(),
        example(lib).dense_dim(),
        example(lib).is_coalesced(),
        len(example(lib)),
    ],
    "indices": lambda lib: example(lib).indices(),
    "outer sizes": lambda lib: lib.sparse.mm(example(lib), lib.ones(4, 2)),
    "dtypes": lambda lib: lib.sparse.mm(example(lib), lib.ones(3, 2).double()),
    "numpy": lambda lib: example(lib).numpy(),
    "counts": lambda lib: lib.sparse_coo_tensor([[0, 1]], [1.0], (2,)),
    "sparse + dense": lambda lib: example(lib) + lib.ones(4, 3),
    "list": lambda lib: example(lib).tolist(),
    "strided coalesce": lambda lib: lib.ones(2).coalesce(),
    "exp": lambda lib: example(lib).exp(),
    "view": lambda lib: example(lib).view(12),
    "storage": lambda lib: example(lib).storage(),
}
OTHER_TEXT = {"exp", "view", "outer sizes", "dtypes"}  # of the error


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", CALLS)
def test_text(name: str) -> None:
    """What is printed, or the type and text of what is raised."""
    seen = []
    for lib in (gg, torch):
        try:
            seen.append(repr(CALLS[name](lib)).replace("glassgrad", "torch"))
        except Exception as problem:
            text = "" if name in OTHER_TEXT else str(problem).split("\n")[0]
            seen.append(f"{type(problem).__name__}: {text}")
    assert seen[0] == seen[1]


def random_graph(lib: Any, dtype: str) -> Any:
    rng = np.random.RandomState(0)
    where = rng.randint(0, 50, (2, 400))
    return (
        lib.tensor(where),
        lib.tensor(rng.standard_normal(400).astype(dtype), requires_grad=True),
        lib.tensor(rng.standard_normal((50, 9)).astype(dtype), requires_grad=True),
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("coalesced", [True, False])
def test_products_and_their_gradients(coalesced: bool, dtype: str) -> None:
    results = []
    for lib in (gg, torch):
        where, v, x = random_graph(lib, dtype)
        a = lib.sparse_coo_tensor(where, v, (50, 50))
        a = a.coalesce() if coalesced else a
        y = lib.sparse.mm(a, x)
        z = lib.sparse.softmax(a, 1) if coalesced else lib.sparse.sum(a, 0)
        (y.sin().sum() + (z.to_dense() ** 2).sum()).backward()
        results.append([t.detach().numpy() for t in (y, v.grad, x.grad, z.to_dense())])
    tolerance = 1e-12 if dtype == "float64" else 2e-5
    for ours, theirs in zip(*results, strict=True):
        assert ours.dtype == theirs.dtype
        np.testing.assert_allclose(ours, theirs, tolerance, tolerance)


def test_a_leaf_has_a_sparse_gradient() -> None:
    seen = []
    for lib in (gg, torch):
        a = example(lib).coalesce().requires_grad_()
        lib.sparse.mm(a, lib.arange(6.0).reshape(3, 2)).square().sum().backward()
        seen.append(a.grad.coalesce()._values().tolist())
    np.testing.assert_allclose(*seen, 1e-6)


@pytest.mark.parametrize("zipped", [True, False])
def test_files_both_ways(zipped: bool) -> None:
    for lib, other in ((gg, torch), (torch, gg)):
        tree = [
            example(lib),
            example(lib).coalesce(),
            lib.sparse_coo_tensor([[0, 2]], [[1.0, 2.0], [3.0, 4.0]], (3, 2)),
        ]
        file = io.BytesIO()
        lib.save(tree, file, _use_new_zipfile_serialization=zipped)
        file.seek(0)
        back = other.load(file)
        assert repr(back).replace("glassgrad", "torch") == repr(tree).replace("glassgrad", "torch")
        assert [a.is_coalesced() for a in back] == [a.is_coalesced() for a in tree]

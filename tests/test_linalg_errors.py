"""Wrong arguments of linear algebra: the exception PyTorch raises, and words that help."""

from __future__ import annotations

from typing import Any

import pytest

import glassgrad as gg

ROWS: list[tuple[str, tuple[Any, ...], dict[str, Any], type[Exception], str]] = [
    # path, arguments (a tuple of sizes is ones of this shape), keywords, exception, words
    ("matmul", ((2, 3), (2, 3)), {}, RuntimeError, "cannot be multiplied .2x3 and 2x3(.|\\n)*other.T"),
    ("matmul", ((), (2,)), {}, RuntimeError, "at least 1D"),
    ("matmul", ((2, 2, 3), (3, 3, 2)), {}, RuntimeError, r"size of tensor a \(2\) must match.*\(3\)"),
    ("matmul", ((2, 2), "long"), {}, RuntimeError, "same dtype"),
    ("matmul", ("bool", "bool"), {}, NotImplementedError, "'Bool'"),
    ("matmul", ((2, 2), 3), {}, TypeError, "Tensor"),
    ("mm", ((2,), (2, 2)), {}, RuntimeError, "self must be a matrix"),
    ("bmm", ((2, 2, 2), (3, 2, 2)), {}, RuntimeError, "first two dimensions of batch2"),
    ("mv", ((2, 2), (2, 2)), {}, RuntimeError, "vector . matrix @ vector expected"),
    ("dot", ((2,), (3,)), {}, RuntimeError, "inconsistent tensor size"),
    ("outer", ((2, 2), (3,)), {}, RuntimeError, "1-D"),
    ("inner", ((2,), (3,)), {}, RuntimeError, "last dimension"),
    ("addmm", ((3, 3), (2, 2), (2, 2)), {}, RuntimeError, "expanded size"),
    ("addmm", ("double", (2, 2), (2, 2)), {}, RuntimeError, "same dtype"),
    ("trace", ((2, 2, 2),), {}, RuntimeError, "matrix"),
    ("tensordot", ((2, 3), (2, 3)), {"dims": 1}, RuntimeError, "contracted dimensions"),
    ("tensordot", ((2, 3), (2, 3)), {"dims": 3}, RuntimeError, "dims"),
    ("linalg.cross", ((2, 4), (2, 4)), {}, RuntimeError, "length 3"),
    ("linalg.cross", ((2, 3), (3,)), {}, RuntimeError, "number of dimensions"),
    ("linalg.multi_dot", ([(2, 2)],), {}, RuntimeError, "at least 2"),
    ("linalg.multi_dot", ([(2, 2), (3, 3)],), {}, RuntimeError, "cannot be multiplied"),
    ("einsum", ("ij,jk", (2, 3), (2, 3)), {}, RuntimeError, "subscript j has size 2 for operand 1"),
    ("einsum", ("ij->ik", (2, 3)), {}, RuntimeError, "output subscript k does not appear"),
    ("einsum", ("ijk", (2, 3)), {}, RuntimeError, r"\(3\) does not match the number of dimensions \(2\)"),
    ("einsum", ("ij,jk", (2, 3)), {}, RuntimeError, "fewer operands"),
    ("einsum", ("ij", (2, 3), (2, 3)), {}, RuntimeError, "more operands"),
    ("einsum", ("ii", (2, 3)), {}, RuntimeError, "repeated"),
    ("einsum", ("i1", (2, 3)), {}, RuntimeError, "a-zA-Z"),
    ("einsum", ("ij->ii", (2, 3)), {}, RuntimeError, "more than once"),
    ("einsum", ("ij.->", (2, 3)), {}, RuntimeError, "ellipsis"),
    ("einsum", ("i...j...", (2, 3)), {}, RuntimeError, "ellipsis"),
    ("einsum", (), {}, ValueError, "equation"),
    ("linalg.inv", ((2, 3),), {}, RuntimeError, "square.* 2 by 3"),
    ("linalg.inv", ((2,),), {}, RuntimeError, "at least 2 dimensions"),
    ("linalg.inv", ("long",), {}, RuntimeError, "Got Long"),
    ("linalg.inv", ("half",), {}, RuntimeError, "Got Half"),
    ("linalg.inv", ((2, 2),), {}, gg.linalg.LinAlgError, "singular"),
    ("inverse", ((2, 2, 2),), {}, gg.linalg.LinAlgError, "singular"),
    ("linalg.solve", ((2, 2), (2, 2)), {}, gg.linalg.LinAlgError, "singular"),
    ("linalg.solve", ((2, 2), (3, 2)), {}, RuntimeError, "Incompatible shapes.*2x2 and 3x2"),
    ("linalg.solve", ((2, 2), "double"), {}, RuntimeError, "same dtype.*Float.*Double"),
    ("linalg.solve", ((2, 2, 2), (3, 2, 2)), {}, RuntimeError, "must match"),
    ("linalg.solve_triangular", ((2, 2), (3, 2)), {"upper": True}, RuntimeError, "Incompatible"),
    ("linalg.cholesky", ("negative",), {}, gg.linalg.LinAlgError, "not positive-definite"),
    ("linalg.eigh", ((2, 2),), {"UPLO": "X"}, RuntimeError, "UPLO"),
    ("linalg.qr", ((2, 2),), {"mode": "x"}, RuntimeError, "mode 'x'"),
    ("linalg.svd", ("nan",), {}, gg.linalg.LinAlgError, "converge"),
    ("linalg.svd", ((2, 2),), {"driver": "gesvd"}, RuntimeError, "driver"),
    ("linalg.det", ((2, 3),), {}, RuntimeError, "square"),
    ("linalg.matrix_norm", ((2, 2), "x"), {}, RuntimeError, "Order x"),
    ("linalg.matrix_norm", ((2,),), {}, RuntimeError, "at least 2"),
    ("linalg.norm", ((2, 2, 2), 2, (0, 1, 2)), {}, RuntimeError, "length 1 or 2"),
    ("linalg.norm", ((2, 2, 2), 2), {}, RuntimeError, "1D or 2D"),
    ("linalg.matrix_power", ((2, 3), 2), {}, RuntimeError, "square"),
    ("linalg.lstsq", ((2, 2), (3, 2)), {}, RuntimeError, "should match"),
    ("linalg.lstsq", ((2, 2), (2, 2)), {"driver": "x"}, RuntimeError, "driver"),
    ("linalg.vander", ((2,),), {"N": 1}, RuntimeError, "N must be"),
    ("linalg.tensorinv", ((2, 3),), {"ind": 1}, RuntimeError, "prod"),
    ("linalg.tensorinv", ((2, 2),), {"ind": 0}, RuntimeError, "positive"),
    ("linalg.vecdot", ((2,), (3,)), {}, RuntimeError, "broadcast"),
    ("cdist", ((2, 3), (2, 4)), {}, RuntimeError, "number of columns"),
    ("cdist", ((2,), (2, 4)), {}, RuntimeError, "at least 2D"),
    ("cdist", ((2, 3), (2, 3)), {"compute_mode": "x"}, ValueError, "compute_mode"),
    ("cdist", ((2, 3), (2, 3), -1.0), {}, RuntimeError, "non-negative"),
    ("pdist", ((2,),), {}, RuntimeError, "2D"),
    ("cov", ((2, 2, 2),), {}, RuntimeError, "two or fewer"),
    ("cov", ((2, 2),), {"fweights": (2,)}, RuntimeError, "integral"),
]  # fmt: skip


def made(module: Any, x: Any) -> Any:
    """Ones of a shape, or a 2 x 2 matrix by its name, in glassgrad or torch."""
    if x == "nan":
        return module.tensor([[float("nan"), 1.0], [1.0, 1.0]])
    if x == "negative":
        return module.tensor([[-1.0, 0.0], [0.0, 1.0]])
    if isinstance(x, str) and hasattr(module, x):
        return module.ones(2, 2).to(getattr(module, x))
    if isinstance(x, tuple):
        return module.ones(x)
    return [made(module, v) for v in x] if isinstance(x, list) else x


def called(module: Any, path: str, args: Any, kwargs: Any) -> Any:
    f = module
    for name in path.split("."):
        f = getattr(f, name)
    keep = path in ("linalg.norm",)  # its tuple is dims
    args = [made(module, a) if not (keep and k) else a for k, a in enumerate(args)]
    return f(*args, **{k: made(module, v) if k == "fweights" else v for k, v in kwargs.items()})


IDS = [f"{row[0]} {row[4]}" for row in ROWS]


@pytest.mark.parametrize(("path", "args", "kwargs", "problem", "words"), ROWS, ids=IDS)
def test_error(path: str, args: Any, kwargs: Any, problem: type[Exception], words: str) -> None:
    with pytest.raises(problem, match=words):
        called(gg, path, args, kwargs)


def test_gradients_that_do_not_exist() -> None:
    x = gg.ones(3, 2, requires_grad=True)
    with pytest.raises(RuntimeError, match="mode='complete'"):
        gg.linalg.qr(x, mode="complete")[0].sum().backward()
    values = gg.linalg.eig(gg.ones(2, 2, requires_grad=True)).eigenvalues
    with pytest.raises(NotImplementedError, match="complex"):
        abs(values).sum().backward()
    with pytest.raises(NotImplementedError, match="pivoting"):
        gg.linalg.lu(x, pivot=False)


def test_a_float_does_not_scale_integers() -> None:
    """As baddbmm in torch, whose addmm cuts the float off without a word."""
    x = gg.ones(2, 2).to(gg.int64)
    with pytest.raises(RuntimeError, match="beta must not be a floating"):
        gg.addmm(x, x, x, beta=0.5)
    with pytest.raises(RuntimeError, match="alpha must not be a floating"):
        gg.addmm(x, x, x, alpha=0.5)


def test_linalg_error_is_a_runtime_error() -> None:
    assert issubclass(gg.linalg.LinAlgError, RuntimeError)

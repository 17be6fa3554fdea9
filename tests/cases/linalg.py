from __future__ import annotations

import numpy as np

from .make import Draw, case, const, ints, positive, real, values


def well(*shape: int) -> Draw:
    """Square matrices far from singular, with eigenvalues and singular values apart."""

    def make(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        return rng.uniform(-0.5, 0.5, shape) + np.diag(2.0 + 0.9 * np.arange(shape[-1]))

    return Draw(shape, make)


def tall(*shape: int) -> Draw:
    """Matrices of full rank, with singular values apart."""

    def make(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        m, n = shape[-2:]
        return rng.uniform(-0.5, 0.5, shape) + np.eye(m, n) * (2.0 + 0.9 * np.arange(n))

    return Draw(shape, make)


def definite(*shape: int) -> Draw:
    def make(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        a = rng.uniform(-1, 1, shape)
        return a @ a.swapaxes(-1, -2) + np.diag(1.0 + np.arange(shape[-1]))

    return Draw(shape, make)


CASES = [
    # --- products ---
    case("matrices", "matmul", real(2, 3), real(3, 4)),
    case("vectors", "matmul", real(3), real(3)),
    case("vector matrix", "matmul", real(3), real(3, 2)),
    case("vector batch", "matmul", real(3), real(2, 3, 2)),
    case("matrix vector", "matmul", real(2, 3), real(3)),
    case("batch vector", "matmul", real(2, 2, 3), real(3)),
    case("batch matrix", "matmul", real(2, 2, 3), real(3, 4)),
    case("matrix batch", "matmul", real(2, 3), real(2, 3, 2)),
    case("batches", "matmul", real(2, 2, 3), real(2, 3, 2)),
    case("batches broadcast", "matmul", real(2, 1, 2, 3), real(3, 3, 2)),
    case("batch of one", "matmul", real(1, 2, 3), real(4, 3, 1)),
    case("no rows", "matmul", real(0, 3), real(3, 2)),
    case("nothing summed", "matmul", real(2, 0), real(0, 2)),
    case("no batches", "matmul", real(0, 2, 3), real(3, 2)),
    case("integers", "matmul", ints(-5, 5, 2, 3), ints(-5, 5, 3, 2), order=0),
    case("plain", "mm", real(2, 3), real(3, 2)),
    case("plain", "bmm", real(2, 2, 3), real(2, 3, 2)),
    case("plain", "mv", real(2, 3), real(3)),
    case("plain", "dot", real(3), real(3)),
    case("empty", "dot", real(0), real(0)),
    case("plain", "vdot", real(3), real(3)),
    case("plain", "outer", real(3), real(2)),
    case("plain", "ger", real(3), real(2)),
    case("matrices", "inner", real(2, 3), real(4, 3)),
    case("vectors", "inner", real(3), real(3)),
    case("0-d", "inner", real(), real(2, 3)),
    case("plain", "addmm", real(2, 4), real(2, 3), real(3, 4)),
    case("scaled", "addmm", real(4), real(2, 3), real(3, 4), beta=0.5, alpha=-2.0),
    case("integers", "addmm", ints(0, 9, 2, 2), ints(0, 9, 2, 3), ints(0, 9, 3, 2), beta=2, alpha=3, order=0),
    case("scaled", "addmv", real(2), real(2, 3), real(3), beta=0.5, alpha=2.0),
    case("scaled", "addr", real(2, 3), real(2), real(3), beta=0.5, alpha=2.0),
    case("scaled", "baddbmm", real(2, 1, 2), real(2, 2, 3), real(2, 3, 2), beta=0.5, alpha=2.0),
    case("scaled", "addbmm", real(2, 2), real(3, 2, 3), real(3, 3, 2), beta=0.5, alpha=2.0),
    case("method", "Tensor.addmm", real(2, 2), real(2, 3), real(3, 2)),
    case("two dims", "tensordot", real(2, 3, 2), real(3, 2, 4)),
    case("no dims", "tensordot", real(2), real(3), 0),
    case("chosen", "tensordot", real(2, 3, 4), real(4, 2, 2), ([0, 2], [1, 0])),
    case("one broadcasts", "tensordot", real(2, 1), real(3, 2), 1),
    case("matrices", "kron", real(2, 2), real(1, 3)),
    case("of different dims", "kron", real(2), real(2, 3)),
    case("0-d", "kron", real(), real(3)),
    case("plain", "trace", real(3, 2)),
    case("integers", "trace", ints(0, 9, 3, 3), order=0),
    case("empty", "trace", real(0, 0)),
    case("plain", "cross", real(2, 3), real(2, 3), 1),
    case("other dim", "linalg.cross", real(3, 2), real(3, 2), dim=0),
    case("broadcast", "linalg.cross", real(1, 3), real(2, 3)),
    case("plain", "linalg.multi_dot", [real(2, 3), real(3, 1), real(1, 4), real(4, 2)]),
    case("vectors at the ends", "linalg.multi_dot", [real(3), real(3, 2), real(2)]),
    case("plain", "chain_matmul", real(2, 3), real(3, 1), real(1, 2)),
    case("plain", "linalg.vecdot", real(2, 3), real(3)),
    case("plain", "linalg.diagonal", real(2, 3, 3), offset=1),
    case("plain", "linalg.vander", real(2, 3), N=4),
    case("plain", "linalg.matmul", real(2, 3), real(3, 2)),
    # --- einsum ---
    *[case(equation, "einsum", equation, *operands) for equation, operands in {
        "ik,kj->ij": (real(2, 3), real(3, 2)), "ik,jk": (real(2, 3), real(2, 3)), "ij->ji": (real(2, 3),),
        "ba": (real(2, 3),), "ij->": (real(2, 3),), "ij->j": (real(2, 3),), "ii->i": (real(3, 3),), "ii": (real(3, 3),),
        "iij->j": (real(2, 2, 3),), "i,i": (real(3), real(3)), "i,j->ij": (real(2), real(3)),
        "bik,bkj->bij": (real(2, 2, 3), real(2, 3, 2)), "bhqd,bhkd->bhqk": (real(2, 1, 2, 3), real(2, 1, 3, 3)),
        "...ij,...jk->...ik": (real(2, 1, 2, 3), real(3, 3, 2)), "i...->...": (real(2, 3, 2),),
        "...": (real(2, 3),), "a...b,b...->...a": (real(2, 3, 2), real(2, 3)), "i...->": (real(2, 3),),
        "ij,j->ij": (real(2, 3), real(1)), "ij,j->i": (real(2, 3), real(1)),
        "ij,jk,kl->il": (real(2, 3), real(3, 2), real(2, 4)),
        "ab,cd,bc,d->a": (real(2, 3), real(2, 2), real(3, 2), real(2)),
        "i,i,i->i": (real(3), real(3), real(3)),
        "i,->i": (real(3), real()), "ij,kl->": (real(2, 2), real(2, 3)),
        "bn,anm,bm->ba": (real(2, 3), real(4, 3, 2), real(2, 2)),
        "ij,jk->ik ": (real(0, 3), real(3, 2)), " ij , jk -> ik": (real(2, 0), real(0, 2)),
        "iI,Ij->ij": (real(2, 3), real(3, 2)),
    }.items()],
    case("list of operands", "einsum", "ij,j", [real(2, 3), real(3)]),
    case("numbers", "einsum", real(2, 3), [0, 1], real(3, 2), [1, 2], [0, 2]),
    case("numbers, implicit", "einsum", real(2, 3), [1, 0]),
    case("integers", "einsum", "ij,jk", ints(0, 5, 2, 3), ints(0, 5, 3, 2), order=0),
    # --- factors; the gradients of those that read one triangle only are in test_linalg.py ---
    case("1 x 1", "linalg.cholesky", positive(2, 1, 1)),
    case("plain", "linalg.cholesky", definite(3, 3), order=0),
    case("upper", "linalg.cholesky", definite(2, 2, 2), upper=True, order=0),
    case("plain", "cholesky", definite(3, 3), order=0),
    case("plain", "qr", tall(3, 2)),
    case("square", "linalg.qr", well(3, 3)),
    case("tall batch", "linalg.qr", tall(2, 3, 2)),
    case("wide", "linalg.qr", tall(2, 4)),
    case("complete", "linalg.qr", tall(2, 3), mode="complete"),
    case("R", "linalg.qr", tall(3, 2), mode="r", order=0),
    case("1 x 1", "linalg.eigh", positive(2, 1, 1)),
    case("plain", "linalg.eigh", definite(3, 3), order=0, torch=False),
    case("values", "linalg.eigvalsh", definite(2, 3, 3), order=0),
    case("upper", "linalg.eigvalsh", well(3, 3), UPLO="U", order=0),
    case("square", "linalg.svd", well(3, 3), torch=False),
    case("tall", "linalg.svd", tall(4, 2), full_matrices=False, torch=False),
    case("wide", "linalg.svd", tall(2, 4), full_matrices=False, torch=False),
    case("batch", "linalg.svd", well(2, 2, 2), torch=False),
    case("plain", "svd", tall(3, 2), torch=False),
    case("plain", "linalg.svdvals", tall(2, 3, 2)),
    case("plain", "linalg.lu", well(3, 3)),
    case("pivots", "linalg.lu", values([[0.1, 2.0, 1.0], [3.0, 0.5, 1.0], [1.0, 1.0, 4.0]])),
    case("tall", "linalg.lu", tall(2, 4, 3)),
    case("wide", "linalg.lu", tall(3, 4)),
    case("no gradient", "linalg.lu", tall(2, 4, 3), order=0),
    case("plain", "linalg.lu_factor", well(2, 3, 3)),
    case("tall", "linalg.lu_factor", real(2, 5, 3)),
    case("wide", "linalg.lu_factor", real(2, 3, 5), order=0),
    case("plain", "linalg.lu_solve", well(3, 3), ints(1, 2, 3, dtype=np.int32), real(3, 2), order=1),
    case("pivots", "linalg.lu_solve", well(3, 3), const([2, 3, 3], "int32"), real(3, 2)),
    case("adjoint", "linalg.lu_solve", well(3, 3), const([3, 3, 3], "int32"), real(3, 2), adjoint=True),
    case("right", "linalg.lu_solve", well(3, 3), const([3, 3, 3], "int32"), real(2, 3), left=False),
    case("plain", "lu_solve", real(3, 2), well(3, 3), const([2, 2, 3], "int32")),
    # --- inverse, systems ---
    case("plain", "linalg.inv", well(3, 3)),
    case("batch", "linalg.inv", well(2, 2, 2)),
    case("empty", "linalg.inv", real(0, 0)),
    case("no batches", "linalg.inv", real(0, 2, 2)),
    case("method", "Tensor.inverse", well(2, 2)),
    case("plain", "inverse", well(2, 2)),
    case("matrix", "linalg.solve", well(3, 3), real(3, 2)),
    case("vector", "linalg.solve", well(3, 3), real(3)),
    case("batch of vectors", "linalg.solve", well(2, 3, 3), real(2, 3)),
    case("batches broadcast", "linalg.solve", well(2, 1, 2, 2), real(3, 2, 2)),
    case("right", "linalg.solve", well(2, 2), real(3, 2), left=False),
    case("upper", "linalg.solve_triangular", well(3, 3), real(3, 2), upper=True),
    case("lower", "linalg.solve_triangular", well(3, 3), real(3, 2), upper=False),
    case("unitriangular", "linalg.solve_triangular", well(3, 3), real(3, 2), upper=False, unitriangular=True),
    case("right", "linalg.solve_triangular", well(3, 3), real(2, 3), upper=True, left=False),
    case("batches broadcast", "linalg.solve_triangular", well(2, 1, 2, 2), real(3, 2, 1), upper=True),
    case("large", "linalg.solve_triangular", well(37, 37), real(37, 2), upper=True, order=0),
    case("large lower", "linalg.solve_triangular", well(33, 33), real(33, 2), upper=False, order=0),
    case("transposed", "triangular_solve", real(2, 2), well(2, 2), transpose=True, torch=False),
    case("plain", "linalg.tensorinv", well(4, 4), ind=1),
    case("split", "linalg.tensorinv", Draw((2, 2, 4), lambda rng, s: well(4, 4)(rng).reshape(s)), ind=2),
    case("plain", "linalg.tensorsolve", Draw((2, 2, 4), lambda rng, s: well(4, 4)(rng).reshape(s)), real(2, 2)),
    # torch's gradient of these does not see that the other triangle is never read
    case("plain", "cholesky_solve", real(3, 2), well(3, 3), torch=False),
    case("upper", "cholesky_solve", real(2, 2), well(2, 2), upper=True, torch=False),
    case("value", "cholesky_solve", real(3, 2), well(2, 3, 3), order=0),
    case("plain", "cholesky_inverse", well(3, 3), torch=False),
    case("value", "cholesky_inverse", well(2, 2), upper=True, order=0),
    case("plain", "pinverse", tall(3, 2)),
    case("tall", "linalg.pinv", tall(3, 2)),
    case("wide", "linalg.pinv", tall(2, 3)),
    case("batch", "linalg.pinv", tall(2, 3, 2)),
    # --- determinants ---
    case("plain", "det", well(3, 3)),
    case("batch", "linalg.det", well(2, 2, 2)),
    case("negative", "linalg.det", values([[0.0, 1.0], [2.0, 1.0]])),
    case("empty", "linalg.det", real(0, 0)),
    case("singular", "linalg.det", values([[1.0, 2.0], [2.0, 4.0]]), torch=False),
    case("singular 3x3", "linalg.det", values([[1, 2, 3], [4, 5, 6], [5, 7, 9]]), order=1, torch=False),
    case("of rank 1", "linalg.det", values([[1.0, 1.0, 1.0], [1.0, 1.0, 1.0], [1.0, 1.0, 1.0]]), order=1),
    case("plain", "linalg.slogdet", well(3, 3)),
    case("batch", "slogdet", well(2, 2, 2)),
    case("far", "linalg.slogdet", Draw((4, 4), lambda rng, s: 1e30 * well(4, 4)(rng)), order=0),
    case("plain", "logdet", definite(3, 3)),
    case("negative", "logdet", values([[0.0, 1.0], [2.0, 1.0]]), order=0),
    # --- norms, rank ---
    *[case(f"ord {o}", "linalg.matrix_norm", tall(2, 3, 2), o) for o in ("fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf)],
    *[case(f"ord {o} keepdim", "linalg.matrix_norm", tall(3, 2, 2), o, (0, 2), True)
      for o in ("fro", "nuc", 1, 2, np.inf)],
    *[case(f"ord {o}", "linalg.vector_norm", positive(2, 3), o) for o in (1, 2, 3, 0.5, np.inf, -np.inf)],
    case("ord 0", "linalg.vector_norm", real(2, 3), 0, order=1),
    case("dims", "linalg.vector_norm", real(2, 3, 2), dim=(0, 2), keepdim=True),
    case("everything", "linalg.norm", real(2, 3, 2)),
    case("keepdim", "linalg.norm", real(2, 3), keepdim=True),
    case("vector", "linalg.norm", positive(4), 3),
    case("one dim", "linalg.norm", positive(2, 3), 1, dim=1),
    case("matrix", "linalg.norm", well(3, 3), "nuc"),
    case("two dims", "linalg.norm", well(2, 2, 2), 1, dim=(1, 2)),
    case("two dims without ord", "linalg.norm", real(2, 2, 2), dim=(1, 2)),
    *[case(f"p {p}", "linalg.cond", well(3, 3), p, tolerance=1e-5) for p in (None, 2, -2, "nuc")],
    # torch fails in create_graph here
    *[case(f"p {p}", "linalg.cond", well(3, 3), p, tolerance=1e-5, torch=False) for p in ("fro", 1, -np.inf)],
    *[case(f"p {p} value", "linalg.cond", well(2, 3, 3), p, order=0) for p in ("fro", -1, np.inf)],
    case("wide", "linalg.cond", tall(2, 3)),
    case("singular", "linalg.cond", values([[1.0, 2.0], [2.0, 4.0]]), 1, order=0),
    case("plain", "linalg.matrix_rank", values([[1.0, 2.0], [2.0, 4.0]]), order=0),
    case("batch", "linalg.matrix_rank", tall(2, 3, 2), order=0),
    case("hermitian", "linalg.matrix_rank", definite(3, 3), hermitian=True, order=0),
    case("tolerance", "linalg.matrix_rank", well(3, 3), atol=3.0, order=0),
    case("plain", "dist", real(2, 3), real(3), 3),
    # --- powers, exponential, least squares ---
    *[case(f"power {n}", "linalg.matrix_power", well(2, 2), n, order=2 if n else 0) for n in (-2, -1, 0, 1, 2, 5)],
    case("batch", "matrix_power", well(2, 2, 2), 3),
    case("plain", "linalg.matrix_exp", real(3, 3)),
    case("batch, large", "matrix_exp", real(2, 2, 2, low=-6.0, high=6.0), order=1, tolerance=1e-4),
    case("zero", "linalg.matrix_exp", values([[0.0, 0.0], [0.0, 0.0]])),
    case("tall", "linalg.lstsq", tall(4, 2), real(4, 3)),
    case("wide", "linalg.lstsq", tall(2, 3), real(2, 2)),
    case("batch", "linalg.lstsq", tall(2, 3, 2), real(2, 3, 1), driver="gelsd"),
    case("gels", "linalg.lstsq", tall(3, 2), real(3, 1), driver="gels"),
    # --- distances, covariance ---
    case("plain", "cdist", real(2, 3), real(4, 3), order=1),
    case("twice", "cdist", real(2, 3), real(2, 3), torch=False),  # torch has no second derivative
    case("batches broadcast", "cdist", real(2, 1, 2, 3), real(3, 2, 3), order=1),
    case("p 1", "cdist", real(2, 3), real(3, 3), 1.0, order=1),
    case("p 3", "cdist", real(2, 3), real(3, 3), 3.0, order=1),
    case("p inf", "cdist", real(2, 3), real(3, 3), np.inf, order=1),
    case("by a product", "cdist", real(3, 2), real(2, 2), compute_mode="use_mm_for_euclid_dist"),
    case("many", "cdist", real(26, 2), real(2, 2), order=0, tolerance=1e-5),
    case("nothing", "cdist", real(0, 2), real(2, 2), order=1),
    case("plain", "pdist", real(4, 3), order=1),
    case("p 1", "pdist", real(3, 2), 1.0, order=1),
    case("plain", "cov", real(3, 5)),
    case("vector", "cov", real(5), correction=0),
    case("weights", "cov", real(2, 4), fweights=ints(1, 4, 4), aweights=positive(4), order=1),
    case("aweights", "cov", real(2, 4), aweights=positive(4), order=1),
    case("plain", "corrcoef", real(3, 6)),
    case("vector", "corrcoef", real(4), order=0),
]  # fmt: skip

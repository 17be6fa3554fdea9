"""Rows of ops/numeric.py, ops/checked.py, ops/memory.py and ops/signal.py."""

from __future__ import annotations

from .make import Case, case, const, distinct, ints, positive, real

SPD = const([[4.0, 1.0, 0.5], [1.0, 3.0, 0.2], [0.5, 0.2, 2.0]])
SINGULAR = const([[[1.0, 2.0], [2.0, 4.0]], [[2.0, 0.0], [0.0, 1.0]]])

CASES: list[Case] = [
    # differences and integrals
    case("all dims", "gradient", real(3, 4)),
    case("a dim", "gradient", real(3, 4), dim=1, spacing=0.5),
    case("second order", "gradient", real(4, 3), edge_order=2),
    case("each distance", "gradient", real(3, 4), spacing=[2.0, 0.5]),
    case("coordinates", "gradient", real(4), spacing=(const([0.0, 1.0, 3.0, 3.5], "float32"),)),
    case(
        "coordinates, second order",
        "gradient",
        real(4),
        spacing=(const([0.0, 1.0, 3.0, 3.5], "float32"),),
        edge_order=2,
    ),
    case("two points", "gradient", real(2)),
    case("plain", "cumulative_trapezoid", real(3, 4)),
    case("distance and dim", "cumulative_trapezoid", real(3, 4), dx=0.5, dim=0),
    case("points", "cumulative_trapezoid", real(3, 4), const([0.0, 1.0, 1.5, 4.0], "float32")),
    # histograms
    case("bins", "histogram", real(20), 4, order=0),
    case("edges", "histogram", const([0.5, -3.0, 1.0, 2.0]), const([-2.0, 0.0, 1.0, 2.0]), order=0),
    case("weight", "histogram", real(6), 3, weight=positive(6), order=0),
    case("range and density", "histogram", real(20), 3, range=(-1.0, 1.0), density=True, order=0),
    case("grid", "histogramdd", real(20, 2), [3, 2], order=0),
    case("grid, density", "histogramdd", real(20, 2), 2, range=(-1.0, 1.0, -2.0, 2.0), density=True, order=0),
    # norms
    case("some longer", "renorm", real(3, 4), 2, 0, 1.5),
    case("absolute, a dim", "Tensor.renorm", real(3, 4), 1, 1, 2.0),
    case("plain", "norm_except_dim", real(3, 4), 2, 0),
    case("of all", "norm_except_dim", real(3, 4), 2, -1),
    # indices
    case("cut", "nonzero_static", ints(0, 2, 3, 4), size=3, order=0),
    case("filled", "nonzero_static", ints(0, 2, 3), size=5, fill_value=-7, order=0),
    case("plain", "unravel_index", ints(0, 12, 5), (3, 4), order=0),
    case("negative", "unravel_index", ints(-12, 0, 2, 3), (2, 2, 3), order=0),
    case("plain", "constant_pad_nd", real(2, 3), (1, 0, 0, 2), 3.0),
    case("part", "as_strided_scatter", real(3, 4), real(2, 2), (2, 2), (4, 1), 1, torch=False),
    case("tall", "Tensor.fill_diagonal_", const([[1.0, 2.0]] * 5), 7.0, True, order=0),
    # factors
    case("plain", "linalg.cholesky_ex", SPD, order=0),
    case("failing", "linalg.inv_ex", SINGULAR, order=0, torch=False),
    case("differentiated", "linalg.inv_ex", distinct(3, 3)),
    case("differentiated", "linalg.solve_ex", distinct(3, 3), real(3, 2)),
    case("failing", "linalg.solve_ex", SINGULAR, const([[1.0], [2.0]]), order=0, torch=False),
    case("failing", "linalg.lu_factor_ex", SINGULAR, order=0),
    case("square", "lu", distinct(3, 3)),
    case("tall", "lu_unpack", real(2, 4, 3), const([[2, 2, 4], [1, 3, 3]], "int32")),
    case("wide", "lu_unpack", real(3, 4), const([3, 3, 3], "int32"), order=2),
    case("fewer", "linalg.householder_product", real(4, 3), real(2)),
    case("batch", "orgqr", real(2, 3, 3), real(2, 3)),
    # windows
    *[
        case(f"{'periodic' if periodic else 'symmetric'} {n}", f"{name}_window", n, periodic, order=0)
        for name in ("bartlett", "blackman", "hamming", "hann")
        for periodic in (True, False)
        for n in (0, 1, 7)
    ],
    case("beta", "kaiser_window", 8, True, 5.0, order=0, torch=False),
    case("of parts", "stft", real(30), 8, return_complex=True, order=0),
    case("window and batch", "stft", real(2, 30), 8, 3, 6, real(6), normalized=True, return_complex=True, order=0),
    case("both halves", "stft", real(30), 7, center=False, onesided=False, return_complex=True, order=0),
]

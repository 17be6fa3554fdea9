from __future__ import annotations

from .make import case, real

PLACES = {"rows": (0, 2, 2, 0, 1), "cols": (1, 0, 3, 1, 2)}  # one of them twice, not in order
NONE: dict[str, tuple[int, ...]] = {"rows": (), "cols": ()}

CASES = [
    case("plain", "ops.coordinates.sparse_addmm", real(5), real(4, 2), **PLACES, n=4, torch=False),
    case("nothing stored", "ops.coordinates.sparse_addmm", real(0), real(4, 2), **NONE, n=3, torch=False),
    case("no columns", "ops.coordinates.sparse_addmm", real(5), real(4, 0), **PLACES, n=3, torch=False),
    case("plain", "ops.coordinates.sampled_dots", real(3, 2), real(4, 2), **PLACES, torch=False),
    case("no columns", "ops.coordinates.sampled_dots", real(3, 0), real(4, 0), **PLACES, torch=False),
    case("plain", "ops.coordinates.sparse_coo_tensor_with_dims_and_tensors", real(5), torch=False),
]

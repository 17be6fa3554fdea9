from __future__ import annotations

import glassgrad.nn.functional  # noqa: F401

from .make import bools, case, const, distinct, ints, real

# torch=False: PyTorch has no gradient where src is larger than the index, or warns that the function is new or old;
# tests/oracle/test_index_torch.py compares the values.
X = real(4, 3, 5)
ROWS = const([3, 0, 0, -1])
EVERYWHERE = const([[0, 2, 1, 0, 2], [1, 1, 0, 0, 0]])  # (2, 5), an index into dim 0 or 1 of (3, 5)
GET = "Tensor.__getitem__"


def scatter_cases() -> list:
    made = []
    for reduce in ("sum", "prod", "mean", "amax", "amin"):
        for include_self in (True, False):
            name = f"{reduce} {'with' if include_self else 'without'} self"
            made.append(case(
                name, "scatter_reduce", distinct(3, 5), 0, EVERYWHERE, real(2, 5), reduce, include_self=include_self,
            ))  # fmt: skip
    return made


CASES = [
    # --- x[...] ---
    case("int", GET, X, 1),
    case("number", GET, real(3), -1),
    case("slice", GET, X, slice(1, 3)),
    case("step", GET, X, (slice(None), slice(None, None, 2))),
    case("mixed", GET, X, (0, ..., slice(1, None, 3))),
    case("new dim", GET, X, (slice(None), None, 1)),
    case("all", GET, X, ...),
    case("0-d", GET, real(), ...),
    case("0-d new dim", GET, real(), None),
    case("empty slice", GET, X, slice(2, 2)),
    case("rows", GET, X, ROWS),
    case("matrix of rows", GET, X, const([[0, 1], [3, 0]])),
    case("list", GET, X, [0, 2, 2]),
    case("last dim", GET, X, (..., const([0, 4, 4]))),
    case("two", GET, X, (const([0, 1]), const([2, 2]))),
    case("two apart", GET, X, (const([0, 1]), slice(None), const([2, 2]))),
    case("two broadcast", GET, X, (slice(None), const([[0], [2]]), const([4, 1, 1]))),
    case("int and index", GET, X, (0, slice(None), const([1, 1, 4]))),
    case("index and new dim", GET, X, (const([0, 0]), None, slice(1, 2))),
    case("0-d index", GET, X, (const(2), const([0, 1]))),
    case("mask", GET, real(3, 4), bools(3, 4)),
    case("mask of rows", GET, X, bools(4)),
    case("mask and index", GET, X, (const([True, False, True, False]), const([0, 1]))),
    case("mask of two dims", GET, X, (slice(1, 3), bools(3, 5))),
    case("true", GET, real(2, 3), True),
    case("false", GET, real(2, 3), False),
    case("true and index", GET, real(2, 3), (True, const([0, 0]))),
    case("no rows", GET, X, const([], dtype="int64")),
    case("all three", GET, X, (const([0, 1]), const([1, 0]), const([4, 4]))),
    case("wide rows", GET, real(5, 9), const([1, 1, 4, 0])),
    # --- writing by index, in a copy ---
    case("plain", "index_put", X, (const([0, 3]),), real(3, 5)),
    case("two", "index_put", X, (const([0, 3]), const([1, 1])), real(2, 5)),
    case("accumulate", "index_put", X, (const([0, 3, 0]),), real(3, 3, 5), True),
    case("mask", "index_put", real(3, 4), (const([True, False, True]),), real()),
    # --- along a dim ---
    case("plain", "gather", real(3, 5), 0, EVERYWHERE),
    case("last", "gather", real(2, 3), -1, const([[0, 2, 2, 1]])),
    case("column", "gather", real(3, 4), 1, const([[0], [3], [1]])),
    case("0-d", "gather", real(), 0, const([0, 0])),
    case("empty", "gather", real(3, 5), 1, const([], dtype="int64")),
    case("plain", "scatter", real(3, 5), 0, const([[0, 2, 1, 0, 2], [1, 1, 0, 1, 0]]), real(2, 5)),
    case("smaller", "scatter", real(3, 5), 1, const([[4, 0], [1, 2]]), real(3, 4), torch=False),
    case("number", "scatter", real(3, 5), 1, const([[4, 0], [1, 2]]), 2.5),
    case("empty", "scatter", real(3, 5), 1, const([], dtype="int64"), real(3, 5), torch=False),
    case("add", "scatter", real(3, 5), 0, EVERYWHERE, real(2, 5), reduce="add", torch=False),
    case("multiply", "scatter", real(3, 5), 0, EVERYWHERE, real(2, 5), reduce="multiply", torch=False),
    case("plain", "scatter_add", real(3, 5), 0, EVERYWHERE, real(2, 5)),
    case("larger src", "scatter_add", real(3, 5), 0, EVERYWHERE, real(4, 6), torch=False),
    case("0-d", "scatter_add", real(), 0, const(0), real()),
    *scatter_cases(),
    case("plain", "take_along_dim", real(3, 5), const([[1, 0, 4]]), 1),
    case("flat", "take_along_dim", real(3, 5), const([[1, 0], [14, 3]])),
    case("plain", "index_select", X, 1, const([2, 0, 2])),
    case("0-d", "index_select", real(), 0, const([0])),
    case("plain", "index_add", X, 1, const([2, 0, 2]), real(4, 3, 5), alpha=2),
    case("plain", "index_copy", X, 1, const([2, 0]), real(4, 2, 5)),
    case("number", "index_fill", X, 1, const([2, 0]), 3.5),
    case("tensor", "index_fill", X, -1, const([2, 4]), real()),
    case("amax", "index_reduce", real(3, 5), 0, const([2, 0, 2]), real(3, 5), "amax", torch=False),
    case("plain", "take", real(3, 5), const([[1, 0], [14, -1]])),
    case("number", "take", real(3, 5), const(4)),
    case("plain", "Tensor.put", real(3, 5), const([1, -1]), real(2)),
    case("accumulate", "Tensor.put", real(3, 5), const([1, 1]), real(2), True),
    # --- by mask ---
    case("plain", "masked_select", real(3, 4), bools(3, 4)),
    case("broadcast", "masked_select", real(3, 1), const([True, False, True])),
    case("plain", "masked_scatter", real(3, 4), bools(3, 4), real(12)),
    case("plain", "nonzero", ints(0, 2, 3, 4), order=0),
    case("tuple", "nonzero", ints(0, 2, 3, 4), as_tuple=True, order=0),
    case("0-d", "nonzero", const(3), order=0),
    case("plain", "argwhere", ints(0, 2, 3, 4), order=0),
    # --- tables of vectors ---
    case("rows", "nn.functional.embedding", const([[1, 0], [1, 2]]), real(4, 3)),
    case("no rows", "nn.functional.embedding", const([], dtype="int64"), real(4, 3)),
    case("plain", "nn.functional.one_hot", ints(0, 3, 2, 2), 4, order=0),
    case("inferred", "nn.functional.one_hot", const([0, 2, 1]), order=0),
    # --- order ---
    case("plain", "sort", distinct(3, 4)),
    case("descending", "sort", distinct(3, 4), 0, True),
    case("ties", "sort", const([1, 0, 1, 0]), stable=True, order=0),
    case("0-d", "sort", real()),
    case("nan", "sort", const([1.0, float("nan"), 2.0]), descending=True, order=0),
    case("plain", "argsort", distinct(3, 4), 1, order=0),
    case("ties back", "argsort", const([1, 0, 1, 0]), descending=True, stable=True, order=0),
    case("plain", "msort", distinct(3, 4)),
    case("plain", "topk", distinct(3, 5), 2),
    case("smallest", "topk", distinct(5, 3), 3, 0, False),
    case("none", "topk", distinct(3), 0),
    case("plain", "kthvalue", distinct(3, 4), 2),
    case("keepdim", "kthvalue", distinct(3, 4), 1, 0, True),
    case("plain", "unique", ints(0, 4, 3, 4), order=0),
    case("everything", "unique", ints(0, 4, 3, 4), return_inverse=True, return_counts=True, order=0),
    case("rows", "unique", ints(0, 2, 6, 2), return_inverse=True, return_counts=True, dim=0, order=0),
    case("plain", "unique_consecutive", ints(0, 2, 3, 4), return_inverse=True, return_counts=True, order=0),
    case("rows", "unique_consecutive", ints(0, 2, 6, 1), return_counts=True, dim=0, order=0),
    case("plain", "searchsorted", const([1.0, 3.0, 5.0]), const([[0.0, 3.0], [4.0, 9.0]]), order=0),
    case("right", "searchsorted", const([[1, 3], [2, 2]]), const([[3, 1], [2, 0]]), right=True, order=0),
    case("plain", "bucketize", const([[0.0, 3.0], [4.0, 9.0]]), const([1.0, 3.0, 5.0]), order=0),
    case("right", "bucketize", const(3), const([1, 3, 5]), right=True, out_int32=True, order=0),
    case("plain", "isin", ints(0, 6, 3, 4), const([1, 4]), order=0),
    case("invert", "isin", ints(0, 6, 3, 4), const([1, 4]), invert=True, order=0),
]

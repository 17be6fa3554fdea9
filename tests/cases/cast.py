"""Rows of glassgrad/ops/cast.py and of the draws that hang on a graph; tests/test_autograd.py has their gradients."""

from __future__ import annotations

from .make import case, ints, real

CASES = [
    case("from integers", "Tensor.double", ints(-3, 3, 4), order=0),
    case("to integers", "Tensor.long", real(3, 4), order=0),
    case("to bool", "Tensor.bool", ints(0, 2, 5), order=0),
    case("narrow", "Tensor.float", real(5), order=0),
    case("0-d", "Tensor.float", real(), order=0),
    case("empty", "Tensor.float", real(0, 3), order=0),
    case("like another", "Tensor.type_as", real(5), real(2)),
]

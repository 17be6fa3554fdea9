"""svd_lowrank and pca_lowrank beside PyTorch's, from the same seed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import glassgrad as gg

torch = pytest.importorskip("torch")


@pytest.mark.parametrize("shape", [(12, 7), (7, 12), (2, 8, 8)])
@pytest.mark.parametrize(
    "call",
    [
        lambda lib, A: lib.svd_lowrank(A, q=4),
        lambda lib, A: lib.svd_lowrank(A, q=4, niter=5, M=A.mean(-2, keepdim=True)),
        lambda lib, A: lib.pca_lowrank(A, q=3),
        lambda lib, A: lib.pca_lowrank(A, center=False),
    ],
)
def test_the_same(call: Callable[[Any, Any], Any], shape: tuple[int, ...]) -> None:
    seen = []
    for lib in (gg, torch):
        lib.manual_seed(0)
        A = lib.randn(*shape, dtype=lib.float64)
        seen.append([x.numpy() for x in call(lib, A)])
    (U, S, V), (u, s, v) = seen
    np.testing.assert_allclose(S, s, 1e-8)
    signs = np.sign((U * u).sum(-2, keepdims=True))  # LAPACKs differ in them
    np.testing.assert_allclose(U * signs, u, 1e-5, 1e-7)
    np.testing.assert_allclose(V * signs, v, 1e-5, 1e-7)

"""testing.assert_close beside PyTorch's: the same yes, and the same words where it is no."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")

import glassgrad as gg  # noqa: E402
import glassgrad.testing  # noqa: E402

CASES = [
    "(x, x + 1e-7)", "(x, x + t([0, 1e-2, 0]))", "(x, t([1.0, 2.0]))", "(x, x.double())",
    "(x, x.double(), check_dtype=False)", "(t([1, 2]), t([1, 3]))", "(t([[1.0, nan]]), t([[1.0, nan]]))",
    "(t([[1.0, nan]]), t([[1.0, nan]]), equal_nan=True)", "(t([inf, 1.0]), t([inf, 1.0]))", "(1.0, 1.1)", "(2, 3)",
    "(1.0, 1.0 + 1e-9)", "(1, 1.0)", "(nan, nan)", "(True, False)", "(None, None)", "([x, x], (x, x))",
    "([x, {'k': x + 1}], [x, {'k': x}])", "({'a': x}, {'b': x})", "([x], [x, x])", "(x, x + 1, msg='mine')",
    "(x, x + 1, msg=lambda m: 'so: ' + m)", "(x, [1.0, 2.0, 3.0])", "(x, 3)", "('a', 'a')", "(x, x + 1, rtol=1)",
    "(t(1.0), t(2.0))", "(t(1), t(2))", "(x, x + 0.1, rtol=0, atol=0.01)", "(t([True]), t([False]))",
    "(x, x + 1, rtol=0, atol=0)", "(t([[1.0, 2.0], [3.0, 0.0]]), t([[1.0, 2.5], [3.0, 1.0]]))", "(t([]), t([]))",
]  # fmt: skip


def said(library: Any, case: str) -> str:
    names = {"x": library.tensor([1.0, 2.0, 3.0]), "t": library.tensor, "nan": float("nan"), "inf": float("inf")}
    try:
        eval(f"check{case}", names | {"check": library.testing.assert_close})
    except (AssertionError, TypeError, ValueError) as problem:
        return f"{type(problem).__name__}: {problem}".replace("glassgrad.core.tensor", "torch").replace(
            "glassgrad.", "torch."
        )
    return "close"


@pytest.mark.parametrize("case", CASES)
def test_assert_close_says_the_same(case: str) -> None:
    assert said(gg, case) == said(torch, case)

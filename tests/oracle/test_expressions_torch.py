"""The list in expressions.py is what PyTorch shows."""

from __future__ import annotations

import pytest

from expressions import EXPRESSIONS, shown

torch = pytest.importorskip("torch")


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")
@pytest.mark.parametrize(("expression", "text"), EXPRESSIONS)
def test_expression(expression: str, text: str) -> None:
    try:
        assert shown(torch, expression) == text
    finally:
        torch.set_default_device(None)  # one, even the CPU, turns PyTorch's path for inference off

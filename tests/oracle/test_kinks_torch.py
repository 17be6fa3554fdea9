"""The stored answers at kinks are PyTorch's."""

from __future__ import annotations

import pytest

from kinks import ROWS, Kink, answer, same

torch = pytest.importorskip("torch")


@pytest.mark.filterwarnings("ignore::UserWarning")  # std() of one element, losses of odd shapes
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_torch_gives_the_stored_answer(row: Kink) -> None:
    assert same(answer(row, torch), (row.value, row.grad)), answer(row, torch)

"""Corners, ties, zeros, infinities: the stored answers, and the page that shows them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import glassgrad as gg
from kinks import ROWS, Kink, answer, page, same

PAGE = Path(__file__).parents[1] / "docs" / "kinks.md"


@pytest.mark.filterwarnings("ignore::UserWarning")  # std() of one element says so
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_kink(row: Kink) -> None:
    assert same(answer(row, gg), row.expected), answer(row, gg)


def test_a_wrong_answer_is_seen() -> None:
    row = next(row for row in ROWS if row.text == "F.relu6(x)")
    assert not same(answer(row, gg), replace(row, grad=[0.0, 1.0]).expected)
    assert not same(answer(row, gg), replace(row, value=[0.0, 5.0]).expected)


def test_differences_have_a_reason() -> None:
    assert all(bool(row.why) == (row.ours is not None) for row in ROWS)
    assert not [row.id for row in ROWS if row.ours and same(row.ours, (row.value, row.grad))]


def test_page_shows_the_table() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "python tests/kinks.py > docs/kinks.md"

"""docs/parity.md says what is measured: every entry again, line by line, and the figures that were promised."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")
pytest.importorskip("expecttest")

from glassgrad.core.op import REGISTRY
from oracle.parity import ENTRIES, PAGE, measure, row, rows_of, verdict

pytestmark = pytest.mark.filterwarnings("ignore")  # PyTorch's own

LINES = rows_of(PAGE.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", ENTRIES)
def test_entry(name: str) -> None:
    result = measure(ENTRIES[name])
    assert verdict(result) != "WRONG", result.failed
    if verdict(result) == "missing":
        assert name not in LINES, "it is there now: run make parity"
    else:
        assert row(result) == LINES.get(name), (result.failed, "run make parity if this is right")


def test_the_page_names_only_entries() -> None:
    assert set(LINES) <= set(ENTRIES)


def test_the_figures() -> None:
    """At least 300 entries the same, at least 95 % of the refused inputs refused in the same way."""
    cells = [line.strip("| ").split(" | ") for line in LINES.values()]
    assert sum(c[1] == "same" for c in cells) >= 300
    pairs = [line.split("|")[7].strip().split("/") for line in LINES.values() if "/" in line.split("|")[7]]
    raised, errors = (sum(int(p[k]) for p in pairs) for k in (0, 1))
    assert raised >= 0.95 * errors


def test_the_harness_can_fail() -> None:
    """A formula wrong by 0.1 % is seen, in reverse and in forward mode."""
    declared = REGISTRY["tanh"]
    right = declared.formulas
    declared.formulas = [lambda g, y: 1.001 * g * (1 - y * y)]
    try:
        result = measure(ENTRIES["tanh"])
    finally:
        declared.formulas = right
    assert {"vjp", "vjp of vjp", "jvp"} <= set(result.failed)
    assert verdict(measure(ENTRIES["tanh"])) == "same"

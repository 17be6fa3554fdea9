"""torch.profiler's schedules and tables, beside PyTorch's own."""

from __future__ import annotations

import itertools
import re
from typing import Any

import pytest

import glassgrad as gg
from glassgrad import profiler

torch = pytest.importorskip("torch")


@pytest.mark.filterwarnings("ignore:Profiler won't be using warmup")
def test_schedules() -> None:
    for wait, warmup, active, repeat, skip in itertools.product((0, 2), (0, 1), (1, 3), (0, 2), (0, 1, 4)):
        for first in (0, 1):
            options = {"wait": wait, "warmup": warmup, "active": active, "repeat": repeat, "skip_first": skip,
                           "skip_first_wait": first}  # fmt: skip
            ours, theirs = profiler.schedule(**options), torch.profiler.schedule(**options)
            for step in range(30):
                assert ours(step).name == theirs(step).name, (options, step)


def layout(table: str) -> list[str]:
    """A table without its numbers, and without what PyTorch frees between operations."""
    lines = [line for line in table.splitlines() if "[mem" not in line]
    return [re.sub(r"\s+-?[\d.]+ ?(%|us|ms|s|KB|B)?", " #", line) for line in lines]


@pytest.mark.parametrize("options", [{}, {"header": "Head"}, {"sort_by": "count"}, {"max_name_column_width": 8}])
@pytest.mark.parametrize("memory", [False, True])
def test_tables_are_laid_out_alike(options: dict[str, Any], memory: bool) -> None:
    tables = []
    for library, names in ((gg, profiler), (torch, torch.profiler)):
        x = library.ones(3)
        with names.profile(profile_memory=memory, record_shapes=True) as prof:
            for _ in range(3):
                x + x
        tables.append(layout(prof.key_averages().table(**options)))
    assert tables[0] == tables[1]

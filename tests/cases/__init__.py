"""The table of cases, one file for each file of operations; all of those are opened."""

from __future__ import annotations

import importlib
import pkgutil

import glassgrad.ops

from .make import Case

for _info in pkgutil.iter_modules(glassgrad.ops.__path__):
    importlib.import_module(f"glassgrad.ops.{_info.name}")


def all_cases() -> list[Case]:
    found: list[Case] = []
    for info in sorted(pkgutil.iter_modules(__path__), key=lambda info: info.name):
        if info.name != "make":
            found += importlib.import_module(f"{__name__}.{info.name}").CASES
    ids = [c.id for c in found]
    twice = {i for i in ids if ids.count(i) > 1} if len(set(ids)) < len(ids) else set()
    assert not twice, f"two rows have the same id: {sorted(twice)}"
    return found


CASES = all_cases()

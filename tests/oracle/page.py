"""Printing what a database gave, and writing the page docs/parity.md from all of them.

python -m oracle.page [--jobs 2]          runs everything and writes the page
"""

from __future__ import annotations

import sys
import warnings
from collections import Counter
from collections.abc import Callable
from multiprocessing import get_context
from typing import Any

from oracle.parity import ENTRIES, KINDS, PAGE, Result, measure, row, verdict

HEAD = """# Parity with PyTorch, operation by operation

PyTorch 2.13 carries a database of its operations with sample inputs (`op_db`). Every sample goes through PyTorch and
through glassgrad: the values, the gradient under a random cotangent (vjp), the gradient of that gradient, and forward
mode (jvp), in float64 (to 1e-10 of the largest number) and float32 (to 2e-5); integers and booleans go forward. Shapes,
dtypes and `requires_grad` must be equal. Inputs that PyTorch refuses must be refused here, with the same type of
exception. The numbers in the table count comparisons that hold.

This page is made by `make parity`; the tests compare every line of it with what they measure.
"""


def show(entries: dict[str, Any], measure_one: Callable[[Any], Result]) -> None:
    """Print the results of the entries named on the command line, or of all."""
    warnings.filterwarnings("ignore")
    for name in sys.argv[1:] or entries:
        try:
            result = measure_one(entries[name])
        except Exception as problem:
            print("CRASH", name, repr(problem)[:300], flush=True)
            continue
        print(name, result.missing and f"MISSING {result.missing}", result.held,
              f"errors {result.raised}/{result.errors}", flush=True)  # fmt: skip
        for kind, problems in result.failed.items():
            print(f"    {kind}: {len(problems)}: {problems[0][:300]}", flush=True)


def _measured(name: str) -> Result:
    warnings.filterwarnings("ignore")
    return measure(ENTRIES[name])


def table(results: list[Result]) -> str:
    lines = [
        f"| entry | | {' | '.join(KINDS)} | errors | |",
        "| --- " * (len(KINDS) + 4) + "|",
        *(row(r) for r in results if verdict(r) != "missing"),
    ]
    return "\n".join(lines)


def summary(results: list[Result]) -> str:
    kinds = Counter(map(verdict, results))
    held = sum(sum(r.held.values()) for r in results)
    raised, errors = sum(r.raised for r in results), sum(r.errors for r in results if not r.missing)
    return (
        f"**{kinds['same']} entries are the same, {kinds['differs']} differ in part for the reason given, "
        f"{kinds['missing']} are missing, of {len(results)}.** {held:,} comparisons hold. "
        f"Of {errors} refused inputs of the entries that are there, {raised} are refused in the same way."
    )


def write(jobs: int) -> None:
    with get_context("spawn").Pool(jobs) as pool:
        results = pool.map(_measured, ENTRIES, chunksize=8)
    wrong = [r.name for r in results if verdict(r) == "WRONG"]
    missing = ", ".join(sorted(r.name for r in results if r.missing))
    PAGE.write_text(f"{HEAD}\n{summary(results)}\n\n{table(results)}\n\n## Missing\n\n{missing}\n", encoding="utf-8")
    print(summary(results))
    if wrong:
        print("unexplained:", *wrong)


if __name__ == "__main__":
    write(int(sys.argv[sys.argv.index("--jobs") + 1]) if "--jobs" in sys.argv else 2)

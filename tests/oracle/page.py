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

from oracle import parity, parity_modules, parity_optim
from oracle.parity import PAGE, Result, row, verdict

HEAD = """# Parity with PyTorch, operation by operation

PyTorch 2.13 carries databases of its operations, modules and optimizers. Operations (`op_db`) come with inputs. Every
one goes through PyTorch and through glassgrad: the values, the gradient under a random cotangent (vjp), the gradient of
that gradient, and forward mode (jvp), in float64 (to 1e-10 of the largest number) and float32 (to 2e-5); integers and
booleans go forward. Shapes, dtypes and `requires_grad` must be equal. Inputs that PyTorch refuses must be refused here,
with the same type of exception. The numbers in the tables count comparisons that hold.

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


# title: what is measured, by entry; the kinds of comparison
DATABASES: dict[str, tuple[Any, tuple[str, ...]]] = {
    "Operations": (parity, parity.KINDS),
    "Modules": (parity_modules, ("state", "values", "vjp")),
    "Optimizers": (parity_optim, ("values",)),
}

ABOUT = {
    "Modules": """Constructed from the same seed with the same arguments (`module_db`): what the constructor drew, the
names in the state dict, outputs, and the gradients of inputs and parameters; in training and in evaluation.""",
    "Optimizers": """50 steps in float64 with each of `optim_db`'s sets of options, also with two parameter groups; to
1e-12 of each parameter's largest number. L-BFGS takes 6 steps of 20 iterations, to 1e-9.""",
}


def _measured(title: str, name: str) -> Result:
    warnings.filterwarnings("ignore")
    module, _ = DATABASES[title]
    return module.measure(module.ENTRIES[name])


def table(results: list[Result], kinds: tuple[str, ...]) -> str:
    lines = [
        f"| entry | | {' | '.join(kinds)} | errors | |",
        "| --- " * (len(kinds) + 4) + "|",
        *(row(r, kinds) for r in results if verdict(r) != "missing"),
    ]
    return "\n".join(lines)


def summary(results: list[Result]) -> str:
    found = Counter(map(verdict, results))
    held = sum(sum(r.held.values()) for r in results)
    raised, errors = sum(r.raised for r in results), sum(r.errors for r in results if not r.missing)
    return (
        f"**{found['same']} entries are the same, {found['differs']} differ in part for the reason given, "
        f"{found['missing']} are missing, of {len(results)}.** {held:,} comparisons hold. "
        f"Of {errors} refused inputs of the entries that are there, {raised} are refused in the same way."
    )


def section(title: str, results: list[Result]) -> str:
    missing = ", ".join(sorted(r.name for r in results if r.missing))
    parts = [f"## {title}", ABOUT.get(title, ""), summary(results), f"Missing: {missing}." if missing else "",
             table(results, DATABASES[title][1])]  # fmt: skip
    return "\n\n".join(filter(None, parts))


def write(jobs: int) -> None:
    sections = []
    with get_context("spawn").Pool(jobs) as pool:
        for title, (module, _) in DATABASES.items():
            results = pool.starmap(_measured, [(title, name) for name in module.ENTRIES], chunksize=8)
            sections.append(section(title, results))
            print(title, summary(results))
            for r in results:
                if verdict(r) == "WRONG":
                    print("unexplained:", r.name, {kind: problems[0] for kind, problems in r.failed.items()})
    PAGE.write_text("\n\n".join([HEAD.strip(), *sections]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write(int(sys.argv[sys.argv.index("--jobs") + 1]) if "--jobs" in sys.argv else 2)

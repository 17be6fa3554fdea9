"""`import glassgrad` loads NumPy, a short list of small standard modules, and nothing else.

Times are not asserted: they are measured by benchmarks/import_time.py.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import glassgrad

SOURCE = Path(glassgrad.__file__).parents[1]

# Standard modules that glassgrad may load beyond those that NumPy has loaded: each costs every user's start.
SMALL = {
    "bisect", "_bisect", "contextvars", "_contextvars", "copy", "dataclasses", "heapq", "_heapq", "threading",
    "traceback", "textwrap",
}  # fmt: skip
# Op declarations read signatures; newer NumPy loads this too.
INSPECT = {
    "__future__", "inspect", "ast", "_ast", "dis", "opcode", "_opcode", "_opcode_metadata", "importlib",
    "linecache", "token", "tokenize",
}  # fmt: skip

PROBE = """
import json, sys
import numpy
before = set(sys.modules)
{program}
print(json.dumps(sorted({{name.partition(".")[0] for name in set(sys.modules) - before}})))
"""


def loaded_by(program: str) -> set[str]:
    """The top-level modules that `program` loads in a fresh interpreter beyond those of `import numpy`."""
    run = subprocess.run(
        [sys.executable, "-c", PROBE.format(program=program)],
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
        capture_output=True,
        text=True,
        check=True,
    )
    return set(json.loads(run.stdout))


def test_import_is_light() -> None:
    loaded = loaded_by("import glassgrad")
    assert "glassgrad" in loaded
    assert not (third_party := loaded - sys.stdlib_module_names - {"glassgrad"}), third_party
    heavy = sorted(loaded - SMALL - INSPECT - {"glassgrad"})
    assert not heavy, f"{heavy}: import them where they are needed"


def test_rare_operations_open_at_first_touch() -> None:
    late = glassgrad.ops.late
    closed = f"import glassgrad, sys; print([m for m in {list(late.LATE)!r} if f'glassgrad.ops.{{m}}' in sys.modules])"
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    run = subprocess.run([sys.executable, "-c", closed], env=environment, capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"
    for gives in late.LATE.values():
        for name in gives.public.split():
            assert callable(getattr(glassgrad, name))
            assert name in dir(glassgrad)
        for name in [*gives.methods.split(), *(f"{name}_" for name in gives.in_place.split())]:
            assert callable(getattr(glassgrad.Tensor, name))
            assert not isinstance(vars(glassgrad.Tensor)[name], late.Method)
        for name in gives.only_methods.split():
            assert hasattr(glassgrad.Tensor, name)


def test_constants() -> None:
    assert [glassgrad.e, glassgrad.pi, glassgrad.inf] == [math.e, math.pi, math.inf]
    assert math.isnan(glassgrad.nan) and glassgrad.newaxis is None


def test_import_says_nothing() -> None:
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", "import glassgrad"],
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


def test_probe_can_fail() -> None:
    assert "decimal" in loaded_by("import decimal")
    assert "pytest" in loaded_by("import pytest") - sys.stdlib_module_names

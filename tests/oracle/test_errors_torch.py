"""Mistakes raise what they raise under PyTorch: the same kind of exception with the same sentence."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
import torch
import torch.distributions
import torch.func
import torch.utils.data

from glassgrad.core.errors.catalogue import ROWS
from mistakes import MISTAKES, OTHERWISE, run

PROGRAMS = MISTAKES | {f"{code} example": row.program() for code, row in ROWS.items()}
OURS = """
import json, sys, warnings
from glassgrad import torchlike
warnings.simplefilter("ignore")
sys.path.insert(0, sys.argv[1])
from mistakes import run
torchlike.install()
import torch, torch.distributions, torch.func, torch.utils.data
said = {}
for name, program in json.load(sys.stdin).items():
    problem = run(program, torch)
    said[name] = [type(problem).__name__, str(problem)]
print(json.dumps(said))
"""


@pytest.fixture(scope="module")
def said() -> dict[str, list[str]]:
    """What each program ends with under `glassgrad run`."""
    command = [sys.executable, "-c", OURS, str(Path(__file__).parents[1])]
    done = subprocess.run(command, input=json.dumps(PROGRAMS), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_same_sentence(name: str, said: dict[str, list[str]]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        problem = run(PROGRAMS[name], torch)
    same = said[name] == [type(problem).__name__, str(problem)]
    assert same != (name in OTHERWISE), (said[name], str(problem), OTHERWISE.get(name))

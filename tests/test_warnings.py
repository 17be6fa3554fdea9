"""Warnings point at the user's line, and filters treat them as those of that line's module."""

from __future__ import annotations

import json
import linecache
import os
import subprocess
import sys
import warnings
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

import glassgrad as gg

FILE = "<program>"
LOSS = "F.mse_loss(torch.zeros(4, 1), torch.zeros(4))"
# name: program; each line that ends in "# here" gets one warning, and no other line any
PROGRAMS = {
    "function": f"{LOSS}  # here",
    "one for each line": f"{LOSS}  # here\n{LOSS}  # here",
    "function of another module": "torch.set_float32_matmul_precision('low')  # here",
    "method": "torch.zeros(1).std()  # here",
    "operator": "torch.zeros(3)[torch.zeros(3, dtype=torch.uint8)]  # here",
    "assigned": "x = torch.zeros(3)\nx[torch.zeros(3, dtype=torch.uint8)] = 1.0  # here",
    "several lines": "F.mse_loss(  # here\n    torch.zeros(4, 1),\n    torch.zeros(4),\n)",
    "module": "nn.MSELoss()(torch.zeros(4, 1), torch.zeros(4))  # here",
    "module made": "nn.LSTM(2, 3, dropout=0.5)  # here",
    "module made by a generated method": "nn.Hardtanh(min_value=-1.0)  # here",
    "subclass made": """
        class Mine(nn.GRU):
            def __init__(self):
                super().__init__(2, 3, dropout=0.5)  # here

        Mine()
        """,
    "nested Sequential": """
        net = nn.Sequential(nn.Linear(2, 3), nn.Sequential(nn.ReLU(), nn.Sequential(nn.Softmax())))
        net(torch.zeros(4, 2))  # here
        """,
    "module of the user's": """
        class Scores(nn.Module):
            def forward(self, x):
                return F.softmax(x)  # here

        nn.Sequential(nn.Linear(2, 3), Scores())(torch.zeros(4, 2))
        """,
    "hook": """
        net = nn.Sequential(nn.Linear(2, 3))
        net[0].register_forward_hook(
            lambda layer, given, y: F.softmax(y)  # here
        )
        net(torch.zeros(4, 2))
        """,
    "hook of a gradient": """
        w = torch.ones(3, requires_grad=True)
        w.register_hook(
            lambda g: F.softmax(g)  # here
        )
        (w * 2).sum().backward()
        """,
    "optimizer": "w = nn.Parameter(torch.zeros(2))\ntorch.optim.SGD([w, w], lr=0.1)  # here",
    "scheduler": """
        optimizer = torch.optim.SGD(nn.Linear(2, 2).parameters(), lr=0.1)
        schedule = torch.optim.lr_scheduler.StepLR(optimizer, 1)
        schedule.step()  # here
        """,
    "scheduler of schedulers": """
        optimizer = torch.optim.SGD(nn.Linear(2, 2).parameters(), lr=0.1)
        schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer)
        schedule.step(1.0, epoch=1)  # here
        """,
    "clipping": "nn.utils.clip_grad_norm_((p for p in ()), 1.0)  # here",
    "DataLoader": "from glassgrad.data import DataLoader\nnext(iter(DataLoader([1], pin_memory=True)))  # here",
    "DataLoader in a loop": """
        from glassgrad.data import DataLoader
        for x in DataLoader([1], pin_memory=True):  # here
            pass
        """,
    "data set": """
        from glassgrad.data import DataLoader, Dataset

        class Data(Dataset):
            def __len__(self):
                return 1

            def __getitem__(self, i):
                return F.softmax(torch.ones(3))  # here

        next(iter(DataLoader(Data())))
        """,
    "compile": """
        def f(x):
            return F.softmax(x)  # here

        torch.compile(f)(torch.zeros(3))
        """,
    "compile gives up": """
        @torch.compile
        def f(x):
            return x * x.sum().item()

        f(torch.ones(3))  # here
        """,
    "under lint()": f"with glassgrad.lint():\n    {LOSS}  # here",
    "under explain()": "y = F.softmax(torch.ones(3, requires_grad=True))  # here\nglassgrad.explain(y.sum())",
    "under watch()": f"""
        w = torch.ones(4, 1, requires_grad=True)
        with glassgrad.watch():
            {LOSS}  # here
        """,
    "decorator": f"""
        @torch.no_grad()
        def f():
            {LOSS}  # here

        f()
        """,
    "of a decorated function": """
        @torch.autocast("cuda")  # here
        def f():
            pass

        f()
        """,
    "through Python's own files": """
        from functools import reduce, singledispatch

        singledispatch(F.softmax)(torch.ones(3))  # here
        """,
    "transformation": """
        def f(x):
            return F.softmax(x).sum()  # here

        torch.func.grad(f)(torch.ones(3))
        """,
    "transformed": "torch.func.vmap(F.softmax)(torch.ones(2, 3))  # here",
    "partial": "from functools import partial\npartial(F.softmax, torch.ones(3))()  # here",
    "distribution": "torch.distributions.Normal(0.0, 1.0).sample_n(2)  # here",
    "initialisation": "nn.init.uniform(torch.zeros(2))  # here",
}


def prepared(program: str) -> tuple[Any, dict[str, Any], list[int]]:
    """The program's code, its module's names, and the lines that are marked."""
    text = dedent(program).strip() + "\n"
    lines = text.splitlines(keepends=True)
    linecache.cache[FILE] = (len(text), None, lines, FILE)
    names = {
        "__name__": "program",
        "glassgrad": gg,
        "torch": gg,
        "nn": gg.nn,
        "F": gg.nn.functional,
        "warnings": warnings,
    }
    marked = [i for i, line in enumerate(lines, 1) if line.endswith("# here\n")]
    return compile(text, FILE, "exec", dont_inherit=True), names, marked


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_users_line_is_shown(name: str) -> None:
    code, names, marked = prepared(PROGRAMS[name])
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("default")
        exec(code, names)
    assert marked
    assert [(w.filename, w.lineno) for w in seen] == [(FILE, line) for line in marked], [str(w.message) for w in seen]


# --- filters ---


def shown(program: str, *filters: Any) -> list[int]:
    """The lines of which a program, run twice, shows a warning."""
    code, names, _ = prepared(program)
    with warnings.catch_warnings(record=True) as seen:
        warnings.resetwarnings()
        for filter in filters:
            warnings.filterwarnings(**filter)
        for _ in range(2):
            exec(code, names)
    return [w.lineno for w in seen]


TWO = f"def f():\n    {LOSS}\nf()\nf()\n{LOSS}"


@pytest.mark.parametrize(
    ("filter", "lines"),
    [
        ({"action": "default"}, [2, 5]),  # once for each line, whoever calls
        ({"action": "always"}, [2, 2, 5] * 2),
        ({"action": "module"}, [2]),
        ({"action": "once"}, [2]),
        ({"action": "ignore"}, []),
        ({"action": "ignore", "module": "program"}, []),
        ({"action": "ignore", "module": "other"}, [2, 5]),
        ({"action": "ignore", "message": "Using a target size"}, []),
        ({"action": "ignore", "category": FutureWarning}, [2, 5]),
        ({"action": "ignore", "lineno": 5}, [2]),
    ],
)
def test_filters_are_those_of_the_line(filter: dict[str, Any], lines: list[int]) -> None:
    assert shown(TWO, {"action": "default"}, filter) == lines


def test_filters_do_to_ours_what_they_do_to_any_other() -> None:
    ordinary = TWO.replace(LOSS, "warnings.warn('a')")
    for action in ("default", "always", "module", "once", "ignore"):
        filter = {"action": action}
        assert shown(TWO, filter) == shown(ordinary, filter)


def test_a_warning_made_an_error_is_raised_with_its_line() -> None:
    code, names, _ = prepared(f"\n{LOSS}")
    with warnings.catch_warnings(), pytest.raises(UserWarning, match="Using a target size") as error:
        warnings.simplefilter("error")
        exec(code, names)
    assert error.traceback[1].path == FILE or FILE in str(error.traceback[1].path)


# --- programs of their own ---

SCRIPT = f"""\
import torch
import torch.nn.functional as F
import helper

class Layer(torch.nn.Module):
    def forward(self, x):
        return F.softmax(x)

torch.nn.Sequential(Layer())(torch.ones(3))
{LOSS}
"""
HELPER = "import torch\ntorch.nn.init.uniform(torch.zeros(1))\n"


def said(folder: Path, *command: str) -> str:
    env = os.environ | {"PYTHONPATH": str(Path(gg.__file__).parents[1])}
    start = [sys.executable, *command]
    done = subprocess.run(start, cwd=folder, env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stderr


@pytest.mark.parametrize("command", [["run"], ["run", "--lint"]])
@pytest.mark.parametrize("kind", ["program.py", "program.ipynb", "-m"])
def test_programs_are_told_their_lines(tmp_path: Path, kind: str, command: list[str]) -> None:
    (tmp_path / "helper.py").write_text(HELPER)
    cell = {"cell_type": "code", "source": SCRIPT, "outputs": [], "metadata": {}, "execution_count": None}
    (tmp_path / "program.ipynb").write_text(json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4}))
    (tmp_path / "program.py").write_text(SCRIPT)
    err = said(tmp_path, "-m", "glassgrad", *command, *(["-m", "program"] if kind == "-m" else [kind]))
    lines = [line for line in err.splitlines() if "Warning: " in line]
    places = [line.partition(": ")[0].rpartition(":") for line in lines]
    assert [int(line) for *_, line in places] == [2, 7, 10], err
    assert [name.endswith("helper.py") for name, *_ in places] == [True, False, False]
    assert not any("glassgrad" in Path(name).parts for name, *_ in places), err
    for source in ("torch.nn.init.uniform(torch.zeros(1))", "return F.softmax(x)", LOSS):
        assert f"\n  {source}\n" in err


def test_nobodys_line_is_the_packages_own() -> None:
    """A thread whose only function is the package's."""
    import threading

    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        thread = threading.Thread(target=gg.nn.functional.softmax, args=(gg.ones(3),))
        thread.start()
        thread.join()
    assert [Path(w.filename).name for w in seen] == ["neural.py"]

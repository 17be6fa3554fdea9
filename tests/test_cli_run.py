"""`glassgrad run`: a program behaves as under `python`, to the character of its tracebacks and its exit status."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import NamedTuple

import pytest

import glassgrad

SOURCE = str(Path(glassgrad.__file__).parents[1])

FILES = {
    "chain.py": """
        from helper import outer

        try:
            outer({})
        except KeyError:
            raise RuntimeError("third")
    """,
    "helper.py": """
        def outer(x):
            try:
                return x["key"]
            except KeyError as problem:
                raise KeyError("second") from problem
    """,
    "syntax.py": """
        def f(:
            pass
    """,
    "text.py": """
        import sys
        print("out")
        sys.exit("text")
    """,
    "interrupt.py": """
        import os, signal, time
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(5)
    """,
    "own_hook.py": """
        import sys
        sys.excepthook = lambda kind, problem, frames: print(kind, problem, frames.tb_frame.f_lineno, frames.tb_next)
        raise ExceptionGroup("two", [ValueError(1), TypeError(2)])
    """,
    "about.py": '''
        """About."""
        import argparse, os, sys, threading
        print(__name__, __file__, __doc__, __package__, __spec__, type(__loader__).__name__, sorted(globals()))
        print(sys.argv, sys.path[0], sys.modules["__main__"].__dict__ is globals())
        parser = argparse.ArgumentParser()
        parser.add_argument("--lr", type=float)
        parser.add_argument("rest", nargs="*")
        print(parser.parse_args())
        threading.Thread(target=lambda: 1 / 0).start()
    ''',
    "package/__init__.py": "",
    "package/__main__.py": """
        import sys
        print(__name__, __file__, __package__, __spec__.name, sys.argv, sys.path[0])
        from . import part
    """,
    "package/part.py": """
        import sys
        print(__name__, __file__, __package__, __spec__.name)
        sys.exit(3)
    """,
    "uses_torch.py": """
        import torch
        from torch import nn

        class Net(nn.Module):
            def forward(self, x):
                return x.to_sparse_csr()

        print(torch.__version__ >= (2, 0), torch.zeros(1, 2).shape, torch.float64, type(torch.zeros(1)))
        Net()(torch.zeros(2))
    """,
    "missing.py": """
        import torch.nn as nn
        nn.Linear(2, 3, colour="red")
    """,
    "spawned.py": """
        import multiprocessing
        import sys

        import torch
        from torch.utils.data import DataLoader, Dataset

        class Numbers(Dataset):
            def __len__(self):
                return 4

            def __getitem__(self, i):
                return torch.tensor([i, i * i])

        if __name__ == "__main__":
            for batch in DataLoader(Numbers(), batch_size=2, num_workers=1, multiprocessing_context="spawn"):
                print(batch.tolist())
    """,
}

NOTEBOOK = {
    "cells": [
        {"cell_type": "markdown", "source": "text"},
        {"cell_type": "code", "source": ["%matplotlib inline\n", "import torch\n", "x = torch.ones(2)\n", "x"]},
        {"cell_type": "code", "source": "%%bash\necho never"},
        {"cell_type": "code", "source": "(x + 1).tolist();"},
        {"cell_type": "code", "source": "def f(x):\n    return x.nowhere"},
        {"cell_type": "code", "source": "f(x)"},
    ]
}

# name -> the words behind `python` and `glassgrad run`; standard input
ALIKE = {
    "chained exceptions from two files": (["chain.py"], ""),
    "a syntax error": (["syntax.py"], ""),
    "an exit with a text": (["text.py"], ""),
    "an interrupt": (["interrupt.py"], ""),
    "a hook of its own": (["own_hook.py"], ""),
    "arguments, and a thread that fails": (["about.py", "a", "--lr", "1", "--", "b"], ""),
    "a wrong argument": (["about.py", "--rate"], ""),
    "a package": (["-m", "package", "-x", "y"], ""),
    "standard input": (["-", "a"], "import sys\nprint(sys.argv, __file__)\n1 / 0\n"),
}
OURS = {
    "torch": ["uses_torch.py"],
    "missing": ["missing.py"],
    "all frames": ["--full-traceback", "missing.py"],
    "spawned": ["spawned.py"],
    "notebook": ["note.ipynb"],
    "no file": ["nowhere.py"],
    "no module": ["-m", "package.nowhere"],
    "nothing": [],
    "check": ["--check", "uses_torch.py"],
    "check syntax": ["--check", "syntax.py"],
    "check fine": ["--check", "spawned.py"],
}


class Outcome(NamedTuple):
    status: int
    out: str
    err: str


def dedent(text: str) -> str:
    return textwrap.dedent(text).lstrip("\n")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("programs")
    for name, text in FILES.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(dedent(text), encoding="utf-8")
    (root / "note.ipynb").write_text(json.dumps(NOTEBOOK), encoding="utf-8")
    return root


def python(folder: Path, words: list[str], given: str = "") -> Outcome:
    env = {**os.environ, "PYTHONPATH": SOURCE}
    done = subprocess.run(
        [sys.executable, *words], input=given, capture_output=True, text=True, cwd=folder, env=env, timeout=120
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


# Imports glassgrad once; then every program has a process of its own, up to the interpreter's last act.
DRIVER = """
import json, os, sys
import glassgrad.cli.run, glassgrad.cli.step, glassgrad.glass.stepping.terminal, glassgrad.nn, glassgrad.torchlike.check
from glassgrad.cli import main

for number, (words, given) in enumerate(json.loads(sys.argv[1])):
    names = [f"{number}.{stream}" for stream in ("in", "out", "err")]
    with open(names[0], "w") as file:
        file.write(given)
    child = os.fork()
    if child == 0:
        for target, (name, flags) in enumerate(zip(names, (os.O_RDONLY, *2 * [os.O_WRONLY | os.O_CREAT]))):
            os.dup2(os.open(name, flags), target)
        sys.argv[1:] = words
        sys.exit(main())
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@pytest.fixture(scope="module")
def outcomes(folder: Path) -> dict[str, Outcome]:
    """What all programs did under `glassgrad run`."""
    lines = {**ALIKE, **{name: (words, "") for name, words in OURS.items()}}
    return forked(folder, {name: (["run", *words], given) for name, (words, given) in lines.items()})


def forked(folder: Path, lines: dict[str, tuple[list[str], str]]) -> dict[str, Outcome]:
    """What command lines do: name -> the words behind `glassgrad`, and standard input."""
    driver = python(folder, ["-c", DRIVER, json.dumps(list(lines.values()))])
    texts = [[(folder / f"{i}.{stream}").read_text() for stream in ("out", "err")] for i in range(len(lines))]
    assert driver.err == ""
    return {
        name: Outcome(int(status), *text)
        for name, status, text in zip(lines, driver.out.split(), texts, strict=True)
    }  # fmt: skip


@pytest.mark.parametrize("name", ALIKE)
def test_as_under_python(name: str, folder: Path, outcomes: dict[str, Outcome]) -> None:
    assert outcomes[name] == python(folder, *ALIKE[name])


def test_a_program_that_uses_torch(folder: Path, outcomes: dict[str, Outcome]) -> None:
    """The traceback ends at the program's line and names what is missing."""
    status, out, err = outcomes["torch"]
    assert (status, out) == (1, "True torch.Size([1, 2]) torch.float64 <class 'torch.Tensor'>\n")
    assert err == dedent(f"""
        Traceback (most recent call last):
          File "{folder / "uses_torch.py"}", line 9, in <module>
            Net()(torch.zeros(2))
          File "{folder / "uses_torch.py"}", line 6, in forward
            return x.to_sparse_csr()
                   ^^^^^^^^^^^^^^^
        AttributeError: Tensor.to_sparse_csr is not in glassgrad yet (used at uses_torch.py:6)
          at    uses_torch.py:6   return x.to_sparse_csr()
          in    Net
          with  x = float32 (2,)
          fix   compare the spelling; `glassgrad run --check program.py` lists what is missing
          code  GG216: glassgrad explain GG216
    """)


def test_an_argument_that_is_missing(outcomes: dict[str, Outcome]) -> None:
    said = "Linear.__init__() got an unexpected keyword argument 'colour'"
    status, _, err = outcomes["missing"]
    assert status == 1
    assert (
        f"{said}: where PyTorch has it, it is not in glassgrad yet (used at missing.py:2)\n  at    missing.py:2" in err
    )
    assert "\n  fix   it takes in_features, out_features, bias, device, dtype\n" in err
    assert "glassgrad/" not in err
    assert "glassgrad/torchlike/program.py" in outcomes["all frames"].err


def test_spawned_workers_find_torch(outcomes: dict[str, Outcome]) -> None:
    assert outcomes["spawned"] == (0, "[[0, 0], [1, 1]]\n[[2, 4], [3, 9]]\n", "")


def test_a_notebook(outcomes: dict[str, Outcome]) -> None:
    status, out, err = outcomes["notebook"]
    assert (status, out) == (1, "tensor([1., 1.])\n")
    assert err == dedent("""
        note.ipynb[1]:1: this line speaks to the notebook and is left out: %matplotlib inline
        note.ipynb[2]:1: this cell speaks to the notebook and is left out: %%bash
        Traceback (most recent call last):
          File "note.ipynb[5]", line 1, in <module>
            f(x)
          File "note.ipynb[4]", line 2, in f
            return x.nowhere
                   ^^^^^^^^^
        AttributeError: 'Tensor' object has no attribute 'nowhere'
          at    note.ipynb[4]:2   return x.nowhere
          with  x = float32 (2,)
          fix   did you mean where?
          code  GG216: glassgrad explain GG216
    """)


def test_where_there_is_no_program(folder: Path, outcomes: dict[str, Outcome]) -> None:
    file = folder / "nowhere.py"
    expected = f"glassgrad run: can't open file {str(file)!r}: [Errno 2] No such file or directory\n"
    assert outcomes["no file"] == (2, "", expected)
    assert outcomes["no module"] == (1, "", "glassgrad run: No module named package.nowhere\n")
    assert outcomes["nothing"].status == 2
    assert "which program?" in outcomes["nothing"].err


def test_check(outcomes: dict[str, Outcome]) -> None:
    said = "torch.Tensor.to_sparse_csr, if that is what is called, is not in glassgrad yet: uses_torch.py:6\n"
    assert outcomes["check"] == (0, said + "nothing that the program names is missing\n", "")
    assert outcomes["check fine"] == (0, "nothing that the program names is missing\n", "")
    assert outcomes["check syntax"].status == 1
    assert "SyntaxError: invalid syntax" in outcomes["check syntax"].err

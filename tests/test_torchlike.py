"""PyTorch's module names: what they find, what they say of what they don't, and how to take them back."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import glassgrad
from glassgrad.torchlike import check, facade, homes, notebook
from glassgrad.torchlike.absent import NAMES
from glassgrad.torchlike.table import MODULES, ROOTS
from glassgrad.torchlike.version import Version

PROGRAM = """
import importlib.util, os, pickle, sys
import glassgrad
from glassgrad import torchlike

def says(kind, text):
    try:
        exec(text, {"torch": torch})
    except kind as problem:
        return str(problem)
    raise AssertionError(f"{text} raised nothing")

torchlike.install()
torchlike.install()  # once is enough
import torch
import torch.nn.functional as F
import torch.utils.data.dataloader
from torch import nn, optim
from torch.nn.modules.conv import Conv2d

# One thing under two names, kept after the first touch.
assert torch.relu is glassgrad.relu and "relu" in vars(torch)
assert torch.utils.data.dataloader.DataLoader is glassgrad.data.DataLoader
assert Conv2d is nn.Conv2d is torch.nn.modules.Conv2d
assert isinstance(torch.ones(1), torch.FloatTensor) and isinstance(torch.ones(1), torch.autograd.Variable)
assert "relu" in dir(F) and "__version__" in dir(torch) + ["__version__"] and torch.__version__ == "2.13.0"
space = {}
exec("from torch import *", space)
assert not {"draw", "step", "profile"} & {*space, *dir(torch)} and not hasattr(torch, "draw")  # are the package's own
assert space["zeros"] is glassgrad.zeros and "Any" not in space and "data" not in space

# Programs read the list of models off the module.
import torchvision.models as models
assert callable(models.__dict__["resnet18"]) and "resnet18" in dir(models)

# Texts name things as PyTorch does.
layer = nn.Linear(2, 2)
assert repr([torch.float64, torch.zeros(2).shape, type(layer.weight)]) == (
    "[torch.float64, torch.Size([2]), <class 'torch.nn.parameter.Parameter'>]")
assert repr(type(layer)) == "<class 'torch.nn.modules.linear.Linear'>"
assert repr(optim.AdamW) == "<class 'torch.optim.adamw.AdamW'>"
assert repr(torch.max(torch.ones(1, 1), 1)).startswith("torch.return_types.max(\\nvalues=tensor([1.])")
assert pickle.loads(pickle.dumps(nn.BatchNorm1d)) is glassgrad.nn.BatchNorm1d

# What is missing says so at first touch; a name that nobody has is Python's own error.
assert says(AttributeError, "torch.fx") == "torch.fx is not in glassgrad yet (used at <string>:1)"
assert says(ImportError, "\\nfrom torch import fx") == "torch.fx is not in glassgrad yet (used at <string>:2)"
assert says(ModuleNotFoundError, "import torch.fx.x") == "torch.fx is not in glassgrad yet (used at <string>:1)"
assert says(AttributeError, "torch.rellu") == "module 'torch' has no attribute 'rellu'"
assert says(ModuleNotFoundError, "import torch.rellu") == "No module named 'torch.rellu'"
assert says(ImportError, "from torch.nn import rellu").startswith("cannot import name 'rellu' from 'torch.nn'")
assert "torch.jit.trace is not in glassgrad" in says(NotImplementedError, "torch.jit.trace(len)")
import torch.onnx
assert "torch.onnx.export is not in glassgrad" in says(NotImplementedError, "torch.onnx.export(1)")
assert not hasattr(torch, "fx") and getattr(torch, "rellu", 3) == 3
assert importlib.util.find_spec("torch.fx") is None and importlib.util.find_spec("torch.nn") is not None

# A function stays although a module of its name is imported.
import torch.autograd.gradcheck, torchvision.models.googlenet
assert [type(f).__name__ for f in (torch.autograd.gradcheck, torchvision.models.googlenet)] == ["function"] * 2

# What is assigned is found, in the module behind too where it has the name.
torch.mine, F.relu = 5, len
assert torch.mine == 5 and glassgrad.nn.functional.relu is F.relu is len and not hasattr(glassgrad, "mine")

@torch.compile
def twice(x):
    return x + x

assert [twice(torch.ones(1)).item() for _ in range(3)] == [2.0] * 3

torchlike.uninstall()
torchlike.uninstall()
assert "torch" not in sys.modules and repr(glassgrad.float64) == "glassgrad.float64"
assert glassgrad.nn.Linear.__module__ == "glassgrad.nn.layers.linear"

sys.modules["torch"] = os
try:
    torchlike.install()
except RuntimeError as problem:
    assert "torch has already been imported in this process" in str(problem)
else:
    raise AssertionError("installed over another torch")
print("done")
"""


def test_a_process_with_torchlike() -> None:
    source = str(Path(glassgrad.__file__).parents[1])
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM], env={**os.environ, "PYTHONPATH": source}, capture_output=True, text=True
    )
    assert (run.stdout, run.stderr) == ("done\n", "")


def test_only_glassgrad_without_torchlike() -> None:
    """Importing this room changes nothing."""
    assert facade.Finder not in sys.meta_path
    assert repr(glassgrad.float64) == "glassgrad.float64"


# --- the tables ---


def test_every_row_has_its_parents() -> None:
    """`import torch.a.b` needs a row for torch.a; targets may still be missing, but not all of them."""
    for name in MODULES:
        assert name in ROOTS or name.rpartition(".")[0] in MODULES, name
    assert {"torch", "torch.nn", "torch.nn.modules.linear"} <= {name for name in MODULES if facade.behind(name)}


def test_classes_say_modules_that_there_are() -> None:
    """A pickle names a class by its module."""
    for home in {*homes.HOMES.values(), *homes.FAMILIES.values()} - {"torch._C:_LinAlgError"}:
        assert "{" in home or home in MODULES, home
    for kind in (glassgrad.nn.BatchNorm2d, glassgrad.optim.RMSprop, glassgrad.data.DataLoader):
        try:
            homes.move_home(kind)
            assert facade.find(kind.__module__, kind.__name__) is kind
        finally:
            homes.move_back()
        assert kind.__module__.startswith("glassgrad.")


def test_what_is_listed_as_missing_stands_under_a_module() -> None:
    assert all(path in MODULES or path.rpartition(".")[0] in MODULES for path in NAMES)
    assert facade.in_torch("torch.fx")
    assert not facade.in_torch("torch.rellu")


def test_versions_compare_by_their_numbers() -> None:
    version = Version("2.13.0")
    assert "2.9" < version < "2.13.1" and version >= (2, 13) and version == "2.13.0+cpu" != "2.14"
    assert version != "parrot" and {version: 1}["2.13.0"] == 1 and version.split(".")[0] == "2"


# --- reading a program ---


def found(source: str, folder: Path = Path("nowhere")) -> check.Checker:
    checker = check.Checker(folder)
    checker.read(ast.parse(source), "p.py")
    return checker


@pytest.mark.parametrize(
    ("source", "missing"),
    [
        ("import torch\ntorch.relu\ntorch.fx.load()\ntorch.fx", {"torch.fx": ["p.py:3", "p.py:4"]}),
        ("import torch.fx as h\nh.load()", {"torch.fx": ["p.py:1"]}),
        ("from torch import nn, fx", {"torch.fx": ["p.py:1"]}),
        ("from torch import nn as n\nclass A(n.BufferDict): pass", {}),
        ("import torch.nn as nn\nnn.Linear(2, 3, colour=1)", {"torch.nn.Linear(colour=)": ["p.py:2"]}),
        ("import torch\nF = torch.nn\nF.Linear(2, 3, colour=1)", {"torch.nn.Linear(colour=)": ["p.py:3"]}),
        ("import torch\ndef f(torch): torch.fx", {}),
        ("import torch\nif hasattr(torch, 'fx'): torch.fx", {}),
        ("try:\n    import torch.fx\nexcept ImportError: pass", {}),
        ("try:\n    import torch.fx\nexcept KeyError: pass", {"torch.fx": ["p.py:2"]}),
        ("from torch import *\nfx\nzeros", {"torch.fx": ["p.py:2"]}),
        ("import torch\ntorch.Tensor.to_sparse_csr", {"torch.Tensor.to_sparse_csr": ["p.py:2"]}),
        ("import torch\ntorch.__version__.split('.')[0]", {}),
    ],
)
def test_check_finds_what_is_missing(source: str, missing: dict[str, list[str]]) -> None:
    assert found(source).missing == missing


def test_check_tells_the_unknown_and_the_perhaps() -> None:
    checker = found("import torch\ntorch.rellu(1)\nx.to_sparse_csr()\n{}.values()\n")
    assert (checker.unknown, checker.perhaps) == (
        {"torch.rellu": ["p.py:2"]}, {"torch.Tensor.to_sparse_csr": ["p.py:3"]},
    )  # fmt: skip
    assert list(check.report(checker)) == [
        "torch.rellu is neither in glassgrad nor in PyTorch: p.py:2",
        "torch.Tensor.to_sparse_csr, if that is what is called, is not in glassgrad yet: p.py:3",
    ]


def test_check_follows_modules_beside_the_program(tmp_path: Path) -> None:
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "__init__.py").write_text("from .inner import torch\n")
    (tmp_path / "tools" / "inner.py").write_text("import torch, program\ntorch.fx\n")
    checker = found("from tools import torch\ntorch.fx", tmp_path)
    assert checker.missing == {"torch.fx": ["tools/inner.py:2", "p.py:2"]}


# --- notebooks ---


def test_cells_of_a_notebook() -> None:
    text = '{"cells": [{"cell_type": "code", "source": ["a\\n", "b"]}, {"cell_type": "raw", "source": "c"}]}'
    assert list(notebook.cells(text)) == ["a\nb"]
    with pytest.raises(ValueError, match="expected an object with 'cells'"):
        list(notebook.cells("[]"))


def test_lines_to_the_notebook(capsys: pytest.CaptureFixture[str]) -> None:
    """Left out, one by one, and only where the cell isn't Python as it stands."""
    assert ast.dump(notebook.parse("y = 7 \\\n % 4", "n")) == ast.dump(ast.parse("y = 7 % 4"))
    assert capsys.readouterr().err == ""
    assert ast.unparse(notebook.parse("%%time\nif x:\n    !ls", "n")) == "pass\nif x:\n    pass"
    assert capsys.readouterr().err.count("this line speaks to the notebook and is left out") == 2
    assert ast.unparse(notebook.parse("%%bash\nif [ ]; then\nfi", "n")) == "pass\npass\npass"
    assert capsys.readouterr().err == "n:1: this cell speaks to the notebook and is left out: %%bash\n"
    with pytest.raises(SyntaxError):
        notebook.parse("def", "n")


def test_methods_over_lists() -> None:
    from glassgrad.torchlike import lists as torch

    a = [glassgrad.ones(2), glassgrad.full((3,), 2.0)]
    assert torch._foreach_mul_(a, [2, 3]) is a and [x[0].item() for x in a] == [2, 6]
    assert [x[0].item() for x in torch._foreach_addcmul(a, a, a, [1, 0.5])] == [6, 24]
    assert [x.item() for x in torch._foreach_norm(torch._foreach_maximum(a, 3.0), 1)] == [6, 18]
    assert [x[0].item() for x in torch._foreach_add(a, a, alpha=2)] == [6, 18]
    with pytest.raises(RuntimeError, match="same number of tensors, got 2 and 1"):
        torch._foreach_add(a, [1])
    with pytest.raises(RuntimeError, match="at least one tensor"):
        torch._foreach_sqrt([])
    with pytest.raises(AttributeError):
        torch._foreach_item  # noqa: B018

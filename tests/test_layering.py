"""Imports point one way. The table is the drawing of docs/architecture.md; a new layer needs a row here."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "src" / "glassgrad"

ENGINE = ("core", "ops", "autograd", "func", "nn", "optim")  # each may import those before it
TOP = ("io", "glass", "profiler", "train", "torchlike", "cli")  # each may import BASE and those before it
BASE = {*ENGINE, "scalar", "data", "amp", "distributions"}

# layer -> the layers it may import; "glassgrad" is the package's own namespace
ALLOWED: dict[str, set[str]] = {
    "scalar": set(),  # chapter one stands alone
    **{layer: set(ENGINE[:i]) for i, layer in enumerate(ENGINE)},
    "nn": {*ENGINE[: ENGINE.index("nn")], "distributed"},
    "data": {"core", "ops", "distributed", "glassgrad"},  # the public names
    "amp": {"core", "ops"},
    "utils": {"core", "ops", "autograd"},
    "cuda": {"core", "amp"},
    "backends": {"core"},
    **dict.fromkeys(("accelerator", "distributed", "mps", "xpu"), set()),
    "multiprocessing": {"core"},
    "tensorboard": {"core"},
    "vision": {"core", "ops", "data", "nn", "utils", "glassgrad"},
    "fft": {"core", "ops"},
    "linalg": {"core", "ops"},
    "special": {"core", "ops"},
    "testing": {"core", "ops"},
    "sparse": {"core", "ops"},
    "storage": {"core"},
    "distributions": {"core", "ops", "autograd"},
    "kernels": {"core", "ops"},
    "compiler": {"core", "ops", "nn"},
    **{layer: BASE | {"glassgrad"} | set(TOP[:i]) for i, layer in enumerate(TOP)},
    "serialization": {"io"},
    "glassgrad": BASE | {"compiler", "io", "glass", "profiler", "train", "torchlike"},
    "__main__": {"cli"},
}


def layer_of(module: str) -> str:
    """`glassgrad.nn.functional` -> `nn`; the package itself -> `glassgrad`."""
    return (module.split(".") + ["glassgrad"])[1] if "." in module else "glassgrad"


def module_of(path: Path, package: Path) -> str:
    parts = (package.name, *path.relative_to(package).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")


def imports(node: ast.AST, guarded: bool = False) -> Iterator[tuple[ast.Import | ast.ImportFrom, bool]]:
    """Every import that can run, inside functions too, and whether a missing module is caught around it."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child, guarded
        elif not is_type_checking(child):
            catches = isinstance(child, ast.Try | ast.With) and any(
                name in ast.unparse(head)
                for head in [*getattr(child, "handlers", []), *getattr(child, "items", [])]
                for name in ("ImportError", "ModuleNotFoundError")
            )
            yield from imports(child, guarded or catches)


def targets(node: ast.Import | ast.ImportFrom, path: Path, package: Path) -> list[str]:
    """The package's modules that one import statement names, absolute."""
    if isinstance(node, ast.Import):
        found = [alias.name for alias in node.names]
    else:
        base = node.module or ""
        if node.level:
            here = [package.name, *path.relative_to(package).parent.parts]
            base = ".".join([*here[: len(here) - node.level + 1], *filter(None, [node.module])])
        # `from glassgrad import nn` names the layer nn; `from glassgrad import Tensor`, the package
        found = [
            f"{base}.{alias.name}" if base == package.name and is_layer(alias.name, package) else base
            for alias in node.names
        ]
    return [name for name in found if name.split(".")[0] == package.name]


def is_layer(name: str, package: Path) -> bool:
    return (package / name).is_dir() or (package / f"{name}.py").is_file()


def faults(package: Path) -> list[str]:
    """Every arrow that the table does not allow, as `file:line: reason`."""
    found, kernel_lines = [], []
    for path in sorted(package.rglob("*.py")):
        layer = layer_of(module_of(path, package))
        if layer not in ALLOWED:
            found.append(f"{path}: layer {layer!r} has no row in the table ALLOWED of tests/test_layering.py")
            continue
        for node, guarded in imports(ast.parse(path.read_text(encoding="utf-8"))):
            where = f"{path}:{node.lineno}"
            for target in {layer_of(name) for name in targets(node, path, package)} - {layer}:
                if target == "kernels":
                    kernel_lines.append(where)
                    if not guarded:
                        found.append(f"{where}: kernels may be deleted: catch ImportError around this line")
                elif target not in ALLOWED[layer]:
                    found.append(f"{where}: {layer} may not import {target}, only {sorted(ALLOWED[layer])}")
    if len(kernel_lines) > 1:
        found.append(f"kernels are imported by one line, not by {kernel_lines}")
    return found


def test_every_folder_of_modules_is_installed() -> None:
    folders = {file.parent for file in PACKAGE.rglob("*.py")}
    assert len(folders) > 20
    assert not [folder.name for folder in folders if not (folder / "__init__.py").is_file()]


def test_imports_point_one_way() -> None:
    assert any(PACKAGE.rglob("*.py"))
    assert not (found := faults(PACKAGE)), "\n".join(found)


@pytest.mark.parametrize(
    ("file", "source", "complaint"),
    [
        ("core/tensor.py", "def f():\n    from ..ops import add", "core may not import ops"),
        ("core/tensor.py", "import glassgrad.nn.functional as F", "core may not import nn"),
        ("ops/shape.py", "from glassgrad import Tensor", "ops may not import glassgrad"),
        ("ops/shape.py", "from glassgrad import nn", "ops may not import nn"),
        ("scalar/engine.py", "from ..core.tensor import Tensor", "scalar may not import core"),
        ("nn/linear.py", "from ..optim import SGD", "nn may not import optim"),
        ("glass/draw.py", "from ..torchlike import install", "glass may not import torchlike"),
        ("ops/shape.py", "from .. import kernels", "kernels may be deleted"),
        ("extras/a.py", "", "layer 'extras' has no row"),
        (
            "__init__.py",
            "try:\n    from . import kernels\n    import glassgrad.kernels\nexcept ImportError: ...",
            "kernels are imported by one line",
        ),
    ],
)
def test_a_forbidden_arrow_is_found(tmp_path: Path, file: str, source: str, complaint: str) -> None:
    assert any(complaint in fault for fault in faults(planted(tmp_path, file, source)))


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("core/tensor.py", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from ..ops import add"),
        ("core/autograd.py", "from .tensor import Tensor\nimport numpy as np"),
        ("optim/sgd.py", "from ..nn.parameter import Parameter\nfrom glassgrad.core import tensor"),
        ("__init__.py", "try:\n    from . import kernels\nexcept ImportError:\n    kernels = None"),
        ("__main__.py", "from .cli import main"),
    ],
)
def test_an_allowed_arrow_is_not(tmp_path: Path, file: str, source: str) -> None:
    assert faults(planted(tmp_path, file, source)) == []


def planted(folder: Path, file: str, source: str) -> Path:
    package = folder / "glassgrad"
    for layer in ("core", "ops", "nn", "optim", "kernels", "torchlike"):
        (package / layer).mkdir(parents=True)
    (package / file).parent.mkdir(exist_ok=True)
    (package / file).write_text(source, encoding="utf-8")
    return package

"""PyTorch's public names that are not here, written to src/glassgrad/torchlike/absent.py.

    python -m oracle.absent

What stands there although it has come since does no harm: names are looked for before the list is.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import textwrap
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

from glassgrad.torchlike import facade
from glassgrad.torchlike.table import FILES, MODULES

PAGE = Path(facade.__file__).with_name("absent.py")

HEAD = '''"""PyTorch {version}'s public names that were not here when this was written, by `python -m oracle.absent`.

What is asked for and stands here is "not in glassgrad yet"; what stands nowhere is no name of PyTorch's.
"""

from __future__ import annotations

NAMES: dict[str, str] = {{
'''

CLASSES = ("torch.Tensor", "torch.nn.Module", "torch.optim.Optimizer")  # their attributes are listed as well
PLAIN = (bool, int, float, str, torch.dtype, torch.layout, torch.memory_format)


def public(module: ModuleType) -> set[str]:
    """What the module declares, what it holds of torch's own, and its submodules."""
    names = set(getattr(module, "__all__", ()))
    for name, value in vars(module).items():
        if isinstance(value, ModuleType):
            if value.__name__ == f"{module.__name__}.{name}":
                names.add(name)
        elif isinstance(value, PLAIN) or inspect.isbuiltin(value):
            names.add(name)
        elif not hasattr(module, "__all__") or module is torch:
            home = getattr(value, "__module__", None) or ""
            if home.startswith(module.__name__) or (home.startswith("torch") and inspect.isclass(value)):
                names.add(name)
    if hasattr(module, "__path__"):
        names |= {found.name for found in pkgutil.iter_modules(module.__path__)}
    return {name for name in names if re.fullmatch(r"[A-Za-z]\w*", name)}


def modules() -> Iterator[tuple[str, Any]]:
    """Those of PyTorch's modules that have a row of their own."""
    files = {f"{package}.{file}" for package, names in FILES.items() for file in names.split()}
    for name in sorted(MODULES.keys() - files):
        if (name.startswith("torch.") or name == "torch") and "._" not in name:
            try:
                yield name, importlib.import_module(name)
            except ModuleNotFoundError:  # a part that needs another package
                continue


def absent() -> dict[str, list[str]]:
    """By module: what PyTorch has and glassgrad doesn't."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some names are deprecated
        return dict(_absent())


def _absent() -> Iterator[tuple[str, list[str]]]:
    for name, module in modules():
        if names := [n for n in sorted(public(module)) if not here(name, n)]:
            yield name, names
    for name in CLASSES:
        path, _, kind = name.rpartition(".")
        theirs, mine = getattr(importlib.import_module(path), kind), facade.find(path, kind)
        if names := [n for n in dir(theirs) if not n.startswith("_") and not hasattr(mine, n)]:
            yield name, names


def here(name: str, attribute: str) -> bool:
    if facade.behind(f"{name}.{attribute}"):  # a module, which is PyTorch's own in this process
        return True
    try:
        facade.find(name, attribute)
    except AttributeError:
        return False
    return True


def page() -> str:
    rows = []
    for name, names in absent().items():
        lines = textwrap.wrap(" ".join(names), 108)
        quoted = [f'"{line} "' for line in lines[:-1]] + [f'"{lines[-1]}"']
        short = f'    "{name}": {quoted[0]},'
        rows.append(
            short if len(quoted) == 1 and len(short) <= 120
            else "\n".join([f'    "{name}": (', *(f"        {line}" for line in quoted), "    ),"])
        )  # fmt: skip
    version = torch.__version__.partition("+")[0]
    return HEAD.format(version=version) + "\n".join(rows) + "\n}\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")

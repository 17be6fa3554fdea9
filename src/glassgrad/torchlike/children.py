"""Processes that a program starts find torch here as well: a new interpreter is told before it reads the program.

A forked process has everything already. One that is spawned gets a pickle with its settings first: in it is an object
that installs torchlike as it is unpickled.
"""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any


class Install:
    """Unpickled, it has called torchlike.install()."""

    def __reduce__(self) -> tuple[Any, ...]:
        from . import install

        return install, ()


def tell_spawned(module: ModuleType) -> None:
    original = module.get_preparation_data

    def get_preparation_data(name: str) -> dict[str, Any]:
        return {**original(name), **({"torchlike": Install()} if Children in sys.meta_path else {})}

    module.get_preparation_data = get_preparation_data  # type: ignore[attr-defined]


def tell_fork_server(module: ModuleType) -> None:
    """The server itself must not import the program, which would look for torch there."""
    module.set_forkserver_preload(["glassgrad"])


CHANGES = {"multiprocessing.spawn": tell_spawned, "multiprocessing.forkserver": tell_fork_server}
_changed: set[str] = set()


def change(module: ModuleType) -> None:
    if module.__name__ not in _changed:
        _changed.add(module.__name__)
        CHANGES[module.__name__](module)


class Changing:
    """Loads a module as its own loader does, and changes it."""

    def __init__(self, loader: Any) -> None:
        self.loader = loader
        self.create_module = loader.create_module

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = module.__spec__.loader = self.loader  # type: ignore[union-attr]
        self.loader.exec_module(module)
        change(module)


class Children:
    """A finder for sys.meta_path: it changes multiprocessing as it is imported, if it ever is."""

    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        spec = PathFinder.find_spec(name, path, target) if name in CHANGES else None
        if spec is not None:
            spec.loader = Changing(spec.loader)  # type: ignore[assignment]
        return spec


def watch() -> None:
    sys.meta_path.insert(0, Children)  # type: ignore[arg-type]
    for name in CHANGES.keys() & sys.modules.keys():
        change(sys.modules[name])


def unwatch() -> None:
    sys.meta_path.remove(Children)  # type: ignore[arg-type]

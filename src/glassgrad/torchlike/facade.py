"""Modules with PyTorch's names: each looks a name up in this package at first touch, then has it in its own dict."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import sys
from importlib.machinery import ModuleSpec
from types import CodeType, FrameType, ModuleType
from typing import Any

from ..core.provenance import PACKAGE
from .homes import SHOWN, move_home
from .table import MODULES, ROOTS

DATA = (bool, int, float, str, type(None))  # may change in the module behind: read there each time


def behind(name: str) -> list[str]:
    """The modules, of those that the table names, that exist."""
    whole = (f"glassgrad.{target}".rstrip(".") for target in MODULES.get(name, ()))
    return [module for module in whole if exists(module)]


def exists(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # its parent isn't there, or is no package
        return False


def find(name: str, attribute: str) -> Any:
    """What torch module `name` has under `attribute`, its modules left out; AttributeError if nothing."""
    if (not attribute.startswith("__") or attribute == "__version__") and attribute not in own(name):
        for module in map(importlib.import_module, behind(name)):
            try:
                found = getattr(module, attribute)
            except AttributeError:
                continue
            except ModuleNotFoundError as problem:  # a room that isn't built yet
                if not (problem.name or "").startswith("glassgrad."):
                    raise
                continue
            if not isinstance(found, ModuleType):
                return found
    raise AttributeError(attribute)


def own(name: str) -> list[str]:
    """The names of the package that PyTorch has not: the looking tools."""
    if name != "torch":
        return []
    from .. import _ELSEWHERE

    return [attribute for attribute, room in _ELSEWHERE.items() if room == "glass"]


def public(name: str) -> list[str]:
    """The names that `from name import *` takes: what the modules behind declare, or else hold of their own."""
    found: set[str] = set()
    for module in map(importlib.import_module, behind(name)):
        said = getattr(module, "__all__", None)
        found.update(own_names(module, name) if said is None else said)
    return sorted(found)


def own_names(module: ModuleType, name: str) -> list[str]:
    """What a module without __all__ holds, or gives at first touch; not its modules, nor what it imported."""
    here = {
        attribute: not isinstance(value, ModuleType)
        and (getattr(value, "__module__", None) or "glassgrad").startswith(("glassgrad", "torch", "numpy"))
        for attribute, value in vars(module).items()
    }
    late = (
        attribute
        for attribute in dir(module)
        if attribute not in here and f"{name}.{attribute}" not in MODULES
        and not exists(f"{module.__name__}.{attribute}")
    )  # fmt: skip
    hidden = own(name)
    return [x for x in [*filter(here.get, here), *late] if not x.startswith("_") and x not in hidden]


# --- what is missing ---


def missing(name: str) -> str:
    """What to say of a name that is asked for by the program's innermost line."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith((PACKAGE, "<frozen importlib")):
        frame = frame.f_back
    return f"{name} is not in glassgrad yet" + (used_at(frame.f_code, frame.f_lineno) if frame else "")


def used_at(code: CodeType, line: int) -> str:
    return f" (used at {os.path.basename(code.co_filename)}:{line})"


def in_torch(name: str) -> bool:
    """Whether PyTorch has this name, of which we know that it is not here; torchvision and private names may."""
    from .absent import NAMES

    parent, _, last = name.rpartition(".")
    return name.startswith("torchvision") or last.startswith("_") or last in NAMES.get(parent, "").split()


# --- modules, and who loads them ---


class Facade(ModuleType):
    """A module of PyTorch's. Its `__getattr__` is in its dict: as a method, every access would be slower."""

    def __setattr__(self, attribute: str, value: Any) -> None:
        """What is there in the module behind is set there, so that the functions there see it."""
        if not attribute.startswith("__") and not isinstance(value, ModuleType):
            for module in map(importlib.import_module, behind(self.__name__)):
                if attribute in vars(module):
                    vars(self).pop(attribute, None)
                    setattr(module, attribute, value)
                    return
        if isinstance(value, Facade):  # an import's: a function of the same name stays, as weight_norm and gradcheck do
            with contextlib.suppress(AttributeError):
                value = find(self.__name__, attribute)
        super().__setattr__(attribute, value)


def fill(module: ModuleType) -> None:
    name, space = module.__name__, module.__dict__

    def __getattr__(attribute: str) -> Any:
        if attribute == "__all__":
            return public(name)
        try:
            found = find(name, attribute)
        except AttributeError:
            if behind(child := f"{name}.{attribute}"):
                return importlib.import_module(child)
            if not attribute.startswith("__") and in_torch(whole := f"{name}.{attribute}"):
                # Without a name in it: Python would suggest others.
                raise AttributeError(missing(whole), name=None, obj=None) from None
            text = f"module {name!r} has no attribute {attribute!r}"
            raise AttributeError(text, name=attribute, obj=module) from None
        if isinstance(found, type):
            move_home(found)
        if type(found) not in DATA:
            space[attribute] = found
        return found

    space.update(__getattr__=__getattr__, __dir__=lambda: sorted({*space, *public(name)}))
    shown = SHOWN.get(name, ())
    for attribute in public(name) if shown == "*" else shown:
        getattr(module, attribute)


class Finder:
    """Stands first on sys.meta_path, and loads what it finds."""

    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if name.partition(".")[0] not in ROOTS:
            return None
        if found := behind(name):
            file = importlib.util.find_spec(found[-1])
            # All are packages, so that Python asks here before it says that a name cannot be imported.
            return ModuleSpec(name, Finder, origin=file and file.origin, is_package=True)  # type: ignore[arg-type]
        asking = importers()
        if "_find_and_load" in asking and in_torch(name):
            if "_handle_fromlist" in asking:  # `from torch import name`: a ModuleNotFoundError would be swallowed
                raise ImportError(missing(name), name=name.rpartition(".")[0])
            raise ModuleNotFoundError(missing(name), name=name)
        return None

    @staticmethod
    def create_module(spec: ModuleSpec) -> ModuleType:
        return Facade(spec.name)

    @staticmethod
    def exec_module(module: ModuleType) -> None:
        fill(module)


def importers() -> set[str]:
    """The import system's functions that are asking."""
    frame: FrameType | None = sys._getframe(2)
    names = set()
    while frame is not None and frame.f_code.co_filename.startswith("<frozen importlib"):
        names.add(frame.f_code.co_name)
        frame = frame.f_back
    return names

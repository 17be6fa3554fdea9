"""Modules with PyTorch's names: each looks a name up in this package at first touch, then has it in its own dict."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import FrameType, ModuleType
from typing import Any

from ..core.provenance import PACKAGE
from .table import MODULES, ROOTS


def targets(name: str) -> list[str]:
    """The modules behind a torch module's name that exist."""
    return [
        f"glassgrad.{target}".rstrip(".")
        for target in MODULES.get(name, ())
        if exists(f"glassgrad.{target}".rstrip("."))
    ]


def exists(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # its parent isn't there, or is no package
        return False


def used_at() -> str:
    """Where the program is that asked: 'program.py:12'."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith((PACKAGE, "<frozen importlib")):
        frame = frame.f_back
    if frame is None:
        return "an unknown line"
    return f"{os.path.basename(frame.f_code.co_filename)}:{frame.f_lineno}"


def missing(name: str) -> str:
    return f"{name} is not in glassgrad yet (used at {used_at()})"


def fill(module: ModuleType) -> None:
    """Let a new module find its names. They stay plain modules: the interpreter reads those fastest."""
    name, space = module.__name__, module.__dict__
    behind = targets(name)

    def __getattr__(attribute: str) -> Any:
        if attribute == "__all__":
            return public(behind)
        if attribute.startswith("__") and attribute != "__version__":
            raise AttributeError(f"module {name!r} has no attribute {attribute!r}")
        for target in behind:
            try:
                found = getattr(importlib.import_module(target), attribute)
            except AttributeError:
                continue
            if not isinstance(found, ModuleType):
                space[attribute] = found
                return found
        if targets(child := f"{name}.{attribute}"):
            return importlib.import_module(child)
        raise AttributeError(missing(child), name=attribute, obj=module)

    def __dir__() -> list[str]:
        return sorted({*space, *public(behind)})

    space.update(__getattr__=__getattr__, __dir__=__dir__)


def public(behind: Sequence[str]) -> list[str]:
    """The names that `from module import *` takes."""
    names: set[str] = set()
    for module in map(importlib.import_module, behind):
        names.update(getattr(module, "__all__", ()) or (n for n in vars(module) if not n.startswith("_")))
    return sorted(names)


class Finder:
    """Stands first on sys.meta_path; loads what it finds."""

    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if name.partition(".")[0] not in ROOTS:
            return None
        if found := targets(name):
            origin = importlib.util.find_spec(found[0])
            spec = ModuleSpec(name, Finder, origin=origin and origin.origin, is_package=True)  # type: ignore[arg-type]
            return spec
        callers = list(importers())
        if "_handle_fromlist" in callers:  # a ModuleNotFoundError would be taken for "no such submodule"
            raise ImportError(missing(name), name=name.rpartition(".")[0])
        if "_find_and_load" in callers:
            raise ModuleNotFoundError(missing(name), name=name)
        return None  # importlib.util.find_spec asks

    @staticmethod
    def create_module(spec: ModuleSpec) -> None:
        return None

    @staticmethod
    def exec_module(module: ModuleType) -> None:
        fill(module)


def importers() -> list[str]:
    """The import system's functions that are asking."""
    frame: FrameType | None = sys._getframe(2)
    names = []
    while frame is not None and frame.f_code.co_filename.startswith("<frozen importlib"):
        names.append(frame.f_code.co_name)
        frame = frame.f_back
    return names

"""A program run as `python program.py` would run it: as __main__, with its own arguments and place of imports."""

from __future__ import annotations

import builtins
import importlib.util
import os
import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType
from typing import Any, NoReturn

from . import traces


class CannotStart(Exception):
    """There is no such program: (message, exit status)."""


def run(words: list[str], all_frames: bool = False) -> None:
    """Run `program.py arguments`, a notebook, `-m module arguments` or `-` (standard input).

    What the program raises, SystemExit too, comes out for the interpreter to handle, which will print it without this
    package's frames unless all_frames. Raises CannotStart, as (message, exit status), where there is nothing to run.
    """
    start = STARTS.get(words[0]) or (notebook if words[0].endswith(".ipynb") else script)
    begin = start(words)
    try:
        begin()
    except BaseException:
        if not all_frames:
            traces.shorten(begin.__code__)  # type: ignore[attr-defined]
        raise


# Each sets sys.argv, sys.path and __main__ as Python would, and returns what runs the program.


def script(words: list[str]) -> Callable[[], None]:
    path = os.path.join(os.getcwd(), words[0])
    if not os.path.isfile(path) or path.endswith((".zip", ".pyz")):
        return folder(path, words)
    source = read(path)
    prepare(words, os.path.dirname(os.path.realpath(path)))
    main = make_main(__file__=path, __loader__=SourceFileLoader("__main__", path), __cached__=None)
    return lambda: exec(compile(source, path, "exec", dont_inherit=True), main.__dict__)


def folder(path: str, words: list[str]) -> Callable[[], None]:
    """A folder or an archive with a __main__.py."""
    if not os.path.exists(path):
        read(path)
    spec = PathFinder.find_spec("__main__", [path])
    if spec is None:
        raise CannotStart(f"can't find '__main__' module in {path!r}", 1)
    prepare(words, path)
    return execution(spec, "__main__")


def notebook(words: list[str]) -> Callable[[], None]:
    from . import notebook

    path = os.path.abspath(words[0])
    text = read(path).decode()
    try:
        sources = list(notebook.cells(text))
    except ValueError as problem:
        raise CannotStart(f"{path!r} is no notebook: {problem}", 1) from None
    prepare(words, os.path.dirname(path))
    os.chdir(os.path.dirname(path))  # as Jupyter does
    main = make_main()
    return lambda: notebook.run_cells(os.path.basename(path), sources, main.__dict__)


def standard_input(words: list[str]) -> Callable[[], None]:
    source = sys.stdin.buffer.read()
    prepare(words, "")
    main = make_main(__file__="<stdin>", __cached__=None)
    return lambda: exec(compile(source, "<stdin>", "exec", dont_inherit=True), main.__dict__)


def module(words: list[str]) -> Callable[[], None]:
    if len(words) < 2:
        raise CannotStart("-m needs a module's name", 2)
    name = words[1]
    prepare(["-m", *words[2:]], os.getcwd())
    return lambda: execution(find_module(name), name)()


STARTS: dict[str, Callable[[list[str]], Callable[[], None]]] = {"-m": module, "-": standard_input}


def read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as problem:
        raise CannotStart(f"can't open file {path!r}: [Errno {problem.errno}] {problem.strerror}", 2) from None


def prepare(argv: list[str], folder: str) -> None:
    """The program's own arguments and first place of imports."""
    sys.argv[:] = argv
    if not sys.flags.safe_path:
        sys.path[0] = folder


def make_main(**attributes: Any) -> ModuleType:
    made = ModuleType("__main__")
    vars(made).update(__builtins__=builtins, __annotations__={}, **attributes)
    sys.modules["__main__"] = made
    return made


# --- modules by name ---


def find_module(name: str) -> ModuleSpec:
    """Where a module is, or a package's __main__. Its parents are imported, and may raise what they like."""
    spec = find_spec(name)
    if spec is not None and spec.submodule_search_locations is not None:
        package, name = name, f"{name}.__main__"
        if (spec := find_spec(name)) is None:
            no_module(f"{name}; {package!r} is a package and cannot be directly executed")
    if spec is None:
        no_module(name)
    return spec


def no_module(what: str) -> NoReturn:
    raise CannotStart(f"No module named {what}", 1)


def find_spec(name: str) -> ModuleSpec | None:
    try:
        return importlib.util.find_spec(name)
    except ModuleNotFoundError as problem:
        if problem.name and f"{name}.".startswith(f"{problem.name}."):
            return None
        raise


def execution(spec: ModuleSpec, name: str) -> Callable[[], None]:
    code = spec.loader.get_code(spec.name) if hasattr(spec.loader, "get_code") else None  # type: ignore[union-attr]
    if code is None:
        raise CannotStart(f"No code object available for {name}", 1)
    main = make_main(
        __spec__=spec, __file__=spec.origin, __loader__=spec.loader, __cached__=spec.cached, __package__=spec.parent
    )
    if name != "__main__":
        sys.argv[0] = spec.origin or name
    return lambda: exec(code, vars(main))

"""A program run as `python program.py` would run it: __main__, sys.argv, sys.path, tracebacks, exit status."""

from __future__ import annotations

import builtins
import importlib.util
import os
import sys
from collections.abc import Iterator
from importlib.machinery import ModuleSpec, SourceFileLoader
from types import CodeType, ModuleType, TracebackType
from typing import Any

from ..core.provenance import PACKAGE


class CannotStart(Exception):
    """There is no program of that name: (message, exit status)."""


def run(words: list[str]) -> None:
    """Run `program.py arguments`, `-m module arguments` or `-` (standard input) as __main__.

    What the program raises comes out, SystemExit too; the interpreter prints it without this package's frames.
    Raises CannotStart where there is nothing to run.
    """
    kind = words[0]
    start = module if kind == "-m" else standard_input if kind == "-" else script
    start(words)


def script(words: list[str]) -> None:
    path = os.path.abspath(words[0])
    try:
        with open(path, "rb") as file:
            source = file.read()
    except OSError as problem:
        raise CannotStart(f"can't open file {path!r}: [Errno {problem.errno}] {problem.strerror}", 2) from None
    begin(words, os.path.dirname(os.path.realpath(path)))
    main = make_main(__file__=path, __loader__=SourceFileLoader("__main__", path), __cached__=None)
    launch(lambda: exec(compile(source, path, "exec", dont_inherit=True), main.__dict__))


def standard_input(words: list[str]) -> None:
    source = sys.stdin.buffer.read()
    begin(words, "")
    main = make_main()
    launch(lambda: exec(compile(source, "<stdin>", "exec", dont_inherit=True), main.__dict__))


def module(words: list[str]) -> None:
    if len(words) < 2:
        raise CannotStart("argument expected for the -m option", 2)
    begin(words[1:], os.getcwd())
    launch(lambda: exec(*find_module(words[1])))


def find_module(name: str) -> tuple[CodeType, dict[str, Any]]:
    """A module's code, and the namespace of a __main__ made for it."""
    spec = find_spec(name)
    if spec is not None and spec.submodule_search_locations is not None:
        package, name = name, f"{name}.__main__"
        spec = find_spec(name)
        if spec is None:
            raise CannotStart(f"No module named {name}; {package!r} is a package and cannot be directly executed", 1)
    if spec is None or spec.loader is None:
        raise CannotStart(f"No module named {name}", 1)
    code = spec.loader.get_code(spec.name)  # type: ignore[attr-defined]
    if code is None:
        raise CannotStart(f"No code object available for {name}", 1)
    main = make_main(
        __spec__=spec, __file__=spec.origin, __loader__=spec.loader, __cached__=spec.cached, __package__=spec.parent
    )
    sys.argv[0] = spec.origin or name
    return code, main.__dict__


def find_spec(name: str) -> ModuleSpec | None:
    try:
        return importlib.util.find_spec(name)
    except ModuleNotFoundError as problem:
        if problem.name and (name == problem.name or name.startswith(problem.name + ".")):
            return None
        raise


def begin(argv: list[str], folder: str) -> None:
    """The program's own arguments and first place of imports."""
    sys.argv[:] = argv
    if not sys.flags.safe_path:
        sys.path[0] = folder


def make_main(**attributes: Any) -> ModuleType:
    made = ModuleType("__main__")
    made.__dict__.update(__builtins__=builtins, __annotations__={}, **attributes)
    sys.modules["__main__"] = made
    return made


def launch(start: Any) -> None:
    """Run; an exception goes on to the interpreter, to be printed without the frames that are not the program's."""
    try:
        start()
    except CannotStart:
        raise
    except BaseException:
        show = sys.excepthook  # the program may have set its own

        def hook(kind: type[BaseException], problem: BaseException, frames: TracebackType | None) -> None:
            for link in chain(problem):
                link.__traceback__ = clean(link.__traceback__)
            show(kind, problem, problem.__traceback__)

        sys.excepthook = hook
        raise


def chain(problem: BaseException) -> Iterator[BaseException]:
    """An exception, and those it came from or holds."""
    seen, waiting = set(), [problem]
    while waiting:
        link = waiting.pop()
        if id(link) not in seen:
            seen.add(id(link))
            yield link
            inner = getattr(link, "exceptions", ())
            waiting += [x for x in (link.__cause__, link.__context__, *inner) if isinstance(x, BaseException)]


def clean(frames: TracebackType | None) -> TracebackType | None:
    """The frames of the program: behind launch(), and outside this package."""
    kept: list[TracebackType] = []
    while frames is not None:
        code = frames.tb_frame.f_code
        if code is launch.__code__:
            kept.clear()
        elif not code.co_filename.startswith(PACKAGE):
            kept.append(frames)
        frames = frames.tb_next
    for frame, after in zip(kept, [*kept[1:], None], strict=True):
        frame.tb_next = after
    return kept[0] if kept else None

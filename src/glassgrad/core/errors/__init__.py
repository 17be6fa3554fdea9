"""What an exception says beside its sentence: notes, which the interpreter, IPython and pytest print below it.

The sentence, str(e), is PyTorch's where PyTorch has one. Where it happened, with which operands, the likeliest fix and
the code are notes. They are written when an error happens, by `notes.py`, which nothing imports before.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from contextlib import suppress
from traceback import TracebackException
from types import TracebackType
from typing import Any, TypeVar

Problem = TypeVar("Problem", bound=BaseException)
absent: list[Callable[[Any, str], Any]] = []  # each knows attributes that are PyTorch's, and no misspelling


def told(problem: Problem, fix: str = "", *lines: str) -> Problem:
    """The problem with its notes: where it is raised, or where it passes on its way to the user.

    fix: what mends this very case, where that says more than the catalogue's row. lines: notes of its own, before.
    """
    if isinstance(problem, Exception):
        with suppress(Exception):  # the problem itself is what counts
            from . import notes

            notes.tell(problem, sys._getframe(1), fix, lines)
    return problem


def telling(call: Callable[..., Any]) -> Callable[..., Any]:
    """A function that is not called often, and whose errors get their notes as they leave it."""

    @functools.wraps(call)
    def public(*args: Any, **options: Any) -> Any:
        try:
            return call(*args, **options)
        except Exception as problem:
            told(problem)
            raise

    return public


def watch() -> None:
    """From now on an exception gets its notes before anybody shows it: the interpreter, `traceback` and with it
    logging and pytest, IPython.
    """
    before = sys.excepthook

    def hook(kind: type[BaseException], problem: BaseException, trace: TracebackType | None) -> None:
        seen(problem)
        before(kind, problem, trace)

    hook.before = before  # type: ignore[attr-defined]
    sys.excepthook = hook
    read = TracebackException.__init__

    @functools.wraps(read)
    def reads(self: TracebackException, exc_type: Any, exc_value: BaseException, *args: Any, **options: Any) -> None:
        seen(exc_value)
        read(self, exc_type, exc_value, *args, **options)

    TracebackException.__init__ = reads  # type: ignore[method-assign]
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if shell is not None:
        shell.set_custom_exc((Exception,), in_shell)


def seen(problem: BaseException) -> None:
    """Notes for an exception that was raised, wherever."""
    if getattr(problem, "__traceback__", None) is not None:
        told(problem)


def in_shell(shell: Any, kind: type, problem: Exception, trace: TracebackType, tb_offset: int | None = None) -> None:
    """What IPython calls to show an exception."""
    seen(problem)
    shell.showtraceback((kind, problem, trace), tb_offset=tb_offset)

"""torch.jit: nothing is compiled from source text here, and what asks whether it is gets a no."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NoReturn, TypeVar

from ..nn.module import Module

__all__ = [
    "Final", "ScriptModule", "annotate", "export", "ignore", "is_scripting", "is_tracing", "load", "save", "script",
    "script_if_tracing", "script_method", "trace", "unused",
]  # fmt: skip

F = TypeVar("F")


def is_scripting() -> bool:
    """False: functions run as Python."""
    return False


def is_tracing() -> bool:
    """False."""
    return False


def export(function: F) -> F:
    """The function: it only tells script() something."""
    return function


unused = script_method = script_if_tracing = export


def script(obj: F, optimize: Any = None, example_inputs: Any = None) -> F:
    """The function, class or module itself, which computes the same as plain Python; there is no .save() or .graph."""
    return obj


class ScriptModule(Module):
    """A module: what it computes is plain Python."""


def annotate(the_type: Any, the_value: F) -> F:
    """The value: the type only tells script() something."""
    return the_value


def ignore(drop: Any = False, **kwargs: Any) -> Any:
    """The function; also as @ignore(drop=True)."""
    return drop if callable(drop) else export


def refuse(whole: str, advice: str) -> Callable[..., NoReturn]:
    """What stands for a function that is not here."""

    def call(*args: Any, **kwargs: Any) -> NoReturn:
        raise NotImplementedError(f"{whole} is not in glassgrad: {advice}")

    call.__name__ = call.__qualname__ = whole.rpartition(".")[2]
    call.__doc__ = f"NotImplementedError: {advice}."
    return call


trace = refuse("torch.jit.trace", "leave it out, the function computes the same (torch.compile makes it faster)")
save = refuse("torch.jit.save", "save model.state_dict() with torch.save")
load = refuse("torch.jit.load", "load a state_dict with torch.load")

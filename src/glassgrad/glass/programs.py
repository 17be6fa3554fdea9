"""A program's backward passes, each before it runs: what `glassgrad run --graph` and `glassgrad step` look at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from .. import autograd as public
from ..core import autograd as engine
from ..core.tensor import Tensor
from ..scalar.engine import Value
from .graph import watch

HOMES: tuple[Any, ...] = (engine, public, Value)  # where a program finds a backward()
FIRST, SECOND = ("self", "tensors"), ("gradient", "grad_tensors")  # names of its arguments there


@contextmanager
def before_backward(see: Callable[[Any, Any], bool]) -> Iterator[None]:
    """While it lasts, see(root, gradient) is called before each backward(), until it returns True.

    root: the Value or Tensor, of several the first. gradient: what backward() was given for it, or None. Until then
    every result of an operation is kept. What see() raises, the program gets.
    """
    armed = True  # a program may hold on to what is put into HOMES, so it stays when all is over

    def told(original: Callable[..., Any]) -> Callable[..., Any]:
        def backward(*args: Any, **options: Any) -> Any:
            nonlocal armed
            root = _first(args[0] if args else _named(options, FIRST))
            if armed and isinstance(root, Value | Tensor):
                armed = False
                armed = not see(root, _first(args[1] if args[1:] else _named(options, SECOND)))
                if not armed:
                    kept.close()
            return original(*args, **options)

        return backward

    originals = [(home, home.backward) for home in HOMES]
    with ExitStack() as kept:
        kept.enter_context(watch())
        for home, original in originals:
            kept.callback(setattr, home, "backward", original)
            home.backward = told(original)
        try:
            yield
        finally:
            armed = False


def _named(options: dict[str, Any], names: tuple[str, ...]) -> Any:
    return next((options[name] for name in names if name in options), None)


def _first(x: Any) -> Any:
    return next(iter(x), None) if isinstance(x, list | tuple) else x

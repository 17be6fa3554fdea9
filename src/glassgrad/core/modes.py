"""Grad mode: whether operations are recorded. Context-local, so threads and tasks don't disturb each other."""

from __future__ import annotations

import functools
import inspect
from contextvars import ContextVar, Token
from typing import Any, Self

grad_mode: ContextVar[bool] = ContextVar("glassgrad_grad", default=True)
_inference: ContextVar[bool] = ContextVar("glassgrad_inference", default=False)

is_grad_enabled = grad_mode.get
is_inference_mode_enabled = _inference.get


class _Mode:
    """A context manager that is a decorator as well; a fresh state for every entry, so it may be nested."""

    def __init__(self, grad: bool, inference: bool | None = None) -> None:
        self.grad = grad
        self.inference = inference
        self._undo: list[tuple[Token[bool], Token[bool] | None]] = []

    def __enter__(self) -> Self:
        inference = None if self.inference is None else _inference.set(self.inference)
        self._undo.append((grad_mode.set(self.grad), inference))
        return self

    def __exit__(self, *_: object) -> None:
        grad, inference = self._undo.pop()
        grad_mode.reset(grad)
        if inference is not None:
            _inference.reset(inference)

    def _again(self) -> _Mode:
        return _Mode(self.grad, self.inference)

    def __call__(self, function: Any) -> Any:
        if inspect.isgeneratorfunction(function):
            return _in_steps(function, self._again)

        @functools.wraps(function)
        def inside(*args: Any, **kwargs: Any) -> Any:
            with self._again():
                return function(*args, **kwargs)

        return inside


def _in_steps(function: Any, mode: Any) -> Any:
    """A generator whose body runs in the mode, and whose caller, between two values, doesn't."""

    @functools.wraps(function)
    def inside(*args: Any, **kwargs: Any) -> Any:
        generator = function(*args, **kwargs)
        sent = None
        try:
            while True:
                with mode():
                    try:
                        value = generator.send(sent)
                    except StopIteration as stop:
                        return stop.value
                sent = yield value
        finally:
            generator.close()

    return inside


class _BareDecorator(_Mode):
    """Stands as a decorator without parentheses too: @no_grad."""

    def __new__(cls, mode: Any = None) -> Any:
        made = super().__new__(cls)
        if not callable(mode):
            return made
        made.__init__()  # type: ignore[misc]
        return made(mode)


class no_grad(_BareDecorator):
    """Inside, nothing is recorded: results don't require grad. Context manager and decorator."""

    def __init__(self, mode: None = None) -> None:
        super().__init__(False)


class enable_grad(_BareDecorator):
    """Inside, operations are recorded again, for example within no_grad."""

    def __init__(self, mode: None = None) -> None:
        super().__init__(True)


class inference_mode(_BareDecorator):
    """no_grad for good: nothing is recorded and is_inference_mode_enabled() is true inside.

    mode=False: neither, as PyTorch has it: operations are recorded again.
    """

    def __init__(self, mode: bool = True) -> None:
        super().__init__(not mode, mode)


class set_grad_enabled(_Mode):
    """Switches recording at once, and back at the end when used as a context manager."""

    def __init__(self, mode: bool) -> None:
        super().__init__(bool(mode))
        self._before = grad_mode.set(self.grad)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        grad_mode.reset(self._before)

    def __call__(self, function: Any) -> Any:
        grad_mode.reset(self._before)
        return super().__call__(function)

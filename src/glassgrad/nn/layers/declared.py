"""Modules that are a function with options, declared in as many lines as they have options.

    class LeakyReLU(Declared, function="leaky_relu"):
        negative_slope: float = 0.01
        inplace: bool = False

The annotated names are the constructor's arguments, in order (keyword-only after `_: KW_ONLY`); they become
attributes, are shown by repr, and go to the function of nn.functional by their names. A class that annotates
nothing has the options of its base.
"""

from __future__ import annotations

import inspect
from dataclasses import KW_ONLY
from typing import Any, ClassVar, dataclass_transform

from .. import functional
from ..module import Module

__all__ = ["KW_ONLY", "Declared"]


@dataclass_transform(eq_default=False)
class Declared(Module):
    """See the module's text. Class keywords:

    function   the name in nn.functional
    hidden     options that repr doesn't show
    text       a format string for repr, where it isn't option=value for each
    also       attributes that go to the function though they are no options (training)
    kept       options that don't go to the function
    """

    _signature: ClassVar[inspect.Signature] = inspect.Signature()
    _function: ClassVar[str]
    _passed: ClassVar[tuple[str, ...]]
    _hidden: ClassVar[str] = ""
    _text: ClassVar[str | None] = None

    def __init_subclass__(
        cls,
        function: str | None = None,
        hidden: str | None = None,
        text: str | None = None,
        also: str = "",
        kept: str = "",
        **kwargs: Any,
    ) -> None:
        super().__init_subclass__(**kwargs)
        if hidden is not None:
            cls._hidden = hidden
        if text is not None:
            cls._text = text
        if function is None:  # a base, or a subclass of the user's: what it annotates is its own affair
            if "__init__" in cls.__dict__:
                cls.__signature__ = None  # type: ignore[attr-defined]
            return
        cls._function = function
        if own := inspect.get_annotations(cls):
            cls._signature = cls.__signature__ = _signature(cls, own)  # type: ignore[attr-defined]
        cls._passed = (*(name for name in cls._signature.parameters if name not in kept.split()), *also.split())

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()
        try:
            given = self._signature.bind(*args, **kwargs)
        except TypeError as problem:
            raise TypeError(f"{type(self).__name__}.__init__(): {problem}") from None
        given.apply_defaults()
        for name, value in given.arguments.items():
            setattr(self, name, value)
        self.__post_init__()

    def __post_init__(self) -> None:
        """What remains to be done once the options are attributes."""

    def forward(self, *inputs: Any, **named: Any) -> Any:
        """The function, of inputs in order or by their names."""
        if not self._function:
            raise NotImplementedError(f'Module [{type(self).__name__}] is missing the required "forward" function')
        options = {name: getattr(self, name) for name in self._passed}
        return getattr(functional, self._function)(*inputs, **named, **options)

    def extra_repr(self) -> str:
        if self._text is not None:
            return self._text.format_map(vars(self))
        return ", ".join(f"{name}={getattr(self, name)!r}" for name in self._shown())

    def _shown(self) -> list[str]:
        return [name for name in self._signature.parameters if name not in self._hidden.split()]


def _signature(cls: type, annotations: dict[str, Any]) -> inspect.Signature:
    """The constructor's, from the annotations of the class; their defaults leave the class.

    An attribute of the class would be found before a buffer of the same name.
    """
    parameters = []
    kind: Any = inspect.Parameter.POSITIONAL_OR_KEYWORD
    for name, annotation in annotations.items():
        if name == "_":
            kind = inspect.Parameter.KEYWORD_ONLY
        if name == "_" or "ClassVar" in str(annotation):
            continue
        default = cls.__dict__.get(name, inspect.Parameter.empty)
        if default is not inspect.Parameter.empty:
            delattr(cls, name)
        parameters.append(inspect.Parameter(name, kind, default=default))
    return inspect.Signature(parameters)

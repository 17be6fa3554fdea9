"""An error with what is known of it, for the fix of this very case."""

from __future__ import annotations

import re
from collections.abc import Callable
from types import ModuleType
from typing import Any, NamedTuple

from ..tensor import Tensor

OURS = ("glassgrad", "torch")  # classes show themselves under either name


class Case(NamedTuple):
    problem: BaseException
    said: tuple[str, ...]  # what stands at each {} of its row's sentence
    named: dict[str, Any]  # tensors, integers and modules that the failing expression names
    given: dict[str, Any]  # arguments of the package's functions that it passed, the outermost first
    handed: dict[str, Any]  # the tensors among the arguments of the outermost
    layer: Any = None  # the module that was called last
    called: Any = None  # what the expression calls, where the interpreter refuses the call

    @property
    def tensors(self) -> list[tuple[str, Tensor]]:
        """The tensors among the arguments, each once, as the program names them, or else the function."""
        found: dict[int, tuple[str, Tensor]] = {}
        for name, x in self.given.items():
            if isinstance(x, Tensor):
                found.setdefault(id(x), (self.name(name), x))
        return list(found.values())

    def name(self, argument: str) -> str:
        """How the program names an argument, or else the function."""
        x = self.given.get(argument)
        return next((name for name, other in self.named.items() if other is x), argument.replace("self", "x"))

    def of(self, argument: str = "input") -> str:
        """'img.', to stand before a method of an argument that the program names; else nothing."""
        name = self.name(argument)
        return f"{name}." if name in self.named else ""

    def shape(self, argument: str = "input") -> tuple[int, ...]:
        """The shape of an argument; () where that is no tensor."""
        x = self.given.get(argument)
        return tuple(x.shape) if isinstance(x, Tensor) else ()

    @property
    def kind(self) -> str:
        """The package's class that the layer is one of, as it is written: nn.Linear."""
        ours = [c for c in type(self.layer).__mro__ if home(c) in OURS and c.__name__[0] != "_"]
        return "nn." + ours[0].__name__ if ours else ""


Fix = Callable[[Case], str]
FIXES: dict[str, Fix] = {}  # by code: what mends this very case, or "" for what the row says


def fixes(code: str) -> Callable[[Fix], Fix]:
    def put(fix: Fix) -> Fix:
        FIXES[code] = fix
        return fix

    return put


# --- words ---


def home(x: Any) -> str:
    """The first name of the module that something, or its class, is from; of a module, its own."""
    found = x.__name__ if isinstance(x, ModuleType) else getattr(x, "__module__", "")
    return str(found).partition(".")[0]


def numbers(text: str) -> tuple[int, ...]:
    """The integers in '[64, 8, 8]', '64 x 8' or 'torch.Size([4])'."""
    return tuple(map(int, re.findall(r"-?\d+", text)))


def times(sizes: tuple[int, ...]) -> str:
    """'8 * 6 * 6'"""
    return " * ".join(map(str, sizes))


def divisors(n: int) -> str:
    """'1, 2, 5 or 10'"""
    *most, last = [str(k) for k in range(1, n + 1) if n % k == 0]
    return f"{', '.join(most)} or {last}" if most else last


def counted(n: int, what: str) -> str:
    """'1 dim', '3 dims'"""
    return f"{n} {what}" + ("s" if n != 1 else "")

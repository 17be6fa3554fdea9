"""torch.version: the PyTorch whose names, semantics and numbers are reproduced, built for the CPU."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Any

__all__ = ["Version", "__version__", "cuda", "debug", "git_version", "hip", "xpu"]


class Version(str):
    """A version as text that compares by its numbers, with text and with tuples.

    >>> Version("2.13.0") > "2.9", Version("2.13.0") >= (2, 13), Version("2.13.0") == "2.13.0"
    (True, True, True)
    """

    __slots__ = ()
    __hash__ = str.__hash__


def _numbers(version: Any) -> tuple[int, ...]:
    """(2, 13, 0) of "2.13.0+cpu", without the zeros at its end."""
    text = version if isinstance(version, str) else ".".join(map(str, version))
    found = re.match(r"v?(\d+(?:\.\d+)*)", text)
    if found is None:
        raise ValueError(f"{text!r} is no version: expected numbers and dots, as '2.13'")
    return tuple(map(int, re.sub(r"(\.0+)+$", "", found[1]).split(".")))


def _comparison(name: str) -> Callable[[Version, Any], Any]:
    compare = getattr(operator, name)

    def method(self: Version, other: Any) -> Any:
        try:
            return compare(_numbers(self), _numbers(other))
        except (TypeError, ValueError):
            return getattr(str, name)(self, other)

    method.__name__ = name
    return method


for _name in ("__lt__", "__le__", "__eq__", "__ne__", "__gt__", "__ge__"):
    setattr(Version, _name, _comparison(_name))

__version__ = Version("2.13.0")
debug = False
cuda: str | None = None
hip: str | None = None
xpu: str | None = None
git_version = "Unknown"

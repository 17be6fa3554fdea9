"""Arguments and results as trees of tuples, named tuples, lists and dicts; a Slot in them stands for a tensor.

A subclass of these may be more than its items: it is a leaf.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Slot:
    """A tensor of a program, by number."""

    number: int

    def __repr__(self) -> str:
        return f"%{self.number}"


def is_tree(x: Any) -> bool:
    return type(x) in (tuple, list, dict) or (isinstance(x, tuple) and hasattr(x, "_fields"))


def items(x: Any) -> list[tuple[Any, Any]]:
    """The keys or positions in a tree, and what is there."""
    return list(x.items()) if type(x) is dict else list(enumerate(x))


def rebuilt(x: Any, values: list[Any]) -> Any:
    """A tree as x, with these in place of its items."""
    if type(x) is dict:
        return dict(zip(x, values, strict=True))
    return getattr(type(x), "_make", type(x))(values)


def mapped(f: Callable[[Any], Any], x: Any) -> Any:
    """f of every leaf."""
    return rebuilt(x, [mapped(f, value) for _, value in items(x)]) if is_tree(x) else f(x)


def paths(x: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Every leaf, and the keys that lead to it."""
    if not is_tree(x):
        yield path, x
        return
    for key, value in items(x):
        yield from paths(value, (*path, key))


def leaves(x: Any) -> list[Any]:
    return [leaf for _, leaf in paths(x)]


def slots_of(x: Any) -> list[int]:
    return [leaf.number for leaf in leaves(x) if isinstance(leaf, Slot)]

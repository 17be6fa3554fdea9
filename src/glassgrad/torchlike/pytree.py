"""torch.utils._pytree: private there, and yet what other libraries take nested values apart with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..func.trees import flatten, leaves_of, map_leaves

__all__ = ["tree_flatten", "tree_leaves", "tree_map", "tree_map_only", "tree_unflatten"]

tree_leaves = leaves_of
tree_map = map_leaves


def tree_flatten(tree: Any) -> tuple[list[Any], Callable[[list[Any]], Any]]:
    """(leaves, what tree_unflatten needs to build the same structure)."""
    return flatten(tree)


def tree_unflatten(leaves: Any, treespec: Callable[[list[Any]], Any]) -> Any:
    return treespec(list(leaves))


def tree_map_only(kind: type | tuple[type, ...], func: Callable[[Any], Any], tree: Any) -> Any:
    """func of the leaves of this kind, the others as they are."""
    return map_leaves(lambda leaf: func(leaf) if isinstance(leaf, kind) else leaf, tree)

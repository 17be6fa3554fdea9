"""Nested tuples, lists and dicts of tensors, taken apart and put together again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

Tree = Any
Build = Callable[[list[Any]], Any]


def flatten(tree: Tree) -> tuple[list[Any], Build]:
    """(the leaves in order, what builds the same structure around others)."""
    leaves: list[Any] = []
    shape = _take(tree, leaves)
    return leaves, lambda new: _build(shape, iter(new))


def leaves_of(tree: Tree) -> list[Any]:
    return flatten(tree)[0]


def map_leaves(function: Callable[..., Any], tree: Tree, *others: Tree) -> Tree:
    leaves, build = flatten(tree)
    return build([function(*items) for items in zip(leaves, *map(leaves_of, others), strict=True)])


def spread(prefix: Tree, tree: Tree) -> list[Any]:
    """For each leaf of the tree what a prefix of its structure says about it: one value may stand for a subtree."""
    if not _is_branch(tree) or (not _is_branch(prefix) or type(prefix) is not type(tree)):
        if _is_branch(prefix):
            raise ValueError(f"the structure {prefix!r} does not fit that of the values it speaks of")
        return [prefix] * len(leaves_of(tree))
    if len(prefix) != len(tree) or (isinstance(tree, dict) and prefix.keys() != tree.keys()):
        raise ValueError(f"the structure {prefix!r} does not fit that of the values it speaks of")
    pairs = [(prefix[k], tree[k]) for k in tree] if isinstance(tree, dict) else zip(prefix, tree, strict=True)
    return [value for p, t in pairs for value in spread(p, t)]


def _is_branch(tree: Tree) -> bool:
    return type(tree) in (tuple, list, dict, OrderedDict) or (isinstance(tree, tuple) and hasattr(tree, "_fields"))


def _take(tree: Tree, leaves: list[Any]) -> Any:
    """The structure of a tree: None for a leaf, else (how to make the branch, the structures of its parts)."""
    if not _is_branch(tree):
        leaves.append(tree)
        return None
    if isinstance(tree, dict):
        keys = list(tree)
        make: Callable[[list[Any]], Any] = lambda parts: type(tree)(zip(keys, parts, strict=True))
        return make, [_take(tree[key], leaves) for key in keys]
    if hasattr(tree, "_fields"):
        return (lambda parts: type(tree)(*parts)), [_take(part, leaves) for part in tree]
    return type(tree), [_take(part, leaves) for part in tree]


def _build(shape: Any, leaves: Any) -> Tree:
    if shape is None:
        return next(leaves)
    make, parts = shape
    return make([_build(part, leaves) for part in parts])

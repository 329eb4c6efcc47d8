"""Nested tuples, lists, dicts and NamedTuples of arrays, walked in one fixed order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from regnet.arrays.types import Tree

__all__ = ["leaves", "rebuild", "tree_map"]


def leaves(tree: Tree, /) -> list[Any]:
    """The leaves of `tree` from left to right; None holds none."""
    if tree is None:
        return []
    if isinstance(tree, dict):
        return [leaf for branch in tree.values() for leaf in leaves(branch)]
    if isinstance(tree, (tuple, list)):
        return [leaf for branch in tree for leaf in leaves(branch)]
    return [tree]


def rebuild(tree: Tree, new_leaves: Iterable[Any], /) -> Tree:
    """A tree of the shape of `tree` whose leaves are `new_leaves`, in the order of `leaves(tree)`."""
    source = iter(new_leaves)
    result = _fill(tree, source)
    if next(source, None) is not None:
        raise ValueError("rebuild was given more leaves than the tree holds")
    return result


def _fill(tree: Tree, source: Iterator[Any]) -> Tree:
    if tree is None:
        return None
    if isinstance(tree, dict):
        return {name: _fill(branch, source) for name, branch in tree.items()}
    if isinstance(tree, (tuple, list)):
        branches = [_fill(branch, source) for branch in tree]
        return type(tree)(*branches) if hasattr(tree, "_fields") else type(tree)(branches)
    return next(source)


def tree_map(function: Callable[..., Any], tree: Tree, /, *others: Tree) -> Tree:
    """Apply `function` to the corresponding leaves of trees of one shape; returns a tree of that shape."""
    columns = [leaves(tree), *(leaves(other) for other in others)]
    return rebuild(tree, [function(*row) for row in zip(*columns, strict=True)])

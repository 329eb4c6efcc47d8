"""Sums over rows in blocks, and a choice by `where`: what a backend without a way of its own does."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from regnet.arrays.namespace import array_namespace
from regnet.arrays.tree import leaves, tree_map
from regnet.arrays.types import Array, Tree

__all__ = ["BLOCK_ELEMENTS", "add_trees", "row_blocks", "select_by_where", "sum_in_blocks"]

BLOCK_ELEMENTS = 2**25
"""Rows times width of the largest intermediate that is computed at once where memory is the only concern (128 MiB
in float32): an evaluation on millions of rows must not need a layer's activations for all of them."""


def row_blocks(rows: Tree, size: int, /) -> Iterator[Tree]:
    """Cut every array of `rows` along axis -2 into blocks of `size` rows; the last one may be shorter."""
    count = leaves(rows)[0].shape[-2]
    if count <= size:
        yield rows
        return
    for start in range(0, count, size):
        yield tree_map(lambda leaf, start=start: leaf[..., start : start + size, :], rows)


def add_trees(left: Tree, right: Tree, /) -> Tree:
    """Leaf by leaf sum."""
    return tree_map(lambda a, b: a + b, left, right)


def sum_in_blocks(
    function: Callable[..., Tree],
    rows: Tree,
    args: tuple[Tree, ...],
    width: int,
    networks: int | None,
    /,
    *,
    elements: int = BLOCK_ELEMENTS,
) -> Tree:
    """Sum `function(block, *args)` over blocks of rows whose widest intermediate has about `elements` elements."""
    total = None
    for block in row_blocks(rows, max(1, elements // (width * (networks or 1)))):
        part = function(block, *args)
        total = part if total is None else add_trees(total, part)
    return total


def select_by_where(alive: Array, new: Tree, old: Tree, /) -> Tree:
    """Leaf by leaf `where(alive, new, old)`; alive: boolean, broadcastable to every leaf."""
    xp = array_namespace(alive)
    return tree_map(lambda a, b: xp.where(alive, a, b), new, old)

"""Sums over rows in tiles that stay in cache.

A layer's activations for all rows are a few megabytes: reading and writing them once per elementwise operation, and
mapping fresh pages for each, takes longer than the products. The gradient of a sum is the sum of the gradients, so a
tile of rows goes through the whole network and back before the next one starts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from regnet.arrays.tree import leaves, rebuild, tree_map
from regnet.arrays.types import Tree
from regnet.backend.blocks import add_trees, row_blocks
from regnet_numpy.threads import parallel_map, thread_count
from regnet_numpy.types import Network

__all__ = ["TILE_ELEMENTS", "run_in_groups", "sum_in_tiles", "tile_rows", "tile_width"]

TILE_ELEMENTS = 2**17
"""Elements of the widest activation in a tile (512 KiB in float32). Measured on 3000 x 2 -> 512 -> 3, two threads with
1 MiB of L2 each, ms a step: 5.1 untiled, 2.6 with 2^17, 4.3 with 2^16 (threads wait for one another), 6.5 with 2^15."""

GROUP_ELEMENTS = 2**17
"""Parameters of the networks that go through many steps together. With their slots they stay in a core's L2, and
threads that call NumPy on smaller arrays spend their time in handing Python's lock over (twenty networks with 85,000
parameters together: 1.8 ms a step on one thread, 2.1 on two; five with 10,000: 0.3 and 1.2)."""

STACK_ELEMENTS = 2**19
"""Elements of the widest activation of networks that go through one call together. Larger than a tile: a call on a
small array takes as long for the interpreter, which threads share, as for the processor."""

SMALLEST_TILE = 64
"""Rows of a tile at least: adding up a tile's gradients costs as much as about ten rows of products. Networks with many
parameters for their width have larger tiles, two thirds as many rows as a neuron has weights, but two of them at least:
products of few rows with a large weight take longer (of 256 rows with 784 x 1,024 8 % longer than of 512, of 128 18 %).
"""

SHARED_WORK = 2**21
"""Products of rows and weights from which there are two tiles at least, for two threads: ms a step with one tile and
with two, 2,000 x 20 -> 64 -> 1 (2^21.4) .76 and .72, the same with six layers of 64 5.7 and 3.6."""

INPUTS_OF_AN_OUTPUT = 8
"""Inputs that count as much as an output: products alone read them, twice, and read better when rows are many (2,000 x
1,000 -> 64 -> 3: 6.9 ms a step in 16 tiles, 4.9 in two)."""

ROWS_OF_A_BLOCK = 8
"""Rows that BLAS computes side by side: what is left over takes longer."""


def tile_width(network: Network, /) -> int:
    """What a row has of a tile's elements: its widest outputs, or its inputs as far as they count."""
    inputs: int = -(-network.in_features // INPUTS_OF_AN_OUTPUT)
    outputs: list[int] = [layer.out_features for layer in network.dense_layers]
    return max(inputs, *outputs)


def tile_rows(width: int, rows: int, /, *, parameters: int = 0, elements: int = TILE_ELEMENTS) -> int:
    """Rows of a tile of a network of this `tile_width`: as many tiles as need be, of nearly the same size.

    Their number is even, so that two threads have equally many; the last one may have fewer rows.
    parameters: of the network, if known; elements: of the widest activation in a tile.
    """
    deep = min(2 * parameters // width // 3, -(-rows // 2))
    most = max(SMALLEST_TILE, elements // width, deep)
    if rows >= 2 * SMALLEST_TILE and rows * parameters >= SHARED_WORK:
        most = min(most, -(-rows // 2))
    if rows <= most:
        return rows
    count = -(-rows // most)
    size = -(-rows // (count + count % 2))
    return -(-size // ROWS_OF_A_BLOCK) * ROWS_OF_A_BLOCK


def sum_in_tiles(
    function: Callable[..., Tree],
    rows: Tree,
    args: tuple[Tree, ...],
    width: int,
    networks: int | None,
    /,
    *,
    stacks: bool = True,
    size: int | None = None,
) -> Tree:
    """Sum `function(tile, *args)` over tiles of rows, and over networks of a stack apart; see Backend.sum_rows.

    stacks: whether the function takes several networks at once, as many as stay in cache; size: rows of a tile,
    default `tile_rows` of the width.
    The tiles depend on the width of the network and the number of rows only, and are added from the first row to the
    last; so the result has the same bits for any number of threads, and for a network alone as for the same network in
    a stack.
    """
    count = leaves(rows)[0].shape[-2]
    size = tile_rows(width, count) if size is None else size
    if networks is None:
        return _add_tiles(function, list(row_blocks(rows, size)), args)
    together = max(1, STACK_ELEMENTS // (width * count)) if stacks else 1
    if stacks and count <= size and networks <= together:
        return function(rows, *args)  # in one piece: products of a stack have the bits of products alone
    groups = [slice(start, start + together) for start in range(0, networks, together)]
    chosen = groups if stacks else list(range(networks))
    tasks = [
        (tile, _take(group, networks, args))
        for group in chosen
        for tile in row_blocks(_take(group, networks, rows), size)
    ]
    parts = parallel_map(lambda task: function(task[0], *task[1]), tasks)
    per_group = len(tasks) // len(groups)
    sums = [_add(parts[start : start + per_group]) for start in range(0, len(tasks), per_group)]
    join = np.concatenate if stacks else np.stack
    return tree_map(lambda *columns: join(columns), sums[0], *sums[1:])


def run_in_groups(
    run: Callable[[Tree, Tree, Tree, int], Tree], row_elements: int = 0, /
) -> Callable[[Tree, Tree, Tree, int], Tree]:
    """`run`, called for groups of a stack's networks, over the threads.

    row_elements: of the widest activation of all the rows of a step, for one network.
    """

    def run_groups(state: Tree, data: Tree, hyper: Tree, n: int) -> Tree:
        point = leaves(state)[0]
        networks = point.shape[0] if point.ndim > 2 else 1
        together = max(1, min(GROUP_ELEMENTS // point.shape[-1], STACK_ELEMENTS // max(1, row_elements)))
        if networks <= together:
            return run(state, data, hyper, n)
        together = min(together, -(-networks // thread_count()))
        groups = [slice(start, start + together) for start in range(0, networks, together)]

        def advance(group: slice) -> Tree:
            own_state, own_data, own_hyper = (_take(group, networks, tree) for tree in (state, data, hyper))
            # A run consumes its state: what is no group's own, the number of steps, each takes as a copy.
            own_state = tree_map(lambda leaf: leaf if leaf.ndim > 2 else leaf.copy(), own_state)
            return run(own_state, own_data, own_hyper, n)

        parts = parallel_map(advance, groups)
        return tree_map(
            lambda *columns: np.concatenate(columns) if columns[0].ndim > 2 else columns[0], parts[0], *parts[1:]
        )

    return run_groups


def _add_tiles(function: Callable[..., Tree], tiles: list[Tree], args: tuple[Tree, ...]) -> Tree:
    if len(tiles) == 1:
        return function(tiles[0], *args)
    return _add(parallel_map(lambda tile: function(tile, *args), tiles))


def _add(parts: list[Tree]) -> Tree:
    total = parts[0]
    for part in parts[1:]:
        total = add_trees(total, part)
    return total


def _take(which: slice | int, networks: int, tree: Tree) -> Any:
    """The part of a group of networks, or of one, in every leaf that has a part for each."""

    def part(leaf: Any) -> Any:
        if leaf.ndim < 3:
            return leaf
        if leaf.shape[0] == networks:
            return leaf[which]
        return leaf if isinstance(which, slice) else leaf[0]

    return rebuild(tree, [part(leaf) for leaf in leaves(tree)])

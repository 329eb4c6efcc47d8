"""How a step's rows are cut into tiles and chunks, and how the kernels are told where arrays lie.

A tile is what is computed at once, so that memory suffices; a chunk is what one block adds up, over all tiles. Chunks'
sums are added in a fixed order. Both depend on shapes only.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from regnet_cupy.device_code import ROUND, THREADS
from regnet_cupy.plan import Plan

__all__ = [
    "KERNELS",
    "TILE_ELEMENTS",
    "Chunks",
    "Piece",
    "block_of",
    "bytes_of",
    "cut_rows",
    "grid_of",
    "networks_of",
    "stride_of",
    "term_of",
    "tile_rows",
]

TILE_ELEMENTS = 2**27
"""Rows of a tile, times networks, times the widest layer: half a GiB in float32, so that tiles are few, each of which
adds to the weights' gradients in memory."""

BLOCKS = 2048
"""Blocks of a launch up to which chunks are as short as they may be; a GPU has room for a thousand or two."""

KERNELS = {"backward": (64, 128), "loss_gradient": (8, 128), "last_layers": (ROUND, 128)}
"""For each kernel the rows of a chunk at least, and chunks at most, which one block adds up in `finish`."""


class Piece(NamedTuple):
    """Sums over chunks of rows: `sums` (networks, chunks, length) end up at `place` of the gradient.

    rows: of a weight whose sums lie turned round, (columns, rows); 1 for what lies as in the gradient.
    """

    place: int
    length: int
    chunks: int
    rows: int = 1
    sums: Any = None


class Chunks(NamedTuple):
    """How a kernel cuts a tile: `each` rows a chunk, and how many of them a full tile has."""

    each: int
    number: int


def block_of(columns: int, least: int = 1) -> tuple[int, int]:
    """A block's threads for so many units, at least `least`, and for rows side by side."""
    wide = min(THREADS, max(least, 1 << (columns - 1).bit_length()))
    return wide, THREADS // wide


def cut_rows(kernel: str, rows: int, networks: int, side_by_side: int = 1) -> Chunks:
    """The chunks of a tile of so many rows; few are long, so that their sums are soon added.

    side_by_side: for how many times a chunk's least rows a block has threads.
    """
    shortest, most = KERNELS[kernel]
    shortest, most = shortest * side_by_side, max(1, min(most, BLOCKS // networks))
    each = -(-max(shortest, -(-rows // most)) // 8) * 8
    return Chunks(each, -(-rows // each))


def tile_rows(plan: Plan, networks: int, rows: int, /) -> int:
    """Rows of a tile, the last one's may be fewer."""
    return min(rows, max(1, TILE_ELEMENTS // (max(plan.widths) * networks)))


def bytes_of(plan: Plan, networks: int, rows: int, size: int, itemsize: int, /) -> int:
    """About how many bytes a step's own arrays take, beside the state and the data."""
    tile = tile_rows(plan, networks, rows)
    few = (plan.widths[0] + 1) * plan.few_inputs + plan.widths[-1] * (plan.few_outputs or plan.own_outputs) + 1
    sums = cut_rows("backward", tile, networks).number * few * max(plan.widths[1:])
    return itemsize * networks * (tile * (2 * sum(plan.widths[1:]) + plan.widths[0]) + sums + 8 * size)


def stride_of(array: Any) -> int:
    """Elements from one network's part to the next one's; 0 where all have the same."""
    return array.strides[0] // array.itemsize if array.ndim > 2 and len(array) > 1 else 0


def term_of(array: Any, axis: int = -1) -> tuple[Any, int, int]:
    """A penalty's strengths as the kernels take them: array, stride by network, stride by entry."""
    return (None, 0, 0) if array is None else (array, stride_of(array), int(array.shape[axis] > 1))


def grid_of(count: int, networks: int) -> tuple[int, int, int]:
    """A thread for each of `count` entries of every network."""
    return (-(-count // THREADS), 1, networks)


def networks_of(array: Any) -> int:
    """How many networks have an own part of it."""
    return len(array) if array.ndim > 2 else 1

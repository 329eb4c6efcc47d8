"""How a step's rows are cut into tiles and chunks, and how the kernels are told where arrays lie.

A tile is what is computed at once, so that memory suffices; a chunk is what one block adds up. Chunks' sums are added
in a fixed order. Both depend on shapes only.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from regnet.generic import BLOCK_ELEMENTS
from regnet_cupy.device_code import THREADS
from regnet_cupy.plan import Plan

__all__ = [
    "SHORTEST",
    "Chunks",
    "Piece",
    "bytes_of",
    "cut_rows",
    "grid_of",
    "networks_of",
    "stride_of",
    "term_of",
    "tile_rows",
]

SHORTEST = {"backward": 64, "loss_gradient": 256, "few_outputs": 8}
"""Rows of a chunk at least: what a block goes through in a few rounds."""

MOST_CHUNKS = {"backward": 128, "loss_gradient": 128, "few_outputs": 256}


class Piece(NamedTuple):
    """Sums over chunks of rows: `sums` (networks, chunks, length) end up at `place` of the gradient."""

    place: int
    length: int
    chunks: int
    sums: Any


class Chunks(NamedTuple):
    """How a kernel cuts rows: `each` rows a chunk; of every tile the number of its first chunk, and how many it has."""

    each: int
    first: tuple[int, ...]
    counts: tuple[int, ...]

    @property
    def total(self) -> int:
        """Chunks of all tiles."""
        return sum(self.counts)


def cut_rows(kernel: str, tiles: list[slice]) -> Chunks:
    """The chunks of every tile for a kernel; few are long, so that their sums are soon added."""
    rows = tiles[-1].stop
    each = max(SHORTEST[kernel], -(-rows // MOST_CHUNKS[kernel]))
    each = -(-each // 8) * 8
    counts = tuple(-(-(tile.stop - tile.start) // each) for tile in tiles)
    return Chunks(each, tuple(sum(counts[:number]) for number in range(len(counts))), counts)


def tile_rows(plan: Plan, networks: int, rows: int, /) -> int:
    """Rows of a tile, the last one's may be fewer."""
    return min(rows, max(1, BLOCK_ELEMENTS // (max(plan.widths) * networks)))


def bytes_of(plan: Plan, networks: int, rows: int, size: int, itemsize: int, /) -> int:
    """About how many bytes a step's own arrays take, beside the state and the data."""
    tile = tile_rows(plan, networks, rows)
    return itemsize * networks * (tile * (2 * sum(plan.widths[1:]) + plan.widths[0]) + 3 * size)


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

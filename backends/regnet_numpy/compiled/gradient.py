"""A network's loss and gradient by the compiled loops, one at a time."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from regnet.arrays.types import Array
from regnet_numpy.buffers import Buffers
from regnet_numpy.compiled.gradient_loops import Noise, Rows, tile_gradient
from regnet_numpy.compiled.plan import Plan, is_narrow, memory_of, plan
from regnet_numpy.compiled.product_loops import whole_lines
from regnet_numpy.compiled.read_only import read_as_any
from regnet_numpy.tiles import sum_in_tiles, tile_rows, tile_width
from regnet_numpy.types import Network

__all__ = ["compile_gradient", "noise_of", "rows_of_a_tile"]

TILE = 2**16
"""Elements of the widest activation in a tile: with no interpreter between the products, smaller tiles cost nothing."""

NARROW_TILE = 2**17
"""The same of networks whose products are blocks of ours: microseconds a step of 3,000 x 2 -> 512 -> 3 in tiles of 64,
128, 256 and 512 rows 790, 630, 505, 800 (two cores of a Xeon with AVX-512 and 2 MiB of L2 each)."""

MOST_ROWS = 512
"""In a tile: 10,000 x 4 -> 32 -> 16 -> 4 with tanh in tiles of 128, 256, 512 and 1,024 rows 530, 410, 375, 410, and
10,000 x 20 -> 32 -> 32 -> 3 by BLAS in tiles of 512, 1,024 and 2,048 690, 1030, 1165."""

VECTORS = 64
"""Rows that blocks take at once with AVX-512: what is left over takes longer."""

_buffers = Buffers(most=4)


def rows_of_a_tile(network: Network, found: Plan, rows: int, /) -> int:
    """How many rows go through the network together."""
    if is_narrow(found):
        size = tile_rows(max(network.width, NARROW_TILE // MOST_ROWS), rows, elements=NARROW_TILE)
        return min(rows, -(-size // VECTORS) * VECTORS)
    width = max(tile_width(network), TILE // MOST_ROWS)
    return tile_rows(width, rows, parameters=network.layout.size, elements=TILE)


def noise_of(key: Any, rows: Any, /) -> Noise | None:
    """key, rows: int32 of one network, (1, 1) and (n, 1), or None."""
    if key is None or rows is None:
        return None
    return Noise(key.view(np.uint32)[0, 0], rows.reshape(-1), np.empty(whole_lines(len(rows)), np.uint32))


def compile_gradient(reference: Callable[..., Any]) -> Callable[..., Any]:
    """`networks.kernels.gradient`, for networks that the loops can do."""

    def tile(found: Plan, rows: Any, point: Array, *key: Array) -> tuple[Array, Array]:
        """Loss and gradient of one network on one tile of rows."""
        count, dtype = rows.x.shape[0], point.dtype
        memory = _buffers.get((found.layers.tobytes(), count, dtype), lambda: memory_of(found, count, dtype, 1))
        grad = np.empty(point.shape, dtype)
        noise = noise_of(key[0], rows.number) if key else None
        x, y = (read_as_any(np.ascontiguousarray(table)) for table in (rows.x, rows.y))
        own = Rows(x, y, np.ascontiguousarray(rows.weight, dtype).reshape(-1))
        total = tile_gradient(own, point[0], found, memory[0], noise, grad[0])
        return np.full((1, 1), total, dtype), grad

    def gradient(backend: Any, network: Network, rows: Any, point: Array, key: Array | None) -> Any:
        found = plan(network, point.dtype)
        if found is None:
            return reference(backend, network, rows, point, key)
        networks = point.shape[0] if point.ndim > 2 else None
        size = rows_of_a_tile(network, found, rows.x.shape[-2])
        args = (point,) if key is None else (point, key)
        return sum_in_tiles(partial(tile, found), rows, args, network.width, networks, stacks=False, size=size)

    return gradient

"""A network's loss and gradient by the compiled loops: for the loop over steps, and one at a time."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, final

import numpy as np

from regnet.arrays.types import Array
from regnet_numpy.buffers import Buffers
from regnet_numpy.compiled.gradient_loops import Rows, Workspace, tile_gradient, tiles_gradient
from regnet_numpy.compiled.plan import Plan, plan
from regnet_numpy.passes import find_pass
from regnet_numpy.tiles import sum_in_tiles, tile_rows
from regnet_numpy.types import Network

__all__ = ["COMPILED_TILE", "CompiledPass", "compile_gradient", "workspace"]

COMPILED_TILE = 2**16
"""Elements of the widest activation in a tile: with no interpreter between the products, smaller tiles cost nothing."""

_buffers = Buffers(most=4)


def workspace(found: Plan, rows: int, dtype: Any, /) -> Workspace:
    """Memory for as many rows at once."""
    widths = found.widths
    return Workspace(
        np.empty(rows * int(widths[1:].sum()), dtype),
        np.empty((rows, widths[-1]), dtype),
        np.empty((2, rows * int(widths[:-1].max())), dtype),
    )


@final
class CompiledPass:
    """`regnet_numpy.passes.Pass` of a network that the loops can do."""

    takes_tiles = True

    def __init__(self, network: Network, leading: tuple[int, ...], rows: int, dtype: Any) -> None:
        """leading: ()."""
        found = plan(network, dtype)
        if found is None:
            raise ValueError(f"{network} has an activation or a loss that has no loop.")
        self.network, self._plan, self._space = network, found, workspace(found, rows, dtype)

    def views(self, point: Array) -> Array:
        """A point as a row."""
        return point[0]

    def prepare(self, x: Array) -> Array:
        """Rows as they are."""
        return x

    def gradient(self, x: Array, y: Array, row_weight: Array, params: Array, grads: Array) -> Array:
        """See `Pass.gradient`."""
        total = tile_gradient(Rows(x, y, row_weight), params, self._plan, self._space, grads)
        return np.full((1, 1), total, params.dtype)

    def gradients(
        self, x: Array, y: Array, row_weight: Array, params: Array, slots: Array, tiles: range, size: int
    ) -> list[Array]:
        """The losses of tiles of `size` rows, by number; their gradients go to slots (s, 1, parameters) in turn."""
        losses, rows = np.empty((len(tiles), 1, 1), params.dtype), Rows(x, y, row_weight)
        tiles_gradient(rows, params, self._plan, self._space, slots[:, 0], losses[:, 0, 0], tiles.start, size)
        return list(losses)


def compile_gradient(reference: Callable[..., Any]) -> Callable[..., Any]:
    """`networks.kernels.gradient`, for networks that the loops can do."""

    def tile(network: Network, rows: Any, point: Array) -> tuple[Array, Array]:
        """Loss and gradient of one network on one tile of rows."""
        one = find_pass(_buffers, CompiledPass, network, (), rows.x.shape[0], point.dtype)
        grad = np.empty(point.shape, point.dtype)
        return one.gradient(rows.x, rows.y, rows.weight, point[0], grad[0]), grad

    def gradient(backend: Any, network: Network, rows: Any, point: Array, key: Array | None) -> Any:
        if key is not None or plan(network, point.dtype) is None:
            return reference(backend, network, rows, point, key)
        networks = point.shape[0] if point.ndim > 2 else None
        count, parameters = rows.x.shape[-2], network.layout.size
        size = tile_rows(network.width, count, parameters=parameters, elements=COMPILED_TILE)
        own = partial(tile, network)
        return sum_in_tiles(own, rows, (point,), network.width, networks, stacks=False, size=size)

    return gradient

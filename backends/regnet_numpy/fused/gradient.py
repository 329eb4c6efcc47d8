"""How the arguments of `networks.kernels.gradient` reach the compiled loops."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from regnet_numpy.fused.kept_parts import COMPILED_TILE, CompiledPass
from regnet_numpy.fused.plan import plan
from regnet_numpy.kept import Kept
from regnet_numpy.passes import find_pass
from regnet_numpy.tiles import sum_in_tiles, tile_rows

__all__ = ["fuse_gradient"]

Function: TypeAlias = Callable[..., Any]

_kept = Kept(most=4)


def fuse_gradient(reference: Function) -> Function:
    """`networks.kernels.gradient`, for networks that the loops can do."""

    def tile(network: Any, rows: Any, point: Any) -> Any:
        """Loss and gradient of one network on one tile of rows."""
        one = find_pass(_kept, CompiledPass, network, (), rows.x.shape[0], point.dtype)
        grad = np.empty(point.shape, point.dtype)
        return one.gradient(rows.x, rows.y, rows.weight, point[0], grad[0]), grad

    def gradient(backend: Any, network: Any, rows: Any, point: Any, key: Any) -> Any:
        if key is not None or plan(network, point.dtype) is None:
            return reference(backend, network, rows, point, key)
        networks = point.shape[0] if point.ndim > 2 else None
        count, parameters = rows.x.shape[-2], network.layout.size
        size = tile_rows(network.width, count, parameters=parameters, elements=COMPILED_TILE)
        own = partial(tile, network)
        return sum_in_tiles(own, rows, (point,), network.width, networks, stacks=False, size=size)

    return gradient

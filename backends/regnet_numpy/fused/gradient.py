"""How the arguments of `regnet.kernels.gradient` reach the compiled loops."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from regnet_numpy.fused import gradient_loops
from regnet_numpy.tiles import sum_in_tiles

__all__ = ["Plan", "fuse_gradient", "plan"]

Function: TypeAlias = Callable[..., Any]


LOSSES = {
    "CategoricalCrossEntropy": gradient_loops.CROSSENTROPY,
    "BinaryCrossEntropy": gradient_loops.BINARY_CROSSENTROPY,
    "SquaredError": gradient_loops.SQUARED_ERROR,
}


class Plan(NamedTuple):
    """Widths of inputs and layers, the slope below 0 of every layer's activation, and which loss."""

    widths: Any
    slopes: Any
    loss: int


def _slopes(network: Any) -> list[float] | None:
    """The slope below 0 of every layer's activation, if each is linear on both sides of it."""
    slopes = []
    for layer in network.dense_layers:
        activation = layer.activation_object
        kind = type(activation).__name__
        if kind not in ("Relu", "Identity", "LeakyRelu"):
            return None
        slopes.append({"Relu": 0.0, "Identity": 1.0}.get(kind, getattr(activation, "slope", 0.0)))
    return slopes


@lru_cache(maxsize=16)
def plan(network: Any, dtype: Any, /) -> Plan | None:
    """How the loops see a network; None if they cannot do it."""
    loss, slopes = LOSSES.get(type(network.loss_object).__name__), _slopes(network)
    if loss is None or slopes is None or slopes[-1] != 1.0:
        return None
    widths = [network.in_features, *(layer.out_features for layer in network.dense_layers)]
    return Plan(np.asarray(widths), np.asarray(slopes, dtype), loss)


def fuse_gradient(reference: Function) -> Function:
    """`regnet.kernels.gradient`, for networks that the loops can do."""

    def tile(rows: Any, point: Any, widths: Any, slopes: Any, loss: int) -> Any:
        """Loss and gradient of one network on one tile of rows."""
        n, dtype = rows.x.shape[0], point.dtype
        work = np.empty(n * int(widths[1:].sum()), dtype)
        exponents = np.empty((n, widths[-1]), dtype)
        scratch = np.empty((2, n * int(widths[:-1].max())), dtype)
        grad = np.empty(point.shape, dtype)
        total = gradient_loops.tile_gradient(
            rows.x, rows.y, rows.weight, point[0], widths, slopes, loss, work, exponents, scratch, grad[0]
        )
        return np.full((1, 1), total, dtype), grad

    def gradient(backend: Any, network: Any, rows: Any, point: Any, key: Any) -> Any:
        found = None if key is not None else plan(network, point.dtype)
        if found is None:
            return reference(backend, network, rows, point, key)
        networks = point.shape[0] if point.ndim > 2 else None
        own = (point,)
        return sum_in_tiles(lambda part, one: tile(part, one, *found), rows, own, network.width, networks, stacks=False)

    return gradient

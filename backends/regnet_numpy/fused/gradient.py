"""How the arguments of `regnet.kernels.gradient` reach the compiled loops."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np

from regnet_numpy.fused import gradient_loops
from regnet_numpy.tiles import sum_in_tiles

__all__ = ["fuse_gradient"]

Function: TypeAlias = Callable[..., Any]


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


def fuse_gradient(reference: Function) -> Function:
    """`regnet.kernels.gradient`, for networks that the loops can do."""
    losses = {
        "CategoricalCrossEntropy": gradient_loops.CROSSENTROPY,
        "BinaryCrossEntropy": gradient_loops.BINARY_CROSSENTROPY,
        "SquaredError": gradient_loops.SQUARED_ERROR,
    }

    def tile(rows: Any, point: Any, widths: Any, slopes: Any, loss: int) -> Any:
        """Loss and gradient of one network on one tile of rows."""
        n, dtype = rows.x.shape[0], point.dtype
        work = np.empty(n * int(widths[1:].sum()), dtype)
        exponents = np.empty((n, widths[-1]), dtype)
        scratch = np.empty((2, n * int(widths[:-1].max())), dtype)
        grad = np.empty(point.shape, dtype)
        gradient_loops.forward(rows.x, point[0], widths, slopes, loss, work, exponents)
        if loss != gradient_loops.SQUARED_ERROR:
            np.exp(exponents, out=exponents)  # NumPy's exp uses the vector unit, numba's does not
        total = gradient_loops.backward(
            rows.x, rows.y, rows.weight, point[0], widths, slopes, loss, work, exponents, scratch, grad[0]
        )
        return np.full((1, 1), total, dtype), grad

    @lru_cache(maxsize=16)
    def plan(network: Any, dtype: Any) -> tuple[Any, Any, int] | None:
        """Widths, slopes and loss of a network that the loops can do; None for others."""
        loss, slopes = losses.get(type(network.loss_object).__name__), _slopes(network)
        if loss is None or slopes is None or slopes[-1] != 1.0:
            return None
        widths = [network.in_features, *(layer.out_features for layer in network.dense_layers)]
        return np.asarray(widths), np.asarray(slopes, dtype), loss

    def gradient(backend: Any, network: Any, rows: Any, point: Any, key: Any) -> Any:
        found = None if key is not None else plan(network, point.dtype)
        if found is None:
            return reference(backend, network, rows, point, key)
        networks = point.shape[0] if point.ndim > 2 else None
        return sum_in_tiles(lambda part, own: tile(part, own, *found), rows, (point,), network.width, networks)

    return gradient

"""A network's loss and gradient on a tile of rows, in arrays that are kept."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias, final

import numpy as np

from regnet.arrays.reductions import sum_rows
from regnet.arrays.types import Array, Tree
from regnet_numpy.buffers import Buffers, aligned_empty
from regnet_numpy.in_place import in_place
from regnet_numpy.threads import parallel_map
from regnet_numpy.tiles import sum_in_tiles, tile_rows, tile_width

__all__ = ["Pass", "find_pass", "is_dense", "make_gradient", "tile_predict"]

Function: TypeAlias = Callable[..., Any]

NARROW = 64
"""Inputs up to which the first layer's bias is a row of its weight, beside a column of ones in the table: the copy of
the rows is cheaper than one pass over the layer's outputs to add the bias, and one to sum its gradient."""

_buffers = Buffers(most=4)


@final
class Pass:
    """Forward and backward through a network, or a stack of them, on as many rows as it was made for.

    Weights and biases are views into a point, and so are their gradients, so products go right into their place.
    """

    def __init__(self, network: Any, leading: tuple[int, ...], rows: int, dtype: Any) -> None:
        """leading: () or (K,); rows: of a tile."""
        self.network = network
        self._layers, self._loss = network.dense_layers, network.loss_object
        self._narrow = network.in_features <= NARROW

        def empty(columns: int) -> Any:
            return aligned_empty((*leading, rows, columns), dtype)

        self._outputs = [empty(layer.out_features) for layer in self._layers]
        self._back = [empty(layer.in_features) for layer in self._layers[1:]]
        self._activations = [
            in_place(layer.activation_object, z) for layer, z in zip(self._layers, self._outputs, strict=True)
        ]
        self._ones = np.ones((1, rows), dtype)
        self._inputs: dict[tuple[int, ...], Any] = {}

    def views(self, point: Any) -> list[tuple[Any, Any]]:
        """(weight, bias) of each layer in a point, or None for a bias that is the weight's last row."""
        arrays = self.network.layout.split(point)
        pairs = list(zip(arrays[::2], arrays[1::2], strict=True))
        if self._narrow:
            rows, columns = pairs[0][0].shape[-2:]
            both = point[..., : (rows + 1) * columns].reshape(*point.shape[:-2], rows + 1, columns)
            pairs[0] = both, None
        return pairs

    def prepare(self, x: Any) -> Any:
        """Rows as `gradient` wants them, in an array that the next call overwrites."""
        if not self._narrow:
            return x
        shape = (*x.shape[:-1], x.shape[-1] + 1)
        if shape not in self._inputs:
            self._inputs[shape] = np.ones(shape, self._ones.dtype)
        prepared = self._inputs[shape]
        prepared[..., :-1] = x
        return prepared

    def gradient(self, x: Any, y: Any, row_weight: Any, params: Any, grads: Any) -> Any:
        """The weighted loss (..., 1, 1); its gradient goes to `grads`. x: prepared; params, grads: views."""
        inputs = [x]
        for number, (weight, bias) in enumerate(params):
            z = np.matmul(inputs[-1], weight, out=self._outputs[number])
            if bias is not None:
                z += bias
            inputs.append(self._activations[number][0](z))
        loss, dy = self._loss.value_and_grad(inputs[-1], y)
        total = sum_rows(loss * row_weight)
        dy = dy * row_weight
        for number in range(len(self._layers) - 1, -1, -1):
            dy = self._activations[number][1](dy, inputs[number + 1])
            weight_grad, bias_grad = grads[number]
            np.matmul(inputs[number].mT, dy, out=weight_grad)
            if bias_grad is not None:
                np.matmul(self._ones, dy, out=bias_grad)
            if number:
                back, out = params[number][0].mT, self._back[number - 1]
                # With one output this is an outer product, for which BLAS takes five times as long.
                dy = np.multiply(dy, back, out=out) if back.shape[-2] == 1 else np.matmul(dy, back, out=out)
        return total


def is_dense(network: Any, /) -> bool:
    """Whether the network is nothing but dense layers: dropout, and a layer of a user's own, go to the reference."""
    return network.is_plain and len(network.layers) == len(network.dense_layers)


def find_pass(buffers: Buffers, make: Any, network: Any, leading: tuple[int, ...], rows: int, dtype: Any) -> Any:
    """The pass that this thread has for a tile of that shape; make: `Pass`, or another class like it."""
    key = (id(network), leading, rows, dtype)
    return buffers.get(key, lambda: make(network, leading, rows, dtype))


def make_gradient(reference: Function) -> Function:
    """`networks.kernels.gradient` for networks without dropout."""

    def tile(network: Any, rows: Any, point: Any) -> tuple[Any, Any]:
        one = find_pass(_buffers, Pass, network, point.shape[:-2], rows.x.shape[-2], point.dtype)
        grad = np.empty(point.shape, point.dtype)
        loss = one.gradient(one.prepare(rows.x), rows.y, rows.weight, one.views(point), one.views(grad))
        return loss, grad

    def gradient(backend: Any, network: Any, rows: Any, point: Any, key: Any) -> Any:
        if key is not None or not is_dense(network):
            return reference(backend, network, rows, point, key)
        networks = point.shape[0] if point.ndim > 2 else None
        size = tile_rows(tile_width(network), rows.x.shape[-2], parameters=network.layout.size)
        return sum_in_tiles(partial(tile, network), rows, (point,), network.width, networks, size=size)

    return gradient


def tile_predict(network: Any, params: Tree, table: Array, /) -> Array:
    """`networks.kernels.predict` in tiles that stay in cache."""
    size = tile_rows(network.width, table.shape[-2])
    if table.shape[-2] <= size:
        return network.apply(params, table)
    tiles = [table[..., start : start + size, :] for start in range(0, table.shape[-2], size)]
    return np.concatenate(parallel_map(lambda tile: network.apply(params, tile), tiles), axis=-2)

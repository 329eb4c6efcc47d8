"""How the compiled loops see a network: widths, slopes, a loss; and one network's part of what a stack has."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from regnet.arrays.types import Array
from regnet.mathematics.activations import Identity, LeakyRelu, Relu
from regnet.mathematics.losses import BinaryCrossEntropy, CategoricalCrossEntropy, SquaredError
from regnet_numpy.passes import is_dense
from regnet_numpy.types import Network

__all__ = ["BINARY_CROSSENTROPY", "CROSSENTROPY", "SQUARED_ERROR", "Plan", "part_of", "plan"]

CROSSENTROPY, BINARY_CROSSENTROPY, SQUARED_ERROR = range(3)

LOSSES: dict[type, int] = {
    CategoricalCrossEntropy: CROSSENTROPY,
    BinaryCrossEntropy: BINARY_CROSSENTROPY,
    SquaredError: SQUARED_ERROR,
}

SLOPES: dict[type, float] = {Relu: 0.0, Identity: 1.0}


class Plan(NamedTuple):
    """Widths of inputs and layers, the slope below 0 of every layer's activation, and which loss."""

    widths: Array
    slopes: Array
    loss: int


def _slope(activation: Any) -> float | None:
    """Its slope below 0, if it is linear on both sides of that."""
    return activation.slope if type(activation) is LeakyRelu else SLOPES.get(type(activation))


@lru_cache(maxsize=16)
def plan(network: Network, dtype: Any, /) -> Plan | None:
    """How the loops see a network; None if they cannot do it."""
    loss = LOSSES.get(type(network.loss_object))
    slopes = [_slope(layer.activation_object) for layer in network.dense_layers]
    if not is_dense(network) or loss is None or None in slopes or slopes[-1] != 1.0:
        return None
    widths = [network.in_features, *(layer.out_features for layer in network.dense_layers)]
    return Plan(np.asarray(widths), np.asarray(slopes, dtype), loss)


def part_of(array: Array, k: int, /) -> Array:
    """Network k's part (rows, columns) of an array (rows, columns), (1, rows, columns) or (K, rows, columns)."""
    return array if array.ndim == 2 else array[k if array.shape[0] > 1 else 0]

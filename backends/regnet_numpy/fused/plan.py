"""How the compiled loops see a network."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from regnet_numpy.fused import gradient_loops

__all__ = ["Plan", "plan"]

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

"""Take the dead parts out of a trained network without changing what it computes."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from array_api_compat import device as device_of
from numpy.typing import NDArray

from regnet.arrays.namespace import array_namespace
from regnet.arrays.types import Array
from regnet.backend.placement import to_host
from regnet.estimators.grouping import Grouping
from regnet.mathematics.activations import get_activation

__all__ = ["Compacted", "compact_weights"]


class Compacted(NamedTuple):
    """Weights (in, out) and biases (out,) of the smaller network, and which inputs it takes, boolean (in,), host."""

    weights: list[Array]
    biases: list[Array]
    inputs: NDArray[np.bool_]


def compact_weights(
    weights: list[Array], biases: list[Array], activation: Any, grouping: Grouping | None = None, /
) -> Compacted:  # fmt: skip
    """Drop the inputs and hidden neurons that change nothing.

    A neuron whose outgoing weights are all 0 is dropped, layer by layer from the last to the first, so that what fed
    it alone falls with it. A neuron that no input reaches is a constant f(b): it moves into the biases of the next
    layer, from the first layer to the last. One input and one neuron a layer stay, so that there is a network.
    Only zeros that are exact count. The inputs of a group stay where one of them does.
    """
    weights, biases = list(weights), list(biases)
    live = [_mask(weight, 1) for weight in weights]  # rows with a weight that is not 0
    for layer in reversed(range(len(weights) - 1)):
        kept = _at_least_one(live[layer + 1])
        weights[layer] = _take(weights[layer], kept, axis=1)
        biases[layer] = _take(biases[layer], kept, axis=0)
        weights[layer + 1] = _take(weights[layer + 1], kept, axis=0)
        live[layer] = _mask(weights[layer], 1)
    inputs = _at_least_one(live[0])
    inputs = inputs if grouping is None else grouping.whole(inputs)
    weights[0] = _take(weights[0], inputs, axis=0)
    function = get_activation({"logistic": "sigmoid"}.get(activation, activation))
    for layer in range(len(weights) - 1):
        reached = _mask(weights[layer], 0)
        constant = ~reached
        if constant.any():
            values = function.forward(_take(biases[layer], constant, axis=0)[None, :])
            biases[layer + 1] = biases[layer + 1] + (values @ _take(weights[layer + 1], constant, axis=0))[0, :]
        kept = _at_least_one(reached)
        if not reached.any():  # the neuron that stays must not count twice
            weights[layer + 1] = weights[layer + 1] * 0
        weights[layer] = _take(weights[layer], kept, axis=1)
        biases[layer] = _take(biases[layer], kept, axis=0)
        weights[layer + 1] = _take(weights[layer + 1], kept, axis=0)
    return Compacted(weights, biases, inputs)


def _mask(weight: Array, axis: int) -> NDArray[np.bool_]:
    xp = array_namespace(weight)
    found = to_host(xp.astype(xp.any(weight != 0, axis=axis), xp.uint8))
    return np.asarray(found, dtype=bool)


def _at_least_one(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return mask if mask.any() else np.arange(len(mask)) == 0


def _take(array: Array, kept: NDArray[np.bool_], axis: int) -> Array:
    xp = array_namespace(array)
    numbers = xp.asarray(np.flatnonzero(kept), dtype=xp.int64, device=device_of(array))
    return xp.take(array, numbers, axis=axis)

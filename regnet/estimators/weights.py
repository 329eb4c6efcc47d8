"""Weights as scikit-learn shows them, `coefs_` and `intercepts_`, and as a network takes them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from regnet.arrays.types import Array, Tree
from regnet.backend.placement import Placement
from regnet.estimators.parameters import Parameters
from regnet.mathematics.initializers import get_initializer
from regnet.networks.layers import DenseParams
from regnet.networks.network import Network, alternating

__all__ = ["draw_weights", "params_of", "weights_of"]


def draw_weights(
    estimator: Parameters, network: Network, rng: np.random.RandomState, dtype: str, /
) -> tuple[list[NDArray[Any]], list[NDArray[Any]]]:
    """First weights (in, out) and biases (out,), layer by layer.

    Without `initializer` they are the numbers that scikit-learn draws from the same RandomState: uniform in
    +-sqrt(6 / (in + out)), for logistic neurons sqrt(2 / (in + out)), biases too. With one, biases are 0.
    """
    weights, biases = [], []
    for layer in network.dense_layers:
        fan_in, fan_out = layer.in_features, layer.out_features
        if estimator.initializer is not None:
            weights.append(get_initializer(estimator.initializer).draw(rng, fan_in, fan_out))
            biases.append(np.zeros(fan_out))
            continue
        bound = np.sqrt((2.0 if estimator.activation == "logistic" else 6.0) / (fan_in + fan_out))
        weights.append(rng.uniform(-bound, bound, (fan_in, fan_out)))
        biases.append(rng.uniform(-bound, bound, fan_out))
    return [one.astype(dtype, copy=False) for one in weights], [one.astype(dtype, copy=False) for one in biases]


def params_of(network: Network, placement: Placement, weights: list[Array], biases: list[Array], /) -> Tree:
    """The network's parameters on the device of `placement`."""
    return network.params_from(placement.put(array) for array in alternating(weights, biases))


def weights_of(params: Tree, /) -> tuple[list[Array], list[Array]]:
    """Weights (in, out) and biases (out,) of one network's parameters, where they are."""
    dense = [one for one in params if isinstance(one, DenseParams)]
    return [one.weight for one in dense], [one.bias[0, :] for one in dense]

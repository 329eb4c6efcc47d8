"""Leaky rectifiers by plain ones."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["as_rectifiers"]


def as_rectifiers(
    weights: list[NDArray[Any]], biases: list[NDArray[Any]], slope: float, /
) -> tuple[list[NDArray[Any]], list[NDArray[Any]]]:
    """The network with ReLU neurons that computes what one with leaky ones does, of twice as many in each hidden layer.

    max(z, slope z) = relu(z) - slope relu(-z): a neuron stands beside its negative, (W, -W) and (b, -b), and the next
    layer reads them by (V; -slope V). Weights (in, out) and biases (out,).
    """
    last = len(weights) - 1
    wide, shifts = [], []
    for layer, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
        if layer > 0:
            weight = np.concatenate([weight, -slope * weight]).astype(weight.dtype, copy=False)
        wide.append(weight if layer == last else np.concatenate([weight, -weight], axis=1))
        shifts.append(bias if layer == last else np.concatenate([bias, -bias]))
    return wide, shifts

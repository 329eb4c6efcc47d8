"""How the compiled loops see a network: widths, activations, a loss, dropout; and one network's part of a stack's."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from regnet.arrays.random_bits import keep_threshold
from regnet.arrays.types import Array
from regnet_numpy.buffers import aligned_empty
from regnet_numpy.compiled import activations, losses
from regnet_numpy.compiled.activations import activation_loops
from regnet_numpy.compiled.loss_loops import loss_loop
from regnet_numpy.compiled.product_loops import NARROW, padded
from regnet_numpy.types import Network

__all__ = [
    "ACTIVATE", "DROPPED", "INPUTS", "OUTPUTS", "SLOPES", "START", "THRESHOLD", "Plan", "X", "Z", "is_narrow",
    "memory_of", "part_of", "plan",
]  # fmt: skip

INPUTS, OUTPUTS, START, X, Z, ACTIVATE, SLOPES, DROPPED, THRESHOLD = range(9)
"""What a row of `Plan.layers` says of a layer: its widths; where its weight starts in a point; where its inputs and its
outputs lie in the memory of a tile; the addresses of its activation's loops; the number, among all layers, of the
dropout before it, or -1, and from which bits on that keeps a number."""


class Plan(NamedTuple):
    """layers: int64 (layers, 9), see above; own: numbers of the layers' activations, (layers, 1);

    by_columns: whether the inputs are turned, and so lie in a tile's memory; height: features of all layers there;
    widest: of one; loss: the address of its loop; loss_own: its numbers; scales: 1 / (1 - rate) of the dropout before
    each layer, (layers,); dropout: whether there is any.
    """

    layers: Array
    own: Array
    by_columns: bool
    height: int
    widest: int
    loss: int
    loss_own: Array
    scales: Array
    dropout: bool


@lru_cache(maxsize=16)
def plan(network: Network, dtype: Any, /) -> Plan | None:
    """How the loops see a network; None if they cannot do it: something in it is not ours."""
    if not network.is_plain:
        return None
    dense = network.dense_layers
    kinds = [type(layer.activation_object) for layer in dense]
    loss = losses.FORMULAS.get(type(network.loss_object))
    drops = {place: (number, rate) for number, place, rate in network.dropouts}
    if loss is None or not set(kinds) <= set(activations.FORMULAS):
        return None
    if len(drops) < len(network.dropouts) or len(dense) in drops:  # two in one place, or of the outputs
        return None
    by_columns = min(dense[0].in_features, dense[0].out_features) <= NARROW or 0 in drops
    layers, own, scales, start, place = [], [], [], 0, 0
    for number, (layer, kind) in enumerate(zip(dense, kinds, strict=True)):
        formula = activations.FORMULAS[kind]
        inputs, outputs = layer.in_features, layer.out_features
        dropout, rate = drops.get(number, (-1, 0.0))
        place += padded(inputs) * int(number > 0 and dropout >= 0)  # what is dropped from lies below: slopes need it
        above = place + padded(inputs) * int(by_columns or number > 0)
        loops = [one.address for one in activation_loops(formula.value, formula.slope, dtype)]
        layers.append([inputs, outputs, start, place, above, *loops, dropout, keep_threshold(rate)])
        own.append(formula.own(layer.activation_object))
        scales.append(1.0 / (1.0 - rate))
        start, place = start + (inputs + 1) * outputs, above
    outputs = dense[-1].out_features
    return Plan(
        np.asarray(layers), np.asarray(own, dtype), by_columns, place + padded(outputs), padded(network.width),
        loss_loop(loss.terms, dtype).address, np.asarray(loss.own(network.loss_object, outputs), dtype),
        np.asarray(scales, dtype), bool(drops),
    )  # fmt: skip


def is_narrow(found: Plan, /) -> bool:
    """Whether all products are loops of ours."""
    return bool((found.layers[:, [INPUTS, OUTPUTS]].min(axis=1) <= NARROW).all())


def memory_of(found: Plan, rows: int, dtype: Any, /) -> Array:
    """Memory for a tile of so many rows, or fewer.

    In it lie, one after another, the layers' values, two gradients by a layer's values, the targets, three numbers a
    row, and a weight in whole blocks.
    """
    features = found.height + 2 * found.widest + int(found.layers[-1, OUTPUTS]) + 3
    weight = int(max(padded(inputs) * padded(outputs) for inputs, outputs, *_ in found.layers))
    return aligned_empty((features * rows + weight,), dtype)


def part_of(array: Array, k: int, /) -> Array:
    """Network k's part (rows, columns) of an array (rows, columns), (1, rows, columns) or (K, rows, columns)."""
    return array if array.ndim == 2 else array[k if array.shape[0] > 1 else 0]

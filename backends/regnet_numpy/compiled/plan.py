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
from regnet_numpy.compiled.blas_product import blas_address
from regnet_numpy.compiled.loss_loops import loss_loop
from regnet_numpy.compiled.product_loops import NARROW, padded
from regnet_numpy.types import Network

__all__ = [
    "ACTIVATE", "DROPPED", "DZ", "INPUTS", "OUTPUTS", "SLOPES", "START", "THRESHOLD", "Plan", "X", "Z", "is_narrow",
    "is_wide", "memory_of", "memory_size", "part_of", "plan",
]  # fmt: skip

INPUTS, OUTPUTS, START, X, Z, DZ, ACTIVATE, SLOPES, DROPPED, THRESHOLD = range(10)
"""What a row of `Plan.layers` says of a layer: its widths; where its weight starts in a point; where its inputs, its
outputs and the gradient by what its activation is given lie in the memory of a tile; the addresses of its activation's
loops; the number, among all layers, of the dropout before it, or -1, and from which bits on that keeps a number."""

NUMBERS_OF_A_LINE = 16
"""Of float32 in a cache line; of float64 in two."""


class Plan(NamedTuple):
    """layers: int64 (layers, 10), see above; own: numbers of the layers' activations, (layers, 1);

    by_columns: whether the inputs are turned, and so lie in a tile's memory; height: features of all layers and of the
    gradients by them there; late: whether these gradients stay until all tiles have theirs, and wide layers' weights
    have theirs only then; blas: the address of a product; loss: of the loss's loop; loss_own: its numbers; scales: 1 /
    (1 - rate) of the dropout before each layer, (layers,); dropout: whether there is any.
    """

    layers: Array
    own: Array
    by_columns: bool
    height: int
    late: bool
    blas: int
    loss: int
    loss_own: Array
    scales: Array
    dropout: bool


def plan(network: Network, dtype: Any, /, late: bool = False) -> Plan | None:
    """How the loops see a network; None if they cannot do it: something in it is not ours. late: see `Plan`."""
    return _plan(network, dtype, late, blas_address(dtype))


@lru_cache(maxsize=16)
def _plan(network: Network, dtype: Any, late: bool, blas: int) -> Plan | None:
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
        layers.append([inputs, outputs, start, place, above, 0, *loops, dropout, keep_threshold(rate)])
        own.append(formula.own(layer.activation_object))
        scales.append(1.0 / (1.0 - rate))
        start, place = start + (inputs + 1) * outputs, above
    outputs = dense[-1].out_features
    height = place + padded(outputs)
    for number, layer in enumerate(layers):  # else two places are enough: a layer's gradient comes from the next one's
        layer[DZ] = height + sum(padded(one[OUTPUTS]) for one in layers[:number])
        if not late:
            layer[DZ] = height + (number + 1) % 2 * padded(network.width)
    height += sum(padded(layer[OUTPUTS]) for layer in layers) if late else 2 * padded(network.width)
    return Plan(
        np.asarray(layers), np.asarray(own, dtype), by_columns, height, late, blas,
        loss_loop(loss.terms, dtype).address, np.asarray(loss.own(network.loss_object, outputs), dtype),
        np.asarray(scales, dtype), bool(drops),
    )  # fmt: skip


def is_wide(found: Plan, /) -> Array:
    """Of every layer, whether BLAS does its products, and not loops of ours, (layers,)."""
    wide: Array = found.layers[:, [INPUTS, OUTPUTS]].min(axis=1) > NARROW
    return wide


def is_narrow(found: Plan, /) -> bool:
    """Whether all products are loops of ours."""
    return not is_wide(found).any()


def memory_size(found: Plan, rows: int, /) -> int:
    """Numbers in the memory of a tile of so many rows, or fewer: whole cache lines.

    In it lie, one after another, the layers' values, gradients by them, the targets, three numbers a row, and a weight
    in whole blocks.
    """
    features = found.height + int(found.layers[-1, OUTPUTS]) + 3
    weight = int(max(padded(inputs) * padded(outputs) for inputs, outputs, *_ in found.layers))
    return -(-(features * rows + weight) // NUMBERS_OF_A_LINE) * NUMBERS_OF_A_LINE


def memory_of(found: Plan, rows: int, dtype: Any, places: int, /) -> Array:
    """Memory for as many tiles as there are places, (places, size)."""
    return aligned_empty((places, memory_size(found, rows)), dtype)


def part_of(array: Array, k: int, /) -> Array:
    """Network k's part (rows, columns) of an array (rows, columns), (1, rows, columns) or (K, rows, columns)."""
    return array if array.ndim == 2 else array[k if array.shape[0] > 1 else 0]

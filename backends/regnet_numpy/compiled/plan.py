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
from regnet_numpy.compiled.product_loops import whole_lines
from regnet_numpy.types import Network

__all__ = [
    "ACTIVATE", "DROPPED", "DZ", "INPUTS", "OUTPUTS", "SLOPES", "START", "THRESHOLD", "WIDE", "Plan", "X", "Z",
    "is_narrow", "memory_of", "memory_size", "part_of", "plan",
]  # fmt: skip

INPUTS, OUTPUTS, START, X, Z, DZ, ACTIVATE, SLOPES, DROPPED, THRESHOLD, WIDE = range(11)
"""What a row of `Plan.layers` says of a layer: its widths; where its weight starts in a point; where its inputs, its
outputs and the gradient by what its activation is given lie in the memory of a tile; the addresses of its activation's
loops; the number, among all layers, of the dropout before it, or -1, and from which bits on that keeps one; whether
BLAS does its products, and not blocks of ours."""

NARROW = 50
"""The smaller of a layer's widths up to which products are blocks of ours. Microseconds a step so and by BLAS, in tiles
of 512 rows: 3,000 x 50 -> 50 -> 50 -> 1 510 and 725, 5,000 x 50 -> 100 -> 50 -> 1 1320 and 1760."""

NARROW_OF_MANY = 16
"""The same where a first layer has more inputs, which would have to be turned: 200 x 100 -> 32 -> 10 69 and 49."""


class Plan(NamedTuple):
    """layers: int64 (layers, 11), see above; own: numbers of the layers' activations, (layers, 1);

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
    by_columns = not _is_wide(dense[0], first=True) or 0 in drops
    layers, own, scales, start, place = [], [], [], 0, 0
    for number, (layer, kind) in enumerate(zip(dense, kinds, strict=True)):
        formula = activations.FORMULAS[kind]
        inputs, outputs = layer.in_features, layer.out_features
        dropout, rate = drops.get(number, (-1, 0.0))
        place += inputs * int(number > 0 and dropout >= 0)  # what is dropped from lies below: slopes need it
        above = place + inputs * int(by_columns or number > 0)
        loops = [one.address for one in activation_loops(formula.value, formula.slope, dtype)]
        dropped, wide = (dropout, keep_threshold(rate)), _is_wide(layer, first=number == 0)
        layers.append([inputs, outputs, start, place, above, 0, *loops, *dropped, wide])
        own.append(formula.own(layer.activation_object))
        scales.append(1.0 / (1.0 - rate))
        start, place = start + (inputs + 1) * outputs, above
    outputs = dense[-1].out_features
    height = place + outputs
    for number, layer in enumerate(layers):  # else two places are enough: a layer's gradient comes from the next one's
        layer[DZ] = height + sum(one[OUTPUTS] for one in layers[:number])
        if not late:
            layer[DZ] = height + (number + 1) % 2 * network.width
    height += sum(layer[OUTPUTS] for layer in layers) if late else 2 * network.width
    return Plan(
        np.asarray(layers), np.asarray(own, dtype), by_columns, height, late, blas,
        loss_loop(loss.terms, dtype).address, np.asarray(loss.own(network.loss_object, outputs), dtype),
        np.asarray(scales, dtype), bool(drops),
    )  # fmt: skip


def _is_wide(layer: Any, *, first: bool) -> bool:
    narrow = NARROW_OF_MANY if first and layer.in_features > NARROW else NARROW
    return bool(min(layer.in_features, layer.out_features) > narrow)


def is_narrow(found: Plan, /) -> bool:
    """Whether all products are blocks of ours."""
    return not found.layers[:, WIDE].any()


def memory_size(found: Plan, rows: int, /) -> int:
    """Numbers in the memory of a tile of so many rows, or fewer.

    In it lie, one after another, the layers' values, gradients by them, the targets, and four numbers a row.
    """
    return (found.height + int(found.layers[-1, OUTPUTS]) + 4) * int(whole_lines(rows))


def memory_of(found: Plan, rows: int, dtype: Any, places: int, /) -> Array:
    """Memory for as many tiles as there are places, (places, size)."""
    return aligned_empty((places, memory_size(found, rows)), dtype)


def part_of(array: Array, k: int, /) -> Array:
    """Network k's part (rows, columns) of an array (rows, columns), (1, rows, columns) or (K, rows, columns)."""
    return array if array.ndim == 2 else array[k if array.shape[0] > 1 else 0]

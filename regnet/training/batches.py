"""Which rows make which batch: tables of row numbers, drawn on the host."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from array_api_compat import device as device_of
from numpy.typing import NDArray

from regnet.arrays.namespace import array_namespace
from regnet.arrays.types import Array
from regnet.networks.network import Rows

__all__ = ["Batch", "Batches", "Data", "batches_of", "epoch_table", "take_batch"]


def epoch_table(rngs: list[np.random.Generator], n: int, batch_size: int, *, shuffle: bool) -> NDArray[np.int32]:
    """Every row once, in batches: int32 (K, steps, batch_size), one permutation for each generator.

    The last batch is filled up with -1, which stands for no row, so that all batches have one shape.
    """
    steps = -(-n // batch_size)
    table = np.full((len(rngs), steps * batch_size), -1, dtype=np.int32)
    for k, rng in enumerate(rngs):
        table[k, :n] = rng.permutation(n) if shuffle else np.arange(n)
    return table.reshape(len(rngs), steps, batch_size)


class Batches(NamedTuple):
    """The batches of an epoch.

    rows: int32 (..., steps, batch), row numbers; weight: (..., steps, batch), of all rows' weights, divided by the
    batch's share of the rows, 0 for padding; row_share: that share, (..., steps, 1).
    So a batch's loss is as large on average as the loss of all rows: weights that summed to 1 in each batch would make
    a row count for less beside heavy ones, and the rows' weighted mean would not be what is minimised.
    """

    rows: Array
    weight: Array
    row_share: Array


class Data(NamedTuple):
    """What a step reads: all rows, and the batches of an epoch.

    x, y, weight, number: as in `Rows`; batches: None for all rows in every step.
    """

    x: Array
    y: Array
    weight: Array
    number: Array | None
    batches: Batches | None = None


class Batch(NamedTuple):
    """The rows of one step, with their weights in it; row_share: of all rows, (..., 1, 1), or None: all of them."""

    rows: Rows
    row_share: Array | None = None


def batches_of(weight: Array, table: Array, rows_in_all: Array | None = None, /) -> Batches:
    """What every step of an epoch needs to know of its batch, computed at once.

    weight: (..., n, 1), >= 0, sums to 1 over the rows of a network; table: int32 (..., steps, batch), row numbers of
    each batch, at least one, -1 for padding; rows_in_all: of a network, (..., 1, 1), where they are not all n.
    """
    xp = array_namespace(weight)
    present = table >= 0
    rows = table * xp.astype(present, table.dtype)
    flat = xp.reshape(rows, (*rows.shape[:-2], rows.shape[-2] * rows.shape[-1]))
    gathered = _gather(weight, flat)
    weights = xp.reshape(gathered, (*gathered.shape[:-2], *rows.shape[-2:])) * xp.astype(present, weight.dtype)
    count = xp.sum(xp.astype(present, weight.dtype), axis=-1, keepdims=True)
    row_share = count / (weight.shape[-2] if rows_in_all is None else rows_in_all)
    return Batches(rows, weights / row_share, row_share)


def take_batch(data: Data, t: Array, /) -> Batch:
    """The rows of step t; padding has weight 0. t: 0-d integer; the batches are read round and round."""
    if data.batches is None:
        return Batch(Rows(data.x, data.y, data.weight, data.number))
    xp, batches = array_namespace(data.x), data.batches
    which = xp.reshape(t % batches.rows.shape[-2], (1,))
    numbers = xp.take(batches.rows, which, axis=-2)[..., 0, :]
    weight = xp.take(batches.weight, which, axis=-2)[..., 0, :, None]
    rows = Rows(_gather(data.x, numbers), _gather(data.y, numbers), weight, data.number)
    return Batch(rows, xp.take(batches.row_share, which, axis=-2))


def _gather(values: Array, numbers: Array) -> Array:
    """Rows of values (n, c) or (K, n, c) at numbers (B,) or (K, B). Returns (B, c) or (K, B, c).

    Indices are flattened, because the standard's `take` accepts one axis of them only.
    """
    xp = array_namespace(values)
    if values.ndim > 2:
        networks, n, columns = values.shape
        first = xp.arange(networks, dtype=numbers.dtype, device=device_of(values))[:, None] * n
        numbers = first + numbers
        values = xp.reshape(values, (networks * n, columns))
    if numbers.ndim == 1:
        return xp.take(values, numbers, axis=0)
    taken = xp.take(values, xp.reshape(numbers, (-1,)), axis=0)
    return xp.reshape(taken, (*numbers.shape, values.shape[-1]))

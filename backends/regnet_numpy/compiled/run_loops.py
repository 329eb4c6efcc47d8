"""Many steps of one network in one call: batch, gradient, update, again.

For small networks the interpreter takes longer than the mathematics; here it is asked once for hundreds of steps.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from regnet.arrays.types import Array
from regnet_numpy.compiled.gradient_loops import Rows, rows_between, tile_gradient
from regnet_numpy.compiled.jit import loop
from regnet_numpy.compiled.penalty_loops import penalty_value
from regnet_numpy.compiled.update_loops import adam_update

__all__ = ["Batches", "Memory", "adam_run"]


class Batches(NamedTuple):
    """rows: (steps, rows of a batch), row numbers; weight: the same shape; share: of all rows, (steps,)."""

    rows: Array
    weight: Array
    share: Array


class Memory(NamedTuple):
    """What a run works in: a `Workspace` of a tile; two gradients (size,); a batch's `Rows`."""

    space: Any
    total: Array
    part: Array
    batch: Rows


@loop
def _take(table: Any, batches: Any, which: Any, batch: Any) -> None:
    """Batch number `which`."""
    for i in range(batches.rows.shape[1]):
        row = batches.rows[which, i]
        for j in range(table.x.shape[1]):
            batch.x[i, j] = table.x[row, j]
        for j in range(table.y.shape[1]):
            batch.y[i, j] = table.y[row, j]
        batch.weight[i, 0] = batches.weight[which, i]


@loop
def _gradient(rows: Any, point: Any, plan: Any, memory: Any, tile: Any) -> Any:
    """The loss; its gradient, in tiles of so many rows, goes to memory.total."""
    count, to, total, part = rows.x.shape[0], point.dtype.type, memory.total, memory.part
    value = to(0.0)
    for start in range(0, count, tile):
        own = rows_between(rows, start, min(start + tile, count))
        if start == 0:
            value = to(tile_gradient(own, point, plan, memory.space, total))
        else:
            value += to(tile_gradient(own, point, plan, memory.space, part))
            for i in range(total.shape[0]):
                total[i] += part[i]
    return value


@loop
def adam_run(
    table: Any, batches: Any, moments: Any, penalty: Any, plan: Any, memory: Any, rule: Any, rates: Any, first: Any,
    tile: Any, diverged_at: Any, running: Any,
) -> Any:  # fmt: skip
    """Take a step of Adam at each of the rates (n,), from number `first` on; moments are changed in place.

    Returns the last loss, and -1 or the step at which that was no longer finite, after which no parameter changes.
    table: all `Rows`; batches: `Batches`, or None for all rows in every step; tile: rows that go through the network
    together; diverged_at: -1, or an earlier step; running: (1,), to which the objective before every step is added,
    times the batch's share of the rows, or None.
    """
    point = moments.point
    value, share = point.dtype.type(0.0), point.dtype.type(1.0)
    for step in range(first, first + rates.shape[0]):
        if batches is None:
            value = _gradient(table, point, plan, memory, tile)
        else:
            which = step % batches.rows.shape[0]
            share = batches.share[which]
            _take(table, batches, which, memory.batch)
            value = _gradient(memory.batch, point, plan, memory, tile)
        if running is not None:
            running[0] += (value + penalty_value(point, penalty, float(share))) * share
        if diverged_at < 0 and not np.isfinite(value):
            diverged_at = step
        if diverged_at < 0:
            adam_update(moments, memory.total, penalty, rule, rates[step - first], float(step), float(share))
        elif running is None:  # nobody asks for another loss
            break
    return value, diverged_at

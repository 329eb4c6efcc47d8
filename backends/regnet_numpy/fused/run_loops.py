"""Many steps of one network in one call: batch, gradient, update, again.

For small networks the interpreter takes longer than the mathematics; here it is asked once for hundreds of steps.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from regnet_numpy.fused.gradient_loops import tile_gradient
from regnet_numpy.fused.loops import loop
from regnet_numpy.fused.update_loops import adam_group_step, adam_step

__all__ = ["adam_run"]


@loop
def _bias_correction(beta: Any, t: Any) -> Any:
    return -math.expm1(math.log(beta) * (t + 1.0)) if beta > 0.0 else 1.0


@loop
def _scalars(setting: Any, rate: Any, t: Any, share: Any, smallest: Any, scalars: Any) -> None:
    """What `update._adam_scalars` computes, at step t. setting: see `adam_run`."""
    beta1, beta2, epsilon, epsilon_hat, decay = setting
    root = math.sqrt(_bias_correction(beta2, t))
    scalars[0], scalars[1], scalars[2], scalars[3] = beta1, 1.0 - beta1, beta2, 1.0 - beta2
    scalars[4] = rate * root / _bias_correction(beta1, t)
    scalars[5] = rate * root
    scalars[6] = epsilon if epsilon_hat > 0.0 else epsilon * root
    scalars[7] = 1.0 - rate * decay
    scalars[8], scalars[9], scalars[10] = 2.0, 2.0 / share, smallest


@loop
def _update(
    point: Any, grad: Any, m: Any, v: Any, l1: Any, l1_subgradient: Any, l2: Any, batch_l2: Any, group: Any,
    shapes: Any, scalars: Any,
) -> None:  # fmt: skip
    """In place. group: strengths of all rows of all parameter arrays, or None."""
    if group is None:
        adam_step(point, grad, m, v, l1, l1_subgradient, l2, batch_l2, scalars)
    else:
        start, row = 0, 0
        for rows, columns in shapes:
            stop = start + rows * columns
            adam_group_step(
                point[start:stop].reshape(rows, columns), grad[start:stop].reshape(rows, columns),
                m[start:stop].reshape(rows, columns), v[start:stop].reshape(rows, columns),
                None if l1 is None else l1[start:stop].reshape(rows, columns),
                None if l1_subgradient is None else l1_subgradient[start:stop].reshape(rows, columns),
                None if l2 is None else l2[start:stop].reshape(rows, columns),
                None if batch_l2 is None else batch_l2[start:stop].reshape(rows, columns),
                scalars, group[row : row + rows],
            )  # fmt: skip
            start = stop
            row += rows


@loop
def adam_run(
    x: Any, y: Any, weight: Any, batches: Any, batch_weight: Any, batch_share: Any, point: Any, m: Any, v: Any,
    l1: Any, l1_subgradient: Any, l2: Any, batch_l2: Any, group: Any, shapes: Any, widths: Any, slopes: Any, loss: Any,
    tile: Any, setting: Any, rates: Any, smallest: Any, t: Any, n: Any,
) -> Any:  # fmt: skip
    """Take n steps of Adam from step t, in place: point, m, v (size,).

    Returns the last loss, and -1 or the step at which that was no longer finite, after which nothing changes.
    batches: (steps, rows of a batch), row numbers, or None for all rows in every step; batch_weight: the same shape;
    batch_share: (steps,); tile: rows that go through the network together; setting: beta1, beta2, epsilon,
    whether that is epsilon hat, AdamW's decay; rates: (n,), learning rates of the steps.
    """
    count = x.shape[0] if batches is None else batches.shape[1]
    most = min(tile, count)
    layers = widths[1:].sum()
    work = np.empty(most * layers, point.dtype)
    exponents = np.empty((most, widths[-1]), point.dtype)
    scratch = np.empty((2, most * widths[:-1].max()), point.dtype)
    total, part = np.empty_like(point), np.empty_like(point)
    scalars = np.empty(11, point.dtype)
    value, share = point[0] * 0, 1.0
    if batches is not None:
        own_x = np.empty((count, x.shape[1]), x.dtype)
        own_y = np.empty((count, y.shape[1]), y.dtype)
        own_weight = np.empty((count, 1), batch_weight.dtype)
    for step in range(t, t + n):
        if batches is not None:
            which = step % batches.shape[0]
            share = float(batch_share[which])
            for i in range(count):
                row = batches[which, i]
                for j in range(x.shape[1]):
                    own_x[i, j] = x[row, j]
                for j in range(y.shape[1]):
                    own_y[i, j] = y[row, j]
                own_weight[i, 0] = batch_weight[which, i]
        for start in range(0, count, tile):
            stop = min(start + tile, count)
            rows = stop - start
            grad = total if start == 0 else part
            if batches is None:
                more = tile_gradient(
                    x[start:stop], y[start:stop], weight[start:stop], point, widths, slopes, loss,
                    work[: rows * layers], exponents[:rows], scratch, grad,
                )  # fmt: skip
            else:
                more = tile_gradient(
                    own_x[start:stop], own_y[start:stop], own_weight[start:stop], point, widths, slopes, loss,
                    work[: rows * layers], exponents[:rows], scratch, grad,
                )  # fmt: skip
            if start == 0:
                value = more
            else:
                value += more
                for i in range(total.shape[0]):
                    total[i] += part[i]
        if not np.isfinite(value):
            return value, step
        _scalars(setting, rates[step - t], float(step), share, smallest, scalars)
        _update(point, total, m, v, l1, l1_subgradient, l2, batch_l2, group, shapes, scalars)
    return value, -1

"""An optimizer's step of groups of entries: one metric in each, the soft threshold, then the group's own shrinking."""

from __future__ import annotations

from typing import Any

import numpy as np

from regnet_numpy.compiled.entry_loops import free_step, moved, normal, smooth_grad
from regnet_numpy.compiled.jit import cut, inline, loop
from regnet_numpy.compiled.norm_loops import norm_of

__all__ = ["step_by_groups", "step_by_rows"]


@inline
def _average(
    w: Any, grad: Any, m: Any, v: Any, l1_subgradient: Any, l2: Any, batch_l2: Any, step: Any, start: Any, stop: Any
) -> Any:  # fmt: skip
    """Moves the averages of some entries on; grad <- that of the penalty with it. Returns the sum of v, 1 without."""
    total = step.one * 0
    for j in range(start, stop):
        grad[j] = smooth_grad(w, grad, j, l1_subgradient, l2, batch_l2, step.two, step.two_by_share)
        if m is not None:
            m[j] = normal(step.beta1 * m[j] + step.rest1 * grad[j], step.smallest)
        if v is not None:
            v[j] = step.beta2 * v[j] + step.rest2 * grad[j] * grad[j]
            total += v[j]
    return total


@inline
def _move(
    w: Any, grad: Any, m: Any, l1: Any, l2: Any, batch_l2: Any, step: Any, metric: Any, start: Any, stop: Any
) -> Any:  # fmt: skip
    """`moved` of some entries, after `_average`. Returns the sum of their squares."""
    squares = step.one * 0
    for j in range(start, stop):
        w[j] = moved(w, grad[j], j, m, l1, l2, batch_l2, step, metric)
        squares += w[j] * w[j]
    return squares


@inline
def _metric(v: Any, total: Any, count: Any, step: Any) -> Any:
    """Of a group of so many entries, from the sum of their v."""
    return step.one if v is None else np.sqrt(total / count) + step.epsilon


@inline
def _left(norm: Any, threshold: Any) -> Any:
    """By which a group of this norm is multiplied."""
    return (norm - threshold) / norm if norm > threshold else norm * 0


@loop
def step_by_rows(
    w: Any, grad: Any, m: Any, v: Any, l1: Any, l1_subgradient: Any, l2: Any, batch_l2: Any, step: Any, group: Any,
    shapes: Any,
) -> None:  # fmt: skip
    """Rows of all parameter arrays one by one; one whose strength is 0 is no group.

    Groups are entries of the whole arrays: to cut out each row's part of them takes longer than its step.
    """
    start, row = 0, 0
    for rows, columns in shapes:
        for _ in range(rows):
            stop = start + columns
            if group[row] == 0:
                free_step(
                    w[start:stop], grad[start:stop], cut(m, start, stop), cut(v, start, stop), cut(l1, start, stop),
                    cut(l1_subgradient, start, stop), cut(l2, start, stop), cut(batch_l2, start, stop), step,
                )  # fmt: skip
            else:
                total = _average(w, grad, m, v, l1_subgradient, l2, batch_l2, step, start, stop)
                metric = _metric(v, total, columns, step)
                squares = _move(w, grad, m, l1, l2, batch_l2, step, metric, start, stop)
                left = _left(norm_of(squares, w, start, stop), step.scale / metric * group[row])
                for j in range(start, stop):
                    w[j] *= left
            start = stop
            row += 1


@inline
def _rows_step(
    w: Any, grad: Any, m: Any, v: Any, l1: Any, l1_subgradient: Any, l2: Any, batch_l2: Any, step: Any, group: Any,
    rows: Any, origin: Any, columns: Any,
) -> None:  # fmt: skip
    """A step of several rows, (rows,), that are one group; row r begins at origin + r * columns."""
    total, norm = step.one * 0, step.one * 0
    for row in rows:
        start = origin + row * columns
        total += _average(w, grad, m, v, l1_subgradient, l2, batch_l2, step, start, start + columns)
    metric = _metric(v, total, len(rows) * columns, step)
    for row in rows:
        start = origin + row * columns
        squares = _move(w, grad, m, l1, l2, batch_l2, step, metric, start, start + columns)
        norm = np.hypot(norm, norm_of(squares, w, start, start + columns))
    left = _left(norm, step.scale / metric * group)
    for row in rows:
        for j in range(origin + row * columns, origin + (row + 1) * columns):
            w[j] *= left


@loop
def step_by_groups(
    w: Any, grad: Any, m: Any, v: Any, l1: Any, l1_subgradient: Any, l2: Any, batch_l2: Any, step: Any, group: Any,
    order: Any, ends: Any, shapes: Any,
) -> None:  # fmt: skip
    """Groups of all parameter arrays one by one; rows whose strength is 0 are no group."""
    origin, first, place, number = 0, 0, 0, 0
    for rows, columns in shapes:
        while place < first + rows:
            own, one, base = order[place : ends[number]], group[order[place]], origin - first * columns
            if one == 0:
                for row in own:
                    start, stop = base + row * columns, base + (row + 1) * columns
                    free_step(
                        w[start:stop], grad[start:stop], cut(m, start, stop), cut(v, start, stop), cut(l1, start, stop),
                        cut(l1_subgradient, start, stop), cut(l2, start, stop), cut(batch_l2, start, stop), step,
                    )  # fmt: skip
            else:
                _rows_step(w, grad, m, v, l1, l1_subgradient, l2, batch_l2, step, one, own, base, columns)
            place = ends[number]
            number += 1
        origin += rows * columns
        first += rows

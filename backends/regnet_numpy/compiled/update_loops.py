"""Adam's update of a network in one pass, in place: gradient of the penalty, optimizer, proximal step.

w, grad, m, v and strengths are rows (size,), in which a group is some entries; strengths may be None, and a term that
is None is not compiled in: which is why loops are handed terms one by one.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from regnet.arrays.types import Array
from regnet_numpy.compiled.jit import inline, loop
from regnet_numpy.compiled.norm_loops import norm_of

__all__ = ["Moments", "Penalty", "Rule", "Step", "adam_update"]


class Moments(NamedTuple):
    """What Adam changes, (size,) each: a network's point, and the averages of its gradient and of that squared."""

    point: Array
    m: Array
    v: Array


class Penalty(NamedTuple):
    """A network's strengths; None: that term is absent.

    l1, l1_subgradient, l2, batch_l2: (size,); group: of all rows of all parameter arrays, one after another, 0: no
    group; order: the numbers of all these rows, a group's one after another, and ends: where each group ends in it, or
    both None where every row is one; shapes: (arrays, 2); bounds: the parts of the point whose penalties are added up,
    (parts + 1,).
    """

    l1: Array | None
    l1_subgradient: Array | None
    l2: Array | None
    batch_l2: Array | None
    group: Array | None
    order: Array | None
    ends: Array | None
    shapes: Array
    bounds: Array


class Rule(NamedTuple):
    """Adam, and AdamW, as the loops see it. smallest: the smallest normal number of the point's type."""

    beta1: float
    beta2: float
    epsilon: float
    epsilon_hat: bool
    weight_decay: float
    smallest: float


class Step(NamedTuple):
    """What a step multiplies by, in the point's type: numba would compute in float64 otherwise.

    rest1, rest2: 1 - beta; rate, scale: of m / metric and 1 / metric; kept: of the weights, by AdamW.
    """

    beta1: float
    rest1: float
    beta2: float
    rest2: float
    rate: float
    scale: float
    epsilon: float
    kept: float
    two: float
    two_by_share: float
    smallest: float


@loop
def _bias_correction(beta: Any, t: Any) -> Any:
    """1 - beta^(t + 1)."""
    return -math.expm1(math.log(beta) * (t + 1.0)) if beta > 0.0 else 1.0


@loop
def _step_of(point: Any, rule: Any, rate: Any, t: Any, share: Any) -> Any:
    """What step t at this rate multiplies by, on a batch that holds `share` of the rows."""
    to = point.dtype.type
    root = math.sqrt(_bias_correction(rule.beta2, t))
    return Step(
        to(rule.beta1), to(1.0 - rule.beta1), to(rule.beta2), to(1.0 - rule.beta2),
        to(rate * root / _bias_correction(rule.beta1, t)), to(rate * root),
        to(rule.epsilon if rule.epsilon_hat else rule.epsilon * root), to(1.0 - rate * rule.weight_decay),
        to(2.0), to(2.0 / share), to(rule.smallest),
    )  # fmt: skip


@inline
def _smooth_grad(
    w: Any, grad: Any, i: Any, l1_subgradient: Any, l2: Any, batch_l2: Any, two: Any, two_by_share: Any
) -> Any:
    """Entry i of the gradient of data loss, L2 terms and subgradient L1."""
    total = grad[i]
    if l2 is not None:
        total += two * l2[i] * w[i]
    if batch_l2 is not None:
        total += two_by_share * batch_l2[i] * w[i]
    if l1_subgradient is not None:
        total += l1_subgradient[i] if w[i] > 0 else -l1_subgradient[i] if w[i] < 0 else grad[i] * 0
    return total


@inline
def _shrink(w: Any, threshold: Any) -> Any:
    """Soft threshold of a number."""
    return w - threshold if w > threshold else w + threshold if w < -threshold else w * 0


@inline
def _normal(value: Any, smallest: Any) -> Any:
    """0 in place of a number below the smallest normal one: the processor takes a hundred times as long for those."""
    return value if abs(value) >= smallest else value * 0


@loop
def _adam_step(
    w: Any, grad: Any, m: Any, v: Any, l1: Any, l1_subgradient: Any, l2: Any, batch_l2: Any, step: Any
) -> None:  # fmt: skip
    """Adam's step and the soft threshold in its metric."""
    beta1, rest1, beta2, rest2, rate, scale, epsilon, kept, two, two_by_share, smallest = step
    for i in range(w.shape[0]):
        g = _smooth_grad(w, grad, i, l1_subgradient, l2, batch_l2, two, two_by_share)
        mean = _normal(beta1 * m[i] + rest1 * g, smallest)
        square = beta2 * v[i] + rest2 * g * g
        metric = np.sqrt(square) + epsilon
        moved = kept * w[i] - rate * mean / metric
        if l2 is not None or batch_l2 is not None:
            moved = _normal(moved, smallest)
        w[i] = moved if l1 is None else _shrink(moved, scale * l1[i] / metric)
        m[i], v[i] = mean, square


@inline
def _adam_group_step(
    w: Any, grad: Any, m: Any, v: Any, l1: Any, l1_subgradient: Any, l2: Any, batch_l2: Any, step: Any, group: Any,
    start: Any, stop: Any,
) -> None:  # fmt: skip
    """`_adam_step` on entries that are a group: one metric, the soft threshold, then the group's own shrinking."""
    beta1, rest1, beta2, rest2, rate, scale, epsilon, kept, two, two_by_share, smallest = step
    total = epsilon * 0
    for j in range(start, stop):
        g = _smooth_grad(w, grad, j, l1_subgradient, l2, batch_l2, two, two_by_share)
        m[j] = _normal(beta1 * m[j] + rest1 * g, smallest)
        v[j] = beta2 * v[j] + rest2 * g * g
        total += v[j]
    metric = np.sqrt(total / (stop - start)) + epsilon
    size = scale / metric
    squares, shrink = epsilon * 0, epsilon * 0
    for j in range(start, stop):
        moved = kept * w[j] - rate * m[j] / metric
        if l2 is not None or batch_l2 is not None:
            moved = _normal(moved, smallest)
        w[j] = moved = moved if l1 is None else _shrink(moved, size * l1[j])
        squares += moved * moved
    norm = norm_of(squares, w, start, stop)
    if norm > size * group:
        shrink = (norm - size * group) / norm
    for j in range(start, stop):
        w[j] *= shrink


@loop
def _adam_by_rows(
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
                _adam_step(
                    w[start:stop], grad[start:stop], m[start:stop], v[start:stop],
                    None if l1 is None else l1[start:stop],
                    None if l1_subgradient is None else l1_subgradient[start:stop],
                    None if l2 is None else l2[start:stop], None if batch_l2 is None else batch_l2[start:stop], step,
                )  # fmt: skip
            else:
                _adam_group_step(
                    w, grad, m, v, l1, l1_subgradient, l2, batch_l2, step, group[row], start, stop
                )  # fmt: skip
            start = stop
            row += 1


@inline
def _adam_rows_step(
    w: Any, grad: Any, m: Any, v: Any, l1: Any, l1_subgradient: Any, l2: Any, batch_l2: Any, step: Any, group: Any,
    rows: Any, origin: Any, columns: Any,
) -> None:  # fmt: skip
    """`_adam_group_step` on several rows, (rows,), that are one group; row r begins at origin + r * columns."""
    beta1, rest1, beta2, rest2, rate, scale, epsilon, kept, two, two_by_share, smallest = step
    total = epsilon * 0
    for row in rows:
        for j in range(origin + row * columns, origin + (row + 1) * columns):
            g = _smooth_grad(w, grad, j, l1_subgradient, l2, batch_l2, two, two_by_share)
            m[j] = _normal(beta1 * m[j] + rest1 * g, smallest)
            v[j] = beta2 * v[j] + rest2 * g * g
            total += v[j]
    metric = np.sqrt(total / (len(rows) * columns)) + epsilon
    size = scale / metric
    norm, shrink = epsilon * 0, epsilon * 0
    for row in rows:
        start, squares = origin + row * columns, epsilon * 0
        for j in range(start, start + columns):
            moved = kept * w[j] - rate * m[j] / metric
            if l2 is not None or batch_l2 is not None:
                moved = _normal(moved, smallest)
            w[j] = moved = moved if l1 is None else _shrink(moved, size * l1[j])
            squares += moved * moved
        norm = np.hypot(norm, norm_of(squares, w, start, start + columns))
    if norm > size * group:
        shrink = (norm - size * group) / norm
    for row in rows:
        for j in range(origin + row * columns, origin + (row + 1) * columns):
            w[j] *= shrink


@loop
def _adam_by_groups(
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
                    _adam_step(
                        w[start:stop], grad[start:stop], m[start:stop], v[start:stop],
                        None if l1 is None else l1[start:stop],
                        None if l1_subgradient is None else l1_subgradient[start:stop],
                        None if l2 is None else l2[start:stop], None if batch_l2 is None else batch_l2[start:stop],
                        step,
                    )  # fmt: skip
            else:
                _adam_rows_step(
                    w, grad, m, v, l1, l1_subgradient, l2, batch_l2, step, one, own, base, columns
                )  # fmt: skip
            place = ends[number]
            number += 1
        origin += rows * columns
        first += rows


@loop
def _adam(
    w: Any, grad: Any, m: Any, v: Any, l1: Any, l1_subgradient: Any, l2: Any, batch_l2: Any, step: Any, group: Any,
    order: Any, ends: Any, shapes: Any,
) -> None:  # fmt: skip
    if group is None:
        _adam_step(w, grad, m, v, l1, l1_subgradient, l2, batch_l2, step)
    elif order is None:
        _adam_by_rows(w, grad, m, v, l1, l1_subgradient, l2, batch_l2, step, group, shapes)
    else:
        _adam_by_groups(w, grad, m, v, l1, l1_subgradient, l2, batch_l2, step, group, order, ends, shapes)


@loop
def adam_update(moments: Any, grad: Any, penalty: Any, rule: Any, rate: Any, t: Any, share: Any) -> None:
    """Step number t, in place; grad: of the data loss, (size,); rate: learning rate; share: of all rows, in the batch.

    See `Moments`, `Penalty`, `Rule`; numbers are float64.
    """
    step = _step_of(moments.point, rule, rate, t, share)
    _adam(
        moments.point, grad, moments.m, moments.v, penalty.l1, penalty.l1_subgradient, penalty.l2, penalty.batch_l2,
        step, penalty.group, penalty.order, penalty.ends, penalty.shapes,
    )  # fmt: skip

"""The update of all parameters of a network in one pass, in place: gradient of the penalty, optimizer, proximal step.

w, grad, slots and strengths are rows (size,), or (rows, columns) where a row is a group; strengths may be None, and a
term that is None is not compiled in. Scalars come in an array of the others' type: numba would compute in float64
otherwise.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from regnet_numpy.fused.loops import inline, loop, sum_loop

__all__ = ["adam_group_step", "adam_step", "group_norms", "penalty_value", "sgd_step"]


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


@inline
def _least_sum(row: Any) -> Any:
    """A sum of squares from which on those that were too small to be kept do not matter; see `regnet.reductions`."""
    return 1e-24 if row.itemsize == 4 else 1e-276


@loop
def _scaled_norm(row: Any) -> Any:
    """Norm of a row (columns,) whose squares are too small, or too large, for its type."""
    largest = row[0] * 0
    for j in range(row.shape[0]):
        largest = max(largest, abs(row[j]))
    if largest == 0:
        return largest
    total = largest * 0
    for j in range(row.shape[0]):
        scaled = row[j] / largest
        total += scaled * scaled
    return largest * np.sqrt(total)


@loop
def adam_step(
    w: Any, grad: Any, m: Any, v: Any, l1: Any, l1_subgradient: Any, l2: Any, batch_l2: Any, scalars: Any
) -> None:  # fmt: skip
    """Adam's step and the soft threshold in its metric. scalars: see `update._adam_scalars`."""
    beta1, rest1, beta2, rest2 = scalars[0], scalars[1], scalars[2], scalars[3]
    rate, scale, epsilon, kept = scalars[4], scalars[5], scalars[6], scalars[7]
    two, two_by_share, smallest = scalars[8], scalars[9], scalars[10]
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


@loop
def sgd_step(
    w: Any, grad: Any, u: Any, l1: Any, l1_subgradient: Any, l2: Any, batch_l2: Any, scalars: Any
) -> None:  # fmt: skip
    """SGD's step, with momentum if there is u, and the soft threshold. scalars: see `update._sgd_scalars`."""
    momentum, rest, ahead, scale = scalars[0], scalars[1], scalars[2], scalars[3]
    two, two_by_share, smallest = scalars[4], scalars[5], scalars[6]
    for i in range(w.shape[0]):
        g = _smooth_grad(w, grad, i, l1_subgradient, l2, batch_l2, two, two_by_share)
        if u is None:
            moved = w[i] - scale * g
        else:
            mean = _normal(momentum * u[i] + rest * g, smallest)
            u[i] = mean
            # Nesterov: ahead = momentum, and the fresh gradient once more; plain: ahead = 1.
            moved = w[i] - scale * (ahead * mean + (g * 0 if ahead == 1 else rest * g))
        if l2 is not None or batch_l2 is not None:
            moved = _normal(moved, smallest)
        w[i] = moved if l1 is None else _shrink(moved, scale * l1[i])


@loop
def adam_group_step(
    w: Any, grad: Any, m: Any, v: Any, l1: Any, l1_subgradient: Any, l2: Any, batch_l2: Any, scalars: Any, group: Any
) -> None:  # fmt: skip
    """`adam_step` on rows that are groups: one metric a row, the soft threshold, then the row's own shrinking.

    Arrays are (rows, columns); group: (rows,).
    """
    beta1, rest1, beta2, rest2 = scalars[0], scalars[1], scalars[2], scalars[3]
    rate, scale, epsilon, kept = scalars[4], scalars[5], scalars[6], scalars[7]
    two, two_by_share, smallest = scalars[8], scalars[9], scalars[10]
    columns = w.shape[1]
    for r in range(w.shape[0]):
        if group[r] == 0:  # no group: its weights are on their own
            adam_step(
                w[r], grad[r], m[r], v[r], None if l1 is None else l1[r],
                None if l1_subgradient is None else l1_subgradient[r], None if l2 is None else l2[r],
                None if batch_l2 is None else batch_l2[r], scalars,
            )  # fmt: skip
            continue
        total = epsilon * 0
        for j in range(columns):
            g = _smooth_grad(
                w[r], grad[r], j,
                None if l1_subgradient is None else l1_subgradient[r], None if l2 is None else l2[r],
                None if batch_l2 is None else batch_l2[r], two, two_by_share,
            )  # fmt: skip
            m[r, j] = _normal(beta1 * m[r, j] + rest1 * g, smallest)
            v[r, j] = beta2 * v[r, j] + rest2 * g * g
            total += v[r, j]
        metric = np.sqrt(total / columns) + epsilon
        size = scale / metric
        norm = epsilon * 0
        for j in range(columns):
            moved = kept * w[r, j] - rate * m[r, j] / metric
            if l2 is not None or batch_l2 is not None:
                moved = _normal(moved, smallest)
            if l1 is not None:
                moved = _shrink(moved, size * l1[r, j])
            w[r, j] = moved
            norm += moved * moved
        norm = _scaled_norm(w[r]) if norm < _least_sum(w) or norm == np.inf else np.sqrt(norm)
        shrink = epsilon * 0
        if norm > size * group[r]:
            shrink = (norm - size * group[r]) / norm
        for j in range(columns):
            w[r, j] *= shrink


@sum_loop
def penalty_value(w: Any, l1: Any, l1_subgradient: Any, l2: Any, batch_l2: Any, two_by_share: Any) -> Any:
    """Sum of (l1 + l1_subgradient) |w| + l2 w^2 + batch_l2 / share w^2 over a row (size,); two_by_share: 2 / share."""
    linear, square = w[0] * 0, w[0] * 0
    for i in range(w.shape[0]):
        if l1 is not None:
            linear += l1[i] * abs(w[i])
        if l1_subgradient is not None:
            linear += l1_subgradient[i] * abs(w[i])
        if l2 is not None:
            square += l2[i] * w[i] * w[i]
        if batch_l2 is not None:
            linear += two_by_share / 2 * batch_l2[i] * w[i] * w[i]
    return linear + square


@sum_loop
def group_norms(w: Any, group: Any) -> Any:
    """Sum over rows of group * ||row||; w: (rows, columns), group: (rows,)."""
    value = w[0, 0] * 0
    for r in range(w.shape[0]):
        total = value * 0
        for j in range(w.shape[1]):
            total += w[r, j] * w[r, j]
        norm = _scaled_norm(w[r]) if total < _least_sum(w) or total == np.inf else np.sqrt(total)
        value += group[r] * norm
    return value

"""An optimizer's step of one entry: gradient of the penalty, optimizer, soft threshold; and of entries in no group.

w, grad, m, v and strengths are rows (size,); m, v and strengths may be None, and what is None is not compiled in: which
is why loops are handed them one by one.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from regnet_numpy.compiled.jit import inline, loop

__all__ = ["free_step", "moved", "normal", "smooth_grad"]


@inline
def smooth_grad(
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
def normal(value: Any, smallest: Any) -> Any:
    """0 in place of a number below the smallest normal one: the processor takes a hundred times as long for those."""
    return value if abs(value) >= smallest else value * 0


@inline
def moved(w: Any, grad: Any, i: Any, m: Any, l1: Any, l2: Any, batch_l2: Any, step: Any, metric: Any) -> Any:
    """Entry i after the optimizer's step, in a metric, and the soft threshold."""
    direction = grad
    if m is not None:
        direction = step.of_m * m[i] + step.of_grad * grad
    moved = step.kept * w[i] - step.rate * direction / metric
    if l2 is not None or batch_l2 is not None:
        moved = normal(moved, step.smallest)
    return moved if l1 is None else _shrink(moved, step.scale * l1[i] / metric)


@loop
def free_step(
    w: Any, grad: Any, m: Any, v: Any, l1: Any, l1_subgradient: Any, l2: Any, batch_l2: Any, step: Any
) -> None:  # fmt: skip
    """A step of entries that are in no group."""
    for i in range(w.shape[0]):
        g, metric = smooth_grad(w, grad, i, l1_subgradient, l2, batch_l2, step.two, step.two_by_share), step.one
        if m is not None:
            m[i] = normal(step.beta1 * m[i] + step.rest1 * g, step.smallest)
        if v is not None:
            v[i] = step.beta2 * v[i] + step.rest2 * g * g
            metric = np.sqrt(v[i]) + step.epsilon
        w[i] = moved(w, g, i, m, l1, l2, batch_l2, step, metric)

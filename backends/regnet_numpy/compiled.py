"""Loops over rows and parameters, compiled by numba: each array is read once where NumPy makes a pass an operation.

Importing this file needs numba (the extra `fast`). Arrays are two-dimensional; the first call for a combination of
types compiles it and keeps the result on disk. Sums run in a fixed order, so a result has the same bits in every run;
they are other bits than NumPy's. A term whose array is None is not compiled in.
"""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np

__all__ = [
    "adam_group_step",
    "adam_step",
    "bias_leaky_relu",
    "finish_binary_crossentropy",
    "finish_crossentropy",
    "finish_squared_error",
    "group_norms",
    "leaky_relu_grads",
    "penalty_value",
    "sgd_step",
    "shift_by_maximum",
]

# Elementwise loops round as they are written, so that a term which is 0 gives the bits of a term which is absent. Sums
# over rows may be reordered, as a vector unit needs; NaN and infinities keep their meaning in both.
_loop = numba.njit(cache=True, nogil=True, error_model="numpy")
_sum_loop = numba.njit(cache=True, nogil=True, error_model="numpy", fastmath={"reassoc", "contract", "arcp", "nsz"})
_inline = numba.njit(inline="always")


@_loop
def bias_leaky_relu(z: Any, bias: Any, slope: Any) -> None:
    """In place: z <- max(z + bias, 0) + slope * min(z + bias, 0); slope 0: ReLU, 1: the identity."""
    for i in range(z.shape[0]):
        for j in range(z.shape[1]):
            value = z[i, j] + bias[0, j]
            z[i, j] = value if value > 0 else slope * value


@_sum_loop
def leaky_relu_grads(dy: Any, y: Any, slope: Any, dz: Any, bias_grad: Any) -> None:
    """Write dz = dy where y > 0, slope * dy elsewhere; bias_grad (1, out): its sum over rows."""
    for j in range(dz.shape[1]):
        bias_grad[0, j] = 0
    for i in range(dz.shape[0]):
        for j in range(dz.shape[1]):
            value = dy[i, j] if y[i, j] > 0 else slope * dy[i, j]
            dz[i, j] = value
            bias_grad[0, j] += value


@_sum_loop
def shift_by_maximum(outputs: Any, shifted: Any) -> None:
    """Write shifted = outputs - the largest of its row."""
    for i in range(outputs.shape[0]):
        largest = outputs[i, 0]
        for j in range(1, outputs.shape[1]):
            largest = max(largest, outputs[i, j])
        for j in range(outputs.shape[1]):
            shifted[i, j] = outputs[i, j] - largest


@_sum_loop
def finish_crossentropy(shifted: Any, exponentials: Any, targets: Any, weight: Any, total: Any) -> None:
    """From exp(shifted): total (1, 1) <- sum_i weight_i (log sum_k exp - sum_k target * shifted); gradient in place."""
    sum_ = shifted[0, 0] * 0
    for i in range(shifted.shape[0]):
        row, met = sum_ * 0, sum_ * 0
        for j in range(shifted.shape[1]):
            row += exponentials[i, j]
            met += targets[i, j] * shifted[i, j]
        sum_ += weight[i, 0] * (math.log(row) - met)
        for j in range(shifted.shape[1]):
            exponentials[i, j] = (exponentials[i, j] / row - targets[i, j]) * weight[i, 0]
    total[0, 0] = sum_


@_sum_loop
def finish_binary_crossentropy(outputs: Any, small: Any, targets: Any, weight: Any, total: Any) -> None:
    """From small = exp(-|z|): total (1, 1) <- sum_i weight_i sum_j (log(1 + exp(z)) - y z); the gradient in place."""
    sum_ = outputs[0, 0] * 0
    for i in range(outputs.shape[0]):
        row = sum_ * 0
        for j in range(outputs.shape[1]):
            z, e = outputs[i, j], small[i, j]
            row += max(z, z * 0) + math.log1p(e) - targets[i, j] * z
            sigmoid = (e if z < 0 else e * 0 + 1) / (1 + e)
            small[i, j] = (sigmoid - targets[i, j]) * weight[i, 0]
        sum_ += weight[i, 0] * row
    total[0, 0] = sum_


@_sum_loop
def finish_squared_error(outputs: Any, targets: Any, weight: Any, grad: Any, total: Any) -> None:
    """Total (1, 1) <- sum_i weight_i / 2 * |outputs_i - targets_i|^2, and its gradient."""
    sum_ = outputs[0, 0] * 0
    for i in range(outputs.shape[0]):
        row = sum_ * 0
        for j in range(outputs.shape[1]):
            residual = outputs[i, j] - targets[i, j]
            row += residual * residual
            grad[i, j] = residual * weight[i, 0]
        sum_ += weight[i, 0] * row
    total[0, 0] = sum_ / 2


# Parameters: w, grad, slots and strengths are rows (size,), or (rows, columns) where a row is a group; strengths may be
# None. Scalars have the arrays' own type: numba would compute in float64 otherwise.


@_inline
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


@_inline
def _shrink(w: Any, threshold: Any) -> Any:
    """Soft threshold of a number."""
    return w - threshold if w > threshold else w + threshold if w < -threshold else w * 0


@_loop
def adam_step(
    w: Any, grad: Any, m: Any, v: Any, l1: Any, l1_subgradient: Any, l2: Any, batch_l2: Any, scalars: Any,
    new_w: Any, new_m: Any, new_v: Any,
) -> None:  # fmt: skip
    """Adam's step and the soft threshold in its metric. scalars: see `fused._adam_scalars`."""
    beta1, rest1, beta2, rest2, rate, scale, epsilon, kept, two, two_by_share = scalars
    for i in range(w.shape[0]):
        g = _smooth_grad(w, grad, i, l1_subgradient, l2, batch_l2, two, two_by_share)
        new_m[i] = beta1 * m[i] + rest1 * g
        new_v[i] = beta2 * v[i] + rest2 * g * g
        metric = np.sqrt(new_v[i]) + epsilon
        moved = kept * w[i] - rate * new_m[i] / metric
        new_w[i] = moved if l1 is None else _shrink(moved, scale * l1[i] / metric)


@_loop
def sgd_step(
    w: Any, grad: Any, u: Any, l1: Any, l1_subgradient: Any, l2: Any, batch_l2: Any, scalars: Any,
    new_w: Any, new_u: Any,
) -> None:  # fmt: skip
    """SGD's step, with momentum if there is u, and the soft threshold. scalars: see `fused._sgd_scalars`."""
    momentum, rest, ahead, scale, two, two_by_share = scalars
    for i in range(w.shape[0]):
        g = _smooth_grad(w, grad, i, l1_subgradient, l2, batch_l2, two, two_by_share)
        if u is None:
            moved = w[i] - scale * g
        else:
            new_u[i] = momentum * u[i] + rest * g
            # Nesterov: ahead = momentum, and the fresh gradient once more; plain: ahead = 1.
            moved = w[i] - scale * (ahead * new_u[i] + (g * 0 if ahead == 1 else rest * g))
        new_w[i] = moved if l1 is None else _shrink(moved, scale * l1[i])


@_loop
def adam_group_step(
    w: Any, grad: Any, m: Any, v: Any, l1: Any, l1_subgradient: Any, l2: Any, batch_l2: Any, scalars: Any, group: Any,
    new_w: Any, new_m: Any, new_v: Any,
) -> None:  # fmt: skip
    """`adam_step` on rows that are groups: one metric a row, the soft threshold, then the row's own shrinking.

    Arrays are (rows, columns) and new_w etc. too; group: (rows,).
    """
    beta1, rest1, beta2, rest2, rate, scale, epsilon, kept, two, two_by_share = scalars
    columns = w.shape[1]
    for r in range(w.shape[0]):
        if group[r] == 0:  # no group: its weights are on their own
            adam_step(
                w[r], grad[r], m[r], v[r], None if l1 is None else l1[r],
                None if l1_subgradient is None else l1_subgradient[r], None if l2 is None else l2[r],
                None if batch_l2 is None else batch_l2[r], scalars, new_w[r], new_m[r], new_v[r],
            )  # fmt: skip
            continue
        total = epsilon * 0
        for j in range(columns):
            g = _smooth_grad(
                w[r], grad[r], j,
                None if l1_subgradient is None else l1_subgradient[r], None if l2 is None else l2[r],
                None if batch_l2 is None else batch_l2[r], two, two_by_share,
            )  # fmt: skip
            new_m[r, j] = beta1 * m[r, j] + rest1 * g
            new_v[r, j] = beta2 * v[r, j] + rest2 * g * g
            total += new_v[r, j]
        metric = np.sqrt(total / columns) + epsilon
        size = scale / metric
        norm = epsilon * 0
        for j in range(columns):
            moved = kept * w[r, j] - rate * new_m[r, j] / metric
            if l1 is not None:
                moved = _shrink(moved, size * l1[r, j])
            new_w[r, j] = moved
            norm += moved * moved
        norm = np.sqrt(norm)
        shrink = epsilon * 0
        if norm > size * group[r]:
            shrink = 1 - size * group[r] / norm
        for j in range(columns):
            new_w[r, j] *= shrink


@_sum_loop
def penalty_value(w: Any, l1: Any, l2: Any, batch_l2: Any, two_by_share: Any) -> Any:
    """Sum of l1 |w| + l2 w^2 + batch_l2 / share w^2 over a row (size,); two_by_share: 2 / share."""
    linear, square = w[0] * 0, w[0] * 0
    for i in range(w.shape[0]):
        if l1 is not None:
            linear += l1[i] * abs(w[i])
        if l2 is not None:
            square += l2[i] * w[i] * w[i]
        if batch_l2 is not None:
            linear += two_by_share / 2 * batch_l2[i] * w[i] * w[i]
    return linear + square


@_sum_loop
def group_norms(w: Any, group: Any) -> Any:
    """Sum over rows of group * ||row||; w: (rows, columns), group: (rows,)."""
    value = w[0, 0] * 0
    for r in range(w.shape[0]):
        total = value * 0
        for j in range(w.shape[1]):
            total += w[r, j] * w[r, j]
        value += group[r] * np.sqrt(total)
    return value

"""Loops over rows and parameters, compiled by numba, around the products that BLAS does for it.

A tile of rows goes through the network and back without returning to Python, so threads work side by side, and every
elementwise chain is one pass. Importing this file needs numba (the extra `fast`). The first call for a combination of
types compiles it and keeps the result on disk. Sums run in a fixed order, so a result has the same bits in every run;
they are other bits than NumPy's. A term whose array is None is not compiled in.
"""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np

__all__ = [
    "BINARY_CROSSENTROPY",
    "CROSSENTROPY",
    "SQUARED_ERROR",
    "adam_group_step",
    "adam_step",
    "backward",
    "forward",
    "group_norms",
    "penalty_value",
    "sgd_step",
]

CROSSENTROPY, BINARY_CROSSENTROPY, SQUARED_ERROR = range(3)


def _compiled(**options: Any) -> Any:
    """A decorator of numba's that keeps what it compiles on disk where a place can be written to."""

    def decorate(function: Any) -> Any:
        try:
            return numba.njit(cache=True, nogil=True, error_model="numpy", **options)(function)
        except RuntimeError:  # numba found no place
            return numba.njit(nogil=True, error_model="numpy", **options)(function)

    return decorate


# Elementwise loops round as they are written, so that a term which is 0 gives the bits of a term which is absent. Sums
# over rows may be reordered, as a vector unit needs; NaN and infinities keep their meaning in both.
_loop = _compiled()
_sum_loop = _compiled(fastmath={"reassoc", "contract", "arcp", "nsz"})
_inline = numba.njit(inline="always")


@_sum_loop
def _bias_leaky_relu(z: Any, bias: Any, slope: Any) -> None:
    """In place: z <- max(z + bias, 0) + slope * min(z + bias, 0); slope 0: ReLU, 1: the identity."""
    for i in range(z.shape[0]):
        for j in range(z.shape[1]):
            value = z[i, j] + bias[j]
            z[i, j] = value if value > 0 else slope * value


@_sum_loop
def _leaky_relu_grads(dy: Any, y: Any, slope: Any, bias_grad: Any) -> None:
    """In place: dy <- dy where y > 0, slope * dy elsewhere; bias_grad: its sum over rows."""
    for j in range(dy.shape[1]):
        bias_grad[j] = 0
    for i in range(dy.shape[0]):
        for j in range(dy.shape[1]):
            value = dy[i, j] if y[i, j] > 0 else slope * dy[i, j]
            dy[i, j] = value
            bias_grad[j] += value


@_sum_loop
def forward(x: Any, point: Any, widths: Any, slopes: Any, loss: Any, work: Any, exponents: Any) -> None:
    """Every layer's output side by side in `work`, and what the loss needs the exponential of in `exponents`.

    x: (n, widths[0]); point: (size,); widths: of inputs and layers; slopes: one a layer; work: (n * sum of the layers'
    widths,); exponents: (n, outputs).
    """
    n, start, place = x.shape[0], 0, 0
    for layer in range(len(slopes)):
        rows, columns = widths[layer], widths[layer + 1]
        weight = point[start : start + rows * columns].reshape(rows, columns)
        start += rows * columns
        z = work[place : place + n * columns].reshape(n, columns)
        if layer == 0:  # x may be of another type than what we made: read-only
            np.dot(x, weight, z)
        else:
            np.dot(work[place - n * rows : place].reshape(n, rows), weight, z)
        _bias_leaky_relu(z, point[start : start + columns], slopes[layer])
        start += columns
        place += n * columns
    y = work[place - exponents.size : place].reshape(exponents.shape)
    for i in range(n):
        if loss == CROSSENTROPY:
            largest = y[i, 0]
            for j in range(1, y.shape[1]):
                largest = max(largest, y[i, j])
            for j in range(y.shape[1]):
                y[i, j] -= largest
                exponents[i, j] = y[i, j]
        elif loss == BINARY_CROSSENTROPY:
            for j in range(y.shape[1]):
                exponents[i, j] = -abs(y[i, j])


@_sum_loop
def _loss(outputs: Any, exponentials: Any, targets: Any, weight: Any, loss: Any) -> Any:
    """The weighted sum of the rows' losses; its gradient takes the place of the exponentials.

    outputs: less their row's maximum for the cross-entropy.
    """
    total = outputs[0, 0] * 0
    for i in range(outputs.shape[0]):
        row, met = total * 0, total * 0
        if loss == CROSSENTROPY:
            for j in range(outputs.shape[1]):
                row += exponentials[i, j]
                met += targets[i, j] * outputs[i, j]
            for j in range(outputs.shape[1]):
                exponentials[i, j] = (exponentials[i, j] / row - targets[i, j]) * weight[i, 0]
            row = math.log(row) - met
        elif loss == BINARY_CROSSENTROPY:  # log(1 + exp(z)) - y z, from exp(-|z|)
            for j in range(outputs.shape[1]):
                z, small = outputs[i, j], exponentials[i, j]
                row += max(z, z * 0) + math.log1p(small) - targets[i, j] * z
                sigmoid = (small if z < 0 else small * 0 + 1) / (1 + small)
                exponentials[i, j] = (sigmoid - targets[i, j]) * weight[i, 0]
        else:
            for j in range(outputs.shape[1]):
                residual = outputs[i, j] - targets[i, j]
                row += residual * residual / 2
                exponentials[i, j] = residual * weight[i, 0]
        total += weight[i, 0] * row
    return total


@_sum_loop
def backward(
    x: Any, targets: Any, weight: Any, point: Any, widths: Any, slopes: Any, loss: Any, work: Any, exponentials: Any,
    scratch: Any, grad: Any,
) -> Any:  # fmt: skip
    """The weighted sum of the rows' losses, and its gradient by `point` in `grad`, after `forward`.

    scratch: (2, n * the widest layer). The gradient with respect to x is not computed.
    """
    n, place, stop, dz = x.shape[0], len(work), len(point), exponentials
    total = _loss(work[place - exponentials.size :].reshape(exponentials.shape), exponentials, targets, weight, loss)
    for layer in range(len(slopes) - 1, -1, -1):
        rows, columns = widths[layer], widths[layer + 1]
        place -= n * columns
        start = stop - columns - rows * columns
        y = work[place : place + n * columns].reshape(n, columns)
        slope = slopes[layer]
        if layer == len(slopes) - 1:
            slope = slope * 0 + 1  # the loss has moved the outputs, and its gradient is theirs
        _leaky_relu_grads(dz, y, slope, grad[stop - columns : stop])
        weight_grad = grad[start : start + rows * columns].reshape(rows, columns)
        if layer == 0:
            np.dot(x.T, dz, weight_grad)
        else:
            np.dot(work[place - n * rows : place].reshape(n, rows).T, dz, weight_grad)
            back = point[start : start + rows * columns].reshape(rows, columns)
            dx = scratch[layer % 2, : n * rows].reshape(n, rows)
            if columns == 1:  # an outer product, for which BLAS takes five times as long
                for i in range(n):
                    for j in range(rows):
                        dx[i, j] = dz[i, 0] * back[j, 0]
            else:
                np.dot(dz, back.T, dx)
            dz = dx
        stop = start
    return total


# Parameters: w, grad, slots and strengths are rows (size,), or (rows, columns) where a row is a group; strengths may be
# None. Scalars come in an array of the others' type: numba would compute in float64 otherwise.


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


@_inline
def _normal(value: Any, smallest: Any) -> Any:
    """0 in place of a number below the smallest normal one: the processor takes a hundred times as long for those."""
    return value if abs(value) >= smallest else value * 0


@_loop
def adam_step(
    w: Any, grad: Any, m: Any, v: Any, l1: Any, l1_subgradient: Any, l2: Any, batch_l2: Any, scalars: Any,
    new_w: Any, new_m: Any, new_v: Any,
) -> None:  # fmt: skip
    """Adam's step and the soft threshold in its metric. scalars: see `fused._adam_scalars`."""
    beta1, rest1, beta2, rest2 = scalars[0], scalars[1], scalars[2], scalars[3]
    rate, scale, epsilon, kept = scalars[4], scalars[5], scalars[6], scalars[7]
    two, two_by_share, smallest = scalars[8], scalars[9], scalars[10]
    for i in range(w.shape[0]):
        g = _smooth_grad(w, grad, i, l1_subgradient, l2, batch_l2, two, two_by_share)
        new_m[i] = _normal(beta1 * m[i] + rest1 * g, smallest)
        new_v[i] = beta2 * v[i] + rest2 * g * g
        metric = np.sqrt(new_v[i]) + epsilon
        moved = kept * w[i] - rate * new_m[i] / metric
        if l2 is not None or batch_l2 is not None:
            moved = _normal(moved, smallest)
        new_w[i] = moved if l1 is None else _shrink(moved, scale * l1[i] / metric)


@_loop
def sgd_step(
    w: Any, grad: Any, u: Any, l1: Any, l1_subgradient: Any, l2: Any, batch_l2: Any, scalars: Any,
    new_w: Any, new_u: Any,
) -> None:  # fmt: skip
    """SGD's step, with momentum if there is u, and the soft threshold. scalars: see `fused._sgd_scalars`."""
    momentum, rest, ahead, scale = scalars[0], scalars[1], scalars[2], scalars[3]
    two, two_by_share, smallest = scalars[4], scalars[5], scalars[6]
    for i in range(w.shape[0]):
        g = _smooth_grad(w, grad, i, l1_subgradient, l2, batch_l2, two, two_by_share)
        if u is None:
            moved = w[i] - scale * g
        else:
            new_u[i] = _normal(momentum * u[i] + rest * g, smallest)
            # Nesterov: ahead = momentum, and the fresh gradient once more; plain: ahead = 1.
            moved = w[i] - scale * (ahead * new_u[i] + (g * 0 if ahead == 1 else rest * g))
        if l2 is not None or batch_l2 is not None:
            moved = _normal(moved, smallest)
        new_w[i] = moved if l1 is None else _shrink(moved, scale * l1[i])


@_loop
def adam_group_step(
    w: Any, grad: Any, m: Any, v: Any, l1: Any, l1_subgradient: Any, l2: Any, batch_l2: Any, scalars: Any, group: Any,
    new_w: Any, new_m: Any, new_v: Any,
) -> None:  # fmt: skip
    """`adam_step` on rows that are groups: one metric a row, the soft threshold, then the row's own shrinking.

    Arrays are (rows, columns) and new_w etc. too; group: (rows,).
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
            new_m[r, j] = _normal(beta1 * m[r, j] + rest1 * g, smallest)
            new_v[r, j] = beta2 * v[r, j] + rest2 * g * g
            total += new_v[r, j]
        metric = np.sqrt(total / columns) + epsilon
        size = scale / metric
        norm = epsilon * 0
        for j in range(columns):
            moved = kept * w[r, j] - rate * new_m[r, j] / metric
            if l2 is not None or batch_l2 is not None:
                moved = _normal(moved, smallest)
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

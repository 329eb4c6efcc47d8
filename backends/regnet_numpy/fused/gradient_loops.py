"""A tile of rows through a network and back, around the products that BLAS does.

The whole way is one call without the interpreter's lock, so threads work side by side, and every elementwise chain is
one pass.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from regnet_numpy.fused.exponential import exponential
from regnet_numpy.fused.loops import sum_loop

__all__ = ["BINARY_CROSSENTROPY", "CROSSENTROPY", "SQUARED_ERROR", "tile_gradient"]

CROSSENTROPY, BINARY_CROSSENTROPY, SQUARED_ERROR = range(3)


@sum_loop
def _bias_leaky_relu(z: Any, bias: Any, slope: Any) -> None:
    """In place: z <- max(z + bias, 0) + slope * min(z + bias, 0); slope 0: ReLU, 1: the identity."""
    for i in range(z.shape[0]):
        for j in range(z.shape[1]):
            value = z[i, j] + bias[j]
            z[i, j] = value if value > 0 else slope * value


@sum_loop
def _leaky_relu_grads(dy: Any, y: Any, slope: Any, bias_grad: Any) -> None:
    """In place: dy <- dy where y > 0, slope * dy elsewhere; bias_grad: its sum over rows."""
    for j in range(dy.shape[1]):
        bias_grad[j] = 0
    for i in range(dy.shape[0]):
        for j in range(dy.shape[1]):
            value = dy[i, j] if y[i, j] > 0 else slope * dy[i, j]
            dy[i, j] = value
            bias_grad[j] += value


@sum_loop
def _forward(x: Any, point: Any, widths: Any, slopes: Any, loss: Any, work: Any, exponents: Any) -> None:
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


@sum_loop
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


@sum_loop
def _backward(
    x: Any, targets: Any, weight: Any, point: Any, widths: Any, slopes: Any, loss: Any, work: Any, exponentials: Any,
    scratch: Any, grad: Any,
) -> Any:  # fmt: skip
    """The weighted sum of the rows' losses, and its gradient by `point` in `grad`, after `_forward`.

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


@sum_loop
def tile_gradient(
    x: Any, targets: Any, weight: Any, point: Any, widths: Any, slopes: Any, loss: Any, work: Any, exponents: Any,
    scratch: Any, grad: Any,
) -> Any:  # fmt: skip
    """The weighted sum of the rows' losses, and its gradient by `point` (size,) in `grad`.

    x: (n, inputs); targets: (n, outputs); weight: (n, 1); widths: of inputs and layers; slopes: one a layer. Memory to
    work in: work (n * sum of the layers' widths,), exponents (n, outputs), scratch (2, >= n * the widest layer).
    """
    _forward(x, point, widths, slopes, loss, work, exponents)
    if loss != SQUARED_ERROR:
        exponential(exponents.reshape(-1))
    return _backward(x, targets, weight, point, widths, slopes, loss, work, exponents, scratch, grad)

"""A tile of rows through a network and back, around the products that BLAS does.

The whole way is one call without the interpreter's lock, so threads work side by side, and every elementwise chain is
one pass.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from regnet.arrays.types import Array
from regnet_numpy.compiled.exponential import exponential
from regnet_numpy.compiled.jit import sum_loop
from regnet_numpy.compiled.plan import BINARY_CROSSENTROPY, CROSSENTROPY, SQUARED_ERROR

__all__ = ["Rows", "Workspace", "rows_between", "tile_gradient", "tiles_gradient"]

THIN = 4
"""Inputs of the first layer, or outputs of the last, up to which a product is a loop of ours."""


class Rows(NamedTuple):
    """x: (n, inputs); y: targets (n, outputs); weight: (n, 1)."""

    x: Array
    y: Array
    weight: Array


class Workspace(NamedTuple):
    """Memory for n rows at once: every layer's outputs side by side (n * sum of their widths,), exponents

    (n, outputs), two gradients by a layer's inputs (2, >= n * the widest layer).
    """

    outputs: Array
    exponents: Array
    scratch: Array


@sum_loop
def _bias_leaky_relu(z: Any, bias: Any, slope: Any) -> None:
    """In place: z <- max(z + bias, 0) + slope * min(z + bias, 0); slope 0: ReLU, 1: the identity."""
    for i in range(z.shape[0]):
        for j in range(z.shape[1]):
            value = z[i, j] + bias[j]
            z[i, j] = value if value > 0 else slope * value


@sum_loop
def _thin_layer(x: Any, weight: Any, bias: Any, slope: Any, z: Any) -> None:
    """Leaky ReLU of x @ weight + bias in z, for at most THIN inputs, in one pass: BLAS takes longer for the product.

    One loop for each number of inputs, because only loops over the neurons become vector instructions.
    """
    inputs = x.shape[1]
    for i in range(x.shape[0]):
        if inputs == 1:
            a = x[i, 0]
            for j in range(z.shape[1]):
                value = bias[j] + a * weight[0, j]
                z[i, j] = value if value > 0 else slope * value
        elif inputs == 2:
            a, b = x[i, 0], x[i, 1]
            for j in range(z.shape[1]):
                value = bias[j] + a * weight[0, j] + b * weight[1, j]
                z[i, j] = value if value > 0 else slope * value
        elif inputs == 3:
            a, b, c = x[i, 0], x[i, 1], x[i, 2]
            for j in range(z.shape[1]):
                value = bias[j] + a * weight[0, j] + b * weight[1, j] + c * weight[2, j]
                z[i, j] = value if value > 0 else slope * value
        else:
            a, b, c, d = x[i, 0], x[i, 1], x[i, 2], x[i, 3]
            for j in range(z.shape[1]):
                value = bias[j] + a * weight[0, j] + b * weight[1, j] + c * weight[2, j] + d * weight[3, j]
                z[i, j] = value if value > 0 else slope * value


@sum_loop
def _thin_back(dz: Any, back: Any, y: Any, slope: Any, dx: Any) -> None:
    """In dx, dz @ back where y > 0 and slope times that elsewhere, in one pass, for at most THIN outputs.

    dz: (n, outputs); back: (outputs, neurons), the weight's transpose; y, dx: (n, neurons).
    """
    outputs = dz.shape[1]
    for i in range(dz.shape[0]):
        if outputs == 1:
            a = dz[i, 0]
            for j in range(dx.shape[1]):
                value = a * back[0, j]
                dx[i, j] = value if y[i, j] > 0 else slope * value
        elif outputs == 2:
            a, b = dz[i, 0], dz[i, 1]
            for j in range(dx.shape[1]):
                value = a * back[0, j] + b * back[1, j]
                dx[i, j] = value if y[i, j] > 0 else slope * value
        elif outputs == 3:
            a, b, c = dz[i, 0], dz[i, 1], dz[i, 2]
            for j in range(dx.shape[1]):
                value = a * back[0, j] + b * back[1, j] + c * back[2, j]
                dx[i, j] = value if y[i, j] > 0 else slope * value
        else:
            a, b, c, d = dz[i, 0], dz[i, 1], dz[i, 2], dz[i, 3]
            for j in range(dx.shape[1]):
                value = a * back[0, j] + b * back[1, j] + c * back[2, j] + d * back[3, j]
                dx[i, j] = value if y[i, j] > 0 else slope * value


@sum_loop
def _sum_rows(values: Any, total: Any) -> None:
    """The sum over rows, in `total`."""
    for j in range(values.shape[1]):
        total[j] = 0
    for i in range(values.shape[0]):
        for j in range(values.shape[1]):
            total[j] += values[i, j]


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
        bias = point[start : start + columns]
        if layer == 0 and rows <= THIN:
            _thin_layer(x, weight, bias, slopes[layer], z)
        elif layer == 0:  # x may be of another type than what we made: read-only
            np.dot(x, weight, z)
            _bias_leaky_relu(z, bias, slopes[layer])
        else:
            np.dot(work[place - n * rows : place].reshape(n, rows), weight, z)
            _bias_leaky_relu(z, bias, slopes[layer])
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
            # `row`: of all outputs but the largest, whose 1 would round small ones away; `equals`: as large as that.
            equals = -1  # a whole number, lest it be added in another order
            for j in range(outputs.shape[1]):
                below = outputs[i, j] < 0
                row += exponentials[i, j] if below else total * 0
                equals += 0 if below else 1
                met += targets[i, j] * outputs[i, j]
            row += equals
            for j in range(outputs.shape[1]):
                exponentials[i, j] = (exponentials[i, j] / (1 + row) - targets[i, j]) * weight[i, 0]
            row = math.log1p(row) - met
        elif loss == BINARY_CROSSENTROPY:  # log(1 + exp(z)) - y z, from exp(-|z|)
            for j in range(outputs.shape[1]):
                z, small = outputs[i, j], exponentials[i, j]
                row += math.log1p(small) + ((z * 0 + 1 if z > 0 else z * 0) - targets[i, j]) * z
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
def _turn(matrix: Any, turned: Any) -> None:
    """The transpose, in `turned`."""
    for j in range(matrix.shape[0]):
        for k in range(matrix.shape[1]):
            turned[k, j] = matrix[j, k]


@sum_loop
def _backward(rows: Any, point: Any, plan: Any, work: Any, exponentials: Any, scratch: Any, grad: Any) -> Any:
    """The weighted sum of the rows' losses, and its gradient by `point` in `grad`, after `_forward`.

    The gradient with respect to x is not computed.
    """
    x, widths, slopes = rows.x, plan.widths, plan.slopes
    n, place, stop, dz = x.shape[0], len(work), len(point), exponentials
    outputs = work[place - exponentials.size :].reshape(exponentials.shape)
    total = _loss(outputs, exponentials, rows.y, rows.weight, plan.loss)
    for layer in range(len(slopes) - 1, -1, -1):
        inputs, columns = widths[layer], widths[layer + 1]
        place -= n * columns
        start = stop - columns - inputs * columns
        y = work[place : place + n * columns].reshape(n, columns)
        last = layer == len(slopes) - 1
        if last or (layer == len(slopes) - 2 and widths[layer + 2] <= min(THIN, n)):
            # The loss has moved the outputs, and its gradient is theirs; what comes out of _thin_back is finished.
            _sum_rows(dz, grad[stop - columns : stop])
        else:
            _leaky_relu_grads(dz, y, slopes[layer], grad[stop - columns : stop])
        weight_grad = grad[start : start + inputs * columns].reshape(inputs, columns)
        if layer == 0:
            np.dot(x.T, dz, weight_grad)
        else:
            np.dot(work[place - n * inputs : place].reshape(n, inputs).T, dz, weight_grad)
            back = point[start : start + inputs * columns].reshape(inputs, columns)
            dx = scratch[layer % 2, : n * inputs].reshape(n, inputs)
            if last and columns <= min(THIN, n):  # no more than inputs, or the memory would not do
                turned = scratch[1 - layer % 2, : inputs * columns].reshape(columns, inputs)
                _turn(back, turned)
                _thin_back(dz, turned, work[place - n * inputs : place].reshape(n, inputs), slopes[layer - 1], dx)
            elif columns == 1:  # an outer product, for which BLAS takes five times as long
                for i in range(n):
                    for j in range(inputs):
                        dx[i, j] = dz[i, 0] * back[j, 0]
            else:
                np.dot(dz, back.T, dx)
            dz = dx
        stop = start
    return total


@sum_loop
def tile_gradient(rows: Any, point: Any, plan: Any, space: Any, grad: Any) -> Any:
    """The weighted sum of the rows' losses, and its gradient by `point` (size,) in `grad`.

    rows, plan: see `Rows`, `Plan`; space: a `Workspace` of as many rows or more.
    """
    n = rows.x.shape[0]
    work, exponents = space.outputs[: n * plan.widths[1:].sum()], space.exponents[:n]
    _forward(rows.x, point, plan.widths, plan.slopes, plan.loss, work, exponents)
    if plan.loss != SQUARED_ERROR:
        exponential(exponents.reshape(-1))
    return _backward(rows, point, plan, work, exponents, space.scratch, grad)


@sum_loop
def rows_between(rows: Any, start: Any, stop: Any) -> Any:
    """Some of the rows."""
    return Rows(rows.x[start:stop], rows.y[start:stop], rows.weight[start:stop])


@sum_loop
def tiles_gradient(
    rows: Any, point: Any, plan: Any, space: Any, slots: Any, losses: Any, first: Any, size: Any
) -> None:  # fmt: skip
    """`tile_gradient` of as many tiles of `size` rows as there are losses, from number `first` on.

    The gradient of tile k goes to slots[k % len(slots)]; slots: (s, parameters).
    """
    for k in range(first, first + len(losses)):
        tile = rows_between(rows, k * size, min((k + 1) * size, rows.x.shape[0]))
        losses[k - first] = tile_gradient(tile, point, plan, space, slots[k % len(slots)])

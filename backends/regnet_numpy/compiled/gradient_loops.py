"""A tile of rows through a network and back: one call without the interpreter's lock, so threads work side by side.

All values lie by columns, (features, n), so that every loop runs along the rows of a tile, whatever the widths are.
What only calls is compiled into its caller: each function of numba's own is optimised once more wherever it is used.

A tile's last row is repeated, with a weight of 0, until its rows fill whole cache lines: no loop has a rest, nothing
lies in two lines, and what these rows compute is as finite as the row that they are copies of.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from regnet.arrays.types import Array
from regnet_numpy.compiled.blas_product import multiply
from regnet_numpy.compiled.dropout_loops import drop
from regnet_numpy.compiled.jit import apart, call_at, inline, sum_loop
from regnet_numpy.compiled.plan import ACTIVATE, DROPPED, DZ, INPUTS, OUTPUTS, SLOPES, START, THRESHOLD, WIDE, X, Z
from regnet_numpy.compiled.product_loops import product, turn, weight_product, whole_lines

__all__ = ["Noise", "Rows", "add_weight_gradient", "tile_gradient"]

CHUNK = 16
"""Features that go through a layer's loops one after another, while they are in the nearest cache."""


class Rows(NamedTuple):
    """x: (n, inputs); y: targets (n, outputs); weight: (n,)."""

    x: Array
    y: Array
    weight: Array


class Noise(NamedTuple):
    """What dropout draws from. key: uint32, of a step; rows: the rows' numbers, int32 (n,); bits: memory, uint32."""

    key: Any
    rows: Array
    bits: Array


@sum_loop
def _drop(x: Any, layers: Any, scales: Any, layer: Any, first: Any, noise: Any) -> None:
    """In place: dropout of a layer's inputs from number `first` on, or of the gradient by them."""
    if noise is not None and layers[layer, DROPPED] >= 0:
        drop(x, first, noise, layers[layer, DROPPED], layers[layer, THRESHOLD], scales[layer])


@inline
def _columns(memory: Any, start: Any, features: Any, n: Any) -> Any:
    """Values (features, n) in memory, from feature `start` on."""
    return memory[start * n : (start + features) * n].reshape(features, n)


@inline
def _inputs(plan: Any, memory: Any, layer: Any, n: Any) -> Any:
    """A layer's, where they are in memory: those of the first one are only if they are turned."""
    features = plan.layers[layer, INPUTS] if layer or plan.by_columns else 0
    return _columns(memory, plan.layers[layer, X], features, n)


@inline
def _fill(columns: Any, n: Any) -> None:
    """The last of n rows, in those after it."""
    for j in range(columns.shape[0]):
        for i in range(n, columns.shape[1]):
            columns[j, i] = columns[j, n - 1]


@inline
def _forward(rows: Any, point: Any, plan: Any, memory: Any, n: Any, noise: Any) -> None:
    """Inputs, where they are turned, and every layer's outputs, in memory."""
    layers = plan.layers
    if plan.by_columns:
        x = _columns(memory, 0, layers[0, INPUTS], n)
        turn(rows.x, x)
        _drop(x, layers, plan.scales, 0, 0, noise)
    for layer in range(len(layers)):
        inputs, outputs, start = layers[layer, INPUTS], layers[layer, OUTPUTS], layers[layer, START]
        stop = start + inputs * outputs
        weight, bias = point[start:stop].reshape(inputs, outputs), point[stop : stop + outputs]
        x, z = _inputs(plan, memory, layer, n), _columns(memory, layers[layer, Z], outputs, n)
        wide = layers[layer, WIDE]
        if wide and (layer or plan.by_columns):
            multiply(plan.blas, weight, True, x, False, z, False)
        elif wide:
            own = len(rows.x)
            multiply(plan.blas, weight, True, rows.x, True, z[:, :own], False)
            _fill(z, own)
        for first in range(0, outputs, CHUNK):
            last = min(first + CHUNK, outputs)
            if not wide:
                product(weight, True, x, z, first, last)
            call_at(layers[layer, ACTIVATE], None, (z[first:last], bias[first:last], plan.own[layer]))
            if layer + 1 < len(layers) and layers[layer + 1, DROPPED] >= 0:
                place = layers[layer + 1, X]
                dropped = _columns(memory, place + first, last - first, n)
                dropped[:] = z[first:last]
                _drop(dropped, layers, plan.scales, layer + 1, first, noise)


@inline
def _weight_grad(rows: Any, plan: Any, x: Any, layer: Any, dz: Any, grad: Any) -> None:
    """By a layer's weight, unless that comes late."""
    if not plan.layers[layer, WIDE]:
        weight_product(x, dz, grad)
    elif not plan.late:
        if layer or plan.by_columns:
            multiply(plan.blas, x, False, dz, True, grad, False)
        else:
            multiply(plan.blas, rows.x, True, dz[:, : len(rows.x)], True, grad, False)


@inline
def _backward(rows: Any, point: Any, plan: Any, memory: Any, n: Any, noise: Any, grad: Any, dz: Any) -> None:
    """The gradient by `point`, in `grad`, after `_forward`. dz: of the loss by what the last layer gives."""
    layers = plan.layers
    last, stop = len(layers) - 1, len(point)
    z = _columns(memory, layers[last, Z], layers[last, OUTPUTS], n)
    call_at(layers[last, SLOPES], None, (dz, z, grad[stop - len(z) :], plan.own[last]))
    for layer in range(last, -1, -1):
        inputs, outputs, start = layers[layer, INPUTS], layers[layer, OUTPUTS], layers[layer, START]
        stop = start + inputs * outputs
        weight, weight_grad = point[start:stop].reshape(inputs, outputs), grad[start:stop].reshape(inputs, outputs)
        x, wide = _inputs(plan, memory, layer, n), layers[layer, WIDE]
        if wide or layer == 0:
            _weight_grad(rows, plan, x, layer, dz, weight_grad)
        if layer == 0:
            break
        dx = _columns(memory, layers[layer - 1, DZ], inputs, n)
        below = _columns(memory, layers[layer - 1, Z], inputs, n)
        if wide:
            multiply(plan.blas, weight, False, dz, False, dx, False)
        for first in range(0, inputs, CHUNK):
            end = min(first + CHUNK, inputs)
            if not wide:
                weight_product(x[first:end], dz, weight_grad[first:end])
                product(weight, False, dz, dx, first, end)
            _drop(dx[first:end], layers, plan.scales, layer, first, noise)
            bias_grad = grad[start - inputs + first : start - inputs + end]
            call_at(layers[layer - 1, SLOPES], None, (dx[first:end], below[first:end], bias_grad, plan.own[layer - 1]))
        dz = dx


@sum_loop
def tile_gradient(rows: Any, point: Any, plan: Any, memory: Any, noise: Any, grad: Any) -> Any:
    """The weighted sum of the rows' losses, and its gradient by `point` (size,) in `grad`.

    rows, plan: see `Rows`, `Plan`; memory: of `memory_of` as many rows or more; noise: `Noise`, or None. Where the plan
    is late the gradient has no entries of wide layers' weights yet: see `add_weight_gradient`.
    """
    apart()
    n, last = whole_lines(len(rows.x)), len(plan.layers) - 1
    outputs, place = plan.layers[last, OUTPUTS], plan.height
    _forward(rows, point, plan, memory, n, noise)
    y, scratch = _columns(memory, place, outputs, n), _columns(memory, place + outputs, 3, n)
    weight = _columns(memory, place + outputs + 3, 1, n)[0]
    weight[: len(rows.x)] = rows.weight
    weight[len(rows.x) :] = 0
    dz = _columns(memory, plan.layers[last, DZ], outputs, n)
    turn(rows.y, y)
    z = _columns(memory, plan.layers[last, Z], outputs, n)
    total = call_at(plan.loss, point[0], (z, y, weight, dz, scratch, plan.loss_own))
    _backward(rows, point, plan, memory, n, noise, grad, dz)
    return total


@sum_loop
def add_weight_gradient(
    rows: Any, plan: Any, memory: Any, layer: Any, first: Any, last: Any, add: Any, grad: Any
) -> None:  # fmt: skip
    """The gradient by a wide layer's weights of the inputs from first to last, in grad, or added to what is there.

    After `tile_gradient` of the same rows, in the same memory.
    """
    apart()
    n, outputs = whole_lines(len(rows.x)), plan.layers[layer, OUTPUTS]
    weight_grad, dz = grad.reshape(last - first, outputs), _columns(memory, plan.layers[layer, DZ], outputs, n)
    if layer or plan.by_columns:
        x = _inputs(plan, memory, layer, n)
        multiply(plan.blas, x[first:last], False, dz, True, weight_grad, add)
    else:
        multiply(plan.blas, rows.x[:, first:last], True, dz[:, : len(rows.x)], True, weight_grad, add)

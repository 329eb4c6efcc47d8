"""A network's gradient and Adam's update as the references compute them, step by step, in arrays that are kept.

A fresh array for every operation costs NumPy more than the operation: memory that has left the cache, and pages that
the system has to map. Here a layer's activations and their gradients lie where those of the last step lay, and the
weights' gradients are products right into their place in the point. The bits are the reference's.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from regnet.reductions import sum_outputs, sum_rows
from regnet_numpy.tiles import sum_in_tiles

__all__ = ["buffered_kernel"]

Function: TypeAlias = Callable[..., Any]

KEPT = 32
"""Arrays that a thread keeps; all are let go when there are more, for another network has other shapes."""


class _Kept(threading.local):
    """Arrays of one thread by purpose, shape and type."""

    def __init__(self) -> None:
        self.arrays: dict[Any, Any] = {}

    def get(self, purpose: Any, shape: tuple[int, ...], dtype: Any) -> Any:
        """An array whose content means nothing."""
        key = (purpose, shape, dtype)
        if key not in self.arrays:
            if len(self.arrays) >= KEPT:
                self.arrays.clear()
            self.arrays[key] = np.empty(shape, dtype)
        return self.arrays[key]


_kept = _Kept()


def buffered_kernel(name: str, reference: Function, /) -> Function:
    """The version of a kernel that keeps its arrays, or the reference."""
    makers = {"gradient": _buffer_gradient, "prox_update": _buffer_prox_update}
    return makers[name](reference) if name in makers else reference


def _buffer_gradient(reference: Function) -> Function:
    """`regnet.kernels.gradient` for networks without dropout."""

    def gradient(backend: Any, network: Any, rows: Any, point: Any, key: Any) -> Any:
        if key is not None:
            return reference(backend, network, rows, point, key)
        networks = point.shape[0] if point.ndim > 2 else None
        return sum_in_tiles(lambda tile, own: _tile(network, tile, own), rows, (point,), network.width, networks)

    return gradient


def _tile(network: Any, rows: Any, point: Any) -> tuple[Any, Any]:
    """Loss and gradient on a tile of rows."""
    layers, params = network.dense_layers, network.layout.split(point)
    inputs = [rows.x]
    for number, layer in enumerate(layers):
        weight, bias = params[2 * number], params[2 * number + 1]
        shape = (*weight.shape[:-2], rows.x.shape[-2], weight.shape[-1])
        z = np.matmul(inputs[-1], weight, out=_kept.get(number, shape, point.dtype))
        z += bias
        inputs.append(np.maximum(z, 0, out=z) if _in_place(layer) else layer.activation_object.forward(z))
    loss, dy = network.loss_object.value_and_grad(inputs[-1], rows.y)
    total = sum_rows(loss * rows.weight)
    dy = dy * rows.weight
    grad = np.empty(point.shape, point.dtype)
    grads = network.layout.split(grad)
    for number in reversed(range(len(layers))):
        y, x, weight = inputs[number + 1], inputs[number], params[2 * number]
        if _in_place(layers[number]):
            # 1.0 or 0.0: to multiply by a boolean, NumPy converts it, which takes longer than the product.
            alive = np.greater(y, 0, out=_kept.get("alive", y.shape, point.dtype), casting="unsafe")
            dy = np.multiply(dy, alive, out=dy)
        else:
            dy = layers[number].activation_object.backward(dy, y)
        np.matmul(np.ones((1, dy.shape[-2]), dy.dtype), dy, out=grads[2 * number + 1])
        np.matmul(x.mT, dy, out=grads[2 * number])
        if number:
            back, kept = weight.mT, _kept.get(("back", number), (*dy.shape[:-1], weight.shape[-2]), point.dtype)
            # With one output this is an outer product, for which BLAS takes five times as long.
            dy = np.multiply(dy, back, out=kept) if back.shape[-2] == 1 else np.matmul(dy, back, out=kept)
    return total, grad


def _in_place(layer: Any) -> bool:
    return type(layer.activation_object).__name__ == "Relu"


def _buffer_prox_update(reference: Function) -> Function:
    """`regnet.kernels.prox_update` for Adam, unless L1 acts by its subgradient."""

    def prox_update(
        optimizer: Any,
        layout: Any,
        point: Any,
        grad: Any,
        slots: Any,
        strengths: Any,
        t: Any,
        learning_rate: Any,
        weight_share: Any = None,
        with_penalty: bool = False,
    ) -> Any:
        if type(optimizer).__name__ != "Adam" or strengths.l1_subgradient is not None or with_penalty:
            return reference(
                optimizer, layout, point, grad, slots, strengths, t, learning_rate, weight_share, with_penalty
            )
        shape, dtype = point.shape, point.dtype
        one, two = (_kept.get(name, shape, dtype) for name in ("one", "two"))
        shares = ((strengths.l2, None), (strengths.batch_l2, weight_share))
        for strength, share in shares:
            if strength is not None:
                np.multiply(2.0, strength if share is None else strength / share, out=one)
                np.multiply(one, point, out=one)
                grad = np.add(grad, one, out=two)
        # Two sets of arrays take turns; `tiles.repeat_in_groups` hands out copies of the last one.
        turn = int(slots[0] is _kept.get(("m", 0), shape, dtype))
        m, v, moved = (_kept.get((name, turn), shape, dtype) for name in ("m", "v", "moved"))
        np.multiply(optimizer.beta1, slots[0], out=m)
        np.multiply(optimizer.beta2, slots[1], out=v)
        m += np.multiply(1.0 - optimizer.beta1, grad, out=one)
        np.multiply(grad, grad, out=one)
        v += np.multiply(1.0 - optimizer.beta2, one, out=one)
        steps = t.astype(dtype)
        root = np.sqrt(_bias_correction(optimizer.beta2, steps))
        metric = np.sqrt(v, out=one)
        for rows, squares, group in _grouped(layout, strengths, metric, v):
            np.copyto(rows, np.sqrt(sum_outputs(squares) / squares.shape[-1]), where=group > 0)
        metric += optimizer.epsilon if optimizer.epsilon_hat else optimizer.epsilon * root
        np.divide(m, metric, out=two)
        two *= learning_rate * (root / _bias_correction(optimizer.beta1, steps))
        np.subtract(point, two, out=moved)
        if strengths.l2 is not None or strengths.batch_l2 is not None:  # see regnet.kernels.flush_subnormal
            np.abs(moved, out=two)
            small = np.less(two, np.finfo(dtype).smallest_normal, out=_kept.get("small", shape, np.bool_))
            if small.any():
                np.multiply(moved, np.logical_not(small, out=two, casting="unsafe"), out=moved)
        _prox_in_place(moved, learning_rate * root, metric, two, strengths, layout)
        return moved, (m, v), None

    return prox_update


def _grouped(layout: Any, strengths: Any, *points: Any) -> Any:
    """The arrays whose rows are groups, as views into points, each with its strengths."""
    if not strengths.group:
        return []
    columns = zip(*(layout.split(point) for point in points), strengths.group, strict=True)
    return [arrays for arrays in columns if arrays[-1] is not None]


def _prox_in_place(point: Any, scale: Any, metric: Any, spare: Any, strengths: Any, layout: Any) -> None:
    """`regnet.regularizer.penalty_prox` with step size scale / metric; changes the point and an array to spare."""
    if strengths.l1 is not None:
        threshold = np.divide(scale, metric, out=spare)
        threshold *= strengths.l1
        shrunk = np.subtract(np.abs(point), threshold, out=threshold)
        np.maximum(shrunk, 0, out=shrunk)
        np.multiply(np.sign(point, out=point), shrunk, out=point)
    for rows, own, group in _grouped(layout, strengths, point, metric):
        norms = np.sqrt(sum_outputs(rows * rows))
        factor = 1 - (scale / own[..., :1]) * group / np.where(norms > 0, norms, 1)
        rows *= np.maximum(factor, 0, out=factor)


def _bias_correction(beta: float, t: Any) -> Any:
    """1 - beta^(t + 1), as in regnet.optimizers."""
    return np.ones_like(t) if beta == 0.0 else -np.expm1(math.log(beta) * (t + 1.0))

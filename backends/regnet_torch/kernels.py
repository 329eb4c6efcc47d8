"""The gradient and Adam's update with PyTorch's own fused operations.

`addmm`, `threshold_backward`, `lerp` and `addcmul` read and write memory once where the functions of the Array API do
so two or three times. They compute the same, in another order of rounding.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeAlias

import torch

from regnet.arrays.reductions import sum_rows
from regnet.backend.protocol import Updated

__all__ = ["fuse_gradient", "fuse_update"]

Function: TypeAlias = Callable[..., Any]


def fuse_gradient(reference: Function, /) -> Function:
    """`networks.kernels.gradient` for networks without dropout."""

    def gradient(backend: Any, network: Any, rows: Any, point: Any, key: Any) -> Any:
        if key is not None:
            return reference(backend, network, rows, point, key)
        networks = point.shape[0] if point.ndim > 2 else None
        return backend.sum_rows(
            lambda block, own: _block(network, block, own), rows, point, width=network.width, networks=networks
        )

    return gradient


def _is_relu(layer: Any) -> bool:
    return type(layer.activation_object).__name__ == "Relu"


def _block(network: Any, rows: Any, point: Any) -> tuple[Any, Any]:
    """Loss and gradient on a block of rows."""
    layers, params = network.dense_layers, network.layout.split(point)
    inputs = [rows.x]
    for number, layer in enumerate(layers):
        weight, bias = params[2 * number], params[2 * number + 1]
        # One network: bias and product in one call. A stack: the rows may be shared, which baddbmm does not take.
        z = torch.addmm(bias, inputs[-1], weight) if weight.ndim == 2 else (inputs[-1] @ weight).add_(bias)
        inputs.append(z.relu_() if _is_relu(layer) else layer.activation_object.forward(z))
    loss, dy = network.loss_object.value_and_grad(inputs[-1], rows.y)
    total = sum_rows(loss * rows.weight)
    dy = dy * rows.weight
    grad = torch.empty_like(point)
    grads = network.layout.split(grad)
    for number in range(len(layers) - 1, -1, -1):
        y, x, weight = inputs[number + 1], inputs[number], params[2 * number]
        if _is_relu(layers[number]):
            dy = torch.ops.aten.threshold_backward(dy, y, 0)
        else:
            dy = layers[number].activation_object.backward(dy, y)
        grads[2 * number][...] = x.mT @ dy
        grads[2 * number + 1][...] = dy.sum(dim=-2, keepdim=True)
        if number:
            dy = dy @ weight.mT
    return total, grad


def fuse_update(reference: Callable[..., Updated], /) -> Callable[..., Updated]:
    """`networks.kernels.update` for Adam and AdamW under L2 terms, on the processor.

    There a number may be read without waiting for a device.
    """

    def update(
        optimizer: Any,
        layout: Any,
        point: Any,
        grad: Any,
        slots: Any,
        strengths: Any,
        t: Any,
        learning_rate: Any,
        row_share: Any = None,
        with_penalty: bool = False,
    ) -> Updated:
        smooth = strengths.l1 is strengths.l1_subgradient is None and not strengths.group
        adam = type(optimizer).__name__ in ("Adam", "AdamW")
        if not adam or not smooth or with_penalty or point.device.type != "cpu":
            return reference(
                optimizer, layout, point, grad, slots, strengths, t, learning_rate, row_share, with_penalty
            )
        if strengths.l2 is not None:
            grad = torch.addcmul(grad, point, strengths.l2, value=2.0)
        if strengths.batch_l2 is not None:
            share = strengths.batch_l2 if row_share is None else strengths.batch_l2 / row_share
            grad = torch.addcmul(grad, point, share, value=2.0)
        step = float(t)
        m = torch.lerp(slots[0], grad, 1.0 - optimizer.beta1)
        v = (slots[1] * optimizer.beta2).addcmul_(grad, grad, value=1.0 - optimizer.beta2)
        root = math.sqrt(_bias_correction(optimizer.beta2, step))
        metric = v.sqrt().add_(optimizer.epsilon if optimizer.epsilon_hat else optimizer.epsilon * root)
        kept = point * (1.0 - optimizer.weight_decay * learning_rate) if hasattr(optimizer, "weight_decay") else point
        moved = kept - (m / metric).mul_(learning_rate * (root / _bias_correction(optimizer.beta1, step)))
        if strengths.l2 is not None or strengths.batch_l2 is not None:  # see networks.kernels.flush_subnormal
            moved = torch.nn.functional.hardshrink(moved, torch.finfo(moved.dtype).smallest_normal)
        return Updated(moved, (m, v), None)

    return update


def _bias_correction(beta: float, t: float) -> float:
    """1 - beta^(t + 1)."""
    return -math.expm1(math.log(beta) * (t + 1.0)) if beta else 1.0

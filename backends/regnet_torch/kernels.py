"""The gradient and Adam's update with PyTorch's own fused operations.

`addmm`, `threshold_backward`, `lerp` and `addcmul` read and write memory once where the functions of the Array API do
so two or three times. They compute the same, in another order of rounding.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch

from regnet.arrays.reductions import sum_rows
from regnet.arrays.types import Array
from regnet.backend.protocol import Backend, Kernels, Updated
from regnet.mathematics.activations import Activation, Relu
from regnet.mathematics.optimizers import Adam, AdamW, Optimizer, Slots

__all__ = ["fuse_kernels"]


def fuse_kernels(reference: Kernels, /) -> Kernels:
    """The reference with PyTorch's gradient and update; what these cannot do goes to the reference's."""
    return reference._replace(gradient=_fuse_gradient(reference), update=_fuse_update(reference.update))


def _fuse_gradient(reference: Kernels) -> Callable[..., tuple[Array, Array]]:
    """`networks.kernels.gradient` for networks of our own layers, without dropout."""

    def gradient(backend: Backend, network: Any, rows: Any, point: Array, key: Array | None, /) -> tuple[Array, Array]:
        if key is not None or not network.is_plain:
            return reference.gradient(backend, network, rows, point, key)
        networks = point.shape[0] if point.ndim > 2 else None
        loss, grad = backend.sum_rows(
            lambda block, own: _block(network, block, own), rows, point, width=network.width, networks=networks
        )
        return loss, grad

    return gradient


def _is_relu(activation: Activation) -> bool:
    return type(activation) is Relu


def _block(network: Any, rows: Any, point: Array) -> tuple[Array, Array]:
    """Loss and gradient on a block of rows."""
    activations = [layer.activation_object for layer in network.dense_layers]
    inputs, params = [rows.x], network.layout.split(point)
    for number, activation in enumerate(activations):
        weight, bias = params[2 * number], params[2 * number + 1]
        # One network: bias and product in one call. A stack: the rows may be shared, which baddbmm does not take.
        z = torch.addmm(bias, inputs[-1], weight) if weight.ndim == 2 else (inputs[-1] @ weight).add_(bias)
        inputs.append(z.relu_() if _is_relu(activation) else activation.forward(z))
    loss, dy = network.loss_object.value_and_grad(inputs[-1], rows.y)
    total = sum_rows(loss * rows.weight)
    dy = dy * rows.weight
    grad = torch.empty_like(point)
    grads = network.layout.split(grad)
    for number in range(len(activations) - 1, -1, -1):
        y, x, weight, activation = inputs[number + 1], inputs[number], params[2 * number], activations[number]
        dy = torch.ops.aten.threshold_backward(dy, y, 0) if _is_relu(activation) else activation.backward(dy, y)
        grads[2 * number][...] = x.mT @ dy
        grads[2 * number + 1][...] = dy.sum(dim=-2, keepdim=True)
        if number:
            dy = dy @ weight.mT
    return total, grad


def _fuse_update(reference: Callable[..., Updated]) -> Callable[..., Updated]:
    """`networks.kernels.update` for Adam and AdamW under L2 terms, on the processor.

    There a number may be read without waiting for a device.
    """

    def update(
        optimizer: Optimizer,
        layout: Any,
        point: Array,
        grad: Array,
        slots: Slots,
        strengths: Any,
        t: Array,
        learning_rate: Array,
        row_share: Array | None = None,
        with_penalty: bool = False,
        /,
    ) -> Updated:
        smooth = strengths.l1 is strengths.l1_subgradient is None and not strengths.group
        adam = type(optimizer) is Adam or type(optimizer) is AdamW
        if not adam or not smooth or with_penalty or point.device.type != "cpu":
            return reference(
                optimizer, layout, point, grad, slots, strengths, t, learning_rate, row_share, with_penalty
            )
        if strengths.l2 is not None:
            grad = torch.addcmul(grad, point, strengths.l2, value=2.0)
        if strengths.batch_l2 is not None:
            share = strengths.batch_l2 if row_share is None else strengths.batch_l2 / row_share
            grad = torch.addcmul(grad, point, share, value=2.0)
        moved, slots = _adam(optimizer, point, grad, slots, float(t), learning_rate)
        if strengths.l2 is not None or strengths.batch_l2 is not None:  # see networks.kernels.flush_subnormal
            moved = torch.nn.functional.hardshrink(moved, torch.finfo(moved.dtype).smallest_normal)
        return Updated(moved, slots, None)

    return update


def _adam(rule: Any, point: Array, grad: Array, slots: Slots, t: float, learning_rate: Array) -> tuple[Array, Slots]:
    """The point and the slots after a step of Adam or AdamW, number t."""
    m = torch.lerp(slots[0], grad, 1.0 - rule.beta1)
    v = (slots[1] * rule.beta2).addcmul_(grad, grad, value=1.0 - rule.beta2)
    root = math.sqrt(_bias_correction(rule.beta2, t))
    metric = v.sqrt().add_(rule.epsilon if rule.epsilon_hat else rule.epsilon * root)
    kept = point * (1.0 - rule.weight_decay * learning_rate) if type(rule) is AdamW else point
    return kept - (m / metric).mul_(learning_rate * (root / _bias_correction(rule.beta1, t))), (m, v)


def _bias_correction(beta: float, t: float) -> float:
    """1 - beta^(t + 1)."""
    return -math.expm1(math.log(beta) * (t + 1.0)) if beta else 1.0

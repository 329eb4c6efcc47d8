"""The pure functions that training spends its time in beside the products, each a chain of elementwise operations.

Here they are written on the Array API, for any library. A backend may have fused versions of its own
(`Backend.kernel`), which compute the same, in another order of rounding. Arrays called "ours" were made for this call
and may be overwritten.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from regnet.activations import Activation
from regnet.backend import Backend
from regnet.layout import Layout
from regnet.losses import Loss
from regnet.namespace import array_namespace
from regnet.optimizers import Optimizer, Slots
from regnet.regularizer import Strengths, add_penalty_grad, group_mean, penalty_prox, penalty_terms
from regnet.types import Array

__all__ = ["REFERENCE", "Kernels", "Updated", "activate", "activation_grads", "kernels_of", "prox_update", "sum_loss"]


def activate(activation: Activation, product: Array, bias: Array, /) -> Array:
    """The output f(product + bias); product: (..., n, out), ours; bias: (..., 1, out)."""
    product += bias
    return activation.forward(product)


def activation_grads(activation: Activation, dy: Array, y: Array, /) -> tuple[Array, Array]:
    """Gradients dz = dy * f'(z) and its sum over rows; dy, y: (..., n, out). Returns (..., n, out), (..., 1, out)."""
    dz = activation.backward(dy, y)
    return dz, array_namespace(dz).sum(dz, axis=-2, keepdims=True)


def sum_loss(loss: Loss, outputs: Array, targets: Array, weight: Array, /) -> tuple[Array, Array]:
    """The weighted sum of the rows' losses, (..., 1, 1), and its gradient, shape of the outputs (..., n, out).

    weight: (..., n, 1).
    """
    values, grad = loss.value_and_grad(outputs, targets)
    return array_namespace(values).sum(values * weight, axis=-2, keepdims=True), grad * weight


class Updated(NamedTuple):
    """A point and slots after a step, and the penalty before it, (..., 1, 1), or None if it was not asked for."""

    point: Array
    slots: Slots
    penalty: Array | None


def prox_update(
    optimizer: Optimizer,
    layout: Layout,
    point: Array,
    grad: Array,
    slots: Slots,
    strengths: Strengths,
    t: Array,
    learning_rate: Array,
    weight_share: Array | None = None,
    with_penalty: bool = False,
    /,
) -> Updated:
    """One step of all parameters: L2 and subgradient L1 join the gradient, proximal L1 and groups follow the step.

        w <- prox_{s * penalty}( w - s * direction ),     s: the optimizer's own step size, entry by entry

    point, grad: (..., 1, size), grad of the data loss; t: steps taken, 0-d integer; weight_share: of all rows'
    weights, in this batch, (..., 1, 1) or None; with_penalty: whether its value is wanted.
    """
    penalty = None
    if with_penalty:
        values = penalty_terms(point, strengths, layout, weight_share).values()
        penalty = sum(values, start=array_namespace(point).zeros_like(point[..., :1]))
    grad = add_penalty_grad(grad, point, strengths, weight_share)
    t = array_namespace(point).astype(t, point.dtype)
    moved = optimizer.descend(point, grad, slots, t, learning_rate, group_mean(strengths, layout))
    if strengths.l1 is None and not strengths.group:
        return Updated(moved.point, moved.slots, penalty)
    return Updated(penalty_prox(moved.point, moved.step_size, strengths, layout), moved.slots, penalty)


class Kernels(NamedTuple):
    """One implementation of each function above, under the name by which backends know it."""

    activate: Callable[..., Any] = activate
    activation_grads: Callable[..., Any] = activation_grads
    sum_loss: Callable[..., Any] = sum_loss
    prox_update: Callable[..., Any] = prox_update


REFERENCE = Kernels()


def kernels_of(backend: Backend, /) -> Kernels:
    """The backend's own versions where it has them."""
    return Kernels(*(backend.kernel(name, function) for name, function in REFERENCE._asdict().items()))

"""The two pure functions that training spends its time in: a network's gradient, and the update of its parameters.

Here they are written on the Array API, for any library. A backend may have fused versions of its own
(`Backend.kernel`), which compute the same, in another order of rounding.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from regnet.arrays.namespace import array_namespace
from regnet.arrays.types import Array
from regnet.backend.protocol import Backend
from regnet.mathematics.optimizers import Optimizer, Slots
from regnet.networks.layout import Layout
from regnet.networks.network import Network, Rows
from regnet.networks.regularizer import add_penalty_grad, group_mean, penalty_prox, penalty_terms
from regnet.networks.strengths import Strengths

__all__ = ["REFERENCE", "Kernels", "Updated", "flush_subnormal", "gradient", "kernels_of", "prox_update"]


def gradient(backend: Backend, network: Network, rows: Rows, point: Array, key: Array | None, /) -> tuple[Array, Array]:
    """The weighted data loss, (..., 1, 1), and its gradient, shape of the point (..., 1, size).

    rows: (..., n, ...), cut into blocks as the backend likes; key: for dropout, or None.
    """
    networks = point.shape[0] if len(point.shape) > 2 else None
    params = network.unpack(point)
    loss, grads = backend.sum_rows(network.loss_and_grads, rows, params, key, width=network.width, networks=networks)
    return loss, network.pack(grads)


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
    row_share: Array | None = None,
    with_penalty: bool = False,
    /,
) -> Updated:
    """One step of all parameters: L2 and subgradient L1 join the gradient, proximal L1 and groups follow the step.

        w <- prox_{s * penalty}( w - s * direction ),     s: the optimizer's own step size, entry by entry

    point, grad: (..., 1, size), grad of the data loss; t: steps taken, 0-d integer; row_share: of all rows, in this
    batch, (..., 1, 1) or None; with_penalty: whether its value is wanted.
    """
    penalty = None
    if with_penalty:
        values = penalty_terms(point, strengths, layout, row_share).values()
        penalty = sum(values, start=array_namespace(point).zeros_like(point[..., :1]))
    grad = add_penalty_grad(grad, point, strengths, row_share)
    t = array_namespace(point).astype(t, point.dtype)
    moved = optimizer.descend(point, grad, slots, t, learning_rate, group_mean(strengths, layout))
    point = moved.point
    if strengths.l2 is not None or strengths.batch_l2 is not None:
        point = flush_subnormal(point)
    if strengths.l1 is not None or strengths.group:
        point = penalty_prox(point, moved.step_size, strengths, layout)
    return Updated(point, moved.slots, penalty)


def flush_subnormal(point: Array, /) -> Array:
    """0 in place of numbers below the smallest normal one, as GPUs and XLA have it.

    L2 takes the weights of a neuron that has died there within thousands of steps, and a product with a subnormal
    number takes a processor a hundred times as long as any other.
    """
    xp = array_namespace(point)
    return point * xp.astype(xp.abs(point) >= float(xp.finfo(point.dtype).smallest_normal), point.dtype)


class Kernels(NamedTuple):
    """One implementation of each function above, under the name by which backends know it."""

    gradient: Callable[..., Any] = gradient
    prox_update: Callable[..., Any] = prox_update


REFERENCE = Kernels()


def kernels_of(backend: Backend, /) -> Kernels:
    """The backend's own versions where it has them."""
    return Kernels(*(backend.kernel(name, function) for name, function in REFERENCE._asdict().items()))

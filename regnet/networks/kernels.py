"""What training and prediction spend their time in: gradients, updates, runs of steps, outputs.

Here they are written on the Array API, for any library. A backend may have versions of its own (`Backend.kernels`),
which compute the same, in another order of rounding; `kernels_of` is where it is asked for them.
"""

from __future__ import annotations

from functools import lru_cache

from regnet.arrays.namespace import array_namespace
from regnet.arrays.types import Array, Step, Tree
from regnet.backend.blocks import BLOCK_ELEMENTS, row_blocks
from regnet.backend.config import get_config
from regnet.backend.protocol import Backend, Kernels, Run, Updated
from regnet.mathematics.optimizers import Optimizer, Slots
from regnet.networks.layout import Layout
from regnet.networks.network import Network, Rows
from regnet.networks.regularizer import add_penalty_grad, group_mean, penalty_prox, penalty_terms
from regnet.networks.strengths import Strengths

__all__ = ["REFERENCE", "flush_subnormal", "gradient", "kernels_of", "predict", "repeat_step", "update"]


def gradient(backend: Backend, network: Network, rows: Rows, point: Array, key: Array | None, /) -> tuple[Array, Array]:
    """The weighted data loss, (..., 1, 1), and its gradient, shape of the point (..., 1, size).

    rows: (..., n, ...), cut into blocks as the backend likes; key: for dropout, or None.
    """
    networks = point.shape[0] if len(point.shape) > 2 else None
    params = network.unpack(point)
    loss, grads = backend.sum_rows(network.loss_and_grads, rows, params, key, width=network.width, networks=networks)
    return loss, network.pack(grads)


def update(
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


def predict(network: Network, params: Tree, table: Array, /) -> Array:
    """The network's outputs (..., n, out) for a table (..., n, in), block by block: activations need bounded memory."""
    size = max(1, BLOCK_ELEMENTS // network.width)
    parts = [network.apply(params, block) for block in row_blocks(table, size)]
    return parts[0] if len(parts) == 1 else array_namespace(table).concat(parts, axis=-2)


def repeat_step(backend: Backend, network: Network, optimizer: Optimizer, step: Step, /) -> Run:
    """A plain loop over `step`."""

    def run(state: Tree, data: Tree, hyper: Tree, n: int) -> Tree:
        for _ in range(n):
            state = step(state, data, hyper)
        return state

    return run


REFERENCE = Kernels(gradient=gradient, update=update, run=repeat_step, predict=predict)


def kernels_of(backend: Backend, /) -> Kernels:
    """The backend's own versions where it has them; it is asked once."""
    return _asked(backend, get_config().fast)


@lru_cache(maxsize=16)
def _asked(backend: Backend, fast: bool) -> Kernels:
    """fast: the setting in force, on which the answer may depend."""
    return backend.kernels(REFERENCE)

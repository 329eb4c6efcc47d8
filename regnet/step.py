"""The training step: one pure function of state, data and hyperparameters, for one network or a stack."""

from __future__ import annotations

from typing import NamedTuple

from array_api_compat import array_namespace
from array_api_compat import device as device_of

from regnet.backend import Backend
from regnet.counter import mix
from regnet.network import Network, Rows
from regnet.optimizers import Optimizer, Slots
from regnet.penalties import Strengths, add_penalty_grad, soft_threshold
from regnet.schedules import as_schedule
from regnet.tree import leaves, rebuild
from regnet.types import Array, Step, Tree

__all__ = ["Data", "Hyper", "State", "make_step", "prox_update", "take_batch"]


class State(NamedTuple):
    """What a step changes.

    params: the network's; slots: one tuple per parameter array, in the order of `leaves(params)`;
    t: steps taken, 0-d int32; loss: data loss before the last step, (..., 1, 1);
    diverged_at: int32 (..., 1, 1), the step at which the loss stopped being finite, or -1. A diverged network keeps
    its last parameters; its neighbours in the stack go on.
    """

    params: Tree
    slots: tuple[Slots, ...]
    t: Array
    loss: Array
    diverged_at: Array


class Data(NamedTuple):
    """What a step reads: all rows, and the batches of an epoch.

    x, y, weight, number: as in `Rows`; weights need not sum to 1 when batches are drawn.
    table: int32 (..., steps, batch), row numbers of each batch, -1 for padding; None: every step takes all rows.
    """

    x: Array
    y: Array
    weight: Array
    number: Array | None
    table: Array | None


class Hyper(NamedTuple):
    """What may differ between the networks of a stack; each array (..., 1, 1).

    learning_rate: of the first step; strengths: one `Strengths` per parameter array; seed: int32, for dropout.
    """

    learning_rate: Array
    strengths: tuple[Strengths, ...]
    seed: Array | None


def make_step(backend: Backend, network: Network, optimizer: Optimizer, /) -> Step:
    """`step(state, data, hyper) -> state`: one optimizer step on one batch. Reads nothing on the host."""
    schedule = as_schedule(optimizer.learning_rate)

    def step(state: State, data: Data, hyper: Hyper) -> State:
        xp = array_namespace(hyper.learning_rate)
        t = xp.astype(state.t, hyper.learning_rate.dtype)
        rate = hyper.learning_rate * schedule.factor(t)
        key = None if hyper.seed is None else mix(hyper.seed ^ state.t)
        rows = take_batch(data, state.t)
        loss, grads = backend.sum_rows(network.loss_and_grads, rows, state.params, key)
        updated = [
            prox_update(optimizer, *leaf, t, rate)
            for leaf in zip(leaves(state.params), leaves(grads), state.slots, hyper.strengths, strict=True)
        ]
        params = rebuild(state.params, [weight for weight, _ in updated])
        slots = tuple(slot for _, slot in updated)
        alive = xp.isfinite(loss) & (state.diverged_at < 0)
        params, slots = backend.select(alive, (params, slots), (state.params, state.slots))
        diverged_at = xp.where(alive | (state.diverged_at >= 0), state.diverged_at, state.t)
        return State(params, slots, state.t + 1, loss, diverged_at)

    return step


def prox_update(
    optimizer: Optimizer,
    w: Array,
    grad: Array,
    slots: Slots,
    strengths: Strengths,
    t: Array,
    learning_rate: Array,
    /,
) -> tuple[Array, Slots]:
    """One parameter array's step: L2 and subgradient L1 join the gradient, proximal L1 follows the step.

        w <- prox_{s * l1 |.|}( w - s * direction ),     s: the optimizer's own step size, elementwise

    w: (..., in, out). Returns the new w and slots.
    """
    weight, step_size, slots = optimizer.descend(w, add_penalty_grad(grad, w, strengths), slots, t, learning_rate)
    if strengths.l1 is not None:
        weight = soft_threshold(weight, step_size * strengths.l1)
    return weight, slots


def take_batch(data: Data, t: Array, /) -> Rows:
    """The rows of step t, with weights that sum to 1 per network; padding has weight 0.

    t: 0-d integer; the table is read round and round.
    """
    if data.table is None:
        return Rows(data.x, data.y, data.weight, data.number)
    xp = array_namespace(data.x)
    which = xp.reshape(t % data.table.shape[-2], (1,))
    numbers = xp.take(data.table, which, axis=-2)[..., 0, :]
    present = xp.astype(numbers >= 0, data.weight.dtype)[..., None]
    numbers = numbers * xp.astype(numbers >= 0, numbers.dtype)
    weight = _gather(data.weight, numbers) * present
    total = xp.sum(weight, axis=-2, keepdims=True)
    weight = weight / xp.where(total > 0, total, xp.ones_like(total))
    return Rows(_gather(data.x, numbers), _gather(data.y, numbers), weight, data.number)


def _gather(values: Array, numbers: Array) -> Array:
    """Rows of values (n, c) or (K, n, c) at numbers (B,) or (K, B). Returns (B, c) or (K, B, c).

    Indices are flattened, because the standard's `take` accepts one axis of them only.
    """
    xp = array_namespace(values)
    if values.ndim > 2:
        networks, n, columns = values.shape
        first = xp.arange(networks, dtype=numbers.dtype, device=device_of(values))[:, None] * n
        numbers = first + numbers
        values = xp.reshape(values, (networks * n, columns))
    taken = xp.take(values, xp.reshape(numbers, (-1,)), axis=0)
    return xp.reshape(taken, (*numbers.shape, values.shape[-1]))

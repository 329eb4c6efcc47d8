"""The training step: one pure function of state, data and hyperparameters, for one network or a stack."""

from __future__ import annotations

from typing import NamedTuple

from array_api_compat import device as device_of

from regnet.backend import Backend
from regnet.counter import mix
from regnet.layout import Layout
from regnet.namespace import array_namespace
from regnet.network import Network, Rows
from regnet.optimizers import Optimizer, Slots
from regnet.regularizer import Strengths, add_penalty_grad, group_mean, penalty_prox, penalty_terms
from regnet.schedules import as_schedule
from regnet.types import Array, Step

__all__ = ["Batch", "Batches", "Data", "Hyper", "State", "batches_of", "make_step", "prox_update", "take_batch"]


class State(NamedTuple):
    """What a step changes.

    point: the network's parameters, (..., 1, size); slots: the optimizer's memory, arrays of that shape;
    t: steps taken, 0-d int32; loss: data loss before the last step, (..., 1, 1);
    diverged_at: int32 (..., 1, 1), the step at which the loss stopped being finite, or -1. A diverged network keeps
    its last parameters; its neighbours in the stack go on.
    running_loss: (..., 1, 1), sum over the steps since the host last reset it of (loss + penalties before the step)
    times the batch's share of the rows; None: it is not asked for and costs nothing.
    """

    point: Array
    slots: Slots
    t: Array
    loss: Array
    diverged_at: Array
    running_loss: Array | None = None


class Batches(NamedTuple):
    """The batches of an epoch.

    rows: int32 (..., steps, batch), row numbers; weight: (..., steps, batch), sums to 1 in each batch, 0 for padding;
    weight_share, row_share: of all weights and of all rows, in each batch, (..., steps, 1).
    """

    rows: Array
    weight: Array
    weight_share: Array
    row_share: Array


class Data(NamedTuple):
    """What a step reads: all rows, and the batches of an epoch.

    x, y, weight, number: as in `Rows`; batches: None for all rows in every step.
    """

    x: Array
    y: Array
    weight: Array
    number: Array | None
    batches: Batches | None = None


class Batch(NamedTuple):
    """The rows of one step, with weights that sum to 1 per network.

    weight_share: of all weights, (..., 1, 1); row_share: of all rows, (..., 1, 1). None: all of them.
    """

    rows: Rows
    weight_share: Array | None = None
    row_share: Array | None = None


class Hyper(NamedTuple):
    """What may differ between the networks of a stack; arrays (..., 1, 1), strengths as `Strengths` says.

    learning_rate: of the first step; seed: int32, for dropout, or None.
    """

    learning_rate: Array
    strengths: Strengths
    seed: Array | None


def make_step(backend: Backend, network: Network, optimizer: Optimizer, /) -> Step:
    """`step(state, data, hyper) -> state`: one optimizer step on one batch. Reads nothing on the host."""
    schedule = as_schedule(optimizer.learning_rate)

    def step(state: State, data: Data, hyper: Hyper) -> State:
        xp = array_namespace(state.point)
        t = xp.astype(state.t, hyper.learning_rate.dtype)
        rate = hyper.learning_rate * schedule.factor(t)
        key = None if hyper.seed is None else mix(hyper.seed ^ state.t)
        batch = take_batch(data, state.t)
        params = network.unpack(state.point)
        networks = state.point.shape[0] if state.point.ndim > 2 else None
        loss, grads = backend.sum_rows(
            network.loss_and_grads, batch.rows, params, key, width=network.width, networks=networks
        )
        running_loss = _add_loss(state, loss, batch, hyper.strengths, network.layout)
        point, slots = prox_update(
            optimizer, network.layout, state.point, network.pack(grads), state.slots, hyper.strengths, t, rate,
            batch.weight_share,
        )  # fmt: skip
        alive = xp.isfinite(loss) & (state.diverged_at < 0)
        point, slots = backend.select(alive, (point, slots), (state.point, state.slots))
        diverged_at = xp.where(alive | (state.diverged_at >= 0), state.diverged_at, state.t)
        return State(point, slots, state.t + 1, loss, diverged_at, running_loss)

    return step


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
    /,
) -> tuple[Array, Slots]:
    """One step of all parameters: L2 and subgradient L1 join the gradient, proximal L1 and groups follow the step.

        w <- prox_{s * penalty}( w - s * direction ),     s: the optimizer's own step size, entry by entry

    point, grad: (..., 1, size); weight_share: see `Batch`. Returns the new point and slots.
    """
    grad = add_penalty_grad(grad, point, strengths, weight_share)
    moved = optimizer.descend(point, grad, slots, t, learning_rate, group_mean(strengths, layout))
    if strengths.l1 is None and not strengths.group:
        return moved.point, moved.slots
    return penalty_prox(moved.point, moved.step_size, strengths, layout), moved.slots


def _add_loss(state: State, loss: Array, batch: Batch, strengths: Strengths, layout: Layout) -> Array | None:
    if state.running_loss is None:
        return None
    for value in penalty_terms(state.point, strengths, layout, batch.weight_share).values():
        loss = loss + value
    return state.running_loss + (loss if batch.row_share is None else loss * batch.row_share)


def batches_of(weight: Array, table: Array, /) -> Batches:
    """What every step of an epoch needs to know of its batch, computed at once.

    weight: (..., n, 1), >= 0; table: int32 (..., steps, batch), row numbers of each batch, -1 for padding.
    """
    xp = array_namespace(weight)
    present = table >= 0
    rows = table * xp.astype(present, table.dtype)
    flat = xp.reshape(rows, (*rows.shape[:-2], rows.shape[-2] * rows.shape[-1]))
    gathered = _gather(weight, flat)
    weights = xp.reshape(gathered, (*gathered.shape[:-2], *rows.shape[-2:])) * xp.astype(present, weight.dtype)
    share = xp.sum(weights, axis=-1, keepdims=True)
    row_share = xp.sum(xp.astype(present, weight.dtype), axis=-1, keepdims=True) / weight.shape[-2]
    return Batches(rows, weights / xp.where(share > 0, share, xp.ones_like(share)), share, row_share)


def take_batch(data: Data, t: Array, /) -> Batch:
    """The rows of step t; padding has weight 0. t: 0-d integer; the batches are read round and round."""
    if data.batches is None:
        return Batch(Rows(data.x, data.y, data.weight, data.number))
    xp, batches = array_namespace(data.x), data.batches
    which = xp.reshape(t % batches.rows.shape[-2], (1,))
    numbers = xp.take(batches.rows, which, axis=-2)[..., 0, :]
    weight = xp.take(batches.weight, which, axis=-2)[..., 0, :, None]
    weight_share, row_share = (xp.take(one, which, axis=-2) for one in (batches.weight_share, batches.row_share))
    rows = Rows(_gather(data.x, numbers), _gather(data.y, numbers), weight, data.number)
    return Batch(rows, weight_share, row_share)


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
    if numbers.ndim == 1:
        return xp.take(values, numbers, axis=0)
    taken = xp.take(values, xp.reshape(numbers, (-1,)), axis=0)
    return xp.reshape(taken, (*numbers.shape, values.shape[-1]))

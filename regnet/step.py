"""The training step: one pure function of state, data and hyperparameters, for one network or a stack."""

from __future__ import annotations

from typing import NamedTuple

from array_api_compat import device as device_of

from regnet.backend import Backend
from regnet.counter import mix
from regnet.namespace import array_namespace
from regnet.network import Network, Rows
from regnet.optimizers import Optimizer, Slots
from regnet.penalties import Strengths, add_penalty_grad, penalty_prox, penalty_terms
from regnet.schedules import as_schedule
from regnet.tree import leaves, rebuild
from regnet.types import Array, Step, Tree

__all__ = ["Batch", "Data", "Hyper", "State", "make_step", "prox_update", "take_batch"]


class State(NamedTuple):
    """What a step changes.

    params: the network's; slots: one tuple per parameter array, in the order of `leaves(params)`;
    t: steps taken, 0-d int32; loss: data loss before the last step, (..., 1, 1);
    diverged_at: int32 (..., 1, 1), the step at which the loss stopped being finite, or -1. A diverged network keeps
    its last parameters; its neighbours in the stack go on.
    running_loss: (..., 1, 1), sum over the steps since the host last reset it of (loss + penalties before the step)
    times the batch's share of the rows; None: it is not asked for and costs nothing.
    """

    params: Tree
    slots: tuple[Slots, ...]
    t: Array
    loss: Array
    diverged_at: Array
    running_loss: Array | None = None


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


class Batch(NamedTuple):
    """The rows of one step, with weights that sum to 1 per network.

    weight_share: of all weights, (..., 1, 1); row_share: of all rows, (..., 1, 1). None: all of them.
    """

    rows: Rows
    weight_share: Array | None = None
    row_share: Array | None = None


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
        batch = take_batch(data, state.t)
        loss, grads = backend.sum_rows(network.loss_and_grads, batch.rows, state.params, key)
        running_loss = _add_loss(state, loss, batch, hyper.strengths)
        updated = [
            prox_update(optimizer, *leaf, t, rate, batch.weight_share)
            for leaf in zip(leaves(state.params), leaves(grads), state.slots, hyper.strengths, strict=True)
        ]
        params = rebuild(state.params, [weight for weight, _ in updated])
        slots = tuple(slot for _, slot in updated)
        alive = xp.isfinite(loss) & (state.diverged_at < 0)
        params, slots = backend.select(alive, (params, slots), (state.params, state.slots))
        diverged_at = xp.where(alive | (state.diverged_at >= 0), state.diverged_at, state.t)
        return State(params, slots, state.t + 1, loss, diverged_at, running_loss)

    return step


def prox_update(
    optimizer: Optimizer,
    w: Array,
    grad: Array,
    slots: Slots,
    strengths: Strengths,
    t: Array,
    learning_rate: Array,
    weight_share: Array | None = None,
    /,
) -> tuple[Array, Slots]:
    """One parameter array's step: L2 and subgradient L1 join the gradient, proximal L1 and groups follow the step.

        w <- prox_{s * penalty}( w - s * direction ),     s: the optimizer's own step size, by element or by row

    w: (..., in, out); weight_share: see `Batch`. Returns the new w and slots.
    """
    grad = add_penalty_grad(grad, w, strengths, weight_share)
    by_row = strengths.group is not None
    weight, step_size, slots = optimizer.descend(w, grad, slots, t, learning_rate, by_row)
    return penalty_prox(weight, step_size, strengths), slots


def _add_loss(state: State, loss: Array, batch: Batch, strengths: tuple[Strengths, ...]) -> Array | None:
    if state.running_loss is None:
        return None
    for w, terms in zip(leaves(state.params), strengths, strict=True):
        for value in penalty_terms(w, terms, batch.weight_share).values():
            loss = loss + value
    return state.running_loss + (loss if batch.row_share is None else loss * batch.row_share)


def take_batch(data: Data, t: Array, /) -> Batch:
    """The rows of step t; padding has weight 0.

    t: 0-d integer; the table is read round and round.
    """
    if data.table is None:
        return Batch(Rows(data.x, data.y, data.weight, data.number))
    xp = array_namespace(data.x)
    which = xp.reshape(t % data.table.shape[-2], (1,))
    numbers = xp.take(data.table, which, axis=-2)[..., 0, :]
    present = xp.astype(numbers >= 0, data.weight.dtype)[..., None]
    numbers = numbers * xp.astype(numbers >= 0, numbers.dtype)
    weight = _gather(data.weight, numbers) * present
    share = xp.sum(weight, axis=-2, keepdims=True)
    share = xp.where(share > 0, share, xp.ones_like(share))
    rows = Rows(_gather(data.x, numbers), _gather(data.y, numbers), weight / share, data.number)
    return Batch(rows, share, xp.sum(present, axis=-2, keepdims=True) / data.x.shape[-2])


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

"""The training step: one pure function of state, data and hyperparameters, for one network or a stack."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from array_api_compat import device as device_of

from regnet.backend import Backend
from regnet.counter import mix
from regnet.kernels import kernels_of
from regnet.namespace import array_namespace
from regnet.network import Network, Rows
from regnet.optimizers import Optimizer, Slots
from regnet.regularizer import Strengths
from regnet.schedules import Constant, as_schedule
from regnet.types import Array, Step

__all__ = ["Batch", "Batches", "Data", "Hyper", "State", "batches_of", "make_run", "make_step", "take_batch"]


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

    rows: int32 (..., steps, batch), row numbers; weight: (..., steps, batch), of all rows' weights, divided by the
    batch's share of the rows, 0 for padding; row_share: that share, (..., steps, 1).
    So a batch's loss is as large on average as the loss of all rows: weights that summed to 1 in each batch would make
    a row count for less beside heavy ones, and the rows' weighted mean would not be what is minimised.
    """

    rows: Array
    weight: Array
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
    """The rows of one step, with their weights in it; row_share: of all rows, (..., 1, 1), or None: all of them."""

    rows: Rows
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
    schedule, kernels = as_schedule(optimizer.learning_rate), kernels_of(backend)
    constant = isinstance(schedule, Constant)

    def step(state: State, data: Data, hyper: Hyper) -> State:
        xp = array_namespace(state.point)
        rate = hyper.learning_rate
        if not constant:
            rate = rate * schedule.factor(xp.astype(state.t, rate.dtype))
        key = None if hyper.seed is None else mix(hyper.seed ^ state.t)
        batch = take_batch(data, state.t)
        loss, grad = kernels.gradient(backend, network, batch.rows, state.point, key)
        point, slots, penalty = kernels.prox_update(
            optimizer, network.layout, state.point, grad, state.slots, hyper.strengths, state.t, rate,
            batch.row_share, state.running_loss is not None,
        )  # fmt: skip
        alive = xp.isfinite(loss) & (state.diverged_at < 0)
        point, slots = backend.select(alive, (point, slots), (state.point, state.slots))
        diverged_at = xp.where(alive | (state.diverged_at >= 0), state.diverged_at, state.t)
        return State(point, slots, state.t + 1, loss, diverged_at, _running_loss(state, loss, penalty, batch))

    return step


def make_run(backend: Backend, network: Network, optimizer: Optimizer, /) -> Callable[[State, Data, Hyper, int], State]:
    """`run(state, data, hyper, n)`: the state after n steps. The state passed in is consumed.

    `Backend.kernel` may know a faster way than to repeat the step.
    """
    maker = backend.kernel("make_run", _repeat_step)
    run: Callable[[State, Data, Hyper, int], State] = maker(backend, network, optimizer)
    return run


def _repeat_step(backend: Backend, network: Network, optimizer: Optimizer, /) -> Callable[..., State]:
    return backend.repeat(make_step(backend, network, optimizer))


def _running_loss(state: State, loss: Array, penalty: Array | None, batch: Batch) -> Array | None:
    if state.running_loss is None or penalty is None:
        return None
    total = loss + penalty
    return state.running_loss + (total if batch.row_share is None else total * batch.row_share)


def batches_of(weight: Array, table: Array, rows_in_all: Array | None = None, /) -> Batches:
    """What every step of an epoch needs to know of its batch, computed at once.

    weight: (..., n, 1), >= 0, sums to 1 over the rows of a network; table: int32 (..., steps, batch), row numbers of
    each batch, at least one, -1 for padding; rows_in_all: of a network, (..., 1, 1), where they are not all n.
    """
    xp = array_namespace(weight)
    present = table >= 0
    rows = table * xp.astype(present, table.dtype)
    flat = xp.reshape(rows, (*rows.shape[:-2], rows.shape[-2] * rows.shape[-1]))
    gathered = _gather(weight, flat)
    weights = xp.reshape(gathered, (*gathered.shape[:-2], *rows.shape[-2:])) * xp.astype(present, weight.dtype)
    count = xp.sum(xp.astype(present, weight.dtype), axis=-1, keepdims=True)
    row_share = count / (weight.shape[-2] if rows_in_all is None else rows_in_all)
    return Batches(rows, weights / row_share, row_share)


def take_batch(data: Data, t: Array, /) -> Batch:
    """The rows of step t; padding has weight 0. t: 0-d integer; the batches are read round and round."""
    if data.batches is None:
        return Batch(Rows(data.x, data.y, data.weight, data.number))
    xp, batches = array_namespace(data.x), data.batches
    which = xp.reshape(t % batches.rows.shape[-2], (1,))
    numbers = xp.take(batches.rows, which, axis=-2)[..., 0, :]
    weight = xp.take(batches.weight, which, axis=-2)[..., 0, :, None]
    rows = Rows(_gather(data.x, numbers), _gather(data.y, numbers), weight, data.number)
    return Batch(rows, xp.take(batches.row_share, which, axis=-2))


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

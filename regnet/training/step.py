"""The training step: one pure function of state, data and hyperparameters, for one network or a stack."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from regnet.arrays.namespace import array_namespace
from regnet.arrays.random_bits import mix
from regnet.arrays.types import Array, Step
from regnet.backend.memo import make_once
from regnet.backend.placement import Placement
from regnet.backend.protocol import Backend, Kernels
from regnet.mathematics.optimizers import OPTIMIZERS, Optimizer, Slots
from regnet.mathematics.schedules import as_schedule, is_constant
from regnet.networks.kernels import kernels_of
from regnet.networks.network import Network
from regnet.networks.strengths import Strengths
from regnet.training.batches import Batch, Data, take_batch

__all__ = ["Hyper", "State", "first_state", "make_run", "make_step"]


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


class Hyper(NamedTuple):
    """What may differ between the networks of a stack; arrays (..., 1, 1), strengths as `Strengths` says.

    learning_rate: of the first step; seed: int32, for dropout, or None.
    """

    learning_rate: Array
    strengths: Strengths
    seed: Array | None


def first_state(optimizer: Optimizer, point: Array, placement: Placement, /) -> State:
    """The state before the first step, from a point (..., 1, size) that the caller has no other use for."""
    shape = (*point.shape[:-1], 1)
    return State(
        point=point,
        slots=optimizer.init(point),
        t=placement.put(np.asarray(0), "int32"),
        loss=placement.put(np.zeros(shape)),
        diverged_at=placement.put(np.full(shape, -1), "int32"),
    )


def make_step(backend: Backend, network: Network, optimizer: Optimizer, /) -> Step:
    """`step(state, data, hyper) -> state`: one optimizer step on one batch. Reads nothing on the host."""
    return _step_by(kernels_of(backend), backend, network, optimizer)


def _step_by(kernels: Kernels, backend: Backend, network: Network, optimizer: Optimizer) -> Step:
    schedule = as_schedule(optimizer.learning_rate)
    constant = is_constant(schedule)

    def step(state: State, data: Data, hyper: Hyper) -> State:
        xp = array_namespace(state.point)
        rate = hyper.learning_rate
        if not constant:
            rate = rate * schedule.factor(xp.astype(state.t, rate.dtype))
        key = None if hyper.seed is None else mix(hyper.seed ^ state.t)
        batch = take_batch(data, state.t)
        loss, grad = kernels.gradient(backend, network, batch.rows, state.point, key)
        point, slots, penalty = kernels.update(
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

    A backend may know a faster way than to repeat the step.
    """
    kernels = kernels_of(backend)
    step: Step = make_once(_step_by, kernels, backend, network, _at_any_rate(optimizer))
    return kernels.run(backend, network, optimizer, step)


def _at_any_rate(optimizer: Optimizer) -> Optimizer:
    """A step reads a constant rate from `hyper`, so that one step, compiled once, serves all fits at other rates."""
    if type(optimizer) in OPTIMIZERS and is_constant(optimizer.learning_rate):
        own: Any = optimizer
        optimizer = replace(own, learning_rate=1.0)
    return optimizer


def _running_loss(state: State, loss: Array, penalty: Array | None, batch: Batch) -> Array | None:
    if state.running_loss is None or penalty is None:
        return None
    total = loss + penalty
    return state.running_loss + (total if batch.row_share is None else total * batch.row_share)

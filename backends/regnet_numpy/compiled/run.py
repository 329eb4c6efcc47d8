"""How a stack of networks reaches the compiled run: each network alone, all its steps in one call, over the threads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from regnet.arrays.types import Array
from regnet.backend.protocol import Run
from regnet_numpy.compiled.gradient import COMPILED_TILE, CompiledPass, workspace
from regnet_numpy.compiled.gradient_loops import Rows
from regnet_numpy.compiled.plan import Plan, part_of, plan
from regnet_numpy.compiled.run_loops import Batches, Memory, adam_run
from regnet_numpy.compiled.update import CompiledUpdate, penalty_of, rule_of
from regnet_numpy.compiled.update_loops import Moments
from regnet_numpy.gradients import THREADED_PARAMETERS, Implementation, cuts_of
from regnet_numpy.run import ARRAYS, count_rows, is_adam, make_run_of, owned, rates_of
from regnet_numpy.threads import parallel_map
from regnet_numpy.types import Data, Hyper, Network, State

__all__ = ["COMPILED", "compile_run"]

COMPILED = Implementation(CompiledPass, CompiledUpdate, threaded_work=2**17, tile_elements=COMPILED_TILE)
HALF_COMPILED = ARRAYS._replace(make_update=CompiledUpdate)
"""For networks whose gradient has no loop."""


def compile_run(reference: Callable[..., Run]) -> Callable[..., Run]:
    """Runs, for Adam and AdamW; what they cannot do goes to the reference.

    Each network of a stack, and a small one alone, goes through all its steps in one call; of a larger one tiles of
    rows, and parts of the update, go over the threads. Either way all numbers have the same bits.
    """

    def make_run(backend: Any, network: Network, optimizer: Any, step: Any) -> Run:
        otherwise = reference(backend, network, optimizer, step)
        tiled, half = (
            make_run_of(implementation, lambda *_: otherwise)(backend, network, optimizer, step)
            for implementation in (COMPILED, HALF_COMPILED)
        )

        def run(state: State, data: Data, hyper: Hyper, n: int) -> State:
            if not is_adam(network, optimizer, hyper):
                return otherwise(state, data, hyper, n)
            found, alone = plan(network, state.point.dtype), state.point.ndim == 2
            if found is None:
                return half(state, data, hyper, n)
            tile = COMPILED.tile_rows(network, count_rows(data))
            if alone and (count_rows(data) > tile or network.layout.size >= THREADED_PARAMETERS):
                return tiled(state, data, hyper, n)
            return _run(network, optimizer, found, tile, state, data, hyper, n)

        return run

    return make_run


def _run(
    network: Network, optimizer: Any, found: Plan, tile: int, state: State, data: Data, hyper: Hyper, n: int
) -> State:  # fmt: skip
    count = 1 if state.point.ndim == 2 else state.point.shape[0]
    reached, *arrays = (owned(array) for array in (state.t, state.point, *state.slots))
    first, loss, diverged_at = int(reached), np.array(state.loss), np.array(state.diverged_at)
    running = None if state.running_loss is None else np.array(state.running_loss)
    rates = rates_of(optimizer, hyper.learning_rate, first, n).reshape(n, -1)
    rule = rule_of(optimizer, state.point.dtype)

    def one(k: int) -> None:
        already = part_of(diverged_at, k)
        if running is None and already[0, 0] >= 0:
            return
        point = part_of(state.point, k)
        cuts = [slice(None)] if hyper.strengths.group else cuts_of(point)
        batches = _batches_of(data, k)
        part_of(loss, k)[0, 0], already[0, 0] = adam_run(
            _rows_of(data, k), batches, Moments(*(array.reshape(count, -1)[k] for array in arrays)),
            penalty_of(hyper.strengths, network.layout, k, point, cuts), found, _memory(found, data, tile, point), rule,
            np.ascontiguousarray(rates[:, k % rates.shape[1]]), first, tile, int(already[0, 0]),
            None if running is None else part_of(running, k)[0],
        )  # fmt: skip

    try:
        parallel_map(one, range(count))
    finally:  # an interrupt arrives when the compiled loop is over; the fit finds its arrays in the state handed in
        reached[...] = first + n
    point, *slots = arrays
    return state._replace(
        point=point, slots=tuple(slots), t=reached, loss=loss, diverged_at=diverged_at, running_loss=running
    )


def _rows_of(data: Data, k: int) -> Rows:
    return Rows(part_of(data.x, k), part_of(data.y, k), part_of(data.weight, k))


def _batches_of(data: Data, k: int) -> Batches | None:
    if data.batches is None:
        return None
    rows, weight, share = (part_of(array, k) for array in data.batches)
    return Batches(rows, weight, share[:, 0])


def _memory(found: Plan, data: Data, tile: int, point: Array) -> Memory:
    count, dtype = count_rows(data), point.dtype
    taken = 0 if data.batches is None else count
    batch = [np.empty((taken, array.shape[-1]), array.dtype) for array in (data.x, data.y, data.weight)]
    total, part = np.empty((2, point.shape[-1]), dtype)
    return Memory(workspace(found, min(tile, count), dtype), total, part, Rows(*batch))

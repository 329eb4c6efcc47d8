"""How a stack of networks reaches the compiled run: each network alone, all its steps in one call, over the threads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from regnet_numpy.fused import run_loops
from regnet_numpy.fused.kept_parts import COMPILED_TILE, CompiledPass, CompiledUpdate
from regnet_numpy.fused.parts import part_of, row_of, row_strengths
from regnet_numpy.fused.plan import Plan, plan
from regnet_numpy.gradients import Parts
from regnet_numpy.run import NUMPY_PARTS, count_rows, make_run_of, owned, rates_of, suits
from regnet_numpy.threads import parallel_map
from regnet_numpy.tiles import run_one_by_one
from regnet_numpy.updates import decay_of

__all__ = ["fuse_run"]

Function: TypeAlias = Callable[..., Any]

COMPILED_PARTS = Parts(CompiledPass, CompiledUpdate, threaded_work=2**17, tile_elements=COMPILED_TILE)
HALF_COMPILED_PARTS = NUMPY_PARTS._replace(make_update=CompiledUpdate)


def _setting(optimizer: Any) -> tuple[float, ...]:
    """See `run_loops.adam_run`."""
    return (
        float(optimizer.beta1), float(optimizer.beta2), float(optimizer.epsilon),
        float(optimizer.epsilon_hat), float(decay_of(optimizer)),
    )  # fmt: skip


def fuse_run(reference: Function) -> Function:
    """Runs, for Adam and AdamW.

    Each network of a stack, and a network alone whose rows are one tile, goes through all its steps in one call; tiles
    of one network, and parts of its update, go over the threads.
    Either way its parameters have the same bits; the last bit of the loss in its state may differ if its rows are
    several tiles.
    """

    def make_run(backend: Any, network: Any, optimizer: Any, step: Any) -> Function:
        otherwise: Function = reference(backend, network, optimizer, step)

        def given(*args: Any) -> Function:
            return otherwise

        tiled: Function = make_run_of(COMPILED_PARTS, given)(backend, network, optimizer, step)
        half: Function = make_run_of(HALF_COMPILED_PARTS, given)(backend, network, optimizer, step)

        def run(state: Any, data: Any, hyper: Any, n: int) -> Any:
            if not suits(network, optimizer, hyper):
                return otherwise(state, data, hyper, n)
            found, alone = plan(network, state.point.dtype), state.point.ndim == 2
            if not alone and state.running_loss is not None:
                return run_one_by_one(run)(state, data, hyper, n)
            if found is None:
                return half(state, data, hyper, n)
            tile = COMPILED_PARTS.tile_rows(network, count_rows(data))
            if alone and (count_rows(data) > tile or state.running_loss is not None):
                return tiled(state, data, hyper, n)
            return _run(network, optimizer, found, tile, state, data, hyper, n)

        return run

    return make_run


def _run(network: Any, optimizer: Any, found: Plan, tile: int, state: Any, data: Any, hyper: Any, n: int) -> Any:
    count = 1 if state.point.ndim == 2 else state.point.shape[0]
    reached, point, m, v = (owned(array) for array in (state.t, state.point, *state.slots))
    first = int(reached)
    loss, diverged_at = np.array(state.loss), np.array(state.diverged_at)
    rates = rates_of(optimizer, hyper.learning_rate, first, n).reshape(n, -1)
    shapes = np.asarray(network.layout.shapes)
    smallest = float(np.finfo(point.dtype).smallest_normal)

    def one(k: int) -> None:
        if part_of(diverged_at, k)[0, 0] >= 0:
            return
        batches = data.batches
        terms = [None if array is None else row_of(array, k, point.shape[-1]) for array in hyper.strengths[:4]]
        own = [None] * 3 if batches is None else [part_of(batches.rows, k), part_of(batches.weight, k)]
        if batches is not None:
            own.append(part_of(batches.row_share, k)[:, 0])
        flat = [array.reshape(count, -1)[k] for array in (point, m, v)]
        part_of(loss, k)[0, 0], part_of(diverged_at, k)[0, 0] = run_loops.adam_run(
            part_of(data.x, k), part_of(data.y, k), part_of(data.weight, k), *own, *flat, *terms,
            _all_rows(network.layout, hyper.strengths.group, k, point.dtype),
            shapes, found.widths, found.slopes, found.loss, tile,
            _setting(optimizer), np.ascontiguousarray(rates[:, k % rates.shape[1]]), smallest, first, n,
        )  # fmt: skip

    try:
        parallel_map(one, range(count))
    finally:  # an interrupt arrives when the compiled loop is over; the fit finds its arrays in the state handed in
        reached[...] = first + n
    return state._replace(point=point, slots=(m, v), t=reached, loss=loss, diverged_at=diverged_at)


def _all_rows(layout: Any, groups: Any, k: int, dtype: Any) -> Any:
    """Network k's group strengths of all rows of all parameter arrays, one after another; 0: no group. None without."""
    if not groups:
        return None
    pairs = zip(layout.shapes, row_strengths(layout, groups, k), strict=True)
    return np.concatenate([np.zeros(rows, dtype) if group is None else group for (rows, _), group in pairs])

"""How a fit reaches the compiled run: each network of a stack alone, over the threads; one alone by all of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from regnet.arrays.types import Array
from regnet.backend.protocol import Run
from regnet_numpy.buffers import Buffers, aligned_empty
from regnet_numpy.compiled.gradient import rows_of_a_tile
from regnet_numpy.compiled.gradient_loops import Rows
from regnet_numpy.compiled.plan import Plan, memory_of, memory_size, part_of, plan
from regnet_numpy.compiled.product_loops import whole_lines
from regnet_numpy.compiled.read_only import read_as_any
from regnet_numpy.compiled.run_loops import Batches, Job, Memory, run_steps
from regnet_numpy.compiled.tasks import comes_late, parts_of
from regnet_numpy.compiled.team import LEAD, OVER, team_board
from regnet_numpy.compiled.update import moments_of, penalty_of, rule_of
from regnet_numpy.compiled.update_loops import Rule
from regnet_numpy.gradients import SUM_ELEMENTS, cuts_of
from regnet_numpy.run import count_rows, owned, rates_of
from regnet_numpy.threads import parallel_map, thread_count
from regnet_numpy.types import Data, Hyper, Network, State

__all__ = ["compile_run"]

SHARED_STEP, SHARED_RUN = 2**15, 2**21
"""Products of rows and parameters in a step, and in all steps together, from which threads share a network: to call a
thread takes as long as the one, to tell it of a task as the other."""

CALL = 2**31
"""Products of rows and parameters in a call at most, tenths of a second: only between calls can a fit be stopped."""

LATE_ELEMENTS = 2**24
"""Numbers of tiles that are kept until all of a round have their gradients, where those by weights come late."""

_buffers = Buffers(most=8)


class _Recipe(NamedTuple):
    """What is the same for all networks of a stack."""

    network: Network
    optimizer: Any
    plan: Plan
    rule: Rule
    tile: int
    parts: Array


def compile_run(reference: Callable[..., Run]) -> Callable[..., Run]:
    """Runs of networks, losses and optimizers of ours; what is not goes to the reference.

    A network has the same bits alone and in a stack, by any number of threads.
    """

    def make_run(backend: Any, network: Network, optimizer: Any, step: Any) -> Run:
        otherwise = reference(backend, network, optimizer, step)

        def run(state: State, data: Data, hyper: Hyper, n: int) -> State:
            found, rule = plan(network, state.point.dtype), rule_of(optimizer, state.point.dtype)
            if found is None or rule is None:
                return otherwise(state, data, hyper, n)
            tile = rows_of_a_tile(network, found, count_rows(data))
            if comes_late(network, found, tile):
                found = plan(network, state.point.dtype, late=True) or found
            recipe = _Recipe(network, optimizer, found, rule, tile, parts_of(found, state.point))
            return _run(recipe, state, data, hyper, n)

        return run

    return make_run


def _run(recipe: _Recipe, state: State, data: Data, hyper: Hyper, n: int) -> State:
    networks = 1 if state.point.ndim == 2 else state.point.shape[0]
    reached, point, *slots = (owned(array) for array in (state.t, state.point, *state.slots))
    first, loss, diverged_at = int(reached), np.array(state.loss), np.array(state.diverged_at)
    running = None if state.running_loss is None else np.array(state.running_loss)
    rates = rates_of(recipe.optimizer, hyper.learning_rate, first, n).reshape(n, -1)
    work = count_rows(data) * recipe.network.layout.size
    threads = 1
    if networks == 1 and work >= SHARED_STEP and work * n >= SHARED_RUN:
        threads = min(thread_count(), max(-(-count_rows(data) // recipe.tile), len(recipe.parts)))
    each = max(1, CALL * thread_count() // (work * networks))

    def advance(start: int, k: int) -> None:
        already = part_of(diverged_at, k)
        if running is None and already[0, 0] >= 0:
            return
        own = np.ascontiguousarray(rates[start : start + each, k % rates.shape[1]])
        job = _job(recipe, (point, *slots), data, hyper, k, own, first + start, threads)
        summed = None if running is None else part_of(running, k)[0]
        part_of(loss, k)[0, 0], already[0, 0] = _together(job, data, threads, int(already[0, 0]), summed)

    for start in range(0, n, each):
        try:
            parallel_map(partial(advance, start), range(networks))
        finally:  # an interrupt arrives when a call is over; the fit finds its arrays in the state handed in
            reached[...] = first + min(start + each, n)
    return state._replace(
        point=point, slots=tuple(slots), t=reached, loss=loss, diverged_at=diverged_at, running_loss=running
    )


def _together(job: Job, data: Data, threads: int, diverged_at: int, running: Any) -> tuple[Any, Any]:
    """The last loss, and the step of divergence or -1."""
    tiles = len(job.slots) - 1 if job.plan.late else 1
    shared = _memory(job, data, tiles) if job.plan.late else None

    def work(thread: int) -> Any:
        memory = shared or _memory(job, data, tiles)
        try:
            return run_steps(job, memory, thread, diverged_at, running)
        finally:
            if thread == LEAD:  # whatever happened: the others would wait for it
                job.board[OVER] = 1

    value, step = parallel_map(work, range(threads))[LEAD]
    return value, step


def _job(
    recipe: _Recipe, arrays: tuple[Array, ...], data: Data, hyper: Hyper, k: int, rates: Array, first: int, threads: int
) -> Job:  # fmt: skip
    """Network k's run at these rates."""
    point, count, size = part_of(arrays[0], k), count_rows(data), recipe.tile
    cuts = [slice(None)] if hyper.strengths.group else cuts_of(point)
    tiles, parameters = -(-count // size), point.shape[-1]
    together = min(tiles, max(1, SUM_ELEMENTS // parameters // threads) * threads)
    if recipe.plan.late:
        together = min(tiles, max(1, LATE_ELEMENTS // memory_size(recipe.plan, min(size, count))))
    shape = (1 if tiles == 1 and not recipe.plan.late else together + 1, parameters)
    penalty = penalty_of(hyper.strengths, recipe.network.layout, k, point, cuts)
    seed, numbers = _dropout(recipe, data, hyper, k)
    return Job(
        table=_rows_of(data, k, point.dtype),
        numbers=numbers, batches=_batches_of(data, k), moments=moments_of(recipe.optimizer, arrays, k), penalty=penalty,
        plan=recipe.plan, rule=recipe.rule, rates=rates, first=first, seed=seed, step_rows=count, tile_rows=size,
        tiles=tiles, slots=_buffers.get(("slots", shape, point.dtype), lambda: aligned_empty(shape, point.dtype)),
        losses=np.empty(tiles, point.dtype), parts=recipe.parts,
        whole=bool(hyper.strengths.group) and len(recipe.parts) > 1, order=np.zeros(4, np.int64), board=team_board(),
    )  # fmt: skip


def _rows_of(data: Data, k: int, dtype: Any) -> Rows:
    x, y = (read_as_any(np.ascontiguousarray(part_of(array, k))) for array in (data.x, data.y))
    return Rows(x, y, np.ascontiguousarray(part_of(data.weight, k), dtype).reshape(-1))


def _room(tables: tuple[Array, Array], places: int, rows: int, dtype: Any) -> Rows:
    x, y = (aligned_empty((places, rows, table.shape[-1]), table.dtype) for table in tables)
    return Rows(x, y, np.empty((places, rows), dtype))


def _dropout(recipe: _Recipe, data: Data, hyper: Hyper, k: int) -> tuple[Any, Array | None]:
    """The network's seed, and the numbers of a step's rows."""
    if not recipe.plan.dropout or hyper.seed is None or data.number is None:
        return np.uint32(0), None
    return part_of(hyper.seed, k).view(np.uint32)[0, 0], part_of(data.number, k).reshape(-1)


def _batches_of(data: Data, k: int) -> Batches | None:
    if data.batches is None:
        return None
    rows, weight, share = (part_of(array, k) for array in data.batches)
    return Batches(rows, weight, share[:, 0])


def _memory(job: Job, data: Data, places: int) -> Memory:
    """What tiles are computed in; kept from call to call."""
    dtype, size = job.slots.dtype, min(job.tile_rows, job.step_rows)
    key = (job.plan.layers.tobytes(), job.plan.height, places, size, dtype)
    tile = _buffers.get(("tile", *key), lambda: memory_of(job.plan, size, dtype, places))
    room = None
    if job.batches is not None:
        tables = (data.x, data.y)
        room = _buffers.get(
            ("rows", places, size, *((table.shape[-1], table.dtype) for table in tables), dtype),
            lambda: _room(tables, places, size, dtype),
        )
    if job.numbers is None:
        return Memory(tile, room, None)
    return Memory(
        tile, room, _buffers.get(("bits", places, size), lambda: aligned_empty((places, whole_lines(size)), np.uint32))
    )

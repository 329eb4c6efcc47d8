"""Many steps of one network in one call: batch, gradient, update, again; alone or by several threads.

For small networks the interpreter takes longer than the mathematics; here it is asked once for hundreds of steps.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from regnet.arrays.types import Array
from regnet_numpy.compiled.dropout_loops import mix_bits
from regnet_numpy.compiled.gradient_loops import Noise, Rows, add_weight_gradient, tile_gradient
from regnet_numpy.compiled.jit import cut_at, inline, loop, wide_loop
from regnet_numpy.compiled.penalty_loops import penalty_value
from regnet_numpy.compiled.plan import OUTPUTS, START
from regnet_numpy.compiled.team import LEAD, all_done, dismiss, finish, is_over, open_tasks, opened, rest, take
from regnet_numpy.compiled.update_loops import update_point

__all__ = ["Batches", "Job", "Memory", "run_steps"]

GRADIENT, SUM, SUM_AND_UPDATE, UPDATE = range(4)
"""Tasks: the gradient of a tile of rows; the tiles' sum, of some of the parameters, without their update and with it;
the update of all parameters together, as groups need it that lie in several parts."""

KIND, FIRST, STEP, ROUND = range(4)
"""What the leader says of the tasks that are open: their kind, the first one's number, the step, and which round."""


class Batches(NamedTuple):
    """rows: (steps, rows of a batch), row numbers; weight: the same shape; share: of all rows, (steps,)."""

    rows: Array
    weight: Array
    share: Array


class Memory(NamedTuple):
    """What tiles are computed in, (places, ...) each: memory; `Rows` of a batch, or None; bits for dropout, or None.

    A thread's own has one place; what threads of a late plan share has one for each tile of a round.
    """

    tile: Array
    rows: Rows | None
    bits: Array | None


class Job(NamedTuple):
    """What threads share. table: all `Rows`; numbers: int32, of a step's rows, for dropout, or None; batches: or None;

    moments, penalty, plan, rule: see there; rates: of every step, float64; first: the first one's number; seed: uint32;
    step_rows, tile_rows: at once; tiles: of a step; slots: gradients of tiles, (s, parameters), and last their sum;
    losses: (tiles,); parts: int64 (parts, 3): what is added up by one task, entries of a point from one to another, and
    the layer whose weights they are if that comes late, or -1; whole: whether the update is a task of its own; order:
    int64 (4,), see above; board: of `team`.
    """

    table: Rows
    numbers: Array | None
    batches: Batches | None
    moments: Any
    penalty: Any
    plan: Any
    rule: Any
    rates: Array
    first: int
    seed: Any
    step_rows: int
    tile_rows: int
    tiles: int
    slots: Array
    losses: Array
    parts: Array
    whole: bool
    order: Array
    board: Array


@loop
def _place(rows: Any, place: Any) -> Any:
    """Memory for rows of a batch, or None of None."""
    return None if rows is None else Rows(rows.x[place], rows.y[place], rows.weight[place])


@loop
def _gather(table: Any, batches: Any, step: Any, start: Any, stop: Any, room: Any) -> None:
    """Copies rows from start to stop of a step's batch into room, if there are batches."""
    if batches is not None:
        which = step % batches.rows.shape[0]
        for i in range(stop - start):
            row = batches.rows[which, start + i]
            for j in range(table.x.shape[1]):
                room.x[i, j] = table.x[row, j]
            for j in range(table.y.shape[1]):
                room.y[i, j] = table.y[row, j]
            room.weight[i] = batches.weight[which, start + i]


@loop
def _rows(table: Any, room: Any, start: Any, stop: Any) -> Any:
    """Rows from start to stop: of all, or of a batch that `_gather` has copied."""
    if room is None:
        return Rows(table.x[start:stop], table.y[start:stop], table.weight[start:stop])
    count = stop - start
    return Rows(room.x[:count], room.y[:count], room.weight[:count])


@loop
def _noise(numbers: Any, seed: Any, step: Any, start: Any, stop: Any, bits: Any) -> Any:
    """What dropout draws from in a step."""
    if numbers is None:
        return None
    return Noise(mix_bits(np.uint32(seed ^ np.uint32(step))), numbers[start:stop], bits)


@loop
def _share(batches: Any, step: Any) -> Any:
    """Of all rows, in a step's batch."""
    if batches is None:
        return 1.0
    return float(batches.share[step % batches.share.shape[0]])


@inline
def _tile(job: Any, memory: Any, tile: Any, step: Any) -> None:
    """The gradient of a tile of rows."""
    start, stop = tile * job.tile_rows, min((tile + 1) * job.tile_rows, job.step_rows)
    place = tile % len(memory.tile)
    room = _place(memory.rows, place)
    _gather(job.table, job.batches, step, start, stop, room)
    noise = _noise(job.numbers, job.seed, step, start, stop, cut_at(memory.bits, place))
    slot = job.slots[tile % max(1, len(job.slots) - 1)]
    own = _rows(job.table, room, start, stop)
    job.losses[tile] = tile_gradient(own, job.moments.point, job.plan, memory.tile[place], noise, slot)


@inline
def _late_part(job: Any, memory: Any, start: Any, stop: Any, layer: Any, tile: Any, total: Any) -> None:
    """A tile's gradient by some of a wide layer's weights, added to that of the tiles before it."""
    first_row, last_row = tile * job.tile_rows, min((tile + 1) * job.tile_rows, job.step_rows)
    place, outputs, origin = tile % len(memory.tile), job.plan.layers[layer, OUTPUTS], job.plan.layers[layer, START]
    rows = _rows(job.table, _place(memory.rows, place), first_row, last_row)
    first, last = (start - origin) // outputs, (stop - origin) // outputs
    add_weight_gradient(rows, job.plan, memory.tile[place], layer, first, last, tile > 0, total)


@loop
def _add(total: Any, own: Any, to_others: Any) -> None:
    """A tile's gradient to that of the tiles before it."""
    wide_loop()
    if to_others:
        for i in range(len(total)):
            total[i] += own[i]
    else:
        total[:] = own


@inline
def _part(job: Any, memory: Any, part: Any, step: Any, turn: Any, kind: Any) -> None:
    """The sum of a round's tiles, from first to last, of some of the parameters; and their update after the last."""
    start, stop, layer = job.parts[part]
    together = len(job.slots) - 1
    total = job.slots[together]
    if kind != UPDATE:
        for tile in range(turn * together, min((turn + 1) * together, job.tiles)):
            if layer >= 0:
                _late_part(job, memory, start, stop, layer, tile, total[start:stop])
            else:
                _add(total[start:stop], job.slots[tile % together, start:stop], tile > 0)
    if kind != SUM:
        if kind == UPDATE:
            start, stop = 0, len(total)
        rate, share = job.rates[step - job.first], _share(job.batches, step)
        update_point(job.moments, total, job.penalty, job.rule, rate, float(step), share, start, stop)


@inline
def _do(job: Any, memory: Any, number: Any) -> None:
    """A task that was taken."""
    kind, first, step, turn = job.order
    if kind == GRADIENT:
        _tile(job, memory, number - first + turn * max(1, len(job.slots) - 1), step)
    else:
        _part(job, memory, number - first, step, turn, kind)
    finish(job.board)


@inline
def _open(job: Any, kind: Any, count: Any, step: Any, turn: Any) -> None:
    """So many tasks of a kind."""
    job.order[KIND], job.order[FIRST], job.order[STEP], job.order[ROUND] = kind, opened(job.board), step, turn
    open_tasks(job.board, count)


@loop
def _loss(losses: Any) -> Any:
    """Of all tiles, from first to last."""
    value = losses[0]
    for tile in range(1, len(losses)):
        value += losses[tile]
    return value


@loop
def _add_objective(running: Any, value: Any, point: Any, penalty: Any, share: Any) -> None:
    if running is not None:
        running[0] += (value + penalty_value(point, penalty, share)) * share


@loop
def run_steps(job: Any, memory: Any, thread: Any, diverged_at: Any, running: Any) -> Any:
    """Take a step at each of the rates; moments are changed in place. A thread other than the leader helps with that.

    Returns the last loss, and -1 or the step at which that was no longer finite, after which no parameter changes.
    diverged_at: -1, or an earlier step; running: (1,), to which the objective before every step is added, times the
    batch's share of the rows, or None.
    """
    board, parts, together = job.board, len(job.parts), max(1, len(job.slots) - 1)
    value, step, kind, turn, looks = job.moments.point.dtype.type(0.0), job.first - 1, UPDATE, 0, 0
    while True:
        number = take(board)
        if number >= 0:
            _do(job, memory, number)
            looks = 0
            continue
        looks += 1
        if thread != LEAD and is_over(board, looks):
            break
        if thread != LEAD or not all_done(board):
            rest(board, looks)
            continue
        more = (turn + 1) * together < job.tiles
        if kind == GRADIENT and more:
            kind = SUM
            _open(job, kind, parts, step, turn)
        elif kind == GRADIENT:
            value = _loss(job.losses)
            _add_objective(running, value, job.moments.point, job.penalty, _share(job.batches, step))
            if diverged_at < 0 and not np.isfinite(value):
                diverged_at = step
            kind = SUM if job.whole else SUM_AND_UPDATE
            if diverged_at < 0:
                _open(job, kind, parts, step, turn)
            elif running is None:  # nobody asks for another loss
                break
            else:
                kind = UPDATE
        elif kind == SUM and not more:
            kind = UPDATE
            _open(job, kind, 1, step, turn)
        else:
            step, turn = (step, turn + 1) if kind == SUM else (step + 1, 0)
            if step == job.first + len(job.rates):
                break
            kind = GRADIENT
            _open(job, kind, min(together, job.tiles - turn * together), step, turn)
    if thread == LEAD:
        dismiss(board)
    return value, diverged_at

"""Many steps of Adam on arrays that stay: what a run repeats, without the interpreter's share."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, final

import numpy as np

from regnet.arrays.types import Array
from regnet.backend.protocol import Run
from regnet.mathematics.optimizers import Adam, AdamW
from regnet.mathematics.schedules import factors
from regnet_numpy.adam import AdamUpdate
from regnet_numpy.buffers import Buffers, aligned_empty
from regnet_numpy.gradients import Gradients, Implementation, cuts_of
from regnet_numpy.passes import Pass, is_dense
from regnet_numpy.threads import parallel_map, thread_count
from regnet_numpy.tiles import run_in_groups
from regnet_numpy.types import Data, Hyper, Layout, Network, State, Strengths

__all__ = ["ARRAYS", "count_rows", "is_adam", "make_run_of", "owned", "rates_of"]

ARRAYS = Implementation(Pass, AdamUpdate, threaded_work=2**19)
"""On smaller tiles threads of NumPy wait for Python's lock as long as they compute. Time of two by that of one, on two
cores with 512 KiB of L2 each: 3000 x 2 -> 512 -> 3 (tiles of 2^19.6) .79, 1000 x 50 -> 1024 -> 3 .72, 10,000 x 10 -> 64
-> 3 .94, 3000 x 2 -> 128 -> 3 1.04."""


def is_adam(network: Network, optimizer: Any, hyper: Hyper) -> bool:
    """Whether it is what the loops do: Adam and AdamW, dense layers without dropout."""
    return type(optimizer) in (Adam, AdamW) and is_dense(network) and hyper.seed is None


def make_run_of(implementation: Implementation, reference: Callable[..., Run], /) -> Callable[..., Run]:
    """Runs by this implementation; what it cannot do goes to the reference."""

    def make_run(backend: Any, network: Network, optimizer: Any, step: Any) -> Run:
        otherwise, buffers = reference(backend, network, optimizer, step), Buffers(most=64)

        def together(state: State, data: Data, hyper: Hyper, n: int) -> State:
            gradients = Gradients(implementation, buffers, network, state.point, count_rows(data), data.batches is None)
            updates = _Updates(implementation, buffers, network.layout, optimizer, state, hyper)
            rates = rates_of(optimizer, hyper.learning_rate, int(state.t), n)
            return _run(gradients, updates, _Batches(buffers, data), rates, state)

        def run(state: State, data: Data, hyper: Hyper, n: int) -> State:
            if not is_adam(network, optimizer, hyper):
                return otherwise(state, data, hyper, n)
            rows = implementation.tile_rows(network, count_rows(data))
            return run_in_groups(together, rows * network.width)(state, data, hyper, n)

        return run

    return make_run


def rates_of(optimizer: Any, learning_rate: Array, first: int, n: int, /) -> Array:
    """The learning rates (..., 1, 1) of n steps from number `first` on, rounded as the reference rounds them.

    Returns (n, ..., 1, 1) in float64, in which what they are multiplied by is computed.
    """
    own = factors(optimizer.learning_rate, np.arange(first, first + n).astype(learning_rate.dtype))
    return (learning_rate * own.reshape(-1, *[1] * learning_rate.ndim)).astype(np.float64)


def count_rows(data: Data, /) -> int:
    """Rows of a step."""
    return int(data.x.shape[-2] if data.batches is None else data.batches.rows.shape[-1])


def _run(gradients: Gradients, updates: _Updates, batches: _Batches, rates: Array, state: State) -> State:
    reached = owned(state.t)
    loss, diverged_at = np.array(state.loss), np.array(state.diverged_at)
    running = None if state.running_loss is None else np.array(state.running_loss)
    for t, rate in enumerate(rates, start=int(reached)):
        x, y, weight, share = batches.at(t)
        loss = gradients.at(updates.arrays[0], x, y, weight)
        if running is not None:
            total = loss + updates.penalty(share)
            running = running + (total if share is None else total * share)
        reached[...] = t + 1  # in the state handed in too, which is where an interrupted fit finds its arrays
        alive = np.isfinite(loss) & (diverged_at < 0) if loss.size > 1 else _is_alive(loss, diverged_at)
        if alive is True or (alive is not False and alive.all()):
            updates.step(t, rate, gradients, share)
            continue
        diverged_at = np.where(~np.isfinite(loss) & (diverged_at < 0), np.int32(t), diverged_at)
        if alive is not False:
            updates.step_some(t, rate, gradients, share, alive[:, 0, 0])
    point, *slots = updates.arrays
    return state._replace(
        point=point, slots=tuple(slots), t=reached, loss=np.array(loss), diverged_at=diverged_at,
        running_loss=running,
    )  # fmt: skip


def owned(array: Array, /) -> Array:
    """The array itself, to be overwritten, as the state handed to a run is consumed; a copy of one that cannot be."""
    return array if array.flags.c_contiguous and array.flags.writeable else np.array(array, order="C")


def _is_alive(loss: Array, diverged_at: Array) -> bool:
    return math.isfinite(loss.item()) and diverged_at.item() < 0


@final
class _Batches:
    """The rows of every step."""

    def __init__(self, buffers: Buffers, data: Data) -> None:
        self._data, self._buffers = data, buffers
        if data.batches is None:
            return
        numbers = data.batches.rows.astype(np.intp)
        x, y = data.x, data.y
        if x.ndim > 2:  # every network's own table: one below the other
            networks, rows = x.shape[:2]
            numbers = np.arange(networks)[:, None, None] * rows + numbers
            x, y = (array.reshape(networks * rows, -1) for array in (x, y))
        self._numbers = numbers
        self._tables = [(array, self._room(name, array)) for name, array in (("x", x), ("y", y))]

    def _room(self, name: str, table: Array) -> Array:
        shape = (*self._numbers.shape[:-2], self._numbers.shape[-1], table.shape[-1])
        return self._buffers.get((name, shape, table.dtype), lambda: aligned_empty(shape, table.dtype))

    def at(self, t: int) -> tuple[Any, ...]:
        """x, y, weight; of all rows, in this batch, (..., 1, 1), or None where it is all."""
        batches = self._data.batches
        if batches is None:
            return self._data.x, self._data.y, self._data.weight, None
        which = t % self._numbers.shape[-2]
        numbers, row = self._numbers[..., which, :], slice(which, which + 1)
        # "clip": the default looks at every number first, and takes a detour over a copy.
        x, y = (np.take(table, numbers, axis=0, out=room, mode="clip") for table, room in self._tables)
        weight = batches.weight[..., which, :, None]
        return x, y, weight, batches.row_share[..., row, :]


@final
class _Updates:
    """The optimizer's step on all parameters, over the threads where there are many."""

    def __init__(
        self, implementation: Implementation, buffers: Buffers, layout: Layout, optimizer: Any, state: State,
        hyper: Hyper,
    ) -> None:  # fmt: skip
        make, strengths = implementation.make_update, hyper.strengths
        self.arrays = arrays = [owned(array) for array in (state.point, *state.slots)]
        point = arrays[0]
        cuts = [slice(None)] if strengths.group else cuts_of(point)
        each = -(-len(cuts) // thread_count())
        self._shares = [cuts[start : start + each] for start in range(0, len(cuts), each)]

        def spare_of(share: int, cut: slice) -> tuple[Any, ...]:
            own = point[..., cut]
            return tuple(
                buffers.get(("spare", share, number, own.shape, own.dtype), lambda: aligned_empty(own.shape, own.dtype))
                for number in range(make.spares)
            )

        self._updates = [
            [
                make(
                    optimizer, layout, tuple(array[..., cut] for array in arrays), _cut(strengths, cut),
                    spare_of(number, cut),
                )
                for cut in share
            ]
            for number, share in enumerate(self._shares)
        ]  # fmt: skip

    def step(self, t: int, rate: Array, gradients: Gradients, share: Array | None) -> None:
        """Step number t of all networks at these rates, from the gradient where `gradients` was asked last."""

        def work(number: int) -> None:
            for cut, update in zip(self._shares[number], self._updates[number], strict=True):
                update.step(t, rate, gradients.finish(cut), share)

        parallel_map(work, range(len(self._shares)))

    def step_some(self, t: int, rate: Array, gradients: Gradients, share: Array | None, alive: Array) -> None:
        """The same for some networks of a stack; the others stay as they are."""
        before = [array[~alive] for array in self.arrays]
        self.step(t, rate, gradients, share)
        for array, old in zip(self.arrays, before, strict=True):
            array[~alive] = old

    def penalty(self, share: Array | None) -> Any:
        """At the point as it is, (..., 1, 1)."""
        return sum(update.penalty(share) for updates in self._updates for update in updates)


def _cut(strengths: Strengths, cut: slice) -> Strengths:
    """The strengths of some of the entries."""
    own = {
        name: array if array is None or array.shape[-1] == 1 else array[..., cut]
        for name, array in strengths._asdict().items()
        if name not in ("group", "members")
    }
    return strengths._replace(**own)

"""Many steps of Adam on arrays that stay: what a run repeats, without the interpreter's share.

Two kinds of parts fit in here: NumPy's own (`Pass`, `Update`) and those that numba compiles.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeAlias, final

import numpy as np

from regnet.mathematics.optimizers import Adam, AdamW
from regnet.mathematics.schedules import factors
from regnet_numpy.gradients import Gradients, Parts, cuts_of
from regnet_numpy.kept import Kept
from regnet_numpy.passes import Pass, is_dense
from regnet_numpy.threads import parallel_map, thread_count
from regnet_numpy.tiles import run_in_groups
from regnet_numpy.updates import Update

__all__ = ["NUMPY_PARTS", "count_rows", "make_run_of", "owned", "rates_of", "suits"]

Function: TypeAlias = Callable[..., Any]

NUMPY_PARTS = Parts(Pass, Update, threaded_work=2**23)
"""Between smaller products threads of NumPy wait for Python's lock as long as they compute."""


def suits(network: Any, optimizer: Any, hyper: Any) -> bool:
    """Whether the loop can do it: Adam and AdamW, dense layers without dropout."""
    adam = type(optimizer) in (Adam, AdamW)
    return adam and is_dense(network) and hyper.seed is None and hyper.strengths.l1_subgradient is None


def make_run_of(parts: Parts, reference: Function, /) -> Function:
    """Runs by these parts; what they cannot do goes to the reference."""

    def make_run(backend: Any, network: Any, optimizer: Any, step: Any) -> Function:
        otherwise, kept = reference(backend, network, optimizer, step), Kept(most=64)

        def together(state: Any, data: Any, hyper: Any, n: int) -> Any:
            return _run(parts, kept, network, optimizer, state, data, hyper, n)

        def run(state: Any, data: Any, hyper: Any, n: int) -> Any:
            if not suits(network, optimizer, hyper):
                return otherwise(state, data, hyper, n)
            rows = parts.tile_rows(network, count_rows(data))
            return run_in_groups(together, rows * network.width)(state, data, hyper, n)

        return run

    return make_run


def rates_of(optimizer: Any, learning_rate: Any, first: int, n: int, /) -> Any:
    """The learning rates (..., 1, 1) of n steps from number `first` on, rounded as the reference rounds them.

    Returns (n, ..., 1, 1) in float64, in which what they are multiplied by is computed.
    """
    own = factors(optimizer.learning_rate, np.arange(first, first + n).astype(learning_rate.dtype))
    return (learning_rate * own.reshape(-1, *[1] * learning_rate.ndim)).astype(np.float64)


def count_rows(data: Any, /) -> int:
    """Rows of a step."""
    return int(data.x.shape[-2] if data.batches is None else data.batches.rows.shape[-1])


def _run(parts: Parts, kept: Kept, network: Any, optimizer: Any, state: Any, data: Any, hyper: Any, n: int) -> Any:
    reached, *arrays = [owned(array) for array in (state.t, state.point, *state.slots)]
    loss, diverged_at = np.array(state.loss), np.array(state.diverged_at)
    running = None if state.running_loss is None else np.array(state.running_loss)
    batches = _Batches(kept, data)
    gradients = Gradients(parts, kept, network, arrays[0], count_rows(data), data.batches is None)
    updates = _Updates(parts, kept, network.layout, optimizer, arrays, hyper)
    first = int(reached)
    rates = rates_of(optimizer, hyper.learning_rate, first, n)
    for t in range(first, first + n):
        x, y, weight, share = batches.at(t)
        loss = gradients.at(updates.arrays[0], x, y, weight)
        if running is not None:
            total = loss + updates.penalty(share)
            running = running + (total if share is None else total * share)
        reached[...] = t + 1  # in the state handed in too, which is where an interrupted fit finds its arrays
        alive = np.isfinite(loss) & (diverged_at < 0) if loss.size > 1 else _is_alive(loss, diverged_at)
        if alive is True or (alive is not False and alive.all()):
            updates.step(t, rates[t - first], gradients, share)
            continue
        diverged_at = np.where(~np.isfinite(loss) & (diverged_at < 0), np.int32(t), diverged_at)
        if alive is not False:
            updates.step_some(t, rates[t - first], gradients, share, alive[:, 0, 0])
    point, *slots = updates.arrays
    return state._replace(
        point=point, slots=tuple(slots), t=reached, loss=np.array(loss), diverged_at=diverged_at,
        running_loss=running,
    )  # fmt: skip


def owned(array: Any, /) -> Any:
    """The array itself, to be overwritten, as the state handed to a run is consumed; a copy of one that cannot be."""
    return array if array.flags.c_contiguous and array.flags.writeable else np.array(array, order="C")


def _is_alive(loss: Any, diverged_at: Any) -> bool:
    return math.isfinite(loss.item()) and diverged_at.item() < 0


@final
class _Batches:
    """The rows of every step."""

    def __init__(self, kept: Kept, data: Any) -> None:
        self._data, self._kept = data, kept
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

    def _room(self, name: str, table: Any) -> Any:
        shape = (*self._numbers.shape[:-2], self._numbers.shape[-1], table.shape[-1])
        return self._kept.get((name, shape, table.dtype), lambda: np.empty(shape, table.dtype))

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

    def __init__(self, parts: Parts, kept: Kept, layout: Any, optimizer: Any, arrays: list[Any], hyper: Any) -> None:
        point, make, strengths = arrays[0], parts.make_update, hyper.strengths
        self.arrays = arrays
        cuts = [slice(None)] if strengths.group else cuts_of(point)
        each = -(-len(cuts) // thread_count())
        self._shares = [cuts[start : start + each] for start in range(0, len(cuts), each)]

        def spare_of(share: int, cut: slice) -> tuple[Any, ...]:
            own = point[..., cut]
            return tuple(
                kept.get(("spare", share, number, own.shape, own.dtype), lambda: np.empty_like(own, order="C"))
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

    def step(self, t: int, rate: Any, gradients: Gradients, share: Any) -> None:
        """Step number t of all networks at these rates, from the gradient where `gradients` was asked last."""

        def work(number: int) -> None:
            for cut, update in zip(self._shares[number], self._updates[number], strict=True):
                update.step(t, rate, gradients.finish(cut), share)

        parallel_map(work, range(len(self._shares)))

    def step_some(self, t: int, rate: Any, gradients: Gradients, share: Any, alive: Any) -> None:
        """The same for some networks of a stack; the others stay as they are."""
        before = [array[~alive] for array in self.arrays]
        self.step(t, rate, gradients, share)
        for array, old in zip(self.arrays, before, strict=True):
            array[~alive] = old

    def penalty(self, share: Any) -> Any:
        """At the point as it is, (..., 1, 1)."""
        return sum(update.penalty(share) for updates in self._updates for update in updates)


def _cut(strengths: Any, cut: slice) -> Any:
    """The strengths of some of the entries."""
    own = {
        name: array if array is None or array.shape[-1] == 1 else array[..., cut]
        for name, array in strengths._asdict().items()
        if name != "group"
    }
    return strengths._replace(**own)

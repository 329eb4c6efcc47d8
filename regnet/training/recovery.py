"""What a training remembers: a network that diverges gets back its last parameters with a finite loss.

A step finds that a loss is not finite when it is at the parameters already, and a step leaves nothing to go back by.
So the state is copied now and then, and the steps since are gone once more, up to the one before: which is exact, since
the same steps have the same bits, and costs little as long as nothing diverges. Steps on all rows need one copy of the
first parameters; where batches are drawn anew, tables of them would pile up, and the state is copied again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from regnet.arrays.namespace import array_namespace
from regnet.arrays.tree import tree_map
from regnet.arrays.types import Array
from regnet.backend.memo import compile_once
from regnet.backend.placement import Placement
from regnet.backend.protocol import Backend
from regnet.mathematics.optimizers import Slots
from regnet.networks.model import score
from regnet.networks.network import Network, Rows
from regnet.training.batches import Data
from regnet.training.step import Hyper, State

__all__ = ["Memory", "data_losses", "exploded", "idle_losses"]

WINDOW = 64
"""Steps on drawn batches between two copies, at least: a copy must cost little beside them."""

FAR_WORSE = 100.0
"""Times the loss at the start, and the loss of outputs that are all 0: no training that works ends there."""


def _losses(backend: Backend, network: Network, point: Array, rows: Rows) -> Array:
    loss, _ = score(network, backend, network.unpack(point), rows)
    return loss


def data_losses(network: Network, placement: Placement, point: Array, rows: Rows, /) -> NDArray[np.float64]:
    """The mean data loss of every network, (K,), on the host; point: (..., 1, size)."""
    loss = compile_once(placement.backend, _losses, placement.backend, network)(point, rows)
    return np.asarray(placement.backend.to_numpy(loss), dtype=np.float64).reshape(-1)


def idle_losses(network: Network, placement: Placement, rows: Rows, /) -> NDArray[np.float64]:
    """The mean data loss of outputs that are all 0, (1,) or (K,); 1 where targets are all 0, and give no scale."""
    xp = array_namespace(rows.y)
    loss, _ = network.loss_object.value_and_grad(xp.zeros_like(rows.y), rows.y)
    total = xp.sum(loss * rows.weight, axis=-2)
    losses = np.asarray(placement.backend.to_numpy(total), dtype=np.float64).reshape(-1)
    return np.where(losses == 0, 1.0, losses)


@np.errstate(all="ignore")
def exploded(losses: Any, baseline: Any, /) -> NDArray[np.bool_]:
    """Whether a loss is finite and yet far worse than `baseline`, (K,).

    baseline: the larger of the loss at the start and that of outputs that are all 0. So a spike that was over by the
    end is no explosion, and neither is noise about a start that was a solution.
    """
    return np.asarray(np.isfinite(losses) & (losses > FAR_WORSE * baseline))


@dataclass
class _Window:
    """A copy of a state, and the steps that followed: (data, how many), under one hyper; t: steps before it (0: the

    copy has no slots, which are the optimizer's first ones).
    """

    start: State
    t: int
    hyper: Hyper
    parts: list[tuple[Data, int]] = field(default_factory=list)

    @property
    def steps(self) -> int:
        return sum(steps for _, steps in self.parts)

    @property
    def is_full(self) -> bool:
        return self.steps >= WINDOW and self.parts[-1][0].batches is not None

    def add(self, data: Data, steps: int) -> None:
        if self.parts and self.parts[-1][0] is data:
            steps += self.parts.pop()[1]
        self.parts.append((data, steps))


@final
class Memory:
    """Runs steps and remembers them. diverged_at: what is known of each network, (K,), -1 or a step."""

    def __init__(
        self,
        run: Callable[..., State],
        init: Callable[[Array], Slots],
        losses: Callable[[Array], NDArray[np.float64]],
        placement: Placement,
    ) -> None:
        """run: as `make_run` makes it; init: the optimizer's; losses: the data losses (K,) at a point, on the host."""
        self._run, self._init, self._losses, self._placement = run, init, losses, placement
        self._windows: list[_Window] = []  # the last two
        self._went_back = False
        self.diverged_at: NDArray[np.int64] | None = None

    def advance(self, state: State, data: Data, hyper: Hyper, steps: int) -> State:
        """`run(state, data, hyper, steps)`."""
        last = self._windows[-1] if self._windows else None
        if last is None or last.hyper is not hyper or last.is_full or self._went_back:
            state, t = self.settle(state), self._t_of(state)
            last = _Window(_copy(state if t else state._replace(slots=())), t, hyper)
            self._windows, self._went_back = [*self._windows[-1:], last], False
        last.add(data, steps)
        return self._run(state, data, hyper, steps)

    def settle(self, state: State, losses: Any = None) -> State:
        """The state in which networks that have diverged since are back at their last point with a finite loss.

        losses: at the state's point, (K,), if they are known: one that is not finite is a divergence that the next
        step would find.
        """
        found = self._read(state.diverged_at)
        if losses is not None:
            found = np.where((found < 0) & ~np.isfinite(losses), self._t_of(state), found)
        known = np.full(len(found), -1) if self.diverged_at is None else self.diverged_at
        new, self.diverged_at = (found >= 0) & (known < 0), found
        if not new.any():
            return state
        shape, self._went_back = state.diverged_at.shape, True
        point = self._go_back(state.point, found, new)
        return state._replace(point=point, diverged_at=self._placement.put(found.reshape(shape), "int32"))

    def _go_back(self, point: Array, found: NDArray[np.int64], new: NDArray[np.bool_]) -> Array:
        last = np.full(len(found), -1)
        for number, window in enumerate(self._windows):
            last[window.t < found] = number  # the window that holds the step before
        result = point
        for number, window in enumerate(self._windows):
            state, done = _copy(window.start), 0
            state = state if window.t else state._replace(slots=self._init(state.point))
            for target in np.unique(found[new & (last == number)] - 1):
                steps = int(target) - window.t
                state, done = self._replay(window, state, done, steps), steps
                result = self._where(new & (last == number) & (found - 1 == target), state.point, result)
        for window in reversed(self._windows):  # a batch's loss was finite, and yet that of all rows may not be
            bad = new & ~np.isfinite(self._losses(result))
            if not bad.any():
                break
            result = self._where(bad & (window.t < found), window.start.point, result)
        return result

    def _replay(self, window: _Window, state: State, done: int, until: int) -> State:
        position = 0
        for data, steps in window.parts:
            begin, end = max(done, position), min(until, position + steps)
            if end > begin:
                state = self._run(state, data, window.hyper, end - begin)
            position += steps
        return state

    def _where(self, mask: NDArray[np.bool_], new: Array, old: Array) -> Array:
        shape = (-1, 1, 1) if old.ndim > 2 else (1, 1)
        chosen = self._placement.put(mask.reshape(shape), "int32") > 0
        return array_namespace(old).where(chosen, new, old)

    def _read(self, array: Array) -> NDArray[np.int64]:
        return np.asarray(self._placement.backend.to_numpy(array), dtype=np.int64).reshape(-1)

    def _t_of(self, state: State) -> int:
        return int(self._read(state.t)[0])


def _copy(state: State) -> State:
    """A step consumes the state that it is given."""
    copied: State = tree_map(lambda leaf: array_namespace(leaf).asarray(leaf, copy=True), state)
    return copied

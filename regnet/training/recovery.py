"""What a training remembers: a network that diverges gets back the last good parameters that it had.

A step finds that a loss is not finite when it is at the parameters already, and a step leaves nothing to go back by.
So the state is copied now and then, and the steps since are gone once more, with a look at the loss 1, 2, 4, 8, ...
steps before the end: exactly, since the same steps have the same bits, and for little as long as nothing diverges.
Steps on all rows need one copy of the first parameters; where batches are drawn anew, tables of them would pile up, and
the state is copied again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from regnet.arrays.namespace import array_namespace
from regnet.arrays.tree import tree_map
from regnet.arrays.types import Array
from regnet.backend.placement import Placement
from regnet.mathematics.optimizers import Slots
from regnet.training.batches import Data
from regnet.training.samplers import Sampler
from regnet.training.snapshot import array_of, state_of, told_mark, told_state
from regnet.training.step import Hyper, State

__all__ = ["Memory"]

WINDOW = 64
"""Steps on drawn batches between two copies, at least: a copy must cost little beside them."""


@dataclass
class _Window:
    """A copy of a state, and the steps that followed: (data, how many), under one hyper; t: steps before it (0: the

    copy has no slots, which are the optimizer's first ones); sound: whether the loss before it was, (K,);
    mark: of the sampler, before it gave the first data.
    """

    start: State
    t: int
    hyper: Hyper
    sound: NDArray[np.bool_]
    mark: Any = None
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
    """Runs steps and remembers them. diverged_at: what is known of each network, (K,), -1 or a step.

    limit: the largest loss of good parameters, (K,), which whoever runs a training sets.
    """

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
        self._good: Array = None  # parameters of an earlier window, where its loss was sound before it and after it
        self.limit: Any = np.inf
        self.diverged_at: NDArray[np.int64] | None = None

    def advance(self, state: State, data: Data, hyper: Hyper, steps: int, mark: Any = None) -> State:
        """`run(state, data, hyper, steps)`; mark: of the sampler, before it gave the data, where it is kept.

        A window begins with data, never in their midst, so that it does not depend on how they are cut into portions.
        """
        new = not self._windows or self._windows[-1].parts[-1][0] is not data
        if self.opens(hyper, new=new):
            state = self.settle(state)
            self._open(state, hyper, mark)
        self._windows[-1].add(data, steps)
        return self._run(state, data, hyper, steps)

    def opens(self, hyper: Hyper, *, new: bool) -> bool:
        """Whether a window begins with the next steps; new: whether their data do, whose mark is needed then."""
        last = self._windows[-1] if self._windows else None
        return last is None or last.hyper is not hyper or (new and last.is_full)

    def _open(self, state: State, hyper: Hyper, mark: Any) -> None:
        """A window that begins here. The one before it is good where losses were, before it and after it."""
        t, before = int(self._read(state.t)[0]), self._windows[-1:]
        sound = (self._read(state.loss, np.float64) <= self.limit) | np.asarray(not before)
        for window in before:
            good, point = sound & window.sound, window.start.point
            self._good = point if good.all() or self._good is None else self._where(good, point, self._good)
        window = _Window(_copy(state if t else state._replace(slots=())), t, hyper, sound, mark)
        self._windows = [*before, window]

    def mark(self, hyper: Hyper) -> dict[str, Any]:
        """What a checkpoint holds of it; hyper: of the next step."""
        give = self._placement.backend.to_numpy
        windows = [
            {
                "start": told_state(window.start, self._placement),
                "t": window.t,
                "rate": give(window.hyper.learning_rate),
                "current": window.hyper is hyper,
                "sound": window.sound,
                "sampler": told_mark(window.mark),
                "parts": [steps for _, steps in window.parts],
            }
            for window in self._windows
        ]
        good = None if self._good is None else give(self._good)
        return {"windows": windows, "good": good, "diverged_at": self.diverged_at}

    def go_back(self, mark: dict[str, Any], sampler: Sampler, like: State, hyper: Hyper) -> Data:
        """Be what it was, and return the data that are being read; like: a state; hyper: of the next step."""
        self._good = None if mark["good"] is None else array_of(mark["good"], like.point, self._placement)
        self.diverged_at = mark["diverged_at"]
        for told in mark["windows"]:
            own = hyper
            if not told["current"]:
                rate = array_of(told["rate"], hyper.learning_rate, self._placement)
                own = hyper._replace(learning_rate=rate)
            start, sound = state_of(told["start"], like, self._placement), np.asarray(told["sound"], dtype=np.bool_)
            sampler.go_back(told["sampler"])
            window = _Window(start, int(told["t"]), own, sound, sampler.mark())
            for steps in told["parts"]:
                window.add(sampler.data(), int(steps))
            self._windows.append(window)
        return self._windows[-1].parts[-1][0]

    def settle(self, state: State, bad: Any = None) -> State:
        """The state in which networks that have diverged since are back at the last good point that is known.

        bad: whether a network must not stay where it is, (K,), if that is known: it diverged at the last step.
        """
        found = self._read(state.diverged_at)
        if bad is not None:
            found = np.where((found < 0) & bad, int(self._read(state.t)[0]), found)
        known = np.full(len(found), -1) if self.diverged_at is None else self.diverged_at
        new, self.diverged_at = (found >= 0) & (known < 0), found
        if not new.any():
            return state
        point = self._go_back(found, new, state.point)
        slots = tuple(self._where(new, first, slot) for first, slot in zip(self._init(point), state.slots, strict=True))
        diverged_at = self._placement.put(found.reshape(state.diverged_at.shape), "int32")
        return state._replace(point=point, slots=slots, diverged_at=diverged_at)

    def _go_back(self, found: NDArray[np.int64], new: NDArray[np.bool_], point: Array) -> Array:
        """The last good ones of the points before `found`; where none is, the one of the smallest loss, or the first.

        Those of other networks stay as they are.
        """
        lowest, tried, good = np.full(len(found), np.inf), np.zeros_like(new), np.zeros_like(new)
        result = point
        for own, candidate in self._candidates(found, new):
            losses = self._losses(candidate)
            losses = np.where(np.isfinite(losses), losses, np.inf)
            is_good = own & np.isfinite(losses) & (losses <= self.limit)
            better = is_good | (own & ~good & (~tried | (losses < lowest)))
            lowest, tried, good = np.where(better, losses, lowest), tried | own, good | is_good
            result = self._where(better, candidate, result)
        return result

    def _candidates(
        self, found: NDArray[np.int64], new: NDArray[np.bool_]
    ) -> Iterator[tuple[NDArray[np.bool_], Array]]:
        """Points from early to late, and for which of the new networks each is one."""
        if self._good is not None:
            yield new, self._good
        back = 2 ** np.arange(1 + int(found.max()).bit_length())
        for number, window in enumerate(self._windows):
            later = self._windows[number + 1].t if number + 1 < len(self._windows) else np.inf
            own = found[:, None] - back  # the steps to look at, of each network
            own = np.where(new[:, None] & (own > window.t) & (own < later), own, -1)
            if (window.t <= found[new]).any():
                yield new & (window.t <= found), window.start.point
            state, done = None, window.t
            for step in np.unique(own[own >= 0]):
                if state is None:
                    state = _copy(window.start)
                    state = state if window.t else state._replace(slots=self._init(state.point))
                state, done = self._replay(window, state, done - window.t, int(step) - window.t), int(step)
                yield (own == step).any(axis=1), state.point

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

    def _read(self, array: Array, dtype: Any = np.int64) -> NDArray[Any]:
        return np.asarray(self._placement.backend.to_numpy(array), dtype=dtype).reshape(-1)


def _copy(state: State) -> State:
    """A step consumes the state that it is given."""
    copied: State = tree_map(lambda leaf: array_namespace(leaf).asarray(leaf, copy=True), state)
    return copied

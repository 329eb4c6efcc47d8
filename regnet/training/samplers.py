"""Where the steps of an epoch take their rows from: all of them, or batches that are drawn anew."""

from __future__ import annotations

from typing import Any, Protocol, final

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import gen_batches

from regnet.training.assembly import Problem
from regnet.training.batches import Data, batches_of, epoch_table
from regnet.training.snapshot import set_random_state

__all__ = ["RandomSampler", "Sampler", "ShuffledSampler", "shuffled_again"]


class Sampler(Protocol):
    """Where the steps of an epoch take their rows from."""

    @property
    def steps(self) -> int:
        """Steps of an epoch."""

    @property
    def fixed(self) -> bool:
        """Whether every epoch has the same data, so that several may run without coming back."""

    def data(self) -> Data:
        """What the steps of the next epoch read."""

    def mark(self) -> dict[str, Any]:
        """All that decides the epochs to come; see `told_mark`."""

    def go_back(self, mark: dict[str, Any]) -> None:
        """Give the epochs that followed a mark, as a checkpoint holds it."""


@final
class RandomSampler:
    """All rows at once, or a new table of batches for every epoch, drawn from each network's own generator."""

    def __init__(self, problem: Problem, shuffle: bool) -> None:
        """A step of all rows takes them as they lie."""
        self._problem, self._n, self._shuffle = problem, problem.train.x.shape[-2], shuffle
        self.fixed = problem.batch_rows == self._n
        self.steps = -(-self._n // problem.batch_rows)
        self._batches_of = problem.placement.backend.compile(batches_of)

    def data(self) -> Data:
        """See Sampler."""
        problem = self._problem
        if self.fixed:
            return problem.data
        table = epoch_table(problem.batch_rngs, self._n, problem.batch_rows, shuffle=self._shuffle)
        table = table[0] if len(table) == 1 else table
        batches = self._batches_of(problem.data.weight, problem.placement.put(table, "int32"))
        return problem.data._replace(batches=batches)

    def mark(self) -> dict[str, Any]:
        """See Sampler."""
        generators = [] if self.fixed else self._problem.batch_rngs
        return {"generators": [rng.bit_generator.state for rng in generators]}

    def go_back(self, mark: dict[str, Any]) -> None:
        """See Sampler."""
        generators = [] if self.fixed else self._problem.batch_rngs
        for rng, state in zip(generators, mark["generators"], strict=True):
            rng.bit_generator.state = set_random_state(state)


@final
class ShuffledSampler:
    """The batches of scikit-learn's MLP: one permutation is shuffled again and again by one RandomState.

    Where a batch holds all rows their order means nothing: all rows are taken as they lie.
    """

    def __init__(self, problem: Problem, t: int, order: bool, random_state: np.random.RandomState) -> None:
        """t: steps taken before the first epoch; order: whether to shuffle."""
        self._problem, self._shuffle, self._rng = problem, order, random_state
        self._order: NDArray[np.int64] = np.arange(problem.rows)
        self._slices = list(gen_batches(len(self._order), problem.batch_rows))
        self.steps = len(self._slices)
        self.fixed, self._t = self.steps == 1, t
        self._batches_of = problem.placement.backend.compile(batches_of)

    def data(self) -> Data:
        """See Sampler. Shuffles even where the order means nothing, so that later draws are scikit-learn's."""
        if self._shuffle:
            self._order = shuffled_again(self._order, self._rng)
        if self.fixed:
            return self._problem.data
        problem = self._problem
        order = self._order if problem.numbers is None else problem.numbers[self._order]
        table = np.full((self.steps, problem.batch_rows), -1, dtype=np.int32)
        for row, part in zip(table, self._slices, strict=True):
            row[: part.stop - part.start] = order[part]
        table = np.roll(table, self._t % self.steps, axis=0)  # step t takes row t % steps
        count = None if problem.numbers is None else problem.rows
        batches = self._batches_of(problem.data.weight, problem.placement.put(table, "int32"), count)
        return problem.data._replace(batches=batches)

    def mark(self) -> dict[str, Any]:
        """See Sampler."""
        return {"order": self._order, "generator": self._rng.get_state(legacy=False)}

    def go_back(self, mark: dict[str, Any]) -> None:
        """See Sampler."""
        order = mark["order"]
        if order.shape != self._order.shape or order.dtype != self._order.dtype:
            raise ValueError(f"an order of {self._order.size} rows has {order.size}")
        self._order = order
        self._rng.set_state(set_random_state(mark["generator"]))


def shuffled_again(order: NDArray[Any], rng: np.random.RandomState, /) -> NDArray[Any]:
    """The next order of rows as scikit-learn's MLP has it: one permutation is shuffled again and again."""
    shuffled = np.arange(len(order), dtype=order.dtype)
    rng.shuffle(shuffled)
    return order[shuffled]

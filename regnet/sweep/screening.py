"""Training lanes without the inputs whose weights have become 0: what is wide at first is narrow at most strengths.

At every strength, inputs that have left are asked whether they should come back: they should where the gradient is
larger than the penalty. Lanes that keep equally many inputs are one stack.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from regnet.backend.placement import Placement
from regnet.networks.kernels import kernels_of
from regnet.networks.network import Rows
from regnet.sweep.one_strength import Generators, generators_at, train_stage
from regnet.sweep.spec import Lane, Outcome, SweepSpec
from regnet.sweep.stack import Stack
from regnet.training.step import make_run

__all__ = ["Screened"]

ROUNDS = 3
"""How often a strength is trained again because an input that had left should have come back."""

FEWEST = 32
"""Inputs that are kept at least: fewer take a step no less time, and lanes of one shape go together."""


@final
class Screened:
    """Lanes without the inputs that have left; see `regnet.sweep.lanes`."""

    def __init__(self, spec: SweepSpec, lanes: Sequence[Lane], placement: Placement) -> None:
        """Places all inputs, which train at the first strength and are asked at the others."""
        self._spec, self._lanes, self._placement = spec, lanes, placement
        self._shape = spec.network.layout.shapes[0]
        self._every = np.arange(self._shape[0])
        self._whole = Stack(spec, lanes, placement, [self._every] * len(lanes))

    def train(self, stage: int, points: NDArray[Any], todo: list[int], first: Generators) -> dict[int, Outcome]:
        """Lanes number `todo` at their strength number `stage`, from points (K, 1, size) of all lanes.

        first: what draws the batches of the first strength.
        """
        shape, outcomes = self._shape, {}
        numbers = self._spec.group_numbers()
        kept = {k: _kept(points[k], shape, groups=numbers) if stage else self._every for k in todo}
        for attempt in range(ROUNDS):
            generators = generators_at(self._spec, self._lanes, stage) if stage else first
            trained = points.copy()
            for k, part in self._by_shape(stage, points, kept, generators):
                trained[k] = _widen(part.point, shape, kept[k])
                outcomes[k] = part._replace(point=trained[k, 0])
            narrow = {k: inputs for k, inputs in kept.items() if len(inputs) < shape[0]}
            if attempt == ROUNDS - 1 or not narrow:
                break
            wanted = _wanted(self._whole, stage, trained, self._placement, numbers)
            missing = {k: np.setdiff1d(np.flatnonzero(wanted[k]), inputs) for k, inputs in narrow.items()}
            back = {k: np.union1d(narrow[k], new) for k, new in missing.items() if len(new)}
            kept = {k: _kept(points[k], shape, own, numbers) for k, own in back.items()}
        return outcomes

    def _by_shape(
        self, stage: int, points: NDArray[Any], kept: dict[int, NDArray[np.int64]], generators: Generators
    ) -> Iterator[tuple[int, Outcome]]:
        """Yields (k, outcome) of the lanes of `kept`; those with as many inputs are one stack."""
        spec, lanes, placement = self._spec, self._lanes, self._placement
        for count in sorted({len(inputs) for inputs in kept.values()}):
            members = [k for k, inputs in kept.items() if len(inputs) == count]
            if count == self._shape[0] and len(members) == len(lanes):
                stack = self._whole
            else:
                stack = Stack(spec, [lanes[k] for k in members], placement, [kept[k] for k in members])
            run = make_run(placement.backend, stack.network, spec.optimizer)
            narrow = np.stack([_narrow(points[k], self._shape, kept[k]) for k in members])
            own = {(lane.fold, lane.restart): generators[lane.fold, lane.restart] for lane in stack.lanes}
            yield from zip(members, train_stage(stack, stage, narrow, own, run, placement), strict=True)


def _kept(
    point: NDArray[Any], shape: tuple[int, int], wanted: Any = (), groups: NDArray[np.int64] | None = None
) -> NDArray[np.int64]:
    """The inputs that take part: those with a weight that is not 0, the wanted ones, and others up to a power of two,

    so that shapes change rarely. It depends on the point (1, size) alone, so that a sweep that goes on has the same.
    groups: whole groups take part, so that it may be fewer than a power of two; None: every input is one.
    """
    alive = (point[0, : shape[0] * shape[1]].reshape(shape) != 0).any(axis=1)
    alive[np.asarray(wanted, dtype=np.int64)] = True
    if groups is not None:
        alive = (np.bincount(groups, alive) > 0)[groups]
    count = int(alive.sum())
    size = max(FEWEST, 1 << (count - 1).bit_length() if count else 1)
    alive[_first_of(np.flatnonzero(~alive), max(0, size - count), groups)] = True
    return np.flatnonzero(alive)


def _first_of(inputs: NDArray[np.int64], room: int, groups: NDArray[np.int64] | None) -> NDArray[np.int64]:
    """The first of these inputs, in whole groups, as many as there is room for."""
    if groups is None:
        return inputs[:room]
    sizes, taken = np.bincount(groups), []
    for number in dict.fromkeys(groups[inputs].tolist()):
        if sizes[number] <= room:
            taken.append(number)
            room -= int(sizes[number])
        if not room:
            break
    return inputs[np.isin(groups[inputs], taken)]


def _narrow(point: NDArray[Any], shape: tuple[int, int], kept: NDArray[np.int64]) -> NDArray[Any]:
    """A point (1, size) without the first layer's rows of other inputs."""
    size = shape[0] * shape[1]
    return np.concatenate([point[:, :size].reshape(shape)[kept].reshape(1, -1), point[:, size:]], axis=-1)


def _widen(point: NDArray[Any], shape: tuple[int, int], kept: NDArray[np.int64]) -> NDArray[Any]:
    """The inverse of `_narrow` of a point (size,), with 0 for the inputs that are not kept."""
    weight = np.zeros(shape, point.dtype)
    weight[kept] = point[: len(kept) * shape[1]].reshape(-1, shape[1])
    return np.concatenate([weight.reshape(-1), point[len(kept) * shape[1] :]])


def _wanted(
    whole: Stack, stage: int, points: NDArray[Any], placement: Placement, groups: NDArray[np.int64] | None
) -> NDArray[np.bool_]:
    """Whether the objective falls when the weights of an input's group leave 0, (K, in); means something where they are

    0. groups: None where every input is one.
    """
    network, data, to_numpy = whole.network, whole.data, placement.backend.to_numpy
    rows = Rows(data.x, data.y, data.weight)
    _, grad = kernels_of(placement.backend).gradient(placement.backend, network, rows, placement.put(points), None)
    shape = network.layout.shapes[0]
    first = to_numpy(grad)[:, 0, : shape[0] * shape[1]].reshape(-1, *shape)
    allowed = to_numpy(whole.hyper(stage, None).strengths.group[0])[..., 0]
    squares = (first.astype(np.float64) ** 2).sum(axis=-1)
    if groups is not None:
        squares = np.stack([np.bincount(groups, own)[groups] for own in squares])
    return np.asarray(np.sqrt(squares) > allowed)

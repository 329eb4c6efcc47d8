"""Training the lanes of a sweep: one stack of networks, strength after strength."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from regnet.backend.config import config_context
from regnet.backend.placement import Placement
from regnet.backend.registry import get_backend
from regnet.sweep.linear import Linear
from regnet.sweep.one_strength import Generators, Lookup, first_points, generators_at, stopped, train_stage
from regnet.sweep.screening import Screened
from regnet.sweep.spec import Cell, Lane, Outcome, SweepSpec
from regnet.sweep.stack import Stack
from regnet.training.step import make_run

__all__ = ["train_lanes"]


def train_lanes(spec: SweepSpec, lanes: Sequence[Lane], lookup: Lookup) -> Iterator[Outcome]:
    """Train every cell of lanes of one group, and yield it; cells that `lookup` knows are not trained again.

    The numbers do not depend on which lanes are trained together (on NumPy bit for bit), nor on what `lookup` knew.
    """
    with config_context(backend=spec.backend, fast=spec.fast):
        placement = Placement(get_backend(spec.backend), spec.device, spec.dtype)
        if spec.template.solver == "newton":
            placement = Placement(get_backend("numpy"), "cpu", "float64")
        with placement.backend.session(placement.device):
            yield from _through_strengths(spec, lanes, _trainer(spec, lanes, placement), lookup)


def _trainer(spec: SweepSpec, lanes: Sequence[Lane], placement: Placement) -> Linear | Screened | _Together:
    if spec.template.solver == "newton":
        return Linear(spec, lanes, placement)
    return (Screened if spec.screen else _Together)(spec, lanes, placement)


def _through_strengths(
    spec: SweepSpec, lanes: Sequence[Lane], trainer: Linear | Screened | _Together, lookup: Lookup
) -> Iterator[Outcome]:
    points, first = first_points(spec, lanes)
    failed = np.zeros(len(lanes), dtype=bool)
    for stage in range(len(lanes[0].strengths)):
        outcomes = [lookup(Cell(lane.strengths[stage], lane.fold, lane.restart)) for lane in lanes]
        for k, lane in enumerate(lanes):
            if failed[k]:  # it stays where it stopped
                outcomes[k] = stopped(lane, stage, points[k, 0])
        todo = [k for k, known in enumerate(outcomes) if known is None]
        trained = trainer.train(stage, points, todo, first) if todo else {}
        for k, known in enumerate(outcomes):
            outcome = trained[k] if known is None else known
            points[k, 0] = outcome.point
            failed[k] |= outcome.diverged_at >= 0
            yield outcome


@final
class _Together:
    """Lanes with all their inputs, as one stack."""

    def __init__(self, spec: SweepSpec, lanes: Sequence[Lane], placement: Placement) -> None:
        self._spec, self._lanes, self._placement = spec, lanes, placement
        self._made: tuple[Any, Any] = ((), None)
        fista = spec.template.solver == "fista"
        self._run = None if fista else make_run(placement.backend, spec.network, spec.optimizer)

    def train(self, stage: int, points: NDArray[Any], todo: list[int], first: Generators) -> dict[int, Outcome]:
        """Lanes number `todo` at their strength number `stage`, from points (K, 1, size) of all lanes.

        first: what draws the batches of the first strength.
        """
        spec, lanes = self._spec, self._lanes
        generators = generators_at(spec, lanes, stage) if stage else first
        if self._made[0] != tuple(todo):
            self._made = tuple(todo), Stack(spec, [lanes[k] for k in todo], self._placement)
        trained = train_stage(self._made[1], stage, points[todo], generators, self._run, self._placement)
        return dict(zip(todo, trained, strict=True))

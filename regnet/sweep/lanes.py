"""Training the lanes of a sweep: one stack of networks, strength after strength."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from regnet.config import config_context
from regnet.registry import Placement, get_backend
from regnet.step import make_run
from regnet.sweep.cells import Cell, Lane, Outcome, SweepSpec
from regnet.sweep.screening import train_screened
from regnet.sweep.stack import Stack
from regnet.sweep.stage import Lookup, first_points, generators_at, stopped, train_stage

__all__ = ["train_lanes"]


def train_lanes(spec: SweepSpec, lanes: Sequence[Lane], lookup: Lookup) -> Iterator[Outcome]:
    """Train every cell of lanes of one group, and yield it; cells that `lookup` knows are not trained again.

    The numbers do not depend on which lanes are trained together (on NumPy bit for bit), nor on what `lookup` knew.
    """
    with config_context(backend=spec.backend, fast=spec.fast):
        placement = Placement(get_backend(spec.backend), spec.device, spec.dtype)
        with placement.backend.session(placement.device):
            train = train_screened if spec.screen else _train_together
            yield from train(spec, lanes, placement, lookup)


def _train_together(spec: SweepSpec, lanes: Sequence[Lane], placement: Placement, lookup: Lookup) -> Iterator[Outcome]:
    points, generators = first_points(spec, lanes)
    failed = np.zeros(len(lanes), dtype=bool)
    made: tuple[Any, Any] = ((), None)
    run = None if spec.template.solver == "fista" else make_run(placement.backend, spec.network, spec.optimizer)
    for stage in range(len(lanes[0].strengths)):
        outcomes: list[Outcome | None] = [
            lookup(Cell(lane.strengths[stage], lane.fold, lane.restart)) for lane in lanes
        ]
        for k, lane in enumerate(lanes):
            if failed[k]:  # it stays where it stopped
                outcomes[k] = stopped(lane, stage, points[k, 0])
        todo = [k for k, known in enumerate(outcomes) if known is None]
        if todo:
            if stage:
                generators = generators_at(spec, lanes, stage)
            if made[0] != tuple(todo):
                made = tuple(todo), Stack(spec, [lanes[k] for k in todo], placement)
            trained = train_stage(made[1], stage, points[todo], generators, run, placement)
            for k, new in zip(todo, trained, strict=True):
                outcomes[k] = new
        for k, outcome in enumerate(outcomes):
            if outcome is None:
                raise AssertionError("a cell was neither known nor trained")
            points[k, 0] = outcome.point
            failed[k] |= outcome.diverged_at >= 0
            yield outcome

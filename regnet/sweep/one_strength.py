"""One strength of a stack of lanes: their first weights, their generators, their training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from regnet.arrays.tree import tree_map
from regnet.backend.placement import Placement
from regnet.networks.network import Rows
from regnet.solvers.fista import fista
from regnet.solvers.objective import Objective
from regnet.sweep.spec import Cell, Lane, Outcome, SweepSpec
from regnet.sweep.stack import Stack, draw_point
from regnet.training.judgement import FAR_WORSE, baseline_of, exploded

__all__ = ["Generators", "Lookup", "first_points", "generators_at", "stopped", "train_stage"]

Generators: TypeAlias = dict[tuple[int, int], np.random.RandomState]
"""What draws batches, by fold and restart."""

Lookup = Callable[[Cell], Outcome | None]
"""What a journal knows of a cell, or None."""


def generators_at(spec: SweepSpec, lanes: Sequence[Lane], stage: int) -> Generators:
    """What draws the batches of a strength after the first, by fold and restart."""
    return {(lane.fold, lane.restart): np.random.RandomState([spec.seeds[lane.restart], stage]) for lane in lanes}


def first_points(spec: SweepSpec, lanes: Sequence[Lane]) -> tuple[NDArray[Any], dict[tuple[int, int], Any]]:
    """First parameters (K, 1, size), and what draws the batches of the first strength, by fold and restart: the

    generators that drew the weights, as in an estimator. Weights of inputs that are absent from a lane's fold begin at
    0, where no step and no penalty moves them: held-out rows, which may have such an input, do not depend on them.
    """
    points, generators = [], {}
    for lane in lanes:
        rng = np.random.RandomState(spec.seeds[lane.restart])
        point = draw_point(spec, rng)
        first = spec.network.layout.split(point)[0]
        point[:, : first.size] *= np.repeat(~spec.folds[lane.fold].absent, first.shape[-1])
        points.append(point)
        generators[lane.fold, lane.restart] = rng
    return np.stack(points), generators


def stopped(lane: Lane, stage: int, point: NDArray[Any]) -> Outcome:
    """A cell of a lane that has diverged at a weaker strength: step 0, and the parameters from there."""
    return Outcome(Cell(lane.strengths[stage], lane.fold, lane.restart), point.copy(), float("nan"), 0)


def train_stage(
    stack: Stack, stage: int, points: NDArray[Any], generators: Any, run: Any, placement: Placement
) -> list[Outcome]:
    """All lanes of a stack at their strength number `stage`, from points (K, 1, size).

    One whose loss explodes has diverged at the last step, even though it is finite: what it has learnt is no network.
    It has the parameters that it began with. One that is far worse than nothing, as it was before, has not converged.
    """
    spec, to_numpy = stack.spec, placement.backend.to_numpy
    seeds = None
    if spec.network.has_dropout:
        drawn = {pair: rng.randint(np.iinfo(np.int32).max) for pair, rng in generators.items()}
        seeds = np.asarray([drawn[lane.fold, lane.restart] for lane in stack.lanes], dtype=np.int32)
    hyper = stack.hyper(stage, seeds)
    cells = [Cell(lane.strengths[stage], lane.fold, lane.restart) for lane in stack.lanes]
    if run is None:
        return _minimise(stack, cells, points, hyper, placement)
    state = stack.start(points)
    start, idle = stack.losses(state.point), stack.idle_losses()
    for data, steps in stack.epochs(generators, spec.epochs_at(stage)):
        state = run(state, data, hyper, steps)
    losses, last = stack.losses(state.point), int(to_numpy(state.t))
    point, loss, step = (to_numpy(array)[:, 0] for array in (state.point, state.loss, state.diverged_at))
    unsound = ~np.isfinite(losses) | exploded(losses, baseline_of(start, idle))
    steps = np.where((step[:, 0] < 0) & unsound, last, step[:, 0])
    return [
        Outcome(cell, points[k, 0] if steps[k] >= 0 else point[k], float(loss[k, 0]), int(steps[k]), not far)
        for k, (cell, far) in enumerate(zip(cells, losses > FAR_WORSE * idle, strict=True))
    ]


def _minimise(stack: Stack, cells: list[Cell], points: NDArray[Any], hyper: Any, placement: Placement) -> list[Outcome]:
    """The same by full-batch proximal gradient, to the template's tolerance."""
    data, spec = stack.data, stack.spec
    strengths = hyper.strengths
    if len(cells) == 1:  # an objective takes one network without a leading axis
        strengths = tree_map(lambda strength: strength[0, ...], strengths)
    objective = Objective(stack.network, placement, Rows(data.x, data.y, data.weight), strengths)
    start = placement.put(points[:, 0])
    found = fista(
        objective.smooth, objective.prox, objective.penalty, start, placement,
        max_iter=spec.epochs, tol=float(spec.template.tol), units=objective.units(),
    )  # fmt: skip
    host, losses = placement.backend.to_numpy(found.point), stack.losses(found.point[:, None, :])
    sound, far = np.isfinite(found.value) & np.isfinite(losses), losses > FAR_WORSE * stack.idle_losses()
    return [
        Outcome(
            cell, host[k] if sound[k] else points[k, 0], float(found.value[k]), -1 if sound[k] else 0,
            bool(found.status[k] == 0 and not far[k]),
        )
        for k, cell in enumerate(cells)
    ]  # fmt: skip

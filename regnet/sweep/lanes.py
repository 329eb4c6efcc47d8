"""Training the lanes of a sweep: as one stack, strength after strength, or one lane without its dead inputs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from regnet.config import config_context
from regnet.fista import fista
from regnet.kernels import kernels_of
from regnet.network import Rows
from regnet.objective import Objective
from regnet.registry import Placement, get_backend
from regnet.step import make_run
from regnet.sweep.cells import Cell, Lane, Outcome, SweepSpec
from regnet.sweep.stack import Stack, draw_point
from regnet.tree import tree_map

__all__ = ["Lookup", "train_lanes"]

Lookup = Callable[[Cell], Outcome | None]
"""What a journal knows of a cell, or None."""

ROUNDS = 3
"""How often a strength is trained again because an input that had left should have come back."""


def train_lanes(spec: SweepSpec, lanes: Sequence[Lane], lookup: Lookup) -> Iterator[Outcome]:
    """Train every cell of lanes of one group, and yield it; cells that `lookup` knows are not trained again.

    The numbers do not depend on which lanes are trained together (on NumPy bit for bit), nor on what `lookup` knew.
    """
    with config_context(backend=spec.backend, fast=spec.fast):
        placement = Placement(get_backend(spec.backend), spec.device, spec.dtype)
        with placement.backend.session(placement.device):
            if spec.screen:
                for lane in lanes:
                    yield from _train_screened(spec, lane, placement, lookup)
            else:
                yield from _train_together(spec, lanes, placement, lookup)


def _generator(spec: SweepSpec, restart: int, stage: int) -> np.random.RandomState:
    """Batches of the first strength come from the generator that drew the weights, as in an estimator."""
    return np.random.RandomState([spec.seeds[restart], stage])


def _first(spec: SweepSpec, lanes: Sequence[Lane]) -> tuple[NDArray[Any], dict[tuple[int, int], Any]]:
    """First parameters (K, 1, size), and what draws the batches of the first strength, by fold and restart."""
    points, generators = [], {}
    for lane in lanes:
        rng = np.random.RandomState(spec.seeds[lane.restart])
        points.append(draw_point(spec, rng))
        generators[lane.fold, lane.restart] = rng
    return np.stack(points), generators


def _train_together(spec: SweepSpec, lanes: Sequence[Lane], placement: Placement, lookup: Lookup) -> Iterator[Outcome]:
    points, generators = _first(spec, lanes)
    failed = np.zeros(len(lanes), dtype=bool)
    made: tuple[Any, Any] = ((), None)
    run = None if spec.template.solver == "fista" else make_run(placement.backend, spec.network, spec.optimizer)
    for stage in range(len(lanes[0].strengths)):
        outcomes: list[Outcome | None] = [
            lookup(Cell(lane.strengths[stage], lane.fold, lane.restart)) for lane in lanes
        ]
        for k, lane in enumerate(lanes):
            if failed[k]:  # it stays where it stopped
                outcomes[k] = _stopped(lane, stage, points[k, 0])
        todo = [k for k, known in enumerate(outcomes) if known is None]
        if todo:
            if stage:
                generators = {(lane.fold, lane.restart): _generator(spec, lane.restart, stage) for lane in lanes}
            if made[0] != tuple(todo):
                made = tuple(todo), Stack(spec, [lanes[k] for k in todo], placement)
            trained = _train(made[1], stage, points[todo], generators, run, placement)
            for k, new in zip(todo, trained, strict=True):
                outcomes[k] = new
        for k, outcome in enumerate(outcomes):
            if outcome is None:
                raise AssertionError("a cell was neither known nor trained")
            points[k, 0] = outcome.point
            failed[k] |= outcome.diverged_at >= 0
            yield outcome


def _stopped(lane: Lane, stage: int, point: NDArray[Any]) -> Outcome:
    """A cell of a lane that has diverged at a weaker strength: step 0, and the parameters from there."""
    return Outcome(Cell(lane.strengths[stage], lane.fold, lane.restart), point.copy(), float("nan"), 0)


def _train(
    stack: Stack, stage: int, points: NDArray[Any], generators: Any, run: Any, placement: Placement
) -> list[Outcome]:
    """All lanes of a stack at their strength number `stage`, from points (K, 1, size)."""
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
    for data, steps in stack.epochs(generators, spec.epochs_at(stage)):
        state = run(state, data, hyper, steps)
    values = (to_numpy(array) for array in (state.point, state.loss, state.diverged_at))
    return [
        Outcome(cell, point[0], float(loss[0, 0]), int(diverged[0, 0]))
        for cell, point, loss, diverged in zip(cells, *values, strict=True)
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
        max_iter=spec.epochs, tol=float(spec.template.tol),
    )  # fmt: skip
    host = placement.backend.to_numpy(found.point)
    return [
        Outcome(cell, point, float(value), -1 if np.isfinite(value) else 0, status == 0)
        for cell, point, value, status in zip(cells, host, found.value, found.status, strict=True)
    ]


def _train_screened(spec: SweepSpec, lane: Lane, placement: Placement, lookup: Lookup) -> Iterator[Outcome]:
    """One lane; inputs whose weights have become 0 leave the computation, and are asked at every strength whether

    they should come back: they should where the gradient is larger than the penalty.
    """
    point, generators = _first(spec, [lane])
    shape = spec.network.layout.shapes[0]
    whole, failed = Stack(spec, [lane], placement), False
    for stage, strength in enumerate(lane.strengths):
        outcome = lookup(Cell(strength, lane.fold, lane.restart))
        if failed:
            outcome = _stopped(lane, stage, point[0, 0])
        kept = _kept(point, shape) if stage else np.arange(shape[0])
        for attempt in range(ROUNDS):
            if outcome is not None:
                break
            if stage:
                generators = {(lane.fold, lane.restart): _generator(spec, lane.restart, stage)}
            stack = whole if len(kept) == shape[0] else Stack(spec, [lane], placement, kept)
            run = make_run(placement.backend, stack.network, spec.optimizer)
            (part,) = _train(stack, stage, _narrow(point, shape, kept), generators, run, placement)
            full = _widen(part.point[None, None], shape, kept)
            missing: Any = [] if stack is whole else _missing(whole, stage, full, kept, placement)
            if not len(missing) or attempt == ROUNDS - 1:
                outcome = part._replace(point=full[0, 0])
            else:
                kept = _kept(point, shape, np.union1d(kept, missing))
        if outcome is None:
            raise AssertionError("a cell was neither known nor trained")
        failed = failed or outcome.diverged_at >= 0
        point = np.array(outcome.point)[None, None]
        yield outcome


def _kept(point: NDArray[Any], shape: tuple[int, int], wanted: Any = ()) -> NDArray[np.int64]:
    """The inputs that take part: those with a weight that is not 0, the wanted ones, and others up to a power of two,

    so that shapes change rarely. It depends on the point alone, so that a sweep that goes on has the same.
    """
    alive = (point[0, 0, : shape[0] * shape[1]].reshape(shape) != 0).any(axis=1)
    alive[np.asarray(wanted, dtype=np.int64)] = True
    size = 1 << int(alive.sum() - 1).bit_length() if alive.any() else 1
    alive[np.flatnonzero(~alive)[: max(0, size - int(alive.sum()))]] = True
    return np.flatnonzero(alive)


def _narrow(point: NDArray[Any], shape: tuple[int, int], kept: NDArray[Any]) -> NDArray[Any]:
    """A point (1, 1, size) without the first layer's rows of other inputs."""
    size = shape[0] * shape[1]
    return np.concatenate([point[..., :size].reshape(shape)[kept].reshape(1, 1, -1), point[..., size:]], axis=-1)


def _widen(point: NDArray[Any], shape: tuple[int, int], kept: NDArray[Any]) -> NDArray[Any]:
    """The inverse of `_narrow`, with 0 for the inputs that are not kept."""
    weight = np.zeros(shape, point.dtype)
    weight[kept] = point[0, 0, : len(kept) * shape[1]].reshape(-1, shape[1])
    return np.concatenate([weight.reshape(1, 1, -1), point[..., len(kept) * shape[1] :]], axis=-1)


def _missing(
    whole: Stack, stage: int, point: NDArray[Any], kept: NDArray[Any], placement: Placement
) -> NDArray[np.int64]:
    """The inputs that are not kept though the objective falls when their weights leave 0."""
    network, data = whole.network, whole.data
    gradient = kernels_of(placement.backend).gradient
    rows = Rows(data.x, data.y, data.weight)
    _, grad = gradient(placement.backend, network, rows, placement.put(point[0]), None)
    shape = network.layout.shapes[0]
    first = placement.backend.to_numpy(grad).reshape(-1)[: shape[0] * shape[1]].reshape(shape)
    strengths = whole.hyper(stage, None).strengths.group[0]
    allowed = np.broadcast_to(placement.backend.to_numpy(strengths)[0, :, 0], shape[0])
    excess = np.sqrt((first.astype(np.float64) ** 2).sum(axis=1)) > allowed
    excess[kept] = False
    return np.flatnonzero(excess)

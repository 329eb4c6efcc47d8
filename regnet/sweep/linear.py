"""Training the lanes of a linear model: each strength exactly, on the host, from the stronger one's solution."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from regnet.backend.placement import Placement
from regnet.networks.network import Rows
from regnet.solvers.linear_terms import Terms, terms_of
from regnet.solvers.proximal_newton import LinearProblem
from regnet.sweep.one_strength import Generators
from regnet.sweep.spec import Cell, Lane, Outcome, SweepSpec
from regnet.training.judgement import FAR_WORSE, data_losses, idle_losses

__all__ = ["Linear"]


@final
class Linear:
    """Lanes of a network without hidden layers, one after another; see `regnet.sweep.lanes`.

    A fold's rows are on the host anyway, and what a solver needs of them is computed once for all of its lanes. First
    weights mean nothing here: a lane begins with zeros, where the strongest strength leaves it.
    """

    def __init__(self, spec: SweepSpec, lanes: Sequence[Lane], placement: Placement) -> None:
        """placement: the host, in float64."""
        self._spec, self._lanes = spec, lanes
        self._host = placement
        self._problems: dict[int, LinearProblem] = {}
        self._judges: dict[int, tuple[Rows, float]] = {}
        self._units: dict[Cell | int | None, Terms] = {}

    def train(self, stage: int, points: NDArray[Any], todo: list[int], first: Generators) -> dict[int, Outcome]:
        """Lanes number `todo` at their strength number `stage`, from points (K, 1, size) of all lanes.

        first: not used.
        """
        spec, outcomes = self._spec, {}
        for k in todo:
            lane = self._lanes[k]
            cell = Cell(lane.strengths[stage], lane.fold, lane.restart)
            start = points[k] if stage else np.zeros(spec.network.layout.size)
            found = self._problem(lane.fold).minimise(
                start, self._terms_at(cell), tol=float(spec.template.tol), max_iter=spec.epochs
            )
            with np.errstate(over="ignore"):
                point, value = found.point[0].astype(spec.dtype), float(found.value[0])
            rows, idle = self._judged_by(lane.fold)
            loss = float(data_losses(spec.network, self._host, point[None].astype(np.float64), rows)[0])
            sound = np.isfinite(value) and np.isfinite(loss)
            converged = bool(found.status[0] == 0 and loss <= FAR_WORSE * idle)
            outcomes[k] = Outcome(cell, point if sound else points[k, 0], value, -1 if sound else 0, converged)
        return outcomes

    def _judged_by(self, number: int) -> tuple[Rows, float]:
        """A fold's rows, and the loss of outputs that are all 0 there."""
        if number not in self._judges:
            fold, network = self._spec.folds[number], self._spec.network
            x, y = (np.asarray(one, dtype=np.float64) for one in (fold.x, fold.y))
            rows = Rows(x, y, fold.weight[:, None])
            self._judges[number] = rows, float(idle_losses(network, self._host, rows)[0])
        return self._judges[number]

    def _problem(self, number: int) -> LinearProblem:
        if number not in self._problems:
            fold, loss = self._spec.folds[number], self._spec.network.loss_object
            self._problems[number] = LinearProblem(fold.x, fold.y, fold.weight, loss, groups=self._spec.group_numbers())
        return self._problems[number]

    def _terms_at(self, cell: Cell) -> Terms:
        """The cell's penalty, as a multiple of that of strength 1."""
        spec = self._spec
        key: Cell | int | None = None  # cells differ in more than the strength only where factors or weights do
        axes = 0 if spec.factors is None else np.ndim(spec.factors)
        if axes > 2:
            key = cell
        elif axes == 2 or spec.mix.penalty == "alpha":
            key = cell.fold
        if key not in self._units:
            self._units[key] = self._unit(cell)
        return self._units[key].times(spec.lambdas[cell.strength])

    def _unit(self, cell: Cell) -> Terms:
        spec, factor = self._spec, self._spec.factor_of(cell)
        factors, total = None if factor is None else factor[None, :], spec.folds[cell.fold].total_weight
        placed = spec.mix.place(spec.network, self._host, [1.0], total, factors, spec.group_numbers())
        terms = terms_of(placed, spec.network.in_features + 1, spec.network.out_features)
        if terms is None:
            raise AssertionError("a strength of a path is an L1 or a group penalty, not both")
        return terms

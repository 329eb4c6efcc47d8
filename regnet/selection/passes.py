"""The passes of a search: its sweep, the sweep that an earlier one shapes, and the chosen strength on all rows."""

from __future__ import annotations

import os
from concurrent.futures import Executor
from dataclasses import replace
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from regnet.selection.as_estimator import behind_transformer
from regnet.selection.collector import Collector
from regnet.selection.folds import Checked
from regnet.selection.predictions import check_room
from regnet.selection.relaxing import named, relax
from regnet.selection.reporting import report_divergence
from regnet.sweep.fold import Fold
from regnet.sweep.spec import Cell, SweepSpec
from regnet.tables.frame import take_rows

__all__ = ["Passes", "check_finite", "refitted"]


def check_finite(objectives: NDArray[np.float64], strength: float) -> None:
    """Raise ValueError if no network of the chosen strength is left."""
    if not np.isfinite(objectives).any():
        raise ValueError(
            f"On all rows every network of the chosen strength, {strength:.3g}, diverged: lower learning_rate_init, or "
            "look for a row that no fold was trained on."
        )


@final
class Passes:
    """Trains specs for one search. with_all: whether a sweep's last fold is all rows, whose networks are kept.

    n_diverged: how many networks diverged in all passes so far, of which each is reported.
    """

    def __init__(
        self,
        checked: Checked,
        scoring: Any,
        *,
        with_all: bool,
        keep_predictions: bool,
        memory_limit: int | None,
        executor: Executor | None,
        n_jobs: int | None,
        sweep_dir: str | os.PathLike[str] | None,
        progress: bool,
    ) -> None:
        """scoring, keep_predictions: see `Collector`; the others: see `run_sweep`."""
        self._checked, self._scoring, self._with_all = checked, scoring, with_all
        self._keep_predictions = keep_predictions
        self._own: dict[str, Any] = {"memory_limit": memory_limit, "sweep_dir": sweep_dir}
        self._shared: dict[str, Any] = {**self._own, "executor": executor, "n_jobs": n_jobs, "progress": progress}
        self.n_diverged = 0

    def run(self, spec: SweepSpec, chosen: NDArray[np.int64] | None = None, *, last: bool = True) -> Collector:
        """A sweep; chosen: restarts that an earlier one chose; last: whether its networks may be the search's."""
        checked, keep = self._checked, frozenset([len(spec.folds) - 1]) if self._with_all else frozenset()
        if self._keep_predictions:
            check_room(spec, len(checked.y), self._own["memory_limit"])
        source = checked.x if checked.host or checked.table is None else checked.table

        def raw(numbers: NDArray[Any]) -> tuple[Any, Any]:
            return take_rows(source, numbers), take_rows(checked.y, numbers)

        collected = Collector(
            spec, self._scoring, raw, keep, chosen, keep_predictions=self._keep_predictions and last
        )  # fmt: skip
        return self._reported(spec, collected.run(**self._shared))

    def alone(self, spec: SweepSpec, fold: Fold, strength: int, factors: Any, name: str) -> Collector:
        """The networks of one strength on all rows."""
        decided = (np.ravel([] if factors is None else factors), [spec.lambdas[strength]], spec.seeds)
        name = named(name, np.concatenate(decided))
        return self.run_alone(
            replace(spec, name=name, lambdas=(spec.lambdas[strength],), folds=(fold,), factors=factors)
        )

    def run_alone(self, spec: SweepSpec) -> Collector:
        """Networks on all rows, the one fold of `spec`."""
        return self._reported(spec, Collector(spec, "", None, frozenset([0])).run(**self._own))

    def relaxed(self, spec: SweepSpec, collected: Collector, gamma: float) -> tuple[SweepSpec, Collector]:
        """Every selection once more, as `relax` has it; at gamma = 1 it is what is there already.

        Restarts stay those that the penalised pass chose: without a penalty the largest selection has the smallest
        loss.
        """
        if gamma == 1:
            return spec, collected
        own = relax(spec, collected.selected, gamma)
        return own, self.run(own, collected.chosen)

    def _reported(self, spec: SweepSpec, collected: Collector) -> Collector:
        report_divergence(spec, collected)
        self.n_diverged += int((collected.diverged_at >= 0).sum())
        return collected


def refitted(
    passes: Passes, spec: SweepSpec, fold: Fold, strength: int, factors: NDArray[np.float64] | None, gamma: float
) -> Any:
    """The network of the chosen strength on all rows, where no path has it already; behind the fold's transformer.

    As in a fold it is of the restart with the smallest penalised objective. spec: the penalised pass; strength: its
    number; factors: of the inputs, (in,) or (1, in), by a user and a pilot; gamma: see `relax`. Raises ValueError if it
    diverged.
    """
    collected = passes.alone(spec, fold, strength, factors, "refit")
    check_finite(collected.objectives[0, 0], spec.lambdas[strength])
    restart = int(collected.chosen[0, 0])
    if gamma != 1:
        own = replace(collected.spec, seeds=(spec.seeds[restart],))
        own = relax(own, collected.selected[:, :, restart : restart + 1], gamma)
        collected, restart = passes.run_alone(own), 0
        check_finite(collected.objectives[0, 0], spec.lambdas[strength])
    return behind_transformer(fold, collected.estimator_at(Cell(0, 0, restart)))

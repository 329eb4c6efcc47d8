"""The passes of a search: its sweep, the sweep that an earlier one shapes, and the chosen strength on all rows."""

from __future__ import annotations

import os
import zlib
from concurrent.futures import Executor
from dataclasses import replace
from typing import Any, final

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import _safe_indexing

from regnet.selection.collector import Collector
from regnet.selection.folds import Checked
from regnet.selection.predictions import check_room
from regnet.selection.reporting import report_divergence
from regnet.selection.settings import Estimator
from regnet.sweep.fold import Fold
from regnet.sweep.spec import Cell, SweepSpec

__all__ = ["EXCLUDED", "Passes", "check_finite", "named", "refitted"]

EXCLUDED = 1e30
"""The penalty factor of an input that a relaxed network must not use."""


def named(name: str, values: NDArray[Any]) -> str:
    """The name of a pass in the journal, with what an earlier pass decided for it."""
    return f"{name}-{zlib.crc32(np.ascontiguousarray(values, dtype=np.float64).tobytes()):08x}"


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
            return _safe_indexing(source, numbers), _safe_indexing(checked.y, numbers)

        collected = Collector(
            spec, self._scoring, raw, keep, chosen, keep_predictions=self._keep_predictions and last
        )  # fmt: skip
        return self._reported(spec, collected.run(**self._shared))

    def alone(self, spec: SweepSpec, fold: Fold, strength: int, factors: Any, name: str) -> Collector:
        """The networks of one strength on all rows."""
        decided = (np.ravel([] if factors is None else factors), [spec.lambdas[strength]], spec.seeds)
        name = named(name, np.concatenate(decided))
        alone = replace(spec, name=name, lambdas=(spec.lambdas[strength],), folds=(fold,), factors=factors)
        return self._reported(alone, Collector(alone, "", None, frozenset([0])).run(**self._own))

    def relaxed(self, spec: SweepSpec, collected: Collector) -> tuple[SweepSpec, Collector]:
        """Every support once more, from new weights and without the penalty that found it.

        Restarts stay those that the penalised pass chose: without a penalty the largest support has the smallest loss.
        """
        factors = np.where(spec.whole(collected.selected), 0.0, EXCLUDED)
        free = replace(spec.mix, l1_ratio=1.0, companion_l2=0.0)
        epochs, name = spec.epochs_at(0), named("relax", factors)
        spec = replace(spec, name=name, mix=free, factors=factors, warm_start=False, screen=False, epochs=epochs)
        return spec, self.run(spec, collected.chosen)

    def _reported(self, spec: SweepSpec, collected: Collector) -> Collector:
        report_divergence(spec, collected)
        self.n_diverged += int((collected.diverged_at >= 0).sum())
        return collected


def refitted(
    passes: Passes,
    penalised: SweepSpec,
    spec: SweepSpec,
    fold: Fold,
    strength: int,
    factors: NDArray[np.float64] | None,
) -> Estimator:
    """The network of the chosen strength on all rows, where no path has it already.

    As in a fold it is of the restart with the smallest penalised objective. spec: the relaxed pass, or the penalised
    one again; strength: its number; factors: of the inputs, (in,) or (1, in), by a user and a pilot. Raises ValueError
    if it diverged.
    """
    value = spec.lambdas[strength]
    collected = passes.alone(penalised, fold, strength, factors, "refit")
    check_finite(collected.objectives[0, 0], value)
    restart = int(collected.chosen[0, 0])
    if spec is not penalised:
        factors = np.where(spec.whole(collected.selected[0, :, restart]), 0.0, EXCLUDED)
        own = replace(spec, seeds=(spec.seeds[restart],))
        collected, restart = passes.alone(own, fold, strength, factors, "relaxed"), 0
        check_finite(collected.objectives[0, 0], value)
    return collected.estimator_at(Cell(0, 0, restart))

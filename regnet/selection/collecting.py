"""What is kept of every cell of a sweep while it runs: scores and sizes, not the networks."""

from __future__ import annotations

from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from regnet.selection.fitted import fitted_estimator, outputs_of
from regnet.selection.scoring import DIRECT
from regnet.sweep.cells import Cell, Outcome, SweepSpec

__all__ = ["Collector"]


@final
class Collector:
    """Arrays by strength, fold and restart, filled cell by cell.

    scores: on the fold's held-out rows (NaN: none, or the network diverged); input_norms: ||row|| of the first layer,
    (..., in); zeros: share of weights that are exactly 0; norms: Frobenius norm by layer; losses: data loss before the
    last step; diverged_at: step or -1; points: parameters of the folds in `keep`, by cell.
    """

    def __init__(self, spec: SweepSpec, scoring: Any, raw: Any, keep: frozenset[int]) -> None:
        """scoring: a name in DIRECT, or a scorer for estimators; raw: `take(rows) -> X, y` of the user's table."""
        self._spec, self._scoring, self._raw, self._keep = spec, scoring, raw, keep
        shape = (len(spec.lambdas), len(spec.folds), len(spec.seeds))
        self.layers = len(spec.network.dense_layers)
        self.scores = np.full(shape, np.nan)
        self.losses = np.full(shape, np.nan)
        self.zeros = np.full(shape, np.nan)
        self.norms = np.full((*shape, self.layers), np.nan)
        self.input_norms = np.full((*shape, spec.network.in_features), np.nan, dtype=np.float32)
        self.diverged_at = np.full(shape, -1)
        self.points: dict[Cell, NDArray[Any]] = {}

    def __call__(self, outcome: Outcome) -> None:
        """Take note of an outcome."""
        cell, spec = outcome.cell, self._spec
        where = tuple(cell)
        weights = [np.asarray(array) for array in spec.network.layout.split(outcome.point[None, :])[::2]]
        self.losses[where] = outcome.loss
        self.diverged_at[where] = outcome.diverged_at
        self.zeros[where] = sum(int((w == 0).sum()) for w in weights) / sum(w.size for w in weights)
        self.norms[where] = [np.linalg.norm(w) for w in weights]
        self.input_norms[where] = np.sqrt(np.einsum("ij,ij->i", weights[0], weights[0]))
        if cell.fold in self._keep:
            self.points[cell] = outcome.point
        if outcome.diverged_at < 0 and len(spec.folds[cell.fold].test):
            self.scores[where] = self._score(outcome)

    def _score(self, outcome: Outcome) -> float:
        spec, fold = self._spec, self._spec.folds[outcome.cell.fold]
        if isinstance(self._scoring, str):
            outputs = outputs_of(spec.network, fold, outcome.point, fold.x_test)
            if not np.isfinite(outputs).all():
                return float("nan")
            return DIRECT[self._scoring](outputs, fold.y_test, fold.weight_test, spec.network.loss)
        estimator = fitted_estimator(
            spec.template, spec.network, fold, outcome.point, {}, loss=outcome.loss, epochs=spec.epochs
        )
        x, y = self._raw(fold.test)
        return float(self._scoring(estimator, x if fold.transformer is None else fold.transformer.transform(x), y))

    @property
    def selected(self) -> NDArray[np.bool_]:
        """Whether an input is used, (strengths, folds, restarts, in)."""
        return self.input_norms > 0

"""What is kept of every cell of a sweep while it runs: scores and sizes, not the networks."""

from __future__ import annotations

from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from regnet.backend.placement import Placement
from regnet.backend.registry import get_backend
from regnet.mathematics.weighting import weight_shares
from regnet.networks.regularizer import penalty_terms
from regnet.networks.strengths import over_batches, place_strengths
from regnet.selection.as_estimator import fitted_estimator, outputs_of
from regnet.selection.scoring import DIRECT
from regnet.sweep.spec import Cell, Outcome, SweepSpec

__all__ = ["Collector"]


@final
class Collector:
    """Arrays by strength, fold and restart, filled cell by cell.

    scores: on the fold's held-out rows (NaN: none, or the network diverged); input_norms: ||row|| of the first layer,
    (..., in); zeros: share of weights that are exactly 0; norms: Frobenius norm by layer; diverged_at: step or -1;
    unconverged: how many did not reach their solver's tolerance. Of the folds in `keep`, and where there are restarts
    to choose from, also losses (mean data loss on the training rows, targets standardised as they were) and objectives
    (with the penalty; inf where the network diverged); of the folds in `keep` points (parameters, by cell).
    """

    def __init__(self, spec: SweepSpec, scoring: Any, raw: Any, keep: frozenset[int], chosen: Any = None) -> None:
        """scoring: a name in DIRECT, or a `Scorer`; raw: `take(rows) -> X, y` of the user's table.

        chosen: restarts (strengths, folds) that an earlier pass chose; None: `chosen` goes by the objectives.
        """
        self._spec, self._scoring, self._raw, self._keep, self._given = spec, scoring, raw, keep, chosen
        shape = (len(spec.lambdas), len(spec.folds), len(spec.seeds))
        self.layers = len(spec.network.dense_layers)
        self.scores = np.full(shape, np.nan)
        self.losses = np.full(shape, np.nan)
        self.objectives = np.full(shape, np.inf)
        self.unconverged = 0
        self.zeros = np.full(shape, np.nan)
        self.norms = np.full((*shape, self.layers), np.nan)
        self.input_norms = np.full((*shape, spec.network.in_features), np.nan, dtype=np.float32)
        self.diverged_at = np.full(shape, -1)
        self.points: dict[Cell, NDArray[Any]] = {}
        self._test_shares: dict[int, NDArray[np.float64]] = {}

    @np.errstate(all="ignore")
    def __call__(self, outcome: Outcome) -> None:
        """Take note of an outcome."""
        cell, spec = outcome.cell, self._spec
        where = tuple(cell)
        weights = [np.asarray(array) for array in spec.network.layout.split(outcome.point[None, :])[::2]]
        self.diverged_at[where] = outcome.diverged_at
        self.zeros[where] = sum(int((w == 0).sum()) for w in weights) / sum(w.size for w in weights)
        self.norms[where] = [np.linalg.norm(w) for w in weights]
        self.input_norms[where] = np.sqrt(np.einsum("ij,ij->i", weights[0], weights[0]))
        self.unconverged += not outcome.converged and outcome.diverged_at < 0
        if cell.fold in self._keep:
            self.points[cell] = outcome.point
        if cell.fold in self._keep or len(spec.seeds) > 1:
            self.losses[where], penalty = self._objective(outcome)
            if outcome.diverged_at < 0 and np.isfinite(self.losses[where] + penalty):
                self.objectives[where] = self.losses[where] + penalty
        if outcome.diverged_at < 0 and len(spec.folds[cell.fold].test):
            self.scores[where] = self._score(outcome)

    def _objective(self, outcome: Outcome) -> tuple[float, float]:
        """Mean data loss on the fold's training rows, and penalty."""
        spec, fold, point = self._spec, self._spec.folds[outcome.cell.fold], outcome.point[None, :]
        strength, factor = spec.lambdas[outcome.cell.strength], spec.factor_of(outcome.cell)
        host = Placement(get_backend("numpy"), "cpu", spec.dtype)
        penalties = spec.mix.penalties(self.layers, [strength], None if factor is None else factor[None, :])
        batch_l2 = [strength / (2.0 * fold.total_weight)] if spec.mix.penalty == "alpha" else 0.0
        strengths = place_strengths(spec.network, host, penalties, 1, batch_l2)
        strengths = over_batches(strengths, len(fold.x), spec.batch_rows or len(fold.x))
        terms = penalty_terms(point[None], strengths, spec.network.layout)
        losses, _ = spec.network.loss_object.value_and_grad(
            spec.network.apply(spec.network.unpack(point), fold.x), fold.y
        )
        loss = float(np.average(losses[:, 0], weights=fold.weight))
        return loss, float(sum(float(term.reshape(-1)[0]) for term in terms.values()))

    def _score(self, outcome: Outcome) -> float:
        spec, fold = self._spec, self._spec.folds[outcome.cell.fold]
        if isinstance(self._scoring, str):
            outputs = outputs_of(spec.network, fold, outcome.point, fold.x_test)
            if not np.isfinite(outputs).all():
                return float("nan")
            number = outcome.cell.fold
            if number not in self._test_shares:
                self._test_shares[number] = weight_shares(fold.weight_test)
            return DIRECT[self._scoring](outputs, fold.y_test, self._test_shares[number], spec.network.loss)
        estimator = fitted_estimator(
            spec.template, spec.network, fold, outcome.point, {}, loss=float("nan"), epochs=spec.epochs
        )
        x, y = self._raw(fold.test)
        try:
            x = x if fold.transformer is None else fold.transformer.transform(x)
            return float(self._scoring(estimator, x, y, fold.weight_test))
        except (AttributeError, ValueError, TypeError) as error:  # a score of classes, for a regression
            raise ValueError(f"scoring does not fit the estimator: {error}") from error

    @property
    def selected(self) -> NDArray[np.bool_]:
        """Whether an input is used, (strengths, folds, restarts, in)."""
        return self.input_norms > 0

    @property
    def chosen(self) -> NDArray[np.int64]:
        """The restart that stands for its strength and fold: of the smallest training objective, (strengths, folds)."""
        return np.asarray(self.objectives.argmin(axis=2) if self._given is None else self._given)

    def of_chosen(self, values: NDArray[Any]) -> NDArray[Any]:
        """The chosen restarts' part of values (strengths, folds, restarts, ...): (strengths, folds, ...)."""
        strengths, folds = np.indices(values.shape[:2])
        return np.asarray(values[strengths, folds, self.chosen])

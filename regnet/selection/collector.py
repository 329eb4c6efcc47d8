"""What is kept of every cell of a sweep while it runs: scores and sizes, not the networks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self, final

import numpy as np
from numpy.typing import NDArray

from regnet.backend.placement import Placement
from regnet.backend.registry import get_backend
from regnet.estimators import MLPClassifier, MLPRegressor
from regnet.mathematics.weighting import weight_shares
from regnet.networks.regularizer import penalty_terms
from regnet.networks.strengths import over_batches
from regnet.selection.as_estimator import apply_by_rows, fitted_estimator, outputs_of
from regnet.selection.predictions import Predictions
from regnet.selection.scoring import DIRECT, check_held_out
from regnet.sweep.engine import run_sweep
from regnet.sweep.spec import Cell, Outcome, SweepSpec

__all__ = ["Collector"]

TOGETHER = 2**18
"""Numbers that networks of a fold may make of its rows together: they are looked at as one stack, in 2 MiB."""


@final
class Collector:
    """Arrays by strength, fold and restart, filled while `run` trains the sweep.

    scores: on the fold's held-out rows (NaN: none, or the network diverged); input_norms: ||row|| of the first layer,
    (..., in); zeros: share of weights that are exactly 0; norms: Frobenius norm by layer; diverged_at: step or -1;
    unconverged: how many did not reach their solver's tolerance. Of the folds in `keep`, and where there are restarts
    to choose from, also losses (mean data loss on the training rows, targets standardised as they were) and objectives
    (with the penalty; inf where the network diverged); of the folds in `keep` points (parameters, by cell).

    A fold's networks are looked at several at a time. On NumPy a stack's numbers are those of its networks alone, so
    that which of them come together does not matter.
    """

    def __init__(
        self,
        spec: SweepSpec,
        scoring: Any,
        raw: Any,
        keep: frozenset[int],
        chosen: Any = None,
        *,
        keep_predictions: bool = False,
    ) -> None:
        """scoring: a name in DIRECT, or a `Scorer`; raw: `take(rows) -> X, y` of the user's table.

        chosen: restarts (strengths, folds) that an earlier pass chose; None: `chosen` goes by the objectives.
        keep_predictions: whether `predictions` has those of held-out rows.
        """
        self.spec, self._scoring, self._raw, self._keep, self._given = spec, scoring, raw, keep, chosen
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
        self.predictions = Predictions(spec, chosen) if keep_predictions else None
        self._waiting: dict[int, list[Outcome]] = {}
        self._test_shares: dict[int, NDArray[np.float64]] = {}
        if isinstance(scoring, str):
            for number, fold in enumerate(spec.folds):
                if len(fold.test):
                    check_held_out(scoring, fold.weight_test)
                    self._test_shares[number] = weight_shares(fold.weight_test)

    def run(self, **where: Any) -> Self:
        """Train the sweep; where: arguments of `run_sweep`."""
        run_sweep(self.spec, self._note, **where)
        for outcomes in self._waiting.values():
            self.take(outcomes)
        self._waiting.clear()
        return self

    def _note(self, outcome: Outcome) -> None:
        waiting = self._waiting.setdefault(outcome.cell.fold, [])
        waiting.append(outcome)
        if len(waiting) >= self._at_once(outcome.cell.fold):
            self.take(self._waiting.pop(outcome.cell.fold))

    def _at_once(self, number: int) -> int:
        """How many networks of a fold are looked at together; one for a scorer, which may fail, and soon tells so."""
        if not isinstance(self._scoring, str):
            return 1
        fold, network = self.spec.folds[number], self.spec.network
        widest = max(layer.out_features for layer in network.dense_layers)
        return max(1, TOGETHER // (network.layout.size + widest * max(fold.n_rows, len(fold.x_test))))

    @np.errstate(all="ignore")
    def take(self, outcomes: Sequence[Outcome]) -> None:
        """Fill in what is known of networks of one fold."""
        spec, number = self.spec, outcomes[0].cell.fold
        where = tuple(np.asarray([one.cell for one in outcomes]).T)
        points = np.stack([one.point for one in outcomes])[:, None, :]
        weights = [np.asarray(array) for array in spec.network.layout.split(points)[::2]]
        squares = [(w * w).sum(axis=-1) for w in weights]
        self.input_norms[where] = np.sqrt(squares[0])
        self.norms[where] = np.sqrt(np.stack([one.sum(axis=-1) for one in squares], axis=-1))
        self.zeros[where] = sum((w == 0).sum(axis=(-2, -1)) for w in weights) / sum(w[0].size for w in weights)
        self.diverged_at[where] = diverged_at = np.asarray([one.diverged_at for one in outcomes])
        self.unconverged += sum(not one.converged and one.diverged_at < 0 for one in outcomes)
        if number in self._keep:
            self.points |= {one.cell: one.point for one in outcomes}
        if number in self._keep or len(spec.seeds) > 1:
            self.losses[where], penalty = self._objective([one.cell for one in outcomes], points)
            total = self.losses[where] + penalty
            self.objectives[where] = np.where((diverged_at < 0) & np.isfinite(total), total, np.inf)
        sound = [one for one in outcomes if one.diverged_at < 0]
        if sound and len(spec.folds[number].test):
            self._look_at_held_out(sound)

    def _objective(self, cells: Sequence[Cell], points: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        """Mean data loss on the fold's training rows, and penalty, (K,) each; points: (K, 1, size)."""
        spec, fold = self.spec, self.spec.folds[cells[0].fold]
        lambdas = [spec.lambdas[cell.strength] for cell in cells]
        factors = None if spec.factors is None else np.stack([spec.factor_of(cell) for cell in cells])
        host = Placement(get_backend("numpy"), "cpu", spec.dtype)
        strengths = spec.mix.place(
            spec.network, host, lambdas, fold.total_weight, factors, spec.group_numbers()
        )  # fmt: skip
        strengths = over_batches(strengths, fold.n_rows, spec.batch_rows or fold.n_rows)
        terms = penalty_terms(points, strengths, spec.network.layout)
        outputs = apply_by_rows(spec.network, points, fold.x)
        losses, _ = spec.network.loss_object.value_and_grad(outputs, fold.y)
        mean = np.average(np.asarray(losses)[..., 0], axis=-1, weights=fold.weight)
        return mean, sum((np.asarray(term)[:, 0, 0] for term in terms.values()), start=np.zeros(len(cells)))

    def _look_at_held_out(self, outcomes: Sequence[Outcome]) -> None:
        """Score networks of one fold, and keep what they predict, if it is wanted."""
        spec, cells = self.spec, [one.cell for one in outcomes]
        fold, where = spec.folds[cells[0].fold], tuple(np.asarray(cells).T)
        outputs = np.empty(0)
        if isinstance(self._scoring, str) or self.predictions is not None:
            outputs = outputs_of(spec.network, fold, np.stack([one.point for one in outcomes]), fold.x_test)
        if isinstance(self._scoring, str):
            self.scores[where] = self._score(cells[0].fold, outputs)
        else:
            self.scores[where] = [self._score_alone(one) for one in outcomes]
        if self.predictions is not None:
            objectives = self.objectives[where] if len(spec.seeds) > 1 else np.zeros(len(cells))
            self.predictions.note(cells, outputs, objectives)

    def _score(self, number: int, outputs: NDArray[np.float64]) -> NDArray[np.float64]:
        """Scores (K,) of networks' outputs (K, n, outputs) for a fold's held-out rows."""
        fold, loss = self.spec.folds[number], self.spec.template._targets.loss  # in the targets' units, as they are
        scores = DIRECT[self._scoring](outputs, fold.y_test, self._test_shares[number], loss)
        return np.where(np.isfinite(outputs).all(axis=(-2, -1)), scores, np.nan)

    def _score_alone(self, outcome: Outcome) -> float:
        """By a user's scorer, which is given a fitted estimator and rows of the table."""
        spec, fold = self.spec, self.spec.folds[outcome.cell.fold]
        estimator = fitted_estimator(
            spec.template, spec.network, fold, outcome.point, {}, loss=float("nan"), epochs=spec.epochs
        )
        estimator._targets = estimator._targets.of_learnt()  # y are rates already, where there are exposures
        x, y = self._raw(fold.test)
        try:
            x = x if fold.transformer is None else fold.transformer.transform(x)
            return float(self._scoring(estimator, x, y, fold.test))
        except (AttributeError, ValueError, TypeError) as error:  # a score of classes, for a regression
            raise ValueError(f"scoring does not fit the estimator: {error}") from error

    def estimator_at(self, cell: Cell) -> MLPClassifier | MLPRegressor:
        """The fitted estimator of a cell whose fold is in `keep`, with its penalty among its parameters."""
        spec, factor = self.spec, self.spec.factor_of(cell)
        parameters = spec.mix.parameters(self.layers, spec.lambdas[cell.strength])
        if factor is not None:
            parameters["penalty_factor"] = np.asarray(factor)
        if spec.groups is not None:
            parameters["input_groups"] = spec.groups.labels_of_columns()
        return fitted_estimator(
            spec.template, spec.network, spec.folds[cell.fold], self.points[cell], parameters,
            loss=float(self.losses[tuple(cell)]), epochs=spec.epochs,
        )  # fmt: skip

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

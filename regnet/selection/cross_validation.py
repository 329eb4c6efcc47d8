"""What the two cross-validated estimators share: the sweep, the choice of a strength, the refit, the pictures."""

from __future__ import annotations

from abc import ABC
from dataclasses import replace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, MetaEstimatorMixin, _clone_parametrized, _fit_context
from sklearn.model_selection import check_cv
from sklearn.pipeline import make_pipeline
from sklearn.utils import _safe_indexing
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from regnet.estimators.warning import warn
from regnet.plots import norms_figure, selection_figure
from regnet.selection.adaptive import adaptive_factors
from regnet.selection.building import SWEEP_CONSTRAINTS, make_spec, make_template, restart_seeds
from regnet.selection.collecting import Collector
from regnet.selection.fitted import fitted_estimator
from regnet.selection.grid import check_lambdas, find_lambdas
from regnet.selection.path import collect_path
from regnet.selection.preparing import Checked, check_table, make_folds
from regnet.selection.reporting import report_divergence
from regnet.selection.rule import choose
from regnet.selection.scoring import DIRECT, default_scoring, scorer_of
from regnet.sweep.cells import Cell, SweepSpec
from regnet.sweep.engine import run_sweep
from regnet.sweep.folds import Fold

__all__ = ["BaseCV"]

EXCLUDED = 1e30
"""The penalty factor of an input that a relaxed network must not use."""


def _best_has(name: str) -> Any:
    return lambda self: hasattr(getattr(self, "best_estimator_", self._template_class), name)


class BaseCV(MetaEstimatorMixin, BaseEstimator, ABC):  # type: ignore[misc]  # scikit-learn has no types
    """The parts that do not depend on what is predicted."""

    executor: Any
    _classifier: ClassVar[bool]
    _template_class: ClassVar[Any]
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **SWEEP_CONSTRAINTS,
        "cv": ["cv_object"],
        "scoring": [str, callable, None],
        "select": [StrOptions({"min", "1se"})],
        "adaptive": ["boolean", StrOptions({"auto"})],
        "relax": ["boolean"],
        "refit": ["boolean"],
        "executor": [None, object],
        "sweep_dir": [None, object],
    }

    @_fit_context(prefer_skip_nested_validation=False)  # type: ignore[untyped-decorator]
    def fit(self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None) -> Self:
        """Train the sweep on X (n, features) and y, choose the strength, and refit on all rows; returns the estimator.

        sample_weight: (n,), >= 0, for training and for the scores that have names; groups: for the splitter.
        Raises ValueError for bad data in scikit-learn's words, for folds that cannot be trained on, and for a
        sweep_dir that holds another problem. Warns DivergenceWarning, naming strength, fold and step.
        """
        template = make_template(self, self._classifier)
        checked = check_table(template, X, y, sample_weight, self.preprocessor)
        self.n_features_in_ = np.shape(X)[1] if checked.table is None else checked.table.shape[1]
        for name in ("classes_", "feature_names_in_"):
            if hasattr(template, name):
                setattr(self, name, getattr(template, name))
        rows = np.arange(len(checked.y))
        splitter = check_cv(self.cv, checked.y, classifier=self._classifier)
        splits = list(splitter.split(rows[:, None], checked.y, groups))
        self.n_splits_ = len(splits)
        everything = (rows, rows[:0])
        folds = make_folds(
            template, checked, [*splits, everything], standardize=self.standardize, preprocessor=self.preprocessor
        )
        seeds = restart_seeds(self.random_state, self.restarts)
        whole = make_spec(self, template, folds[-1:], checked.placement, (1.0,), seeds, "range")
        lambdas = find_lambdas(whole, self.n_lambdas) if self.lambdas is None else check_lambdas(self.lambdas)
        with_all = self.refit and bool(self.warm_start)
        spec = make_spec(self, template, folds, checked.placement, lambdas, seeds, "path")
        spec = spec if with_all else replace(spec, folds=spec.folds[:-1])
        scoring = self._scoring(template)
        collected = self._run(spec, checked, scoring, with_all)
        if self._is_adaptive(spec):
            pilot = choose(collected.scores[:, : self.n_splits_])
            norms = collected.input_norms[pilot.best]
            if self.refit and not with_all:
                alone = self._alone(spec, folds[-1], pilot.best, None, "pilot")
                norms = np.concatenate([norms, alone.input_norms[0]])
            factors = adaptive_factors(norms)
            self.pilot_scores_ = collected.scores[:, : self.n_splits_]
            self.adaptive_factors_ = factors[-1] if self.refit else factors.mean(axis=0)
            spec = replace(spec, name="adaptive", factors=factors[: len(spec.folds)])
            collected = self._run(spec, checked, scoring, with_all)
            everywhere = factors[-1:]
        else:
            everywhere = None
        if self.relax:
            spec, collected = self._relaxed(spec, collected, checked, scoring, with_all)
        self._keep(spec, collected)
        if with_all:
            self.path_ = collect_path(spec, collected, template, checked, fold=len(spec.folds) - 1)
            self._take(self.path_.estimators[self.best_index_], folds[-1])
        elif self.refit:
            self._take(self._refitted(template, spec, folds[-1], everywhere), folds[-1])
        return self

    def _is_adaptive(self, spec: SweepSpec) -> bool:
        if spec.mix.penalty != "input_l1" or not spec.mix.sparse:
            return False
        return len(spec.network.dense_layers) > 1 if self.adaptive == "auto" else bool(self.adaptive)

    def _scoring(self, template: Any) -> Any:
        """A name that is scored directly, or a scorer."""
        scoring = default_scoring(self._classifier) if self.scoring is None else self.scoring
        direct = {"neg_log_loss", "accuracy"} if self._classifier else set(DIRECT) - {"neg_log_loss", "accuracy"}
        if isinstance(scoring, str) and scoring in direct:
            return scoring
        return scorer_of(template, scoring)

    def _run(self, spec: SweepSpec, checked: Checked, scoring: Any, with_all: bool) -> Collector:
        keep = frozenset([len(spec.folds) - 1]) if with_all else frozenset()
        source = checked.x if checked.host or checked.table is None else checked.table

        def raw(numbers: NDArray[Any]) -> tuple[Any, Any]:
            return _safe_indexing(source, numbers), _safe_indexing(checked.y, numbers)

        collected = Collector(spec, scoring, raw, keep)
        run_sweep(
            spec,
            collected,
            memory_limit=self.memory_limit,
            executor=self.executor,
            sweep_dir=self.sweep_dir,
            progress=bool(self.verbose),
        )
        report_divergence(spec, collected)
        return collected

    def _relaxed(
        self, spec: SweepSpec, collected: Collector, checked: Checked, scoring: Any, with_all: bool
    ) -> tuple[SweepSpec, Collector]:
        """Every support once more, from new weights and without the penalty that found it."""
        if spec.mix.penalty != "input_l1":
            raise ValueError(
                f"relax=True refits selections of inputs: it needs penalty='input_l1', not {spec.mix.penalty!r}."
            )
        factors = np.where(collected.selected, 0.0, EXCLUDED)
        spec = replace(spec, name="relax", factors=factors, warm_start=False, screen=False, epochs=2 * spec.epochs)
        return spec, self._run(spec, checked, scoring, with_all)

    def _keep(self, spec: SweepSpec, collected: Collector) -> None:
        """The fitted attributes that the scores decide."""
        self.lambdas_ = np.asarray(spec.lambdas)
        self.cv_scores_ = collected.scores[:, : self.n_splits_]
        choice = choose(self.cv_scores_)
        self.score_mean_, self.score_se_ = choice.mean, choice.se
        self.lambda_min_, self.lambda_1se_ = (float(self.lambdas_[k]) for k in (choice.best, choice.one_se))
        self.best_index_ = choice.best if self.select == "min" else choice.one_se
        self.lambda_ = float(self.lambdas_[self.best_index_])
        self.best_score_ = float(choice.mean[self.best_index_])
        # Counts and norms are those of all rows' networks where there are any, else means over the folds'.
        own = slice(self.n_splits_, None) if collected.scores.shape[1] > self.n_splits_ else slice(None)
        self.n_selected_ = np.rint(collected.selected[:, own].sum(axis=-1).mean(axis=(1, 2))).astype(int)
        self.zeros_ = collected.zeros[:, own].mean(axis=(1, 2))
        self.input_norms_ = collected.input_norms[:, own].mean(axis=(1, 2))
        self.n_diverged_ = int((collected.diverged_at >= 0).sum())

    def _alone(self, spec: SweepSpec, fold: Fold, strength: int, factors: Any, name: str) -> Collector:
        """The networks of one strength on all rows."""
        alone = replace(spec, name=name, lambdas=(spec.lambdas[strength],), folds=(fold,), factors=factors)
        collected = Collector(alone, "", None, frozenset([0]))
        run_sweep(alone, collected, memory_limit=self.memory_limit, sweep_dir=self.sweep_dir)
        return collected

    def _refitted(self, template: Any, spec: SweepSpec, fold: Fold, factors: Any) -> Any:
        """The chosen strength on all rows, of the restart with the smallest loss, where no path has it already."""
        if np.ndim(spec.factors) > 2:  # a relaxed network's inputs: those that most cells used
            share = (np.asarray(spec.factors[self.best_index_]) == 0).mean(axis=(0, 1))
            factors = np.where(share > 0.5, 0.0, EXCLUDED)[None, :]
        collected = self._alone(spec, fold, self.best_index_, factors, "refit")
        restart = int(np.nanargmin(np.where(collected.diverged_at[0, 0] < 0, collected.losses[0, 0], np.inf)))
        parameters = spec.mix.parameters(len(spec.network.dense_layers), self.lambda_)
        if factors is not None:
            parameters["penalty_factor"] = np.asarray(factors[0])
        return fitted_estimator(
            template, spec.network, fold, collected.points[Cell(0, 0, restart)], parameters,
            loss=float(collected.losses[0, 0, restart]), epochs=spec.epochs,
        )  # fmt: skip

    def _take(self, estimator: Any, fold: Fold) -> None:
        """Make an estimator the one that predicts."""
        self.selected_features_ = np.asarray(estimator.selected_features_)
        self.best_estimator_ = estimator if fold.transformer is None else make_pipeline(fold.transformer, estimator)
        if self.penalty == "input_l1" and not self.selected_features_.any():
            warn(
                f"At the chosen strength, {self.lambda_:.3g}, no input is left: a constant is within one standard "
                "error of the best network. Look at plot_path(), or take select='min'."
            )

    def predict(self, X: Any) -> Any:
        """What the refitted network predicts."""
        check_is_fitted(self, "best_estimator_")
        return self.best_estimator_.predict(X)

    @available_if(_best_has("predict_proba"))  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any) -> Any:
        """The refitted network's probabilities."""
        check_is_fitted(self, "best_estimator_")
        return self.best_estimator_.predict_proba(X)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Accuracy, or R2, of the refitted network."""
        check_is_fitted(self, "best_estimator_")
        return float(self.best_estimator_.score(X, y, sample_weight))

    def plot_path(self) -> Any:
        """Score with error bars against the strength, inputs on top, both strengths marked: a matplotlib Figure."""
        check_is_fitted(self, "lambdas_")
        best, one_se = (int(np.flatnonzero(self.lambdas_ == one)[0]) for one in (self.lambda_min_, self.lambda_1se_))
        pilot = getattr(self, "pilot_scores_", None)
        scoring = self.scoring if isinstance(self.scoring, str) else None
        name = scoring or ("score" if self.scoring is not None else default_scoring(self._classifier))
        return selection_figure(
            self.lambdas_, self.score_mean_, self.score_se_, self.n_selected_, best, one_se, score_name=name,
            penalty=self.penalty, reference=None if pilot is None else choose(pilot).mean,
        )  # fmt: skip

    def plot_norms(self) -> Any:
        """The norm of each input's weights against the strength, the chosen inputs coloured: a matplotlib Figure."""
        check_is_fitted(self, "lambdas_")
        count = self.input_norms_.shape[1]
        names = getattr(self, "feature_names_in_", ()) if self.preprocessor is None else ()
        given = tuple(map(str, names)) if len(names) == count else tuple(f"x{number}" for number in range(count))
        return norms_figure(
            self.lambdas_, self.input_norms_, given, self.best_index_, title="regularisation path",
            ylabel="norm of an input's weights",
        )  # fmt: skip

    def __sklearn_clone__(self) -> Self:
        """An executor has threads or connections, which cannot be copied: the clone has the same one."""
        executor, self.executor = self.executor, None
        try:
            twin: Self = _clone_parametrized(self)
        finally:
            self.executor = executor
        twin.executor = executor
        return twin

    def __getstate__(self) -> dict[str, Any]:
        """Without the executor, for the same reason."""
        return {**super().__getstate__(), "executor": None}

"""What the two cross-validated estimators share: the sweep, the choice of a strength, the refit."""

from __future__ import annotations

import os
import zlib
from abc import ABC
from dataclasses import replace
from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import _fit_context
from sklearn.pipeline import make_pipeline
from sklearn.utils import _safe_indexing
from sklearn.utils._param_validation import HasMethods, StrOptions

from regnet.display.warning import warn
from regnet.estimators.inputs import to_host
from regnet.selection.adaptive import adaptive_factors
from regnet.selection.as_estimator import fitted_estimator
from regnet.selection.choice import fold_weights, repeats_of, rival_of
from regnet.selection.collector import Collector
from regnet.selection.fitted_search import ChosenNetwork
from regnet.selection.folds import Checked, check_table, make_folds
from regnet.selection.lambdas import check_lambdas, find_lambdas
from regnet.selection.path import collect_path
from regnet.selection.reporting import is_near_tie, report_absent, report_divergence
from regnet.selection.scoring import DIRECT, default_scoring, scorer_of
from regnet.selection.settings import SWEEP_CONSTRAINTS, Estimator, SweepSettings, make_template, restart_seeds
from regnet.selection.splitting import make_splits
from regnet.selection.sweep_spec import make_spec
from regnet.sweep.fold import Fold
from regnet.sweep.journal import data_digest, kernels_of
from regnet.sweep.spec import Cell, SweepSpec

__all__ = ["BaseCV"]

EXCLUDED = 1e30
"""The penalty factor of an input that a relaxed network must not use."""


def _named(name: str, values: NDArray[Any]) -> str:
    """The name of a pass in the journal, with what an earlier pass decided for it."""
    return f"{name}-{zlib.crc32(np.ascontiguousarray(values, dtype=np.float64).tobytes()):08x}"


class BaseCV(ChosenNetwork, ABC):
    """The parts that do not depend on what is predicted."""

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **SWEEP_CONSTRAINTS,
        "cv": ["cv_object"],
        "scoring": [str, callable, None],
        "select": [StrOptions({"min", "1se"})],
        "adaptive": ["boolean", StrOptions({"auto"})],
        "relax": ["boolean"],
        "refit": ["boolean"],
        "executor": [HasMethods("submit"), None],
        "n_jobs": [Integral, None],
        "sweep_dir": [str, os.PathLike, None],
    }

    @_fit_context(prefer_skip_nested_validation=False)  # type: ignore[untyped-decorator]
    def fit(self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None) -> Self:
        """Train the sweep on X (n, features) and y, choose the strength, and refit on all rows; returns the estimator.

        sample_weight: (n,), >= 0, for training and for the scores, which weigh held-out rows and folds by them; groups:
        for the splitter. Raises ValueError for bad data in scikit-learn's words, for folds that cannot be trained on,
        for a score that cannot take a sample_weight, and for a sweep_dir that holds another problem. Warns
        DivergenceWarning, naming strength, fold and step.
        """
        for name in [name for name in vars(self) if name.endswith("_") and not name.startswith("_")]:
            delattr(self, name)
        self._check_combinations()
        settings = SweepSettings.of_search(self)
        template = make_template(settings, self._template_class, **self._own_parameters())
        checked = check_table(template, X, y, sample_weight, self.preprocessor)
        for name in ("classes_", "n_features_in_", "feature_names_in_"):
            if hasattr(template, name):
                setattr(self, name, getattr(template, name))
        rows = np.arange(len(checked.y))
        seeds = restart_seeds(self.random_state, self.restarts)
        splits = make_splits(self.cv, checked.y, to_host(groups), classifier=self._classifier, seed=seeds[0])
        self.n_splits_, self.n_diverged_ = len(splits), 0
        everything = (rows, rows[:0])
        folds = make_folds(
            settings, template, checked, [*splits, everything], class_weighted=self.scoring is None
        )  # fmt: skip
        report_absent(folds[-1], self._names(checked))
        self.fold_weights_ = fold_weights([fold.weight_test for fold in folds[:-1]])
        self.n_repeats_ = repeats_of([rows[test] for _, test in splits])
        whole = make_spec(settings, template, folds, checked.placement, (1.0,), seeds, "range")
        lambdas = find_lambdas(whole, self.n_lambdas) if self.lambdas is None else check_lambdas(self.lambdas)
        with_all = self.refit and bool(self.warm_start)
        spec = make_spec(settings, template, folds, checked.placement, lambdas, seeds, "path")
        if self.sweep_dir is not None:  # rows that no fold trains on are rows of the search
            spec = replace(spec, data=data_digest(folds))
        spec = spec if with_all else replace(spec, folds=spec.folds[:-1])
        scoring = self._scoring(template, checked.weight is not None)
        collected = self._run(spec, checked, scoring, with_all)
        if self._is_adaptive(spec):
            self.pilot_scores_ = collected.of_chosen(collected.scores)[:, : self.n_splits_]
            pilot = self._choose(self.pilot_scores_)
            norms = collected.of_chosen(collected.input_norms)[pilot.best]
            if self.refit and not with_all:
                alone = self._alone(spec, folds[-1], pilot.best, None, "pilot")
                norms = np.concatenate([norms, alone.of_chosen(alone.input_norms)[0]])
            factors = adaptive_factors(norms)
            self.adaptive_factors_ = factors[-1] if self.refit else factors.mean(axis=0)
            used = factors[: len(spec.folds)]
            spec = replace(spec, name=_named("adaptive", used), factors=used)
            collected = self._run(spec, checked, scoring, with_all)
            everywhere = factors[-1:]
        else:
            everywhere = None
        penalised = spec
        if self.relax:
            spec, collected = self._relaxed(spec, collected, checked, scoring, with_all)
        self._keep(spec, collected)
        if with_all:
            self.path_ = collect_path(spec, collected, template, checked, fold=len(spec.folds) - 1)
            found = self.path_
            self.n_selected_, self.zeros_, self.input_norms_ = found.n_selected, found.zeros, found.input_norms
            self._check_finite(collected.of_chosen(collected.objectives)[self.best_index_, -1])
            self._take(found.estimators[self.best_index_], folds[-1])
        elif self.refit:
            self._take(self._refitted(template, penalised, spec, folds[-1], everywhere), folds[-1])
        return self

    def _own_parameters(self) -> dict[str, Any]:
        """The parameters that networks of classes, or of values, have alone."""
        return {name: getattr(self, name) for name in ("class_weight", "loss") if name in self.get_params(deep=False)}

    def _names(self, checked: Checked) -> Any:
        """The names of the networks' inputs, or None where they have none."""
        return getattr(self, "feature_names_in_", None) if checked.table is not None else None

    def _check_combinations(self) -> None:
        """Raise ValueError for settings that mean nothing together."""
        if self.executor is not None and self.n_jobs is not None:
            raise ValueError("executor and n_jobs are two ways to say where networks are trained: give one of them.")
        for name in ("relax", "adaptive"):
            if getattr(self, name) is True and self.penalty != "input_l1":
                raise ValueError(f"{name}=True is for selections of inputs: it needs penalty='input_l1'.")

    def _is_adaptive(self, spec: SweepSpec) -> bool:
        if spec.mix.penalty != "input_l1":
            return False
        return len(spec.network.dense_layers) > 1 if self.adaptive == "auto" else bool(self.adaptive)

    def _scoring(self, template: Estimator, weighted: bool) -> Any:
        """A name that is scored directly, or a scorer."""
        scoring = default_scoring(self._classifier) if self.scoring is None else self.scoring
        direct = {"neg_log_loss", "accuracy"} if self._classifier else set(DIRECT) - {"neg_log_loss", "accuracy"}
        if isinstance(scoring, str) and scoring in direct:
            return scoring
        return scorer_of(template, scoring, weighted=weighted)

    def _run(self, spec: SweepSpec, checked: Checked, scoring: Any, with_all: bool, chosen: Any = None) -> Collector:
        keep = frozenset([len(spec.folds) - 1]) if with_all else frozenset()
        source = checked.x if checked.host or checked.table is None else checked.table

        def raw(numbers: NDArray[Any]) -> tuple[Any, Any]:
            return _safe_indexing(source, numbers), _safe_indexing(checked.y, numbers)

        collected = Collector(spec, scoring, raw, keep, chosen).run(
            memory_limit=self.memory_limit,
            executor=self.executor,
            n_jobs=self.n_jobs,
            sweep_dir=self.sweep_dir,
            progress=bool(self.verbose),
        )
        self._report(spec, collected)
        return collected

    def _report(self, spec: SweepSpec, collected: Collector) -> None:
        report_divergence(spec, collected)
        self.n_diverged_ += int((collected.diverged_at >= 0).sum())

    def _relaxed(
        self, spec: SweepSpec, collected: Collector, checked: Checked, scoring: Any, with_all: bool
    ) -> tuple[SweepSpec, Collector]:
        """Every support once more, from new weights and without the penalty that found it.

        Restarts stay those that the penalised pass chose: without a penalty the largest support has the smallest loss.
        """
        factors = np.where(collected.selected, 0.0, EXCLUDED)
        free = replace(spec.mix, l1_ratio=1.0, companion_l2=0.0)
        epochs = spec.epochs_at(0)
        name = _named("relax", factors)
        spec = replace(spec, name=name, mix=free, factors=factors, warm_start=False, screen=False, epochs=epochs)
        return spec, self._run(spec, checked, scoring, with_all, collected.chosen)

    def _keep(self, spec: SweepSpec, collected: Collector) -> None:
        """The fitted attributes that the scores decide."""
        self.lambdas_ = np.asarray(spec.lambdas)
        self.cv_scores_ = collected.scores[:, : self.n_splits_]
        choice = self._choose(collected.of_chosen(collected.scores)[:, : self.n_splits_])
        self.chosen_restarts_ = collected.chosen[:, : self.n_splits_]
        self.score_mean_, self.score_se_ = choice.mean, choice.se
        self.lambda_min_, self.lambda_1se_ = (float(self.lambdas_[k]) for k in (choice.best, choice.one_se))
        self.best_index_ = choice.best if self.select == "min" else choice.one_se
        self.lambda_ = float(self.lambdas_[self.best_index_])
        self.best_score_ = float(choice.mean[self.best_index_])
        self.min_index_, self.one_se_index_ = choice.best, choice.one_se
        rival = rival_of(choice, self.select)
        self.rival_ = float(self.lambdas_[rival.strength]) if rival.strength >= 0 else float("nan")
        self.margin_ = rival.margin
        self.near_tie_, self.kernels_ = is_near_tie(spec, rival.margin), kernels_of(spec)
        self.n_iter_ = spec.epochs
        # Means over the folds' networks; a path on all rows has its own.
        self.n_selected_ = np.rint(collected.of_chosen(collected.selected).sum(axis=-1).mean(axis=1)).astype(int)
        self.zeros_ = collected.of_chosen(collected.zeros).mean(axis=1)
        self.input_norms_ = collected.of_chosen(collected.input_norms).mean(axis=1)

    def _alone(self, spec: SweepSpec, fold: Fold, strength: int, factors: Any, name: str) -> Collector:
        """The networks of one strength on all rows."""
        decided = (np.ravel([] if factors is None else factors), [spec.lambdas[strength]], spec.seeds)
        name = _named(name, np.concatenate(decided))
        alone = replace(spec, name=name, lambdas=(spec.lambdas[strength],), folds=(fold,), factors=factors)
        collected = Collector(alone, "", None, frozenset([0]))
        collected.run(memory_limit=self.memory_limit, sweep_dir=self.sweep_dir)
        self._report(alone, collected)
        return collected

    def _check_finite(self, objectives: Any) -> None:
        """Raise ValueError if no network of the chosen strength is left."""
        if not np.isfinite(objectives).any():
            raise ValueError(
                f"On all rows every network of the chosen strength, {self.lambda_:.3g}, diverged: lower "
                "learning_rate_init, or look for a row that no fold was trained on."
            )

    def _refitted(self, template: Estimator, penalised: SweepSpec, spec: SweepSpec, fold: Fold, factors: Any) -> Any:
        """The chosen strength on all rows, where no path has it already; as in a fold, of the restart with the smallest

        penalised objective. spec: the relaxed pass, or the penalised one again.
        """
        collected = self._alone(penalised, fold, self.best_index_, factors, "refit")
        self._check_finite(collected.objectives[0, 0])
        restart = int(collected.chosen[0, 0])
        if spec is not penalised:
            factors = np.where(collected.selected[0, :, restart], 0.0, EXCLUDED)
            own = replace(spec, seeds=(spec.seeds[restart],))
            collected, restart = self._alone(own, fold, self.best_index_, factors, "relaxed"), 0
            self._check_finite(collected.objectives[0, 0])
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
            best = (
                "is the best that there is."
                if self.select == "min" or self.best_index_ == self.min_index_
                else ("is within one standard error of the best network. Look at plot_path(), or take select='min'.")
            )
            warn(f"At the chosen strength, {self.lambda_:.3g}, no input is left: a constant {best}")

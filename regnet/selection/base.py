"""What the two cross-validated estimators share: the sweep, the choice of a strength, the refit."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.metadata_routing import UNUSED

from regnet.display.warning import warn
from regnet.selection.adaptive import adaptive_factors
from regnet.selection.asked_search import AskedSearch
from regnet.selection.between import Between
from regnet.selection.choice import RULES, fold_weights, repeats_of, rival_of
from regnet.selection.collector import Collector
from regnet.selection.folds import Checked, check_table, make_folds
from regnet.selection.input_names import names_of_inputs, parents_of_inputs
from regnet.selection.lambdas import check_lambdas, find_lambdas, longer_range
from regnet.selection.passes import Passes, check_finite, refitted
from regnet.selection.path import collect_path
from regnet.selection.path_result import PathResult
from regnet.selection.predictions import folds_of_rows
from regnet.selection.relaxing import check_gammas, named
from regnet.selection.reporting import is_near_tie, report_absent
from regnet.selection.routing import route
from regnet.selection.settings import SWEEP_CONSTRAINTS, Estimator, SweepSettings, make_template, restart_seeds
from regnet.selection.splitting import make_splits
from regnet.selection.sweep_spec import make_spec
from regnet.selection.table_encoding import with_encoded_columns
from regnet.sweep.fingerprint import data_digest, kernels_of
from regnet.sweep.fold import Fold
from regnet.sweep.spec import SweepSpec

__all__ = ["BaseCV"]


@dataclass(kw_only=True, eq=False, repr=False)  # scikit-learn's equality and repr stay
class BaseCV(AskedSearch):
    """The parts that do not depend on what is predicted."""

    __metadata_request__fit: ClassVar[dict[str, Any]] = {"groups": UNUSED}  # the splitter requests them
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **SWEEP_CONSTRAINTS,
        "lambda_min_ratio": [Interval(Real, 0, 1, closed="neither"), None],
        "cv": ["cv_object"],
        "scoring": [str, callable, None],
        "select": [StrOptions(set(RULES))],
        "adaptive": ["boolean", StrOptions({"auto"})],
        "relax": ["boolean"],
        "gamma": [Interval(Real, 0, 1, closed="both"), "array-like"],
        "refit": ["boolean"],
        "keep_predictions": ["boolean"],
        "executor": [HasMethods("submit"), None],
        "n_jobs": [Integral, None],
        "sweep_dir": [str, os.PathLike, None],
    }
    penalty: str = "input_l1"
    input_groups: Any = None
    penalty_factor: Any = None
    lambdas: Any = None
    n_lambdas: int = 50
    lambda_min_ratio: float | None = None
    cv: Any = 5
    restarts: int = 1
    scoring: Any = None
    select: str = "1se"
    adaptive: Any = "auto"
    relax: bool = False
    gamma: Any = 0.0
    refit: bool = True
    keep_predictions: bool = False
    l1_ratio: float = 1.0
    companion_l2: float = 1.0
    warm_start: bool = True
    standardize: bool = True
    preprocessor: Any = None
    solver: Any = "auto"
    learning_rate_init: float | None = None
    batch_size: Any = "auto"
    max_iter: int | None = None
    tol: float | None = None
    shuffle: bool = True
    dropout: float = 0.0
    initializer: Any = None
    memory_limit: int | None = None
    n_jobs: int | None = None
    executor: Any = None
    sweep_dir: Any = None
    random_state: Any = None
    verbose: Any = False

    def _search(self, X: Any, y: Any, sample_weight: Any, groups: Any, params: dict[str, Any], **exposed: Any) -> Self:
        """Train the sweep, choose the strength, and refit on all rows. exposed: offset, exposure, of `check_table`."""
        for name in [name for name in vars(self) if name.endswith("_") and not name.startswith("_")]:
            delattr(self, name)
        self._between = self._cold_path = None
        self._check_combinations()
        routed = route(self, sample_weight=sample_weight, groups=groups, params=params)
        settings = with_encoded_columns(SweepSettings.of_search(self), X)
        template = make_template(settings, self._template_class, **self._own_parameters())
        checked = check_table(template, X, y, sample_weight, settings.preprocessor, **exposed)
        for name in ("classes_", "n_features_in_", "feature_names_in_"):
            if hasattr(template, name):
                setattr(self, name, getattr(template, name))
        seeds = restart_seeds(self.random_state, self.restarts)
        folds = self._folds(settings, template, checked, routed.split, seeds[0])
        whole = make_spec(settings, template, folds, checked.placement, (1.0,), seeds, "range")
        if self.lambdas is None:
            lambdas = find_lambdas(whole, self.n_lambdas, self.lambda_min_ratio)
        else:
            lambdas = check_lambdas(self.lambdas)
        with_all = self.refit and bool(self.warm_start)
        spec = make_spec(settings, template, folds, checked.placement, lambdas, seeds, "path")
        if self.sweep_dir is not None:  # rows that no fold trains on are rows of the search
            spec = replace(spec, data=data_digest(folds))
        spec = spec if with_all else replace(spec, folds=spec.folds[:-1])
        passes = Passes(
            checked, self._scoring(template, checked, routed.score), with_all=with_all,
            keep_predictions=self.keep_predictions, memory_limit=self.memory_limit, executor=self.executor,
            n_jobs=self.n_jobs, sweep_dir=self.sweep_dir, progress=bool(self.verbose),
        )  # fmt: skip
        spec, collected = self._first(passes, spec)
        factors = spec.factors
        if self._is_adaptive(spec):
            spec, collected, factors = self._adaptive(passes, spec, collected, folds[-1], with_all)
        penalised, of_penalised = spec, collected
        if self.relax:
            spec, collected = self._relaxed(passes, spec, collected)
        self._keep(spec, collected)
        if collected.predictions is not None:
            self.cv_predictions_ = collected.predictions.by_row(len(checked.y))
        self.input_names_ = np.asarray(names_of_inputs(template, folds[-1]), dtype=object)
        self._parents = parents_of_inputs(template, folds[-1])
        if self.refit:
            gamma = self.gamma_ if self.relax else 1.0
            more: dict[str, Any] = {"gamma": gamma, "memory_limit": self.memory_limit}
            if with_all:
                check_finite(collected.of_chosen(collected.objectives)[self.best_index_, -1], self.lambda_)
                between = Between.of_path(penalised, of_penalised, len(folds) - 1, **more)
                self._take_path(collect_path(spec, collected, tuple(self.input_names_), between, len(folds) - 1))
                chosen = self.path_.estimators[self.best_index_]
            else:
                chosen = refitted(passes, penalised, folds[-1], self.best_index_, factors, gamma)
                self._between = Between(replace(penalised, folds=(folds[-1].kept(),), factors=factors), **more)
            self._take(chosen)
        self.n_diverged_ = passes.n_diverged
        return self

    def _folds(
        self, settings: SweepSettings, template: Estimator, checked: Checked, given: Mapping[str, Any], seed: int
    ) -> list[Fold]:
        """The folds, and all rows as the last one; how the folds count is noted."""
        rows = np.arange(len(checked.y))
        splits = make_splits(self.cv, checked.y, given, classifier=self._classifier, seed=seed)
        everything = (rows, rows[:0])
        folds = make_folds(settings, template, checked, [*splits, everything], class_weighted=self.scoring is None)
        report_absent(folds[-1], names_of_inputs(template, folds[-1]))
        self.n_splits_, self.n_repeats_ = len(splits), repeats_of([rows[test] for _, test in splits])
        self.test_folds_ = folds_of_rows([test for _, test in splits], len(rows))
        self.fold_weights_ = fold_weights([fold.weight_test for fold in folds[:-1]])
        return folds

    def _first(self, passes: Passes, spec: SweepSpec) -> tuple[SweepSpec, Collector]:
        """The first pass; where the range was left open and its weakest strength is the best, over a longer one."""
        collected = passes.run(spec, last=self._is_last)
        choice = self._choose(collected.of_chosen(collected.scores)[:, : self.n_splits_])
        if self.lambdas is None and self.lambda_min_ratio is None and choice.rises_to_the_end:
            spec = replace(spec, name="longer path", lambdas=longer_range(spec.lambdas))
            collected = passes.run(spec, last=self._is_last)
        return spec, collected

    def _adaptive(
        self, passes: Passes, spec: SweepSpec, collected: Collector, everything: Fold, with_all: bool
    ) -> tuple[SweepSpec, Collector, NDArray[np.float64] | None]:
        """The second path, whose pilot is the first one; also the factors of all rows' inputs, (1, in).

        The best score is asked of both paths: where 'auto' may choose, 'min' stays with the first one if it has it.
        """
        self.pilot_scores_ = collected.of_chosen(collected.scores)[:, : self.n_splits_]
        pilot = self._choose(self.pilot_scores_)
        norms = collected.of_chosen(collected.input_norms)[pilot.best]
        if self.refit and not with_all:
            alone = passes.alone(spec, everything, pilot.best, spec.factors, "pilot")
            norms = np.concatenate([norms, alone.of_chosen(alone.input_norms)[0]])
        factors = adaptive_factors(norms, groups=spec.groups, factors=spec.factors)
        self.adaptive_factors_ = factors[-1] if self.refit else factors.mean(axis=0)
        used = factors[: len(spec.folds)]
        second = replace(spec, name=named("adaptive", used), factors=used)
        found = passes.run(second, last=self._is_last)
        best = np.nanmax(self._choose(found.of_chosen(found.scores)[:, : self.n_splits_]).mean)
        self.adaptive_ = self.select != "min" or self.adaptive is True or bool(best >= pilot.mean[pilot.best])
        return (second, found, factors[-1:]) if self.adaptive_ else (spec, collected, spec.factors)

    @property
    def _is_last(self) -> bool:
        """Whether the penalised networks may be those that the search keeps."""
        return not self.relax or 1.0 in check_gammas(self.gamma)

    def _relaxed(self, passes: Passes, spec: SweepSpec, collected: Collector) -> tuple[SweepSpec, Collector]:
        """The share of the penalty whose selections score best at some strength; of equal ones the largest."""
        gammas = check_gammas(self.gamma)
        tried = [passes.relaxed(spec, collected, gamma) for gamma in gammas]
        scores = [one.of_chosen(one.scores)[:, : self.n_splits_] for _, one in tried]
        best = [np.nanmax(self._choose(of_gamma).mean) for of_gamma in scores]
        chosen = len(gammas) - 1 - int(np.argmax(best[::-1]))
        self.gamma_, self.gammas_, self.gamma_scores_ = gammas[chosen], np.asarray(gammas), np.stack(scores)
        return tried[chosen]

    def _keep(self, spec: SweepSpec, collected: Collector) -> None:
        """The fitted attributes that the scores decide."""
        self.lambdas_ = np.asarray(spec.lambdas)
        self.cv_scores_ = collected.scores[:, : self.n_splits_]
        choice = self._choose(collected.of_chosen(collected.scores)[:, : self.n_splits_])
        self.chosen_restarts_ = collected.chosen[:, : self.n_splits_]
        self.score_mean_, self.score_se_ = choice.mean, choice.se
        if self.lambdas is None and choice.by(self.select) == 0 and choice.rises_to_the_end:
            warn(
                f"The weakest strength of the range, {spec.lambdas[0]:.3g}, has the best score; a weaker one may have "
                "a better: give lambda_min_ratio a smaller number, or lambdas that begin at a weaker one."
            )
        of_rules = (float(self.lambdas_[choice.by(rule)]) for rule in RULES)
        self.lambda_1se_, self.lambda_paired_, self.lambda_min_ = of_rules
        self.best_index_ = choice.by(self.select)
        self.lambda_ = float(self.lambdas_[self.best_index_])
        self.best_score_ = float(choice.mean[self.best_index_])
        self.min_index_, self.one_se_index_, self.paired_index_ = choice.best, choice.one_se, choice.paired
        rival = rival_of(choice, self.select)
        self.rival_ = float(self.lambdas_[rival.strength]) if rival.strength >= 0 else float("nan")
        self.margin_ = rival.margin
        self.near_tie_, self.kernels_ = is_near_tie(spec, rival.margin), kernels_of(spec)
        self.n_iter_ = spec.epochs
        # Means over the folds' networks; a path on all rows has its own.
        self.n_selected_ = np.rint(collected.of_chosen(collected.selected).sum(axis=-1).mean(axis=1)).astype(int)
        self._grouping = spec.groups
        if spec.groups is not None:
            self.groups_, used = spec.groups.labels, spec.groups.any_of(collected.of_chosen(collected.selected))
            self.n_selected_groups_ = np.rint(used.sum(axis=-1).mean(axis=1)).astype(int)
        self.zeros_ = collected.of_chosen(collected.zeros).mean(axis=1)
        self.input_norms_ = collected.of_chosen(collected.input_norms).mean(axis=1)

    def _take_path(self, path: PathResult) -> None:
        """Keep the path on all rows; what it counts stands in place of the folds' means."""
        self.path_ = path
        self.n_selected_, self.zeros_, self.input_norms_ = path.n_selected, path.zeros, path.input_norms
        if hasattr(self, "groups_"):
            self.n_selected_groups_ = path.n_selected_groups

    def _take(self, estimator: Any) -> None:
        """Make an estimator, behind the preprocessor, if there is one, the one that predicts."""
        self.best_estimator_ = estimator
        network = estimator if self.preprocessor is None else estimator[-1]
        self.selected_features_ = np.asarray(network.selected_features_)
        if hasattr(self, "groups_"):
            self.selected_groups_ = np.asarray(network.selected_groups_)
        if self.penalty == "input_l1" and not self.selected_features_.any():
            best = (
                "scores best of all strengths that were tried."
                if self.best_index_ == self.min_index_
                else ("is within one standard error of the best network. Look at plot_path(), or take select='min'.")
            )
            warn(f"At the chosen strength, {self.lambda_:.3g}, no input is left: a constant {best}")

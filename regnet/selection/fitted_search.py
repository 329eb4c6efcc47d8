"""What a search offers once it is fitted: the chosen network's predictions, and pictures of the choice."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from regnet.display.plots import norms_figure, selection_figure
from regnet.estimators.inputs import to_host
from regnet.selection.choice import Choice, choose
from regnet.selection.scoring import default_scoring

__all__ = ["ChosenNetwork"]


def _best_has(name: str) -> Any:
    return lambda self: hasattr(getattr(self, "best_estimator_", self._template_class), name)


class ChosenNetwork(MetaEstimatorMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """The half of `BaseCV` that comes after `fit`."""

    executor: Any
    n_jobs: int | None
    preprocessor: Any
    fold_weights_: NDArray[np.float64]
    n_repeats_: float
    _classifier: ClassVar[bool]
    _template_class: ClassVar[Any]

    def predict(self, X: Any) -> Any:
        """What the refitted network predicts."""
        return self._fitted().predict(self._seen(X))

    def _choose(self, scores: Any) -> Choice:
        """What scores (strengths, folds) speak for, by the splits that they are of."""
        return choose(scores, weight=self.fold_weights_, repeats=self.n_repeats_)

    def _fitted(self) -> Any:
        """The refitted network. Raises NotFittedError, also after a fit without one."""
        check_is_fitted(self, "lambdas_")
        if not hasattr(self, "best_estimator_"):
            raise NotFittedError(
                "fit was called with refit=False, so there is no network to predict with: set refit=True."
            )
        return self.best_estimator_

    def _seen(self, values: Any) -> Any:
        """Arrays as the refitted network takes them: a transformer in front works on the host."""
        return values if self.preprocessor is None else to_host(values)

    @available_if(_best_has("predict_proba"))  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any) -> Any:
        """The refitted network's probabilities."""
        return self._fitted().predict_proba(self._seen(X))

    @available_if(_best_has("predict_log_proba"))  # type: ignore[untyped-decorator]
    def predict_log_proba(self, X: Any) -> Any:
        """Their logarithms."""
        return self._fitted().predict_log_proba(self._seen(X))

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Accuracy, or R2, of the refitted network."""
        return float(self._fitted().score(self._seen(X), self._seen(y), self._seen(sample_weight)))

    def __sklearn_tags__(self) -> Any:
        """Those of the network that predicts; a transformer in front may take other tables."""
        tags, own = super().__sklearn_tags__(), self._template_class().__sklearn_tags__()
        tags.input_tags.sparse = own.input_tags.sparse
        tags.target_tags.multi_output = own.target_tags.multi_output
        if tags.classifier_tags is not None:
            tags.classifier_tags.multi_label = own.classifier_tags.multi_label
        return tags

    def plot_path(self) -> Any:
        """Score with error bars against the strength, inputs on top, both strengths marked: a matplotlib Figure."""
        check_is_fitted(self, "lambdas_")
        pilot = getattr(self, "pilot_scores_", None)
        scoring = self.scoring if isinstance(self.scoring, str) else None
        name = scoring or ("score" if self.scoring is not None else default_scoring(self._classifier))
        return selection_figure(
            self.lambdas_, self.score_mean_, self.score_se_, self.n_selected_, self.min_index_, self.one_se_index_,
            score_name=name, penalty=self.penalty, reference=None if pilot is None else self._choose(pilot).mean,
        )  # fmt: skip

    def plot_norms(self, names: Sequence[str] | None = None) -> Any:
        """The norm of each input's weights against the strength, the chosen inputs coloured: a matplotlib Figure.

        names: of the inputs (of the transformed ones, behind a preprocessor); default: those of the table.
        """
        check_is_fitted(self, "lambdas_")
        count = self.input_norms_.shape[1]
        if names is None:
            names = getattr(self, "feature_names_in_", ()) if self.preprocessor is None else ()
        given = tuple(map(str, names)) if len(names) == count else tuple(f"x{number}" for number in range(count))
        return norms_figure(
            self.lambdas_, self.input_norms_, given, self.best_index_, title="regularisation path",
            ylabel="norm of an input's weights",
        )  # fmt: skip

    def __sklearn_clone__(self) -> Self:
        """An executor has threads or connections, which cannot be copied: the clone has the same one.

        Metadata requests are copied, as `sklearn.base.clone` does it.
        """
        given = {name: value for name, value in self.get_params(deep=False).items() if name != "executor"}
        copied = {name: clone(value, safe=False) for name, value in given.items()}
        twin: Self = type(self)(**copied, executor=self.executor)
        if "_metadata_request" in vars(self):  # set_fit_request and its like leave it beside the parameters
            twin._metadata_request = deepcopy(self._metadata_request)
        return twin

    def __getstate__(self) -> dict[str, Any]:
        """Without the executor, for the same reason."""
        return {**super().__getstate__(), "executor": None}

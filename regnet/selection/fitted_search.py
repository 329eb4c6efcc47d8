"""What the two cross-validated estimators answer once they are fitted: predictions, scores, pictures."""

from __future__ import annotations

from abc import ABC
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, MetaEstimatorMixin
from sklearn.exceptions import NotFittedError
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from regnet.display.plots import norms_figure, selection_figure
from regnet.estimators.inputs import to_host
from regnet.selection.choice import Choice, choose
from regnet.selection.scoring import default_scoring
from regnet.selection.settings import Estimator

__all__ = ["FittedSearch"]


def _best_has(name: str) -> Any:
    return lambda self: hasattr(getattr(self, "best_estimator_", self._template_class), name)


class FittedSearch(MetaEstimatorMixin, BaseEstimator, ABC):  # type: ignore[misc]  # scikit-learn has no types
    """What a search tells of the strengths that it tried, and of the network that it chose."""

    _template_class: ClassVar[type[Estimator]]
    _classifier: ClassVar[bool]
    input_norms_: NDArray[np.floating[Any]]

    def predict(self, X: Any) -> Any:
        """Predict by the refitted network.

        Parameters
        ----------
        X : array-like
            The rows, (n, features).

        Returns
        -------
        array
            Classes or values, as `best_estimator_` gives them.
        """
        return self._fitted().predict(self._seen(X))

    @available_if(_best_has("predict_proba"))  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any) -> Any:
        """Predict probabilities by the refitted network.

        Parameters
        ----------
        X : array-like
            The rows, (n, features).

        Returns
        -------
        array
            Probabilities, (n, n_classes).
        """
        return self._fitted().predict_proba(self._seen(X))

    @available_if(_best_has("predict_log_proba"))  # type: ignore[untyped-decorator]
    def predict_log_proba(self, X: Any) -> Any:
        """Predict the logarithms of `predict_proba`.

        Parameters
        ----------
        X : array-like
            The rows, (n, features).

        Returns
        -------
        array
            Logarithms, (n, n_classes).
        """
        return self._fitted().predict_log_proba(self._seen(X))

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Measure the refitted network: accuracy, or R2.

        Parameters
        ----------
        X : array-like
            The rows, (n, features).
        y : array-like
            Their targets.
        sample_weight : array-like, optional
            Weights of the rows, (n,), 0 or more.

        Returns
        -------
        float
            As the network's own `score` gives it.
        """
        return float(self._fitted().score(self._seen(X), self._seen(y), self._seen(sample_weight)))

    def plot_path(self) -> Any:
        """Draw the score with error bars against the strength, inputs on top, what the rules choose marked.

        Returns
        -------
        matplotlib.figure.Figure
            It is not shown.
        """
        check_is_fitted(self, "lambdas_")
        pilot = getattr(self, "pilot_scores_", None)
        scoring = self.scoring if isinstance(self.scoring, str) else None
        name = scoring or ("score" if self.scoring is not None else default_scoring(self._classifier))
        return selection_figure(
            self.lambdas_, self.score_mean_, self.score_se_, self.n_selected_, self.min_index_, self.one_se_index_,
            paired=self.paired_index_ if self.select == "paired" else None, score_name=name, penalty=self.penalty,
            reference=None if pilot is None else self._choose(pilot).mean,
        )  # fmt: skip

    def plot_norms(self, names: Sequence[str] | None = None) -> Any:
        """Draw the norm of each input's weights against the strength, the chosen inputs coloured.

        Parameters
        ----------
        names : sequence of str, optional
            Of the inputs (of the transformed ones, behind a preprocessor); default: those of the table.

        Returns
        -------
        matplotlib.figure.Figure
            It is not shown.
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

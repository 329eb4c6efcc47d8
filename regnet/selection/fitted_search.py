"""What the two cross-validated estimators answer by the network that they chose."""

from __future__ import annotations

from abc import ABC
from typing import Any

from sklearn.base import MetaEstimatorMixin
from sklearn.utils.metaestimators import available_if

from regnet.backend.placement import to_host
from regnet.selection.tried_strengths import TriedStrengths

__all__ = ["FittedSearch"]


def _best_has(name: str) -> Any:
    return lambda self: hasattr(getattr(self, "best_estimator_", self._template_class), name)


class FittedSearch(MetaEstimatorMixin, TriedStrengths, ABC):  # type: ignore[misc]  # scikit-learn has no types
    """The face of the network that a search chose."""

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

    def _seen(self, values: Any) -> Any:
        """Arrays as the refitted network takes them: a transformer in front works on the host."""
        return values if self.preprocessor is None else to_host(values)

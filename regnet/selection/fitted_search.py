"""What the two cross-validated estimators answer by the network that they chose."""

from __future__ import annotations

from abc import ABC
from copy import deepcopy
from typing import Any, Self

from sklearn.base import MetaEstimatorMixin, clone
from sklearn.utils.metaestimators import available_if

from regnet.backend.placement import to_host
from regnet.estimators.exchange.host import HostCopy
from regnet.estimators.exchange.to_sklearn import to_sklearn
from regnet.networks.model import Model
from regnet.selection.routing import router_of
from regnet.selection.used_inputs import UsedInputs

__all__ = ["FittedSearch"]


def _best_has(name: str) -> Any:
    return lambda self: hasattr(getattr(self, "best_estimator_", self._template_class), name)


class FittedSearch(MetaEstimatorMixin, HostCopy, UsedInputs, ABC):  # type: ignore[misc]  # scikit-learn has no types
    """The face of the network that a search chose."""

    @property
    def model_(self) -> Model:
        """The trained network as a `Model`, which `regnet.save` takes; behind a preprocessor it takes its columns."""
        best = self._fitted()
        model: Model = (best if self.preprocessor is None else best[-1]).model_
        return model

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
        """Measure the refitted network: accuracy, or R2 (of Quantiles D2), whatever `scoring` is.

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

    def to_sklearn(self) -> Any:
        """Make scikit-learn's own estimator of the refitted network, as `MLPClassifier.to_sklearn` does.

        Behind a preprocessor it is a fitted Pipeline: a copy of the transformer, and the network behind it.

        Returns
        -------
        estimator or Pipeline
            Fitted, with the same predictions.

        Raises
        ------
        NotFittedError
            Before `fit`, and after one with refit=False.
        TypeError
            For an activation or a loss of a class of one's own, derived from regnet's or not, and for several
            quantiles.
        """
        return to_sklearn(self._fitted())

    def _seen(self, values: Any) -> Any:
        """Arrays as the refitted network takes them: a transformer in front works on the host."""
        return values if self.preprocessor is None else to_host(values)

    def __sklearn_tags__(self) -> Any:
        """Those of the network that predicts; a transformer in front may take other tables."""
        tags, own = super().__sklearn_tags__(), self._template_class().__sklearn_tags__()
        tags.input_tags.sparse = own.input_tags.sparse
        tags.target_tags.multi_output = own.target_tags.multi_output
        if tags.classifier_tags is not None:
            tags.classifier_tags.multi_label = own.classifier_tags.multi_label
        return tags

    def get_metadata_routing(self) -> Any:
        """Tell scikit-learn what `fit` takes for itself, for the splitter, and for a scorer given as `scoring`.

        Returns
        -------
        sklearn.utils.metadata_routing.MetadataRouter
            As of scikit-learn's searches, with the requests that `set_fit_request` sets.
        """
        return router_of(self)

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
        """Without the executor, for the same reason, and without the rows of the table."""
        return {**super().__getstate__(), "executor": None, "_between": None}

"""scikit-learn's estimators as what one of regnet's is made of."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn import linear_model, neural_network
from sklearn.utils.validation import check_is_fitted

from regnet.backend.placement import to_host
from regnet.estimators.exchange.moments import resumable_of
from regnet.estimators.exchange.strengths import DEVIANCES, ELASTIC, LOGISTIC, loss_of, strengths_of
from regnet.estimators.exchange.to_multilayer import same_losses
from regnet.estimators.fitted import Accounts, Fitted, Progress
from regnet.estimators.labels import Labels
from regnet.estimators.targets import ClassTargets, Targets, ValueTargets
from regnet.mathematics.losses import get_loss
from regnet.networks.network import Network

__all__ = ["read_sklearn"]

MULTILAYER = (neural_network.MLPClassifier, neural_network.MLPRegressor)
OF_CLASSES = (neural_network.MLPClassifier, *LOGISTIC)
OF_VALUES = (
    neural_network.MLPRegressor, linear_model.LinearRegression, linear_model.Ridge, linear_model.RidgeCV, *ELASTIC,
    *DEVIANCES,
)  # fmt: skip


def read_sklearn(model: Any, name: str, /, *, numeric: bool) -> tuple[dict[str, Any], Fitted | None]:
    """Constructor parameters, and what was fitted, None for a network that is not.

    name: of the class that asks; numeric: whether it is of values. Raises as `from_sklearn` of the estimators.
    """
    _check_kind(model, name, OF_VALUES if numeric else OF_CLASSES, OF_CLASSES if numeric else OF_VALUES)
    if type(model) in MULTILAYER:
        parameters = {key: deepcopy(value) for key, value in model.get_params(deep=False).items()}
        return parameters, _read_network(model) if "coefs_" in vars(model) else None
    check_is_fitted(model)
    parameters = {"hidden_layer_sizes": (), "solver": "newton", **strengths_of(model)}
    targets: Targets
    if numeric:
        parameters["loss"] = loss_of(model)
        targets = ValueTargets(get_loss(parameters["loss"]))
    else:
        parameters["class_weight"] = deepcopy(model.class_weight)
        kind: Any = "binary" if len(model.classes_) <= 2 else "multiclass"
        targets = ClassTargets(Labels(kind, np.array(to_host(model.classes_))), parameters["class_weight"])
    weight, bias = _coefficients(model)
    iterations = vars(model).get("n_iter_")
    progress = Progress(n_iter=0 if iterations is None else int(np.max(to_host(iterations))))
    return parameters, Fitted(targets, [weight], [bias], progress)


def _check_kind(model: Any, name: str, taken: tuple[type, ...], others: tuple[type, ...]) -> None:
    kind = type(model)
    if isinstance(model, type):
        raise ValueError(f"{model.__name__} is a class: give an instance, fitted: {model.__name__}(...).fit(X, y).")
    if kind in others:
        other = "MLPClassifier" if name == "MLPRegressor" else "MLPRegressor"
        raise ValueError(f"{kind.__name__} predicts {_what(other)}, and {name} {_what(name)}: {other}.from_sklearn.")
    if kind not in taken:
        names = ", ".join(one.__name__ for one in taken)
        raise ValueError(
            f"{kind.__module__}.{kind.__qualname__} has no conversion to {name}: give one of scikit-learn's own "
            f"{names}; of a pipeline or a search the model inside, pipeline[-1] or search.best_estimator_."
        )


def _what(name: str) -> str:
    return "classes" if name == "MLPClassifier" else "values"


def _coefficients(model: Any) -> tuple[NDArray[Any], NDArray[Any]]:
    """Weight (in, out) and bias (out,) of a linear model; copies."""
    coef = to_host(model.coef_)
    coef = np.atleast_2d(coef.toarray() if issparse(coef) else np.asarray(coef))
    dtype = np.float32 if coef.dtype == np.float32 else np.float64
    bias = np.broadcast_to(np.asarray(to_host(model.intercept_), dtype=dtype).reshape(-1), coef.shape[:1])
    return np.array(coef.T, dtype=dtype, order="C"), bias.copy()


def _read_network(model: Any) -> Fitted:
    weights, biases = [np.array(one) for one in model.coefs_], [np.array(one) for one in model.intercepts_]
    targets: Targets
    if type(model) is neural_network.MLPRegressor:
        targets = ValueTargets(get_loss(model.loss))
    else:
        binarizer = model._label_binarizer
        several = binarizer.y_type_.startswith("multilabel")
        kind: Any = "multilabel" if several else "binary" if len(model.classes_) <= 2 else "multiclass"
        targets = ClassTargets(Labels(kind, np.array(model.classes_), bool(binarizer.sparse_input_)))
    own = vars(model)
    progress = Progress(int(model.n_iter_), int(model.t_))
    if same_losses(get_loss(targets.loss), weights[-1].shape[1]):
        progress.loss = own.get("loss_")
        if "loss_curve_" in own and "best_loss_" in own:
            progress.loss_curve = list(model.loss_curve_)
            scores, best = deepcopy(model.validation_scores_), model.best_validation_score_
            progress.accounts = Accounts(model.best_loss_, scores, best, model._no_improvement_count)
    optimizer, resumable = own.get("_optimizer"), None
    if optimizer is not None:
        widths = [weights[0].shape[0], *(one.shape[1] for one in weights)]
        resumable = resumable_of(optimizer, Network.mlp(widths, loss=targets.loss))
    return Fitted(targets, weights, biases, progress, resumable=resumable)

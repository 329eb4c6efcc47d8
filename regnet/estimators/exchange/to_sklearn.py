"""A fitted estimator as scikit-learn's own."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from regnet.backend.placement import to_host
from regnet.estimators.exchange.rectifiers import as_rectifiers
from regnet.estimators.exchange.to_linear import linear_model
from regnet.estimators.exchange.to_multilayer import multilayer
from regnet.mathematics.activations import Identity, LeakyRelu, Relu, Sigmoid, Tanh, get_activation
from regnet.mathematics.losses import LOSSES, Loss, Quantiles, get_loss

__all__ = ["to_sklearn"]

ACTIVATIONS: dict[type, str] = {Identity: "identity", Relu: "relu", Tanh: "tanh", Sigmoid: "logistic"}

OWN_LOSSES = {type(loss) for loss in LOSSES.values()}

KEEP = "keep the network as a pickle of estimator.to_host(), to be read where regnet is"
"""How what has no counterpart is taken along."""


def to_sklearn(estimator: Any, /) -> Any:
    """scikit-learn's estimator with the same predictions; of a Pipeline, one with its last step converted.

    Raises NotFittedError before `fit`; TypeError for an activation or a loss of a user's own, told by exact types, and
    for several quantiles, which are sorted.
    """
    if isinstance(estimator, Pipeline):
        return Pipeline([*deepcopy(estimator.steps[:-1]), (estimator.steps[-1][0], to_sklearn(estimator[-1]))])
    check_is_fitted(estimator)
    loss = get_loss(estimator._targets.loss)
    _check_loss(loss)
    weights = [np.array(to_host(weight)) for weight in estimator.coefs_]
    biases = [np.array(to_host(bias)) for bias in estimator.intercepts_]
    if len(weights) == 1:
        model = linear_model(estimator, loss, weights[0], biases[0])
        return multilayer(estimator, loss, "identity", weights, biases) if model is None else model
    activation = get_activation({"logistic": "sigmoid"}.get(estimator.activation, estimator.activation))
    if type(activation) is LeakyRelu:
        return multilayer(estimator, loss, "relu", *as_rectifiers(weights, biases, activation.slope))
    if type(activation) not in ACTIVATIONS:
        raise TypeError(
            f"activation={activation!r} is none that scikit-learn's networks have: those are 'identity', 'relu', "
            "'tanh', 'logistic', and 'leaky_relu' by twice as many 'relu' (a class of your own is another function, "
            f"whatever it is derived from). Train with one of these, or {KEEP}."
        )
    return multilayer(estimator, loss, ACTIVATIONS[type(activation)], weights, biases)


def _check_loss(loss: Loss) -> None:
    if type(loss) is Quantiles:
        raise TypeError(
            f"loss={loss!r} predicts its outputs in ascending order, which no estimator of scikit-learn does: fit each "
            f"level alone by Quantile, or {KEEP}."
        )
    if type(loss) not in OWN_LOSSES:
        raise TypeError(
            f"loss={loss!r} is none of regnet's own, whose predictions estimators of scikit-learn make (a class of "
            f"your own is another loss, whatever it is derived from). Train with one of those, or {KEEP}."
        )

"""A network as scikit-learn's `MLPClassifier` or `MLPRegressor`."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import neural_network
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import check_random_state

from regnet.estimators.exchange.columns import copy_columns
from regnet.estimators.exchange.moments import optimizer_of, rule_parameters
from regnet.estimators.fitted import Accounts, Fitted, read_fitted
from regnet.estimators.labels import Labels
from regnet.estimators.parameters import alpha_of, make_network, widths_of
from regnet.mathematics.losses import Loss, Poisson, SquaredError, has_logarithms

__all__ = ["multilayer", "same_losses"]

ALIKE = (
    "batch_size", "learning_rate", "learning_rate_init", "power_t", "max_iter", "shuffle", "random_state", "tol",
    "verbose", "warm_start", "momentum", "nesterovs_momentum", "validation_fraction", "beta_1", "beta_2", "epsilon",
    "n_iter_no_change", "max_fun",
)  # fmt: skip
"""Parameters that both have, with the same values."""


def multilayer(
    estimator: Any, loss: Loss, activation: str, weights: list[NDArray[Any]], biases: list[NDArray[Any]], /
) -> Any:
    """The estimator with weights (in, out) and biases (out,), which are kept; activation: scikit-learn's name.

    `partial_fit` and a warm start go on from there, in the optimizer's own steps where scikit-learn has them; of the
    penalties it has `alpha` alone.
    """
    model = _unfitted(estimator, loss, activation, [weight.shape[1] for weight in weights[:-1]])
    fitted = read_fitted(estimator)
    if fitted is None:
        raise AssertionError("the estimator is fitted")
    copy_columns(estimator, model)
    model.coefs_, model.intercepts_ = weights, biases
    model.n_layers_, model.n_outputs_ = len(weights) + 1, weights[-1].shape[1]
    model.out_activation_ = estimator.out_activation_
    model.n_iter_, model.t_ = fitted.progress.n_iter, fitted.progress.t
    model._random_state = check_random_state(model.random_state)
    model._best_coefs, model._best_intercepts = weights, biases  # the same lists, as early stopping leaves them
    if fitted.targets.classes is not None:
        labels = estimator._targets.labels
        model.classes_, model._label_binarizer = labels.classes.copy(), _binarizer(labels)
    comparable = same_losses(loss, model.n_outputs_)
    if comparable and fitted.progress.loss is not None:
        model.loss_ = fitted.progress.loss
    if model.solver != "lbfgs":
        _keep_accounts(model, fitted, comparable)
        same_widths = [one.shape for one in weights] == [tuple(one.shape) for one in fitted.weights]
        if fitted.resumable is not None and same_widths:
            network = make_network(estimator, [weights[0].shape[0], *(one.shape[1] for one in weights)], loss)
            optimizer = optimizer_of(fitted.resumable, network)
            if optimizer is not None:
                model._optimizer = optimizer
    return model


def same_losses(loss: Loss, outputs: int, /) -> bool:
    """Whether scikit-learn measures the same loss: a regression's of several outputs is their mean there, not the sum.

    Of regressions it has two; what it has of classes is the same.
    """
    if loss.kind in ("multiclass", "binary"):
        return True
    return outputs == 1 and type(loss) in (SquaredError, Poisson)


def _unfitted(estimator: Any, loss: Loss, activation: str, widths: list[int]) -> Any:
    """With the parameters of the same meaning, and scikit-learn's defaults for others.

    A solver that takes all rows becomes 'lbfgs', and an optimizer 'adam' or 'sgd'; a stopping rule of one's own is
    left out.
    """
    kept = widths_of(estimator.hidden_layer_sizes) == widths
    given = {name: deepcopy(getattr(estimator, name)) for name in ALIKE}
    given |= {"alpha": alpha_of(estimator), "activation": activation}
    given["hidden_layer_sizes"] = deepcopy(estimator.hidden_layer_sizes) if kept else tuple(widths)
    given["early_stopping"] = estimator.early_stopping is True
    if isinstance(estimator.solver, str):
        given["solver"] = estimator.solver if estimator.solver in ("adam", "sgd") else "lbfgs"
    else:
        given |= rule_parameters(estimator.solver)
    if estimator._targets.classes is not None:
        return neural_network.MLPClassifier(**given)
    return neural_network.MLPRegressor(**given, loss="poisson" if has_logarithms(loss) else "squared_error")


def _keep_accounts(model: Any, fitted: Fitted, comparable: bool) -> None:
    """What its stopping rule goes on with: where the loss is another one, as at the start."""
    progress = fitted.progress
    accounts = progress.accounts if comparable else None
    curve = progress.loss_curve
    if accounts is None or curve is None or accounts.stale < 0:
        accounts, curve = Accounts(stale=0), []
    scored = accounts.validation_scores is not None
    if model.early_stopping != scored:
        accounts = Accounts(None, [], -np.inf, stale=0) if model.early_stopping else Accounts(stale=0)
    model.loss_curve_, model._no_improvement_count = list(curve), accounts.stale
    model.best_loss_, model.best_validation_score_ = accounts.best_loss, accounts.best_validation_score
    model.validation_scores_ = deepcopy(accounts.validation_scores)


def _binarizer(labels: Labels) -> LabelBinarizer:
    """scikit-learn's record of the same classes; its `fit` would take them for rows, and warn of so many classes."""
    binarizer = LabelBinarizer()
    binarizer.y_type_ = "multilabel-indicator" if labels.kind == "multilabel" else labels.kind
    binarizer.sparse_input_, binarizer.classes_ = labels.sparse, labels.classes.copy()
    return binarizer

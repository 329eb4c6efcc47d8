"""A network without hidden layers as one of scikit-learn's linear models."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import linear_model as sklearn_linear

from regnet.estimators.exchange.columns import copy_columns
from regnet.mathematics.losses import Gamma, Loss, Poisson, Tweedie, has_logarithms

__all__ = ["linear_model"]


def linear_model(estimator: Any, loss: Loss, weight: NDArray[Any], bias: NDArray[Any], /) -> Any | None:
    """The linear model with a weight (in, out) and a bias (out,); None where scikit-learn has none.

    That is so for several labels, a single class, and several outputs that are logarithms. Its parameters are
    scikit-learn's defaults, whatever penalty the estimator was trained under.
    """
    classes = estimator._targets.classes
    if classes is not None:
        several = estimator._targets.labels.kind == "multilabel"
        model = None if several or len(classes) < 2 else sklearn_linear.LogisticRegression()
    elif has_logarithms(loss):
        model = _of_logarithms(loss) if weight.shape[1] == 1 else None
    else:
        model = sklearn_linear.LinearRegression()
    if model is None:
        return None
    copy_columns(estimator, model)
    if classes is not None:
        model.coef_, model.intercept_ = np.ascontiguousarray(weight.T), bias
        model.classes_, model.n_iter_ = classes.copy(), np.array([estimator.n_iter_], dtype=np.int32)
        return model
    one = weight.shape[1] == 1
    model.coef_, model.intercept_ = (weight[:, 0], bias[0]) if one else (np.ascontiguousarray(weight.T), bias)
    if has_logarithms(loss):
        model.n_iter_, model._base_loss = estimator.n_iter_, model._get_loss()
    return model


def _of_logarithms(loss: Loss) -> Any | None:
    if type(loss) is Poisson:
        return sklearn_linear.PoissonRegressor()
    if type(loss) is Gamma:
        return sklearn_linear.GammaRegressor()
    return sklearn_linear.TweedieRegressor(power=loss.power, link="log") if type(loss) is Tweedie else None

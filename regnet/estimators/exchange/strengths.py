"""What scikit-learn's linear models minimise, in regnet's terms."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn import linear_model

from regnet.backend.placement import to_host
from regnet.mathematics.losses import Tweedie

__all__ = ["DEVIANCES", "ELASTIC", "LOGISTIC", "elastic_net", "logistic_l1_ratio", "loss_of", "strengths_of"]

LASSOS = (linear_model.Lasso, linear_model.LassoCV)
ELASTIC = (*LASSOS, linear_model.ElasticNet, linear_model.ElasticNetCV)
DEVIANCES = (linear_model.PoissonRegressor, linear_model.GammaRegressor, linear_model.TweedieRegressor)
LOGISTIC = (linear_model.LogisticRegression, linear_model.LogisticRegressionCV)


def elastic_net(strength: float, l1_ratio: float, /) -> dict[str, float]:
    """Of strength (l1_ratio |w|_1 + (1 - l1_ratio) / 2 |w|^2)."""
    return {"weight_l1": strength * l1_ratio, "weight_l2": strength * (1.0 - l1_ratio) / 2.0}


def logistic_l1_ratio(model: Any, /) -> float | None:
    """Of a LogisticRegression: `l1_ratio`, or the older `penalty`, which wins where it was given; None: no penalty.

    NaN where each class has another.
    """
    penalty = model.get_params(deep=False).get("penalty", "deprecated")
    if penalty is None:
        return None
    found = _alike(model.l1_ratio or 0.0 if type(model) is linear_model.LogisticRegression else model.l1_ratio_)
    return {"l1": 1.0, "l2": 0.0}.get(penalty, float("nan") if found is None else found)


def loss_of(model: Any, /) -> str | Tweedie:
    """The loss that a linear model of values minimises.

    Raises ValueError for a TweedieRegressor that has none here.
    """
    kind = type(model)
    if kind is linear_model.PoissonRegressor:
        return "poisson"
    if kind is linear_model.GammaRegressor:
        return "gamma"
    if kind is not linear_model.TweedieRegressor:
        return "squared_error"
    power, link = float(model.power), model.link
    if link == "auto":
        link = "log" if power > 0 else "identity"
    if link == "identity" and power == 0:
        return "squared_error"
    if link == "log" and 1 <= power <= 2:
        return {1.0: "poisson", 2.0: "gamma"}.get(power) or Tweedie(power)
    raise ValueError(
        f"TweedieRegressor(power={model.power!r}, link={model.link!r}) cannot be converted: regnet's losses are those "
        "of the link 'log' and a power from 1 to 2, and of the link 'identity' and power 0."
    )


def strengths_of(model: Any, /) -> dict[str, float]:
    """Strengths of a fitted linear model's penalty that mean the same for any number of rows; alpha=0 where none does.

    Under a solver that takes all rows `alpha` is Ridge's, and 1 / C of LogisticRegression.
    """
    kind = type(model)
    if kind in DEVIANCES:
        return {"weight_l2": float(model.alpha) / 2.0}
    if kind in ELASTIC:
        chosen = "alpha" if kind in (linear_model.Lasso, linear_model.ElasticNet) else "alpha_"
        own = {linear_model.ElasticNet: "l1_ratio", linear_model.ElasticNetCV: "l1_ratio_"}.get(kind)
        return elastic_net(float(getattr(model, chosen)), 1.0 if own is None else float(getattr(model, own)))
    alpha: float | None = 0.0
    if kind is linear_model.Ridge:
        alpha = _alike(model.alpha)
    elif kind is linear_model.RidgeCV:
        alpha = _alike(model.alpha_)
    elif kind in LOGISTIC and model.solver != "liblinear" and logistic_l1_ratio(model) == 0.0:
        c = _alike(model.C if kind is linear_model.LogisticRegression else model.C_)
        alpha = None if c is None else 1.0 / c
    return {"alpha": alpha or 0.0}


def _alike(values: Any) -> float | None:
    """The number that all of them are, or None."""
    found = np.unique(np.asarray(to_host(values), dtype=np.float64))
    return float(found[0]) if len(found) == 1 else None

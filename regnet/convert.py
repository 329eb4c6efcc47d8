"""Strengths of other libraries in regnet's convention, exactly: as keywords for `Penalty` or an estimator.

regnet minimises the mean over rows of the data loss (squared error: 1/2 sum_k r_k^2; half the Poisson deviance) plus
weight_l1 sum|W| + weight_l2 sum W^2 + bias_l1 sum|b| + bias_l2 sum b^2. Each function gives the strengths under which
that has the same minimiser as the other library's objective.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.linear_model import ElasticNet, Lasso, LogisticRegression, Ridge
from sklearn.neural_network import MLPClassifier, MLPRegressor

from regnet.arrays.namespace import root_module
from regnet.estimators.exchange.strengths import DEVIANCES, elastic_net, logistic_l1_ratio, loss_of

__all__ = ["from_glmnet", "from_keras", "from_sklearn", "from_torch"]

KERAS_DEFAULT = 0.01
KERAS = ("keras", "tf_keras", "tensorflow")

CONVERTED = (MLPClassifier, MLPRegressor, Ridge, Lasso, ElasticNet, LogisticRegression, *DEVIANCES)

REMEDIES: dict[str, tuple[Any, str]] = {
    "positive": (False, "regnet's weights have no sign that is asked for"),
    "fit_intercept": (True, "regnet's layers have a bias: centre X and y, and convert with fit_intercept=True"),
    "class_weight": (
        None,
        "it weighs rows, and is no penalty: give it to regnet's MLPClassifier, and convert without it, n_samples being "
        "the sum of the rows' weights",
    ),
    "multi_class": ("deprecated", "regnet's classes are one softmax: leave it out"),
}
"""Options that change the minimiser and that strengths cannot express: the value that is taken, and why no other is."""


def from_sklearn(estimator: Any, /, *, n_samples: float | None = None) -> dict[str, float]:
    """The penalty of a scikit-learn estimator on `n_samples` rows.

    A fitted model as a whole, with its weights, is converted by `MLPClassifier.from_sklearn` and
    `MLPRegressor.from_sklearn`.

    MLPClassifier, MLPRegressor: alpha / (2 B) on weights, B the rows of a batch (a smaller last batch is penalised
    more there, and not here). Ridge: alpha / (2 n). Lasso, ElasticNet: alpha l1_ratio and alpha (1 - l1_ratio) / 2.
    LogisticRegression: l1_ratio / (C n) and (1 - l1_ratio) / (2 C n). PoissonRegressor, GammaRegressor,
    TweedieRegressor: alpha / 2.

    Parameters
    ----------
    estimator : estimator
        One of these nine, fitted or not.
    n_samples : float, optional
        The number of rows, or the sum of their weights. Without it no strength can be told.

    Returns
    -------
    dict of str to float
        Strengths by name: weight_l1, weight_l2 or both.

    Raises
    ------
    TypeError
        Without n_samples.
    ValueError
        For any other estimator, subclasses and classes of the same name included; for liblinear, which penalises the
        intercept; for a TweedieRegressor whose loss regnet has not; and for what has no counterpart in strengths:
        positive=True, fit_intercept=False, class_weight, an alpha for each target.

    References
    ----------
    The objectives in scikit-learn 1.9's docstrings.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from_sklearn(Ridge(alpha=3.0), n_samples=100)
    {'weight_l2': 0.015}
    """
    if isinstance(estimator, type):
        raise ValueError(f"{estimator.__name__} is a class: give an instance, {estimator.__name__}(...).")
    name = type(estimator).__name__
    if n_samples is None:
        raise TypeError(
            f"from_sklearn({name}(...)) gives the strengths of a penalty, for which it needs n_samples=..., the number "
            "of rows. A fitted model with its weights is converted by regnet.MLPClassifier.from_sklearn(model) or "
            "regnet.MLPRegressor.from_sklearn(model)."
        )
    n = float(n_samples)
    if not n > 0:
        raise ValueError(f"n_samples={n_samples!r} must be the number of rows, or the sum of their weights.")
    kind = type(estimator)
    if kind not in CONVERTED:
        raise ValueError(
            f"{kind.__module__}.{name} has no conversion: give scikit-learn's MLPClassifier, MLPRegressor, Ridge, "
            "Lasso, ElasticNet, LogisticRegression, PoissonRegressor, GammaRegressor or TweedieRegressor."
        )
    _refuse_constraints(estimator)
    if kind in (MLPClassifier, MLPRegressor):
        size = estimator.batch_size
        batch = n if estimator.solver == "lbfgs" else min(200 if size == "auto" else size, n)
        return {"weight_l2": estimator.alpha / (2.0 * batch)}
    if kind is Ridge:
        if np.size(estimator.alpha) > 1:
            raise ValueError("Ridge(alpha=[...]) has a strength for each target: fit them one by one.")
        return {"weight_l2": float(np.asarray(estimator.alpha).reshape(())) / (2.0 * n)}
    if kind in DEVIANCES:
        loss_of(estimator)  # raises where regnet has none
        return {"weight_l2": estimator.alpha / 2.0}
    if kind in (Lasso, ElasticNet):
        return elastic_net(estimator.alpha, 1.0 if kind is Lasso else estimator.l1_ratio)
    if estimator.solver == "liblinear":
        raise ValueError("LogisticRegression(solver='liblinear') penalises the intercept: choose 'saga' or 'lbfgs'.")
    l1_ratio = logistic_l1_ratio(estimator)
    if l1_ratio is None:
        raise ValueError("LogisticRegression(penalty=None) has no penalty to convert.")
    return elastic_net(1.0 / (estimator.C * n), l1_ratio)


def _refuse_constraints(estimator: Any) -> None:
    given = estimator.get_params()
    for name, (taken, why) in REMEDIES.items():
        if given.get(name, taken) != taken:
            raise ValueError(f"{type(estimator).__name__}({name}={given[name]!r}) cannot be converted: {why}.")


def from_keras(
    kernel_regularizer: Any = None, bias_regularizer: Any = None, *, loss: str = "crossentropy", outputs: int = 1
) -> dict[str, float]:
    """The penalty of Keras' regularizers of a Dense layer.

    Keras' `l1 sum|W| + l2 sum W^2` is regnet's own under a cross-entropy. Its 'mse' is a mean over `outputs` without
    a 1/2, 2 / outputs times regnet's squared error, so strengths there are multiplied by outputs / 2.

    Parameters
    ----------
    kernel_regularizer, bias_regularizer : regularizer or str, optional
        On weights and biases: objects L1, L2, L1L2 or the names 'l1', 'l2' (0.01).
    loss : {'crossentropy', 'mse'}, default 'crossentropy'
        What stands beside them.
    outputs : int, default 1
        The network's outputs.

    Returns
    -------
    dict of str to float
        Strengths by name, those that are there of weight_l1, weight_l2, bias_l1 and bias_l2.

    Raises
    ------
    ValueError
        For other regularizers, classes of the same name from elsewhere included, and for other losses.

    References
    ----------
    The file keras/src/regularizers/regularizers.py of Keras.

    Examples
    --------
    >>> from_keras("l2", loss="mse", outputs=4)
    {'weight_l2': 0.02}
    """
    factor = _loss_factor(loss, outputs)
    found = {}
    for kind, regularizer in (("weight", kernel_regularizer), ("bias", bias_regularizer)):
        for term, value in _keras_terms(regularizer).items():
            found[f"{kind}_{term}"] = factor * value
    return found


def _keras_terms(regularizer: Any) -> dict[str, float]:
    if regularizer is None:
        return {}
    if regularizer in ("l1", "l2"):
        return {regularizer: KERAS_DEFAULT}
    terms = {name: float(getattr(regularizer, name)) for name in ("l1", "l2") if hasattr(regularizer, name)}
    ours = root_module(regularizer) in KERAS and type(regularizer).__name__ in ("L1", "L2", "L1L2")
    if not ours or not terms:
        raise ValueError(f"{regularizer!r} has no conversion: give L1, L2, L1L2 or 'l1', 'l2'.")
    return terms


def from_torch(
    weight_decay: float, *, optimizer: str = "sgd", loss: str = "crossentropy", outputs: int = 1
) -> dict[str, float]:
    """The penalty that PyTorch's coupled `weight_decay` is: wd / 2 |w|^2 on weights and biases.

    Under MSELoss (mean), 2 / outputs times regnet's squared error, strengths are multiplied by outputs / 2.

    Parameters
    ----------
    weight_decay : float
        As the optimizer has it, 0 or more.
    optimizer : {'sgd', 'adam', 'rmsprop', 'adagrad'}, default 'sgd'
        Which one it is.
    loss : {'crossentropy', 'mse'}, default 'crossentropy'
        What stands beside it.
    outputs : int, default 1
        The network's outputs.

    Returns
    -------
    dict of str to float
        The strengths weight_l2 and bias_l2.

    Raises
    ------
    ValueError
        For other losses and optimizers, AdamW among them, whose decay is no penalty.

    References
    ----------
    The files torch/optim/sgd.py and adam.py of PyTorch.

    Examples
    --------
    >>> from_torch(0.01)
    {'weight_l2': 0.005, 'bias_l2': 0.005}
    """
    if optimizer.lower() == "adamw":
        raise ValueError("AdamW's weight_decay is not a penalty, no loss has its steps as gradient: use regnet.AdamW.")
    if optimizer.lower() not in ("sgd", "adam", "rmsprop", "adagrad"):
        raise ValueError(f"optimizer={optimizer!r} has no conversion: choose 'sgd', 'adam', 'rmsprop' or 'adagrad'.")
    if not weight_decay >= 0:
        raise ValueError(f"weight_decay={weight_decay!r} must be 0 or more.")
    strength = _loss_factor(loss, outputs) * weight_decay / 2.0
    return {"weight_l2": strength, "bias_l2": strength}


def _loss_factor(loss: str, outputs: int) -> float:
    if loss not in ("crossentropy", "mse"):
        raise ValueError(f"loss={loss!r} has no conversion: choose 'crossentropy' or 'mse'.")
    if not (outputs >= 1 and int(outputs) == outputs):
        raise ValueError(f"outputs={outputs!r} must be the number of the network's outputs, 1 or more.")
    return outputs / 2.0 if loss == "mse" else 1.0


def from_glmnet(lambda_: float, alpha: float = 1.0, *, penalty_factor: Sequence[float] | None = None) -> dict[str, Any]:
    """The penalty of R's glmnet: lambda (alpha |w|_1 + (1 - alpha) / 2 |w|^2) beside the mean loss.

    glmnet standardises each input (by the 1/n standard deviation) before it penalises, and gives coefficients on the
    original scale: standardise X the same way, and compare on that scale. It rescales penalty.factor to sum to the
    number of inputs, an infinite one, which excludes its input, counting as 1, as is done here; the estimators and
    searches of regnet rescale nothing. Families gaussian, binomial, multinomial.

    Parameters
    ----------
    lambda_ : float
        The strength, 0 or more.
    alpha : float, default 1
        The share of L1, in [0, 1].
    penalty_factor : sequence of float, optional
        One number of 0 or more per input; infinite: the input is left out (also for those in glmnet's exclude).

    Returns
    -------
    dict of str to float or list of float
        The strengths weight_l1 and weight_l2, and penalty_factor if it was given.

    Raises
    ------
    ValueError
        For numbers elsewhere, and for factors that are all 0.

    References
    ----------
    The file R/glmnet.R of glmnet.

    Examples
    --------
    >>> from_glmnet(0.1, 0.5, penalty_factor=[0, 1, 1])
    {'weight_l1': 0.05, 'weight_l2': 0.025, 'penalty_factor': [0.0, 1.5, 1.5]}
    >>> from_glmnet(0.1, penalty_factor=[0, 1, float("inf")])["penalty_factor"]
    [0.0, 1.5, inf]
    """
    if not (lambda_ >= 0 and 0 <= alpha <= 1):
        raise ValueError(f"lambda_={lambda_!r}, alpha={alpha!r}: lambda must be 0 or more, and alpha lie in [0, 1].")
    found: dict[str, Any] = elastic_net(lambda_, alpha)
    if penalty_factor is not None:
        if not all(factor >= 0 for factor in penalty_factor):
            raise ValueError("penalty_factor must hold numbers of 0 or more: inf leaves an input out.")
        total = float(sum(1.0 if factor == np.inf else factor for factor in penalty_factor))
        if not total > 0:
            raise ValueError("penalty_factor must have a positive sum: with all of them 0 nothing is penalised.")
        found["penalty_factor"] = [len(penalty_factor) * float(factor) / total for factor in penalty_factor]
    return found

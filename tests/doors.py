"""Every public function that takes data, as one that takes named arguments and gives arrays."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd

import regnet
from regnet import (
    Adam,
    MLPClassifier,
    MLPClassifierCV,
    MLPRegressor,
    MLPRegressorCV,
    Network,
    Penalty,
    TableEncoder,
    knockoff_selection,
    path,
    stability_selection,
)
from regnet.arrays.tree import leaves
from regnet.backend.placement import to_host

RNG = np.random.RandomState(5)
X = RNG.randn(24, 3)
Y = X @ [1.0, -0.5, 0.0] + 0.1 * RNG.randn(24)
CLASSES = (X[:, 0] > 0).astype(np.float64)
WEIGHT = RNG.uniform(0.5, 1.5, 24)
GROUPS = np.arange(24.0) // 4
NET = {"hidden_layer_sizes": (3,), "max_iter": 2, "random_state": 0}
SEARCH = {"hidden_layer_sizes": (2,), "max_iter": 2, "random_state": 0, "lambdas": (0.01, 0.1), "cv": 2}
SWEPT = {"hidden_layer_sizes": (2,), "max_iter": 2, "random_state": 0}


def weights_of(estimator):
    return [*estimator.coefs_, *estimator.intercepts_]


def fit_regressor(X, y, sample_weight, X_valid, y_valid):
    held_out = (X_valid, y_valid)
    return weights_of(MLPRegressor(**NET).fit(X, y, sample_weight, validation_data=held_out))


def fit_stopped(X, y, sample_weight):
    return weights_of(MLPRegressor(**NET, early_stopping=True, validation_fraction=0.3).fit(X, y, sample_weight))


def fit_full_batch(X, y, sample_weight):
    return weights_of(MLPRegressor(**NET, solver="lbfgs").fit(X, y, sample_weight))


def fit_linear(X, y, sample_weight):
    return weights_of(MLPRegressor(hidden_layer_sizes=(), solver="newton", input_l1=0.01).fit(X, y, sample_weight))


def fit_rates(X, y, exposure):
    return weights_of(MLPRegressor(**NET, loss="poisson").fit(X, y, exposure=exposure))


def fit_offset(X, y, offset):
    return weights_of(MLPRegressor(**NET, loss="poisson").fit(X, y, offset=offset))


def with_groups(X, input_groups):
    return weights_of(MLPRegressor(**NET, input_l1=0.1, input_groups=input_groups).fit(X, Y))


def with_lambdas(X, lambdas):
    found = MLPRegressorCV(**{**SEARCH, "lambdas": lambdas}).fit(X, Y)
    return [found.lambdas_, found.cv_scores_]


def fit_classifier(X, y, sample_weight, X_valid, y_valid):
    held_out = (X_valid, y_valid)
    return weights_of(MLPClassifier(**NET).fit(X, y, sample_weight, validation_data=held_out))


def partial_fit(X, y, sample_weight):
    return weights_of(MLPRegressor(**NET).partial_fit(X, y, sample_weight))


def partial_fit_classes(X, y, classes):
    return weights_of(MLPClassifier(**NET).partial_fit(X, y, classes=classes))


def with_factor(X, penalty_factor):
    return weights_of(MLPRegressor(**NET, input_l1=0.1, penalty_factor=penalty_factor).fit(X, Y))


@cache
def regressor():
    return MLPRegressor(**NET).fit(X, Y)


@cache
def classifier():
    return MLPClassifier(**NET).fit(X, CLASSES)


@cache
def search():
    return MLPRegressorCV(**SEARCH).fit(X, Y)


@cache
def class_search():
    return MLPClassifierCV(**SEARCH).fit(X, CLASSES)


@cache
def model():
    return trained(X, Y, None, X, Y).model


@cache
def encoder():
    return TableEncoder(missing="impute").fit(pd.DataFrame(X, columns=["c0", "c1", "c2"]))


def trained(x, y, sample_weight, x_valid, y_valid):
    return regnet.fit(
        Network.mlp([3, 2, 1], loss="squared_error"), x, y, sample_weight=sample_weight, optimizer=Adam(0.01),
        validation_data=(x_valid, y_valid), epochs=2, batch_size=10, progress=False,
    )  # fmt: skip


def fit(x, y, sample_weight, x_valid, y_valid):
    found = trained(x, y, sample_weight, x_valid, y_valid)
    return [*leaves(found.model.params), found.history.column("validation_loss")]


def fit_classes(x, y):
    network = Network.mlp([3, 2, 2], loss="categorical_crossentropy")
    return leaves(regnet.fit(network, x, y, epochs=2, progress=False).model.params)


def fit_penalised(x, penalty_factor, weight_l2):
    """Strengths of one network each, and of each input."""
    penalty = Penalty(group_l1=0.01, weight_l2=weight_l2, penalty_factor=penalty_factor)
    network = Network.mlp([3, 2, 1], loss="squared_error")
    found = regnet.fit(network, x, Y[:, None], penalties=[penalty, None], epochs=2, progress=False)
    return leaves(found.model.params)


def search_values(X, y, sample_weight, groups):
    from sklearn.model_selection import GroupKFold

    found = MLPRegressorCV(**{**SEARCH, "cv": GroupKFold(2)}).fit(X, y, sample_weight, groups)
    return [found.cv_scores_, *weights_of(found.best_estimator_)]


def search_classes(X, y, sample_weight):
    found = MLPClassifierCV(**SEARCH).fit(X, y, sample_weight)
    return [found.cv_scores_, *weights_of(found.best_estimator_)]


def a_path(X, y, sample_weight, X_valid, y_valid):
    held_out = (X_valid, y_valid)
    found = path(
        MLPRegressor(**SWEPT), X, y, lambdas=(0.01, 0.1), sample_weight=sample_weight, validation_data=held_out
    )
    return [found.losses, found.scores, found.input_norms]


def stability(X, y, sample_weight):
    mlp = MLPRegressor(**SWEPT)
    found = stability_selection(mlp, X, y, lambdas=(0.01, 0.5), subsamples=4, sample_weight=sample_weight)
    return [found.frequencies]


def knockoffs(X, y, sample_weight, knockoffs):
    mlp = MLPRegressor(**SWEPT)
    given = {"sample_weight": sample_weight, "knockoffs": knockoffs}
    return [knockoff_selection(mlp, X, y, fdr=0.4, draws=1, lambdas=(0.01, 0.5), **given).statistics]


def encoded(X):
    return [TableEncoder(missing="impute").fit(X).transform(X)]


def evaluate(x, y, sample_weight):
    return [np.asarray(list(model().evaluate(x, y, sample_weight).values()))]


TWO = {"X": X, "y": Y}
THREE = {**TWO, "sample_weight": WEIGHT}
FIVE = {**THREE, "X_valid": X[:7], "y_valid": Y[:7]}
LOWER = {"x": X, "y": Y, "sample_weight": WEIGHT}
OF_CLASSES = {"X": X, "y": CLASSES, "sample_weight": WEIGHT}

DOORS = {
    "MLPRegressor.fit": (fit_regressor, FIVE),
    "MLPRegressor.fit, early stopping": (fit_stopped, THREE),
    "MLPRegressor.fit, lbfgs": (fit_full_batch, THREE),
    "MLPRegressor.fit, newton": (fit_linear, THREE),
    "MLPRegressor.fit, exposure": (fit_rates, {"X": X, "y": np.abs(Y), "exposure": WEIGHT}),
    "MLPRegressor.fit, offset": (fit_offset, {"X": X, "y": np.abs(Y), "offset": np.log(WEIGHT)}),
    "MLPRegressor.input_groups": (with_groups, {"X": X, "input_groups": np.asarray([1.0, 1.0, 2.0])}),
    "MLPRegressorCV.lambdas": (with_lambdas, {"X": X, "lambdas": np.asarray([0.01, 0.1])}),
    "MLPRegressor.partial_fit": (partial_fit, THREE),
    "MLPRegressor.penalty_factor": (with_factor, {"X": X, "penalty_factor": np.asarray([1.0, 0.5, 2.0])}),
    "MLPClassifier.fit": (fit_classifier, {**OF_CLASSES, "X_valid": X[:7], "y_valid": CLASSES[:7]}),
    "MLPClassifier.partial_fit": (partial_fit_classes, {"X": X, "y": CLASSES, "classes": np.asarray([0.0, 1.0])}),
    "MLPRegressor.predict": (lambda X: [regressor().predict(X)], {"X": X}),
    "MLPRegressor.score": (lambda **given: [np.asarray(regressor().score(**given))], THREE),
    "MLPClassifier.predict": (lambda X: [classifier().predict(X)], {"X": X}),
    "MLPClassifier.predict_proba": (lambda X: [classifier().predict_proba(X)], {"X": X}),
    "MLPClassifier.predict_log_proba": (lambda X: [classifier().predict_log_proba(X)], {"X": X}),
    "MLPClassifier.score": (lambda **given: [np.asarray(classifier().score(**given))], OF_CLASSES),
    "MLPRegressorCV.fit": (search_values, {**THREE, "groups": GROUPS}),
    "MLPRegressorCV.predict": (lambda X: [search().predict(X)], {"X": X}),
    "MLPRegressorCV.score": (lambda **given: [np.asarray(search().score(**given))], THREE),
    "MLPClassifierCV.fit": (search_classes, OF_CLASSES),
    "MLPClassifierCV.predict_proba": (lambda X: [class_search().predict_proba(X)], {"X": X}),
    "MLPClassifierCV.score": (lambda **given: [np.asarray(class_search().score(**given))], OF_CLASSES),
    "path": (a_path, FIVE),
    "stability_selection": (stability, THREE),
    "knockoff_selection": (knockoffs, {**THREE, "knockoffs": X[::-1] + 0.1}),
    "TableEncoder.fit": (encoded, {"X": X}),
    "TableEncoder.transform": (lambda X: [encoder().transform(X)], {"X": X}),
    "fit": (fit, {**LOWER, "x_valid": X[:7], "y_valid": Y[:7]}),
    "fit, classes": (fit_classes, {"x": X, "y": CLASSES}),
    "fit, penalties": (
        fit_penalised,
        {"x": X, "penalty_factor": np.asarray([1.0, 0.5, 2.0]), "weight_l2": np.asarray([0.0, 0.1])},
    ),
    "Model.predict": (lambda x: [model().predict(x)], {"x": X}),
    "Model.outputs": (lambda x: [model().outputs(x)], {"x": X}),
    "Model.evaluate": (evaluate, LOWER),
}
"""By name: the function, and its arguments as plain arrays."""


def answer(door, given):
    """What the function gives, on the host."""
    found = [to_host(one.detach() if hasattr(one, "detach") else one) for one in DOORS[door][0](**given)]
    return [np.asarray(one) for one in found]

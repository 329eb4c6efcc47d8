"""NumPy's error state is the caller's business: what regnet computes does not depend on it, nor does it change it."""

from __future__ import annotations

import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import pytest
from conftest import missing
from sklearn.exceptions import ConvergenceWarning

from regnet import (
    SGD,
    DivergenceWarning,
    EarlyStopping,
    MLPClassifier,
    MLPClassifierCV,
    MLPRegressor,
    MLPRegressorCV,
    Network,
    config_context,
    fit,
    path,
)

RNG = np.random.default_rng(0)
X = 50.0 * RNG.standard_normal((150, 4))
CLASSES = np.digitize(X[:, 0], [-20.0, 20.0])
FAR = 1e3 * X[:1]  # one row, whose probabilities underflow
SETTINGS = {"random_state": 0, "max_iter": 15}


def network():
    outputs = Network.mlp([4, 6, 3], loss="categorical_crossentropy")
    found = fit(outputs, X, CLASSES, epochs=10, validation_data=(X, CLASSES), early_stopping=EarlyStopping())
    return found.model.predict(X), found.model.predict(FAR), found.model.evaluate(X, CLASSES)["loss"]


def diverging():
    found = fit(Network.mlp([4, 6, 1], loss="squared_error"), X, X.sum(axis=1), optimizer=SGD(10.0), epochs=20)
    return (found.diverged_at,)


def classifier(solver, activation):
    """With three classes, and with two."""
    results = []
    for classes in (CLASSES, X[:, 0] > 0):
        model = MLPClassifier((6,), activation=activation, solver=solver, **SETTINGS).fit(X, classes)
        results += [model.predict_proba(FAR), model.predict_proba(np.tile(X, (300, 1))), model.score(X, classes)]
    return results


def counts():
    model = MLPRegressor("poisson", (), solver="fista", **SETTINGS).fit(X / 50.0, CLASSES)
    return model.predict(-FAR), model.predict(FAR)


def searches():
    settings = {"n_lambdas": 3, "cv": 3, "random_state": 0, "standardize": False}
    classes = MLPClassifierCV((4,), max_iter=10, **settings).fit(X, CLASSES)
    values = MLPRegressorCV((), **settings).fit(X, X.sum(axis=1))
    found = path(MLPRegressor(hidden_layer_sizes=(4,), **SETTINGS), X, X.sum(axis=1), lambdas=[1e-3, 1e-1])
    return classes.predict_proba(FAR), classes.cv_scores_, values.predict(FAR), found.losses


CALLS = {
    "fit": network,
    "divergence": diverging,
    "poisson": counts,
    "searches": searches,
    **{
        f"{solver} {activation}": partial(classifier, solver, activation)
        for solver in ("adam", "lbfgs", "fista")
        for activation in ("relu", "logistic")
    },
}


def called(name, state):
    with warnings.catch_warnings(), np.errstate(all=state):
        for category in (ConvergenceWarning, DivergenceWarning, UserWarning):
            warnings.simplefilter("ignore", category)
        result, after = CALLS[name](), np.geterr()
    assert set(after.values()) == {state}
    return result


@pytest.mark.parametrize("name", CALLS)
def test_nothing_depends_on_the_error_state(name):
    for strict, usual in zip(called(name, "raise"), called(name, "ignore"), strict=True):
        np.testing.assert_array_equal(strict, usual)


def test_nothing_depends_on_it_where_another_library_computes():
    if reason := missing("torch"):
        pytest.skip(reason)
    with config_context(backend="torch"):
        for name in ("fit", "divergence"):
            for strict, usual in zip(called(name, "raise"), called(name, "ignore"), strict=True):
                np.testing.assert_array_equal(strict, usual)


def test_nothing_depends_on_the_error_state_of_a_thread():
    """Every thread has its own."""
    model = MLPClassifier((6,), **SETTINGS, tol=1.0).fit(X / 50.0, CLASSES)

    def probabilities(rows):
        np.seterr(all="raise")
        return model.predict_proba(rows)

    tables = [FAR, X, np.tile(X, (300, 1)), FAR]
    with ThreadPoolExecutor(2) as pool:
        for found, rows in zip(pool.map(probabilities, tables), tables, strict=True):
            np.testing.assert_array_equal(found, model.predict_proba(rows))

"""An automatic range of strengths ends where nothing is left, however its networks are trained."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import make_friedman1

from regnet import MLPRegressor, MLPRegressorCV, config_context, path
from regnet.mathematics.losses import Huber

X, Y = make_friedman1(120, n_features=8, noise=1.0, random_state=0)


@pytest.mark.parametrize("penalty", ["input_l1", "weight_l1"])
@pytest.mark.parametrize("settings", [{}, {"restarts": 3, "max_iter": 60}, {"solver": "sgd", "max_iter": 100}], ids=str)
def test_networks_without_warm_starts_have_nothing_left(settings, penalty):
    """In any fold, nor any restart: all of them begin with weights that a penalty has to take away first."""
    given = {"n_lambdas": 3, "cv": 3, "warm_start": False, "adaptive": False, "refit": False, "random_state": 0}
    found = MLPRegressorCV((8,), penalty=penalty, **given, **settings).fit(X, Y)
    assert found.n_selected_[0] > 0
    assert not found.input_norms_[-1].any()


@pytest.mark.parametrize("warm_start", [True, False])
@pytest.mark.parametrize("penalty", ["input_l1", "weight_l1"])
def test_linear_models_that_are_not_trained_to_the_minimum_have_nothing_left(penalty, warm_start):
    linear = MLPRegressor(hidden_layer_sizes=(), solver="adam", learning_rate_init=3e-3, random_state=0)
    found = path(linear, X, Y, penalty=penalty, n_lambdas=4, warm_start=warm_start)
    assert found.n_selected[0] == 8
    assert found.n_selected[-1] == 0


@pytest.mark.parametrize("loss", ["squared_error", "poisson", Huber(2.0), Huber(0.05)], ids=str)
def test_linear_models_have_a_formula(loss):
    """The largest strength leaves nothing, and hardly less than that leaves an input."""
    linear = MLPRegressor(hidden_layer_sizes=(), solver="fista", loss=loss, tol=1e-10, max_iter=10**5)
    with config_context(dtype="float64"):
        largest = path(linear, X, np.floor(Y), penalty="weight_l1", n_lambdas=1).lambdas[0]
        found = path(linear, X, np.floor(Y), penalty="weight_l1", lambdas=(0.98 * largest, largest))
    assert found.n_selected.tolist() == [1, 0]


def test_folds_that_stand_alone_have_nothing_left_either():
    found = MLPRegressorCV((), penalty="weight_l1", warm_start=False, n_lambdas=4, cv=3).fit(X, Y)
    assert found.n_selected_[-1] == 0 < found.n_selected_[0]
    assert not found.input_norms_[-1].any()

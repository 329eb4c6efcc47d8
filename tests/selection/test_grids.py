"""Strengths that are searched: their order, their automatic range, what the companion does to it."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from searches import FRIEDMAN, quick
from sklearn.datasets import load_diabetes

from regnet import MLPRegressor, MLPRegressorCV, path
from regnet.selection.lambdas import check_lambdas


def test_the_companion_gives_strengths_a_meaning():
    """Without it the network evades the penalty on its first layer, and needs strengths many times larger to lose."""
    X, y = FRIEDMAN
    mlp = MLPRegressor(hidden_layer_sizes=(8,), learning_rate_init=3e-3, max_iter=100, random_state=0)
    with pytest.warns(UserWarning, match=r"companion_l2=0: the network can evade input_l1 .* \[0\] .* \[1\]"):
        ends = [path(mlp, X, y, n_lambdas=2, companion_l2=0.0).lambdas[-1]]
    ends += [path(mlp, X, y, n_lambdas=2, companion_l2=ratio).lambdas[-1] for ratio in (0.5, 1.0, 4.0)]
    assert ends[0] > 3 * ends[1]
    assert max(ends[1:]) <= 4 * min(ends[1:])


def test_the_automatic_range_of_a_linear_model_ends_where_its_first_input_enters():
    X, y = load_diabetes(return_X_y=True)
    found = path(MLPRegressor(hidden_layer_sizes=(), solver="fista", tol=1e-8, max_iter=5000), X, y, n_lambdas=20)
    assert found.n_selected[-1] == 0
    largest = found.lambdas[-1]
    below = path(
        MLPRegressor(hidden_layer_sizes=(), solver="fista", tol=1e-8, max_iter=5000), X, y, lambdas=(0.99 * largest,)
    )
    assert below.n_selected[0] == 1
    assert found.lambdas[0] == pytest.approx(1e-3 * found.lambdas[-1])


def test_grids_are_sorted_with_a_note():
    with pytest.warns(UserWarning, match="not sorted"):
        assert check_lambdas([0.3, 0.1, 0.2]) == (0.1, 0.2, 0.3)
    with pytest.warns(UserWarning, match="twice"):
        assert check_lambdas([0.1, 0.1]) == (0.1,)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert check_lambdas([0.3, 0.2, 0.1]) == (0.1, 0.2, 0.3)  # scikit-learn's own order


def test_a_strength_beyond_everything_is_reported():
    X, y = FRIEDMAN
    with pytest.warns(UserWarning, match="no input is left"):
        found = quick(lambdas=(10.0, 100.0)).fit(X, y)
    assert found.n_selected_.tolist() == [0, 0]


def test_a_range_whose_weakest_strength_is_the_best_is_made_longer():
    """Nothing but signal: the least shrinkage wins, down to where there is none to be seen."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, 3))
    y = X @ [3.0, 2.0, 1.0] + 1e-4 * rng.standard_normal(60)
    search = MLPRegressorCV((), penalty="weight_l1", n_lambdas=6, cv=3, select="min", random_state=0)
    with pytest.warns(UserWarning, match="The weakest strength of the range, .*lambda_min_ratio a smaller number"):
        found = search.fit(X, y)
    assert len(found.lambdas_) == 6
    weakest, largest, score = found.lambdas_[0], found.lambdas_[-1], found.best_score_
    assert weakest == pytest.approx(1e-5 * largest, rel=1e-12)
    with pytest.warns(UserWarning, match="The weakest strength of the range"):
        given = search.set_params(lambda_min_ratio=1e-3).fit(X, y)
    np.testing.assert_allclose(given.lambdas_[[0, -1]], [1e-3 * largest, largest], rtol=1e-12)
    assert given.best_score_ < score
    noisy = search.set_params(lambda_min_ratio=None).fit(X, rng.standard_normal(60))  # without a warning
    np.testing.assert_allclose(noisy.lambdas_[0], 1e-3 * noisy.lambdas_[-1], rtol=1e-12)

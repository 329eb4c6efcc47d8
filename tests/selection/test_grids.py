"""Strengths that are searched: their order, their automatic range, what the companion does to it."""

from __future__ import annotations

import warnings

import pytest
from searches import FRIEDMAN, quick
from sklearn.datasets import load_diabetes

from regnet import MLPRegressor, path
from regnet.selection.lambdas import check_lambdas


def test_the_companion_gives_strengths_a_meaning():
    """Without it the network evades the penalty on its first layer, and needs strengths many times larger to lose."""
    X, y = FRIEDMAN
    mlp = MLPRegressor(hidden_layer_sizes=(8,), learning_rate_init=3e-3, max_iter=100, random_state=0)
    ends = [path(mlp, X, y, n_lambdas=2, companion_l2=ratio).lambdas[-1] for ratio in (0.0, 0.5, 1.0, 4.0)]
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

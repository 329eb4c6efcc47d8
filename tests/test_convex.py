"""Without hidden layers the problem is convex: the same coefficients as solvers that share no code with regnet."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import need
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.linear_model import ElasticNet, Lasso, LogisticRegression, Ridge

from regnet import MLPClassifier, MLPRegressor


def standardised(load):
    x, y = load(return_X_y=True)
    return (x - x.mean(0)) / x.std(0), y


def path_of(estimator, x, y, strengths):
    """Coefficients at every strength, each fit starting from the one before; strengths: one dict a fit."""
    estimator = estimator(hidden_layer_sizes=(), solver="fista", tol=1e-11, max_iter=10**5, warm_start=True)
    found = []
    for one in strengths:
        estimator.set_params(random_state=0, **one).fit(x, y)
        assert estimator.kkt_residual_ <= 1e-10
        found.append(estimator.coefs_[0][:, 0].copy())
    return found


def agree(found, expected):
    """Within 1e-6 of the largest coefficient, and zero at the same places."""
    for ours, theirs in zip(found, expected, strict=True):
        assert np.abs(ours - theirs).max() <= 1e-6 * np.abs(theirs).max()
        assert ((ours == 0) == (theirs == 0)).all()


def grid(x, y):
    """50 strengths from just above the one that leaves nothing to a thousandth of it."""
    largest = np.abs(x.T @ (y - y.mean())).max() / len(y)
    return np.geomspace(1.05 * largest, 1e-3 * largest, 50)


def test_lasso_path():
    x, y = standardised(load_diabetes)
    lambdas = grid(x, y)
    found = path_of(MLPRegressor, x, y, [{"weight_l1": s} for s in lambdas])
    agree(found, [Lasso(alpha=s, tol=1e-14, max_iter=10**6).fit(x, y).coef_ for s in lambdas])
    assert not found[0].any()
    assert found[-1].all()


def test_elastic_net_path():
    x, y = standardised(load_diabetes)
    lambdas = grid(x, y)
    found = path_of(MLPRegressor, x, y, [{"weight_l1": 0.5 * s, "weight_l2": 0.25 * s} for s in lambdas])
    agree(found, [ElasticNet(alpha=s, l1_ratio=0.5, tol=1e-14, max_iter=10**6).fit(x, y).coef_ for s in lambdas])


def test_ridge_path():
    x, y = standardised(load_diabetes)
    lambdas = grid(x, y)
    found = path_of(MLPRegressor, x, y, [{"weight_l2": s} for s in lambdas])
    agree(found, [Ridge(alpha=2 * len(y) * s).fit(x, y).coef_ for s in lambdas])


def test_logistic_l2_path():
    x, y = standardised(load_breast_cancer)
    lambdas = grid(x, y)
    found = path_of(MLPClassifier, x, y, [{"weight_l2": s} for s in lambdas])
    expected = [
        LogisticRegression(C=1 / (2 * len(y) * s), solver="newton-cholesky", tol=1e-14, max_iter=1000).fit(x, y).coef_
        for s in lambdas
    ]
    agree(found, [coef[0] for coef in expected])


def test_logistic_l1_against_saga():
    """Five strengths: stochastic averaged gradients need long for the last digits."""
    x, y = standardised(load_breast_cancer)
    lambdas = grid(x, y)[1:30:6]
    found = path_of(MLPClassifier, x, y, [{"weight_l1": s} for s in lambdas])
    saga = {"l1_ratio": 1.0, "solver": "saga", "tol": 1e-11, "max_iter": 10**5, "random_state": 0}
    agree(found, [LogisticRegression(C=1 / (len(y) * s), **saga).fit(x, y).coef_[0] for s in lambdas])


@pytest.mark.filterwarnings("ignore")
def test_logistic_l1_path():
    skglm = need("skglm")
    x, y = standardised(load_breast_cancer)
    lambdas = grid(x, y)
    found = path_of(MLPClassifier, x, y, [{"weight_l1": s} for s in lambdas])
    expected = [
        skglm.SparseLogisticRegression(alpha=s, tol=1e-13, max_iter=1000, max_epochs=50_000).fit(x, y).coef_[0]
        for s in lambdas
    ]
    agree(found, expected)
    assert (found[0] == 0).all()
    assert 5 < (found[-1] != 0).sum() < 30

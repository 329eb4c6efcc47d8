"""Columns without a penalty that depend on each other: one of many equal minima, and no walk among them."""

from __future__ import annotations

import numpy as np
import pytest

from regnet import MLPClassifier, MLPRegressor, MLPRegressorCV, path
from regnet.solvers.free_directions import anchored

FACTOR = np.r_[np.ones(4), np.zeros(3)]
LOSSES = ("squared_error", "poisson", "gamma", "binary", "multiclass")


def table(seed):
    """Four normal inputs, and all three levels of a factor."""
    rng = np.random.default_rng(seed)
    levels = np.eye(3)[rng.integers(0, 3, 150)]
    return np.hstack([rng.standard_normal((150, 4)), levels]), rng


def targets(x, rng, loss):
    signal = 2.0 * x[:, 0] if loss == "squared_error" else x[:, 0] - x[:, 1] + x[:, 4:] @ [0.5, -0.5, 1.0]
    if loss == "squared_error":
        return signal + rng.standard_normal(150)
    if loss == "poisson":
        return rng.poisson(np.exp(0.5 * signal)).astype(float)
    if loss == "gamma":
        return np.exp(0.5 * signal) * rng.gamma(3.0, size=150)
    noisy = signal + rng.logistic(size=150)
    return (noisy > 0.3).astype(int) if loss == "binary" else np.digitize(noisy, [-0.5, 1.0])


def network_of(loss, **settings):
    settings = {"hidden_layer_sizes": (), "solver": "newton", "tol": 1e-9, **settings}
    return MLPClassifier(**settings) if loss in ("binary", "multiclass") else MLPRegressor(loss=loss, **settings)


@pytest.mark.parametrize("seed", [6, 10, 13])
@pytest.mark.parametrize("penalty", ["input_l1", "weight_l1", "weight_l2"])
@pytest.mark.parametrize("loss", LOSSES)
def test_all_levels_of_a_factor_are_as_good_as_all_but_one(loss, penalty, seed):
    """Kept by a factor of 0; steps in the direction of all levels were what rounding makes of 0 / 0, up to 1e150."""
    x, rng = table(seed)
    y = targets(x, rng, loss)
    given = {"penalty": penalty, "lambdas": np.geomspace(1e-3, 0.3, 8)}
    ours = path(network_of(loss), x, y, penalty_factor=FACTOR, **given).estimators
    theirs = path(network_of(loss), x[:, :-1], y, penalty_factor=FACTOR[:-1], **given).estimators
    for one, other in zip(ours, theirs, strict=True):
        assert np.abs(one.coefs_[0]).max() < 20
        if loss in ("binary", "multiclass"):
            np.testing.assert_allclose(one.predict_proba(x), other.predict_proba(x[:, :-1]), atol=1e-7)
        else:
            np.testing.assert_allclose(one.predict(x), other.predict(x[:, :-1]), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("seed", [9, 10, 13])
def test_groups_beside_what_is_kept(seed):
    x, rng = table(seed)
    network = network_of("squared_error", tol=1e-8, input_groups=[0, 0, 1, 2, 3, 3, 3])
    for estimator in path(network, x, targets(x, rng, "squared_error"), penalty_factor=FACTOR, n_lambdas=12).estimators:
        assert np.abs(estimator.coefs_[0]).max() < 20


def test_relaxed_networks_of_columns_that_depend_on_each_other():
    """Without a penalty there is no one minimum: it was one far away."""
    x, rng = table(13)
    y = targets(x, rng, "squared_error")
    found = MLPRegressorCV((), relax=True, n_lambdas=12, cv=3, random_state=0).fit(x, y)
    assert max(np.abs(one.coefs_[0]).max() for one in found.path_.estimators) < 20


def test_a_matrix_with_an_inverse_stays_as_it_is():
    matrix = np.cov(table(0)[0][:, :4].T)
    assert anchored(matrix, np.ones(4, dtype=bool)) is matrix
    assert anchored(np.zeros((3, 3)), np.asarray([True, False, False])) is not None


def test_the_anchor_holds_what_changes_nothing_and_that_alone():
    x = table(0)[0][:, 2:]
    x = x - x.mean(axis=0)
    matrix, free = x.T @ x / 150, np.asarray([False, False, True, True, True])
    found = anchored(matrix, free)
    flat = np.asarray([0.0, 0.0, 1.0, 1.0, 1.0])
    assert flat @ matrix @ flat == pytest.approx(0.0, abs=1e-14)
    assert flat @ found @ flat > 0.1
    across = np.asarray([0.3, -1.0, 1.0, -2.0, 1.0])  # of no such direction
    np.testing.assert_allclose(found @ across, matrix @ across, atol=1e-12)

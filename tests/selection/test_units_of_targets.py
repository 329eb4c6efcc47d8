"""A loss with a threshold in units of the target, in paths and searches: one meaning, that of the estimators."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from regnet import MLPRegressor, MLPRegressorCV, config_context, path, stability_selection
from regnet.mathematics.losses import Huber, in_units


def table(rng, outputs=1):
    x = rng.standard_normal((80, 4))
    y = 100.0 * (x @ rng.standard_normal((4, outputs)) + rng.standard_t(2, (80, outputs))) + 500.0
    return x, y if outputs > 1 else y[:, 0]


def minimum(x, y, delta, l1=0.0):
    """w, b and value of min mean huber(x w + b - y) + l1 |w|_1; w as the difference of two parts >= 0."""
    n, d = x.shape

    def objective(point):
        residual = x @ (point[:d] - point[d : 2 * d]) + point[-1] - y
        limited = np.clip(residual, -delta, delta)
        slope = x.T @ limited / n
        value = np.mean(limited * (residual - 0.5 * limited)) + l1 * point[:-1].sum()
        return value, np.concatenate([slope + l1, l1 - slope, [limited.mean()]])

    bounds = [(0, None)] * (2 * d) + [(None, None)]
    start = np.concatenate([np.zeros(2 * d), [np.median(y)]])
    options = {"maxiter": 10**5, "maxfun": 10**6, "ftol": 1e-16, "gtol": 1e-9}
    found = minimize(objective, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    return found.x[:d] - found.x[d : 2 * d], found.x[-1], found.fun


@pytest.mark.parametrize("standardize", [True, False])
@pytest.mark.parametrize("delta", [20.0, 150.0])
def test_paths_minimise_the_hubers_loss_of_the_targets_own_units(delta, standardize, rng):
    x, y = table(rng)
    scale, unit = (x.std(axis=0), y.std()) if standardize else (np.ones(4), 1.0)
    lambdas = np.array([1e-9, 0.05, 0.2]) * (1.0 if standardize else y.std())
    linear = MLPRegressor(hidden_layer_sizes=(), loss=Huber(delta), solver="fista", tol=1e-9, max_iter=10**5)
    with config_context(dtype="float64"):
        found = path(linear, x, y, penalty="weight_l1", lambdas=lambdas, standardize=standardize)
    for strength, estimator, loss in zip(lambdas, found.estimators, found.losses, strict=True):
        coef, intercept, value = minimum(x / scale, y, delta, strength * unit)
        np.testing.assert_allclose(estimator.coefs_[0][:, 0], coef / scale, atol=1e-3)
        np.testing.assert_allclose(estimator.intercepts_[0][0], intercept, atol=1e-2)
        data_loss = value - strength * unit * np.abs(coef).sum()
        assert loss == pytest.approx(data_loss / unit**2, rel=1e-4)  # of targets in units of their standard deviation
        assert estimator.loss == Huber(delta)


def test_a_fold_has_the_threshold_of_the_refit(rng):
    """Folds of other spreads: each minimises the same loss."""
    x, y = table(rng)
    y = y.copy()
    y[:40] *= 5.0
    cv = [(np.arange(40), np.arange(40, 80)), (np.arange(40, 80), np.arange(40))]
    with config_context(dtype="float64"):
        found = MLPRegressorCV(
            (),
            loss=Huber(80.0),
            solver="fista",
            penalty="weight_l1",
            lambdas=[1e-9],
            cv=cv,
            tol=1e-9,
            max_iter=10**5,
            scoring="r2",
        ).fit(x, y)
    for (train, test), score in zip(cv, found.cv_scores_[0, :, 0], strict=True):
        coef, intercept, _ = minimum(x[train], y[train], 80.0)
        rest = y[test] - x[test] @ coef - intercept
        assert score == pytest.approx(1 - np.mean(rest**2) / np.var(y[test]), rel=1e-4)


def test_the_unit_of_the_targets_and_of_the_threshold_changes_nothing(rng):
    x, y = table(rng)
    with config_context(dtype="float64"):
        one, other = (
            MLPRegressorCV((4,), loss=Huber(50.0 * unit), n_lambdas=4, cv=2, max_iter=20, random_state=0).fit(
                x, y * unit
            )
            for unit in (1.0, 1024.0)
        )
        halves = [
            stability_selection(
                MLPRegressor(hidden_layer_sizes=(4,), loss=Huber(50.0 * unit), max_iter=20, random_state=0),
                x, y * unit, n_lambdas=3, subsamples=4,
            )
            for unit in (1.0, 1024.0)
        ]  # fmt: skip
    np.testing.assert_allclose(other.lambdas_, one.lambdas_, rtol=1e-12)
    np.testing.assert_allclose(other.cv_scores_, one.cv_scores_, rtol=1e-9)
    np.testing.assert_allclose(other.predict(x), 1024.0 * one.predict(x), rtol=1e-9)
    np.testing.assert_array_equal(halves[0].frequencies, halves[1].frequencies)
    another = MLPRegressorCV((4,), loss=Huber(5.0), n_lambdas=4, cv=2, max_iter=20, random_state=0).fit(x, y)
    assert not np.allclose(another.cv_scores_, one.cv_scores_)


def test_outputs_of_other_spreads_have_one_threshold(rng):
    x, y = table(rng, outputs=2)
    y = y * np.array([1.0, 10.0])
    linear = MLPRegressor(hidden_layer_sizes=(), loss=Huber(60.0), solver="fista", tol=1e-9, max_iter=10**5)
    with config_context(dtype="float64"):
        found = path(linear, x, y, penalty="weight_l1", lambdas=[1e-9]).estimators[0]
    for column in range(2):
        coef, _, _ = minimum(x, y[:, column], 60.0)
        np.testing.assert_allclose(found.coefs_[0][:, column], coef, rtol=1e-4, atol=1e-2)


def test_a_loss_in_other_units_is_the_same_loss(rng):
    outputs, targets = rng.standard_normal((2, 20, 3))
    value, grad = Huber(0.7).value_and_grad(outputs, targets)
    scaled = in_units(Huber(0.7), 8.0).value_and_grad(outputs / 8, targets / 8)
    np.testing.assert_allclose(scaled[0] * 64, value)
    np.testing.assert_allclose(scaled[1] * 8, grad)
    assert in_units("huber", 2.0) == Huber(0.5)

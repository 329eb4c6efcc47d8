"""`path`: its estimators, validation scores, restarts, pictures."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import need
from searches import FRIEDMAN, quick
from sklearn.linear_model import Ridge
from sklearn.preprocessing import StandardScaler

from regnet import MLPRegressor, path
from regnet.selection.settings import restart_seeds


def test_paths_have_validation_scores_and_pictures():
    X, y = FRIEDMAN
    mlp = MLPRegressor(hidden_layer_sizes=(8,), learning_rate_init=3e-3, max_iter=60, random_state=0)
    found = path(mlp, X[:150], y[:150], n_lambdas=10, validation_data=(X[150:], y[150:]), restarts=2)
    assert found.scores[0] == found.estimators[0].score(X[150:], y[150:])
    assert found.scores[-1] < found.scores.max()
    need("matplotlib")
    assert found.plot(3).axes
    for number, estimator in enumerate(found.estimators):  # counted here again, on the weights that predict
        weights = [np.asarray(weight) for weight in estimator.coefs_]
        gone = sum(int((weight == 0).sum()) for weight in weights)
        assert found.zeros[number] == pytest.approx(gone / sum(weight.size for weight in weights), rel=1e-15)
        assert found.n_selected[number] == np.count_nonzero(weights[0].any(axis=1))
    assert 0 == found.zeros[0] < found.zeros[-1] <= 1
    crossed = quick().fit(X, y)
    counted = [np.mean(np.concatenate([np.ravel(w) == 0 for w in one.coefs_])) for one in crossed.path_.estimators]
    np.testing.assert_allclose(crossed.zeros_, counted, rtol=1e-15)
    assert crossed.plot_path().axes
    assert crossed.plot_norms().axes


@pytest.mark.parametrize(
    ("estimator", "message"),
    [
        (MLPRegressor(weight_l2=0.1), "weight_l2 of its own"),
        (MLPRegressor(solver="lbfgs"), "lbfgs"),
        (MLPRegressor(early_stopping=True), "early_stopping"),
        (MLPRegressor(alpha=1.0), "alpha of its own"),
        (MLPRegressor(l1_step="subgradient"), "l1_step"),
    ],
)
def test_estimators_that_a_path_would_have_to_ignore(estimator, message):
    with pytest.raises(ValueError, match=message):
        path(estimator, *FRIEDMAN)
    with pytest.raises(TypeError, match="MLPClassifier or MLPRegressor of regnet"):
        path(Ridge(), *FRIEDMAN)


def test_validation_rows_of_a_path_are_looked_at_before_it_trains():
    with pytest.raises(ValueError, match=r"validation_data: give \(X, y\)"):
        path(MLPRegressor(), *FRIEDMAN, validation_data=FRIEDMAN[0])


def test_the_restart_with_the_smallest_objective_is_kept():
    X, y = (StandardScaler().fit_transform(part.reshape(200, -1)) for part in FRIEDMAN)
    y, lambdas, seeds = y[:, 0], (0.005, 0.01, 0.02, 0.05), restart_seeds(0, 6)
    mlp = MLPRegressor(hidden_layer_sizes=(8,), learning_rate_init=3e-3, max_iter=40, random_state=0)
    found = path(mlp, X, y, lambdas=lambdas, restarts=6, standardize=False)
    alone = [path(mlp.set_params(random_state=seed), X, y, lambdas=lambdas, standardize=False) for seed in seeds]

    def losses(result):
        residuals = [estimator.predict(X) - y for estimator in result.estimators]
        return np.asarray([0.5 * np.mean(residual**2) for residual in residuals])

    def objectives(result):
        weights = [estimator.coefs_ for estimator in result.estimators]
        groups = [np.sqrt(8) * np.linalg.norm(first, axis=1).sum() + (last**2).sum() for first, last in weights]
        return losses(result) + np.asarray(lambdas) * groups

    np.testing.assert_allclose(found.losses, losses(found), rtol=1e-9)
    every = np.asarray([objectives(result) for result in alone])
    np.testing.assert_allclose(objectives(found), every.min(axis=0), rtol=1e-9)
    by_loss = np.asarray([losses(result) for result in alone]).argmin(axis=0)
    assert (by_loss != every.argmin(axis=0)).any()  # the data loss alone would choose another one

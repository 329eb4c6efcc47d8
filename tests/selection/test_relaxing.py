"""Selections that are trained again with a part of the penalty: scikit-learn's lasso of the selected columns."""

import numpy as np
import pytest
from sklearn.datasets import load_diabetes, make_friedman1
from sklearn.linear_model import Lasso, LinearRegression
from sklearn.preprocessing import StandardScaler

from regnet import MLPRegressorCV
from regnet.selection.relaxing import check_gammas

GRID = (0.01, 0.05, 0.1, 0.3)
X, Y = load_diabetes(return_X_y=True)
X, Y = StandardScaler().fit_transform(X), (Y - Y.mean()) / Y.std()


def lasso(hidden_layer_sizes=(), **parameters):
    return MLPRegressorCV(
        hidden_layer_sizes, standardize=False, lambdas=GRID, cv=3, random_state=0, relax=True, **parameters
    )


def relaxed_lasso(strength, gamma, factor):
    """Coefficients by Meinshausen's definition: the lasso selects, a weaker lasso of those columns is the fit."""
    scaled = X / factor
    used = Lasso(strength, tol=1e-12, max_iter=100_000).fit(scaled, Y).coef_ != 0
    final = Lasso(gamma * strength, tol=1e-12, max_iter=100_000) if gamma else LinearRegression()
    coefs = np.zeros(X.shape[1])
    coefs[used] = final.fit(scaled[:, used], Y).coef_ / factor[used] if used.any() else 0.0
    return coefs


@pytest.mark.parametrize("gamma", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("warm_start", [True, False])
def test_a_relaxed_linear_model_is_the_relaxed_lasso(gamma, warm_start):
    factor = np.linspace(0.5, 2.0, X.shape[1])
    found = lasso(gamma=gamma, warm_start=warm_start, penalty_factor=factor).fit(X, Y)
    assert found.gamma_ == gamma
    for strength in (*GRID, 0.07):
        expected = relaxed_lasso(strength, gamma, factor)
        np.testing.assert_allclose(found.at(strength=strength).coefs_[0][:, 0], expected, atol=1e-6)
    expected = relaxed_lasso(found.lambda_, gamma, factor)
    np.testing.assert_allclose(found.best_estimator_.coefs_[0][:, 0], expected, atol=1e-6)


@pytest.mark.parametrize("settings", [{}, {"hidden_layer_sizes": (4,), "max_iter": 20, "restarts": 2}], ids=str)
def test_of_several_shares_the_one_with_the_best_score_is_chosen(settings):
    """The numbers are those of the search that has this share alone, whichever it is."""
    gammas = (0.0, 0.25, 1.0)
    shared = {"keep_predictions": True, "select": "min", **settings}
    alone = {gamma: lasso(gamma=gamma, **shared).fit(X, Y) for gamma in gammas}
    found = lasso(gamma=gammas[::-1], **shared).fit(X, Y)
    best = np.asarray([one.best_score_ for one in alone.values()])
    assert found.gamma_ == gammas[int(best.argmax())]
    np.testing.assert_array_equal(found.gammas_, gammas)
    for gamma, scores in zip(gammas, found.gamma_scores_, strict=True):
        chosen = np.take_along_axis(alone[gamma].cv_scores_, alone[gamma].chosen_restarts_[..., None], axis=2)
        np.testing.assert_array_equal(scores, chosen[..., 0])
    one = alone[found.gamma_]
    np.testing.assert_array_equal(found.score_mean_, one.score_mean_)
    np.testing.assert_array_equal(found.cv_predictions_, one.cv_predictions_)
    np.testing.assert_array_equal(found.predict(X), one.predict(X))
    np.testing.assert_array_equal(found.at(strength=0.02).predict(X), one.at(strength=0.02).predict(X))


def test_the_share_of_a_network_is_that_of_all_its_terms():
    """What an estimator tells of its penalty: the share is in the inputs' factors and in the later layer's L2."""
    x, y = make_friedman1(200, n_features=8, random_state=0)
    settings = {"lambdas": (0.05, 0.2), "cv": 2, "max_iter": 30, "random_state": 0, "adaptive": False, "relax": True}
    found = MLPRegressorCV((6,), gamma=0.5, **settings).fit(x, y)
    estimator = found.path_.estimators[0]
    used = estimator.selected_features_
    assert used.any()
    assert not used.all()
    np.testing.assert_array_equal(estimator.penalty_factor[used], 0.5)
    assert (estimator.input_l1, estimator.weight_l2) == (0.05, [0.0, 0.025])
    norms = {
        gamma: MLPRegressorCV((6,), gamma=gamma, **settings).fit(x, y).path_.norms[0].sum() for gamma in (0, 0.5, 0.9)
    }
    assert norms[0] > norms[0.5] > norms[0.9]


def test_a_killed_search_over_shares_goes_on(tmp_path):
    expected = lasso(gamma=(0.0, 0.5, 1.0)).fit(X, Y)
    for _ in range(2):
        found = lasso(gamma=(0.0, 0.5, 1.0), sweep_dir=tmp_path).fit(X, Y)
        np.testing.assert_array_equal(found.gamma_scores_, expected.gamma_scores_)
    np.testing.assert_array_equal(found.predict(X), expected.predict(X))


@pytest.mark.parametrize("gamma", [-0.1, 1.1, [0.5, np.nan], [], "half", [[0.5]]])
def test_a_share_lies_between_nothing_and_all(gamma):
    with pytest.raises(ValueError, match="gamma"):
        check_gammas(gamma)


def test_a_share_without_relaxed_selections_is_refused():
    with pytest.raises(ValueError, match=r"gamma=0.5 .* needs relax=True"):
        MLPRegressorCV(gamma=0.5).fit(X, Y)

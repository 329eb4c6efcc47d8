"""What searches find: inputs that matter, none in noise, neurons."""

from __future__ import annotations

import numpy as np
import pytest
from searches import FRIEDMAN, quick
from sklearn.datasets import make_friedman1

from regnet import MLPRegressorCV
from regnet.selection.adaptive import adaptive_factors


def test_adaptive_factors_are_inverse_norms():
    norms = np.array([[2.0, 1.0, 0.0], [0.0, 0.0, 0.0]])
    np.testing.assert_allclose(adaptive_factors(norms), [[1.0, 2.0, 1000.0], [1.0, 1.0, 1.0]])


@pytest.mark.slow
@pytest.mark.parametrize("seed", [200, 201])
def test_friedmans_inputs_are_found(seed):
    X, y = make_friedman1(1300, n_features=50, noise=1.0, random_state=seed)
    found = MLPRegressorCV(random_state=0).fit(X[:300], y[:300])
    assert set(range(5)) <= set(np.flatnonzero(found.selected_features_))
    assert found.selected_features_.sum() <= 6
    assert found.score(X[300:], y[300:]) > 0.85
    assert found.n_selected_[0] > found.n_selected_[-1] == 0


def test_the_largest_inputs_are_found_by_a_short_search():
    """Fewer strengths and folds, so that what matters little may be missed and little of no effect may stay."""
    X, y = make_friedman1(1300, n_features=50, noise=1.0, random_state=200)
    found = MLPRegressorCV(n_lambdas=15, cv=3, random_state=0).fit(X[:300], y[:300])
    assert {0, 1, 3} <= set(np.flatnonzero(found.selected_features_))
    assert found.selected_features_.sum() <= 8
    assert found.score(X[300:], y[300:]) > 0.8
    assert found.n_selected_[0] > found.n_selected_[-1] == 0


def test_noise_has_no_inputs():
    rng = np.random.default_rng(100)
    X, y = rng.standard_normal((300, 50)), rng.standard_normal(300)
    with pytest.warns(UserWarning, match="no input is left: a constant"):
        found = MLPRegressorCV(n_lambdas=15, cv=3, random_state=0).fit(X, y)
    assert found.selected_features_.sum() == 0
    assert np.ptp(found.predict(X)) == pytest.approx(0.0, abs=1e-9)


def test_adaptive_selection_drops_what_plain_selection_keeps():
    X, y = make_friedman1(300, n_features=40, noise=1.0, random_state=5)
    settings = {"n_lambdas": 15, "cv": 3, "random_state": 0}
    plain, adaptive = (MLPRegressorCV(adaptive=how, **settings).fit(X, y) for how in (False, True))
    assert not hasattr(plain, "adaptive_factors_")
    assert plain.selected_features_.sum() > adaptive.selected_features_.sum() >= 4
    assert adaptive.best_estimator_.penalty_factor.min() == 1.0
    np.testing.assert_array_equal(adaptive.pilot_scores_, plain.cv_scores_[..., 0])


def test_relaxed_networks_use_the_selected_inputs_only():
    X, y = FRIEDMAN
    for warm in (True, False):
        found = quick(relax=True, warm_start=warm, lambdas=np.geomspace(3e-3, 0.1, 6)).fit(X, y)
        assert 0 < found.selected_features_.sum() < X.shape[1]
        assert found.n_selected_[-1] < found.n_selected_[0]


def test_neurons_can_be_selected():
    X, y = FRIEDMAN
    found = quick(penalty="neuron_l1", hidden_layer_sizes=(20,), max_iter=150).fit(X, y)
    alive = [int((one.coefs_[1] != 0).any(axis=1).sum()) for one in found.path_.estimators]
    assert alive[0] == 20
    assert alive[-1] == 0
    assert 0 < alive[found.best_index_] < 20


@pytest.mark.parametrize("few", [True, False], ids=["one of ten", "all of ten"])
def test_the_best_score_is_asked_of_both_paths(few):
    """One real input among ten is found by the second path, ten alike are lost to it: 'min' has the better best."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, 10))
    y = X[:, 0] if few else 0.3 * X.sum(axis=1)
    y = y + rng.standard_normal(60)
    found = {how: quick(select="min", adaptive=how).fit(X, y) for how in (False, True, "auto")}
    scores = {how: one.best_score_ for how, one in found.items()}
    assert found["auto"].adaptive_ == (scores[True] >= scores[False]) == few
    assert scores["auto"] == max(scores[True], scores[False])
    expected = found[few].best_estimator_.coefs_
    for weight, own in zip(found["auto"].best_estimator_.coefs_, expected, strict=True):
        np.testing.assert_array_equal(weight, own)
    assert found[True].adaptive_
    assert not hasattr(found[False], "adaptive_")
    assert quick(select="1se").fit(X, y).adaptive_

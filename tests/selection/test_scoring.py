"""Scores of held-out rows."""

from __future__ import annotations

import numpy as np
import pytest
from searches import FRIEDMAN, quick
from sklearn.datasets import load_iris
from sklearn.metrics import accuracy_score, log_loss, make_scorer, mean_absolute_error, r2_score

from regnet import MLPClassifierCV, MLPRegressor, MLPRegressorCV


def test_scorers_of_every_kind():
    X, y = FRIEDMAN
    named = quick(scoring="neg_mean_absolute_error").fit(X, y)
    scorer = quick(scoring=make_scorer(mean_absolute_error, greater_is_better=False)).fit(X, y)
    np.testing.assert_allclose(named.cv_scores_, scorer.cv_scores_, rtol=1e-6)
    X, y = load_iris(return_X_y=True)
    made = {
        "accuracy": make_scorer(accuracy_score),
        "neg_log_loss": make_scorer(log_loss, greater_is_better=False, response_method="predict_proba"),
    }
    for name, scorer in made.items():
        one, other = (
            MLPClassifierCV((4,), lambdas=(0.01, 0.05), cv=3, max_iter=30, random_state=0, scoring=scoring).fit(X, y)
            for scoring in (name, scorer)
        )
        np.testing.assert_allclose(one.cv_scores_, other.cv_scores_, rtol=1e-6)


@pytest.mark.parametrize("constant", [0.1, 1 / 3, 14.62])
def test_a_held_out_target_that_is_constant_scores_0(constant, rng):
    """The search's R2, the estimator's (early stopping's too) and the model's are one."""
    X = rng.standard_normal((60, 3))
    y = X[:, 0] + rng.standard_normal(60)
    y[46:] = constant
    cv = [(np.arange(46), np.arange(46, 60)), (np.arange(20, 60), np.arange(20))]
    found = MLPRegressorCV((), penalty="weight_l1", lambdas=(0.01, 0.1), cv=cv, random_state=0).fit(X, y)
    assert found.cv_scores_[:, 0].tolist() == [[0.0], [0.0]]
    best = found.best_estimator_
    assert best.score(X[46:], y[46:]) == best.model_.evaluate(X[46:], y[46:])["r2"] == 0.0
    stopped = MLPRegressor(hidden_layer_sizes=(2,), early_stopping=True, random_state=0)
    stopped.fit(X, np.full(60, constant))
    assert set(stopped.validation_scores_) == {0.0}
    assert best.score(X, y) == pytest.approx(r2_score(y, best.predict(X)), rel=1e-12)


def test_counts_are_scored_as_counts(rng):
    X = rng.standard_normal((150, 4))
    y = rng.poisson(np.exp(X[:, 0]))
    settings = {"loss": "poisson", "lambdas": (0.01, 0.1), "cv": 3, "max_iter": 60, "random_state": 0}
    for name, scorer in (("r2", r2_score), ("neg_mean_absolute_error", mean_absolute_error)):
        made = make_scorer(scorer, greater_is_better=name == "r2")
        one, other = (MLPRegressorCV((8,), scoring=scoring, **settings).fit(X, y) for scoring in (name, made))
        np.testing.assert_allclose(one.cv_scores_, other.cv_scores_, rtol=1e-6)

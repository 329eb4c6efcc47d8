"""Scores of held-out rows."""

from __future__ import annotations

import warnings
from functools import partial

import numpy as np
import pytest
from searches import FRIEDMAN, quick
from sklearn.datasets import load_iris
from sklearn.metrics import (
    accuracy_score,
    d2_absolute_error_score,
    d2_pinball_score,
    d2_tweedie_score,
    log_loss,
    make_scorer,
    mean_absolute_error,
    mean_pinball_loss,
    r2_score,
)  # fmt: skip

from regnet import MLPClassifierCV, MLPRegressor, MLPRegressorCV
from regnet.mathematics.losses import AbsoluteError, Gamma, Huber, Poisson, Quantile, SquaredError, Tweedie


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
    with warnings.catch_warnings():  # it stops before it has learnt so small a target, and says so
        warnings.simplefilter("ignore")
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


SCORES = {
    "absolute_error": (AbsoluteError(), d2_absolute_error_score),
    "quantile": (Quantile(0.8), partial(d2_pinball_score, alpha=0.8)),
    "poisson": (Poisson(), partial(d2_tweedie_score, power=1)),
    "gamma": (Gamma(), partial(d2_tweedie_score, power=2)),
    "tweedie": (Tweedie(1.3), partial(d2_tweedie_score, power=1.3)),
}


@pytest.mark.parametrize("name", SCORES)
@pytest.mark.parametrize("weighted", [False, True])
def test_the_default_score_of_a_loss_is_its_d2(name, weighted, rng):
    loss, theirs = SCORES[name]
    X, weight = rng.standard_normal((120, 3)), rng.integers(1, 4, 120) if weighted else None
    y = rng.gamma(2.0, np.exp(0.5 * X[:, 0]))
    settings = {"loss": loss, "lambdas": (0.03, 0.1), "cv": 3, "max_iter": 40, "random_state": 0}
    one, other = (
        MLPRegressorCV((4,), scoring=scoring, **settings).fit(X, y, sample_weight=weight)
        for scoring in (None, make_scorer(theirs))
    )
    np.testing.assert_allclose(one.cv_scores_, other.cv_scores_, rtol=1e-5, atol=1e-6)  # of networks in float32
    assert one.scoring_ == "d2"


def test_d2_of_huber_s_loss_is_in_the_units_of_y(rng):
    X = rng.standard_normal((90, 3))
    y = 100 * (X[:, 0] + rng.standard_t(2, 90))
    settings = {"lambdas": (0.01, 0.1), "cv": 3, "random_state": 0, "keep_predictions": True}
    found = MLPRegressorCV((), loss=Huber(50.0), **settings).fit(X, y)
    fold = found.test_folds_ == 0

    def value(outputs):
        return Huber(50.0).value_and_grad(outputs, y[fold][:, None])[0].mean()

    idle = min(value(np.full((fold.sum(), 1), guess)) for guess in np.linspace(-100, 100, 2001))
    for scores, predicted in zip(found.cv_scores_[:, 0, 0], found.cv_predictions_, strict=True):
        assert scores == pytest.approx(1 - value(predicted[fold]) / idle, abs=1e-5)
    least = MLPRegressorCV((), loss=Huber(50.0), scoring="neg_mean_loss", **settings).fit(X, y)
    assert least.cv_scores_[0, 0, 0] == pytest.approx(-value(least.cv_predictions_[0][fold]), rel=1e-6)


def test_squares_and_losses_of_ones_own_are_scored_by_r2():
    X, y = FRIEDMAN
    plain, named, asked = (quick(scoring=scoring, lambdas=(0.01, 0.1)).fit(X, y) for scoring in (None, "r2", "d2"))
    assert (plain.scoring_, asked.scoring_) == ("r2", "d2")
    np.testing.assert_array_equal(plain.cv_scores_, named.cv_scores_)
    np.testing.assert_array_equal(plain.cv_scores_, asked.cv_scores_)

    body = {"value_and_grad": SquaredError.value_and_grad}
    own = type("Own", (AbsoluteError,), body)()  # whose inherited constant is another formula's
    known = type("Known", (AbsoluteError,), body | {"constant": SquaredError.constant})()
    found = [quick(loss=loss, lambdas=(0.01, 0.1)).fit(X, y) for loss in (own, known)]
    assert [one.scoring_ for one in found] == ["r2", "d2"]
    np.testing.assert_allclose(found[1].cv_scores_, found[0].cv_scores_, rtol=1e-10)


@pytest.mark.filterwarnings("ignore:The weakest strength", "ignore:At the chosen strength")
def test_the_strength_for_a_quantile_is_not_chosen_by_the_fit_of_means():
    """With a heavy right tail the mean and the quantile want other strengths: on new rows D2's choice is the better."""
    losses = np.zeros((4, 2))
    for seed in range(4):
        rng = np.random.default_rng(seed)
        X = rng.standard_normal((2000, 8))
        y = X[:, 0] + np.exp(0.8 * X[:, 1]) * rng.lognormal(0, 1.0, 2000)
        for column, scoring in enumerate(("d2", "r2")):
            search = quick(loss=Quantile(0.9), scoring=scoring, n_lambdas=8, cv=5, select="min", adaptive=False)
            search.fit(X[:200], y[:200])
            losses[seed, column] = mean_pinball_loss(y[200:], search.predict(X[200:]), alpha=0.9)
    assert losses[:, 0].mean() < losses[:, 1].mean()

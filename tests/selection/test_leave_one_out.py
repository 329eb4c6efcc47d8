"""Each row held out by itself: mean losses, their standard errors, and what is not defined there."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import d2_absolute_error_score, log_loss, r2_score
from sklearn.model_selection import KFold, LeaveOneOut

from regnet import MLPClassifierCV, MLPRegressorCV

ROWS, STRENGTHS = 60, (1e-3, 3e-2, 1.0)
RNG = np.random.default_rng(5)
X = RNG.standard_normal((ROWS, 4)) + 3.0
Y = X @ [1.0, -2.0, 0.0, 0.5] + RNG.standard_normal(ROWS)


def search(**settings):
    given = {"penalty": "weight_l2", "lambdas": STRENGTHS, "cv": LeaveOneOut(), "keep_predictions": True}
    return MLPRegressorCV((), random_state=0, **{**given, **settings})


def press(strength):
    """Squared errors of ridge regressions without the row, from one fit: e_i / (1 - h_ii).

    J of n - 1 rows has the minimum of (n - 1) J, in which the penalty is the same for all of them. Source: Allen, The
    relationship between variable selection and data augmentation, Technometrics 16 (1974).
    """
    design, penalty = np.column_stack([np.ones(ROWS), X]), np.diag([0.0, 1.0, 1.0, 1.0, 1.0])
    hat = design @ np.linalg.solve(design.T @ design + 2 * strength * (ROWS - 1) * penalty, design.T)
    return ((Y - hat @ Y) / (1 - np.diag(hat))) ** 2


def test_the_squared_error_is_that_of_the_closed_form():
    found = search(scoring="neg_mean_squared_error", standardize=False).fit(X, Y)
    errors = np.stack([press(strength) for strength in STRENGTHS])
    np.testing.assert_allclose(-found.cv_scores_[:, :, 0], errors, rtol=1e-6)
    np.testing.assert_allclose(-found.score_mean_, errors.mean(axis=1), rtol=1e-9)
    np.testing.assert_allclose(found.score_se_, errors.std(axis=1, ddof=1) / ROWS**0.5, rtol=1e-9)
    assert found.n_splits_ == ROWS


def test_r2_of_one_row_is_none_and_that_of_all_predictions_is_one():
    with pytest.raises(ValueError, match=r"R2 is not .* one held-out row .* or scoring='neg_mean_squared_error'"):
        search().fit(X, Y)
    with pytest.raises(ValueError, match=r"D2 is not .* one held-out row .* or scoring='neg_mean_loss'"):
        search(penalty="weight_l1", loss="absolute_error").fit(X, Y)
    found = search(scoring="neg_mean_squared_error").fit(X, Y)
    pooled = [r2_score(Y, predicted) for predicted in found.cv_predictions_[..., 0]]
    np.testing.assert_allclose(pooled, 1 + found.score_mean_ / Y.var(), rtol=1e-9)


def test_small_folds_have_another_mean_of_r2_than_the_pooled_one():
    """A fold's R2 divides by the spread of its own rows, which of three is as often too small as too large."""
    found = search(cv=KFold(20, shuffle=True, random_state=0)).fit(X, Y)
    pooled = [r2_score(Y, predicted) for predicted in found.cv_predictions_[..., 0]]
    assert (found.score_mean_ < np.asarray(pooled) - 0.05).all()
    large = search(cv=KFold(2, shuffle=True, random_state=0)).fit(X, Y)
    pooled = [r2_score(Y, predicted) for predicted in large.cv_predictions_[..., 0]]
    np.testing.assert_allclose(large.score_mean_, pooled, atol=0.02)


def test_any_loss_may_be_left_out_row_by_row():
    once = {"lambdas": (0.01, 0.1), "max_iter": 60, "learning_rate_init": 0.03}
    found = search(penalty="weight_l1", loss="absolute_error", scoring="neg_mean_loss", **once).fit(X, Y)
    predicted = found.cv_predictions_[..., 0]
    np.testing.assert_allclose(found.score_mean_, -np.abs(Y - predicted).mean(axis=1), rtol=1e-5)
    assert d2_absolute_error_score(Y, predicted[0]) > 0.4


def test_classes_are_scored_by_the_log_loss_of_each_row():
    data = load_breast_cancer()
    rows = np.flatnonzero(np.arange(569) % 9 == 0)
    settings = {"penalty": "weight_l1", "lambdas": (0.01, 0.05, 0.2), "cv": LeaveOneOut(), "keep_predictions": True}
    found = MLPClassifierCV((), random_state=0, **settings).fit(data.data[rows, :6], data.target[rows])
    each = [log_loss(data.target[rows], chances) for chances in found.cv_predictions_]
    np.testing.assert_allclose(found.score_mean_, -np.asarray(each), rtol=1e-6)
    np.testing.assert_allclose(
        found.score_se_, found.cv_scores_[:, :, 0].std(axis=1, ddof=1) / len(rows) ** 0.5, rtol=1e-9
    )

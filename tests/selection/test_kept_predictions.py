"""What the folds' networks say of the rows that they did not see."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from searches import FRIEDMAN, quick
from sklearn.datasets import load_iris, make_multilabel_classification
from sklearn.metrics import log_loss, make_scorer, mean_squared_error, r2_score
from sklearn.model_selection import KFold, ShuffleSplit

from regnet import MLPClassifierCV, MLPRegressorCV
from regnet.mathematics.metrics import r2_of

X, Y = FRIEDMAN
SETTINGS = {"lambdas": (0.003, 0.03, 0.1), "max_iter": 10, "keep_predictions": True}


def scores_again(found, y, score):
    """Of each strength and fold."""
    folds = [np.flatnonzero(found.test_folds_ == fold) for fold in range(found.n_splits_)]
    return np.asarray([[score(y[rows], values[rows]) for rows in folds] for values in found.cv_predictions_])


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"restarts": 3, "adaptive": False},
        {"restarts": 2, "relax": True},
        {"warm_start": False, "restarts": 2},
        {"select": "min"},
        {"scoring": "neg_mean_absolute_percentage_error"},
        {"scoring": make_scorer(r2_score), "restarts": 2},
        {"n_jobs": 2},
    ],
    ids=str,
)
def test_scores_can_be_made_from_them(settings):
    """Of the restarts that count, of relaxed networks where there are any, of the path that was taken."""
    found = quick(**SETTINGS, **settings).fit(X, Y)
    assert found.cv_predictions_.shape == (3, 200, 1)
    percentage = str(settings.get("scoring", "")).endswith("percentage_error")
    score = (lambda y, p: -np.mean(np.abs(y - p[:, 0]) / np.abs(y))) if percentage else r2_score
    again = scores_again(found, Y, score)
    expected = np.take_along_axis(found.cv_scores_, found.chosen_restarts_[:, :, None], axis=2)[:, :, 0]
    np.testing.assert_allclose(again, expected, rtol=1e-6)  # a scorer is given float32
    np.testing.assert_allclose(again @ found.fold_weights_, found.score_mean_, rtol=1e-6)


def test_they_are_the_predictions_of_a_network_that_did_not_see_the_row():
    folds = list(KFold(3, shuffle=True, random_state=1).split(X))
    found = quick(**{**SETTINGS, "cv": folds, "adaptive": False}).fit(X, Y)
    train, test = folds[1]
    alone = quick(**{**SETTINGS, "adaptive": False, "cv": [(np.arange(4), [5, 6])]}).fit(X[train], Y[train])
    for values, (_, estimator) in zip(found.cv_predictions_, alone.path_, strict=True):
        np.testing.assert_allclose(values[test, 0], estimator.predict(X[test]), rtol=1e-4)
    np.testing.assert_array_equal(found.test_folds_[test], 1)


def test_probabilities_of_classes():
    x, y = load_iris(return_X_y=True)
    found = MLPClassifierCV((4,), **SETTINGS, cv=3, random_state=0).fit(x, y)
    assert found.cv_predictions_.shape == (3, 150, 3)
    again = scores_again(found, y, lambda y, p: -log_loss(y, p))
    np.testing.assert_allclose(again @ found.fold_weights_, found.score_mean_, rtol=1e-4)
    two = MLPClassifierCV((4,), **SETTINGS, cv=3, random_state=0).fit(x[:100], y[:100])
    assert two.cv_predictions_.shape == (3, 100, 2)
    np.testing.assert_allclose(two.cv_predictions_.sum(axis=-1), 1.0)
    of_one, of_other = (two.cv_predictions_[0, y[:100] == k, 1].mean() for k in (1, 0))
    assert of_one > of_other + 0.3
    x, y = make_multilabel_classification(60, n_features=5, n_classes=3, random_state=0)
    assert MLPClassifierCV((4,), **SETTINGS, cv=3, random_state=0).fit(x, y).cv_predictions_.shape == (3, 60, 3)


def test_several_outputs_in_their_units():
    y = np.stack([Y, 1e4 * Y - 7], axis=1)
    found = quick(**SETTINGS).fit(X, y)
    assert found.cv_predictions_.shape == (3, 200, 2)
    again = scores_again(found, y, lambda y, p: r2_of(y, p, None))
    np.testing.assert_allclose(again @ found.fold_weights_, found.score_mean_, rtol=1e-6)


def test_rows_that_are_held_out_several_times_or_never():
    cv = ShuffleSplit(4, test_size=0.3, random_state=0)
    held_out = [test for _, test in cv.split(X)]
    often = np.bincount(np.concatenate(held_out), minlength=200)
    found = quick(**{**SETTINGS, "cv": cv}).fit(X, Y)
    assert found.test_folds_.shape == (200, often.max())
    for row, folds in enumerate(found.test_folds_):
        assert [fold for fold in folds if fold >= 0] == [fold for fold, rows in enumerate(held_out) if row in rows]
    np.testing.assert_array_equal(np.isnan(found.cv_predictions_[0, :, 0]), often == 0)
    each = [quick(**{**SETTINGS, "cv": [split]}).fit(X, Y).cv_predictions_ for split in cv.split(X)]
    mean = np.nanmean(np.asarray(each)[:, :, often > 0], axis=0)
    np.testing.assert_allclose(found.cv_predictions_[:, often > 0], mean, rtol=1e-9)
    assert mean_squared_error(Y[often > 0], found.cv_predictions_[0, often > 0, 0]) < Y.var()


def test_where_networks_are_trained_changes_nothing(tmp_path):
    """Blocks of one lane, an executor, a journal; and what the journal has is not trained again."""
    whole = quick(**SETTINGS, restarts=2).fit(X, Y).cv_predictions_
    with ThreadPoolExecutor(2) as executor:
        ways = ({"memory_limit": 100_000}, {"executor": executor}, {"sweep_dir": tmp_path}, {"sweep_dir": tmp_path})
        for way in ways:
            np.testing.assert_array_equal(quick(**SETTINGS, restarts=2, **way).fit(X, Y).cv_predictions_, whole)


def test_no_room():
    search = quick(**SETTINGS, memory_limit=9_000)
    with pytest.raises(ValueError, match=r"about 9,600 bytes \(3 strengths, 200 held-out rows, 1 columns\)"):
        search.fit(X, Y)
    search.set_params(keep_predictions=False).fit(X, Y)
    assert not hasattr(search, "cv_predictions_")
    assert search.test_folds_.shape == (200,)


def test_a_network_that_diverges_predicts_nothing():
    """A step of 0.1 against a slope of 200: the second strength alone."""
    search = MLPRegressorCV(
        (8,), penalty="weight_l2", lambdas=(1e-3, 100.0), warm_start=False, solver="sgd", learning_rate_init=0.1,
        cv=3, max_iter=30, keep_predictions=True, refit=False, random_state=0,
    )  # fmt: skip
    with pytest.warns(UserWarning, match="diverged"):
        found = search.fit(X, Y)
    assert np.isnan(found.cv_predictions_[1]).all()
    assert np.isfinite(found.cv_predictions_[0]).all()

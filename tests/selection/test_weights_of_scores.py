"""What held-out rows and folds weigh in a search's scores."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import make_classification, make_friedman1
from sklearn.metrics import balanced_accuracy_score, explained_variance_score, log_loss, make_scorer, mean_squared_error
from sklearn.model_selection import KFold, RepeatedKFold, StratifiedKFold

from regnet import MLPClassifierCV, MLPRegressorCV

X, Y = make_friedman1(60, n_features=5, noise=1.0, random_state=0)
WEIGHT = np.random.default_rng(0).uniform(0.1, 3.0, 60)
RARE = make_classification(300, n_features=6, weights=(0.9,), random_state=0)
LAMBDAS = (0.005, 0.05, 0.2)


def regression(**settings):
    """The lasso."""
    given = {"penalty": "weight_l1", "lambdas": LAMBDAS, "cv": KFold(3), "refit": False, "random_state": 0}
    return MLPRegressorCV((), **{**given, **settings})


def classification(**settings):
    """Logistic regression with an L1."""
    given = {"penalty": "weight_l1", "lambdas": LAMBDAS, "cv": StratifiedKFold(3), "random_state": 0}
    return MLPClassifierCV((), **{**given, **settings})


# -- class weights


@pytest.mark.parametrize("class_weight", ["balanced", {1: 7.0}])
def test_the_default_score_is_the_loss_that_is_minimised(class_weight):
    """Class weights of the fold's training rows; checked with the probabilities of each fold's own search."""
    X, y = RARE
    sample = np.random.default_rng(1).uniform(0.5, 2.0, 300)
    found = classification(class_weight=class_weight, refit=False).fit(X, y, sample_weight=sample)
    weights = []
    for number, (train, test) in enumerate(StratifiedKFold(3).split(X, y)):
        one = classification(class_weight=class_weight, lambdas=LAMBDAS[:1], select="min")
        one.fit(X[train], y[train], sample_weight=sample[train])
        count = np.bincount(y[train])
        by_class = len(train) / (2 * count) if class_weight == "balanced" else np.array([1.0, 7.0])
        weight = sample[test] * by_class[y[test]]
        expected = -log_loss(y[test], one.predict_proba(X[test]), sample_weight=weight)
        assert found.cv_scores_[0, number, 0] == pytest.approx(expected, rel=1e-6)
        weights.append(weight.sum())
    np.testing.assert_allclose(found.fold_weights_, np.array(weights) / np.sum(weights), rtol=1e-12)


def test_a_score_with_a_name_is_what_the_name_says():
    """The class weights change what is trained, not what neg_log_loss means."""
    X, y = RARE
    named = classification(class_weight="balanced", scoring="neg_log_loss", refit=False).fit(X, y)
    default = classification(class_weight="balanced", refit=False).fit(X, y)
    made = make_scorer(log_loss, greater_is_better=False, response_method="predict_proba")
    scorer = classification(class_weight="balanced", scoring=made, refit=False).fit(X, y)
    np.testing.assert_allclose(named.cv_scores_, scorer.cv_scores_, rtol=1e-6)
    assert np.abs(named.cv_scores_ - default.cv_scores_).max() > 0.05
    np.testing.assert_allclose(named.fold_weights_, 1 / 3, rtol=1e-15)


def test_rare_positives_do_not_ask_for_false_inputs():
    """2 % of positives, balanced: scored without the weights, the best strength keeps nearly all of 20 false inputs."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((1200, 25))
    y = (1.5 * X[:, :5].sum(axis=1) - 7.5 + rng.logistic(size=1200) > 0).astype(int)
    search = classification(class_weight="balanced", lambdas=np.geomspace(2e-3, 0.1, 12), select="min", tol=1e-4)
    named, default = (search.set_params(scoring=name).fit(X, y).selected_features_ for name in ("neg_log_loss", None))
    assert default[:5].all()
    assert named[5:].sum() >= 2 * default[5:].sum()


def test_labels_of_several_columns_have_their_product_of_weights():
    X, _ = RARE
    labels = np.c_[X[:, 0] > 1, X[:, 1] > 0].astype(int)
    found = classification(class_weight="balanced", cv=KFold(3), refit=False).fit(X, labels)
    weights = []
    for train, test in KFold(3).split(X):
        shares = [len(train) / (2 * np.bincount(labels[train, k])) for k in (0, 1)]
        weights.append((shares[0][labels[test, 0]] * shares[1][labels[test, 1]]).sum())
    np.testing.assert_allclose(found.fold_weights_, np.array(weights) / np.sum(weights), rtol=1e-12)


# -- folds


def test_a_fold_of_hardly_any_weight_does_not_decide():
    """The last block has other targets and next to no weight: the choice is that without it."""
    X, y = make_friedman1(120, n_features=5, noise=1.0, random_state=0)
    weight, broken = np.ones(120), y.copy()
    weight[90:], broken[90:] = 1e-9, -100 * y[90:]
    rows = np.arange(120)
    cv = [(rows[30:], rows[:30]), (np.r_[:30, 60:120], rows[30:60]), (np.r_[:60, 90:120], rows[60:90])]
    cut = [(train[train < 90], test) for train, test in cv]
    found = regression(cv=[*cv, (rows[:90], rows[90:])]).fit(X, broken, sample_weight=weight)
    without = regression(cv=cut).fit(X, y)
    assert found.cv_scores_[:, 3].min() < 0 < without.cv_scores_.max()
    np.testing.assert_allclose(found.score_mean_, without.score_mean_, rtol=1e-3)
    assert found.lambda_min_ == without.lambda_min_


def test_more_repeats_do_not_make_more_data():
    """Ten times the splits of the same rows: as if they were independent, the error would be a third of it."""
    errors = [
        regression(cv=RepeatedKFold(n_splits=5, n_repeats=repeats, random_state=0)).fit(X, Y).score_se_
        for repeats in (3, 30)
    ]
    np.testing.assert_allclose(errors[1], errors[0], rtol=0.4)


# -- scorers


def my_score(estimator, X, y, sample_weight=None):
    """A callable of the caller's own."""
    return -mean_squared_error(y, estimator.predict(X), sample_weight=sample_weight)


def any_score(estimator, X, y, **given):
    """One that takes everything by name."""
    return my_score(estimator, X, y, **given)


@pytest.mark.parametrize(
    ("scoring", "metric"),
    [
        ("explained_variance", explained_variance_score),
        (make_scorer(explained_variance_score), explained_variance_score),
        (my_score, lambda *given, **weights: -mean_squared_error(*given, **weights)),
        (any_score, lambda *given, **weights: -mean_squared_error(*given, **weights)),
    ],
)
def test_scorers_have_the_weights(scoring, metric):
    found = regression(scoring=scoring).fit(X, Y, sample_weight=WEIGHT)
    for number, (train, test) in enumerate(KFold(3).split(X)):
        one = regression(lambdas=LAMBDAS[:1], select="min", refit=True)
        predicted = one.fit(X[train], Y[train], sample_weight=WEIGHT[train]).predict(X[test])
        expected = metric(Y[test], predicted, sample_weight=WEIGHT[test])
        assert found.cv_scores_[0, number, 0] == pytest.approx(expected, rel=1e-6)


def test_scorers_of_classes_have_the_weights():
    X, y = RARE
    weight = np.random.default_rng(0).uniform(0.1, 3.0, 300)
    found = classification(scoring="balanced_accuracy").fit(X, y, sample_weight=weight)
    made = make_scorer(lambda *given, **weights: balanced_accuracy_score(*given, **weights))
    other = classification(scoring=made).fit(X, y, sample_weight=weight)
    np.testing.assert_array_equal(found.cv_scores_, other.cv_scores_)
    assert not np.array_equal(found.cv_scores_, classification(scoring=made).fit(X, y).cv_scores_)


@pytest.mark.parametrize("scoring", ["neg_max_error", make_scorer(lambda y, p: 0.0), lambda estimator, X, y: 0.0])
def test_a_score_that_takes_no_weights_is_refused_beside_them(scoring):
    with pytest.raises(ValueError, match=r"takes no sample_weight, .* but fit was given one .*: use a score"):
        regression(scoring=scoring).fit(X, Y, sample_weight=WEIGHT)
    assert np.isfinite(regression(scoring=scoring).fit(X, Y).cv_scores_).all()


def test_r2_needs_two_rows_that_count():
    """With one, every network had an R2 of 0, and the strongest penalty was chosen."""
    alone = np.where(np.arange(len(Y)) % (len(Y) // 3) == 0, 1.0, 0.0)
    with pytest.raises(ValueError, match=r"R2 is not defined for a fold with one held-out row \(of a weight above 0\)"):
        regression(cv=KFold(3)).fit(X, Y, sample_weight=alone)
    regression(cv=KFold(3), scoring="neg_mean_squared_error").fit(X, Y, sample_weight=alone)


@pytest.mark.parametrize("weight", [-1.0, np.nan, np.inf])
def test_class_weights_that_no_objective_has_are_refused(weight):
    """A search minimised something without a minimum, and reported a mean log-loss of minus 1e19."""
    X, y = RARE
    with pytest.raises(ValueError, match=r"times class_weight, if there is one\) must be finite, not negative"):
        classification(class_weight={0: weight, 1: 5.0}).fit(X, y)

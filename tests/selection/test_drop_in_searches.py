"""Searches among scikit-learn's tools: metadata routing, clones, splitters of every kind, scores of several labels."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import sklearn
from sklearn.base import clone
from sklearn.datasets import make_multilabel_classification
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.metrics import log_loss, make_scorer, mean_squared_error
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold, cross_validate

from regnet import MLPClassifierCV, MLPRegressorCV

RNG = np.random.default_rng(0)
X = RNG.standard_normal((60, 3))
Y = X[:, 0] + RNG.standard_normal(60)
WEIGHT = RNG.uniform(0.01, 3.0, 60)
SETTINGS = {"hidden_layer_sizes": (), "lambdas": (0.01, 0.1), "cv": 3, "random_state": 0}


def test_clones_keep_their_metadata_requests():
    with sklearn.config_context(enable_metadata_routing=True), ThreadPoolExecutor(1) as executor:
        search = MLPRegressorCV(**SETTINGS, executor=executor).set_fit_request(sample_weight=True)
        search.set_score_request(sample_weight=False)
        twin = clone(clone(search))
        assert twin.executor is executor
        own = twin.get_metadata_routing()._self_request
        assert own.fit.requests == {"sample_weight": True, "offset": None, "exposure": None}
        assert own.score.requests == {"sample_weight": False, "offset": None, "exposure": None}
        twin.set_fit_request(sample_weight=False)
        assert search.get_metadata_routing()._self_request.fit.requests["sample_weight"] is True


def test_weights_are_routed_to_searches():
    folds = KFold(2)
    with sklearn.config_context(enable_metadata_routing=True):
        search = MLPRegressorCV(**SETTINGS).set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        found = cross_validate(search, X, Y, params={"sample_weight": WEIGHT}, cv=folds)["test_score"]
        grid = GridSearchCV(search, {"penalty": ["weight_l1", "weight_l2"]}, cv=folds).fit(X, Y, sample_weight=WEIGHT)
    by_hand = [
        MLPRegressorCV(**SETTINGS).fit(X[train], Y[train], WEIGHT[train]).score(X[test], Y[test], WEIGHT[test])
        for train, test in folds.split(X)
    ]
    np.testing.assert_allclose(found, by_hand, rtol=1e-12)
    expected = MLPRegressorCV(**SETTINGS, **{"penalty": grid.best_params_["penalty"]}).fit(X, Y, WEIGHT)
    np.testing.assert_array_equal(grid.predict(X), expected.predict(X))


def test_groups_are_routed_to_the_splitter_of_a_search():
    """Through another cross-validation, as to LassoCV; also under another name."""
    groups = np.repeat(np.arange(12), 5)
    with sklearn.config_context(enable_metadata_routing=True):
        search = MLPRegressorCV(**{**SETTINGS, "cv": GroupKFold(3)})
        found = cross_validate(search, X, Y, params={"groups": groups}, cv=GroupKFold(2))["test_score"]
        other = MLPRegressorCV(**{**SETTINGS, "cv": GroupKFold(3).set_split_request(groups="patients")})
        renamed = other.fit(X, Y, patients=groups).cv_scores_
        with pytest.raises(TypeError, match="groups"):
            MLPRegressorCV(**SETTINGS).fit(X, Y, groups=groups)  # a number of folds takes none
    by_hand = [
        search.fit(X[train], Y[train], groups=groups[train]).score(X[test], Y[test])
        for train, test in GroupKFold(2).split(X, Y, groups)
    ]
    np.testing.assert_allclose(found, by_hand, rtol=1e-12)
    np.testing.assert_array_equal(search.fit(X, Y, groups=groups).cv_scores_, renamed)


@pytest.mark.parametrize("requested", [True, False, "score_weight"])
def test_weights_are_routed_to_the_scorer_of_a_search(requested):
    """As to LogisticRegressionCV: it is asked, and not the search."""
    scorer = make_scorer(mean_squared_error, greater_is_better=False)
    other = WEIGHT[::-1].copy()
    with sklearn.config_context(enable_metadata_routing=True):
        search = MLPRegressorCV(**SETTINGS, scoring=scorer.set_score_request(sample_weight=requested))
        given = {"score_weight": other} if requested == "score_weight" else {}
        found = search.fit(X, Y, sample_weight=WEIGHT, **given)
    weight = {True: WEIGHT, False: np.ones(60), "score_weight": other}[requested]
    folds = KFold(3, shuffle=True, random_state=0).split(X)
    for number, (train, test) in enumerate(folds):
        alone = MLPRegressorCV(**{**SETTINGS, "cv": [([0], [1, 2])]}).fit(X[train], Y[train], WEIGHT[train])
        for k, (_, estimator) in enumerate(alone.path_):
            expected = -mean_squared_error(Y[test], estimator.predict(X[test]), sample_weight=weight[test])
            assert found.cv_scores_[k, number, 0] == pytest.approx(expected, rel=1e-5)


def test_what_nobody_has_asked_for():
    scorer = make_scorer(mean_squared_error, greater_is_better=False)
    with pytest.raises(ValueError, match=r"\[colour\] .*enable_metadata_routing=True|colour"):
        MLPRegressorCV(**SETTINGS).fit(X, Y, colour=WEIGHT)
    with sklearn.config_context(enable_metadata_routing=True):
        with pytest.raises(TypeError, match="colour"):
            MLPRegressorCV(**SETTINGS).fit(X, Y, colour=WEIGHT)
        with pytest.raises(UnsetMetadataPassedError, match="sample_weight"):
            MLPRegressorCV(**SETTINGS, scoring=scorer).fit(X, Y, sample_weight=WEIGHT)


def test_asking_for_the_routing_leaves_a_generator_of_splits_alone():
    search = MLPRegressorCV(**{**SETTINGS, "cv": KFold(3).split(X)})
    assert search.get_metadata_routing() is not None
    assert search.fit(X, Y).n_splits_ == 3


def masks(splits):
    return [tuple(np.isin(np.arange(60), rows) for rows in split) for split in splits]


def test_folds_may_be_boolean_masks():
    splits = list(KFold(3, shuffle=True, random_state=0).split(X))
    splits = [tuple(np.sort(rows) for rows in split) for split in splits]
    expected = MLPRegressorCV(**{**SETTINGS, "cv": splits}).fit(X, Y)
    for given in (masks(splits), [tuple(rows.tolist() for rows in split) for split in splits]):
        found = MLPRegressorCV(**{**SETTINGS, "cv": given}).fit(X, Y)
        np.testing.assert_array_equal(found.cv_scores_, expected.cv_scores_)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([-1, 3], "held-out rows of fold 1 are numbered -1 to 3"),
        ([3, 60], "held-out rows of fold 1 are numbered 3 to 60, but there are 60"),
        (np.ones(59, dtype=bool), r"held-out rows of fold 1 have shape \(59,\) and type bool"),
        ([0.5], "type float64"),
    ],
)
def test_rows_that_are_not_there(rows, message):
    with pytest.raises(ValueError, match=message):
        MLPRegressorCV(**{**SETTINGS, "cv": [(np.arange(30), np.arange(30, 60)), (np.arange(10), rows)]}).fit(X, Y)


def test_the_log_loss_of_several_labels_is_their_mean():
    x, y = make_multilabel_classification(90, n_features=5, n_classes=3, random_state=0)
    folds = list(KFold(3).split(x))
    settings = {**SETTINGS, "cv": folds, "lambdas": (0.05,)}
    found = MLPClassifierCV(**settings, scoring="neg_log_loss").fit(x, y)
    np.testing.assert_array_equal(MLPClassifierCV(**settings).fit(x, y).cv_scores_, found.cv_scores_)
    for number, (train, test) in enumerate(folds):
        one = MLPClassifierCV(**{**settings, "cv": [(np.arange(len(train)), [0])]}).fit(x[train], y[train])
        probability = one.predict_proba(x[test])
        expected = -np.mean([log_loss(y[test][:, k], probability[:, k], labels=[0, 1]) for k in range(3)])
        assert found.cv_scores_[0, number, 0] == pytest.approx(expected, rel=1e-5)

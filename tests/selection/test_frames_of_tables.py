"""Searches over frames with text and holes: the columns of the whole table in every fold; one column is one group."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from conftest import need
from sklearn.base import clone
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV, KFold, cross_val_predict, cross_val_score

from regnet import MLPClassifierCV, MLPRegressorCV, TableEncoder

ROWS = 200
RNG = np.random.default_rng(0)
SITES = RNG.choice(["north", "south", "west", "rare"], ROWS, p=[0.4, 0.3, 0.28, 0.02]).astype(object)
COLUMNS = {
    "a": RNG.standard_normal(ROWS),
    "b": RNG.standard_normal(ROWS),
    "site": SITES,
    "team": RNG.choice(["x", "y", "z"], ROWS).astype(object),
    "c": RNG.standard_normal(ROWS),
}
Y = 2.0 * COLUMNS["a"] + 3.0 * (SITES == "west") - 2.0 * (SITES == "south") + 0.3 * RNG.standard_normal(ROWS)
SETTINGS = {"hidden_layer_sizes": (), "n_lambdas": 12, "cv": 4, "random_state": 0}


def frame(library="pandas", **changes):
    return need(library).DataFrame({**COLUMNS, **changes})


def with_holes(**changes):
    holes = COLUMNS["a"].copy()
    holes[::9] = np.nan
    return frame(a=holes, **changes)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_a_frame_is_searched_as_it_is(library):
    table = frame(library)
    found = MLPRegressorCV(preprocessor="table", **SETTINGS).fit(table, Y)
    assert found.groups_ == ("a", "b", "site", "team", "c")
    used = dict(zip(found.groups_, found.selected_groups_.tolist(), strict=True))
    assert used == {"a": True, "b": False, "site": True, "team": False, "c": False}
    assert found.get_feature_names_out().tolist() == ["a", "site"]
    assert found.feature_importances_[1] < found.feature_importances_[2] > 0
    assert found.score(table, Y) > 0.95
    again = pickle.loads(pickle.dumps(found))
    np.testing.assert_array_equal(again.predict(table), found.predict(table))
    assert clone(found).get_params()["preprocessor"] == "table"


def test_folds_have_the_columns_of_the_whole_table_and_their_own_fill():
    """Rows of one fold alone have the rare value; medians are of the rows that a fold trains on."""
    table = with_holes()
    search = MLPRegressorCV(preprocessor=TableEncoder(missing="impute"), keep_predictions=True, **SETTINGS)
    found = search.fit(table, Y)
    encoder = TableEncoder(missing="impute").fit(table)
    assert found.input_names_.tolist() == encoder.get_feature_names_out().tolist()
    held_out = found.test_folds_ == 0
    fold = clone(encoder).set_params(columns=encoder.columns_).fit(table[~held_out])
    medians = {one.fill for one in fold.columns_ if one.name == "a"}
    assert medians == {float(np.nanmedian(table["a"][~held_out]))}
    predicted = found.cv_predictions_[found.best_index_, held_out, 0]
    score = r2_score(Y[held_out], predicted)
    assert found.cv_scores_[found.best_index_, 0, 0] == pytest.approx(score, rel=1e-9)


def test_the_numbers_are_those_of_the_matrix_by_hand():
    """Where nothing is missing every fold's matrix is a part of the whole one."""
    table, encoder = frame(), TableEncoder()
    matrix = encoder.fit_transform(table)
    names = encoder.get_feature_names_out()
    labels = [encoder.input_groups_[name] for name in names]
    ours = MLPRegressorCV(preprocessor="table", **SETTINGS).fit(table, Y)
    theirs = MLPRegressorCV(input_groups=labels, **SETTINGS).fit(matrix, Y)
    np.testing.assert_array_equal(ours.cv_scores_, theirs.cv_scores_)
    np.testing.assert_array_equal(ours.predict(table), theirs.predict(matrix))


def test_groups_and_factors_are_named_by_the_tables_columns():
    table = frame()
    given = {"input_groups": {"a": "pair", "b": "pair"}, "penalty_factor": {"team": 0.0, "site": np.inf}}
    found = MLPRegressorCV(preprocessor="table", **given, **SETTINGS).fit(table, Y)
    used = dict(zip(found.groups_, found.selected_groups_.tolist(), strict=True))
    assert used == {"pair": True, "site": False, "team": True, "c": False}
    for name in ("input_groups", "penalty_factor"):
        with pytest.raises(ValueError, match=rf"{name} names 'z'"):
            MLPRegressorCV(preprocessor="table", **{name: {"z": 1.0}}, **SETTINGS).fit(table, Y)


def test_tables_and_pictures_are_of_the_frames_columns():
    table = frame()
    found = MLPRegressorCV(preprocessor="table", **SETTINGS).fit(table, Y)
    told = found.to_frame()
    assert list(told.columns)[3:] == ["n_selected", "n_selected_groups", "zeros", *(f"norm_{name}" for name in COLUMNS)]
    np.testing.assert_allclose(told["norm_site"], np.linalg.norm(found.input_norms_[:, 2:6], axis=1), rtol=1e-6)
    assert found.path_.n_selected_groups.tolist() == told["n_selected_groups"].tolist()
    two = found.at(n_groups=2)
    assert two[-1].n_selected_groups_ == 2
    np.testing.assert_array_equal(two.predict(table), found.path_.at(n_groups=2).predict(table))
    assert found.score_at(n_groups=5) == found.score_at(strength=found.lambdas_[0])
    for number in (0, found.best_index_):
        expected = found.at(strength=found.lambdas_[number]).predict(table)
        np.testing.assert_array_equal(found.path_.estimators[number].predict(table), expected)
    need("matplotlib")
    assert found.plot_path().axes[1].get_xlabel() == "inputs used"
    for picture in (found.plot_norms(), found.path_.plot()):
        assert picture.axes[0].get_ylabel() == "norm of an input's weights"
    assert {line.get_label() for line in found.plot_norms().axes[0].lines} >= set(COLUMNS)
    assert "site=west" in {line.get_label() for line in found.plot_norms(found.input_names_).axes[0].lines}


def test_classes_and_other_penalties():
    table = frame()
    kinds = np.where(Y > 1, "high", "low")
    found = MLPClassifierCV(preprocessor="table", penalty="weight_l2", **SETTINGS).fit(table, kinds)
    assert not hasattr(found, "groups_")
    assert found.score(table, kinds) > 0.9
    assert found.at(strength=found.lambdas_[2]).predict(table).shape == (ROWS,)
    assert found.to_sklearn().predict(table).tolist() == found.predict(table).tolist()


def test_what_is_missing_and_what_is_no_frame():
    with pytest.raises(
        ValueError, match=r"'a' has 23 of 200 cells without a value: take TableEncoder\(missing='impute'"
    ):
        MLPRegressorCV(preprocessor="table", **SETTINGS).fit(with_holes(), Y)
    with pytest.raises(TypeError, match="X is of type ndarray: give a frame of pandas or polars"):
        MLPRegressorCV(preprocessor="table", **SETTINGS).fit(np.ones((ROWS, 2)), Y)
    with pytest.raises(ValueError, match="'preprocessor' parameter"):
        MLPRegressorCV(preprocessor="tables", **SETTINGS).fit(frame(), Y)


def test_what_one_fold_alone_has_is_a_column_in_all():
    """A value, and a hole, among the rows that the first fold holds out."""
    site, size = SITES.copy(), COLUMNS["a"].copy()
    site[site == "rare"] = "north"
    site[:6], size[:6] = "alone", np.nan
    encoder = TableEncoder(missing="impute")
    found = MLPRegressorCV(preprocessor=encoder, **{**SETTINGS, "cv": KFold(4)}).fit(frame(site=site, a=size), Y)
    assert {"site=alone", "a is missing"} <= set(found.input_names_)
    assert np.isfinite(found.cv_scores_).all()


DAYS = np.datetime64("2024-01-01") + RNG.integers(0, 500, ROWS).astype("m8[D]")


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_scikit_learns_own_searches_cut_frames_into_folds(library):
    """Dates beside text too, of which no library makes one array of numbers."""
    table, y, halves = frame(library, day=DAYS), need(library).Series(Y), KFold(2)
    search = MLPRegressorCV(preprocessor="table", **{**SETTINGS, "n_lambdas": 4, "cv": 2})
    by_hand = []
    for train, test in halves.split(Y):
        own, held_out = (table[rows] if library == "polars" else table.iloc[rows] for rows in (train, test))
        by_hand.append(search.fit(own, Y[train]).score(held_out, Y[test]))
    scores = cross_val_score(clone(search), table, y, cv=halves, error_score="raise")
    np.testing.assert_allclose(scores, by_hand, rtol=1e-12)
    predicted = cross_val_predict(search, table, y, cv=halves)
    np.testing.assert_allclose(r2_score(Y[test], predicted[test]), by_hand[-1], rtol=1e-12)
    asked = {"preprocessor": ["table", TableEncoder(unseen="error")]}
    found = GridSearchCV(search, asked, cv=halves, error_score="raise").fit(table, y)
    np.testing.assert_allclose(found.cv_results_["mean_test_score"], np.mean(by_hand), rtol=1e-12)
    assert found.predict(table).shape == (ROWS,)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_a_frame_that_is_not_encoded_says_what_encodes_it(library):
    for table, words in (
        (frame(library), "X: the column 'site' holds text, 'team' holds text: take preprocessor='table'"),
        (frame(library, b=[None, *COLUMNS["b"][1:]]), "X: the column 'b' has 1 of 200 cells without a value: take pre"),
        (frame(library, a=DAYS), "X: the column 'a' holds dates, 'site' holds text, 'team' holds text: take pre"),
    ):
        with pytest.raises(ValueError, match=words):
            MLPRegressorCV(**SETTINGS).fit(table, Y)
    numbers = frame(library)[["a", "b"]]
    with pytest.raises(ValueError, match="Input y contains NaN"):
        MLPRegressorCV(**SETTINGS).fit(numbers, np.full(ROWS, np.nan))

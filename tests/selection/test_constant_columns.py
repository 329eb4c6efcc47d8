"""Columns that hold one value, in a table or in a fold's training rows, are absent from what is learned there."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn.datasets import make_friedman1
from sklearn.preprocessing import StandardScaler

from regnet import MLPClassifier, MLPClassifierCV, MLPRegressor, MLPRegressorCV, path, stability_selection
from regnet.mathematics.scaling import scale_of
from regnet.tables.split import prepare_table
from regnet.tables.table import Table

X, Y = make_friedman1(120, n_features=6, noise=1.0, random_state=0)
SEARCH = {"n_lambdas": 5, "cv": 3, "max_iter": 30, "random_state": 0}


@pytest.mark.parametrize("seed", range(20))
def test_scales_are_scikit_learns(seed):
    """Random tables with a constant column: its scale is 1 and its centred values are 0, exactly."""
    rng = np.random.default_rng(seed)
    rows, columns = rng.integers(200, 2001), rng.integers(5, 60)
    table = rng.standard_normal((rows, columns)) * 10.0 ** rng.integers(-8, 8, columns) + rng.standard_normal(columns)
    table[:, 1] = value = rng.choice([1.0, 0.1, 7.3, 1e6 / 3, -1e-9])
    table[:, 2] = 1e9 + 1e-7 * rng.integers(0, 2, rows)  # varies by its last digit
    for weight in (np.ones(rows), rng.uniform(0.1, 3.0, rows)):
        found = scale_of(table, weight)
        with np.errstate(invalid="ignore"):  # its weighted variance may come out negative
            theirs = StandardScaler().fit(table, sample_weight=weight)
        np.testing.assert_allclose(found.scale, theirs.scale_, rtol=1e-9)
        np.testing.assert_allclose(found.center, theirs.mean_, rtol=1e-9, atol=1e-12)
        assert found.scale[1] == found.scale[2] == 1.0
        assert found.center[1] == value
        assert np.flatnonzero(found.constant).tolist() == [1, 2]


def test_scales_of_any_size_and_without_rows_of_weight_0(rng):
    table, weight = rng.standard_normal((50, 3)), np.r_[np.zeros(10), np.ones(40)]
    plain = scale_of(table[10:], weight[10:])
    for unit in (1e-300, 1e-14, 1.0, 1e150, 1e307):
        found = scale_of(table * unit, weight)
        np.testing.assert_allclose(found.scale / unit, plain.scale, rtol=1e-12)
        np.testing.assert_allclose(found.center / unit, plain.center, rtol=1e-12)
    table[10:, 0] = 0.1
    assert scale_of(table, weight).constant.tolist() == [True, False, False]
    assert not scale_of(1e6 + 1e-3 * table, weight).constant[1:].any()


@pytest.mark.parametrize("classes", [False, True])
def test_a_column_of_ones_changes_nothing(classes):
    """The linear search with it is the search without it."""
    kind, y = (MLPClassifierCV, (np.median(Y) < Y).astype(int)) if classes else (MLPRegressorCV, Y)
    settings = {**SEARCH, "max_iter": 5000}
    without = kind((), **settings).fit(X, y)
    with pytest.warns(UserWarning, match=r"^Left out of the selection, because they hold one value in all rows: x6\.$"):
        found = kind((), **settings).fit(np.c_[X, np.ones(len(X))], y)
    np.testing.assert_allclose(found.lambdas_, without.lambdas_, rtol=1e-9)
    np.testing.assert_allclose(found.cv_scores_, without.cv_scores_, rtol=1e-6)
    np.testing.assert_allclose(found.best_estimator_.coefs_[0][:6], without.best_estimator_.coefs_[0], atol=1e-6)
    assert not found.best_estimator_.coefs_[0][6].any()
    assert not found.selected_features_[6]


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"penalty": "weight_l2", "lambdas": (1e-3, 1e-2)},
        {"penalty": "neuron_l1", "warm_start": False, "batch_size": 20, "max_iter": 3},
        {"adaptive": False, "relax": True},
    ],
    ids=str,
)
def test_the_value_of_a_constant_column_does_not_matter(settings):
    """Networks, whose first weights are drawn for every input: bit for bit the same, and no weight on that column."""
    fitted = []
    for value in (1.0, 0.1, 1e6 / 3):
        with pytest.warns(UserWarning, match="hold one value"):
            fitted.append(MLPRegressorCV((5,), **{**SEARCH, **settings}).fit(np.c_[X, np.full(len(X), value)], Y))
    for one in fitted:
        np.testing.assert_array_equal(one.cv_scores_, fitted[0].cv_scores_)
        np.testing.assert_array_equal(one.predict(np.c_[X, X[:, 0]]), fitted[0].predict(np.c_[X, -X[:, 0]]))
        assert not one.best_estimator_.coefs_[0][6].any()
        assert one.score_mean_.max() > -2.0


@pytest.mark.parametrize("hidden", [(), (5,)])
@pytest.mark.parametrize("standardize", [True, False])
def test_what_only_held_out_rows_have_is_absent_from_a_fold(hidden, standardize):
    """A rare dummy: held-out rows that have it are predicted as if they had not."""
    parts = np.array_split(np.arange(len(X)), 3)
    cv = [(np.concatenate(parts[:k] + parts[k + 1 :]), parts[k]) for k in range(3)]
    scores = []
    for value in (1.0, 0.0, 1e6):
        dummy = np.zeros(len(X))
        dummy[:5] = value  # all in the first fold's held-out rows
        table = np.c_[X, dummy] if standardize else np.c_[X - X.mean(0), dummy]
        search = MLPRegressorCV(
            hidden, **{**SEARCH, "cv": cv, "lambdas": (0.01, 0.1), "penalty": "weight_l2"}, standardize=standardize,
            refit=False,
        )  # fmt: skip
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            scores.append(search.fit(table, Y).cv_scores_)
    np.testing.assert_array_equal(scores[0][:, 0], scores[1][:, 0])
    np.testing.assert_array_equal(scores[2][:, 0], scores[1][:, 0])
    assert not np.array_equal(scores[0][:, 1], scores[1][:, 1])


def test_paths_and_stability_name_them_too():
    table = np.c_[np.full(len(X), 0.3), X]
    mlp = MLPRegressor(hidden_layer_sizes=(4,), max_iter=10, random_state=0)
    with pytest.warns(UserWarning, match="one value in all rows: x0"):
        found = path(mlp, table, Y, n_lambdas=3)
    assert not found.selected[:, 0].any()
    with pytest.warns(UserWarning, match="one value in all rows: x0"):
        stable = stability_selection(mlp, table, Y, n_lambdas=3, subsamples=4)
    assert not stable.frequencies[:, 0].any()
    labels = (np.median(Y) < Y).astype(int)
    with pytest.warns(UserWarning, match=r"x1, x2, .*, x10 and 2 more\."):
        path(
            MLPClassifier((4,), max_iter=2, random_state=0), np.c_[X[:, 0], np.ones((len(X), 12))], labels, n_lambdas=2
        )


def test_a_constant_target_is_met_exactly():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = MLPRegressorCV((), **SEARCH, scoring="neg_mean_squared_error").fit(X, np.full(len(X), 0.1))
    np.testing.assert_allclose(found.predict(X), 0.1, rtol=1e-8)


def test_the_command_lines_tables(rng):
    x = np.c_[X, np.full(len(X), 0.1), np.r_[np.zeros(len(X) - 1), 1.0]]
    names = tuple("abcdefgh")
    table = Table.of_matrix(x, Y, names, "y", "regression", shuffled=True)
    assert table.feature_names == tuple("abcdefh")
    assert table.notes == ("column 'g' is left out: it is the same in every row.",)
    settings = {"test_size": 0.1, "seed": 0, "scale_inputs": True, "scale_target": True}
    split = prepare_table(table, **settings)
    assert split.constant == ["h"]
    assert split.left_out == "left out, because they hold one value in all rows to train: h\n"
    assert not split.x_train[:, 6:].any()
    assert not split.x_test[:, 6:].any()
    np.testing.assert_allclose(split.x_train.std(axis=0)[:6], 1.0, rtol=1e-6)
    flat = prepare_table(Table.of_matrix(x, np.full(len(X), 0.1), names, "y", "regression"), **settings)
    assert not flat.y_train.any()
    assert flat.affine.y_scale.tolist() == [[1.0]]

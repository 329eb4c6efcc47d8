"""How `cv` becomes folds: drawn by the seed unless a splitter says otherwise, and what is said of sorted rows."""

from __future__ import annotations

import csv
import warnings

import numpy as np
import pytest
from scipy.stats import f_oneway, rankdata
from sklearn.datasets import load_iris, make_friedman1
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GroupKFold, KFold, StratifiedKFold, TimeSeriesSplit, cross_val_score

from regnet import MLPClassifierCV, MLPRegressorCV, config_context
from regnet.commands.inputs import Inputs
from regnet.commands.select_run import choose_strength
from regnet.selection.splitting import blocks_differ, make_splits
from regnet.tables.files import read_table

FRIEDMAN = make_friedman1(200, n_features=8, noise=1.0, random_state=3)


def linear(kind=MLPRegressorCV, **settings):
    """A search over linear models, in little time."""
    return kind((), **{"penalty": "weight_l1", "lambdas": (1e-2, 1e-1), "tol": 1e-4, "random_state": 0, **settings})


@pytest.mark.parametrize("cv", [None, 3])
def test_a_number_of_folds_is_drawn_by_random_state(cv):
    X, y = FRIEDMAN
    splitter = KFold(cv or 5, shuffle=True, random_state=7)
    drawn, given = (linear(cv=how, random_state=7).fit(X, y) for how in (cv, splitter))
    np.testing.assert_array_equal(drawn.cv_scores_, given.cv_scores_)
    X, y = load_iris(return_X_y=True)
    splitter = StratifiedKFold(cv or 5, shuffle=True, random_state=7)
    drawn, given = (linear(MLPClassifierCV, cv=how, random_state=7).fit(X, y) for how in (cv, splitter))
    np.testing.assert_array_equal(drawn.cv_scores_, given.cv_scores_)


def test_rows_sorted_by_the_target_are_scored_as_others_are():
    """Blocks of a sorted target are predicted worse than by their own mean; drawn folds are as in any order."""
    X, y = FRIEDMAN
    order = np.argsort(y)
    in_order = cross_val_score(LinearRegression(), X[order], y[order], cv=5).mean()
    drawn = cross_val_score(LinearRegression(), X, y, cv=KFold(5, shuffle=True, random_state=0)).mean()
    assert in_order < 0 < drawn
    assert linear(lambdas=(1e-6,), tol=1e-6).fit(X[order], y[order]).best_score_ == pytest.approx(drawn, abs=0.05)


def test_what_draws_folds_anew():
    X, y = FRIEDMAN
    integer, again = (linear(random_state=4).fit(X, y).cv_scores_ for _ in range(2))
    np.testing.assert_array_equal(integer, again)
    for random_state in (None, np.random.RandomState(0)):
        one, other = (linear(random_state=random_state).fit(X, y).cv_scores_ for _ in range(2))
        assert not np.array_equal(one, other)
    same, here = (linear(random_state=np.random.RandomState(5)).fit(X, y).cv_scores_ for _ in range(2))
    np.testing.assert_array_equal(same, here)


def test_more_restarts_keep_the_folds():
    X, y = FRIEDMAN
    one, three = (linear(restarts=restarts).fit(X, y).cv_scores_ for restarts in (1, 3))
    np.testing.assert_array_equal(one, three[:, :, :1])


def sorted_targets():
    """By name: a target in order, and whether it is of classes."""
    rng = np.random.default_rng(0)
    values, classes = np.sort(rng.standard_t(2, 60)), np.repeat(np.arange(10), 20)
    both = np.stack([rng.standard_normal(60), values], axis=1)
    return {
        "values": (values, False),
        "falling with noise": (-values + 0.2 * rng.standard_normal(60), False),
        "two outputs": (both, False),
        "two classes": (np.array(["a", "b"])[classes // 5], True),
        "ten classes": (classes, True),
        "labels": (np.stack([classes > 6, classes % 2 == 0], axis=1).astype(int), True),
    }


@pytest.mark.parametrize("name", sorted_targets())
def test_a_splitter_that_takes_sorted_rows_in_their_order_is_named(name):
    y, classifier = sorted_targets()[name]
    with pytest.warns(UserWarning, match=r"KFold\(n_splits=4.*shuffle=True, random_state=0.*TimeSeriesSplit"):
        splits = make_splits(KFold(4), y, None, classifier=classifier, seed=0)
    np.testing.assert_array_equal(splits[1][1], np.arange(len(y) // 4, len(y) // 2))  # taken as it is all the same
    mixed = np.random.default_rng(1).permutation(len(y))
    groups = np.arange(len(y)) * 4 // len(y)
    fit = linear(MLPClassifierCV if classifier else MLPRegressorCV, cv=4, max_iter=1, refit=False, tol=1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        make_splits(KFold(4), y[mixed], None, classifier=classifier, seed=0)
        make_splits(KFold(4, shuffle=True, random_state=0), y, None, classifier=classifier, seed=0)
        make_splits(GroupKFold(4), y, {"groups": groups}, classifier=classifier, seed=0)
        make_splits(TimeSeriesSplit(4), y, None, classifier=classifier, seed=0)
        make_splits(splits, y, None, classifier=classifier, seed=0)
        if y.ndim == 1 and classifier:
            make_splits(StratifiedKFold(4), y, None, classifier=True, seed=0)
        fit.fit(np.zeros((len(y), 1)) + np.arange(len(y))[:, None], y)


def test_the_warning_reaches_the_user():
    X, y = FRIEDMAN
    order = np.argsort(y)
    with pytest.warns(UserWarning, match="goes with y: the folds' mean of y differ"):
        linear(cv=KFold(5)).fit(X[order], y[order])


def test_shuffled_rows_give_no_false_alarm():
    rng = np.random.default_rng(0)
    for number in range(1000):
        rows, folds = int(rng.integers(10, 400)), int(rng.integers(2, 11))
        y = [
            rng.standard_cauchy(rows), rng.poisson(0.3, rows), rng.integers(0, 3, rows),
            (rng.random(rows) < 0.05).astype(int), rng.standard_normal((rows, 3)), np.arange(rows) < 3,
        ][number % 6]  # fmt: skip
        blocks = [test for _, test in KFold(folds).split(y)]
        assert not blocks_differ(y, blocks, classifier=number % 6 in (2, 3, 5)), (number, rows, folds)


def test_the_alarm_is_an_analysis_of_variance_of_ranks():
    """Against SciPy's one, over drifts of all sizes."""
    rng = np.random.default_rng(0)
    found = []
    for drift in np.linspace(0, 1, 101):
        y = drift * np.linspace(-1, 1, 90) + rng.standard_normal(90)
        blocks = [test for _, test in KFold(5).split(y)]
        ranks = rankdata(y)
        expected = f_oneway(*(ranks[block] for block in blocks)).pvalue < 1e-6
        assert blocks_differ(y, blocks, classifier=False) == expected
        found.append(expected)
    assert 5 < sum(found) < 95


def test_a_small_drift_of_many_rows_is_no_reason_to_warn():
    rng = np.random.default_rng(0)
    y = 0.1 * np.linspace(-1, 1, 20_000) + rng.standard_normal(20_000)
    assert f_oneway(*np.split(y, 5)).pvalue < 1e-6
    assert not blocks_differ(y, np.split(np.arange(20_000), 5), classifier=False)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", ["values", "classes"])
def test_the_command_line_draws_the_same_folds(kind, dtype, tmp_path, capsys):
    """And gives the same numbers; in float32 to rounding, since a file is standardised before it is narrowed."""
    X, y = FRIEDMAN
    y = y if kind == "values" else np.where(y > 14, "high", "low")
    with (tmp_path / "table.csv").open("w", newline="") as file:
        csv.writer(file).writerows(
            [[*map(str, range(8)), "y"], *([*row, target] for row, target in zip(X, y, strict=True))]
        )
    table = read_table(str(tmp_path / "table.csv"), "y")
    settings = {"hidden_layer_sizes": (4,), "n_lambdas": 3, "max_iter": 20}
    with config_context(dtype=dtype):
        line = choose_strength("table", Inputs(table), folds=4, test_size=0.0, seed=3, **settings).fitted
    capsys.readouterr()
    search = (MLPRegressorCV if kind == "values" else MLPClassifierCV)(cv=4, random_state=3, **settings)
    search.fit(X.astype(dtype), y)
    tolerance = 0.0 if dtype == "float64" else 1e-3
    np.testing.assert_allclose(line.lambdas_, search.lambdas_, rtol=tolerance)
    np.testing.assert_allclose(line.cv_scores_, search.cv_scores_, rtol=tolerance, atol=tolerance)


def test_folds_that_cannot_be_scored_are_refused():
    """The first was an error of NumPy's, the second was told of as a divergence."""
    rows = np.arange(60)
    with pytest.raises(ValueError, match=r"cv=\[\] makes no folds"):
        make_splits([], np.zeros(60), None, classifier=False, seed=0)
    splits = [(rows[:40], rows[40:]), (rows, rows[:0])]
    with pytest.raises(ValueError, match=r"fold 1 has no held-out rows, .*: leave it out"):
        make_splits(splits, np.zeros(60), None, classifier=False, seed=0)


def test_weights_that_are_all_0_in_a_fold_are_told_by_their_argument():
    x, weight = np.random.default_rng(0).standard_normal((12, 2)), np.repeat([1.0, 0.0], 6)
    with pytest.raises(ValueError, match="Fold 0: all training rows have weight 0, by sample_weight"):
        MLPRegressorCV((), cv=KFold(2)).fit(x, x[:, 0], sample_weight=weight)

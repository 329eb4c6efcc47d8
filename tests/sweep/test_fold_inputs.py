"""Rows of a large table are made when a fold needs them: the same bits, and one fold's copy of them at a time."""

from __future__ import annotations

import gc
import pickle
import tracemalloc

import numpy as np
import pytest
from sweeps import FRIEDMAN, IRIS, cold, same, small

from regnet import MLPRegressorCV
from regnet.mathematics.scaling import Affine, row_cuts, scale_of, unscaled
from regnet.sweep.inputs import Inputs, TakenRows

TABLE = np.random.RandomState(0).randn(40, 5) * [1.0, 20.0, 0.3, 1e-3, 0.0] + [0.0, 3.0, 1e3, 0.0, 7.0]


@pytest.fixture
def large(monkeypatch):
    """Every table counts as a large one."""
    monkeypatch.setattr("regnet.sweep.inputs.LARGE", 0)


@pytest.fixture
def small_cuts(monkeypatch):
    """Seven rows of TABLE are looked at together."""
    monkeypatch.setattr("regnet.mathematics.scaling.CUT_ELEMENTS", 35)


@pytest.mark.parametrize("make", [small, cold])
@pytest.mark.parametrize("refit", [True, False])
def test_large_tables_change_no_bit(make, refit, fast, monkeypatch):
    data = FRIEDMAN if make is small else IRIS
    whole = make(refit=refit).fit(*data)
    monkeypatch.setattr("regnet.sweep.inputs.LARGE", 0)
    found = make(refit=refit).fit(*data)
    np.testing.assert_array_equal(found.cv_scores_, whole.cv_scores_)
    if refit:
        same(whole, found)


def test_processes_make_their_own_rows(large, monkeypatch):
    """Of the one table, which they share."""
    same(small(n_jobs=2).fit(*FRIEDMAN), small().fit(*FRIEDMAN))


def test_wide_ones_neither(monkeypatch):
    rng = np.random.RandomState(0)
    X = rng.randn(60, 300)
    given = {"penalty_factor": np.r_[np.inf, np.ones(299)], "restarts": 2, "adaptive": False}
    whole = small(**given).fit(X, X[:, 1] - X[:, 2])
    monkeypatch.setattr("regnet.sweep.inputs.LARGE", 0)
    same(whole, small(**given).fit(X, X[:, 1] - X[:, 2]))


def made_of(table, numbers, **more):
    rows = TakenRows(table, numbers)
    return Inputs(rows, Affine.of(scale_of(rows, np.ones(rows.shape[0])), unscaled(1)), "float32", **more)


def test_rows_are_standardised_a_part_at_a_time(small_cuts, large):
    numbers = np.r_[30:40, 0:10]
    assert len(row_cuts((20, 5))) == 3
    found, rows = made_of(TABLE, numbers).values(), TABLE[numbers]
    expected = (rows - rows.mean(axis=0)) / np.where(np.ptp(rows, axis=0) > 0, rows.std(axis=0), np.inf)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    assert found.dtype == np.float32
    left_out = np.array([True, False, False, False, False])
    assert not made_of(TABLE, None).without(left_out).values()[:, 0].any()


@pytest.mark.parametrize("weight", [np.ones(40), np.r_[np.zeros(9), np.arange(31.0)]])
def test_a_scale_is_that_of_all_parts(weight, monkeypatch):
    whole = scale_of(TABLE, weight)
    monkeypatch.setattr("regnet.mathematics.scaling.CUT_ELEMENTS", 35)
    for one, other in zip(whole, scale_of(TABLE, weight), strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-13)
    counts = weight > 0
    np.testing.assert_allclose(whole.center, np.average(TABLE[counts], axis=0, weights=weight[counts]), rtol=1e-12)


def test_rows_of_a_large_table_are_let_go(large):
    inputs = made_of(TABLE, np.arange(20))
    first = inputs.values()
    assert inputs.values() is first
    again = first.copy()
    del first
    gc.collect()
    assert inputs._lent() is None
    np.testing.assert_array_equal(inputs.values(), again)


def test_small_tables_are_made_once_and_do_not_travel():
    inputs = made_of(TABLE, np.arange(20))
    assert inputs.values() is inputs.values()
    arrived = pickle.loads(pickle.dumps(inputs))
    assert arrived._held is None
    np.testing.assert_array_equal(arrived.values(), inputs.values())
    kept = pickle.loads(pickle.dumps(inputs.kept()))
    assert kept._source is None
    np.testing.assert_array_equal(kept.values(), inputs.values())


def test_what_a_fitted_search_trains_later_is_its_own(large):
    """The table is the caller's, who may write to it after the fit."""
    X, y = FRIEDMAN[0].copy(), FRIEDMAN[1]
    search = small().fit(X, y)
    expected = small().fit(X, y).at(strength=0.02).coefs_[0]
    X[:] = 0.0
    np.testing.assert_array_equal(search.at(strength=0.02).coefs_[0], expected)


@pytest.mark.parametrize("folds", [2, 5])
def test_a_search_takes_less_than_twice_its_table_beside_it(folds, monkeypatch):
    """Of 8,000 rows x 200: the rows of a fold, standardised, and what goes with rows and batches."""
    monkeypatch.setattr("regnet.sweep.inputs.LARGE", 2**20)
    monkeypatch.setattr("regnet.mathematics.scaling.CUT_ELEMENTS", 2**16)
    monkeypatch.setattr("regnet.selection.as_estimator.TOGETHER", 2**16)
    monkeypatch.setattr("regnet.sweep.stack.TABLE_ELEMENTS", 2**13)
    rng = np.random.default_rng(0)
    X = rng.standard_normal((8000, 200), dtype=np.float32)
    y = X[:, 0] + rng.standard_normal(8000, dtype=np.float32)
    search = MLPRegressorCV((8,), lambdas=[0.01, 0.1], cv=folds, random_state=0)
    search.fit(X[:3000], y[:3000])  # what is compiled or imported once is no part of it
    gc.collect()
    tracemalloc.start()
    try:
        search.fit(X, y)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2 * X.nbytes


def test_a_table_of_columns_has_the_bits_of_one_of_rows():
    X, y = FRIEDMAN
    same(small().fit(np.asfortranarray(X), y), small().fit(X, y))

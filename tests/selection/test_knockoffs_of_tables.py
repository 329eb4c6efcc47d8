"""Knockoffs of frames: of numbers and dates, as of their matrix; of text and holes a user's own alone."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import need
from sklearn.preprocessing import StandardScaler

from regnet import MLPRegressor, TableEncoder, knockoff_selection

ROWS, NAMES = 120, list("abcdefgh")
RNG = np.random.default_rng(0)
NUMBERS = RNG.standard_normal((ROWS, 8))
DAYS = np.datetime64("2024-01-01") + RNG.integers(0, 500, ROWS).astype("m8[D]")
SITES = RNG.choice(["north", "south", "west"], ROWS).astype(object)
Y = NUMBERS[:, :4].sum(axis=1) + 3.0 * (SITES == "west") + 0.5 * RNG.standard_normal(ROWS)
LINEAR = {"hidden_layer_sizes": (), "solver": "newton", "random_state": 0}
FEW = {"fdr": 0.3, "draws": 2, "n_lambdas": 5}


def frame(library="pandas", **more):
    return need(library).DataFrame({**dict(zip(NAMES, NUMBERS.T, strict=True)), **more})


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_numbers_and_dates_are_those_of_the_matrix(library):
    """Columns that say nothing are left out, and have no knockoffs."""
    since = (DAYS - np.datetime64("1970-01-01")).astype(np.float64)
    table = frame(library, place=["here"] * ROWS, day=DAYS)
    with pytest.warns(UserWarning, match="leaves out 'place'"):
        found = knockoff_selection(MLPRegressor(**LINEAR), table, Y, preprocessor="table", **FEW)
    by_hand = knockoff_selection(MLPRegressor(**LINEAR), np.c_[NUMBERS, since], Y, **FEW)
    np.testing.assert_allclose(found.lambdas, by_hand.lambdas, rtol=1e-12)
    np.testing.assert_allclose(found.statistics, by_hand.statistics, atol=1e-9)
    assert found.feature_names == (*NAMES, "day")
    assert found.grouping is None
    assert "4 of 9 inputs selected: a, b, c, d" in repr(found)


def test_groups_go_by_the_columns_of_the_table():
    labels = ["pair", "pair", *NAMES[2:]]
    pairs = MLPRegressor(**LINEAR, input_groups={"a": "pair", "b": "pair"})
    found = knockoff_selection(pairs, frame(), Y, preprocessor="table", **FEW)
    assert found.grouping.labels == ("pair", *NAMES[2:])
    by_hand = knockoff_selection(MLPRegressor(**LINEAR, input_groups=labels), NUMBERS, Y, **FEW)
    np.testing.assert_allclose(found.statistics, by_hand.statistics, atol=1e-9)


def test_text_and_holes_have_no_normal_knockoffs():
    """But of a user's own a factor is exchanged whole."""
    linear, table = MLPRegressor(**LINEAR), frame(site=SITES)
    with pytest.raises(ValueError, match=r"X: 'site' \(text\): these become columns of 0 and 1.*stability_selection"):
        knockoff_selection(linear, table, Y, preprocessor="table", **FEW)
    holes = frame(b=[None, *NUMBERS[1:, 1]], site=SITES)
    with pytest.raises(ValueError, match=r"X: 'site' \(text\), 'b' \(missing values\): .* give knockoffs= of your own"):
        knockoff_selection(linear, holes, Y, preprocessor=TableEncoder(missing="impute"), **FEW)
    with pytest.raises(ValueError, match=r"'b' has 1 of 120 cells without a value"):
        knockoff_selection(linear, holes, Y, preprocessor="table", **FEW)
    with pytest.raises(ValueError, match="X: the column 'site' holds text: take preprocessor='table'"):
        knockoff_selection(linear, table, Y, **FEW)
    rng, encoder = (
        np.random.default_rng(1),
        TableEncoder().fit(table),
    )  # of independent columns: whatever the others are
    drawn = frame(site=rng.permutation(SITES)).assign(**dict(zip(NAMES, rng.standard_normal((8, ROWS)), strict=True)))
    given = {"knockoffs": encoder.transform(drawn), **FEW}
    found = knockoff_selection(linear, table, Y, preprocessor="table", **given)
    assert found.grouping.labels == (*NAMES, "site")
    assert "5 of 9 inputs selected: a, b, c, d, site" in repr(found)
    grouped = MLPRegressor(**LINEAR, input_groups=[*NAMES, "site", "site", "site"])
    by_hand = knockoff_selection(grouped, encoder.transform(table), Y, **given)
    np.testing.assert_array_equal(found.statistics, by_hand.statistics)


def test_other_transformers_are_refused():
    with pytest.raises(ValueError, match=r"preprocessor=StandardScaler\(\): knockoffs take 'table' or a TableEncoder"):
        knockoff_selection(MLPRegressor(**LINEAR), NUMBERS, Y, preprocessor=StandardScaler(), **FEW)

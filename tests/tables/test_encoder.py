"""Frames as matrices: what scikit-learn's own parts make of them by hand, holes, new values, what is left out."""

from __future__ import annotations

import datetime
import pickle
import re
import warnings

import numpy as np
import pytest
from conftest import need
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import OneHotEncoder

from regnet.tables.encoder import TableEncoder
from regnet.tables.encoding import EncodedColumn

ROWS = 40
RNG = np.random.default_rng(0)
NUMBERS = RNG.standard_normal(ROWS)
SITES = RNG.choice(["north", "south", "west"], ROWS).astype(object)
COUNTS = RNG.integers(0, 5, ROWS)
FLAGS = RNG.random(ROWS) < 0.5
DAYS = np.datetime64("2026-01-01") + RNG.integers(0, 300, ROWS).astype("timedelta64[D]")
COLUMNS = {"size": NUMBERS, "site": SITES, "count": COUNTS, "flag": FLAGS, "day": DAYS}


def frame(library="pandas", **changes):
    return need(library).DataFrame({**COLUMNS, **changes})


def with_holes(values, *rows):
    found = np.array(values, dtype=object)
    found[list(rows)] = None
    return found


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_the_matrix_is_that_of_scikit_learns_parts(library):
    found = TableEncoder().fit(frame(library))
    names = ["size", "site=north", "site=south", "site=west", "count", "flag", "day"]
    assert found.get_feature_names_out().tolist() == names
    by_hand = make_column_transformer(
        ("passthrough", ["size"]), (OneHotEncoder(sparse_output=False), ["site"]), ("passthrough", ["count", "flag"]),
    )  # fmt: skip
    expected = np.asarray(by_hand.fit_transform(frame("pandas")), dtype=float)
    matrix = found.transform(frame(library))
    np.testing.assert_array_equal(matrix[:, :6], expected)
    np.testing.assert_array_equal(matrix[:, 6], (DAYS - np.datetime64("1970-01-01")).astype(float))
    assert found.input_groups_ == dict(zip(names, ["size", *["site"] * 3, "count", "flag", "day"], strict=True))
    assert (found.left_out_, found.n_features_in_) == ({}, 5)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_holes_are_filled_and_told_of_as_scikit_learn_does_it(library):
    size, site = with_holes(NUMBERS, 3, 7), with_holes(SITES, 0, 5, 9)
    table = frame(library, size=[None if one is None else float(one) for one in size], site=site.tolist())
    found = TableEncoder(missing="impute").fit(table)
    matrix = found.transform(table)
    names = found.get_feature_names_out().tolist()
    assert names[:2] == ["size", "size is missing"]
    numbers = np.asarray([[np.nan if one is None else one] for one in size], dtype=float)
    expected = SimpleImputer(strategy="median", add_indicator=True).fit_transform(numbers)
    np.testing.assert_array_equal(matrix[:, :2], expected)
    text = make_union(
        make_pipeline(SimpleImputer(strategy="most_frequent", missing_values=None), OneHotEncoder(sparse_output=False)),
        MissingIndicator(missing_values=None),
    )
    np.testing.assert_array_equal(matrix[:, 2:6], text.fit_transform(site[:, None]).astype(float))
    assert {found.input_groups_[name] for name in names[2:6]} == {"site"}
    further = found.transform(frame(library, count=[None, *COUNTS[1:].tolist()]))  # a hole that fit did not see
    assert further[0, names.index("count")] == np.median(COUNTS)


def test_holes_are_an_error_that_names_the_remedy():
    table = frame(size=with_holes(NUMBERS, 3, 7).astype(float))
    with pytest.raises(ValueError, match=r"'size' has 2 of 40 cells .* value: take TableEncoder\(missing='impute'"):
        TableEncoder().fit(table)
    found = TableEncoder().fit(frame())
    with pytest.raises(ValueError, match=r"'site' has 1 of 40 cells"):
        found.transform(frame(site=with_holes(SITES, 3)))


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (np.arange(1, ROWS + 1), r"it numbers the rows \(1 to 40\)"),
        (np.full(ROWS, 3.0), "it is the same in every row"),
        (["here"] * ROWS, "it is the same in every row"),
        ([f"row {k}" for k in range(ROWS)], "it has 40 different values in 40 rows"),
        (np.full(ROWS, np.nan), "it has no values"),
    ],
)
def test_what_says_nothing_of_other_rows_is_left_out_and_told_of(values, reason):
    with pytest.warns(UserWarning, match=rf"leaves out 'more': {reason}"):
        found = TableEncoder(missing="impute").fit(frame(more=values))
    assert list(found.left_out_) == ["more"]
    np.testing.assert_array_equal(found.transform(frame()), TableEncoder().fit(frame()).transform(frame()))


def test_values_that_were_not_seen():
    table = frame(site=["east", *SITES[1:]])
    found = TableEncoder().fit(frame())
    with pytest.warns(UserWarning, match=r"'site' holds values that fit has not seen \('east'\), which are 0"):
        matrix = found.transform(table)
    assert not matrix[0, 1:4].any()
    np.testing.assert_array_equal(matrix[1:], found.transform(frame())[1:])
    with pytest.raises(ValueError, match="leave such rows out, or take unseen='zeros'"):
        TableEncoder(unseen="error").fit(frame()).transform(table)


def test_types_of_pandas():
    pandas = need("pandas")
    table = frame(
        site=pandas.Categorical(SITES),
        count=pandas.array([None, *COUNTS[1:].tolist()], dtype="Int64"),
        flag=pandas.array([*FLAGS[:-1].tolist(), None], dtype="boolean"),
        day=pandas.to_datetime(DAYS).tz_localize("UTC"),
    )
    table["took"] = pandas.to_timedelta(COUNTS, unit="h")
    table["born"] = [datetime.date(2000, 1, 1 + k % 20) for k in range(ROWS)]
    table["grade"] = pandas.Categorical([1 + k % 3 for k in range(ROWS)])  # numbers that are names
    found = TableEncoder(missing="impute").fit(table)
    matrix, names = found.transform(table), found.get_feature_names_out().tolist()
    plain = TableEncoder().fit(frame()).transform(frame())
    np.testing.assert_array_equal(matrix[:, names.index("site=north")], plain[:, 1])
    np.testing.assert_array_equal(matrix[1:, names.index("count")], plain[1:, 4])
    np.testing.assert_array_equal(matrix[:-1, names.index("flag")], plain[:-1, 5])
    np.testing.assert_array_equal(matrix[:, names.index("day")], plain[:, 6])
    np.testing.assert_allclose(matrix[:, names.index("took")], COUNTS / 24)
    assert matrix[:3, names.index("born")].tolist() == [10957.0, 10958.0, 10959.0]
    assert {"grade=1", "grade=2", "grade=3", "count is missing", "flag is missing"} <= set(names)


def test_types_of_polars():
    polars = need("polars")
    table = frame("polars").with_columns(
        polars.col("site").cast(polars.Categorical), polars.col("count").cast(polars.UInt8)
    )
    expected = TableEncoder().fit(frame()).transform(frame())
    np.testing.assert_array_equal(TableEncoder().fit(table).transform(table), expected)


def test_a_fold_has_the_columns_of_the_whole_table_and_its_own_fill():
    table = frame(size=with_holes(NUMBERS, 3).astype(float))
    whole = TableEncoder(missing="impute").fit(table)
    rows = np.flatnonzero(SITES != "west")
    fold = clone(whole).set_params(columns=whole.columns_).fit(table.iloc[rows])
    assert fold.get_feature_names_out().tolist() == whole.get_feature_names_out().tolist()
    own = {one.name: one.fill for one in fold.columns_}
    assert own["size"] == np.nanmedian(table["size"].iloc[rows])
    assert own["size"] != {one.name: one.fill for one in whole.columns_}["size"]
    assert fold.transform(table).shape == whole.transform(table).shape


def test_columns_go_by_their_names():
    found = TableEncoder().fit(frame())
    table = frame()
    shuffled = table[["day", "site", "flag", "size", "count"]].assign(extra=[{}] * ROWS)
    np.testing.assert_array_equal(found.transform(shuffled), found.transform(table))
    with pytest.raises(ValueError, match="X has no column 'day', which fit saw"):
        found.transform(table.drop(columns="day"))
    with pytest.raises(ValueError, match="'size' held numbers in fit, and holds text here"):
        found.transform(table.assign(size=SITES))
    again = pickle.loads(pickle.dumps(found))
    np.testing.assert_array_equal(again.transform(table), found.transform(table))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([{}] * ROWS, "holds values of type dict: make numbers or text of them"),
        ([1.0, "x"] * (ROWS // 2), "holds values of type float and str"),
        (np.r_[np.inf, NUMBERS[1:]], "holds infinite numbers"),
        (NUMBERS * 1j, "holds complex numbers"),
    ],
)
def test_what_is_no_input(values, message):
    with pytest.raises(ValueError, match=f"X: the column 'more' {message}"):
        TableEncoder().fit(frame(more=values))


def test_all_that_is_wrong_is_told_at_once():
    holes, infinite = with_holes(NUMBERS, 3, 7).astype(float), np.r_[np.inf, NUMBERS[1:]]
    told = (
        "X: the column 'a' holds infinite numbers: drop such rows, or make them missing; the column 'b' has 2 of 40 "
        "cells without a value, 'c' has 2 of 40 cells without a value: take TableEncoder(missing='impute'), or drop "
        "such rows."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(told)}$"):
        TableEncoder().fit(frame(a=infinite, b=holes, c=holes))
    found = TableEncoder().fit(frame(a=NUMBERS**2, b=NUMBERS**3, c=-NUMBERS))
    with pytest.raises(ValueError, match=f"^{re.escape(told)}$"):
        found.transform(frame(a=infinite, b=holes, c=holes))
    many = {f"c{k}": holes for k in range(13)}
    with pytest.raises(ValueError, match=r"'c9' has 2 of 40 cells without a value and 3 more: take"):
        TableEncoder().fit(frame(**many))


def test_what_is_no_frame_and_names_that_meet():
    with pytest.raises(TypeError, match="X is of type ndarray: give a frame of pandas or polars"):
        TableEncoder().fit(np.ones((3, 2)))
    with pytest.raises(ValueError, match="X has two columns called 'size': rename one"):
        TableEncoder().fit(frame().rename(columns={"count": "size"}))
    with pytest.raises(ValueError, match="a value of one column and another column are both 'site=north'"):
        TableEncoder().fit(frame(**{"site=north": NUMBERS}))
    with pytest.raises(ValueError, match="No column of X says anything"):
        TableEncoder().fit(frame()[["site"]].assign(site="x"))
    assert EncodedColumn("a", "number").parts == ("a",)


@pytest.mark.parametrize("nothing", [None, np.nan], ids=repr)
@pytest.mark.parametrize("name", ["plan", "size", "since"])
def test_a_column_without_any_value_is_as_one_cell_without(name, nothing):
    """Of what kind it is, nothing tells then."""
    pandas = need("pandas")
    rng = np.random.default_rng(0)
    table = pandas.DataFrame({"size": rng.normal(size=60), "plan": rng.choice(["x", "y", "z"], 60),
                              "since": pandas.date_range("2020-01-01", periods=60)})  # fmt: skip
    table.loc[3, "plan"], table.loc[4, "size"], table.loc[5, "since"] = None, np.nan, pandas.NaT
    encoder = TableEncoder(missing="impute").fit(table)
    hole = {"plan": 3, "size": 4, "since": 5}[name]
    expected = encoder.transform(table)[hole]
    row = table.iloc[[hole]]
    np.testing.assert_array_equal(encoder.transform(row.assign(**{name: nothing}))[0], expected)
    np.testing.assert_array_equal(encoder.transform(row.astype({name: object}))[0], expected)


READ_AS = {
    "dates": ([f"2020-01-{day + 1:02d}" for day in range(5)] * 8, "dates: .* pandas.to_datetime"),
    "commas": ([f"{n % 10},5" for n in range(40)], "numbers with a decimal comma: .* decimal=','"),
}


@pytest.mark.parametrize("kind", READ_AS)
def test_text_that_reads_as_something_else_is_told_of(kind):
    cells, message = READ_AS[kind]
    with pytest.warns(UserWarning, match=rf"^TableEncoder: the column 'a' is text that reads as {message}") as told:
        found = TableEncoder().fit(frame(a=cells))
    assert len(told) == 1
    assert found.columns_[-1].kind == "factor"  # it stays what it is


@pytest.mark.parametrize(
    "cells", [["10115", "20095"] * 20, ["a", "b"] * 20, ["1", "2", "x", "3,5"] * 10], ids=["codes", "words", "some"]
)
def test_other_text_is_text(cells):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert TableEncoder().fit(frame(a=cells)).columns_[-1].kind == "factor"

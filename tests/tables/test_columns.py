"""Columns of files: what counts as a number, what as a class, what is missing."""

from __future__ import annotations

import numpy as np
import pytest
from text_files import KINDS, ROWS, X, Y, comma, inputs_of, table, with_cell, write

from regnet.tables.columns import FileError, judge, plain_numbers
from regnet.tables.files import read_table


@pytest.mark.parametrize("cell", ["NA", "N/A", "nan", "NaN", "null", "NULL", "", " ", ".", "?", "-"])
def test_a_missing_number_is_no_class(cell, tmp_path):
    """One such cell made a classification with as many classes as rows of it, and an input 'holds text'."""
    path = write(tmp_path / "t.csv", table(y=with_cell(Y.tolist(), 7, cell)))
    with pytest.raises(
        FileError,
        match=r"column 'y', the target, has no value in 1 of 60 cells, .* line 9 the first: --m",
    ):
        read_table(path)
    path = write(tmp_path / "t.csv", table(a=with_cell(with_cell(X[:, 0].tolist(), 3, cell), 5, "NA")))
    with pytest.raises(
        FileError, match=r"column has no value in some rows: 'a' \(2 of 60 cells, .* in line 5 the first\)"
    ):
        read_table(path)
    with pytest.raises(FileError, match=r"column 'a' has no value in 2 of 60 cells, .* train with --missing impute"):
        inputs_of(path, ("a", "b"))
    assert inputs_of(path, ("b",))[0].tolist() == X[:, 1:].tolist()


@pytest.mark.parametrize("cell", ["inf", "-Infinity", "1e999"])
def test_an_infinite_number_is_refused_by_its_line(cell, tmp_path):
    path = write(tmp_path / "t.csv", table(y=with_cell(Y.tolist(), 7, cell)))
    with pytest.raises(FileError, match=rf"has 1 of 60 cells that are infinite \('{cell}', the first in line 9\)"):
        read_table(path)


@pytest.mark.parametrize("delimiter", [";", "\t", ","])
@pytest.mark.parametrize("header", [True, False])
def test_decimal_commas_are_read_where_nothing_else_can_be_meant(delimiter, header, tmp_path):
    """They were text: 60 classes of a regression, or inputs that were refused."""
    columns = table(a=comma(X[:, 0]), b=comma(X[:, 1]), y=comma(Y))
    found = read_table(write(tmp_path / "t.csv", columns, delimiter=delimiter, header=header))
    assert found.task == "regression"
    assert found.feature_names == (("a", "b") if header else ("column0", "column1"))
    np.testing.assert_array_equal(np.column_stack([found.x, found.y]), np.column_stack([X, Y]))


@pytest.mark.parametrize(
    "cells",
    [
        [f"{value:,}" for value in range(1000, 1000 + ROWS)],  # thousands, or decimals of three digits
        with_cell(comma(Y), 0, "3.14"),
        with_cell(Y.tolist(), 0, "1.234,5"),
        with_cell(Y.tolist(), 0, "1,234.5"),
    ],
)
def test_numbers_with_commas_that_can_be_read_in_two_ways_are_refused(cells, tmp_path):
    """They were text as well."""
    for columns, name in ((table(y=cells), "'y', the target,"), (table(a=cells), "'a'")):
        path = write(tmp_path / "t.csv", columns, delimiter=";")
        with pytest.raises(FileError, match=f"column {name} holds numbers with commas .* line [23].*: write decimals"):
            read_table(path)


def test_a_column_is_judged_from_all_its_rows(tmp_path):
    """Chunks were judged each for itself: classes '1', '2' of one and '1.0', '2.0' of another."""
    grades = ["1", "2"] * 25 + ["1", "other"] * 5
    found = read_table(write(tmp_path / "t.csv", table(y=grades)))
    assert sorted(set(found.y)) == ["1", "2", "other"]
    assert any("'other' in line 53; 55 of 60 cells are numbers" in note for note in found.notes)
    with pytest.raises(FileError, match=r"column 'a' holds text \('x' in line 61; 59 of 60 cells are numbers\)"):
        read_table(write(tmp_path / "t.csv", table(a=with_cell(X[:, 0].tolist(), 59, "x"))))
    numbers = read_table(write(tmp_path / "t.csv", table(y=["1", "2.0"] * 30)))
    assert numbers.y.dtype == np.int64
    assert set(numbers.y) == {1, 2}


@pytest.mark.parametrize("cell", ["1_000", "٣", "0x10", "1e", "1-2", "½", "\uff11"])
def test_only_plain_decimals_are_numbers(cell, tmp_path):
    """Python's float takes the first two and the last."""
    assert plain_numbers([cell]) is None
    with pytest.raises(FileError, match="column 'a' holds text"):
        read_table(write(tmp_path / "t.csv", table(a=with_cell(X[:, 0].tolist(), 7, cell))))


def test_every_plain_decimal_is_a_number():
    cells = ["1", "-1.5", "+.5", "2.", "1e3", "1E-3", " 7 "]
    np.testing.assert_array_equal(plain_numbers(cells), [1, -1.5, 0.5, 2, 1000, 0.001, 7])
    np.testing.assert_array_equal(judge(np.asarray(cells, dtype=object), parse=True).values, plain_numbers(cells))


def test_text_that_cannot_be_classes_is_refused(tmp_path):
    """Each was a classification of as many classes as there are values."""
    names = [f"name {k}" for k in range(ROWS)]
    path = write(tmp_path / "t.csv", table(y=names))
    with pytest.raises(FileError, match=r"'name 0' in line 2\) with 60 different values in 60 rows, too many"):
        read_table(path)
    assert read_table(path, task="classification").y.tolist() == names
    rounded = with_cell(Y.round(0).astype(int).tolist(), 4, "many")
    with pytest.raises(FileError, match=r"'many' in line 6; 59 of 60 cells are numbers\) with .* mend the cells"):
        read_table(write(tmp_path / "t.csv", table(y=rounded)))
    with pytest.raises(FileError, match=r"holds text .*, so --task regression cannot be"):
        read_table(write(tmp_path / "t.csv", table(y=KINDS)), task="regression")


@pytest.mark.parametrize("mark", ["", " ", "NA", "N/A", "NULL", "NaN"])
def test_an_empty_name_is_no_class(mark, tmp_path):
    """It was one, in text, NumPy and Parquet files alike."""
    kinds = with_cell(with_cell(KINDS, 2, mark), 9, "")
    path = write(tmp_path / "t.csv", table(y=kinds))
    with pytest.raises(
        FileError,
        match=r"'y', the target, has no value in 2 of 60 cells, .* in line 4 the first: --missing impute leaves",
    ):
        read_table(path)
    for missing in ("drop", "impute"):
        found = read_table(path, missing=missing)
        assert (len(found.y), set(found.y), found.x.shape) == (58, {"yes", "no"}, (58, 2))
        np.testing.assert_array_equal(found.x, np.delete(X, [2, 9], axis=0))
        assert any("no value in 2 of 60 cells" in note and "are left out" in note for note in found.notes)


def test_names_that_look_like_nothing(tmp_path):
    """A typed file's 'NA' is a name; of a file of text 'none' may be one, and sodium is."""
    kinds = with_cell(KINDS, 2, "")
    np.savez(tmp_path / "t.npz", x=X, y=np.asarray(kinds))
    with pytest.raises(FileError, match=r"column 'y', .* no value in 1 of 60 cells, '' in row 3 the first"):
        read_table(str(tmp_path / "t.npz"))
    np.savez(tmp_path / "t.npz", x=X, y=np.asarray(with_cell(KINDS, 2, "NA")))
    found = read_table(str(tmp_path / "t.npz"))
    assert "the class 'NA' (1 rows): if it stands for a missing value, drop" in found.notes[0]
    found = read_table(write(tmp_path / "t.csv", table(a=["Na", "none", "-"] * 20)))
    assert found.feature_names == ("a=-", "a=Na", "a=none", "b")


def test_large_whole_numbers_as_labels_of_a_text_file_keep_their_digits(tmp_path):
    """2^53 and 2^53 + 1 were one class."""
    y = [2**53 + k % 2 for k in range(ROWS)]
    assert read_table(write(tmp_path / "t.csv", table(y=y))).y.tolist() == y


def test_classes_beyond_the_integers_stay_apart(tmp_path):
    """Cast to int64, both were -2^63."""
    found = read_table(write(tmp_path / "t.csv", table(y=[f"{1 + k % 2}e30" for k in range(ROWS)])))
    assert (found.task, np.unique(found.y).tolist()) == ("classification", [1e30, 2e30])


@pytest.mark.parametrize(
    ("numbers", "task"),
    [
        (np.random.default_rng(0).poisson(1.0, 300), "counts"),
        (np.random.default_rng(1).poisson(3.0, 150), "counts"),
        (np.random.default_rng(2).negative_binomial(1, 0.3, 500).clip(max=19), "counts"),
        (np.random.default_rng(3).integers(0, 10, 300), "classification"),  # digits
        (np.random.default_rng(4).choice(7, 600, p=[0.36, 0.48, 0.06, 0.01, 0.02, 0.03, 0.04]), "classification"),
        (np.random.default_rng(5).poisson(1.0, 300) + 1, "classification"),  # no zeros
        (np.random.default_rng(6).choice(4, 300, p=[0.6, 0.2, 0.15, 0.05]), "classification"),  # few, and most frequent
        (np.random.default_rng(7).binomial(5, 0.9, 300), "classification"),  # grades, most of them good
        (np.repeat(range(6), [2, 5, 12, 30, 60, 4]), "classification"),  # the commonest is a large one
        (np.repeat(range(6), [50, 45, 42, 40, 38, 36]), "classification"),  # and here none is rare
        (np.random.default_rng(8).integers(0, 90, 300), "regression"),
        (np.random.default_rng(9).poisson(1.0, 300) / 2, "regression"),
    ],
)
def test_counts_classes_and_measurements(numbers, task, tmp_path):
    path = write(tmp_path / "t.csv", {"a": np.arange(len(numbers)) ** 2 % 97, "y": numbers.tolist()})
    found = read_table(path)
    assert found.task == task
    said = " ".join(found.notes)
    assert ("--task classification takes them for classes" in said) == (task == "counts")
    assert ("which are taken for classes. --task counts or --task" in said) == (task == "classification")
    for asked in ("classification", "regression", *(["counts"] if task != "regression" else [])):
        assert read_table(path, task=asked).task == asked
    if task == "regression" and (numbers != numbers.round()).any():
        with pytest.raises(FileError, match=r"holds 0\.5, which is no count: take --task regression"):
            read_table(path, task="counts")


@pytest.mark.parametrize("cell", ["+-1", "-+1", "1_0"])
def test_two_signs_and_underscores_are_no_numbers(cell, tmp_path):
    """DuckDB reads some of them as numbers, also far below the rows by which it guesses."""
    cells = [*np.arange(0.5, 3000).tolist(), cell]
    path = write(tmp_path / "t.csv", {"a": cells, "y": [*cells[::-1][1:], 0.25]})
    with pytest.raises(FileError, match=r"column 'a' holds text .* in line 3002; 3000 of 3001 cells are numbers"):
        read_table(path)

"""Tables from files: what counts as a number, a header, a class and the number of a row, and what is refused."""

from __future__ import annotations

import csv
import datetime
import decimal
import io

import numpy as np
import pytest
from conftest import need

from regnet.tables import readers
from regnet.tables.columns import FileError, judge, plain_numbers
from regnet.tables.files import read_features, read_table

ROWS = 60
X = np.random.default_rng(0).standard_normal((ROWS, 2)).round(3)
Y = (10 * X[:, 0] + np.arange(ROWS) / 8).round(2)
KINDS = np.where(X[:, 0] > 0, "yes", "no").tolist()


def write(path, columns, *, delimiter=",", header=True):
    """A text file of these columns, by name; its rows start in line 2 if there is a header."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    writer.writerows([list(columns), *zip(*columns.values(), strict=True)][0 if header else 1 :])
    path.write_text(text.getvalue(), encoding="utf-8")
    return str(path)


def table(**changes):
    return {"a": X[:, 0].tolist(), "b": X[:, 1].tolist(), "y": Y.tolist()} | changes


def with_cell(values, row, cell):
    return [*values[:row], cell, *values[row + 1 :]]


def comma(values):
    return [str(value).replace(".", ",") for value in values]


@pytest.mark.parametrize("cell", ["NA", "N/A", "nan", "NaN", "null", "NULL", "", " ", ".", "?", "-"])
def test_a_missing_number_is_no_class(cell, tmp_path):
    """One such cell made a classification with as many classes as rows of it, and an input 'holds text'."""
    path = write(tmp_path / "t.csv", table(y=with_cell(Y.tolist(), 7, cell)))
    with pytest.raises(FileError, match=r"t.csv: column 'y', the target, has 1 of 60 cells without .* line 9\): drop"):
        read_table(path)
    path = write(tmp_path / "t.csv", table(a=with_cell(with_cell(X[:, 0].tolist(), 3, cell), 5, "NA")))
    with pytest.raises(FileError, match=r"column 'a' has 2 of 60 cells without a value .* the first in line 5\): drop"):
        read_table(path)
    with pytest.raises(FileError, match=r"column 'a' has 2 of 60 cells .* or fill the cells"):
        read_features(path, ("a", "b"))
    assert read_features(path, ("b",))[0].tolist() == X[:, 1:].tolist()


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


def test_a_column_is_judged_from_all_its_rows(tmp_path, monkeypatch):
    """Chunks were judged each for itself: classes '1', '2' of one and '1.0', '2.0' of another."""
    monkeypatch.setattr(readers, "CHUNK", 10)
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
        read_table(write(tmp_path / "t.csv", table(a=[cell] * ROWS)))


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
    with pytest.raises(FileError, match=r"holds text .*so it cannot be regressed on"):
        read_table(write(tmp_path / "t.csv", table(y=KINDS)), task="regression")


def test_an_empty_name_is_no_class(tmp_path):
    """It was one, in text, NumPy and Parquet files alike."""
    kinds = with_cell(with_cell(KINDS, 2, ""), 9, " ")
    with pytest.raises(
        FileError, match=r"'y', the target, has 2 of 60 cells without a value \(line 4, line 11\): drop"
    ):
        read_table(write(tmp_path / "t.csv", table(y=kinds)))
    np.savez(tmp_path / "t.npz", x=X, y=np.asarray(kinds))
    with pytest.raises(FileError, match=r"column 'y', .* 2 of 60 cells without a value \(row 3, row 10\)"):
        read_table(str(tmp_path / "t.npz"))
    found = read_table(write(tmp_path / "t.csv", table(y=with_cell(KINDS, 2, "NA"))))
    assert "the class 'NA' (1 rows): if it stands for a missing value, drop" in found.notes[0]


def test_lines_are_the_files_own(tmp_path):
    """Blank lines and cells of several lines count; rows were counted, and a blank line was a row of 0 cells."""
    (tmp_path / "t.csv").write_text('a,kind\n1,"two\nlines"\n\n2,no\n\nx,no\n')
    with pytest.raises(FileError, match="'x' in line 7"):
        read_table(str(tmp_path / "t.csv"))
    (tmp_path / "t.csv").write_text('a,kind\n1,"two\nlines"\n\n2\n')
    with pytest.raises(FileError, match="line 5 has 1 cells"):
        read_table(str(tmp_path / "t.csv"))


def test_a_header_of_numbers_is_no_row(tmp_path):
    """As frames without names write it: it was a row, the first one."""
    for first in (0, 1):
        names = [str(first + k) for k in range(3)]
        path = write(tmp_path / "t.csv", dict(zip(names, table().values(), strict=True)))
        found = read_table(path)
        assert (found.x.shape, found.feature_names) == ((ROWS, 2), tuple(names[:2]))
        assert "is taken for a header" in found.notes[0]
        assert len(read_features(path, ("0", "1") if first == 0 else ("1", "2"))[0]) == ROWS
    frame = {"": range(ROWS), "0": X[:, 0], "1": X[:, 1], "kind": KINDS}  # with the frame's index, and a name
    assert read_table(write(tmp_path / "t.csv", frame)).feature_names == ("0", "1")
    assert read_table(write(tmp_path / "t.csv", {"0": X[:, 0], "1": Y})).x.shape == (ROWS, 1)


@pytest.mark.parametrize("first", ["0,1", "5.1,3.5,setosa", "5,3,yes", "5,NA,3"])
def test_a_first_line_that_may_be_a_row_is_refused(first, tmp_path):
    """All but the first were taken for headers, and the row was lost."""
    (tmp_path / "t.csv").write_text("\n".join([first, *["7,2,1" if "NA" in first else "4,2,no"[: len(first)]] * 9]))
    with pytest.raises(FileError, match="put a line of names above it"):
        read_table(str(tmp_path / "t.csv"))


@pytest.mark.parametrize(
    ("name", "numbers"), [("rownames", range(1, ROWS + 1)), ("", range(ROWS)), ("id", range(ROWS))]
)
def test_the_numbers_of_rows_are_no_input_unless_asked_for(name, numbers, tmp_path):
    """They were: the species of a sorted file are chosen by its row numbers alone."""
    path = write(tmp_path / "t.csv", {name: list(numbers), **table()})
    found = read_table(path)
    assert found.feature_names == ("a", "b")
    assert found.notes == (
        f"{path}: column {name!r} numbers the rows ({numbers[0]} to {numbers[-1]}) and is left out; "
        "--keep-row-numbers keeps it.",
    )
    kept = read_table(path, keep_row_numbers=True)
    assert (kept.feature_names, kept.notes) == ((name, "a", "b"), ())
    assert kept.x[:, 0].tolist() == list(numbers)


def test_what_numbers_rows_and_what_does_not(tmp_path):
    names = [f"row {k}" for k in range(ROWS)]
    found = read_table(write(tmp_path / "t.csv", {"": names, **table()}))
    assert "'' is an index without a name" in found.notes[0]
    shuffled = np.random.default_rng(0).permutation(ROWS).tolist()
    assert read_table(write(tmp_path / "t.csv", {"Unnamed: 0": shuffled, **table()})).feature_names == ("a", "b")
    assert len(read_table(write(tmp_path / "t.csv", {"rank": shuffled, **table()})).feature_names) == 3
    alone = read_table(write(tmp_path / "t.csv", {"time": range(ROWS), "y": Y}))
    assert (alone.feature_names, alone.notes) == (("time",), ())
    with pytest.raises(FileError, match="the last column, 'id', numbers the rows: name the target"):
        read_table(write(tmp_path / "t.csv", table(id=range(ROWS))))
    np.save(tmp_path / "t.npy", np.column_stack([np.arange(ROWS), X, Y]))
    assert read_table(str(tmp_path / "t.npy")).feature_names == ("column1", "column2")


def test_predictions_find_columns_by_name(tmp_path):
    """A file with other names was taken by position: predictions from the wrong columns, and no word of it."""
    path = write(tmp_path / "t.csv", {"b": X[:, 1], "extra": KINDS, "a": X[:, 0]})
    np.testing.assert_array_equal(read_features(path, ("a", "b"))[0], X)
    path = write(tmp_path / "other.csv", {"p": X[:, 0], "q": X[:, 1]})
    for names in (("a", "b"), ("column0", "column1")):
        with pytest.raises(FileError, match=rf"\(p, q\).*missing: {', '.join(names)}\. .*by name: rename"):
            read_features(path, names)
    bare = write(tmp_path / "bare.csv", {"p": X[:, 0], "q": X[:, 1]}, header=False)
    np.save(tmp_path / "bare.npy", X)
    for path in (bare, str(tmp_path / "bare.npy")):
        np.testing.assert_array_equal(read_features(path, ("a", "b"))[0], X)
        np.testing.assert_array_equal(read_features(path, ("column1",))[0], X[:, 1:])
        with pytest.raises(FileError, match="missing: a, b, c"):
            read_features(path, ("a", "b", "c"))


LABELS = {
    "bytes": np.asarray([b"no", "jä".encode()]),
    "str": np.asarray(["no", "yes"]),
    "bool": np.asarray([False, True]),
    "large": np.asarray([2**60, 2**60 + 1]),
    "unsigned": np.asarray([2**63, 2**63 + 1], dtype=np.uint64),
    "float": np.asarray([1.0, 2.0]),
}


@pytest.mark.parametrize("kind", LABELS)
def test_labels_of_a_typed_file(kind, tmp_path):
    y = LABELS[kind][(X[:, 0] > 0).astype(int)]
    np.savez(tmp_path / "t.npz", x=X, y=y)
    found = read_table(str(tmp_path / "t.npz"))
    expected = [label.decode() for label in y.tolist()] if kind == "bytes" else y.tolist()
    assert (found.task, found.y.tolist()) == ("classification", expected)
    parquet, pyarrow = need("pyarrow.parquet"), need("pyarrow")
    parquet.write_table(pyarrow.table({"a": X[:, 0], "y": pyarrow.array(y)}), tmp_path / "t.parquet")
    assert read_table(str(tmp_path / "t.parquet")).y.tolist() == expected


def test_large_whole_numbers_as_labels_of_a_text_file_keep_their_digits(tmp_path):
    """2^53 and 2^53 + 1 were one class."""
    y = [2**53 + k % 2 for k in range(ROWS)]
    assert read_table(write(tmp_path / "t.csv", table(y=y))).y.tolist() == y


def test_what_other_columns_of_a_parquet_file_mean(tmp_path):
    parquet, pyarrow = need("pyarrow.parquet"), need("pyarrow")

    def read(**columns):
        parquet.write_table(pyarrow.table({"a": X[:, 0], **columns, "y": Y}), tmp_path / "t.parquet")
        return read_table(str(tmp_path / "t.parquet"))

    prices = [decimal.Decimal(k) / 4 for k in range(ROWS)]
    assert read(price=prices).x[:, 1].tolist() == [float(price) for price in prices]
    with pytest.raises(FileError, match=r"column 'n' has 1 of 60 cells without a value \('nan', the first in row 1\)"):
        read(n=pyarrow.array([None, *range(ROWS - 1)]))
    with pytest.raises(FileError, match=r"column 's' holds text \('yes' in row 1\)"):
        read(s=KINDS)
    day = datetime.date(2026, 1, 1)
    with pytest.raises(FileError, match=r"column 'd' holds (dates|values of type date): make numbers of them"):
        read(d=[day] * ROWS)
    with pytest.raises(FileError, match="column 't' holds dates: make numbers"):
        read(t=np.full(ROWS, np.datetime64(day, "s")))
    np.savez(tmp_path / "t.npz", x=X * 1j, y=Y)
    with pytest.raises(FileError, match="column 'column0' holds complex numbers"):
        read_table(str(tmp_path / "t.npz"))
    np.savez(tmp_path / "t.npz", x=X, y=np.asarray([b"\xff"] * ROWS))
    with pytest.raises(FileError, match="column 'y' holds bytes that are no UTF-8 text"):
        read_table(str(tmp_path / "t.npz"))
    with pytest.raises(FileError, match=r"column 'e' has 60 of 60 cells without a value \('nan', the first in row 1\)"):
        read(e=pyarrow.nulls(ROWS))
    twice = pyarrow.Table.from_arrays([pyarrow.array(X[:, 0]), pyarrow.array(X[:, 1]), pyarrow.array(Y)], list("aay"))
    parquet.write_table(twice, tmp_path / "t.parquet")
    with pytest.raises(FileError, match=r"two columns have the same name \('a'\): rename one"):
        read_table(str(tmp_path / "t.parquet"))


def test_the_index_of_a_frame_is_no_target(tmp_path):
    """It is the last column of a Parquet file, and was what networks learnt: the numbers of shuffled rows."""
    pandas, name = need("pandas"), str(tmp_path / "t.parquet")
    need("pyarrow")
    frame = pandas.DataFrame(table())
    frame.sample(frac=1.0, random_state=0).to_parquet(name)
    found = read_table(name)
    assert (found.target_name, found.feature_names) == ("y", ("a", "b"))
    assert "column '__index_level_0__' is an index without a name and is left out" in found.notes[0]
    frame.set_index("a").to_parquet(name)
    found = read_table(name)
    assert (found.target_name, found.feature_names) == ("y", ("a", "b"))
    assert found.x.tolist() == X.tolist()
    nameless = write(tmp_path / "t.csv", {"a": X[:, 0].tolist(), "y": Y.tolist(), "Unnamed: 0": Y[::-1].tolist()})
    with pytest.raises(FileError, match="the last column, 'Unnamed: 0', is an index without a name: name the target"):
        read_table(nameless)


@pytest.mark.parametrize("name", ["t.npz", "t.npy"])
@pytest.mark.parametrize("kept", [0, 90])
def test_a_file_that_was_cut_off_is_named(name, kept, tmp_path):
    """It ended in a traceback, or in 'Aborted.' and exit status 1."""
    path = tmp_path / name
    np.savez(path, x=X, y=Y) if name == "t.npz" else np.save(path, X)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(FileError, match=f"{name} cannot be read: "):
        read_table(str(path))


def test_a_file_in_another_encoding_is_named(tmp_path):
    (tmp_path / "t.csv").write_bytes("ä,y\n1,2\n".encode("latin-1"))
    with pytest.raises(FileError, match=r"t.csv is no text in UTF-8 \(.*\): save it in that encoding"):
        read_table(str(tmp_path / "t.csv"))


def test_classes_beyond_the_integers_stay_apart(tmp_path):
    """Cast to int64, both were -2^63."""
    found = read_table(write(tmp_path / "t.csv", table(y=[f"{1 + k % 2}e30" for k in range(ROWS)])))
    assert (found.task, np.unique(found.y).tolist()) == ("classification", [1e30, 2e30])

"""Columns of text, dates and holes of files, as inputs."""

from __future__ import annotations

import datetime

import numpy as np
import pytest
from text_files import ROWS, X, inputs_of, table, with_cell, write

from regnet.tables.asked import Asked
from regnet.tables.columns import FileError, judge
from regnet.tables.encoder import TableEncoder
from regnet.tables.encoding import EncodedColumn, learn
from regnet.tables.files import open_table, read_table

SITES = ["north", "south", "west"] * 20
DATES = [datetime.date(2025, 12, 1) + datetime.timedelta(days=k * k % 97) for k in range(ROWS)]
DAYS = [(one - datetime.date(1970, 1, 1)).days for one in DATES]


def test_a_column_of_text_becomes_an_input_for_each_value(tmp_path):
    path = write(tmp_path / "t.csv", {"a": X[:, 0].tolist(), "site": SITES, "y": X[:, 1].tolist()})
    found = read_table(path)
    assert found.feature_names == ("a", "site=north", "site=south", "site=west")
    assert found.labels == ("a", "site", "site", "site")
    np.testing.assert_array_equal(found.x[:, 0], X[:, 0])
    np.testing.assert_array_equal(found.x[:, 1:], np.tile(np.eye(3), (20, 1)))
    assert [note for note in found.notes if "holds text, and becomes 3 inputs, one a value: site=north, site=s" in note]
    some = found.without({"a"})
    assert (some.feature_names, some.x.shape) == (("site=north", "site=south", "site=west"), (ROWS, 3))


def test_a_model_finds_its_values_in_another_table(tmp_path):
    path = write(tmp_path / "new.csv", {"site": ["west", "north"] * 3, "a": [1.5] * 6})
    site = EncodedColumn("site", "factor", ("north", "south", "west"))
    np.testing.assert_array_equal(inputs_of(path, [site, "a"])[0][:2], [[0, 0, 1, 1.5], [1, 0, 0, 1.5]])
    fewer = EncodedColumn("site", "factor", ("north",))
    x, notes = inputs_of(path, [fewer])
    assert x[:, 0].tolist() == [0, 1] * 3
    assert (
        "that the model was not trained with ('west'; the first in line 2): all its inputs are 0 in 3 rows" in notes[0]
    )
    with pytest.raises(
        FileError, match=r"\('west'; the first in line 2\): leave such rows out, or take --unseen zeros"
    ):
        inputs_of(path, [fewer], refuse_unseen=True)


def test_a_number_where_a_model_has_text_and_the_other_way_round(tmp_path):
    path = write(tmp_path / "t.csv", {"a": ["x", "y"] * 5, "b": [1, 2] * 5, "d": DATES[:10]})
    with pytest.raises(FileError, match=r"column 'b' holds values .* \('1', '2'; the first in line 2\)"):
        inputs_of(path, [EncodedColumn("b", "factor", ("u", "v"))], refuse_unseen=True)
    fact = r"column 'a' holds text \('x' in line 2\), but the model was trained with numbers: mend .* with --factor 'a'"
    with pytest.raises(FileError, match=fact):
        inputs_of(path, ["a"])
    with pytest.raises(FileError, match=r"column 'd' holds dates, but the model was trained with numbers"):
        inputs_of(path, ["d"])
    with pytest.raises(FileError, match=r"column 'b' holds numbers, but the model was trained with dates"):
        inputs_of(path, [EncodedColumn("b", "date")])


def test_text_with_many_values_is_a_factor_where_that_is_asked_for(tmp_path):
    path = write(tmp_path / "t.csv", table(a=[f"name {row % 15}" for row in range(ROWS)]))
    (note,) = read_table(path).notes
    assert note.endswith("'a' is left out: it has 15 different values in 60 rows (--factor keeps it).")
    assert len(read_table(path, factors=["a"]).feature_names) == 16


def test_columns_that_are_left_out_for_one_reason_are_told_together(tmp_path):
    cells = table(a=["same"] * ROWS, c=["same"] * ROWS)
    (note,) = read_table(write(tmp_path / "t.csv", cells), "y").notes
    assert note.endswith("2 columns are left out, each because it is the same in every row: a, c.")


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ([f"name {row}" for row in range(ROWS)], "it has 60 different values in 60 rows"),
        ([f"name {row % 15}" for row in range(ROWS)], "it has 15 different values in 60 rows"),
        (["same"] * ROWS, "it is the same in every row"),
        ([7] * ROWS, "it is the same in every row"),
        (["NA"] * ROWS, "it has no values"),
        (list(range(1, ROWS + 1)), r"it numbers the rows \(1 to 60\)"),
    ],
)
def test_what_says_nothing_of_other_rows_is_left_out_and_noted(cells, reason, tmp_path):
    found = read_table(write(tmp_path / "t.csv", table(a=cells)))
    assert (found.feature_names, found.absent) == (("b",), ("a", "y"))
    with pytest.warns(UserWarning, match=reason):  # a frame's likewise
        TableEncoder().fit(_pandas(table(a=[None if cell == "NA" else cell for cell in cells])))
    assert [note for note in found.notes if f"column 'a' is left out: {reason.replace(chr(92), '')}" in note]


def _pandas(columns):
    return pytest.importorskip("pandas", reason="pandas is not installed").DataFrame(columns)


@pytest.mark.parametrize(
    ("cells", "fact"),
    [
        (with_cell(X[:, 0].tolist(), 3, "x"), r"holds text \('x' in line 5; 59 of 60 cells are numbers\): mend"),
        (with_cell(X[:, 0].tolist(), 3, "inf"), r"has 1 of 60 cells that are infinite \('inf', the first in line 5\)"),
        (["1/2/2026", "2/1/2026"] * 30, r"holds dates that can be read in two ways \('1/2/2026', line 2\): write 2026"),
    ],
)
def test_columns_that_are_no_inputs_are_all_named_and_may_be_left_out(cells, fact, tmp_path):
    path = write(tmp_path / "t.csv", {"a": cells, "c": cells, "b": X[:, 1], "y": X[:, 0]})
    with pytest.raises(FileError, match=f"column 'a' {fact}.*or leave it out .--exclude 'a'.; column 'c' .*'c'.."):
        read_table(path)
    assert read_table(path, exclude=["a,c"]).feature_names == ("b",)
    assert read_table(path, without=["a", "c", "no column"]).feature_names == ("b",)


def test_numbers_that_are_codes_of_categories(tmp_path):
    path = write(tmp_path / "t.csv", table(a=[10, 2, 7] * 20))
    found = read_table(path, factors=("a",))
    assert found.feature_names == ("a=10", "a=2", "a=7", "b")
    np.testing.assert_array_equal(found.x[:, :3], np.tile(np.eye(3), (20, 1)))
    np.testing.assert_array_equal(inputs_of(path, found.columns)[0], found.x)
    mixed = write(tmp_path / "m.csv", table(a=with_cell(X[:, 0].round().tolist(), 3, "x")))
    assert "a=x" in read_table(mixed, factors=("a",)).feature_names
    np.savez(tmp_path / "t.npz", x=np.column_stack([np.tile([10.0, 2.0, 7.0], 20), X]))
    with open_table(str(tmp_path / "t.npz"), Asked(factors=("column0",))) as typed:
        np.testing.assert_array_equal(typed.x[:, :3], found.x[:, :3])
        assert typed.feature_names[:2] == ("column0=10", "column0=2")


FORMS = {
    "%Y-%m-%d": DAYS,
    "%Y/%m/%d": DAYS,
    "%d.%m.%Y": DAYS,
    "%d/%m/%Y": DAYS,
    "%m/%d/%Y": DAYS,
    "%Y-%m-%d 06:00": [day + 0.25 for day in DAYS],
    "%Y-%m-%dT18:00:00Z": [day + 0.75 for day in DAYS],
    "%Y-%m-%d 01:00:00.5+02:00": [day + (0.5 - 3600) / 86400 for day in DAYS],
}


@pytest.mark.parametrize("form", FORMS)
def test_dates_are_days_since_1970(form, tmp_path):
    path = write(tmp_path / "t.csv", table(a=[one.strftime(form) for one in DATES]))
    found = read_table(path)
    assert [(one.name, one.kind) for one in found.columns] == [("a", "date"), ("b", "number")]
    np.testing.assert_allclose(found.x[:, 0], FORMS[form], rtol=0, atol=1e-9)
    np.testing.assert_array_equal(inputs_of(path, found.columns)[0], found.x)


@pytest.mark.parametrize("cell", ["2026-02-30", "2026-13-01", "2026-1-1 25:00", "1.1.26", "2026-01/01"])
def test_what_is_no_date_is_text(cell):
    assert judge(np.asarray([cell] * 3, dtype=object), parse=True).kind == "text"


def test_holes_are_filled_as_the_encoder_of_frames_does_it(tmp_path):
    """In numbers, text and dates; the indicator says where they were."""
    holes = {"a": with_cell(X[:, 0].tolist(), 3, "NA"), "site": with_cell(SITES, 5, ""), "d": with_cell(DATES, 7, "NA")}
    path = write(tmp_path / "t.csv", holes | {"y": X[:, 1].tolist()})
    with pytest.raises(FileError, match=r"3 columns have no value in some rows: 'a' \(1 of 60 cells, 'NA' in line 5"):
        read_table(path)
    found = read_table(path, missing="impute")
    frame = _pandas({
        "a": with_cell(X[:, 0].tolist(), 3, None), "site": with_cell(SITES, 5, None),
        "d": np.asarray(with_cell(DATES, 7, None), dtype="datetime64[D]").astype("datetime64[s]"),
    })  # fmt: skip
    encoder = TableEncoder(missing="impute").fit(frame)
    assert found.feature_names == tuple(encoder.get_feature_names_out())
    np.testing.assert_array_equal(found.x, encoder.transform(frame))
    np.testing.assert_array_equal(inputs_of(path, encoder.columns_)[0], found.x)
    fewer = read_table(path, missing="drop")
    assert fewer.feature_names == ("a", "site=north", "site=south", "site=west", "d")
    np.testing.assert_array_equal(fewer.x[:, 0], np.delete(X[:, 0], [3, 5, 7]))
    assert "3 of 60 rows have missing values and are left out" in fewer.notes[0]


def test_roles_of_columns(tmp_path):
    rows = np.arange(ROWS)
    path = write(tmp_path / "t.csv", {"a": X[:, 0], "b": X[:, 1], "w": rows % 3, "part": rows % 4, "none": 0 * rows,
                                     "y": X[:, 1]})  # fmt: skip
    found = read_table(path, weight="w", fold="part")
    assert found.feature_names == ("a", "b")
    np.testing.assert_array_equal(found.weight, rows % 3)
    np.testing.assert_array_equal(found.fold, rows % 4)
    assert read_table(path, columns=["b,w"]).feature_names == ("b", "w")
    for asked, message in (
        ({"columns": ["b", "y"]}, "--columns: 'y' is the target, and no input"),
        ({"columns": ["bb"]}, "--columns: .* has no column 'bb'; did you mean 'b'"),
        ({"exclude": ["a", "b", "w", "part", "none"]}, "no input is left beside 'y'"),
        ({"weight": "a"}, "column 'a', of --weights, holds .* in line .: a weight is a finite number of 0 or more"),
        ({"weight": "q"}, "--weights: .* has no column 'q'"),
        ({"weight": "none"}, "column 'none', of --weights, is 0 in every row"),
        ({"columns": ["w"], "weight": "w"}, "--columns: 'w' is the column of --weights, and no input"),
        ({"fold": "y"}, "--fold: 'y' is the target already: name another column"),
        ({"weight": "y"}, "--weights: 'y' is the target already"),
        ({"weight": "w", "fold": "w"}, "--fold: 'w' is the column of --weights already"),
        ({"factors": ["a,y"]}, "--factor: 'y' is the target, and no input"),
    ):
        with pytest.raises(FileError, match=message):
            read_table(path, **asked)


def test_how_many_values_a_column_of_text_may_have():
    def levels(count, rows):
        return learn("v", judge(np.asarray([f"v{row % count:03}" for row in range(rows)], dtype=object)))

    known = ((3, 6), (4, 6), (10, 20), (11, 54), (11, 55), (100, 500))
    assert [isinstance(levels(*one), EncodedColumn) for one in known] == [True, False, True, False, True, True]


def test_a_value_and_a_column_of_one_name_are_refused(tmp_path):
    for columns in ({"s=u": X[:, 0].tolist(), "s": ["u", "v"] * 30}, {"s": ["u", "v"] * 30, "s=u": X[:, 0].tolist()}):
        with pytest.raises(FileError, match="a value of one column and another column are both 's=u': rename one"):
            read_table(write(tmp_path / "t.csv", columns | {"y": X[:, 1].tolist()}))


def test_rows_without_a_weight_or_a_fold_are_dropped_where_holes_are(tmp_path):
    """`--missing drop` refused them."""
    rng, file = np.random.default_rng(0), tmp_path / "t.csv"
    path = str(file)
    x, y, weight, fold = rng.standard_normal(20), rng.standard_normal(20), list(range(1, 21)), list("abcde" * 4)
    x[1], weight[3], fold[5], weight[7], fold[7] = np.nan, "NA", "", "", "NA"
    lines = [f"{'' if np.isnan(a) else a},{b},{c},{d}" for a, b, c, d in zip(x, weight, fold, y, strict=True)]
    file.write_text("\n".join(["x,w,f,y", *lines]) + "\n")
    whole = [row for row in range(20) if row not in (1, 3, 5, 7)]
    found = read_table(path, weight="w", fold="f", missing="drop")
    np.testing.assert_array_equal(found.y, y[whole])
    np.testing.assert_array_equal(found.weight, np.asarray(whole) + 1)
    np.testing.assert_array_equal(found.fold, np.asarray(whole) % 5)
    np.testing.assert_array_equal(found.frame["x"].values, x[whole])
    assert f"{path}: 4 of 20 rows have missing values and are left out." in found.notes
    assert len(read_table(path, columns=("x",), missing="drop").y) == 19, "who does not ask for weights loses no row"
    with pytest.raises(FileError, match=r"of --weights, holds .NA. in line 5: .* .--missing drop leaves out rows"):
        read_table(path, weight="w", columns=("f",), missing="impute")
    with pytest.raises(FileError, match=r"of --fold, has no value in line 7 .--missing drop leaves such rows out"):
        read_table(path, fold="f", columns=("w",), missing="impute")


@pytest.mark.parametrize(
    ("levels", "cells", "numbers"),
    [
        (("1", "2", "10"), ["1.0", "02", "+10", "2.5", "x"], [0, 1, 2, -1, -1]),  # pandas writes 1.0 beside a hole
        (("1.0", "2.0"), ["1", "2", "3"], [0, 1, -1]),
        (("01", "1", "7"), ["1", "01", "1.0", "007"], [1, 0, -1, 2]),  # 1.0 may be both of them
        (("False", "True"), ["TRUE", "false", "True", "yes"], [1, 0, 1, -1]),  # pandas' and R's
        (("north", "9007199254740993"), ["North", "9007199254740992", "9007199254740993.0"], [-1, -1, 1]),
    ],
)
def test_a_value_that_is_written_in_another_way_is_the_same_value(levels, cells, numbers, tmp_path):
    """All inputs of the column were 0 in every row of a file whose numbers were written 1, where training had 1.0."""
    path = write(tmp_path / "new.csv", {"g": cells, "b": range(len(cells))})
    x, notes = inputs_of(path, [EncodedColumn("g", "factor", levels)])
    np.testing.assert_array_equal(x, [[number == level for level in range(len(levels))] for number in numbers])
    unseen = [repr(cell) for cell, number in zip(cells, numbers, strict=True) if number < 0]
    assert len(notes) == bool(unseen)
    assert all(cell in notes[0] for cell in unseen)


@pytest.mark.parametrize(("form", "months"), [("%d/%m/%Y", 2), ("%m-%d-%Y 06:00", 2), ("%d.%m.%Y", 0)])
def test_a_date_that_can_be_read_in_two_ways_is_read_as_in_training(form, months, tmp_path):
    """A file of one new row was refused on twelve days of a month."""
    known = read_table(write(tmp_path / "t.csv", table(a=[one.strftime(form) for one in DATES]))).columns
    saved = [EncodedColumn.of_data(one.to_data()) for one in known]
    row = {"a": [datetime.date(2026, 2, 1).strftime(form)], "b": [0.5]}
    x, _ = inputs_of(write(tmp_path / "one.csv", row), saved)
    assert x[0, 0] // 1 == 20485
    if months:
        with pytest.raises(FileError, match="can be read in two ways"):  # where dates with the year first were learnt
            inputs_of(tmp_path / "one.csv", [EncodedColumn("a", "date")])


@pytest.mark.parametrize("mark", ["?", ".", "-", "NA"])
def test_a_column_without_any_value_is_what_it_was_in_training(mark, tmp_path):
    """It was text, and refused, if its mark for a missing value stands for one in numbers alone."""
    path = write(tmp_path / "t.csv", {"a": [mark] * 3, "d": [mark] * 3, "b": [1.0, 2.0, 4.0]})
    known = [EncodedColumn("a", "number", fill=1.5, indicator=True), EncodedColumn("d", "date", fill=20000.0), "b"]
    assert inputs_of(path, known)[0][:, :3].tolist() == [[1.5, 1.0, 20000.0]] * 3
    with pytest.raises(FileError, match=r"column 'a' has no value in 3 of 3 cells, .* or train with --missing impute"):
        inputs_of(path, ["a", "b"])


def test_a_note_does_not_show_all_of_a_long_value(tmp_path):
    (note,) = read_table(write(tmp_path / "t.csv", table(a=["x" * 5000, "y"] * 30))).notes
    assert len(note) < 300

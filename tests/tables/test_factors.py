"""Columns of text as inputs."""

from __future__ import annotations

import numpy as np
import pytest
from text_files import ROWS, X, table, with_cell, write

from regnet.tables.columns import FileError, judge
from regnet.tables.factors import levels_of
from regnet.tables.files import read_features, read_table

SITES = ["north", "south", "west"] * 20


def test_a_column_of_text_becomes_an_input_for_each_value(tmp_path):
    path = write(tmp_path / "t.csv", {"a": X[:, 0].tolist(), "site": SITES, "y": X[:, 1].tolist()})
    found = read_table(path)
    assert found.feature_names == ("a", "site=north", "site=south", "site=west")
    assert found.labels == ("a", "site", "site", "site")
    np.testing.assert_array_equal(found.x[:, 0], X[:, 0])
    np.testing.assert_array_equal(found.x[:, 1:], np.tile(np.eye(3), (20, 1)))
    assert [note for note in found.notes if "holds text, and becomes 3 inputs, one a value: site=north, site=s" in note]
    some = found.keep(np.array([True, False, True, False]))
    assert (some.feature_names, some.labels, some.x.shape) == (("a", "site=south"), ("a", "site"), (ROWS, 2))


def test_a_model_finds_its_values_in_another_table(tmp_path):
    path = write(tmp_path / "new.csv", {"site": ["west", "north"] * 3, "a": [1.5] * 6})
    x, _ = read_features(path, ("site=north", "site=south", "site=west", "a"), {"site": ("north", "south", "west")})
    np.testing.assert_array_equal(x[:2], [[0, 0, 1, 1.5], [1, 0, 0, 1.5]])
    with pytest.raises(FileError, match=r"'west' in line \d, a value that the model was not trained with \(north\)"):
        read_features(path, ("site=north", "a"), {"site": ("north",)})


def test_a_number_where_a_model_has_text_and_the_other_way_round(tmp_path):
    path = write(tmp_path / "t.csv", {"a": ["x", "y"] * 5, "b": [1, 2] * 5})
    with pytest.raises(FileError, match=r"column 'b' holds '1.0' in line 2, a value that the model was not trained"):
        read_features(path, ("b=u",), {"b": ("u", "v")})
    with pytest.raises(FileError, match=r"column 'a' holds text \('x' in line 2\), but the model was trained with num"):
        read_features(path, ("a",))


@pytest.mark.parametrize(
    ("cells", "fact"),
    [
        (with_cell(X[:, 0].tolist(), 3, "x"), "mend the cells that are no numbers, leave it out"),
        (with_cell(SITES, 3, ""), r"1 of its cells are empty \(line 5\): name their value"),
        ([f"name {row}" for row in range(ROWS)], "60 different values in 60 rows, too many"),
        ([f"name {row % 15}" for row in range(ROWS)], "15 different values in 60 rows, too many"),
        (["same"] * ROWS, "the same in every row"),
    ],
)
def test_text_that_is_no_input_is_refused_and_may_be_left_out(cells, fact, tmp_path):
    path = write(tmp_path / "t.csv", table(a=cells))
    with pytest.raises(FileError, match=f"column 'a' holds text .*{fact}.*--penalty-factor 'a=inf'"):
        read_table(path)
    found = read_table(path, without=("a", "no column"))
    assert (found.feature_names, found.absent) == (("b",), ("a",))


@pytest.mark.parametrize("cells", [with_cell(X[:, 0].tolist(), 3, ""), with_cell(X[:, 0].tolist(), 3, "inf")])
def test_an_input_with_bad_numbers_may_be_left_out_too(cells, tmp_path):
    path = write(tmp_path / "t.csv", table(a=cells))
    with pytest.raises(FileError, match=r"or fill the cells. To leave it out: --penalty-factor 'a=inf'.$"):
        read_table(path)
    with pytest.raises(FileError, match=r"or fill the cells.$"):  # the model needs it
        read_features(path, ("a",))
    assert read_table(path, without=["a"]).feature_names == ("b",)


def test_how_many_values_a_column_of_text_may_have():
    def levels(count, rows):
        return levels_of(judge(np.asarray([f"v{row % count:03}" for row in range(rows)], dtype=object)))

    assert [levels(*one) is not None for one in ((3, 6), (4, 6), (10, 20), (11, 54), (11, 55), (100, 500))] == [
        True, False, True, False, True, True,
    ]  # fmt: skip


def test_a_value_and_a_column_of_one_name_are_refused(tmp_path):
    for columns in ({"s=u": X[:, 0].tolist(), "s": ["u", "v"] * 30}, {"s": ["u", "v"] * 30, "s=u": X[:, 0].tolist()}):
        with pytest.raises(FileError, match="a value of column 's' and another column are both 's=u'"):
            read_table(write(tmp_path / "t.csv", columns | {"y": X[:, 1].tolist()}))

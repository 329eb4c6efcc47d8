"""Workbooks: the first sheet, its names, what its cells hold."""

from __future__ import annotations

import datetime

import numpy as np
import pytest
from conftest import need
from text_files import KINDS, ROWS, X, Y

from regnet.tables.columns import FileError
from regnet.tables.files import read_table


def workbook(path, rows, *, sheets=("data",)):
    need("python_calamine")
    book = need("openpyxl").Workbook()
    book.active.title = sheets[0]
    for row in rows:
        book.active.append(row)
    for name in sheets[1:]:
        book.create_sheet(name)["A1"] = 1
    book.save(path)
    return str(path)


def rows_of(**changes):
    columns = {"a": X[:, 0].tolist(), "kind": KINDS, "y": Y.tolist()} | changes
    return [list(columns), *(list(row) for row in zip(*columns.values(), strict=True))]


def test_the_first_sheet_is_a_table(tmp_path):
    path = workbook(tmp_path / "t.xlsx", [[], [], *rows_of(), []], sheets=("data", "notes"))
    found = read_table(path)
    assert (found.feature_names, found.task, len(found.y)) == (("a", "kind=no", "kind=yes"), "regression", ROWS)
    np.testing.assert_array_equal(found.x[:, 0], X[:, 0])
    np.testing.assert_array_equal(found.y, Y)
    assert "the first sheet, 'data', is read, and not 'notes'" in found.notes[0]


def test_cells_are_named_by_their_row(tmp_path):
    rows = rows_of()
    rows[4][0] = None
    with pytest.raises(FileError, match=r"'a' \(1 of 60 cells, .* in row 6 the first\)"):
        read_table(workbook(tmp_path / "t.xlsx", [[], *rows]))
    rows[4][0] = "many"
    with pytest.raises(FileError, match=r"column 'a' holds text \('many' in row 5; 59 of 60 cells are numbers\)"):
        read_table(workbook(tmp_path / "t.xlsx", rows))
    rows[4][0] = "NA"
    assert len(read_table(workbook(tmp_path / "t.xlsx", rows), missing="drop").y) == ROWS - 1


def test_dates_and_codes(tmp_path):
    days = [datetime.date(2026, 1, 1 + row % 28) for row in range(ROWS)]
    path = workbook(tmp_path / "t.xlsx", rows_of(a=[1, 2, "x"] * 20, d=days), sheets=("data",))
    found = read_table(path, "y", factors=("a",))
    assert found.feature_names == ("a=1", "a=2", "a=x", "kind=no", "kind=yes", "d")
    assert found.x[:3, -1].tolist() == [20454, 20455, 20456]


def test_what_is_no_table(tmp_path):
    rows = rows_of()
    rows[0][1] = None
    with pytest.raises(FileError, match="column 2 of 'data' has no name in row 1"):
        read_table(workbook(tmp_path / "t.xlsx", rows))
    with pytest.raises(FileError, match="the sheet 'data' is empty"):
        read_table(workbook(tmp_path / "t.xlsx", []))
    (tmp_path / "broken.xlsx").write_bytes(b"no workbook")
    with pytest.raises(FileError, match=r"broken.xlsx cannot be read: "):
        read_table(str(tmp_path / "broken.xlsx"))

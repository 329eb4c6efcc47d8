"""Parts of columns are what the whole has there, and what a column is does not depend on the part that is asked for."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import need
from text_files import X, Y, write

from regnet.tables.readers import read_columns

PARTS = (slice(None), slice(0, 0), slice(0, 1), slice(1, 3), slice(57, 60), slice(58, 99), slice(-2, None))
WORDS = [f"w{k}" for k in range(59)]
COLUMNS = {
    "a": X[:, 0].tolist(),
    "late": [*range(59), None],
    "name": ["first", *WORDS],
    "flag": [True, False] * 30,
    "sepal.length": Y.tolist(),
    'a "b"': [float("nan"), *Y[1:].tolist()],
    "far": [*Y[1:].tolist(), float("inf")],
    "mark": [*[True, False] * 29, True, None],
}
NUMERIC = {"a", "flag", "sepal.length"}


def csv_file(folder):
    return write(folder / "t.csv", {name: ["" if one is None else one for one in COLUMNS[name]] for name in COLUMNS})


def parquet_file(folder):
    need("pyarrow.parquet").write_table(need("pyarrow").table(COLUMNS), folder / "t.parquet", row_group_size=7)
    return str(folder / "t.parquet")


def feather_file(folder):
    need("pyarrow.feather").write_feather(need("pyarrow").table(COLUMNS), folder / "t.feather", chunksize=7)
    return str(folder / "t.feather")


def workbook(folder):
    need("python_calamine")
    book = need("openpyxl").Workbook()
    book.active.append(list(COLUMNS))
    for row in zip(*COLUMNS.values(), strict=True):
        book.active.append([one if one == one and one != float("inf") else str(one) for one in row])
    book.save(folder / "t.xlsx")
    return str(folder / "t.xlsx")


@pytest.mark.parametrize("made", [csv_file, parquet_file, feather_file, workbook])
def test_parts_are_parts_of_the_whole(made, tmp_path):
    with read_columns(made(tmp_path)) as table:
        for read in (table.cells, *([table.text] if table.text else [])):
            for column in range(len(table.names)):
                whole = read(column)
                for part in PARTS:
                    found = read(column, part)
                    assert found.dtype == whole.dtype
                    np.testing.assert_array_equal(found, whole[part])
        assert len(whole) == table.rows


@pytest.mark.parametrize("made", [csv_file, parquet_file, feather_file, workbook])
def test_what_is_numeric(made, tmp_path):
    expected = NUMERIC - ({"flag"} if made is csv_file else set())
    with read_columns(made(tmp_path)) as table:
        assert {name for column, name in enumerate(table.names) if table.numeric(column)} == expected
        for column in range(len(table.names)):
            cells = table.cells(column, slice(1, 3))
            assert not table.numeric(column) or (cells.dtype.kind in "iufb" and np.isfinite(cells).all())


def test_a_column_that_has_the_name_of_the_rows_numbers(tmp_path):
    columns = {"a": list(range(60)), "File_Row_Number": list(range(60))[::-1]}
    need("pyarrow.parquet").write_table(need("pyarrow").table(columns), tmp_path / "t.parquet", row_group_size=7)
    with read_columns(str(tmp_path / "t.parquet")) as table:
        assert table.names == tuple(columns)
        assert table.cells(0, slice(20, 23)).tolist() == [20, 21, 22]
        assert table.cells(1, slice(20, 23)).tolist() == [39, 38, 37]


def test_parts_of_arrays(tmp_path):
    np.savez(tmp_path / "t.npz", x=X, y=np.asarray([np.nan, *Y[1:]]))
    with read_columns(str(tmp_path / "t.npz")) as table:
        assert [table.numeric(column) for column in range(3)] == [True, True, False]
        np.testing.assert_array_equal(table.cells(1, slice(3, 9)), X[3:9, 1])


def test_rows_keep_the_order_of_a_file_of_many_parts(tmp_path):
    """DuckDB reads a file by several threads, and keeps tables in groups of rows."""
    rows = 300_000
    lines = [f"{k},{k % 7},{'even' if k % 2 == 0 else 'odd'}" for k in range(rows)]
    (tmp_path / "t.csv").write_text("number,b,kind\n" + "\n".join(lines) + "\n")
    with read_columns(str(tmp_path / "t.csv")) as table:
        assert table.rows == rows
        np.testing.assert_array_equal(table.cells(0), np.arange(rows))
        for start in (0, 122_879, 250_000):
            part = slice(start, start + 3)
            np.testing.assert_array_equal(table.cells(0, part), np.arange(rows)[part])
            np.testing.assert_array_equal(table.cells(1, part), np.arange(rows)[part] % 7)
            assert table.cells(2, part).tolist() == ["odd" if k % 2 else "even" for k in range(start, start + 3)]
        assert table.text(0, slice(123_456, 123_457)).tolist() == ["123456"]


@pytest.mark.parametrize("cell", ["1_000", "+-1", "1e1_0"])
def test_what_only_the_reader_of_files_takes_for_a_number_is_text(cell, tmp_path):
    with read_columns(write(tmp_path / "t.csv", {"a": [*Y[1:].tolist(), cell], "b": Y.tolist()})) as table:
        assert [table.numeric(column) for column in range(2)] == [False, True]
        assert table.cells(0, slice(59, 60)).tolist() == [cell]


@pytest.mark.parametrize("kind", [csv_file, parquet_file])
def test_a_full_disk_or_a_closed_pipe_is_no_fault_of_the_file_that_is_read(kind, tmp_path):
    """With predict m.st t.csv | head it was said that t.csv cannot be read."""
    with pytest.raises(BrokenPipeError, match="Broken pipe"), read_columns(kind(tmp_path)):
        raise BrokenPipeError(32, "Broken pipe")

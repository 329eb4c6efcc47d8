"""What is kept of a text file: numbers to the last bit, by whatever way the file is read, and in a bounded memory."""

from __future__ import annotations

import numpy as np
import pytest

from regnet.tables import store, utf8
from regnet.tables.columns import FileError, plain_numbers
from regnet.tables.readers import read_columns

SPELLINGS = (
    "1", "-0", "+.5", "2.", "1e3", "1E-3", " 7 ", "\t8", "0.1", "4.9e-324", "2.5e-324", "2.4e-324", "7e-1000", "000012",
    "2.2250738585072014e-308", "1.7976931348623157e308", "1.7976931348623159e308", "9007199254740993", "1.e5", "1e0005",
    "9007199254740993.00000000000000000001", "123456789012345678901234567890", "0." + "0" * 400 + "1e400",
    "", " ", "NA", "nan", "-nan", "inf", "-Infinity", "1e400", "1_000", "1e1_0", "_1", "1_", "+-1", "-+1", "--1", "1e",
    "1e+", ".", "+", ".e5", "0x10", "0b1", "1-2", "1 000", "1f", "true", "½", "٣", "\uff11", "1'000", "1,5", "$1", "1%",
)  # fmt: skip
ROWS = store.SAMPLE + 50


def file_of(folder, spellings, row):
    """Columns of ones, in which one row has these."""
    lines = [";".join("1" for _ in spellings)] * ROWS
    lines[row] = ";".join(spellings)
    (folder / "t.csv").write_text("\n".join([";".join(f"n{k}" for k in range(len(spellings))), *lines, ""]))
    return str(folder / "t.csv")


def check(path, spellings, row):
    with read_columns(path) as table:
        assert table.rows == ROWS
        for column, cell in enumerate(spellings):
            expected = plain_numbers([cell])
            assert table.numeric(column) == (expected is not None), cell
            found = table.cells(column, slice(row, row + 1))
            assert found[0] == table.cells(column)[row]
            if expected is None:
                assert found.tolist() == [cell]
            else:
                assert found.view(np.int64).tolist() == expected.view(np.int64).tolist(), cell
            assert table.text(column, slice(row, row + 1)).tolist() == [cell]


@pytest.mark.parametrize("row", [0, ROWS - 1])
def test_what_is_a_number(row, tmp_path):
    """A cell among those that are looked at first, or the last: the file is read in another way."""
    check(file_of(tmp_path, SPELLINGS, row), SPELLINGS, row)


def test_what_is_a_number_where_nothing_is_doubtful(tmp_path):
    plain = [cell for cell in SPELLINGS if plain_numbers([cell]) is not None]
    check(file_of(tmp_path, plain, 3), plain, 3)


def test_numbers_are_pythons_to_the_last_bit(tmp_path):
    """Of any bits, of 1 to 40 digits, and between two float64."""
    rng = np.random.default_rng(0)
    values = rng.integers(0, 2**63, 2000).view(np.float64)
    values = values[np.isfinite(values)]
    cells = [*map(repr, values.tolist()), *(f"{value:.{k % 40}e}" for k, value in enumerate(values.tolist()))]
    cells += [f"{2**53 + k}.{'5' if k % 2 else '4999999999999999999999'}" for k in range(500)]
    cells = [cell for cell in cells if np.isfinite(float(cell))]
    (tmp_path / "t.csv").write_text("x,y\n" + "".join(f"{cell},1\n" for cell in cells))
    with read_columns(str(tmp_path / "t.csv")) as table:
        expected = np.asarray([float(cell) for cell in cells])
        np.testing.assert_array_equal(table.cells(0).view(np.int64), expected.view(np.int64))


def test_what_is_doubtful_is_seen_between_two_parts_of_the_file(monkeypatch, tmp_path):
    for size in (3, 4, 5, 6, 7):
        monkeypatch.setattr(utf8, "BYTES", size)
        (tmp_path / "t.csv").write_text("a,b\n" + "1,2\n" * 3 + "1_000,3\n4,+-5\n")
        with read_columns(str(tmp_path / "t.csv")) as table:
            assert [table.numeric(0), table.numeric(1)] == [False, False]
            assert table.cells(0)[3] == "1_000"


@pytest.mark.parametrize("text", ["a,kind\n1,grün\n2,x\n", "a,kind\n1,x\n2,\U0001f600", "a,kind\n1,gr\u00fc"])
def test_characters_are_seen_between_two_parts_of_the_file(text, monkeypatch, tmp_path):
    for size in (1, 2, 3, 4, 5):
        monkeypatch.setattr(utf8, "BYTES", size)
        for end, encoding in ((b"", "utf-8"), (b"\xc3", "cp1252")):
            (tmp_path / "t.csv").write_bytes(text.encode() + end)
            assert utf8.as_utf8(str(tmp_path / "t.csv"), tmp_path)[1] == (
                [] if encoding == "utf-8" else [f"{tmp_path / 't.csv'} is no text in UTF-8, and is read as cp1252."]
            )


def test_a_file_that_is_larger_than_the_memory(monkeypatch, tmp_path):
    """What DuckDB may use is too little for the first rows: it is given more, and says nothing of it."""
    monkeypatch.setattr(store, "MEMORY", 2**20)
    text = "a,kind,b\n" + "".join(f"{k},{'x' * (k % 9)}y,{k / 8}\n" for k in range(5000))
    (tmp_path / "t.csv").write_text(text)
    with read_columns(str(tmp_path / "t.csv")) as table:
        np.testing.assert_array_equal(table.cells(0), np.arange(5000))
        assert table.cells(1, slice(7, 10)).tolist() == ["xxxxxxxy", "xxxxxxxxy", "y"]
        np.testing.assert_array_equal(table.cells(2), np.arange(5000) / 8)


@pytest.mark.parametrize("ahead", [1, 130, 2**21])
def test_columns_are_read_together(ahead, monkeypatch, tmp_path):
    """In whatever order, and more than once; those who ask may write into what they get."""
    monkeypatch.setattr(store, "AHEAD", ahead)
    monkeypatch.setattr(store, "TEXTS_AHEAD", ahead)
    values = np.arange(1000.0).reshape(250, 4)
    lines = [",".join(["x", *map(str, row), "y"]) for row in values.tolist()]
    (tmp_path / "t.csv").write_text("k,a,b,c,d,l\n" + "\n".join(lines) + "\n")

    def check(column, part):
        cells = table.cells(column, part)
        if column in (0, 5):
            assert cells.tolist() == ["xy"[column == 5]] * len(cells)
        else:
            np.testing.assert_array_equal(cells, values[part, column - 1])
        cells[:] = 0
        return len(cells)

    with read_columns(str(tmp_path / "t.csv")) as table:
        for start in range(0, 250, 60):
            for column in (2, 1, 1, *range(min(6, 1 + start // 30))):
                assert check(column, slice(start, start + 60)) == min(60, 250 - start)
                assert check(column, slice(None)) == 250
        for column in (5, 4, 1, 1, 3, 0, 2):
            assert check(column, slice(None)) == 250
        assert check(3, slice(9, 3)) == 0
        assert check(3, slice(3, 9, 2)) == 3


def test_a_table_of_very_many_columns(tmp_path):
    """Its lines are longer than a cell may be, and were taken for cells where another delimiter was tried."""
    names = [f"a_column_that_has_a_very_long_name_of_its_own_and_no_other_has_it_{k}" for k in range(2000)]
    (tmp_path / "t.csv").write_text("\n".join([",".join(names), *[",".join(["1.5"] * 2000)] * 3, ""]))
    with read_columns(str(tmp_path / "t.csv")) as table:
        assert len(table.names) == 2000
        assert table.cells(1999).tolist() == [1.5] * 3


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("size", [4, 2**20])
def test_the_line_that_has_too_many_cells(end, size, monkeypatch, tmp_path):
    monkeypatch.setattr(utf8, "BYTES", size)
    lines = ["a,b", *["1,2"] * 300, "", "1,2,3", *["1,2"] * 50, "4,5,6", ""]
    (tmp_path / "t.csv").write_bytes(end.join(lines).encode())
    with pytest.raises(FileError, match="line 303 has 3 cells, but there are 2 columns: 1,2,3"):  # noqa: SIM117
        with read_columns(str(tmp_path / "t.csv")):
            pass

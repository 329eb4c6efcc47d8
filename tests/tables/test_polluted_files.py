"""Small files of text with what real ones have: read right, or refused with the line. Kinds: Pollock (PVLDB 2023)."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from regnet.tables.columns import FileError
from regnet.tables.readers import read_columns

NAMES = ("a", "b", "kind")
PLAIN = "a,b,kind\n1,2.5,x\n-3,4e2,y z\n5,0.25,x\n"
A, B, KIND = [1.0, -3.0, 5.0], [2.5, 400.0, 0.25], ["x", "y z", "x"]

READ = {
    "plain": PLAIN.encode(),
    "no line end at the end": PLAIN.rstrip("\n").encode(),
    "several line ends at the end": (PLAIN + "\n\n\n").encode(),
    "Windows' line ends": PLAIN.replace("\n", "\r\n").encode(),
    "old line ends": PLAIN.replace("\n", "\r").encode(),
    "semicolons": PLAIN.replace(",", ";").encode(),
    "tabs": PLAIN.replace(",", "\t").encode(),
    "bars": PLAIN.replace(",", "|").encode(),
    "quotes everywhere": b'"a","b","kind"\n"1","2.5","x"\n"-3","4e2","y z"\n"5","0.25","x"\n',
    "quotes somewhere": PLAIN.replace("y z", '"y z"').encode(),
    "single quotes": PLAIN.replace("y z", "'y z'").replace("x", "'x'").encode(),
    "blanks around cells": PLAIN.replace(",", ", ").encode(),
    "blank lines between": PLAIN.replace("\n-3", "\n\n-3").encode(),
    "a byte order mark": b"\xef\xbb\xbf" + PLAIN.encode(),
    "UTF-16": PLAIN.encode("utf-16"),
    "title lines": ("Measurements of things\nsecond half of 2024\n\n" + PLAIN).encode(),
    "comments": ("# measured\n" + PLAIN).encode(),
}  # fmt: skip


def opened(folder, content, name="t.csv"):
    path = folder / name
    path.write_bytes(content)
    return read_columns(str(path))


@pytest.mark.parametrize("kind", READ)
def test_read_right(kind, tmp_path):
    with opened(tmp_path, READ[kind]) as table:
        assert tuple(table.names) == NAMES
        assert table.rows == 3
        np.testing.assert_array_equal(table.cells(0), A)
        np.testing.assert_array_equal(table.cells(1), B)
        assert [cell.strip() for cell in table.cells(2)] == KIND


def test_cells_with_delimiters_quotes_and_line_ends(tmp_path):
    text = 'a,b\n1,"x, y"\n2,"he said ""no"""\n3,"two\nlines"\n4,""\n'
    with opened(tmp_path, text.encode()) as table:
        assert table.cells(1).tolist() == ["x, y", 'he said "no"', "two\nlines", ""]
        assert [table.place(row) for row in range(4)] == ["line 2", "line 3", "line 4", "line 6"]


REFUSED = {
    "a cell too few": (PLAIN + "6,7\n8,9,x\n", "line 5 has 2 cells, but there are 3 columns: 6,7"),
    "a cell too many": (PLAIN + "6,7,x,8\n", "line 5 has 4 cells, but the lines before it 3"),
    "a cell too many further down": (PLAIN * 3 + "6,7,x,8\n", "line 13 has 4 cells, but there are 3 columns: 6,7,x,8"),
    "a quote that does not end": (PLAIN + '6,"7,x\n8,9,x\n', r"line 5 .*6,\"7,x"),
    "two tables": (
        "a,b\n1,2\n3,4\n\nc,d,e\n5,6,7\n8,9,1\n",
        "line 5 has 3 cells, but the lines before it 2: .*make a file of each",
    ),
    "nothing": ("", "is empty"),
    "a header alone": ("a,b\n", "has no rows below its header"),
    "two columns of a name": ("a,a\n1,2\n3,4\n", r"two columns have the same name \('a'\)"),
    "a column without a name": ("a,,c\n1,2,3\n4,5,6\n", "column 2 has no name in the first line"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_refused_with_its_line(kind, tmp_path):
    content, message = REFUSED[kind]
    with pytest.raises(FileError, match=message), opened(tmp_path, content.encode()):
        pass


def test_what_a_user_is_told_of(tmp_path):
    with opened(tmp_path, READ["title lines"]) as table:
        assert "lines 1 to 3 (Measurements of things / second half of 2024) are taken for a title" in table.notes[0]
    with opened(tmp_path, "a,kind\n1,grün\n2,blau\n".encode("cp1252")) as table:
        assert "is no text in UTF-8, and is read as cp1252" in table.notes[0]
        assert table.cells(1).tolist() == ["grün", "blau"]


def test_a_packed_file_and_a_name_with_a_star(tmp_path):
    for name, content in (("t.csv.gz", gzip.compress(PLAIN.encode())), ("[t]*.csv", PLAIN.encode())):
        with opened(tmp_path, content, name) as table:
            np.testing.assert_array_equal(table.cells(0), A)


def test_a_file_that_is_not_whole(tmp_path):
    with pytest.raises(FileError, match="cannot be read"), opened(
        tmp_path, gzip.compress(PLAIN.encode() * 50)[:-20], "t.csv.gz"
    ):  # fmt: skip
        pass


def test_a_late_cell_decides_a_column(tmp_path):
    text = "a,b\n" + "1,2\n" * 30_000 + "x,3\n"
    with opened(tmp_path, text.encode()) as table:
        cells = table.cells(0)
        assert (cells[0], cells[-1], len(cells)) == ("1", "x", 30_001)
        assert table.place(30_000) == "line 30002"
        assert table.cells(1).dtype == np.float64

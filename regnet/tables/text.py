"""Files of text as columns, read by DuckDB: title lines and headers, and rows that cannot be read, with their lines."""

from __future__ import annotations

import csv
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import final

import duckdb

from regnet.tables.columns import FileError, is_number
from regnet.tables.dialect import records, told_dialect
from regnet.tables.headers import read_header
from regnet.tables.store import CellStore, open_database
from regnet.tables.utf8 import as_utf8, parts

__all__ = ["TextTable", "open_text"]


@final
class TextTable:
    """The columns of a text file, each (n,), its rows in their order.

    names; headed: whether they are the file's own; notes: what a user should know of the reading; store: the cells.
    """

    def __init__(self, path: str, file: Path, database: duckdb.DuckDBPyConnection, notes: Sequence[str]) -> None:
        """path: for messages; file: the text, UTF-8; database: holds the columns."""
        self._path, self._file, self._database = path, file, database
        self._dialect = told_dialect(file, database)
        first = list(islice(records(file, self._dialect), 2))
        if not first:
            raise FileError(f"{path} is empty.")
        self.names, self.headed, more = read_header(path, [cells for _, cells in first])
        self.notes = (*notes, *self._said_of_lines(first[0][0], len(first[0][1])), *more)
        self._dialect = replace(self._dialect, skip=first[0][0] - 1)
        self.store = self._stored()

    def _stored(self) -> CellStore:
        """The rows below the header. Raises FileError for rows of another width."""
        below = replace(self._dialect, skip=self._dialect.skip + self.headed)
        try:
            store = CellStore(self._database, self._file, below, len(self.names))
        except duckdb.Error as error:
            raise FileError(f"{self._path} cannot be read: {str(error).splitlines()[0]}") from error
        if store.careful:
            self._refuse_rejected()
        return store

    def _said_of_lines(self, start: int, width: int) -> list[str]:
        """Of lines before the first row, of so many cells. Raises FileError where they are rows of another table."""
        if self._dialect.comment:
            return [f"{self._path}: lines that begin with {self._dialect.comment!r} are comments, and left out."]
        if start == 1:
            return []
        with self._file.open(newline="", encoding="utf-8") as file:
            skipped = [line.strip() for line in islice(file, start - 1)]
        cut = [row for row in csv.reader(skipped, delimiter=self._dialect.delimiter) if len(row) > 1]
        numbers = any(is_number(cell) for row in cut for cell in row)
        if numbers and len(cut) > 1 and len({len(row) for row in cut}) == 1:
            raise FileError(
                f"{self._path}: line {start} has {width} cells, but the lines before it {len(cut[0])}: mend what is "
                "wrong, or make a file of each table."
            )
        said = " / ".join(line for line in skipped if line)
        return [f"{self._path}: lines 1 to {start - 1} ({said[:60]}) are taken for a title."] if said else []

    def _refuse_rejected(self) -> None:
        worst = self._database.execute(
            "select error_type, error_message, csv_line, line_byte_position from reject_errors order by 4 limit 1"
        ).fetchall()
        if not worst:
            return
        kind, message, text, position = worst[0]
        line = 1 + self._line_ends(max((position or 1) - 1, 0) + len(text) - len(text.lstrip("\r\n")))
        shown = text.strip("\r\n")
        shown = shown if len(shown) <= 60 else f"{shown[:57]}..."
        found = re.search(r"Found: (\d+)", message)
        if found:
            fact = f"has {found.group(1)} cells, but there are {len(self.names)} columns"
        else:
            fact = f"cannot be cut into cells ({kind.lower()})"
        raise FileError(f"{self._path}: line {line} {fact}: {shown}")

    def _line_ends(self, size: int) -> int:
        """How many there are in so many bytes of the file, of Windows, of old computers or others."""
        count, last = 0, b""
        for part in parts(self._file):
            text = part[:size]
            count += text.count(b"\n") + text.count(b"\r") - text.count(b"\r\n") - (last + text[:1] == b"\r\n")
            size, last = size - len(text), text[-1:]
            if not size:
                break
        return count

    def place(self, row: int) -> str:
        """Where a row begins: 'line 3'."""
        line, _ = next(islice(records(self._file, self._dialect), row + self.headed, None))
        return f"line {line}"


@contextmanager
def open_text(path: str) -> Iterator[TextTable]:
    """A file of text, compressed by gzip or not, while it is open; '-' is what comes in. Raises FileError."""
    with tempfile.TemporaryDirectory(prefix="regnet-") as folder:
        file, notes = as_utf8(path, Path(folder))
        with open_database(Path(folder)) as database:
            yield TextTable(path, file, database, notes)

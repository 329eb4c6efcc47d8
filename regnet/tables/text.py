"""Files of text as columns, read by DuckDB: delimiters, quotes, title lines, compression and encodings."""

from __future__ import annotations

import codecs
import csv
import gzip
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from glob import escape
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, TextIO, final

import duckdb
import numpy as np
from numpy.typing import NDArray

from regnet.tables.columns import FileError, is_number
from regnet.tables.headers import read_header

__all__ = ["TextTable", "open_text"]

DELIMITERS = "\t;,|"
"""In the order in which they are tried: 3,14;2,72 has two cells."""

SAMPLE = 5
"""Lines by which they are tried."""

LARGE = 2**26
"""Bytes of text above which what DuckDB reads goes to the disk where the memory is short."""

BYTES = 2**20
"""That are looked at together."""

MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""What files begin with that say their encoding; UTF-8's own says nothing new."""


@final
@dataclass(frozen=True)
class _Dialect:
    """How cells are cut; skip: lines before the header or the first row; comment: what further lines begin with."""

    delimiter: str
    quote: str = '"'
    escape: str = '"'
    comment: str = ""
    skip: int = 0


@final
class TextTable:
    """The columns of a text file, each (n,), its rows in their order.

    names; headed: whether they are the file's own; rows; notes: what a user should know of the reading.
    """

    def __init__(self, path: str, file: Path, database: duckdb.DuckDBPyConnection, notes: Sequence[str]) -> None:
        """path: for messages; file: the text, UTF-8; database: holds the columns."""
        self._path, self._file, self._database = path, file, database
        self._pattern = _text(escape(str(file)))  # DuckDB takes [1] and * in a name for patterns
        self._dialect = self._told_dialect()
        first = list(islice(_records(file, self._dialect), 2))
        if not first:
            raise FileError(f"{path} is empty.")
        self.names, self.headed, more = read_header(path, [cells for _, cells in first])
        self.notes = (*notes, *self._said_of_lines(first[0][0], len(first[0][1])), *more)
        self._dialect = replace(self._dialect, skip=first[0][0] - 1)
        self.rows = self._read_numbers()
        self._whole = self._finite()
        self._texts: dict[int, str] = {}

    def _told_dialect(self) -> _Dialect:
        """What DuckDB sees in the whole file, cut as the first lines are, where they are alike; else these alone."""
        alike = _alike(self._file)
        given = f", delim={_text(alike)}" if alike else ""
        try:
            found = self._database.execute(
                "select delimiter, quote, escape, comment, skiprows, len(columns) "
                f"from sniff_csv({self._pattern}{given})"
            ).fetchall()
        except duckdb.Error:
            found = []
        seen = [["" if cell == "(empty)" else cell for cell in row] for row in found if row[-1] > 1]
        if not seen:
            return _Dialect(alike or _commonest(self._file))
        delimiter, quote, escape, comment = map(str, seen[0][:4])
        dialect = _Dialect(delimiter, quote or '"', escape or quote or '"')
        return dialect if alike else replace(dialect, comment=comment, skip=int(seen[0][4]))

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

    def _source(self) -> str:
        """The rows as DuckDB reads them, all cells as text."""
        dialect = self._dialect
        options = {
            "delim": dialect.delimiter, "quote": dialect.quote, "escape": dialect.escape, "comment": dialect.comment
        }  # fmt: skip
        columns = ", ".join(f"'c{number}': 'VARCHAR'" for number in range(len(self.names)))
        given = ", ".join(f"{name}={_text(value)}" for name, value in options.items())
        start = dialect.skip + self.headed
        return (
            f"read_csv({self._pattern}, auto_detect=false, header=false, skip={start}, {given}, "
            f"columns={{{columns}}}, store_rejects=true, strict_mode=true)"
        )

    def _read_numbers(self) -> int:
        """Every cell that is a number, and how many rows there are. Raises FileError for rows of another width."""
        numbers = ", ".join(
            f"case when contains(c{k}, '_') or contains(c{k}, '+-') then null else try_cast(c{k} as double) end as c{k}"
            for k in range(len(self.names))
        )
        try:
            self._database.execute(f"create table numbers as select {numbers} from {self._source()}")
        except duckdb.Error as error:
            raise FileError(f"{self._path} cannot be read: {str(error).splitlines()[0]}") from error
        self._refuse_rejected()
        ((rows,),) = self._database.execute("select count(*) from numbers").fetchall()
        return int(rows)

    def _refuse_rejected(self) -> None:
        worst = self._database.execute(
            "select error_type, error_message, csv_line, line_byte_position from reject_errors order by 4 limit 1"
        ).fetchall()
        if not worst:
            return
        kind, message, text, position = worst[0]
        with self._file.open("rb") as file:
            before = file.read(position - 1 if position else 0)
        line = 1 + len(re.findall(rb"\r\n|\n|\r", before + text.encode()[: len(text) - len(text.lstrip("\r\n"))]))
        shown = text.strip("\r\n")
        shown = shown if len(shown) <= 60 else f"{shown[:57]}..."
        found = re.search(r"Found: (\d+)", message)
        if found:
            fact = f"has {found.group(1)} cells, but there are {len(self.names)} columns"
        else:
            fact = f"cannot be cut into cells ({kind.lower()})"
        raise FileError(f"{self._path}: line {line} {fact}: {shown}")

    def _finite(self) -> list[bool]:
        """Of every column, whether all its cells are finite numbers."""
        tests = ", ".join(f"bool_and(c{k} is not null and isfinite(c{k}))" for k in range(len(self.names)))
        (found,) = self._database.execute(f"select {tests} from numbers").fetchall()
        return [bool(one) for one in found]

    def numeric(self, column: int) -> bool:
        """Whether every cell of the column is a finite number."""
        return self._whole[column]

    def cells(self, column: int, rows: slice = slice(None)) -> NDArray[Any]:
        """A column, or some consecutive rows of it: float64 if `numeric`, else text, which is judged elsewhere."""
        return self._fetched("numbers", column, rows) if self._whole[column] else self.text(column, rows)

    def text(self, column: int, rows: slice = slice(None)) -> NDArray[Any]:
        """A column, or some consecutive rows of it, as the file has it, (n,) str objects."""
        if column not in self._texts:
            self._keep_text([column] if self._whole[column] else [k for k, one in enumerate(self._whole) if not one])
        return np.asarray(np.ma.filled(self._fetched(self._texts[column], column, rows), ""), dtype=object)

    def _keep_text(self, columns: list[int]) -> None:
        """Have DuckDB hold these columns as the file writes them, of one pass over it."""
        table = f"text{len(self._texts)}"
        listed = ", ".join(f"c{column}" for column in columns)
        self._database.execute(f"create table {table} as select {listed} from {self._source()}")
        self._texts |= dict.fromkeys(columns, table)

    def _fetched(self, table: str, column: int, rows: slice) -> NDArray[Any]:
        """Rows of a table's column; DuckDB numbers them in the order in which the file has them."""
        start, stop, step = rows.indices(self.rows)
        part = "" if (start, stop) == (0, self.rows) else f" where rowid >= {start} and rowid < {stop}"
        return self._database.execute(f"select c{column} from {table}{part}").fetchnumpy()[f"c{column}"][::step]

    def place(self, row: int) -> str:
        """Where a row begins: 'line 3'."""
        line, _ = next(islice(_records(self._file, self._dialect), row + self.headed, None))
        return f"line {line}"


@contextmanager
def open_text(path: str) -> Iterator[TextTable]:
    """A file of text, compressed by gzip or not, while it is open; '-' is what comes in. Raises FileError."""
    with tempfile.TemporaryDirectory(prefix="regnet-") as folder:
        file, notes = _plain(path, Path(folder))
        large = file.stat().st_size > LARGE
        with duckdb.connect(str(Path(folder) / "columns.duckdb") if large else ":memory:") as database:
            yield TextTable(path, file, database, notes)


def _plain(path: str, folder: Path) -> tuple[Path, list[str]]:
    """The text in UTF-8, a file of its own in the folder where it had to be made, and what to say of it."""
    given, plain = Path(path), folder / "table.csv"
    if path == "-":
        with plain.open("wb") as copy:
            shutil.copyfileobj(sys.stdin.buffer, copy)
    elif given.suffix.lower() == ".gz":
        with gzip.open(given) as packed, plain.open("wb") as copy:
            shutil.copyfileobj(packed, copy)
    else:
        plain = given
    encoding = _encoding(plain)
    if encoding == "utf-8":
        return plain, []
    whole = folder / "utf8.csv"
    with (
        plain.open(encoding=encoding, errors="replace", newline="") as source,
        whole.open("w", encoding="utf-8", newline="") as copy,
    ):
        shutil.copyfileobj(source, copy)
    return whole, [f"{path} is no text in UTF-8, and is read as {encoding}."] if encoding == "cp1252" else []


def _encoding(path: Path) -> str:
    """By the mark at its beginning, else UTF-8 if it is that, else what Windows writes in the west of Europe."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    with path.open("rb") as file:
        start = file.read(4)
        for mark, name in MARKS:
            if start.startswith(mark):
                return name
        file.seek(0)
        try:
            for part in _parts(file):
                decoder.decode(part)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "cp1252"
    return "utf-8"


def _parts(file: BinaryIO) -> Iterator[bytes]:
    while part := file.read(BYTES):
        yield part


def _text(value: Any) -> str:
    """As SQL writes it."""
    return "'" + str(value).replace("'", "''") + "'"


def _open(path: Path) -> TextIO:
    return path.open(newline="", encoding="utf-8-sig")


def _alike(path: Path) -> str:
    """The first delimiter that cuts the first lines into as many cells each, several; '' if none does."""
    for delimiter in DELIMITERS:
        with _open(path) as file:
            widths = {len(row) for row in islice(csv.reader(file, delimiter=delimiter), SAMPLE) if row}
        if len(widths) == 1 and widths != {1}:
            return delimiter
    return ""


def _commonest(path: Path) -> str:
    """The delimiter that the first line has most of."""
    with _open(path) as file:
        first = file.readline()
    return max(DELIMITERS[::-1], key=first.count)


def _records(path: Path, dialect: _Dialect) -> Iterator[tuple[int, list[str]]]:
    """Line numbers, from 1, and cells; blank lines and comments are no rows."""
    doubled = dialect.escape == dialect.quote
    with _open(path) as file:
        lines = islice(file, dialect.skip, None)
        reader = csv.reader(
            lines, delimiter=dialect.delimiter, quotechar=dialect.quote, doublequote=doubled,
            escapechar=None if doubled else dialect.escape,
        )  # fmt: skip
        line = 1
        for row in reader:
            if row and not (dialect.comment and row[0].startswith(dialect.comment)):
                yield dialect.skip + line, row
            line = reader.line_num + 1

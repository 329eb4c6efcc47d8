"""How the lines of a text file are cut into cells: delimiter, quotes, comments, lines before the first row."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, replace
from glob import escape
from itertools import islice
from pathlib import Path
from typing import Any, TextIO, final

import duckdb

__all__ = ["Dialect", "literal", "pattern", "records", "told_dialect"]

DELIMITERS = "\t;,|"
"""In the order in which they are tried: 3,14;2,72 has two cells."""

SAMPLE = 5
"""Lines by which they are tried."""

SNIFFED = 2048
"""Lines in which DuckDB looks for quotes and comments; it tries ways to cut them and types, and is slow at that."""

BUFFER = 2**22
"""Bytes that DuckDB reads together. It takes 2^25 of itself, for each thread; the longest line has 2^21."""


@final
@dataclass(frozen=True)
class Dialect:
    """How cells are cut; skip: lines before the header or the first row; comment: what further lines begin with."""

    delimiter: str
    quote: str = '"'
    escape: str = '"'
    comment: str = ""
    skip: int = 0

    def options(self) -> str:
        """As DuckDB's `read_csv` has them, all but the lines to skip."""
        cut = {"delim": self.delimiter, "quote": self.quote, "escape": self.escape, "comment": self.comment}
        return f"{', '.join(f'{name}={literal(value)}' for name, value in cut.items())}, buffer_size={BUFFER}"


def literal(value: Any) -> str:
    """As SQL writes it."""
    return "'" + str(value).replace("'", "''") + "'"


def pattern(file: Path) -> str:
    """The file's name as SQL writes it, where DuckDB takes [1] and * in a name for patterns."""
    return literal(escape(str(file)))


def told_dialect(file: Path, database: duckdb.DuckDBPyConnection) -> Dialect:
    """What DuckDB sees in many lines, cut as the first ones are, where they are alike; else these alone."""
    alike = _alike(file)
    given = f", delim={literal(alike)}" if alike else ""
    try:
        found = database.execute(
            "select delimiter, quote, escape, comment, skiprows, len(columns) "
            f"from sniff_csv({pattern(file)}, sample_size={SNIFFED}, buffer_size={BUFFER}{given})"
        ).fetchall()
    except duckdb.Error:
        found = []
    seen = [["" if cell == "(empty)" else cell for cell in row] for row in found if row[-1] > 1]
    if not seen:
        return Dialect(alike or _commonest(file))
    delimiter, quote, escaped, comment = map(str, seen[0][:4])
    dialect = Dialect(delimiter, quote or '"', escaped or quote or '"')
    return dialect if alike else replace(dialect, comment=comment, skip=int(seen[0][4]))


def records(path: Path, dialect: Dialect) -> Iterator[tuple[int, list[str]]]:
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


def _open(path: Path) -> TextIO:
    return path.open(newline="", encoding="utf-8-sig")


def _alike(path: Path) -> str:
    """The first delimiter that cuts the first lines into as many cells each, several; '' if none does."""
    for delimiter in DELIMITERS:
        try:
            with _open(path) as file:
                widths = {len(row) for row in islice(csv.reader(file, delimiter=delimiter), SAMPLE) if row}
        except csv.Error:  # a line of very many cells is one that is too long, where another delimiter cuts it
            continue
        if len(widths) == 1 and widths != {1}:
            return delimiter
    return ""


def _commonest(path: Path) -> str:
    """The delimiter that the first line has most of."""
    with _open(path) as file:
        first = file.readline()
    return max(DELIMITERS[::-1], key=first.count)

"""Parquet and Arrow files as columns, read by DuckDB; Arrow's need pyarrow beside it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from glob import escape
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from regnet.tables.columns import FileError

__all__ = ["TypedTable", "open_typed"]

NUMBER = "file_row_number"
"""The column of DuckDB's that numbers the rows of a Parquet file."""

FLOATS = ("float", "double")
"""Types of DuckDB that may hold NaN."""

EXACT = (
    "boolean", "tinyint", "smallint", "integer", "bigint", "hugeint", "utinyint", "usmallint", "uinteger", "ubigint",
    "decimal",
)  # fmt: skip
"""Types of numbers that may not."""


class TypedTable:
    """The columns of a file that has types; names, rows: see `Columns`."""

    def __init__(
        self, relation: duckdb.DuckDBPyRelation, names: list[str], index: list[str], *, numbered: bool = False
    ) -> None:
        """names: the file's own, of which DuckDB makes different ones; index: those of pandas' index.

        numbered: the relation has the rows' numbers as a further column, by which DuckDB finds them without reading
        all that are before them.

        pandas writes the index of a frame behind its columns, where the target is looked for; a CSV has it before them.
        """
        self._relation = relation
        self._order = sorted(range(len(names)), key=lambda column: names[column] not in index)
        self.names = tuple(names[column] for column in self._order)
        self.rows = len(relation)
        self._numbered = numbered
        self._facts = cache(self._ask)

    def cells(self, column: int, rows: slice = slice(None)) -> NDArray[Any]:
        """A column, or some consecutive rows of it, typed, NaN or None where it has no value.

        Its type is a fact of the whole column: numbers are float64 in every part of it if a cell anywhere has no value.
        """
        start, stop, step = rows.indices(self.rows)
        whole = (start, stop) == (0, self.rows)
        part = self._relation if whole else self._part(start, max(stop, start))
        ((_, found),) = part.project(self._quoted(column)).fetchnumpy().items()
        gone = np.ma.getmaskarray(found)[::step]
        values = np.asarray(np.ma.getdata(found))[::step]
        gaps = gone.any() if whole else self._facts(column)[0]
        if gaps and values.dtype.kind in "iuf":
            return np.where(gone, np.nan, values.astype(np.float64))
        if gaps:
            values = np.asarray([None if one else cell for cell, one in zip(values, gone, strict=True)], dtype=object)
        if values.dtype.kind == "O":
            values = np.asarray([bytes(cell) if isinstance(cell, bytearray) else cell for cell in values], dtype=object)
        return values

    def _part(self, start: int, stop: int) -> duckdb.DuckDBPyRelation:
        if self._numbered:
            return self._relation.filter(f"{NUMBER} >= {start} and {NUMBER} < {stop}")
        return self._relation.limit(stop - start, start)

    def numeric(self, column: int) -> bool:
        """Whether every cell of the column is a finite number."""
        gaps, finite = self._facts(column)
        return finite and not gaps

    def _quoted(self, column: int) -> str:
        """The column as SQL names it; as an expression, DuckDB 1.4 takes what is before a point for a table's name."""
        return '"' + self._relation.columns[self._order[column]].replace('"', '""') + '"'

    def _ask(self, column: int) -> tuple[bool, bool]:
        """Whether any cell of the column has no value, and whether all others are finite numbers."""
        name, kind = self._quoted(column), str(self._relation.types[self._order[column]].id)
        finite = f"coalesce(bool_and(isfinite({name})), true)" if kind in FLOATS else str(kind in EXACT)
        ((rows, test),) = self._relation.aggregate(f"count({name}), {finite}").fetchall()
        return rows < self.rows, bool(test)


@contextmanager
def open_typed(path: Path) -> Iterator[TypedTable]:
    """A Parquet, Arrow or Feather file, while it is open. Raises FileError."""
    with duckdb.connect() as database:
        try:
            if path.suffix.lower() == ".parquet":
                yield _parquet(database, path)
            else:
                yield _arrow(database, path)
        except duckdb.Error as error:
            raise FileError(f"{path} cannot be read: {str(error).splitlines()[0]}") from error


def _parquet(database: duckdb.DuckDBPyConnection, path: Path) -> TypedTable:
    with path.open("rb") as file:  # says it better than DuckDB where there is nothing to read
        if file.read(4) != b"PAR1":
            raise FileError(f"{path} cannot be read: it is no Parquet file.")
    pattern = escape(str(path))  # DuckDB takes [1] and * in a name for patterns
    name = "'" + pattern.replace("'", "''") + "'"
    schema = database.execute(f"select name, num_children from parquet_schema({name})").fetchall()
    kept = database.execute(f"select value from parquet_kv_metadata({name}) where key = 'pandas'").fetchall()
    index = json.loads(kept[0][0]).get("index_columns", []) if kept else []
    names = _columns(schema)
    numbered = all(one.lower() != NUMBER for one in names)  # a column of the file itself would hide the numbers
    relation = database.read_parquet(pattern, file_row_number=numbered)
    return TypedTable(relation, names, [str(one) for one in index], numbered=numbered)


def _columns(schema: list[tuple[str, int | None]]) -> list[str]:
    """Names of the columns, of a schema that has the parts of nested ones behind them."""
    names, place, (_, count) = [], 1, schema[0]
    for _ in range(count or 0):
        names.append(schema[place][0])
        parts = 1
        while parts:
            parts += (schema[place][1] or 0) - 1
            place += 1
    return names


def _arrow(database: duckdb.DuckDBPyConnection, path: Path) -> TypedTable:
    try:
        from pyarrow import ArrowInvalid, feather
    except ImportError as error:
        raise FileError(f"Reading {path.suffix} needs pyarrow: pip install pyarrow.") from error
    try:
        table = feather.read_table(path)
    except ArrowInvalid as error:
        raise FileError(f"{path} cannot be read: {error}") from error
    index = (table.schema.pandas_metadata or {}).get("index_columns", [])
    return TypedTable(database.from_arrow(table), list(table.column_names), [str(one) for one in index])

"""Columns that DuckDB holds, read whole or in parts, several by one query."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, final

import duckdb
import numpy as np
from numpy.typing import NDArray

__all__ = ["HeldColumns"]


@final
class HeldColumns:
    """Columns of a table of DuckDB's, each (n,), in the order in which the rows were put in.

    A query takes a millisecond and more, by the columns that the table has, however few are asked for. So others are
    read with the one that is asked for: the next ones with a whole column, and with a part of one those of which parts
    were asked for before, since who reads a file in parts asks for the same columns of every part.
    """

    def __init__(
        self, database: duckdb.DuckDBPyConnection, table: str, columns: Sequence[int], rows: int, ahead: int
    ) -> None:
        """columns: their numbers k, of the table's columns ck; ahead: how many cells may be read together."""
        self._database, self._table, self._columns, self._rows, self._most = database, table, columns, rows, ahead
        self._place = {column: place for place, column in enumerate(columns)}
        self._asked: dict[int, None] = {}
        self._ahead: dict[int, NDArray[Any]] = {}
        self._ahead_of: tuple[int, int] | None = None

    def read(self, column: int, rows: slice) -> NDArray[Any]:
        """Cells of a column; what was read ahead is handed out once, and is the caller's."""
        start, stop, step = rows.indices(self._rows)
        part = (start, max(start, stop))
        whole, new = part == (0, self._rows), part != self._ahead_of
        if new or column not in self._ahead:
            beside = self._columns[self._place[column] :] if whole else self._asked if new else ()
            few = max(1, self._most // max(1, part[1] - start))
            found = self._queried(list(dict.fromkeys([column, *beside]))[:few], part)
            self._ahead_of, self._ahead = part, found if new or whole else self._ahead | found
        if not whole:
            self._asked[column] = None
        return self._ahead.pop(column)[::step]

    def _queried(self, columns: list[int], part: tuple[int, int]) -> dict[int, NDArray[Any]]:
        listed = ", ".join(f"c{column}" for column in columns)
        where = "" if part == (0, self._rows) else f" where rowid >= {part[0]} and rowid < {part[1]}"
        found = self._database.execute(f"select {listed} from {self._table}{where}").fetchnumpy()
        return {column: np.asarray(found[f"c{column}"]) for column in columns}

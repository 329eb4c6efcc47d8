"""A table's columns by name, each judged when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Self, final

import numpy as np
from numpy.typing import NDArray

from regnet.tables.columns import Column

__all__ = ["Frame", "take_rows"]


@final
class Frame:
    """Columns by name, and which rows of them; a file's columns are read when they are asked for, and not kept.

    columns: their names; shape: (rows, columns).
    """

    ndim = 2

    def __init__(
        self,
        names: Iterable[str],
        rows: int,
        read: Callable[[str, slice], Column],
        picked: NDArray[np.int64] | slice = slice(None),
    ) -> None:
        """read: some rows that lie together, of a column; picked: rows that the frame has of those that are read."""
        self.columns, self._rows, self._read, self._picked = tuple(names), rows, read, picked
        count = len(range(rows)[picked]) if isinstance(picked, slice) else len(picked)
        self.shape = (count, len(self.columns))

    @classmethod
    def of_matrix(cls, x: NDArray[Any], names: Iterable[str], /) -> Self:
        """That of numbers, (n, columns)."""
        columns = {name: Column("number", column) for name, column in zip(names, x.T, strict=True)}
        return cls(columns, len(x), lambda name, rows: columns[name].take(rows))

    def __len__(self) -> int:
        """How many rows it has."""
        return self.shape[0]

    def __getitem__(self, name: str, /) -> Column:
        """The column of this name, (rows,)."""
        if isinstance(self._picked, slice):
            return self._read(name, self._picked)
        return self._read(name, slice(None)).take(self._picked)

    def take(self, rows: NDArray[np.int64] | slice, /) -> Self:
        """Some of its rows, by their numbers."""
        if isinstance(self._picked, slice) and isinstance(rows, slice):
            whole = range(self._rows)[self._picked][rows]
            return type(self)(self.columns, self._rows, self._read, slice(whole.start, whole.stop, whole.step))
        picked = np.arange(self._rows)[self._picked][rows]
        return type(self)(self.columns, self._rows, self._read, picked)

    def only(self, names: Iterable[str], /) -> Self:
        """Some of its columns."""
        return type(self)(names, self._rows, self._read, self._picked)

    def held(self) -> Self:
        """The same in memory: each column is read now, once."""
        columns = {name: _shared(self[name]) for name in self.columns}
        return type(self)(columns, len(self), lambda name, rows: columns[name].take(rows))


def take_rows(table: Any, rows: NDArray[Any], /) -> Any:
    """Rows of a `Frame`, or of a table of any library that scikit-learn knows."""
    from sklearn.utils import _safe_indexing

    return table.take(rows) if type(table) is Frame else _safe_indexing(table, rows)


def _shared(column: Column) -> Column:
    """With one object for all cells of the same text."""
    if column.kind != "text":
        return column
    known: dict[Any, Any] = {}
    values = np.empty(len(column.values), dtype=object)
    values[:] = [known.setdefault(cell, cell) for cell in column.values.tolist()]
    return column._replace(values=values, shown=None)

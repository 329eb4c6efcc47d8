"""What every column of a file must be, whatever it is for; errors say where it is not."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from regnet.tables.columns import Column, FileError, judge
from regnet.tables.readers import Columns

__all__ = ["check_values", "judge_column", "seen"]


def judge_column(path: str, columns: Columns, name: str) -> Column:
    """What the column of this name is. Raises FileError for one that cannot be read."""
    try:
        return judge(columns.cells(columns.names.index(name)), parse=columns.text is not None)
    except FileError as error:
        raise FileError(f"{path}: column {name!r} holds {error}") from error


def seen(columns: Columns, column: Column) -> str:
    """The first cell that speaks against numbers, and how many speak for them."""
    row = column.odd or 0
    beside = f"; {column.numbers} of {columns.rows} cells are numbers" if column.numbers else ""
    return f"{column.cell(row)} in {columns.place(row)}{beside}"


def check_values(what: str, columns: Columns, column: Column, *, otherwise: str = "") -> None:
    """Raise FileError for a column that is neither numbers nor text, or has numbers that are missing or infinite.

    otherwise: what else may be done, a sentence.
    """
    if column.kind == "numbers with commas":
        row = column.odd or 0
        raise FileError(
            f"{what} holds numbers with commas that can be read in two ways ({column.cell(row)}, {columns.place(row)}"
            f"): write decimals with a point, and thousands without a mark.{otherwise}"
        )
    if column.kind not in ("number", "text"):
        raise FileError(f"{what} holds {column.kind}: make numbers of them, or drop the column.{otherwise}")
    if column.kind == "text":
        return
    for rows, fact in ((column.missing, "without a value"), (_infinite(column), "that are infinite")):
        if len(rows):
            row = int(rows[0])
            raise FileError(
                f"{what} has {len(rows)} of {len(column.values)} cells {fact} ({column.cell(row)}, the first in "
                f"{columns.place(row)}): drop such rows, or fill the cells.{otherwise}"
            )


def _infinite(column: Column) -> NDArray[np.int64]:
    values = column.values
    return np.flatnonzero(np.isinf(values)) if values.dtype.kind == "f" else np.empty(0, dtype=np.int64)

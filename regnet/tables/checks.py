"""What every column of a file must be, whatever it is for; errors say where it is not."""

from __future__ import annotations

from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from regnet.tables.columns import Column, FileError, Like, judge, text_column
from regnet.tables.dates import AMBIGUOUS
from regnet.tables.readers import Columns

__all__ = ["judge_column", "missing_cells", "problem_of", "seen", "text_of"]

COMMAS = "numbers with commas"


def judge_column(path: str, columns: Columns, name: str, like: Like | None = None) -> Column:
    """What the column of this name is. Raises FileError for one that cannot be read."""
    try:
        return judge(columns.cells(columns.numbers[name]), parse=columns.text is not None, like=like)
    except FileError as error:
        raise FileError(f"{path}: column {name!r} holds {error}") from error


def text_of(columns: Columns, name: str) -> Column:
    """The column of this name as text, whatever it says."""
    number = columns.numbers[name]
    if columns.text is not None:
        return text_column(columns.text(number), parse=True)
    cells = np.asarray(columns.cells(number))
    judged = judge(cells)
    absent = np.zeros(len(cells), dtype=bool)
    absent[judged.missing] = True
    shown = [_plain(cell) for cell in (judged.values.tolist() if judged.kind in ("number", "text") else cells)]
    return text_column(np.asarray(np.where(absent, "", np.asarray(shown, dtype=object)), dtype=object))


def _plain(cell: object) -> str:
    """As a file of text has it: 2.0 is 2, and a date has no time, whatever type the file gives it."""
    if isinstance(cell, np.datetime64):
        cell = cell.astype("datetime64[us]").item()
    if isinstance(cell, datetime) and cell == datetime(cell.year, cell.month, cell.day):
        return str(cell.date())
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)


def seen(columns: Columns, column: Column) -> str:
    """The first cell that speaks against numbers, and how many speak for them."""
    row = column.odd or 0
    beside = f"; {column.numbers} of {columns.rows} cells are numbers" if column.numbers else ""
    return f"{column.cell(row)} in {columns.place(row)}{beside}"


def missing_cells(columns: Columns, column: Column) -> str:
    """How many cells have no value, and where the first one is."""
    row = int(column.missing[0])
    return f"{len(column.missing)} of {len(column.values)} cells, {column.cell(row)} in {columns.place(row)} the first"


def problem_of(columns: Columns, column: Column) -> str | None:
    """What is wrong with a column, and how to mend it; None for numbers, dates, durations and text."""
    row = column.odd or 0
    if column.kind == COMMAS:
        return (
            f"holds numbers with commas that can be read in two ways ({column.cell(row)}, {columns.place(row)}): write "
            "decimals with a point, and thousands without a mark"
        )
    if column.kind == AMBIGUOUS:
        return f"holds {AMBIGUOUS} ({column.cell(row)}, {columns.place(row)}): write 2026-11-27"
    if column.kind not in ("number", "date", "duration", "text"):
        return f"holds {column.kind}: make numbers or text of them"
    if column.kind == "text":
        return None
    infinite = _infinite(column)
    if len(infinite):
        first = int(infinite[0])
        return (
            f"has {len(infinite)} of {len(column.values)} cells that are infinite ({column.cell(first)}, the first in "
            f"{columns.place(first)}): drop such rows, or empty the cells"
        )
    return None


def _infinite(column: Column) -> NDArray[np.int64]:
    values = column.values
    return np.flatnonzero(np.isinf(values)) if values.dtype.kind == "f" else np.empty(0, dtype=np.int64)

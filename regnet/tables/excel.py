"""The first sheet of an Excel or OpenDocument workbook as columns, read by python-calamine."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import dropwhile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from regnet.tables.columns import FileError

__all__ = ["SheetTable", "open_sheet"]


class SheetTable:
    """The columns below the first row of a sheet that has cells; names, rows, notes, place: see `Columns`.

    columns: of numbers where every cell is one, else of what the cells hold, None where they are empty.
    """

    def __init__(self, path: Path, sheets: list[str], cells: list[list[Any]]) -> None:
        """cells: row by row, '' where one is empty. Raises FileError where a column has no name."""
        self._start = next((number for number, row in enumerate(cells) if any(cell != "" for cell in row)), len(cells))
        body = cells[self._start :]
        if not body:
            raise FileError(f"{path}: the sheet {sheets[0]!r} is empty.")
        used = [number for number, column in enumerate(zip(*body, strict=True)) if any(cell != "" for cell in column)]
        nameless = [number for number in used if body[0][number] == ""]
        if nameless:
            raise FileError(f"{path}: column {nameless[0] + 1} of {sheets[0]!r} has no name in row {self._start + 1}.")
        self.names = tuple(str(body[0][number]) for number in used)
        blank = dropwhile(lambda row: all(cell == "" for cell in row), reversed(body[1:]))
        below = [[row[number] for number in used] for row in blank][::-1]
        self.rows = len(below)
        self.columns = [_column(column) for column in zip(*below, strict=True)]
        others = ", ".join(map(repr, sheets[1:]))
        self.notes = (f"{path}: the first sheet, {sheets[0]!r}, is read, and not {others}.",) if others else ()

    def place(self, row: int) -> str:
        """Where the sheet has it."""
        return f"row {self._start + 2 + row}"


def _column(cells: Iterable[Any]) -> NDArray[Any]:
    """Numbers, or objects; of numbers and text all of it text, as a file of text has it."""
    found = [None if cell == "" else cell for cell in cells]
    if all(isinstance(cell, (bool, int, float)) for cell in found):
        return np.asarray(found)
    if {type(cell) for cell in found if cell is not None} <= {str, bool, int, float}:
        found = ["" if cell is None else _written(cell) for cell in found]
    return np.asarray(found, dtype=object)


def _written(cell: str | float) -> str:
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)


def open_sheet(path: Path) -> SheetTable:
    """Open a workbook. Raises FileError."""
    try:
        from python_calamine import CalamineError, load_workbook
    except ImportError as error:
        raise FileError(f"Reading {path.suffix} needs python-calamine: pip install python-calamine.") from error
    try:
        book = load_workbook(path)
        cells = book.get_sheet_by_index(0).to_python(skip_empty_area=False)
    except CalamineError as error:
        raise FileError(f"{path} cannot be read: {error}") from error
    return SheetTable(path, book.sheet_names, cells)

"""Columns of pandas' and polars' frames, judged as those of a file are."""

from __future__ import annotations

import datetime
from collections.abc import Collection
from typing import Any

import numpy as np
from numpy.typing import NDArray

from regnet.tables.columns import Column, judge

__all__ = ["columns_of_frame"]

DAY = np.timedelta64(1, "D")

EPOCH = np.datetime64("1970-01-01")


def columns_of_frame(frame: Any, only: Collection[str] | None = None) -> dict[str, Column]:
    """The columns by name, in their order; dates and durations as numbers of days. Raises TypeError for no frame.

    only: names of those that are looked at, where not all are.
    """
    if not (hasattr(frame, "columns") and hasattr(frame, "shape") and hasattr(frame, "__getitem__")):
        raise TypeError(
            f"X is of type {type(frame).__name__}: give a frame of pandas or polars, whose columns have names."
        )
    wanted = {str(name): name for name in frame.columns}
    return {name: _judged(frame[own]) for name, own in wanted.items() if only is None or name in only}


def _judged(series: Any) -> Column:
    cells = _cells(series)
    if cells.dtype.kind not in "Mm":
        return judge(cells)
    absent = np.isnat(cells)
    days = (cells - EPOCH if cells.dtype.kind == "M" else cells) / DAY
    return Column("number", np.where(absent, np.nan, days), np.flatnonzero(absent))


def _cells(series: Any) -> NDArray[Any]:
    """The cells (n,): numbers, dates, or objects with None where there is no value."""
    kind = str(series.dtype).lower()
    categories = kind.startswith(("category", "categorical", "enum"))
    values = np.asarray(series.to_numpy())
    if values.dtype.kind in "US":
        values = values.astype(object)
    if values.dtype != object and not categories:
        return values
    cells = [None if _is_missing(cell) else str(cell) if categories else cell for cell in values.tolist()]
    present = [cell for cell in cells if cell is not None]
    if present and all(isinstance(cell, datetime.date) for cell in present):  # datetime.datetime is one
        naive = [cell.replace(tzinfo=None) if isinstance(cell, datetime.datetime) else cell for cell in present]
        filled = iter(naive)
        return np.asarray([None if cell is None else next(filled) for cell in cells], dtype="datetime64[us]")
    found = np.empty(len(cells), dtype=object)
    found[:] = cells
    return found


def _is_missing(cell: Any) -> bool:
    try:
        return cell is None or bool(cell != cell)
    except TypeError:  # pandas' NA says neither
        return True

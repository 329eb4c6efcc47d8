"""pandas' and polars' frames, whose columns are judged as those of a typed file are."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from regnet.tables.columns import Column, is_nothing, judge
from regnet.tables.frame import Frame

__all__ = ["frame_of"]


def frame_of(table: Any) -> Frame:
    """A frame of pandas or polars, or of a file. Raises TypeError for anything else, ValueError for a name twice."""
    if type(table) is Frame:
        return table
    if not (hasattr(table, "columns") and hasattr(table, "shape") and hasattr(table, "__getitem__")):
        raise TypeError(
            f"X is {'None' if table is None else f'of type {type(table).__name__}'}: give a frame of pandas or polars, "
            "whose columns have names."
        )
    own = {str(name): name for name in table.columns}
    if len(own) < len(table.columns):
        names = [str(name) for name in table.columns]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"X has two columns called {twice!r}: rename one.")

    def read(name: str, rows: slice) -> Column:
        return judge(_cells(table[own[name]])[rows])

    return Frame(own, table.shape[0], read)


def _cells(series: Any) -> NDArray[Any]:
    """The cells (n,): numbers, dates, or objects with None where there is no value."""
    kind = str(series.dtype).lower()
    values = np.asarray(series.to_numpy())
    if values.dtype.kind in "US":
        values = values.astype(object)
    if not kind.startswith(("category", "categorical", "enum")):
        return values
    found = np.empty(len(values), dtype=object)
    found[:] = [None if is_nothing(cell) else str(cell) for cell in values.tolist()]
    return found

"""Which columns of a table hold no finite numbers, as a message tells it: the first ten, and how many more."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, time, timedelta
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from regnet.arrays.namespace import root_module

__all__ = ["Fault", "cells_of_column", "explained", "fault_of", "faults_of", "is_missing", "shown", "tell"]

LISTED, WIDEST, LONGEST = 10, 24, 590
"""Columns that a message lists; characters of a name or a cell, and of a whole message."""

ROWS = 2**16
"""Rows that are looked at at once: a table may lie in a file, and be larger than the memory."""


class Fault(NamedTuple):
    """Why a column holds no finite numbers. kind: 'NaN', 'infinity' or 'other'; fact: for a message."""

    kind: str
    fact: str


def shown(value: object, /) -> str:
    """A name or cell as a message shows it: short, and without control characters."""
    text = repr(value if isinstance(value, (str, bytes, int, float, complex)) else str(value))
    return text if len(text) <= WIDEST else f"{text[: WIDEST - 4]}...{text[-1]}"


def is_missing(cell: Any, /) -> bool:
    """Whether it is None, a NaN, or pandas' NaT or NA."""
    try:
        return cell is None or bool(cell != cell)
    except (TypeError, ValueError):  # pandas' NA says neither, an array says it of each of its own
        return root_module(cell) == "pandas"


def _word(cell: Any) -> str:
    """What an object is that is no number."""
    if isinstance(cell, str):
        return "text"
    if isinstance(cell, complex):
        return "complex numbers"
    if isinstance(cell, int):
        return "integers beyond float64"
    if isinstance(cell, (date, time, np.datetime64)):
        return "dates"
    return "durations" if isinstance(cell, (timedelta, np.timedelta64)) else f"values of type {type(cell).__name__}"


def _is_number(cell: Any) -> bool:
    if isinstance(cell, (np.timedelta64, np.datetime64, np.complexfloating, np.ndarray)):  # float() takes them
        return False
    try:
        float(cell)
    except (TypeError, ValueError, OverflowError):
        return False
    return True


def fault_of(cells: NDArray[Any], /) -> Fault | None:
    """What is wrong with a column (n,); None for finite numbers, as text too."""
    kind, count = cells.dtype.kind, len(cells)
    if kind in "iub":
        return None
    if kind in "OUST":
        objects = cells.tolist()
        odd = next((row for row, cell in enumerate(objects) if not is_missing(cell) and not _is_number(cell)), None)
        if odd is not None:
            return Fault("other", f"{_word(objects[odd])} ({shown(objects[odd])} in row {odd})")
        cells = np.asarray([np.nan if is_missing(cell) else float(cell) for cell in objects])
    elif kind != "f":
        return Fault("other", {"c": "complex numbers", "M": "dates", "m": "durations"}.get(kind, "records"))
    for name, bad in (("NaN", np.isnan(cells)), ("infinity", np.isinf(cells))):
        if bad.any():
            return Fault(name, f"{name} in {int(bad.sum())} of {count} rows (row {int(bad.argmax())} first)")
    return None


def cells_of_column(table: Any, number: int, /) -> NDArray[Any]:
    """A column (n,) of a frame or a matrix."""
    if isinstance(table, np.ndarray):
        return table[:, number]
    column = table.iloc[:, number] if root_module(table) == "pandas" else table[:, number]
    return np.asarray(column.to_numpy())


def _bad_columns(table: Any) -> Iterator[int]:
    """Numbers of the columns that hold no finite numbers."""
    if isinstance(table, np.ndarray) and table.dtype.kind == "f":
        bad = np.zeros(table.shape[1], dtype=bool)
        for start in range(0, len(table), ROWS):
            bad |= ~np.isfinite(table[start : start + ROWS]).all(axis=0)
        yield from np.flatnonzero(bad).tolist()
        return
    yield from (k for k in range(table.shape[1]) if fault_of(cells_of_column(table, k)) is not None)


def faults_of(table: Any, /) -> tuple[list[tuple[str, Fault]], int]:
    """The first ten columns of a matrix or frame that hold no finite numbers, by name or number, and how many do."""
    names = None if isinstance(table, np.ndarray) else list(table.columns)
    bad = list(_bad_columns(table))
    found = []
    for number in bad[:LISTED]:
        fault = fault_of(cells_of_column(table, number))
        if fault is not None:
            found.append((str(number) if names is None else shown(names[number]), fault))
    return found, len(bad)


def tell(name: str, found: list[tuple[str, Fault]], count: int, /) -> str:
    """The sentence for `faults_of`, in scikit-learn's words where it has some."""
    kinds = {fault.kind for _, fault in found}
    parts = [f"column {column}: {fault.fact}" for column, fault in found]
    if kinds <= {"NaN", "infinity"}:
        head = f"Input {name} contains NaN" if "NaN" in kinds else f"Input {name} contains infinity"
        remedy = "Fill such cells (SimpleImputer; of a frame TableEncoder(missing='impute')), or drop them."
    else:
        head = f"{name} holds more than numbers"
        remedy = "Each cell of this argument must be a number, or a string of a number: encode (TableEncoder), or drop."
    kept = len(parts)
    while True:
        more = f"; and {count - kept} columns more" if count > kept else ""
        text = f"{head}: {'; '.join(parts[:kept])}{more}. {remedy}"
        if len(text) <= LONGEST or kept == 1:
            return text
        kept -= 1


def explained(name: str, values: Any, error: Exception, /) -> Exception:
    """The error that says of the argument `name` what is wrong with it, where a check of scikit-learn's said less."""
    kind = TypeError if isinstance(error, TypeError) else ValueError
    is_table = isinstance(values, np.ndarray) and values.ndim == 2 and values.dtype.kind != "V"
    if is_table or (root_module(values) in ("pandas", "polars") and getattr(values, "ndim", 2) == 2):
        found, count = faults_of(values)
        if found:
            return kind(tell(name, found, count))
    text = str(error).replace("y_true", "y")  # a metric's own name of it
    text = text if len(text) <= LONGEST else f"{text[: LONGEST - 30]} ..."
    told = name in text.split() or text.startswith(("Found input variables", "Input y"))  # of X and y, and of y
    return kind(text if told else f"{name}: {text}")

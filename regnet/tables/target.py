"""The target of a file: values, or classes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from regnet.tables.checks import check_values, judge_column, seen
from regnet.tables.columns import MISSING, Column, FileError
from regnet.tables.readers import Columns

__all__ = ["target_of"]

MOST_CLASSES = 20
"""A target of whole numbers with no more than this many different values is taken for classes."""

FEW_CLASSES = 10
"""Text with no more than this many different values is taken for classes, however few rows there are."""

EXACT = 2**53
"""Whole numbers from here on are not all float64."""


def target_of(path: str, columns: Columns, name: str, task: str | None) -> tuple[NDArray[Any], str, list[str]]:
    """The target's values, the task, and what to say. Raises FileError for a column that is no target."""
    column = judge_column(path, columns, name)
    what = f"{path}: column {name!r}, the target,"
    check_values(what, columns, column)
    if column.kind == "text":
        return np.asarray(column.values, dtype=object), "classification", _check_classes(what, columns, column, task)
    y = column.values
    if y.dtype.kind == "f" and np.abs(y).max() >= EXACT and columns.text is not None:
        y = _whole_numbers(columns.text(columns.names.index(name)), y)
    guessed = "classification" if _looks_like_classes(y) else "regression"
    classes = (task or guessed) == "classification"
    if classes and y.dtype.kind == "f" and (y == np.round(y)).all() and np.abs(y).max() < 2**63:
        y = y.astype(np.int64)
    return y, task or guessed, []


def _whole_numbers(cells: NDArray[Any], values: NDArray[np.float64]) -> NDArray[Any]:
    """The text of whole numbers with all their digits; other values as they are."""
    try:
        whole = [int(cell) for cell in cells]
    except ValueError:
        return values
    low, high = min(whole), max(whole)
    kinds = (kind for kind in (np.int64, np.uint64) if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max)
    kind = next(kinds, None)
    return values if kind is None else np.asarray(whole, dtype=kind)


def _looks_like_classes(y: NDArray[Any]) -> bool:
    if y.dtype.kind == "b":
        return True
    return bool((y == np.round(y)).all()) and len(np.unique(y)) <= MOST_CLASSES


def _check_classes(what: str, columns: Columns, column: Column, task: str | None) -> list[str]:
    """What to say of text as classes. Raises FileError where it cannot be that."""
    if len(column.missing):
        lines = ", ".join(columns.place(int(row)) for row in column.missing[:5])
        more = ", ..." if len(column.missing) > 5 else ""
        raise FileError(
            f"{what} has {len(column.missing)} of {len(column.values)} cells without a value ({lines}{more}): drop "
            "such rows, or name their class."
        )
    shown = f"({seen(columns, column)})"
    if task == "regression":
        raise FileError(f"{what} holds text {shown}, so it cannot be regressed on: write numbers.")
    classes, counts = np.unique(np.asarray(column.values, dtype=str), return_counts=True)
    most = MOST_CLASSES if 2 * column.numbers > columns.rows else max(FEW_CLASSES, columns.rows / 2)
    if task is None and len(classes) > most:
        raise FileError(
            f"{what} holds text {shown} with {len(classes)} different values in {len(column.values)} rows, too many "
            "for classes. If it should hold numbers, mend the cells that are none; if these are classes, say --task "
            "classification."
        )
    if column.numbers:
        return [f"{what} holds text {shown}, and is taken for {len(classes)} classes."]
    marks = [
        f"{value!r} ({count} rows)"
        for value, count in zip(classes.tolist(), counts, strict=True)
        if value.lower() in MISSING
    ]
    said = f"{what} has the class {', '.join(marks)}: if it stands for a missing value, drop these rows."
    return [said] if marks else []

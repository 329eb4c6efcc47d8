"""The target of a file: values, counts, or classes."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from regnet.tables.checks import judge_column, missing_cells, problem_of, seen
from regnet.tables.columns import MISSING, Column, FileError
from regnet.tables.encoding import gone
from regnet.tables.readers import Columns

__all__ = ["TASKS", "Target", "target_of"]

TASKS = ("classification", "regression", "counts")

MOST_CLASSES = 20
"""A target of whole numbers with no more than this many different values is taken for classes, or for counts."""

FEW_CLASSES = 10
"""Text with no more than this many different values is taken for classes, however few rows there are."""

FEWEST_COUNTS = 5
"""Different values from which on whole numbers may be counts."""

RARE = 5
"""How much rarer than the commonest count the largest one is at least."""

EXACT = 2**53
"""Whole numbers from here on are not all float64."""


class Target(NamedTuple):
    """y: of the rows that have one, (k,); rows: their numbers, (k,); task; notes: what to say of it."""

    y: NDArray[Any]
    rows: NDArray[np.int64]
    task: str
    notes: list[str]


def target_of(path: str, columns: Columns, name: str, task: str | None, *, drop: bool = False) -> Target:
    """The target's values, and the task, which they tell where it is None.

    drop: whether rows without a value are left out, and not refused. Raises FileError for a column that is no target.
    """
    column = judge_column(path, columns, name)
    what = f"{path}: column {name!r}, the target,"
    problem = problem_of(columns, column)
    if problem is None and column.kind in ("date", "duration"):
        problem = f"holds {column.kind}s: make numbers or classes of them"
    if problem is not None:
        raise FileError(f"{what} {problem}.")
    present, notes = ~gone(column), []
    if not present.all():
        if not drop:
            raise FileError(
                f"{what} has no value in {missing_cells(columns, column)}: --missing impute leaves such rows out, and "
                "fills the holes of inputs; --missing drop leaves out all rows with a hole."
            )
        if not present.any():
            raise FileError(f"{what} has no values.")
        notes = [f"{what} has no value in {missing_cells(columns, column)}: such rows are left out."]
    rows = np.flatnonzero(present)
    if column.kind == "text":
        said = _check_classes(what, columns, column, task)
        return Target(np.asarray(column.values[present], dtype=object), rows, "classification", notes + said)
    y = column.values[present]
    if y.dtype.kind == "f" and np.abs(y).max() >= EXACT and columns.text is not None:
        y = _whole_numbers(columns.text(columns.numbers[name])[present], y)
    found, said = _told(what, y) if task is None else (task, [])
    if found == "counts":
        _check_counts(what, y)
    if found == "classification" and y.dtype.kind == "f" and (y == np.round(y)).all() and np.abs(y).max() < 2**63:
        y = y.astype(np.int64)
    return Target(y, rows, found, notes + said)


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


def _told(what: str, y: NDArray[Any]) -> tuple[str, list[str]]:
    """The task that numbers tell, and what to say where another might be meant."""
    if y.dtype.kind == "b":
        return "classification", []
    values, counts = np.unique(y, return_counts=True)
    if len(values) > MOST_CLASSES or (values != np.round(values)).any():
        return "regression", []
    if _look_like_counts(values, counts):
        return "counts", [
            f"{what} holds whole numbers from 0 to {values[-1]:g}, large ones seldom, and they are taken for counts "
            "(Poisson). --task classification takes them for classes, --task regression for measurements."
        ]
    said = (
        f"{what} holds {len(values)} different whole numbers, which are taken for classes. --task counts or --task "
        "regression takes them for numbers."
    )
    return "classification", [said] if len(values) > 2 else []


def _look_like_counts(values: NDArray[Any], counts: NDArray[np.int64]) -> bool:
    """Whether numbers of rows (k,) rise to the commonest value, which is among the smaller ones, and fall behind it.

    From 0 on, to a largest value that is rare; a step the other way of less than three standard errors does not count.
    The order of class numbers means nothing: of six classes of unequal size one in twenty such tables comes so.
    """
    if len(values) < FEWEST_COUNTS or values[0] != 0:
        return False
    top, noise = int(counts.argmax()), 3 * np.sqrt(np.minimum(counts[:-1], counts[1:]) + 1.0)
    steps = np.diff(counts)
    rises, falls = bool((steps[:top] >= -noise[:top]).all()), bool((steps[top:] <= noise[top:]).all())
    return rises and falls and 2 * top < len(values) and bool(RARE * counts[-1] <= counts[top])


def _check_counts(what: str, y: NDArray[Any]) -> None:
    bad = y[(y < 0) | (y != np.round(y))] if y.dtype.kind == "f" else y[y < 0]
    if len(bad):
        raise FileError(f"{what} holds {bad[0]:g}, which is no count: take --task regression.")


def _check_classes(what: str, columns: Columns, column: Column, task: str | None) -> list[str]:
    """What to say of text as classes. Raises FileError where it cannot be that."""
    shown, present = f"({seen(columns, column)})", column.values[~gone(column)]
    if task not in (None, "classification"):
        raise FileError(f"{what} holds text {shown}, so --task {task} cannot be: write numbers.")
    classes, counts = np.unique(np.asarray(present, dtype=str), return_counts=True)
    most = MOST_CLASSES if 2 * column.numbers > columns.rows else max(FEW_CLASSES, columns.rows / 2)
    if task is None and len(classes) > most:
        raise FileError(
            f"{what} holds text {shown} with {len(classes)} different values in {len(present)} rows, too many "
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

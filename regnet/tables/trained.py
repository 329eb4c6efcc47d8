"""The inputs that a model was trained with, of another file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np

from regnet.tables.checks import judge_column, missing_cells, problem_of, seen, text_of
from regnet.tables.columns import Column, FileError, Like
from regnet.tables.encoding import KINDS, EncodedColumn, unseen
from regnet.tables.files import reader_of
from regnet.tables.frame import Frame
from regnet.tables.readers import Columns, read_columns
from regnet.tables.table import short

__all__ = ["TrainedInputs", "open_inputs"]


class TrainedInputs(NamedTuple):
    """frame: the file's columns by the names that the model knows; notes: what a user should know of the file."""

    frame: Frame
    notes: tuple[str, ...]


@contextmanager
def open_inputs(
    path: str,
    trained: Sequence[EncodedColumn],
    unheaded: tuple[Sequence[str], str] = ((), ""),
    *,
    unused: Set[str] = frozenset(),
    refuse_unseen: bool = False,
) -> Iterator[TrainedInputs]:
    """The columns of a file that a model needs, while it is open; others are ignored. They are checked first.

    unused: names of columns that the model was trained with and does not look at: the file need not have them. Columns
    of a file without a header are those of the table of training if that had none either (unheaded: its columns
    and which of them was the target), with or without the target, or else those that are needed: their number tells
    which. Values of text that the model has not seen are noted, or refused; what a column does not tell, such as which
    number of 1/2/2026 is the month, is as it was in training. Columns of numbers are read when they are asked for, and
    others held in memory. Raises FileError.
    """
    with read_columns(path) as columns:
        place = _places(path, columns, [one.name for one in trained], unused, *unheaded)
        read = reader_of(path, columns)
        held: dict[str, Column] = {}
        notes = list(columns.notes)
        if lacking := [one.name for one in trained if columns.headed and one.name in unused - columns.numbers.keys()]:
            notes.append(f"{path}: the model does not use {short(lacking)}, and the file has no such column")
        for one in trained:
            if one.name in unused:
                continue
            own = place[one.name]
            if one.kind == "number" and columns.numeric(columns.numbers[own]):
                continue
            if one.kind == "factor":
                column = text_of(columns, own)
            else:
                column = judge_column(path, columns, own, Like(one.day_first))
            _check(f"{path}: column {own!r}", columns, one, column)
            notes += _said_of_unseen(f"{path}: column {own!r}", columns, one, column, refuse=refuse_unseen)
            held[one.name] = column

        def of_model(name: str, rows: slice) -> Column:
            return held[name].take(rows) if name in held else read(place[name], rows)

        yield TrainedInputs(Frame(place, columns.rows, of_model), tuple(notes))


def _places(
    path: str, columns: Columns, trained: Sequence[str], unused: Set[str], unheaded: Sequence[str], target: str
) -> dict[str, str]:
    """The file's name of each column that is needed."""
    needed = [name for name in trained if name not in unused]
    for names in () if columns.headed else (unheaded, [name for name in unheaded if name != target], trained, needed):
        if len(names) == len(columns.names):
            own = dict(zip(names, columns.names, strict=True))
            return {name: own[name] for name in needed}
    if unheaded and not columns.headed:
        raise FileError(
            f"{path} has {len(columns.names)} columns without names, but the model was trained on {len(unheaded)} with "
            f"the target, {target!r}, and needs {len(needed)} of them: give all of them, all but the target, or those "
            "alone."
        )
    missing = [name for name in needed if name not in columns.numbers]
    if not missing:
        return {name: name for name in needed}
    remedy = "rename the columns as they were in training" if columns.headed else "write their names above them"
    raise FileError(
        f"{path} has {len(columns.names)} columns ({short(columns.names)}), but the model needs {len(needed)}; "
        f"missing: {short(missing)}. Columns are found by name: {remedy}."
    )


def _check(what: str, columns: Columns, one: EncodedColumn, column: Column) -> None:
    """Raise FileError for a column that is not what the model was trained with."""
    problem = None if one.kind == "factor" else problem_of(columns, column)
    if problem is not None:
        raise FileError(f"{what} {problem}.")
    kind = "factor" if column.kind == "text" else column.kind
    if kind != one.kind and len(column.missing) < len(column.values):
        shown = f"text ({seen(columns, column)})" if kind == "factor" else KINDS[kind]
        codes = f", or train with --factor '{one.name}', if its values are categories" if kind == "factor" else ""
        raise FileError(
            f"{what} holds {shown}, but the model was trained with {KINDS[one.kind]}: mend such cells{codes}."
        )
    if len(column.missing) and one.fill is None:
        raise FileError(
            f"{what} has no value in {missing_cells(columns, column)}: drop such rows, or train with --missing impute."
        )


def _said_of_unseen(what: str, columns: Columns, one: EncodedColumn, column: Column, *, refuse: bool) -> list[str]:
    """What to say of values that the model has not seen. Raises FileError if they are refused."""
    rows = unseen(one, column)
    if not len(rows):
        return []
    values = short(map(repr, np.unique(column.values[rows].astype(str)).tolist()))
    fact = f"{what} holds values that the model was not trained with ({values}; the first in {columns.place(rows[0])})"
    if refuse:
        raise FileError(f"{fact}: leave such rows out, or take --unseen zeros.")
    count = "1 row" if len(rows) == 1 else f"{len(rows)} rows"
    return [f"{fact}: all its inputs are 0 in {count}. --unseen error refuses such files."]

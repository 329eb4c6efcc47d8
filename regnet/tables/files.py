"""Tables from files: CSV, Parquet, Excel, NPY and NPZ, with errors that name the column, the line and the remedy."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from regnet.tables.asked import Asked, unknown_name
from regnet.tables.checks import judge_column, missing_cells, problem_of, seen, text_of
from regnet.tables.columns import INDEX_NAMES, Column, FileError, counts_rows, judge
from regnet.tables.encoding import EncodedColumn, gone, learn, numbers_rows, parts_of
from regnet.tables.frame import Frame
from regnet.tables.readers import Columns, read_columns
from regnet.tables.table import NAMED, Table, said_of_left_out, short
from regnet.tables.target import Target, target_of

__all__ = ["open_table", "read_table", "reader_of"]


def read_table(path: str, target: str | None = None, **asked: Any) -> Table:
    """The file as a table in memory; see `open_table`. asked: further fields of `Asked`."""
    with open_table(path, Asked(target, **asked)) as table:
        return table.held()


@contextmanager
def open_table(path: str, asked: Asked) -> Iterator[Table]:
    """The file as inputs and a target, whose columns are read when they are asked for, while it is open.

    Columns that say nothing of other rows are left out and noted: of one value, without values, an index without a
    name, the numbers of the rows (0, 1, 2, ... or 1, 2, 3, ...), text with a value for nearly every row. Text becomes
    an input for each value, a date its number of days. Raises FileError.
    """
    with read_columns(path) as columns:
        yield _table(path, columns, asked)


def reader_of(path: str, columns: Columns, factors: Collection[str] = ()) -> Callable[[str, slice], Column]:
    """What reads rows of a column; factors: those that are text, whatever they say.

    What a column holds is a fact of all its rows: those that are not numbers alone are judged whole.
    """

    def read(name: str, rows: slice) -> Column:
        number = columns.numbers[name]
        if name in factors:
            return text_of(columns, name).take(rows)
        if columns.numeric(number):
            return Column("number", columns.cells(number, rows))
        return judge_column(path, columns, name).take(rows)

    return read


@final
@dataclass
class _Survey:
    """What a file's columns hold. learnt: what becomes of each; left_out: why others are not used; problems: what is

    wrong with a column; missing: cells without a value, and where; holes: the rows without any (n,).
    """

    holes: NDArray[np.bool_]
    learnt: dict[str, EncodedColumn] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)


def _table(path: str, columns: Columns, asked: Asked) -> Table:
    """See `open_table`."""
    name = columns.names[-1] if asked.target is None else asked.target
    if name not in columns.numbers:
        raise FileError(f"--target: {path} {unknown_name(name, columns.names)} ({len(columns.names)} columns)")
    if len(columns.names) == 1:
        raise FileError(f"{path} has one column only: at least one input is needed beside the target.")
    asked = asked.of(path, columns.names)
    names = asked.inputs_of(path, columns.names, name)
    target = target_of(path, columns, name, asked.task, drop=asked.missing != "error")
    if asked.target is None and (counts_rows(judge(target.y)) is not None or name in INDEX_NAMES):
        fact = "is an index without a name" if name in INDEX_NAMES else "numbers the rows"
        raise FileError(f"{path}: the last column, {name!r}, {fact}: name the target.")
    survey = _surveyed(path, columns, asked, names, target)
    rows, notes = target.rows, [*columns.notes, *target.notes]
    if survey.missing and asked.missing == "error":
        raise FileError(_said_of_missing(path, survey.missing))
    holes = survey.holes | _without_role(path, columns, asked)
    if asked.missing == "drop" and holes.any():
        rows = rows[~holes[rows]]
        notes.append(f"{path}: {columns.rows - len(rows)} of {columns.rows} rows have missing values and are left out.")
        if not len(rows):
            raise FileError(f"{path}: every row has missing values: take --missing impute.")
        survey = _surveyed(path, columns, asked, names, target._replace(rows=rows))
    used = tuple(survey.learnt.values())
    try:
        parts_of(used)
    except ValueError as error:
        raise FileError(f"{path}: {error}") from error
    frame = Frame(survey.learnt, columns.rows, reader_of(path, columns, asked.factors), _as_slice(rows, columns.rows))
    kept = np.isin(target.rows, rows)
    return Table(
        frame, used, target.y[kept], name, target.task,
        (*notes, *said_of_left_out(survey.left_out, f"{path}: "), *_said_of_encoded(path, used)),
        weight=_weights(path, columns, asked.weight, rows), fold=_folds(path, columns, asked.fold, rows),
        impute=asked.missing == "impute", absent=tuple(one for one in columns.names if one not in survey.learnt),
        unheaded=() if columns.headed else columns.names,
    )  # fmt: skip


def _without_role(path: str, columns: Columns, asked: Asked) -> NDArray[np.bool_]:
    """The rows without a weight or a fold where these are asked for, (n,)."""
    found = np.zeros(columns.rows, dtype=bool)
    if asked.weight is not None:
        found |= gone(judge_column(path, columns, asked.weight))
    if asked.fold is not None:
        found |= gone(text_of(columns, asked.fold))
    return found


def _as_slice(rows: NDArray[np.int64], count: int) -> NDArray[np.int64] | slice:
    return slice(None) if len(rows) == count else rows


def _surveyed(path: str, columns: Columns, asked: Asked, names: Sequence[str], target: Target) -> _Survey:
    """What the inputs hold in the rows that count. Raises FileError that names all columns that are none."""
    found = _Survey(np.zeros(columns.rows, dtype=bool))
    for name in names:
        if asked.is_index(name):
            found.left_out[name] = "it is an index without a name (--keep-row-numbers keeps it)"
            continue
        column = text_of(columns, name) if name in asked.factors else judge_column(path, columns, name)
        problem = problem_of(columns, column) or _mistyped(columns, column, name in asked.factors)
        if problem is not None:
            found.problems.append(f"column {name!r} {problem}, or leave it out (--exclude '{name}')")
            continue
        keeps = asked.keep_row_numbers or name in (asked.columns or ())
        numbered = None if keeps else numbers_rows(column)  # of all rows, also where some are left out
        if numbered is not None:
            found.left_out[name] = f"{numbered} (--keep-row-numbers keeps it)"
            continue
        learnt = learn(name, _taken(column, target.rows), keep_row_numbers=True, any_levels=name in asked.factors)
        if isinstance(learnt, str):
            many = column.kind == "text" and "different values" in learnt
            found.left_out[name] = f"{learnt} (--factor keeps it)" if many else learnt
            continue
        found.learnt[name] = learnt
        if len(column.missing):
            found.holes |= gone(column)
            found.missing[name] = missing_cells(columns, column)
    if found.problems:
        raise FileError(f"{path}: {_listed(found.problems)}.")
    if not found.learnt:
        _only_row_numbers(path, columns, asked, names, found)
    return found


def _taken(column: Column, rows: NDArray[np.int64]) -> Column:
    return column if len(rows) == len(column.values) else column.take(rows)


def _only_row_numbers(path: str, columns: Columns, asked: Asked, names: Sequence[str], found: _Survey) -> None:
    """Where there is nothing else to learn from, the numbers of the rows are an input. Raises FileError."""
    numbered = [name for name in names if found.left_out[name].startswith("it numbers the rows")]
    for name in numbered:
        learnt = learn(name, judge_column(path, columns, name), keep_row_numbers=True)
        if isinstance(learnt, EncodedColumn):
            found.learnt[name] = learnt
            del found.left_out[name]
    if not found.learnt:
        raise FileError(f"{path}: no column is an input. {' '.join(said_of_left_out(found.left_out))}")


def _mistyped(columns: Columns, column: Column, asked: bool) -> str | None:
    """What to say of text that is numbers for the most part, unless it was asked for."""
    if asked or column.kind != "text" or 2 * column.numbers <= columns.rows - len(column.missing):
        return None
    return (
        f"holds text ({seen(columns, column)}): mend the cells that are no numbers, take its values for categories "
        "(--factor NAME)"
    )


def _listed(problems: list[str]) -> str:
    more = f"; and {len(problems) - NAMED} more columns" if len(problems) > NAMED else ""
    return "; ".join(problems[:NAMED]) + more


def _said_of_missing(path: str, missing: dict[str, str]) -> str:
    listed = [f"{name!r} ({fact})" for name, fact in missing.items()]
    count = "a column has" if len(listed) == 1 else f"{len(listed)} columns have"
    more = f", and {len(listed) - NAMED} more" if len(listed) > NAMED else ""
    return (
        f"{path}: {count} no value in some rows: {', '.join(listed[:NAMED])}{more}. --missing impute puts the median "
        "or the commonest value there, and a further input says where; --missing drop leaves such rows out; --exclude "
        f"'{next(iter(missing))}' leaves a column out."
    )


def _said_of_encoded(path: str, columns: Sequence[EncodedColumn]) -> list[str]:
    """What becomes of text and dates."""
    texts = [
        f"{path}: column {one.name!r} holds text, and becomes {len(one.levels)} inputs, one a value: "
        f"{short(f'{one.name}={level}' for level in one.levels)}."
        for one in columns
        if one.kind == "factor"
    ]
    dates = [one.name for one in columns if one.kind == "date"]
    if dates:
        texts.append(f"{path}: dates become days since 1970: {short(dates)}.")
    holes = [one.name for one in columns if one.indicator]
    if holes:
        texts.append(f"{path}: an input each says where there is no value: {short(holes)}.")
    return texts


def _weights(path: str, columns: Columns, name: str | None, rows: NDArray[np.int64]) -> NDArray[np.float64] | None:
    """The rows' weights. Raises FileError for what is none."""
    if name is None:
        return None
    column = judge_column(path, columns, name).take(rows)
    values = np.asarray(column.values, dtype=np.float64) if column.kind == "number" else np.full(len(rows), np.nan)
    if not values.any():
        raise FileError(f"{path}: column {name!r}, of --weights, is 0 in every row: no row would count.")
    bad = np.flatnonzero(~((values >= 0) & np.isfinite(values)))
    if len(bad):
        raise FileError(
            f"{path}: column {name!r}, of --weights, holds {column.cell(int(bad[0]))} in "
            f"{columns.place(int(rows[bad[0]]))}: a weight is a finite number of 0 or more"
            + (" (--missing drop leaves out rows without one)." if bad[0] in column.missing else ".")
        )
    return values


def _folds(path: str, columns: Columns, name: str | None, rows: NDArray[np.int64]) -> NDArray[Any] | None:
    """The number of each row's fold. Raises FileError where a row has none."""
    if name is None:
        return None
    column = text_of(columns, name).take(rows)
    if len(column.missing):
        where = columns.place(int(rows[column.missing[0]]))
        raise FileError(
            f"{path}: column {name!r}, of --fold, has no value in {where} (--missing drop leaves such rows out)."
        )
    labels, numbers = np.unique(np.asarray(column.values, dtype=str), return_inverse=True)
    if len(labels) < 2:
        raise FileError(f"{path}: column {name!r}, of --fold, is the same in every row: two folds at least are needed.")
    return numbers

"""Tables from files: CSV, Parquet, NPY and NPZ, with errors that name the column, the line and the remedy."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from regnet.tables.checks import check_values, judge_column, seen
from regnet.tables.columns import INDEX_NAMES, Column, FileError, counts_rows, judge
from regnet.tables.factors import columns_of_levels, level_columns, levels_of
from regnet.tables.readers import Columns, read_columns
from regnet.tables.table import Table
from regnet.tables.target import target_of

__all__ = ["read_features", "read_table"]


def read_table(
    path: str,
    target: str | None = None,
    *,
    task: str | None = None,
    keep_row_numbers: bool = False,
    without: Collection[str] = (),
) -> Table:
    """The file as inputs in float64 and a target; target: a column's name, by default the last column.

    task: 'classification' or 'regression'; by default classification if the target is text, boolean, or whole
    numbers with at most 20 different values. Columns that number the rows (0, 1, 2, ... or 1, 2, 3, ..., or an index
    without a name) are left out and noted, unless keep_row_numbers. A column of text with few values becomes one input
    for each of them, which is noted. without: columns that are not looked at. Raises FileError.
    """
    with read_columns(path) as columns:
        return _table(path, columns, target, task, keep_row_numbers=keep_row_numbers, without=without)


def _table(
    path: str,
    columns: Columns,
    target: str | None,
    task: str | None,
    *,
    keep_row_numbers: bool,
    without: Collection[str],
) -> Table:
    """See `read_table`."""
    name = columns.names[-1] if target is None else target
    if name not in columns.names:
        raise FileError(f"{path} has no column {name!r} for the target. Its columns: {', '.join(columns.names)}.")
    if len(columns.names) == 1:
        raise FileError(f"{path} has one column only: at least one input is needed beside the target.")
    y, task, notes = target_of(path, columns, name, task)
    if target is None and (counts_rows(judge(y)) is not None or name in INDEX_NAMES):
        fact = "is an index without a name" if name in INDEX_NAMES else "numbers the rows"
        raise FileError(f"{path}: the last column, {name!r}, {fact}: name the target.")
    absent = tuple(column for column in columns.names if column in without and column != name)
    judged = {column: judge_column(path, columns, column) for column in columns.names if column not in {name, *absent}}
    if not judged:
        raise FileError(f"{path}: no input is left without {', '.join(map(repr, absent))}.")
    said = {} if keep_row_numbers else {column: _index(column, one) for column, one in judged.items()}
    left_out = {column: text for column, text in said.items() if text}
    if len(left_out) == len(judged):  # nothing else to learn from
        left_out = {}
    notes += [f"{path}: {text} and is left out; --keep-row-numbers keeps it." for text in left_out.values()]
    kept = {column: one for column, one in judged.items() if column not in left_out}
    inputs, factors, said_of_text = _inputs(path, columns, kept)
    told = (*columns.notes, *notes, *said_of_text)
    return Table(
        np.stack(list(inputs.values()), axis=1), y, tuple(inputs), name, task, told, factors=factors, absent=absent
    )


def read_features(
    path: str, names: tuple[str, ...], factors: Mapping[str, tuple[str, ...]] = MappingProxyType({})
) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """The inputs `names` of the file, in this order, (n, len(names)), float64; and what a user should know.

    factors: values of columns of text, of which an input may be one (`level_columns`). Other columns are ignored. A
    file without a header, whose columns are column0, column1, ..., is taken as it stands if it has as many columns as
    are needed and not these names. Raises FileError.
    """
    with read_columns(path) as columns:
        return _features(path, columns, names, factors), columns.notes


def _features(
    path: str, columns: Columns, names: tuple[str, ...], factors: Mapping[str, tuple[str, ...]]
) -> NDArray[np.float64]:
    """See `read_features`."""
    parts = level_columns(factors)
    needed = tuple(dict.fromkeys(parts[name].factor if name in parts else name for name in names))
    missing = [name for name in needed if name not in columns.names]
    place = dict(zip(needed, needed, strict=True))
    if missing and not columns.headed and len(columns.names) == len(needed):
        place = dict(zip(needed, columns.names, strict=True))
    elif missing:
        remedy = "rename the columns as they were in training" if columns.headed else "write their names above them"
        raise FileError(
            f"{path} has {len(columns.names)} columns ({_short(columns.names)}), but the model was trained on "
            f"{len(needed)}; missing: {_short(missing)}. Columns are found by name: {remedy}."
        )
    found: dict[str, NDArray[np.float64]] = {}
    for name in needed:
        column = judge_column(path, columns, place[name])
        if name in factors:
            found |= _known_levels(path, columns, place[name], column, (name, factors[name]))
        else:
            found[name] = _numeric(path, columns, place[name], column, trained=True)
    return np.stack([found[name] for name in names], axis=1)


def _short(names: Any) -> str:
    listed = [str(name) for name in names]
    return ", ".join(listed[:10]) + (f", ... ({len(listed)} in all)" if len(listed) > 10 else "")


def _index(name: str, column: Column) -> str | None:
    """What to say of a column that numbers or names the rows; None for any other."""
    first = counts_rows(column)
    if first is not None:
        return f"column {name!r} numbers the rows ({first} to {len(column.values) - 1 + first})"
    return f"column {name!r} is an index without a name" if name in INDEX_NAMES else None


def _inputs(
    path: str, columns: Columns, judged: Mapping[str, Column]
) -> tuple[dict[str, NDArray[np.float64]], dict[str, tuple[str, ...]], list[str]]:
    """The inputs (n,) by name, the values of those that are text, and what to say of these. Raises FileError."""
    inputs: dict[str, NDArray[np.float64]] = {}
    factors: dict[str, tuple[str, ...]] = {}
    notes = []
    for name, column in judged.items():
        levels = levels_of(column)
        if levels is None:
            own = {name: _numeric(path, columns, name, column)}
        else:
            factors[name], own = levels, columns_of_levels(name, column.values, levels)
            notes.append(
                f"{path}: column {name!r} holds text, and becomes {len(levels)} inputs, one a value: {_short(own)}."
            )
        twice = [one for one in own if one in inputs or (one in judged and one != name)]
        if twice:
            raise FileError(f"{path}: a value of column {name!r} and another column are both {twice[0]!r}: rename one.")
        inputs |= own
    return inputs, factors, notes


def _known_levels(
    path: str, columns: Columns, name: str, column: Column, factor: tuple[str, tuple[str, ...]]
) -> dict[str, NDArray[np.float64]]:
    """The inputs of a column of text whose values are known. Raises FileError for a value that is not."""
    cells = np.asarray([str(cell) for cell in (column.values if column.shown is None else column.shown)], dtype=object)
    unknown = np.flatnonzero(~np.isin(cells, factor[1]))
    if len(unknown):
        row = int(unknown[0])
        raise FileError(
            f"{path}: column {name!r} holds {column.cell(row)} in {columns.place(row)}, a value that the model was not "
            f"trained with ({_short(factor[1])}): leave such rows out, or train with them."
        )
    return columns_of_levels(factor[0], cells, factor[1])


def _numeric(path: str, columns: Columns, name: str, column: Column, *, trained: bool = False) -> NDArray[np.float64]:
    """An input's values. Raises FileError for anything that is no finite number."""
    what = f"{path}: column {name!r}"
    leave = f" To leave it out: --penalty-factor '{name}=inf'."
    check_values(what, columns, column, otherwise="" if trained else leave)
    if column.kind == "text":
        fact = "the model was trained with numbers." if trained else _no_factor(name, columns, column)
        raise FileError(f"{what} holds text ({seen(columns, column)}), but {fact}")
    return np.asarray(column.values, dtype=np.float64)


def _no_factor(name: str, columns: Columns, column: Column) -> str:
    """Why a column of text is no input, and what to do."""
    leave = f"leave it out (--penalty-factor '{name}=inf'), or name it as the target"
    if column.numbers:
        return f"inputs are numbers or text: mend the cells that are no numbers, {leave}."
    if len(column.missing):
        lines = ", ".join(columns.place(int(row)) for row in column.missing[:5])
        return f"{len(column.missing)} of its cells are empty ({lines}): name their value, drop such rows, {leave}."
    different = len(set(column.values.tolist()))
    if different == 1:
        return f"it is the same in every row: {leave}."
    return (
        f"it has {different} different values in {columns.rows} rows, too many for an input each: encode it in another "
        f"way, {leave}."
    )

"""The columns of a CSV, Parquet, NPY or NPZ file, as the file has them; what they mean is judged elsewhere."""

from __future__ import annotations

import csv
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, TextIO, final
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from regnet.tables.columns import FileError, is_number, looks_like_a_row, plain_numbers, running_header
from regnet.tables.datasets import NAMES

__all__ = ["Columns", "read_columns"]

CHUNK = 50_000
"""Rows of text that are held at once."""

SAMPLE = 5
"""Lines by which the delimiter is told."""


@final
@dataclass(frozen=True)
class Columns:
    """A file's columns, each (n,).

    names; headed: whether they are the file's own, not column0, column1, ...; cells: a column by its number, typed, or
    text as str objects; text: a column as the file writes it, or None where it is typed; place: 'line 3' of a row's
    number; parse: whether text may be numbers; notes: what a user should know of the reading.
    """

    names: tuple[str, ...]
    headed: bool
    rows: int
    cells: Callable[[int], NDArray[Any]]
    place: Callable[[int], str] = lambda row: f"row {row + 1}"
    text: Callable[[int], NDArray[Any]] | None = None
    notes: tuple[str, ...] = ()


def read_columns(path: str) -> Columns:
    """Open the file. Raises FileError."""
    file = Path(path)
    if file.is_dir():
        raise FileError(f"{path!r} is a folder: name a file in it.")
    if not file.is_file():
        known = "" if file.suffix else f", and no data set of that name ({', '.join(NAMES)})"
        raise FileError(f"There is no file {path!r}{known}.")
    readers = dict.fromkeys((".csv", ".tsv", ".txt"), _read_text)
    readers |= {".parquet": _read_parquet, ".npy": _read_numpy, ".npz": _read_numpy}
    if file.suffix.lower() not in readers:
        raise FileError(f"{path} is of no kind that regnet reads: give a .csv, .tsv, .parquet, .npy or .npz file.")
    try:
        columns = readers[file.suffix.lower()](file)
    except UnicodeDecodeError as error:
        raise FileError(f"{path} is no text in UTF-8 ({error}): save it in that encoding.") from error
    except (OSError, csv.Error) as error:
        raise FileError(f"{path} cannot be read: {error}") from error
    if not columns.rows:
        raise FileError(f"{path} has no rows{' below its header' if columns.headed else ''}.")
    twice = [name for name in dict.fromkeys(columns.names) if columns.names.count(name) > 1]
    if twice:
        raise FileError(f"{path}: two columns have the same name ({', '.join(map(repr, twice))}): rename one.")
    return columns


def _open(path: Path) -> TextIO:
    return path.open(newline="", encoding="utf-8-sig")


def _delimiter(path: Path) -> str:
    """The one that cuts the first lines into as many cells each: 3,14;2,72 has two. Else the first line's commonest."""
    for delimiter in "\t;,":
        with _open(path) as file:
            widths = {len(row) for row in islice(csv.reader(file, delimiter=delimiter), SAMPLE) if row}
        if len(widths) == 1 and widths != {1}:
            return delimiter
    with _open(path) as file:
        first = file.readline()
    return max(",;\t", key=first.count)


def _lines(path: Path, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Line numbers, from 1, and cells; blank lines are no rows."""
    with _open(path) as file:
        reader = csv.reader(file, delimiter=delimiter)
        line = 1
        for row in reader:
            if row:
                yield line, row
            line = reader.line_num + 1


def _read_text(path: Path) -> Columns:
    """A header, and numbers by chunks; a column that holds anything else is read again, as text, when it is needed."""
    delimiter = _delimiter(path)
    first = next(_lines(path, delimiter), None)
    if first is None:
        raise FileError(f"{path} is empty.")
    lines = _lines(path, delimiter)
    names, headed, notes = _header(path, [row for _, row in islice(_lines(path, delimiter), 2)])
    if headed:
        next(lines)
    numbers: list[int] = []
    chunks: list[list[NDArray[np.float64] | None]] = [[] for _ in names]
    while rows := list(islice(lines, CHUNK)):
        for line, row in rows:
            if len(row) != len(names):
                raise FileError(f"{path}: line {line} has {len(row)} cells, but there are {len(names)} columns.")
        numbers += [line for line, _ in rows]
        for chunk, cells in zip(chunks, zip(*(row for _, row in rows), strict=True), strict=True):
            chunk.append(None if chunk and chunk[-1] is None else plain_numbers(cells))

    def text(column: int) -> NDArray[Any]:
        every = _lines(path, delimiter)
        return np.asarray([row[column] for _, row in islice(every, int(headed), None)], dtype=object)

    def cells_of(column: int) -> NDArray[Any]:
        parts = [part for part in chunks[column] if part is not None]
        return np.concatenate(parts) if len(parts) == len(chunks[column]) else text(column)

    return Columns(names, headed, len(numbers), cells_of, lambda row: f"line {numbers[row]}", text, notes)


def _header(path: Path, rows: list[list[str]]) -> tuple[tuple[str, ...], bool, tuple[str, ...]]:
    """Names, whether they stand in the file, and what to say, from the first one or two lines with cells."""
    cells, below = [cell.strip() for cell in rows[0]], rows[1:]
    unnamed = tuple(f"column{number}" for number in range(len(cells)))
    shown = ", ".join(cells if len(cells) < 6 else [*cells[:3], "...", cells[-1]])
    whole = not below or all(cell.strip().isdigit() for cell in below[0])
    if len(cells) == 2 and running_header(cells) and whole:
        raise FileError(f"{path}: the first line ({shown}) may be a header or a row: put a line of names above it.")
    if all(map(is_number, cells)) and not running_header(cells):
        return unnamed, False, ()
    if cells[0] and looks_like_a_row(cells, below[0] if below else []):
        raise FileError(
            f"{path}: the first line ({shown}) may be a row as well as a header, with numbers among its cells: put a "
            "line of names above it, or use names that are no numbers."
        )
    nameless = [number for number, cell in enumerate(cells) if not cell and number]
    if nameless:
        raise FileError(f"{path}: column {nameless[0] + 1} has no name in the first line: give it one, or delete it.")
    note = f"{path}: the first line ({shown}) is taken for a header; if it is a row, put a line of names above it."
    return tuple(cells), True, (note,) if any(map(is_number, cells)) else ()


def _read_parquet(path: Path) -> Columns:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise FileError("Reading Parquet needs pyarrow: pip install pyarrow.") from error
    try:
        table = parquet.ParquetFile(path).read()
    except pyarrow.ArrowException as error:
        raise FileError(f"{path} cannot be read: {error}") from error
    # pandas writes the index of a frame behind its columns, where the target is looked for; a CSV has it before them.
    index = (table.schema.pandas_metadata or {}).get("index_columns", [])
    order = sorted(range(table.num_columns), key=lambda column: table.column_names[column] not in index)
    names = tuple(str(table.column_names[column]) for column in order)
    return Columns(names, True, table.num_rows, lambda column: np.asarray(table.column(order[column]).to_numpy()))


def _read_numpy(path: Path) -> Columns:
    try:
        with path.open("rb") as file:
            loaded = np.load(file, allow_pickle=False)
            single = isinstance(loaded, np.ndarray)
            arrays = {"x": loaded} if single else {name.lower(): loaded[name] for name in loaded}
    except (ValueError, EOFError, BadZipFile, zlib.error) as error:
        raise FileError(f"{path} cannot be read: {error}") from error
    x = next((arrays[name] for name in ("x", "data", "features") if name in arrays), None)
    y = next((arrays[name] for name in ("y", "target", "labels") if name in arrays), None)
    if x is None:
        raise FileError(f"{path} holds {', '.join(arrays)}; an NPZ file needs an array x, and y for the target.")
    if x.ndim != 2:
        raise FileError(f"{path}: the table has {x.ndim} axes, but needs 2 (rows, columns).")
    if y is not None and y.shape != (len(x),):
        raise FileError(f"{path}: y has shape {y.shape}, but x has {len(x)} rows.")
    names = tuple(f"column{number}" for number in range(x.shape[1]))
    columns = [*x.T, *([] if y is None else [y])]
    return Columns((*names, *([] if y is None else ["y"])), False, len(x), lambda column: columns[column])

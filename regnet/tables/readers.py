"""The columns of a file, as the file has them; what they mean is judged elsewhere."""

from __future__ import annotations

import csv
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Protocol, final
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from regnet.tables.columns import FileError
from regnet.tables.datasets import NAMES

__all__ = ["Cells", "Columns", "read_columns"]

TEXT = (".csv", ".tsv", ".txt", ".tab", ".data", ".gz")
TYPED = (".parquet", ".arrow", ".feather")
ARRAYS = (".npy", ".npz")
SHEETS = (".xlsx", ".xls", ".ods")


class Cells(Protocol):
    """Cells of a column, all of them or some consecutive rows."""

    def __call__(self, column: int, rows: slice = slice(None)) -> NDArray[Any]: ...


@final
@dataclass(frozen=True)
class Columns:
    """A file's columns, each (n,).

    names; headed: whether they are the file's own, not column0, column1, ...; cells: a column by its number, typed, or
    text as str objects, which is a fact of the whole column, whatever rows are asked for; numeric: whether every cell
    of a column is a finite number; text: a column as the file writes it, or None where it is typed; place: 'line 3' of
    a row's number; notes: what a user should know of the reading.
    """

    names: tuple[str, ...]
    headed: bool
    rows: int
    cells: Cells
    numeric: Callable[[int], bool]
    place: Callable[[int], str] = lambda row: f"row {row + 1}"
    text: Cells | None = None
    notes: tuple[str, ...] = ()

    @cached_property
    def numbers(self) -> dict[str, int]:
        """The number of each column; looking it up in `names` for all of 10,000 takes seconds."""
        return {name: number for number, name in enumerate(self.names)}


@contextmanager
def read_columns(path: str) -> Iterator[Columns]:
    """The file's columns, while it is open. Raises FileError."""
    file, kind = Path(path), ".csv" if path == "-" else Path(path).suffix.lower()
    if file.is_dir():
        raise FileError(f"{path!r} is a folder: name a file in it.")
    if path != "-" and not file.exists():
        known = "" if file.suffix else f", and no data set of that name ({', '.join(NAMES)})"
        raise FileError(f"There is no file {path!r}{known}.")
    kinds = {**dict.fromkeys(TEXT, _open_text), **dict.fromkeys(TYPED, _open_typed)}
    kinds |= {**dict.fromkeys(SHEETS, _open_sheet), **dict.fromkeys(ARRAYS, _open_numpy)}
    if kind not in kinds:
        raise FileError(
            f"{path} is of no kind that regnet reads: give a .csv, .tsv, .csv.gz, .parquet, .arrow, .xlsx, .ods, .npy "
            "or .npz file."
        )
    with ExitStack() as opened:
        try:
            columns = opened.enter_context(kinds[kind](file))
            _check(path, columns)
        except (OSError, EOFError, csv.Error) as error:
            raise FileError(f"{path} cannot be read: {error}") from error
        yield columns  # an error of writing what becomes of them is none of this file


def _check(path: str, columns: Columns) -> None:
    if not columns.rows:
        raise FileError(f"{path} has no rows{' below its header' if columns.headed else ''}.")
    twice = [name for name, count in Counter(columns.names).items() if count > 1]
    if twice:
        raise FileError(f"{path}: two columns have the same name ({', '.join(map(repr, twice))}): rename one.")


@contextmanager
def _open_text(path: Path) -> Iterator[Columns]:
    from regnet.tables.text import open_text  # not above: importing DuckDB takes longer than reading most files

    with open_text(str(path)) as table:
        store = table.store
        yield Columns(
            table.names, table.headed, store.rows, store.cells, store.numeric, table.place, store.text, table.notes
        )


@contextmanager
def _open_typed(path: Path) -> Iterator[Columns]:
    from regnet.tables.parquet import open_typed

    with open_typed(path) as table:
        yield Columns(table.names, True, table.rows, table.cells, table.numeric)


@contextmanager
def _open_sheet(path: Path) -> Iterator[Columns]:
    from regnet.tables.excel import open_sheet

    table = open_sheet(path)
    yield Columns(
        table.names, True, table.rows, *_held(table.columns), table.place, _written(table.columns), table.notes
    )


def _written(columns: Sequence[NDArray[Any]]) -> Cells:
    """Cells as text, as they would stand in a file of text."""

    def text(column: int, rows: slice = slice(None)) -> NDArray[Any]:
        return np.asarray(["" if cell is None else str(cell) for cell in columns[column][rows].tolist()], dtype=object)

    return text


@contextmanager
def _open_numpy(path: Path) -> Iterator[Columns]:
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
    yield Columns((*names, *([] if y is None else ["y"])), False, len(x), *_held(columns))


def _held(columns: Sequence[NDArray[Any]]) -> tuple[Cells, Callable[[int], bool]]:
    """`cells` and `numeric` of columns that are in memory."""

    def cells(column: int, rows: slice = slice(None)) -> NDArray[Any]:
        return columns[column][rows]

    @cache
    def numeric(column: int) -> bool:
        values = columns[column]
        return values.dtype.kind in "iub" or (values.dtype.kind == "f" and bool(np.isfinite(values).all()))

    return cells, numeric
